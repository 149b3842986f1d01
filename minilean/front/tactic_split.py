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
from minilean.front.simp import head_name
from minilean.front.tactic import on_main
from minilean.front.tactic_rewrite import replace_at, rewrite_term
from minilean.front.tactic_util import append_tag, tactic
from minilean.front.terms import get_app_num_args
from minilean.kernel import term as tm
from minilean.kernel.term import Const, FVar, MVar, Pi, instantiate

IF_LEMMAS = {"ite": ("if_pos", "if_neg"), "dite": ("dif_pos", "dif_neg")}


def find_split(meta, e):
    """The first `ite`, `dite` or match application without loose variables, in preorder."""
    stack, seen = [e], set()
    while stack:
        s = stack.pop()
        if s in seen:
            continue
        seen.add(s)
        name = head_name(s)
        info = meta.ext.matchers.get(name)
        arity = 5 if name in IF_LEMMAS else info and info.arity
        if not s.loose and get_app_num_args(s) == arity:
            return s
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
        is_if = head_name(found) in IF_LEMMAS
        return split_if(meta, goal, found) if is_if else split_match(meta, goal, found)
    on_main(ctx, go)


def split_if(meta, goal: int, e) -> list[int]:
    """Goals with the condition or its negation; the `if` is replaced by its branch."""
    f, (ty, c, inst, a, b) = tm.get_app_fn_args(e)
    target, d = meta.goal_type(goal), meta.decls[goal]
    pos, neg = IF_LEMMAS[f.name]
    goals, branches = [], []
    for tag, hyp, branch, lemma in (("isTrue", c, a, pos), ("isFalse", meta.mk_not(c), b, neg)):
        h = meta.mk_local("h✝", hyp)
        new = meta.mk_goal(Pi("h✝", hyp, target), append_tag(d.name, tag), d.lctx)
        branches.append(MVar(new))
        inner = meta.intro_goal(new, [h], target)
        value = branch if f.name == "ite" else meta.beta(branch, [h.fvar])
        rule = tm.mk_app(Const(lemma, f.levels), ty, c, inst, h.fvar, a, b)
        with meta.with_goal(inner):
            after, eq, _ = rewrite_term(meta, inner, target, rule, False, ty=meta.mk_eq(e, value))
            goals.append(replace_at(meta, inner, None, after, eq))
    dite = Const("dite", (meta.sort_level(target),))
    meta.assign_mvar(goal, tm.mk_app(dite, target, c, inst, *branches))
    return goals


def split_match(meta, goal: int, e) -> list[int]:
    """One goal for each alternative, by the matcher itself with the target as motive."""
    f, args = tm.get_app_fn_args(e)
    info = meta.ext.matchers[f.name]
    discrs = args[info.num_params + 1:info.first_alt]
    for i, x in enumerate(discrs):
        if type(x) is FVar and meta.fvars[x.id].value is None and discrs.count(x) == 1:
            continue
        var, goal = U.generalize_term(meta, goal, x, "x✝", "heq✝")
        discrs[i] = var.fvar
    with meta.with_goal(goal):
        ids = [x.id for x in discrs]
        deps = [d for d in U.dependents(meta, goal, ids) if d.id not in ids]
        goal = U.revert(meta, goal, deps)
        return _apply_matcher(meta, goal, f, args, info, discrs, deps)


def _apply_matcher(meta, goal: int, f, args, info, discrs, deps) -> list[int]:
    d = meta.decls[goal]
    target = meta.goal_type(goal)
    names = meta.env.get(f.name).level_params
    levels = tuple([meta.sort_level(target) if name == "u_motive" else u
                    for name, u in zip(names, f.levels, strict=True)])
    motive = meta.mk_lambda(discrs, target)
    fn = tm.mk_app(Const(f.name, levels), *args[:info.num_params], motive, *discrs)
    ty = meta.infer(fn)
    goals, alts = [], []
    for k in range(info.num_alts):
        alt = meta.expect_pi(ty)
        new = meta.mk_goal(alt.type, append_tag(d.name, f"h_{k + 1}"), d.lctx)
        alts.append(MVar(new))
        ty = instantiate(alt.body, MVar(new))
        goals.append(_enter(meta, new, info, k, discrs, deps))
    meta.assign_mvar(goal, tm.mk_app(fn, *alts))
    return goals


def _enter(meta, goal: int, info, k: int, discrs, deps) -> int:
    """Introduces the pattern variables and what was reverted; reduces the match."""
    for _ in range(info.alt_arity[k]):
        with meta.with_goal(goal):
            _, goal = U.intro1(meta, goal)
    with meta.with_goal(goal):
        target = reduce_matches(meta, meta.head_beta(meta.goal_type(goal)))
        if info.name in tm.const_names(target):
            raise Declined("split on overlapping patterns")
        goal = U.change_target(meta, goal, target)
        goal = U.try_clear(meta, goal, [x.id for x in discrs])
        return U.reintro(meta, goal, deps)[1]


def reduce_matches(meta, e):
    """e with the matches on constructors reduced."""
    def visit(s):
        if head_name(s) not in meta.ext.matchers:
            return None
        with meta.transparency("reducible"):
            new = meta.whnf_core(s)
        return None if new is s else reduce_matches(meta, new)
    return tm.replace(e, visit)
