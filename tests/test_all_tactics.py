"""coprover/all_tactics.py: recorded lists, traps, and equality with replay over minilean."""

import asyncio
import json
import re
from types import SimpleNamespace

import pytest
from lean_fake import EXTERNAL, GENEROUS, lean_config, minilean
from test_infotree import by

from coprover.all_tactics import chain, goals_of
from coprover.check_stepper import CheckStepper
from coprover.infotree import Unreadable
from coprover.lean_client import LeanClient
from coprover.records import Theorem, load_theorems
from coprover.snippets import dedent, split_steps
from coprover.stepper import Stepper
from coprover.tracing import trace


def entry(source, text, goals, nth=0):
    """An entry of `tactics` for the nth place of ``text`` in the source."""
    start = -1
    for _ in range(nth + 1):
        start = source.index(text, start + 1)

    def place(offset):
        head = source[:offset]
        return {"line": head.count("\n") + 1, "column": len(head) - head.rfind("\n") - 1}

    return {"tactic": text, "goals": goals, "proofState": 0, "usedConstants": [],
            "pos": place(start), "endPos": place(start + len(text))}


def read(source, *entries, **more):
    return chain(entries, source, by(source), **more)


RECORDED = {
    ("all_tactics", 0): [("⊢ Nat", "have t := 37"), ("t : Nat\n⊢ Nat", "exact t")],
    ("all_tactics-20250622", 0): [("P : Prop\nhp : P\n⊢ P", "exact hp")],
    ("file", 0): [("⊢ f + g = 39", "exact rfl")],
    ("file2", 0): [("x y z : Nat\n⊢ x + y + (z + a) = x + (z + b + y)",
                    "rw [Nat.add_assoc, Nat.add_comm y, h1]")],
}


@pytest.mark.parametrize("version", ["", "v4.26.0"])
def test_the_recorded_lists(data_dir, version):
    folder = data_dir / "repl_protocol" / version
    rows = [json.loads(line) for line in (folder / "exchanges.jsonl").read_text().splitlines()]
    seen = {}
    for row in rows:
        name, request = (row["test"], row["step"]), row["request"]
        if "tactics" not in row["response"] or name[0] == "self_proof_check":
            continue
        source = request.get("cmd") or (folder / f"{row['test']}.lean").read_text()
        if name[0] == "calc":  # it goes on to the left of where it starts
            with pytest.raises(Unreadable, match="1 tactics are listed for 3 steps"):
                read(source, *row["response"]["tactics"])
            continue
        seen[name] = read(source, *row["response"]["tactics"])
    assert {name: [(*goals, text) for goals, text, _ in steps] for name, steps in seen.items()
            } == RECORDED
    [one, two] = seen["all_tactics", 0]
    assert one[2] == two[0] == ("t : Nat\n⊢ Nat",) and two[2] == ()


NESTED = """theorem t : G := by
  have h : P := by  -- a lemma
    intro x
    exact x
  constructor
  all_goals simp"""
TWO = "case left\nh : P\n⊢ A\ncase right\nh : P\n⊢ B"
LISTED = [entry(NESTED, "have h : P := by  -- a lemma\n    intro x\n    exact x", "⊢ G"),
          entry(NESTED, "intro x", "⊢ P"), entry(NESTED, "exact x", "x : Q\n⊢ P"),
          entry(NESTED, "constructor", "h : P\n⊢ G"), entry(NESTED, "all_goals simp", TWO),
          entry(NESTED, "simp", "case left\nh : P\n⊢ A"),
          entry(NESTED, "simp", "case right\nh : P\n⊢ B")]
STEPS = [(("⊢ G",), "have h : P := by\n  intro x\n  exact x", ("h : P\n⊢ G",)),
         (("h : P\n⊢ G",), "constructor", ("case left\nh : P\n⊢ A", "case right\nh : P\n⊢ B")),
         (("case left\nh : P\n⊢ A", "case right\nh : P\n⊢ B"), "all_goals simp", ())]


def test_nested_blocks_belong_to_their_step():
    assert read(NESTED, *LISTED) == STEPS


def test_goals_that_are_left_come_from_the_message():
    left = ("case right\nh : P\n⊢ B",)
    assert read(NESTED, *LISTED, left=left) == [*STEPS[:2], (*STEPS[2][:2], left)]


