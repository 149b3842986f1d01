"""Constructors are different and injective: proofs for cases, injection and simp.

The counterpart of Lean's `noConfusion` and `Lean/Meta/Tactic/Injection.lean`. Different: clashes
and injectivity are proved with small discriminator and projection functions built from the
recursor; where that needs dependent fields the tactic declines.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.errors import Declined
from minilean.front.tactic import on_main
from minilean.front.tactic_apply import find_assumption
from minilean.front.tactic_util import inaccessible, tactic, tactic_error
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import Const, Lam, Pi, instantiate

TRUE, FALSE = Const("True"), Const("False")


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
    for i, (a, b) in enumerate(zip(fields_a, fields_b, strict=True)):
        fty = meta.inst(meta.infer(a))
        if meta.is_prop(fty):
            continue
        if not meta.is_def_eq(fty, meta.infer(b)):
            raise Declined("injectivity of a constructor with dependent fields")

        def branch(name, decls, i=i, a=a, fty=fty):
            if name != decl.name:
                return a
            if decls[i].type is not fty and not meta.is_def_eq(decls[i].type, fty):
                raise Declined("injectivity of a constructor with dependent fields")
            return decls[i].fvar
        level = meta.sort_level(fty)
        f = recursor_motive_app(meta, ind.name, ty, level, fty, branch)
        out.append((meta.mk_eq(a, b), congr_arg(meta, f, h, fty, level)))
    return out


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
