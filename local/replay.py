"""Proofs that search and sampling found, as rows of supervised steps beside GRPO's.

GRPO only re-weights what the generator samples already; what search discovered reaches the
generator here: verified proofs as whole-proof answers, and the proven states of the trajectories
with the first tactic of their shortest known proof as next-step answers. Proofs that are verified
during the phase join. Without `grpo.replay.search` only the generator's own samples count.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from coprover import prompts
from coprover.records import Theorem, read_jsonl
from coprover.renaming import Renaming
from local.training import Group


def found_proofs(folders: Iterable[str | Path], per_theorem: int,
                 search: bool = True) -> dict[str, list[list[str]]]:
    """Theorem name -> its shortest distinct proofs (lists of steps), at most `per_theorem`.

    Read from `attempts.jsonl` (verified, tactics) and, with `search`, from `searches.jsonl`
    (solved, proof).
    """
    proofs: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for folder in map(Path, folders):
        for row in _rows(folder / "searches.jsonl") if search else ():
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
    """Draws supervised mini-batches: a theorem uniformly, then one of its rows, so that no theorem
    with many states or proofs outweighs the others. `step_share` of a batch are next-step rows;
    each row is drawn under a random renaming of its symbols."""

    def __init__(self, tokenizer, theorems: Mapping[str, Theorem],
                 proofs: Mapping[str, Sequence[Sequence[str]]],
                 steps: Mapping[str, Sequence[tuple[str, str]]], options, max_tokens: int):
        """options: the `grpo.replay` section (step_share, per_theorem, alphabets)."""
        whole = {name: [(prompts.whole_proof(theorems[name]), prompts.proof_response(p))
                        for p in found] for name, found in proofs.items() if name in theorems}
        single = {name: [(prompts.tactic_step(state), tactic) for state, tactic in rows]
                  for name, rows in steps.items() if name in theorems}
        self.whole = _tokenise(tokenizer, whole, max_tokens)
        self.single = _tokenise(tokenizer, single, max_tokens)
        self.step_share, self.per_theorem = options.step_share, options.per_theorem
        self.renaming = Renaming(tokenizer, options.alphabets)
        self.added: list[tuple[str, Group]] = []

    def __len__(self) -> int:
        return sum(map(len, self.whole.values())) + sum(map(len, self.single.values()))

    def add(self, theorem: str, proof: Group) -> None:
        """Take up a proof verified during the phase, unless the theorem has enough of them."""
        known = self.whole.setdefault(theorem, [])
        responses = [tuple(group.responses[0]) for group in known]
        if len(known) < self.per_theorem and tuple(proof.responses[0]) not in responses:
            known.append(proof)
            self.added.append((theorem, proof))

    def draw(self, count: int, rng: random.Random) -> list[Group]:
        """`count` rows; fewer kinds than asked for share the batch. Needs at least one row."""
        kinds = {True: list(self.single.values()), False: list(self.whole.values())}
        rows = []
        for _ in range(count):
            single = rng.random() < self.step_share
            row = rng.choice(rng.choice(kinds[single] or kinds[not single]))
            rows.append(row.renamed(self.renaming.draw(rng)))
        return rows

    def batches(self, steps: int, batch_size: int, rng: random.Random) -> list[list[Group]]:
        """`steps` batches of rows of similar length (little padding), in random order."""
        rows = sorted(self.draw(steps * batch_size, rng), key=lambda row: row.length)
        out = [rows[i:i + batch_size] for i in range(0, len(rows), batch_size)]
        rng.shuffle(out)
        return out


def _tokenise(tokenizer, rows: Mapping[str, Sequence[tuple[str, str]]],
              max_tokens: int) -> dict[str, list[Group]]:
    """A non-empty list of token rows for each theorem, in the order of the names."""
    from local.warm_start import token_groups

    pools = {name: token_groups(tokenizer, rows[name], max_tokens) for name in sorted(rows)}
    return {name: pool for name, pool in pools.items() if pool}
