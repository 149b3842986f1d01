"""Term builders: telescopes, mkAppM, equality proofs, numerals, abstraction of occurrences.

Follows Lean 4's `Lean/Meta/{AppBuilder,KAbstract}.lean` and the telescopes of `Meta/Basic.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.errors import LeanError
from minilean.front.terms import get_app_num_args, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Lit, MVar, Pi

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

    def mk_at(self, name, ty, *args):
        """`name` at the universe level of its first argument, the type ty, applied to all."""
        return tm.mk_app(Const(name, (self.sort_level(ty),)), ty, *args)

    # --- numerals -----------------------------------------------------------------------------

    def mk_nat(self, n):
        """The term Lean elaborates the numeral n : Nat to."""
        lit = Lit(n)
        return tm.mk_app(OFNAT_NAT, lit, App(INST_OFNAT, lit))

    def mk_nat_add(self, a, b):
        return tm.mk_app(NAT_OPS["+"], a, b)

    # --- propositions and equality ------------------------------------------------------------

    def mk_eq(self, a, b):
        return self.mk_at("Eq", self.inst(self.infer(a)), a, b)

    def mk_eq_refl(self, a):
        return self.mk_at("Eq.refl", self.infer(a), a)

    def mk_eq_symm(self, h):
        return self.mk_at("Eq.symm", *self.eq_parts(self.whnf(self.infer(h))), h)

    def mk_cast(self, name, h, e):
        """`name` (Eq.mp or Eq.mpr) applied to h : a = b and to e."""
        _, a, b = self.eq_parts(self.whnf(self.infer(h)))
        return self.mk_at(name, a, b, h, e)

    def eq_parts(self, ty):
        """(α, a, b) when ty is a = b (up to instantiation and reducible unfolding), else None."""
        ty = self.inst(ty)
        if not is_app_of(ty, "Eq", 3):
            ty = self.whnf_r(ty)
        return tuple(tm.get_app_fn_args(ty)[1]) if is_app_of(ty, "Eq", 3) else None

    def mk_sorry(self, ty, synthetic=False):
        return self.mk_at("sorryAx", ty, Const("Bool.true" if synthetic else "Bool.false"))

    # --- occurrences --------------------------------------------------------------------------

    def kabstract(self, e, pattern):
        """e with the instances of `pattern` replaced by BVar 0 (same object if there is none).

        Candidates have the pattern's head and arity and are compared with is_def_eq, which fixes
        the pattern's metavariables at the first hit (Lean's kabstract).
        """
        e = self.inst(e)
        if type(pattern) is FVar:
            return tm.abstract(e, [pattern])
        key = _key(pattern)

        def go(s, depth):
            if not s.loose and _key(s) == key and self.is_def_eq(s, pattern):
                return BVar(depth)
            return tm.rebuild(s, go, depth)
        return go(e, 0)

    # --- printing -----------------------------------------------------------------------------

    def pp(self, e):
        from minilean.front.pp import Printer
        return Printer(self, self.lctx).show(self.inst(e))

    def pp_goal(self, goal):
        from minilean.front.pp import pp_goal
        return pp_goal(self, goal)


def _key(s):
    """What s must share with a pattern that it may match: head symbol, number of arguments."""
    f = tm.get_app_fn(s)
    if type(f) is Const:
        f = f.name
    elif type(f) not in (FVar, MVar, Lit):
        f = type(f)
    return f, get_app_num_args(s)
