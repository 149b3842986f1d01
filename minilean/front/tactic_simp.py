"""simp, simp only, simp at, simpa, simp_all, unfold, split.

Follows Lean's `Lean/Elab/Tactic/{Simp,Simpa,Unfold}.lean`, `Lean/Meta/Tactic/Simp/SimpAll.lean`:
rules from the brackets (`*`: all hypotheses, `-name` erases, definitions unfold), targets and
hypotheses, an error when nothing changes. Options other than `+contextual` are declined by name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_util as U
from minilean.front.build import FALSE, TRUE
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import add_decl, add_rules, head_name
from minilean.front.simp_main import Simp, SimpSet
from minilean.front.tactic import goal_tactic, on_places
from minilean.front.tactic_apply import assumption, elab, elab_for_apply
from minilean.front.tactic_basic import cases_on_prop
from minilean.front.tactic_rewrite import rewrite_term
from minilean.front.terms import get_app_num_args
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import Const, FVar

# Also used by `simp only`
ALWAYS = ("eq_self", "iff_self", "ite_cond_eq_true", "ite_cond_eq_false", "dite_cond_eq_true",
          "dite_cond_eq_false", "ite_cond_congr", "Decidable.decide_cond_congr")
IF_LEMMAS = {"ite": ("if_pos", "if_neg"), "dite": ("dif_pos", "dif_neg")}

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
    meta, (e, _) = ctx.meta, elab_for_apply(ctx, arg.term)
    if arg.erase:
        if type(e) not in (Const, FVar):
            raise Declined("simp [-term]", arg)
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
    holes = [meta.decls[i] for i in meta.mvars_in(e)]
    xs = []
    for d in holes:
        xs.append(meta.mk_local("x", meta.inst(d.type)).fvar)
        meta.assign_mvar(d.id, xs[-1])
    return meta.mk_lambda(xs, e)


# --- simplifying places ---------------------------------------------------------------------------


def propositions(meta, goal: int):
    """The hypotheses of a goal that are proofs."""
    return [d for d in U.hypotheses(meta, goal) if meta.is_prop(d.type)]


def places_at(meta, goal: int, loc, every: bool):
    """What a location names (`every`: all there is): ids of hypotheses, None for the target."""
    if loc is None and not every:
        return [None]
    if every or loc.wildcard:
        return [*[d.id for d in propositions(meta, goal)], None]
    hyps = [U.find_hyp(meta, goal, x.name, x).id for x in loc.hyps]
    return [*hyps, None] if loc.goal else hyps


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
        if d is None and new is TRUE:
            meta.assign_mvar(U.replace_at(meta, goal, d, new, proof), Const("True.intro"))
            return None
        if d is not None and new is FALSE:
            false = meta.mk_cast("Eq.mp", proof or meta.mk_eq_refl(old), d.fvar)
            meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), false))
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
        meta.tick()
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
    e = meta.inst(elab(ctx, using)) if using is not None else this and this.fvar
    goal = simp_place(meta, goal, None, rules)
    if goal is None:
        return []
    if e is None:
        return ctx.focus(goal, assumption, ctx, stx)
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
    found = next((s for s in tm.subterms(target) if is_if(s)), None)
    if found is None:
        raise U.tactic_error(meta, "split", goal, "Could not split an `if` or `match` expression")
    f, (ty, c, inst, *values) = tm.get_app_fn_args(found)
    branches = cases_on_prop(meta, goal, c, inst, ("isTrue", "isFalse"))
    for (h, new), lemma in zip(branches, IF_LEMMAS[f.name], strict=True):
        rule = tm.mk_app(Const(lemma, f.levels), ty, c, inst, h.fvar, *values)
        after, eq, _ = rewrite_term(meta, new, target, rule, False)
        goals.append(U.replace_at(meta, new, None, after, eq))
    return goals


def is_if(e) -> bool:
    return not e.loose and head_name(e) in IF_LEMMAS and get_app_num_args(e) == 5
