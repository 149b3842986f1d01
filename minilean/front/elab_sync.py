"""Synthetic metavariables: instances, postponed terms, default instances, tactic blocks.

Follows Lean 4's `Lean/Elab/SyntheticMVars.lean`: what is easy first, then default instances, then
everything with errors shown, tactic blocks last. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from contextlib import contextmanager

from minilean.front import syntax as sx
from minilean.front.errors import LeanError, Postpone
from minilean.front.handlers import HANDLERS
from minilean.front.instances import StuckInstance
from minilean.front.scope import Pending
from minilean.front.tactic_context import TacticContext
from minilean.front.terms import occurs
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR


class SyncMixin:
    """Mixed into `TermElab`."""

    # --- pending problems -----------------------------------------------------------------------

    def pend(self, kind, m, stx):
        """Leave the metavariable m to `synthesize`."""
        self.pending.append(Pending(kind, m, stx, self.meta.lctx, self.err_to_sorry))

    @contextmanager
    def own_pending(self):
        """Set the problems pending so far aside; new ones that remain come after them."""
        saved, self.pending = self.pending, []
        try:
            yield
        finally:
            self.pending = saved + self.pending

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

    def assign_or_unify(self, m, value):
        """Make m be `value`; False when it is something else already."""
        if m.id in self.meta.assign:
            return self.meta.is_def_eq(m, value)
        self.meta.assign_mvar(m.id, value)
        return True

    # --- instances ------------------------------------------------------------------------------

    def _try_inst(self, m):
        """Synthesise the instance m; False when stuck. LeanError when there is none."""
        meta = self.meta
        chosen = meta.inst(m) if m.id in meta.assign else None  # by unification
        if chosen is not None and not chosen.flags & MVAR:
            return True
        ty = meta.inst(meta.decls[m.id].type)
        try:
            value = meta.synth_inst(ty)
        except StuckInstance:
            return False
        if value is None:
            if chosen is not None or any(meta.decls[i].kind == "natural"
                                         for i in meta.mvars_in(ty)):
                return False
            raise LeanError(f"failed to synthesize\n  {meta.pp(ty)}", None, self.tainted(ty))
        if chosen is not None:
            if not meta.is_def_eq(chosen, value):
                raise LeanError("synthesized type class instance is not definitionally equal to "
                                f"expression inferred by typing rules\n  {meta.pp(value)}")
        elif m.id not in meta.assign:
            if not meta.is_def_eq(meta.decls[m.id].type, meta.infer(value)):
                raise LeanError(f"failed to synthesize\n  {meta.pp(ty)}")
            meta.assign_mvar(m.id, value)
        return True

    # --- the loop -------------------------------------------------------------------------------

    def synthesize(self, postpone="no"):
        """Work on pending problems: "yes" only what is easy, "no" until nothing is left."""
        while self.pending:
            if self._step():
                continue
            if postpone == "yes":
                return
            if self._insist():
                continue
            if postpone == "partial":
                return
            if not self._step(tactics=True):
                self._report_stuck()
                return

    def _insist(self):
        """Try everything but tactics without postponing; True if a problem was solved."""
        with self.mode(may_postpone=False):
            return self._step(quiet=True) or self._use_defaults() or self._step()

    def _step(self, quiet=False, tactics=False):
        """Try each pending problem once, oldest first; True if one was solved.

        quiet: a problem with an error stays pending; tactics: run a tactic block, but only one.
        """
        todo, self.pending = self.pending, []
        progress = False
        for i, p in enumerate(todo):
            try:
                solved = self._solve(p, quiet, tactics)
            except BaseException:  # whatever it is, the problems not yet tried must not get lost
                self.pending = todo[i + 1:] + self.pending
                raise
            if not solved:
                self.pending.append(p)
            elif tactics:
                self.pending = [*todo[i + 1:], *self.pending]
                return True
            progress = progress or solved
        return progress

    def _solve(self, p, quiet, tactics):
        with self.meta.with_lctx(p.lctx):
            if p.kind == "inst":
                return self._solve_inst(p, quiet)
            if p.kind == "postponed":
                return self._resume(p, quiet)
            if tactics:
                self.run_by(p.stx, p.mvar.id, p.errs)
            return tactics

    def _solve_inst(self, p, quiet):
        try:
            return self._try_inst(p.mvar)
        except LeanError as err:
            return False if quiet else self._give_up(p, err)

    def _resume(self, p, quiet):
        """Elaborate a postponed term; False (and nothing changed) when it must wait longer."""
        meta = self.meta
        ty = meta.inst(meta.decls[p.mvar.id].type)
        mark = self.save()
        try:
            with self.mode(err_to_sorry=p.errs and not quiet):
                e = getattr(self, HANDLERS[type(p.stx)])(p.stx, ty)
                e = meta.inst(self.ensure_type(e, ty, p.stx))
            if e.flags & MVAR and occurs(p.mvar, e):
                raise LeanError("occurs check failed", p.stx)
        except Postpone:
            self.restore(mark)
            if self.may_postpone or quiet:
                return False
            return self._give_up(p, LeanError(self._stuck_text(p), p.stx))
        except LeanError as err:
            if quiet:
                self.restore(mark)
                return False
            return self._give_up(p, err)
        meta.assign_mvar(p.mvar.id, e)
        return True

    def _give_up(self, p, err):
        """Log err and solve p with a `sorry`, or raise err where errors are not logged."""
        err.stx = err.stx or p.stx
        if not p.errs:
            raise err
        self.log_error(err)
        meta = self.meta
        if p.mvar.id not in meta.assign:
            ty = meta.decls[p.mvar.id].type
            meta.assign_mvar(p.mvar.id, meta.mk_sorry(ty, synthetic=True))
        return True

    def _stuck_text(self, p):
        stx, meta = p.stx, self.meta
        ty = meta.pp(meta.decls[p.mvar.id].type)
        if p.kind == "inst":
            return f"typeclass instance problem is stuck\n  {ty}"
        if isinstance(stx, sx.Anon):
            return "invalid constructor ⟨...⟩, expected type must be known"
        if isinstance(stx, sx.DotIdent):
            return (f"invalid dotted identifier notation, expected type must be known: "
                    f"`.{stx.name}`")
        if isinstance(stx, sx.Proj | sx.Ident):
            return "invalid field notation, type is not of the form (C ...)"
        return f"stuck at elaborating\n  {ty}"

    def _report_stuck(self):
        todo, self.pending = self.pending, []
        for p in todo:
            with self.meta.with_lctx(p.lctx):
                text = self._stuck_text(p)
            self._give_up(p, LeanError(text, p.stx, silent=p.errs and self.had_error))

    # --- default instances ----------------------------------------------------------------------

    def _use_defaults(self):
        """Apply one default instance to a pending problem (highest priority first)."""
        meta = self.meta
        options = []
        for p in self.pending:
            if p.kind != "inst" or not self.is_unknown(p.mvar):
                continue
            cls = meta.class_name(meta.inst(meta.decls[p.mvar.id].type))
            for priority, name in meta.default_instances(cls) if cls else ():
                options.append((priority, name, p))
        options.sort(key=lambda o: -o[0])
        return any(self._apply_default(name, p) for _, name, p in options)

    def _apply_default(self, name, p):
        meta = self.meta
        mark = meta.save()
        with meta.with_lctx(p.lctx):
            f = meta.mk_const(name)
            mvars, infos, result = meta.forall_meta(meta.infer(f), reducing=False)
            if meta.is_def_eq(meta.decls[p.mvar.id].type, result) \
                    and self.assign_or_unify(p.mvar, tm.mk_app(f, *mvars)):
                for m, info in zip(mvars, infos, strict=True):
                    if info == "inst" and self.is_unknown(m):
                        self.pending.append(Pending("inst", m, p.stx, p.lctx, p.errs))
                self.pending = [q for q in self.pending if q is not p]
                return True
        meta.restore(mark)
        return False

    # --- tactic blocks --------------------------------------------------------------------------

    def elab_by(self, stx, expected):
        if expected is None:
            self.wait_for(expected)
            raise LeanError("invalid `by` tactic, expected type has not been provided", stx)
        return self.later("tactic", stx, expected)

    def run_by(self, stx, goal, recover=True):
        """Run the tactic block of the By `stx` on `goal`; errors are logged and `goal` admitted."""
        from minilean.front.tactic import close_or_admit
        meta = self.meta
        d = meta.decls[goal]
        d.type = meta.inst(d.type)
        if self.root_goals is not None:
            self.root_goals.append((stx.pos, stx.pos, meta, d.lctx, d.type, self))
        ctx = TacticContext(meta, self, [goal], recover)
        with self.own_pending(), self.mode(may_postpone=True), meta.with_lctx(d.lctx):
            close_or_admit(ctx, stx, goal, stx.tactics)
