"""Commands: what each one does to the environment, the scopes and the list of messages.

Follows Lean 4's `Lean/Elab/{Command,MutualDef,BuiltinCommand,DeclModifiers}.lean`. A command `X` is
run by the method `cmd_x`; one without a method is declined by its name. Inductive types and
structures are declared in `decl_types.py`, recursive functions compiled in `elab_rec.py`.
Run: `python -m minilean check FILE.lean`.
"""
from dataclasses import dataclass, field, replace
from itertools import groupby

from minilean.front import syntax as sx
from minilean.front.budget import kernel_steps
from minilean.front.decl_run import DeclRun
from minilean.front.decl_types import InductiveRun, StructureRun
from minilean.front.elab import TermElab
from minilean.front.errors import FAILURES, Declined, LeanError, describe
from minilean.front.meta import Meta
from minilean.front.notation import WORDS
from minilean.front.parser import Parser
from minilean.front.pp import BRACKETS
from minilean.front.scope import Scope, with_auto_bound
from minilean.front.simp import add_simp_attr
from minilean.front.terms import conclusion
from minilean.kernel import term as tm
from minilean.kernel.axioms import collect_axioms
from minilean.kernel.env import QuotSpec

TAGS = ("reducible", "irreducible", "elab_as_elim", "match_pattern")  # each a table of `Ext`
DECLARATIONS = {"decl": DeclRun, "inductive": InductiveRun, "structure": StructureRun}


@dataclass(frozen=True, slots=True)
class State:
    """What one command hands to the next; `missing`: what was declined on the way."""

    env: object
    ext: object
    scope: Scope = Scope()
    missing: str | None = None
    remembered: dict = field(default_factory=dict, init=False)  # a changed State has none yet


