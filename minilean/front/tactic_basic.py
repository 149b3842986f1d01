"""Goals by their head: rfl, assumption, contradiction, decide, constructor, by_cases, congr, ext.

Follows Lean's `Lean/Meta/Tactic/{Assumption,Constructor,Congr,Refl}.lean`, `Init/Ext.lean` and
`Lean/Elab/Tactic/Decide.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import head_name
from minilean.front.tactic import attempt, goal_tactic, on_each, script
from minilean.front.tactic_cases import close_contradiction
from minilean.kernel import term as tm

# --- tactics that close the goal ------------------------------------------------------------------


def close_by_rfl(meta, goal: int) -> bool:
    """Closes a goal R a a by a @[refl] lemma; the goal is unfolded until its head R has one."""
    ty, table = meta.goal_type(goal), meta.ext.refl_lemmas
    if head_name(ty) not in table:
        with meta.transparency("reducible"):
            ty = meta.whnf(ty)
    for lemma in table.get(head_name(ty), ()):
        e = meta.mk_const(lemma)
        mvars, _, result = meta.forall_meta(meta.infer(e))
        if meta.is_def_eq(ty, result):
            meta.assign_mvar(goal, tm.mk_app(e, *mvars))
            return True
    return False


def close_by_decide(meta, goal: int) -> bool:
    """Closes a goal without variables by evaluating its Decidable instance to isTrue."""
    p = meta.goal_type(goal)
    found = None if p.flags & (tm.FVAR | tm.MVAR) else U.decide(meta, p)
    if found is None or not found[0]:
        return False
    meta.assign_mvar(goal, found[1])
    return True


CLOSERS = {"assumption": U.close_by_assumption, "contradiction": close_contradiction,
           "decide": close_by_decide, "rfl": close_by_rfl}


@goal_tactic(*CLOSERS)
def close(ctx, goal, stx):
    if not CLOSERS[stx.kind](ctx.meta, goal):
        raise LeanError(f"Tactic `{stx.kind}` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
    return []


# --- cases ----------------------------------------------------------------------------------------


@goal_tactic("constructor", "left", "right")
def constructor(ctx, goal, stx):
    """The first constructor that fits; `left` and `right`: one of two."""
    found = ctx.meta.inductive_of(ctx.meta.goal_type(goal))
    ctors = [] if found is None else found[0].ctors
    if stx.kind != "constructor":
        ctors = [ctors[stx.kind == "right"]] if len(ctors) == 2 else []
    if not ctors:
        raise U.tactic_error(ctx.meta, stx.kind, goal, "no constructor to apply")
    return ctx.focus(goal, script, ctx, stx, "first | apply " + " | apply ".join(ctors))


@goal_tactic("by_cases")
def by_cases(ctx, goal, stx, name, term):
    meta = ctx.meta
    p = ctx.elab.elab_term(term, tm.PROP)
    inst = meta.synth_inst(tm.App(tm.Const("Decidable"), p)) or tm.App(
        tm.Const("Classical.propDecidable"), p)
    return [new for _, new in cases_on_prop(meta, goal, p, inst, ("pos", "neg"), name)]


def cases_on_prop(meta, goal: int, p, inst, tags, name=None):
    """[(hypothesis, goal)] with p and with ¬p as a hypothesis, which inst decides."""
    target = meta.goal_type(goal)
    fn = tm.mk_app(tm.Const("dite", (meta.sort_level(target),)), target, p, inst)
    return [U.intro1(meta, g, U.chosen(name, "h")) for g in U.apply_cases(meta, goal, fn, tags)]


# --- equations ------------------------------------------------------------------------------------


@goal_tactic("congr")
def congr(ctx, goal, stx, depth):
    meta = ctx.meta
    if meta.eq_parts(meta.goal_type(goal)) is None:
        raise Declined("congr on a goal that is no equation", stx)
    goals = ctx.focus(goal, congr_main, ctx, stx, depth)
    for new in goals:
        meta.decls[new].name = meta.decls[goal].name
    return goals


def congr_main(ctx, stx, depth) -> None:
    """Goals a = b for the arguments that differ; closes what rfl or a hypothesis closes."""
    script(ctx, stx, "try first | with_reducible rfl | assumption")
    if ctx.goals and depth != 0 and attempt(ctx, split_application, ctx, stx):
        on_each(ctx, congr_main, ctx, stx, depth and depth - 1)
    else:
        script(ctx, stx, "try first | rfl | assumption")


def split_application(ctx, stx) -> None:
    """Goals xᵢ = yᵢ for f x… = f y…. LeanError when heads differ or an argument is dependent."""
    script(ctx, stx, "refine congr ?_ ?_")
    fn, arg = ctx.goals
    if not attempt(ctx, script, ctx, stx, "exact rfl"):
        ctx.goals = [*ctx.focus(fn, split_application, ctx, stx), arg]


@U.tactic("funext")
def funext(ctx, stx, names):
    for name in names or ["_"]:
        script(ctx, stx, "refine funext fun name => ?_", name=name)


@U.tactic("ext")
def ext(ctx, stx, names):
    """`ext x …` for functions and propositions; other @[ext] lemmas are declined."""
    meta, names, start = ctx.meta, [*names], ctx.main()
    while parts := meta.eq_parts(meta.goal_type(ctx.main())):
        ty = meta.whnf(parts[0])
        if head_name(ty) in meta.ext.structures:
            raise Declined("ext at a structure", stx)
        if type(ty) is tm.Pi:
            funext(ctx, stx, [names.pop(0)] if names else [])
        elif ty is tm.PROP:
            script(ctx, stx, "refine propext ?_")
        else:
            break
    if ctx.main() == start:
        raise LeanError("No applicable extensionality theorem found", stx)
