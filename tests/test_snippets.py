"""Extraction, assembly around the dataset's statement, and the definition of a step."""

import json

import pytest
from lean_fake import fenced, theorem

from coprover import screen, snippets
from coprover.records import Theorem, normalise_statement
from coprover.snippets import BadResponse, extract, read_code, read_response, split_steps

FOO = theorem()
HEAD = "import Mathlib\n\ntheorem foo (a b : Nat) : a + b = b + a"


def text_of(code, thm=FOO):
    return snippets.assemble(thm, read_code(thm, code), "n").text


def reason(code, thm=FOO):
    with pytest.raises(BadResponse) as caught:
        read_code(thm, code)
    return caught.value.code


@pytest.mark.parametrize(
    "response, code",
    [
        ("```lean4\n  simp\n```", "  simp"),
        ("```lean4\na\n```\ntext\n```lean4\nb\n```\nend", "b"),
        ("```lean\na\n```<|eot|>", "a"),
        ("```lean4\r\na\r\nb\r\n```", "a\nb"),
        ("```python\nx\n```\n```lean4\na\n```\n```\nplain\n```", "a"),
        ("```lean4\nnever closed", None),
        ("no block", None),
        ("", None),
        ("```lean4\n```", ""),
        ("```lean4\na\n```lean4\nb\n```", "b"),
    ],
)
def test_extract(response, code):
    assert extract(response) == code


def test_tactic_block_becomes_a_file_with_epilogue():
    snippet = snippets.assemble(FOO, read_response(FOO, fenced("  simp\n  omega")), "n")
    assert snippet.text == (
        "import Mathlib\nnamespace CoProver_n\n\n"
        "theorem foo (a b : Nat) : a + b = b + a := by\n  simp\n  omega\nend CoProver_n\n"
        "theorem coprover_n : ∀ (a b : Nat), a + b = b + a := by\n"
        "  first | exact @CoProver_n.foo | exact CoProver_n.foo\n"
        "#print axioms coprover_n\n"
    )
    lines = snippet.text.split("\n")
    assert lines[snippet.statement_line - 1].startswith("theorem coprover_n")
    assert lines[snippet.axioms_line - 1] == "#print axioms coprover_n"


def test_whole_file_and_block_give_the_same_snippet():
    block = text_of("simp\nomega")
    assert text_of(f"{HEAD} := by\n  simp\n  omega") == block
    column = len(HEAD[16:] + " := by ")
    assert text_of(f"{HEAD} := by simp\n{' ' * column}omega") == block
    assert text_of(f"open Nat\nset_option maxHeartbeats 0 in\n{HEAD[16:]} := by\n simp\n omega"
                   ) == block  # fmt: skip
    assert text_of(f"{HEAD} := by\n  simp\n  omega\n\n#print axioms foo") == block
    assert text_of("    simp\n    omega") == block


def test_helpers_stand_before_the_statement_in_the_namespace():
    code = f"/-- d -/\nlemma h (x : Nat) : x = x := rfl\n\n@[simp]\ntheorem g : True := trivial\n{HEAD[16:]} :=\n  Nat.add_comm a b"  # noqa: E501
    text = text_of(code)
    assert text.index("namespace") < text.index("lemma h") < text.index("theorem g")
    assert text.index("theorem g") < text.index("theorem foo")
    assert "a + b = b + a := \n  Nat.add_comm a b\nend" in text


