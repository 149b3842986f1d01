"""Unification: is_def_eq with assignment of natural metavariables.

Follows Lean 4's `Lean/Meta/{ExprDefEq,LevelDefEq}.lean`: first-order and pattern unification, lazy
unfolding by definitional height, eta, structure eta, proof irrelevance, Nat offsets, stuck
instances. A failed attempt leaves no assignment behind.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.defeq_assign import AssignMixin
from minilean.front.defeq_levels import LevelEqMixin
from minilean.front.errors import LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl
from minilean.kernel.term import (
    LMVAR,
    MVAR,
    App,
    Const,
    Lam,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
)

NAT_SUCC = Const("Nat.succ")
MAX_DEPTH = 400


class DefEqMixin(LevelEqMixin, AssignMixin):
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

    # --- terms ----------------------------------------------------------------------------------

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
        a2, b2 = self.whnf_core(a), self.whnf_core(b)
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

    # --- Nat ------------------------------------------------------------------------------------

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

    # --- unfolding ------------------------------------------------------------------------------

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
        infos = self.arg_infos(f, len(xs))
        later = []
        for i, (x, y) in enumerate(zip(xs, ys, strict=False)):
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
        return (self._struct_eta(a, b) or self._struct_eta(b, a) or self._unit_like(a, b)
                or self._stuck_matches(a, b))

    def _stuck_matches(self, a, b):
        """Both are stuck matches, compiled to different matchers: compare what those stand for."""
        f, g = tm.get_app_fn(a), tm.get_app_fn(b)
        if f is g or self.transp not in ("default", "all") or not (
                self.is_matcher(f) and self.is_matcher(g)):
            return False
        return self._eq(self.unfold_matcher(a), self.unfold_matcher(b))

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
