"""Term builders: telescopes, mkAppM, equality proofs, numerals, abstraction of occurrences.

Follows Lean 4's `Lean/Meta/{AppBuilder,KAbstract}.lean` and the telescopes of `Meta/Basic.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.front.terms import get_app_num_args, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import (
    LMVAR,
    MVAR,
    App,
    BVar,
    Const,
    Lit,
    MVar,
    Pi,
    Sort,
    instantiate,
    instantiate_rev,
)

NAT = Const("Nat")
HADD_NAT = tm.mk_app(Const("HAdd.hAdd", (lv.ZERO,) * 3), NAT, NAT, NAT,
                     tm.mk_app(Const("instHAdd", (lv.ZERO,)), NAT, Const("instAddNat")))
OFNAT_NAT = App(Const("OfNat.ofNat", (lv.ZERO,)), NAT)
INST_OFNAT = Const("instOfNatNat")
TRUE, FALSE = Const("True"), Const("False")


class BuildMixin:
    """Builders; mixed into `Meta`."""

    # --- telescopes ---------------------------------------------------------------------------

    def forall_meta(self, ty, kind="natural", max=None, reducing=True):
        """(metavariables, binder infos, result) of ∀ x…, r with fresh mvars for x…

        Instance binders get synthetic mvars. `reducing`: unfold to find more binders.
        """
        mvars, infos = [], []
        start = 0
        while max is None or len(mvars) < max:
            if type(ty) is not Pi:
                ty = instantiate_rev(ty, mvars[start:])
                start = len(mvars)
                if not reducing:
                    break
                new = self.whnf(self.inst(ty))
                if type(new) is not Pi:
                    break
                ty = new
            dom = instantiate_rev(ty.type, mvars[start:])
            k = "synthetic" if ty.info == "inst" else kind
            m = self.mk_mvar(dom, k, ty.name)
            mvars.append(m)
            infos.append(ty.info)
            ty = ty.body
        return mvars, infos, instantiate_rev(ty, mvars[start:])

    def forall_locals(self, ty, max=None, reducing=True):
        """(local declarations, body) of ∀ x…, body; the locals are not added to self.lctx."""
        decls, fvars, start = [], [], 0
        while max is None or len(decls) < max:
            if type(ty) is not Pi:
                ty = instantiate_rev(ty, fvars[start:])
                start = len(fvars)
                if not reducing:
                    break
                new = self.whnf(self.inst(ty))
                if type(new) is not Pi:
                    break
                ty = new
            d = self.mk_local(ty.name, instantiate_rev(ty.type, fvars[start:]), ty.info)
            decls.append(d)
            fvars.append(d.fvar)
            ty = ty.body
        return decls, instantiate_rev(ty, fvars[start:])

    def lambda_locals(self, e):
        """(local declarations, body) of fun x… => body."""
        decls, fvars = [], []
        while type(e) is tm.Lam:
            d = self.mk_local(e.name, instantiate_rev(e.type, fvars), e.info)
            decls.append(d)
            fvars.append(d.fvar)
            e = e.body
        return decls, instantiate_rev(e, fvars)

    def instantiate_forall(self, ty, args):
        for a in args:
            ty = self.expect_pi(ty)
            ty = instantiate(ty.body, a)
        return ty

    # --- constants and applications -----------------------------------------------------------

    def mk_const(self, name):
        """The constant with fresh universe metavariables."""
        decl = self.env.get(name)
        if decl is None:
            raise LeanError(f"Unknown constant `{name}`")
        return Const(name, tuple([self.mk_level_mvar() for _ in decl.level_params]))

    def mk_app(self, name, *args):
        """Lean's mkAppM: `name` applied to explicit `args`; implicit arguments are inferred."""
        f = self.mk_const(name) if isinstance(name, str) else name
        ty = self.infer(f)
        out, insts, i = [], [], 0
        start = 0
        while i < len(args):
            if type(ty) is not Pi:
                ty = self.whnf(self.inst(instantiate_rev(ty, out[start:])))
                start = len(out)
                if type(ty) is not Pi:
                    raise LeanError(f"too many arguments for {name}")
            dom = instantiate_rev(ty.type, out[start:])
            if ty.info == "default":
                a = args[i]
                i += 1
                if not self.is_def_eq(dom, self.infer(a)):
                    raise LeanError(f"application type mismatch in {name}:\n  {self.pp(a)}\nhas "
                                    f"type\n  {self.pp(self.infer(a))}\nbut is expected to have "
                                    f"type\n  {self.pp(dom)}")
                out.append(a)
            else:
                m = self.mk_mvar(dom, "synthetic" if ty.info == "inst" else "natural")
                if ty.info == "inst":
                    insts.append(m)
                out.append(m)
            ty = ty.body
        return self._finish_app(f, out, insts, name)

    def mk_app_opt(self, name, args):
        """Lean's mkAppOptM: None stands for an argument to be inferred."""
        f = self.mk_const(name)
        ty = self.infer(f)
        out, insts = [], []
        for a in args:
            ty = self.expect_pi(ty)
            if a is None:
                a = self.mk_mvar(ty.type, "synthetic" if ty.info == "inst" else "natural")
                if ty.info == "inst":
                    insts.append(a)
            elif not self.is_def_eq(ty.type, self.infer(a)):
                raise LeanError(f"application type mismatch in {name}")
            out.append(a)
            ty = instantiate(ty.body, a)
        return self._finish_app(f, out, insts, name)

    def _finish_app(self, f, out, insts, name):
        for m in insts:
            if not self.is_assigned(m.id):
                value = self.synth_inst(self.inst(self.infer(m)))
                if value is None:
                    raise LeanError("failed to synthesize\n  " + self.pp(self.inst(self.infer(m))))
                self.assign_mvar(m.id, value)
        e = self.inst(tm.mk_app(f, *out))
        if e.flags & MVAR:
            raise LeanError(f"cannot infer all arguments of {name}")
        return e if not e.flags & LMVAR else self.inst(e)

    # --- numerals -----------------------------------------------------------------------------

    def mk_nat(self, n):
        """The term Lean elaborates the numeral n : Nat to."""
        lit = Lit(n)
        return tm.mk_app(OFNAT_NAT, lit, App(INST_OFNAT, lit))

    def mk_nat_add(self, a, b):
        return tm.mk_app(HADD_NAT, a, b)

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
        ty = self.inst(self.infer(h))
        if not is_app_of(ty, "Eq", 3):
            ty = self.whnf(ty)
        f, args = tm.get_app_fn_args(ty)
        if not is_app_of(ty, "Eq", 3):
            raise LeanError(f"equality proof expected\n  {self.pp(ty)}")
        return f.levels, args

    def mk_eq_symm(self, h):
        us, (ty, a, b) = self._eq_of(h)
        if is_app_of(h, "Eq.refl", 2):
            return h
        return tm.mk_app(Const("Eq.symm", us), ty, a, b, h)

    def mk_eq_trans(self, h, k):
        us, (ty, a, b) = self._eq_of(h)
        _, (_, _, c) = self._eq_of(k)
        return tm.mk_app(Const("Eq.trans", us), ty, a, b, c, h, k)

    def mk_congr_arg(self, f, h):
        us, (ty, a, b) = self._eq_of(h)
        fty = self.whnf(self.inst(self.infer(f)))
        v = self.sort_level(fty.body)
        return tm.mk_app(Const("congrArg", (us[0], v)), ty, fty.body, a, b, f, h)

    def mk_congr_fun(self, h, a):
        return self.mk_app("congrFun", h, a)

    def mk_congr(self, h, k):
        return self.mk_app("congr", h, k)

    def mk_eq_mpr(self, h, e):
        us, (_, a, b) = self._eq_of(h)
        return tm.mk_app(Const("Eq.mpr", (self.sort_level(a),)), a, b, h, e)

    def mk_eq_mp(self, h, e):
        us, (_, a, b) = self._eq_of(h)
        return tm.mk_app(Const("Eq.mp", (self.sort_level(a),)), a, b, h, e)

    def mk_false_elim(self, ty, h):
        return tm.mk_app(Const("False.elim", (self.sort_level(ty),)), ty, h)

    def mk_absurd(self, ty, p, h, nh):
        """absurd h nh : ty, for h : p and nh : ¬p."""
        return tm.mk_app(Const("absurd", (self.sort_level(ty),)), p, ty, h, nh)

    def mk_id(self, ty, e):
        return tm.mk_app(Const("id", (self.sort_level(ty),)), ty, e)

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
        if type(pattern) is tm.FVar and occs is None:
            return tm.abstract(e, [pattern])
        head, n = self._key(pattern)
        if head is None:
            return e
        count = 0

        def go(s, depth):
            nonlocal count
            t = type(s)
            if s.loose or (t is not App and t is not Const and t is not tm.FVar
                           and t is not Lit and t is not Pi and t is not tm.Lam
                           and t is not tm.Proj and t is not MVar and t is not Sort):
                return tm.rebuild(s, go, depth)
            hs, ns = self._key(s)
            if hs != head or ns != n:
                return tm.rebuild(s, go, depth)
            if self.is_def_eq(s, pattern):
                count += 1
                if occs is None or count in occs:
                    return BVar(depth)
            return tm.rebuild(s, go, depth)
        return go(e, 0)

    def _key(self, s):
        """Head symbol and number of arguments, for keyed matching."""
        f = tm.get_app_fn(s)
        t = type(f)
        if t is Const:
            return f.name, get_app_num_args(s)
        if t is tm.FVar or t is MVar:
            return f, get_app_num_args(s)
        if t is Lit:
            return ("lit", f.value), 0
        if t is Sort:
            return "sort", 0
        if t is Pi:
            return "pi", 0
        if t is tm.Lam:
            return "lam", get_app_num_args(s)
        if t is tm.Proj:
            return ("proj", f.struct, f.idx), get_app_num_args(s)
        return None, -1

    # --- printing -----------------------------------------------------------------------------

    def pp(self, e):
        from minilean.front.pp import pp_expr
        return pp_expr(self, self.inst(e), self.lctx)

    def pp_goal(self, goal):
        from minilean.front.pp import pp_goal
        return pp_goal(self, goal)

    def fresh_inaccessible(self, base):
        """A name that the user cannot refer to."""
        return base if base.endswith("✝") else base + "✝"
