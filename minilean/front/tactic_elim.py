"""Case analysis and induction on one hypothesis: the engine of cases, induction and rcases.

Follows Lean's `Lean/Meta/Tactic/{Cases,Induction,Contradiction}.lean`: indices become variables
with equations, the recursor is applied, the equations are solved in every branch. Nat shows `0` and
`n + 1`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from collections import namedtuple

from minilean.front import tactic_util as U
from minilean.front.build import FALSE
from minilean.front.equations import readable
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic_subst import add_premises, is_free_var, unify_eq, unify_eqs
from minilean.kernel import level as lv
from minilean.kernel import term as tm

MAX_CTORS = 4  # of a type whose cases `contradiction` tries


# one goal of a case split, its constructor's name, its fields and (for induction) hypotheses
Branch = namedtuple("Branch", "ctor goal decls")


def split_hyp(meta, goal: int, h, names=None, induction=False):
    """Branches of cases (or induction) on the hypothesis h, contradictory ones left out.

    names: {constructor without its namespace, or "_" for others: names for the fields and induction
    hypotheses}.
    """
    found = meta.inductive_of(h.type)
    if found is None:
        raise U.tactic_error(meta, "cases", goal, f"{meta.pp(h.type)} is no inductive type")
    if found[0].name == "Eq" and not induction:
        return _cases_eq(meta, goal, h)
    indices = [meta.inst(i) for i in found[3]]
    free = {i.id for i in indices if is_free_var(meta, goal, i)}
    major, js, count, deps = h, indices, 0, []
    if len(free) == len(indices) and not any(meta.mentions(p, free) for p in found[2]):
        own = {*free, h.id}
        deps = [x for x in U.dependents(meta, goal, own) if x.id not in own]
        goal = U.revert(meta, goal, deps)
    elif induction:
        raise LeanError("Invalid target: Index in target's type is not a variable\n  "
                        + meta.pp(h.type))
    else:
        major, js, count, goal = generalize_indices(meta, goal, h, indices)
    branches = []
    for b in eliminate(meta, goal, major, js, names or {}, induction):
        solved = unify_eqs(meta, U.try_clear(meta, b.goal, [*[j.id for j in js], major.id]), count)
        if solved is not None:
            goal = U.reintro(meta, U.try_clear(meta, solved[0], [h.id]), deps)[0]
            branches.append(Branch(b.ctor, goal, [solved[1].get(d.id, d) for d in b.decls]))
    return branches


def _cases_eq(meta, goal: int, h):
    """cases on an equation: solve it (what Eq.rec and index unification amount to)."""
    result = unify_eq(meta, goal, h)
    result = result and unify_eqs(meta, result[0], result[2])
    if result is None:
        return []
    goal = U.try_clear(meta, result[0], [h.id])
    meta.decls[goal].name = U.append_tag(meta.decls[goal].name, "refl")
    return [Branch("Eq.refl", goal, [])]


def fresh_member(meta, h):
    """New locals j… and h' : I params j…, like h : I params i…."""
    decl, levels, params, indices = meta.inductive_of(h.type)
    family = tm.mk_app(tm.Const(decl.name, levels), *params)
    js, _ = meta.forall_locals(meta.infer(family), max=len(indices))
    return [*js, meta.mk_local(h.name, tm.mk_app(family, *[j.fvar for j in js]))]


def generalize_indices(meta, goal: int, h, indices):
    """(h', j…, n, goal): new variables; the target becomes i = j → … → HEq h h' → target.

    n is the number of these equations.
    """
    new, eqs = fresh_member(meta, h), []
    olds = indices if meta.is_proof(h.fvar) else [*indices, h.fvar]
    for old, x in zip(olds, new, strict=False):
        ty = meta.infer(old)
        if meta.is_def_eq(ty, x.type):
            eqs.append((meta.mk_eq(old, x.fvar), meta.mk_eq_refl(old)))
        else:
            eqs.append((meta.mk_at("HEq", ty, old, x.type, x.fvar),
                        meta.mk_at("HEq.refl", ty, old)))
    goal, n = add_premises(meta, goal, eqs)  # the proofs fit when the new ones are the old ones
    goal = U.add_locals(meta, goal, new, [*indices, h.fvar])
    return new[-1], [j.fvar for j in new[:-1]], n, goal


