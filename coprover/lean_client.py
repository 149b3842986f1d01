"""Client of Kimina-compatible Lean servers and of our stepping endpoint.

Interface first; see `LeanClient`.
"""

from __future__ import annotations

from collections.abc import Sequence

from coprover.config import InputError


class LeanUnavailable(InputError):
    """The Lean server did not answer within the patience; the message names URL and remedy."""


class LeanClient:
    """Sends snippets. `cfg` is the `lean:` section; `url` (or several, comma-separated) overrides.

    Usable from one event loop at a time; `close` it (or use `async with`).
    """

    def __init__(self, cfg, url: str | None = None) -> None:
        self.cfg = cfg

    async def check(self, snippets: Sequence[str], timeout_s: int | None = None) -> list[dict]:
        """Returns one raw Kimina result per snippet, in order.

        Raises LeanUnavailable after `cfg.unavailable_patience_s` of fruitless retries.
        """
        raise NotImplementedError

    async def post(self, path: str, body: dict) -> dict:
        """Returns the JSON answer of one POST, retried like `check`."""
        raise NotImplementedError

    async def health(self) -> dict:
        """Returns the answer of GET /health; raises LeanUnavailable at once if there is none."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
