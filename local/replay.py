"""Proofs that search and sampling found, as training rows for the replay term of GRPO.

GRPO only re-weights what the generator samples already; what search discovered reaches the
generator here: verified proofs as whole-proof answers, and the proven states of the trajectories
with the first tactic of their shortest known proof as next-step answers.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from coprover import prompts
from coprover.records import Theorem, read_jsonl
from coprover.renaming import Renaming


def found_proofs(folders: Iterable[str | Path], per_theorem: int) -> dict[str, list[list[str]]]:
    """Theorem name -> its shortest distinct proofs (lists of steps), at most `per_theorem`.

    Read from `searches.jsonl` (solved, proof) and `attempts.jsonl` (verified, tactics).
    """
    proofs: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for folder in map(Path, folders):
        for row in _rows(folder / "searches.jsonl"):
            if row["solved"] and row.get("proof"):
                proofs[row["theorem"]].add(tuple(row["proof"]))
        for row in _rows(folder / "attempts.jsonl"):
            if row["verdict"] == "verified" and row.get("tactics"):
                proofs[row["theorem"]].add(tuple(row["tactics"]))
    return {name: [list(p) for p in sorted(found, key=lambda p: (len(p), p))[:per_theorem]]
            for name, found in proofs.items()}


def proven_steps(folders: Iterable[str | Path]) -> dict[str, list[tuple[str, str]]]:
    """Theorem name -> (state text, tactic) of every proven state of `trajectories.jsonl`.

    A state met in several rounds keeps the row of smallest d.
    """
    best: dict[tuple[str, str], dict] = {}
    for folder in map(Path, folders):
        for row in _rows(folder / "trajectories.jsonl"):
            if row["outcome"] == "proven" and row.get("tactic") and row.get("kind") == "state":
                key = (row["theorem"], row["key"])
                if key not in best or row["d"] < best[key]["d"]:
                    best[key] = row
    steps: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (name, _), row in best.items():
        steps[name].append(("\n\n".join(row["goals"]), row["tactic"]))
    return dict(steps)


def _rows(path: Path) -> list[dict]:
    return read_jsonl(path) if path.exists() else []


class Replay:
    """Draws mini-batches: a theorem uniformly, then one of its rows, so that no theorem with many
    states or proofs outweighs the others. `step_share` of a batch are next-step rows; each row is
    drawn under a random renaming of its symbols."""

    def __init__(self, tokenizer, theorems: Mapping[str, Theorem],
                 proofs: Mapping[str, Sequence[Sequence[str]]],
                 steps: Mapping[str, Sequence[tuple[str, str]]], step_share: float,
                 max_tokens: int, alphabets: Sequence[Sequence[str]] = ()):
        whole = {name: [(prompts.whole_proof(theorems[name]), prompts.proof_response(p))
                        for p in found] for name, found in proofs.items() if name in theorems}
        single = {name: [(prompts.tactic_step(state), tactic) for state, tactic in rows]
                  for name, rows in steps.items() if name in theorems}
        self.whole = _tokenise(tokenizer, whole, max_tokens)
        self.single = _tokenise(tokenizer, single, max_tokens)
        self.step_share = step_share
        self.renaming = Renaming(tokenizer, alphabets)

    def __len__(self) -> int:
        return sum(map(len, self.whole)) + sum(map(len, self.single))

    def draw(self, count: int, rng: random.Random) -> list:
        """`count` rows (training.Group); fewer kinds than asked for share the batch."""
        rows = []
        for _ in range(count):
            pools = self.single if rng.random() < self.step_share else self.whole
            pools = pools or self.whole or self.single
            if pools:
                row = rng.choice(rng.choice(pools))
                rows.append(row.renamed(self.renaming.draw(rng)))
        return rows


def _tokenise(tokenizer, rows: Mapping[str, Sequence[tuple[str, str]]], max_tokens: int) -> list:
    """One non-empty list of token rows a theorem, in the order of the names."""
    from local.warm_start import token_groups

    pools = [token_groups(tokenizer, rows[name], max_tokens) for name in sorted(rows)]
    return [pool for pool in pools if pool]
