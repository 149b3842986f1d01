"""Term elaboration: dispatch, postponing, synthetic metavariables, binders, basic term forms.

Follows Lean 4's `Lean/Elab/{Term,SyntheticMVars,Binders,BuiltinNotation}.lean`. An elaboration that
lacks information raises Postpone; it is resumed by `synthesize`, which also finds instances,
applies default instances and finally runs tactic blocks. Applications are in `elab_app.py`,
operators in `elab_op.py`, matches in `elab_match.py`. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.elab_app import AppMixin
from minilean.front.elab_forms import FormMixin
from minilean.front.elab_match import MatchMixin
from minilean.front.elab_op import OpMixin
from minilean.front.elab_sync import SyncMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.handlers import HANDLERS
from minilean.front.instances import StuckInstance
from minilean.front.scope import AutoBound, Pending, Scope, level_mvars
from minilean.front.tactic_context import TacticContext
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import LMVAR, MVAR, PROP, App, Const, FVar, MVar, Pi, Sort

SYNTHETIC_SORRY = True


class TermElab(AppMixin, OpMixin, MatchMixin, FormMixin, SyncMixin):
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
        self.hole_stx = {}  # id of a metavariable -> the `_` it came from
        self.rec_short = None  # short name of the declaration inside its own body
        self.opt_params = {}  # id of a local -> default value of that argument
        self.decl_name = decl_name
        self.own_name = None  # the declaration whose proof a lone tactic continues
        self.tactic_start = 0  # metavariables from this id on belong to the running tactic
        self.aux_count = 0
        self.rec_fns = {}  # local name -> fvar of a function being defined
        self.had_error = False

    # --- messages -------------------------------------------------------------------------------

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

    # --- entry points ---------------------------------------------------------------------------

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
        at = self.hole_stx.get(i, stx)
        raise LeanError(f"don't know how to synthesize placeholder\ncontext:\n{goal}", at)

    # --- core -----------------------------------------------------------------------------------

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
        e = self.term(stx, Sort(u))
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

    # --- declarations need these ----------------------------------------------------------------

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


__all__ = ["AutoBound", "Scope", "TacticContext", "TermElab", "level_mvars"]
