"""Assignment of metavariables by unification: patterns, first order, scope and occurs checks.

Follows `processAssignment` and `checkAssignment` of Lean 4's `Lean/Meta/ExprDefEq.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, MVAR, FVar, MVar, get_app_fn, get_app_fn_args


class AssignMixin:
    """Mixed into `Meta`."""

    def _assignable(self, m):
        return type(m) is MVar and m.id >= self.inst_floor and not self.is_assigned(m.id) \
            and self.decls[m.id].kind == "natural"

    def _eq_mvars(self, a, b):
        """Decide when a side has a metavariable head; None when neither can be assigned."""
        f, g = get_app_fn(a), get_app_fn(b)
        if type(f) is not MVar and type(g) is not MVar or f is g:
            return None
        new_a = type(f) is MVar and self._reduce_mvar(f, a) or a
        new_b = type(g) is MVar and self._reduce_mvar(g, b) or b
        if new_a is not a or new_b is not b:
            return self._eq(new_a, new_b)
        sides = [side for side in ((f, a, b), (g, b, a)) if self._assignable(side[0])]
        if len(sides) == 1:
            return self._assign_app(*sides[0])
        # a bare metavariable first, then the one of the larger context
        sides.sort(key=lambda side: (side[0] is not side[1],
                                     -len(self.decls[side[0].id].lctx.decls)))
        return any(self._or_undo(self._assign_app, *side) for side in sides) if sides else None

    def _assign_app(self, m, lhs, rhs):
        """Solve ?m x₁ … xₙ =?= rhs: with a λ if the xᵢ are distinct variables; if these are new to
        ?m that is the only solution, else first order comes before it."""
        rhs, known = self.inst(rhs), self.decls[m.id].lctx
        xs = [self.inst(x) for x in get_app_fn_args(lhs)[1]]
        ids = {x.id for x in xs if type(x) is FVar}
        unique = len(ids) == len(xs)
        if not (unique and known.keys().isdisjoint(ids)) and self._first_order(m, xs, rhs):
            return True
        value = self._in_scope(m, rhs, ids) if unique else None
        if value is not None:
            return self._assign_typed(m, self.mk_lambda(xs, value) if xs else value)
        new = self._reduce_rhs(rhs)
        return new is not None and self._eq(lhs, new)

    def _reduce_rhs(self, rhs):
        """rhs one step further, or None."""
        new = self.whnf_core(rhs)
        return self.unfold_def(rhs) if new is rhs else new

    def _first_order(self, m, xs, rhs):
        """?m a₁ … aₙ =?= f b₁ … bₖ as ?m =?= f b₁ …, aᵢ =?= bᵢ from the right."""
        f, args = get_app_fn_args(rhs)
        split = len(args) - len(xs)
        pairs = zip([m, *xs], [tm.mk_app(f, *args[:split]), *args[split:]], strict=False)
        return split >= 0 and self._or_undo(lambda: all(self._eq(x, y) for x, y in pairs))

    def _assign_typed(self, m, value):
        """Assign ?m := value; does the type fit?"""
        self.assign_mvar(m.id, value)
        with self.transparency("default"):
            return self._eq(self.decls[m.id].type, self.infer(value))

    # --- scope ----------------------------------------------------------------------------------

    def _in_scope(self, m, value, extra):
        """value with metavariables of larger contexts pruned; None when m occurs in it or a free
        variable is outside m's context and `extra`."""
        known = self.decls[m.id].lctx
        for s in tm.subterms(value) if value.flags & (FVAR | MVAR) else ():
            if type(s) is FVar and s.id not in known and s.id not in extra or s is m:
                return None
            if type(s) is MVar and s.id not in self.assign and not self._prune(s, known, extra):
                return None
        return self.inst(value)

    def _prune(self, s, known, extra):
        """Can ?s be restricted to the variables in `known` and `extra`? (It is.)"""
        d = self.decls[s.id]
        outside = [x.id for x in d.lctx.decls if x.id not in known and x.id not in extra]
        if not outside:
            return True
        if d.kind != "natural" or s.id in self.delayed or self.mentions(d.type, outside):
            return False
        self.assign_mvar(s.id, self.mk_mvar(d.type, d.kind, d.name, d.lctx.erase(outside)))
        return True
