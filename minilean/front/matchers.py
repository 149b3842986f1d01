"""Auxiliary matchers `f.match_n`: their types, and their values by case splits.

The goal `motive d₁ … dₙ` is split until the patterns of an alternative match its arguments (Lean 4:
`Lean/Meta/Match/Match.lean`). Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.front.ext import MatcherInfo
from minilean.front.terms import level_mvars_in
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, DefDecl
from minilean.kernel.term import MVAR, Const, FVar, MVar, Pi

MAX_SPLITS = 600  # the human proofs need fewer than 30; each may keep 50 kB


class Alt:
    """An elaborated alternative: pattern variables (locals), pattern terms, right-hand side."""

    __slots__ = ("decls", "pats", "rhs", "stx", "used")

    def __init__(self, decls, pats, rhs, stx):
        self.decls, self.pats, self.rhs, self.stx, self.used = decls, pats, rhs, stx, False


def _locals_in(e):
    """Ids of the locals among e and the arguments of its applications, from left to right."""
    if type(e) is FVar:
        yield e.id
    for arg in tm.get_app_fn_args(e)[1]:
        yield from _locals_in(arg)


class MatcherRun:
    """One matcher being made: `xs` are the locals for its discriminants, `alts` a list of Alt."""

    def __init__(self, elab, xs, alts, stx):
        self.elab, self.meta = elab, elab.meta
        self.xs, self.alts, self.stx = xs, alts, stx
        self.n_splits = 0

    def declare(self, level):
        """Declares `decl.match_n`; returns it, for a motive into Sort level, with its parameters.

        A matcher into Prop eliminates into Prop only; others into any universe (`u_motive`).
        """
        meta = self.meta
        level = self._fixed(level)
        params = self._params()
        discrs = [x.fvar for x in self.xs]
        u = level if lv.is_zero(level) else lv.param("u_motive")
        motive = meta.mk_local("motive", meta.mk_pi(discrs, tm.Sort(u)))
        minors = [meta.mk_local(f"h_{i + 1}", self._minor_type(a, motive))
                  for i, a in enumerate(self.alts)]
        target = tm.mk_app(motive.fvar, *discrs)
        decls = [*params, motive, *self.xs, *minors]
        value = self._value(target, decls)
        infos = [d.bi for d in params]
        for d in params:
            d.bi = "implicit"
        fvars = [d.fvar for d in decls]
        ty, value = meta.mk_pi(fvars, target), meta.mk_lambda(fvars, value)
        for d, info in zip(params, infos, strict=True):
            d.bi = info
        return tm.mk_app(self._add(ty, value, len(params), level), *[d.fvar for d in params])

    def _fixed(self, level):
        """The level; a universe metavariable that nothing determined is 1 (Type)."""
        level = self.meta.inst_level(level)
        if level.kind == "mvar":
            self.meta.assign_level(level.a, lv.ONE)
            return lv.ONE
        if level.has_mvar:
            raise Declined("match in an unknown universe")
        return level

    def _params(self):
        """Local variables that the types of discriminants and patterns mention, in order."""
        meta, used = self.meta, set()
        own = [*self.xs, *[d for a in self.alts for d in a.decls]]
        todo = [*[d.type for d in own], *[p for a in self.alts for p in a.pats]]
        own = {d.id for d in own}
        while todo:
            e = meta.inst(todo.pop())
            if e.flags & MVAR:
                raise Declined("match on a term of unknown type")
            for s in tm.subterms(e):
                if type(s) is FVar and s.id not in own and s.id not in used:
                    used.add(s.id)
                    todo.append(meta.fvars[s.id].type)
        order = {d.id: i for i, d in enumerate(meta.lctx.decls)}
        if any(i not in order or meta.fvars[i].value is not None for i in used):
            raise Declined("match that depends on a let-variable")
        return [meta.fvars[i] for i in sorted(used, key=order.get)]

    def _minor_type(self, a, motive):
        """The type of an alternative; one without variables takes a Unit."""
        ty = tm.mk_app(motive.fvar, *a.pats)
        if not a.decls:
            return Pi("a✝", Const("Unit"), ty)
        return self.meta.mk_pi([d.fvar for d in a.decls], ty)

    def _value(self, target, decls):
        """A term of type target, `motive d₁ … dₙ`, by case splits."""
        meta = self.meta
        lctx = meta.lctx.replace(decls)
        goal = meta.mk_goal(target, "", lctx)
        with meta.with_lctx(lctx):
            self._solve(goal)
        for a in self.alts:
            if not a.used:
                raise LeanError("Redundant alternative: Any expression matching\n  "
                                + ", ".join(meta.pp(p) for p in a.pats)
                                + "\nwill match one of the preceding alternatives", a.stx)
        return meta.inst(MVar(goal))

    # --- case splits ----------------------------------------------------------------------------

    def _solve(self, goal):
        """Close the goal with an alternative, or split a local that stands in the way of one."""
        meta = self.meta
        self.n_splits += 1
        if self.n_splits > MAX_SPLITS:
            raise Declined("match with too many cases", self.stx)
        terms = tm.get_app_fn_args(meta.goal_type(goal))[1]
        lctx = meta.decls[goal].lctx
        first, stuck, bound = self._candidates(terms)
        d = self._to_split(terms, stuck, lctx)
        if d is not None:
            for branch in self._split(goal, d):
                with meta.with_goal(branch.goal):
                    self._solve(branch.goal)
            return
        if first is not None:
            a = self.alts[first]
            if stuck[first] is not None:
                raise Declined("match on a pattern that is not a constructor", a.stx)
            a.used = True
            self._bind_rest(a, terms, bound)
            args = [bound[d.id] for d in a.decls] or [Const("Unit.unit")]
            meta.assign_mvar(goal, tm.mk_app(lctx.find(f"h_{first + 1}").fvar, *args))
            return
        if not self._is_absurd(goal, terms):
            with meta.with_goal(goal):
                shown = ", ".join(meta.pp(t).replace("✝", "") for t in terms)
            raise LeanError(f"Missing cases:\n{shown}", self.stx)

    def _candidates(self, terms):
        """(the first alternative that may still match; {such an alternative: what must be split
        for it, or None}; the bindings of the first)."""
        stuck, first, first_bound = {}, None, None
        for i, a in enumerate(self.alts):
            bound = {}
            found = self._match_all(a.pats, terms, {d.id for d in a.decls}, bound)
            if found is not False:
                stuck[i] = found
                if first is None:
                    first, first_bound = i, bound
        return first, stuck, first_bound

    def _to_split(self, terms, stuck, lctx):
        """The leftmost local that any alternative needs split, as in Lean: also one that the first
        alternative does not look at, so that the match is stuck there."""
        wanted = {t.id for t in stuck.values() if type(t) is FVar}
        order = [i for t in terms for i in _locals_in(t)]
        return next((d for i in order if i in wanted and (d := lctx.get(i)) is not None), None)

    def _split(self, goal, d):
        """The branches of the goal by cases on the local d."""
        import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
        from minilean.front.tactic_elim import split_hyp
        with self.meta.with_goal(goal):
            return split_hyp(self.meta, goal, d)

    def _is_absurd(self, goal, terms):
        """Close the goal if the case is impossible (a contradiction, or clashing indices)."""
        import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
        from minilean.front.tactic_elim import close_contradiction
        meta = self.meta
        mark = meta.save()
        with meta.with_goal(goal):
            if close_contradiction(meta, goal):
                return True
        meta.restore(mark)
        for t in terms:
            d = meta.decls[goal].lctx.get(t.id) if type(t) is FVar else None
            found = None if d is None else meta.inductive_of(d.type)
            if found is not None and (found[3] or not found[0].ctors):
                if not self._split(goal, d):
                    return True
                meta.restore(mark)
        return False

    def _match_all(self, pats, terms, ids, bound):
        """None: they match (bound filled); False: they do not; a term: must be split first."""
        stuck = None
        for p, t in zip(pats, terms, strict=True):
            r = self._match_one(p, t, ids, bound)
            if r is False:
                return False
            stuck = r if stuck is None else stuck
        return stuck

    def _match_one(self, p, t, ids, bound):
        if type(p) is FVar:
            if p.id in ids:
                bound.setdefault(p.id, t)
            return None
        ctor, p_args = self._ctor_form(p)
        if ctor is None:
            return None  # inaccessible: fixed by the types
        t_ctor, t_args = self._ctor_form(t)
        if t_ctor is None:
            value = self.meta.whnf(t)
            t_ctor, t_args = self._ctor_form(value)
            if t_ctor is None:
                return value if type(value) is FVar else t
        return t_ctor == ctor and self._match_all(p_args, t_args, ids, bound)

    def _ctor_form(self, e):
        """(constructor name, fields) of a constructor application or Nat numeral, or (None, ())."""
        meta = self.meta
        base, k = meta.nat_offset(e) or (e, 0)
        if base is None and k == 0:
            return "Nat.zero", ()
        if k:
            rest = meta.mk_nat(k - 1)
            if base is not None:
                rest = base if k == 1 else meta.mk_nat_add(base, rest)
            return "Nat.succ", (rest,)
        f, args = tm.get_app_fn_args(e)
        decl = meta.env.get(f.name) if type(f) is Const else None
        if type(decl) is ConstructorDecl and len(args) == decl.num_params + decl.num_fields:
            return decl.name, args[decl.num_params:]
        return None, ()

    def _bind_rest(self, a, terms, bound):
        """Variables that occur only in inaccessible parts are found by unification."""
        meta = self.meta
        if all(d.id in bound for d in a.decls):
            return
        fvars, values = [d.fvar for d in a.decls], []
        for d in a.decls:
            ty = tm.instantiate_rev(tm.abstract(d.type, fvars[:len(values)]), values)
            values.append(bound[d.id] if d.id in bound else meta.mk_mvar(ty))
        for p, t in zip(a.pats, terms, strict=True):
            p = tm.instantiate_rev(tm.abstract(p, fvars), values)
            if not meta.is_def_eq(p, t) or not meta.is_def_eq(meta.infer(p), meta.infer(t)):
                raise Declined("pattern with inaccessible parts", a.stx)
        for d, v in zip(a.decls, values, strict=True):
            bound[d.id] = meta.inst(v)
            if bound[d.id].flags & MVAR:
                raise Declined("pattern with inaccessible parts", a.stx)

    # --- the declaration ------------------------------------------------------------------------

    def _add(self, ty, value, n_params, level):
        """Adds the matcher to the environment and its tables; level: what u_motive becomes."""
        meta, name = self.meta, self.elab.aux_name("match")
        ty, value, actual = self._close_levels(ty, value)
        names = tuple(dict.fromkeys(tm.level_params_of(ty) + tm.level_params_of(value)))
        meta.env = meta.env.add(DefDecl(name, names, ty, value))
        meta.ext = meta.ext.child()
        meta.ext.own("matchers")[name] = MatcherInfo(
            name, n_params, len(self.xs), tuple(len(a.decls) for a in self.alts))
        meta.ext.own("reducible").add(name)
        actual["u_motive"] = level
        return Const(name, tuple(actual.get(u, lv.param(u)) for u in names))

    def _close_levels(self, *terms):
        """The terms with universe metavariables as parameters, {parameter: metavariable}."""
        meta = self.meta
        terms = [meta.inst(e) for e in terms]
        actual = {f"u_m{k}": lv.mvar(i) for k, i in enumerate(level_mvars_in(*terms))}
        mark = meta.save()
        for name, u in actual.items():
            meta.assign_level(u.a, lv.param(name))
        terms = [meta.inst(e) for e in terms]
        meta.restore(mark)
        return *terms, actual
