"""Every kernel rule refuses what it must, with its own reason code."""

import re
from pathlib import Path

import kernel_world as w
import pytest
from kernel_world import (
    BOOL,
    FALSE,
    NAT,
    SU,
    TRUE,
    TYPE_U,
    ZERO,
    U,
    V,
    arrow,
    c,
    eq,
    inductive,
    lam,
    nat_op,
    pi,
    refl,
    rejects,
    succ,
    theorem,
)

from minilean.kernel import errors
from minilean.kernel import level as lv
from minilean.kernel.env import AxiomDecl, DefDecl, Environment, InductiveSpec, OpaqueDecl, QuotSpec
from minilean.kernel.errors import KernelError
from minilean.kernel.term import (
    PROP,
    TYPE,
    App,
    BVar,
    Const,
    FVar,
    Lam,
    Let,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
    mk_app,
)


@pytest.fixture(scope="module")
def env():
    return w.base()


# --- declarations ---

def test_name_taken(env):
    rejects("already_declared", env, AxiomDecl("Nat", (), TYPE))
    rejects("already_declared", env, AxiomDecl("Nat.rec", (), TYPE))
    rejects("already_declared", env, inductive("X", (), 0, TYPE, rec=c("X")))
    rejects("already_declared", env,
            InductiveSpec("X", (), 0, TYPE, (("X.a", c("X")), ("X.a", c("X")))))
    rejects("already_declared", env, InductiveSpec("X", (), 0, TYPE, (("Nat.add", c("X")),)))
    rejects("already_declared", env, InductiveSpec("X", (), 0, TYPE, (("X", c("X")),)))


def test_level_parameters(env):
    rejects("level_params", env, AxiomDecl("a", ("u", "u"), SU))
    rejects("level_params", env, AxiomDecl("a", (), SU))
    rejects("level_params", env, DefDecl("a", (), TYPE, App(lam("x", TYPE, lambda x: NAT), SU)))
    rejects("level_params", env, inductive("X", (), 0, TYPE_U))
    rejects("level_params", env, inductive("X", (), 0, TYPE, mk=arrow(c("PUnit", U), c("X"))))
    rejects("level_params", env, inductive("X", ("u", "u"), 0, TYPE_U))


def test_level_count(env):
    rejects("level_count", env, AxiomDecl("a", (), App(c("List"), NAT)))
    rejects("level_count", env, AxiomDecl("a", (), eq(NAT, ZERO, Const("Nat.zero", (lv.ZERO,)))))


def test_open_terms(env):
    proof = Const("True.intro")
    x = FVar((0, TRUE))
    rejects("loose_bvar", env, AxiomDecl("a", (), BVar(0)))
    rejects("loose_bvar", env, theorem(TRUE, App(Lam("x", TRUE, proof), BVar(0))))
    rejects("free_variable", env, theorem(TRUE, x))
    rejects("free_variable", env, theorem(TRUE, FVar("h")))
    rejects("free_variable", env, theorem(FALSE, FVar((0, FALSE))))
    rejects("metavariable", env, theorem(FALSE, MVar(1)))
    rejects("metavariable", env, AxiomDecl("a", (), Sort(lv.mvar(1))))
    rejects("free_variable", env, inductive("X", (), 0, TYPE, mk=arrow(FVar((0, TYPE)), c("X"))))
    rejects("metavariable", env, inductive("X", (), 0, TYPE, mk=arrow(MVar(0), c("X"))))
    rejects("loose_bvar", env, inductive("X", (), 0, Pi("a", BVar(0), TYPE)))


def test_unknown_constant(env):
    rejects("unknown_constant", env, AxiomDecl("a", (), Const("Missing")))
    rejects("unknown_constant", env, theorem(FALSE, Const("thm")))  # no self-reference
    rejects("unknown_constant", env, DefDecl("f", (), NAT, Const("f")))


def test_theorem_type_is_a_proposition(env):
    rejects("not_a_prop", env, theorem(NAT, ZERO))
    rejects("not_a_prop", env, theorem(PROP, TRUE))
    rejects("not_a_prop", env, theorem(c("PUnit", U), c("PUnit.unit", U), level_params=("u",)))


