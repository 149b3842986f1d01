"""cases, induction and generalize, with their alternatives.

Follows Lean's `Lean/Elab/Tactic/{Induction,Generalize}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import close_or_admit, goal_tactic, run_tactic
from minilean.front.tactic_elim import last_part, split_hyp
from minilean.front.tactic_subst import is_free_var
from minilean.front.tactic_util import tactic
from minilean.kernel.term import MVAR


def target_hyp(ctx, goal: int, eq_name, term, kind=None, name="x✝"):
    """(hypothesis, goal) for the major premise `eq_name : term` (of type `kind`, if given).

    A variable stands for itself, a proof becomes a new hypothesis, other terms are generalized.
    """
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    ty = None if kind is None else ctx.elab.elab_type(kind)
    e = meta.inst(ctx.elab.elab_term_ensuring(term, ty))
    if e.flags & MVAR:
        raise Declined("cases on a term with holes", term)
    if ty is None and eq_name is None and is_free_var(meta, goal, e):
        return meta.lctx.get(e.id), goal
    ty = meta.inst(meta.infer(e)) if ty is None else ty
    if eq_name is None and meta.is_prop(ty):
        return U.assert_hyp(meta, goal, name, ty, e)
    return U.generalize_term(meta, goal, e, name, "h✝" if eq_name == "_" else eq_name)


@tactic("cases")
def cases(ctx, stx, targets, using, alts, before):
    induction(ctx, stx, targets, using, [], alts, before)


@goal_tactic("induction")
def induction(ctx, goal, stx, targets, using, general, alts, before):
    if using is not None or len(targets) != 1:
        raise Declined(f"{stx.kind} with `using` or on several terms", stx)
    meta, reverted = ctx.meta, []
    h, goal = target_hyp(ctx, goal, *targets[0])
    if stx.kind == "induction":
        reverted = generalized(meta, goal, h, general, stx)
    goal = U.revert(meta, goal, reverted)
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, h, alt_names(alts), stx.kind == "induction")
    left = {}  # name of a constructor -> its open goals
    for b in branches:
        goals = [U.reintro(meta, b.goal, reverted)[1]]
        if before is not None:
            goals = ctx.focus(goals[0], run_tactic, ctx, before)
        if goals:
            left[last_part(b.ctor)] = goals
    if alts is None:
        return U.flat(left.get, left)
    ctors = {last_part(ctor) for ctor in meta.inductive_of(h.type)[0].ctors}
    return run_alts(ctx, stx, left, alts, ctors if before is not None else set(left))


def generalized(meta, goal: int, h, general, stx):
    """What the induction hypotheses quantify over: `generalizing`, what depends on h or these."""
    ids = [U.find_hyp(meta, goal, x.name, x).id for x in general]
    if any(d.id == h.id for d in U.dependents(meta, goal, ids)):
        raise LeanError("variable cannot be generalized because it is the induction target, or "
                        f"that depends on it: {h.name}", stx)
    return [d for d in U.dependents(meta, goal, [*ids, h.id]) if d.id != h.id]


def alt_names(alts):
    """ctor -> the variable names its alternative gives (None: no alternatives written)."""
    table = {}
    for alt in alts or ():
        for name, names, explicit in alt.lhs:
            table[last_part(name)] = ["@", *names] if explicit else names
    rest = table.get("_", ())
    return lambda ctor: table.get(last_part(ctor), rest)


def run_alts(ctx, stx, left, alts, unused) -> list[int]:
    """Goals left by the alternatives. Raises LeanError unless they fit the goals `left`.

    unused: the constructors that may be named, once each; some may have no open goal.
    """
    goals = []
    for alt in alts:
        for name, _, _ in alt.lhs:
            key = last_part(name)
            mine = [key] if key in unused else []
            if name == "_":
                mine = list(left)
            elif not mine:
                raise LeanError(f"Invalid alternative name `{name}`: Expected "
                                + (" or ".join(f"`{ctor}`" for ctor in left) or "none"), alt)
            unused = unused.difference(mine)
            for goal in U.flat(lambda ctor: left.pop(ctor, ()), mine):
                goals += run_alt(ctx, alt, goal)
    if left:
        raise LeanError(f"Alternative `{next(iter(left))}` has not been provided", stx)
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
        eq_name = "h✝" if eq_name == "_" else eq_name
        goal = U.generalize_term(ctx.meta, goal, e, name, eq_name)[1]
    return [goal]
