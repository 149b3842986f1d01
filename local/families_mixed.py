"""More theorem families: lists, mixtures, and the two families that training never sees.

Same contract as local/families_generate.py: a function (rng, size) -> Draft. `relay` (sums
rearranged between the rules of a chain) and `errand` (rewriting between the rules of a chain) use
only ingredients and tactics that occur in the trained families.
Used by local/families.py: `python -m local.families --out data/families`.
"""

from __future__ import annotations

import random
from itertools import pairwise

from local.families_generate import (
    PREDICATES,
    SUMS,
    Draft,
    chain,
    detoured,
    distinct,
    draft,
    fill,
    forall,
    imp,
    induct,
    maybe_flip,
    prop,
    quant,
    rearranged,
    rewrite,
    sums,
)
from local.families_prover import rewritings

APPEND = ("List.nil_append", "List.append_nil", "List.cons_append", "List.append_assoc")
OTHERS = ("List.reverse_append", "List.reverse_reverse", "List.map_append", "List.map_cons",
          "List.length_append", "List.length_reverse", "Nat.add_comm")


def lists(rng: random.Random, size: int) -> Draft:
    """Append, length, map and reverse under uninterpreted symbols; induction on lists."""
    kind = rng.random()
    if size >= 3 and kind < 0.3:
        return _list_predicate(rng, size)
    if size >= 5 and kind < 0.5:
        return _list_recursion(rng)
    return _list_rewriting(rng, size)


def _list_predicate(rng, size: int) -> Draft:
    p, q, dead = rng.sample(PREDICATES, 3)
    cons = ("::", "x", "l")
    if size < 4:
        hyps = [(p, "[]"), forall((p, cons))]
    elif rng.random() < 0.5:
        hyps = [(p, "[]"), forall(imp((p, "l"), (p, cons)))]
    elif rng.random() < 0.4:
        hyps = [(p, "[]"), forall(imp((p, "l"), (q, "l"))), forall(imp((q, "l"), (p, cons)))]
    else:
        q = rng.choice([r for r in PREDICATES if r not in (p, dead)])
        hyps = [(p, "[]"), forall(imp((p, "l"), ("ex", "z", (q, "z")))),
                forall(imp((q, "y"), (p, "l"), (p, cons)))]
    for _ in range(rng.choice((0, 1, 1))):
        hyps.append(rng.choice((forall(imp((dead, "l"), (p, cons))), (dead, "[]"),
                                forall(imp((p, "l"), (dead, "l"))))))
    rng.shuffle(hyps)
    target = (p, "xs") if rng.random() < 0.7 else (p, ("++", "xs", "[]"))
    return draft(distinct(hyps), target if rng.random() < 0.5 else ("all", "xs", target),
                 ("List.append_nil",))


def _list_recursion(rng) -> Draft:
    start = rng.choice(("a", "0", ("g", "a")))
    step = rng.choice((("g", "#"), ("+", "#", "x"), ("+", "x", "#"), ("g", ("+", "#", "1"))))
    cons = ("::", "x", "l")
    hyps = [maybe_flip(rng, ("=", ("f", "[]"), start)),
            maybe_flip(rng, ("=", ("k", "[]"), start))]
    hyps.append(forall(("=", ("f", cons), fill(step, ("f", "l")))))
    hyps.append(forall(("=", fill(step, ("k", "l")), ("k", cons))))
    rng.shuffle(hyps)
    target = ("=", ("f", "xs"), ("k", "xs"))
    return draft(hyps, target if rng.random() < 0.5 else ("all", "xs", target))


def _list_equation(rng) -> Draft:
    """An equation about xs ++ ys, which rebracketing must first make appear."""
    x, y, z = rng.sample(("xs", "ys", "zs"), 3)
    whole = rng.choice((("::", "a", z), ("reverse", x), ("map", "g", y), "zs"))
    tail = rng.choice((z, ("::", "b", z), ("reverse", z), ("++", z, y)))
    p, q = rng.sample(PREDICATES[:4], 2)
    term, other = ("++", x, ("++", y, tail)), ("++", whole, tail)
    if rng.random() < 0.4:
        term = ("++", x, ("++", ("++", y, "[]"), tail))
    if rng.random() < 0.3:
        term, other = ("++", z, term), ("++", z, other)
    hyps = [("=", ("++", x, y), whole)]
    if rng.random() < 0.35:
        hyps += [(q, other), forall(imp((q, "l"), (p, "l")))]
    else:
        hyps.append((p, other))
    if rng.random() < 0.5:
        hyps.append(rng.choice((("=", ("++", y, x), z), ("=", ("reverse", z), x), ("=", x, z))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), (p, term), (*APPEND, "← List.append_assoc"))


def _list_rewriting(rng, size: int) -> Draft:
    if size >= 3 and rng.random() < 0.7:
        return _list_equation(rng)
    term = _list_term(rng, 2 + (size > 3))
    lemmas = APPEND + tuple(rng.sample(OTHERS, 3))
    other = term
    for _ in range(max(1, size - 1)):
        other = _simplify_once(rng, other, lemmas)
    p, q = rng.sample(PREDICATES[:4], 2)
    shape, hyps = rng.random(), []
    if shape < 0.5:
        target, fact = (p, term), (p, other)
    elif shape < 0.7:
        target, fact = ("=", ("f", term), "a"), ("=", ("f", other), "a")
    else:
        hyps.append(forall(imp((q, "l"), (p, "l"))))
        target, fact = (p, term), (q, other)
    hyps.append(fact)
    if rng.random() < 0.5:
        hyps.append(rng.choice((("=", "xs", "ys"), ("=", ("++", "xs", "ys"), "zs"),
                                ("=", ("reverse", "xs"), "ys"))))
    rng.shuffle(hyps)
    return draft(distinct(hyps), target, lemmas)


