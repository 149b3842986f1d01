"""One-line proof scripts that need no search: the bar that the generated theorems must clear.

A theorem that one of these scripts proves teaches a search nothing. benchmarks/portfolio.py runs
all of them over the whole test set, tests/local/test_portfolio.py over a sample; both must be run
again whenever the checker learns a tactic (what it declines counts as not proved). The only names
that scripts know are n and xs, the generated theorems' induction variables. WALKS, which go through
h1, h2, … by name with metavariables for what they cannot know, are small searches themselves:
reported beside the portfolio, not counted in it.
Run: python -m benchmarks.portfolio --config configs/local.yaml
"""

from __future__ import annotations

import logging

from local import families_check

log = logging.getLogger("portfolio")

SAFE = ("first | assumption | rfl | contradiction | intro _ | constructor"
        " | (cases ‹_ ∧ _›) | (cases ‹_ ∨ _›) | (cases ‹∃ _, _›)")
RULES = " | ".join(f"apply h{i}" for i in range(1, 8))
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
    "simpa": "simpa using h1",
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

WALKS: dict[str, str] = {
    "repeat_rules": f"repeat (first | assumption | intro _ | {RULES})",
    "repeat_rules_down": "repeat (first | assumption | intro _ | "
                         + " | ".join(f"apply h{i}" for i in range(7, 0, -1)) + ")",
    "repeat_rules_safe": f"repeat ({SAFE} | {RULES})",
    "repeat_rw": "repeat (first | assumption | rfl | "
                 + " | ".join(f"rw [h{i}]" for i in range(1, 8)) + ")",
    "repeat_rw_back": "repeat (first | assumption | rfl | "
                      + " | ".join(f"rw [← h{i}]" for i in range(1, 8)) + ")",
    "induct_nat_rules": f"(try intro n); induction n <;> repeat (first | assumption | {RULES})",
    "induct_list_rules": f"(try intro xs); induction xs <;> repeat (first | assumption | {RULES})",
    "induct_nat_rw": "(try intro n); induction n <;> repeat (first | assumption | rfl | "
                     + " | ".join(f"rw [h{i}]" for i in range(1, 6)) + " | rw [ih])",
}

# the strongest, and what is cheap
SCREEN = ("assumption", "simp_ac", "repeat_safe_simp", "constructor_simp", "induct_any")
SCREEN_TIMEOUT_S = 0.3


def falls_to_a_script(statement: str) -> bool:
    """Whether one of the strongest scripts proves the statement; for a process pool."""
    scripts = [PORTFOLIO[name] for name in SCREEN]
    task = ({"formal_statement": statement}, tuple(scripts), SCREEN_TIMEOUT_S)
    return families_check.prove_with(task)[-1] == "proved"


def run(rows: list[dict], pool, scripts: dict[str, str] = PORTFOLIO) -> dict[str, str | None]:
    """theorem name -> the first of the scripts that proves it, or None."""
    tasks = [(row, tuple(scripts.values()), TIMEOUT_S) for row in rows]
    names, proved = list(scripts), {}
    for row, outcomes in zip(rows, pool.imap(families_check.prove_with, tasks), strict=True):
        proved[row["name"]] = names[len(outcomes) - 1] if outcomes[-1] == "proved" else None
        if len(proved) % 50 == 0:
            log.info("%d of %d theorems, %d proved by a script", len(proved), len(rows),
                     sum(map(bool, proved.values())))
    return proved
