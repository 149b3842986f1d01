"""The engine of case analysis: recursors, equations between constructors, substitution.

Follows Lean's `Lean/Meta/Tactic/{Cases,Induction,Subst,UnifyEq}.lean` and `noConfusion`: indices
become variables with equations, the recursor is applied, the equations are solved in every branch.
Nat shows `0` and `n + 1`. Different: an equation c x… = c' y… is mapped to the conjunction of the
xᵢ = yᵢ, or to False, by one application of the recursor; where that needs dependent fields it is
declined.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from collections import namedtuple

from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.equations import readable
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm

# one goal of a case split, its constructor's name, its fields and (for induction) hypotheses
Branch = namedtuple("Branch", "ctor goal decls")


def last_part(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition(".")[2]


def fresh_member(meta, h):
    """New locals j… and h' : I params j…, like h : I params i…."""
    decl, levels, params, indices = meta.inductive_of(h.type)
    family = tm.mk_app(tm.Const(decl.name, levels), *params)
    js, _ = meta.forall_locals(meta.infer(family), max=len(indices))
    return [*js, meta.mk_local(h.name, tm.mk_app(family, *[j.fvar for j in js]))]


def eliminate(meta, goal: int, h, indices, names=None, induction=False):
    """Branches from applying the recursor to h; the indices of its type are variables.

    names: {constructor without its namespace, or "_" for others: names for the fields and induction
    hypotheses}.
    """
    decl, levels, params, _ = meta.inductive_of(h.type)
    target = meta.goal_type(goal)
    level = meta.sort_level(target)
    if decl.elim_level is not None:
        levels = (level, *levels)
    elif not lv.is_zero(level):
        raise U.tactic_error(meta, "cases", goal, f"`{decl.name}` can only eliminate into `Prop`")
    new = [x.fvar for x in fresh_member(meta, h)]
    body = tm.instantiate_rev(tm.abstract(target, [*indices, h.fvar]), new)
    rec = tm.Const(f"{decl.name}.rec", levels)
    # metavariables, so that they are contracted where they are applied, as in ∃ x, p x
    mvars = meta.forall_meta(meta.infer(rec), max=len(params) + 1, reducing=False)[0]
    for m, value in zip(mvars, [*params, meta.mk_lambda(new, body)], strict=True):
        meta.assign_mvar(m.id, value)
    tags, names = [last_part(ctor) for ctor in decl.ctors], names or {}
    goals = U.apply_cases(meta, goal, tm.mk_app(rec, *mvars), tags, [*indices, h.fvar])
    return [_branch(meta, ctor, g, [*names.get(tag, names.get("_", ()))], induction)
            for ctor, tag, g in zip(decl.ctors, tags, goals, strict=True)]


def _branch(meta, ctor: str, goal: int, names, induction: bool) -> Branch:
    """Introduces fields and hypotheses of a minor premise; cases hides these.

    Implicit fields get no name.
    """
    decls, ty = meta.forall_locals(meta.decls[goal].type, reducing=False)
    fields = decls[:meta.env.lookup(ctor).num_fields]
    shown = decls if induction else fields
    for d in decls:
        d.type = meta.inst(d.type)
        d.cls = meta.class_name(d.type)
        name = names.pop(0) if names and d in shown and d.bi == "default" else None
        d.name = U.chosen(name, d.name if d in fields or ctor != "Nat.succ" else "a")
    if names:
        raise LeanError(f"Too many variable names provided at alternative `{last_part(ctor)}`")
    if ctor in ("Nat.zero", "Nat.succ"):  # Nat's custom eliminators say 0, n + 1 and a
        ty = tm.App(ty.fn, readable(meta, ty.arg))
    goal = meta.intro_goal(goal, decls, meta.inst(ty), meta.decls[goal].lctx.add(*shown))
    return Branch(ctor, goal, shown)


# --- constructors ---------------------------------------------------------------------------------


def ctor_fields(meta, e):
    """(constructor with its parameters, fields) of e up to whnf, or None.

    Natural number literals count as constructor applications, but n + k is only unfolded for k > 0.
    """
    e = meta.whnf_ctor(meta.inst(e))
    decl, (f, args) = meta.ctor_of(e), tm.get_app_fn_args(e)
    if decl is None or len(args) != decl.num_params + decl.num_fields:
        return None
    return tm.mk_app(f, *args[:decl.num_params]), args[decl.num_params:]


def no_confusion(meta, h, ty, a, b):
    """(proposition, proof) from h : a = b, constructor applications of the type ty.

    The proposition is a conjunction of equations between fields, or False if constructors differ.
    The proof is that of a = a, whose type a recursor maps to the proposition.
    """
    decl, levels, params, indices = meta.inductive_of(ty)
    if indices or decl.is_prop:
        raise Declined("constructor injectivity in a proposition or an indexed family")
    (ctor, left), (other, right) = ctor_fields(meta, a), ctor_fields(meta, b)
    rec = tm.mk_app(tm.Const(f"{decl.name}.rec", (lv.ONE, *levels)), *params,
                    tm.Lam("x", ty, tm.PROP))
    for name in decl.ctors:
        minor = meta.head_beta(meta.infer(rec).type)
        xs = [d.fvar for d in meta.forall_locals(minor, reducing=False)[0]]
        same = name == tm.get_app_fn(ctor).name
        value = equal_fields(meta, left, xs[:len(left)])[0] if same else FALSE
        rec = tm.App(rec, meta.mk_lambda(xs, value))
    proof = meta.mk_cast("Eq.mp", U.congr_step(meta, rec, rec, a, b, None, h),
                         equal_fields(meta, left, left)[1])
    return equal_fields(meta, left, right)[0] if ctor is other else FALSE, proof


