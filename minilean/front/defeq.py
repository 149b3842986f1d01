"""Unification: is_def_eq with assignment of natural metavariables.

Follows Lean 4's `Lean/Meta/{ExprDefEq,LevelDefEq}.lean`: first-order and pattern unification, lazy
unfolding by definitional height, eta, structure eta, proof irrelevance, Nat offsets, stuck
instances. A failed attempt leaves no assignment behind.
Run: `python -m pytest tests/minilean/test_meta.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    App,
    Const,
    FVar,
    Lam,
    Let,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
    instantiate,
)

NAT_SUCC = Const("Nat.succ")
MAX_DEPTH = 400


class DefEqMixin:
    """Unification; mixed into `Meta`."""

    def is_def_eq(self, a, b):
        """Are a and b definitionally equal, assigning natural metavariables to make them so?"""
        if a is b:
            return True
        mark = self.save()
        start = mark[1]
        if self._eq(a, b) and self._solve_postponed(start):
            return True
        self.restore(mark)
        return False

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

    # --- levels -------------------------------------------------------------------------------

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
        return len(us) == len(vs) and all(self._eq_level(u, v) for u, v in zip(us, vs))

    # --- terms --------------------------------------------------------------------------------

    def _eq(self, a, b):
        """One problem; may leave assignments when it fails (callers restore)."""
        if a is b:
            return True
        ta, tb = type(a), type(b)
        if ta is Sort and tb is Sort:
            return self._eq_level(a.level, b.level)
        if ta is Lit and tb is Lit:
            return False
        self.tick()
        if not (a.flags | b.flags) & (MVAR | LMVAR):
            key = (a, b, self.transp)
            found = self.defeq_cache.get(key)
            if found is None:
                size = len(self.postponed_levels)
                found = self._deep(a, b)
                if len(self.postponed_levels) == size:
                    self.defeq_cache[key] = found
            return found
        return self._deep(a, b)

    def _deep(self, a, b):
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH:
                raise LeanError("maximum recursion depth has been reached")
            return self._eq_main(a, b)
        finally:
            self.depth -= 1

    def _eq_main(self, a, b):
        ta, tb = type(a), type(b)
        if (ta is Lam and tb is Lam) or (ta is Pi and tb is Pi):
            return self._eq_binder(a, b)
        quick = self._eq_mvars(a, b)
        if quick is not None:
            return quick
        a2, b2 = self._core_no_offset(a), self._core_no_offset(b)
        if a2 is not a or b2 is not b:
            return self._eq(a2, b2)
        if ta is Lam or tb is Lam:
            r = self._eq_eta(a, b) if ta is Lam else self._eq_eta(b, a)
            if r is not None:
                return r
        if self._proof_irrel(a, b):
            return True
        r = self._eq_nat(a, b)
        if r is not None:
            return r
        return self._lazy_delta(a, b)

    def _core_no_offset(self, e):
        return self.whnf_core(e)

    def _eq_binder(self, a, b):
        kind = type(a)
        fvars = []
        lctx = self.lctx
        try:
            while type(a) is kind and type(b) is kind:
                ta = tm.instantiate_rev(a.type, fvars)
                tb = tm.instantiate_rev(b.type, fvars)
                if not self._eq(ta, tb):
                    return False
                d = self.mk_local(a.name, ta, a.info)
                self.lctx = self.lctx.add(d)
                fvars.append(d.fvar)
                a, b = a.body, b.body
            return self._eq(tm.instantiate_rev(a, fvars), tm.instantiate_rev(b, fvars))
        finally:
            self.lctx = lctx

    def _eq_eta(self, lam, other):
        """fun x => t against a non-lambda s of function type: t[x] against s x; None: not eta."""
        if type(other) is Lam:
            return None
        ty = self.whnf(self.inst(self.infer(other)))
        if type(ty) is not Pi:
            return None
        return self._eq(lam, Lam(ty.name, ty.type, App(tm.lift(other, 1), tm.BVar(0)), ty.info))

    def _proof_irrel(self, a, b):
        """Are a and b proofs of the same proposition?"""
        if type(tm.get_app_fn(a)) is MVar or type(tm.get_app_fn(b)) is MVar:
            return False
        ta = self.infer(a)
        if type(ta) is Sort or not self.is_prop(ta):
            return False
        mark = self.save()
        if self._eq(ta, self.infer(b)):
            return True
        self.restore(mark)
        return False

    # --- metavariables ------------------------------------------------------------------------

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
        return len(xs) == len(ys) and all(self._eq(x, y) for x, y in zip(xs, ys))

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
                and x.body.arg.idx == 0 and not tm.has_loose_bvar(x.body.fn, 0):
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
                        self._eq(x, y) for x, y in zip(args, tail)):
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

    # --- Nat ----------------------------------------------------------------------------------

    def nat_offset(self, e):
        """(base, k) when e is base + k, k > 0, base not a numeral; (None, n) for numerals; None."""
        n = self.nat_value(e)
        if n is not None:
            return None, n
        if type(e) is not App:
            return None
        f, args = tm.get_app_fn_args(e)
        if type(f) is not Const:
            return None
        if f is NAT_SUCC and len(args) == 1:
            base, k = args[0], 1
        elif f.name == "HAdd.hAdd" and len(args) == 6 and args[0] is self.NAT \
                and args[1] is self.NAT:
            k = self.nat_value(args[5])
            if not k:
                return self.nat_offset(args[4]) if k == 0 else None
            base = args[4]
        elif f.name == "Nat.add" and len(args) == 2:
            k = self.nat_value(args[1])
            if not k:
                return None
            base = args[0]
        else:
            return None
        inner = self.nat_offset(base)
        if inner is not None:
            return inner[0], inner[1] + k
        return base, k

    NAT = Const("Nat")

    def _eq_nat(self, a, b):
        """Compare Nat offsets and numerals; None when it does not apply."""
        if type(a) not in (App, Lit, Const) or type(b) not in (App, Lit, Const):
            return None
        x = self.nat_offset(a)
        if x is None:
            return None
        y = self.nat_offset(b)
        if y is None:
            return None
        (p, i), (q, j) = x, y
        if p is None and q is None:
            return i == j
        if p is not None and q is not None:
            if i == j:
                return self._eq(p, q)
            return self._eq(self._add_offset(p, i - j), q) if i > j else \
                self._eq(p, self._add_offset(q, j - i))
        base, k, n = (p, i, j) if q is None else (q, j, i)
        if n < k:
            return False
        return self._eq(base, self.mk_nat(n - k))

    def _add_offset(self, e, k):
        return self.mk_nat_add(e, self.mk_nat(k))

    # --- unfolding ----------------------------------------------------------------------------

    def _height(self, e):
        """(head name, definitional height) if the head can be unfolded, else None."""
        f = tm.get_app_fn(e)
        if type(f) is not Const or f.name in self.ext.matchers or f.name in self.ext.casesons:
            return None
        d = self.get_def(f.name)
        if d is None:
            return None
        return getattr(d, "height", 1 << 30)

    def _lazy_delta(self, a, b):
        a2, b2 = self.reduce_nat(a), self.reduce_nat(b)
        if a2 is not None or b2 is not None:
            return self._eq(a2 if a2 is not None else a, b2 if b2 is not None else b)
        ha, hb = self._height(a), self._height(b)
        if ha is None and hb is None:
            return self._rigid(a, b)
        fa, fb = tm.get_app_fn(a), tm.get_app_fn(b)
        if ha is not None and hb is not None and fa.name == fb.name:
            return self._same_def(a, b, fa, fb)
        order = self._unfold_order(fa, fb, ha, hb)
        for side in order:
            if side == "a":
                new = self.unfold_def(a)
                if new is not None:
                    return self._eq(new, b)
            elif side == "b":
                new = self.unfold_def(b)
                if new is not None:
                    return self._eq(a, new)
            else:
                x, y = self.unfold_def(a), self.unfold_def(b)
                if x is not None or y is not None:
                    return self._eq(x if x is not None else a, y if y is not None else b)
        return self._rigid(a, b)

    def _unfold_order(self, fa, fb, ha, hb):
        if hb is None:
            return "a"
        if ha is None:
            return "b"
        pa, pb = fa.name in self.ext.projections, fb.name in self.ext.projections
        if pa != pb:
            return ("b", "a") if pa else ("a", "b")
        if ha != hb:
            return ("a", "b") if ha > hb else ("b", "a")
        return ("both",)

    def _same_def(self, a, b, fa, fb):
        """Same head definition: compare arguments first, unfold both when that fails."""
        if type(a) is App and type(b) is App:
            mark = self.save()
            if self._eq_args(a, b, fa) and self._eq_levels(fa.levels, fb.levels):
                return True
            self.restore(mark)
        elif a is fa and b is fb and self._eq_levels(fa.levels, fb.levels):
            return True
        x, y = self.unfold_def(a), self.unfold_def(b)
        if x is None and y is None:
            return self._rigid_tail(a, b)
        return self._eq(x if x is not None else a, y if y is not None else b)

    def _eq_args(self, a, b, f):
        """Arguments of two applications of the same function: explicit ones first."""
        _, xs = tm.get_app_fn_args(a)
        _, ys = tm.get_app_fn_args(b)
        if len(xs) != len(ys):
            return False
        infos = self._arg_infos(f, len(xs))
        later = []
        for i, (x, y) in enumerate(zip(xs, ys)):
            if x is y:
                continue
            if infos[i] == "default":
                if not self._eq(x, y):
                    return False
            else:
                later.append(i)
        for i in later:
            if infos[i] == "inst":
                old = self.transp
                if old == "reducible":
                    self.transp = "instances"
                try:
                    if not self._eq(xs[i], ys[i]):
                        return False
                finally:
                    self.transp = old
            elif not self._eq(xs[i], ys[i]):
                return False
        return True

    def _arg_infos(self, f, n):
        ty = self.infer(f)
        out = []
        while len(out) < n and type(ty) is Pi:
            out.append(ty.info)
            ty = ty.body
        return out + ["default"] * (n - len(out))

    def _rigid(self, a, b):
        """Neither side unfolds: compare structurally, then eta and unit-like rules."""
        ta, tb = type(a), type(b)
        if ta is Const and tb is Const:
            if a.name == b.name and self._eq_levels(a.levels, b.levels):
                return True
            return self._rigid_tail(a, b)
        if ta is App and tb is App:
            fa, fb = tm.get_app_fn(a), tm.get_app_fn(b)
            mark = self.save()
            if type(fa) is Const and type(fb) is Const:
                if fa.name == fb.name and self._eq_args(a, b, fa) \
                        and self._eq_levels(fa.levels, fb.levels):
                    return True
            elif type(fa) is type(fb) and self._eq(fa, fb) and self._eq_args(a, b, fa):
                return True
            self.restore(mark)
            return self._rigid_tail(a, b)
        if ta is Proj and tb is Proj and a.idx == b.idx and a.struct == b.struct:
            mark = self.save()
            if self._eq(a.expr, b.expr):
                return True
            self.restore(mark)
        if ta is Pi and tb is Pi:
            return self._eq_binder(a, b)
        return self._rigid_tail(a, b)

    def _rigid_tail(self, a, b):
        na, nb = type(a) is Lit, type(b) is Lit
        if na != nb:
            a2, b2 = (self.lit_to_ctor(a), b) if na else (a, self.lit_to_ctor(b))
            f = tm.get_app_fn(b2 if na else a2)
            if (a2 is not a or b2 is not b) and type(f) is Const \
                    and f.name in ("Nat.succ", "Nat.zero"):
                return self._rigid(a2, b2)
        if self._synth_stuck(a) or self._synth_stuck(b):
            return self._eq(self.inst(a), self.inst(b))
        return self._struct_eta(a, b) or self._struct_eta(b, a) or self._unit_like(a, b)

    def _synth_stuck(self, e):
        """An instance metavariable blocks e: synthesise it; True when that made progress."""
        for _ in range(16):
            f, args = tm.get_app_fn_args(e)
            if type(f) is MVar:
                return self.decls[f.id].kind == "synthetic" and not self.is_assigned(f.id) \
                    and self.synth_pending(f.id)
            if type(f) is Proj:
                e = self.whnf_core(f.expr)
                continue
            if type(f) is not Const:
                return False
            info = self.ext.projections.get(f.name)
            if info is not None and len(args) > info.num_params:
                e = args[info.num_params]
                if type(e) is MVar and e.id in self.assign:
                    return False
                continue
            decl = self.env.get(f.name)
            mi = getattr(decl, "major_index", None)
            if mi is not None and len(args) > mi:
                e = self.whnf(args[mi])
                continue
            return False
        return False

    def _struct_eta(self, a, b):
        """b is `S.mk …`: compare fields with the projections of a."""
        f, args = tm.get_app_fn_args(b)
        ctor = self.env.get(f.name) if type(f) is Const else None
        if type(ctor) is not ConstructorDecl or len(args) != ctor.num_params + ctor.num_fields:
            return False
        ind = self.env.get(ctor.induct)
        if len(ind.ctors) != 1 or ind.num_indices or ind.is_rec or ind.is_prop:
            return False
        g = tm.get_app_fn(a)
        if type(g) is Const and type(self.env.get(g.name)) is ConstructorDecl:
            return False
        if not self._eq(self.infer(a), self.infer(b)):
            return False
        mark = self.save()
        for i in range(ctor.num_fields):
            if not self._eq(Proj(ctor.induct, i, a), args[ctor.num_params + i]):
                self.restore(mark)
                return False
        return True

    def _unit_like(self, a, b):
        """Both of a structure type without fields."""
        ty = self.whnf(self.inst(self.infer(a)))
        f = tm.get_app_fn(ty)
        ind = self.env.get(f.name) if type(f) is Const else None
        if type(ind) is not InductiveDecl or len(ind.ctors) != 1 or ind.num_indices or ind.is_prop:
            return False
        ctor = self.env.get(ind.ctors[0])
        return ctor.num_fields == 0 and self._eq(ty, self.infer(b))


__all__ = ["DefEqMixin", "Let", "instantiate"]
