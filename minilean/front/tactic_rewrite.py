"""rw, rewrite, rwa and the rewriting of one goal by one equation.

Follows Lean's `Lean/Meta/Tactic/Rewrite.lean` (keyed matching up to instances, motive check, new
goals for what the equation leaves open) and `Lean/Elab/Tactic/Rewrite.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_apply as A
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import equation_of
from minilean.front.tactic import on_places
from minilean.front.tactic_basic import close_rfl
from minilean.front.tactic_util import replace_at, tactic, tactic_error
from minilean.front.terms import has_loose_bvar
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl


def rewrite_term(meta, goal: int, target, e, symm: bool, extra=(), ty=None):
    """(new term, proof of target = new term, new goals): the rule e at all its instances.

    `ty` is the rule's statement; the goals are what unification leaves open, of `extra` too.
    """
    def fail(text, term):
        return tactic_error(meta, "rewrite", goal, f"{text}\n  {meta.pp(term)}")
    mvars, infos, prop = meta.forall_meta(meta.inst(meta.infer(e) if ty is None else ty))
    prop = meta.inst(prop)
    if not meta.is_prop(prop) or type(tm.get_app_fn(prop)) is tm.MVar:
        raise fail("equality or iff proof expected", prop)
    proof, eq_ty, lhs, rhs = equation_of(meta, meta.beta(e, mvars), prop, symm)
    lhs, target = meta.inst(lhs), meta.inst(target)
    if type(tm.get_app_fn(lhs)) is tm.MVar:
        raise fail("Pattern is a metavariable", lhs)
    with meta.transparency("instances"):
        body = meta.kabstract(target, lhs)
    if not has_loose_bvar(body, 0):
        raise fail(f"Did not find an occurrence of the pattern\n  {meta.pp(lhs)}\nin the target "
                   "expression", target)
    eq_ty, rhs, lhs = meta.inst(eq_ty), meta.head_beta(meta.inst(rhs)), meta.inst(lhs)
    motive = tm.Lam("_a", eq_ty, body)
    if not well_typed(meta, motive):
        raise fail("motive is not type correct:", motive)
    new = meta.head_beta(tm.instantiate(body, rhs))
    target_ty = meta.inst(meta.infer(target))
    levels = meta.sort_level(eq_ty), meta.sort_level(target_ty)
    eq = tm.mk_app(tm.Const("congrArg", levels), eq_ty, target_ty, lhs, rhs, motive, proof)
    return meta.inst(new), eq, A.open_goals(meta, mvars, infos, extra)


def well_typed(meta, motive) -> bool:
    """Do applications in the body of `motive` have arguments of the types that are expected?"""
    x = meta.mk_local("_a", motive.type).fvar
    return all(meta.is_def_eq(meta.expect_pi(meta.infer(s.fn)).type, meta.infer(s.arg))
               for s in tm.subterms(tm.instantiate(motive.body, x))
               if type(s) is tm.App and s.flags & tm.FVAR and not s.loose)


# --- rw -------------------------------------------------------------------------------------------


@tactic("rewrite")
def rewrite(ctx, stx, rules, loc):
    for rule in rules:
        on_places(ctx, loc, lambda *place, rule=rule: rewrite_by(ctx, rule, *place))


def rewrite_by(ctx, rule, goal: int, d, old) -> list[int]:
    """The goals when the rule is used at hypothesis d (None: the target), which says `old`."""
    meta = ctx.meta
    first_error, mark = None, meta.save()
    for e, extra, ty in rule_terms(ctx, rule.term):
        try:
            new, eq, goals = rewrite_term(meta, goal, old, e, rule.symm, extra, ty)
            return [replace_at(meta, goal, d, new, eq), *goals]
        except LeanError as error:
            error.stx = error.stx or rule
            first_error = first_error or error
            meta.restore(mark)
    raise first_error


def rule_terms(ctx, term):
    """[(rule, its open holes, statement or None)]: the term, or the equations of a definition."""
    meta = ctx.meta
    e, extra = A.elab_for_apply(ctx, term)
    decl = meta.env.get(e.name) if type(e) is tm.Const else None
    if type(decl) is not DefDecl or meta.is_prop(decl.type):
        return [(e, extra, None)]
    found = equations(meta, e.name)
    if not found:
        raise Declined(f"equations of the definition {e.name}")
    us = decl.level_params, e.levels
    return [(tm.instantiate_level_params(proof, *us), [], tm.instantiate_level_params(ty, *us))
            for proof, ty in found]


@tactic("rw", "rwa")
def rw(ctx, stx, rules, loc):
    """`rewrite`, then `with_reducible rfl` if that closes the main goal; `assumption` for rwa."""
    rewrite(ctx, stx, rules, loc)
    with ctx.meta.transparency("reducible"):
        A.try_to_close(ctx, close_rfl)
    if stx.kind == "rwa":
        A.assumption(ctx, stx)
