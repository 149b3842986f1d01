"""Commands: what each one does to the environment, the scopes and the list of messages.

Follows Lean 4's `Lean/Elab/{Command,MutualDef,BuiltinCommand,DeclModifiers}.lean`. A command `X` is
run by the method `cmd_x`; one without a method is declined by its name. Inductive types and
structures are declared in `decl_types.py`, recursive functions compiled in `elab_rec.py`.
Run: `python -m minilean check FILE.lean`.
"""
from dataclasses import dataclass, field, replace
from itertools import groupby

from minilean.front import syntax as sx
from minilean.front.caches import Caches, kernel_steps
from minilean.front.decl_run import DeclRun
from minilean.front.decl_types import InductiveRun, StructureRun
from minilean.front.elab import TermElab
from minilean.front.elab_names import NAMES
from minilean.front.errors import FAILURES, Declined, LeanError, describe
from minilean.front.meta import Meta
from minilean.front.parser import ParseError, Parser
from minilean.front.pp import bracketed
from minilean.front.recursors import conclusion
from minilean.front.scope import Scope, with_auto_bound
from minilean.front.simp import add_simp_attr
from minilean.kernel import term as tm
from minilean.kernel.axioms import collect_axioms
from minilean.kernel.env import QuotSpec

TAGS = ("reducible", "irreducible", "elab_as_elim", "match_pattern")  # each a table of `Ext`
OPTIONS = ("pp.", "linter.", "maxHeartbeats", "maxRecDepth", "autoImplicit", "relaxedAutoImplicit",
           "checkBinderAnnotations", "synthInstance.", "diagnostics", "profiler", "tactic.")
DECLARATIONS = {"decl": DeclRun, "inductive": InductiveRun, "structure": StructureRun}


@dataclass(frozen=True, slots=True)
class State:
    """What one command hands to the next; `missing`: what was declined on the way."""

    env: object
    ext: object
    scope: Scope = Scope()
    missing: str | None = None
    caches: Caches = field(default_factory=Caches)

    def extended(self, **parts):
        """With another `env` or `ext`; what was cached about the old ones is forgotten."""
        return replace(self, **parts, caches=Caches())


