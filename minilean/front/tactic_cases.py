"""cases, induction and generalize, with their alternatives.

Follows Lean's `Lean/Elab/Tactic/{Induction,Generalize}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import close_or_admit, on_main, run_tactic, run_tactic_seq
from minilean.front.tactic_elim import _last, split_hyp
from minilean.front.tactic_util import tactic
from minilean.kernel import term as tm
from minilean.kernel.term import FVar


def target_hyp(ctx, goal: int, name, term):
    """(hypothesis, goal) for the major premise `name : term`: a variable, or a generalized term."""
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    e = ctx.elab.elab_term(term, None)
    if e.flags & tm.MVAR:
        e = meta.inst(e)
        if e.flags & tm.MVAR:
            raise Declined("cases/induction on a term with holes", term)
    if type(e) is FVar and name is None and e.id in meta.lctx and meta.fvars[e.id].value is None:
        return meta.lctx.get(e.id), goal, None
    if name == "_":
        name = "h✝"
    if meta.is_proof(e) and name is None:
        h, goal = U.assert_hyp(meta, goal, "x✝", meta.inst(meta.infer(e)), e)
        return h, goal, None
    x, h, goal = U.generalize_term(meta, goal, e, "x✝", name)
    return x, goal, h


@tactic("cases")
def cases(ctx, stx, targets, using, alts, before):
    if using is not None:
        raise Declined("cases … using", stx)
    if len(targets) != 1:
        raise Declined("cases on several terms", stx)
    meta, goal = ctx.meta, ctx.main()
    rest = ctx.goals[1:]
    with meta.with_goal(goal):
        h, goal, _ = target_hyp(ctx, goal, *targets[0])
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, h, alt_names(alts))
    finish_alts(ctx, stx, branches, alts, rest, h, before)


@tactic("induction")
def induction(ctx, stx, targets, using, general, alts, before):
    if using is not None:
        raise Declined("induction … using", stx)
    if len(targets) != 1:
        raise Declined("induction on several terms", stx)
    meta, goal = ctx.meta, ctx.main()
    rest = ctx.goals[1:]
    with meta.with_goal(goal):
        h, goal, _ = target_hyp(ctx, goal, *targets[0])
    with meta.with_goal(goal):
        extra = [U.find_hyp(meta, goal, x.name, x) for x in general]
        deps = [x for x in U.dependents(meta, goal, [h.id]) if x.id != h.id]
        if any(e.id == h.id for e in extra):
            raise LeanError(f"variable cannot be generalized because it is the target: {h.name}")
        wanted = {x.id for x in extra} | {x.id for x in deps}
        to_revert = U.dependents(meta, goal, wanted) if wanted else []
        if any(x.id == h.id for x in to_revert):
            raise LeanError("variable cannot be generalized because the induction target depends "
                            f"on it: {next(e.name for e in extra)}", stx)
        goal = U.revert(meta, goal, to_revert)
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, h, alt_names(alts), induction=True)
    for b in branches:
        with meta.with_goal(b.goal):
            b.subst, b.goal = U.reintro(meta, b.goal, to_revert)
    finish_alts(ctx, stx, branches, alts, rest, h, before)


def alt_names(alts):
    """ctor -> the variable names its alternative gives (None: no alternatives written)."""
    if alts is None:
        return lambda ctor: ()
    table = {}
    for alt in alts:
        for name, names, explicit in alt.lhs:
            table[_last(name)] = ["@", *names] if explicit else names
    rest = table.get("_", ())
    return lambda ctor: table.get(_last(ctor), rest)


def finish_alts(ctx, stx, branches, alts, rest, h, before=None) -> None:
    """Runs the alternatives on their branches; without alternatives the branches become goals."""
    if before is not None:
        branches = run_before(ctx, before, branches)
    if alts is None:
        ctx.goals = [b.goal for b in branches] + rest
        return
    left = {_last(b.ctor): b for b in branches}
    known = {_last(c) for c in _all_ctors(ctx.meta, h)}
    new, used = [], set()
    for alt in alts:
        for name, names, explicit in alt.lhs:
            if name == "_":
                todo = list(left)
            else:
                todo = [_last(name)]
                if _last(name) not in known:
                    raise LeanError(f"Invalid alternative name `{name}`: Expected "
                                    + " or ".join(f"`{k}`" for k in known), alt)
            for key in todo:
                branch = left.pop(key, None)
                if branch is None:
                    if key in used:
                        raise LeanError(f"Duplicate alternative name `{name}`", alt)
                    if before is not None:
                        continue
                    raise LeanError(f"Alternative `{name}` is not needed", alt)
                used.add(key)
                room = branch.count if explicit else branch.explicit
                if len(names) > room and name != "_":
                    raise LeanError(f"Too many variable names provided at alternative `{key}`: "
                                    f"{len(names)} provided, but {room} expected", alt)
                new += run_alt(ctx, alt, branch)
    if left:
        missing = next(iter(left))
        error = LeanError(f"Alternative `{missing}` has not been provided", stx)
        if not ctx.recover:
            raise error
        ctx.error_at(stx, error)
        for b in left.values():
            ctx.meta.admit(b.goal)
    ctx.goals = new + rest


def run_before(ctx, before, branches):
    """The branches that `before` leaves open (`cases h with simp | …`)."""
    left = []
    for b in branches:
        ctx.goals = [b.goal]
        run_tactic(ctx, before)
        ctx.prune()
        if len(ctx.goals) > 1:
            raise Declined("several goals from the tactic before the alternatives")
        if ctx.goals:
            b.goal = ctx.goals[0]
            left.append(b)
    return left


def _all_ctors(meta, h):
    found = U.whnf_inductive(meta, h.type)
    return found[0].ctors


def run_alt(ctx, alt, branch) -> list[int]:
    """Goals left by one alternative: none for a tactic block, the hole for `?_`."""
    goal, meta = branch.goal, ctx.meta
    if isinstance(alt.rhs, S.TacSeq):
        meta.decls[goal].name = ""
        ctx.goals = [goal]
        close_or_admit(ctx, alt, goal, lambda: run_tactic_seq(ctx, alt.rhs))
        return []
    if isinstance(alt.rhs, S.SynthHole) and alt.rhs.name:
        meta.decls[goal].name = alt.rhs.name
    return [goal]


@tactic("generalize")
def generalize(ctx, stx, items, loc):
    if loc is not None:
        raise Declined("generalize at a hypothesis", stx)
    for eq_name, value, name in items:
        def go(goal, eq_name=eq_name, value=value, name=name):
            meta = ctx.meta
            e = ctx.elab.elab_term(value, None)
            _, _, new = U.generalize_term(meta, goal, meta.inst(e), name,
                                          "h✝" if eq_name == "_" else eq_name)
            return [new]
        on_main(ctx, go)
