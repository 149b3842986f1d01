"""The frontier keeps what is solved sometimes, by the last round that tried."""

from __future__ import annotations

import json

import pytest

import filter_dataset
from coprover.config import ConfigError, InputError
from coprover.frontier import Rate, latest_rates, solve_rates
from coprover.records import read_jsonl


def attempts(name: str, verdicts: str) -> list[dict]:
    words = {"v": "verified", "r": "rejected", "t": "timeout", "d": "declined", "u": "unavailable"}
    return [{"theorem": name, "sample": i, "verdict": words[v]} for i, v in enumerate(verdicts)]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def theorems(tmp_path):
    return write(tmp_path / "t.jsonl", [
        {"name": n, "formal_statement": f"theorem {n} : True := by", "family": "kept"}
        for n in ("easy", "hard", "good", "new", "once")
    ])  # fmt: skip


def run(monkeypatch, *argv) -> int:
    monkeypatch.setattr("sys.argv", ["filter_dataset.py", *map(str, argv)])
    return filter_dataset.main()


def test_rates_count_judged_attempts_only():
    rates = solve_rates(attempts("a", "vrtduu"))
    assert rates == {"a": Rate(4, 1)} and rates["a"].rate == 0.25
    with pytest.raises(InputError, match="verdict"):
        solve_rates([{"theorem": "a", "verdict": "perhaps"}])


def test_the_last_round_that_tried_decides():
    rates = latest_rates([attempts("a", "rr") + attempts("b", "vr"), attempts("a", "vr")])
    assert rates == {"a": Rate(2, 1), "b": Rate(2, 1)}


def test_frontier_of_two_rounds(tmp_path, theorems, monkeypatch, capsys):
    write(tmp_path / "r1" / "attempts.jsonl", attempts("good", "rr") + attempts("hard", "rrrr"))
    write(tmp_path / "r2" / "attempts.jsonl",
          attempts("good", "vr") + attempts("easy", "vvuv") + attempts("once", "v"))  # fmt: skip
    out = tmp_path / "f.jsonl"
    rounds = f"grpo.rounds=[{tmp_path / 'r1'},{tmp_path / 'r2'}]"
    assert run(monkeypatch, "--theorems", theorems, "--output", out, "--set", rounds) == 0
    rows = read_jsonl(out)
    assert [row["name"] for row in rows] == ["good"] and rows[0]["family"] == "kept"
    said = capsys.readouterr().out
    for words in ("1 on the frontier", "1 too hard", "1 too easy", "2 not attempted enough"):
        assert words in said


def test_without_attempts_everything_is_kept(tmp_path, theorems, monkeypatch, capsys):
    out = tmp_path / "f.jsonl"
    run(monkeypatch, "--theorems", theorems, "--output", out)
    assert len(read_jsonl(out)) == 5 and "no attempts yet" in capsys.readouterr().err


def test_an_empty_frontier_is_an_error(tmp_path, theorems, monkeypatch):
    path = write(tmp_path / "a.jsonl", attempts("easy", "vv"))
    with pytest.raises(InputError, match="no theorem is on the frontier"):
        run(monkeypatch, "--theorems", theorems, "--attempts", f"[{path}]",
            "--output", tmp_path / "f.jsonl")  # fmt: skip
    assert not (tmp_path / "f.jsonl").exists()


def test_bad_arguments_are_named(tmp_path, theorems, monkeypatch):
    out = tmp_path / "f.jsonl"
    with pytest.raises(InputError, match="no attempts at"):
        run(monkeypatch, "--theorems", theorems, "--attempts", "[nowhere.jsonl]", "--output", out)
    with pytest.raises(ConfigError, match="min_rate"):
        run(monkeypatch, "--theorems", theorems, "--min-rate", "0.9", "--max-rate", "0.5",
            "--output", out)  # fmt: skip
    with pytest.raises(ConfigError, match="--output"):
        run(monkeypatch, "--theorems", theorems)
