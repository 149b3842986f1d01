"""What follows a tactic's name: locations, options, rcases patterns, alternatives, lemma lists.

The grammar is that of `Init/Tactics.lean` and `Lean/Parser/Tactic.lean` (rcases patterns:
`Init/RCases`). An entry of `TACTICS` takes the parser and returns the arguments that the tactic's
handler takes.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .errors import Declined
from .notation import MAX
from .parse_term import TermParser
from .parse_tokens import NAME, after, sequence


class TacticArgParser(TermParser):
    """Adds the pieces of tactics; `tactic` and `tactic_seq` come from `TacticParser`."""

    # -- names, terms, options ------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names and holes to the right of the block's column."""
        found = []
        while self.tok.kind in NAME and self.tok.col > self.col:
            found.append(self.take().text)
        return found

    def idents(self) -> list[S.Ident]:
        """Names to the right of the block's column."""
        found = []
        while self.tok.kind == "id" and self.tok.col > self.col:
            name = self.take()
            found.append(self.node(S.Ident, name, name.text))
        return found

    def comma_terms(self) -> list[S.Term]:
        return self.comma_separated(self.term)

    def column_terms(self) -> list[S.Term]:
        """Argument-like terms to the right of the block's column."""
        terms = []
        while self.starts_argument():
            terms.append(self.term(MAX))
        return terms

    def count(self) -> int | None:
        """A numeral on the same line."""
        return self.numeral() if self.tok.kind == "num" and not self.tok.first else None

    def location(self) -> S.Location | None:
        """`at h₁ h₂ ⊢`, `at *`"""
        start = self.tok
        if not self.accept("at"):
            return None
        if self.accept("*"):
            return self.node(S.Location, start, [], False, True)
        hyps, goal = self.idents(), self.accept("⊢")
        if not hyps and not goal:
            self.fail("identifier")
        return self.node(S.Location, start, hyps, goal)

    def config(self) -> list[tuple[str, object]]:
        """`+opt`, `-opt`, `(opt := v)` after a tactic's name: (name, value) pairs."""
        options: list[tuple[str, object]] = []
        while True:
            if self.at("+", "-") and self.ahead().kind == "id":
                sign = self.take().text
                options.append((self.ident(), sign == "+"))
            elif option := self.named_arg():
                options.append((option.name, option.value))
            else:
                return options

    # -- rcases patterns ------------------------------------------------------------------------

    def starts_rcases_pattern(self) -> bool:
        return self.tok.col > self.col and (
            self.tok.kind in NAME or self.at("⟨", "(", "-", "@"))

    def rcases_patterns(self) -> list[S.RPat]:
        """Patterns without `|`, to the right of the block's column."""
        found = []
        while self.starts_rcases_pattern():
            found.append(self.rcases_one())
        return found

    def rcases_alts(self) -> S.RPat:
        """`p | q | r`"""
        start, items = self.tok, [self.rcases_one()]
        while self.accept("|"):
            items.append(self.rcases_one())
        return items[0] if len(items) == 1 else self.node(S.RPat, start, "alts", "_", items)

    def rcases_typed(self) -> S.RPat:
        """`p | q : type`"""
        start, pat = self.tok, self.rcases_alts()
        kind = self.optional_type()
        return self.node(S.RPat, start, "typed", "_", [pat], kind) if kind else pat

    def rcases_one(self) -> S.RPat:
        start = self.tok
        if start.kind in NAME or self.at("-"):
            return self.node(S.RPat, start, "one", self.take().text)
        if self.accept("@"):
            return self.node(S.RPat, start, "explicit", "_", [self.rcases_one()])
        if self.accept("⟨"):
            return self.node(S.RPat, start, "tuple", "_", self.items_until("⟩", self.rcases_typed))
        if self.accept("("):
            pat = self.rcases_typed()
            self.expect(")")
            return pat
        self.fail("rcases pattern")

    # -- alternatives ---------------------------------------------------------------------------

    def induction_alts(self) -> tuple[list[S.TacAlt] | None, S.Tactic | None]:
        """(alternatives or None, tactic before them) of `with tac | c x y => tacs …`."""
        if not self.accept("with"):
            return None, None
        before = None
        if not self.at("|"):
            if not self.starts_tactic():
                self.fail("'|'")
            before = self.tactic()
        return self.alternatives(self.induction_alt), before

    def induction_alt(self) -> S.TacAlt:
        start, lhs = self.tok, []
        while self.accept("|"):
            explicit = self.accept("@")
            lhs.append((self.ident_or_hole(), self.names(), explicit))
        self.expect("=>")
        return self.node(S.TacAlt, start, lhs, self.alt_rhs())

    def alt_rhs(self) -> S.Node:
        """A tactic block, or a hole to be proved later."""
        if self.tok.kind in ("hole", "synth"):
            return self.term(MAX)
        return self.tactic_seq()

    def case_tags(self) -> list[tuple[str, list[str]]]:
        """`inl h | inr h` of `case`."""
        tags = [(self.ident_or_hole(), self.names())]
        while self.accept("|"):
            tags.append((self.ident_or_hole(), self.names()))
        return tags

    # -- lists in brackets ----------------------------------------------------------------------

    def rewrite_rules(self) -> list[S.RwRule]:
        self.expect("[")
        return self.bracketed("]", self.rewrite_rule)

    def rewrite_rule(self) -> S.RwRule:
        start = self.tok
        return self.node(S.RwRule, start, self.accept("←"), self.term())

    def simp_args(self) -> list[S.SimpArg] | None:
        return self.bracketed("]", self.simp_arg) if self.accept("[") else None

    def simp_arg(self) -> S.SimpArg:
        start = self.tok
        if self.accept("*"):
            return self.node(S.SimpArg, start, None, False, False, True)
        if self.accept("-"):
            return self.node(S.SimpArg, start, self.term(MAX), False, True)
        if self.accept("↓", "↑"):
            raise Declined("simp ↓/↑ lemma")
        symm = self.accept("←")
        return self.node(S.SimpArg, start, self.term(), symm)


