"""Notations of the printer: infix operators, numerals, lists, `if`, `∃`, matches.

Follows the app unexpanders of `Init/` and `Lean/PrettyPrinter/Delaborator/Builtins.lean`. Mixed
into `Printer` of `pp.py`; pieces are (text, precedence, tail).

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from __future__ import annotations

from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import Lam, Lit, Pi

MAX, LEAD = 1024, 1023

# constant -> (number of arguments, notation, precedence, precedence of the left, of the right side)
INFIX = {
    "Eq": (3, " = ", 50, 51, 51), "Ne": (3, " ≠ ", 50, 51, 51), "HEq": (4, " ≍ ", 50, 51, 51),
    "Iff": (2, " ↔ ", 20, 21, 21), "And": (2, " ∧ ", 35, 36, 35), "Or": (2, " ∨ ", 30, 31, 30),
    "LE.le": (4, " ≤ ", 50, 51, 51), "LT.lt": (4, " < ", 50, 51, 51),
    "GE.ge": (4, " ≥ ", 50, 51, 51), "GT.gt": (4, " > ", 50, 51, 51),
    "HAdd.hAdd": (6, " + ", 65, 65, 66), "HSub.hSub": (6, " - ", 65, 65, 66),
    "HMul.hMul": (6, " * ", 70, 70, 71), "HDiv.hDiv": (6, " / ", 70, 70, 71),
    "HMod.hMod": (6, " % ", 70, 70, 71), "HPow.hPow": (6, " ^ ", 75, 76, 75),
    "HAppend.hAppend": (6, " ++ ", 65, 65, 66), "List.cons": (3, " :: ", 67, 68, 67),
    "Prod": (2, " × ", 35, 36, 35), "Sum": (2, " ⊕ ", 30, 31, 30),
    "Function.comp": (5, " ∘ ", 90, 91, 90), "Dvd.dvd": (4, " ∣ ", 50, 51, 51),
    "BEq.beq": (4, " == ", 50, 51, 51), "bne": (4, " != ", 50, 51, 51),
    "and": (2, " && ", 35, 35, 36), "or": (2, " || ", 30, 30, 31),
    "HasEquiv.Equiv": (4, " ≈ ", 50, 51, 51), "HOrElse.hOrElse": (6, " <|> ", 20, 21, 20),
}
PREFIX = {"Not": (1, "¬", MAX, 40), "Neg.neg": (3, "-", 75, 75), "not": (1, "!", MAX, 40)}


class NotationMixin:
    """What a constant applied to enough arguments prints as."""

    def exists(self, body) -> tuple[str, int, int]:
        names: list[str] = []
        while True:
            name = self.pick_name(body.name, body.body, 0)
            names.append(name)
            self.bound.append(name)
            inner = body.body
            if is_app_of(inner, "Exists", 2) and type(inner.arg) is Lam:
                body = inner.arg
                continue
            text = self.show(inner)
            del self.bound[-len(names):]
            return f"∃ {' '.join(names)}, {text}", LEAD, 0

    def special(self, name: str, args):
        """Notations; None when `name args` has none."""
        n = len(args)
        info = INFIX.get(name)
        if info is not None and n == info[0]:
            if name == "List.cons":
                items = self.list_items(args)
                if items is not None:
                    return f"[{', '.join(items)}]", MAX, MAX
            _, op, prec, left, right = info
            lhs = self.left(args[-2], left, prec)
            rhs, tail = self.right(args[-1], right)
            return f"{lhs}{op}{rhs}", prec, tail
        info = PREFIX.get(name)
        if info is not None and n == info[0]:
            if name == "Not" and is_app_of(args[0], "Membership.mem", 5):
                return self.membership(tm.get_app_fn_args(args[0])[1], " ∉ ")
            text, tail = self.right(args[-1], info[3])
            return f"{info[1]}{text}", info[2], tail
        method = _SPECIAL.get((name, n))
        return method(self, args) if method is not None else None

    def list_items(self, args):
        items = []
        while True:
            items.append(args[1])
            rest = args[2]
            if is_app_of(rest, "List.nil", 1):
                return [self.show(x) for x in items]
            if not is_app_of(rest, "List.cons", 3):
                return None
            args = tm.get_app_fn_args(rest)[1]

    def membership(self, args, op: str) -> tuple[str, int, int]:
        return f"{self.left(args[4], 51, 50)}{op}{self.right(args[3], 51)[0]}", 50, 51

    def pp_exists(self, args):
        if type(args[1]) is Lam:
            return self.exists(args[1])
        return None

    def numeral(self, args):
        if type(args[1]) is Lit:
            return str(args[1].value), MAX, MAX
        return None

    def pair(self, args):
        items, rest = [args[2]], args[3]
        while is_app_of(rest, "Prod.mk", 4):
            inner = tm.get_app_fn_args(rest)[1]
            items.append(inner[2])
            rest = inner[3]
        items.append(rest)
        return f"({', '.join(self.show(x) for x in items)})", MAX, MAX

    def ite(self, args):
        c, a, b = self.show(args[1]), self.show(args[3]), self.show(args[4])
        return f"if {c} then {a} else {b}", LEAD, 0

    def dite(self, args):
        if type(args[3]) is not Lam or type(args[4]) is not Lam:
            return None
        name = self.pick_name(args[3].name, args[3].body, 0)
        out = [self.show(args[1])]
        for branch in args[3:]:
            self.bound.append(name)
            out.append(self.show(branch.body))
            self.bound.pop()
        return f"if {name} : {out[0]} then {out[1]} else {out[2]}", LEAD, 0

    def subtype(self, args):
        if type(args[1]) is not Lam:
            return None
        name = self.pick_name(args[1].name, args[1].body, 0)
        self.bound.append(name)
        text = self.show(args[1].body)
        self.bound.pop()
        return f"{{ {name} // {text} }}", MAX, MAX

    def anonymous(self, args):
        return f"⟨{', '.join(self.show(a) for a in args[2:])}⟩", MAX, MAX

    def nil(self, args):
        return "[]", MAX, MAX

    def sorry(self, args):
        return "sorry", MAX, MAX

    def matcher(self, f, args):
        """`match x with | p => t` when all alternatives are there."""
        info = self.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        discrs = args[info.num_params + 1:info.first_alt]
        lines = ["match " + ", ".join(self.show(d) for d in discrs) + " with"]
        decl = self.env.get(f.name).type
        for _ in range(info.first_alt):
            decl = decl.body
        for k in range(info.num_alts):
            lines.append(self.match_alt(args, info, decl.type, args[info.first_alt + k], k))
            decl = decl.body
        return "\n".join(lines), LEAD, 0

    def match_alt(self, args, info, alt_type, alt, k: int) -> str:
        names, depth = [], 0
        patterns_in = alt_type
        while type(patterns_in) is Pi:
            patterns_in = patterns_in.body
        for _ in range(info.alt_arity[k]):
            if type(alt) is not Lam:
                break
            name = self.pick_name(alt.name, alt.body, depth)
            names.append(name)
            self.bound.append(name)
            depth += 1
            alt = alt.body
        if info.alt_arity[k] == 0 and type(alt) is Lam:
            self.bound.append("_")
            depth += 1
            alt = alt.body
        body = self.show(alt)
        pats = self.alt_patterns(patterns_in, info, args, names)
        del self.bound[len(self.bound) - depth:]
        return f"| {pats} => {body}"

    def alt_patterns(self, motive_app, info, args, names) -> str:
        """The patterns stand in the result type `motive p₁ … pₙ` of the alternative."""
        pats = tm.get_app_fn_args(motive_app)[1][-info.num_discrs:]
        saved, self.bound = self.bound, list(names) or ["_"]
        shown = ", ".join(self.show(p) for p in pats)
        self.bound = saved
        return shown


_SPECIAL = {
    ("Exists", 2): NotationMixin.pp_exists, ("OfNat.ofNat", 3): NotationMixin.numeral,
    ("Prod.mk", 4): NotationMixin.pair, ("ite", 5): NotationMixin.ite,
    ("dite", 5): NotationMixin.dite, ("Subtype", 2): NotationMixin.subtype,
    ("List.nil", 1): NotationMixin.nil, ("sorryAx", 2): NotationMixin.sorry,
    ("Membership.mem", 5): lambda p, args: p.membership(args, " ∈ "),
    ("Subtype.mk", 4): NotationMixin.anonymous, ("Sigma.mk", 4): NotationMixin.anonymous,
}
