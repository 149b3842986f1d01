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
from minilean.front.tactic import on_main, without_recover
from minilean.front.tactic_apply import elab, elab_holes, exact, refine
from minilean.front.tactic_util import tactic
from minilean.kernel import term as tm
from minilean.kernel.term import MVar, Pi


@tactic("intro")
def intro(ctx, stx, pats, alts):
    if alts is not None:
        return intro_match(ctx, stx, alts)
    if not pats:
        pats = [S.Hole(stx.pos, stx.end)]
    for pat in pats:
        on_main(ctx, lambda goal, pat=pat: [intro_pattern(ctx, goal, pat)])


def intro_pattern(ctx, goal: int, pat) -> int:
    meta = ctx.meta
    if isinstance(pat, S.Ident):
        return U.intro1(meta, goal, pat.name)[1]
    if isinstance(pat, S.Hole):
        return U.intro1(meta, goal)[1]
    if isinstance(pat, S.Paren):
        return intro_pattern(ctx, goal, pat.term)
    if isinstance(pat, S.Ascription) and isinstance(pat.term, S.Ident | S.Hole):
        name = pat.term.name if isinstance(pat.term, S.Ident) else None
        d, goal = U.intro1(meta, goal, name)
        with meta.with_goal(goal):
            ty = ctx.elab.elab_type(pat.type)
            if not meta.is_def_eq(d.type, ty):
                raise LeanError(f"Type mismatch: Hypothesis `{d.name}` has type\n  "
                                f"{meta.pp(d.type)}\nbut is expected to have type\n  "
                                f"{meta.pp(ty)}", pat)
        return U.change_hyp(meta, goal, d, meta.inst(ty))[1]
    from minilean.front.tactic_rcases import pattern_of_term, rcases_hyp
    tag = meta.decls[goal].name
    d, goal = U.intro1(meta, goal)
    goals = rcases_hyp(ctx, goal, d, pattern_of_term(pat))
    if len(goals) != 1:
        raise Declined("intro with a pattern of several cases", pat)
    meta.decls[goals[0]].name = tag
    return goals[0]


def intro_match(ctx, stx, alts):
    """`intro | p => tac | …`: intro and match."""
    names = [f"x{i}✝m" for i in range(len(alts[0].patterns[0]))]
    for name in names:
        on_main(ctx, lambda goal, name=name: [U.intro1(ctx.meta, goal, name)[1]])
    discrs = [(None, S.Ident(stx.pos, stx.end, name)) for name in names]
    match_tactic(ctx, stx, discrs, alts, None)


@tactic("intros")
def intros(ctx, stx, names):
    def go(goal):
        meta = ctx.meta
        if names:
            for name in names:
                with meta.with_goal(goal):
                    goal = U.intro1(meta, goal, name)[1]
            return [goal]
        while type(meta.whnf_core(meta.goal_type(goal))) in (Pi, tm.Let):
            with meta.with_goal(goal):
                goal = U.intro1(meta, goal)[1]
        return [goal]
    on_main(ctx, go)


@tactic("revert")
def revert(ctx, stx, idents):
    def go(goal):
        meta = ctx.meta
        ids = [U.find_hyp(meta, goal, x.name, x).id for x in idents]
        return [U.revert(meta, goal, U.dependents(meta, goal, ids))]
    on_main(ctx, go)


@tactic("clear")
def clear(ctx, stx, idents):
    def go(goal):
        meta = ctx.meta
        ids = {U.find_hyp(meta, goal, x.name, x).id for x in idents}
        for d in reversed(meta.decls[goal].lctx.decls):
            if d.id in ids:
                goal = U.clear(meta, goal, [d.id])
        return [goal]
    on_main(ctx, go)


@tactic("rename")
def rename(ctx, stx, kind, name):
    def go(goal):
        from minilean.front.tactic import rename_hyps
        meta = ctx.meta
        ty = ctx.elab.elab_type(kind, postpone=True)
        for d in reversed(meta.decls[goal].lctx.decls):
            mark = meta.save()
            if not d.hidden and meta.is_def_eq(ty, d.type):
                return [rename_hyps(meta, goal, {d.id: name})]
            meta.restore(mark)
        raise LeanError("Failed to find a hypothesis with type\n  " + meta.pp(ty), stx)
    on_main(ctx, go)


@tactic("have")
def have(ctx, stx, name, binders, kind, value, pattern):
    if pattern is not None:
        return have_pattern(ctx, stx, pattern, kind, value)
    elaborator = ctx.elab

    def go(goal):
        meta = ctx.meta
        elaborator.err_to_sorry = ctx.recover
        if value is None:
            if kind is None:
                raise LeanError("failed to infer `have` declaration type", stx)
            ty = elaborate_binders(ctx, binders, kind)
            m = meta.mk_goal(ty)
            _, new = U.assert_hyp(meta, goal, name or "this", ty, MVar(m))
            return [m, new]
        tag = meta.decls[goal].name
        hole = S.SynthHole(stx.end, stx.end)
        node = S.Have(stx.pos, stx.end, name, binders, kind, value, hole)
        e, goals = elab_holes(ctx, node, meta.goal_type(goal), tag, "refine_lift")
        meta.assign_mvar(goal, e)
        return goals
    on_main(ctx, go)


