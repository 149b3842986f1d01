"""Terms, goals and levels as Lean prints them.

Follows Lean's delaborators and parenthesizer (`Lean/PrettyPrinter/Delaborator/Builtins.lean`,
`FieldNotation.lean`, `Lean/Meta/PPGoal.lean`, sanitized names as in `Lean/LocalContext.lean`). Each
piece carries (text, precedence, tail): `tail` is the precedence at which its last part is still
open to the right, so `(∃ x, p) ∧ q` gets its parentheses. Different: lines are not broken at
width 120.

Run: `python -m pytest tests/minilean/test_pp.py`
"""

from __future__ import annotations

from minilean.front.plain import show_level
from minilean.front.pp_notation import MAX, NotationMixin
from minilean.front.terms import get_app_num_args, has_loose_bvar, is_app_of, numeral_level
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, TheoremDecl
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Let, Lit, MVar, Pi, Proj, Sort

LEAD = 1023
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_SHORT = {"Bool.true": "true", "Bool.false": "false", "Option.some": "some", "Option.none": "none"}
_NO_DOT = frozenset(("Eq", "HEq", "Function", "Classical"))
_ELIMINATORS = frozenset(("rec", "casesOn", "recOn", "elim"))
_infos_cache: dict[object, list[str]] = {}


def pp_level(u) -> str:
    """A universe level as printed after `Sort`."""
    return show_level(u)


def _level_arg(u) -> str:
    text = pp_level(u)
    return text if text.replace("_", "").replace(".", "").replace("?", "").isalnum() \
        else f"({text})"


