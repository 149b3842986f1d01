/- Natural numbers: names, statements and simp attributes of core Lean (Init/Data/Nat/Basic, Lemmas). -/
set_option autoImplicit true
universe u v

/-! ## Addition -/

@[simp] protected theorem Nat.add_zero (n : Nat) : n + 0 = n := rfl
protected theorem Nat.add_succ (n m : Nat) : n + Nat.succ m = Nat.succ (n + m) := rfl
theorem Nat.add_one (n : Nat) : n + 1 = Nat.succ n := rfl
@[simp] theorem Nat.succ_eq_add_one (n : Nat) : Nat.succ n = n + 1 := rfl
@[simp] protected theorem Nat.zero_add (n : Nat) : 0 + n = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg Nat.succ ih
theorem Nat.succ_add (n m : Nat) : Nat.succ n + m = Nat.succ (n + m) := by
  induction m with
  | zero => rfl
  | succ m ih => exact congrArg Nat.succ ih
theorem Nat.succ_add_eq_add_succ (a b : Nat) : Nat.succ a + b = a + Nat.succ b := Nat.succ_add a b
theorem Nat.add_one_add (a b : Nat) : a + 1 + b = a + b + 1 := Nat.succ_add a b
protected theorem Nat.add_comm (n m : Nat) : n + m = m + n := by
  induction m with
  | zero => exact (Nat.zero_add n).symm
  | succ m ih => exact (congrArg Nat.succ ih).trans (Nat.succ_add m n).symm
protected theorem Nat.add_assoc (n m k : Nat) : (n + m) + k = n + (m + k) := by
  induction k with
  | zero => rfl
  | succ k ih => exact congrArg Nat.succ ih
protected theorem Nat.add_left_comm (n m k : Nat) : n + (m + k) = m + (n + k) := by
  rw [← Nat.add_assoc, Nat.add_comm n m, Nat.add_assoc]
protected theorem Nat.add_right_comm (n m k : Nat) : (n + m) + k = (n + k) + m := by
  rw [Nat.add_assoc, Nat.add_comm m k, ← Nat.add_assoc]
protected theorem Nat.add_add_add_comm (a b c d : Nat) : (a + b) + (c + d) = (a + c) + (b + d) := by
  rw [Nat.add_assoc, Nat.add_assoc, Nat.add_left_comm b]
theorem Nat.one_add (n : Nat) : 1 + n = Nat.succ n := Nat.add_comm 1 n
theorem Nat.succ_inj' {a b : Nat} : Nat.succ a = Nat.succ b ↔ a = b :=
  ⟨fun h => by injection h, fun h => by rw [h]⟩
theorem Nat.succ.inj {m n : Nat} (h : Nat.succ m = Nat.succ n) : m = n := by injection h
theorem Nat.succ_inj {a b : Nat} : Nat.succ a = Nat.succ b ↔ a = b := Nat.succ_inj'
theorem Nat.add_one_inj {a b : Nat} : a + 1 = b + 1 ↔ a = b := Nat.succ_inj'
protected theorem Nat.add_right_cancel {n m k : Nat} (h : n + m = k + m) : n = k := by
  induction m with
  | zero => exact h
  | succ m ih => exact ih (Nat.succ.inj h)
protected theorem Nat.add_left_cancel {n m k : Nat} (h : n + m = n + k) : m = k := by
  rw [Nat.add_comm n m, Nat.add_comm n k] at h
  exact Nat.add_right_cancel h
protected theorem Nat.add_right_cancel_iff {m k n : Nat} : m + n = k + n ↔ m = k :=
  ⟨Nat.add_right_cancel, fun h => by rw [h]⟩
protected theorem Nat.add_left_cancel_iff {m k n : Nat} : n + m = n + k ↔ m = k :=
  ⟨Nat.add_left_cancel, fun h => by rw [h]⟩
attribute [simp] Nat.add_left_cancel_iff Nat.add_right_cancel_iff
theorem Nat.succ_ne_zero (n : Nat) : Nat.succ n ≠ 0 := fun h => by injection h
@[simp] theorem Nat.add_one_ne_zero (n : Nat) : n + 1 ≠ 0 := Nat.succ_ne_zero n
theorem Nat.zero_ne_add_one (n : Nat) : 0 ≠ n + 1 := fun h => Nat.succ_ne_zero n h.symm
theorem Nat.zero_ne_one : 0 ≠ (1 : Nat) := fun h => Nat.succ_ne_zero 0 h.symm
theorem Nat.one_ne_zero : 1 ≠ (0 : Nat) := Nat.succ_ne_zero 0
theorem Nat.succ_ne_self (n : Nat) : Nat.succ n ≠ n := by
  induction n with
  | zero => exact Nat.succ_ne_zero 0
  | succ n ih => exact fun h => ih (Nat.succ.inj h)
theorem Nat.add_one_ne_self (n : Nat) : n + 1 ≠ n := Nat.succ_ne_self n
protected theorem Nat.eq_zero_of_add_eq_zero_right {n m : Nat} (h : n + m = 0) : n = 0 := by
  cases m with
  | zero => exact h
  | succ m => exact absurd h (Nat.succ_ne_zero _)
protected theorem Nat.eq_zero_of_add_eq_zero_left {n m : Nat} (h : n + m = 0) : m = 0 := by
  cases m with
  | zero => rfl
  | succ m => exact absurd h (Nat.succ_ne_zero _)
protected theorem Nat.add_eq_zero_iff {n m : Nat} : n + m = 0 ↔ n = 0 ∧ m = 0 :=
  ⟨fun h => ⟨Nat.eq_zero_of_add_eq_zero_right h, Nat.eq_zero_of_add_eq_zero_left h⟩,
   fun h => by rw [h.1, h.2]⟩
