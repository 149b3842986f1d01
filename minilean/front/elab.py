"""Term elaboration: dispatch, postponing, error recovery, coercions.

Follows Lean 4's `Lean/Elab/{Term,SyntheticMVars}.lean`. An elaboration that lacks information
raises Postpone; it is resumed by `synthesize`, which also finds instances, applies default
instances and finally runs tactic blocks. Binders and basic forms are in `elab_forms.py`,
applications in `elab_app.py`, operators in `elab_op.py`, matches in `elab_match.py`.
Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

import itertools

from minilean.front import syntax as sx
from minilean.front.elab_app import AppMixin
from minilean.front.elab_forms import FormMixin
from minilean.front.elab_match import MatchMixin
from minilean.front.elab_op import OpMixin
from minilean.front.elab_sync import SyncMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.instances import StuckInstance
from minilean.front.setting import Setting
from minilean.front.tactic_util import inaccessible
from minilean.front.terms import is_app_of, level_mvars_in
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl

BOOL, TRUE = tm.Const("Bool"), tm.Const("Bool.true")


class TermElab(AppMixin, OpMixin, MatchMixin, FormMixin, SyncMixin):
    """Elaborates syntax to terms over one `Meta`."""

    def __init__(self, meta, scope, messages=None, decl_name="_example"):
        self.meta, self.scope, self.decl_name = meta, scope, decl_name
        self.messages = [] if messages is None else messages
        self.pending, self.sorries = [], []  # the list `pending` is replaced, never changed
        self.may_postpone = self.err_to_sorry = True
        self.auto_bound = self.had_error = False
        self.level_names = list(scope.universes)
        self.recorder = self.root_goals = None
        self.hole_stx = {}  # id of a metavariable -> the `_` it came from
        self.opt_params = {}  # id of a local -> default value of that argument, or None
        self.own_name = None  # the declaration whose proof a lone tactic continues
        self.tactic_start = 0  # metavariables from this id on belong to the running tactic
        self.rec_fns = {}  # id of a local that stands for a declaration in progress -> its name

    # --- messages and backtracking --------------------------------------------------------------

    def log(self, severity, text, stx):
        """Adds a message for the span of `stx`; an error makes the declaration erroneous."""
        self.had_error = self.had_error or severity == "error"
        self.messages.append((severity, text, stx))

    def log_error(self, err, stx=None):
        """Adds the message of `err`, unless that only follows from an earlier error."""
        follows = isinstance(err, StuckInstance) or "sorry" in err.message
        if not (follows and self.had_error):
            self.log("error", err.message, err.stx or stx)

    def recover(self, err, stx, expected):
        """A `sorry` in place of what failed with err, or err again where errors are not logged."""
        err.stx = err.stx or stx
        if not self.err_to_sorry:
            raise err
        self.log_error(err)
        return self.meta.mk_sorry(self.type_or_new(expected), synthetic=True)

    def mode(self, **flag):
        """Another value of `may_postpone` or `err_to_sorry` for a while."""
        return Setting(self, *flag.popitem())

    def save(self):
        """A mark for `restore`: assignments, pending problems and messages."""
        return self.meta.save(), self.pending, len(self.messages), len(self.sorries), self.had_error

    def restore(self, mark):
        """Undo everything since `save` returned `mark`."""
        meta_mark, self.pending, n_messages, n_sorries, self.had_error = mark
        self.meta.restore(meta_mark)
        del self.messages[n_messages:], self.sorries[n_sorries:]

    # --- entry points ---------------------------------------------------------------------------

    def _settled(self, elaborate, *args):
        """What elaborate(*args) returns, with everything that it leaves pending solved."""
        with self.own_pending():
            e = elaborate(*args)
            self.synthesize("no")
            return self.meta.inst(e)

    def elab_term_ensuring(self, stx, expected=None):
        """The term for `stx`, of type `expected` if given; no synthetic metavariable is left."""
        return self._settled(self.term_ensuring, stx, expected)

    elab_term = elab_term_ensuring

    def elab_type(self, stx):
        """The type for `stx` (something whose type is a sort)."""
        return self._settled(self.type_term, stx)

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
        """Elaborate with error recovery, implicit lambdas and postponing; a term stays as it is."""
        if isinstance(stx, tm.Expr):
            return stx
        meta = self.meta
        if expected is not None and expected.flags & tm.MVAR:
            expected = meta.inst(expected)
        if expected is not None and not isinstance(stx, (sx.Hole, sx.SynthHole, sx.By)):
            ty = expected if type(expected) is tm.Pi else self._reducible_pi(expected)
            if ty is not None and ty.info != "default" and not self._blocks_implicit(stx):
                return self._implicit_lambda(stx, ty)
        meta.tick()
        try:
            return self.handle(stx, expected)
        except Postpone:
            return self.later("postponed", stx, self.type_or_new(expected))
        except LeanError as err:
            return self.recover(err, stx, expected)
        except Declined as err:
            err.stx = err.stx or stx
            raise

    def handle(self, stx, expected):
        """What the method `elab_…` for this kind of syntax returns; it may raise Postpone."""
        kind = type(stx).__name__
        handler = getattr(self, f"elab_{kind.lower()}", None)
        if handler is None:
            raise Declined(f"term syntax {kind}", stx)
        return handler(stx, expected)

    def _reducible_pi(self, ty):
        """ty as a tm.Pi, by unfolding reducible definitions only, or None."""
        f = tm.get_app_fn(ty)
        if type(f) is tm.Const and type(self.meta.env.get(f.name)) is InductiveDecl:
            return None  # the usual case, decided fast
        ty = self.meta.whnf_r(ty)
        return ty if type(ty) is tm.Pi else None

    def _blocks_implicit(self, stx):
        while isinstance(stx, sx.Paren):
            stx = stx.term
        if isinstance(stx, sx.Lambda):
            return any(b.info != "default" for b in stx.binders)
        return isinstance(stx, (sx.Explicit, sx.Hole, sx.SynthHole, sx.By, sx.DotIdent))

    def _implicit_lambda(self, stx, ty):
        meta, fvars = self.meta, []
        with meta.with_lctx(meta.lctx):
            while type(ty) is tm.Pi and ty.info != "default":
                fvars.append(meta.push_local(inaccessible(ty.name), ty.type, ty.info).fvar)
                ty = tm.instantiate(ty.body, fvars[-1])
                if type(ty) is not tm.Pi:
                    ty = self._reducible_pi(ty) or ty
            return meta.mk_lambda(fvars, self.term_ensuring(stx, ty))

    def term_ensuring(self, stx, expected):
        """Like `term`, with the result coerced to type `expected` (unless that is None)."""
        e = self.term(stx, expected)
        try:
            return self.ensure_type(e, expected, stx)
        except LeanError as err:
            return self.recover(err, stx, expected)

    # --- types ----------------------------------------------------------------------------------

    def type_or_new(self, ty):
        """The type `ty`, or a metavariable for it when it is None."""
        return self.meta.mk_type_mvar() if ty is None else ty

    def is_unknown(self, e):
        """Is nothing known about the type (or term) e: None, or a metavariable at its head?"""
        return e is None or type(tm.get_app_fn(self.meta.inst(e))) is tm.MVar

    def wait_for(self, ty):
        """Postpone while nothing is known about the type `ty` and something may still be found."""
        if self.may_postpone and self.is_unknown(ty):
            raise Postpone

    def known_type(self, ty):
        """The type ty (or None) in weak head normal form; postpones while its head is unknown."""
        meta = self.meta
        ty = meta.whnf(meta.inst(self.type_or_new(ty)))
        if self.is_unknown(ty):
            self.synthesize("yes")
            ty = meta.whnf(meta.inst(ty))
            self.wait_for(ty)
        return ty

    def type_term(self, stx):
        """The type for `stx`; problems may be left pending."""
        meta = self.meta
        e = self.term(stx, tm.Sort(meta.mk_level_mvar()))
        s = meta.whnf(meta.inst(meta.infer(e)))
        if type(s) is tm.Sort or meta.is_def_eq(s, tm.Sort(meta.mk_level_mvar())):
            return e
        if s is BOOL:
            return meta.mk_eq(e, TRUE)
        raise LeanError(f"type expected, got\n  ({meta.pp(e)} : {meta.pp(s)})", stx)

    def ensure_type(self, e, expected, stx=None):
        """e, or a coercion of e, of type `expected` (if not None); LeanError "Type mismatch"."""
        fitting = e if expected is None else self.fit(e, expected, stx)
        if fitting is None:
            raise self.mismatch("Type mismatch", e, expected, "", stx)
        return fitting

    def mismatch(self, what, e, expected, where, stx):
        """The LeanError that says that e is not of type `expected`."""
        pp = self.meta.pp
        return LeanError(f"{what}\n  {pp(e)}\nhas type\n  {pp(self.meta.infer(e))}\n"
                         f"but is expected to have type\n  {pp(expected)}{where}", stx)

    def fit(self, e, expected, stx):
        """e, or a coercion of e (Bool, Prop, subtypes), of type `expected`; None if there is none.
        """
        meta = self.meta
        ty = meta.infer(e)
        if ty is expected or meta.is_def_eq(expected, ty):
            return e
        ty, expected = meta.whnf_r(meta.inst(ty)), meta.whnf_r(meta.inst(expected))
        if ty is BOOL and expected is tm.PROP:
            return meta.mk_eq(e, TRUE)
        if ty is tm.PROP and expected is BOOL:
            return self.apply_fn("Decidable.decide", e, stx=stx)
        if is_app_of(ty, "Subtype", 2) and not self.is_unknown(expected) \
                and meta.is_def_eq(ty.fn.arg, expected):
            return self.apply_fn("Subtype.val", e, stx=stx)
        return None

    # --- declarations need these ----------------------------------------------------------------

    def aux_name(self, suffix):
        """`decl.suffix_n`, not yet declared."""
        names = (f"{self.decl_name}.{suffix}_{n}" for n in itertools.count(1))
        return next(name for name in names if name not in self.meta.env)

    def levels_to_params(self, *terms):
        """The terms with their level metavariables turned into new parameters u_1, u_2, …"""
        meta = self.meta
        terms = [meta.inst(e) for e in terms]
        fresh = (f"u_{n}" for n in itertools.count(1))
        for i in level_mvars_in(*terms):
            name = next(u for u in fresh if u not in self.level_names)
            self.level_names.append(name)
            meta.assign_mvar(i, lv.param(name))
        return [meta.inst(e) for e in terms]
