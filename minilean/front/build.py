"""Term builders: telescopes, mkAppM, equality proofs, numerals, abstraction of occurrences.

Follows Lean 4's `Lean/Meta/{AppBuilder,KAbstract}.lean` and the telescopes of `Meta/Basic.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.front.terms import get_app_num_args, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Let, Lit, MVar, Pi, Proj

NAT, TRUE, FALSE = Const("Nat"), Const("True"), Const("False")
OFNAT_NAT = App(Const("OfNat.ofNat", (lv.ZERO,)), NAT)
INST_OFNAT = Const("instOfNatNat")


def _nat_op(op):
    """HOp.hOp on Nat, with its instance."""
    inst = tm.mk_app(Const(f"instH{op}", (lv.ZERO,)), NAT, Const(f"inst{op}Nat"))
    return tm.mk_app(Const(f"H{op}.h{op}", (lv.ZERO,) * 3), NAT, NAT, NAT, inst)


NAT_OPS = {"+": _nat_op("Add"), "*": _nat_op("Mul"), "-": _nat_op("Sub")}


class BuildMixin:
    """Builders; mixed into `Meta`."""

    # --- telescopes ---------------------------------------------------------------------------

    def _telescope(self, kind, e, fresh, max=None, reducing=False):
        """The body of e = ∀ x…, r (or fun) with fresh(binder, type) for each x; at most `max`."""
        xs, start = [], 0
        while max is None or len(xs) < max:
            if type(e) is not kind:
                e, start = tm.instantiate_rev(e, xs[start:]), len(xs)
                new = self.whnf(self.inst(e)) if reducing else e
                if type(new) is not kind:
                    break
                e = new
            xs.append(fresh(e, tm.instantiate_rev(e.type, xs[start:])))
            e = e.body
        return tm.instantiate_rev(e, xs[start:])

    def forall_meta(self, ty, max=None, reducing=True):
        """(metavariables, binder infos, result) of ∀ x…, r with fresh mvars for x…

        Instance binders get synthetic mvars. `reducing`: unfold to find more binders.
        """
        mvars, infos = [], []

        def fresh(binder, dom):
            kind = "synthetic" if binder.info == "inst" else "natural"
            mvars.append(self.mk_mvar(dom, kind, binder.name))
            infos.append(binder.info)
            return mvars[-1]
        result = self._telescope(Pi, ty, fresh, max, reducing)
        return mvars, infos, result

    def forall_locals(self, ty, max=None, reducing=True, kind=Pi):
        """(local declarations, body) of ∀ x…, body; the locals are not added to self.lctx."""
        decls = []

        def fresh(binder, dom):
            decls.append(self.mk_local(binder.name, dom, binder.info))
            return decls[-1].fvar
        body = self._telescope(kind, ty, fresh, max, reducing)
        return decls, body

    def lambda_locals(self, e):
        """(local declarations, body) of fun x… => body."""
        return self.forall_locals(e, reducing=False, kind=Lam)

    def instantiate_forall(self, ty, args):
        for a in args:
            ty = tm.instantiate(self.expect_pi(ty).body, a)
        return ty

    def push_local(self, name, type, bi="default"):
        """A new local declaration, added to the local context."""
        d = self.mk_local(name, type, bi)
        self.lctx = self.lctx.add(d)
        return d

    # --- constants and applications -----------------------------------------------------------

    def mk_const(self, name):
        """The constant with fresh universe metavariables."""
        decl = self.env.get(name)
        if decl is None:
            raise LeanError(f"Unknown constant `{name}`")
        return Const(name, tuple([self.mk_level_mvar() for _ in decl.level_params]))

    def mk_app(self, name, arg):
        """`name` applied to its one explicit argument; what it takes before that is inferred."""
        e = self.mk_const(name)
        ty = self.infer(e)
        while ty.info != "default":
            m = self.mk_mvar(ty.type)
            e, ty = App(e, m), tm.instantiate(ty.body, m)
        if not self.is_def_eq(ty.type, self.infer(arg)):
            raise LeanError(f"application type mismatch in {name}\n  {self.pp(arg)}")
        return self.inst(App(e, arg))

    # --- numerals -----------------------------------------------------------------------------

    def mk_nat(self, n):
        """The term Lean elaborates the numeral n : Nat to."""
        lit = Lit(n)
        return tm.mk_app(OFNAT_NAT, lit, App(INST_OFNAT, lit))

    def mk_nat_add(self, a, b):
        return tm.mk_app(NAT_OPS["+"], a, b)

    # --- propositions and equality ------------------------------------------------------------

    def mk_eq(self, a, b):
        ty = self.infer(a)
        return tm.mk_app(Const("Eq", (self.sort_level(ty),)), self.inst(ty), a, b)

    def mk_heq(self, a, b):
        ta, tb = self.infer(a), self.infer(b)
        return tm.mk_app(Const("HEq", (self.sort_level(ta),)), ta, a, tb, b)

    def mk_eq_refl(self, a):
        ty = self.infer(a)
        return tm.mk_app(Const("Eq.refl", (self.sort_level(ty),)), ty, a)

    def mk_heq_refl(self, a):
        ty = self.infer(a)
        return tm.mk_app(Const("HEq.refl", (self.sort_level(ty),)), ty, a)

    def eq_parts(self, ty):
        """(α, a, b) when ty is a = b (up to instantiation and reducible unfolding), else None."""
        ty = self.inst(ty)
        if not is_app_of(ty, "Eq", 3):
            ty = self.whnf_r(ty)
            if not is_app_of(ty, "Eq", 3):
                return None
        return tuple(tm.get_app_fn_args(ty)[1])

    def _eq_of(self, h):
        """(levels, [α, a, b]) of the equation a = b that h proves."""
        ty = self.inst(self.infer(h))
        if not is_app_of(ty, "Eq", 3):
            ty = self.whnf(ty)
        if not is_app_of(ty, "Eq", 3):
            raise LeanError(f"equality proof expected\n  {self.pp(ty)}")
        f, args = tm.get_app_fn_args(ty)
        return f.levels, args

    def mk_eq_symm(self, h):
        us, (ty, a, b) = self._eq_of(h)
        if is_app_of(h, "Eq.refl", 2):
            return h
        return tm.mk_app(Const("Eq.symm", us), ty, a, b, h)

    def mk_eq_mpr(self, h, e):
        us, (_, a, b) = self._eq_of(h)
        return tm.mk_app(Const("Eq.mpr", (self.sort_level(a),)), a, b, h, e)

    def mk_eq_mp(self, h, e):
        us, (_, a, b) = self._eq_of(h)
        return tm.mk_app(Const("Eq.mp", (self.sort_level(a),)), a, b, h, e)

    def mk_false_elim(self, ty, h):
        return tm.mk_app(Const("False.elim", (self.sort_level(ty),)), ty, h)

    def mk_not(self, p):
        return App(Const("Not"), p)

    def mk_sorry(self, ty, synthetic=False):
        return tm.mk_app(Const("sorryAx", (self.sort_level(ty),)), ty,
                         Const("Bool.true" if synthetic else "Bool.false"))

    # --- occurrences --------------------------------------------------------------------------

    def kabstract(self, e, pattern, occs=None):
        """e with the instances of `pattern` replaced by BVar 0 (same object if there is none).

        Candidates have the pattern's head and arity and are compared with is_def_eq, which fixes
        the pattern's metavariables at the first hit (Lean's kabstract). occs: 1-based positions.
        """
        e = self.inst(e)
        if type(pattern) is FVar and occs is None:
            return tm.abstract(e, [pattern])
        key = self._key(pattern)
        if key is None:
            return e
        count = 0

        def go(s, depth):
            nonlocal count
            if not s.loose and self._key(s) == key and self.is_def_eq(s, pattern):
                count += 1
                if occs is None or count in occs:
                    return BVar(depth)
            return tm.rebuild(s, go, depth)
        return go(e, 0)

    def _key(self, s):
        """What s must share with a pattern that it may match: head symbol, number of arguments."""
        f = tm.get_app_fn(s)
        t = type(f)
        if t is Let:
            return None
        if t is Const:
            head = f.name
        elif t is Proj:
            head = f.struct, f.idx
        else:
            head = f if t is FVar or t is MVar or t is Lit else t
        return head, get_app_num_args(s)

    # --- printing -----------------------------------------------------------------------------

    def pp(self, e):
        from minilean.front.pp import pp_expr
        return pp_expr(self, self.inst(e), self.lctx)

    def pp_goal(self, goal):
        from minilean.front.pp import pp_goal
        return pp_goal(self, goal)
