"""Tokens of the Lean 4 subset: a text becomes parallel lists of kinds, texts, spans and columns.

Lean reads tokens on demand from a growing table; here the table is fixed, so the text is cut once
by one regular expression (identifier characters as in Lean's `isIdFirst`/`isIdRest`). Kinds: "id"
(dotted identifier), "kw" (reserved word), "sym", "num", "str", "char", "fieldidx" (`.1` right
after a term), "field" (`.name` right after a term), "dotid" (`.name` elsewhere), "hole", "synth"
(`?x`), "doc", "eof".

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re

from .errors import Declined


class ParseError(Exception):
    """The text is not Lean syntax; `pos` is an offset, `end` that of the unexpected token's end if
    there is one, `message` worded as Lean words it."""

    def __init__(self, pos: int, message: str, end: int | None = None):
        super().__init__(message)
        self.pos = pos
        self.end = end
        self.message = message


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

SYMBOLS = sorted(
    """:= => ↦ -> → <-> ↔ <;> <|> <| |>. |> || && == != <= >= ≤ ≥ ≠ :: ++ ... .. .{ .( ⟨ ⟩ ( ) [ ]
    { } ⦃ ⦄ ‹ › @[ @ ▸ ∘ × ∣ ¬ ! ^ /\\ \\/ ∃! ∃ ∀ ? · . $ ; , : | = < > + - * / % ← <- ⊢ |- ∈ ∉ ⊆
    ⊂ ∪ ∩ \\ ∅ ⁻¹ >>= <$> <*> *> <* >> ||| &&& ^^^ <<< >>> ~~~ ≍ ≈ ~ ∧ ∨ # #[ `( ``( ↑ ⇑ ↥ // %[ ∑
    ∏ ∫ √ ‖ ⌊ ⌋ ⌈ ⌉ ⁺ ⊤ ⊥ ⊓ ⊔ ⨆ ⨅ ∞ ≡ ≃ ≅ • ⬝ ∆ ∂ ⋯ ↪ ↠ ⟶ ⊕ ⊗ ⋃ ⋂ 𝓝 ≪ ⟦ ⟧ ° ! ″ ∥ ⇔ ⇒ ✝ Σ ∃ₓ ÷ ≺ ≼
    ∗ ⊇ ⊃ ᶜ ∤ ≫ ∙ ⊻ λ""".split(), key=lambda s: (-len(s), s),
)
_TOKEN = re.compile(
    "(?P<ws>[ \n\r]+)|(?P<line>--[^\n]*)|(?P<block>/-)"
    f"|(?P<id>{_IDENT})"
    "|(?P<num>0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+)"
    f"|(?P<dot>\\.(?:[0-9]+|{_IDENT}))"
    f"|(?P<synth>\\?{_PART})"
    r'|(?P<str>"(?:[^"\\]|\\.)*")'
    r"|(?P<char>'(?:[^'\\\n]|\\[^\n]+?)')"
    "|(?P<sym>" + "|".join(re.escape(s) for s in SYMBOLS) + ")",
    re.S,
)
_AFTER_TERM = frozenset(("id", "num", "fieldidx", "field", "dotid", "hole", "str"))
_CLOSERS = frozenset((")", "]", "⟩", "}", "›"))


class Tokens:
    """Parallel lists over the tokens of a text; the last token is "eof"."""

    __slots__ = ("kind", "text", "pos", "end", "col", "nl")

    def __init__(self) -> None:
        self.kind: list[str] = []
        self.text: list[str] = []
        self.pos: list[int] = []
        self.end: list[int] = []
        self.col: list[int] = []
        self.nl: list[bool] = []


def _block_comment_end(text: str, start: int) -> int:
    """Offset after the (nested) block comment that opens at start."""
    depth, at = 1, start + 2
    while depth:
        close = text.find("-/", at)
        if close < 0:
            raise ParseError(len(text), "unterminated comment")
        opening = text.find("/-", at)
        if 0 <= opening < close:
            depth, at = depth + 1, opening + 2
        else:
            depth, at = depth - 1, close + 2
    return at


def tokenize(text: str) -> Tokens:
    """All tokens of text. Raises ParseError on a character that starts no token; the error is
    kept as an "error" token so that earlier commands are still read."""
    out = Tokens()
    kinds, texts, poss, ends, cols, nls = out.kind, out.text, out.pos, out.end, out.col, out.nl
    match, at, n, line_start, newline, prev_end = _TOKEN.match, 0, len(text), 0, True, -1
    while at < n:
        m = match(text, at)
        if m is None:
            _bad_token(out, text, at, at - line_start, newline)
            return out
        kind, end = m.lastgroup, m.end()
        if kind == "ws" or kind == "line":
            last = text.rfind("\n", at, end)
            if last >= 0:
                line_start, newline = last + 1, True
            at = end
            continue
        if kind == "block":
            try:
                end = _block_comment_end(text, at)
            except ParseError as error:
                _add(out, "error", error.message, error.pos, n, 0, newline)
                _add(out, "eof", "", n, n, 0, True)
                return out
            if text.startswith("/--", at) and not text.startswith("/--/", at):
                _add(out, "doc", text[at + 3 : end - 2], at, end, at - line_start, newline)
            last = text.rfind("\n", at, end)
            if last >= 0:
                line_start, newline = last + 1, True
            at = end
            continue
        word = m.group()
        if kind == "id":
            if word == "_":
                kind = "hole"
            elif word in KEYWORDS:
                kind = "kw"
            elif "«" in word:
                word = _unescape(word)
        elif kind == "dot":
            glued = prev_end == at and (kinds[-1] in _AFTER_TERM or texts[-1] in _CLOSERS)
            word = word[1:]
            if word[0].isdigit():
                if not glued:
                    raise ParseError(at, "unexpected token '.'; expected term")
                if kinds[-1] == "num":
                    kind = "decimal"
                else:
                    kind = "fieldidx"
            else:
                kind = "field" if glued else "dotid"
                if "«" in word:
                    word = _unescape(word)
        elif kind == "synth":
            word = word[1:]
        kinds.append(kind)
        texts.append(word)
        poss.append(at)
        ends.append(end)
        cols.append(at - line_start)
        nls.append(newline)
        newline = False
        if kind == "str" and "\n" in word:
            line_start = at + word.rfind("\n") + 1
        at = prev_end = end
    _add(out, "eof", "", n, n, n - line_start, True)
    return out


def _add(out: Tokens, kind: str, word: str, pos: int, end: int, col: int, nl: bool) -> None:
    out.kind.append(kind)
    out.text.append(word)
    out.pos.append(pos)
    out.end.append(end)
    out.col.append(col)
    out.nl.append(nl)


def _bad_token(out: Tokens, text: str, at: int, col: int, newline: bool) -> None:
    """Ends the list with an "error" token that the parser turns into a ParseError when it gets
    there.
    """
    message = "tabs are not allowed; please configure your editor to expand them"
    if text[at] != "\t":
        message = "unterminated string literal" if text[at] == '"' else "expected token"
    _add(out, "error", message, at, len(text), col, newline)
    _add(out, "eof", "", len(text), len(text), 0, True)


def _unescape(name: str) -> str:
    """`«a».b` → `a.b`; parts with dots or spaces inside «» are declined."""
    for part in re.findall("«([^»]*)»", name):
        if not re.fullmatch(f"[{_FIRST}][{_REST}]*", part):
            raise Declined("quoted identifier «…» that is no plain name")
    return name.replace("«", "").replace("»", "")


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


def string_value(token: str, pos: int) -> str:
    """The value of a string literal token with its quotes."""

    def escape(m: re.Match[str]) -> str:
        body = m.group(1)
        if body[0] in "xu":
            return chr(int(body[1:], 16))
        if body[0] == "\n":
            return ""
        if body not in _ESCAPES:
            raise ParseError(pos + m.start() + 1, "invalid escape sequence")
        return _ESCAPES[body]

    return re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|\n\s*|.)", escape, token[1:-1], flags=re.S)
