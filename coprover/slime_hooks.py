"""What SLIME's hooks share: their configuration, and group normalisation with unscored samples.

SLIME forms groups by position and counts every sample; a sample the Lean server never judged, or
one whose sampling was steered by the value model, must neither be trained on nor move the mean of
its group. Such samples carry `remove_sample=True` (SLIME then zeroes their loss mask) and leave the
group here. Contract: SLIME 0.3.1, --custom-reward-post-process-path, `f(args, samples)`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import math
import os
from collections import defaultdict
from functools import cache

from omegaconf import DictConfig

from coprover import config

STD_EPSILON = 1e-6  # SLIME's own


@cache
def hook_config() -> DictConfig:
    """Returns the configuration of the job: the file that COPROVER_CONFIG names, or the base files.

    train_step_grpo.sh saves the resolved configuration and passes its path through Ray.
    """
    path = os.environ.get("COPROVER_CONFIG")
    return config.load([path] if path else [])


def engine_url(args) -> str:
    """Returns the URL of the router in front of SLIME's SGLang engines."""
    return f"http://{args.sglang_router_ip}:{args.sglang_router_port}"


@cache
def tokenizer(path: str):
    """Returns the checkpoint's tokenizer, loaded once a process."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path)


_CLIENTS: dict[tuple, tuple] = {}  # (loop, key) -> the client, and what closes it with the loop


def per_loop(key: str, make):
    """Returns `make()`, once per key and running event loop: HTTP sessions belong to a loop.

    `close()` of the client is awaited when the loop ends. SLIME's loop runs in a daemon thread for
    the whole life of its process: there the clients are closed at exit.
    """
    loop = asyncio.get_running_loop()
    if (loop, key) not in _CLIENTS:
        client = make()
        keeper = _keep((loop, key), client)
        with contextlib.suppress(StopIteration):
            # enters the generator: the loop now knows it, and asyncio.run ends it as its last act
            keeper.__anext__().send(None)
        _CLIENTS[loop, key] = client, keeper
    return _CLIENTS[loop, key][0]


async def _keep(place: tuple, client):
    try:
        yield
    finally:
        _CLIENTS.pop(place, None)
        await client.close()


@atexit.register
def _close_all() -> None:
    """Closes the clients of loops that other threads still run."""
    for (loop, _), (_, keeper) in list(_CLIENTS.items()):
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(keeper.aclose(), loop).result(timeout=5)


def bar_from_loss(sample) -> None:
    """Marks a sample as not to be trained on: zero loss mask, outside its group's mean."""
    sample.remove_sample = True
    sample.loss_mask = [0] * sample.response_length


def post_process_rewards(args, samples: list) -> tuple[list[float], list[float]]:
    """Returns raw rewards and group-normalised ones (zero for unscored samples), in sample order.

    (r − mean) / (std + 1e-6) over the scored samples of a group, std with n − 1, as SLIME does;
    groups are told apart by `group_index`. A group with fewer than two scored samples gets zeros.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    raw = [0.0] * len(samples)
    key = getattr(args, "reward_key", None)
    for i, sample in enumerate(samples):
        if sample.remove_sample:
            continue
        if sample.reward is None:
            raise ValueError(f"sample {sample.index} has no reward and is not marked unscored")
        raw[i] = float(sample.reward[key] if key else sample.reward)
        groups[sample.group_index].append(i)
    advantages = [0.0] * len(samples)
    for members in groups.values():
        rewards = [raw[i] for i in members]
        for i, advantage in zip(members, normalise(rewards), strict=True):
            advantages[i] = advantage
    return raw, advantages


def normalise(rewards: list[float]) -> list[float]:
    """Returns (r − mean) / (std + 1e-6), std with n − 1; zeros for fewer than two rewards."""
    n = len(rewards)
    if n < 2:
        return [0.0] * n
    mean = math.fsum(rewards) / n
    std = math.sqrt(math.fsum((r - mean) ** 2 for r in rewards) / (n - 1))
    return [(r - mean) / (std + STD_EPSILON) for r in rewards]
