"""What both ways of sampling share: requests, completions, and when a completion ends."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from local import tokenizer as tok
from local.llama import Tree


@dataclass(frozen=True)
class Request:
    """One prompt and how to continue it, in SGLang's terms (`temperature` 0 is greedy)."""

    ids: tuple[int, ...]
    n: int = 1
    max_new_tokens: int = 128
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    min_new_tokens: int = 0
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    seed: int = 0
    without_replacement: bool = False


@dataclass
class Completion:
    """Tokens (end token included) with log-probabilities under the policy at T = `temperature`
    (at T = 1 for greedy and without replacement). `matched` is the stop token or string."""

    ids: list[int]
    logprobs: list[float]
    finish: str = "length"  # "stop" | "length" | "abort"
    matched: int | str | None = None


class Ends:
    """Decides after each token whether a completion ends, in SGLang's order: string, token, length.

    `ignore_eos` switches off `stop_token_ids` too, as in SGLang.
    """

    def __init__(self, sampler, request: Request):
        self.tokenizer = sampler.tokenizer
        self.strings = request.stop
        self.tokens = (frozenset() if request.ignore_eos
                       else sampler.eos | frozenset(request.stop_token_ids))
        self.limit = request.max_new_tokens
        # a stop string of B bytes lies within the last B tokens, each being at least one byte
        self.tail = max((len(s.encode()) for s in request.stop), default=0)

    def check(self, completion: Completion) -> bool:
        if self.tail:
            text = tok.decode(self.tokenizer, completion.ids[-self.tail:])
            for string in self.strings:
                if string in text:
                    completion.finish, completion.matched = "stop", string
                    return True
        if completion.ids[-1] in self.tokens:
            completion.finish, completion.matched = "stop", completion.ids[-1]
            return True
        return len(completion.ids) >= self.limit


def compact(tree: Tree, prompt: torch.Tensor, owner: list[int]):
    """Forget prompts without live rows once a quarter of them are; renumber `prompt`."""
    used = torch.unique(prompt)
    if len(used) > 0.75 * len(owner):
        return prompt, owner
    tree.keep(used)
    return torch.searchsorted(used, prompt), [owner[p] for p in used.tolist()]
