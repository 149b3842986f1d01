"""constructor, exists, rfl, symm, trivial, decide, by_cases, funext, ext: goals by their head.

Follows Lean's `Lean/Meta/Tactic/{Constructor,Refl,Symm}.lean`, `Lean/Elab/Tactic/Decide.lean` and
the macros of `Init/Tactics.lean`; `use`, `by_contra` and `ext` behave as Mathlib's and core's.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import attempt, on_main
from minilean.front.tactic_apply import _finish_apply, apply_term, assumption, refine
from minilean.front.tactic_util import tactic, tactic_error
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, MVAR, App, Const, MVar, Pi


@tactic("constructor")
def constructor(ctx, stx):
    def go(goal):
        meta = ctx.meta
        found = U.whnf_inductive(meta, meta.goal_type(goal))
        if found is None:
            raise tactic_error(meta, "constructor", goal, "target is not inductive")
        decl, head, _, _ = found
        mark = meta.save()
        error = None
        for name in decl.ctors:
            try:
                return apply_term(meta, goal, Const(name, head.levels))
            except LeanError as err:
                error = err
                meta.restore(mark)
        if error is not None and len(decl.ctors) == 1:
            raise error
        raise tactic_error(meta, "constructor", goal, "no applicable constructors found")
    on_main(ctx, go)


@tactic("left", "right")
def left_right(ctx, stx):
    def go(goal):
        meta = ctx.meta
        found = U.whnf_inductive(meta, meta.goal_type(goal))
        if found is None:
            raise tactic_error(meta, stx.kind, goal, "target is not an inductive datatype")
        decl, head, _, _ = found
        if len(decl.ctors) != 2:
            raise tactic_error(meta, stx.kind, goal, f"{stx.kind} tactic works for inductive "
                               "types with exactly 2 constructors")
        return apply_term(meta, goal, Const(decl.ctors[stx.kind == "right"], head.levels))
    on_main(ctx, go)


@tactic("exists")
def exists(ctx, stx, terms):
    """`exists e, …` is `refine ⟨e, …, ?_⟩; try trivial`."""
    hole = S.SynthHole(stx.end, stx.end)
    refine(ctx, S.Tactic(stx.pos, stx.end, "refine"), S.Anon(stx.pos, stx.end, [*terms, hole]))
    if ctx.goals:
        attempt(ctx, lambda: trivial(ctx, stx))


@tactic("use")
def use(ctx, stx, terms):
    """Mathlib's `use e, …`: anonymous constructors, then `rfl`, `trivial` or an assumption."""
    hole = S.SynthHole(stx.end, stx.end)
    refine(ctx, S.Tactic(stx.pos, stx.end, "refine"), S.Anon(stx.pos, stx.end, [*terms, hole]))
    if ctx.goals:
        attempt(ctx, lambda: use_discharger(ctx, stx))


def use_discharger(ctx, stx):
    with ctx.meta.transparency("reducible"):
        if not attempt(ctx, lambda: rfl(ctx, stx)) and not attempt(
                ctx, lambda: assumption(ctx, stx)):
            on_main(ctx, lambda goal: apply_term(ctx.meta, goal, Const("True.intro")))


@tactic("rfl")
def rfl(ctx, stx):
    on_main(ctx, lambda goal: close_rfl(ctx.meta, goal))


