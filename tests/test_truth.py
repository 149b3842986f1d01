"""The truth oracle finds counterexamples and knows what it cannot read."""

import pytest

from benchmarks.truth import Uncovered, counterexample


@pytest.mark.parametrize("statement", [
    "theorem t (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by",
    "theorem t (P Q R : Prop) (hPQ : P → Q) (hQR : Q → R) : P → R :=",
    "theorem t {p : Prop} : ¬¬p ↔ p := by",
    "theorem t (P Q : Prop) (h : (P → Q) → P) : P := by",
    "theorem t (a b : Nat) : a + b = b + a := by",
    "theorem t (a b c : Nat) (h : a < b) (k : b ≤ c) : a ≤ c ∧ a ≠ c :=",
    "theorem t (a b : Nat) : a - b ≤ a := by",
    "theorem t (P Q R : Prop) : (P → Q → R) ↔ (P ∧ Q → R) := by",
    "theorem t (α : Type) (p : α → Prop) (a : α) (h : ∀ x, p x) : ∃ x, p x := by",
    "theorem t (P Q : Nat → Prop) (a : Nat) (h : ∀ (x : Nat), P x → Q x) (k : P a) : Q a := by",
    "theorem t {α : Type} (f : α → α) (a b : α) (h : a = b) : f a = f b := by",
    "theorem t (α : Type) (p : α → Prop) : ¬(∃ x, p x) ↔ ∀ x, ¬p x := by",
])
def test_true_statements_have_none(statement):
    assert counterexample(statement) is None


@pytest.mark.parametrize(("statement", "values"), [
    ("theorem t (P Q : Prop) (h : P ∨ Q) : P := by", {"P": False, "Q": True}),
    ("theorem t (P Q : Prop) (h : P → Q) : Q → P := by", {"P": False, "Q": True}),
    ("theorem t (a b : Nat) : a - b + b = a := by", {"a": 0, "b": 1}),
    ("theorem t (p : Prop) : ¬p ∧ p → False ↔ False := by", {"p": False}),
    ("theorem t : 2 * 3 = 5 := by", {}),
    ("theorem t (α : Type) (p : α → Prop) (a : α) (h : ∃ x, p x) : p a := by",
     {"p": {(0,): False, (1,): True}, "a": 0}),
    ("theorem t (R : Nat → Nat → Prop) (a b : Nat) (h : R a b) : R b a := by",
     {"R": {(0, 0): False, (0, 1): False, (1, 0): True, (1, 1): False}, "a": 1, "b": 0}),
    ("theorem t (α : Type) (f : α → α) (a b : α) (h : f a = f b) : a = b := by",
     {"f": {(0,): 0, (1,): 0}, "a": 0, "b": 1}),
])
def test_false_statements_have_one(statement, values):
    assert counterexample(statement) == values


@pytest.mark.parametrize("statement", [
    "theorem t (P : Nat → Prop) (h : P 0) : P 0 := by", "theorem t : ∀ n : Nat, n = n := by",
    "theorem t (f : Nat → Nat) (a b : Nat) (h : f a = f b) : a = b := by",
    "theorem t (P : List Nat → Prop) : P = P := by", "theorem t : ∀ p : Prop, p → p := by",
    "theorem t (xs : List Nat) : xs = xs := by", "theorem t [Inhabited α] : True := by",
    "theorem t (a b c d e f g h : Nat) : a = a := by",
])
def test_the_rest_is_uncovered(statement):
    with pytest.raises(Uncovered):
        counterexample(statement)
