"""Built-in steps of the simplifier: arithmetic on literals, constructor equations, reflexivity.

The counterpart of Lean's simprocs (`Lean/Meta/Tactic/Simp/BuiltinSimprocs`): `Nat.reduceAdd` and
its kind, `reduceCtorEq`, `injEq`, `eq_self`. Each takes the running `Simp` and a term with the
right head and returns (new term, proof or None for definitional equality), or None.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

import operator

from minilean.front.errors import Declined, LeanError
from minilean.front.simp import NAT, lit_value, offset, settled
from minilean.front.tactic_subst import clash_proof, ctor_of, field_equations
from minilean.front.tactic_util import congr_step, of_decide
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const

MAX_POWER_BITS = 4096


def _power(a: int, b: int):
    return a ** b if b * max(a, 2).bit_length() <= MAX_POWER_BITS else None


ON_LITERALS = {
    ("HAdd.hAdd", 6): operator.add, ("HMul.hMul", 6): operator.mul, ("HPow.hPow", 6): _power,
    ("HSub.hSub", 6): lambda a, b: max(a - b, 0), ("HDiv.hDiv", 6): lambda a, b: a // b if b else 0,
    ("HMod.hMod", 6): lambda a, b: a % b if b else a,
    ("LT.lt", 4): operator.lt, ("LE.le", 4): operator.le, ("BEq.beq", 4): operator.eq,
    ("GT.gt", 4): operator.gt, ("GE.ge", 4): operator.ge,
}


def literals(run, e):
    """2 + 3 ~> 5, 2 < 3 ~> True and the like."""
    f, args = tm.get_app_fn_args(e)
    a, b = lit_value(args[-2]), lit_value(args[-1])
    if args[0] is not NAT or a is None or b is None:
        return None
    value = ON_LITERALS[f.name, len(args)](a, b)
    if f.name == "BEq.beq":
        return Const("Bool.true" if value else "Bool.false"), None
    if type(value) is bool:
        return decided(run, e, value)
    return None if value is None else (run.meta.mk_nat(value), None)


def succ(run, e):
    """Nat.succ 2 ~> 3"""
    value = lit_value(e.arg)
    return None if value is None else (run.meta.mk_nat(value + 1), None)


def decided(run, p, value: bool):
    """p = True or p = False by evaluating its Decidable instance."""
    inst = run.meta.synth_inst(App(Const("Decidable"), p))
    return None if inst is None else settled(p, value, of_decide(p, inst, value))


def iff(run, e):
    """p ↔ p"""
    if not _same(run.meta, e.fn.arg, e.arg):
        return None
    return settled(e, True, App(Const("Iff.refl"), e.arg))


def eq(run, e):
    """a = a, literals, constructors, x + k = y + l."""
    f, (ty, a, b) = tm.get_app_fn_args(e)
    if _same(run.meta, a, b):
        return settled(e, True, tm.mk_app(Const("Eq.refl", f.levels), ty, a))
    return nat_eq(run, e, a, b) if ty is NAT else ctor_eq(run, e, ty, a, b)


def _same(meta, a, b) -> bool:
    with meta.transparency("reducible"):
        return meta.is_def_eq(a, b)


def nat_eq(run, e, a, b):
    """Literals are compared; common offsets are cancelled."""
    meta = run.meta
    (p, k), (q, m) = summands(a), summands(b)
    if p is None and q is None:
        return decided(run, e, k == m)
    n = min(k, m)
    if not n:
        return None
    left, right = _plus(meta, p, k - n), _plus(meta, q, m - n)
    new = meta.mk_eq(left, right)
    cancel = tm.mk_app(Const("Nat.add_right_cancel_iff"), left, right, meta.mk_nat(n))
    return new, tm.mk_app(Const("propext"), e, new, cancel)


def summands(e):
    """(x, k) with e = x + k for a literal k; x is None when e is the literal."""
    k = lit_value(e)
    return (None, k) if k is not None else offset(e) or (e, 0)


def _plus(meta, base, k: int):
    if base is None:
        return meta.mk_nat(k)
    return base if k == 0 else meta.mk_nat_add(base, meta.mk_nat(k))


def ctor_eq(run, e, ty, a, b):
    """Different constructors: False; equal ones: the conjunction of the field equations."""
    meta = run.meta
    if not meta.is_ctor_app(a) or not meta.is_ctor_app(b):
        return None
    left, right = ctor_of(meta, a), ctor_of(meta, b)
    if left is None or right is None:
        return None
    h = meta.mk_local("h", e)
    try:
        if left[0].name != right[0].name:
            no = clash_proof(meta, h.fvar, ty, left[0].name)
            return settled(e, False, meta.mk_lambda([h.fvar], no))
        eqs = field_equations(meta, h.fvar, ty, left, right)
    except (LeanError, Declined):
        return None
    return injection(meta, e, h, eqs, left, right) if eqs else None


def injection(meta, e, h, eqs, left, right):
    """e : c a… = c b… becomes the conjunction of `eqs`, [(type, proof from h : e)]."""
    conj, proof = eqs[-1]
    for ty, p in reversed(eqs[:-1]):
        proof = tm.mk_app(Const("And.intro"), ty, conj, p, proof)
        conj = tm.mk_app(Const("And"), ty, conj)
    all_eqs = meta.mk_local("h", conj)
    rest, parts = all_eqs.fvar, []
    for _ in eqs[1:]:
        parts.append(meta.mk_app("And.left", rest))
        rest = meta.mk_app("And.right", rest)
    parts.append(rest)
    ctor, levels, params, xs = left
    steps = [None if meta.is_proof(x) else parts.pop(0) for x in xs]
    c = tm.mk_app(Const(ctor.name, levels), *params)
    _, back = congr_args(meta, c, xs, right[3], steps)
    iff = tm.mk_app(Const("Iff.intro"), e, conj, meta.mk_lambda([h.fvar], proof),
                    meta.mk_lambda([all_eqs.fvar], back))
    return conj, tm.mk_app(Const("propext"), e, conj, iff)


def congr_args(meta, f, xs, ys, steps):
    """(f ys…, proof of f xs… = f ys…) from proofs xᵢ = yᵢ, None for definitionally equal ones."""
    left = right = f
    proof = None
    for x, y, step in zip(xs, ys, steps, strict=True):
        proof = congr_step(meta, left, right, x, y, proof, step)
        left, right = App(left, x), App(right, y)
    return right, proof


PROCS = {**dict.fromkeys(ON_LITERALS, literals), ("Nat.succ", 1): succ, ("Eq", 3): eq,
         ("Iff", 2): iff}
