"""match, fun | …, equations and let/fun patterns, compiled to auxiliary matchers.

Follows Lean 4's `Lean/Elab/Match.lean` and `Lean/Meta/Match`. Patterns are elaborated as terms; the
matcher `f.match_n` gets its value by splitting a goal `motive d₁ … dₙ` until an alternative's
patterns match its arguments. Different: the motive's universe is that of the expected type.
Run: `python -m pytest tests/minilean/test_elab_match.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.elab_patterns import PatternMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.ext import MatcherInfo
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, DefDecl, TheoremDecl
from minilean.kernel.term import LMVAR, MVAR, App, Const, FVar, Lam, MVar, Pi

MAX_SPLITS = 3000


class Alt:
    """An elaborated alternative: pattern variables (locals), pattern terms, right-hand side."""

    __slots__ = ("decls", "pats", "rhs", "stx", "used")

    def __init__(self, decls, pats, rhs, stx):
        self.decls, self.pats, self.rhs, self.stx, self.used = decls, pats, rhs, stx, False


class MatchMixin(PatternMixin):
    """Mixed into `TermElab`."""

    # --- entry points -------------------------------------------------------------------------

    def elab_match(self, stx, expected):
        if expected is None and self.may_postpone:
            raise Postpone
        if expected is not None and self.may_postpone \
                and type(tm.get_app_fn(self.meta.inst(expected))) is MVar:
            raise Postpone
        if stx.motive is not None:
            raise Declined("match with a motive", stx)
        discrs = []
        for name, term in stx.discrs:
            e = self.term(term)
            self.synthesize("partial" if self.may_postpone else "no")
            e = self.meta.inst(e)
            if type(tm.get_app_fn(self.meta.inst(self.meta.infer(e)))) is MVar \
                    and self.may_postpone:
                raise Postpone
            discrs.append((name, e))
        return self.match_core(discrs, stx.alts, expected, stx)

    def elab_fun_match(self, stx, expected):
        """fun | p₁, p₂ => e: introduce the arguments, then match on them."""
        n = len(stx.alts[0].patterns[0]) if stx.alts else 0
        return self.match_lambda(n, stx.alts, expected, stx)

    def elab_nomatch(self, stx, expected):
        if stx.fun_form:
            return self.match_lambda(None, [], expected, stx)
        discrs = [(None, self.elab_term(d)) for d in stx.discrs]
        return self.match_core(discrs, [], expected, stx)

    def match_lambda(self, n, alts, expected, stx):
        meta = self.meta
        if expected is None or type(tm.get_app_fn(meta.inst(expected))) is MVar:
            if self.may_postpone:
                raise Postpone
            if expected is None:
                expected = meta.mk_type_mvar()
        lctx, decls, ty = meta.lctx, [], meta.inst(expected)
        try:
            while n is None or len(decls) < n:
                ty = meta.whnf(meta.inst(ty))
                if type(ty) is not Pi:
                    if n is None:
                        break
                    raise LeanError("Too many patterns: the expected type is\n  "
                                    f"{meta.pp(expected)}", stx)
                d = meta.mk_local("x✝", ty.type, ty.info)
                decls.append(d)
                meta.lctx = meta.lctx.add(d)
                ty = tm.instantiate(ty.body, d.fvar)
            body = self.match_core([(None, d.fvar) for d in decls], alts, ty, stx)
            return meta.mk_lambda([d.fvar for d in decls], body)
        finally:
            meta.lctx = lctx

    def elab_equations(self, alts, ty, stx):
        """The value of `def f … : ty | patterns => …`."""
        return self.match_lambda(len(alts[0].patterns[0]), alts, ty, stx)

    def elab_lambda_patterns(self, stx, expected):
        """fun ⟨a, b⟩ c => e: one argument at a time."""
        b = stx.binders[0]
        rest = stx.binders[1:]
        body = sx.Lambda(stx.pos, stx.end, rest, stx.body) if rest else stx.body
        if b.pattern is None:
            if len(b.names) > 1:
                head = sx.Binder(b.pos, b.end, b.names[:1], b.type, b.info)
                tail = sx.Binder(b.pos, b.end, b.names[1:], b.type, b.info)
                body = sx.Lambda(stx.pos, stx.end, [tail, *rest], stx.body)
                b = head
            return self.elab_lambda(sx.Lambda(stx.pos, stx.end, [b], body), expected)
        alt = sx.MatchAlt(b.pos, stx.end, [[b.pattern]], body)
        if b.type is not None:
            dom = self.elab_type(b.type)
            if expected is None:
                expected = Pi("a✝", dom, tm.lift(self.meta.mk_type_mvar(), 1))
        return self.match_lambda(1, [alt], expected, stx)

    def elab_let_pattern(self, stx, expected):
        """let ⟨a, b⟩ := v; e as match v with | ⟨a, b⟩ => e."""
        value = stx.value
        if stx.type is not None:
            value = sx.Ascription(value.pos, value.end, value, stx.type)
        alt = sx.MatchAlt(stx.pos, stx.end, [[stx.pattern]], stx.body)
        match = sx.Match(stx.pos, stx.end, [(None, value)], [alt])
        return self.elab_match(match, expected)

    # --- the match itself ---------------------------------------------------------------------

    def match_core(self, discrs, alts, expected, stx):
        """Elaborate the alternatives, build the matcher, apply it."""
        meta = self.meta
        if expected is None:
            expected = meta.mk_type_mvar()
        alts = [sx.MatchAlt(a.pos, a.end, [ps], a.rhs) for a in alts for ps in a.patterns]
        for a in alts:
            if len(a.patterns[0]) != len(discrs):
                raise LeanError(f"Not enough patterns in match alternative: Expected {len(discrs)}"
                                f", but found {len(a.patterns[0])}"
                                if len(a.patterns[0]) < len(discrs) else
                                f"Too many patterns in match alternative: Expected {len(discrs)}, "
                                f"but found {len(a.patterns[0])}", a)
        terms = [e for _, e in discrs]
        names = [n for n, _ in discrs]
        extra = self._index_discrs(terms)
        hole = [sx.Hole(stx.pos, stx.pos) for _ in extra]
        if extra:
            alts = [sx.MatchAlt(a.pos, a.end, [[*hole, *a.patterns[0]]], a.rhs) for a in alts]
        terms = [*extra, *terms]
        names = [*[None] * len(extra), *names]
        locals_ = self._discr_locals(terms)
        eqs = [(i, n) for i, n in enumerate(names) if n is not None]
        body, gen = self._abstract_expected(terms, locals_, meta.inst(expected), eqs)
        done = [self._alternative(a, locals_, body, gen, eqs, names) for a in alts]
        self.synthesize("yes")
        return self._apply_matcher(terms, locals_, body, gen, eqs, names, done, stx)

    def _index_discrs(self, terms):
        """Local variables that occur as indices of a discriminant's type, matched as well."""
        meta, out = self.meta, []
        for e in terms:
            found = meta.inductive_of(meta.infer(e))
            if found is None:
                continue
            indices = found[3]
            if found[0].name == "Eq" and type(meta.inst(indices[0])) is not FVar:
                indices = [found[2][1]]
            for index in indices:
                index = meta.inst(index)
                if type(index) is FVar and index not in terms and index not in out \
                        and meta.fvars[index.id].value is None \
                        and not any(p is not index and meta.mentions(p, {index.id})
                                    for p in found[2]):
                    out.append(index)
        return out

    def _discr_locals(self, terms):
        """One local per discriminant; later types mention earlier locals."""
        meta, out = self.meta, []
        for i, e in enumerate(terms):
            ty = meta.inst(meta.infer(e))
            for x, old in zip(out, terms):
                ty = tm.instantiate(meta.kabstract(ty, old), x.fvar)
            name = meta.fvars[e.id].name if type(e) is FVar else "x✝"
            out.append(meta.mk_local(name, ty))
        return out

    def _abstract_expected(self, terms, locals_, expected, eqs):
        """(expected type over the discriminants' locals, hypotheses generalised with them)."""
        meta = self.meta
        gen = []
        ids = {e.id for e in terms if type(e) is FVar}
        if ids:
            gen = [d for d in meta._dependents(meta.lctx, ids)
                   if d.id not in ids and d.value is None and not d.hidden
                   and d.id not in self.rec_fns and self._worth_generalizing(d, terms)]
        body = expected
        for d in reversed(gen):
            body = Pi(d.name, d.type, tm.abstract(body, [d.fvar]), d.bi)
        abstracted = body
        for x, e in zip(locals_, terms):
            abstracted = tm.instantiate(meta.kabstract(abstracted, e), x.fvar)
        for i, _ in reversed(eqs):
            eq = self._discr_eq(terms[i], locals_[i])
            abstracted = Pi("h", eq, tm.lift(abstracted, 1))
        return abstracted, gen

    def _worth_generalizing(self, d, terms):
        """Generalise a hypothesis only where a discriminant is of an indexed family."""
        meta = self.meta
        for e in terms:
            found = meta.inductive_of(meta.infer(e))
            if found is not None and found[3] and d.fvar not in terms:
                return True
        return False

    def _discr_eq(self, e, x):
        meta = self.meta
        if meta.is_def_eq(meta.infer(e), x.type):
            return meta.mk_eq(e, x.fvar)
        return meta.mk_heq(e, x.fvar)

    def _alternative(self, a, locals_, body, gen, eqs, names):
        """Elaborate one alternative's patterns, then its right-hand side."""
        meta = self.meta
        lctx = meta.lctx
        try:
            decls, pats = self._patterns_or_decline(a, locals_)
            meta.lctx = lctx.add(*decls)
            ty = tm.instantiate_rev(tm.abstract(body, [x.fvar for x in locals_]), pats)
            extra = []
            for _, name in eqs:
                ty = meta.expect_pi(ty)
                d = meta.mk_local("h✝" if name == "_" else name, ty.type)
                extra.append(d)
                meta.lctx = meta.lctx.add(d)
                ty = tm.instantiate(ty.body, d.fvar)
            for old in gen:
                ty = meta.expect_pi(ty)
                d = meta.mk_local(old.name, ty.type, old.bi)
                extra.append(d)
                meta.lctx = meta.lctx.erase([old.id]).add(d)
                ty = tm.instantiate(ty.body, d.fvar)
            rhs = self.term_ensuring(a.rhs, ty)
            self.synthesize("yes")
            rhs = meta.mk_lambda([d.fvar for d in extra], rhs)
            return Alt(decls, pats, rhs, a)
        finally:
            meta.lctx = lctx

    def _patterns_or_decline(self, a, locals_):
        """Patterns of indexed families may need unification that is not implemented: declined."""
        try:
            return self.elab_patterns(a.patterns[0], locals_)
        except LeanError as err:
            for x in locals_:
                found = self.meta.inductive_of(x.type)
                if found is not None and found[3]:
                    raise Declined("pattern for a dependent family", a) from err
            raise

    def _apply_matcher(self, terms, locals_, body, gen, eqs, names, alts, stx):
        meta = self.meta
        xs = [x.fvar for x in locals_]
        for x in locals_:
            x.type = meta.inst(x.type)
        motive_body = meta.inst(body)
        level = meta.sort_level(motive_body)
        matcher = self.make_matcher(locals_, alts, level, stx)
        motive = meta.mk_lambda(xs, motive_body)
        args = []
        for a in alts:
            value = meta.mk_lambda([d.fvar for d in a.decls], a.rhs)
            args.append(value if a.decls else Lam("x✝", Const("Unit"), tm.lift(value, 1)))
        e = tm.mk_app(matcher, motive, *terms, *args)
        for i, _ in eqs:
            e = App(e, self._discr_refl(terms[i]))
        for d in gen:
            e = App(e, d.fvar)
        return e

    def _discr_refl(self, e):
        return self.meta.mk_eq_refl(e)

    # --- matchers -----------------------------------------------------------------------------

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
            if not poly and level is lv.ONE and False:
                break
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
        from minilean.front.tactic_cases import close_contradiction, split_hyp
        meta = self.meta
        self._splits += 1
        if self._splits > MAX_SPLITS:
            raise Declined("match with too many cases", stx)
        target = meta.goal_type(goal)
        terms = tm.get_app_fn_args(target)[1]
        lctx = meta.decls[goal].lctx
        for a, h in zip(alts, alt_locals):
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
        for p, t in zip(a.pats, terms):
            p = tm.instantiate_rev(tm.abstract(p, fvars), values)
            if not meta.is_def_eq(p, t) or not meta.is_def_eq(meta.infer(p), meta.infer(t)):
                raise Declined("pattern with inaccessible parts", a.stx)
        for d, v in zip(a.decls, values):
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
        for p, t in zip(a.pats, terms):
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
        if type(self.meta.env.get(ctor.induct)) and self.meta.env.get(ctor.induct).name == "Eq":
            pass
        t_ctor, t_args = self.ctor_form(t)
        if t_ctor is None:
            t2 = meta.whnf(t)
            t_ctor, t_args = self.ctor_form(t2)
            if t_ctor is None:
                return self._stuck_term(t2 if type(t2) is FVar else t)
        if t_ctor.name != ctor.name:
            return False
        stuck = None
        for x, y in zip(p_args, t_args):
            r = self._match_one(x, y, ids, bound)
            if r is False:
                return False
            if r is not None and stuck is None:
                stuck = r
        return stuck

    def _stuck_term(self, t):
        return t

    def ctor_form(self, e):
        """(ConstructorDecl, fields) of a constructor application or Nat numeral, else (None, ())."""
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
        for d, bi in zip(params, old):
            d.bi = bi
        ty, val, levels, names = self._close_levels(ty, val)
        prop = level is None and meta.is_prop(ty)
        make = TheoremDecl if prop and False else DefDecl
        meta.env = meta.env.add(make(name, names, ty, val))
        meta.ext = meta.ext.child()
        info = MatcherInfo(name, len(params), len(locals_),
                           tuple(len(a.decls) for a in alts), True)
        meta.ext.own("matchers")[name] = info
        meta.ext.own("reducible").add(name)
        us = tuple(level if u == "u_motive" else v for u, v in zip(names, levels))
        return tm.mk_app(Const(name, us), *[d.fvar for d in params])

    def _close_levels(self, ty, val):
        """Universe metavariables become parameters of the matcher, applied to what they stand for."""
        meta = self.meta
        from minilean.front.elab import level_mvars
        found = []
        for e in (ty, val):
            for s in tm.subterms(e) if e.flags & LMVAR else ():
                levels = s.levels if type(s) is Const else (s.level,) if type(s) is tm.Sort else ()
                for u in levels:
                    level_mvars(meta.inst_level(u), found)
        names = [f"u_m{i}" for i in range(len(found))]
        table = {i: lv.param(n) for i, n in zip(found, names)}

        def close(e):
            return tm.map_levels(e, lambda u: lv.replace_mvars(meta.inst_level(u), table.get),
                                 LMVAR)
        ty, val = close(ty), close(val)
        used = tm.level_params_of(ty)
        used += [u for u in tm.level_params_of(val) if u not in used]
        actual = {n: lv.mvar(i) for i, n in zip(found, names)}
        return ty, val, [actual.get(u, lv.param(u)) for u in used], tuple(used)

    # --- structure instances ------------------------------------------------------------------

    def struct_inst(self, stx, expected):
        """{ s with x := a, … } and `where` fields: the constructor applied field by field."""
        from minilean.front.elab_struct import elab_struct_inst
        return elab_struct_inst(self, stx, expected)
