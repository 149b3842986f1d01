"""Metavariable contexts, local contexts and type inference: the state every front module works on.

Follows Lean 4's `Lean/MetavarContext.lean` and `Lean/Meta/{Basic,InferType}.lean`. Different: ids of
free and metavariables are ints that no two objects of a process share, a free variable's
declaration is found in one table, `intro` assigns a goal lazily (`delayed`), and backtracking
undoes a trail. Reduction is in `whnf.py`, unification in `defeq.py`, builders in `build.py`.
Run: `python -m pytest tests/minilean/test_meta.py`.
"""
from __future__ import annotations

import itertools
import time
from contextlib import contextmanager

from minilean.front.caches import Caches, instantiate_cached
from minilean.front.build import BuildMixin
from minilean.front.defeq import DefEqMixin
from minilean.front.errors import LeanError, StepLimit
from minilean.front.instances import InstanceMixin
from minilean.front.whnf import WhnfMixin
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import (
    ConstructorDecl,
    InductiveDecl,
)
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    PROP,
    App,
    BVar,
    Const,
    FVar,
    Lam,
    Let,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
    abstract,
    instantiate,
    instantiate_level_params,
    instantiate_rev,
)

_fresh = itertools.count(1)
ANY_MVAR = MVAR | LMVAR
STEPS_PER_CLOCK_LOOK = 2000


def fresh_id():
    """An int that no free variable or metavariable of this process has yet."""
    return next(_fresh)


class LocalDecl:
    """A hypothesis or let-variable; `cls` is the class its type belongs to, if any."""

    __slots__ = ("bi", "cls", "fvar", "id", "name", "type", "value", "hidden")

    def __init__(self, id, name, type, bi="default", value=None, cls=None, hidden=False):
        self.id, self.name, self.type, self.bi = id, name, type, bi
        self.value, self.cls, self.hidden = value, cls, hidden
        self.fvar = FVar(id)

    def __repr__(self):
        return f"{self.name} : {self.type!r}"


class LocalContext:
    """Immutable ordered hypotheses."""

    __slots__ = ("_by_id", "decls", "insts")

    def __init__(self, decls=()):
        self.decls = decls
        self._by_id = None
        self.insts = tuple([d for d in decls if d.cls is not None])

    @property
    def by_id(self):
        if self._by_id is None:
            self._by_id = {d.id: d for d in self.decls}
        return self._by_id

    def __contains__(self, fvar_id):
        return fvar_id in self.by_id

    def get(self, fvar_id):
        return self.by_id.get(fvar_id)

    def find(self, name):
        """The last declaration called `name`, or None."""
        for d in reversed(self.decls):
            if d.name == name and not d.hidden:
                return d
        return None

    def add(self, *decls):
        return LocalContext(self.decls + decls)

    def erase(self, ids):
        ids = set(ids)
        return LocalContext(tuple([d for d in self.decls if d.id not in ids]))

    def replace(self, decls):
        return LocalContext(tuple(decls))


class MVarDecl:
    """`kind`: natural (unification may assign it), synthetic (an instance) or opaque (a goal)."""

    __slots__ = ("id", "kind", "lctx", "name", "type")

    def __init__(self, id, name, lctx, type, kind):
        self.id, self.name, self.lctx, self.type, self.kind = id, name, lctx, type, kind


