"""Each tactic: what it proves, what it leaves, what it refuses."""

import pytest

from minilean.front.session import Session


@pytest.fixture(scope="module")
def session():
    return Session()


def run(session, statement, proof):
    """(errors, declined feature) of a theorem with a tactic proof."""
    body = "\n".join("  " + line for line in proof.split("\n"))
    answer = session.command(f"{statement} := by\n{body}")
    errors = [m["data"] for m in answer.get("messages", ()) if m["severity"] == "error"]
    return errors, answer.get("declined")


def goals(session, statement, tactic):
    state = session.command(f"{statement} := by sorry")["sorries"][0]["proofState"]
    answer = session.tactic(state, tactic)
    assert "goals" in answer, answer
    return answer["goals"]


def message(session, statement, tactic):
    state = session.command(f"{statement} := by sorry")["sorries"][0]["proofState"]
    answer = session.tactic(state, tactic)
    return answer.get("message") or "\n".join(m["data"] for m in answer["messages"])


PROVED = [
    ("example (p q : Prop) (hp : p) (hq : q) : p ∧ q", "exact ⟨hp, by assumption⟩"),
    ("example (p : Nat → Prop) (h : ∀ x, p x) : p 3", "apply h"),
    ("example (a b c : Nat) (h : a ≤ b) (k : b ≤ c) : a ≤ c",
     "apply Nat.le_trans\nexact h\nexact k"),
    ("example (a b c : Nat) (h : a ≤ b) (k : b ≤ c) : a ≤ c", "exact Nat.le_trans ‹_› k"),
    ("example (p q r : Prop) (h : p → q → r) (hp : p) (hq : q) : r", "apply h <;> assumption"),
    ("example (p q r : Prop) (h : p → q → r) (hp : p) (hq : q) : r",
     "refine h ?_ ?_\nall_goals assumption"),
    ("example (p q : Prop) : p → q → p", "intro hp _\nexact hp"),
    ("example (p q : Prop) : p ∧ q → q ∧ p", "rintro ⟨hp, hq⟩\nexact ⟨hq, hp⟩"),
    ("example (p q : Prop) : p ∧ q → q ∧ p", "intro ⟨hp, hq⟩\nconstructor <;> assumption"),
    ("example (p q : Prop) : p ∨ q → q ∨ p", "rintro (h | h)\n· exact Or.inr h\n· exact Or.inl h"),
    ("example (p q : Prop) : p ∨ q → q ∨ p",
     "intro h\nmatch h with\n| .inl h => exact .inr h\n| .inr h => exact .inl h"),
    ("example (p : Prop) (h : ¬¬p) : p", "by_cases hp : p\n· exact hp\n· exact absurd hp h"),
    ("example (p : Prop) (h : ¬¬p) : p", "by_contra hp\nexact h hp"),
    ("example (a b : Nat) (h : a = b) : b = a", "symm\nexact h"),
    ("example (a b : Nat) (h : a = b) : b + 0 = a", "show b = a\nexact h.symm"),
    ("example (a b c : Nat) (h : a = b) (k : b = c) : a = c", "calc a = b := h\n  _ = c := k"),
    ("example (a b c : Nat) (h : a = b) (k : b = c) : a = c", "rw [h, k]"),
    ("example (a b c : Nat) (h : a = b) (k : b = c) : a = c", "rwa [h]"),
    ("example (a b c : Nat) (h : a = b) (k : c = b) : a = c", "rw [← k] at h\nexact h"),
    ("example (a b : Nat) (h : a + 0 = b) : a = b", "rw [Nat.add_zero] at h\nassumption"),
    ("example (f : Nat → Nat) (h : ∀ x, f x = x) : f (f 2) = 2", "rw [h, h]"),
    ("example (f : Nat → Nat) (h : ∀ x, f x = x) : f (f 2) = 2", "simp [h]"),
    ("example (f : Nat → Nat) (h : ∀ x, f x = x) : f (f 2) = 2", "simp only [h]"),
    ("example (n : Nat) : 0 + n = n",
     "induction n with\n| zero => rfl\n| succ n ih => rw [← Nat.add_assoc, ih]"),
    ("example (n m : Nat) : n + m = m + n", "induction n generalizing m with\n| zero => simp\n"
     "| succ n ih => rw [Nat.succ_add, ih, Nat.add_succ]"),
    ("example (xs : List Nat) : xs.length = xs.reverse.length", "simp"),
    ("example (xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length",
     "simp [Nat.add_comm]"),
    ("example (f : Nat → Nat) (xs : List Nat) : (xs.map f).length = xs.length",
     "induction xs with\n| nil => rfl\n| cons x xs ih => simp"),
    ("example (a b : Nat) (h : a.succ = b.succ) : a = b", "injection h"),
    ("example (a b : Nat) (h : a + 1 = b + 1) : a = b", "injection h with h"),
    ("example (a b : Nat) (h : a + 1 = b + 1) : a = b", "simpa using h"),
    ("example (a b : Nat) (h : a + 1 = b + 1) : a = b", "cases h\nrfl"),
    ("example (x y : Nat) (xs ys : List Nat) (h : x :: xs = y :: ys) : xs = ys", "cases h\nrfl"),
    ("example (x : Nat) (xs : List Nat) (h : x :: xs = []) : False", "cases h"),
    ("example (x : Nat) (xs : List Nat) (h : x :: xs = []) : 1 = 2", "contradiction"),
    ("example (h : 2 = 3) : False", "contradiction"),
    ("example (h : 3000 = 2000) : False", "cases h"),
    ("example (n : Nat) (h : n + 1 ≤ 0) : False", "contradiction"),
    ("example (n : Nat) (h : n < 0) : 1 = 2", "cases h"),
    ("example (p : Prop) (h : p) (k : ¬p) : 1 = 2", "contradiction"),
    ("example (a b c : Nat) (h : a = b) (k : b = c) : a = c", "subst h\nexact k"),
    ("example (a b c : Nat) (h : a = b) (k : b = c) : a = c", "subst h k\nrfl"),
    ("example : 3 + 4 = 7 ∧ 2 < 5", "decide"),
    ("example : ¬(3 = 4)", "decide"),
    ("example : 3 + 4 = 7", "rfl"),
    ("example (p q : Prop) (h : p ∧ q) : q", "obtain ⟨-, h⟩ := h\nexact h"),
    ("example (p : Nat → Prop) (h : ∃ x, p x ∧ x = 2) : p 2", "obtain ⟨x, hx, rfl⟩ := h\nexact hx"),
    ("example (p : Nat → Prop) (h : ∃ x, p x ∧ x = 2) : p 2",
     "rcases h with ⟨_, hx, rfl⟩\nassumption"),
    ("example (p q r : Prop) (h : p ∨ q ∨ r) (a : p → r) (b : q → r) : r",
     "rcases h with h | h | h\n· exact a h\n· exact b h\n· exact h"),
    ("example (p q : Nat → Prop) (h : ∀ x, p x ∧ q x) : ∀ x, q x",
     "intro x\nhave ⟨_, h⟩ := h x\nexact h"),
    ("example (p q : Prop) (h : p) (k : p → q) : q",
     "have hq : q := by\n  apply k\n  exact h\nexact hq"),
    ("example (p q : Prop) (h : p) (k : p → q) : q", "suffices hp : p by exact k hp\nexact h"),
    ("example (p q : Prop) (h : p) (k : p → q) : q", "suffices hp : p from k hp\nassumption"),
    ("example (p q : Prop) (h : p) (k : p → q) : q", "specialize k h\nexact k"),
    ("example (p q : Prop) : p → q → p", "intro h\nrevert h\nintro h _\nexact h"),
    ("example (f g : Nat → Nat) (h : ∀ x, f x = g x) : f = g", "funext x\nexact h x"),
    ("example (a : Nat) : a + 0 = a", "generalize a = b\nrfl"),
    ("example (a b : Nat) (h : a = b) : a + 2 = b + 2", "generalize h' : a + 2 = c\nrw [← h', h]"),
    ("example (p q : Prop) (h : p ∧ q) : p ∧ q",
     "repeat constructor\nall_goals first | exact h.1 | exact h.2"),
    ("example (p q : Prop) (h : p) : p ∨ q", "first | (right; assumption) | (left; assumption)"),
    ("example (p : Prop) (h : p) : p", "try contradiction\nexact h"),
    ("example (p q : Prop) (a : p) (b : q) : p ∧ q",
     "constructor\ncase right => exact b\ncase left => exact a"),
    ("example (p q : Prop) : p → q → p", "intros\nrename_i a b\nexact a"),
    ("example (p q : Prop) (h : p ∧ q) : p", "cases h\nnext a b => exact a"),
    ("example (p q : Prop) (a : p) (b : q) : p", "clear b\nexact a"),
    ("example (p q : Prop) (h : p ↔ q) (a : p) : q", "rw [h] at a\nexact a"),
    ("example (p q : Prop) (h : p ↔ q) (a : q) : p", "simp [h, a]"),
    ("example (p q r : Prop) (h : p ∧ q) (k : q → r) : r", "simp_all"),
    ("example (p q : Prop) (h : p) : p ∨ q ∧ q", "simp [h]"),
    ("example (p : Prop) [Decidable p] (a : Nat) : (if p then a else a) = a", "split <;> rfl"),
    ("example (p : Prop) [Decidable p] (a : Nat) : (if p then a else a) = a", "simp"),
    ("example (b : Bool) : (!!b) = b", "cases b <;> rfl"),
    ("example (b : Bool) (h : b = true) : (b && true) = true", "simp [h]"),
    ("example : ∃ x : Nat, x > 3 ∧ x < 5", "exists 4"),
    ("example : ∃ x : Nat, x > 3 ∧ x < 5", "refine ⟨4, ?_, ?_⟩ <;> decide"),
    ("example : ∃ x y : Nat, x + y = 5", "exact ⟨2, 3, rfl⟩"),
    ("example (x : Nat) (h : x = 1 ∨ x = 2) : x < 3",
     "rcases h with rfl | rfl\n· decide\n· decide"),
    ("example (a b c : Nat) : a * (b + c) = a * c + a * b", "rw [Nat.mul_add, Nat.add_comm]"),
    ("example (a b c : Nat) : a + b + c = c + b + a", "simp [Nat.add_comm, Nat.add_left_comm]"),
    ("example (x y : Nat) (h : x = y) (p : Nat → Prop) (k : p x) : p y", "exact h ▸ k"),
    ("example (p q : Prop) : p ∧ q ↔ q ∧ p", "constructor <;> intro ⟨a, b⟩ <;> exact ⟨b, a⟩"),
    ("example (n : Nat) : n = 0 ∨ n > 0",
     "cases n with\n| zero => left; rfl\n| succ n => right; exact Nat.succ_pos n"),
    ("example (p : Nat → Prop) (h : ¬∃ x, p x) : ∀ x, ¬p x", "intro x hx\nexact h ⟨x, hx⟩"),
    ("example (xs : List Nat) (h : xs ≠ []) : ∃ y ys, xs = y :: ys",
     "cases xs with\n| nil => exact absurd rfl h\n| cons y ys => exact ⟨y, ys, rfl⟩"),
    ("example (a b : Nat) (h : a ≤ b) : ∃ c, b = a + c",
     "induction h with\n| refl => exact ⟨0, rfl⟩\n| step _ ih =>\n  obtain ⟨c, hc⟩ := ih\n"
     "  exact ⟨c + 1, by rw [hc]; rfl⟩"),
    ("example (p q : Prop) (hp : p) (hq : q) : p ∧ q", "trivial"),
    ("example : True ∧ True", "trivial"),
]

