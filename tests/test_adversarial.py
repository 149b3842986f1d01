"""Nobody can fool the verdict: every attack is refused for the stated reason, its twin verified."""

import asyncio

import pytest
from adversarial import BEHIND_THE_SCREEN, CASES
from lean_fake import EXTERNAL, GENEROUS, lean_config, minilean

from coprover import snippets
from coprover.snippets import Proof
from coprover.verify import Verifier, read_result


@pytest.fixture(scope="module")
def server():
    with minilean() as url:
        yield url


@pytest.fixture(scope="module")
def results(server):
    """Results of all cases and their twins, one batch as in a training run."""
    async def go():
        async with Verifier(lean_config(server, *GENEROUS)) as verifier:
            pairs = [(c.theorem, text) for c in CASES for text in (c.bad, c.twin)]
            found = await verifier.verify(pairs)
            return {c.name: found[2 * i:2 * i + 2] for i, c in enumerate(CASES)}

    return asyncio.run(go())


def expected(case) -> tuple[str, str, str]:
    """Kimina's answers have no place for what minilean declines: there it reads as Lean's error."""
    if EXTERNAL and case.verdict == "declined":
        return "rejected", "lean_error", "lean"
    return case.verdict, case.reason, case.layer


def test_the_suite_is_large_and_names_are_unique():
    names = [c.name for c in (*CASES, *BEHIND_THE_SCREEN)]
    assert len(CASES) >= 80 and len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_attack_is_refused_and_its_twin_is_a_proof(results, case):
    bad, twin = results[case.name]
    assert (bad.verdict.value, bad.reason, bad.layer) == expected(case), bad.detail
    assert twin.verified, (twin.reason, twin.detail)


@pytest.mark.parametrize("case", BEHIND_THE_SCREEN, ids=lambda c: c.name)
def test_what_the_screen_would_stop_is_stopped_behind_it_too(server, case):
    async def check(helpers: str, body: str):
        snippet = snippets.assemble(case.theorem, Proof(helpers, body), "n")
        async with Verifier(lean_config(server, *GENEROUS)) as verifier:
            return read_result((await verifier.client.check([snippet.text]))[0], snippet)

    bad = asyncio.run(check(case.helpers, case.body))
    assert (bad.verdict.value, bad.reason, bad.layer) == expected(case), bad.detail
    twin = asyncio.run(check(*case.twin))
    assert twin.verified, (twin.reason, twin.detail)
