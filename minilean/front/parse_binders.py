"""Binders and what they belong to, as far as a grammar cannot say it: which bracket is a binder,
`∀`, `∃`, `fun`, local definitions.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from . import syntax as S
from .parse_tokens import NAME, TokenParser

_BINDER_PREDICATES = frozenset(("<", ">", "≤", "≥", "≠", "∈", "∉"))


class BinderParser(TokenParser):
    """Adds what looks ahead at binders, and quantifiers; `term` comes from `TermParser`."""

    # -- looking ahead --------------------------------------------------------------------------

    def closing(self) -> int:
        """Index of the token that closes the bracket here (of the last but one without any)."""
        depth = 0
        for i in range(self.i, len(self.tokens) - 1):
            kind, word = self.tokens[i][:2]
            if kind == "sym" and word[-1] in "([{⟨⦃‹":
                depth += 1
            elif kind == "sym" and word in ")]}⟩⦄›":
                depth -= 1
            if depth <= 0:
                break
        return i

    def after_names(self) -> int:
        """Index of the first token after the next one that is no name."""
        i = self.i + 1
        while self.tokens[i].kind in NAME:
            i += 1
        return i

    def is_plain_binder(self) -> bool:
        """`(x y : T)` or `(x)`, not a pattern."""
        if not self.at("("):
            return False
        i = self.after_names()
        n, stop = i - self.i - 1, self.tokens[i].text
        return n > 0 and stop == ":" or n == 1 and stop == ")"

    def is_dependent_arrow(self) -> bool:
        """Is the bracket here a binder followed by an arrow?"""
        if self.tokens[self.closing() + 1].text != "→":
            return False
        i = self.after_names()
        return self.at("[") or i > self.i + 1 and self.tokens[i].text == ":"

    def starts_field(self) -> bool:
        """A field of a structure: after `{`, `with` or a separator, on a line of its own in braces,
        below the first field after `where`."""
        tok, before = self.tok, self.tokens[self.i - 1].text
        placed = tok.first if self.col < 0 else tok.col == self.col > 0
        return tok.kind == "id" and (placed or before in ("{", "with", ",", ";"))

    # -- ∀, ∃, fun ------------------------------------------------------------------------------

    def is_shared(self) -> bool:
        """Names with one type stand here."""
        return self.starts_name() and self.tokens[self.after_names()].text == ":"

    def is_bounded(self) -> bool:
        """Names with a binder predicate follow the quantifier here."""
        return self.tokens[self.after_names()].text in _BINDER_PREDICATES

    def bounded(self) -> S.Term:
        """`∀ x y < n, p`: a condition on each name is what p stands under."""
        start, binders = self.take(), self.bare_binders()
        predicate, bound = self.take().text, self.term(51)
        self.expect(",")
        body = self.term()
        for binder in reversed(binders):
            name = S.Ident(binder.pos, binder.end, binder.names[0])
            condition = S.BinOp(name.pos, bound.end, predicate, name, bound)
            if start.text in ("∀", "forall"):
                under = self.node(S.Arrow, name, condition, body)
                body = self.node(S.Forall, start, [binder], under)
            else:
                under = self.node(S.BinOp, name, "∧", condition, body)
                body = self.node(S.Exists, start, [binder], under)
        return body

    def fun_binders(self) -> list[S.Binder]:
        """One or more, perhaps with a type for all of them."""
        found = self.fun_binder_list()
        if self.accept(":"):
            kind = self.term()
            for binder in found:
                binder.type = kind
        return found
