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
from minilean.front.tactic import goal_tactic, rename_hyps
from minilean.front.tactic_cases import hyp_of_term, target_hyp
from minilean.front.tactic_elim import split_hyp
from minilean.front.tactic_subst import equation, subst_hyp
from minilean.kernel import term as tm
from minilean.kernel.term import MVar

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


def given_name(pat: S.RPat):
    """The name that the pattern gives to the whole, or None."""
    if pat.kind == "typed":
        return given_name(pat.items[0])
    return pat.name if pat.kind == "one" and pat.name not in ("_", "-", "rfl") else None


def intro_pattern(ctx, goal: int, pat: S.RPat) -> list[int]:
    """Goals after introducing a binder of the target and matching it against the pattern."""
    with ctx.meta.with_goal(goal):
        d, goal = U.intro1(ctx.meta, goal, given_name(pat))
    return rcases_hyp(ctx, goal, d, pat)


def rcases_hyp(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Goals after matching the hypothesis d against a pattern."""
    ctx.meta.tick()
    with ctx.meta.with_goal(goal):
        if pat.kind == "one":
            return [_one(ctx.meta, goal, d, pat.name)]
        if pat.kind == "typed":
            d, goal = _retype(ctx, goal, d, pat.type)
            return rcases_hyp(ctx, goal, d, pat.items[0])
        return _constructors(ctx, goal, d, pat)


def _one(meta, goal: int, d, name: str) -> int:
    if name == "rfl":
        parts = equation(meta, d.type)
        if parts is None or not meta.is_def_eq(parts[1], parts[2]):
            return subst_hyp(meta, goal, d)
    if name in ("rfl", "-"):
        return U.try_clear(meta, goal, [d.id])
    name = U.chosen(name, d.name)
    return goal if name == d.name else rename_hyps(meta, goal, {d.id: name})


def _retype(ctx, goal: int, d, kind):
    """(declaration, goal): the hypothesis with the type that the pattern states."""
    meta = ctx.meta
    ty = ctx.elab.elab_type(kind)
    if not meta.is_def_eq(d.type, ty):
        raise LeanError(f"Type mismatch: Hypothesis `{d.name}` has type\n  {meta.pp(d.type)}\n"
                        f"but is expected to have type\n  {meta.pp(ty)}", kind)
    return U.change_hyp(meta, goal, d, meta.inst(ty))


def _constructors(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """Splits d; the fields of each constructor meet their patterns, one after the other."""
    meta = ctx.meta
    found = meta.inductive_of(d.type)
    if pat.kind == "tuple" and len(pat.items) == 1 and (found is None or not found[0].ctors):
        return rcases_hyp(ctx, goal, d, pat.items[0])
    if found is None:
        raise LeanError(f"Tactic `rcases` failed: `{d.name} : {meta.pp(d.type)}` is not an "
                        "inductive datatype", pat if pat.end else None)
    plan = distribute(meta, found[0].ctors, pat)
    goals = []
    for b in split_hyp(meta, goal, d):
        left = [b.goal]
        for field, p in zip(b.decls, plan[b.ctor], strict=False):
            left = [new for g in left for new in _field(ctx, g, field, p)]
        goals += left
    return goals


def _field(ctx, goal: int, d, pat: S.RPat) -> list[int]:
    """rcases_hyp for a hypothesis that an earlier substitution may have moved or removed."""
    lctx = ctx.meta.decls[goal].lctx
    d = lctx.get(d.id) or next((x for x in reversed(lctx.decls) if x.name == d.name), None)
    return [goal] if d is None else rcases_hyp(ctx, goal, d, pat)


# --- which pattern meets what ---------------------------------------------------------------------


def spread(pats, n: int, kind: str) -> list[S.RPat]:
    """n patterns from those given: the last takes all that are left, `_` fills up."""
    if len(pats) > n > 0:
        rest = pats[n - 1:]
        return [*pats[:n - 1], S.RPat(rest[0].pos, rest[-1].end, kind, "_", rest)]
    return [*pats[:n], *[HOLE] * (n - len(pats))]


def distribute(meta, ctors, pat: S.RPat) -> dict[str, list[S.RPat]]:
    """Patterns for the fields of each constructor (Lean's processConstructors)."""
    alts = pat.items if pat.kind == "alts" else [pat]
    return {ctor: field_patterns(meta.env.lookup(ctor), alt)
            for ctor, alt in zip(ctors, spread(alts, len(ctors), "alts"), strict=True)}


def field_patterns(ctor, pat: S.RPat) -> list[S.RPat]:
    """One pattern for each field; implicit fields get `_` unless the pattern begins with `@`."""
    explicit = pat.kind == "explicit"
    if explicit:
        pat = pat.items[0]
    named, ty = [], ctor.type
    for i in range(ctor.num_params + ctor.num_fields):
        if i >= ctor.num_params:
            named.append(explicit or ty.info == "default")
        ty = ty.body
    pats = iter(spread(as_tuple(pat), sum(named), "tuple"))
    return [next(pats) if is_named else HOLE for is_named in named]


def as_tuple(pat: S.RPat) -> list[S.RPat]:
    return pat.items if pat.kind == "tuple" else [pat]


# --- the tactics ----------------------------------------------------------------------------------


@goal_tactic("rcases")
def rcases(ctx, goal, stx, targets, pat):
    if len(targets) != 1:
        raise Declined("rcases on several terms", stx)
    h, goal = target_hyp(ctx, goal, *targets[0])
    return rcases_hyp(ctx, goal, h, pat or HOLE)


@goal_tactic("obtain")
def obtain(ctx, goal, stx, pat, kind, values):
    if values is not None and len(values) != 1:
        raise Declined("obtain with several values", stx)
    if values is not None:
        return obtain_value(ctx, goal, stx, pat or HOLE, kind, values[0])
    if kind is None:
        raise LeanError("`obtain` requires either an expected type or a value.", stx)
    ty = ctx.elab.elab_type(kind)
    sub = ctx.meta.mk_goal(ty)
    h, goal = U.assert_hyp(ctx.meta, goal, "this✝", ty, MVar(sub))
    return [sub, *rcases_hyp(ctx, goal, h, pat or HOLE)]


def obtain_value(ctx, goal: int, stx, pat: S.RPat, kind, value) -> list[int]:
    """Matches the value (of type `kind`, if given) against the pattern."""
    ctx.elab.err_to_sorry = False
    ty = None if kind is None else ctx.elab.elab_type(kind)
    e = ctx.meta.inst(ctx.elab.elab_term(value, None) if ty is None else
                      ctx.elab.elab_term_ensuring(value, ty))
    if e.flags & tm.MVAR:
        raise Declined("obtain from a term with holes", stx)
    h, goal = hyp_of_term(ctx.meta, goal, e, ty, given_name(pat) or "x✝")
    return rcases_hyp(ctx, goal, h, pat)


@goal_tactic("rintro")
def rintro(ctx, goal, stx, pats, kind):
    if kind is not None:
        raise Declined("rintro with a type", stx)
    goals = [goal]
    for pat in pats:
        goals = [new for g in goals for new in intro_pattern(ctx, g, pat)]
    return goals
