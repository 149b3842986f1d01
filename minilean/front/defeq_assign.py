"""Assignment of metavariables by unification: patterns, first order, scope and occurs checks.

Follows `processAssignment` and `checkAssignment` of Lean 4's `Lean/Meta/ExprDefEq.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.terms import has_loose_bvar
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, MVAR, App, FVar, Lam, MVar, Sort


class AssignMixin:
    """Mixed into `Meta`."""

    def _assignable(self, m):
        if m.id in self.assign or m.id in self.delayed:
            return False
        return m.id >= self.inst_floor and self.decls[m.id].kind == "natural"

    def _eq_mvars(self, a, b):
        """Decide when a side has a metavariable head; None when neither can be assigned."""
        fa, fb = tm.get_app_fn(a), tm.get_app_fn(b)
        ma, mb = type(fa) is MVar, type(fb) is MVar
        if not ma and not mb:
            return None
        if ma and self.is_assigned(fa.id) or mb and self.is_assigned(fb.id):
            a2 = self._inst_head(a, fa) if ma else a
            b2 = self._inst_head(b, fb) if mb else b
            return self._eq(a2, b2) if a2 is not a or b2 is not b else None
        ua = ma and self._assignable(fa)
        ub = mb and self._assignable(fb)
        if ua and ub and fa is fb:
            return self._eq_same_head(a, b)
        if ua and ub:
            return self._eq_flex_flex(a, b, fa, fb)
        if ua:
            return self._assign_app(fa, a, b)
        if ub:
            return self._assign_app(fb, b, a)
        if ma and mb and fa is fb:
            return self._eq_same_head(a, b)
        return self._stuck_mvar(a, b, ma, mb)

    def _inst_head(self, e, f):
        if f.id in self.assign:
            value = self.inst(f)
            return self.beta(value, tm.get_app_fn_args(e)[1]) if e is not f else value
        return self.inst(e)

    def _stuck_mvar(self, a, b, ma, mb):
        """A synthetic metavariable: try to synthesise the instance, then go on."""
        fa, fb = tm.get_app_fn(a), tm.get_app_fn(b)
        for f, is_m in ((fa, ma), (fb, mb)):
            if is_m and self.decls[f.id].kind == "synthetic" and self.synth_pending(f.id):
                return self._eq(self.inst(a), self.inst(b))
        if ma and mb:
            if fa is fb:
                return self._eq_same_head(a, b)
            return False
        # a synthetic/opaque head against something rigid: the rigid side may still reduce
        other = b if ma else a
        stuck = a if ma else b
        new = self.whnf_core(other)
        if new is not other:
            return self._eq(stuck, new)
        new = self.unfold_def(other)
        if new is not None:
            return self._eq(stuck, new)
        return False if not self._both_proofs(a, b) else True

    def _both_proofs(self, a, b):
        ta = self.infer(a)
        return type(ta) is not Sort and self.is_prop(ta) and self._eq(ta, self.infer(b))

    def _eq_same_head(self, a, b):
        _, xs = tm.get_app_fn_args(a)
        _, ys = tm.get_app_fn_args(b)
        return len(xs) == len(ys) and all(self._eq(x, y) for x, y in zip(xs, ys, strict=False))

    def _eq_flex_flex(self, a, b, fa, fb):
        """Two assignable heads: assign the one that makes a pattern, younger first."""
        if a is fa and b is fb:
            da, db = self.decls[fa.id], self.decls[fb.id]
            first = (fb, b, a) if len(db.lctx.decls) > len(da.lctx.decls) else (fa, a, b)
            second = (fa, a, b) if first[0] is fb else (fb, b, a)
        else:
            first, second = ((fa, a, b), (fb, b, a)) if b is not fb else ((fb, b, a), (fa, a, b))
        for m, lhs, rhs in (first, second):
            mark = self.save()
            if self._assign_app(m, lhs, rhs):
                return True
            self.restore(mark)
        return False

    def _assign_app(self, m, lhs, rhs):
        """Solve ?m x₁ … xₙ =?= rhs."""
        if lhs is m:
            return self._assign_checked(m, self.inst(rhs))
        _, args = tm.get_app_fn_args(lhs)
        args = [self.inst(x) for x in args]
        args = [self._eta_arg(x) for x in args]
        mctx = self.decls[m.id].lctx
        pattern = []
        seen = set()
        for x in args:
            if type(x) is FVar and x.id not in seen and x.id not in mctx:
                seen.add(x.id)
                pattern.append(x)
            else:
                break
        if len(pattern) == len(args):
            return self._assign_pattern(m, pattern, lhs, rhs)
        return self._assign_non_pattern(m, args, lhs, rhs)

    def _eta_arg(self, x):
        """fun y => f y as f, so that it may serve as a pattern variable."""
        while type(x) is Lam and type(x.body) is App and type(x.body.arg) is tm.BVar \
                and x.body.arg.idx == 0 and not has_loose_bvar(x.body.fn, 0):
            x = tm.lift(x.body.fn, -1, 1)
        return x

    def _assign_pattern(self, m, fvars, lhs, rhs):
        rhs = self.inst(rhs)
        value = self._abstract_value(m, fvars, rhs)
        if value is None:
            new = self._reduce_rhs(rhs)
            if new is not None:
                return self._eq(lhs, new)
            return self._first_order(m, lhs, rhs)
        return self._assign_checked(m, value, lambda_ok=True) or self._first_order(m, lhs, rhs)

    def _abstract_value(self, m, fvars, rhs):
        body = self._check_rhs(m, rhs, {x.id for x in fvars})
        if body is None:
            return None
        return self.mk_lambda(fvars, body)

    def _reduce_rhs(self, rhs):
        new = self.whnf_core(rhs)
        if new is not rhs:
            return new
        return self.unfold_def(rhs)

    def _assign_non_pattern(self, m, args, lhs, rhs):
        """Not a pattern: first-order approximation, then constant approximation for `fun _ => rhs`
        when the arguments do not occur (Lean's `constApprox` is off; only first order is tried)."""
        rhs = self.inst(rhs)
        if self._first_order(m, lhs, rhs):
            return True
        # ?m a … with a in ?m's own context: quasi-pattern ?m x y with x a let or known variable
        keep, ok = [], True
        seen = set()
        for x in args:
            if type(x) is FVar and x.id not in seen:
                seen.add(x.id)
                keep.append(x)
            else:
                ok = False
        if ok:
            value = self._abstract_value(m, keep, rhs)
            if value is not None:
                return self._assign_checked(m, value, lambda_ok=True)
        return False

    def _first_order(self, m, lhs, rhs):
        """?m a₁ … aₙ =?= f b₁ … bₖ as ?m =?= f b₁ …, aᵢ =?= bᵢ from the right."""
        mark = self.save()
        f, args = tm.get_app_fn_args(lhs)
        cur = rhs
        for _ in range(64):
            g, brgs = tm.get_app_fn_args(cur)
            if len(brgs) >= len(args):
                head = tm.mk_app(g, *brgs[:len(brgs) - len(args)])
                tail = brgs[len(brgs) - len(args):]
                if self._eq(f, head) and all(
                        self._eq(x, y) for x, y in zip(args, tail, strict=False)):
                    return True
                self.restore(mark)
            new = self._reduce_rhs(cur)
            if new is None:
                return False
            cur = self.inst(new)
        return False

    def _assign_checked(self, m, value, lambda_ok=False):
        """Assign ?m := value after occurs, scope and type checks."""
        if value is m:
            return True
        d = self.decls[m.id]
        checked = self._check_rhs(m, value, ())
        if checked is None:
            new = self._reduce_rhs(value)
            if new is None:
                return False
            return self._eq(m, new)
        value = checked
        ty = self.infer(value)
        if ty is not d.type:
            if type(d.type) is Sort and type(ty) is Sort:
                if not self._eq_level(d.type.level, ty.level):
                    return False
            else:
                old = self.transp
                if old in ("reducible", "instances"):
                    self.transp = "default"
                try:
                    if not self._eq(d.type, ty):
                        return False
                finally:
                    self.transp = old
        if m.id in self.assign:  # assigned while the types were unified
            return self._eq(self.assign[m.id], value)
        self.assign_mvar(m.id, value)
        return True

    def _check_rhs(self, m, value, extra):
        """value with metavariables of larger contexts pruned; None when m occurs in it or a free
        variable is outside m's context and `extra`."""
        if not value.flags & (FVAR | MVAR):
            return value
        lctx = self.decls[m.id].lctx.by_id
        todo = []
        for s in tm.subterms(value):
            t = type(s)
            if t is FVar:
                if s.id not in lctx and s.id not in extra:
                    d = self.fvars.get(s.id)
                    if d is not None and d.value is not None:
                        return self._check_rhs(m, tm.instantiate(
                            tm.abstract(value, [s]), d.value), extra)
                    return None
            elif t is MVar:
                if s is m:
                    return None
                if s.id in self.assign:
                    continue
                if any(x.id not in lctx and x.id not in extra
                       for x in self.decls[s.id].lctx.decls):
                    todo.append(s)
        for s in todo:
            if not self._prune(s, lctx, extra):
                return None
        return self.inst(value) if todo else value

    def _prune(self, s, lctx, extra):
        """Restrict ?s to the variables that the assigned metavariable may mention."""
        d = self.decls[s.id]
        if d.kind != "natural" or s.id in self.delayed:
            if d.kind == "synthetic" and self.synth_pending(s.id):
                value = self.inst(s)
                return not any(y not in lctx and y not in extra for y in self._fvar_ids(value))
            return False
        keep = [x for x in d.lctx.decls if x.id in lctx or x.id in extra]
        ids = {x.id for x in keep}
        if any(y not in ids for x in keep for y in self._fvar_ids(x.type)):
            return False
        if any(y not in ids for y in self._fvar_ids(d.type)):
            return False
        new = self.mk_mvar(d.type, d.kind, d.name, d.lctx.replace(keep))
        self.assign_mvar(s.id, new)
        return True

    def _fvar_ids(self, e):
        e = self.inst(e)
        if not e.flags & FVAR:
            return ()
        return [x.id for x in tm.subterms(e) if type(x) is FVar]
