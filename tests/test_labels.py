"""Canonical keys and labels (coprover/labels.py)."""

import random

import pytest

from coprover.labels import (
    QED_KEY,
    canonical_key,
    chain_labels,
    distance_of,
    label,
    parse_goal,
    units,
    value_text,
)

GOAL = "case inl\nP Q : Prop\nn : Nat\nh : P ∧ Q\nhn : ∀ m, m = n →\n    P\n⊢ Q ∧ n = n"


def same(a: str, b: str) -> bool:
    return canonical_key((a,)) == canonical_key((b,))


def test_readme_example():
    assert [round(x, 2) for x in chain_labels(4)] == [0.81, 0.86, 0.90, 0.95]
    assert label(1) == 0.95 and label(0) == 1.0 and label(None) == 0.0
    assert round(label(5), 2) == 0.77
    assert distance_of(label(7)) == pytest.approx(7)
    with pytest.raises(ValueError):
        label(-1)


def test_parse_goal():
    hyps, target = parse_goal(GOAL)
    assert [name for name, _ in hyps] == ["P", "Q", "n", "h", "hn"]
    assert hyps[0][1] == "Prop" and hyps[4][1].split() == ["∀", "m,", "m", "=", "n", "→", "P"]
    assert target == "⊢ Q ∧ n = n"


def test_case_tags_and_line_breaks_do_not_matter():
    assert same(GOAL, GOAL.replace("case inl\n", ""))
    assert same(GOAL, GOAL.replace("case inl", "case a.inr"))
    assert same(GOAL, GOAL.replace("→\n    P", "→ P"))


def test_renaming_and_order_do_not_matter():
    other = "b a : Prop\nk : Nat\nhyp : a ∧ b\nu : ∀ m, m = k → a\n⊢ b ∧ k = k"
    assert same(GOAL, other)
    rng = random.Random(0)
    lines = ["A : Prop", "B : Prop", "C : Prop", "f : A → B", "g : B → C", "a : A", "a' : A"]
    for _ in range(20):
        names = dict(zip("ABC", rng.sample(["X", "Y", "Z", "A", "B"], 3), strict=True))
        text = "\n".join(rng.sample(lines, len(lines))) + "\n⊢ C"
        assert same("\n".join(lines) + "\n⊢ C", "".join(names.get(c, c) for c in text))


@pytest.mark.parametrize("other", [
    GOAL.replace("⊢ Q", "⊢ P"),
    GOAL.replace("h : P ∧ Q", "h : Q ∧ P"),
    GOAL.replace("n : Nat\n", "n : Nat\nk : Nat\n"),
    GOAL.replace("hn :", "hn✝ :"),
    GOAL.replace("n = n", "n = m"),
])
def test_different_states_have_different_keys(other):
    assert not same(GOAL, other)


def test_strings_and_fields():
    assert not same('s : String\n⊢ s = "a b"', 's : String\n⊢ s = "a  b"')
    assert not same('s : String\n⊢ s = "s"', 't : String\n⊢ t = "t"')
    assert same("a b : Nat\n⊢ a.succ = b", "x y : Nat\n⊢ x.succ = y")
    assert not same("a b : Nat\n⊢ a.succ = b", "a b : Nat\n⊢ b.succ = b")
    assert same("«a b» : Nat\n⊢ «a b» = 0", "c : Nat\n⊢ c = 0")


def test_let_values_belong_to_the_hypothesis():
    assert not same("x : Nat := 5\n⊢ x = 5", "x : Nat := 6\n⊢ x = 5")


def test_symmetric_hypotheses_get_one_key():
    one = "P : Prop\nh1 h2 h3 : P\n⊢ P"
    two = "P : Prop\nh3 : P\nh1 h2 : P\n⊢ P"
    assert same(one, two)


def test_metavariables_are_numbered_over_all_goals():
    assert canonical_key(("⊢ f ?m.12 = 1", "⊢ Nat")) == canonical_key(("⊢ f ?m.7 = 1", "⊢ Nat"))
    assert canonical_key(("⊢ ?m.1 = ?m.2",)) != canonical_key(("⊢ ?m.1 = ?m.1",))
    assert canonical_key(("⊢ ?a = 1", "⊢ ?b = 2")) != canonical_key(("⊢ ?a = 1", "⊢ ?a = 2"))


def test_goal_order_matters_and_qed_is_empty():
    assert canonical_key(("⊢ 1", "⊢ 2")) != canonical_key(("⊢ 2", "⊢ 1"))
    assert canonical_key(()) == QED_KEY


def test_units_follow_shared_metavariables():
    assert units(("⊢ ?a = 1", "⊢ P", "⊢ Q ?a")) == (("⊢ ?a = 1", "⊢ Q ?a"), ("⊢ P",))
    assert units(("⊢ P", "⊢ Q")) == (("⊢ P",), ("⊢ Q",))
    assert units(("case ?x\n⊢ P ?u ?v", "⊢ ?u = ?w", "⊢ ?v", "⊢ ?w")) == (
        ("case ?x\n⊢ P ?u ?v", "⊢ ?u = ?w", "⊢ ?v", "⊢ ?w"),)


def test_value_text_drops_case_tags():
    assert value_text(("case a\nP : Prop\n⊢ P", "⊢ Q")) == "P : Prop\n⊢ P\n\n⊢ Q"
