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
@[simp] theorem List.nil_eq_append_iff {p q : List α} : [] = p ++ q ↔ p = [] ∧ q = [] :=
  ⟨fun h => List.append_eq_nil_iff.mp h.symm, fun h => (List.append_eq_nil_iff.mpr h).symm⟩
theorem List.exists_cons_of_ne_nil {l : List α} (h : l ≠ []) : ∃ b L, l = b :: L := by
  cases l with
  | nil => exact absurd rfl h
  | cons b L => exact ⟨b, L, rfl⟩

/-! ## length, map, filter, foldr, foldl -/

@[simp] theorem List.length_nil : List.length ([] : List α) = 0 := rfl
@[simp] theorem List.length_cons {a : α} {as : List α} : List.length (a :: as) = as.length + 1 := rfl
theorem List.length_singleton {a : α} : List.length [a] = 1 := rfl
@[simp] theorem List.length_append {as bs : List α} : (as ++ bs).length = as.length + bs.length := by
  induction as with
  | nil => rw [List.nil_append, List.length_nil, Nat.zero_add]
  | cons a as ih => rw [List.cons_append, List.length_cons, List.length_cons, ih, Nat.add_one_add]
theorem List.eq_nil_of_length_eq_zero {l : List α} (h : l.length = 0) : l = [] := by
  cases l with
  | nil => rfl
  | cons a l => exact absurd h (Nat.succ_ne_zero _)
@[simp] theorem List.length_eq_zero_iff {l : List α} : l.length = 0 ↔ l = [] :=
  ⟨List.eq_nil_of_length_eq_zero, fun h => by rw [h]; rfl⟩
theorem List.length_pos_iff {l : List α} : 0 < l.length ↔ l ≠ [] :=
  ⟨fun h he => by rw [he] at h; exact Nat.lt_irrefl 0 h,
   fun h => Nat.pos_of_ne_zero (fun hl => h (List.eq_nil_of_length_eq_zero hl))⟩
@[simp] theorem List.map_nil {f : α → β} : List.map f [] = [] := rfl
@[simp] theorem List.map_cons {f : α → β} {a : α} {l : List α} : List.map f (a :: l) = f a :: List.map f l := rfl
@[simp] theorem List.length_map {as : List α} (f : α → β) : (as.map f).length = as.length := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [List.map_cons, List.length_cons, List.length_cons, ih]
@[simp] theorem List.map_append {l₁ l₂ : List α} {f : α → β} : List.map f (l₁ ++ l₂) = List.map f l₁ ++ List.map f l₂ := by
  induction l₁ with
  | nil => rfl
  | cons a as ih => rw [List.cons_append, List.map_cons, List.map_cons, List.cons_append, ih]
@[simp] theorem List.map_map {g : β → γ} {f : α → β} {l : List α} : List.map g (List.map f l) = List.map (g ∘ f) l := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.map_cons, List.map_cons, List.map_cons, ih]; rfl
@[simp] theorem List.map_id (l : List α) : List.map id l = l := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.map_cons, ih]; rfl
@[simp] theorem List.map_id_fun : List.map (id : α → α) = id := funext List.map_id
theorem List.map_id' (l : List α) : List.map (fun (a : α) => a) l = l := List.map_id l
attribute [simp] List.map_id'
theorem List.map_singleton {f : α → β} {a : α} : List.map f [a] = [f a] := rfl
attribute [simp] List.map_singleton
@[simp] theorem List.map_eq_nil_iff {f : α → β} {l : List α} : List.map f l = [] ↔ l = [] := by
  cases l with
  | nil => exact ⟨fun _ => rfl, fun _ => rfl⟩
  | cons a l => exact ⟨fun h => absurd h (List.cons_ne_nil _ _), fun h => absurd h (List.cons_ne_nil _ _)⟩
@[simp] theorem List.filter_nil {p : α → Bool} : List.filter p [] = [] := rfl
@[simp] theorem List.filter_cons_of_pos {p : α → Bool} {a : α} {l : List α} (pa : p a = true) :
    List.filter p (a :: l) = a :: List.filter p l := by
  unfold List.filter
  rw [pa]
@[simp] theorem List.filter_cons_of_neg {p : α → Bool} {a : α} {l : List α} (pa : ¬p a = true) :
    List.filter p (a :: l) = List.filter p l := by
  have h := Bool.of_not_eq_true pa
  rw [List.filter, h]
