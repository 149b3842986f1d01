"""Search rules side by side at equal cost: solved, expansions, and paired ratios to a baseline.

An unsolved theorem counts at the full budget. The baseline is the `logprob` variant that solved
most (ties: fewest expansions) among those compared, so that a value rule is measured against the
strongest search without a value model. `at_budget` re-reads the same searches as if they had been
cut off earlier: a best-first search with a smaller budget is a prefix of the larger one.
`telling_budget` picks the cut by the baseline alone: where it solves nearly everything, or nearly
nothing, rules cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coprover.metrics import bootstrap_mean, paired_difference, paired_ratio

Row = Mapping[str, object]  # {"name": …, "rules": {rule: {"solved": bool, "expansions": int, …}}}


def summarise(rows: Sequence[Row], budget: int) -> dict:
    """Returns per rule the share solved and the mean expansions with intervals, and the ratios.

    rows: one per theorem, all with the same rules. Raises ValueError if rules are missing.
    """
    rules = list(rows[0]["rules"])
    if any(set(row["rules"]) != set(rules) for row in rows):
        raise ValueError("the theorems were not all searched under the same rules")
    cut = {rule: [at_budget(row["rules"][rule], budget) for row in rows] for rule in rules}
    table = {
        rule: {
            "solved": sum(solved for solved, _ in pairs),
            "solved_rate": bootstrap_mean([s for s, _ in pairs]).as_dict(),
            "expansions": bootstrap_mean([e for _, e in pairs]).as_dict(),
            "expansions_per_proof": _per_proof(pairs),
        }
        for rule, pairs in cut.items()
    }
    summary = {"budget": budget, "n_theorems": len(rows), "rules": table}
    baseline = strongest_logprob(table)
    if baseline:
        summary |= {"baseline": baseline, "against_baseline": {
            rule: _against(cut[rule], cut[baseline]) for rule in rules if rule != baseline
        }}  # fmt: skip
    return summary


def at_budget(result: Mapping, budget: int) -> tuple[bool, int]:
    """Returns (solved, expansions) of a search cut off after `budget` expansions."""
    solved = bool(result["solved"]) and result["expansions"] <= budget
    return solved, result["expansions"] if solved else budget


def telling_budget(rows: Sequence[Row], searched: int, share: float | None) -> int:
    """Returns the largest budget up to `searched` at which no `logprob` variant solves more than
    `share` (in [0, 1]) of the theorems, 1 if there is none; `searched` if share is None."""
    if share is None:
        return searched
    rules = [rule for rule in rows[0]["rules"] if _is_logprob(rule)]

    def most_solved(budget: int) -> int:
        return max((sum(at_budget(row["rules"][rule], budget)[0] for row in rows)
                    for rule in rules), default=0)

    return next((b for b in range(searched, 1, -1) if most_solved(b) <= share * len(rows)), 1)


def strongest_logprob(table: Mapping[str, Mapping]) -> str | None:
    """Returns the logprob variant with most solved, then fewest expansions; None without one."""
    names = [name for name in table if _is_logprob(name)]
    return max(
        names, default=None, key=lambda n: (table[n]["solved"], -table[n]["expansions"]["mean"])
    )


def _is_logprob(rule: str) -> bool:
    return rule.partition(":")[0] == "logprob"


def _against(pairs: Sequence[tuple], base: Sequence[tuple]) -> dict:
    return {
        "expansions_ratio": paired_ratio([e for _, e in pairs], [e for _, e in base]).as_dict(),
        "solved_difference": paired_difference(
            [float(s) for s, _ in pairs], [float(s) for s, _ in base]
        ).as_dict(),
    }


def _per_proof(pairs: Sequence[tuple]) -> float | None:
    """Mean expansions of the searches that ended in a proof."""
    solved = [e for s, e in pairs if s]
    return sum(solved) / len(solved) if solved else None
