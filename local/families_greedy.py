"""Greedy chains without backtracking: what proves a statement this way needs no search.

Each chain takes, at every first goal, the first move of its own preference order, like the script
`repeat (first | assumption | intro _ | … | apply h1 | apply h2 | …)`. local/families.py drops
the theorems that such a chain proves, apart from some shallow ones (a warm start needs them).
local/portfolio.py holds the scripts themselves, to be run by the checker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from local.families_logic import Goal, size
from local.families_prover import moves

CLOSING = ("assumption", "contradiction", "rfl", "intro")
SPLITS = ("constructor", "obtain", "rcases")
MAX_STEPS = 25
MAX_SIZE = 60  # symbols in a target; rewriting with a = f a a would double it at every step


def preference(tactic: str, kinds: frozenset, backwards: bool) -> int | None:
    """Rank of a tactic in a chain, smaller first; None if the chain does not use it."""
    word, *rest = tactic.split()
    if word in CLOSING:
        return CLOSING.index(word)
    kind = f"{word} ←" if rest and rest[0] == "[←" else word
    if kind not in kinds:
        return None
    if word not in ("apply", "rw"):
        return 10 + SPLITS.index(word) if word in SPLITS else 20
    named = rest[-1].strip("[]")  # of a hypothesis; applications to arguments are not tried
    if not named[1:].isdigit() or word == "apply" and len(rest) > 1:
        return None
    return 100 + (-1 if backwards else 1) * int(named[1:])


def chain(*kinds: str, backwards: bool = False) -> Callable[[str], int | None]:
    """A preference order over the given kinds of tactics."""
    return partial(preference, kinds=frozenset(kinds), backwards=backwards)


CHAINS = (
    chain(), chain("left"), chain("right"), chain("left", *SPLITS), chain("right", *SPLITS),
    chain("apply"), chain("apply", backwards=True),
    chain("apply", *SPLITS), chain("apply", *SPLITS, backwards=True),
    chain("apply", "left", *SPLITS), chain("apply", "right", *SPLITS),
    chain("rw"), chain("rw", backwards=True), chain("rw ←"), chain("rw ←", backwards=True),
    chain("rw", "apply"), chain("induction", "apply"), chain("induction", "apply", backwards=True),
)


def proves(goal: Goal, order: Callable[[str], int | None], seen: dict | None = None) -> bool:
    """Whether the chain closes the goal within MAX_STEPS tactics; `seen` caches moves by goal."""
    stack, seen = [goal], {} if seen is None else seen
    for _ in range(MAX_STEPS):
        if not stack:
            return True
        if size(stack[0].target) > MAX_SIZE:
            return False
        if stack[0] not in seen:
            seen[stack[0]] = list(moves(stack[0]))
        ranked = [(order(t), i, subgoals) for i, (t, subgoals) in enumerate(seen[stack[0]])]
        ranked = [r for r in ranked if r[0] is not None]
        if not ranked:
            return False
        stack = min(ranked, key=lambda r: r[:2])[2] + stack[1:]
    return False


def needs_no_search(goal: Goal) -> bool:
    """Whether one of the chains proves the goal."""
    seen: dict = {}
    return any(proves(goal, order, seen) for order in CHAINS)
