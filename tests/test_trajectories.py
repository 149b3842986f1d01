"""Trajectory rows, merging over rounds, the collector and the value data made from them."""

import asyncio
import contextlib
import json

import pytest
import toy_world as toy

import prepare_value_data
import trajectory_collector as collector
from coprover import config
from coprover.config import ConfigError
from coprover.expand import Expander, Settings
from coprover.trajectories import merge_rows, theorem_rows


def attempt(numbers, tactics, verdict="verified", closed=True):
    return {"theorem": "t", "sample": 0, "verdict": verdict, "closed": closed, "tactics": tactics,
            "states": [[f"⊢ {n}"] for n in numbers]}


def by_number(rows):
    return {tuple(toy.goal_number(g) for g in row["goals"]): row for row in rows}


def test_readme_example():
    rows = theorem_rows("t", [attempt([3, 2, 1, 0], ["dec", "dec", "dec", "done"])], [])
    assert [round(r["label"], 2) for r in rows] == [0.81, 0.86, 0.90, 0.95]
    assert [r["tactic"] for r in rows] == ["dec", "dec", "dec", "done"]
    assert {r["outcome"] for r in rows} == {"proven"} and {r["source"] for r in rows} == {"sample"}


def test_failed_attempt_is_censored_and_unverified_end_is_no_proof():
    rows = theorem_rows("t", [attempt([3, 2], ["dec"], "rejected", False)], [])
    assert [r["outcome"] for r in rows] == ["censored"] * 2 and rows[0]["label"] == 0
    rows = theorem_rows("t", [attempt([1, 0], ["dec", "done"], "rejected", True)], [])
    assert [r["outcome"] for r in rows] == ["censored"] * 2


def test_shorter_proof_of_any_source_wins():
    long = attempt([4, 3, 2, 1, 0], ["dec"] * 4 + ["done"])
    short = attempt([4, 2, 1, 0], ["half", "half", "dec", "done"])
    rows = by_number(theorem_rows("t", [long, short], []))
    assert rows[4,]["d"] == 4 and rows[4,]["tactic"] == "half" and rows[3,]["d"] == 4
    assert rows[2,]["effort"] == 2


def search_tree(expanded=(0, 1, 2)):
    """9 -split-> (4, 4); its first goal -trap-> stuck, -half-> (2, 4)."""
    states = [["⊢ 9"], ["case g0\n⊢ 4", "case g1\n⊢ 4"], ["⊢ stuck", "case g1\n⊢ 4"],
              ["⊢ 2", "case g1\n⊢ 4"]]
    edges = [[["split", -1, 1]], [["trap", -1, 2], ["half", -2, 3]], [], []]
    return [{"goals": goals, "parent": parent, "expanded": i in expanded, "failed": 0,
             "edges": edges[i]}
            for i, (goals, parent) in enumerate(zip(states, (None, 0, 1, 1), strict=True))]


def test_search_rows_per_state_and_goal():
    rows = theorem_rows("t", [], [{"tree": search_tree()}], round=2, generator="g")
    named = {(row["kind"], row["goals"][-1] if len(row["goals"]) == 1 else len(row["goals"])): row
             for row in rows}
    assert {r["generator"] for r in rows} == {"g"}
    first = named["goal", "case g0\n⊢ 4"]
    assert first["outcome"] == "censored" and first["effort"] == 2
    assert named["goal", "⊢ stuck"]["outcome"] == "refuted"
    assert named["state", "⊢ 9"]["effort"] == 3 and len(named["state", 2]["parts"]) == 2
    assert ("goal", "⊢ 2") not in named, "nobody worked on it"


def test_merge_joins_steps_of_different_rounds():
    one = theorem_rows("t", [], [{"tree": search_tree()}], round=1)
    two = theorem_rows("u", [attempt([4, 2, 1, 0], ["half", "half", "dec", "done"])], [], round=2)
    merged = by_number(merge_rows(one + two))
    assert merged[4,]["d"] == 4 and merged[4,]["theorems"] == ["t", "u"]
    assert merged[9,]["outcome"] == "proven" and merged[9,]["d"] == 1 + 4 + 4
    assert merged[9,]["label"] == pytest.approx(0.95**9) and merged[None,]["outcome"] == "refuted"


