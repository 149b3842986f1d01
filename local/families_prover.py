"""The flat tactics of the theorem families as moves on goals, and a shortest-proof search.

`moves(goal, lemmas)` yields (tactic, subgoals) in one canonical order: of two equally short proofs
the one whose tactics come earlier is the reference. `Prover` finds a minimal number of tactics by
iterative deepening over goals: they share no metavariable, so the costs of subgoals add up.
New hypotheses are named by what they say (`hypothesis_name`), new individuals by the first free
letter. Used by local/families.py: `python -m local.families --out data/families`.
"""

from __future__ import annotations

from collections.abc import Iterator

from local.families_logic import (
    INDIVIDUALS,
    LEMMAS,
    LISTS,
    Exhausted,
    Goal,
    first_instance,
    hypothesis_name,
    match,
    negative,
    occurs,
    places,
    replace,
    show,
    subst,
    subterms,
    telescope,
)

FORWARD = ("or", "and", "ex", "False", "=", "iff")  # worth deriving with `have`; atoms are applied


def fresh_individual(goal: Goal) -> str:
    """First letter not yet in scope."""
    return next(v for v in INDIVIDUALS if v not in goal.vars)


def moves(goal: Goal, lemmas: tuple = ()) -> Iterator[tuple[str, list[Goal]]]:
    """Every (tactic, subgoals) that applies to the goal, in canonical order."""
    target, facts = goal.target, {f for _, f in goal.hyps}
    if target in facts:
        yield "assumption", []
    if "False" in facts or any(f[0] == "not" and f[1] in facts for f in facts):
        yield "contradiction", []
    if target[0] in ("=", "iff") and target[1] == target[2]:
        yield "rfl", []
    yield from _introductions(goal)
    yield from _destructions(goal)
    yield from _applications(goal)
    yield from _choices(goal)
    yield from _rewrites(goal, lemmas)
    yield from _forward(goal, facts)
    if target != "False" and any(negative(f) for f in facts):
        yield "exfalso", [goal._replace(target="False")]
    yield from _inductions(goal)


def closes(goal: Goal, lemmas: tuple = ()) -> bool:
    """Whether a single tactic proves the goal: whether `moves` has one that leaves no subgoal."""
    target, facts = goal.target, {f for _, f in goal.hyps}
    if target in facts or "False" in facts:
        return True
    if any(f[0] == "not" and f[1] in facts for f in facts):
        return True
    equation = target[0] in ("=", "iff")
    if equation and target[1] == target[2]:
        return True
    if any(not subgoals for _, subgoals in _applications(goal)):
        return True
    return equation and any(not subgoals for _, subgoals in _rewrites(goal, lemmas))


def _introductions(goal: Goal):
    head = goal.target[0]
    if head in ("imp", "not"):
        rest = goal.target[2] if head == "imp" else "False"
        new = _having(goal, goal.target[1])
        yield f"intro {new.hyps[-1][0]}", [new._replace(target=rest)]
    elif head == "all":
        var = goal.target[1]
        new = _fresh_for(goal, var)
        yield f"intro {new}", [goal._replace(vars=(*goal.vars, new),
                                             target=subst(goal.target[2], {var: new}))]
    elif head in ("and", "iff"):
        _, left, right = goal.target
        parts = [left, right] if head == "and" else [("imp", left, right), ("imp", right, left)]
        yield "constructor", [goal._replace(target=part) for part in parts]


def _fresh_for(goal: Goal, var: str) -> str:
    if var in LISTS:
        return next(v for v in ("xs", "ys", "zs") if v not in goal.vars)
    return "n" if var == "n" and "n" not in goal.vars else fresh_individual(goal)


def _without(goal: Goal, name: str) -> Goal:
    return goal._replace(hyps=tuple(h for h in goal.hyps if h[0] != name))


def _having(goal: Goal, formula) -> Goal:
    """The goal with one more hypothesis, named by the rule."""
    name = hypothesis_name(formula, [name for name, _ in goal.hyps])
    return goal._replace(hyps=(*goal.hyps, (name, formula)))


def _destructions(goal: Goal):
    for name, f in goal.hyps:
        rest = _without(goal, name)  # the opened hypothesis goes, so its name is free again
        if f[0] in ("and", "iff"):
            left, right = f[1], f[2]
            if f[0] == "iff":
                left, right = ("imp", left, right), ("imp", right, left)
            first = _having(rest, left)
            both = _having(first, right)
            yield f"obtain ⟨{first.hyps[-1][0]}, {both.hyps[-1][0]}⟩ := {name}", [both]
        elif f[0] == "ex":
            var = fresh_individual(goal)
            new = _having(rest, subst(f[2], {f[1]: var}))
            yield (f"obtain ⟨{var}, {new.hyps[-1][0]}⟩ := {name}",
                   [new._replace(vars=(*goal.vars, var))])
        elif f[0] == "or":
            cases = [_having(rest, part) for part in f[1:]]
            names = " | ".join(case.hyps[-1][0] for case in cases)
            yield f"rcases {name} with {names}", cases


