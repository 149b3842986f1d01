"""Terms: interning, substitution, abstraction, and the sweep of dead terms."""

from alpha import alpha_eq

from minilean.front.errors import explain
from minilean.front.terms import has_loose_bvar, occurs
from minilean.kernel import intern
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.errors import KernelError
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Let, Lit, MVar, Pi, Proj, Sort

A, B = Const("A"), Const("B")


def test_interning_and_summaries():
    e = Lam("x", A, App(BVar(0), BVar(2)))
    assert e is Lam("x", A, App(BVar(0), BVar(2)))
    assert e.loose == 2
    assert App(FVar(1), MVar(2)).flags == tm.FVAR | tm.MVAR
    assert Sort(lv.param("u")).flags == tm.PARAM and Const("c", (lv.mvar(0),)).flags == tm.LMVAR
    assert Lit(1) is not Lit("1") and Lit(True) is not Lit(1)
    assert Const("fvar", ()) is not FVar(())


def test_instantiate_abstract_roundtrip():
    x, y = FVar("x"), FVar("y")
    body = App(App(BVar(1), BVar(0)), Lam("z", A, App(BVar(0), BVar(2))))
    opened = tm.instantiate_rev(body, [x, y])
    assert opened is App(App(x, y), Lam("z", A, App(BVar(0), x)))
    assert tm.abstract(opened, [x, y]) is body
    assert tm.instantiate(body, y, x) is opened


def test_capture_is_avoided():
    open_value = App(A, BVar(0))
    body = Lam("z", A, App(BVar(1), BVar(0)))
    assert tm.instantiate(body, open_value) is Lam("z", A, App(App(A, BVar(1)), BVar(0)))
    assert tm.lift(Lam("z", BVar(0), BVar(1)), 3) is Lam("z", BVar(3), BVar(4))


def test_alpha_equality_ignores_names_and_infos_only():
    assert alpha_eq(Pi("a", A, BVar(0)), Pi("b", A, BVar(0), "implicit"))
    assert not alpha_eq(Pi("a", A, BVar(0)), Pi("a", A, A))
    assert not alpha_eq(Pi("a", A, BVar(0)), Lam("a", A, BVar(0)))


def test_level_parameters_and_names():
    u, v = lv.param("u"), lv.param("v")
    e = App(Const("f", (u, lv.succ(v))), Let("x", Sort(u), A, Proj("S", 0, BVar(0))))
    assert tm.level_params_of(e) == ["u", "v"]
    assert sorted(tm.const_names(e)) == ["A", "S", "f"]
    new = tm.instantiate_level_params(e, ("u", "v"), (lv.ZERO, u))
    assert tm.get_app_fn(new) is Const("f", (lv.ZERO, lv.succ(u)))


def test_has_loose_bvar_and_occurs():
    e = Lam("x", A, App(BVar(0), BVar(2)))
    assert has_loose_bvar(e, 1) and not has_loose_bvar(e, 0)
    assert occurs(BVar(2), e) and not occurs(B, e)


def test_sweep_drops_dead_terms_and_keeps_live_ones():
    live = App(Const("live"), Lit(123456789))
    dead = [App(live, BVar(i)) for i in range(500)]
    before = len(intern.TABLE)
    del dead
    intern.sweep()
    assert len(intern.TABLE) <= before - 500
    assert App(Const("live"), Lit(123456789)) is live


def test_deep_terms_are_built_and_freed_without_recursion():
    e = A
    for _ in range(200_000):
        e = App(B, e)
    assert explain(KernelError("type_mismatch", "in ", e)) == "in …"
    del e
    intern.sweep()