theorem List.filter_cons {x : α} {xs : List α} {p : α → Bool} :
    (x :: xs).filter p = if p x then x :: (xs.filter p) else xs.filter p := by
  cases h : p x with
  | true => rw [List.filter_cons_of_pos h, if_pos rfl]
  | false =>
    have hn : ¬p x = true := by rw [h]; exact Bool.false_ne_true
    rw [List.filter_cons_of_neg hn, if_neg Bool.false_ne_true]
@[simp] theorem List.filter_append {p : α → Bool} (l₁ l₂ : List α) :
    List.filter p (l₁ ++ l₂) = List.filter p l₁ ++ List.filter p l₂ := by
  induction l₁ with
  | nil => rfl
  | cons a l ih =>
    cases h : p a with
    | true => rw [List.cons_append, List.filter_cons_of_pos h, List.filter_cons_of_pos h, ih, List.cons_append]
    | false =>
      have hn : ¬p a = true := by rw [h]; exact Bool.false_ne_true
      rw [List.cons_append, List.filter_cons_of_neg hn, List.filter_cons_of_neg hn, ih]
@[simp] theorem List.foldr_nil {f : α → β → β} {b : β} : [].foldr f b = b := rfl
@[simp] theorem List.foldr_cons {a : α} {l : List α} {f : α → β → β} {b : β} : (a :: l).foldr f b = f a (l.foldr f b) := rfl
@[simp] theorem List.foldl_nil {f : α → β → α} {a : α} : [].foldl f a = a := rfl
@[simp] theorem List.foldl_cons {b : β} {l : List β} {f : α → β → α} {a : α} : (b :: l).foldl f a = l.foldl f (f a b) := rfl
@[simp] theorem List.foldr_append {f : α → β → β} {b : β} {l l' : List α} :
    (l ++ l').foldr f b = l.foldr f (l'.foldr f b) := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.cons_append, List.foldr_cons, List.foldr_cons, ih]
@[simp] theorem List.foldl_append {β : Type v} {f : β → α → β} {b : β} {l l' : List α} :
    (l ++ l').foldl f b = l'.foldl f (l.foldl f b) := by
  induction l generalizing b with
  | nil => rfl
  | cons a l ih => rw [List.cons_append, List.foldl_cons, List.foldl_cons, ih]
theorem List.foldr_cons_nil {l : List α} : l.foldr List.cons [] = l := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.foldr_cons, ih]

/-! ## reverse -/

@[simp] theorem List.reverse_nil : List.reverse ([] : List α) = [] := rfl
@[simp] theorem List.reverseAux_nil {r : List α} : List.reverseAux [] r = r := rfl
@[simp] theorem List.reverseAux_cons {a : α} {l r : List α} : List.reverseAux (a :: l) r = List.reverseAux l (a :: r) := rfl
theorem List.reverseAux_eq {as bs : List α} : List.reverseAux as bs = List.reverse as ++ bs := by
  induction as generalizing bs with
  | nil => rfl
  | cons a as ih =>
    unfold List.reverse
    rw [List.reverseAux_cons, List.reverseAux_cons, ih, ih, List.append_assoc, List.cons_append, List.nil_append]
theorem List.reverse_cons {a : α} {as : List α} : List.reverse (a :: as) = List.reverse as ++ [a] := by
  show List.reverseAux as [a] = List.reverse as ++ [a]
  rw [List.reverseAux_eq]
attribute [simp] List.reverse_cons
@[simp] theorem List.reverse_append {as bs : List α} : (as ++ bs).reverse = bs.reverse ++ as.reverse := by
  induction as with
  | nil => rw [List.nil_append, List.reverse_nil, List.append_nil]
  | cons a as ih => rw [List.cons_append, List.reverse_cons, List.reverse_cons, ih, List.append_assoc]
@[simp] theorem List.reverse_reverse (as : List α) : as.reverse.reverse = as := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [List.reverse_cons, List.reverse_append, ih]; rfl
@[simp] theorem List.length_reverse {as : List α} : (as.reverse).length = as.length := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [List.reverse_cons, List.length_append, ih]; rfl
theorem List.reverse_singleton {a : α} : List.reverse [a] = [a] := rfl
theorem List.map_reverse {f : α → β} {l : List α} : List.map f l.reverse = (List.map f l).reverse := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.reverse_cons, List.map_append, ih, List.map_singleton, List.map_cons, List.reverse_cons]
attribute [simp] List.map_reverse
@[simp] theorem List.reverse_eq_nil_iff {xs : List α} : xs.reverse = [] ↔ xs = [] :=
  ⟨fun h => by rw [← List.reverse_reverse xs, h]; rfl, fun h => by rw [h]; rfl⟩