def _applications(goal: Goal):
    n_target = len(telescope(goal.target))
    for name, f in goal.hyps:
        binders = telescope(f)
        for i in range(max(1, len(binders) - n_target), len(binders) + 1):
            found = list(_instances(goal, name, binders[:i]))
            yield from found
            if found:
                break


def _instances(goal: Goal, name: str, binders: tuple):
    holes = tuple(b[1] for b in binders if b[0] == "var")
    binding: dict = {}
    if not match(binders[-1][2], holes, goal.target, binding):
        return
    premises = [b[1] for b in binders if b[0] == "prem"]
    missing = [v for v in holes if v not in binding]
    for choice in _choices_for(goal, missing):
        full = {**binding, **choice}
        text = f"apply {name}"
        if missing:
            text += "".join(" " + show(full[v], 1024) for v in holes)
        subgoals = [goal._replace(target=subst(p, full)) for p in premises]
        if not subgoals or subgoals[0].target != goal.target:
            yield text, subgoals


def _choices_for(goal: Goal, names: list):
    if not names:
        yield {}
        return
    for rest in _choices_for(goal, names[1:]):
        for var in goal.vars:
            if (var in LISTS) == (names[0] in LISTS):
                yield {names[0]: var, **rest}


def _choices(goal: Goal):
    target = goal.target
    if target[0] == "or":
        yield "left", [goal._replace(target=target[1])]
        yield "right", [goal._replace(target=target[2])]
    elif target[0] == "ex":
        for witness in _witnesses(goal):
            yield (f"refine ⟨{show(witness)}, ?_⟩",
                   [goal._replace(target=subst(target[2], {target[1]: witness}))])


def _witnesses(goal: Goal) -> list:
    """Variables in scope, closed applications f t in the hypotheses, functions of variables."""
    numbers = [v for v in goal.vars if v not in LISTS]
    mentioned = [t for _, f in goal.hyps for t in _closed_applications(f)]
    used = dict.fromkeys(t[0] for _, f in goal.hyps for t in subterms(f)
                         if t[0] in ("f", "g", "k") and not isinstance(t, str))
    return list(dict.fromkeys([*numbers, *mentioned, *((f, v) for f in used for v in numbers)]))


def _closed_applications(e, bound: tuple = ()):
    if isinstance(e, str):
        return
    if e[0] in ("all", "ex"):
        yield from _closed_applications(e[2], (*bound, e[1]))
        return
    if e[0] in ("f", "g", "k") and not any(occurs(b, e) for b in bound):
        yield e
    for s in e[1:]:
        yield from _closed_applications(s, bound)


def _rewrites(goal: Goal, lemmas: tuple):
    for name, f in goal.hyps:
        holes = []
        while f[0] == "all":
            holes.append(f[1])
            f = f[2]
        if f[0] in ("=", "iff"):
            yield from _rewrite(goal, name, tuple(holes), f[1], f[2])
            yield from _rewrite(goal, "← " + name, tuple(holes), f[2], f[1])
    for name in lemmas:
        holes, left, right = LEMMAS[name.removeprefix("← ")]
        if name.startswith("← "):
            left, right = right, left
        yield from _rewrite(goal, name, holes, left, right)
        if name.endswith(("comm", "add_assoc")):
            yield from _explicit(goal, name, holes, left, right)


def _rewrite(goal: Goal, name: str, holes: tuple, left, right):
    if left in holes:
        return  # a bare variable as pattern: Lean refuses it
    binding = first_instance(left, holes, goal.target)
    if binding is None or any(h not in binding for h in holes):
        return
    new = replace(goal.target, subst(left, binding), subst(right, binding))
    if new != goal.target:
        yield f"rw [{name}]", _closed_by_rfl(goal._replace(target=new))


def _explicit(goal: Goal, name: str, holes: tuple, left, right):
    first = first_instance(left, holes, goal.target)
    seen = [subst(left, first)] if first is not None else []
    for place, _ in places(goal.target).get(left[0], ()):
        binding: dict = {}
        if match(left, holes, place, binding) and place not in seen:
            seen.append(place)
            args = "".join(" " + show(binding[h], 1024) for h in holes)
            new = replace(goal.target, place, subst(right, binding))
            if new != goal.target:
                yield f"rw [{name}{args}]", _closed_by_rfl(goal._replace(target=new))


def rewritings(expression, lemmas: tuple) -> list:
    """What one `rw` with one of the library equations can turn an expression into."""
    goal = Goal((), (), ("=", expression, "?"))
    return [g[0].target[1] for _, g in _rewrites(goal, lemmas) if g]


def _closed_by_rfl(goal: Goal) -> list[Goal]:
    """`rw` tries rfl on what it leaves."""
    return [] if goal.target[0] in ("=", "iff") and goal.target[1] == goal.target[2] else [goal]


