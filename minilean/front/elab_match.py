"""match, fun | …, equations and let/fun patterns, compiled to auxiliary matchers.

Follows Lean 4's `Lean/Elab/Match.lean` and `Lean/Meta/Match`. Patterns are elaborated as terms; the
matcher `f.match_n` gets its value by splitting a goal `motive d₁ … dₙ` until an alternative's
patterns match its arguments. Different: the motive's universe is that of the expected type.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.elab_patterns import PatternMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.matchers import MatcherMixin
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, FVar, Lam, MVar, Pi


class Alt:
    """An elaborated alternative: pattern variables (locals), pattern terms, right-hand side."""

    __slots__ = ("decls", "pats", "rhs", "stx", "used")

    def __init__(self, decls, pats, rhs, stx):
        self.decls, self.pats, self.rhs, self.stx, self.used = decls, pats, rhs, stx, False


class MatchMixin(PatternMixin, MatcherMixin):
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

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
                if self.may_postpone and type(tm.get_app_fn(meta.inst(ty.type))) is MVar:
                    raise Postpone  # what is matched on has no known type yet
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

    # --- the match itself -----------------------------------------------------------------------

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
        for _i, e in enumerate(terms):
            ty = meta.inst(meta.infer(e))
            for x, old in zip(out, terms, strict=False):
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
                   and d.id not in self.rec_fns]
        body = expected
        for d in reversed(gen):
            body = Pi(d.name, d.type, tm.abstract(body, [d.fvar]), d.bi)
        abstracted = body
        for x, e in zip(locals_, terms, strict=False):
            abstracted = tm.instantiate(meta.kabstract(abstracted, e), x.fvar)
        for i, _ in reversed(eqs):
            eq = self._discr_eq(terms[i], locals_[i])
            abstracted = Pi("h", eq, tm.lift(abstracted, 1))
        return abstracted, gen

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

    # --- structure instances --------------------------------------------------------------------

    def struct_inst(self, stx, expected):
        """{ s with x := a, … } and `where` fields: the constructor applied field by field."""
        from minilean.front.elab_struct import elab_struct_inst
        return elab_struct_inst(self, stx, expected)
