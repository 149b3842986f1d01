"""Equations: subst, injection, and solving those that case analysis leaves.

Follows Lean's `Lean/Meta/Tactic/{Subst,UnifyEq,Injection}.lean` and `noConfusion`. Different: that
constructors are injective and different is proved with small projection and discriminator
functions built from the recursor; where that needs dependent fields the tactic declines.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import goal_tactic
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl

# --- variables ------------------------------------------------------------------------------------


def subst_var(meta, goal: int, h, a, b, symm: bool):
    """(new goal, {old id: new declaration}): h : a = b replaces b (symm) or a, x, everywhere.

    x and h leave the context, by Eq.rec along e = x; the other side, e, does not mention x.
    """
    x, e = (b, a) if symm else (a, b)
    deps = [y for y in U.dependents(meta, goal, [x.id, h.id]) if y.id not in (x.id, h.id)]
    goal = U.revert(meta, goal, deps)
    target, ty = meta.goal_type(goal), meta.inst(meta.infer(x))
    eq_at = meta.mk_local("h", meta.mk_eq(e, x))

    def abstracted(eq):
        """The target with h replaced by what the proof of e = x makes of it."""
        return tm.instantiate(tm.abstract(target, [h.fvar]), eq if symm else meta.mk_eq_symm(eq))
    motive = meta.mk_lambda([x, eq_at.fvar], abstracted(eq_at.fvar))
    new_target = tm.instantiate(tm.abstract(abstracted(meta.mk_eq_refl(e)), [x]), e)
    levels = meta.sort_level(target), meta.sort_level(ty)
    rec = tm.mk_app(tm.Const("Eq.rec", levels), ty, e, motive)
    eq = h.fvar if symm else meta.mk_eq_symm(h.fvar)
    goal = U.replace_goal(meta, goal, new_target, lambda new: tm.mk_app(rec, new, x, eq))
    return U.reintro(meta, U.try_clear(meta, goal, [x.id, h.id]), deps)


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
            return subst_var(meta, goal, h, *parts[1:], symm)[0]
    raise U.tactic_error(meta, "subst", goal, f"`{d.name}` gives no equation (x = t) or (t = x)")


# --- constructors ---------------------------------------------------------------------------------


def ctor_of(meta, e):
    """(constructor declaration, levels, parameters, fields) of e up to whnf, or None.

    Natural number literals count as constructor applications, but n + k is only unfolded for k > 0.
    """
    f, args = tm.get_app_fn_args(meta.whnf_ctor(meta.inst(e)))
    decl = meta.env.get(f.name) if type(f) is tm.Const else None
    if type(decl) is not ConstructorDecl or len(args) != decl.num_params + decl.num_fields:
        return None
    return decl, f.levels, args[:decl.num_params], args[decl.num_params:]


def map_equation(meta, h, ty, result, branch):
    """A proof of f a = f b from h : a = b; f : ty → result maps c fields… to branch(c, fields).

    f is an application of the recursor of ty.
    """
    decl, levels, params, indices = meta.inductive_of(ty)
    if indices or decl.is_prop:
        raise Declined("constructor injectivity in a proposition or an indexed family")
    rec = tm.mk_app(tm.Const(f"{decl.name}.rec", (meta.sort_level(result), *levels)), *params,
                    tm.Lam("x", ty, result))
    for ctor in decl.ctors:
        minor = meta.head_beta(meta.infer(rec).type)
        xs = [d.fvar for d in meta.forall_locals(minor, reducing=False)[0]]
        value = branch(ctor, xs[:meta.env.lookup(ctor).num_fields])
        rec = tm.App(rec, meta.mk_lambda(xs, value))
    _, a, b = meta.eq_parts(meta.whnf(meta.infer(h)))
    return U.congr_step(meta, rec, rec, a, b, None, h)


def clash_proof(meta, h, ty, ctor: str):
    """A proof of False from h : c … = c' … with different constructors (c = ctor)."""
    eq = map_equation(meta, h, ty, tm.PROP, lambda name, _: TRUE if name == ctor else FALSE)
    mp = tm.Const("Eq.mp", (lv.ZERO,))
    return tm.mk_app(mp, TRUE, FALSE, eq, tm.Const("True.intro"))


