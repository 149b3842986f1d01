"""One-line proof scripts that need no search: the bar that the generated theorems must clear.

A theorem that one of these scripts proves teaches a search nothing. benchmarks/portfolio.py runs
all of them over the whole test set, tests/local/test_portfolio.py over a sample; both must be run
again whenever the checker learns a tactic (what it declines counts as not proved). PORTFOLIO knows
no name but n and xs, the generated theorems' induction variables; the walks of a theorem go through
its own hypotheses by name, with metavariables for what they cannot know. Both count.
Run: python -m benchmarks.portfolio --config configs/local.yaml
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from local import families_check

log = logging.getLogger("portfolio")

SAFE = ("first | assumption | rfl | contradiction | intro _ | constructor"
        " | (cases ‹_ ∧ _›) | (cases ‹_ ∨ _›) | (cases ‹∃ _, _›)")
AC = "Nat.add_comm, Nat.add_left_comm, Nat.add_assoc, Nat.mul_comm"
LISTS = "List.append_assoc, List.map_append, List.reverse_append, List.length_append"

TIMEOUT_S = 1.0  # a script; stock Lean would stop most of these much earlier
LIMIT = 0.2  # of the test theorems may be proved by a script

PORTFOLIO: dict[str, str] = {
    # closing tactics
    "assumption": "assumption",
    "rfl": "rfl",
    "trivial": "trivial",
    "contradiction": "contradiction",
    "decide": "decide",
    "omega": "omega",
    "simp": "simp",
    "simp_all": "simp_all",
    "intros_simp_all": "intros; simp_all",
    "intros_omega": "intros; omega",
    "grind": "grind",
    "aesop": "aesop",
    "tauto": "tauto",
    "solve_by_elim": "solve_by_elim",
    # simplification with what looks helpful
    "simp_ac": f"simp_all [{AC}]",
    "simp_lists": f"simp_all [{LISTS}, {AC}]",
    "simp_hyps": "simp [*]",
    "simp_hyps_at": "simp at *",
    "simp_hyps_at_all": "simp [*] at *",
    "simp_omega": "simp_all <;> omega",
    # chains in the manner of tauto
    "repeat_safe": f"repeat ({SAFE})",
    "repeat_safe_left": f"repeat ({SAFE} | left)",
    "repeat_safe_right": f"repeat ({SAFE} | right)",
    "repeat_safe_simp": f"repeat ({SAFE} | simp_all)",
    "constructor_simp": "constructor <;> simp_all",
    "refine_first": "intros; refine ⟨_, ?_⟩ <;> assumption",
    "left_simp": "left; simp_all",
    "right_simp": "right; simp_all",
    "split_first_simp": "(cases ‹_ ∨ _›) <;> simp_all",
    # inductions
    "induct_any": "first | (induction n <;> simp_all) | (induction xs <;> simp_all)"
                  " | (intro n; induction n <;> simp_all) | (intro xs; induction xs <;> simp_all)",
    "induct_nat": "induction n <;> simp_all",
    "induct_intro_nat": "intro n; induction n <;> simp_all",
    "induct_list": "induction xs <;> simp_all",
    "induct_intro_list": "intro xs; induction xs <;> simp_all",
}

# the strongest, and what is cheap
SCREEN = ("assumption", "simp_ac", "repeat_safe_simp", "constructor_simp", "induct_any")
SCREEN_WALKS = ("rules_simp", "rules_simp_down", "rules_safe", "rules_safe_down", "rw", "rw_down",
                "rw_back", "rw_back_down")
SCREEN_TIMEOUT_S = 0.3


def walks(hypotheses: Sequence[str]) -> dict[str, str]:
    """Chains through the hypotheses (at least one) by name, in their order and against it."""
    out = {f"simpa_{h}": f"simpa using {h}" for h in hypotheses}
    for suffix, names in (("", list(hypotheses)), ("_down", list(hypotheses)[::-1])):
        rules = " | ".join(f"apply {h}" for h in names)
        rewrites = " | ".join(f"rw [{h}]" for h in names)
        back = " | ".join(f"rw [← {h}]" for h in names)
        out |= {
            f"rules{suffix}": f"repeat (first | assumption | intro _ | {rules})",
            f"rules_safe{suffix}": f"repeat ({SAFE} | {rules})",
            f"rules_left{suffix}": f"repeat ({SAFE} | {rules} | left)",
            f"rules_right{suffix}": f"repeat ({SAFE} | {rules} | right)",
            f"rules_simp{suffix}": f"repeat (first | assumption | {rules}) <;> simp_all",
            f"rw{suffix}": f"repeat (first | assumption | rfl | {rewrites})",
            f"rw_back{suffix}": f"repeat (first | assumption | rfl | {back})",
            f"rw_rules{suffix}": f"repeat (first | assumption | rfl | {rewrites} | {rules})",
            f"induct_rules{suffix}": f"first | ((try intro n); induction n <;> repeat (first | "
                                     f"assumption | {rules})) | ((try intro xs); induction xs <;> "
                                     f"repeat (first | assumption | {rules}))",
            f"induct_rw{suffix}": "(try intro n); induction n <;> repeat (first | assumption | rfl"
                                  f" | {rewrites})",
        }  # fmt: skip
    return out


def scripts_of(statement: str) -> dict[str, str]:
    """All scripts for a statement, by name."""
    names = hypothesis_names(statement)
    return PORTFOLIO | (walks(names) if names else {})


def hypothesis_names(statement: str) -> list[str]:
    """The names h… that the statement's binders introduce, in order."""
    return re.findall(r"\((h[^\W\d]*\d*'*) :", statement)


def falls_to_a_script(statement: str) -> bool:
    """Whether one of the strongest scripts proves the statement; for a process pool."""
    scripts = scripts_of(statement)
    chosen = tuple(scripts[name] for name in (*SCREEN, *SCREEN_WALKS) if name in scripts)
    task = ({"formal_statement": statement}, chosen, SCREEN_TIMEOUT_S)
    return families_check.prove_with(task)[-1] == "proved"


def run(rows: list[dict], pool) -> dict[str, str | None]:
    """theorem name -> the first of its scripts that proves it, or None."""
    scripts = [scripts_of(row["formal_statement"]) for row in rows]
    tasks = [(row, tuple(own.values()), TIMEOUT_S)
             for row, own in zip(rows, scripts, strict=True)]
    proved: dict[str, str | None] = {}
    outcomes = pool.imap(families_check.prove_with, tasks)
    for row, own, tried in zip(rows, scripts, outcomes, strict=True):
        proved[row["name"]] = list(own)[len(tried) - 1] if tried[-1] == "proved" else None
        if len(proved) % 50 == 0:
            log.info("%d of %d theorems, %d proved by a script", len(proved), len(rows),
                     sum(map(bool, proved.values())))
    return proved
