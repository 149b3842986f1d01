"""A worker of the pool: one thread's place, its REPL process, and what it does with a task.

A time-out, crash, flood or out-of-step pipe costs the process, and one retry or an own answer for
the culprit; neighbours never notice. Proof states are rebuilt by replaying their path when the
process that knew them is gone. lean_server_pool.py owns the queue and runs the threads.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coprover.config import ConfigError
from coprover.repl import (
    HeaderFailed,
    Repl,
    ReplDied,
    ReplProtocol,
    ReplTimeout,
    may_print,
)

log = logging.getLogger("lean_pool")


@dataclass(frozen=True)
class Settings:
    """The `lean.server` section of the configuration, with plain types."""

    repl: tuple[str, ...]
    project_dir: Path
    workers: int
    max_headers: int
    max_commands: int
    max_steps: int
    limit_address_mb: int
    limit_rss_mb: int
    max_output_mb: int
    header_timeout_s: float
    max_queue: int
    max_states: int
    state_ttl_s: float
    echo_every: int
    preload: tuple[str, ...]

    @staticmethod
    def of(section, root: Path) -> Settings:
        fields = {name: section[name] for name in Settings.__dataclass_fields__}
        fields.update(repl=tuple(section.repl), preload=tuple(section.preload))
        fields["project_dir"] = root / section.project_dir
        if fields["workers"] < 1 or not fields["repl"]:
            raise ConfigError("lean.server needs workers >= 1 and a non-empty repl command")
        return Settings(**fields)


@dataclass
class ProofState:
    """A proof state: its root, the tactics that led to it, and where it lives right now."""

    id: str
    header: str
    statement: str
    tactics: tuple[str, ...]
    worker: Worker
    generation: int  # of the process that knows it as `repl_id`
    repl_id: int
    used: float


class Home(Protocol):
    """What a worker needs from its pool."""

    counts: Counter[str]
    closing: bool

    def add_state(
        self, header: str, statement: str, tactics: tuple[str, ...], worker: Worker, repl_id: int
    ) -> str: ...


class Worker:
    """A place for a REPL process. `home` names new states and counts events; its methods are
    called by one thread at a time, except `stop`."""

    def __init__(self, settings: Settings, home: Home) -> None:
        self.settings = settings
        self.home = home
        self.repl: Repl | None = None
        self.answered_at: float | None = None
        self.busy_until = 0.0
        self.last_error = ""
        self._roots: dict[tuple[str, str], int] = {}
        self._since_echo = 0
        self._rss_checked = 0.0
        self._steps = 0

    @property
    def healthy(self) -> bool:
        """True when the process lately answered, or is at work within its limit."""
        now = time.monotonic()
        if self.answered_at is None or self.repl is None:
            return False
        return now - self.answered_at < 30 or self.busy_until > now

    @property
    def generation(self) -> int:
        """Number of the present process; states of another one must be replayed."""
        return self.repl.generation if self.repl else 0

    def knows(self, header: str) -> bool:
        """True when the process has this import header loaded."""
        return self.repl is not None and self.repl.knows(header)

    def stop(self) -> None:
        """Ends the process from another thread; the worker's own thread tidies up."""
        if repl := self.repl:
            repl.signal_kill()

    def kill(self, cause: str) -> None:
        """Ends the process, if any; the next task starts a new one."""
        repl, self.repl = self.repl, None
        if repl is not None:
            repl.kill()
            self.home.counts[f"retired_{cause}"] += 1
        self._roots.clear()

    def check(
        self, header: str, body: str, shift: int, timeout_s: float, infotree: str | None
    ) -> dict:
        """One snippet, in the form of a Kimina result; crashes are tried twice."""
        self.home.counts["snippets"] += 1
        crash = ""
        for _ in range(2):
            try:
                return self._check_once(header, body, shift, timeout_s, infotree)
            except ReplTimeout:
                self.kill("timeout")
                return {"error": f"Lean REPL command timed out in {timeout_s} seconds",
                        "time": timeout_s}  # fmt: skip
            except HeaderTimeout:
                self.kill("timeout")
                limit = self.settings.header_timeout_s
                return {"error": f"Lean REPL header command timed out in {limit} seconds"}
            except HeaderFailed as error:
                result: dict = {"error": f"Lean REPL header command failed: {error}"}
                if error.declined:
                    result["diagnostics"] = {"declined": error.declined}
                return result
            except (ReplDied, ReplProtocol) as error:
                crash = self._crashed(error)
        return {"error": f"Lean REPL crashed twice on this snippet: {crash}"}

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
            except Lost as error:
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

    def preload(self) -> None:
        for header in self.settings.preload:
            try:
                self._env(header)
            except (ReplDied, ReplProtocol, HeaderFailed, HeaderTimeout) as error:
                self.last_error = str(error)
                log.error("worker cannot load %r: %s", header, error)
                self.kill("preload")

    def _live(self, header: str) -> Repl:
        if self.home.closing:
            raise ReplDied("the server is shutting down")
        if self.repl is not None and self.repl.crowded and not self.repl.knows(header):
            self.kill("headers")
        if self.repl is None:
            s = self.settings
            self._roots.clear()
            self._steps = 0
            self.repl = Repl(
                s.repl, s.project_dir, s.limit_address_mb, s.max_output_mb, s.max_headers
            )
            self.home.counts["started"] += 1
        return self.repl

    def _env(self, header: str) -> int:
        repl = self._live(header)
        try:
            env = repl.header_env(header, self.settings.header_timeout_s)
        except ReplTimeout:
            raise HeaderTimeout from None
        self.answered_at = time.monotonic()
        return env

    def _check_once(
        self, header: str, body: str, shift: int, timeout_s: float, infotree: str | None
    ) -> dict:
        self._env(header)  # loaded before the clock starts
        start = time.perf_counter()
        answer = self._command(header, body, timeout_s, infotree)
        elapsed = time.perf_counter() - start
        self._since_echo += 1
        if self._since_echo >= self.settings.echo_every or may_print(body):
            self.repl.echo(self.settings.header_timeout_s)
            self._since_echo = 0
        self.answered_at = time.monotonic()
        result = {"time": round(elapsed, 6), "response": answer}
        if declined := answer.pop("declined", None):
            result["diagnostics"] = {"declined": declined}
            self.home.counts["declined"] += 1
        _shift(answer, shift)
        return result

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
        self._roots[header, statement] = root[0]
        return root

    def _command(
        self, header: str, body: str, timeout_s: float, infotree: str | None = None
    ) -> dict:
        env = self._env(header)
        answer = self.repl.command(body, env, timeout_s, infotree)
        if "env" not in answer and "Unknown environment" in str(answer.get("message")):
            raise ReplProtocol(f"the REPL forgot environment {env}")
        return answer

    def _tactic(self, state: ProofState, tactic: str, timeout_s: float) -> dict:
        if self.repl is None or state.generation != self.generation:
            self._rebuild(state, timeout_s)
        self._steps += 1
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
        repl_id = self._roots.get((state.header, state.statement)) if self.repl else None
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

    def _crashed(self, error: Exception) -> str:
        self.last_error = str(error)
        cause = "crash" if isinstance(error, ReplDied) else "protocol"
        log.warning("worker lost (%s): %s", cause, error)
        self.kill(cause)
        return self.last_error

    def retire_if_due(self) -> None:
        repl, s = self.repl, self.settings
        if repl is None:
            return
        if repl.uses - self._steps >= s.max_commands or self._steps >= s.max_steps:
            self.kill("uses")
        elif s.limit_rss_mb and time.monotonic() - self._rss_checked > 1:
            self._rss_checked = time.monotonic()
            if repl.rss_mb() > s.limit_rss_mb:
                self.kill("memory")


