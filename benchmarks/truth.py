"""Truth of simple Lean statements, by trying values: an oracle that knows nothing of minilean.

Covers theorems about Props, numbers, and predicates, relations and functions on a type:
connectives, quantifiers, equations, comparisons, numerals, + - *. Two readings, each of which only
gives counterexamples that are real:
  arithmetic  Nats take the values 0 to MAX_NAT; no quantifier, predicate or function over Nat
  finite      types have one or two elements, predicates and functions all their values. Nat may be
              such a type where nothing but its being a type is used (no numerals, no equations): a
              finite model pulls back along n mod 2.
None found proves nothing. Everything else is `Uncovered`.
Try it: python -m pytest -q tests/test_truth.py
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

MAX_NAT = 3
MAX_CASES = 20_000
SIZES = (1, 2)  # elements of an uninterpreted type
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
ARITHMETIC = frozenset("<≤>≥+-*")
QUANTIFIERS = {"∀": all, "∃": any}
Formula = tuple  # (operator, part, …); a name is ("name", x), a numeral ("number", n)


class Uncovered(Exception):
    """A statement outside the fragment; the message names what is."""


def counterexample(statement: str) -> dict | None:
    """Values that make the hypotheses true and the goal false, or None if none was found.

    statement: `theorem name binders : goal :=` (or `:= by`). Raises Uncovered.
    """
    kinds, formulas = parse(statement)
    used = {node[0] for f in formulas for node in _nodes(f)}
    over_nat = any(kind == ("Nat",) for kind in kinds.values())
    structured = used & {"∀", "∃", "apply"}
    arithmetic = used & ARITHMETIC or "number" in used
    if structured and (arithmetic or _mentions_nat(kinds, formulas) and used & {"=", "≠"}):
        raise Uncovered("quantifiers, predicates or functions together with arithmetic")
    sizes = SIZES if structured or not (arithmetic or over_nat) else (MAX_NAT + 1,)
    *hypotheses, goal = [_compile(f, kinds) for f in formulas]
    for env in _models(kinds, sizes):
        if all(h(env) for h in hypotheses) and not goal(env):
            return {name: env[name] for name in kinds if name in env}
    return None


def _mentions_nat(kinds: dict, formulas: list) -> bool:
    return any("Nat" in kind for kind in kinds.values()) or any(
        node[0] in QUANTIFIERS and node[2] == "Nat" for f in formulas for node in _nodes(f))


def _nodes(f: Formula) -> Iterator[Formula]:
    yield f
    for part in f[1:]:
        if isinstance(part, tuple):
            yield from _nodes(part)


def _models(kinds: dict, sizes: tuple[int, ...]) -> Iterator[dict]:
    """All assignments over domains of each size (at least those of the smallest must be few)."""
    for number, size in enumerate(sizes):
        choices = [_values(kind, size) for kind in kinds.values() if kind != ("Type",)]
        total = 1
        for choice in choices:
            total *= len(choice)
        if total > MAX_CASES:
            if number == 0:
                raise Uncovered("too many cases")
            return
        names = [name for name, kind in kinds.items() if kind != ("Type",)]
        for values in product(*choices):
            yield {**dict(zip(names, values, strict=True)), "": range(size)}


def _values(kind: tuple, size: int) -> list:
    """Everything a variable of that kind can be; a function is a dict from arguments."""
    *arguments, result = kind
    results = [False, True] if result == "Prop" else list(range(size))
    if not arguments:
        return results
    if len(results) ** (size ** len(arguments)) > MAX_CASES:
        raise Uncovered("too many cases")
    places = list(product(range(size), repeat=len(arguments)))
    return [dict(zip(places, row, strict=True)) for row in product(results, repeat=len(places))]


def _compile(f: Formula, kinds: dict) -> Callable[[dict], object]:
    head, *parts = f
    if head == "name":
        return lambda env: env[parts[0]]
    if head in ("number", "truth"):
        return lambda env: parts[0]
    if head in QUANTIFIERS:
        (name, _, body), test = parts, QUANTIFIERS[head]
        inside = _compile(body, kinds)
        return lambda env: test(inside({**env, name: x}) for x in env[""])
    if head == "apply":
        function, *arguments = parts
        inner = [_compile(a, kinds) for a in arguments]
        return lambda env: env[function][tuple(a(env) for a in inner)]
    inner = [_compile(p, kinds) for p in parts]
    if head == "¬":
        return lambda env: not inner[0](env)
    meaning = INFIX[head][2]
    return lambda env: meaning(inner[0](env), inner[1](env))


# ---------------------------------------------------------------- reading


def parse(statement: str) -> tuple[dict[str, tuple], list[Formula]]:
    """({variable: kind}, hypotheses and goal). A kind is (…argument types, result type)."""
    reader = _Reader(statement)
    reader.take("theorem")
    reader.next()
    formulas = []
    while reader.peek in ("(", "{"):
        closing = ")" if reader.next() == "(" else "}"
        bound = []
        while reader.peek != ":":
            bound.append(reader.next())
        reader.take(":")
        kind = reader.kind()
        if kind is None:
            formulas.append(reader.formula(0))
        else:
            reader.kinds |= dict.fromkeys(bound, kind)
        reader.take(closing)
    reader.take(":")
    formulas.append(reader.formula(0))
    reader.take(":=")
    return reader.kinds, formulas


class _Reader:
    """Tokens of a statement, and a precedence parser over them."""

    def __init__(self, text: str) -> None:
        self.tokens = [*_TOKEN.findall(text), ""]
        self.at = 0
        self.kinds: dict[str, tuple] = {}
        self.bound: dict[str, str] = {}  # quantified variable -> its type

    @property
    def peek(self) -> str:
        return self.tokens[self.at]

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, token: str) -> None:
        if self.next() != token:
            raise Uncovered(f"{self.tokens[self.at - 1]!r} where {token!r} was expected")

    def types(self) -> set[str]:
        return {"Nat", "ℕ"} | {name for name, kind in self.kinds.items() if kind == ("Type",)}

    def kind(self) -> tuple | None:
        """The kind that starts here, up to the closing bracket; None where a formula starts."""
        end = min(i for i in range(self.at, len(self.tokens))
                  if self.tokens[i] in (")", "}", "(", ""))
        words = self.tokens[self.at:end]
        if not words:
            return None
        if words[0] == "Type" and len(words) <= 2:
            self.at = end
            return ("Type",)
        names, arrows = words[::2], words[1::2]
        if self.tokens[end] == "(" or any(a != "→" for a in arrows) or len(words) % 2 == 0:
            return None
        if not all(n in self.types() for n in names[:-1]) or names[-1] not in {
                "Prop", *self.types()}:
            return None
        self.at = end
        return tuple("Nat" if n == "ℕ" else n for n in names)

    def formula(self, power: int) -> Formula:
        left = self.operand()
        while self.peek in INFIX and INFIX[self.peek][0] >= power:
            operator = self.next()
            left = (operator, left, self.formula(INFIX[operator][1]))
        return left

    def operand(self) -> Formula:
        token = self.peek
        if token == "¬":
            self.next()
            return ("¬", self.formula(NOT_POWER))
        if token in QUANTIFIERS:
            return self.quantified(self.next())
        arity = len(self.kinds.get(token, ("",))) - 1
        if not arity or token in self.bound:
            return self.atom()
        self.next()
        return ("apply", token, *(self.atom() for _ in range(arity)))

    def atom(self) -> Formula:
        token = self.next()
        if token == "(":
            inner = self.formula(0)
            self.take(")")
            return inner
        if token in ("True", "False"):
            return ("truth", token == "True")
        if token.isdigit():
            return ("number", int(token))
        kind = self.kinds.get(token, ())
        if token in self.bound or len(kind) == 1 and kind != ("Type",):
            return ("name", token)
        raise Uncovered(repr(token))

    def quantified(self, quantifier: str) -> Formula:
        """`∀ x y, …`, `∀ x : T, …`, `∀ (x y : T), …` (one group)."""
        bracket = self.peek == "("
        if bracket:
            self.next()
        names = []
        while self.peek not in (":", ",", ""):
            names.append(self.next())
        type_ = self._type() if self.peek == ":" else self._only_type()
        if bracket:
            self.take(")")
        self.take(",")
        outer, self.bound = self.bound, {**self.bound, **dict.fromkeys(names, type_)}
        body = self.formula(0)
        self.bound = outer
        for name in reversed(names):
            body = (quantifier, name, type_, body)
        return body

    def _type(self) -> str:
        self.take(":")
        name = self.next()
        if name not in self.types():
            raise Uncovered(f"quantifier over {name!r}")
        return "Nat" if name == "ℕ" else name

    def _only_type(self) -> str:
        """The type of an untyped bound variable: the one type that predicates speak of."""
        found = {t for kind in self.kinds.values() for t in kind if t not in ("Prop", "Type")}
        if len(found) != 1:
            raise Uncovered("a quantifier without a type")
        return found.pop()
