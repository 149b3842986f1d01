"""Case analysis and induction on one hypothesis: the engine of cases, induction and rcases.

Follows Lean's `Lean/Meta/Tactic/{Cases,Induction}.lean`: indices become variables with equations,
the recursor is applied, the equations are solved in every branch. Nat shows `0` and `n + 1`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.errors import LeanError
from minilean.front.tactic_subst import is_free_var, unify_eq, unify_eqs
from minilean.front.tactic_util import append_tag, inaccessible, tactic_error
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import Const, MVar, Pi, instantiate, instantiate_rev


class Branch:
    """One goal of a case split: constructor name, its fields and (for induction) hypotheses."""

    __slots__ = ("count", "ctor", "decls", "explicit", "goal", "subst")

    def __init__(self, ctor, goal, decls, subst, explicit=0):
        self.ctor, self.goal, self.decls, self.subst = ctor, goal, decls, subst
        self.count, self.explicit = len(decls), explicit


def split_hyp(meta, goal: int, h, names_of=lambda ctor: (), induction=False, tag=True):
    """Branches of cases (or induction) on the hypothesis h, contradictory ones left out.

    names_of(ctor): names for the fields and induction hypotheses, None for inaccessible ones.
    """
    found = U.whnf_inductive(meta, h.type)
    if found is None:
        kind = "induction" if induction else "cases"
        raise tactic_error(meta, kind, goal, "major premise type is not an inductive type\n  "
                           + meta.pp(h.type))
    decl, head, params, indices = found
    if not induction and decl.name == "Eq":
        return _cases_eq(meta, goal, h, tag)
    if not indices:
        deps = [x for x in U.dependents(meta, goal, [h.id]) if x.id != h.id]
        goal = U.revert(meta, goal, deps)
        branches = eliminate(meta, goal, h, found, [], names_of, induction, tag)
        for b in branches:
            with meta.with_goal(b.goal):
                b.goal = U.try_clear(meta, b.goal, [h.id])
                b.subst, b.goal = U.reintro(meta, b.goal, deps)
        return branches
    return _cases_indexed(meta, goal, h, found, names_of, induction, tag)


def _cases_eq(meta, goal: int, h, tag: bool):
    """cases on an equation: solve it (what Eq.rec and index unification amount to)."""
    with meta.with_goal(goal):
        result = unify_eq(meta, goal, h)
        subst = {}
        if result is not None:
            new, extra, subst = result
            new, subst = unify_eqs(meta, new, extra, subst)
            if new is None:
                result = None
    if result is None:
        return []
    new = U.try_clear(meta, new, [h.id])
    if tag:
        meta.decls[new].name = append_tag(meta.decls[new].name, "refl")
    return [Branch("Eq.refl", new, [], subst)]


def _distinct_vars(meta, goal: int, params, indices, h) -> bool:
    """Are the indices different variables that occur in no parameter?"""
    ids = [x.id for x in indices if is_free_var(meta, goal, x)]
    if len(ids) != len(indices) or len(set(ids)) != len(ids):
        return False
    return not any(meta.mentions(p, set(ids)) for p in params)


def _cases_indexed(meta, goal: int, h, found, names_of, induction, tag):
    """cases on a family: indices become variables with equations, which are solved afterwards."""
    decl, head, params, indices = found
    indices = [meta.inst(i) for i in indices]
    if _distinct_vars(meta, goal, params, indices, h):
        ids = [i.id for i in indices]
        deps = [x for x in U.dependents(meta, goal, [*ids, h.id])
                if x.id != h.id and x.id not in ids]
        goal = U.revert(meta, goal, deps)
        branches = eliminate(meta, goal, h, found, indices, names_of, induction, tag)
        for b in branches:
            with meta.with_goal(b.goal):
                b.goal = U.try_clear(meta, b.goal, [*ids, h.id])
                b.subst, b.goal = U.reintro(meta, b.goal, deps)
        return branches
    if induction:
        raise LeanError("Invalid target: Index in target's type is not a variable (consider using "
                        "the `cases` tactic instead)\n  "
                        + meta.pp(next(i for i in indices if not is_free_var(meta, goal, i))))
    new_h, goal, n_eqs, new_found = generalize_indices(meta, goal, h, found, indices)
    new_indices = new_found[3]
    branches = []
    for b in eliminate(meta, goal, new_h, new_found, new_indices, names_of, False, tag):
        with meta.with_goal(b.goal):
            b.goal = U.try_clear(meta, b.goal, [*[i.id for i in new_indices], new_h.id])
        left, b.subst = unify_eqs(meta, b.goal, n_eqs, {})
        if left is None:
            continue
        b.goal = U.try_clear(meta, left, [h.id])
        b.decls = [b.subst.get(d.id, d) for d in b.decls]
        branches.append(b)
    return branches


def generalize_indices(meta, goal: int, h, found, indices):
    """New variables j and h' : I params j; the target becomes i = j → HEq h h' → target."""
    decl, head, params, _ = found
    d = meta.decls[goal]
    with meta.with_goal(goal):
        js, eqs, ty = [], [], meta.infer(tm.mk_app(head, *params))
        for index in indices:
            ty = meta.expect_pi(ty)
            j = meta.mk_local(inaccessible(ty.name if ty.name else "i"), ty.type)
            js.append(j)
            ty = instantiate(ty.body, j.fvar)
            if meta.is_def_eq(meta.infer(index), j.type):
                eqs.append((meta.mk_eq(index, j.fvar), meta.mk_eq_refl(index)))
            else:
                eqs.append((meta.mk_heq(index, j.fvar), meta.mk_heq_refl(index)))
        family = tm.mk_app(head, *params, *[j.fvar for j in js])
        new_h = meta.mk_local(h.name, family)
        if not decl.is_prop:
            eqs.append((meta.mk_heq(h.fvar, new_h.fvar), meta.mk_heq_refl(h.fvar)))
        target = d.type
        for eq_ty, _ in reversed(eqs):
            target = Pi("h", eq_ty, tm.lift(target, 1))
        binders = [*[j.fvar for j in js], new_h.fvar]
        new = meta.mk_goal(meta.mk_pi(binders, target), d.name, d.lctx)
        meta.assign_mvar(goal, tm.mk_app(MVar(new), *indices, h.fvar, *[p for _, p in eqs]))
        inner = meta.intro_goal(new, [*js, new_h], target)
    return new_h, inner, len(eqs), (decl, head, params, [j.fvar for j in js])


def eliminate(meta, goal: int, h, found, indices, names_of, induction: bool, tag: bool):
    """Branches from applying the recursor to h (or to any term given as a declaration)."""
    decl, head, params, _ = found
    d = meta.decls[goal]
    target = meta.goal_type(goal)
    with meta.with_goal(goal):
        level = meta.sort_level(target)
        if decl.elim_level is None and not lv.is_zero(level):
            raise tactic_error(meta, "induction" if induction else "cases", goal,
                               f"recursor `{decl.name}.casesOn` can only eliminate into `Prop`")
        levels = ((level,) if decl.elim_level is not None else ()) + head.levels
        motive = _motive(meta, indices, h, found, target)
        rec = meta.env.lookup(f"{decl.name}.rec")
        fn = tm.mk_app(Const(rec.name, levels), *params, motive)
        rec_ty = meta.infer(fn)
        branches, minors = [], []
        for ctor in decl.ctors:
            minor_ty = rec_ty.type
            new = meta.mk_goal(minor_ty, append_tag(d.name, _last(ctor)) if tag else d.name, d.lctx)
            minors.append(MVar(new))
            rec_ty = instantiate(rec_ty.body, MVar(new))
            branches.append((ctor, new, minor_ty))
        meta.assign_mvar(goal, tm.mk_app(fn, *minors, *indices, h.fvar))
    return [_branch(meta, ctor, new, minor_ty, motive, names_of(ctor), induction)
            for ctor, new, minor_ty in branches]


def _motive(meta, indices, h, found, target):
    decl, head, params, _ = found
    fresh = []
    ty = meta.infer(tm.mk_app(head, *params))
    for index in indices:
        ty = meta.expect_pi(ty)
        j = meta.mk_local(meta.fvars[index.id].name, ty.type)
        fresh.append(j)
        ty = instantiate(ty.body, j.fvar)
    x = meta.mk_local(h.name, tm.mk_app(head, *params, *[j.fvar for j in fresh]))
    olds = [*indices, h.fvar]
    body = instantiate_rev(tm.abstract(meta.inst(target), olds),
                           [*[j.fvar for j in fresh], x.fvar])
    return meta.mk_lambda([*[j.fvar for j in fresh], x.fvar], body)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _branch(meta, ctor: str, goal: int, minor_ty, motive, names, induction: bool) -> Branch:
    """Introduces fields (and hypotheses) of a minor premise; beta-reduces the motive."""
    decl = meta.env.lookup(ctor)
    decls, fvars, ty, ih_args = [], [], minor_ty, []
    n_fields = decl.num_fields
    names = list(names)
    explicit = names[:1] == ["@"]
    if explicit:
        del names[0]
    lambda_decls, n_explicit = [], 0
    for _ in range(n_fields):
        named = names and (explicit or ty.info == "default")
        name = names.pop(0) if named else None
        # a parameter may be a predicate, as in ∃ x, p x: Lean shows the field as p a, contracted
        field_ty = meta.head_beta(instantiate_rev(ty.type, fvars))
        d = meta.mk_local(_field_name(ctor, ty.name, name), field_ty)
        fvars.append(d.fvar)
        decls.append(d)
        lambda_decls.append(d)
        n_explicit += ty.info == "default"
        ty = ty.body
    while type(ty) is Pi and _is_ih(ty.type, motive):
        ih_ty = beta_motive(meta, instantiate_rev(ty.type, fvars), motive)
        name = names.pop(0) if names and induction else None
        d = meta.mk_local(name if name not in (None, "_") else _ih_name(ctor, ty.name), ih_ty,
                          hidden=False)
        fvars.append(d.fvar)
        lambda_decls.append(d)
        if induction:
            decls.append(d)
        else:
            ih_args.append(d)
        ty = ty.body
    target = beta_motive(meta, instantiate_rev(ty, fvars), motive)
    target = _nat_forms(meta, ctor, target, motive, decls)
    lctx = meta.decls[goal].lctx
    lctx = lctx.add(*[d for d in lambda_decls if d not in ih_args])
    new = meta.intro_goal(goal, lambda_decls, target, lctx)
    return Branch(ctor, new, decls, {}, n_explicit + len(decls) - n_fields)


def _field_name(ctor: str, binder: str, name) -> str:
    if name not in (None, "_"):
        return name
    return inaccessible(binder)


def _ih_name(ctor: str, binder: str) -> str:
    return "a✝" if ctor == "Nat.succ" else inaccessible(binder)


def _is_ih(ty, motive) -> bool:
    while type(ty) is Pi:
        ty = ty.body
    return tm.get_app_fn(ty) is motive


def beta_motive(meta, ty, motive):
    """ty with the applications of the motive contracted."""
    if type(ty) is Pi:
        return Pi(ty.name, ty.type, beta_motive(meta, ty.body, motive), ty.info)
    f, args = tm.get_app_fn_args(ty)
    return meta.beta(motive, args) if f is motive else ty


def _nat_forms(meta, ctor: str, target, motive, decls):
    """For Nat: `0` and `n + 1` in place of Nat.zero and Nat.succ n (its custom eliminators)."""
    if ctor == "Nat.zero":
        return meta.beta(motive, [meta.mk_nat(0)])
    if ctor == "Nat.succ":
        return meta.beta(motive, [meta.mk_nat_add(decls[0].fvar, meta.mk_nat(1))])
    return target