PROVED += [
    ("example (p q r : Prop) : p → q → p ∧ q", "simp +contextual"),
    ("example (p : Prop) [Decidable p] (h : p) (a b : Nat) : (if p then a else b) = a",
     "simp only [h]"),
    ("example (p : Prop) [Decidable p] (h : ¬p) (f : p → Nat) : (if k : p then f k else 2) = 2",
     "simp [h]"),
    ("example (a b : Nat) : (if a + 0 = b then 1 else 2) = if a = b then 1 else 2", "simp"),
    ("example (a b : Nat) : decide (a + 0 = b) = decide (a = b)", "simp"),
    ("example : 2 ^ 10 / 3 = 341 ∧ ¬5 < 3", "simp"),
    ("example (x : Nat) (h : x + 5 = 7) : x = 2", "simpa using h"),
    ("example (a b c d : Nat) (h : (a, b) = (c, d)) : b = d", "simp at h\nexact h.2"),
    ("example (p : Prop) (h : False) : p", "simpa using h"),
    ("example (f : Nat → Nat → Nat) (h : ∀ x y, f x y = x) : f 1 2 = 1", "simp [h _ 2]"),
    ("example (a b c : Nat) : a * b * c = c * b * a", "simp [Nat.mul_comm, Nat.mul_left_comm]"),
    ("example (n : Nat) : n = 0 ∨ 0 < n", "cases n with simp"),
    ("example (a b : Nat) (h : a = b) : a + 1 = b + 1", "congr"),
    ("example (f : Nat → Nat) (a b : Nat) (h : b = a) : f (a + 1) = f (b + 1)", "congr 2\nrw [h]"),
    ("example (f g : Nat → Nat) (h : ∀ x, f x = g x) : f = g", "ext x\nrw [h]"),
    ("example (f g : Nat → Nat → Nat) (h : ∀ x y, f x y = g x y) : f = g", "ext x y\nexact h x y"),
    ("example (p q : Prop) (h : p ↔ q) : p = q", "ext\nexact h"),
    ("example (xs : List Nat) : (0 :: xs).filter (· == 0) = 0 :: xs.filter (· == 0)",
     "simp [List.filter]"),
    ("example (x : Nat) (xs : List Nat) : (x :: xs).length = xs.length + 1", "rw [List.length]"),
    ("example (x : Nat) (xs : List Nat) : (x :: xs).length = xs.length + 1",
     "unfold List.length\nrfl"),
    ("example (n : Nat) (h : n ≤ 0) : n = 0", "cases h with\n| refl => rfl"),
    ("example (n m : Nat) (h : n < m) (k : m < n) : False",
     "exact absurd (Nat.lt_trans h k) (Nat.lt_irrefl n)"),
    ("example (p : Prop) (h : ¬¬p) : p", "by_cases p\n· assumption\n· contradiction"),
    ("example : 3 = 3", "calc 3 = 3 := rfl\n  _ = 3 := rfl"),
    ("example : 3 = 3", "exact by calc\n  3 = 3 := rfl\n  3 = 3 := rfl"),
    ("example : ∃ x y : Nat, x = y", "use 3, 3"),
    ("example (a b : Nat) (h : a ≠ b) : b ≠ a", "symm\nexact h"),
    ("example (p q : Prop) (h : p ∧ q) : p ∧ q", "have ⟨a, _⟩ := h\nexact ⟨a, h.2⟩"),
    ("example : ∃ y, y = 3", "let x := 3\nhave h : x = 3 := rfl\nexact ⟨x, h⟩"),
    ("example (h : ∃ y, y = 3) : ∃ y, y = 3", "let ⟨x, k⟩ := h\nexact ⟨x, k⟩"),
    ("example (n m : Nat) : n = m + 0 → m = n", "intro (h : n = m)\nexact h.symm"),
    ("example (f : Nat → Nat) : f (2 + 2) = f 4", "congr"),
    ("example : 3 ≤ 3", "with_reducible rfl"),
]
REFUSED = [
    ("example (p : Prop) (h' : ¬¬p) : p", "by_cases p\n· exact h\n· contradiction"),
    ("example (p q : Prop) (h : p ∨ q) : True",
     "cases h with\n| inl a => trivial\n| inl a => trivial\n| inr a => trivial"),
    ("example (n : Nat) (h : n ≤ 0) : n = 0", "cases h with\n| refl => rfl\n| step h => rfl"),
    ("example (p q : Prop) (h : p ∧ q) : p", "cases h with\n| intro a b c => exact a"),
    ("example (p q : Prop) (hp : p) : p ∧ q", "constructor <;> assumption"),
    ("example (p q : Prop) (h : p ∨ q) : p", "cases h <;> assumption"),
    ("example (a b : Nat) : a = b", "rfl"),
    ("example (a b : Nat) (h : a = b) : a = b + 1", "rw [h]"),
    ("example (n : Nat) : n = 0", "cases n with\n| zero => rfl\n| succ n => simp"),
    ("example (n : Nat) : n = n + 0 + 1",
     "induction n with\n| zero => rfl\n| succ n ih => rw [ih]"),
    ("example (n : Nat) : n < n", "decide"),
    ("example : 3 < 2", "decide"),
    ("example (h : 2 = 2) : False", "contradiction"),
    ("example (p : Prop) (h : p → False) (k : ¬p) : False", "contradiction"),
    ("example (xs : List Nat) : xs = []", "cases xs\nrfl"),
    ("example (p : Nat → Prop) (h : ∃ x, p x) : p 0", "obtain ⟨x, hx⟩ := h\nexact hx"),
    ("example (a b c : Nat) (h : a = b) : a = c", "subst h\nrfl"),
    ("example (p q : Prop) (h : p → q) : q → p", "intro hq\napply h\nexact hq"),
    ("example (p q : Prop) (h : p) : p ∧ q", "exact ⟨h, _⟩"),
    ("example (p : Prop) : p", "exact ?_"),
    ("example (f : Nat → Nat) : f = id", "funext x\nsimp"),
    ("example (a b : Nat) (h : a + 1 = b + 2) : a = b", "simpa using h"),
    ("example (p : Prop) : p ∨ p → p", "intro h\nassumption"),
    ("example (a : Nat) (h : a > 0) : a ≥ 2", "exact h"),
    ("example (p q : Prop) (h : p) : q", "first | exact h | assumption"),
    ("example (p q : Prop) (h : p) (k : q) : p ∧ q", "constructor\nexact h"),
    ("example (p q : Prop) (h : p) (k : q) : p", "exact h\nexact k"),
    ("example (x y : Nat) (h : x ≤ y) : x < y",
     "induction h with\n| refl => simp\n| step h ih => exact h"),
    ("example (f g : Nat → Nat) (h : f = g) : f 1 = g 2", "rw [h]"),
    ("example (p : Nat → Prop) (h : ∀ x, p x) : ∃ x, p x ∧ x = 1", "exact ⟨0, h 0, rfl⟩"),
]


