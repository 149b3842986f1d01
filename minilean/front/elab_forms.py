"""Binders and the simple term forms: fun, ∀, holes, sorts, numerals, have, let, …

Follows Lean 4's `Lean/Elab/{Binders,BuiltinTerm,BuiltinNotation}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.tactic_util import chosen
from minilean.front.terms import numeral_level
from minilean.kernel import level as lv
from minilean.kernel import term as tm


class FormMixin:
    """Mixed into `TermElab`."""

    # --- binders --------------------------------------------------------------------------------

    def elab_binders(self, binders, k):
        """k(list of local declarations) with the binders in scope."""
        with self.meta.with_lctx(self.meta.lctx):
            return k([self._one_binder(b, name) for b in binders for name in b.names])

    def _one_binder(self, b, name):
        meta = self.meta
        ty = meta.mk_type_mvar() if b.type is None else self.type_term(b.type)
        if b.info == "inst" and meta.class_name(meta.inst(ty)) is None and not self.is_unknown(ty) \
                and self.scope.options.get("checkBinderAnnotations", True):
            raise LeanError(f"invalid binder annotation, no class instance: {meta.pp(ty)}", b.type)
        if b.default is not None:
            raise Declined("optional or automatic arguments", b)
        return self._push(b, name, ty)

    def _push(self, b, name, ty):
        """The local for one name of the binder b, now in scope."""
        name = chosen(name, "inst" if b.info == "inst" else "x")
        return self.meta.push_local(name, ty, b.info)

    def elab_forall(self, stx, expected):
        return self.elab_binders(stx.binders, lambda decls: self.meta.mk_pi(
            [d.fvar for d in decls], self.type_term(stx.body)))

    def elab_arrow(self, stx, expected):
        a, b = self.type_term(stx.lhs), self.type_term(stx.rhs)
        return tm.Pi("a✝", a, tm.lift(b, 1))

    def elab_lambda(self, stx, expected):
        if any(b.pattern is not None for b in stx.binders):
            return self.elab_lambda_patterns(stx, expected)
        meta, fvars, ty = self.meta, [], self.type_or_new(expected)
        with meta.with_lctx(meta.lctx):
            for b, name in [(group, name) for group in stx.binders for name in group.names]:
                ty = meta.whnf(meta.inst(ty))
                known = type(ty) is tm.Pi
                domain = ty.type if known else meta.mk_type_mvar()
                given = domain if b.type is None else self.type_term(b.type)
                meta.is_def_eq(given, domain)  # a mismatch is reported for the whole lambda
                fvars.append(self._push(b, name, meta.inst(given)).fvar)
                ty = tm.instantiate(ty.body, fvars[-1]) if known else meta.mk_type_mvar()
            e = self.term_ensuring(stx.body, ty)
            self.synthesize("yes")
            return meta.mk_lambda(fvars, e)

    # --- holes, sorts, numerals, ascriptions ----------------------------------------------------

    def elab_hole(self, stx, expected):
        m = self.meta.mk_mvar(self.type_or_new(expected))
        self.hole_stx[m.id] = stx
        return m

    def elab_synthhole(self, stx, expected):
        meta, ours = self.meta, self.meta.lctx.keys()
        if stx.name is not None and any(
                d.name == stx.name and d.kind == "opaque" and ours >= d.lctx.keys()
                for d in meta.decls.values()):
            raise Declined(f"the goal ?{stx.name} in a term", stx)
        return meta.mk_mvar(self.type_or_new(expected), "opaque", stx.name or "")

    def elab_sortt(self, stx, expected):
        level = self.level(stx.level) if stx.has_level else lv.ZERO
        return tm.Sort(lv.succ(level) if stx.kind == "Type" else level)

    def level(self, stx):
        """The universe level for its syntax."""
        if stx is None:
            return self.meta.mk_level_mvar()
        if isinstance(stx, int):
            return numeral_level(stx)
        if isinstance(stx, str):
            if stx not in self.level_names:
                if not self.auto_bound:
                    raise LeanError(f"unknown universe level `{stx}`")
                self.level_names.append(stx)
            return lv.param(stx)
        if stx[0] == "+":
            return numeral_level(sum(stx[2]), self.level(stx[1]))
        kind, (first, *rest) = stx
        u = self.level(first)
        return lv.make(kind, u, self.level((kind, rest))) if rest else u

    def elab_num(self, stx, expected):
        n = sx.NamedArg(stx.pos, stx.end, "n", tm.Lit(stx.value))
        return self.apply_fn("OfNat.ofNat", named=[n], expected=expected, stx=stx)

    def elab_paren(self, stx, expected):
        return self.term(stx.term, expected)

    def elab_ascription(self, stx, expected):
        ty = self.type_term(stx.type)
        self.synthesize("yes")
        return self.term_ensuring(stx.term, self.meta.inst(ty))

    def elab_sorry(self, stx, expected):
        ty = self.type_or_new(expected)
        self.sorries.append((stx, self.meta.lctx, ty))
        return self.meta.mk_sorry(ty)

    # --- local definitions and proofs -----------------------------------------------------------

    def elab_have(self, stx, expected):
        """have x : T := v; b as (fun x : T => b) v; let x : T := v; b."""
        if stx.pattern is not None:
            return self.elab_let_pattern(stx, expected)
        meta, is_let = self.meta, isinstance(stx, sx.Let)
        value, ty = self._let_value(stx)
        if is_let:
            self.synthesize("partial")
            value, ty = meta.inst(value), meta.inst(ty)
        d = meta.mk_local(chosen(stx.name or "this", "x"), ty, value=value if is_let else None)
        with meta.with_lctx(meta.lctx.add(d)):
            e = self.term_ensuring(stx.body, expected)
            self.synthesize("no" if is_let else "yes")
            body = meta.abstracted(e, [d.fvar])
        if is_let:
            return tm.Let(d.name, ty, value, body)
        return tm.App(tm.Lam(d.name, ty, body), value)

    elab_let = elab_have

    def _let_value(self, stx):
        """(value, type) of `name binders : type := value`."""
        meta = self.meta

        def k(decls):
            fvars = [d.fvar for d in decls]
            ty = meta.mk_type_mvar() if stx.type is None else self.type_term(stx.type)
            self.synthesize("yes")
            value = self.term_ensuring(stx.value, meta.inst(ty))
            self.synthesize("yes")
            return meta.mk_lambda(fvars, value), meta.mk_pi(fvars, ty)
        return self.elab_binders(stx.binders, k)
