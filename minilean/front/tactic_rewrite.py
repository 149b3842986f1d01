"""rw, rewrite, rwa; simp, simp only, simp at, simpa, simp_all; unfold, split.

Follows Lean's `Lean/Meta/Tactic/{Rewrite,SplitIf}.lean` (keyed matching up to instances, motive
check, new goals for what the equation leaves open), `Lean/Meta/Tactic/Simp/SimpAll.lean` and
`Lean/Elab/Tactic/{Rewrite,Simp,Simpa,Unfold}.lean`: rules from the brackets (`*`: all hypotheses,
`-name` erases, definitions unfold), targets and hypotheses, an error when nothing changes. Options
other than `+contextual` are declined by name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_apply as A
from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.equations import equations
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import add_decl, add_rules, equation_of, head_name
from minilean.front.simp_main import Simp, SimpSet
from minilean.front.tactic import goal_tactic, on_places, script
from minilean.front.tactic_basic import cases_on_prop, close_by_rfl
from minilean.front.terms import get_app_num_args, has_loose_bvar
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import Const, FVar

# Also used by `simp only`
ALWAYS = ("eq_self", "iff_self", "ite_cond_eq_true", "ite_cond_eq_false", "dite_cond_eq_true",
          "dite_cond_eq_false", "ite_cond_congr", "Decidable.decide_cond_congr")
IF_LEMMAS = {"ite": ("if_pos", "if_neg"), "dite": ("dif_pos", "dif_neg")}


# --- rewriting by one equation --------------------------------------------------------------------


def rewrite_term(meta, goal: int, target, e, symm: bool, extra=(), ty=None):
    """(new term, proof of target = new term, new goals): the rule e at all its instances.

    `ty` is the rule's statement; the goals are what unification leaves open, of `extra` too.
    """
    def fail(text, term):
        return U.tactic_error(meta, "rewrite", goal, f"{text}\n  {meta.pp(term)}")
    mvars, infos, prop = meta.forall_meta(meta.inst(meta.infer(e) if ty is None else ty))
    prop = meta.inst(prop)
    if not meta.is_prop(prop) or type(tm.get_app_fn(prop)) is tm.MVar:
        raise fail("equality or iff proof expected", prop)
    proof, eq_ty, lhs, rhs = equation_of(meta, meta.beta(e, mvars), prop, symm)
    lhs, target = meta.inst(lhs), meta.inst(target)
    if type(tm.get_app_fn(lhs)) is tm.MVar:
        raise fail("Pattern is a metavariable", lhs)
    with meta.transparency("reducible"):
        body = meta.kabstract(target, lhs)
    if not has_loose_bvar(body, 0):
        raise fail(f"Did not find an occurrence of the pattern\n  {meta.pp(lhs)}\nin the target "
                   "expression", target)
    eq_ty, rhs, lhs = meta.inst(eq_ty), meta.head_beta(meta.inst(rhs)), meta.inst(lhs)
    motive = tm.Lam("_a", eq_ty, body)
    if not well_typed(meta, motive):
        raise fail("motive is not type correct:", motive)
    new = meta.head_beta(tm.instantiate(body, rhs))
    eq = U.congr_step(meta, motive, motive, lhs, rhs, None, proof)
    return meta.inst(new), eq, A.open_goals(meta, mvars, infos, extra)


def well_typed(meta, motive) -> bool:
    """Do applications in the body of `motive` have arguments of the types that are expected?"""
    x = meta.mk_local("_a", motive.type).fvar
    return all(meta.is_def_eq(meta.expect_pi(meta.infer(s.fn)).type, meta.infer(s.arg))
               for s in tm.subterms(tm.instantiate(motive.body, x))
               if type(s) is tm.App and s.flags & tm.FVAR and not s.loose)


# --- rw -------------------------------------------------------------------------------------------


@U.tactic("rewrite")
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
            return [U.replace_at(meta, goal, d, new, eq), *goals]
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


@U.tactic("rw", "rwa")
def rw(ctx, stx, rules, loc):
    """`rewrite`, then `with_reducible rfl` if that closes the main goal; `assumption` for rwa."""
    rewrite(ctx, stx, rules, loc)
    ctx.prune()
    for goal in ctx.goals[:1]:
        with ctx.meta.with_goal(goal), ctx.meta.transparency("reducible"):
            close_by_rfl(ctx.meta, goal)
    if stx.kind == "rwa":
        script(ctx, stx, "assumption")


# --- the rules in brackets ------------------------------------------------------------------------


def make_set(ctx, stx, config, only, args) -> SimpSet:
    """The rules of a call: the default ones unless `only`, the bracketed arguments, options."""
    for name, value in config:
        if (name, value) != ("contextual", True):
            raise Declined(f"simp option {'+' if value is True else '-'}{name}", stx)
    every, table = stx.kind == "simp_all", dict(ctx.meta.ext.simp_lemmas)
    if only:
        table = {key: [rule for rule in rules if rule.origin in ALWAYS]
                 for key, rules in table.items() if type(key) is not str}
    rules = SimpSet(table, contextual=bool(config) or every, hyps=every)
    for arg in args or ():
        if arg.star:
            rules.hyps = True
        else:
            add_arg(ctx, rules, arg)
    return rules


def add_arg(ctx, rules: SimpSet, arg) -> None:
    """Adds (or erases) a theorem, the equations of a definition, a proof."""
    meta, (e, _) = ctx.meta, A.elab_for_apply(ctx, arg.term)
    if arg.erase:
        rules.erased |= {e.name if type(e) is Const else e.id}
    elif type(e) is Const:
        add_decl(meta, rules.table, e.name, arg.symm)
    elif not meta.is_proof(e):
        raise Declined("simp with a local definition or a term that is no proof", arg)
    else:
        e = closed(meta, e)
        origin = e.id if type(e) is FVar else f"_arg{arg.pos}"
        add_rules(meta, rules.table, origin, e, meta.infer(e), symm=arg.symm)


def closed(meta, e):
    """e as a function of its holes."""
    xs = []
    for i in meta.mvars_in(e):
        xs.append(meta.mk_local("x", meta.inst(meta.decls[i].type)).fvar)
        meta.assign_mvar(i, xs[-1])
    return meta.mk_lambda(xs, e)


# --- simplifying places ---------------------------------------------------------------------------


def propositions(meta, goal: int):
    """The hypotheses of a goal that are proofs."""
    return [d for d in U.hypotheses(meta, goal) if meta.is_prop(d.type)]


def places_at(meta, goal: int, loc, every: bool):
    """What a location names (`every`: all there is): ids of hypotheses, None for the target."""
    if every or loc is not None and loc.wildcard:
        return [*[d.id for d in propositions(meta, goal)], None]
    hyps = [U.find_hyp(meta, goal, x.name, x).id for x in (loc.hyps if loc else ())]
    return [*hyps, None] if loc is None or loc.goal else hyps


def simp_place(meta, goal: int, place, rules: SimpSet):
    """The goal with one place simplified, the same if nothing changes; None if that closes it, as a
    target that becomes True or a hypothesis False does."""
    lctx = meta.decls[goal].lctx
    d = lctx.get(place)
    if d is None and place is not None:
        return goal
    with meta.with_lctx(lctx):
        rules = rules.with_hyps(meta, propositions(meta, goal) if rules.hyps else ())
        rules.erased |= {place}
        old = meta.goal_type(goal) if d is None else meta.inst(d.type)
        new, proof = Simp(meta, rules).simp(old)
        if new is (TRUE if d is None else FALSE):
            eq = proof or meta.mk_eq_refl(old)
            meta.assign_mvar(goal, meta.mk_cast("Eq.mpr", eq, Const("True.intro")) if d is None else
                             meta.mk_at("False.elim", meta.goal_type(goal),
                                        meta.mk_cast("Eq.mp", eq, d.fvar)))
            return None
        if new is old:
            return goal
        if new is TRUE:
            return U.try_clear(meta, goal, [d.id])
        return U.replace_at(meta, goal, d, new, proof)


@goal_tactic("simp", "simp_all")
def simp(ctx, goal, stx, config, only, args, loc=None):
    """`simp_all` simplifies hypotheses and target with each other until nothing changes."""
    meta, every = ctx.meta, stx.kind == "simp_all"
    rules = make_set(ctx, stx, config, only, args)
    before, now = None, goal
    while now not in (before, None) and (every or before is None):
        before = now
        for place in places_at(meta, now, loc, every):
            now = now and simp_place(meta, now, place, rules)
    if now == goal:
        raise LeanError(f"`{stx.kind}` made no progress", stx)
    return [now] if now else []


@goal_tactic("simpa")
def simpa(ctx, goal, stx, config, only, args, using):
    """Closes the simplified target by a simplified term, `this`, or an assumption."""
    meta, rules = ctx.meta, make_set(ctx, stx, config, only, args)
    this = meta.lctx.find("this")
    e = this and this.fvar if using is None else ctx.elab.elab_with_holes(using, None)[0]
    goal = simp_place(meta, goal, None, rules)
    if goal is None:
        return []
    if e is None:
        return ctx.focus(goal, script, ctx, stx, "assumption")
    d, goal = U.assert_hyp(meta, goal, "simpa✝", meta.inst(meta.infer(e)), e)
    goal = simp_place(meta, goal, d.id, rules)
    if goal is not None:
        h = meta.decls[goal].lctx.find("simpa✝")
        with meta.with_goal(goal), meta.transparency("reducible"):
            if h is None or not meta.is_def_eq(meta.goal_type(goal), h.type):
                raise U.tactic_error(meta, "simpa", goal, "The simplified types differ")
        meta.assign_mvar(goal, h.fvar)
    return []


# --- unfold, split --------------------------------------------------------------------------------


@U.tactic("unfold")
def unfold(ctx, stx, idents, loc):
    """As simp does it, with the definition and nothing else."""
    for ident in idents:
        name = ctx.elab.resolve_const(ident.name)
        if ctx.meta.lctx.find(ident.name) or type(ctx.meta.env.lookup(name)) is not DefDecl:
            raise Declined("unfold of what is no definition", ident)
        rules = SimpSet({}, procs={})
        add_decl(ctx.meta, rules.table, name)
        on_places(ctx, loc, lambda *place, rules=rules: [unfold_at(ctx, stx, rules, *place)])


def unfold_at(ctx, stx, rules, goal: int, d, old) -> int:
    new, proof = Simp(ctx.meta, rules).simp(old)
    if new is old:
        raise Declined("unfold of a definition that does not occur with constructors", stx)
    return U.replace_at(ctx.meta, goal, d, new, proof)


@goal_tactic("split")
def split(ctx, goal, stx):
    """Case distinction on the condition of the first `if`; it is replaced by its branch."""
    meta, goals = ctx.meta, []
    target = meta.goal_type(goal)
    if any(name in meta.ext.matchers for name in tm.const_names(target)):
        raise Declined("split on a match", stx)
    found = first_if(target)
    if found is None:
        raise U.tactic_error(meta, "split", goal, "Could not split an `if` or `match` expression")
    f, (ty, c, inst, *values) = tm.get_app_fn_args(found)
    branches = cases_on_prop(meta, goal, c, inst, ("isTrue", "isFalse"))
    for (h, new), lemma in zip(branches, IF_LEMMAS[f.name], strict=True):
        rule = tm.mk_app(Const(lemma, f.levels), ty, c, inst, h.fvar, *values)
        after, eq, _ = rewrite_term(meta, new, target, rule, False)
        goals.append(U.replace_at(meta, new, None, after, eq))
    return goals


def first_if(e):
    """The first `ite` or `dite` without loose variables, in preorder, or None."""
    if not e.loose and head_name(e) in IF_LEMMAS and get_app_num_args(e) == 5:
        return e
    return next(filter(None, map(first_if, tm.children(e))), None)
