"""The twelve smoke theorems: natural proofs are verified, wrong ones rejected (never declined)."""

import pytest

from minilean.front.session import Session

STATEMENTS = {
    "nat_add_comm_small": "theorem nat_add_comm_small (a b : Nat) : a + b = b + a := by",
    "list_append_nil_small":
        "open List\n\ntheorem list_append_nil_small (xs : List Nat) : xs ++ [] = xs := by",
    "and_left_small": "theorem and_left_small (P Q : Prop) (h : P ∧ Q) : P := by",
    "and_intro_small": "theorem and_intro_small (P Q : Prop) (hP : P) (hQ : Q) : P ∧ Q := by",
    "exists_witness_small": "theorem exists_witness_small (n : Nat) : ∃ m : Nat, m = n := by",
    "or_inl_small": "theorem or_inl_small (P Q : Prop) (h : P) : P ∨ Q := by",
    "or_elim_small": "theorem or_elim_small (P Q R : Prop) (h : P ∨ Q) (hP : P → R) "
                     "(hQ : Q → R) : R := by",
    "imp_chain_small": "theorem imp_chain_small (P Q R : Prop) (hPQ : P → Q) (hQR : Q → R) : "
                       "P → R := by",
    "eq_rewrite_succ_small":
        "theorem eq_rewrite_succ_small (a b : Nat) (h : a = b) : a.succ = b.succ := by",
    "false_elim_small": "theorem false_elim_small (P : Prop) (h : False) : P := by",
    "iff_forward_small": "theorem iff_forward_small (P Q : Prop) (h : P ↔ Q) : P → Q := by",
    "exists_elim_rewrite_small": "theorem exists_elim_rewrite_small (P : Nat → Prop) (n : Nat) "
                                 "(h : ∃ m : Nat, m = n ∧ P m) : P n := by",
}

GOOD = {
    "nat_add_comm_small": [
        "exact Nat.add_comm a b",
        "simpa [Nat.add_comm]",
        "simp [Nat.add_comm]",
        "rw [Nat.add_comm]",
        "apply Nat.add_comm",
        "induction a with\n| zero => simp\n| succ n ih => rw [Nat.succ_add, ih, Nat.add_succ]",
        "induction b with\n| zero => rw [Nat.zero_add, Nat.add_zero]\n"
        "| succ n ih => rw [Nat.add_succ, Nat.succ_add, ih]",
    ],
    "list_append_nil_small": [
        "simp",
        "exact List.append_nil xs",
        "exact append_nil xs",
        "induction xs with\n| nil => rfl\n| cons x xs ih => simp",
        "induction xs with\n| nil => rfl\n| cons x xs ih => rw [List.cons_append, ih]",
    ],
    "and_left_small": [
        "exact h.left", "exact h.1", "exact And.left h", "cases h with\n| intro hp hq => exact hp",
        "obtain ⟨hp, hq⟩ := h\nexact hp", "rcases h with ⟨hp, _⟩\nassumption", "apply h.left",
        "cases h\nassumption", "have hp : P := h.1\nexact hp",
        "match h with\n| ⟨hp, _⟩ => exact hp",
        "simp_all", "simp [h]",
    ],
    "and_intro_small": [
        "constructor\n· exact hP\n· exact hQ", "exact ⟨hP, hQ⟩", "exact And.intro hP hQ",
        "constructor <;> assumption",
        "apply And.intro\ncase left => exact hP\ncase right => exact hQ",
        "refine ⟨?_, ?_⟩\n· assumption\n· assumption", "constructor\nexact hP\nexact hQ",
        "apply And.intro hP\nexact hQ", "simp [hP, hQ]", "simp [*]",
    ],
    "exists_witness_small": [
        "exact ⟨n, rfl⟩", "exists n", "refine ⟨n, ?_⟩\nrfl", "use n", "apply Exists.intro n\nrfl",
        "exact Exists.intro n (Eq.refl n)", "simp",
    ],
    "or_inl_small": [
        "left\nexact h", "exact Or.inl h", "apply Or.inl\nassumption", "exact .inl h",
        "left; assumption", "simp [h]", "constructor\nexact h",
    ],
    "or_elim_small": [
        "cases h with\n| inl hp => exact hP hp\n| inr hq => exact hQ hq",
        "rcases h with hp | hq\n· exact hP hp\n· exact hQ hq",
        "obtain hp | hq := h\n· exact hP hp\n· exact hQ hq",
        "exact Or.elim h hP hQ", "exact h.elim hP hQ",
        "cases h\ncase inl h => exact hP h\ncase inr h => exact hQ h",
        "match h with\n| Or.inl hp => exact hP hp\n| Or.inr hq => exact hQ hq",
        "apply Or.elim h\n· exact hP\n· exact hQ", "cases h <;> simp_all",
        "cases h\n· apply hP; assumption\n· apply hQ; assumption",
    ],
    "imp_chain_small": [
        "intro hp\nexact hQR (hPQ hp)", "intro hp\napply hQR\napply hPQ\nassumption",
        "exact fun hp => hQR (hPQ hp)", "intro h\nhave hq := hPQ h\nexact hQR hq",
        "exact hQR ∘ hPQ", "intros\napply hQR\napply hPQ\nassumption",
        "intro hp\nspecialize hPQ hp\nexact hQR hPQ",
    ],
    "eq_rewrite_succ_small": [
        "rw [h]", "subst h\nrfl", "simp [h]", "exact congrArg Nat.succ h", "cases h\nrfl",
        "rw [← h]", "simpa using h", "exact h ▸ rfl",
    ],
    "false_elim_small": [
        "exfalso\nexact h", "cases h", "contradiction", "exact h.elim", "exact False.elim h",
        "exact absurd h id", "apply False.elim\nassumption", "exact nomatch h",
    ],
    "iff_forward_small": [
        "exact h.mp", "intro hp\nexact h.mp hp", "intro hp\nrw [← h]\nexact hp", "exact h.1",
        "intro hp\napply h.mp\nexact hp", "cases h with\n| intro f g => exact f",
        "obtain ⟨f, _⟩ := h\nexact f", "intro hp\nexact (Iff.mp h) hp",
        "intro hp\nsimpa [h] using hp",
        "intro hp\nrwa [h] at hp",
    ],
    "exists_elim_rewrite_small": [
        "obtain ⟨m, hm, hp⟩ := h\nrw [← hm]\nexact hp", "rcases h with ⟨m, rfl, hp⟩\nexact hp",
        "cases h with\n| intro m hm =>\n  cases hm with\n  | intro he hp =>\n    subst he\n"
        "    exact hp",
        "rcases h with ⟨m, hm, hp⟩\nsubst hm\nexact hp", "obtain ⟨m, hm⟩ := h\nrw [hm.1] at hm\n"
        "exact hm.2", "rcases h with ⟨m, hm, hp⟩\nrwa [hm] at hp", "simpa using h",
        "let ⟨m, hm, hp⟩ := h\nexact hm ▸ hp", "exact match h with\n  | ⟨m, hm, hp⟩ => hm ▸ hp",
    ],
}

