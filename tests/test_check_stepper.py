"""Stepping through `/api/check`: the same states as the stepping server's, and odd answers."""

import asyncio
import json

import pytest
from lean_fake import EXTERNAL, GENEROUS, lean_config, minilean, theorem
from test_all_tactics import entry
from test_infotree import node, proof

from coprover import config, stepper
from coprover.check_stepper import CheckStepper
from coprover.lean_client import LeanUnavailable
from coprover.records import Theorem, load_theorems
from coprover.stepper import State, StepFailure, Stepper


@pytest.fixture(scope="module")
def server():
    with minilean() as url:
        yield url


def run(kind, url, theorems, chains):
    """The outcomes of all tactics, level by level: each chain is a list of lists of tactics, of
    which the first is followed."""
    async def go():
        async with kind(lean_config(url, *GENEROUS)) as lean:
            here = await lean.start(theorems)
            seen = [[(s.goals, s.key) if isinstance(s, State) else s for s in here]]
            for depth in range(max(map(len, chains))):
                live = [i for i, c in enumerate(chains) if depth < len(c)]
                answers = await lean.run([(here[i], chains[i][depth]) for i in live])
                seen.append([[(o.kind, o.state and o.state.goals, o.state and o.state.tactics)
                              for o in row] for row in answers])
                for i, row in zip(live, answers, strict=True):
                    here[i] = row[0].state
            return seen

    return asyncio.run(go())


CHAINS = {
    "and_intro_small": [["constructor", "exact hQ", "sorry", "· exact hP"],
                        ["exact hP", "exact hQ", "nonsense"], ["exact hQ"]],
    "or_elim_small": [["cases h with\n| inl a => exact hP a\n| inr b => exact hQ b", "cases h"]],
    "imp_chain_small": [["intro hp", "intro"], ["apply hQR", "exact hQR (hPQ hp)", "skip"],
                        ["apply hPQ", "have h : P := by\n  skip"], ["exact hp", "exact hPQ"]],
    "exists_elim_rewrite_small": [["obtain ⟨m, hm, hp⟩ := h"], ["rw [← hm]", "exact hp"],
                                  ["exact hp"]],
    "eq_rewrite_succ_small": [["rw [h]", "simp [h]", "rfl"]],
}


@pytest.mark.skipif(bool(EXTERNAL), reason="COPROVER_LEAN_URL names a server without states")
def test_both_steppers_see_the_same(server):
    known = {t.name: t for t in load_theorems("examples/minif2f_smoke.jsonl")}
    theorems = [known[name] for name in CHAINS]
    by_states = run(Stepper, server, theorems, list(CHAINS.values()))
    by_check = run(CheckStepper, server, theorems, list(CHAINS.values()))
    assert by_check == by_states
    kinds = [kind for level in by_check[1:] for row in level for kind, _, _ in row]
    assert {"state", "qed", "error"} == set(kinds) and kinds.count("state") >= 8


def test_a_theorem_that_does_not_start(server):
    bad = [Theorem("t", "import Init\n\ntheorem t : Nat.unheard = 1 := by"),
           Theorem("u", "theorem u := by"),
           Theorem("v", "import Init\n\ntheorem v : True := by")]
    failures = run(CheckStepper, server, bad[:2], [[]])[0]
    assert all(isinstance(f, StepFailure) for f in failures)
    assert failures[0].reason in ("error", "declined") and failures[1].reason == "error"
    assert run(CheckStepper, server, bad[2:], [[["trivial"]]])[1] == [[("qed", None, None)]]


def answered(*answers, tactics=("simp",), statement="(a b : Nat) : a + b = b + a"):
    """Outcomes of tactics on a theorem whose checks get these answers; and what was sent."""
    sent = []

    async def check(codes, timeout_s=None):
        sent.extend(codes)
        return list(answers)

    async def go():
        async with CheckStepper(lean_config()) as lean:
            lean.client.check = check
            state = State("", theorem(statement=statement), ("x",), ("intro y",))
            return (await lean.run([(state, list(tactics))]))[0]

    return asyncio.run(go()), sent


