"""match, fun | …, equations and let/fun patterns, compiled to auxiliary matchers.

Follows Lean 4's `Lean/Elab/Match.lean` and `Lean/Meta/Match`. Patterns are elaborated as terms; the
matcher `f.match_n` gets its value by splitting a goal `motive d₁ … dₙ` until an alternative's
patterns match its arguments. Different: the motive's universe is that of the expected type.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.matchers import Alt, MatcherRun
from minilean.front.terms import by_dependency
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import FVar, Pi

# What may stand in a pattern: node -> the fields with patterns in them.
PARTS = {sx.Paren: ("term",), sx.App: ("args",), sx.NamedArg: ("value",), sx.Tuple: ("items",),
         sx.Anon: ("items",), sx.ListLit: ("items",), sx.BinOp: ("lhs", "rhs"),
         sx.Ascription: ("term",), sx.Ident: (), sx.DotIdent: (), sx.Explicit: (),
         sx.Hole: (), sx.Num: ()}


class MatchMixin:
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

    def elab_match(self, stx, expected):
        self.wait_for(expected)
        if stx.motive is not None:
            raise Declined("match with a motive", stx)
        discrs = []
        for name, term in stx.discrs:
            if name is not None:
                raise Declined("match h : …", stx)
            e = self.term(term)
            self.synthesize("partial" if self.may_postpone else "no")
            discrs.append(self.meta.inst(e))
            self.wait_for(self.meta.infer(discrs[-1]))
        return self.match_core(discrs, stx.alts, expected, stx)

    def elab_funmatch(self, stx, expected):
        """fun | p₁, p₂ => e: introduce the arguments, then match on them."""
        return self.match_lambda(stx.alts, expected, stx)

    elab_declmatch = elab_funmatch

    def elab_nomatch(self, stx, expected):
        if stx.fun_form:
            raise Declined("nofun", stx)
        return self.match_core([self.elab_term(d) for d in stx.discrs], [], expected, stx)

    def match_lambda(self, alts, expected, stx):
        """fun x₁ … xₙ => match x₁, … with alts."""
        meta = self.meta
        self.wait_for(expected)
        expected = self.type_or_new(expected)
        fvars, ty = [], expected
        with meta.with_lctx(meta.lctx):
            while len(fvars) < len(alts[0].patterns[0]):
                ty = meta.whnf(meta.inst(ty))
                if type(ty) is not Pi:
                    raise LeanError("Too many patterns: the expected type is\n  "
                                    f"{meta.pp(expected)}", stx)
                self.wait_for(ty.type)  # what is matched on has no known type yet
                fvars.append(meta.push_local("x✝", ty.type, ty.info).fvar)
                ty = tm.instantiate(ty.body, fvars[-1])
            return meta.mk_lambda(fvars, self.match_core(fvars, alts, ty, stx))

    def elab_lambda_patterns(self, stx, expected):
        """fun ⟨a, b⟩ c => e: one binder at a time."""
        b, *rest = stx.binders
        body = replace(stx, binders=rest) if rest else stx.body
        if b.pattern is None:
            return self.elab_lambda(sx.Lambda(stx.pos, stx.end, [b], body), expected)
        alt = sx.MatchAlt(b.pos, stx.end, [[b.pattern]], body)
        if b.type is not None:
            raise Declined("type of a pattern", b)
        return self.match_lambda([alt], expected, stx)

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
                raise LeanError("Wrong number of patterns in match alternative: Expected "
                                f"{len(discrs)}, but found {len(ps)}", a)
        extra = self._index_discrs(discrs)
        holes = [sx.Hole(stx.pos, stx.pos) for _ in extra]
        terms = [*extra, *discrs]
        xs = self._discr_locals(terms)
        ids = {e.id for e in terms if type(e) is FVar}
        gen = [d for d in meta._dependents(meta.lctx, ids)  # hypotheses that depend on these
               if d.id not in ids and d.value is None and not d.hidden] if ids else []
        body = meta.mk_pi([d.fvar for d in gen], meta.inst(expected))
        for x, e in zip(xs, terms, strict=True):
            body = tm.instantiate(meta.kabstract(body, e), x.fvar)
        done = [self._alternative([*holes, *ps], a, xs, body, gen) for ps, a in alts]
        self.synthesize("yes")
        return tm.mk_app(self._apply_matcher(terms, xs, body, done, stx), *[d.fvar for d in gen])

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

    def _alternative(self, patterns, a, xs, body, gen):
        """Elaborate one alternative's patterns, then its right-hand side."""
        meta = self.meta
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
            return Alt(decls, pats, meta.mk_lambda([d.fvar for d in again], rhs), a)

    def _apply_matcher(self, terms, xs, body, alts, stx):
        """A new matcher for the alternatives, applied to motive, discriminants and alternatives."""
        meta = self.meta
        for x in xs:
            x.type = meta.inst(x.type)
        body = meta.inst(body)
        matcher = MatcherRun(self, xs, alts, stx).declare(meta.sort_level(body))
        motive = meta.mk_lambda([x.fvar for x in xs], body)
        values = [meta.mk_lambda([d.fvar for d in a.decls], a.rhs) for a in alts]
        return tm.mk_app(matcher, motive, *terms, *values)

    # --- patterns: terms whose variables are locals of initially unknown type ------------------

    def elab_patterns(self, stxs, locals_):
        """(pattern variables, pattern terms) for patterns of the types of `locals_`."""
        meta, names = self.meta, []
        stxs = self.prepare_pattern(stxs, names)
        dup = next((n for i, n in enumerate(names) if n in names[:i]), None)
        if dup is not None:
            raise LeanError(f"Invalid pattern variable: Variable name `{dup}` was already used",
                            stxs[0])
        with self.own_pending(), self.mode(err_to_sorry=False), meta.with_lctx(meta.lctx):
            decls, pats = [meta.push_local(n, meta.mk_type_mvar()) for n in names], []
            for stx, x in zip(stxs, locals_, strict=True):
                known = [y.fvar for y in locals_[:len(pats)]]
                ty = tm.instantiate_rev(tm.abstract(x.type, known), pats)
                e = self.term(stx, ty)
                self.synthesize("yes")
                pats.append(self.ensure_type(e, ty, stx))
            self.synthesize("no")
        return self._close_patterns(decls, pats)

    def _close_patterns(self, decls, pats):
        """Holes become anonymous variables; variables are ordered by dependency."""
        meta = self.meta
        pats = [self.normal_pattern(meta.inst(p)) for p in pats]
        todo = [*pats, *[d.type for d in decls]]
        for e in todo:  # which grows by the types of the holes
            for i in meta.mvars_in(e):
                todo.append(meta.decls[i].type)
                decls.append(meta.mk_local("x✝", todo[-1]))
                meta.assign_mvar(i, decls[-1].fvar)
        for d in decls:
            d.type = meta.inst(d.type)
            d.cls = meta.class_name(d.type)
        order = by_dependency(meta, [d.fvar for d in decls])
        return [meta.fvars[x.id] for x in order], [meta.inst(p) for p in pats]

    def normal_pattern(self, e):
        """e made of constructors and variables, as far as it reduces to these (n + 1 stays)."""
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        decl = meta.head_decl(e)
        if type(decl) is ConstructorDecl:
            n = decl.num_params
            return tm.mk_app(f, *args[:n], *[self.normal_pattern(a) for a in args[n:]])
        if decl is None or meta.nat_offset(e) is not None:
            return e
        new = meta.whnf(e)
        return self.normal_pattern(new) if meta.ctor_of(new) or type(new) is FVar else e

    # --- syntax -------------------------------------------------------------------------------

    def prepare_pattern(self, stx, names):
        """stx (or a list) with inaccessible parts as holes; its variables are added to `names`."""
        if isinstance(stx, list):
            return [self.prepare_pattern(x, names) for x in stx]
        if isinstance(stx, sx.Inaccessible):
            return sx.Hole(stx.pos, stx.end)
        wrong = isinstance(stx, sx.BinOp) and stx.op not in ("::", "+", "++", "×")
        if isinstance(stx, sx.App):
            head = stx.fn.fn if isinstance(stx.fn, sx.Explicit) else stx.fn
            wrong = not isinstance(head, sx.DotIdent) and not self.is_pattern_const(head)
        elif isinstance(stx, sx.Ident) and not self.is_pattern_const(stx):
            wrong = "." in stx.name
            names.append(stx.name)
        if wrong:
            raise LeanError("Invalid pattern: Expected a constructor or constant marked with "
                            "`[match_pattern]`", stx)
        parts = PARTS.get(type(stx))
        if parts is None or isinstance(stx, sx.BinOp) and stx.op in ("++", "×"):
            raise Declined(f"pattern {type(stx).__name__}", stx)
        return replace(stx, **{part: self.prepare_pattern(getattr(stx, part), names)
                               for part in parts})

    def is_pattern_const(self, stx):
        """Is it an identifier that names a constructor or a match_pattern constant?"""
        if not isinstance(stx, sx.Ident):
            return False
        meta = self.meta
        found, rest = self.resolve_global(stx.name)
        return not rest and any(type(meta.env.get(n)) is ConstructorDecl
                                or n in meta.ext.match_pattern for n in found)
