"""What the kernel must accept: recursors, reductions, η rules, quotients, axioms."""

import kernel_world as w
import pytest
from alpha import alpha_eq
from kernel_world import (
    BOOL,
    FALSE,
    NAT,
    SU,
    TRUE,
    ZERO,
    arrow,
    c,
    eq,
    holds,
    inductive,
    lam,
    nat_op,
    pi,
    refl,
    succ,
    theorem,
)

from minilean.kernel import level as lv
from minilean.kernel.axioms import collect_axioms
from minilean.kernel.env import ABBREV, AxiomDecl, DefDecl, OpaqueDecl
from minilean.kernel.term import (
    PROP,
    TYPE,
    App,
    BVar,
    Const,
    Lam,
    Let,
    Lit,
    Pi,
    Proj,
    mk_app,
)


@pytest.fixture(scope="module")
def env():
    return w.base()


def test_recursor_types(env):
    rec = env.get("Nat.rec")
    motive = arrow(NAT, SU)
    expected = pi("motive", motive, lambda m: arrow(
        App(m, ZERO), pi("n", NAT, lambda n: arrow(App(m, n), App(m, succ(n)))),
        pi("t", NAT, lambda t: App(m, t))))
    assert alpha_eq(rec.type, expected)
    assert rec.type.info == "implicit" and rec.type.name == "motive"
    assert (rec.num_params, rec.num_fixed, rec.num_indices, len(rec.rules)) == (0, 3, 0, 2)
    eq_rec = env.get("Eq.rec")
    assert eq_rec.level_params == ("u_1", "u") and eq_rec.major_index == 5 and eq_rec.k
    acc = env.get("Acc.rec")
    assert acc.level_params == ("u_1", "u") and not acc.k


def test_closed_arithmetic(env):
    holds(env, nat_op("add", Lit(2), Lit(3)), Lit(5))
    holds(env, nat_op("mul", Lit(123456789), Lit(987654321)), Lit(123456789 * 987654321))
    holds(env, nat_op("sub", Lit(3), Lit(10)), Lit(0))
    holds(env, nat_op("pow", Lit(2), Lit(1000)), Lit(2**1000))
    holds(env, nat_op("beq", Lit(70000), Lit(70000)), w.TT, BOOL)
    holds(env, nat_op("ble", Lit(70001), Lit(70000)), w.FF, BOOL)
    assert all(env.checker().nat_ops.is_allowed(f"Nat.{n}")
               for n in ("add", "sub", "mul", "pow", "beq", "ble"))


def test_literals_and_constructors(env):
    holds(env, Lit(0), ZERO)
    holds(env, Lit(3), succ(succ(succ(ZERO))))
    holds(env, succ(Lit(41)), Lit(42))
    holds(env, nat_op("add", succ(ZERO), Lit(1)), Lit(2))
    x = AxiomDecl("x", (), NAT)
    holds(env.add(x), nat_op("add", c("x"), Lit(2)), succ(succ(c("x"))))


def test_open_arithmetic(env):
    both = pi("x", NAT, lambda x: pi("y", NAT, lambda y: eq(
        NAT, nat_op("add", x, succ(y)), succ(nat_op("add", x, y)))))
    proof = lam("x", NAT, lambda x: lam("y", NAT, lambda y: refl(
        NAT, succ(nat_op("add", x, y)))))
    env.add(theorem(both, proof))


def test_induction_proof(env):
    """0 + n = n by Nat.rec with congruence through Eq.rec."""
    def stmt(n):
        return eq(NAT, nat_op("add", ZERO, n), n)

    def step(n, ih):
        motive = lam("b", NAT, lambda b: lam("_", eq(NAT, nat_op("add", ZERO, n), b), lambda _: eq(
            NAT, succ(nat_op("add", ZERO, n)), succ(b))))
        return mk_app(c("Eq.rec", lv.ZERO, lv.ONE), NAT, nat_op("add", ZERO, n), motive,
                      refl(NAT, succ(nat_op("add", ZERO, n))), n, ih)
    proof = mk_app(c("Nat.rec", lv.ZERO), lam("n", NAT, stmt), refl(NAT, ZERO), lam(
        "n", NAT, lambda n: lam("ih", stmt(n), lambda ih: step(n, ih))))
    env = env.add(theorem(pi("n", NAT, stmt), proof, "zero_add"))
    assert collect_axioms(env, "zero_add") == []


