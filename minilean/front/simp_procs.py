"""Built-in steps of the simplifier: arithmetic on literals, constructor equations, reflexivity.

The counterpart of Lean's simprocs (`Lean/Meta/Tactic/Simp/BuiltinSimprocs`): `Nat.reduceAdd` and
its kind, `reduceCtorEq`, `injEq`. Each takes the running `Simp` and a term with the
right head and returns (new term, proof or None for definitional equality), or None.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front.build import FALSE, TRUE
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import lit_value, offset, settled
from minilean.front.tactic_elim import conjuncts, ctor_fields, no_confusion
from minilean.front.tactic_util import congr_step, of_decide
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, Lit

MAX_EXPONENT = 256


def arithmetic(run, e):
    """2 + 3 ~> 5, 2 < 3 ~> True and the like: an operation on numerals is evaluated."""
    meta = run.meta
    f, args = tm.get_app_fn_args(e)
    numbers = [lit_value(a) for a in args[-2:]]
    if None in numbers or (f.name == "HPow.hPow" and numbers[1] > MAX_EXPONENT):
        return None
    inst, value = None, e
    if meta.is_prop(e):
        inst = meta.synth_inst(App(Const("Decidable"), e))
        value = e if inst is None else tm.mk_app(Const("Decidable.decide"), e, inst)
    value = meta.whnf(value)
    if type(value) is Lit:
        return meta.mk_nat(value.value), None
    if type(value) is not Const:
        return None
    true = value is Const("Bool.true")
    return (value, None) if inst is None else settled(e, true, of_decide(e, inst, true))


def cancel(run, e):
    """x + 5 = y + 3 ~> x + 2 = y; a numeral k is 0 + k."""
    meta = run.meta
    (x, k), (y, m) = summands(meta, e.fn.arg), summands(meta, e.arg)
    n = min(k, m)
    if not n:
        return None
    left, right = [x if i == n else meta.mk_nat_add(x, meta.mk_nat(i - n))
                   for x, i in ((x, k), (y, m))]
    new = meta.mk_eq(left, right)
    iff = tm.mk_app(Const("Nat.add_right_cancel_iff"), left, right, meta.mk_nat(n))
    return new, tm.mk_app(Const("propext"), e, new, iff)


def summands(meta, e):
    """(x, k) with e = x + k for a literal k."""
    k = lit_value(e)
    return offset(e) or (e, 0) if k is None else (meta.mk_nat(0), k)


def ctor_eq(run, e):
    """Different constructors: False; equal ones: the conjunction of the field equations."""
    meta = run.meta
    ty, a, b = tm.get_app_fn_args(e)[1]
    if not meta.ctor_of(a) or not meta.ctor_of(b):
        return None
    h = meta.mk_local("h", e)
    try:
        prop, proof = no_confusion(meta, h.fvar, ty, a, b)
    except (LeanError, Declined):
        return None
    there = meta.mk_lambda([h.fvar], proof)
    if prop in (TRUE, FALSE):
        return settled(e, False, there) if prop is FALSE else None
    k, (c, xs), (_, ys) = meta.mk_local("k", prop), ctor_fields(meta, a), ctor_fields(meta, b)
    steps = [p for p, _ in conjuncts(k.fvar, prop)]
    steps = [None if meta.is_proof(x) else steps.pop(0) for x in xs]
    back = meta.mk_lambda([k.fvar], congr_args(meta, c, xs, ys, steps)[1])
    iff = tm.mk_app(Const("Iff.intro"), e, prop, there, back)
    return prop, tm.mk_app(Const("propext"), e, prop, iff)


def congr_args(meta, f, xs, ys, steps):
    """(f ys…, proof of f xs… = f ys…) from proofs xᵢ = yᵢ, None for definitionally equal ones."""
    left = right = f
    proof = None
    for x, y, step in zip(xs, ys, steps, strict=True):
        proof = congr_step(meta, left, right, x, y, proof, step)
        left, right = App(left, x), App(right, y)
    return right, proof


OPERATIONS = {"Nat.succ": 1, "HAdd.hAdd": 6, "HMul.hMul": 6, "HSub.hSub": 6, "HPow.hPow": 6,
              "HDiv.hDiv": 6, "HMod.hMod": 6, "LT.lt": 4, "LE.le": 4, "GT.gt": 4, "GE.ge": 4,
              "BEq.beq": 4}
PROCS = {**dict.fromkeys(OPERATIONS.items(), [arithmetic]),
         ("Eq", 3): [arithmetic, cancel, ctor_eq]}
