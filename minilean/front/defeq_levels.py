"""Universe unification, with constraints that are stuck postponed.

Follows Lean 4's `Lean/Meta/LevelDefEq.lean`. Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.kernel import level as lv


class LevelEqMixin:
    """Mixed into `Meta`."""

    def _solve_postponed(self, start):
        """Can the universe constraints postponed since `start` be solved? (They are retried.)"""
        while len(self.postponed_levels) > start:
            todo, size = self.postponed_levels[start:], len(self.trail)
            del self.postponed_levels[start:]
            if not all(self._eq_level(u, v) for u, v in todo):
                return False
            if len(self.trail) == size:
                return len(self.postponed_levels) == start
        return True

    def _eq_level(self, u, v):
        """One problem; postponed when it cannot be decided yet."""
        if u is v:
            return True
        u, v = self.inst_level(u), self.inst_level(v)
        if not u.has_mvar and not v.has_mvar:
            return lv.eq(u, v)
        for x, y in ((u, v), (v, u)):
            if x.kind == "mvar" and not self._occurs_level(x, y):
                self.assign_level(x.a, y)
                return True
        for x, y in ((u, v), (v, u)):
            lower = self._dec_level(y, assign=False) if x.kind == "succ" else None
            if lower is not None:
                return self._eq_level(x.a, lower)
            if x is lv.ZERO:
                return self._eq_zero(y)
        if not lv.eq(u, v):
            self.postponed_levels.append((u, v))
        return True

    def _eq_zero(self, u):
        if u.kind == "max":
            return self._eq_level(u.a, lv.ZERO) and self._eq_level(u.b, lv.ZERO)
        return u.kind == "imax" and self._eq_level(u.b, lv.ZERO)

    def _dec_level(self, u, assign=True):
        """u - 1 (Lean's getDecLevel), assigning universe metavariables; None if u may be 0."""
        u = self.inst_level(u)
        if u.kind == "succ":
            return u.a
        if u.kind == "mvar" and assign:
            v = self.mk_level_mvar()
            self.assign_level(u.a, lv.succ(v))
            return v
        if u.kind in ("max", "imax"):
            a, b = self._dec_level(u.a, assign), self._dec_level(u.b, assign)
            return None if a is None or b is None else lv.max_(a, b)
        return None

    def _occurs_level(self, m, u):
        if u is m:
            return True
        if not u.has_mvar or u.kind == "mvar":
            return False
        return self._occurs_level(m, u.a) or (u.b is not None and self._occurs_level(m, u.b))