def elaborate_binders(ctx, binders, kind):
    """The type `∀ binders, kind`."""
    if not binders:
        return ctx.elab.elab_type(kind)
    return ctx.elab.elab_type(S.Forall(kind.pos, kind.end, binders, kind))


def have_pattern(ctx, stx, pattern, kind, value):
    """`have ⟨x, h⟩ := e`: like obtain."""
    from minilean.front.tactic_rcases import obtain_term, pattern_of_term
    tag = ctx.meta.decls[ctx.main()].name
    obtain_term(ctx, stx, pattern_of_term(pattern), kind, value)
    if ctx.goals:
        ctx.meta.decls[ctx.goals[0]].name = tag


@tactic("let")
def let(ctx, stx, name, binders, kind, value, pattern):
    if pattern is not None:
        return have_pattern(ctx, stx, pattern, kind, value)

    def go(goal):
        meta = ctx.meta
        ctx.elab.err_to_sorry = ctx.recover
        node = S.Let(stx.pos, stx.end, name, binders, kind, value, S.Hole(stx.pos, stx.end))
        e, ty = ctx.elab._let_value(node)
        ctx.elab.synthesize("no")
        _, new = U.define_hyp(meta, goal, name or "this", meta.inst(ty), meta.inst(e))
        return [new]
    on_main(ctx, go)


@tactic("suffices")
def suffices(ctx, stx, name, kind, value):
    def go(goal):
        meta = ctx.meta
        ctx.elab.err_to_sorry = ctx.recover
        ty = ctx.elab.elab_type(kind)
        d = meta.decls[goal]
        sub = meta.mk_goal(ty, d.name if value is not None else "")
        h, main = U.assert_hyp(meta, goal, name or "this", ty, MVar(sub))
        if value is None:
            return [main, sub]
        with meta.with_goal(main):
            meta.assign_mvar(main, elab(ctx, value, meta.goal_type(main)))
        return [sub]
    on_main(ctx, go)


@tactic("show")
def show(ctx, stx, kind, value):
    """`show T` picks the first goal that T unifies with; `show T from e` closes the goal."""
    meta = ctx.meta
    if value is not None:
        node = S.Show(stx.pos, stx.end, kind, value)
        return exact(ctx, stx, node)
    goal = ctx.main()
    mark = ctx.save()
    for g in list(ctx.goals):
        with meta.with_goal(g):
            try:
                with without_recover(ctx):
                    new = change_to(ctx, g, kind)
            except LeanError:
                ctx.restore(mark)
                continue
        ctx.goals = [new, *[x for x in ctx.goals if x != g]]
        return
    with meta.with_goal(goal):
        change_to(ctx, goal, kind)


def change_to(ctx, goal: int, kind) -> int:
    meta = ctx.meta
    target = meta.goal_type(goal)
    ty = ctx.elab.elab_type(kind, postpone=True)
    ok = meta.is_def_eq(ty, target)
    ctx.elab.synthesize("no")
    ty = meta.inst(ty)
    if not ok and not meta.is_def_eq(ty, target):
        raise LeanError(f"'show' tactic failed, pattern\n  {meta.pp(ty)}\nis not definitionally "
                        f"equal to target\n  {meta.pp(target)}", kind)
    return U.change_target(meta, goal, meta.inst(ty))


@tactic("change")
def change(ctx, stx, kind, loc):
    meta = ctx.meta
    if loc is None:
        return on_main(ctx, lambda goal: [change_to(ctx, goal, kind)])
    if loc.wildcard or loc.goal:
        raise Declined("change at several locations", stx)
    for x in loc.hyps:
        def go(goal, x=x):
            d = U.find_hyp(meta, goal, x.name, x)
            ty = ctx.elab.elab_type(kind, postpone=True)
            ok = meta.is_def_eq(ty, d.type)
            ctx.elab.synthesize("no")
            if not ok and not meta.is_def_eq(ty, d.type):
                raise LeanError(f"'change' tactic failed, pattern\n  {meta.pp(ty)}\nis not "
                                f"definitionally equal to target\n  {meta.pp(d.type)}", kind)
            return [U.change_hyp(meta, goal, d, meta.inst(ty))[1]]
        on_main(ctx, go)


@tactic("calc")
def calc(ctx, stx, steps):
    if ctx.recorder is not None:  # Lean lists the steps once more, by themselves
        ctx.recorder(ctx, S.Tactic(steps[0].pos, stx.end, "calcSteps"), [])
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
    refine(ctx, S.Tactic(stx.pos, stx.end, "refine"),
           S.Match(stx.pos, stx.end, discrs, new_alts, motive))


@tactic("if")
def if_(ctx, stx, name, cond, then, els):
    node = S.If(stx.pos, stx.end, name, cond, S.By(then.pos, then.end, then),
                S.By(els.pos, els.end, els))
    refine(ctx, S.Tactic(stx.pos, stx.end, "refine"), node)
