"""Binders and what they belong to: `(x : A) → B`, `∀`, `∃`, `fun`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .lexer import Token
from .parse_tokens import MAX, NAME, TERM_OPEN, TokenParser

# opening bracket -> (closing bracket, binder info)
BRACKETS = {"(": (")", "default"), "{": ("}", "implicit"), "⦃": ("⦄", "strict"),
            "[": ("]", "inst")}
_BINDER_PREDICATES = frozenset(("<", ">", "≤", "≥", "≠", "∈", "∉"))


class BinderParser(TokenParser):
    """Reads binders; the term methods come from `TermParser`."""

    def optional_type(self) -> S.Term | None:
        """The type after a colon, if there is one."""
        return self.term() if self.accept(":") else None

    # -- looking ahead --------------------------------------------------------------------------

    def bracketed_names(self) -> tuple[int, str]:
        """(how many names stand after the bracket here, the token after them)"""
        i = self.i + 1
        while self.tokens[i].kind in NAME:
            i += 1
        return i - self.i - 1, self.tokens[i].text

    def is_plain_binder(self) -> bool:
        """`(x y : T)` or `(x)`, not a pattern."""
        if not self.at("("):
            return False
        n, stop = self.bracketed_names()
        return n > 0 and stop == ":" or n == 1 and stop == ")"

    def is_dependent_arrow(self) -> bool:
        """Is the bracket here a binder followed by an arrow?"""
        if self.ahead(self.matching(self.i) + 1 - self.i).text != "→":
            return False
        n, stop = self.bracketed_names()
        return self.at("[") or n > 0 and stop == ":"

    # -- groups of binders ----------------------------------------------------------------------

    def bracketed_binder(self) -> S.Binder:
        """`(x y : T := v)`, `{x : T}`, `⦃x : T⦄`, `{{x : T}}`, `[inst : C]`."""
        start = self.take()
        close, info = BRACKETS[start.text]
        default = None
        with self.anywhere():
            doubled = start.text == "{" and self.glued() and self.accept("{")
            if info == "inst":
                names, kind = [self.label()], self.term()
            else:
                names, kind = self.binder_names(), self.optional_type()
                if info == "default" and self.accept(":="):
                    default = self.term()
            self.expect(close)
            if doubled:
                self.expect(close)
                info = "strict"
        return self.node(S.Binder, start, names, kind, info, None, default)

    def binder_names(self) -> list[str]:
        names = []
        while self.tok.kind in NAME:
            if "." in self.tok.text:
                self.fail("atomic identifier")
            names.append(self.take().text)
        return names or self.fail("identifier")

    def binders(self) -> list[S.Binder]:
        """Binders of a declaration, `have f (x : A) : …`, `∀`: brackets and bare names."""
        found: list[S.Binder] = []
        while True:
            if self.at(*BRACKETS):
                found.append(self.bracketed_binder())
            elif self.tok.kind in NAME:
                found.append(self.bare_binder())
            else:
                return found

    def bare_binder(self) -> S.Binder:
        name = self.take()
        return self.node(S.Binder, name, [name.text], None)

    # -- ∀, ∃, fun ------------------------------------------------------------------------------

    def dependent_arrow(self) -> S.Term:
        start = self.tok
        binder = self.bracketed_binder()
        self.expect("→")
        body = self.term()  # unlike a plain arrow's: `(x : A) → p ↔ q` is `(x : A) → (p ↔ q)`
        return self.node(S.Forall, start, [binder], body)

    def forall(self, start: Token) -> S.Term:
        return self.quantifier(start, S.Forall, lambda condition, body: self.node(
            S.Arrow, condition, condition, body))

    def exists(self, start: Token) -> S.Term:
        return self.quantifier(start, S.Exists, lambda condition, body: self.node(
            S.BinOp, condition, "∧", condition, body))

    def quantifier(self, start: Token, make: type, under: Callable) -> S.Term:
        """`∀`/`∃` over groups, names with one shared `: T`, or names with a binder predicate
        `< n`, `∈ s`, which gives the conditions that the body stands `under`."""
        binders = self.binders() or self.fail("binder")
        plain = all(b.type is None and b.info == "default" for b in binders)
        predicate = self.tok.text
        if plain and self.at(":"):
            names = [b.names[0] for b in binders]
            kind = self.optional_type()
            binders = [self.node(S.Binder, binders[0], names, kind)]
        elif plain and self.accept(*_BINDER_PREDICATES):
            bound = self.term(51)
            conditions = [self.node(S.BinOp, b, predicate, S.Ident(b.pos, b.end, b.names[0]), bound)
                          for b in binders]
            self.expect(",")
            body = self.term()
            for binder, condition in reversed(list(zip(binders, conditions, strict=True))):
                body = self.node(make, start, [binder], under(condition, body))
            return body
        self.expect(",")
        return self.node(make, start, binders, self.term())

    def function(self, start: Token) -> S.Term:
        if self.at("|"):
            return self.node(S.FunMatch, start, self.match_alts())
        if self.accept("."):
            return self.node(S.NoMatch, start, [], True)
        binders = self.function_binders()
        self.expect("=>")
        return self.node(S.Lambda, start, binders, self.term())

    def function_binders(self) -> list[S.Binder]:
        found: list[S.Binder] = []
        while not self.at("=>", ":"):
            start = self.tok
            if start.kind in NAME and self.ahead().text != "@":
                found.append(self.bare_binder())
            elif self.at("{", "⦃", "[") or self.is_plain_binder():
                found.append(self.bracketed_binder())
            elif self.starts_argument() or self.at(*TERM_OPEN):
                pattern = self.term(MAX)
                found.append(self.node(S.Binder, start, [], None, "default", pattern))
            else:
                break
        if not found:
            self.fail("function binder")
        if self.accept(":"):
            kind = self.term()
            for binder in found:
                binder.type = kind
        return found
