"""One rollout of the laptop's GRPO: which theorems, their samples, their rewards, what to learn.

`Sample` is the part of SLIME's sample that reward hooks use, so the very hooks of the node run
here. Rewards are asked on an event loop of their own: the Lean server judges one chunk of the
rollout while the next one is sampled.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coprover.records import Theorem
from coprover.sampling import prompt_seed
from coprover.slime_data import prompt_row
from coprover.slime_hooks import post_process_rewards


@dataclass
class Sample:
    """The part of SLIME's Sample that hooks read and write."""

    index: int
    group_index: int
    prompt: str
    tokens: list[int]
    response: str
    response_length: int
    rollout_log_probs: list[float]
    metadata: dict
    label: str | None = None
    status: str = "completed"  # or "truncated"
    reward: float | dict | None = None
    loss_mask: list[int] | None = None
    remove_sample: bool = False
    weight_versions: list[str] = field(default_factory=list)

    def get_reward_value(self, args) -> float:
        """The scalar reward."""
        return self.reward[args.reward_key] if args.reward_key else self.reward

    @property
    def response_ids(self) -> tuple[int, ...]:
        """The tokens of the response, end token included."""
        return tuple(self.tokens[len(self.tokens) - self.response_length:])


class Picker:
    """Chooses the theorems of each rollout: passes over the frontier in shuffled order.

    A theorem whose last group was verified throughout is left out of the next pass; `explore`
    of each rollout come from theorems nobody attempted yet (and join the frontier by merit), and
    once all were attempted from those that no sample solved.
    """

    def __init__(self, known: Sequence[str], unknown: Sequence[str], explore: float, seed: int):
        self.rng = random.Random(seed)
        self.known, self.unknown = list(known), list(unknown)
        self.rng.shuffle(self.unknown)
        self.explore = explore
        self.last: dict[str, float] = {}
        self.queue: list[str] = []

    def next(self, count: int) -> list[str]:
        """`count` different theorem names (fewer if there are fewer)."""
        if not self.unknown and self.explore:
            self.unknown = [name for name, rate in self.last.items()
                            if rate == 0.0 and name not in self.known]
            self.rng.shuffle(self.unknown)
        fresh = min(round(count * self.explore), len(self.unknown))
        if len(self.known) < count - fresh:
            fresh = min(count - len(self.known), len(self.unknown))
        chosen = [self.unknown.pop() for _ in range(fresh)]
        taken = set(chosen)
        passes = 0
        while len(chosen) < count and passes < 2:
            if not self.queue:
                self.queue = ([n for n in self.known if self.last.get(n, 0.0) < 1.0]
                              or self.known[:] or list(self.last))
                self.rng.shuffle(self.queue)
                passes += 1
            while self.queue and len(chosen) < count:
                name = self.queue.pop()
                if name not in taken:
                    taken.add(name)
                    chosen.append(name)
        return chosen

    def learn(self, name: str, rate: float) -> None:
        """Note the share of verified samples in a theorem's last group."""
        if name not in self.known and 0.0 < rate < 1.0:
            self.known.append(name)
        self.last[name] = rate


class Rewarder:
    """Runs the reward hook on an event loop of its own, while the main thread goes on sampling."""

    def __init__(self, hook: Callable, args):
        self.hook, self.args = hook, args
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="rewards", daemon=True).start()

    def submit(self, samples: list[Sample]):
        """A concurrent future; its result are the rewards, which are also set on the samples."""
        return asyncio.run_coroutine_threadsafe(self._score(samples), self.loop)

    async def _score(self, samples: list[Sample]) -> list:
        rewards = await self.hook(self.args, samples)
        for sample, reward in zip(samples, rewards, strict=True):
            sample.reward = reward
        return rewards


def sample_groups(sampler, section, theorems: Sequence[Theorem], rollout: int, version: str,
                  first_group: int) -> list[Sample]:
    """`samples_per_prompt` samples of each theorem, group by group."""
    from local import tokenizer as tok
    from local.completions import Request

    rows = [prompt_row(theorem) for theorem in theorems]
    ids = tok.encode(sampler.tokenizer, [row["prompt"] for row in rows])
    n = section.samples_per_prompt
    groups = sampler.generate([
        Request(tuple(i), n=n, max_new_tokens=min(section.max_new_tokens,
                                                  sampler.context - len(i)),
                temperature=section.temperature,
                seed=prompt_seed(section.seed, row["label"], rollout))
        for i, row in zip(ids, rows, strict=True)])
    samples = []
    for g, (prompt, row, group) in enumerate(zip(ids, rows, groups, strict=True)):
        for j, c in enumerate(group):
            samples.append(Sample(
                (first_group + g) * n + j, first_group + g, row["prompt"], prompt + c.ids,
                tok.decode(sampler.tokenizer, c.ids, skip_special_tokens=False), len(c.ids),
                c.logprobs, dict(row["metadata"]), row["label"],
                "completed" if c.finish == "stop" else "truncated", weight_versions=[version]))
    return samples