@pytest.mark.parametrize(("statement", "proof"), PROVED)
def test_proves(session, statement, proof):
    assert run(session, statement, proof) == ([], None)


@pytest.mark.parametrize(("statement", "proof"), REFUSED)
def test_refuses(session, statement, proof):
    errors, declined = run(session, statement, proof)
    assert errors and declined is None


@pytest.mark.parametrize(("statement", "tactic", "expected"), [
    ("example (p q : Prop) (h : p → q) : q", "apply h", ["p q : Prop\nh : p → q\n⊢ p"]),
    ("example (p q : Prop) : p ∧ q", "constructor",
     ["case left\np q : Prop\n⊢ p", "case right\np q : Prop\n⊢ q"]),
    ("example (p q : Prop) : p ∨ q", "left", ["case h\np q : Prop\n⊢ p"]),
    ("example (p q : Prop) : p ∧ q", "refine ⟨?_, ?_⟩",
     ["case refine_1\np q : Prop\n⊢ p", "case refine_2\np q : Prop\n⊢ q"]),
    ("example (p q : Prop) : p ∧ q", "refine ⟨?a, ?b⟩",
     ["case a\np q : Prop\n⊢ p", "case b\np q : Prop\n⊢ q"]),
    ("example (a b c : Nat) : a < c", "apply Nat.lt_trans",
     ["case h₁\na b c : Nat\n⊢ a < ?m", "case h₂\na b c : Nat\n⊢ ?m < c",
      "case m\na b c : Nat\n⊢ Nat"]),
    ("example (p q : Prop) (h : p ∧ q) : q", "obtain ⟨a, b⟩ := h",
     ["case intro\np q : Prop\na : p\nb : q\n⊢ q"]),
    ("example (n : Nat) : n = n", "by_cases h : n = 0",
     ["case pos\nn : Nat\nh : n = 0\n⊢ n = n", "case neg\nn : Nat\nh : ¬n = 0\n⊢ n = n"]),
    ("example (n : Nat) : n = n", "by_cases n = 0",
     ["case pos\nn : Nat\nh✝ : n = 0\n⊢ n = n", "case neg\nn : Nat\nh✝ : ¬n = 0\n⊢ n = n"]),
    ("example (a b : Nat) (h : a = b) : a + a = b", "rw [h]",
     ["a b : Nat\nh : a = b\n⊢ b + b = b"]),
    ("example (n : Nat) (xs : List Nat) : xs.length = n",
     "cases xs with\n| nil => ?_\n| cons x xs => ?_",
     ["case nil\nn : Nat\n⊢ [].length = n",
      "case cons\nn x : Nat\nxs : List Nat\n⊢ (x :: xs).length = n"]),
    ("example (p : Prop) : p", "exfalso", ["p : Prop\n⊢ False"]),
    ("example (p : Prop) : p", "by_contra", ["p : Prop\nthis : ¬p\n⊢ False"]),
    ("example (p : Prop) : ¬p", "by_contra h", ["p : Prop\nh : p\n⊢ False"]),
    ("example (p q : Prop) (h : p ∧ q) : q", "have ⟨a, b⟩ := h",
     ["p q : Prop\nh : p ∧ q\na : p\nb : q\n⊢ q"]),
    ("example (p q : Prop) : p ∧ q → q", "intro ⟨a, b⟩", ["p q : Prop\na : p\nb : q\n⊢ q"]),
    ("example (f : Nat → Nat → Nat) (a b c d : Nat) : f (a + b) 1 = f (c + d) 1", "congr",
     ["f : Nat → Nat → Nat\na b c d : Nat\n⊢ a = c",
      "f : Nat → Nat → Nat\na b c d : Nat\n⊢ b = d"]),
    ("example (f g : Nat → Nat → Prop) : f = g", "ext x",
     ["f g : Nat → Nat → Prop\nx x✝ : Nat\n⊢ f x x✝ ↔ g x x✝"]),
    ("example (p q : Prop) (h : p) : q", "have k := h", ["p q : Prop\nh k : p\n⊢ q"]),
    ("example (p q : Prop) (f : p → q) : q", "suffices h : p from f h",
     ["p q : Prop\nf : p → q\n⊢ p"]),
    ("example (p q : Prop) (h : p) : q", "absurd h", ["p q : Prop\nh : p\n⊢ ¬p"]),
    ("example (p q : Prop) (h : ¬p) : q", "absurd h", ["p q : Prop\nh : ¬p\n⊢ p"]),
])
def test_goals_left(session, statement, tactic, expected):
    assert goals(session, statement, tactic) == expected


