"""The frontier of a dataset: theorems the generator proves sometimes, not always.

GRPO normalises rewards within a group: a theorem whose samples are all right or all wrong gives no
gradient. Attempts that Lean never judged (`unavailable`) do not count either way; `declined` counts
as unproved. Used by filter_dataset.py and the laptop's GRPO.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coprover.config import InputError
from coprover.records import Theorem

VERDICTS = ("verified", "rejected", "timeout", "declined", "unavailable")


@dataclass(frozen=True)
class Rate:
    """`c` of `n` judged attempts at a theorem were verified."""

    n: int
    c: int

    @property
    def rate(self) -> float:
        """c / n in [0, 1]; 0 without attempts."""
        return self.c / self.n if self.n else 0.0


def solve_rates(attempts: Iterable[Mapping]) -> dict[str, Rate]:
    """Returns theorem name -> Rate over attempt records. Raises InputError for a bad verdict."""
    totals: dict[str, list[int]] = {}
    for row in attempts:
        try:
            name, verdict = row["theorem"], row["verdict"]
        except KeyError as error:
            raise InputError(f"an attempt without the key {error}") from None
        if verdict not in VERDICTS:
            raise InputError(f"an attempt at {name!r} has the verdict {verdict!r}; "
                             f"known are {', '.join(VERDICTS)}")  # fmt: skip
        if verdict == "unavailable":
            continue
        total = totals.setdefault(name, [0, 0])
        total[0] += 1
        total[1] += verdict == "verified"
    return {name: Rate(n, c) for name, (n, c) in totals.items()}


def latest_rates(rounds: Iterable[Iterable[Mapping]]) -> dict[str, Rate]:
    """Returns each theorem's Rate in the last round that attempted it (rounds in order)."""
    rates: dict[str, Rate] = {}
    for attempts in rounds:
        rates |= solve_rates(attempts)
    return rates


def on_frontier(rate: Rate | None, min_rate: float, max_rate: float, min_samples: int) -> bool:
    """True if min_rate < rate < max_rate over at least min_samples judged attempts."""
    return rate is not None and rate.n >= min_samples and min_rate < rate.rate < max_rate


def frontier(
    theorems: Sequence[Theorem], rates: Mapping[str, Rate], min_rate: float = 0.0,
    max_rate: float = 1.0, min_samples: int = 2,
) -> list[Theorem]:  # fmt: skip
    """Returns the theorems on the frontier, in their order."""
    return [t for t in theorems if on_frontier(rates.get(t.name), min_rate, max_rate, min_samples)]