attribute [simp] Nat.add_eq_zero_iff
protected theorem Nat.add_eq_right {a b : Nat} : a + b = b ↔ a = 0 :=
  ⟨fun h => Nat.add_right_cancel (h.trans (Nat.zero_add b).symm), fun h => by rw [h, Nat.zero_add]⟩
protected theorem Nat.add_eq_left {a b : Nat} : a + b = a ↔ b = 0 :=
  ⟨fun h => Nat.add_left_cancel (n := a) h, fun h => by rw [h, Nat.add_zero]⟩
attribute [simp] Nat.add_eq_right Nat.add_eq_left
theorem Nat.exists_eq_succ_of_ne_zero {n : Nat} (h : n ≠ 0) : ∃ k, n = Nat.succ k := by
  cases n with
  | zero => exact absurd rfl h
  | succ k => exact ⟨k, rfl⟩
theorem Nat.exists_eq_add_one_of_ne_zero {n : Nat} (h : n ≠ 0) : ∃ k, n = k + 1 :=
  Nat.exists_eq_succ_of_ne_zero h

/-! ## Multiplication -/

@[simp] protected theorem Nat.mul_zero (n : Nat) : n * 0 = 0 := rfl
theorem Nat.mul_succ (n m : Nat) : n * Nat.succ m = n * m + n := rfl
theorem Nat.mul_add_one (a b : Nat) : a * (b + 1) = a * b + a := rfl
@[simp] protected theorem Nat.zero_mul (n : Nat) : 0 * n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.mul_add_one, ih]
theorem Nat.succ_mul (n m : Nat) : (Nat.succ n) * m = (n * m) + m := by
  induction m with
  | zero => rfl
  | succ m ih => rw [Nat.mul_add_one, Nat.mul_add_one, ih, Nat.add_assoc, Nat.add_assoc,
      Nat.add_comm m, Nat.succ_add, Nat.add_succ]; rfl
theorem Nat.add_one_mul (a b : Nat) : (a + 1) * b = a * b + b := Nat.succ_mul a b
protected theorem Nat.mul_comm (n m : Nat) : n * m = m * n := by
  induction m with
  | zero => rw [Nat.zero_mul]; rfl
  | succ m ih => rw [Nat.mul_add_one, Nat.add_one_mul, ih]
@[simp] protected theorem Nat.mul_one (n : Nat) : n * 1 = n := Nat.zero_add n
@[simp] protected theorem Nat.one_mul (n : Nat) : 1 * n = n := by rw [Nat.mul_comm, Nat.mul_one]
protected theorem Nat.left_distrib (n m k : Nat) : n * (m + k) = n * m + n * k := by
  induction k with
  | zero => rfl
  | succ k ih => rw [Nat.mul_add_one, ← Nat.add_assoc, ← Nat.add_assoc, Nat.mul_add_one, ih]
protected theorem Nat.mul_add (k m n : Nat) : k * (m + n) = k * m + k * n := Nat.left_distrib k m n
protected theorem Nat.right_distrib (n m k : Nat) : (n + m) * k = n * k + m * k := by
  rw [Nat.mul_comm, Nat.left_distrib, Nat.mul_comm k n, Nat.mul_comm k m]
protected theorem Nat.add_mul (n m k : Nat) : (n + m) * k = n * k + m * k := Nat.right_distrib n m k
protected theorem Nat.mul_assoc (n m k : Nat) : (n * m) * k = n * (m * k) := by
  induction k with
  | zero => rfl
  | succ k ih => rw [Nat.mul_add_one, Nat.mul_add_one, ih, Nat.mul_add]
protected theorem Nat.mul_left_comm (n m k : Nat) : n * (m * k) = m * (n * k) := by
  rw [← Nat.mul_assoc, Nat.mul_comm n m, Nat.mul_assoc]
protected theorem Nat.mul_right_comm (n m k : Nat) : n * m * k = n * k * m := by
  rw [Nat.mul_assoc, Nat.mul_comm m k, ← Nat.mul_assoc]
protected theorem Nat.mul_mul_mul_comm (a b c d : Nat) : (a * b) * (c * d) = (a * c) * (b * d) := by
  rw [Nat.mul_assoc, Nat.mul_assoc, Nat.mul_left_comm b]
protected theorem Nat.mul_two (n : Nat) : n * 2 = n + n := by
  rw [Nat.mul_add_one, Nat.mul_one]
protected theorem Nat.two_mul (n : Nat) : 2 * n = n + n := by rw [Nat.mul_comm, Nat.mul_two]
protected theorem Nat.mul_eq_zero {m n : Nat} : n * m = 0 ↔ n = 0 ∨ m = 0 := by
  constructor
  · intro h
    cases m with
    | zero => exact Or.inr rfl
    | succ m => exact Or.inl (Nat.eq_zero_of_add_eq_zero_left h)
  · intro h
    rcases h with h | h
    · rw [h, Nat.zero_mul]
    · rw [h, Nat.mul_zero]
attribute [simp] Nat.mul_eq_zero

/-! ## Predecessor and subtraction -/

@[simp] theorem Nat.pred_zero : Nat.pred 0 = 0 := rfl
@[simp] theorem Nat.pred_succ (n : Nat) : Nat.pred (Nat.succ n) = n := rfl
@[simp] protected theorem Nat.sub_zero (n : Nat) : n - 0 = n := rfl
theorem Nat.sub_succ (n m : Nat) : n - Nat.succ m = Nat.pred (n - m) := rfl
theorem Nat.sub_one (n : Nat) : n - 1 = Nat.pred n := rfl
@[simp] protected theorem Nat.zero_sub (n : Nat) : 0 - n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg Nat.pred ih
theorem Nat.succ_sub_succ_eq_sub (n m : Nat) : Nat.succ n - Nat.succ m = n - m := by
  induction m with
  | zero => rfl
  | succ m ih => exact congrArg Nat.pred ih
