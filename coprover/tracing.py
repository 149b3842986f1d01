"""The states of whole proofs, and the graph of everything an expander has seen.

Used for the states of sampled proofs (trajectory_collector.py) and for the distances that the rule
``oracle`` is given (coprover/search.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from coprover.expand import Expander
from coprover.graph import StateGraph
from coprover.infotree import Step
from coprover.records import Theorem
from coprover.stepper import StepFailure


def graph_of(expander: Expander) -> StateGraph:
    """The union of all states and steps the expander remembers."""
    graph = StateGraph()
    for expansion in (e for memo in expander.expansions.values() for e in memo.values()):
        goals = expansion.state.goals
        graph.add_state(goals, expanded=True)
        for edge in expansion.edges:
            refused = (expansion.state.theorem.name, expansion.state.text, edge.tactic)
            if edge.kind in ("state", "qed") and refused not in expander.refused:
                graph.add_step(goals, edge.tactic, edge.state.goals if edge.state else ())
    return graph


async def add_reference_proofs(graph: StateGraph, theorems: Sequence[Theorem],
                               expander: Expander) -> None:
    """Add the states and steps of the reference proofs (``proof`` of a row) that replay."""
    known = [(t, list(t.extra["proof"])) for t in theorems if t.extra.get("proof")]
    for _, steps in await trace([(t, proof) for t, proof in known], expander):
        for goals, tactic, after in steps:
            graph.add_step(goals, tactic, after)


async def trace(proofs: Sequence[tuple[Theorem, Sequence[str]]], expander: Expander) -> list[
        tuple[bool, list[Step]]]:
    """The steps of each proof up to the first that fails: (reached QED, [(goals, tactic, goals
    after)]) in order. Read from Lean's infotree where the stepper can, else replayed.
    """
    read = await expander.stepper.chains(proofs)
    rest = [i for i, chain in enumerate(read) if chain is None]
    replayed = iter(await _replay([proofs[i] for i in rest], expander) if rest else ())
    return [next(replayed) if chain is None else
            (len(chain) == len(steps) and not chain[-1][2], chain)
            for chain, (_, steps) in zip(read, proofs, strict=True)]


async def _replay(proofs: Sequence[tuple[Theorem, Sequence[str]]], expander: Expander) -> list[
        tuple[bool, list[Step]]]:
    """Step by step; equal steps from equal states of a theorem run once."""
    roots = dict.fromkeys(t for t, _ in proofs)
    for theorem, root in zip(roots, await expander.start(list(roots)), strict=True):
        roots[theorem] = root
    here = [None if isinstance(roots[t], StepFailure) else roots[t] for t, _ in proofs]
    chains: list[list[Step]] = [[] for _ in proofs]
    closed = [False] * len(proofs)
    for depth in range(max((len(p) for _, p in proofs), default=0)):
        live = [i for i, (_, p) in enumerate(proofs) if here[i] is not None and depth < len(p)]
        jobs: dict[tuple, None] = dict.fromkeys((here[i], proofs[i][1][depth]) for i in live)
        answers = await expander.stepper.run([(state, [tactic]) for state, tactic in jobs])
        known = {job: outcomes[0] for job, outcomes in zip(jobs, answers, strict=True)}
        for i in live:
            state, tactic = here[i], proofs[i][1][depth]
            outcome = known[state, tactic]
            here[i] = outcome.state if outcome.kind == "state" else None
            if outcome.kind in ("state", "qed"):
                after = outcome.state.goals if outcome.state else ()
                chains[i].append((state.goals, tactic, after))
            closed[i] = outcome.kind == "qed" and depth == len(proofs[i][1]) - 1
    return list(zip(closed, chains, strict=True))
