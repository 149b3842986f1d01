"""intro, have, let, show, change, revert, clear, match, calc: the context and the shape of the
goal.

Follows Lean's `Lean/Elab/Tactic/{BuiltinTactic,ElabTerm,Match,Calc}.lean` and the macros of
`Init/Tactics.lean` (`have` is `refine_lift have …; ?_`, `show` looks for the first goal that fits).

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import attempt, goal_tactic, on_main, rename_hyps
from minilean.front.tactic_apply import elab, exact, refine, refine_goal
from minilean.front.tactic_rcases import intro_pattern, obtain_value, pattern_of_term
from minilean.front.tactic_util import tactic, tactic_error
from minilean.kernel import term as tm
from minilean.kernel.term import MVar, Pi


@tactic("intro")
def intro(ctx, stx, pats, alts):
    if alts is not None:
        return intro_match(ctx, stx, alts)
    for pat in pats or [S.Hole(stx.pos, stx.end)]:
        on_main(ctx, lambda goal, pat=pat: [intro_one(ctx, goal, pat)])


def intro_one(ctx, goal: int, pat) -> int:
    """The goal after introducing a binder as a name, `_` or a pattern with one case."""
    if isinstance(pat, S.Ident):
        return U.intro1(ctx.meta, goal, pat.name)[1]
    tag = ctx.meta.decls[goal].name
    goals = intro_pattern(ctx, goal, pattern_of_term(pat))
    if len(goals) != 1:
        raise Declined("intro with a pattern of several cases", pat)
    ctx.meta.decls[goals[0]].name = tag
    return goals[0]


def intro_match(ctx, stx, alts):
    """`intro | p => tac | …`: intro and match."""
    names = [f"x{i}✝m" for i in range(len(alts[0].patterns[0]))]
    intros(ctx, stx, names)
    discrs = [(None, S.Ident(stx.pos, stx.end, name)) for name in names]
    match_tactic(ctx, stx, discrs, alts, None)


@goal_tactic("intros")
def intros(ctx, goal, stx, names):
    meta = ctx.meta
    for name in names:
        with meta.with_goal(goal):
            goal = U.intro1(meta, goal, name)[1]
    while not names and type(meta.whnf_core(meta.goal_type(goal))) in (Pi, tm.Let):
        with meta.with_goal(goal):
            goal = U.intro1(meta, goal)[1]
    return [goal]


@goal_tactic("revert")
def revert(ctx, goal, stx, idents):
    ids = [U.find_hyp(ctx.meta, goal, x.name, x).id for x in idents]
    return [U.revert(ctx.meta, goal, U.dependents(ctx.meta, goal, ids))]


@goal_tactic("clear")
def clear(ctx, goal, stx, idents):
    meta = ctx.meta
    ids = {U.find_hyp(meta, goal, x.name, x).id for x in idents}
    for d in reversed(meta.decls[goal].lctx.decls):
        if d.id in ids:
            user = U.user_of(meta, goal, d.id)
            if user is not None:
                raise tactic_error(meta, "clear", goal, f"{user} depends on `{d.name}`")
            goal = U.try_clear(meta, goal, [d.id])
    return [goal]


@goal_tactic("rename")
def rename(ctx, goal, stx, kind, name):
    meta = ctx.meta
    ty = ctx.elab.type_term(kind)
    for d in reversed(U.hypotheses(meta, goal)):
        mark = meta.save()
        if meta.is_def_eq(ty, d.type):
            return [rename_hyps(meta, goal, {d.id: name})]
        meta.restore(mark)
    raise LeanError("Failed to find a hypothesis with type\n  " + meta.pp(ty), stx)


# --- have, let, suffices --------------------------------------------------------------------------


@goal_tactic("have")
def have(ctx, goal, stx, name, binders, kind, value, pattern):
    if pattern is not None:
        return have_pattern(ctx, goal, stx, pattern, kind, value)
    if value is not None:
        hole = S.SynthHole(stx.end, stx.end)
        node = S.Have(stx.pos, stx.end, name, binders, kind, value, hole)
        return refine_goal(ctx, goal, node, "refine_lift")
    if kind is None:
        raise LeanError("failed to infer `have` declaration type", stx)
    if binders:
        kind = S.Forall(kind.pos, kind.end, binders, kind)
    ty = ctx.elab.elab_type(kind)
    sub = ctx.meta.mk_goal(ty)
    return [sub, U.assert_hyp(ctx.meta, goal, name or "this", ty, MVar(sub))[1]]


def have_pattern(ctx, goal: int, stx, pattern, kind, value) -> list[int]:
    """`have ⟨x, h⟩ := e`: like obtain."""
    tag = ctx.meta.decls[goal].name
    goals = obtain_value(ctx, goal, stx, pattern_of_term(pattern), kind, value)
    if goals:
        ctx.meta.decls[goals[0]].name = tag
    return goals


@goal_tactic("let")
def let(ctx, goal, stx, name, binders, kind, value, pattern):
    if pattern is not None:
        return have_pattern(ctx, goal, stx, pattern, kind, value)
    meta = ctx.meta
    node = S.Let(stx.pos, stx.end, name, binders, kind, value, S.Hole(stx.pos, stx.end))
    e, ty = ctx.elab._let_value(node)
    ctx.elab.synthesize("no")
    return [U.define_hyp(meta, goal, name or "this", meta.inst(ty), meta.inst(e))[1]]


@goal_tactic("suffices")
def suffices(ctx, goal, stx, name, kind, value):
    meta = ctx.meta
    ty = ctx.elab.elab_type(kind)
    sub = meta.mk_goal(ty, "" if value is None else meta.decls[goal].name)
    main = U.assert_hyp(meta, goal, name or "this", ty, MVar(sub))[1]
    if value is None:
        return [main, sub]
    with meta.with_goal(main):
        meta.assign_mvar(main, elab(ctx, value, meta.goal_type(main)))
    return [sub]


# --- show, change ---------------------------------------------------------------------------------


@tactic("show")
def show(ctx, stx, kind, value):
    """`show T` picks the first goal that T unifies with; `show T from e` closes the goal."""
    if value is not None:
        return exact(ctx, stx, S.Show(stx.pos, stx.end, kind, value))
    ctx.prune()
    goals = ctx.goals

    def pick(goal):
        ctx.goals = [goal, *[g for g in goals if g != goal]]
        on_main(ctx, lambda g: [change_goal(ctx, g, stx, kind)])
    if not any(attempt(ctx, pick, goal) for goal in goals):
        pick(ctx.main())


@goal_tactic("change")
def change(ctx, goal, stx, kind, loc):
    if loc is None:
        return [change_goal(ctx, goal, stx, kind)]
    if loc.wildcard or loc.goal:
        raise Declined("change at several locations", stx)
    for x in loc.hyps:
        with ctx.meta.with_goal(goal):
            d = U.find_hyp(ctx.meta, goal, x.name, x)
            goal = U.change_hyp(ctx.meta, goal, d, unified_type(ctx, stx, kind, d.type))[1]
    return [goal]


def change_goal(ctx, goal: int, stx, kind) -> int:
    ty = unified_type(ctx, stx, kind, ctx.meta.goal_type(goal))
    return U.change_target(ctx.meta, goal, ty)


def unified_type(ctx, stx, kind, old):
    """The type that `kind` says. Raises LeanError unless it is definitionally equal to old."""
    meta = ctx.meta
    ty = ctx.elab.type_term(kind)
    ok = meta.is_def_eq(ty, old)
    ctx.elab.synthesize("no")
    ty = meta.inst(ty)
    if not ok and not meta.is_def_eq(ty, old):
        raise LeanError(f"'{stx.kind}' tactic failed, pattern\n  {meta.pp(ty)}\nis not "
                        f"definitionally equal to target\n  {meta.pp(old)}", kind)
    return meta.inst(ty)


# --- terms as tactics -----------------------------------------------------------------------------


@tactic("calc")
def calc(ctx, stx, steps):
    if ctx.elab.recorder is not None:  # Lean lists the steps once more, by themselves
        ctx.elab.recorder(ctx, S.Tactic(steps[0].pos, stx.end, "calcSteps"), [])
    exact(ctx, stx, S.Calc(stx.pos, stx.end, steps))


@tactic("nomatch", "nofun")
def nomatch(ctx, stx, terms=()):
    exact(ctx, stx, S.NoMatch(stx.pos, stx.end, list(terms), stx.kind == "nofun"))


@tactic("match")
def match_tactic(ctx, stx, discrs, alts, motive):
    """`match` in a tactic block: the term `match`, each alternative a `by` block."""
    new_alts = []
    for alt in alts:
        rhs = alt.rhs
        if isinstance(rhs, S.TacSeq):
            rhs = S.By(alt.pos, alt.end, rhs)
        new_alts.append(S.MatchAlt(alt.pos, alt.end, alt.patterns, rhs))
    refine(ctx, stx, S.Match(stx.pos, stx.end, discrs, new_alts, motive))


@tactic("if")
def if_(ctx, stx, name, cond, then, els):
    then, els = S.By(then.pos, then.end, then), S.By(els.pos, els.end, els)
    refine(ctx, stx, S.If(stx.pos, stx.end, name, cond, then, els))
