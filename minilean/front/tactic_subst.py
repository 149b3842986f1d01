"""Equations: subst, injection, and solving those that case analysis leaves.

Follows Lean's `Lean/Meta/Tactic/{Subst,UnifyEq,Injection}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.build import FALSE
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_apply import close_by_assumption
from minilean.front.tactic_elim import conjuncts, ctor_fields, eliminate, no_confusion
from minilean.kernel import term as tm

# --- variables ------------------------------------------------------------------------------------


def subst_var(meta, goal: int, h, a, b, symm: bool) -> int:
    """New goal: h : a = b replaces the variable b (symm) or a everywhere; both leave the context.
    """
    x, tag = b if symm else a, meta.decls[goal].name
    deps = [y for y in U.dependents(meta, goal, [x.id, h.id]) if y.id not in (x.id, h.id)]
    goal, old = U.revert(meta, goal, deps), h
    if not symm:
        h, goal = U.assert_hyp(meta, goal, "h", meta.mk_eq(b, a), meta.mk_eq_symm(h.fvar))
        target = tm.abstract(meta.goal_type(goal), [old.fvar])
        target = tm.instantiate(target, meta.mk_eq_symm(h.fvar))
        goal = U.replace_goal(meta, goal, target)
    goal = eliminate(meta, goal, h, [x])[0].goal
    meta.decls[goal].name = tag
    return U.reintro(meta, U.try_clear(meta, goal, [x.id, old.id, h.id]), deps)


def equation(meta, ty):
    """(α, a, b) when ty is a = b, or unfolds to it; else None."""
    return meta.eq_parts(ty) or meta.eq_parts(meta.whnf(meta.inst(ty)))


def is_free_var(meta, goal: int, x) -> bool:
    return type(x) is tm.FVar and x.id in meta.decls[goal].lctx and meta.fvars[x.id].value is None


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
            return subst_var(meta, goal, h, *parts[1:], symm)
    raise U.tactic_error(meta, "subst", goal, f"`{d.name}` gives no equation (x = t) or (t = x)")


# --- constructors ---------------------------------------------------------------------------------


def add_premises(meta, goal: int, premises):
    """(new goal, n): with the n propositions [(proof, proposition)] as premises of its target."""
    target = meta.decls[goal].type
    for _, ty in reversed(premises):
        target = tm.Pi("h", ty, target)
    proofs = [proof for proof, _ in premises]
    return U.replace_goal(meta, goal, target, lambda new: tm.mk_app(new, *proofs)), len(premises)


def split_equation(meta, goal: int, h, ty, a, b):
    """add_premises with the equations of the fields, from h : a = b between constructors.

    None if the constructors differ, which closes the goal.
    """
    numbers = {meta.nat_value(a), meta.nat_value(b)}
    if len(numbers) == 2 and None not in numbers:  # numerals have too many constructors
        eq = meta.mk_eq(a, b)
        inst = meta.synth_inst(tm.App(tm.Const("Decidable"), eq))
        prop, proof = FALSE, tm.App(U.of_decide(eq, inst, False), h)
    elif ctor_fields(meta, a) is None or ctor_fields(meta, b) is None:
        raise unsolved(meta, a, b)
    else:
        prop, proof = no_confusion(meta, h, ty, a, b)
    if prop is not FALSE:
        return add_premises(meta, goal, conjuncts(proof, prop))
    meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), proof))
    return None


def unsolved(meta, a, b) -> LeanError:
    """The error for an equation that is neither solvable nor refutable."""
    return LeanError("Dependent elimination failed: Failed to solve equation\n  "
                     f"{meta.pp(a)} = {meta.pp(b)}")


@goal_tactic("injection")
def injection(ctx, goal, stx, term, names):
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    e = ctx.elab.elab_term(term, None)
    parts = meta.eq_parts(meta.infer(e))
    if parts is None:
        raise U.tactic_error(meta, "injection", goal, "equality expected")
    result = split_equation(meta, goal, e, *parts)
    if result is None:
        return []
    goal, count = result
    for name in [*names, *[None] * count][:count]:
        goal = U.intro1(meta, goal, name)[1]
    return [] if close_by_assumption(meta, goal) else [goal]


# --- equations left by case analysis --------------------------------------------------------------


def unify_eqs(meta, goal, count: int):
    """The goal after solving the `count` equations in front of its target; None: contradictory.

    Raises LeanError ("dependent elimination failed") when an equation is neither solvable nor
    refutable.
    """
    while count and goal is not None:
        h, goal = U.intro1(meta, goal, "h✝")
        goal, count = unify_eq(meta, goal, h), count - 1
    return goal


def unify_eq(meta, goal: int, h):
    """The goal after solving the equation h, which leaves the context; None: contradictory."""
    alpha, a, *beta, b = tm.get_app_fn_args(meta.whnf(meta.inst(h.type)))[1]
    if meta.is_def_eq(a, b):
        return U.try_clear(meta, goal, [h.id])
    if beta:  # HEq
        if not meta.is_def_eq(alpha, *beta):
            raise unsolved(meta, a, b)
        level = meta.sort_level(alpha)
        proof = tm.mk_app(tm.Const("eq_of_heq", (level,)), alpha, a, b, h.fvar)
        result = add_premises(meta, goal, [(proof, meta.mk_eq(a, b))])
    else:
        for reduce in (meta.inst, meta.whnf):
            a, b = reduce(a), reduce(b)
            symm = newer_variable(meta, goal, a, b)
            if symm is not None:
                return subst_var(meta, goal, h, a, b, symm)
        result = split_equation(meta, goal, h.fvar, alpha, a, b)
    return result and unify_eqs(meta, U.try_clear(meta, result[0], [h.id]), result[1])


def newer_variable(meta, goal: int, a, b):
    """variable_side; of two variables the one introduced later."""
    found = [d.fvar for d in meta.decls[goal].lctx.decls if d.value is None and d.fvar in (a, b)]
    return variable_side(meta, goal, a, b, found[-1]) if found else None