@pytest.mark.parametrize(("statement", "tactic", "text"), [
    ("example (p : Prop) : p", "assumption", "Tactic `assumption` failed"),
    ("example (p : Prop) : p", "intro h", "Tactic `introN` failed"),
    ("example (p : Prop) : p", "exact foo", "nknown identifier `foo`"),
    ("example (p q : Prop) (h : q) : p", "exact h",
     "Type mismatch\n  h\nhas type\n  q\nbut is expected"),
    ("example (a b : Nat) : a = b", "rw [Nat.mul_comm]",
     "Did not find an occurrence of the pattern"),
    ("example (p q : Prop) (h : q) : p", "apply h", "Tactic `apply` failed: could not unify"),
    ("example (p : Prop) : p", "simp", "`simp` made no progress"),
    ("example (p : Prop) : p", "contradiction", "Tactic `contradiction` failed"),
    ("example (p q : Prop) (h : p ∨ q) : p", "cases h with\n| inl h => exact h",
     "Alternative `inr` has not been provided"),
    ("example (p q : Prop) (h : p ∨ q) : p", "cases h with\n| foo h => exact h\n| inr h => exact h",
     "Invalid alternative name `foo`"),
    ("example (a b : Nat) : a = b", "rfl", "Tactic `rfl` failed"),
])
def test_messages(session, statement, tactic, text):
    assert text in message(session, statement, tactic)


