"""Universe unification, with constraints that are stuck postponed.

Follows Lean 4's `Lean/Meta/LevelDefEq.lean`. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.kernel import level as lv


class LevelEqMixin:
    """Mixed into `Meta`."""

    def _solve_postponed(self, start):
        """Retry postponed universe constraints until nothing changes; the rest stays postponed
        only in nested calls and must be trivial at the outermost one."""
        while True:
            todo = self.postponed_levels[start:]
            if not todo:
                return True
            del self.postponed_levels[start:]
            size = len(self.trail)
            for u, v in todo:
                if not self._eq_level(u, v):
                    return False
            if len(self.postponed_levels) - start >= len(todo) and len(self.trail) == size:
                return self._approximate_levels(start)

    def _approximate_levels(self, start):
        """Last resort for stuck `max` constraints: give up on none, accept those that may hold."""
        todo = self.postponed_levels[start:]
        del self.postponed_levels[start:]
        for u, v in todo:
            u, v = self.inst_level(u), self.inst_level(v)
            if lv.eq(u, v):
                continue
            if not self._approx_level(u, v) and not self._approx_level(v, u):
                return False
        return True

    def _approx_level(self, u, v):
        """Solve max ?u w = v by ?u := v when w ≤ v (Lean's approxDefEq)."""
        if u.kind in ("max", "imax"):
            for x, y in ((u.a, u.b), (u.b, u.a)):
                if x.kind == "mvar" and not v.has_mvar and (y.has_mvar is False and lv.leq(y, v)):
                    self.assign_level(x.a, v)
                    return True
        return False


    def is_level_eq(self, u, v):
        mark = self.save()
        if self._eq_level(u, v) and self._solve_postponed(mark[1]):
            return True
        self.restore(mark)
        return False

    def _eq_level(self, u, v):
        if u is v:
            return True
        if u.has_mvar:
            u = self.inst_level(u)
        if v.has_mvar:
            v = self.inst_level(v)
        if u is v:
            return True
        if not u.has_mvar and not v.has_mvar:
            return lv.eq(u, v)
        if u.kind == "mvar" and not self._occurs_level(u, v):
            self.assign_level(u.a, v)
            return True
        if v.kind == "mvar" and not self._occurs_level(v, u):
            self.assign_level(v.a, u)
            return True
        if u.kind == "succ" and v.kind == "succ":
            return self._eq_level(u.a, v.a)
        if u.kind == "succ" or v.kind == "succ":
            new = self._decrement(v if u.kind == "succ" else u)
            if new is not None:
                return self._eq_level(u.a if u.kind == "succ" else v.a, new)
        if u is lv.ZERO or v is lv.ZERO:
            return self._eq_zero(v if u is lv.ZERO else u)
        if lv.eq(u, v):
            return True
        self.postponed_levels.append((u, v))
        return True

    def _eq_zero(self, u):
        if u.kind == "max":
            return self._eq_level(u.a, lv.ZERO) and self._eq_level(u.b, lv.ZERO)
        if u.kind == "imax":
            return self._eq_level(u.b, lv.ZERO)
        return u is lv.ZERO

    def _decrement(self, u):
        """u - 1 where that is a level, else None (max a b with numerals)."""
        if u.kind == "succ":
            return u.a
        if u.kind == "max":
            a, b = self._decrement(u.a), self._decrement(u.b)
            return None if a is None or b is None else lv.max_(a, b)
        return None

    def _occurs_level(self, m, u):
        if u is m:
            return True
        if not u.has_mvar or u.kind == "mvar":
            return False
        return self._occurs_level(m, u.a) or (u.b is not None and self._occurs_level(m, u.b))

    def _eq_levels(self, us, vs):
        return len(us) == len(vs) and all(map(self._eq_level, us, vs))
