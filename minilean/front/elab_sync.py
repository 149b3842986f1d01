"""Synthetic metavariables: instances, postponed terms, default instances, tactic blocks.

Follows Lean 4's `Lean/Elab/SyntheticMVars.lean`: what is easy first, then default instances, then
everything with errors shown, tactic blocks last. Run: `python -m pytest tests/minilean`.
"""
from collections import namedtuple

from minilean.front.errors import LeanError, Postpone
from minilean.front.instances import StuckInstance
from minilean.kernel import term as tm

# a synthetic metavariable that still waits: kind "inst", "postponed" or "tactic"
Pending = namedtuple("Pending", "kind mvar stx lctx")


class SyncMixin:
    """Mixed into `TermElab`."""

    # --- pending problems -----------------------------------------------------------------------

    def pend(self, kind, m, stx):
        """Leave the metavariable m to `synthesize`."""
        self.pending = [*self.pending, Pending(kind, m, stx, self.meta.lctx)]

    def later(self, kind, stx, ty):
        """A metavariable of type ty that stands for what `stx` will be elaborated to."""
        m = self.meta.mk_mvar(ty, "opaque")
        self.pend(kind, m, stx)
        return m

    def try_inst(self, m):
        """Synthesise the instance m; False when stuck. LeanError when there is none."""
        meta = self.meta
        chosen = meta.inst(m)  # perhaps by unification
        if not chosen.flags & tm.MVAR:
            return True
        ty = meta.inst(meta.decls[m.id].type)
        try:
            value = meta.synth_inst(ty)
        except StuckInstance:
            return False
        if value is None and (chosen is not m or ty.flags & tm.MVAR):
            return False
        if value is None or not meta.is_def_eq(ty, meta.infer(value)) or not self._assign(m, value):
            raise LeanError(f"failed to synthesize\n  {meta.pp(ty)}")
        return True

    def _assign(self, m, value):
        """Make the instance m be `value`; False when it is something else already."""
        if m.id in self.meta.assign:
            return self.meta.is_def_eq(m, value)
        self.meta.assign_mvar(m.id, value)
        return True

    # --- the loop -------------------------------------------------------------------------------

    def synthesize(self, postpone="no"):
        """Work on pending problems: "yes" only what is easy, "no" until nothing is left."""
        while self.pending:
            if self._step():
                continue
            if postpone == "yes":
                return
            with self.mode(may_postpone=False):
                if self._step(quiet=True) or self._use_defaults() or self._step():
                    continue
            if postpone == "partial":
                return
            block = next((p for p in self.pending if p.kind == "tactic"), None)
            if block is None:
                stuck = self.pending[0]
                ty = self.meta.pp(self.meta.decls[stuck.mvar.id].type)
                raise StuckInstance(f"elaboration is stuck\n  {ty}", stuck.stx)
            self.pending = [p for p in self.pending if p is not block]
            self.run_by(block.stx, block.mvar.id)

    def _step(self, quiet=False):
        """Try each pending problem once, oldest first; True if one was solved.

        quiet: a problem with an error stays pending.
        """
        todo, self.pending, unsolved = self.pending, [], []
        for p in todo:
            with self.meta.with_lctx(p.lctx):
                if not self._solve(p, quiet):
                    unsolved.append(p)
        self.pending = [*unsolved, *self.pending]
        return len(unsolved) < len(todo)

    def _solve(self, p, quiet):
        """Was the problem solved? False (and nothing changed) when it must wait longer."""
        if p.kind == "tactic":
            return False
        mark = self.save()
        try:
            return self.try_inst(p.mvar) if p.kind == "inst" else self._resume(p, quiet)
        except Postpone:
            pass
        except LeanError as err:
            if not quiet:
                err.stx = err.stx or p.stx
                raise
        self.restore(mark)
        return False

    def _resume(self, p, quiet):
        """Elaborate a postponed term."""
        meta = self.meta
        ty = meta.inst(meta.decls[p.mvar.id].type)
        with self.mode(err_to_sorry=self.err_to_sorry and not quiet):
            e = meta.inst(self.ensure_type(self.handle(p.stx, ty), ty, p.stx))
        meta.assign_mvar(p.mvar.id, e)
        return True

    # --- default instances ----------------------------------------------------------------------

    def _use_defaults(self):
        """Apply one default instance to a pending problem (highest priority first)."""
        meta, options = self.meta, []
        for p in self.pending:
            if p.kind == "inst" and self.is_unknown(p.mvar):
                cls = meta.class_name(meta.decls[p.mvar.id].type)
                options += [(*option, p) for option in meta.ext.defaults.get(cls, ())]
        options.sort(key=lambda o: -o[0])
        return any(self._apply_default(name, p) for _, name, p in options)

    def _apply_default(self, name, p):
        """Let the instance `name` be what p waits for, if its type fits."""
        mark, ty = self.save(), self.meta.decls[p.mvar.id].type
        with self.meta.with_lctx(p.lctx):
            value = self.apply_fn(name, expected=ty, ellipsis=True, stx=p.stx)
            if self.meta.is_def_eq(ty, self.meta.infer(value)) and self._assign(p.mvar, value):
                return True
        self.restore(mark)
        return False

    # --- tactic blocks --------------------------------------------------------------------------

    def elab_by(self, stx, expected):
        if expected is None:
            self.wait_for(expected)
            raise LeanError("invalid `by` tactic, expected type has not been provided", stx)
        return self.later("tactic", stx, expected)

    def run_by(self, stx, goal):
        """Run the tactic block of the By `stx` on `goal`; errors are logged and `goal` admitted."""
        from minilean.front.tactic import TacticContext, close_or_admit
        meta = self.meta
        d = meta.decls[goal]
        d.type = meta.inst(d.type)
        if self.root_goals is not None:
            self.root_goals.append(((stx.pos, stx.pos), d.lctx, d.type, self))
        ctx = TacticContext(meta, self, [goal], self.err_to_sorry)
        with self.mode(pending=[]), self.mode(may_postpone=True), meta.with_lctx(d.lctx):
            close_or_admit(ctx, stx, goal, stx.tactics)
