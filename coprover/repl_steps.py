"""Proof states and tactics on a worker of the pool.

A state is known by the path of tactics that led to it from its theorem; where it lives (which
process, which number of the REPL) may change: when its process is gone the path is replayed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from coprover.repl import HeaderFailed, ReplDied, ReplProtocol, ReplTimeout, may_print
from coprover.repl_worker import HeaderTimeout, Home, Settings, Worker, split_header


@dataclass
class ProofState:
    """A proof state: its root, the tactics that led to it, and where it lives right now."""

    id: str
    header: str
    statement: str
    tactics: tuple[str, ...]
    worker: StepWorker
    generation: int  # of the process that knows it as `repl_id`
    repl_id: int
    used: float


class StateHome(Home, Protocol):
    """What a stepping worker needs from its pool: names for new states."""

    def add_state(
        self, header: str, statement: str, tactics: tuple[str, ...], worker: StepWorker,
        repl_id: int,
    ) -> str: ...  # fmt: skip


class StepWorker(Worker):
    """A worker that also steps proofs. Its methods raise Unusable when there is no REPL."""

    def __init__(self, settings: Settings, home: StateHome) -> None:
        super().__init__(settings, home)
        self._roots: dict[tuple[str, str], int] = {}  # REPL numbers of started theorems …
        self._roots_of = 0  # … in this generation

    def start(
        self, header: str, statement: str, path: tuple[str, ...], timeout_s: float
    ) -> dict:
        """The state after `path` from the statement: {kind: state, state, goals} or an error."""
        for _ in range(2):
            try:
                return self._start_once(header, statement, path, timeout_s)
            except (ReplTimeout, HeaderTimeout):
                self.kill("timeout")
                return {"kind": "timeout", "message": f"no state within {timeout_s} seconds"}
            except HeaderFailed as error:
                return _failure("error", f"the header does not load: {error}", error.declined)
            except (ReplDied, ReplProtocol) as error:
                crash = self._crashed(error)
        return {"kind": "error", "message": f"the REPL crashed twice: {crash}"}

    def run(self, state: ProofState, tactics: Sequence[str], timeout_s: float) -> list[dict]:
        """The outcomes of several tactics on a state. A tactic that puts the pipe out of step makes
        all outcomes doubtful: then each is tried again with proof of being in step behind it."""
        outcomes = [self.step(state, tactic, timeout_s) for tactic in tactics]
        self._since_echo += 1
        due = self._since_echo >= self.settings.echo_every or any(map(may_print, tactics))
        if not due or self._in_step():
            return outcomes
        again = []
        for tactic in tactics:
            outcome = self.step(state, tactic, timeout_s)
            if not self._in_step():
                outcome = {"kind": "error", "message": "the REPL answers what nobody asked"}
            again.append(outcome)
        return again

    def step(self, state: ProofState, tactic: str, timeout_s: float) -> dict:
        """The outcome of one tactic on a state, which is rebuilt first if its worker is gone."""
        self.home.counts["steps"] += 1
        crash = ""
        for _ in range(2):
            try:
                answer = self._tactic(state, tactic, timeout_s)
                return self._outcome(state, tactic, answer)
            except (ReplTimeout, HeaderTimeout):
                self.kill("timeout")
                return {"kind": "timeout", "message": f"no answer within {timeout_s} seconds"}
            except (Lost, HeaderFailed) as error:
                return {"kind": "error", "message": f"the state cannot be rebuilt: {error}"}
            except (ReplDied, ReplProtocol) as error:
                crash = self._crashed(error)
        return {"kind": "error", "message": f"the REPL crashed twice on this tactic: {crash}"}

    def _in_step(self) -> bool:
        """False (and the process is gone) when the REPL does not answer the question asked."""
        self._since_echo = 0
        if self.repl is None:
            return True
        try:
            self.repl.echo(self.settings.header_timeout_s)
        except (ReplDied, ReplProtocol, ReplTimeout) as error:
            self._crashed(error)
            return False
        return True

    def _start_once(
        self, header: str, statement: str, path: tuple[str, ...], timeout_s: float
    ) -> dict:
        root = self._root(header, statement, timeout_s)
        if isinstance(root, dict):
            return root
        outcome = {"goals": root[1], "repl_id": root[0]}
        for tactic in path:
            answer = self.repl.tactic(outcome["repl_id"], tactic, timeout_s)
            if not _is_state(answer):
                return {"kind": "error", "message": f"replay fails at {tactic!r}"}
            outcome = {"goals": answer["goals"], "repl_id": answer["proofState"]}
        self.answered_at = time.monotonic()
        name = self.home.add_state(header, statement, path, self, outcome["repl_id"])
        return {"kind": "state", "state": name, "goals": outcome["goals"]}

    def _root(self, header: str, statement: str, timeout_s: float) -> tuple[int, list] | dict:
        imports, preamble, _ = split_header(f"{header}\n{statement}")
        answer = self._command(imports, preamble, timeout_s)
        errors = [m for m in answer.get("messages", ()) if m.get("severity") == "error"]
        declined = answer.get("declined")
        sorries = answer.get("sorries") or []
        if errors or declined or not sorries or "proofState" not in sorries[-1]:
            text = errors[0].get("data", "") if errors else answer.get("message", "no proof state")
            return _failure("error", text, declined)
        root = sorries[-1]["proofState"], [sorries[-1]["goal"]]
        if self._roots_of != self.generation:
            self._roots, self._roots_of = {}, self.generation
        self._roots[header, statement] = root[0]
        return root

    def _tactic(self, state: ProofState, tactic: str, timeout_s: float) -> dict:
        if self.repl is None or state.generation != self.generation:
            self._rebuild(state, timeout_s)
        self.steps += 1
        answer = self.repl.tactic(state.repl_id, tactic, timeout_s)
        if "env" in answer or not ("message" in answer or "proofState" in answer):
            self.repl.kill()
            raise ReplProtocol(f"not the answer to a tactic: {str(answer)[:200]}")
        if "Unknown proof state" in str(answer.get("message")):
            raise ReplProtocol(f"the REPL forgot proof state {state.repl_id}")
        return answer

    def _rebuild(self, state: ProofState, timeout_s: float) -> None:
        """Replays the path of a state on the present process."""
        self.home.counts["rebuilt"] += 1
        known = self._roots if self._roots_of == self.generation else {}
        repl_id = known.get((state.header, state.statement))
        if repl_id is None:
            root = self._root(state.header, state.statement, timeout_s)
            if isinstance(root, dict):
                raise Lost(root["message"])
            repl_id = root[0]
        for tactic in state.tactics:
            answer = self.repl.tactic(repl_id, tactic, timeout_s)
            if not _is_state(answer):
                raise Lost(f"replay fails at {tactic!r}")
            repl_id = answer["proofState"]
        state.repl_id, state.generation = repl_id, self.repl.generation

    def _outcome(self, state: ProofState, tactic: str, answer: dict) -> dict:
        self.answered_at = time.monotonic()
        declined = answer.get("declined")
        if "message" in answer or declined:
            text = str(answer.get("message", "")).removeprefix("Lean error:\n")
            # Lean's own limit (heartbeats), as opposed to ours by the clock
            kind = "timeout" if text.startswith("(deterministic) timeout") else "error"
            return _failure(kind, text, declined)
        errors = [m for m in answer.get("messages", ()) if m.get("severity") == "error"]
        if errors:
            return _failure("error", errors[0].get("data", ""), None)
        status = str(answer.get("proofStatus", ""))
        if answer.get("sorries") or "sorry" in status:
            return {"kind": "error", "message": "the step uses sorry"}
        if not answer.get("goals"):
            if status == "Completed" and "goals" in answer:
                return {"kind": "qed"}
            return {"kind": "error", "message": f"no goals left, but {status or 'no status'}"}
        path = (*state.tactics, tactic)
        name = self.home.add_state(
            state.header, state.statement, path, self, answer["proofState"]
        )
        return {"kind": "state", "state": name, "goals": answer["goals"]}


class Lost(Exception):
    """A proof state's path no longer replays."""


def _is_state(answer: dict) -> bool:
    return bool(answer.get("goals")) and "proofState" in answer and "message" not in answer


def _failure(kind: str, text: str, declined: str | None) -> dict:
    if declined:
        return {"kind": "declined", "message": declined}
    return {"kind": kind, "message": text}
