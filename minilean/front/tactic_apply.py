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
from minilean.front.tactic import on_main
from minilean.front.tactic_util import append_tag, tactic, tactic_error
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, Const, MVar, Pi


def elab(ctx, stx, expected=None):
    """The term for stx; `_` and `?_` may not remain (Lean's elabTermEnsuringType in `exact`)."""
    ctx.elab.err_to_sorry = ctx.recover
    e, goals = ctx.elab.elab_with_holes(stx, expected)
    if goals:
        ctx.elab.error_unassigned(goals[0], stx)
    return e


def elab_holes(ctx, stx, expected, parent_tag: str, suffix: str, allow_natural=False):
    """(term, new goals) for refine-like tactics, the goals tagged as Lean tags them."""
    ctx.elab.err_to_sorry = ctx.recover
    e, goals = ctx.elab.elab_with_holes(stx, expected, allow_natural)
    meta = ctx.meta
    unnamed = [g for g in goals if not meta.decls[g].name]
    for i, g in enumerate(unnamed):
        if len(unnamed) == 1:
            meta.decls[g].name = parent_tag
        else:
            meta.decls[g].name = append_tag(parent_tag, f"{suffix}_{i + 1}")
    return e, goals


@tactic("exact")
def exact(ctx, stx, term):
    def go(goal):
        ctx.meta.assign_mvar(goal, elab(ctx, term, ctx.meta.goal_type(goal)))
        return []
    on_main(ctx, go)


@tactic("refine", "refine'")
def refine(ctx, stx, term):
    def go(goal):
        meta = ctx.meta
        e, goals = elab_holes(ctx, term, meta.goal_type(goal), meta.decls[goal].name, "refine",
                              stx.kind == "refine'")
        if goal in goals:
            raise tactic_error(meta, "refine", goal, "occurs check")
        meta.assign_mvar(goal, e)
        return goals
    on_main(ctx, go)