def close_rfl(meta, goal: int) -> list:
    """Closes a reflexive goal: Eq, HEq, Iff and relations with a @[refl] lemma. Returns []."""
    target = meta.goal_type(goal)
    ty = target
    if type(tm.get_app_fn(ty)) is not Const or not _reflexive_head(meta, ty):
        ty = meta.whnf_r(ty)
        if not _reflexive_head(meta, ty):
            ty = meta.whnf_i(ty)
    f, args = tm.get_app_fn_args(ty)
    name = f.name if type(f) is Const else None
    if name == "Eq" and len(args) == 3:
        if meta.is_def_eq(args[1], args[2]):
            meta.assign_mvar(goal, tm.mk_app(Const("Eq.refl", f.levels), args[0], args[1]))
            return []
        raise rfl_error(meta, goal, args[1], args[2])
    if name == "HEq" and len(args) == 4:
        if meta.is_def_eq(args[0], args[2]) and meta.is_def_eq(args[1], args[3]):
            meta.assign_mvar(goal, tm.mk_app(Const("HEq.refl", f.levels), args[0], args[1]))
            return []
        raise rfl_error(meta, goal, args[1], args[3])
    for lemma in refl_lemmas(meta, name):
        e = meta.mk_const(lemma)
        mvars, infos, result = meta.forall_meta(meta.infer(e))
        mark = meta.save()
        if meta.is_def_eq(target, result):
            return _finish_apply(meta, goal, e, mvars, infos, ())
        meta.restore(mark)
    if name is not None and len(args) >= 2 and refl_lemmas(meta, name):
        raise rfl_error(meta, goal, args[-2], args[-1])
    raise tactic_error(meta, "rfl", goal, "The goal\n  " + meta.pp(target) + "\nis not a "
                       "reflexive relation (no `@[refl]` lemma applies)")


def refl_lemmas(meta, name):
    """Lemmas `R a a` for the relation `name`."""
    if name is None:
        return ()
    found = meta.ext.refl_lemmas.get(name)
    if found:
        return found
    builtin = {"Iff": "Iff.refl", "LE.le": "Nat.le_refl", "Nat.le": "Nat.le.refl"}.get(name)
    return (builtin,) if builtin and builtin in meta.env else ()


def _reflexive_head(meta, ty) -> bool:
    f = tm.get_app_fn(ty)
    return type(f) is Const and (f.name in ("Eq", "HEq") or bool(refl_lemmas(meta, f.name)))


def rfl_error(meta, goal: int, a, b) -> LeanError:
    return tactic_error(meta, "rfl", goal, f"The left-hand side\n  {meta.pp(a)}\nis not "
                        f"definitionally equal to the right-hand side\n  {meta.pp(b)}")


@tactic("symm")
def symm(ctx, stx, loc):
    meta = ctx.meta
    if loc is not None:
        if loc.wildcard or loc.goal or len(loc.hyps) != 1:
            raise Declined("symm at several locations", stx)

        def at_hyp(goal):
            d = U.find_hyp(meta, goal, loc.hyps[0].name, loc.hyps[0])
            e = symm_proof(meta, d.fvar)
            return [U.replace_hyp(meta, goal, d, meta.inst(meta.infer(e)), e)[1]]
        return on_main(ctx, at_hyp)

    def go(goal):
        lemma = symm_lemma(meta, meta.goal_type(goal))
        if lemma is None or lemma not in meta.env:
            raise tactic_error(meta, "symm", goal, "no applicable symmetry lemma found")
        tag = meta.decls[goal].name
        new = apply_term(meta, goal, meta.mk_const(lemma))
        for g in new:
            meta.decls[g].name = tag
        return new
    on_main(ctx, go)

SYMM = {"Eq": "Eq.symm", "Iff": "Iff.symm", "Ne": "Ne.symm", "HEq": "HEq.symm"}


def symm_lemma(meta, ty):
    """The symmetry lemma for a relation, looked for before and after unfolding."""
    for form in (lambda: ty, lambda: meta.whnf_r(ty)):
        f = tm.get_app_fn(form())
        if type(f) is Const and f.name in SYMM:
            return SYMM[f.name]
    return None


def symm_proof(meta, e):
    """A proof of the flipped relation of e's type."""
    lemma = symm_lemma(meta, meta.inst(meta.infer(e)))
    if lemma is None:
        raise LeanError("symm: the hypothesis is not a symmetric relation")
    return meta.mk_app(lemma, e)


