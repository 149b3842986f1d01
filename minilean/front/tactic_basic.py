"""Tactics on terms and the context: exact, apply, refine, intro, have, constructor, exists, …

Follows Lean's `Lean/Elab/Tactic/{ElabTerm,BuiltinTactic}.lean`, `Lean/Meta/Tactic/{Apply,Assumption,
Constructor,Contradiction,Refl}.lean` and the macros of `Init/Tactics.lean`.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import attempt, on_main, run_tactic_seq, without_recover
from minilean.front.tactic_util import append_tag, tactic, tactic_error
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import FVAR, MVAR, App, Const, FVar, MVar, Pi

# --- terms ----------------------------------------------------------------------------------------


def elab(ctx, stx, expected=None):
    """The term for stx; `_` and `?_` may not remain (Lean's elabTermEnsuringType in `exact`)."""
    ctx.elab.err_to_sorry = ctx.recover
    e, goals = ctx.elab.elab_with_holes(stx, expected, ensure=expected is not None)
    if goals:
        ctx.elab.error_unassigned(goals[0], stx)
    return e


def elab_holes(ctx, stx, expected, parent_tag: str, suffix: str, allow_natural=False):
    """(term, new goals) for refine-like tactics, the goals tagged as Lean tags them."""
    ctx.elab.err_to_sorry = ctx.recover
    e, goals = ctx.elab.elab_with_holes(stx, expected, allow_natural=allow_natural,
                                        ensure=expected is not None)
    meta = ctx.meta
    unnamed = [g for g in goals if not meta.decls[g].name]
    for i, g in enumerate(unnamed):
        if len(unnamed) == 1:
            meta.decls[g].name = parent_tag
        else:
            meta.decls[g].name = append_tag(parent_tag, f"{suffix}_{i + 1}")
    return e, goals


@tactic("exact")
def exact(ctx, stx, term):
    def go(goal):
        ctx.meta.assign_mvar(goal, elab(ctx, term, ctx.meta.goal_type(goal)))
        return []
    on_main(ctx, go)


@tactic("refine", "refine'")
def refine(ctx, stx, term):
    def go(goal):
        meta = ctx.meta
        e, goals = elab_holes(ctx, term, meta.goal_type(goal), meta.decls[goal].name, "refine",
                              stx.kind == "refine'")
        if goal in goals:
            raise tactic_error(meta, "refine", goal, "occurs check")
        meta.assign_mvar(goal, e)
        return goals
    on_main(ctx, go)


@tactic("assumption")
def assumption(ctx, stx):
    def go(goal):
        e = find_assumption(ctx.meta, goal)
        if e is None:
            raise LeanError(f"Tactic `assumption` failed\n\n{ctx.meta.pp_goal(goal)}", stx)
        ctx.meta.assign_mvar(goal, e)
        return []
    on_main(ctx, go)


def find_assumption(meta, goal: int):
    """The newest hypothesis whose type is definitionally equal to the target, or None."""
    ty = meta.goal_type(goal)
    decls = meta.decls[goal].lctx.decls
    for d in reversed(decls):
        if d.type is ty and not d.hidden:
            return d.fvar
    for d in reversed(decls):
        if d.hidden:
            continue
        mark = meta.save()
        if meta.is_def_eq(ty, d.type):
            return d.fvar
        meta.restore(mark)
    return None


# --- apply ----------------------------------------------------------------------------------------


@tactic("apply")
def apply(ctx, stx, term):
    def go(goal):
        e, extra = elab_for_apply(ctx, term)
        return apply_term(ctx.meta, goal, e, extra)
    on_main(ctx, go)


def elab_for_apply(ctx, term):
    """(function, holes it contains): an identifier is taken without its implicit arguments."""
    ctx.elab.err_to_sorry = False
    bare = term
    while isinstance(bare, S.Paren):
        bare = bare.term
    if isinstance(bare, S.Ident):
        options = ctx.elab.resolve_fn(bare)
        if len(options) == 1 and not options[0][1]:
            return options[0][0], []
    meta = ctx.meta
    before = meta.fresh_mark()
    e = ctx.elab.elab_term(term, None)
    extra = []
    for i in meta.mvars_in(e):
        if i >= before:
            meta.decls[i].kind = "opaque" if meta.decls[i].kind == "opaque" else "natural"
            extra.append(i)
    return e, extra


def count_pis(meta, ty) -> int:
    """Number of binders of a type, unfolding definitions (expectedTypeArity)."""
    n = 0
    while True:
        if type(ty) is not Pi:
            ty = meta.whnf(meta.inst(ty)) if not ty.loose else ty
            if type(ty) is not Pi:
                return n
        ty = ty.body
        n += 1
        if ty.loose:
            while type(ty) is Pi:
                ty = ty.body
                n += 1
            if ty.loose:
                return n + _hidden_pis(meta, ty)


def _hidden_pis(meta, ty) -> int:
    """Binders hidden behind a definition such as `¬` or `≠` at the end of a type."""
    f = tm.get_app_fn(ty)
    if type(f) is Const and f.name in ("Not", "Ne"):
        return 1
    return 0


def apply_term(meta, goal: int, e, extra=()) -> list[int]:
    """The new goals of `apply e`: independent ones first. Raises LeanError when it cannot unify."""
    target = meta.goal_type(goal)
    e_type = meta.inst(meta.infer(e))
    arity, target_arity = count_pis(meta, e_type), count_pis(meta, target)
    f = tm.get_app_fn(_result(e_type))
    start = 0 if type(f) in (MVar, tm.BVar) or arity < target_arity else arity - target_arity
    first_error = None
    mark = meta.save()
    for n in range(start, max(arity, start) + 1):
        mvars, infos, result = meta.forall_meta(e_type, max=n)
        if len(mvars) < n:
            break
        if meta.is_def_eq(target, result):
            return _finish_apply(meta, goal, e, mvars, infos, extra)
        meta.restore(mark)
        if first_error is None:
            first_error = result
    mvars, infos, result = meta.forall_meta(e_type, max=start)
    raise tactic_error(meta, "apply", goal, "could not unify the "
                       f"{'conclusion' if mvars else 'type'} of {_described(meta, e)}\n"
                       f"  {meta.pp(result)}\nwith the goal\n  {meta.pp(target)}")


def _described(meta, e) -> str:
    return f"`{meta.pp(e)}`" if type(e) is not Const else f"`@{meta.pp(e)}`"


def _result(ty):
    while type(ty) is Pi:
        ty = ty.body
    return ty


def _finish_apply(meta, goal, e, mvars, infos, extra) -> list[int]:
    parent = meta.decls[goal].name
    for m, info in zip(mvars, infos):
        if info == "inst" and not meta.is_assigned(m.id):
            ty = meta.inst(meta.decls[m.id].type)
            value = meta.synth_inst(ty)
            if value is None:
                raise LeanError(f"failed to synthesize instance of type class\n  {meta.pp(ty)}")
            if not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, value)
    meta.assign_mvar(goal, tm.mk_app(e, *mvars))
    new = [m.id for m in mvars if not meta.is_assigned(m.id)]
    for i in new:
        d = meta.decls[i]
        d.type = meta.inst(d.type)
        d.name = parent if len(mvars) == 1 else append_tag(parent, d.name)
    goals = order_goals(meta, new)
    for i in extra:
        if not meta.is_assigned(i) and i not in goals:
            goals.append(i)
    return goals


