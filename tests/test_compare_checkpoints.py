"""Comparison of two evaluations: paired, and refused where they are not comparable."""

from __future__ import annotations

import json

import pytest

import compare_checkpoints
from coprover.config import InputError


def result(counts: dict[str, int], n: int = 8, version: str = "w") -> dict:
    rows = [{"name": name, "statement": f"s{name}", "n": n, "c": c} for name, c in counts.items()]
    return {"theorems": rows, "weight_version": version, "dataset": "d.jsonl"}


A = result({"t1": 8, "t2": 0, "t3": 2, "t4": 0}, version="a")
B = result({"t4": 0, "t3": 4, "t2": 1, "t1": 0}, version="b")  # another order


def test_pass_at_k_differences_and_solvers_by_hand():
    out = compare_checkpoints.compare(A, B, [1, 8, 32])
    one = out["pass_at_k"]["pass@1"]
    assert one["a"]["mean"] == pytest.approx((1 + 0 + 2 / 8 + 0) / 4)
    assert one["b"]["mean"] == pytest.approx((0 + 1 / 8 + 4 / 8 + 0) / 4)
    assert one["b_minus_a"]["mean"] == pytest.approx(one["b"]["mean"] - one["a"]["mean"])
    assert one["b_minus_a"]["low"] <= one["b_minus_a"]["mean"] <= one["b_minus_a"]["high"]
    assert "pass@32" not in out["pass_at_k"]  # only 8 samples
    assert (out["only_a"], out["only_b"], out["both"], out["neither"]) == (["t1"], ["t2"], 1, 1)


def test_pairing_is_tighter_than_two_intervals():
    a = result({f"t{i}": (i % 2) * 8 for i in range(40)})
    b = result({f"t{i}": (i % 2) * 8 for i in range(40)} | {"t0": 8})
    one = compare_checkpoints.compare(a, b, [1])["pass_at_k"]["pass@1"]
    width = one["b_minus_a"]["high"] - one["b_minus_a"]["low"]
    assert width < (one["a"]["high"] - one["a"]["low"]) / 2


def test_different_theorems_or_statements_are_refused():
    with pytest.raises(InputError, match="'t1'"):
        compare_checkpoints.compare(A, result({"t2": 0, "t3": 0, "t4": 0}), [1])
    changed = json.loads(json.dumps(B))
    changed["theorems"][0]["statement"] = "other"
    with pytest.raises(InputError, match="another statement"):
        compare_checkpoints.compare(A, changed, [1])


def test_finished_evaluations_are_compared_from_files(tmp_path, monkeypatch, capsys):
    for name, value in (("a", A), ("b", B)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    out = tmp_path / "comparison.json"
    monkeypatch.setattr("sys.argv", [
        "compare_checkpoints.py", "--result-a", str(tmp_path / "a.json"), "--result-b",
        str(tmp_path / "b.json"), "--label-a", "baseline", "--label-b", "co-trained",
        "--output", str(out),
    ])  # fmt: skip
    assert compare_checkpoints.main() == 0
    written = json.loads(out.read_text())
    assert written["label_b"] == "co-trained" and written["weight_version"] == ["a", "b"]
    said = capsys.readouterr().out
    assert "only baseline solves 1: t1" in said and "only co-trained solves 1: t2" in said


def test_a_file_that_is_no_evaluation_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"theorems": [{"name": "t"}]}')
    with pytest.raises(InputError, match="not a result"):
        compare_checkpoints.read_result(tmp_path / "x.json")
    with pytest.raises(InputError, match="no evaluation"):
        compare_checkpoints.read_result(tmp_path / "y.json")
