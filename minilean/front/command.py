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
from minilean.front.decl_struct import declare_structure
from minilean.front.decl_types import declare_inductive
from minilean.front.elab import TermElab
from minilean.front.errors import Declined, LeanError, StepLimit
from minilean.front.meta import Meta
from minilean.front.plain import explain
from minilean.front.scope import AutoBound, Scope
from minilean.front.scope_commands import ScopeMixin
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.axioms import collect_axioms
from minilean.kernel.env import QuotSpec
from minilean.kernel.errors import KernelError


@dataclass(frozen=True, slots=True)
class State:
    """What one command hands to the next: `scopes` is a stack of (kind, name, Scope)."""

    env: object
    ext: object
    scopes: tuple = (("file", None, Scope()),)
    caches: object = field(init=False, compare=False, default_factory=Caches)

    @property
    def scope(self):
        return self.scopes[-1][2]

    def with_scope(self, scope):
        kind, name, _ = self.scopes[-1]
        return self.with_scopes((*self.scopes[:-1], (kind, name, scope)))

    def with_scopes(self, scopes):
        """The same environment (and what is cached about it) in other scopes."""
        new = replace(self, scopes=scopes)
        object.__setattr__(new, "caches", self.caches)
        return new


class CommandElab(ScopeMixin, AttrMixin):
    """Runs commands one after another; `messages` are (severity, text, node or (pos, end))."""

    def __init__(self, state, max_steps=400_000, deadline=None):
        self.state = state
        self.max_steps, self.deadline = max_steps, deadline
        self.messages = []
        self.sorries = []  # (pos, end, meta, lctx, type)
        self.tactics = None  # list of recorded tactic steps when asked for
        self.root_goals = None  # like `sorries`, for the start of each tactic block
        self.declined = None
        self.trusted = False

    # --- running --------------------------------------------------------------------------------

    def run(self, cmd):
        """Execute one command; errors become messages."""
        handler = getattr(self, "cmd_" + type(cmd).__name__.lower(), None)
        before = len(self.messages)
        try:
            if handler is None:
                raise Declined(f"command {type(cmd).__name__.lower()}", cmd)
            handler(cmd)
        except LeanError as err:
            if not err.silent or not any(m[0] == "error" for m in self.messages[before:]):
                self.error(err.message, err.stx if err.stx is not None else self.where(cmd))
        except Declined as err:
            self.declined = self.declined or err.feature
            self.error(f"minilean declined: {err.feature}",
                       err.stx if err.stx is not None else cmd)
        except StepLimit as err:
            self.error("(deterministic) timeout at `elaborator`, "
                       f"{err}", self.where(cmd))
        except KernelError as err:
            self.kernel_error(err, cmd)
        except RecursionError:
            self.error("maximum recursion depth has been reached\nuse `set_option maxRecDepth "
                       "<num>` to increase limit\nuse `set_option diagnostics true` to get "
                       "diagnostic information", self.where(cmd))
        except AutoBound as err:
            self.error(f"Unknown identifier `{err.name}`", self.where(cmd))

    def kernel_error(self, err, cmd):
        if err.reason == "declined":
            self.declined = self.declined or f"kernel: {explain(err)}"
            self.error(f"minilean declined: kernel: {explain(err)}", self.where(cmd))
        elif err.reason in ("deep", "budget"):
            self.error(f"(kernel) deterministic timeout ({explain(err)})", self.where(cmd))
        else:
            self.error(f"(kernel) {explain(err)}", self.where(cmd))

    def where(self, cmd):
        """The span that messages about a whole declaration carry."""
        pos = getattr(cmd, "name_pos", None)
        return pos if pos is not None else cmd

    def error(self, text, at):
        self.messages.append(("error", text, at))

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
        """{class: [(name, priority)]}: the scoped instances of the namespaces that are open."""
        ext, scope = self.state.ext, self.state.scope
        if not ext.scoped:
            return {}
        spaces = [data[0] for kind, *data in scope.opens if kind == "ns"]
        ns = scope.namespace
        while ns:
            spaces.append(ns)
            ns = ns.rpartition(".")[0]
        found = {}
        for space in dict.fromkeys(spaces):
            for cls, name in ext.scoped.get(space, ()):
                found.setdefault(cls, []).append(name)
        return found

    def _recorder(self, elab):
        def record(ctx, stx, goals):
            if stx.kind in ("<;>", "paren") or (stx.kind == "·" and len(stx.args) == 1):
                return  # Lean lists no tactic that only arranges others, but it does list braces
            meta = ctx.meta
            self.tactics.append((stx, meta, meta.snapshot(), goals,
                                 [meta.pp_goal(g) for g in goals], elab))
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
        self.state = replace(self.state, env=env)

    def own_ext(self):
        """The state's Ext, private to the current command from now on."""
        ext = self.state.ext.child()
        self.state = replace(self.state, ext=ext)
        return ext

    def cmd_inductive(self, cmd):
        declare_inductive(self, cmd)

    def cmd_structure(self, cmd):
        declare_structure(self, cmd)

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

        def k(decls):
            n = len(self.messages)
            e = elab.elab_term(term)
            if any(m[0] == "error" for m in self.messages[n:]):
                return
            e, ty = elab.levels_to_params(e, meta.infer(e))
            self.info(f"{meta.pp(e)} : {meta.pp(ty)}", span)
        elab.elab_binders(self.state.scope.variables, k)

    def signature(self, meta, name):
        """`name.{u} (binders) : type` as #check prints a constant."""
        decl = self.state.env.lookup(name)
        ty, parts, group = decl.type, [], []
        decls = []

        def flush():
            if group:
                info, names, text = group[0][0], [g[1] for g in group], group[0][2]
                left, right = {"default": "()", "implicit": "{}", "inst": "[]",
                               "strict": "⦃⦄"}[info]
                shown = f"{' '.join(names)} : {text}" if info != "inst" or not names[0].startswith(
                    "inst") else text
                parts.append(f"{left}{shown}{right}")
                group.clear()
        while type(ty) is tm.Pi and not ty.name.endswith("✝") or (
                type(ty) is tm.Pi and ty.info == "inst"):
            text = meta.pp(ty.type)
            if is_app_of(ty.type, "optParam", 2):
                text = f"{meta.pp(ty.type.fn.arg)} := {meta.pp(ty.type.arg)}"
            if group and (group[0][0] != ty.info or group[0][2] != text or ty.info == "inst"):
                flush()
            group.append((ty.info, ty.name, text))
            d = meta.mk_local(ty.name, ty.type, ty.info)
            decls.append(d)
            meta.lctx = meta.lctx.add(d)
            ty = tm.instantiate(ty.body, d.fvar)
        flush()
        levels = f".{{{', '.join(decl.level_params)}}}" if decl.level_params else ""
        head = " ".join([name + levels, *parts])
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


__all__ = ["CommandElab", "State"]