def order_goals(meta, new) -> list[int]:
    """Goals that no other goal's type mentions first, then the others (nonDependentFirst)."""
    needed = set()
    for i in new:
        ty = meta.decls[i].type
        if ty.flags & MVAR:
            needed.update(j for j in meta.mvars_in(ty) if j != i)
    return [i for i in new if i not in needed] + [i for i in new if i in needed]


# --- introduction ---------------------------------------------------------------------------------


@tactic("intro")
def intro(ctx, stx, pats, alts):
    if alts is not None:
        return intro_match(ctx, stx, alts)
    if not pats:
        pats = [S.Hole(stx.pos, stx.end)]
    for pat in pats:
        on_main(ctx, lambda goal, pat=pat: [intro_pattern(ctx, goal, pat)])


def intro_pattern(ctx, goal: int, pat) -> int:
    meta = ctx.meta
    if isinstance(pat, S.Ident):
        return U.intro1(meta, goal, pat.name)[1]
    if isinstance(pat, S.Hole):
        return U.intro1(meta, goal)[1]
    if isinstance(pat, S.Paren):
        return intro_pattern(ctx, goal, pat.term)
    if isinstance(pat, S.Ascription) and isinstance(pat.term, S.Ident | S.Hole):
        name = pat.term.name if isinstance(pat.term, S.Ident) else None
        d, goal = U.intro1(meta, goal, name)
        with meta.with_goal(goal):
            ty = ctx.elab.elab_type(pat.type)
            if not meta.is_def_eq(d.type, ty):
                raise LeanError(f"Type mismatch: Hypothesis `{d.name}` has type\n  "
                                f"{meta.pp(d.type)}\nbut is expected to have type\n  "
                                f"{meta.pp(ty)}", pat)
        return U.change_hyp(meta, goal, d, meta.inst(ty))[1]
    from minilean.front.tactic_rcases import pattern_of_term, rcases_hyp
    tag = meta.decls[goal].name
    d, goal = U.intro1(meta, goal)
    goals = rcases_hyp(ctx, goal, d, pattern_of_term(pat))
    if len(goals) != 1:
        raise Declined("intro with a pattern of several cases", pat)
    meta.decls[goals[0]].name = tag
    return goals[0]