_P = TacticArgParser


def _tactics(p) -> S.TacSeq:
    return p.tactic_seq()


def _without_options(name: str, *parts) -> Callable:
    """A reader of the parts which declines options of the tactic."""
    read = sequence(*parts)

    def checked(p) -> tuple:
        options = p.config()
        if options:
            raise Declined(f"{name} option {options[0][0]}")
        return read(p)
    return checked


def _intro(p) -> tuple:
    if p.at("|"):
        return [], p.match_alts(p.tactic_seq)
    if p.at("."):
        raise Declined("intro.")
    return p.column_terms(), None


_using = after("using", _P.term)


def _cases(p) -> tuple:
    return p.labelled_terms(), _using(p), *p.induction_alts()


def _induction(p) -> tuple:
    targets, using = p.labelled_terms(), _using(p)
    general = p.idents() if p.accept("generalizing") else []
    return targets, using, general, *p.induction_alts()


def _some_rcases_patterns(p) -> list[S.RPat]:
    return p.rcases_patterns() or p.fail("rcases pattern")


def _obtain_pattern(p) -> S.RPat | None:
    return p.rcases_alts() if p.starts_rcases_pattern() else None


def _change(p) -> tuple:
    term = p.term()
    if p.at("with"):
        raise Declined("change … with …")
    return term, p.location()


def _by_contra(p) -> tuple:
    if p.starts_rcases_pattern() and p.tok.kind not in NAME:
        raise Declined("by_contra with a pattern")
    names = p.names()
    return names[0] if names else None, p.optional_type()


def _generalized(p) -> tuple:
    """`h : e = x` as (h or None, e, x)"""
    name, value = p.label(), p.term(51)
    p.expect("=")
    return name, value, p.ident()


def _ext(p) -> tuple:
    pats = p.rcases_patterns()
    if p.at(":"):
        raise Declined("ext with a depth")
    return (pats,)


def _first(p) -> tuple:
    def alternative() -> S.TacSeq:
        p.expect("|")
        return p.tactic_seq()
    return (p.alternatives(alternative) or p.fail("'|'"),)


def _match(p) -> tuple:
    discrs, motive = p.match_head()
    return discrs, p.match_alts(p.alt_rhs), motive


def _only(p) -> bool:
    return p.accept("only")


def _open(p) -> tuple:
    raise Declined("tactic open … in")


_READERS = {
    "assumption rfl trivial contradiction exfalso done skip constructor left right subst_vars nofun"
    " sorry admit infer_instance ac_rfl": sequence(),
    "exact apply refine refine' specialize absurd": sequence(_P.term),
    "try repeat repeat' repeat1 all_goals any_goals focus": sequence(_tactics),
    "intro": _intro,
    "intros funext rename_i injections": sequence(_P.names),
    "revert clear": sequence(_P.idents),
    "exists use nomatch": sequence(_P.comma_terms),
    "subst": sequence(_P.column_terms),
    "rw rewrite rwa": _without_options("rw", _P.rewrite_rules, _P.location),
    "unfold": sequence(_P.idents, _P.location),
    "symm": sequence(_P.location),
    "simp dsimp": sequence(_P.config, _only, _P.simp_args, _P.location),
    "simpa": sequence(_P.config, _only, _P.simp_args, _using),
    "simp_all": sequence(_P.config, _only, _P.simp_args),
    "decide": _without_options("decide"),
    "cases": _cases,
    "induction": _induction,
    "rcases": sequence(_P.labelled_terms, after("with", _P.rcases_alts)),
    "obtain": sequence(_obtain_pattern, _P.optional_type, after(":=", _P.comma_terms)),
    "rintro": sequence(_some_rcases_patterns, _P.optional_type),
    "ext": _ext,
    "have let": _P.local_decl,
    "suffices": _P.suffices_head,
    "show": sequence(_P.term, _P.from_or_by),
    "change": _change,
    "by_cases": sequence(_P.label, _P.term),
    "by_contra": _by_contra,
    "injection": sequence(_P.term, lambda p: p.names() if p.accept("with") else []),
    "generalize": sequence(lambda p: p.comma_separated(lambda: _generalized(p)), _P.location),
    "congr": sequence(_P.count),
    "split": sequence(lambda p: p.term(MAX) if p.starts_argument() else None, _P.location),
    "rename": sequence(_P.term, "=>", _P.ident),
    "first": _first,
    "iterate": sequence(_P.count, _tactics),
    "case case'": sequence(_P.case_tags, "=>", _tactics),
    "next": sequence(_P.names, "=>", _tactics),
    "match": _match,
    "if": sequence(_P.label, _P.term, "then", _tactics, "else", _tactics),
    "calc": sequence(_P.calc_steps),
    "open set_option": _open,
}
TACTICS: dict[str, Callable[[TacticArgParser], tuple]] = {
    name: read for names, read in _READERS.items() for name in names.split()
}