def test_types_are_types(env):
    rejects("not_a_sort", env, AxiomDecl("a", (), ZERO))
    rejects("not_a_sort", env, AxiomDecl("a", (), Pi("x", ZERO, NAT)))
    rejects("not_a_sort", env, AxiomDecl("a", (), Pi("x", NAT, ZERO)))
    rejects("not_a_sort", env, DefDecl("a", (), NAT, App(Lam("x", ZERO, ZERO), ZERO)))
    rejects("not_a_sort", env, DefDecl("a", (), NAT, Let("x", ZERO, ZERO, ZERO)))


def test_application(env):
    rejects("not_a_function", env, DefDecl("a", (), NAT, App(ZERO, ZERO)))
    rejects("type_mismatch", env, DefDecl("a", (), NAT, succ(Const("Bool.true"))))
    rejects("type_mismatch", env, DefDecl("a", (), NAT, Const("Bool.true")))
    rejects("type_mismatch", env, OpaqueDecl("a", (), NAT, Const("Bool.true")))
    rejects("type_mismatch", env, theorem(FALSE, Const("True.intro")))
    rejects("type_mismatch", env, DefDecl("a", (), NAT, Let("x", BOOL, ZERO, ZERO)))


def test_ill_typed_subterm_that_reduces_away(env):
    """Reduction must not hide an error: (λ _, 0) (succ true) is refused."""
    bad = succ(Const("Bool.true"))
    rejects("type_mismatch", env, DefDecl("a", (), NAT, App(lam("x", NAT, lambda x: ZERO), bad)))
    rejects("type_mismatch", env, DefDecl("a", (), NAT, Let("x", NAT, bad, ZERO)))


def test_unknown_declaration_kind(env):
    rejects("bad_decl", env, env.get("Nat"))
    rejects("bad_decl", env, env.get("Nat.rec"))
    rejects("bad_decl", env, AxiomDecl(3, (), TYPE))
    rejects("bad_decl", env, AxiomDecl("a", ["u"], TYPE))


# --- universes ---

def test_no_type_in_type(env):
    rejects("type_mismatch", env, DefDecl("a", (), TYPE, TYPE))
    rejects("type_mismatch", env, DefDecl("a", ("u",), SU, SU))
    rejects("type_mismatch", env, DefDecl("a", (), TYPE, pi("x", TYPE, lambda x: x)))
    rejects("type_mismatch", env, DefDecl("a", (), PROP, arrow(NAT, NAT)))


def test_no_cumulativity(env):
    rejects("type_mismatch", env, DefDecl("a", (), Sort(lv.succ(lv.ONE)), NAT))
    rejects("type_mismatch", env, DefDecl("a", ("u",), Sort(lv.succ(lv.ONE)), c("PUnit", U)))


def test_imax(env):
    """(x : α) → β x in Sort (max u v) is wrong exactly because v may be 0."""
    good = pi("α", SU, lambda a: pi("β", Sort(V), lambda b: Sort(lv.imax(U, V))))
    wrong = pi("α", SU, lambda a: pi("β", Sort(V), lambda b: Sort(lv.max_(U, V))))
    value = lam("α", SU, lambda a: lam("β", Sort(V), lambda b: arrow(a, b)))
    env.add(DefDecl("f", ("u", "v"), good, value))
    rejects("type_mismatch", env, DefDecl("f", ("u", "v"), wrong, value))


# --- inductive types ---

X = c("X")


def test_positivity(env):
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(arrow(X, FALSE), X)))
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(arrow(arrow(X, NAT), NAT), X)))
    rejects("positivity", env, inductive("X", (), 0, PROP, mk=arrow(App(c("Not"), X), X)))


def test_positivity_sees_through_definitions(env):
    to_nat = lam("α", TYPE, lambda a: arrow(a, NAT))
    env = env.add(DefDecl("ToNat", (), arrow(TYPE, TYPE), to_nat))
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(App(c("ToNat"), X), X)))
    redex = App(to_nat, X)
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(redex, X)))
    let = Let("x", TYPE, X, arrow(BVar(0), NAT))
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(let, X)))
    pair = mk_app(c("Prod.mk", lv.ONE, lv.ONE), TYPE, TYPE, arrow(X, NAT), NAT)
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(Proj("Prod", 0, pair), X)))
    opaque = env.add(AxiomDecl("F", (), arrow(TYPE, TYPE)))
    rejects("positivity", opaque, inductive("X", (), 0, TYPE, mk=arrow(App(c("F"), X), X)))


