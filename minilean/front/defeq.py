"""Unification: is_def_eq with assignment of natural metavariables.

The rules are the kernel's (`DefEq`: lazy unfolding by definitional height, eta, structure eta,
proof irrelevance). Here metavariables, transparency, numerals, stuck instances and undoing are
added, following Lean 4's `Lean/Meta/{ExprDefEq,LevelDefEq}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.defeq_assign import AssignMixin
from minilean.front.defeq_levels import LevelEqMixin
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.defeq import DefEq
from minilean.kernel.literals import NAT
from minilean.kernel.term import LMVAR, MVAR


class DefEqMixin(LevelEqMixin, AssignMixin, DefEq):
    """Unification; mixed into `Meta`."""

    def is_def_eq(self, a, b):
        """Are a and b definitionally equal, assigning natural metavariables to make them so?

        A failed attempt leaves no assignment behind.
        """
        start = len(self.postponed_levels)
        return a is b or self._or_undo(
            lambda: self._eq(a, b) and self._solve_postponed(start))

    def _eq(self, a, b):
        """One problem; may leave assignments when it fails (callers restore)."""
        if a is b:
            return True
        flags = a.flags | b.flags
        if flags & (MVAR | LMVAR):
            return self._compare(a, b)
        return self.remembered((a, b, self.transp), flags, self._compare, a, b)

    def _or_undo(self, test, *args):
        """test(*args); its assignments are undone when it fails."""
        mark = self.save()
        if test(*args):
            return True
        self.restore(mark)
        return False

    # --- the kernel's rules, changed ------------------------------------------------------------

    def _quick(self, a, b):
        decided = self._eq_mvars(a, b) if (a.flags | b.flags) & MVAR else None
        return super()._quick(a, b) if decided is None else decided

    def _proof_irrelevance(self, a, b):
        """As in the kernel; proofs of what seem different propositions are compared further."""
        return self._or_undo(super()._proof_irrelevance, a, b) or None

    def _equal_parts(self, a, b):
        return self._or_undo(super()._equal_parts, a, b)


    def _extensional(self, a, b):
        f, g = tm.get_app_fn(a), tm.get_app_fn(b)
        stuck = f is not g and self.is_matcher(f) and self.is_matcher(g)
        return super()._extensional(a, b) or (  # and different matches may stand for the same
            stuck and self.transp == "default" and self._eq(self.unfold(a), self.unfold(b)))

    # --- Nat ------------------------------------------------------------------------------------

    def nat_offset(self, e):
        """(base, k) when e is base + k, base not a numeral; (None, n) for the numeral n; or None.
        """
        k = self.nat_value(e)
        if k is not None:
            return None, k
        if is_app_of(e, "Nat.succ", 1):
            base, k = e.arg, 1
        elif is_app_of(e, "Nat.add", 2) or is_app_of(e, "HAdd.hAdd", 6) and e.fn.fn.fn.arg is NAT:
            base, k = e.fn.arg, self.nat_value(e.arg)
        if k is None:
            return None
        base, more = self.nat_offset(base) or (base, 0)
        return base, k + more

    def _offsets(self, a, b):
        """Compare Nat offsets and numerals; None when it does not apply."""
        x = self.nat_offset(a)
        y = x and self.nat_offset(b)
        if y is None:
            return None
        (p, i), (q, j) = x, y
        if p is None and i < j or q is None and j < i or p is q is None:
            return i == j
        common = min(i, j)
        return self._eq(self._offset(p, i - common), self._offset(q, j - common))

    def _offset(self, base, k):
        """The term base + k; base None stands for 0."""
        if base is None:
            return self.mk_nat(k)
        return self.mk_nat_add(base, self.mk_nat(k)) if k else base
