"""Goal surgery shared by all tactics: intro, revert, clear, assert, replace the target.

Follows Lean's `Lean/Meta/Tactic/{Intro,Revert,Clear,Assert,Replace}.lean`. Every function takes the
`Meta` and a goal id, assigns the goal and returns the new one; none is trusted.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.front.terms import has_loose_bvar
from minilean.kernel import term as tm
from minilean.kernel.term import Const, FVar, Lam, Let, MVar, Pi, instantiate

HANDLERS = {}  # tactic name -> handler(ctx, stx, *args)


def tactic(*names):
    """Registers a handler for the tactics `names`."""
    def register(fn):
        for name in names:
            HANDLERS[name] = fn
        return fn
    return register


def tactic_error(meta, name: str, goal: int, text: str) -> LeanError:
    """Lean's "Tactic `name` failed: text" followed by the goal."""
    return LeanError(f"Tactic `{name}` failed: {text}\n\n{meta.pp_goal(goal)}")


def inaccessible(name: str) -> str:
    """The name as the user cannot write it (shown with ✝)."""
    return name if name.endswith("✝") else name + "✝"


def append_tag(parent: str, tag: str) -> str:
    """Parent tag and suffix joined by a dot; hygiene marks dropped."""
    parent, tag = parent.rstrip("✝"), tag.rstrip("✝")
    if not parent or not tag:
        return parent or tag
    return f"{parent}.{tag}"


def intro1(meta, goal: int, name=None):
    """(declaration, new goal): one binder or `let` of the target moved to the context.

    name None or "_": the binder's own name, inaccessible. Raises LeanError when there is none.
    """
    ty = meta.goal_type(goal)
    if type(ty) is not Pi and type(ty) is not Let:
        ty = meta.whnf_core(ty)
        if type(ty) is not Pi and type(ty) is not Let:
            ty = meta.whnf(ty)
    if type(ty) is not Pi and type(ty) is not Let:
        raise tactic_error(meta, "introN", goal, "There are no additional binders or `let` "
                           "bindings in the goal to introduce")
    shown = inaccessible(ty.name) if name is None or name == "_" else name
    if type(ty) is Pi:
        d = meta.mk_local(shown, ty.type, ty.info)
    else:
        d = meta.mk_local(shown, ty.type, "default", ty.value)
    return d, meta.intro_goal(goal, [d], instantiate(ty.body, d.fvar))


def intro_n(meta, goal: int, names):
    """([declarations], new goal) for several binders; a name None is inaccessible."""
    decls = []
    for name in names:
        with meta.with_goal(goal):
            d, goal = intro1(meta, goal, name)
        decls.append(d)
    return decls, goal


def depends(meta, decl, ids) -> bool:
    """Does the type or value of a declaration mention one of the ids?"""
    return meta.mentions(decl.type, ids) or (
        decl.value is not None and meta.mentions(decl.value, ids))


def dependents(meta, goal: int, ids):
    """The declarations of the goal that are in ids or depend on one, in context order."""
    found, out = set(ids), []
    for d in meta.decls[goal].lctx.decls:
        if d.id in found or depends(meta, d, found):
            found.add(d.id)
            out.append(d)
    return out


def revert(meta, goal: int, decls):
    """New goal with `decls` (closed under dependency, in order) moved to the target."""
    if not decls:
        return goal
    d = meta.decls[goal]
    fvars = [x.fvar for x in decls]
    lctx = d.lctx.erase([x.id for x in decls])
    with meta.with_goal(goal):
        ty = meta.mk_pi(fvars, d.type)
        for x in decls:  # a `let` must stay in the type to be introduced again
            if x.value is not None and not _keeps_lets(ty, decls):
                break
    new = meta.mk_goal(ty, d.name, lctx)
    meta.assign_mvar(goal, tm.mk_app(MVar(new), *[x.fvar for x in decls if x.value is None]))
    return new


def _keeps_lets(ty, decls) -> bool:
    for _ in decls:
        if type(ty) is not Pi and type(ty) is not Let:
            return False
        ty = ty.body
    return True


def reintro(meta, goal: int, decls):
    """Introduces what `revert` moved, with the old names; ({old id: new declaration}, new goal)."""
    renamed = {}
    for old in decls:
        ty = meta.goal_type(goal)
        if old.value is not None and type(ty) is not Let:
            continue  # an unused `let` was dropped
        with meta.with_goal(goal):
            d, goal = intro1(meta, goal, old.name)
        d.bi = old.bi
        renamed[old.id] = d
    return renamed, goal


