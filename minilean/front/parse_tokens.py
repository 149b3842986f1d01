"""A stream of tokens with Lean's saved column: what the grammar's rules and the parser stand on.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, Token, tokenize

MISSING = object()  # what a method that reads gives, and reads nothing, where nothing of it begins
_UNEXPECTED = {"eof": "end of input", "id": "identifier", "num": "numeral", "error": "text"}

# Tests of the grammar
TESTS: dict[str, Callable[[Any], bool]] = {
    "col_gt": lambda p: p.tok.col > p.col,  # Lean's `checkColGt`
    "col_ge": lambda p: p.tok.col >= p.col,
    "same_line": lambda p: not p.tok.first,
    "indented": lambda p: p.tok.col > 0 or not p.tok.first,
    "undotted": lambda p: "." not in p.tok.text,
    "at_next": lambda p: p.ahead().text == "@" and p.ahead().pos == p.tok.end,
    # an argument of an application: Lean's `checkWsBefore` and `checkColGt`
    "argument": lambda p: p.tok.col > p.col and (p.tok.text[:1] in '(⟨‹@{¬"' or not p.glued()),
    # of a `where` block: below its first field
    "field": lambda p: p.tok.col == p.col > 0,
    # of a tactic block: below its first tactic, or after a semicolon
    "in_block": lambda p: p.tok.col == p.col or p.tokens[p.i - 1].text == ";",
    "bounded": lambda p: p.ahead().text in ("<", ">", "≤", "≥", "≠", "∈", "∉"),
    # steps of `calc` on lines of their own, or after `_`
    "calc_step": lambda p: p.tok.col >= p.col and p.tok.text != "|" and (
        p.tok.first or p.tok.kind == "hole"),
    "calc_steps": lambda p: (p.tok.kind == "hole" or p.tok.col > p.col
                             or p.tok.text not in p.tactics),
    # the block of a declaration's `by` must be indented more than the declaration
    "empty_by": lambda p: p.at("by") and (
        p.ahead().kind == "eof" or p.ahead().col <= p.command_col and p.ahead().text != "{"),
}


class TokenParser:
    """State over one text: index `i` of the next token, saved column `col` (-1: none)."""

    # Filled by `grammar.install`: word (or kind of token) -> terms that may begin with it, as
    # (precedence, reader); word -> commands, as (is it a declaration?, reader); tactic -> reader of
    # its arguments
    leading: dict[str, list] = {}
    commands: dict[str, list] = {}
    tactics: dict[str, Any] = {}

    def __init__(self, text: str):
        self.text = text
        self.tokens = tokenize(text)
        self.i = self.reread = 0  # the latter: tokens that `atomic(…)` gave back
        self.col = self.command_col = -1  # the latter of the command that is read
        self.holes: tuple[S.Ident, ...] | None = None  # the `·` of the parentheses around
        self.failed: set[tuple] = set()  # (part, i) where `atomic(…)` failed

    # -- the next token -------------------------------------------------------------------------

    @property
    def tok(self) -> Token:
        """The next token."""
        return self.tokens[self.i]

    def ahead(self) -> Token:
        """The token after the next."""
        return self.tokens[min(self.i + 1, len(self.tokens) - 1)]

    def at(self, *words: str) -> bool:
        """Is the next token one of these symbols or words?"""
        tok = self.tokens[self.i]
        return tok.text in words and tok.kind in ("sym", "kw", "id")

    def glued(self) -> bool:
        """No space before the next token."""
        return self.i > 0 and self.end() == self.tok.pos

    def end(self) -> int:
        """End of the last token read."""
        return self.tokens[self.i - 1].end if self.i else 0

    def node(self, make: type, start: Token | S.Node, *parts: Any) -> Any:
        """The syntax node from `start` to the last token read."""
        return make(start.pos, self.end(), *parts)

    # -- reading --------------------------------------------------------------------------------

    def take(self) -> Token:
        """Reads the next token, whatever it is."""
        self.i += 1
        return self.tokens[self.i - 1]

    def accept(self, *words: str) -> bool:
        found = self.at(*words)
        self.i += found
        return found

    def need(self, found: Any) -> Any:
        """What was found; an error if it is MISSING."""
        return self.fail() if found is MISSING else found

    def fail(self, expected: str = "term") -> NoReturn:
        """Raises Lean's "unexpected …; expected …" at the next token."""
        tok = self.tok
        if tok.kind == "quoted":
            self.decline("quoted identifier «…»")
        found = _UNEXPECTED.get(tok.kind) or f"token '{self.text[tok.pos:tok.end]}'"
        end = None if tok.kind == "eof" else tok.end
        pos = tok.pos if tok.text else tok.end
        raise ParseError(pos, f"unexpected {found}; expected {expected}", end)

    def decline(self, feature: str) -> NoReturn:
        """Raises Declined at the next token; an ellipsis in the feature stands for its text."""
        raise Declined(feature.replace("…", self.tok.text), S.Hole(self.tok.pos, self.tok.end))

    def num(self) -> int:
        if self.tok.kind != "num":
            return MISSING
        text = self.take().text
        return int(text, 10 if text.isdigit() else 0)

    def next_name(self) -> str:
        """The text of the next token, which is read again."""
        return self.tok.text
