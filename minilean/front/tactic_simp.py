"""simp, simp only, simp at, simpa, simp_all, dsimp.

Follows Lean's `Lean/Elab/Tactic/{Simp,Simpa}.lean` and `Lean/Meta/Tactic/Simp/SimpAll.lean`:
rules from the brackets (`*`: all hypotheses, `-name` erases, definitions unfold), targets and
hypotheses, an error when nothing changes. Options other than the defaults are declined by name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import const_rules, equation_rules, rules_of
from minilean.front.simp_main import FALSE, TRUE, Simp, SimpSet
from minilean.front.tactic import attempt, on_main
from minilean.front.tactic_apply import assumption, elab, elab_for_apply
from minilean.front.tactic_basic import close_rfl
from minilean.front.tactic_util import tactic
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import Const, FVar, MVar

NO_PROGRESS = "`simp` made no progress"


def check_config(config, stx) -> None:
    """Declines options that would change the result."""
    for name, value in config:
        if name == "contextual" and value is True:
            continue
        if not (isinstance(value, bool) and (name, value) in HARMLESS):
            raise Declined(f"simp option {'+' if value is True else '-'}{name}", stx)


HARMLESS = frozenset((("failIfUnchanged", True), ("zeta", True), ("beta", True), ("decide", False)))


def make_set(ctx, goal: int, only: bool, args) -> tuple[SimpSet, bool]:
    """(rules, star) for the bracketed arguments of simp."""
    meta = ctx.meta
    rules = SimpSet(meta, not only)
    star = False
    for arg in args or ():
        if arg.star:
            star = True
        elif arg.erase:
            erase(ctx, rules, arg)
        else:
            add_arg(ctx, rules, arg)
    if star:
        for d in meta.decls[goal].lctx.decls:
            if not d.hidden and meta.is_prop(d.type):
                rules.add(hyp_rules(meta, d))
    return rules, star


def erase(ctx, rules: SimpSet, arg) -> None:
    if not isinstance(arg.term, S.Ident):
        raise Declined("simp [-term]", arg)
    d = ctx.meta.lctx.find(arg.term.name)
    if d is not None:
        rules.erased = rules.erased | {d.id}
        return
    c = ctx.elab.resolve_const(arg.term.name)
    name = c.name if type(c) is Const else c
    rules.erased = rules.erased | {name}
    rules.unfold = rules.unfold - {name}


def hyp_rules(meta, d):
    """Rules from a hypothesis; its id is the origin."""
    return rules_of(meta, d.id, d.fvar, d.type)


def add_arg(ctx, rules: SimpSet, arg) -> None:
    meta = ctx.meta
    bare = arg.term
    while isinstance(bare, S.Paren):
        bare = bare.term
    e, extra = elab_for_apply(ctx, bare)
    if isinstance(bare, S.Ident) and type(e) is Const:
        decl = meta.env.lookup(e.name)
        if not meta.is_prop(decl.type):
            if type(decl) is not DefDecl:
                raise LeanError(f"invalid 'simp', it is not a proposition nor a definition: "
                                f"`{e.name}`", arg)
            rules.erased = rules.erased - {e.name}
            smart = meta.ext.smart.get(e.name)
            if smart is not None:
                rules.add(equation_rules(meta, e.name))
            if smart is None or not smart.recursive:
                rules.unfold = rules.unfold | {e.name}
            return
        rules.erased = rules.erased - {e.name}
        rules.add(const_rules(meta, e.name, symm=arg.symm))
        return
    ty = meta.inst(meta.infer(e))
    if not meta.is_prop(ty):
        raise Declined("simp with a local definition or a term that is no proof", arg)
    if e.flags & tm.MVAR:
        holes = [MVar(i) for i in meta.mvars_in(e)]
        locals_, subst = [], {}
        for m in holes:
            if meta.mvars_in(meta.decls[m.id].type):
                raise Declined("simp with a term with dependent holes", arg)
            x = meta.mk_local(meta.decls[m.id].name or "x", meta.decls[m.id].type)
            locals_.append(x.fvar)
            subst[m] = x.fvar
        e = meta.mk_lambda(locals_, tm.replace(meta.inst(e), subst.get))
        ty = meta.inst(meta.infer(e))
    origin = e.id if type(e) is FVar else f"_arg{arg.pos}"
    rules.add(rules_of(meta, origin, e, ty, symm=arg.symm))


# --- simplifying one place ------------------------------------------------------------------------


def simp_target(ctx, goal: int, rules: SimpSet):
    """New goal, None when closed. LeanError when nothing changes."""
    meta = ctx.meta
    target = meta.goal_type(goal)
    new, proof = Simp(meta, rules).simp(target)
    if new is target and new is not TRUE:
        return goal, False
    if new is TRUE:
        value = Const("True.intro") if proof is None else tm.mk_app(Const("of_eq_true"), target,
                                                                    proof)
        meta.assign_mvar(goal, value)
        return None, True
    if proof is None:
        return U.change_target(meta, goal, new), True
    return U.replace_target_eq(meta, goal, new, proof), True


def simp_hyp(ctx, goal: int, d, rules: SimpSet):
    """(new goal or None when closed, changed, new hypothesis or None)."""
    meta = ctx.meta
    old_erased = rules.erased
    rules.erased = rules.erased | {d.id}
    ty = meta.inst(d.type)
    try:
        new, proof = Simp(meta, rules).simp(ty)
    finally:
        rules.erased = old_erased
    if new is ty:
        return goal, False, d
    value = d.fvar if proof is None else meta.mk_eq_mp(proof, d.fvar)
    if new is FALSE:
        meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), value))
        return None, True, None
    if new is TRUE:
        return U.try_clear(meta, goal, [d.id]), True, None
    if proof is None:
        h, goal = U.change_hyp(meta, goal, d, new)
        return goal, True, h
    h, goal = U.replace_hyp(meta, goal, d, new, value)
    return U.try_clear(meta, goal, [d.id]), True, h


@tactic("simp")
def simp(ctx, stx, config, only, args, loc):
    check_config(config, stx)

    def go(goal):
        rules, _ = make_set(ctx, goal, only, args)
        rules.contextual = any(name == "contextual" for name, _ in config)
        return simp_at(ctx, goal, rules, loc, stx)
    on_main(ctx, go)


def simp_at(ctx, goal: int, rules: SimpSet, loc, stx) -> list[int]:
    """Simplifies the target and hypotheses named by a location; goals left."""
    meta = ctx.meta
    if loc is None:
        goal, changed = simp_target(ctx, goal, rules)
        if not changed:
            raise LeanError(NO_PROGRESS, stx)
        return [] if goal is None else [goal]
    if loc.wildcard:
        names = [d for d in meta.decls[goal].lctx.decls
                 if not d.hidden and meta.is_prop(d.type)]
    else:
        names = [U.find_hyp(meta, goal, x.name, x) for x in loc.hyps]
    any_change = False
    for d in names:
        d = meta.decls[goal].lctx.get(d.id)
        if d is None:
            continue
        with meta.with_goal(goal):
            goal, changed, _ = simp_hyp(ctx, goal, d, rules)
        any_change = any_change or changed
        if goal is None:
            return []
    if loc.goal or loc.wildcard:
        with meta.with_goal(goal):
            goal, changed = simp_target(ctx, goal, rules)
        any_change = any_change or changed
    if not any_change:
        raise LeanError(NO_PROGRESS, stx)
    return [] if goal is None else [goal]


@tactic("dsimp")
def dsimp(ctx, stx, config, only, args, loc):
    """simp with the rules that hold by `rfl`."""
    check_config(config, stx)

    def go(goal):
        rules, _ = make_set(ctx, goal, only, args)
        rules.rfl_only = True
        try:
            return simp_at(ctx, goal, rules, loc, stx)
        except LeanError as error:
            if error.message == NO_PROGRESS:
                error.message = "`dsimp` made no progress"
            raise
    on_main(ctx, go)


# --- simpa ----------------------------------------------------------------------------------------


@tactic("simpa")
def simpa(ctx, stx, config, only, args, using):
    check_config(config, stx)

    def go(goal):
        meta = ctx.meta
        rules, _ = make_set(ctx, goal, only, args)
        e = None
        if using is not None:
            e = simpa_value(ctx, goal, using)
        new, _ = simp_target(ctx, goal, rules)
        if using is None:
            return simpa_this(ctx, goal, new, rules, stx)
        if new is None:
            return []
        with meta.with_goal(new):
            return simpa_using(ctx, new, e, rules, stx)
    on_main(ctx, go)


def simpa_value(ctx, goal: int, using):
    meta = ctx.meta
    ctx.elab.err_to_sorry = ctx.recover
    e = elab(ctx, using)
    return meta.inst(e)


def simpa_this(ctx, goal: int, new, rules, stx) -> list[int]:
    """Without `using`: the simplified target is closed by `this` (simplified) or an assumption."""
    meta = ctx.meta
    if new is None:
        return []
    with meta.with_goal(new):
        d = meta.lctx.find("this")
        if d is not None:
            return simpa_using(ctx, new, d.fvar, rules, stx)
        rest, ctx.goals = ctx.goals, [new]
        try:
            assumption(ctx, stx)
        finally:
            ctx.goals = rest
    return []


def simpa_using(ctx, goal: int, e, rules, stx) -> list[int]:
    meta = ctx.meta
    ty = meta.inst(meta.infer(e))
    new, proof = Simp(meta, rules).simp(ty)
    value = e if proof is None else meta.mk_eq_mp(proof, e)
    target = meta.goal_type(goal)
    if new is FALSE:
        meta.assign_mvar(goal, meta.mk_false_elim(target, value))
        return []
    with meta.transparency("reducible"):
        ok = meta.is_def_eq(target, new)
    if not ok:
        raise LeanError(f"Type mismatch: After simplification, term\n  {meta.pp(e)}\n has type\n  "
                        f"{meta.pp(new)}\nbut is expected to have type\n  {meta.pp(target)}", stx)
    meta.assign_mvar(goal, value)
    return []


# --- simp_all -------------------------------------------------------------------------------------


@tactic("simp_all")
def simp_all(ctx, stx, config, only, args):
    check_config(config, stx)

    def go(goal):
        return simp_all_goal(ctx, goal, only, args, stx)
    on_main(ctx, go)


def simp_all_goal(ctx, goal: int, only, args, stx) -> list[int]:
    """Simplifies hypotheses with each other and the target with all, until nothing changes."""
    meta = ctx.meta
    progress, any_change = True, False
    while progress:
        progress = False
        meta.tick()
        hyps = [d for d in meta.decls[goal].lctx.decls if not d.hidden and meta.is_prop(d.type)]
        for d in hyps:
            d = meta.decls[goal].lctx.get(d.id)
            if d is None:
                continue
            with meta.with_goal(goal):
                rules = all_rules(ctx, goal, only, args)
                goal, changed, _ = simp_hyp(ctx, goal, d, rules)
            if goal is None:
                return []
            progress = progress or changed
        with meta.with_goal(goal):
            rules = all_rules(ctx, goal, only, args)
            goal, changed = simp_target(ctx, goal, rules)
        if goal is None:
            return []
        progress = progress or changed
        any_change = any_change or progress
    if not any_change:
        raise LeanError("`simp_all` made no progress", stx)
    return [goal]


def all_rules(ctx, goal: int, only, args) -> SimpSet:
    """Rules of simp_all: those of simp and all hypotheses (implications are contextual)."""
    rules, _ = make_set(ctx, goal, only, args)
    rules.contextual = True
    for d in ctx.meta.decls[goal].lctx.decls:
        if not d.hidden and ctx.meta.is_prop(d.type):
            rules.add(hyp_rules(ctx.meta, d))
    return rules


__all__ = ["attempt", "close_rfl"]
