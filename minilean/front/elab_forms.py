"""Binders and the simple term forms: fun, ∀, holes, sorts, numerals, have, let, show, …

Follows Lean 4's `Lean/Elab/{Binders,BuiltinTerm,BuiltinNotation}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.build import NAT
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
        if b.info == "inst" and meta.class_name(meta.inst(ty)) is None \
                and not self.is_unknown(ty) \
                and self.scope.options.get("checkBinderAnnotations", True):
            raise LeanError(f"invalid binder annotation, type is not a class instance\n"
                            f"  {meta.pp(ty)}", b.type)
        if isinstance(b.default, sx.By):
            raise Declined("automatic arguments", b)
        default = b.default and self.elab_term_ensuring(b.default, ty)
        d = self._push(b, name, ty)
        self.opt_params[d.id] = default
        return d

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
        meta, fvars = self.meta, []
        with meta.with_lctx(meta.lctx):
            for b, name in [(group, n) for group in stx.binders for n in group.names]:
                pi = None if expected is None else meta.whnf(meta.inst(expected))
                dom = pi.type if type(pi) is tm.Pi else None
                if b.type is None or isinstance(b.type, sx.Hole):
                    ty = self.type_or_new(dom)
                else:
                    ty = self.type_term(b.type)
                    if dom is not None:
                        meta.is_def_eq(ty, dom)  # a mismatch is reported for the whole lambda
                d = self._push(b, name, meta.inst(ty))
                fvars.append(d.fvar)
                expected = None if dom is None else tm.instantiate(pi.body, d.fvar)
            e = self.term_ensuring(stx.body, expected)
            self.synthesize("yes")
            return meta.mk_lambda(fvars, e)

    # --- holes, sorts, numerals, ascriptions ----------------------------------------------------

    def elab_hole(self, stx, expected):
        m = self.meta.mk_mvar(self.type_or_new(expected))
        self.hole_stx[m.id] = stx
        return m

    def elab_synthhole(self, stx, expected):
        meta, ours = self.meta, self.meta.lctx
        for i, d in meta.decls.items() if stx.name is not None else ():
            if d.name == stx.name and d.kind == "opaque" and all(
                    x.id in ours for x in d.lctx.decls):
                if i < self.tactic_start:
                    raise Declined(f"the goal ?{stx.name} in a term", stx)
                return tm.MVar(i)
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
        if stx[0] == "add":
            return numeral_level(stx[2], self.level(stx[1]))
        *parts, out = [self.level(x) for x in stx[1]]
        for u in reversed(parts):
            out = lv.make(stx[0], u, out)
        return out

    def elab_num(self, stx, expected):
        meta, lit = self.meta, tm.Lit(stx.value)
        ty = meta.inst(self.type_or_new(expected))
        if ty is NAT:
            return meta.mk_nat(stx.value)
        u = meta.mk_level_mvar()
        if not meta.is_def_eq(meta.sort_of(ty), tm.Sort(lv.succ(u))):
            raise LeanError(f"failed to synthesize\n  OfNat ({meta.pp(ty)}) {stx.value}", stx)
        inst = self.inst_mvar(tm.mk_app(tm.Const("OfNat", (u,)), ty, lit), stx)
        return tm.mk_app(tm.Const("OfNat.ofNat", (u,)), ty, lit, inst)

    def elab_str(self, stx, expected):
        raise Declined("string literals", stx)

    def elab_paren(self, stx, expected):
        return self.term(stx.term, expected)

    def elab_ascription(self, stx, expected):
        if stx.type is None:
            return self.elab_term(stx.term)
        ty = self.type_term(stx.type)
        self.synthesize("yes")
        return self.term_ensuring(stx.term, self.meta.inst(ty))

    def elab_sorry(self, stx, expected):
        ty = self.type_or_new(expected)
        self.sorries.append((stx, self.meta.lctx, ty))
        return self.meta.mk_sorry(ty)

    def elab_cdot(self, stx, expected):
        raise LeanError("invalid occurrence of `·` notation, it must be surrounded by "
                        "parentheses (e.g. `(· + 1)`)", stx)

    # --- local definitions and proofs -----------------------------------------------------------

    def elab_show(self, stx, expected):
        """show T from e / show T by tac: as Lean's `let_fun this : T := e; this` or (e : T)."""
        meta, ty = self.meta, self.type_term(stx.type)
        meta.is_def_eq(ty, self.type_or_new(expected))
        value = self.term_ensuring(stx.value, meta.inst(ty))
        if isinstance(stx.value, sx.By):
            return value
        return tm.App(tm.Lam("this", meta.inst(ty), tm.BVar(0)), value)

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

    def elab_suffices(self, stx, expected):
        """suffices h : T from v; b = have h : T := b; v."""
        return self.elab_have(sx.Have(stx.pos, stx.end, stx.name, [], stx.type, stx.body,
                                      stx.value), expected)

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