theorem Nat.succ_sub_succ (n m : Nat) : Nat.succ n - Nat.succ m = n - m := Nat.succ_sub_succ_eq_sub n m
@[simp] protected theorem Nat.add_sub_add_right (n k m : Nat) : (n + k) - (m + k) = n - m := by
  induction k with
  | zero => rfl
  | succ k ih => exact (Nat.succ_sub_succ_eq_sub _ _).trans ih
@[simp] protected theorem Nat.add_sub_add_left (k n m : Nat) : (k + n) - (k + m) = n - m := by
  rw [Nat.add_comm k n, Nat.add_comm k m, Nat.add_sub_add_right]
@[simp] protected theorem Nat.sub_self (n : Nat) : n - n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => exact (Nat.succ_sub_succ_eq_sub _ _).trans ih
@[simp] protected theorem Nat.add_sub_cancel (n m : Nat) : n + m - m = n := by
  have h := Nat.add_sub_add_right n m 0
  rw [Nat.zero_add] at h
  exact h
@[simp] protected theorem Nat.add_sub_cancel_left (n m : Nat) : n + m - n = m := by
  rw [Nat.add_comm, Nat.add_sub_cancel]
theorem Nat.add_one_sub_one (n : Nat) : (n + 1) - 1 = n := rfl
theorem Nat.succ_sub_one (n : Nat) : Nat.succ n - 1 = n := rfl
protected theorem Nat.sub_sub (n m k : Nat) : n - m - k = n - (m + k) := by
  induction k with
  | zero => rfl
  | succ k ih => exact congrArg Nat.pred ih

/-! ## Order -/

theorem Nat.le_succ (n : Nat) : n ≤ Nat.succ n := Nat.le.step Nat.le.refl
theorem Nat.le_succ_of_le {n m : Nat} (h : n ≤ m) : n ≤ Nat.succ m := Nat.le.step h
theorem Nat.le_of_succ_le {n m : Nat} (h : Nat.succ n ≤ m) : n ≤ m := Nat.le_trans (Nat.le_succ n) h
protected theorem Nat.le_of_lt {n m : Nat} (h : n < m) : n ≤ m := Nat.le_of_succ_le h
protected theorem Nat.le_of_eq {n m : Nat} (h : n = m) : n ≤ m := by rw [h]
theorem Nat.le_add_right (n k : Nat) : n ≤ n + k := by
  induction k with
  | zero => exact Nat.le.refl
  | succ k ih => exact Nat.le.step ih
theorem Nat.le_add_left (n m : Nat) : n ≤ m + n := by rw [Nat.add_comm]; exact Nat.le_add_right n m
attribute [simp] Nat.le_add_right Nat.le_add_left
@[simp, refl] protected theorem Nat.le_refl (n : Nat) : n ≤ n := Nat.le.refl
protected theorem Nat.le_rfl {n : Nat} : n ≤ n := Nat.le.refl
attribute [simp] Nat.zero_le
theorem Nat.le_of_lt_succ {m n : Nat} (h : m < Nat.succ n) : m ≤ n := Nat.le_of_succ_le_succ h
theorem Nat.lt_succ_of_le {n m : Nat} (h : n ≤ m) : n < Nat.succ m := Nat.succ_le_succ h
theorem Nat.lt_add_one_of_le {n m : Nat} (h : n ≤ m) : n < m + 1 := Nat.succ_le_succ h
theorem Nat.le_of_lt_add_one {n m : Nat} (h : n < m + 1) : n ≤ m := Nat.le_of_succ_le_succ h
theorem Nat.lt_succ_iff {m n : Nat} : m < Nat.succ n ↔ m ≤ n := ⟨Nat.le_of_lt_succ, Nat.lt_succ_of_le⟩
theorem Nat.lt_add_one_iff {m n : Nat} : m < n + 1 ↔ m ≤ n := Nat.lt_succ_iff
theorem Nat.lt_succ_self (n : Nat) : n < Nat.succ n := Nat.le.refl
protected theorem Nat.lt_add_one (n : Nat) : n < n + 1 := Nat.le.refl
attribute [simp] Nat.lt_add_one
theorem Nat.succ_le_of_lt {n m : Nat} (h : n < m) : Nat.succ n ≤ m := h
theorem Nat.lt_of_succ_le {n m : Nat} (h : Nat.succ n ≤ m) : n < m := h
theorem Nat.succ_le_iff {m n : Nat} : Nat.succ m ≤ n ↔ m < n := Iff.refl _
theorem Nat.add_one_le_iff {n m : Nat} : n + 1 ≤ m ↔ n < m := Iff.refl _
theorem Nat.succ_lt_succ {n m : Nat} (h : n < m) : Nat.succ n < Nat.succ m := Nat.succ_le_succ h
theorem Nat.lt_of_succ_lt_succ {n m : Nat} (h : Nat.succ n < Nat.succ m) : n < m := Nat.le_of_succ_le_succ h
theorem Nat.succ_le_succ_iff {a b : Nat} : Nat.succ a ≤ Nat.succ b ↔ a ≤ b := ⟨Nat.le_of_succ_le_succ, Nat.succ_le_succ⟩
theorem Nat.succ_lt_succ_iff {a b : Nat} : Nat.succ a < Nat.succ b ↔ a < b := ⟨Nat.lt_of_succ_lt_succ, Nat.succ_lt_succ⟩
theorem Nat.zero_lt_succ (n : Nat) : 0 < Nat.succ n := Nat.succ_le_succ (Nat.zero_le n)
theorem Nat.succ_pos (n : Nat) : 0 < Nat.succ n := Nat.zero_lt_succ n
theorem Nat.zero_lt_one : 0 < (1 : Nat) := Nat.zero_lt_succ 0
theorem Nat.zero_lt_two : 0 < 2 := Nat.zero_lt_succ 1
theorem Nat.add_one_pos (n : Nat) : 0 < n + 1 := Nat.zero_lt_succ n
theorem Nat.pos_of_ne_zero {n : Nat} (h : n ≠ 0) : 0 < n := by
  cases n with
  | zero => exact absurd rfl h
  | succ n => exact Nat.zero_lt_succ n
