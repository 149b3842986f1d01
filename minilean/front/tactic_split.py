"""split: case distinction on the first `if` or `match` of the target.

Follows Lean's `Lean/Meta/Tactic/{Split,SplitIf}.lean`: `if` gives goals isTrue/isFalse with the
condition as a hypothesis; `match` gives one goal for each alternative (h_1, h_2, …),
discriminants that are no variables leave an equation `heq✝`. Different: alternatives that overlap
earlier ones do not get the hypotheses that exclude those.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import on_main
from minilean.front.tactic_util import append_tag, tactic
from minilean.front.terms import is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, FVar, Lam, MVar, Pi, instantiate


def find_split(meta, e):
    """The first `ite`, `dite` or match application without loose variables, in preorder."""
    stack, seen = [e], set()
    while stack:
        s = stack.pop()
        if s in seen:
            continue
        seen.add(s)
        if type(s) is App and not s.loose:
            f, args = tm.get_app_fn_args(s)
            if type(f) is Const:
                if f.name in ("ite", "dite") and len(args) >= 5:
                    return s if len(args) == 5 else tm.mk_app(f, *args[:5])
                info = meta.ext.matchers.get(f.name)
                if info is not None and len(args) >= info.arity:
                    return s if len(args) == info.arity else tm.mk_app(f, *args[:info.arity])
        stack.extend(reversed(tm.children(s)))
    return None


@tactic("split")
def split(ctx, stx, term, loc):
    if term is not None or loc is not None:
        raise Declined("split with a term or location", stx)

    def go(goal):
        meta = ctx.meta
        found = find_split(meta, meta.goal_type(goal))
        if found is None:
            raise LeanError("Tactic `split` failed: Could not split an `if` or `match` expression "
                            f"in the goal\n\n{meta.pp_goal(goal)}", stx)
        f = tm.get_app_fn(found)
        if f.name in ("ite", "dite"):
            return split_if(meta, goal, found, f.name)
        return split_match(meta, goal, found)
    on_main(ctx, go)


def split_if(meta, goal: int, e, name: str) -> list[int]:
    """Goals with the condition or its negation; the `if` is replaced by its branch."""
    f, (ty, c, inst, a, b) = tm.get_app_fn_args(e)
    target = meta.goal_type(goal)
    d = meta.decls[goal]
    goals, branches = [], []
    for tag, hyp, branch, lemma in (("isTrue", c, a, "if_pos"), ("isFalse", meta.mk_not(c), b,
                                                                  "if_neg")):
        h = meta.mk_local("h✝", hyp)
        new = meta.mk_goal(Pi("h✝", hyp, target), append_tag(d.name, tag), d.lctx)
        branches.append(MVar(new))
        inner = meta.intro_goal(new, [h], target)
        lemma = lemma if name == "ite" else lemma.replace("if_", "dif_")
        value = branch if name == "ite" else meta.beta(branch, [h.fvar])
        eq = tm.mk_app(Const(lemma, f.levels), *_if_args(name, ty, c, inst, h, a, b))
        with meta.with_goal(inner):
            body = meta.kabstract(target, e)
            motive = Lam("x", ty, body)
            goals.append(_rewrite(meta, inner, motive, e, value, eq, f.levels[0], ty))
    meta.assign_mvar(goal, tm.mk_app(Const("dite", (meta.sort_level(target),)), target, c, inst,
                                     *branches))
    return goals


def _if_args(name, ty, c, inst, h, a, b):
    return (ty, c, inst, h.fvar, a, b)


def _rewrite(meta, goal: int, motive, old, new, eq, u, ty) -> int:
    target = meta.beta(motive, [new])
    v = meta.sort_level(target)
    proof = tm.mk_app(Const("congrArg", (u, lv.succ(v))), ty, tm.Sort(v), old, new, motive, eq)
    return U.replace_target_eq(meta, goal, target, proof)


def split_match(meta, goal: int, e) -> list[int]:
    """One goal for each alternative, by the matcher itself with the target as motive."""
    f, args = tm.get_app_fn_args(e)
    info = meta.ext.matchers[f.name]
    discrs = args[info.num_params + 1:info.first_alt]
    for i, x in enumerate(discrs):
        if type(x) is FVar and meta.fvars[x.id].value is None and discrs.count(x) == 1:
            continue
        var, goal = U.generalize_term(meta, goal, x, "x✝", "heq✝")
        e = tm.replace(e, lambda s, x=x, var=var: var.fvar if s is x else None)
        discrs[i] = var.fvar
    with meta.with_goal(goal):
        ids = [x.id for x in discrs]
        deps = [d for d in U.dependents(meta, goal, ids) if d.id not in ids]
        goal = U.revert(meta, goal, deps)
        return _apply_matcher(meta, goal, f, args, info, discrs, deps)


def _apply_matcher(meta, goal: int, f, args, info, discrs, deps) -> list[int]:
    d = meta.decls[goal]
    target = meta.goal_type(goal)
    motive = meta.mk_lambda(discrs, target)
    levels = _motive_level(meta, f, target)
    fn = tm.mk_app(Const(f.name, levels), *args[:info.num_params], motive, *discrs)
    ty = meta.infer(fn)
    goals, alts = [], []
    for k in range(info.num_alts):
        alt = meta.expect_pi(ty)
        tag = append_tag(d.name, f"h_{k + 1}")
        new = meta.mk_goal(alt.type, tag, d.lctx)
        alts.append(MVar(new))
        ty = instantiate(alt.body, MVar(new))
        with meta.with_goal(new):
            goals.append(_enter(meta, new, motive, info, k, discrs, deps))
    meta.assign_mvar(goal, tm.mk_app(fn, *alts))
    return goals


def _motive_level(meta, f, target):
    """The matcher's levels with the motive's universe replaced by that of the target."""
    decl = meta.env.get(f.name)
    level = meta.sort_level(target)
    out, ty = list(f.levels), decl.type
    while type(ty) is Pi:
        if ty.name == "motive":
            sort = ty.type
            while type(sort) is Pi:
                sort = sort.body
            for i, u in enumerate(decl.level_params):
                if lv.eq(sort.level, lv.param(u)):
                    out[i] = level
            break
        ty = ty.body
    return tuple(out)


def _enter(meta, goal: int, motive, info, k: int, discrs, deps) -> int:
    """Introduces the pattern variables and what was reverted; reduces the match."""
    for _ in range(info.alt_arity[k] or (1 if type(meta.goal_type(goal)) is Pi and
                                         _is_unit(meta.goal_type(goal).type) else 0)):
        with meta.with_goal(goal):
            x, goal = U.intro1(meta, goal)
    target = meta.goal_type(goal)
    g, patterns = tm.get_app_fn_args(target)
    if g is motive:
        target = meta.beta(motive, patterns)
    new = reduce_matches(meta, target)
    if find_same(new, info.name):
        raise Declined("split on overlapping patterns")
    goal = U.change_target(meta, goal, new)
    with meta.with_goal(goal):
        goal = U.try_clear(meta, goal, [x.id for x in discrs])
        return U.reintro(meta, goal, deps)[1]


def find_same(e, matcher: str) -> bool:
    """Does the matcher still occur in e? (its alternative was not selected)"""
    return matcher in tm.const_names(e)


def _is_unit(ty) -> bool:
    return is_app_of(ty, "Unit", 0) or is_app_of(ty, "PUnit", 0)


def reduce_matches(meta, e):
    """e with the matches on constructors reduced."""
    def visit(s):
        if type(s) is App:
            f = tm.get_app_fn(s)
            if type(f) is Const and f.name in meta.ext.matchers:
                with meta.transparency("reducible"):
                    r = meta.whnf_core(s)
                if r is not s:
                    return reduce_matches(meta, r)
        return None
    return tm.replace(e, visit)
