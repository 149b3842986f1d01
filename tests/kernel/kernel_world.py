"""A small library built term by term, and helpers to write terms with named variables."""

import itertools
from functools import cache

import pytest

from minilean.front.errors import explain
from minilean.kernel import level as lv
from minilean.kernel.env import (
    AxiomDecl,
    DefDecl,
    Environment,
    InductiveSpec,
    QuotSpec,
    TheoremDecl,
)
from minilean.kernel.errors import KernelError
from minilean.kernel.term import (
    PROP,
    TYPE,
    App,
    Const,
    FVar,
    Lam,
    Lit,
    Pi,
    Proj,
    Sort,
    abstract,
    mk_app,
    replace,
    subterms,
)

U, V = lv.param("u"), lv.param("v")
SU, SV, SORT1 = Sort(U), Sort(V), TYPE
TYPE_U = Sort(lv.succ(U))
NAT, BOOL = Const("Nat"), Const("Bool")
ZERO = Const("Nat.zero")
TRUE, FALSE = Const("True"), Const("False")
TT, FF = Const("Bool.true"), Const("Bool.false")
_ids = itertools.count()


def c(name, *levels):
    return Const(name, levels)


def _close(binder, name, type_, body, info):
    x = FVar(f"{name}.{next(_ids)}")
    return binder(name, type_, abstract(body(x), [x]), info)


def pi(name, type_, body, info="default"):
    """Π (name : type_), body(name)."""
    return _close(Pi, name, type_, body, info)


def lam(name, type_, body, info="default"):
    """λ name : type_, body(name)."""
    return _close(Lam, name, type_, body, info)


def arrow(*types):
    """a → b → … ."""
    result = types[-1]
    for t in reversed(types[:-1]):
        result = Pi("a", t, result)
    return result


def succ(e):
    return App(Const("Nat.succ"), e)


def eq(type_, a, b, level=lv.ONE):
    return mk_app(c("Eq", level), type_, a, b)


def refl(type_, a, level=lv.ONE):
    return mk_app(c("Eq.refl", level), type_, a)


def nat_op(name, a, b):
    return mk_app(Const(f"Nat.{name}"), a, b)


def inductive(name, level_params, num_params, type_, **ctors):
    return InductiveSpec(name, level_params, num_params, type_,
                         tuple([(f"{name}.{k}", t) for k, t in ctors.items()]))


def rejects(reason, env, decl, **options):
    """Adding decl raises KernelError with exactly this reason; returns the message."""
    with pytest.raises(KernelError) as caught:
        env.add(decl, **options)
    assert caught.value.reason == reason, explain(caught.value)
    return explain(caught.value)


def theorem(statement, proof, name="thm", level_params=()):
    return TheoremDecl(name, level_params, statement, proof)


def holds(env, a, b, type_=NAT, level=lv.ONE):
    """Accept a = b by rfl."""
    return env.add(theorem(eq(type_, a, b, level), refl(type_, a, level)))


def differs(env, a, b, type_=NAT, level=lv.ONE):
    """Reject a = b by rfl."""
    rejects("type_mismatch", env, theorem(eq(type_, a, b, level), refl(type_, a, level)))


def _nat_rec(motive, base, step, major, level=lv.ONE):
    return mk_app(c("Nat.rec", level), motive, base, step, major)


def _by_recursion(base, step):
    """λ a b, Nat.rec (base a) (λ n ih, step a n ih) b."""
    motive = lam("_", NAT, lambda _: NAT)
    return lam("a", NAT, lambda a: lam("b", NAT, lambda b: _nat_rec(
        motive, base(a), lam("n", NAT, lambda n: lam("ih", NAT, lambda ih: step(a, n, ih))), b)))


def _nat_ops(env):
    binary = arrow(NAT, NAT, NAT)
    pred = lam("a", NAT, lambda a: _nat_rec(
        lam("_", NAT, lambda _: NAT), ZERO, lam("n", NAT, lambda n: lam("_", NAT, lambda _: n)), a))
    env = env.add(DefDecl("Nat.pred", (), arrow(NAT, NAT), pred))
    for name, base, step in [
            ("add", lambda a: a, lambda a, n, ih: succ(ih)),
            ("sub", lambda a: a, lambda a, n, ih: App(Const("Nat.pred"), ih)),
            ("mul", lambda a: ZERO, lambda a, n, ih: nat_op("add", ih, a)),
            ("pow", lambda a: succ(ZERO), lambda a, n, ih: nat_op("mul", ih, a))]:
        env = env.add(DefDecl(f"Nat.{name}", (), binary, _by_recursion(base, step)))
    to_bool = arrow(NAT, BOOL)

    def compare(at_zero, at_succ):
        """λ a, Nat.rec (λ b, cases b zero-zero, zero-succ) (λ _ ih b, cases b succ-zero, ih)."""
        motive, const = lam("_", NAT, lambda _: to_bool), lam("_", NAT, lambda _: BOOL)

        def cases(zero, succ_case, b):
            step = lam("n", NAT, lambda n: lam("_", BOOL, lambda _: succ_case(n)))
            return _nat_rec(const, zero, step, b)
        base = lam("b", NAT, lambda b: cases(at_zero[0], lambda n: at_zero[1], b))
        step = lam("_", NAT, lambda _: lam("ih", to_bool, lambda ih: lam(
            "b", NAT, lambda b: cases(at_succ, lambda n: App(ih, n), b))))
        return lam("a", NAT, lambda a: _nat_rec(motive, base, step, a))
    to_bool2 = arrow(NAT, NAT, BOOL)
    env = env.add(DefDecl("Nat.beq", (), to_bool2, compare((TT, FF), FF)))
    return env.add(DefDecl("Nat.ble", (), to_bool2, compare((TT, TT), FF)))


