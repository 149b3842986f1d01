"""cases, induction, contradiction, subst, injection, generalize; rcases, obtain, rintro.

Follows Lean's `Lean/Elab/Tactic/{Induction,Generalize,RCases}.lean` and
`Lean/Meta/Tactic/{Contradiction,Subst,Injection}.lean`: alternatives meet the constructors; a tuple
pattern meets the fields of each constructor (the last pattern takes what is left), `rfl`
substitutes, `-` clears, `_` keeps an inaccessible name. The engine is in `tactic_elim.py`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from functools import partial

from minilean.front import syntax as S
from minilean.front import tactic_apply as A
from minilean.front import tactic_elim as E
from minilean.front import tactic_util as U
from minilean.front.build import FALSE
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import close_or_admit, goal_tactic, rename_hyps, run_tactic
from minilean.kernel import term as tm

HOLE = S.RPat(0, 0, "one", "_")


def close_contradiction(meta, goal: int) -> bool:
    """Closes the goal from contradictory hypotheses; False if there are none."""
    mark = meta.save()
    for d in U.hypotheses(meta, goal):
        if _refute(meta, goal, d):
            return True
        meta.restore(mark)
    return False


def _refute(meta, goal: int, d) -> bool:
    """Closes the goal by d : p → False if p is a hypothesis or a = a, or as no case is possible."""
    ty = meta.whnf(meta.inst(d.type))
    if type(ty) is tm.Pi and ty.body is FALSE:
        new = meta.mk_goal(ty.type)
        false = tm.App(d.fvar, tm.MVar(new))
        meta.assign_mvar(goal, meta.mk_at("False.elim", meta.goal_type(goal), false))
        return U.close_by_assumption(meta, new) or _close_eq_refl(meta, new)
    found = meta.inductive_of(ty)
    if found is None or (found[0].ctors and not found[3]):
        return False
    try:
        return not E.split_hyp(meta, goal, d)
    except (LeanError, Declined):  # equations that are neither solved nor refuted
        return False


def _close_eq_refl(meta, goal: int) -> bool:
    """Closes the goal a = a, if it is one."""
    parts = meta.eq_parts(meta.goal_type(goal))
    if parts is None or not meta.is_def_eq(parts[1], parts[2]):
        return False
    meta.assign_mvar(goal, meta.mk_eq_refl(parts[1]))
    return True


# --- subst, injection -----------------------------------------------------------------------------


@goal_tactic("subst")
def subst(ctx, goal, stx, terms):
    for term in terms:
        goal = subst_hyp(ctx.meta, goal, U.find_hyp(ctx.meta, goal, term.name, term))
    return [goal]


def subst_hyp(meta, goal: int, d) -> int:
    """`subst d`: d is an equation with a variable side, or a variable, whose first equation counts.
    """
    wanted, hyps = None, [d]
    if E.equation(meta, d.type) is None:
        wanted, hyps = d.fvar, U.hypotheses(meta, goal)
    for h in hyps:
        parts = E.equation(meta, h.type)
        symm = parts and E.variable_side(meta, goal, *parts[1:], wanted)
        if symm is not None:
            return E.subst_var(meta, goal, h, *parts[1:], symm)
    raise U.tactic_error(meta, "subst", goal, f"`{d.name}` gives no equation (x = t) or (t = x)")


@goal_tactic("injection")
def injection(ctx, goal, stx, term, names):
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    e = ctx.elab.elab_term(term, None)
    parts = meta.eq_parts(meta.infer(e))
    if parts is None:
        raise U.tactic_error(meta, "injection", goal, "equality expected")
    result = E.split_equation(meta, goal, e, *parts)
    if result is None:
        return []
    goal, count = result
    for name in [*names, *[None] * count][:count]:
        goal = U.intro1(meta, goal, name)[1]
    return [] if U.close_by_assumption(meta, goal) else [goal]


# --- cases, induction -----------------------------------------------------------------------------


def target_hyp(ctx, goal: int, eq_name, term, kind=None):
    """(hypothesis, goal) for the major premise `eq_name : term` (of type `kind`, if given).

    A variable stands for itself, a proof becomes a new hypothesis, other terms are generalized.
    """
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    ty = None if kind is None else ctx.elab.elab_type(kind)
    e = meta.inst(ctx.elab.elab_term(term, ty))
    if e.flags & tm.MVAR:
        raise Declined("cases on a term with holes", term)
    if ty is None and eq_name is None and E.is_free_var(meta, goal, e):
        return meta.lctx.get(e.id), goal
    ty = meta.inst(meta.infer(e)) if ty is None else ty
    if eq_name is None and meta.is_prop(ty):
        return U.assert_hyp(meta, goal, "x✝", ty, e)
    return U.generalize_term(meta, goal, e, "x✝", eq_name)


@goal_tactic("cases", "induction")
def induction(ctx, goal, stx, target, *rest):
    *general, alts, before = rest
    meta, reverted = ctx.meta, []
    h, goal = target_hyp(ctx, goal, *target)
    if stx.kind == "induction":
        reverted = generalized(meta, goal, h, general[0], stx)
    goal = U.revert(meta, goal, reverted)
    names = {E.last_part(name): names for alt in alts or () for name, names in alt.lhs}
    left = {}  # name of a constructor -> its open goals
    for b in E.split_hyp(meta, goal, h, names, stx.kind == "induction"):
        goal = U.reintro(meta, b.goal, reverted)
        left[E.last_part(b.ctor)] = [goal] if before is None else ctx.focus(
            goal, run_tactic, ctx, before)
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
        for name, _ in alt.lhs:
            key = E.last_part(name)
            if name != "_" and key not in left:
                raise LeanError(f"Invalid alternative name `{name}`", alt)
            for ctor in list(left) if name == "_" else [key]:
                goals += U.flat(partial(run_alt, ctx, alt), left.pop(ctor))
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
def generalize(ctx, goal, stx, items):
    for eq_name, value, name in items:
        with ctx.meta.with_goal(goal):
            e = ctx.elab.elab_term(value, None)
        goal = U.generalize_term(ctx.meta, goal, e, name, eq_name)[1]
    return [goal]


# --- patterns -------------------------------------------------------------------------------------


def intro_pattern(ctx, goal: int, pat: S.RPat) -> list[int]:
    """Goals after introducing a binder of the target and matching it against the pattern."""
    d, goal = U.intro1(ctx.meta, goal)
    return rcases_hyp(ctx, goal, d, pat)


def rcases_hyp(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Goals after matching the hypothesis d against a pattern.

    An earlier substitution may have moved or removed d.
    """
    meta = ctx.meta
    if pat.kind == "alts" and len(pat.items) == 1:
        [pat] = pat.items
    d = next((x for x in meta.decls[goal].lctx.decls if x.origin == d.origin), None)
    if d is None:
        return [goal]
    if pat.kind == "one":
        return [_one(meta, goal, d, pat.name)]
    if pat.kind == "typed":
        with meta.with_goal(goal):
            ty = A.unified_type(ctx, "rcases", pat.type, d.type)
        d, goal = U.replace_hyp(meta, goal, d, ty, d.fvar)
        return rcases_hyp(ctx, goal, d, pat.items[0])
    return _constructors(ctx, goal, d, pat)


