"""The simplifier's rules: from theorems and hypotheses to oriented equations, indexed by head.

Follows Lean's `Lean/Meta/Tactic/Simp/SimpTheorems.lean`: `a ↔ b`, `¬ p`, `a ≠ b`, `p ∧ q` and plain
propositions become equations; an equation whose sides are the same up to a permutation of variables
is used only when it makes the term smaller. The rewriting itself is in `simp_main.py`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front.build import FALSE, NAT, TRUE
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import get_app_num_args, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.literals import as_literal
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Lit, MVar, Pi

NUMERALS = ("OfNat.ofNat", "Nat.zero")


class Rule:
    """`type` is ∀ xs, lhs = rhs with proof `proof`; `origin` is the name that `-name` erases.

    A rule with `rfl` holds by definition; its proof is not used.
    """

    __slots__ = ("heads", "key", "levels", "origin", "perm", "proof", "rfl", "type")

    def __init__(self, origin, levels, proof, type, rfl=False):
        self.origin, self.levels, self.proof, self.type, self.rfl = origin, levels, proof, type, rfl
        equation = under_binders(type)
        lhs, rhs = equation.fn.arg, equation.arg
        self.key = head_key(lhs)
        self.heads = [] if self.key is None or offset(lhs) else [
            None if offset(a) else head(a) for a in parts(lhs)]
        self.perm = lhs is not rhs and renumbered(lhs) is renumbered(rhs)

    def may_match(self, heads, reducible) -> bool:
        """A quick test against the heads of a term's parts; False is certain."""
        for p, h in zip(self.heads, heads, strict=False):
            if p != h and p is not None and h is not None and p not in reducible:
                return False
        return True


def add_rules(table, rules) -> None:
    """Adds rules to a table {head key: rules in the order in which they are tried}."""
    for rule in rules:
        table[rule.key] = [*table.get(rule.key, ()), rule]


def under_binders(e):
    """e without its leading ∀ and fun binders; their variables become loose."""
    while type(e) is Pi or type(e) is Lam:
        e = e.body
    return e


def head_name(e):
    """The name of the constant at the head of e, else None."""
    f = tm.get_app_fn(e)
    return f.name if type(f) is Const else None


def head(e):
    """What e shares with every term it unifies with: a constant's name, a number, a variable, a
    kind; None when there is no telling."""
    f = tm.get_app_fn(e)
    t = type(f)
    if t is Const:
        known = f.name not in NUMERALS and not f.name.startswith("inst")
        return f.name if known else lit_value(e)
    if t is Lit or t is FVar:
        return f.value if t is Lit else f
    return None if t is BVar or t is MVar or t is Lam else t


def head_key(e):
    """Index key of a term: its head and number of arguments; None for what has no head."""
    found = head(e)
    return None if found is None else (found, get_app_num_args(e))


def parts(e):
    """The arguments of an application, the children of another term (of a → b → c: b, c, too)."""
    if type(e) is App:
        return tm.get_app_fn_args(e)[1]
    inner = parts(e.body) if type(e) is Pi and type(e.body) is Pi else ()
    return (*tm.children(e), *inner)


def explicit_parts(e):
    """The parts of e that are no instances."""
    return [a for a in parts(e) if not (head_name(a) or "").startswith("inst")]


def heads_of(e, reducible):
    """What `may_match` compares with a rule: the heads of e's parts, None for what may unfold."""
    found = map(head, parts(e))
    return [None if h in reducible else h for h in found]


def offset(e):
    """(x, k) for x + k with a literal k and for Nat.succ x, which the index treats as variables."""
    if is_app_of(e, "Nat.succ", 1):
        return e.arg, 1
    k = lit_value(e.arg) if is_app_of(e, "HAdd.hAdd", 6) else None
    return None if k is None else (e.fn.arg, k)


def lit_value(e):
    """The int of a numeral `OfNat.ofNat Nat n _`, a raw literal or Nat.zero, else None."""
    if is_app_of(e, "OfNat.ofNat", 3) and e.fn.fn.arg is NAT:
        e = e.fn.arg
    return as_literal(e)


def renumbered(e):
    """e with its bound variables numbered as they first appear: equal for permutations."""
    numbers = {}

    def go(s, _depth=0):
        if type(s) is BVar:
            return BVar(numbers.setdefault(s, len(numbers)))
        return tm.rebuild(s, go, 0)
    return go(e)


# --- from proofs to rules -------------------------------------------------------------------------