class CommandElab:
    """Runs commands one after another.

    messages: (severity, text, node or (pos, end)). sorries: (node or (pos, end), local context,
    type, elaborator); root_goals: the same for the start of each tactic block, tactics: what
    `record` keeps; both are lists when asked for. declined: the first feature.
    """

    def __init__(self, state, max_steps=400_000, deadline=None):
        self.state, self.inherited = state, state.scope.variables
        self.max_steps, self.deadline = max_steps, deadline
        self.text, self.messages = "", []
        self.sorries = []
        self.tactics = self.root_goals = self.declined = None

    # --- running --------------------------------------------------------------------------------

    def run_text(self, text):
        """Run every command of `text`; errors become messages."""
        self.text, parser = text, Parser(text)
        while parser.tok.kind != "eof":
            try:
                self.run(parser.command())
            except FAILURES as err:
                self.report(err, (parser.tok.pos, None))
                parser.skip_to_command()

    def run(self, cmd):
        """Execute one command; errors become messages."""
        scope, kind = self.state.scope, type(cmd).__name__.lower()
        try:
            if kind in DECLARATIONS:
                DECLARATIONS[kind](self, cmd).run()
            elif hasattr(self, f"cmd_{kind}"):
                getattr(self, f"cmd_{kind}")(cmd)
            else:
                raise Declined(f"command {kind}")
            if getattr(cmd, "inner", None) is not None:  # `open … in`: for one command only
                self.run(cmd.inner)
                self.state = replace(self.state, scope=scope)
        except FAILURES as err:
            self.report(err, getattr(cmd, "name_pos", cmd))

    def report(self, err, at):
        """Add the message of one of the FAILURES; `at`: where, if the error does not know."""
        text, feature = describe(err)
        self.declined = self.declined or feature
        self.messages.append(("error", text, getattr(err, "stx", None) or at))

    def placed(self, at):
        """{"pos", "endPos"}, as in the REPL's answers, of a syntax node or a pair of offsets."""
        def position(offset):
            line, column = sx.line_col(self.text, offset)
            return {"line": line, "column": column}
        start, end = at if isinstance(at, tuple) else (at.pos, at.end)
        return {"pos": position(start), "endPos": None if end is None else position(end)}

    def new_elab(self, name="_example"):
        """A TermElab over a fresh Meta in the current state."""
        meta = Meta(self.state.env, self.state.ext, self.max_steps, self.deadline)
        scope = self.state.scope
        meta.spaces = tuple(dict.fromkeys((*scope.opened, *scope.namespaces())))
        meta.shared = self.state.remembered
        elab = TermElab(meta, self.state.scope, self.messages, name)
        elab.recorder = None if self.tactics is None else self.record
        elab.root_goals = self.root_goals
        return elab

    def record(self, ctx, stx, goals):
        """Keep a tactic that is about to run; Lean lists no tactic that only arranges others, but
        it does list braces."""
        if not (stx.kind in ("<;>", "paren") or stx.kind == "·" and len(stx.args) == 1):
            texts = [ctx.meta.pp_goal(g) for g in goals]
            self.tactics.append((stx, ctx.meta.fork(), goals, texts, ctx.elab))

    # --- scopes ---------------------------------------------------------------------------------

    def change(self, **changes):
        """Change the scope."""
        self.state = replace(self.state, scope=replace(self.state.scope, **changes))

    def cmd_variable(self, cmd):
        if self.inherited or any(b.type is None for b in cmd.binders):
            raise Declined("variables without a type or on top of an earlier request's", cmd)
        elab, variables = self.new_elab(), (*self.state.scope.variables, *cmd.binders)
        with_auto_bound(elab, variables, lambda *_: elab.synthesize("no"))
        self.change(variables=variables)

    def cmd_universe(self, cmd):
        universes = (*self.state.scope.universes, *cmd.names)
        if len(set(universes)) < len(universes):
            raise LeanError("a universe level of that name has already been declared", cmd)
        self.change(universes=universes)

    def cmd_namespace(self, cmd):
        for part in cmd.name.split("."):
            space = self.full_name(part)
            self.own_ext().own("namespaces").add(space)
            self.change(name=part, outer=self.state.scope, namespace=space)

    def cmd_section(self, cmd):
        for part in (cmd.name or "").split("."):
            self.change(name=part, outer=self.state.scope)

    def cmd_end(self, cmd):
        for part in reversed((cmd.name or "").split(".")):
            scope = self.state.scope
            if scope.outer is None or scope.name != part:
                raise LeanError(f"Invalid `end`: There is no current scope `{part}` to end", cmd)
            self.state = replace(self.state, scope=scope.outer)

    def cmd_open(self, cmd):
        for name in cmd.names:
            scope = self.state.scope
            spaces = [f"{space}.{name}".lstrip(".")
                      for space in (*scope.namespaces(), "", *scope.opened)]
            spaces = [space for space in spaces if space in self.state.ext.namespaces]
            if not spaces and name.split(".")[0] not in WORDS["library names"]:
                raise LeanError(f"Unknown namespace `{name}`", cmd)
            if not cmd.scoped:
                self.change(opened=(*scope.opened, *spaces))

    def cmd_export(self, cmd):
        elab, table = self.new_elab(), self.own_ext().own("aliases")
        for name in cmd.names:
            short = self.full_name(name)
            table[short] = *table.get(short, ()), elab.resolve_const(f"{cmd.namespace}.{name}")

    def cmd_setoption(self, cmd):
        if not cmd.name.startswith(tuple(WORDS["options"])):
            raise Declined(f"option {cmd.name}", cmd)
        self.change(options={**self.state.scope.options, cmd.name: cmd.value})

    def cmd_import(self, cmd):
        """All modules are the one library that minilean has."""

    # --- declarations ---------------------------------------------------------------------------

    def cmd_initquot(self, cmd):
        self.add_decl(QuotSpec())

    def full_name(self, name):
        """The name of a declaration that is called `name` in the current namespace."""
        if name.startswith("_root_."):
            return name[7:]
        return f"{self.state.scope.namespace}.{name}".lstrip(".")

    def add_decl(self, decl):
        """Hand a declaration to the kernel, with a step budget that fits the time left."""
        env = self.state.env.add(decl, kernel_steps(self.deadline))
        self.state = replace(self.state, env=env)

    def own_ext(self):
        """The state's Ext, private to the current command from now on."""
        self.state = replace(self.state, ext=self.state.ext.child())
        return self.state.ext

    def add_name(self, name, flags):
        """What a declaration's name brings along: namespaces, `protected`."""
        ext = self.own_ext()
        ext.own("namespaces").add(name.rpartition(".")[0])
        if "protected" in flags:
            ext.own("protected").add(name)

    # --- attributes -----------------------------------------------------------------------------

    def cmd_attribute(self, cmd):
        elab = self.new_elab()
        for name in cmd.names:
            full = elab.resolve_const(name)
            for attr in cmd.attrs:
                self.apply_attr(attr, full)

    def apply_attr(self, attr, name):
        """The effect of one attribute on the declaration `name`."""
        kind = f"-{attr.name}" if attr.erase else attr.name
        ext, space = self.own_ext(), self.state.scope.namespace
        meta, type_ = self.new_elab().meta, self.state.env.lookup(name).type
        if kind == "simp":
            add_simp_attr(meta, name, attr)
        elif kind in TAGS:
            ext.own(kind).add(name)
        elif kind == "instance" and attr.kind == "global":
            meta.add_instance(name, attr.priority)
        elif kind == "instance" and attr.kind == "scoped" and space:  # found after the others
            meta.add_instance(name, 0, space)
        elif kind == "refl":
            relation = tm.get_app_fn(conclusion(type_)).name
            ext.own("refl_lemmas")[relation] = (*ext.refl_lemmas.get(relation, ()), name)
        elif kind == "default_instance":
            meta.add_default_instance(name, attr.priority)
        else:
            raise Declined(f"{attr.kind} attribute {kind}", attr)

    # --- queries --------------------------------------------------------------------------------

    def cmd_check(self, cmd):
        elab = self.new_elab()
        names = elab.global_candidates(cmd.term.name) if type(cmd.term) is sx.Ident else ()
        if names:
            return self._info(self._signature(elab.meta, names[0]), cmd)

        def show(_):
            e = elab.elab_term(cmd.term)
            if not elab.had_error:
                e, ty = elab.levels_to_params(e, elab.meta.infer(e))
                self._info(f"{elab.meta.pp(e)} : {elab.meta.pp(ty)}", cmd)
        elab.elab_binders(self.state.scope.variables, show)

    def _signature(self, meta, name):
        """`name.{u} (binders) : type`, as #check prints a constant."""
        decl, n_named = self.state.env.lookup(name), 0
        rest = decl.type
        while type(rest) is tm.Pi and (rest.info == "inst" or not rest.name.endswith("✝")):
            rest, n_named = rest.body, n_named + 1
        decls, rest = meta.forall_locals(decl.type, n_named, reducing=False)
        words = [f"{name}.{{{', '.join(decl.level_params)}}}" if decl.level_params else name]
        for (info, text), group in groupby(decls, key=lambda d: (d.bi, meta.pp(d.type))):
            names = " ".join([d.name for d in group])
            anonymous = info == "inst" and names.startswith("inst")
            words.append(BRACKETS[info].format(text if anonymous else f"{names} : {text}"))
        return f"{' '.join(words)} : {meta.pp(rest)}"

    def cmd_print(self, cmd):
        name = self.new_elab().resolve_const(cmd.name)
        axioms = sorted(collect_axioms(self.state.env, name), key=lambda a: (a.count("."), a))
        listed = f"depends on axioms: [{', '.join(axioms)}]"
        rests = listed if axioms else "does not depend on any axioms"
        self._info(f"'{name}' {rests}", cmd)

    def _info(self, text, cmd):
        """A message at the keyword of a #check or #print."""
        self.messages.append(("info", text, (cmd.pos, cmd.pos + len("#check"))))
