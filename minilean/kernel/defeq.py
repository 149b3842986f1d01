"""Definitional equality: lazy δ, η for functions and structures, proof irrelevance, unit types.

Follows `is_def_eq_core` of Lean 4's type_checker.cpp and lean4lean. Both sides must be well typed.
"""

from minilean.kernel import level as lv
from minilean.kernel.literals import TRUE, as_literal, as_succ
from minilean.kernel.reduce import Reducer
from minilean.kernel.term import (
    FVAR,
    App,
    BVar,
    Const,
    Lam,
    Lit,
    Pi,
    Proj,
    Sort,
    get_app_fn,
    get_app_fn_args,
    instantiate_rev,
    lift,
)


class DefEq(Reducer):
    """Adds `is_def_eq` to reduction; `infer` comes from the subclass."""

    def __init__(self, env):
        super().__init__(env)
        self.equal = {}  # pairs known to be equal (and to have been compared with success)
        self.failed = {}  # pairs whose arguments were found to differ

    def is_def_eq(self, t, s):
        """Are the well-typed terms t and s definitionally equal?"""
        if t is s:
            return True
        self.step()
        quick = self._quick(t, s)
        if quick is not None:
            return quick
        if (t, s) in self.equal or (s, t) in self.equal:
            return True
        if self._compare(t, s):
            self.equal[t, s] = None
            return True
        return False

    def _compare(self, t, s):
        if s is TRUE and not t.flags & FVAR or t is TRUE and not s.flags & FVAR:
            if self.whnf(t) is self.whnf(s):
                return True  # closed Boolean tests are decided by evaluation
        t1, s1 = self.whnf_core(t), self.whnf_core(s)
        if t1 is s1:
            return True
        if t1 is not t or s1 is not s:
            quick = self._quick(t1, s1)
            if quick is not None:
                return quick
        irrelevant = self._proof_irrelevance(t1, s1)
        if irrelevant is not None:
            return irrelevant
        t2, s2, verdict = self._lazy_delta(t1, s1)
        if verdict is not None:
            return verdict
        return (self._congruence(t2, s2) or self._eta(t2, s2) or self._eta(s2, t2)
                or self._eta_struct(t2, s2) or self._eta_struct(s2, t2) or self._unit(t2, s2))

    def _quick(self, t, s):
        """The answer if it shows at once from the outermost symbols, else None."""
        if t is s:
            return True
        kind = type(t)
        if kind is not type(s):
            return None
        if kind is Lam or kind is Pi:
            return self._binders(t, s, kind)
        if kind is Sort:
            return lv.eq(t.level, s.level)
        if kind is Lit:
            return False  # equal literals are identical
        return None

    def _binders(self, t, s, kind):
        """Compare λs or Πs: domains, then bodies under fresh variables."""
        depth, xs = self.depth, []
        while type(t) is kind and type(s) is kind:
            domain = instantiate_rev(t.type, xs)
            if t.type is not s.type and not self.is_def_eq(domain, instantiate_rev(s.type, xs)):
                self.depth = depth
                return False
            xs.append(self.new_local(domain))
            t, s = t.body, s.body
        good = t is s or self.is_def_eq(instantiate_rev(t, xs), instantiate_rev(s, xs))
        self.depth = depth
        return good

    def _proof_irrelevance(self, t, s):
        """If t is a proof: do t and s prove the same proposition? Else None."""
        t_type = self.infer(t)
        return self.is_def_eq(t_type, self.infer(s)) if self.is_prop(t_type) else None

    # --- lazy δ ---

    def _lazy_delta(self, t, s):
        """Unfold the higher definition first until a verdict or until both heads are stuck.

        Returns (t, s, verdict); verdict is None when undecided.
        """
        while True:
            self.step()
            verdict = self._offsets(t, s)
            if verdict is not None:
                return t, s, verdict
            t1, s1 = self.nat_ops.reduce(t), self.nat_ops.reduce(s)
            if t1 is not None or s1 is not None:
                return t, s, self.is_def_eq(t if t1 is None else t1, s if s1 is None else s1)
            height_t, height_s = self.unfold_height(t), self.unfold_height(s)
            if height_t is None and height_s is None:
                return t, s, None
            if height_s is None or height_t is not None and height_t > height_s:
                t = self.whnf_core(self.unfold(t))
            elif height_t is None or height_t < height_s:
                s = self.whnf_core(self.unfold(s))
            else:
                if self._same_head_args(t, s):
                    return t, s, True
                t, s = self.whnf_core(self.unfold(t)), self.whnf_core(self.unfold(s))
            quick = self._quick(t, s)
            if quick is not None:
                return t, s, quick

    def _same_head_args(self, t, s):
        """Both are the same definition applied to equal arguments (failures are remembered)."""
        if type(t) is not App or type(s) is not App or (t, s) in self.failed:
            return False
        fn_t, fn_s = get_app_fn(t), get_app_fn(s)
        if fn_t.name != fn_s.name:
            return False
        if self._equal_apps(t, s):
            return True
        self.failed[t, s] = None
        return False

    def _offsets(self, t, s):
        """Compare two numbers of the form zero, succ or literal; None if one is neither."""
        n = as_literal(t)
        if n is not None and n == as_literal(s):
            return True
        p, q = as_succ(t), as_succ(s)
        if p is not None and q is not None:
            return self.is_def_eq(p, q)
        return None

    # --- stuck terms ---

    def _congruence(self, t, s):
        kind = type(t)
        if kind is not type(s):
            return False
        if kind is Const:
            return t.name == s.name and self._equal_levels(t, s)
        if kind is Proj:
            return (t.idx == s.idx and t.struct == s.struct
                    and self.is_def_eq(t.expr, s.expr))
        return kind is App and self._equal_apps(t, s)

    def _equal_levels(self, t, s):
        return len(t.levels) == len(s.levels) and all(
            [lv.eq(a, b) for a, b in zip(t.levels, s.levels, strict=True)])

    def _equal_apps(self, t, s):
        fn_t, args_t = get_app_fn_args(t)
        fn_s, args_s = get_app_fn_args(s)
        if len(args_t) != len(args_s):
            return False
        if type(fn_t) is Const and type(fn_s) is Const:
            if fn_t.name != fn_s.name or not self._equal_levels(fn_t, fn_s):
                return False
        elif not self.is_def_eq(fn_t, fn_s):
            return False
        for a, b in zip(args_t, args_s, strict=True):
            if a is not b and not self.is_def_eq(a, b):
                return False
        return True

    def _eta(self, t, s):
        """t is a λ, s is not: compare t with λ x, s x."""
        if type(t) is not Lam or type(s) is Lam:
            return False
        s_type = self.whnf(self.infer(s))
        if type(s_type) is not Pi:
            return False
        return self.is_def_eq(t, Lam(t.name, s_type.type, App(lift(s, 1), BVar(0)), t.info))

    def _eta_struct(self, t, s):
        """s is a constructor of a structure: compare its fields with the projections of t."""
        ctor = self.ctor_of(s)
        if ctor is None or self.structure_like(ctor.induct) is None:
            return False
        args = get_app_fn_args(s)[1]
        if len(args) != ctor.num_params + ctor.num_fields:
            return False
        if not self.is_def_eq(self.infer(t), self.infer(s)):
            return False
        for i, arg in enumerate(args[ctor.num_params:]):
            if not self.is_def_eq(Proj(ctor.induct, i, t), arg):
                return False
        return True

    def _unit(self, t, s):
        """All members of a structure without fields are equal."""
        t_type = self.whnf(self.infer(t))
        decl = self.head_decl(t_type)
        decl = decl and self.structure_like(decl.name)
        if decl is None or self.env.lookup(decl.ctors[0]).num_fields:
            return False
        return self.is_def_eq(t_type, self.infer(s))
