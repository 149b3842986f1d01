"""Synthetic metavariables: instances, postponed terms, default instances, tactic blocks.

Follows Lean 4's `Lean/Elab/SyntheticMVars.lean`: what is easy first, then default instances, then
everything with errors shown, tactic blocks last. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import LeanError, Postpone
from minilean.front.handlers import HANDLERS
from minilean.front.instances import StuckInstance
from minilean.front.scope import Pending
from minilean.front.tactic_context import TacticContext
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, MVar

SYNTHETIC_SORRY = True


class SyncMixin:
    """Mixed into `TermElab`."""

    def inst_mvar(self, ty, stx=None):
        """An instance of class type ty: synthesised now if possible, else pending."""
        meta = self.meta
        m = meta.mk_mvar(ty, "synthetic")
        if not self._try_inst(m):
            self.pending.append(Pending("inst", m, stx, meta.lctx, self.err_to_sorry))
        return meta.inst(m)

    def _try_inst(self, m):
        """Synthesise the instance m; False when stuck. LeanError when there is none."""
        meta = self.meta
        if m.id in meta.assign:
            return self._check_assigned_inst(m)
        ty = meta.inst(meta.decls[m.id].type)
        try:
            value = meta.synth_inst(ty)
        except StuckInstance:
            return False
        if value is None:
            if ty.flags & MVAR and any(meta.decls[i].kind == "natural"
                                       for i in meta.mvars_in(ty)):
                return False
            raise LeanError(f"failed to synthesize\n  {meta.pp(ty)}", None, self.tainted(ty))
        if m.id in meta.assign:
            return True
        if not meta.is_def_eq(meta.decls[m.id].type, meta.infer(value)):
            raise LeanError(f"failed to synthesize\n  {meta.pp(ty)}")
        meta.assign_mvar(m.id, value)
        return True

    def _check_assigned_inst(self, m):
        """Unification chose this instance; resolution must agree with it (up to defeq)."""
        meta = self.meta
        old = meta.inst(m)
        if not old.flags & MVAR:
            return True
        try:
            value = meta.synth_inst(meta.inst(meta.decls[m.id].type))
        except StuckInstance:
            return False
        if value is None:
            return False
        if not meta.is_def_eq(old, value):
            raise LeanError("synthesized type class instance is not definitionally equal to "
                            f"expression inferred by typing rules\n  {meta.pp(value)}")
        return True

    def synthesize(self, postpone="no"):
        """Work on pending problems: "yes" only what is easy, "no" until nothing is left."""
        while True:
            if not self.pending:
                return
            if self._step(on_error=False, tactics=False):
                continue
            if postpone == "yes":
                return
            old, self.may_postpone = self.may_postpone, False
            try:
                if self._step(on_error=True, tactics=False):
                    continue
                if self._use_defaults():
                    continue
                if self._step(on_error=False, tactics=False):
                    continue
            finally:
                self.may_postpone = old
            if postpone == "partial":
                return
            if self._step(on_error=False, tactics=True):
                continue
            if self.pending:
                self._report_stuck()
            return

    def _step(self, on_error, tactics):
        """Try each pending problem once, oldest first; True if one was solved."""
        todo, self.pending = self.pending, []
        progress = False
        for i, p in enumerate(todo):
            try:
                solved = self._solve(p, on_error, tactics)
            except BaseException:  # whatever it is, the problems not yet tried must not get lost
                self.pending = todo[i + 1:] + self.pending
                raise
            if solved:
                progress = True
                if tactics:
                    self.pending = [*todo[i + 1:], *self.pending]
                    return True
            else:
                self.pending.append(p)
        return progress

    def _solve(self, p, on_error, tactics):
        meta = self.meta
        with meta.with_lctx(p.lctx):
            if p.kind == "inst":
                return self._solve_inst(p, on_error)
            if p.kind == "postponed":
                return self._resume(p, on_error)
            if p.kind == "coe":
                return self._solve_coe(p)
            if tactics:
                self.run_by(p.stx, p.mvar.id, p.errs)
                return True
        return False

    def _solve_inst(self, p, on_error):
        try:
            return self._try_inst(p.mvar)
        except LeanError as err:
            if on_error:
                return False
            if err.stx is None:
                err.stx = p.stx
            if not p.errs:
                raise
            self.log_error(err, p.stx)
            if p.mvar.id not in self.meta.assign:
                self.meta.assign_mvar(p.mvar.id, self.meta.mk_sorry(
                    self.meta.decls[p.mvar.id].type, SYNTHETIC_SORRY))
            return True

    def _solve_coe(self, p):
        meta = self.meta
        e, expected = p.data
        ty = meta.inst(meta.infer(e))
        if type(tm.get_app_fn(ty)) is MVar or type(tm.get_app_fn(meta.inst(expected))) is MVar:
            return False
        value = self.ensure_type(e, expected, p.stx)
        meta.assign_mvar(p.mvar.id, value)
        return True

    def _resume(self, p, on_error):
        meta = self.meta
        ty = meta.inst(meta.decls[p.mvar.id].type)
        mark = meta.save()
        n_pending, n_messages, had = len(self.pending), len(self.messages), self.had_error
        old_err = self.err_to_sorry
        old_post = self.may_postpone
        self.err_to_sorry = p.errs and not on_error
        try:
            handler = getattr(self, HANDLERS[type(p.stx)])
            e = handler(p.stx, ty)
            e = self.ensure_type(e, ty, p.stx)
        except Postpone:
            meta.restore(mark)
            del self.pending[n_pending:]
            if old_post or on_error:
                return False
            return self._give_up(p, LeanError(self._stuck_text(p), p.stx))
        except LeanError as err:
            if on_error:
                meta.restore(mark)
                del self.pending[n_pending:]
                del self.messages[n_messages:]
                self.had_error = had
                return False
            if err.stx is None:
                err.stx = p.stx
            return self._give_up(p, err)
        finally:
            self.err_to_sorry = old_err
        if self._occurs(p.mvar, e):
            return self._give_up(p, LeanError("occurs check failed", p.stx))
        meta.assign_mvar(p.mvar.id, e)
        return True

    def _occurs(self, m, e):
        e = self.meta.inst(e)
        return bool(e.flags & MVAR) and m in tm.subterms(e)

    def _give_up(self, p, err):
        if not p.errs:
            raise err
        self.log_error(err, p.stx)
        self.meta.assign_mvar(p.mvar.id, self.meta.mk_sorry(
            self.meta.decls[p.mvar.id].type, SYNTHETIC_SORRY))
        return True

    def _stuck_text(self, p):
        stx, pp = p.stx, self.meta.pp
        if isinstance(stx, sx.Anon):
            return "invalid constructor ⟨...⟩, expected type must be known"
        if isinstance(stx, sx.DotIdent):
            return (f"invalid dotted identifier notation, expected type must be known: "
                    f"`.{stx.name}`")
        if isinstance(stx, sx.Proj | sx.Ident):
            return "invalid field notation, type is not of the form (C ...)"
        return f"stuck at elaborating\n  {pp(self.meta.decls[p.mvar.id].type)}"

    def _use_defaults(self):
        """Apply one default instance to a pending problem (highest priority first)."""
        meta = self.meta
        options = []
        for p in self.pending:
            if p.kind != "inst" or type(tm.get_app_fn(meta.inst(p.mvar))) is not MVar:
                continue
            ty = meta.inst(meta.decls[p.mvar.id].type)
            cls = meta.class_name(ty)
            for prio, name in meta.default_instances(cls) if cls else ():
                options.append((prio, name, p))
        options.sort(key=lambda o: -o[0])
        for _, name, p in options:
            if self._apply_default(name, p):
                return True
        return False

    def _apply_default(self, name, p):
        meta = self.meta
        mark = meta.save()
        with meta.with_lctx(p.lctx):
            f = meta.mk_const(name)
            mvars, infos, result = meta.forall_meta(meta.infer(f), reducing=False)
            if meta.is_def_eq(meta.decls[p.mvar.id].type, result) \
                    and self._give_inst(p.mvar, tm.mk_app(f, *mvars)):
                for m, info in zip(mvars, infos, strict=False):
                    if info == "inst" and type(tm.get_app_fn(meta.inst(m))) is MVar:
                        self.pending.append(Pending("inst", m, p.stx, p.lctx, p.errs))
                self.pending = [q for q in self.pending if q is not p]
                return True
        meta.restore(mark)
        return False

    def _give_inst(self, m, value):
        meta = self.meta
        if m.id in meta.assign:
            return meta.is_def_eq(m, value)
        meta.assign_mvar(m.id, value)
        return True

    def _report_stuck(self):
        meta = self.meta
        todo, self.pending = self.pending, []
        for p in todo:
            ty = meta.inst(meta.decls[p.mvar.id].type)
            with meta.with_lctx(p.lctx):
                if p.kind == "inst":
                    text = f"typeclass instance problem is stuck\n  {meta.pp(ty)}"
                else:
                    text = self._stuck_text(p)
            if not p.errs:
                raise LeanError(text, p.stx)
            if not self.had_error:
                self.log("error", text, p.stx)
            if p.mvar.id not in meta.assign:
                meta.assign_mvar(p.mvar.id, meta.mk_sorry(ty, SYNTHETIC_SORRY))

    # --- tactic blocks --------------------------------------------------------------------------

    def elab_by(self, stx, expected):
        if expected is None:
            if self.may_postpone:
                raise Postpone
            raise LeanError("invalid `by` tactic, expected type has not been provided", stx)
        meta = self.meta
        m = meta.mk_mvar(expected, "opaque")
        self.pending.append(Pending("tactic", m, stx, meta.lctx, self.err_to_sorry))
        return m

    def run_by(self, stx, goal, recover=True):
        """Run the tactic block of the By `stx` on `goal`; errors are logged and `goal` admitted."""
        from minilean.front.tactic import run_tactic_seq
        meta = self.meta
        d = meta.decls[goal]
        d.type = meta.inst(d.type)
        if self.root_goals is not None:
            self.root_goals.append((stx.pos, stx.pos, meta, d.lctx, d.type, self))
        ctx = TacticContext(meta, self, [goal], recover)
        saved, self.pending = self.pending, []
        old_post, self.may_postpone = self.may_postpone, True
        try:
            with meta.with_lctx(d.lctx):
                run_tactic_seq(ctx, stx.tactics)
                ctx.prune()
                if ctx.goals:
                    raise LeanError(ctx.unsolved_text(), stx)
        except LeanError as err:
            if not recover:
                raise
            self.log_error(err, stx)
            for g in meta.mvars_in(MVar(goal)) or [goal]:
                if not meta.is_assigned(g):
                    meta.admit(g)
        finally:
            self.pending = saved + self.pending
            self.may_postpone = old_post
