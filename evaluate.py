"""pass@k of a generator on a dataset, and searches under several rules at equal cost.

Samples whole proofs from an SGLang server, has them verified by a Lean server, and reports the
unbiased pass@k of Chen et al. 2021 with bootstrap intervals over theorems. With
`evaluate.search_rules` it also runs best-first search under each rule on the same candidates.
Finished theorems are kept in `<output>.parts/`: an interrupted evaluation goes on where it was.

Run: python3 evaluate.py --dataset examples/minif2f_smoke.jsonl --n-samples 4 --max-problems 12 \\
       --sglang-url http://localhost:30000 --kimina-url http://localhost:8000 --output out.json
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from coprover import config
from coprover.config import ConfigError
from coprover.metrics import pass_at_k_table
from coprover.prompts import whole_proof
from coprover.records import (
    Theorem,
    append_jsonl,
    load_theorems,
    read_jsonl,
    write_text_atomic,
)
from coprover.runlog import provenance

log = logging.getLogger("evaluate")

FLAGS = {
    "--dataset": ("evaluate.dataset", "JSONL of theorems"),
    "--sglang-url": ("evaluate.sglang_url", "the generator's server"),
    "--kimina-url": ("evaluate.kimina_url", "the Lean server"),
    "--value-url": ("evaluate.value_url", "the value model's server (searches only)"),
    "--n-samples": ("evaluate.n_samples", "whole proofs per theorem"),
    "--max-problems": ("evaluate.max_problems", "first so many theorems"),
    "--temperature": ("evaluate.temperature", "sampling temperature"),
    "--max-new-tokens": ("evaluate.max_new_tokens", "tokens per proof"),
    "--seed": ("evaluate.seed", "seed of the samples"),
    "--search-rules": ("evaluate.search_rules", "rules to compare, e.g. '[logprob,logmix]'"),
    "--search-budget": ("evaluate.search_budget", "expansions per theorem"),
    "--output": ("evaluate.output", "JSON file to write"),
}
BATCH = 64  # theorems sampled together; the Lean server verifies one batch while the next is drawn


def main() -> int:
    """Evaluates and prints the table."""
    cfg = config.from_cli(__doc__, FLAGS)
    section = cfg.evaluate
    theorems = load_theorems(section.dataset, section.max_problems)
    result = asyncio.run(evaluate(cfg, theorems))
    write_text_atomic(section.output, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print_tables(result)
    print(f"written to {section.output}")
    return 0


async def evaluate(cfg: DictConfig, theorems: Sequence[Theorem]) -> dict:
    """Returns the whole result (see `main` for what is written).

    Raises SamplingError or LeanUnavailable when a server does not answer.
    """
    from coprover.sampling import Sampler
    from coprover.verify import Verifier

    section = cfg.evaluate
    async with (
        Sampler.from_config(cfg.sampler, section.sglang_url) as sampler,
        Verifier(cfg.lean, section.kimina_url) as verifier,
    ):
        await sampler.health()
        version = await sampler.weight_version()
        parts = _parts_folder(cfg, version)
        lean = await verifier.client.versions()
        rows = await _sample_and_verify(cfg, theorems, sampler, verifier, parts, version)
        log.info("Lean: %s", verifier.client.metrics())
    result = summarise(rows, sorted({*section.k, section.n_samples}))
    result |= {
        "dataset": str(section.dataset), "n_samples": section.n_samples,
        "weight_version": version, "seed": section.seed, "temperature": section.temperature,
        "lean": lean, "provenance": provenance(), "theorems": rows,
    }  # fmt: skip
    if section.search_rules:
        from value_guided_search import compare_rules

        result["search"] = await compare_rules(
            cfg, theorems[: section.search_problems or None], list(section.search_rules), parts
        )
    return result


def summarise(rows: Sequence[dict], ks: Sequence[int]) -> dict:
    """Returns pass@k over all theorems and per group, and how often each verdict was given.

    A k above the number of samples has no unbiased estimate and is left out.
    """
    counts = [(row["n"], row["c"]) for row in rows]
    verdicts: Counter = Counter()
    for row in rows:
        verdicts.update(row["verdicts"])
    groups: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        for key in ("family", "depth", "holdout"):
            if row.get(key) is not None:
                groups.setdefault(f"{key}={row[key]}", []).append((row["n"], row["c"]))
    return {
        "n_theorems": len(rows),
        "pass_at_k": _dicts(pass_at_k_table(counts, ks)),
        "verdicts": dict(verdicts),
        "groups": {name: {"n_theorems": len(c)} | _means(pass_at_k_table(c, ks))
                   for name, c in sorted(groups.items())},
    }  # fmt: skip


def print_tables(result: dict) -> None:
    """Prints pass@k and, if there were searches, the rules side by side."""
    console = Console(width=100, highlight=False)
    console.print(
        f"{result['dataset']}: {result['n_theorems']} theorems × {result['n_samples']} samples, "
        f"weights {result['weight_version']}"
    )
    table = Table()
    for column in ("metric", "mean", "95 % interval"):
        table.add_column(column)
    for k, value in result["pass_at_k"].items():
        table.add_row(
            f"pass@{k}", f"{value['mean']:.3f}", f"{value['low']:.3f} – {value['high']:.3f}"
        )
    console.print(table)
    console.print("verdicts: " + ", ".join(f"{k} {v}" for k, v in result["verdicts"].items()))
    if "search" in result:
        from coprover.report import search_table

        console.print(search_table(result["search"]))


async def _sample_and_verify(cfg, theorems, sampler, verifier, parts: Path, version: str):
    """Returns one row per theorem; whatever is finished in `parts` is not done again."""
    section = cfg.evaluate
    path = parts / "samples.jsonl"
    done = {row["name"]: row for row in read_jsonl(path, resume=True)}
    todo = [t for t in theorems if _fresh(done.get(t.name), t) is None]
    started = time.monotonic()
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("samples", total=len(theorems), completed=len(theorems) - len(todo))
        verifying: asyncio.Task | None = None
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            samples = await sampler.generate(
                [whole_proof(t) for t in batch], section.n_samples, seed=section.seed,
                temperature=section.temperature, max_new_tokens=section.max_new_tokens,
            )  # fmt: skip
            if verifying:
                progress.advance(bar, await verifying)
            verifying = asyncio.create_task(_verify_batch(batch, samples, verifier, path, version))
        if verifying:
            progress.advance(bar, await verifying)
    log.info("%d theorems sampled and verified in %.1f s", len(todo), time.monotonic() - started)
    done = {row["name"]: row for row in read_jsonl(path, resume=True)}
    return [done[t.name] for t in theorems]


async def _verify_batch(batch, samples, verifier, path: Path, version: str) -> int:
    pairs = [(t, s.text) for t, group in zip(batch, samples, strict=True) for s in group]
    results = iter(await verifier.verify(pairs))
    rows = []
    for theorem, group in zip(batch, samples, strict=True):
        verdicts = Counter(next(results).verdict.value for _ in group)
        versions = {s.weight_version for s in group}
        if versions != {version}:
            raise ConfigError(f"the server changed its weights from {version} to {versions}")
        rows.append({
            "name": theorem.name, "statement": theorem.statement_hash, "family": theorem.family,
            "depth": theorem.depth, "holdout": theorem.extra.get("holdout"),
            "n": len(group), "c": verdicts.get("verified", 0), "verdicts": dict(verdicts),
            "tokens": sum(s.n_tokens for s in group), "weight_version": version,
        })  # fmt: skip
    append_jsonl(path, rows)
    return len(batch)


def _parts_folder(cfg: DictConfig, version: str) -> Path:
    """A folder for finished theorems, named after everything that would change their result."""
    section = cfg.evaluate
    settings = [section.dataset, section.n_samples, section.temperature, section.max_new_tokens,
                section.seed, version]  # fmt: skip
    digest = hashlib.sha256(json.dumps([str(s) for s in settings]).encode()).hexdigest()[:10]
    return Path(f"{section.output}.parts") / digest


def _fresh(row: dict | None, theorem: Theorem) -> dict | None:
    return row if row and row["statement"] == theorem.statement_hash else None


def _dicts(table: dict) -> dict[str, dict]:
    return {str(k): estimate.as_dict() for k, estimate in table.items()}


def _means(table: dict) -> dict[str, float]:
    return {f"pass@{k}": estimate.mean for k, estimate in table.items()}


if __name__ == "__main__":
    config.main(main)