def _one(meta, goal: int, d, name: str) -> int:
    if name == "rfl":
        parts = E.equation(meta, d.type)
        if parts is None or not meta.is_def_eq(parts[1], parts[2]):
            return subst_hyp(meta, goal, d)
    if name in ("rfl", "-"):
        return U.try_clear(meta, goal, [d.id])
    return rename_hyps(meta, goal, {d.id: U.chosen(name, d.name)})


def _constructors(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Splits d; the fields of each constructor meet their patterns, one after the other."""
    found, goals = ctx.meta.inductive_of(d.type), []
    ctors = () if found is None else found[0].ctors
    if pat.kind == "tuple" and len(pat.items) == 1 and not ctors:
        return rcases_hyp(ctx, goal, d, pat.items[0])
    alts = spread(pat.items if pat.kind == "alts" else [pat], len(ctors), "alts")
    plan = dict(zip(ctors, alts, strict=False))
    for b in E.split_hyp(ctx.meta, goal, d):
        left, alt = [b.goal], plan[b.ctor]
        named = [x for x in b.decls if x.bi == "default"]
        pats = spread(alt.items if alt.kind == "tuple" else [alt], len(named), "tuple")
        for field, p in zip(named, pats, strict=True):
            left = U.flat(lambda g, field=field, p=p: rcases_hyp(ctx, g, field, p), left)
        goals += left
    return goals


def spread(pats, n: int, kind: str) -> list[S.RPat]:
    """n patterns from those given: the last takes all that are left, `_` fills up."""
    if len(pats) > n > 0:
        rest = pats[n - 1:]
        return [*pats[:n - 1], S.RPat(rest[0].pos, rest[-1].end, kind, "_", rest)]
    return [*pats[:n], *[HOLE] * (n - len(pats))]


@goal_tactic("rcases", "obtain")
def rcases(ctx, goal, stx, target, pat, kind):
    """Matches a value (of type `kind`, if given) against a pattern."""
    h, goal = target_hyp(ctx, goal, *target, kind)
    return rcases_hyp(ctx, goal, h, pat or HOLE)


@goal_tactic("rintro")
def rintro(ctx, goal, stx, pats):
    goals = [goal]
    for pat in pats:
        goals = U.flat(lambda g, pat=pat: intro_pattern(ctx, g, pat), goals)
    return goals
