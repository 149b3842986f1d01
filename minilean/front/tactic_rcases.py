"""rcases, obtain, rintro: nested case analysis directed by patterns.

Follows Lean's `Lean/Elab/Tactic/RCases.lean`: a tuple pattern meets the fields of each constructor
(the last pattern takes what is left), alternatives meet the constructors, `rfl` substitutes, `-`
clears, `_` keeps an inaccessible name.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import on_main, rename_hyps
from minilean.front.tactic_cases import target_hyp
from minilean.front.tactic_elim import split_hyp
from minilean.front.tactic_subst import subst_hyp
from minilean.front.tactic_util import tactic
from minilean.kernel import term as tm
from minilean.kernel.term import FVar, MVar

HOLE = S.RPat(0, 0, "one", "_")


def pattern_of_term(t) -> S.RPat:
    """The rcases pattern that a term pattern of `intro`/`have` stands for."""
    if isinstance(t, S.Ident):
        return S.RPat(t.pos, t.end, "one", t.name)
    if isinstance(t, S.Hole):
        return S.RPat(t.pos, t.end, "one", "_")
    if isinstance(t, S.Paren):
        return pattern_of_term(t.term)
    if isinstance(t, S.Anon | S.Tuple):
        return S.RPat(t.pos, t.end, "tuple", "_", [pattern_of_term(x) for x in t.items])
    if isinstance(t, S.Ascription) and t.type is not None:
        return S.RPat(t.pos, t.end, "typed", "_", [pattern_of_term(t.term)], t.type)
    raise Declined("constructor pattern in intro/have", t)


def as_alts(pat: S.RPat) -> list[S.RPat]:
    return pat.items if pat.kind == "alts" else [pat]


def as_tuple(pat: S.RPat) -> tuple[list[S.RPat], bool]:
    """(items, explicit) of a pattern seen as a tuple."""
    if pat.kind == "explicit":
        return as_tuple(pat.items[0])[0], True
    return (pat.items, False) if pat.kind == "tuple" else ([pat], False)


def rcases_hyp(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Goals after matching the hypothesis d against a pattern."""
    meta = ctx.meta
    meta.tick()
    if pat.kind == "one":
        return [_one(ctx, goal, d, pat.name)]
    if pat.kind == "typed":
        with meta.with_goal(goal):
            ty = ctx.elab.elab_type(pat.type)
            if not meta.is_def_eq(d.type, ty):
                raise LeanError(f"Type mismatch: `{d.name}` has type\n  {meta.pp(d.type)}\nbut is "
                                f"expected to have type\n  {meta.pp(ty)}", pat.type)
        d, goal = U.change_hyp(meta, goal, d, meta.inst(ty))
        return rcases_hyp(ctx, goal, d, pat.items[0])
    if pat.kind in ("tuple", "explicit") and pat.kind == "tuple" and len(pat.items) == 1:
        found = U.whnf_inductive(meta, d.type)
        if found is None or not found[0].ctors:
            return rcases_hyp(ctx, goal, d, pat.items[0])
    found = U.whnf_inductive(meta, d.type)
    if found is None:
        raise LeanError(f"Tactic `rcases` failed: `{d.name} : {meta.pp(d.type)}` is not an "
                        "inductive datatype", pat if pat.end else None)
    plan = distribute(meta, found[0], pat)
    with meta.with_goal(goal):
        branches = split_hyp(meta, goal, d)
    goals = []
    for b in branches:
        goals += _fields(ctx, b.goal, b.decls, plan[b.ctor])
    return goals


def _one(ctx, goal: int, d, name: str) -> int:
    meta = ctx.meta
    if name == "rfl":
        with meta.with_goal(goal):
            parts = meta.eq_parts(d.type)
            if parts is None:
                w = meta.whnf(d.type)
                d, goal = U.change_hyp(meta, goal, d, w)
                parts = meta.eq_parts(d.type)
            if parts is not None and meta.is_def_eq(parts[1], parts[2]):
                return U.try_clear(meta, goal, [d.id])
        with meta.with_goal(goal):
            return subst_hyp(meta, goal, d)
    if name == "-":
        return U.try_clear(meta, goal, [d.id])
    if name == "_":
        return goal if d.name.endswith("✝") else rename_hyps(meta, goal, {d.id: d.name + "✝"})
    return goal if d.name == name else rename_hyps(meta, goal, {d.id: name})


def _fields(ctx, goal: int, decls, pats) -> list[int]:
    """Matches several hypotheses one after the other; ids may change by substitution."""
    goals = [goal]
    for k in range(len(decls)):
        new = []
        for g in goals:
            d = _current(ctx.meta, g, decls[k])
            new += [g] if d is None else rcases_hyp(ctx, g, d, pats[k])
        goals = new
    return goals


def _current(meta, goal: int, d):
    """The hypothesis d in a later goal: same id, or the same name after it was re-introduced."""
    lctx = meta.decls[goal].lctx
    found = lctx.get(d.id)
    if found is not None:
        return found
    moved = [x for x in lctx.decls if x.name == d.name]
    return moved[-1] if moved else None