def test_merge_of_outcomes():
    def row(outcome, effort):
        return {"theorem": "t", "kind": "state", "goals": ["⊢ 1"], "key": "k", "outcome": outcome,
                "d": None, "label": 0.0, "effort": effort, "tactic": None, "next": []}

    assert merge_rows([row("refuted", 2), row("censored", 0)])[0]["outcome"] == "refuted"
    assert merge_rows([row("refuted", 2), row("censored", 3)])[0]["outcome"] == "censored"
    assert merge_rows([row("censored", 0), row("refuted", 3)])[0]["effort"] == 3


def value_section(**sets):
    return config.load([], [f"value.{k}={v}" for k, v in sets.items()]).value


def test_value_rows_options():
    merged = merge_rows(theorem_rows("t", [], [{"tree": search_tree()}]) + theorem_rows(
        "u", [attempt([1, 0], ["dec", "done"])], []))

    def rows(**sets):
        return prepare_value_data.value_rows(merged, value_section(**sets))

    texts = {s: {r["text"] for r in rows(censored=s)} for s in ("zero", "effort", "drop")}
    assert texts["zero"] == texts["effort"] == {"⊢ 9", "⊢ 4", "⊢ stuck", "⊢ 1", "⊢ 0"}
    assert texts["drop"] == {"⊢ stuck", "⊢ 1", "⊢ 0"}
    weights = {r["text"]: r["weight"] for r in rows(censored="effort", effort_full=4.0)}
    assert weights["⊢ 4"] == 0.5 and weights["⊢ 9"] == 0.75 and weights["⊢ 1"] == 1.0
    whole = {r["text"] for r in rows(per_goal=False)}
    assert "⊢ 4\n\n⊢ 4" in whole and "⊢ 4" not in whole
    with pytest.raises(ConfigError, match=r"value\.censored"):
        rows(censored="maybe")


def test_split_shares_no_state_and_oversampling_stays_in_training():
    rows = [{"key": f"k{i}", "label": i % 2, "theorems": [f"t{i % 10}", *(["t0"] * (i > 40))]}
            for i in range(50)]
    train, valid = prepare_value_data.split_rows(rows, 0.3, 0)
    assert len(train) + len(valid) == 50 and valid
    held = {name for row in valid for name in row["theorems"]}
    assert not any(held.issuperset(row["theorems"]) for row in train)
    more = prepare_value_data.oversample(train, value_section())
    n = sum(row["label"] for row in train)
    assert sum(row["label"] for row in more) == 3 * n and len(more) == len(train) + 2 * n
    few = prepare_value_data.oversample(train, value_section(negatives_per_positive=0.5))
    assert sum(not row["label"] for row in few) == round(0.5 * n)


def test_what_a_later_round_validates_on_was_never_trained_on():
    rows = [{"key": f"k{i}", "label": 1, "theorems": [f"t{i}"]} for i in range(200)]
    first, first_valid = prepare_value_data.split_rows(rows[:90], 0.1, 0)
    _, later_valid = prepare_value_data.split_rows(rows, 0.1, 0)
    assert 2 <= len(first_valid) <= 20 and len(later_valid) > len(first_valid)
    assert not {r["key"] for r in first} & {r["key"] for r in later_valid}
    for n in (2, 3):
        train, valid = prepare_value_data.split_rows(rows[:n], 0.1, 0)
        assert train and valid


def collect(tmp_path, monkeypatch, version="g1", theorems=(3, 6, -1), **sets):
    cfg = config.load([], ["search.prompt=state", f"collect.output={tmp_path}", "collect.budget=40",
                           "collect.samples_per_theorem=2", f"run.dir={tmp_path}",
                           "collect.batch_theorems=2", *(f"{k}={v}" for k, v in sets.items())])
    tools = []

    @contextlib.asynccontextmanager
    async def connect(cfg, **_):
        tool = Expander(toy.ToyProver(version), toy.ToyStepper(), toy.ToyVerifier(), None,
                        Settings(candidates=7))
        tools.append(await tool.identify())
        yield tool

    monkeypatch.setattr("coprover.expand.connect", connect)
    facts = asyncio.run(collector.collect(cfg, [toy.theorem(n) for n in theorems]))
    return facts, tools[0]


