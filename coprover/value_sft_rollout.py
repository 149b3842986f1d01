"""SLIME rollout function that turns value rows into SFT samples; nothing is generated.

--rollout-function-path coprover.value_sft_rollout.generate_rollout, with --debug-train-only and
--loss-type sft_loss. SLIME's own sft_rollout wants a chat template, which Llama-3.2-1B (base) lacks
and whose masks it decides by token names; here a sample is the prompt's tokens and one label token,
and the loss mask covers that token alone. Contract: SLIME 0.3.1,
`f(args, rollout_id, data_source, evaluation=False) -> list of groups of samples`.
"""

from __future__ import annotations

import hashlib

from coprover import slime_hooks
from coprover.config import InputError
from coprover.value_text import label_ids, step_of


def generate_rollout(args, rollout_id: int, data_source, evaluation: bool = False) -> list:
    """Returns the groups of the data source with tokens, mask and a zero reward filled in."""
    if evaluation:
        raise InputError("value SFT has no evaluation in SLIME; leave --eval-interval out")
    tokenizer = slime_hooks.tokenizer(args.hf_checkpoint)
    labels = label_ids(tokenizer)
    groups = data_source.get_samples(args.rollout_batch_size)
    for group in groups:
        for sample in group:
            fill(sample, rollout_id, tokenizer, labels)
    return groups


def fill(sample, rollout_id: int, tokenizer, labels: list[int]) -> None:
    """Writes prompt tokens and the label token; a soft label is rounded by a draw that depends on
    the prompt and the rollout only, so that a repeated row is drawn afresh each epoch."""
    prompt_ids = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    prompt_ids += tokenizer.encode(sample.prompt, add_special_tokens=False)
    digest = hashlib.sha256(f"{rollout_id}:{sample.index}:{sample.prompt}".encode()).digest()
    u = int.from_bytes(digest[:6], "big") / 2**48
    label = labels[step_of(float(sample.label), u)]
    sample.tokens = [*prompt_ids, label]
    sample.response_length = 1
    sample.loss_mask = [1]
    sample.reward = 0
