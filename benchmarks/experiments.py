"""The table of docs/experiments.md: finished runs, one column each, from the files they left.

Run: python -m benchmarks.experiments runs/laptop runs/laptop-s1 runs/laptop-s2
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from coprover.compare import at_budget
from coprover.metrics import paired_difference, paired_ratio, pass_at_k
from coprover.records import read_jsonl
from coprover.rules import USES_VALUE


def main() -> None:
    """Prints the Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    columns = [facts(run) for run in parser.parse_args().runs]
    print("| | " + " | ".join(column["run"] for column in columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for key in columns[0]:
        if key != "run":
            cells = (str(column.get(key, "–")) for column in columns)
            print(f"| {key} | " + " | ".join(cells) + " |")


def facts(run: Path) -> dict[str, str]:
    """Returns label → text for one run, in the order of the table."""
    state = json.loads((run / "state.json").read_text(encoding="utf-8"))
    first = json.loads((run / "eval" / "test_start.json").read_text(encoding="utf-8"))
    last_path = max((run / "eval").glob("test_round_*.json"), key=lambda p: int(p.stem[11:]))
    last = json.loads(last_path.read_text(encoding="utf-8"))
    calls = state["calls"]
    metrics = read_jsonl(run / "metrics.jsonl", resume=True)
    column = {
        "run": run.name,
        "commit": calls[-1]["commit"][:10] + (" (dirty)" if calls[-1]["dirty"] else ""),
        "seconds": f"{sum(c['seconds'] for c in calls):.0f}" if _whole(calls) else "interrupted",
        "peak memory (GB)": f"{max(m.get('memory/peak_mb', 0) for m in metrics) / 1024:.1f}",
        "test theorems": last["n_theorems"],
    }
    for k in sorted(int(k) for k in last["pass_at_k"]):
        column[f"pass@{k}: start → end"] = _change(first, last, k)
    return column | _depths(first, last) | _search(last.get("search"))


def _whole(calls: list[dict]) -> bool:
    """Whether every call of the run ended by itself and so knows its duration."""
    return all("seconds" in call for call in calls)


def _change(first: dict, last: dict, k: int) -> str:
    before = {r["name"]: pass_at_k(r["n"], r["c"], k) for r in first["theorems"]}
    after = {r["name"]: pass_at_k(r["n"], r["c"], k) for r in last["theorems"]}
    change = paired_difference([after[name] for name in before], list(before.values()))
    means = " → ".join(f"{sum(v.values()) / len(v):.3f}" for v in (before, after))
    low, high = 100 * change.low, 100 * change.high
    return f"{means} ({100 * change.mean:+.1f} points [{low:+.1f}, {high:+.1f}])"


def _search(search: dict | None) -> dict[str, str]:
    if not search:
        return {}
    rows = {"search budget; strongest logprob": f"{search['budget']}; {search['baseline']}"}
    for rule, row in search["rules"].items():
        against = search["against_baseline"].get(rule)
        text = f"{row['solved']} solved, {row['expansions']['mean']:.2f} expansions"
        if against:
            ratio = against["expansions_ratio"]
            text += f", ratio {ratio['mean']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"
        rows[f"`{rule}`"] = text
    return rows | _against_each(search) | _limits(search)


def _against_each(search: dict) -> dict[str, str]:
    """The value-using rules' expansions as a ratio to every logprob variant, not the best alone."""
    def expansions(rule: str) -> list[int]:
        return [at_budget(row["rules"][rule], search["budget"])[1] for row in search["theorems"]]

    rows = {}
    for rule in search["rules"]:
        if rule.partition(":")[0] in USES_VALUE:
            ratios = ((base, paired_ratio(expansions(rule), expansions(base)))
                      for base in search["rules"] if base.startswith("logprob"))
            rows[f"`{rule}` ÷ each"] = ", ".join(
                f"`{base}` {r.mean:.3f} [{r.low:.3f}, {r.high:.3f}]" for base, r in ratios)
    return rows


def _limits(search: dict) -> dict[str, str]:
    """Why rules differ little: theorems no rule solves, and how near the rest is to the oracle."""
    found = [row["rules"] for row in search["theorems"]]
    lost = [r[search["baseline"]] for r in found if not any(x["solved"] for x in r.values())]
    common = [r for r in found if all(x["solved"] for x in r.values())]
    means = {rule: sum(r[rule]["expansions"] for r in common) / max(1, len(common))
             for rule in search["rules"]}
    dry = sum(x["status"] == "exhausted" for x in lost)
    return {
        "solved by no rule": f"{len(lost)}, in {dry} no candidate was left",
        "solved by every rule": f"{len(common)}; expansions "
                                + ", ".join(f"`{k}` {v:.2f}" for k, v in means.items()),
    }


def _depths(first: dict, last: dict) -> dict[str, str]:
    """pass@1 before and after, by depth of the theorem."""
    groups = {name: (first["groups"][name], last["groups"][name]) for name in first["groups"]}
    return {f"pass@1, {name.replace('=', ' ')} ({b['n_theorems']})":
            f"{b['pass@1']:.3f} → {e['pass@1']:.3f}"
            for name, (b, e) in groups.items() if name.startswith("depth")}


if __name__ == "__main__":
    main()
