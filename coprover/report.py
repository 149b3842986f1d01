"""One page on a run, made only from the files the run left: report.md, plots/, screen.txt.

Reads `eval/*.json`, `metrics.jsonl` and `state.json` of the run folder; nothing is measured here.

Run: python -m coprover.report --config runs/laptop/config.yaml
"""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coprover import config
from coprover.compare import at_budget
from coprover.metrics import paired_difference, pass_at_k
from coprover.records import read_jsonl, write_text_atomic

WIDTH = 126  # columns of the last screen


def main() -> int:
    """Writes the report of the run that the configuration names."""
    cfg = config.from_cli(__doc__)
    run = Path(cfg.run.dir)
    evaluations = load_evaluations(run, cfg.run.rounds)
    metrics = read_jsonl(run / "metrics.jsonl", resume=True)
    state = json.loads((run / "state.json").read_text(encoding="utf-8"))
    screen = render(
        [result_table(evaluations, metrics), rules_table(evaluations)], changes(evaluations)
    )
    write_text_atomic(run / "screen.txt", screen)
    from coprover import plots

    figures = plots.draw_all(run, evaluations, metrics)
    write_text_atomic(run / "report.md", page(cfg, screen, state, figures))
    return 0


def load_evaluations(run: Path, rounds: int) -> dict[str, dict]:
    """Returns label → evaluation, in the order of the run; what does not exist is left out."""
    names = {"start (test)": "test_start"}
    names |= {f"round {n} (valid)": f"round_{n}_valid" for n in range(1, rounds + 1)}
    names |= {f"round {rounds} (test)": f"test_round_{rounds}"}
    paths = {label: run / "eval" / f"{name}.json" for label, name in names.items()}
    return {
        label: json.loads(path.read_text(encoding="utf-8"))
        for label, path in paths.items() if path.exists()
    }  # fmt: skip


