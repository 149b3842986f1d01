"""Case analysis and induction on one hypothesis: the engine of cases, induction and rcases.

Follows Lean's `Lean/Meta/Tactic/{Cases,Induction}.lean`: indices become variables with equations,
the recursor is applied, the equations are solved in every branch. Nat shows `0` and `n + 1`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.errors import LeanError
from minilean.front.tactic_subst import implications, is_free_var, unify_eq, unify_eqs
from minilean.front.tactic_util import append_tag, chosen, inaccessible, tactic_error
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import Const, MVar, Pi, instantiate, instantiate_rev


class Branch:
    """One goal of a case split: constructor name, its fields and (for induction) hypotheses.

    `explicit`: how many of these an alternative names that does not begin with `@`.
    """

    __slots__ = ("ctor", "decls", "explicit", "goal")

    def __init__(self, ctor, goal, decls, explicit=0):
        self.ctor, self.goal, self.decls, self.explicit = ctor, goal, decls, explicit


def split_hyp(meta, goal: int, h, names_of=lambda ctor: (), induction=False, tag=True):
    """Branches of cases (or induction) on the hypothesis h, contradictory ones left out.

    names_of(ctor): names for the fields and induction hypotheses, None for inaccessible ones.
    """
    found = meta.inductive_of(h.type)
    if found is None:
        raise tactic_error(meta, "induction" if induction else "cases", goal,
                           f"major premise type is not an inductive type\n  {meta.pp(h.type)}")
    decl, _, params, indices = found
    if decl.name == "Eq" and not induction:
        return _cases_eq(meta, goal, h, tag)
    indices = [meta.inst(i) for i in indices]
    free = {i.id for i in indices if is_free_var(meta, goal, i)}
    if len(free) == len(indices) and not any(meta.mentions(p, free) for p in params):
        return _cases_distinct(meta, goal, h, indices, names_of, induction, tag)
    if induction:
        # the last one: it occurs twice, or a parameter mentions it
        culprit = next((i for i in indices if not is_free_var(meta, goal, i)), indices[-1])
        raise LeanError("Invalid target: Index in target's type is not a variable (consider using "
                        f"the `cases` tactic instead)\n  {meta.pp(culprit)}")
    return _cases_indexed(meta, goal, h, indices, names_of, tag)


def _cases_eq(meta, goal: int, h, tag: bool):
    """cases on an equation: solve it (what Eq.rec and index unification amount to)."""
    result = unify_eq(meta, goal, h)
    if result is not None:
        result = unify_eqs(meta, *result[:2])
    if result is None:
        return []
    goal = U.try_clear(meta, result[0], [h.id])
    if tag:
        meta.decls[goal].name = append_tag(meta.decls[goal].name, "refl")
    return [Branch("Eq.refl", goal, [])]


def _cases_distinct(meta, goal: int, h, indices, names_of, induction: bool, tag: bool):
    """cases when the indices are different variables that occur in no parameter."""
    ids = [*[i.id for i in indices], h.id]
    deps = [x for x in U.dependents(meta, goal, ids) if x.id not in ids]
    goal = U.revert(meta, goal, deps)
    branches = eliminate(meta, goal, h, indices, names_of, induction, tag)
    for b in branches:
        with meta.with_goal(b.goal):
            b.goal = U.try_clear(meta, b.goal, ids)
            b.goal = U.reintro(meta, b.goal, deps)[1]
    return branches


def _cases_indexed(meta, goal: int, h, indices, names_of, tag: bool):
    """cases on a family: indices become variables with equations, which are solved afterwards."""
    new, count, goal = generalize_indices(meta, goal, h, indices)
    js, branches = [x.fvar for x in new[:-1]], []
    for b in eliminate(meta, goal, new[-1], js, names_of, False, tag):
        result = unify_eqs(meta, U.try_clear(meta, b.goal, [x.id for x in new]), count)
        if result is not None:
            b.goal = U.try_clear(meta, result[0], [h.id])
            b.decls = [result[1].get(d.id, d) for d in b.decls]
            branches.append(b)
    return branches


def fresh_member(meta, h):
    """New locals j… and h' : I params j…, like h : I params i…."""
    decl, levels, params, indices = meta.inductive_of(h.type)
    family = tm.mk_app(Const(decl.name, levels), *params)
    js, _ = meta.forall_locals(meta.infer(family), max=len(indices))
    return [*js, meta.mk_local(h.name, tm.mk_app(family, *[j.fvar for j in js]))]


