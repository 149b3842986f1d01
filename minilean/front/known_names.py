"""Which unknown names may exist in Lean's own library, so that they are declined, not rejected.

minilean's library is a part of core Lean's. A name it lacks is an error in Lean only if Lean lacks
it too, which cannot be known here; names that look like library names are therefore declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.notation import WORDS

NAMES = frozenset(WORDS["library names"])
_PARTS = frozenset(WORDS["library words"])
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
    parts = root.rstrip("'").rstrip("₀₁₂₃").split("_")
    return len(parts) > 1 and all(part in _PARTS for part in parts)


def is_variable_name(name):
    """A letter with digits, subscripts or primes, a doubled one (xs), h or ih with a letter."""
    base = name.rstrip("'₀₁₂₃₄₅₆₇₈₉0123456789")
    if len(base) <= 1:
        return True
    return len(base) == 2 and (base[1] == "s" or base[0] == "h") or base == "ih"
