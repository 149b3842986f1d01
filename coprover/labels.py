"""What a proof state is worth: canonical keys, gamma^d labels, outcomes, and their merging.

A state is the tuple of its goals as Lean prints them. Two states are *equal* when they differ
only in the names and the order of hypotheses (and in case tags); ``canonical_key`` maps equal
states to one key and never maps different states to one key (it renames injectively, so a key is
a faithful reading of the state). A *unit* is a group of goals tied together by shared
metavariables; units are independent, so distances add and values multiply:
gamma^d1 * gamma^d2 = gamma^(d1 + d2).

``d`` of a state is the fewest tactics to QED over all proofs ever found through it, hence an upper
bound of the true distance. The label is gamma^d; README's four-tactic proof gets 0.81, 0.86, 0.90,
0.95 from its first state to its last.

Try it: python -m pytest -q tests/test_labels.py
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from functools import lru_cache

GAMMA = 0.95
QED_KEY = "qed"

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"'  # a string literal is opaque
    r"|«[^»]*»(?:\.[\w'!?✝]+)*"
    r"|\?[\w.✝'!?]+"  # a metavariable
    r"|[^\W\d][\w'!?✝]*(?:\.[\w'!?✝]+)*"  # an identifier with its fields
    r"|\d[\w.]*"
    r"|\s+"
    r"|.",
    re.S,
)
_META = re.compile(r"\?[^\W\d][\w.✝'!?]*")
_NAMES = re.compile(r"«[^»]*»\S*|\S+")
_HYP = re.compile(r"^(\S(?:[^:]*\S)?)\s*:(?!=)\s?", re.S)


class Outcome(StrEnum):
    """What the searches know about a state (design section 3)."""

    PROVEN = "proven"
    REFUTED = "refuted"
    CENSORED = "censored"


def label(d: int | None, gamma: float = GAMMA) -> float:
    """gamma^d in (0, 1]; 0.0 for None (no proof known). Raises ValueError for d < 0."""
    if d is None:
        return 0.0
    if d < 0:
        raise ValueError(f"d must be >= 0, got {d}")
    return gamma**d


def distance_of(value: float, gamma: float = GAMMA, cap: float = 200.0) -> float:
    """The distance d in [0, cap] with gamma^d = value, for value in [0, 1]."""
    import math

    if value <= 0.0:
        return cap
    return min(cap, max(0.0, math.log(value) / math.log(gamma)))


def chain_labels(n_tactics: int, gamma: float = GAMMA) -> list[float]:
    """Labels of the n states of an n-tactic proof, first state first (QED itself not listed)."""
    return [label(n_tactics - i, gamma) for i in range(n_tactics)]


# ------------------------------------------------------------------ canonical form of a state


def parse_goal(goal: str) -> tuple[list[tuple[str, str]], str]:
    """([(hypothesis name, everything after its colon)], target with its turnstile).

    Continuation lines are indented, as Lean prints them; ``a b : T`` gives two hypotheses; a
    leading ``case tag`` line is dropped. Text that is no goal is returned whole as the target.
    """
    logical: list[str] = []
    for line in goal.strip("\n").split("\n"):
        if logical and (line[:1].isspace() or logical[-1].startswith(("⊢", "| "))):
            logical[-1] += "\n" + line
        else:
            logical.append(line)
    hyps: list[tuple[str, str]] = []
    target = ""
    for i, line in enumerate(logical):
        if i == 0 and line.startswith("case ") and len(logical) > 1:
            continue
        match = None if line.startswith(("⊢", "| ")) else _HYP.match(line)
        if match is None:
            target += ("\n" if target else "") + line
            continue
        body = line[match.end() :]
        hyps.extend((name, body) for name in _NAMES.findall(match.group(1)))
    return hyps, target


def _tokens(text: str, index: dict[str, int]) -> list[str | int]:
    """Tokens of text; a hypothesis name becomes its index, white space one blank, a metavariable
    the token followed by a mark (so that refinement can ignore its number)."""
    out: list[str | int] = []
    for token in _TOKEN.findall(text.strip()):
        if token.isspace():
            out.append(" ")
        elif token in index:
            out.append(index[token])
        else:
            head, dot, rest = token.partition(".")
            if dot and head in index and token[0] not in '"?«':
                out.append(index[head])
                out.append("." + rest)
            else:
                out.append(token)
    return out


def _ranks(signatures: list) -> list[int]:
    order = {s: r for r, s in enumerate(sorted(set(signatures)))}
    return [order[s] for s in signatures]


def _refine(ranks: list[int], bodies: list[list[str | int]], uses: list[list]) -> list[int]:
    """Colour refinement: split classes by type and by places of use until nothing changes."""
    while True:
        known = ranks + [-1]  # the target's own rank
        texts = [
            "".join(f"\x00{known[t]}\x00" if isinstance(t, int) else ("?" if t[0] == "?" else t)
                    for t in body)
            for body in bodies
        ]
        signatures = [
            (ranks[i], texts[i], tuple(sorted((known[j], texts[j], pos) for j, pos in uses[i])))
            for i in range(len(ranks))
        ]
        new = _ranks(signatures)
        if max(new, default=0) == max(ranks, default=0) and new == ranks:
            return new
        ranks = new


@lru_cache(maxsize=50_000)
def canonical_goal(goal: str) -> str:
    """The goal with hypotheses renamed and ordered canonically, case tag dropped, white space
    collapsed; metavariables keep their names (``canonical_key`` numbers them over all goals).

    Inaccessible names (with a dagger) stay marked: tactics cannot name them.
    """
    hyps, target = parse_goal(goal)
    index = {name: i for i, (name, _) in enumerate(hyps)}
    if len(index) < len(hyps):  # a repeated name cannot be renamed consistently: keep the text
        return " ".join(goal.split())
    bodies = [_tokens(body, index) for _, body in hyps] + [_tokens(target, index)]
    uses: list[list] = [[] for _ in hyps]
    for j, body in enumerate(bodies):
        for pos, token in enumerate(body):
            if isinstance(token, int):
                uses[token].append((j, pos))
    ranks = _refine([1 if "✝" in name else 0 for name, _ in hyps], bodies, uses)
    while len(set(ranks)) < len(ranks):  # a tie: single out its first member, refine again
        tied = min(r for r in ranks if ranks.count(r) > 1)
        chosen = ranks.index(tied)
        ranks = [2 * r + 1 for r in ranks]
        ranks[chosen] -= 1
        ranks = _refine(_ranks(ranks), bodies, uses)
    names = [f"‹{r}{'✝' if '✝' in name else ''}›" for r, (name, _) in zip(ranks, hyps, strict=True)]

    def show(body: list[str | int]) -> str:
        return "".join(names[t] if isinstance(t, int) else t for t in body)

    order = sorted(range(len(hyps)), key=ranks.__getitem__)
    return "\n".join([f"{names[i]}:{show(bodies[i])}" for i in order] + [show(bodies[-1])])


@lru_cache(maxsize=50_000)
def canonical_key(goals: tuple[str, ...]) -> str:
    """32 hex digits, equal for states equal up to renaming and order of hypotheses and case tags.

    goals: the printed goals in order (their order matters: a step acts on the first). The state
    without goals has the key ``QED_KEY``. Pass a tuple (the result is cached).
    """
    if not goals:
        return QED_KEY
    text = "\n\n".join(canonical_goal(goal) for goal in goals)
    if "?" in text:
        seen: dict[str, str] = {}
        text = _META.sub(lambda m: seen.setdefault(m.group(), f"?{len(seen)}"), text)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def metavariables(goal: str) -> frozenset[str]:
    """Names of the metavariables printed in a goal (``?m.12``, ``?w``), case tag excluded."""
    if "?" not in goal:
        return frozenset()
    return frozenset(t for t in _TOKEN.findall(goal) if _META.fullmatch(t))


@lru_cache(maxsize=50_000)
def units(goals: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The goals grouped by shared metavariables, each group in goal order, first goal's first."""
    groups: list[tuple[list[int], set[str]]] = []
    for i, goal in enumerate(goals):
        metas = set(metavariables(goal))
        indices = [i]
        rest = []
        for group in groups:
            if metas & group[1]:
                indices, metas = group[0] + indices, metas | group[1]
            else:
                rest.append(group)
        groups = rest + [(indices, metas)]
    ordered = sorted(sorted(indices) for indices, _ in groups)
    return tuple(tuple(goals[i] for i in indices) for indices in ordered)


def value_text(goals: tuple[str, ...]) -> str:
    """What the value model reads: the goals as printed, without their ``case tag`` lines."""
    return "\n\n".join(_without_tag(goal) for goal in goals)


def _without_tag(goal: str) -> str:
    first, newline, rest = goal.partition("\n")
    return rest if newline and first.startswith("case ") else goal
