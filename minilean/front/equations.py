"""Equation lemmas of definitions: `f 0 = …`, `f (n + 1) = …`, or `f x = body` without a match.

Follows Lean's `Lean/Elab/PreDefinition/Eqns.lean` in what it produces. The lemmas are not added
to the environment: each is a closed proof (`rfl` under binders) with its statement. A definition
whose equations do not hold by `rfl` (overlapping patterns, say) has none.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front.terms import const_of, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import Const


def equations(meta, decl) -> list[tuple]:
    """[(proof, statement)] for a DefDecl, with its own level parameters; [] if there are none."""
    info = meta.ext.smart.get(decl.name)
    decls, body = meta.lambda_locals(decl.value if info is None else info.value)
    fvars = [d.fvar for d in decls]
    found = [(meta.mk_lambda(xs, meta.mk_eq_refl(left)), meta.mk_pi(xs, meta.mk_eq(left, right)))
             for xs, left, right in _split(meta, fvars, tm.mk_app(const_of(decl), *fvars), body)
             if meta.is_def_eq(left, right)]
    return [(proof, ty) for proof, ty in found if not proof.flags & tm.FVAR]


def _split(meta, fvars, left, right):
    """[(variables, left, right)] after splitting the matches on variables at the head of right."""
    f, args = tm.get_app_fn_args(right)
    info = meta.ext.matchers[f.name] if meta.is_matcher(f) else None
    discrs = [] if info is None else args[info.num_params + 1:info.first_alt]
    if not any(d in fvars for d in discrs):
        return [(fvars, left, right)]
    out, ty = [], meta.infer(tm.mk_app(f, *args[:info.first_alt]))
    for alt, arity in zip(args[info.first_alt:info.arity], info.alt_arity, strict=True):
        decls, goal = meta.forall_locals(ty.type, max=arity, reducing=False)
        new = [d.fvar for d in decls]
        patterns = [readable(meta, p) for p in tm.get_app_fn_args(goal)[1]]
        value = meta.beta(alt, [*new, *args[info.arity:]])
        sides = [tm.instantiate_rev(tm.abstract(meta.inst(e), discrs), patterns)
                 for e in (left, value)]
        out += _split(meta, [*[x for x in fvars if x not in discrs], *new], *sides)
        ty = ty.body
    return out


def readable(meta, p):
    """`0` and `n + 1` for Nat.zero and Nat.succ n, as Lean states equations."""
    def visit(s):
        if s is Const("Nat.zero"):
            return meta.mk_nat(0)
        if is_app_of(s, "Nat.succ", 1):
            return meta.mk_nat_add(readable(meta, s.arg), meta.mk_nat(1))
        return None
    return tm.replace(p, visit)
