"""From attempts and searches to trajectory rows, one per distinct state, and their merging.

A row: {theorem, kind, goals, key, outcome, d, label, effort, tactic, source, round, generator,
value_model, parts, next}. kind is "state", or "goal" for a unit of a state with several independent
units that was never met alone; ``parts`` are the keys of the units of such a state; ``next`` lists,
per step that worked, the keys that step leaves, so that rows of several rounds can be joined into
one graph and d becomes the fewest tactics over all of them. effort counts expansions below the
state plus whole-proof attempts through it.

Outcomes (design section 3): proven: a proof through the state is known, label gamma^d; refuted:
every candidate tried at it failed or led to refuted states, label 0; censored: anything else, label
0, to be weighted or dropped later. Refutation is relative to the candidates that were tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coprover.graph import Edge, StateGraph, shortest
from coprover.labels import GAMMA, Outcome, label


def theorem_rows(theorem: str, attempts: Sequence[dict], searches: Sequence[dict],
                 gamma: float = GAMMA, **facts) -> list[dict]:
    """The trajectory rows of one theorem from its attempt and search records.

    facts (round, generator, value_model, …) are copied into every row.
    """
    graph = StateGraph()
    sources: dict[str, set[str]] = {}
    for attempt in attempts:
        _add_attempt(graph, attempt, sources)
    for search in searches:
        _add_search(graph, search.get("tree") or [], sources)
    distance, tactic, refuted = graph.solve()
    rows = []
    for key, node in graph.nodes.items():
        if not node.is_state and not node.expanded and key not in distance:
            continue  # a unit nobody worked on
        d = distance.get(key)
        outcome = Outcome.PROVEN if d is not None else (
            Outcome.REFUTED if key in refuted else Outcome.CENSORED)
        rows.append({
            "theorem": theorem, "kind": "state" if node.is_state else "goal",
            "goals": list(node.goals), "key": key, "outcome": outcome.value, "d": d,
            "label": label(d, gamma), "effort": node.effort, "tactic": tactic.get(key),
            "source": "+".join(sorted(sources.get(key, ()))) or "part", **facts,
            "parts": list(graph.parts.get(key, ())),
            "next": [list(children) for children in node.steps]})
    return rows


def _add_attempt(graph: StateGraph, attempt: dict, sources: dict[str, set[str]]) -> None:
    """A whole-proof sample, traced: ``states`` before each of ``tactics``, and after the last."""
    states = [tuple(goals) for goals in attempt.get("states") or ()]
    verified = attempt["verdict"] == "verified"
    for i, goals in enumerate(states):
        sources.setdefault(graph.add_state(goals, effort=1), set()).add("sample")
        if i < len(attempt["tactics"]):
            last = i + 1 == len(states)
            if last and not (verified and attempt["closed"]):
                break
            graph.add_step(goals, attempt["tactics"][i], () if last else states[i + 1])


def _add_search(graph: StateGraph, tree: list[dict], sources: dict[str, set[str]]) -> None:
    """A search tree (SearchResult.tree); effort of a node: expansions at and below it."""
    below = [node["expanded"] for node in tree]
    for i in sorted(range(len(tree)), key=lambda i: -_depth(tree, i)):
        parent = tree[i]["parent"]
        if parent is not None:
            below[parent] += below[i]
    for node, effort in zip(tree, below, strict=True):
        goals = tuple(node["goals"])
        key = graph.add_state(goals, expanded=node["expanded"] > 0, effort=effort)
        sources.setdefault(key, set()).add("search")
        for tactic, _, child in node["edges"]:
            graph.add_step(goals, tactic, () if child < 0 else tuple(tree[child]["goals"]))


def _depth(tree: list[dict], i: int) -> int:
    depth = 0
    while tree[i]["parent"] is not None:
        i, depth = tree[i]["parent"], depth + 1
    return depth


def merge_rows(rows: Iterable[dict], gamma: float = GAMMA) -> list[dict]:
    """One row per distinct state over all theorems and rounds, in order of first appearance.

    d: fewest tactics over all proofs ever found through the state, also proofs put together from
    steps of several rounds. A state proven anywhere is proven; one that was refuted in a round
    stays refuted unless a round that worked on it (effort > 0) left it open. Efforts add up.
    ``theorems`` lists the names of all theorems the state was met in.
    """
    merged: dict[str, dict] = {}
    edges: list[Edge] = []
    for row in rows:
        key = row["key"]
        if row["d"] is not None:
            edges.append((key, row["d"], ()))
        edges += [(key, 1, tuple(children)) for children in row.get("next", ())]
        if row.get("parts"):
            edges.append((key, 0, tuple(row["parts"])))
        first = merged.get(key)
        if first is None:
            merged[key] = {**row, "theorems": [row["theorem"]]}
            continue
        open_before = first["outcome"] == Outcome.CENSORED and first["effort"] > 0
        open_now = row["outcome"] == Outcome.CENSORED and row["effort"] > 0
        if Outcome.REFUTED in (first["outcome"], row["outcome"]):
            first["outcome"] = (Outcome.CENSORED if open_before or open_now
                                else Outcome.REFUTED).value
        first["effort"] += row["effort"]
        first["kind"] = "state" if "state" in (first["kind"], row["kind"]) else "goal"
        if row["theorem"] not in first["theorems"]:
            first["theorems"].append(row["theorem"])
        if row["d"] is not None and (first["d"] is None or row["d"] < first["d"]):
            first["d"], first["tactic"] = row["d"], row["tactic"]
    distance, _ = shortest(edges)
    for key, row in merged.items():
        d = distance.get(key)
        row["d"], row["label"] = d, label(d, gamma)
        if d is not None:
            row["outcome"] = Outcome.PROVEN.value
    return list(merged.values())

