"""Client of Kimina-compatible Lean servers (Kimina Lean Server 2.0.0 or lean_server.py).

`check` returns one raw result per snippet, whatever happens to its neighbours: a request that fails
as a whole is split, and a snippet that still fails alone while the server checks a known proof is
reported as crashing. Connection failures, 429 and 503 are retried with growing pauses until
`lean.unavailable_patience_s` has passed, then LeanUnavailable is raised. A wrong key or address is
raised at once. Results are matched by our own ids, so no answer can end up with another snippet.

Try: `python -m coprover.lean_client http://localhost:8000` (asks for health and checks one proof)
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from coprover import lean_versions
from coprover.config import InputError

log = logging.getLogger("lean_client")
CRASH = "snippet fails alone"  # start of `error` for a snippet that brings a sound server down
_CANARY = "import Mathlib\ntheorem coprover_canary : True := trivial\n#print axioms coprover_canary"
_ALONE = 2  # times a snippet must fail alone before it is called a crash


class LeanUnavailable(InputError):
    """A Lean server does not answer, or refuses us; the message names URL and remedy."""


class _Retry(Exception):
    """Worth another try after a pause of at least `pause_s`."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class _Failed(Exception):
    """The server failed on this very request (status 500, or an answer that is none)."""


class _Server:
    def __init__(self, url: str, max_in_flight: int) -> None:
        self.url = url
        self.in_flight = 0
        self.slots = asyncio.Semaphore(max_in_flight)


