"""LeanDojo: proving theorems where they stand in a repository, and its benchmark as trajectories.

`Dojos` keeps open `lean_dojo.Dojo` sessions for lean_server.py (`/api/dojo/start` and
`/api/dojo/run`): a theorem is named by repository, commit, file and full name, and stepped with
everything its file has before it. Needs the package `lean-dojo` (4.x, Python < 3.13) and Lean; it
is imported only when a session starts. Only repositories listed in `lean.server.dojo_repos` are
opened, because LeanDojo clones and builds what it is given. A QED is LeanDojo's word: the theorem
has no statement of ours to assemble a file around, so it is no verdict of coprover/verify.py.

The benchmark's traced proofs (`traced_tactics` with the states around every tactic) become rows of
trajectories.jsonl; proofs whose tactics do not form a chain (nested blocks) are left out.

Run: python -m coprover.dojo leandojo_benchmark_4/random/train.json \\
       --output data/leandojo_trajectories.jsonl
"""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coprover.config import InputError

log = logging.getLogger("dojo")
LOCATION = ("url", "commit", "file_path", "full_name")
_NO_GOALS = "no goals"


class Refused(ValueError):
    """The request names a repository that is not served, or LeanDojo is not installed."""


@dataclass
class _Session:
    """An open Dojo; its Lean process answers one tactic at a time."""

    dojo: object
    states: dict[str, object] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Dojos:
    """Open sessions, the longest unused one closed above ``limit``. Thread-safe.

    repos: `URL@COMMIT` of each repository that may be opened.
    """

    def __init__(self, repos: Sequence[str], limit: int) -> None:
        self.repos, self.limit = frozenset(repos), limit
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()
        self._opening = threading.Lock()  # Dojo changes the working directory while it opens

    def start(self, location: Mapping[str, str], timeout_s: float) -> dict:
        """The outcome {kind: state, state, goals} of a theorem's first state, or an error.

        location: the keys of LOCATION. timeout_s: for the start and for each tactic. Raises
        Refused.
        """
        package = self._package(f"{location['url']}@{location['commit']}")
        with self._opening:
            try:
                repo = package.LeanGitRepo(location["url"], location["commit"])
                theorem = package.Theorem(repo, location["file_path"], location["full_name"])
                dojo, first = package.Dojo(theorem, timeout=max(1, round(timeout_s))).__enter__()
            except Exception as error:  # git, lake, GitHub, LeanDojo: the answer of this item
                log.exception("LeanDojo cannot open %s", dict(location))
                return {"kind": "error", "message": f"{type(error).__name__}: {error}"}
        name = f"dojo-{secrets.token_hex(6)}"
        session = _Session(dojo)
        with self._lock:
            self._sessions[name] = session
            old = [self._sessions.popitem(last=False)[1]
                   for _ in range(len(self._sessions) - self.limit)]
        for dropped in old:
            _close(dropped)
        return self._state(name, session, first)

    def run(self, state: str, tactics: Sequence[str]) -> list[dict] | None:
        """The outcome of each tactic on a state; None for a state that is not known (any more)."""
        name = state.rpartition(".")[0]
        with self._lock:
            session = self._sessions.get(name)
            if session is not None:
                self._sessions.move_to_end(name)
        if session is None or state not in session.states:
            return None
        with session.lock:
            return [self._step(name, session, session.states[state], tactic) for tactic in tactics]

    def close(self) -> None:
        """End every session."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), OrderedDict()
        for session in sessions:
            _close(session)

    def _package(self, repo: str):
        if repo not in self.repos:
            raise Refused(f"{repo} is not served; list it in lean.server.dojo_repos")
        try:
            import lean_dojo
        except ImportError as error:
            raise Refused(f"theorems by location need the package lean-dojo: {error}") from None
        return lean_dojo

    def _step(self, name: str, session: _Session, state: object, tactic: str) -> dict:
        import lean_dojo

        if session.dojo is None:
            return {"kind": "error", "message": "an earlier tactic ended this session's process"}
        try:
            answer = session.dojo.run_tac(state, tactic)
        except lean_dojo.DojoTacticTimeoutError:
            self._drop(name, session)
            return {"kind": "timeout", "message": "the tactic ran out of time"}
        except lean_dojo.DojoCrashError as error:
            self._drop(name, session)
            return {"kind": "error", "message": f"Lean ended: {error}"}
        if isinstance(answer, lean_dojo.TacticState):
            return self._state(name, session, answer)
        if isinstance(answer, lean_dojo.ProofFinished):
            return {"kind": "qed"}
        if isinstance(answer, lean_dojo.ProofGivenUp):
            return {"kind": "error", "message": "the step uses sorry"}
        return {"kind": "error", "message": answer.error}

    def _state(self, name: str, session: _Session, state) -> dict:
        key = f"{name}.{len(session.states)}"
        session.states[key] = state
        return {"kind": "state", "state": key, "goals": state.pp.split("\n\n")}

    def _drop(self, name: str, session: _Session) -> None:
        with self._lock:
            self._sessions.pop(name, None)
        _end(session)


def _close(session: _Session) -> None:
    with session.lock:
        _end(session)


def _end(session: _Session) -> None:
    dojo, session.dojo = session.dojo, None
    if dojo is not None:
        dojo.__exit__(None, None, None)


# ------------------------------------------------------------------ the benchmark


def chain(traced: Sequence[Mapping]) -> tuple[list[list[str]], list[str]] | None:
    """(states, tactics) of traced tactics, or None where they are no chain to `no goals`.

    Every tactic must start in exactly the state that the one before it left.
    """
    if not traced or traced[-1]["state_after"] != _NO_GOALS:
        return None
    for one, two in zip(traced, traced[1:], strict=False):
        if one["state_after"] != two["state_before"]:
            return None
    return [t["state_before"].split("\n\n") for t in traced], [t["tactic"] for t in traced]


def trajectory_rows(theorems: Sequence[Mapping], gamma: float) -> Iterator[list[dict]]:
    """The trajectory rows of each theorem whose traced proof is a chain."""
    from coprover.trajectories import theorem_rows

    for theorem in theorems:
        found = chain(theorem["traced_tactics"])
        if found:
            states, tactics = found
            attempt = {"verdict": "verified", "closed": True, "states": states, "tactics": tactics}
            yield theorem_rows(theorem["full_name"], [attempt], [], gamma, round=0, generator="",
                               value_model="")


def read_benchmark(path: Path) -> list[dict]:
    """The theorems of a split of LeanDojo Benchmark 4. Raises InputError for another file."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from None
    if not isinstance(rows, list):
        raise InputError(f"{path}: a list of theorems is wanted (train.json of LeanDojo Benchmark)")
    for number, row in enumerate(rows):
        missing = {"full_name", "traced_tactics"} - set(row if isinstance(row, dict) else ())
        if missing:
            raise InputError(f"{path}: theorem {number} has no {', '.join(sorted(missing))}")
    return rows


def main(argv: list[str] | None = None) -> int:
    """Writes the trajectories and prints the counts."""
    from coprover import config
    from coprover.records import write_jsonl_atomic

    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", type=Path, help="a split of the benchmark, e.g. train.json")
    parser.add_argument("--output", type=Path, required=True, help="trajectories.jsonl to write")
    options = parser.parse_args(argv)
    theorems = read_benchmark(options.benchmark)
    parts = list(trajectory_rows(theorems, config.load().value.gamma))
    rows = [row for part in parts for row in part]
    if not rows:
        raise InputError(f"{options.benchmark}: no traced proof is a chain of tactics")
    write_jsonl_atomic(options.output, rows)
    proofs = sum(bool(t["traced_tactics"]) for t in theorems)
    print(f"{len(theorems)} theorems, {proofs} with tactic proofs, {len(parts)} of them chains: "
          f"{len(rows)} states -> {options.output}")
    return 0


if __name__ == "__main__":
    from coprover import config as _config

    _config.main(main)
