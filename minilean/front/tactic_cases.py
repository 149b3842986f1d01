"""cases, induction, generalize; rcases, obtain, rintro: case analysis by names or by patterns.

Follows Lean's `Lean/Elab/Tactic/{Induction,Generalize,RCases}.lean`: a tuple pattern meets the
fields of each constructor (the last pattern takes what is left), alternatives meet the
constructors, `rfl` substitutes, `-` clears, `_` keeps an inaccessible name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import close_or_admit, goal_tactic, rename_hyps, run_tactic
from minilean.front.tactic_apply import unified_type
from minilean.front.tactic_elim import last_part, split_hyp
from minilean.front.tactic_subst import equation, is_free_var, subst_hyp
from minilean.kernel.term import MVAR

HOLE = S.RPat(0, 0, "one", "_")


def target_hyp(ctx, goal: int, eq_name, term, kind=None, name="x✝"):
    """(hypothesis, goal) for the major premise `eq_name : term` (of type `kind`, if given).

    A variable stands for itself, a proof becomes a new hypothesis, other terms are generalized.
    """
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    ty = None if kind is None else ctx.elab.elab_type(kind)
    e = meta.inst(ctx.elab.elab_term(term, ty))
    if e.flags & MVAR:
        raise Declined("cases on a term with holes", term)
    if ty is None and eq_name is None and is_free_var(meta, goal, e):
        return meta.lctx.get(e.id), goal
    ty = meta.inst(meta.infer(e)) if ty is None else ty
    if eq_name is None and meta.is_prop(ty):
        return U.assert_hyp(meta, goal, name, ty, e)
    return U.generalize_term(meta, goal, e, name, eq_name)


@goal_tactic("cases", "induction")
def induction(ctx, goal, stx, targets, using, *rest):
    *general, alts, before = rest
    if using is not None or len(targets) != 1:
        raise Declined(f"{stx.kind} with `using` or on several terms", stx)
    meta, reverted = ctx.meta, []
    h, goal = target_hyp(ctx, goal, *targets[0])
    if stx.kind == "induction":
        reverted = generalized(meta, goal, h, general[0], stx)
    goal = U.revert(meta, goal, reverted)
    lhs = [each for alt in alts or () for each in alt.lhs]
    if any(explicit for _, _, explicit in lhs):
        raise Declined(f"@ in an alternative of {stx.kind}", stx)
    names = {last_part(name): names for name, names, _ in lhs}
    left = {}  # name of a constructor -> its open goals
    for b in split_hyp(meta, goal, h, names, stx.kind == "induction"):
        left[last_part(b.ctor)] = goals = [U.reintro(meta, b.goal, reverted)[0]]
        if before is not None:
            left[last_part(b.ctor)] = ctx.focus(goals[0], run_tactic, ctx, before)
    return U.flat(left.get, left) if alts is None else run_alts(ctx, stx, left, alts)


def generalized(meta, goal: int, h, general, stx):
    """What the induction hypotheses quantify over: `generalizing`, what depends on h or these."""
    ids = [U.find_hyp(meta, goal, x.name, x).id for x in general]
    if any(d.id == h.id for d in U.dependents(meta, goal, ids)):
        raise LeanError(f"`{h.name}`, the induction target, cannot be generalized", stx)
    return [d for d in U.dependents(meta, goal, [*ids, h.id]) if d.id != h.id]


def run_alts(ctx, stx, left, alts) -> list[int]:
    """Goals left by the alternatives. Raises LeanError unless they fit the goals `left`."""
    goals = []
    for alt in alts:
        for name, _, _ in alt.lhs:
            key, mine = last_part(name), {}
            if name == "_":
                mine, left = left, mine
            elif key in left:
                mine[key] = left.pop(key)
            else:
                raise LeanError(f"Invalid alternative name `{name}`: Expected "
                                + (" or ".join(f"`{ctor}`" for ctor in left) or "none"), alt)
            for goal in U.flat(mine.get, mine):
                goals += run_alt(ctx, alt, goal)
    for ctor, open_goals in left.items():
        if open_goals:
            raise LeanError(f"Alternative `{ctor}` has not been provided", stx)
    return goals


def run_alt(ctx, alt, goal: int) -> list[int]:
    """Goals left by one alternative: none for a tactic block, the hole for `?_`."""
    d = ctx.meta.decls[goal]
    if isinstance(alt.rhs, S.TacSeq):
        d.name = ""
        return close_or_admit(ctx, alt, goal, alt.rhs)
    if isinstance(alt.rhs, S.SynthHole) and alt.rhs.name:
        d.name = alt.rhs.name
    return [goal]


@goal_tactic("generalize")
def generalize(ctx, goal, stx, items, loc):
    if loc is not None:
        raise Declined("generalize at a hypothesis", stx)
    for eq_name, value, name in items:
        with ctx.meta.with_goal(goal):
            e = ctx.elab.elab_term(value, None)
        goal = U.generalize_term(ctx.meta, goal, e, name, eq_name)[1]
    return [goal]


# --- patterns -------------------------------------------------------------------------------------


def given_name(pat: S.RPat):
    """The name that the pattern gives to the whole, or None."""
    if pat.kind == "typed":
        return given_name(pat.items[0])
    return pat.name if pat.kind == "one" and pat.name not in ("_", "-", "rfl") else None


def intro_pattern(ctx, goal: int, pat: S.RPat) -> list[int]:
    """Goals after introducing a binder of the target and matching it against the pattern."""
    d, goal = U.intro1(ctx.meta, goal, given_name(pat))
    return rcases_hyp(ctx, goal, d, pat)


def rcases_hyp(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Goals after matching the hypothesis d against a pattern."""
    meta = ctx.meta
    meta.tick()
    if pat.kind == "one":
        return [_one(meta, goal, d, pat.name)]
    if pat.kind == "typed":
        with meta.with_goal(goal):
            ty = unified_type(ctx, "rcases", pat.type, d.type)
        d, goal = U.replace_hyp(meta, goal, d, ty, d.fvar)
        return rcases_hyp(ctx, goal, d, pat.items[0])
    return _constructors(ctx, goal, d, pat)


