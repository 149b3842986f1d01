"""The laptop's batched sampler: plain sampling and sampling without replacement.

Plain samples follow the policy exactly (inverse of the cumulative distribution, one uniform number
a token) and carry the log-probabilities that GRPO needs. `without_replacement` draws K different
completions of a prompt (local/beams.py).

Randomness: each prompt has its own stream from its own seed, so its samples do not depend on what
else is in the batch (up to float rounding of the logits, about 1e-6).

Try it: `python -m local.sampler runs/laptop/warm_start "theorem x (P : Prop) (h : P) : P := by"`
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
import torch

from local import tokenizer as tok
from local.beams import sample_beams
from local.completions import Completion, Ends, Request, compact
from local.llama import FastLlama, Tree

MAX_SLOTS = 8  # samples that share one copy of a prompt's keys; more is quadratic attention


class LocalSampler:
    """Generates with a LlamaForCausalLM and its tokenizer (transformers objects).

    max_rows: rows decoded together; around 256 the matrix products are efficient and the
    keys still fit the cache.
    """

    def __init__(self, model, tokenizer, max_rows: int = 256):
        self.tokenizer = tokenizer
        self.eos = _eos_ids(model, tokenizer)
        self.context = model.config.max_position_embeddings
        self.max_rows = max_rows
        self.load(model)

    def load(self, model) -> None:
        """Take over (a copy of) the weights of `model`."""
        self.model = FastLlama(model)

    @torch.inference_mode()
    def generate(self, requests: Sequence[Request],
                 aborted: Callable[[int], bool] = lambda i: False) -> list[list[Completion]]:
        """For each request its completions: exactly n, or at most n without replacement.

        `aborted(i)` is asked at every token whether request i should end now.
        Raises ValueError for an empty or too long prompt.
        """
        for request in requests:
            if not 0 < len(request.ids) <= self.context - request.max_new_tokens:
                raise ValueError(f"prompt of {len(request.ids)} tokens + {request.max_new_tokens} "
                                 f"new tokens must fit the context of {self.context}")
        out: list[list[Completion]] = [[] for _ in requests]
        for batch in _batches(requests, self.max_rows):
            run = sample_beams if requests[batch[0][0]].without_replacement else _sample_rows
            run(self, requests, batch, out, aborted)
        return out

    @torch.inference_mode()
    def prompt_logprobs(self, ids: Sequence[int]) -> list[float]:
        """log p(ids[i] | ids[:i]) for i >= 1, in one forward pass."""
        tree = Tree(self.model, [[int(ids[0])]], 1, len(ids))
        zero, out = torch.zeros(1, dtype=torch.long), []
        logits = tree.first_logits
        for token in ids[1:]:
            out.append(float(logits.log_softmax(-1)[0, token]))
            logits = tree.advance(torch.tensor([token]), zero, zero)
        return out


def load_sampler(directory: str, max_rows: int = 256) -> LocalSampler:
    """A sampler for a Hugging Face checkpoint directory."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    return LocalSampler(model, AutoTokenizer.from_pretrained(directory), max_rows)


def _eos_ids(model, tokenizer) -> frozenset[int]:
    found = [tokenizer.eos_token_id, model.config.eos_token_id,
             getattr(model.generation_config, "eos_token_id", None)]
    flat = [i for item in found for i in (item if isinstance(item, (list, tuple)) else [item])]
    return frozenset(i for i in flat if i is not None)


def _batches(requests: Sequence[Request], max_rows: int) -> list[list[tuple[int, int, int]]]:
    """Lists of (request, first sample, samples), of like kind and similar prompt length."""
    kinds: dict[tuple, list[tuple[int, int, int]]] = {}
    for i, r in enumerate(requests):
        step = r.n if r.without_replacement else MAX_SLOTS
        key = (r.without_replacement, r.temperature if r.without_replacement else 0)
        for first in range(0, r.n, step):
            kinds.setdefault(key, []).append((i, first, min(step, r.n - first)))
    batches = []
    for items in kinds.values():
        items.sort(key=lambda item: (len(requests[item[0]].ids), item))
        current: list[tuple[int, int, int]] = []
        rows = 0
        for item in items:
            if current and rows + item[2] > max_rows:
                batches.append(current)
                current, rows = [], 0
            current.append(item)
            rows += item[2]
        batches.append(current)
    return batches


