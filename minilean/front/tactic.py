"""Running tactics: sequences, bullets, case selection, alternatives and repetition.

Follows Lean's `Lean/Elab/Tactic/{Basic,BuiltinTactic}.lean`: an error ends a block; bullets and
`case` are recovery points (the error is logged, the goal admitted) unless `ctx.recover` is off, as
it is inside `first`, `try` and `repeat`. Tactics themselves are in the other `tactic_*.py`;
what some stand for, in grammar.txt.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from copy import copy
from functools import cache, partial

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.parser import parse_tactics
from minilean.front.setting import Setting
from minilean.kernel.term import MVar


class TacticContext:
    """The goals of a running tactic, and the elaborator for the terms it contains.

    `recover`: at a recovery point an error is logged and its goal admitted, not raised.
    """

    __slots__ = ("elab", "goals", "meta", "recover")

    def __init__(self, meta, elab, goals, recover=True):
        self.meta, self.elab, self.goals, self.recover = meta, elab, goals, recover

    def prune(self):
        """Drop the goals that have been assigned."""
        self.goals = [g for g in self.goals if not self.meta.is_assigned(g)]

    def main(self):
        """The first unassigned goal; LeanError "No goals …" when there is none."""
        self.prune()
        if not self.goals:
            raise LeanError("No goals to be solved")
        return self.goals[0]

    def focus(self, goal, run, *args, **values):
        """The goals that run(*args, **values) leaves when `goal` is the only one it sees."""
        with Setting(self, "goals", [goal]):
            run(*args, **values)
            self.prune()
            return self.goals


# --- running --------------------------------------------------------------------------------------


def run_tactic_seq(ctx, seq) -> None:
    """Runs a block on ctx.goals; the first error ends it (LeanError with a position)."""
    for stx in seq.tactics:
        run_tactic(ctx, stx)


def run_tactic(ctx, stx) -> None:
    """Runs one tactic; before and after it, all goals are open.

    Raises LeanError (Lean's message), Declined, StepLimit.
    """
    meta, elab = ctx.meta, ctx.elab
    meta.tick()
    handler = U.HANDLERS.get(stx.kind)
    if handler is None:
        raise Declined(f"tactic {stx.kind}", stx)
    if elab.recorder is not None and stx.written:
        elab.recorder(ctx, stx, list(ctx.goals))
    with Setting(elab, "err_to_sorry", ctx.recover):
        try:
            handler(ctx, stx, *stx.args)
        except (LeanError, Declined) as error:
            error.stx = error.stx or stx
            raise
    ctx.prune()


def on_main(ctx, fn, *args) -> None:
    """Replaces the main goal by the goals fn(ctx, goal, *args) returns, run in its local context.
    """
    goal = ctx.main()
    rest = ctx.goals[1:]
    with ctx.meta.with_goal(goal):
        new = fn(ctx, goal, *args)
    ctx.goals = [*new, *rest]


def goal_tactic(*names):
    """Registers fn(ctx, goal, stx, *args), which returns what replaces the main goal."""
    def register(fn):
        return U.tactic(*names)(lambda ctx, stx, *args: on_main(ctx, fn, stx, *args))
    return register


def on_places(ctx, loc, fn) -> None:
    """Replaces the main goal by the goals of fn(goal, hypothesis, its type) for each place of `at`.

    The target is the place without a hypothesis (None).
    """
    if loc is not None and loc.wildcard:
        raise Declined("at *", loc)

    def go(ctx, goal, ident):
        d = None if ident is None else U.find_hyp(ctx.meta, goal, ident.name, ident)
        return fn(goal, d, ctx.meta.goal_type(goal) if d is None else ctx.meta.inst(d.type))
    for ident in [None] if loc is None else [*loc.hyps, *[None] * loc.goal]:
        on_main(ctx, go, ident)


def on_each(ctx, run, *args) -> None:
    """Replaces every goal that is still open by the goals that run(*args) leaves of it."""
    ctx.goals = U.flat(
        lambda g: [] if ctx.meta.is_assigned(g) else ctx.focus(g, run, *args), ctx.goals)


def attempt(ctx, run, *args) -> bool:
    """Runs run(*args), errors raised and not logged; on a LeanError restores and says False."""
    mark, goals = ctx.elab.save(), ctx.goals
    with Setting(ctx, "recover", False), Setting(ctx.elab, "err_to_sorry", False):
        try:
            run(*args)
            return True
        except LeanError:
            ctx.elab.restore(mark)
            ctx.goals = goals
            return False


def close_or_admit(ctx, stx, goal: int, seq) -> list[int]:
    """No goals: the block must close the goal.

    This is a recovery point: an error is logged, what is open below the goal admitted.
    """
    def block():
        run_tactic_seq(ctx, seq)
        done(ctx, stx)
    try:
        return ctx.focus(goal, block)
    except LeanError as error:
        if not ctx.recover:
            raise
        ctx.elab.log_error(error, stx)
    for g in ctx.meta.mvars_in(MVar(goal)):
        ctx.meta.admit(g)
    return []


# --- tactics that stand for others ---------------------------------------------------------------


template = cache(parse_tactics)


def filled(part, values, at):
    """Part of a template with values for some of its names, and the span of `at`.

    A term that is such a name becomes a node, or in a list the items of a list; one that is another
    name means the library's, whatever is in scope.
    """
    if isinstance(part, list | tuple):
        items = []
        for x in part:
            new = filled(x, values, at)
            items += new if isinstance(x, S.Ident) and isinstance(new, list) else [new]
        return type(part)(items)
    if isinstance(part, S.Ident):
        return values.get(part.name) or S.Ident(at.pos, at.end, f"_root_.{part.name}")
    if isinstance(part, S.Node):
        inner = [filled(value, values, at) for value in [*vars(part).values()][2:]]
        node = type(part)(at.pos, at.end, *inner)
        node.written = False
        return node
    return values.get(part, part) if isinstance(part, str) else part


def script(ctx, stx, text: str, **values) -> None:
    """Runs the tactics of the text as part of stx, with values for names in it."""
    run_tactic_seq(ctx, filled(template(text), values, stx))


def macro(rule, ctx, stx, *args) -> None:
    """Runs what the tactic stands for, as its rule in grammar.txt says."""
    names = [name for name, _ in rule.fields]
    script(ctx, stx, rule.means, **dict(zip(names, args, strict=True)))


U.HANDLERS.update({name: partial(macro, rule)
                   for rule in S.RULES if rule.means for name in rule.name.split()})

# --- blocks, several goals ------------------------------------------------------------------------

U.tactic("skip")(lambda ctx, stx: None)
U.tactic("paren")(lambda ctx, stx, seq: run_tactic_seq(ctx, seq))
U.tactic("try")(lambda ctx, stx, seq: attempt(ctx, run_tactic_seq, ctx, seq))
goal_tactic("focus")(lambda ctx, goal, stx, seq: ctx.focus(goal, run_tactic_seq, ctx, seq))
U.tactic("all_goals")(lambda ctx, stx, seq: on_each(ctx, run_tactic_seq, ctx, seq))


# `· tactics`, or in braces: what is left open is reported at `close`, the right one
goal_tactic("·")(lambda ctx, goal, stx, seq, close=None: close_or_admit(
    ctx, close or stx, goal, seq))


@U.tactic("with_reducible")
def with_reducible(ctx, stx, seq):
    with ctx.meta.transparency("reducible"):
        run_tactic_seq(ctx, seq)


@U.tactic("done")
def done(ctx, stx):
    if ctx.goals:
        shown = "\n\n".join(ctx.meta.pp_goal(g) for g in ctx.goals)
        raise LeanError(f"unsolved goals\n{shown}", stx)


@goal_tactic("<;>")
def and_then(ctx, goal, stx, first, second):
    def both():
        run_tactic(ctx, first)
        on_each(ctx, run_tactic, ctx, second)
    return ctx.focus(goal, both)


@U.tactic("any_goals")
def any_goals(ctx, stx, seq):
    succeeded = []
    on_each(ctx, lambda: succeeded.append(attempt(ctx, run_tactic_seq, ctx, seq)))
    if succeeded and not any(succeeded):
        raise LeanError("Tactic failed on all goals:\nany_goals", stx)


@U.tactic("first")
def first(ctx, stx, alts):
    *others, last = alts
    if not any(attempt(ctx, run_tactic_seq, ctx, seq) for seq in others):
        run_tactic_seq(ctx, last)


@U.tactic("repeat")
def repeat(ctx, stx, seq):
    """`try (seq; repeat seq)`: only the main goal is looked at again."""
    while attempt(ctx, run_tactic_seq, ctx, seq) and ctx.goals:
        ctx.meta.tick()


# --- case selection -------------------------------------------------------------------------------


def find_tag(ctx, tag: str) -> int:
    """The first goal whose tag is `tag`, ends in it, or begins with it (Lean's order)."""
    def fit(goal):
        t = ctx.meta.decls[goal].name.rstrip("✝")
        return t == tag, t.endswith(f".{tag}"), t.startswith(f"{tag}.")
    ctx.main()
    best = max(ctx.goals, key=fit)
    if not any(fit(best)):
        raise LeanError(f"Case tag `{tag}` not found")
    return best


def rename_last(meta, goal: int, names) -> int:
    """Names the last inaccessible hypotheses, in order (`case tag x y`, `rename_i`)."""
    lctx = meta.decls[goal].lctx
    unnamed = [d.id for d in U.hypotheses(meta, goal)
               if d.name.endswith("✝") or lctx.find(d.name) is not d]
    if len(names) > len(unnamed):
        raise LeanError("too many variable names")
    pairs = zip(unnamed[len(unnamed) - len(names):], names, strict=True)
    return rename_hyps(meta, goal, {i: name for i, name in pairs if name != "_"})


def rename_hyps(meta, goal: int, new_names) -> int:
    """New goal whose declarations have other names ({id: name})."""
    lctx = meta.decls[goal].lctx
    decls = [copy(d) for d in lctx.decls]
    for d in decls:
        d.name = new_names.get(d.id, d.name)
    return U.replace_goal(meta, goal, lctx=lctx.replace(decls))


@U.tactic("case")
def case(ctx, stx, tags, seq):
    """Inside, the goal has no tag; older states keep theirs."""
    for tag, names in tags:
        goal = ctx.main() if tag == "_" else find_tag(ctx, tag)
        ctx.goals = [g for g in ctx.goals if g != goal]
        goal = U.replace_goal(ctx.meta, rename_last(ctx.meta, goal, names), tag="")
        close_or_admit(ctx, stx, goal, seq)


U.tactic("next")(lambda ctx, stx, names, seq: case(ctx, stx, [("_", names)], seq))
goal_tactic("rename_i")(lambda ctx, goal, stx, names: [rename_last(ctx.meta, goal, names)])

# The tactic modules import this one and register their handlers when they are imported.
from minilean.front import tactic_cases, tactic_rewrite  # noqa: E402, F401
