"""Weak head normal forms under a transparency setting.

Follows Lean 4's `Lean/Meta/WHNF.lean`: `whnf_core` does beta, iota, zeta, projections and matchers,
`whnf` also unfolds definitions as the transparency allows (reducible < instances < default).
The steps are the kernel's (`Reducer`); here metavariables, let-variables, transparency, matches and
smart unfolding are added. Nat literals reduce by arithmetic.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.errors import LeanError
from minilean.front.terms import calls_on_bound, get_app_num_args, is_app_of
from minilean.kernel import reduce
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, InductiveDecl
from minilean.kernel.literals import FOLD, NAT, NAT_SUCC, as_literal
from minilean.kernel.term import FVAR, LMVAR, MVAR, App, Const, FVar, Lam, MVar, Pi, get_app_fn_args

ALWAYS_FOLDED = {  # whatever the transparency
    "Nat.succ": FOLD["Nat.succ"],
    "Nat.div": (2, lambda a, b: tm.Lit(a // b if b else 0)),
    "Nat.mod": (2, lambda a, b: tm.Lit(a % b if b else a)),
}


class WhnfMixin(reduce.Reducer):
    """Reduction; mixed into `Meta`, which has its own state and caches (not those of Reducer)."""

    folds = {**FOLD, **ALWAYS_FOLDED}
    beta = staticmethod(reduce.beta)

    def head_beta(self, e):
        f, args = get_app_fn_args(e)
        return self.beta(f, args) if type(f) is Lam and args else e

    # --- transparency -------------------------------------------------------------------------

    def can_unfold(self, name):
        """Is `name` a definition that the transparency allows to unfold?"""
        ext = self.ext
        if self.transp == "default":
            allowed = name not in ext.irreducible
        else:
            allowed = name in ext.reducible or name in ext.instance_names
        return allowed and type(self.env.get(name)) is DefDecl

    def unfold_height(self, e):
        """As in the kernel, for what the transparency allows to unfold; projections come last."""
        f = tm.get_app_fn(e)
        if type(f) is not Const or self.is_matcher(f) or not self.can_unfold(f.name):
            return -1
        return 0 if f.name in self.ext.projections else self.env.get(f.name).height

    # --- core reduction -----------------------------------------------------------------------

    def whnf_core(self, e):
        """Weak head normal form without unfolding definitions."""
        while True:
            reduced = self._reduce_head(e)
            if reduced is None:
                return e
            e = reduced

    def _reduce_head(self, e):
        """One step at the head, else None."""
        t = type(e)
        if t is MVar:
            if self.decls[e.id].kind == "synthetic":
                self.synth_pending(e.id)
            return self.assign.get(e.id) or self._inst_delayed(e, e)
        if t is FVar:
            d = self.fvars.get(e.id)
            return None if d is None else d.value
        if t is not App:
            return super()._reduce_head(e)
        self.tick()
        f = tm.get_app_fn(e)
        if self.is_matcher(f):
            return self._reduce_matcher(e)
        reduced = super()._reduce_head(e)
        return self._inst_delayed(e, f) if reduced is None and type(f) is MVar else reduced

    def _inst_delayed(self, e, head):
        """e instantiated if its head is a goal that has been reached meanwhile, else None."""
        new = self.inst(e) if head.id in self.delayed else e
        return None if new is e else new

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

        The alternatives are replaced by dummies first: the matcher has reduced exactly when a
        dummy comes to the head.
        """
        f, args = get_app_fn_args(e)
        info = self.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        first = info.first_alt
        dummies = [FVar(("alt", i)) for i in range(info.num_alts)]
        found = self.whnf_core(self.unfold(tm.mk_app(f, *args[:first], *dummies)))
        g, rest = get_app_fn_args(found)
        if type(g) is FVar and type(g.id) is tuple and g.id[0] == "alt":
            return self.beta(args[first + g.id[1]], [*rest, *args[info.arity:]])
        return None

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

        Functions compiled from equations unfold only when that makes progress ("smart unfolding").
        """
        f = tm.get_app_fn(e)
        if type(f) is not Const or self.is_matcher(f):
            return None
        info = self.ext.projections.get(f.name)
        if info is not None and get_app_num_args(e) > info.num_params:
            return self._unfold_proj_fn(info, f.name, get_app_fn_args(e)[1])
        if not self.can_unfold(f.name):
            return None
        return self._smart_unfold(f, e) if f.name in self.ext.smart else self.unfold(e)

    def _unfold_proj_fn(self, info, name, args):
        """A projection function applied to (something that reduces to) a constructor."""
        if not (info.is_class or self.transp == "default" or name in self.ext.reducible):
            return None
        struct, more = args[info.num_params], args[info.num_params + 1:]
        field = self.field(self.whnf(struct), info.struct, info.index)
        if field is None and self.transp == "default":
            # stuck on a variable: expose the primitive projection so that both sides meet there
            field = tm.Proj(info.struct, info.index, struct)
        return None if field is None else self.beta(field, more)

    def _smart_unfold(self, f, e):
        """Unfold a function compiled from a match only if the match reduces.

        A match inside may be stuck unless it binds what a recursive call is applied to (as Lean's
        `recArgHasLooseBVarsAt` decides where smart unfolding stops).
        """
        info, decl = self.ext.smart[f.name], self.env.get(f.name)
        args = get_app_fn_args(e)[1]
        if len(args) < info.arity:
            return None
        value = tm.instantiate_level_params(info.value, decl.level_params, f.levels)
        e, progress = self.beta(value, args), False
        while self.is_matcher(tm.get_app_fn(e)):
            new = self._reduce_matcher(e)
            if new is None:
                stops = info.recursive and calls_on_bound(f.name, e)
                return e if progress and not stops else None
            e, progress = new, True
        return e if progress else None

    # --- Nat literals -------------------------------------------------------------------------

    def nat_value(self, e):
        """The int that e is a literal for (raw, OfNat.ofNat Nat n _, Nat.zero), else None."""
        if type(e) is MVar and e.id in self.assign:
            return self.nat_value(self.assign[e.id])
        if type(e) is not App:
            return as_literal(e)
        if e.fn is NAT_SUCC:
            n = self.nat_value(e.arg)
            return None if n is None else n + 1
        if is_app_of(e, "OfNat.ofNat", 3) and e.fn.fn.arg is NAT:
            return self.nat_value(e.fn.arg)
        return None

    def may_fold(self, name):
        return name in ALWAYS_FOLDED or self.can_unfold(name)

    def number(self, e):
        """As in the kernel; a numeral of Lean is a number, too."""
        e = self.inst(e)
        if e.flags & MVAR:
            return None
        n = self.nat_value(e)
        return self.nat_value(self.whnf(e)) if n is None else n

    # --- shapes of types ----------------------------------------------------------------------

    def inductive_of(self, ty):
        """(InductiveDecl, levels, params, indices) of the type ty, or None."""
        f, args = get_app_fn_args(self.whnf(self.inst(ty)))
        decl = self.head_decl(f)
        if type(decl) is not InductiveDecl:
            return None
        return decl, f.levels, args[:decl.num_params], args[decl.num_params:]

    def expect_pi(self, ty):
        if type(ty) is not Pi:
            ty = self.whnf(self.inst(ty))
            if type(ty) is not Pi:
                raise LeanError(f"function expected\n  {self.pp(ty)}")
        return ty
