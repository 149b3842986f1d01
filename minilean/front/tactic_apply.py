"""exact, refine, apply, assumption, specialize: tactics that are given a term.

Follows Lean's `Lean/Elab/Tactic/ElabTerm.lean` and `Lean/Meta/Tactic/{Apply,Assumption}.lean`:
`apply` tries fewer arguments first, new goals that no other goal mentions come first, tags come
from binder names.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import LeanError
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_util import append_tag, tactic_error
from minilean.kernel import term as tm
from minilean.kernel.term import Const, MVar


def elab(ctx, stx, expected=None):
    """The term for stx; `_` and `?_` may not remain (Lean's elabTermEnsuringType in `exact`)."""
    e, goals = ctx.elab.elab_with_holes(stx, expected)
    if goals:
        raise ctx.elab.unassigned(goals[0], stx)
    return e


def elab_holes(ctx, goal: int, stx, expected, suffix: str):
    """(term, new goals) for refine-like tactics, the goals tagged as Lean tags them."""
    e, goals = ctx.elab.elab_with_holes(stx, expected)
    decls = ctx.meta.decls
    tag, unnamed = decls[goal].name, [g for g in goals if not decls[g].name]
    for i, g in enumerate(unnamed, 1):
        decls[g].name = tag if len(unnamed) == 1 else append_tag(tag, f"{suffix}_{i}")
    return e, goals


@goal_tactic("exact")
def exact(ctx, goal, stx, term):
    ctx.meta.assign_mvar(goal, elab(ctx, term, ctx.meta.goal_type(goal)))
    return []


@goal_tactic("refine")
def refine(ctx, goal, stx, term):
    return refine_goal(ctx, goal, term)


def refine_goal(ctx, goal: int, term, suffix="refine") -> list[int]:
    """The goals that the holes of a term for the goal leave."""
    meta = ctx.meta
    e, goals = elab_holes(ctx, goal, term, meta.goal_type(goal), suffix)
    if goal in goals:
        raise tactic_error(meta, "refine", goal, "occurs check")
    meta.assign_mvar(goal, e)
    return goals


@goal_tactic("assumption")
def assumption(ctx, goal, stx):
    e = find_assumption(ctx.meta, goal)
    if e is None:
        raise LeanError(f"Tactic `assumption` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
    ctx.meta.assign_mvar(goal, e)
    return []


def find_assumption(meta, goal: int):
    """A hypothesis that is the target, else the newest definitionally equal to it, or None."""
    ty = meta.goal_type(goal)
    decls = U.hypotheses(meta, goal)[::-1]
    for d in decls:
        if d.type is ty:
            return d.fvar
    for d in decls:
        mark = meta.save()
        if meta.is_def_eq(ty, d.type):
            return d.fvar
        meta.restore(mark)
    return None


@goal_tactic("apply")
def apply(ctx, goal, stx, term):
    return apply_term(ctx.meta, goal, *elab_for_apply(ctx, term))


def elab_for_apply(ctx, term):
    """(function, holes it contains): an identifier is taken without its implicit arguments."""
    meta, elab = ctx.meta, ctx.elab
    elab.err_to_sorry = False
    bare = term
    while isinstance(bare, S.Paren):
        bare = bare.term
    if isinstance(bare, S.Ident):
        options = elab.resolve_fn(bare)
        if len(options) == 1 and not options[0][1]:
            return options[0][0], []
    before = meta.fresh_mark()
    e = elab.elab_term(term, None)
    holes = [i for i in meta.mvars_in(e) if i >= before]
    for i in holes:
        if meta.decls[i].kind != "opaque":
            meta.decls[i].kind = "natural"
    return e, holes


def apply_term(meta, goal: int, e, extra=()) -> list[int]:
    """The new goals of `apply e`: independent ones first. Raises LeanError when it cannot unify."""
    target = meta.goal_type(goal)
    e_type = meta.inst(meta.infer(e))
    binders, result = meta.forall_locals(e_type)
    arity = fewest = len(binders)
    if type(tm.get_app_fn(result)) is not MVar:
        fewest = max(0, arity - len(meta.forall_locals(target)[0]))
    mark = meta.save()
    for n in range(fewest, arity + 1):
        mvars, infos, result = meta.forall_meta(e_type, max=n)
        if meta.is_def_eq(target, result):
            return finish_apply(meta, goal, e, mvars, infos, extra)
        meta.restore(mark)
    mvars, _, result = meta.forall_meta(e_type, max=fewest)
    shown = f"`@{meta.pp(e)}`" if type(e) is Const else f"`{meta.pp(e)}`"
    raise tactic_error(meta, "apply", goal, "could not unify the "
                       f"{'conclusion' if mvars else 'type'} of {shown}\n"
                       f"  {meta.pp(result)}\nwith the goal\n  {meta.pp(target)}")


def finish_apply(meta, goal: int, e, mvars, infos, extra=()) -> list[int]:
    """Closes the goal with e applied to mvars; those still open, then `extra`, become goals."""
    for m, info in zip(mvars, infos, strict=True):
        if info == "inst" and not meta.is_assigned(m.id):
            value = synth(meta, meta.inst(meta.decls[m.id].type))
            if not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, value)
    meta.assign_mvar(goal, tm.mk_app(e, *mvars))
    tag = meta.decls[goal].name
    new = [m.id for m in mvars if not meta.is_assigned(m.id)]
    for i in new:
        d = meta.decls[i]
        d.type = meta.inst(d.type)
        d.name = tag if len(mvars) == 1 else append_tag(tag, d.name)
    goals = order_goals(meta, new)
    return goals + [i for i in extra if not meta.is_assigned(i) and i not in goals]


def synth(meta, ty):
    """An instance of the class ty. Raises LeanError when there is none."""
    value = meta.synth_inst(ty)
    if value is None:
        raise LeanError(f"failed to synthesize instance of type class\n  {meta.pp(ty)}")
    return value


def order_goals(meta, new) -> list[int]:
    """Goals that no other goal's type mentions first, then the others (nonDependentFirst)."""
    needed = set()
    for i in new:
        needed.update(j for j in meta.mvars_in(meta.decls[i].type) if j != i)
    return sorted(new, key=lambda i: i in needed)


@goal_tactic("specialize")
def specialize(ctx, goal, stx, term):
    meta = ctx.meta
    head = term
    while isinstance(head, S.App | S.Paren):
        head = head.fn if isinstance(head, S.App) else head.term
    d = meta.lctx.find(head.name) if isinstance(head, S.Ident) else None
    if d is None:
        raise LeanError("'specialize' requires a term of the form `h x_1 .. x_n` where `h` "
                        "appears in the local context", stx)
    e, goals = elab_holes(ctx, goal, term, None, "specialize")
    _, new = U.assert_hyp(meta, goal, d.name, meta.inst(meta.infer(e)), e)
    return [U.try_clear(meta, new, [d.id]), *goals]