class Meta(WhnfMixin, DefEqMixin, BuildMixin, InstanceMixin):
    """One elaboration problem: environment, metavariables and their assignments."""

    def __init__(self, env, ext, max_steps=400_000, deadline=None):
        self.env, self.ext = env, ext
        self.lctx = LocalContext()
        self.fvars, self.decls = {}, {}
        self.assign, self.delayed, self.lassign = {}, {}, {}
        self.trail = []
        self.transp = "default"
        self.depth = 0
        self.deadline = deadline
        self.max_steps = max_steps
        self.steps = max_steps
        self._clock = STEPS_PER_CLOCK_LOOK
        self.shared = Caches()
        self.infer_cache = {}
        self.whnf_cache = {}
        self.defeq_cache = {}
        self.inst_cache = {}
        self.postponed_levels = []
        self._busy_insts = set()
        self.scoped_insts = {}
        self.inst_floor = 0  # during a search: metavariables below are not assigned

    # --- budget and backtracking --------------------------------------------------------------

    def tick(self):
        """Spend one step; raises StepLimit when steps or time run out."""
        self.steps -= 1
        if self.steps < 0:
            raise StepLimit("maximum number of steps")
        self._clock -= 1
        if self._clock < 0:
            self._clock = STEPS_PER_CLOCK_LOOK
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise StepLimit("time limit")

    def save(self):
        return len(self.trail), len(self.postponed_levels)

    def restore(self, mark):
        """Undo every assignment made since `save` returned `mark`."""
        trail, size = self.trail, mark[0]
        while len(trail) > size:
            table, key, old = trail.pop()
            if old is None:
                table.pop(key, None)
            else:
                table[key] = old
        del self.postponed_levels[mark[1]:]

    def _set(self, table, key, value):
        self.trail.append((table, key, table.get(key)))
        table[key] = value

    def snapshot(self):
        """Everything a later `load` needs to continue from here."""
        return (dict(self.assign), dict(self.delayed), dict(self.lassign), self.lctx,
                self.env, self.ext)

    def load(self, snap):
        self.assign, self.delayed, self.lassign = dict(snap[0]), dict(snap[1]), dict(snap[2])
        self.lctx, self.env, self.ext = snap[3:]
        self.trail = []
        self.postponed_levels = []
        self.transp = "default"
        self.depth = 0

    # --- local contexts -----------------------------------------------------------------------

    def mk_local(self, name, type, bi="default", value=None, hidden=False):
        """A new local declaration, registered but in no local context yet."""
        d = LocalDecl(next(_fresh), name, type, bi, value, self.class_of_local(type), hidden)
        self.fvars[d.id] = d
        return d

    @contextmanager
    def with_lctx(self, lctx):
        old, self.lctx = self.lctx, lctx
        try:
            yield
        finally:
            self.lctx = old

    def with_goal(self, goal):
        return self.with_lctx(self.decls[goal].lctx)

    @contextmanager
    def transparency(self, level):
        old, self.transp = self.transp, level
        try:
            yield
        finally:
            self.transp = old

    # --- metavariables ------------------------------------------------------------------------

    def mk_mvar(self, type, kind="natural", name="", lctx=None):
        i = next(_fresh)
        self.decls[i] = MVarDecl(i, name, self.lctx if lctx is None else lctx, type, kind)
        return MVar(i)

    def mk_goal(self, type, name="", lctx=None):
        return self.mk_mvar(type, "opaque", name, lctx).id

    def mk_level_mvar(self):
        return lv.mvar(next(_fresh))

    def mk_type_mvar(self):
        return self.mk_mvar(Sort(self.mk_level_mvar()))

    def goal_decl(self, goal):
        return self.decls[goal]

    def goal_type(self, goal):
        d = self.decls[goal]
        if d.type.flags & ANY_MVAR:
            return self.inst(d.type)
        return d.type

    def is_assigned(self, i):
        return i in self.assign or i in self.delayed

    def assign_mvar(self, i, value):
        self.trail.append((self.assign, i, self.assign.get(i)))
        self.assign[i] = value

    def assign_level(self, i, level):
        self._set(self.lassign, i, level)

    def intro_goal(self, goal, decls, new_type, new_lctx=None):
        """Assigns goal := fun decls => ?new; returns the id of ?new (same tag, opaque)."""
        d = self.decls[goal]
        lctx = d.lctx.add(*decls) if new_lctx is None else new_lctx
        new = self.mk_goal(new_type, d.name, lctx)
        self._set(self.delayed, goal, ([x.fvar for x in decls], new))
        return new

    def admit(self, goal, synthetic=True):
        """Closes a goal with `sorry`."""
        with self.with_goal(goal):
            self.assign_mvar(goal, self.mk_sorry(self.goal_type(goal), synthetic))

    # --- instantiation ------------------------------------------------------------------------

    def inst_level(self, u):
        """u with assigned level metavariables replaced."""
        if not u.has_mvar or not self.lassign:
            return u

        def lookup(i):
            v = self.lassign.get(i)
            return None if v is None else self.inst_level(v)
        return lv.replace_mvars(u, lookup)

    def inst(self, e):
        """e with all assigned metavariables replaced (Lean's instantiateMVars)."""
        if not e.flags & ANY_MVAR:
            return e
        t = type(e)
        if t is MVar and e.id not in self.assign and e.id not in self.delayed:
            return e
        return self._inst(e, {})

    def _inst(self, e, cache):
        if not e.flags & ANY_MVAR:
            return e
        new = cache.get(e)
        if new is not None:
            return new
        t = type(e)
        if t is App:
            f = e.fn
            while type(f) is App:
                f = f.fn
            if type(f) is MVar:
                new = self._inst_mvar_app(f, e, cache)
            else:
                fn, arg = self._inst(e.fn, cache), self._inst(e.arg, cache)
                new = App(fn, arg)
        elif t is MVar:
            new = self._inst_mvar(e, cache)
        elif t is Sort:
            new = Sort(self.inst_level(e.level))
        elif t is Const:
            new = Const(e.name, tuple([self.inst_level(u) for u in e.levels]))
        elif t is Lam or t is Pi:
            new = t(e.name, self._inst(e.type, cache), self._inst(e.body, cache), e.info)
        elif t is Let:
            new = Let(e.name, self._inst(e.type, cache), self._inst(e.value, cache),
                      self._inst(e.body, cache))
        elif t is Proj:
            new = Proj(e.struct, e.idx, self._inst(e.expr, cache))
        else:
            new = e
        cache[e] = new
        return new

    def _inst_mvar(self, e, cache):
        value = self.assign.get(e.id)
        if value is not None:
            if not value.flags & ANY_MVAR:
                return value
            new = self._inst(value, cache)
            if new is not value:
                self.assign_mvar(e.id, new)
            return new
        d = self.delayed.get(e.id)
        if d is None:
            return e
        value = self._inst(MVar(d[1]), cache)
        return e if value.flags & MVAR else self.mk_lambda(d[0], value)

    def _inst_mvar_app(self, f, e, cache):
        head = self._inst(f, cache)
        args = [self._inst(a, cache) for a in tm.get_app_fn_args(e)[1]]
        if head is not f:
            return self.beta(head, args)
        d = self.delayed.get(f.id)
        if d is not None and len(args) >= len(d[0]):
            value = self._inst(MVar(d[1]), cache)
            if not value.flags & MVAR:
                n = len(d[0])
                return self.beta(instantiate_rev(abstract(value, d[0]), args[:n]), args[n:])
        return tm.mk_app(f, *args)

    def mvars_in(self, e):
        """Ids of the unassigned metavariables in e, in order of appearance (delayed followed)."""
        found, seen = {}, set()

        def go(e):
            stack = [e]
            while stack:
                s = stack.pop()
                if not s.flags & MVAR or s in seen:
                    continue
                seen.add(s)
                if type(s) is MVar:
                    if s.id in self.assign:
                        go(self.assign[s.id])
                    elif s.id in self.delayed:
                        go(MVar(self.delayed[s.id][1]))
                    else:
                        found[s.id] = None
                else:
                    stack.extend(reversed(tm.children(s)))
        go(self.inst(e))
        return list(found)

    # --- binding ------------------------------------------------------------------------------

    def mk_lambda(self, fvars, e):
        return self._bind(Lam, fvars, e)

    def mk_pi(self, fvars, e):
        return self._bind(Pi, fvars, e)

    def _bind(self, kind, fvars, e):
        """Abstract fvars (outermost first); let-variables become `let`."""
        if not fvars:
            return self.inst(e)
        e = self._elim_deps(self.inst(e), fvars)
        body = abstract(e, fvars)
        for i in range(len(fvars) - 1, -1, -1):
            d = self.fvars[fvars[i].id]
            ty = abstract(self._elim_deps(self.inst(d.type), fvars[:i]), fvars[:i])
            if d.value is None:
                body = kind(d.name, ty, body, d.bi)
            else:
                val = abstract(self._elim_deps(self.inst(d.value), fvars[:i]), fvars[:i])
                if tm.has_loose_bvar(body, 0):
                    body = Let(d.name, ty, val, body)
                else:
                    body = instantiate(body, val)
        return body

    def _elim_deps(self, e, fvars):
        """Replace metavariables that may depend on fvars by `?new fvars` (elimMVarDeps)."""
        if not e.flags & MVAR or not fvars:
            return e
        ids = {x.id for x in fvars}
        todo = [i for i in self._raw_mvars(e)
                if i not in self.assign and any(d.id in ids for d in self.decls[i].lctx.decls)]
        if not todo:
            return self.inst(e)
        subst = {}
        for i in todo:
            if i in self.assign:
                continue
            d = self.decls[i]
            if d.kind == "opaque" or i in self.delayed:
                subst[MVar(i)] = self._revert_opaque(i, d, ids)
            else:
                self._revert_natural(i, d, ids)
        e = self.inst(e)
        if subst:
            e = tm.replace(e, lambda s: s if not s.flags & MVAR else subst.get(s))
        return e

    def _raw_mvars(self, e):
        return [s.id for s in tm.subterms(e) if type(s) is MVar]

    def _dependents(self, lctx, ids):
        """The declarations of lctx in `ids` or depending on one of them, in order."""
        out, found = [], set(ids)
        for d in lctx.decls:
            if d.id in found or self.mentions(d.type, found) or (
                    d.value is not None and self.mentions(d.value, found)):
                found.add(d.id)
                out.append(d)
        return out

    def mentions(self, e, ids):
        """Does e (instantiated) contain a free variable with an id in `ids`?"""
        e = self.inst(e)
        if not e.flags & FVAR:
            return False
        return any(type(s) is FVar and s.id in ids for s in tm.subterms(e))

    def _revert_parts(self, d, ids):
        dep = self._dependents(d.lctx, ids)
        fvars = [x.fvar for x in dep]
        small = d.lctx.erase([x.id for x in dep])
        ty = self.mk_pi(fvars, d.type)
        args = [x.fvar for x in dep if x.value is None]
        return fvars, small, ty, args

    def _revert_natural(self, i, d, ids):
        _, small, ty, args = self._revert_parts(d, ids)
        new = self.mk_mvar(ty, "natural", d.name, small)
        self.assign_mvar(i, tm.mk_app(new, *args))

    def _revert_opaque(self, i, d, ids):
        fvars, small, ty, args = self._revert_parts(d, ids)
        new = self.mk_mvar(ty, "opaque", d.name, small)
        if len(args) == len(fvars):
            self._set(self.delayed, new.id, (fvars, i))
            return tm.mk_app(new, *args)
        raise LeanError("a hole below a `let` cannot be abstracted")

    # --- inference ----------------------------------------------------------------------------

    def infer(self, e):
        """The type of e, assuming that e is type correct."""
        t = type(e)
        if t is FVar:
            return self.fvars[e.id].type
        if t is MVar:
            return self.decls[e.id].type
        if t is Const:
            return self.const_type(e)
        if e.flags & MVAR:  # the answer may hold only until assignments are undone
            self.tick()
            return self._infer(e, t)
        cache = self.infer_cache if e.flags & (FVAR | LMVAR) else self.shared.infer
        found = cache.get(e)
        if found is None:
            self.tick()
            found = cache[e] = self._infer(e, t)
        return found

    def const_type(self, e):
        decl = self.env.get(e.name)
        if decl is None:
            raise LeanError(f"Unknown constant `{e.name}`")
        return instantiate_cached(decl.type, decl.level_params, e.levels)

    def _infer(self, e, t):
        if t is App:
            return self._infer_app(e)
        if t is Sort:
            return Sort(lv.succ(e.level))
        if t is Lam:
            return self._infer_binders(e, Lam)
        if t is Pi:
            d = self.mk_local(e.name, e.type)
            u = self.sort_level(e.type)
            return Sort(lv.imax(u, self.sort_level(instantiate(e.body, d.fvar))))
        if t is Let:
            return self.infer(instantiate(e.body, e.value))
        if t is Lit:
            return Const("Nat") if isinstance(e.value, int) else Const("String")
        if t is Proj:
            return self._infer_proj(e)
        raise LeanError(f"unexpected bound variable {e!r}")

    def _infer_binders(self, e, kind):
        decls = []
        while type(e) is kind:
            fvars = [d.fvar for d in decls]
            decls.append(self.mk_local(e.name, instantiate_rev(e.type, fvars), e.info))
            e = e.body
        fvars = [d.fvar for d in decls]
        body = self.infer(instantiate_rev(e, fvars))
        if body.flags & MVAR:
            body = self.inst(body)
        body = abstract(body, fvars)
        for i in range(len(decls) - 1, -1, -1):
            body = Pi(decls[i].name, abstract(decls[i].type, fvars[:i]), body, decls[i].bi)
        return body

    def _infer_app(self, e):
        f, args = tm.get_app_fn_args(e)
        ty, start = self.infer(f), 0
        for i in range(len(args)):
            if type(ty) is Pi:
                ty = ty.body
                continue
            ty = self.whnf(instantiate_rev(ty, args[start:i]))
            start = i
            if type(ty) is not Pi:
                raise LeanError(f"function expected\n  {self.pp(tm.mk_app(f, *args[:i]))}")
            ty = ty.body
        return instantiate_rev(ty, args[start:])

    def _infer_proj(self, e):
        ty = self.whnf(self.infer(e.expr))
        f, args = tm.get_app_fn_args(ty)
        ind = self.env.get(f.name) if type(f) is Const else None
        if type(ind) is not InductiveDecl:
            raise LeanError("invalid projection")
        ctor = self.env.lookup(ind.ctors[0])
        cty = instantiate_level_params(ctor.type, ctor.level_params, f.levels)
        for a in args[:ind.num_params]:
            cty = instantiate(self.whnf(cty).body, a)
        for i in range(e.idx):
            cty = instantiate(self.whnf(cty).body, Proj(e.struct, i, e.expr))
        return self.whnf(cty).type

    def sort_level(self, ty):
        """The universe level of the type `ty`; raises LeanError if it is not a type."""
        s = self.infer(ty)
        if type(s) is not Sort:
            s = self.whnf(self.inst(s))
        if type(s) is Sort:
            return s.level
        if type(tm.get_app_fn(s)) is MVar:
            u = self.mk_level_mvar()
            if self.is_def_eq(s, Sort(u)):
                return u
        raise LeanError(f"type expected, got\n  ({self.pp(ty)} : {self.pp(s)})")

    type_level = sort_level

    def _dec_level(self, u):
        """u - 1 (Lean's getDecLevel), assigning universe metavariables; None if u may be 0."""
        u = self.inst_level(u)
        if u.kind == "succ":
            return u.a
        if u.kind == "mvar":
            v = self.mk_level_mvar()
            self.assign_level(u.a, lv.succ(v))
            return v
        if u.kind in ("max", "imax"):
            a, b = self._dec_level(u.a), self._dec_level(u.b)
            return None if a is None or b is None else lv.max_(a, b)
        return None

    def fresh_mark(self):
        """Metavariables created from now on have larger ids."""
        return next(_fresh)

    def is_prop(self, ty):
        """Is ty : Prop? (never assigns)"""
        s = self.infer(ty)
        if type(s) is not Sort:
            s = self.whnf(self.inst(s))
        return type(s) is Sort and (s.level is lv.ZERO or self.inst_level(s.level) is lv.ZERO
                                    or lv.is_zero(self.inst_level(s.level)))

    def is_proof(self, e):
        return self.is_prop(self.infer(e))

    def is_type(self, e):
        s = self.infer(e)
        return type(s) is Sort or type(self.whnf(self.inst(s))) is Sort

    def is_ctor_app(self, e):
        f = tm.get_app_fn(e)
        return type(f) is Const and type(self.env.get(f.name)) is ConstructorDecl

    def binder_names(self, ty):
        names = []
        while type(ty) is Pi:
            names.append(ty.name)
            ty = ty.body
        return names


__all__ = ["ANY_MVAR", "PROP", "BVar", "LocalContext", "LocalDecl", "MVarDecl", "Meta", "fresh_id"]
