"""Synthetic metavariables: instances, postponed terms, default instances, tactic blocks.

Follows Lean 4's `Lean/Elab/SyntheticMVars.lean`: what is easy first, then default instances, then
everything with errors shown, tactic blocks last. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from collections import namedtuple

from minilean.front.errors import LeanError, Postpone
from minilean.front.instances import StuckInstance
from minilean.front.terms import occurs
from minilean.kernel import term as tm

# a synthetic metavariable that still waits: kind "inst", "postponed" or "tactic"
Pending = namedtuple("Pending", "kind mvar stx lctx")


class SyncMixin:
    """Mixed into `TermElab`."""

    # --- pending problems -----------------------------------------------------------------------

    def pend(self, kind, m, stx):
        """Leave the metavariable m to `synthesize`."""
        self.pending = [*self.pending, Pending(kind, m, stx, self.meta.lctx)]

    def own_pending(self):
        """Set the problems pending so far aside; the new ones are to be solved inside."""
        return self.mode(pending=[])

    def later(self, kind, stx, ty):
        """A metavariable of type ty that stands for what `stx` will be elaborated to."""
        m = self.meta.mk_mvar(ty, "opaque")
        self.pend(kind, m, stx)
        return m

    def inst_mvar(self, ty, stx=None):
        """An instance of class type ty: synthesised now if possible, else pending."""
        m = self.meta.mk_mvar(ty, "synthetic")
        self.synth_or_pend(m, stx)
        return self.meta.inst(m)

    def synth_or_pend(self, m, stx):
        """Synthesise the instance m now if possible, else later."""
        if not self._try_inst(m):
            self.pend("inst", m, stx)

    def _try_inst(self, m):
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
        if value is None and (chosen is not m or any(meta.decls[i].kind == "natural"
                                                     for i in meta.mvars_in(ty))):
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
                progress = self._step(quiet=True) or self._use_defaults() or self._step()
            if progress:
                continue
            if postpone == "partial":
                return
            block = next((p for p in self.pending if p.kind == "tactic"), None)
            if block is None:
                self._report_stuck()
            else:
                self.pending = [p for p in self.pending if p is not block]
                self.run_by(block.stx, block.mvar.id)

    def _step(self, quiet=False):
        """Try each pending problem once, oldest first; True if one was solved.

        quiet: a problem with an error stays pending.
        """
        todo, self.pending = self.pending, []
        progress = False
        for p in todo:
            with self.meta.with_lctx(p.lctx):
                if self._solve(p, quiet):
                    progress = True
                else:
                    self.pending = [*self.pending, p]
        return progress

    def _solve(self, p, quiet):
        """Was the problem solved? False (and nothing changed) when it must wait longer."""
        if p.kind == "tactic":
            return False
        mark = self.save()
        try:
            return self._try_inst(p.mvar) if p.kind == "inst" else self._resume(p, quiet)
        except Postpone:
            self.restore(mark)
            return False
        except LeanError as err:
            if quiet:
                self.restore(mark)
            else:
                self._give_up(p, err)
            return not quiet

    def _resume(self, p, quiet):
        """Elaborate a postponed term."""
        meta = self.meta
        ty = meta.inst(meta.decls[p.mvar.id].type)
        with self.mode(err_to_sorry=self.err_to_sorry and not quiet):
            e = meta.inst(self.ensure_type(self.handle(p.stx, ty), ty, p.stx))
        if e.flags & tm.MVAR and occurs(p.mvar, e):
            raise LeanError("occurs check failed", p.stx)
        meta.assign_mvar(p.mvar.id, e)
        return True

    def _give_up(self, p, err):
        """Log err and solve p with a `sorry`, or raise err where errors are not logged."""
        meta = self.meta
        sorry = self.recover(err, p.stx, meta.decls[p.mvar.id].type)
        if p.mvar.id not in meta.assign:
            meta.assign_mvar(p.mvar.id, sorry)

    def _report_stuck(self):
        todo, self.pending = self.pending, []
        for p in todo:
            what = "typeclass instance problem is" if p.kind == "inst" else "elaboration is"
            with self.meta.with_lctx(p.lctx):
                ty = self.meta.pp(self.meta.decls[p.mvar.id].type)
                self._give_up(p, StuckInstance(f"{what} stuck\n  {ty}"))

    # --- default instances ----------------------------------------------------------------------

    def _use_defaults(self):
        """Apply one default instance to a pending problem (highest priority first)."""
        meta = self.meta
        options = []
        for p in self.pending:
            if p.kind == "inst" and self.is_unknown(p.mvar):
                cls = meta.class_name(meta.inst(meta.decls[p.mvar.id].type))
                options += [(*option, p) for option in meta.ext.defaults.get(cls, ())]
        options.sort(key=lambda o: -o[0])
        return any(self._apply_default(name, p) for _, name, p in options)

    def _apply_default(self, name, p):
        meta, mark = self.meta, self.meta.save()
        with meta.with_lctx(p.lctx):
            f = meta.mk_const(name)
            mvars, infos, result = meta.forall_meta(meta.infer(f), reducing=False)
            if not meta.is_def_eq(meta.decls[p.mvar.id].type, result) \
                    or not self._assign(p.mvar, tm.mk_app(f, *mvars)):
                meta.restore(mark)
                return False
            self.pending = [q for q in self.pending if q is not p]
            for m, info in zip(mvars, infos, strict=True):
                if info == "inst" and self.is_unknown(m):
                    self.pend("inst", m, p.stx)
        return True

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
            self.root_goals.append((stx.pos, stx.pos, meta, d.lctx, d.type, self))
        ctx = TacticContext(meta, self, [goal], self.err_to_sorry)
        with self.own_pending(), self.mode(may_postpone=True), meta.with_lctx(d.lctx):
            close_or_admit(ctx, stx, goal, stx.tactics)
