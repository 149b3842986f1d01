"""Closing a goal from contradictory hypotheses.

Follows Lean's `Lean/Meta/Tactic/Contradiction.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic_ctor import FALSE, clash_proof, ctor_of
from minilean.front.tactic_elim import split_hyp
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, MVar, Pi


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
