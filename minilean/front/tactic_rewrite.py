"""rw, rewrite, rwa, unfold, congr, ac_rfl and the rewriting of one goal by one equation.

Follows Lean's `Lean/Meta/Tactic/Rewrite.lean` (keyed matching up to instances, motive check, new
goals for what the equation leaves open) and `Lean/Elab/Tactic/{Rewrite,Unfold,Congr}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import equation_rules
from minilean.front.simp_main import Simp, SimpSet
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
from minilean.kernel.term import MVAR, App, Const, Lam, MVar, Pi, instantiate


def equation_of(meta, goal: int, e, ty):
    """(mvars, proof of lhs = rhs, type, lhs, rhs) of the rule e : ty; propositions become p =
    True.
    """
    mvars, infos, result = meta.forall_meta(ty)
    proof = meta.beta(e, mvars)
    result = meta.inst(result)
    f, args = tm.get_app_fn_args(result)
    name = f.name if type(f) is Const else None
    if name not in ("Eq", "Iff"):
        w = meta.whnf_r(result)
        if w is not result:
            f, args = tm.get_app_fn_args(w)
            name = f.name if type(f) is Const else None
    if name == "Eq" and len(args) == 3:
        return mvars, infos, proof, args[0], args[1], args[2]
    if name == "Iff" and len(args) == 2:
        proof = tm.mk_app(Const("propext"), *args, proof)
        return mvars, infos, proof, tm.PROP, args[0], args[1]
    if name == "Ne" and len(args) == 3:
        p = tm.mk_app(Const("Eq", f.levels), *args)
        return mvars, infos, tm.mk_app(Const("eq_false"), p, proof), tm.PROP, p, Const("False")
    if name == "Not" and len(args) == 1:
        return (mvars, infos, tm.mk_app(Const("eq_false"), args[0], proof), tm.PROP, args[0],
                Const("False"))
    if meta.is_prop(result) and type(tm.get_app_fn(result)) is not MVar:
        return (mvars, infos, tm.mk_app(Const("eq_true"), result, proof), tm.PROP, result,
                Const("True"))
    raise tactic_error(meta, "rewrite", goal, "equality or iff proof expected\n  "
                       + meta.pp(result))


class Rewritten:
    """Result of rewriting a term: the new term, a proof of old = new, goals left by the rule."""

    __slots__ = ("eq", "goals", "term")

    def __init__(self, term, eq, goals):
        self.term, self.eq, self.goals = term, eq, goals


def rewrite_term(meta, goal: int, target, e, symm: bool, extra=(), ty=None) -> Rewritten:
    """Rewrites all instances of the rule's left side in `target` (ty: the rule's statement)."""
    ty = meta.inst(meta.infer(e) if ty is None else ty)
    mvars, infos, proof, eq_ty, lhs, rhs = equation_of(meta, goal, e, ty)
    if symm:
        u = meta.sort_level(eq_ty)
        proof = tm.mk_app(Const("Eq.symm", (u,)), eq_ty, lhs, rhs, proof)
        lhs, rhs = rhs, lhs
    lhs = meta.inst(lhs)
    if type(tm.get_app_fn(lhs)) is MVar:
        raise tactic_error(meta, "rewrite", goal, "Pattern is a metavariable\n  " + meta.pp(lhs)
                           + "\nfrom equation\n  "
                           + meta.pp(meta.inst(meta.infer(proof))))
    target = meta.inst(target)
    with meta.transparency("instances"):
        body = meta.kabstract(target, lhs)
    if not has_loose_bvar(body, 0):
        raise tactic_error(meta, "rewrite", goal, "Did not find an occurrence of the pattern\n  "
                           f"{meta.pp(lhs)}\nin the target expression\n  {meta.pp(target)}")
    eq_ty, rhs, lhs = meta.inst(eq_ty), meta.inst(rhs), meta.inst(lhs)
    new = meta.head_beta(instantiate(body, rhs))
    motive = Lam("_a", eq_ty, body)
    check_motive(meta, goal, motive, lhs, target)
    u = meta.sort_level(eq_ty)
    eq = tm.mk_app(Const("congrArg", (u, lv_of(meta, target))), eq_ty, type_of(meta, target), lhs,
                   rhs, motive, proof)
    for m, info in zip(mvars, infos, strict=True):
        if info == "inst" and not meta.is_assigned(m.id):
            inst_ty = meta.inst(meta.decls[m.id].type)
            value = meta.synth_inst(inst_ty)
            if value is None:
                raise LeanError("failed to synthesize instance of type class\n  "
                                + meta.pp(inst_ty))
            if not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, value)
    goals = []
    for m in [*mvars, *[MVar(i) for i in extra]]:
        if not meta.is_assigned(m.id) and m.id not in goals:
            d = meta.decls[m.id]
            d.type = meta.inst(d.type)
            goals.append(m.id)
    return Rewritten(meta.inst(new), eq, order_goals(meta, goals))


def lv_of(meta, target):
    """Universe of the type of `target` (a proposition or a type): the level v of congrArg."""
    return meta.sort_level(type_of(meta, target))


def type_of(meta, target):
    return meta.inst(meta.infer(target))


def check_motive(meta, goal: int, motive, lhs, target) -> None:
    """Raises "motive is not type correct" when the abstracted target does not type check."""
    x = meta.mk_local("_a", motive.type)
    body = instantiate(motive.body, x.fvar)
    if not needs_check(motive.body):
        return
    try:
        check_types(meta, body)
    except LeanError:
        raise tactic_error(meta, "rewrite", goal, "motive is not type correct:\n  "
                           + meta.pp(motive)) from None


def needs_check(body) -> bool:
    """Could replacing BVar 0 break typing? Not when it is below simple operators only."""
    return True


SIMPLE = frozenset(("Eq", "HAdd.hAdd", "HMul.hMul", "LE.le", "LT.lt", "And", "Or", "Not", "Iff",
                    "HSub.hSub", "HAppend.hAppend", "List.cons", "Nat.succ", "Ne", "HPow.hPow"))


def check_types(meta, e) -> None:
    """Type checks a term; LeanError "application type mismatch" where it is ill typed."""
    t = type(e)
    if t is App:
        f, args = tm.get_app_fn_args(e)
        if not e.flags & tm.FVAR:
            return
        for a in args:
            check_types(meta, a)
        if type(f) is not Const:
            check_types(meta, f)
        ty = meta.infer(f)
        for a in args:
            ty = meta.expect_pi(ty)
            a_ty = meta.infer(a)
            if ty.type is not a_ty and not meta.is_def_eq(ty.type, a_ty):
                raise LeanError("application type mismatch")
            ty = instantiate(ty.body, a)
    elif t is Lam or t is Pi:
        check_types(meta, e.type)
        x = meta.mk_local(e.name, e.type, e.info)
        with meta.with_lctx(meta.lctx.add(x)):
            check_types(meta, instantiate(e.body, x.fvar))
    elif t is tm.Let:
        check_types(meta, e.value)
        check_types(meta, instantiate(e.body, e.value))
    elif t is tm.Proj:
        check_types(meta, e.expr)


# --- rw -------------------------------------------------------------------------------------------


@tactic("rewrite")
def rewrite(ctx, stx, rules, loc):
    for rule in rules:
        try:
            for place in places(ctx, loc):
                rewrite_rule(ctx, rule, place)
        except (LeanError, Declined) as error:
            if error.stx is None:
                error.stx = rule
            raise


def places(ctx, loc):
    """None for the target, or names of hypotheses."""
    if loc is None:
        return [None]
    if loc.wildcard:
        raise Declined("rw at *")
    return [*[h.name for h in loc.hyps], *([None] if loc.goal else [])]


def rewrite_rule(ctx, rule, place) -> None:
    meta = ctx.meta

    def go(goal):
        options = rule_terms(ctx, rule.term)
        first_error, mark = None, meta.save()
        for e, extra, ty in options:
            try:
                return rewrite_at(meta, goal, place, e, extra, rule.symm, ty)
            except LeanError as error:
                first_error = first_error or error
                meta.restore(mark)
        raise first_error
    on_main(ctx, go)


def rule_terms(ctx, term):
    """[(rule, its open holes)]: the term itself, or the equations of a definition."""
    bare = term
    while isinstance(bare, S.Paren):
        bare = bare.term
    if isinstance(bare, S.Ident):
        e, extra = elab_for_apply(ctx, term)
        meta = ctx.meta
        if type(e) is Const and type(meta.env.get(e.name)) is DefDecl:
            if not meta.is_prop(meta.infer(e)):
                return definition_rules(meta, e)
        return [(e, extra, None)]
    ctx.elab.err_to_sorry = False
    e, extra = elab_for_apply(ctx, term)
    return [(e, extra, None)]


def definition_rules(meta, c):
    """The equations of a definition as rewrite rules (with their statements)."""
    decl = meta.env.get(c.name)
    found = equations(meta, c.name)
    if not found:
        raise Declined(f"equations of the definition {c.name}")
    return [(tm.instantiate_level_params(proof, decl.level_params, c.levels), [],
             tm.instantiate_level_params(ty, decl.level_params, c.levels)) for proof, ty in found]


def rewrite_at(meta, goal: int, place, e, extra, symm: bool, ty=None):
    """New goals after rewriting the target (place None) or a hypothesis."""
    if place is None:
        r = rewrite_term(meta, goal, meta.goal_type(goal), e, symm, extra, ty)
        return [U.replace_target_eq(meta, goal, r.term, r.eq), *r.goals]
    d = U.find_hyp(meta, goal, place)
    r = rewrite_term(meta, goal, d.type, e, symm, extra, ty)
    value = meta.mk_eq_mp(r.eq, d.fvar)
    _, new = U.replace_hyp(meta, goal, d, r.term, value)
    return [U.try_clear(meta, new, [d.id]), *r.goals]


def try_rfl(ctx) -> None:
    """`with_reducible rfl` on the main goal, if it closes it."""
    ctx.prune()
    if not ctx.goals:
        return

    def go():
        with ctx.meta.transparency("reducible"):
            on_main(ctx, lambda goal: close_rfl(ctx.meta, goal))
    attempt(ctx, go)


@tactic("rw")
def rw(ctx, stx, rules, loc):
    rewrite(ctx, stx, rules, loc)
    try_rfl(ctx)


@tactic("rwa")
def rwa(ctx, stx, rules, loc):
    rw(ctx, stx, rules, loc)
    assumption(ctx, stx)


# --- unfold ---------------------------------------------------------------------------------------


@tactic("unfold")
def unfold(ctx, stx, idents, loc):
    if loc is not None and loc.wildcard:
        raise Declined("unfold at *", stx)
    for ident in idents:
        for place in places(ctx, loc):
            on_main(ctx, lambda goal, ident=ident, place=place: [
                unfold_at(ctx, goal, ident, place)])


def unfold_at(ctx, goal: int, ident, place) -> int:
    meta = ctx.meta
    d = meta.lctx.find(ident.name)
    if d is not None:
        raise Declined("unfold of a local definition", ident)
    e = ctx.elab.resolve_const(ident.name)
    name = e.name if type(e) is Const else e
    old = meta.goal_type(goal) if place is None else U.find_hyp(meta, goal, place, ident).type
    old = meta.inst(old)
    if name in meta.ext.smart and meta.ext.smart[name].recursive:
        return unfold_recursive(ctx, goal, name, place, old)

    def visit(s):
        f, args = tm.get_app_fn_args(s)
        if type(f) is Const and f.name == name and type(s) in (App, Const):
            with meta.transparency("default"):
                value = meta.unfold_def(s)
            if value is not None:
                return meta.head_beta(tm.replace(value, lambda t: None)) \
                    if name not in tm.const_names(value) else value
        return None
    new = tm.replace(old, visit)
    if new is old:
        raise LeanError(f"Tactic `unfold` failed to unfold `{name}` at\n  {meta.pp(old)}", ident)
    new = U.beta_all(meta, new)
    if place is None:
        return U.change_target(meta, goal, new)
    return U.change_hyp(meta, goal, U.find_hyp(meta, goal, place), new)[1]


def unfold_recursive(ctx, goal: int, name: str, place, old) -> int:
    """Unfolding a function defined by recursion: rewriting with its equations."""
    meta = ctx.meta
    rules = SimpSet(meta, False)
    rules.procs = False
    rules.add(equation_rules(meta, name))
    new, proof = Simp(meta, rules).simp(old)
    if new is old:
        raise Declined(f"unfold of the recursive function {name}")
    if place is None:
        return U.change_target(meta, goal, new) if proof is None else \
            U.replace_target_eq(meta, goal, new, proof)
    d = U.find_hyp(meta, goal, place)
    value = d.fvar if proof is None else meta.mk_eq_mp(proof, d.fvar)
    return U.try_clear(meta, U.replace_hyp(meta, goal, d, new, value)[1], [d.id])


# --- congr, ac_rfl --------------------------------------------------------------------------------


@tactic("congr")
def congr(ctx, stx, depth):
    def go(goal):
        return congr_goal(ctx.meta, goal, 1_000_000 if depth is None else depth)
    on_main(ctx, go)


def congr_goal(meta, goal: int, depth: int) -> list[int]:
    """Goals a = b for the arguments that differ; closes what rfl or a hypothesis closes."""
    for close in (lambda: close_rfl_reducible(meta, goal), lambda: close_by_assumption(meta, goal)):
        mark = meta.save()
        if close():
            return []
        meta.restore(mark)
    if depth <= 0:
        return [goal]
    ty = meta.goal_type(goal)
    w = meta.whnf_r(ty)
    if is_app_of(w, "Iff", 2):
        new = apply_term(meta, goal, Const("Iff.of_eq"))
        meta.decls[new[0]].name = meta.decls[goal].name
        return congr_goal(meta, new[0], depth)
    parts = meta.eq_parts(ty)
    if parts is None:
        raise tactic_error(meta, "congr", goal, "not an equality")
    out = congr_step(meta, goal, parts)
    if out is None:
        return [goal]
    result = []
    for g in out:
        with meta.with_goal(g):
            result += congr_goal(meta, g, depth - 1)
    return result


def close_rfl_reducible(meta, goal: int) -> bool:
    try:
        with meta.transparency("reducible"):
            close_rfl(meta, goal)
        return True
    except LeanError:
        return False


def close_by_assumption(meta, goal: int) -> bool:
    e = find_assumption(meta, goal)
    if e is not None:
        meta.assign_mvar(goal, e)
    return e is not None


def congr_step(meta, goal: int, parts):
    """One congruence step f a… = f b…; None when heads differ or an argument is dependent."""
    _, a, b = parts
    fa, xs = tm.get_app_fn_args(meta.inst(a))
    fb, ys = tm.get_app_fn_args(meta.inst(b))
    if len(xs) != len(ys) or not xs or not (fa is fb or meta.is_def_eq(fa, fb)):
        return None
    proof, goals, left, right = None, [], fa, fa
    d = meta.decls[goal]
    ty = meta.infer(fa)
    for x, y in zip(xs, ys, strict=True):
        ty = meta.expect_pi(ty)
        step = None
        if x is not y and not meta.is_def_eq(x, y):
            if has_loose_bvar(ty.body, 0):
                return None
            new = meta.mk_goal(meta.mk_eq(x, y), d.name, d.lctx)
            goals.append(new)
            step = MVar(new)
        proof = U.congr_step(meta, left, right, x, y, proof, step)
        left, right = App(left, x), App(right, y)
        ty = instantiate(ty.body, x)
    meta.assign_mvar(goal, meta.mk_eq_refl(left) if proof is None else proof)
    return goals


@tactic("ac_rfl")
def ac_rfl(ctx, stx):
    raise Declined("tactic ac_rfl", stx)


__all__ = ["MVAR", "rewrite_term"]