class LeanClient:
    """Sends snippets. `cfg` is the `lean:` section; `url` (several: commas) overrides `cfg.url`.

    Belongs to one event loop; use `async with` or `close`. `counts` says what happened so far.
    """

    def __init__(self, cfg, url: str | None = None) -> None:
        urls = [part.strip().rstrip("/") for part in (url or cfg.url).split(",") if part.strip()]
        if not urls or not all(u.startswith(("http://", "https://")) for u in urls):
            raise InputError(f"lean.url: {url or cfg.url!r} is not an http(s) URL")
        self.servers = [_Server(u, cfg.max_in_flight) for u in urls]
        self.counts: Counter[str] = Counter()
        self._born, self._lean_s = time.monotonic(), 0.0
        self._batch_size = cfg.batch_size
        self._timeout_s = cfg.timeout_s
        self._queue_wait_s = cfg.queue_wait_s
        self._patience_s = cfg.unavailable_patience_s
        self._key = os.environ.get(cfg.api_key_env, "")
        self._session = None

    async def __aenter__(self) -> LeanClient:
        return self

    async def __aexit__(self, *exc) -> None:
        await self.close()

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def check(self, snippets: Sequence[str], timeout_s: float | None = None,
                    infotree: str | None = None, all_tactics: bool = False) -> list[dict]:
        """Returns one raw Kimina result per snippet, in order: `response` or `error`.

        infotree: full | tactics | original | substantive, handed to Lean's REPL.
        all_tactics: ask for the list `tactics`, which lean_server.py passes on and Kimina does not.
        Raises LeanUnavailable after `unavailable_patience_s` of fruitless retries.
        """
        settings = {"timeout": int(timeout_s or self._timeout_s)}
        if infotree:
            settings["infotree"] = infotree
        if all_tactics:
            settings["allTactics"] = True
        # snippets with one header side by side: servers keep one environment per header
        order = sorted(range(len(snippets)), key=lambda i: _imports(snippets[i]))
        results: list = [None] * len(snippets)

        async def run(part: list[int]) -> None:
            for index, result in zip(
                part, await self._check([snippets[i] for i in part], settings), strict=True
            ):
                results[index] = result

        size = self._batch_size
        await _gather(run(order[i : i + size]) for i in range(0, len(order), size))
        return results

    async def post(self, path: str, body: dict, timeout_s: float) -> dict:
        """Returns the JSON answer of a POST, retried within the patience; `timeout_s` bounds one
        try. Raises LeanUnavailable."""
        try:
            return await self._patiently(lambda: self._post(path, body, timeout_s))
        except _Failed as error:
            raise LeanUnavailable(str(error)) from None

    async def health(self) -> dict:
        """Returns the answer of GET /health of the first server.

        Raises LeanUnavailable at once when there is none.
        """
        import aiohttp

        url = self.servers[0].url
        try:
            limit = aiohttp.ClientTimeout(total=60)
            async with self._http().get(f"{url}/health", timeout=limit) as reply:
                text = await reply.text()
                if reply.status != 200:
                    raise LeanUnavailable(f"the Lean server at {url} is not well: {text[:300]}")
                return json.loads(text)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise LeanUnavailable(_no_answer(url, error)) from None

    async def versions(self) -> dict[str, str | None]:
        """{lean, mathlib}: what the first server checks with; null where it does not say.

        Raises LeanUnavailable when it does not answer.
        """
        health = await self.health()
        if "lean" in health:
            return {key: health.get(key) for key in ("lean", "mathlib")}
        [answer] = await self.check([lean_versions.QUESTION])
        return {"lean": lean_versions.of_answer(answer), "mathlib": None}

    def metrics(self) -> dict[str, float]:
        """What happened so far: counts, snippets in flight and a second, Lean's own seconds."""
        seconds = max(time.monotonic() - self._born, 1e-9)
        return {**self.counts, "requests_in_flight": sum(s.in_flight for s in self.servers),
                "lean_s": round(self._lean_s, 3), "wall_s": round(seconds, 3),
                "snippets_per_s": round(self.counts["snippets"] / seconds, 3)}

    async def _check(self, codes: list[str], settings: dict) -> list[dict]:
        """One request for all; when it fails as a whole, one request for each."""
        try:
            return await self._patiently(lambda: self._check_once(codes, settings))
        except _Failed as error:
            self.counts["requests_failed"] += 1
            log.warning("request of %d snippets failed: %s", len(codes), error)
        if len(codes) > 1:
            parts = await _gather(self._check([code], settings) for code in codes)
            return [result for part in parts for result in part]
        return [await self._check_alone(codes[0], settings)]

    async def _check_alone(self, code: str, settings: dict) -> dict:
        """A snippet whose own request failed: again, and then the server has to prove itself."""

        async def attempt() -> dict:
            failures = []
            for _ in range(_ALONE):
                try:
                    return (await self._patiently(lambda: self._check_once([code], settings)))[0]
                except _Failed as error:
                    failures.append(str(error))
            if await self._sound(settings["timeout"]):
                self.counts["crashing_snippets"] += 1
                return {"error": f"{CRASH}: {failures[-1]}"}
            raise _Retry(f"the server fails on a known proof as well: {failures[-1]}")

        return await self._patiently(attempt)

    async def _sound(self, timeout_s: int) -> bool:
        settings = {"timeout": timeout_s}
        try:
            [answer] = await self._patiently(lambda: self._check_once([_CANARY], settings))
        except _Failed:
            return False
        messages = (answer.get("response") or {}).get("messages") or []
        return any("coprover_canary" in str(message.get("data")) for message in messages)

    async def _check_once(self, codes: list[str], settings: dict) -> list[dict]:
        body = {
            "snippets": [{"id": str(i), "code": code} for i, code in enumerate(codes)],
            **settings,
        }
        self.counts["snippets"] += len(codes)
        limit = self._queue_wait_s + 2 * settings["timeout"] * len(codes)
        answer = await self._post("/api/check", body, limit)
        results = answer.get("results")
        if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
            raise _Failed(f"no list of results in {str(answer)[:200]}")
        by_id = {str(result.get("id")): result for result in results}
        wanted = [str(i) for i in range(len(codes))]
        if sorted(by_id) != sorted(wanted) or len(results) != len(wanted):
            raise _Failed("the results do not have the ids that were sent")
        self._lean_s += sum(float(result.get("time") or 0.0) for result in results)
        return [by_id[id_] for id_ in wanted]

    async def _patiently(self, attempt):
        """Runs `attempt` until it returns; _Retry is repeated with growing, jittered pauses."""
        start, pause = time.monotonic(), 0.2
        while True:
            try:
                return await attempt()
            except _Retry as error:
                self.counts["retries"] += 1
                waited = time.monotonic() - start
                if waited > self._patience_s:
                    raise LeanUnavailable(
                        f"{error} (tried for {waited:.0f} s); start the server or raise "
                        "lean.unavailable_patience_s"
                    ) from None
                await asyncio.sleep(max(pause * random.uniform(0.5, 1.0), error.pause_s))
                pause = min(pause * 2, 10.0)

    async def _post(self, path: str, body: dict, timeout_s: float) -> dict:
        import aiohttp

        server = min(self.servers, key=lambda s: s.in_flight)
        url = server.url + path
        data = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        server.in_flight += 1
        try:
            async with server.slots:
                self.counts["requests"] += 1
                limit = aiohttp.ClientTimeout(total=timeout_s, sock_connect=10)
                async with self._http().post(url, data=data, timeout=limit) as reply:
                    raw = await reply.read()
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise _Retry(_no_answer(url, error)) from None
        finally:
            server.in_flight -= 1
        if reply.status in (429, 502, 503, 504):
            raise _Retry(
                f"{url} answers {reply.status}: {raw[:200]!r}",
                _seconds(reply.headers.get("Retry-After", "")),
            )
        if reply.status in (401, 403):
            raise LeanUnavailable(f"{url} wants an API key: set LEAN_SERVER_API_KEY, or lean."
                                  "api_key_env to the variable that holds it")  # fmt: skip
        if reply.status in (404, 405, 422):
            raise LeanUnavailable(f"{url} answers {reply.status}: {raw[:300]!r}; is this a Lean "
                                  "server of the right kind? (stepping needs lean_server.py)")
        if reply.status != 200:
            raise _Failed(f"{url} answers {reply.status}: {raw[:300]!r}")
        try:
            answer = json.loads(raw)
        except ValueError:
            raise _Failed(f"{url} does not answer JSON: {raw[:200]!r}") from None
        if not isinstance(answer, dict):
            raise _Failed(f"{url} does not answer an object: {raw[:200]!r}")
        return answer

    def _http(self):
        if self._session is None:
            import aiohttp

            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                headers=headers, connector=aiohttp.TCPConnector(limit=0)
            )
        return self._session


async def _gather(coroutines) -> list:
    """Like asyncio.gather, but the first failure stops the others before it is raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:  # a cancellation too must reach the requests under way
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _imports(code: str) -> str:
    lines = []
    for line in code.split("\n"):
        if line.strip() and not line.startswith("import "):
            break
        lines.append(line.strip())
    return "\n".join(lines)


def _seconds(text: str) -> float:
    return min(float(text), 30.0) if text.isdigit() else 0.0


def _no_answer(url: str, error: Exception) -> str:
    reason = str(error) or type(error).__name__
    return f"no Lean server answers at {url} ({reason})"


async def _main(url: str | None) -> None:
    from coprover import config

    async with LeanClient(config.load().lean, url) as client:
        print(json.dumps(await client.health()))
        print(json.dumps(await client.check([_CANARY])))


if __name__ == "__main__":
    from coprover import config as _config

    _config.main(lambda: asyncio.run(_main(sys.argv[1] if len(sys.argv) > 1 else None)))
