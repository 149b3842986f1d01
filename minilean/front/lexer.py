"""Tokens of the Lean 4 subset.

Lean reads tokens on demand from a growing table; here the table is fixed, so the text is cut once
by one regular expression (identifier characters as in Lean's `isIdFirst`/`isIdRest`). Kinds: "id"
(dotted identifier), "kw" (reserved word), "sym", "num", "str", "char", "fieldidx" (`.1` right
after a term), "field" (`.name` right after a term), "dotid" (`.name` elsewhere), "quoted" (a name
with `«»`), "hole", "synth" (`?x`), "doc", "error", "eof".

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import Declined


class ParseError(Exception):
    """The text is not Lean syntax; `pos` is an offset, `end` that of the unexpected token's end if
    there is one, `message` worded as Lean words it."""

    def __init__(self, pos: int, message: str, end: int | None = None):
        super().__init__(message)
        self.pos = pos
        self.end = end
        self.message = message


class Token(NamedTuple):
    """`text` is in canonical spelling (`=>` for `↦`), without the dot of a field or the question
    mark of a `?x`; of a "doc" it is the comment, of an "error" the message."""

    kind: str
    text: str
    pos: int
    end: int
    col: int
    first: bool  # on its line


KEYWORDS = frozenset(
    """fun forall exists let have show from suffices match with if then else by do at calc where in
    open namespace section end theorem lemma def abbrev example instance axiom inductive structure
    class variable universe set_option import attribute mutual private protected
    noncomputable partial unsafe deriving extends termination_by decreasing_by opaque export nomatch
    nofun macro syntax notation infixl infixr infix prefix postfix elab macro_rules elab_rules
    declare_syntax_cat initialize include omit Type Sort Prop sorry using generalizing hiding
    renaming for return unless""".split()
)

_FIRST = (
    "a-zA-Z_À-ÖØ-öø-ſ\u0391-\u039f\u03a1\u03a2\u03a4-\u03a9"
    "\u03b1-\u03ba\u03bc-\u03c9\u03ca-\u03fb\u1f00-\u1ffe\u2100-\u214f\U0001d49c-\U0001d59f"
)
_REST = _FIRST + "0-9'!?\u2080-\u2089\u2090-\u209c\u1d62-\u1d6a\u2c7c"
_PART = f"(?:[{_FIRST}][{_REST}]*|«[^»\n]*»)"
_IDENT = rf"{_PART}(?:\.{_PART})*"

_SYMBOLS = sorted(
    """:= => ↦ -> → <-> ↔ <;> <|> <| |>. |> || && == != <= >= ≤ ≥ ≠ :: ++ ... .. .{ .( ⟨ ⟩ ( ) [ ]
    { } ⦃ ⦄ ‹ › @[ @ ▸ ∘ × ∣ ¬ ! ^ /\\ \\/ ∃! ∃ ∀ ? · . $ ; , : | = < > + - * / % ← <- ⊢ |- ∈ ∉ ⊆
    ⊂ ∪ ∩ \\ ∅ ⁻¹ >>= <$> <*> *> <* >> ||| &&& ^^^ <<< >>> ~~~ ≍ ≈ ~ ∧ ∨ # #[ `( ``( ↑ ⇑ ↥ // %[ ∑
    ∏ ∫ √ ‖ ⌊ ⌋ ⌈ ⌉ ⁺ ⊤ ⊥ ⊓ ⊔ ⨆ ⨅ ∞ ≡ ≃ ≅ • ⬝ ∆ ∂ ⋯ ↪ ↠ ⟶ ⊕ ⊗ ⋃ ⋂ 𝓝 ≪ ⟦ ⟧ ° ″ ∥ ⇔ ⇒ ✝ Σ ∃ₓ ÷ ≺ ≼
    ∗ ⊇ ⊃ ᶜ ∤ ≫ ∙ ⊻ λ""".split(), key=len, reverse=True,
)
_CANONICAL = {
    "↦": "=>", "->": "→", "<-": "←", "<->": "↔", "/\\": "∧", "\\/": "∨", "<=": "≤", ">=": "≥",
    "|-": "⊢", "$": "<|",
}
_TOKEN = re.compile(
    "(?P<space>[ \n\r]+|--[^\n]*)|(?P<block>/-)"
    f"|(?P<id>{_IDENT})"
    "|(?P<num>0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+)"
    f"|(?P<dot>\\.(?:[0-9]+|{_IDENT}))"
    f"|(?P<synth>\\?{_PART})"
    r'|(?P<str>"(?:[^"\\]|\\.)*")'
    r"|(?P<char>'(?:[^'\\\n]|\\[^\n]+?)')"
    "|(?P<sym>" + "|".join(re.escape(s) for s in _SYMBOLS) + ")",
    re.S,
)
_COMMENT_MARK = re.compile("/-|-/")
_TERM_ENDS = frozenset(("id", "num", "fieldidx", "field", "dotid", "hole", "synth", "str"))
_CLOSERS = frozenset((")", "]", "⟩", "}", "›", "·"))
_COMPLAINTS = {
    "\t": "tabs are not allowed; please configure your editor to expand them",
    '"': "unterminated string literal",
}


def tokenize(text: str) -> list[Token]:
    """All tokens of text, an "eof" last. Where the text cannot be cut any further there is an
    "error" before it, so that earlier commands are still read."""
    tokens: list[Token] = []
    end = len(text)
    try:
        _cut(text, tokens)
    except ParseError as error:
        column = error.pos - text.rfind("\n", 0, error.pos) - 1
        tokens.append(Token("error", error.message, error.pos, end, column, True))
    tokens.append(Token("eof", "", end, end, end - text.rfind("\n") - 1, True))
    return tokens


def _cut(text: str, tokens: list[Token]) -> None:
    """Appends the tokens of text to `tokens`. Raises ParseError where no token begins."""
    at, line_start, first = 0, 0, True
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ParseError(at, _COMPLAINTS.get(text[at], "expected token"))
        kind, word, end = match.lastgroup, match.group(), match.end()
        if kind == "block":
            end = _block_comment_end(text, at)
            if text.startswith("/--", at) and not text.startswith("/--/", at):
                comment = text[at + 3 : end - 2]
                tokens.append(Token("doc", comment, at, end, at - line_start, first))
        elif kind != "space":
            kind, word = _classify(kind, word, at, tokens)
            tokens.append(Token(kind, word, at, end, at - line_start, first))
            first = False
        newline = text.rfind("\n", at, end)
        if newline >= 0:
            line_start = newline + 1
            first = first or kind in ("space", "block")
        at = end


def _block_comment_end(text: str, start: int) -> int:
    """Offset after the (nested) block comment that opens at start."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/-" else -1
        if depth == 0:
            return mark.end()
    raise ParseError(len(text), "unterminated comment")


def _classify(kind: str, word: str, at: int, before: list[Token]) -> tuple[str, str]:
    """(kind, text) of the token at offset `at`, which the regular expression knows by its looks."""
    if "«" in word and kind in ("id", "dot"):
        return "quoted", word
    if kind == "id":
        if word == "_":
            return "hole", word
        return ("kw" if word in KEYWORDS else kind), word
    if kind == "sym":
        return kind, _CANONICAL.get(word, word)
    if kind == "synth":
        return kind, word[1:]
    if kind != "dot":
        return kind, word
    glued = before and before[-1].end == at and (
        before[-1].kind in _TERM_ENDS or before[-1].text in _CLOSERS)
    if not word[1].isdigit():
        return "field" if glued else "dotid", word[1:]
    if not glued:
        raise ParseError(at, "unexpected token '.'; expected term")
    return "fieldidx", word[1:]


def number_value(token: str) -> int:
    return int(token, 10 if token.isdigit() else 0)


def string_value(token: str) -> str:
    """The value of a string literal token with its quotes."""
    if "\\" in token:
        raise Declined("escape sequence in a string")
    return token[1:-1]
