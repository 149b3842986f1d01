"""Sessions speak the Lean REPL's JSON; states are immutable and only the kernel completes a proof.

Run: `python -m pytest tests/minilean/test_session.py`.
"""
import io
import json
import os
import pickle

import pytest

from minilean.front import library, repl
from minilean.front.library import in_big_stack
from minilean.front.session import Session


@pytest.fixture
def session():
    return Session()


def run(fn, *args, **kwargs):
    return in_big_stack(lambda: fn(*args, **kwargs))


def test_sorry_gives_a_proof_state(session):
    out = run(session.command, "theorem foo (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by sorry")
    assert out["sorries"] == [{"pos": {"line": 1, "column": 51},
                               "endPos": {"line": 1, "column": 56},
                               "goal": "P Q : Prop\nh : P ∧ Q\n⊢ Q ∧ P", "proofState": 0}]
    assert out["messages"] == [{"severity": "warning", "pos": {"line": 1, "column": 8},
                                "endPos": {"line": 1, "column": 11},
                                "data": "declaration uses 'sorry'"}]
    assert out["env"] == 0


def test_steps_branch_from_one_state(session):
    run(session.command, "theorem foo (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by sorry")
    a = run(session.tactic, 0, "constructor")
    assert a["goals"] == ["case left\nP Q : Prop\nh : P ∧ Q\n⊢ Q",
                          "case right\nP Q : Prop\nh : P ∧ Q\n⊢ P"]
    assert a["proofStatus"] == "Incomplete: open goals remain"
    b = run(session.tactic, a["proofState"], "exact h.right")
    c = run(session.tactic, b["proofState"], "exact h.left")
    assert c["goals"] == [] and c["proofStatus"] == "Completed"
    again = run(session.tactic, 0, "exact ⟨h.2, h.1⟩")
    assert again["proofStatus"] == "Completed"
    wrong = run(session.tactic, b["proofState"], "exact h.right")
    assert "Type mismatch" in wrong["messages"][0]["data"]
    assert wrong["proofStatus"] != "Completed"


MATCHES = {"0 => 10": 20, "1 => 10": 10, "0 => 10 | 1 => 30": 30}  # of 1, with `_ => 20` behind


@pytest.mark.parametrize("alts", MATCHES)
@pytest.mark.parametrize("before", MATCHES)
def test_a_verdict_does_not_depend_on_what_was_checked_before(session, before, alts):
    """The matchers of an example are called alike in every example and after every tactic."""
    def statement(alts):
        return f"(match 1 with | {alts} | _ => 20) = {MATCHES[alts]}"
    text = "\n".join(f"example : {statement(x)} := by decide" for x in (before, alts, before))
    assert "messages" not in run(session.command, text)
    state = run(session.command, "example : True := by sorry")["sorries"][0]["proofState"]
    for x in (before, alts):
        out = run(session.tactic, state, f"have h : {statement(x)} := by decide")
        assert "goals" in out, out


def test_errors_have_positions_and_the_rest_runs(session):
    out = run(session.command, "theorem a : 1 = 2 := by\n  exact rfl\ntheorem b : True := trivial")
    assert [m["severity"] for m in out["messages"]] == ["error"]
    assert out["messages"][0]["pos"] == {"line": 2, "column": 8}
    again = run(session.command, "#check b", env=out["env"])
    assert again["messages"][0]["data"] == "b : True"


def test_axioms_are_printed_as_lean_prints_them(session):
    out = run(session.command, "theorem a : 1 = 1 := rfl\n#print axioms a\naxiom foo : False\n"
              "theorem b : 1 = 2 := foo.elim\n#print axioms b\n"
              "theorem c (p q : Prop) (h : p ↔ q) : p = q := propext h\n#print axioms c")
    assert [m["data"] for m in out["messages"]] == [
        "'a' does not depend on any axioms", "'b' depends on axioms: [foo]",
        "'c' depends on axioms: [propext]"]


def test_all_tactics(session):
    out = run(session.command, "example (P : Prop) (hp : P) : P := by\n  exact hp\n",
              all_tactics=True)
    step = out["tactics"][0]
    assert (step["tactic"], step["goals"]) == ("exact hp", "P : Prop\nhp : P\n⊢ P")
    assert step["pos"] == {"line": 2, "column": 2}
    assert run(session.tactic, step["proofState"], "assumption")["proofStatus"] == "Completed"


def test_unknown_numbers(session):
    assert run(session.command, "#check 1", env=7) == {"message": "Unknown environment."}
    assert run(session.tactic, 3, "rfl") == {"message": "Unknown proof state."}


def test_after_a_decline_unknown_numbers_say_so(session):
    assert "declined" in run(session.command, "set_option trace.Meta.Tactic.simp true")
    answer = run(session.tactic, 3, "rfl")
    assert answer["afterDeclined"] == "option trace.Meta.Tactic.simp"
    session.clear()
    assert run(session.tactic, 3, "rfl") == {"message": "Unknown proof state."}


def test_time_limit_is_a_message_not_a_crash(session):
    deep = "example : " + "(1 + " * 3000 + "1" + ")" * 3000 + " = 0 := rfl"
    out = run(session.command, deep, timeout_s=2)
    assert out.get("messages") or out.get("declined")


def test_repl_loop():
    text = ('{"cmd": "theorem t : 1 = 1 := by sorry"}\n\n'
            '{"tactic": "rfl", "proofState": 0}\n\nnot json\n\n')
    out = io.StringIO()
    run(repl.serve, io.StringIO(text), out)
    answers = [json.loads(x) for x in out.getvalue().split("\n\n") if x]
    assert answers[1]["proofStatus"] == "Completed"
    assert "Could not parse JSON" in answers[2]["message"]


IMPORTED = b"\x80\x04\x8c\x16minilean.front.library\x8c\x09os.getcwd\x93)R."  # library.os.getcwd()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps((os.getcwd, 1)), IMPORTED])
def test_a_damaged_or_foreign_library_cache_is_built_anew(tmp_path, monkeypatch, content, caplog):
    built, path = library.load_library(), tmp_path / "cache.pickle"
    path.write_bytes(content)
    monkeypatch.setattr(library, "cache_path", lambda: path)
    monkeypatch.setattr(library, "build_library", lambda: built)
    state = library.load_library.__wrapped__()
    assert "Nat" in state.env and "is damaged" in caplog.text
    assert library._read(path) is not None
