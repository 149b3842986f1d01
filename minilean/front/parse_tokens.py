"""A stream of tokens with Lean's saved column: what every part of the parser stands on.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, Token, number_value, tokenize
from .notation import MAX
from .setting import Setting

NAME = ("id", "hole")
TERM_START = frozenset(("id", "num", "str", "hole", "synth", "dotid", "char"))
TERM_OPEN = frozenset(("(", "⟨", "[", "{", "@", "‹", "·", ".(", "¬", "!", "∅", "#[", "⌊", "⌈", "√",
                       "λ"))
_UNEXPECTED = {
    "eof": "end of input", "id": "identifier", "num": "numeral", "field": "token '.'",
    "dotid": "token '.'", "fieldidx": "token '.'", "synth": "token '?'",
}


class TokenParser:
    """State over one text: index `i` of the next token, saved column `col` (-1: none)."""

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
        tok = self.tok
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

    def expect(self, word: str) -> None:
        if not self.accept(word):
            if word == ")" and self.at("."):
                self.decline("`.` for `·`")
            self.fail(f"'{word}'")

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

    def ident(self, expected: str = "identifier") -> str:
        if self.tok.kind != "id":
            self.fail(expected)
        return self.take().text

    def ident_or_hole(self, expected: str = "identifier or '_'") -> str:
        if self.tok.kind not in NAME:
            self.fail(expected)
        return self.take().text

    def label(self) -> str | None:
        """The name of a `name : …` that stands here."""
        if self.tok.kind in NAME and self.ahead().text == ":":
            self.i += 2
            return self.tokens[self.i - 2].text
        return None

    def numeral(self) -> int:
        if self.tok.kind != "num":
            self.fail("numeral")
        return number_value(self.take().text)

    def comma_separated(self, read: Callable[[], Any]) -> list:
        """One or more of what `read` reads."""
        found = [read()]
        while self.accept(","):
            found.append(read())
        return found

    def items_until(self, close: str, read: Callable[[], Any]) -> list:
        """What `read` reads, between commas (perhaps a last one) up to the bracket `close`."""
        found = []
        while not self.at(close):
            found.append(read())
            if not self.accept(","):
                break
        self.expect(close)
        return found

    # -- columns and brackets -------------------------------------------------------------------

    def column(self, col: int) -> Setting:
        """What must stand right of a column is compared with `col` (-1: may stand anywhere)."""
        return Setting(self, "col", col)

    def position(self):
        """Lean's `withPosition`: columns are compared with that of the next token."""
        return self.column(self.tok.col)

    def anywhere(self):
        """Lean's `withoutPosition`: inside brackets."""
        return self.column(-1)

    def alternatives(self, read: Callable[[], Any]) -> list:
        """What `read` reads from each `|` on, none left of the first."""
        found = []
        with self.position():
            while self.at("|") and self.tok.col >= self.col:
                found.append(read())
        return found

    def matching(self, i: int) -> int:
        """Index of the token that closes the bracket at i (or of the end)."""
        depth = 0
        while self.tokens[i].kind != "eof":
            kind, word = self.tokens[i][:2]
            if kind == "sym" and word[-1] in "([{⟨⦃‹":
                depth += 1
            elif kind == "sym" and word in ")]}⟩⦄›":
                depth -= 1
                if depth <= 0:
                    return i
            i += 1
        return i

    # -- universe levels ------------------------------------------------------------------------

    def level_args(self) -> list:
        """`.{u, v}` after a name."""
        self.expect(".{")
        levels = self.comma_separated(self.level)
        self.expect("}")
        return levels

    def starts_level(self) -> bool:
        return self.tok.kind in ("num", "hole", "id") or self.at("(")

    def level(self, prec: int = 0):
        """A universe level; prec MAX for `Type u`."""
        left: S.LevelStx
        if self.tok.kind == "num":
            left = self.numeral()
        elif self.tok.kind == "hole":
            self.i += 1
            left = None
        elif self.accept("("):
            left = self.level()
            self.expect(")")
        elif prec == 0 and self.at("max", "imax"):
            word, items = self.take().text, [self.level(MAX)]
            while self.starts_level():
                items.append(self.level(MAX))
            left = (word, items)
        else:
            left = self.ident("universe level")
        while prec == 0 and self.accept("+"):
            left = ("add", left, self.numeral())
        return left


def sequence(*parts: str | Callable) -> Callable[[TokenParser], tuple]:
    """A reader of the parts in their order: a text is a token that must stand there, a function
    of the parser reads one of the values that make up the answer."""
    def read(parser: TokenParser) -> tuple:
        values = []
        for part in parts:
            if isinstance(part, str):
                parser.expect(part)
            else:
                values.append(part(parser))
        return tuple(values)
    return read


def after(word: str, read: Callable) -> Callable:
    """A part of a `sequence`: what `read` reads after `word`, or None without it."""
    return lambda parser: read(parser) if parser.accept(word) else None
