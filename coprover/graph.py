"""The AND/OR graph of all states and steps a run has seen, and what follows from it.

Nodes are keys of units (groups of goals tied by metavariables, see coprover/labels.py) and of
whole states with several units. A step that only touches the first unit of a state is an edge of
that unit: unit -> the units that replace it; anything else (``all_goals``, instantiated
metavariables) is an edge of the whole state. A state with several units needs all of them, so

    d(unit)  = min over its steps of 1 + sum of d(children)
    d(state) = min(sum of d(its units), min over its own steps of 1 + sum of d(children))

``shortest`` computes d by Knuth's generalisation of Dijkstra's algorithm (1977). d counts tactics
of known proofs only, so it is an upper bound of the true distance.

Try it: python -m pytest -q tests/test_graph.py
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from coprover.labels import canonical_key, units

Edge = tuple[str, int, tuple[str, ...]]  # head, cost in tactics, children (all needed)


def shortest(edges: Iterable[Edge]) -> tuple[dict[str, int], dict[str, int]]:
    """(key -> d, key -> index of the edge that gives d) for every node that can reach QED.

    An edge without children is a fact: its head is ``cost`` tactics from QED. Costs are >= 0.
    """
    edges = list(edges)
    users: dict[str, list[int]] = {}
    waiting = [len(children) for _, _, children in edges]
    totals = [cost for _, cost, _ in edges]
    for i, (_, _, children) in enumerate(edges):
        for child in children:
            users.setdefault(child, []).append(i)
    heap = [(cost, i) for i, (_, cost, children) in enumerate(edges) if not children]
    heapq.heapify(heap)
    distance: dict[str, int] = {}
    best: dict[str, int] = {}
    while heap:
        d, i = heapq.heappop(heap)
        head = edges[i][0]
        if head in distance:
            continue
        distance[head], best[head] = d, i
        for j in users.get(head, ()):
            waiting[j] -= 1
            totals[j] += d
            if not waiting[j]:
                heapq.heappush(heap, (totals[j], j))
    return distance, best


def reachable_from_open(edges: Iterable[Edge], open_keys: Iterable[str]) -> set[str]:
    """Keys from which some choice of steps leaves only open or proven nodes: not refuted."""
    facts = [(key, 0, ()) for key in open_keys]
    return set(shortest([*facts, *((head, 0, children) for head, _, children in edges)])[0])


def decompose(goals: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """(head key, child keys) of a step that turned the state ``goals`` into ``after``.

    The head is the first unit when the other units survive unchanged, else the whole state.
    """
    parts = units(goals)
    children = [canonical_key(unit) for unit in units(after)] if after else []
    if len(parts) == 1:
        return canonical_key(goals), tuple(children)
    others = Counter(canonical_key(unit) for unit in parts[1:])
    own: list[str] = []
    for key in children:
        if others[key] > 0:
            others[key] -= 1
        else:
            own.append(key)
    if any(others.values()):
        return canonical_key(goals), tuple(children)
    return canonical_key(parts[0]), tuple(own)


@dataclass
class Known:
    """A node: its goals, the steps seen from it (children -> tactic), and what was spent on it."""

    goals: tuple[str, ...]
    is_state: bool = False  # met as a whole state, not only as a part of one
    steps: dict[tuple[str, ...], str] = field(default_factory=dict)
    expanded: bool = False
    effort: int = 0


class StateGraph:
    """Collects states and steps; see the module's text for the meaning of its edges."""

    def __init__(self) -> None:
        self.nodes: dict[str, Known] = {}
        self.parts: dict[str, tuple[str, ...]] = {}  # state with several units -> its units

    def add_state(self, goals: tuple[str, ...], *, expanded: bool = False, effort: int = 0) -> str:
        """Record a state that was met; ``expanded``: its candidates were all tried. Returns key."""
        key = canonical_key(goals)
        node = self.nodes.setdefault(key, Known(goals))
        node.is_state = True
        node.effort += effort
        node.expanded |= expanded
        parts = units(goals)
        if len(parts) > 1 and key not in self.parts:
            self.parts[key] = tuple(canonical_key(unit) for unit in parts)
            for unit in parts:
                self.nodes.setdefault(canonical_key(unit), Known(unit))
        if len(parts) > 1:
            first = self.nodes[canonical_key(parts[0])]
            first.effort += effort
            first.expanded |= expanded
        return key

    def add_step(self, goals: tuple[str, ...], tactic: str, after: tuple[str, ...]) -> None:
        """Record that ``tactic`` leads from ``goals`` to ``after`` (empty: QED)."""
        self.add_state(goals)
        if after:
            self.add_state(after)
        head, children = decompose(goals, after)
        if head not in children:
            self.nodes[head].steps.setdefault(children, tactic)

    def edges(self) -> list[Edge]:
        """Every step at cost 1 and every state -> its units at cost 0."""
        steps = [(key, 1, children) for key, node in self.nodes.items() for children in node.steps]
        return steps + [(key, 0, parts) for key, parts in self.parts.items()]

    def distances(self) -> dict[str, int]:
        """key -> d for all units and states with a known proof."""
        return shortest(self.edges())[0]

    def solve(self) -> tuple[dict[str, int], dict[str, str], set[str]]:
        """(key -> d, key -> first tactic of a shortest known proof, keys that are refuted).

        Refuted means: expanded, and every candidate failed or led to refuted states only.
        """
        edges = self.edges()
        distance, best = shortest(edges)
        tactic = {}
        for key in distance:
            head, cost, children = edges[best[key]]
            # a state of several units starts with the first tactic of its first unit
            while cost == 0 and children:
                head, cost, children = edges[best[children[0]]]
            tactic[key] = self.nodes[head].steps[children]
        open_keys = [key for key, node in self.nodes.items()
                     if not node.expanded and key not in self.parts]
        alive = reachable_from_open(edges, open_keys)
        refuted = {key for key in self.nodes if key not in alive and key not in distance}
        return distance, tactic, refuted


def state_distance(distances: dict[str, int], goals: tuple[str, ...]) -> int | None:
    """d of a state from the distances of states and units; None where no proof is known."""
    known = distances.get(canonical_key(goals))
    if known is not None:
        return known
    total = 0
    for unit in units(goals):
        d = distances.get(canonical_key(unit))
        if d is None:
            return None
        total += d
    return total
