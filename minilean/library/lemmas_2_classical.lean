/- Quotients, classical logic, decidability, if-then-else, Bool: names and statements of core Lean. -/
set_option autoImplicit true
universe u v w

/-! ## Quotients and function extensionality -/

theorem funext_iff {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} : f = g ↔ ∀ x, f x = g x :=
  ⟨fun h x => by rw [h], funext⟩
theorem proof_irrel {a : Prop} (h₁ h₂ : a) : h₁ = h₂ := rfl
instance (p : Prop) : Subsingleton p := ⟨fun _ _ => rfl⟩
instance : Subsingleton PUnit := ⟨fun _ _ => rfl⟩
theorem Prod.ext {α : Type u} {β : Type v} {p q : α × β} (fst : p.fst = q.fst) (snd : p.snd = q.snd) : p = q := by
  cases p; cases q; simp at fst snd; rw [fst, snd]
@[simp] theorem Prod.mk.eta {α : Type u} {β : Type v} {p : α × β} : (p.1, p.2) = p := rfl
theorem Subtype.ext {α : Sort u} {p : α → Prop} {a1 a2 : {x // p x}} (h : a1.val = a2.val) : a1 = a2 := by
  cases a1; cases a2; cases h; rfl
theorem Subtype.eq {α : Sort u} {p : α → Prop} {a1 a2 : {x // p x}} (h : a1.val = a2.val) : a1 = a2 := Subtype.ext h

/-! ## Excluded middle -/

theorem Classical.propComplete (a : Prop) : a = True ∨ a = False :=
  (Classical.em a).elim (fun h => Or.inl (eq_true h)) (fun h => Or.inr (eq_false h))
attribute [simp] Classical.not_not
theorem Classical.not_forall {α : Sort u} {p : α → Prop} : (¬∀ x, p x) ↔ ∃ x, ¬p x :=
  ⟨fun h => Classical.byContradiction fun hn => h fun x => Classical.byContradiction fun hp => hn ⟨x, hp⟩,
   not_forall_of_exists_not⟩
attribute [simp] Classical.not_forall
theorem Classical.not_imp {a b : Prop} : ¬(a → b) ↔ a ∧ ¬b :=
  ⟨fun h => ⟨Classical.byContradiction fun ha => h fun h' => absurd h' ha, fun hb => h fun _ => hb⟩,
   fun ⟨ha, hb⟩ h => hb (h ha)⟩
attribute [simp] Classical.not_imp
theorem Classical.not_and_iff_not_or_not {a b : Prop} : ¬(a ∧ b) ↔ ¬a ∨ ¬b :=
  ⟨fun h => (Classical.em a).elim (fun ha => Or.inr fun hb => h ⟨ha, hb⟩) Or.inl, not_and_of_not_or_not⟩
theorem Classical.not_exists_not {α : Sort u} {p : α → Prop} : (¬∃ x, ¬p x) ↔ ∀ x, p x :=
  ⟨fun h x => Classical.byContradiction fun hp => h ⟨x, hp⟩, fun h ⟨x, hn⟩ => hn (h x)⟩
theorem Classical.forall_or_exists_not {α : Sort u} (P : α → Prop) : (∀ a, P a) ∨ ∃ a, ¬P a :=
  (Classical.em (∀ a, P a)).elim Or.inl (fun h => Or.inr (Classical.not_forall.mp h))
theorem Classical.or_iff_not_imp_left {a b : Prop} : a ∨ b ↔ (¬a → b) :=
  ⟨fun h hn => h.resolve_left hn, fun h => (Classical.em a).elim Or.inl (fun hn => Or.inr (h hn))⟩
theorem Classical.or_iff_not_imp_right {a b : Prop} : a ∨ b ↔ (¬b → a) :=
  ⟨fun h hn => h.resolve_right hn, fun h => (Classical.em b).elim Or.inr (fun hn => Or.inl (h hn))⟩
theorem Classical.imp_iff_not_or {a b : Prop} : (a → b) ↔ ¬a ∨ b :=
  ⟨fun h => (Classical.em a).elim (fun ha => Or.inr (h ha)) Or.inl, fun h ha => h.elim (fun hn => absurd ha hn) id⟩
theorem Classical.skolem {α : Sort u} {b : α → Sort v} {p : ∀ x, b x → Prop} :
    (∀ x, ∃ y, p x y) ↔ ∃ (f : ∀ x, b x), ∀ x, p x (f x) :=
  ⟨fun h => ⟨fun x => Classical.choose (h x), fun x => Classical.choose_spec (h x)⟩,
   fun ⟨f, h⟩ x => ⟨f x, h x⟩⟩

/-! ## Decidable -/

theorem Decidable.of_not_not [Decidable p] (h : ¬¬p) : p := Decidable.byContradiction h
theorem Decidable.not_not [Decidable p] : ¬¬p ↔ p := ⟨Decidable.of_not_not, not_not_intro⟩
theorem Decidable.not_and_iff_or_not_not [Decidable a] : ¬(a ∧ b) ↔ ¬a ∨ ¬b :=
  ⟨fun h => (Decidable.em a).elim (fun ha => Or.inr fun hb => h ⟨ha, hb⟩) Or.inl, not_and_of_not_or_not⟩
theorem Decidable.not_and_iff_not_or_not [Decidable a] : ¬(a ∧ b) ↔ ¬a ∨ ¬b := Decidable.not_and_iff_or_not_not
theorem Decidable.not_and_iff_or_not {p q : Prop} [Decidable p] [Decidable q] : ¬(p ∧ q) ↔ ¬p ∨ ¬q :=
  Decidable.not_and_iff_or_not_not
theorem Decidable.not_imp_symm [Decidable a] (h : ¬a → b) (hb : ¬b) : a :=
  Decidable.byContradiction fun ha => hb (h ha)
theorem Decidable.not_imp_not [Decidable a] : (¬a → ¬b) ↔ (b → a) :=
  ⟨fun h hb => Decidable.byContradiction fun ha => h ha hb, fun h hn hb => hn (h hb)⟩
theorem Decidable.or_iff_not_imp_left [Decidable a] : a ∨ b ↔ (¬a → b) :=
  ⟨fun h hn => h.resolve_left hn, fun h => (Decidable.em a).elim Or.inl (fun hn => Or.inr (h hn))⟩
theorem Decidable.not_imp [Decidable a] : ¬(a → b) ↔ a ∧ ¬b :=
  ⟨fun h => ⟨Decidable.byContradiction fun ha => h fun h' => absurd h' ha, fun hb => h fun _ => hb⟩,
   fun ⟨ha, hb⟩ h => hb (h ha)⟩
@[simp] theorem decide_eq_true_eq [Decidable p] : (decide p = true) = p :=
  propext ⟨of_decide_eq_true, decide_eq_true⟩
@[simp] theorem decide_eq_false_iff_not {p : Prop} {_ : Decidable p} : decide p = false ↔ ¬p :=
  ⟨of_decide_eq_false, decide_eq_false⟩
theorem decide_eq_true_iff {p : Prop} [Decidable p] : decide p = true ↔ p := ⟨of_decide_eq_true, decide_eq_true⟩
theorem decide_congr {p q : Prop} [Decidable p] [Decidable q] (h : p ↔ q) : decide p = decide q := by
  cases h' : decide q with
  | true => exact decide_eq_true (h.mpr (of_decide_eq_true h'))
  | false => exact decide_eq_false (fun hp => of_decide_eq_false h' (h.mp hp))
@[simp] theorem decide_true : decide True = true := rfl
@[simp] theorem decide_false : decide False = false := rfl
theorem decide_not {p : Prop} [Decidable p] : decide (¬p) = !decide p := by
  cases h : decide p with
  | true => exact decide_eq_false (not_not_intro (of_decide_eq_true h))
  | false => exact decide_eq_true (of_decide_eq_false h)
attribute [simp] decide_not

/-! ## if-then-else -/

theorem if_pos {α : Sort u} {c : Prop} {h : Decidable c} (hc : c) {t e : α} : (ite c t e) = t := by
  cases h with
  | isTrue _ => rfl
  | isFalse hn => exact absurd hc hn
theorem if_neg {α : Sort u} {c : Prop} {h : Decidable c} (hnc : ¬c) {t e : α} : (ite c t e) = e := by
  cases h with
  | isTrue hc => exact absurd hc hnc
  | isFalse _ => rfl
theorem dif_pos {α : Sort u} {c : Prop} {h : Decidable c} (hc : c) {t : c → α} {e : ¬c → α} : (dite c t e) = t hc := by
  cases h with
  | isTrue _ => rfl
  | isFalse hn => exact absurd hc hn
theorem dif_neg {α : Sort u} {c : Prop} {h : Decidable c} (hnc : ¬c) {t : c → α} {e : ¬c → α} : (dite c t e) = e hnc := by
  cases h with
  | isTrue hc => exact absurd hc hnc
  | isFalse _ => rfl
@[simp] theorem ite_cond_eq_true {α : Sort u} {c : Prop} {_ : Decidable c} (a b : α) (h : c = True) :
    (if c then a else b) = a := if_pos (of_eq_true h)
@[simp] theorem ite_cond_eq_false {α : Sort u} {c : Prop} {_ : Decidable c} (a b : α) (h : c = False) :
    (if c then a else b) = b := if_neg (of_eq_false h)
@[simp] theorem dite_cond_eq_true {α : Sort u} {c : Prop} {_ : Decidable c} {t : c → α} {e : ¬c → α} (h : c = True) :
    (dite c t e) = t (of_eq_true h) := dif_pos (of_eq_true h)
@[simp] theorem dite_cond_eq_false {α : Sort u} {c : Prop} {_ : Decidable c} {t : c → α} {e : ¬c → α} (h : c = False) :
    (dite c t e) = e (of_eq_false h) := dif_neg (of_eq_false h)
theorem ite_congr {α : Sort u} {b c : Prop} {x y u v : α} {s : Decidable b} [Decidable c]
    (h₁ : b = c) (h₂ : c → x = u) (h₃ : ¬c → y = v) : ite b x y = ite c u v := by
  subst h₁
  cases Decidable.em b with
  | inl h => rw [if_pos h, if_pos h, h₂ h]
  | inr h => rw [if_neg h, if_neg h, h₃ h]
@[simp] theorem ite_cond_congr {α : Sort u} {c : Prop} {i : Decidable c} (a b : α) {d : Prop} (h : c = d) [j : Decidable d] :
    @ite α c i a b = @ite α d j a b := @ite_congr α c d a b a b i j h (fun _ => rfl) (fun _ => rfl)
@[simp] theorem Decidable.decide_cond_congr {p : Prop} {i : Decidable p} {q : Prop} (h : p = q) [j : Decidable q] :
    @Decidable.decide p i = @Decidable.decide q j := @decide_congr p q i j (Iff.of_eq h)
@[simp] theorem ite_true (a b : α) : (if True then a else b) = a := rfl
@[simp] theorem ite_false (a b : α) : (if False then a else b) = b := rfl
@[simp] theorem ite_self {α : Sort u} {c : Prop} {d : Decidable c} (a : α) : ite c a a = a := by
  cases d with
  | isTrue _ => rfl
  | isFalse _ => rfl
theorem ite_not {α : Sort u} (p : Prop) [Decidable p] (x y : α) : ite (¬p) x y = ite p y x := by
  cases Decidable.em p with
  | inl h => rw [if_pos h, if_neg (not_not_intro h)]
  | inr h => rw [if_neg h, if_pos h]
attribute [simp] ite_not

/-! ## Bool -/

theorem Bool.eq_false_iff {b : Bool} : b = false ↔ b ≠ true := by cases b <;> decide
theorem Bool.eq_false_or_eq_true : (b : Bool) → b = true ∨ b = false
  | true => Or.inl rfl
  | false => Or.inr rfl
@[simp] theorem Bool.not_eq_true (b : Bool) : (¬(b = true)) = (b = false) := by cases b <;> simp
@[simp] theorem Bool.not_eq_false (b : Bool) : (¬(b = false)) = (b = true) := by cases b <;> simp
theorem Bool.of_not_eq_true {b : Bool} : ¬(b = true) → b = false := by cases b <;> decide
theorem Bool.of_not_eq_false {b : Bool} : ¬(b = false) → b = true := by cases b <;> decide
theorem eq_false_of_ne_true {b : Bool} : b ≠ true → b = false := Bool.of_not_eq_true
theorem eq_true_of_ne_false {b : Bool} : b ≠ false → b = true := Bool.of_not_eq_false
theorem ne_false_of_eq_true {b : Bool} : b = true → b ≠ false := by cases b <;> decide
theorem ne_true_of_eq_false {b : Bool} : b = false → b ≠ true := by cases b <;> decide
@[simp] theorem Bool.and_true (b : Bool) : (b && true) = b := by cases b <;> rfl
@[simp] theorem Bool.true_and (b : Bool) : (true && b) = b := rfl
@[simp] theorem Bool.and_false (b : Bool) : (b && false) = false := by cases b <;> rfl
@[simp] theorem Bool.false_and (b : Bool) : (false && b) = false := rfl
@[simp] theorem Bool.and_self (b : Bool) : (b && b) = b := by cases b <;> rfl
@[simp] theorem Bool.or_true (b : Bool) : (b || true) = true := by cases b <;> rfl
@[simp] theorem Bool.true_or (b : Bool) : (true || b) = true := rfl
@[simp] theorem Bool.or_false (b : Bool) : (b || false) = b := by cases b <;> rfl
@[simp] theorem Bool.false_or (b : Bool) : (false || b) = b := rfl
@[simp] theorem Bool.or_self (b : Bool) : (b || b) = b := by cases b <;> rfl
@[simp] theorem Bool.not_true : (!true) = false := rfl
@[simp] theorem Bool.not_false : (!false) = true := rfl
@[simp] theorem Bool.not_not (b : Bool) : (!!b) = b := by cases b <;> rfl
@[simp] theorem Bool.and_not_self (x : Bool) : (x && !x) = false := by cases x <;> rfl
@[simp] theorem Bool.not_and_self (x : Bool) : (!x && x) = false := by cases x <;> rfl
@[simp] theorem Bool.or_not_self (x : Bool) : (x || !x) = true := by cases x <;> rfl
@[simp] theorem Bool.not_or_self (x : Bool) : (!x || x) = true := by cases x <;> rfl
theorem Bool.and_comm (x y : Bool) : (x && y) = (y && x) := by cases x <;> cases y <;> rfl
theorem Bool.or_comm (x y : Bool) : (x || y) = (y || x) := by cases x <;> cases y <;> rfl
theorem Bool.and_assoc (x y z : Bool) : ((x && y) && z) = (x && (y && z)) := by cases x <;> rfl
theorem Bool.or_assoc (x y z : Bool) : ((x || y) || z) = (x || (y || z)) := by cases x <;> rfl
theorem Bool.and_or_distrib_left (x y z : Bool) : (x && (y || z)) = ((x && y) || (x && z)) := by cases x <;> rfl
theorem Bool.or_and_distrib_left (x y z : Bool) : (x || (y && z)) = ((x || y) && (x || z)) := by cases x <;> rfl
theorem Bool.and_or_distrib_right (x y z : Bool) : ((x || y) && z) = ((x && z) || (y && z)) := by
  cases x <;> cases y <;> cases z <;> rfl
theorem Bool.or_and_distrib_right (x y z : Bool) : ((x && y) || z) = ((x || z) && (y || z)) := by
  cases x <;> cases y <;> cases z <;> rfl
@[simp] theorem Bool.not_and (x y : Bool) : (!(x && y)) = (!x || !y) := by cases x <;> rfl
@[simp] theorem Bool.not_or (x y : Bool) : (!(x || y)) = (!x && !y) := by cases x <;> rfl
@[simp] theorem Bool.and_eq_true (a b : Bool) : ((a && b) = true) = (a = true ∧ b = true) := by
  cases a <;> cases b <;> simp
@[simp] theorem Bool.or_eq_true (a b : Bool) : ((a || b) = true) = (a = true ∨ b = true) := by
  cases a <;> cases b <;> simp
theorem Bool.and_eq_true_iff {x y : Bool} : (x && y) = true ↔ x = true ∧ y = true := by rw [Bool.and_eq_true]
theorem Bool.or_eq_true_iff {x y : Bool} : (x || y) = true ↔ x = true ∨ y = true := by rw [Bool.or_eq_true]
@[simp] theorem Bool.and_eq_false_iff (x y : Bool) : (x && y) = false ↔ x = false ∨ y = false := by
  cases x <;> cases y <;> decide
@[simp] theorem Bool.or_eq_false_iff (x y : Bool) : (x || y) = false ↔ x = false ∧ y = false := by
  cases x <;> cases y <;> decide
@[simp] theorem Bool.not_eq_eq_eq_not {a b : Bool} : ((!a) = b) = (a = !b) := by cases a <;> cases b <;> simp
@[simp] theorem Bool.false_eq_true : (false = true) = False := eq_false (fun h => by injection h)
@[simp] theorem Bool.true_eq_false : (true = false) = False := eq_false (fun h => by injection h)
theorem Bool.eq_iff_iff {a b : Bool} : a = b ↔ (a = true ↔ b = true) := by cases a <;> cases b <;> decide
@[simp] theorem cond_true {α : Sort u} (a b : α) : cond true a b = a := rfl
@[simp] theorem cond_false {α : Sort u} (a b : α) : cond false a b = b := rfl
attribute [simp] id_eq