def _family(name, *args):
    return lambda level, *args: mk_app(c(name, level), *args)


@cache
def base():
    """Environment with Nat, Bool, Eq, logic, List, Vec, Acc, structures and Quot."""
    env = Environment()
    env = env.add(inductive("Nat", (), 0, TYPE, zero=NAT, succ=arrow(NAT, NAT)))
    env = env.add(inductive("Bool", (), 0, TYPE, false=BOOL, true=BOOL))
    env = env.add(EQ)
    env = env.add(inductive("True", (), 0, PROP, intro=TRUE))
    env = env.add(inductive("False", (), 0, PROP))
    env = env.add(DefDecl("Not", (), arrow(PROP, PROP),
                          lam("p", PROP, lambda p: arrow(p, FALSE))))
    for spec in (AND, OR, EXISTS, LIST, VEC, ACC, PUNIT, PROD, SIGMA, SUBTYPE, NONEMPTY):
        env = env.add(spec)
    return _nat_ops(env).add(QuotSpec())


def _two_props(result):
    return pi("a", PROP, lambda a: pi("b", PROP, lambda b: result(a, b)))


def _and(a, b):
    return mk_app(c("And"), a, b)


def _or(a, b):
    return mk_app(c("Or"), a, b)


def _list(a):
    return App(c("List", U), a)


def _vec(a, n):
    return mk_app(c("Vec", U), a, n)


def _acc(a, r, x):
    return mk_app(c("Acc", U), a, r, x)


def relation(a):
    return arrow(a, a, PROP)


def _predicate(name, result_sort, value_sort):
    """Types of a family like Exists: the type and a constructor (w : α) (h : p w)."""
    def app(a, p):
        return mk_app(c(name, U), a, p)
    type_ = pi("α", SU, lambda a: arrow(arrow(a, value_sort), result_sort))
    ctor = pi("α", SU, lambda a: pi("p", arrow(a, value_sort), lambda p: pi(
        "w", a, lambda w: arrow(App(p, w), app(a, p)))))
    return type_, ctor


def _max1(level):
    return Sort(lv.max_(lv.ONE, level))


EQ = inductive(
    "Eq", ("u",), 2, pi("α", SU, lambda a: arrow(a, a, PROP)),
    refl=pi("α", SU, lambda a: pi("a", a, lambda x: eq(a, x, x, U))))
AND = inductive("And", (), 2, arrow(PROP, PROP, PROP),
                intro=_two_props(lambda a, b: arrow(a, b, _and(a, b))))
OR = inductive("Or", (), 2, arrow(PROP, PROP, PROP),
               inl=_two_props(lambda a, b: arrow(a, _or(a, b))),
               inr=_two_props(lambda a, b: arrow(b, _or(a, b))))
EXISTS = inductive("Exists", ("u",), 2, _predicate("Exists", PROP, PROP)[0],
                   intro=_predicate("Exists", PROP, PROP)[1])
SUBTYPE = inductive("Subtype", ("u",), 2, _predicate("Subtype", _max1(U), PROP)[0],
                    mk=_predicate("Subtype", _max1(U), PROP)[1])
NONEMPTY = inductive("Nonempty", ("u",), 1, pi("α", SU, lambda a: PROP),
                     intro=pi("α", SU, lambda a: arrow(a, App(c("Nonempty", U), a))))
LIST = inductive(
    "List", ("u",), 1, arrow(TYPE_U, TYPE_U), nil=pi("α", TYPE_U, _list),
    cons=pi("α", TYPE_U, lambda a: arrow(a, _list(a), _list(a))))
VEC = inductive(
    "Vec", ("u",), 1, arrow(TYPE_U, NAT, TYPE_U), nil=pi("α", TYPE_U, lambda a: _vec(a, ZERO)),
    cons=pi("α", TYPE_U, lambda a: pi("n", NAT, lambda n: arrow(a, _vec(a, n), _vec(a, succ(n))))))
ACC = inductive(
    "Acc", ("u",), 2, pi("α", SU, lambda a: arrow(relation(a), a, PROP)),
    intro=pi("α", SU, lambda a: pi("r", relation(a), lambda r: pi("x", a, lambda x: arrow(
        pi("y", a, lambda y: arrow(mk_app(r, y, x), _acc(a, r, y))), _acc(a, r, x))))))
PUNIT = inductive("PUnit", ("u",), 0, SU, unit=c("PUnit", U))
PROD = inductive(
    "Prod", ("u", "v"), 2,
    arrow(TYPE_U, Sort(lv.succ(V)), Sort(lv.succ(lv.max_(U, V)))),
    mk=pi("α", TYPE_U, lambda a: pi("β", Sort(lv.succ(V)), lambda b: arrow(
        a, b, mk_app(c("Prod", U, V), a, b)))))
SIGMA = inductive(
    "Sigma", ("u", "v"), 2,
    pi("α", TYPE_U, lambda a: arrow(arrow(a, Sort(lv.succ(V))), Sort(lv.succ(lv.max_(U, V))))),
    mk=pi("α", TYPE_U, lambda a: pi("β", arrow(a, Sort(lv.succ(V))), lambda b: pi(
        "x", a, lambda x: arrow(App(b, x), mk_app(c("Sigma", U, V), a, b))))))

__all__ = [name for name in globals() if not name.startswith("_")]
__all__ += ["AxiomDecl", "Lit", "Proj", "SORT1", "SV", "replace", "subterms"]