def result_table(evaluations: dict[str, dict], metrics: list[dict]) -> Table:
    """One line per evaluation: pass@k with 95 % intervals, search, value calibration."""
    ks = sorted({int(k) for e in evaluations.values() for k in e["pass_at_k"]})
    table = Table(title="By round: whole proofs (pass@k), guided search, value model (ECE)")
    table.add_column("generator of", no_wrap=True)
    for name in (*(f"pass@{k}" for k in ks), "solved", "expansions", "ECE"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, evaluation in evaluations.items():
        cells = [_interval(evaluation["pass_at_k"].get(str(k))) for k in ks]
        search = evaluation.get("search")
        best = _value_rule(search) if search else None
        cells += [
            f"{best['solved']}/{search['n_theorems']}" if best else "–",
            f"{best['expansions']['mean']:.1f}" if best else "–",
            _calibration(label, metrics),
        ]
        table.add_row(label, *cells)
    return table


def rules_table(evaluations: dict[str, dict]) -> Table | None:
    """The rules of the last evaluation that searched."""
    searched = [e["search"] for e in evaluations.values() if e.get("search")]
    return search_table(searched[-1]) if searched else None


def search_table(search: dict) -> Table:
    """Rules side by side: solved, expansions (unsolved at the budget), ratio to the baseline."""
    base = search.get("baseline")
    table = Table(
        title=f"Search under each rule: {search['n_theorems']} theorems, budget "
        f"{search['budget']} of {search['searched']} expansions, same candidates"
    )
    for name in ("rule", "solved", "expansions", "per proof", f"expansions ÷ {base}", "Δ solved"):
        table.add_column(name, justify="left" if name == "rule" else "right", no_wrap=True)
    for rule, row in search["rules"].items():
        against = search.get("against_baseline", {}).get(rule)
        ratio = _interval(against["expansions_ratio"], 2) if against else "1 (baseline)"
        delta = _interval(against["solved_difference"], 3) if against else "0"
        per_proof = row["expansions_per_proof"]
        table.add_row(
            rule, f"{row['solved']}", _interval(row["expansions"], 1),
            "–" if per_proof is None else f"{per_proof:.1f}", ratio, delta,
        )  # fmt: skip
    return table


def changes(evaluations: dict[str, dict]) -> list[str]:
    """Sentences on the change from start to end on the test theorems, paired by theorem."""
    tests = [e for label, e in evaluations.items() if label.endswith("(test)")]
    if len(tests) < 2:
        return []
    first, last = tests[0], tests[-1]
    lines = []
    for k in sorted(int(k) for k in last["pass_at_k"]):
        before, after = _per_theorem(first, k), _per_theorem(last, k)
        change = paired_difference([after[n] for n in before], list(before.values()))
        lines.append(
            f"test pass@{k}: {_mean(before):.3f} → {_mean(after):.3f}, "
            f"change {100 * change.mean:+.1f} points "
            f"[{100 * change.low:+.1f}, {100 * change.high:+.1f}]"
        )
    return lines


def render(tables: list[Table | None], lines: list[str]) -> str:
    """Returns tables and sentences as plain text, WIDTH columns wide."""
    console = Console(width=WIDTH, record=True, file=io.StringIO(), highlight=False)
    for table in filter(None, tables):
        console.print(table)
    for line in lines:
        console.print(line)
    return console.export_text()


def page(cfg, screen: str, state: dict, figures: list[Path]) -> str:
    """Returns report.md: results, plots, time per phase, provenance of every call."""
    run = Path(cfg.run.dir)
    phases = "\n".join(
        f"| {name} | {record.get('seconds', 0):.0f} | {record['status']} | {record['starts']} |"
        for name, record in state["phases"].items()
        if not name.startswith("report")  # this one
    )
    calls = "\n".join(
        f"- {c['started']}: commit {c['commit'][:12]}{' (dirty)' if c['dirty'] else ''}, Python "
        f"{c['python']}, torch {c['packages']['torch']}, transformers "
        f"{c['packages']['transformers']}, {c['cores']} cores, {c['cpu']}"
        for c in state["calls"]
    )
    pictures = "\n\n".join(f"![{f.stem}]({f.relative_to(run)})" for f in figures)
    return (
        f"# Run {cfg.run.name}\n\n{cfg.run.profile_reason}; seed {cfg.run.seed}, "
        f"{cfg.run.rounds} rounds. Settings: `config.yaml`; numbers: `metrics.jsonl`, `eval/`.\n\n"
        f"```\n{screen.strip()}\n```\n\n{pictures}\n\n"
        "## Phases\n\n| phase | seconds | status | starts |\n| --- | --- | --- | --- |\n"
        f"{phases}\n\n"
        f"## Calls\n\n{calls}\n"
    )


def solved_curve(search: dict, rule: str) -> list[int]:
    """Returns how many theorems the rule had solved after 0, 1, … expansions each."""
    results = [row["rules"][rule] for row in search["theorems"]]
    return [sum(at_budget(r, b)[0] for r in results) for b in range(search["searched"] + 1)]


def _per_theorem(evaluation: dict, k: int) -> dict[str, float]:
    return {row["name"]: pass_at_k(row["n"], row["c"], k) for row in evaluation["theorems"]}


def _mean(values: dict[str, float]) -> float:
    return sum(values.values()) / len(values)


def _value_rule(search: dict) -> dict | None:
    """The value-using rule that is compared with the baseline, else the baseline itself."""
    names = [n for n in search["rules"] if n.split(":")[0] not in ("logprob", "oracle", "random")]
    name = names[0] if names else search.get("baseline")
    return search["rules"].get(name) if name else None


def _calibration(label: str, metrics: list[dict]) -> str:
    number = label.split()[1] if label.startswith("round") else "0"
    rows = [m for m in metrics if str(m.get("round")) == number and "value/ece" in m]
    return f"{rows[-1]['value/ece']:.3f}" if rows else "–"


def _interval(value: dict | None, digits: int = 3) -> str:
    if value is None:
        return "–"
    return f"{value['mean']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"


if __name__ == "__main__":
    config.main(main)
