"""Constructors are different and injective: proofs for cases, injection and simp.

The counterpart of Lean's `noConfusion` and `Lean/Meta/Tactic/Injection.lean`. Different: clashes
and injectivity are proved with small discriminator and projection functions built from the
recursor; where that needs dependent fields the tactic declines.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.errors import Declined
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_apply import find_assumption
from minilean.front.tactic_util import tactic_error
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import App, Const, Lam


def ctor_of(meta, e):
    """(constructor declaration, levels, parameters, fields) of e up to whnf, or None.

    Natural number literals count as constructor applications, but n + k is only unfolded for k > 0.
    """
    f, args = tm.get_app_fn_args(meta.whnf_ctor(meta.inst(e)))
    decl = meta.env.get(f.name) if type(f) is Const else None
    if type(decl) is not ConstructorDecl or len(args) != decl.num_params + decl.num_fields:
        return None
    return decl, f.levels, args[:decl.num_params], args[decl.num_params:]


def by_constructor(meta, ty, result_level, result, branch):
    """The function ty → result that takes c fields… to branch(c, fields): the recursor of ty."""
    decl, levels, params, indices = meta.inductive_of(ty)
    if indices or decl.is_prop:
        raise Declined("constructor injectivity in "
                       + ("a proposition" if decl.is_prop else "an indexed family"))
    if decl.elim_level is not None:
        levels = (result_level, *levels)
    rec = tm.mk_app(Const(f"{decl.name}.rec", levels), *params, Lam("x", ty, result))
    for ctor in decl.ctors:
        minor = meta.head_beta(meta.infer(rec).type)
        decls, _ = meta.forall_locals(minor, reducing=False)
        value = branch(ctor, decls[:meta.env.lookup(ctor).num_fields])
        rec = App(rec, meta.mk_lambda([d.fvar for d in decls], value))
    return rec


def congr_arg(meta, f, h):
    """A proof of f a = f b from h : a = b."""
    _, a, b = meta.eq_parts(meta.whnf(meta.infer(h)))
    return U.congr_step(meta, f, f, a, b, None, h)


def clash_proof(meta, h, ty, ctor: str):
    """A proof of False from h : c … = c' … with different constructors (c = ctor)."""
    f = by_constructor(meta, ty, lv.ONE, tm.PROP, lambda name, _: TRUE if name == ctor else FALSE)
    eq = congr_arg(meta, f, h)
    return tm.mk_app(Const("Eq.mp", (lv.ZERO,)), TRUE, FALSE, eq, Const("True.intro"))


def field_equations(meta, h, ty, left, right):
    """[(type, proof)] of the equations between the fields of equal constructor applications."""
    ctor, _, _, fields = left
    if meta.env.lookup(ctor.induct).is_prop:
        return []
    out = []
    for i, (a, b) in enumerate(zip(fields, right[3], strict=True)):
        fty = meta.inst(meta.infer(a))
        if meta.is_prop(fty):
            continue
        if not meta.is_def_eq(fty, meta.infer(b)):
            raise Declined("injectivity of a constructor with dependent fields")

        def branch(name, decls, i=i, a=a, fty=fty):
            if name != ctor.name:
                return a
            if not meta.is_def_eq(decls[i].type, fty):
                raise Declined("injectivity of a constructor with dependent fields")
            return decls[i].fvar
        f = by_constructor(meta, ty, meta.sort_level(fty), fty, branch)
        out.append((meta.mk_eq(a, b), congr_arg(meta, f, h)))
    return out


def ctor_equations(meta, goal: int, h, ty, left, right):
    """field_equations; None when the constructors differ, which closes the goal."""
    ctor = left[0].name
    if ctor == right[0].name:
        return field_equations(meta, h, ty, left, right)
    proof = clash_proof(meta, h, ty, ctor)
    meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), proof))
    return None


def literal_clash(meta, h, a, b):
    """A proof of False from h : a = b between different numerals, else None."""
    m, n = meta.nat_value(a), meta.nat_value(b)
    if m is None or n is None or m == n:
        return None
    p = meta.mk_eq(a, b)
    return App(U.of_decide(p, meta.synth_inst(App(Const("Decidable"), p)), False), h)


@goal_tactic("injection")
def injection(ctx, goal, stx, term, names):
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    e = ctx.elab.elab_term(term, None)
    parts = meta.eq_parts(meta.infer(e))
    if parts is None:
        raise tactic_error(meta, "injection", goal, "equality expected")
    ty, left, right = parts[0], ctor_of(meta, parts[1]), ctor_of(meta, parts[2])
    if left is None or right is None:
        raise tactic_error(meta, "injection", goal, "equality of constructor applications expected")
    eqs = ctor_equations(meta, goal, e, ty, left, right)
    if eqs is None:
        return []
    for i, (eq_ty, proof) in enumerate(eqs):
        name = U.chosen(names[i] if i < len(names) else None, "h")
        goal = U.assert_hyp(meta, goal, name, eq_ty, proof)[1]
    with meta.with_goal(goal):
        found = find_assumption(meta, goal)
    if found is None:
        return [goal]
    meta.assign_mvar(goal, found)
    return []
