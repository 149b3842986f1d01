"""Closing a goal from contradictory hypotheses.

Follows Lean's `Lean/Meta/Tactic/Contradiction.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.build import FALSE
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_elim import split_hyp
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, MVar, Pi

MAX_CTORS = 4  # of a type whose cases are tried


@goal_tactic("contradiction")
def contradiction(ctx, goal, stx):
    if not close_contradiction(ctx.meta, goal):
        raise LeanError(f"Tactic `contradiction` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
    return []


def close_contradiction(meta, goal: int) -> bool:
    """Closes the goal from contradictory hypotheses; False if there are none."""
    decls = U.hypotheses(meta, goal)
    for d in decls:
        ty = meta.inst(d.type)
        w = meta.whnf(ty)
        proof = _refute_negation(meta, d, ty, decls) or _refute_negation(meta, d, w, decls) \
            or _refute_cases(meta, d, w)
        if proof is not None:
            meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), proof))
            return True
    return False


def _refute_negation(meta, d, ty, decls):
    """False from d : ¬p (in one of its forms) and p, which is a hypothesis or a = a; or None."""
    if is_app_of(ty, "Ne", 3):
        p = tm.mk_app(Const("Eq", tm.get_app_fn(ty).levels), *tm.get_app_fn_args(ty)[1])
    elif is_app_of(ty, "Not", 1):
        p = ty.arg
    elif type(ty) is Pi and ty.body is FALSE:
        p = ty.type
    else:
        return None
    mark = meta.save()
    for other in decls:
        if other is not d and meta.is_def_eq(other.type, p):
            return App(d.fvar, other.fvar)
        meta.restore(mark)
    parts = meta.eq_parts(p)
    if parts is not None and meta.is_def_eq(parts[1], parts[2]):
        return App(d.fvar, meta.mk_eq_refl(parts[1]))
    return None


def _refute_cases(meta, d, ty):
    """False from d : ty if none of its cases is possible (False, 0 = 1, n + 1 ≤ 0); or None."""
    found = meta.inductive_of(ty)
    if found is None or len(found[0].ctors) > MAX_CTORS or (found[0].ctors and not found[3]):
        return None
    mark = meta.save()
    goal = meta.mk_goal(FALSE)
    try:
        if not split_hyp(meta, goal, d):
            return meta.inst(MVar(goal))
    except (LeanError, Declined):
        pass
    meta.restore(mark)
    return None
