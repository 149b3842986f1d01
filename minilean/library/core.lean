/- The prelude of minilean: names, binders and statements of core Lean 4. -/
set_option checkBinderAnnotations false
universe u v w u_1 u_2 u_3

/-! ## Basic combinators and propositions -/

@[reducible] def outParam (α : Sort u) : Sort u := α
@[reducible] def optParam (α : Sort u) (default : α) : Sort u := α
@[reducible] def semiOutParam (α : Sort u) : Sort u := α

def id {α : Sort u} (a : α) : α := a
def flip {α : Sort u} {β : Sort v} {φ : Sort w} (f : α → β → φ) : β → α → φ := fun b a => f a b
def Function.comp {α : Sort u} {β : Sort v} {δ : Sort w} (f : β → δ) (g : α → β) : α → δ :=
  fun x => f (g x)
def Function.const {α : Sort u} (β : Sort v) (a : α) : β → α := fun _ => a
@[reducible] def inferInstance {α : Sort u} [i : α] : α := i
@[reducible] def inferInstanceAs (α : Sort u) [i : α] : α := i

inductive PUnit : Sort u where
  | unit : PUnit
abbrev Unit : Type := PUnit
@[match_pattern] abbrev Unit.unit : Unit := PUnit.unit

inductive True : Prop where
  | intro : True
inductive False : Prop
inductive Empty : Type
inductive PEmpty : Sort u
theorem trivial : True := True.intro

def Not (a : Prop) : Prop := a → False
def False.elim {C : Sort u} (h : False) : C := False.rec (motive := fun _ => C) h
def absurd {a : Prop} {b : Sort v} (h₁ : a) (h₂ : ¬a) : b := False.rec (motive := fun _ => b) (h₂ h₁)
def Empty.elim {C : Sort u} (h : Empty) : C := Empty.rec (motive := fun _ => C) h

inductive Eq {α : Sort u_1} : α → α → Prop where
  | refl (a : α) : Eq a a
@[reducible] def Eq.ndrec.{w1, w2} {α : Sort w2} {a : α} {motive : α → Sort w1} (m : motive a)
    {b : α} (h : Eq a b) : motive b :=
  Eq.rec (motive := fun x _ => motive x) m h
@[match_pattern] def rfl {α : Sort u} {a : α} : Eq a a := Eq.refl a
theorem id_eq {α : Sort u_1} (a : α) : Eq (id a) a := rfl
theorem Eq.subst {α : Sort u} {motive : α → Prop} {a b : α} (h₁ : Eq a b) (h₂ : motive a) :
    motive b := Eq.ndrec h₂ h₁
theorem Eq.symm {α : Sort u} {a b : α} (h : Eq a b) : Eq b a :=
  Eq.rec (motive := fun x _ => Eq x a) (Eq.refl a) h
theorem Eq.trans {α : Sort u} {a b c : α} (h₁ : Eq a b) (h₂ : Eq b c) : Eq a c :=
  Eq.rec (motive := fun x _ => Eq a x) h₁ h₂
def cast {α β : Sort u} (h : Eq α β) (a : α) : β := Eq.rec (motive := fun x _ => x) a h
theorem congrArg {α : Sort u} {β : Sort v} {a₁ a₂ : α} (f : α → β) (h : Eq a₁ a₂) :
    Eq (f a₁) (f a₂) := Eq.rec (motive := fun x _ => Eq (f a₁) (f x)) rfl h
theorem congr {α : Sort u} {β : Sort v} {f₁ f₂ : α → β} {a₁ a₂ : α} (h₁ : Eq f₁ f₂)
    (h₂ : Eq a₁ a₂) : Eq (f₁ a₁) (f₂ a₂) :=
  Eq.rec (motive := fun (g : α → β) _ => Eq (f₁ a₁) (g a₂))
    (Eq.rec (motive := fun x _ => Eq (f₁ a₁) (f₁ x)) rfl h₂) h₁
theorem congrFun {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} (h : Eq f g) (a : α) :
    Eq (f a) (g a) := Eq.rec (motive := fun (k : (x : α) → β x) _ => Eq (f a) (k a)) rfl h
def Eq.mp {α β : Sort u} (h : α = β) (a : α) : β := Eq.rec (motive := fun x _ => x) a h
def Eq.mpr {α β : Sort u} (h : α = β) (b : β) : α := Eq.rec (motive := fun x _ => x) b (Eq.symm h)
theorem Eq.substr {α : Sort u} {p : α → Prop} {a b : α} (h₁ : b = a) (h₂ : p a) : p b :=
  Eq.subst (Eq.symm h₁) h₂
@[reducible] def Ne {α : Sort u} (a b : α) : Prop := ¬(a = b)

inductive HEq : {α : Sort u} → α → {β : Sort u} → β → Prop where
  | refl {α : Sort u} (a : α) : HEq a a
