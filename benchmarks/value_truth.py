"""How well value models know the true distance to QED, on the states of `sums` theorems.

A state's true d is the fewest tactics over the vocabulary of the theorem families, found by their
prover (local/families_prover.py) from the printed state; labels of a run are upper bounds of it.
Read are the held-out states of the run's newest value data. Prints how labels relate to the truth
and, per value model, Spearman's correlation of V with -d (1: the true order) and the mean of V by
true d beside gamma^d. States whose text the small reader below does not know are counted, as are
those without a proof within MAX_DEPTH or MAX_NODES.

Run: python -m benchmarks.value_truth runs/laptop [runs/laptop/round_3/value OTHER …]
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

from omegaconf import OmegaConf
from scipy.stats import spearmanr

from coprover.labels import label, parse_goal
from coprover.records import read_jsonl
from coprover.sampling import sigmoid
from local.families_logic import Exhausted, Goal
from local.families_prover import Prover

FAMILY, LEMMAS = "sums", ("Nat.add_comm", "Nat.add_assoc")
MAX_DEPTH, MAX_NODES = 7, 1500
_TOKEN = re.compile(r"\s*(∀|→|[A-Za-z_][\w'.]*|\d+|[()=+:,])")


class Unread(ValueError):
    """A printed state outside the fragment: ∀, →, =, +, applications, over Nat."""


class Reader:
    """Recursive descent over one printed formula; the expressions of local/families_logic.py."""

    def __init__(self, text: str):
        self.tokens, end = [], 0
        while text[end:].strip():
            match = _TOKEN.match(text, end)
            if match is None:
                raise Unread(text)
            self.tokens.append(match.group(1))
            end = match.end()
        self.tokens.append("")

    def whole(self):
        """The formula, which must be all of the text."""
        formula = self.formula()
        self.take("")
        return formula

    def take(self, token: str) -> None:
        if not self.tokens or self.tokens.pop(0) != token:
            raise Unread(f"expected {token!r}")

    def formula(self):
        if self.tokens[0] == "∀":
            return self.universal()
        left = self.equation()
        if self.tokens[0] != "→":
            return left
        self.take("→")
        return ("imp", left, self.formula())

    def universal(self):
        self.take("∀")
        bracket = self.tokens[0] == "("
        if bracket:
            self.take("(")
        names = []
        while self.tokens[0] not in (":", ""):
            names.append(self.tokens.pop(0))
        self.take(":")
        self.take("Nat")
        if bracket:
            self.take(")")
        self.take(",")
        body = self.formula()
        for name in reversed(names):
            body = ("all", name, body)
        return body

    def equation(self):
        left = self.sum()
        if self.tokens[0] != "=":
            return left
        self.take("=")
        return ("=", left, self.sum())

    def sum(self):
        left = self.application()
        while self.tokens[0] == "+":
            self.take("+")
            left = ("+", left, self.application())
        return left

    def application(self):
        head, args = self.atom(), []
        while self.tokens[0] == "(" or self.tokens[0][:1].isalnum():
            args.append(self.atom())
        return (head, *args) if args else head

    def atom(self):
        if self.tokens[0] == "(":
            self.take("(")
            inner = self.formula()
            self.take(")")
            return inner
        if not self.tokens[0][:1].isalnum():
            raise Unread(self.tokens[0])
        return self.tokens.pop(0)


def read_goal(text: str) -> Goal:
    """The goal of a printed state with one goal. Raises Unread."""
    hyps, target = parse_goal(text)
    names = tuple(name for name, body in hyps if body.strip() == "Nat")
    facts = tuple((name, Reader(body).whole()) for name, body in hyps if not _is_type(body))
    return Goal(names, facts, Reader(target.removeprefix("⊢")).whole())


def _is_type(body: str) -> bool:
    return set(body.replace("→", " ").split()) <= {"Nat", "Prop"}


def true_distance(text: str) -> int | None:
    """Fewest tactics to QED; None if there is no proof within MAX_DEPTH. Raises Unread, Exhausted.
    """
    proof = Prover(LEMMAS, MAX_NODES).prove(read_goal(text), MAX_DEPTH)
    return len(proof) if proof else None


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished laptop run")
    parser.add_argument("values", nargs="*", type=Path, help="value models; default: the newest")
    args = parser.parse_args()
    newest = max(args.run.glob("round_*"), key=lambda p: int(p.name.removeprefix("round_")))
    cfg = OmegaConf.load(args.run / "config.yaml")
    rows = states(newest / "value_data" / "valid.jsonl", Path(cfg.theorems.train))
    print("\n| value model | Spearman with the true d | mean V by true d "
          f"{', '.join(str(d) for d in range(1, MAX_DEPTH + 1))} |\n| --- | --- | --- |")
    truth = [row["true"] for row in rows]
    wanted = ", ".join(f"{label(d, cfg.value.gamma):.2f}" for d in range(1, MAX_DEPTH + 1))
    print(f"| γ^d | 1 | {wanted} |")
    for folder in args.values or [newest / "value"]:
        values = score(folder, [row["text"] for row in rows])
        by_d = [[v for v, d in zip(values, truth, strict=True) if d == k]
                for k in range(1, MAX_DEPTH + 1)]
        means = ", ".join(f"{sum(v) / len(v):.2f}" if v else "–" for v in by_d)
        print(f"| `{folder}` | {spearmanr(values, [-d for d in truth])[0]:.3f} | {means} |")


def states(path: Path, theorems: Path) -> list[dict]:
    """The rows of the family with `true` added; prints what was left out and how labels fare."""
    family = {row["name"]: row["family"] for row in read_jsonl(theorems)}
    rows, out = [], Counter()
    for row in read_jsonl(path):
        if family.get(row["theorems"][0]) != FAMILY:
            continue
        try:
            true = true_distance(row["text"])
        except (Unread, Exhausted) as error:
            out[type(error).__name__.lower()] += 1
            continue
        if true is None:
            out[f"no proof within {MAX_DEPTH}"] += 1
        else:
            rows.append({**row, "true": true})
    off = Counter(row["d"] - row["true"] for row in rows if row["d"] is not None)
    print(f"{len(rows)} held-out states of {FAMILY}; left out: {json.dumps(dict(out))}")
    print(f"labelled with a distance: {sum(off.values())}, of them exact {off[0]}; "
          f"not proven in the run: {len(rows) - sum(off.values())}")
    return rows


def score(folder: Path, texts: list[str]) -> list[float]:
    """V of each text."""
    from transformers import AutoTokenizer

    import value_model

    model = value_model.load(folder).eval().float()
    ids = value_model.encode(AutoTokenizer.from_pretrained(folder), texts, 512)
    return [sigmoid(x) for x in value_model.logits(model, ids, 1024)]


if __name__ == "__main__":
    main()