def distribute(meta, decl, pat: S.RPat) -> dict[str, list[S.RPat]]:
    """Patterns for the fields of each constructor (Lean's processConstructors)."""
    plan = {}
    if len(decl.ctors) == 1:
        ctor = decl.ctors[0]
        items, explicit = as_tuple(pat)
        plan[ctor] = field_patterns(meta, ctor, items, explicit)
        return plan
    alts = as_alts(pat)
    for i, ctor in enumerate(decl.ctors):
        if i < len(alts) - 1 or i == len(decl.ctors) - 1:
            rest = alts[i:] if i == len(decl.ctors) - 1 else alts[i:i + 1]
            if not rest:
                one = HOLE
            elif len(rest) == 1:
                one = rest[0]
            else:
                one = S.RPat(pat.pos, pat.end, "alts", "_", list(rest))
        elif i < len(alts):
            one = alts[i]
        else:
            one = HOLE
        items, explicit = as_tuple(one)
        plan[ctor] = field_patterns(meta, ctor, items, explicit)
    return plan


def field_patterns(meta, ctor: str, items, explicit: bool) -> list[S.RPat]:
    """One pattern for each field; implicit fields get `_` unless explicit."""
    c = meta.env.lookup(ctor)
    infos, ty = [], c.type
    for _ in range(c.num_params):
        ty = ty.body
    for _ in range(c.num_fields):
        infos.append(ty.info)
        ty = ty.body
    wanted = [i for i, info in enumerate(infos) if explicit or info == "default"]
    pats = [HOLE] * c.num_fields
    items = list(items)
    for k, i in enumerate(wanted):
        if not items:
            break
        last = k == len(wanted) - 1
        if last and len(items) > 1:
            pats[i] = S.RPat(items[0].pos, items[-1].end, "tuple", "_", items)
            items = []
        else:
            pats[i] = items.pop(0)
    return pats


@tactic("rcases")
def rcases(ctx, stx, targets, pat):
    pat = pat or HOLE
    pats = [pat]
    if len(targets) > 1:
        items, _ = as_tuple(pat)
        pats = items + [HOLE] * (len(targets) - len(items))
    tag_goals = [ctx.main()]
    rest = ctx.goals[1:]
    for (name, term), p in zip(targets, pats, strict=False):
        new = []
        for goal in tag_goals:
            with ctx.meta.with_goal(goal):
                h, goal, _ = target_hyp(ctx, goal, name, term)
            with ctx.meta.with_goal(goal):
                new += rcases_hyp(ctx, goal, h, p)
        tag_goals = new
    ctx.goals = tag_goals + rest


@tactic("obtain")
def obtain(ctx, stx, pat, kind, values):
    if values is None:
        if kind is None:
            raise LeanError("`obtain` requires either an expected type or a value.", stx)
        return obtain_new(ctx, stx, pat or HOLE, kind)
    if len(values) != 1:
        raise Declined("obtain with several values", stx)
    obtain_term(ctx, stx, pat or HOLE, kind, values[0])


def obtain_new(ctx, stx, pat, kind):
    """`obtain pat : type`: the type becomes the first goal."""
    def go(goal):
        meta = ctx.meta
        ty = ctx.elab.elab_type(kind)
        sub = meta.mk_goal(ty)
        h, goal = U.assert_hyp(meta, goal, "this✝", ty, MVar(sub))
        return [sub, *rcases_hyp(ctx, goal, h, pat)]
    on_main(ctx, go)


def obtain_term(ctx, stx, pat, kind, value):
    """Matches the value (of type `kind`, if given) against the pattern."""
    def go(goal):
        meta = ctx.meta
        ctx.elab.err_to_sorry = False
        ty = ctx.elab.elab_type(kind) if kind is not None else None
        if ty is None:
            e = ctx.elab.elab_term(value, None)
        else:
            e = ctx.elab.elab_term_ensuring(value, ty)
        e = meta.inst(e)
        if e.flags & tm.MVAR:
            raise Declined("obtain from a term with holes", stx)
        if type(e) is FVar and ty is None and meta.fvars[e.id].value is None:
            return rcases_hyp(ctx, goal, meta.lctx.get(e.id), pat)
        ty = ty if ty is not None else meta.inst(meta.infer(e))
        name = pat.name if pat.kind == "one" and pat.name not in ("_", "-", "rfl") else "x✝"
        if meta.is_prop(ty):
            h, goal = U.assert_hyp(meta, goal, name, ty, e)
        else:
            h, _, goal = U.generalize_term(meta, goal, e, name)
        return rcases_hyp(ctx, goal, h, pat)
    on_main(ctx, go)


@tactic("rintro")
def rintro(ctx, stx, pats, kind):
    if kind is not None:
        raise Declined("rintro with a type", stx)

    def go(goal):
        goals = [goal]
        for pat in pats:
            new = []
            for g in goals:
                with ctx.meta.with_goal(g):
                    plain = pat.kind == "one" and pat.name not in ("_", "-", "rfl")
                    d, g = U.intro1(ctx.meta, g, pat.name if plain else None)
                with ctx.meta.with_goal(g):
                    new += rcases_hyp(ctx, g, d, pat)
            goals = new
        return goals
    on_main(ctx, go)
