"""Rules side by side, by hand-worked numbers."""

import pytest

from coprover import compare


def row(name, **rules):
    return {"name": name, "rules": {
        rule.replace("__", ":a="): {"solved": s, "expansions": e} for rule, (s, e) in rules.items()
    }}  # fmt: skip


ROWS = [
    row("t1", logprob__0=(True, 4), logprob__1=(True, 2), value=(True, 1)),
    row("t2", logprob__0=(True, 8), logprob__1=(True, 6), value=(True, 3)),
    row("t3", logprob__0=(False, 10), logprob__1=(False, 10), value=(True, 5)),
    row("t4", logprob__0=(False, 3), logprob__1=(False, 10), value=(False, 10)),
]


def test_unsolved_counts_at_the_budget_even_when_the_search_gave_up_early():
    summary = compare.summarise(ROWS, 10)
    assert summary["rules"]["logprob:a=0"]["expansions"]["mean"] == pytest.approx(32 / 4)
    assert summary["rules"]["value"]["solved"] == 3
    assert summary["rules"]["value"]["expansions_per_proof"] == pytest.approx(3.0)


def test_baseline_is_the_strongest_logprob_and_ratios_are_paired():
    summary = compare.summarise(ROWS, 10)
    assert summary["baseline"] == "logprob:a=1"
    against = summary["against_baseline"]["value"]
    assert against["expansions_ratio"]["mean"] == pytest.approx(19 / 28)
    assert against["solved_difference"]["mean"] == pytest.approx(0.25)


def test_smaller_budget_is_a_prefix_of_the_search():
    summary = compare.summarise(ROWS, 4)
    assert summary["rules"]["value"]["solved"] == 2
    assert summary["rules"]["logprob:a=1"]["expansions"]["mean"] == pytest.approx((2 + 4 * 3) / 4)


def test_missing_rule_is_refused():
    with pytest.raises(ValueError, match="same rules"):
        compare.summarise([*ROWS, row("t5", value=(True, 1))], 10)


@pytest.mark.parametrize("share, budget", [(None, 10), (1.0, 10), (0.5, 10), (0.4, 5), (0.1, 1)])
def test_the_budget_is_chosen_by_the_strongest_logprob_alone(share, budget):
    assert compare.telling_budget(ROWS, 10, share) == budget
