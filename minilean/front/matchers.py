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

MAX_SPLITS = 3000


class MatcherMixin:
    """Mixed into `TermElab`."""

    def make_matcher(self, locals_, alts, level, stx):
        """Declares `decl.match_n` and returns it applied to its parameters."""
        meta = self.meta
        level = self._fixed_level(level)
        params = self._matcher_params(locals_, alts)
        u = level if lv.is_zero(level) else lv.param("u_motive")
        motive = meta.mk_local("motive", meta.mk_pi([x.fvar for x in locals_], tm.Sort(u)))
        alt_locals = [meta.mk_local(f"h_{i + 1}", self._alt_type(a, motive))
                      for i, a in enumerate(alts)]
        value = self._matcher_value(params, motive, locals_, alts, alt_locals, stx)
        return self._declare_matcher(params, motive, locals_, alts, alt_locals, value, level)

    def _fixed_level(self, level):
        """The level; a universe metavariable that nothing determined is 1 (Type)."""
        meta = self.meta
        level = meta.inst_level(level)
        if level.kind == "mvar":
            meta.assign_level(level.a, lv.ONE)
        level = meta.inst_level(level)
        if level.has_mvar:
            raise Declined("match in an unknown universe")
        return level

    def _alt_type(self, a, motive):
        meta = self.meta
        ty = tm.mk_app(motive.fvar, *a.pats)
        if not a.decls:
            return Pi("a✝", Const("Unit"), tm.lift(ty, 1))
        return meta.mk_pi([d.fvar for d in a.decls], ty)

    def _matcher_params(self, locals_, alts):
        """Local variables that the types of discriminants and patterns mention, in order."""
        meta, used = self.meta, set()
        own = [*locals_, *[d for a in alts for d in a.decls]]
        todo = [*[d.type for d in own], *[p for a in alts for p in a.pats]]
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

    def _matcher_value(self, params, motive, locals_, alts, alt_locals, stx):
        """Proof of `motive d₁ … dₙ` by case splits."""
        meta = self.meta
        lctx = meta.lctx.replace([*params, motive, *locals_, *alt_locals])
        goal = meta.mk_goal(tm.mk_app(motive.fvar, *[x.fvar for x in locals_]), "", lctx)
        self._splits = 0
        for a in alts:
            a.used = False
        with meta.with_lctx(lctx):
            self._solve_match(goal, alts, alt_locals, stx)
        for a in alts:
            if not a.used:
                raise LeanError("Redundant alternative: Any expression matching\n  "
                                + ", ".join(meta.pp(p) for p in a.pats)
                                + "\nwill match one of the preceding alternatives", a.stx)
        return meta.inst(MVar(goal))

    def _solve_match(self, goal, alts, alt_locals, stx):
        """Close the goal with an alternative, or split a local that stands in the way of one."""
        meta = self.meta
        self._splits += 1
        if self._splits > MAX_SPLITS:
            raise Declined("match with too many cases", stx)
        terms = tm.get_app_fn_args(meta.goal_type(goal))[1]
        lctx = meta.decls[goal].lctx
        for a, h in zip(alts, alt_locals, strict=True):
            bound = {}
            stuck = self._match_all(a.pats, terms, {d.id for d in a.decls}, bound)
            if stuck is False:
                continue
            if stuck is None:
                a.used = True
                self._bind_rest(a, terms, bound)
                args = [bound[d.id] for d in a.decls] or [Const("Unit.unit")]
                meta.assign_mvar(goal, tm.mk_app(lctx.find(h.name).fvar, *args))
                return
            d = lctx.get(stuck.id) if type(stuck) is FVar else None
            if d is None:
                raise Declined("match on a pattern that is not a constructor", a.stx)
            for branch in self._split(goal, d):
                with meta.with_goal(branch.goal):
                    self._solve_match(branch.goal, alts, alt_locals, stx)
            return
        if not self._is_absurd(goal, terms):
            with meta.with_goal(goal):
                shown = ", ".join(meta.pp(t).replace("✝", "") for t in terms)
            raise LeanError(f"Missing cases:\n{shown}", stx)

    def _split(self, goal, d):
        """The branches of the goal by cases on the local d."""
        import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
        from minilean.front.tactic_elim import split_hyp
        with self.meta.with_goal(goal):
            return split_hyp(self.meta, goal, d, tag=False)

    def _bind_rest(self, a, terms, bound):
        """Variables that occur only in inaccessible parts are found by unification."""
        meta = self.meta
        if all(d.id in bound for d in a.decls):
            return
        fvars = [d.fvar for d in a.decls]
        values = []
        for d in a.decls:
            ty = tm.instantiate_rev(tm.abstract(d.type, fvars[:len(values)]), values)
            values.append(bound[d.id] if d.id in bound else meta.mk_mvar(ty))
        for p, t in zip(a.pats, terms, strict=False):
            p = tm.instantiate_rev(tm.abstract(p, fvars), values)
            if not meta.is_def_eq(p, t) or not meta.is_def_eq(meta.infer(p), meta.infer(t)):
                raise Declined("pattern with inaccessible parts", a.stx)
        for d, v in zip(a.decls, values, strict=False):
            bound[d.id] = meta.inst(v)
            if bound[d.id].flags & MVAR:
                raise Declined("pattern with inaccessible parts", a.stx)

    def _is_absurd(self, goal, terms):
        """Close the goal if the case is impossible (a contradiction, or clashing indices)."""
        import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
        from minilean.front.tactic_contra import close_contradiction
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
        ctor, p_args = self.ctor_form(p)
        if ctor is None:
            return None  # inaccessible: fixed by the types
        t_ctor, t_args = self.ctor_form(t)
        if t_ctor is None:
            value = self.meta.whnf(t)
            t_ctor, t_args = self.ctor_form(value)
            if t_ctor is None:
                return value if type(value) is FVar else t
        return t_ctor.name == ctor.name and self._match_all(p_args, t_args, ids, bound)

    def ctor_form(self, e):
        """(constructor, fields) of a constructor application or Nat numeral, else (None, ())."""
        meta = self.meta
        off = meta.nat_offset(e)
        if off is not None:
            base, k = off
            if base is None:
                if k == 0:
                    return meta.env.lookup("Nat.zero"), ()
                return meta.env.lookup("Nat.succ"), (meta.mk_nat(k - 1),)
            rest = base if k == 1 else meta.mk_nat_add(base, meta.mk_nat(k - 1))
            return meta.env.lookup("Nat.succ"), (rest,)
        f, args = tm.get_app_fn_args(e)
        if type(f) is Const:
            decl = meta.env.get(f.name)
            if type(decl) is ConstructorDecl and len(args) == decl.num_params + decl.num_fields:
                return decl, args[decl.num_params:]
        return None, ()

    def _declare_matcher(self, params, motive, locals_, alts, alt_locals, value, level):
        """Adds the matcher to the environment and its tables; level: what u_motive becomes."""
        meta, name = self.meta, self.aux_name("match")
        fvars = [d.fvar for d in [*params, motive, *locals_, *alt_locals]]
        old = [d.bi for d in params]
        for d in params:
            d.bi = "implicit"
        result = tm.mk_app(motive.fvar, *[x.fvar for x in locals_])
        ty, val = meta.mk_pi(fvars, result), meta.mk_lambda(fvars, value)
        for d, bi in zip(params, old, strict=True):
            d.bi = bi
        ty, val, actual = self._close_levels(ty, val)
        names = tuple(dict.fromkeys(tm.level_params_of(ty) + tm.level_params_of(val)))
        meta.env = meta.env.add(DefDecl(name, names, ty, val))
        meta.ext = meta.ext.child()
        meta.ext.own("matchers")[name] = MatcherInfo(
            name, len(params), len(locals_), tuple(len(a.decls) for a in alts), True)
        meta.ext.own("reducible").add(name)
        actual["u_motive"] = level
        us = tuple(actual.get(u, lv.param(u)) for u in names)
        return tm.mk_app(Const(name, us), *[d.fvar for d in params])

    def _close_levels(self, *terms):
        """The terms with universe metavariables as parameters, {parameter: metavariable}."""
        meta = self.meta
        terms = [meta.inst(e) for e in terms]
        actual = {f"u_m{k}": i for k, i in enumerate(level_mvars_in(*terms))}
        mark = meta.save()
        for name, i in actual.items():
            meta.assign_level(i, lv.param(name))
        terms = [meta.inst(e) for e in terms]
        meta.restore(mark)
        return *terms, {name: lv.mvar(i) for name, i in actual.items()}
