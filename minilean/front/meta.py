"""Metavariable contexts and local contexts: the state that every front module works on.

Follows Lean 4's `Lean/MetavarContext.lean` and `Lean/Meta/Basic.lean`. Different: ids of free
and meta variables are ints that no two objects of a process share, a free variable's
declaration is found in one table, `intro` assigns a goal lazily (`delayed`), and backtracking
undoes a trail. Reduction is in `whnf.py`, unification in `defeq.py`, builders in `build.py`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

import itertools
import time
from copy import copy

from minilean.front.build import BuildMixin
from minilean.front.defeq import DefEqMixin
from minilean.front.errors import StepLimit
from minilean.front.infer import InferMixin
from minilean.front.instances import InstanceMixin
from minilean.front.meta_inst import ANY_MVAR, InstMixin
from minilean.front.setting import Setting
from minilean.front.whnf import WhnfMixin
from minilean.kernel import level as lv
from minilean.kernel.term import FVAR, LMVAR, FVar, MVar, Sort

_TABLES = ("assign", "delayed", "decls", "fvars")
_fresh = itertools.count(1)
STEPS_PER_CLOCK_LOOK = 2000
CACHE_LIMIT = 40_000  # entries of what is remembered, then emptied


def fresh_id():
    """An int that no free variable or metavariable of this process has yet."""
    return next(_fresh)


class LocalDecl:
    """A hypothesis or let-variable; `cls` is the class its type belongs to, if any.

    `origin`: its id, or that of the declaration which a tactic replaced by it.
    """

    __slots__ = ("bi", "cls", "fvar", "id", "name", "origin", "type", "value", "hidden")

    def __init__(self, id, name, type, bi="default", value=None, cls=None, hidden=False):
        self.id, self.origin, self.name, self.type, self.bi = id, id, name, type, bi
        self.value, self.cls, self.hidden = value, cls, hidden
        self.fvar = FVar(id)


class LocalContext(dict):
    """Hypotheses in order, {id: declaration}; never changed once made."""

    def __init__(self, decls=()):
        super().__init__([(d.id, d) for d in decls])
        self.decls = tuple(decls)
        self.insts = tuple([d for d in decls if d.cls is not None])

    def find(self, name):
        """The last declaration called `name`, or None."""
        found = [d for d in self.decls if d.name == name and not d.hidden]
        return found[-1] if found else None

    def add(self, *decls):
        return self.replace(self.decls + decls) if decls else self

    def erase(self, ids):
        return self.replace([d for d in self.decls if d.id not in ids])

    def replace(self, decls):
        return LocalContext(decls)


class MVarDecl:
    """`kind`: natural (unification may assign it), synthetic (an instance) or opaque (a goal)."""

    __slots__ = ("id", "kind", "lctx", "name", "type")

    def __init__(self, id, name, lctx, type, kind):
        self.id, self.name, self.lctx, self.type, self.kind = id, name, lctx, type, kind


class Meta(InferMixin, WhnfMixin, DefEqMixin, BuildMixin, InstanceMixin, InstMixin):
    """One elaboration problem: environment, metavariables and their assignments."""

    def __init__(self, env, ext, max_steps=400_000, deadline=None):
        self.env, self.ext = env, ext
        self.steps, self.deadline = max_steps, deadline
        self.lctx = LocalContext()
        self.fvars, self.decls = {}, {}
        self.assign, self.delayed = {}, {}  # `assign` also has the level metavariables
        self.shared, self.own = {}, {}  # remembered: about closed terms; about others
        self.spaces = ()  # namespaces whose scoped instances are found
        self._busy_insts = set()
        self._restart()

    def _restart(self):
        """The state outside any attempt or search."""
        self.trail, self.postponed_levels = [], []
        self.transp = "default"
        self.depth = 0  # number of variables that the kernel's rules have open
        self.inst_floor = 0  # during a search: metavariables below are not assigned

    # --- budget and backtracking ----------------------------------------------------------------

    def tick(self):
        """Spend one step; raises StepLimit when steps or time run out."""
        self.steps -= 1
        if self.steps < 0:
            raise StepLimit("maximum number of steps")
        look = not self.steps % STEPS_PER_CLOCK_LOOK and self.deadline is not None
        if look and time.monotonic() > self.deadline:
            raise StepLimit("time limit")

    def remembered(self, key, flags, compute, *args):
        """compute(*args), computed once; `flags` of terms with local parts keep it to this proof.

        A key begins with a term or name, and its form tells what was asked about that.
        """
        cache = self.own if flags & (FVAR | LMVAR) else self.shared
        found = cache.get(key)
        if found is None:
            if len(cache) > CACHE_LIMIT:
                cache.clear()
            found = cache[key] = compute(*args)
        return found

    step = tick  # what the kernel's rules call

    fresh_mark = staticmethod(fresh_id)  # metavariables created from now on have larger ids

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

    def fork(self):
        """A copy with its own metavariables, outside any attempt or search, to continue from."""
        new = copy(self)
        for name in _TABLES:
            setattr(new, name, dict(getattr(self, name)))
        new._restart()
        return new

    # --- local contexts -------------------------------------------------------------------------

    def mk_local(self, name, type, bi="default", value=None, hidden=False):
        """A new local declaration, registered but in no local context yet."""
        d = LocalDecl(next(_fresh), name, type, bi, value, self.class_name(type), hidden)
        self.fvars[d.id] = d
        return d

    def new_local(self, type_):
        """As in the kernel, and declared; a variable whose type may yet change is not reused."""
        x = FVar((fresh_id(), type_)) if type_.flags & ANY_MVAR else super().new_local(type_)
        self.fvars[x.id] = LocalDecl(x.id, "x", type_)
        return x

    def with_lctx(self, lctx):
        return Setting(self, "lctx", lctx)

    def with_goal(self, goal):
        return self.with_lctx(self.decls[goal].lctx)

    def transparency(self, level):
        return Setting(self, "transp", level)

    # --- metavariables --------------------------------------------------------------------------

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

    def goal_type(self, goal):
        return self.inst(self.decls[goal].type)

    def is_assigned(self, i):
        return i in self.assign or i in self.delayed

    def assign_mvar(self, i, value):
        self._set(self.assign, i, value)

    def intro_goal(self, goal, decls, new_type, new_lctx=None):
        """Assigns goal := fun decls => ?new; returns the id of ?new (same tag, opaque)."""
        d = self.decls[goal]
        lctx = d.lctx.add(*decls) if new_lctx is None else new_lctx
        new = self.mk_goal(new_type, d.name, lctx)
        self._set(self.delayed, goal, ([x.fvar for x in decls], new))
        return new

    def admit(self, goal):
        """Closes a goal with `sorry`."""
        with self.with_goal(goal):
            self.assign_mvar(goal, self.mk_sorry(self.goal_type(goal), synthetic=True))
