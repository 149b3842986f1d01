"""The value-guided rollout walks by V, and none of it can reach the GRPO loss."""

from __future__ import annotations

import asyncio

import pytest
from test_lean_generate import Sample, Tokenizer
from toy_world import STEPS, ToySampler, ToyStepper, ToyValue, distance, step, theorem

import value_rollout
from coprover import config, slime_hooks
from coprover.expand import Expander, Settings


def expander(candidates: int = len(STEPS), value=None) -> Expander:
    return Expander(ToySampler(), ToyStepper(), value=value or ToyValue(),
                    settings=Settings(candidates=candidates))  # fmt: skip


def walk(n: int, max_steps: int = 50, **kwargs):
    return asyncio.run(value_rollout.walk(expander(**kwargs), theorem(n), max_steps))


@pytest.mark.parametrize("n", [1, 5, 12])
def test_exact_values_lead_straight_to_the_proof(n):
    path = walk(n)
    assert path.end == "qed"
    assert len(path.tactics) == distance(n)
    goals = (f"⊢ {n}",)
    for tactic in path.tactics:
        goals = step(goals, tactic)
    assert goals == ()
    assert len(path.states) == len(path.values) == len(path.tactics)


def test_inverted_values_do_not():
    class Inverted(ToyValue):
        async def score(self, texts):
            return [1.0 - v for v in await super().score(texts)]

    assert walk(5, value=Inverted()).end != "qed"


def test_limits_and_theorems_that_do_not_start():
    assert walk(12, max_steps=2).end == "step_limit"
    path = walk(-1)
    assert path.end == "not_started" and path.tactics == []


def test_the_sample_is_barred_from_the_loss():
    sample = Sample(index=0, metadata={"name": "reach_3"})
    path = walk(3)
    value_rollout.fill(sample, theorem(3), path, Tokenizer().encode)
    assert sample.remove_sample and sum(sample.loss_mask) == 0
    assert len(sample.loss_mask) == sample.response_length == len(sample.rollout_log_probs)
    assert sample.tokens[-sample.response_length:] == [ord(c) for c in sample.response]
    assert sample.metadata["walk"]["tactics"] == path.tactics
    assert sample.metadata["off_policy"] == "selected by value"
    raw, advantages = slime_hooks.post_process_rewards(None, [sample])
    assert advantages == [0.0]


def test_only_the_first_of_each_group_are_guided():
    grpo = config.load(sets=["grpo.slime.guided_per_group=2"]).grpo
    guided = [value_rollout.is_guided(Sample(index=i), grpo) for i in range(16)]
    assert guided == ([True] * 2 + [False] * 6) * 2


class TestGroupNormalisation:
    """Unscored samples neither get an advantage nor move their group's mean."""

    def samples(self, rewards, group=0, removed=()):
        return [Sample(index=i, group_index=group, reward=r, remove_sample=i in removed)
                for i, r in enumerate(rewards)]  # fmt: skip

    def test_hand_worked_group(self):
        raw, advantages = slime_hooks.post_process_rewards(None, self.samples([1.0, 0.0, 0.0, 0.0]))
        assert raw == [1.0, 0.0, 0.0, 0.0]
        # mean 1/4, std with n − 1: sqrt((9 + 3)/16 / 3) = 1/2
        assert advantages == pytest.approx([1.5, -0.5, -0.5, -0.5], abs=1e-4)

    def test_unscored_samples_stay_outside(self):
        scored = slime_hooks.post_process_rewards(None, self.samples([1.0, 0.0, 0.0, 0.0]))[1]
        mixed = self.samples([1.0, 0.0, 0.0, 0.0, None, None], removed=(4, 5))
        raw, advantages = slime_hooks.post_process_rewards(None, mixed)
        assert advantages == [*scored, 0.0, 0.0] and raw[4:] == [0.0, 0.0]

    def test_groups_are_told_apart_by_index_not_by_position(self):
        mixed = self.samples([1.0, 0.0], group=0) + self.samples([1.0, 1.0], group=1)
        mixed = [mixed[0], mixed[2], mixed[1], mixed[3]]
        advantages = slime_hooks.post_process_rewards(None, mixed)[1]
        assert advantages == pytest.approx([0.7071, 0.0, -0.7071, 0.0], abs=1e-4)

    def test_a_lone_scored_sample_has_no_advantage(self):
        mixed = self.samples([1.0, None], removed=(1,))
        assert slime_hooks.post_process_rewards(None, mixed)[1] == [0.0, 0.0]

    def test_a_missing_reward_is_an_error(self):
        with pytest.raises(ValueError, match="no reward"):
            slime_hooks.post_process_rewards(None, self.samples([None, 1.0]))
