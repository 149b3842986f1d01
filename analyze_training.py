"""Curves of a training as PNG with the CSV beside it, from metrics.jsonl and SLIME logs.

One figure per metric: raw points faint under the smoothed line, the run in the title.

  python analyze_training.py --run runs/laptop
  python analyze_training.py --log runs/node/logs/round_1_grpo.log --output plots
  python analyze_training.py --run runs/laptop --latest     # the last value of each metric, as text
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
from pathlib import Path

from coprover import config
from coprover.config import InputError
from coprover.curves import Series, from_slime_log, read_metrics, smooth
from coprover.records import write_text_atomic


def collect(run: Path | None, logs: list[Path]) -> dict[str, Series]:
    """Returns all series found. Raises InputError for a missing file or nothing found."""
    series: dict[str, Series] = {}
    sources = ([run / "metrics.jsonl"] if run else []) + logs
    for path in sources:
        if not path.is_file():
            raise InputError(f"no file {path}")
        if path.suffix == ".jsonl":
            found = read_metrics(path)
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                found = from_slime_log(file)
        clash = sorted(set(found) & set(series))
        if clash:
            raise InputError(f"{path} and an earlier file both hold {clash[0]!r}; plot them apart")
        series |= found
    if not series:
        raise InputError(f"no metric in {', '.join(map(str, sources))}")
    return series


def phase_lines(run: Path) -> list[str]:
    """Returns one line per phase of the run's manifest: name, status, seconds."""
    path = run / "state.json"
    if not path.is_file():
        return []
    phases = json.loads(path.read_text(encoding="utf-8")).get("phases", {})
    return [f"{name:32} {record.get('status', '?'):8} {record.get('seconds', '')}".rstrip()
            for name, record in phases.items()]  # fmt: skip


def plot(series: Series, title: str, span: int, path: Path) -> None:
    """Writes `path` (PNG) and the CSV beside it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    smoothed = smooth(series.y, span)
    axes.plot(series.x, series.y, color="tab:blue", alpha=0.3, marker=".", label="raw")
    axes.plot(series.x, smoothed, color="tab:blue", label=f"smoothed (span {span})")
    axes.set(title=title, xlabel=series.x_name, ylabel=series.metric)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([series.x_name, series.metric, "smoothed"])
    writer.writerows(zip(series.x, series.y, smoothed, strict=True))
    write_text_atomic(path.with_suffix(".csv"), text.getvalue())


def file_name(metric: str) -> str:
    """Returns a plain file name for a metric: `rollout/reward_mean` -> `rollout_reward_mean`."""
    return re.sub(r"[^\w.@-]+", "_", metric).strip("_")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="run folder with metrics.jsonl")
    parser.add_argument("--log", type=Path, nargs="+", default=[], help="SLIME logs, or .jsonl")
    parser.add_argument("--output", type=Path, help="folder (default: <run>/plots/training)")
    parser.add_argument("--metrics", default="", metavar="REGEX",
                        help="only metrics that match (default: all but perf/)")  # fmt: skip
    parser.add_argument("--span", type=int, default=10, help="smoothing span in points")
    parser.add_argument("--latest", action="store_true", help="print last values, plot nothing")
    options = parser.parse_args(argv)
    if not options.run and not options.log:
        raise InputError("give --run DIR or --log FILE")
    if options.latest and options.run:
        print("\n".join(phase_lines(options.run)) or "no phase yet")
        if not (options.run / "metrics.jsonl").is_file():
            print("no metrics yet")
            return 0
    series = collect(options.run, options.log)
    pattern = re.compile(options.metrics or r"^(?!perf/)")
    chosen = {name: one for name, one in series.items() if pattern.search(name)}
    if not chosen:
        raise InputError(f"no metric matches {options.metrics!r}; there are {', '.join(series)}")
    if options.latest:
        for name, one in sorted(chosen.items()):
            print(f"{name:48} {one.y[-1]:.6g}  ({one.x_name} {one.x[-1]:g})")
        return 0
    output = options.output or (options.run or options.log[0].parent) / "plots" / "training"
    output.mkdir(parents=True, exist_ok=True)
    run = options.run.name if options.run else options.log[0].stem
    for name, one in sorted(chosen.items()):
        plot(one, f"{run}: {name}", options.span, output / f"{file_name(name)}.png")
    print(f"{len(chosen)} curves (PNG and CSV) -> {output}")
    return 0


if __name__ == "__main__":
    config.main(main)
