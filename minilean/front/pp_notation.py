"""Notations of the printer: infix operators, numerals, lists, `if`, `∃`, matches.

Follows the app unexpanders of `Init/` and `Lean/PrettyPrinter/Delaborator/Builtins.lean`. Mixed
into `Printer` of `pp.py`; pieces are (text, precedence, tail).

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from minilean.front.notation import INFIX, LEAD, MAX
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import Lam, Lit, Pi

# number of arguments -> operators and their constants
_OPERATORS = {
    2: {"↔": "Iff", "∧": "And", "∨": "Or", "×": "Prod", "⊕": "Sum", "&&": "and", "||": "or"},
    3: {"=": "Eq", "≠": "Ne"},
    4: {"≍": "HEq", "≤": "LE.le", "<": "LT.lt", "≥": "GE.ge", ">": "GT.gt", "∣": "Dvd.dvd",
        "==": "BEq.beq", "!=": "bne", "≈": "HasEquiv.Equiv"},
    5: {"∘": "Function.comp"},
    6: {"+": "HAdd.hAdd", "-": "HSub.hSub", "*": "HMul.hMul", "/": "HDiv.hDiv", "%": "HMod.hMod",
        "^": "HPow.hPow", "++": "HAppend.hAppend"},
}


class NotationMixin:
    """What a constant applied to enough arguments prints as."""

    def notation(self, name: str, args):
        """The piece for `name args`; None when there is no notation for it."""
        if name in self.ext.matchers:
            return self.matcher(name, args)
        form = _FORMS.get((name, len(args)))
        if type(form) is str:
            return self.infix(form, *args[-2:])
        return None if form is None else form(self, args)

    def infix(self, op: str, lhs, rhs) -> tuple[str, int, int]:
        prec, left, right = INFIX[op]
        text, tail = self.right(rhs, right)
        return f"{self.show(lhs, left, prec)} {op} {text}", prec, tail

    def prefix(self, op: str, arg, prec: int, least: int) -> tuple[str, int, int]:
        """`op arg` with the least precedence of the argument."""
        text, tail = self.right(arg, least)
        return f"{op}{text}", prec, tail

    def negation(self, args):
        """`¬p`, `a ∉ b`"""
        if not is_app_of(args[0], "Membership.mem", 5):
            return self.prefix("¬", args[0], MAX, 40)
        *_, rhs, lhs = tm.get_app_fn_args(args[0])[1]
        return self.infix("∉", lhs, rhs)

    def list_literal(self, args):
        """`[a, b]` when the list ends in `[]`, else `a :: l`."""
        items, rest = nested("List.cons", args)
        if is_app_of(rest, "List.nil", 1):
            return self.listed("[", items, "]")
        return self.infix("::", *args[1:])

    def pair(self, args):
        items, rest = nested("Prod.mk", args)
        return self.listed("(", [*items, rest], ")")

    def listed(self, left: str, items, right: str) -> tuple[str, int, int]:
        return f"{left}{', '.join(map(self.show, items))}{right}", MAX, MAX

    def exists(self, args):
        """`∃ x y, p` for nested quantifiers."""
        lam, names = args[1], []
        while type(lam) is Lam:
            names.append(self.pick_name(lam))
            body = tm.instantiate(lam.body, self.bind(lam, names[-1]))
            lam = body.arg if is_app_of(body, "Exists", 2) else None
        if not names:
            return None
        return f"∃ {' '.join(names)}, {self.show(body)}", LEAD, 0

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

    def matcher(self, name: str, args):
        """`match x with | p => t` when all alternatives are there."""
        info = self.ext.matchers[name]
        if len(args) < info.arity:
            return None
        discrs = args[info.num_params + 1:info.first_alt]
        lines = ["match " + ", ".join(map(self.show, discrs)) + " with"]
        ty = self.meta.instantiate_forall(self.env.get(name).type, args[:info.first_alt])
        for arity, alt in zip(info.alt_arity, args[info.first_alt:], strict=False):
            lines.append(self.match_alt(ty.type, alt, arity, info.num_discrs))
            ty = ty.body
        return "\n".join(lines), LEAD, 0

    def match_alt(self, alt_type, alt, arity: int, num_discrs: int) -> str:
        """`| patterns => body`; alt_type is `(variables) → motive pattern₁ …`."""
        names = []
        while type(alt) is Lam and len(names) < arity:
            names.append(self.pick_name(alt))
            x = self.bind(alt, names[-1])
            alt, alt_type = tm.instantiate(alt.body, x), tm.instantiate(alt_type.body, x)
        while type(alt_type) is Pi:
            alt_type = alt_type.body
        body = self.show(alt)
        patterns = tm.get_app_fn_args(alt_type)[1][-num_discrs:]
        shown = ", ".join(map(self.show, patterns))
        return f"| {shown} => {body}"


def nested(name: str, args):
    """([a, b], c) for the arguments of `name a (name b c)`."""
    items, rest = [args[-2]], args[-1]
    while is_app_of(rest, name, len(args)):
        items.append(rest.fn.arg)
        rest = rest.arg
    return items, rest


# (constant, number of arguments) -> its infix operator or the method that prints it
_N = NotationMixin
_FORMS = {
    **{(name, n): op for n, table in _OPERATORS.items() for op, name in table.items()},
    ("Exists", 2): _N.exists, ("OfNat.ofNat", 3): _N.numeral, ("Prod.mk", 4): _N.pair,
    ("ite", 5): _N.ite, ("dite", 5): _N.dite, ("Subtype", 2): _N.subtype, ("Not", 1): _N.negation,
    ("List.cons", 3): _N.list_literal, ("sorryAx", 2): lambda p, args: ("sorry", MAX, MAX),
    ("Membership.mem", 5): lambda p, args: p.infix("∈", args[4], args[3]),
    ("Neg.neg", 3): lambda p, args: p.prefix("-", args[2], 75, 75),
    ("not", 1): lambda p, args: p.prefix("!", args[0], MAX, 40),
    ("Subtype.mk", 4): lambda p, args: p.listed("⟨", args[2:], "⟩"),
    ("Sigma.mk", 4): lambda p, args: p.listed("⟨", args[2:], "⟩"),
}
