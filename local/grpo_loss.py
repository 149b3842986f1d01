"""GRPO's loss on packed groups, and the optimiser steps.

Token-level clipped policy loss of DAPO (Yu et al. 2025, arXiv:2503.14476, eq. 8): with
r = exp(log p_new - log p_old) per token and the group-normalised advantage A of its sample,

    loss = - sum over tokens min(r A, clip(r, 1 - eps_low, 1 + eps_high) A) / number of tokens

over all tokens of all samples of the step: no per-sample mean and no KL term. It equals TRL's
GRPOTrainer with loss_type="dapo" (and "bnpo") on the same samples in one batch, beta=0; asserted in
tests/local/test_grpo.py. Groups without reward variance and unscored samples are left out of both
sums (their advantage is zero; DAPO's dynamic sampling drops them too).

Equal samples of a group are computed once and weighted by their number: same loss, same gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from local.training import Group, batches, pack, target_logits


@dataclass(frozen=True)
class Response:
    """One distinct response: `logprobs` are the sampler's (old) ones, `count` how often drawn."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    advantage: float
    count: int = 1


@dataclass(frozen=True)
class Trial:
    """A prompt with the responses to learn from."""

    prompt: tuple[int, ...]
    responses: tuple[Response, ...]

    @property
    def group(self) -> Group:
        """The same as token ids only."""
        return Group(self.prompt, tuple(r.ids for r in self.responses))

    @property
    def n_tokens(self) -> int:
        """Loss tokens, repeated samples counted as often as they were drawn."""
        return sum(len(r.ids) * r.count for r in self.responses)


def merge(prompt: Sequence[int], responses: Sequence[Response]) -> Trial:
    """A trial in which responses with equal tokens and advantage are one, with their count."""
    found: dict[tuple, Response] = {}
    for r in responses:
        key = (r.ids, r.advantage)
        first = found.get(key)
        found[key] = r if first is None else replace(first, count=first.count + r.count)
    return Trial(tuple(prompt), tuple(found.values()))


def policy_loss(logits, targets, old, advantage, weight, eps_low: float, eps_high: float,
                entropy_coef: float = 0.0):
    """Sum over tokens (not yet divided) and its statistics, also as sums.

    logits (M, V); targets, old, advantage, weight (M,), weight = how often the token counts.
    """
    logprobs = logits.log_softmax(-1)
    new = logprobs.gather(1, targets[:, None])[:, 0]
    ratio = (new - old).exp()
    clipped = ratio.clamp(1 - eps_low, 1 + eps_high)
    loss = -(torch.minimum(ratio * advantage, clipped * advantage) * weight).sum()
    entropy = -(logprobs.exp() * logprobs).sum(-1)
    if entropy_coef:
        loss = loss - entropy_coef * (entropy * weight).sum()
    with torch.no_grad():
        low = (ratio < 1 - eps_low) & (advantage < 0)
        high = (ratio > 1 + eps_high) & (advantage > 0)
        stats = {"entropy": entropy, "clip_low": low, "clip_high": high, "ratio": ratio,
                 "kl": ratio - 1 - (new - old), "logprob_diff": (new - old).abs()}
        sums = {name: float((value.detach().float() * weight).sum())
                for name, value in stats.items()}
        sums["ratio_max"] = float(ratio.max())
    return loss, sums


def rejection_loss(logits, targets, weight):
    """Sum over tokens of -log p: supervised learning of the verified samples (the control)."""
    logprobs = logits.log_softmax(-1)
    entropy = -(logprobs.exp() * logprobs).sum(-1).detach()
    loss = -(logprobs.gather(1, targets[:, None])[:, 0] * weight).sum()
    return loss, {"entropy": float((entropy * weight).sum())}


def backward_trials(model, trials: Sequence[Trial], section) -> dict[str, float]:
    """Accumulate the gradient of the step's loss; statistics are means over its tokens."""
    total = sum(trial.n_tokens for trial in trials)
    sums: dict[str, float] = {"loss": 0.0}
    groups = [trial.group for trial in trials]
    for batch in batches(groups, section.batch_tokens):
        packed = pack([groups[i] for i in batch])
        responses = [r for i in batch for r in trials[i].responses]
        weight = _spread([float(r.count) for r in responses], responses)
        logits = target_logits(model, packed)
        if section.objective == "grpo":
            old = torch.tensor([x for r in responses for x in r.logprobs])
            advantage = _spread([r.advantage for r in responses], responses)
            loss, stats = policy_loss(logits, packed.targets, old, advantage, weight,
                                      section.eps_low, section.eps_high, section.entropy_coef)
        else:
            loss, stats = rejection_loss(logits, packed.targets, weight)
        (loss / total).backward()
        sums["loss"] += float(loss.detach())
        for name, value in stats.items():
            sums[name] = (max(sums.get(name, 0.0), value) if name == "ratio_max"
                          else sums.get(name, 0.0) + value)
    means = {name: value / total for name, value in sums.items() if name != "ratio_max"}
    if "ratio_max" in sums:
        means["ratio_max"] = sums["ratio_max"]
    return {**means, "tokens": total,
            "packed_tokens": sum(group.length for group in groups)}


def _spread(values: Sequence[float], responses: Sequence[Response]) -> torch.Tensor:
    """One value a response -> one a token (M,)."""
    lengths = torch.tensor([len(r.ids) for r in responses])
    return torch.tensor(values).repeat_interleave(lengths)


def policy_step(model, optimizer, trials: Sequence[Trial], section) -> dict[str, float]:
    """One GRPO (or rejection) update on `trials`, none if there are none; returns statistics."""
    if not trials:
        return {}
    stats = backward_trials(model, trials, section)
    return {**stats, "grad_norm": _update(model, optimizer, section)}


def replay_step(model, optimizer, rows: Sequence[Group], section) -> float:
    """One supervised update on `rows`; returns their mean cross-entropy per token (nats)."""
    total = sum(len(r) for group in rows for r in group.responses)
    value = 0.0
    for batch in batches(rows, section.batch_tokens):
        packed = pack([rows[i] for i in batch])
        loss = F.cross_entropy(target_logits(model, packed), packed.targets, reduction="sum")
        (loss / total).backward()
        value += float(loss.detach())
    _update(model, optimizer, section)
    return value / total


def _update(model, optimizer, section) -> float:
    """Clips, steps and clears the accumulated gradient; returns its norm."""
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), section.clip_grad)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(norm)
