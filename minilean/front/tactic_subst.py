"""subst, and solving the equations that case analysis leaves.

Follows Lean's `Lean/Meta/Tactic/{Subst,UnifyEq}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_ctor import add_field_equations, add_premises, ctor_of
from minilean.front.tactic_util import tactic_error
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import Const, FVar, instantiate


def subst_var(meta, goal: int, h, symm: bool):
    """({old id: new declaration}, new goal): h : a = x (symm) or x = b replaces x everywhere.

    x and h leave the context; x is a variable that the other side does not mention.
    """
    _, a, b = equation(meta, h.type)
    x, e = (b, a) if symm else (a, b)
    deps = [y for y in U.dependents(meta, goal, [x.id, h.id]) if y.id not in (x.id, h.id)]
    goal = U.revert(meta, goal, deps)
    with meta.with_goal(goal):
        goal = _replace_var(meta, goal, h, x, e, symm)
    goal = U.try_clear(meta, goal, [x.id, h.id])
    return U.reintro(meta, goal, deps)


def _replace_var(meta, goal: int, h, x, e, symm: bool) -> int:
    """New goal with e for x and `rfl` for h, by Eq.rec along e = x."""
    target, ty = meta.goal_type(goal), meta.inst(meta.infer(x))
    eq_at = meta.mk_local("h", meta.mk_eq(e, x))

    def abstracted(eq):
        """The target with h replaced by what the proof of e = x makes of it."""
        return instantiate(tm.abstract(target, [h.fvar]), eq if symm else meta.mk_eq_symm(eq))
    motive = meta.mk_lambda([x, eq_at.fvar], abstracted(eq_at.fvar))
    new_target = instantiate(tm.abstract(abstracted(meta.mk_eq_refl(e)), [x]), e)
    rec = tm.mk_app(Const("Eq.rec", (meta.sort_level(target), meta.sort_level(ty))), ty, e, motive)
    eq = h.fvar if symm else meta.mk_eq_symm(h.fvar)
    return U.replace_goal(meta, goal, new_target, lambda new: tm.mk_app(rec, new, x, eq))


def equation(meta, ty):
    """(α, a, b) when ty is a = b, or unfolds to it; else None."""
    return meta.eq_parts(ty) or meta.eq_parts(meta.whnf(meta.inst(ty)))


def is_free_var(meta, goal: int, x) -> bool:
    return type(x) is FVar and x.id in meta.decls[goal].lctx and meta.fvars[x.id].value is None


def variable_side(meta, goal: int, a, b, wanted=None):
    """Which side of a = b is a variable (`wanted`, if given) that the other does not mention?

    True: b; False: a; None: neither.
    """
    for symm, x, e in ((True, b, a), (False, a, b)):
        if wanted in (None, x) and is_free_var(meta, goal, x) and not meta.mentions(e, {x.id}):
            return symm
    return None


@goal_tactic("subst")
def subst(ctx, goal, stx, terms):
    for term in terms:
        if not isinstance(term, S.Ident):
            raise Declined("subst with a term", stx)
        with ctx.meta.with_goal(goal):
            goal = subst_hyp(ctx.meta, goal, U.find_hyp(ctx.meta, goal, term.name, term))
    return [goal]


def subst_hyp(meta, goal: int, d) -> int:
    """`subst d`: d is an equation with a variable side, or a variable, whose first equation counts.
    """
    wanted, hyps = None, [d]
    if equation(meta, d.type) is None:
        wanted, hyps = d.fvar, U.hypotheses(meta, goal)
    for h in hyps:
        parts = equation(meta, h.type)
        symm = parts and variable_side(meta, goal, *parts[1:], wanted)
        if symm is not None:
            return subst_var(meta, goal, h, symm)[1]
    raise tactic_error(meta, "subst", goal, f"`{d.name}` is neither an equation (x = t) or (t = x) "
                       "nor a variable with such an equation")


# --- equations left by case analysis --------------------------------------------------------------


def unify_eqs(meta, goal: int, count: int):
    """(goal, renamed) after introducing and solving `count` equations in front of the target.

    None: the equations are contradictory. `renamed` maps old ids to new declarations. Raises
    LeanError ("dependent elimination failed") when an equation is neither solvable nor refutable.
    """
    renamed = {}
    while count:
        with meta.with_goal(goal):
            h, goal = U.intro1(meta, goal, "h✝")
        with meta.with_goal(goal):
            result = unify_eq(meta, goal, h)
        if result is None:
            return None
        goal, extra, again = result
        renamed = {**again, **{old: again.get(d.id, d) for old, d in renamed.items()}}
        count += extra - 1
    return goal, renamed


def unify_eq(meta, goal: int, h):
    """(goal, number of new equations in its target, renamed) or None if h is contradictory."""
    ty = meta.inst(h.type)
    if not is_app_of(ty, "Eq", 3) and not is_app_of(ty, "HEq", 4):
        ty = meta.whnf(ty)
    alpha, a, *beta, b = tm.get_app_fn_args(ty)[1]
    if beta:  # HEq
        if not meta.is_def_eq(alpha, beta[0]):
            raise _unsolved(meta, ty)
        proof = tm.mk_app(Const("eq_of_heq", (meta.sort_level(alpha),)), alpha, a, b, h.fvar)
        result = add_premises(meta, goal, [(meta.mk_eq(a, b), proof)])
    else:
        if meta.is_def_eq(a, b):
            return U.try_clear(meta, goal, [h.id]), 0, {}
        symm = newer_variable(meta, goal, a, b)
        if symm is None:
            a, b = meta.whnf(a), meta.whnf(b)
            symm = newer_variable(meta, goal, a, b)
            if symm is not None:
                h, goal = U.change_hyp(meta, goal, h, meta.mk_eq(a, b))
        if symm is not None:
            renamed, goal = subst_var(meta, goal, h, symm)
            return goal, 0, renamed
        left, right = ctor_of(meta, a), ctor_of(meta, b)
        if left is None or right is None:
            raise _unsolved(meta, ty)
        result = add_field_equations(meta, goal, h.fvar, alpha, left, right)
    return None if result is None else (U.try_clear(meta, result[0], [h.id]), result[1], {})


def _unsolved(meta, ty) -> LeanError:
    return LeanError("Dependent elimination failed: Failed to solve equation\n  " + meta.pp(ty))


def newer_variable(meta, goal: int, a, b):
    """variable_side; of two variables the one introduced later."""
    order = [d.fvar for d in meta.decls[goal].lctx.decls]
    variables = [x for x in (a, b) if is_free_var(meta, goal, x)]
    return variable_side(meta, goal, a, b, max(variables, key=order.index, default=None))
