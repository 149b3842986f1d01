"""Term elaboration: dispatch, postponing, synthetic metavariables, binders, basic term forms.

Follows Lean 4's `Lean/Elab/{Term,SyntheticMVars,Binders,BuiltinNotation}.lean`. An elaboration that
lacks information raises Postpone; it is resumed by `synthesize`, which also finds instances,
applies default instances and finally runs tactic blocks. Applications are in `elab_app.py`,
operators in `elab_op.py`, matches in `elab_match.py`. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace

from minilean.front import syntax as sx
from minilean.front.elab_app import AppMixin
from minilean.front.elab_match import MatchMixin
from minilean.front.elab_op import OpMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.instances import StuckInstance
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import LMVAR, MVAR, PROP, App, Const, FVar, Lit, MVar, Pi, Sort

SYNTHETIC_SORRY = True


@dataclass(frozen=True, slots=True)
class Scope:
    """What `namespace`, `open`, `variable`, `universe` and `set_option` have established."""

    namespace: str = ""
    opens: tuple = ()  # ("ns", name) | ("id", short, full) | ("except", name, hidden)
    variables: tuple = ()  # Binder syntax with its source file position
    universes: tuple = ()
    options: dict = field(default_factory=dict)
    included: tuple = ()
    omitted: tuple = ()

    def set_option(self, name, value):
        return replace(self, options={**self.options, name: value})


class AutoBound(Exception):
    """An unbound name in a declaration's header, to become an implicit argument."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Pending:
    """A synthetic metavariable that still waits: kind "inst", "postponed", "tactic" or "coe"."""

    __slots__ = ("data", "errs", "kind", "lctx", "mvar", "stx")

    def __init__(self, kind, mvar, stx, lctx, errs, data=None):
        self.kind, self.mvar, self.stx, self.lctx = kind, mvar, stx, lctx
        self.errs, self.data = errs, data