@pytest.mark.parametrize(
    "code, why",
    [
        ("", "empty"),
        ("-- nothing\n", "empty"),
        (f"{HEAD} := by\n", "empty"),
        ("sorry", "forbidden"),
        ("rfl\ntheorem bar : True := trivial", "malformed"),
        ("theorem bar : True := trivial", "tampered"),
        (f"{HEAD.replace('b + a', 'a + b')} := by\n  rfl", "tampered"),
        (f"{HEAD.replace('(a b', '(h : False) (a b')} := by\n  omega", "tampered"),
        (f"{HEAD.replace('foo', 'bar')} := by\n  omega", "tampered"),
        (f"-- {HEAD[16:]} := by\ntheorem bar : True := by\n  trivial", "tampered"),
        (f"axiom bad : False\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f"variable (h : False)\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f"namespace X\n{HEAD[16:]} := by\n  omega\nend X", "forbidden"),
        (f"instance : Add Nat := ⟨fun a _ => a⟩\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f'local infixl:65 " + " => f\n{HEAD[16:]} := by\n  omega', "forbidden"),
        (f"@[instance] def x : Add Nat := y\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f"def _root_.Nat.add := 1\n{HEAD[16:]} := by\n  omega", "tampered"),
        (f"theorem h : False := by\n  sorry\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f"set_option debug.skipKernelTC true\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f"open private x in Y\n{HEAD[16:]} := by\n  omega", "forbidden"),
        (f"{HEAD} := by\n  omega /-", "malformed"),
        ("omega -- \u2028 exact bad", "malformed"),
        (f"hello\n{HEAD[16:]} := by\n  omega", "malformed"),
        ("rfl\n#exit", "forbidden"),
    ],
)
def test_refused(code, why):
    assert reason(code) == why


def test_dotted_names_and_universes():
    thm = Theorem("A.b", "import Mathlib\nuniverse u\n\ntheorem A.b.{v} {α : Type v} [Inhabited α]"
                         " (x : α := default) : x = x := by")  # fmt: skip
    text = text_of("rfl", thm)
    assert "universe u\nnamespace A.CoProver_n" in text
    assert "theorem b.{v} {α : Type v} [Inhabited α] (x : α := default) : x = x := by" in text
    assert "theorem A.coprover_n.{v} : ∀ {α : Type v} [Inhabited α] (x : α := default)," in text
    assert "exact @A.CoProver_n.b" in text
    assert snippets.start_statement(thm).startswith("theorem A.coprover_goal.{v} {α")


def test_header_without_import_is_never_empty():
    thm = Theorem("t", "open Nat\n\ntheorem t : True := by")
    assert text_of("trivial", thm).startswith("import Init\nopen Nat\n")


def test_statement_without_binders():
    thm = Theorem("t", "import Mathlib\n\ntheorem t : ∀ x : Nat, x = x := by")
    assert "theorem coprover_n : ∀ x : Nat, x = x := by\n" in text_of("simp", thm)


STEPS = [
    ("intro h\nexact h", ["intro h", "exact h"]),
    ("  intro h; exact h", ["intro h", "exact h"]),
    ("· simp; rfl\n· rfl", ["· simp; rfl", "· rfl"]),
    ("have h : T := by\n  simp\n  rfl\nexact h", ["have h : T := by\n  simp\n  rfl", "exact h"]),
    ("rcases h with h | h\n  <;> simp", ["rcases h with h | h\n  <;> simp"]),
    ("constructor <;>\nsimp", ["constructor <;>\nsimp"]),
    ("cases h with\n| inl a => exact a\n| inr b => exact b",
     ["cases h with\n| inl a => exact a\n| inr b => exact b"]),
    ("simp [a,\nb]\nrfl", ["simp [a,\nb]", "rfl"]),
    ("-- note\nsimp -- why\n\n/- long\nnote -/\nrfl", ["simp", "rfl"]),
    ("calc a = b := h\n_ = c := k\nrfl", ["calc a = b := h\n_ = c := k", "rfl"]),
    ("all_goals simp; rfl", ["all_goals simp; rfl"]),
    ("exact (by simp; rfl)", ["exact (by simp; rfl)"]),
    ("", []),
]  # fmt: skip


@pytest.mark.parametrize("block, steps", STEPS)
def test_split_steps(block, steps):
    assert split_steps(block) == steps


@pytest.mark.parametrize("block, steps", STEPS)
def test_steps_of_a_proof_are_its_own_segmentation(block, steps):
    assert split_steps("\n".join(steps)) == steps


def test_recorded_proofs_pass_extraction_and_screen(data_dir):
    """Every recorded DeepSeek-Prover-V2 proof is usable as a response."""
    lines = (data_dir / "proofs" / "minif2f_deepseek_v2_proofs.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    refused = {}
    for row in rows:
        code = row["code"]
        statement = code[: code.index(":= by", code.index("theorem ")) + 5]
        thm = Theorem(row["name"], normalise_statement(statement))
        try:
            proof = read_response(thm, fenced(code))
            snippets.assemble(thm, proof)
            assert split_steps(proof.body.removeprefix("by\n"))
        except (BadResponse, screen.Malformed) as error:
            refused[row["name"]] = str(error)
    assert not refused