def clear(meta, goal: int, ids):
    """New goal without the declarations `ids`; LeanError if something depends on them."""
    d = meta.decls[goal]
    ids = set(ids)
    for x in d.lctx.decls:
        if x.id not in ids and depends(meta, x, ids):
            culprit = next(y for y in d.lctx.decls if y.id in ids and depends(meta, x, {y.id}))
            raise tactic_error(meta, "clear", goal,
                               f"Variable `{x.name}` depends on `{culprit.name}`")
    if meta.mentions(d.type, ids):
        culprit = next(y for y in d.lctx.decls if y.id in ids and meta.mentions(d.type, {y.id}))
        raise tactic_error(meta, "clear", goal, f"The target depends on `{culprit.name}`")
    new = meta.mk_goal(d.type, d.name, d.lctx.erase(ids))
    meta.assign_mvar(goal, MVar(new))
    return new


def try_clear(meta, goal: int, ids) -> int:
    """Clears those of `ids` (last first) on which nothing depends."""
    for i in reversed(list(ids)):
        if meta.decls[goal].lctx.get(i) is None:
            continue
        d = meta.decls[goal]
        if not meta.mentions(d.type, {i}) and not any(
                x.id != i and depends(meta, x, {i}) for x in d.lctx.decls):
            new = meta.mk_goal(d.type, d.name, d.lctx.erase([i]))
            meta.assign_mvar(goal, MVar(new))
            goal = new
    return goal


def assert_hyp(meta, goal: int, name: str, ty, value):
    """(declaration, new goal) with `name : ty` added to the context, proved by value."""
    d = meta.decls[goal]
    h = meta.mk_local(name, ty)
    new_main = meta.mk_goal(Pi(name, ty, d.type), d.name, d.lctx)
    meta.assign_mvar(goal, tm.App(MVar(new_main), value))
    return h, meta.intro_goal(new_main, [h], d.type)


def define_hyp(meta, goal: int, name: str, ty, value):
    """(declaration, new goal) with `name : ty := value` added to the context."""
    d = meta.decls[goal]
    h = meta.mk_local(name, ty, value=value)
    new_main = meta.mk_goal(Let(name, ty, value, d.type), d.name, d.lctx)
    meta.assign_mvar(goal, MVar(new_main))
    return h, meta.intro_goal(new_main, [h], d.type)


def replace_hyp(meta, goal: int, decl, ty, value, after_deps: bool = False):
    """(declaration, new goal) where `decl` is replaced by `decl.name : ty`, proved by value.

    The new hypothesis stands where the old one stood, unless what `ty` mentions comes later.
    """
    d = meta.decls[goal]
    h = meta.mk_local(decl.name, ty, decl.bi)
    ty_ids = {s.id for s in tm.subterms(meta.inst(ty)) if type(s) is FVar} if ty.flags else set()
    order, placed = [], False
    last = max([i for i, x in enumerate(d.lctx.decls) if x.id in ty_ids], default=-1)
    for i, x in enumerate(d.lctx.decls):
        if x.id == decl.id:
            if last < i:
                order.append(h)
                placed = True
            continue
        order.append(x)
        if not placed and i >= last and _passed(d.lctx.decls, i, decl):
            order.append(h)
            placed = True
    if not placed:
        order.append(h)
    keep_old = meta.mentions(d.type, {decl.id}) or any(
        x.id != decl.id and depends(meta, x, {decl.id}) for x in d.lctx.decls)
    if keep_old:
        order = []
        for x in d.lctx.decls:
            order.append(x)
        order.append(h)
    new_main = meta.mk_goal(Pi(h.name, ty, d.type), d.name, d.lctx)
    meta.assign_mvar(goal, tm.App(MVar(new_main), value))
    return h, meta.intro_goal(new_main, [h], d.type, d.lctx.replace(order))


def _passed(decls, i: int, decl) -> bool:
    """Is position i at or after `decl` in the context?"""
    return any(x.id == decl.id for x in decls[:i + 1])