class HeaderTimeout(Exception):
    """The imports took longer than `lean.server.header_timeout_s`."""


class Lost(Exception):
    """A proof state's path no longer replays."""


def split_header(code: str) -> tuple[str, str, int]:
    """Returns (imports, body, number of header lines), as Kimina Lean Server splits.

    The header is never empty: text without imports runs behind `import Init`, not on what an
    earlier snippet left behind.
    """
    lines = code.split("\n")
    count = 0
    while count < len(lines):
        line = lines[count].strip()
        if line and not line.startswith("import "):
            break
        count += 1
    imports = list(dict.fromkeys(line.strip() for line in lines[:count] if line.strip()))
    if any(re.match(r"import Mathlib\b", line) for line in imports):
        imports = ["import Mathlib"] + [
            line for line in imports if not re.match(r"import Mathlib\b", line)
        ]
    return "\n".join(imports) or "import Init", "\n".join(lines[count:]), count


def _is_state(answer: dict) -> bool:
    return bool(answer.get("goals")) and "proofState" in answer and "message" not in answer


def _failure(kind: str, text: str, declined: str | None) -> dict:
    if declined:
        return {"kind": "declined", "message": declined}
    return {"kind": kind, "message": text}


def _shift(answer: dict, lines: int) -> None:
    """Moves positions from the body's lines to the snippet's."""
    if not lines:
        return
    for entry in (*(answer.get("messages") or ()), *(answer.get("sorries") or ())):
        for end in ("pos", "endPos"):
            if isinstance(entry.get(end), dict) and "line" in entry[end]:
                entry[end]["line"] += lines
