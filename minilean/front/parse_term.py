"""Terms of the Lean 4 subset: a Pratt parser with Lean's precedences and column rules.

Precedences and "lhs" precedences are those of `Init/Prelude.lean`, `Init/Core.lean` and
`Lean/Parser/Term.lean`. `self.col` is Lean's saved position (`withPosition`): arguments of an
application must stand to the right of it (`checkColGt`). Notation that Lean knows and minilean lacks
raises `Declined`; anything else raises `ParseError`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, Tokens, string_value, tokenize

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
_DECLINED_INFIX = frozenset(
    "⊆ ⊂ ∪ ∩ \\ <|> >>= <$> <*> *> <* >> ||| &&& ^^^ <<< >>> ≃ ≅ ≡ • ⊓ ⊔ ⬝ ↪ ↠ ⟶ ⊕ ⊗ ≪ ∆ ≺ ≼ ~ ⁻¹ "
    "⊇ ⊃ ᶜ ∤ ≫ ∙ ⊻".split()
)
_DECLINED_LEAD = frozenset(
    "∑ ∏ ∫ √ ‖ ⌊ ⌈ ⊤ ⊥ ⨆ ⨅ ∞ ∂ ⋃ ⋂ 𝓝 ⟦ #[ `( ``( ↑ ⇑ ↥ ~~~ %[ ∅ | ∥ ⋯ Σ Π ∃!".split()
)
_BINDER_OPEN = frozenset(("(", "{", "[", "⦃"))
_TERM_START = frozenset(("id", "num", "str", "hole", "synth", "dotid", "char", "decimal"))
_TERM_OPEN = frozenset(("(", "⟨", "[", "{", "@", "‹", "·", ".(", "¬", "!", "∅", "#[", "⌊", "⌈", "√",
                        "λ"))
_KEYWORD_MAX = frozenset(("fun", "Prop", "Type", "Sort", "sorry", "nofun", "do"))
_QUOTED_PREFIX = frozenset(("s!", "m!", "f!", "throwError"))


class TermParser:
    """State over one text: token index `i`, saved column `col` (-1: none)."""

    def __init__(self, source: S.Source, tokens: Tokens | None = None):
        self.source = source
        tokens = tokens or tokenize(source.text)
        self.kind, self.text, self.pos = tokens.kind, tokens.text, tokens.pos
        self.ends, self.cols, self.nl = tokens.end, tokens.col, tokens.nl
        self.i = 0
        self.col = -1
        self.cdots: list[list[S.Ident]] = []

    # -- tokens ---------------------------------------------------------------------------------

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
            self.fail(f"'{text}'")

    def fail(self, expected: str) -> None:
        """Raises Lean's "unexpected …; expected …" at the next token."""
        kind, text, pos = self.kind[self.i], self.text[self.i], self.pos[self.i]
        if kind == "error":
            raise ParseError(pos, text)
        if kind == "eof":
            raise ParseError(pos, f"unexpected end of input; expected {expected}")
        if kind == "id":
            raise ParseError(pos, f"unexpected identifier; expected {expected}")
        shown = {"field": ".", "dotid": ".", "synth": "?", "fieldidx": "."}.get(kind, text)
        if kind == "num":
            raise ParseError(pos, f"unexpected numeral; expected {expected}")
        raise ParseError(pos, f"unexpected token '{shown}'; expected {expected}")

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

    # -- precedence climbing --------------------------------------------------------------------

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
            if word not in _TERM_OPEN and word != "..":
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
        elif kind not in _TERM_START:
            return False
        return self.cols[i] > self.col and not self.glued_argument()

    def glued_argument(self) -> bool:
        """Lean wants white space before an argument (`checkWsBefore`)."""
        return self.glued() and self.text[self.i] not in ("(", "⟨", "‹", "@", "{", "¬")

    # -- leading terms --------------------------------------------------------------------------

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

    # -- brackets -------------------------------------------------------------------------------

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

    # -- binders --------------------------------------------------------------------------------

    def is_dependent_arrow(self) -> bool:
        """Is the bracket here a binder followed by an arrow?"""
        i = self.i
        word = self.text[i]
        close = self.matching(i)
        if self.text[close + 1 : close + 2] not in (["→"], ["->"]):
            return False
        if word == "[":
            return True
        j = i + 1
        while self.kind[j] in ("id", "hole"):
            j += 1
        return j > i + 1 and self.text[j] == ":" and self.kind[j] == "sym"

    def dependent_arrow(self, start: int) -> S.Term:
        binder = self.bracketed_binder()
        if not (self.accept("→") or self.accept("->")):
            self.fail("'→'")
        body = self.term(25)
        return S.Forall(start, self.end(), [binder], body, True)

    def bracketed_binder(self) -> S.Binder:
        """`(x y : T := v)`, `{x : T}`, `⦃x : T⦄`, `[inst : C]`."""
        start, word = self.pos[self.i], self.text[self.i]
        saved, self.col = self.col, -1
        self.i += 1
        info, close = {"(": ("default", ")"), "{": ("implicit", "}"), "⦃": ("strict", "⦄"),
                       "[": ("inst", "]")}[word]
        double = word == "{" and self.at("{") and self.glued()
        if double:
            self.i += 1
            info = "strict"
        if word == "[":
            name = None
            if self.kind[self.i] in ("id", "hole") and self.text[self.i + 1] == ":":
                name = self.text[self.i]
                self.i += 2
            kind: S.Term | None = self.term()
            self.expect(close)
            self.col = saved
            return S.Binder(start, self.end(), [name], kind, info)
        names = self.binder_names()
        kind = self.term() if self.accept(":") else None
        default = None
        if word == "(" and self.accept(":="):
            default = self.term()
        self.expect(close)
        if double:
            self.expect("}")
        self.col = saved
        return S.Binder(start, self.end(), names, kind, info, None, default)

    def binder_names(self) -> list:
        names = []
        while self.kind[self.i] in ("id", "hole"):
            if self.kind[self.i] == "id" and "." in self.text[self.i]:
                raise ParseError(self.pos[self.i], "unexpected identifier; expected atomic identifier")
            names.append(self.text[self.i])
            self.i += 1
        if not names:
            self.fail("identifier")
        return names

    def binders(self, stop: str) -> list[S.Binder]:
        """Binders of a declaration, `have f (x : A) : …`, `∀`: brackets and bare names."""
        found: list[S.Binder] = []
        while True:
            kind, word = self.kind[self.i], self.text[self.i]
            if kind == "sym" and word in ("(", "{", "⦃", "["):
                found.append(self.bracketed_binder())
            elif kind in ("id", "hole"):
                found.append(S.Binder(self.pos[self.i], self.ends[self.i], [word], None))
                self.i += 1
            else:
                return found

    def quantifier_binders(self) -> tuple[list[S.Binder], Callable | None]:
        """Binders of ∀/∃: groups, or names with one shared `: T` or a binder predicate `< n`, `∈ s`."""
        found = self.binders(",")
        if not found:
            self.fail("binder")
        plain = all(b.type is None and b.info == "default" for b in found)
        if self.at(":"):
            if not plain:
                self.fail("','")
            self.i += 1
            kind = self.term()
            merged = S.Binder(found[0].pos, self.end(), [b.names[0] for b in found], kind)
            return [merged], None
        word = self.text[self.i]
        if plain and self.kind[self.i] == "sym" and word in ("<", ">", "≤", "≥", "≠", "∈", "∉", "<=",
                                                           ">="):
            op = INFIX[word][0]
            self.i += 1
            bound = self.term(51)
            end = self.end()

            def conditions() -> list[S.Term]:
                return [S.BinOp(b.pos, end, op, S.Ident(b.pos, b.end, b.names[0]), bound)
                        for b in found]

            return found, conditions
        return found, None

    def forall(self, start: int) -> S.Term:
        self.i += 1
        binders, conditions = self.quantifier_binders()
        self.expect(",")
        body = self.term()
        if conditions:
            for binder, condition in zip(reversed(binders), reversed(conditions()), strict=False):
                body = S.Arrow(condition.pos, self.end(), condition, body)
                body = S.Forall(start, self.end(), [binder], body)
            return body
        return S.Forall(start, self.end(), binders, body)

    def exists(self, start: int) -> S.Term:
        self.i += 1
        binders, conditions = self.quantifier_binders()
        self.expect(",")
        body = self.term()
        if conditions:
            for binder, condition in zip(reversed(binders), reversed(conditions()), strict=False):
                body = S.BinOp(condition.pos, self.end(), "∧", condition, body)
                body = S.Exists(start, self.end(), [binder], body)
            return body
        return S.Exists(start, self.end(), binders, body)

    # -- functions and matches ------------------------------------------------------------------

    def function(self, start: int) -> S.Term:
        self.i += 1
        if self.at("|"):
            alts = self.match_alts()
            return S.FunMatch(start, self.end(), alts)
        if self.accept("."):
            return S.NoMatch(start, self.end(), [], True)
        binders = self.function_binders()
        if not (self.accept("=>") or self.accept("↦")):
            self.fail("'=>'")
        body = self.term()
        return S.Lambda(start, self.end(), binders, body)

    def function_binders(self) -> list[S.Binder]:
        found: list[S.Binder] = []
        while not (self.at("=>") or self.at("↦") or self.at(":")):
            kind, word, start = self.kind[self.i], self.text[self.i], self.pos[self.i]
            if kind in ("id", "hole") and not (self.text[self.i + 1] == "@"):
                self.i += 1
                found.append(S.Binder(start, self.end(), [word], None))
            elif kind == "sym" and (word in ("{", "⦃", "[") or self.is_plain_binder()):
                found.append(self.bracketed_binder())
            elif self.starts_argument() or (kind == "sym" and word in _TERM_OPEN):
                pattern = self.term(MAX)
                found.append(S.Binder(start, self.end(), [], None, "default", pattern))
            else:
                break
        if not found:
            self.fail("function binder")
        if self.accept(":"):
            kind_term = self.term()
            for binder in found:
                binder.type = kind_term
        return found

    def is_plain_binder(self) -> bool:
        """`(x y : T)` or `(x)`, not a pattern."""
        if not self.at("("):
            return False
        j = self.i + 1
        while self.kind[j] in ("id", "hole"):
            j += 1
        one = j == self.i + 2
        return j > self.i + 1 and (self.text[j] == ":" or (one and self.text[j] == ")"))

    def match_alts(self, rhs: Callable | None = None) -> list[S.MatchAlt]:
        """`| p, q | p', q' => rhs` …, each `|` at or right of the first."""
        rhs = rhs or self.term
        alts = []
        with self.position():
            while self.at("|") and self.cols[self.i] >= self.col:
                start = self.pos[self.i]
                patterns = []
                while self.accept("|"):
                    row = [self.term()]
                    while self.accept(","):
                        row.append(self.term())
                    patterns.append(row)
                if not (self.accept("=>") or self.accept("↦")):
                    self.fail("'=>'")
                value = rhs()
                alts.append(S.MatchAlt(start, self.end(), patterns, value))
        if not alts:
            self.fail("'|'")
        return alts

    def match_head(self) -> tuple[list, S.Term | None]:
        """What stands between `match` and `with`."""
        motive = None
        if self.at("(") and self.text[self.i + 1] == "motive" and self.text[self.i + 2] == ":=":
            self.i += 3
            motive = self.term()
            self.expect(")")
        if self.at("(") and self.text[self.i + 1] == "generalizing":
            raise Declined("match (generalizing := …)")
        discrs = []
        while True:
            name = None
            if self.kind[self.i] in ("id", "hole") and self.text[self.i + 1] == ":":
                name = self.text[self.i]
                self.i += 2
            discrs.append((name, self.term()))
            if not self.accept(","):
                break
        self.expect("with")
        return discrs, motive

    def match(self, start: int) -> S.Term:
        self.i += 1
        discrs, motive = self.match_head()
        alts = self.match_alts()
        return S.Match(start, self.end(), discrs, alts, motive)

    def nomatch(self, start: int) -> S.Term:
        fun_form = self.text[self.i] == "nofun"
        self.i += 1
        discrs = []
        if not fun_form:
            discrs.append(self.term())
            while self.accept(","):
                discrs.append(self.term())
        return S.NoMatch(start, self.end(), discrs, fun_form)

    def conditional(self, start: int) -> S.Term:
        self.i += 1
        if self.at("let"):
            raise Declined("if let")
        name = None
        if self.kind[self.i] in ("id", "hole") and self.text[self.i + 1] == ":":
            name = self.text[self.i]
            self.i += 2
        cond = self.term()
        self.expect("then")
        then = self.term()
        self.expect("else")
        els = self.term()
        return S.If(start, self.end(), name, cond, then, els)

    # -- local definitions ----------------------------------------------------------------------

    def local_decl(self) -> tuple:
        """(name, binders, type, value, pattern) of `have`/`let`, from after the keyword."""
        if self.kind[self.i] == "id" and self.text[self.i] == "rec":
            raise Declined("let rec")
        name, pattern = None, None
        saved_i = self.i
        if self.kind[self.i] in ("id", "hole"):
            name = self.text[self.i]
            self.i += 1
            if not self.local_decl_goes_on():
                self.i = saved_i
                name, pattern = None, self.term()
        elif self.at("⟨") or (self.at("(") and not self.is_plain_binder()) or self.at("@"):
            pattern = self.term(MAX)
        binders = [] if pattern is not None else self.binders(":")
        kind = self.term() if self.accept(":") else None
        if self.at("|"):
            alts = self.match_alts()
            value: S.Term = S.FunMatch(alts[0].pos, self.end(), alts)
        elif self.accept("from"):
            value = self.term()
        elif self.at(":="):
            self.i += 1
            value = self.term()
        else:
            value = None
        return name, binders, kind, value, pattern

    def local_decl_goes_on(self) -> bool:
        kind, word = self.kind[self.i], self.text[self.i]
        if kind in ("id", "hole", "eof", "kw"):
            return True
        return word in (":", ":=", "(", "{", "[", "⦃", "|", ";", ")") or self.nl[self.i]

    def body(self) -> S.Term:
        """The body of `have`/`let`/`suffices`: after `;` or on a new line."""
        self.accept(";")
        return self.term()

    def have_or_let(self, start: int) -> S.Term:
        node = S.Have if self.text[self.i] == "have" else S.Let
        with self.position():
            self.i += 1
            name, binders, kind, value, pattern = self.local_decl()
            if value is None:
                self.fail("':='")
        body = self.body()
        return node(start, self.end(), name, binders, kind, value, body, pattern)

    def show(self, start: int) -> S.Term:
        self.i += 1
        kind = self.term()
        value = self.from_or_by("'from' or 'by'")
        if value is None:
            value = self.body()
        return S.Show(start, self.end(), kind, value)

    def from_or_by(self, expected: str) -> S.Term | None:
        if self.accept("from"):
            return self.term()
        if self.at("by"):
            return self.by(self.pos[self.i])
        if self.accept(":="):
            return self.term()
        self.fail(expected)
        return None

    def suffices_head(self) -> tuple:
        """(name, type, value or None)"""
        name = None
        if self.kind[self.i] in ("id", "hole") and self.text[self.i + 1] == ":":
            name = self.text[self.i]
            self.i += 2
        elif self.at("⟨"):
            raise Declined("suffices with a pattern")
        kind = self.term()
        value = None
        if self.accept("from"):
            value = self.term()
        elif self.at("by"):
            value = self.by(self.pos[self.i])
        return name, kind, value

    def suffices(self, start: int) -> S.Term:
        with self.position():
            self.i += 1
            name, kind, value = self.suffices_head()
            if value is None:
                self.fail("'from' or 'by'")
        body = self.body()
        return S.Suffices(start, self.end(), name, kind, value, body)

    def calc_steps(self) -> list[S.CalcStep]:
        steps = []
        with self.position():
            start = self.pos[self.i]
            rel = self.term()
            proof = self.term() if self.accept(":=") else None
            steps.append(S.CalcStep(start, self.end(), rel, proof))
        if self.kind[self.i] == "hole" or self.cols[self.i] > self.col:
            with self.position():
                while self.starts_calc_step():
                    start = self.pos[self.i]
                    rel = self.term()
                    self.expect(":=")
                    proof = self.term()
                    steps.append(S.CalcStep(start, self.end(), rel, proof))
        return steps

    def starts_calc_step(self) -> bool:
        if not self.nl[self.i] and self.kind[self.i] != "hole":
            return False
        return self.cols[self.i] >= self.col and (
            self.kind[self.i] in _TERM_START or self.text[self.i] in _TERM_OPEN)

    def calc(self, start: int) -> S.Term:
        self.i += 1
        steps = self.calc_steps()
        return S.Calc(start, self.end(), steps)

    # -- small things ---------------------------------------------------------------------------

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
    "!": (MAX, _P.prefix), "-": (75, _P.prefix), "∀": (LEAD, _P.forall), "forall": (LEAD, _P.forall),
    "∃": (LEAD, _P.exists), "exists": (LEAD, _P.exists), "have": (LEAD, _P.have_or_let),
    "let": (LEAD, _P.have_or_let), "show": (LEAD, _P.show), "suffices": (LEAD, _P.suffices),
    "match": (LEAD, _P.match), "nomatch": (LEAD, _P.nomatch), "if": (LEAD, _P.conditional),
    "calc": (LEAD, _P.calc), "by": (LEAD, _P.by), "do": (MAX, _P.unsupported),
    "return": (LEAD, _P.unsupported),
    "for": (LEAD, _P.unsupported), "unless": (LEAD, _P.unsupported),
}
