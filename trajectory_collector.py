"""Collects trajectories: whole-proof samples and tactic-level search, one row per distinct state.

For each theorem of the round: sample whole proofs, verify them, replay their steps up to the first
error; search under the configured rule; then label every state met, gamma^d where a proof through
it is known (coprover/trajectories.py). Files in `collect.output`:
  attempts.jsonl      one row per sampled proof, with its verdict and the states it passed
  searches.jsonl      one row per search, with its tree
  trajectories.jsonl  one row per distinct state of a theorem; written last, whole or not at all
A killed run goes on with the theorems it had not finished. Every row names the weights of the
generator and of the value model.

Run: python trajectory_collector.py --config configs/local.yaml --round 1 --output runs/x/round_1
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig

from coprover import config
from coprover.config import ConfigError
from coprover.prompts import whole_proof
from coprover.records import Theorem, append_jsonl, iter_jsonl, load_theorems
from coprover.runlog import MetricsLog

log = logging.getLogger("collect")

FLAGS = {
    "--dataset": ("collect.dataset", "JSONL of theorems"),
    "--limit": ("collect.limit", "theorems of this round"),
    "--round": ("collect.round", "number of the round, chooses the part of the dataset"),
    "--output": ("collect.output", "folder for the three files"),
    "--samples": ("collect.samples_per_theorem", "whole proofs a theorem"),
    "--rule": ("collect.rule", "search rule once there is a value model"),
    "--budget": ("collect.budget", "expansions a theorem"),
    "--sglang-url": ("collect.sglang_url", "the generator's server"),
    "--kimina-url": ("collect.kimina_url", "the Lean server"),
    "--value-url": ("collect.value_url", "the value model's server; none before round 2"),
    "--seed": ("collect.seed", "seed of everything random here"),
}


def main() -> int:
    """Collects one round and prints what was found."""
    cfg = config.from_cli(__doc__, FLAGS)
    theorems = pick(load_theorems(cfg.collect.dataset), cfg.collect.limit, cfg.collect.round,
                    cfg.collect.seed)
    facts = asyncio.run(collect(cfg, theorems))
    MetricsLog(Path(cfg.run.dir) / "metrics.jsonl").log(
        phase="search", round=cfg.collect.round,
        **{f"collect/{name}": value for name, value in facts.items()})
    print("collect: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
    return 0


def pick(theorems: Sequence[Theorem], limit: int | None, number: int, seed: int) -> list[Theorem]:
    """The theorems of round ``number`` (1, 2, …): consecutive parts of one shuffled order."""
    order = list(theorems)
    if not limit or limit >= len(order):
        return order
    random.Random(f"collect {seed}").shuffle(order)
    start = (number - 1) * limit
    return [order[(start + i) % len(order)] for i in range(limit)]


async def collect(cfg: DictConfig, theorems: Sequence[Theorem]) -> dict:
    """Writes the three files; returns counts. Raises SamplingError or LeanUnavailable."""
    from coprover.expand import connect

    section = cfg.collect
    async with connect(cfg, sglang_url=section.sglang_url, kimina_url=section.kimina_url,
                       value_url=section.value_url, seed=section.seed + section.round) as expander:
        return await collect_with(cfg, theorems, expander)


async def collect_with(cfg: DictConfig, theorems: Sequence[Theorem], expander) -> dict:
    """`collect` with the servers of an expander."""
    section = cfg.collect
    out = Path(section.output)
    stamp = {"round": section.round, "generator": expander.generator_version,
             "value_model": expander.value_version}
    if section.samples_per_theorem:
        await _sample(cfg, theorems, expander, out / "attempts.jsonl", stamp)
    await _search(cfg, theorems, expander, out / "searches.jsonl", stamp)
    return write_trajectories(out, theorems, cfg.value.gamma, stamp)


async def _sample(cfg, theorems, expander, path: Path, stamp: dict) -> None:
    """Sample, verify and trace whole proofs; the next batch is sampled during verification."""
    section = cfg.collect
    counts: dict[str, int] = {}
    for row in _rows_of(path, stamp):
        counts[row["theorem"]] = counts.get(row["theorem"], 0) + 1
    todo = [t for t in theorems if counts.get(t.name, 0) < section.samples_per_theorem]
    log.info("sampling whole proofs: %d of %d theorems to do", len(todo), len(theorems))
    checking: asyncio.Task | None = None
    try:
        for start in range(0, len(todo), section.batch_theorems):
            batch = todo[start:start + section.batch_theorems]
            groups = await expander.sampler.generate(
                [whole_proof(t) for t in batch], section.samples_per_theorem,
                temperature=section.temperature, max_new_tokens=section.max_new_tokens,
                seed=section.seed + section.round)
            if checking:
                await checking
            checking = asyncio.create_task(_check(cfg, batch, groups, expander, path, stamp))
        if checking:
            await checking
    finally:
        if checking:
            checking.cancel()


async def _check(cfg, batch, groups, expander, path: Path, stamp: dict) -> None:
    """Verify and trace one batch and append its attempts."""
    from coprover.tracing import trace

    flat = [(t, i, s) for t, group in zip(batch, groups, strict=True) for i, s in enumerate(group)]
    results = await expander.verifier.verify([(t, s.text) for t, _, s in flat])
    proofs = {}
    for (t, _, s), result in zip(flat, results, strict=True):
        steps = steps_of(t, s.text)
        if steps and (result.verified or cfg.collect.trace_failed):
            proofs[t.name, tuple(steps)] = t
    chains = dict(zip(proofs, await trace([(t, p) for (_, p), t in proofs.items()], expander),
                      strict=True))
    rows = []
    for (t, i, s), result in zip(flat, results, strict=True):
        if s.weight_version != stamp["generator"]:
            raise ConfigError(f"the generator changed from {stamp['generator']} to "
                              f"{s.weight_version} during the phase; restart it")
        closed, chain = chains.get((t.name, tuple(steps_of(t, s.text))), (False, []))
        states = [list(goals) for goals, _, _ in chain]
        if chain and chain[-1][2]:
            states.append(list(chain[-1][2]))
        rows.append({
            "theorem": t.name, "sample": i, "response": s.text, "snippet": result.snippet,
            "verdict": result.verdict.value, "reason": result.reason, "time_s": result.time_s,
            "n_tokens": s.n_tokens, "logprob": s.logprob, "finish_reason": s.finish_reason,
            "tactics": [tactic for _, tactic, _ in chain], "states": states, "closed": closed,
            **stamp})
    append_jsonl(path, rows)
    verified = sum(row["verdict"] == "verified" for row in rows)
    log.info("attempts: %d verified of %d", verified, len(rows))


def steps_of(theorem: Theorem, response: str) -> list[str]:
    """The top-level steps of a response's proof; [] for one that is no plain tactic block.

    Proofs with helper lemmas are left out: their steps make no sense without the lemmas.
    """
    from coprover import screen
    from coprover.snippets import BadResponse, dedent, read_response, split_steps

    try:
        proof = read_response(theorem, response)
        if proof.helpers.strip() or not proof.body.startswith("by\n"):
            return []
        return split_steps(dedent(proof.body.removeprefix("by\n")))
    except (BadResponse, screen.Malformed):
        return []


async def _search(cfg, theorems, expander, path: Path, stamp: dict) -> None:
    """Search what is not in the file yet, as long as `collect.begin_s` lets further theorems begin;
    a row is appended as each theorem ends."""
    from coprover.search import run_rules
    from value_guided_search import rule_of

    section = cfg.collect
    spec = section.rule if section.value_url else cfg.search.rule_without_value
    rule = rule_of(cfg, spec)
    done = {row["theorem"] for row in _rows_of(path, stamp)}
    todo = [t for t in theorems if t.name not in done]
    log.info("searching under %s: %d of %d theorems to do", spec, len(todo), len(theorems))
    solved = 0

    def keep(theorem: Theorem, results: dict) -> None:
        nonlocal solved
        result = results[rule.label]
        append_jsonl(path, [{**result.as_dict(), **stamp}])
        solved += result.solved
        done.add(theorem.name)
        if len(done) % 100 == 0:
            log.info("searched %d of %d, %d solved in this call", len(done), len(theorems), solved)

    await run_rules(todo, [rule], expander, budget=section.budget, batch=cfg.search.batch,
                    max_turns=cfg.search.turns, time_s=cfg.search.time_s, begin_s=section.begin_s,
                    concurrent=cfg.search.concurrent, streams=cfg.search.streams,
                    keep_tree=True, on_theorem=keep)
    if len(done) < len(theorems):
        log.info("searched %d of %d theorems: none is begun after %s s (collect.begin_s)",
                 len(done), len(theorems), section.begin_s)


def write_trajectories(out: Path, theorems: Sequence[Theorem], gamma: float, stamp: dict) -> dict:
    """Derives trajectories.jsonl from the other two files; returns counts."""
    from coprover.trajectories import theorem_rows

    names = {t.name for t in theorems}
    attempts: dict[str, dict[int, dict]] = {}
    for row in iter_jsonl(out / "attempts.jsonl", resume=True):
        if row["theorem"] in names:  # of a repeated sample the last row counts
            attempts.setdefault(row["theorem"], {})[row["sample"]] = row
    sampled = [list(group.values()) for group in attempts.values()]
    facts = {
        "theorems": len(names),
        "attempts": sum(map(len, sampled)),
        "verified": sum(a["verdict"] == "verified" for group in sampled for a in group),
        "theorems_sampled_ok": sum(any(a["verdict"] == "verified" for a in group)
                                   for group in sampled),
        "theorems_searched": 0, "theorems_searched_ok": 0, "expansions": 0, "states": 0,
        **dict.fromkeys(("proven", "refuted", "censored"), 0),
    }

    def rows(theorem: str, searches: list[dict]) -> list[dict]:
        own = theorem_rows(theorem, list(attempts.pop(theorem, {}).values()), searches, gamma,
                           **stamp)
        facts["states"] += len(own)
        for row in own:
            facts[row["outcome"]] += 1
        return own

    final = out / "trajectories.jsonl"
    temporary = final.with_name(f".{final.name}.tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("w", encoding="utf-8") as file:
        for search in iter_jsonl(out / "searches.jsonl", resume=True):
            if search["theorem"] in names:
                facts["theorems_searched"] += 1
                facts["theorems_searched_ok"] += search["solved"]
                facts["expansions"] += search["expansions"]
                for row in rows(search["theorem"], [search]):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
        for name in list(attempts):
            for row in rows(name, []):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, final)
    return facts


def _rows_of(path: Path, stamp: dict) -> Iterator[dict]:
    """Rows of an earlier call. Raises ConfigError when other weights made them."""
    for row in iter_jsonl(path, required=("theorem",), resume=True):
        for name, value in stamp.items():
            if row.get(name) != value:
                raise ConfigError(f"{path} was made with {name} {row.get(name)!r}, now it is "
                                  f"{value!r}; move that folder away or correct the settings")
        yield row


if __name__ == "__main__":
    config.main(main)
