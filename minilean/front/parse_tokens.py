"""A stream of tokens with Lean's saved column: what the grammar's rules and the parser stand on.

Methods `starts_…` and those that grammar.txt writes after `&` only look at tokens.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, Token, number_value, tokenize
from .notation import WORDS
from .setting import Setting

NAME = ("id", "hole")
_UNEXPECTED = {
    "eof": "end of input", "id": "identifier", "num": "numeral", "field": "token '.'",
    "dotid": "token '.'", "fieldidx": "token '.'", "synth": "token '?'",
}


# Tests of the grammar
TESTS: dict[str, Callable[[Any], bool]] = {
    "col_gt": lambda p: p.tok.col > p.col,  # Lean's `checkColGt`
    "col_ge": lambda p: p.tok.col >= p.col,
    "same_line": lambda p: not p.tok.first,
    "indented": lambda p: p.tok.col > 0 or not p.tok.first,
    "next_indented": lambda p: p.ahead().col > 0,
    "next_first": lambda p: p.ahead().first,
    "next_spaced": lambda p: p.tok.end < p.ahead().pos and p.ahead().col > p.col,
    "dotted": lambda p: p.tok.kind == "id" and "." in p.tok.text,
    "not_closed": lambda p: not p.at(",", "]"),
    "update": lambda p: p.ahead().text != ":=" and not p.at(".."),  # `{ s with …`
}


class TokenParser:
    """State over one text: index `i` of the next token, saved column `col` (-1: none)."""

    # Filled by `grammar.install`: word -> what may begin with it, as (precedence, may it begin
    # here?, reader) or (is it a declaration?, …, …); tactic -> reader of its arguments
    leading: dict[str, list] = {}
    commands: dict[str, list] = {}
    tactics: dict[str, Any] = {}
    # The words that begin a term of the highest precedence, or what ends a list of arguments
    arguments: set[str] = {"..", *WORDS["symbols declined as arguments"]}

    def __init__(self, source: S.Source):
        self.source = source
        self.tokens = tokenize(source.text)
        self.i = 0
        self.col = -1
        self.cdots: list[list[S.Ident]] = []

    # -- the next token -------------------------------------------------------------------------

    @property
    def tok(self) -> Token:
        """The next token."""
        return self.tokens[self.i]

    def ahead(self, n: int = 1) -> Token:
        """The n-th token after the next."""
        return self.tokens[min(self.i + n, len(self.tokens) - 1)]

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

    def expect(self, *words: str) -> Token:
        if not self.at(*words):
            if words == (")",) and self.at("."):
                self.decline("`.` for `·`")
            self.fail(" or ".join(f"'{word}'" for word in words))
        return self.take()

    def fail(self, expected: str) -> NoReturn:
        """Raises Lean's "unexpected …; expected …" at the next token."""
        tok = self.tok
        if tok.kind == "error":
            raise ParseError(tok.pos, tok.text)
        if tok.kind == "quoted":
            self.decline("quoted identifier «…»")
        found = _UNEXPECTED.get(tok.kind) or f"token '{self.source.text[tok.pos:tok.end]}'"
        end = None if tok.kind == "eof" else tok.end
        raise ParseError(tok.pos, f"unexpected {found}; expected {expected}", end)

    def decline(self, feature: str, start: Token | S.Node | None = None) -> NoReturn:
        """Raises Declined; the text meant ends with the next token, and begins there or at
        `start`."""
        raise Declined(feature, S.Hole((start or self.tok).pos, self.tok.end))

    def num(self) -> int:
        if not self.starts_num():
            self.fail("numeral")
        return number_value(self.take().text)

    def starts_num(self) -> bool:
        return self.tok.kind == "num"

    # -- columns and brackets -------------------------------------------------------------------

    def position(self) -> Setting:
        """Lean's `withPosition`: columns are compared with that of the next token."""
        return Setting(self, "col", self.tok.col)

    def anywhere(self) -> Setting:
        """Lean's `withoutPosition`: inside brackets."""
        return Setting(self, "col", -1)