def intro_match(ctx, stx, alts):
    """`intro | p => tac | …`: intro and match."""
    names = [f"x{i}✝m" for i in range(len(alts[0].patterns[0]))]
    for name in names:
        on_main(ctx, lambda goal, name=name: [U.intro1(ctx.meta, goal, name)[1]])
    discrs = [(None, S.Ident(stx.pos, stx.end, name)) for name in names]
    match_tactic(ctx, stx, discrs, alts, None)


@tactic("intros")
def intros(ctx, stx, names):
    def go(goal):
        meta = ctx.meta
        if names:
            for name in names:
                with meta.with_goal(goal):
                    goal = U.intro1(meta, goal, name)[1]
            return [goal]
        while type(meta.whnf_core(meta.goal_type(goal))) in (Pi, tm.Let):
            with meta.with_goal(goal):
                goal = U.intro1(meta, goal)[1]
        return [goal]
    on_main(ctx, go)


@tactic("revert")
def revert(ctx, stx, idents):
    def go(goal):
        meta = ctx.meta
        ids = [U.find_hyp(meta, goal, x.name, x).id for x in idents]
        return [U.revert(meta, goal, U.dependents(meta, goal, ids))]
    on_main(ctx, go)


@tactic("clear")
def clear(ctx, stx, idents):
    def go(goal):
        meta = ctx.meta
        ids = {U.find_hyp(meta, goal, x.name, x).id for x in idents}
        for d in reversed(meta.decls[goal].lctx.decls):
            if d.id in ids:
                goal = U.clear(meta, goal, [d.id])
        return [goal]
    on_main(ctx, go)


@tactic("rename")
def rename(ctx, stx, kind, name):
    def go(goal):
        from minilean.front.tactic import rename_hyps
        meta = ctx.meta
        ty = ctx.elab.elab_type(kind, postpone=True)
        for d in reversed(meta.decls[goal].lctx.decls):
            mark = meta.save()
            if not d.hidden and meta.is_def_eq(ty, d.type):
                return [rename_hyps(meta, goal, {d.id: name})]
            meta.restore(mark)
        raise LeanError("Failed to find a hypothesis with type\n  " + meta.pp(ty), stx)
    on_main(ctx, go)


@tactic("specialize")
def specialize(ctx, stx, term):
    def go(goal):
        meta = ctx.meta
        head = term
        while isinstance(head, S.App | S.Paren):
            head = head.fn if isinstance(head, S.App) else head.term
        d = meta.lctx.find(head.name) if isinstance(head, S.Ident) else None
        if d is None:
            raise LeanError("'specialize' requires a term of the form `h x_1 .. x_n` where `h` "
                            "appears in the local context", stx)
        ctx.elab.err_to_sorry = ctx.recover
        e, goals = elab_holes(ctx, term, None, meta.decls[goal].name, "specialize")
        h, new = U.assert_hyp(meta, goal, d.name, meta.inst(meta.infer(e)), e)
        return [U.try_clear(meta, new, [d.id]), *goals]
    on_main(ctx, go)