@tactic("assumption")
def assumption(ctx, stx):
    def go(goal):
        e = find_assumption(ctx.meta, goal)
        if e is None:
            raise LeanError(f"Tactic `assumption` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
        ctx.meta.assign_mvar(goal, e)
        return []
    on_main(ctx, go)


def find_assumption(meta, goal: int):
    """The newest hypothesis whose type is definitionally equal to the target, or None."""
    ty = meta.goal_type(goal)
    decls = meta.decls[goal].lctx.decls
    for d in reversed(decls):
        if d.type is ty and not d.hidden:
            return d.fvar
    for d in reversed(decls):
        if d.hidden:
            continue
        mark = meta.save()
        if meta.is_def_eq(ty, d.type):
            return d.fvar
        meta.restore(mark)
    return None


@tactic("apply")
def apply(ctx, stx, term):
    def go(goal):
        e, extra = elab_for_apply(ctx, term)
        return apply_term(ctx.meta, goal, e, extra)
    on_main(ctx, go)


def elab_for_apply(ctx, term):
    """(function, holes it contains): an identifier is taken without its implicit arguments."""
    ctx.elab.err_to_sorry = False
    bare = term
    while isinstance(bare, S.Paren):
        bare = bare.term
    if isinstance(bare, S.Ident):
        options = ctx.elab.resolve_fn(bare)
        if len(options) == 1 and not options[0][1]:
            return options[0][0], []
    meta = ctx.meta
    before = meta.fresh_mark()
    e = ctx.elab.elab_term(term, None)
    extra = []
    for i in meta.mvars_in(e):
        if i >= before:
            meta.decls[i].kind = "opaque" if meta.decls[i].kind == "opaque" else "natural"
            extra.append(i)
    return e, extra


def count_pis(meta, ty) -> int:
    """Number of binders of a type, unfolding definitions (expectedTypeArity)."""
    n = 0
    while True:
        if type(ty) is not Pi:
            ty = meta.whnf(meta.inst(ty)) if not ty.loose else ty
            if type(ty) is not Pi:
                return n
        ty = ty.body
        n += 1
        if ty.loose:
            while type(ty) is Pi:
                ty = ty.body
                n += 1
            if ty.loose:
                return n + _hidden_pis(meta, ty)


def _hidden_pis(meta, ty) -> int:
    """Binders hidden behind a definition such as `¬` or `≠` at the end of a type."""
    f = tm.get_app_fn(ty)
    if type(f) is Const and f.name in ("Not", "Ne"):
        return 1
    return 0


def apply_term(meta, goal: int, e, extra=()) -> list[int]:
    """The new goals of `apply e`: independent ones first. Raises LeanError when it cannot unify."""
    target = meta.goal_type(goal)
    e_type = meta.inst(meta.infer(e))
    arity, target_arity = count_pis(meta, e_type), count_pis(meta, target)
    f = tm.get_app_fn(_result(e_type))
    start = 0 if type(f) in (MVar, tm.BVar) or arity < target_arity else arity - target_arity
    first_error = None
    mark = meta.save()
    for n in range(start, max(arity, start) + 1):
        mvars, infos, result = meta.forall_meta(e_type, max=n)
        if len(mvars) < n:
            break
        if meta.is_def_eq(target, result):
            return _finish_apply(meta, goal, e, mvars, infos, extra)
        meta.restore(mark)
        if first_error is None:
            first_error = result
    mvars, infos, result = meta.forall_meta(e_type, max=start)
    raise tactic_error(meta, "apply", goal, "could not unify the "
                       f"{'conclusion' if mvars else 'type'} of {_described(meta, e)}\n"
                       f"  {meta.pp(result)}\nwith the goal\n  {meta.pp(target)}")


def _described(meta, e) -> str:
    return f"`{meta.pp(e)}`" if type(e) is not Const else f"`@{meta.pp(e)}`"


def _result(ty):
    while type(ty) is Pi:
        ty = ty.body
    return ty


def _finish_apply(meta, goal, e, mvars, infos, extra) -> list[int]:
    parent = meta.decls[goal].name
    for m, info in zip(mvars, infos, strict=True):
        if info == "inst" and not meta.is_assigned(m.id):
            ty = meta.inst(meta.decls[m.id].type)
            value = meta.synth_inst(ty)
            if value is None:
                raise LeanError(f"failed to synthesize instance of type class\n  {meta.pp(ty)}")
            if not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, value)
    meta.assign_mvar(goal, tm.mk_app(e, *mvars))
    new = [m.id for m in mvars if not meta.is_assigned(m.id)]
    for i in new:
        d = meta.decls[i]
        d.type = meta.inst(d.type)
        d.name = parent if len(mvars) == 1 else append_tag(parent, d.name)
    goals = order_goals(meta, new)
    for i in extra:
        if not meta.is_assigned(i) and i not in goals:
            goals.append(i)
    return goals


def order_goals(meta, new) -> list[int]:
    """Goals that no other goal's type mentions first, then the others (nonDependentFirst)."""
    needed = set()
    for i in new:
        ty = meta.decls[i].type
        if ty.flags & MVAR:
            needed.update(j for j in meta.mvars_in(ty) if j != i)
    return [i for i in new if i not in needed] + [i for i in new if i in needed]


@tactic("specialize")
def specialize(ctx, stx, term):
    def go(goal):
        meta = ctx.meta
        head = term
        while isinstance(head, S.App | S.Paren):
            head = head.fn if isinstance(head, S.App) else head.term
        d = meta.lctx.find(head.name) if isinstance(head, S.Ident) else None
        if d is None:
            raise LeanError("'specialize' requires a term of the form `h x_1 .. x_n` where `h` "
                            "appears in the local context", stx)
        ctx.elab.err_to_sorry = ctx.recover
        e, goals = elab_holes(ctx, term, None, meta.decls[goal].name, "specialize")
        h, new = U.assert_hyp(meta, goal, d.name, meta.inst(meta.infer(e)), e)
        return [U.try_clear(meta, new, [d.id]), *goals]
    on_main(ctx, go)