class TermElab(AppMixin, OpMixin, MatchMixin):
    """Elaborates syntax to terms over one `Meta`."""

    def __init__(self, meta, scope, messages=None, decl_name="_example"):
        self.meta, self.scope = meta, scope
        self.messages = [] if messages is None else messages
        self.pending = []
        self.may_postpone = True
        self.err_to_sorry = True
        self.auto_bound = False
        self.level_names = list(scope.universes)
        self.sorries = []
        self.recorder = None
        self.root_goals = None
        self.decl_name = decl_name
        self.aux_count = 0
        self.rec_fns = {}  # local name -> fvar of a function being defined
        self.had_error = False
        self.aux_sink = None
        self.in_pattern = False

    # --- messages -----------------------------------------------------------------------------

    def log(self, severity, text, stx):
        """Adds a message for the span of `stx`; an error makes the declaration erroneous."""
        if severity == "error":
            self.had_error = True
        self.messages.append((severity, text, stx))

    def log_error(self, err, stx=None):
        if err.silent:
            self.had_error = True
            return
        self.log("error", err.message, err.stx if err.stx is not None else stx)

    # --- entry points -------------------------------------------------------------------------

    def elab_term(self, stx, expected=None, postpone=False):
        """The term for `stx`; without `postpone` no synthetic metavariable is left behind."""
        if postpone:
            return self.term(stx, expected)
        saved, self.pending = self.pending, []
        try:
            e = self.term(stx, expected)
            self.synthesize("no")
            return self.meta.inst(e)
        finally:
            self.pending = saved + self.pending

    def elab_term_ensuring(self, stx, expected, postpone=False):
        """Like elab_term, with the result coerced to type `expected`."""
        if postpone:
            return self.term_ensuring(stx, expected)
        saved, self.pending = self.pending, []
        try:
            e = self.term_ensuring(stx, expected)
            self.synthesize("no")
            return self.meta.inst(e)
        finally:
            self.pending = saved + self.pending

    def elab_type(self, stx, postpone=False):
        """The type for `stx` (something whose type is a sort)."""
        if not postpone:
            saved, self.pending = self.pending, []
            try:
                e = self.type_term(stx)
                self.synthesize("no")
                return self.meta.inst(e)
            finally:
                self.pending = saved + self.pending
        return self.type_term(stx)

    def elab_with_holes(self, stx, expected, allow_natural=False, ensure=True):
        """(term, new goals): `?_` and, when allowed, unassigned `_` become goals (refine)."""
        meta = self.meta
        before = meta.fresh_mark()
        if ensure:
            e = self.elab_term_ensuring(stx, expected)
        else:
            e = self.elab_term(stx, expected)
        goals = []
        for i in meta.mvars_in(e):
            d = meta.decls[i]
            if i < before:
                continue
            if d.kind == "natural":
                if not allow_natural:
                    self.error_unassigned(i, stx)
                d.kind = "opaque"
            goals.append(i)
        return meta.inst(e), goals

    elab_no_postpone_with_holes = elab_with_holes

    def error_unassigned(self, i, stx):
        """Raise Lean's error for a `_` that nothing determined."""
        d = self.meta.decls[i]
        with self.meta.with_lctx(d.lctx):
            goal = self.meta.pp_goal(i)
        at = self.hole_stx.get(i, stx) if hasattr(self, "hole_stx") else stx
        raise LeanError(f"don't know how to synthesize placeholder\ncontext:\n{goal}", at)

    # --- core ---------------------------------------------------------------------------------

    def term(self, stx, expected=None):
        """Elaborate with error recovery, implicit lambdas and postponing."""
        meta = self.meta
        if expected is not None and expected.flags & MVAR:
            expected = meta.inst(expected)
        if expected is not None and not isinstance(stx, (sx.Hole, sx.SynthHole, sx.By)):
            ty = expected if type(expected) is Pi else self._quick_pi(expected)
            if ty is not None and ty.info != "default" and not self._blocks_implicit(stx):
                return self._implicit_lambda(stx, ty)
        return self._term_core(stx, expected)

    def _quick_pi(self, ty):
        f = tm.get_app_fn(ty)
        if type(f) is Const and (type(self.meta.env.get(f.name)) is InductiveDecl):
            return None
        if type(f) is FVar and self.meta.fvars[f.id].value is None:
            return None
        ty = self.meta.whnf_r(ty)
        return ty if type(ty) is Pi else None

    def _blocks_implicit(self, stx):
        while isinstance(stx, sx.Paren):
            stx = stx.term
        if isinstance(stx, sx.Lambda):
            return any(b.info != "default" for b in stx.binders)
        if isinstance(stx, sx.App):
            return isinstance(stx.fn, sx.Explicit) and False
        return isinstance(stx, (sx.Explicit, sx.Hole, sx.SynthHole, sx.By, sx.DotIdent))

    def _implicit_lambda(self, stx, ty):
        meta = self.meta
        decls, lctx = [], meta.lctx
        fvars = []
        while type(ty) is Pi and ty.info != "default":
            d = meta.mk_local(meta.fresh_inaccessible(ty.name),
                              tm.instantiate_rev(ty.type, []), ty.info)
            decls.append(d)
            fvars.append(d.fvar)
            meta.lctx = meta.lctx.add(d)
            ty = tm.instantiate(ty.body, d.fvar)
            if type(ty) is not Pi:
                ty = self._quick_pi(ty) or ty
        try:
            e = self.term_ensuring(stx, ty)
            return meta.mk_lambda(fvars, e)
        finally:
            meta.lctx = lctx

    def _term_core(self, stx, expected):
        meta = self.meta
        meta.tick()
        try:
            handler = HANDLERS.get(type(stx))
            if handler is None:
                raise Declined(f"term syntax {type(stx).__name__}", stx)
            return getattr(self, handler)(stx, expected)
        except Postpone:
            if not self.may_postpone:
                raise LeanError("elaboration is stuck: not enough type information", stx) \
                    from None
            ty = meta.mk_type_mvar() if expected is None else expected
            m = meta.mk_mvar(ty, "opaque")
            self.pending.append(Pending("postponed", m, stx, meta.lctx, self.err_to_sorry))
            return m
        except LeanError as err:
            if err.stx is None:
                err.stx = stx
            if not self.err_to_sorry or isinstance(err, StuckInstance):
                raise
            self.log_error(err, stx)
            ty = meta.mk_type_mvar() if expected is None else expected
            return meta.mk_sorry(ty, SYNTHETIC_SORRY)
        except Declined as err:
            if err.stx is None:
                err.stx = stx
            raise

    def term_ensuring(self, stx, expected):
        e = self.term(stx, expected)
        if expected is None:
            return e
        try:
            return self.ensure_type(e, expected, stx)
        except LeanError as err:
            if err.stx is None:
                err.stx = stx
            if not self.err_to_sorry:
                raise
            self.log_error(err, stx)
            return self.meta.mk_sorry(expected, SYNTHETIC_SORRY)

    def type_term(self, stx):
        meta = self.meta
        u = meta.mk_level_mvar()
        e = self.term(stx, Sort(u) if not isinstance(stx, (sx.Hole,)) else Sort(u))
        return self.ensure_is_type(e, stx)

    def ensure_is_type(self, e, stx):
        """e itself if it is a type, else its coercion (Bool to Prop); LeanError otherwise."""
        meta = self.meta
        s = meta.inst(meta.infer(e))
        if type(s) is not Sort:
            s = meta.whnf(s)
        if type(s) is Sort:
            return e
        if type(tm.get_app_fn(s)) is MVar:
            if meta.is_def_eq(s, Sort(meta.mk_level_mvar())):
                return e
        if s is Const("Bool"):
            return tm.mk_app(Const("Eq", (lv.ONE,)), s, e, Const("Bool.true"))
        raise LeanError(f"type expected, got\n  ({meta.pp(e)} : {meta.pp(s)})", stx)

    def ensure_type(self, e, expected, stx=None, fn=None):
        """e, or a coercion of e, of type `expected`; LeanError "Type mismatch" otherwise."""
        meta = self.meta
        ty = meta.infer(e)
        if ty is expected or meta.is_def_eq(expected, ty):
            return e
        coerced = self.coerce(e, meta.inst(ty), meta.inst(expected), stx)
        if coerced is not None:
            return coerced
        raise LeanError(self.mismatch_text(e, ty, expected), stx,
                        self.tainted(ty) or self.tainted(expected))

    def tainted(self, e):
        """Does e contain the `sorry` of an earlier error?"""
        return self.had_error and "sorryAx" in tm.const_names(self.meta.inst(e))

    def mismatch_text(self, e, ty, expected):
        pp = self.meta.pp
        return (f"Type mismatch\n  {pp(e)}\nhas type\n  {pp(ty)}\n"
                f"but is expected to have type\n  {pp(expected)}")

    def coerce(self, e, ty, expected, stx):
        """A coercion of e : ty to `expected`, or None."""
        meta = self.meta
        wty, wexp = meta.whnf_r(ty), meta.whnf_r(expected)
        bool_ty = Const("Bool")
        if wty is bool_ty and wexp is PROP:
            return tm.mk_app(Const("Eq", (lv.ONE,)), bool_ty, e, Const("Bool.true"))
        if wty is PROP and wexp is bool_ty and "Decidable.decide" in meta.env:
            inst = self.inst_mvar(App(Const("Decidable"), e), stx)
            return tm.mk_app(Const("Decidable.decide"), e, inst)
        if type(tm.get_app_fn(wexp)) is MVar or type(tm.get_app_fn(wty)) is MVar:
            return None
        f = tm.get_app_fn(wty)
        if type(f) is Const and f.name == "Subtype":
            val = meta.mk_app("Subtype.val", e)
            if meta.is_def_eq(meta.infer(val), expected):
                return val
        return self.coe_instance(e, wty, expected)

    def coe_instance(self, e, ty, expected):
        """Coercion through a `Coe` or `CoeOut`-like instance, unfolded as Lean does."""
        meta = self.meta
        for cls in ("Coe", "CoeTail", "CoeHead", "CoeOut"):
            if cls not in meta.ext.classes or cls not in meta.env:
                continue
            try:
                u, v = meta.sort_level(ty), meta.sort_level(expected)
                u, v = meta._dec_level(u), meta._dec_level(v)
                if u is None or v is None:
                    continue
                inst = meta.synth_inst(tm.mk_app(Const(cls, (u, v)), ty, expected))
            except LeanError:
                continue
            if inst is not None:
                raise Declined(f"coercion through {cls}")
        return None

    # --- synthetic metavariables --------------------------------------------------------------

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
            except BaseException:
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
            return ("invalid constructor ⟨...⟩, expected type must be known")
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
                for m, info in zip(mvars, infos):
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

    # --- tactic blocks ------------------------------------------------------------------------

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

    # --- binders ------------------------------------------------------------------------------

    def binder_type(self, b):
        """The type of one binder group (a fresh metavariable when it is not written)."""
        if b.type is None:
            return self.meta.mk_type_mvar()
        return self.type_term(b.type)

    def elab_binders(self, binders, k):
        """k(list of local declarations) with the binders in scope."""
        meta = self.meta
        lctx = meta.lctx
        decls = []
        try:
            for b in binders:
                self._one_binder(b, decls)
            return k(decls)
        finally:
            meta.lctx = lctx

    def _one_binder(self, b, decls):
        meta = self.meta
        for name in b.names:
            ty = self.binder_type(b)
            if b.info == "inst":
                name = name or self.inst_binder_name(ty)
                if meta.class_name(meta.inst(ty)) is None and not self._maybe_class(ty) \
                        and self.scope.options.get("checkBinderAnnotations", True):
                    raise LeanError(f"invalid binder annotation, type is not a class instance\n"
                                    f"  {meta.pp(ty)}", b.type)
            if b.default is not None:
                ty = self.default_binder_type(b, ty)
            d = meta.mk_local("x✝" if name in ("_", None) else name, ty, b.info)
            decls.append(d)
            meta.lctx = meta.lctx.add(d)

    def _maybe_class(self, ty):
        return type(tm.get_app_fn(self.meta.inst(ty))) is MVar

    def default_binder_type(self, b, ty):
        raise Declined("default or automatic arguments", b)

    def inst_binder_name(self, ty):
        return "inst✝"

    def elab_pi(self, stx, expected):
        def k(decls):
            body = self.type_term(stx.body)
            return self.meta.mk_pi([d.fvar for d in decls], body)
        self._decline_patterns(stx.binders)
        return self.elab_binders(stx.binders, k)

    def _decline_patterns(self, binders):
        for b in binders:
            if b.pattern is not None:
                raise Declined("pattern in a binder", b)

    def elab_arrow(self, stx, expected):
        meta = self.meta
        a = self.type_term(stx.lhs)
        b = self.type_term(stx.rhs)
        name = "a✝"
        return Pi(name, a, tm.lift(b, 1))

    def elab_exists(self, stx, expected):
        """∃ x y, p as nested Exists (fun x => …)."""
        if stx.unique:
            raise Declined("∃!", stx)
        self._decline_patterns(stx.binders)
        return self._exists(stx, [(b, n) for b in stx.binders for n in b.names])

    def _exists(self, stx, names):
        if not names:
            e = self.term(stx.body, PROP)
            return self.ensure_type(e, PROP, stx.body)
        b, name = names[0]
        meta = self.meta
        lctx = meta.lctx
        ty = self.binder_type(b)
        d = meta.mk_local("x✝" if name in ("_", None) else name, ty)
        meta.lctx = lctx.add(d)
        try:
            body = self._exists(stx, names[1:])
            lam = meta.mk_lambda([d.fvar], body)
        finally:
            meta.lctx = lctx
        u = meta.sort_level(ty)
        return tm.mk_app(Const("Exists", (u,)), meta.inst(ty), lam)

    def elab_lambda(self, stx, expected):
        if any(b.pattern is not None for b in stx.binders):
            return self.elab_lambda_patterns(stx, expected)
        return self._lambda([(b, n) for b in stx.binders for n in b.names], stx, expected, [])

    def _lambda(self, names, stx, expected, decls):
        meta = self.meta
        lctx = meta.lctx
        try:
            for b, name in names:
                dom = None
                if expected is not None:
                    expected = meta.whnf(meta.inst(expected))
                    if type(expected) is not Pi:
                        expected = None
                    else:
                        dom = expected.type
                ty = self._lambda_type(b, dom)
                info = b.info
                if info == "inst" and name is None:
                    name = self.inst_binder_name(ty)
                d = meta.mk_local("x✝" if name in ("_", None) else name, ty, info)
                meta.lctx = meta.lctx.add(d)
                decls.append(d)
                if expected is not None:
                    expected = tm.instantiate(expected.body, d.fvar)
            if expected is None:
                e = self.term(stx.body)
            else:
                e = self.term_ensuring(stx.body, expected)
            self.synthesize("yes")
            return meta.mk_lambda([d.fvar for d in decls], e)
        finally:
            meta.lctx = lctx

    def _lambda_type(self, b, dom):
        meta = self.meta
        if b.type is None or isinstance(b.type, sx.Hole):
            return meta.inst(dom) if dom is not None else meta.mk_type_mvar()
        ty = self.type_term(b.type)
        if dom is not None and not meta.is_def_eq(ty, dom):
            pass  # the mismatch is reported for the whole lambda
        return meta.inst(ty)

    # --- simple forms -------------------------------------------------------------------------

    def elab_hole(self, stx, expected):
        meta = self.meta
        m = meta.mk_mvar(meta.mk_type_mvar() if expected is None else expected)
        self.note_hole(m, stx)
        return m

    def note_hole(self, m, stx):
        if not hasattr(self, "hole_stx"):
            self.hole_stx = {}
        self.hole_stx[m.id] = stx

    def elab_synth_hole(self, stx, expected):
        meta = self.meta
        ty = meta.mk_type_mvar() if expected is None else expected
        if stx.name is not None:
            for i, d in meta.decls.items():
                if d.name == stx.name and d.kind == "opaque" and d.lctx is not None \
                        and self._visible(d):
                    return MVar(i)
        return meta.mk_mvar(ty, "opaque", stx.name or "")

    def _visible(self, d):
        ours = self.meta.lctx.by_id
        return all(x.id in ours for x in d.lctx.decls)

    def elab_sort(self, stx, expected):
        if stx.kind == "Prop":
            return PROP
        if stx.kind == "Type":
            if not stx.has_level:
                return Sort(lv.ONE)
            return Sort(lv.succ(self.level(stx.level)))
        return Sort(self.level(stx.level) if stx.has_level else lv.ZERO)

    def level(self, stx):
        """The universe level for its syntax."""
        if stx is None:
            return self.meta.mk_level_mvar()
        if isinstance(stx, int):
            return lv.of_nat(stx)
        if isinstance(stx, str):
            if stx not in self.level_names:
                if self.auto_bound:
                    self.level_names.append(stx)
                else:
                    raise LeanError(f"unknown universe level `{stx}`")
            return lv.param(stx)
        kind = stx[0]
        if kind == "add":
            u = self.level(stx[1])
            for _ in range(stx[2]):
                u = lv.succ(u)
            return u
        parts = [self.level(x) for x in stx[1]]
        out = parts[-1]
        for u in reversed(parts[:-1]):
            out = lv.max_raw(u, out) if kind == "max" else lv.imax_raw(u, out)
        return out

    def elab_num(self, stx, expected):
        meta = self.meta
        ty = expected
        if ty is None or type(tm.get_app_fn(meta.inst(ty))) is MVar and False:
            ty = meta.mk_type_mvar()
        ty = meta.inst(ty)
        lit = Lit(stx.value)
        if ty is Const("Nat"):
            return meta.mk_nat(stx.value)
        u = meta._dec_level(meta.sort_level(ty))
        if u is None:
            u = meta.mk_level_mvar()
            if not meta.is_level_eq(meta.sort_level(ty), lv.succ(u)):
                raise LeanError(f"failed to synthesize\n  OfNat {self.pp_arg(ty)} {stx.value}", stx)
        inst = self.inst_mvar(tm.mk_app(Const("OfNat", (u,)), ty, lit), stx)
        return tm.mk_app(Const("OfNat.ofNat", (u,)), ty, lit, inst)

    def pp_arg(self, e):
        text = self.meta.pp(e)
        return f"({text})" if " " in text else text

    def elab_str(self, stx, expected):
        if "String" not in self.meta.env:
            raise Declined("string literals", stx)
        return Lit(stx.value)

    def elab_paren(self, stx, expected):
        return self.term(stx.term, expected)

    def elab_ascription(self, stx, expected):
        meta = self.meta
        if stx.type is None:
            e = self.term(stx.term)
            self.synthesize("no")
            return meta.inst(e)
        ty = self.type_term(stx.type)
        self.synthesize("yes")
        return self.term_ensuring(stx.term, meta.inst(ty))

    def elab_sorry(self, stx, expected):
        meta = self.meta
        ty = meta.mk_type_mvar() if expected is None else expected
        self.sorries.append((stx, meta.lctx, ty))
        return meta.mk_sorry(ty)

    def elab_show(self, stx, expected):
        """show T from e / show T by tac: as Lean's `let_fun this : T := e; this` or (e : T)."""
        meta = self.meta
        ty = self.type_term(stx.type)
        if expected is not None:
            meta.is_def_eq(ty, expected)
        ty = meta.inst(ty)
        value = self.term_ensuring(stx.value, ty)
        return tm.mk_app(tm.Lam("this", ty, tm.BVar(0)), value) \
            if not isinstance(stx.value, sx.By) else self._typed(value, ty)

    def _typed(self, value, ty):
        return value

    def elab_have(self, stx, expected):
        """have x : T := v; b as (fun x : T => b) v."""
        meta = self.meta
        if stx.pattern is not None:
            return self.elab_let_pattern(stx, expected)
        if expected is None and self.may_postpone and False:
            raise Postpone
        value, ty = self._let_value(stx)
        return self._have_body(stx.name or "this", ty, value, stx.body, expected)

    def _have_body(self, name, ty, value, body, expected):
        meta = self.meta
        d = meta.mk_local("x✝" if name == "_" else name, ty)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term(body) if expected is None else self.term_ensuring(body, expected)
            self.synthesize("yes")
            lam = meta.mk_lambda([d.fvar], e)
        return App(lam, value)

    def _let_value(self, stx):
        """(value, type) of `name binders : type := value`."""
        meta = self.meta

        def k(decls):
            fvars = [d.fvar for d in decls]
            ty = meta.mk_type_mvar() if stx.type is None else self.type_term(stx.type)
            self.synthesize("yes")
            value = self.term_ensuring(stx.value, meta.inst(ty))
            self.synthesize("yes")
            return meta.mk_lambda(fvars, value), meta.mk_pi(fvars, ty)
        return self.elab_binders(stx.binders, k)

    def elab_let(self, stx, expected):
        meta = self.meta
        if stx.pattern is not None:
            return self.elab_let_pattern(stx, expected)
        value, ty = self._let_value(stx)
        self.synthesize("partial")
        value, ty = meta.inst(value), meta.inst(ty)
        d = meta.mk_local("x✝" if stx.name in ("_", None) else stx.name, ty, value=value)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term(stx.body) if expected is None else self.term_ensuring(
                stx.body, expected)
            self.synthesize("no")
            e = meta.inst(e)
        body = tm.abstract(meta._elim_deps(e, [d.fvar]), [d.fvar])
        return tm.Let(d.name, ty, value, body)

    def elab_suffices(self, stx, expected):
        """suffices h : T from v; b = have h : T := b; v."""
        meta = self.meta
        ty = self.type_term(stx.type)
        self.synthesize("yes")
        ty = meta.inst(ty)
        d = meta.mk_local(stx.name or "this", ty)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term(stx.value) if expected is None else self.term_ensuring(
                stx.value, expected)
            self.synthesize("yes")
            lam = meta.mk_lambda([d.fvar], e)
        return App(lam, self.term_ensuring(stx.body, ty))

    def elab_assumption_term(self, stx, expected):
        """‹p›"""
        meta = self.meta
        ty = self.type_term(stx.type)
        self.synthesize("no")
        ty = meta.inst(ty)
        for d in reversed(meta.lctx.decls):
            if not d.hidden and meta.is_def_eq(d.type, ty):
                return d.fvar
        raise LeanError("could not synthesize default value for parameter using tactics: "
                        "assumption failed", stx)

    def elab_cdot(self, stx, expected):
        raise LeanError("invalid occurrence of `·` notation, it must be surrounded by "
                        "parentheses (e.g. `(· + 1)`)", stx)

    def elab_noncomputable_term(self, stx, expected):
        raise Declined(type(stx).__name__, stx)

    # --- declarations need these --------------------------------------------------------------

    def aux_name(self, suffix):
        """`decl.suffix_n`, not yet declared."""
        while True:
            self.aux_count += 1
            name = f"{self.decl_name}.{suffix}_{self.aux_count}"
            if name not in self.meta.env:
                return name

    def levels_to_params(self, *terms):
        """The terms with their level metavariables turned into new parameters u_1, u_2, …"""
        meta = self.meta
        terms = [meta.inst(e) for e in terms]
        n = 0
        for e in terms:
            if not e.flags & LMVAR:
                continue
            for s in tm.subterms(e):
                levels = s.levels if type(s) is Const else (s.level,) if type(s) is Sort else ()
                for u in levels:
                    for i in level_mvars(meta.inst_level(u)):
                        n += 1
                        while f"u_{n}" in self.level_names:
                            n += 1
                        name = f"u_{n}"
                        self.level_names.append(name)
                        meta.assign_level(i, lv.param(name))
        return [meta.inst(e) for e in terms]