BAD = {
    "nat_add_comm_small": ["rfl", "exact Nat.add_comm b a", "exact Nat.add_zero a", "assumption",
                           "rw [Nat.add_assoc]", "exact rfl"],
    "list_append_nil_small": ["rfl", "cases xs", "exact xs", "rw [List.nil_append]"],
    "and_left_small": ["exact h.right", "exact h", "exact h.2", "assumption", "constructor",
                       "cases h with\n| intro hp hq => exact hq"],
    "and_intro_small": ["exact hP", "exact ⟨hQ, hP⟩", "constructor\n· exact hQ\n· exact hP", "left",
                        "constructor\nexact hP", "exact ⟨hP⟩"],
    "exists_witness_small": ["exact ⟨0, rfl⟩", "exists 0", "rfl", "exact ⟨n⟩",
                             "exact ⟨n + 1, rfl⟩"],
    "or_inl_small": ["right\nexact h", "exact h", "exact Or.inr h", "constructor", "cases h"],
    "or_elim_small": ["exact hP h", "cases h with\n| inl hp => exact hP hp", "exact h", "simp",
                      "cases h with\n| inl hp => exact hQ hp\n| inr hq => exact hP hq",
                      "rcases h with hp | hq\n· exact hP hp"],
    "imp_chain_small": ["exact hPQ", "intro hp\nexact hPQ hp", "apply hQR", "exact hQR",
                        "intro hp\nassumption"],
    "eq_rewrite_succ_small": ["rfl", "exact h", "exact congrArg Nat.succ h.symm", "decide",
                              "rw [h] at h", "assumption"],
    "false_elim_small": ["assumption", "exact h", "intro x", "trivial_wrong", "constructor"],
    "iff_forward_small": ["exact h.mpr", "exact h", "intro hp\nexact hp", "exact h.2", "rfl"],
    "exists_elim_rewrite_small": ["exact h", "exact h.2", "obtain ⟨m, hm, hp⟩ := h\nexact hp",
                                  "assumption", "cases h", "rw [h]"],
}


@pytest.fixture(scope="module")
def session():
    return Session()


def check(session, name, proof):
    body = "\n".join("  " + line for line in proof.split("\n"))
    answer = session.command(f"import Mathlib\n\n{STATEMENTS[name]}\n{body}")
    errors = [m["data"] for m in answer.get("messages", ()) if m["severity"] == "error"]
    return errors, answer.get("declined")


@pytest.mark.parametrize(("name", "proof"), [(n, p) for n in GOOD for p in GOOD[n]])
def test_natural_proof_is_verified(session, name, proof):
    errors, _ = check(session, name, proof)
    assert errors == []


@pytest.mark.parametrize(("name", "proof"), [(n, p) for n in BAD for p in BAD[n]])
def test_wrong_proof_is_rejected(session, name, proof):
    errors, declined = check(session, name, proof)
    assert errors and declined is None


@pytest.mark.parametrize("name", STATEMENTS)
def test_sorry_is_reported(session, name):
    answer = session.command(f"{STATEMENTS[name]}\n  sorry")
    assert len(answer["sorries"]) == 1
    assert any("sorry" in m["data"] for m in answer["messages"])
