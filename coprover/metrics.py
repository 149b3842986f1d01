"""Numbers we publish: unbiased pass@k, intervals by bootstrap over theorems, calibration.

pass@k is the estimator of Chen et al. 2021 (arXiv 2107.03374, eq. 1). Intervals resample theorems,
because samples of one theorem are not independent; comparisons are paired by theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean with a 95 % bootstrap interval; `n` theorems."""

    mean: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict:
        """Returns a JSON-ready mapping."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n}


def pass_at_k(n: int, c: int, k: int) -> float:
    """Returns the chance that at least one of k samples is right, from c right ones of n.

    1 − C(n−c, k) / C(n, k), computed as a product. Raises ValueError unless 0 ≤ c ≤ n and
    1 ≤ k ≤ n: extrapolating beyond the samples drawn would be biased.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} needs 0 ≤ c ≤ n and 1 ≤ k ≤ n, got n={n}, c={c}")
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def pass_at_k_table(counts: Sequence[tuple[int, int]], ks: Sequence[int]) -> dict[int, Estimate]:
    """Returns pass@k with its interval for every k that all theorems allow; counts are (n, c)."""
    table = {}
    for k in ks:
        if counts and all(n >= k for n, _ in counts):
            table[k] = bootstrap_mean([pass_at_k(n, c, k) for n, c in counts])
    return table


def bootstrap_mean(values: Sequence[float], draws: int = 10_000, seed: int = 0) -> Estimate:
    """Returns the mean of per-theorem values with its 95 % percentile interval."""
    data = np.asarray(values, dtype=float)
    if data.size == 0:
        raise ValueError("no values to average")
    means = _resampled_means(data, draws, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(data.mean()), float(low), float(high), int(data.size))


def paired_difference(
    after: Sequence[float], before: Sequence[float], draws: int = 10_000, seed: int = 0
) -> Estimate:
    """Returns mean(after − before) over the same theorems in the same order, with its interval."""
    if len(after) != len(before):
        raise ValueError(f"paired values differ in number: {len(after)} and {len(before)}")
    return bootstrap_mean(np.asarray(after, float) - np.asarray(before, float), draws, seed)


def paired_ratio(
    above: Sequence[float], below: Sequence[float], draws: int = 10_000, seed: int = 0
) -> Estimate:
    """Returns Σ above / Σ below over the same theorems, with its interval (theorems resampled)."""
    if len(above) != len(below) or not len(above):
        raise ValueError("a paired ratio needs two lists of the same, non-zero length")
    a, b = np.asarray(above, float), np.asarray(below, float)
    ratios = _resampled_means(np.stack([a, b], axis=1), draws, seed)
    low, high = np.percentile(ratios[:, 0] / ratios[:, 1], [2.5, 97.5])
    return Estimate(float(a.sum() / b.sum()), float(low), float(high), len(a))


def expected_calibration_error(
    predicted: Sequence[float], target: Sequence[float], bins: int = 10
) -> float:
    """Returns Σ_b (n_b / n) · |mean predicted − mean target| over equal-width bins of [0, 1]."""
    p, t = np.asarray(predicted, float), np.asarray(target, float)
    if p.size == 0 or p.shape != t.shape:
        raise ValueError("calibration needs as many targets as predictions, at least one")
    index = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[index == b].mean() - t[index == b].mean()) * (index == b).mean()
            for b in range(bins) if (index == b).any()]  # fmt: skip
    return float(sum(gaps))


def _resampled_means(data: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """(N,) or (N, C) → (draws,) or (draws, C): means of bootstrap samples, in bounded memory."""
    rng = np.random.default_rng(seed)
    means = [
        data[rng.integers(0, len(data), size=(min(500, draws - start), len(data)))].mean(axis=1)
        for start in range(0, draws, 500)
    ]
    return np.concatenate(means)
