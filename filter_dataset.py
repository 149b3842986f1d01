"""Keeps the frontier of a dataset: theorems solved sometimes, not always, by recorded attempts.

Attempts are read from --attempts files, else from attempts.jsonl in the folders of grpo.rounds; a
theorem attempted in several rounds counts by its last one. Where there are no attempts at all,
every theorem is kept and the output says so.

  python filter_dataset.py --attempts '[runs/node/round_1/attempts.jsonl]' --output frontier.jsonl
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from coprover import config
from coprover.config import ConfigError, InputError
from coprover.frontier import Rate, frontier, latest_rates, on_frontier
from coprover.records import load_theorems, read_jsonl, write_jsonl_atomic

FLAGS = {
    "--theorems": ("theorems.train", "JSONL of theorems to filter"),
    "--attempts": ("grpo.frontier.attempts", "list of attempts.jsonl, e.g. '[a.jsonl,b.jsonl]'"),
    "--min-rate": ("grpo.frontier.min_rate", "a theorem's solve rate must be above this"),
    "--max-rate": ("grpo.frontier.max_rate", "… and below this"),
    "--min-samples": ("grpo.frontier.min_samples", "over at least so many judged attempts"),
    "--output": ("grpo.frontier.output", "JSONL to write"),
}


def main() -> int:
    """Filters and prints what was kept and why the rest was not."""
    cfg = config.from_cli(__doc__, FLAGS)
    section = cfg.grpo.frontier
    if not section.output:
        raise ConfigError("no output; give --output FILE")
    if not 0.0 <= section.min_rate < section.max_rate <= 1.0:
        raise ConfigError("grpo.frontier wants 0 ≤ min_rate < max_rate ≤ 1, got "
                          f"{section.min_rate} and {section.max_rate}")  # fmt: skip
    theorems = load_theorems(cfg.theorems.train)
    files = attempt_files(list(section.attempts), list(cfg.grpo.rounds))
    rows = {row["name"]: row for row in read_jsonl(cfg.theorems.train)}
    if not files:
        kept = theorems
        print(f"no attempts yet: all {len(theorems)} theorems are kept", file=sys.stderr)
    else:
        rates = latest_rates(read_jsonl(path) for path in files)
        bounds = (section.min_rate, section.max_rate, section.min_samples)
        kept = frontier(theorems, rates, *bounds)
        counts = Counter(why(rates.get(t.name), *bounds) for t in theorems)
        print(", ".join(f"{number} {what}" for what, number in counts.most_common()))
        if not kept:
            raise InputError("no theorem is on the frontier; collect more attempts, or widen "
                             "grpo.frontier.min_rate and max_rate")  # fmt: skip
    write_jsonl_atomic(section.output, [rows[theorem.name] for theorem in kept])
    print(f"{len(kept)} of {len(theorems)} theorems -> {section.output}")
    return 0


def attempt_files(given: list[str], rounds: list[str]) -> list[Path]:
    """Returns the files of attempts, oldest first. Raises InputError for a missing one."""
    files = [Path(path) for path in given] or [Path(r) / "attempts.jsonl" for r in rounds]
    for path in files:
        if not path.is_file():
            raise InputError(f"no attempts at {path}; run trajectory_collector.py first")
    return files


def why(rate: Rate | None, min_rate: float, max_rate: float, min_samples: int) -> str:
    """Returns the word under which a theorem is counted."""
    if rate is None or rate.n < min_samples:
        return "not attempted enough"
    if on_frontier(rate, min_rate, max_rate, min_samples):
        return "on the frontier"
    return "too hard" if rate.rate <= min_rate else "too easy"


if __name__ == "__main__":
    config.main(main)
