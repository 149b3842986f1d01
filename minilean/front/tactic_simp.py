"""simp, simp only, simp at, simpa, simp_all, dsimp.

Follows Lean's `Lean/Elab/Tactic/{Simp,Simpa}.lean` and `Lean/Meta/Tactic/Simp/SimpAll.lean`:
rules from the brackets (`*`: all hypotheses, `-name` erases, definitions unfold), targets and
hypotheses, an error when nothing changes. Options other than the defaults are declined by name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import FALSE, TRUE, add_rules, decl_rules, rules_of
from minilean.front.simp_main import Simp, SimpSet, of_eq_true
from minilean.front.tactic import on_main
from minilean.front.tactic_apply import assumption, elab, elab_for_apply
from minilean.front.tactic_rewrite import replace_at
from minilean.front.tactic_util import tactic
from minilean.kernel import term as tm
from minilean.kernel.term import Const, FVar, MVar

KNOWN_OPTIONS = (("failIfUnchanged", True), ("zeta", True), ("beta", True), ("decide", False),
                 ("contextual", True))


def check_config(config, stx) -> None:
    """Declines options that would change the result, except `contextual := true`."""
    for name, value in config:
        if (name, value) not in KNOWN_OPTIONS:
            raise Declined(f"simp option {'+' if value is True else '-'}{name}", stx)


# --- the rules in brackets ------------------------------------------------------------------------


def make_set(ctx, goal: int, only: bool, args, all_hyps=False) -> SimpSet:
    """The rules for the bracketed arguments of simp; `*` or all_hyps adds every hypothesis."""
    meta = ctx.meta
    rules = SimpSet() if only else SimpSet(dict(meta.ext.simp_lemmas),
                                           frozenset(meta.ext.simp_state))
    for arg in args or ():
        if arg.star:
            all_hyps = True
        elif arg.erase:
            erase(ctx, rules, arg)
        else:
            add_arg(ctx, rules, arg)
    if all_hyps:
        for d in propositions(meta, goal):
            add_rules(rules.table, rules_of(meta, d.id, d.fvar, d.type))
    return rules


def propositions(meta, goal: int):
    """The hypotheses of a goal that are proofs."""
    return [d for d in U.hypotheses(meta, goal) if meta.is_prop(d.type)]


def erase(ctx, rules: SimpSet, arg) -> None:
    if not isinstance(arg.term, S.Ident):
        raise Declined("simp [-term]", arg)
    d = ctx.meta.lctx.find(arg.term.name)
    origin = d.id if d is not None else ctx.elab.resolve_const(arg.term.name)
    rules.erased |= {origin}
    rules.unfold -= {origin}


def add_arg(ctx, rules: SimpSet, arg) -> None:
    """Adds what a term stands for: a theorem, the equations of a definition, a proof."""
    e, _ = elab_for_apply(ctx, arg.term)
    if type(e) is not Const:
        return add_rules(rules.table, proof_rules(ctx.meta, e, arg))
    new, unfolds = decl_rules(ctx.meta, e.name, symm=arg.symm)
    add_rules(rules.table, new)
    rules.erased -= {e.name}
    rules.unfold |= {e.name} if unfolds else set()


def proof_rules(meta, e, arg):
    """Rules from a proof; its holes are variables of the rule."""
    if not meta.is_prop(meta.inst(meta.infer(e))):
        raise Declined("simp with a local definition or a term that is no proof", arg)
    holes = {}
    for i in meta.mvars_in(e):
        d = meta.decls[i]
        if meta.mvars_in(d.type):
            raise Declined("simp with a term with dependent holes", arg)
        holes[MVar(i)] = meta.mk_local(d.name or "x", d.type).fvar
    e = meta.mk_lambda(list(holes.values()), tm.replace(meta.inst(e), holes.get))
    origin = e.id if type(e) is FVar else f"_arg{arg.pos}"
    return rules_of(meta, origin, e, meta.infer(e), symm=arg.symm)


# --- simplifying places ---------------------------------------------------------------------------


def simp_place(meta, goal: int, d, rules: SimpSet):
    """The goal, the same if nothing changes, with hypothesis d (None: the target) simplified.

    None when that closes it: the target becomes True or the hypothesis False.
    """
    old = meta.goal_type(goal) if d is None else meta.inst(d.type)
    if d is not None:
        rules = replace(rules, erased=rules.erased | {d.id})
    new, proof = Simp(meta, rules).simp(old)
    if d is None and new is TRUE:
        meta.assign_mvar(goal, of_eq_true(old, proof))
        return None
    if new is old:
        return goal
    if d is not None and new is FALSE:
        close_by_false(meta, goal, proof, d.fvar)
        return None
    if d is not None and new is TRUE:
        return U.try_clear(meta, goal, [d.id])
    return replace_at(meta, goal, d, new, proof)


def close_by_false(meta, goal: int, proof, h) -> None:
    """Closes the goal with h : p, where proof : p = False (None: p is False by definition)."""
    value = h if proof is None else meta.mk_cast("Eq.mp", proof, h)
    meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), value))


def simp_places(meta, goal: int, places, rules_for):
    """simp_place at ids of hypotheses and None, the target, in turn, with rules_for(goal)."""
    for place in places:
        lctx = meta.decls[goal].lctx
        if place is not None and place not in lctx:
            continue
        with meta.with_lctx(lctx):
            goal = simp_place(meta, goal, lctx.get(place), rules_for(goal))
        if goal is None:
            return None
    return goal


def all_places(meta, goal: int):
    return [*[d.id for d in propositions(meta, goal)], None]


def places_at(meta, goal: int, loc):
    """The places that a location names."""
    if loc is None:
        return [None]
    if loc.wildcard:
        return all_places(meta, goal)
    hyps = [U.find_hyp(meta, goal, x.name, x).id for x in loc.hyps]
    return [*hyps, None] if loc.goal else hyps


def goals_left(goal: int, new, stx) -> list[int]:
    """The goals left by a tactic that made `new` from a goal; LeanError if they are the same."""
    if new == goal:
        raise LeanError(f"`{stx.kind}` made no progress", stx)
    return [] if new is None else [new]


@tactic("simp", "dsimp")
def simp(ctx, stx, config, only, args, loc):
    """`dsimp` is `simp` with the rules that hold by `rfl`."""
    check_config(config, stx)
    meta = ctx.meta

    def go(goal):
        rules = make_set(ctx, goal, only, args)
        rules.contextual = ("contextual", True) in config
        rules.rfl_only = stx.kind == "dsimp"
        new = simp_places(meta, goal, places_at(meta, goal, loc), lambda _: rules)
        return goals_left(goal, new, stx)
    on_main(ctx, go)


@tactic("simp_all")
def simp_all(ctx, stx, config, only, args):
    """Simplifies hypotheses with each other and the target with all, until nothing changes."""
    check_config(config, stx)
    meta = ctx.meta

    def rules_for(goal):
        rules = make_set(ctx, goal, only, args, all_hyps=True)
        rules.contextual = True
        return rules

    def go(goal):
        before, new = None, goal
        while new is not None and new != before:
            meta.tick()
            before = new
            new = simp_places(meta, new, all_places(meta, new), rules_for)
        return goals_left(goal, new, stx)
    on_main(ctx, go)


# --- simpa ----------------------------------------------------------------------------------------


@tactic("simpa")
def simpa(ctx, stx, config, only, args, using):
    """Closes the simplified target by a simplified term, `this`, or an assumption."""
    check_config(config, stx)
    meta = ctx.meta

    def go(goal):
        rules = make_set(ctx, goal, only, args)
        e, this = None, meta.lctx.find("this")
        if using is not None:
            e = meta.inst(elab(ctx, using))
        elif this is not None:
            e = this.fvar
        new = simp_place(meta, goal, None, rules)
        if new is None:
            return []
        with meta.with_goal(new):
            if e is None:
                return ctx.focus(new, lambda: assumption(ctx, stx))
            return simpa_using(meta, new, e, rules, stx)
    on_main(ctx, go)


def simpa_using(meta, goal: int, e, rules: SimpSet, stx) -> list[int]:
    ty = meta.inst(meta.infer(e))
    new, proof = Simp(meta, rules).simp(ty)
    if new is FALSE:
        close_by_false(meta, goal, proof, e)
        return []
    target = meta.goal_type(goal)
    with meta.transparency("reducible"):
        ok = meta.is_def_eq(target, new)
    if not ok:
        raise LeanError(f"Type mismatch: After simplification, term\n  {meta.pp(e)}\n has type\n  "
                        f"{meta.pp(new)}\nbut is expected to have type\n  {meta.pp(target)}", stx)
    meta.assign_mvar(goal, e if proof is None else meta.mk_cast("Eq.mp", proof, e))
    return []
