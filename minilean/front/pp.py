"""Terms, goals and levels as Lean prints them.

Follows Lean's delaborators and parenthesizer (`Lean/PrettyPrinter/Delaborator/Builtins.lean`,
`FieldNotation.lean`, `Lean/Meta/PPGoal.lean`, sanitized names as in `Lean/LocalContext.lean`). Each
piece carries (text, precedence, tail): `tail` is the precedence at which its last part is still
open to the right, so `(∃ x, p) ∧ q` gets its parentheses. Different: lines are not broken at
width 120.

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from __future__ import annotations

import json
from itertools import count

from minilean.front.notation import LEAD, MAX
from minilean.front.plain import show_level
from minilean.front.pp_notation import NotationMixin
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, TheoremDecl
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Lit, MVar, Pi, Sort

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BRACKETS = {"default": "()", "implicit": "{}", "strict": "⦃⦄", "inst": "[]"}
_SHORT = {"Bool.true": "true", "Bool.false": "false", "Option.some": "some", "Option.none": "none",
          "List.nil": "[]", "Unit.unit": "()"}
_NO_DOT = frozenset(("Eq", "HEq", "Function", "Classical"))
_ELIMINATORS = frozenset(("rec", "casesOn", "recOn", "elim"))


def sanitized_names(lctx) -> dict[int, str]:
    """Shown name of each hypothesis: shadowed and hygienic names get ✝, ✝¹, … from the last on."""
    shown, seen, counts = {}, set(), {}
    for d in reversed(lctx.decls):
        name = d.name
        if name.endswith("✝") or name in seen:
            stem = name.rstrip("✝")
            i = counts.get(stem, 0)
            counts[stem] = i + 1
            name = f"{stem}✝" + (str(i).translate(_SUPERSCRIPT) if i else "")
        else:
            seen.add(name)
        shown[d.id] = name
    return shown


class Printer(NotationMixin):
    """Prints terms of one local context."""

    def __init__(self, meta, lctx):
        self.meta, self.env, self.ext = meta, meta.env, meta.ext
        self.names = sanitized_names(lctx)
        self.bound: list[str] = []

    # -- names ----------------------------------------------------------------------------------

    def fvar(self, e) -> str:
        name = self.names.get(e.id)
        if name is None:
            d = self.meta.fvars.get(e.id)
            return f"_fvar.{e.id}" if d is None else d.name
        return name

    def mvar(self, e) -> str:
        d = self.meta.decls.get(e.id)
        return f"?{d.name}" if d is not None and d.name else f"?m.{e.id}"

    def pick_name(self, e) -> str:
        """A name for the variable that e binds; it captures nothing of e's body."""
        name = e.name.rstrip("✝")
        if name in ("", "_"):
            name = "x"
        used = self.used_names(e.body)
        if name not in used:
            return name
        taken = {*self.names.values(), *self.bound, *used}
        return next(f"{name}_{i}" for i in count(1) if f"{name}_{i}" not in taken)

    def used_names(self, body) -> set[str]:
        """Names of variables and constants that occur in body, seen from under one binder."""
        used = {name for i, name in enumerate(reversed(self.bound), 1) if has_loose_bvar(body, i)}
        for s in tm.subterms(body):
            if type(s) is FVar:
                used.add(self.fvar(s))
            elif type(s) is Const:
                used.add(s.name)
        return used

    def bind(self, e) -> str:
        """The name for the variable that e binds, which is thereby in scope."""
        name = self.pick_name(e)
        self.bound.append(name)
        return name

    def under(self, e, name: str) -> str:
        """Text of the body of e, whose variable is called `name`."""
        self.bound.append(name)
        text = self.show(e.body)
        self.bound.pop()
        return text

    # -- dispatch -------------------------------------------------------------------------------

    def show(self, e, prec: int = 0) -> str:
        """Text of e, in parentheses when it binds weaker than prec."""
        text, own, _ = self.piece(e)
        return text if own >= prec else f"({text})"

    def left(self, e, prec: int, op_prec: int) -> str:
        """Text of a left operand: also parenthesized when it would swallow the operator."""
        text, own, tail = self.piece(e)
        return text if own >= prec and tail > op_prec else f"({text})"

    def right(self, e, prec: int) -> tuple[str, int]:
        """(text, tail) of a last operand."""
        text, own, tail = self.piece(e)
        return (text, min(tail, prec)) if own >= prec else (f"({text})", prec)

    def piece(self, e) -> tuple[str, int, int]:
        """(text, precedence, tail) of e."""
        t = type(e)
        if t is App:
            return self.app(e)
        if t is Pi:
            return self.pi(e)
        if t is Lam:
            return self.fun(e)
        if t is Sort:
            return self.sort(e)
        if t is tm.Let:
            return self.let(e)
        return self.atom(e, t), MAX, MAX

    def atom(self, e, t) -> str:
        if t is FVar:
            return self.fvar(e)
        if t is Const:
            return _SHORT.get(e.name) or e.name.removeprefix("_private.")
        if t is BVar:
            i = len(self.bound) - 1 - e.idx
            return self.bound[i] if i >= 0 else f"#{e.idx}"
        if t is Lit:
            return json.dumps(e.value, ensure_ascii=False)  # strings are escaped as in Lean
        if t is MVar:
            return self.mvar(e)
        info = self.ext.structures.get(e.struct)
        field = info.fields[e.idx] if info is not None else str(e.idx + 1)
        return f"{self.show(e.expr, MAX)}.{field}"

    def sort(self, e) -> tuple[str, int, int]:
        u = e.level
        if lv.is_zero(u):
            return "Prop", MAX, MAX
        if lv.eq(u, lv.ONE):
            return "Type", MAX, MAX
        if u.kind == "succ":
            return f"Type {show_level(u.a, True)}", LEAD, MAX
        return f"Sort {show_level(u, True)}", LEAD, MAX

    # -- binders --------------------------------------------------------------------------------

    def let(self, e) -> tuple[str, int, int]:
        name, value = self.pick_name(e), self.show(e.value)
        word = "have" if not e.type.loose and self.meta.is_prop(e.type) else "let"
        return f"{word} {name} := {value};\n{self.under(e, name)}", LEAD, 0

    def fun(self, e) -> tuple[str, int, int]:
        parts, depth = [], len(self.bound)
        while type(e) is Lam:
            name = self.bind(e)
            if e.name.endswith("✝") and not has_loose_bvar(e.body, 0):
                name = self.bound[-1] = "x"
            parts.append(name if e.info == "default" else bracketed(name, e.info))
            e = e.body
        body = self.show(e)
        del self.bound[depth:]
        return f"fun {' '.join(parts)} => {body}", MAX, 0

    def pi(self, e) -> tuple[str, int, int]:
        depth = len(self.bound)
        if not is_dependent(e):
            left = self.left(e.type, 26, 25)
            self.bound.append("_")
            text, tail = self.right(e.body, 25)
            self.bound.pop()
            return f"{left} → {text}", 25, tail
        prop, groups = self.is_prop_pi(e), []
        while type(e) is Pi and is_dependent(e) and (prop or not groups):
            kind, name = self.show(e.type), self.bind(e)
            if groups and groups[-1][1:] == (kind, e.info) and e.info != "inst":
                groups[-1][0].append(name)
            else:
                groups.append(([name], kind, e.info))
            e = e.body
        shown = " ".join([bracketed(f"{' '.join(names)} : {kind}", info)
                          for names, kind, info in groups])
        text, tail = self.right(e, 0 if prop else 25)
        del self.bound[depth:]
        return (f"∀ {shown}, {text}", LEAD, 0) if prop else (f"{shown} → {text}", 25, tail)

    def is_prop_pi(self, e) -> bool:
        """Is this Pi (perhaps with loose variables under printed binders) a proposition?"""
        conclusion = e
        while type(conclusion) is Pi:
            conclusion = conclusion.body
        f, args = tm.get_app_fn_args(conclusion)
        if type(f) is Sort:
            return False
        ty = self.meta.inst(self.meta.infer(f)) if type(f) in (Const, FVar) else None
        for _ in args:
            ty = ty.body if type(ty) is Pi else None
        if type(ty) is Sort:
            return ty.level is lv.ZERO
        return type(ty) is not Const if e.loose else self.meta.is_prop(e)

    # -- applications ---------------------------------------------------------------------------

    def app(self, e) -> tuple[str, int, int]:
        f, args = tm.get_app_fn_args(e)
        special = self.special(f.name, args) if type(f) is Const else None
        if special is not None:
            return special
        if self.is_hidden_proof(e, f):
            return "⋯", MAX, MAX
        infos = ["default"] * len(args)
        if type(f) in (Const, FVar):
            infos = self.meta.arg_infos(f, len(args))
        if type(f) is Const:
            at = self.object_index(f, args, infos)
            if at is not None:
                head = f"{self.left(args[at], MAX, LEAD)}.{_last(f.name)}"
                return self.apply_to(head, args[at + 1:], infos[at + 1:])
            text = self.matcher(f, args) if f.name in self.ext.matchers else None
            if text is not None:
                return text
        return self.apply_to(self.left(f, MAX, LEAD), args, infos)

    def apply_to(self, head: str, args, infos) -> tuple[str, int, int]:
        """`head args`, of which the explicit ones are shown."""
        explicit = [a for a, info in zip(args, infos, strict=True) if info == "default"]
        if not explicit:
            return head, MAX, MAX
        *others, last = explicit
        text, tail = self.right(last, MAX)
        return " ".join([head, *[self.left(a, MAX, LEAD) for a in others], text]), LEAD, tail

    def is_hidden_proof(self, e, f) -> bool:
        """Proof terms that are not atomic are printed as ⋯ (pp.proofs is off)."""
        if type(f) is FVar:
            return not e.loose and self.meta.is_proof(e)
        decl = self.env.get(f.name) if type(f) is Const else None
        if isinstance(decl, ConstructorDecl):
            return self.env.lookup(decl.induct).is_prop
        if isinstance(decl, TheoremDecl):
            return True
        return decl is not None and not e.loose and _last(f.name) in _ELIMINATORS \
            and self.meta.is_proof(e)

    def object_index(self, f, args, infos) -> int | None:
        """Index of the argument x when Lean prints `f args` as `x.f others`."""
        space = f.name.rpartition(".")[0]
        if not space or space in _NO_DOT:
            return None
        info = self.ext.projections.get(f.name)
        if info is not None:
            at = None if info.is_class else info.num_params
        else:
            at = self.first_of_type(f, infos, space)
        if at is None or at >= len(args):
            return None
        literal = is_app_of(args[at], "OfNat.ofNat", 3) or type(args[at]) is Lit
        return None if literal else at

    def first_of_type(self, f, infos, space: str) -> int | None:
        """Index of the first explicit parameter of f if its type is `space …`."""
        ty = self.env.get(f.name).type
        for i, info in enumerate(infos):
            if type(ty) is not Pi or ty.name == "motive":
                return None
            if info == "default":
                head = tm.get_app_fn(ty.type)
                return i if type(head) is Const and head.name == space else None
            ty = ty.body
        return None


