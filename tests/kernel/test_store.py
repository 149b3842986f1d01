"""Environments and tables survive pickling; what is loaded is the same interned term."""

import pickle

import kernel_world as w

from minilean.kernel import level as lv
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Let, Lit, MVar, Pi, Proj, Sort


def saved(value):
    return pickle.loads(pickle.dumps(value))


def test_environment_roundtrip():
    env = w.base()
    again = saved(env)
    assert again.decls() == env.decls()
    w.holds(again, w.nat_op("add", Lit(2), Lit(2)), Lit(4))
    w.differs(again, w.nat_op("add", Lit(2), Lit(2)), Lit(5))


def test_every_kind_of_term_and_any_container():
    u = lv.param("u")
    terms = [Lit("x"), Lit(7), FVar("h"), MVar(3), Sort(lv.make("imax", u, lv.mvar(2))),
             Let("x", w.NAT, Lit(1), App(BVar(0), Proj("S", 1, Const("c", (u, lv.succ(u)))))),
             Lam("y", w.NAT, BVar(0), "implicit"), Pi("y", w.NAT, w.NAT, "inst")]
    table = {"terms": terms, 3: (u, {terms[0]: terms[1]})}
    again = saved(table)
    assert all(a is b for a, b in zip(again["terms"], terms, strict=True))
    assert again[3][0] is u and again[3][1][terms[0]] is terms[1]