def test_positivity_under_binders(env):
    field = arrow(NAT, arrow(X, NAT), X)
    rejects("positivity", env, inductive("X", (), 0, TYPE, mk=arrow(field, X)))


def test_type_inside_its_own_indices(env):
    family = arrow(TYPE, TYPE)
    rejects("bad_constructor", env, inductive("X", (), 0, family, mk=App(X, App(X, NAT))))
    rejects("positivity", env, inductive(
        "X", (), 0, family, mk=arrow(App(X, App(X, NAT)), App(X, NAT))))


def test_nested_and_nonuniform(env):
    nested = arrow(App(c("List", lv.ZERO), X), X)
    rejects("declined", env, inductive("X", (), 0, TYPE, mk=nested))

    def f(a):
        return App(c("X", U), a)
    ctor = pi("α", TYPE_U, lambda a: arrow(f(App(c("List", U), a)), f(a)))
    rejects("positivity", env, inductive("X", ("u",), 1, arrow(TYPE_U, TYPE_U), mk=ctor))


def test_occurrence_at_another_universe(env):
    ctor = arrow(c("X", lv.ZERO), c("X", U))
    rejects("positivity", env, inductive("X", ("u",), 0, TYPE_U, mk=ctor))
    rejects("bad_constructor", env, inductive("X", ("u",), 0, TYPE_U, mk=c("X", lv.succ(U))))


def test_field_universe(env):
    rejects("field_universe", env, inductive("X", (), 0, TYPE, mk=arrow(TYPE, X)))
    rejects("field_universe", env, inductive("X", (), 0, TYPE, mk=arrow(arrow(NAT, TYPE), X)))
    rejects("field_universe", env, inductive("X", ("u",), 0, SU, mk=arrow(NAT, c("X", U))))
    rejects("field_universe", env, inductive(
        "X", ("u",), 0, TYPE_U, mk=arrow(Sort(lv.succ(U)), c("X", U))))
    env.add(inductive("X", (), 0, PROP, mk=arrow(TYPE, X)))  # Prop is impredicative


def test_constructor_shape(env):
    rejects("bad_constructor", env, inductive("X", (), 0, TYPE, mk=NAT))
    rejects("bad_constructor", env, inductive("X", (), 0, arrow(NAT, TYPE), mk=pi(
        "n", NAT, lambda n: arrow(App(X, n), NAT))))
    rejects("bad_constructor", env, inductive("X", (), 1, arrow(NAT, TYPE), mk=App(X, ZERO)))
    rejects("bad_constructor", env, inductive("X", (), 1, arrow(NAT, TYPE), mk=pi(
        "n", BOOL, lambda n: App(X, ZERO))))
    rejects("bad_constructor", env, inductive("X", (), 1, arrow(NAT, TYPE), mk=pi(
        "n", NAT, lambda n: App(X, succ(n)))))
    rejects("bad_constructor", env, inductive(
        "X", (), 0, TYPE, mk=App(lam("x", TYPE, lambda x: x), X)))
    rejects("not_a_sort", env, inductive("X", (), 0, arrow(NAT, TYPE), mk=arrow(NAT, X)))


def test_inductive_header(env):
    rejects("not_a_sort", env, inductive("X", (), 0, ZERO))
    rejects("bad_inductive", env, inductive("X", (), 0, NAT))
    rejects("bad_inductive", env, inductive("X", (), 2, arrow(NAT, TYPE)))
    rejects("bad_decl", env, inductive("X", (), -1, TYPE))


# --- elimination ---

def test_large_elimination_is_barred(env):
    """Or, Exists, Nonempty live in Prop and carry data: their recursors take no universe."""
    assert [env.get(f"{n}.rec").level_params for n in ("Or", "Exists", "Nonempty")] == [
        (), ("u",), ("u",)]
    p, q = Const("p"), Const("q")
    env = env.add(AxiomDecl("p", (), PROP)).add(AxiomDecl("q", (), PROP))
    major = mk_app(c("Or"), p, q)

    def decide(levels, motive_sort):
        del motive_sort
        return lam("h", major, lambda h: mk_app(
            c("Or.rec", *levels), p, q, lam("_", major, lambda _: BOOL),
            lam("_", p, lambda _: w.TT), lam("_", q, lambda _: w.FF), h))
    rejects("type_mismatch", env, DefDecl("d", (), arrow(major, BOOL), decide((), PROP)))
    rejects("level_count", env, DefDecl("d", (), arrow(major, BOOL), decide((lv.ONE,), TYPE)))


