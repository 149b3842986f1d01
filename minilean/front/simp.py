"""The simplifier's rules: from theorems and hypotheses to oriented equations, indexed by head.

Follows Lean's `Lean/Meta/Tactic/Simp/SimpTheorems.lean`: `a ↔ b`, `¬ p`, `a ≠ b`, `p ∧ q` and plain
propositions become equations; an equation whose sides are the same up to a permutation of variables
is used only when it makes the term smaller. The rewriting itself is in `simp_main.py`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from collections import namedtuple

from minilean.front.build import FALSE, TRUE
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic_elim import conjuncts
from minilean.front.terms import conclusion, const_of, get_app_num_args
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import App, BVar, Const, FVar, Lam, Lit, MVar, Pi

# `type` is ∀ xs, lhs = rhs with proof `proof`, both None for a definition to unfold; `origin` is
# the name that `-name` erases, `heads` what the parts of lhs begin with. A table {key: rules} has
# rules by the head key of lhs, definitions by their name, in the order in which they are tried.
Rule = namedtuple("Rule", "origin levels proof type heads perm")


def add_rule(meta, table, origin, levels, proof, type) -> None:
    """Adds the rule `proof : type` to a table."""
    equation = conclusion(type)
    lhs, rhs = equation.fn.arg, equation.arg
    heads = () if meta.nat_offset(lhs) else heads_of(meta, lhs)
    perm = lhs is not rhs and shape(lhs) == shape(rhs)
    key = head_key(lhs)
    table[key] = [*table.get(key, ()), Rule(origin, levels, proof, type, heads, perm)]


def shape(e):
    """What a permutation of the variables keeps: their set, and e without them."""
    found = {s for s in tm.subterms(e) if type(s) is BVar}
    return found, tm.replace(e, lambda s: tm.PROP if s in found else None)


def head_name(e):
    """The name of the constant at the head of e, else None."""
    f = tm.get_app_fn(e)
    return f.name if type(f) is Const else None


def head_key(e):
    """Index key of a term: its head (a name, a variable or a kind) and number of arguments; None
    for what has no head."""
    f = tm.get_app_fn(e)
    kind = f.name if type(f) is Const else f if type(f) is FVar else type(f)
    return None if kind in (BVar, MVar, Lam) else (kind, get_app_num_args(e))


def heads_of(meta, e):
    """What the parts of e share with all terms that they unify with: a head or a number; None when
    there is no telling. Sums with a numeral may be numerals."""
    found = []
    for a in parts(e):
        base, k = meta.nat_offset(a) or (a, None)
        kind = (head_key(a) or (None,))[0] if base is a else k if base is None else None
        unfolds = kind in meta.ext.reducible or str(kind).startswith(("inst", "OfNat"))
        found.append(None if unfolds else kind)
    return found


def parts(e):
    """The arguments of an application, the children of another term."""
    return tm.get_app_fn_args(e)[1] if type(e) is App else tm.children(e)


# --- from proofs to rules -------------------------------------------------------------------------


def add_rules(meta, table, origin, proof, prop, levels=(), symm=False) -> None:
    """Adds the rules that a proof of `prop` gives. Those without variables say p = True."""
    with meta.transparency("reducible"):
        decls, body = meta.forall_locals(meta.inst(prop))
    fvars = [d.fvar for d in decls]
    relation = expose_relation(meta, body)
    with meta.with_lctx(meta.lctx.add(*decls)):
        if symm and head_name(relation) not in ("Eq", "Iff"):
            raise LeanError("Invalid `←` modifier: the proof is not an equality or iff")
        body = relation if head_name(relation) == "And" else body
        for part, p in conjuncts(meta.beta(proof, fvars), body):
            e, _, lhs, rhs = equation_of(meta, part, p, symm)
            if lhs not in fvars:
                add_rule(meta, table, origin, levels, meta.mk_lambda(fvars, e),
                         meta.mk_pi(fvars, meta.mk_eq(lhs, rhs)))


def expose_relation(meta, prop):
    """prop, unfolded when a reducible definition may hide the relation at its head."""
    known = head_name(prop) in ("Eq", "Iff", "Not", "Ne", "And")
    return prop if known else meta.whnf_r(prop)


def equation_of(meta, proof, prop, symm=False):
    """(proof, type, lhs, rhs) of the equation that proof : prop gives, if no other p = True.

    symm: with the sides exchanged.
    """
    f, args = tm.get_app_fn_args(expose_relation(meta, prop))
    name = f.name if type(f) is Const else None
    if name == "Eq":
        ty, lhs, rhs = args
    elif name == "Iff":
        ty, (lhs, rhs), proof = tm.PROP, args, tm.mk_app(Const("propext"), *args, proof)
    else:
        if name in ("Not", "Ne"):
            prop = args[0] if name == "Not" else tm.mk_app(Const("Eq", f.levels), *args)
        ty, lhs = tm.PROP, prop
        rhs, proof = settled(prop, name not in ("Ne", "Not"), proof)
    return (meta.mk_at("Eq.symm", ty, lhs, rhs, proof), ty, rhs, lhs) if symm else (
        proof, ty, lhs, rhs)


def settled(p, value: bool, proof):
    """(True, proof of p = True) from a proof of p; (False, proof of p = False) from one of ¬p."""
    lemma = Const("eq_true" if value else "eq_false")
    return TRUE if value else FALSE, tm.mk_app(lemma, p, proof)


def add_simp_attr(meta, name: str, attr) -> None:
    """`@[simp]` on the declaration `name`: changes meta.ext."""
    if attr.priority != 1000:
        raise Declined("simp attribute with a priority")
    add_decl(meta, meta.ext.own("simp_lemmas"), name)


def add_decl(meta, table, name: str, symm=False) -> None:
    """Adds a declaration given to simp to a table, a theorem or a definition."""
    decl = meta.env.lookup(name)
    if meta.is_prop(decl.type):
        add_rules(meta, table, name, const_of(decl), decl.type, decl.level_params, symm)
    elif type(decl) is not DefDecl or symm:
        raise LeanError(f"invalid 'simp', it is not a proposition nor a definition: `{name}`")
    elif name in meta.ext.smart and meta.ext.smart[name].recursive:
        for proof, ty in equations(meta, decl):
            add_rule(meta, table, name, decl.level_params, proof, ty)
    else:
        table[name] = [Rule(name, (), None, None, (), False)]


# --- order of terms, for permutation lemmas -------------------------------------------------------

_KINDS = (BVar, FVar, MVar, tm.Sort, Const, Lit, tm.Proj, Lam, Pi, tm.Let)  # in order
_SYMBOLS = {Const: "name", FVar: "id", Lit: "value"}


def order(e):
    """What terms are compared by: size, kind, symbol, parts; instances are not looked at."""
    f = tm.get_app_fn(e)
    inner = [order(a) for a in parts(e) if not (head_name(a) or "").startswith("inst")]
    symbol = getattr(f, _SYMBOLS.get(type(f), ""), "")
    return 1 + sum(part[0] for part in inner), _KINDS.index(type(f)), symbol, inner
