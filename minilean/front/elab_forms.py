"""Binders and the simple term forms: fun, ∀, ∃, holes, sorts, numerals, have, let, show, …

Follows Lean 4's `Lean/Elab/{Binders,BuiltinTerm,BuiltinNotation}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import numeral_level
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import PROP, App, Const, Lit, MVar, Pi, Sort


class FormMixin:
    """Mixed into `TermElab`."""

    def binder_type(self, b):
        """The type of one binder group (a fresh metavariable when it is not written)."""
        if b.type is None:
            return self.meta.mk_type_mvar()
        return self.type_term(b.type)

    def elab_binders(self, binders, k):
        """k(list of local declarations) with the binders in scope."""
        meta = self.meta
        lctx = meta.lctx
        decls = []
        try:
            for b in binders:
                self._one_binder(b, decls)
            return k(decls)
        finally:
            meta.lctx = lctx

    def _one_binder(self, b, decls):
        meta = self.meta
        for name in b.names:
            ty = self.binder_type(b)
            if b.info == "inst":
                name = name or self.inst_binder_name(ty)
                if meta.class_name(meta.inst(ty)) is None and not self._maybe_class(ty) \
                        and self.scope.options.get("checkBinderAnnotations", True):
                    raise LeanError(f"invalid binder annotation, type is not a class instance\n"
                                    f"  {meta.pp(ty)}", b.type)
            d = meta.mk_local("x✝" if name in ("_", None) else name, ty, b.info)
            if b.default is not None:
                self.opt_params[d.id] = self.default_value(b, ty)
            decls.append(d)
            meta.lctx = meta.lctx.add(d)

    def _maybe_class(self, ty):
        return type(tm.get_app_fn(self.meta.inst(ty))) is MVar

    def default_value(self, b, ty):
        """The default of an optional argument `(x : T := v)`; `(x : T := by …)` is declined."""
        if isinstance(b.default, sx.By):
            raise Declined("automatic arguments", b)
        return self.elab_term_ensuring(b.default, ty)

    def inst_binder_name(self, ty):
        return "inst✝"

    def elab_pi(self, stx, expected):
        def k(decls):
            body = self.type_term(stx.body)
            return self.meta.mk_pi([d.fvar for d in decls], body)
        self._decline_patterns(stx.binders)
        return self.elab_binders(stx.binders, k)

    def _decline_patterns(self, binders):
        for b in binders:
            if b.pattern is not None:
                raise Declined("pattern in a binder", b)

    def elab_arrow(self, stx, expected):
        a = self.type_term(stx.lhs)
        b = self.type_term(stx.rhs)
        name = "a✝"
        return Pi(name, a, tm.lift(b, 1))

    def elab_exists(self, stx, expected):
        """∃ x y, p as nested Exists (fun x => …)."""
        self._decline_patterns(stx.binders)
        return self._exists(stx, [(b, n) for b in stx.binders for n in b.names])

    def _exists(self, stx, names):
        if not names:
            e = self.term(stx.body, PROP)
            return self.ensure_type(e, PROP, stx.body)
        b, name = names[0]
        meta = self.meta
        lctx = meta.lctx
        ty = self.binder_type(b)
        d = meta.mk_local("x✝" if name in ("_", None) else name, ty)
        meta.lctx = lctx.add(d)
        try:
            body = self._exists(stx, names[1:])
            lam = meta.mk_lambda([d.fvar], body)
        finally:
            meta.lctx = lctx
        u = meta.sort_level(ty)
        return tm.mk_app(Const("Exists", (u,)), meta.inst(ty), lam)

    def elab_lambda(self, stx, expected):
        if any(b.pattern is not None for b in stx.binders):
            return self.elab_lambda_patterns(stx, expected)
        return self._lambda([(b, n) for b in stx.binders for n in b.names], stx, expected, [])

    def _lambda(self, names, stx, expected, decls):
        meta = self.meta
        lctx = meta.lctx
        try:
            for b, name in names:
                dom = None
                if expected is not None:
                    expected = meta.whnf(meta.inst(expected))
                    if type(expected) is not Pi:
                        expected = None
                    else:
                        dom = expected.type
                ty = self._lambda_type(b, dom)
                info = b.info
                if info == "inst" and name is None:
                    name = self.inst_binder_name(ty)
                d = meta.mk_local("x✝" if name in ("_", None) else name, ty, info)
                meta.lctx = meta.lctx.add(d)
                decls.append(d)
                if expected is not None:
                    expected = tm.instantiate(expected.body, d.fvar)
            if expected is None:
                e = self.term(stx.body)
            else:
                e = self.term_ensuring(stx.body, expected)
            self.synthesize("yes")
            return meta.mk_lambda([d.fvar for d in decls], e)
        finally:
            meta.lctx = lctx

    def _lambda_type(self, b, dom):
        meta = self.meta
        if b.type is None or isinstance(b.type, sx.Hole):
            return meta.inst(dom) if dom is not None else meta.mk_type_mvar()
        ty = self.type_term(b.type)
        if dom is not None and not meta.is_def_eq(ty, dom):
            pass  # the mismatch is reported for the whole lambda
        return meta.inst(ty)

    # --- simple forms ---------------------------------------------------------------------------

    def elab_hole(self, stx, expected):
        meta = self.meta
        m = meta.mk_mvar(meta.mk_type_mvar() if expected is None else expected)
        self.hole_stx[m.id] = stx
        return m

    def elab_synth_hole(self, stx, expected):
        meta = self.meta
        ty = meta.mk_type_mvar() if expected is None else expected
        if stx.name is not None:
            for i, d in meta.decls.items():
                if d.name == stx.name and d.kind == "opaque" and d.lctx is not None \
                        and self._visible(d):
                    if i < self.tactic_start:
                        raise Declined(f"the goal ?{stx.name} in a term", stx)
                    return MVar(i)
        return meta.mk_mvar(ty, "opaque", stx.name or "")

    def _visible(self, d):
        ours = self.meta.lctx.by_id
        return all(x.id in ours for x in d.lctx.decls)

    def elab_sort(self, stx, expected):
        if stx.kind == "Prop":
            return PROP
        if stx.kind == "Type":
            if not stx.has_level:
                return Sort(lv.ONE)
            return Sort(lv.succ(self.level(stx.level)))
        return Sort(self.level(stx.level) if stx.has_level else lv.ZERO)

    def level(self, stx):
        """The universe level for its syntax."""
        if stx is None:
            return self.meta.mk_level_mvar()
        if isinstance(stx, int):
            return numeral_level(stx)
        if isinstance(stx, str):
            if stx not in self.level_names:
                if self.auto_bound:
                    self.level_names.append(stx)
                else:
                    raise LeanError(f"unknown universe level `{stx}`")
            return lv.param(stx)
        kind = stx[0]
        if kind == "add":
            u = self.level(stx[1])
            for _ in range(stx[2]):
                u = lv.succ(u)
            return u
        parts = [self.level(x) for x in stx[1]]
        out = parts[-1]
        for u in reversed(parts[:-1]):
            out = lv.make(kind, u, out)
        return out

    def elab_num(self, stx, expected):
        meta = self.meta
        ty = expected
        if ty is None:
            ty = meta.mk_type_mvar()
        ty = meta.inst(ty)
        lit = Lit(stx.value)
        if ty is Const("Nat"):
            return meta.mk_nat(stx.value)
        u = meta._dec_level(meta.sort_level(ty))
        if u is None:
            u = meta.mk_level_mvar()
            if not meta.is_level_eq(meta.sort_level(ty), lv.succ(u)):
                raise LeanError(f"failed to synthesize\n  OfNat {self.pp_arg(ty)} {stx.value}", stx)
        inst = self.inst_mvar(tm.mk_app(Const("OfNat", (u,)), ty, lit), stx)
        return tm.mk_app(Const("OfNat.ofNat", (u,)), ty, lit, inst)

    def pp_arg(self, e):
        text = self.meta.pp(e)
        return f"({text})" if " " in text else text

    def elab_str(self, stx, expected):
        raise Declined("string literals", stx)

    def elab_paren(self, stx, expected):
        return self.term(stx.term, expected)

    def elab_ascription(self, stx, expected):
        meta = self.meta
        if stx.type is None:
            e = self.term(stx.term)
            self.synthesize("no")
            return meta.inst(e)
        ty = self.type_term(stx.type)
        self.synthesize("yes")
        return self.term_ensuring(stx.term, meta.inst(ty))

    def elab_sorry(self, stx, expected):
        meta = self.meta
        ty = meta.mk_type_mvar() if expected is None else expected
        self.sorries.append((stx, meta.lctx, ty))
        return meta.mk_sorry(ty)

    def elab_show(self, stx, expected):
        """show T from e / show T by tac: as Lean's `let_fun this : T := e; this` or (e : T)."""
        meta = self.meta
        ty = self.type_term(stx.type)
        if expected is not None:
            meta.is_def_eq(ty, expected)
        ty = meta.inst(ty)
        value = self.term_ensuring(stx.value, ty)
        return tm.mk_app(tm.Lam("this", ty, tm.BVar(0)), value) \
            if not isinstance(stx.value, sx.By) else value

    def elab_have(self, stx, expected):
        """have x : T := v; b as (fun x : T => b) v."""
        if stx.pattern is not None:
            return self.elab_let_pattern(stx, expected)
        value, ty = self._let_value(stx)
        return self._have_body(stx.name or "this", ty, value, stx.body, expected)

    def _have_body(self, name, ty, value, body, expected):
        meta = self.meta
        d = meta.mk_local("x✝" if name == "_" else name, ty)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term(body) if expected is None else self.term_ensuring(body, expected)
            self.synthesize("yes")
            lam = meta.mk_lambda([d.fvar], e)
        return App(lam, value)

    def _let_value(self, stx):
        """(value, type) of `name binders : type := value`."""
        meta = self.meta

        def k(decls):
            fvars = [d.fvar for d in decls]
            ty = meta.mk_type_mvar() if stx.type is None else self.type_term(stx.type)
            self.synthesize("yes")
            value = self.term_ensuring(stx.value, meta.inst(ty))
            self.synthesize("yes")
            return meta.mk_lambda(fvars, value), meta.mk_pi(fvars, ty)
        return self.elab_binders(stx.binders, k)

    def elab_let(self, stx, expected):
        meta = self.meta
        if stx.pattern is not None:
            return self.elab_let_pattern(stx, expected)
        value, ty = self._let_value(stx)
        self.synthesize("partial")
        value, ty = meta.inst(value), meta.inst(ty)
        d = meta.mk_local("x✝" if stx.name in ("_", None) else stx.name, ty, value=value)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term(stx.body) if expected is None else self.term_ensuring(
                stx.body, expected)
            self.synthesize("no")
            e = meta.inst(e)
        body = tm.abstract(meta._elim_deps(e, [d.fvar]), [d.fvar])
        return tm.Let(d.name, ty, value, body)

    def elab_suffices(self, stx, expected):
        """suffices h : T from v; b = have h : T := b; v."""
        meta = self.meta
        ty = self.type_term(stx.type)
        self.synthesize("yes")
        ty = meta.inst(ty)
        d = meta.mk_local(stx.name or "this", ty)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term(stx.value) if expected is None else self.term_ensuring(
                stx.value, expected)
            self.synthesize("yes")
            lam = meta.mk_lambda([d.fvar], e)
        return App(lam, self.term_ensuring(stx.body, ty))

    def elab_cdot(self, stx, expected):
        raise LeanError("invalid occurrence of `·` notation, it must be surrounded by "
                        "parentheses (e.g. `(· + 1)`)", stx)

