"""One verdict for a proof: the only code that may say `verified`.

A response becomes a snippet around the dataset's own statement (coprover/snippets.py), passes the
token screen (coprover/screen.py), is run by a Lean server (coprover/lean_client.py) and is read by
the rule in `read_result`. The epilogue of every snippet states the theorem again in a clean scope,
proves it by the target's name and prints the axioms it rests on; without that answer nothing is
verified, whatever else the server said.

Use: `async with Verifier(cfg.lean) as lean: results = await lean.verify([(theorem, response), …])`
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from coprover.lean_client import LeanClient
from coprover.records import Theorem

ALLOWED_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})


class Verdict(str, Enum):
    """What is known of a proof; `VERIFIED` alone earns the proof reward."""

    VERIFIED = "verified"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    DECLINED = "declined"  # outside the embedded checker's subset: unproved, counted apart
    UNAVAILABLE = "unavailable"  # server trouble: never scored, never a negative example


@dataclass(frozen=True)
class Result:
    """The verdict of one response. `reason` is a stable code: what failed first ("" if verified).

    `snippet` is the text sent to Lean (None if nothing was sent), `time_s` Lean's own time for it,
    `messages` what Lean said (severity, pos, data), epilogue included.
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


class Verifier:
    """Checks responses against their theorems. `cfg` is the `lean:` section; `url` overrides it.

    `raise_unavailable=False` returns Verdict.UNAVAILABLE instead of raising LeanUnavailable once
    `cfg.unavailable_patience_s` seconds of retries are over.
    """

    def __init__(self, cfg, url: str | None = None, raise_unavailable: bool = True) -> None:
        self.client = LeanClient(cfg, url)

    async def __aenter__(self) -> Verifier:
        return self

    async def __aexit__(self, *exc) -> None:
        await self.close()

    async def close(self) -> None:
        raise NotImplementedError

    async def verify(self, pairs: Sequence[tuple[Theorem, str]]) -> list[Result]:
        """Returns one Result per (theorem, response), in order; identical snippets run once.

        Raises LeanUnavailable when a server does not answer within the patience.
        """
        raise NotImplementedError

    async def verify_proof(self, theorem: Theorem, tactics: Sequence[str]) -> Result:
        """Returns the verdict of a flat list of tactics, checked as a whole file."""
        raise NotImplementedError

    async def verify_proofs(
        self, proofs: Sequence[tuple[Theorem, Sequence[str]]]
    ) -> list[Result]:
        """Like `verify_proof` for many."""
        raise NotImplementedError
