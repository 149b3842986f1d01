"""Equation lemmas of definitions: `f 0 = …`, `f (n + 1) = …`, or `f x = body` without a match.

Follows Lean's `Lean/Elab/PreDefinition/Eqns.lean` in what it produces. The lemmas are not added
to the environment: each is a closed proof (`rfl` under binders) with its statement, made when
first asked for. A definition whose equations do not hold by `rfl` (overlapping patterns, say) has
none.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front.terms import is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import Const, FVar, Pi, instantiate

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
    value = decl.value if info is None else info.value
    decls, body = meta.lambda_locals(value)
    lhs = tm.mk_app(fn, *[d.fvar for d in decls])
    out = []
    with meta.with_lctx(meta.lctx.add(*decls)):
        for fvars, left, right in _split(meta, [d.fvar for d in decls], lhs, body, MAX_SPLITS):
            proof = _by_rfl(meta, decl, fvars, left, right)
            if proof is not None:
                out.append(proof)
    return out


def _split(meta, fvars, lhs, rhs, fuel: int):
    """[(variables, left, right)] after splitting the matches on variables at the head of rhs."""
    f, args = tm.get_app_fn_args(rhs)
    info = meta.ext.matchers.get(f.name) if type(f) is Const else None
    if info is None or len(args) != info.arity or not fuel:
        return [(fvars, lhs, rhs)]
    discrs, cases, out = args[info.num_params + 1:info.first_alt], [None], []
    if any(d in fvars for d in discrs):
        cases = [_alternative(meta, f, args, info, discrs, k) for k in range(info.num_alts)]
    if None in cases:
        return [(fvars, lhs, rhs)]
    for ys, patterns, value in cases:
        subst = {d: p for d, p in zip(discrs, patterns, strict=True) if type(d) is FVar}
        rest = [x for x in fvars if x not in subst]
        with meta.with_lctx(meta.lctx.add(*[meta.fvars[y.id] for y in ys])):
            left, right = _replace(meta, lhs, subst), _replace(meta, value, subst)
            out += _split(meta, [*rest, *ys], left, right, fuel - 1)
    return out


def _alternative(meta, f, args, info, discrs, k: int):
    """(variables, pattern terms, right side) of alternative k; None when its shape is not plain."""
    ty = meta.instantiate_forall(meta.infer(f), args[:info.num_params])
    motive = meta.mk_local("motive", ty.type).fvar
    ty = meta.instantiate_forall(ty, [motive, *discrs, *args[info.first_alt:info.first_alt + k]])
    decls, alt = meta.forall_locals(ty.type, max=info.alt_arity[k], reducing=False)
    ys, extra = [d.fvar for d in decls], []
    if type(alt) is Pi and (is_app_of(alt.type, "Unit", 0) or is_app_of(alt.type, "PUnit", 0)):
        extra = [Const("Unit.unit")]
        alt = instantiate(alt.body, extra[0])
    head, patterns = tm.get_app_fn_args(alt)
    if head is not motive or len(patterns) != len(discrs):
        return None
    value = meta.beta(args[info.first_alt + k], [*ys, *extra])
    return ys, [readable(meta, p) for p in patterns], value


def readable(meta, p):
    """`0` and `n + 1` for Nat.zero and Nat.succ n, as Lean states equations."""
    def visit(s):
        if s is Const("Nat.zero"):
            return meta.mk_nat(0)
        if is_app_of(s, "Nat.succ", 1):
            inner = readable(meta, s.arg)
            return meta.mk_nat_add(inner, meta.mk_nat(1))
        return None
    return tm.replace(p, visit)


def _replace(meta, e, subst):
    return tm.replace(meta.inst(e), lambda s: subst.get(s) if type(s) is FVar else None)


def _by_rfl(meta, decl, fvars, left, right):
    """(proof, statement) of ∀ fvars, left = right when the kernel accepts `rfl` for it."""
    used = _closed_order(meta, fvars)
    statement = meta.mk_pi(used, meta.mk_eq(left, right))
    proof = meta.mk_lambda(used, meta.mk_eq_refl(left))
    if (statement.flags | proof.flags) & (tm.FVAR | tm.MVAR | tm.LMVAR):
        return None
    try:
        meta.env.add(TheoremDecl(f"{decl.name}.eq", decl.level_params, statement, proof))
    except KernelError:
        return None
    return proof, statement


def _closed_order(meta, fvars):
    """The variables ordered so that types only mention earlier ones."""
    out, todo = [], list(fvars)
    while todo:
        x = next((x for x in todo if not meta.mentions(
            meta.fvars[x.id].type, {y.id for y in todo if y is not x})), None)
        if x is None:
            return list(fvars)
        out.append(x)
        todo.remove(x)
    return out