def message(data, line=3, column=66, severity="error"):
    return {"severity": severity, "pos": {"line": line, "column": column}, "data": data}


def response(*messages, **more):
    return {"id": "0", "time": 0.1, "response": {"env": 1, "messages": list(messages), **more}}


def test_the_file_that_is_sent():
    _, [code] = answered(response(), tactics=["cases h with\n| inl a => simp"])
    assert code == ("import Mathlib\ntheorem coprover_goal (a b : Nat) : a + b = b + a := by\n"
                    "  intro y\n  cases h with\n  | inl a => simp\n")
    assert code.split("\n")[1].rindex("by") == 53


LEFT = "unsolved goals\ncase left\nP : Prop\n⊢ P\n\ncase right\nP : Prop\n⊢ Q"
ANSWERS = {
    "state": response(message("unused variable", severity="warning"), message(LEFT, 2, 53)),
    "qed": response(message("linter", severity="warning")),
    "bullet": response(message(LEFT, 5, 2)),
    "bullet beside the rest": response(message(LEFT, 5, 2), message(LEFT, 2, 53)),
    "same column, other line": response(message(LEFT, 4, 53)),
    "error": response(message("simp made no progress", 5, 2)),
    "heartbeats": response(message("(deterministic) timeout at `whnf`", 5, 2)),
    "old sorry": response(message("declaration uses 'sorry'", severity="warning")),
    "sorry entry": response(sorries=[{"goal": "⊢ P", "pos": {"line": 5, "column": 2}}]),
    "repl error": {"id": "0", "response": {"message": "Unknown environment."}},
    "empty": {"id": "0", "response": {}},
    "clock": {"id": "0", "error": "Lean REPL command timed out in 5.0 seconds"},
    "crash": {"id": "0", "error": "snippet fails alone: status 500"},
    "declined": response() | {"diagnostics": {"declined": "omega"}},
    "declined without an answer": {"id": "0", "error": "x", "diagnostics": {"declined": "omega"}},
    "header": {"id": "0", "error": "Lean REPL header command timed out in 5.0 seconds"},
}
KINDS = {"state": "state", "qed": "qed", "heartbeats": "timeout", "clock": "timeout",
         "declined": "declined", "declined without an answer": "declined"}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_has_its_kind(name):
    [outcome], _ = answered(ANSWERS[name])
    assert outcome.kind == KINDS.get(name, "error")
    if name == "state":
        assert outcome.state.goals == ("case left\nP : Prop\n⊢ P", "case right\nP : Prop\n⊢ Q")
        assert outcome.state.tactics == ("intro y", "simp")


def test_no_response_is_no_outcome():
    with pytest.raises(LeanUnavailable, match="answered a step with"):
        answered({"id": "0"})
    with pytest.raises(LeanUnavailable, match="cannot step: Failed to start REPL"):
        answered({"id": "0", "error": "Failed to start REPL"})


def test_equal_files_are_checked_once_and_forbidden_tactics_never():
    outcomes, sent = answered(response(), tactics=["simp", "sorry", "simp", "exact x\u2028y"])
    assert [o.kind for o in outcomes] == ["qed", "error", "qed", "error"] and len(sent) == 1


TWO = ["intro h", "exact h"]


def chains(answer_of, *proofs):
    """What CheckStepper reads of proofs of one theorem; answer_of(body without imports)."""
    asked = []

    async def check(codes, timeout_s=None, infotree=None, all_tactics=False):
        asked.append(infotree or all_tactics)
        return [answer_of(code.split("\n", 1)[1]) for code in codes]

    async def go():
        async with CheckStepper(lean_config()) as lean:
            lean.client.check = check
            return await lean.chains([(theorem(), steps) for steps in proofs])

    found = asyncio.run(go())
    assert asked in (["original"], ["original", True])
    return found


