"""exact, refine, calc, specialize, apply: goals by a term.

Follows Lean's `Lean/Elab/Tactic/ElabTerm.lean` and `Lean/Meta/Tactic/Apply.lean`:
`apply` tries fewer arguments first, new goals that no other goal mentions come first, tags come
from binder names.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import goal_tactic
from minilean.kernel import term as tm


def elab(ctx, stx, expected=None):
    """The term for stx; `_` and `?_` may not remain (Lean's elabTermEnsuringType in `exact`)."""
    e, goals = ctx.elab.elab_with_holes(stx, expected)
    if goals:
        raise ctx.elab.unassigned(goals[0], stx)
    return e


def unified_type(ctx, name: str, kind, old):
    """The type that the syntax `kind` says. LeanError unless it is definitionally equal to old."""
    meta = ctx.meta
    ty = ctx.elab.type_term(kind)
    meta.is_def_eq(ty, old)
    ctx.elab.synthesize("no")
    ty = meta.inst(ty)
    if not meta.is_def_eq(ty, old):
        raise LeanError(f"'{name}' tactic failed, pattern\n  {meta.pp(ty)}\nis not "
                        f"definitionally equal to target\n  {meta.pp(old)}", kind)
    return meta.inst(ty)


# --- terms as tactics -----------------------------------------------------------------------------


def refine_goal(ctx, goal: int, term) -> list[int]:
    """The goals that the holes of a term for the goal leave, tagged as Lean tags them."""
    e, goals = ctx.elab.elab_with_holes(term, ctx.meta.goal_type(goal))
    ctx.meta.assign_mvar(goal, e)
    decls = ctx.meta.decls
    tag, unnamed = decls[goal].name, [g for g in goals if not decls[g].name]
    for i, g in enumerate(unnamed, 1):
        decls[g].name = tag if len(unnamed) == 1 else U.append_tag(tag, f"refine_{i}")
    return goals


goal_tactic("refine")(lambda ctx, goal, stx, term: refine_goal(ctx, goal, term))


@goal_tactic("calc")
def calc(ctx, goal, stx, term):
    if ctx.elab.recorder is not None:  # Lean lists the steps by themselves, too
        ctx.elab.recorder(ctx, S.Tactic(term.pos, stx.end, "calcSteps"), [])
    return refine_goal(ctx, goal, term)


@goal_tactic("exact")
def exact(ctx, goal, stx, term):
    ctx.meta.assign_mvar(goal, elab(ctx, term, ctx.meta.goal_type(goal)))
    return []


@goal_tactic("specialize")
def specialize(ctx, goal, stx, term):
    meta, head = ctx.meta, term.fn if isinstance(term, S.App) else term
    d = U.find_hyp(meta, goal, getattr(head, "name", "_"), head)
    e, goals = ctx.elab.elab_with_holes(term, None)
    if goals:
        raise Declined("specialize with holes", stx)
    new = U.assert_hyp(meta, goal, d.name, meta.inst(meta.infer(e)), e)[1]
    return [U.try_clear(meta, new, [d.id])]


# --- apply ----------------------------------------------------------------------------------------


@goal_tactic("apply")
def apply(ctx, goal, stx, term):
    return apply_term(ctx.meta, goal, *elab_for_apply(ctx, term))


def elab_for_apply(ctx, term):
    """(function, holes it contains): an identifier is taken without its implicit arguments."""
    meta, elab = ctx.meta, ctx.elab
    elab.err_to_sorry = False
    if isinstance(term, S.Ident):
        options = elab.resolve_fn(term)
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
    if type(tm.get_app_fn(result)) is not tm.MVar:
        fewest = max(0, arity - len(meta.forall_locals(target)[0]))
    for n in range(fewest, arity + 1):
        mvars, infos, result = meta.forall_meta(e_type, max=n)
        if meta.is_def_eq(target, result):
            return finish_apply(meta, goal, e, mvars, infos, extra)
    result = meta.forall_meta(e_type, max=fewest)[2]
    what = "conclusion" if fewest else "type"
    shown = ("@" if type(e) is tm.Const else "") + meta.pp(e)
    raise U.tactic_error(meta, "apply", goal, f"could not unify the {what} of `{shown}`\n"
                         f"  {meta.pp(result)}\nwith the goal\n  {meta.pp(target)}")


def finish_apply(meta, goal: int, e, mvars, infos, extra=()) -> list[int]:
    """Closes the goal with e applied to mvars; those still open, then `extra`, become goals."""
    goals, tag = open_goals(meta, mvars, infos), meta.decls[goal].name
    meta.assign_mvar(goal, tm.mk_app(e, *mvars))
    for i in goals:
        meta.decls[i].name = tag if len(mvars) == 1 else U.append_tag(tag, meta.decls[i].name)
    return goals + [i for i in extra if not meta.is_assigned(i) and i not in goals]


def open_goals(meta, mvars, infos, extra=()) -> list[int]:
    """The arguments of a rule that are still open, instances synthesized; those that no other
    mentions come first (Lean's nonDependentFirst). LeanError when there is no instance.
    """
    for m, info in zip(mvars, infos, strict=True):
        if info == "inst" and not meta.is_assigned(m.id):
            value = meta.synth_inst(meta.inst(meta.decls[m.id].type))
            if value is None:
                raise LeanError("failed to synthesize an instance that the rule needs")
            meta.assign_mvar(m.id, value)
    goals = dict.fromkeys([*[m.id for m in mvars], *extra])
    goals = [i for i in goals if not meta.is_assigned(i)]
    needed = set()
    for i in goals:
        meta.decls[i].type = meta.inst(meta.decls[i].type)
        needed.update(j for j in meta.mvars_in(meta.decls[i].type) if j != i)
    return sorted(goals, key=needed.__contains__)
