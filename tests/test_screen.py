"""The token screen: what is refused, each beside a twin that differs only in the offence."""

import pytest

from coprover.screen import Malformed, mask, offence

PAIRS = [  # refused, fine
    ("exact sorry", "exact sorry_free"),
    ("exact sorryAx _ false", "exact sorryAxiomatic"),
    ("exact _root_.sorryAx _ true", "exact _root_.trivial"),
    ("exact «sorryAx» _ true", "exact «sorry ax»"),
    ("admit", "admits"),
    ("stop", "-- stop\n  rfl"),
    ("native_decide", "decide"),
    ("decide +native", "decide +kernel"),
    ("exact Lean.ofReduceBool a b h", "exact Lean.foo a b h"),
    ("run_tac pure ()", "exact run_tactic"),
    ("exact by_elab pure x", "exact by_eval"),
    ("apply?", "apply h"),
    ("exact?", "exact h?"),
    ("set_option debug.skipKernelTC true in rfl", "set_option maxRecDepth 1000 in rfl"),
    ("set_option maxRecDepth 1000\n  rfl", "set_option maxRecDepth 1000 in\n  rfl"),
    ("open Nat\n  rfl", "open Nat in rfl"),
    ("open private foo in Bar in rfl", "open Foo in rfl"),
    ("rfl\n  axiom bad : False", "rfl\n  -- axiom bad : False"),
    ("rfl\n  theorem other : True := trivial", "rfl -- theorem"),
    ("rfl\n  end CoProver", "rfl\n  exact endpoint"),
    ("rfl\n  namespace A", "exact namespaced"),
    ("rfl\n  local notation \"a\" => b", "exact localised"),
    ("rfl\n  attribute [simp] foo", "exact attributes"),
    ("rfl\n  instance : Foo := ⟨⟩", "infer_instance"),
    ("rfl\n  macro \"x\" : tactic => `(tactic| rfl)", "exact macros"),
    ("rfl\n#exit", "rfl -- #exit"),
    ("simp [show #eval 1 = 1 from rfl]", "simp [Finset.card, #s]"),
    ("rfl\n  #unknown_command x", "rfl -- #unknown_command"),
    ("include_str \"/etc/passwd\"", "exact included"),
    ("exact unsafeCast h", "exact unsafely h"),
    ("exact (implemented_by x)", "exact (implemented x)"),
    ("rfl\n  variable (h : False)", "exact variables'"),
]


@pytest.mark.parametrize("bad, fine", PAIRS)
def test_refused_and_twin(bad, fine):
    assert offence(bad) is not None
    assert offence(fine) is None


def test_comments_and_strings_do_not_count():
    assert offence('/- sorry /- nested -/ axiom -/ rfl -- admit') is None
    assert offence('exact foo "sorry axiom #exit"') is None
    assert offence("exact foo 'x' -- sorry") is None
    assert offence('exact foo "\\" -- " sorry') == "sorry"
    assert offence("/- -/ sorry /- -/") == "sorry"
    assert offence("exact h' -- it's fine\n  exact h''") is None
    assert offence("exact h'sorry'") is None


@pytest.mark.parametrize(
    "text",
    ["rfl /- open", 'exact "open', "a\u2028sorry", "-- a\u2028sorry", "a\tb", "a\x00b", "\ufeffrfl",
     "a\u200bb", "a\rb", "\x85", 's!"{sorryAx}"', 'r"raw"', 'r#"raw"#', "\ud800"],
)  # fmt: skip
def test_malformed(text):
    with pytest.raises(Malformed):
        offence(text)


def test_mask_keeps_length_and_lines():
    text = 'a -- c\n"s\n" /- x\n y -/ b'
    masked = mask(text)
    assert len(masked) == len(text) and masked.count("\n") == text.count("\n")
    assert masked.split() == ["a", "b"]
