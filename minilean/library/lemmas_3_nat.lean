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
