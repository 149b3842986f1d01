"""One best-first search: queue, nodes, paths and counters; it talks to no server.

States equal up to renaming and order of hypotheses are one node; a better path to a node replaces
the worse one and is passed on to its children. When the queue runs dry before the budget, all
states are opened again for another turn of candidates. coprover/search.py runs many of these in
lock step.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import asdict, dataclass

from coprover.expand import Expander, Expansion
from coprover.records import Theorem
from coprover.rules import Rule
from coprover.stepper import State


@dataclass(frozen=True)
class SearchResult:
    """What one search did; counters are what it would have cost alone (nothing shared).

    status: solved | exhausted (no open state left) | budget | time | declined | not_started.
    ``tree`` lists the nodes met: {goals, parent, expanded (how often), failed, edges: [[tactic,
    log p, child index or -1 for QED]]}.
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
                 "open", "turns", "failed", "index")

    def __init__(self, state: State, parent: Node | None, tactic: str, logprob: float, depth: int,
                 index: int):
        self.state, self.parent, self.tactic = state, parent, tactic
        self.logprob, self.depth, self.index = logprob, depth, index
        self.value = 1.0
        self.priority = 0.0
        self.edges: list[tuple[str, float, Node | None]] = []  # None: QED
        self.open = False  # valued and in the queue
        self.turns = 0  # times expanded
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

    def __init__(self, theorem: Theorem, rule: Rule, root: State, budget: int, seed: int,
                 max_turns: int = 1):
        self.theorem, self.rule, self.budget, self.seed = theorem, rule, budget, seed
        self.max_turns = max_turns
        self._priority = rule.priority()
        self.root = Node(root, None, "", 0.0, 0, 0)
        self.nodes: dict[str, Node] = {root.key: self.root}
        self.heap: list[tuple[float, int, Node]] = []
        self.ticket = 0
        self.valued: set[str] = set()
        self.qeds: list[tuple[float, Node, str]] = []
        self.proof: tuple[str, ...] | None = None
        self.status = ""
        self.expansions = self.generated = self.lean_calls = self.policy_tokens = 0
        self.started = time.monotonic()
        self.push(self.root)

    def pop(self, n: int) -> list[Node]:
        """The n best open nodes (fewer when the queue or the budget runs out); they count."""
        chosen: list[Node] = []
        while self.heap and len(chosen) < n and self.expansions < self.budget:
            priority, _, node = heapq.heappop(self.heap)
            if not node.open or -priority != node.priority:
                continue  # a stale entry: the node was expanded or got another priority
            node.open = False
            node.turns += 1
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
        node.open = True
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
            if node.turns and state.text != node.state.text:
                continue
            if _is_ancestor(node, parent):
                continue
            node.parent, node.tactic, node.state = parent, tactic, state
            node.logprob, node.depth = logprob, depth
            work += [(child, node, step, logprob + logp, child.state)
                     for step, logp, child in node.edges if child is not None]
            if node.open:
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
        elif not any(node.open for _, _, node in self.heap) and not self._widen():
            self.status = "exhausted"
        elif time_s is not None and time.monotonic() - self.started > time_s:
            self.status = "time"
        return bool(self.status)

    def _widen(self) -> bool:
        """The queue ran dry: open every state again for further candidates, if turns are left."""
        again = [node for node in self.nodes.values() if node.turns < self.max_turns]
        for node in again:
            self.push(node)
        return bool(again)

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
            "expanded": node.turns, "failed": node.failed,
            "edges": [[tactic, round(logp, 4), child.index if child else -1]
                      for tactic, logp, child in node.edges]}
