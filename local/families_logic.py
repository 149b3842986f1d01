"""Formulas, goals and a minimal-proof search for the laptop's theorem families.

A goal is a sequent of many-sorted first-order logic (propositions, Nat, List Nat, equality). The
moves are the flat tactics that reference proofs are written in; each acts on the first goal and
names what it introduces by one fixed rule, so that proofs look alike everywhere. `Prover.prove`
returns a shortest proof over exactly this vocabulary (AND-OR iterative deepening with a memo).
Nothing here decides what is a theorem: every proof is checked by minilean afterwards.
Written for this repository; no upstream. Try it: `python -m local.families --out data/families`.

Expressions are nested tuples; a string is a variable or constant:
  terms     "a", "0", "[]", ("f", t), ("+", s, t), ("*", s, t), ("::", x, l), ("++", l, m),
            ("length", l), ("reverse", l), ("map", f, l)
  formulas  "P" (an atom), ("P", t, ...), ("=", s, t), ("and", A, B), ("or", A, B),
            ("imp", A, B), ("iff", A, B), ("not", A), "False", ("all", x, A), ("ex", x, A)
Bound variables are x y z l, never free names, so alpha-equality is equality of tuples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

NAME_LETTERS = 6  # of a hypothesis' name after the h
BINARY = {"iff": ("↔", 20, 21, 21), "imp": ("→", 25, 26, 25), "or": ("∨", 30, 31, 30),
          "and": ("∧", 35, 36, 35), "=": ("=", 50, 51, 51), "+": ("+", 65, 65, 66),
          "++": ("++", 65, 65, 66), "::": ("::", 67, 68, 67), "*": ("*", 70, 70, 71)}
LISTS = {"xs", "ys", "zs", "l"}
INDIVIDUALS = ("a", "b", "c", "d", "e", "u", "v", "w")
LEMMAS = {  # library equations that `rw` may use; x y z are Nat, xs ys zs lists (as patterns)
    "Nat.add_comm": (("x", "y"), ("+", "x", "y"), ("+", "y", "x")),
    "Nat.add_assoc": (("x", "y", "z"), ("+", ("+", "x", "y"), "z"), ("+", "x", ("+", "y", "z"))),
    "Nat.mul_comm": (("x", "y"), ("*", "x", "y"), ("*", "y", "x")),
    "Nat.add_zero": (("x",), ("+", "x", "0"), "x"),
    "Nat.zero_add": (("x",), ("+", "0", "x"), "x"),
    "List.nil_append": (("l",), ("++", "[]", "l"), "l"),
    "List.append_nil": (("l",), ("++", "l", "[]"), "l"),
    "List.cons_append": (("x", "l", "l'"), ("++", ("::", "x", "l"), "l'"),
                         ("::", "x", ("++", "l", "l'"))),
    "List.append_assoc": (("l", "l'", "l''"), ("++", ("++", "l", "l'"), "l''"),
                          ("++", "l", ("++", "l'", "l''"))),
    "List.reverse_append": (("l", "l'"), ("reverse", ("++", "l", "l'")),
                            ("++", ("reverse", "l'"), ("reverse", "l"))),
    "List.reverse_reverse": (("l",), ("reverse", ("reverse", "l")), "l"),
    "List.length_append": (("l", "l'"), ("length", ("++", "l", "l'")),
                           ("+", ("length", "l"), ("length", "l'"))),
    "List.length_reverse": (("l",), ("length", ("reverse", "l")), ("length", "l")),
    "List.length_cons": (("x", "l"), ("length", ("::", "x", "l")), ("+", ("length", "l"), "1")),
    "List.map_append": (("f", "l", "l'"), ("map", "f", ("++", "l", "l'")),
                        ("++", ("map", "f", "l"), ("map", "f", "l'"))),
    "List.map_cons": (("f", "x", "l"), ("map", "f", ("::", "x", "l")),
                      ("::", ("f", "x"), ("map", "f", "l"))),
}


class Goal(NamedTuple):
    """One sequent: variables in scope, named hypotheses in order, target formula."""

    vars: tuple
    hyps: tuple  # of (name, formula)
    target: object


class Exhausted(Exception):
    """The prover's node budget ran out before the depth was settled."""


# ---------------------------------------------------------------- printing


def _type_of(name: str) -> str:
    return "List Nat" if name in LISTS else "Nat"


def show(e, prec: int = 0, last: bool = True) -> str:
    """Text of an expression as Lean prints it, parenthesised for a context of precedence `prec`.

    `last`: nothing follows in the enclosing expression, so a quantifier needs no parentheses."""
    if isinstance(e, str):
        return e
    head = e[0]
    if head == "::" and (items := _literal(e)):
        return f"[{', '.join(show(item) for item in items)}]"
    if head in BINARY:
        sign, own, left, right = BINARY[head]
        wrap = own < prec
        text = f"{show(e[1], left, False)} {sign} {show(e[2], right, last or wrap)}"
        return _paren(text, wrap)
    if head == "not":
        return _paren(f"¬{show(e[1], 40 if _is_plain(e[1]) else 1024, last)}", prec > 1000)
    if head == "all":
        return _paren(_show_universal(e), prec > 1000 or not last)
    if head == "ex":
        return _paren(f"∃ {e[1]}, {show(e[2])}", prec > 1000 or not last)
    if head in ("length", "reverse"):
        return f"{show(e[1], 1024)}.{head}"
    name = "List.map" if head == "map" else head
    return _paren(" ".join([name, *(show(t, 1024) for t in e[1:])]), prec > 1000)


