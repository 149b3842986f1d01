"""Commands: what each one does to the environment, the scopes and the list of messages.

Follows Lean 4's `Lean/Elab/{Command,MutualDef,BuiltinCommand,DeclModifiers}.lean`. Inductive types
and structures are declared in `decl_types.py`, recursive functions compiled in `elab_rec.py`.
Run: `python -m minilean check FILE.lean`.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace

from minilean.front import syntax as sx
from minilean.front.caches import Caches
from minilean.front.decl_types import declare_inductive, declare_structure
from minilean.front.elab import AutoBound, Scope, TermElab
from minilean.front.elab_rec import compile_recursion, mentions_name, smart_info
from minilean.front.errors import Declined, LeanError, StepLimit
from minilean.front.meta import Meta
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.axioms import collect_axioms
from minilean.kernel.env import AxiomDecl, DefDecl, OpaqueDecl, QuotSpec, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import LMVAR, MVAR, Const, MVar

KNOWN_OPTIONS_PREFIXES = ("pp.", "linter.", "trace.", "maxHeartbeats", "maxRecDepth", "autoImplicit",
                          "relaxedAutoImplicit", "synthInstance.", "hygiene", "profiler", "tactic.",
                          "diagnostics", "warningAsError", "Elab.", "quotPrecheck", "compiler.",
                          "bootstrap.", "eval.", "showPartialSyntaxErrors", "smartUnfolding",
                          "structure", "trace", "checkBinderAnnotations", "backward.", "debug.", "genSizeOf", "maxUniverse")


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


class CommandElab:
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

    # --- running ------------------------------------------------------------------------------

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
            self.declined = self.declined or f"kernel: {err.message}"
            self.error(f"minilean declined: kernel: {err.message}", self.where(cmd))
        elif err.reason in ("deep", "budget"):
            self.error(f"(kernel) deterministic timeout ({err.message})", self.where(cmd))
        else:
            self.error(f"(kernel) {err.message}", self.where(cmd))

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

    # --- declarations -------------------------------------------------------------------------

    def cmd_decl(self, cmd):
        if "unsafe" in cmd.modifiers.flags or "partial" in cmd.modifiers.flags:
            raise Declined("unsafe or partial definitions", cmd)
        if cmd.kind == "lemma" and not self.trusted:
            pass
        DeclRun(self, cmd).run()

    def add_decl(self, decl, steps=None):
        env = self.state.env.add(decl)
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

    def cmd_initquot(self, cmd):
        self.add_decl(QuotSpec())

    def cmd_mutual(self, cmd):
        raise Declined("mutual declarations", cmd)

    # --- scopes -------------------------------------------------------------------------------

    def cmd_variable(self, cmd):
        scope = self.state.scope
        updated = list(scope.variables)
        new = []
        for b in cmd.binders:
            if b.type is None and self._update_binder(updated, b):
                continue
            new.append(b)
        scope = replace(scope, variables=(*updated, *new))
        elab = self.new_elab()
        elab.scope = scope
        elab.auto_bound = scope.options.get("autoImplicit", True)
        run = DeclRun(self, None)
        run.elab = elab
        run.with_auto_bound(elab, lambda: elab.elab_binders(
            scope.variables, lambda decls: elab.synthesize("no")))
        self.state = self.state.with_scope(scope)

    def _update_binder(self, variables, b):
        """`variable {x}` changes how an existing variable is bound."""
        for name in b.names:
            for i, v in enumerate(variables):
                if name in v.names:
                    before = [n for n in v.names[:v.names.index(name)]]
                    after = [n for n in v.names[v.names.index(name) + 1:]]
                    parts = [replace(v, names=names, info=info) for names, info in (
                        (before, v.info), ([name], b.info), (after, v.info)) if names]
                    variables[i:i + 1] = parts
                    break
            else:
                return False
        return True

    def cmd_universe(self, cmd):
        scope = self.state.scope
        for name in cmd.names:
            if name in scope.universes:
                raise LeanError(f"a universe level named `{name}` has already been declared", cmd)
        self.state = self.state.with_scope(replace(
            scope, universes=(*scope.universes, *cmd.names)))

    def cmd_namespace(self, cmd):
        scope = self.state.scope
        scopes = self.state.scopes
        for part in cmd.name.split("."):
            ns = f"{scope.namespace}.{part}" if scope.namespace else part
            scope = replace(scope, namespace=ns)
            scopes = (*scopes, ("namespace", part, scope))
            if ns not in self.state.ext.namespaces:
                self.own_ext().own("namespaces").add(ns)
        self.state = self.state.with_scopes(scopes)

    def cmd_section(self, cmd):
        scopes = self.state.scopes
        for part in cmd.name.split(".") if cmd.name else [None]:
            scopes = (*scopes, ("section", part, self.state.scope))
        self.state = self.state.with_scopes(scopes)

    def cmd_end(self, cmd):
        scopes = self.state.scopes
        parts = cmd.name.split(".") if cmd.name else [None]
        for part in reversed(parts):
            kind, name, _ = scopes[-1]
            if kind == "file":
                raise LeanError("Invalid `end`: There is no current scope to end\n\nNote: Scopes "
                                "are introduced using `namespace` and `section`", cmd)
            if name != part:
                raise LeanError(
                    f"Missing name after `end`: Expected the current scope name `{name}`"
                    if part is None else
                    f"Name mismatch after `end`: Expected the current scope name `{name}`", cmd)
            scopes = scopes[:-1]
        self.state = self.state.with_scopes(scopes)

    def cmd_open(self, cmd):
        if cmd.inner is not None:
            saved = self.state.scope
            self._open(cmd)
            self.run(cmd.inner)
            self.state = self.state.with_scope(saved)
            return
        self._open(cmd)

    def _open(self, cmd):
        scope = self.state.scope
        opens = list(scope.opens)
        for name in cmd.names:
            spaces = self._resolve_namespace(name, opens)
            if not spaces:
                if self._harmless_open(name):
                    continue
                raise LeanError(f"Unknown namespace `{name}`", cmd)
            if cmd.scoped:
                continue
            for ns in spaces:
                if cmd.only is not None:
                    for x in cmd.only:
                        if f"{ns}.{x}" not in self.state.env:
                            raise LeanError(f"Unknown identifier `{ns}.{x}`", cmd)
                        opens.append(("id", x, f"{ns}.{x}"))
                elif cmd.renaming:
                    opens += [("id", new, f"{ns}.{old}") for old, new in cmd.renaming]
                else:
                    opens.append(("ns", ns, tuple(cmd.hiding)))
        self.state = self.state.with_scope(replace(scope, opens=tuple(opens)))

    def _harmless_open(self, name):
        """Namespaces of the libraries that minilean stands in for (e.g. `open Real Nat Topology`)."""
        from minilean.front.known_names import NAMESPACES
        return name.split(".")[0] in NAMESPACES or name in (
            "BigOperators", "Topology", "Mathlib", "Polynomial", "Pointwise", "ENNReal", "NNReal",
            "EuclideanGeometry", "MeasureTheory", "Interval", "Filter", "Asymptotics", "Ring")

    def _resolve_namespace(self, name, opens):
        known, ns, found = self.state.ext.namespaces, self.state.scope.namespace, []
        while True:
            full = f"{ns}.{name}" if ns else name
            if full in known:
                found.append(full)
            if not ns:
                break
            ns = ns.rpartition(".")[0]
        for kind, *data in opens:
            if kind == "ns" and f"{data[0]}.{name}" in known:
                found.append(f"{data[0]}.{name}")
        return found

    def cmd_export(self, cmd):
        ns = self._resolve_namespace(cmd.namespace, ())
        if not ns:
            raise LeanError(f"Unknown namespace `{cmd.namespace}`", cmd)
        table = self.own_ext().own("aliases")
        for name in cmd.names:
            short = self.full_name(name)
            full = f"{ns[0]}.{name}"
            if full not in self.state.env:
                raise LeanError(f"Unknown identifier `{full}`", cmd)
            table[short] = (*table.get(short, ()), full)

    def cmd_setoption(self, cmd):
        if not cmd.name.startswith(KNOWN_OPTIONS_PREFIXES):
            raise LeanError(f"Unknown option `{cmd.name}`", cmd)
        saved = self.state.scope
        self.state = self.state.with_scope(saved.set_option(cmd.name, cmd.value))
        if cmd.inner is not None:
            self.run(cmd.inner)
            self.state = self.state.with_scope(saved)

    def cmd_import(self, cmd):
        """All modules are the one library that minilean has."""

    def cmd_empty(self, cmd):
        """Nothing."""

    def cmd_include(self, cmd):
        scope = self.state.scope
        if cmd.omit:
            raise Declined("omit", cmd)
        self.state = self.state.with_scope(replace(
            scope, included=(*scope.included, *cmd.names)))

    # --- attributes ---------------------------------------------------------------------------

    def cmd_attribute(self, cmd):
        elab = self.new_elab()
        for name in cmd.names:
            full = elab.resolve_const(name)
            for attr in cmd.attrs:
                self.apply_attr(attr, full)

    def apply_attr(self, attr, name):
        """The effect of one attribute on the declaration `name`."""
        ext = self.own_ext()
        kind = attr.name
        if kind == "simp":
            from minilean.front.simp import add_simp_attr
            meta = Meta(self.state.env, ext, self.max_steps, self.deadline)
            add_simp_attr(meta, name, attr)
        elif kind in ("reducible", "inline_reducible"):
            ext.own("reducible").add(name)
        elif kind == "irreducible":
            ext.own("irreducible").add(name)
        elif kind == "semireducible":
            ext.own("reducible").discard(name)
            ext.own("irreducible").discard(name)
        elif kind == "instance":
            priority = self._priority(attr, 1000)
            if attr.kind == "global":
                Meta(self.state.env, ext).add_instance(name, priority)
            else:
                self._scoped_instance(ext, attr, name)
        elif kind == "default_instance":
            meta = Meta(self.state.env, ext)
            meta.add_default_instance(name, self._priority(attr, 1000))
        elif kind == "elab_as_elim":
            ext.own("elab_as_elim").add(name)
        elif kind == "match_pattern":
            ext.own("match_pattern").add(name)
        elif kind in ("ext", "refl", "symm", "trans"):
            table = ext.own({"ext": "ext_lemmas"}.get(kind, f"{kind}_lemmas"))
            table[name] = True
        elif kind == "class":
            raise Declined("attribute class", attr)
        elif kind not in IGNORED_ATTRS:
            raise Declined(f"attribute {kind}", attr)

    def _scoped_instance(self, ext, attr, name):
        """`scoped` instances belong to the namespace and are tried last; `local` are declined."""
        space = self.state.scope.namespace
        if attr.kind != "scoped" or not space:
            raise Declined("local instance", attr)
        table = ext.own("scoped")
        cls = Meta(self.state.env, ext).class_name(self.state.env.lookup(name).type)
        table[space] = (*table.get(space, ()), (cls, name))
        ext.own("instance_names").add(name)

    def _priority(self, attr, default):
        text = " ".join(attr.args)
        named = {"": default, "mid": 500, "low": 100, "high": 10000}
        if text in named:
            return named[text]
        if not text.isdigit():
            raise Declined("symbolic instance priority", attr)
        return int(text)

    # --- queries ------------------------------------------------------------------------------

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


IGNORED_ATTRS = frozenset("""inline always_inline macro_inline noinline specialize extern
implemented_by_none simproc_none deprecated inherit_doc nolint norm_cast_none aesop_none
builtin_none csimp_none unused_variables_ignore_fn implicit_reducible expose grind_none app_unexpander
coe_none push_cast_none reassoc_none irreducible_none export_none""".split()) | {
    "grind", "grind_eq", "gcongr", "mono", "aesop", "norm_cast", "push_cast", "congr", "csimp",
    "coe", "recursor", "pp_nodot", "pp_using_anonymous_constructor", "to_additive", "simps",
    "computed_fields", "unbox", "init", "export", "tactic_alt", "elementwise", "positivity"}


class DeclRun:
    """The elaboration of one theorem, def, example, instance, axiom or abbrev."""

    def __init__(self, cmds, cmd):
        self.cmds, self.cmd = cmds, cmd

    def run(self):
        cmd, cmds = self.cmd, self.cmds
        self.short = cmd.name if cmd.kind != "example" else "_example"
        self.name = None if self.short is None else cmds.full_name(self.short, cmd.modifiers)
        if cmd.kind == "example":
            self.name = "_example"
        elif self.name is not None and self.name in cmds.state.env:
            raise LeanError(f"`{self.name}` has already been declared", cmd.name_pos)
        start_state = cmds.state
        elab = self.elab = cmds.new_elab(self.name or "inst")
        if cmd.levels is not None:
            elab.level_names = [*cmd.levels, *[u for u in elab.level_names
                                              if u not in cmd.levels]]
        elab.auto_bound = cmds.state.scope.options.get("autoImplicit", True)
        if isinstance(self.name, str) and "." in (cmd.name or "") and cmd.kind != "example":
            self._enter_name_namespace(elab)
        if cmd.deriv if hasattr(cmd, "deriv") else False:
            raise Declined("deriving", cmd)
        n_messages = len(cmds.messages)
        self.with_auto_bound(elab, self.elaborate)
        for stx, lctx, ty in elab.sorries:
            cmds.sorries.append((stx.pos, stx.end, elab.meta, lctx, ty, elab))
        self.finish(n_messages)
        if cmd.kind == "example":
            cmds.state = start_state

    def _enter_name_namespace(self, elab):
        """`theorem A.b` sees the names of namespace A."""
        ns = self.name.removeprefix("_private.").rpartition(".")[0]
        elab.scope = replace(elab.scope, namespace=ns)

    def with_auto_bound(self, elab, fn):
        """Run fn, adding an implicit variable for each unbound name it meets (auto-bound)."""
        meta = elab.meta
        names = []
        self.auto_decls = []
        start = len(elab.messages)
        while True:
            lctx = meta.lctx
            self.auto_decls = []
            try:
                for name in names:
                    d = meta.mk_local(name, meta.mk_type_mvar(), "implicit")
                    meta.lctx = meta.lctx.add(d)
                    self.auto_decls.append(d)
                return fn()
            except AutoBound as err:
                if err.name in names:
                    raise
                names.append(err.name)
                del elab.messages[start:]
                elab.pending = []
                elab.sorries = []
                elab.had_error = False
            finally:
                meta.lctx = lctx

    def elaborate(self):
        """Header, then value; sets self.type, self.value (None for axioms)."""
        elab = self.elab
        scope_vars = [b for b in elab.scope.variables]
        elab.elab_binders(scope_vars, self._after_variables)

    def _after_variables(self, var_decls):
        elab, cmd = self.elab, self.cmd
        self.var_decls = list(var_decls)
        elab.elab_binders(cmd.binders, self._after_binders)

    def _after_binders(self, decls):
        elab, cmd, meta = self.elab, self.cmd, self.elab.meta
        self.decls = list(decls)
        if cmd.type is not None:
            ty = elab.type_term(cmd.type)
        elif cmd.kind in ("theorem", "lemma", "axiom"):
            raise LeanError(f"missing type in {cmd.kind}", cmd)
        else:
            ty = meta.mk_type_mvar()
        elab.synthesize("no")
        ty = meta.inst(ty)
        elab.auto_bound = False
        self._check_header(ty)
        if cmd.kind in ("theorem", "lemma"):
            self._require_prop(ty)
        self._generalize_levels(ty)
        if self.name is None:
            self.name = self._instance_name(ty)
            elab.decl_name = self.name
        self.type = ty
        self.value = self.rec_fvar = None
        if cmd.kind == "axiom" or cmd.body is None:
            self._close()
            return
        self._elab_value(ty)

    def _require_prop(self, ty):
        meta = self.elab.meta
        if meta.is_prop(ty):
            return
        s = meta.whnf(meta.inst(meta.infer(ty)))
        if s.flags & LMVAR and meta.is_def_eq(s, tm.PROP):
            return
        raise LeanError("type of theorem `" + self.name + "` is not a proposition\n  "
                        + meta.pp(ty), self.cmd.name_pos)

    def _check_header(self, ty):
        """Every binder type must be known before the value is elaborated."""
        meta = self.elab.meta
        self._bind_auto_types()
        for d in [*self.auto_decls, *self.var_decls, *self.decls]:
            d.type = meta.inst(d.type)
            if d.type.flags & MVAR:
                raise LeanError(f"Failed to infer type of binder `{d.name}`", self.cmd)
            if d.cls is None:
                cls = meta.class_name(d.type)
                if cls is not None and d.bi == "inst":
                    d.cls = cls
        if ty.flags & MVAR and self.cmd.kind in ("theorem", "lemma", "axiom"):
            for i in meta.mvars_in(ty):
                self.elab.error_unassigned(i, self.cmd.type)
        if any(d.bi == "inst" and d.cls for d in [*self.var_decls, *self.decls]):
            meta.lctx = meta.lctx.replace(meta.lctx.decls)

    def _bind_auto_types(self):
        """Unknown types of auto-bound names become implicit arguments themselves."""
        meta = self.elab.meta
        new = []
        for d in self.auto_decls:
            for i in meta.mvars_in(d.type):
                ty = meta.inst(meta.decls[i].type)
                if i not in meta.assign and type(ty) is tm.Sort:
                    x = meta.mk_local("α✝", ty, "implicit")
                    new.append(x)
                    meta.assign_mvar(i, x.fvar)
        if new:
            self.auto_decls = [*new, *self.auto_decls]
            meta.lctx = meta.lctx.replace([*new, *meta.lctx.decls])

    def _generalize_levels(self, ty):
        """Universe metavariables of a theorem's header become parameters."""
        elab = self.elab
        if self.cmd.kind in ("theorem", "lemma", "axiom", "example", "instance") \
                or self.cmd.type is not None:
            decls = [*self.auto_decls, *self.var_decls, *self.decls]
            out = elab.levels_to_params(*[d.type for d in decls], ty)
            for d, t in zip(decls, out):
                d.type = t

    def _instance_name(self, ty):
        """Lean's generated name: inst + the class and its argument heads."""
        meta = self.elab.meta
        parts = []

        def visit(e):
            f, args = tm.get_app_fn_args(e)
            if type(f) is Const:
                parts.append(f.name.rpartition(".")[2])
            elif type(e) is tm.Sort:
                parts.append("Prop" if e is tm.PROP else "Type")
            elif type(e) is tm.Pi:
                parts.append("Forall")
            for a in args:
                if type(a) is not tm.FVar and type(f) is Const:
                    if meta.is_type(a) or f.name in meta.ext.classes:
                        visit(a)
        _, body = meta.forall_locals(ty, reducing=False)
        visit(body)
        base = "inst" + "".join(p[:1].upper() + p[1:] for p in parts)
        full = self.cmds.full_name(base)
        name, n = full, 0
        while name in self.cmds.state.env:
            n += 1
            name = f"{full}_{n}"
        return name

    def _elab_value(self, ty):
        elab, cmd, meta = self.elab, self.cmd, self.elab.meta
        body = cmd.body
        lctx = meta.lctx
        if cmd.kind != "example" and self.short and mentions_name(body, self.short, self.name):
            fvars = [d.fvar for d in [*self.auto_decls, *self.decls]]
            self.rec_fvar = self._rec_local(meta.mk_pi(fvars, ty))
        try:
            if isinstance(body, list):
                value = elab.elab_equations(body, ty, cmd)
            elif isinstance(body, sx.StructInst) and body.type is None and not body.sources:
                value = elab.term_ensuring(body, ty)
            else:
                value = elab.term_ensuring(body, ty)
            elab.synthesize("no")
        finally:
            meta.lctx = lctx
        self.type = meta.inst(ty)
        self.value = meta.inst(value)
        self._check_value(body)
        self._close()

    def _rec_local(self, ty):
        """A hidden local standing for the declaration inside its own body."""
        meta, elab = self.elab.meta, self.elab
        d = meta.mk_local(self.short, ty, hidden=True)
        elab.rec_fns[d.id] = self.name
        elab.rec_decl = d
        elab.rec_short = self.short
        elab.rec_fixed = [x.fvar for x in self._closed_decls()]
        meta.lctx = meta.lctx.replace((d, *meta.lctx.decls))
        return d

    def _closed_decls(self):
        return [*self.auto_decls, *self.var_decls, *self.decls]

    def _check_value(self, body):
        """No metavariable may remain in the value."""
        meta, elab = self.elab.meta, self.elab
        if self.type.flags & MVAR or self.value.flags & MVAR:
            if not elab.had_error:
                left = meta.mvars_in(self.type) + meta.mvars_in(self.value)
                for i in left:
                    d = meta.decls[i]
                    with meta.with_lctx(d.lctx):
                        goal = meta.pp_goal(i)
                    at = getattr(elab, "hole_stx", {}).get(i, body)
                    at = at if not isinstance(at, list) else self.cmd
                    what = "placeholder" if i in getattr(elab, "hole_stx", {}) \
                        else "implicit argument"
                    elab.log("error", f"don't know how to synthesize {what}\ncontext:\n{goal}", at)
            for i in meta.mvars_in(self.type) + meta.mvars_in(self.value):
                if not meta.is_assigned(i):
                    meta.admit(i)
            self.type, self.value = meta.inst(self.type), meta.inst(self.value)

    def _close(self):
        """Abstract the used variables and the binders; theorems take variables by their header."""
        meta = self.elab.meta
        decls = [*self.auto_decls, *self._used_variables(), *self.decls]
        fvars = [d.fvar for d in decls]
        for d in decls:
            if d.name.endswith("✝") and d.bi == "inst":
                d.name = "inst"
        self.full_type = meta.mk_pi(fvars, self.type)
        self.full_value = None if self.value is None else meta.mk_lambda(fvars, self.value)
        self.n_fixed_vars = len(self.auto_decls) + len(self._used_variables())

    def _used_variables(self):
        """The section variables that the declaration depends on, in order."""
        meta, cmd = self.elab.meta, self.cmd
        used = set()

        def add(e):
            for s in tm.subterms(meta.inst(e)) if e.flags & tm.FVAR or e.flags & MVAR else ():
                if type(s) is tm.FVar:
                    used.add(s.id)
        add(self.type)
        for d in [*self.auto_decls, *self.decls]:
            add(d.type)
        if self.value is not None and cmd.kind not in ("theorem", "lemma"):
            add(self.value)
        for d in self.var_decls:
            if d.name in self.elab.scope.included:
                used.add(d.id)
        for d in reversed(self.var_decls):
            if d.id in used:
                add(d.type)
        for d in self.var_decls:
            if d.bi == "inst" and d.id not in used:
                deps = [s.id for s in tm.subterms(d.type) if type(s) is tm.FVar]
                if deps and all(x in used for x in deps):
                    used.add(d.id)
        out = [d for d in self.var_decls if d.id in used]
        if cmd.kind in ("theorem", "lemma") and self.value is not None:
            self._check_theorem_variables(out)
        return out

    def _check_theorem_variables(self, out):
        """The proof may mention only variables that the statement brings in."""
        ids = {d.id for d in self.var_decls} - {d.id for d in out}
        if ids and self.elab.meta.mentions(self.value, ids):
            d = next(d for d in self.var_decls if d.id in ids
                     and self.elab.meta.mentions(self.value, {d.id}))
            raise LeanError(f"Unknown identifier `{d.name}`", self.cmd.name_pos)

    # --- adding it ----------------------------------------------------------------------------

    def finish(self, n_messages):
        cmd, cmds, elab = self.cmd, self.cmds, self.elab
        meta = elab.meta
        if self.value is not None and self.rec_fvar is not None \
                and tm.occurs(self.rec_fvar.fvar, self.full_value):
            self.full_type, self.full_value = compile_recursion(self, elab)
        terms = [self.full_type] + ([self.full_value] if self.full_value is not None else [])
        terms = elab.levels_to_params(*terms)
        ty = terms[0]
        value = terms[1] if len(terms) > 1 else None
        if meta.env is not cmds.state.env:  # matchers and other auxiliary declarations
            cmds.state = replace(cmds.state, env=meta.env, ext=meta.ext)
        params = self._level_params(ty, value)
        errors = any(m[0] == "error" for m in cmds.messages[n_messages:])
        decl = self._decl(params, ty, value)
        try:
            cmds.add_decl(decl)
        except KernelError as err:
            if not errors:
                cmds.kernel_error(err, cmd)
            return
        if not errors and self._uses_sorry(ty, value):
            cmds.messages.append(("warning", "declaration uses 'sorry'", cmd.name_pos))
        if cmd.kind == "example":
            return
        if type(decl) is DefDecl:
            self._add_smart(params, value)
        self._register(ty, value, meta)

    def _add_smart(self, params, value):
        """Functions defined by matching unfold only as far as their equations say."""
        self.final_value = value
        const = Const(self.name, tuple([lv.param(u) for u in params]))
        info = smart_info(self.elab.meta, self, const)
        if info is not None:
            value = self.elab.levels_to_params(info.value)[0]
            self.cmds.own_ext().own("smart")[self.name] = replace(info, value=value)

    def _uses_sorry(self, ty, value):
        return any("sorryAx" in tm.const_names(e) for e in (ty, value) if e is not None)

    def _level_params(self, ty, value):
        used = tm.level_params_of(ty)
        if value is not None:
            used = used + [u for u in tm.level_params_of(value) if u not in used]
        order = {u: i for i, u in enumerate(self.elab.level_names)}
        missing = [u for u in used if u not in order]
        if self.cmd.levels is not None:
            unused = [u for u in self.cmd.levels if u not in used]
            used = used + unused
        return tuple(sorted((u for u in used if u in order), key=order.get)) + tuple(missing)

    def _decl(self, params, ty, value):
        kind = self.cmd.kind
        if kind == "axiom":
            return AxiomDecl(self.name, params, ty)
        if kind in ("theorem", "lemma"):
            return TheoremDecl(self.name, params, ty, value)
        if kind == "opaque":
            if value is None:
                raise Declined("opaque without a value", self.cmd)
            return OpaqueDecl(self.name, params, ty, value)
        if kind in ("instance", "example") and self.elab.meta.is_prop(ty):
            return TheoremDecl(self.name, params, ty, value)
        return DefDecl(self.name, params, ty, value)

    def _register(self, ty, value, meta):
        """Attributes, namespaces and tables of the new declaration."""
        cmd, cmds, name = self.cmd, self.cmds, self.name
        mods = cmd.modifiers
        touch = mods.attrs or cmd.kind in ("abbrev", "instance") or mods.flags \
            or "." in name
        if not touch:
            return
        if "." in name:
            ns = name.rpartition(".")[0]
            if ns not in cmds.state.ext.namespaces:
                cmds.own_ext().own("namespaces").add(ns)
        if "protected" in mods.flags:
            cmds.own_ext().own("protected").add(name)
        if "private" in mods.flags:
            cmds.own_ext().own("private")[name.removeprefix("_private.")] = name
        if cmd.kind in ("abbrev", "instance"):
            cmds.own_ext().own("reducible").add(name)
        if cmd.kind == "instance":
            m = Meta(cmds.state.env, cmds.own_ext())
            m.add_instance(name, 1000 if cmd.priority is None else cmd.priority)
        for attr in mods.attrs:
            cmds.apply_attr(attr, name)


__all__ = ["CommandElab", "MVar", "State"]