def _forward(goal: Goal, facts: set):
    for name, f in goal.hyps:
        binders = telescope(f)
        if not binders or binders[-1][2][0] not in FORWARD and binders[-1][2] != "False":
            continue
        holes = tuple(b[1] for b in binders if b[0] == "var")
        if binders[-1][2][0] in ("=", "iff") and len(holes) == len(binders):
            continue  # `rw` instantiates such an equation by itself
        for binding, used in _supplied(goal, binders, holes, {}):
            result = subst(binders[-1][2], binding)
            if result not in facts:
                new, args = _having(goal, result), []
                queue = list(used)
                for kind, value, _ in binders:
                    args.append(show(binding[value], 1024) if kind == "var" else queue.pop(0))
                yield f"have {new.hyps[-1][0]} := {name} {' '.join(args)}", [new]


def _supplied(goal: Goal, binders: tuple, holes: tuple, binding: dict):
    """Ways to fill all premises from the context; variables that no premise fixes are chosen."""
    if not binders:
        missing = [h for h in holes if h not in binding]
        for choice in _choices_for(goal, missing):
            yield {**binding, **choice}, ()
        return
    kind, value, _ = binders[0]
    if kind == "var":
        yield from _supplied(goal, binders[1:], holes, binding)
        return
    for name, f in goal.hyps:
        extended = dict(binding)
        if match(value, holes, f, extended):
            for result, used in _supplied(goal, binders[1:], holes, extended):
                yield result, (name, *used)


def _inductions(goal: Goal):
    for var in goal.vars:
        if var not in ("n", "xs") or not occurs(var, goal.target):
            continue
        if any(occurs(var, f) or name == "ih" for name, f in goal.hyps):
            continue
        others = tuple(v for v in goal.vars if v != var)
        hyps = (*goal.hyps, ("ih", goal.target))
        if var == "n":
            text = "induction n with | zero => ?_ | succ n ih => ?_"
            base, step, inner = "0", ("+", "n", "1"), (*others, "n")
        else:
            head = fresh_individual(goal)
            text = f"induction xs with | nil => ?_ | cons {head} xs ih => ?_"
            base, step, inner = "[]", ("::", head, "xs"), (*others, head, "xs")
        yield text, [Goal(others, goal.hyps, subst(goal.target, {var: base})),
                     Goal(inner, hyps, subst(goal.target, {var: step}))]


class Prover:
    """Shortest proofs over the moves; one instance per theorem (the memo is by goal)."""

    def __init__(self, lemmas: tuple = (), max_nodes: int = 3000):
        self.lemmas, self.max_nodes = lemmas, max_nodes
        self.memo: dict = {}  # goal key -> (budget refuted up to, exact cost or None)
        self.visited: set = set()
        self.expanded: dict = {}

    def prove(self, goal: Goal, max_depth: int) -> list[str] | None:
        """Tactics of a shortest proof, None if there is none within max_depth.

        Raises Exhausted when max_nodes goals were expanded first."""
        for budget in range(1, max_depth + 1):
            if self.cost(goal, budget) is not None:
                return self._extract(goal)
        return None

    def cost(self, goal: Goal, budget: int) -> int | None:
        """Fewest tactics to prove the goal if that is at most budget, else None."""
        key = (frozenset(f for _, f in goal.hyps), goal.target, goal.vars)
        refuted, exact = self.memo.get(key, (0, None))
        if exact is not None:
            return exact if exact <= budget else None
        if budget <= refuted:
            return None
        self._visit(key)
        best = None
        if budget == 1:  # most goals are met first, and often only, like this
            best = 1 if closes(goal, self.lemmas) else None
        else:
            for _, subgoals in self._expand(key, goal):
                limit = (budget if best is None else best - 1) - 1
                total = self._sum(subgoals, limit)
                if total is not None:
                    best = total + 1
        self.memo[key] = (refuted, best) if best is not None else (budget, None)
        return best

    def _visit(self, key) -> None:
        if key not in self.visited:
            self.visited.add(key)
            if len(self.visited) > self.max_nodes:
                raise Exhausted

    def _expand(self, key, goal: Goal):
        if key not in self.expanded:
            self.expanded[key] = sorted(moves(goal, self.lemmas), key=lambda m: len(m[1]))
        return self.expanded[key]

    def _sum(self, subgoals: list[Goal], limit: int) -> int | None:
        total = 0
        for i, goal in enumerate(subgoals):
            cost = self.cost(goal, limit - total - (len(subgoals) - i - 1))
            if cost is None:
                return None
            total += cost
        return total if total <= limit else None

    def _extract(self, goal: Goal) -> list[str]:
        """First canonical proof among the shortest; goals are closed depth first, in order."""
        cost = self.cost(goal, 99)
        for tactic, subgoals in moves(goal, self.lemmas):
            if self._sum(subgoals, cost - 1) == cost - 1:
                return [tactic, *(t for g in subgoals for t in self._extract(g))]
        raise AssertionError(f"no move of cost {cost} at {show(goal.target)}")
