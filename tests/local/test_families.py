"""Theorem families: statements, shortest proofs, splits, and the smoke fixture."""

import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import pytest

from coprover import config
from coprover.prompts import prompt_text
from coprover.records import load_theorems, read_jsonl
from local import families, families_check, families_found, families_greedy
from local.families_generate import draft, forall, imp
from local.families_logic import Goal, canonical_key, show, statement, subst
from local.families_mixed import HELD_OUT, TRAINED
from local.families_prover import Prover

ROOT = Path(__file__).resolve().parents[2]
SMOKE = {
    "nat_add_comm_small": "(a b : Nat) : a + b = b + a",
    "list_append_nil_small": "(xs : List Nat) : xs ++ [] = xs",
    "and_left_small": "(P Q : Prop) (h : P ∧ Q) : P",
    "and_intro_small": "(P Q : Prop) (hP : P) (hQ : Q) : P ∧ Q",
    "exists_witness_small": "(n : Nat) : ∃ m : Nat, m = n",
    "or_inl_small": "(P Q : Prop) (h : P) : P ∨ Q",
    "or_elim_small": "(P Q R : Prop) (h : P ∨ Q) (hP : P → R) (hQ : Q → R) : R",
    "imp_chain_small": "(P Q R : Prop) (hPQ : P → Q) (hQR : Q → R) : P → R",
    "eq_rewrite_succ_small": "(a b : Nat) (h : a = b) : a.succ = b.succ",
    "false_elim_small": "(P : Prop) (h : False) : P",
    "iff_forward_small": "(P Q : Prop) (h : P ↔ Q) : P → Q",
    "exists_elim_rewrite_small": "(P : Nat → Prop) (n : Nat) (h : ∃ m : Nat, m = n ∧ P m) : P n",
}


class InlinePool:
    """A process pool that works in this process."""

    imap = staticmethod(lambda function, tasks, chunksize=1: map(function, tasks))


@pytest.fixture(scope="session")
def plan():
    section = config.load([ROOT / "configs" / "local.yaml"]).theorems.families
    return replace(families.plan_of(section), train=90, valid=20, test=40, train_depth=5,
                   test_depth=7, depths=[1, 4, 4, 4, 4], depths_of={}, family_share=0.2,
                   depth_share=0.25)