def _list_term(rng, size: int):
    if size <= 0:
        return rng.choice(("xs", "ys", "zs", "[]"))
    shape = rng.random()
    if shape < 0.55:
        return ("++", _list_term(rng, size - 1), _list_term(rng, rng.choice((0, size - 1))))
    if shape < 0.75:
        return ("reverse", _list_term(rng, size - 1))
    if shape < 0.88:
        return ("::", rng.choice(("a", "b")), _list_term(rng, size - 1))
    return ("map", "g", _list_term(rng, size - 1))


def _simplify_once(rng, term, lemmas):
    """One random library rewriting of the term (the term itself if none applies)."""
    options = list(rewritings(term, tuple(n for n in lemmas if n.startswith("List."))))
    return rng.choice(options) if options else term


# ---------------------------------------------------------------- mixtures


def mixed(rng: random.Random, size: int) -> Draft:
    """Case splits over equations and rules: logic and rewriting have to be interleaved."""
    p, q, r, e = rng.sample(PREDICATES[:5], 4)
    pool = [
        (p, "a"), (q, "b"), (p, ("f", "a")), ("or", (p, "a"), ("=", "a", "b")), (e, "a", "b"),
        (e, "b", ("f", "a")), ("=", ("f", "a"), "b"), ("or", (e, "a", "b"), (e, "a", "a")),
        forall(imp((p, "x"), (q, ("f", "x")))), forall(imp((q, "x"), (r, "x"))),
        forall(imp((e, "x", "y"), (p, "x"), (r, "y"))), forall(imp((e, "x", "y"), (q, "y"))),
        forall(imp((p, "x"), ("=", ("f", "x"), "x"))), forall(("=", ("f", ("f", "x")), "x")),
        forall(imp((p, "x"), ("or", (q, "x"), (r, "x")))), imp((p, "a"), ("=", "a", "b")),
        ("ex", "x", ("and", ("=", ("f", "x"), "b"), (p, "x"))), ("ex", "x", (e, "x", "a")),
        forall(imp((q, "x"), ("ex", "z", (e, "x", "z")))), forall(imp((r, "x"), ("not", (q, "x")))),
        forall(imp((r, "x"), (p, ("f", "x")))), forall(("iff", (p, "x"), (r, "x"))),
        forall(imp((e, "x", "y"), ("=", ("f", "x"), "y"))), ("ex", "x", (q, ("f", "x"))),
        imp(forall(imp((p, "x"), (r, "x"))), (q, "b")),
        imp(forall(imp((p, "x"), (q, "x"))), (r, "b")),
        imp(forall(imp((q, "x"), (p, "x"))), (r, ("f", "a"))),
        imp(forall(imp((p, "x"), ("=", ("f", "x"), "x"))), (q, ("f", "a"))),
    ]
    hyps = rng.sample(pool, min(7, 3 + size // 2))
    targets = [(r, ("f", "b")), ("ex", "x", ("and", (e, "a", "x"), (q, "x"))), (q, "b"),
               (q, ("f", "a")), (r, "b"), (r, ("f", "a")), ("ex", "x", (r, "x")), (p, "b"),
               ("and", (q, "b"), (r, "b")), ("or", (q, "a"), (r, "b")), ("not", (q, "a")),
               ("ex", "x", ("and", (q, "x"), ("=", "x", "b"))), ("iff", (p, "b"), (r, "b")),
               ("ex", "x", ("and", (p, "x"), ("=", ("f", "x"), "b"))),
               forall(imp((p, "x"), (r, ("f", "x"))))]
    return draft(hyps, rng.choice(targets))


# ---------------------------------------------------------------- held out


def relay(rng: random.Random, size: int) -> Draft:
    """Sums under rules: the right rules in the right order, the argument rearranged on the way."""
    *links, dead, other = rng.sample(PREDICATES, 4 + (size > 4))
    wanted, known, hyps = rearranged(rng, 3, equation=0.8)
    hyps += _relayed(rng, links, dead, (other, wanted))
    hyps.append((links[-1], known))
    rng.shuffle(hyps)
    return draft(distinct(hyps), (links[0], wanted), SUMS)


def errand(rng: random.Random, size: int) -> Draft:
    """Rewriting under rules: the right rules in order, the argument replaced by what it equals."""
    *links, dead, other = rng.sample(PREDICATES, 4 + (size > 4))
    start, *letters = rng.sample(("a", "b", "c", "d"), 4)
    wanted, hyps = detoured(rng, start, [*letters, start], 1 + (size > 5))
    hyps += _relayed(rng, links, dead, (other, wanted))
    hyps.append((links[-1], start))
    rng.shuffle(hyps)
    return draft(distinct(hyps), (links[0], wanted))


def _relayed(rng, links: list, dead: str, red_herring) -> list:
    """Rules from the last of the predicates to the first, and some that lead elsewhere."""
    decoys = [forall(imp((dead, "x"), (links[0], "x"))), forall(imp((dead, "x"), (links[1], "x"))),
              forall(imp((links[-1], "x"), (dead, "x"))), red_herring,
              forall(imp((red_herring[0], "x"), (dead, "x")))]
    return [*(forall(imp((p, "x"), (q, "x"))) for q, p in pairwise(links)),
            *rng.sample(decoys, rng.choice((1, 2, 3)))]


TRAINED = {"prop": prop, "chain": chain, "quant": quant, "rewrite": rewrite, "sums": sums,
           "induct": induct, "lists": lists, "mixed": mixed}
HELD_OUT = {"relay": relay, "errand": errand}
