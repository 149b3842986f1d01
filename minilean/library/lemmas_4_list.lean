/- Lists: names, statements and simp attributes of core Lean (Init/Data/List/Basic, Lemmas). -/
set_option autoImplicit true
universe u v

/-! ## Append -/

@[simp] theorem List.nil_append (as : List α) : [] ++ as = as := rfl
@[simp] theorem List.cons_append {a : α} {as bs : List α} : (a :: as) ++ bs = a :: (as ++ bs) := rfl
@[simp] theorem List.append_nil (as : List α) : as ++ [] = as := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [List.cons_append, ih]
@[simp] theorem List.append_assoc (as bs cs : List α) : (as ++ bs) ++ cs = as ++ (bs ++ cs) := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [List.cons_append, List.cons_append, List.cons_append, ih]
theorem List.append_cons (as : List α) (b : α) (bs : List α) : as ++ b :: bs = as ++ [b] ++ bs := by
  rw [List.append_assoc, List.cons_append, List.nil_append]
theorem List.singleton_append {x : α} {l : List α} : [x] ++ l = x :: l := rfl
theorem List.cons_ne_nil (a : α) (l : List α) : a :: l ≠ [] := fun h => by injection h
theorem List.cons_ne_self (a : α) (l : List α) : a :: l ≠ l := by
  induction l generalizing a with
  | nil => exact List.cons_ne_nil a []
  | cons b l ih => intro h; injection h with _ h; exact ih b h
theorem List.head_eq_of_cons_eq {h₁ h₂ : α} {t₁ t₂ : List α} (H : h₁ :: t₁ = h₂ :: t₂) : h₁ = h₂ := by
  injection H
theorem List.tail_eq_of_cons_eq {h₁ h₂ : α} {t₁ t₂ : List α} (H : h₁ :: t₁ = h₂ :: t₂) : t₁ = t₂ := by
  injection H
theorem List.cons_inj_right (a : α) {l l' : List α} : a :: l = a :: l' ↔ l = l' :=
  ⟨List.tail_eq_of_cons_eq, fun h => by rw [h]⟩
theorem List.cons_eq_cons {a b : α} {l l' : List α} : a :: l = b :: l' ↔ a = b ∧ l = l' :=
  ⟨fun h => ⟨List.head_eq_of_cons_eq h, List.tail_eq_of_cons_eq h⟩, fun ⟨h₁, h₂⟩ => by rw [h₁, h₂]⟩
theorem List.append_cancel_left {as bs cs : List α} (h : as ++ bs = as ++ cs) : bs = cs := by
  induction as with
  | nil => exact h
  | cons a as ih => exact ih (List.tail_eq_of_cons_eq h)
theorem List.append_right_inj {t₁ t₂ : List α} (s : List α) : s ++ t₁ = s ++ t₂ ↔ t₁ = t₂ :=
  ⟨List.append_cancel_left, fun h => by rw [h]⟩
attribute [simp] List.append_right_inj
@[simp] theorem List.append_eq_nil_iff {p q : List α} : p ++ q = [] ↔ p = [] ∧ q = [] := by
  constructor
  · intro h
    cases p with
    | nil => exact ⟨rfl, h⟩
    | cons a p => exact absurd h (List.cons_ne_nil _ _)
  · intro h
    rw [h.1, h.2]; rfl
theorem List.exists_cons_of_ne_nil {l : List α} (h : l ≠ []) : ∃ b L, l = b :: L := by
  cases l with
  | nil => exact absurd rfl h
  | cons b L => exact ⟨b, L, rfl⟩
