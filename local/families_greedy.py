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


def preference(goal: Goal, move: tuple, kinds: frozenset, backwards: bool) -> tuple | None:
    """Rank of a move of the goal in a chain, smaller first; None if the chain does not use it."""
    tactic, subgoals = move
    word, *rest = tactic.split()
    if word in CLOSING:
        return (CLOSING.index(word),)
    kind = f"{word} ←" if rest and rest[0] == "[←" else word
    if kind not in kinds:
        return None
    if word not in ("apply", "rw"):
        return (10 + SPLITS.index(word) if word in SPLITS else 20,)
    names = [name for name, _ in goal.hyps]
    named = rest[0 if word == "apply" else -1].strip("[]")
    if named not in names:  # a library lemma, or explicit arguments of one
        return None
    place = (-1 if backwards else 1) * names.index(named)
    if word == "rw" or len(rest) == 1:
        return (100 + place, 0)
    return (100 + place, -_settled(goal, subgoals))


def _settled(goal: Goal, subgoals: list[Goal]) -> int:
    """Where in the context the first premise stands, -1 if it does not: `apply h` leaves ?y open,
    and `assumption` then settles it by the last hypothesis that fits."""
    facts = [f for _, f in goal.hyps]
    wanted = subgoals[0].target
    return max((i for i, f in enumerate(facts) if f == wanted), default=-1)


def chain(*kinds: str, backwards: bool = False) -> Callable[[Goal, tuple], tuple | None]:
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


def proves(goal: Goal, order: Callable[[Goal, tuple], tuple | None],
           seen: dict | None = None) -> bool:
    """Whether the chain closes the goal within MAX_STEPS tactics; `seen` caches moves by goal."""
    stack, seen = [goal], {} if seen is None else seen
    for _ in range(MAX_STEPS):
        if not stack:
            return True
        if size(stack[0].target) > MAX_SIZE:
            return False
        if stack[0] not in seen:
            seen[stack[0]] = list(moves(stack[0]))
        ranked = [(order(stack[0], move), i, move[1]) for i, move in enumerate(seen[stack[0]])]
        ranked = [r for r in ranked if r[0] is not None]
        if not ranked:
            return False
        stack = min(ranked, key=lambda r: r[:2])[2] + stack[1:]
    return False


def needs_no_search(goal: Goal) -> bool:
    """Whether one of the chains proves the goal."""
    seen: dict = {}
    return any(proves(goal, order, seen) for order in CHAINS)