def equal_fields(meta, xs, ys):
    """(the conjunction of the xᵢ = yᵢ that are no proofs, a proof of it if these are the same)."""
    prop, proof = TRUE, tm.Const("True.intro")
    for x, y in reversed(list(zip(xs, ys, strict=True))):
        ty = meta.inst(meta.infer(x))
        if meta.is_prop(ty):
            continue
        if not meta.is_def_eq(ty, meta.infer(y)):
            raise Declined("injectivity of a constructor with dependent fields")
        eq, refl = meta.mk_eq(x, y), meta.mk_eq_refl(x)
        if prop is not TRUE:
            refl = tm.mk_app(tm.Const("And.intro"), eq, prop, refl, proof)
            eq = tm.mk_app(tm.Const("And"), eq, prop)
        prop, proof = eq, refl
    return prop, proof


def conjuncts(proof, prop):
    """[(proof, proposition)] of the parts of a nested conjunction; of True: none."""
    if is_app_of(prop, "And", 2):
        both = prop.fn.arg, prop.arg
        return [part for side, p in zip(("left", "right"), both, strict=True)
                for part in conjuncts(tm.mk_app(tm.Const(f"And.{side}"), *both, proof), p)]
    return [] if prop is TRUE else [(proof, prop)]


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


# --- equations left by case analysis --------------------------------------------------------------


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
        prop, proof = FALSE, tm.App(U.decide(meta, meta.mk_eq(a, b))[1], h)
    elif ctor_fields(meta, a) is None or ctor_fields(meta, b) is None:
        raise unsolved(meta, a, b)
    else:
        prop, proof = no_confusion(meta, h, ty, a, b)
    if prop is not FALSE:
        return add_premises(meta, goal, conjuncts(proof, prop))
    meta.assign_mvar(goal, meta.mk_at("False.elim", meta.goal_type(goal), proof))
    return None


def unsolved(meta, a, b) -> LeanError:
    """The error for an equation that is neither solvable nor refutable."""
    return LeanError("Dependent elimination failed: Failed to solve equation\n  "
                     f"{meta.pp(a)} = {meta.pp(b)}")


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


# --- case analysis --------------------------------------------------------------------------------


def split_hyp(meta, goal: int, h, names=None, induction=False):
    """Branches of cases (or induction) on the hypothesis h, contradictory ones left out."""
    found = meta.inductive_of(h.type)
    if found is None:
        raise U.tactic_error(meta, "cases", goal, f"{meta.pp(h.type)} is no inductive type")
    if found[0].name == "Eq" and not induction:  # which is what its recursor amounts to
        goal = unify_eq(meta, goal, h)
        if goal is None:
            return []
        meta.decls[goal].name = U.append_tag(meta.decls[goal].name, "refl")
        return [Branch("Eq.refl", goal, [])]
    indices = [meta.inst(i) for i in found[3]]
    free = {i.id for i in indices if is_free_var(meta, goal, i)}
    major, js, count, deps = h, indices, 0, []
    if len(free) == len(indices) and not any(meta.mentions(p, free) for p in found[2]):
        deps = [x for x in U.dependents(meta, goal, {*free, h.id}) if x.id not in {*free, h.id}]
        goal = U.revert(meta, goal, deps)
    elif induction:
        raise LeanError("Invalid target: Index in target's type is not a variable\n  "
                        + meta.pp(h.type))
    else:
        major, js, count, goal = generalize_indices(meta, goal, h, indices)
    branches = []
    for b in eliminate(meta, goal, major, js, names, induction):
        goal = U.try_clear(meta, b.goal, [h.id, *[j.id for j in js], major.id])
        goal = unify_eqs(meta, goal, count)
        if goal is not None:
            branches.append(b._replace(goal=U.reintro(meta, goal, deps)))
    return branches


def generalize_indices(meta, goal: int, h, indices):
    """(h', j…, n, goal): new variables; the target becomes i = j → … → HEq h h' → target.

    n is the number of these equations.
    """
    new, premises = fresh_member(meta, h), []
    olds = indices if meta.is_proof(h.fvar) else [*indices, h.fvar]
    for old, x in zip(olds, new, strict=False):
        ty = meta.infer(old)
        if meta.is_def_eq(ty, x.type):
            premises.append((meta.mk_eq_refl(old), meta.mk_eq(old, x.fvar)))
        else:
            premises.append((meta.mk_at("HEq.refl", ty, old),
                             meta.mk_at("HEq", ty, old, x.type, x.fvar)))
    goal, n = add_premises(meta, goal, premises)  # which fit when the new ones are the old ones
    goal = U.add_locals(meta, goal, new, [*indices, h.fvar])
    return new[-1], [j.fvar for j in new[:-1]], n, goal
