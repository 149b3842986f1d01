/- The prelude of minilean: names, binders and statements of core Lean 4. -/
set_option checkBinderAnnotations false
universe u v w u_1 u_2 u_3

/-! ## Basic combinators and propositions -/

@[reducible] def outParam (α : Sort u) : Sort u := α
@[reducible] def semiOutParam (α : Sort u) : Sort u := α

def id {α : Sort u} (a : α) : α := a
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
@[match_pattern] theorem HEq.rfl {α : Sort u} {a : α} : HEq a a := HEq.refl a
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

class OfNat (α : Type u) (_ : Nat) where
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
  trans : r a b → s b c → t a c

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

protected def Nat.add (n m : Nat) : Nat := Nat.rec n (fun _ ih => Nat.succ ih) m
instance instAddNat : Add Nat := ⟨Nat.add⟩
protected def Nat.mul (n m : Nat) : Nat := Nat.rec 0 (fun _ ih => Nat.add ih n) m
instance instMulNat : Mul Nat := ⟨Nat.mul⟩
def Nat.pred (n : Nat) : Nat := Nat.rec 0 (fun m _ => m) n
protected def Nat.sub (n m : Nat) : Nat := Nat.rec n (fun _ ih => Nat.pred ih) m
instance instSubNat : Sub Nat := ⟨Nat.sub⟩
protected def List.append {α : Type u} (xs ys : List α) : List α :=
  List.rec ys (fun x _ ih => List.cons x ih) xs
instance List.instAppend {α : Type u} : Append (List α) := ⟨List.append⟩
