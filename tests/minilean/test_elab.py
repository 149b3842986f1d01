"""Elaborator: what Lean accepts is accepted, what it rejects is rejected, with Lean's words.

Run: `python -m pytest tests/minilean/test_elab.py`.
"""
import pytest

from minilean.front.library import in_big_stack
from minilean.front.session import Session


@pytest.fixture(scope="module")
def session():
    return Session()


def errors(session, text):
    """The error messages of a text, run with a stack that is deep enough."""
    out = in_big_stack(lambda: session.command(text))
    return [m["data"] for m in out.get("messages", ()) if m["severity"] == "error"]


ACCEPTED = {
    "a dotted name opens its namespace": "inductive Dotted.Two where\n  | z : Two\n"
                                         "  | s : Two → Dotted.Two\nexample : Dotted.Two := .s .z",
    "fun pattern": "example (p q : Prop) : p ∧ q → q ∧ p := fun ⟨a, b⟩ => ⟨b, a⟩",
    "match": "example (p q : Prop) (h : p ∨ q) : q ∨ p := match h with\n"
             "  | .inl a => .inr a\n  | .inr b => .inl b",
    "match rfl": "example (a b c : Nat) (h : a = b) (k : b = c) : a = c := match h, k with\n"
                 "  | rfl, rfl => rfl",
    "match takes hypotheses along": "example (n : Nat) (H : 0 < n) : 0 ^ n = 0 := match n with\n"
                                    "  | 0 => absurd H (Nat.lt_irrefl 0)\n"
                                    "  | n+1 => by rw [Nat.pow_succ, Nat.mul_zero]",
    "dependent arrow before iff": "example : {b : Bool} → b = false ↔ b ≠ true := by\n"
                                  "  intro b; cases b <;> decide",
    "composition over three universes": "example (f : β → γ) (g : α → β) (x : α) :\n"
                                        "    (f ∘ g) x = f (g x) := by simp",
    "let pattern": "example (P : Nat → Prop) (h : ∃ x, P x ∧ P (x + 1)) : ∃ y, P y :=\n"
                   "  let ⟨x, hx, _⟩ := h\n  ⟨x, hx⟩",
    "structural recursion": "def fib : Nat → Nat\n  | 0 => 0\n  | 1 => 1\n"
                            "  | n+2 => fib (n+1) + fib n\nexample : fib 10 = 55 := rfl",
    "recursive theorem": "theorem z : ∀ n : Nat, 0 + n = n\n  | 0 => rfl\n"
                         "  | n+1 => congrArg Nat.succ (z n)",
    "inductive": "inductive T (α : Type u) where\n  | leaf : T α\n  | node : T α → α → T α → T α\n"
                 "def T.size {α} : T α → Nat\n  | leaf => 0\n"
                 "  | node l _ r => l.size + 1 + r.size\n"
                 "example : (T.node .leaf 1 .leaf).size = 1 := rfl",
    "recursion below two matches": "def m : Nat → Nat → Nat\n  | 0, k => k\n  | n+1, 0 => n+1\n"
                                   "  | n+1, k+1 => m n k + 1\n"
                                   "example (n k : Nat) : m (n+1) (k+1) = m n k + 1 := rfl",
    "structure": "structure P where\n  x : Nat\n  y : Nat\n"
                 "example : ({x := 1, y := 3} : P).y = 3 := rfl\n"
                 "example (p : P) : {p with x := 2}.x = 2 := rfl",
    "class": "class Magma (α : Type u) where\n  op : α → α → α\n"
             "instance : Magma Nat := ⟨fun a b => a + b⟩\nexample : Magma.op 1 2 = 3 := rfl",
    "auto-bound": "theorem t (h : p) : p := h",
    "variables": "variable (p q : Prop)\nvariable (hp : p)\ntheorem t : q → p → p := fun _ h => h\n"
                 "#check (t : ∀ p q : Prop, q → p → p)",
    "calc": "example (a b c : Nat) (h : a = b) (k : b = c) : a = c := calc\n  a = b := h\n"
            "  _ = c := k",
    "subst": "example (a b : Nat) (P : Nat → Prop) (h : a = b) (x : P a) : P b := h ▸ x",
    "named argument": "example (a b : Nat) : b + a = a + b := Nat.add_comm (m := a) (n := b)",
    "section": "section\nvariable {α : Type}\ndef idd (a : α) := a\nend\n"
               "example : idd 3 = 3 := rfl",
    "namespace": "namespace A\ntheorem b : True := trivial\nend A\nopen A in\nexample : True := b",
    "nested by": "example (p q : Prop) (hp : p) (hq : q) : p ∧ q := ⟨by assumption, by exact hq⟩",
    "if": "example : (if 1 = 1 then 2 else 3) = 2 := rfl",
    "mathlib header": "import Mathlib\n\nopen BigOperators Real Nat Topology Rat\n\n"
                      "theorem t : 1 + 1 = 2 := rfl",
    "eliminator": "example (n : Nat) : 0 + n = n :=\n"
                  "  Nat.recOn (motive := fun n => 0 + n = n) n rfl\n"
                  "    (fun _ ih => congrArg Nat.succ ih)",
    "fun pattern before its type is known": "example (p q : Prop) : p ↔ p ∨ q ∧ p :=\n"
                                            "  (or_iff_left_of_imp fun ⟨_, h⟩ => h).symm",
    "matches with different matchers": "example [BEq α] {a b : α} {as : List α} :\n"
                                       "    (a :: as).elem b = match b == a with\n"
                                       "      | true => true | false => as.elem b := rfl",
    "nil is an append": "example (p q : List Nat) (h : [] = p ++ q) : q = [] := by\n"
                        "  simp at h\n  exact h.2",
    "numerals and sums of another type in patterns":
        "inductive N where\n  | z : N\n  | s : N → N\n"
        "def N.of : Nat → N\n  | 0 => z\n  | n + 1 => s (N.of n)\n"
        "instance : OfNat N n := ⟨N.of n⟩\n"
        "def N.add : N → N → N\n  | a, 0 => a\n  | a, s b => s (N.add a b)\n"
        "instance : Add N := ⟨N.add⟩\n"
        "def N.mul : N → N → N\n  | _, 0 => 0\n  | a, b + 1 => N.mul a b + a\n"
        "example (a b : N) : N.mul a (.s b) = N.mul a b + a := rfl",
    "indexed family": "inductive V (α : Type u) : Nat → Type u where\n  | nil : V α 0\n"
                      "  | cons : α → V α n → V α (n+1)\n"
                      "def V.head : V α (n+1) → α\n  | .cons a _ => a",
}

