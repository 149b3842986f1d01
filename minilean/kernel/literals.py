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

    def succ(a):
        return App(NAT_SUCC, a)

    zero = NAT_ZERO
    return {
        "Nat.add": [(op(x, zero), x), (op(x, succ(y)), succ(op(x, y)))],
        "Nat.sub": [(op(x, zero), x), (op(zero, succ(zero)), zero), (op(succ(x), succ(zero)), x),
                    (op(x, succ(y)), op(op(x, y), succ(zero)))],
        "Nat.mul": [(op(x, zero), zero), (op(x, succ(y)), op(op(x, y), x, "Nat.add"))],
        "Nat.pow": [(op(x, zero), succ(zero)), (op(x, succ(y)), op(op(x, y), x, "Nat.mul"))],
        "Nat.beq": [(op(zero, zero), TRUE), (op(zero, succ(y)), FALSE), (op(succ(x), zero), FALSE),
                    (op(succ(x), succ(y)), op(x, y))],
        "Nat.ble": [(op(zero, zero), TRUE), (op(zero, succ(y)), TRUE), (op(succ(x), zero), FALSE),
                    (op(succ(x), succ(y)), op(x, y))],
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

    def _is_type(self, name, *ctors):
        decl = self.tc.env.get(name)
        return type(decl) is InductiveDecl and decl.type is TYPE and decl.ctors == ctors

    def _check_nat(self):
        if not self._is_type("Nat", "Nat.zero", "Nat.succ"):
            return False
        zero, succ = self.tc.env.get("Nat.zero").type, self.tc.env.get("Nat.succ").type
        return zero is NAT and type(succ) is Pi and succ.type is NAT and succ.body is NAT

    def is_allowed(self, name):
        """May the operation be computed on literals? Checked once, kept for child environments."""
        facts = self.tc.env.facts
        if name in facts:
            return True
        if name in self.refused:
            return False
        self.refused.add(name)  # the equations are compared without folding `name`
        verdict = None
        try:
            verdict = self._check(name)
        finally:
            if verdict is not False:  # allowed, or interrupted before an answer
                self.refused.discard(name)
        if verdict:
            facts.add(name)
        return verdict

    def _check(self, name):
        if name == "Nat.succ":
            return self._check_nat()
        tc, decl = self.tc, self.tc.env.get(name)
        if not self.nat_ok() or type(decl) is not DefDecl or decl.level_params:
            return False
        to_bool = name in ("Nat.beq", "Nat.ble")
        if to_bool and not self._is_type("Bool", "Bool.false", "Bool.true"):
            return False
        ty, result = decl.type, BOOL if to_bool else NAT
        if not (type(ty) is Pi and ty.type is NAT and type(ty.body) is Pi
                and ty.body.type is NAT and ty.body.body is result):
            return False
        if name in NEEDS and not self.is_allowed(NEEDS[name]):
            return False
        depth = tc.depth
        x, y = tc.new_local(NAT), tc.new_local(NAT)
        good = all([tc.is_def_eq(a, b) for a, b in _equations(name, x, y)])
        tc.depth = depth
        return good
