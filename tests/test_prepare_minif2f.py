"""Benchmarks of every source become theorems; nothing with a `sorry` in its statement is posed."""

from __future__ import annotations

import json

import pytest

import prepare_minif2f
from coprover import datasets_io, prompts
from coprover.config import InputError
from coprover.records import RecordError, load_theorems, read_jsonl


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


ENDINGS = ["", " :=", " := by", " := by sorry", " := sorry", " := by\n  sorry"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_becomes_by(ending):
    text = f"theorem t : True{ending}"
    row = datasets_io.theorem_row({"name": "t", "formal_statement": text}, "x")
    assert row["formal_statement"] == "import Mathlib\n\ntheorem t : True := by"
    assert row["prompt"] == prompts.prompt_text(row["formal_statement"])


def test_field_names_of_other_sources():
    row = datasets_io.theorem_row(
        {"uuid": 7, "statement": "theorem t : True := by sorry",
         "header": "import Mathlib\nopen Nat", "natural_language": "trivial"}, "x",
    )  # fmt: skip
    assert row["name"] == "7" and row["informal"] == "trivial"
    assert row["formal_statement"] == "import Mathlib\nopen Nat\n\ntheorem t : True := by"


def test_lean_workbook_rows(tmp_path):
    """Both files of internlm/Lean-Workbook; one repeats a statement for every traced tactic."""
    statement = "theorem lean_workbook_7 (x : ℝ) : exp x > 0  :=  by sorry"
    rows = [{"natural_language_statement": "$e^x>0$", "answer": "", "tags": [], "proof": [],
             "formal_statement": statement, "split": "lean_workbook"},
            {"id": "lean_workbook_7", "status": "proved", "tactic": "positivity",
             "state_before": "x : ℝ\n⊢ exp x > 0", "state_after": "no goals",
             "natural_language_statement": "$e^x>0$", "answer": "", "formal_statement": statement}]
    output = tmp_path / "out.jsonl"
    prepare_minif2f.main(["workbook", "--from", str(write(tmp_path / "w.jsonl", rows)),
                          "--output", str(output)])
    [theorem] = load_theorems(output)
    assert theorem.name == "lean_workbook_7" and theorem.extra["informal"] == "$e^x>0$"
    assert "open BigOperators Real Nat Topology Rat" in theorem.header


def test_downloads_ask_for_what_the_hub_has(monkeypatch, tmp_path):
    asked = []

    def load_dataset(name, data_files=None, split=None):
        asked.append((name, data_files, split))
        return [{"name": "t", "formal_statement": "theorem t : True := by"}]

    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    for dataset in ("minif2f", "promptset", "workbook"):
        prepare_minif2f.main([dataset, "--output", str(tmp_path / "x.jsonl")])
    assert asked == [("AI-MO/minif2f_test", None, "train"),
                     ("AI-MO/Kimina-Prover-Promptset", None, "train"),
                     ("internlm/Lean-Workbook", "lean_workbook.json", "train")]


def test_a_row_without_a_statement_names_its_keys():
    with pytest.raises(RecordError, match="question"):
        datasets_io.theorem_row({"question": "?"}, "x", "x:3")


ANSWER = {
    "name": "p", "has_answer_abbrev": True,
    "header": "import Mathlib\n\nabbrev p_solution : ℕ := sorry\n-- 5\n\n",
    "formal_statement": "theorem p : 5 = p_solution := by",
}  # fmt: skip


def test_putnam_answers_are_put_in_and_recorded():
    row = datasets_io.theorem_row(ANSWER, "putnambench")
    assert "abbrev p_solution : ℕ := 5\n" in row["formal_statement"]
    assert "sorry" not in row["formal_statement"] and row["answer"] == "given"


@pytest.mark.parametrize(
    "row",
    [
        ANSWER | {"header": "import Mathlib\n\nabbrev p_solution : ℕ := sorry\n\n"},
        {"name": "q", "formal_statement": "def x : ℕ := sorry\n\ntheorem q : x = 1 := by"},
    ],
)
def test_a_sorry_in_the_statement_is_unposable(row):
    with pytest.raises(datasets_io.Unposable):
        datasets_io.theorem_row(row, "x")
    kept, counts = datasets_io.theorem_rows([row], "x")
    assert kept == [] and counts["unposable"] == 1


def test_sorry_in_a_comment_or_a_name_is_no_matter():
    text = "/-- sorry about that -/\ntheorem sorry_not : True := by -- sorry\n  sorry"
    datasets_io.theorem_row({"name": "t", "formal_statement": text.split(" -- ")[0]}, "x")


def test_duplicates_go_by_statement_and_names_become_unique():
    rows = [
        {"name": "a", "formal_statement": "theorem a (n : ℕ) : n = n := by"},
        {"name": "b", "formal_statement": "theorem b  (n : ℕ) :\n  n = n := by sorry"},
        {"name": "a", "formal_statement": "theorem a : True := by"},
    ]
    kept, counts = datasets_io.theorem_rows(rows, "x")
    assert [row["name"] for row in kept] == ["a", "a_2"]
    assert counts == {"rows": 3, "duplicate": 1, "unposable": 0}


def test_training_rows_lose_benchmark_statements_and_a_held_out_part(tmp_path, capsys):
    rows = [{"name": f"t{i}", "formal_statement": f"theorem t{i} : {i} = {i} := by"}
            for i in range(20)]  # fmt: skip
    source = write(tmp_path / "all.jsonl", rows)
    bench = tmp_path / "bench.jsonl"
    prepare_minif2f.main(
        ["minif2f", "--from", str(write(tmp_path / "b.jsonl", rows[:4])), "--output", str(bench)]
    )
    train, valid = tmp_path / "train.jsonl", tmp_path / "valid.jsonl"
    prepare_minif2f.main([
        "promptset", "--from", str(source), "--output", str(train), "--exclude", str(bench),
        "--hold-out", str(valid), "--hold-out-n", "5",
    ])  # fmt: skip
    assert "4 statements left out" in capsys.readouterr().out
    names = [{row["name"] for row in read_jsonl(path)} for path in (train, valid, bench)]
    assert [len(n) for n in names] == [11, 5, 4] and len(set.union(*names)) == 20
    assert {row["split"] for row in read_jsonl(valid)} == {"valid"}


def test_every_excluded_file_counts(tmp_path):
    """Given together or one by one: the second must not replace the first."""
    rows = [{"name": f"t{i}", "formal_statement": f"theorem t{i} : {i} = {i} := by"}
            for i in range(6)]  # fmt: skip
    source, out = write(tmp_path / "all.jsonl", rows), tmp_path / "train.jsonl"
    parts = [str(write(tmp_path / f"b{i}.jsonl", rows[i:i + 1])) for i in range(3)]
    prepare_minif2f.main(["promptset", "--from", str(source), "--output", str(out),
                          "--exclude", *parts[:2], "--exclude", parts[2]])
    assert [row["name"] for row in read_jsonl(out)] == ["t3", "t4", "t5"]


def test_parquet_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    path = tmp_path / "x.parquet"
    datasets.Dataset.from_list(
        [{"name": "t", "formal_statement": "theorem t : True := by sorry"}]
    ).to_parquet(str(path))
    assert [row["name"] for row in prepare_minif2f.read_rows(path)] == ["t"]


def test_bad_inputs_name_the_remedy(tmp_path):
    with pytest.raises(InputError, match="--from"):
        prepare_minif2f.main(["putnambench"])
    with pytest.raises(InputError, match="parquet"):
        list(prepare_minif2f.read_rows(tmp_path / "x.csv"))


@pytest.mark.parametrize(
    ("dataset", "file", "count", "answers"),
    [("minif2f", "minif2f/minif2f.jsonl", 488, 0),
     ("minif2f", "minif2f/minif2f_deepseek_v15.jsonl", 488, 0),
     ("putnambench", "putnambench/putnambench.jsonl", 672, 346)],
)  # fmt: skip
def test_real_benchmarks_load_and_round_trip(data_dir, tmp_path, dataset, file, count, answers):
    output = tmp_path / "out.jsonl"
    prepare_minif2f.main([dataset, "--from", str(data_dir / file), "--output", str(output)])
    theorems = load_theorems(output)
    assert len(theorems) == count
    originals = {row["name"]: row for row in read_jsonl(data_dir / file)}
    for theorem in theorems:
        source = originals[theorem.name]
        assert theorem.formal_statement.endswith(":= by")
        assert theorem.header + theorem.statement == theorem.formal_statement
        assert theorem.statement.split() == source["formal_statement"].split()
        assert theorem.formal_statement in prompts.whole_proof(theorem)
    given = [t for t in theorems if t.extra.get("answer") == "given"]
    assert len(given) == answers
    if dataset == "putnambench":
        assert not any(datasets_io._SORRY.search(datasets_io._COMMENT.sub("", t.formal_statement))
                       for t in theorems)  # fmt: skip
