"""Quotient types: Quot, Quot.mk, Quot.lift, Quot.ind, as `add_quot` in Lean 4's quot.cpp.

Their reduction rule is in reduce.py; Quot.sound is an ordinary axiom.
"""

from minilean.kernel import level as lv
from minilean.kernel.env import InductiveDecl, QuotDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import PROP, App, Const, FVar, Pi, Sort, bind, mk_app

U, V = lv.param("u"), lv.param("v")


def _var(name, type_, info="default"):
    return FVar((None, type_, name, info))


def _pi(*xs):
    """Π xs[:-1], xs[-1] for variables made by `_var` and a term."""
    return bind(Pi, xs[:-1], xs[-1])


def _same(a, b):
    """Are a and b equal up to the names and infos of their leading Πs?"""
    if type(a) is Pi and type(b) is Pi:
        return a.type is b.type and _same(a.body, b.body)
    return a is b


def _eq_is_standard(env):
    """Is Eq the family with parameters α : Sort u, a : α, one index, and refl : a = a?"""
    eq = env.get("Eq")
    if not (type(eq) is InductiveDecl and eq.ctors == ("Eq.refl",) and eq.num_params == 2
            and len(eq.level_params) == 1):
        return False
    u = lv.param(eq.level_params[0])
    alpha = _var("α", Sort(u))
    a, b = _var("a", alpha), _var("b", alpha)
    refl_type = _pi(alpha, a, mk_app(Const("Eq", (u,)), alpha, a, a))
    return _same(eq.type, _pi(alpha, a, b, PROP)) and _same(env.get("Eq.refl").type, refl_type)


def _headers():
    """(name, level parameters, type) of each constant."""
    alpha, beta = _var("α", Sort(U), "implicit"), _var("β", Sort(V), "implicit")
    a, b = _var("a", alpha), _var("b", alpha)
    explicit_r, r = _var("r", _pi(a, b, PROP)), _var("r", _pi(a, b, PROP), "implicit")
    f = _var("f", _pi(a, beta))
    equal = mk_app(Const("Eq", (V,)), beta, App(f, a), App(f, b))
    respects = _var("a", _pi(a, b, _var("a", mk_app(r, a, b)), equal))
    quot, made = Const("Quot", (U,)), mk_app(Const("Quot.mk", (U,)), alpha, r, a)
    member, q = _var("a", mk_app(quot, alpha, r)), _var("q", mk_app(quot, alpha, r))
    family = _var("β", _pi(member, PROP), "implicit")
    every = _var("mk", _pi(a, App(family, made)))
    return [
        ("Quot", ("u",), _pi(alpha, explicit_r, Sort(U))),
        ("Quot.mk", ("u",), _pi(alpha, explicit_r, a, mk_app(quot, alpha, explicit_r))),
        ("Quot.lift", ("u", "v"), _pi(alpha, r, beta, f, respects, member, beta)),
        ("Quot.ind", ("u",), _pi(alpha, r, family, every, q, App(family, q)))]


def check_quot(tc):
    """The four quotient constants, if Eq is the standard one; raises KernelError("bad_quot")."""
    if not _eq_is_standard(tc.env):
        raise KernelError("bad_quot", "quotients need the standard Eq")
    decls = [QuotDecl(*header) for header in _headers()]
    for i, decl in enumerate(decls):
        checker = tc.env._with(decls[:i]).checker()
        checker.steps = tc.steps
        checker.check_header(decl.name, decl.level_params, decl.type)
    return decls
