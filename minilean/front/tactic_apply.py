"""Natural deduction: exact, refine, apply, intro, have, suffices, show, and the context.

Follows Lean's `Lean/Elab/Tactic/{BuiltinTactic,ElabTerm}.lean` and `Lean/Meta/Tactic/Apply.lean`:
`apply` tries fewer arguments first, new goals that no other goal mentions come first, tags come
from binder names; `show` looks for the first goal that fits.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import attempt, goal_tactic, on_main, on_places, script
from minilean.kernel import term as tm


def unified_type(ctx, name: str, kind, old):
    """The type that the syntax `kind` says. LeanError unless it is definitionally equal to old."""
    meta = ctx.meta
    ty = ctx.elab.type_term(kind)
    meta.is_def_eq(ty, old)
    ctx.elab.synthesize("no")
    if not meta.is_def_eq(ty, old):
        raise LeanError(f"'{name}' tactic failed: this type is not\n  {meta.pp(old)}", kind)
    return meta.inst(ty)


# --- terms as tactics -----------------------------------------------------------------------------


@goal_tactic("refine", "exact", "calc")
def refine(ctx, goal, stx, term):
    """The goals that the holes of the term leave, tagged as Lean tags them; `exact` takes none."""
    meta, elab = ctx.meta, ctx.elab
    if stx.kind == "calc" and elab.recorder is not None:  # Lean lists the steps by themselves, too
        elab.recorder(ctx, S.Tactic(term.pos, stx.end, "calcSteps"), [])
    e, goals = elab.elab_with_holes(term, meta.goal_type(goal))
    if goals and stx.kind == "exact":
        raise elab.unassigned(goals[0], term)
    meta.assign_mvar(goal, e)
    tag, unnamed = meta.decls[goal].name, [g for g in goals if not meta.decls[g].name]
    for i, g in enumerate(unnamed, 1):
        meta.decls[g].name = tag if len(unnamed) == 1 else U.append_tag(tag, f"refine_{i}")
    return goals


@goal_tactic("specialize")
def specialize(ctx, goal, stx, term):
    meta, head = ctx.meta, term.fn if isinstance(term, S.App) else term
    d = U.find_hyp(meta, goal, getattr(head, "name", "_"), head)
    text = "refine have name := term; ?_"
    new, *more = ctx.focus(goal, script, ctx, stx, text, name=d.name, term=term)
    if more:
        raise Declined("specialize with holes", stx)
    return [U.try_clear(meta, new, [d.id])]


# --- apply ----------------------------------------------------------------------------------------


goal_tactic("apply")(lambda ctx, goal, stx, term: apply_term(
    ctx.meta, goal, *elab_for_apply(ctx, term)))


def elab_for_apply(ctx, term):
    """(function, holes it contains): an identifier is taken without its implicit arguments."""
    meta, elab = ctx.meta, ctx.elab
    elab.err_to_sorry = False
    if isinstance(term, S.Ident):
        options = elab.resolve_fn(term)
        if len(options) == 1 and not options[0][1]:
            return options[0][0], []
    before = meta.fresh_mark()
    e = elab.elab_term(term, None)
    return e, [i for i in meta.mvars_in(e) if i >= before]


def apply_term(meta, goal: int, e, extra=()) -> list[int]:
    """The new goals of `apply e`, independent ones first, then those of `extra` that are open.

    Raises LeanError when it cannot unify.
    """
    target, tag = meta.goal_type(goal), meta.decls[goal].name
    e_type = meta.inst(meta.infer(e))
    binders, result = meta.forall_locals(e_type)
    arity = fewest = len(binders)
    if type(tm.get_app_fn(result)) is not tm.MVar:
        fewest = max(0, arity - len(meta.forall_locals(target)[0]))
    for n in range(fewest, arity + 1):
        mvars, infos, result = meta.forall_meta(e_type, max=n)
        if meta.is_def_eq(target, result):
            break
    else:
        raise U.tactic_error(meta, "apply", goal, "could not unify the conclusion of\n"
                             f"  {meta.pp(e_type)}\nwith the goal\n  {meta.pp(target)}")
    goals = open_goals(meta, mvars, infos)
    meta.assign_mvar(goal, tm.mk_app(e, *mvars))
    for i in goals:
        meta.decls[i].name = tag if len(mvars) == 1 else U.append_tag(tag, meta.decls[i].name)
    return goals + [i for i in extra if not meta.is_assigned(i) and i not in goals]


def open_goals(meta, mvars, infos, extra=()) -> list[int]:
    """The arguments of a rule that are still open, instances synthesized; those that no other
    mentions come first (Lean's nonDependentFirst). LeanError when there is no instance.
    """
    for m, info in zip(mvars, infos, strict=True):
        if info == "inst" and not meta.is_assigned(m.id):
            value = meta.synth_inst(meta.inst(meta.decls[m.id].type))
            if value is None:
                raise LeanError("failed to synthesize an instance that the rule needs")
            meta.assign_mvar(m.id, value)
    every = dict.fromkeys([*[m.id for m in mvars], *extra])
    goals = [i for i in every if not meta.is_assigned(i)]
    needed = set()
    for i in goals:
        meta.decls[i].type = meta.inst(meta.decls[i].type)
        needed.update(j for j in meta.mvars_in(meta.decls[i].type) if j != i)
    return sorted(goals, key=needed.__contains__)


# --- intro, revert, clear -------------------------------------------------------------------------


@U.tactic("intro")
def intro(ctx, stx, pats, alts):
    if alts is not None:  # intro and match
        return script(ctx, stx, "refine alts", alts=alts)
    for pat in pats or [S.Hole(stx.pos, stx.end)]:
        on_main(ctx, intro_one, stx, pat)


def intro_one(ctx, goal: int, stx, pat) -> list[int]:
    """The goals after introducing a binder as a name, `_`, with a type, or as a pattern."""
    name = pat.term if isinstance(pat, S.Ascription) else pat
    d, goal = U.intro1(ctx.meta, goal, getattr(name, "name", None))
    if isinstance(pat, S.Ident | S.Hole):
        return [goal]
    if isinstance(name, S.Ident):
        return ctx.focus(goal, script, ctx, stx, "change kind at name", name=name, kind=pat.type)
    text = "refine match x with | pat => ?_"
    return [U.try_clear(ctx.meta, new, [d.id])
            for new in ctx.focus(goal, script, ctx, stx, text, x=d.fvar, pat=pat)]


@goal_tactic("intros")
def intros(ctx, goal, stx, names):
    meta, names, every = ctx.meta, list(names), not names
    while names or every and type(meta.whnf_core(meta.goal_type(goal))) in (tm.Pi, tm.Let):
        goal = U.intro1(meta, goal, names.pop(0) if names else None)[1]
    return [goal]


def ids_of(ctx, goal: int, idents) -> list[int]:
    """The ids of the hypotheses that are named."""
    return [U.find_hyp(ctx.meta, goal, x.name, x).id for x in idents]


@goal_tactic("revert")
def revert(ctx, goal, stx, idents):
    deps = U.dependents(ctx.meta, goal, ids_of(ctx, goal, idents))
    return [U.revert(ctx.meta, goal, deps)]


@goal_tactic("clear")
def clear(ctx, goal, stx, idents):
    meta, ids = ctx.meta, ids_of(ctx, goal, idents)
    new = U.try_clear(meta, goal, [d.id for d in meta.lctx.decls if d.id in ids])
    if any(i in meta.decls[new].lctx for i in ids):
        raise U.tactic_error(meta, "clear", goal, "something depends on a hypothesis")
    return [new]


# --- show, change ---------------------------------------------------------------------------------


@U.tactic("show")
def show(ctx, stx, kind, value):
    """`show T` picks the first goal that T unifies with; `show T from e` closes the goal."""
    if value is not None:
        return script(ctx, stx, "refine show kind from value", kind=kind, value=value)
    goals = ctx.goals

    def pick(goal):
        ctx.goals = [goal, *[g for g in goals if g != goal]]
        change(ctx, stx, kind, None)
    if not any(attempt(ctx, pick, goal) for goal in goals):
        change(ctx, stx, kind, None)


@U.tactic("change")
def change(ctx, stx, kind, loc):
    on_places(ctx, loc, lambda goal, d, old: [
        U.replace_at(ctx.meta, goal, d, unified_type(ctx, stx.kind, kind, old))])
