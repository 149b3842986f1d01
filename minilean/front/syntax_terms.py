"""Syntax tree of terms and tactics, each node with its source span.

See `syntax.py`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, dataclass_transform


class Source:
    """The text of one file or request, with its line starts."""

    __slots__ = ("text", "_starts")

    def __init__(self, text: str):
        self.text = text
        self._starts: list[int] | None = None

    def line_col(self, offset: int) -> tuple[int, int]:
        """Line (from 1) and column (from 0, in code points) of an offset."""
        if self._starts is None:
            starts, at = [0], self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._starts = starts
        line = bisect_right(self._starts, offset) - 1
        return line + 1, offset - self._starts[line]


@dataclass_transform(eq_default=False)
@dataclass(eq=False)
class Node:
    """Anything with a span: `text[pos:end]`. Subclasses are dataclasses, compared by identity."""

    pos: int
    end: int

    def __init_subclass__(cls):
        dataclass(eq=False)(cls)



# None (hole `_`) | int | str | ("max", [LevelStx]) | ("imax", [LevelStx]) | ("add", LevelStx, int)
LevelStx = Any


class Term(Node):
    """Base of all terms."""


class Ident(Term):
    """`Nat.add_comm`, `h.left`, `f.{u, v}`; the dotted name is not resolved yet. `levels` is None
    when no `.{…}` was written. Macro-scoped names do not exist: hygiene is done by the front."""

    name: str
    levels: list[LevelStx] | None = None


class Hole(Term):
    """`_`"""


class SynthHole(Term):
    """`?name` (name) or `?_` (None)."""

    name: str | None = None


class Num(Term):
    value: int


class Str(Term):
    value: str


class SortT(Term):
    """`Prop`, `Type`, `Type u`, `Sort u`: kind is "Prop" | "Type" | "Sort"; `level` None when
    absent (`Type` = `Type 0`, `Sort` = `Sort 0`); `has_level` tells `Type _` (level None) from
    `Type`."""

    kind: str
    level: LevelStx = None
    has_level: bool = False


class NamedArg(Node):
    """`(x := e)` in an application."""

    name: str
    value: Term


class App(Term):
    """`f a (x := b) ..`; `args` holds Terms and NamedArgs, `ellipsis` tells a final `..`."""

    fn: Term
    args: list[Term | NamedArg]
    ellipsis: bool = False


class Explicit(Term):
    """`@f`"""

    fn: Term


class Binder(Node):
    """`x y`, `(x y : T)`, `{x : T}`, `⦃x : T⦄`, `[inst : C a]`, `⟨a, b⟩`.

    names: written names, "_" for a hole, [None] for an anonymous instance binder.
    info: "default" | "implicit" | "strict" | "inst".
    pattern: for `fun ⟨a, b⟩ => …` (then names is []), type may be None.
    default: `(x : T := v)`.
    """

    names: list[str | None]
    type: Term | None
    info: str = "default"
    pattern: Term | None = None
    default: Term | None = None


class Lambda(Term):
    binders: list[Binder]
    body: Term


class MatchAlt(Node):
    """`| p₁, p₂ | q₁, q₂ => rhs`: patterns is a list of alternatives, each a list of pattern
    terms.
    """

    patterns: list[list[Term]]
    rhs: Term


class FunMatch(Term):
    """`fun | p => t | …`"""

    alts: list[MatchAlt]


class Forall(Term):
    """`∀ binders, body` and `(x : A) → B`."""

    binders: list[Binder]
    body: Term


class Exists(Term):
    """`∃ binders, body`"""

    binders: list[Binder]
    body: Term


class Arrow(Term):
    lhs: Term
    rhs: Term


class BinOp(Term):
    """Infix notation: an operator of `notation.INFIX` other than `→`, in canonical spelling."""

    op: str
    lhs: Term
    rhs: Term


class UnOp(Term):
    """Prefix `¬`, `-`, `!` (Bool not)."""

    op: str
    arg: Term


class Paren(Term):
    """`(t)`; kept because parentheses end `binop%` trees' leaves only where Lean says so (they do
    not), and because `(f) x` differs from `f x` for named arguments."""

    term: Term


class Ascription(Term):
    """`(t : T)`; type None for `(t :)`."""

    term: Term
    type: Term | None


class Tuple(Term):
    """`(a, b, c)`, and `()` with no items."""

    items: list[Term]


class Anon(Term):
    """`⟨a, b, c⟩`"""

    items: list[Term]


class Proj(Term):
    """`t.1` (field int, from 1) or `t.name` (field str, perhaps dotted) where t is no identifier;
    `h.1.left` is Proj(Proj(Ident h, 1), "left")."""

    term: Term
    field: int | str


class DotIdent(Term):
    """`.inl`"""

    name: str


class CDot(Term):
    """A `·` that was not captured by parentheses (an error for the elaborator)."""


class ListLit(Term):
    """`[a, b]`"""

    items: list[Term]


class LocalDef(Term):
    """Keyword, `name binders : type := value; body` (pattern for `⟨a, b⟩ := v`)."""

    name: str | None
    binders: list[Binder]
    type: Term | None
    value: Term
    body: Term
    pattern: Term | None = None


class Have(LocalDef):
    """`have …; body` (name None: `this`)."""


class Let(LocalDef):
    """`let …; body`"""


class Show(Term):
    """`show type from value` / `show type by tacs` (value is then a By)."""

    type: Term
    value: Term


class Suffices(Term):
    """`suffices name : type from value; body` (name None: `this`)."""

    name: str | None
    type: Term
    value: Term
    body: Term


class Match(Term):
    """`match (motive := m) h : e, e₂ with alts`; discrs are (name or None, term)."""

    discrs: list[tuple[str | None, Term]]
    alts: list[MatchAlt]
    motive: Term | None = None


class NoMatch(Term):
    """`nomatch e₁, e₂` and `nofun` (fun_form true, no discrs)."""

    discrs: list[Term]
    fun_form: bool = False


class If(Term):
    """`if c then a else b`, `if h : c then a else b` (name h)."""

    name: str | None
    cond: Term
    then: Term
    els: Term


class By(Term):
    """`by tacs`"""

    tactics: TacSeq


class CalcStep(Node):
    """`rel := proof`; the first step may lack its proof (then `rfl`-like first term form)."""

    rel: Term
    proof: Term | None


class Calc(Term):
    steps: list[CalcStep]


class StructInst(Term):
    """`{ x := a, y, s with … : T }`; fields are (name, value)."""

    sources: list[Term]
    fields: list[tuple[str, Term]]
    type: Term | None = None
    ellipsis: bool = False


class SubtypeT(Term):
    """`{ x : T // p }`"""

    name: str
    type: Term | None
    pred: Term


class Inaccessible(Term):
    """`.(t)` in a pattern."""

    term: Term


class AsPattern(Term):
    """`x@p` in a pattern."""

    name: str
    pattern: Term


class Sorry(Term):
    """`sorry`"""


class Tactic(Node):
    """One tactic: `kind` is Lean's keyword ("intro", "rw", …), `args` what its handler takes, in
    order (see the handlers in `tactic*.py`)."""

    kind: str
    args: tuple = ()


class TacSeq(Node):
    """`tac; tac` or one tactic a line."""

    tactics: list[Tactic]


class Location(Node):
    """`at h₁ h₂ ⊢`, `at *` (wildcard)."""

    hyps: list[Ident]
    goal: bool = False
    wildcard: bool = False


class RwRule(Node):
    """`← e` (symm) or `e` in `rw [...]`."""

    symm: bool
    term: Term


class SimpArg(Node):
    """`e`, `← e` (symm), `- e` (erase) or `*` (star, term None)."""

    term: Term | None
    symm: bool = False
    erase: bool = False
    star: bool = False


class TacAlt(Node):
    """`| inl h | inr h => tacs` of `cases`/`induction`/`match`: names of the constructors with
    their variable names ("_" for holes); rhs is a TacSeq, a Hole or a SynthHole."""

    lhs: list[tuple[str, list[str], bool]]
    rhs: Node


class RPat(Node):
    """rcases pattern: kind "one" (name; "_" hole; "-" clear; "rfl"), "tuple" (items), "alts"
    (items), "typed" (items [pattern], type), "explicit" (`@pat`)."""

    kind: str
    name: str = "_"
    items: list[RPat] = field(default_factory=list)
    type: Term | None = None
