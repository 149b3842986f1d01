"""match, fun | …, equations and let/fun patterns, compiled to auxiliary matchers.

Follows Lean 4's `Lean/Elab/Match.lean`. Patterns are elaborated as terms; the matcher `f.match_n`
is made in `matchers.py`. Different: the motive's universe is that of the expected type.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.matchers import Alt, MatcherRun
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import FVar

# What may stand in a pattern: node or operator -> the fields with patterns in them.
PARTS = {sx.Paren: ("term",), sx.App: ("fn", "args"), sx.NamedArg: ("value",),
         sx.Tuple: ("items",), sx.Anon: ("items",), "::": ("lhs", "rhs"),
         "+": ("lhs", "rhs"), sx.Ascription: ("term",), sx.Ident: (), sx.DotIdent: (),
         sx.Explicit: ("fn",), sx.Hole: (), sx.Num: ()}


class MatchMixin:
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

    def elab_match(self, stx, expected):
        self.wait_for(expected)
        if any(name is not None for name, _ in stx.discrs):
            raise Declined("match h : …", stx)
        discrs = []
        for _, term in stx.discrs:
            e = self.term(term)
            self.synthesize("partial" if self.may_postpone else "no")
            discrs.append(self.meta.inst(e))
            self.wait_for(self.meta.infer(discrs[-1]))
        return self.match_core(discrs, stx.alts, expected, stx)

    def elab_nomatch(self, stx, expected):
        return self.match_core([self.elab_term(d) for d in stx.discrs], [], expected, stx)

    def elab_funmatch(self, stx, expected):
        """fun | p₁, p₂ => e | …: introduce the arguments, then match on them."""
        meta = self.meta
        self.wait_for(expected)
        fvars, ty = [], self.type_or_new(expected)
        with meta.with_lctx(meta.lctx):
            for _ in stx.alts[0].patterns[0]:
                ty = meta.expect_pi(ty)
                self.wait_for(ty.type)  # what is matched on has no known type yet
                fvars.append(meta.push_local("x✝", ty.type, ty.info).fvar)
                ty = tm.instantiate(ty.body, fvars[-1])
            return meta.mk_lambda(fvars, self.match_core(fvars, stx.alts, ty, stx))

    elab_equations = elab_funmatch

    def elab_lambda_patterns(self, stx, expected):
        """fun ⟨a, b⟩ c => e: one binder at a time."""
        b, *rest = stx.binders
        body = replace(stx, binders=rest) if rest else stx.body
        if b.pattern is None:
            return self.elab_lambda(replace(stx, binders=[b], body=body), expected)
        alt = sx.MatchAlt(b.pos, stx.end, [[b.pattern]], body)
        return self.elab_funmatch(sx.FunMatch(stx.pos, stx.end, [alt]), expected)

    def elab_let_pattern(self, stx, expected):
        """let ⟨a, b⟩ := v; e as match v with | ⟨a, b⟩ => e."""
        value = stx.value
        if stx.type is not None:
            value = sx.Ascription(value.pos, value.end, value, stx.type)
        alt = sx.MatchAlt(stx.pos, stx.end, [[stx.pattern]], stx.body)
        return self.elab_match(sx.Match(stx.pos, stx.end, [(None, value)], [alt]), expected)

    # --- the match itself -----------------------------------------------------------------------

    def match_core(self, discrs, alts, expected, stx):
        """Elaborate the alternatives, build the matcher, apply it."""
        meta = self.meta
        expected = self.type_or_new(expected)
        terms, xs = self._with_indices(discrs), []
        for e in terms:
            ty = self._in_terms_of(xs, terms, meta.infer(e))
            xs.append(meta.mk_local(meta.fvars[e.id].name if type(e) is FVar else "x✝", ty))
        ids = {e.id for e in terms if type(e) is FVar}
        gen = [d for d in meta._dependents(meta.lctx, ids)  # hypotheses that depend on these
               if d.id not in ids and d.value is None and not d.hidden]
        body = self._in_terms_of(xs, terms, meta.mk_pi([d.fvar for d in gen], expected))
        holes = [sx.Hole(stx.pos, stx.pos)] * (len(terms) - len(discrs))
        alts = [([*holes, *patterns], a) for a in alts for patterns in a.patterns]
        done = [self._alternative(f"h_{i + 1}", *alt, xs, body, gen)
                for i, alt in enumerate(alts)]
        self.synthesize("yes")
        for x in xs:
            x.type = meta.inst(x.type)
        body = meta.inst(body)
        matcher = MatcherRun(self, xs, done, stx).declare(meta.inst_level(meta.sort_level(body)))
        motive = meta.mk_lambda([x.fvar for x in xs], body)
        values = [meta.mk_lambda([d.fvar for d in a.decls], a.rhs) for a in done]
        return tm.mk_app(matcher, motive, *terms, *values, *[d.fvar for d in gen])

    def _with_indices(self, discrs):
        """The discriminants after the local variables that are indices of their types."""
        meta, out = self.meta, []
        for e in discrs:
            found = meta.inductive_of(meta.infer(e))
            for index in [meta.inst(i) for i in found[3]] if found else ():
                if type(index) is FVar and meta.fvars[index.id].value is None \
                        and index not in (*out, *discrs):
                    out.append(index)
        return [*out, *discrs]

    def _in_terms_of(self, xs, terms, ty):
        """ty with the locals xs in place of the first of the terms."""
        for x, e in zip(xs, terms, strict=False):
            ty = tm.instantiate(self.meta.kabstract(ty, e), x.fvar)
        return self.meta.inst(ty)

    def _alternative(self, name, patterns, a, xs, body, gen):
        """Elaborate one alternative's patterns, then its right-hand side."""
        meta = self.meta
        if len(patterns) != len(xs):
            raise LeanError("Wrong number of patterns in match alternative", a)
        try:
            decls, pats = self.elab_patterns(patterns, xs)
        except LeanError as err:
            types = [meta.inductive_of(x.type) for x in xs]
            if any(found is not None and found[3] for found in types):  # needs unification
                raise Declined("pattern for a dependent family", a) from err
            raise
        ty = tm.instantiate_rev(tm.abstract(body, [x.fvar for x in xs]), pats)
        again, ty = meta.forall_locals(ty, max=len(gen), reducing=False)
        with meta.with_lctx(meta.lctx.erase([d.id for d in gen]).add(*decls, *again)):
            rhs = self.term_ensuring(a.rhs, ty)
            self.synthesize("yes")
            return Alt(name, decls, pats, meta.mk_lambda([d.fvar for d in again], rhs), a)

    # --- patterns: terms whose variables are locals of initially unknown type ------------------

    def elab_patterns(self, stxs, xs):
        """(pattern variables, pattern terms) for patterns of the types of the locals xs.

        Holes become anonymous variables; variables are ordered by dependency.
        """
        meta, names, pats = self.meta, self.pattern_names(stxs), []
        if len({*names}) < len(names):
            raise LeanError("Invalid pattern variable: a variable name is used twice", stxs[0])
        with self.mode(pending=[]), self.mode(err_to_sorry=False), meta.with_lctx(meta.lctx):
            decls = [meta.push_local(n, meta.mk_type_mvar()) for n in names]
            for stx, x in zip(stxs, xs, strict=True):
                known = [y.fvar for y in xs[:len(pats)]]
                ty = tm.instantiate_rev(tm.abstract(x.type, known), pats)
                pats.append(self.term_ensuring(stx, ty))
                self.synthesize("yes")
            self.synthesize("no")
        order = []

        def close(e):
            for i in meta.mvars_in(e):
                close(meta.decls[i].type)
                if not meta.is_assigned(i):
                    order.append(meta.mk_local("x✝", meta.inst(meta.decls[i].type)))
                    meta.assign_mvar(i, order[-1].fvar)
        for d in decls:
            close(d.type)
            d.type = meta.inst(d.type)
            d.cls = meta.class_name(d.type)
            order.append(d)
        for p in pats:
            close(p)
        return order, [meta.inst(p) for p in pats]

    def pattern_names(self, stx):
        """The names of the variables in a pattern (or a list of patterns).

        Raises LeanError for what is no pattern, Declined for what is not known as one.
        """
        if isinstance(stx, list):
            return [name for part in stx for name in self.pattern_names(part)]
        parts = PARTS.get(stx.op if isinstance(stx, sx.BinOp) else type(stx))
        if parts is None:
            raise Declined(f"pattern {type(stx).__name__}", stx)
        names = self.pattern_names([getattr(stx, part) for part in parts])
        if isinstance(stx, sx.Ident) and not self.is_pattern_const(stx):
            names = [stx.name]
        if isinstance(stx, sx.App) and self.pattern_names(stx.fn) or any("." in n for n in names):
            raise LeanError("Invalid pattern: Expected a constructor or constant marked with "
                            "`[match_pattern]`", stx)
        return names

    def is_pattern_const(self, stx):
        """Does the identifier name a constructor or a match_pattern constant?"""
        meta = self.meta
        found, rest = self.resolve_global(stx.name)
        return not rest and any(type(meta.env.get(n)) is ConstructorDecl
                                or n in meta.ext.match_pattern for n in found)
