"""Weak head normal forms under a transparency setting.

Follows Lean 4's `Lean/Meta/WHNF.lean`: `whnf_core` does beta, iota, zeta, projections and matchers,
`whnf` also unfolds definitions as the transparency allows (reducible < instances < default < all).
Nat literals reduce by arithmetic. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.caches import instantiate_cached
from minilean.front.errors import LeanError
from minilean.front.terms import calls_on_bound
from minilean.kernel import term as tm
from minilean.kernel.env import (
    ConstructorDecl,
    DefDecl,
    InductiveDecl,
    QuotDecl,
    RecursorDecl,
    TheoremDecl,
)
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
    instantiate_rev,
)

NAT_ZERO, NAT_SUCC = Const("Nat.zero"), Const("Nat.succ")
NAT = Const("Nat")
MAX_POW = 1 << 24


def _pow(a, b):
    return a ** b if b * max(1, a.bit_length()) < MAX_POW else None


NAT_BIN = {
    "Nat.add": lambda a, b: a + b, "Nat.mul": lambda a, b: a * b,
    "Nat.sub": lambda a, b: max(0, a - b), "Nat.pow": _pow,
    "Nat.div": lambda a, b: a // b if b else 0, "Nat.mod": lambda a, b: a % b if b else a,
    "Nat.beq": lambda a, b: a == b, "Nat.ble": lambda a, b: a <= b,
    "Nat.gcd": None,
}
del NAT_BIN["Nat.gcd"]


class WhnfMixin:
    """Reduction; mixed into `Meta`."""

    def beta(self, f, args):
        """f applied to args with the head beta-redexes contracted."""
        i, n = 0, len(args)
        while i < n:
            if type(f) is not Lam:
                return tm.mk_app(f, *args[i:])
            start = i
            while i < n and type(f) is Lam:
                f = f.body
                i += 1
            f = instantiate_rev(f, args[start:i])
            if i < n and type(f) is App:
                g, more = tm.get_app_fn_args(f)
                if type(g) is Lam:
                    return self.beta(g, [*more, *args[i:]])
        if type(f) is App:
            g, more = tm.get_app_fn_args(f)
            if type(g) is Lam:
                return self.beta(g, more)
        return f

    def head_beta(self, e):
        if type(e) is App:
            f, args = tm.get_app_fn_args(e)
            if type(f) is Lam:
                return self.beta(f, args)
        return e

    # --- transparency -------------------------------------------------------------------------

    def can_unfold(self, name):
        t = self.transp
        ext = self.ext
        if t == "default":
            return name not in ext.irreducible
        if t == "all":
            return True
        if name in ext.reducible:
            return True
        return t == "instances" and name in ext.instance_names

    def get_def(self, name):
        """The definition that the transparency lets us unfold, or None."""
        decl = self.env.get(name)
        if type(decl) is DefDecl and self.can_unfold(name):
            return decl
        if type(decl) is TheoremDecl and self.transp == "all":
            return decl
        return None

    def unfold_const(self, c):
        decl = self.get_def(c.name)
        if decl is None or len(decl.level_params) != len(c.levels):
            return None
        return instantiate_cached(decl.value, decl.level_params, c.levels)

    # --- core reduction -----------------------------------------------------------------------

    def whnf_core(self, e):
        """Weak head normal form without unfolding definitions."""
        while True:
            t = type(e)
            if t is App:
                new = self._core_app(e)
                if new is None:
                    return e
                e = new
            elif t is MVar:
                value = self.assign.get(e.id)
                if value is None:
                    if e.id in self.delayed:
                        new = self.inst(e)
                        if new is not e:
                            e = new
                            continue
                    return e
                e = value
            elif t is FVar:
                d = self.fvars.get(e.id)
                if d is None or d.value is None:
                    return e
                e = d.value
            elif t is Let:
                e = tm.instantiate(e.body, e.value)
            elif t is Proj:
                new = self._proj(e)
                if new is None:
                    return e
                e = new
            else:
                return e

    def _core_app(self, e):
        """One head step of an application, or None."""
        self.tick()
        f, args = tm.get_app_fn_args(e)
        t = type(f)
        if t is Lam:
            return self.beta(f, args)
        if t is Const:
            decl = self.env.get(f.name)
            dt = type(decl)
            if dt is RecursorDecl:
                return self._iota(decl, f, args)
            if dt is QuotDecl:
                return self._quot(decl, args)
            if dt is DefDecl:
                if f.name in self.ext.matchers:
                    return self._reduce_matcher(f, args)
                if f.name in self.ext.casesons:
                    return self._cases_on(f, args)
            return None
        if t is MVar or t is FVar or t is Let or t is Proj:
            new = self.whnf_core(f)
            if new is not f:
                return self.beta(new, args)
            if t is MVar and f.id in self.delayed:
                new = self.inst(e)
                return new if new is not e else None
        return None

    def _proj(self, e):
        s = self.whnf_core(e.expr) if self.transp == "reducible" else self.whnf(e.expr)
        return self.proj_ctor(e, s)

    def proj_ctor(self, e, s):
        """Field e.idx of s when s is a constructor application, else None."""
        f, args = tm.get_app_fn_args(s)
        if type(f) is Const:
            ctor = self.env.get(f.name)
            if type(ctor) is ConstructorDecl and len(args) > ctor.num_params + e.idx:
                return args[ctor.num_params + e.idx]
        return None

    def _iota(self, rec, f, args):
        """rec applied to args, reduced with the rule of its major premise's constructor."""
        mi = rec.major_index
        if len(args) <= mi:
            return None
        major = args[mi]
        if rec.k:
            major = self._to_ctor_k(rec, major)
            if major is None:
                return None
        else:
            major = self.whnf(major)
        major = self.lit_to_ctor(major)
        g, cargs = tm.get_app_fn_args(major)
        ctor = self.env.get(g.name) if type(g) is Const else None
        if type(ctor) is not ConstructorDecl or ctor.induct != rec.induct:
            cargs = self._eta_major(rec, major)
            if cargs is None:
                return None
            ctor = self._only_ctor(rec)
        rhs = instantiate_cached(rec.rules[ctor.index], rec.level_params, f.levels)
        fields = cargs[len(cargs) - ctor.num_fields:] if ctor.num_fields else []
        return self.beta(rhs, [*args[:rec.num_fixed], *fields, *args[mi + 1:]])

    def _only_ctor(self, rec):
        """The constructor of the inductive type of `rec`, which has one."""
        return self.env.get(self.env.get(rec.induct).ctors[0])

    def _eta_major(self, rec, major):
        """Constructor arguments of `major` by structure eta, when its type is a structure."""
        ind = self.env.get(rec.induct)
        if len(rec.rules) != 1 or ind.num_indices or ind.is_rec or ind.is_prop:
            return None
        if type(major) is MVar or type(tm.get_app_fn(major)) is MVar:
            return None
        _, ty_args = tm.get_app_fn_args(self.whnf(self.infer(major)))
        n = self._only_ctor(rec).num_fields
        return [*ty_args[:ind.num_params], *[Proj(rec.induct, i, major) for i in range(n)]]

    def _to_ctor_k(self, rec, major):
        """For K-like recursors: the constructor when the major's type has its indices."""
        ty = self.whnf(self.inst(self.infer(major)))
        f, args = tm.get_app_fn_args(ty)
        if type(f) is not Const or f.name != rec.induct:
            return None
        if any(a.flags & MVAR for a in args[rec.num_params:]):
            m = self.whnf(major)
            return m if self.is_ctor_app(m) else None
        ctor = self._only_ctor(rec)
        new = tm.mk_app(Const(ctor.name, f.levels), *args[:rec.num_params])
        mark = self.save()
        if self.is_def_eq(ty, self.infer(new)):
            return new
        self.restore(mark)
        return None

    def lit_to_ctor(self, e):
        """A Nat literal as Nat.zero or Nat.succ of a literal; anything else unchanged."""
        if type(e) is Lit and isinstance(e.value, int):
            return App(NAT_SUCC, Lit(e.value - 1)) if e.value else NAT_ZERO
        return e

    def _quot(self, decl, args):
        major_at, fn_at = {"lift": (5, 3), "ind": (4, 3)}.get(decl.kind, (None, None))
        if major_at is None or len(args) <= major_at:
            return None
        q = self.whnf(args[major_at])
        f, qargs = tm.get_app_fn_args(q)
        if type(f) is not Const or f.name != "Quot.mk" or len(qargs) != 3:
            return None
        return self.beta(App(args[fn_at], qargs[2]), args[major_at + 1:])

    def is_matcher(self, f):
        return type(f) is Const and f.name in self.ext.matchers

    def unfold_matcher(self, e):
        """A match as the case analysis that its matcher stands for."""
        f, args = tm.get_app_fn_args(e)
        decl = self.env.get(f.name)
        return self.beta(instantiate_cached(decl.value, decl.level_params, f.levels), args)

    def _reduce_matcher(self, f, args):
        """A matcher applied to constructors becomes the alternative it selects, else None.

        The alternatives are replaced by dummies first: the matcher has reduced exactly when a
        dummy comes to the head.
        """
        info = self.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        first = info.first_alt
        dummies = [FVar(("alt", i)) for i in range(info.num_alts)]
        old = self.transp
        if old == "reducible":
            self.transp = "instances"
        try:
            e = self.whnf_core(self.unfold_matcher(tm.mk_app(f, *args[:first], *dummies)))
        finally:
            self.transp = old
        g, rest = tm.get_app_fn_args(e)
        if type(g) is FVar and type(g.id) is tuple:
            return self.beta(args[first + g.id[1]], [*rest, *args[info.arity:]])
        return None

    def _cases_on(self, f, args):
        """T.casesOn applied to a constructor, reduced; None when the major premise is stuck."""
        decl = self.env.get(f.name)
        e = self.beta(instantiate_cached(decl.value, decl.level_params, f.levels), args)
        g, rec_args = tm.get_app_fn_args(e)
        rec = self.env.get(g.name) if type(g) is Const else None
        return self._iota(rec, g, rec_args) if type(rec) is RecursorDecl else None

    # --- with delta ---------------------------------------------------------------------------

    def whnf(self, e):
        """Weak head normal form under the current transparency."""
        t = type(e)
        if t is Lam or t is Pi or t is tm.Sort or t is Lit or t is tm.BVar:
            return e
        closed = not e.flags & (MVAR | LMVAR)
        if closed:
            key = (e, self.transp)
            cache = self.whnf_cache if e.flags & FVAR else self.shared.whnf
            found = cache.get(key)
            if found is not None:
                return found
        start = e
        while True:
            e = self.whnf_core(e)
            n = self.reduce_nat(e)
            if n is not None:
                e = n
                break
            new = self.unfold_def(e)
            if new is None:
                break
            self.tick()
            e = new
        if closed:
            cache[start, self.transp] = e
        return e

    def whnf_r(self, e):
        with self.transparency("reducible"):
            return self.whnf(e)

    def whnf_i(self, e):
        with self.transparency("instances"):
            return self.whnf(e)

    def unfold_def(self, e):
        """e with its head constant unfolded once (as transparency allows), or None.

        Functions compiled from equations unfold only when that makes progress ("smart unfolding").
        """
        t = type(e)
        if t is Const:
            if e.name in self.ext.matchers or e.name in self.ext.casesons:
                return None
            if e.name in self.ext.smart and self.transp != "all":
                return None
            return self.unfold_const(e)
        if t is not App:
            return None
        f, args = tm.get_app_fn_args(e)
        if type(f) is not Const:
            return None
        name = f.name
        if name in self.ext.projections:
            return self._unfold_proj_fn(f, args)
        if name in self.ext.matchers or name in self.ext.casesons:
            return None
        if name in self.ext.smart:
            return self._smart_unfold(f, args)
        value = self.unfold_const(f)
        return None if value is None else self.beta(value, args)

    def _unfold_proj_fn(self, f, args):
        """A projection function applied to (something that reduces to) a constructor."""
        info = self.ext.projections[f.name]
        if len(args) <= info.num_params:
            value = self.unfold_const(f)
            return None if value is None else self.beta(value, args)
        if self.transp in ("default", "all"):
            s = self.whnf(args[info.num_params])
        elif info.is_class:
            s = self.whnf_i(args[info.num_params])
        elif f.name in self.ext.reducible:
            s = self.whnf(args[info.num_params])
        else:
            return None
        g, cargs = tm.get_app_fn_args(s)
        ctor = self.env.get(g.name) if type(g) is Const else None
        if type(ctor) is ConstructorDecl and len(cargs) > ctor.num_params + info.index:
            return self.beta(cargs[ctor.num_params + info.index], args[info.num_params + 1:])
        if self.transp in ("default", "all"):
            # stuck on a variable: expose the primitive projection so that both sides meet there
            return self.beta(Proj(info.struct, info.index, args[info.num_params]),
                             args[info.num_params + 1:])
        return None

    def _smart_unfold(self, f, args):
        """Unfold a function compiled from a match only if the match reduces.

        A match inside may be stuck unless it binds what a recursive call is applied to (as Lean's
        `recArgHasLooseBVarsAt` decides where smart unfolding stops).
        """
        info = self.ext.smart[f.name]
        if not self.can_unfold(f.name) or len(args) < info.arity:
            return None
        decl = self.env.get(f.name)
        e = self.beta(instantiate_cached(info.value, decl.level_params, f.levels), args)
        progress = False
        while True:
            g, gargs = tm.get_app_fn_args(e)
            if type(g) is not Const or g.name not in self.ext.matchers:
                return e if progress else None
            new = self._reduce_matcher(g, gargs)
            if new is None:
                inner = info.recursive and calls_on_bound(f.name, e)
                return e if progress and not inner else None
            e, progress = new, True

    # --- Nat literals -------------------------------------------------------------------------

    def nat_value(self, e):
        """The int that e is a literal for (raw, OfNat.ofNat Nat n _, Nat.zero), else None."""
        t = type(e)
        if t is Lit:
            return e.value if isinstance(e.value, int) else None
        if t is Const:
            return 0 if e is NAT_ZERO else None
        if t is App:
            f, args = tm.get_app_fn_args(e)
            if type(f) is Const:
                if f.name == "OfNat.ofNat" and len(args) == 3 and args[0] is NAT:
                    return self.nat_value(args[1])
                if f is NAT_SUCC:
                    n = self.nat_value(args[0])
                    return None if n is None else n + 1
        elif t is MVar and e.id in self.assign:
            return self.nat_value(self.assign[e.id])
        return None

    def reduce_nat(self, e):
        """Nat.add 2 3 ~> 5 and the like, for closed arguments; None if it does not apply."""
        if type(e) is not App or e.flags & FVAR:
            return None
        f, args = tm.get_app_fn_args(e)
        if type(f) is not Const or len(args) not in (1, 2):
            return None
        if f is NAT_SUCC and len(args) == 1:
            n = self._eval_nat(args[0])
            return None if n is None else Lit(n + 1)
        op = NAT_BIN.get(f.name)
        if op is None or len(args) != 2 or not (self.can_unfold(f.name)
                                                or f.name in ("Nat.div", "Nat.mod")):
            return None
        a = self._eval_nat(args[0])
        b = None if a is None else self._eval_nat(args[1])
        value = None if b is None else op(a, b)
        if value is None:
            return None
        if isinstance(value, bool):
            return Const("Bool.true" if value else "Bool.false")
        return Lit(value)

    def _eval_nat(self, e):
        if e.flags & MVAR:
            e = self.inst(e)
            if e.flags & MVAR:
                return None
        n = self.nat_value(e)
        if n is None:
            n = self.nat_value(self.whnf(e))
        return n

    def whnf_type(self, e):
        """whnf for a type that must become a Pi, Sort or inductive application."""
        return self.whnf(self.inst(e))

    def inductive_of(self, ty):
        """(InductiveDecl, levels, params, indices) of the type ty, or None."""
        f, args = tm.get_app_fn_args(self.whnf(self.inst(ty)))
        decl = self.env.get(f.name) if type(f) is Const else None
        if type(decl) is not InductiveDecl:
            return None
        return decl, f.levels, args[:decl.num_params], args[decl.num_params:]

    def expect_pi(self, ty):
        if type(ty) is not Pi:
            ty = self.whnf(self.inst(ty))
            if type(ty) is not Pi:
                raise LeanError(f"function expected\n  {self.pp(ty)}")
        return ty
