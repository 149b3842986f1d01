"""Trajectories of all rounds -> training rows of the value model: text, label, weight.

1. Merge: one row per distinct state over all rounds; d = fewest tactics over all proofs.
2. Split by theorem; a state met in a training theorem never appears in validation.
3. Censored states by `value.censored`: zero (label 0), effort (label 0, weight grows with the
   effort spent), drop. States on which less than `value.min_effort` was spent are left out.
4. Oversample positives in the training part only.

With `value.per_goal` a state with several independent goals gives rows for its goals, each with its
own d where known; otherwise it is one row.

Writes train.jsonl, valid.jsonl and info.json into `value.data`.

Run: python prepare_value_data.py --trajectories '[runs/x/round_1/trajectories.jsonl]' \\
       --output runs/x/round_1/value_data
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from coprover import config
from coprover.config import ConfigError, InputError
from coprover.labels import Outcome, units, value_text
from coprover.records import read_jsonl, write_jsonl_atomic, write_text_atomic
from coprover.trajectories import merge_rows

log = logging.getLogger("prepare_value_data")

FLAGS = {
    "--trajectories": ("value.trajectories", "trajectories.jsonl of every round, as [a,b,…]"),
    "--output": ("value.data", "folder to write"),
    "--oversample": ("value.positive_oversample", "copies of each positive training row"),
    "--censored": ("value.censored", "zero | effort | drop"),
    "--seed": ("value.split_seed", "seed of the split and the order"),
}
REQUIRED = ("theorem", "goals", "key", "outcome", "d", "effort")


def main() -> int:
    """Writes the three files and prints the counts."""
    cfg = config.from_cli(__doc__, FLAGS)
    paths = [str(path) for path in cfg.value.trajectories]
    if not paths:
        raise ConfigError("value.trajectories is empty; give --trajectories '[FILE,…]'")
    rows = [row for path in paths for row in read_jsonl(path, required=REQUIRED)]
    merged = merge_rows(rows, cfg.value.gamma)
    train, valid = split_rows(value_rows(merged, cfg.value), cfg.value.valid_fraction,
                              cfg.value.split_seed)
    positives = sum(row["label"] > 0 for row in train)
    if not positives:
        raise InputError(f"no proven state in {', '.join(paths)}; collect more trajectories")
    info = {
        "round": max((row.get("round") or 0 for row in rows), default=0),
        "trajectories": paths,
        "states": len(merged),
        "outcomes": dict(Counter(row["outcome"] for row in merged)),
        "train_distinct": len(train),
        "train_positive": positives,
        "valid": len(valid),
        "valid_positive": sum(row["label"] > 0 for row in valid),
        "d": dict(sorted(Counter(row["d"] for row in train if row["d"] is not None).items())),
    }
    train = oversample(train, cfg.value)
    info["train"] = len(train)
    out = Path(cfg.value.data)
    write_jsonl_atomic(out / "valid.jsonl", valid)
    write_jsonl_atomic(out / "train.jsonl", train)
    write_text_atomic(out / "info.json", json.dumps(info, indent=1) + "\n")
    print(f"value data: {info['train']} training rows ({positives} distinct positive of "
          f"{info['train_distinct']}), {len(valid)} for validation; written to {out}")
    return 0


def value_rows(merged: Sequence[dict], section: DictConfig) -> list[dict]:
    """Labelled texts of merged trajectory rows (not yet split or oversampled)."""
    if section.censored not in ("zero", "effort", "drop"):
        raise ConfigError(f"value.censored: {section.censored!r}; choose zero, effort or drop")
    rows = []
    for row in merged:
        goals = tuple(row["goals"])
        several = len(units(goals)) > 1
        if several if section.per_goal else row["kind"] != "state":
            continue
        weight = _weight(row, section)
        if weight > 0:
            rows.append({"text": value_text(goals), "label": row["label"], "weight": weight,
                         "d": row["d"], "outcome": row["outcome"], "key": row["key"],
                         "theorems": row["theorems"]})
    return rows


def _weight(row: dict, section: DictConfig) -> float:
    """How much a state counts in the loss, in [0, 1]; 0 leaves it out."""
    if row["outcome"] == Outcome.PROVEN or row["outcome"] == Outcome.REFUTED:
        return 1.0
    if section.censored == "drop" or row["effort"] < section.min_effort:
        return 0.0
    if section.censored == "zero":
        return 1.0
    return min(1.0, row["effort"] / section.effort_full)


def split_rows(rows: Sequence[dict], fraction: float, seed: int) -> tuple[list, list]:
    """(train, valid) by theorem: about ``fraction`` of the theorems is held out, at least
    one of two.

    Whether a theorem is held out depends on its name and the seed alone, so one that a later round
    validates on was in no earlier round's training either (models go on from each other's weights).
    A state met in any training theorem goes to training, so validation shares no state with it.
    """
    place = {name: _place(name, seed) for row in rows for name in row["theorems"]}
    count = sum(p < fraction for p in place.values())
    if fraction and len(place) > 1:
        count = min(max(count, 1), len(place) - 1)
    held = set(sorted(place, key=place.__getitem__)[:count])
    train = [row for row in rows if not held.issuperset(row["theorems"])]
    valid = [row for row in rows if held.issuperset(row["theorems"])]
    return train, valid


def _place(name: str, seed: int) -> float:
    """A number in [0, 1) drawn from a theorem's name."""
    return int(hashlib.sha256(f"split {seed} {name}".encode()).hexdigest()[:12], 16) / 16**12


def oversample(train: Sequence[dict], section: DictConfig) -> list[dict]:
    """Positives repeated, negatives thinned to `negatives_per_positive`, in a seeded order."""
    rng = random.Random(f"order {section.split_seed}")
    positive = [row for row in train if row["label"] > 0]
    negative = [row for row in train if row["label"] <= 0]
    if section.negatives_per_positive is not None:
        keep = round(section.negatives_per_positive * len(positive))
        negative = rng.sample(negative, min(keep, len(negative)))
    rows = positive * section.positive_oversample + negative
    rng.shuffle(rows)
    return rows


if __name__ == "__main__":
    config.main(main)
