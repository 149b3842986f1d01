"""pass@k and intervals against hand-worked and enumerated values."""

from itertools import combinations

import numpy as np
import pytest

from coprover import metrics


@pytest.mark.parametrize(("n", "c", "k", "expected"), [
    (4, 0, 1, 0.0), (4, 4, 3, 1.0), (4, 1, 1, 0.25), (4, 1, 2, 0.5), (4, 2, 2, 5 / 6),
    (8, 1, 8, 1.0), (10, 3, 8, 1.0),
])  # fmt: skip
def test_pass_at_k_by_hand(n, c, k, expected):
    assert metrics.pass_at_k(n, c, k) == pytest.approx(expected)


def test_pass_at_k_equals_enumeration():
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                subsets = list(combinations(range(n), k))
                share = sum(any(i < c for i in s) for s in subsets) / len(subsets)
                assert metrics.pass_at_k(n, c, k) == pytest.approx(share)


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 1, 5), (4, 1, 0)])
def test_pass_at_k_refuses_what_has_no_unbiased_estimate(n, c, k):
    with pytest.raises(ValueError):
        metrics.pass_at_k(n, c, k)


def test_table_leaves_out_k_beyond_the_samples():
    table = metrics.pass_at_k_table([(4, 1), (8, 2)], [1, 4, 8])
    assert list(table) == [1, 4]
    assert table[1].mean == pytest.approx(0.25)


def test_bootstrap_interval_covers_about_95_percent():
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        e = metrics.bootstrap_mean(rng.binomial(1, 0.3, 150), draws=600, seed=trial)
        hits += e.low <= 0.3 <= e.high
    assert 0.88 <= hits / 200 <= 0.99


def test_paired_difference_and_ratio():
    same = metrics.paired_difference([1, 0, 1], [1, 0, 1])
    assert (same.mean, same.low, same.high, same.n) == (0, 0, 0, 3)
    ratio = metrics.paired_ratio([1, 2, 3], [2, 4, 6])
    assert (ratio.mean, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))
    with pytest.raises(ValueError):
        metrics.paired_difference([1], [1, 2])


def test_expected_calibration_error_by_hand():
    # bin [.0,.1): predicted .05 vs 0; bin [.9,1]: predicted 1, targets 1 and 0
    ece = metrics.expected_calibration_error([0.05, 1.0, 1.0, 0.95], [0.0, 1.0, 0.0, 0.95])
    assert ece == pytest.approx(0.25 * 0.05 + 0.75 * abs((2.95 / 3) - (1.95 / 3)))
