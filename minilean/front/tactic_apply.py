"""exact, refine, apply, assumption, specialize, and tactics that are terms: given by a term.

Follows Lean's `Lean/Elab/Tactic/ElabTerm.lean` and `Lean/Meta/Tactic/{Apply,Assumption}.lean`:
`apply` tries fewer arguments first, new goals that no other goal mentions come first, tags come
from binder names.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from dataclasses import replace

from minilean.front import syntax as S
from minilean.front import tactic_util as U
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import goal_tactic, on_main
from minilean.kernel import term as tm


def elab(ctx, stx, expected=None):
    """The term for stx; `_` and `?_` may not remain (Lean's elabTermEnsuringType in `exact`)."""
    e, goals = ctx.elab.elab_with_holes(stx, expected)
    if goals:
        raise ctx.elab.unassigned(goals[0], stx)
    return e


def unified_type(ctx, name: str, kind, old):
    """The type that the syntax `kind` says. LeanError unless it is definitionally equal to old."""
    meta = ctx.meta
    ty = ctx.elab.type_term(kind)
    meta.is_def_eq(ty, old)
    ctx.elab.synthesize("no")
    ty = meta.inst(ty)
    if not meta.is_def_eq(ty, old):
        raise LeanError(f"'{name}' tactic failed, pattern\n  {meta.pp(ty)}\nis not "
                        f"definitionally equal to target\n  {meta.pp(old)}", kind)
    return meta.inst(ty)


# --- terms as tactics -----------------------------------------------------------------------------


def refine_goal(ctx, goal: int, term, suffix="refine") -> list[int]:
    """The goals that the holes of a term for the goal leave, tagged as Lean tags them."""
    e, goals = ctx.elab.elab_with_holes(term, ctx.meta.goal_type(goal))
    ctx.meta.assign_mvar(goal, e)
    decls = ctx.meta.decls
    tag, unnamed = decls[goal].name, [g for g in goals if not decls[g].name]
    for i, g in enumerate(unnamed, 1):
        decls[g].name = tag if len(unnamed) == 1 else U.append_tag(tag, f"{suffix}_{i}")
    return goals


def block(at, rhs):
    """The term for the right side of an alternative at `at`: a tactic block, or a term."""
    return S.By(at.pos, at.end, rhs) if isinstance(rhs, S.TacSeq) else rhs


def blocks(alts):
    """The alternatives with terms as right sides."""
    return [replace(alt, rhs=block(alt, alt.rhs)) for alt in alts]


TERMS = {  # tactic -> the term that stands for it
    "refine": lambda pos, end, term: term,
    "sorry": S.Sorry, "admit": S.Sorry, "nomatch": S.NoMatch, "calc": S.Calc,
    "match": lambda pos, end, discrs, alts, motive: S.Match(
        pos, end, discrs, blocks(alts), motive),
    "if": lambda pos, end, name, cond, then, els: S.If(
        pos, end, name, cond, block(then, then), block(els, els)),
}


@goal_tactic(*TERMS)
def term_tactic(ctx, goal, stx, *args):
    recorder = ctx.elab.recorder
    if stx.kind == "calc" and recorder is not None:  # Lean lists the steps by themselves, too
        recorder(ctx, S.Tactic(args[0][0].pos, stx.end, "calcSteps"), [])
    return refine_goal(ctx, goal, TERMS[stx.kind](stx.pos, stx.end, *args))



@goal_tactic("exact")
def exact(ctx, goal, stx, term):
    ctx.meta.assign_mvar(goal, elab(ctx, term, ctx.meta.goal_type(goal)))
    return []


@goal_tactic("specialize")
def specialize(ctx, goal, stx, term):
    meta, head = ctx.meta, term.fn if isinstance(term, S.App) else term
    d = meta.lctx.find(head.name) if isinstance(head, S.Ident) else None
    if d is None:
        raise LeanError("'specialize' requires a term `h x_1 .. x_n` with a local `h`", stx)
    e, goals = ctx.elab.elab_with_holes(term, None)
    if goals:
        raise Declined("specialize with holes", stx)
    new = U.assert_hyp(meta, goal, d.name, meta.inst(meta.infer(e)), e)[1]
    return [U.try_clear(meta, new, [d.id])]


# --- tactics that close the goal ------------------------------------------------------------------


def closes(meta, goal: int, *closers) -> bool:
    """Does one of the functions (meta, goal → bool) close the goal? Nothing changes if not."""
    mark = meta.save()
    for close in closers:
        try:
            if close(meta, goal):
                return True
        except LeanError:
            pass
        meta.restore(mark)
    return False


def try_to_close(ctx, *closers) -> None:
    """Closes the main goal, if there is one and one of the functions does."""
    ctx.prune()
    if ctx.goals:
        on_main(ctx, lambda goal: [] if closes(ctx.meta, goal, *closers) else [goal])


def closing_tactic(name: str, close, why=""):
    """Registers and returns the tactic that fails unless close(meta, goal) closes the goal."""
    @goal_tactic(name)
    def handler(ctx, goal, stx):
        if not closes(ctx.meta, goal, close):
            raise LeanError(f"Tactic `{name}` failed{why}\n\n{ctx.meta.pp_goal(goal)}", stx)
        return []
    return handler


def close_by_assumption(meta, goal: int) -> bool:
    """Closes the goal by the newest hypothesis that is the target, if not literally then by
    definition; False when there is none.
    """
    ty = meta.goal_type(goal)
    for d in sorted(U.hypotheses(meta, goal)[::-1], key=lambda d: d.type is not ty):
        if meta.is_def_eq(ty, d.type):
            meta.assign_mvar(goal, d.fvar)
            return True
    return False


assumption = closing_tactic("assumption", close_by_assumption)

# --- apply ----------------------------------------------------------------------------------------


@goal_tactic("apply")
def apply(ctx, goal, stx, term):
    return apply_term(ctx.meta, goal, *elab_for_apply(ctx, term))


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
    holes = [i for i in meta.mvars_in(e) if i >= before]
    for i in holes:
        if meta.decls[i].kind != "opaque":
            meta.decls[i].kind = "natural"
    return e, holes


def apply_term(meta, goal: int, e, extra=()) -> list[int]:
    """The new goals of `apply e`: independent ones first. Raises LeanError when it cannot unify."""
    target = meta.goal_type(goal)
    e_type = meta.inst(meta.infer(e))
    binders, result = meta.forall_locals(e_type)
    arity = fewest = len(binders)
    if type(tm.get_app_fn(result)) is not tm.MVar:
        fewest = max(0, arity - len(meta.forall_locals(target)[0]))
    for n in range(fewest, arity + 1):
        mvars, infos, result = meta.forall_meta(e_type, max=n)
        if meta.is_def_eq(target, result):
            return finish_apply(meta, goal, e, mvars, infos, extra)
    result = meta.forall_meta(e_type, max=fewest)[2]
    what = "conclusion" if fewest else "type"
    shown = ("@" if type(e) is tm.Const else "") + meta.pp(e)
    raise U.tactic_error(meta, "apply", goal, f"could not unify the {what} of `{shown}`\n"
                         f"  {meta.pp(result)}\nwith the goal\n  {meta.pp(target)}")


def apply_const(meta, goal: int, name: str) -> list[int]:
    """The goals of the constant with all its arguments; one alone keeps the tag."""
    e = meta.mk_const(name)
    mvars, infos, result = meta.forall_meta(meta.infer(e), reducing=False)
    if not meta.is_def_eq(meta.goal_type(goal), result):
        raise LeanError(f"Tactic `apply` failed: the goal is no conclusion of `{name}`")
    goals = finish_apply(meta, goal, e, mvars, infos)
    if len(goals) == 1:
        meta.decls[goals[0]].name = meta.decls[goal].name
    return goals


def finish_apply(meta, goal: int, e, mvars, infos, extra=()) -> list[int]:
    """Closes the goal with e applied to mvars; those still open, then `extra`, become goals."""
    goals, tag = open_goals(meta, mvars, infos), meta.decls[goal].name
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
            ty = meta.inst(meta.decls[m.id].type)
            value = meta.synth_inst(ty)
            if value is None:
                raise LeanError(f"failed to synthesize instance of type class\n  {meta.pp(ty)}")
            if not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, value)
    goals = dict.fromkeys([*[m.id for m in mvars], *extra])
    goals = [i for i in goals if not meta.is_assigned(i)]
    needed = set()
    for i in goals:
        meta.decls[i].type = meta.inst(meta.decls[i].type)
        needed.update(j for j in meta.mvars_in(meta.decls[i].type) if j != i)
    return sorted(goals, key=needed.__contains__)


CONSTANTS = {"exfalso": "False.elim", "infer_instance": "inferInstance"}


@goal_tactic(*CONSTANTS)
def constant(ctx, goal, stx):
    """A tactic that applies one constant."""
    return apply_const(ctx.meta, goal, CONSTANTS[stx.kind])
