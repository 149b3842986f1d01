"""Type classes: instance tables, default instances, resolution.

Follows Lean 4's `Lean/Meta/SynthInstance.lean` in effect (priorities, later instances first, output
parameters, local instances first) but searches depth first with backtracking instead of tabling.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.front.ext import InstanceEntry
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import FVAR, LMVAR, MVAR, Const, FVar, MVar, Pi

MAX_INSTANCE_DEPTH = 32


class InstanceMixin:
    """Class resolution; mixed into `Meta`."""

    def class_name(self, ty):
        """The class that `∀ …, C a` belongs to, or None (no unfolding)."""
        for _ in range(20):
            while type(ty) is Pi:
                ty = ty.body
            f = tm.get_app_fn(ty)
            if type(f) is MVar:
                ty = self.inst(ty)
                f = tm.get_app_fn(ty)
            if type(f) is not Const:
                return None
            if f.name in self.ext.classes:
                return f.name
            if f.name not in self.ext.reducible or self.env.get(f.name) is None:
                return None
            new = self._unfold_reducible(ty)
            if new is None:
                return None
            ty = new
        return None

    def _unfold_reducible(self, ty):
        """One unfolding of a reducible definition at the head (loose variables allowed)."""
        f, args = tm.get_app_fn_args(ty)
        decl = self.env.get(f.name)
        if type(decl) is not DefDecl or f.name in self.ext.projections:
            return None
        return self.beta(tm.instantiate_level_params(decl.value, decl.level_params, f.levels),
                         args)

    def _expose_class(self, ty):
        """ty with reducible abbreviations of (∀ …, class) types unfolded."""
        while True:
            f = tm.get_app_fn(ty)
            if type(f) is not Const or f.name in self.ext.classes \
                    or f.name not in self.ext.reducible:
                return ty
            new = self._unfold_reducible(ty)
            if new is None:
                return ty
            ty = new

    class_of_local = class_name

    def synth_inst(self, ty, depth=0):
        """An instance of class type `ty`, or None. Raises LeanError when metavariables block it."""
        ty = self.inst(ty)
        cacheable = not ty.flags & (MVAR | LMVAR | FVAR) and not depth
        if cacheable:
            found = self.inst_cache.get(ty)
            if found is not None:
                return found
        value = self._synth_main(ty, depth)
        if cacheable and value is not None and not value.flags & (MVAR | LMVAR):
            self.inst_cache[ty] = value
        return value

    def _synth_main(self, ty, depth):
        ty = self._expose_class(ty)
        decls, body = [], ty
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
        if self._stuck(goal):
            raise StuckInstance(ty)
        old = self.transp, self.lctx, self.inst_floor
        self.inst_floor = floor  # the caller's metavariables are not ours to assign
        self.transp = "instances"
        self.lctx = self.lctx.add(*decls) if decls else self.lctx
        try:
            value = self._search(cls, goal, depth)
            if value is None:
                return None
            for m, actual in outs:
                self.transp = old[0] if old[0] in ("default", "all") else "default"
                self.inst_floor = old[2]
                if not self.is_def_eq(m, actual):
                    return None
            value = self.inst(value)
        finally:
            self.transp, self.lctx, self.inst_floor = old
        return self.mk_lambda([d.fvar for d in decls], value) if decls else value

    def _mask_outparams(self, cls, ty):
        """ty with output parameters replaced by fresh mvars, and the (mvar, actual) pairs."""
        outs = self.ext.classes[cls]
        if not outs:
            return ty, []
        f, args = tm.get_app_fn_args(ty)
        pairs, args = [], list(args)
        fty = self.infer(f)
        for i in range(len(args)):
            fty = self.expect_pi(fty)
            if i in outs:
                m = self.mk_mvar(fty.type)
                pairs.append((m, args[i]))
                args[i] = m
            fty = tm.instantiate(fty.body, args[i])
        return tm.mk_app(f, *args), pairs

    def _stuck(self, goal):
        """Does a metavariable of the caller occur in a non-output argument?"""
        outs = self.ext.classes.get(self.class_name(goal), ())
        _, args = tm.get_app_fn_args(goal)
        return any(i not in outs and a.flags & MVAR and type(tm.get_app_fn(self.inst(a))) is MVar
                   for i, a in enumerate(args))

    def _search(self, cls, goal, depth):
        if depth > MAX_INSTANCE_DEPTH:
            return None
        self.tick()
        for d in reversed(self.lctx.insts):
            if d.cls == cls:
                value = self._try_instance(d.fvar, d.type, goal, depth)
                if value is not None:
                    return value
        names = [entry.name for entry in self.ext.instances.get(cls, ())]
        for name in [*names, *self.scoped_insts.get(cls, ())]:
            f = self.mk_const(name)
            value = self._try_instance(f, self.infer(f), goal, depth)
            if value is not None:
                return value
        return None

    def _try_instance(self, f, fty, goal, depth):
        """f applied so that it proves goal, with its instance arguments searched for, or None."""
        mark = self.save()
        mvars, infos, result = self.forall_meta(self._expose_class(fty), reducing=False)
        while True:
            new = self._expose_class(result)
            if type(new) is not Pi:
                break
            more, more_infos, result = self.forall_meta(new, reducing=False)
            mvars, infos = [*mvars, *more], [*infos, *more_infos]
        if not self._quick_match(result, goal):
            return None
        if not self.is_def_eq(result, goal):
            self.restore(mark)
            return None
        # the last instance arguments first: they tend to fix the others (Lean does the same)
        todo = [m for m, i in zip(mvars, infos, strict=True)
                if i == "inst" and not self.is_assigned(m.id)]
        if not self._solve_subgoals(todo, depth):
            self.restore(mark)
            return None
        return self.inst(tm.mk_app(f, *mvars))

    def _quick_match(self, pattern, goal):
        """Cheap test that some explicit head symbols do not clash."""
        while type(pattern) is tm.App and type(goal) is tm.App:
            p, g = tm.get_app_fn(pattern.arg), tm.get_app_fn(goal.arg)
            if type(p) is Const and type(g) is Const and p.name != g.name \
                    and p.name not in self.ext.reducible and g.name not in self.ext.reducible \
                    and self._is_constructor_like(p.name) and self._is_constructor_like(g.name):
                return False
            if type(g) is FVar and type(p) is Const and self.fvars[g.id].value is None \
                    and self._is_rigid(p.name):
                return False
            pattern, goal = pattern.fn, goal.fn
        return True

    def _is_rigid(self, name):
        """Does instance search never unfold this constant?"""
        ext = self.ext
        return name not in ext.reducible and name not in ext.instance_names \
            and name not in ext.projections

    def _is_constructor_like(self, name):
        kind = type(self.env.get(name)).__name__
        return kind in ("InductiveDecl", "ConstructorDecl")

    def _solve_subgoals(self, todo, depth):
        for m in todo:
            if self.is_assigned(m.id):
                continue
            try:
                value = self.synth_inst(self.infer(m), depth + 1)
            except StuckInstance:
                return False
            if value is None or not self.is_def_eq(self.inst(self.infer(m)), self.infer(value)):
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
        if value is None:
            return False
        if not self.is_assigned(i):
            self.assign_mvar(i, value)
        return True

    # --- default instances --------------------------------------------------------------------

    def default_instances(self, cls):
        """(priority, instance name) pairs, highest priority first."""
        return self.ext.defaults.get(cls, ())

    def add_instance(self, name, priority=1000):
        """Registers the constant `name` as an instance."""
        decl = self.env.lookup(name)
        cls = self.class_name(decl.type)
        if cls is None:
            raise LeanError(f"invalid instance, `{name}` does not construct a class")
        table = self.ext.own("instances")
        old = table.get(cls, ())
        entry = InstanceEntry(name, cls, priority, len(old))
        table[cls] = tuple(sorted((*old, entry), key=lambda e: (-e.priority, -e.order)))
        self.ext.own("instance_names").add(name)
        self.inst_cache = {}

    def add_default_instance(self, name, priority=1000):
        cls = self.class_name(self.env.lookup(name).type)
        table = self.ext.own("defaults")
        table[cls] = tuple(sorted((*table.get(cls, ()), (priority, name)), reverse=True))


class StuckInstance(LeanError):
    """Resolution must wait until a metavariable of the goal is known."""

    def __init__(self, ty):
        super().__init__("typeclass instance problem is stuck")
        self.type = ty
