"""Types of terms, and the universe level of a type.

Follows Lean 4's `Lean/Meta/InferType.lean`; terms are taken to be type correct.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.caches import instantiate_cached
from minilean.front.errors import LeanError
from minilean.kernel import level as lv
from minilean.kernel.env import InductiveDecl
from minilean.kernel.literals import NAT
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
    get_app_fn,
    get_app_fn_args,
    instantiate,
    instantiate_rev,
    mk_app,
)

STRING = Const("String")


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
            return self._infer_lam(e)
        if t is Pi:
            d = self.mk_local(e.name, e.type)
            u = self.sort_level(e.type)
            return Sort(lv.imax(u, self.sort_level(instantiate(e.body, d.fvar))))
        if t is Let:
            return self.infer(instantiate(e.body, e.value))
        if t is Lit:
            return NAT if isinstance(e.value, int) else STRING
        if t is Proj:
            return self._infer_proj(e)
        raise LeanError(f"unexpected bound variable {e!r}")

    def _infer_lam(self, e):
        decls, body = self.lambda_locals(e)
        fvars = [d.fvar for d in decls]
        ty = self.infer(body)
        if ty.flags & MVAR:
            ty = self.inst(ty)
        ty = abstract(ty, fvars)
        for i in range(len(decls) - 1, -1, -1):
            ty = Pi(decls[i].name, abstract(decls[i].type, fvars[:i]), ty, decls[i].bi)
        return ty

    def _infer_app(self, e):
        f, args = get_app_fn_args(e)
        ty, start = self.infer(f), 0
        for i in range(len(args)):
            if type(ty) is not Pi:
                ty = self.whnf(instantiate_rev(ty, args[start:i]))
                start = i
                if type(ty) is not Pi:
                    raise LeanError(f"function expected\n  {self.pp(mk_app(f, *args[:i]))}")
            ty = ty.body
        return instantiate_rev(ty, args[start:])

    def _infer_proj(self, e):
        f, args = get_app_fn_args(self.whnf(self.infer(e.expr)))
        ind = self.head_decl(f)
        if type(ind) is not InductiveDecl:
            raise LeanError("invalid projection")
        fields = [Proj(e.struct, i, e.expr) for i in range(e.idx)]
        ty = self.infer(mk_app(Const(ind.ctors[0], f.levels), *args[:ind.num_params], *fields))
        return self.whnf(ty).type

    def sort_level(self, ty):
        """The universe level of the type `ty`; raises LeanError if it is not a type."""
        s = self._sort_of(ty)
        if type(s) is Sort:
            return s.level
        if type(get_app_fn(s)) is MVar:
            u = self.mk_level_mvar()
            if self.is_def_eq(s, Sort(u)):
                return u
        raise LeanError(f"type expected, got\n  ({self.pp(ty)} : {self.pp(s)})")

    def _sort_of(self, ty):
        """The type of the type `ty`, in weak head normal form."""
        s = self.infer(ty)
        return s if type(s) is Sort else self.whnf(self.inst(s))

    def is_prop(self, ty):
        """Is ty : Prop? (never assigns)"""
        s = self._sort_of(ty)
        return type(s) is Sort and lv.is_zero(self.inst_level(s.level))

    def is_proof(self, e):
        return self.is_prop(self.infer(e))

    def is_type(self, e):
        return type(self._sort_of(e)) is Sort

    def arg_infos(self, f, n):
        """Binder infos of the first n arguments of f, "default" where its type shows no Pi."""
        ty = self.infer(f)
        out = []
        while len(out) < n and type(ty) is Pi:
            out.append(ty.info)
            ty = ty.body
        return out + ["default"] * (n - len(out))
