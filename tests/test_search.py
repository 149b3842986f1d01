"""The search loop and its rules, in a toy world with known distances."""

import asyncio

import pytest
import toy_world as toy

from coprover.config import ConfigError
from coprover.expand import Expander, Settings
from coprover.rules import NAMES, parse
from coprover.search import run_rules
from coprover.tracing import graph_of, trace

NUMBERS = [0, 1, 3, 6, 9, 13, 20]


def expander(**kw) -> Expander:
    parts = {"sampler": toy.ToySampler(), "stepper": toy.ToyStepper(), "value": toy.ToyValue(),
             "verifier": toy.ToyVerifier(), "settings": Settings(candidates=7)}
    return Expander(**{**parts, **kw})


def search(specs, numbers=NUMBERS, ex=None, **kw):
    async def go():
        tool = await (ex or expander()).identify()
        theorems = [toy.theorem(n) for n in numbers]
        return await run_rules(theorems, [parse(s) for s in specs], tool, **{"budget": 200, **kw})

    return asyncio.run(go())


def test_every_rule_finds_verified_proofs():
    specs = list(NAMES)
    results = search(specs)
    for n in NUMBERS:
        row = results[f"reach_{n}"]
        assert set(row) == set(specs)
        for result in row.values():
            assert result.solved and toy.replay(toy.theorem(n), result.proof)
            assert result.status == "solved" and result.expansions <= 200
            assert (result.generator, result.seed) == ("g1", 0)
            assert result.generated == 7 * result.expansions == result.lean_calls
            assert result.policy_tokens == 2 * result.generated
        assert row["logprob"].value_calls == row["oracle"].value_calls == 0
        assert row["value"].value_model == "v1" and row["logprob"].value_model == ""


def test_no_theorem_is_begun_after_begin_s():
    assert all(row for row in search(["logprob"], begin_s=60).values())
    assert not any(row for row in search(["logprob"], begin_s=-1).values())


def test_exact_values_lead_straight_to_a_shortest_proof():
    for n, (name, row) in zip(NUMBERS, search(["value"]).items(), strict=True):
        d = toy.distance(n)
        assert len(row["value"].proof) == d == row["value"].expansions, name


def test_oracle_knows_what_the_other_rules_saw():
    results = search(["logprob", "random", "oracle"], NUMBERS)
    for row in results.values():
        assert row["oracle"].expansions <= min(row["logprob"].expansions, row["random"].expansions)


def test_counters_are_those_of_a_search_alone():
    together = search(["logprob", "value", "phs"])
    for spec in ("logprob", "value", "phs"):
        alone = search([spec])
        for name, row in alone.items():
            a, b = row[spec].as_dict(), together[name][spec].as_dict()
            a.pop("wall_s"), b.pop("wall_s")
            assert a == b


def test_rules_share_all_server_work():
    tool = expander()
    search(["logprob", "logprob:a=0"], ex=tool)
    seen = sum(len(memo) for memo in tool.expansions.values())
    assert seen == 0, "finished theorems are forgotten"
    tool = expander()
    results = search(["logprob", "oracle"], ex=tool, numbers=[9], concurrent=1, streams=1)
    alone = results["reach_9"]["logprob"].expansions
    assert tool.sampler.calls == tool.stepper.calls == alone


@pytest.mark.parametrize("concurrent, streams, batch", [(1, 1, 1), (4, 2, 1), (100, 3, 1)])
def test_results_do_not_depend_on_the_schedule(concurrent, streams, batch):
    base = search(["logmix"])
    other = search(["logmix"], concurrent=concurrent, streams=streams, batch=batch)
    assert {n: r["logmix"].proof for n, r in base.items()} == {
        n: r["logmix"].proof for n, r in other.items()}


def test_budget_is_strict():
    for budget in (1, 2, 5):
        for batch in (1, 3):
            results = search(["random"], [40, 41], budget=budget, batch=batch)
            for row in results.values():
                assert row["random"].expansions <= budget
                assert row["random"].status == "budget" and not row["random"].solved


def test_small_space_is_exhausted():
    result = search(["logprob"], [2], ex=expander(settings=Settings(candidates=1)))
    row = result["reach_2"]["logprob"]
    assert row.status in ("exhausted", "solved") and row.expansions < 10


def test_dry_queue_opens_states_again_for_other_candidates():
    narrow = Settings(candidates=1)
    once = search(["logprob"], range(2, 12), ex=expander(settings=narrow))
    often = search(["logprob"], range(2, 12), ex=expander(settings=narrow), max_turns=30)
    solved = [sum(r["logprob"].solved for r in results.values()) for results in (once, often)]
    assert solved[0] < solved[1]
    for name, row in often.items():
        result = row["logprob"]
        assert result.expansions == result.generated >= result.lean_calls
        if once[name]["logprob"].solved:
            assert result.proof == once[name]["logprob"].proof


