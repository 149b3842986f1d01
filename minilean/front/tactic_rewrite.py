"""rw, rewrite, rwa, unfold, congr and the rewriting of one goal by one equation.

Follows Lean's `Lean/Meta/Tactic/Rewrite.lean` (keyed matching up to instances, motive check, new
goals for what the equation leaves open) and `Lean/Elab/Tactic/{Rewrite,Unfold,Congr}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import add_rules, decl_rules, equation_of, flipped, head_name
from minilean.front.simp_main import Simp, SimpSet
from minilean.front.simp_procs import congr_args
from minilean.front.tactic import attempt, on_main
from minilean.front.tactic_apply import (
    apply_term,
    assumption,
    elab_for_apply,
    find_assumption,
    order_goals,
)
from minilean.front.tactic_basic import close_rfl
from minilean.front.tactic_util import tactic, tactic_error
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import FVAR, App, Const, Lam, Let, MVar, Pi, instantiate


def rewrite_term(meta, goal: int, target, e, symm: bool, extra=(), ty=None):
    """(new term, proof of target = new term, new goals): the rule e at all its instances.

    `ty` is the rule's statement; the goals are what unification leaves open, of `extra` too.
    """
    mvars, infos, prop = meta.forall_meta(meta.inst(meta.infer(e) if ty is None else ty))
    prop = meta.inst(prop)
    if not meta.is_prop(prop) or type(tm.get_app_fn(prop)) is MVar:
        raise tactic_error(meta, "rewrite", goal, "equality or iff proof expected\n  "
                           + meta.pp(prop))
    equation = equation_of(meta, meta.beta(e, mvars), prop)
    proof, eq_ty, lhs, rhs = flipped(meta, *equation) if symm else equation
    lhs, target = meta.inst(lhs), meta.inst(target)
    if type(tm.get_app_fn(lhs)) is MVar:
        raise tactic_error(meta, "rewrite", goal, "Pattern is a metavariable\n  " + meta.pp(lhs)
                           + "\nfrom equation\n  " + meta.pp(meta.infer(proof)))
    with meta.transparency("instances"):
        body = meta.kabstract(target, lhs)
    if not has_loose_bvar(body, 0):
        raise tactic_error(meta, "rewrite", goal, "Did not find an occurrence of the pattern\n  "
                           f"{meta.pp(lhs)}\nin the target expression\n  {meta.pp(target)}")
    eq_ty, rhs, lhs = meta.inst(eq_ty), meta.inst(rhs), meta.inst(lhs)
    motive = Lam("_a", eq_ty, body)
    check_motive(meta, goal, motive)
    new = meta.head_beta(instantiate(body, rhs))
    target_ty = meta.inst(meta.infer(target))
    levels = meta.sort_level(eq_ty), meta.sort_level(target_ty)
    eq = tm.mk_app(Const("congrArg", levels), eq_ty, target_ty, lhs, rhs, motive, proof)
    return meta.inst(new), eq, open_goals(meta, mvars, infos, extra)


def open_goals(meta, mvars, infos, extra) -> list[int]:
    """The arguments of a rule that are still open; LeanError if one is an instance not found."""
    for m, info in zip(mvars, infos, strict=True):
        if info == "inst" and not meta.is_assigned(m.id):
            ty = meta.inst(meta.decls[m.id].type)
            value = meta.synth_inst(ty)
            if value is None:
                raise LeanError(f"failed to synthesize instance of type class\n  {meta.pp(ty)}")
            if not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, value)
    goals = dict.fromkeys([*[m.id for m in mvars], *extra])
    goals = [i for i in goals if not meta.is_assigned(i)]
    for i in goals:
        meta.decls[i].type = meta.inst(meta.decls[i].type)
    return order_goals(meta, goals)


def check_motive(meta, goal: int, motive) -> None:
    """Raises "motive is not type correct" when the abstracted target does not type check."""
    try:
        check_types(meta, motive)
    except LeanError:
        raise tactic_error(meta, "rewrite", goal, "motive is not type correct:\n  "
                           + meta.pp(motive)) from None


def check_types(meta, e) -> None:
    """Raises LeanError where an application in e has an argument of another type than expected."""
    t = type(e)
    if t is Lam or t is Pi:
        check_types(meta, e.type)
        x = meta.mk_local(e.name, e.type, e.info)
        with meta.with_lctx(meta.lctx.add(x)):
            check_types(meta, instantiate(e.body, x.fvar))
    elif t is Let:
        check_types(meta, e.value)
        check_types(meta, instantiate(e.body, e.value))
    elif e.flags & FVAR:
        for child in tm.children(e):
            check_types(meta, child)
        if t is App and not meta.is_def_eq(meta.expect_pi(meta.infer(e.fn)).type,
                                           meta.infer(e.arg)):
            raise LeanError("application type mismatch")


# --- rw -------------------------------------------------------------------------------------------


@tactic("rewrite")
def rewrite(ctx, stx, rules, loc):
    for rule in rules:
        try:
            for place in places(loc, "rw"):
                rewrite_rule(ctx, rule, place)
        except (LeanError, Declined) as error:
            if error.stx is None:
                error.stx = rule
            raise


def places(loc, tactic_name: str):
    """None for the target, or names of hypotheses."""
    if loc is None:
        return [None]
    if loc.wildcard:
        raise Declined(f"{tactic_name} at *")
    return [*[h.name for h in loc.hyps], *([None] if loc.goal else [])]


def rewrite_rule(ctx, rule, place) -> None:
    meta = ctx.meta

    def go(goal):
        d = None if place is None else U.find_hyp(meta, goal, place)
        old = meta.goal_type(goal) if d is None else d.type
        first_error, mark = None, meta.save()
        for e, extra, ty in rule_terms(ctx, rule.term):
            try:
                new, eq, goals = rewrite_term(meta, goal, old, e, rule.symm, extra, ty)
                return [replace_at(meta, goal, d, new, eq), *goals]
            except LeanError as error:
                first_error = first_error or error
                meta.restore(mark)
        raise first_error
    on_main(ctx, go)


def rule_terms(ctx, term):
    """[(rule, its open holes, statement or None)]: the term, or the equations of a definition."""
    meta = ctx.meta
    e, extra = elab_for_apply(ctx, term)
    decl = meta.env.get(e.name) if type(e) is Const else None
    if type(decl) is not DefDecl or meta.is_prop(decl.type):
        return [(e, extra, None)]
    found = equations(meta, e.name)
    if not found:
        raise Declined(f"equations of the definition {e.name}")
    us = decl.level_params, e.levels
    return [(tm.instantiate_level_params(proof, *us), [], tm.instantiate_level_params(ty, *us))
            for proof, ty in found]


def replace_at(meta, goal: int, d, new, eq) -> int:
    """New goal: hypothesis d (None: the target) becomes `new`, by eq : old = new (None: as rfl)."""
    if d is None:
        return U.change_target(meta, goal, new) if eq is None else \
            U.replace_target_eq(meta, goal, new, eq)
    if eq is None:
        return U.change_hyp(meta, goal, d, new)[1]
    _, goal = U.replace_hyp(meta, goal, d, new, meta.mk_cast("Eq.mp", eq, d.fvar))
    return U.try_clear(meta, goal, [d.id])


@tactic("rw", "rwa")
def rw(ctx, stx, rules, loc):
    """`rewrite`, then `with_reducible rfl` if that closes the main goal; `assumption` for rwa."""
    rewrite(ctx, stx, rules, loc)

    def go():
        with ctx.meta.transparency("reducible"):
            on_main(ctx, lambda goal: close_rfl(ctx.meta, goal))
    attempt(ctx, go)
    if stx.kind == "rwa":
        assumption(ctx, stx)


# --- unfold ---------------------------------------------------------------------------------------


@tactic("unfold")
def unfold(ctx, stx, idents, loc):
    for ident in idents:
        for place in places(loc, "unfold"):
            on_main(ctx, lambda goal, ident=ident, place=place: [
                unfold_at(ctx, goal, ident, place)])


def unfold_at(ctx, goal: int, ident, place) -> int:
    meta = ctx.meta
    if meta.lctx.find(ident.name) is not None:
        raise Declined("unfold of a local definition", ident)
    name = ctx.elab.resolve_const(ident.name)
    d = None if place is None else U.find_hyp(meta, goal, place, ident)
    old = meta.goal_type(goal) if d is None else meta.inst(d.type)
    smart = meta.ext.smart.get(name)
    if smart is not None and smart.recursive:
        return replace_at(meta, goal, d, *rewrite_by_equations(meta, name, old))

    def visit(s):
        if head_name(s) != name:
            return None
        with meta.transparency("default"):
            value = meta.unfold_def(s)
        return None if value is None else meta.head_beta(value)
    new = tm.replace(old, visit)
    if new is old:
        raise LeanError(f"Tactic `unfold` failed to unfold `{name}` at\n  {meta.pp(old)}", ident)
    return replace_at(meta, goal, d, U.beta_all(meta, new), None)


def rewrite_by_equations(meta, name: str, old):
    """(new term, proof or None): a recursive function is unfolded by its equations."""
    rules = SimpSet(procs=False)
    add_rules(rules.table, decl_rules(meta, name))
    new, proof = Simp(meta, rules).simp(old)
    if new is old:
        raise Declined(f"unfold of the recursive function {name}")
    return new, proof


# --- congr ----------------------------------------------------------------------------------------


@tactic("congr")
def congr(ctx, stx, depth):
    on_main(ctx, lambda goal: congr_goal(ctx.meta, goal, 1_000_000 if depth is None else depth))


def congr_goal(meta, goal: int, depth: int) -> list[int]:
    """Goals a = b for the arguments that differ; closes what rfl or a hypothesis closes."""
    mark = meta.save()
    try:
        with meta.transparency("reducible"):
            return close_rfl(meta, goal)
    except LeanError:
        meta.restore(mark)
    found = find_assumption(meta, goal)
    if found is not None:
        meta.assign_mvar(goal, found)
        return []
    if depth <= 0:
        return [goal]
    ty = meta.goal_type(goal)
    if is_app_of(meta.whnf_r(ty), "Iff", 2):
        new = apply_term(meta, goal, Const("Iff.of_eq"))
        meta.decls[new[0]].name = meta.decls[goal].name
        return congr_goal(meta, new[0], depth)
    parts = meta.eq_parts(ty)
    if parts is None:
        raise tactic_error(meta, "congr", goal, "not an equality")
    steps = congr_step(meta, goal, parts[1], parts[2])
    if steps is None:
        return [goal]
    result = []
    for step in steps:
        with meta.with_goal(step.id):
            result += congr_goal(meta, step.id, depth - 1)
    return result


def congr_step(meta, goal: int, a, b):
    """Goals xᵢ = yᵢ of f x… = f y…; None when heads differ or an argument is dependent."""
    f, xs = tm.get_app_fn_args(a)
    g, ys = tm.get_app_fn_args(b)
    if len(xs) != len(ys) or not xs or not meta.is_def_eq(f, g):
        return None
    d, ty, steps = meta.decls[goal], meta.infer(f), []
    for x, y in zip(xs, ys, strict=True):
        ty = meta.expect_pi(ty)
        same = meta.is_def_eq(x, y)
        if not same and has_loose_bvar(ty.body, 0):
            return None
        steps.append(None if same else MVar(meta.mk_goal(meta.mk_eq(x, y), d.name, d.lctx)))
        ty = instantiate(ty.body, x)
    _, proof = congr_args(meta, f, xs, ys, steps)
    meta.assign_mvar(goal, meta.mk_eq_refl(a) if proof is None else proof)
    return [step for step in steps if step is not None]
