"""Binders and what they belong to: `(x : A) → B`, `∀`, `∃`, `fun`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .parse_tokens import INFIX, MAX, TERM_OPEN, TokenParser

_BINDER_PREDICATES = frozenset(("<", ">", "≤", "≥", "≠", "∈", "∉", "<=", ">="))


class BinderParser(TokenParser):
    """Reads binders; the term methods come from `TermParser`."""

    def is_dependent_arrow(self) -> bool:
        """Is the bracket here a binder followed by an arrow?"""
        i = self.i
        word = self.text[i]
        close = self.matching(i)
        if self.text[close + 1 : close + 2] not in (["→"], ["->"]):
            return False
        if word == "[":
            return True
        j = i + 1
        while self.kind[j] in ("id", "hole"):
            j += 1
        return j > i + 1 and self.text[j] == ":" and self.kind[j] == "sym"

    def dependent_arrow(self, start: int) -> S.Term:
        binder = self.bracketed_binder()
        if not (self.accept("→") or self.accept("->")):
            self.fail("'→'")
        body = self.term()  # unlike a plain arrow's: `(x : A) → p ↔ q` is `(x : A) → (p ↔ q)`
        return S.Forall(start, self.end(), [binder], body, True)

    def bracketed_binder(self) -> S.Binder:
        """`(x y : T := v)`, `{x : T}`, `⦃x : T⦄`, `[inst : C]`."""
        start, word = self.pos[self.i], self.text[self.i]
        saved, self.col = self.col, -1
        self.i += 1
        info, close = {"(": ("default", ")"), "{": ("implicit", "}"), "⦃": ("strict", "⦄"),
                       "[": ("inst", "]")}[word]
        double = word == "{" and self.at("{") and self.glued()
        if double:
            self.i += 1
            info = "strict"
        if word == "[":
            name = None
            if self.kind[self.i] in ("id", "hole") and self.text[self.i + 1] == ":":
                name = self.text[self.i]
                self.i += 2
            kind: S.Term | None = self.term()
            self.expect(close)
            self.col = saved
            return S.Binder(start, self.end(), [name], kind, info)
        names = self.binder_names()
        kind = self.term() if self.accept(":") else None
        default = None
        if word == "(" and self.accept(":="):
            default = self.term()
        self.expect(close)
        if double:
            self.expect("}")
        self.col = saved
        return S.Binder(start, self.end(), names, kind, info, None, default)

    def binder_names(self) -> list:
        names = []
        while self.kind[self.i] in ("id", "hole"):
            if self.kind[self.i] == "id" and "." in self.text[self.i]:
                self.fail("atomic identifier")
            names.append(self.text[self.i])
            self.i += 1
        if not names:
            self.fail("identifier")
        return names

    def binders(self, stop: str) -> list[S.Binder]:
        """Binders of a declaration, `have f (x : A) : …`, `∀`: brackets and bare names."""
        found: list[S.Binder] = []
        while True:
            kind, word = self.kind[self.i], self.text[self.i]
            if kind == "sym" and word in ("(", "{", "⦃", "["):
                found.append(self.bracketed_binder())
            elif kind in ("id", "hole"):
                found.append(S.Binder(self.pos[self.i], self.ends[self.i], [word], None))
                self.i += 1
            else:
                return found

    def quantifier_binders(self) -> tuple[list[S.Binder], Callable | None]:
        """Binders of ∀/∃: groups, or names with one shared `: T` or a binder predicate `< n`, `∈
        s`.
        """
        found = self.binders(",")
        if not found:
            self.fail("binder")
        plain = all(b.type is None and b.info == "default" for b in found)
        if self.at(":"):
            if not plain:
                self.fail("','")
            self.i += 1
            kind = self.term()
            merged = S.Binder(found[0].pos, self.end(), [b.names[0] for b in found], kind)
            return [merged], None
        word = self.text[self.i]
        if plain and self.kind[self.i] == "sym" and word in _BINDER_PREDICATES:
            op = INFIX[word][0]
            self.i += 1
            bound = self.term(51)
            end = self.end()

            def conditions() -> list[S.Term]:
                return [S.BinOp(b.pos, end, op, S.Ident(b.pos, b.end, b.names[0]), bound)
                        for b in found]

            return found, conditions
        return found, None

    def forall(self, start: int) -> S.Term:
        self.i += 1
        binders, conditions = self.quantifier_binders()
        self.expect(",")
        body = self.term()
        if conditions:
            for binder, condition in zip(reversed(binders), reversed(conditions()), strict=False):
                body = S.Arrow(condition.pos, self.end(), condition, body)
                body = S.Forall(start, self.end(), [binder], body)
            return body
        return S.Forall(start, self.end(), binders, body)

    def exists(self, start: int) -> S.Term:
        self.i += 1
        binders, conditions = self.quantifier_binders()
        self.expect(",")
        body = self.term()
        if conditions:
            for binder, condition in zip(reversed(binders), reversed(conditions()), strict=False):
                body = S.BinOp(condition.pos, self.end(), "∧", condition, body)
                body = S.Exists(start, self.end(), [binder], body)
            return body
        return S.Exists(start, self.end(), binders, body)

    def function(self, start: int) -> S.Term:
        self.i += 1
        if self.at("|"):
            alts = self.match_alts()
            return S.FunMatch(start, self.end(), alts)
        if self.accept("."):
            return S.NoMatch(start, self.end(), [], True)
        binders = self.function_binders()
        if not (self.accept("=>") or self.accept("↦")):
            self.fail("'=>'")
        body = self.term()
        return S.Lambda(start, self.end(), binders, body)

    def function_binders(self) -> list[S.Binder]:
        found: list[S.Binder] = []
        while not (self.at("=>") or self.at("↦") or self.at(":")):
            kind, word, start = self.kind[self.i], self.text[self.i], self.pos[self.i]
            if kind in ("id", "hole") and not (self.text[self.i + 1] == "@"):
                self.i += 1
                found.append(S.Binder(start, self.end(), [word], None))
            elif kind == "sym" and (word in ("{", "⦃", "[") or self.is_plain_binder()):
                found.append(self.bracketed_binder())
            elif self.starts_argument() or (kind == "sym" and word in TERM_OPEN):
                pattern = self.term(MAX)
                found.append(S.Binder(start, self.end(), [], None, "default", pattern))
            else:
                break
        if not found:
            self.fail("function binder")
        if self.accept(":"):
            kind_term = self.term()
            for binder in found:
                binder.type = kind_term
        return found

    def is_plain_binder(self) -> bool:
        """`(x y : T)` or `(x)`, not a pattern."""
        if not self.at("("):
            return False
        j = self.i + 1
        while self.kind[j] in ("id", "hole"):
            j += 1
        one = j == self.i + 2
        return j > self.i + 1 and (self.text[j] == ":" or (one and self.text[j] == ")"))

