"""Tactic-by-tactic stepping over `lean_server.py` (POST /api/step/start, /api/step/run).

States are immutable: any number of tactics may be run from one, in any order, at any time. The
server may forget a state (limits, restart); its path of tactics brings it back unseen. A finished
proof found by stepping still has to pass `Verifier.verify_proof` before it counts.

A server without stepping (Kimina's) is served by coprover/check_stepper.py; `connect` chooses.

Use: `async with connect(cfg.lean) as lean: [state] = await lean.start([theorem])`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from coprover import screen, snippets
from coprover.config import ConfigError
from coprover.lean_client import LeanClient, LeanUnavailable
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
    """A theorem that could not be started; reason in {error, declined, timeout}."""

    reason: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What a tactic did; kind in {state, qed, error, timeout, declined}, `state` only for one."""

    kind: str
    state: State | None = None
    message: str = ""


def connect(cfg, url: str | None = None) -> Stepper:
    """The stepper that `lean.stepping` names, for the server at `url` (default: `lean.url`).

    Raises ConfigError for another name than states and check.
    """
    from coprover.check_stepper import CheckStepper

    kinds = {"states": Stepper, "check": CheckStepper}
    if cfg.stepping not in kinds:
        raise ConfigError(f"lean.stepping: {cfg.stepping!r}; choose states or check")
    return kinds[cfg.stepping](cfg, url)


class Stepper:
    """Steps proofs on a server. `cfg` is the `lean:` section; `url` overrides its URL."""

    def __init__(self, cfg, url: str | None = None) -> None:
        self.client = LeanClient(cfg, url)
        self._timeout_s = cfg.step_timeout_s
        self._queue_wait_s = cfg.queue_wait_s
        self._moved: dict[str, str] = {}  # states the server forgot -> their new names

    async def __aenter__(self) -> Stepper:
        return self

    async def __aexit__(self, *exc) -> None:
        await self.close()

    async def close(self) -> None:
        await self.client.close()

    async def start(self, theorems: Sequence[Theorem]) -> list[State | StepFailure]:
        """Returns the initial state of each theorem, in order; one HTTP request.

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        return await self._start([(theorem, ()) for theorem in theorems])

    async def run(self, jobs: Sequence[tuple[State, Sequence[str]]]) -> list[list[Outcome]]:
        """Returns, per (state, tactics), one Outcome per tactic; one HTTP request for all (a
        second and third only for states that the server has forgotten).

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        results: list = [[None] * len(tactics) for _, tactics in jobs]
        runs = []
        for number, (state, tactics) in enumerate(jobs):
            allowed = []
            for place, tactic in enumerate(tactics):
                if offence := refused(tactic):
                    results[number][place] = offence
                else:
                    allowed.append(place)
            if allowed:
                runs.append((number, state, allowed))
        lost = await self._run(jobs, runs, results)
        if lost:
            await self._restore([state for _, state, _ in lost])
            if still := await self._run(jobs, lost, results):
                raise LeanUnavailable(
                    f"the Lean server at {self.client.servers[0].url} forgets states at once "
                    f"({len(still)} lost twice); raise lean.server.max_states"
                )
        return results

    async def chains(self, proofs: Sequence[tuple[Theorem, Sequence[str]]]) -> list:
        """Nothing is read of whole proofs here: stepping through them costs no more."""
        return [None] * len(proofs)

    async def _run(self, jobs, runs: list, results: list) -> list:
        """Fills `results`; returns the runs whose state the server does not know."""
        if not runs:
            return []
        body = [
            {"state": self._moved.get(state.id, state.id),
             "tactics": [jobs[number][1][place] for place in places]}
            for number, state, places in runs
        ]  # fmt: skip
        n_tactics = sum(len(places) for _, _, places in runs)
        answers = await self._post("/api/step/run", "runs", body, n_tactics)
        lost = []
        for (number, state, places), answer in zip(runs, answers, strict=True):
            if answer is None:
                lost.append((number, state, places))
                continue
            if not isinstance(answer, list) or len(answer) != len(places):
                raise LeanUnavailable(f"the Lean server answered a step with {str(answer)[:200]}")
            for place, item in zip(places, answer, strict=True):
                results[number][place] = _outcome(item, state, jobs[number][1][place])
        return lost

    async def _start(
        self, roots: list[tuple[Theorem, tuple[str, ...]]]
    ) -> list[State | StepFailure]:
        found: list = [None] * len(roots)
        items, numbers = [], []
        for number, (theorem, path) in enumerate(roots):
            try:
                statement = snippets.start_statement(theorem)
            except snippets.BadResponse as error:
                found[number] = StepFailure("error", str(error))
                continue
            items.append({"header": snippets.header(theorem), "statement": statement,
                          "tactics": list(path)})  # fmt: skip
            numbers.append(number)
        if items:
            n_steps = sum(1 + len(item["tactics"]) for item in items)
            answers = await self._post("/api/step/start", "items", items, n_steps)
            for number, answer in zip(numbers, answers, strict=True):
                found[number] = _started(answer, *roots[number])
        return found

    async def _restore(self, states: list[State]) -> None:
        """Asks the server to replay the paths of forgotten states."""
        unique = list({state.id: state for state in states}.values())
        again = await self._start([(state.theorem, state.tactics) for state in unique])
        for state, new in zip(unique, again, strict=True):
            if isinstance(new, StepFailure):
                raise LeanUnavailable(
                    f"a state of {state.theorem.name} cannot be rebuilt: {new.message}"
                )
            self._moved[state.id] = new.id

    async def _post(self, path: str, key: str, items: list[dict], n_steps: int) -> list:
        limit = self._queue_wait_s + self._timeout_s * n_steps
        body = {key: items, "timeout": self._timeout_s}
        answer = await self.client.post(path, body, limit)
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(items):
            raise LeanUnavailable(
                f"{self.client.servers[0].url}{path} answered {len(items)} items with "
                f"{str(answer)[:200]}"
            )
        return results


def refused(tactic: str) -> Outcome | None:
    """What the screen forbids in a proof is not tried either."""
    try:
        found = screen.offence(tactic)
    except screen.Malformed as error:
        return Outcome("error", message=f"malformed: {error}")
    return Outcome("error", message=f"forbidden: {found}") if found else None


def _outcome(item: dict, state: State, tactic: str) -> Outcome:
    kind = item.get("kind")
    if kind == "state":
        after = State(item["state"], state.theorem, tuple(item["goals"]), (*state.tactics, tactic))
        return Outcome("state", after)
    if kind in ("qed", "error", "timeout", "declined"):
        return Outcome(kind, message=str(item.get("message", "")))
    raise LeanUnavailable(f"the Lean server answered a step with {str(item)[:200]}")


def _started(item: dict, theorem: Theorem, path: tuple[str, ...]) -> State | StepFailure:
    outcome = _outcome(item, State("", theorem, ()), "")
    if outcome.state is not None:
        return replace(outcome.state, tactics=path)
    return StepFailure(outcome.kind, outcome.message)
