"""intro, have, let, show, change, revert, clear: the context and the shape of the goal.

Follows Lean's `Lean/Elab/Tactic/{BuiltinTactic,ElabTerm}.lean` and the macros of
`Init/Tactics.lean` (`have` is `refine_lift have …; ?_`, `show` looks for the first goal that fits).

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import LeanError
from minilean.front.tactic import attempt, goal_tactic, on_main, on_places, rename_hyps, script
from minilean.front.tactic_apply import refine_goal, unified_type
from minilean.kernel.term import Let, Pi


@U.tactic("intro")
def intro(ctx, stx, pats, fun):
    if fun is not None:  # intro and match
        return script(ctx, stx, "refine fun", fun=fun)
    for pat in pats or [S.Hole(stx.pos, stx.end)]:
        on_main(ctx, intro_one, ctx, stx, pat)


def intro_one(goal: int, ctx, stx, pat) -> list[int]:
    """The goals after introducing a binder as a name, `_`, with a type, or as a pattern."""
    meta, typed = ctx.meta, isinstance(pat, S.Ascription) and isinstance(pat.term, S.Ident)
    name = pat.term if typed else pat
    d, goal = U.intro1(meta, goal, getattr(name, "name", None))
    if typed:
        return ctx.focus(goal, script, ctx, stx, "change kind at name", name=name, kind=pat.type)
    if isinstance(pat, S.Ident | S.Hole):
        return [goal]
    text = "refine match x with | pat => ?_"
    return [U.try_clear(meta, new, [d.id])
            for new in ctx.focus(goal, script, ctx, stx, text, x=d.fvar, pat=pat)]


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


@goal_tactic("let")
def let(ctx, goal, stx, term):
    meta = ctx.meta
    if term.pattern is not None:
        return refine_goal(ctx, goal, term)
    e, ty = ctx.elab._let_value(term)
    ctx.elab.synthesize("no")
    h = meta.mk_local(term.name or "this", meta.inst(ty), value=meta.inst(e))
    return [U.add_locals(meta, goal, [h], [])]


@U.tactic("suffices")
def suffices(ctx, stx, name, kind, value):
    """With `from` or `by` as in Lean; else as Mathlib extends it: what is enough comes second."""
    text = "refine suffices name : kind from value; ?_"
    if value is None:
        text = "refine suffices name : kind from ?_; ?name"
    script(ctx, stx, text, name=name or "this", kind=kind, value=value)


# --- show, change ---------------------------------------------------------------------------------


@U.tactic("show")
def show(ctx, stx, kind, value):
    """`show T` picks the first goal that T unifies with; `show T from e` closes the goal."""
    if value is not None:
        return script(ctx, stx, "refine show kind from value", kind=kind, value=value)
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
