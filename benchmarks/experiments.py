"""The table of docs/experiments.md: finished runs, one column each, from the files they left.

`--budget` reads the searches as if they had been cut off earlier (coprover/compare.py).
Run: python -m benchmarks.experiments runs/laptop runs/laptop-s1 runs/laptop-s2
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from coprover.compare import at_budget, summarise
from coprover.metrics import paired_difference, paired_ratio, pass_at_k
from coprover.records import read_jsonl
from coprover.rules import USES_VALUE

MIN_FAMILY = 20  # theorems; smaller families have no row of their own


def main() -> None:
    """Prints the Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    parser.add_argument("--budget", type=int, help="expansions a theorem; default: the run's")
    args = parser.parse_args()
    columns = [facts(run, args.budget) for run in args.runs]
    print("| | " + " | ".join(column["run"] for column in columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for key in columns[0]:
        if key != "run":
            cells = (str(column.get(key, "–")) for column in columns)
            print(f"| {key} | " + " | ".join(cells) + " |")


def facts(run: Path, budget: int | None = None) -> dict[str, str]:
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
    search = last.get("search")
    if search and budget:
        if budget > search["searched"]:
            raise SystemExit(f"error: {run} searched {search['searched']} expansions, not {budget}")
        search = {**summarise(search["theorems"], budget), "theorems": search["theorems"]}
    return column | _depths(first, last) | _search(search)


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
    return rows | _against_each(search) | _by_family(search) | _limits(search)


def _against_each(search: dict) -> dict[str, str]:
    """The value-using rules' expansions as a ratio to every logprob variant, not the best alone."""
    rows = {}
    for rule in filter(_uses_value, search["rules"]):
        ratios = ((base, _ratio(search["theorems"], rule, base, search["budget"]))
                  for base in search["rules"] if base.startswith("logprob"))
        rows[f"`{rule}` ÷ each"] = ", ".join(
            f"`{base}` {r.mean:.3f} [{r.low:.3f}, {r.high:.3f}]" for base, r in ratios)
    return rows


def _by_family(search: dict) -> dict[str, str]:
    """The value-using rules against the strongest logprob, by family of at least MIN_FAMILY."""
    families = defaultdict(list)
    for row in search["theorems"]:
        families[row["family"]].append(row)
    rows = {}
    for family, members in sorted(families.items()):
        for rule in filter(_uses_value, search["rules"]):
            if len(members) >= MIN_FAMILY:
                r = _ratio(members, rule, search["baseline"], search["budget"])
                rows[f"`{rule}` ÷ strongest, {family} ({len(members)})"] = (
                    f"{r.mean:.3f} [{r.low:.3f}, {r.high:.3f}]")
    return rows


def _uses_value(rule: str) -> bool:
    return rule.partition(":")[0] in USES_VALUE


def _ratio(rows: list[dict], rule: str, base: str, budget: int):
    """Expansions of a rule as a ratio to a baseline's, paired by theorem."""
    return paired_ratio(*([at_budget(row["rules"][name], budget)[1] for row in rows]
                          for name in (rule, base)))


def _limits(search: dict) -> dict[str, str]:
    """Why rules differ little: theorems no rule solves, and how near the rest is to the oracle."""
    found = [row["rules"] for row in search["theorems"]]
    cut = [{k: at_budget(x, search["budget"]) for k, x in rules.items()} for rules in found]
    lost = [rules[search["baseline"]] for rules, pairs in zip(found, cut, strict=True)
            if not any(solved for solved, _ in pairs.values())]
    common = [pairs for pairs in cut if all(solved for solved, _ in pairs.values())]
    means = {rule: sum(pairs[rule][1] for pairs in common) / max(1, len(common))
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
