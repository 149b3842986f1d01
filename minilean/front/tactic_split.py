"""split: case distinction on the first `if` or `match` of the target.

Follows Lean's `Lean/Meta/Tactic/{Split,SplitIf}.lean`: `if` gives goals isTrue/isFalse with the
condition as a hypothesis; `match` gives one goal for each alternative (h_1, h_2, …),
discriminants that are no variables leave an equation `heq✝`. Different: alternatives that overlap
earlier ones do not get the hypotheses that exclude those.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import tactic_util as U
from minilean.front.errors import Declined
from minilean.front.simp import head_name
from minilean.front.tactic import goal_tactic
from minilean.front.tactic_basic import cases_on_prop
from minilean.front.tactic_rewrite import rewrite_term
from minilean.front.tactic_subst import is_free_var
from minilean.front.terms import get_app_num_args
from minilean.kernel import term as tm

IF_LEMMAS = {"ite": ("if_pos", "if_neg"), "dite": ("dif_pos", "dif_neg")}


def find_split(meta, e):
    """The first `ite`, `dite` or match application without loose variables, in preorder."""
    found = []

    def visit(s):
        name = head_name(s)
        info = meta.ext.matchers.get(name)
        arity = 5 if name in IF_LEMMAS else info and info.arity
        if not s.loose and get_app_num_args(s) == arity:
            found.append(s)
        return s if found else None
    tm.replace(e, visit)
    return found[0] if found else None


@goal_tactic("split")
def split(ctx, goal, stx, term, loc):
    if term is not None or loc is not None:
        raise Declined("split with a term or location", stx)
    meta = ctx.meta
    found = find_split(meta, meta.goal_type(goal))
    if found is None:
        raise U.tactic_error(meta, "split", goal, "Could not split an `if` or `match` expression "
                             "in the goal")
    return (split_if if head_name(found) in IF_LEMMAS else split_match)(meta, goal, found)


def split_if(meta, goal: int, e) -> list[int]:
    """Goals with the condition or its negation; the `if` is replaced by its branch."""
    f, (ty, c, inst, a, b) = tm.get_app_fn_args(e)
    target, goals = meta.goal_type(goal), []
    branches = cases_on_prop(meta, goal, c, inst, ("isTrue", "isFalse"))
    for (h, new), value, lemma in zip(branches, (a, b), IF_LEMMAS[f.name], strict=True):
        if f.name == "dite":
            value = meta.beta(value, [h.fvar])
        rule = tm.mk_app(tm.Const(lemma, f.levels), ty, c, inst, h.fvar, a, b)
        after, eq, _ = rewrite_term(meta, new, target, rule, False, ty=meta.mk_eq(e, value))
        goals.append(U.replace_at(meta, new, None, after, eq))
    return goals


def split_match(meta, goal: int, e) -> list[int]:
    """One goal for each alternative, by the matcher itself with the target as motive."""
    f, args = tm.get_app_fn_args(e)
    info = meta.ext.matchers[f.name]
    discrs = args[info.num_params + 1:info.first_alt]
    for i, x in enumerate(discrs):
        if not is_free_var(meta, goal, x) or discrs.count(x) > 1:
            var, goal = U.generalize_term(meta, goal, x, "x✝", "heq✝")
            discrs[i] = var.fvar
    ids = [x.id for x in discrs]
    deps = [d for d in U.dependents(meta, goal, ids) if d.id not in ids]
    goal = U.revert(meta, goal, deps)
    target = meta.goal_type(goal)
    names = meta.env.get(f.name).level_params
    levels = [meta.sort_level(target) if name == "u_motive" else u
              for name, u in zip(names, f.levels, strict=True)]
    fn = tm.mk_app(tm.Const(f.name, tuple(levels)), *args[:info.num_params],
                   meta.mk_lambda(discrs, target), *discrs)
    goals = U.apply_cases(meta, goal, fn, [f"h_{k + 1}" for k in range(info.num_alts)])
    return [_enter(meta, new, info, k, ids, deps) for k, new in enumerate(goals)]


def _enter(meta, goal: int, info, k: int, ids, deps) -> int:
    """Introduces the pattern variables (or a Unit) and what was reverted; reduces the match."""
    for _ in range(info.alt_arity[k] or 1):
        goal = U.intro1(meta, goal)[1]
    target = reduce_matches(meta, meta.head_beta(meta.goal_type(goal)))
    if info.name in tm.const_names(target):
        raise Declined("split on overlapping patterns")
    goal = U.replace_at(meta, goal, None, target)
    return U.reintro(meta, U.try_clear(meta, goal, ids), deps)[1]


def reduce_matches(meta, e):
    """e with the matches on constructors reduced."""
    def visit(s):
        if head_name(s) not in meta.ext.matchers:
            return None
        with meta.transparency("reducible"):
            new = meta.whnf_core(s)
        return None if new is s else reduce_matches(meta, new)
    return tm.replace(e, visit)