def test_states_too_long_to_read_are_left_alone():
    tight = Settings(candidates=7, max_state_chars=8)
    row = search(["random"], [9], ex=expander(settings=tight))["reach_9"]["random"]
    assert row.solved and "split" not in row.proof
    none = Settings(candidates=7, max_state_chars=2)
    row = search(["random"], [9], ex=expander(settings=none))["reach_9"]["random"]
    assert row.status == "exhausted" and row.generated == 0


def test_proof_that_fails_verification_does_not_count():
    refused = toy.ToyVerifier(refuse=[("done",), ("finish all",)])
    row = search(["logprob"], [0], ex=expander(verifier=refused))["reach_0"]["logprob"]
    assert not row.solved and row.proof is None and refused.calls >= 1
    one = toy.ToyVerifier(refuse=[("done",)])
    row = search(["logprob"], [0], ex=expander(verifier=one))["reach_0"]["logprob"]
    assert row.solved and row.proof == ["finish all"]


def test_a_theorem_that_cannot_start_is_reported():
    row = search(["logprob", "oracle"], [-1, 3])
    assert row["reach_-1"]["logprob"].status == "declined"
    assert row["reach_-1"]["oracle"].message == "negative numbers"
    assert row["reach_3"]["logprob"].solved


def test_rule_needing_a_value_model_says_so():
    with pytest.raises(ConfigError, match="needs a value model"):
        search(["value"], [5], ex=expander(value=None))


def test_changed_generator_stops_the_search():
    class Fickle(toy.ToySampler):
        async def weight_version(self):
            return "old"

    with pytest.raises(ConfigError, match="changed from old to g1"):
        search(["logprob"], [5], ex=expander(sampler=Fickle()))


def test_better_path_is_passed_on():
    """No node keeps a worse path than one that its recorded edges offer."""
    results = search(["logprob:a=0"], [30], budget=60, keep_tree=True)
    tree = results["reach_30"]["logprob:a=0"].tree
    best = {0: 0.0}
    for _ in tree:
        for i, node in enumerate(tree):
            for _, logp, child in node["edges"]:
                if i in best and child > 0:
                    best[child] = max(best.get(child, -1e9), best[i] + logp)

    def kept(i):
        total = 0.0
        while tree[i]["parent"] is not None:
            parent = tree[i]["parent"]
            total += max(lp for _, lp, c in tree[parent]["edges"] if c == i)
            i = parent
        return total

    for i in range(len(tree)):
        assert kept(i) == pytest.approx(best[i], abs=1e-2)


def test_trace_replays_until_the_first_failure():
    async def go():
        t = toy.theorem(6)
        proofs = [["half", "dec", "dec", "dec", "done"], ["half", "half", "dec"], ["split"]]
        return await trace([(t, p) for p in proofs], expander())

    (closed, steps), (bad, prefix), (open_, one) = asyncio.run(go())
    assert closed and [s[1] for s in steps] == ["half", "dec", "dec", "dec", "done"]
    assert steps[-1][2] == () and not bad and [s[1] for s in prefix] == ["half"]
    assert not open_ and one[0][2] == ("case g0\n⊢ 3", "case g1\n⊢ 2")


def test_graph_of_search_gives_true_distances():
    tool = expander()

    async def go():
        await run_rules([toy.theorem(9)], [parse("random"), parse("oracle")], tool, budget=500,
                        distances={})

    forget, tool.forget = tool.forget, lambda name: None
    asyncio.run(go())
    distances = graph_of(tool).distances()
    assert forget and distances[toy.key(9)] == toy.distance(9)


def test_rule_specs():
    assert parse("logprob:a=0.5").a == 0.5 and parse("mix:alpha=0.3,a=0").alpha == 0.3
    assert parse("phs").gamma == 0.95 and parse("phs:w=2").label == "phs:w=2"
    for bad in ("best", "mix:beta=1", "mix:alpha=2", "logprob:a=x"):
        with pytest.raises(ConfigError):
            parse(bad)


def test_rule_formulas():
    assert parse("logprob:a=1").priority()(-6.0, 3, 0, "k", 0) == -2
    assert parse("logprob:a=0").priority()(-6.0, 3, 0, "k", 0) == -6
    assert parse("mix:a=1,alpha=0.25").priority()(-6.0, 3, 0.8, "k", 0) == pytest.approx(0.1)
    logmix = parse("logmix:a=1,alpha=0.5").priority()
    assert logmix(-6.0, 3, 0.9025, "k", 0) == pytest.approx(-1.0513, abs=1e-4)
    # two steps made at probability e^-3, V says two are left: e^-6 in four steps
    phs = parse("phs").priority()(-3.0, 2, 0.9025, "k", 0)
    assert phs == pytest.approx(-6.0 - 1.3863, abs=1e-4)
