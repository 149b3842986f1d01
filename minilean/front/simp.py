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
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Lit, MVar, Pi

WILD = "*"
DEFAULT_PRIORITY = 1000
PRIORITIES = {"": DEFAULT_PRIORITY, "low": 100, "mid": 500, "high": 10_000}
TRUE, FALSE, NAT = Const("True"), Const("False"), Const("Nat")
NUMERALS = {"OfNat.ofNat", "Nat.zero"}


class Rule:
    """`type` is ∀ xs, lhs = rhs with proof `proof`; `origin` is the name that `-name` erases."""

    __slots__ = ("key", "levels", "lhs", "order", "origin", "perm", "proof", "rfl", "type")

    def __init__(self, origin, levels, proof, type, priority=DEFAULT_PRIORITY, rfl=False):
        self.origin, self.levels, self.proof, self.type, self.rfl = origin, levels, proof, type, rfl
        equation = under_binders(type)
        self.lhs = equation.fn.arg
        self.key = head_key(self.lhs)
        self.perm = is_permutation(self.lhs, equation.arg)
        self.order = (-priority, star_path(self.lhs))


def add_rules(table, rules) -> None:
    """Adds rules to a table {head key: rules in the order in which Lean tries them}."""
    for rule in rules:
        found = [*table.get(rule.key, ()), rule]
        table[rule.key] = sorted(found, key=lambda r: r.order)


def under_binders(e):
    """e without its leading ∀ and fun binders; their variables become loose."""
    while type(e) is Pi or type(e) is Lam:
        e = e.body
    return e


def head_name(e):
    """The name of the constant at the head of e, else None."""
    f = tm.get_app_fn(e)
    return f.name if type(f) is Const else None


def head_key(e):
    """Index key of a term: constant or variable and number of arguments, or a kind."""
    f = tm.get_app_fn(e)
    t = type(f)
    if t is Const or t is FVar:
        return f.name if t is Const else f, get_app_num_args(e)
    return WILD if t is BVar or t is MVar else t.__name__


def star_path(e) -> tuple[int, ...]:
    """0 for each variable and 1 for each symbol of a left side, in preorder.

    Lean's discrimination tree yields patterns with an earlier variable first; among equals the one
    declared first comes first.
    """
    f, args = tm.get_app_fn_args(e)
    if type(f) is BVar or type(f) is MVar or offset(e) is not None:
        return (0,)
    path = (1,)
    for a in args:
        if not (head_name(a) or "").startswith("inst"):
            path += star_path(a)
    return path


def offset(e):
    """(x, k) for x + k with a literal k and for Nat.succ x, which the index treats as variables."""
    if is_app_of(e, "Nat.succ", 1):
        return e.arg, 1
    k = lit_value(e.arg) if is_app_of(e, "HAdd.hAdd", 6) else None
    return None if k is None else (e.fn.arg, k)


def lit_value(e):
    """The int of a numeral `OfNat.ofNat Nat n _` or raw literal, else None."""
    if is_app_of(e, "OfNat.ofNat", 3) and e.fn.fn.arg is NAT:
        e = e.fn.arg
    return e.value if type(e) is Lit and type(e.value) is int else None


def may_match(p, e, reducible) -> bool:
    """A quick test whether the pattern p (variables loose) can unify with e; False is certain."""
    f, args = tm.get_app_fn_args(p)
    g, terms = tm.get_app_fn_args(e)
    t, u = type(f), type(g)
    if t is BVar or u is MVar or u is BVar or u is Lam or offset(p) is not None:
        return True
    name, other = f.name if t is Const else None, g.name if u is Const else None
    if name in reducible or other in reducible:
        return True
    if t is Pi:
        return u is Const or (u is Pi and may_match(f.type, g.type, reducible)
                              and may_match(f.body, g.body, reducible))
    if t is not Const:
        return p is e if t is Lit else t is Lam or t is u
    if name.startswith("inst") or (name in NUMERALS and u is Lit):
        return True
    if name != other:
        return other is not None and (other.startswith("inst") or {name, other} == NUMERALS)
    return len(args) == len(terms) and all(
        may_match(a, b, reducible) for a, b in zip(args, terms, strict=True))


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


# --- from proofs to rules -------------------------------------------------------------------------


def rules_of(meta, origin, proof, prop, levels=(), priority=DEFAULT_PRIORITY, symm=False,
             rfl=False):
    """The rules that a proof of `prop` gives. Propositions without variables become p = True."""
    with meta.transparency("reducible"):
        decls, body = meta.forall_locals(meta.inst(prop))
    fvars = [d.fvar for d in decls]
    out = []
    with meta.with_lctx(meta.lctx.add(*decls)):
        for e, ty, lhs, rhs in _equations(meta, meta.beta(proof, fvars), body, symm):
            if lhs not in fvars:
                eq = tm.mk_app(Const("Eq", (meta.sort_level(ty),)), ty, lhs, rhs)
                out.append(Rule(origin, levels, meta.mk_lambda(fvars, e), meta.mk_pi(fvars, eq),
                                priority, rfl))
    return out


def _equations(meta, proof, prop, symm: bool):
    """[(proof, type, lhs, rhs)] of the equations that proof : prop stands for."""
    shown = expose_relation(meta, prop)
    name = head_name(shown)
    if symm and name not in ("Eq", "Iff"):
        raise LeanError("Invalid `←` modifier: the proof is not an equality or iff")
    if name == "And":
        a, b = shown.fn.arg, shown.arg
        return [*_equations(meta, tm.mk_app(Const("And.left"), a, b, proof), a, False),
                *_equations(meta, tm.mk_app(Const("And.right"), a, b, proof), b, False)]
    if name == "True":
        return []
    equation = equation_of(meta, proof, prop)
    return [flipped(meta, *equation) if symm else equation]