def generalize_indices(meta, goal: int, h, indices):
    """(new, n, goal): new variables j…, h'; the target becomes i = j → … → HEq h h' → target.

    n is the number of these equations.
    """
    target = meta.decls[goal].type
    new, eqs = fresh_member(meta, h), []
    for j in new[:-1]:
        j.name = inaccessible(j.name or "i")
    olds = indices if meta.is_proof(h.fvar) else [*indices, h.fvar]
    for old, x in zip(olds, new, strict=False):
        ty = meta.infer(old)
        if meta.is_def_eq(ty, x.type):
            eqs.append((meta.mk_eq(old, x.fvar), meta.mk_eq_refl(old)))
        else:
            eqs.append((meta.mk_at("HEq", ty, old, x.type, x.fvar),
                        meta.mk_at("HEq.refl", ty, old)))
    target = implications(eqs, target)
    args = [*indices, h.fvar, *[proof for _, proof in eqs]]
    goal = U.replace_goal(meta, goal, meta.mk_pi([x.fvar for x in new], target),
                          lambda new_goal: tm.mk_app(new_goal, *args))
    return new, len(eqs), meta.intro_goal(goal, new, target)


def eliminate(meta, goal: int, h, indices, names_of, induction: bool, tag: bool):
    """Branches from applying the recursor to h; the indices of its type are variables."""
    decl, levels, params, _ = meta.inductive_of(h.type)
    d, target = meta.decls[goal], meta.goal_type(goal)
    with meta.with_goal(goal):
        level = meta.sort_level(target)
        if decl.elim_level is not None:
            levels = (level, *levels)
        elif not lv.is_zero(level):
            raise tactic_error(meta, "induction" if induction else "cases", goal,
                               f"recursor `{decl.name}.casesOn` can only eliminate into `Prop`")
        new = [x.fvar for x in fresh_member(meta, h)]
        body = instantiate_rev(tm.abstract(target, [*indices, h.fvar]), new)
        motive = meta.mk_lambda(new, body)
        rec = tm.mk_app(Const(f"{decl.name}.rec", levels), *params, motive)
        rec_ty = meta.infer(rec)
        goals = []
        for ctor in decl.ctors:
            name = append_tag(d.name, last_part(ctor)) if tag else d.name
            goals.append(meta.mk_goal(rec_ty.type, name))
            rec_ty = instantiate(rec_ty.body, MVar(goals[-1]))
        meta.assign_mvar(goal, tm.mk_app(rec, *map(MVar, goals), *indices, h.fvar))
    return [_branch(meta, ctor, g, motive, list(names_of(ctor)), induction)
            for ctor, g in zip(decl.ctors, goals, strict=True)]


def last_part(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition(".")[2]


def _branch(meta, ctor: str, goal: int, motive, names, induction: bool) -> Branch:
    """Introduces fields (and hypotheses) of a minor premise; beta-reduces the motive.

    cases hides the induction hypotheses.
    """
    all_named = names[:1] == ["@"]
    if all_named:
        del names[0]
    fields, hyps, fvars = [], [], []
    explicit, ty = 0, meta.decls[goal].type
    for _ in range(meta.env.lookup(ctor).num_fields):
        name = names.pop(0) if names and (all_named or ty.info == "default") else None
        # a parameter may be a predicate, as in ∃ x, p x: Lean shows the field as p a, contracted
        field_ty = meta.head_beta(instantiate_rev(ty.type, fvars))
        fields.append(meta.mk_local(chosen(name, ty.name), field_ty))
        fvars.append(fields[-1].fvar)
        explicit += ty.info == "default"
        ty = ty.body
    while type(ty) is Pi:
        name = names.pop(0) if names and induction else None
        hyp_ty = beta_motive(meta, instantiate_rev(ty.type, fvars), motive)
        default = "a" if ctor == "Nat.succ" else ty.name
        hyps.append(meta.mk_local(chosen(name, default), hyp_ty))
        fvars.append(hyps[-1].fvar)
        ty = ty.body
    if ctor == "Nat.zero":  # Nat's custom eliminators say 0 and n + 1
        target = meta.beta(motive, [meta.mk_nat(0)])
    elif ctor == "Nat.succ":
        target = meta.beta(motive, [meta.mk_nat_add(fvars[0], meta.mk_nat(1))])
    else:
        target = beta_motive(meta, instantiate_rev(ty, fvars), motive)
    shown = fields + hyps if induction else fields
    goal = meta.intro_goal(goal, fields + hyps, target, meta.decls[goal].lctx.add(*shown))
    return Branch(ctor, goal, shown, explicit + len(shown) - len(fields))


def beta_motive(meta, ty, motive):
    """ty with the applications of the motive contracted."""
    if type(ty) is Pi:
        return Pi(ty.name, ty.type, beta_motive(meta, ty.body, motive), ty.info)
    f, args = tm.get_app_fn_args(ty)
    return meta.beta(motive, args) if f is motive else ty
