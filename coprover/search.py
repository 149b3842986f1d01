"""Best-first search over proof states, many theorems and rules in lock step.

One loop: in each wave every unfinished search pops its best open states; all of them are expanded
by one sampler call and one stepper call, all new goals valued by one value call (coprover/expand.py
remembers both across rules). States equal up to renaming and order of hypotheses are one node; a
better path to a node replaces the worse one and is passed on to its children. The budget counts
expansions; a proof counts once it is verified as a whole file.

Differences from BFS-Prover (arXiv:2502.03438): states are merged, candidates are distinct, the
rule is exchangeable (coprover/rules.py).

Command line: python value_guided_search.py --help
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from coprover.expand import Expander, Expansion
from coprover.graph import state_distance
from coprover.records import Theorem
from coprover.rules import Rule
from coprover.stepper import State, StepFailure
from coprover.tracing import add_reference_proofs, graph_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchResult:
    """What one search did; counters are what it would have cost alone (nothing shared).

    status: solved | exhausted (no open state left) | budget | time | declined | not_started.
    ``tree`` lists the nodes met: {goals, parent, expanded, failed, edges: [[tactic, log p, child
    index or -1 for QED]]}.
    """

    theorem: str
    rule: str
    solved: bool
    proof: list[str] | None
    status: str
    expansions: int
    generated: int
    lean_calls: int
    value_calls: int
    policy_tokens: int
    wall_s: float
    seed: int
    generator: str
    value_model: str
    states: int = 0
    message: str = ""
    tree: list[dict] | None = None

    def as_dict(self) -> dict:
        """A JSON-ready mapping; ``tree`` only where it was kept."""
        row = asdict(self)
        if self.tree is None:
            del row["tree"]
        return row


class Node:
    """A state in one search: its best path so far and, once expanded, its edges."""

    __slots__ = ("state", "parent", "tactic", "logprob", "depth", "value", "priority", "edges",
                 "queued", "expanded", "failed", "index")

    def __init__(self, state: State, parent: Node | None, tactic: str, logprob: float, depth: int,
                 index: int):
        self.state, self.parent, self.tactic = state, parent, tactic
        self.logprob, self.depth, self.index = logprob, depth, index
        self.value = 1.0
        self.priority = 0.0
        self.edges: list[tuple[str, float, Node | None]] = []  # None: QED
        self.queued = False  # valued and pushed
        self.expanded = False
        self.failed = 0

    def path(self) -> tuple[str, ...]:
        """The tactics from the root to this node."""
        steps = []
        node = self
        while node.parent is not None:
            steps.append(node.tactic)
            node = node.parent
        return tuple(reversed(steps))


class Search:
    """One theorem under one rule: the queue, the nodes and the counters. Talks to no server."""

    def __init__(self, theorem: Theorem, rule: Rule, root: State, budget: int, seed: int):
        self.theorem, self.rule, self.budget, self.seed = theorem, rule, budget, seed
        self._priority = rule.priority()
        self.root = Node(root, None, "", 0.0, 0, 0)
        self.nodes: dict[str, Node] = {root.key: self.root}
        self.heap: list[tuple[float, int, Node]] = [(0.0, 0, self.root)]
        self.ticket = 0
        self.valued: set[str] = set()
        self.qeds: list[tuple[float, Node, str]] = []
        self.proof: tuple[str, ...] | None = None
        self.status = ""
        self.expansions = self.generated = self.lean_calls = self.policy_tokens = 0
        self.started = time.monotonic()

    def pop(self, n: int) -> list[Node]:
        """The n best open nodes (fewer when the queue or the budget runs out); they count."""
        chosen: list[Node] = []
        while self.heap and len(chosen) < n and self.expansions < self.budget:
            priority, _, node = heapq.heappop(self.heap)
            if node.expanded or -priority != node.priority:
                continue  # a stale entry: the node was expanded or got another priority
            node.expanded = True
            self.expansions += 1
            chosen.append(node)
        return chosen

    def absorb(self, node: Node, expansion: Expansion) -> list[Node]:
        """Attach the outcomes of an expanded node; returns nodes not met before (to be valued)."""
        self.generated += expansion.generated
        self.lean_calls += expansion.lean_calls
        self.policy_tokens += expansion.policy_tokens
        fresh: list[Node] = []
        for edge in expansion.edges:
            logprob = node.logprob + edge.logprob
            if edge.kind == "qed":
                node.edges.append((edge.tactic, edge.logprob, None))
                self.qeds.append((-logprob, node, edge.tactic))
            elif edge.kind == "state":
                child = self.nodes.get(edge.state.key)
                if child is None:
                    child = Node(edge.state, node, edge.tactic, logprob, node.depth + 1,
                                 len(self.nodes))
                    self.nodes[edge.state.key] = child
                    fresh.append(child)
                else:
                    self._offer(child, node, edge.tactic, logprob, edge.state)
                node.edges.append((edge.tactic, edge.logprob, child))
            else:
                node.failed += 1
        return fresh

    def push(self, node: Node) -> None:
        """Queue a node under its current path and value."""
        node.priority = self._rank(node.logprob, node.depth, node)
        node.queued = True
        self.ticket += 1
        heapq.heappush(self.heap, (-node.priority, self.ticket, node))

    def _rank(self, logprob: float, depth: int, node: Node) -> float:
        return self._priority(logprob, depth, node.value, node.state.key, self.seed)

    def _offer(self, node: Node, parent: Node, tactic: str, logprob: float, state: State) -> None:
        """Take a better path to a known node and pass it on to its children.

        The path is better when it raises the priority, or keeps it and is shorter. An expanded
        node keeps the names its children were made with, so a path that ends in other names is
        taken only while the node is open.
        """
        work = [(node, parent, tactic, logprob, state)]
        while work:
            node, parent, tactic, logprob, state = work.pop()
            depth = parent.depth + 1
            new = self._rank(logprob, depth, node), -depth
            old = self._rank(node.logprob, node.depth, node), -node.depth
            if node is self.root or new <= old:
                continue
            if node.expanded and state.text != node.state.text:
                continue
            if _is_ancestor(node, parent):
                continue
            node.parent, node.tactic, node.state = parent, tactic, state
            node.logprob, node.depth = logprob, depth
            if node.expanded:
                node.priority = new[0]
                work += [(child, node, step, logprob + logp, child.state)
                         for step, logp, child in node.edges if child is not None]
            elif node.queued:
                self.push(node)

    def candidate_proofs(self) -> list[tuple[tuple[str, ...], Node, str]]:
        """(proof, its last node, its last tactic) waiting for a verdict, most probable first."""
        waiting, self.qeds = sorted(self.qeds, key=lambda item: (item[0], item[2])), []
        return [((*node.path(), tactic), node, tactic) for _, node, tactic in waiting]

    def judge(self, proof: tuple[str, ...], node: Node, tactic: str, verified: bool) -> None:
        """Take the verdict of a finished proof: the search is solved, or the edge is dropped."""
        if not verified:
            node.edges = [e for e in node.edges if e[2] is not None or e[0] != tactic]
            node.failed += 1
        elif self.proof is None:
            self.proof = proof

    def ended(self, time_s: float | None) -> bool:
        """Whether the search is over; sets ``status``."""
        if self.proof is not None:
            self.status = "solved"
        elif self.expansions >= self.budget:
            self.status = "budget"
        elif not any(not node.expanded for _, _, node in self.heap):
            self.status = "exhausted"
        elif time_s is not None and time.monotonic() - self.started > time_s:
            self.status = "time"
        return bool(self.status)

    def result(self, expander: Expander, keep_tree: bool) -> SearchResult:
        """The record of this search."""
        return SearchResult(
            self.theorem.name, self.rule.label or self.rule.name, self.proof is not None,
            list(self.proof) if self.proof is not None else None, self.status, self.expansions,
            self.generated, self.lean_calls, len(self.valued), self.policy_tokens,
            round(time.monotonic() - self.started, 3), self.seed, expander.generator_version,
            expander.value_version if self.rule.needs_value else "", len(self.nodes),
            tree=[_tree_row(node) for node in self.nodes.values()] if keep_tree else None)


def _is_ancestor(node: Node, of: Node | None) -> bool:
    while of is not None:
        if of is node:
            return True
        of = of.parent
    return False


def _tree_row(node: Node) -> dict:
    return {"goals": list(node.state.goals), "parent": node.parent.index if node.parent else None,
            "expanded": node.expanded, "failed": node.failed,
            "edges": [[tactic, round(logp, 4), child.index if child else -1]
                      for tactic, logp, child in node.edges]}


async def run_rules(
    theorems: Sequence[Theorem], rules: Sequence[Rule], expander: Expander, *, budget: int,
    batch: int = 1, concurrent: int = 256, streams: int = 2, time_s: float | None = None,
    keep_tree: bool = False, distances: Mapping[str, int] | None = None,
    on_theorem: Callable[[Theorem, dict[str, SearchResult]], None] | None = None,
) -> dict[str, dict[str, SearchResult]]:
    """Search every theorem under every rule: {theorem name: {rule label: result}}.

    budget: expansions per search; batch: states popped at a time (1 = strict best-first);
    concurrent: theorems under way at once, over ``streams`` loops that overlap sampling and Lean.
    ``on_theorem`` is called when all rules of a theorem are done. The rule ``oracle`` runs last,
    with d from ``distances`` or, by default, from everything the run saw and the reference proofs.
    """
    plain = [rule for rule in rules if rule.name != "oracle"]
    oracles = [rule for rule in rules if rule.name == "oracle"]
    results: dict[str, dict[str, SearchResult]] = {t.name: {} for t in theorems}

    async def phase(chosen: list[Rule], known: Mapping[str, int], last: bool) -> None:
        waiting = iter(list(theorems))
        share = max(1, concurrent // streams)
        done = on_theorem if last else None
        tasks = [asyncio.ensure_future(_stream(
            waiting, chosen, expander, results, budget, batch, share, time_s, keep_tree, known,
            done, keep_memo=not last)) for _ in range(streams)]
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


async def _stream(
    waiting: Iterable[Theorem], rules: list[Rule], expander: Expander, results: dict, budget: int,
    batch: int, share: int, time_s: float | None, keep_tree: bool, distances: Mapping[str, int],
    on_theorem: Callable | None, *, keep_memo: bool,
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
                    Search(theorem, rule, root, budget, expander.settings.seed) for rule in rules]
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
    expansions = await expander.expand([node.state for _, node in popped])
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
