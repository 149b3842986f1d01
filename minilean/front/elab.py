"""Term elaboration: dispatch, postponing, error recovery, coercions.

Follows Lean 4's `Lean/Elab/{Term,SyntheticMVars}.lean`. An elaboration that lacks information
raises Postpone; it is resumed by `synthesize`, which also finds instances, applies default
instances and finally runs tactic blocks. Binders and basic forms are in `elab_forms.py`,
applications in `elab_app.py`, operators in `elab_op.py`, matches in `elab_match.py`.
Run: `python -m pytest tests/minilean`.
"""
import itertools

from minilean.front import syntax as sx
from minilean.front.elab_app import AppMixin
from minilean.front.elab_forms import FormMixin
from minilean.front.elab_match import MatchMixin
from minilean.front.elab_names import NameMixin
from minilean.front.elab_op import OpMixin
from minilean.front.elab_sync import SyncMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.instances import StuckInstance
from minilean.front.setting import Setting
from minilean.front.tactic_util import inaccessible
from minilean.front.terms import is_app_of, level_mvars_in
from minilean.kernel import level as lv
from minilean.kernel import term as tm

BOOL, TRUE = tm.Const("Bool"), tm.Const("Bool.true")


class TermElab(AppMixin, NameMixin, OpMixin, MatchMixin, FormMixin, SyncMixin):
    """Elaborates syntax to terms over one `Meta`."""

    def __init__(self, meta, scope, messages=None, decl_name="_example"):
        self.meta, self.scope, self.decl_name = meta, scope, decl_name
        self.messages = [] if messages is None else messages
        self.pending, self.sorries = [], []  # the list `pending` is replaced, never changed
        self.may_postpone = self.err_to_sorry = True
        self.auto_bound = self.had_error = False
        self.level_names = list(scope.universes)
        self.recorder = self.root_goals = None
        self.own_name = None  # the declaration whose proof a lone tactic continues
        # id of a metavariable -> the `_` it came from; of a declaration's local -> its name
        self.hole_stx, self.rec_fns = {}, {}

    # --- messages and backtracking --------------------------------------------------------------

    def log_error(self, err, stx=None):
        """Adds the message of `err`, unless that only follows from an earlier error."""
        if not (self.had_error and (isinstance(err, StuckInstance) or "sorry" in err.message)):
            self.had_error = True
            self.messages.append(("error", err.message, err.stx or stx))

    def mode(self, **flag):
        """Another value of `may_postpone`, `err_to_sorry` or `pending` for a while."""
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

    def elab_term(self, stx, expected=None):
        """The term for `stx`, of type `expected` if given; no synthetic metavariable is left.

        A `sorry` in place of one with an error, where errors are logged.
        """
        return self.settled(self.term_ensuring, stx, expected)

    def elab_type(self, stx):
        """The type for `stx` (something whose type is a sort); errors as above."""
        return self.settled(self.type_term, stx, tm.Sort(self.meta.mk_level_mvar()))

    def settled(self, elaborate, stx, expected):
        """What elaborate(stx, expected) returns, with everything that it leaves pending solved."""
        with self.mode(pending=[]):
            try:
                e = elaborate(stx, expected)
                self.synthesize("no")
            except LeanError as err:
                if not self.err_to_sorry:
                    raise
                self.log_error(err, stx)
                e = self.meta.mk_sorry(self.type_or_new(expected), synthetic=True)
            return self.meta.inst(e)

    def elab_with_holes(self, stx, expected):
        """(term, new goals): `?_` become goals (refine); LeanError when a `_` stays unknown."""
        meta, before = self.meta, self.meta.fresh_mark()
        e = self.elab_term(stx, expected)
        goals = [i for i in meta.mvars_in(e) if i >= before]
        for i in goals:
            if meta.decls[i].kind == "natural":
                raise self.unassigned(i, stx)
        return e, goals

    def unassigned(self, i, stx):
        """Lean's error for a metavariable that nothing determined."""
        what = "placeholder" if i in self.hole_stx else "implicit argument"
        return LeanError(f"don't know how to synthesize {what}\ncontext:\n{self.meta.pp_goal(i)}",
                         self.hole_stx.get(i, stx))

    # --- core -----------------------------------------------------------------------------------

    def term(self, stx, expected=None):
        """Elaborate, with implicit lambdas and postponing; a term stays as it is."""
        if isinstance(stx, tm.Expr):
            return stx
        if expected is not None:
            expected = self.meta.inst(expected)
            pi = None if _blocks_implicit(stx) else self.meta.whnf_r(expected)
            if type(pi) is tm.Pi and pi.info != "default":
                return self._implicit_lambda(stx, pi)
        self.meta.tick()
        try:
            return self.handle(stx, expected)
        except Postpone:
            return self.later("postponed", stx, self.type_or_new(expected))
        except (LeanError, Declined) as err:
            err.stx = err.stx or stx
            raise

    def handle(self, stx, expected):
        """What the method `elab_…` for this kind of syntax returns; it may raise Postpone."""
        kind = type(stx).__name__
        handler = getattr(self, f"elab_{kind.lower()}", None)
        if handler is None:
            raise Declined(f"term syntax {kind}", stx)
        return handler(stx, expected)

    def _implicit_lambda(self, stx, pi):
        """fun {x} => stx, of the implicit function type pi."""
        meta = self.meta
        with meta.with_lctx(meta.lctx):
            x = meta.push_local(inaccessible(pi.name), pi.type, pi.info).fvar
            return meta.mk_lambda([x], self.term_ensuring(stx, tm.instantiate(pi.body, x)))

    def term_ensuring(self, stx, expected):
        """Like `term`, with the result coerced to type `expected` (unless that is None)."""
        return self.ensure_type(self.term(stx, expected), expected, stx)

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
        self.wait_for(meta.whnf(meta.inst(ty)))
        return meta.whnf(meta.inst(ty))

    def type_term(self, stx, sort=None):
        """The type for `stx`, of that sort if given; problems may be left pending."""
        meta = self.meta
        e = self.term(stx, sort or tm.Sort(meta.mk_level_mvar()))
        s = meta.whnf(meta.inst(meta.infer(e)))
        if type(s) is tm.Sort or meta.is_def_eq(s, tm.Sort(meta.mk_level_mvar())):
            return e
        return self.ensure_type(e, tm.PROP, stx)

    def ensure_type(self, e, expected, stx=None, fn=None):
        """e, or a coercion of e, of type `expected` (if not None), perhaps as an argument of fn.

        LeanError "Type mismatch" when there is none.
        """
        fitting = e if expected is None else self.fit(e, expected, stx)
        if fitting is not None:
            return fitting
        pp, what, where = self.meta.pp, "Type mismatch", ""
        if fn is not None:
            what = "Application type mismatch: The argument"
            where = f"\nin the application\n  {pp(tm.App(fn, e))}"
        raise LeanError(f"{what}\n  {pp(e)}\nhas type\n  {pp(self.meta.infer(e))}\n"
                        f"but is expected to have type\n  {pp(expected)}{where}", stx)

    def fit(self, e, expected, stx):
        """e, or a coercion of e between Bool and Prop, of type `expected`; None if there is none.
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
        if is_app_of(ty, "Subtype", 2) and not is_app_of(expected, "Subtype", 2):
            raise Declined("coercion of a subtype", stx)
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


def _blocks_implicit(stx):
    """Is no `fun {x} =>` to be put before this term, whatever its type?"""
    if isinstance(stx, sx.Lambda):
        return any(b.info != "default" for b in stx.binders)
    return isinstance(stx, sx.Explicit | sx.Hole | sx.SynthHole | sx.By | sx.DotIdent | sx.Paren
                      | sx.Equations)
