"""cases, induction and generalize, with their alternatives.

Follows Lean's `Lean/Elab/Tactic/{Induction,Generalize}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import close_or_admit, goal_tactic, run_tactic
from minilean.front.tactic_elim import last_part, split_hyp
from minilean.front.tactic_subst import is_free_var
from minilean.front.tactic_util import tactic
from minilean.kernel import term as tm


def target_hyp(ctx, goal: int, name, term):
    """(hypothesis, goal) for the major premise `name : term`."""
    ctx.elab.err_to_sorry = False
    e = ctx.meta.inst(ctx.elab.elab_term(term, None))
    if e.flags & tm.MVAR:
        raise Declined("cases/induction on a term with holes", term)
    return hyp_of_term(ctx.meta, goal, e, eq_name="h✝" if name == "_" else name)


def hyp_of_term(meta, goal: int, e, ty=None, name="x✝", eq_name=None):
    """(hypothesis, goal) for the term e (of type ty, if given).

    A variable stands for itself, a proof becomes a new hypothesis, other terms are generalized.
    """
    if ty is None and eq_name is None and is_free_var(meta, goal, e):
        return meta.lctx.get(e.id), goal
    if ty is None:
        ty = meta.inst(meta.infer(e))
    if eq_name is None and meta.is_prop(ty):
        return U.assert_hyp(meta, goal, name, ty, e)
    return U.generalize_term(meta, goal, e, name, eq_name)


@tactic("cases")
def cases(ctx, stx, targets, using, alts, before):
    induction(ctx, stx, targets, using, [], alts, before)


@goal_tactic("induction")
def induction(ctx, goal, stx, targets, using, general, alts, before):
    if using is not None:
        raise Declined(f"{stx.kind} … using", stx)
    if len(targets) != 1:
        raise Declined(f"{stx.kind} on several terms", stx)
    meta, inductive = ctx.meta, stx.kind == "induction"
    h, goal = target_hyp(ctx, goal, *targets[0])
    with meta.with_goal(goal):
        reverted = generalized(meta, goal, h, general, stx) if inductive else []
        goal = U.revert(meta, goal, reverted)
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, h, alt_names(alts), inductive)
    for b in branches:
        b.goal = U.reintro(meta, b.goal, reverted)[1]
    if before is not None:
        branches = run_before(ctx, before, branches)
    if alts is None:
        return [b.goal for b in branches]
    ctors = [last_part(ctor) for ctor in meta.inductive_of(h.type)[0].ctors]
    return run_alts(ctx, stx, branches, alts, ctors, before is not None)


def generalized(meta, goal: int, h, general, stx):
    """What the induction hypotheses quantify over: `generalizing`, what depends on h or these."""
    extra = [U.find_hyp(meta, goal, x.name, x) for x in general]
    if any(x.id == h.id for x in extra):
        raise LeanError(f"variable cannot be generalized because it is the target: {h.name}")
    wanted = [x.id for x in [*extra, *U.dependents(meta, goal, [h.id])] if x.id != h.id]
    found = U.dependents(meta, goal, wanted)
    if any(x.id == h.id for x in found):
        raise LeanError("variable cannot be generalized because the induction target depends "
                        f"on it: {extra[0].name}", stx)
    return found


def alt_names(alts):
    """ctor -> the variable names its alternative gives (None: no alternatives written)."""
    table = {}
    for alt in alts or ():
        for name, names, explicit in alt.lhs:
            table[last_part(name)] = ["@", *names] if explicit else names
    rest = table.get("_", ())
    return lambda ctor: table.get(last_part(ctor), rest)


def run_before(ctx, before, branches):
    """The branches that `before` leaves open (`cases h with simp | …`)."""
    left = []
    for b in branches:
        goals = ctx.focus(b.goal, run_tactic, ctx, before)
        if len(goals) > 1:
            raise Declined("several goals from the tactic before the alternatives")
        if goals:
            b.goal = goals[0]
            left.append(b)
    return left


def run_alts(ctx, stx, branches, alts, ctors, some_closed: bool) -> list[int]:
    """Goals left by the alternatives. Raises LeanError unless they fit the branches.

    ctors: the names that may stand there; some_closed: branches of others may be closed already.
    """
    named = {last_part(b.ctor): b for b in branches}
    left, goals = dict(named), []
    for alt in alts:
        for name, names, explicit in alt.lhs:
            key = last_part(name)
            if name == "_":
                for b in left.values():
                    goals += run_alt(ctx, alt, b)
                left = {}
            elif key in left:
                b = left.pop(key)
                room = len(b.decls) if explicit else b.explicit
                if len(names) > room:
                    raise LeanError(f"Too many variable names provided at alternative `{key}`: "
                                    f"{len(names)} provided, but {room} expected", alt)
                goals += run_alt(ctx, alt, b)
            elif key not in ctors:
                raise LeanError(f"Invalid alternative name `{name}`: Expected "
                                + " or ".join(f"`{ctor}`" for ctor in ctors), alt)
            elif key in named:
                raise LeanError(f"Duplicate alternative name `{name}`", alt)
            elif not some_closed:
                raise LeanError(f"Alternative `{name}` is not needed", alt)
    if left:
        raise LeanError(f"Alternative `{next(iter(left))}` has not been provided", stx)
    return goals


def run_alt(ctx, alt, branch) -> list[int]:
    """Goals left by one alternative: none for a tactic block, the hole for `?_`."""
    d = ctx.meta.decls[branch.goal]
    if isinstance(alt.rhs, S.TacSeq):
        d.name = ""
        return close_or_admit(ctx, alt, branch.goal, alt.rhs)
    if isinstance(alt.rhs, S.SynthHole) and alt.rhs.name:
        d.name = alt.rhs.name
    return [branch.goal]


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
