"""Goal surgery shared by all tactics: intro, revert, clear, assert, replace the target, cases.

Follows Lean's `Lean/Meta/Tactic/{Intro,Revert,Clear,Assert,Replace}.lean`. Every function takes the
`Meta` and a goal id, assigns the goal and returns the new one; none is trusted.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from minilean.front.errors import Declined, LeanError
from minilean.kernel import level as lv
from minilean.kernel import term as tm

HANDLERS = {}  # tactic name -> handler(ctx, stx, *args)


def tactic(*names):
    """Registers a handler for the tactics `names`."""
    def register(fn):
        HANDLERS.update(dict.fromkeys(names, fn))
        return fn
    return register


def tactic_error(meta, name: str, goal: int, text: str) -> LeanError:
    """Lean's "Tactic `name` failed: text" followed by the goal."""
    return LeanError(f"Tactic `{name}` failed: {text}\n\n{meta.pp_goal(goal)}")


def inaccessible(name: str) -> str:
    """The name as the user cannot write it (shown with ✝)."""
    return name if name.endswith("✝") else name + "✝"


def chosen(name, default: str) -> str:
    """The name the user gave; when that is None or `_`, the default, inaccessible."""
    return inaccessible(default) if name in (None, "_") else name


def append_tag(parent: str, tag: str) -> str:
    """Parent tag and suffix joined by a dot; hygiene marks dropped."""
    return ".".join([part for part in (parent.rstrip("✝"), tag.rstrip("✝")) if part])


def flat(fn, goals) -> list[int]:
    """The goals that fn(goal) gives for each of the goals, one after the other."""
    return [new for goal in goals for new in fn(goal)]


def hypotheses(meta, goal: int):
    """The declarations of the goal that the user can see, in context order."""
    return [d for d in meta.decls[goal].lctx.decls if not d.hidden]


def find_hyp(meta, goal: int, name: str, stx=None):
    """The declaration called name; LeanError "Unknown identifier" when there is none."""
    d = meta.decls[goal].lctx.find(name)
    if d is None or name.endswith("✝"):
        raise LeanError(f"Unknown identifier `{name}`", stx)
    return d


def replace_goal(meta, goal: int, type=None, proof=lambda new: new, tag=None, lctx=None) -> int:
    """A new goal, like the old one but for what is given; proof(new) proves the old one."""
    d = meta.decls[goal]
    new = meta.mk_goal(d.type if type is None else type, d.name if tag is None else tag,
                       d.lctx if lctx is None else lctx)
    meta.assign_mvar(goal, proof(tm.MVar(new)))
    return new


def apply_cases(meta, goal: int, fn, tags, rest=()) -> list[int]:
    """New goals, tagged, for the next arguments of fn; these and `rest` make fn prove the goal."""
    d, ty, goals = meta.decls[goal], meta.infer(fn), []
    for tag in tags:
        ty = meta.expect_pi(ty)
        goals.append(meta.mk_goal(ty.type, append_tag(d.name, tag), d.lctx))
        ty = tm.instantiate(ty.body, tm.MVar(goals[-1]))
    meta.assign_mvar(goal, tm.mk_app(fn, *map(tm.MVar, goals), *rest))
    return goals


# --- between target and context -------------------------------------------------------------------


def intro1(meta, goal: int, name=None):
    """(declaration, new goal): one binder or `let` of the target moved to the context.

    name None or "_": the binder's own name, inaccessible. Raises LeanError when there is none.
    """
    ty = meta.goal_type(goal)
    for reduce in (meta.whnf_core, meta.whnf):
        if type(ty) not in (tm.Pi, tm.Let):
            ty = reduce(ty)
    if type(ty) not in (tm.Pi, tm.Let):
        raise tactic_error(meta, "introN", goal, "There is no binder or `let` to introduce")
    d = meta.mk_local(chosen(name, ty.name), ty.type, getattr(ty, "info", "default"),
                      getattr(ty, "value", None))
    return d, meta.intro_goal(goal, [d], tm.instantiate(ty.body, d.fvar))


def dependents(meta, goal: int, ids):
    """The declarations of the goal that are in ids or depend on one, in context order."""
    return meta._dependents(meta.decls[goal].lctx, ids)


def revert(meta, goal: int, decls) -> int:
    """New goal with `decls` (closed under dependency, in order) moved to the target."""
    d = meta.decls[goal]
    values = [x.fvar for x in decls if x.value is None]
    return replace_goal(meta, goal, meta.mk_pi([x.fvar for x in decls], d.type),
                        lambda new: tm.mk_app(new, *values),
                        lctx=d.lctx.erase([x.id for x in decls]))


def reintro(meta, goal: int, decls) -> int:
    """New goal: introduces what `revert` moved, with the old names."""
    for old in decls:
        if old.value is not None and type(meta.goal_type(goal)) is not tm.Let:
            continue  # an unused `let` was dropped
        d, goal = intro1(meta, goal, old.name)
        d.origin = old.origin
    return goal


def is_used(meta, target, lctx, i: int) -> bool:
    """Does the target or another declaration of the context depend on the declaration i?"""
    return meta.mentions(target, {i}) or len(meta._dependents(lctx, [i])) > 1


