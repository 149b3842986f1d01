"""Universe unification, with constraints that are stuck postponed.

Follows Lean 4's `Lean/Meta/LevelDefEq.lean`. Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.terms import level_mvars
from minilean.kernel import level as lv


class LevelEqMixin:
    """Mixed into `Meta`."""

    def _solve_postponed(self, start):
        """Can the universe constraints postponed since `start` be solved? (They are retried.)"""
        todo = self.postponed_levels[start:]
        del self.postponed_levels[start:]
        good = all(self._eq_level(u, v) for u, v in todo)
        left = len(self.postponed_levels) - start
        return good and (not left or left < len(todo) and self._solve_postponed(start))

    def _eq_level(self, u, v):
        """One problem; postponed when it cannot be decided yet."""
        if u is v:
            return True
        u, v = self.inst_level(u), self.inst_level(v)
        if not u.has_mvar and not v.has_mvar:
            return lv.eq(u, v)
        for x, y in ((u, v), (v, u)):
            if x.kind == "mvar" and x.a not in level_mvars(y):
                self.assign_mvar(x.a, y)
                return True
        for x, y in ((u, v), (v, u)):
            lower = _lower(y) if x.kind == "succ" else None
            if lower is not None:
                return self._eq_level(x.a, lower)
            if x is lv.ZERO:
                return y.kind != "succ" and self._eq_level(y.b, x) and (
                    y.kind == "imax" or self._eq_level(y.a, x))
        if not lv.eq(u, v):
            self.postponed_levels.append((u, v))
        return True


def _lower(u):
    """u - 1 (Lean's decLevel); None if u may be 0 for what is known."""
    if u.kind == "succ":
        return u.a
    if u.kind not in ("max", "imax"):
        return None
    a, b = _lower(u.a), _lower(u.b)
    return None if a is None or b is None else lv.max_(a, b)
