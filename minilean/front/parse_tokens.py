"""A stream of tokens with Lean's saved column: what every part of the parser stands on.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, Tokens, tokenize

MAX, LEAD = 1024, 1023

# token -> (canonical operator, precedence, least precedence of the left side, of the right side)
INFIX: dict[str, tuple[str, int, int, int]] = {}


def _infix(prec: int, assoc: str, *tokens: str) -> None:
    left = prec + 1 if assoc in ("n", "r") else prec
    right = prec + 1 if assoc in ("n", "l") else prec
    for token in tokens:
        name, _, canonical = token.partition(" ")
        INFIX[name] = (canonical or name, prec, left, right)


_infix(20, "n", "↔", "<-> ↔")
_infix(25, "r", "→", "-> →")
_infix(30, "r", "∨", "\\/ ∨")
_infix(35, "r", "∧", "/\\ ∧", "×")
_infix(30, "l", "||")
_infix(35, "l", "&&")
_infix(50, "n", "=", "≠", "<", ">", "≤", "≥", "<= ≤", ">= ≥", "==", "!=", "∣", "≍", "≈", "∈", "∉")
_infix(65, "l", "+", "-", "++")
_infix(67, "r", "::")
_infix(70, "l", "*", "/", "%")
_infix(75, "r", "^")
_infix(90, "r", "∘")
INFIX["▸"] = ("▸", 75, 0, 75)

TERM_START = frozenset(("id", "num", "str", "hole", "synth", "dotid", "char", "decimal"))
TERM_OPEN = frozenset(("(", "⟨", "[", "{", "@", "‹", "·", ".(", "¬", "!", "∅", "#[", "⌊", "⌈", "√",
                        "λ"))


class TokenParser:
    """State over one text: token index `i`, saved column `col` (-1: none)."""

    def __init__(self, source: S.Source, tokens: Tokens | None = None):
        self.source = source
        tokens = tokens or tokenize(source.text)
        self.kind, self.text, self.pos = tokens.kind, tokens.text, tokens.pos
        self.ends, self.cols, self.nl = tokens.end, tokens.col, tokens.nl
        self.i = 0
        self.col = -1
        self.cdots: list[list[S.Ident]] = []

    def at(self, text: str) -> bool:
        """Is the next token this symbol or reserved word?"""
        return self.text[self.i] == text and self.kind[self.i] in ("sym", "kw")

    def accept(self, text: str) -> bool:
        if self.text[self.i] == text and self.kind[self.i] in ("sym", "kw"):
            self.i += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            if text == ")" and self.at("."):
                raise Declined("`.` for `·`", S.Hole(self.pos[self.i], self.ends[self.i]))
            self.fail(f"'{text}'")

    def fail(self, expected: str) -> None:
        """Raises Lean's "unexpected …; expected …" at the next token."""
        kind, text, pos = self.kind[self.i], self.text[self.i], self.pos[self.i]
        end = self.ends[self.i]
        if kind == "error":
            raise ParseError(pos, text)
        if kind == "eof":
            raise ParseError(pos, f"unexpected end of input; expected {expected}")
        if kind == "id":
            raise ParseError(pos, f"unexpected identifier; expected {expected}", end)
        shown = {"field": ".", "dotid": ".", "synth": "?", "fieldidx": "."}.get(kind, text)
        if kind == "num":
            raise ParseError(pos, f"unexpected numeral; expected {expected}", end)
        raise ParseError(pos, f"unexpected token '{shown}'; expected {expected}", end)

    def end(self) -> int:
        """End of the last token read."""
        return self.ends[self.i - 1] if self.i else 0

    def glued(self) -> bool:
        """No space before the next token."""
        return self.i > 0 and self.ends[self.i - 1] == self.pos[self.i]

    def ident(self, expected: str = "identifier") -> str:
        if self.kind[self.i] != "id":
            self.fail(expected)
        self.i += 1
        return self.text[self.i - 1]

    @contextmanager
    def position(self) -> Iterator[None]:
        """Lean's `withPosition`: columns are compared with that of the next token."""
        saved, self.col = self.col, self.cols[self.i]
        try:
            yield
        finally:
            self.col = saved

    def matching(self, i: int) -> int:
        """Index of the token that closes the bracket at i (or of the end)."""
        depth, opens, closes = 0, "([{⟨⦃‹", ")]}⟩⦄›"
        text, kind = self.text, self.kind
        while kind[i] != "eof":
            word = text[i]
            if kind[i] == "sym":
                if word[-1] in opens:
                    depth += 1
                elif word[-1] in closes and word[0] in closes:
                    depth -= 1
                    if depth <= 0:
                        return i
            i += 1
        return i

    def level_args(self) -> list:
        """`.{u, v}` after a name."""
        self.expect(".{")
        levels = [self.level()]
        while self.accept(","):
            levels.append(self.level())
        self.expect("}")
        return levels

    def level(self, prec: int = 0):
        """A universe level; prec MAX for `Type u`."""
        kind, word = self.kind[self.i], self.text[self.i]
        if kind == "num":
            self.i += 1
            left = int(word)
        elif kind == "hole":
            self.i += 1
            left = None
        elif self.accept("("):
            left = self.level()
            self.expect(")")
        elif kind == "id" and word in ("max", "imax") and prec == 0:
            self.i += 1
            items = [self.level(MAX)]
            while self.kind[self.i] in ("id", "num", "hole") or self.at("("):
                items.append(self.level(MAX))
            left = (word, items)
        else:
            left = self.ident("universe level")
        while prec == 0 and self.accept("+"):
            if self.kind[self.i] != "num":
                self.fail("numeral")
            left = ("add", left, int(self.text[self.i]))
            self.i += 1
        return left

