"""Metrics over steps from our metrics.jsonl and from SLIME's log, as series ready to plot.

SLIME (0.3.1) logs one line a step: `step N: {...}`, `rollout N: {...}`, `perf N: {...}`,
`eval N: {...}`, with a Python mapping of floats. Used by analyze_training.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coprover.records import read_jsonl

FIXED = ("time", "step", "round", "phase", "seed", "run")
_LINE = re.compile(r"\b(?:[\w-]+-)?(?:step|rollout|perf|eval) (\d+): \{(.*)\}")
_PAIR = re.compile(
    r"'([^']+)': (?:np\.float\d+\()?(-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf)|nan)\)?(?=[,}]|$)"
)


@dataclass
class Series:
    """One metric: points (x, value) in order; `x_name` is what x counts."""

    metric: str
    x_name: str = "step"
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    def add(self, x: float, y: float) -> None:
        self.x.append(x)
        self.y.append(y)


def from_metrics(rows: Iterable[Mapping]) -> dict[str, Series]:
    """Returns metric -> Series over rows of metrics.jsonl; names are `phase metric`.

    x is the step where a metric has one per point and it never falls, else the running number of
    the point (the steps of later rounds begin again at 0).
    """
    found: dict[str, list[tuple[object, float]]] = {}
    for row in rows:
        phase = f"{row['phase']} " if row.get("phase") else ""
        phase = re.sub(r"round_\d+/", "", phase)  # one curve through all rounds
        for key, value in row.items():
            if key not in FIXED and isinstance(value, (int, float)) and not isinstance(value, bool):
                found.setdefault(phase + key, []).append((row.get("step"), float(value)))
    series = {}
    for name, points in found.items():
        steps = [step for step, _ in points]
        rising = all(isinstance(s, (int, float)) for s in steps) and all(
            a < b for a, b in zip(steps, steps[1:], strict=False)
        )
        one = series[name] = Series(name, "step" if rising else "point")
        for i, (step, value) in enumerate(points):
            one.add(step if rising else i, value)
    return series


def from_slime_log(lines: Iterable[str]) -> dict[str, Series]:
    """Returns metric -> Series over the lines of a SLIME log; nan and inf are left out.

    A step logged again after a resume replaces what it said before.
    """
    found: dict[str, dict[int, float]] = {}
    for line in lines:
        match = _LINE.search(line)
        if match is None:
            continue
        step = int(match.group(1))
        for name, text in _PAIR.findall(match.group(2) + "}"):
            value = float(text)
            if math.isfinite(value):
                found.setdefault(name, {})[step] = value
    series = {}
    for name, points in found.items():
        if name in ("train/step", "rollout/step", "eval/step"):
            continue
        one = series[name] = Series(name)
        for step in sorted(points):
            one.add(step, points[step])
    return series


def read_metrics(path: Path) -> dict[str, Series]:
    """Returns the series of a metrics.jsonl, a torn last line ignored (the file is not changed)."""
    text = path.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        return from_metrics(_parse_complete(text))
    return from_metrics(read_jsonl(path))


def smooth(values: list[float], span: int) -> list[float]:
    """Returns the exponential moving average with the given span, bias-corrected at the start."""
    keep = 1.0 - 2.0 / (span + 1.0)
    total = weight = 0.0
    out = []
    for value in values:
        total = keep * total + (1.0 - keep) * value
        weight = keep * weight + (1.0 - keep)
        out.append(total / weight)
    return out


def _parse_complete(text: str) -> list[dict]:
    import json

    return [json.loads(line) for line in text.split("\n")[:-1] if line.strip()]
