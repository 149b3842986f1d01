"""Structural recursion: recursive calls become values that `I.rec` has already made.

Lean 4 (`Lean/Elab/PreDefinition/Structural`) declares `I.below` and `I.brecOn`; here `I.rec` itself
makes, for every t, a pair: the value at t, and the table of these pairs for what t is made from.
The matches at the head of the body are compiled again, as case splits of a goal that carries the
body. Declined: well-founded recursion, recursion over propositions and over functions into the
type, and calls below a match that is not at the head (behind a `let`, say).
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.front.tactic import U
from minilean.front.tactic_elim import eliminate, split_hyp
from minilean.front.terms import is_app_of, occurs
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import RecursorDecl
from minilean.kernel.term import Const, FVar, Lam, MVar, Pi, Proj, Sort


class NotStructural(Exception):
    """This argument does not decrease structurally in some call."""


class Recursion:
    """A function whose body calls itself: through the local `rec`, which takes the arguments `own`.

    ty, value: of the declaration, as functions of all its arguments; those at the positions
    `variables` are section variables. While the recursion on one argument is tried, `major` is its
    position, `motive` a local for the type of what is made, and `rest` the positions of the
    arguments that this takes; `carry` is a local, `carry type e` the type of a goal that e is for.
    """

    def __init__(self, meta, rec, ty, value, variables):
        self.meta, self.rec = meta, rec
        self.decls, self.body = meta.lambda_locals(value)
        self.own = [d for i, d in enumerate(self.decls) if i not in variables]
        self.binders = [d.fvar for d in self.decls]
        self.type = meta.instantiate_forall(ty, self.binders)
        self.fixed = self._fixed_prefix()

    def _calls(self, e, made):
        """e with made(arguments) in place of its calls."""
        def visit(s):
            f, args = tm.get_app_fn_args(s)
            return made([tm.replace(a, visit) for a in args]) if f is self.rec else None
        return tm.replace(e, visit)

    def _fixed_prefix(self):
        """How many leading arguments no call changes."""
        n, calls = 0, []

        def note(args):
            calls.append(args)
            return self.rec
        self._calls(self.body, note)
        while n < len(self.own) and all(args[n:n + 1] == [self.own[n].fvar] for args in calls):
            n += 1
        return n

    def with_calls_of(self, const):
        """The value as the user wrote it, where the declared constant calls itself."""
        call = self.meta.mk_lambda([d.fvar for d in self.own], tm.mk_app(const, *self.binders))
        body = self._calls(self.body, lambda args: self.meta.beta(call, args))
        return self.meta.mk_lambda(self.binders, body)

    def compile(self, name, cmd):
        """The value of the declaration with its recursive calls compiled away."""
        if self.fixed == len(self.own):
            raise LeanError(f"fail to show termination for\n  {name}\nwith errors\nfailed to infer "
                            "structural recursion:\nno parameters suitable for structural "
                            f"recursion\n\nwell-founded recursion cannot be used, `{name}` does "
                            "not take any (non-fixed) arguments", cmd.name_pos)
        with self.meta.with_lctx(self.meta.lctx.replace(self.decls)):
            for j in range(self.fixed, len(self.own)):
                try:
                    return self._compile(j)
                except (NotStructural, LeanError):
                    continue
        raise Declined("recursion that is not structural on one argument (well-founded recursion)",
                       cmd)

    def _targets(self, j):
        """The indices of the type of argument j, and this argument.

        Raises NotStructural unless it is of a recursive type with variables as indices.
        """
        meta, major, changing = self.meta, self.own[j], self.own[self.fixed:]
        found = meta.inductive_of(major.type)
        if found is None or not found[0].is_rec or found[0].elim_level is None:
            raise NotStructural
        *_, params, indices = found
        targets = [*indices, major.fvar]
        rest = {d.id for d in changing if d.fvar not in targets}
        if len({*targets} & {d.fvar for d in changing}) < len(targets) \
                or any(meta.mentions(p, {d.id for d in changing}) for p in params) \
                or any(meta.mentions(meta.fvars[x.id].type, rest) for x in targets):
            raise NotStructural
        return targets

    def _compile(self, j):
        """fun fixed rest => (I.rec (motive := fun idx x => (∀ rest, ty) ×' table x) … x).1 rest.

        Raises NotStructural unless every call is on what argument j is made from.
        """
        meta, targets, self.major = self.meta, self._targets(j), j
        self.rest = [k for k in range(self.fixed, len(self.own)) if self.own[k].fvar not in targets]
        rest = [self.own[k].fvar for k in self.rest]
        result, sort = meta.mk_pi(rest, self.type), Sort(meta.sort_level(self.type))
        self.up = lv.make("max", lv.ONE, meta.sort_level(result))
        self.motive = meta.mk_local("motive", meta.mk_pi(targets, meta.infer(result))).fvar
        self.carry = meta.mk_local("carry", Pi("α", sort, Pi("e", tm.BVar(0), sort))).fvar
        goal = meta.mk_pi(rest, tm.mk_app(self.carry, self.type, self.body))
        self.step, at = meta.mk_lambda(targets, goal), tm.mk_app(self.motive, *targets)
        table = self._by_rec(Pi("v", at, Sort(self.up)), targets, self._table)
        value = Proj("PSigma", 0, self._by_rec(self._sigma(at, table), targets, self._pair))
        carried = Lam("α", sort, Lam("e", tm.BVar(0), tm.BVar(1)))
        value = tm.instantiate_rev(tm.abstract(value, [self.motive, self.carry]),
                                   [meta.mk_lambda(targets, result), carried])
        return meta.mk_lambda(self.binders, tm.mk_app(U.beta_all(meta, value), *rest))

    def _by_rec(self, target, targets, case):
        """A term of type target by the recursor of the last of `targets`.

        case(goal, hyps) closes one minor premise, where hyps are the induction hypotheses.
        """
        meta, goal = self.meta, self.meta.mk_goal(target)
        *indices, major = targets
        for b in eliminate(meta, goal, meta.fvars[major.id], indices, {}, True):
            hyps = b.decls[meta.env.lookup(b.ctor).num_fields:]
            with meta.with_goal(b.goal):
                meta.assign_mvar(b.goal, case(b.goal, hyps))
        return meta.inst(MVar(goal))

    def _sigma(self, a, family, *values):
        """(x : a) ×' family x, or the pair of the values in it."""
        name = "PSigma.mk" if values else "PSigma"
        return tm.mk_app(Const(name, (self.meta.sort_level(a), self.up)), a, family, *values)

    def _table(self, goal, hyps):
        """The type of a table, as a function of the value that is paired with it."""
        table = Const("PUnit", (self.up,))
        for d in reversed(hyps):
            if type(d.type.body) is not Sort:  # for a field that is a function into the type
                raise NotStructural
            pair = self._sigma(d.type.type, d.fvar)
            table = self._sigma(pair, Lam("_", pair, table))
        return Lam("v", self.meta.goal_type(goal).type, table)

    def _pair(self, goal, hyps):
        """The value and the table, from the pairs for the fields."""
        meta, table, value = self.meta, Const("PUnit", (self.up,)), Const("PUnit.unit", (self.up,))
        for d in reversed(hyps):
            family = Lam("_", d.type, table)
            table, value = self._sigma(d.type, family), self._sigma(d.type, family, d.fvar, value)
        at, family = tm.get_app_fn_args(meta.goal_type(goal))[1]
        first = inner = meta.mk_goal(meta.beta(self.step, tm.get_app_fn_args(at)[1]))
        for _ in self.rest:
            inner = U.intro1(meta, inner)[1]
        self._solve(inner)
        return self._sigma(at, family, MVar(first), value)

    def _solve(self, goal):
        """Close a goal that carries a term, after the case splits that its matches wait for."""
        meta = self.meta
        with meta.with_goal(goal):
            reduced = tm.get_app_fn_args(meta.goal_type(goal))[1][1]
            while reduced is not None:  # only matches: Lean takes no calls from a recursor
                e, f = reduced, tm.get_app_fn(reduced)
                reduced = meta._reduce_head(e) if meta.is_matcher(f) else None
            d = self._stuck_on(e) if meta.is_matcher(f) and occurs(self.rec, e) else None
            if d is None:
                meta.assign_mvar(goal, self._without_calls(e))
            else:
                for b in split_hyp(meta, goal, d):
                    self._solve(b.goal)

    def _stuck_on(self, e):
        """The local that the match at the head of e waits for, or None."""
        meta = self.meta
        e = meta.whnf_core(meta.unfold(e))
        rec, args = meta.head_decl(e), tm.get_app_fn_args(e)[1]
        if type(rec) is not RecursorDecl:
            return None
        major = meta.whnf(args[rec.major_index])
        return meta.lctx.get(major.id) if type(major) is FVar else None

    def _without_calls(self, e):
        """e with the values of its calls from the pairs in the context."""
        meta = self.meta
        known = [each for d in meta.lctx.decls if meta.mentions(d.type, {self.motive.id})
                 for each in self._known(d.fvar, d.type)]

        def made(args):
            if len(args) >= len(self.own) and not args[self.major].loose:
                for s, value in known:
                    if meta.is_def_eq(s, args[self.major]):
                        return tm.mk_app(value, *[args[k] for k in self.rest],
                                         *args[len(self.own):])
            raise NotStructural
        return self._calls(e, made)

    def _known(self, e, ty):
        """[(s, value at s)] from e : ty, nested pairs."""
        ty = self.meta.whnf(ty)
        f, args = tm.get_app_fn_args(ty)
        if f is self.motive:
            return [(args[-1], e)]
        if not is_app_of(ty, "PSigma", 2):
            return []
        first, second = [Proj("PSigma", i, e) for i in (0, 1)]
        return [*self._known(first, args[0]), *self._known(second, tm.App(args[1], first))]
