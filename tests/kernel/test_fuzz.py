"""Random programs: definitional equality against evaluation in Python; reduction keeps types."""

import random

import kernel_world as w
from kernel_world import BOOL, NAT, TRUE, ZERO, c, eq, lam, nat_op, refl, succ

from minilean.kernel import level as lv
from minilean.kernel.term import App, FVar, Lam, Let, Lit, Pi, Proj, abstract, mk_app

OPS = {"add": lambda a, b: a + b, "sub": lambda a, b: max(a - b, 0), "mul": lambda a, b: a * b,
       "pow": lambda a, b: a ** min(b, 3)}
PAIR = mk_app(c("Prod", lv.ZERO, lv.ZERO), NAT, NAT)
MK = mk_app(c("Prod.mk", lv.ZERO, lv.ZERO), NAT, NAT)
ALL = lam("a", NAT, lambda a: lam("b", NAT, lambda b: eq(NAT, a, b)))


class Programs:
    """Random terms of type Nat with their meaning: (term, function of the variables' values)."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.made = 0

    def nat(self, size, scope):
        """`scope`: list of (variable, its name in the valuation)."""
        rng = self.rng
        if size <= 0:
            return self.leaf(scope)
        make = rng.choice([self.op, self.op, self.successor, self.redex, self.let, self.pair,
                           self.test, self.recursion, self.cast, self.quotient])
        return make(size - 1, scope)

    def leaf(self, scope):
        if scope and self.rng.random() < 0.6:
            x, name = self.rng.choice(scope)
            return x, lambda val: val[name]
        n = self.rng.randrange(4)
        term = ZERO if n == 0 and self.rng.random() < 0.5 else Lit(n)
        return term, lambda val: n

    def op(self, size, scope):
        name = self.rng.choice(["add", "sub", "mul"])
        (a, f), (b, g) = self.nat(size, scope), self.nat(size, scope)
        return nat_op(name, a, b), lambda val: OPS[name](f(val), g(val))

    def successor(self, size, scope):
        a, f = self.nat(size, scope)
        return succ(a), lambda val: f(val) + 1

    def bind(self, size, scope):
        """(binder body abstracted, name, meaning) of a term with one more variable."""
        self.made += 1
        name = f"v{self.made}"
        x = FVar(name)
        body, f = self.nat(size, [*scope, (x, name)])
        return abstract(body, [x]), name, f

    def redex(self, size, scope):
        a, g = self.nat(size - 1, scope)
        body, name, f = self.bind(size, scope)
        return App(Lam("x", NAT, body), a), lambda val: f({**val, name: g(val)})

    def let(self, size, scope):
        a, g = self.nat(size - 1, scope)
        body, name, f = self.bind(size, scope)
        return Let("x", NAT, a, body), lambda val: f({**val, name: g(val)})

    def pair(self, size, scope):
        (a, f), (b, g) = self.nat(size, scope), self.nat(size - 1, scope)
        i = self.rng.randrange(2)
        return Proj("Prod", i, mk_app(MK, a, b)), f if i == 0 else g

    def test(self, size, scope):
        (a, f), (b, g) = self.nat(size - 1, scope), self.nat(size - 1, scope)
        (no, h), (yes, k) = self.nat(size, scope), self.nat(size - 1, scope)
        name = self.rng.choice(["beq", "ble"])
        term = mk_app(c("Bool.rec", lv.ONE), lam("_", BOOL, lambda _: NAT), no, yes,
                      nat_op(name, a, b))

        def meaning(val):
            holds = f(val) == g(val) if name == "beq" else f(val) <= g(val)
            return k(val) if holds else h(val)
        return term, meaning

    def recursion(self, size, scope):
        """Add up a function of 0 … k-1, for a small k."""
        (start, f), k = self.nat(size - 1, scope), self.rng.randrange(4)
        body, name, g = self.bind(size - 1, scope)
        step = lam("n", NAT, lambda n: lam("ih", NAT, lambda ih: nat_op(
            "add", ih, App(Lam("x", NAT, body), n))))
        term = mk_app(c("Nat.rec", lv.ONE), lam("_", NAT, lambda _: NAT), start, step, Lit(k))
        return term, lambda val: f(val) + sum(g({**val, name: i}) for i in range(k))

    def cast(self, size, scope):
        a, f = self.nat(size, scope)
        motive = lam("b", NAT, lambda b: lam("_", eq(NAT, Lit(1), b), lambda _: NAT))
        proof = refl(NAT, Lit(1))
        term = mk_app(c("Eq.rec", lv.ONE, lv.ONE), NAT, Lit(1), motive, a, succ(ZERO), proof)
        return term, f

    def quotient(self, size, scope):
        a, f = self.nat(size, scope)
        double = lam("n", NAT, lambda n: nat_op("add", n, n))
        respects = lam("a", NAT, lambda a: lam("b", NAT, lambda b: lam(
            "h", eq(NAT, a, b), lambda h: mk_app(
                c("Eq.rec", lv.ZERO, lv.ONE), NAT, a, lam("x", NAT, lambda x: lam(
                    "_", eq(NAT, a, x), lambda _: eq(NAT, App(double, a), App(double, x)))),
                refl(NAT, App(double, a)), b, h))))
        mk = mk_app(c("Quot.mk", lv.ONE), NAT, ALL, a)
        lift = mk_app(c("Quot.lift", lv.ONE, lv.ONE), NAT, ALL, NAT, double, respects, mk)
        return lift, lambda val: 2 * f(val)


def equal(env, a, b):
    tc = env.checker()
    return tc.guarded(200_000, tc.is_def_eq, a, b)


def test_closed_programs_equal_exactly_when_they_evaluate_alike():
    env, programs = w.base(), Programs(7)
    tc = env.checker()
    for _ in range(250):
        (a, f), (b, g) = programs.nat(3, []), programs.nat(2, [])
        tc.guarded(200_000, tc.check_type, a, NAT)
        assert equal(env, a, Lit(f({}))), a
        assert not equal(env, a, Lit(f({}) + 1)), a
        assert equal(env, a, b) == (f({}) == g({})), (a, b)


def test_open_programs_found_equal_agree_on_values():
    env, programs, found = w.base(), Programs(8), 0
    x, name = FVar((0, NAT)), "x"
    for _ in range(600):
        (a, f), (b, g) = programs.nat(2, [(x, name)]), programs.nat(1, [(x, name)])
        statement, proof = Pi("x", NAT, abstract(eq(NAT, a, b), [x])), Lam(
            "x", NAT, abstract(refl(NAT, a), [x]))
        try:
            env.add(w.theorem(statement, proof), max_steps=200_000)
        except w.KernelError as error:
            assert error.reason == "type_mismatch"
            continue
        found += 1
        assert all(f({name: n}) == g({name: n}) for n in range(6)), statement
    assert found > 20


def test_reduction_keeps_the_type():
    env, programs = w.base(), Programs(9)
    tc = env.checker()
    for _ in range(150):
        a, _ = programs.nat(3, [])
        value = tc.guarded(200_000, tc.whnf, a)
        assert tc.guarded(200_000, tc.infer, value, True) is NAT


def mutants(rng, e):
    """e with one random subterm replaced by another subterm (ill-typed, as a rule)."""
    pool = w.subterms(e)
    a, b = rng.choice(pool), rng.choice(pool)
    return w.replace(e, lambda s: b if s is a else None)


def test_no_mutant_proves_a_false_equation():
    """Mutated proofs and statements: what is accepted must be true; nothing crashes."""
    env, programs, rng, accepted = w.base(), Programs(10), random.Random(11), 0
    for _ in range(500):
        (a, f), (b, g) = programs.nat(2, []), programs.nat(2, [])
        false = eq(NAT, a, b) if f({}) != g({}) else eq(NAT, a, succ(b))
        proof = mutants(rng, mk_app(refl(NAT, a), b) if rng.random() < 0.2 else refl(NAT, a))
        for statement in (false, w.FALSE):
            try:
                env.add(w.theorem(statement, proof), max_steps=200_000)
                accepted += 1
            except w.KernelError:
                pass
    assert accepted == 0
    env.add(w.theorem(TRUE, c("True.intro")))
