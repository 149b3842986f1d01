"""Best-first search over proof states, many theorems and rules in lock step.

One loop: in each wave every unfinished search pops its best open states; all of them are expanded
by one sampler call and one stepper call, all new goals valued by one value call (coprover/expand.py
remembers both across rules). The budget counts expansions; a proof counts once it is verified as a
whole file. A single search, its nodes and paths: coprover/bestfirst.py.

Differences from BFS-Prover (arXiv:2502.03438): states are merged, candidates are distinct, the
rule is exchangeable (coprover/rules.py).

Command line: python value_guided_search.py --help
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from coprover.bestfirst import Search, SearchResult
from coprover.expand import Expander
from coprover.graph import state_distance
from coprover.records import Theorem
from coprover.rules import Rule
from coprover.stepper import StepFailure
from coprover.tracing import add_reference_proofs, graph_of

log = logging.getLogger(__name__)


async def run_rules(
    theorems: Sequence[Theorem], rules: Sequence[Rule], expander: Expander, *, budget: int,
    batch: int = 1, max_turns: int = 1, concurrent: int = 256, streams: int = 2,
    time_s: float | None = None, begin_s: float | None = None, keep_tree: bool = False,
    distances: Mapping[str, int] | None = None,
    on_theorem: Callable[[Theorem, dict[str, SearchResult]], None] | None = None,
) -> dict[str, dict[str, SearchResult]]:
    """Search every theorem under every rule: {theorem name: {rule label: result}}.

    budget: expansions per search; batch: states popped at a time (1 = strict best-first);
    max_turns: how often a state may be expanded, each time with further candidates, once the
    queue has run dry;
    concurrent: theorems under way at once, over ``streams`` loops that overlap sampling and Lean;
    begin_s: seconds after which no further theorem is begun; what is left out has no results.
    ``on_theorem`` is called when all rules of a theorem are done. The rule ``oracle`` runs last,
    with d from ``distances`` or, by default, from everything the run saw and the reference proofs.
    """
    plain = [rule for rule in rules if rule.name != "oracle"]
    oracles = [rule for rule in rules if rule.name == "oracle"]
    results: dict[str, dict[str, SearchResult]] = {t.name: {} for t in theorems}

    async def phase(chosen: list[Rule], known: Mapping[str, int], last: bool) -> None:
        waiting = _in_time(theorems, begin_s)
        share = max(1, concurrent // streams)
        done = on_theorem if last else None
        tasks = [asyncio.ensure_future(_stream(
            waiting, chosen, expander, results, budget, batch, max_turns, share, time_s,
            keep_tree, known, done, keep_memo=not last)) for _ in range(streams)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    if plain:
        await phase(plain, {}, last=not oracles)
    if oracles:
        if distances is None:
            graph = graph_of(expander)
            await add_reference_proofs(graph, theorems, expander)
            distances = graph.distances()
        await phase(oracles, distances, last=True)
    return results


def _in_time(theorems: Sequence[Theorem], begin_s: float | None) -> Iterator[Theorem]:
    """The theorems, none after begin_s seconds (None: all of them)."""
    deadline = math.inf if begin_s is None else time.monotonic() + begin_s
    for theorem in theorems:
        if time.monotonic() > deadline:
            return
        yield theorem


async def _stream(
    waiting: Iterable[Theorem], rules: list[Rule], expander: Expander, results: dict, budget: int,
    batch: int, max_turns: int, share: int, time_s: float | None, keep_tree: bool,
    distances: Mapping[str, int], on_theorem: Callable | None, *, keep_memo: bool,
) -> None:
    """One lock-step loop; theorems are taken from the shared iterator ``waiting``."""
    active: dict[str, tuple[Theorem, list[Search]]] = {}

    def finish(theorem: Theorem, ended: Iterable[SearchResult]) -> None:
        results[theorem.name].update({result.rule: result for result in ended})
        if on_theorem is not None:
            on_theorem(theorem, results[theorem.name])
        if not keep_memo:
            expander.forget(theorem.name)

    while True:
        room = share - len(active)
        arrivals = [t for _, t in zip(range(room), waiting, strict=False)]
        for theorem, root in zip(arrivals, await expander.start(arrivals), strict=True):
            if isinstance(root, StepFailure):
                log.warning("%s: not started (%s): %s", theorem.name, root.reason, root.message)
                finish(theorem, [_not_started(theorem, r, root, expander) for r in rules])
            else:
                active[theorem.name] = theorem, [
                    Search(theorem, rule, root, budget, expander.settings.seed, max_turns)
                    for rule in rules]
        if not active:
            return
        running = [s for _, searches in active.values() for s in searches if not s.status]
        await _wave(running, expander, batch, distances)
        for search in running:
            search.ended(time_s)
        for name, (theorem, searches) in list(active.items()):
            if all(search.status for search in searches):
                del active[name]
                finish(theorem, [search.result(expander, keep_tree) for search in searches])


async def _wave(searches: list[Search], expander: Expander, batch: int,
                distances: Mapping[str, int]) -> None:
    """Pop, expand, verify, value, push: one step of every search."""
    popped = [(search, node) for search in searches for node in search.pop(batch)]
    expansions = await expander.expand([node.state for _, node in popped],
                                       [node.turns - 1 for _, node in popped])
    fresh = [(search, child) for (search, node), expansion in zip(popped, expansions, strict=True)
             for child in search.absorb(node, expansion)]
    proofs = [(search, *item) for search in searches for item in search.candidate_proofs()]
    if proofs:
        verdicts = await expander.verify([(s.theorem, proof) for s, proof, _, _ in proofs])
        for (search, proof, node, tactic), verified in zip(proofs, verdicts, strict=True):
            search.judge(proof, node, tactic, verified)
            if not verified:
                expander.refused.add((search.theorem.name, node.state.text, tactic))
    fresh = [(search, node) for search, node in fresh if search.proof is None]
    valued = [(search, node) for search, node in fresh if search.rule.needs_value]
    texts = []
    for search, node in valued:
        own = expander.value_units(node.state)
        search.valued.update(own)
        texts += own
    await expander.score(texts)
    for _, node in valued:
        node.value = expander.value_of(node.state)
    for search, node in fresh:
        if search.rule.name == "oracle":
            d = state_distance(distances, node.state.goals)
            node.value = 0.0 if d is None else search.rule.gamma**d
        search.push(node)


def _not_started(theorem: Theorem, rule: Rule, failure: StepFailure,
                 expander: Expander) -> SearchResult:
    status = "declined" if failure.reason == "declined" else "not_started"
    return SearchResult(theorem.name, rule.label or rule.name, False, None, status, 0, 0, 0, 0, 0,
                        0.0, expander.settings.seed, expander.generator_version, "",
                        message=failure.message)
