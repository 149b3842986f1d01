"""subst, and solving the equations that case analysis leaves.

Follows Lean's `Lean/Meta/Tactic/{Subst,UnifyEq}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import on_main
from minilean.front.tactic_ctor import clash_proof, ctor_of, field_equations
from minilean.front.tactic_util import tactic, tactic_error
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, FVar, MVar, Pi, instantiate


def subst_var(meta, goal: int, h, symm: bool):
    """({old id: new declaration}, new goal): h : a = x (symm) or x = b replaces x everywhere.

    x and h leave the context. Raises LeanError when x is not a variable or occurs in the other
    side.
    """
    _, a, b = eq_sides(meta, h.type)
    x, e = (b, a) if symm else (a, b)
    d = meta.decls[goal]
    if type(x) is not FVar or x.id not in d.lctx or meta.fvars[x.id].value is not None:
        raise LeanError("invalid `subst`: variable expected")
    if meta.mentions(e, {x.id}):
        raise tactic_error(meta, "subst", goal, f"Variable `{meta.pp(x)}` occurs in\n  "
                           f"{meta.pp(e)}")
    deps = [y for y in U.dependents(meta, goal, [x.id, h.id]) if y.id not in (x.id, h.id)]
    goal = U.revert(meta, goal, deps)
    with meta.with_goal(goal):
        new = _subst_core(meta, goal, h, x, e, symm)
    new = U.try_clear(meta, new, [x.id, h.id])
    return U.reintro(meta, new, deps)


def _subst_core(meta, goal: int, h, x, e, symm: bool) -> int:
    d = meta.decls[goal]
    target = meta.goal_type(goal)
    ty = meta.inst(meta.infer(x))
    u, v = meta.sort_level(ty), meta.sort_level(target)
    eq = h.fvar if symm else meta.mk_eq_symm(h.fvar)
    eq_at = meta.mk_local("h", meta.mk_eq(e, x))
    body = target
    uses_h = meta.mentions(target, {h.id})
    if uses_h:
        back = eq_at.fvar if symm else meta.mk_eq_symm(eq_at.fvar)
        body = instantiate(tm.abstract(body, [h.fvar]), back)
    refl = tm.mk_app(Const("Eq.refl", (u,)), ty, e)
    motive = meta.mk_lambda([x, eq_at.fvar], body)
    new_type = target
    if uses_h:
        h_value = refl if symm else tm.mk_app(Const("Eq.refl", (u,)), ty, e)
        new_type = instantiate(tm.abstract(new_type, [h.fvar]), h_value)
    new_type = instantiate(tm.abstract(new_type, [x]), e)
    new = meta.mk_goal(new_type, d.name, d.lctx)
    meta.assign_mvar(goal, tm.mk_app(Const("Eq.rec", (v, u)), ty, e, motive, MVar(new), x, eq))
    return new


def eq_sides(meta, ty):
    """(type, a, b) of an equality type (after reducible unfolding); LeanError otherwise."""
    parts = meta.eq_parts(ty)
    if parts is None:
        w = meta.whnf(meta.inst(ty))
        if is_app_of(w, "Eq", 3):
            return tuple(tm.get_app_fn_args(w)[1])
        raise LeanError(f"equality expected\n  {meta.pp(ty)}")
    return parts


def is_free_var(meta, goal: int, x) -> bool:
    return type(x) is FVar and x.id in meta.decls[goal].lctx and meta.fvars[x.id].value is None


@tactic("subst")
def subst(ctx, stx, terms):
    for term in terms:
        def go(goal, term=term):
            meta = ctx.meta
            if not isinstance(term, S.Ident):
                raise Declined("subst with a term", stx)
            d = U.find_hyp(meta, goal, term.name, term)
            return [subst_hyp(meta, goal, d)]
        on_main(ctx, go)


def subst_hyp(meta, goal: int, d) -> int:
    """`subst d`: d is an equation with a variable side, or a variable some equation determines."""
    parts = meta.eq_parts(d.type)
    if parts is None:
        w = meta.whnf(d.type)
        parts = tm.get_app_fn_args(w)[1] if is_app_of(w, "Eq", 3) else None
    if parts is not None:
        _, a, b = parts
        a, b = meta.inst(a), meta.inst(b)
        if is_free_var(meta, goal, b) and not meta.mentions(a, {b.id}):
            return subst_var(meta, goal, d, True)[1]
        if is_free_var(meta, goal, a) and not meta.mentions(b, {a.id}):
            return subst_var(meta, goal, d, False)[1]
        raise tactic_error(meta, "subst", goal, "invalid equality proof, it is not of the form "
                           f"(x = t) or (t = x)\n  {meta.pp(d.type)}")
    for h in reversed(meta.decls[goal].lctx.decls):
        parts = meta.eq_parts(h.type)
        if parts is None:
            continue
        _, a, b = parts
        if b is d.fvar and not meta.mentions(a, {d.id}):
            return subst_var(meta, goal, h, True)[1]
        if a is d.fvar and not meta.mentions(b, {d.id}):
            return subst_var(meta, goal, h, False)[1]
    raise tactic_error(meta, "subst", goal, f"did not find equation for eliminating "
                       f"'{d.name}'")


@tactic("subst_vars")
def subst_vars(ctx, stx):
    def go(goal):
        meta = ctx.meta
        progress = True
        while progress:
            progress = False
            for h in meta.decls[goal].lctx.decls:
                parts = meta.eq_parts(h.type) if not h.hidden else None
                if parts is None:
                    continue
                _, a, b = parts
                if (is_free_var(meta, goal, b) and not meta.mentions(a, {b.id})) or (
                        is_free_var(meta, goal, a) and not meta.mentions(b, {a.id})):
                    goal = subst_hyp(meta, goal, h)
                    progress = True
                    break
        return [goal]
    on_main(ctx, go)


def unify_eqs(meta, goal: int, count: int, subst):
    """(goal or None, subst) after introducing and solving `count` equations in front of the target.

    None: the equations are contradictory. `subst` maps old ids to new declarations. Raises
    LeanError ("dependent elimination failed") when an equation is neither solvable nor refutable.
    """
    while count:
        with meta.with_goal(goal):
            h, goal = U.intro1(meta, goal, "h✝")
        with meta.with_goal(goal):
            result = unify_eq(meta, goal, h)
        if result is None:
            return None, subst
        goal, extra, renamed = result
        subst = compose(subst, renamed)
        count += extra - 1
    return goal, subst


def compose(subst, renamed):
    """Follows a renaming of declarations after an earlier one."""
    out = {old: renamed.get(new.id, new) for old, new in subst.items()}
    for old, new in renamed.items():
        out.setdefault(old, new)
    return out


def unify_eq(meta, goal: int, h):
    """(goal, number of new equations in its target, renamed) or None if h is contradictory."""
    ty = meta.inst(h.type)
    if not is_app_of(ty, "Eq", 3) and not is_app_of(ty, "HEq", 4):
        ty = meta.whnf(ty)
    if is_app_of(ty, "HEq", 4):
        return unify_heq(meta, goal, h, ty)
    _, a, b = tm.get_app_fn_args(ty)[1]
    a, b = meta.inst(a), meta.inst(b)
    if meta.is_def_eq(a, b):
        return U.try_clear(meta, goal, [h.id]), 0, {}
    for normalize in (False, True):
        if normalize:
            a, b = meta.whnf(a), meta.whnf(b)
        fa, fb = is_free_var(meta, goal, a), is_free_var(meta, goal, b)
        if fa or fb:
            order = [d.id for d in meta.decls[goal].lctx.decls]
            symm = fb and (not fa or order.index(a.id) < order.index(b.id))
            x, e = (b, a) if symm else (a, b)
            if not meta.mentions(e, {x.id}):
                if normalize:
                    h, goal = U.change_hyp(meta, goal, h, meta.mk_eq(a, b))
                renamed, goal = subst_var(meta, goal, h, symm)
                return goal, 0, renamed
    return unify_ctors(meta, goal, h, ty, a, b)


def unify_heq(meta, goal: int, h, ty):
    """HEq a b with equal types becomes an equation."""
    t1, a, t2, b = tm.get_app_fn_args(ty)[1]
    if not meta.is_def_eq(t1, t2):
        raise LeanError("Dependent elimination failed: Failed to solve equation\n  " + meta.pp(ty))
    d = meta.decls[goal]
    eq_ty = meta.mk_eq(a, b)
    new = meta.mk_goal(Pi("h", eq_ty, d.type), d.name, d.lctx)
    u = meta.sort_level(t1)
    proof = tm.mk_app(Const("eq_of_heq", (u,)), t1, a, b, h.fvar)
    meta.assign_mvar(goal, App(MVar(new), proof))
    return U.try_clear(meta, new, [h.id]), 1, {}


def unify_ctors(meta, goal: int, h, ty, a, b):
    left, right = ctor_of(meta, a), ctor_of(meta, b)
    if left is None or right is None:
        raise LeanError("Dependent elimination failed: Failed to solve equation\n  "
                        f"{meta.pp(a)} = {meta.pp(b)}")
    eq_type = tm.get_app_fn_args(ty)[1][0]
    if left[0].name != right[0].name:
        proof = clash_proof(meta, h.fvar, eq_type, left[0].name)
        meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), proof))
        return None
    eqs = field_equations(meta, h.fvar, eq_type, left, right)
    d = meta.decls[goal]
    target = d.type
    for eq_ty, _ in reversed(eqs):
        target = Pi("h", eq_ty, tm.lift(target, 1))
    new = meta.mk_goal(target, d.name, d.lctx)
    meta.assign_mvar(goal, tm.mk_app(MVar(new), *[proof for _, proof in eqs]))
    return U.try_clear(meta, new, [h.id]), len(eqs), {}
