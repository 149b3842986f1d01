"""Search rules: which open state the best-first loop expands next (the highest priority).

With l = sum of log p over the path, L = its number of tactics, V = value of the state in [0, 1]:

  logprob   l / L^a                              BFS-Prover, arXiv:2502.03438 (a = 0, 1/2, 1)
  value     V
  mix       alpha * l / L^a + (1 - alpha) * V    README's formula (a = 0: raw log-probability)
  logmix    alpha * l / L^a + (1 - alpha) * log V        both terms in nats
  phs       -[log(L + w*h) - (1 + w*h / L) * l]  PHS, arXiv:2103.11505, h = log V / log gamma
  random    uniform, fixed by (seed, state)
  oracle    the true V where d is known: gamma^d over every proof known to the run; a bound

A rule is written ``name`` or ``name:key=number,...`` (keys a, alpha, w), e.g. ``logprob:a=1``.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from coprover.config import ConfigError

NAMES = ("logprob", "value", "mix", "logmix", "phs", "random", "oracle")
USES_VALUE = frozenset({"value", "mix", "logmix", "phs"})
V_FLOOR = 1e-6


@dataclass(frozen=True)
class Rule:
    """One way to order open states. ``label`` names it in results."""

    name: str
    a: float = 1.0
    alpha: float = 0.5
    w: float = 1.0
    gamma: float = 0.95
    label: str = ""

    @property
    def needs_value(self) -> bool:
        """Whether new states must be scored by the value model."""
        return self.name in USES_VALUE

    def priority(self) -> Callable[[float, int, float, str, int], float]:
        """f(l, L, V, state key, seed) -> priority; the highest is expanded first."""
        return globals()[f"_{self.name}"](self)


def parse(spec: str, *, a: float = 1.0, alpha: float = 0.5, w: float = 1.0,
          gamma: float = 0.95) -> Rule:
    """The rule written as ``spec``; keyword arguments are the defaults of its parameters.

    Raises ConfigError for an unknown name, key or value.
    """
    name, _, rest = spec.strip().partition(":")
    if name not in NAMES:
        raise ConfigError(f"unknown search rule {name!r}; choose one of {', '.join(NAMES)}")
    values = {"a": a, "alpha": alpha, "w": w}
    for item in filter(None, (part.strip() for part in rest.split(","))):
        key, _, number = item.partition("=")
        if key not in values:
            raise ConfigError(f"search rule {spec!r}: unknown key {key!r}; known: a, alpha, w")
        try:
            values[key] = float(number)
        except ValueError:
            raise ConfigError(f"search rule {spec!r}: {key} wants a number") from None
    if not 0.0 <= values["alpha"] <= 1.0:
        raise ConfigError(f"search rule {spec!r}: alpha must lie in [0, 1]")
    return Rule(name, gamma=gamma, label=spec.strip(), **values)


def _per_length(a: float) -> Callable[[float, int], float]:
    if a == 0:
        return lambda logp, length: logp
    if a == 1:
        return lambda logp, length: logp / length if length else 0.0
    return lambda logp, length: logp / length**a if length else 0.0


def _logprob(rule: Rule):
    norm = _per_length(rule.a)
    return lambda logp, length, value, key, seed: norm(logp, length)


def _value(rule: Rule):
    return lambda logp, length, value, key, seed: value


def _mix(rule: Rule):
    norm, alpha = _per_length(rule.a), rule.alpha
    return lambda logp, length, value, key, seed: (
        alpha * norm(logp, length) + (1 - alpha) * value)


def _logmix(rule: Rule):
    norm, alpha = _per_length(rule.a), rule.alpha
    return lambda logp, length, value, key, seed: (
        alpha * norm(logp, length) + (1 - alpha) * math.log(max(value, V_FLOOR)))


def _phs(rule: Rule):
    scale = rule.w / math.log(rule.gamma)

    def priority(logp: float, length: int, value: float, key: str, seed: int) -> float:
        left = scale * math.log(max(value, V_FLOOR))
        steps = max(length, 1)
        return (1 + left / steps) * logp - math.log(steps + left)

    return priority


def _random(rule: Rule):
    return lambda logp, length, value, key, seed: float(zlib.crc32(f"{seed} {key}".encode()))


_oracle = _value
