"""SLIME reward hook: Lean's verdict, plus β·V of the best state an unproved attempt really reached.

    --custom-rm-path value_reward.compute_reward --group-rm

Off by default (`reward.value_weight` = β = 0: then exactly lean_reward). With β > 0 an attempt that
failed is replayed step by step up to its first error; each state on the way is valued by the value
model (goals one by one, multiplied) and the best one earns min(β·V, `reward.value_cap`). The bonus
is paid only in groups with at least one verified sample, so that it ranks failures without ever
replacing proofs, it cannot reach 1.0, and it is kept apart in `sample.metadata["value_bonus"]`.
Partial credit of this kind can be gamed; that is why it is bounded and logged as its own component.

Needs lean_server.py (stepping) behind `lean.url` and the value server at `grpo.slime.value_url`.
Check the settings: `python value_reward.py --set reward.value_weight=0.3`
"""

from __future__ import annotations

import logging
import math

from coprover import config, screen, snippets
from coprover.config import ConfigError
from coprover.lean_client import LeanUnavailable
from coprover.sampling import SamplingError
from coprover.slime_data import theorem_of
from coprover.slime_hooks import per_loop
from coprover.stepper import State, Stepper, connect
from coprover.value_text import value_client
from coprover.verify import Result, Verdict
from lean_reward import judge, reward_of, settings

log = logging.getLogger("value_reward")


async def compute_reward(args, sample, **kwargs):
    """Returns the reward of a sample, or a list of rewards for a list (a group with --group-rm).

    Raises ConfigError for a single sample with β > 0 (its group is unknown) or a bonus that could
    reach a proof's reward; TooManyUnscored like lean_reward.
    """
    cfg = settings(args)
    check_settings(cfg.reward)
    samples = sample if isinstance(sample, list) else [sample]
    results = await judge(args, samples)
    bonuses = [0.0] * len(samples)
    if cfg.reward.value_weight > 0:
        if not isinstance(sample, list):
            raise ConfigError("reward.value_weight > 0 needs whole groups: add --group-rm "
                              "(grpo.slime.args.group_rm: true)")  # fmt: skip
        bonuses = await value_bonuses(cfg, samples, results)
    for one, bonus in zip(samples, bonuses, strict=True):
        one.metadata["value_bonus"] = bonus
    rewards = [reward_of(args, *row) for row in zip(samples, results, bonuses, strict=True)]
    return rewards if isinstance(sample, list) else rewards[0]


def check_settings(reward) -> None:
    """Raises ConfigError unless 0 ≤ β and 0 ≤ cap < 1."""
    if reward.value_weight < 0 or not 0 <= reward.value_cap < 1:
        raise ConfigError(
            f"reward.value_weight={reward.value_weight}, reward.value_cap={reward.value_cap}: "
            "wanted are a weight >= 0 and a cap in [0, 1)"
        )


async def value_bonuses(cfg, samples: list, results: list[Result]) -> list[float]:
    """Returns β·V of the best state reached for failed samples in groups with a proof, else 0."""
    proved = {s.group_index for s, r in zip(samples, results, strict=True) if r.verified}
    chosen = [
        i
        for i, (s, r) in enumerate(zip(samples, results, strict=True))
        if s.group_index in proved and r.verdict in (Verdict.REJECTED, Verdict.TIMEOUT)
    ]
    bonuses = [0.0] * len(samples)
    try:
        values = await best_values(cfg, [samples[i] for i in chosen])
    except (LeanUnavailable, SamplingError) as error:
        # the verdicts stand; a reward without the bonus is still a true reward
        log.warning("no value bonus for %d samples: %s", len(chosen), error)
        return bonuses
    for i, value in zip(chosen, values, strict=True):
        bonuses[i] = min(cfg.reward.value_weight * value, cfg.reward.value_cap)
    return bonuses


async def best_values(cfg, samples: list) -> list[float]:
    """Returns, per sample, the highest value in [0, 1] of a state behind its statement."""
    if not samples:
        return []
    stepper = per_loop(f"stepper {cfg.lean.url}", lambda: connect(cfg.lean))
    url = cfg.grpo.slime.value_url
    client = per_loop(f"value {url}", lambda: value_client(cfg, url))
    reached = await walk(stepper, samples)
    goals = sorted({goal for states in reached for state in states for goal in state.goals})
    value_of = dict(zip(goals, await client.score(goals), strict=True)) if goals else {}
    return [
        max((math.prod(value_of[g] for g in state.goals) for state in states), default=0.0)
        for states in reached
    ]


async def walk(stepper: Stepper, samples: list) -> list[list[State]]:
    """Returns the states each sample's own steps lead to before the first one that fails."""
    starts = await stepper.start([theorem_of(sample.metadata) for sample in samples])
    reached: list[list[State]] = [[] for _ in samples]
    active: dict[int, tuple[State, list[str]]] = {}
    for i, (state, sample) in enumerate(zip(starts, samples, strict=True)):
        if isinstance(state, State) and (steps := proof_steps(sample)):
            active[i] = state, steps
    while active:
        outcomes = await stepper.run([(state, steps[:1]) for state, steps in active.values()])
        moving = {}
        for (i, (_, steps)), [outcome] in zip(active.items(), outcomes, strict=True):
            if outcome.state is not None:
                reached[i].append(outcome.state)
                if steps[1:]:
                    moving[i] = outcome.state, steps[1:]
        active = moving
    return reached


def proof_steps(sample) -> list[str]:
    """Returns the top-level steps of a response's tactic proof; [] when there is none to walk."""
    try:
        proof = snippets.read_response(theorem_of(sample.metadata), sample.response)
        if proof.helpers or not proof.body.startswith("by\n"):
            return []
        return snippets.split_steps(proof.body.removeprefix("by\n"))
    except (snippets.BadResponse, screen.Malformed):
        return []


def main() -> int:
    """Nothing to run: SLIME imports `compute_reward`. Checks the settings of the configuration."""
    cfg = config.from_cli(__doc__)
    check_settings(cfg.reward)
    print(f"value_weight {cfg.reward.value_weight}, value_cap {cfg.reward.value_cap}: fine")
    return 0


if __name__ == "__main__":
    config.main(main)
