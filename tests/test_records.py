"""Records: good errors for bad lines, nothing torn taken for whole, statements normalised."""

import json

import pytest

from coprover.records import (
    RecordError,
    append_jsonl,
    load_theorems,
    normalise_statement,
    read_jsonl,
    write_jsonl_atomic,
)

ROW = {"name": "t", "formal_statement": "import Mathlib\n\ntheorem t : True := by"}


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"name": "u", ', "x.jsonl:2: not JSON"),
        ("[1]", "x.jsonl:2: a JSON object was expected"),
        ('{"formal_statement": "theorem u : True"}', "x.jsonl:2: a theorem without a `name`"),
        ('{"name": " ", "formal_statement": "theorem u : True"}', "without a `name`"),
        ('{"name": "u"}', "'u' has no `formal_statement`"),
        ('{"name": "u", "formal_statement": "def u := 1"}', "no `theorem NAME`"),
        (json.dumps(ROW), "already used on line 1"),
    ],
)
def test_bad_line_is_named(tmp_path, line, words):
    with pytest.raises(RecordError) as error:
        load_theorems(write(tmp_path / "x.jsonl", json.dumps(ROW), line))
    assert words in str(error.value)


def test_missing_empty_and_binary_files(tmp_path):
    with pytest.raises(RecordError, match="no file"):
        load_theorems(tmp_path / "none.jsonl")
    with pytest.raises(RecordError, match="holds no theorem"):
        load_theorems(write(tmp_path / "e.jsonl"))
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="not UTF-8"):
        load_theorems(tmp_path / "b.jsonl")


def test_line_separators_inside_strings_do_not_split(tmp_path):
    path = tmp_path / "x.jsonl"
    append_jsonl(path, [{"a": "x\u2028y\x85z"}])
    assert read_jsonl(path) == [{"a": "x\u2028y\x85z"}]


def test_torn_last_line_is_cut_only_on_resume(tmp_path):
    path = tmp_path / "x.jsonl"
    append_jsonl(path, [{"a": 1}])
    with path.open("a") as file:
        file.write('{"a": 2')
    with pytest.raises(RecordError, match="x.jsonl:2"):
        read_jsonl(path)
    assert read_jsonl(path, resume=True) == [{"a": 1}]
    append_jsonl(path, [{"a": 3}])
    assert read_jsonl(path) == [{"a": 1}, {"a": 3}]


def test_atomic_write_replaces_whole_file(tmp_path):
    path = tmp_path / "x.jsonl"
    write_jsonl_atomic(path, [{"a": 1}, {"a": 2}])
    write_jsonl_atomic(path, [{"a": 3}])
    assert read_jsonl(path) == [{"a": 3}]
    assert [p.name for p in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize("ending", ["", " :=", " := by", " := sorry", " := by sorry",
                                    " := by\n  sorry", "\n:= by\n"])  # fmt: skip
def test_endings_normalise_to_by(ending):
    assert normalise_statement(f"theorem t : 1 = 1{ending}") == "theorem t : 1 = 1 := by"


def test_separate_header_is_joined_once(tmp_path):
    head = "import Mathlib\nopen Nat"
    once = normalise_statement("theorem t : True", head)
    assert once == f"{head}\n\ntheorem t : True := by"
    assert normalise_statement(once, head) == once
    row = {"name": "n", "header": head, "formal_statement": "theorem t : True", "x": 5}
    [theorem] = load_theorems(write(tmp_path / "x.jsonl", json.dumps(row)))
    assert theorem.header == head + "\n\n" and theorem.statement == "theorem t : True := by"
    assert theorem.declared_name == "t" and theorem.extra == {"x": 5}


def test_header_may_hold_definitions_and_lemmas():
    text = "import Mathlib\n\ndef f := 1\n\ntheorem a : True := trivial\n\ntheorem b : f = 1 := by"
    from coprover.records import Theorem

    theorem = Theorem("b", text)
    assert theorem.statement == "theorem b : f = 1 := by"
    assert theorem.header.endswith("trivial\n\n")


def test_all_benchmark_statements_load(data_dir):
    for name, count in (("minif2f/minif2f.jsonl", 488), ("putnambench/putnambench.jsonl", 672)):
        theorems = load_theorems(data_dir / name)
        assert len(theorems) == count
        assert all(t.formal_statement.endswith(":= by") and t.declared_name for t in theorems)
