"""The simplifier's rules: from theorems and hypotheses to oriented equations, indexed by head.

Follows Lean's `Lean/Meta/Tactic/Simp/SimpTheorems.lean`: `a ↔ b`, `¬ p`, `a ≠ b`, `p ∧ q` and plain
propositions become equations; an equation whose sides are the same up to a permutation of variables
is used only when it makes the term smaller. The rewriting itself is in `simp_main.py`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import get_app_num_args, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Lit, MVar, Pi

WILD = "*"
DEFAULT_PRIORITY = 1000


class Rule:
    """`type` is ∀ xs, lhs = rhs with proof `proof`; `origin` is the name that `-name` erases."""

    __slots__ = ("key", "levels", "lhs", "order", "origin", "perm", "priority", "proof", "rfl",
                 "type")

    def __init__(self, origin, levels, proof, type, priority=DEFAULT_PRIORITY, rfl=False):
        self.origin, self.levels, self.proof, self.type = origin, levels, proof, type
        self.priority, self.rfl = priority, rfl
        binders, body = 0, type
        while body.__class__ is Pi:
            binders, body = binders + 1, body.body
        lhs, rhs = body.fn.arg, body.arg
        self.key = head_key(lhs)
        self.lhs = lhs
        self.perm = is_permutation(lhs, rhs)
        self.order = (-priority, star_path(lhs))

    def __getstate__(self):
        return tuple(getattr(self, s) for s in ("origin", "levels", "proof", "type", "priority",
                                                  "rfl"))

    def __setstate__(self, state):
        self.__init__(*state)


def head_key(e):
    """Index key of a term: constant and number of arguments, variable, literal, or a kind."""
    f = tm.get_app_fn(e)
    t = type(f)
    if t is Const:
        return f.name, get_app_num_args(e)
    if t is FVar:
        return f, get_app_num_args(e)
    if t is Pi:
        return "pi"
    if t is BVar or t is MVar:
        return WILD
    return t.__name__


def star_path(e) -> tuple[int, ...]:
    """0 for each variable and 1 for each symbol of a left side, in preorder.

    Lean's discrimination tree yields patterns with an earlier variable first; among equals the one
    declared first comes first.
    """
    out = []

    def go(s):
        f, args = tm.get_app_fn_args(s)
        if type(f) is BVar or type(f) is MVar or is_offset(f, args):
            out.append(0)
            return
        out.append(1)
        for a in args:
            g = tm.get_app_fn(a)
            if not (type(g) is Const and g.name.startswith("inst")):
                go(a)
    go(e)
    return tuple(out)


def is_offset(f, args) -> bool:
    """n + k and Nat.succ n are treated as variables by the index."""
    if type(f) is not Const:
        return False
    return (f.name == "HAdd.hAdd" and len(args) == 6 and args[0] is Const("Nat")
            and lit_value(args[5]) is not None) or (f.name == "Nat.succ" and len(args) == 1)


def may_match(p, e, reducible) -> bool:
    """A quick test whether the pattern p (variables loose) can unify with e; False is certain."""
    f, args = tm.get_app_fn_args(p)
    t = type(f)
    if t is BVar or is_offset(f, args):
        return True
    g, terms = tm.get_app_fn_args(e)
    u = type(g)
    if u is MVar or u is BVar or u is Lam or (u is Const and g.name in reducible):
        return True
    if t is Const:
        return _may_match_const(f, args, g, u, terms, reducible)
    if t is Pi:
        if u is not Pi:
            return u is Const
        return may_match(f.type, g.type, reducible) and may_match(f.body, g.body, reducible)
    return t is Lam or t is u


def _may_match_const(f, args, g, u, terms, reducible) -> bool:
    name = f.name
    if name in reducible or name.startswith("inst"):
        return True
    if name == "OfNat.ofNat" or name == "Nat.zero":
        return u is Lit or (u is Const and g.name in ("OfNat.ofNat", "Nat.zero")
                            and (len(args) < 2 or len(terms) < 2 or args[1] is terms[1]
                                 or type(args[1]) is BVar))
    if u is not Const:
        return False
    if g.name != name:
        return g.name.startswith("inst")
    if len(args) != len(terms):
        return False
    for a, b in zip(args, terms, strict=True):
        if not may_match(a, b, reducible):
            return False
    return True


def is_permutation(a, b) -> bool:
    """Are the sides equal up to an injective renaming of their variables, but not equal?"""
    forward, backward = {}, {}

    def go(x, y):
        if type(x) is BVar and type(y) is BVar:
            return forward.setdefault(x, y) is y and backward.setdefault(y, x) is x
        if type(x) is not type(y):
            return False
        if type(x) is App:
            return go(x.fn, y.fn) and go(x.arg, y.arg)
        return x is y
    return go(a, b) and any(x is not y for x, y in forward.items())


def rules_of(meta, origin, proof, prop, levels=(), priority=DEFAULT_PRIORITY, symm=False,
             rfl=False):
    """The rules that a proof of `prop` gives. Propositions without variables become p = True."""
    decls, body = meta.forall_locals(meta.inst(prop), reducing=False)
    fvars = [d.fvar for d in decls]
    out = []
    with meta.with_lctx(meta.lctx.add(*decls)):
        for e, lhs, rhs, ty in _equations(meta, meta.beta(proof, fvars), body, symm):
            u = meta.sort_level(ty)
            eq = tm.mk_app(Const("Eq", (u,)), ty, lhs, rhs)
            if type(tm.get_app_fn(lhs)) is FVar and lhs in fvars:
                continue
            out.append(Rule(origin, levels, meta.mk_lambda(fvars, e), meta.mk_pi(fvars, eq),
                            priority, rfl))
    return out


def _equations(meta, proof, prop, symm: bool):
    """(proof, lhs, rhs, type) of the equations that proof : prop stands for."""
    f, args = tm.get_app_fn_args(prop)
    name = f.name if type(f) is Const else None
    if name not in ("Eq", "Iff", "Not", "Ne", "And"):
        w = meta.whnf_r(prop)
        if type(w) is Pi and type(prop) is not Pi:
            decls, body = meta.forall_locals(w, reducing=False)
            fvars = [d.fvar for d in decls]
            return [(meta.mk_lambda(fvars, e), a, b, t) for e, a, b, t in
                    _equations(meta, meta.beta(proof, fvars), body, symm)]
        f, args = tm.get_app_fn_args(w)
        name = f.name if type(f) is Const else None
    if name == "Eq" and len(args) == 3:
        ty, a, b = args
        if symm:
            u = f.levels
            return [(tm.mk_app(Const("Eq.symm", u), ty, a, b, proof), b, a, ty)]
        return [(proof, a, b, ty)]
    if name == "Iff" and len(args) == 2:
        a, b = args
        e = tm.mk_app(Const("propext"), a, b, proof)
        if symm:
            e = tm.mk_app(Const("Eq.symm", (tm.TYPE.level,)), tm.PROP, a, b, e)
            a, b = b, a
        return [(e, a, b, tm.PROP)]
    if symm:
        raise LeanError("Invalid `←` modifier: the proof is not an equality or iff")
    if name == "Ne" and len(args) == 3:
        p = tm.mk_app(Const("Eq", f.levels), *args)
        return [(tm.mk_app(Const("eq_false"), p, proof), p, Const("False"), tm.PROP)]
    if name == "Not" and len(args) == 1:
        return [(tm.mk_app(Const("eq_false"), args[0], proof), args[0], Const("False"), tm.PROP)]
    if name == "And" and len(args) == 2:
        a, b = args
        return [*_equations(meta, tm.mk_app(Const("And.left"), a, b, proof), a, False),
                *_equations(meta, tm.mk_app(Const("And.right"), a, b, proof), b, False)]
    if name == "True":
        return []
    return [(tm.mk_app(Const("eq_true"), prop, proof), prop, Const("True"), tm.PROP)]


# --- the default simp set (in the environment's tables) -------------------------------------------


def add_simp_attr(meta, name: str, attr) -> None:
    """`@[simp]` (or `-simp`) on the declaration `name`: changes meta.ext."""
    ext = meta.ext
    if attr.erase:
        ext.own("simp_state")[("erased", name)] = True
        return
    decl = meta.env.lookup(name)
    priority, symm, args = DEFAULT_PRIORITY, False, [a for a in attr.args]
    if args and args[0] in ("←", "<-"):
        symm, args = True, args[1:]
    if args and args[0] in ("↓", "↑"):
        args = args[1:]
    if args:
        named = {"high": 10000, "low": 100, "mid": 1000, "default": 1000}
        if not args[0].isdigit() and args[0] not in named:
            raise Declined("simp attribute with arguments")
        priority = int(args[0]) if args[0].isdigit() else named[args[0]]
    ext.own("simp_state").pop(("erased", name), None)
    if not meta.is_prop(decl.type):
        if type(decl) is not DefDecl:
            raise LeanError(f"invalid 'simp', it is not a proposition nor a definition: {name}")
        if name in ext.smart:
            table = ext.own("simp_lemmas")
            for rule in equation_rules(meta, name, priority):
                table[rule.key] = (*table.get(rule.key, ()), rule)
            return
        ext.own("simp_state")[("unfold", name)] = True
        return
    table = ext.own("simp_lemmas")
    for rule in const_rules(meta, name, priority, symm):
        table[rule.key] = (*[r for r in table.get(rule.key, ()) if r.origin != name], rule)


def const_rules(meta, name: str, priority=DEFAULT_PRIORITY, symm=False):
    """Rules from a theorem of the environment, with its level parameters kept."""
    decl = meta.env.lookup(name)
    proof = Const(name, tuple([_param(u) for u in decl.level_params]))
    return rules_of(meta, name, proof, decl.type, decl.level_params, priority, symm,
                    proved_by_rfl(meta, decl))


def proved_by_rfl(meta, decl) -> bool:
    """Is the theorem an equation whose proof is `rfl` (possibly of another such theorem)?"""
    ty, value = decl.type, getattr(decl, "value", None)
    while type(ty) is Pi:
        ty = ty.body
    if not is_app_of(ty, "Eq", 3) or value is None:
        return False
    while type(value) is Lam:
        value = value.body
    f = tm.get_app_fn(value)
    if type(f) is not Const:
        return False
    if f.name in ("rfl", "Eq.refl"):
        return True
    inner = meta.env.get(f.name)
    return type(inner) is TheoremDecl and inner.name != "Eq.symm" and proved_by_rfl(meta, inner)


def equation_rules(meta, name: str, priority=DEFAULT_PRIORITY):
    """Rules from the equations of a definition."""
    decl = meta.env.lookup(name)
    return [Rule(name, decl.level_params, proof, ty, priority, True)
            for proof, ty in equations(meta, name)]


def _param(name: str):
    from minilean.kernel import level as lv
    return lv.param(name)


# --- order of terms, for permutation lemmas -------------------------------------------------------

_WEIGHT = {"BVar": 0, "FVar": 1, "MVar": 2, "Sort": 3, "Const": 4, "Lit": 5, "Proj": 7, "App": 8,
           "Lam": 9, "Pi": 10, "Let": 11}


def ac_lt(meta, a, b) -> bool:
    """Lean's order for AC rewriting (a lexicographic path order; instances are not looked at)."""
    if a is b:
        return False
    if any(x is a or ac_lt(meta, a, x) for x in order_children(meta, b)):
        return True
    wa, wb = _WEIGHT[type(a).__name__], _WEIGHT[type(b).__name__]
    if not all(ac_lt(meta, x, b) for x in order_children(meta, a)):
        return False
    return wa < wb if wa != wb else _same_kind_lt(meta, a, b)


