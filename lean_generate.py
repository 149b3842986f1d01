"""SLIME rollout of a single proof step: `--custom-generate-function-path lean_generate.generate`.

The prompt is the theorem's whole-proof prompt continued with the proof so far (the sample's
metadata may carry `tactics`, the steps already done). The engine's answer is cut after its first
step; the cut falls behind a token, so tokens, log-probabilities and loss mask keep their one-to-one
order and every kept token has the log-probability with which the policy drew it. The decision to
end the step lies in the first dropped token and is not trained. `compute_reward` is 1.0 only where
proof so far + step is a verified whole proof.

Contract: SLIME 0.3.1, `async f(args, sample, sampling_params) -> Sample`.
Usage: SLIME imports this file; bash train_step_grpo.sh --set \\
         grpo.slime.generate=lean_generate.generate grpo.slime.reward=lean_generate.compute_reward
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence

from coprover import prompts, slime_hooks
from coprover.sampling import Sampler
from coprover.screen import Malformed
from coprover.slime_data import theorem_of
from coprover.snippets import split_steps

STEP_TOKENS = 512  # enough for a step with its nested block; the rest of an answer is thrown away


async def generate(args, sample, sampling_params: dict):
    """Returns the sample with one step as its response.

    Status: COMPLETED when the step is complete, TRUNCATED when the tokens ran out within it,
    FAILED (and out of the loss) when the engine aborted the request.
    """
    tokenizer = slime_hooks.tokenizer(args.hf_checkpoint)
    theorem = theorem_of(sample.metadata)
    done = list(sample.metadata.get("tactics", []))
    sample.prompt = prompts.proof_prefix(theorem, done)
    prompt_ids = tokenizer.encode(sample.prompt, add_special_tokens=False)
    url = slime_hooks.engine_url(args)
    engine = slime_hooks.per_loop(url, lambda: Sampler(url, max_in_flight=512))
    limit = min(STEP_TOKENS, sampling_params.get("max_new_tokens") or STEP_TOKENS)
    params = {**sampling_params, "n": 1, "max_new_tokens": limit}
    answer = await engine.request(
        "POST", "/generate",
        {"input_ids": prompt_ids, "sampling_params": params, "return_logprob": True},
    )  # fmt: skip
    fill(sample, prompt_ids, answer, tokenizer.decode)
    return sample


def fill(sample, prompt_ids: list[int], answer: dict, decode: Callable) -> None:
    """Writes the first step of an engine's answer into the sample; see `generate`."""
    meta = answer["meta_info"]
    entries = meta.get("output_token_logprobs") or []
    ids, logprobs = [entry[1] for entry in entries], [float(entry[0]) for entry in entries]
    reason = (meta.get("finish_reason") or {}).get("type", "abort")
    step, length, complete = first_step(answer["text"])
    complete = complete or reason == "stop"
    kept = len(ids) if not length else tokens_covering(ids, answer["text"][:length], decode)
    status = type(sample).Status
    sample.tokens = [*prompt_ids, *ids[:kept]]
    sample.response = answer["text"] if kept == len(ids) else decode(ids[:kept])
    sample.response_length = kept
    sample.loss_mask = [1] * kept
    sample.rollout_log_probs = logprobs[:kept]
    sample.metadata = {**sample.metadata, "step": step}
    sample.status = status.COMPLETED if complete else status.TRUNCATED
    if reason == "abort":
        sample.status = status.FAILED
        slime_hooks.bar_from_loss(sample)


def first_step(text: str) -> tuple[str, int, bool]:
    """Returns (step, characters of `text` that hold it, whether something follows it).

    `text` continues a line indented by two spaces. (text, 0, False) when it holds a single step
    that may still go on; a closing fence ends it. ("", …) when it holds no tactic at all.
    """
    body, fence, _ = text.partition("\n```")
    try:
        steps = split_steps("  " + body)
    except Malformed:
        return body.strip(), 0, bool(fence)
    if not steps:
        return "", 0, bool(fence)
    if len(steps) == 1:
        return steps[0], len(body) if fence else 0, bool(fence)
    lines = ("  " + body).split("\n")
    for count in range(1, len(lines) + 1):  # the fewest lines that hold the whole first step
        head = "\n".join(lines[:count])
        try:
            found = split_steps(head)
        except Malformed:
            continue
        if found and found[0] == steps[0]:
            return steps[0], _without_rest(head, steps[0]) - 2, True
    return steps[0], 0, True


def _without_rest(head: str, step: str) -> int:
    """The length of `head` without what follows the step behind a `;` on its last line."""
    for position in range(head.rfind("\n") + 1, len(head)):
        if head[position] == ";" and split_steps(head[:position]) == [step]:
            return position
    return len(head)


def tokens_covering(ids: Sequence[int], text: str, decode: Callable) -> int:
    """Returns the fewest first tokens whose text starts with `text` (all, if none does)."""
    for count in range(1, len(ids)):
        if decode(list(ids[:count])).startswith(text):
            return count
    return len(ids)


async def compute_reward(args, sample, **kwargs):
    """Returns lean_reward's reward for the proof so far with the new step, as a whole proof."""
    from lean_reward import compute_reward as reward_of

    samples = sample if isinstance(sample, list) else [sample]
    whole = []
    for one in samples:
        proof = [*one.metadata.get("tactics", []), one.metadata.get("step", "")]
        other = copy.copy(one)
        other.response = prompts.proof_response(proof)
        whole.append(other)
    rewards = await reward_of(args, whole if isinstance(sample, list) else whole[0], **kwargs)
    for one, other in zip(samples, whole, strict=True):
        if other.remove_sample:  # Lean gave no verdict
            slime_hooks.bar_from_loss(one)
    return rewards


if __name__ == "__main__":
    print(__doc__)
    sys.exit(0 if sys.argv[1:] in ([], ["-h"], ["--help"]) else 2)
