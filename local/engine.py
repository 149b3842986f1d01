"""The model behind the laptop server: one thread that batches whatever requests are waiting.

Requests that arrive while a batch runs are joined in the next one (dynamic micro-batching, not
SGLang's continuous batching: a batch runs to its end). Weights are changed between batches, so
every completion comes from one set of weights, whose version is fixed when its batch starts.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from coprover.checkpoints import weight_version
from local import tokenizer as tok
from local.completions import Completion, Request
from local.sampler import LocalSampler

log = logging.getLogger("local.engine")


class Refused(ValueError):
    """The request cannot be served (too long, wrong kind of model); answered with 400."""


@dataclass(eq=False)
class Job:
    """One HTTP request's work: several `Request`s (generator) or token lists (value model)."""

    items: Sequence
    rid: str
    future: asyncio.Future
    loop: asyncio.AbstractEventLoop
    aborted: bool = False
    version: str = ""
    created: float = field(default_factory=time.perf_counter)

    def finish(self, result: object) -> None:
        """Hand the result (or an exception) to the waiting handler, from any thread."""
        def deliver():
            if not self.future.done():
                if isinstance(result, BaseException):
                    self.future.set_exception(result)
                else:
                    self.future.set_result(result)
        self.loop.call_soon_threadsafe(deliver)