def test_which_propositions_eliminate_into_types(env):
    elim = {n: env.get(n).elim_level for n in (
        "False", "True", "Eq", "And", "Acc", "Or", "Exists", "Nonempty", "Nat", "PUnit")}
    assert elim == {"False": "u", "True": "u", "Eq": "u_1", "And": "u", "Acc": "u_1", "Or": None,
                    "Exists": None, "Nonempty": None, "Nat": "u", "PUnit": "u_1"}
    two = env.add(inductive("X", (), 0, PROP, a=X, b=X))
    assert two.get("X").elim_level is None
    data = env.add(inductive("X", (), 0, PROP, a=arrow(NAT, X)))
    assert data.get("X").elim_level is None
    index = env.add(inductive("X", (), 0, arrow(NAT, PROP), a=pi("n", NAT, lambda n: App(X, n))))
    assert index.get("X").elim_level == "u"
    hidden = env.add(inductive(
        "X", (), 0, arrow(NAT, PROP), a=pi("n", NAT, lambda n: App(X, succ(n)))))
    assert hidden.get("X").elim_level is None
    maybe = env.add(inductive("X", ("u",), 0, SU, a=c("X", U), b=c("X", U)))
    assert maybe.get("X").elim_level is None  # Sort u may be Prop


def test_projections(env):
    p = mk_app(c("And"), TRUE, TRUE)
    proof = mk_app(c("And.intro"), TRUE, TRUE, c("True.intro"), c("True.intro"))
    env.add(theorem(TRUE, Proj("And", 0, proof)))
    rejects("bad_projection", env, theorem(TRUE, Proj("And", 2, proof)))
    rejects("bad_projection", env, theorem(TRUE, Proj("And", -1, proof)))
    rejects("bad_projection", env, theorem(TRUE, Proj("Or", 0, proof)))
    rejects("bad_projection", env, theorem(TRUE, Proj("Prod", 0, proof)))
    rejects("bad_projection", env, theorem(TRUE, Proj("Missing", 0, proof)))
    rejects("bad_projection", env, DefDecl("f", (), NAT, Proj("Nat", 0, ZERO)))
    del p


def test_no_data_out_of_a_proof(env):
    """Exists and Nonempty have one constructor, but the witness must stay inside."""
    pred = lam("n", NAT, lambda n: TRUE)
    some = mk_app(c("Exists", lv.ONE), NAT, pred)
    rejects("bad_projection", env, DefDecl(
        "f", (), arrow(some, NAT), lam("h", some, lambda h: Proj("Exists", 0, h))))
    second = lam("h", some, lambda h: Proj("Exists", 1, h))
    rejects("bad_projection", env, theorem(arrow(some, TRUE), second))  # its type has the witness
    env = env.add(inductive("X", (), 0, PROP, mk=arrow(NAT, TRUE, X)))
    env.add(theorem(arrow(X, TRUE), lam("h", X, lambda h: Proj("X", 1, h))))
    rejects("bad_projection", env, DefDecl(
        "f", (), arrow(X, NAT), lam("h", X, lambda h: Proj("X", 0, h))))


def test_recursor_use(env):
    motive = lam("_", NAT, lambda _: NAT)
    good_step = lam("n", NAT, lambda n: lam("ih", NAT, lambda ih: ih))
    bad_step = lam("n", NAT, lambda n: n)
    rec = c("Nat.rec", lv.ONE)
    rejects("type_mismatch", env, DefDecl("f", (), NAT, mk_app(rec, motive, ZERO, bad_step, ZERO)))
    rejects("type_mismatch", env, DefDecl(
        "f", (), NAT, mk_app(rec, motive, w.TT, good_step, ZERO)))
    rejects("type_mismatch", env, DefDecl(
        "f", (), NAT, mk_app(c("Nat.rec", lv.ZERO), motive, ZERO, good_step, ZERO)))
    rejects("type_mismatch", env, DefDecl(
        "f", (), NAT, mk_app(rec, motive, ZERO, good_step, w.TT)))


# --- definitional equality ---

