"""The REPL's protocol: recorded exchanges of the real one, and what is said after a decline."""

import os
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.minilean_coverage import exchanges
from minilean.front import repl
from minilean.front.session import Session


@pytest.fixture
def ask():
    session = Session()
    return lambda **request: repl.answer(session, request)


def test_no_recorded_exchange_is_silently_answered_otherwise():
    data = os.environ.get("COPROVER_DATA")
    if not data:
        pytest.skip("COPROVER_DATA is not set")
    fates = list(exchanges(Path(data) / "repl_protocol"))
    counts = Counter(fate for _, fate, _ in fates)
    assert [name for name, fate, _ in fates if fate == "different"] == []
    assert counts["equal"] >= 68
    assert all(got.get("declined") for _, fate, got in fates if fate == "declined")


def test_answers_that_a_decline_may_have_changed_say_so(ask):
    assert "declined" in ask(cmd="#eval 1")
    assert ask(cmd="theorem t : 1 = 1 := rfl", env=0)["afterDeclined"] == "command eval"
    fresh = ask(cmd="theorem t : 1 = 1 := by sorry")
    assert fresh["afterDeclined"] == "command eval" and fresh["sorries"]
    assert "afterDeclined" not in ask(cmd="theorem t : 1 = 1 := rfl")
    assert ask(tactic="rfl", proofState=fresh["sorries"][0]["proofState"])["afterDeclined"]


def test_before_a_decline_nothing_is_marked(ask):
    state = ask(cmd="example : 1 = 1 := by sorry")["sorries"][0]["proofState"]
    done = ask(tactic="rfl", proofState=state)
    assert done["proofStatus"] == "Completed" and "afterDeclined" not in done


def test_an_infotree_is_declined_not_left_out(ask):
    assert "infotree" in ask(cmd="theorem t : 1 = 1 := rfl", infotree="full")["declined"]


@pytest.mark.parametrize("request_", [[], 3, None, "cmd"])
def test_what_is_no_object_is_refused(request_):
    assert "object" in repl.answer(Session(), request_)["message"]


def test_open_goals_of_braces_are_reported_at_the_closing_one(ask):
    out = ask(cmd="example (p : Prop) : p → p ∧ p := by\n  intro h\n  { constructor }")
    assert out["messages"][0]["pos"] == {"line": 3, "column": 16}
    assert out["messages"][0]["endPos"] == {"line": 3, "column": 17}


@pytest.mark.parametrize("text, end", [
    ("theorem t : 1 = 1 := rfl\n)", {"line": 2, "column": 1}),
    ("theorem t : 1 = 1 :=", None),
])
def test_a_parse_error_ends_where_the_unexpected_token_ends(ask, text, end):
    assert ask(cmd=text)["messages"][0]["endPos"] == end


def test_a_theorem_inside_its_own_proof_is_declined(ask):
    state = ask(cmd="theorem ex : False := by sorry")["sorries"][0]["proofState"]
    assert "own proof" in ask(tactic="exact ex", proofState=state)["declined"]
    assert "ex2" in ask(tactic="exact ex2", proofState=state)["messages"][0]["data"]


def test_a_goal_named_in_a_term_is_declined(ask):
    state = ask(cmd="example (p q : Prop) (hp : p) : p ∧ p := by sorry")["sorries"][0]["proofState"]
    assert "declined" in ask(tactic="refine ⟨?a, ?a⟩", proofState=state)
    split = ask(tactic="refine ⟨?a, ?b⟩", proofState=state)
    assert "declined" in ask(tactic="exact ?b", proofState=split["proofState"])


def test_calc_steps_are_listed_by_themselves(ask):
    out = ask(cmd="example : 3 = 3 := by calc\n  3 = 3 := by rfl", allTactics=True)
    assert [t["tactic"] for t in out["tactics"]] == [
        "calc\n  3 = 3 := by rfl", "\n  3 = 3 := by rfl", "rfl"]
    assert out["tactics"][1]["goals"] == "no goals"


def test_tactics_that_arrange_others_are_not_listed(ask):
    """REPL/Lean/InfoTree `isSubstantive`; goals are joined as ContextInfo.ppGoals does it."""
    text = "example (P Q : Prop) (p : P) (q : Q) : P ∧ Q ∧ P := by\n  constructor\n  · exact p\n"
    out = ask(cmd=text + "  (constructor <;> skip)\n  { exact q }\n  exact p", allTactics=True)
    assert "messages" not in out
    assert [t["tactic"] for t in out["tactics"]] == [
        "constructor", "exact p", "constructor", "skip", "skip", "{ exact q }", "exact q",
        "exact p"]
    hypotheses = "P Q : Prop\np : P\nq : Q"
    assert out["tactics"][5]["goals"] == (
        f"case right.left\n{hypotheses}\n⊢ Q\ncase right.right\n{hypotheses}\n⊢ P")


def test_an_unnamed_instance_stays_unnamed_in_goals(ask):
    state = ask(cmd="theorem t (α : Type) [Inhabited α] : True := by sorry")["sorries"][0]
    assert state["goal"] == "α : Type\ninst✝ : Inhabited α\n⊢ True"