def _one(meta, goal: int, d, name: str) -> int:
    if name == "rfl":
        parts = equation(meta, d.type)
        if parts is None or not meta.is_def_eq(parts[1], parts[2]):
            return subst_hyp(meta, goal, d)
    if name in ("rfl", "-"):
        return U.try_clear(meta, goal, [d.id])
    name = U.chosen(name, d.name)
    return goal if name == d.name else rename_hyps(meta, goal, {d.id: name})


def _constructors(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Splits d; the fields of each constructor meet their patterns, one after the other."""
    meta = ctx.meta
    found = meta.inductive_of(d.type)
    if pat.kind == "tuple" and len(pat.items) == 1 and (found is None or not found[0].ctors):
        return rcases_hyp(ctx, goal, d, pat.items[0])
    if pat.kind == "explicit":
        raise Declined("rcases pattern with @", pat)
    if found is None:
        raise LeanError(f"Tactic `rcases` failed: {meta.pp(d.type)} is no inductive type", pat)
    ctors, goals = found[0].ctors, []
    alts = spread(pat.items if pat.kind == "alts" else [pat], len(ctors), "alts")
    plan = dict(zip(ctors, alts, strict=True))
    for b in split_hyp(meta, goal, d):
        left, alt = [b.goal], plan[b.ctor]
        named = [x for x in b.decls if x.bi == "default"]
        pats = spread(alt.items if alt.kind == "tuple" else [alt], len(named), "tuple")
        for field, p in zip(named, pats, strict=True):
            left = U.flat(lambda g, field=field, p=p: _field(ctx, g, field, p), left)
        goals += left
    return goals


def spread(pats, n: int, kind: str) -> list[S.RPat]:
    """n patterns from those given: the last takes all that are left, `_` fills up."""
    if len(pats) > n > 0:
        rest = pats[n - 1:]
        return [*pats[:n - 1], S.RPat(rest[0].pos, rest[-1].end, kind, "_", rest)]
    return [*pats[:n], *[HOLE] * (n - len(pats))]


def _field(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """rcases_hyp for a hypothesis that an earlier substitution may have moved or removed."""
    lctx = ctx.meta.decls[goal].lctx
    d = lctx.get(d.id) or next((x for x in reversed(lctx.decls) if x.name == d.name), None)
    return [goal] if d is None else rcases_hyp(ctx, goal, d, pat)


@goal_tactic("rcases")
def rcases(ctx, goal, stx, targets, pat):
    if len(targets) != 1:
        raise Declined("rcases on several terms", stx)
    h, goal = target_hyp(ctx, goal, *targets[0])
    return rcases_hyp(ctx, goal, h, pat or HOLE)


@goal_tactic("obtain")
def obtain(ctx, goal, stx, pat, kind, values):
    if values is None or len(values) != 1:
        raise Declined("obtain without a value or with several", stx)
    return obtain_value(ctx, goal, pat or HOLE, kind, values[0])


def obtain_value(ctx, goal: int, pat: S.RPat, kind, value) -> list[int]:
    """Matches the value (of type `kind`, if given) against the pattern."""
    h, goal = target_hyp(ctx, goal, None, value, kind, given_name(pat) or "x✝")
    return rcases_hyp(ctx, goal, h, pat)


@goal_tactic("rintro")
def rintro(ctx, goal, stx, pats, kind):
    if kind is not None:
        raise Declined("rintro with a type", stx)
    goals = [goal]
    for pat in pats:
        goals = U.flat(lambda g, pat=pat: intro_pattern(ctx, g, pat), goals)
    return goals