def test_a_failed_proof_gives_the_part_before_its_error():
    assert read(NESTED, *LISTED, error=(6, 12)) == STEPS[:2]
    assert read(NESTED, *LISTED[:4], error=(5, 2)) == STEPS[:1]
    assert read(NESTED, *LISTED, error=(3, 4)) == []
    with pytest.raises(Unreadable, match="the tactic that failed is not listed"):
        read(NESTED, *LISTED[:4], error=(6, 2))
    with pytest.raises(Unreadable, match="2 tactics are listed for 3 steps"):
        read(NESTED, *LISTED[:4])


@pytest.mark.parametrize("text, goals", [
    ("no goals", ()), ("⊢ A", ("⊢ A",)), ("⊢ A\n⊢ B", ("⊢ A", "⊢ B")),
    ("h : a =\n    b\n⊢ A ∧\n  B\n\ncase r\nx : Nat\n⊢ B", ("h : a =\n    b\n⊢ A ∧\n  B",
                                                        "case r\nx : Nat\n⊢ B"))])
def test_goals_in_one_string(text, goals):
    assert goals_of(text) == goals


@pytest.mark.parametrize("text", [
    "f : ℝ → ℝ h : ∀ x, f x = 0 ⊢ f 0 = 0", "case l ⊢ A\ncase r ⊢ B", "⊢ A case r ⊢ B", "h : P",
    "⊢ A\nh : P", "", "| a + b"])
def test_goals_without_their_line_breaks_are_refused(text):
    with pytest.raises(Unreadable):
        goals_of(text)


BULLETS = "theorem t : G := by\n  constructor\n  · simp\n  · rfl"
FIRST = "theorem t : G := by\n  constructor <;> simp\n  rfl"
LATER = "theorem t : G := by\n  constructor\n  intro h <;> simp"
PARENS = "theorem t : G := by\n  (simp; rfl)"
NAMED = "theorem t : G := by\n  constructor\n  case left => simp\n  case right => simp"


@pytest.mark.parametrize("source, entries, reason", [
    (BULLETS, [("constructor", "⊢ G"), ("simp", "⊢ A"), ("rfl", "⊢ B")], "for the step '· simp'"),
    (LATER, [("constructor", "⊢ G"), ("intro h", "⊢ A"), ("simp", "h : C\n⊢ A")],
     "is listed for the step 'constructor'"),
    (PARENS, [("simp", "⊢ G"), ("rfl", "⊢ K")], "for the step"),
    (FIRST, [("constructor", "⊢ G\n⊢ H"), ("simp", "⊢ A"), ("rfl", "⊢ H")], "3 tactics are listed"),
    (FIRST, [("simp", "⊢ A"), ("rfl", "⊢ H")], "is listed for the step 'constructor <;> simp'"),
    (NESTED, [("constructor", "⊢ G")], "1 tactics are listed for 3 steps"),
    (BULLETS.replace("· ", ""), [("constructor", "⊢ G"), ("simp", "no goals"), ("rfl", "⊢ B")],
     "no goals are left before the step 'simp'"),
    ("theorem t : G := by\n  simp", [("simp", "⊢ G"), ("simp", "⊢ H")], "several goals are listed"),
    ("theorem t : G := by\n  simp\ntheorem u : G := by\n  rfl", [("simp", "⊢ G"), ("rfl", "⊢ G")],
     "listed for"),
])
def test_what_is_in_doubt_is_no_chain(source, entries, reason):
    with pytest.raises(Unreadable, match=reason):
        read(source, *(entry(source, *one) for one in entries))


def test_what_is_no_entry_is_named():
    for odd in ({}, {"pos": None}, {**LISTED[0], "endPos": None}, {**LISTED[0], "goals": None}):
        with pytest.raises(Unreadable, match="not an entry"):
            read(NESTED, odd)


def test_a_first_step_of_one_goal_may_be_a_combination():
    steps = read(FIRST, entry(FIRST, "constructor", "⊢ G"), entry(FIRST, "simp", "case l\n⊢ A"),
                 entry(FIRST, "simp", "case r\n⊢ B"), entry(FIRST, "rfl", "case l\n⊢ C"))
    assert steps == [(("⊢ G",), "constructor <;> simp", ("case l\n⊢ C",)),
                     (("case l\n⊢ C",), "rfl", ())]