def test_false_equations(env):
    w.differs(env, ZERO, succ(ZERO))
    w.differs(env, Lit(2), Lit(3))
    w.differs(env, nat_op("add", Lit(2), Lit(2)), Lit(5))
    w.differs(env, Lit(0), succ(Lit(0)))
    w.differs(env, w.TT, w.FF, BOOL)
    w.differs(env, nat_op("beq", Lit(4), Lit(5)), w.TT, BOOL)
    w.differs(env, NAT, BOOL, TYPE, lv.succ(lv.ONE))
    w.differs(env, TRUE, FALSE, PROP)
    w.differs(env, arrow(NAT, BOOL), arrow(BOOL, NAT), TYPE, lv.succ(lv.ONE))
    w.differs(env, lam("x", NAT, lambda x: x), lam("x", NAT, lambda x: ZERO), arrow(NAT, NAT))


def test_stuck_terms_are_compared_in_full(env):
    """Projections by number, constants by their universe levels, applications by all arguments."""
    env = env.add(inductive("Two", (), 0, TYPE, mk=arrow(NAT, NAT, c("Two"))))
    env = env.add(AxiomDecl("two", (), c("Two")))
    w.differs(env, *[Proj("Two", i, c("two")) for i in (0, 1)])
    env = env.add(AxiomDecl("k", ("u",), NAT))
    w.differs(env, c("k", lv.ZERO), c("k", lv.ONE))
    env = env.add(AxiomDecl("any", (), pi("α", TYPE, lambda a: a)))
    w.differs(env, mk_app(c("any"), arrow(NAT, NAT), ZERO), App(c("any"), NAT))


def test_open_terms_are_not_confused(env):
    both = pi("x", NAT, lambda x: pi("y", NAT, lambda y: eq(NAT, x, y)))
    proof = lam("x", NAT, lambda x: lam("y", NAT, lambda y: refl(NAT, x)))
    rejects("type_mismatch", env, theorem(both, proof))
    commutes = pi("x", NAT, lambda x: pi("y", NAT, lambda y: eq(
        NAT, nat_op("add", x, y), nat_op("add", y, x))))
    proof = lam("x", NAT, lambda x: lam("y", NAT, lambda y: refl(NAT, nat_op("add", x, y))))
    rejects("type_mismatch", env, theorem(commutes, proof))


def test_proof_irrelevance_needs_equal_propositions(env):
    env = env.add(AxiomDecl("t", (), TRUE)).add(AxiomDecl("f", (), FALSE))
    env.add(theorem(eq(TRUE, c("t"), c("True.intro"), lv.ZERO), refl(TRUE, c("t"), lv.ZERO)))
    rejects("type_mismatch", env, theorem(eq(TRUE, c("t"), c("f"), lv.ZERO),
                                          refl(TRUE, c("t"), lv.ZERO)))


def test_data_is_not_irrelevant(env):
    """Two members of a Type, of a structure with fields, of a one-constructor indexed family."""
    env = env.add(AxiomDecl("a", (), NAT)).add(AxiomDecl("b", (), NAT))
    w.differs(env, c("a"), c("b"))
    box = inductive("Box", (), 0, TYPE, mk=arrow(NAT, c("Box")))
    env = env.add(box).add(AxiomDecl("x", (), c("Box"))).add(AxiomDecl("y", (), c("Box")))
    w.differs(env, c("x"), c("y"), c("Box"))


def test_a_proof_has_no_structure_eta(env):
    """Lean's `to_cnstr_when_structure`: only data is taken apart by its projections."""
    both = mk_app(c("And"), TRUE, TRUE)
    env = env.add(AxiomDecl("h", (), both))
    nine = lam("a", TRUE, lambda _: lam("b", TRUE, lambda _: Lit(9)))
    rec = mk_app(c("And.rec", lv.ONE), TRUE, TRUE, lam("_", both, lambda _: NAT), nine)
    w.differs(env, App(rec, c("h")), Lit(9))
    proof = mk_app(c("And.intro"), TRUE, TRUE, c("True.intro"), c("True.intro"))
    w.holds(env, App(rec, proof), Lit(9))


