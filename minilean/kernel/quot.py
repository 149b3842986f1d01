"""Quotient types: Quot, Quot.mk, Quot.lift, Quot.ind, as `add_quot` in Lean 4's quot.cpp.

Their reduction rule is in reduce.py; Quot.sound is an ordinary axiom.
"""

from minilean.kernel import level as lv
from minilean.kernel.env import ConstructorDecl, InductiveDecl, QuotDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import PROP, BVar, Const, Pi, Sort, mk_app

U, V = lv.param("u"), lv.param("v")


def _pi(*binders, result):
    """Π over (name, type, info) triples, types with de Bruijn indices."""
    for name, type_, info in reversed(binders):
        result = Pi(name, type_, result, info)
    return result


def _b(i):
    return BVar(i)


def _relation(i):
    """α → α → Prop for α = BVar i."""
    return Pi("a", _b(i), Pi("b", _b(i + 1), PROP))


def _quot(level, alpha, r):
    return mk_app(Const("Quot", (level,)), alpha, r)


def _mk(alpha, r, a):
    return mk_app(Const("Quot.mk", (U,)), alpha, r, a)


def _same(a, b):
    """Are a and b equal up to the names and infos of their leading Πs?"""
    if type(a) is Pi and type(b) is Pi:
        return a.type is b.type and _same(a.body, b.body)
    return a is b


def _eq_is_standard(env):
    """Is Eq the family with parameters α : Sort u, a : α, one index, and refl : a = a?"""
    eq, refl = env.get("Eq"), env.get("Eq.refl")
    if type(eq) is not InductiveDecl or type(refl) is not ConstructorDecl:
        return False
    if len(eq.level_params) != 1 or eq.ctors != ("Eq.refl",):
        return False
    u = lv.param(eq.level_params[0])
    family = _pi(("α", Sort(u), ""), ("a", _b(0), ""), ("b", _b(1), ""), result=PROP)
    refl_type = _pi(("α", Sort(u), ""), ("a", _b(0), ""),
                    result=mk_app(Const("Eq", (u,)), _b(1), _b(0), _b(0)))
    return eq.num_params == 2 and _same(eq.type, family) and _same(refl.type, refl_type)


def check_quot(tc):
    """The four quotient constants, if Eq is the standard one; raises KernelError("bad_quot")."""
    if not _eq_is_standard(tc.env):
        raise KernelError("bad_quot", "quotients need the standard Eq")
    sort_u, sort_v = Sort(U), Sort(V)
    alpha, r1, r0 = ("α", sort_u, "implicit"), _relation(0), _b(0)
    quot = _pi(alpha, ("r", r1, "default"), result=sort_u)
    mk = _pi(alpha, ("r", r1, "default"), ("a", _b(1), "default"), result=_quot(U, _b(2), _b(1)))
    # lift: α r β f h q ⊢ β, with h : ∀ a b, r a b → f a = f b
    sound = _pi(("a", _b(3), "default"), ("b", _b(4), "default"),
                ("a", mk_app(_b(4), _b(1), _b(0)), "default"),
                result=mk_app(Const("Eq", (V,)), _b(4), mk_app(_b(3), _b(2)),
                              mk_app(_b(3), _b(1))))
    lift = _pi(alpha, ("r", r1, "implicit"), ("β", sort_v, "implicit"),
               ("f", Pi("a", _b(2), _b(1)), "default"), ("a", sound, "default"),
               ("a", _quot(U, _b(4), _b(3)), "default"), result=_b(3))
    # ind: α r β mk q ⊢ β q, with β : Quot r → Prop
    every = Pi("a", _b(2), mk_app(_b(1), _mk(_b(3), _b(2), r0)))
    family = Pi("a", _quot(U, _b(1), _b(0)), PROP)
    ind = _pi(alpha, ("r", r1, "implicit"), ("β", family, "implicit"), ("mk", every, "default"),
              ("q", _quot(U, _b(3), _b(2)), "default"),
              result=mk_app(_b(2), _b(0)))
    env, decls = tc.env, []
    for kind, name, params, type_ in (
            ("type", "Quot", ("u",), quot), ("mk", "Quot.mk", ("u",), mk),
            ("lift", "Quot.lift", ("u", "v"), lift), ("ind", "Quot.ind", ("u",), ind)):
        checker = env.checker()
        checker.steps = tc.steps
        checker.check_header(name, params, type_)
        decls.append(QuotDecl(name, params, type_, kind))
        env = env._with(decls[-1:])
    return decls
