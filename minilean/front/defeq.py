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
from minilean.kernel.env import RecursorDecl
from minilean.kernel.literals import NAT
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
    get_app_fn,
    get_app_fn_args,
)

MAX_DEPTH = 400


class DefEqMixin(LevelEqMixin, AssignMixin):
    """Unification; mixed into `Meta`."""

    def is_def_eq(self, a, b):
        """Are a and b definitionally equal, assigning natural metavariables to make them so?"""
        if a is b:
            return True
        mark = self.save()
        if self._eq(a, b) and self._solve_postponed(mark[1]):
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
        if (a.flags | b.flags) & (MVAR | LMVAR):
            return self._deep(a, b)
        key = (a, b, self.transp)
        found = self.defeq_cache.get(key)
        if found is None:
            size = len(self.postponed_levels)
            found = self._deep(a, b)
            if len(self.postponed_levels) == size:
                self.defeq_cache[key] = found
        return found

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
            eta = self._eq_eta(a, b) if ta is Lam else self._eq_eta(b, a)
            if eta is not None:
                return eta
        if self._proof_irrel(a, b):
            return True
        same_number = self._eq_nat(a, b)
        return self._lazy_delta(a, b) if same_number is None else same_number

    def _eq_binder(self, a, b):
        kind = type(a)
        fvars = []
        lctx = self.lctx
        try:
            while type(a) is kind and type(b) is kind:
                ta = tm.instantiate_rev(a.type, fvars)
                if not self._eq(ta, tm.instantiate_rev(b.type, fvars)):
                    return False
                d = self.mk_local(a.name, ta, a.info)
                self.lctx = self.lctx.add(d)
                fvars.append(d.fvar)
                a, b = a.body, b.body
            return self._eq(tm.instantiate_rev(a, fvars), tm.instantiate_rev(b, fvars))
        finally:
            self.lctx = lctx

    def _eq_eta(self, lam, other):
        """fun x => t against s of function type: t[x] against s x; None: s is no function."""
        ty = self.whnf(self.inst(self.infer(other)))
        if type(ty) is not Pi:
            return None
        return self._eq(lam, Lam(ty.name, ty.type, App(tm.lift(other, 1), tm.BVar(0)), ty.info))

    def _proof_irrel(self, a, b):
        """Are a and b proofs of the same proposition?"""
        ta = self.infer(a)
        if type(ta) is Sort or not self.is_prop(ta):
            return False
        return self._or_undo(self._eq, ta, self.infer(b))

    def _or_undo(self, test, *args):
        """test(*args); its assignments are undone when it fails."""
        mark = self.save()
        if test(*args):
            return True
        self.restore(mark)
        return False

    # --- Nat ------------------------------------------------------------------------------------

    def nat_offset(self, e):
        """(base, k) when e is base + k, k > 0, base not a numeral; (None, n) for numerals; None."""
        n = self.nat_value(e)
        if n is not None:
            return None, n
        f, args = get_app_fn_args(e)
        form = (f.name, len(args)) if type(f) is Const else None
        if form == ("Nat.succ", 1):
            base, k = args[0], 1
        elif form == ("Nat.add", 2) or form == ("HAdd.hAdd", 6) and args[:2] == [NAT, NAT]:
            base, k = args[-2], self.nat_value(args[-1])
        else:
            return None
        if k is None:
            return None
        inner = self.nat_offset(base)
        if inner is None:
            return (base, k) if k else None
        return inner[0], inner[1] + k

    def _eq_nat(self, a, b):
        """Compare Nat offsets and numerals; None when it does not apply."""
        x = self.nat_offset(a)
        y = None if x is None else self.nat_offset(b)
        if y is None:
            return None
        (p, i), (q, j) = x, y
        if p is None and q is None:
            return i == j
        common = min(i, j)
        if p is None and i < j or q is None and j < i:
            return False
        return self._eq(self._offset(p, i - common), self._offset(q, j - common))

    def _offset(self, base, k):
        """The term base + k; base None stands for 0."""
        if base is None:
            return self.mk_nat(k)
        return self.mk_nat_add(base, self.mk_nat(k)) if k else base

    # --- unfolding ------------------------------------------------------------------------------

    def _height(self, f):
        """The definitional height of f if it can be unfolded, else None."""
        if type(f) is not Const or self.is_matcher(f):
            return None
        decl = self.get_def(f.name)
        return None if decl is None else decl.height

    def _lazy_delta(self, a, b):
        equal = self._eq_reduced(a, b, self.reduce_nat(a), self.reduce_nat(b))
        if equal is not None:
            return equal
        fa, fb = get_app_fn(a), get_app_fn(b)
        ha, hb = self._height(fa), self._height(fb)
        if ha is not None and hb is not None and fa.name == fb.name:
            return self._same_def(a, b, fa, fb)
        for left, right in self._unfold_order(fa, fb, ha, hb):
            equal = self._eq_reduced(a, b, self.unfold_def(a) if left else None,
                                     self.unfold_def(b) if right else None)
            if equal is not None:
                return equal
        return self._rigid(a, b)

    def _eq_reduced(self, a, b, x, y):
        """Compare what a and b became: x, y, None where nothing changed; None if both are None."""
        return None if x is None and y is None else self._eq(x or a, y or b)

    def _unfold_order(self, fa, fb, ha, hb):
        """The attempts to make, as pairs (unfold the left side?, unfold the right side?)."""
        left, right = (True, False), (False, True)
        if ha is None or hb is None:
            return [side for side, height in ((left, ha), (right, hb)) if height is not None]
        pa, pb = fa.name in self.ext.projections, fb.name in self.ext.projections
        if pa != pb:
            return (right, left) if pa else (left, right)
        if ha != hb:
            return (left, right) if ha > hb else (right, left)
        return ((True, True),)

    def _same_def(self, a, b, fa, fb):
        """Same head definition: compare arguments first, unfold both when that fails."""
        if type(a) is type(b) and self._or_undo(self._eq_parts, a, b):
            return True
        equal = self._eq_reduced(a, b, self.unfold_def(a), self.unfold_def(b))
        return self._rigid_tail(a, b) if equal is None else equal

    def _eq_args(self, a, b, f):
        """Arguments of two applications of the same function: explicit ones first."""
        xs, ys = get_app_fn_args(a)[1], get_app_fn_args(b)[1]
        if len(xs) != len(ys):
            return False
        infos = self.arg_infos(f, len(xs))
        later = []
        for info, x, y in zip(infos, xs, ys, strict=True):
            if x is y:
                continue
            if info != "default":
                later.append((info, x, y))
            elif not self._eq(x, y):
                return False
        return all(self._eq_implicit(*problem) for problem in later)

    def _eq_implicit(self, info, x, y):
        if info != "inst":
            return self._eq(x, y)
        with self.at_least("instances"):
            return self._eq(x, y)

    def _eq_parts(self, a, b):
        """Compare two terms of the same kind part by part."""
        if type(a) is Const:
            return a.name == b.name and self._eq_levels(a.levels, b.levels)
        if type(a) is Proj:
            return a.idx == b.idx and a.struct == b.struct and self._eq(a.expr, b.expr)
        if type(a) is not App:
            return False
        f, g = get_app_fn(a), get_app_fn(b)
        if type(f) is Const and type(g) is Const:
            return f.name == g.name and self._eq_args(a, b, f) \
                and self._eq_levels(f.levels, g.levels)
        return type(f) is type(g) and self._eq(f, g) and self._eq_args(a, b, f)

    def _rigid(self, a, b):
        """Neither side unfolds: compare structurally, then eta and unit-like rules."""
        if type(a) is type(b) and self._or_undo(self._eq_parts, a, b):
            return True
        return self._rigid_tail(a, b)

    def _rigid_tail(self, a, b):
        a2, b2 = self.lit_to_ctor(a), self.lit_to_ctor(b)
        if (a2 is a) != (b2 is b) and self.is_ctor_app(a2) and self.is_ctor_app(b2):
            return self._rigid(a2, b2)
        if self._synth_stuck(a) or self._synth_stuck(b):
            return self._eq(self.inst(a), self.inst(b))
        return (self._struct_eta(a, b) or self._struct_eta(b, a) or self._unit_like(a, b)
                or self._stuck_matches(a, b))

    def _stuck_matches(self, a, b):
        """Both are stuck matches, compiled to different matchers: compare what those stand for."""
        f, g = get_app_fn(a), get_app_fn(b)
        if f is g or self.transp != "default" or not (self.is_matcher(f) and self.is_matcher(g)):
            return False
        return self._eq(self.unfold(a), self.unfold(b))

    def _synth_stuck(self, e):
        """An instance metavariable blocks e: synthesise it; True when that made progress."""
        for _ in range(16):
            f, args = get_app_fn_args(e)
            if type(f) is MVar:
                return self.decls[f.id].kind == "synthetic" and self.synth_pending(f.id)
            if type(f) is Proj:
                e = self.whnf_core(f.expr)
                continue
            if type(f) is not Const:
                return False
            info = self.ext.projections.get(f.name)
            rec = self.env.get(f.name)
            if info is not None and len(args) > info.num_params:
                e = args[info.num_params]
            elif type(rec) is RecursorDecl and len(args) > rec.major_index:
                e = self.whnf(args[rec.major_index])
            else:
                return False
        return False

    # --- structures -----------------------------------------------------------------------------

    def _struct_eta(self, a, b):
        """b is `S.mk …`: compare fields with the projections of a."""
        ctor, args = self.ctor_of(b), get_app_fn_args(b)[1]
        if ctor is None or len(args) != ctor.num_params + ctor.num_fields:
            return False
        struct = self.structure_like(ctor.induct)
        if struct is None or struct.is_prop or self.is_ctor_app(a) \
                or not self._eq(self.infer(a), self.infer(b)):
            return False
        return self._or_undo(lambda: all(
            self._eq(Proj(ctor.induct, i, a), args[ctor.num_params + i])
            for i in range(ctor.num_fields)))

    def _unit_like(self, a, b):
        """Both of a structure type without fields."""
        ty = self.whnf(self.inst(self.infer(a)))
        decl = self.head_decl(ty)
        decl = decl and self.structure_like(decl.name)
        return decl is not None and not decl.is_prop \
            and not self.env.get(decl.ctors[0]).num_fields and self._eq(ty, self.infer(b))