def test_unit_eta_excludes_indexed_families(env):
    """A field-less constructor of an indexed family in Type gives no unit η."""
    env = env.add(inductive("I", (), 0, arrow(NAT, TYPE), mk=App(c("I"), ZERO)))
    i0 = App(c("I"), ZERO)
    env = env.add(AxiomDecl("x", (), i0)).add(AxiomDecl("y", (), i0))
    w.differs(env, c("x"), c("y"), i0)


def test_structure_eta_excludes_recursive_types(env):
    env = env.add(inductive("T", (), 0, TYPE, mk=arrow(arrow(NAT, c("T")), c("T"))))
    env = env.add(AxiomDecl("x", (), c("T")))
    rebuilt = App(c("T.mk"), Proj("T", 0, c("x")))
    w.differs(env, c("x"), rebuilt, c("T"))


def test_k_needs_matching_indices(env):
    """Eq.rec on a proof of a = b stays stuck when a and b differ."""
    env = env.add(AxiomDecl("h", (), eq(TYPE, NAT, BOOL, lv.succ(lv.ONE))))
    motive = lam("β", TYPE, lambda b: lam("_", eq(TYPE, NAT, b, lv.succ(lv.ONE)), lambda _: b))
    cast = mk_app(c("Eq.rec", lv.ONE, lv.succ(lv.ONE)), TYPE, NAT, motive, ZERO, BOOL, c("h"))
    env.add(DefDecl("d", (), BOOL, cast))
    rejects("type_mismatch", env, DefDecl("d", (), NAT, cast))
    env = env.add(AxiomDecl("z", (), BOOL))
    w.differs(env, cast, c("z"), BOOL)
    env = env.add(AxiomDecl("n", (), eq(NAT, Lit(1), Lit(2))))
    motive = lam("b", NAT, lambda b: lam("_", eq(NAT, Lit(1), b), lambda _: NAT))
    cast = mk_app(c("Eq.rec", lv.ONE, lv.ONE), NAT, Lit(1), motive, Lit(9), Lit(2), c("n"))
    w.differs(env, cast, Lit(9))


def test_k_needs_prop(env):
    """PUnit-like families in Type do not get K: an indexed unit stays stuck on a variable."""
    env = env.add(inductive("I", (), 0, arrow(NAT, TYPE), mk=App(c("I"), ZERO)))
    assert not env.get("I.rec").k
    assert not env.get("And.rec").k and env.get("Eq.rec").k and env.get("True.rec").k


def test_opaque_does_not_unfold(env):
    env = env.add(OpaqueDecl("o", (), NAT, ZERO)).add(DefDecl("d", (), NAT, ZERO))
    w.differs(env, c("o"), ZERO)
    w.holds(env, c("d"), ZERO)


# --- literals ---

def test_literals_need_their_types():
    empty = Environment()
    rejects("bad_literal", empty, DefDecl("a", (), PROP, Lit(3)))
    rejects("bad_literal", w.base(), DefDecl("a", (), NAT, Lit(-1)))
    rejects("bad_literal", w.base(), DefDecl("a", (), NAT, Lit(True)))
    rejects("bad_literal", w.base(), DefDecl("a", (), NAT, Lit(1.5)))
    rejects("declined", w.base(), DefDecl("a", (), NAT, Lit("text")))
    impostor = empty.add(inductive("Nat", (), 0, TYPE))  # an empty Nat must not get members
    rejects("bad_literal", impostor, DefDecl("a", (), NAT, Lit(3)))
    axiom = empty.add(AxiomDecl("Nat", (), TYPE))
    rejects("bad_literal", axiom, DefDecl("a", (), NAT, Lit(3)))
    swapped = empty.add(inductive("Nat", (), 0, TYPE, succ=arrow(NAT, NAT), zero=NAT))
    rejects("bad_literal", swapped, DefDecl("a", (), NAT, Lit(3)))
    for ctors in ({"zero": NAT, "succ": arrow(NAT, NAT, NAT)},
                  {"zero": arrow(NAT, NAT), "succ": arrow(NAT, NAT)}):
        other = empty.add(inductive("Nat", (), 0, TYPE, **ctors))
        rejects("bad_literal", other, DefDecl("a", (), NAT, Lit(3)))


