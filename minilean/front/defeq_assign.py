"""Assignment of metavariables by unification: patterns, first order, scope and occurs checks.

Follows `processAssignment` and `checkAssignment` of Lean 4's `Lean/Meta/ExprDefEq.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.terms import has_loose_bvar
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, MVAR, App, FVar, Lam, MVar, get_app_fn, get_app_fn_args

MAX_REDUCTIONS = 64  # of the right-hand side, while a first-order match is looked for


class AssignMixin:
    """Mixed into `Meta`."""

    def _assignable(self, m):
        return m.id >= self.inst_floor and not self.is_assigned(m.id) \
            and self.decls[m.id].kind == "natural"

    def _eq_mvars(self, a, b):
        """Decide when a side has a metavariable head; None when neither can be assigned."""
        fa, fb = get_app_fn(a), get_app_fn(b)
        ma, mb = type(fa) is MVar, type(fb) is MVar
        if not ma and not mb:
            return None
        if ma and self.is_assigned(fa.id) or mb and self.is_assigned(fb.id):
            a2 = (ma and self._reduce_head(a)) or a
            b2 = (mb and self._reduce_head(b)) or b
            return self._eq(a2, b2) if a2 is not a or b2 is not b else None
        if fa is fb:
            return self._eq_all(get_app_fn_args(a)[1], get_app_fn_args(b)[1])
        ua, ub = ma and self._assignable(fa), mb and self._assignable(fb)
        if ua and ub:
            return self._eq_flex_flex(a, b, fa, fb)
        if ua:
            return self._assign_app(fa, a, b)
        if ub:
            return self._assign_app(fb, b, a)
        for f, is_m in ((fa, ma), (fb, mb)):
            if is_m and self.decls[f.id].kind == "synthetic" and self.synth_pending(f.id):
                return self._eq(self.inst(a), self.inst(b))
        if ma and mb:
            return False
        return self._stuck_mvar(a, b) if ma else self._stuck_mvar(b, a)

    def _stuck_mvar(self, stuck, other):
        """A goal or unknown instance at the head against something rigid, which may reduce."""
        new = self._reduce_rhs(other)
        if new is not None:
            return self._eq(stuck, new)
        return self._proof_irrelevance(stuck, other) is True

    def _eq_all(self, xs, ys):
        return len(xs) == len(ys) and all(map(self._eq, xs, ys))

    def _eq_flex_flex(self, a, b, fa, fb):
        """Two assignable heads: assign the one that makes a pattern, younger first."""
        if a is fa and b is fb:
            b_first = len(self.decls[fb.id].lctx.decls) > len(self.decls[fa.id].lctx.decls)
        else:
            b_first = b is fb
        first, second = (fa, a, b), (fb, b, a)
        if b_first:
            first, second = second, first
        return self._or_undo(self._assign_app, *first) or self._or_undo(self._assign_app, *second)

    def _assign_app(self, m, lhs, rhs):
        """Solve ?m x₁ … xₙ =?= rhs."""
        rhs = self.inst(rhs)
        if lhs is m:
            return self._assign_checked(m, rhs)
        args = [self._eta_arg(self.inst(x)) for x in get_app_fn_args(lhs)[1]]
        distinct = all(type(x) is FVar for x in args) and len(set(args)) == len(args)
        own = self.decls[m.id].lctx
        if distinct and not any(x.id in own for x in args):
            value = self._abstract_value(m, args, rhs)
            if value is not None and self._assign_checked(m, value):
                return True
            new = self._reduce_rhs(rhs) if value is None else None
            return self._first_order(m, lhs, rhs) if new is None else self._eq(lhs, new)
        if self._first_order(m, lhs, rhs):
            return True
        # a quasi-pattern: ?m x y where x is a variable that ?m knows
        value = self._abstract_value(m, args, rhs) if distinct else None
        return value is not None and self._assign_checked(m, value)

    def _eta_arg(self, x):
        """fun y => f y as f, so that it may serve as a pattern variable."""
        while type(x) is Lam and type(x.body) is App and type(x.body.arg) is tm.BVar \
                and x.body.arg.idx == 0 and not has_loose_bvar(x.body.fn, 0):
            x = tm.lift(x.body.fn, -1, 1)
        return x

    def _abstract_value(self, m, fvars, rhs):
        body = self._check_rhs(m, rhs, {x.id for x in fvars})
        return None if body is None else self.mk_lambda(fvars, body)

    def _reduce_rhs(self, rhs):
        """rhs one step further, or None."""
        new = self.whnf_core(rhs)
        return self.unfold_def(rhs) if new is rhs else new

    def _first_order(self, m, lhs, rhs):
        """?m a₁ … aₙ =?= f b₁ … bₖ as ?m =?= f b₁ …, aᵢ =?= bᵢ from the right."""
        args = get_app_fn_args(lhs)[1]
        for _ in range(MAX_REDUCTIONS):
            g, brgs = get_app_fn_args(rhs)
            split = len(brgs) - len(args)
            if split >= 0:
                parts = [tm.mk_app(g, *brgs[:split]), *brgs[split:]]
                if self._or_undo(self._eq_all, [m, *args], parts):
                    return True
            new = self._reduce_rhs(rhs)
            if new is None:
                return False
            rhs = self.inst(new)
        return False

    def _assign_checked(self, m, value):
        """Assign ?m := value after occurs, scope and type checks."""
        if value is m:
            return True
        checked = self._check_rhs(m, value, ())
        if checked is None:
            new = self._reduce_rhs(value)
            return new is not None and self._eq(m, new)
        with self.transparency("default"):
            if not self._eq(self.decls[m.id].type, self.infer(checked)):
                return False
        if m.id in self.assign:  # assigned while the types were unified
            return self._eq(self.assign[m.id], checked)
        self.assign_mvar(m.id, checked)
        return True

    # --- scope ----------------------------------------------------------------------------------

    def _check_rhs(self, m, value, extra):
        """value with metavariables of larger contexts pruned; None when m occurs in it or a free
        variable is outside m's context and `extra`."""
        if not value.flags & (FVAR | MVAR):
            return value
        known = self.decls[m.id].lctx.by_id
        too_large = []
        for s in tm.subterms(value):
            if type(s) is FVar and s.id not in known and s.id not in extra:
                d = self.fvars.get(s.id)
                if d is None or d.value is None:
                    return None
                return self._check_rhs(m, tm.instantiate(tm.abstract(value, [s]), d.value), extra)
            if s is m:
                return None
            if type(s) is MVar and s.id not in self.assign and any(
                    x.id not in known and x.id not in extra for x in self.decls[s.id].lctx.decls):
                too_large.append(s)
        if not all(self._prune(s, known, extra) for s in too_large):
            return None
        return self.inst(value) if too_large else value

    def _prune(self, s, known, extra):
        """Restrict ?s to the variables that the assigned metavariable may mention."""
        d = self.decls[s.id]
        if d.kind != "natural" or s.id in self.delayed:
            return d.kind == "synthetic" and self.synth_pending(s.id) \
                and all(y in known or y in extra for y in self.fvar_ids(s))
        keep = [x for x in d.lctx.decls if x.id in known or x.id in extra]
        ids = {x.id for x in keep}
        types = [*[x.type for x in keep], d.type]
        if any(y not in ids for ty in types for y in self.fvar_ids(ty)):
            return False
        self.assign_mvar(s.id, self.mk_mvar(d.type, d.kind, d.name, d.lctx.replace(keep)))
        return True
