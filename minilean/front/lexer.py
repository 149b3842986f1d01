"""Tokens of the Lean 4 subset.

Lean reads tokens on demand from a growing table; here the table (`words.txt`) is fixed, so the text
is cut once by one regular expression (identifier characters as in Lean's `isIdFirst`/`isIdRest`).
Kinds: "id" (dotted identifier), "kw" (reserved word), "sym", "num", "decimal", "str", "char",
"fieldidx" (`.1` right after a term), "field" (`.name` right after a term), "dotid" (`.name`
elsewhere), "quoted" (a name with `«»`), "hole", "synth" (`?x`), "anonymous" (`?_`), "doc", "error",
"eof".

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import LeanError
from .notation import WORDS, pairs


class ParseError(LeanError):
    """The text is not Lean syntax; `pos` is an offset, `end` that of the unexpected token's end if
    there is one, `message` worded as Lean words it."""

    def __init__(self, pos: int, message: str, end: int | None = None):
        super().__init__(message, (pos, end))
        self.pos, self.end = pos, end


class Token(NamedTuple):
    """`text` is in canonical spelling (`=>` for `↦`), without the dot of a field or the question
    mark of a `?x`."""

    kind: str
    text: str
    pos: int
    end: int
    col: int
    first: bool  # on its line


KEYWORDS = frozenset(WORDS["keywords"])
_WORD_KINDS = {**dict.fromkeys(KEYWORDS, "kw"), "_": "hole"}
_FIRST = (
    "a-zA-Z_À-ÖØ-öø-ſ\u0391-\u039f\u03a1\u03a2\u03a4-\u03a9"
    "\u03b1-\u03ba\u03bc-\u03c9\u03ca-\u03fb\u1f00-\u1ffe\u2100-\u214f\U0001d49c-\U0001d59f"
)
_REST = _FIRST + "0-9'!?\u2080-\u2089\u2090-\u209c\u1d62-\u1d6a\u2c7c"
_PART = f"[{_FIRST}][{_REST}]*"
_IDENT = rf"{_PART}(?:\.{_PART})*"
_AFTER_TERM = rf'(?<=[{_REST})\]⟩}}›·"])'
_SYMBOLS = sorted((word for heading, words in WORDS.items() for word in words
                   if heading.startswith(("infix", "symbols"))), key=len, reverse=True)
_CANONICAL = pairs("other spellings")
_TOKEN = re.compile(
    r"(?P<space>(?:[ \n\r]|--[^\n]*)+)|(?P<block>/-)"
    rf"|(?P<quoted>\.?(?:{_PART}\.)*«[^»\n]*»(?:\.{_PART})*)"
    f"|(?P<id>{_IDENT})"
    r"|(?P<decimal>[0-9]+\.[0-9]+)"
    "|(?P<num>0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+)"
    rf"|(?P<fieldidx>{_AFTER_TERM}\.[0-9]+)"
    rf"|(?P<field>{_AFTER_TERM}\.{_IDENT})"
    rf"|(?P<dotid>\.{_IDENT})"
    rf"|(?P<anonymous>\?_(?![{_REST}]))|(?P<synth>\?{_PART})"
    r'|(?P<str>"(?:[^"\\]|\\.)*")'
    r"|(?P<char>'(?:[^'\\\n]|\\[^\n]+?)')"
    r"|(?P<sym>#[a-z_]+!?|" + "|".join(re.escape(s) for s in _SYMBOLS) + ")|(?P<error>.)",
    re.S,
)
_COMMENT_MARK = re.compile("/-|-/")


def tokenize(text: str) -> list[Token]:
    """All tokens of text, an "eof" last; a character that begins none is an "error"."""
    tokens: list[Token] = []
    start = last = 0  # of the next token; end of the last one
    while start < len(text):
        kind, word, end = _token_at(text, start)
        if kind != "space":
            line_start = text.rfind("\n", 0, start) + 1
            tokens.append(Token(kind, word, start, end, start - line_start, last <= line_start))
            last = end
        start = end
    tokens.append(Token("eof", "", start, start, 0, True))
    return tokens


def _token_at(text: str, start: int) -> tuple[str, str, int]:
    """(kind, text, end) of the token at this offset, or of what separates tokens ("space")."""
    match = _TOKEN.match(text, start)
    kind, word = match.lastgroup, match[0]
    if kind == "block":
        return _comment(text, start)
    if kind == "id":
        kind = _WORD_KINDS.get(word, kind)
    elif kind == "sym":
        word = _CANONICAL.get(word, word)
    elif kind in ("synth", "fieldidx", "field", "dotid"):
        word = word[1:]
    return kind, word, match.end()


def _comment(text: str, start: int) -> tuple[str, str, int]:
    """The (nested) block comment that opens at start: a "doc" or a "space".

    One that does not end is an "error" without a text: it is reported at the end.
    """
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/-" else -1
        if depth == 0:
            is_doc = text.startswith("/--", start) and not text.startswith("/--/", start)
            return "doc" if is_doc else "space", "/--", mark.end()
    return "error", "", len(text)
