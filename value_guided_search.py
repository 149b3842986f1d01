"""Best-first search for proofs, guided by the generator's log-probabilities and the value model.

Pops the best open state, lets the generator propose distinct steps, has Lean run each, scores the
new states, pushes them, until QED or the budget. The priority is README's
alpha * logprob + (1 - alpha) * V(state) (rule `mix`) or another rule of coprover/rules.py; proofs
count after verification as a whole. Writes one search result a theorem; a killed run goes on where
it was.

Run: python value_guided_search.py --config configs/local.yaml --rule logmix --budget 64 \\
       --dataset examples/minif2f_smoke.jsonl --value-url http://localhost:30001
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from coprover import config
from coprover.config import ConfigError
from coprover.records import Theorem, append_jsonl, load_theorems, read_jsonl
from coprover.rules import Rule, parse

log = logging.getLogger("search")

FLAGS = {
    "--dataset": ("search.dataset", "JSONL of theorems"),
    "--limit": ("search.limit", "first so many theorems"),
    "--rule": ("search.rule", "logprob, value, mix, logmix, phs, random, oracle; name:a=1"),
    "--alpha": ("search.alpha", "weight of the log-probability in mix and logmix"),
    "--budget": ("search.budget", "expansions a theorem"),
    "--candidates": ("search.candidates", "steps proposed at a state"),
    "--sglang-url": ("search.sglang_url", "the generator's server"),
    "--kimina-url": ("search.kimina_url", "the Lean server"),
    "--value-url": ("search.value_url", "the value model's server"),
    "--seed": ("search.seed", "seed of the candidates"),
    "--output": ("search.output", "JSONL of search results, appended to"),
}


def main() -> int:
    """Searches the dataset under one rule and prints a line of totals."""
    cfg = config.from_cli(__doc__, FLAGS)
    section = cfg.search
    theorems = load_theorems(section.dataset, section.limit)
    asyncio.run(search_file(cfg, theorems, Path(section.output)))
    wanted = {t.name for t in theorems}
    rows = [r for r in read_jsonl(section.output) if r["theorem"] in wanted]
    solved = [r for r in rows if r["solved"]]
    print(f"{section.rule}: {len(solved)} of {len(rows)} theorems solved, "
          f"{sum(r['expansions'] for r in rows) / len(rows):.1f} expansions a theorem; "
          f"written to {section.output}")
    return 0


def rule_of(cfg: DictConfig, spec: str) -> Rule:
    """The rule ``spec`` with the config's parameters where it names none."""
    return parse(spec, a=cfg.search.a, alpha=cfg.search.alpha, w=cfg.search.w,
                 gamma=cfg.value.gamma)


def settings_hash(cfg: DictConfig, *more: object) -> str:
    """Ten hex digits over everything that would change a search's result."""
    keys = ("a", "alpha", "w", "candidates", "distinct", "temperature", "max_new_tokens", "prompt",
            "per_goal", "batch", "turns", "max_state_chars", "time_s")
    text = json.dumps([*(str(cfg.search[key]) for key in keys), *map(str, more)])
    return hashlib.sha256(text.encode()).hexdigest()[:10]


async def search_file(cfg: DictConfig, theorems: Sequence[Theorem], path: Path) -> None:
    """Append a search result per theorem to ``path``; finished theorems are not searched again.

    Raises ConfigError when the file holds results made with other settings.
    """
    from coprover.expand import connect
    from coprover.search import run_rules

    section = cfg.search
    rule = rule_of(cfg, section.rule)
    async with connect(cfg, sglang_url=section.sglang_url, kimina_url=section.kimina_url,
                       value_url=section.value_url) as expander:
        mark = settings_hash(cfg, section.rule, section.budget, section.seed,
                             expander.generator_version, expander.value_version)
        old = read_jsonl(path, required=("theorem", "settings"), resume=True)
        if any(row["settings"] != mark for row in old):
            raise ConfigError(f"{path} holds results of other settings or weights; give another "
                              "--output or move it away")
        done = {row["theorem"] for row in old}

        def keep(theorem: Theorem, results: dict) -> None:
            row = results[rule.label].as_dict()
            append_jsonl(path, [{**row, "settings": mark}])
            log.info("%s: %s after %d expansions", theorem.name, row["status"], row["expansions"])

        await run_rules([t for t in theorems if t.name not in done], [rule], expander,
                        budget=section.budget, batch=section.batch, max_turns=section.turns,
                        time_s=section.time_s, concurrent=section.concurrent,
                        streams=section.streams, on_theorem=keep)


async def compare_rules(cfg: DictConfig, theorems: Sequence[Theorem], specs: Sequence[str],
                        parts: Path) -> dict:
    """Search every theorem under every rule with the same candidates; the comparison as a dict.

    Keys are those of coprover.compare.summarise, and ``theorems`` with the counters of every
    search. Finished theorems are kept in ``parts`` and not searched again. The servers are those
    of the config's ``evaluate:`` section. Searched are ``evaluate.search_budget`` expansions
    (``searched``), compared at ``evaluate.search_share`` (``budget``, see telling_budget).
    """
    from coprover.compare import summarise, telling_budget
    from coprover.expand import connect
    from coprover.search import run_rules

    section = cfg.evaluate
    share = section.search_share
    if share is not None and not 0.0 <= share <= 1.0:
        raise ConfigError(f"evaluate.search_share: a share of theorems in [0, 1], not {share}")
    rules = [rule_of(cfg, spec) for spec in specs]
    value_url = section.value_url if any(rule.needs_value for rule in rules) else None
    async with connect(cfg, sglang_url=section.sglang_url, kimina_url=section.kimina_url,
                       value_url=value_url, seed=section.seed) as expander:
        mark = settings_hash(cfg, *specs, section.search_budget, section.seed,
                             expander.generator_version, expander.value_version)
        path = parts / f"searches_{mark}.jsonl"
        done = {row["name"]: row for row in read_jsonl(path, resume=True)}
        done = {t.name: done[t.name] for t in theorems
                if t.name in done and done[t.name]["statement"] == t.statement_hash}
        todo = [t for t in theorems if t.name not in done]
        log.info("searching %d theorems under %s (%d done before)", len(todo), ", ".join(specs),
                 len(done))

        def keep(theorem: Theorem, results: dict) -> None:
            row = {"name": theorem.name, "statement": theorem.statement_hash,
                   "family": theorem.family, "depth": theorem.depth,
                   "holdout": theorem.extra.get("holdout"),
                   "rules": {rule.label: results[rule.label].as_dict() for rule in rules}}
            append_jsonl(path, [row])
            done[theorem.name] = row

        await run_rules(todo, rules, expander, budget=section.search_budget,
                        batch=cfg.search.batch, max_turns=cfg.search.turns,
                        time_s=cfg.search.time_s,
                        concurrent=cfg.search.concurrent, streams=cfg.search.streams,
                        on_theorem=keep)
        rows = [done[t.name] for t in theorems]
        budget = telling_budget(rows, section.search_budget, share)
        return {**summarise(rows, budget), "searched": section.search_budget, "seed": section.seed,
                "generator": expander.generator_version, "value_model": expander.value_version,
                "theorems": rows}


if __name__ == "__main__":
    config.main(main)
