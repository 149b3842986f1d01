"""Terms, goals and levels as Lean prints them.

Follows Lean's delaborators and parenthesizer (`Lean/PrettyPrinter/Delaborator/Builtins.lean`,
`FieldNotation.lean`, `Lean/Meta/PPGoal.lean`, sanitized names as in `Lean/LocalContext.lean`). Each
piece carries (text, precedence, tail): `tail` is the precedence at which its last part is still
open to the right, so `(∃ x, p) ∧ q` gets its parentheses. Different: lines are not broken at
width 120.

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from itertools import count, groupby

from minilean.front.meta import LocalDecl
from minilean.front.notation import LEAD, MAX
from minilean.front.pp_notation import NotationMixin
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, App, BVar, Const, FVar, Lam, Lit, MVar, Pi, Sort

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
BRACKETS = {"default": "({})", "implicit": "{{{}}}", "strict": "⦃{}⦄", "inst": "[{}]"}
_SHORT = {"Bool.true": "true", "Bool.false": "false", "Option.some": "some", "Option.none": "none",
          "List.nil": "[]", "Unit.unit": "()"}
_NO_DOT = ("Eq", "HEq")


def sanitized_names(lctx) -> dict[int, str]:
    """Shown name of each hypothesis: shadowed and hygienic names get ✝, ✝¹, … from the last on."""
    shown, seen, counts = {}, set(), {}
    for d in reversed(lctx.decls):
        name = d.name
        if name.endswith("✝") or name in seen:
            stem = name.rstrip("✝")
            i = counts[stem] = counts.get(stem, -1) + 1
            name = f"{stem}✝" + (str(i).translate(_SUPERSCRIPT) if i else "")
        seen.add(name)
        shown[d.id] = name
    return shown


class Printer(NotationMixin):
    """Prints terms of one local context; `names` are those of the variables in scope, by id."""

    def __init__(self, meta, lctx):
        self.meta, self.env, self.ext = meta, meta.env, meta.ext
        self.names = sanitized_names(lctx)

    # -- names ----------------------------------------------------------------------------------

    def fvar(self, e) -> str:
        return self.names.get(e.id) or self.meta.fvars[e.id].name

    def pick_name(self, e) -> str:
        """A name for the variable that e binds; it captures nothing of e's body."""
        name = e.name.rstrip("✝")
        if name in ("", "_"):
            name = "x"
        used = {self.fvar(s) if type(s) is FVar else s.name
                for s in tm.subterms(e.body) if type(s) is FVar or type(s) is Const}
        if name not in used:
            return name
        used.update(self.names.values())
        return next(f"{name}_{i}" for i in count(1) if f"{name}_{i}" not in used)

    def bind(self, e, name: str):
        """The variable that e binds, shown as `name`.

        Its scope ends with the term that is printed. As in the kernel it is known by its depth and
        type, so that what is cached about a term is found again.
        """
        x = FVar((len(self.names), e.type))
        self.meta.fvars[x.id] = LocalDecl(x.id, e.name, e.type)
        self.names[x.id] = name
        return x

    def opened(self, e, name: str):
        """The body of e, whose variable is called `name`."""
        return tm.instantiate(e.body, self.bind(e, name))

    # -- dispatch -------------------------------------------------------------------------------

    def show(self, e, prec: int = 0, follows: int = -1) -> str:
        """Text of e, in parentheses when it binds weaker than prec or would swallow what follows.

        `follows` is the precedence of an operator to the right of e.
        """
        text, own, tail = self.piece(e)
        return text if own >= prec and tail > follows else f"({text})"

    def right(self, e, prec: int) -> tuple[str, int]:
        """(text, tail) of a last operand."""
        text, own, tail = self.piece(e)
        return (text, min(tail, prec)) if own >= prec else (f"({text})", prec)

    def piece(self, e) -> tuple[str, int, int]:
        """(text, precedence, tail) of e."""
        form, depth = _FORMS.get(type(e)), len(self.names)
        if form is None:
            return self.atom(e), MAX, MAX
        piece = form(self, e)
        while len(self.names) > depth:
            self.names.popitem()
        return piece

    def atom(self, e) -> str:
        t = type(e)
        if t is FVar:
            return self.fvar(e)
        if t is Const:
            return _SHORT.get(e.name) or e.name
        if t is Lit:
            return str(e.value)
        if t is MVar:
            d = self.meta.decls.get(e.id)
            return f"?{d.name}" if d is not None and d.name else f"?m.{e.id}"
        if t is BVar:
            return f"#{e.idx}"
        info = self.ext.structures.get(e.struct)
        field = info.fields[e.idx] if info is not None else str(e.idx + 1)
        return f"{self.show(e.expr, MAX)}.{field}"

    def sort(self, e) -> tuple[str, int, int]:
        u = e.level
        if lv.is_zero(u) or lv.eq(u, lv.ONE):
            return "Prop" if lv.is_zero(u) else "Type", MAX, MAX
        word, u = ("Type", u.a) if u.kind == "succ" else ("Sort", u)
        return f"{word} {show_level(u, True)}", LEAD, MAX

    # -- binders --------------------------------------------------------------------------------

    def let(self, e) -> tuple[str, int, int]:
        name, value = self.pick_name(e), self.show(e.value)
        word = "have" if self.meta.is_prop(e.type) else "let"
        return f"{word} {name} := {value};\n{self.show(self.opened(e, name))}", LEAD, 0

    def fun(self, e) -> tuple[str, int, int]:
        shown = []
        while type(e) is Lam:
            unused = e.name.endswith("✝") and not has_loose_bvar(e.body, 0)
            name = "x" if unused else self.pick_name(e)
            shown.append(name if e.info == "default" else BRACKETS[e.info].format(name))
            e = self.opened(e, name)
        return f"fun {' '.join(shown)} => {self.show(e)}", MAX, 0

    def pi(self, e) -> tuple[str, int, int]:
        if not is_dependent(e):
            left = self.show(e.type, 26, 25)
            text, tail = self.right(e.body, 25)
            return f"{left} → {text}", 25, tail
        prop, binders = self.meta.is_prop(e), []
        while type(e) is Pi and is_dependent(e) and (prop or not binders):
            kind, name = self.show(e.type), self.pick_name(e)
            binders.append((kind, e.info, name))
            e = self.opened(e, name)
        groups = groupby(binders, lambda b: b if b[1] == "inst" else b[:2])
        shown = " ".join([BRACKETS[info].format(f"{' '.join(b[2] for b in group)} : {kind}")
                          for (kind, info, *_), group in groups])
        text, tail = self.right(e, 0 if prop else 25)
        return (f"∀ {shown}, {text}", LEAD, 0) if prop else (f"{shown} → {text}", 25, tail)

    # -- applications ---------------------------------------------------------------------------

    def app(self, e) -> tuple[str, int, int]:
        f, args = tm.get_app_fn_args(e)
        if is_app_of(e, "OfNat.ofNat", 3) and type(args[1]) is Lit:
            return self.atom(args[1]), MAX, MAX
        name, infos = f.name if type(f) is Const else "", self.meta.arg_infos(f, len(args))
        explicit = [a for a, info in zip(args, infos, strict=True) if info == "default"]
        is_match = name in self.ext.matchers
        piece = self.matcher(name, args) if is_match else self.notation(name, explicit)
        if piece is not None:
            return piece
        if explicit and self.meta.is_proof(e):  # such are not shown: pp.proofs is off
            return "⋯", MAX, MAX
        if name and self.is_method(name, explicit):
            head = f"{self.show(explicit.pop(0), MAX, LEAD)}.{f.name.rpartition('.')[2]}"
        else:
            head = self.show(f, MAX, LEAD)
        if not explicit:
            return head, MAX, MAX
        *others, last = explicit
        text, tail = self.right(last, MAX)
        return " ".join([head, *[self.show(a, MAX, LEAD) for a in others], text]), LEAD, tail

    def is_method(self, name: str, explicit) -> bool:
        """Does Lean print `name x …`, with these explicit arguments, as `x.name …`?

        So it does when the type of the first explicit parameter is `space …` for space.name.
        """
        space, ty = name.rpartition(".")[0], self.env.get(name).type
        while type(ty) is Pi and ty.info != "default" and ty.name != "motive":
            ty = ty.body
        if not explicit or type(ty) is not Pi or ty.info != "default" or space in _NO_DOT:
            return False
        x, head = explicit[0], tm.get_app_fn(ty.type)
        literal = is_app_of(x, "OfNat.ofNat", 3) or type(x) is Lit
        return type(head) is Const and head.name == space and not literal


