"""constructor, exists, rfl, symm, trivial, decide, by_cases, funext, ext: goals by their head.

Follows Lean's `Lean/Meta/Tactic/{Constructor,Refl,Symm}.lean`, `Lean/Elab/Tactic/Decide.lean` and
the macros of `Init/Tactics.lean`; `use`, `by_contra` and `ext` behave as Mathlib's and core's.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.build import FALSE
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import attempt, goal_tactic, on_main
from minilean.front.tactic_apply import apply_term, assumption, finish_apply, refine, synth
from minilean.front.tactic_contra import contradiction
from minilean.front.tactic_util import tactic, tactic_error
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, MVAR, App, Const, MVar, Pi


def constructors(meta, goal: int, name: str, what: str):
    """The constructors of the target's type. Raises LeanError when it is not inductive."""
    found = meta.inductive_of(meta.goal_type(goal))
    if found is None:
        raise tactic_error(meta, name, goal, f"target is not {what}")
    return [Const(ctor, found[1]) for ctor in found[0].ctors]


@goal_tactic("constructor")
def constructor(ctx, goal, stx):
    meta = ctx.meta
    ctors = constructors(meta, goal, "constructor", "inductive")
    mark = meta.save()
    for ctor in ctors:
        try:
            return apply_term(meta, goal, ctor)
        except LeanError:
            if len(ctors) == 1:
                raise
            meta.restore(mark)
    raise tactic_error(meta, "constructor", goal, "no applicable constructors found")


@goal_tactic("left", "right")
def left_right(ctx, goal, stx):
    ctors = constructors(ctx.meta, goal, stx.kind, "an inductive datatype")
    if len(ctors) != 2:
        raise tactic_error(ctx.meta, stx.kind, goal, f"{stx.kind} tactic works for inductive "
                           "types with exactly 2 constructors")
    return apply_term(ctx.meta, goal, ctors[stx.kind == "right"])


@tactic("exists", "use")
def exists(ctx, stx, terms):
    """`exists e, …` is `refine ⟨e, …, ?_⟩; try trivial`; Mathlib's `use` tries less at the end."""
    hole = S.SynthHole(stx.end, stx.end)
    refine(ctx, stx, S.Anon(stx.pos, stx.end, [*terms, hole]))
    if not ctx.goals:
        return
    if stx.kind == "exists":
        try_each(ctx, stx, trivial)
        return
    with ctx.meta.transparency("reducible"):
        try_each(ctx, stx, rfl, assumption, true_intro)


def try_each(ctx, stx, *handlers) -> bool:
    """Does one of the handlers succeed? They are tried in order."""
    return any(attempt(ctx, handler, ctx, stx) for handler in handlers)


# --- relations ------------------------------------------------------------------------------------


@goal_tactic("rfl")
def rfl(ctx, goal, stx):
    return close_rfl(ctx.meta, goal)


def close_rfl(meta, goal: int) -> list[int]:
    """Closes a reflexive goal: Eq, HEq, Iff and relations with a @[refl] lemma. Returns []."""
    ty = meta.goal_type(goal)
    for level in ("reducible", "instances"):
        if not refl_lemmas(meta, ty):
            with meta.transparency(level):
                ty = meta.whnf(ty)
    lemmas = refl_lemmas(meta, ty)
    if not lemmas:
        raise tactic_error(meta, "rfl", goal, f"The goal\n  {meta.pp(meta.goal_type(goal))}\nis "
                           "not a reflexive relation (no `@[refl]` lemma applies)")
    for lemma in lemmas:
        e, mark = meta.mk_const(lemma), meta.save()
        mvars, infos, result = meta.forall_meta(meta.infer(e))
        if meta.is_def_eq(ty, result):
            return finish_apply(meta, goal, e, mvars, infos)
        meta.restore(mark)
    args = tm.get_app_fn_args(ty)[1]
    left = args[1] if is_app_of(ty, "HEq", 4) else args[-2]
    raise tactic_error(meta, "rfl", goal, f"The left-hand side\n  {meta.pp(left)}\nis not "
                       f"definitionally equal to the right-hand side\n  {meta.pp(args[-1])}")


REFL = {"Eq": "Eq.refl", "HEq": "HEq.refl", "Iff": "Iff.refl", "LE.le": "Nat.le_refl",
        "Nat.le": "Nat.le.refl"}
SYMM = {"Eq": "Eq.symm", "Iff": "Iff.symm", "Ne": "Ne.symm", "HEq": "HEq.symm"}


def head_name(e):
    """The name of the constant at the head of e, or None."""
    f = tm.get_app_fn(e)
    return f.name if type(f) is Const else None


def refl_lemmas(meta, ty):
    """Lemmas `R a a` for the relation R at the head of ty."""
    name = head_name(ty)
    builtin = REFL.get(name)
    return meta.ext.refl_lemmas.get(name) or ([builtin] if builtin in meta.env else [])


@goal_tactic("symm")
def symm(ctx, goal, stx, loc):
    if loc is not None:
        raise Declined("symm at a hypothesis", stx)
    meta = ctx.meta
    ty, tag = meta.goal_type(goal), meta.decls[goal].name
    lemma = SYMM.get(head_name(ty)) or SYMM.get(head_name(meta.whnf_r(ty)))
    if lemma is None or lemma not in meta.env:
        raise tactic_error(meta, "symm", goal, "no applicable symmetry lemma found")
    new = apply_term(meta, goal, meta.mk_const(lemma))
    meta.decls[new[0]].name = tag
    return new


# --- propositions ---------------------------------------------------------------------------------


