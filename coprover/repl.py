"""One Lean REPL process behind pipes: the upstream `repl` (through `lake env`) or minilean's.

Protocol (leanprover-community/repl): one JSON object on one line, then a blank line; the answer is
one JSON document, then a blank line. There is no request id, so this class makes sure that an
answer belongs to its question: nothing may be left on the pipe before or after, environment and
state ids must grow, and `echo` asks for what nobody could have answered before. Any surprise ends
the process. lean_server_pool.py runs it.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

_CHUNK = 1 << 16
_STDERR_TAIL = 4096
_IO_WORDS = ("#eval", "run_", "elab", "macro", "IO", "initialize", "dbg", "unsafe", "extern")


class ReplTimeout(Exception):
    """The command took longer than its limit; the process was killed."""


class ReplDied(Exception):
    """The process ended or could not be started; the message carries the end of its stderr."""


class ReplProtocol(Exception):
    """The process printed something that is not the answer; it was killed."""


class HeaderFailed(Exception):
    """The imports of a snippet do not load; the message is Lean's. `declined` names a feature."""

    def __init__(self, message: str, declined: str | None = None) -> None:
        super().__init__(message)
        self.declined = declined


class Repl:
    """A running REPL. Blocking; used by one thread at a time.

    `command` is the argument list (its first word `python` means this interpreter), `limit_mb`
    bounds the address space, `limit_cpu_s` the processor time of its whole life (0: no limit),
    `max_output_mb` a single answer.
    """

    _numbers = itertools.count(1)

    def __init__(
        self, command: Sequence[str], cwd: Path, limit_mb: int, max_output_mb: int,
        max_headers: int, limit_cpu_s: int = 0,
    ) -> None:  # fmt: skip
        self.generation = next(Repl._numbers)
        self.uses = 0
        self.born = time.monotonic()
        self._max_output = max_output_mb << 20
        self._max_headers = max_headers
        self._headers: OrderedDict[str, int] = OrderedDict()
        self._last_env = -1
        self._last_state = -1
        self._stderr = b""
        self._process = _spawn(command, cwd, limit_mb, limit_cpu_s)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            os.set_blocking(pipe.fileno(), False)
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        self._err = self._process.stderr.fileno()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def crowded(self) -> bool:
        """True when another header would need a fresh process."""
        return len(self._headers) >= self._max_headers

    def knows(self, header: str) -> bool:
        return header in self._headers

    def request(self, payload: dict, timeout_s: float) -> dict:
        """Returns the answer. Raises ReplTimeout, ReplDied or ReplProtocol (process then gone)."""
        self.uses += 1
        # a REPL that knows the key (minilean) stops by itself in time and need not be killed
        payload["timeout"] = 0.8 * timeout_s
        line = json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"
        try:
            return self._exchange(line, time.monotonic() + timeout_s)
        except (ReplTimeout, ReplDied, ReplProtocol):
            self.kill()
            raise

    def command(
        self, code: str, env: int | None, timeout_s: float, extras: Mapping | None = None,
        keep: bool = True,
    ) -> dict:  # fmt: skip
        """Runs Lean text on an environment; checks that the new environment's id is the next one:
        another answer than ours (late, forged, left over) has another number.

        extras: what else to report (`infotree`, `allTactics`), in the protocol's own keys.
        Without `keep` the REPL is told that nobody will build on the result (as Kimina tells it).
        """
        payload: dict = {**(extras or {}), "cmd": code}
        if env is not None:
            payload["env"] = env
        if not keep:
            payload["gc"] = True
        answer = self.request(payload, timeout_s)
        new = answer.get("env")
        if new is not None:
            if type(new) is not int or new != self._last_env + 1:
                self.kill()
                raise ReplProtocol(f"environment {new!r} after {self._last_env}")
            self._last_env = new
            for entry in (*answer.get("sorries", ()), *answer.get("tactics", ())):
                self._check_state(entry.get("proofState"))
        return answer

    def tactic(self, state: int, tactic: str, timeout_s: float) -> dict:
        """Runs a tactic on a proof state; checks that the new state's id is new."""
        answer = self.request({"tactic": tactic, "proofState": state}, timeout_s)
        self._check_state(answer.get("proofState"))
        return answer

    def header_env(self, header: str, timeout_s: float) -> int:
        """Returns the environment of an import header, loaded once per process.

        Raises HeaderFailed when the header has errors: an empty environment must not pass."""
        if header in self._headers:
            self._headers.move_to_end(header)
            return self._headers[header]
        answer = self.command(header, None, timeout_s)
        errors = [m for m in answer.get("messages", ()) if m.get("severity") == "error"]
        if errors or "env" not in answer:
            text = errors[0].get("data", "") if errors else answer.get("message", str(answer))
            raise HeaderFailed(text, answer.get("declined"))
        self._headers[header] = answer["env"]
        return answer["env"]

    def echo(self, timeout_s: float) -> None:
        """Proves that the pipe is in step: the answer must repeat a fresh name. Else kills."""
        env = next(reversed(self._headers.values()), None)
        name = f"coprover_echo_{os.urandom(6).hex()}"
        answer = self.command(f"#print axioms {name}", env, timeout_s)
        if not any(name in str(m.get("data")) for m in answer.get("messages", ())):
            self.kill()
            raise ReplProtocol("the pipe is out of step: an answer arrived that nobody asked for")

    def rss_mb(self) -> float:
        """Resident memory of the process and its children, in MB (0 when gone)."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            tree = [process, *process.children(recursive=True)]
            return sum(p.memory_info().rss for p in tree) / (1 << 20)
        except psutil.Error:
            return 0.0

    def kill(self) -> None:
        """Ends the whole process group and reaps it; harmless when already gone."""
        self.signal_kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                pipe.close()
            except OSError:
                pass

    def signal_kill(self) -> None:
        """Sends SIGKILL to the process group; safe from any thread."""
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass

    def _check_state(self, new: int | None) -> None:
        if new is None:
            return
        if not isinstance(new, int) or new <= self._last_state:
            self.kill()
            raise ReplProtocol(f"proof state {new!r} after {self._last_state}")
        self._last_state = new

    def _exchange(self, line: bytes, deadline: float) -> dict:
        if not self.alive:
            raise ReplDied(self._obituary())
        if self._stray():
            raise ReplProtocol("unread output before the request")
        pending = self._write(memoryview(line))
        if pending:
            self._poll.register(self._in, select.POLLOUT)
        try:
            document = self._read_document(pending, deadline)
        finally:
            if pending:
                self._poll.unregister(self._in)
        try:
            answer = json.loads(document)
        except ValueError:
            raise ReplProtocol(f"not JSON: {document[:200]!r}") from None
        if not isinstance(answer, dict):
            raise ReplProtocol(f"not a JSON object: {document[:200]!r}")
        return answer

    def _read_document(self, pending: memoryview, deadline: float) -> bytes:
        data = bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ReplTimeout
            for fd, _ in self._poll.poll(left * 1000):
                if fd == self._in:
                    pending = self._write(pending)
                    if not pending:
                        self._poll.modify(self._in, 0)
                elif fd == self._err:
                    self._drain_stderr()
                elif not self._read_into(data):
                    raise ReplDied(self._obituary())
            end = data.find(b"\n\n")
            if end >= 0:
                if data[end:].strip():
                    raise ReplProtocol("output after the end of the answer")
                return bytes(data[:end])
            if len(data) > self._max_output:
                raise ReplProtocol(f"an answer of more than {self._max_output >> 20} MB")

    def _read_into(self, data: bytearray) -> bool:
        """Reads what is there; False at the end of the stream."""
        try:
            chunk = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return True
        data += chunk
        return bool(chunk)

    def _write(self, data: memoryview) -> memoryview:
        try:
            return data[os.write(self._in, data) :]
        except BlockingIOError:
            return data
        except OSError:
            raise ReplDied(self._obituary()) from None

    def _stray(self) -> bool:
        try:
            return bool(os.read(self._out, _CHUNK).strip())
        except BlockingIOError:
            return False

    def _drain_stderr(self) -> None:
        try:
            chunk = os.read(self._err, _CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            self._poll.unregister(self._err)
        self._stderr = (self._stderr + chunk)[-_STDERR_TAIL:]

    def _obituary(self) -> str:
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = None
        try:
            self._drain_stderr()
        except (OSError, KeyError):
            pass
        tail = self._stderr.decode(errors="replace").strip()[-600:]
        state = f"exit status {code}" if code is not None else "closed its output"
        return f"REPL process {state}" + (f": {tail}" if tail else "")


def may_print(code: str) -> bool:
    """True when Lean text could write to standard output while it is elaborated."""
    return any(word in code for word in _IO_WORDS)


def _spawn(
    command: Sequence[str], cwd: Path, limit_mb: int, limit_cpu_s: int
) -> subprocess.Popen:
    argv = [sys.executable if command[0] == "python" else command[0], *command[1:]]
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
    except OSError as error:
        raise ReplDied(f"cannot start {' '.join(argv)} in {cwd}: {error}") from None
    if sys.platform == "linux":
        import resource

        limits = {resource.RLIMIT_AS: limit_mb << 20, resource.RLIMIT_CPU: limit_cpu_s}
        for kind, limit in limits.items():
            if limit:
                resource.prlimit(process.pid, kind, (limit, limit))
    return process