theorem Nat.ne_of_gt {a b : Nat} (h : b < a) : a ≠ b := fun he => by
  subst he; exact absurd h (fun h => by
    have hh : ∀ n : Nat, ¬ n < n := fun n => by
      induction n with
      | zero => exact fun h => Nat.not_succ_le_zero _ h
      | succ n ih => exact fun h => ih (Nat.lt_of_succ_lt_succ h)
    exact hh _ h)
protected theorem Nat.lt_irrefl (n : Nat) : ¬n < n := fun h => Nat.ne_of_gt h rfl
attribute [simp] Nat.lt_irrefl
theorem Nat.ne_of_lt {a b : Nat} (h : a < b) : a ≠ b := fun he => absurd h (by rw [he]; exact Nat.lt_irrefl b)
theorem Nat.ne_of_lt' {a b : Nat} (h : b < a) : a ≠ b := Nat.ne_of_gt h
theorem Nat.not_lt_zero (n : Nat) : ¬n < 0 := Nat.not_succ_le_zero n
attribute [simp] Nat.not_lt_zero
theorem Nat.not_succ_le_self (n : Nat) : ¬Nat.succ n ≤ n := Nat.lt_irrefl n
protected theorem Nat.lt_trans {n m k : Nat} (h₁ : n < m) (h₂ : m < k) : n < k :=
  Nat.le_trans (Nat.le_succ_of_le h₁) h₂
protected theorem Nat.lt_of_lt_of_le {n m k : Nat} (h₁ : n < m) (h₂ : m ≤ k) : n < k := Nat.le_trans h₁ h₂
protected theorem Nat.lt_of_le_of_lt {n m k : Nat} (h₁ : n ≤ m) (h₂ : m < k) : n < k :=
  Nat.le_trans (Nat.succ_le_succ h₁) h₂
protected theorem Nat.lt_of_lt_of_eq {n m k : Nat} (h₁ : n < m) (h₂ : m = k) : n < k := by rw [← h₂]; exact h₁
protected theorem Nat.lt_asymm {a b : Nat} (h : a < b) : ¬b < a := fun h' => Nat.lt_irrefl a (Nat.lt_trans h h')
protected theorem Nat.eq_or_lt_of_le {n m : Nat} (h : n ≤ m) : n = m ∨ n < m := by
  cases h with
  | refl => exact Or.inl rfl
  | step h => exact Or.inr (Nat.succ_le_succ h)
protected theorem Nat.lt_or_eq_of_le {n m : Nat} (h : n ≤ m) : n < m ∨ n = m := (Nat.eq_or_lt_of_le h).symm
protected theorem Nat.le_antisymm {n m : Nat} (h₁ : n ≤ m) (h₂ : m ≤ n) : n = m := by
  cases Nat.eq_or_lt_of_le h₁ with
  | inl h => exact h
  | inr h => exact absurd (Nat.lt_of_lt_of_le h h₂) (Nat.lt_irrefl n)
protected theorem Nat.le_antisymm_iff {n m : Nat} : n = m ↔ n ≤ m ∧ m ≤ n :=
  ⟨fun h => ⟨Nat.le_of_eq h, Nat.le_of_eq h.symm⟩, fun ⟨h₁, h₂⟩ => Nat.le_antisymm h₁ h₂⟩
protected theorem Nat.lt_or_ge (n m : Nat) : n < m ∨ n ≥ m := by
  induction m with
  | zero => exact Or.inr (Nat.zero_le n)
  | succ m ih =>
    cases ih with
    | inl h => exact Or.inl (Nat.le_succ_of_le h)
    | inr h =>
      cases Nat.eq_or_lt_of_le h with
      | inl h' => exact Or.inl (by rw [h']; exact Nat.lt_succ_self n)
      | inr h' => exact Or.inr h'
protected theorem Nat.le_total (m n : Nat) : m ≤ n ∨ n ≤ m :=
  (Nat.lt_or_ge m n).elim (fun h => Or.inl (Nat.le_of_lt h)) Or.inr
protected theorem Nat.lt_or_gt_of_ne {a b : Nat} (ne : a ≠ b) : a < b ∨ a > b :=
  (Nat.lt_or_ge a b).elim Or.inl (fun h => (Nat.eq_or_lt_of_le h).elim (fun h => absurd h.symm ne) Or.inr)
protected theorem Nat.lt_trichotomy (a b : Nat) : a < b ∨ a = b ∨ b < a :=
  (Nat.lt_or_ge a b).elim Or.inl (fun h => Or.inr ((Nat.eq_or_lt_of_le h).elim (fun h => Or.inl h.symm) Or.inr))
