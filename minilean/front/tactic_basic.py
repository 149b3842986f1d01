"""constructor, exists, rfl, symm, trivial, decide, by_cases, funext, ext: goals by their head.

Follows Lean's `Lean/Meta/Tactic/{Constructor,Refl,Symm}.lean`, `Lean/Elab/Tactic/Decide.lean` and
the macros of `Init/Tactics.lean`; `use`, `by_contra` and `ext` behave as Mathlib's and core's.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.simp import head_name
from minilean.front.tactic import attempt, goal_tactic, on_main
from minilean.front.tactic_apply import (
    apply_const,
    apply_term,
    assumption,
    finish_apply,
    refine_goal,
)
from minilean.front.tactic_elim import close_contradiction
from minilean.front.tactic_util import tactic, tactic_error
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, MVAR, App, Const, Pi


@goal_tactic("constructor", "left", "right")
def constructor(ctx, goal, stx):
    """The first constructor that fits; `left` and `right`: one of two."""
    meta = ctx.meta
    found = meta.inductive_of(meta.goal_type(goal))
    ctors = [] if found is None else [Const(ctor, found[1]) for ctor in found[0].ctors]
    if stx.kind != "constructor":
        ctors = [ctors[stx.kind == "right"]] if len(ctors) == 2 else []
    mark = meta.save()
    for ctor in ctors:
        try:
            return apply_term(meta, goal, ctor)
        except LeanError:
            meta.restore(mark)
    raise tactic_error(meta, stx.kind, goal, "no applicable constructors found")


@tactic("exists", "use")
def exists(ctx, stx, terms):
    """`exists e, …` is `refine ⟨e, …, ?_⟩; try trivial`; Mathlib's `use` tries less at the end."""
    pair = S.Anon(stx.pos, stx.end, [*terms, S.SynthHole(stx.end, stx.end)])
    on_main(ctx, lambda goal: refine_goal(ctx, goal, pair))
    if stx.kind == "exists":
        attempt(ctx, trivial, ctx, stx)
        return
    with ctx.meta.transparency("reducible"):
        try_each(ctx, stx, rfl, assumption, true_intro)


def try_each(ctx, stx, *handlers) -> bool:
    """Does one of the handlers succeed? They are tried in order."""
    return any(attempt(ctx, handler, ctx, stx) for handler in handlers)


# --- relations ------------------------------------------------------------------------------------


@goal_tactic("rfl")
def rfl(ctx, goal, stx):
    meta = ctx.meta
    if close_rfl(meta, goal):
        return []
    ty, lemmas = reflexive(meta, meta.goal_type(goal))
    if not lemmas:
        raise tactic_error(meta, "rfl", goal, "The goal is not a reflexive relation (no `@[refl]` "
                           "lemma applies)")
    args = tm.get_app_fn_args(ty)[1]
    raise tactic_error(meta, "rfl", goal, f"The left-hand side\n  {meta.pp(args[-2])}\nis not "
                       f"definitionally equal to the right-hand side\n  {meta.pp(args[-1])}")


def close_rfl(meta, goal: int) -> bool:
    """Closes a goal R a a for a relation R with a @[refl] lemma, if it is one."""
    ty, lemmas = reflexive(meta, meta.goal_type(goal))
    for lemma in lemmas:
        e = meta.mk_const(lemma)
        mvars, infos, result = meta.forall_meta(meta.infer(e))
        if meta.is_def_eq(ty, result):
            finish_apply(meta, goal, e, mvars, infos)
            return True
    return False


def reflexive(meta, ty):
    """(ty, unfolded until its head is a reflexive relation; the @[refl] lemmas of that)."""
    table = meta.ext.refl_lemmas
    for reduce in (meta.whnf_r, meta.whnf_i):
        if head_name(ty) not in table:
            ty = reduce(ty)
    return ty, table.get(head_name(ty), ())


@goal_tactic("symm")
def symm(ctx, goal, stx, loc):
    if loc is not None:
        raise Declined("symm at a hypothesis", stx)
    target = ctx.meta.goal_type(goal)
    for ty in (target, ctx.meta.whnf_r(target)):
        if head_name(ty) in ("Eq", "Iff", "Ne", "HEq"):
            return apply_const(ctx.meta, goal, f"{head_name(ty)}.symm")
    raise tactic_error(ctx.meta, "symm", goal, "no applicable symmetry lemma found")