REJECTED = {
    "plain arrow before iff": ("example (p q : Prop) : p → q ↔ q := fun _ => Iff.rfl",
                               "but is expected to have type\n  p → q ↔ q"),
    "matches that differ": ("def f (b : Bool) : Nat := match b with\n  | true => 1\n"
                            "  | false => 0\n"
                            "example : f b = match b, 0 with\n  | true, _ => 0\n"
                            "  | false, _ => 1 := rfl", "mismatch"),
    "wrong side": ("example (P Q : Prop) (h : P ∧ Q) : P := h.right", "Type mismatch"),
    "false": ("example : 1 = 2 := rfl", "mismatch"),
    "unknown": ("example : True := my_fake", "Unknown identifier `my_fake`"),
    "self": ("theorem ex : False := ex", "fail to show termination"),
    "missing case": ("def f : Nat → Nat\n  | 0 => 1", "Missing cases"),
    "redundant": ("def f : Nat → Nat\n  | _ => 1\n  | 0 => 2", "Redundant alternative"),
    "hole": ("def f : Nat := _", "don't know how to synthesize placeholder"),
    "twice": ("theorem a : True := trivial\ntheorem a : True := trivial", "already been declared"),
    "not a type": ("example : 3 := 3", "failed to synthesize"),
    "positivity": ("inductive B where\n  | mk : (B → Nat) → B", "(kernel)"),
    "large elimination": ("def f (h : 1 = 1 ∨ 2 = 2) : Nat := match h with\n  | .inl _ => 0\n"
                          "  | .inr _ => 1", "can only eliminate into `Prop`"),
    "instance": ("example (p : Prop) : Bool := decide p", "failed to synthesize"),
    "unsolved": ("example (p q : Prop) : p → p ∧ q := by\n  intro h\n  constructor\n  exact h",
                 "unsolved goals"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(session, name):
    assert errors(session, ACCEPTED[name]) == []


@pytest.mark.parametrize("name", REJECTED)
def test_rejected(session, name):
    text, why = REJECTED[name]
    found = errors(session, text)
    assert found and why in found[0]


def test_universes_are_real(session):
    text = "def f (α : Type u) : Type u := α → Type u"
    assert errors(session, text)


DECLINED = {
    "library name ℝ": "theorem t (x : ℝ) : x = x := rfl",
    "library name Nat.casesOn": "example (n : Nat) : n = n := Nat.casesOn n rfl (fun _ => rfl)",
    "library name T.noConfusion": "inductive T | a | b\n"
                                  "example (h : T.a = .b) : False := T.noConfusion h",
    "match h : …": "example (n : Nat) : n = n := match h : n with | 0 => rfl | _ + 1 => rfl",
    "nofun": "example : ¬False := nofun",
    "extends": "structure A where\n  x : Nat\nstructure B extends A where\n  y : Nat",
    "default value of a structure field": "structure A where\n  x : Nat := 3",
    "unbound name in a structure field": "structure A where\n  x : a = a",
    "recursion that is not structural on one argument (well-founded recursion)":  # as in Lean
        "theorem t (n : Nat) : n = n := by\n  induction n with\n  | zero => rfl\n"
        "  | succ k _ => exact congrArg Nat.succ (t k)",
    "recursive structure": "structure A where\n  x : Nat → A",
}


@pytest.mark.parametrize("feature", DECLINED)
def test_declines_by_name(session, feature):
    out = in_big_stack(lambda: session.command(DECLINED[feature]))
    assert out["declined"] == feature


@pytest.mark.parametrize(("command", "feature"), [
    ("open Nat (succ)", "open with"), ("open Nat hiding succ", "open with"),
    ("variable (x : Nat)\nvariable {x}", "variables"), ("include x", "command include"),
    ("set_option unknown true", "option unknown"),
    ("def f (n : Nat := 0) := n", "optional or automatic arguments"),
    ("def f (a b : Nat) := a\ndef g := f (b := 1)", "named argument after a missing one"),
    ("example (h : ∀ ⦃n : Nat⦄, n = n) : ∀ ⦃n : Nat⦄, n = n := h (m := 1)", "named argument"),
    ("structure P where\n  x : Nat\n  y : Nat\ndef p : P := { x := 1 }", "structure instance with"),
    ("example : 1 = (1 :) := rfl", "(e :)"),
    ("attribute [local instance] instAddNat", "local attribute instance"),
    ("attribute [-reducible] id", "global attribute -reducible"), ("#eval 1", "command eval"),
])
def test_rare_commands_are_declined_by_name(session, command, feature):
    out = in_big_stack(lambda: session.command(command))
    assert out["declined"].startswith(feature)


def test_a_constant_is_shown_with_its_signature(session):
    text = "def f {α : Type u} [Add α] (a b : α) : Nat → α := fun _ => a + b\n#check f"
    [message] = in_big_stack(lambda: session.command(text))["messages"]
    assert message["data"] == "f.{u} {α : Type u} [Add α] (a b : α) : Nat → α"


def test_private_names_are_ordinary_names_of_the_file(session):
    text = "private def two := 2\ntheorem t : two = 2 := rfl\n#print axioms two"
    assert not errors(session, text)
    assert "already" in errors(session, f"{text}\ndef two := 3")[0]


OVERLAP = """def overlap : Nat → Nat → Nat
  | 0, n => 0
  | m, 0 => 1
  | m, n => 2
"""


@pytest.mark.parametrize(("statement", "holds"), [
    ("overlap 0 0 = 0", True), ("overlap 0 (n + 1) = 0", True), ("overlap (m + 1) 0 = 1", True),
    ("overlap (m + 1) (n + 1) = 2", True), ("overlap 0 n = 0", False),
    ("overlap 0 (n * 1) = 0", False),
])
def test_a_match_is_stuck_on_every_argument_that_an_alternative_looks_at(session, statement, holds):
    """As in Lean, which splits all columns: a stock Lean (June 2021) said so, too."""
    found = errors(session, f"{OVERLAP}example : {statement} := rfl")
    assert not found if holds else "Type mismatch" in found[0]


def test_a_recursor_without_its_motive_is_declined(session):
    out = in_big_stack(lambda: session.command("theorem t (p : Prop) (h : False) : p := h.rec"))
    assert out["declined"] == "False.rec without its motive"


@pytest.mark.parametrize(("relations", "result"), [
    ("< ≤ =", "<"), ("≤ ≤", "≤"), ("= ≤ <", "<"), ("∣ = ∣", "∣"), ("= =", "="), ("< =", None),
])
def test_calc_goes_by_the_instances_of_trans(session, relations, result):
    """`result` relates the first side to the last one; None: what holds is not what is stated."""
    steps = relations.split()
    hyps = " ".join(f"(h{i} : x{i} {r} x{i + 1})" for i, r in enumerate(steps))
    chain = "".join(f"\n  {'x0' if not i else '_'} {r} x{i + 1} := h{i}"
                    for i, r in enumerate(steps))
    names = " ".join(f"x{i}" for i in range(len(steps) + 1))
    statement = f"x0 {result or '='} x{len(steps)}"
    found = errors(session, f"example ({names} : Nat) {hyps} : {statement} := calc{chain}")
    assert found == [] if result else "Type mismatch" in found[0]


def test_an_auto_bound_name_used_before_a_hypothesis_of_that_name_ends_in_an_error(session):
    text = ("theorem t (g : Nat → Nat) (h : ∀ x : Nat, x = x → hS (g x)) (hS : g 0 = 0) :\n"
            "    g 0 = 0 := by assumption")
    out = session.command(text, timeout_s=20)
    assert "Function expected" in out["messages"][0]["data"]


FUNCTIONS = """
def zipSum : List Nat → List Nat → List Nat
  | x :: xs, y :: ys => (x + y) :: zipSum xs ys
  | [], ys => ys
  | xs, [] => xs
def third : Nat → Nat
  | n + 3 => third n + 1
  | _ => 0
def pairs (n : Nat) : List Nat → Nat
  | [] => n
  | [x] => n * x
  | x :: y :: zs => x * y + pairs (n + 1) zs
def cmp : Nat → Nat → Nat
  | 0, 0 => 7
  | 0, _ + 1 => 8
  | _ + 1, 0 => 9
  | n + 1, m + 1 => cmp n m
def step : Nat → Nat → Nat
  | 0, m => m
  | n + 1, m => step n (match m with | 0 => 5 | k + 1 => k)
def lastOr (d : Nat) : List Nat → Nat
  | [] => d
  | x :: xs => lastOr x xs
"""


@pytest.mark.parametrize(("call", "value", "other"), [
    ("zipSum [1, 2, 3] [10, 20]", "[11, 22, 3]", "[11, 22]"),
    ("zipSum [1] [10, 20]", "[11, 20]", "[11]"), ("third 11", "3", "4"), ("third 2", "0", "1"),
    ("pairs 1 [1, 2, 3, 4, 5]", "29", "28"), ("cmp 3 3", "7", "8"), ("cmp 2 5", "8", "9"),
    ("cmp 5 2", "9", "8"), ("step 3 1", "4", "5"), ("step 4 0", "2", "3"),
    ("lastOr 0 [4, 5, 6]", "6", "5"), ("lastOr 3 []", "3", "0"),
])
def test_recursive_functions_compute_what_their_equations_say(session, call, value, other):
    assert errors(session, f"{FUNCTIONS}example : {call} = {value} := rfl") == []
    assert errors(session, f"{FUNCTIONS}example : {call} = {other} := rfl")