protected theorem Nat.not_le_of_gt {n m : Nat} (h : n > m) : ¬n ≤ m := fun h' => Nat.lt_irrefl m (Nat.lt_of_lt_of_le h h')
protected theorem Nat.not_lt_of_ge {n m : Nat} (h : n ≥ m) : ¬n < m := fun h' => Nat.lt_irrefl n (Nat.lt_of_lt_of_le h' h)
protected theorem Nat.not_lt_of_le {n m : Nat} (h : n ≤ m) : ¬m < n := Nat.not_lt_of_ge h
protected theorem Nat.not_le_of_lt {n m : Nat} (h : n < m) : ¬m ≤ n := Nat.not_le_of_gt h
theorem Nat.gt_of_not_le {n m : Nat} (h : ¬n ≤ m) : n > m := (Nat.lt_or_ge m n).elim id (fun h' => absurd h' h)
theorem Nat.ge_of_not_lt {n m : Nat} (h : ¬n < m) : n ≥ m := (Nat.lt_or_ge n m).elim (fun h' => absurd h' h) id
protected theorem Nat.lt_of_not_le {a b : Nat} (h : ¬a ≤ b) : b < a := Nat.gt_of_not_le h
protected theorem Nat.lt_of_not_ge {a b : Nat} (h : ¬b ≥ a) : b < a := Nat.gt_of_not_le h
protected theorem Nat.le_of_not_lt {a b : Nat} (h : ¬a < b) : b ≤ a := Nat.ge_of_not_lt h
protected theorem Nat.not_le {n m : Nat} : ¬n ≤ m ↔ m < n := ⟨Nat.gt_of_not_le, Nat.not_le_of_gt⟩
protected theorem Nat.not_lt {n m : Nat} : ¬n < m ↔ m ≤ n := ⟨Nat.ge_of_not_lt, Nat.not_lt_of_ge⟩
attribute [simp] Nat.not_le Nat.not_lt
protected theorem Nat.lt_iff_le_not_le {m n : Nat} : m < n ↔ m ≤ n ∧ ¬n ≤ m :=
  ⟨fun h => ⟨Nat.le_of_lt h, Nat.not_le_of_gt h⟩, fun ⟨_, h⟩ => Nat.gt_of_not_le h⟩
protected theorem Nat.lt_iff_le_and_ne {m n : Nat} : m < n ↔ m ≤ n ∧ m ≠ n :=
  ⟨fun h => ⟨Nat.le_of_lt h, Nat.ne_of_lt h⟩, fun ⟨h, hn⟩ => (Nat.eq_or_lt_of_le h).elim (fun e => absurd e hn) id⟩
protected theorem Nat.lt_of_le_of_ne {n m : Nat} (h₁ : n ≤ m) (h₂ : ¬n = m) : n < m :=
  (Nat.eq_or_lt_of_le h₁).elim (fun e => absurd e h₂) id
theorem Nat.eq_zero_of_le_zero {n : Nat} (h : n ≤ 0) : n = 0 := Nat.le_antisymm h (Nat.zero_le n)
theorem Nat.le_zero_eq (a : Nat) : (a ≤ 0) = (a = 0) := propext ⟨Nat.eq_zero_of_le_zero, Nat.le_of_eq⟩
protected theorem Nat.le_zero {i : Nat} : i ≤ 0 ↔ i = 0 := ⟨Nat.eq_zero_of_le_zero, Nat.le_of_eq⟩
attribute [simp] Nat.le_zero_eq
theorem Nat.eq_zero_or_pos : ∀ (n : Nat), n = 0 ∨ 0 < n
  | 0 => Or.inl rfl
  | n + 1 => Or.inr (Nat.zero_lt_succ n)
theorem Nat.pos_iff_ne_zero {n : Nat} : 0 < n ↔ n ≠ 0 := ⟨fun h => Nat.ne_of_gt h, Nat.pos_of_ne_zero⟩
theorem Nat.zero_lt_of_lt {a b : Nat} (h : a < b) : 0 < b := Nat.lt_of_le_of_lt (Nat.zero_le a) h
theorem Nat.exists_eq_add_of_le {m n : Nat} (h : m ≤ n) : ∃ k, n = m + k := by
  induction h with
  | refl => exact ⟨0, rfl⟩
  | step _ ih =>
    cases ih with
    | intro k hk => exact ⟨k + 1, by rw [← Nat.add_assoc, ← hk]⟩
theorem Nat.exists_eq_add_of_lt {m n : Nat} (h : m < n) : ∃ k, n = m + k + 1 := by
  obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_le h
  exact ⟨k, by rw [hk, Nat.add_one_add]⟩
theorem Nat.le.dest {n m : Nat} (h : n ≤ m) : ∃ k, n + k = m := (Nat.exists_eq_add_of_le h).imp (fun _ h => h.symm)
theorem Nat.le.intro {n m k : Nat} (h : n + k = m) : n ≤ m := by rw [← h]; exact Nat.le_add_right n k
protected theorem Nat.add_le_add_left {n m : Nat} (h : n ≤ m) (k : Nat) : k + n ≤ k + m := by
  induction h with
  | refl => exact Nat.le.refl
  | step _ ih => exact Nat.le.step ih
protected theorem Nat.add_le_add_right {n m : Nat} (h : n ≤ m) (k : Nat) : n + k ≤ m + k := by
  rw [Nat.add_comm n k, Nat.add_comm m k]; exact Nat.add_le_add_left h k
protected theorem Nat.add_le_add {a b c d : Nat} (h₁ : a ≤ b) (h₂ : c ≤ d) : a + c ≤ b + d :=
  Nat.le_trans (Nat.add_le_add_right h₁ c) (Nat.add_le_add_left h₂ b)
protected theorem Nat.add_lt_add_left {n m : Nat} (h : n < m) (k : Nat) : k + n < k + m := Nat.add_le_add_left h k
protected theorem Nat.add_lt_add_right {n m : Nat} (h : n < m) (k : Nat) : n + k < m + k := by
  rw [Nat.add_comm n k, Nat.add_comm m k]; exact Nat.add_lt_add_left h k
protected theorem Nat.add_lt_add {a b c d : Nat} (h₁ : a < b) (h₂ : c < d) : a + c < b + d :=
  Nat.lt_trans (Nat.add_lt_add_right h₁ c) (Nat.add_lt_add_left h₂ b)
protected theorem Nat.add_lt_add_of_le_of_lt {a b c d : Nat} (h₁ : a ≤ b) (h₂ : c < d) : a + c < b + d :=
  Nat.lt_of_le_of_lt (Nat.add_le_add_right h₁ c) (Nat.add_lt_add_left h₂ b)
