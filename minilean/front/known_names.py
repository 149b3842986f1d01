"""Which unknown names may exist in Lean's own library, so that they are declined, not rejected.

minilean's library is a part of core Lean's. A name it lacks is an error in Lean only if Lean lacks
it too, which cannot be known here; names that look like library names are therefore declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

NAMES = frozenset("""
Nat Int List Bool Option Prod Sum And Or Not Iff Eq HEq Ne Exists False True Decidable Classical
Function Fin Array String Char Subtype Sigma PSigma Unit PUnit Empty Set Finset Multiset Real Rat
Complex Float Quot Quotient Setoid Acc WellFounded WellFoundedRelation Subsingleton Nonempty
Inhabited Equiv Order Lattice Group Ring Field Monoid Semigroup Filter Polynomial Matrix Vector
Substring UInt8 UInt16 UInt32 UInt64 USize IO Except StateM ReaderM Id Monad Functor Applicative BEq
Ord Ordering DecidableEq LawfulBEq Std Lean Mathlib Init ULift PLift Squash Trans Zero One ToString
Repr Hashable Fact CommRing CommMonoid CommGroup LinearOrder PartialOrder Preorder AddGroup Fintype
Finite toString dbg_trace panic sqrt Irrational Prime Coe CoeSort CoeFun CoeOut CoeTail CoeHead CoeT
CoeDep Thunk Task ReflBEq get set modify modifyGet getModify read pure bind seq map throw tryCatch
failure guard assert discard liftM monadLift panicCore ℕ ℤ ℚ ℝ ℂ
""".split())
WORDS = frozenset("""
add mul sub div mod pow neg inv zero one two succ pred comm assoc left right cancel iff eq ne le lt
ge gt of not and or true false self refl symm trans antisymm mono pos nonneg nonpos abs max min imp
forall exists ite dite if then else elim intro mp mpr swap distrib congr arg fun ext inj injective
surjective bijective id comp const cases rec on irrefl asymm total dvd gcd lcm even odd prime sq
square sum prod nat int rat real list bool option set mem union inter compl empty append nil cons
length map filter reverse bind some none decide proof by contra em prop propext subsingleton heq
cast top bot sup inf range card finset bddAbove bddBelow push down up le's absurd trivial rfl exact
unique classical choice nonempty inhabited
""".split())
# What Lean defines with every inductive type and minilean does not, or not under that name.
DERIVED = frozenset("casesOn below brecOn noConfusion noConfusionType inj injEq".split())


def is_library_name(name, spaces=()):
    """May `name` (unknown to minilean) be declared in Lean's library or Mathlib?

    `spaces`: the namespaces that are open.
    """
    root, _, rest = name.partition(".")
    if rest.rpartition(".")[2] in DERIVED:
        return True
    if rest or root in NAMES:
        return root in NAMES
    if is_variable_name(name):
        return False
    if any(ns.partition(".")[0] in NAMES for ns in spaces):
        return True
    words = root.rstrip("'").rstrip("₀₁₂₃").split("_")
    return len(words) > 1 and all(w in WORDS for w in words)


def is_variable_name(name):
    """A letter with digits, subscripts or primes, a doubled one (xs), h or ih with a letter."""
    base = name.rstrip("'₀₁₂₃₄₅₆₇₈₉0123456789")
    if len(base) <= 1:
        return True
    return len(base) == 2 and (base[1] == "s" or base[0] == "h") or base == "ih"
