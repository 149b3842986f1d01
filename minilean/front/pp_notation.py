"""Notations of the printer: infix operators, numerals, lists, `if`, `∃`, matches.

Follows the app unexpanders of `Init/` and `Lean/PrettyPrinter/Delaborator/Builtins.lean`. Mixed
into `Printer` of `pp.py`; pieces are (text, precedence, tail).

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from minilean.front.notation import INFIX, LEAD, MAX, pairs
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import Lam, Pi

_OPERATORS = {**pairs("arithmetic"), **pairs("relations"), **pairs("other operators")}


class NotationMixin:
    """What a constant applied to enough arguments prints as."""

    def notation(self, name: str, args):
        """The piece for `name` with these explicit arguments; None when there is no notation."""
        form = _FORMS.get((name, len(args)))
        return form(self, *args) if callable(form) else form and self.filled(form, args)

    def filled(self, template, args) -> tuple[str, int, int]:
        """The piece of a template: its precedence, then texts and (argument, least precedence)."""
        prec, *parts, last = template
        shown = [part if type(part) is str else
                 self.show(args[part[0]], part[1], prec if part[1] else -1) for part in parts]
        text, tail = (last, MAX) if type(last) is str else self.right(args[last[0]], last[1])
        return "".join([*shown, text]), prec, tail

    def negation(self, prop):
        """`¬p`, `a ∉ b`"""
        if is_app_of(prop, "Membership.mem", 5):
            return self.filled(_member("∉"), tm.get_app_fn_args(prop)[1][3:])
        return self.filled((MAX, "¬", (0, 40)), [prop])

    def list_literal(self, head, rest):
        """`[a, b]` when the list ends in `[]`, else `a :: l`."""
        items, end = nested("List.cons", 3, head, rest)
        if is_app_of(end, "List.nil", 1):
            return f"[{', '.join(map(self.show, items))}]", MAX, MAX
        return self.filled(_infix("::"), [head, rest])

    def pair(self, first, second):
        items, last = nested("Prod.mk", 4, first, second)
        return f"({', '.join(map(self.show, [*items, last]))})", MAX, MAX

    def exists(self, lam):
        """`∃ x y, p` for nested quantifiers."""
        names = []
        while type(lam) is Lam:
            names.append(self.pick_name(lam))
            body = self.opened(lam, names[-1])
            lam = body.arg if is_app_of(body, "Exists", 2) else None
        return (f"∃ {' '.join(names)}, {self.show(body)}", LEAD, 0) if names else None

    def dite(self, cond, *sides):
        """`if h : c then a else b`"""
        if {*map(type, sides)} != {Lam}:
            return None
        name, cond = self.pick_name(sides[0]), self.show(cond)
        then, els = [self.show(self.opened(side, name)) for side in sides]
        return f"if {name} : {cond} then {then} else {els}", LEAD, 0

    def subtype(self, pred):
        if type(pred) is not Lam:
            return None
        name = self.pick_name(pred)
        return f"{{ {name} // {self.show(self.opened(pred, name))} }}", MAX, MAX

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
        while type(alt) is Lam and arity > 0:
            x, arity = self.bind(alt, self.pick_name(alt)), arity - 1
            alt, alt_type = tm.instantiate(alt.body, x), tm.instantiate(alt_type.body, x)
        while type(alt_type) is Pi:
            alt_type = alt_type.body
        patterns = tm.get_app_fn_args(alt_type)[1][-num_discrs:]
        return f"| {', '.join(map(self.show, patterns))} => {self.show(alt)}"


def nested(name: str, arity: int, first, rest):
    """([a, b], c) for the arguments of `name a (name b c)`."""
    items = [first]
    while is_app_of(rest, name, arity):
        items.append(rest.fn.arg)
        rest = rest.arg
    return items, rest


def _infix(op: str):
    prec, left, right = INFIX[op]
    return prec, (0, left), f" {op} ", (1, right)


def _member(op: str):
    """The constant takes the set first."""
    return 50, (1, 51), f" {op} ", (0, 51)


# (constant, number of explicit arguments) -> a template, or the method that makes the piece
_N = NotationMixin
_FORMS = {
    **{(constant, 2): _infix(op) for op, constant in _OPERATORS.items()},
    ("Membership.mem", 2): _member("∈"),
    ("Exists", 1): _N.exists, ("Prod.mk", 2): _N.pair,
    ("dite", 3): _N.dite, ("Subtype", 1): _N.subtype, ("Not", 1): _N.negation,
    ("List.cons", 2): _N.list_literal, ("sorryAx", 2): (MAX, "sorry"),
    ("ite", 3): (LEAD, "if ", (0, 0), " then ", (1, 0), " else ", (2, 0)),
    ("Neg.neg", 1): (75, "-", (0, 75)), ("not", 1): (MAX, "!", (0, 40)),
    ("Subtype.mk", 2): (MAX, "⟨", (0, 0), ", ", (1, 0), "⟩"),
    ("Sigma.mk", 2): (MAX, "⟨", (0, 0), ", ", (1, 0), "⟩"),
}
