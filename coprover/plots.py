"""The figures of a run: one question each, its numbers beside it as CSV.

Everything is drawn from `eval/*.json` and `metrics.jsonl`; the run's name is in every title.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

SERIES = (
    ("rollout/reward_mean", "GRPO: reward of the rollouts", "mean reward (share verified)"),
    ("train/clip_fraction", "GRPO: tokens on which the clip acts", "share of tokens"),
    ("train/entropy", "GRPO: entropy of the policy", "nats per token"),
)


def draw_all(run: Path, evaluations: dict[str, dict], metrics: Sequence[dict]) -> list[Path]:
    """Returns the figures drawn into `<run>/plots/`, each with a CSV of the same name."""
    import matplotlib

    matplotlib.use("Agg")
    folder = run / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    figures = [_pass_at_k(folder, run.name, evaluations)]
    searched = [e for e in evaluations.values() if e.get("search")]
    if searched:
        figures.append(_solved(folder, run.name, searched[-1]["search"]))
    for key, title, unit in SERIES:
        rows = [m for m in metrics if key in m]
        if rows:
            figures.append(_series(folder, run.name, rows, key, title, unit))
    return figures


def _pass_at_k(folder: Path, run: str, evaluations: dict[str, dict]) -> Path:
    figure, axes = _new("pass@k by round: bars are 95 % intervals over theorems", run)
    labels = list(evaluations)
    rows = []
    for k in sorted({int(k) for e in evaluations.values() for k in e["pass_at_k"]}):
        points = [(i, e["pass_at_k"][str(k)]) for i, e in enumerate(evaluations.values())
                  if str(k) in e["pass_at_k"]]  # fmt: skip
        means = [p["mean"] for _, p in points]
        spread = [[p["mean"] - p["low"] for _, p in points],
                  [p["high"] - p["mean"] for _, p in points]]  # fmt: skip
        axes.errorbar([i for i, _ in points], means, yerr=spread, marker="o", capsize=3,
                      linestyle="", label=f"pass@{k}")  # fmt: skip
        rows += [(labels[i], k, p["mean"], p["low"], p["high"]) for i, p in points]
    axes.set_xticks(range(len(labels)), labels, rotation=20, ha="right")
    axes.set_ylabel("pass@k")
    axes.set_ylim(0, 1)
    header = ("evaluation", "k", "mean", "low", "high")
    return _save(figure, axes, folder / "pass_at_k", header, rows)


def _solved(folder: Path, run: str, search: dict) -> Path:
    from coprover.report import solved_curve

    figure, axes = _new("Theorems solved within so many expansions", run)
    rows = []
    for rule in search["rules"]:
        curve = solved_curve(search, rule)
        style = "--" if rule == "oracle" else "-"
        axes.step(range(len(curve)), curve, style, where="post", label=rule)
        rows += [(rule, budget, solved) for budget, solved in enumerate(curve)]
    axes.set_xlabel("expansions per theorem")
    axes.set_ylabel(f"solved of {search['n_theorems']}")
    return _save(figure, axes, folder / "solved_by_expansions", ("rule", "budget", "solved"), rows)


def _series(folder: Path, run: str, rows: Sequence[dict], key: str, title: str, unit: str) -> Path:
    figure, axes = _new(title, run)
    values = [row[key] for row in rows]
    axes.plot(values, alpha=0.3, label="each rollout")
    axes.plot(_smooth(values), label="mean of the last 8")
    for index in range(1, len(rows)):
        if rows[index].get("round") != rows[index - 1].get("round"):
            axes.axvline(index - 0.5, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xlabel("rollout (dotted: a new round begins)")
    axes.set_ylabel(unit)
    numbered = [(i, row.get("round"), row[key]) for i, row in enumerate(rows)]
    return _save(figure, axes, folder / key.replace("/", "_"), ("rollout", "round", key), numbered)


def _smooth(values: Sequence[float], width: int = 8) -> list[float]:
    windows = [values[max(0, i - width + 1) : i + 1] for i in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def _new(title: str, run: str):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.set_title(f"{title}\nrun {run}", fontsize=10)
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure, axes, stem: Path, header: Iterable[str], rows: Iterable[tuple]) -> Path:
    import matplotlib.pyplot as plt

    axes.legend(fontsize=8)
    picture = stem.with_suffix(".png")
    figure.savefig(picture, dpi=130)
    plt.close(figure)
    with stem.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return picture
