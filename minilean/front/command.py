"""Commands: what each one does to the environment, the scopes and the list of messages.

Follows Lean 4's `Lean/Elab/{Command,MutualDef,BuiltinCommand,DeclModifiers}.lean`. Inductive types
and structures are declared in `decl_types.py`, recursive functions compiled in `elab_rec.py`.
Run: `python -m minilean check FILE.lean`.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace

from minilean.front import syntax as sx
from minilean.front.attributes import AttrMixin
from minilean.front.caches import Caches, kernel_steps
from minilean.front.decl_run import DeclRun
from minilean.front.decl_types import InductiveRun, StructureRun
from minilean.front.elab import TermElab
from minilean.front.errors import FAILURES, Declined, describe
from minilean.front.meta import Meta
from minilean.front.scope import Scope
from minilean.front.scope_commands import ScopeMixin
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.axioms import collect_axioms
from minilean.kernel.env import QuotSpec

BRACKETS = {"default": "()", "implicit": "{}", "inst": "[]", "strict": "⦃⦄"}


@dataclass(frozen=True, slots=True)
class State:
    """What one command hands to the next: `scopes` is a stack of (kind, name, Scope)."""

    env: object
    ext: object
    scopes: tuple = (("file", None, Scope()),)
    caches: Caches = field(compare=False, default_factory=Caches)

    @property
    def scope(self):
        return self.scopes[-1][2]

    def with_scope(self, **changes):
        kind, name, scope = self.scopes[-1]
        return replace(self, scopes=(*self.scopes[:-1], (kind, name, replace(scope, **changes))))

    def extended(self, **parts):
        """With another `env` or `ext`; what was cached about the old ones is forgotten."""
        return replace(self, **parts, caches=Caches())


class CommandElab(ScopeMixin, AttrMixin):
    """Runs commands one after another; `messages` are (severity, text, node or (pos, end))."""

    def __init__(self, state, max_steps=400_000, deadline=None):
        self.state = state
        self.max_steps, self.deadline = max_steps, deadline
        self.messages = []
        self.sorries = []  # (pos, end, meta, lctx, type, elaborator)
        self.tactics = None  # list of recorded tactic steps when asked for
        self.root_goals = None  # like `sorries`, for the start of each tactic block
        self.declined = None
        self.source = None  # of the commands, once they run

    # --- running --------------------------------------------------------------------------------

    def run(self, cmd):
        """Execute one command; errors become messages."""
        before = len(self.messages)
        try:
            getattr(self, f"cmd_{type(cmd).__name__.lower()}")(cmd)
        except FAILURES as err:
            text, feature = describe(err)
            self.declined = self.declined or feature
            if not (getattr(err, "silent", False) and self.failed_since(before)):
                at = getattr(err, "stx", None)
                whole = cmd if isinstance(err, Declined) else getattr(cmd, "name_pos", cmd)
                self.messages.append(("error", text, whole if at is None else at))

    def failed_since(self, n_messages):
        """Is one of the messages after the first n_messages an error?"""
        return any(message[0] == "error" for message in self.messages[n_messages:])

    def info(self, text, at):
        self.messages.append(("info", text, at))

    def new_elab(self, name="_example"):
        """A TermElab over a fresh Meta in the current state."""
        meta = Meta(self.state.env, self.state.ext, self.max_steps, self.deadline)
        meta.scoped_insts = self.scoped_instances()
        meta.shared = self.state.caches.trimmed()
        if not meta.scoped_insts:
            meta.inst_cache = meta.shared.inst
        elab = TermElab(meta, self.state.scope, self.messages, name)
        elab.recorder = self._recorder(elab) if self.tactics is not None else None
        elab.root_goals = self.root_goals
        return elab

    def scoped_instances(self):
        """{class: [instance name]}: the scoped instances of the namespaces that are open."""
        ext, scope, found = self.state.ext, self.state.scope, {}
        for space in dict.fromkeys([*scope.opened(), *scope.namespaces()]):
            for cls, name in ext.scoped.get(space, ()):
                found.setdefault(cls, []).append(name)
        return found

    def _recorder(self, elab):
        def record(ctx, stx, goals):
            if stx.kind in ("<;>", "paren") or (stx.kind == "·" and len(stx.args) == 1):
                return  # Lean lists no tactic that only arranges others, but it does list braces
            meta = ctx.meta
            texts = [meta.pp_goal(g) for g in goals]
            self.tactics.append((stx, meta.snapshot(), goals, texts, elab))
        return record

    def cmd_initquot(self, cmd):
        self.add_decl(QuotSpec())

    def full_name(self, name, modifiers=None):
        if name.startswith("_root_."):
            return name[7:]
        ns = self.state.scope.namespace
        full = f"{ns}.{name}" if ns else name
        if modifiers is not None and "private" in modifiers.flags:
            full = f"_private.{full}"
        return full

    # --- declarations ---------------------------------------------------------------------------

    def cmd_decl(self, cmd):
        if "unsafe" in cmd.modifiers.flags or "partial" in cmd.modifiers.flags:
            raise Declined("unsafe or partial definitions", cmd)
        DeclRun(self, cmd).run()

    def add_decl(self, decl):
        """Hand a declaration to the kernel, with a step budget that fits the time left."""
        env = self.state.env.add(decl, kernel_steps(self.deadline))
        self.state = self.state.extended(env=env)

    def own_ext(self):
        """The state's Ext, private to the current command from now on."""
        self.state = self.state.extended(ext=self.state.ext.child())
        return self.state.ext

    def add_name(self, name, flags):
        """What a declaration's name brings along: namespaces, `protected`, `private`."""
        ext, space = self.own_ext(), name.rpartition(".")[0]
        if space and space not in ext.namespaces:
            ext.own("namespaces").add(space)
        if "protected" in flags:
            ext.own("protected").add(name)
        if "private" in flags:
            ext.own("private")[name.removeprefix("_private.")] = name

    def cmd_inductive(self, cmd):
        InductiveRun(self, cmd).run()

    def cmd_structure(self, cmd):
        StructureRun(self, cmd).run()

    def cmd_mutual(self, cmd):
        raise Declined("mutual declarations", cmd)

    # --- queries --------------------------------------------------------------------------------

    def cmd_check(self, cmd):
        span = (cmd.pos, cmd.pos + len("#check"))
        elab = self.new_elab()
        meta = elab.meta
        term = cmd.term
        if isinstance(term, sx.Ident) and elab.resolve_local(term.name)[0] is None:
            found, rest = elab.resolve_global(term.name)
            if found and not rest:
                self.info(self.signature(meta, found[0]), span)
                return

        def show(decls):
            n_messages = len(self.messages)
            e = elab.elab_term(term)
            if not self.failed_since(n_messages):
                e, ty = elab.levels_to_params(e, meta.infer(e))
                self.info(f"{meta.pp(e)} : {meta.pp(ty)}", span)
        elab.elab_binders(self.state.scope.variables, show)

    def signature(self, meta, name):
        """`name.{u} (binders) : type` as #check prints a constant."""
        decl = self.state.env.lookup(name)
        ty, groups = decl.type, []
        while type(ty) is tm.Pi and (ty.info == "inst" or not ty.name.endswith("✝")):
            text = meta.pp(ty.type)
            if is_app_of(ty.type, "optParam", 2):
                text = f"{meta.pp(ty.type.fn.arg)} := {meta.pp(ty.type.arg)}"
            if groups and ty.info != "inst" and (groups[-1][0], groups[-1][2]) == (ty.info, text):
                groups[-1][1].append(ty.name)
            else:
                groups.append((ty.info, [ty.name], text))
            d = meta.mk_local(ty.name, ty.type, ty.info)
            meta.lctx = meta.lctx.add(d)
            ty = tm.instantiate(ty.body, d.fvar)
        levels = f".{{{', '.join(decl.level_params)}}}" if decl.level_params else ""
        head = " ".join([name + levels, *[_shown_binder(*group) for group in groups]])
        return f"{head} : {meta.pp(ty)}"

    def cmd_eval(self, cmd):
        raise Declined(f"#{cmd.kind}", cmd)

    def cmd_print(self, cmd):
        span = (cmd.pos, cmd.pos + len("#print"))
        elab = self.new_elab()
        name = elab.resolve_const(cmd.name)
        if not cmd.axioms:
            raise Declined("#print", cmd)
        axioms = sorted(collect_axioms(self.state.env, name), key=lambda a: (a.count("."), a))
        shown = name.removeprefix("_private.")
        if axioms:
            self.info(f"'{shown}' depends on axioms: [{', '.join(axioms)}]", span)
        else:
            self.info(f"'{shown}' does not depend on any axioms", span)


def _shown_binder(info, names, text):
    left, right = BRACKETS[info]
    anonymous = info == "inst" and names[0].startswith("inst")
    return f"{left}{text if anonymous else ' '.join(names) + ' : ' + text}{right}"