# --- forward steps --------------------------------------------------------------------------------


@tactic("have")
def have(ctx, stx, name, binders, kind, value, pattern):
    if pattern is not None:
        return have_pattern(ctx, stx, pattern, kind, value)
    elaborator = ctx.elab

    def go(goal):
        meta = ctx.meta
        elaborator.err_to_sorry = ctx.recover
        if value is None:
            if kind is None:
                raise LeanError("failed to infer `have` declaration type", stx)
            ty = elaborate_binders(ctx, binders, kind)
            m = meta.mk_goal(ty)
            _, new = U.assert_hyp(meta, goal, name or "this", ty, MVar(m))
            return [m, new]
        tag = meta.decls[goal].name
        hole = S.SynthHole(stx.end, stx.end)
        node = S.Have(stx.pos, stx.end, name, binders, kind, value, hole)
        e, goals = elab_holes(ctx, node, meta.goal_type(goal), tag, "refine_lift")
        meta.assign_mvar(goal, e)
        return goals
    on_main(ctx, go)


def elaborate_binders(ctx, binders, kind):
    """The type `∀ binders, kind`."""
    if not binders:
        return ctx.elab.elab_type(kind)
    return ctx.elab.elab_type(S.Forall(kind.pos, kind.end, binders, kind))


def have_pattern(ctx, stx, pattern, kind, value):
    """`have ⟨x, h⟩ := e`: like obtain."""
    from minilean.front.tactic_rcases import obtain_term, pattern_of_term
    tag = ctx.meta.decls[ctx.main()].name
    obtain_term(ctx, stx, pattern_of_term(pattern), kind, value)
    if ctx.goals:
        ctx.meta.decls[ctx.goals[0]].name = tag


@tactic("let")
def let(ctx, stx, name, binders, kind, value, pattern):
    if pattern is not None:
        return have_pattern(ctx, stx, pattern, kind, value)

    def go(goal):
        meta = ctx.meta
        ctx.elab.err_to_sorry = ctx.recover
        node = S.Let(stx.pos, stx.end, name, binders, kind, value, S.Hole(stx.pos, stx.end))
        e, ty = ctx.elab._let_value(node)
        ctx.elab.synthesize("no")
        _, new = U.define_hyp(meta, goal, name or "this", meta.inst(ty), meta.inst(e))
        return [new]
    on_main(ctx, go)


@tactic("suffices")
def suffices(ctx, stx, name, kind, value):
    def go(goal):
        meta = ctx.meta
        ctx.elab.err_to_sorry = ctx.recover
        ty = ctx.elab.elab_type(kind)
        d = meta.decls[goal]
        sub = meta.mk_goal(ty, d.name if value is not None else "")
        h, main = U.assert_hyp(meta, goal, name or "this", ty, MVar(sub))
        if value is None:
            return [main, sub]
        with meta.with_goal(main):
            meta.assign_mvar(main, elab(ctx, value, meta.goal_type(main)))
        return [sub]
    on_main(ctx, go)


@tactic("show")
def show(ctx, stx, kind, value):
    """`show T` picks the first goal that T unifies with; `show T from e` closes the goal."""
    meta = ctx.meta
    if value is not None:
        node = S.Show(stx.pos, stx.end, kind, value)
        return exact(ctx, stx, node)
    goal = ctx.main()
    mark = ctx.save()
    for g in list(ctx.goals):
        with meta.with_goal(g):
            try:
                with without_recover(ctx):
                    new = change_to(ctx, g, kind)
            except LeanError:
                ctx.restore(mark)
                continue
        ctx.goals = [new, *[x for x in ctx.goals if x != g]]
        return
    with meta.with_goal(goal):
        change_to(ctx, goal, kind)


