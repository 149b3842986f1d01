"""Tokens of the Lean 4 subset.

Lean reads tokens on demand from a growing table; here the table (`words.txt`) is fixed, so the text
is cut once by one regular expression (identifier characters as in Lean's `isIdFirst`/`isIdRest`).
Kinds: "id" (dotted identifier), "kw" (reserved word), "sym", "num", "str", "char", "fieldidx" (`.1`
right after a term), "field" (`.name` right after a term), "dotid" (`.name` elsewhere), "quoted" (a
name with `«»`), "hole", "synth" (`?x`), "doc", "error", "eof".

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import Declined, LeanError
from .notation import WORDS


class ParseError(LeanError):
    """The text is not Lean syntax; `pos` is an offset, `end` that of the unexpected token's end if
    there is one, `message` worded as Lean words it."""

    def __init__(self, pos: int, message: str, end: int | None = None):
        super().__init__(message, (pos, end))
        self.pos, self.end = pos, end


class Token(NamedTuple):
    """`text` is in canonical spelling (`=>` for `↦`), without the dot of a field or the question
    mark of a `?x`; of a "doc" it is the comment, of an "error" the message."""

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
_PART = f"(?:[{_FIRST}][{_REST}]*|«[^»\n]*»)"
_IDENT = rf"{_PART}(?:\.{_PART})*"
_SYMBOLS = sorted((word for heading, words in WORDS.items() for word in words
                   if heading.startswith(("infix", "symbols"))), key=len, reverse=True)
_CANONICAL = {
    "↦": "=>", "->": "→", "<-": "←", "<->": "↔", "/\\": "∧", "\\/": "∨", "<=": "≤", ">=": "≥",
    "|-": "⊢", "$": "<|",
}
_TOKEN = re.compile(
    " *(?:(?P<space>[ \n\r]+|--[^\n]*)|(?P<block>/-)"
    f"|(?P<id>{_IDENT})"
    "|(?P<num>0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+)"
    f"|(?P<dot>\\.(?:[0-9]+|{_IDENT}))"
    f"|(?P<synth>\\?{_PART})"
    r'|(?P<str>"(?:[^"\\]|\\.)*")'
    r"|(?P<char>'(?:[^'\\\n]|\\[^\n]+?)')"
    "|(?P<sym>#[a-z_]+!?|" + "|".join(re.escape(s) for s in _SYMBOLS) + "))",
    re.S,
)
_COMMENT_MARK = re.compile("/-|-/")
_TERM_ENDS = frozenset(("id", "num", "fieldidx", "field", "dotid", "hole", "synth", "str"))
_CLOSERS = frozenset((")", "]", "⟩", "}", "›", "·"))
_LONG = ("space", "doc", "str", "error")  # may hold line ends
_TABS = "tabs are not allowed; please configure your editor to expand them"


def tokenize(text: str) -> list[Token]:
    """All tokens of text, an "eof" last. Where the text cannot be cut any further there is an
    "error" before it, so that earlier commands are still read."""
    tokens: list[Token] = []
    at, line_start, first = 0, 0, True
    while at < len(text):
        kind, word, start, at = _token_at(text, at, tokens)
        if kind != "space":
            tokens.append(Token(kind, word, start, at, start - line_start, first))
            first = first and kind == "doc"
        if kind in _LONG and "\n" in text[start:at]:
            line_start = text.rindex("\n", start, at) + 1
            first = first or kind != "str"
    tokens.append(Token("eof", "", at, at, at - line_start, True))
    return tokens


def _token_at(text: str, at: int, before: list[Token]) -> tuple[str, str, int, int]:
    """(kind, text, start, end) of the token at or after the blanks at offset `at`, or of what
    separates tokens ("space")."""
    match = _TOKEN.match(text, at)
    if match is None:
        start = len(text) - len(text[at:].lstrip(" "))
        return "error", _TABS if text[start] == "\t" else "expected token", start, len(text)
    kind = match.lastgroup
    word, (start, end) = match[kind], match.span(kind)
    if kind == "block":
        return _comment(text, start)
    if "«" in word and kind in ("id", "dot"):
        kind = "quoted"
    elif kind == "id":
        kind = _WORD_KINDS.get(word, kind)
    elif kind == "sym":
        word = _CANONICAL.get(word, word)
    elif kind in ("synth", "dot"):
        word = word[1:]
    if kind == "dot":
        glued = before and before[-1].end == start and (
            before[-1].kind in _TERM_ENDS or before[-1].text in _CLOSERS)
        if not word[0].isdigit():
            kind = "field" if glued else "dotid"
        elif glued:
            kind = "fieldidx"
        else:
            return "error", "unexpected token '.'; expected term", start, len(text)
    return kind, word, start, end


def _comment(text: str, start: int) -> tuple[str, str, int, int]:
    """The (nested) block comment that opens at start: a "doc" or a "space".

    One that does not end is an error at the end of the text, as in Lean.
    """
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/-" else -1
        if depth == 0:
            is_doc = text.startswith("/--", start) and not text.startswith("/--/", start)
            kind = "doc" if is_doc else "space"
            return kind, text[start + 3:mark.start()], start, mark.end()
    return "error", "unterminated comment", len(text), len(text)


def number_value(token: str) -> int:
    """The number that a numeral token stands for."""
    return int(token, 10 if token.isdigit() else 0)


def string_value(token: str) -> str:
    """The value of a string literal token with its quotes."""
    if "\\" in token:
        raise Declined("escape sequence in a string")
    return token[1:-1]
