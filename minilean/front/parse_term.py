"""Terms of the Lean 4 subset: a Pratt parser with Lean's precedences and column rules.

Precedences and "lhs" precedences are those of `Init/Prelude.lean`, `Init/Core.lean` and
`Lean/Parser/Term.lean`. `self.col` is Lean's saved position (`withPosition`): arguments of an
application must stand to the right of it (`checkColGt`). Notation that Lean knows and minilean
lacks raises `Declined`; anything else raises `ParseError`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .errors import Declined
from .lexer import string_value
from .parse_local import LocalParser
from .parse_tokens import INFIX, LEAD, MAX, TERM_OPEN, TERM_START

_DECLINED_INFIX = frozenset(
    "⊆ ⊂ ∪ ∩ \\ <|> >>= <$> <*> *> <* >> ||| &&& ^^^ <<< >>> ≃ ≅ ≡ • ⊓ ⊔ ⬝ ↪ ↠ ⟶ ⊕ ⊗ ≪ ∆ ≺ ≼ ~ ⁻¹ "
    "⊇ ⊃ ᶜ ∤ ≫ ∙ ⊻".split()
)
_DECLINED_LEAD = frozenset(
    "∑ ∏ ∫ √ ‖ ⌊ ⌈ ⊤ ⊥ ⨆ ⨅ ∞ ∂ ⋃ ⋂ 𝓝 ⟦ #[ `( ``( ↑ ⇑ ↥ ~~~ %[ ∅ | ∥ ⋯ Σ Π ∃!".split()
)
_BINDER_OPEN = frozenset(("(", "{", "[", "⦃"))
_KEYWORD_MAX = frozenset(("fun", "Prop", "Type", "Sort", "sorry", "nofun", "do"))
_QUOTED_PREFIX = frozenset(("s!", "m!", "f!", "throwError"))


class TermParser(LocalParser):
    """Adds precedence climbing, brackets and atoms."""

    def term(self, prec: int = 0) -> S.Term:
        """A term of at least this precedence."""
        start = self.pos[self.i]
        left, have = self.leading(prec)
        if prec <= LEAD and have == MAX:
            args, dots = self.arguments()
            if args or dots:
                left, have = S.App(start, self.end(), left, args, dots), LEAD
        while True:
            kind, word = self.kind[self.i], self.text[self.i]
            if kind != "sym":
                return left
            info = INFIX.get(word)
            if info is None:
                if prec <= 10 and word in ("<|", "$", "|>", "|>."):
                    left, have = self.pipeline(start, left, word), 10
                    continue
                if word in _DECLINED_INFIX:
                    raise Declined(f"notation {word}", S.Hole(self.pos[self.i], self.ends[self.i]))
                return left
            op, op_prec, left_prec, right_prec = info
            if op_prec < prec or have < left_prec:
                return left
            self.i += 1
            right = self.term(right_prec)
            if op == "→":
                left = S.Arrow(start, self.end(), left, right)
            else:
                left = S.BinOp(start, self.end(), op, left, right)
            have = op_prec

    def pipeline(self, start: int, left: S.Term, word: str) -> S.Term:
        """`f <| x`, `f $ x`, `x |> f`, `x |>.f a`: plain applications."""
        self.i += 1
        if word in ("<|", "$"):
            right = self.term(10)
            return S.App(start, self.end(), left, [right])
        if word == "|>":
            return S.App(start, self.end(), self.term(11), [left])
        if self.kind[self.i] == "num":
            self.i += 1
            fn: S.Term = S.Proj(start, self.end(), left, int(self.text[self.i - 1]))
        else:
            fn = S.Proj(start, self.end(), left, self.ident())
        args, dots = self.arguments()
        return S.App(start, self.end(), fn, args, dots) if args or dots else fn

    def arguments(self) -> tuple[list, bool]:
        """Arguments of an application: terms, `(x := e)`, final `..`."""
        args: list = []
        while self.starts_argument():
            if self.at(".."):
                self.i += 1
                return args, True
            if self.at("(") and self.kind[self.i + 1] == "id" and self.text[self.i + 2] == ":=":
                start = self.pos[self.i]
                name = self.text[self.i + 1]
                self.i += 3
                value = self.term()
                self.expect(")")
                args.append(S.NamedArg(start, self.end(), name, value))
                continue
            args.append(self.term(MAX))
        return args, False

    def starts_argument(self) -> bool:
        i = self.i
        kind = self.kind[i]
        if kind == "sym":
            word = self.text[i]
            if word not in TERM_OPEN and word != "..":
                return False
            if word == "[" and self.glued():
                raise Declined("indexing notation a[i]", S.Hole(self.pos[i], self.ends[i]))
            if word == "!" and self.text[i + 1] == "[":
                return False
            if word == "·" and not self.cdots:
                return False
        elif kind == "kw":
            if self.text[i] not in _KEYWORD_MAX:
                return False
        elif kind not in TERM_START:
            return False
        return self.cols[i] > self.col and not self.glued_argument()

    def glued_argument(self) -> bool:
        """Lean wants white space before an argument (`checkWsBefore`)."""
        return self.glued() and self.text[self.i] not in ("(", "⟨", "‹", "@", "{", "¬")

    def leading(self, prec: int) -> tuple[S.Term, int]:
        """A term that starts here, and its precedence."""
        i = self.i
        kind, word, start = self.kind[i], self.text[i], self.pos[i]
        if kind == "id":
            if word in _QUOTED_PREFIX:
                raise Declined(f"string interpolation {word}", S.Hole(start, self.ends[i]))
            self.i += 1
            if self.at("@") and self.glued():
                self.i += 1
                pattern = self.term(MAX)
                return S.AsPattern(start, self.end(), word, pattern), MAX
            levels = self.level_args() if self.at(".{") else None
            return self.postfix(S.Ident(start, self.end(), word, levels)), MAX
        if kind == "num":
            self.i += 1
            if self.kind[self.i] == "decimal":
                raise Declined("decimal literal", S.Hole(start, self.ends[self.i]))
            base = 10 if word.isdigit() else 0
            return self.postfix(S.Num(start, self.end(), int(word, base))), MAX
        if kind == "hole":
            self.i += 1
            return self.postfix(S.Hole(start, self.end())), MAX
        if kind == "synth":
            self.i += 1
            return S.SynthHole(start, self.end(), None if word == "_" else word), MAX
        if kind == "str":
            self.i += 1
            return self.postfix(S.Str(start, self.end(), string_value(word, start))), MAX
        if kind == "dotid":
            self.i += 1
            return S.DotIdent(start, self.end(), word), MAX
        if kind in ("char", "decimal"):
            raise Declined(f"{'character' if kind == 'char' else 'decimal'} literal",
                           S.Hole(start, self.ends[i]))
        if prec <= 25 and word in _BINDER_OPEN and self.is_dependent_arrow():
            return self.dependent_arrow(start), 25
        if word in ("Type", "Sort") and kind == "kw":
            return self.sort(start, prec)
        handler = _LEADING.get(word) if kind in ("sym", "kw") else None
        if handler is not None:
            least, method = handler
            if least < prec:
                self.fail("term")
            return method(self, start), MAX if word in _MAX_RESULT else least
        if kind == "sym" and word in _DECLINED_LEAD:
            raise Declined(f"notation {word}", S.Hole(start, self.ends[i]))
        self.fail("term")
        raise AssertionError

    def postfix(self, term: S.Term) -> S.Term:
        """Field accesses glued to a term."""
        while True:
            kind = self.kind[self.i]
            if kind == "fieldidx":
                self.i += 1
                term = S.Proj(term.pos, self.end(), term, int(self.text[self.i - 1]))
            elif kind == "field":
                self.i += 1
                term = S.Proj(term.pos, self.end(), term, self.text[self.i - 1])
            elif kind == "sym" and self.text[self.i] in ("[", "⁻¹") and self.glued():
                raise Declined("indexing notation a[i]" if self.at("[") else "notation ⁻¹",
                               S.Hole(self.pos[self.i], self.ends[self.i]))
            else:
                return term

    def prop(self, start: int) -> S.Term:
        self.i += 1
        return S.SortT(start, self.end(), "Prop")

    def sort(self, start: int, prec: int) -> tuple[S.Term, int]:
        word = self.text[self.i]
        self.i += 1
        starts = self.kind[self.i] in ("num", "hole", "id") or self.at("(")
        if starts and prec <= LEAD and not self.glued() and self.cols[self.i] > self.col:
            level = self.level(MAX)
            return S.SortT(start, self.end(), word, level, True), LEAD
        return S.SortT(start, self.end(), word), MAX

    def parenthesis(self, start: int) -> S.Term:
        self.i += 1
        if self.accept(")"):
            return self.postfix(S.Tuple(start, self.end(), []))
        saved, self.col = self.col, -1
        holes: list[S.Ident] = []
        self.cdots.append(holes)
        inner = self.paren_body(start)
        self.cdots.pop()
        self.col = saved
        if holes:
            binders = [S.Binder(h.pos, h.end, [h.name], None) for h in holes]
            inner = S.Paren(start, self.end(), S.Lambda(start, self.end(), binders, inner))
        return self.postfix(inner)

    def paren_body(self, start: int) -> S.Term:
        first = self.term()
        if self.accept(":"):
            kind = None if self.at(")") else self.term()
            self.expect(")")
            return S.Ascription(start, self.end(), first, kind)
        if self.at(","):
            items = [first]
            while self.accept(","):
                items.append(self.term())
            self.expect(")")
            return S.Tuple(start, self.end(), items)
        self.expect(")")
        return S.Paren(start, self.end(), first)

    def centre_dot(self, start: int) -> S.Term:
        self.i += 1
        if not self.cdots:
            return S.CDot(start, self.end())
        holes = self.cdots[-1]
        holes.append(S.Ident(start, self.end(), f"x{len(holes) + 1}✝"))
        return S.Ident(start, self.end(), holes[-1].name)

    def anonymous(self, start: int) -> S.Term:
        self.i += 1
        items = self.comma_list("⟩")
        return self.postfix(S.Anon(start, self.end(), items))

    def list_literal(self, start: int) -> S.Term:
        self.i += 1
        items = self.comma_list("]")
        return self.postfix(S.ListLit(start, self.end(), items))

    def comma_list(self, close: str) -> list[S.Term]:
        saved, self.col = self.col, -1
        items: list[S.Term] = []
        while not self.at(close):
            items.append(self.term())
            if not self.accept(","):
                break
        self.expect(close)
        self.col = saved
        return items

    def brace(self, start: int) -> S.Term:
        self.i += 1
        if self.at("}"):
            raise Declined("notation {}", S.Hole(start, self.ends[self.i]))
        if self.kind[self.i] == "id" and self.text[self.i + 1] in (":", "//"):
            return self.subtype(start)
        saved, self.col = self.col, -1
        sources = self.struct_sources()
        fields: list[tuple[str, S.Term]] = []
        dots = False
        while not self.at("}") and not self.at(":"):
            if self.accept(".."):
                dots = True
                break
            name_pos = self.pos[self.i]
            name = self.ident("}")
            if self.accept(":="):
                fields.append((name, self.term()))
            elif self.text[self.i] in (",", "}") or self.nl[self.i]:
                fields.append((name, S.Ident(name_pos, self.end(), name)))
            else:
                raise Declined("set or structure notation {…}", S.Hole(start, self.end()))
            if not self.accept(",") and not self.nl[self.i]:
                break
        kind = self.term() if self.accept(":") else None
        self.expect("}")
        self.col = saved
        return self.postfix(S.StructInst(start, self.end(), sources, fields, kind, dots))

    def struct_sources(self) -> list[S.Term]:
        """`s, t with` at the start of a structure instance."""
        close = self.matching(self.i - 1)
        i = self.i
        while i < close and not (self.text[i] == "with" and self.kind[i] == "kw"):
            i = self.matching(i) + 1 if self.text[i] in ("(", "{", "⟨", "[") else i + 1
        if i >= close:
            if self.text[self.i + 1] not in (":=", "}", ",") and not self.at(".."):
                raise Declined("set notation {…}", S.Hole(self.pos[self.i], self.ends[self.i]))
            return []
        sources = [self.term()]
        while self.accept(","):
            sources.append(self.term())
        self.expect("with")
        return sources

    def subtype(self, start: int) -> S.Term:
        name = self.ident()
        kind = self.term() if self.accept(":") else None
        if not self.at("//"):
            raise Declined("set notation {x : T | p}", S.Hole(start, self.end()))
        self.expect("//")
        pred = self.term()
        self.expect("}")
        return S.SubtypeT(start, self.end(), name, kind, pred)

    def explicit(self, start: int) -> S.Term:
        self.i += 1
        fn = self.term(MAX)
        return S.Explicit(start, self.end(), fn)

    def french(self, start: int) -> S.Term:
        """`‹p›` is `(by assumption : p)`."""
        self.i += 1
        kind = self.term()
        self.expect("›")
        block = S.TacSeq(start, self.end(), [S.Tactic(start, self.end(), "assumption")])
        by = S.By(start, self.end(), block)
        return self.postfix(S.Ascription(start, self.end(), by, kind))

    def inaccessible(self, start: int) -> S.Term:
        self.i += 1
        inner = self.term()
        self.expect(")")
        return S.Inaccessible(start, self.end(), inner)

    def sorry(self, start: int) -> S.Term:
        self.i += 1
        return S.Sorry(start, self.end())

    def prefix(self, start: int) -> S.Term:
        word = self.text[self.i]
        self.i += 1
        arg = self.term({"¬": 40, "!": 40, "-": 75}[word])
        return S.UnOp(start, self.end(), word, arg)

    def by(self, start: int) -> S.Term:
        self.expect("by")
        tactics = self.tactic_seq()
        return S.By(start, self.end(), tactics)

    def tactic_seq(self) -> S.TacSeq:
        raise NotImplementedError

    def unsupported(self, start: int) -> S.Term:
        raise Declined(f"{self.text[self.i]} notation", S.Hole(start, self.ends[self.i]))


_MAX_RESULT = frozenset(("(", "⟨", "[", "{", "@", "‹", "·", ".(", "fun", "λ", "Prop",
                         "sorry", "nofun", "¬", "!"))
_P = TermParser
_LEADING: dict[str, tuple[int, Callable]] = {
    "(": (MAX, _P.parenthesis), "⟨": (MAX, _P.anonymous), "[": (MAX, _P.list_literal),
    "{": (MAX, _P.brace), "@": (MAX, _P.explicit), "‹": (MAX, _P.french), "·": (MAX, _P.centre_dot),
    ".(": (MAX, _P.inaccessible), "fun": (MAX, _P.function), "λ": (MAX, _P.function),
    "Prop": (MAX, _P.prop),
    "sorry": (MAX, _P.sorry), "nofun": (MAX, _P.nomatch), "¬": (MAX, _P.prefix),
    "!": (MAX, _P.prefix), "-": (75, _P.prefix), "∀": (LEAD, _P.forall),
    "forall": (LEAD, _P.forall),
    "∃": (LEAD, _P.exists), "exists": (LEAD, _P.exists), "have": (LEAD, _P.have_or_let),
    "let": (LEAD, _P.have_or_let), "show": (LEAD, _P.show), "suffices": (LEAD, _P.suffices),
    "match": (LEAD, _P.match), "nomatch": (LEAD, _P.nomatch), "if": (LEAD, _P.conditional),
    "calc": (LEAD, _P.calc), "by": (LEAD, _P.by), "do": (MAX, _P.unsupported),
    "return": (LEAD, _P.unsupported),
    "for": (LEAD, _P.unsupported), "unless": (LEAD, _P.unsupported),
}

