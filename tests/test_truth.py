"""The truth oracle finds counterexamples and knows what it cannot read."""

import pytest

from benchmarks.truth import Uncovered, counterexample


@pytest.mark.parametrize("statement", [
    "theorem t (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by",
    "theorem t (P Q R : Prop) (hPQ : P → Q) (hQR : Q → R) : P → R :=",
    "theorem t {p : Prop} : ¬¬p ↔ p := by",
    "theorem t (a b : Nat) : a + b = b + a := by",
    "theorem t (a b c : Nat) (h : a < b) (k : b ≤ c) : a ≤ c ∧ a ≠ c :=",
    "theorem t (a b : Nat) : a - b ≤ a := by",
    "theorem t (P Q R : Prop) : (P → Q → R) ↔ (P ∧ Q → R) := by",
])
def test_true_statements_have_none(statement):
    assert counterexample(statement) is None


@pytest.mark.parametrize(("statement", "values"), [
    ("theorem t (P Q : Prop) (h : P ∨ Q) : P := by", {"P": False, "Q": True}),
    ("theorem t (P Q : Prop) (h : P → Q) : Q → P := by", {"P": False, "Q": True}),
    ("theorem t (a b : Nat) : a - b + b = a := by", {"a": 0, "b": 1}),
    ("theorem t (p : Prop) : ¬p ∧ p → False ↔ False := by", {"p": False}),
    ("theorem t : 2 * 3 = 5 := by", {}),
])
def test_false_statements_have_one(statement, values):
    assert counterexample(statement) == values


@pytest.mark.parametrize("statement", [
    "theorem t (P : Nat → Prop) (h : P 0) : P 0 := by", "theorem t : ∀ n : Nat, n = n := by",
    "theorem t (xs : List Nat) : xs = xs := by", "theorem t [Inhabited α] : True := by",
    "theorem t (a b c d e f g : Nat) : a = a := by",
])
def test_the_rest_is_uncovered(statement):
    with pytest.raises(Uncovered):
        counterexample(statement)