def _show_universal(e) -> str:
    groups: list = []
    while e[0] == "all":
        if groups and groups[-1][1] == _type_of(e[1]):
            groups[-1][0].append(e[1])
        else:
            groups.append(([e[1]], _type_of(e[1])))
        e = e[2]
    binders = " ".join(f"({' '.join(names)} : {kind})" for names, kind in groups)
    return f"∀ {binders}, {show(e)}"


def _literal(e) -> list:
    """The items of a list term that ends in [], which Lean prints in brackets; else []."""
    items = []
    while not isinstance(e, str) and e[0] == "::":
        items.append(e[1])
        e = e[2]
    return items if e == "[]" else []


def _is_plain(e) -> bool:
    return isinstance(e, str) or e[0] not in BINARY


def _paren(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


# ---------------------------------------------------------------- terms


def subst(e, binding: dict):
    """`e` with free names replaced by `binding` (bound names never clash, see module notes)."""
    if isinstance(e, str):
        return binding.get(e, e)
    return tuple([e[0] if i == 0 and e[0] not in binding else subst(s, binding)
                  for i, s in enumerate(e)])


def match(pattern, holes: tuple, e, binding: dict) -> bool:
    """True if `e` is an instance of `pattern`; fills `binding` for the names in `holes`."""
    if isinstance(pattern, str):
        if pattern in holes:
            if pattern in binding:
                return binding[pattern] == e
            binding[pattern] = e
            return True
        return pattern == e
    if isinstance(e, str) or pattern[0] != e[0] or len(pattern) != len(e):
        return False  # most calls end here; what heads a term is never a hole
    for part, term in zip(pattern[1:], e[1:], strict=True):  # called by the million: no all(…)
        if not match(part, holes, term, binding):
            return False
    return True


def occurs(name: str, e) -> bool:
    """Whether the name occurs free in the expression."""
    if isinstance(e, str):
        return e == name
    if e[0] in ("all", "ex") and e[1] == name:
        return False
    return any(occurs(name, s) for s in e)


def subterms(e) -> Iterator:
    """Every proper place of `e` in Lean's rewriting order (outside in, left to right)."""
    yield e
    if not isinstance(e, str):
        for s in e[1:]:
            yield from subterms(s)


def size(e) -> int:
    """Number of symbols in an expression."""
    return 1 if isinstance(e, str) else 1 + sum(map(size, e[1:]))


def replace(e, old, new):
    """`e` with every occurrence of `old` replaced by `new`."""
    if e == old:
        return new
    return e if isinstance(e, str) else (e[0], *[replace(s, old, new) for s in e[1:]])


@lru_cache(maxsize=10_000)
def places(e) -> dict[str, list[tuple]]:
    """Head symbol -> [(subterm, bound variables there)] in Lean's rewriting order."""
    found: dict = {}

    def visit(e, bound: tuple) -> None:
        head = e if isinstance(e, str) else e[0]
        found.setdefault(head, []).append((e, bound))
        if head in ("all", "ex"):
            visit(e[2], (*bound, e[1]))
        elif not isinstance(e, str):
            for s in e[1:]:
                visit(s, bound)

    visit(e, ())
    return found


def first_instance(pattern, holes: tuple, e):
    """Binding of the first place that matches and mentions no bound variable, else None."""
    if pattern in holes:
        return {pattern: e}
    for place, bound in places(e).get(pattern if isinstance(pattern, str) else pattern[0], ()):
        binding: dict = {}
        if match(pattern, holes, place, binding) and not any(occurs(b, place) for b in bound):
            return binding
    return None


@lru_cache(maxsize=100_000)
def telescope(f) -> tuple:
    """Binders of f from the outside in: ("var", x, rest) or ("prem", A, rest)."""
    out = []
    while not isinstance(f, str):
        if f[0] == "all":
            out.append(("var", f[1], f[2]))
            f = f[2]
        elif f[0] == "imp":
            out.append(("prem", f[1], f[2]))
            f = f[2]
        elif f[0] == "not":
            out.append(("prem", f[1], "False"))
            f = "False"
        else:
            break
    return tuple(out)


@lru_cache(maxsize=100_000)
def negative(f) -> bool:
    """Whether falsity or a negation occurs in the formula (else exfalso is hopeless)."""
    return f == "False" if isinstance(f, str) else f[0] == "not" or any(map(negative, f[1:]))


# ---------------------------------------------------------------- names


def hypothesis_name(formula, taken: Collection[str] = ()) -> str:
    """`h` and the symbols of what the hypothesis concludes, then of what it needs.

    ∀ x, P x → Q x is hQP, P ∧ Q is hPQ, f (g a) = b is hfgab; a name in `taken` gets primes. As in
    Lean's own library the conclusion comes first: what a goal needs is found by its first letter.
    """
    name = "h" + _letters(formula, ())[:NAME_LETTERS]
    while name in taken:
        name += "'"
    return name


def _letters(e, bound: tuple) -> str:
    if isinstance(e, str):
        return "" if e in bound or e == "False" or not e.isalpha() else e
    head, args = e[0], e[1:]
    if head in ("all", "ex"):
        return _letters(e[2], (*bound, e[1]))
    if head == "imp":
        return _letters(e[2], bound) + _letters(e[1], bound)
    if head in CONNECTIVES:
        return "".join(_letters(s, bound) for s in args)
    return head if head[0].isupper() else head + "".join(_letters(s, bound) for s in args)


# ---------------------------------------------------------------- statements


CONNECTIVES = {"and", "or", "imp", "iff", "not", "=", "all", "ex", "+", "*", "::", "++", "length",
               "reverse", "map", "False", "0", "1", "[]"}


def signature(vars: tuple, formulas: list) -> list[tuple[str, str]]:
    """(symbol, type) of everything a statement must declare, in declaration order."""
    types: dict = {v: _type_of(v) for v in vars}
    for f in formulas:
        _collect(f, "Prop", types)
    order = ["Prop", "Nat → Prop", "Nat → Nat → Prop", "List Nat → Prop", "Nat → Nat",
             "List Nat → Nat", "Nat", "List Nat"]
    return sorted(types.items(), key=lambda item: (order.index(item[1]), item[0]))


def _collect(e, kind: str, types: dict, bound: tuple = ()) -> None:
    if isinstance(e, str):
        if e not in CONNECTIVES and e not in bound:
            types.setdefault(e, kind if kind == "Prop" else _type_of(e))
        return
    head, args = e[0], e[1:]
    if head in ("all", "ex"):
        _collect(e[2], "Prop", types, (*bound, e[1]))
        return
    if head == "map":
        types.setdefault(e[1], "Nat → Nat")
        args = e[2:]
    elif head not in CONNECTIVES:
        types.setdefault(head, " → ".join([*map(_sort, args), kind]))
    inner = "Prop" if head in ("and", "or", "imp", "iff", "not") else "Nat"
    for s in args:
        _collect(s, inner, types, bound)


def _sort(term) -> str:
    if isinstance(term, str):
        return "List Nat" if term in LISTS or term == "[]" else "Nat"
    return "List Nat" if term[0] in ("::", "++", "reverse", "map") else "Nat"


def statement(name: str, goal: Goal) -> str:
    """`theorem name (symbols) (hypotheses) : target := by` on one line."""
    groups: dict = {}
    for symbol, kind in signature(goal.vars, [*(f for _, f in goal.hyps), goal.target]):
        groups.setdefault(kind, []).append(symbol)
    binders = [f"({' '.join(names)} : {kind})" for kind, names in groups.items()]
    binders += [f"({h} : {show(f)})" for h, f in goal.hyps]
    return f"theorem {' '.join([name, *binders])} : {show(goal.target)} := by"


def canonical_key(goal: Goal) -> str:
    """A key equal for statements that differ in symbol names and in hypothesis names or order.

    Colour refinement over the symbols: renamings always get equal keys (two different statements
    might too, in rare symmetric cases; then one of them is dropped, which does no harm)."""
    formulas = [("h", f) for _, f in goal.hyps] + [("g", goal.target)]
    kinds = dict(signature(goal.vars, [f for _, f in formulas]))
    colours = {s: kind for s, kind in kinds.items()}
    where = {s: [(r, f) for r, f in formulas if _mentions(s, f)] for s in kinds}
    for _ in range(3):
        new = {}
        for s in kinds:
            marked = {**colours, s: "*"}
            parts = sorted(r + _coloured(f, marked, ()) for r, f in where[s])
            new[s] = _digest(colours[s] + "|".join(parts))
        colours = new
    return _digest("|".join(sorted(r + _coloured(f, colours, ()) for r, f in formulas)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _mentions(symbol: str, e) -> bool:
    return e == symbol if isinstance(e, str) else any(_mentions(symbol, s) for s in e)


def _coloured(e, colours: dict, bound: tuple) -> str:
    if isinstance(e, str):
        if e in bound:
            return f"#{len(bound) - 1 - bound.index(e)}"
        return colours.get(e, e)
    if e[0] in ("all", "ex"):
        return f"({e[0]} {_type_of(e[1])} {_coloured(e[2], colours, (*bound, e[1]))})"
    return f"({' '.join(_coloured(s, colours, bound) for s in e)})"