def field_equations(meta, h, ty, left, right):
    """[(type, proof)] of the equations between the fields of equal constructor applications."""
    out = []
    for i, (a, b) in enumerate(zip(left[3], right[3], strict=True)):
        fty = meta.inst(meta.infer(a))
        if meta.is_prop(fty):
            continue

        def branch(name, xs, i=i, a=a, fty=fty):
            x = xs[i] if name == left[0].name else a
            if not meta.is_def_eq(meta.infer(x), fty):
                raise Declined("injectivity of a constructor with dependent fields")
            return x
        out.append((meta.mk_eq(a, b), map_equation(meta, h, ty, fty, branch)))
    return out


def add_premises(meta, goal: int, eqs):
    """(new goal, n): with the n equations [(type, proof)] as premises of its target."""
    target = meta.decls[goal].type
    for ty, _ in reversed(eqs):
        target = tm.Pi("h", ty, target)
    proofs = [proof for _, proof in eqs]
    return U.replace_goal(meta, goal, target, lambda new: tm.mk_app(new, *proofs)), len(eqs)


def split_equation(meta, goal: int, h, ty, a, b):
    """add_premises with the equations of the fields, from h : a = b between constructors.

    None if the constructors differ, which closes the goal.
    """
    left, right = ctor_of(meta, a), ctor_of(meta, b)
    if left is None or right is None:
        raise unsolved(meta, a, b)
    ctor, numbers = left[0].name, {meta.nat_value(a), meta.nat_value(b)}
    if len(numbers) == 2 and None not in numbers:  # numerals have too many constructors
        eq = meta.mk_eq(a, b)
        inst = meta.synth_inst(tm.App(tm.Const("Decidable"), eq))
        proof = tm.App(U.of_decide(eq, inst, False), h)
    elif ctor == right[0].name:
        return add_premises(meta, goal, field_equations(meta, h, ty, left, right))
    else:
        proof = clash_proof(meta, h, ty, ctor)
    meta.assign_mvar(goal, meta.mk_at("False.elim", meta.goal_type(goal), proof))
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
    return [] if U.close_by_assumption(meta, goal) else [goal]


# --- equations left by case analysis --------------------------------------------------------------


def unify_eqs(meta, goal: int, count: int):
    """(goal, renamed) after introducing and solving `count` equations in front of the target.

    None: the equations are contradictory. `renamed` maps old ids to new declarations. Raises
    LeanError ("dependent elimination failed") when an equation is neither solvable nor refutable.
    """
    renamed = {}
    while count:
        h, goal = U.intro1(meta, goal, "h✝")
        result = unify_eq(meta, goal, h)
        if result is None:
            return None
        goal, again, extra = result
        renamed = {**again, **{old: again.get(d.id, d) for old, d in renamed.items()}}
        count += extra - 1
    return goal, renamed


def unify_eq(meta, goal: int, h):
    """(goal, renamed, number of new equations in its target) or None if h is contradictory."""
    alpha, a, *beta, b = tm.get_app_fn_args(meta.whnf(meta.inst(h.type)))[1]
    if beta:  # HEq
        if not meta.is_def_eq(alpha, beta[0]):
            raise unsolved(meta, a, b)
        proof = tm.mk_app(tm.Const("eq_of_heq", (meta.sort_level(alpha),)), alpha, a, b, h.fvar)
        result = add_premises(meta, goal, [(meta.mk_eq(a, b), proof)])
    else:
        if meta.is_def_eq(a, b):
            return U.try_clear(meta, goal, [h.id]), {}, 0
        for reduce in (meta.inst, meta.whnf):
            a, b = reduce(a), reduce(b)
            symm = newer_variable(meta, goal, a, b)
            if symm is not None:
                return *subst_var(meta, goal, h, a, b, symm), 0
        result = split_equation(meta, goal, h.fvar, alpha, a, b)
    return None if result is None else (U.try_clear(meta, result[0], [h.id]), {}, result[1])


def newer_variable(meta, goal: int, a, b):
    """variable_side; of two variables the one introduced later."""
    found = [d.fvar for d in meta.decls[goal].lctx.decls if d.value is None and d.fvar in (a, b)]
    return variable_side(meta, goal, a, b, found[-1]) if found else None
