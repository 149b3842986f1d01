"""The verdict rule on answers as servers give them; recorded wire exchanges."""

import json

import pytest
from lean_fake import fenced, theorem

from coprover import snippets
from coprover.verify import Verdict, read_result

SNIPPET = snippets.assemble(theorem(), snippets.read_code(theorem(), "  simp"), "n")
OK = f"'{SNIPPET.target}' does not depend on any axioms"
LAST = SNIPPET.axioms_line


def msg(data, line=LAST, severity="info"):
    pos = {"line": line, "column": 0}
    return {"severity": severity, "pos": pos, "endPos": pos, "data": data}


def reply(*messages, **response):
    return {"id": "0", "time": 0.1, "response": {"env": 1, "messages": list(messages), **response}}


def using(*axioms):
    return msg(f"'{SNIPPET.target}' depends on axioms: [{', '.join(axioms)}]")


CASES = [
    (reply(msg(OK)), "verified", ""),
    (reply(using("propext", "Classical.choice", "Quot.sound")), "verified", ""),
    (reply(using("propext", "Classical.choice,\n  Quot.sound")), "verified", ""),
    (reply(msg("unused variable", 5, "warning"), msg(OK)), "verified", ""),
    (reply(msg("Goals accomplished!", 5), msg(OK)), "verified", ""),
    (reply(msg("this tactic failed to be useful", 5, "warning"), msg(OK)), "verified", ""),
    (reply(using("sorryAx")), "rejected", "axioms"),
    (reply(using("propext", "Lean.ofReduceBool")), "rejected", "axioms"),
    (reply(using("foo._native.native_decide.ax_1")), "rejected", "axioms"),
    (reply(using("CoProver.propext")), "rejected", "axioms"),
    (reply(), "rejected", "incomplete"),
    (reply(msg(OK, LAST - 1)), "rejected", "incomplete"),
    (reply(msg(OK), msg(OK)), "rejected", "incomplete"),
    (reply(msg("'coprover_other' does not depend on any axioms")), "rejected", "incomplete"),
    (reply(msg("Unknown constant `x`", LAST, "error")), "rejected", "incomplete"),
    (reply(msg("type mismatch", LAST - 2, "error"), msg(OK)), "rejected", "statement"),
    (reply(msg("unsolved goals", 5, "error"), msg(OK)), "rejected", "lean_error"),
    (reply(msg("a", 5, "error"), msg("b", LAST - 1, "error")), "rejected", "lean_error"),
    (reply({"severity": "error", "data": "no position"}, msg(OK)), "rejected", "lean_error"),
    (reply(msg("declaration uses 'sorry'", 5, "warning"), msg(OK)), "rejected", "sorry"),
    (reply(msg("declaration uses `sorry`", 5, "warning"), msg(OK)), "rejected", "sorry"),
    (reply(msg(OK), sorries=[{"goal": "⊢ x"}]), "rejected", "sorry"),
    (reply(msg("(deterministic) timeout at `whnf`", 5, "error")), "timeout", "timeout"),
    ({"error": "Lean REPL command timed out in 60.0 seconds"}, "timeout", "timeout"),
    ({"error": "Lean process timed out"}, "timeout", "timeout"),
    ({"error": "Lean REPL header command timed out in 60.0 seconds"}, "unavailable", "header"),
    ({"error": "Lean REPL header command failed: no Mathlib"}, "unavailable", "header"),
    ({"error": "Lean REPL crashed twice on this snippet: x"}, "rejected", "crash"),
    ({"error": "something else"}, "unavailable", "server"),
    ({"response": {"message": "Unknown environment."}}, "unavailable", "protocol"),
    ({"response": {}}, "unavailable", "protocol"),
    ({"response": {"env": True, "messages": [msg(OK)]}}, "unavailable", "protocol"),
    ({"response": {"messages": [msg(OK)]}}, "unavailable", "protocol"),
    ({"response": {"env": 1, "messages": "none"}}, "unavailable", "protocol"),
    ({"response": None}, "unavailable", "protocol"),
    ({}, "unavailable", "protocol"),
    ({**reply(msg(OK)), "diagnostics": {"declined": "omega"}}, "declined", "declined"),
    ({**reply(msg(OK)), "diagnostics": {"repl_uuid": "x"}}, "verified", ""),
    (reply(msg("minilean declined: omega", 5, "error")), "rejected", "lean_error"),
]


@pytest.mark.parametrize("answer, verdict, reason", CASES)
def test_rule(answer, verdict, reason):
    result = read_result(answer, SNIPPET)
    assert (result.verdict.value, result.reason) == (verdict, reason)
    assert result.snippet == SNIPPET.text
    assert result.verified == (verdict == "verified")


def test_only_verified_is_verified():
    assert [v for v in Verdict if v == "verified"] == [Verdict.VERIFIED]


def test_recorded_kimina_pairs(data_dir):
    """Recorded v1 replies lack the epilogue: none may be verified, time-outs must be time-outs."""
    lines = (data_dir / "kimina" / "pairs.jsonl").read_text().splitlines()
    for row in map(json.loads, lines):
        [entry] = row["response"]["results"]
        response = entry.get("response")
        if isinstance(response, dict):
            response.setdefault("env", 1)
        result = read_result({"error": entry.get("error"), "response": response}, SNIPPET)
        if row["stratum"] == "timeout":
            assert result.reason == "timeout", row["name"]
        else:  # accepted proofs of another theorem: only our own question is unanswered
            assert result.reason == "incomplete", (row["name"], result)


def test_recorded_http_answers(data_dir):
    """What the real Kimina server said around a toy REPL never verifies anything."""
    lines = (data_dir / "kimina" / "http_observed.jsonl").read_text().splitlines()
    seen = 0
    for row in map(json.loads, lines):
        body = row["response"]
        for answer in (body.get("results") or []) if isinstance(body, dict) else []:
            seen += 1
            assert not read_result(answer, SNIPPET).verified
    assert seen > 20


def test_responses_are_wrapped_around_the_dataset_statement():
    proof = snippets.read_response(theorem(), fenced("  omega"))
    first, second = (snippets.assemble(theorem(), proof) for _ in range(2))
    assert first.target != second.target  # nobody can guess the name