def _sample_rows(sampler, requests, batch, out, aborted) -> None:
    """Plain sampling of one batch; appends to `out` in sample order."""
    slots = max(n for _, _, n in batch)
    longest = max(requests[i].max_new_tokens for i, _, _ in batch)
    tree = Tree(sampler.model, [list(requests[i].ids) for i, _, _ in batch], slots, longest)
    rows = [(p, s) for p, (_, _, n) in enumerate(batch) for s in range(n)]
    made = {row: Completion([], []) for row in rows}
    ends = [Ends(sampler, requests[i]) for i, _, _ in batch]
    prompt = torch.tensor([p for p, _ in rows])
    slot = torch.tensor([s for _, s in rows])
    owner = list(range(len(batch)))  # tree prompt -> batch position
    live = [row for row in rows if ends[row[0]].limit > 0]
    keep = torch.tensor([ends[p].limit > 0 for p, _ in rows])
    prompt, slot = prompt[keep], slot[keep]
    logits = tree.first_logits[prompt]
    settings = _Settings(requests, batch, live)
    step = 0
    while live:
        tokens, logprobs = settings.draw(logits, step, sampler.eos)
        ids, values = tokens.tolist(), logprobs.tolist()
        alive = []
        for j, row in enumerate(live):
            completion, request = made[row], batch[row[0]][0]
            completion.ids.append(ids[j])
            completion.logprobs.append(values[j])
            if aborted(request):
                completion.finish = "abort"
            elif not ends[row[0]].check(completion):
                alive.append(j)
        step += 1
        if len(alive) < len(live):
            index = torch.tensor(alive, dtype=torch.long)
            live = [live[j] for j in alive]
            if not live:
                break
            tokens, prompt, slot = tokens[index], prompt[index], slot[index]
            settings.keep(index)
            prompt, owner = compact(tree, prompt, owner)
        logits = tree.advance(tokens, prompt, slot)
    for row in rows:
        out[batch[row[0]][0]].append(made[row])


class _Settings:
    """Per-row sampling parameters of the live rows of a batch."""

    def __init__(self, requests, batch, live):
        of = [requests[batch[p][0]] for p, _ in live]
        self.temperature = torch.tensor([r.temperature for r in of])[:, None]
        self.top_k = torch.tensor([r.top_k if r.top_k > 0 else 1 << 30 for r in of])[:, None]
        self.top_p = torch.tensor([r.top_p for r in of])[:, None]
        self.min_p = torch.tensor([r.min_p for r in of])[:, None]
        self.min_new = torch.tensor([r.min_new_tokens for r in of])
        index = np.array([batch[p][1] + s for p, s in live], dtype=np.uint64)
        seeds = np.array([r.seed & (2**64 - 1) for r in of], dtype=np.uint64)
        self.stream = _mix(_mix(seeds) + index * np.uint64(0x9E3779B97F4A7C15))

    def keep(self, index: torch.Tensor) -> None:
        """Go on with these rows only."""
        for name in ("temperature", "top_k", "top_p", "min_p", "min_new"):
            setattr(self, name, getattr(self, name)[index])
        self.stream = self.stream[index.numpy()]

    def draw(self, logits: torch.Tensor, step: int, eos: frozenset[int]):
        """Tokens (N,) and their log-probabilities (N,) from logits (N, V)."""
        greedy = self.temperature <= 0
        if bool((self.min_new > step).any()):
            blocked = torch.tensor(sorted(eos))
            rows = (self.min_new > step).nonzero()
            logits = logits.clone()
            logits[rows, blocked] = float("-inf")
        if bool((self.temperature != 1).any()):
            logits = logits / torch.where(greedy, 1.0, self.temperature)
        logprobs = logits.log_softmax(-1)
        probs = self._truncate(logprobs.exp())
        cumulative = probs.cumsum(-1, dtype=torch.float64)
        uniform = torch.from_numpy(_uniform(self.stream, step))[:, None]
        # right=True: the first token whose cumulative mass exceeds u, never one of mass 0
        tokens = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
        tokens = tokens.clamp_(max=logits.shape[-1] - 1)
        if bool(greedy.any()):
            tokens = torch.where(greedy, logits.argmax(-1, keepdim=True), tokens)
        return tokens[:, 0], logprobs.gather(1, tokens)[:, 0]

    def _truncate(self, probs: torch.Tensor) -> torch.Tensor:
        """Zero what top_k, top_p and min_p cut off; a no-op for plain sampling."""
        vocabulary = probs.shape[-1]
        if not bool(((self.top_k < vocabulary) | (self.top_p < 1) | (self.min_p > 0)).any()):
            return probs
        ranked, order = probs.sort(-1, descending=True)
        before = ranked.cumsum(-1) - ranked
        cut = ((torch.arange(vocabulary) >= self.top_k) | (before > self.top_p)
               | (ranked < self.min_p * ranked[:, :1]))
        return torch.zeros_like(probs).scatter_(1, order, ranked.masked_fill(cut, 0.0))


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014) on uint64 arrays."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _uniform(stream: np.ndarray, step: int) -> np.ndarray:
    """Number `step` of each SplitMix64 stream, as float64 in [0, 1)."""
    with np.errstate(over="ignore"):
        state = stream + np.uint64(step + 1) * np.uint64(0x9E3779B97F4A7C15)
    return (_mix(state) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _main(directory: str, prompt: str) -> None:
    sampler = load_sampler(directory)
    ids = tuple(tok.encode(sampler.tokenizer, [prompt])[0])
    request = Request(ids, n=8, without_replacement=True)
    for completion in sampler.generate([request])[0]:
        print(f"{sum(completion.logprobs):9.3f} {completion.finish:6} "
              f"{tok.decode(sampler.tokenizer, completion.ids)!r}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m local.sampler CHECKPOINT PROMPT")
    _main(sys.argv[1], sys.argv[2])