def try_clear(meta, goal: int, ids) -> int:
    """Clears those of `ids` (last first) on which nothing depends."""
    d = meta.decls[goal]
    lctx = d.lctx
    for i in reversed(ids):
        if i in lctx and not is_used(meta, d.type, lctx, i):
            lctx = lctx.erase([i])
    return goal if lctx is d.lctx else replace_goal(meta, goal, lctx=lctx)


# --- new hypotheses -------------------------------------------------------------------------------


def add_locals(meta, goal: int, decls, values, target=None, lctx=None) -> int:
    """New goal with the declarations in its context; values: what they stand for (no `let`s)."""
    target = meta.decls[goal].type if target is None else target
    goal = replace_goal(meta, goal, meta.mk_pi([d.fvar for d in decls], target),
                        lambda new: tm.mk_app(new, *values))
    return meta.intro_goal(goal, decls, target, lctx)


def assert_hyp(meta, goal: int, name: str, ty, value):
    """(declaration, new goal) with `name : ty` added to the context, proved by value."""
    h = meta.mk_local(name, ty)
    return h, add_locals(meta, goal, [h], [value])


def replace_hyp(meta, goal: int, decl, ty, value):
    """(declaration, new goal) where `decl` is replaced by `decl.name : ty`, proved by value.

    The new hypothesis stands where the old one stood, unless what `ty` mentions comes later.
    """
    h = meta.mk_local(decl.name, ty, decl.bi)
    d = meta.decls[goal]
    used, order = {decl.id, *meta.fvar_ids(ty)}, list(d.lctx.decls)
    if is_used(meta, d.type, d.lctx, decl.id):
        raise Declined("change of a hypothesis on which something depends")
    order.insert(1 + max(i for i, x in enumerate(order) if x.id in used), h)
    order.remove(decl)
    return h, add_locals(meta, goal, [h], [value], lctx=d.lctx.replace(order))


def generalize_term(meta, goal: int, e, name: str, eq_name=None):
    """(x, new goal): every e in the target becomes a new variable x (eq_name: with e = x)."""
    x = meta.mk_local(name, meta.inst(meta.infer(e)))
    target = tm.instantiate(meta.kabstract(meta.goal_type(goal), e), x.fvar)
    decls, values = [x], [e]
    if eq_name is not None:
        decls.append(meta.mk_local(chosen(eq_name, "h"), meta.mk_eq(e, x.fvar)))
        values.append(meta.mk_eq_refl(e))
    return x, add_locals(meta, goal, decls, values, target)


def close_by_assumption(meta, goal: int) -> bool:
    """Closes the goal by the newest hypothesis that is the target, if not literally then by
    definition; False when there is none.
    """
    ty = meta.goal_type(goal)
    for d in sorted(hypotheses(meta, goal)[::-1], key=lambda d: d.type is not ty):
        if meta.is_def_eq(ty, d.type):
            meta.assign_mvar(goal, d.fvar)
            return True
    return False


def replace_at(meta, goal: int, d, new, eq=None) -> int:
    """New goal: hypothesis d (None: the target) becomes `new`, by eq : old = new (None: as rfl)."""
    if d is None:
        return replace_goal(meta, goal, new,
                            lambda g: g if eq is None else meta.mk_cast("Eq.mpr", eq, g))
    proof = d.fvar if eq is None else meta.mk_cast("Eq.mp", eq, d.fvar)
    return replace_hyp(meta, goal, d, new, proof)[1]


# --- terms ----------------------------------------------------------------------------------------


def beta_all(meta, e):
    """e with all beta-redexes contracted."""
    def visit(s):
        if type(s) is tm.App and type(tm.get_app_fn(s)) is tm.Lam:
            return beta_all(meta, meta.head_beta(s))
        return None
    return tm.replace(e, visit)


def congr_step(meta, f, g, a, b, fp, ap):
    """Proof of f a = g b from fp : f = g and ap : a = b (None: definitionally equal)."""
    if fp is None and ap is None:
        return None
    fty = meta.expect_pi(meta.infer(f))
    alpha, beta = meta.inst(fty.type), meta.inst(fty.body)
    levels = meta.sort_level(alpha), meta.sort_level(tm.instantiate(beta, a))
    if ap is None:
        family = tm.Lam(fty.name, alpha, beta)
        return tm.mk_app(tm.Const("congrFun", levels), alpha, family, f, g, fp, a)
    beta = tm.lift(beta_all(meta, beta), -1, 1)
    if fp is None:
        return tm.mk_app(tm.Const("congrArg", levels), alpha, beta, a, b, f, ap)
    return tm.mk_app(tm.Const("congr", levels), alpha, beta, f, g, a, b, fp, ap)


def decide(meta, p):
    """(is p true?, a proof of p or of ¬p) by evaluating its Decidable instance, or None."""
    inst = meta.synth_inst(tm.App(tm.Const("Decidable"), p))
    with meta.transparency("default"):
        value = inst and meta.whnf(tm.mk_app(tm.Const("Decidable.decide"), p, inst))
    if type(value) is not tm.Const:
        return None
    refl = tm.mk_app(tm.Const("Eq.refl", (lv.ONE,)), tm.Const("Bool"), value)
    lemma = f"of_decide_eq_{value.name.removeprefix('Bool.')}"
    return value.name == "Bool.true", tm.mk_app(tm.Const(lemma), p, inst, refl)
