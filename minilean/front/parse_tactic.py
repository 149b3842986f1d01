"""Tactic blocks: columns, bullets, combinators.

What follows a tactic's name is read by `parse_tactic_args.py`. Tactics that Lean or Mathlib know
and minilean lacks raise `Declined` with their name.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from typing import NoReturn

from . import syntax as S
from .lexer import ParseError
from .parse_tactic_args import TACTICS, TacticArgParser

_KEYWORD_TACTICS = ("have", "let", "suffices", "show", "match", "if", "calc", "nomatch", "nofun",
                    "sorry", "exists", "open", "set_option")

DECLINED_TACTICS = frozenset(
    """abel abel_nf aesop and_intros apply? apply_assumption apply_mod_cast assumption_mod_cast
    bound bv_check bv_decide bv_normalize bv_omega cases_type cc choose classical clean clear_value
    compute_degree congrm continuity contrapose contrapose! conv conv' convert convert_to cutsat
    dbg_trace decide! decreasing_tactic decreasing_with delta dsimp! dsimp? eapply econstructor else
    eq_refl erw eta_expand exact? exact_mod_cast exacts existsi ext1 fail fail_if_no_progress
    fail_if_success false_or_by_contra fapply fconstructor field_simp fin_cases find finiteness
    fun_cases fun_induction fun_prop funext? gcongr grind group guard_expr guard_hyp guard_target
    have' haveI hint inhabit interval_cases intros! introv itauto iterate' let' letI lia lift
    linarith linear_combination linear_combination2 measurability mod_cases module monicity mono
    move_add mspec mvcgen native_decide nlinarith nofun! noncomm_ring nontriviality norm_cast
    norm_cast0 norm_num norm_num1 nth_rewrite nth_rw observe obviously omega on_goal order pick_goal
    polyrith positivity pull_cast push_cast push_neg qify rcongr recover reduce_mod_char refine_lift
    rel replace rify ring ring! ring1 ring_nf rotate_left rotate_right rw? rw_mod_cast rwa? set
    show_term simp! simp? simp_all! simp_all? simp_all_arith simp_arith simp_intro simp_rw simp_wf
    simpa! simpa? sleep slim_check solve solve_by_elim split_ands split_ifs squeeze_simp stop
    subsingleton subst_eqs suffices' suggest swap swap_var tauto trace trace_state transitivity triv
    trivial! try_this type_check unfold_let unfold_projs unhygienic with_reducible
    with_reducible_and_instances with_unfolding_all wlog zify""".split()
)


class TacticParser(TacticArgParser):
    """Adds tactic blocks to the term parser."""

    def tactic_seq(self) -> S.TacSeq:
        """A block: `{ … }`, or tactics at one column or separated by `;`, not left of
        `self.col`.
        """
        start = self.tok
        if self.at("{"):
            return self.braced_seq()
        if start.col < self.col and start.kind != "eof":
            self.no_block()
        return self.node(S.TacSeq, start, self.indented_tactics())

    def no_block(self) -> NoReturn:
        raise ParseError(self.tok.pos, "expected '{' or indented tactic sequence")

    def indented_tactics(self) -> list[S.Tactic]:
        """One or more tactics at the column of the first, or separated by `;`."""
        tactics: list[S.Tactic] = []
        with self.position():
            while self.starts_tactic():
                tactics.append(self.tactic())
                if self.accept(";"):
                    self.check_after_semicolon()
                elif not self.tok.first or self.tok.col != self.col:
                    break
        if not tactics and self.tok.kind == "kw":
            self.no_block()
        return tactics or self.fail("'{' or tactic")

    def check_after_semicolon(self) -> None:
        """A tactic, or what may stand after the last `;` of a block."""
        tok = self.tok
        ends = tok.kind in ("eof", "kw") or tok.col < self.col or tok.text in (")", "}", "⟩", ",")
        if not ends and not self.starts_tactic():
            self.fail("tactic")

    def braced_seq(self) -> S.TacSeq:
        start = self.take()
        tactics = [] if self.at("}") else self.indented_tactics()
        self.expect("}")
        return self.node(S.TacSeq, start, tactics)

    def starts_tactic(self) -> bool:
        return self.tok.kind == "id" or self.at("·", ".", "(", "{", "∃", *_KEYWORD_TACTICS)

    def tactic(self) -> S.Tactic:
        """One tactic with its `<;>` chain (left associative)."""
        left = self.simple_tactic()
        while self.accept("<;>"):
            left = self.node(S.Tactic, left, "<;>", (left, self.simple_tactic()))
        return left

    def simple_tactic(self) -> S.Tactic:
        start = self.tok
        if self.accept("·", "."):
            return self.node(S.Tactic, start, "·", (self.tactic_seq(),))
        if self.accept("("):
            block = self.node(S.TacSeq, self.tok, self.indented_tactics())
            self.expect(")")
            return self.node(S.Tactic, start, "paren", (block,))
        if self.at("{"):
            block = self.braced_seq()
            close = S.Hole(block.end - 1, block.end)
            return self.node(S.Tactic, start, "·", (block, close))
        if start.kind == "id" and start.text in DECLINED_TACTICS:
            self.decline(f"tactic {start.text}")
        if start.kind not in ("id", "kw") or start.text not in TACTICS:
            self.no_tactic()
        self.i += 1
        return self.node(S.Tactic, start, start.text, TACTICS[start.text](self))

    def no_tactic(self) -> NoReturn:
        """Fails at what is no tactic's name."""
        if self.tok.kind == "id" and self.tok.text.split(".")[0] not in TACTICS:
            raise ParseError(self.tok.pos + 1, "unknown tactic")
        self.fail("tactic")