def level_mvars(u, into=None):
    """Ids of the metavariables in a level, in order."""
    into = [] if into is None else into
    if u.has_mvar:
        if u.kind == "mvar":
            if u.a not in into:
                into.append(u.a)
        else:
            level_mvars(u.a, into)
            if u.b is not None:
                level_mvars(u.b, into)
    return into


class TacticContext:
    """What a running tactic sees: the goals, and the elaborator for the terms it contains."""

    __slots__ = ("data", "elab", "goals", "meta", "recover")

    def __init__(self, meta, elab, goals, recover=True):
        self.meta, self.elab, self.goals = meta, elab, goals
        self.recover = recover
        self.data = {}

    @property
    def recorder(self):
        return self.elab.recorder

    @property
    def messages(self):
        return self.elab.messages

    def prune(self):
        """Drop the goals that have been assigned."""
        assigned, delayed = self.meta.assign, self.meta.delayed
        self.goals = [g for g in self.goals if g not in assigned and g not in delayed]

    def main(self):
        """The first unassigned goal; LeanError "No goals …" when there is none."""
        self.prune()
        if not self.goals:
            raise LeanError("No goals to be solved")
        return self.goals[0]

    def set_goals(self, goals):
        self.goals = list(goals)

    def replace_main(self, new):
        self.goals = [*new, *self.goals[1:]]

    def save(self):
        """A mark for `restore`: assignments, goals, messages and pending problems."""
        elab = self.elab
        return (self.meta.save(), list(self.goals), len(elab.messages), list(elab.pending),
                elab.had_error, len(elab.sorries))

    def restore(self, mark):
        elab = self.elab
        self.meta.restore(mark[0])
        self.goals = list(mark[1])
        del elab.messages[mark[2]:]
        elab.pending = list(mark[3])
        elab.had_error = mark[4]
        del elab.sorries[mark[5]:]

    def focus(self, goal, fn):
        """Run fn() with `goal` as the only goal; returns the goals it leaves."""
        rest = self.goals
        self.goals = [goal]
        fn()
        self.prune()
        left, self.goals = self.goals, rest
        return left

    def error_at(self, stx, err):
        """Log an error (for recovery; the caller then admits the goal)."""
        self.elab.log_error(err, stx)

    def log(self, severity, text, stx):
        self.elab.log(severity, text, stx)

    def unsolved_text(self):
        goals = "\n\n".join(self.meta.pp_goal(g) for g in self.goals)
        return f"unsolved goals\n{goals}"


