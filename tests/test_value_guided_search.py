"""The search command and the comparison of rules, over the toy world."""

import asyncio
import contextlib
import json

import pytest
import toy_world as toy

import value_guided_search as command
from coprover import config
from coprover.config import ConfigError
from coprover.expand import Expander, Settings, one_step

SETS = ["search.prompt=state", "search.budget=60", "evaluate.search_budget=60"]


@pytest.fixture
def servers(monkeypatch):
    """Replaces the servers by the toy world; returns the expanders that were opened."""
    opened = []

    @contextlib.asynccontextmanager
    async def connect(cfg, *, value_url=None, **_):
        value = toy.ToyValue() if value_url else None
        tool = Expander(toy.ToySampler(), toy.ToyStepper(), toy.ToyVerifier(), value,
                        Settings(candidates=7))
        opened.append(await tool.identify())
        yield tool

    monkeypatch.setattr("coprover.expand.connect", connect)
    return opened


def compare(tmp_path, numbers, specs, *sets):
    cfg = config.load([], [*SETS, *sets])
    return asyncio.run(command.compare_rules(cfg, [toy.theorem(n) for n in numbers], specs,
                                             tmp_path))


def test_compare_rules_resumes_and_summarises(tmp_path, servers):
    specs = ["logprob:a=0", "logprob:a=1", "value", "oracle"]
    compare(tmp_path, [3, 6], specs)
    result = compare(tmp_path, [3, 6, 12, 17], specs)
    assert result["n_theorems"] == 4 and set(result["rules"]) == set(specs)
    assert result["rules"]["value"]["solved"] == 4 and result["baseline"].startswith("logprob")
    ratio = result["against_baseline"]["value"]["expansions_ratio"]["mean"]
    assert ratio < 1 and result["generator"] == "g1" and result["value_model"] == "v1"
    row = result["theorems"][2]
    assert row["name"] == "reach_12" and row["rules"]["value"]["proof"]
    again = compare(tmp_path, [3, 6, 12, 17], specs)
    assert again == result and servers[2].sampler.calls == 0
    json.dumps(result)


def test_rules_are_compared_at_the_budget_of_the_share(tmp_path, servers):
    specs, numbers = ["logprob:a=0", "value"], [3, 6, 12, 17]
    whole = compare(tmp_path, numbers, specs)
    half = compare(tmp_path, numbers, specs, "evaluate.search_share=0.5")
    assert (whole["budget"], whole["searched"], half["searched"]) == (60, 60, 60)
    assert half["budget"] < 60 and half["rules"]["logprob:a=0"]["solved"] == 2
    with pytest.raises(ConfigError, match="search_share.*not 70"):
        compare(tmp_path, numbers, specs, "evaluate.search_share=70")


def test_search_file_resumes_and_refuses_other_settings(tmp_path, servers):
    path = tmp_path / "search.jsonl"
    theorems = [toy.theorem(n) for n in (2, 5, 9)]
    cfg = config.load([], [*SETS, "search.rule=logprob"])
    asyncio.run(command.search_file(cfg, theorems[:2], path))
    asyncio.run(command.search_file(cfg, theorems, path))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(r["theorem"] for r in rows) == ["reach_2", "reach_5", "reach_9"]
    assert all(r["solved"] and r["rule"] == "logprob" for r in rows)
    other = config.load([], [*SETS, "search.rule=logprob:a=0"])
    with pytest.raises(ConfigError, match="results of other settings"):
        asyncio.run(command.search_file(other, theorems, path))


def test_candidates_must_be_one_harmless_step():
    assert one_step("intro h") and one_step("cases h with\n| inl a => exact a\n| inr b => exact b")
    assert not one_step("intro h\nexact h") and not one_step("intro h; exact h")
    assert not one_step("sorry") and not one_step("exact (by native_decide)")
    assert not one_step("exact \"")
