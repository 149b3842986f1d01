"""Type classes: instance tables, default instances, resolution.

Follows Lean 4's `Lean/Meta/SynthInstance.lean` in effect (priorities, later instances first, output
parameters, local instances first) but searches depth first with backtracking instead of tabling.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.errors import Declined, LeanError
from minilean.front.setting import Setting
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl
from minilean.kernel.term import FVAR, LMVAR, MVAR, Const, FVar, MVar, Pi, get_app_fn

MAX_INSTANCE_DEPTH = 32


class StuckInstance(LeanError):
    """Resolution must wait until a metavariable of the goal is known."""


class InstanceMixin:
    """Class resolution; mixed into `Meta`."""

    def class_app(self, ty):
        """C a if ty = `∀ …, C a` for a class C, else None; a may have loose variables.

        Reducible definitions are unfolded.
        """
        ext = self.ext
        while ty is not None:
            while type(ty) is Pi:
                ty = ty.body
            f = get_app_fn(ty)
            if type(f) is Const:
                if f.name in ext.classes:
                    return ty
                if f.name not in ext.reducible or f.name in ext.projections:
                    return None
                ty = self.unfold(ty)
            elif type(f) is MVar and self.is_assigned(f.id):
                ty = self.inst(ty)
                if get_app_fn(ty) is f:  # what it stands for is not finished yet
                    return None
            else:
                return None
        return None

    def class_name(self, ty):
        """The class that `∀ …, C a` belongs to, or None."""
        app = self.class_app(ty)
        return None if app is None else get_app_fn(app).name

    def synth_inst(self, ty, depth=0):
        """An instance of class type `ty`, or None. StuckInstance when metavariables block it."""
        ty = self.inst(ty)
        if ty.flags & (MVAR | LMVAR):
            return self._synth_main(ty, depth)
        insts = self.lctx.insts
        flags = FVAR if insts or self.scoped_insts else ty.flags
        value = self.remembered((ty, insts), flags, self._synth_main, ty, depth)
        if value is not None and value.flags & (MVAR | LMVAR):
            raise Declined("an instance with parts that its type does not determine")
        return value

    def _synth_main(self, ty, depth):
        with self.transparency("reducible"):
            decls, body = self.forall_locals(ty)
            body = self.whnf(body)
        cls = self.class_name(body)
        if cls is None:
            return None
        floor = self.inst_floor if depth else self.fresh_mark()
        f, args = tm.get_app_fn_args(body)
        outs = self.ext.classes[cls]
        if any(i not in outs and type(get_app_fn(self.inst(a))) is MVar
               for i, a in enumerate(args)):
            raise StuckInstance("typeclass instance problem is stuck")
        found = [(self.mk_mvar(self.infer(args[i])), args[i]) for i in outs]
        for i, (new, _) in zip(outs, found, strict=True):
            args[i] = new
        goal = tm.mk_app(f, *args)
        with self.with_lctx(self.lctx.add(*decls) if decls else self.lctx):
            # the caller's metavariables are not ours to assign
            with self.transparency("reducible"), Setting(self, "inst_floor", floor):
                value = self._search(cls, goal, depth)
            with self.transparency("default"):
                if value is None or not all(self.is_def_eq(*pair) for pair in found):
                    return None
        return self.mk_lambda([d.fvar for d in decls], value)

    def _search(self, cls, goal, depth):
        if depth > MAX_INSTANCE_DEPTH:
            return None
        self.tick()
        local = [d.fvar for d in reversed(self.lctx.insts) if d.cls == cls]
        names = [name for *_, name, pattern in self.ext.instances.get(cls, ())
                 if self._may_match(pattern, goal)]
        for found in (*local, *names, *[name for of, name in self.scoped_insts if of == cls]):
            f = found if type(found) is FVar else self.mk_const(found)
            value = self._try_instance(f, goal, depth)
            if value is not None:
                return value
        return None

    def _may_match(self, pattern, goal):
        """No two arguments have heads that clash (a quick test)."""
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

    def _try_instance(self, f, goal, depth):
        """f applied so that it proves goal, with its instance arguments searched for, or None."""
        mark = self.save()
        mvars, infos, result = self.forall_meta(self.infer(f))
        if self.is_def_eq(result, goal) and all(
                self._solve_inst(m, depth + 1)
                for m, info in zip(mvars, infos, strict=True) if info == "inst"):
            return self.inst(tm.mk_app(f, *mvars))
        self.restore(mark)
        return None

    def _solve_inst(self, m, depth):
        """Is the instance metavariable m assigned, by unification or by a search now?"""
        if not self.is_assigned(m.id):
            try:
                value = self.synth_inst(self.infer(m), depth)
            except StuckInstance:
                return False
            if value is not None and not self.is_assigned(m.id):
                self.assign_mvar(m.id, value)
        return self.is_assigned(m.id)

    def synth_pending(self, i):
        """Try to synthesise the instance metavariable i; True when it got assigned."""
        if self.is_assigned(i) or i in self._busy_insts:
            return False
        self._busy_insts.add(i)
        try:
            with self.with_goal(i):
                return self._solve_inst(MVar(i), 0)
        finally:
            self._busy_insts.discard(i)

    # --- the tables ---------------------------------------------------------------------------

    def add_instance(self, name, priority=1000):
        """Registers the constant `name` as an instance."""
        pattern = self.class_app(self.env.lookup(name).type)
        if pattern is None:
            raise LeanError(f"invalid instance, `{name}` does not construct a class")
        table, cls = self.ext.own("instances"), get_app_fn(pattern).name
        old = table.get(cls, ())
        table[cls] = tuple(sorted((*old, (-priority, -len(old), name, pattern))))
        self.ext.own("instance_names").add(name)

    def add_default_instance(self, name, priority=1000):
        cls = self.class_name(self.env.lookup(name).type)
        table = self.ext.own("defaults")
        table[cls] = tuple(sorted((*table.get(cls, ()), (priority, name)), reverse=True))