HANDLERS = {
    sx.Ident: "elab_ident", sx.App: "elab_application", sx.Explicit: "elab_explicit",
    sx.Proj: "elab_proj", sx.DotIdent: "elab_dot_ident", sx.Hole: "elab_hole",
    sx.SynthHole: "elab_synth_hole", sx.Num: "elab_num", sx.Str: "elab_str",
    sx.SortT: "elab_sort", sx.Lambda: "elab_lambda", sx.FunMatch: "elab_fun_match",
    sx.Forall: "elab_pi", sx.Exists: "elab_exists", sx.Arrow: "elab_arrow",
    sx.BinOp: "elab_binop", sx.UnOp: "elab_unop", sx.Paren: "elab_paren",
    sx.Ascription: "elab_ascription", sx.Tuple: "elab_tuple", sx.Anon: "elab_anon",
    sx.CDot: "elab_cdot", sx.ListLit: "elab_list", sx.Have: "elab_have", sx.Let: "elab_let",
    sx.Show: "elab_show", sx.Suffices: "elab_suffices", sx.Match: "elab_match",
    sx.NoMatch: "elab_nomatch", sx.If: "elab_if", sx.By: "elab_by",
    sx.AssumptionTerm: "elab_assumption_term", sx.Calc: "elab_calc",
    sx.StructInst: "elab_struct_inst", sx.SubtypeT: "elab_subtype", sx.Sorry: "elab_sorry",
}