def rules_of(meta, origin, proof, prop, levels=(), symm=False, rfl=False):
    """The rules that a proof of `prop` gives. Propositions without variables become p = True."""
    with meta.transparency("reducible"):
        decls, body = meta.forall_locals(meta.inst(prop))
    fvars = [d.fvar for d in decls]
    out = []
    with meta.with_lctx(meta.lctx.add(*decls)):
        if symm and head_name(expose_relation(meta, body)) not in ("Eq", "Iff"):
            raise LeanError("Invalid `←` modifier: the proof is not an equality or iff")
        for equation in _equations(meta, meta.beta(proof, fvars), body):
            e, _, lhs, rhs = flipped(meta, *equation) if symm else equation
            if lhs not in fvars:
                out.append(Rule(origin, levels, meta.mk_lambda(fvars, e),
                                meta.mk_pi(fvars, meta.mk_eq(lhs, rhs)), rfl))
    return out


def _equations(meta, proof, prop):
    """[(proof, type, lhs, rhs)] of the equations that proof : prop stands for."""
    shown = expose_relation(meta, prop)
    if is_app_of(shown, "And", 2):
        a, b = shown.fn.arg, shown.arg
        return [*_equations(meta, tm.mk_app(Const("And.left"), a, b, proof), a),
                *_equations(meta, tm.mk_app(Const("And.right"), a, b, proof), b)]
    return [] if shown is TRUE else [equation_of(meta, proof, prop)]


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


def add_simp_attr(meta, name: str, attr) -> None:
    """`@[simp]` on the declaration `name`: changes meta.ext."""
    if attr.priority != 1000:
        raise Declined("simp attribute with a priority")
    add_rules(meta.ext.own("simp_lemmas"), decl_rules(meta, name))


def decl_rules(meta, name: str, symm=False):
    """The rules of a declaration given to simp, a theorem or a definition, with its levels."""
    decl, smart = meta.env.lookup(name), meta.ext.smart.get(name)
    if meta.is_prop(decl.type):
        proof = Const(name, tuple([lv.param(u) for u in decl.level_params]))
        return rules_of(meta, name, proof, decl.type, decl.level_params, symm,
                        proved_by_rfl(meta, decl))
    if type(decl) is not DefDecl:
        raise LeanError(f"invalid 'simp', it is not a proposition nor a definition: `{name}`")
    if smart is None or not smart.recursive:
        return unfolding_rules(meta, decl)
    return [Rule(name, decl.level_params, proof, ty, True) for proof, ty in equations(meta, decl)]


def proved_by_rfl(meta, decl) -> bool:
    """Is the theorem an equation whose proof is `rfl` (possibly of another such theorem)?"""
    if type(decl) is not TheoremDecl or not is_app_of(under_binders(decl.type), "Eq", 3):
        return False
    name = head_name(under_binders(decl.value))
    if name is None or name == "Eq.symm":
        return False
    return name in ("rfl", "Eq.refl") or proved_by_rfl(meta, meta.env.get(name))


def unfolding_rules(meta, decl):
    """f x… = body, with all arguments that f or its type can take, and f = fun x… => body."""
    f = Const(decl.name, tuple([lv.param(u) for u in decl.level_params]))
    decls, body = meta.lambda_locals(decl.value)
    more, _ = meta.forall_locals(meta.infer(body), reducing=False)
    fvars, rules = [d.fvar for d in (*decls, *more)], []
    for n in sorted({0, len(decls), len(fvars)}):
        xs = fvars[:n]
        equation = meta.mk_eq(tm.mk_app(f, *xs), meta.beta(decl.value, xs))
        rules.append(Rule(decl.name, decl.level_params, None, meta.mk_pi(xs, equation), True))
    return rules


# --- order of terms, for permutation lemmas -------------------------------------------------------

_KINDS = (BVar, FVar, MVar, tm.Sort, Const, Lit, tm.Proj, App, Lam, Pi, tm.Let)  # in order
_SYMBOLS = {Const: "name", FVar: "id", Lit: "value"}


def ac_lt(a, b) -> bool:
    """Lean's order for AC rewriting (a lexicographic path order; instances are not looked at)."""
    if a is b:
        return False
    xs, ys = explicit_parts(a), explicit_parts(b)
    if any(y is a or ac_lt(a, y) for y in ys):
        return True
    if not all(ac_lt(x, b) for x in xs):
        return False
    if _rank(a, xs) != _rank(b, ys):
        return _rank(a, xs) < _rank(b, ys)
    for x, y in zip(xs, ys, strict=True):
        if ac_lt(x, y):
            return True
        if ac_lt(y, x):
            return False
    return False


def _rank(e, children):
    """What is compared before the children: kinds, symbol, number of children."""
    f = tm.get_app_fn(e)
    symbol = getattr(f, _SYMBOLS[type(f)]) if type(f) in _SYMBOLS else ""
    return _KINDS.index(type(e)), _KINDS.index(type(f)), symbol, len(children)
