"""constructor, exists, rfl, symm, trivial, decide, by_cases, funext: goals by their head.

Follows Lean's `Lean/Meta/Tactic/{Constructor,Refl,Symm}.lean`, `Lean/Elab/Tactic/Decide.lean` and
the macros of `Init/Tactics.lean`; `use` and `by_contra` behave as Mathlib's.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_apply as A
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import head_name
from minilean.front.tactic import goal_tactic, on_main
from minilean.front.tactic_cases import close_contradiction
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm


@goal_tactic("constructor", "left", "right")
def constructor(ctx, goal, stx):
    """The first constructor that fits; `left` and `right`: one of two."""
    found = ctx.meta.inductive_of(ctx.meta.goal_type(goal))
    ctors = [] if found is None else [tm.Const(ctor, found[1]) for ctor in found[0].ctors]
    if stx.kind != "constructor":
        ctors = [ctors[stx.kind == "right"]] if len(ctors) == 2 else []
    return apply_first(ctx.meta, goal, stx.kind, ctors)


def apply_first(meta, goal: int, name: str, lemmas) -> list[int]:
    """The goals of `apply` with the first lemma that fits."""
    mark = meta.save()
    for e in lemmas:
        try:
            return A.apply_term(meta, goal, e)
        except LeanError:
            meta.restore(mark)
    raise U.tactic_error(meta, name, goal, "nothing of the right type to apply")


@U.tactic("exists", "use")
def exists(ctx, stx, terms):
    """`exists e, …` is `refine ⟨e, …, ?_⟩; try trivial`; Mathlib's `use` tries less at the end."""
    pair = S.Anon(stx.pos, stx.end, [*terms, S.SynthHole(stx.end, stx.end)])
    on_main(ctx, lambda goal: A.refine_goal(ctx, goal, pair))
    if stx.kind == "exists":
        A.try_to_close(ctx, close_trivial)
        return
    with ctx.meta.transparency("reducible"):
        A.try_to_close(ctx, close_rfl, A.close_by_assumption, close_true)


# --- relations ------------------------------------------------------------------------------------


@goal_tactic("rfl")
def rfl(ctx, goal, stx):
    meta = ctx.meta
    if close_rfl(meta, goal):
        return []
    ty, lemmas = reflexive(meta, meta.goal_type(goal))
    if not lemmas:
        raise U.tactic_error(meta, "rfl", goal, "The goal is not a reflexive relation")
    a, b = tm.get_app_fn_args(ty)[1][-2:]
    raise U.tactic_error(meta, "rfl", goal, f"The left-hand side\n  {meta.pp(a)}\nis not "
                         f"definitionally equal to the right-hand side\n  {meta.pp(b)}")


def close_rfl(meta, goal: int) -> bool:
    """Closes a goal R a a for a relation R with a @[refl] lemma, if it is one."""
    ty, lemmas = reflexive(meta, meta.goal_type(goal))
    for lemma in lemmas:
        e = meta.mk_const(lemma)
        mvars, infos, result = meta.forall_meta(meta.infer(e))
        if meta.is_def_eq(ty, result):
            A.finish_apply(meta, goal, e, mvars, infos)
            return True
    return False


def reflexive(meta, ty):
    """(ty, unfolded until its head is a reflexive relation; the @[refl] lemmas of that)."""
    table = meta.ext.refl_lemmas
    for level in ("reducible", "instances"):
        if head_name(ty) not in table:
            with meta.transparency(level):
                ty = meta.whnf(ty)
    return ty, table.get(head_name(ty), ())


@goal_tactic("symm")
def symm(ctx, goal, stx, loc):
    if loc is not None:
        raise Declined("symm at a hypothesis", stx)
    meta, relations = ctx.meta, ("Eq", "Iff", "Ne", "HEq")
    with meta.transparency("reducible"):
        new = apply_first(meta, goal, "symm", [meta.mk_const(f"{r}.symm") for r in relations])
    meta.decls[new[0]].name = meta.decls[goal].name
    return new


# --- propositions ---------------------------------------------------------------------------------


def close_trivial(meta, goal: int) -> bool:
    """The alternatives of core's `trivial` macro, in the order Lean tries them (latest first)."""
    return A.closes(meta, goal, A.close_by_assumption, close_rfl, close_contradiction, close_and,
                    close_true, close_by_decide)


def close_and(meta, goal: int) -> bool:
    """`apply And.intro <;> trivial`."""
    return all([A.closes(meta, g, close_trivial) for g in A.apply_const(meta, goal, "And.intro")])


def close_true(meta, goal: int) -> bool:
    """`apply True.intro`."""
    return not A.apply_const(meta, goal, "True.intro")


def decidable(p):
    return tm.App(tm.Const("Decidable"), p)


def close_by_decide(meta, goal: int) -> bool:
    """Closes a goal without variables by evaluating its Decidable instance to isTrue."""
    p = meta.goal_type(goal)
    found = None if p.flags & (tm.FVAR | tm.MVAR) else U.decide(meta, p)
    if found is None or not found[0]:
        return False
    meta.assign_mvar(goal, found[1])
    return True


A.closing_tactic("trivial", close_trivial)
A.closing_tactic("contradiction", close_contradiction)
A.closing_tactic("decide", close_by_decide, ": The proposition is false, contains variables or has "
                 "no `Decidable` instance that reduces to `isTrue`")


@goal_tactic("by_cases")
def by_cases(ctx, goal, stx, name, term):
    meta = ctx.meta
    p = ctx.elab.elab_term_ensuring(term, tm.PROP)
    inst = meta.synth_inst(decidable(p)) or tm.App(tm.Const("Classical.propDecidable"), p)
    return [new for _, new in cases_on_prop(meta, goal, p, inst, ("pos", "neg"), name)]


def cases_on_prop(meta, goal: int, p, inst, tags, name=None):
    """[(hypothesis, goal)] with p and with ¬p as a hypothesis, which inst decides."""
    target = meta.goal_type(goal)
    fn = tm.mk_app(tm.Const("dite", (meta.sort_level(target),)), target, p, inst)
    return [U.intro1(meta, g, U.chosen(name, "h")) for g in U.apply_cases(meta, goal, fn, tags)]


@goal_tactic("by_contra")
def by_contra(ctx, goal, stx, name, kind):
    """Mathlib's by_contra: assumes the negation of the target."""
    meta = ctx.meta
    if kind is not None:
        raise Declined("by_contra with a type", stx)
    if not is_app_of(meta.whnf_r(meta.goal_type(goal)), "Not", 1):
        goal = A.apply_const(meta, goal, "Classical.byContradiction")[0]
    return [U.intro1(meta, goal, name or "this")[1]]


@goal_tactic("funext")
def funext(ctx, goal, stx, names):
    meta = ctx.meta
    for name in names or [None]:
        with meta.with_goal(goal):
            goal = U.intro1(meta, A.apply_const(meta, goal, "funext")[0], name)[1]
    return [goal]