def expose_relation(meta, prop):
    """prop, unfolded when a reducible definition may hide the relation at its head."""
    known = head_name(prop) in ("Eq", "Iff", "Not", "Ne", "And")
    return prop if known else meta.whnf_r(prop)


def equation_of(meta, proof, prop):
    """(proof, type, lhs, rhs) of the equation that proof : prop gives, if no other p = True."""
    f, args = tm.get_app_fn_args(expose_relation(meta, prop))
    name = f.name if type(f) is Const else None
    if name == "Eq":
        return proof, *args
    if name == "Iff":
        return tm.mk_app(Const("propext"), *args, proof), tm.PROP, *args
    if name == "Ne":
        prop = tm.mk_app(Const("Eq", f.levels), *args)
    elif name == "Not":
        prop = args[0]
    value, eq = settled(prop, name not in ("Ne", "Not"), proof)
    return eq, tm.PROP, prop, value


def settled(p, value: bool, proof):
    """(True, proof of p = True) from a proof of p; (False, proof of p = False) from one of ¬p."""
    lemma = Const("eq_true" if value else "eq_false")
    return TRUE if value else FALSE, tm.mk_app(lemma, p, proof)


def flipped(meta, proof, ty, lhs, rhs):
    """The equation with its sides exchanged."""
    symm = Const("Eq.symm", (meta.sort_level(ty),))
    return tm.mk_app(symm, ty, lhs, rhs, proof), ty, rhs, lhs


# --- the default simp set (in the environment's tables) -------------------------------------------


def add_simp_attr(meta, name: str, attr) -> None:
    """`@[simp]` (or `-simp`) on the declaration `name`: changes meta.ext."""
    table, unfold = meta.ext.own("simp_lemmas"), meta.ext.own("simp_state")
    if attr.erase:
        for key, rules in table.items():
            table[key] = [r for r in rules if r.origin != name]
        unfold.pop(name, None)
        return
    text = " ".join(attr.args)
    if text not in PRIORITIES and not text.isdigit():
        raise Declined("simp attribute with arguments")
    priority = int(text) if text.isdigit() else PRIORITIES[text]
    rules, unfolds = decl_rules(meta, name, priority)
    add_rules(table, rules)
    if unfolds:
        unfold[name] = True


def decl_rules(meta, name: str, priority=DEFAULT_PRIORITY, symm=False):
    """(rules, whether to unfold it) of a declaration given to simp: a theorem or a definition.

    The rules of a theorem keep its level parameters.
    """
    decl, smart = meta.env.lookup(name), meta.ext.smart.get(name)
    if meta.is_prop(decl.type):
        proof = Const(name, tuple([lv.param(u) for u in decl.level_params]))
        return rules_of(meta, name, proof, decl.type, decl.level_params, priority, symm,
                        proved_by_rfl(meta, decl)), False
    if type(decl) is not DefDecl:
        raise LeanError(f"invalid 'simp', it is not a proposition nor a definition: `{name}`")
    if smart is None:
        return [], True
    return equation_rules(meta, name, priority), not smart.recursive


def proved_by_rfl(meta, decl) -> bool:
    """Is the theorem an equation whose proof is `rfl` (possibly of another such theorem)?"""
    if type(decl) is not TheoremDecl or not is_app_of(under_binders(decl.type), "Eq", 3):
        return False
    name = head_name(under_binders(decl.value))
    if name is None or name == "Eq.symm":
        return False
    return name in ("rfl", "Eq.refl") or proved_by_rfl(meta, meta.env.get(name))


def equation_rules(meta, name: str, priority=DEFAULT_PRIORITY):
    """Rules from the equations of a definition."""
    decl = meta.env.lookup(name)
    return [Rule(name, decl.level_params, proof, ty, priority, True)
            for proof, ty in equations(meta, name)]


# --- order of terms, for permutation lemmas -------------------------------------------------------

_KINDS = (BVar, FVar, MVar, tm.Sort, Const, Lit, tm.Proj, App, Lam, Pi, tm.Let)  # in order


def ac_lt(meta, a, b) -> bool:
    """Lean's order for AC rewriting (a lexicographic path order; instances are not looked at)."""
    if a is b:
        return False
    if any(x is a or ac_lt(meta, a, x) for x in order_children(meta, b)):
        return True
    if not all(ac_lt(meta, x, b) for x in order_children(meta, a)):
        return False
    if type(a) is not type(b):
        return _KINDS.index(type(a)) < _KINDS.index(type(b))
    return _same_kind_lt(meta, a, b)


def order_children(meta, e):
    """The subterms that count in the order: explicit arguments, binder parts."""
    if type(e) is not App:
        return tm.children(e)
    if is_app_of(e, "OfNat.ofNat", 3):
        return [e.fn.arg]
    f, args = tm.get_app_fn_args(e)
    if type(f) is not Const:
        return [f, *args]
    infos = meta.arg_infos(f, len(args))
    return [a for a, info in zip(args, infos, strict=True) if info != "inst"]


def _same_kind_lt(meta, a, b) -> bool:
    t = type(a)
    if t is FVar:
        return a.id < b.id
    if t is Lit:
        return (type(a.value) is str, a.value) < (type(b.value) is str, b.value)
    fa, fb = head_name(a), head_name(b)
    if fa and fb and fa != fb:
        return fa < fb
    xs, ys = order_children(meta, a), order_children(meta, b)
    if len(xs) != len(ys):
        return len(xs) < len(ys)
    for x, y in zip(xs, ys, strict=True):
        if ac_lt(meta, x, y):
            return True
        if ac_lt(meta, y, x):
            return False
    return False
