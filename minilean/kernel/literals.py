"""Number literals: n stands for succ (… (succ zero)).

Lean 4's kernel recognises Nat.add & co. by name. Here an operation is folded only after the
definition found in the environment was checked, by definitional equality with folding switched off,
to satisfy its defining equations; compare lean4lean's `Primitive.lean`. Operations not listed
(division, bitwise) simply unfold.
"""

from minilean.kernel.env import DefDecl, InductiveDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import TYPE, App, Const, Lit, Pi, mk_app

MAX_BITS = 1 << 18  # larger results end in KernelError("budget")
NAT, BOOL = Const("Nat"), Const("Bool")
NAT_ZERO, NAT_SUCC = Const("Nat.zero"), Const("Nat.succ")
FALSE, TRUE = Const("Bool.false"), Const("Bool.true")


def as_literal(e):
    """The number that a literal or Nat.zero denotes, else None."""
    if type(e) is Lit and type(e.value) is int:
        return e.value
    return 0 if e is NAT_ZERO else None


def literal_to_ctor(lit):
    """The constructor application that a literal stands for (a number keeps n - 1 as a literal)."""
    return App(NAT_SUCC, Lit(lit.value - 1)) if lit.value else NAT_ZERO


def as_succ(e):
    """p if e is Nat.succ p or the literal p + 1, else None."""
    if type(e) is App and e.fn is NAT_SUCC:
        return e.arg
    return Lit(e.value - 1) if type(e) is Lit and type(e.value) is int and e.value else None


def _bounded(bits, compute):
    if bits > MAX_BITS:
        raise KernelError("budget", "a Nat literal would grow too large")
    return compute()


FOLD = {  # name: (number of arguments, what they are folded to)
    "Nat.succ": (1, lambda a: Lit(a + 1)),
    "Nat.add": (2, lambda a, b: Lit(_bounded(max(a, b).bit_length(), lambda: a + b))),
    "Nat.sub": (2, lambda a, b: Lit(max(a - b, 0))),
    "Nat.mul": (2, lambda a, b: Lit(_bounded(a.bit_length() + b.bit_length(), lambda: a * b))),
    "Nat.pow": (2, lambda a, b: Lit(_bounded(a.bit_length() * b if a > 1 else 0, lambda: a**b))),
    "Nat.beq": (2, lambda a, b: TRUE if a == b else FALSE),
    "Nat.ble": (2, lambda a, b: TRUE if a <= b else FALSE),
}


def _equations(name, x, y):
    """The equations (left, right) that define the operation; x, y are variables of type Nat."""
    def op(a, b, name=name):
        return mk_app(Const(name), a, b)

    zero, one, next_x, next_y = NAT_ZERO, *[App(NAT_SUCC, a) for a in (NAT_ZERO, x, y)]
    return {
        "Nat.add": [(op(x, zero), x), (op(x, next_y), App(NAT_SUCC, op(x, y)))],
        "Nat.sub": [(op(x, zero), x), (op(zero, one), zero), (op(next_x, one), x),
                    (op(x, next_y), op(op(x, y), one))],
        "Nat.mul": [(op(x, zero), zero), (op(x, next_y), op(op(x, y), x, "Nat.add"))],
        "Nat.pow": [(op(x, zero), one), (op(x, next_y), op(op(x, y), x, "Nat.mul"))],
        "Nat.beq": [(op(zero, zero), TRUE), (op(zero, next_y), FALSE), (op(next_x, zero), FALSE),
                    (op(next_x, next_y), op(x, y))],
        "Nat.ble": [(op(zero, zero), TRUE), (op(zero, next_y), TRUE), (op(next_x, zero), FALSE),
                    (op(next_x, next_y), op(x, y))],
    }[name]


NEEDS = {"Nat.mul": "Nat.add", "Nat.pow": "Nat.mul"}


class NatOps:
    """Which operations may be folded in the environment of the checker `tc`."""

    def __init__(self, tc):
        self.tc = tc
        self.refused = set()  # refused in this environment; what is allowed is in env.facts

    def nat_ok(self):
        """Is Nat the inductive type with Nat.zero : Nat and Nat.succ : Nat → Nat?"""
        return self.is_allowed("Nat.succ")

    def is_allowed(self, name):
        """May the operation be computed on literals? Checked once, kept for child environments."""
        tc, facts = self.tc, self.tc.env.facts
        if name not in facts and name not in self.refused:
            plain = type(tc)(tc.env)  # computes every operation by its definition
            plain.folds, plain.steps = {}, tc.steps
            known = facts if _is_standard(plain, name) else self.refused
            known.add(name)
            tc.steps = plain.steps
        return name in facts


def _is_standard(tc, name):
    """Is the operation the one that FOLD computes?"""
    if name == "Nat.succ":
        return (_is_type(tc, "Nat", "Nat.zero", "Nat.succ") and _has_type(tc, "Nat.zero", NAT)
                and _has_type(tc, "Nat.succ", Pi("n", NAT, NAT)))
    result = BOOL if name in ("Nat.beq", "Nat.ble") else NAT
    x, y = tc.new_local(NAT), tc.new_local(NAT)
    return (tc.nat_ops.nat_ok() and type(tc.env.get(name)) is DefDecl
            and (result is NAT or _is_type(tc, "Bool", "Bool.false", "Bool.true"))
            and _has_type(tc, name, Pi("n", NAT, Pi("m", NAT, result)))
            and (name not in NEEDS or tc.nat_ops.is_allowed(NEEDS[name]))
            and all([tc.is_def_eq(left, right) for left, right in _equations(name, x, y)]))


def _is_type(tc, name, *ctors):
    decl = tc.env.get(name)
    return type(decl) is InductiveDecl and decl.type is TYPE and decl.ctors == ctors


def _has_type(tc, name, type_):
    """Is the constant `name` of this type, without universe levels?"""
    decl = tc.env.get(name)
    return not decl.level_params and tc.is_def_eq(decl.type, type_)
