"""Case analysis: cases, induction, subst, injection, contradiction, split, generalize.

Follows Lean's `Lean/Meta/Tactic/{Cases,Induction,Subst,Injection,UnifyEq,Contradiction}.lean`. Different:
constructor clashes and injectivity are proved with small discriminator and projection functions built
from the recursor instead of `noConfusion`; where that needs dependent fields the tactic declines.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import close_or_admit, on_main, run_tactic_seq
from minilean.front.tactic_basic import find_assumption
from minilean.front.tactic_util import append_tag, inaccessible, tactic, tactic_error
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import App, Const, FVar, Lam, MVar, Pi, instantiate, instantiate_rev

TRUE, FALSE, NAT = Const("True"), Const("False"), Const("Nat")


# --- subst ----------------------------------------------------------------------------------------


def subst_var(meta, goal: int, h, symm: bool):
    """({old id: new declaration}, new goal): h : a = x (symm) or x = b replaces x everywhere.

    x and h leave the context. Raises LeanError when x is not a variable or occurs in the other side.
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
        if tm.is_app_of(w, "Eq", 3):
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
        parts = tm.get_app_fn_args(w)[1] if tm.is_app_of(w, "Eq", 3) else None
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


# --- constructors: clash and injectivity ----------------------------------------------------------


def ctor_of(meta, e):
    """(constructor declaration, levels, parameters, fields) of e up to whnf, or None.

    Natural number literals count as constructor applications, but n + k is only unfolded for k > 0.
    """
    e = meta.whnf(meta.inst(e))
    e = meta.lit_to_ctor(e)
    f, args = tm.get_app_fn_args(e)
    decl = meta.env.get(f.name) if type(f) is Const else None
    if type(decl) is not ConstructorDecl or len(args) != decl.num_params + decl.num_fields:
        return None
    return decl, f.levels, args[:decl.num_params], args[decl.num_params:]


def recursor_motive_app(meta, ind_name: str, ty, result_level, result, branch):
    """fun x : ty => rec (motive := fun _ => result) (branch constructor field_decls…) x."""
    decl, head, params, indices = U.whnf_inductive(meta, ty)
    if decl.num_indices:
        raise Declined("constructor injectivity in an indexed family")
    rec = meta.env.lookup(f"{ind_name}.rec")
    levels = ((result_level,) if decl.elim_level is not None else ()) + head.levels
    motive = Lam("x", ty, result)
    x = meta.mk_local("x", ty)
    minors = []
    rec_ty = meta.infer(tm.mk_app(Const(rec.name, levels), *params, motive))
    for ctor in decl.ctors:
        minor = meta.head_beta(rec_ty.type) if type(rec_ty) is Pi else None
        decls, _ = meta.forall_locals(minor, reducing=False)
        num_fields = meta.env.lookup(ctor).num_fields
        value = branch(ctor, decls[:num_fields])
        minors.append(meta.mk_lambda([d.fvar for d in decls], value))
        rec_ty = instantiate(rec_ty.body, minors[-1])
    body = tm.mk_app(Const(rec.name, levels), *params, motive, *minors, x.fvar)
    return meta.mk_lambda([x.fvar], body)


def congr_arg(meta, f, h, result, level):
    """congrArg f h for f : α → result, where result : Sort level."""
    us, (ty, a, b) = meta._eq_of(h)
    return tm.mk_app(Const("congrArg", (us[0], level)), ty, result, a, b, f, h)


def clash_proof(meta, h, ty, ctor: str):
    """A proof of False from h : c … = c' … with different constructors (c = ctor)."""
    decl, *_ = U.whnf_inductive(meta, ty)
    if decl.is_prop:
        return None
    f = recursor_motive_app(meta, decl.name, ty, lv.ONE, tm.PROP,
                            lambda name, _: TRUE if name == ctor else FALSE)
    eq = congr_arg(meta, f, h, tm.PROP, lv.ONE)
    return tm.mk_app(Const("Eq.mp", (lv.ZERO,)), TRUE, FALSE, eq, Const("True.intro"))


