"""The printer: goals and terms as Lean prints them."""

import pytest

from minilean.front.session import Session


@pytest.fixture(scope="module")
def session():
    return Session()


def goal(session, binders, target, tactic=None):
    """The goal print-out of a theorem, or the goals after a tactic."""
    answer = session.command(f"theorem x {binders} : {target} := by sorry")
    state = answer["sorries"][0]
    if tactic is None:
        return state["goal"]
    return session.tactic(state["proofState"], tactic)["goals"]


def target(session, binders, text):
    return goal(session, binders, text).rpartition("⊢ ")[2]


def test_hypotheses_of_equal_type_share_a_line(session):
    assert goal(session, "(P Q : Prop) (h : P) (g : P) (k : Q)", "P ∨ Q") == (
        "P Q : Prop\nh g : P\nk : Q\n⊢ P ∨ Q")


@pytest.mark.parametrize("text", [
    "P ∧ Q ∨ R", "P → Q → R", "(P → Q) → R", "¬P ∧ Q", "¬(P ∧ Q)", "P ↔ Q ∧ R", "(P ↔ Q) ↔ R",
    "a + b * c = c", "(a + b) * c = c", "a - (b - c) = a", "a ^ b ^ c = 1", "(a ^ b) ^ c = 1",
    "a ≠ b", "a ≤ b", "a < b + 1", "¬a = b", "xs ++ ys = ys ++ xs", "a :: xs = [a, b]",
    "∀ (x : Nat), x = x", "∀ (x y : Nat), x = y", "∃ x, x = a", "∃ x y, x + y = a",
    "(∃ x, x = a) ∧ P", "P ∧ ∃ x, x = a", "(∀ (x : Nat), x = a) → P", "¬∃ x, x = a",
    "(fun x => x + 1) = f", "f = fun x => x", "xs.length = 0", "a.succ = b.succ",
    "List.map f xs = xs", "List.map (fun x => x) xs = xs", "(a, b).fst = a", "p = (a, b)",
    "(if a = b then 1 else 2) = c", "o = some a", "o = none", "t = true", "(!t) = true",
    "(t && s) = s", "(t || s) = s", "f ∘ f = f", "a ∣ b", "a % 2 = 0", "a / 2 = 0", "a ∈ xs",
    "a ∉ xs", "g a b = g b a", "P ∧ Q ∧ R", "(P ∧ Q) ∧ R", "a > b", "a ≥ b", "Nat.succ 0 = 1",
    "P → ∀ {x : Nat}, x = a", "xs = ys → List.map f xs = ys",
])
def test_terms_print_as_written(session, text):
    binders = ("(P Q R : Prop) (a b c : Nat) (xs ys : List Nat) (f : Nat → Nat) (o : Option Nat) "
               "(t s : Bool) (p : Nat × Nat) (g : Nat → Nat → Nat)")
    assert target(session, binders, text) == text


@pytest.mark.parametrize(("written", "printed"), [
    ("∀ x, x + 0 = x", "∀ (x : Nat), x + 0 = x"), ("∃ x : Nat, x = 1", "∃ x, x = 1"),
    ("Nat.succ a = 1", "a.succ = 1"), ("(P) → (Q)", "P → Q"), ("List.length xs = 0",
     "xs.length = 0"),
    ("∀ x : Nat, P", "Nat → P"), ("¬ (a = b) ∨ P", "¬a = b ∨ P"), ("Not (a = b)", "¬a = b"),
    ("Eq a b", "a = b"), ("List.cons a [] = xs", "[a] = xs"), ("Nat.add a b = a", "a.add b = a"),
    ("(fun x : Nat => x) a = a", "(fun x => x) a = a"), ("∀ n > 0, n = a",
     "∀ (n : Nat), n > 0 → n = a"),
])
def test_terms_print_normalized(session, written, printed):
    assert target(session, "(P Q : Prop) (a b : Nat) (xs : List Nat)", written) == printed


def test_case_tags_and_inaccessible_names(session):
    assert goal(session, "(P Q : Prop) (h : P ∨ Q)", "Q ∨ P", "cases h") == [
        "case inl\nP Q : Prop\nh✝ : P\n⊢ Q ∨ P", "case inr\nP Q : Prop\nh✝ : Q\n⊢ Q ∨ P"]
    assert goal(session, "(P Q : Prop)", "P → P → Q", "intros") == [
        "P Q : Prop\na✝¹ a✝ : P\n⊢ Q"]
    assert goal(session, "(n : Nat)", "n + 0 = n", "induction n") == [
        "case zero\n⊢ 0 + 0 = 0",
        "case succ\nn✝ : Nat\na✝ : n✝ + 0 = n✝\n⊢ n✝ + 1 + 0 = n✝ + 1"]


def test_shadowed_names(session):
    assert goal(session, "(P Q : Prop) (h : P)", "Q → P", "intro h") == [
        "P Q : Prop\nh✝ : P\nh : Q\n⊢ P"]


def test_let_hypothesis(session):
    assert goal(session, "(n : Nat)", "n = n", "let m := n + 1") == [
        "n : Nat\nm : Nat := n + 1\n⊢ n = n"]
