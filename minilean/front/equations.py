"""Equation lemmas of definitions: `f 0 = …`, `f (n + 1) = …`, or `f x = body` without a match.

Follows Lean's `Lean/Elab/PreDefinition/Eqns.lean` in what it produces. The lemmas are not added
to the environment: each is a closed proof (`rfl` under binders) with its statement, made when
first asked for. A definition whose equations do not hold by `rfl` (overlapping patterns, say) has
none.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front.terms import by_dependency, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import Const, FVar

_cache: dict[int, tuple[object, list]] = {}
MAX_SPLITS = 4


def equations(meta, name: str) -> list[tuple]:
    """[(proof, statement)] with the definition's own level parameters; [] when there are none."""
    decl = meta.env.get(name)
    if type(decl) is not DefDecl:
        return []
    found = _cache.get(id(decl))
    if found is None or found[0] is not decl:
        if len(_cache) > 5000:
            _cache.clear()
        found = _cache[id(decl)] = (decl, _equations(meta, decl))
    return found[1]


def _equations(meta, decl) -> list[tuple]:
    fn = Const(decl.name, tuple([lv.param(u) for u in decl.level_params]))
    info = meta.ext.smart.get(decl.name)
    decls, body = meta.lambda_locals(decl.value if info is None else info.value)
    fvars = [d.fvar for d in decls]
    found = _split(meta, fvars, tm.mk_app(fn, *fvars), body, MAX_SPLITS)
    proofs = [_by_rfl(meta, decl, *equation) for equation in found]
    return [proof for proof in proofs if proof is not None]


def _split(meta, fvars, lhs, rhs, fuel: int):
    """[(variables, left, right)] after splitting the matches on variables at the head of rhs."""
    f, args = tm.get_app_fn_args(rhs)
    info = meta.ext.matchers.get(f.name) if type(f) is Const else None
    discrs = () if info is None else args[info.num_params + 1:info.first_alt]
    if not fuel or not any(d in fvars for d in discrs) or len(args) != info.arity:
        return [(fvars, lhs, rhs)]
    out, ty = [], meta.infer(tm.mk_app(f, *args[:info.first_alt]))
    for alt, arity in zip(args[info.first_alt:], info.alt_arity, strict=True):
        decls, goal = meta.forall_locals(ty.type, max=arity, reducing=False)
        value = meta.beta(alt, [d.fvar for d in decls])
        patterns = [readable(meta, p) for p in tm.get_app_fn_args(goal)[1]]
        subst = {d: p for d, p in zip(discrs, patterns, strict=True) if type(d) is FVar}
        left, right = [tm.replace(meta.inst(e), lambda s, subst=subst: subst.get(s))
                       for e in (lhs, value)]
        rest = [x for x in fvars if x not in subst]
        out += _split(meta, [*rest, *[d.fvar for d in decls]], left, right, fuel - 1)
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


def _by_rfl(meta, decl, fvars, left, right):
    """(proof, statement) of ∀ fvars, left = right when the kernel accepts `rfl` for it."""
    fvars = by_dependency(meta, fvars)
    statement = meta.mk_pi(fvars, meta.mk_eq(left, right))
    proof = meta.mk_lambda(fvars, meta.mk_eq_refl(left))
    if (statement.flags | proof.flags) & (tm.FVAR | tm.MVAR | tm.LMVAR):
        return None
    try:
        meta.env.add(TheoremDecl(f"{decl.name}.eq", decl.level_params, statement, proof))
    except KernelError:
        return None
    return proof, statement
