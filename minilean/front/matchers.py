"""Auxiliary matchers `f.match_n`: their types, and their values by case splits.

The goal `motive d₁ … dₙ` is split until the patterns of an alternative match its arguments (Lean 4:
`Lean/Meta/Match/Match.lean`). Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.front.ext import MatcherInfo
from minilean.front.scope import level_mvars
from minilean.front.terms import replace_level_mvars
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, DefDecl
from minilean.kernel.term import LMVAR, MVAR, Const, FVar, MVar, Pi

MAX_SPLITS = 600  # the human proofs need fewer than 30; each may keep 50 kB


class MatcherMixin:
    """Mixed into `TermElab`."""

    def make_matcher(self, locals_, alts, level, stx):
        """Declares `decl.match_n` and returns it applied to its parameters."""
        meta = self.meta
        level = meta.inst_level(level)
        if level.has_mvar:
            level = self._fix_level(level)
        params = self._matcher_params(locals_, alts)
        xs = [x.fvar for x in locals_]
        name = self.aux_name("match")
        for poly in (True, False):
            u = lv.param("u_motive") if poly else level
            motive = meta.mk_local("motive", meta.mk_pi(xs, tm.Sort(u)))
            alt_locals = [meta.mk_local(f"h_{i + 1}", self._alt_type(a, motive))
                          for i, a in enumerate(alts)]
            try:
                value = self._matcher_value(params, motive, locals_, alts, alt_locals, stx)
            except LeanError as err:
                if poly and lv.is_zero(level) and "can only eliminate into" in err.message:
                    continue
                raise
            return self._declare_matcher(name, params, motive, locals_, alts, alt_locals, value,
                                         level if poly else None)
        raise LeanError("match: elimination into this universe is not allowed", stx)

    def _fix_level(self, level):
        """A universe metavariable that nothing determined is 1 (Type), or 0 where 1 fails."""
        meta = self.meta
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
        meta = self.meta
        own = {x.id for x in locals_} | {d.id for a in alts for d in a.decls}
        used = set()
        todo = [x.type for x in locals_] + [d.type for a in alts for d in a.decls] \
            + [p for a in alts for p in a.pats]
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
            self._solve_match(goal, alts, alt_locals, motive, stx)
        for a in alts:
            if not a.used:
                raise LeanError("Redundant alternative: Any expression matching\n  "
                                + ", ".join(meta.pp(p) for p in a.pats)
                                + "\nwill match one of the preceding alternatives", a.stx)
        return meta.inst(MVar(goal))

    def _solve_match(self, goal, alts, alt_locals, motive, stx):
        import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
        from minilean.front.tactic_contra import close_contradiction
        from minilean.front.tactic_elim import split_hyp
        meta = self.meta
        self._splits += 1
        if self._splits > MAX_SPLITS:
            raise Declined("match with too many cases", stx)
        target = meta.goal_type(goal)
        terms = tm.get_app_fn_args(target)[1]
        lctx = meta.decls[goal].lctx
        for a, h in zip(alts, alt_locals, strict=False):
            bound = {}
            stuck = self._match_terms(a, terms, bound)
            if stuck is False:
                continue
            if stuck is None:
                a.used = True
                self._bind_rest(a, terms, bound)
                args = [bound[d.id] for d in a.decls] if a.decls else [Const("Unit.unit")]
                fvar = lctx.find(h.name).fvar
                meta.assign_mvar(goal, tm.mk_app(fvar, *args))
                return
            d = lctx.get(stuck.id) if type(stuck) is FVar else None
            if d is None:
                raise Declined("match on a pattern that is not a constructor", a.stx)
            with meta.with_goal(goal):
                branches = split_hyp(meta, goal, d, tag=False)
            for b in branches:
                with meta.with_goal(b.goal):
                    self._solve_match(b.goal, alts, alt_locals, motive, stx)
            return
        if self._absurd_case(goal, terms, close_contradiction, split_hyp):
            return
        with meta.with_goal(goal):
            shown = ", ".join(meta.pp(t).replace("✝", "") for t in terms)
        raise LeanError(f"Missing cases:\n{shown}", stx)

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

    def _absurd_case(self, goal, terms, close_contradiction, split_hyp):
        """Is the case impossible (a hypothesis of an empty type, or clashing indices)?"""
        meta = self.meta
        mark = meta.save()
        with meta.with_goal(goal):
            if close_contradiction(meta, goal):
                return True
        meta.restore(mark)
        for t in terms:
            d = meta.decls[goal].lctx.get(t.id) if type(t) is FVar else None
            if d is None or meta.inductive_of(d.type) is None:
                continue
            decl, _, _, indices = meta.inductive_of(d.type)
            if indices or not decl.ctors:
                with meta.with_goal(goal):
                    if not split_hyp(meta, goal, d, tag=False):
                        return True
                meta.restore(mark)
        return False

    def _match_terms(self, a, terms, bound):
        """None: matches (bound filled); False: does not; a term: must be split first."""
        ids = {d.id for d in a.decls}
        stuck = None
        for p, t in zip(a.pats, terms, strict=False):
            r = self._match_one(p, t, ids, bound)
            if r is False:
                return False
            if r is not None and stuck is None:
                stuck = r
        return stuck

    def _match_one(self, p, t, ids, bound):
        meta = self.meta
        if type(p) is FVar:
            if p.id in ids:
                bound.setdefault(p.id, t)
            return None
        ctor, p_args = self.ctor_form(p)
        if ctor is None:
            return None  # inaccessible: fixed by the types
        t_ctor, t_args = self.ctor_form(t)
        if t_ctor is None:
            t2 = meta.whnf(t)
            t_ctor, t_args = self.ctor_form(t2)
            if t_ctor is None:
                return t2 if type(t2) is FVar else t
        if t_ctor.name != ctor.name:
            return False
        stuck = None
        for x, y in zip(p_args, t_args, strict=False):
            r = self._match_one(x, y, ids, bound)
            if r is False:
                return False
            if r is not None and stuck is None:
                stuck = r
        return stuck

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

    def _declare_matcher(self, name, params, motive, locals_, alts, alt_locals, value, level):
        """Adds the matcher to the environment and its tables; level: what u_motive becomes."""
        meta = self.meta
        fvars = [d.fvar for d in [*params, motive, *locals_, *alt_locals]]
        old = [d.bi for d in params]
        for d in params:
            d.bi = "implicit"
        result = tm.mk_app(motive.fvar, *[x.fvar for x in locals_])
        ty, val = meta.mk_pi(fvars, result), meta.mk_lambda(fvars, value)
        for d, bi in zip(params, old, strict=False):
            d.bi = bi
        ty, val, levels, names = self._close_levels(ty, val)
        meta.env = meta.env.add(DefDecl(name, names, ty, val))
        meta.ext = meta.ext.child()
        info = MatcherInfo(name, len(params), len(locals_),
                           tuple(len(a.decls) for a in alts), True)
        meta.ext.own("matchers")[name] = info
        meta.ext.own("reducible").add(name)
        us = tuple(level if u == "u_motive" else v for u, v in zip(names, levels, strict=False))
        return tm.mk_app(Const(name, us), *[d.fvar for d in params])

    def _close_levels(self, ty, val):
        """Universe metavariables become parameters of the matcher, applied to themselves."""
        meta = self.meta
        found = []
        for e in (ty, val):
            for s in tm.subterms(e) if e.flags & LMVAR else ():
                levels = s.levels if type(s) is Const else (s.level,) if type(s) is tm.Sort else ()
                for u in levels:
                    level_mvars(meta.inst_level(u), found)
        names = [f"u_m{i}" for i in range(len(found))]
        table = {i: lv.param(n) for i, n in zip(found, names, strict=False)}

        def close(e):
            return tm.map_levels(e, lambda u: replace_level_mvars(meta.inst_level(u), table.get),
                                 LMVAR)
        ty, val = close(ty), close(val)
        used = tm.level_params_of(ty)
        used += [u for u in tm.level_params_of(val) if u not in used]
        actual = {n: lv.mvar(i) for i, n in zip(found, names, strict=False)}
        return ty, val, [actual.get(u, lv.param(u)) for u in used], tuple(used)