@pytest.mark.parametrize(("tactic", "feature"), [
    ("omega", "tactic omega"), ("norm_num", "tactic norm_num"), ("conv => rfl", "tactic conv"),
    ("simp +arith", "simp option +arith"), ("linarith", "tactic linarith"),
    ("iterate 2 rfl", "tactic iterate"), ("dsimp", "tactic dsimp"),
    ("obtain ⟨x, hx⟩ : ∃ x, x = a", "obtain without a value or with several"),
])
def test_declined_features_are_named(session, tactic, feature):
    state = session.command("example (a : Nat) : a = a := by sorry")["sorries"][0]["proofState"]
    assert session.tactic(state, tactic)["declined"] == feature


def test_states_are_immutable(session):
    state = session.command("example (p q : Prop) (h : p ∨ q) : q ∨ p := by sorry")
    state = state["sorries"][0]["proofState"]
    first = session.tactic(state, "cases h")
    again = session.tactic(state, "cases h")
    assert first["goals"] == again["goals"]
    done = session.tactic(first["proofState"], "case inl h => exact Or.inr h")
    assert len(done["goals"]) == 1
    assert session.tactic(first["proofState"], "all_goals sorry")["goals"] == []
    assert session.tactic(state, "exact h.symm")["proofStatus"] == "Completed"