def test_folding_only_for_the_real_operations():
    """A Nat.add that is not addition is computed by its own definition."""
    env = w.Environment()
    env = env.add(inductive("Nat", (), 0, TYPE, zero=NAT, succ=arrow(NAT, NAT)))
    env = env.add(w.EQ)
    first = lam("a", NAT, lambda a: lam("b", NAT, lambda b: a))
    env = env.add(DefDecl("Nat.add", (), arrow(NAT, NAT, NAT), first))
    w.holds(env, nat_op("add", Lit(2), Lit(3)), Lit(2))
    w.differs(env, nat_op("add", Lit(2), Lit(3)), Lit(5))


def test_folding_is_off_for_an_axiom():
    env = w.Environment()
    env = env.add(inductive("Nat", (), 0, TYPE, zero=NAT, succ=arrow(NAT, NAT)))
    env = env.add(w.EQ).add(AxiomDecl("Nat.add", (), arrow(NAT, NAT, NAT)))
    w.differs(env, nat_op("add", Lit(2), Lit(3)), Lit(5))


# --- quotients ---

def test_quotients_need_eq():
    rejects("bad_quot", Environment(), QuotSpec())
    always = inductive("Eq", ("u",), 2, pi("α", SU, lambda a: arrow(a, a, PROP)),
                       refl=pi("α", SU, lambda a: pi("a", a, lambda x: pi(
                           "b", a, lambda b: mk_app(c("Eq", U), a, x, b)))))
    rejects("bad_quot", Environment().add(always), QuotSpec())
    reflexive = pi("α", SU, lambda a: pi("a", a, lambda x: mk_app(c("Eq", U), a, x, x)))
    for num_params, sort in ((2, TYPE), (1, PROP)):
        eq_type = pi("α", SU, lambda a, sort=sort: arrow(a, a, sort))
        spec = inductive("Eq", ("u",), num_params, eq_type, refl=reflexive)
        rejects("bad_quot", Environment().add(spec), QuotSpec())
    with pytest.raises(KernelError):
        w.base().add(QuotSpec())  # already declared


def test_quot_lift_needs_respect(env):
    r = lam("a", NAT, lambda a: lam("b", NAT, lambda b: TRUE))
    f = lam("n", NAT, lambda n: n)
    h = lam("a", NAT, lambda a: lam("b", NAT, lambda b: lam("_", TRUE, lambda _: refl(NAT, a))))
    lift = mk_app(c("Quot.lift", lv.ONE, lv.ONE), NAT, r, NAT, f, h)
    q = mk_app(c("Quot", lv.ONE), NAT, r)
    rejects("type_mismatch", env, DefDecl("d", (), arrow(q, NAT), lift))
    two = [mk_app(c("Quot.mk", lv.ONE), NAT, r, Lit(n)) for n in (1, 2)]
    w.differs(env, *two, q)


# --- isolation, budgets, depth ---

def test_sibling_environments_do_not_share_conclusions(env):
    zero = env.add(DefDecl("d", (), NAT, ZERO))
    one = env.add(DefDecl("d", (), NAT, succ(ZERO)))
    w.holds(zero, c("d"), ZERO)
    w.differs(one, c("d"), ZERO)
    w.holds(one, c("d"), succ(ZERO))
    w.differs(zero, c("d"), succ(ZERO))
    assert "d" not in env


def test_a_failed_check_leaves_no_trace(env):
    wrong = theorem(eq(NAT, ZERO, succ(ZERO)), refl(NAT, ZERO))
    for _ in range(2):
        rejects("type_mismatch", env, wrong)
    rejects("budget", env, wrong, max_steps=3)
    rejects("type_mismatch", env, wrong)


def test_step_budget(env):
    """Ackermann-like towers by unfolding, and numbers too large to write down."""
    tower = Lit(2)
    for _ in range(6):
        tower = nat_op("pow", Lit(2), tower)
    rejects("budget", env, theorem(eq(NAT, tower, Lit(0)), refl(NAT, Lit(0))))
    slow = mk_app(c("Nat.rec", lv.ONE), lam("_", NAT, lambda _: NAT), ZERO, lam(
        "n", NAT, lambda n: lam("ih", NAT, lambda ih: mk_app(
            c("Nat.rec", lv.ONE), lam("_", NAT, lambda _: NAT), ih,
            lam("m", NAT, lambda m: lam("i", NAT, lambda i: succ(i))), n))), Lit(3000))
    with pytest.raises(KernelError) as caught:
        env.add(theorem(eq(NAT, slow, Lit(7)), refl(NAT, Lit(7))), max_steps=50_000)
    assert caught.value.reason in ("budget", "deep")