def sanitized_names(lctx) -> dict[int, str]:
    """Shown name of each hypothesis: shadowed and hygienic names get ✝, ✝¹, … from the last on."""
    shown, seen, count = {}, set(), {}
    for d in reversed(lctx.decls):
        name = d.name
        if name.endswith("✝") or name in seen:
            stem = name.rstrip("✝")
            i = count.get(stem, 0)
            count[stem] = i + 1
            name = f"{stem}✝" + (str(i).translate(SUPERSCRIPT) if i else "")
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

    def const_name(self, name: str) -> str:
        """The shortest form under the open namespaces."""
        short = _SHORT.get(name)
        if short is not None:
            return short
        if name.startswith("_private."):
            name = name.split(".0.", 1)[-1]
        for space in getattr(self.meta, "open_spaces", ()):
            if name.startswith(space + "."):
                rest = name[len(space) + 1:]
                if rest not in self.env and name not in self.ext.protected:
                    return rest
        return name

    def pick_name(self, name: str, body, depth_bound: int) -> str:
        """A binder name that captures nothing of body (whose BVar 0 is the bound variable)."""
        name = name.rstrip("✝") if name.endswith("✝") else name
        if not name or name == "_":
            name = "x"
        used = self.used_names(body)
        if name not in used:
            return name
        i = 1
        taken = set(self.names.values()) | set(self.bound) | used
        while f"{name}_{i}" in taken:
            i += 1
        return f"{name}_{i}"

    def used_names(self, body) -> set[str]:
        """Names of variables and constants that occur in body, seen from under one binder."""
        used, seen, stack = set(), set(), [(body, 0)]
        n = len(self.bound)
        while stack:
            e, depth = stack.pop()
            t = type(e)
            if t is FVar:
                used.add(self.fvar(e))
            elif t is Const:
                used.add(e.name)
            elif t is BVar:
                i = e.idx - depth - 1
                if 0 <= i < n:
                    used.add(self.bound[n - 1 - i])
            elif (e, depth) not in seen:
                seen.add((e, depth))
                if t is Lam or t is Pi:
                    stack += ((e.type, depth), (e.body, depth + 1))
                elif t is Let:
                    stack += ((e.type, depth), (e.value, depth), (e.body, depth + 1))
                else:
                    stack += [(c, depth) for c in tm.children(e)]
        return used

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
        if t is FVar:
            return self.fvar(e), MAX, MAX
        if t is App:
            return self.app(e)
        if t is Const:
            if e.name == "List.nil":
                return "[]", MAX, MAX
            if e.name == "Unit.unit":
                return "()", MAX, MAX
            return self.const_name(e.name), MAX, MAX
        if t is BVar:
            i = len(self.bound) - 1 - e.idx
            return (self.bound[i] if i >= 0 else f"#{e.idx}"), MAX, MAX
        if t is Pi:
            return self.pi(e)
        if t is Lam:
            return self.fun(e)
        if t is Sort:
            return self.sort(e)
        if t is Lit:
            if isinstance(e.value, int):
                return str(e.value), MAX, MAX
            return quote(e.value), MAX, MAX
        if t is MVar:
            return self.mvar(e), MAX, MAX
        if t is Proj:
            return self.proj(e)
        return self.let(e)

    def mvar(self, e) -> str:
        d = self.meta.decls.get(e.id)
        if d is not None and d.name:
            return f"?{d.name}"
        return f"?m.{e.id}"

    def sort(self, e) -> tuple[str, int, int]:
        u = e.level
        if u is lv.ZERO or lv.is_zero(u):
            return "Prop", MAX, MAX
        if lv.eq(u, lv.ONE):
            return "Type", MAX, MAX
        base, k = lv.to_offset(u)
        if k > 0:
            inner = numeral_level(k - 1) if base is lv.ZERO else base
            for _ in range(0 if base is lv.ZERO else k - 1):
                inner = lv.succ(inner)
            return f"Type {_level_arg(inner)}", LEAD, MAX
        return f"Sort {_level_arg(u)}", LEAD, MAX

    def proj(self, e) -> tuple[str, int, int]:
        info = self.ext.structures.get(e.struct)
        field = info.fields[e.idx] if info is not None else str(e.idx + 1)
        return f"{self.show(e.expr, MAX)}.{field}", MAX, MAX

    def let(self, e) -> tuple[str, int, int]:
        name = self.pick_name(e.name, e.body, 0)
        value = self.show(e.value)
        self.bound.append(name)
        body = self.show(e.body)
        self.bound.pop()
        word = "have" if self.is_prop_type(e.type) else "let"
        return f"{word} {name} := {value};\n{body}", LEAD, 0

    def is_prop_type(self, ty) -> bool:
        return not ty.loose and self.meta.is_prop(ty)

    # -- binders --------------------------------------------------------------------------------

    def fun(self, e) -> tuple[str, int, int]:
        parts, depth = [], 0
        while type(e) is Lam:
            name = self.pick_name(e.name, e.body, depth)
            if not has_loose_bvar(e.body, 0) and e.name.endswith("✝"):
                name = "x"
            parts.append({"default": "%s", "implicit": "{%s}", "strict": "⦃%s⦄",
                          "inst": "[%s]"}[e.info] % name)
            self.bound.append(name)
            depth += 1
            e = e.body
        body = self.show(e)
        del self.bound[-depth:]
        return f"fun {' '.join(parts)} => {body}", MAX, 0

    def pi(self, e) -> tuple[str, int, int]:
        if e.info == "default" and not has_loose_bvar(e.body, 0):
            left = self.left(e.type, 26, 25)
            self.bound.append("_")
            right, tail = self.right(e.body, 25)
            self.bound.pop()
            return f"{left} → {right}", 25, tail
        prop = self.is_prop_pi(e)
        groups: list[tuple[list[str], str, str]] = []
        depth = 0
        while type(e) is Pi and (e.info != "default" or has_loose_bvar(e.body, 0)):
            if depth and not prop:
                break
            kind = self.show(e.type)
            name = self.pick_name(e.name, e.body, depth)
            if groups and groups[-1][1:] == (kind, e.info) and e.info != "inst":
                groups[-1][0].append(name)
            else:
                groups.append(([name], kind, e.info))
            self.bound.append(name)
            depth += 1
            e = e.body
        shown = " ".join(_bracket(e_info) % (" ".join(names), kind)
                         for names, kind, e_info in groups)
        if prop:
            text, _, tail = self.piece(e)
            out = (f"∀ {shown}, {text}", LEAD, 0)
        else:
            text, tail = self.right(e, 25)
            out = (f"{shown} → {text}", 25, tail)
        del self.bound[-depth:]
        return out

    def is_prop_pi(self, e) -> bool:
        """Is this Pi (perhaps with loose variables under printed binders) a proposition?"""
        body = e
        while type(body) is Pi:
            body = body.body
        f = tm.get_app_fn(body)
        t = type(f)
        if t is Sort:
            return False
        if t is Const:
            ty = self.env.get(f.name).type
        elif t is FVar:
            ty = self.meta.inst(self.meta.infer(f))
        else:
            if e.loose:
                return True
            return self.meta.is_prop(e)
        for _ in range(get_app_num_args(body)):
            if type(ty) is not Pi:
                return self.meta.is_prop(e) if not e.loose else True
            ty = ty.body
        if type(ty) is Sort:
            return ty.level is lv.ZERO
        if type(ty) is BVar or e.loose:
            return bool(e.loose) and type(ty) is not Const
        return self.meta.is_prop(e)

    # -- applications ---------------------------------------------------------------------------

    def app(self, e) -> tuple[str, int, int]:
        f, args = tm.get_app_fn_args(e)
        if type(f) is Const:
            special = self.special(f.name, args)
            if special is not None:
                return special
            if self.is_hidden_proof(e, f):
                return "⋯", MAX, MAX
        elif type(f) is FVar and not e.loose and self.meta.is_proof(e):
            return "⋯", MAX, MAX
        infos = self.infos(f, len(args))
        if type(f) is Const:
            dotted = self.field_notation(f, args, infos)
            if dotted is not None:
                head, args = dotted
                return self.apply_to(head, args, MAX)
            head = self.const_name(f.name)
            explicit = [a for a, i in zip(args, infos, strict=False) if i == "default"]
            if f.name in self.ext.matchers:
                text = self.matcher(f, args)
                if text is not None:
                    return text
            return self.apply_to(head, explicit, MAX)
        head = self.left(f, MAX, LEAD) if type(f) is not MVar else self.mvar(f)
        explicit = [a for a, i in zip(args, infos, strict=False) if i == "default"]
        return self.apply_to(head, explicit, MAX)

    def apply_to(self, head: str, args, prec: int) -> tuple[str, int, int]:
        if not args:
            return head, prec, MAX
        parts, tail = [head], MAX
        for a in args[:-1]:
            text, own, open_ = self.piece(a)
            parts.append(text if own >= MAX and open_ >= MAX else f"({text})")
        text, own, tail = self.piece(args[-1])
        if own < MAX:
            text, tail = f"({text})", MAX
        parts.append(text)
        return " ".join(parts), LEAD, tail

    def is_hidden_proof(self, e, f) -> bool:
        """Proof terms that are not atomic are printed as ⋯ (pp.proofs is off)."""
        decl = self.env.get(f.name)
        if isinstance(decl, ConstructorDecl):
            return self.env.lookup(decl.induct).is_prop
        if isinstance(decl, TheoremDecl):
            return True
        if decl is not None and not e.loose and _last(f.name) in _ELIMINATORS:
            return self.meta.is_proof(e)
        return False

    def infos(self, f, n: int) -> list[str]:
        """Binder infos of the first n arguments of f."""
        if type(f) is Const:
            decl = self.env.get(f.name)
            ty = decl.type if decl is not None else None
            found = _infos_cache.get(ty)
            if found is None:
                found, scan = [], ty
                while type(scan) is Pi:
                    found.append(scan.info)
                    scan = scan.body
                if len(_infos_cache) > 50_000:
                    _infos_cache.clear()
                _infos_cache[ty] = found
        else:
            found, scan = [], None
            if type(f) is FVar:
                scan = self.meta.inst(self.meta.infer(f))
            while type(scan) is Pi:
                found.append(scan.info)
                scan = scan.body
        return found if len(found) >= n else found + ["default"] * (n - len(found))

    def field_notation(self, f, args, infos):
        """(head, remaining arguments) when Lean prints `x.f args`, else None."""
        space, _, field = f.name.rpartition(".")
        if not space or space in _NO_DOT:
            return None
        info = self.ext.projections.get(f.name)
        if info is not None:
            if info.is_class or len(args) <= info.num_params:
                return None
            at = info.num_params
        else:
            at = self.object_index(f, infos, space, len(args))
            if at is None:
                return None
        obj = args[at]
        if is_app_of(obj, "OfNat.ofNat", 3) or type(obj) is Lit:
            return None
        text, own, tail = self.piece(obj)
        text = text if own >= MAX and tail >= MAX else f"({text})"
        rest = [a for a, i in zip(args[at + 1:], infos[at + 1:], strict=False) if i == "default"]
        return f"{text}.{field}", rest

    def object_index(self, f, infos, space: str, n: int):
        """Index of the first explicit parameter if its type is `space …`."""
        ty = self.env.get(f.name).type
        for i in range(n):
            if type(ty) is not Pi or ty.name == "motive":
                return None
            if infos[i] == "default":
                head = tm.get_app_fn(ty.type)
                return i if type(head) is Const and head.name == space else None
            ty = ty.body
        return None




