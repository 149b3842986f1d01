"""Tactic-by-tactic stepping over `lean_server.py` (POST /api/step/start, /api/step/run).

States are immutable: any number of tactics may be run from one, in any order, at any time. A
finished proof found by stepping still has to pass `Verifier.verify_proof` before it counts.

Use: `async with Stepper(cfg.lean) as lean: [state] = await lean.start([theorem])`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from coprover.lean_client import LeanClient
from coprover.records import Theorem


@dataclass(frozen=True)
class State:
    """Goals left after `tactics` (the steps from the statement to here, replayable as a log)."""

    id: str  # the server's name of the state; opaque
    theorem: Theorem
    goals: tuple[str, ...]  # each as Lean prints it; never empty
    tactics: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The goals joined as Lean prints a state."""
        return "\n\n".join(self.goals)

    @cached_property
    def key(self) -> str:
        """Equal for states that differ only in names and order of hypotheses."""
        from coprover.labels import canonical_key

        return canonical_key(self.goals)


@dataclass(frozen=True)
class StepFailure:
    """A theorem that could not be started: reason in {error, declined, timeout}, and Lean's text."""

    reason: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What a tactic did: kind in {state, qed, error, timeout, declined}; `state` only for "state"."""

    kind: str
    state: State | None = None
    message: str = ""


class Stepper:
    """Steps proofs on a server. `cfg` is the `lean:` section; `url` overrides its URL."""

    def __init__(self, cfg, url: str | None = None) -> None:
        self.client = LeanClient(cfg, url)

    async def __aenter__(self) -> Stepper:
        return self

    async def __aexit__(self, *exc) -> None:
        await self.close()

    async def close(self) -> None:
        raise NotImplementedError

    async def start(self, theorems: Sequence[Theorem]) -> list[State | StepFailure]:
        """Returns the initial state of each theorem, in order; one HTTP request.

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        raise NotImplementedError

    async def run(
        self, jobs: Sequence[tuple[State, Sequence[str]]]
    ) -> list[list[Outcome]]:
        """Returns, per (state, tactics), one Outcome per tactic; one HTTP request for all.

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        raise NotImplementedError
