"""Which generated theorems fall to a one-line script (local/portfolio.py), over the whole test set.

Prints the share proved by any script, by family and depth, and which script came first. Exits with
status 1 above the limit of 20 %.
Run it again whenever minilean learns a tactic or lemma.
Run: python -m benchmarks.portfolio --config configs/local.yaml
"""

from __future__ import annotations

from collections import Counter
from multiprocessing import get_context

from coprover import config
from coprover.records import read_jsonl
from local import portfolio


def main() -> int:
    cfg = config.from_cli(__doc__, {
        "--dataset": ("theorems.test", "theorems to try the scripts on"),
        "--processes": ("theorems.families.processes", "worker processes"),
    })  # fmt: skip
    rows = read_jsonl(cfg.theorems.test, required=("name", "formal_statement", "family", "depth"))
    with get_context("spawn").Pool(int(cfg.theorems.families.processes)) as pool:
        proved = portfolio.run(rows, pool)
    return report(rows, proved)


def report(rows: list[dict], proved: dict[str, str | None]) -> int:
    """Prints the tables; returns the exit status (1: too many fall to a script)."""
    for key in ("family", "depth"):
        total = Counter(row[key] for row in rows)
        easy = Counter(row[key] for row in rows if proved[row["name"]])
        print(key, "  ".join(f"{k}: {easy[k]}/{total[k]}" for k in sorted(total)))
    first = Counter(filter(None, proved.values()))
    print("first proof by", "  ".join(f"{name}: {n}" for name, n in first.most_common()))
    share = sum(map(bool, proved.values())) / len(rows)
    print(f"any script: {share:.1%} of {len(rows)} (limit {portfolio.LIMIT:.0%})")
    return int(share > portfolio.LIMIT)


if __name__ == "__main__":
    config.main(main)
