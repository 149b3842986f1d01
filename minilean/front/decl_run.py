"""One theorem, def, example, instance, axiom or abbrev: header, value, adding it.

Follows Lean 4's `Lean/Elab/{MutualDef,DeclModifiers,AutoBound}.lean`: unbound names become implicit
arguments, a theorem takes the section variables of its header, universe metavariables become
parameters. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front.elab_rec import compile_recursion, mentions_name, smart_info
from minilean.front.errors import Declined, LeanError
from minilean.front.meta import Meta
from minilean.front.scope import AutoBound
from minilean.front.terms import occurs
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import AxiomDecl, DefDecl, OpaqueDecl, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import LMVAR, MVAR, Const


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
            for d, t in zip(decls, out, strict=False):
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
        elab.rec_short = self.short
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
                    at = elab.hole_stx.get(i, body)
                    at = at if not isinstance(at, list) else self.cmd
                    what = "placeholder" if i in elab.hole_stx else "implicit argument"
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
        names, plain = [d.name for d in decls], [d.type for d in decls]
        for d in decls:
            if d.name.endswith("✝") and d.bi == "inst":
                d.name = "inst"
            value = self.elab.opt_params.get(d.id)
            if value is not None:
                d.type = tm.mk_app(Const("optParam", (meta.sort_level(d.type),)), d.type, value)
        self.full_type = meta.mk_pi(fvars, self.type)
        for d, ty in zip(decls, plain, strict=True):
            d.type = ty
        self.full_value = None if self.value is None else meta.mk_lambda(fvars, self.value)
        for d, name in zip(decls, names, strict=True):
            d.name = name  # goals are printed after this
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
                and occurs(self.rec_fvar.fvar, self.full_value):
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