def order_children(meta, e):
    """The subterms that count in the order: explicit arguments, binder parts."""
    if type(e) is App:
        if is_app_of(e, "OfNat.ofNat", 3):
            return [e.fn.arg]
        f, args = tm.get_app_fn_args(e)
        infos = _infos(meta, f, len(args))
        out = [a for a, i in zip(args, infos, strict=True) if i != "inst"]
        return out if type(f) is Const else [f, *out]
    return tm.children(e)


def _infos(meta, f, n: int):
    ty = meta.env.get(f.name).type if type(f) is Const else None
    out = []
    for _ in range(n):
        if type(ty) is Pi:
            out.append(ty.info)
            ty = ty.body
        else:
            out.append("default")
    return out


def _same_kind_lt(meta, a, b) -> bool:
    t = type(a)
    if t is FVar:
        return a.id < b.id
    if t is Const:
        return a.name < b.name
    if t is Lit:
        return str(a.value) < str(b.value) if type(a.value) is not type(b.value) \
            else a.value < b.value
    if t is App:
        fa, fb = tm.get_app_fn(a), tm.get_app_fn(b)
        if fa is not fb and type(fa) is Const and type(fb) is Const:
            return fa.name < fb.name
    xs, ys = order_children(meta, a), order_children(meta, b)
    if len(xs) != len(ys):
        return len(xs) < len(ys)
    for x, y in zip(xs, ys, strict=True):
        if ac_lt(meta, x, y):
            return True
        if ac_lt(meta, y, x):
            return False
    return False


def lit_value(e):
    """The int of a numeral `OfNat.ofNat Nat n _` or raw literal, else None."""
    if type(e) is Lit:
        return e.value if isinstance(e.value, int) else None
    if is_app_of(e, "OfNat.ofNat", 3):
        lit = e.fn.arg
        if type(lit) is Lit and e.fn.fn.arg is Const("Nat"):
            return lit.value
    return None