@dataclass
class Part:
    """The samples of one optimiser step and the rewards under way for them."""

    samples: list[Sample] = field(default_factory=list)
    waiting: list = field(default_factory=list)

    def wait(self) -> list[Sample]:
        """The samples, rewards set. Raises what the reward hook raised."""
        for future in self.waiting:
            future.result()
        return self.samples


def roll_out(sampler, rewarder: Rewarder, section, theorems: Sequence[Theorem], rollout: int,
             version: str) -> list[Part]:
    """A rollout, all of it from one policy, dealt into one part per optimiser step.

    The hook judges the first chunk while the next is sampled, and later parts while the trainer
    works on the first. Theorems come in random order, so the parts are alike.
    """
    size = -(-len(theorems) // section.updates_per_rollout)
    chunk = -(-size // section.reward_chunks)
    parts = []
    for start in range(0, len(theorems), size):
        part = Part()
        for first in range(start, min(start + size, len(theorems)), chunk):
            some = theorems[first:min(first + chunk, start + size)]
            samples = sample_groups(sampler, section, some, rollout, version, first)
            part.samples += samples
            part.waiting.append(rewarder.submit(samples))
        parts.append(part)
    return parts


def trials_of(samples: Sequence[Sample], args) -> list:
    """Groups with something to learn, in order: advantages by SLIME's post-processing hook.

    Unscored samples (`remove_sample`) have a zero loss mask and left the group mean there; groups
    whose scored samples all got the same reward are dropped.
    """
    from local.grpo_loss import Response, merge

    _, advantages = post_process_rewards(args, list(samples))
    groups: dict[int, list[Response]] = {}
    prompt_of: dict[int, list[int]] = {}
    for sample, advantage in zip(samples, advantages, strict=True):
        prompt_of[sample.group_index] = sample.tokens[:-sample.response_length]
        members = groups.setdefault(sample.group_index, [])
        if sample.remove_sample or not sample.response_length:
            continue
        members.append(Response(sample.response_ids, tuple(sample.rollout_log_probs), advantage))
    return [merge(prompt_of[g], members) for g, members in groups.items()
            if any(abs(r.advantage) > 1e-6 for r in members)]


def verified_trials(samples: Sequence[Sample], args) -> list:
    """The control's data: each group's distinct verified samples, each once."""
    from local.grpo_loss import Response, Trial

    groups: dict[int, dict[tuple, Response]] = {}
    prompt_of: dict[int, tuple[int, ...]] = {}
    for s in samples:
        if not s.remove_sample and s.get_reward_value(args) >= 1.0:
            prompt_of[s.group_index] = tuple(s.tokens[:-s.response_length])
            groups.setdefault(s.group_index, {})[s.response_ids] = Response(
                s.response_ids, tuple(s.rollout_log_probs), 1.0)
    return [Trial(prompt_of[g], tuple(found.values())) for g, found in groups.items()]


def describe(samples: Sequence[Sample], args, n: int) -> dict[str, float]:
    """What a rollout looked like: rewards, groups, lengths."""
    scored = [s for s in samples if not s.remove_sample]
    by_group: dict[int, list[float]] = {}
    for s in scored:
        by_group.setdefault(s.group_index, []).append(s.get_reward_value(args))
    rewards = [r for group in by_group.values() for r in group]
    some = [group for group in by_group.values() if 0 < sum(group) < len(group)]
    tokens = sum(s.response_length for s in samples)
    return {
        "rollout/reward_mean": sum(rewards) / max(1, len(rewards)),
        f"rollout/pass_at_{n}": sum(any(g) for g in by_group.values()) / max(1, len(by_group)),
        "rollout/mixed_groups": len(some) / max(1, len(by_group)),
        "rollout/unscored": len(samples) - len(scored),
        "rollout/truncated": sum(s.status == "truncated" for s in samples) / len(samples),
        "rollout/distinct": len({(s.group_index, s.response_ids) for s in samples}) / len(samples),
        "rollout/response_tokens": tokens / len(samples),
    }