def is_dependent(e) -> bool:
    """Is this Pi shown with its variable?"""
    return e.info != "default" or has_loose_bvar(e.body, 0)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def bracketed(text: str, info: str) -> str:
    left, right = _BRACKETS[info]
    return left + text + right


def pp_expr(meta, e, lctx) -> str:
    """Text of the instantiated term e in a local context."""
    return Printer(meta, lctx).show(e)


def pp_goal(meta, goal) -> str:
    """`case tag`, hypotheses (equal types share a line), `⊢ target`."""
    d = meta.decls[goal]
    inst = meta.inst
    with meta.with_lctx(d.lctx):
        printer = Printer(meta, d.lctx)
        tag = d.name.rstrip("✝") if d.name else ""
        lines = [f"case {tag}"] if tag else []
        groups: list = []  # [names, type, value or None]
        for h in d.lctx.decls:
            if not h.hidden:
                name, ty = printer.names[h.id], inst(h.type)
                if groups and h.value is None and groups[-1][1] is ty and groups[-1][2] is None:
                    groups[-1][0].append(name)
                else:
                    groups.append(([name], ty, h.value))
        for names, ty, value in groups:
            shown = "" if value is None else f" := {printer.show(inst(value))}"
            lines.append(f"{' '.join(names)} : {_indent(printer.show(ty) + shown)}")
        lines.append(f"⊢ {_indent(printer.show(inst(d.type)))}")
    return "\n".join(lines)


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