protected theorem Nat.add_lt_add_of_lt_of_le {a b c d : Nat} (h₁ : a < b) (h₂ : c ≤ d) : a + c < b + d :=
  Nat.lt_of_lt_of_le (Nat.add_lt_add_right h₁ c) (Nat.add_le_add_left h₂ b)
protected theorem Nat.le_of_add_le_add_left {a b c : Nat} (h : a + b ≤ a + c) : b ≤ c := by
  obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_le h
  rw [Nat.add_assoc] at hk
  exact Nat.le.intro (Nat.add_left_cancel hk).symm
protected theorem Nat.le_of_add_le_add_right {a b c : Nat} (h : a + b ≤ c + b) : a ≤ c := by
  rw [Nat.add_comm a b, Nat.add_comm c b] at h; exact Nat.le_of_add_le_add_left h
protected theorem Nat.add_le_add_iff_right {m k n : Nat} : m + n ≤ k + n ↔ m ≤ k :=
  ⟨Nat.le_of_add_le_add_right, fun h => Nat.add_le_add_right h n⟩
protected theorem Nat.add_le_add_iff_left {m k n : Nat} : n + m ≤ n + k ↔ m ≤ k :=
  ⟨Nat.le_of_add_le_add_left, fun h => Nat.add_le_add_left h n⟩
protected theorem Nat.lt_of_add_lt_add_right {a b c : Nat} (h : a + b < c + b) : a < c :=
  (Nat.lt_or_ge a c).elim id (fun h' => absurd h (Nat.not_lt_of_ge (Nat.add_le_add_right h' b)))
protected theorem Nat.lt_of_add_lt_add_left {a b c : Nat} (h : a + b < a + c) : b < c := by
  rw [Nat.add_comm a b, Nat.add_comm a c] at h; exact Nat.lt_of_add_lt_add_right h
protected theorem Nat.add_lt_add_iff_right {m k n : Nat} : m + n < k + n ↔ m < k :=
  ⟨Nat.lt_of_add_lt_add_right, fun h => Nat.add_lt_add_right h n⟩
protected theorem Nat.add_lt_add_iff_left {m k n : Nat} : n + m < n + k ↔ m < k :=
  ⟨Nat.lt_of_add_lt_add_left, fun h => Nat.add_lt_add_left h n⟩
attribute [simp] Nat.add_le_add_iff_right Nat.add_le_add_iff_left Nat.add_lt_add_iff_right Nat.add_lt_add_iff_left
theorem Nat.lt_add_right {a b : Nat} (c : Nat) (h : a < b) : a < b + c := Nat.lt_of_lt_of_le h (Nat.le_add_right b c)
theorem Nat.lt_add_left {a b : Nat} (c : Nat) (h : a < b) : a < c + b := Nat.lt_of_lt_of_le h (Nat.le_add_left b c)
theorem Nat.lt_add_of_pos_right {k n : Nat} (h : 0 < k) : n < n + k := Nat.add_lt_add_left h n
theorem Nat.le_of_add_right_le {n m k : Nat} (h : n + k ≤ m) : n ≤ m := Nat.le_trans (Nat.le_add_right n k) h
theorem Nat.pred_le (n : Nat) : Nat.pred n ≤ n := by
  cases n with
  | zero => exact Nat.le.refl
  | succ n => exact Nat.le_succ n
theorem Nat.pred_lt {n : Nat} (h : n ≠ 0) : Nat.pred n < n := by
  cases n with
  | zero => exact absurd rfl h
  | succ n => exact Nat.lt_succ_self n
theorem Nat.succ_pred {a : Nat} (h : a ≠ 0) : Nat.succ (Nat.pred a) = a := by
  cases a with
  | zero => exact absurd rfl h
  | succ a => rfl
theorem Nat.sub_le (n m : Nat) : n - m ≤ n := by
  induction m with
  | zero => exact Nat.le.refl
  | succ m ih => exact Nat.le_trans (Nat.pred_le _) ih
attribute [simp] Nat.sub_le
theorem Nat.sub_lt {n m : Nat} (h₁ : 0 < n) (h₂ : 0 < m) : n - m < n := by
  cases n with
  | zero => exact absurd h₁ (Nat.lt_irrefl 0)
  | succ n =>
    cases m with
    | zero => exact absurd h₂ (Nat.lt_irrefl 0)
    | succ m => exact Nat.lt_succ_of_le (by rw [Nat.add_sub_add_right]; exact Nat.sub_le n m)
theorem Nat.sub_eq_zero_of_le {n m : Nat} (h : n ≤ m) : n - m = 0 := by
  obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_le h
  rw [hk, ← Nat.sub_sub, Nat.sub_self, Nat.zero_sub]
protected theorem Nat.sub_add_cancel {n m : Nat} (h : m ≤ n) : n - m + m = n := by
  obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_le h
  rw [hk, Nat.add_sub_cancel_left, Nat.add_comm]
protected theorem Nat.add_sub_of_le {a b : Nat} (h : a ≤ b) : a + (b - a) = b := by
  rw [Nat.add_comm, Nat.sub_add_cancel h]
protected theorem Nat.add_sub_assoc {m k : Nat} (h : k ≤ m) (n : Nat) : n + m - k = n + (m - k) := by
  obtain ⟨l, hl⟩ := Nat.exists_eq_add_of_le h
  rw [hl, Nat.add_sub_cancel_left, ← Nat.add_assoc, Nat.add_comm n k, Nat.add_assoc, Nat.add_sub_cancel_left]
protected theorem Nat.le_of_sub_eq_zero {n m : Nat} (h : n - m = 0) : n ≤ m :=
  (Nat.le_total n m).elim id (fun h' => by
    have h2 := Nat.sub_add_cancel h'
    rw [h, Nat.zero_add] at h2
    exact Nat.le_of_eq h2.symm)