def test_subst_takes_the_first_equation_for_a_variable(session):
    """As in Lean, which then has z = z to prove: `assumption` does not."""
    statement = "example (x y z : Nat) (h1 : y = z) (h2 : x = z) (h3 : x = y) : x = z"
    assert goals(session, statement, "subst x") == [
        "y z : Nat\nh1 : y = z\nh3 : z = y\n⊢ z = z"]


def test_split_takes_the_first_if(session):
    statement = "example (a b : Nat) : (if a = 0 then 1 else 2) + (if b = 0 then 3 else 4) > 0"
    assert [g.split("\n")[2] for g in goals(session, statement, "split")] == [
        "h✝ : a = 0", "h✝ : ¬a = 0"]


def test_a_pattern_finds_a_field_that_an_earlier_one_moved(session):
    statement = "example (p : Nat → Prop) (y : Nat) (h : ∃ x, x = y ∧ p x ∧ p y) : p y"
    assert goals(session, statement, "obtain ⟨x, rfl, hx, -⟩ := h") == [
        "case intro.intro.intro\np : Nat → Prop\nx : Nat\nhx : p x\n⊢ p x"]


def test_apply_of_a_function_to_its_own_argument_leaves_the_goal(session):
    assert goals(session, "example (C : Prop) : C → C", "apply fun h => h") == [
        "C : Prop\n⊢ C → C"]


