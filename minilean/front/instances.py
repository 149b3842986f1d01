"""Type classes: instance tables, default instances, resolution.

Follows Lean 4's `Lean/Meta/SynthInstance.lean` in effect (priorities, later instances first, output
parameters, local instances first) but searches depth first with backtracking instead of tabling.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.errors import Declined, LeanError
from minilean.front.setting import Setting
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl
from minilean.kernel.term import FVAR, LMVAR, MVAR, Const, MVar, Pi, get_app_fn

MAX_INSTANCE_DEPTH = 32


class StuckInstance(LeanError):
    """Resolution must wait until a metavariable of the goal is known."""


class InstanceMixin:
    """Class resolution; mixed into `Meta`."""

    def class_app(self, ty):
        """C a if ty = `∀ …, C a` for a class C, else None; a may have loose variables.

        Reducible definitions are unfolded.
        """
        ext, ty = self.ext, self.inst(ty)
        while ty is not None:
            while type(ty) is Pi:
                ty = ty.body
            f = get_app_fn(ty)
            if type(f) is not Const or f.name in ext.classes:
                return ty if type(f) is Const else None
            reducible = f.name in ext.reducible and f.name not in ext.projections
            ty = self.unfold(ty) if reducible else None
        return None

    def class_name(self, ty):
        """The class that `∀ …, C a` belongs to, or None."""
        app = self.class_app(ty)
        return None if app is None else get_app_fn(app).name

    def synth_inst(self, ty):
        """An instance of class type `ty`, or None. StuckInstance when metavariables block it."""
        ty, insts = self.inst(ty), self.lctx.insts
        if ty.flags & (MVAR | LMVAR):
            return self._synth_main(ty)
        flags = FVAR if insts else ty.flags
        value = self.remembered((ty, insts, self.spaces), flags, self._synth_main, ty)
        if value is not None and value.flags & (MVAR | LMVAR):
            raise Declined("an instance with parts that its type does not determine")
        return value

    def _synth_main(self, ty):
        with self.transparency("reducible"):
            decls, body = self.forall_locals(ty)
            f, args = tm.get_app_fn_args(self.whnf(body))
        outs = self.ext.classes.get(f.name) if type(f) is Const else None
        if outs is None:
            return None
        if any(i not in outs and type(get_app_fn(self.inst(a))) is MVar
               for i, a in enumerate(args)):
            raise StuckInstance("typeclass instance problem is stuck")
        # the caller's metavariables are not the search's to assign
        floor = self.inst_floor or self.fresh_mark()
        found = [(self.mk_mvar(self.infer(args[i])), args[i]) for i in outs]
        for i, (new, _) in zip(outs, found, strict=True):
            args[i] = new
        with self.with_lctx(self.lctx.add(*decls)), self.transparency("reducible"), \
                Setting(self, "inst_floor", floor):
            value = self._search(f.name, tm.mk_app(f, *args))
        with self.transparency("default"):
            if value is None or not all(self.is_def_eq(*pair) for pair in found):
                return None
        return self.mk_lambda([d.fvar for d in decls], value)

    def _search(self, cls, goal):
        if len(self._busy_insts) > MAX_INSTANCE_DEPTH:
            return None
        self.tick()
        local = [d.fvar for d in reversed(self.lctx.insts) if d.cls == cls]
        known = [self.mk_const(name) for *_, name, space, pattern in self.ext.instances.get(cls, ())
                 if space in ("", *self.spaces) and self._may_match(pattern, goal)]
        for f in (*local, *known):
            value = self._try_instance(f, goal)
            if value is not None:
                return value
        return None

    def _may_match(self, pattern, goal):
        """Do no two arguments have different types or constructors at the head? (A quick test.)"""
        while type(pattern) is tm.App and type(goal) is tm.App:
            p, g = get_app_fn(pattern.arg), get_app_fn(goal.arg)
            if p is not g and self._is_rigid(p) and self._is_rigid(g) and p.name != g.name:
                return False
            pattern, goal = pattern.fn, goal.fn
        return True

    def _is_rigid(self, f):
        return type(self.head_decl(f)) in (InductiveDecl, ConstructorDecl)

    def _try_instance(self, f, goal):
        """f applied so that it proves goal, with its instance arguments searched for, or None."""
        mark = self.save()
        mvars, infos, result = self.forall_meta(self.infer(f))
        if self.is_def_eq(result, goal) and all(
                self.synth_pending(m.id)
                for m, info in zip(mvars, infos, strict=True) if info == "inst"):
            return self.inst(tm.mk_app(f, *mvars))
        self.restore(mark)
        return None

    def synth_pending(self, i):
        """Is the instance metavariable i assigned, by unification or by a search now?"""
        if self.is_assigned(i) or i in self._busy_insts:
            return self.is_assigned(i)
        self._busy_insts.add(i)
        try:
            with self.with_goal(i):
                value = self.synth_inst(self.decls[i].type)
        except StuckInstance:
            return False
        finally:
            self._busy_insts.discard(i)
        if value is not None and not self.is_assigned(i):
            self.assign_mvar(i, value)
        return self.is_assigned(i)

    # --- the tables ---------------------------------------------------------------------------

    def add_instance(self, name, priority=1000, space=""):
        """Registers the constant `name` as an instance, to be found where `space` is open."""
        pattern = self.class_app(self.env.lookup(name).type)
        if pattern is None:
            raise LeanError(f"invalid instance, `{name}` does not construct a class")
        table, cls = self.ext.own("instances"), get_app_fn(pattern).name
        old = table.get(cls, ())
        table[cls] = tuple(sorted((*old, (-priority, -len(old), name, space, pattern))))
        self.ext.own("instance_names").add(name)

    def add_default_instance(self, name, priority=1000):
        cls = self.class_name(self.env.lookup(name).type)
        table = self.ext.own("defaults")
        table[cls] = tuple(sorted((*table.get(cls, ()), (priority, name)), reverse=True))
