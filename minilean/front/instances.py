"""Type classes: instance tables, default instances, resolution.

Follows Lean 4's `Lean/Meta/SynthInstance.lean` in effect (priorities, later instances first, output
parameters, local instances first) but searches depth first with backtracking instead of tabling.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.front.ext import InstanceEntry
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    Const,
    FVar,
    MVar,
    Pi,
    get_app_fn,
    get_app_fn_args,
)

MAX_INSTANCE_DEPTH = 32


class InstanceMixin:
    """Class resolution; mixed into `Meta`."""

    def class_name(self, ty):
        """The class that `∀ …, C a` belongs to, or None (reducible definitions are unfolded)."""
        while type(ty) is Pi:
            ty = ty.body
        f = get_app_fn(ty)
        if type(f) is MVar:
            ty = self.inst(ty)
            f = get_app_fn(ty)
        if type(f) is not Const:
            return None
        if f.name in self.ext.classes:
            return f.name
        new = self._expose_class(ty)
        return None if new is ty else self.class_name(new)

    def _expose_class(self, ty):
        """ty with reducible abbreviations of (∀ …, class) types unfolded (loose variables may
        occur)."""
        ext = self.ext
        while True:
            f = get_app_fn(ty)
            if type(f) is not Const or f.name in ext.classes or f.name not in ext.reducible \
                    or f.name in ext.projections:
                return ty
            new = self.unfold(ty)
            if new is None:
                return ty
            ty = new

    def synth_inst(self, ty, depth=0):
        """An instance of class type `ty`, or None. Raises LeanError when metavariables block it."""
        ty = self.inst(ty)
        cacheable = not ty.flags & (MVAR | LMVAR | FVAR) and not depth
        if cacheable and ty in self.inst_cache:
            return self.inst_cache[ty]
        value = self._synth_main(ty, depth)
        if cacheable and value is not None and not value.flags & (MVAR | LMVAR):
            self.inst_cache[ty] = value
        return value

    def _synth_main(self, ty, depth):
        decls, body = [], self._expose_class(ty)
        while type(body) is Pi:
            more, body = self.forall_locals(body, reducing=False)
            decls += more
            body = self._expose_class(body)
        cls = self.class_name(body)
        if cls is None:
            body = self.whnf_r(body)
            cls = self.class_name(body)
            if cls is None:
                return None
        floor = self.inst_floor if depth else self.fresh_mark()
        goal, outs = self._mask_outparams(cls, body)
        if self._stuck(cls, goal):
            raise StuckInstance("typeclass instance problem is stuck")
        lctx = self.lctx.add(*decls) if decls else self.lctx
        old_floor = self.inst_floor
        self.inst_floor = floor  # the caller's metavariables are not ours to assign
        try:
            with self.with_lctx(lctx), self.transparency("instances"):
                value = self._search(cls, goal, depth)
        finally:
            self.inst_floor = old_floor
        if value is None:
            return None
        with self.with_lctx(lctx), self.at_least("default"):
            if not all(self.is_def_eq(m, actual) for m, actual in outs):
                return None
        return self.mk_lambda([d.fvar for d in decls], value)

    def _mask_outparams(self, cls, ty):
        """ty with output parameters replaced by fresh mvars, and the (mvar, actual) pairs."""
        outs = self.ext.classes[cls]
        if not outs:
            return ty, []
        f, args = get_app_fn_args(ty)
        pairs, fty = [], self.infer(f)
        for i, actual in enumerate(args):
            fty = self.expect_pi(fty)
            if i in outs:
                args[i] = self.mk_mvar(fty.type)
                pairs.append((args[i], actual))
            fty = tm.instantiate(fty.body, args[i])
        return tm.mk_app(f, *args), pairs

    def _stuck(self, cls, goal):
        """Does a metavariable of the caller occur in a non-output argument?"""
        outs = self.ext.classes[cls]
        return any(i not in outs and type(get_app_fn(self.inst(a))) is MVar
                   for i, a in enumerate(get_app_fn_args(goal)[1]))

    def _search(self, cls, goal, depth):
        if depth > MAX_INSTANCE_DEPTH:
            return None
        self.tick()
        local = [d.fvar for d in reversed(self.lctx.insts) if d.cls == cls]
        names = [entry.name for entry in self.ext.instances.get(cls, ())]
        for found in (*local, *names, *self.scoped_insts.get(cls, ())):
            f = found if type(found) is FVar else self.mk_const(found)
            value = self._try_instance(f, goal, depth)
            if value is not None:
                return value
        return None

    def _try_instance(self, f, goal, depth):
        """f applied so that it proves goal, with its instance arguments searched for, or None."""
        mark = self.save()
        mvars, insts, result = [], [], self._expose_class(self.infer(f))
        while type(result) is Pi:
            more, infos, result = self.forall_meta(result, reducing=False)
            mvars += more
            insts += [m for m, info in zip(more, infos, strict=True) if info == "inst"]
            result = self._expose_class(result)
        if self._quick_match(result, goal) and self.is_def_eq(result, goal) \
                and self._solve_subgoals(insts, depth):
            return self.inst(tm.mk_app(f, *mvars))
        self.restore(mark)
        return None

    def _quick_match(self, pattern, goal):
        """Cheap test that some explicit head symbols do not clash."""
        while type(pattern) is tm.App and type(goal) is tm.App:
            p, g = get_app_fn(pattern.arg), get_app_fn(goal.arg)
            if type(p) is Const:
                if type(g) is Const and p.name != g.name \
                        and self._is_type_or_ctor(p) and self._is_type_or_ctor(g):
                    return False
                if type(g) is FVar and self._reduce_head(g) is None and self._is_rigid(p.name):
                    return False
            pattern, goal = pattern.fn, goal.fn
        return True

    def _is_rigid(self, name):
        """Does instance search never unfold this constant?"""
        ext = self.ext
        return name not in ext.reducible and name not in ext.instance_names \
            and name not in ext.projections

    def _is_type_or_ctor(self, c):
        return type(self.head_decl(c)) in (InductiveDecl, ConstructorDecl)

    def _solve_subgoals(self, todo, depth):
        """Solve the instance metavariables that unification left open."""
        for m in todo:
            if self.is_assigned(m.id):
                continue
            try:
                value = self.synth_inst(self.infer(m), depth + 1)
            except StuckInstance:
                return False
            if value is None or not self.is_def_eq(self.infer(m), self.infer(value)):
                return False
            if not self.is_assigned(m.id):
                self.assign_mvar(m.id, value)
        return True

    def synth_pending(self, i):
        """Try to synthesise the instance metavariable i; True when it got assigned."""
        if self.is_assigned(i) or i in self._busy_insts:
            return False
        d = self.decls[i]
        self._busy_insts.add(i)
        try:
            with self.with_lctx(d.lctx):
                value = self.synth_inst(d.type)
        except StuckInstance:
            return False
        finally:
            self._busy_insts.discard(i)
        if value is not None and not self.is_assigned(i):
            self.assign_mvar(i, value)
        return value is not None

    # --- the tables ---------------------------------------------------------------------------

    def default_instances(self, cls):
        """(priority, instance name) pairs, highest priority first."""
        return self.ext.defaults.get(cls, ())

    def add_instance(self, name, priority=1000):
        """Registers the constant `name` as an instance."""
        cls = self.class_name(self.env.lookup(name).type)
        if cls is None:
            raise LeanError(f"invalid instance, `{name}` does not construct a class")
        table = self.ext.own("instances")
        old = table.get(cls, ())
        entry = InstanceEntry(name, cls, priority, len(old))
        table[cls] = tuple(sorted((*old, entry), key=lambda e: (-e.priority, -e.order)))
        self.ext.own("instance_names").add(name)

    def add_default_instance(self, name, priority=1000):
        cls = self.class_name(self.env.lookup(name).type)
        table = self.ext.own("defaults")
        table[cls] = tuple(sorted((*table.get(cls, ()), (priority, name)), reverse=True))


class StuckInstance(LeanError):
    """Resolution must wait until a metavariable of the goal is known."""
