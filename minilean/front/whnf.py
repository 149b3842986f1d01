"""Weak head normal forms under a transparency setting.

Follows Lean 4's `Lean/Meta/WHNF.lean`: `whnf_core` does beta, iota, zeta, projections and matchers,
`whnf` also unfolds definitions as the transparency allows (reducible < instances < default).
The steps are the kernel's (`Reducer`); here metavariables, let-variables, transparency, matches and
smart unfolding are added. Nat literals reduce by arithmetic.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.caches import instantiate_cached
from minilean.front.errors import LeanError
from minilean.front.terms import calls_on_bound, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, InductiveDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.literals import FOLD, NAT, NAT_SUCC, as_literal, literal_to_ctor
from minilean.kernel.reduce import Reducer
from minilean.kernel.reduce import beta as beta_once
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    App,
    Const,
    FVar,
    Lam,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
    get_app_fn,
    get_app_fn_args,
)

ALWAYS_FOLDED = {  # whatever the transparency
    "Nat.succ": lambda a: Lit(a + 1),
    "Nat.div": lambda a, b: Lit(a // b if b else 0),
    "Nat.mod": lambda a, b: Lit(a % b if b else a),
}
NAT_OPS = {**FOLD, **ALWAYS_FOLDED}


class WhnfMixin(Reducer):
    """Reduction; mixed into `Meta`, which has its own state and caches (not those of Reducer)."""

    def beta(self, f, args):
        """f applied to args with the head beta-redexes contracted."""
        e = beta_once(f, args)
        return self.head_beta(e) if type(f) is Lam else e

    def head_beta(self, e):
        f, args = get_app_fn_args(e)
        while type(f) is Lam and args:
            e = beta_once(f, args)
            f, args = get_app_fn_args(e)
        return e

    # --- transparency -------------------------------------------------------------------------

    def can_unfold(self, name):
        """Does the transparency allow to unfold `name`?"""
        ext = self.ext
        if self.transp == "default":
            return name not in ext.irreducible
        return name in ext.reducible or (self.transp == "instances" and name in ext.instance_names)

    def get_def(self, name):
        """The definition that the transparency lets us unfold, or None."""
        decl = self.env.get(name)
        return decl if type(decl) is DefDecl and self.can_unfold(name) else None

    def unfold_const(self, c):
        """The value of the constant c, if the transparency lets us unfold it, else None."""
        decl = self.get_def(c.name)
        return None if decl is None else self._at_levels(decl.value, decl, c)

    def _at_levels(self, e, decl, const):
        return instantiate_cached(e, decl.level_params, const.levels)

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
            return self.assign.get(e.id) or self._inst_delayed(e, e)
        if t is FVar:
            d = self.fvars.get(e.id)
            return None if d is None else d.value
        if t is not App:
            return super()._reduce_head(e)
        self.tick()
        f = get_app_fn(e)
        if self.is_matcher(f):
            return self._reduce_matcher(e)
        reduced = super()._reduce_head(e)
        return self._inst_delayed(e, f) if reduced is None and type(f) is MVar else reduced

    def _inst_delayed(self, e, head):
        """e instantiated if its head is a goal that has been reached meanwhile, else None."""
        new = self.inst(e) if head.id in self.delayed else e
        return None if new is e else new

    def _reduce_proj(self, e):
        s = self.whnf_core(e.expr) if self.transp == "reducible" else self.whnf(e.expr)
        return self._field(s, e.idx)

    def _field(self, s, i):
        """Field number i of s when s is a constructor application, else None."""
        ctor, args = self.ctor_of(s), get_app_fn_args(s)[1]
        if ctor is None or len(args) <= ctor.num_params + i:
            return None
        return args[ctor.num_params + i]

    def _whnf_ctor(self, e):
        return self.lit_to_ctor(self.whnf(e))

    def lit_to_ctor(self, e):
        """A Nat literal as Nat.zero or Nat.succ of a literal; anything else unchanged."""
        return literal_to_ctor(e) if type(e) is Lit and isinstance(e.value, int) else e

    def _to_ctor_k(self, rec, major):
        """As in the kernel, except that no metavariable in the indices is assigned."""
        _, args = get_app_fn_args(self.whnf(self.inst(self.infer(major))))
        if any(a.flags & MVAR for a in args[rec.num_params:]):
            return None
        return super()._to_ctor_k(rec, major)

    def _to_ctor_eta(self, rec, major):
        """As in the kernel, but a metavariable may still become a constructor."""
        return None if type(get_app_fn(major)) is MVar else super()._to_ctor_eta(rec, major)

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
        with self.at_least("instances"):
            found = self.whnf_core(self.unfold(tm.mk_app(f, *args[:first], *dummies)))
        g, rest = get_app_fn_args(found)
        if type(g) is FVar and type(g.id) is tuple:
            return self.beta(args[first + g.id[1]], [*rest, *args[info.arity:]])
        return None

    # --- with delta ---------------------------------------------------------------------------

    def whnf(self, e):
        """Weak head normal form under the current transparency."""
        t = type(e)
        if t is Lam or t is Pi or t is Sort or t is Lit or t is tm.BVar:
            return e
        closed = not e.flags & (MVAR | LMVAR)
        if closed:
            key = (e, self.transp)
            cache = self.whnf_cache if e.flags & FVAR else self.shared.whnf
            found = cache.get(key)
            if found is not None:
                return found
        while True:
            e = self.whnf_core(e)
            number = self.reduce_nat(e)
            if number is not None:
                e = number
                break
            unfolded = self.unfold_def(e)
            if unfolded is None:
                break
            self.tick()
            e = unfolded
        if closed:
            cache[key] = e
        return e

    def whnf_r(self, e):
        with self.transparency("reducible"):
            return self.whnf(e)

    def whnf_i(self, e):
        with self.transparency("instances"):
            return self.whnf(e)

    def unfold_def(self, e):
        """e with its head constant unfolded once (as transparency allows), or None.

        Functions compiled from equations unfold only when that makes progress ("smart unfolding").
        """
        f, args = get_app_fn_args(e)
        if type(f) is not Const or self.is_matcher(f):
            return None
        info = self.ext.projections.get(f.name)
        if info is not None and len(args) > info.num_params:
            return self._unfold_proj_fn(info, f.name, args)
        if f.name in self.ext.smart:
            return self._smart_unfold(f, args)
        value = self.unfold_const(f)
        return None if value is None else self.beta(value, args)

    def _unfold_proj_fn(self, info, name, args):
        """A projection function applied to (something that reduces to) a constructor."""
        struct, more = args[info.num_params], args[info.num_params + 1:]
        if info.is_class:
            with self.at_least("instances"):
                s = self.whnf(struct)
        elif self.transp == "default" or name in self.ext.reducible:
            s = self.whnf(struct)
        else:
            return None
        field = self._field(s, info.index)
        if field is None and self.transp == "default":
            # stuck on a variable: expose the primitive projection so that both sides meet there
            field = Proj(info.struct, info.index, struct)
        return None if field is None else self.beta(field, more)

    def _smart_unfold(self, f, args):
        """Unfold a function compiled from a match only if the match reduces.

        A match inside may be stuck unless it binds what a recursive call is applied to (as Lean's
        `recArgHasLooseBVarsAt` decides where smart unfolding stops).
        """
        info = self.ext.smart[f.name]
        if not self.can_unfold(f.name) or len(args) < info.arity:
            return None
        e = self.beta(self._at_levels(info.value, self.env.get(f.name), f), args)
        progress = False
        while self.is_matcher(get_app_fn(e)):
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

    def reduce_nat(self, e):
        """Nat.add 2 3 ~> 5 and the like, for closed arguments; None if it does not apply."""
        if type(e) is not App or e.flags & FVAR:
            return None
        f, args = get_app_fn_args(e)
        op = NAT_OPS.get(f.name) if type(f) is Const else None
        if op is None or len(args) != (1 if f is NAT_SUCC else 2) \
                or not (f.name in ALWAYS_FOLDED or self.can_unfold(f.name)):
            return None
        numbers = []
        for a in args:
            numbers.append(self._eval_nat(a))
            if numbers[-1] is None:
                return None
        try:
            return op(*numbers)
        except KernelError:  # too large
            return None

    def _eval_nat(self, e):
        e = self.inst(e)
        if e.flags & MVAR:
            return None
        n = self.nat_value(e)
        return self.nat_value(self.whnf(e)) if n is None else n

    # --- shapes of types ----------------------------------------------------------------------

    def is_ctor_app(self, e):
        return self.ctor_of(e) is not None

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
