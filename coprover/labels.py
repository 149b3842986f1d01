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
import zlib
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


@lru_cache(maxsize=20_000)
def _tokens(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The tokens of a text, white space as one blank, and a stable number < 0 for each.

    An identifier is cut before its fields (`xs.length` may be a hypothesis' field); metavariables
    share one number, because their names are free.
    """
    tokens: list[str] = []
    for token in _TOKEN.findall(text.strip()):
        if token[0] in '"?«' or "." not in token:
            tokens.append(" " if token.isspace() else token)
        else:
            head, dot, fields = token.partition(".")
            tokens += [head, dot + fields] if head else [token]
    return tuple(tokens), tuple(
        -2 - zlib.crc32(b"?" if token[0] == "?" else token.encode()) for token in tokens)


def _refine(colours: list[int], bodies: list[list[int]], body_of: list[int],
            uses: list[list[tuple[int, int]]]) -> list[int]:
    """Colour refinement: hypotheses differ by type and by where they occur, until nothing splits.

    colours: one int per hypothesis; bodies: token numbers, >= 0 for a hypothesis; body_of: index of
    each hypothesis' body; uses: (body, position) of each occurrence. Collisions of hashes can only
    make two orders of equal states look different, never two different states equal.
    """
    classes = len(set(colours))
    while classes < len(colours):
        owners = [0] * len(bodies)  # colours of the hypotheses that share a body, order-free
        for i, colour in enumerate(colours):
            owners[body_of[i]] += hash((colour, 3))
        texts = [hash((owner, *[colours[t] if t >= 0 else t for t in body]))
                 for owner, body in zip(owners, bodies, strict=True)]
        new = [hash((colour, texts[body_of[i]], sum([hash((texts[j], pos)) for j, pos in uses[i]])))
               for i, colour in enumerate(colours)]
        split = len(set(new))
        if split <= classes:
            return colours
        colours, classes = new, split
    return colours


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
    texts = list(dict.fromkeys(body for _, body in hyps))
    number = {body: j for j, body in enumerate(texts)}
    body_of = [number[body] for _, body in hyps]
    parts = [_tokens(text) for text in (*texts, target)]
    bodies = [[index.get(t, n) for t, n in zip(*part, strict=True)] for part in parts]
    uses: list[list[tuple[int, int]]] = [[] for _ in hyps]
    for j, body in enumerate(bodies):
        for pos, token in enumerate(body):
            if token >= 0:
                uses[token].append((j, pos))
    colours = _refine([1 if "✝" in name else 0 for name, _ in hyps], bodies, body_of, uses)
    while len(set(colours)) < len(colours):  # a tie: single out a member, refine again
        tied = min(c for c in set(colours) if colours.count(c) > 1)
        colours[colours.index(tied)] = hash((tied, 7))
        colours = _refine(colours, bodies, body_of, uses)
    order = sorted(range(len(hyps)), key=colours.__getitem__)
    names = {hyps[i][0]: f"‹{rank}{'✝' if '✝' in hyps[i][0] else ''}›"
             for rank, i in enumerate(order)}
    shown = ["".join([names.get(t, t) for t in tokens]) for tokens, _ in parts]
    return "\n".join([*(f"{names[hyps[i][0]]}:{shown[body_of[i]]}" for i in order), shown[-1]])


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