# --- propositions ---------------------------------------------------------------------------------


@tactic("trivial")
def trivial(ctx, stx):
    """The alternatives of core's `trivial` macro, in the order Lean tries them (latest first)."""
    if not try_each(ctx, stx, assumption, rfl, contradiction, and_trivial, true_intro, decide):
        raise tactic_error(ctx.meta, "trivial", ctx.main(), "no alternative applies")


def true_intro(ctx, stx):
    """`apply True.intro`."""
    on_main(ctx, lambda goal: apply_const(ctx.meta, goal, "True.intro"))


def and_trivial(ctx, stx):
    """`apply And.intro <;> trivial`."""
    on_main(ctx, lambda goal: U.flat(lambda g: ctx.focus(g, trivial, ctx, stx),
                                     apply_const(ctx.meta, goal, "And.intro")))


@goal_tactic("contradiction")
def contradiction(ctx, goal, stx):
    if not close_contradiction(ctx.meta, goal):
        raise LeanError(f"Tactic `contradiction` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
    return []


@goal_tactic("decide")
def decide(ctx, goal, stx):
    """Closes the goal by evaluating its Decidable instance."""
    meta = ctx.meta
    p = meta.goal_type(goal)
    if p.flags & (FVAR | MVAR):
        raise LeanError("Tactic `decide` failed: The proposition\n  " + meta.pp(p) + "\ncontains "
                        "free variables or metavariables")
    inst = meta.synth_inst(App(Const("Decidable"), p))
    with meta.transparency("default"):
        value = inst and meta.whnf(tm.mk_app(Const("Decidable.decide"), p, inst))
    if value is not Const("Bool.true"):
        raise LeanError(f"Tactic `decide` failed: The proposition\n  {meta.pp(p)}\nis false, or "
                        "has no `Decidable` instance that reduces to `isTrue`")
    meta.assign_mvar(goal, U.of_decide(p, inst, True))
    return []


@goal_tactic("by_cases")
def by_cases(ctx, goal, stx, name, term):
    meta = ctx.meta
    p = ctx.elab.elab_term_ensuring(term, tm.PROP)
    decidable = App(Const("Decidable"), p)
    inst = meta.synth_inst(decidable) or App(Const("Classical.propDecidable"), p)
    return [new for _, new in cases_on_prop(meta, goal, p, inst, ("pos", "neg"), name)]


def cases_on_prop(meta, goal: int, p, inst, tags, name=None):
    """[(hypothesis, goal)] with p and with ¬p as a hypothesis, which inst decides."""
    target = meta.goal_type(goal)
    fn = tm.mk_app(Const("dite", (meta.sort_level(target),)), target, p, inst)
    return [U.intro1(meta, g, U.chosen(name, "h")) for g in U.apply_cases(meta, goal, fn, tags)]


@goal_tactic("by_contra")
def by_contra(ctx, goal, stx, name, kind):
    """Mathlib's by_contra: assumes the negation of the target."""
    meta = ctx.meta
    if kind is not None:
        raise Declined("by_contra with a type", stx)
    if not is_app_of(meta.whnf_r(meta.goal_type(goal)), "Not", 1):
        goal = apply_const(meta, goal, "Classical.byContradiction")[0]
    return [U.intro1(meta, goal, name or "this")[1]]


# --- extensionality -------------------------------------------------------------------------------


@goal_tactic("funext")
def funext(ctx, goal, stx, names):
    meta = ctx.meta
    for name in names or [None]:
        with meta.with_goal(goal):
            goal = U.intro1(meta, apply_const(meta, goal, "funext")[0], name)[1]
    return [goal]


@tactic("ext")
def ext(ctx, stx, pats):
    """`ext x …` for functions, as funext; other @[ext] lemmas are declined."""
    if not pats or any(pat.kind != "one" for pat in pats):
        raise Declined("ext without names", stx)
    meta, goal = ctx.meta, ctx.main()
    parts = meta.eq_parts(meta.goal_type(goal))
    if parts is not None and type(meta.whnf(parts[0])) is not Pi:
        raise Declined("ext at a structure or inductive type", stx)
    funext(ctx, stx, [pat.name for pat in pats])