def test_what_is_not_searched_in_time_still_gives_rows_of_its_samples(tmp_path, monkeypatch):
    facts, _ = collect(tmp_path, monkeypatch, **{"collect.begin_s": -1})
    assert facts["theorems_searched"] == 0 == facts["expansions"] and facts["attempts"] == 6
    assert facts["states"] > 0 and (tmp_path / "trajectories.jsonl").exists()


def test_collector_writes_rows_and_repeats_nothing(tmp_path, monkeypatch):
    facts, tool = collect(tmp_path, monkeypatch)
    assert facts["attempts"] == 6 and facts["verified"] == 2 and facts["theorems_searched_ok"] == 2
    rows = [json.loads(x) for x in (tmp_path / "trajectories.jsonl").read_text().splitlines()]
    named = by_number([r for r in rows if r["theorem"] == "reach_6"])
    assert named[6,]["outcome"] == "proven" and named[6,]["d"] <= 7
    assert named[6,]["source"] == "sample+search" and named[6,]["generator"] == "g1"
    assert tool.sampler.calls > 0
    again, idle = collect(tmp_path, monkeypatch)
    assert again == facts and idle.sampler.calls == 0 and idle.stepper.calls == 0


def test_collector_resumes_by_theorem(tmp_path, monkeypatch):
    facts, _ = collect(tmp_path / "a", monkeypatch)
    collect(tmp_path / "b", monkeypatch, theorems=(3,))
    path = tmp_path / "b" / "searches.jsonl"
    path.write_text(path.read_text() + '{"theorem": "reach_6", "so')  # killed while writing
    resumed, _ = collect(tmp_path / "b", monkeypatch)
    assert resumed == facts
    for name in ("attempts", "trajectories"):
        both = [sorted((tmp_path / x / f"{name}.jsonl").read_text().splitlines()) for x in "ab"]
        assert both[0] == both[1]


def test_collector_refuses_to_mix_weights(tmp_path, monkeypatch):
    collect(tmp_path, monkeypatch)
    with pytest.raises(ConfigError, match="was made with generator 'g1', now it is 'g2'"):
        collect(tmp_path, monkeypatch, version="g2")


def test_pick_takes_another_part_each_round():
    theorems = [toy.theorem(n) for n in range(10)]
    parts = [{t.name for t in collector.pick(theorems, 4, r, 0)} for r in (1, 2, 3)]
    assert all(len(p) == 4 for p in parts) and not parts[0] & parts[1]
    assert len(set.union(*parts)) == 10
    assert collector.pick(theorems, None, 1, 0) == theorems


def test_steps_of_responses():
    t = toy.theorem(2)
    assert collector.steps_of(t, "```lean4\n  dec\n  dec; done\n```") == ["dec", "dec", "done"]
    whole = "```lean4\nimport Mathlib\n\ntheorem t2 : 2 := by\n  dec\n```"
    assert collector.steps_of(t, whole) == ["dec"]
    assert collector.steps_of(t, "no code") == []


def test_prepared_files(tmp_path, monkeypatch):
    collect(tmp_path, monkeypatch, theorems=(2, 3, 5, 6, 9, 11))
    monkeypatch.setattr("sys.argv", [
        "prepare", "--trajectories", f"[{tmp_path}/trajectories.jsonl]", "--output",
        str(tmp_path / "data"), "--set", "value.valid_fraction=0.5"])
    assert prepare_value_data.main() == 0
    info = json.loads((tmp_path / "data" / "info.json").read_text())
    rows = [json.loads(x) for x in (tmp_path / "data" / "train.jsonl").read_text().splitlines()]
    assert len(rows) == info["train"] == info["train_distinct"] + 2 * info["train_positive"]
    assert info["round"] == 1 and info["outcomes"]["proven"] > 0
