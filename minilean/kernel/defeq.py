"""Definitional equality: lazy δ, η for functions and structures, proof irrelevance, unit types.

Follows `is_def_eq_core` of Lean 4's type_checker.cpp and lean4lean. Both sides must be well typed.
"""

from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.infer import Infer
from minilean.kernel.literals import TRUE, as_literal, as_succ
from minilean.kernel.term import App, Const, Lam, Pi, Proj, get_app_fn_args, instantiate_rev


class DefEq(Infer):
    """Adds `is_def_eq` to reduction and inference."""

    def __init__(self, env):
        super().__init__(env)
        self.compared = {}  # pairs of terms, with the verdict

    def is_def_eq(self, t, s):
        """Are the well-typed terms t and s definitionally equal?"""
        return self._eq(t, s)

    def _eq(self, t, s):
        """What the rules below ask about parts of t and s."""
        if t is s:
            return True
        verdict = self.compared.get((t, s))
        if verdict is None:
            verdict = self.compared[t, s] = self._compare(t, s)
        return verdict

    def _compare(self, t, s):
        self.step()
        quick = self._quick(t, s)
        if quick is not None:
            return quick
        if (t is TRUE or s is TRUE) and not (t.flags | s.flags) & tm.FVAR \
                and self.whnf(t) is self.whnf(s):
            return True  # closed Boolean tests are decided by evaluation
        t1, s1 = self.whnf_core(t), self.whnf_core(s)
        if t1 is not t or s1 is not s:
            quick = self._quick(t1, s1)
            if quick is not None:
                return quick
        irrelevant = self._proof_irrelevance(t1, s1)
        return self._lazy_delta(t1, s1) if irrelevant is None else irrelevant

    def _quick(self, t, s):
        """The answer if it shows at once from the outermost symbols, else None."""
        if t is s:
            return True
        kind, other = type(t), type(s)
        if kind is not other:
            return self._eta(t, s) if kind is Lam else self._eta(s, t) if other is Lam else None
        if kind is Lam or kind is Pi:
            return self._binders(t, s, kind)
        if kind is tm.Sort:
            return self._eq_level(t.level, s.level)
        return False if kind is tm.Lit else None  # equal literals are identical

    def _binders(self, t, s, kind):
        """Compare λs or Πs: domains, then bodies under fresh variables."""
        depth, xs = self.depth, []
        while type(t) is kind and type(s) is kind:
            domain = instantiate_rev(t.type, xs)
            if t.type is not s.type and not self._eq(domain, instantiate_rev(s.type, xs)):
                self.depth = depth
                return False
            xs.append(self.new_local(domain))
            t, s = t.body, s.body
        good = t is s or self._eq(instantiate_rev(t, xs), instantiate_rev(s, xs))
        self.depth = depth
        return good

    def _eta(self, t, s):
        """t is a λ: compare it with λ x, s x; None if s is no function."""
        s = self.whnf_core(s)
        if type(s) is not Lam:
            s_type = self.whnf(self.infer(s))
            if type(s_type) is not Pi:
                return None
            s = Lam(t.name, s_type.type, App(tm.lift(s, 1), tm.BVar(0)), t.info)
        return self._eq(t, s)

    def _proof_irrelevance(self, t, s):
        """If t is a proof: do t and s prove the same proposition? Else None."""
        t_type = self.infer(t)
        return self._eq(t_type, self.infer(s)) if self.is_prop(t_type) else None

    # --- lazy δ ---

    def _lazy_delta(self, t, s):
        """Unfold the higher definition first until a verdict or until both heads are stuck."""
        while True:
            self.step()
            verdict = self._offsets(t, s)
            if verdict is not None:
                return verdict
            t1, s1 = self.reduce_nat(t), self.reduce_nat(s)
            if t1 is not None or s1 is not None:
                return self._eq(t1 or t, s1 or s)
            height_t, height_s = self.unfold_height(t), self.unfold_height(s)
            same = height_t == height_s >= 0 and self.head_decl(t) is self.head_decl(s)
            if same and self._equal_parts(t, s):
                return True
            t1 = self.unfold_def(t) if height_t >= height_s else None
            s1 = self.unfold_def(s) if height_t <= height_s or t1 is None else None
            if t1 is None and s1 is None and height_t < height_s:
                t1 = self.unfold_def(t)  # the front may refuse to unfold what has a height
            if t1 is None and s1 is None:
                return not same and self._equal_parts(t, s) or self._extensional(t, s)
            t, s = self.whnf_core(t1 or t), self.whnf_core(s1 or s)
            quick = self._quick(t, s)
            if quick is not None:
                return quick

    def _offsets(self, t, s):
        """Compare two numbers of the form zero, succ or literal; None if one is neither."""
        n = as_literal(t)
        if n is not None and n == as_literal(s):
            return True
        p, q = as_succ(t), as_succ(s)
        return self._eq(p, q) if p is not None and q is not None else None

    # --- the parts of stuck terms ---

    def _equal_parts(self, t, s):
        """Do t and s have the same form and equal parts?"""
        kind = type(t)
        if kind is not type(s):
            return False
        if kind is Proj:
            return t.idx == s.idx and t.struct == s.struct and self._eq(t.expr, s.expr)
        if kind is not App and kind is not Const:
            return False
        f, xs = get_app_fn_args(t)
        g, ys = get_app_fn_args(s)
        if len(xs) != len(ys):
            return False
        if type(f) is Const and type(g) is Const:
            if f.name != g.name or not self._eq_levels(f.levels, g.levels):
                return False
        elif not self._eq(f, g):
            return False
        return self._equal_args(f, xs, ys)

    def _eq_level(self, u, v):
        return lv.eq(u, v)

    def _eq_levels(self, us, vs):
        return len(us) == len(vs) and all(map(self._eq_level, us, vs))

    def _equal_args(self, _fn, xs, ys):
        for x, y in zip(xs, ys, strict=True):
            if not self._eq(x, y):
                return False
        return True

    # --- η for structures ---

    def _extensional(self, t, s):
        """Are t and s members of a structure with equal fields?

        Asked if just one of them is a constructor application, or if there are no fields.
        """
        t_type = self.whnf(self.infer(t))
        decl = self.head_decl(t_type)
        decl = decl and self.structure_like(decl.name)
        if decl is None:
            return False
        num_fields = self.env.lookup(decl.ctors[0]).num_fields
        if num_fields and (self.ctor_of(t) is None) == (self.ctor_of(s) is None):
            return False
        if not self._eq(t_type, self.infer(s)):
            return False
        for i in range(num_fields):
            if not self._eq(Proj(decl.name, i, t), Proj(decl.name, i, s)):
                return False
        return True