def _bracket(info: str) -> str:
    return {"default": "(%s : %s)", "implicit": "{%s : %s}", "strict": "⦃%s : %s⦄",
            "inst": "[%s : %s]"}[info]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def quote(text: str) -> str:
    """A Lean string literal."""
    for raw, shown in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(raw, shown)
    return f'"{text}"'


def pp_expr(meta, e, lctx) -> str:
    """Text of the instantiated term e in a local context."""
    return Printer(meta, lctx).show(e)


def pp_goal(meta, goal) -> str:
    """`case tag`, hypotheses (equal types share a line), `⊢ target`."""
    d = meta.decls[goal]
    inst = meta.inst
    with meta.with_lctx(d.lctx):
        printer = Printer(meta, d.lctx)
        lines, names, kind = [], [], None
        if d.name and d.name.rstrip("✝"):
            lines.append(f"case {d.name.rstrip('✝')}")
        for h in d.lctx.decls:
            if h.hidden:
                continue
            ty = inst(h.type)
            name = printer.names[h.id]
            if h.value is not None:
                _flush(lines, names, kind, printer)
                lines.append(f"{name} : {printer.show(ty)} := {printer.show(inst(h.value))}")
                names, kind = [], None
            elif names and ty is kind:
                names.append(name)
            else:
                _flush(lines, names, kind, printer)
                names, kind = [name], ty
        _flush(lines, names, kind, printer)
        lines.append(f"⊢ {_indent(printer.show(inst(d.type)))}")
    return "\n".join(lines)


def _flush(lines: list[str], names: list[str], kind, printer: Printer) -> None:
    if names:
        lines.append(f"{' '.join(names)} : {_indent(printer.show(kind))}")


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