class CommandElab:
    """Runs commands one after another; `messages` are (severity, text, node or (pos, end))."""

    def __init__(self, state, max_steps=400_000, deadline=None):
        self.state, self.inherited = state, state.scope.variables
        self.max_steps, self.deadline = max_steps, deadline
        self.source, self.messages = sx.Source(""), []
        self.sorries = []  # (pos, end, meta, lctx, type, elaborator)
        self.tactics = None  # list of recorded tactic steps when asked for
        self.root_goals = None  # like `sorries`, for the start of each tactic block
        self.declined = None  # the first feature

    # --- running --------------------------------------------------------------------------------

    def run_text(self, text):
        """Run every command of `text`; errors become messages."""
        self.source = sx.Source(text)
        parser = Parser(self.source)
        while True:
            try:
                cmd = parser.command()
                if cmd is None:
                    return
                self.run(cmd)
            except ParseError as err:
                self.messages.append(("error", err.message, (err.pos, err.end)))
                parser.skip_to_command()
            except Declined as err:
                self.report(err, (parser.tok.pos, None))
                parser.skip_to_command()

    def run(self, cmd):
        """Execute one command; errors become messages."""
        scope, name = self.state.scope, type(cmd).__name__.lower()
        try:
            if name in DECLARATIONS:
                DECLARATIONS[name](self, cmd).run()
            elif hasattr(self, f"cmd_{name}"):
                getattr(self, f"cmd_{name}")(cmd)
            else:
                raise Declined(f"command {name}")
            if getattr(cmd, "inner", None) is not None:  # `open … in`: for one command only
                self.run(cmd.inner)
                self.state = replace(self.state, scope=scope)
        except FAILURES as err:
            self.report(err, getattr(cmd, "name_pos", cmd))

    def report(self, err, at):
        """Add the message of one of the FAILURES; `at`: where, if the error does not know."""
        text, feature = describe(err)
        if feature:
            self.declined = self.declined or feature
            self.state = replace(self.state, missing=self.declined)
        stx = getattr(err, "stx", None)
        self.messages.append(("error", text, at if stx is None else stx))

    def placed(self, at):
        """{"pos", "endPos"}, as in the REPL's answers, of a syntax node or a pair of offsets."""
        def position(offset):
            line, column = self.source.line_col(offset)
            return {"line": line, "column": column}
        start, end = at if isinstance(at, tuple) else (at.pos, at.end)
        return {"pos": position(start), "endPos": None if end is None else position(end)}

    def failed_since(self, n_messages):
        """Is one of the messages after the first n_messages an error?"""
        return any(message[0] == "error" for message in self.messages[n_messages:])

    def new_elab(self, name="_example"):
        """A TermElab over a fresh Meta in the current state."""
        meta = Meta(self.state.env, self.state.ext, self.max_steps, self.deadline)
        meta.scoped_insts = self.scoped_instances()
        meta.shared = self.state.caches.trim()
        elab = TermElab(meta, self.state.scope, self.messages, name)
        elab.recorder = None if self.tactics is None else self.record
        elab.root_goals = self.root_goals
        return elab

    def scoped_instances(self):
        """{class: [instance name]}: the scoped instances of the namespaces that are open."""
        scope, found = self.state.scope, {}
        for space in dict.fromkeys((*scope.opened, *scope.namespaces())):
            for cls, name in self.state.ext.scoped.get(space, ()):
                found.setdefault(cls, []).append(name)
        return found

    def record(self, ctx, stx, goals):
        """Keep a tactic that is about to run; Lean lists no tactic that only arranges others, but
        it does list braces."""
        if not (stx.kind in ("<;>", "paren") or stx.kind == "·" and len(stx.args) == 1):
            texts = [ctx.meta.pp_goal(g) for g in goals]
            self.tactics.append((stx, ctx.meta.snapshot(), goals, texts, ctx.elab))

    # --- scopes ---------------------------------------------------------------------------------

    def change(self, **changes):
        """Change the scope."""
        self.state = replace(self.state, scope=replace(self.state.scope, **changes))

    def cmd_variable(self, cmd):
        before = self.state.scope.variables
        names = {name for b in before for name in b.names}
        if self.inherited or any(b.type is None and names.intersection(b.names)
                                 for b in cmd.binders):
            raise Declined("variables on top of an earlier request's or of the same name", cmd)
        elab, variables = self.new_elab(), (*before, *cmd.binders)
        elab.auto_bound = elab.scope.options.get("autoImplicit", True)
        with_auto_bound(elab, variables, lambda *_: elab.synthesize("no"))
        self.change(variables=variables)

    def cmd_universe(self, cmd):
        for name in cmd.names:
            known = self.state.scope.universes
            if name in known:
                raise LeanError(f"a universe level named `{name}` has already been declared", cmd)
            self.change(universes=(*known, name))

    def cmd_namespace(self, cmd):
        for part in cmd.name.split("."):
            space = self.full_name(part)
            if space not in self.state.ext.namespaces:
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
        if cmd.only is not None or cmd.hiding:
            raise Declined("open … with a list of names", cmd)
        for name in cmd.names:
            spaces = self._namespaces(name)
            if not spaces and name.split(".")[0] not in NAMES:
                raise LeanError(f"Unknown namespace `{name}`", cmd)
            if not cmd.scoped:
                self.change(opened=(*self.state.scope.opened, *spaces))

    def _namespaces(self, name):
        """The namespaces that `name` may mean here, innermost first."""
        scope = self.state.scope
        spaces = (*scope.namespaces(), "", *scope.opened)
        spaces = [f"{space}.{name}".lstrip(".") for space in spaces]
        return [space for space in spaces if space in self.state.ext.namespaces]

    def cmd_export(self, cmd):
        elab, table = self.new_elab(), self.own_ext().own("aliases")
        for name in cmd.names:
            short, full = self.full_name(name), elab.resolve_const(f"{cmd.namespace}.{name}")
            table[short] = (*table.get(short, ()), full)

    def cmd_setoption(self, cmd):
        if not cmd.name.startswith(OPTIONS):
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
        self.state = self.state.extended(env=env)

    def own_ext(self):
        """The state's Ext, private to the current command from now on."""
        self.state = self.state.extended(ext=self.state.ext.child())
        return self.state.ext

    def add_name(self, name, flags):
        """What a declaration's name brings along: namespaces, `protected`."""
        ext, space = self.own_ext(), name.rpartition(".")[0]
        if space and space not in ext.namespaces:
            ext.own("namespaces").add(space)
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
        kind, ext, space = attr.name, self.own_ext(), self.state.scope.namespace
        meta, priority = self.new_elab().meta, "".join(attr.args) or "1000"
        if kind == "simp":
            add_simp_attr(meta, name, attr)
        elif attr.erase or not priority.isdigit():
            raise Declined(f"attribute -{kind} or with arguments", attr)
        elif kind in TAGS:
            ext.own(kind).add(name)
        elif kind == "instance" and attr.kind == "global":
            meta.add_instance(name, int(priority))
        elif kind == "instance" and attr.kind == "scoped" and space:  # found after the others
            table, cls = ext.own("scoped"), meta.class_name(self.state.env.lookup(name).type)
            table[space] = (*table.get(space, ()), (cls, name))
            ext.own("instance_names").add(name)
        elif kind == "refl":
            relation = tm.get_app_fn(conclusion(self.state.env.lookup(name).type)).name
            ext.own("refl_lemmas")[relation] = (*ext.refl_lemmas.get(relation, ()), name)
        elif kind == "default_instance":
            meta.add_default_instance(name, int(priority))
        else:
            raise Declined(f"{attr.kind} attribute {kind}", attr)

    # --- queries --------------------------------------------------------------------------------

    def cmd_check(self, cmd):
        elab, n_messages = self.new_elab(), len(self.messages)
        names = elab.global_candidates(cmd.term.name) if type(cmd.term) is sx.Ident else ()
        if names:
            self._info(self._signature(elab.meta, names[0]), cmd)
            return

        def show(_):
            e = elab.elab_term(cmd.term)
            if not self.failed_since(n_messages):
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
            words.append(bracketed(text if anonymous else f"{names} : {text}", info))
        return f"{' '.join(words)} : {meta.pp(rest)}"

    def cmd_print(self, cmd):
        name = self.new_elab().resolve_const(cmd.name)
        if not cmd.axioms:
            raise Declined("#print", cmd)
        axioms = sorted(collect_axioms(self.state.env, name), key=lambda a: (a.count("."), a))
        rests = f"depends on axioms: [{', '.join(axioms)}]" if axioms \
            else "does not depend on any axioms"
        self._info(f"'{name}' {rests}", cmd)

    def _info(self, text, cmd):
        """A message at the keyword of a #check or #print."""
        self.messages.append(("info", text, (cmd.pos, cmd.pos + len("#check"))))