def test_logic(env):
    p = AxiomDecl("p", (), PROP)
    q = AxiomDecl("q", (), PROP)
    env = env.add(p).add(q)
    p, q = c("p"), c("q")
    swap = lam("h", mk_app(c("And"), p, q), lambda h: mk_app(
        c("And.intro"), q, p, Proj("And", 1, h), Proj("And", 0, h)))
    env.add(theorem(arrow(mk_app(c("And"), p, q), mk_app(c("And"), q, p)), swap))
    pq, qp = mk_app(c("Or"), p, q), mk_app(c("Or"), q, p)
    flip = lam("h", pq, lambda h: mk_app(
        c("Or.rec"), p, q, lam("_", pq, lambda _: qp),
        lam("a", p, lambda a: mk_app(c("Or.inr"), q, p, a)),
        lam("b", q, lambda b: mk_app(c("Or.inl"), q, p, b)), h))
    env.add(theorem(arrow(pq, qp), flip))
    absurd = lam("h", FALSE, lambda h: mk_app(
        c("False.rec", lv.ONE), lam("_", FALSE, lambda _: NAT), h))
    env.add(DefDecl("absurd", (), arrow(FALSE, NAT), absurd))
    not_false = theorem(App(c("Not"), FALSE), lam("h", FALSE, lambda h: h))
    env.add(not_false)


def test_indexed_family(env):
    """The head of a non-empty vector through Vec.rec computes."""
    one = mk_app(c("Vec.cons", lv.ZERO), NAT, ZERO, Lit(7), App(c("Vec.nil", lv.ZERO), NAT))

    def vec(n):
        return mk_app(c("Vec", lv.ZERO), NAT, n)
    motive = lam("n", NAT, lambda n: lam("_", vec(n), lambda _: NAT))
    step = lam("n", NAT, lambda n: lam("a", NAT, lambda a: lam("v", vec(n), lambda v: lam(
        "ih", NAT, lambda ih: nat_op("add", a, ih)))))

    def total(n, v):
        return mk_app(c("Vec.rec", lv.ONE, lv.ZERO), NAT, motive, ZERO, step, n, v)
    holds(env, total(succ(ZERO), one), Lit(7))
    w.differs(env, total(succ(ZERO), one), Lit(8))


def test_well_founded_recursion_unfolds_on_intro(env):
    """Acc.rec computes on Acc.intro; the accessibility proof may be any proof."""
    lt = lam("a", NAT, lambda a: lam("b", NAT, lambda b: eq(NAT, succ(a), b)))

    def acc(x):
        return mk_app(c("Acc", lv.ONE), NAT, lt, x)
    motive = lam("x", NAT, lambda x: lam("_", acc(x), lambda _: NAT))

    def below(x, result):
        return pi("y", NAT, lambda y: arrow(mk_app(lt, y, x), result(y)))
    step = lam("x", NAT, lambda x: lam("h", below(x, acc), lambda h: lam(
        "ih", below(x, lambda y: NAT), lambda ih: succ(x))))
    proof = lam("h", below(Lit(4), acc), lambda h: mk_app(
        c("Acc.rec", lv.ONE, lv.ONE), NAT, lt, motive, step, Lit(4),
        mk_app(c("Acc.intro", lv.ONE), NAT, lt, Lit(4), h)))
    five = lam("h", below(Lit(4), acc), lambda h: refl(NAT, Lit(5)))
    env.add(theorem(pi("h", below(Lit(4), acc), lambda h: eq(NAT, App(proof, h), Lit(5))), five))


def test_function_eta(env):
    env = env.add(AxiomDecl("f", (), arrow(NAT, NAT)))
    holds(env, c("f"), lam("x", NAT, lambda x: App(c("f"), x)), arrow(NAT, NAT))


def test_structure_eta_and_projection(env):
    nn = mk_app(c("Prod", lv.ZERO, lv.ZERO), NAT, NAT)
    env = env.add(AxiomDecl("x", (), nn))
    mk = mk_app(c("Prod.mk", lv.ZERO, lv.ZERO), NAT, NAT)
    holds(env, c("x"), mk_app(mk, Proj("Prod", 0, c("x")), Proj("Prod", 1, c("x"))), nn)
    holds(env, Proj("Prod", 1, mk_app(mk, Lit(1), Lit(2))), Lit(2))
    motive = lam("_", nn, lambda _: NAT)
    first = lam("a", NAT, lambda a: lam("b", NAT, lambda b: a))
    rec = mk_app(c("Prod.rec", lv.ONE, lv.ZERO, lv.ZERO), NAT, NAT, motive, first, c("x"))
    holds(env, rec, Proj("Prod", 0, c("x")))


def test_unit_eta(env):
    env = env.add(AxiomDecl("x", (), c("PUnit", lv.ONE)))
    env = env.add(AxiomDecl("y", (), c("PUnit", lv.ONE)))
    holds(env, c("x"), c("y"), c("PUnit", lv.ONE))
    holds(env, c("x"), c("PUnit.unit", lv.ONE), c("PUnit", lv.ONE))


