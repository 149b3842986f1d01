"""Constructors are different and injective: proofs for cases, injection and simp.

The counterpart of Lean's `noConfusion` and `Lean/Meta/Tactic/Injection.lean`. Different: clashes
and injectivity are proved with small discriminator and projection functions built from the
recursor; where that needs dependent fields the tactic declines.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.errors import Declined
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_apply import close_by_assumption
from minilean.front.tactic_util import tactic_error
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import App, Const, Lam, Pi


def ctor_of(meta, e):
    """(constructor declaration, levels, parameters, fields) of e up to whnf, or None.

    Natural number literals count as constructor applications, but n + k is only unfolded for k > 0.
    """
    f, args = tm.get_app_fn_args(meta.lit_to_ctor(meta.whnf(meta.inst(e))))
    decl = meta.env.get(f.name) if type(f) is Const else None
    if type(decl) is not ConstructorDecl or len(args) != decl.num_params + decl.num_fields:
        return None
    return decl, f.levels, args[:decl.num_params], args[decl.num_params:]


def by_constructor(meta, ty, result, branch):
    """The function ty → result that takes c fields… to branch(c, fields): the recursor of ty."""
    decl, levels, params, indices = meta.inductive_of(ty)
    if indices or decl.is_prop:
        raise Declined("constructor injectivity in a proposition or an indexed family")
    rec = tm.mk_app(Const(f"{decl.name}.rec", (meta.sort_level(result), *levels)), *params,
                    Lam("x", ty, result))
    for ctor in decl.ctors:
        minor = meta.head_beta(meta.infer(rec).type)
        xs = [d.fvar for d in meta.forall_locals(minor, reducing=False)[0]]
        value = branch(ctor, xs[:meta.env.lookup(ctor).num_fields])
        rec = App(rec, meta.mk_lambda(xs, value))
    return rec


def congr_arg(meta, f, h):
    """A proof of f a = f b from h : a = b."""
    _, (_, a, b) = meta._eq_of(h)
    return U.congr_step(meta, f, f, a, b, None, h)


def clash_proof(meta, h, ty, ctor: str):
    """A proof of False from h : c … = c' … with different constructors (c = ctor)."""
    f = by_constructor(meta, ty, tm.PROP, lambda name, _: TRUE if name == ctor else FALSE)
    mp = Const("Eq.mp", (lv.ZERO,))
    return tm.mk_app(mp, TRUE, FALSE, congr_arg(meta, f, h), Const("True.intro"))


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
        f = by_constructor(meta, ty, fty, branch)
        out.append((meta.mk_eq(a, b), congr_arg(meta, f, h)))
    return out


def add_premises(meta, goal: int, eqs):
    """(new goal, n): with the n equations [(type, proof)] as premises of its target."""
    target = meta.decls[goal].type
    for ty, _ in reversed(eqs):
        target = Pi("h", ty, target)
    proofs = [proof for _, proof in eqs]
    return U.replace_goal(meta, goal, target, lambda new: tm.mk_app(new, *proofs)), len(eqs)


def add_field_equations(meta, goal: int, h, ty, left, right):
    """add_premises with field_equations; None if the constructors differ, which closes the goal."""
    ctor = left[0].name
    if ctor == right[0].name:
        return add_premises(meta, goal, field_equations(meta, h, ty, left, right))
    proof = clash_proof(meta, h, ty, ctor)
    meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), proof))
    return None


@goal_tactic("injection")
def injection(ctx, goal, stx, term, names):
    meta = ctx.meta
    ctx.elab.err_to_sorry = False
    e = ctx.elab.elab_term(term, None)
    parts = meta.eq_parts(meta.infer(e))
    left, right = [None, None] if parts is None else [ctor_of(meta, x) for x in parts[1:]]
    if left is None or right is None:
        raise tactic_error(meta, "injection", goal, "equality of constructor applications expected")
    result = add_field_equations(meta, goal, e, parts[0], left, right)
    if result is None:
        return []
    goal, count = result
    for name in [*names, *[None] * count][:count]:
        with meta.with_goal(goal):
            goal = U.intro1(meta, goal, name)[1]
    return [] if close_by_assumption(meta, goal) else [goal]