@pytest.fixture(scope="session")
def selected(plan):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "CHUNK", {name: size // 4 for name, size in families.CHUNK.items()})
        return families.select(plan, InlinePool)


@pytest.fixture(scope="session")
def rows(plan, selected):
    return families_check.check_all(families.name_rows(list(selected), plan.seed), InlinePool)


def test_smoke_fixture_is_the_twelve_theorems():
    path = ROOT / "examples" / "minif2f_smoke.jsonl"
    theorems = load_theorems(path)
    assert [t.name for t in theorems] == list(SMOKE)
    for row, theorem in zip(read_jsonl(path), theorems, strict=True):
        assert set(row) == {"name", "formal_statement", "prompt"}
        assert theorem.statement == f"theorem {theorem.name} {SMOKE[theorem.name]} := by"
        opened = "open List\n\n" if theorem.name == "list_append_nil_small" else ""
        assert theorem.header == f"import Mathlib\n\n{opened}"
        assert row["prompt"] == prompt_text(row["formal_statement"])


@pytest.mark.parametrize(("formula", "text"), [
    (imp("P", "Q", "R"), "P → Q → R"),
    (imp(imp("P", "Q"), "R"), "(P → Q) → R"),
    (("not", ("or", "P", "Q")), "¬(P ∨ Q)"),
    (("and", ("not", ("P", "a")), ("ex", "x", ("Q", "x"))), "¬P a ∧ ∃ x, Q x"),
    (imp(("ex", "x", ("P", "x")), ("Q", ("f", "a"))), "(∃ x, P x) → Q (f a)"),
    (forall(imp(("R", "x", "y"), ("P", "y"))), "∀ (x y : Nat), R x y → P y"),
    (("=", ("f", ("+", "a", ("+", "b", "1"))), "c"), "f (a + (b + 1)) = c"),
    (("P", ("reverse", ("++", "xs", ("::", "a", "ys")))), "P (xs ++ a :: ys).reverse"),
    (("P", ("++", "xs", ("::", "a", ("::", ("f", "b"), "[]")))), "P (xs ++ [a, f b])"),
])  # fmt: skip
def test_formulas_print_as_lean_prints_them(formula, text):
    assert show(formula) == text


@pytest.mark.parametrize(("hyps", "target", "depth"), [
    (["P"], "P", 1),
    ([("or", "P", "Q"), imp("P", "R"), imp("Q", "S", "R"), "S"], "R", 6),
    ([("not", ("or", "P", ("not", "P")))], "False", 6),  # double negation of excluded middle
    ([imp(imp("P", "Q"), "P")], "P", None),  # Peirce's law is not intuitionistic
    ([("or", "P", "Q")], "P", None),
    ([("=", ("f", "a"), "b"), ("P", "b")], ("P", ("f", "a")), 2),
    ([("P", "0"), forall(imp(("P", "x"), ("P", ("+", "x", "1"))))], ("P", "n"), 4),
    ([("P", "a"), forall(imp(("P", "x"), ("Q", ("f", "x"))))], ("ex", "x", ("Q", "x")), 3),
])  # fmt: skip
def test_depth_is_the_length_of_a_shortest_proof(hyps, target, depth):
    proof = Prover().prove(draft(hyps, target).goal, 7)
    assert (proof and len(proof)) == depth


def test_new_names_follow_one_rule():
    goal = draft([("ex", "x", ("and", ("P", "x"), ("Q", "x"))), ("R", "a")],
                 ("ex", "x", ("Q", "x"))).goal  # fmt: skip
    assert Prover().prove(goal, 6) == [
        "obtain ⟨b, hPQ⟩ := hPQ", "obtain ⟨hP, hQ⟩ := hPQ", "refine ⟨b, ?_⟩", "assumption"]


def test_hypotheses_are_named_by_their_conclusion():
    hyps = [forall(imp(("P", "x"), ("Q", "x"))), ("=", ("f", ("g", "a")), "b"), ("not", "P"),
            imp(imp("P", "Q"), "R"), ("ex", "x", ("P", "x")), ("P", "b"), "False"]
    assert [name for name, _ in draft(hyps, "S").goal.hyps] == [
        "hQP", "hfgab", "hP", "hRQP", "hP'", "hP''", "h"]


def rename(goal: Goal, rng) -> Goal:
    """The same statement with other symbols and hypotheses in another order."""
    targets = {}
    for pool in ("PQRSTU", "abcd", "fgk"):
        new = list(pool)
        rng.shuffle(new)
        targets |= dict(zip(pool, new, strict=True))

    def walk(e):
        if isinstance(e, str):
            return targets.get(e, e)
        return tuple(walk(s) for s in e)

    hyps = [walk(f) for _, f in goal.hyps]
    rng.shuffle(hyps)
    return draft(hyps, walk(goal.target)).goal


@pytest.mark.parametrize("family", [*TRAINED, *HELD_OUT])
def test_renaming_never_changes_the_key(family):
    rng = random.Random(7)
    for size in range(1, 10):
        goal = {**TRAINED, **HELD_OUT}[family](rng, size).goal
        assert canonical_key(goal) == canonical_key(rename(goal, rng))


def test_different_statements_have_different_keys():
    a = draft([imp("P", "Q"), "P"], "Q").goal
    b = draft([imp("P", "Q"), "Q"], "P").goal
    assert canonical_key(a) != canonical_key(b)


def test_no_statement_is_another_one_renamed(selected):
    """By brute force over renamings, independent of canonical_key."""
    shapes: dict = {}
    for _, _, candidate in selected:
        text = statement("t", candidate.goal)
        shapes.setdefault(shape_of(text), []).append(candidate.goal)
    for goals in shapes.values():
        normal = [normal_forms(goal) for goal in goals if len(goals) > 1]
        for i, forms in enumerate(normal):
            assert all(not forms & other for other in normal[:i])


def shape_of(text: str) -> str:
    *hyps, target = [re.sub(r"\b[P-U]\b|\b[a-gk]\b", "_", part)
                     for part in re.split(r" \(h\d+ : |\) : ", text)]
    return "|".join([*sorted(hyps), target])


def normal_forms(goal: Goal) -> set:
    """Every renaming of the statement (within a kind of symbol), hypotheses in sorted order."""
    used = set(re.findall(r"\b[A-Za-z]\b", " ".join(map(show, [*dict(goal.hyps).values(),
                                                              goal.target]))))
    pools = ["".join(sorted(used & set(kind))) for kind in ("PQRSTU", "abcd", "fgk")]
    forms = set()
    for images in product(*(permutations(pool) for pool in pools)):
        new = {a: f"{kind}{i}" for kind, pool, image in zip("pvf", pools, images, strict=True)
               for i, a in enumerate(image)}  # fmt: skip
        hyps = sorted(map(repr, (swap(f, new) for _, f in goal.hyps)))
        forms.add((*hyps, repr(swap(goal.target, new))))
    return forms


def swap(e, new: dict):
    return new.get(e, e) if isinstance(e, str) else tuple(swap(s, new) for s in e)


def test_splits_hold_out_families_and_depths(plan, rows):
    by_split = {s: [r for r in rows if r["split"] == s] for s in ("train", "valid", "test")}
    assert [len(by_split[s]) for s in by_split] == [plan.train, plan.valid, plan.test]
    assert max(r["depth"] for r in by_split["train"]) <= plan.train_depth
    assert not {r["family"] for r in by_split["train"] + by_split["valid"]} & set(HELD_OUT)
    kinds = Counter(r["holdout"] for r in by_split["test"])
    assert kinds == {"family": 8, "depth": 10, None: 22}
    assert all(r["depth"] > plan.train_depth for r in rows if r["holdout"] == "depth")
    assert all(r["family"] in HELD_OUT for r in rows if r["holdout"] == "family")


def test_rows_are_checked_theorems(rows):
    for row in rows:
        assert row["depth"] == len(row["proof"]) == len(row["states"])
        assert row["states"][0].endswith("⊢ " + row["formal_statement"].removesuffix(
            " := by").rsplit(") : ", 1)[-1])
        assert all("⊢ " in state for state in row["states"])
        assert row["prompt"] == prompt_text(row["formal_statement"])
    assert len({row["name"] for row in rows}) == len(rows)


def test_a_wrong_reference_proof_stops_the_generation(rows):
    bad = [{**row, "proof": row["proof"][:-1] + ["exfalso"]} for row in rows[:3]]
    with pytest.raises(families_check.CheckFailed, match=bad[0]["name"]):
        families_check.check_all(bad, InlinePool)


def test_chunks_depend_on_the_seed_only(monkeypatch):
    monkeypatch.setitem(families.CHUNK, "chain", 60)
    first = families.prove_chunk(("chain", 0, 0, 6, [3, 4]))
    assert first and first == families.prove_chunk(("chain", 0, 0, 6, [3, 4]))
    assert first != families.prove_chunk(("chain", 1, 0, 6, [3, 4]))


def test_greedy_chains_find_what_needs_no_search():
    easy = draft([imp("P", "Q"), imp("Q", "R"), "P"], "R").goal
    hard = draft([imp("S", "R"), imp("P", "R"), imp("T", "R"), imp("S", "P"), imp("T", "P"),
                  "U", imp("U", "P"), imp("Q", "P")], "R").goal  # fmt: skip
    assert families_greedy.needs_no_search(easy)
    assert not families_greedy.needs_no_search(hard)


def test_a_finished_folder_is_left_alone_and_a_damaged_one_is_not(tmp_path, plan):
    tiny = replace(plan, train=1, valid=1, test=1)
    meta = {"recipe": families.recipe_hash(tiny), "files": {}}
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.jsonl").write_text("{}\n")
        meta["files"][split] = families.file_hash(tmp_path / f"{split}.jsonl")
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    assert families.generate(tiny, tmp_path) == meta
    (tmp_path / "test.jsonl").write_text("{\n")
    assert families.up_to_date(tmp_path, meta["recipe"]) is None
    assert families.up_to_date(tmp_path, "another recipe") is None


def test_bad_settings_are_named():
    section = config.load().theorems.families.copy()
    section = section.__class__({**section, "depths": [1, 2]})
    with pytest.raises(config.ConfigError, match="depths"):
        families.plan_of(section)
    section = section.__class__({**section, "weights": {"chian": 1}})
    with pytest.raises(config.ConfigError, match="chian"):
        families.plan_of(section)
    section = section.__class__({**section, "weights": {}, "depths": [1] * section.train_depth})
    zeros = {"sums": [0] * section.train_depth}
    for wrong, named in (({"chian": [1]}, "depths_of.*chian"), ({"sums": [1]}, "depths_of.sums"),
                         (zeros, "depths_of.sums.*above 0")):
        with pytest.raises(config.ConfigError, match=named):
            families.plan_of(section.__class__({**section, "depths_of": wrong}))


def test_a_family_may_have_its_own_depths(plan):
    want = families.quotas(replace(plan, depths_of={"sums": [0, 0, 0, 1, 3]}))
    total = sum(want["sums"][d]["train"] for d in range(1, 6))
    assert [want["sums"][d]["train"] for d in range(1, 6)] == [0, 0, 0, total / 4, 3 * total / 4]
    assert want["chain"] == families.quotas(plan)["chain"]


def test_substitution_leaves_other_names_alone():
    assert subst(("P", ("f", "x"), "y"), {"x": "a"}) == ("P", ("f", "a"), "y")


def test_kept_theorems_come_back_under_their_recipe_only(tmp_path, rows):
    path = tmp_path / "found.jsonl"
    families_found.keep(rows, "recipe", path)
    assert families_found.load("recipe", path) == [
        {key: value for key, value in row.items() if key != "states"} for row in rows]
    assert families_found.load("another", path) is None
    assert families_found.load("recipe", tmp_path / "missing.jsonl") is None
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))  # a line is lost
    assert families_found.load("recipe", path) is None


