"""congr, ext: an equation by equations between the arguments, or at every argument.

Follows Lean's `Lean/Meta/Tactic/Congr.lean` and `Init/Ext.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_apply as A
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.simp_main import congr_args
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_basic import close_rfl, funext
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm

ALL_THE_WAY = 1_000_000


@goal_tactic("congr")
def congr(ctx, goal, stx, depth):
    return congr_goals(ctx.meta, goal, ALL_THE_WAY if depth is None else depth)


def congr_goals(meta, goal: int, depth: int) -> list[int]:
    """Goals a = b for the arguments that differ; closes what rfl or a hypothesis closes."""
    with meta.transparency("reducible"):
        closed = close_rfl(meta, goal)
    if closed or A.close_by_assumption(meta, goal):
        return []
    if depth <= 0:
        return [goal]
    ty = meta.goal_type(goal)
    if is_app_of(meta.whnf_r(ty), "Iff", 2):
        return congr_goals(meta, A.apply_const(meta, goal, "Iff.of_eq")[0], depth)
    parts = meta.eq_parts(ty)
    if parts is None:
        raise U.tactic_error(meta, "congr", goal, "not an equality")
    goals = []
    for new in argument_goals(meta, goal, *parts[1:]):
        with meta.with_goal(new):
            goals += [new] if new == goal else congr_goals(meta, new, depth - 1)
    return goals


def argument_goals(meta, goal: int, a, b) -> list[int]:
    """Goals xᵢ = yᵢ of f x… = f y…; the goal itself when heads differ or an argument is dependent.
    """
    (f, xs), (g, ys) = tm.get_app_fn_args(a), tm.get_app_fn_args(b)
    if len(xs) != len(ys) or not xs or not meta.is_def_eq(f, g):
        return [goal]
    ty, steps = meta.infer(f), []
    for x, y in zip(xs, ys, strict=True):
        ty = meta.expect_pi(ty)
        same = meta.is_def_eq(x, y)
        if not same and has_loose_bvar(ty.body, 0):
            return [goal]
        steps.append(None if same else tm.MVar(
            meta.mk_goal(meta.mk_eq(x, y), meta.decls[goal].name, meta.decls[goal].lctx)))
        ty = tm.instantiate(ty.body, x)
    proof = congr_args(meta, f, xs, ys, steps)[1]
    meta.assign_mvar(goal, meta.mk_eq_refl(a) if proof is None else proof)
    return [step.id for step in steps if step is not None]


@goal_tactic("ext")
def ext(ctx, goal, stx, pats):
    """`ext x …` for functions and propositions; other @[ext] lemmas are declined."""
    meta = ctx.meta
    parts = meta.eq_parts(meta.goal_type(goal))
    if parts is None:
        raise LeanError("No applicable extensionality theorem found", stx)
    ty = meta.whnf(parts[0])
    if ty is tm.PROP:
        return A.apply_const(meta, goal, "propext")
    if type(ty) is not tm.Pi:
        raise Declined("ext at a structure or inductive type", stx)
    if pats and pats[0].kind != "one":
        raise Declined("ext with a pattern", stx)
    goals = ctx.focus(goal, funext, ctx, stx, [pat.name for pat in pats[:1]])
    if len(pats) == 1:
        return goals
    with meta.with_goal(goals[0]):
        parts = meta.eq_parts(meta.goal_type(goals[0]))
        more = parts is not None and type(meta.whnf(parts[0])) is tm.Pi
    return ctx.focus(goals[0], ext, ctx, stx, pats[1:]) if more else goals
