"""Built-in steps of the simplifier: arithmetic on literals, constructor equations, reflexivity.

The counterpart of Lean's simprocs (`Lean/Meta/Tactic/Simp/BuiltinSimprocs`): `Nat.reduceAdd` and
its kind, `reduceCtorEq`, `injEq`, `eq_self`. Each takes the running `Simp` and a term with the
right head and returns (new term, proof or None for definitional equality), or None.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.front.simp import lit_value
from minilean.front.tactic_ctor import clash_proof, ctor_of, field_equations
from minilean.front.tactic_util import congr_step
from minilean.front.terms import is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, Lam, Lit

TRUE, FALSE, NAT = Const("True"), Const("False"), Const("Nat")
MAX_POWER_BITS = 4096


def _arith(fn):
    def proc(run, e):
        args = tm.get_app_fn_args(e)[1]
        if args[0] is not NAT:
            return None
        a, b = lit_value(args[-2]), lit_value(args[-1])
        if a is None or b is None:
            return None
        value = fn(a, b)
        return None if value is None else (run.meta.mk_nat(value), None)
    return proc


def _power(a: int, b: int):
    return a ** b if b * max(a, 2).bit_length() <= MAX_POWER_BITS else None


def succ(run, e):
    """Nat.succ 2 ~> 3"""
    value = lit_value(e.arg)
    return None if value is None else (run.meta.mk_nat(value + 1), None)


def decided(run, p, value: bool):
    """p = True or p = False by evaluating its Decidable instance."""
    meta = run.meta
    inst = meta.synth_inst(App(Const("Decidable"), p))
    if inst is None:
        return None
    bool_value = Const("Bool.true" if value else "Bool.false")
    refl = tm.mk_app(Const("Eq.refl", (lv.ONE,)), Const("Bool"), bool_value)
    if value:
        proof = tm.mk_app(Const("of_decide_eq_true"), p, inst, refl)
        return TRUE, tm.mk_app(Const("eq_true"), p, proof)
    proof = tm.mk_app(Const("of_decide_eq_false"), p, inst, refl)
    return FALSE, tm.mk_app(Const("eq_false"), p, proof)


def _compare(fn):
    def proc(run, e):
        args = tm.get_app_fn_args(e)[1]
        if args[0] is not NAT:
            return None
        a, b = lit_value(args[-2]), lit_value(args[-1])
        return None if a is None or b is None else decided(run, e, fn(a, b))
    return proc


def offset(e):
    """(base, k) with e = base + k for a literal k > 0; (e, 0) otherwise."""
    if is_app_of(e, "HAdd.hAdd", 6) and tm.get_app_fn_args(e)[1][0] is NAT:
        k = lit_value(e.arg)
        if k is not None:
            return e.fn.arg, k
    if is_app_of(e, "Nat.succ", 1):
        return e.arg, 1
    return e, 0


def eq(run, e):
    """a = a, literals, constructors, x + k = y + l."""
    meta = run.meta
    f, (ty, a, b) = tm.get_app_fn_args(e)
    with meta.transparency("reducible"):
        same = a is b or meta.is_def_eq(a, b)
    if same:
        refl = tm.mk_app(Const("Eq.refl", f.levels), ty, a)
        return TRUE, tm.mk_app(Const("eq_true"), e, refl)
    if ty is NAT:
        return nat_eq(run, e, a, b)
    return ctor_eq(run, e, f, ty, a, b)


def nat_eq(run, e, a, b):
    """Literals are compared; common offsets are cancelled."""
    meta = run.meta
    x, y = lit_value(a), lit_value(b)
    if x is not None and y is not None:
        return decided(run, e, x == y)
    (p, k), (q, m) = offset(a), offset(b)
    if y is not None and k:
        q, m = None, y
    elif x is not None and m:
        p, k = None, x
    n = min(k, m)
    if not n or "Nat.add_right_cancel_iff" not in meta.env:
        return None
    left, right = _minus(meta, p, k - n), _minus(meta, q, m - n)
    new = meta.mk_eq(left, right)
    iff = tm.mk_app(Const("Nat.add_right_cancel_iff"), left, right, meta.mk_nat(n))
    return new, tm.mk_app(Const("propext"), e, new, iff)


def _minus(meta, base, k: int):
    if base is None:
        return meta.mk_nat(k)
    return base if k == 0 else meta.mk_nat_add(base, meta.mk_nat(k))


def ctor_eq(run, e, f, ty, a, b):
    """Different constructors: False; equal ones: the conjunction of the field equations."""
    meta = run.meta
    left, right = visible_ctor(meta, a), visible_ctor(meta, b)
    if left is None or right is None:
        return None
    try:
        if left[0].name != right[0].name:
            h = meta.mk_local("h", e)
            no = meta.mk_lambda([h.fvar], clash_proof(meta, h.fvar, ty, left[0].name))
            return FALSE, tm.mk_app(Const("eq_false"), e, no)
        return injection_step(run, e, ty, left, right)
    except (LeanError, Declined):
        return None


def visible_ctor(meta, e):
    """ctor_of for terms that are constructor applications as they stand."""
    g = tm.get_app_fn(e)
    if type(g) is not Const or not meta.is_ctor_app(e):
        return None
    return ctor_of(meta, e)


def injection_step(run, e, ty, left, right):
    meta = run.meta
    h = meta.mk_local("h", e)
    eqs = field_equations(meta, h.fvar, ty, left, right)
    if not eqs:
        return None
    conj, proof = eqs[-1]
    for eq_ty, p in reversed(eqs[:-1]):
        proof = tm.mk_app(Const("And.intro"), eq_ty, conj, p, proof)
        conj = tm.mk_app(Const("And"), eq_ty, conj)
    back_h = meta.mk_local("h", conj)
    back = rebuild_eq(run, left, right, eqs, back_h.fvar)
    iff = tm.mk_app(Const("Iff.intro"), e, conj, meta.mk_lambda([h.fvar], proof),
                    meta.mk_lambda([back_h.fvar], back))
    return conj, tm.mk_app(Const("propext"), e, conj, iff)


def rebuild_eq(run, left, right, eqs, h):
    """c a… = c b… from the conjunction h of the field equations, by congruence."""
    meta = run.meta
    parts, rest = [], h
    types = [t for t, _ in eqs]
    for i in range(len(types)):
        if i == len(types) - 1:
            parts.append(rest)
            continue
        tail = types[-1]
        for t in reversed(types[i + 1:-1]):
            tail = tm.mk_app(Const("And"), t, tail)
        parts.append(tm.mk_app(Const("And.left"), types[i], tail, rest))
        rest = tm.mk_app(Const("And.right"), types[i], tail, rest)
    decl, levels, params, xs = left
    ys = right[3]
    f = g = tm.mk_app(Const(decl.name, levels), *params)
    proof = None
    for x, y in zip(xs, ys, strict=True):
        step = None
        if not meta.is_prop(meta.inst(meta.infer(x))):
            step = parts.pop(0)
        proof = congr_step(meta, f, g, x, y, proof, step)
        f, g = App(f, x), App(g, y)
    return proof


def ne(run, e):
    """a ≠ b ~> ¬ a = b (unfolding; `ne_eq`)."""
    f, args = tm.get_app_fn_args(e)
    return App(Const("Not"), tm.mk_app(Const("Eq", f.levels), *args)), None


def iff(run, e):
    a, b = tm.get_app_fn_args(e)[1]
    with run.meta.transparency("reducible"):
        if a is not b and not run.meta.is_def_eq(a, b):
            return None
    return TRUE, tm.mk_app(Const("eq_true"), e, App(Const("Iff.refl"), a))


def heq(run, e):
    f, (_, a, ty, b) = tm.get_app_fn_args(e)
    if a is not b:
        return None
    return TRUE, tm.mk_app(Const("eq_true"), e, tm.mk_app(Const("HEq.refl", f.levels), ty, a))


def bool_beq(run, e):
    """== on Nat literals."""
    args = tm.get_app_fn_args(e)[1]
    if args[0] is not NAT:
        return None
    a, b = lit_value(args[-2]), lit_value(args[-1])
    if a is None or b is None:
        return None
    return Const("Bool.true" if a == b else "Bool.false"), None


PROCS = {
    ("HAdd.hAdd", 6): _arith(lambda a, b: a + b), ("HMul.hMul", 6): _arith(lambda a, b: a * b),
    ("HSub.hSub", 6): _arith(lambda a, b: max(a - b, 0)),
    ("HDiv.hDiv", 6): _arith(lambda a, b: a // b if b else 0),
    ("HMod.hMod", 6): _arith(lambda a, b: a % b if b else a),
    ("HPow.hPow", 6): _arith(_power), ("Nat.succ", 1): succ,
    ("LT.lt", 4): _compare(lambda a, b: a < b), ("LE.le", 4): _compare(lambda a, b: a <= b),
    ("GT.gt", 4): _compare(lambda a, b: a > b), ("GE.ge", 4): _compare(lambda a, b: a >= b),
    ("Eq", 3): eq, ("Iff", 2): iff, ("HEq", 4): heq, ("BEq.beq", 4): bool_beq,
}
__all__ = ["PROCS", "Lam", "Lit", "ne"]
