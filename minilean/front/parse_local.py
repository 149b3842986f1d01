"""Terms with keywords: match, if, have, let, show, suffices, calc.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .errors import Declined
from .parse_binders import BinderParser
from .parse_tokens import MAX, TERM_OPEN, TERM_START


class LocalParser(BinderParser):
    """Reads matches and local definitions."""

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
        column = self.cols[self.i] if self.nl[self.i] else None  # of a first step on its own line
        with self.position():
            start = self.pos[self.i]
            rel = self.term()
            proof = self.term() if self.accept(":=") else None
            steps.append(S.CalcStep(start, self.end(), rel, proof))
        at = self.cols[self.i]
        if self.kind[self.i] == "hole" or at > self.col or at == column:
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
            self.kind[self.i] in TERM_START or self.text[self.i] in TERM_OPEN)

    def calc(self, start: int) -> S.Term:
        self.i += 1
        steps = self.calc_steps()
        return S.Calc(start, self.end(), steps)

