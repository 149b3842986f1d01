"""True distances of printed `sums` states (benchmarks/value_truth.py)."""

import pytest

pytest.importorskip("scipy")
from benchmarks import value_truth as vt  # noqa: E402

HEAD = "P : Nat → Prop\nf : Nat → Nat\na b c : Nat\n"


@pytest.mark.parametrize("rest, d", [
    ("h : P (a + b)\n⊢ P (a + b)", 1),
    ("h : P (b + a)\n⊢ P (a + b)", 2),
    ("h : P (a + (b + c))\n⊢ P (a + b + c)", 2),
    ("h : P (a + (c + b))\n⊢ P (a + b + c)", 3),
    ("hf : ∀ (x : Nat), P x → P (f x)\nh : P (b + a)\n⊢ P (f (a + b))", 3),
    ("h : P a\n⊢ P b", None),
])
def test_true_distance(rest, d):
    assert vt.true_distance(HEAD + rest) == d


@pytest.mark.parametrize("rest", ["h : P a ∧ P b\n⊢ P a", "⊢ ∃ x, P x", "⊢ P (a"])
def test_what_it_cannot_read_is_said(rest):
    with pytest.raises(vt.Unread):
        vt.true_distance(HEAD + rest)
