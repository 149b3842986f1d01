"""The verdict with the embedded checker behind the server: natural proofs, false ones, and attacks
on the epilogue that bypass the token screen."""

import asyncio

import pytest
from lean_fake import EXTERNAL, GENEROUS, fenced, lean_config, minilean

from coprover import snippets
from coprover.records import Theorem, load_theorems
from coprover.snippets import Proof
from coprover.stepper import connect
from coprover.verify import Verifier, read_result


@pytest.fixture(scope="module")
def server():
    with minilean() as url:
        yield url


def thm(statement, name="foo", head="import Mathlib\n"):
    return Theorem(name, f"{head}\ntheorem {name} {statement} := by")


def verify(url, pairs):
    async def go():
        async with Verifier(lean_config(url, *GENEROUS)) as verifier:
            return await verifier.verify([(t, fenced(code)) for t, code in pairs])

    return asyncio.run(go())


SMOKE = {
    "and_left_small": ["exact h.1", "exact h.left", "cases h with\n| intro hp hq => exact hp"],
    "and_intro_small": ["exact ⟨hP, hQ⟩", "constructor\n· exact hP\n· exact hQ"],
    "or_inl_small": ["left\nexact h", "exact Or.inl h"],
    "or_elim_small": ["cases h with\n| inl a => exact hP a\n| inr b => exact hQ b"],
    "imp_chain_small": ["intro hp\nexact hQR (hPQ hp)"],
    "false_elim_small": ["exact h.elim", "exfalso\nexact h", "contradiction"],
    "iff_forward_small": ["exact h.mp"],
    "exists_witness_small": ["exact ⟨n, rfl⟩"],
    "eq_rewrite_succ_small": ["rw [h]"],
    "exists_elim_rewrite_small": ["obtain ⟨m, hm, hp⟩ := h\nrw [← hm]\nexact hp"],
}


def test_natural_proofs_of_the_smoke_theorems(server):
    theorems = {t.name: t for t in load_theorems("examples/minif2f_smoke.jsonl")}
    pairs = [(theorems[name], proof) for name, proofs in SMOKE.items() for proof in proofs]
    results = verify(server, pairs)
    bad = [(t.name, p, r.reason, r.detail) for (t, p), r in zip(pairs, results, strict=True)
           if not r.verified]  # fmt: skip
    assert not bad


FALSE = [
    (thm("(P Q : Prop) (h : P) : Q"), "exact h", "lean_error"),
    (thm("(P Q : Prop) (h : P) : Q"), "skip", "lean_error"),
    (thm("(P Q : Prop) (h : P) : Q"), "exact foo P Q h", "lean_error"),  # recursion
    (thm("(P Q : Prop) (h : P) : Q"), "assumption", "lean_error"),
    (thm("(P : Prop) : P"), "intro", "lean_error"),
    (thm("(P : Prop) (h : P) : P"), "exact h\nexact h", "lean_error"),
    (thm("(P : Prop) (h : P) : P"), "exact h\nend", "forbidden"),
]


@pytest.mark.parametrize("theorem, proof, reason", FALSE)
def test_wrong_proofs_are_rejected(server, theorem, proof, reason):
    [result] = verify(server, [(theorem, proof)])
    assert not result.verified and result.reason == reason, result.detail


def test_helpers_are_welcome(server):
    theorem = thm("(P Q : Prop) (h : P ∧ Q) : Q ∧ P")
    code = (
        "theorem flip (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by\n  exact ⟨h.2, h.1⟩\n\n"
        "theorem foo (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by\n  exact flip P Q h"
    )
    [result] = verify(server, [(theorem, code)])
    assert result.verified, result.detail


ATTACKS = [  # helpers and body that the screen would refuse or that re-mean the statement
    ("def And (P Q : Prop) : Prop := True", "by\n  trivial", "statement"),
    ("theorem bad (P : Prop) : P := by\n  sorry", "by\n  exact ⟨bad P, bad Q⟩", "sorry"),
    ("axiom bad (P : Prop) : P", "by\n  exact ⟨bad P, bad Q⟩", "axioms"),
    ("", "by\n  sorry", "sorry"),
    ("", "by\n  exact sorry", "sorry"),
    ("", "by\n  exact ⟨sorryAx P false, sorryAx Q false⟩", "sorry"),
    ("variable (bad : False)", "by\n  exact bad.elim", None),
    ("", "by\n  skip\n#exit", None),
    ("", "by\n  trivial\n\nend CoProver_n\nnamespace CoProver_n", None),
    ("", "by\n  trivial /-", None),
]


@pytest.mark.parametrize("helpers, body, reason", ATTACKS)
def test_the_epilogue_holds_without_the_screen(server, helpers, body, reason):
    """∧ is re-meant, assumed, or never proved: nothing but the epilogue stands in the way."""
    theorem = thm("(P Q : Prop) : And P Q")
    snippet = snippets.assemble(theorem, Proof(helpers, body), "n")

    async def go():
        async with Verifier(lean_config(server, *GENEROUS)) as verifier:
            return (await verifier.client.check([snippet.text]))[0]

    result = read_result(asyncio.run(go()), snippet)
    assert result.verdict.value in ("rejected", "declined")
    if reason and result.verdict.value == "rejected":
        assert result.reason == reason, (result.reason, result.detail)


def test_steps_follow_lean(server):
    async def go():
        kind = f"lean.stepping={'check' if EXTERNAL else 'states'}"
        async with connect(lean_config(server, *GENEROUS, kind)) as stepper:
            [state] = await stepper.start([thm("(P Q : Prop) (h : P ∨ Q) : Q ∨ P")])
            [[cases, wrong]] = await stepper.run([(state, ["rcases h with h1 | h2", "left"])])
            [[one]] = await stepper.run([(cases.state, ["exact Or.inr h1"])])
            [[done, bad]] = await stepper.run([(one.state, ["exact Or.inl h2", "exact h2"])])
            return state, cases, wrong, one, done, bad

    state, cases, wrong, one, done, bad = asyncio.run(go())
    assert state.text == "P Q : Prop\nh : P ∨ Q\n⊢ Q ∨ P"
    assert [g.split("\n")[0] for g in cases.state.goals] == ["case inl", "case inr"]
    assert wrong.kind == "state" and one.state.goals == cases.state.goals[1:]
    assert done.kind == "qed" and bad.kind == "error"
    assert one.state.tactics == ("rcases h with h1 | h2", "exact Or.inr h1")