def change_hyp(meta, goal: int, decl, ty):
    """(declaration, new goal): the hypothesis gets the definitionally equal type `ty`."""
    d = meta.decls[goal]
    deps = [x for x in dependents(meta, goal, [decl.id])]
    if len(deps) == 1 and not meta.mentions(d.type, {decl.id}):
        return replace_hyp(meta, goal, decl, ty, decl.fvar)
    new = revert(meta, goal, deps)
    target = meta.goal_type(new)
    changed = meta.mk_goal(Pi(target.name, ty, target.body, target.info), d.name,
                           meta.decls[new].lctx)
    meta.assign_mvar(new, MVar(changed))
    renamed, out = reintro(meta, changed, deps)
    return renamed[decl.id], out


def change_target(meta, goal: int, ty):
    """New goal with the definitionally equal target `ty`."""
    d = meta.decls[goal]
    if ty is d.type:
        return goal
    new = meta.mk_goal(ty, d.name, d.lctx)
    meta.assign_mvar(goal, MVar(new))
    return new


def replace_target_eq(meta, goal: int, ty, eq):
    """New goal with target `ty`, where eq proves old target = ty."""
    d = meta.decls[goal]
    new = meta.mk_goal(ty, d.name, d.lctx)
    with meta.with_goal(goal):
        meta.assign_mvar(goal, meta.mk_eq_mpr(eq, MVar(new)))
    return new


def generalize_term(meta, goal: int, e, name: str, eq_name=None):
    """(x, h or None, new goal): every e in the target becomes a new variable x (with h : e = x)."""
    d = meta.decls[goal]
    with meta.with_goal(goal):
        ty = meta.inst(meta.infer(e))
        body = meta.kabstract(meta.inst(d.type), e)
        x = meta.mk_local(name, ty)
        target = instantiate(body, x.fvar)
        if eq_name is None:
            new_ty = meta.mk_pi([x.fvar], target)
            new = meta.mk_goal(new_ty, d.name, d.lctx)
            meta.assign_mvar(goal, tm.App(MVar(new), e))
            return x, None, meta.intro_goal(new, [x], target)
        with meta.with_lctx(d.lctx.add(x)):
            h = meta.mk_local(eq_name, meta.mk_eq(e, x.fvar))
        new_ty = meta.mk_pi([x.fvar, h.fvar], target)
        new = meta.mk_goal(new_ty, d.name, d.lctx)
        meta.assign_mvar(goal, tm.mk_app(MVar(new), e, meta.mk_eq_refl(e)))
        return x, h, meta.intro_goal(new, [x, h], target)


def beta_all(meta, e):
    """e with all beta-redexes contracted."""
    def visit(s):
        if type(s) is tm.App:
            f, args = tm.get_app_fn_args(s)
            if type(f) is Lam:
                return beta_all(meta, meta.beta(f, args))
        return None
    return tm.replace(e, visit)


def congr_step(meta, f, g, a, b, fp, ap):
    """Proof of f a = g b from fp : f = g and ap : a = b (None: definitionally equal)."""
    if fp is None and ap is None:
        return None
    fty = meta.infer(f)
    if type(fty) is not Pi:
        fty = meta.whnf(meta.inst(fty))
    alpha = meta.inst(fty.type)
    u = meta.sort_level(alpha)
    beta = meta.inst(fty.body)
    v = meta.sort_level(instantiate(beta, a))
    if ap is None:
        return tm.mk_app(Const("congrFun", (u, v)), alpha, Lam(fty.name, alpha, beta), f, g, fp, a)
    if has_loose_bvar(beta, 0):
        beta = beta_all(meta, beta)
    beta = tm.lift(beta, -1, 1) if beta.loose else beta
    if fp is None:
        return tm.mk_app(Const("congrArg", (u, v)), alpha, beta, a, b, f, ap)
    return tm.mk_app(Const("congr", (u, v)), alpha, beta, f, g, a, b, fp, ap)


def find_hyp(meta, goal: int, name: str, stx=None):
    """The declaration called name; LeanError "Unknown identifier" when there is none."""
    d = meta.decls[goal].lctx.find(name)
    if d is None or name.endswith("✝"):
        raise LeanError(f"Unknown identifier `{name}`", stx)
    return d


def whnf_inductive(meta, ty):
    """(declaration, head constant, parameters, indices) of an inductive type, or None."""
    from minilean.kernel.env import InductiveDecl
    ty = meta.whnf(meta.inst(ty))
    f, args = tm.get_app_fn_args(ty)
    decl = meta.env.get(f.name) if type(f) is Const else None
    if type(decl) is not InductiveDecl:
        return None
    return decl, f, args[:decl.num_params], args[decl.num_params:]