def test_proof_irrelevance_in_subtypes(env):
    pred = lam("n", NAT, lambda n: TRUE)
    sub = mk_app(c("Subtype", lv.ONE), NAT, pred)
    env = env.add(AxiomDecl("t", (), TRUE))
    mk = mk_app(c("Subtype.mk", lv.ONE), NAT, pred, Lit(1))
    holds(env, App(mk, c("t")), App(mk, c("True.intro")), sub)


def test_k_like_reduction(env):
    env = env.add(AxiomDecl("h", (), eq(NAT, Lit(1), Lit(1))))
    motive = lam("b", NAT, lambda b: lam("_", eq(NAT, Lit(1), b), lambda _: NAT))
    cast = mk_app(c("Eq.rec", lv.ONE, lv.ONE), NAT, Lit(1), motive, Lit(9), Lit(1), c("h"))
    holds(env, cast, Lit(9))


def test_quotients(env):
    r = lam("a", NAT, lambda a: lam("b", NAT, lambda b: TRUE))
    f = lam("n", NAT, lambda n: Lit(3))
    h = lam("a", NAT, lambda a: lam("b", NAT, lambda b: lam("_", TRUE, lambda _: refl(
        NAT, Lit(3)))))
    mk = mk_app(c("Quot.mk", lv.ONE), NAT, r, Lit(8))
    holds(env, mk_app(c("Quot.lift", lv.ONE, lv.ONE), NAT, r, NAT, f, h, mk), Lit(3))
    q = mk_app(c("Quot", lv.ONE), NAT, r)
    motive = lam("_", q, lambda _: TRUE)
    every = lam("a", NAT, lambda a: c("True.intro"))
    env.add(theorem(TRUE, mk_app(c("Quot.ind", lv.ONE), NAT, r, motive, every, mk)))


def test_universe_polymorphism(env):
    ident = lam("α", SU, lambda a: lam("x", a, lambda x: x))
    env = env.add(DefDecl("id", ("u",), pi("α", SU, lambda a: arrow(a, a)), ident))
    holds(env, mk_app(c("id", lv.ONE), NAT, Lit(2)), Lit(2))
    holds(env, mk_app(c("id", lv.succ(lv.ONE)), TYPE, NAT), NAT, TYPE, lv.succ(lv.ONE))


def test_impredicative_prop(env):
    every = pi("p", PROP, lambda p: arrow(p, p))
    env.add(theorem(every, lam("p", PROP, lambda p: lam("h", p, lambda h: h))))
    env.add(AxiomDecl("a", (), App(Lam("x", PROP, BVar(0)), every)))


def test_let(env):
    value = Let("x", NAT, Lit(2), nat_op("add", BVar(0), BVar(0)))
    holds(env, value, Lit(4))


def test_heights_and_abbreviations(env):
    assert env.get("Nat.pred").height == 1 and env.get("Nat.pow").height == 3
    env = env.add(DefDecl("two", (), NAT, Lit(2), ABBREV))
    assert env.get("two").height == ABBREV
    env = env.add(DefDecl("four", (), NAT, nat_op("mul", c("two"), c("two"))))
    assert env.get("four").height == 3
    holds(env, c("four"), Lit(4))


def test_closed_boolean_tests_are_evaluated(env):
    test = nat_op("ble", nat_op("pow", Lit(3), Lit(40)), nat_op("pow", Lit(2), Lit(64)))
    env.add(theorem(eq(BOOL, test, w.TT), refl(BOOL, w.TT)))


def test_axioms_are_collected(env):
    env = env.add(AxiomDecl("choice", (), NAT)).add(AxiomDecl("propext", (), TRUE))
    env = env.add(OpaqueDecl("o", (), NAT, c("choice")))
    env = env.add(DefDecl("d", (), NAT, c("o")))
    env = env.add(theorem(eq(NAT, c("d"), c("d")), refl(NAT, c("d")), "t"))
    assert collect_axioms(env, "t") == ["choice"]
    assert collect_axioms(env, "Nat.rec") == []
    holder = inductive("H", (), 0, arrow(NAT, TYPE), mk=App(c("H"), c("choice")))
    assert collect_axioms(env.add(holder), "H") == ["choice"]


def test_many_forks_of_one_environment(env):
    child = env
    for i in range(450):
        child = child.add(DefDecl(f"d{i}", (), NAT, Lit(i) if i == 0 else c(f"d{i - 1}")))
    holds(child, c("d449"), Lit(0))
    assert "d0" not in env and len(child.decls()) == len(env.decls()) + 450


def test_binders_keep_names_and_infos(env):
    t = pi("α", TYPE, lambda a: Pi("x", a, NAT), "implicit")
    env = env.add(AxiomDecl("f", (), t))
    assert env.get("f").type.info == "implicit"
    assert type(env.get("f").type.body) is Pi
    assert isinstance(env.get("Nat.zero").type, Const)
