"""SLIME reward hook: 1.0 for a verified proof, 0.0 for every other scored verdict.

    --custom-rm-path lean_reward.compute_reward      (single samples, or lists with --group-rm)

A sample the Lean server could not judge within `lean.unavailable_patience_s` is *unscored*: zero
loss mask, outside its group's mean (coprover/slime_hooks.py), never a negative example. When more
than `reward.max_unscored_fraction` of the last 512 samples are unscored the job stops: a training
run must not go on without its reward. Verdict and reason are kept in `sample.metadata`.
With --reward-key K the reward is {K: 1.0 | 0.0, "proof": …, "verdict": …}.

Contract: SLIME 0.3.1, slime/rollout/rm_hub. Settings come from the file in COPROVER_CONFIG.
Try one proof: `python lean_reward.py examples/minif2f_smoke.jsonl 'exact Nat.add_comm a b'`
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from coprover import config
from coprover.errors import InputError
from coprover.slime_data import theorem_of
from coprover.slime_hooks import bar_from_loss, hook_config, per_loop
from coprover.verify import Result, Verdict, Verifier

log = logging.getLogger("lean_reward")
_WINDOW: deque[bool] = deque(maxlen=512)  # True: unscored; of this process, newest last
_MIN_SEEN = 64  # samples before the fraction means anything


class TooManyUnscored(InputError):
    """The Lean server failed on too many samples: training would go on without its reward."""


async def compute_reward(args, sample, **kwargs):
    """Returns the reward of a sample, or a list of rewards for a list of samples.

    Never raises for an ordinary failure; raises TooManyUnscored when the Lean server is gone.
    """
    if isinstance(sample, list):
        results = await judge(args, sample)
        return [reward_of(args, s, r) for s, r in zip(sample, results, strict=True)]
    [result] = await judge(args, [sample])
    return reward_of(args, sample, result)


async def judge(args, samples: list) -> list[Result]:
    """Returns the verdicts of samples and notes them in their metadata; bars unscored ones."""
    cfg = settings(args)
    verifier = per_loop(
        f"verifier {cfg.lean.url}", lambda: Verifier(cfg.lean, raise_unavailable=False)
    )
    pairs = [(theorem_of(sample.metadata), sample.response) for sample in samples]
    results = await verifier.verify(pairs)
    unscored: dict[str, list[str]] = {}  # why -> whose samples
    for sample, result in zip(samples, results, strict=True):
        sample.metadata["verdict"] = result.verdict.value
        sample.metadata["reason"] = result.reason
        _WINDOW.append(result.verdict is Verdict.UNAVAILABLE)
        if result.verdict is Verdict.UNAVAILABLE:
            unscored.setdefault(result.detail, []).append(sample.metadata["name"])
            bar_from_loss(sample)
    for why, names in unscored.items():
        log.warning("%d of %d samples are unscored (%s): %s", len(names), len(samples),
                    ", ".join(dict.fromkeys(names)), why)
    _stop_if_blind(cfg.reward.max_unscored_fraction)
    return results


def reward_of(args, sample, result: Result, bonus: float = 0.0) -> float | dict:
    """Returns the reward in the form that --reward-key asks for; `bonus` is its own component."""
    proof = 1.0 if result.verified else 0.0
    score = proof + bonus
    key = getattr(args, "reward_key", None)
    if not key:
        return score
    return {"proof": proof, "value_bonus": bonus, "verdict": result.verdict.value, key: score}


def settings(args):
    """The job's configuration; a caller in this process may hand its own as args.coprover_cfg."""
    return getattr(args, "coprover_cfg", None) or hook_config()


def _stop_if_blind(limit: float) -> None:
    if len(_WINDOW) >= _MIN_SEEN and sum(_WINDOW) > limit * len(_WINDOW):
        raise TooManyUnscored(
            f"{sum(_WINDOW)} of the last {len(_WINDOW)} samples could not be checked; see to the "
            "Lean server, then resume (reward.max_unscored_fraction sets the limit)"
        )


async def _try(cfg, path: str, tactics: str) -> None:
    from coprover import prompts
    from coprover.records import load_theorems

    theorems = load_theorems(path)
    async with Verifier(cfg.lean) as verifier:
        pairs = [(theorem, prompts.proof_response([tactics])) for theorem in theorems]
        for theorem, result in zip(theorems, await verifier.verify(pairs), strict=True):
            print(f"{theorem.name:30} {result.verdict.value:10} {result.reason} {result.detail}")


def main() -> int:
    parser = config.make_parser(__doc__, {"--kimina-url": "lean.url"})
    parser.add_argument("theorems", help="JSONL of theorems")
    parser.add_argument("tactics", help="a tactic block tried on each of them")
    given = parser.parse_args()
    url = vars(given)["flag:lean.url"]
    cfg = config.load(given.config, [*given.sets, *([f"lean.url={url}"] if url else [])])
    asyncio.run(_try(cfg, given.theorems, given.tactics))
    return 0


if __name__ == "__main__":
    config.main(main)
