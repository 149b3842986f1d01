"""One verdict for a proof: the only code that may say `verified`.

A response becomes a snippet around the dataset's own statement (coprover/snippets.py), passes the
token screen (coprover/screen.py), is run by a Lean server (coprover/lean_client.py) and is read by
the rule in `read_result`. The epilogue of every snippet states the theorem again in a clean scope,
proves it by the target's name and prints the axioms it rests on; without that answer nothing is
verified, whatever else the server said.

Use: `async with Verifier(cfg.lean) as lean: results = await lean.verify([(theorem, response), …])`
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from coprover import snippets
from coprover.lean_client import CRASH, LeanClient, LeanUnavailable
from coprover.records import Theorem
from coprover.snippets import BadResponse, Proof, Snippet

log = logging.getLogger("verify")
ALLOWED_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
_AXIOMS = re.compile(
    r"\A['`](.+?)['`] (?:depends on axioms: \[(.*)\]|does not depend on any axioms)\s*\Z", re.DOTALL
)
_SORRY = re.compile(r"uses .?sorry")
_LAYERS = {
    "extraction": ("no_code", "too_long", "empty"),
    "screen": ("malformed", "forbidden"),
    "statement": ("tampered", "unposable"),
    "lean": ("lean_error", "sorry", "timeout", "declined"),
    "epilogue": ("incomplete", "axioms", "statement"),
    "server": ("crash", "header", "protocol", "server"),
}
_LAYER_OF = {reason: layer for layer, reasons in _LAYERS.items() for reason in reasons}
_CONFUSED = 3  # answers that are none, from a server that answers, before the snippet is blamed


class Verdict(StrEnum):
    """What is known of a proof; `VERIFIED` alone earns the proof reward."""

    VERIFIED = "verified"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    DECLINED = "declined"  # outside the embedded checker's subset: unproved, counted apart
    UNAVAILABLE = "unavailable"  # server trouble: never scored, never a negative example


@dataclass(frozen=True)
class Result:
    """The verdict of one response and what decided it.

    `reason` is a stable code, "" if verified. Before Lean: no_code, too_long, malformed, forbidden,
    tampered, empty, unposable (the dataset's statement cannot be read). From Lean: lean_error,
    sorry, incomplete (no answer about the axioms), axioms, statement (it means something else
    inside the proof's file), timeout, declined, crash. Of the server: header, protocol, server.
    `detail` is for people. `snippet` is the text sent (None if nothing was), `time_s` Lean's own
    time for it, `messages` what Lean said (severity, pos, data), epilogue included.
    """

    verdict: Verdict
    reason: str = ""
    detail: str = ""
    snippet: str | None = None
    time_s: float = 0.0
    messages: list[dict] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        return self.verdict is Verdict.VERIFIED

    @property
    def layer(self) -> str:
        """Which wall stopped it: extraction, screen, statement, lean, epilogue or server; "" if
        verified."""
        return _LAYER_OF[self.reason] if self.reason else ""


class Verifier:
    """Checks responses against their theorems. `cfg` is the `lean:` section; `url` overrides it.

    `raise_unavailable=False` returns Verdict.UNAVAILABLE instead of raising LeanUnavailable once
    `cfg.unavailable_patience_s` seconds of retries are over. Belongs to one event loop.
    """

    def __init__(self, cfg, url: str | None = None, raise_unavailable: bool = True) -> None:
        self.client = LeanClient(cfg, url)
        self._raise = raise_unavailable
        self._patience_s = cfg.unavailable_patience_s
        self._max_chars = cfg.max_response_kb * 1024
        self._cache_size = cfg.cache_size
        self._cache: OrderedDict[tuple[str, Proof], Result] = OrderedDict()
        self._pending: dict[tuple[str, Proof], asyncio.Future] = {}

    async def __aenter__(self) -> Verifier:
        return self

    async def __aexit__(self, *exc) -> None:
        await self.close()

    async def close(self) -> None:
        await self.client.close()

    async def verify(self, pairs: Sequence[tuple[Theorem, str]]) -> list[Result]:
        """Returns one Result per (theorem, response), in order; identical snippets run once.

        Raises LeanUnavailable when a server does not answer within the patience.
        """
        return await self._verify([self._read(t, response) for t, response in pairs])

    async def verify_proof(self, theorem: Theorem, tactics: Sequence[str]) -> Result:
        """Returns the verdict of a flat list of tactics, checked as a whole file."""
        return (await self.verify_proofs([(theorem, tactics)]))[0]

    async def verify_proofs(self, proofs: Sequence[tuple[Theorem, Sequence[str]]]) -> list[Result]:
        """Like `verify_proof` for many."""
        jobs = [_parsed(t, lambda s=s: snippets.tactic_proof(tuple(s))) for t, s in proofs]
        return await self._verify(jobs)

    def _read(self, theorem: Theorem, response: str) -> tuple[Theorem, Proof] | Result:
        if len(response) > self._max_chars:
            return Result(Verdict.REJECTED, "too_long", f"{len(response)} characters")
        return _parsed(theorem, lambda: snippets.read_response(theorem, response))

    async def _verify(self, jobs: list[tuple[Theorem, Proof] | Result]) -> list[Result]:
        fresh: dict[tuple[str, Proof], tuple[Theorem, Proof]] = {}
        waiting: dict[tuple[str, Proof], tuple[asyncio.Future, tuple[Theorem, Proof]]] = {}
        found: dict[tuple[str, Proof], Result] = {}
        for job in jobs:
            if isinstance(job, Result):
                continue
            key = (job[0].formal_statement, job[1])
            if (known := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                found[key] = known
            elif key in self._pending:
                waiting[key] = self._pending[key], job
            else:
                fresh[key] = job
        found |= await self._run(fresh)
        for key, (future, job) in waiting.items():
            try:
                found[key] = await asyncio.shield(future)
            except asyncio.CancelledError:
                if not future.cancelled() or asyncio.current_task().cancelling():
                    raise
                [found[key]] = await self._verify([job])  # only who asked first gave up
        return [
            job if isinstance(job, Result) else found[job[0].formal_statement, job[1]]
            for job in jobs
        ]

    async def _run(self, fresh: dict) -> dict:
        """Checks new proofs; others that ask for the same ones meanwhile wait for these."""
        loop = asyncio.get_running_loop()
        futures = {key: loop.create_future() for key in fresh}
        self._pending |= futures
        try:
            results = await self._ask(list(fresh.values()))
        except BaseException as error:
            for future in futures.values():
                if isinstance(error, Exception):
                    future.set_exception(error)
                    future.exception()  # nobody has to wait for it
                else:
                    future.cancel()
            raise
        finally:
            for key in futures:
                del self._pending[key]
        found = dict(zip(fresh, results, strict=True))
        for key, result in found.items():
            futures[key].set_result(result)
            self._remember(key, result)
        return found

    def _remember(self, key: tuple[str, Proof], result: Result) -> None:
        # what may come out otherwise next time is asked again: time-outs, crashes, server trouble
        lasting = (Verdict.VERIFIED, Verdict.REJECTED, Verdict.DECLINED)
        if result.verdict in lasting and result.reason != "crash":
            self._cache[key] = result
            if len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)

    async def _ask(self, jobs: list[tuple[Theorem, Proof]]) -> list[Result]:
        """Runs the snippets; those with server trouble again, until the patience is over."""
        results: list = [None] * len(jobs)
        left, tries, pause = list(range(len(jobs))), 0, 0.5
        start = time.monotonic()
        while left:
            try:
                for i, result in zip(left, await self._once([jobs[i] for i in left]), strict=True):
                    results[i] = result
            except LeanUnavailable as error:
                if self._raise:
                    raise
                return [
                    r or Result(Verdict.UNAVAILABLE, "server", str(error)) for r in results
                ]
            left = [i for i in left if results[i].verdict is Verdict.UNAVAILABLE]
            tries += 1
            left = [i for i in left if not self._blame(results, i, tries)]
            if left and tries >= _CONFUSED and time.monotonic() - start > self._patience_s:
                return self._give_up(results, left)
            if left:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 10.0)
        return results

    def _blame(self, results: list[Result], i: int, tries: int) -> bool:
        """A snippet that keeps getting nonsense from a server that answers is the cause itself."""
        old = results[i]
        if old.reason != "protocol" or tries < _CONFUSED:
            return False
        results[i] = Result(
            Verdict.REJECTED, "crash", old.detail, old.snippet, old.time_s, old.messages
        )
        return True

    def _give_up(self, results: list[Result], left: list[int]) -> list[Result]:
        if self._raise:
            detail = results[left[0]].detail
            raise LeanUnavailable(
                f"the Lean server at {self.client.servers[0].url} cannot check: {detail}"
            )
        return results

    async def _once(self, jobs: list[tuple[Theorem, Proof]]) -> list[Result]:
        sent = [snippets.assemble(theorem, proof) for theorem, proof in jobs]
        answers = await self.client.check([snippet.text for snippet in sent])
        return [read_result(a, s) for a, s in zip(answers, sent, strict=True)]


def read_result(answer: dict, snippet: Snippet) -> Result:
    """Returns what a raw Kimina result says about the snippet it belongs to.

    Every line must hold for `verified`; the first that does not gives the reason.
    """
    time_s = float(answer.get("time") or 0.0)

    def result(verdict: Verdict, reason: str = "", detail: str = "", messages=()) -> Result:
        return Result(verdict, reason, detail[:1000], snippet.text, time_s, list(messages))

    declined = (answer.get("diagnostics") or {}).get("declined")
    if answer.get("error") is not None:
        return result(*server_error(str(answer["error"]), declined))
    response = answer.get("response")
    if not isinstance(response, dict):
        return result(Verdict.UNAVAILABLE, "protocol", f"no response in {str(answer)[:200]}")
    if "message" in response or type(response.get("env")) is not int:
        return result(Verdict.UNAVAILABLE, "protocol", f"no environment in {str(response)[:200]}")
    messages = response.get("messages") or []
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        return result(Verdict.UNAVAILABLE, "protocol", "messages are not a list of objects")
    if declined:
        return result(Verdict.DECLINED, "declined", str(declined), messages)
    if errors := [m for m in messages if m.get("severity") == "error"]:
        return result(*_lean_error(errors, snippet), messages)
    if uses_sorry(response):
        return result(Verdict.REJECTED, "sorry", "the proof uses sorry", messages)
    problem = _axioms_problem(messages, snippet)
    if problem:
        return result(Verdict.REJECTED, *problem, messages)
    return result(Verdict.VERIFIED, messages=messages)


def uses_sorry(response: dict) -> bool:
    """Whether Lean's answer names a `sorry`, as an entry or in a message of any wording."""
    messages = response.get("messages") or ()
    return bool(response.get("sorries")) or any(
        _SORRY.search(str(m.get("data"))) for m in messages)


def server_error(text: str, declined: str | None) -> tuple[Verdict, str, str]:
    """(verdict, reason, detail) of a result that has an `error` in place of a response."""
    if declined:
        return Verdict.DECLINED, "declined", str(declined)
    if "header command" in text:
        return Verdict.UNAVAILABLE, "header", text
    if "timed out" in text:
        return Verdict.TIMEOUT, "timeout", text
    if text.startswith((CRASH, "Lean REPL crashed twice")):
        return Verdict.REJECTED, "crash", text
    return Verdict.UNAVAILABLE, "server", text


def _lean_error(errors: list[dict], snippet: Snippet) -> tuple[Verdict, str, str]:
    texts = [str(m.get("data", "")) for m in errors]
    if any(text.startswith("(deterministic) timeout") for text in texts):
        return Verdict.TIMEOUT, "timeout", texts[0]
    inside = [m for m in errors if _line(m) < snippet.statement_line]
    if not inside and any(_line(m) < snippet.axioms_line for m in errors):
        return Verdict.REJECTED, "statement", texts[0]
    return Verdict.REJECTED, "lean_error" if inside else "incomplete", texts[0]


def _axioms_problem(messages: list[dict], snippet: Snippet) -> tuple[str, str] | None:
    """None if exactly one message at the epilogue's line names our target and allowed axioms."""
    infos = [
        m for m in messages if _line(m) == snippet.axioms_line and m.get("severity") == "info"
    ]
    answers = [_AXIOMS.match(str(m.get("data", ""))) for m in infos]
    if len(answers) != 1 or not answers[0]:
        return "incomplete", "no answer about the axioms of the theorem"
    name, listed = answers[0].groups()
    if name.replace("«", "").replace("»", "") != snippet.target.replace("«", "").replace("»", ""):
        return "incomplete", f"the answer is about {name}"
    used = {axiom.strip() for axiom in (listed or "").split(",") if axiom.strip()}
    if extra := used - ALLOWED_AXIOMS:
        return "axioms", ", ".join(sorted(extra))
    return None


def _line(message: dict) -> int:
    """The message's line; 0 (inside the proof) when the server gives none."""
    position = message.get("pos")
    line = position.get("line") if isinstance(position, dict) else None
    return line if isinstance(line, int) else 0


def _parsed(theorem: Theorem, read) -> tuple[Theorem, Proof] | Result:
    try:
        snippets.split_statement(theorem.statement)
    except BadResponse as error:
        return Result(Verdict.REJECTED, "unposable", str(error))
    try:
        return theorem, read()
    except BadResponse as error:
        return Result(Verdict.REJECTED, error.code, str(error))