REMEDY = "run: python -m local.families --config configs/local.yaml --keep"


@pytest.fixture(scope="module")
def kept():
    plan = families.plan_of(config.load([ROOT / "configs" / "local.yaml"]).theorems.families)
    rows = families_found.load(families.recipe_hash(plan))
    assert rows is not None, f"examples/families.jsonl is not of the present recipe; {REMEDY}"
    return plan, rows


def test_the_kept_theorems_are_what_the_generator_finds(kept):
    """A family's first chunk is drafted and proved again; much of what it finds must be kept."""
    plan, rows = kept
    want = families.quotas(plan)
    known = {row["formal_statement"].partition("(")[2] for row in rows}
    for family in ("chain", "lists"):
        sizes = families._sizes(want[family], defaultdict(list), family)
        found = families.prove_chunk((family, plan.seed, 0, plan.test_depth, sizes))
        again = [statement("t", c.goal).partition("(")[2] in known for c in found]
        assert sum(again) > len(again) / 4, f"{family}: {sum(again)} of {len(again)}; {REMEDY}"


def test_the_kept_splits_have_the_planned_sizes_and_share_no_statement(kept):
    plan, rows = kept
    counts = Counter(row["split"] for row in rows)
    assert counts == {"train": plan.train, "valid": plan.valid, "test": plan.test}
    assert len({row["name"] for row in rows}) == len(rows)
    texts = {row["formal_statement"].partition("(")[2] for row in rows}
    assert len(texts) == len(rows)
    deepest = max(row["depth"] for row in rows if row["split"] == "train")
    assert all(row["depth"] > deepest for row in rows if row["holdout"] == "depth")
    trained = {row["family"] for row in rows if row["split"] == "train"}
    assert not trained & {row["family"] for row in rows if row["holdout"] == "family"}