def field_equations(meta, h, ty, left, right):
    """[(type, proof)] of the equations between the fields of equal constructor applications."""
    decl, _, _, fields_a = left
    _, _, _, fields_b = right
    ind = meta.env.lookup(decl.induct)
    if ind.is_prop:
        return []
    out = []
    for i, (a, b) in enumerate(zip(fields_a, fields_b)):
        fty = meta.inst(meta.infer(a))
        if meta.is_prop(fty):
            continue
        if not meta.is_def_eq(fty, meta.infer(b)):
            raise Declined("injectivity of a constructor with dependent fields")

        def branch(name, decls, i=i, a=a):
            if name != decl.name:
                return a
            if decls[i].type is not fty and not meta.is_def_eq(decls[i].type, fty):
                raise Declined("injectivity of a constructor with dependent fields")
            return decls[i].fvar
        level = meta.sort_level(fty)
        f = recursor_motive_app(meta, ind.name, ty, level, fty, branch)
        out.append((meta.mk_eq(a, b), congr_arg(meta, f, h, fty, level)))
    return out


def nat_normal(meta, e):
    """`n + 1` for Nat.succ n and literals for closed constructor terms, as Lean shows fields."""
    return e


# --- unification of equations (what remains of indices after cases) -------------------------------


def unify_eqs(meta, goal: int, count: int, subst):
    """(goal or None, subst) after introducing and solving `count` equations in front of the target.

    None: the equations are contradictory. `subst` maps old ids to new declarations. Raises LeanError
    ("dependent elimination failed") when an equation is neither solvable nor refutable.
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
    if not tm.is_app_of(ty, "Eq", 3) and not tm.is_app_of(ty, "HEq", 4):
        ty = meta.whnf(ty)
    if tm.is_app_of(ty, "HEq", 4):
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


# --- cases ----------------------------------------------------------------------------------------


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
        for k, index in enumerate(indices):
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


def target_hyp(ctx, goal: int, name, term):
    """(hypothesis, goal) for the major premise `name : term`: a variable, or a generalized term."""
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    e = ctx.elab.elab_term(term, None)
    if e.flags & tm.MVAR:
        e = meta.inst(e)
        if e.flags & tm.MVAR:
            raise Declined("cases/induction on a term with holes", term)
    if type(e) is FVar and name is None and e.id in meta.lctx and meta.fvars[e.id].value is None:
        return meta.lctx.get(e.id), goal, None
    if name == "_":
        name = "h✝"
    if meta.is_proof(e) and name is None:
        h, goal = U.assert_hyp(meta, goal, "x✝", meta.inst(meta.infer(e)), e)
        return h, goal, None
    x, h, goal = U.generalize_term(meta, goal, e, "x✝", name)
    return x, goal, h


@tactic("cases")
def cases(ctx, stx, targets, using, alts):
    if using is not None:
        raise Declined("cases … using", stx)
    if len(targets) != 1:
        raise Declined("cases on several terms", stx)
    meta, goal = ctx.meta, ctx.main()
    rest = ctx.goals[1:]
    with meta.with_goal(goal):
        h, goal, _ = target_hyp(ctx, goal, *targets[0])
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, h, alt_names(alts))
    finish_alts(ctx, stx, branches, alts, rest, h)


@tactic("induction")
def induction(ctx, stx, targets, using, general, alts):
    if using is not None:
        raise Declined("induction … using", stx)
    if len(targets) != 1:
        raise Declined("induction on several terms", stx)
    meta, goal = ctx.meta, ctx.main()
    rest = ctx.goals[1:]
    with meta.with_goal(goal):
        h, goal, _ = target_hyp(ctx, goal, *targets[0])
    with meta.with_goal(goal):
        extra = [U.find_hyp(meta, goal, x.name, x) for x in general]
        deps = [x for x in U.dependents(meta, goal, [h.id]) if x.id != h.id]
        if any(e.id == h.id for e in extra):
            raise LeanError(f"variable cannot be generalized because it is the target: {h.name}")
        wanted = {x.id for x in extra} | {x.id for x in deps}
        to_revert = U.dependents(meta, goal, wanted) if wanted else []
        if any(x.id == h.id for x in to_revert):
            raise LeanError("variable cannot be generalized because the induction target depends "
                            f"on it: {next(e.name for e in extra)}", stx)
        before = to_revert
        goal = U.revert(meta, goal, before)
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, h, alt_names(alts), induction=True)
    for b in branches:
        with meta.with_goal(b.goal):
            b.subst, b.goal = U.reintro(meta, b.goal, before)
    finish_alts(ctx, stx, branches, alts, rest, h)


def alt_names(alts):
    """ctor -> the variable names its alternative gives (None: no alternatives written)."""
    if alts is None:
        return lambda ctor: ()
    table = {}
    for alt in alts:
        for name, names, explicit in alt.lhs:
            table[_last(name)] = ["@", *names] if explicit else names
    rest = table.get("_", ())
    return lambda ctor: table.get(_last(ctor), rest)


def finish_alts(ctx, stx, branches, alts, rest, h) -> None:
    """Runs the alternatives on their branches; without alternatives the branches become goals."""
    if alts is None:
        ctx.goals = [b.goal for b in branches] + rest
        return
    left = {_last(b.ctor): b for b in branches}
    known = {_last(c) for c in _all_ctors(ctx.meta, h)}
    new = []
    for alt in alts:
        for name, names, explicit in alt.lhs:
            if name == "_":
                todo = list(left)
            else:
                todo = [_last(name)]
                if _last(name) not in known:
                    raise LeanError(f"Invalid alternative name `{name}`: Expected "
                                    + " or ".join(f"`{k}`" for k in known), alt)
            for key in todo:
                branch = left.pop(key, None)
                if branch is None:
                    continue
                room = branch.count if explicit else branch.explicit
                if len(names) > room and name != "_":
                    raise LeanError(f"Too many variable names provided at alternative `{key}`: "
                                    f"{len(names)} provided, but {room} expected", alt)
                new += run_alt(ctx, alt, branch)
    if left:
        missing = next(iter(left))
        error = LeanError(f"Alternative `{missing}` has not been provided", stx)
        if not ctx.recover:
            raise error
        ctx.error_at(stx, error)
        for b in left.values():
            ctx.meta.admit(b.goal)
    ctx.goals = new + rest


def _all_ctors(meta, h):
    found = U.whnf_inductive(meta, h.type)
    return found[0].ctors


def run_alt(ctx, alt, branch) -> list[int]:
    """Goals left by one alternative: none for a tactic block, the hole for `?_`."""
    goal, meta = branch.goal, ctx.meta
    if isinstance(alt.rhs, S.TacSeq):
        meta.decls[goal].name = ""
        ctx.goals = [goal]
        close_or_admit(ctx, alt, goal, lambda: run_tactic_seq(ctx, alt.rhs))
        return []
    if isinstance(alt.rhs, S.SynthHole) and alt.rhs.name:
        meta.decls[goal].name = alt.rhs.name
    return [goal]


# --- injection, contradiction ---------------------------------------------------------------------


@tactic("injection")
def injection(ctx, stx, term, names):
    def go(goal):
        meta = ctx.meta
        ctx.elab.err_to_sorry = False
        e = ctx.elab.elab_term(term, None)
        parts = meta.eq_parts(meta.infer(e))
        if parts is None:
            raise tactic_error(meta, "injection", goal, "equality expected")
        ty, a, b = parts
        left, right = ctor_of(meta, a), ctor_of(meta, b)
        if left is None or right is None:
            raise tactic_error(meta, "injection", goal, "equality of constructor applications "
                               "expected")
        if left[0].name != right[0].name:
            proof = clash_proof(meta, e, ty, left[0].name)
            meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), proof))
            return []
        eqs = field_equations(meta, e, ty, left, right)
        names_left = list(names)
        for eq_ty, proof in eqs:
            name = names_left.pop(0) if names_left else None
            with meta.with_goal(goal):
                _, goal = U.assert_hyp(meta, goal, inaccessible("h") if name in (None, "_")
                                       else name, eq_ty, proof)
        with meta.with_goal(goal):
            found = find_assumption(meta, goal)
        if found is not None:
            meta.assign_mvar(goal, found)
            return []
        return [goal]
    on_main(ctx, go)


@tactic("injections")
def injections(ctx, stx, names):
    raise Declined("tactic injections", stx)


def close_contradiction(meta, goal: int) -> bool:
    """Closes the goal from contradictory hypotheses; False if there are none."""
    target = meta.goal_type(goal)
    decls = [d for d in meta.decls[goal].lctx.decls if not d.hidden]
    for d in decls:
        proof = _refute(meta, d, decls)
        if proof is not None:
            meta.assign_mvar(goal, meta.mk_false_elim(target, proof))
            return True
    return False


def _refute(meta, d, decls):
    """A proof of False from the hypothesis d (together with another one), or None."""
    ty = meta.inst(d.type)
    proof = _refute_form(meta, d, ty, decls)
    if proof is None:
        w = meta.whnf(ty)
        if w is not ty:
            proof = _refute_form(meta, d, w, decls)
        if proof is None:
            proof = _refute_empty(meta, d, w)
    return proof


def _refute_form(meta, d, ty, decls):
    """_refute for a type as it stands: False, ¬p, a ≠ a, different constructors."""
    if ty is FALSE:
        return d.fvar
    f, args = tm.get_app_fn_args(ty)
    name = f.name if type(f) is Const else None
    if name == "Eq" and len(args) == 3:
        proof = refute_literals(meta, d, ty, args)
        if proof is not None:
            return proof
        left, right = ctor_of(meta, args[1]), ctor_of(meta, args[2])
        if left is not None and right is not None and left[0].name != right[0].name:
            return clash_proof(meta, d.fvar, args[0], left[0].name)
        return None
    if name == "Ne" and len(args) == 3:
        p = tm.mk_app(Const("Eq", f.levels), *args)
    elif name == "Not" and len(args) == 1:
        p = args[0]
    elif type(ty) is Pi and ty.body is FALSE:
        p = ty.type
    else:
        return None
    for other in decls:
        mark = meta.save()
        if other is not d and meta.is_def_eq(other.type, p):
            return App(d.fvar, other.fvar)
        meta.restore(mark)
    parts = meta.eq_parts(p)
    if parts is not None and meta.is_def_eq(parts[1], parts[2]):
        return App(d.fvar, meta.mk_eq_refl(parts[1]))
    return None


def refute_literals(meta, d, p, args):
    """False from an equation between different numerals."""
    m, n = meta.nat_value(args[1]), meta.nat_value(args[2])
    if m is None or n is None or m == n:
        return None
    inst = meta.synth_inst(App(Const("Decidable"), p))
    if inst is None:
        return None
    refl = tm.mk_app(Const("Eq.refl", (lv.ONE,)), Const("Bool"), Const("Bool.false"))
    return App(tm.mk_app(Const("of_decide_eq_false"), p, inst, refl), d.fvar)


def _refute_empty(meta, d, w):
    """False from a hypothesis whose type has no constructor that fits (Nat.le (n+1) 0, Empty)."""
    f = tm.get_app_fn(w)
    if type(f) is not Const:
        return None
    found = U.whnf_inductive(meta, w)
    if found is None:
        return None
    decl, head, params, indices = found
    if decl.ctors and not indices:
        return None
    if len(decl.ctors) > 4:
        return None
    mark = meta.save()
    goal = meta.mk_goal(FALSE)
    try:
        branches = split_hyp(meta, goal, d)
    except (LeanError, Declined):
        meta.restore(mark)
        return None
    if branches:
        meta.restore(mark)
        return None
    return meta.inst(MVar(goal))


# --- generalize, split ----------------------------------------------------------------------------


@tactic("generalize")
def generalize(ctx, stx, items, loc):
    if loc is not None:
        raise Declined("generalize at a hypothesis", stx)
    for eq_name, value, name in items:
        def go(goal, eq_name=eq_name, value=value, name=name):
            meta = ctx.meta
            e = ctx.elab.elab_term(value, None)
            _, _, new = U.generalize_term(meta, goal, meta.inst(e), name,
                                          "h✝" if eq_name == "_" else eq_name)
            return [new]
        on_main(ctx, go)
