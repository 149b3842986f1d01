"""Weak head normal forms under a transparency setting.

Follows Lean 4's `Lean/Meta/WHNF.lean`: `whnf_core` does beta, iota, zeta, projections and matchers,
`whnf` also unfolds definitions as the transparency allows (reducible or default).
The steps are the kernel's (`Reducer`); here metavariables, let-variables, transparency, matches and
smart unfolding are added. Nat literals reduce by arithmetic.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.errors import LeanError
from minilean.front.terms import calls_on_bound, is_app_of
from minilean.kernel import reduce
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, InductiveDecl
from minilean.kernel.literals import FOLD, NAT, NAT_SUCC, as_literal
from minilean.kernel.term import LMVAR, MVAR, App, Const, FVar, Lam, MVar, Pi, get_app_fn_args

DIVISION = {
    "Nat.div": (2, lambda a, b: tm.Lit(a // b if b else 0)),
    "Nat.mod": (2, lambda a, b: tm.Lit(a % b if b else a)),
}


class WhnfMixin(reduce.Reducer):
    """Reduction; mixed into `Meta`, which has its own state and caches (not those of Reducer)."""

    folds = {**FOLD, **DIVISION}
    beta = staticmethod(reduce.beta)

    def head_beta(self, e):
        return self.beta(*get_app_fn_args(e))

    # --- transparency -------------------------------------------------------------------------

    def can_unfold(self, name):
        """Is `name` a definition that the transparency allows to unfold?"""
        ext = self.ext
        allowed = name in ext.reducible or name in ext.instance_names or (
            self.transp == "default" and name not in ext.irreducible)
        return allowed and type(self.env.get(name)) is DefDecl

    # --- core reduction -----------------------------------------------------------------------

    def _reduce_head(self, e):
        """One step at the head, else None."""
        t = type(e)
        if t is FVar:
            return self.fvars[e.id].value
        if t is not App and t is not MVar:
            return super()._reduce_head(e)
        f = tm.get_app_fn(e)
        if type(f) is MVar:
            return self._reduce_mvar(f, e)
        return self._reduce_matcher(e) if self.is_matcher(f) else super()._reduce_head(e)

    def _reduce_mvar(self, m, e):
        """e with the metavariable at its head replaced; an instance is searched for, if need be."""
        if self.decls[m.id].kind == "synthetic":
            self.synth_pending(m.id)
        value = self.value_of(m)
        return None if value is None else self.beta(value, get_app_fn_args(e)[1])

    def _to_ctor_k(self, rec, major):
        """As in the kernel, except that no metavariable in the indices is assigned."""
        _, args = get_app_fn_args(self.whnf(self.inst(self.infer(major))))
        if any(a.flags & MVAR for a in args[rec.num_params:]):
            return None
        return super()._to_ctor_k(rec, major)

    # --- matches ------------------------------------------------------------------------------

    def is_matcher(self, f):
        """Is f a matcher? Those are never unfolded, only reduced."""
        return type(f) is Const and f.name in self.ext.matchers

    def _reduce_matcher(self, e):
        """A matcher applied to constructors becomes the alternative it selects, else None.

        It has reduced when one of the variables that replace the alternatives comes to the head.
        """
        f, args = get_app_fn_args(e)
        info = self.ext.matchers.get(f.name) if type(f) is Const else None
        if info is None or len(args) < info.arity:
            return None
        first, numbers = info.first_alt, map(tm.BVar, range(len(info.alt_arity)))
        unfolded = self.unfold(tm.mk_app(f, *args[:first], *numbers))
        g, rest = get_app_fn_args(self.whnf_core(unfolded))
        if type(g) is not tm.BVar:
            return None
        return self.beta(args[first + g.idx], [*rest, *args[info.arity:]])

    # --- with delta ---------------------------------------------------------------------------

    def whnf(self, e):
        """Weak head normal form under the current transparency."""
        t = type(e)
        if t is Lam or t is Pi or t is tm.Sort or t is tm.Lit or t is tm.BVar:
            return e
        if e.flags & (MVAR | LMVAR):
            return self._whnf(e)
        return self.remembered((e, self.transp), e.flags, self._whnf, e)

    def whnf_r(self, e):
        with self.transparency("reducible"):
            return self.whnf(e)

    def unfold_def(self, e):
        """e with its head constant unfolded once (as transparency allows), or None.

        Functions compiled from equations unfold only when that makes progress ("smart unfolding"),
        projections of reducible structures when they find a constructor.
        """
        f = tm.get_app_fn(e)
        if type(f) is not Const or self.is_matcher(f) or not self.can_unfold(f.name):
            return None
        if f.name in self.ext.smart:
            return self._smart_unfold(f, e)
        info = self.ext.projections.get(f.name)
        if info is None or self.transp == "default":
            return self.unfold(e)
        return self._unfold_proj_fn(info, e)

    def _unfold_proj_fn(self, info, e):
        """The field, when a projection function is applied to a constructor; else None."""
        args = get_app_fn_args(e)[1]
        if len(args) <= info.num_params:
            return None
        field = self.field(self.whnf(args[info.num_params]), info.struct, info.index)
        return None if field is None else self.beta(field, args[info.num_params + 1:])

    def _smart_unfold(self, f, e):
        """Unfold a function compiled from a match only if the match reduces.

        A match inside may be stuck unless it binds what a recursive call is applied to (as Lean's
        `recArgHasLooseBVarsAt` decides where smart unfolding stops).
        """
        info, levels = self.ext.smart[f.name], self.env.get(f.name).level_params
        args = get_app_fn_args(e)[1]
        if len(args) < info.arity:
            return None
        new = start = self.beta(tm.instantiate_level_params(info.value, levels, f.levels), args)
        while new is not None:
            e, new = new, self._reduce_matcher(new)
        stuck = info.recursive and self.is_matcher(tm.get_app_fn(e)) and calls_on_bound(f.name, e)
        return None if e is start or stuck else e

    # --- Nat literals -------------------------------------------------------------------------

    def nat_value(self, e):
        """The int that e is a literal for (raw, OfNat.ofNat Nat n _, Nat.zero), else None."""
        if type(e) is not App:
            return as_literal(e)
        if e.fn is NAT_SUCC:
            n = self.nat_value(e.arg)
            return None if n is None else n + 1
        if is_app_of(e, "OfNat.ofNat", 3) and e.fn.fn.arg is NAT:
            return self.nat_value(e.fn.arg)
        return None

    def may_fold(self, name):
        return name in DIVISION or name == "Nat.succ" or self.can_unfold(name)

    def number(self, e):
        """As in the kernel; a numeral of Lean is a number, too."""
        return self.nat_value(self.whnf(self.inst(e)))

    # --- shapes of types ----------------------------------------------------------------------

    def inductive_of(self, ty):
        """(InductiveDecl, levels, params, indices) of the type ty, or None."""
        f, args = get_app_fn_args(self.whnf(self.inst(ty)))
        decl = self.head_decl(f)
        if type(decl) is not InductiveDecl:
            return None
        return decl, f.levels, args[:decl.num_params], args[decl.num_params:]

    def expect_pi(self, ty):
        pi = ty if type(ty) is Pi else self.whnf(self.inst(ty))
        if type(pi) is not Pi:
            raise LeanError(f"function expected\n  {self.pp(pi)}")
        return pi
