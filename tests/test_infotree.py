"""coprover/infotree.py: recorded trees, and trees of the shapes that Lean gives nested proofs."""

import json

import pytest

from coprover.infotree import Unreadable, chain

SEQUENCE = "Lean.Parser.Tactic.tacticSeq1Indented"


def node(source, text, before, after, *children, kind="Lean.tactic", name="t", nth=0,
         synthetic=False):
    """A TacticInfo node whose range is the nth place of ``text`` in the source."""
    start = -1
    for _ in range(nth + 1):
        start = source.index(text, start + 1)

    def place(offset):
        head = source[:offset]
        return {"line": head.count("\n") + 1, "column": len(head) - head.rfind("\n") - 1}

    return {"kind": "TacticInfo", "children": list(children), "node": {
        "name": name, "goalsBefore": list(before), "goalsAfter": list(after), "stx": {
            "kind": kind, "pp": text, "argKinds": [], "range": {
                "synthetic": synthetic, "start": place(start),
                "finish": place(start + len(text))}}}}


def proof(source, block, *steps, nth=0):
    """[byTactic -> the atom `by` -> the sequence -> steps] as the REPL nests them."""
    inner = node(source, block, ["⊢ G"], [], *steps, kind=SEQUENCE)
    atom = node(source, "by", ["⊢ G"], [], inner, kind="by", name=None, nth=nth)
    return [{"kind": "CommandInfo", "node": None, "children": [
        node(source, source[source.index("by"):], ["⊢ G"], [], atom,
             kind="Lean.Parser.Term.byTactic")]}]


def by(source):
    head = source[:source.index("by")]
    return head.count("\n") + 1, len(head) - head.rfind("\n") - 1


def read(source, trees, **more):
    return chain(trees, source, by(source), **more)


def test_the_recorded_theorems(data_dir):
    row = json.loads((data_dir / "kimina/infotree_original_onepp.json").read_text())
    assert chain(row["response"]["infotree"], row["request"]["code"], (1, 26)) == [
        (("⊢ 1 + 1 = 2",), "rfl", ())]
    folder = data_dir / "repl_protocol"
    source = json.loads((folder / "infotree_theorem.in").read_text())["cmd"]
    tree = json.loads((folder / "infotree_theorem.expected.out").read_text())["infotree"]
    assert chain(tree, source, (1, source.index("by"))) == [
        (("p : Prop\nh : p\n⊢ p",), "exact h", ())]
    with pytest.raises(Unreadable, match="no tactic block at line 1, column 3"):
        chain(tree, source, (1, 3))


NESTED = """theorem t : G := by
  have h : P := by  -- a lemma
    intro x
    exact x
  constructor
  · exact h; done
  all_goals simp"""


def nested(after_have=("h : P\n⊢ G",), last=()):
    block = NESTED[NESTED.index("have"):]
    inner = [node(NESTED, "intro x", ["⊢ P"], ["x : Q\n⊢ P"]),
             node(NESTED, "exact x", ["x : Q\n⊢ P"], [])]
    have = node(NESTED, NESTED[NESTED.index("have"):NESTED.index("\n  constructor")], ["⊢ G"],
                after_have, *inner)
    two = ["case left\nh : P\n⊢ A", "case right\nh : P\n⊢ B"]
    return proof(NESTED, block, have,
                 node(NESTED, "constructor", ["h : P\n⊢ G"], two),
                 node(NESTED, "· exact h; done", two, two[1:],
                      node(NESTED, "exact h", two[:1], []), node(NESTED, ";", [], [], name=None)),
                 node(NESTED, "all_goals simp", two[1:], last,
                      node(NESTED, "simp", two[1:], []), node(NESTED, "simp", two[1:], [])),
                 node(NESTED, "simp", two[1:], [], synthetic=True))


def test_nested_blocks_belong_to_their_step():
    steps = read(NESTED, nested())
    assert [text for _, text, _ in steps] == [
        "have h : P := by\n  intro x\n  exact x", "constructor", "· exact h; done",
        "all_goals simp"]
    assert [len(before) for before, _, _ in steps] == [1, 1, 2, 1] and steps[-1][2] == ()


def test_several_steps_on_a_line():
    source = "theorem t : G := by intro h; exact h"
    trees = proof(source, "intro h; exact h", node(source, "intro h", ["⊢ G"], ["h\n⊢ G"]),
                  node(source, ";", [], [], name=None), node(source, "exact h", ["h\n⊢ G"], []))
    assert [text for _, text, _ in read(source, trees)] == ["intro h", "exact h"]


def test_what_does_not_fit_is_no_chain():
    with pytest.raises(Unreadable, match="does not leave the goals of the next"):
        read(NESTED, nested(after_have=["⊢ G"]))
    with pytest.raises(Unreadable, match="the last step leaves goals"):
        read(NESTED, nested(last=["⊢ B"]))
    source = "theorem t : G := by\n  first\n  | simp\n  | rfl\n  done"
    pieces = [node(source, text, ["⊢ G"], []) for text in ("first", "| simp", "| rfl", "done")]
    with pytest.raises(Unreadable, match="elsewhere than split_steps"):
        read(source, proof(source, source[source.index("first"):], *pieces))
    with pytest.raises(Unreadable, match="no tactic block"):
        read(source, [])


def test_goals_that_end_early_are_refused():
    source = "theorem t : G := by\n  simp\n  rfl"
    trees = proof(source, "simp\n  rfl", node(source, "simp", ["⊢ G"], []),
                  node(source, "rfl", [], []))
    with pytest.raises(Unreadable, match="no goals are left after step 1"):
        read(source, trees)


def test_a_failed_proof_gives_the_part_before_its_error():
    source = "theorem t : G := by\n  intro h\n  rw [h]\n  exact nope"
    trees = proof(source, source[source.index("intro"):],
                  node(source, "intro h", ["⊢ G"], ["h\n⊢ G"]),
                  node(source, "rw [h]", ["h\n⊢ G"], ["h\n⊢ K"]),
                  node(source, "exact nope", ["h\n⊢ K"], []))
    whole = read(source, trees, error=(4, 8))
    assert [text for _, text, _ in whole] == ["intro h", "rw [h]"] and whole[-1][2] == ("h\n⊢ K",)
    assert [text for _, text, _ in read(source, trees, error=(3, 6))] == ["intro h"]
    assert read(source, trees, error=(2, 2)) == []


def test_a_statement_with_a_block_of_its_own():
    source = "theorem t (h : x = by exact 1) : G := by\n  simp"
    trees = proof(source, "simp", node(source, "simp", ["⊢ G"], []))
    trees[0]["children"][0]["node"]["stx"]["range"]["start"] = {"line": 1, "column": 38}
    stated = node(source, "by exact 1", ["⊢ Nat"], [], node(
        source, "exact 1", ["⊢ Nat"], [], node(source, "exact 1", ["⊢ Nat"], []), kind=SEQUENCE),
        kind="Lean.Parser.Term.byTactic")
    assert chain([stated, *trees], source, (1, 38)) == [(("⊢ G",), "simp", ())]


def test_a_deep_tree_is_walked():
    source = "theorem t : G := by\n  simp"
    trees = proof(source, "simp", node(source, "simp", ["⊢ G"], []))
    for _ in range(5000):
        trees = [{"kind": "TermInfo", "node": None, "children": trees}]
    assert len(read(source, trees)) == 1
