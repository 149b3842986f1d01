"""Running tactics: sequences, bullets, case selection, alternatives and repetition.

Follows Lean's `Lean/Elab/Tactic/{Basic,BuiltinTactic}.lean`: an error ends a block; bullets, `case`
and `all_goals` are recovery points (the error is logged, the goal admitted) unless `ctx.recover` is
off, as it is inside `first`, `try` and `repeat`. Tactics themselves are in the other `tactic_*.py`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from copy import copy

from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.meta import fresh_id
from minilean.front.setting import Setting
from minilean.front.tactic_util import HANDLERS, tactic
from minilean.kernel.term import MVar


def run_tactic_seq(ctx, seq) -> None:
    """Runs a block on ctx.goals; the first error ends it (LeanError with a position)."""
    for stx in seq.tactics:
        run_tactic(ctx, stx)


def run_tactic(ctx, stx) -> None:
    """Runs one tactic. Raises LeanError (Lean's message), Declined, StepLimit."""
    meta, elab = ctx.meta, ctx.elab
    meta.tick()
    handler = HANDLERS.get(stx.kind)
    if handler is None:
        raise Declined(f"tactic {stx.kind}", stx)
    if elab.recorder is not None:
        ctx.prune()
        elab.recorder(ctx, stx, list(ctx.goals))
    with Setting(meta, "lctx", meta.lctx), Setting(elab, "tactic_start", fresh_id()), \
            Setting(elab, "err_to_sorry", ctx.recover):
        try:
            handler(ctx, stx, *stx.args)
        except (LeanError, Declined) as error:
            error.stx = error.stx or stx
            raise
    ctx.prune()


def on_main(ctx, fn, *args) -> None:
    """Replaces the main goal by the goals fn(goal, *args) returns, run in its local context."""
    goal = ctx.main()
    rest = ctx.goals[1:]
    with ctx.meta.with_goal(goal):
        new = fn(goal, *args)
    ctx.goals = [*new, *rest]


def goal_tactic(*names):
    """Registers fn(ctx, goal, stx, *args), which returns what replaces the main goal."""
    def register(fn):
        @tactic(*names)
        def handler(ctx, stx, *args):
            on_main(ctx, lambda goal: fn(ctx, goal, stx, *args))
        return handler
    return register


def on_places(ctx, loc, fn) -> None:
    """Replaces the main goal by the goals of fn(goal, hypothesis, its type) for each place of `at`.

    The target is the place without a hypothesis (None).
    """
    if loc is not None and loc.wildcard:
        raise Declined("at *", loc)

    def go(goal, ident):
        d = None if ident is None else U.find_hyp(ctx.meta, goal, ident.name, ident)
        return fn(goal, d, ctx.meta.goal_type(goal) if d is None else ctx.meta.inst(d.type))
    for ident in [None] if loc is None else [*loc.hyps, *[None] * loc.goal]:
        on_main(ctx, go, ident)


def on_each(ctx, fn) -> None:
    """Replaces every goal that is still open by the goals fn(goal) returns."""
    ctx.goals = U.flat(lambda g: [] if ctx.meta.is_assigned(g) else fn(g), ctx.goals)


def attempt(ctx, run, *args) -> bool:
    """Runs run(*args), errors raised and not logged; on a LeanError restores and says False."""
    mark = ctx.save()
    with Setting(ctx, "recover", False), Setting(ctx.elab, "err_to_sorry", False):
        try:
            run(*args)
            return True
        except LeanError:
            ctx.restore(mark)
            return False


def recovering(ctx, stx, goal: int, run, *args) -> list[int]:
    """ctx.focus as a recovery point: an error is logged, what is open below the goal admitted."""
    meta = ctx.meta
    try:
        return ctx.focus(goal, run, *args)
    except LeanError as error:
        if not ctx.recover:
            raise
        ctx.elab.log_error(error, stx)
    for g in meta.mvars_in(MVar(goal)) or [goal]:
        if not meta.is_assigned(g):
            meta.admit(g)
    return []


def close_or_admit(ctx, stx, goal: int, seq) -> list[int]:
    """No goals: the block must close the goal, which is a recovery point."""
    def block():
        run_tactic_seq(ctx, seq)
        done(ctx, stx)
    return recovering(ctx, stx, goal, block)


# --- blocks, several goals ------------------------------------------------------------------------

tactic("skip")(lambda ctx, stx: None)
tactic("paren")(lambda ctx, stx, seq: run_tactic_seq(ctx, seq))
tactic("try")(lambda ctx, stx, seq: attempt(ctx, run_tactic_seq, ctx, seq))
goal_tactic("focus")(lambda ctx, goal, stx, seq: ctx.focus(goal, run_tactic_seq, ctx, seq))
tactic("all_goals")(lambda ctx, stx, seq: on_each(
    ctx, lambda goal: recovering(ctx, stx, goal, run_tactic_seq, ctx, seq)))


@goal_tactic("·")
def bullet(ctx, goal, stx, seq, close=None):
    """`· tactics`, or in braces: what is left open is reported at `close`, the right one."""
    return close_or_admit(ctx, close or stx, goal, seq)


@tactic("done")
def done(ctx, stx):
    ctx.prune()
    if ctx.goals:
        shown = "\n\n".join(ctx.meta.pp_goal(g) for g in ctx.goals)
        raise LeanError(f"unsolved goals\n{shown}", stx)


@goal_tactic("<;>")
def and_then(ctx, goal, stx, first, second):
    def both():
        run_tactic(ctx, first)
        on_each(ctx, lambda g: ctx.focus(g, run_tactic, ctx, second))
    return ctx.focus(goal, both)


@tactic("any_goals")
def any_goals(ctx, stx, seq):
    ctx.prune()
    succeeded = []
    on_each(ctx, lambda goal: ctx.focus(
        goal, lambda: succeeded.append(attempt(ctx, run_tactic_seq, ctx, seq))))
    if succeeded and not any(succeeded):
        raise LeanError("Tactic failed on all goals:\nany_goals", stx)


@tactic("first")
def first(ctx, stx, alts):
    *others, last = alts
    if not any(attempt(ctx, run_tactic_seq, ctx, seq) for seq in others):
        run_tactic_seq(ctx, last)


@tactic("repeat")
def repeat(ctx, stx, seq):
    """`try (seq; repeat seq)`: only the main goal is looked at again."""
    while attempt(ctx, run_tactic_seq, ctx, seq) and ctx.goals:
        ctx.meta.tick()


# --- case selection -------------------------------------------------------------------------------


def find_tag(ctx, tag: str) -> int:
    """The first goal whose tag is `tag`, ends in it, or begins with it (Lean's order)."""
    ctx.prune()
    tags = {goal: ctx.meta.decls[goal].name.rstrip("✝") for goal in ctx.goals}
    for fits in (lambda t: t == tag, lambda t: t.endswith(f".{tag}"),
                 lambda t: t.startswith(f"{tag}.")):
        for goal, t in tags.items():
            if fits(t):
                return goal
    known = "\n  ".join(["Available tags:", *tags.values()])
    raise LeanError(f"Case tag `{tag}` not found.\n\n{known}")


def rename_last(meta, goal: int, names) -> int:
    """Names the last inaccessible hypotheses, in order (`case tag x y`, `rename_i`)."""
    seen, unnamed = set(), []
    for d in reversed(U.hypotheses(meta, goal)):
        if d.name.endswith("✝") or d.name in seen:
            unnamed.append(d.id)
        seen.add(d.name)
    if len(names) > len(unnamed):
        raise LeanError("too many variable names")
    pairs = zip(unnamed, reversed(names), strict=False)
    return rename_hyps(meta, goal, {i: name for i, name in pairs if name != "_"})


def rename_hyps(meta, goal: int, new_names) -> int:
    """New goal whose declarations have other names ({id: name})."""
    lctx = meta.decls[goal].lctx
    decls = [copy(d) for d in lctx.decls]
    for d in decls:
        d.name = new_names.get(d.id, d.name)
    return U.replace_goal(meta, goal, lctx=lctx.replace(decls))


@tactic("case")
def case(ctx, stx, tags, seq):
    """Inside, the goal has no tag; older states keep theirs."""
    for tag, names in tags:
        goal = ctx.main() if tag == "_" else find_tag(ctx, tag)
        at = ctx.goals.index(goal)
        goal = U.replace_goal(ctx.meta, rename_last(ctx.meta, goal, names), tag="")
        ctx.goals[at:at + 1] = close_or_admit(ctx, stx, goal, seq)


tactic("next")(lambda ctx, stx, names, seq: case(ctx, stx, [("_", names)], seq))
goal_tactic("rename_i")(lambda ctx, goal, stx, names: [rename_last(ctx.meta, goal, names)])

# The tactic modules import this one and register their handlers when they are imported.
from minilean.front import tactic_congr, tactic_intro, tactic_rewrite  # noqa: E402, F401
