"""Types of terms, and the universe level of a type.

Follows Lean 4's `Lean/Meta/InferType.lean`; terms are taken to be type correct.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.caches import instantiate_cached
from minilean.front.errors import LeanError
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    App,
    Const,
    FVar,
    Lam,
    Let,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
    abstract,
    instantiate,
    instantiate_level_params,
    instantiate_rev,
)


class InferMixin:
    """Mixed into `Meta`."""

    def infer(self, e):
        """The type of e, assuming that e is type correct."""
        t = type(e)
        if t is FVar:
            return self.fvars[e.id].type
        if t is MVar:
            return self.decls[e.id].type
        if t is Const:
            return self.const_type(e)
        if e.flags & MVAR:  # the answer may hold only until assignments are undone
            self.tick()
            return self._infer(e, t)
        cache = self.infer_cache if e.flags & (FVAR | LMVAR) else self.shared.infer
        found = cache.get(e)
        if found is None:
            self.tick()
            found = cache[e] = self._infer(e, t)
        return found

    def const_type(self, e):
        decl = self.env.get(e.name)
        if decl is None:
            raise LeanError(f"Unknown constant `{e.name}`")
        return instantiate_cached(decl.type, decl.level_params, e.levels)

    def _infer(self, e, t):
        if t is App:
            return self._infer_app(e)
        if t is Sort:
            return Sort(lv.succ(e.level))
        if t is Lam:
            return self._infer_binders(e, Lam)
        if t is Pi:
            d = self.mk_local(e.name, e.type)
            u = self.sort_level(e.type)
            return Sort(lv.imax(u, self.sort_level(instantiate(e.body, d.fvar))))
        if t is Let:
            return self.infer(instantiate(e.body, e.value))
        if t is Lit:
            return Const("Nat") if isinstance(e.value, int) else Const("String")
        if t is Proj:
            return self._infer_proj(e)
        raise LeanError(f"unexpected bound variable {e!r}")

    def _infer_binders(self, e, kind):
        decls = []
        while type(e) is kind:
            fvars = [d.fvar for d in decls]
            decls.append(self.mk_local(e.name, instantiate_rev(e.type, fvars), e.info))
            e = e.body
        fvars = [d.fvar for d in decls]
        body = self.infer(instantiate_rev(e, fvars))
        if body.flags & MVAR:
            body = self.inst(body)
        body = abstract(body, fvars)
        for i in range(len(decls) - 1, -1, -1):
            body = Pi(decls[i].name, abstract(decls[i].type, fvars[:i]), body, decls[i].bi)
        return body

    def _infer_app(self, e):
        f, args = tm.get_app_fn_args(e)
        ty, start = self.infer(f), 0
        for i in range(len(args)):
            if type(ty) is Pi:
                ty = ty.body
                continue
            ty = self.whnf(instantiate_rev(ty, args[start:i]))
            start = i
            if type(ty) is not Pi:
                raise LeanError(f"function expected\n  {self.pp(tm.mk_app(f, *args[:i]))}")
            ty = ty.body
        return instantiate_rev(ty, args[start:])

    def _infer_proj(self, e):
        ty = self.whnf(self.infer(e.expr))
        f, args = tm.get_app_fn_args(ty)
        ind = self.env.get(f.name) if type(f) is Const else None
        if type(ind) is not InductiveDecl:
            raise LeanError("invalid projection")
        ctor = self.env.lookup(ind.ctors[0])
        cty = instantiate_level_params(ctor.type, ctor.level_params, f.levels)
        for a in args[:ind.num_params]:
            cty = instantiate(self.whnf(cty).body, a)
        for i in range(e.idx):
            cty = instantiate(self.whnf(cty).body, Proj(e.struct, i, e.expr))
        return self.whnf(cty).type

    def sort_level(self, ty):
        """The universe level of the type `ty`; raises LeanError if it is not a type."""
        s = self.infer(ty)
        if type(s) is not Sort:
            s = self.whnf(self.inst(s))
        if type(s) is Sort:
            return s.level
        if type(tm.get_app_fn(s)) is MVar:
            u = self.mk_level_mvar()
            if self.is_def_eq(s, Sort(u)):
                return u
        raise LeanError(f"type expected, got\n  ({self.pp(ty)} : {self.pp(s)})")

    type_level = sort_level

    def _dec_level(self, u):
        """u - 1 (Lean's getDecLevel), assigning universe metavariables; None if u may be 0."""
        u = self.inst_level(u)
        if u.kind == "succ":
            return u.a
        if u.kind == "mvar":
            v = self.mk_level_mvar()
            self.assign_level(u.a, lv.succ(v))
            return v
        if u.kind in ("max", "imax"):
            a, b = self._dec_level(u.a), self._dec_level(u.b)
            return None if a is None or b is None else lv.max_(a, b)
        return None

    def fresh_mark(self):
        """Metavariables created from now on have larger ids."""
        return self.next_id()

    def is_prop(self, ty):
        """Is ty : Prop? (never assigns)"""
        s = self.infer(ty)
        if type(s) is not Sort:
            s = self.whnf(self.inst(s))
        return type(s) is Sort and (s.level is lv.ZERO or self.inst_level(s.level) is lv.ZERO
                                    or lv.is_zero(self.inst_level(s.level)))

    def is_proof(self, e):
        return self.is_prop(self.infer(e))

    def is_type(self, e):
        s = self.infer(e)
        return type(s) is Sort or type(self.whnf(self.inst(s))) is Sort

    def is_ctor_app(self, e):
        f = tm.get_app_fn(e)
        return type(f) is Const and type(self.env.get(f.name)) is ConstructorDecl

    def binder_names(self, ty):
        names = []
        while type(ty) is Pi:
            names.append(ty.name)
            ty = ty.body
        return names

    def arg_infos(self, f, n):
        """Binder infos of the first n arguments of f, "default" where its type shows no Pi."""
        ty = self.infer(f)
        out = []
        while len(out) < n and type(ty) is Pi:
            out.append(ty.info)
            ty = ty.body
        return out + ["default"] * (n - len(out))
