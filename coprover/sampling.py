"""Clients of the two model servers: `Sampler` (generator) and `ValueClient` (value model).

Both speak SGLang's HTTP API, so the same code talks to SGLang, to its router and to
`local/sglang_server.py`. Tokens and log-probabilities are taken from `output_ids` and
`output_token_logprobs`, never rebuilt from text.

Distinct candidates. `generate(..., distinct=True)` returns different completions of each prompt:
- `without_replacement: server`: the server draws without replacement (stochastic beam search,
  Kool et al. 2019, arXiv:1903.06059). Only `local/sglang_server.py` can; it says so in each
  answer, and the client raises when a server does not.
- `without_replacement: client`: `oversample`·K plain samples, duplicates dropped, the first K kept.

Randomness: every prompt has its own seed, derived from (seed, prompt), so a state's candidates
depend on the state and the seed only, not on the batch or the order in which it was asked.

Try it: `python -m coprover.sampling http://localhost:30000 "theorem x : True := by"`
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from coprover.errors import InputError


class SamplingError(InputError):
    """A model server is unreachable, refused a request, or answered out of contract."""


@dataclass(frozen=True)
class Sample:
    """One completion. `logprobs[i]` is that of `token_ids[i]` (the end token is included)."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: str  # "stop", "length" or "abort"
    weight_version: str
    prompt_tokens: int = 0
    extra: dict = field(default_factory=dict, compare=False)

    @property
    def logprob(self) -> float:
        """Sum of the token log-probabilities: log p(completion | prompt), in (-inf, 0]."""
        return sum(self.logprobs)

    @property
    def n_tokens(self) -> int:
        """Completion length in tokens, end token included."""
        return len(self.token_ids)