def eliminate(meta, goal: int, h, indices, names, induction: bool):
    """Branches from applying the recursor to h; the indices of its type are variables."""
    decl, levels, params, _ = meta.inductive_of(h.type)
    target = meta.goal_type(goal)
    level = meta.sort_level(target)
    if decl.elim_level is not None:
        levels = (level, *levels)
    elif not lv.is_zero(level):
        raise U.tactic_error(meta, "cases", goal, f"`{decl.name}` can only eliminate into `Prop`")
    new = [x.fvar for x in fresh_member(meta, h)]
    body = tm.instantiate_rev(tm.abstract(target, [*indices, h.fvar]), new)
    rec = tm.mk_app(tm.Const(f"{decl.name}.rec", levels), *params, meta.mk_lambda(new, body))
    tags = [last_part(ctor) for ctor in decl.ctors]
    goals = U.apply_cases(meta, goal, rec, tags, [*indices, h.fvar])
    return [_branch(meta, ctor, g, [*names.get(tag, names.get("_", ()))], induction)
            for ctor, tag, g in zip(decl.ctors, tags, goals, strict=True)]


def last_part(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition(".")[2]


def _branch(meta, ctor: str, goal: int, names, induction: bool) -> Branch:
    """Introduces fields (and hypotheses) of a minor premise; beta-reduces the motive.

    cases hides the induction hypotheses; implicit fields get no name.
    """
    decls, fvars, ty = [], [], meta.decls[goal].type
    n_fields = meta.env.lookup(ctor).num_fields
    while type(ty) is tm.Pi:
        is_field = len(decls) < n_fields
        named = ty.info == "default" if is_field else induction
        name = names.pop(0) if names and named else None
        default = "a" if ctor == "Nat.succ" and not is_field else ty.name
        # a parameter may be a predicate, as in ∃ x, p x: Lean shows the field as p a, contracted
        decls.append(meta.mk_local(U.chosen(name, default),
                                   contracted(meta, tm.instantiate_rev(ty.type, fvars)), ty.info))
        fvars.append(decls[-1].fvar)
        ty = ty.body
    if names:
        raise LeanError(f"Too many variable names provided at alternative `{last_part(ctor)}`")
    ty = tm.instantiate_rev(ty, fvars)
    if ctor in ("Nat.zero", "Nat.succ"):  # Nat's custom eliminators say 0 and n + 1
        ty = tm.App(ty.fn, readable(meta, ty.arg))
    shown = decls if induction else decls[:n_fields]
    goal = meta.intro_goal(goal, decls, meta.head_beta(ty), meta.decls[goal].lctx.add(*shown))
    return Branch(ctor, goal, shown)


def contracted(meta, ty):
    """ty with its conclusion, where the motive may be applied, beta-reduced."""
    if type(ty) is tm.Pi:
        return tm.Pi(ty.name, ty.type, contracted(meta, ty.body), ty.info)
    return meta.head_beta(ty)


# --- contradictions -------------------------------------------------------------------------------


def close_contradiction(meta, goal: int) -> bool:
    """Closes the goal from contradictory hypotheses; False if there are none."""
    decls = U.hypotheses(meta, goal)
    for d in decls:
        ty = meta.whnf(meta.inst(d.type))
        proof = _refute_negation(meta, d, ty, decls) or _refute_cases(meta, d, ty)
        if proof is not None:
            meta.assign_mvar(goal, meta.mk_at("False.elim", meta.goal_type(goal), proof))
            return True
    return False


def _refute_negation(meta, d, ty, decls):
    """False from d : p → False and p, which is a hypothesis or a = a; or None."""
    if type(ty) is not tm.Pi or ty.body is not FALSE:
        return None
    for other in decls:
        if other is not d and meta.is_def_eq(other.type, ty.type):
            return tm.App(d.fvar, other.fvar)
    parts = meta.eq_parts(ty.type)
    if parts is not None and meta.is_def_eq(parts[1], parts[2]):
        return tm.App(d.fvar, meta.mk_eq_refl(parts[1]))
    return None


def _refute_cases(meta, d, ty):
    """False from d : ty if none of its cases is possible (False, 0 = 1, n + 1 ≤ 0); or None."""
    found = meta.inductive_of(ty)
    if found is None or len(found[0].ctors) > MAX_CTORS or (found[0].ctors and not found[3]):
        return None
    mark, goal = meta.save(), meta.mk_goal(FALSE)
    try:
        if not split_hyp(meta, goal, d):
            return meta.inst(tm.MVar(goal))
    except (LeanError, Declined):
        pass
    meta.restore(mark)
    return None
