"""Terms with keywords: match, if, have, let, show, suffices, calc.

A method for a term is called after its keyword `start` has been read.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .errors import Declined
from .lexer import Token
from .parse_binders import BinderParser
from .parse_tokens import MAX, NAME, TERM_OPEN, TERM_START


class LocalParser(BinderParser):
    """Reads matches and local definitions."""

    # -- match ----------------------------------------------------------------------------------

    def match_alts(self, rhs: Callable | None = None) -> list[S.MatchAlt]:
        """`| p, q | p', q' => rhs` …, each `|` at or right of the first."""
        def alt() -> S.MatchAlt:
            start, patterns = self.tok, []
            while self.accept("|"):
                patterns.append(self.comma_separated(self.term))
            self.expect("=>")
            value = (rhs or self.term)()
            return self.node(S.MatchAlt, start, patterns, value)
        return self.alternatives(alt) or self.fail("'|'")

    def match_head(self) -> tuple[list, S.Term | None]:
        """(terms with their names, motive) from what stands between `match` and `with`."""
        motive = None
        if self.ahead().text == "motive":
            motive = self.named_arg()
        if self.at("(") and self.ahead().text == "generalizing":
            raise Declined("match (generalizing := …)")
        discrs = self.labelled_terms()
        self.expect("with")
        return discrs, motive and motive.value

    def labelled_terms(self) -> list[tuple[str | None, S.Term]]:
        """`h : e, e'` …: (name or None, term) pairs."""
        return self.comma_separated(lambda: (self.label(), self.term()))

    def match(self, start: Token) -> S.Term:
        discrs, motive = self.match_head()
        return self.node(S.Match, start, discrs, self.match_alts(), motive)

    def nomatch(self, start: Token) -> S.Term:
        return self.node(S.NoMatch, start, self.comma_separated(self.term))

    def conditional(self, start: Token) -> S.Term:
        if self.at("let"):
            raise Declined("if let")
        name, cond = self.label(), self.term()
        self.expect("then")
        then = self.term()
        self.expect("else")
        return self.node(S.If, start, name, cond, then, self.term())

    # -- have, let, show, suffices --------------------------------------------------------------

    def local_decl(self) -> tuple:
        """(name, binders, type, value, pattern) of `have`/`let`, from after the keyword."""
        if self.at("rec"):
            raise Declined("let rec")
        name = pattern = value = None
        if self.tok.kind in NAME and self.names_local_decl():
            name = self.take().text
        elif self.tok.kind in NAME:
            pattern = self.term()
        elif self.at("⟨", "@") or self.at("(") and not self.is_plain_binder():
            pattern = self.term(MAX)
        binders = [] if pattern is not None else self.binders()
        kind = self.optional_type()
        if self.at("|"):
            value = self.node(S.FunMatch, self.tok, self.match_alts())
        elif self.accept("from", ":="):
            value = self.term()
        return name, binders, kind, value, pattern

    def names_local_decl(self) -> bool:
        """Is the name here what is defined, and not the beginning of a pattern?"""
        after = self.ahead()
        return after.kind in ("id", "hole", "eof", "kw") or after.first or after.text in (
            ":", ":=", "(", "{", "[", "⦃", "|", ";", ")")

    def body(self) -> S.Term:
        """The body of `have`/`let`/`suffices`: after `;` or on a new line."""
        self.accept(";")
        return self.term()

    def have_or_let(self, start: Token) -> S.Term:
        with self.column(start.col):
            name, binders, kind, value, pattern = self.local_decl()
            if value is None:
                self.fail("':='")
        make = S.Have if start.text == "have" else S.Let
        return self.node(make, start, name, binders, kind, value, self.body(), pattern)

    def show(self, start: Token) -> S.Term:
        kind = self.term()
        return self.node(S.Show, start, kind, self.from_or_by() or self.fail("'from' or 'by'"))

    def from_or_by(self) -> S.Term | None:
        """The term after `from`, or a `by` block, if there is one."""
        start = self.tok
        if self.accept("by"):
            return self.by(start)
        return self.term() if self.accept("from") else None

    def suffices_head(self) -> tuple:
        """(name, type, value or None)"""
        name = self.label()
        if name is None and self.at("⟨"):
            raise Declined("suffices with a pattern")
        return name, self.term(), self.from_or_by()

    def suffices(self, start: Token) -> S.Term:
        with self.column(start.col):
            name, kind, value = self.suffices_head()
            if value is None:
                self.fail("'from' or 'by'")
        return self.node(S.Suffices, start, name, kind, value, self.body())

    # -- calc -----------------------------------------------------------------------------------

    def calc(self, start: Token) -> S.Term:
        return self.node(S.Calc, start, self.calc_steps())

    def calc_steps(self) -> list[S.CalcStep]:
        """The steps; the first may lack its proof, and the rest stand in a column of their own."""
        column = self.tok.col if self.tok.first else None  # of a first step on its own line
        with self.position():
            steps = [self.calc_step(proved=False)]
        at = self.tok.col
        if self.tok.kind == "hole" or at > self.col or at == column:
            with self.position():
                while self.starts_calc_step():
                    steps.append(self.calc_step())
        return steps

    def calc_step(self, proved: bool = True) -> S.CalcStep:
        start, proof = self.tok, None
        relation = self.term()
        if proved or self.at(":="):
            self.expect(":=")
            proof = self.term()
        return self.node(S.CalcStep, start, relation, proof)

    def starts_calc_step(self) -> bool:
        tok = self.tok
        if not tok.first and tok.kind != "hole":
            return False
        return tok.col >= self.col and (tok.kind in TERM_START or tok.text in TERM_OPEN)