_FORMS = {App: Printer.app, Pi: Printer.pi, Lam: Printer.fun, Sort: Printer.sort,
          tm.Let: Printer.let}


def is_dependent(e) -> bool:
    """Is this Pi shown with its variable?"""
    return e.info != "default" or has_loose_bvar(e.body, 0)


def show_level(lvl, nested=False):
    """Lean's notation for lvl, in parentheses if `nested` and not a single word."""
    base, k = lv.to_offset(lvl)
    if base is lv.ZERO:
        return str(k)
    text = str(base.a) if base.kind == "param" else f"?{base.a}"
    if base.kind in ("max", "imax"):
        text = f"{base.kind} {show_level(base.a, True)} {show_level(base.b, True)}"
        text = f"({text})" if k else text
    text = f"{text}+{k}" if k else text
    return f"({text})" if nested and (k or " " in text) else text


def pp_goal(meta, goal) -> str:
    """`case tag`, hypotheses (equal types share a line), `⊢ target`.

    Remembered: a search prints a goal again for each tactic that fails on it.
    """
    d, inst = meta.decls[goal], meta.inst
    shown = [(h.id, h.name, inst(h.type), h.value and inst(h.value)) for h in d.lctx.decls]
    return meta.remembered((d.name, inst(d.type), *shown), FVAR, _goal_text, meta, d)


def _goal_text(meta, d) -> str:
    inst, tag = meta.inst, (d.name or "").rstrip("✝")
    lines = [f"case {tag}"] if tag else []
    with meta.with_lctx(d.lctx):
        printer = Printer(meta, d.lctx)
        visible = [h for h in d.lctx.decls if not h.hidden]
        for (ty, let), group in groupby(visible, lambda h: (inst(h.type), h.value and h)):
            value = f" := {printer.show(inst(let.value))}" if let else ""
            names = " ".join([printer.names[h.id] for h in group])
            lines.append(f"{names} : {printer.show(ty)}{value}")
        lines.append(f"⊢ {printer.show(inst(d.type))}")
    return "\n".join([line.replace("\n", "\n  ") for line in lines])
