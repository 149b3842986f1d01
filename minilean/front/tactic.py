"""Running tactics: sequences, bullets, case selection, alternatives and repetition.

Follows Lean's `Lean/Elab/Tactic/{Basic,BuiltinTactic}.lean`: an error ends a block; bullets, `case`
and `all_goals` are recovery points (the error is logged, the goal admitted) unless `ctx.recover` is
off, as it is inside `first`, `try` and `repeat`. Tactics themselves are in the other `tactic_*.py`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from contextlib import contextmanager

from minilean.front import syntax as S
from minilean.front.errors import Declined, LeanError
from minilean.front.meta import fresh_id
from minilean.front.tactic_util import HANDLERS, tactic
from minilean.kernel.term import MVar


def run_tactic_seq(ctx, seq) -> None:
    """Runs a block on ctx.goals; the first error ends it (LeanError with a position)."""
    for stx in seq.tactics:
        run_tactic(ctx, stx)


def run_tactic(ctx, stx) -> None:
    """Runs one tactic. Raises LeanError (Lean's message), Declined, StepLimit."""
    meta = ctx.meta
    meta.tick()
    handler = HANDLERS.get(stx.kind)
    if handler is None:
        raise Declined(f"tactic {stx.kind}", stx)
    recorder = ctx.recorder
    if recorder is not None:
        ctx.prune()
        recorder(ctx, stx, list(ctx.goals))
    old, elab = meta.lctx, ctx.elab
    before, elab.tactic_start = elab.tactic_start, fresh_id()
    try:
        handler(ctx, stx, *stx.args)
    except (LeanError, Declined) as error:
        if error.stx is None:
            error.stx = stx
        raise
    finally:
        meta.lctx, elab.tactic_start = old, before
    ctx.prune()


@contextmanager
def without_recover(ctx):
    """Errors inside are raised, not logged and patched with `sorry`."""
    elab = ctx.elab
    saved = ctx.recover, elab.err_to_sorry
    ctx.recover = elab.err_to_sorry = False
    try:
        yield
    finally:
        ctx.recover, elab.err_to_sorry = saved


def close_or_admit(ctx, stx, goal: int, run, what: str = "") -> None:
    """Runs run() with goal as the only goal, which it must close (recovery point)."""
    def body():
        run()
        ctx.prune()
        if ctx.goals:
            raise LeanError(ctx.unsolved_text(), stx)
    rest = ctx.goals
    try:
        ctx.focus(goal, body)
    except LeanError as error:
        if not ctx.recover:
            raise
        ctx.goals = rest
        ctx.error_at(stx, error)
        admit_rest(ctx, goal)
    ctx.goals = [g for g in rest if g != goal]


def admit_rest(ctx, goal: int) -> None:
    """Closes with `sorry` whatever is still open below a goal."""
    meta = ctx.meta
    for g in meta.mvars_in(MVar(goal)) or [goal]:
        if not meta.is_assigned(g):
            meta.admit(g)


def on_main(ctx, fn) -> None:
    """Replaces the main goal by the goals fn(goal) returns, run in its local context."""
    goal = ctx.main()
    with ctx.meta.with_goal(goal):
        new = fn(goal)
    ctx.goals = [*new, *ctx.goals[1:]]


@tactic("paren")
def paren(ctx, stx, seq):
    run_tactic_seq(ctx, seq)


@tactic("·")
def bullet(ctx, stx, seq, close=None):
    """`· tactics`, or in braces: what is left open is reported at `close`, the right one."""
    goal = ctx.main()
    close_or_admit(ctx, close or stx, goal, lambda: run_tactic_seq(ctx, seq))


@tactic("skip")
def skip(ctx, stx):
    pass


@tactic("done")
def done(ctx, stx):
    ctx.prune()
    if ctx.goals:
        raise LeanError(ctx.unsolved_text(), stx)


@tactic("sorry", "admit")
def sorry(ctx, stx):
    goal = ctx.main()
    meta, elab = ctx.meta, ctx.elab
    with meta.with_goal(goal):
        e = elab.elab_term_ensuring(S.Sorry(stx.pos, stx.end), meta.goal_type(goal))
        meta.assign_mvar(goal, e)


@tactic("<;>")
def and_then(ctx, stx, first, second):
    goal = ctx.main()
    rest = ctx.goals[1:]
    ctx.goals = [goal]
    run_tactic(ctx, first)
    ctx.prune()
    new = []
    for g in list(ctx.goals):
        if ctx.meta.is_assigned(g):
            continue
        ctx.goals = [g]
        run_tactic(ctx, second)
        ctx.prune()
        new += ctx.goals
    ctx.goals = new + rest


@tactic("all_goals")
def all_goals(ctx, stx, seq):
    ctx.prune()
    new = []
    for g in list(ctx.goals):
        if ctx.meta.is_assigned(g):
            continue
        ctx.goals = [g]
        mark = ctx.save()
        try:
            run_tactic_seq(ctx, seq)
        except LeanError as error:
            if not ctx.recover:
                raise
            ctx.restore(mark)
            ctx.error_at(stx, error)
            ctx.meta.admit(g)
            ctx.goals = []
        ctx.prune()
        new += ctx.goals
    ctx.goals = new


@tactic("any_goals")
def any_goals(ctx, stx, seq):
    ctx.prune()
    new, success, had_goals = [], False, bool(ctx.goals)
    for g in list(ctx.goals):
        if ctx.meta.is_assigned(g):
            continue
        ctx.goals = [g]
        mark = ctx.save()
        try:
            with without_recover(ctx):
                run_tactic_seq(ctx, seq)
            success = True
        except LeanError:
            ctx.restore(mark)
        ctx.prune()
        new += ctx.goals
    if had_goals and not success:
        raise LeanError("Tactic failed on all goals:\n" + "any_goals", stx)
    ctx.goals = new


@tactic("focus")
def focus(ctx, stx, seq):
    goal, rest = ctx.main(), ctx.goals[1:]
    ctx.goals = [goal]
    run_tactic_seq(ctx, seq)
    ctx.prune()
    ctx.goals += rest


@tactic("first")
def first(ctx, stx, alts):
    mark = ctx.save()
    for i, seq in enumerate(alts):
        try:
            if i == len(alts) - 1:
                run_tactic_seq(ctx, seq)
            else:
                with without_recover(ctx):
                    run_tactic_seq(ctx, seq)
            return
        except LeanError:
            if i == len(alts) - 1:
                raise
            ctx.restore(mark)


def attempt(ctx, run) -> bool:
    """Runs run(); on a LeanError restores the state and says False."""
    mark = ctx.save()
    try:
        with without_recover(ctx):
            run()
        return True
    except LeanError:
        ctx.restore(mark)
        return False


@tactic("try")
def try_(ctx, stx, seq):
    attempt(ctx, lambda: run_tactic_seq(ctx, seq))


@tactic("repeat")
def repeat(ctx, stx, seq):
    """`try (seq; repeat seq)`: only the main goal is looked at again."""
    while attempt(ctx, lambda: run_tactic_seq(ctx, seq)):
        ctx.prune()
        ctx.meta.tick()
        if not ctx.goals:
            return


@tactic("repeat'", "repeat1")
def repeat_all(ctx, stx, seq):
    """`repeat'`: runs seq on all goals and again on every goal it leaves."""
    if stx.kind == "repeat1":
        run_tactic_seq(ctx, seq)
        return repeat(ctx, stx, seq)
    ctx.prune()
    todo, out = list(ctx.goals), []
    while todo:
        g = todo.pop(0)
        if ctx.meta.is_assigned(g):
            continue
        ctx.meta.tick()
        ctx.goals = [g]
        if attempt(ctx, lambda: run_tactic_seq(ctx, seq)):
            ctx.prune()
            todo = ctx.goals + todo
        else:
            out.append(g)
    ctx.goals = out


@tactic("iterate")
def iterate(ctx, stx, count, seq):
    if count is None:
        return repeat(ctx, stx, seq)
    for _ in range(count):
        run_tactic_seq(ctx, seq)


# --- case selection -------------------------------------------------------------------------------


def find_tag(ctx, tag: str):
    """The first goal whose tag is `tag`, ends in it, or begins with it (Lean's order)."""
    meta = ctx.meta
    ctx.prune()
    names = [meta.decls[g].name.rstrip("✝") for g in ctx.goals]
    for test in (lambda n: n == tag, lambda n: n.endswith("." + tag),
                 lambda n: n.startswith(tag + ".")):
        for g, name in zip(ctx.goals, names, strict=True):
            if test(name):
                return g
    return None


def rename_last(meta, goal: int, names) -> int:
    """Names the last inaccessible hypotheses, in order (`case tag x y`, `rename_i`)."""
    d = meta.decls[goal]
    shadowed, seen = set(), set()
    for x in reversed(d.lctx.decls):
        if x.hidden:
            continue
        if x.name.endswith("✝") or x.name in seen:
            shadowed.add(x.id)
        seen.add(x.name)
    wanted = [x for x in d.lctx.decls if x.id in shadowed]
    if len(names) > len(wanted):
        raise LeanError("too many variable names")
    last = [x.id for x in wanted[len(wanted) - len(names):]]
    new_names = dict(zip(last, names, strict=True))
    return rename_hyps(meta, goal, {i: n for i, n in new_names.items() if n != "_"})


def rename_hyps(meta, goal: int, new_names) -> int:
    """New goal whose declarations have other names ({id: name})."""
    from minilean.front.meta import LocalDecl
    if not new_names:
        return goal
    d = meta.decls[goal]
    decls = []
    for x in d.lctx.decls:
        if x.id in new_names:
            y = LocalDecl(x.id, new_names[x.id], x.type, x.bi, x.value, x.cls, x.hidden)
            decls.append(y)
        else:
            decls.append(x)
    new = meta.mk_goal(d.type, d.name, d.lctx.replace(decls))
    meta.assign_mvar(goal, MVar(new))
    return new


@tactic("case", "case'")
def case(ctx, stx, tags, seq):
    for tag, names in tags:
        goal = ctx.main() if tag == "_" else find_tag(ctx, tag)
        if goal is None:
            known = "".join(f"\n  {ctx.meta.decls[g].name.rstrip('✝')}" for g in ctx.goals)
            raise LeanError(f"Case tag `{tag}` not found.\n\nAvailable tags:{known}", stx)
        renamed = rename_last(ctx.meta, goal, names)
        at = ctx.goals.index(goal)
        if stx.kind == "case'":
            rest = ctx.goals
            ctx.goals = [renamed]
            run_tactic_seq(ctx, seq)
            ctx.prune()
            ctx.goals = rest[:at] + ctx.goals + rest[at + 1:]
            continue
        ctx.goals[at] = renamed = untagged(ctx.meta, renamed)
        close_or_admit(ctx, stx, renamed, lambda: run_tactic_seq(ctx, seq))


@tactic("next")
def next_(ctx, stx, names, seq):
    goal = ctx.main()
    renamed = rename_last(ctx.meta, goal, names)
    ctx.goals[0] = renamed = untagged(ctx.meta, renamed)
    close_or_admit(ctx, stx, renamed, lambda: run_tactic_seq(ctx, seq))


def untagged(meta, goal: int) -> int:
    """The goal without its tag (inside `case`, `next`); older states keep theirs."""
    d = meta.decls[goal]
    if not d.name:
        return goal
    new = meta.mk_goal(d.type, "", d.lctx)
    meta.assign_mvar(goal, MVar(new))
    return new


@tactic("rename_i")
def rename_i(ctx, stx, names):
    on_main(ctx, lambda goal: [rename_last(ctx.meta, goal, names)])


def _load_handlers():
    """The tactic modules register their handlers when imported."""
    from minilean.front import (  # noqa: F401
        tactic_apply,
        tactic_basic,
        tactic_cases,
        tactic_ctor,
        tactic_intro,
        tactic_rcases,
        tactic_rewrite,
        tactic_simp,
        tactic_split,
        tactic_subst,
    )


_load_handlers()