def test_case_blocks_are_steps():
    two = "case left\n⊢ A\ncase right\n⊢ B"
    steps = read(NAMED, entry(NAMED, "constructor", "⊢ G"), entry(NAMED, "case left => simp", two),
                 entry(NAMED, "simp", "⊢ A"), entry(NAMED, "case right => simp", "case right\n⊢ B"),
                 entry(NAMED, "simp", "⊢ B", nth=1))
    assert [(len(before), text, len(after)) for before, text, after in steps] == [
        (1, "constructor", 2), (2, "case left => simp", 1), (1, "case right => simp", 0)]


def test_a_block_in_the_statement_is_not_read():
    source = "theorem t (h : x = by exact 1) : G := by\n  simp"
    entries = [entry(source, "exact 1", "⊢ Nat"), entry(source, "simp", "⊢ G")]
    assert chain(entries, source, (1, 38)) == [(("⊢ G",), "simp", ())]


def elementary(data_dir):
    """(theorem, steps) of human-written tactic proofs that need no Mathlib."""
    for line in (data_dir / "elementary/elementary.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["mode"] == "tactic":
            stated = re.sub(r":=\s*(by\s*)?$", "", row["statement"].rstrip())
            block = re.sub(r"^\s*by\b", "", row["proof"])
            yield (Theorem(row["name"], f"import Init\n{row['preamble']}\n\n{stated} := by"),
                   split_steps(dedent(block)))


SMOKE = {
    "and_intro_small": [["constructor", "exact hP", "exact hQ"], ["constructor <;> assumption"],
                        ["constructor", "exact hP"], ["constructor", "· exact hP", "· exact hQ"],
                        ["constructor", "exact hQ"], ["exact ⟨hP, hQ⟩", "rfl"],
                        ["constructor", "sorry", "exact hQ"]],
    "imp_chain_small": [["intro hp", "have hq : Q := by\n  apply hPQ\n  exact hp", "exact hQR hq"]],
}


def read_and_replayed(url, pairs):
    """What CheckStepper reads of the proofs, and what stepping through them gives."""
    async def go():
        sets = lean_config(url, *GENEROUS)
        async with CheckStepper(sets) as check, Stepper(sets) as step:
            return (await check.chains(pairs),
                    await trace(pairs, SimpleNamespace(stepper=step, start=step.start)))

    return asyncio.run(go())


@pytest.fixture(scope="module")
def server():
    if EXTERNAL:
        pytest.skip("COPROVER_LEAN_URL names a server without states")
    with minilean() as url:
        yield url


def test_the_server_hands_tactics_through_when_asked(server):
    code = "import Init\n\ntheorem t (P : Prop) (h : P) : P := by\n  exact h"

    async def go():
        async with LeanClient(lean_config(server, *GENEROUS)) as client:
            return [await client.check([code], all_tactics=asked) for asked in (True, False)]

    [asked], [unasked] = asyncio.run(go())
    assert unasked["response"].keys() == {"env"}
    [tactic] = asked["response"]["tactics"]
    assert (tactic["goals"], tactic["pos"]) == ("P : Prop\nh : P\n⊢ P", {"line": 2, "column": 2})


def test_chains_of_small_proofs_equal_replay(server):
    known = {t.name: t for t in load_theorems("examples/minif2f_smoke.jsonl")}
    pairs = [(known[name], steps) for name, proofs in SMOKE.items() for steps in proofs]
    found, replayed = read_and_replayed(server, pairs)
    given = [i for i, steps in enumerate(found) if steps is not None]
    assert [found[i] for i in given] == [replayed[i][1] for i in given]
    assert given == [0, 1, 2, 4, 5, 7]  # bullets are not listed, sorry is not read


def test_chains_of_written_proofs_equal_replay(data_dir, server):
    pairs = list(elementary(data_dir))[::4]
    found, replayed = read_and_replayed(server, pairs)
    assert [steps for steps in found if steps is not None] == [
        steps for read, (_, steps) in zip(found, replayed, strict=True) if read is not None]
    closed = [i for i, (done, _) in enumerate(replayed) if done]
    assert len(closed) >= 45 and sum(found[i] is not None for i in closed) >= 0.8 * len(closed)
