"""Truth of simple Lean statements, by trying values: an oracle that knows nothing of minilean.

Covers theorems whose binders are Props, Nats and hypotheses without quantifiers or applications:
connectives, comparisons, numerals, + - * on Nat. Props take both values, Nats 0 to MAX_NAT, so a
counterexample is real; none found proves nothing. Everything else is `Uncovered`.
Try it: python -m pytest -q tests/test_truth.py
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

MAX_NAT = 3
MAX_CASES = 5000
_TOKEN = re.compile(r"\s*([A-Za-z_α-ωℕ][\w'.!?₀-₉]*|\d+|:=|[^\s\w])")
INFIX: dict[str, tuple[int, int, Callable]] = {  # binding power left, right; meaning
    "↔": (20, 21, lambda a, b: a == b), "→": (25, 25, lambda a, b: not a or b),
    "∨": (30, 30, lambda a, b: a or b), "∧": (35, 35, lambda a, b: a and b),
    "=": (50, 51, lambda a, b: a == b), "≠": (50, 51, lambda a, b: a != b),
    "<": (50, 51, lambda a, b: a < b), "≤": (50, 51, lambda a, b: a <= b),
    ">": (50, 51, lambda a, b: a > b), "≥": (50, 51, lambda a, b: a >= b),
    "+": (65, 66, lambda a, b: a + b), "-": (65, 66, lambda a, b: max(0, a - b)),
    "*": (70, 71, lambda a, b: a * b),
}  # fmt: skip
NOT_POWER = 40


class Uncovered(Exception):
    """A statement outside the fragment; the message names what is."""


def counterexample(statement: str) -> dict[str, bool | int] | None:
    """Values that make the hypotheses true and the goal false, or None if none was found.

    statement: `theorem name binders : goal :=` (or `:= by`). Raises Uncovered.
    """
    names, formulas = parse(statement)
    if 2 ** list(names.values()).count("Prop") * (MAX_NAT + 1) ** list(
            names.values()).count("Nat") > MAX_CASES:
        raise Uncovered("too many cases")
    ranges = [(False, True) if kind == "Prop" else range(MAX_NAT + 1) for kind in names.values()]
    *hypotheses, goal = formulas
    for values in product(*ranges):
        env = dict(zip(names, values, strict=True))
        if all(h(env) for h in hypotheses) and not goal(env):
            return env
    return None


def parse(statement: str) -> tuple[dict[str, str], list[Callable[[dict], object]]]:
    """({variable: Prop | Nat}, hypotheses and goal as functions of the values)."""
    reader = _Reader(statement)
    reader.take("theorem")
    reader.next()
    names: dict[str, str] = {}
    formulas = []
    while reader.peek in ("(", "{"):
        closing = ")" if reader.next() == "(" else "}"
        bound = []
        while reader.peek != ":":
            bound.append(reader.next())
        reader.take(":")
        if reader.peek in ("Prop", "Nat", "ℕ"):
            kind = "Prop" if reader.next() == "Prop" else "Nat"
            names |= dict.fromkeys(bound, kind)
        else:
            formulas.append(reader.formula(names, 0))
        reader.take(closing)
    reader.take(":")
    formulas.append(reader.formula(names, 0))
    reader.take(":=")
    return names, formulas


class _Reader:
    """Tokens of a statement, and a precedence parser over them."""

    def __init__(self, text: str) -> None:
        self.tokens = [*_TOKEN.findall(text), ""]
        self.at = 0

    @property
    def peek(self) -> str:
        return self.tokens[self.at]

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, token: str) -> None:
        if self.next() != token:
            raise Uncovered(f"{self.tokens[self.at - 1]!r} where {token!r} was expected")

    def formula(self, names: dict, power: int) -> Callable[[dict], object]:
        left = self.operand(names)
        while self.peek in INFIX and INFIX[self.peek][0] >= power:
            _, right_power, meaning = INFIX[self.next()]
            left = _apply(meaning, left, self.formula(names, right_power))
        return left

    def operand(self, names: dict) -> Callable[[dict], object]:
        token = self.next()
        if token == "(":
            inner = self.formula(names, 0)
            self.take(")")
            return inner
        if token == "¬":
            inner = self.formula(names, NOT_POWER)
            return lambda env: not inner(env)
        if token in ("True", "False"):
            return lambda env: token == "True"
        if token.isdigit():
            return lambda env: int(token)
        if token in names:
            return lambda env: env[token]
        raise Uncovered(repr(token))


def _apply(meaning: Callable, left: Callable, right: Callable) -> Callable[[dict], object]:
    return lambda env: meaning(left(env), right(env))