@tactic("trivial")
def trivial(ctx, stx):
    """The alternatives of core's `trivial` macro, in the order Lean tries them (latest first)."""
    if not try_each(ctx, stx, assumption, rfl, contradiction, and_trivial, true_intro, decide):
        raise tactic_error(ctx.meta, "trivial", ctx.main(), "no alternative applies")


def true_intro(ctx, stx):
    """`apply True.intro`."""
    on_main(ctx, lambda goal: apply_term(ctx.meta, goal, Const("True.intro")))


def and_trivial(ctx, stx):
    """`apply And.intro <;> trivial`."""
    def go(goal):
        for g in apply_term(ctx.meta, goal, Const("And.intro")):
            ctx.focus(g, trivial, ctx, stx)
        return []
    on_main(ctx, go)


@goal_tactic("exfalso")
def exfalso(ctx, goal, stx):
    target = ctx.meta.goal_type(goal)
    return [U.replace_goal(ctx.meta, goal, FALSE, lambda h: ctx.meta.mk_false_elim(target, h))]


@goal_tactic("infer_instance")
def infer_instance(ctx, goal, stx):
    ctx.meta.assign_mvar(goal, synth(ctx.meta, ctx.meta.goal_type(goal)))
    return []


@goal_tactic("decide")
def decide(ctx, goal, stx):
    """Closes the goal by evaluating its Decidable instance."""
    meta = ctx.meta
    p = meta.goal_type(goal)
    if p.flags & FVAR:
        raise LeanError(f"Tactic `decide` failed: The proposition\n  {meta.pp(p)}\ncontains free "
                        "variables; use `revert` to abstract them")
    if p.flags & MVAR:
        raise LeanError("Tactic `decide` failed: expected type must not contain metavariables\n  "
                        + meta.pp(p))
    inst = synth(meta, App(Const("Decidable"), p))
    with meta.transparency("default"):
        result = meta.whnf(tm.mk_app(Const("Decidable.decide"), p, inst))
    if result is Const("Bool.true"):
        meta.assign_mvar(goal, U.of_decide(p, inst, True))
        return []
    if result is Const("Bool.false"):
        raise LeanError(f"Tactic `decide` proved that the proposition\n  {meta.pp(p)}\nis false")
    raise LeanError(f"Tactic `decide` failed for proposition\n  {meta.pp(p)}\nsince its "
                    f"`Decidable` instance\n  {meta.pp(inst)}\ndid not reduce to `isTrue` or "
                    "`isFalse`.")


@goal_tactic("by_cases")
def by_cases(ctx, goal, stx, name, term):
    meta = ctx.meta
    p = ctx.elab.elab_term_ensuring(term, tm.PROP)
    target = meta.goal_type(goal)
    goals = [meta.mk_goal(Pi("h", p, target), "pos"),
             meta.mk_goal(Pi("h", meta.mk_not(p), target), "neg")]
    dite = Const("dite", (meta.sort_level(target),))
    meta.assign_mvar(goal, tm.mk_app(dite, target, p, decidable_instance(meta, p),
                                     *map(MVar, goals)))
    return [U.intro1(meta, g, U.chosen(name, "h"))[1] for g in goals]


def decidable_instance(meta, p):
    """A Decidable p, found by resolution or else classical."""
    variable = type(tm.get_app_fn(p)) is tm.FVar  # only a local instance could fit
    inst = None
    if not variable or any(d.cls == "Decidable" or type(d.type) is Pi for d in meta.lctx.insts):
        inst = meta.synth_inst(App(Const("Decidable"), p))
    return App(Const("Classical.propDecidable"), p) if inst is None else inst


@goal_tactic("by_contra")
def by_contra(ctx, goal, stx, name, kind):
    """Mathlib's by_contra: assumes the negation of the target."""
    meta = ctx.meta
    if kind is not None:
        raise Declined("by_contra with a type", stx)
    ty = meta.goal_type(goal)
    if not meta.is_prop(ty):
        raise LeanError("by_contra: the target is not a proposition", stx)
    if not is_app_of(meta.whnf_r(ty), "Not", 1):
        lemma = App(Const("Classical.byContradiction"), ty)
        goal = U.replace_goal(meta, goal, Pi("this", meta.mk_not(ty), FALSE),
                              lambda new: App(lemma, new))
    return [U.intro1(meta, goal, name or "this")[1]]


# --- extensionality -------------------------------------------------------------------------------


@goal_tactic("funext")
def funext(ctx, goal, stx, names):
    meta = ctx.meta
    for name in names or [None]:
        with meta.with_goal(goal):
            goal = apply_term(meta, goal, meta.mk_const("funext"))[0]
            goal = U.intro1(meta, goal, name)[1]
    return [goal]


@tactic("ext")
def ext(ctx, stx, pats):
    """`ext x …` for functions and propositions; other @[ext] lemmas are declined."""
    ty = compared_type(ctx)
    if ty is None:
        raise LeanError("No applicable extensionality theorem found", stx)
    if ty is tm.PROP:
        on_main(ctx, lambda goal: apply_term(ctx.meta, goal, Const("propext")))
        return
    if type(ty) is not Pi:
        raise Declined("ext at a structure or inductive type", stx)
    if pats and pats[0].kind != "one":
        raise Declined("ext with a pattern", stx)
    funext(ctx, stx, [pat.name for pat in pats[:1]])
    if len(pats) != 1 and type(compared_type(ctx)) is Pi:
        ext(ctx, stx, pats[1:])


def compared_type(ctx):
    """The type (in whnf) whose elements the main goal says to be equal; None for other goals."""
    parts = ctx.meta.eq_parts(ctx.meta.goal_type(ctx.main()))
    return None if parts is None else ctx.meta.whnf(parts[0])
