"""A worker of the pool: one thread's place, its REPL process, and what it does with a task.

A time-out, crash, flood or out-of-step pipe costs the process, and one retry or an own answer for
the culprit; neighbours never notice. coprover/repl_steps.py adds proof states and tactics;
lean_server_pool.py owns the queue and runs the threads.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping
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
    limit_cpu_s: int
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


class Home(Protocol):
    """What a worker needs from its pool."""

    counts: Counter[str]
    closing: bool


class Worker:
    """A place for a REPL process. `home` counts events; methods are called by one thread at a
    time, except `stop`."""

    def __init__(self, settings: Settings, home: Home) -> None:
        self.settings = settings
        self.home = home
        self.repl: Repl | None = None
        self.answered_at: float | None = None
        self.busy_until = 0.0
        self.last_error = ""
        self._since_echo = 0
        self._rss_checked = 0.0
        self.steps = 0

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

    def check(
        self, header: str, body: str, shift: int, timeout_s: float, extras: Mapping | None
    ) -> dict:
        """One snippet, in the form of a Kimina result; crashes are tried twice."""
        self.home.counts["snippets"] += 1
        crash = ""
        for _ in range(2):
            try:
                return self._check_once(header, body, shift, timeout_s, extras)
            except ReplTimeout:
                self.kill("timeout")
                return {"error": f"Lean REPL command timed out in {timeout_s} seconds",
                        "time": timeout_s}  # fmt: skip
            except HeaderTimeout:
                self.kill("timeout")
                limit = self.settings.header_timeout_s
                return {"error": f"Lean REPL header command timed out in {limit} seconds"}
            except Unusable as error:
                return {"error": f"Lean REPL header command failed: {error}"}
            except HeaderFailed as error:
                result: dict = {"error": f"Lean REPL header command failed: {error}"}
                if error.declined:
                    result["diagnostics"] = {"declined": error.declined}
                return result
            except (ReplDied, ReplProtocol) as error:
                crash = self._crashed(error)
        return {"error": f"Lean REPL crashed twice on this snippet: {crash}"}

    def preload(self) -> None:
        for header in self.settings.preload:
            try:
                self._env(header)
            except (Unusable, HeaderFailed, HeaderTimeout) as error:
                self.last_error = str(error)
                log.error("worker cannot load %r: %s", header, error)
                self.kill("preload")

    def _live(self, header: str) -> Repl:
        if self.home.closing:
            raise Unusable("the server is shutting down")
        if self.repl is not None and self.repl.crowded and not self.repl.knows(header):
            self.kill("headers")
        if self.repl is None:
            s = self.settings
            self.steps = 0
            self.repl = Repl(
                s.repl, s.project_dir, s.limit_address_mb, s.max_output_mb, s.max_headers,
                s.limit_cpu_s,
            )
            self.home.counts["started"] += 1
        return self.repl

    def _env(self, header: str) -> int:
        """The environment of an import header. What fails here is no fault of a proof: Unusable,
        HeaderTimeout or HeaderFailed."""
        for _ in range(2):  # an idle process may have died
            try:
                env = self._live(header).header_env(header, self.settings.header_timeout_s)
            except ReplTimeout:
                raise HeaderTimeout from None
            except (ReplDied, ReplProtocol) as error:
                self._crashed(error)
                continue
            self.answered_at = time.monotonic()
            return env
        raise Unusable(self.last_error)

    def _check_once(
        self, header: str, body: str, shift: int, timeout_s: float, extras: Mapping | None
    ) -> dict:
        self._env(header)  # loaded before the clock starts
        start = time.perf_counter()
        answer = self._command(header, body, timeout_s, extras, keep=False)
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

    def _command(
        self, header: str, body: str, timeout_s: float, extras: Mapping | None = None,
        keep: bool = True,
    ) -> dict:  # fmt: skip
        env = self._env(header)
        answer = self.repl.command(body, env, timeout_s, extras, keep)
        if "env" not in answer and "Unknown environment" in str(answer.get("message")):
            raise ReplProtocol(f"the REPL forgot environment {env}")
        return answer

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
        if repl.uses - self.steps >= s.max_commands or self.steps >= s.max_steps:
            self.kill("uses")
        elif s.limit_rss_mb and time.monotonic() - self._rss_checked > 1:
            self._rss_checked = time.monotonic()
            if repl.rss_mb() > s.limit_rss_mb:
                self.kill("memory")


class Unusable(Exception):
    """The REPL does not start, or dies of its imports: no verdict about anything."""


class HeaderTimeout(Exception):
    """The imports took longer than `lean.server.header_timeout_s`."""


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


def _shift(answer: dict, lines: int) -> None:
    """Moves positions from the body's lines to the snippet's."""
    if not lines:
        return
    for entry in (*(answer.get("messages") or ()), *(answer.get("sorries") or ())):
        for end in ("pos", "endPos"):
            if isinstance(entry.get(end), dict) and "line" in entry[end]:
                entry[end]["line"] += lines