@tactic("trivial")
def trivial(ctx, stx):
    """The alternatives of core's `trivial` macro, in the order Lean tries them (latest first)."""
    meta = ctx.meta
    steps = [lambda: decide_goal(ctx, ctx.main()), lambda: on_main(ctx, lambda g: apply_term(
        meta, g, Const("True.intro"))), lambda: conj_trivial(ctx, stx),
        lambda: contradiction(ctx, stx), lambda: rfl(ctx, stx), lambda: assumption(ctx, stx)]
    for step in reversed(steps):
        if attempt(ctx, step):
            return
    raise tactic_error(meta, "trivial", ctx.main(), "no alternative applies")


def conj_trivial(ctx, stx):
    """`apply And.intro <;> trivial`."""
    def go(goal):
        return apply_term(ctx.meta, goal, Const("And.intro"))
    goal, rest = ctx.main(), ctx.goals[1:]
    ctx.goals = [goal]
    on_main(ctx, go)
    for g in list(ctx.goals):
        ctx.goals = [g]
        trivial(ctx, stx)
    ctx.goals = rest


@tactic("exfalso")
def exfalso(ctx, stx):
    def go(goal):
        meta = ctx.meta
        d = meta.decls[goal]
        new = meta.mk_goal(Const("False"), d.name, d.lctx)
        meta.assign_mvar(goal, meta.mk_false_elim(meta.goal_type(goal), MVar(new)))
        return [new]
    on_main(ctx, go)


@tactic("absurd")
def absurd(ctx, stx, term):
    """Mathlib's `absurd h`: from h : p (or ¬p) the goal becomes ¬p (or p)."""
    raise Declined("tactic absurd", stx)


@tactic("infer_instance")
def infer_instance(ctx, stx):
    def go(goal):
        meta = ctx.meta
        ty = meta.goal_type(goal)
        value = meta.synth_inst(ty)
        if value is None:
            raise LeanError(f"failed to synthesize instance of type class\n  {meta.pp(ty)}", stx)
        meta.assign_mvar(goal, value)
        return []
    on_main(ctx, go)


