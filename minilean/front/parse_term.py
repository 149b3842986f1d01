"""Terms of the Lean 4 subset: a Pratt parser with Lean's precedences and column rules.

Precedences and "lhs" precedences are those of `Init/Prelude.lean`, `Init/Core.lean` and
`Lean/Parser/Term.lean`. `self.col` is Lean's saved position (`withPosition`): arguments of an
application must stand to the right of it (`checkColGt`). What begins with a word is in grammar.txt.
Notation that Lean knows and minilean lacks raises `Declined`; anything else raises `ParseError`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .lexer import Token, number_value, string_value
from .notation import INFIX, LEAD, MAX, WORDS
from .parse_binders import BinderParser

_DECLINED_INFIX = frozenset(WORDS["infix declined"])
_DECLINED = WORDS["symbols declined as arguments"] + WORDS["symbols declined as terms"]
_TERM_START = frozenset(("id", "num", "str", "hole", "synth", "dotid", "char"))


class TermParser(BinderParser):
    """Adds precedence climbing, brackets and atoms."""

    def term(self, prec: int = 0) -> S.Term:
        """A term of at least this precedence."""
        left, have = self.first_term(prec)
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
                elif word in ("<|", "|>"):
                    fn, arg = (left, right) if word == "<|" else (right, left)
                    left = self.node(S.App, left, fn, [arg])
                else:
                    left = self.node(S.BinOp, left, word, left, right)
                have = op_prec
            elif prec <= 10 and self.accept("|>."):
                field = self.num() if self.starts_num() else self.ident()
                left, have = self.applied(self.node(S.Proj, left, left, field)), 10
            else:
                break
        return left

    # -- applications ---------------------------------------------------------------------------

    def applied(self, fn: S.Term) -> S.Term:
        """fn, applied to the arguments that stand here: terms, `(x := e)`, final `..`."""
        args: list[S.Term | S.NamedArg] = []
        ellipsis = False
        while not ellipsis and self.starts_argument():
            ellipsis = self.accept("..")
            if not ellipsis:
                named = self.at("(") and self.starts_NamedArg()
                args.append(self.NamedArg() if named else self.term(MAX))
        return self.node(S.App, fn, fn, args, ellipsis) if args or ellipsis else fn

    def argument(self) -> S.Term:
        return self.term(MAX)

    def starts_argument(self) -> bool:
        """May an argument or the final `..` begin here? Lean wants white space before it
        (`checkWsBefore`) and the column to fit."""
        if not self.starts_atom():
            return False
        tok, glued = self.tok, self.glued()
        if tok.text == "[" and glued:
            self.decline("indexing notation a[i]")
        if tok.text == "!" and self.ahead().text == "[" or tok.text == "·" and not self.cdots:
            return False
        return tok.col > self.col and not (
            glued and tok.text not in ("(", "⟨", "‹", "@", "{", "¬"))

    def starts_atom(self) -> bool:
        """May a term of the highest precedence begin here, whatever the column?"""
        kind, word = self.tokens[self.i][:2]
        return kind in _TERM_START or word in self.arguments and kind in ("sym", "kw")

    def fields(self, term: S.Term) -> S.Term:
        """term with the field accesses glued to it."""
        while self.tok.kind in ("fieldidx", "field"):
            tok = self.take()
            field = int(tok.text) if tok.kind == "fieldidx" else tok.text
            term = self.node(S.Proj, term, term, field)
        if self.at("[") and self.glued():
            self.decline("indexing notation a[i]")
        return term

    # -- what begins a term ---------------------------------------------------------------------

    def first_term(self, prec: int) -> tuple[S.Term, int]:
        """A term that starts here, without infix operators, and its precedence."""
        start = self.tok
        atom = _ATOMS.get(start.kind)
        if atom is not None:
            self.i += 1
            return atom(self, start), MAX
        if start.kind in ("sym", "kw"):
            for found, starts, read in self.leading.get(start.text, ()):
                if found >= prec and starts(self):
                    return read(self), found
        if self.at(*_DECLINED):
            self.decline(f"notation {self.tok.text}")
        self.fail("term")

    def identifier(self, start: Token) -> S.Term:
        glued = self.tok.pos == start.end
        if glued and self.tok.kind == "str":
            self.decline(f"string interpolation {start.text}")
        if glued and self.accept("@"):
            return self.node(S.AsPattern, start, start.text, self.term(MAX))
        levels = self.level_args() if self.at(".{") else None
        return self.node(S.Ident, start, start.text, levels)

    def number(self, start: Token) -> S.Term:
        if self.tok.kind == "fieldidx":
            self.decline("decimal literal", start)
        return self.node(S.Num, start, number_value(start.text))

    # -- universe levels ------------------------------------------------------------------------

    def level(self):
        """A universe level, as grammar.txt describes it."""
        left = self.level_max() if self.starts_level_max() else self.level_atom()
        while self.accept("+"):
            left = ("add", left, self.num())
        return left

    # -- brackets -------------------------------------------------------------------------------

    def parenthesis(self) -> S.Term:
        """`(t)`, `(t : T)`, `(a, b)`; with `·` inside, a function of what these stand for."""
        start, holes = self.take(), []
        self.cdots.append(holes)
        with self.anywhere():
            inner = self.in_parentheses(start)
        self.cdots.pop()
        if not holes:
            return inner
        binders = [S.Binder(h.pos, h.end, [h.name], None) for h in holes]
        return self.node(S.Paren, start, self.node(S.Lambda, start, binders, inner))

    def in_parentheses(self, start: Token) -> S.Term:
        items = self.terms()
        if len(items) == 1 and self.accept(":"):
            kind = self.decline("(e :)") if self.at(")") else self.term()
            self.expect(")")
            return self.node(S.Ascription, start, items[0], kind)
        self.expect(")")
        if len(items) == 1:
            return self.node(S.Paren, start, items[0])
        return self.node(S.Tuple, start, items)

    def centre_dot(self) -> S.Term:
        start = self.take()
        if not self.cdots:
            return self.node(S.CDot, start)
        holes = self.cdots[-1]
        holes.append(self.node(S.Ident, start, f"x{len(holes) + 1}✝"))
        return holes[-1]

    def french(self) -> S.Term:
        """`‹p›` is `(by assumption : p)`."""
        start, kind = self.take(), self.term()
        self.expect("›")
        block = self.node(S.TacSeq, start, [self.node(S.Tactic, start, "assumption")])
        return self.node(S.Ascription, start, self.node(S.By, start, block), kind)

    # -- calc -----------------------------------------------------------------------------------

    def calc_steps(self) -> list[S.CalcStep]:
        """The steps; the first may lack its proof, and the rest stand in a column of their own."""
        column = self.tok.col if self.tok.first else None  # of a first step on its own line
        with self.position():
            steps = [self.first_calc_step()]
        at = self.tok.col
        if self.tok.kind == "hole" or at > self.col or at == column:
            with self.position():
                while self.starts_calc_step():
                    steps.append(self.CalcStep())
        return steps

    def starts_calc_step(self) -> bool:
        tok = self.tok
        return (tok.first or tok.kind == "hole") and tok.col >= self.col and self.starts_atom()


# Called with the parser and the token, which has been read.
_ATOMS: dict[str, Callable[[TermParser, Token], S.Term]] = {
    "id": TermParser.identifier, "num": TermParser.number,
    "hole": lambda p, start: p.node(S.Hole, start),
    "synth": lambda p, start: p.node(S.SynthHole, start, None if start.text == "_" else start.text),
    "str": lambda p, start: p.node(S.Str, start, string_value(start.text)),
    "dotid": lambda p, start: p.node(S.DotIdent, start, start.text),
    "char": lambda p, start: p.decline("character literal", start),
}