def test_deep_terms_end_in_a_verdict(env):
    nested, lams, pis, lets = ZERO, ZERO, NAT, ZERO
    for _ in range(30_000):
        nested = succ(nested)
        lams = App(Lam("x", NAT, lams), ZERO)
        pis = Pi("x", NAT, pis)
        lets = Let("x", NAT, lets, BVar(0))
    for value, type_ in ((nested, NAT), (lams, NAT), (pis, TYPE), (lets, NAT)):
        try:
            env.add(DefDecl("deep", (), type_, value))
        except KernelError as error:
            assert error.reason in ("deep", "budget")
    with pytest.raises(KernelError):
        env.add(theorem(eq(NAT, nested, succ(nested)), refl(NAT, nested)))


def test_deep_levels_end_in_a_verdict(env):
    level = U
    for i in range(30_000):
        level = lv.make("imax", V if i % 2 else U, lv.succ(level))
    for decl in (AxiomDecl("a", ("u", "v"), Sort(level)),
                 DefDecl("a", ("u", "v"), Sort(lv.succ(lv.ONE)), Sort(level))):
        with pytest.raises(KernelError) as caught:
            env.add(decl)
        assert caught.value.reason in ("deep", "budget", "type_mismatch")


def test_exponential_sharing_is_cheap(env):
    e = ZERO
    for _ in range(60):
        e = nat_op("add", e, e)
    env.add(DefDecl("zero60", (), NAT, e))
    fn = lam("x", NAT, lambda x: x)
    for _ in range(40):
        fn = Let("f", arrow(NAT, NAT), fn, lam("x", NAT, lambda x: App(BVar(1), App(BVar(1), x))))
    with pytest.raises(KernelError) as caught:
        statement = eq(NAT, App(fn, ZERO), succ(ZERO))
        env.add(theorem(statement, refl(NAT, ZERO)), max_steps=20_000)
    assert caught.value.reason in ("deep", "budget")


def test_an_interrupted_look_at_nat_operations_is_not_remembered():
    """A budget spent while Nat.mul is examined must not switch folding off, or on, for good."""
    env = w.base().add(DefDecl("fresh", (), NAT, ZERO))
    env.facts.clear()
    goal = theorem(eq(NAT, nat_op("mul", Lit(300), Lit(300)), Lit(90000)), refl(NAT, Lit(90000)))
    for steps in range(1, 60):
        try:
            env.add(goal, max_steps=steps)
        except KernelError as error:
            assert error.reason == "budget"
    env.add(goal, max_steps=2000)
    wrong = theorem(eq(NAT, nat_op("mul", Lit(300), Lit(300)), Lit(90001)), refl(NAT, Lit(90001)))
    rejects("type_mismatch", env, wrong)


def test_facts_are_not_inherited_upwards_or_sideways():
    start = Environment().add(inductive("Nat", (), 0, TYPE, zero=NAT, succ=arrow(NAT, NAT)))
    start = start.add(w.EQ)
    add = w.base().get("Nat.add")
    good = start.add(DefDecl("Nat.add", (), add.type, add.value))
    w.holds(good, nat_op("add", Lit(2), Lit(3)), Lit(5))
    first = lam("a", NAT, lambda a: lam("b", NAT, lambda b: a))
    other = start.add(DefDecl("Nat.add", (), add.type, first))
    w.differs(other, nat_op("add", Lit(2), Lit(3)), Lit(5))
    assert "Nat.add" in good.facts and "Nat.add" not in start.facts | other.facts


# --- reason codes ---

def test_reasons_are_the_documented_ones():
    """KernelError's docstring explains the codes that the kernel's sources raise, and no other."""
    kernel = Path(errors.__file__).parent
    source = "".join([path.read_text(encoding="utf-8") for path in sorted(kernel.glob("*.py"))])
    raised = re.findall(r'raise KernelError\("(\w+)"', source)
    raised += re.findall(r'code = "(\w+)"', source)
    raised += re.findall(r'code = .* else "(\w+)"', source)
    text = errors.KernelError.__doc__.split("The reasons:\n")[1]
    explained = re.findall(r"^    (\w+(?:, \w+)*)   ", text, re.MULTILINE)
    assert set(raised) == {code for codes in explained for code in codes.split(", ")}