theorem Nat.sub_eq_zero_iff_le {n m : Nat} : n - m = 0 ↔ n ≤ m := ⟨Nat.le_of_sub_eq_zero, Nat.sub_eq_zero_of_le⟩
protected theorem Nat.mul_le_mul_left {m n : Nat} (k : Nat) (h : m ≤ n) : k * m ≤ k * n := by
  obtain ⟨l, hl⟩ := Nat.exists_eq_add_of_le h
  rw [hl, Nat.mul_add]; exact Nat.le_add_right _ _
protected theorem Nat.mul_le_mul_right {m n : Nat} (k : Nat) (h : m ≤ n) : m * k ≤ n * k := by
  rw [Nat.mul_comm m k, Nat.mul_comm n k]; exact Nat.mul_le_mul_left k h
protected theorem Nat.mul_le_mul {p q m n : Nat} (h₁ : p ≤ m) (h₂ : q ≤ n) : p * q ≤ m * n :=
  Nat.le_trans (Nat.mul_le_mul_right q h₁) (Nat.mul_le_mul_left m h₂)
protected theorem Nat.mul_pos {n m : Nat} (ha : n > 0) (hb : m > 0) : n * m > 0 := by
  cases n with
  | zero => exact absurd ha (Nat.lt_irrefl 0)
  | succ n =>
    cases m with
    | zero => exact absurd hb (Nat.lt_irrefl 0)
    | succ m => exact Nat.zero_lt_succ _
protected theorem Nat.eq_of_mul_eq_mul_left {m k n : Nat} (ha : 0 < n) (h : n * m = n * k) : m = k := by
  induction m generalizing k with
  | zero =>
    cases k with
    | zero => rfl
    | succ k =>
      have h2 := Nat.mul_pos ha (Nat.zero_lt_succ k)
      rw [← h] at h2
      exact absurd h2 (Nat.lt_irrefl 0)
  | succ m ih =>
    cases k with
    | zero =>
      have h2 := Nat.mul_pos ha (Nat.zero_lt_succ m)
      rw [h] at h2
      exact absurd h2 (Nat.lt_irrefl 0)
    | succ k => exact congrArg Nat.succ (ih (Nat.add_right_cancel h))
protected theorem Nat.eq_of_mul_eq_mul_right {m k n : Nat} (ha : 0 < m) (h : n * m = k * m) : n = k := by
  rw [Nat.mul_comm n m, Nat.mul_comm k m] at h; exact Nat.eq_of_mul_eq_mul_left ha h

/-! ## Powers, divisibility -/

@[simp] protected theorem Nat.pow_zero (b : Nat) : b ^ 0 = 1 := rfl
protected theorem Nat.pow_succ {b n : Nat} : b ^ (n + 1) = b ^ n * b := rfl
protected theorem Nat.pow_two (b : Nat) : b ^ 2 = b * b := by rw [Nat.pow_succ, Nat.pow_succ, Nat.pow_zero, Nat.one_mul]
@[simp] protected theorem Nat.one_pow (n : Nat) : 1 ^ n = 1 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.pow_succ, ih, Nat.mul_one]
protected theorem Nat.zero_pow {n : Nat} (H : 0 < n) : 0 ^ n = 0 := by
  cases n with
  | zero => exact absurd H (Nat.lt_irrefl 0)
  | succ n => rw [Nat.pow_succ, Nat.mul_zero]
protected theorem Nat.pow_add (a m n : Nat) : a ^ (m + n) = a ^ m * a ^ n := by
  induction n with
  | zero => rw [Nat.add_zero, Nat.pow_zero, Nat.mul_one]
  | succ n ih => rw [← Nat.add_assoc, Nat.pow_succ, Nat.pow_succ, ih, Nat.mul_assoc]
protected theorem Nat.pow_mul (a m n : Nat) : a ^ (m * n) = (a ^ m) ^ n := by
  induction n with
  | zero => rw [Nat.mul_zero, Nat.pow_zero, Nat.pow_zero]
  | succ n ih => rw [Nat.mul_add_one, Nat.pow_add, ih, Nat.pow_succ]
protected theorem Nat.mul_pow (a b n : Nat) : (a * b) ^ n = a ^ n * b ^ n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.pow_succ, Nat.pow_succ, Nat.pow_succ, ih, Nat.mul_mul_mul_comm]
theorem Nat.pos_pow_of_pos {b : Nat} (n : Nat) (h : 0 < b) : 0 < b ^ n := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih => exact Nat.mul_pos ih h
protected theorem Nat.dvd_refl (a : Nat) : a ∣ a := ⟨1, by rw [Nat.mul_one]⟩
protected theorem Nat.dvd_zero (a : Nat) : a ∣ 0 := ⟨0, by rw [Nat.mul_zero]⟩
protected theorem Nat.dvd_mul_right (a b : Nat) : a ∣ a * b := ⟨b, rfl⟩
protected theorem Nat.dvd_mul_left (a b : Nat) : a ∣ b * a := ⟨b, Nat.mul_comm b a⟩
protected theorem Nat.dvd_trans {a b c : Nat} (h₁ : a ∣ b) (h₂ : b ∣ c) : a ∣ c := by
  obtain ⟨d, hd⟩ := h₁
  obtain ⟨e, he⟩ := h₂
  exact ⟨d * e, by rw [he, hd, Nat.mul_assoc]⟩