def prompt_seed(seed: int, prompt: str, index: int = 0) -> int:
    """A seed in [0, 2^48) that depends on (seed, prompt, index) alone."""
    digest = hashlib.sha256(f"{seed}\x00{index}\x00{prompt}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


class _Http:
    """One aiohttp session over several equivalent servers, used in turn, with bounded retries.

    Refused connections, time-outs and 5xx are retried `retries` times with doubling pauses, then
    raised as SamplingError; 4xx are raised at once, for repeating them cannot help.
    """

    def __init__(self, urls: str | Sequence[str], *, max_in_flight: int = 64,
                 timeout_s: float = 600.0, retries: int = 6, api_key: str | None = None):
        names = [urls] if isinstance(urls, str) else list(urls)
        self.urls = [u.rstrip("/") for name in names for u in name.split(",") if u]
        if not self.urls:
            raise SamplingError("no server URL given: set servers.* in the config")
        self.timeout_s = timeout_s
        self.retries = retries
        self.api_key = api_key
        self.max_in_flight = max_in_flight
        self._turn = 0
        self._session = None
        self._gate = None

    async def __aenter__(self):
        await self._open()
        return self

    async def __aexit__(self, *exc) -> None:
        await self.close()

    async def _open(self):
        if self._session is None:
            import aiohttp

            headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
            self._session = aiohttp.ClientSession(
                headers=headers, timeout=aiohttp.ClientTimeout(total=self.timeout_s),
                connector=aiohttp.TCPConnector(limit=0))
            self._gate = asyncio.Semaphore(self.max_in_flight)
        return self._session

    async def close(self) -> None:
        """Close the connections; the client may be used again afterwards."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(self, method: str, path: str, body: dict | None = None,
                      url: str | None = None, parse: bool = True):
        """The JSON answer; None for an empty body, or any if not `parse`. Raises SamplingError."""
        import aiohttp

        session = await self._open()
        failure = ""
        for attempt in range(self.retries + 1):
            if attempt:
                await asyncio.sleep(min(0.25 * 2 ** attempt, 8.0))
            base = url or self.urls[self._turn % len(self.urls)]
            self._turn += 1
            try:
                async with self._gate:
                    async with session.request(method, base + path, json=body) as response:
                        if response.status < 400:
                            raw = await response.read()
                            return _json(raw, base + path) if raw and parse else None
                        failure = (f"{base}{path} answered {response.status}: "
                                   f"{(await response.text())[:500]}")
                        if response.status < 500 and response.status != 429:
                            raise SamplingError(failure)
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                failure = f"{base}{path}: {type(error).__name__} {error}"
        raise SamplingError(f"{failure} (after {self.retries + 1} attempts; is the server up? "
                            "see check_status.sh)")

    async def health(self) -> None:
        """Return when every server answers /health with 200. Raises SamplingError."""
        for url in self.urls:
            await self.request("GET", "/health", url=url, parse=False)  # the router says just OK

    async def model_info(self) -> dict:
        """The first server's /get_model_info (the spelling that routers forward too)."""
        return await self.request("GET", "/get_model_info", url=self.urls[0])

    async def weight_version(self) -> str:
        """The version of the weights that are being served."""
        return str((await self.model_info()).get("weight_version", "default"))

    async def update_weights(self, model_path: str, weight_version: str) -> None:
        """Make every server load `model_path`. Raises SamplingError when one refuses."""
        body = {"model_path": str(model_path), "weight_version": weight_version}
        for url in self.urls:
            answer = await self.request("POST", "/update_weights_from_disk", body, url=url)
            if not answer.get("success"):
                raise SamplingError(f"{url} kept its old weights: {answer.get('message')}")


class Sampler(_Http):
    """Completions from a generator served by SGLang or a stand-in.

    request_per: "prompt" (one prompt a request, n inside: works everywhere), "sample" (n requests
        with their own seeds: needed for reproducible distinct samples under SGLang's
        `--enable-deterministic-inference`, where equal seeds give equal samples) or "batch" (many
        prompts a request: fastest, refused by the router).
    """

    def __init__(self, urls: str | Sequence[str], *, request_per: str = "prompt",
                 without_replacement: str = "client", oversample: int = 4,
                 batch_prompts: int = 256, **http):
        super().__init__(urls, **http)
        for name, value, known in (("request_per", request_per, ("prompt", "sample", "batch")),
                                   ("without_replacement", without_replacement,
                                    ("server", "client"))):
            if value not in known:
                raise SamplingError(f"sampler.{name}: {value!r}; choose one of {', '.join(known)}")
        self.request_per = request_per
        self.without_replacement = without_replacement
        self.oversample = oversample
        self.batch_prompts = batch_prompts

    @classmethod
    def from_config(cls, section, urls: str | Sequence[str]) -> Sampler:
        """A sampler with the settings of the config's `sampler:` section."""
        return cls(urls, **{key: section[key] for key in section})

    async def generate(self, prompts: Sequence[str], n: int = 1, *, temperature: float = 1.0,
                       max_new_tokens: int = 1024, stop: Sequence[str] = (), seed: int = 0,
                       distinct: bool = False) -> list[list[Sample]]:
        """`n` completions for each prompt, in the order of the prompts.

        With `distinct` they differ from each other in their text and there may be fewer than n.
        Plain sampling never truncates the distribution (top_p 1, top_k off).
        Raises SamplingError.
        """
        if not prompts:
            return []
        server_side = distinct and self.without_replacement == "server"
        n_asked = n * self.oversample if distinct and not server_side else n
        params = {"n": n_asked, "temperature": temperature, "max_new_tokens": max_new_tokens,
                  "top_p": 1.0, "top_k": -1}
        if stop:
            params["stop"] = list(stop)
        if server_side:
            params["custom_params"] = {"without_replacement": True}
        if self.request_per == "batch":
            answers = await self._ask_batches(list(prompts), params, seed)
        else:
            answers = await asyncio.gather(*[self._ask_one(p, params, seed) for p in prompts])
        groups = [[_sample(item) for item in group] for group in answers]
        if server_side:
            for group in answers:
                if not all(item["meta_info"].get("without_replacement") for item in group):
                    raise SamplingError(f"{self.urls[0]} cannot draw without replacement: set "
                                        "sampler.without_replacement=client")
        return [_first_distinct(g, n) for g in groups] if distinct else groups

    async def _ask_one(self, prompt: str, params: dict, seed: int) -> list[dict]:
        whole = self.request_per == "prompt" or "custom_params" in params
        copies = [(params["n"], 0)] if whole else [(1, i) for i in range(params["n"])]
        jobs = [self.request("POST", "/generate", {
            "text": prompt, "return_logprob": True,
            "sampling_params": {**params, "n": k, "sampling_seed": prompt_seed(seed, prompt, i)}})
            for k, i in copies]
        answers = await asyncio.gather(*jobs)
        return [item for a in answers for item in (a if isinstance(a, list) else [a])]

    async def _ask_batches(self, prompts: list[str], params: dict, seed: int) -> list[list[dict]]:
        jobs = []
        for start in range(0, len(prompts), self.batch_prompts):
            chunk = prompts[start:start + self.batch_prompts]
            jobs.append(self.request("POST", "/generate", {
                "text": chunk, "return_logprob": True,
                "sampling_params": [{**params, "sampling_seed": prompt_seed(seed, p)}
                                    for p in chunk]}))
        groups: list[list[dict]] = []
        for start, answer in zip(range(0, len(prompts), self.batch_prompts),
                                 await asyncio.gather(*jobs), strict=True):
            chunk = prompts[start:start + self.batch_prompts]
            groups += _regroup(answer, len(chunk), params["n"])
        return groups


def _regroup(flat: list[dict], n_prompts: int, n: int) -> list[list[dict]]:
    """Cut a prompt-major flat answer into one list a prompt.

    A server that draws without replacement pads groups that have fewer than n distinct completions
    with `"finish_reason": {"type": "abort"}` entries of no tokens, so positions stay fixed.
    """
    if len(flat) != n_prompts * n:
        raise SamplingError(f"expected {n_prompts}x{n} completions, got {len(flat)}")
    return [flat[i * n:(i + 1) * n] for i in range(n_prompts)]


def _sample(item: dict) -> Sample:
    meta = item["meta_info"]
    ids = tuple(item["output_ids"])
    logprobs = tuple(float(entry[0]) for entry in meta.get("output_token_logprobs") or ())
    if len(ids) != len(logprobs):
        raise SamplingError(f"{len(ids)} output ids but {len(logprobs)} log-probabilities: "
                            "the server lost its token alignment")
    reason = (meta.get("finish_reason") or {}).get("type", "abort")
    return Sample(item["text"], ids, logprobs, reason, str(meta.get("weight_version", "default")),
                  int(meta.get("prompt_tokens", 0)))


def _first_distinct(group: list[Sample], n: int) -> list[Sample]:
    """The first n samples with different texts; aborted fillers are dropped."""
    kept: dict[str, Sample] = {}
    for sample in group:
        if sample.finish_reason != "abort":
            kept.setdefault(sample.text, sample)
    return list(kept.values())[:n]


class ValueClient(_Http):
    """V(state) in [0, 1] from a value model, through /v1/embeddings (raw logit on the wire)."""

    def __init__(self, urls: str | Sequence[str], *, batch_texts: int = 128, **http):
        super().__init__(urls, **http)
        self.batch_texts = batch_texts

    async def score(self, texts: Sequence[str]) -> list[float]:
        """V of each text, in order; equal texts are sent once. Raises SamplingError."""
        distinct = list(dict.fromkeys(texts))
        chunks = [distinct[i:i + self.batch_texts]
                  for i in range(0, len(distinct), self.batch_texts)]
        answers = await asyncio.gather(*[self._logits(chunk) for chunk in chunks])
        value = {text: sigmoid(logit) for chunk, logits in zip(chunks, answers, strict=True)
                 for text, logit in zip(chunk, logits, strict=True)}
        return [value[text] for text in texts]

    async def _logits(self, texts: list[str]) -> list[float]:
        answer = await self.request("POST", "/v1/embeddings",
                                    {"model": "default", "input": texts})
        rows = sorted(answer["data"], key=lambda row: row["index"])
        if len(rows) != len(texts) or any(len(row["embedding"]) != 1 for row in rows):
            raise SamplingError(f"{self.urls[0]} is not a scalar value model: expected "
                                f"{len(texts)} embeddings of width 1")
        return [float(row["embedding"][0]) for row in rows]


def _json(raw: bytes, address: str):
    try:
        return json.loads(raw)
    except ValueError:
        raise SamplingError(f"{address} does not answer JSON: {raw[:200]!r}") from None


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


async def _show(url: str, prompt: str) -> None:
    async with Sampler(url) as sampler:
        for sample in (await sampler.generate([prompt], n=4, max_new_tokens=128))[0]:
            print(f"{sample.logprob:9.3f} {sample.finish_reason:6} {sample.text!r}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m coprover.sampling URL PROMPT")
    asyncio.run(_show(sys.argv[1], sys.argv[2]))
