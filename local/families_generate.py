"""Random statements of each theorem family; the prover decides which of them are theorems.

A family is a function (rng, size) -> Draft: hypotheses, a target and the library equations its
proofs may rewrite with. `size` in 1..10 is the wanted depth, a hint only: the true depth is the
length of the shortest proof. Every draft mixes what the proof needs with what misleads: rules
with an unprovable premise, useless case splits, equations that lead away. Predicates and
functions are uninterpreted, so that arithmetic and list decision procedures do not apply.
Used by local/families.py: `python -m local.families --out data/families`.
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import NamedTuple

from local.families_logic import Goal, hypothesis_name, occurs, signature

PREDICATES = ("P", "Q", "R", "S", "T", "U")
NAMES = ("a", "b", "c")


class Draft(NamedTuple):
    """A statement before it is proved: goal and usable library equations."""

    goal: Goal
    lemmas: tuple = ()


def draft(hyps: list, target, lemmas: tuple = ()) -> Draft:
    """Names the hypotheses; the variables in scope are the individuals that are mentioned."""
    named: tuple = ()
    for f in hyps:
        named += ((hypothesis_name(f, [name for name, _ in named]), f),)
    symbols = signature((), [*hyps, target])
    variables = tuple(s for s, kind in symbols if kind in ("Nat", "List Nat"))
    return Draft(Goal(variables, named, target), lemmas)


def imp(*parts):
    """A → B → … → C."""
    return parts[0] if len(parts) == 1 else ("imp", parts[0], imp(*parts[1:]))


def forall(body):
    """Universal closure over the bound names that occur (l, y, x from the inside out)."""
    for name in ("l", "y", "x"):
        if occurs(name, body):
            body = ("all", name, body)
    return body


# ---------------------------------------------------------------- propositional logic


def prop(rng: random.Random, size: int) -> Draft:
    """Intuitionistic sequents: random ones, and rules whose premise is itself an implication."""
    if rng.random() < 0.75:
        return _nested(rng, size)
    atoms = rng.sample(PREDICATES[:5], 3 + (size > 3) + (size > 6))
    hyps = [_formula(rng, atoms, rng.choice((1, 1, 2, 2))) for _ in range(2 + min(size, 6) // 2)]
    return draft(distinct(hyps), _formula(rng, atoms, rng.choice((0, 0, 1, 1, 2))))


def _nested(rng, size: int) -> Draft:
    """(A → B) → T with a chain from A to B, and rules like it that cannot be used."""
    t, first, middle, last, dead = rng.sample(PREDICATES, 5)
    links = [first, *([middle] if size > 3 else []), last]
    hyps = [imp(x, y) for x, y in pairwise(links)] if size != 3 else [last]
    shape = rng.random()
    if shape < 0.35 or size < 5:
        hyps.append(imp(imp(first, last), t))
    elif shape < 0.65:
        hyps += [imp(imp(("or", first, dead), last), t), imp(dead, last)]
    elif shape < 0.8:
        hyps.append(imp(("and", imp(first, last), imp(dead, dead)), t))
    else:
        hyps += [imp(imp(first, last), "U", t), imp(t, "U")]
        hyps.append(rng.choice((imp(imp(dead, last), "U"), "U")))
    decoys = [imp(imp(last, first), t), imp(dead, t), imp(imp(dead, last), t), imp(last, dead),
              imp(imp(first, dead), t), ("or", last, dead), imp(dead, middle), imp(t, dead)]
    hyps += rng.sample(decoys, rng.choice((1, 2, 2, 3)))
    rng.shuffle(hyps)
    return draft(distinct([h for h in hyps if h[1:2] != h[2:]]), t)


def _formula(rng, atoms, size: int):
    if size <= 0:
        return rng.choice(atoms)
    op = rng.choices(("imp", "or", "and", "not", "iff"), (42, 28, 16, 9, 5))[0]
    if op == "not":
        return ("not", _formula(rng, atoms, size - 1))
    first, second = rng.choice(((size - 1, 0), (0, size - 1)))
    left, right = _formula(rng, atoms, first), _formula(rng, atoms, second)
    return (op, left, right) if left != right else _formula(rng, atoms, size)


def distinct(hyps: list) -> list:
    return list(dict.fromkeys(hyps))


# ---------------------------------------------------------------- rules and quantifiers


def chain(rng: random.Random, size: int) -> Draft:
    """Backward chaining along rules for all numbers; some rules need what cannot be had.

    Rules over a relation name an intermediate point, which has to be chosen."""
    preds = rng.sample(PREDICATES, 6)
    edge, points = preds.pop(), rng.sample(NAMES, 3)
    here, hyps = points.pop(), []
    start, steps = here, max(1, min(4, size - 1))
    for i in range(steps):
        if len(points) > 1 - (size > 6) and rng.random() < 0.3:
            there = points.pop()
            hyps += [forall(imp((edge, "x", "y"), (preds[i + 1], "y"), (preds[i], "x"))),
                     (edge, here, there), (edge, here, rng.choice(NAMES))]
            here = there
        else:
            extra = [preds[i + 1 + (i < 3)]] if rng.random() < 0.25 else []
            hyps.append(_rule(rng, [preds[i + 1], *extra], preds[i]))
        if rng.random() < (0.7 if len(hyps) < 5 else 0.2):
            hyps.append(_rule(rng, [rng.choice([p for p in preds if p != preds[i]])], preds[i]))
    for p in preds[steps:steps + 2]:
        hyps.append((p, rng.choice((here, here, ("f", here), start))))
    target = (preds[0], start if rng.random() < 0.7 else ("f", start))
    if size > 3 and rng.random() < 0.4:
        target = rng.choice((("and", target, (preds[1], "a")), ("or", (preds[2], "b"), target),
                             ("ex", "x", (preds[0], "x"))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target)


def _rule(rng, premises: list, conclusion: str):
    shape = rng.random()
    inner = ("f", "x") if shape < 0.15 else "x"
    outer = ("f", "x") if 0.15 <= shape < 0.3 else "x"
    return forall(imp(*((p, inner) for p in premises), (conclusion, outer)))


def quant(rng: random.Random, size: int) -> Draft:
    """Witnesses, instances, and existential hypotheses to open."""
    if size > 3 and rng.random() < 0.5:
        return _universal_premise(rng, size)
    preds = rng.sample(PREDICATES, 3 + (size > 4))
    hyps = [_quant_fact(rng, preds) for _ in range(rng.choice((1, 1, 2)))]
    hyps += [_quant_rule(rng, preds) for _ in range(1 + min(size, 8) // 3 + (rng.random() < 0.4))]
    p, q = rng.sample(preds, 2)
    target = rng.choice((
        ("ex", "x", (p, "x")), ("ex", "x", (p, "x")), ("ex", "x", ("and", (p, "x"), (q, "x"))),
        ("ex", "x", ("or", (p, "x"), (q, "x"))), forall(imp((p, "x"), (q, "x"))),
        ("not", ("ex", "x", (p, "x"))), (p, "a"), imp(("ex", "x", (p, "x")), ("ex", "x", (q, "x"))),
        forall(imp((p, "x"), ("ex", "y", ("and", (q, "y"), (p, "x")))))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target)


def _universal_premise(rng, size: int) -> Draft:
    """(∀ x, A x → B x) → T with a chain from A to B, as against rules with other premises."""
    t, first, middle, last, dead = rng.sample(PREDICATES, 5)
    links = [first, *([middle] if size > 4 else []), last]
    hyps = [forall(imp((x, "x"), (y, "x"))) for x, y in pairwise(links)]
    if rng.random() < 0.4:
        hyps[0] = forall(imp((links[0], "x"), ("ex", "z", (dead, "x", "z"))))
        hyps.append(forall(imp((dead, "x", "y"), (links[1], "x"))))
        dead = next(p for p in PREDICATES if p not in (t, first, middle, last, dead))
    point = rng.choice(NAMES[:2])

    def premise(p, q):
        return ("all", "x", imp((p, "x"), (q, "x")))

    hyps.append(imp(premise(first, last), (t, point)) if rng.random() < 0.6 else
                ("all", "y", imp(premise(first, last), (t, "y"))))
    decoys = [imp(premise(last, first), (t, point)), forall(imp((dead, "x"), (t, "x"))),
              imp(premise(dead, last), (t, point)), forall(imp((last, "x"), (dead, "x"))),
              imp(premise(first, dead), (t, point)), (last, point), (first, "c")]
    hyps += rng.sample(decoys, rng.choice((1, 2, 2, 3)))
    rng.shuffle(hyps)
    target = (t, point) if rng.random() < 0.7 else ("ex", "x", (t, "x"))
    return draft(distinct(hyps), target)


def _quant_fact(rng, preds):
    p, q = rng.sample(preds, 2)
    t = rng.choice(NAMES[:2])
    return rng.choice((
        (p, t), (p, t), (p, ("f", t)), ("ex", "x", (p, "x")),
        ("ex", "x", ("and", (p, "x"), (q, "x"))), ("or", (p, t), (q, t)), forall((p, "x")),
        ("or", ("ex", "x", (p, "x")), (q, t)), ("ex", "x", ("or", (p, "x"), (q, "x")))))


def _quant_rule(rng, preds):
    p, q, r = rng.sample(preds, 3)
    return rng.choice((
        forall(imp((p, "x"), (q, "x"))), forall(imp((p, "x"), (q, ("f", "x")))),
        forall(imp((p, "x"), ("ex", "y", (q, "y")))),
        forall(imp((p, "x"), ("or", (q, "x"), (r, "x")))),
        forall(imp((p, "x"), (r, "x"), (q, "x"))),
        imp(("ex", "x", (p, "x")), (q, "a")), forall(imp((p, "x"), (r, "y"), (q, "x"))),
        forall(imp((p, "x"), ("not", (r, "x")))), imp(forall((p, "x")), (q, "b"))))


# ---------------------------------------------------------------- rewriting


def rewrite(rng: random.Random, size: int) -> Draft:
    """Equations between uninterpreted terms; several of them apply, few lead home.

    A detour t = f (g t) = f u runs against the direction that shortens terms, so that
    simplification alone does not find the way back."""
    letters = rng.sample(("a", "b", "c", "d"), 4)
    start = letters[-1] if rng.random() < 0.7 else (rng.choice("fg"), letters[-1])
    term, hyps = detoured(rng, start, letters, 1 if size < 4 else 2 if size < 7 else 3)
    hyps += [_equation(rng, letters) for _ in range(rng.choice((1, 1, 2)))]
    p = rng.choice(PREDICATES[:4])
    if rng.random() < 0.35:
        target = ("=", term, start)
    else:
        hyps, target = [*hyps, (p, start)], (p, term)
        if size > 3 and rng.random() < 0.3:
            target = rng.choice((("ex", "x", ("and", (p, "x"), ("=", "x", term))),
                                 ("and", target, ("=", term, start))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target)


def detoured(rng: random.Random, start, letters: list, times: int) -> tuple:
    """(a term equal to `start`, the equations that say so)."""
    term, hyps = start, []
    for _ in range(times):
        step = _detour if rng.random() < 0.75 else _replacement
        term, equations = step(rng, term, letters)
        hyps += equations
    return term, hyps


def _detour(rng, term, letters):
    """(f u, [∀ x, f (g x) = x, g t = u]) for a term t, which f u is equal to."""
    f, g = rng.choice((("f", "g"), ("g", "f"), ("f", "f"), ("f", "k")))
    u = rng.choice(letters) if rng.random() < 0.7 else (rng.choice("fgk"), rng.choice(letters))
    law = forall(("=", (f, (g, "x")), "x"))
    return ((f, (g, term)), [law]) if u in (term, (g, term)) else (
        (f, u), [law, ("=", (g, term), u)])


def _replacement(rng, term, letters):
    """(a letter or function of a letter, [its equation with the term or with its argument])."""
    new = (rng.choice("fg"), rng.choice(letters)) if rng.random() < 0.4 else rng.choice(letters)
    if not isinstance(term, str) and rng.random() < 0.5:
        inner, equations = _replacement(rng, term[1], letters)
        return (term[0], inner), equations
    return (("f", term), []) if new == term else (new, [rng.choice((("=", new, term),
                                                                     ("=", term, new)))])


def _equation(rng, letters):
    a, b = rng.sample(letters, 2)
    return rng.choice((("=", a, b), ("=", ("f", a), b), ("=", ("g", a), ("f", b)),
                       forall(("=", ("f", "x"), ("g", "x")))))


SUMS = ("Nat.add_comm", "Nat.add_assoc")


def sums(rng: random.Random, size: int) -> Draft:
    """Commutativity and associativity, at the right place, inside uninterpreted symbols.

    Most statements also need an equation about a sum, which must first be made to appear."""
    count = 2 if size < 3 else 4 if size > 5 and rng.random() < 0.5 else 3
    one, other, hyps = rearranged(rng, count, equation=0.85 if count > 2 else 0.0)
    p, shape = rng.choice(PREDICATES[:3]), rng.random()
    if shape < 0.5:
        target, hyps = (p, one), [*hyps, (p, other)]
    elif shape < 0.7:
        q = rng.choice(PREDICATES[3:5])
        hyps += [(q, other), forall(imp((q, "x"), (p, ("g", "x"))))]
        target = (p, ("g", one))
    elif shape < 0.85:
        target, hyps = ("=", ("g", one), ("f", "a")), [*hyps, ("=", ("g", other), ("f", "a"))]
    else:
        target = ("ex", "x", (p, ("+", "x", rng.choice(_leaves_of(one)))))
        hyps.append((p, other))
    if rng.random() < 0.5:
        x, y = rng.sample(NAMES, 2)
        hyps.append(rng.choice((("=", x, y), ("=", ("f", x), y), ("=", ("g", ("+", x, y)), x))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target, SUMS)


def rearranged(rng, count: int, equation: float) -> tuple:
    """(sum of `count` leaves, an equal sum, what says so), leaves and brackets in random order.

    With probability `equation` two leaves are one value in the second sum, by a hypothesis."""
    leaves = rng.sample(("a", "b", "c", ("f", "a"), ("f", "b")), count)
    if rng.random() >= equation:
        return summed(rng, leaves), summed(rng, rng.sample(leaves, count)), []
    value = rng.choice(("d", ("f", "c"), ("g", leaves[0])))
    hyps = [("=", ("+", leaves[0], leaves[1]), value)]
    other = rng.sample([value, *leaves[2:]], count - 1)
    return summed(rng, rng.sample(leaves, count)), summed(rng, other), hyps


def _leaves_of(term) -> list:
    return [x for t in term[1:] for x in _leaves_of(t)] if term[0] == "+" else [term]


def summed(rng, leaves):
    """A sum of the leaves in their order, bracketed at random."""
    if len(leaves) == 1:
        return leaves[0]
    cut = rng.randint(1, len(leaves) - 1)
    return ("+", summed(rng, leaves[:cut]), summed(rng, leaves[cut:]))


# ---------------------------------------------------------------- induction


def induct(rng: random.Random, size: int) -> Draft:
    """Induction on Nat: predicates and functions given by what the hypotheses say of them."""
    if size > 4 and rng.random() < 0.35:
        return _recursion(rng)
    preds = rng.sample(PREDICATES, 5)
    p, dead = preds[0], preds[3]
    if size < 4:
        hyps = [rng.choice(((p, "0"), forall((p, ("+", "x", "1"))), (dead, "0")))]
        hyps.append(rng.choice((forall((p, ("+", "x", "1"))), forall(("=", ("f", "x"), "x")),
                                forall(imp((p, "x"), (p, ("+", "x", "1")))))))
        hyps.append(rng.choice(((p, "0"), forall(imp((dead, "x"), (p, ("+", "x", "1")))))))
    else:
        links = preds[:1 + max(0, min(2, size - 6))]
        hyps = [(p, "0") if rng.random() < 0.8 else ("and", (preds[2], "0"), (p, "0"))]
        hyps += [_rule_of(b, a) for b, a in pairwise(links)]
        hyps += _step(rng, links[-1], p, preds[4])
    for _ in range(rng.choice((0, 1, 1, 2))):
        hyps.append(rng.choice((
            _rule_of(*rng.sample(preds[:4], 2)), (rng.choice(preds[:4]), "a"),
            forall(imp((dead, "x"), (p, ("+", "x", "1")))), _rule_of(dead, p))))
    target = (p, "n")
    if size > 5 and rng.random() < 0.3:
        hyps.append(_rule_of(p, dead))
        target = rng.choice(((dead, "n"), ("or", (dead, "n"), (preds[2], "n")),
                             ("and", target, (dead, "n"))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target if rng.random() < 0.5 else ("all", "n", target))


def _step(rng, premise: str, p: str, relation: str) -> list:
    """The induction step, at once or over a point that has to be obtained."""
    succ = (p, ("+", "x", "1"))
    if rng.random() < 0.5:
        return [forall(imp((premise, "x"), succ))]
    return [forall(imp((premise, "x"), ("ex", "z", (relation, "x", "z")))),
            forall(imp((relation, "x", "y"), succ))]


def _rule_of(premise: str, conclusion: str):
    return forall(imp((premise, "x"), (conclusion, "x")))


def _recursion(rng) -> Draft:
    """Two functions with the same recursion, or one with a closed form, equal by induction."""
    start = rng.choice(("a", "0", ("g", "a")))
    step = rng.choice((("g", "#"), ("g", ("g", "#")), ("+", "#", "a"), ("g", ("+", "#", "1"))))
    def at(t):
        return fill(step, t)
    succ = ("+", "x", "1")
    hyps = [maybe_flip(rng, ("=", ("f", "0"), start)), maybe_flip(rng, ("=", ("k", "0"), start)),
            forall(("=", ("f", succ), at(("f", "x")))), forall(("=", at(("k", "x")), ("k", succ)))]
    if rng.random() < 0.5:
        hyps.append(forall(("=", ("g", "x"), ("f", "x"))) if rng.random() < 0.3 else
                    ("=", ("g", "a"), "a"))
    target = ("=", ("f", "n"), ("k", "n"))
    if rng.random() < 0.4:
        p = rng.choice(PREDICATES[:4])
        hyps.append(forall((p, ("k", "x"))) if rng.random() < 0.5 else forall((p, ("f", "x"))))
        target = ("and", target, (p, hyps[-1][2][1][0] == "k" and ("k", "n") or ("f", "n")))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target if rng.random() < 0.5 else ("all", "n", target))


def fill(shape, term):
    if shape == "#":
        return term
    return shape if isinstance(shape, str) else tuple(fill(s, term) for s in shape)


def maybe_flip(rng, equation):
    """The equation, sometimes read from right to left (so that simplifiers loop or stall)."""
    if equation[0] == "all":
        return ("all", equation[1], maybe_flip(rng, equation[2]))
    return ("=", equation[2], equation[1]) if rng.random() < 0.35 else equation
