"""What the grammar cannot say of terms and tactics: precedence climbing, `·`, chains of tactics.

Precedences and "lhs" precedences are those of `Init/Prelude.lean`, `Init/Core.lean` and
`Lean/Parser/Term.lean`. `self.col` is Lean's saved position (`withPosition`): arguments of an
application must stand to the right of it (`checkColGt`). Notation and tactics that Lean knows and
minilean lacks raise `Declined` with their name; anything else raises `ParseError`. A method gives
MISSING where nothing of what it reads begins.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from . import syntax as S
from .lexer import ParseError
from .notation import INFIX, LEAD, MAX, WORDS
from .parse_tokens import MISSING, TokenParser
from .setting import Setting

_DECLINED_INFIX = frozenset(WORDS["infix declined"])
_DECLINED_TACTICS = frozenset(WORDS["declined tactics"])


class TermParser(TokenParser):
    """Adds what the grammar calls, beside its own rules, to read terms and tactics."""

    # -- terms ----------------------------------------------------------------------------------

    def term(self, prec: int = 0) -> S.Term:
        """A term of at least this precedence."""
        left, have, tok = MISSING, 0, self.tok
        key = tok.text if tok.kind in ("sym", "kw") else tok.kind
        for have, read in self.leading.get(key, ()):
            left = read(self) if have >= prec else MISSING
            if left is not MISSING:
                break
        if have == MAX and left is not MISSING:
            left = self.fields(left)
            args, ellipsis = self.arguments() if prec <= LEAD else ([], False)
            if args or ellipsis:
                left, have = self.node(S.App, left, left, args, ellipsis), LEAD
        while left is not MISSING and self.tok.kind == "sym":
            op = self.tok.text
            if op in _DECLINED_INFIX:
                self.decline("notation …")
            op_prec, left_prec, right_prec = INFIX.get(op, (-1, 0, 0))
            if op_prec < prec or have < left_prec:
                break
            self.i += 1
            left = self.infix(op, left, self.need(self.term(right_prec)))
            have = op_prec
        return left

    def infix(self, op: str, left: S.Term, right: S.Term) -> S.Term:
        if op == "→":
            return self.node(S.Arrow, left, left, right)
        if op == "<|":
            return self.node(S.App, left, left, [right])
        if op == "|>":
            return self.node(S.App, left, right, [left])
        return self.node(S.BinOp, left, op, left, right)

    def fields(self, term: S.Term) -> S.Term:
        """term with the field accesses glued to it."""
        while self.tok.kind in ("fieldidx", "field"):
            tok = self.take()
            field = int(tok.text) if tok.kind == "fieldidx" else tok.text
            term = self.node(S.Proj, term, term, field)
        if self.glued() and self.at("["):
            self.decline("indexing notation")
        return term

    def parenthesis(self) -> S.Term:
        """`(t)`, `(t : T)`, `(a, b)`; with `·` inside, a function of what these stand for."""
        start = self.take()
        with Setting(self, "holes", ()), Setting(self, "col", -1):
            first, after = self.need(self.term()), self.after_first()
            holes = self.holes
        if after is MISSING:
            self.fail("')'")
        rest, kind = after
        if kind is not None:
            inner = self.node(S.Ascription, start, first, kind)
        elif rest:
            inner = self.node(S.Tuple, start, [first, *rest])
        else:
            inner = self.node(S.Paren, start, first)
        if not holes:
            return inner
        binders = [S.Binder(hole.pos, hole.end, [hole.name], None) for hole in holes]
        return self.node(S.Paren, start, self.node(S.Lambda, start, binders, inner))

    def centre_dot(self) -> S.Term:
        if self.holes is None:
            return MISSING
        hole = self.node(S.Ident, self.take(), f"x{len(self.holes) + 1}✝")
        self.holes += (hole,)
        return hole

    # -- tactics --------------------------------------------------------------------------------

    def tactic(self) -> S.Tactic:
        """One tactic with its `<;>` chain (left associative)."""
        left = self.simple_tactic()
        while left is not MISSING and self.accept("<;>"):
            right = self.need(self.simple_tactic())
            left = self.node(S.Tactic, left, "<;>", (left, right))
        return left

    def simple_tactic(self) -> S.Tactic:
        start = self.tok
        if start.kind not in ("id", "kw"):
            return self.block_tactic()
        if start.text in self.tactics:
            self.i += 1
            args = self.need(self.tactics[start.text](self))
            return self.node(S.Tactic, start, start.text, args)
        if start.text in _DECLINED_TACTICS:
            self.decline("tactic …")
        if start.kind == "kw" or start.text.split(".")[0] in self.tactics:
            return MISSING
        raise ParseError(start.pos + 1, "unknown tactic")