def test_induction_over_an_index_that_occurs_twice_is_refused(session):
    session_text = """inductive R : Nat → Nat → Prop
  | refl : R n n
example (a : Nat) (h : R a a) : True := by
  induction h with
  | refl => trivial"""
    errors = session.command(session_text)["messages"]
    assert "Index in target's type is not a variable" in errors[0]["data"]


def test_simp_unfolds_definitions(session):
    """With as many arguments as the definition or its type takes."""
    text = """def twice (f : Nat → Nat) : Nat → Nat := fun x => f (f x)
def same (f : Nat → Nat) : Nat → Nat := f
def zero? : Nat → Bool
  | 0 => true
  | _ + 1 => false
example (f : Nat → Nat) (x : Nat) : twice (same f) x = f (f x) ∧ zero? 0 = true := by
  simp [twice, same, zero?]"""
    assert "messages" not in session.command(text)


@pytest.mark.parametrize("attribute", ["simp high", "-simp"])
def test_simp_attributes_with_more_to_them_are_declined(session, attribute):
    answer = session.command(f"theorem foo : 1 = 1 := rfl\nattribute [{attribute}] foo")
    assert "attribute" in answer["declined"]


def test_split_on_a_match_is_declined(session):
    statement = "example (o : Option Nat) : (match o with | none => 1 | some y => y + 1) ≠ 0"
    assert run(session, statement, "split\n· decide\n· simp")[1] == "split on a match"


def test_what_a_tactic_stands_for_means_the_library(session):
    text = """namespace Mine
theorem funext : True := trivial
theorem And.intro : True := trivial
example (f g : Nat → Nat) (h : ∀ x, f x = g x) : f = g ∧ True := by
  have k : f = g := by
    funext x
    exact h x
  trivial"""
    assert "messages" not in session.command(text)


def test_only_written_tactics_are_listed(session):
    text = "example : ∃ x : Nat, x = x ∧ True := by\n  exists 4"
    assert [step["tactic"] for step in session.command(text, all_tactics=True)["tactics"]] == [
        "exists 4"]