/-! ## Membership -/

@[simp] theorem List.not_mem_nil {a : α} : ¬a ∈ ([] : List α) := fun h => by cases h
theorem List.mem_cons {a b : α} {l : List α} : a ∈ b :: l ↔ a = b ∨ a ∈ l := by
  constructor
  · intro h
    cases h with
    | head => exact Or.inl rfl
    | tail _ h => exact Or.inr h
  · intro h
    cases h with
    | inl h => rw [h]; exact List.Mem.head l
    | inr h => exact List.Mem.tail b h
attribute [simp] List.mem_cons
theorem List.mem_cons_self {a : α} {l : List α} : a ∈ a :: l := List.Mem.head l
theorem List.mem_cons_of_mem (y : α) {a : α} {l : List α} (h : a ∈ l) : a ∈ y :: l := List.Mem.tail y h
theorem List.mem_singleton {a b : α} : a ∈ [b] ↔ a = b :=
  ⟨fun h => (List.mem_cons.mp h).elim id (fun h => absurd h List.not_mem_nil), fun h => by rw [h]; exact List.mem_cons_self⟩
@[simp] theorem List.mem_append {a : α} {s t : List α} : a ∈ s ++ t ↔ a ∈ s ∨ a ∈ t := by
  induction s with
  | nil => exact ⟨Or.inr, fun h => h.elim (fun h => absurd h List.not_mem_nil) id⟩
  | cons b s ih => rw [List.cons_append, List.mem_cons, List.mem_cons, ih, or_assoc]
theorem List.mem_append_left {a : α} {as : List α} (bs : List α) (h : a ∈ as) : a ∈ as ++ bs := List.mem_append.mpr (Or.inl h)
theorem List.mem_append_right {b : α} {bs : List α} (as : List α) (h : b ∈ bs) : b ∈ as ++ bs := List.mem_append.mpr (Or.inr h)
@[simp] theorem List.mem_map {f : α → β} {l : List α} {b : β} : b ∈ l.map f ↔ ∃ a, a ∈ l ∧ f a = b := by
  induction l with
  | nil => exact ⟨fun h => absurd h List.not_mem_nil, fun ⟨a, h, _⟩ => absurd h List.not_mem_nil⟩
  | cons x l ih =>
    rw [List.map_cons, List.mem_cons, ih]
    constructor
    · rintro (h | ⟨a, h, hb⟩)
      · exact ⟨x, List.mem_cons_self, h.symm⟩
      · exact ⟨a, List.mem_cons_of_mem x h, hb⟩
    · rintro ⟨a, h, hb⟩
      rcases List.mem_cons.mp h with h | h
      · exact Or.inl (by rw [← hb, h])
      · exact Or.inr ⟨a, h, hb⟩
@[simp] theorem List.mem_reverse {x : α} {as : List α} : x ∈ as.reverse ↔ x ∈ as := by
  induction as with
  | nil => exact Iff.refl _
  | cons a as ih => rw [List.reverse_cons, List.mem_append, ih, List.mem_singleton, List.mem_cons, or_comm]
@[simp] theorem List.mem_reverseAux {x : α} {as bs : List α} : x ∈ List.reverseAux as bs ↔ x ∈ as ∨ x ∈ bs := by
  rw [List.reverseAux_eq, List.mem_append, List.mem_reverse]
@[simp] theorem List.mem_filter {p : α → Bool} {as : List α} {x : α} : x ∈ List.filter p as ↔ x ∈ as ∧ p x = true := by
  induction as with
  | nil => exact ⟨fun h => absurd h List.not_mem_nil, fun h => absurd h.1 List.not_mem_nil⟩
  | cons a as ih =>
    cases h : p a with
    | true =>
      rw [List.filter_cons_of_pos h, List.mem_cons, List.mem_cons, ih]
      constructor
      · rintro (hx | ⟨hx, hp⟩)
        · exact ⟨Or.inl hx, by rw [hx]; exact h⟩
        · exact ⟨Or.inr hx, hp⟩
      · rintro ⟨hx | hx, hp⟩
        · exact Or.inl hx
        · exact Or.inr ⟨hx, hp⟩
    | false =>
      have hn : ¬p a = true := by rw [h]; exact Bool.false_ne_true
      rw [List.filter_cons_of_neg hn, List.mem_cons, ih]
      constructor
      · rintro ⟨hx, hp⟩
        exact ⟨Or.inr hx, hp⟩
      · rintro ⟨hx | hx, hp⟩
        · exact absurd (by rw [← hx]; exact hp) hn
        · exact ⟨hx, hp⟩
