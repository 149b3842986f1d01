"""rw, rewrite, rwa, unfold, split and the rewriting of one goal by one equation.

Follows Lean's `Lean/Meta/Tactic/Rewrite.lean` (keyed matching up to instances, motive check, new
goals for what the equation leaves open), `Lean/Meta/Tactic/SplitIf.lean` and
`Lean/Elab/Tactic/{Rewrite,Unfold}.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_apply as A
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import add_rules, decl_rules, equation_of, flipped, head_name
from minilean.front.simp_main import Simp, SimpSet
from minilean.front.tactic import goal_tactic, on_places, script
from minilean.front.tactic_basic import cases_on_prop
from minilean.front.tactic_util import replace_at, tactic, tactic_error
from minilean.front.terms import get_app_num_args, has_loose_bvar
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl

IF_LEMMAS = {"ite": ("if_pos", "if_neg"), "dite": ("dif_pos", "dif_neg")}


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
    equation = equation_of(meta, meta.beta(e, mvars), prop)
    proof, eq_ty, lhs, rhs = flipped(meta, *equation) if symm else equation
    lhs, target = meta.inst(lhs), meta.inst(target)
    if type(tm.get_app_fn(lhs)) is tm.MVar:
        raise fail("Pattern is a metavariable", lhs)
    with meta.transparency("reducible"):
        body = meta.kabstract(target, lhs)
    if not has_loose_bvar(body, 0):
        raise fail(f"Did not find an occurrence of the pattern\n  {meta.pp(lhs)}\nin the target "
                   "expression", target)
    eq_ty, rhs, lhs = meta.inst(eq_ty), meta.inst(rhs), meta.inst(lhs)
    motive = tm.Lam("_a", eq_ty, body)
    if not well_typed(meta, motive):
        raise fail("motive is not type correct:", motive)
    new = meta.head_beta(tm.instantiate(body, rhs))
    target_ty = meta.inst(meta.infer(target))
    levels = meta.sort_level(eq_ty), meta.sort_level(target_ty)
    eq = tm.mk_app(tm.Const("congrArg", levels), eq_ty, target_ty, lhs, rhs, motive, proof)
    return meta.inst(new), eq, A.open_goals(meta, mvars, infos, extra)


def well_typed(meta, e) -> bool:
    """Has every argument of an application in e the type that the function expects?"""
    t = type(e)
    if t in (tm.Lam, tm.Pi, tm.Let):
        x = meta.mk_local(e.name, e.type, value=getattr(e, "value", None)).fvar
        return well_typed(meta, e.type) and well_typed(meta, tm.instantiate(e.body, x))
    if not e.flags & tm.FVAR:
        return True
    return all(well_typed(meta, child) for child in tm.children(e)) and (
        t is not tm.App
        or meta.is_def_eq(meta.expect_pi(meta.infer(e.fn)).type, meta.infer(e.arg)))


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
    found = equations(meta, decl)
    if not found:
        raise Declined(f"equations of the definition {e.name}")
    us = decl.level_params, e.levels
    return [(tm.instantiate_level_params(proof, *us), [], tm.instantiate_level_params(ty, *us))
            for proof, ty in found]


@tactic("rw", "rwa")
def rw(ctx, stx, rules, loc):
    """`rewrite`, then `with_reducible rfl` if that closes the main goal; `assumption` for rwa."""
    rewrite(ctx, stx, rules, loc)
    script(ctx, stx, "try with_reducible rfl")
    if stx.kind == "rwa":
        script(ctx, stx, "assumption")


# --- unfold, split ------------------------------------------------------------------------------


@tactic("unfold")
def unfold(ctx, stx, idents, loc):
    for ident in idents:
        on_places(ctx, loc, lambda *place, ident=ident: [unfold_at(ctx, ident, *place)])


def unfold_at(ctx, ident, goal: int, d, old) -> int:
    """New goal: as simp does it, with the definition's equations and nothing else."""
    meta = ctx.meta
    if meta.lctx.find(ident.name) is not None:
        raise Declined("unfold of a local definition", ident)
    name = ctx.elab.resolve_const(ident.name)
    if type(meta.env.lookup(name)) is not DefDecl or name not in tm.const_names(old):
        raise LeanError(f"Tactic `unfold` failed to unfold `{name}` at\n  {meta.pp(old)}", ident)
    rules = SimpSet(procs=False)
    add_rules(rules.table, decl_rules(meta, name))
    new, proof = Simp(meta, rules).simp(old)
    if new is old:
        raise Declined(f"unfold of {name}", ident)
    return replace_at(meta, goal, d, new, proof)


@goal_tactic("split")
def split(ctx, goal, stx, term, loc):
    """Case distinction on the condition of the first `if`; it is replaced by its branch."""
    meta, goals = ctx.meta, []
    if term is not None or loc is not None:
        raise Declined("split with a term or location", stx)
    target = meta.goal_type(goal)
    if any(name in meta.ext.matchers for name in tm.const_names(target)):
        raise Declined("split on a match", stx)
    found = first_if(target)
    if found is None:
        raise tactic_error(meta, "split", goal, "Could not split an `if` or `match` expression")
    f, (ty, c, inst, *values) = tm.get_app_fn_args(found)
    branches = cases_on_prop(meta, goal, c, inst, ("isTrue", "isFalse"))
    for (h, new), value, lemma in zip(branches, values, IF_LEMMAS[f.name], strict=True):
        rule = tm.mk_app(tm.Const(lemma, f.levels), ty, c, inst, h.fvar, *values)
        value = value if f.name == "ite" else meta.beta(value, [h.fvar])
        after, eq, _ = rewrite_term(meta, new, target, rule, False, ty=meta.mk_eq(found, value))
        goals.append(replace_at(meta, new, None, after, eq))
    return goals


def first_if(e):
    """The first `ite` or `dite` without loose variables, in preorder, or None."""
    found = []

    def visit(s):
        if not s.loose and head_name(s) in IF_LEMMAS and get_app_num_args(s) == 5:
            found.append(s)
        return s if found else None
    tm.replace(e, visit)
    return found[0] if found else None
