"""Term elaboration: dispatch, postponing, error recovery, coercions.

Follows Lean 4's `Lean/Elab/{Term,SyntheticMVars}.lean`. An elaboration that lacks information
raises Postpone; it is resumed by `synthesize`, which also finds instances, applies default
instances and finally runs tactic blocks. Binders and basic forms are in `elab_forms.py`,
applications in `elab_app.py`, operators in `elab_op.py`, matches in `elab_match.py`.
Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

import itertools
from contextlib import contextmanager

from minilean.front import syntax as sx
from minilean.front.elab_app import AppMixin
from minilean.front.elab_forms import FormMixin
from minilean.front.elab_match import MatchMixin
from minilean.front.elab_op import OpMixin
from minilean.front.elab_struct import StructMixin
from minilean.front.elab_sync import SyncMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.handlers import HANDLERS
from minilean.front.instances import StuckInstance
from minilean.front.tactic_util import inaccessible
from minilean.front.terms import is_app_of, level_mvars_in
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import MVAR, PROP, App, Const, MVar, Pi, Sort

BOOL = Const("Bool")


class TermElab(AppMixin, OpMixin, MatchMixin, FormMixin, StructMixin, SyncMixin):
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
        self.rec_fns = {}  # id of a local that stands for a declaration in progress -> its name
        self.had_error = False

    # --- messages and backtracking --------------------------------------------------------------

    def log(self, severity, text, stx):
        """Adds a message for the span of `stx`; an error makes the declaration erroneous."""
        if severity == "error":
            self.had_error = True
        self.messages.append((severity, text, stx))

    def log_error(self, err, stx=None):
        """Adds the message of `err`, unless that only follows from an earlier error."""
        if err.silent:
            self.had_error = True
        else:
            self.log("error", err.message, err.stx or stx)

    def recover(self, err, stx, expected):
        """A `sorry` in place of what failed with err, or err again where errors are not logged."""
        err.stx = err.stx or stx
        if not self.err_to_sorry or isinstance(err, StuckInstance):
            raise err
        self.log_error(err)
        return self.meta.mk_sorry(self.type_or_new(expected), synthetic=True)

    @contextmanager
    def mode(self, **flags):
        """Other values of `may_postpone` or `err_to_sorry` for a while."""
        old = {name: getattr(self, name) for name in flags}
        vars(self).update(flags)
        try:
            yield
        finally:
            vars(self).update(old)

    def save(self):
        """A mark for `restore`: assignments, pending problems and messages."""
        return self.meta.save(), len(self.pending), len(self.messages), self.had_error

    def restore(self, mark):
        """Undo everything since `save` returned `mark`."""
        meta_mark, n_pending, n_messages, self.had_error = mark
        self.meta.restore(meta_mark)
        del self.pending[n_pending:]
        del self.messages[n_messages:]

    # --- entry points ---------------------------------------------------------------------------

    def _settled(self, elaborate, *args):
        """What elaborate(*args) returns, with everything that it leaves pending solved."""
        with self.own_pending():
            e = elaborate(*args)
            self.synthesize("no")
            return self.meta.inst(e)

    def elab_term(self, stx, expected=None):
        """The term for `stx`; no synthetic metavariable is left behind."""
        return self._settled(self.term, stx, expected)

    def elab_term_ensuring(self, stx, expected):
        """Like elab_term, with the result coerced to type `expected` (unless that is None)."""
        return self._settled(self.term_ensuring, stx, expected)

    def elab_type(self, stx, postpone=False):
        """The type for `stx` (something whose type is a sort)."""
        return self.type_term(stx) if postpone else self._settled(self.type_term, stx)

    def elab_with_holes(self, stx, expected, allow_natural=False):
        """(term, new goals): `?_` and, when allowed, unassigned `_` become goals (refine)."""
        meta = self.meta
        before = meta.fresh_mark()
        e = self.elab_term_ensuring(stx, expected)
        goals = [i for i in meta.mvars_in(e) if i >= before]
        for i in goals:
            if meta.decls[i].kind == "natural":
                if not allow_natural:
                    raise self.unassigned(i, stx)
                meta.decls[i].kind = "opaque"
        return meta.inst(e), goals

    def unassigned(self, i, stx):
        """Lean's error for a metavariable that nothing determined."""
        what = "placeholder" if i in self.hole_stx else "implicit argument"
        with self.meta.with_goal(i):
            goal = self.meta.pp_goal(i)
        return LeanError(f"don't know how to synthesize {what}\ncontext:\n{goal}",
                         self.hole_stx.get(i, stx))

    # --- core -----------------------------------------------------------------------------------

    def term(self, stx, expected=None):
        """Elaborate with error recovery, implicit lambdas and postponing."""
        meta = self.meta
        if expected is not None and expected.flags & MVAR:
            expected = meta.inst(expected)
        if expected is not None and not isinstance(stx, (sx.Hole, sx.SynthHole, sx.By)):
            ty = expected if type(expected) is Pi else self._reducible_pi(expected)
            if ty is not None and ty.info != "default" and not self._blocks_implicit(stx):
                return self._implicit_lambda(stx, ty)
        return self._term_core(stx, expected)

    def _reducible_pi(self, ty):
        """ty as a Pi, by unfolding reducible definitions only, or None."""
        f = tm.get_app_fn(ty)
        if type(f) is Const and type(self.meta.env.get(f.name)) is InductiveDecl:
            return None  # the usual case, decided fast
        ty = self.meta.whnf_r(ty)
        return ty if type(ty) is Pi else None

    def _blocks_implicit(self, stx):
        while isinstance(stx, sx.Paren):
            stx = stx.term
        if isinstance(stx, sx.Lambda):
            return any(b.info != "default" for b in stx.binders)
        return isinstance(stx, (sx.Explicit, sx.Hole, sx.SynthHole, sx.By, sx.DotIdent))

    def _implicit_lambda(self, stx, ty):
        meta, fvars = self.meta, []
        with meta.with_lctx(meta.lctx):
            while type(ty) is Pi and ty.info != "default":
                fvars.append(meta.push_local(inaccessible(ty.name), ty.type, ty.info).fvar)
                ty = tm.instantiate(ty.body, fvars[-1])
                if type(ty) is not Pi:
                    ty = self._reducible_pi(ty) or ty
            return meta.mk_lambda(fvars, self.term_ensuring(stx, ty))

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
            return self.later("postponed", stx, self.type_or_new(expected))
        except LeanError as err:
            return self.recover(err, stx, expected)
        except Declined as err:
            err.stx = err.stx or stx
            raise

    def term_ensuring(self, stx, expected):
        """Like `term`, with the result coerced to type `expected` (unless that is None)."""
        e = self.term(stx, expected)
        try:
            return e if expected is None else self.ensure_type(e, expected, stx)
        except LeanError as err:
            return self.recover(err, stx, expected)

    # --- types ----------------------------------------------------------------------------------

    def type_or_new(self, ty):
        """The type `ty`, or a metavariable for it when it is None."""
        return self.meta.mk_type_mvar() if ty is None else ty

    def is_unknown(self, e):
        """Is nothing known about the type (or term) e: None, or a metavariable at its head?"""
        return e is None or type(tm.get_app_fn(self.meta.inst(e))) is MVar

    def wait_for(self, ty):
        """Postpone while nothing is known about the type `ty` and something may still be found."""
        if self.may_postpone and self.is_unknown(ty):
            raise Postpone

    def type_term(self, stx):
        """The type for `stx`; problems may be left pending."""
        e = self.term(stx, Sort(self.meta.mk_level_mvar()))
        return self.ensure_is_type(e, stx)

    def ensure_is_type(self, e, stx):
        """e itself if it is a type, else its coercion (Bool to Prop); LeanError otherwise."""
        meta = self.meta
        s = meta.whnf(meta.inst(meta.infer(e)))
        if type(s) is Sort:
            return e
        if self.is_unknown(s) and meta.is_def_eq(s, Sort(meta.mk_level_mvar())):
            return e
        if s is BOOL:
            return is_true(e)
        raise LeanError(f"type expected, got\n  ({meta.pp(e)} : {meta.pp(s)})", stx)

    def ensure_type(self, e, expected, stx=None):
        """e, or a coercion of e, of type `expected`; LeanError "Type mismatch" otherwise."""
        fitting = self.fit(e, expected, stx)
        if fitting is None:
            ty = self.meta.infer(e)
            raise LeanError(self.mismatch_text(e, ty, expected), stx,
                            self.tainted(ty) or self.tainted(expected))
        return fitting

    def tainted(self, e):
        """Does e contain the `sorry` of an earlier error?"""
        return self.had_error and "sorryAx" in tm.const_names(self.meta.inst(e))

    def mismatch_text(self, e, ty, expected):
        pp = self.meta.pp
        return (f"Type mismatch\n  {pp(e)}\nhas type\n  {pp(ty)}\n"
                f"but is expected to have type\n  {pp(expected)}")

    def fit(self, e, expected, stx):
        """e, or a coercion of e, of type `expected`; None when there is none."""
        meta = self.meta
        ty = meta.infer(e)
        if ty is expected or meta.is_def_eq(expected, ty):
            return e
        return self.coerce(e, meta.inst(ty), meta.inst(expected), stx)

    def coerce(self, e, ty, expected, stx):
        """A coercion of e : ty to `expected` (of Bool, Prop or a subtype), or None."""
        meta = self.meta
        wty, wexp = meta.whnf_r(ty), meta.whnf_r(expected)
        if wty is BOOL and wexp is PROP:
            return is_true(e)
        if wty is PROP and wexp is BOOL:
            inst = self.inst_mvar(App(Const("Decidable"), e), stx)
            return tm.mk_app(Const("Decidable.decide"), e, inst)
        if is_app_of(wty, "Subtype", 2) and not self.is_unknown(wexp):
            f, (base, p) = tm.get_app_fn_args(wty)
            if meta.is_def_eq(base, expected):
                return tm.mk_app(Const("Subtype.val", f.levels), base, p, e)
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
        fresh = (f"u_{n}" for n in itertools.count(1))
        for i in level_mvars_in(*terms):
            name = next(u for u in fresh if u not in self.level_names)
            self.level_names.append(name)
            meta.assign_level(i, lv.param(name))
        return [meta.inst(e) for e in terms]


def is_true(b):
    """The proposition b = true, for b : Bool."""
    return tm.mk_app(Const("Eq", (lv.ONE,)), BOOL, b, Const("Bool.true"))