@tactic("contradiction")
def contradiction(ctx, stx):
    from minilean.front.tactic_contra import close_contradiction

    def go(goal):
        if not close_contradiction(ctx.meta, goal):
            raise LeanError(f"Tactic `contradiction` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
        return []
    on_main(ctx, go)


@tactic("decide")
def decide(ctx, stx):
    on_main(ctx, lambda goal: decide_goal(ctx, goal))


def decide_goal(ctx, goal: int) -> list:
    """Closes the goal by evaluating its Decidable instance."""
    meta = ctx.meta
    p = meta.goal_type(goal)
    if p.flags & (FVAR | MVAR):
        what = "free variables" if p.flags & FVAR else "metavariables"
        if p.flags & FVAR:
            raise LeanError(f"Tactic `decide` failed: The proposition\n  {meta.pp(p)}\ncontains "
                            f"{what}; use `revert` to abstract them")
        raise LeanError(f"Tactic `decide` failed: expected type must not contain {what}\n  "
                        f"{meta.pp(p)}")
    inst = meta.synth_inst(App(Const("Decidable"), p))
    if inst is None:
        raise LeanError(f"failed to synthesize instance of type class\n  Decidable {_arg(meta, p)}")
    value = tm.mk_app(Const("Decidable.decide"), p, inst)
    with meta.transparency("default"):
        result = meta.whnf(value)
    if result is Const("Bool.true"):
        refl = tm.mk_app(Const("Eq.refl", (tm.TYPE.level,)), Const("Bool"), Const("Bool.true"))
        meta.assign_mvar(goal, tm.mk_app(Const("of_decide_eq_true"), p, inst, refl))
        return []
    if result is Const("Bool.false"):
        raise LeanError(f"Tactic `decide` proved that the proposition\n  {meta.pp(p)}\nis false")
    raise LeanError(f"Tactic `decide` failed for proposition\n  {meta.pp(p)}\nsince its "
                    f"`Decidable` instance\n  {meta.pp(inst)}\ndid not reduce to `isTrue` or "
                    "`isFalse`.")


def _arg(meta, e) -> str:
    text = meta.pp(e)
    return f"({text})" if " " in text else text


@tactic("by_cases")
def by_cases(ctx, stx, name, term):
    def go(goal):
        meta = ctx.meta
        p = ctx.elab.elab_term_ensuring(term, tm.PROP)
        return list(split_prop(meta, goal, p, "h✝" if name in (None, "_") else name))
    on_main(ctx, go)


def decidable_instance(meta, p):
    """A Decidable p, found by resolution or else classical."""
    variable = type(tm.get_app_fn(p)) is tm.FVar  # only a local instance could fit
    if variable and not any(d.cls == "Decidable" or type(d.type) is Pi for d in meta.lctx.insts):
        return App(Const("Classical.propDecidable"), p)
    inst = meta.synth_inst(App(Const("Decidable"), p))
    return App(Const("Classical.propDecidable"), p) if inst is None else inst


def split_prop(meta, goal: int, p, name: str):
    """The goals `pos` (name : p) and `neg` (name : ¬p) of by_cases."""
    ty = meta.goal_type(goal)
    d = meta.decls[goal]
    inst = decidable_instance(meta, p)
    goals, branches = [], []
    for tag, hyp in (("pos", p), ("neg", meta.mk_not(p))):
        g = meta.mk_goal(Pi(name, hyp, ty), tag, d.lctx)
        branches.append(MVar(g))
        goals.append(g)
    meta.assign_mvar(goal, tm.mk_app(Const("dite", (meta.sort_level(ty),)), ty, p, inst, *branches))
    for g in goals:
        with meta.with_goal(g):
            yield U.intro1(meta, g, name)[1]


@tactic("by_contra")
def by_contra(ctx, stx, name, kind):
    """Mathlib's by_contra: assumes the negation of the target."""
    def go(goal):
        meta = ctx.meta
        if kind is not None:
            raise Declined("by_contra with a type", stx)
        ty = meta.goal_type(goal)
        if not meta.is_prop(ty):
            raise LeanError("by_contra: the target is not a proposition", stx)
        d = meta.decls[goal]
        whnf = meta.whnf_r(ty)
        if is_app_of(whnf, "Not", 1):
            h, new = U.intro1(meta, U.change_target(meta, goal, meta.whnf(whnf)), name or "this")
            return [new]
        g = meta.mk_goal(Pi(name or "this", meta.mk_not(ty), Const("False")), d.name, d.lctx)
        meta.assign_mvar(goal, tm.mk_app(Const("Classical.byContradiction"), ty, MVar(g)))
        return [U.intro1(meta, g, name or "this")[1]]
    on_main(ctx, go)


@tactic("funext")
def funext(ctx, stx, names):
    for name in names or [None]:
        def go(goal, name=name):
            meta = ctx.meta
            new = apply_term(meta, goal, meta.mk_const("funext"))
            with meta.with_goal(new[0]):
                return [U.intro1(meta, new[0], name)[1]]
        on_main(ctx, go)


@tactic("ext")
def ext(ctx, stx, pats):
    """`ext x …` for functions and propositions; other @[ext] lemmas are declined."""
    meta = ctx.meta
    todo = list(pats)
    while True:
        parts = meta.eq_parts(meta.goal_type(ctx.main()))
        if parts is None:
            raise LeanError("No applicable extensionality theorem found", stx)
        ty = meta.whnf(parts[0])
        if type(ty) is Pi:
            pat = todo.pop(0) if todo else None
            if pat is not None and pat.kind != "one":
                raise Declined("ext with a pattern", stx)
            funext(ctx, stx, [pat.name if pat else None])
        elif ty is tm.PROP:
            on_main(ctx, lambda goal: apply_term(meta, goal, Const("propext")))
            return
        else:
            raise Declined("ext at a structure or inductive type", stx)
        parts = meta.eq_parts(meta.goal_type(ctx.main()))
        if (pats and not todo) or parts is None or type(meta.whnf(parts[0])) is not Pi:
            return
