"""`I.below` and `I.brecOn`: what structural recursion over I may use, built on first need.

Follows Lean 4's `Lean/Meta/Constructions/BRecOn.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import Const, Lam, Pi, Proj, Sort


def ensure_below(meta, name):
    """(I.below, I.brecOn) for the inductive type `name`, declared if they are not yet."""
    below, brec = f"{name}.below", f"{name}.brecOn"
    if brec not in meta.env:
        rec = meta.env.lookup(f"{name}.rec")
        if rec.level_params == meta.env.lookup(name).level_params:
            raise Declined(f"recursion over the proposition {name}")
        maker = Maker(meta, rec, name)
        meta.env = meta.env.add(DefDecl(below, maker.levels, *maker.below()))
        meta.ext = meta.ext.child()
        meta.ext.own("reducible").add(below)
        meta.env = meta.env.add(DefDecl(brec, maker.levels, *maker.brec_on()))
        meta.ext.own("reducible").add(brec)
        meta.ext.own("protected").update((below, brec))
    return below, brec


class Maker:
    """Opens the recursor's telescope once and builds both definitions from it."""

    def __init__(self, meta, rec, name):
        self.meta, self.rec, self.name = meta, rec, name
        self.levels = rec.level_params
        self.u = lv.param(rec.level_params[0])
        self.up = lv.make("max", lv.ONE, self.u)
        decls, _ = meta.forall_locals(rec.type, reducing=False)
        p, m = rec.num_params, len(rec.rules)
        self.params, self.motive = decls[:p], decls[p]
        self.minors = decls[p + 1:p + 1 + m]
        self.targets = decls[p + 1 + m:]
        for d in [*self.params, self.motive, *self.targets[:-1]]:
            d.bi = "implicit"
        self.type_levels = tuple(lv.param(u) for u in rec.level_params[1:])

    def fields(self, minor):
        """(fields, [(field, hypothesis local)]) of a minor premise."""
        decls, body = self.meta.forall_locals(minor.type, reducing=False)
        plain, hyps = [], []
        for d in decls:
            t = d.type
            while type(t) is Pi:
                t = t.body
            if tm.get_app_fn(t) is self.motive.fvar:
                hyps.append(d)
            else:
                plain.append(d)
        return plain, hyps, body

    def pprod(self, a, b):
        return tm.mk_app(Const("PProd", (self.u, self.up)), a, b)

    def chain(self, parts):
        """p₁ ×' (p₂ ×' … PUnit), and for each part its universe is max 1 u."""
        out = Const("PUnit", (self.up,))
        for part in reversed(parts):
            out = tm.mk_app(Const("PProd", (self.up, self.up)), part, out)
        return out

    def rec_app(self, level, motive, minors):
        f = Const(self.rec.name, (level, *self.type_levels))
        return tm.mk_app(f, *[d.fvar for d in self.params], motive, *minors,
                         *[d.fvar for d in self.targets])

    def below(self):
        """(type, value) of I.below."""
        meta = self.meta
        targets = [d.fvar for d in self.targets]
        sort = Sort(self.up)
        minors = []
        for minor in self.minors:
            plain, hyps, _ = self.fields(minor)
            locals_, parts = [], []
            for h in hyps:
                args, motive_app = meta.forall_locals(h.type, reducing=False)
                xs = [a.fvar for a in args]
                ih = meta.mk_local(h.name, meta.mk_pi(xs, sort))
                locals_.append(ih)
                parts.append(meta.mk_pi(xs, self.pprod(motive_app, tm.mk_app(ih.fvar, *xs))))
            fvars = [d.fvar for d in [*plain, *locals_]]
            minors.append(meta.mk_lambda(fvars, self.chain(parts)))
        value = self.rec_app(lv.succ(self.up), meta.mk_lambda(targets, sort), minors)
        binders = [*[d.fvar for d in [*self.params, self.motive]], *targets]
        return meta.mk_pi(binders, sort), meta.mk_lambda(binders, value)

    def brec_on(self):
        """(type, value) of I.brecOn."""
        meta = self.meta
        targets = [d.fvar for d in self.targets]
        pvars = [d.fvar for d in [*self.params, self.motive]]
        below = Const(f"{self.name}.below", (self.u, *self.type_levels))

        def below_at(args):
            return tm.mk_app(below, *pvars, *args)
        at = tm.mk_app(self.motive.fvar, *targets)
        f_ty = meta.mk_pi(targets, Pi("f", below_at(targets), tm.lift(at, 1)))
        fn = meta.mk_local("F_1", f_ty)
        pair_motive = meta.mk_lambda(targets, self.pprod(at, below_at(targets)))
        minors = [self._brec_minor(m, fn, below_at) for m in self.minors]
        rec = self.rec_app(self.up, pair_motive, minors)
        value = Proj("PProd", 0, rec)
        binders = [*pvars, *targets, fn.fvar]
        return meta.mk_pi(binders, at), meta.mk_lambda(binders, value)

    def _brec_minor(self, minor, fn, below_at):
        meta = self.meta
        plain, hyps, body = self.fields(minor)
        indices = tm.get_app_fn_args(body)[1]
        locals_, parts, types = [], [], []
        for h in hyps:
            args, motive_app = meta.forall_locals(h.type, reducing=False)
            xs = [a.fvar for a in args]
            ih_ty = meta.mk_pi(xs, self.pprod(motive_app,
                                              below_at(tm.get_app_fn_args(motive_app)[1])))
            ih = meta.mk_local(h.name, ih_ty)
            locals_.append(ih)
            parts.append(ih.fvar)
            types.append(ih_ty)
        tuple_ = Const("PUnit.unit", (self.up,))
        rest_ty = Const("PUnit", (self.up,))
        for part, ty in zip(reversed(parts), reversed(types), strict=False):
            tuple_ = tm.mk_app(Const("PProd.mk", (self.up, self.up)), ty, rest_ty, part, tuple_)
            rest_ty = tm.mk_app(Const("PProd", (self.up, self.up)), ty, rest_ty)
        first = tm.mk_app(fn.fvar, *indices, tuple_)
        at = tm.mk_app(self.motive.fvar, *indices)
        pair = tm.mk_app(Const("PProd.mk", (self.u, self.up)), at, below_at(indices), first,
                         tuple_)
        return meta.mk_lambda([d.fvar for d in [*plain, *locals_]], pair)


__all__ = ["Lam", "ensure_below"]
