"""Tactic blocks: columns, bullets, combinators, locations, rcases patterns, alternatives.

The grammar is that of `Init/Tactics.lean` and `Lean/Parser/Tactic.lean` (rcases patterns:
`Init/RCases`). What follows a tactic's name is read by `parse_tactic_args.py`. Tactics that Lean or
Mathlib know and minilean lacks raise `Declined` with their name.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from . import syntax as S
from .errors import Declined
from .lexer import ParseError
from .parse_tactic_args import TACTICS
from .parse_term import MAX, TermParser

_KEYWORD_TACTICS = frozenset(("have", "let", "suffices", "show", "match", "if", "calc", "nomatch",
                              "nofun", "sorry", "exists", "open", "set_option"))

DECLINED_TACTICS = frozenset(
    """abel abel_nf aesop aesop_cat apply? apply_assumption apply_ext_theorem apply_mod_cast
    array_get_dec as_aux_lemma assumption_mod_cast bddDefault bitwise_assoc_tac bound bv_check
    bv_decide bv_normalize bv_omega by_elab cases_type cc cfc_tac checkpoint choose classical
    clean clear_aux_decl clear_value compute_degree congrm continuity contrapose contrapose! convert
    convert_to cutsat decreasing_tactic decreasing_with delta discrete_cases dsimp? dsimp! eapply
    econstructor else erw eta_expand exact? exact_mod_cast existsi fail_if_no_progress
    fail_if_success false_or_by_contra fapply fconstructor field_simp fin_cases find finiteness
    fun_cases fun_induction fun_prop gcongr get_elem_tactic group grind guard_expr guard_goal_nums
    guard_hyp guard_target haveI have' hint infer_param inhabit interval_cases introv
    isBoundedDefault itauto
    iterate' lift letI let' lia liftLets linarith linear_combination linear_combination2 map_tacs
    measurability mfld_set_tac mod_cases module monicity mono move_add native_decide nlinarith
    noncomm_ring nontriviality norm_cast norm_cast0 norm_fin norm_num norm_num1 nth_rewrite nth_rw
    observe obviously omega order pgame_wf_tac pick_goal polyrith positivity pull_cast push_cast
    push_neg qify rcongr recover reduce_mod_char refold_let refine_lift rel replace rify ring
    ring! ring1 ring_nf rsimp run_tac rw? rw_mod_cast rwa? set sfirstorder show_term simp? simp!
    simp_all? simp_all! simp_all_arith simp_arith simp_intro simp_rw simp_wf simpa! simpa?
    sizeOf_list_dec sleep slice_lhs slice_rhs slim_check smul_tac solve solve_by_elim
    split_ands split_ifs
    squeeze_simp stop subsingleton subst_eqs suggest suffices' swap swap_var tauto toFinite_tac
    trace trace_state transitivity trivial! try_this triv type_check unfold_let unfold_projs
    unhygienic unit_interval use_discharger volume_tac wlog with_panel with_reducible
    with_reducible_and_instances with_unfolding_all witt_truncate_fun_tac zify decide! conv'
    enat_to_nat bv_automata eq_refl exacts rotate_left rotate_right on_goal intros! mvcgen mspec
    ext1 funext? dbg_trace sorry_if_sorry nofun! fail and_intros""".split()
)


class TacticParser(TermParser):
    """Adds tactic blocks to the term parser."""

    def tactic_seq(self) -> S.TacSeq:
        """A block: `{ … }`, or tactics at one column or separated by `;`, not left of
        `self.col`.
        """
        start = self.pos[self.i]
        if self.at("{"):
            return self.braced_seq(start)
        if self.cols[self.i] < self.col:
            self.block_fail()
        with self.position():
            tactics = self.indented_tactics()
        return S.TacSeq(start, self.end(), tactics)

    def block_fail(self) -> None:
        """Nothing stands where a block should begin."""
        if self.kind[self.i] == "eof":
            self.fail("'{' or tactic")
        raise ParseError(self.pos[self.i], "expected '{' or indented tactic sequence")

    def indented_tactics(self) -> list[S.Tactic]:
        tactics = []
        first = True
        while True:
            if not self.starts_tactic():
                if first:
                    if self.kind[self.i] in ("eof", "kw"):
                        raise ParseError(self.pos[self.i],
                                         "unexpected end of input; expected '{' or tactic"
                                         if self.kind[self.i] == "eof" else
                                         "expected '{' or indented tactic sequence")
                    self.fail("'{' or tactic")
                return tactics
            tactics.append(self.tactic())
            first = False
            if self.at(";"):
                self.i += 1
                if not self.starts_tactic():
                    if self.kind[self.i] in ("eof",) or self.cols[self.i] < self.col:
                        return tactics
                    if self.kind[self.i] in ("kw",) or self.text[self.i] in (")", "}", "⟩", ","):
                        return tactics
                    self.fail("tactic")
                continue
            if not self.nl[self.i] or self.cols[self.i] != self.col:
                return tactics

    def braced_seq(self, start: int) -> S.TacSeq:
        self.expect("{")
        saved, self.col = self.col, -1
        tactics = []
        if not self.at("}"):
            with self.position():
                tactics = self.indented_tactics()
        self.expect("}")
        self.col = saved
        return S.TacSeq(start, self.end(), tactics)

    def starts_tactic(self) -> bool:
        kind, word = self.kind[self.i], self.text[self.i]
        if kind == "id":
            return True
        if kind == "sym":
            return word in ("·", ".", "(", "{", "∃")
        return kind == "kw" and word in _KEYWORD_TACTICS

    def tactic(self) -> S.Tactic:
        """One tactic with its `<;>` chain (left associative)."""
        start = self.pos[self.i]
        left = self.simple_tactic()
        while self.accept("<;>"):
            right = self.simple_tactic()
            left = S.Tactic(start, self.end(), "<;>", (left, right))
        return left

    def simple_tactic(self) -> S.Tactic:
        i = self.i
        kind, word, start = self.kind[i], self.text[i], self.pos[i]
        if kind == "sym" and word in ("·", "."):
            self.i += 1
            body = self.tactic_seq()
            return S.Tactic(start, self.end(), "·", (body,))
        if kind == "sym" and word == "(":
            self.i += 1
            saved, self.col = self.col, -1
            with self.position():
                body = S.TacSeq(self.pos[self.i], self.pos[self.i], self.indented_tactics())
            body.end = self.end()
            self.expect(")")
            self.col = saved
            return S.Tactic(start, self.end(), "paren", (body,))
        if kind == "sym" and word == "{":
            body = self.braced_seq(start)
            close = S.Hole(self.pos[self.i - 1], self.end())
            return S.Tactic(start, self.end(), "·", (body, close))
        if kind == "id" and word in DECLINED_TACTICS:
            raise Declined(f"tactic {word}", S.Hole(start, self.ends[i]))
        reader = TACTICS.get(word) if kind in ("id", "kw") else None
        if reader is None:
            if kind == "id":
                if "." in word and word.split(".")[0] in TACTICS:
                    self.fail("tactic")
                raise ParseError(start + 1, "unknown tactic")
            self.fail("tactic")
        self.i += 1
        args = reader(self)
        return S.Tactic(start, self.end(), word, args)

    # -- shared pieces --------------------------------------------------------------------------

    def location(self) -> S.Location | None:
        if not self.at("at"):
            return None
        start = self.pos[self.i]
        self.i += 1
        if self.accept("*"):
            return S.Location(start, self.end(), [], False, True)
        hyps, goal = [], False
        while True:
            if self.kind[self.i] == "id" and (self.cols[self.i] > self.col):
                self.i += 1
                hyps.append(S.Ident(self.pos[self.i - 1], self.end(), self.text[self.i - 1]))
            elif self.at("⊢") or self.at("|-"):
                self.i += 1
                goal = True
            else:
                break
        if not hyps and not goal:
            self.fail("identifier")
        return S.Location(start, self.end(), hyps, goal)

    def config(self) -> list[tuple[str, object]]:
        """`+opt`, `-opt`, `(opt := v)` after a tactic's name: (name, value) pairs."""
        options: list[tuple[str, object]] = []
        while True:
            if self.text[self.i] in ("+", "-") and self.kind[self.i + 1] == "id":
                options.append((self.text[self.i + 1], self.text[self.i] == "+"))
                self.i += 2
            elif self.at("(") and self.text[self.i + 2] == ":=":
                name = self.text[self.i + 1]
                self.i += 3
                options.append((name, self.term()))
                self.expect(")")
            else:
                return options

    def column_terms(self) -> list[S.Term]:
        """Argument-like terms to the right of the block's column."""
        terms = []
        while self.starts_argument():
            terms.append(self.term(MAX))
        return terms

    def comma_terms(self) -> list[S.Term]:
        terms = [self.term()]
        while self.accept(","):
            terms.append(self.term())
        return terms

    def names(self) -> list[str]:
        """Names and holes to the right of the block's column."""
        found = []
        while self.kind[self.i] in ("id", "hole") and self.cols[self.i] > self.col:
            found.append(self.text[self.i])
            self.i += 1
        return found

    def idents(self) -> list[S.Ident]:
        found = []
        while self.kind[self.i] == "id" and self.cols[self.i] > self.col:
            self.i += 1
            found.append(S.Ident(self.pos[self.i - 1], self.end(), self.text[self.i - 1]))
        return found

    def arrow(self) -> None:
        if not (self.accept("=>") or self.accept("↦")):
            self.fail("'=>'")

    # -- rcases patterns ------------------------------------------------------------------------

    def rcases_alts(self) -> S.RPat:
        """`p | q | r` with an optional `: type`."""
        start = self.pos[self.i]
        items = [self.rcases_one()]
        while self.accept("|"):
            items.append(self.rcases_one())
        pat = items[0] if len(items) == 1 else S.RPat(start, self.end(), "alts", "_", items)
        return pat

    def rcases_typed(self) -> S.RPat:
        start = self.pos[self.i]
        pat = self.rcases_alts()
        if self.accept(":"):
            kind = self.term()
            pat = S.RPat(start, self.end(), "typed", "_", [pat], kind)
        return pat

    def rcases_one(self) -> S.RPat:
        kind, word, start = self.kind[self.i], self.text[self.i], self.pos[self.i]
        if kind in ("id", "hole"):
            self.i += 1
            return S.RPat(start, self.end(), "one", word)
        if self.accept("-"):
            return S.RPat(start, self.end(), "one", "-")
        if self.accept("@"):
            inner = self.rcases_one()
            return S.RPat(start, self.end(), "explicit", "_", [inner])
        if self.accept("⟨"):
            items = []
            while not self.at("⟩"):
                items.append(self.rcases_typed())
                if not self.accept(","):
                    break
            self.expect("⟩")
            return S.RPat(start, self.end(), "tuple", "_", items)
        if self.accept("("):
            pat = self.rcases_typed()
            self.expect(")")
            return pat
        self.fail("rcases pattern")
        raise AssertionError

    def starts_rcases_pattern(self) -> bool:
        kind, word = self.kind[self.i], self.text[self.i]
        if self.cols[self.i] <= self.col:
            return False
        return kind in ("id", "hole") or (kind == "sym" and word in ("⟨", "(", "-", "@"))

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
        alts = []
        with self.position():
            while self.at("|") and self.cols[self.i] >= self.col:
                start = self.pos[self.i]
                lhs = []
                while self.accept("|"):
                    explicit = self.accept("@")
                    if self.kind[self.i] not in ("id", "hole"):
                        self.fail("identifier or '_'")
                    self.i += 1
                    name = self.text[self.i - 1]
                    lhs.append((name, self.names(), explicit))
                self.arrow()
                if self.kind[self.i] in ("hole", "synth"):
                    rhs: S.Node = self.term(MAX)
                else:
                    rhs = self.tactic_seq()
                alts.append(S.TacAlt(start, self.end(), lhs, rhs))
        return alts, before

    def elim_targets(self) -> list[tuple[str | None, S.Term]]:
        targets = []
        while True:
            name = None
            if self.kind[self.i] in ("id", "hole") and self.text[self.i + 1] == ":":
                name = self.text[self.i]
                self.i += 2
            targets.append((name, self.term()))
            if not self.accept(","):
                return targets
