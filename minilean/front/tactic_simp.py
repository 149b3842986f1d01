"""simp, simp only, simp at, simpa, simp_all, dsimp.

Follows Lean's `Lean/Elab/Tactic/{Simp,Simpa}.lean` and `Lean/Meta/Tactic/Simp/SimpAll.lean`:
rules from the brackets (`*`: all hypotheses, `-name` erases, definitions unfold), targets and
hypotheses, an error when nothing changes. Options other than `+contextual` are declined by name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from dataclasses import replace

from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import add_rules, decl_rules, rules_of
from minilean.front.simp_main import Simp, SimpSet, of_eq_true
from minilean.front.tactic import goal_tactic, script
from minilean.front.tactic_apply import elab_for_apply
from minilean.front.tactic_rewrite import replace_at
from minilean.kernel import term as tm
from minilean.kernel.term import Const, FVar, Lam, MVar

# --- the rules in brackets ------------------------------------------------------------------------


def make_set(ctx, stx, config, only, args) -> SimpSet:
    """The rules of a call: the default ones unless `only`, the bracketed arguments, options.

    `dsimp` is `simp` with the rules that hold by `rfl`.
    """
    for name, value in config:
        if (name, value) != ("contextual", True):
            raise Declined(f"simp option {'+' if value is True else '-'}{name}", stx)
    every = stx.kind == "simp_all"
    rules = SimpSet({} if only else dict(ctx.meta.ext.simp_lemmas), rfl_only=stx.kind == "dsimp",
                    contextual=bool(config) or every, hyps=every)
    for arg in args or ():
        if arg.star:
            rules.hyps = True
        else:
            add_arg(ctx, rules, arg)
    return rules


def add_arg(ctx, rules: SimpSet, arg) -> None:
    """Adds (or erases) a theorem, the equations of a definition, a proof."""
    e, _ = elab_for_apply(ctx, arg.term)
    if arg.erase:
        if type(e) not in (Const, FVar):
            raise Declined("simp [-term]", arg)
        rules.erased |= {e.name if type(e) is Const else e.id}
    elif type(e) is Const:
        add_rules(rules.table, decl_rules(ctx.meta, e.name, arg.symm))
    else:
        add_rules(rules.table, proof_rules(ctx.meta, e, arg))


def proof_rules(meta, e, arg):
    """Rules from a proof; its holes are variables of the rule."""
    if not meta.is_proof(e):
        raise Declined("simp with a local definition or a term that is no proof", arg)
    holes = [MVar(i) for i in meta.mvars_in(e)]
    e = tm.abstract(meta.inst(e), holes)
    for i in reversed(range(len(holes))):
        ty = meta.inst(meta.decls[holes[i].id].type)
        e = Lam("x", tm.abstract(ty, holes[:i]), e)
    origin = e.id if type(e) is FVar else f"_arg{arg.pos}"
    return rules_of(meta, origin, e, meta.infer(e), symm=arg.symm)


# --- simplifying places ---------------------------------------------------------------------------


def propositions(meta, goal: int):
    """The hypotheses of a goal that are proofs."""
    return [d for d in U.hypotheses(meta, goal) if meta.is_prop(d.type)]


def places_at(meta, goal: int, loc, every: bool):
    """What a location names (`every`: all there is): ids of hypotheses, None for the target."""
    if loc is None and not every:
        return [None]
    if every or loc.wildcard:
        return [*[d.id for d in propositions(meta, goal)], None]
    hyps = [U.find_hyp(meta, goal, x.name, x).id for x in loc.hyps]
    return [*hyps, None] if loc.goal else hyps


def simp_places(meta, goal: int, places, rules: SimpSet) -> list[int]:
    """The goal with the places simplified in turn, the same if nothing changes, [] if closed."""
    goals = [goal]
    for place in places:
        goals = [new for old in goals for new in simp_place(meta, old, place, rules)]
    return goals


def simp_place(meta, goal: int, place, rules: SimpSet) -> list[int]:
    """simp_places for one place: a target that becomes True or a hypothesis False closes it."""
    lctx = meta.decls[goal].lctx
    d = lctx.get(place)
    if d is None and place is not None:
        return [goal]
    with meta.with_lctx(lctx):
        table = dict(rules.table)
        for h in propositions(meta, goal) if rules.hyps else ():
            add_rules(table, rules_of(meta, h.id, h.fvar, h.type))
        rules = replace(rules, table=table, erased=rules.erased | {place})
        old = meta.goal_type(goal) if d is None else meta.inst(d.type)
        new, proof = Simp(meta, rules).simp(old)
        if d is None and new is TRUE:
            meta.assign_mvar(goal, of_eq_true(old, proof))
            return []
        if d is not None and new is FALSE:
            false = d.fvar if proof is None else meta.mk_cast("Eq.mp", proof, d.fvar)
            meta.assign_mvar(goal, meta.mk_at("False.elim", meta.goal_type(goal), false))
            return []
        if new is old:
            return [goal]
        if d is not None and new is TRUE:
            return [U.try_clear(meta, goal, [d.id])]
        return [replace_at(meta, goal, d, new, proof)]


@goal_tactic("simp", "dsimp", "simp_all")
def simp(ctx, goal, stx, config, only, args, loc=None):
    """`simp_all` simplifies hypotheses and target with each other until nothing changes."""
    meta, every = ctx.meta, stx.kind == "simp_all"
    rules = make_set(ctx, stx, config, only, args)
    before, goals = None, [goal]
    while goals and goals != before and (every or before is None):
        meta.tick()
        before = goals
        goals = simp_places(meta, goals[0], places_at(meta, goals[0], loc, every), rules)
    if goals == [goal]:
        raise LeanError(f"`{stx.kind}` made no progress", stx)
    return goals


# --- simpa ----------------------------------------------------------------------------------------


@goal_tactic("simpa")
def simpa(ctx, goal, stx, config, only, args, using):
    """Closes the simplified target by a simplified term, `this`, or an assumption."""
    meta, rules = ctx.meta, make_set(ctx, stx, config, only, args)
    this = meta.lctx.find("this")
    e = this and this.fvar if using is None else ctx.elab.elab_with_holes(using, None)[0]
    goals = simp_place(meta, goal, None, rules)
    if not goals:
        return []
    if e is None:
        return ctx.focus(*goals, script, ctx, stx, "assumption")
    d, goal = U.assert_hyp(meta, *goals, "simpa✝", meta.inst(meta.infer(e)), e)
    for left in simp_place(meta, goal, d.id, rules):
        close_by_last(meta, left, e, stx)
    return []


def close_by_last(meta, goal: int, e, stx) -> None:
    """Closes the goal by what is left of e, the hypothesis `simpa✝` unless it became True."""
    with meta.with_goal(goal):
        h, target = meta.lctx.find("simpa✝"), meta.goal_type(goal)
        with meta.transparency("reducible"):
            if h is None or not meta.is_def_eq(target, h.type):
                shown = meta.pp(h.type if h else TRUE)
                raise LeanError("Type mismatch: After simplification, term\n  "
                                f"{meta.pp(e)}\n has type\n  {shown}\n"
                                f"but is expected to have type\n  {meta.pp(target)}", stx)
        meta.assign_mvar(goal, h.fvar)