theorem List.ne_nil_of_mem {a : α} {l : List α} (h : a ∈ l) : l ≠ [] := fun he => by
  rw [he] at h; exact List.not_mem_nil h
theorem List.eq_nil_iff_forall_not_mem {l : List α} : l = [] ↔ ∀ a, ¬a ∈ l := by
  cases l with
  | nil => exact ⟨fun _ _ => List.not_mem_nil, fun _ => rfl⟩
  | cons b l => exact ⟨fun h => absurd h (List.cons_ne_nil _ _), fun h => absurd List.mem_cons_self (h b)⟩

/-! ## replicate, take, drop, head, tail, sums -/

@[simp] theorem List.replicate_zero {a : α} : List.replicate 0 a = [] := rfl
theorem List.replicate_succ {a : α} {n : Nat} : List.replicate (n + 1) a = a :: List.replicate n a := rfl
@[simp] theorem List.length_replicate {n : Nat} {a : α} : (List.replicate n a).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [List.replicate_succ, List.length_cons, ih]
@[simp] theorem List.take_zero {l : List α} : l.take 0 = [] := rfl
@[simp] theorem List.take_nil {i : Nat} : ([] : List α).take i = [] := by cases i <;> rfl
@[simp] theorem List.take_succ_cons {a : α} {as : List α} {i : Nat} : (a :: as).take (i + 1) = a :: as.take i := rfl
@[simp] theorem List.drop_zero {l : List α} : l.drop 0 = l := rfl
@[simp] theorem List.drop_nil {i : Nat} : ([] : List α).drop i = [] := by cases i <;> rfl
@[simp] theorem List.drop_succ_cons {a : α} {l : List α} {i : Nat} : (a :: l).drop (i + 1) = l.drop i := rfl
@[simp] theorem List.take_append_drop (i : Nat) (l : List α) : l.take i ++ l.drop i = l := by
  induction i generalizing l with
  | zero => rfl
  | succ i ih =>
    cases l with
    | nil => rfl
    | cons a l => rw [List.take_succ_cons, List.drop_succ_cons, List.cons_append, ih]
@[simp] theorem List.take_length {l : List α} : l.take l.length = l := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.length_cons, List.take_succ_cons, ih]
@[simp] theorem List.drop_length {l : List α} : l.drop l.length = [] := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [List.length_cons, List.drop_succ_cons, ih]
@[simp] theorem List.head?_nil : ([] : List α).head? = none := rfl
@[simp] theorem List.head?_cons {a : α} {l : List α} : (a :: l).head? = some a := rfl
@[simp] theorem List.tail_nil : ([] : List α).tail = [] := rfl
@[simp] theorem List.tail_cons {a : α} {as : List α} : (a :: as).tail = as := rfl
@[simp] theorem List.flatten_nil : List.flatten ([] : List (List α)) = [] := rfl
@[simp] theorem List.flatten_cons {l : List α} {L : List (List α)} : (l :: L).flatten = l ++ L.flatten := rfl
@[simp] theorem List.flatten_append {L₁ L₂ : List (List α)} : (L₁ ++ L₂).flatten = L₁.flatten ++ L₂.flatten := by
  induction L₁ with
  | nil => rfl
  | cons l L ih => rw [List.cons_append, List.flatten_cons, List.flatten_cons, ih, List.append_assoc]
@[simp] theorem List.isEmpty_nil : ([] : List α).isEmpty = true := rfl
@[simp] theorem List.isEmpty_cons {x : α} {xs : List α} : (x :: xs).isEmpty = false := rfl
@[simp] theorem List.all_nil {p : α → Bool} : List.all [] p = true := rfl
@[simp] theorem List.all_cons {a : α} {l : List α} {p : α → Bool} : (a :: l).all p = (p a && l.all p) := rfl
@[simp] theorem List.any_nil {p : α → Bool} : List.any [] p = false := rfl
@[simp] theorem List.any_cons {a : α} {l : List α} {p : α → Bool} : (a :: l).any p = (p a || l.any p) := rfl
@[simp] theorem List.all_append {xs ys : List α} {p : α → Bool} : (xs ++ ys).all p = (xs.all p && ys.all p) := by
  induction xs with
  | nil => rfl
  | cons x xs ih => rw [List.cons_append, List.all_cons, List.all_cons, ih, Bool.and_assoc]
