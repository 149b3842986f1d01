"""Terms of the Lean 4 subset: a Pratt parser with Lean's precedences and column rules.

Precedences and "lhs" precedences are those of `Init/Prelude.lean`, `Init/Core.lean` and
`Lean/Parser/Term.lean`. `self.col` is Lean's saved position (`withPosition`): arguments of an
application must stand to the right of it (`checkColGt`). Notation that Lean knows and minilean
lacks raises `Declined`; anything else raises `ParseError`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from . import syntax as S
from .errors import Declined
from .lexer import Token, number_value, string_value
from .notation import INFIX, LEAD, MAX
from .parse_binders import BRACKETS
from .parse_local import LocalParser
from .parse_tokens import TERM_OPEN, TERM_START

_DECLINED_INFIX = frozenset(
    "⊆ ⊂ ∪ ∩ \\ <|> >>= <$> <*> *> <* >> ||| &&& ^^^ <<< >>> ≃ ≅ ≡ • ⊓ ⊔ ⬝ ↪ ↠ ⟶ ⊕ ⊗ ≪ ∆ ≺ ≼ ~ ⁻¹ "
    "⊇ ⊃ ᶜ ∤ ≫ ∙ ⊻".split()
)
_DECLINED_LEAD = frozenset(
    "∑ ∏ ∫ √ ‖ ⌊ ⌈ ⊤ ⊥ ⨆ ⨅ ∞ ∂ ⋃ ⋂ 𝓝 ⟦ #[ `( ``( ↑ ⇑ ↥ ~~~ %[ ∅ | ∥ ⋯ Σ Π ∃!".split()
)
_DO_NOTATION = ("do", "return", "for", "unless")
_KEYWORD_MAX = frozenset(("fun", "Prop", "Type", "Sort", "sorry", "nofun", "do"))
_QUOTED_PREFIX = ("s!", "m!", "f!", "throwError")
_PREFIX = {"¬": 40, "!": 40, "-": 75}


class TermParser(LocalParser):
    """Adds precedence climbing, brackets and atoms."""

    def term(self, prec: int = 0) -> S.Term:
        """A term of at least this precedence."""
        left, have = self.leading(prec)
        if have == MAX:
            left = self.fields(left)
            if prec <= LEAD and self.starts_argument():
                left, have = self.applied(left), LEAD
        while self.tok.kind == "sym":
            word = self.tok.text
            if word in _DECLINED_INFIX:
                self.decline(f"notation {word}")
            elif word in INFIX:
                op_prec, left_prec, right_prec = INFIX[word]
                if op_prec < prec or have < left_prec:
                    break
                self.i += 1
                right = self.term(right_prec)
                if word == "→":
                    left = self.node(S.Arrow, left, left, right)
                else:
                    left = self.node(S.BinOp, left, word, left, right)
                have = op_prec
            elif prec <= 10 and word in ("<|", "|>", "|>."):
                left, have = self.pipeline(left), 10
            else:
                break
        return left

    def pipeline(self, left: S.Term) -> S.Term:
        """`f <| x`, `x |> f`, `x |>.f a`: plain applications."""
        word = self.take().text
        if word == "<|":
            return self.node(S.App, left, left, [self.term(10)])
        if word == "|>":
            return self.node(S.App, left, self.term(11), [left])
        field = self.numeral() if self.tok.kind == "num" else self.ident()
        return self.applied(self.node(S.Proj, left, left, field))

    # -- applications ---------------------------------------------------------------------------

    def applied(self, fn: S.Term) -> S.Term:
        """fn, applied to the arguments that stand here: terms, `(x := e)`, final `..`."""
        args: list[S.Term | S.NamedArg] = []
        ellipsis = False
        while not ellipsis and self.starts_argument():
            ellipsis = self.accept("..")
            if not ellipsis:
                args.append(self.named_arg() or self.term(MAX))
        return self.node(S.App, fn, fn, args, ellipsis) if args or ellipsis else fn

    def named_arg(self) -> S.NamedArg | None:
        """`(x := e)`, if it stands here."""
        if not (self.at("(") and self.ahead().kind == "id" and self.ahead(2).text == ":="):
            return None
        start = self.take()
        name = self.ident()
        self.expect(":=")
        value = self.term()
        self.expect(")")
        return self.node(S.NamedArg, start, name, value)

    def starts_argument(self) -> bool:
        tok = self.tok
        if tok.kind == "sym":
            if tok.text not in TERM_OPEN and tok.text != "..":
                return False
            if tok.text == "[" and self.glued():
                self.decline("indexing notation a[i]")
            if tok.text == "!" and self.ahead().text == "[":
                return False
            if tok.text == "·" and not self.cdots:
                return False
        elif tok.kind == "kw":
            if tok.text not in _KEYWORD_MAX:
                return False
        elif tok.kind not in TERM_START:
            return False
        return tok.col > self.col and not self.glued_argument()

    def glued_argument(self) -> bool:
        """Lean wants white space before an argument (`checkWsBefore`)."""
        return self.glued() and self.tok.text not in ("(", "⟨", "‹", "@", "{", "¬")

    def fields(self, term: S.Term) -> S.Term:
        """term with the field accesses glued to it."""
        while self.tok.kind in ("fieldidx", "field"):
            tok = self.take()
            field = int(tok.text) if tok.kind == "fieldidx" else tok.text
            term = self.node(S.Proj, term, term, field)
        if self.at("[", "⁻¹") and self.glued():
            self.decline("indexing notation a[i]" if self.at("[") else "notation ⁻¹")
        return term

    # -- atoms ----------------------------------------------------------------------------------

    def leading(self, prec: int) -> tuple[S.Term, int]:
        """A term that starts here, and its precedence."""
        start = self.tok
        if self.at(*_QUOTED_PREFIX):
            self.decline(f"string interpolation {start.text}")
        atom = _ATOMS.get(start.kind)
        if atom is not None:
            self.i += 1
            return atom(self, start), MAX
        if prec <= 25 and self.at(*BRACKETS) and self.is_dependent_arrow():
            return self.dependent_arrow(), 25
        if self.at("Type", "Sort"):
            return self.sort(prec)
        if start.kind not in ("sym", "kw") or start.text not in _LEADING:
            self.no_term()
        least, method = _LEADING[start.text]
        if least < prec:
            self.fail("term")
        self.i += 1
        return method(self, start), least

    def no_term(self) -> NoReturn:
        """Declines what begins a term of Lean, but not of minilean; fails on anything else."""
        word = self.tok.text
        if self.tok.kind == "char":
            self.decline("character literal")
        if self.at(*_DO_NOTATION):
            self.decline(f"{word} notation")
        if self.at(*_DECLINED_LEAD):
            self.decline(f"notation {word}")
        self.fail("term")

    def name(self, start: Token) -> S.Term:
        if self.at("@") and self.glued():
            self.i += 1
            return self.node(S.AsPattern, start, start.text, self.term(MAX))
        levels = self.level_args() if self.at(".{") else None
        return self.node(S.Ident, start, start.text, levels)

    def number(self, start: Token) -> S.Term:
        if self.tok.kind == "fieldidx":
            self.decline("decimal literal", start)
        return self.node(S.Num, start, number_value(start.text))

    def sort(self, prec: int) -> tuple[S.Term, int]:
        start = self.take()
        if self.starts_level() and prec <= LEAD and not self.glued() and self.tok.col > self.col:
            return self.node(S.SortT, start, start.text, self.level(MAX), True), LEAD
        return self.node(S.SortT, start, start.text), MAX

    def prefix(self, start: Token) -> S.Term:
        return self.node(S.UnOp, start, start.text, self.term(_PREFIX[start.text]))

    def by(self, start: Token) -> S.Term:
        return self.node(S.By, start, self.tactic_seq())

    def tactic_seq(self) -> S.TacSeq:
        raise NotImplementedError

    # -- brackets -------------------------------------------------------------------------------

    def bracketed(self, close: str, read: Callable | None = None) -> list:
        """The terms between commas up to the bracket `close`."""
        with self.anywhere():
            return self.items_until(close, read or self.term)

    def parenthesis(self, start: Token) -> S.Term:
        if self.accept(")"):
            return self.node(S.Tuple, start, [])
        holes: list[S.Ident] = []
        self.cdots.append(holes)
        with self.anywhere():
            inner = self.paren_body(start)
        self.cdots.pop()
        if not holes:
            return inner
        binders = [S.Binder(h.pos, h.end, [h.name], None) for h in holes]
        return self.node(S.Paren, start, self.node(S.Lambda, start, binders, inner))

    def paren_body(self, start: Token) -> S.Term:
        items = self.comma_separated(self.term)
        if len(items) == 1 and self.accept(":"):
            kind = None if self.at(")") else self.term()
            self.expect(")")
            return self.node(S.Ascription, start, items[0], kind)
        self.expect(")")
        if len(items) == 1:
            return self.node(S.Paren, start, items[0])
        return self.node(S.Tuple, start, items)

    def centre_dot(self, start: Token) -> S.Term:
        if not self.cdots:
            return self.node(S.CDot, start)
        holes = self.cdots[-1]
        holes.append(self.node(S.Ident, start, f"x{len(holes) + 1}✝"))
        return holes[-1]

    def brace(self, start: Token) -> S.Term:
        """A structure instance or a subtype."""
        if self.at("}"):
            self.decline("notation {}", start)
        if self.tok.kind == "id" and self.ahead().text in (":", "//"):
            return self.subtype(start)
        with self.anywhere():
            sources = self.struct_sources()
            fields, ellipsis = self.struct_fields(start)
            kind = self.optional_type()
            self.expect("}")
        return self.node(S.StructInst, start, sources, fields, kind, ellipsis)

    def struct_sources(self) -> list[S.Term]:
        """`s, t with` at the start of a structure instance."""
        if self.at(".."):
            return []
        mark, sources = self.i, self.comma_separated(self.term)
        if self.accept("with"):
            return sources
        self.i = mark
        if self.ahead().text not in (":=", "}", ","):
            self.decline("set notation {…}")
        return []

    def struct_fields(self, start: Token) -> tuple[list[tuple[str, S.Term]], bool]:
        """(fields with their values, whether `..` ends them)"""
        fields: list[tuple[str, S.Term]] = []
        while not self.at("}", ":"):
            if self.accept(".."):
                return fields, True
            field = self.tok
            name = self.ident("}")
            if self.accept(":="):
                fields.append((name, self.term()))
            elif self.tok.text in (",", "}") or self.tok.first:
                fields.append((name, self.node(S.Ident, field, name)))
            else:
                raise Declined("set or structure notation {…}", S.Hole(start.pos, self.end()))
            if not self.accept(",") and not self.tok.first:
                break
        return fields, False

    def subtype(self, start: Token) -> S.Term:
        name, kind = self.ident(), self.optional_type()
        if not self.accept("//"):
            raise Declined("set notation {x : T | p}", S.Hole(start.pos, self.end()))
        pred = self.term()
        self.expect("}")
        return self.node(S.SubtypeT, start, name, kind, pred)

    def french(self, start: Token) -> S.Term:
        """`‹p›` is `(by assumption : p)`."""
        kind = self.term()
        self.expect("›")
        block = self.node(S.TacSeq, start, [self.node(S.Tactic, start, "assumption")])
        return self.node(S.Ascription, start, self.node(S.By, start, block), kind)

    def inaccessible(self, start: Token) -> S.Term:
        inner = self.term()
        self.expect(")")
        return self.node(S.Inaccessible, start, inner)


# Both are called with the parser and the token that begins the term, which has been read.
_P = TermParser
_ATOMS: dict[str, Callable[[TermParser, Token], S.Term]] = {
    "id": _P.name, "num": _P.number,
    "hole": lambda p, start: p.node(S.Hole, start),
    "synth": lambda p, start: p.node(S.SynthHole, start, None if start.text == "_" else start.text),
    "str": lambda p, start: p.node(S.Str, start, string_value(start.text)),
    "dotid": lambda p, start: p.node(S.DotIdent, start, start.text),
}
_LEADING: dict[str, tuple[int, Callable[[TermParser, Token], S.Term]]] = {
    "(": (MAX, _P.parenthesis), "{": (MAX, _P.brace), "‹": (MAX, _P.french),
    "⟨": (MAX, lambda p, start: p.node(S.Anon, start, p.bracketed("⟩"))),
    "[": (MAX, lambda p, start: p.node(S.ListLit, start, p.bracketed("]"))),
    "@": (MAX, lambda p, start: p.node(S.Explicit, start, p.term(MAX))),
    "Prop": (MAX, lambda p, start: p.node(S.SortT, start, "Prop")),
    "sorry": (MAX, lambda p, start: p.node(S.Sorry, start)),
    "nofun": (MAX, lambda p, start: p.node(S.NoMatch, start, [], True)),
    "·": (MAX, _P.centre_dot), ".(": (MAX, _P.inaccessible),
    "fun": (MAX, _P.function), "λ": (MAX, _P.function),
    "¬": (MAX, _P.prefix), "!": (MAX, _P.prefix), "-": (75, _P.prefix),
    "∀": (LEAD, _P.forall), "forall": (LEAD, _P.forall),
    "∃": (LEAD, _P.exists), "exists": (LEAD, _P.exists),
    "have": (LEAD, _P.have_or_let), "let": (LEAD, _P.have_or_let), "show": (LEAD, _P.show),
    "suffices": (LEAD, _P.suffices), "match": (LEAD, _P.match), "nomatch": (LEAD, _P.nomatch),
    "if": (LEAD, _P.conditional), "calc": (LEAD, _P.calc), "by": (LEAD, _P.by),
}
