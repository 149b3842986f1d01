"""The recursor of a hypothesis applied to a goal, and what constructors being injective gives.

Follows Lean's `Lean/Meta/Tactic/Induction.lean` and `noConfusion`. Nat shows `0` and `n + 1`.
Different: an equation c x… = c' y… is mapped to the conjunction of the xᵢ = yᵢ, or to False, by one
application of the recursor; where that needs dependent fields it is declined.

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
    decls, ty = [], meta.decls[goal].type
    n_fields = meta.env.lookup(ctor).num_fields
    while type(ty) is tm.Pi:
        is_field = len(decls) < n_fields
        named = ty.info == "default" if is_field else induction
        name = names.pop(0) if names and named else None
        default = "a" if ctor == "Nat.succ" and not is_field else ty.name
        dom = meta.inst(tm.instantiate_rev(ty.type, [d.fvar for d in decls]))
        decls.append(meta.mk_local(U.chosen(name, default), dom, ty.info))
        ty = ty.body
    if names:
        raise LeanError(f"Too many variable names provided at alternative `{last_part(ctor)}`")
    ty = tm.instantiate_rev(ty, [d.fvar for d in decls])
    if ctor in ("Nat.zero", "Nat.succ"):  # Nat's custom eliminators say 0 and n + 1
        ty = tm.App(ty.fn, readable(meta, ty.arg))
    shown = decls if induction else decls[:n_fields]
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
