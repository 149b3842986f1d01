"""match, fun | …, equations and let/fun patterns, compiled to auxiliary matchers.

Follows Lean 4's `Lean/Elab/Match.lean` and `Lean/Meta/Match`. Patterns are elaborated as terms; the
matcher `f.match_n` gets its value by splitting a goal `motive d₁ … dₙ` until an alternative's
patterns match its arguments. Different: the motive's universe is that of the expected type.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.elab_patterns import PatternMixin
from minilean.front.errors import Declined, LeanError
from minilean.front.matchers import Alt, MatcherRun
from minilean.kernel import term as tm
from minilean.kernel.term import Const, FVar, Lam, Pi


class MatchMixin(PatternMixin):
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

    def elab_match(self, stx, expected):
        self.wait_for(expected)
        if stx.motive is not None:
            raise Declined("match with a motive", stx)
        discrs = []
        for name, term in stx.discrs:
            e = self.term(term)
            self.synthesize("partial" if self.may_postpone else "no")
            e = self.meta.inst(e)
            self.wait_for(self.meta.infer(e))
            discrs.append((name, e))
        return self.match_core(discrs, stx.alts, expected, stx)

    def elab_funmatch(self, stx, expected):
        """fun | p₁, p₂ => e: introduce the arguments, then match on them."""
        return self.elab_equations(stx.alts, expected, stx)

    def elab_nomatch(self, stx, expected):
        if stx.fun_form:
            return self.match_lambda(None, [], expected, stx)
        discrs = [(None, self.elab_term(d)) for d in stx.discrs]
        return self.match_core(discrs, [], expected, stx)

    def match_lambda(self, n, alts, expected, stx):
        """fun x₁ … xₙ => match x₁, … with alts (n None: as many arguments as there are)."""
        meta = self.meta
        self.wait_for(expected)
        expected = self.type_or_new(expected)
        fvars, ty = [], expected
        with meta.with_lctx(meta.lctx):
            while n is None or len(fvars) < n:
                ty = meta.whnf(meta.inst(ty))
                if type(ty) is not Pi:
                    if n is None:
                        break
                    raise LeanError("Too many patterns: the expected type is\n  "
                                    f"{meta.pp(expected)}", stx)
                self.wait_for(ty.type)  # what is matched on has no known type yet
                fvars.append(meta.push_local("x✝", ty.type, ty.info).fvar)
                ty = tm.instantiate(ty.body, fvars[-1])
            body = self.match_core([(None, x) for x in fvars], alts, ty, stx)
            return meta.mk_lambda(fvars, body)

    def elab_equations(self, alts, ty, stx):
        """The value of `def f … : ty | patterns => …`."""
        return self.match_lambda(len(alts[0].patterns[0]), alts, ty, stx)

    def elab_lambda_patterns(self, stx, expected):
        """fun ⟨a, b⟩ c => e: one argument at a time."""
        b, *rest = stx.binders
        if len(b.names) > 1:
            rest = [replace(b, names=b.names[1:]), *rest]
            b = replace(b, names=b.names[:1])
        body = replace(stx, binders=rest) if rest else stx.body
        if b.pattern is None:
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
        expected = self.type_or_new(expected)
        alts = [(ps, a) for a in alts for ps in a.patterns]
        for ps, a in alts:
            if len(ps) != len(discrs):
                problem = "Not enough" if len(ps) < len(discrs) else "Too many"
                raise LeanError(f"{problem} patterns in match alternative: Expected "
                                f"{len(discrs)}, but found {len(ps)}", a)
        extra = self._index_discrs([e for _, e in discrs])
        discrs = [*[(None, e) for e in extra], *discrs]
        holes = [sx.Hole(stx.pos, stx.pos) for _ in extra]
        terms = [e for _, e in discrs]
        xs = self._discr_locals(terms)
        eqs = [(name, e, x) for (name, e), x in zip(discrs, xs, strict=True) if name is not None]
        gen = self._generalized(terms)
        body = self._abstract_expected(terms, xs, meta.inst(expected), eqs, gen)
        done = [self._alternative([*holes, *ps], a, xs, body, [name for name, _, _ in eqs], gen)
                for ps, a in alts]
        self.synthesize("yes")
        proofs = [meta.mk_eq_refl(e) for _, e, _ in eqs]
        return tm.mk_app(self._apply_matcher(terms, xs, body, done, stx),
                         *proofs, *[d.fvar for d in gen])

    def _index_discrs(self, terms):
        """Local variables that occur as indices of a discriminant's type, matched as well."""
        meta, out = self.meta, []
        for e in terms:
            found = meta.inductive_of(meta.infer(e))
            if found is None:
                continue
            decl, _, params, indices = found
            if decl.name == "Eq" and type(meta.inst(indices[0])) is not FVar:
                indices = [params[1]]
            for index in indices:
                index = meta.inst(index)
                if type(index) is FVar and index not in terms and index not in out \
                        and meta.fvars[index.id].value is None \
                        and not any(p is not index and meta.mentions(p, {index.id})
                                    for p in params):
                    out.append(index)
        return out

    def _discr_locals(self, terms):
        """One local per discriminant; later types mention earlier locals."""
        meta, out = self.meta, []
        for e in terms:
            ty = meta.inst(meta.infer(e))
            for x, old in zip(out, terms, strict=False):
                ty = tm.instantiate(meta.kabstract(ty, old), x.fvar)
            name = meta.fvars[e.id].name if type(e) is FVar else "x✝"
            out.append(meta.mk_local(name, ty))
        return out

    def _generalized(self, terms):
        """The hypotheses that depend on discriminants: arguments of every alternative."""
        meta, ids = self.meta, {e.id for e in terms if type(e) is FVar}
        return [d for d in meta._dependents(meta.lctx, ids) if d.id not in ids and d.value is None
                and not d.hidden and d.id not in self.rec_fns] if ids else []

    def _abstract_expected(self, terms, xs, expected, eqs, gen):
        """∀ eqs gen, expected over the discriminants' locals xs."""
        meta, body = self.meta, expected
        for d in reversed(gen):
            body = Pi(d.name, d.type, tm.abstract(body, [d.fvar]), d.bi)
        for x, e in zip(xs, terms, strict=True):
            body = tm.instantiate(meta.kabstract(body, e), x.fvar)
        for _, e, x in reversed(eqs):
            if not meta.is_def_eq(meta.infer(e), x.type):
                raise Declined("match with a named discriminant of a dependent type")
            body = Pi("h", meta.mk_eq(e, x.fvar), tm.lift(body, 1))
        return body

    def _alternative(self, patterns, a, xs, body, eq_names, gen):
        """Elaborate one alternative's patterns, then its right-hand side."""
        meta, extra = self.meta, []
        decls, pats = self._patterns_or_decline(patterns, a, xs)
        with meta.with_lctx(meta.lctx.add(*decls).erase([d.id for d in gen])):
            ty = tm.instantiate_rev(tm.abstract(body, [x.fvar for x in xs]), pats)
            for name, info in [*[(n, "default") for n in eq_names], *[(d.name, d.bi) for d in gen]]:
                ty = meta.expect_pi(ty)
                d = meta.push_local("h✝" if name == "_" else name, ty.type, info)
                extra.append(d.fvar)
                ty = tm.instantiate(ty.body, d.fvar)
            rhs = self.term_ensuring(a.rhs, ty)
            self.synthesize("yes")
            return Alt(decls, pats, meta.mk_lambda(extra, rhs), a)

    def _patterns_or_decline(self, patterns, a, xs):
        """Patterns of indexed families may need unification that is not implemented: declined."""
        try:
            return self.elab_patterns(patterns, xs)
        except LeanError as err:
            for x in xs:
                found = self.meta.inductive_of(x.type)
                if found is not None and found[3]:
                    raise Declined("pattern for a dependent family", a) from err
            raise

    def _apply_matcher(self, terms, xs, body, alts, stx):
        """A new matcher for the alternatives, applied to motive, discriminants and alternatives."""
        meta = self.meta
        for x in xs:
            x.type = meta.inst(x.type)
        body = meta.inst(body)
        matcher = MatcherRun(self, xs, alts, stx).declare(meta.sort_level(body))
        motive = meta.mk_lambda([x.fvar for x in xs], body)
        args = []
        for a in alts:
            value = meta.mk_lambda([d.fvar for d in a.decls], a.rhs)
            args.append(value if a.decls else Lam("x✝", Const("Unit"), value))
        return tm.mk_app(matcher, motive, *terms, *args)
