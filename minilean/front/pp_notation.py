"""Notations of the printer: infix operators, numerals, lists, `if`, `∃`, matches.

Follows the app unexpanders of `Init/` and `Lean/PrettyPrinter/Delaborator/Builtins.lean`. Mixed
into `Printer` of `pp.py`; pieces are (text, precedence, tail).

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from __future__ import annotations

from minilean.front.notation import INFIX, LEAD, MAX
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import Lam, Lit, Pi

# constant -> (number of arguments, operator)
_INFIX = {
    "Eq": (3, "="), "Ne": (3, "≠"), "HEq": (4, "≍"), "Iff": (2, "↔"), "And": (2, "∧"),
    "Or": (2, "∨"), "LE.le": (4, "≤"), "LT.lt": (4, "<"), "GE.ge": (4, "≥"), "GT.gt": (4, ">"),
    "HAdd.hAdd": (6, "+"), "HSub.hSub": (6, "-"), "HMul.hMul": (6, "*"), "HDiv.hDiv": (6, "/"),
    "HMod.hMod": (6, "%"), "HPow.hPow": (6, "^"), "HAppend.hAppend": (6, "++"),
    "List.cons": (3, "::"), "Prod": (2, "×"), "Sum": (2, "⊕"), "Function.comp": (5, "∘"),
    "Dvd.dvd": (4, "∣"), "BEq.beq": (4, "=="), "bne": (4, "!="), "and": (2, "&&"),
    "or": (2, "||"), "HasEquiv.Equiv": (4, "≈"),
}
# constant -> (number of arguments, operator, precedence, least precedence of the argument)
_PREFIX = {"Not": (1, "¬", MAX, 40), "Neg.neg": (3, "-", 75, 75), "not": (1, "!", MAX, 40)}


class NotationMixin:
    """What a constant applied to enough arguments prints as."""

    def special(self, name: str, args):
        """The piece for a notation; None when `name args` has none."""
        method = _SPECIAL.get((name, len(args)))
        if method is not None:
            piece = method(self, args)
            if piece is not None:
                return piece
        n, op = _INFIX.get(name, (None, None))
        if n == len(args):
            return self.infix(op, args[-2], args[-1])
        n, op, *precs = _PREFIX.get(name, (None, None))
        if n == len(args):
            text, tail = self.right(args[-1], precs[1])
            return f"{op}{text}", precs[0], tail
        return None

    def infix(self, op: str, lhs, rhs) -> tuple[str, int, int]:
        prec, left, right = INFIX[op]
        text, tail = self.right(rhs, right)
        return f"{self.left(lhs, left, prec)} {op} {text}", prec, tail

    def negation(self, args):
        """`a ∉ b`"""
        if not is_app_of(args[0], "Membership.mem", 5):
            return None
        *_, rhs, lhs = tm.get_app_fn_args(args[0])[1]
        return self.infix("∉", lhs, rhs)

    def list_literal(self, args):
        """`[a, b]` when the list ends in `[]`."""
        items, rest = [args[1]], args[2]
        while is_app_of(rest, "List.cons", 3):
            items.append(rest.fn.arg)
            rest = rest.arg
        return self.listed("[", items, "]") if is_app_of(rest, "List.nil", 1) else None

    def pair(self, args):
        items, rest = [args[2]], args[3]
        while is_app_of(rest, "Prod.mk", 4):
            items.append(rest.fn.arg)
            rest = rest.arg
        return self.listed("(", [*items, rest], ")")

    def listed(self, left: str, items, right: str) -> tuple[str, int, int]:
        return f"{left}{', '.join(map(self.show, items))}{right}", MAX, MAX

    def exists(self, args):
        """`∃ x y, p` for nested quantifiers."""
        lam, depth, names = args[1], len(self.bound), []
        if type(lam) is not Lam:
            return None
        names.append(self.bind(lam))
        while is_app_of(lam.body, "Exists", 2) and type(lam.body.arg) is Lam:
            lam = lam.body.arg
            names.append(self.bind(lam))
        text = self.show(lam.body)
        del self.bound[depth:]
        return f"∃ {' '.join(names)}, {text}", LEAD, 0

    def numeral(self, args):
        return (str(args[1].value), MAX, MAX) if type(args[1]) is Lit else None

    def ite(self, args):
        c, a, b = self.show(args[1]), self.show(args[3]), self.show(args[4])
        return f"if {c} then {a} else {b}", LEAD, 0

    def dite(self, args):
        if type(args[3]) is not Lam or type(args[4]) is not Lam:
            return None
        name, cond = self.pick_name(args[3]), self.show(args[1])
        then, els = self.under(args[3], name), self.under(args[4], name)
        return f"if {name} : {cond} then {then} else {els}", LEAD, 0

    def subtype(self, args):
        if type(args[1]) is not Lam:
            return None
        name = self.pick_name(args[1])
        return f"{{ {name} // {self.under(args[1], name)} }}", MAX, MAX

    # -- match ----------------------------------------------------------------------------------

    def matcher(self, f, args):
        """`match x with | p => t` when all alternatives are there."""
        info = self.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        discrs = args[info.num_params + 1:info.first_alt]
        lines = ["match " + ", ".join(map(self.show, discrs)) + " with"]
        decl = self.env.get(f.name).type
        for _ in range(info.first_alt):
            decl = decl.body
        for arity, alt in zip(info.alt_arity, args[info.first_alt:], strict=False):
            lines.append(self.match_alt(info.num_discrs, decl.type, alt, arity))
            decl = decl.body
        return "\n".join(lines), LEAD, 0

    def match_alt(self, num_discrs: int, alt_type, alt, arity: int) -> str:
        """`| patterns => body`; alt_type is `(variables) → motive pattern₁ …`."""
        outer, names = len(self.bound), []
        while type(alt) is Lam and len(names) < arity:
            names.append(self.bind(alt))
            alt = alt.body
        body = self.show(alt)
        outside, self.bound = self.bound[:outer], names
        while type(alt_type) is Pi:
            alt_type = alt_type.body
        patterns = tm.get_app_fn_args(alt_type)[1][-num_discrs:]
        shown = ", ".join(map(self.show, patterns))
        self.bound = outside
        return f"| {shown} => {body}"


# (constant, number of arguments) -> the method that prints it; it may answer None
_N = NotationMixin
_SPECIAL = {
    ("Exists", 2): _N.exists, ("OfNat.ofNat", 3): _N.numeral, ("Prod.mk", 4): _N.pair,
    ("ite", 5): _N.ite, ("dite", 5): _N.dite, ("Subtype", 2): _N.subtype, ("Not", 1): _N.negation,
    ("List.cons", 3): _N.list_literal, ("sorryAx", 2): lambda p, args: ("sorry", MAX, MAX),
    ("Membership.mem", 5): lambda p, args: p.infix("∈", args[4], args[3]),
    ("Subtype.mk", 4): lambda p, args: p.listed("⟨", args[2:], "⟩"),
    ("Sigma.mk", 4): lambda p, args: p.listed("⟨", args[2:], "⟩"),
}