class Engine:
    """Owns the model and the thread that runs it.

    model_path: Hugging Face directory; is_embedding: it holds a `value_model.ValueModel`.
    max_rows: samples decoded together; token_budget: tokens of a value batch, padding included.
    wait_s: how long the first request of a batch waits for company.
    """

    def __init__(self, model_path: str, *, is_embedding: bool = False, version: str | None = None,
                 max_rows: int = 256, token_budget: int = 2048, wait_s: float = 0.002,
                 context_length: int | None = None, auto_truncate: bool = False, seed: int = 0,
                 device: str = "cpu"):
        if device != "cpu" and not is_embedding:
            raise Refused("the stand-in samples on the CPU only: serve a generator with SGLang")
        self.is_embedding, self.device = is_embedding, device
        self.max_rows, self.token_budget, self.wait_s = max_rows, token_budget, wait_s
        self.auto_truncate = auto_truncate
        self._context_limit = context_length
        self._next_seed = seed
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.paused = False
        self.stopped = False
        self._wake = threading.Condition()
        self._model_lock = threading.Lock()
        self.load(model_path, version)
        self.thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self.thread.start()

    # weights

    def load(self, model_path: str, version: str | None = None) -> None:
        """Serve the checkpoint at `model_path` from the next batch on.

        Raises CheckpointError when it is incomplete (the old weights stay).
        """
        found = weight_version(model_path)
        if version not in (None, "", "default", found):
            log.warning("%s is announced as %s; its weights hash to %s", model_path, version, found)
        model, tokenizer = (_load_value if self.is_embedding else _load_generator)(model_path)
        with self._model_lock:
            self.model_path, self.version = model_path, version or found
            self.tokenizer, self.config = tokenizer, model.config
            positions = model.config.max_position_embeddings
            self.context = min(self._context_limit or positions, positions)
            if self.is_embedding:
                self.value_model = model.to(self.device)
            else:
                self.sampler = LocalSampler(model, tokenizer, self.max_rows)
        log.info("serving %s, weight version %s", model_path, self.version)

    def fresh_seed(self) -> int:
        """A seed for a request that brought none."""
        self._next_seed += 1
        return self._next_seed

    # requests

    def fit(self, ids: list[int], max_new_tokens: int = 0) -> tuple[list[int], int]:
        """Ids and max_new_tokens cut to the context if that is allowed. Raises Refused."""
        if not ids:
            raise Refused("input_ids cannot be empty")
        room = self.context - len(ids) - (0 if self.is_embedding else 1)
        if room >= max_new_tokens and room >= 0:
            return ids, max_new_tokens
        if not self.auto_truncate:
            raise Refused(f"{len(ids)} input tokens and {max_new_tokens} new tokens exceed the "
                          f"context length of {self.context} tokens")
        ids = ids[:self.context - (0 if self.is_embedding else 1)]
        return ids, max(0, min(max_new_tokens, self.context - len(ids)))

    async def submit(self, items: Sequence, rid: str) -> Job:
        """Queue `items`; returns the job when its result is in `job.future`."""
        loop = asyncio.get_running_loop()
        job = Job(items, rid, loop.create_future(), loop)
        with self._wake:
            self.waiting.append(job)
            self._wake.notify()
        try:
            await asyncio.shield(job.future)
        except asyncio.CancelledError:
            job.aborted = True
            raise
        return job

    def abort(self, rid: str = "", everything: bool = False) -> None:
        """End the requests whose id starts with `rid`."""
        with self._wake:
            for job in self.waiting + self.running:
                job.aborted = job.aborted or everything or (bool(rid) and job.rid.startswith(rid))

    def pause(self, mode: str) -> int:
        """Stop starting batches; "abort" also ends what runs and waits. Returns how many do.

        "retract" and "in_place" let the running batch finish: samples never change weights here.
        """
        with self._wake:
            count = len(self.waiting) + len(self.running)
            self.paused = True
        if mode == "abort":
            self.abort(everything=True)
            with self._wake:
                aborted, self.waiting = self.waiting, []
            for job in aborted:
                self._finish_aborted(job)
        return count

    def resume(self) -> None:
        """Go on after `pause`."""
        with self._wake:
            self.paused = False
            self._wake.notify()

    def close(self) -> None:
        """End the thread after the running batch."""
        with self._wake:
            self.stopped = True
            self._wake.notify()
        self.thread.join(timeout=60)

    # the thread

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self.stopped and (self.paused or not self.waiting):
                    self._wake.wait()
                if self.stopped:
                    return
            time.sleep(self.wait_s)
            with self._wake:
                self.running, self.waiting = self.waiting, []
            with self._model_lock:
                version = self.version
                try:
                    self._run(self.running)
                except Exception as error:  # the handler answers 500 and the thread lives on
                    log.exception("batch failed")
                    for job in self.running:
                        job.finish(error)
            log.debug("batch of %d requests at %s", len(self.running), version)
            self.running = []

    def _run(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.version = self.version
        flat = [(job, item) for job in jobs for item in job.items]
        if self.is_embedding:
            results = self._score([item for _, item in flat])
        else:
            results = self.sampler.generate([item for _, item in flat],
                                            aborted=lambda i: flat[i][0].aborted)
        start = 0
        for job in jobs:
            end = start + len(job.items)
            job.finish(results[start:end])
            start = end

    def _finish_aborted(self, job: Job) -> None:
        job.version = self.version
        if self.is_embedding:
            job.finish(Refused("aborted"))
        else:
            job.finish([[Completion([], [], "abort") for _ in range(r.n)] for r in job.items])

    @torch.inference_mode()
    def _score(self, texts: list[list[int]]) -> list[float]:
        """Raw logits, in order; sorted by length so that a batch holds little padding."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        logits = [0.0] * len(texts)
        start = 0
        while start < len(order):
            end = start + 1
            while (end < len(order)
                   and len(texts[order[end]]) * (end + 1 - start) <= self.token_budget):
                end += 1
            rows = order[start:end]
            for i, logit in zip(rows, self._score_batch([texts[i] for i in rows]), strict=True):
                logits[i] = logit
            start = end
        return logits

    def _score_batch(self, rows: list[list[int]]) -> list[float]:
        width = max(map(len, rows))
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([r + [pad] * (width - len(r)) for r in rows])
        mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])
        answer = self.value_model(input_ids=ids.to(self.device),
                                  attention_mask=mask.to(self.device))
        return answer.logits.float().view(-1).tolist()


def _load_generator(path: str):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(path)


def _load_value(path: str):
    from transformers import AutoTokenizer

    from value_model import ValueModel

    return ValueModel.from_pretrained(path).float().eval(), AutoTokenizer.from_pretrained(path)


def requests_for(engine: Engine, prompts: list[list[int]], params: list[dict]) -> list[Request]:
    """Sampler requests from token ids and validated sampling parameters. Raises Refused."""
    made = []
    for ids, p in zip(prompts, params, strict=True):
        ids, limit = engine.fit(list(ids), p.pop("max_new_tokens"))
        seed = p.pop("sampling_seed")
        seed = engine.fresh_seed() if seed is None else seed
        made.append(Request(tuple(ids), max_new_tokens=limit, seed=seed, **p))
    return made


def text_of(engine: Engine, completion: Completion, *, trim: bool = True,
            skip_special: bool = True) -> str:
    """The text of a completion, cut at what stopped it unless `trim` is false."""
    ids, matched = completion.ids, completion.matched
    if isinstance(matched, int) and trim:
        ids = ids[:-1]
    text = tok.decode(engine.tokenizer, ids, skip_special)
    if isinstance(matched, str):
        text = text[:text.index(matched) + (0 if trim else len(matched))]
    return text