def change_to(ctx, goal: int, kind) -> int:
    meta = ctx.meta
    target = meta.goal_type(goal)
    ty = ctx.elab.elab_type(kind, postpone=True)
    ok = meta.is_def_eq(ty, target)
    ctx.elab.synthesize("no")
    ty = meta.inst(ty)
    if not ok and not meta.is_def_eq(ty, target):
        raise LeanError(f"'show' tactic failed, pattern\n  {meta.pp(ty)}\nis not definitionally "
                        f"equal to target\n  {meta.pp(target)}", kind)
    return U.change_target(meta, goal, meta.inst(ty))


@tactic("change")
def change(ctx, stx, kind, loc):
    meta = ctx.meta
    if loc is None:
        return on_main(ctx, lambda goal: [change_to(ctx, goal, kind)])
    if loc.wildcard or loc.goal:
        raise Declined("change at several locations", stx)
    for x in loc.hyps:
        def go(goal, x=x):
            d = U.find_hyp(meta, goal, x.name, x)
            ty = ctx.elab.elab_type(kind, postpone=True)
            ok = meta.is_def_eq(ty, d.type)
            ctx.elab.synthesize("no")
            if not ok and not meta.is_def_eq(ty, d.type):
                raise LeanError(f"'change' tactic failed, pattern\n  {meta.pp(ty)}\nis not "
                                f"definitionally equal to target\n  {meta.pp(d.type)}", kind)
            return [U.change_hyp(meta, goal, d, meta.inst(ty))[1]]
        on_main(ctx, go)


# --- constructors ---------------------------------------------------------------------------------


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


# --- closing goals --------------------------------------------------------------------------------


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
    from minilean.front.tactic_cases import close_contradiction

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


# --- case distinction on propositions -------------------------------------------------------------


@tactic("by_cases")
def by_cases(ctx, stx, name, term):
    def go(goal):
        meta = ctx.meta
        p = ctx.elab.elab_term_ensuring(term, tm.PROP)
        return list(split_prop(meta, goal, p, name or "h"))
    on_main(ctx, go)


def decidable_instance(meta, p):
    """A Decidable p, found by resolution or else classical."""
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
        if tm.is_app_of(whnf, "Not", 1):
            h, new = U.intro1(meta, U.change_target(meta, goal, meta.whnf(whnf)), name or "this")
            return [new]
        g = meta.mk_goal(Pi(name or "this", meta.mk_not(ty), Const("False")), d.name, d.lctx)
        meta.assign_mvar(goal, tm.mk_app(Const("Classical.byContradiction"), ty, MVar(g)))
        return [U.intro1(meta, g, name or "this")[1]]
    on_main(ctx, go)


# --- functions ------------------------------------------------------------------------------------


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


@tactic("calc")
def calc(ctx, stx, steps):
    exact(ctx, stx, S.Calc(stx.pos, stx.end, steps))


@tactic("nomatch", "nofun")
def nomatch(ctx, stx, terms=()):
    exact(ctx, stx, S.NoMatch(stx.pos, stx.end, list(terms), stx.kind == "nofun"))


@tactic("match")
def match_tactic(ctx, stx, discrs, alts, motive):
    """`match` in a tactic block: the term `match`, each alternative a `by` block."""
    new_alts = []
    for alt in alts:
        rhs = alt.rhs
        if isinstance(rhs, S.TacSeq):
            rhs = S.By(alt.pos, alt.end, rhs)
        new_alts.append(S.MatchAlt(alt.pos, alt.end, alt.patterns, rhs))
    refine(ctx, S.Tactic(stx.pos, stx.end, "refine"),
           S.Match(stx.pos, stx.end, discrs, new_alts, motive))


@tactic("if")
def if_(ctx, stx, name, cond, then, els):
    node = S.If(stx.pos, stx.end, name, cond, S.By(then.pos, then.end, then),
                S.By(els.pos, els.end, els))
    refine(ctx, S.Tactic(stx.pos, stx.end, "refine"), node)


def is_ctor_name(meta, name: str) -> bool:
    return type(meta.env.get(name)) is ConstructorDecl


def hyp_of(meta, e):
    """The declaration of a free variable term, or None."""
    return meta.fvars.get(e.id) if type(e) is FVar else None


__all__ = ["apply_term", "close_rfl", "elab", "run_tactic_seq"]
