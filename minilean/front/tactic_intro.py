"""intro, have, let, show, change, revert, clear: the context and the shape of the goal.

Follows Lean's `Lean/Elab/Tactic/{BuiltinTactic,ElabTerm}.lean` and the macros of
`Init/Tactics.lean` (`have` is `refine_lift have …; ?_`, `show` looks for the first goal that fits).

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import attempt, goal_tactic, on_main, on_places, rename_hyps
from minilean.front.tactic_apply import blocks, refine_goal, unified_type
from minilean.front.tactic_cases import intro_pattern, pattern_of_term, rcases
from minilean.kernel.term import Let, MVar, Pi


@U.tactic("intro")
def intro(ctx, stx, pats, alts):
    if alts is not None:  # intro and match
        fun = S.FunMatch(stx.pos, stx.end, blocks(alts))
        return on_main(ctx, lambda goal: refine_goal(ctx, goal, fun))
    for pat in pats or [S.Hole(stx.pos, stx.end)]:
        on_main(ctx, intro_one, ctx, pat)


def intro_one(goal: int, ctx, pat) -> list[int]:
    """The goal after introducing a binder as a name, `_` or a pattern with one case."""
    if isinstance(pat, S.Ident):
        return [U.intro1(ctx.meta, goal, pat.name)[1]]
    goals = untagged(ctx, goal, intro_pattern(ctx, goal, pattern_of_term(pat)))
    if len(goals) != 1:
        raise Declined("intro with a pattern of several cases", pat)
    return goals


def untagged(ctx, goal: int, goals) -> list[int]:
    """The new goals; the first has the tag of the old one (a `match` adds none)."""
    for new in goals[:1]:
        ctx.meta.decls[new].name = ctx.meta.decls[goal].name
    return goals


@goal_tactic("intros")
def intros(ctx, goal, stx, names):
    meta, names, every = ctx.meta, list(names), not names
    while names or every and type(meta.whnf_core(meta.goal_type(goal))) in (Pi, Let):
        goal = U.intro1(meta, goal, names.pop(0) if names else None)[1]
    return [goal]


def ids_of(ctx, goal: int, idents) -> list[int]:
    """The ids of the hypotheses that are named."""
    return [U.find_hyp(ctx.meta, goal, x.name, x).id for x in idents]


@goal_tactic("revert")
def revert(ctx, goal, stx, idents):
    deps = U.dependents(ctx.meta, goal, ids_of(ctx, goal, idents))
    return [U.revert(ctx.meta, goal, deps)]


@goal_tactic("clear")
def clear(ctx, goal, stx, idents):
    meta, ids = ctx.meta, ids_of(ctx, goal, idents)
    new = U.try_clear(meta, goal, [d.id for d in meta.lctx.decls if d.id in ids])
    if any(i in meta.decls[new].lctx for i in ids):
        raise U.tactic_error(meta, "clear", goal, "something depends on a hypothesis")
    return [new]


@goal_tactic("rename")
def rename(ctx, goal, stx, kind, name):
    meta = ctx.meta
    ty = ctx.elab.type_term(kind)
    for d in reversed(U.hypotheses(meta, goal)):
        if meta.is_def_eq(ty, d.type):
            return [rename_hyps(meta, goal, {d.id: name})]
    raise LeanError("Failed to find a hypothesis with type\n  " + meta.pp(ty), stx)


# --- have, let, suffices --------------------------------------------------------------------------


@goal_tactic("have", "let")
def have(ctx, goal, stx, name, binders, kind, value, pattern):
    meta, hole = ctx.meta, S.SynthHole(stx.end, stx.end)
    if value is None:
        raise Declined(f"`{stx.kind}` without a value", stx)
    if pattern is not None:  # `have ⟨x, h⟩ := e`: like obtain
        args = (None, value), pattern_of_term(pattern), kind
        return untagged(ctx, goal, ctx.focus(goal, rcases, ctx, stx, *args))
    if stx.kind == "have":
        node = S.Have(stx.pos, stx.end, name, binders, kind, value, hole)
        return refine_goal(ctx, goal, node, "refine_lift")
    e, ty = ctx.elab._let_value(S.Let(stx.pos, stx.end, name, binders, kind, value, hole))
    ctx.elab.synthesize("no")
    h = meta.mk_local(name or "this", meta.inst(ty), value=meta.inst(e))
    return [U.add_locals(meta, goal, [h], [])]


@goal_tactic("suffices")
def suffices(ctx, goal, stx, name, kind, value):
    hole = S.SynthHole(stx.end, stx.end)
    if value is None:
        ty = ctx.elab.elab_type(kind)
        sub = ctx.meta.mk_goal(ty)
        return [U.assert_hyp(ctx.meta, goal, name or "this", ty, MVar(sub))[1], sub]
    node = S.Suffices(stx.pos, stx.end, name, kind, value, hole)
    return refine_goal(ctx, goal, node, "refine_lift")


# --- show, change ---------------------------------------------------------------------------------


@U.tactic("show")
def show(ctx, stx, kind, value):
    """`show T` picks the first goal that T unifies with; `show T from e` closes the goal."""
    if value is not None:
        node = S.Show(stx.pos, stx.end, kind, value)
        return on_main(ctx, lambda goal: refine_goal(ctx, goal, node))
    ctx.prune()
    goals = ctx.goals

    def pick(goal):
        ctx.goals = [goal, *[g for g in goals if g != goal]]
        change(ctx, stx, kind, None)
    if not any(attempt(ctx, pick, goal) for goal in goals):
        pick(ctx.main())


@U.tactic("change")
def change(ctx, stx, kind, loc):
    on_places(ctx, loc, lambda goal, d, old: [
        U.replace_at(ctx.meta, goal, d, unified_type(ctx, stx.kind, kind, old))])
