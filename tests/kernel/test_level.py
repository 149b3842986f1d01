"""Universe levels: exact order, checked against evaluation on small numbers."""

import itertools
import random

import pytest

from minilean.front.pp import show_level
from minilean.kernel import level as lv
from minilean.kernel.errors import KernelError

U, V, W = lv.param("u"), lv.param("v"), lv.param("w")


def value(level, env):
    kind = level.kind
    if kind == "zero":
        return 0
    if kind == "param":
        return env[level.a]
    if kind == "succ":
        return value(level.a, env) + 1
    a, b = value(level.a, env), value(level.b, env)
    return 0 if kind == "imax" and b == 0 else max(a, b)


def random_level(rng, size):
    if size <= 1:
        return rng.choice([lv.ZERO, U, V, W])
    kind = rng.choice(["succ", "max", "imax"])
    if kind == "succ":
        return lv.succ(random_level(rng, size - 1))
    k = rng.randrange(1, size)
    return lv.make(kind, random_level(rng, k), random_level(rng, size - k))


ENVS = [dict(zip("uvw", x, strict=True)) for x in itertools.product([0, 1, 2, 9], repeat=3)]


def test_order_agrees_with_evaluation():
    rng = random.Random(1)
    for _ in range(3000):
        a, b = random_level(rng, rng.randrange(1, 7)), random_level(rng, rng.randrange(1, 7))
        values = [(value(a, e), value(b, e)) for e in ENVS]
        assert lv.leq(a, b) == all(x <= y for x, y in values), (a, b)
        assert lv.eq(a, b) == all(x == y for x, y in values), (a, b)
        assert lv.is_zero(a) == all(x == 0 for x, _ in values), a
        assert lv.is_never_zero(a) == all(x > 0 for x, _ in values), a
        assert lv.eq(lv.max_(a, b), lv.make("max", a, b))
        assert lv.eq(lv.imax(a, b), lv.make("imax", a, b))


def test_known_laws():
    assert lv.eq(lv.make("imax", U, lv.ZERO), lv.ZERO)
    assert lv.eq(lv.make("imax", U, lv.succ(V)), lv.make("max", U, lv.succ(V)))
    assert not lv.eq(lv.make("imax", U, V), lv.make("max", U, V))
    assert lv.leq(V, lv.make("imax", U, V)) and not lv.leq(U, lv.make("imax", U, V))
    assert not lv.leq(lv.succ(U), U)
    assert not lv.leq(lv.ONE, U)
    nested, flat = lv.make("imax", V, W), lv.make("max", U, V)
    assert lv.eq(lv.make("imax", U, nested), lv.make("imax", flat, W))


def test_substitution_and_interning():
    level = lv.make("imax", lv.succ(U), V)
    assert lv.instantiate(level, {"v": lv.ZERO}) is lv.ZERO
    assert lv.instantiate(level, {"u": V, "v": U}) is lv.make("imax", lv.succ(V), U)
    assert lv.params_of(level, []) == ["u", "v"]
    assert show_level(lv.succ(lv.make("max", U, lv.succ(V)))) == "(max u (v+1))+1"


def test_exponential_level_ends_in_budget():
    level = lv.ONE
    for i in range(40):
        level = lv.make("imax", level, lv.make("max", lv.param(f"a{i}"), lv.param(f"b{i}")))
    with pytest.raises(KernelError) as caught:
        lv.leq(level, lv.succ(lv.ZERO))
    assert caught.value.reason == "budget"