attribute [refl] Eq.refl HEq.refl
@[match_pattern] def HEq.rfl {α : Sort u} {a : α} : HEq a a := HEq.refl a
theorem eq_of_heq {α : Sort u} {a a' : α} (h : HEq a a') : a = a' :=
  have h₁ : ∀ (α' : Sort u) (b : α') (_ : HEq a b) (e : α = α'), cast e a = b :=
    fun _ _ h => HEq.rec (motive := fun {α'} b _ => ∀ (e : α = α'), cast e a = b)
      (fun (_ : α = α) => Eq.refl a) h
  h₁ α a' h (Eq.refl α)
theorem heq_of_eq {α : Sort u} {a a' : α} (h : a = a') : HEq a a' :=
  Eq.rec (motive := fun x _ => HEq a x) (HEq.refl a) h
theorem HEq.symm {α β : Sort u} {a : α} {b : β} (h : HEq a b) : HEq b a :=
  HEq.rec (motive := fun {_} x _ => HEq x a) (HEq.refl a) h
theorem type_eq_of_heq {α β : Sort u} {a : α} {b : β} (h : HEq a b) : α = β :=
  HEq.rec (motive := fun {γ} _ _ => α = γ) (Eq.refl α) h
theorem heq_of_eq_of_heq {α β : Sort u} {a a' : α} {b : β} (h₁ : a = a') (h₂ : HEq a' b) :
    HEq a b := Eq.rec (motive := fun x _ => HEq x b) h₂ (Eq.symm h₁)
theorem HEq.trans {α β φ : Sort u} {a : α} {b : β} {c : φ} (h₁ : HEq a b) (h₂ : HEq b c) :
    HEq a c := HEq.rec (motive := fun {_} x _ => HEq a x) h₁ h₂


structure And (a b : Prop) : Prop where
  intro ::
  left : a
  right : b
inductive Or (a b : Prop) : Prop where
  | inl (h : a) : Or a b
  | inr (h : b) : Or a b
structure Iff (a b : Prop) : Prop where
  intro ::
  mp : a → b
  mpr : b → a
inductive Exists {α : Sort u} (p : α → Prop) : Prop where
  | intro (w : α) (h : p w) : Exists p
axiom propext {a b : Prop} : (a ↔ b) → a = b

/-! ## Data types and classes -/

inductive Bool : Type where
  | false : Bool
  | true : Bool
export Bool (false true)
axiom sorryAx (α : Sort u) (synthetic : Bool) : α

structure Prod (α : Type u) (β : Type v) where
  fst : α
  snd : β
structure PProd (α : Sort u) (β : Sort v) where
  fst : α
  snd : β
structure MProd (α β : Type u) where
  fst : α
  snd : β
inductive Sum (α : Type u) (β : Type v) where
  | inl (val : α) : Sum α β
  | inr (val : β) : Sum α β
inductive PSum (α : Sort u) (β : Sort v) where
  | inl (val : α) : PSum α β
  | inr (val : β) : PSum α β
structure Sigma {α : Type u} (β : α → Type v) where
  fst : α
  snd : β fst
structure PSigma {α : Sort u} (β : α → Sort v) where
  fst : α
  snd : β fst
structure Subtype {α : Sort u} (p : α → Prop) where
  val : α
  property : p val
inductive Nat : Type where
  | zero : Nat
  | succ (n : Nat) : Nat
inductive List (α : Type u) where
  | nil : List α
  | cons (head : α) (tail : List α) : List α
inductive Option (α : Type u) where
  | none : Option α
  | some (val : α) : Option α
export Option (none some)
inductive Except (ε : Type u) (α : Type v) where
  | error : ε → Except ε α
  | ok : α → Except ε α
class inductive Nonempty (α : Sort u) : Prop where
  | intro (val : α) : Nonempty α
axiom Classical.choice {α : Sort u} : Nonempty α → α
class Inhabited (α : Sort u) where
  default : α
export Inhabited (default)
class Subsingleton (α : Sort u) : Prop where
  intro ::
  allEq : ∀ a b : α, a = b
class inductive Decidable (p : Prop) where
  | isFalse (h : Not p) : Decidable p
  | isTrue (h : p) : Decidable p
export Decidable (isTrue isFalse)

class OfNat (α : Type u) (n : Nat) where
  ofNat : α
class LE (α : Type u) where
  le : α → α → Prop
class LT (α : Type u) where
  lt : α → α → Prop
@[reducible] def GE.ge {α : Type u} [LE α] (a b : α) : Prop := LE.le b a
@[reducible] def GT.gt {α : Type u} [LT α] (a b : α) : Prop := LT.lt b a
class HAdd (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hAdd : α → β → γ
class HSub (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hSub : α → β → γ
class HMul (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hMul : α → β → γ
class HDiv (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hDiv : α → β → γ
class HMod (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hMod : α → β → γ
class HPow (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hPow : α → β → γ
class HAppend (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hAppend : α → β → γ
class Add (α : Type u) where
  add : α → α → α
class Sub (α : Type u) where
  sub : α → α → α
class Mul (α : Type u) where
  mul : α → α → α
class Neg (α : Type u) where
  neg : α → α
class Div (α : Type u) where
  div : α → α → α
class Mod (α : Type u) where
  mod : α → α → α
class Dvd (α : Type u) where
  dvd : α → α → Prop
class Pow (α : Type u) (β : Type v) where
  pow : α → β → α
class NatPow (α : Type u) where
  pow : α → Nat → α
class Append (α : Type u) where
  append : α → α → α
class BEq (α : Type u) where
  beq : α → α → Bool
class Max (α : Type u) where
  max : α → α → α
class Min (α : Type u) where
  min : α → α → α
export Max (max)
export Min (min)
class HasEquiv (α : Sort u) where
  Equiv : α → α → Prop
class Membership (α : outParam (Type u)) (γ : Type v) where
  mem : γ → α → Prop
class EmptyCollection (α : Type u) where
  emptyCollection : α
class Trans {α : Sort u} {β : Sort v} {γ : Sort w} (r : α → β → Sort u_1)
    (s : β → γ → Sort u_2) (t : outParam (α → γ → Sort u_3)) where
  trans {a : α} {b : β} {c : γ} : r a b → s b c → t a c

@[default_instance] instance instHAdd {α : Type u} [Add α] : HAdd α α α := ⟨fun a b => Add.add a b⟩
@[default_instance] instance instHSub {α : Type u} [Sub α] : HSub α α α := ⟨fun a b => Sub.sub a b⟩
@[default_instance] instance instHMul {α : Type u} [Mul α] : HMul α α α := ⟨fun a b => Mul.mul a b⟩
@[default_instance] instance instHDiv {α : Type u} [Div α] : HDiv α α α := ⟨fun a b => Div.div a b⟩
@[default_instance] instance instHMod {α : Type u} [Mod α] : HMod α α α := ⟨fun a b => Mod.mod a b⟩
@[default_instance] instance instHPow {α : Type u} {β : Type v} [Pow α β] : HPow α β α :=
  ⟨fun a b => Pow.pow a b⟩
@[default_instance] instance instPowNat {α : Type u} [NatPow α] : Pow α Nat :=
  ⟨fun a n => NatPow.pow a n⟩
@[default_instance] instance instHAppendOfAppend {α : Type u} [Append α] : HAppend α α α :=
  ⟨fun a b => Append.append a b⟩
@[default_instance 100] instance instOfNatNat (n : Nat) : OfNat Nat n := ⟨n⟩

protected def Nat.add (n m : Nat) : Nat := @Nat.rec (fun _ => Nat) n (fun _ ih => Nat.succ ih) m
instance instAddNat : Add Nat := ⟨Nat.add⟩
protected def Nat.mul (n m : Nat) : Nat := @Nat.rec (fun _ => Nat) 0 (fun _ ih => Nat.add ih n) m
instance instMulNat : Mul Nat := ⟨Nat.mul⟩
def Nat.pred (n : Nat) : Nat := @Nat.rec (fun _ => Nat) 0 (fun m _ => m) n
protected def Nat.sub (n m : Nat) : Nat := @Nat.rec (fun _ => Nat) n (fun _ ih => Nat.pred ih) m
instance instSubNat : Sub Nat := ⟨Nat.sub⟩
protected def List.append {α : Type u} (xs ys : List α) : List α :=
  List.rec (motive := fun _ => List α) ys (fun x _ ih => List.cons x ih) xs
instance List.instAppend {α : Type u} : Append (List α) := ⟨List.append⟩

/-! ## Decidability -/

def ite {α : Sort u} (c : Prop) [h : Decidable c] (t e : α) : α :=
  Decidable.rec (motive := fun _ => α) (fun _ => e) (fun _ => t) h
def dite {α : Sort u} (c : Prop) [h : Decidable c] (t : c → α) (e : ¬c → α) : α :=
  Decidable.rec (motive := fun _ => α) e t h
def Decidable.decide (p : Prop) [h : Decidable p] : Bool :=
  Decidable.rec (motive := fun _ => Bool) (fun _ => false) (fun _ => true) h
export Decidable (decide)
abbrev DecidablePred {α : Sort u} (r : α → Prop) := (a : α) → Decidable (r a)
abbrev DecidableRel {α : Sort u} {β : Sort v} (r : α → β → Prop) :=
  (a : α) → (b : β) → Decidable (r a b)
abbrev DecidableEq (α : Sort u) := (a b : α) → Decidable (a = b)
def decEq {α : Sort u} [inst : DecidableEq α] (a b : α) : Decidable (a = b) := inst a b

instance instDecidableTrue : Decidable True := isTrue trivial
instance instDecidableFalse : Decidable False := isFalse (fun h => h)
instance instDecidableAnd {p q : Prop} [dp : Decidable p] [dq : Decidable q] : Decidable (p ∧ q) :=
  match dp with
  | isTrue hp =>
    match dq with
    | isTrue hq => isTrue ⟨hp, hq⟩
    | isFalse hq => isFalse (fun h => hq h.2)
  | isFalse hp => isFalse (fun h => hp h.1)
instance instDecidableOr {p q : Prop} [dp : Decidable p] [dq : Decidable q] : Decidable (p ∨ q) :=
  match dp with
  | isTrue hp => isTrue (Or.inl hp)
  | isFalse hp =>
    match dq with
    | isTrue hq => isTrue (Or.inr hq)
    | isFalse hq => isFalse (fun h => Or.rec (motive := fun _ => False) hp hq h)
instance instDecidableNot {p : Prop} [dp : Decidable p] : Decidable (¬p) :=
  match dp with
  | isTrue hp => isFalse (fun h => h hp)
  | isFalse hp => isTrue hp
instance instDecidableForall {p q : Prop} [dp : Decidable p] [dq : Decidable q] :
    Decidable (p → q) :=
  match dp with
  | isTrue hp =>
    match dq with
    | isTrue hq => isTrue (fun _ => hq)
    | isFalse hq => isFalse (fun h => hq (h hp))
  | isFalse hp => isTrue (fun h => False.elim (hp h))
instance instDecidableIff {p q : Prop} [dp : Decidable p] [dq : Decidable q] : Decidable (p ↔ q) :=
  match dp with
  | isTrue hp =>
    match dq with
    | isTrue hq => isTrue ⟨fun _ => hq, fun _ => hp⟩
    | isFalse hq => isFalse (fun h => hq (h.1 hp))
  | isFalse hp =>
    match dq with
    | isTrue hq => isFalse (fun h => hp (h.2 hq))
    | isFalse hq => isTrue ⟨fun h => absurd h hp, fun h => absurd h hq⟩
instance instDecidableNe {α : Sort u} [DecidableEq α] (a b : α) : Decidable (a ≠ b) :=
  match decEq a b with
  | isTrue h => isFalse (fun h' => h' h)
  | isFalse h => isTrue h

/-! ## Booleans -/

theorem Bool.false_ne_true (h : false = true) : False :=
  @Eq.rec Bool false (fun b _ => Bool.rec (motive := fun _ => Prop) True False b) trivial true h
def cond {α : Sort u} (c : Bool) (x y : α) : α := match c with
  | true => x
  | false => y
def or (x y : Bool) : Bool := match x with
  | true => true
  | false => y
def and (x y : Bool) : Bool := match x with
  | false => false
  | true => y
def not (x : Bool) : Bool := match x with
  | true => false
  | false => true
def xor (x y : Bool) : Bool := match x with
  | true => not y
  | false => y
theorem of_decide_eq_true {p : Prop} [inst : Decidable p] : decide p = true → p :=
  match inst with
  | isTrue h => fun _ => h
  | isFalse _ => fun h => (Bool.false_ne_true h).elim
theorem of_decide_eq_false {p : Prop} [inst : Decidable p] : decide p = false → ¬p :=
  match inst with
  | isTrue _ => fun h => (Bool.false_ne_true h.symm).elim
  | isFalse h => fun _ => h
theorem decide_eq_true {p : Prop} [inst : Decidable p] : p → decide p = true :=
  match inst with
  | isTrue _ => fun _ => rfl
  | isFalse h => fun h' => absurd h' h
theorem decide_eq_false {p : Prop} [inst : Decidable p] : ¬p → decide p = false :=
  match inst with
  | isTrue h => fun h' => absurd h h'
  | isFalse _ => fun _ => rfl
@[reducible] def decidableOfBool {p : Prop} : (b : Bool) → (b = true → p) → (b = false → ¬p) → Decidable p
  | true, h, _ => isTrue (h rfl)
  | false, _, h => isFalse (h rfl)
def Bool.decEq (a b : Bool) : Decidable (a = b) := match a, b with
  | false, false => isTrue rfl
  | false, true => isFalse (fun h => Bool.false_ne_true h)
  | true, false => isFalse (fun h => Bool.false_ne_true h.symm)
  | true, true => isTrue rfl
instance instDecidableEqBool : DecidableEq Bool := Bool.decEq
@[default_instance 100] instance instBEqOfDecidableEq {α : Type u} [DecidableEq α] : BEq α :=
  ⟨fun a b => decide (a = b)⟩
def bne {α : Type u} [BEq α] (a b : α) : Bool := not (BEq.beq a b)
class LawfulBEq (α : Type u) [BEq α] : Prop where
  eq_of_beq : ∀ {a b : α}, BEq.beq a b = true → a = b
  rfl : ∀ {a : α}, BEq.beq a a = true

/-! ## Nat: order and decidability -/

protected inductive Nat.le (n : Nat) : Nat → Prop where
  | refl : Nat.le n n
  | step {m : Nat} : Nat.le n m → Nat.le n (Nat.succ m)
attribute [refl] Nat.le.refl
protected def Nat.lt (n m : Nat) : Prop := Nat.le (n + 1) m
instance instLENat : LE Nat := ⟨Nat.le⟩
instance instLTNat : LT Nat := ⟨Nat.lt⟩
protected def Nat.beq : Nat → Nat → Bool
  | 0, 0 => true
  | 0, _ + 1 => false
  | _ + 1, 0 => false
  | n + 1, m + 1 => Nat.beq n m
protected def Nat.ble : Nat → Nat → Bool
  | 0, 0 => true
  | 0, _ + 1 => true
  | _ + 1, 0 => false
  | n + 1, m + 1 => Nat.ble n m
theorem Nat.eq_of_beq_eq_true : ∀ {n m : Nat}, Nat.beq n m = true → n = m
  | 0, 0, _ => rfl
  | 0, _ + 1, h => (Bool.false_ne_true h).elim
  | _ + 1, 0, h => (Bool.false_ne_true h).elim
  | n + 1, m + 1, h => congrArg Nat.succ (Nat.eq_of_beq_eq_true (n := n) (m := m) h)
theorem Nat.beq_refl : ∀ n : Nat, Nat.beq n n = true
  | 0 => rfl
  | n + 1 => Nat.beq_refl n
theorem Nat.ne_of_beq_eq_false {n m : Nat} (h : Nat.beq n m = false) : ¬(n = m) :=
  fun e => Bool.false_ne_true (Eq.trans h.symm (Eq.subst (motive := fun k => Nat.beq n k = true) e
    (Nat.beq_refl n)))
protected def Nat.decEq (n m : Nat) : Decidable (n = m) :=
  decidableOfBool (Nat.beq n m) Nat.eq_of_beq_eq_true Nat.ne_of_beq_eq_false
instance instDecidableEqNat : DecidableEq Nat := Nat.decEq
instance instBEqNat : BEq Nat := ⟨Nat.beq⟩
protected theorem Nat.zero_le : ∀ n : Nat, 0 ≤ n
  | 0 => Nat.le.refl
  | n + 1 => Nat.le.step (Nat.zero_le n)
theorem Nat.succ_le_succ {n m : Nat} (h : n ≤ m) : Nat.succ n ≤ Nat.succ m :=
  Nat.le.rec (motive := fun k _ => Nat.succ n ≤ Nat.succ k) Nat.le.refl
    (fun _ ih => Nat.le.step ih) h
protected theorem Nat.le_trans {n m k : Nat} (h₁ : n ≤ m) (h₂ : m ≤ k) : n ≤ k :=
  Nat.le.rec (motive := fun k _ => n ≤ k) h₁ (fun _ ih => Nat.le.step ih) h₂
theorem Nat.pred_le_pred {n m : Nat} (h : n ≤ m) : Nat.pred n ≤ Nat.pred m :=
  Nat.le.rec (motive := fun k _ => Nat.pred n ≤ Nat.pred k) Nat.le.refl
    (fun {m} _ ih => Nat.rec (motive := fun k => Nat.pred n ≤ Nat.pred k → Nat.pred n ≤ k)
      (fun x => x) (fun _ _ x => Nat.le.step x) m ih) h
theorem Nat.le_of_succ_le_succ {n m : Nat} (h : Nat.succ n ≤ Nat.succ m) : n ≤ m :=
  Nat.pred_le_pred h
theorem Nat.not_succ_le_zero (n : Nat) (h : Nat.succ n ≤ 0) : False :=
  @Nat.le.rec (n + 1) (fun k _ => Nat.rec (motive := fun _ => Prop) False (fun _ _ => True) k)
    trivial (fun _ _ => trivial) 0 h
theorem Nat.le_of_ble_eq_true : ∀ {n m : Nat}, Nat.ble n m = true → n ≤ m
  | 0, _, _ => Nat.zero_le _
  | _ + 1, 0, h => (Bool.false_ne_true h).elim
  | n + 1, m + 1, h => Nat.succ_le_succ (Nat.le_of_ble_eq_true (n := n) (m := m) h)
theorem Nat.ble_eq_true_of_le : ∀ {n m : Nat}, n ≤ m → Nat.ble n m = true
  | 0, 0, _ => rfl
  | 0, _ + 1, _ => rfl
  | n + 1, 0, h => (Nat.not_succ_le_zero n h).elim
  | n + 1, m + 1, h => Nat.ble_eq_true_of_le (n := n) (m := m) (Nat.le_of_succ_le_succ h)
instance Nat.decLe (n m : Nat) : Decidable (n ≤ m) :=
  decidableOfBool (Nat.ble n m) Nat.le_of_ble_eq_true
    (fun h e => Bool.false_ne_true (Eq.trans h.symm (Nat.ble_eq_true_of_le e)))
instance Nat.decLt (n m : Nat) : Decidable (n < m) := Nat.decLe (Nat.succ n) m
protected def Nat.pow (m n : Nat) : Nat := @Nat.rec (fun _ => Nat) 1 (fun _ ih => Nat.mul ih m) n
instance instNatPowNat : NatPow Nat := ⟨Nat.pow⟩
instance : Inhabited Nat := ⟨Nat.zero⟩
instance : Max Nat := ⟨fun a b => if a ≤ b then b else a⟩
instance : Min Nat := ⟨fun a b => if a ≤ b then a else b⟩
instance : Dvd Nat := ⟨fun a b => ∃ c, b = a * c⟩
def Nat.div.go (y : Nat) (hy : 0 < y) (fuel x : Nat) : Nat := match fuel with
  | 0 => 0
  | fuel + 1 => if y ≤ x then Nat.div.go y hy fuel (x - y) + 1 else 0
protected def Nat.div (x y : Nat) : Nat :=
  if h : 0 < y then Nat.div.go y h (x + 1) x else 0
instance Nat.instDiv : Div Nat := ⟨Nat.div⟩
def Nat.modCore.go (y : Nat) (hy : 0 < y) (fuel x : Nat) : Nat := match fuel with
  | 0 => x
  | fuel + 1 => if y ≤ x then Nat.modCore.go y hy fuel (x - y) else x
protected def Nat.mod (x y : Nat) : Nat :=
  if h : 0 < y then Nat.modCore.go y h (x + 1) x else x
instance Nat.instMod : Mod Nat := ⟨Nat.mod⟩
attribute [irreducible] Nat.div Nat.mod
instance : LawfulBEq Nat := ⟨fun h => Nat.eq_of_beq_eq_true h, fun {a} => Nat.beq_refl a⟩

/-! ## Lists, options and the rest -/

namespace List
def length {α : Type u} : List α → Nat
  | nil => 0
  | cons _ as => length as + 1
def map {α : Type u} {β : Type v} (f : α → β) : (l : List α) → List β
  | [] => []
  | a :: as => f a :: map f as
def filter {α : Type u} (p : α → Bool) : (l : List α) → List α
  | [] => []
  | a :: as => match p a with
    | true => a :: filter p as
    | false => filter p as
def foldr {α : Type u} {β : Type v} (f : α → β → β) (init : β) : (l : List α) → β
  | [] => init
  | a :: as => f a (foldr f init as)
def foldl {α : Type u} {β : Type v} (f : α → β → α) : (init : α) → (l : List β) → α
  | a, nil => a
  | a, cons b l => foldl f (f a b) l
def reverseAux {α : Type u} : List α → List α → List α
  | [], r => r
  | a :: l, r => reverseAux l (a :: r)
def reverse {α : Type u} (as : List α) : List α := reverseAux as []
def flatten {α : Type u} : List (List α) → List α
  | [] => []
  | l :: L => l ++ flatten L
def flatMap {α : Type u} {β : Type v} (b : α → List β) (as : List α) : List β := flatten (map b as)
def replicate {α : Type u} : (n : Nat) → (a : α) → List α
  | 0, _ => []
  | n + 1, a => a :: replicate n a
def take {α : Type u} : (n : Nat) → (xs : List α) → List α
  | 0, _ => []
  | _ + 1, [] => []
  | n + 1, a :: as => a :: take n as
def drop {α : Type u} : (n : Nat) → (xs : List α) → List α
  | 0, as => as
  | _ + 1, [] => []
  | n + 1, _ :: as => drop n as
def zipWith {α : Type u} {β : Type v} {γ : Type w} (f : α → β → γ) :
    (xs : List α) → (ys : List β) → List γ
  | x :: xs, y :: ys => f x y :: zipWith f xs ys
  | _, _ => []
def zip {α : Type u} {β : Type v} : List α → List β → List (α × β) := zipWith Prod.mk
def head? {α : Type u} : List α → Option α
  | [] => none
  | a :: _ => some a
def tail? {α : Type u} : List α → Option (List α)
  | [] => none
  | _ :: as => some as
def tail {α : Type u} : List α → List α
  | [] => []
  | _ :: as => as
def headD {α : Type u} : (as : List α) → (fallback : α) → α
  | [], fallback => fallback
  | a :: _, _ => a
def getLast? {α : Type u} : List α → Option α
  | [] => none
  | [a] => some a
  | _ :: b :: as => getLast? (b :: as)
def isEmpty {α : Type u} : List α → Bool
  | [] => true
  | _ :: _ => false
def all {α : Type u} : List α → (α → Bool) → Bool
  | [], _ => true
  | h :: t, p => p h && all t p
def any {α : Type u} : List α → (α → Bool) → Bool
  | [], _ => false
  | h :: t, p => p h || any t p
def elem {α : Type u} [BEq α] (a : α) : (l : List α) → Bool
  | [] => false
  | b :: bs => match a == b with
    | true => true
    | false => elem a bs
def concat {α : Type u} : List α → α → List α
  | [], a => [a]
  | b :: bs, a => b :: concat bs a
def dropLast {α : Type u} : List α → List α
  | [] => []
  | [_] => []
  | a :: b :: as => a :: dropLast (b :: as)
def sum {α : Type u} [Add α] [OfNat α 0] : List α → α
  | [] => 0
  | a :: as => a + sum as
inductive Mem {α : Type u} (a : α) : List α → Prop where
  | head (as : List α) : Mem a (a :: as)
  | tail (b : α) {as : List α} : Mem a as → Mem a (b :: as)
instance instMembership {α : Type u} : Membership α (List α) := ⟨fun l a => Mem a l⟩
end List
instance {α : Type u} : Inhabited (List α) := ⟨[]⟩
instance {α : Type u} : EmptyCollection (List α) := ⟨[]⟩
protected def List.beq {α : Type u} [BEq α] : List α → List α → Bool
  | [], [] => true
  | a :: as, b :: bs => a == b && List.beq as bs
  | _, _ => false
instance List.instBEq {α : Type u} [BEq α] : BEq (List α) := ⟨List.beq⟩

instance : Inhabited Bool := ⟨false⟩
instance : Inhabited Prop := ⟨True⟩
instance {α : Type u} : Inhabited (Option α) := ⟨none⟩
instance {α : Type u} {β : Type v} [Inhabited α] [Inhabited β] : Inhabited (α × β) :=
  ⟨(default, default)⟩
instance {α : Sort u} {β : Sort v} [Inhabited β] : Inhabited (α → β) := ⟨fun _ => default⟩
instance instNonemptyOfInhabited {α : Sort u} [Inhabited α] : Nonempty α := ⟨default⟩
namespace Option
def map {α : Type u} {β : Type v} (f : α → β) : Option α → Option β
  | some x => some (f x)
  | none => none
protected def bind {α : Type u} {β : Type v} : Option α → (α → Option β) → Option β
  | none, _ => none
  | some a, f => f a
def getD {α : Type u} (opt : Option α) (dflt : α) : α := match opt with
  | some x => x
  | none => dflt
def isSome {α : Type u} : Option α → Bool
  | some _ => true
  | none => false
def isNone {α : Type u} : Option α → Bool
  | some _ => false
  | none => true
end Option
def Prod.map {α₁ : Type u} {α₂ : Type v} {β₁ : Type w} {β₂ : Type u_1} (f : α₁ → α₂) (g : β₁ → β₂) :
    α₁ × β₁ → α₂ × β₂
  | (a, b) => (f a, g b)
def Prod.swap {α : Type u} {β : Type v} : α × β → β × α
  | (a, b) => (b, a)

/-! ## Quotients, extensionality, choice -/

init_quot
axiom Quot.sound : ∀ {α : Sort u} {r : α → α → Prop} {a b : α}, r a b → Quot.mk r a = Quot.mk r b
protected abbrev Quot.liftOn {α : Sort u} {β : Sort v} {r : α → α → Prop} (q : Quot r) (f : α → β)
    (c : (a b : α) → r a b → f a = f b) : β := Quot.lift f c q
theorem funext {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} (h : ∀ x, f x = g x) : f = g :=
  congrArg (fun (q : Quot (fun f g : (x : α) → β x => ∀ x, f x = g x)) (x : α) =>
      Quot.lift (fun (f : (x : α) → β x) => f x) (fun _ _ h => h x) q)
    (Quot.sound (r := fun f g : (x : α) → β x => ∀ x, f x = g x) h)
theorem Exists.elim {α : Sort u} {p : α → Prop} {b : Prop} (h₁ : Exists (fun x => p x))
    (h₂ : ∀ (a : α), p a → b) : b := match h₁ with
  | ⟨w, hw⟩ => h₂ w hw
theorem Subsingleton.elim {α : Sort u} [h : Subsingleton α] : ∀ (a b : α), a = b :=
  Subsingleton.allEq
instance instSubsingletonPUnit : Subsingleton PUnit := ⟨fun _ _ => rfl⟩
instance (p : Prop) : Subsingleton p := ⟨fun _ _ => rfl⟩
inductive Acc {α : Sort u} (r : α → α → Prop) : α → Prop where
  | intro (x : α) (h : (y : α) → r y x → Acc r y) : Acc r x
inductive WellFounded {α : Sort u} (r : α → α → Prop) : Prop where
  | intro (h : ∀ a, Acc r a) : WellFounded r
theorem Acc.inv {α : Sort u} {r : α → α → Prop} {x y : α} (h₁ : Acc r x) (h₂ : r y x) : Acc r y :=
  Acc.rec (motive := fun x _ => r y x → Acc r y) (fun _ h _ h₂ => h y h₂) h₁ h₂
theorem WellFounded.apply {α : Sort u} {r : α → α → Prop} (wf : WellFounded r) (a : α) : Acc r a :=
  match wf with
  | ⟨h⟩ => h a

namespace Classical
noncomputable def indefiniteDescription {α : Sort u} (p : α → Prop) (h : ∃ x, p x) :
    { x // p x } :=
  Classical.choice (match h with
    | ⟨x, px⟩ => ⟨⟨x, px⟩⟩)
noncomputable def choose {α : Sort u} {p : α → Prop} (h : ∃ x, p x) : α :=
  (indefiniteDescription p h).val
theorem choose_spec {α : Sort u} {p : α → Prop} (h : ∃ x, p x) : p (choose h) :=
  (indefiniteDescription p h).property
theorem em (p : Prop) : p ∨ ¬p :=
  have exU : ∃ x : Prop, x = True ∨ p := ⟨True, Or.inl rfl⟩
  have exV : ∃ x : Prop, x = False ∨ p := ⟨False, Or.inl rfl⟩
  have u_def : choose exU = True ∨ p := choose_spec exU
  have v_def : choose exV = False ∨ p := choose_spec exV
  have p_implies : p → choose exU = choose exV := fun hp =>
    have hpred : (fun x : Prop => x = True ∨ p) = (fun x : Prop => x = False ∨ p) :=
      funext (fun x => propext ⟨fun _ => Or.inr hp, fun _ => Or.inr hp⟩)
    have h₀ : ∀ (e₁ : ∃ x : Prop, x = True ∨ p) (e₂ : ∃ x : Prop, x = False ∨ p),
        @choose Prop (fun x => x = True ∨ p) e₁ = @choose Prop (fun x => x = False ∨ p) e₂ :=
      @Eq.rec (Prop → Prop) (fun x => x = True ∨ p)
        (fun q _ => ∀ (e₁ : ∃ x : Prop, x = True ∨ p) (e₂ : ∃ x, q x),
          @choose Prop (fun x => x = True ∨ p) e₁ = @choose Prop q e₂)
        (fun _ _ => rfl) (fun x => x = False ∨ p) hpred
    h₀ exU exV
  match u_def with
  | Or.inr h => Or.inl h
  | Or.inl hu => match v_def with
    | Or.inr h => Or.inl h
    | Or.inl hv => Or.inr (fun hp =>
        Eq.mp (Eq.trans hu.symm (Eq.trans (p_implies hp) hv)) trivial)
theorem byCases {p q : Prop} (hpq : p → q) (hnpq : ¬p → q) : q := match em p with
  | Or.inl h => hpq h
  | Or.inr h => hnpq h
theorem byContradiction {p : Prop} (h : ¬p → False) : p := match em p with
  | Or.inl hp => hp
  | Or.inr hn => (h hn).elim
noncomputable def propDecidable (a : Prop) : Decidable a :=
  Classical.choice (match em a with
    | Or.inl h => ⟨isTrue h⟩
    | Or.inr h => ⟨isFalse h⟩)
attribute [scoped instance] propDecidable
theorem not_not {a : Prop} : ¬¬a ↔ a := ⟨fun h => byContradiction h, fun h h' => h' h⟩
theorem exists_true_of_nonempty {α : Sort u} : Nonempty α → ∃ _ : α, True
  | ⟨x⟩ => ⟨x, trivial⟩
theorem axiomOfChoice {α : Sort u} {β : α → Sort v} {r : (x : α) → β x → Prop}
    (h : ∀ x, ∃ y, r x y) : ∃ (f : (x : α) → β x), ∀ x, r x (f x) :=
  ⟨fun x => choose (h x), fun x => choose_spec (h x)⟩
end Classical
theorem Decidable.em (p : Prop) [inst : Decidable p] : p ∨ ¬p := match inst with
  | isTrue h => Or.inl h
  | isFalse h => Or.inr h
theorem Decidable.byContradiction {p : Prop} [dec : Decidable p] (h : ¬p → False) : p :=
  match dec with
  | isTrue hp => hp
  | isFalse hn => (h hn).elim
def Decidable.byCases {p : Prop} {q : Sort u} [dec : Decidable p] (h1 : p → q) (h2 : ¬p → q) : q :=
  match dec with
  | isTrue h => h1 h
  | isFalse h => h2 h

instance Bool.instDecidableForallOfDecidablePred (p : Bool → Prop) [inst : DecidablePred p] :
    Decidable (∀ x, p x) :=
  match inst true, inst false with
  | isFalse ht, _ => isFalse (fun h => ht (h true))
  | isTrue _, isFalse hf => isFalse (fun h => hf (h false))
  | isTrue ht, isTrue hf => isTrue (fun b => match b with
    | true => ht
    | false => hf)
instance Bool.instDecidableExistsOfDecidablePred (p : Bool → Prop) [inst : DecidablePred p] :
    Decidable (∃ x, p x) :=
  match inst true, inst false with
  | isTrue ht, _ => isTrue ⟨true, ht⟩
  | isFalse _, isTrue hf => isTrue ⟨false, hf⟩
  | isFalse ht, isFalse hf => isFalse (fun ⟨b, hb⟩ => match b, hb with
    | true, h => ht h
    | false, h => hf h)
instance : LE Bool := ⟨fun a b => a = true → b = true⟩
instance : LT Bool := ⟨fun a b => (!a && b) = true⟩
instance (x y : Bool) : Decidable (x ≤ y) := inferInstanceAs (Decidable (x = true → y = true))
instance (x y : Bool) : Decidable (x < y) := inferInstanceAs (Decidable ((!x && y) = true))
instance : Max Bool := ⟨or⟩
instance : Min Bool := ⟨and⟩

theorem List.cons_ne_nil_aux {α : Type u} (a : α) (as : List α) (h : a :: as = []) : False :=
  @Eq.rec (List α) (a :: as) (fun xs _ => List.rec (motive := fun _ => Prop) False
    (fun _ _ _ => True) xs) trivial [] h
def List.hasDecEq {α : Type u} [DecidableEq α] : (a b : List α) → Decidable (a = b)
  | [], [] => isTrue rfl
  | a :: as, [] => isFalse (fun h => List.cons_ne_nil_aux a as h)
  | [], b :: bs => isFalse (fun h => List.cons_ne_nil_aux b bs h.symm)
  | a :: as, b :: bs => match decEq a b, hasDecEq as bs with
    | isTrue h₁, isTrue h₂ => isTrue (h₁ ▸ h₂ ▸ rfl)
    | isFalse h₁, _ => isFalse (fun h => h₁ (congrArg (fun l => List.headD l a) h))
    | isTrue _, isFalse h₂ => isFalse (fun h => h₂ (congrArg List.tail h))
instance instDecidableEqList {α : Type u} [DecidableEq α] : DecidableEq (List α) := List.hasDecEq
instance instDecidableEqProd {α : Type u} {β : Type v} [DecidableEq α] [DecidableEq β] :
    DecidableEq (α × β) := fun p q => match p, q with
  | (a, b), (a', b') => match decEq a a', decEq b b' with
    | isTrue h₁, isTrue h₂ => isTrue (h₁ ▸ h₂ ▸ rfl)
    | isFalse h₁, _ => isFalse (fun h => h₁ (congrArg Prod.fst h))
    | isTrue _, isFalse h₂ => isFalse (fun h => h₂ (congrArg Prod.snd h))
def instDecidableEqOption.decEq {α : Type u} [DecidableEq α] : (a b : Option α) → Decidable (a = b)
  | none, none => isTrue rfl
  | none, some b => isFalse (fun h => Bool.false_ne_true (congrArg Option.isSome h))
  | some a, none => isFalse (fun h => Bool.false_ne_true (congrArg Option.isSome h).symm)
  | some a, some b => match _root_.decEq a b with
    | isTrue h => isTrue (h ▸ rfl)
    | isFalse h => isFalse (fun e => h (congrArg (fun o => Option.getD o a) e))
instance instDecidableEqOption {α : Type u} [DecidableEq α] : DecidableEq (Option α) :=
  instDecidableEqOption.decEq
instance : DecidableEq PUnit := fun _ _ => isTrue rfl