def test_whole_proofs_are_read_from_their_infotree():
    def answer(body, *messages):
        block = body[body.index("intro"):].rstrip()
        trees = proof(body, block, node(body, "intro h", ["⊢ G"], ["h\n⊢ G"]),
                      node(body, block[block.index("exact"):], ["h\n⊢ G"], []))
        return response(*messages, infotree=trees)

    want = [(("⊢ G",), "intro h", ("h\n⊢ G",)), (("h\n⊢ G",), "exact h", ())]
    assert chains(answer, TWO) == [want]
    failing = chains(lambda body: answer(body, message("unknown x", 4, 8)), ["intro h", "exact x"])
    assert failing == [want[:1]]


@pytest.mark.parametrize("odd", [
    response(), response(infotree=[]), {"id": "0", "error": "timed out"},
    response(infotree=[{"kind": "TermInfo", "node": None, "children": []}])])
def test_what_has_no_tree_is_left_to_replay(odd):
    assert chains(lambda body: odd, TWO) == [None]


def test_the_part_before_an_unsolved_end_is_read_too():
    def answer(body):
        trees = proof(body, "intro h\n  simp", node(body, "intro h", ["⊢ G"], ["h\n⊢ G"]),
                      node(body, "simp", ["h\n⊢ G"], ["h\n⊢ K"]))
        return response(message("unsolved goals\nh\n⊢ K", 2, 53), infotree=trees)

    [steps] = chains(answer, ["intro h", "simp"])
    assert [text for _, text, _ in steps] == ["intro h", "simp"] and steps[-1][2] == ("h\n⊢ K",)


def test_a_server_without_trees_is_asked_for_tactics():
    def answer(body):
        return response(message("unsolved goals\nh\n⊢ K", 2, 53), tactics=[
            entry(body, "intro h", "⊢ G"), entry(body, "simp", "h : P\n⊢ K")])

    assert chains(answer, ["intro h", "simp"]) == [[
        (("⊢ G",), "intro h", ("h : P\n⊢ K",)), (("h : P\n⊢ K",), "simp", ("h\n⊢ K",))]]
    two = response(message("unsolved goals\n⊢ K", 2, 53), message("unsolved goals\n⊢ L", 2, 53))
    assert chains(lambda body: two | {"response": two["response"] | {
        "tactics": answer(body)["response"]["tactics"]}}, ["intro h", "simp"]) == [None]


def test_what_the_screen_forbids_is_not_read_of_a_whole_proof():
    async def go():
        async with CheckStepper(lean_config()) as lean:  # nothing listens there
            return await lean.chains([(theorem(), ["have h : P := by sorry", "exact h"])])

    assert asyncio.run(go()) == [None]


@pytest.mark.parametrize("text", ["<;> simp", "| inl h => simp", "at h", "simp; rfl", "simp\nrfl"])
def test_what_is_not_one_tactic_of_its_own_is_not_tried(text):
    [outcome], sent = answered(tactics=[text])
    assert outcome.kind == "error" and not sent


def test_recorded_messages_put_unsolved_goals_at_the_by(data_dir):
    """Real Lean: of a theorem whose proof is unfinished the message stands at its own `by`."""
    rows = [json.loads(line) for line in
            (data_dir / "repl_protocol/exchanges.jsonl").read_text(encoding="utf-8").splitlines()]
    seen = 0
    for row in rows:
        code = row["request"].get("cmd", "")
        for note in row["response"].get("messages", ()):
            if note["data"].startswith("unsolved goals") and " := by" in code:
                line = code.split("\n")[note["pos"]["line"] - 1]
                place = line[note["pos"]["column"]:]
                assert place.startswith(("by", "{", "}", "·")), (code, note)
                seen += place.startswith("by")
    assert seen >= 4


def test_the_config_chooses():
    assert isinstance(stepper.connect(lean_config()), Stepper)
    node = config.load([], ["lean.url=http://127.0.0.1:9"]).lean
    assert isinstance(stepper.connect(node), CheckStepper)
    with pytest.raises(config.ConfigError, match="'repl'; choose states or check"):
        stepper.connect(lean_config("http://127.0.0.1:9", "lean.stepping=repl"))