instance Nat.instTransLe : @Trans Nat Nat Nat LE.le LE.le LE.le := ⟨Nat.le_trans⟩
instance Nat.instTransLt : @Trans Nat Nat Nat LT.lt LT.lt LT.lt := ⟨Nat.lt_trans⟩
instance Nat.instTransLeLt : @Trans Nat Nat Nat LE.le LT.lt LT.lt := ⟨Nat.lt_of_le_of_lt⟩
instance Nat.instTransLtLe : @Trans Nat Nat Nat LT.lt LE.le LT.lt := ⟨Nat.lt_of_lt_of_le⟩
instance Nat.instTransDvd : @Trans Nat Nat Nat Dvd.dvd Dvd.dvd Dvd.dvd := ⟨Nat.dvd_trans⟩
protected theorem Nat.dvd_add {m n k : Nat} (h₁ : k ∣ m) (h₂ : k ∣ n) : k ∣ m + n := by
  obtain ⟨d, hd⟩ := h₁
  obtain ⟨e, he⟩ := h₂
  exact ⟨d + e, by rw [hd, he, Nat.mul_add]⟩
protected theorem Nat.one_dvd (n : Nat) : 1 ∣ n := ⟨n, by rw [Nat.one_mul]⟩
theorem Nat.eq_zero_of_zero_dvd {a : Nat} (h : 0 ∣ a) : a = 0 := by
  obtain ⟨c, hc⟩ := h
  rw [hc, Nat.zero_mul]
attribute [simp] Nat.dvd_refl Nat.dvd_zero Nat.dvd_mul_right Nat.dvd_mul_left Nat.one_dvd
attribute [simp] Nat.zero_lt_succ Nat.succ_ne_self Nat.add_one_ne_self Nat.succ_sub_succ_eq_sub
@[simp] theorem Nat.lt_add_left_iff_pos {n k : Nat} : n < k + n ↔ 0 < k := by
  constructor
  · intro h
    cases k with
    | zero => rw [Nat.zero_add] at h; exact absurd h (Nat.lt_irrefl n)
    | succ k => exact Nat.zero_lt_succ k
  · intro h; rw [Nat.add_comm]; exact Nat.lt_add_of_pos_right h
@[simp] theorem Nat.lt_add_right_iff_pos {n k : Nat} : n < n + k ↔ 0 < k := by
  rw [Nat.add_comm, Nat.lt_add_left_iff_pos]
@[simp] protected theorem Nat.pow_one (a : Nat) : a ^ 1 = a := by rw [Nat.pow_succ, Nat.pow_zero, Nat.one_mul]
protected theorem Nat.mul_ne_zero {n m : Nat} (hn : n ≠ 0) (hm : m ≠ 0) : n * m ≠ 0 :=
  fun h => (Nat.mul_eq_zero.mp h).elim hn hm
protected theorem Nat.mul_ne_zero_iff {n m : Nat} : n * m ≠ 0 ↔ n ≠ 0 ∧ m ≠ 0 := by
  constructor
  · intro h
    exact ⟨fun hn => h (Nat.mul_eq_zero.mpr (Or.inl hn)), fun hm => h (Nat.mul_eq_zero.mpr (Or.inr hm))⟩
  · intro h
    exact Nat.mul_ne_zero h.1 h.2
protected theorem Nat.pos_of_lt_add_right {n k : Nat} (h : n < n + k) : 0 < k := Nat.lt_add_right_iff_pos.mp h
protected theorem Nat.le_iff_lt_or_eq {n m : Nat} : n ≤ m ↔ n < m ∨ n = m :=
  ⟨Nat.lt_or_eq_of_le, fun h => h.elim Nat.le_of_lt Nat.le_of_eq⟩
protected theorem Nat.lt_of_sub_pos {n m : Nat} (h : 0 < n - m) : m < n :=
  (Nat.lt_or_ge m n).elim id (fun h' => by rw [Nat.sub_eq_zero_of_le h'] at h; exact absurd h (Nat.lt_irrefl 0))
protected theorem Nat.sub_pos_of_lt {m n : Nat} (h : m < n) : 0 < n - m :=
  Nat.pos_of_ne_zero (fun h' => absurd (Nat.le_of_sub_eq_zero h') (Nat.not_le_of_gt h))
protected theorem Nat.sub_pos_iff_lt {m n : Nat} : 0 < n - m ↔ m < n := ⟨Nat.lt_of_sub_pos, Nat.sub_pos_of_lt⟩
protected theorem Nat.sub_eq_iff_eq_add {c a b : Nat} (h : b ≤ a) : a - b = c ↔ a = c + b :=
  ⟨fun e => by rw [← e, Nat.sub_add_cancel h], fun e => by rw [e, Nat.add_sub_cancel]⟩
protected theorem Nat.sub_right_comm (m n k : Nat) : m - n - k = m - k - n := by
  rw [Nat.sub_sub, Nat.sub_sub, Nat.add_comm]
protected theorem Nat.sub_le_sub_right {n m : Nat} (h : n ≤ m) (k : Nat) : n - k ≤ m - k := by
  induction k with
  | zero => exact h
  | succ k ih => exact Nat.pred_le_pred ih
protected theorem Nat.le_sub_of_add_le {a b c : Nat} (h : a + b ≤ c) : a ≤ c - b := by
  have h2 := Nat.sub_le_sub_right h b
  rw [Nat.add_sub_cancel] at h2
  exact h2
protected theorem Nat.sub_le_iff_le_add {a b c : Nat} : a - b ≤ c ↔ a ≤ c + b := by
  constructor
  · intro h
    rcases Nat.le_total b a with hb | hb
    · have h2 := Nat.add_le_add_right h b
      rw [Nat.sub_add_cancel hb] at h2
      exact h2
    · exact Nat.le_trans hb (Nat.le_add_left b c)
  · intro h
    have h2 := Nat.sub_le_sub_right h b
    rw [Nat.add_sub_cancel] at h2
    exact h2
protected theorem Nat.mul_left_cancel {n m k : Nat} (np : 0 < n) (h : n * m = n * k) : m = k := Nat.eq_of_mul_eq_mul_left np h
protected theorem Nat.mul_right_cancel {n m k : Nat} (mp : 0 < m) (h : n * m = k * m) : n = k := Nat.eq_of_mul_eq_mul_right mp h