@[simp] theorem List.any_append {xs ys : List α} {p : α → Bool} : (xs ++ ys).any p = (xs.any p || ys.any p) := by
  induction xs with
  | nil => rfl
  | cons x xs ih => rw [List.cons_append, List.any_cons, List.any_cons, ih, Bool.or_assoc]
theorem List.all_eq_true {p : α → Bool} {l : List α} : l.all p = true ↔ ∀ x, x ∈ l → p x = true := by
  induction l with
  | nil => exact ⟨fun _ _ h => absurd h List.not_mem_nil, fun _ => rfl⟩
  | cons a l ih =>
    rw [List.all_cons, Bool.and_eq_true, ih]
    constructor
    · rintro ⟨ha, hl⟩ x hx
      rcases List.mem_cons.mp hx with h | h
      · rw [h]; exact ha
      · exact hl x h
    · intro h
      exact ⟨h a List.mem_cons_self, fun x hx => h x (List.mem_cons_of_mem a hx)⟩
@[simp] theorem List.concat_eq_append {as : List α} {a : α} : as.concat a = as ++ [a] := by
  induction as with
  | nil => rfl
  | cons b as ih => exact congrArg (List.cons b) ih

/-! ## Option, Prod, functions -/

@[simp] theorem Option.map_none (f : α → β) : Option.map f none = none := rfl
@[simp] theorem Option.map_some (a : α) (f : α → β) : Option.map f (some a) = some (f a) := rfl
theorem Option.some_ne_none (x : α) : some x ≠ none := fun h => by injection h
theorem Option.some_inj {a b : α} : some a = some b ↔ a = b := ⟨fun h => by injection h, fun h => by rw [h]⟩
@[simp] theorem Option.isSome_none : Option.isSome (none : Option α) = false := rfl
@[simp] theorem Option.isSome_some {a : α} : Option.isSome (some a) = true := rfl
@[simp] theorem Option.isNone_none : Option.isNone (none : Option α) = true := rfl
@[simp] theorem Option.isNone_some {a : α} : Option.isNone (some a) = false := rfl
@[simp] theorem Option.getD_none {a : α} : Option.getD none a = a := rfl
@[simp] theorem Option.getD_some {a b : α} : Option.getD (some a) b = a := rfl
@[simp] theorem Option.map_id (o : Option α) : Option.map id o = o := by cases o <;> rfl
@[simp] theorem Option.map_map (h : β → γ) (g : α → β) (x : Option α) : (x.map g).map h = x.map (h ∘ g) := by cases x <;> rfl
theorem Function.comp_def {α : Sort u} {β : Sort v} {δ : Sort w} (f : β → δ) (g : α → β) : f ∘ g = fun x => f (g x) := rfl
@[simp] theorem Function.comp_apply {α : Sort u} {β : Sort v} {δ : Sort w} {f : β → δ} {g : α → β} {x : α} : (f ∘ g) x = f (g x) := rfl
@[simp] theorem Prod.swap_swap (p : α × β) : p.swap.swap = p := by cases p; rfl

/-! ## dropLast, foldr -/

attribute [simp] List.foldr_cons_nil
@[simp] theorem List.dropLast_nil : ([] : List α).dropLast = [] := rfl
@[simp] theorem List.dropLast_single {x : α} : [x].dropLast = [] := rfl
theorem List.dropLast_cons_of_ne_nil {x : α} {l : List α} (h : l ≠ []) : (x :: l).dropLast = x :: l.dropLast := by
  cases l with
  | nil => exact absurd rfl h
  | cons y l => rfl
@[simp] theorem List.dropLast_cons₂ {x y : α} {zs : List α} : (x :: y :: zs).dropLast = x :: (y :: zs).dropLast := rfl
@[simp] theorem List.dropLast_concat {l : List α} {b : α} : List.dropLast (l ++ [b]) = l := by
  induction l with
  | nil => rfl
  | cons a l ih =>
    have h : l ++ [b] ≠ [] := fun h => by
      have h2 := (List.append_eq_nil_iff.mp h).2
      exact absurd h2 (List.cons_ne_nil _ _)
    rw [List.cons_append, List.dropLast_cons_of_ne_nil h, ih]
@[simp] theorem List.length_dropLast {xs : List α} : xs.dropLast.length = xs.length - 1 := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    cases xs with
    | nil => rfl
    | cons y ys => rw [List.dropLast_cons₂, List.length_cons, ih]; rfl
