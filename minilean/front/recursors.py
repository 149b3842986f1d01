"""What is defined from the recursor `I.rec`: recOn, and on first need below and brecOn.

Follows Lean 4's `Lean/AuxRecursor.lean` and `Lean/Meta/Constructions/{RecOn,BRecOn}.lean`; casesOn
is declined by name. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined
from minilean.front.meta import Meta
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import Const, Pi, Proj, Sort


def add_rec_on(cmds, name):
    """Defines name.recOn."""
    ext, full = cmds.own_ext(), f"{name}.recOn"
    maker = Maker(Meta(cmds.state.env, ext), name)
    make = TheoremDecl if maker.into_prop else DefDecl
    cmds.add_decl(make(full, maker.levels, *maker.rec_on()))
    for table in ("reducible", "protected", "elab_as_elim"):
        ext.own(table).add(full)
    ext.own("protected").add(f"{name}.rec")


def ensure_below(meta, name):
    """(I.below, I.brecOn) for the inductive type `name`, declared if they are not yet."""
    below, brec = f"{name}.below", f"{name}.brecOn"
    if brec not in meta.env:
        maker = Maker(meta, name)
        if maker.into_prop:
            raise Declined(f"recursion over the proposition {name}")
        meta.ext = meta.ext.child()
        for full, make in ((below, maker.below), (brec, maker.brec_on)):
            meta.env = meta.env.add(DefDecl(full, maker.levels, *make()))
            meta.ext.own("reducible").add(full)
            meta.ext.own("protected").add(full)
    return below, brec


class Maker:
    """Opens the recursor's telescope once and builds (type, value) of a definition from it."""

    def __init__(self, meta, name):
        rec = meta.env.lookup(f"{name}.rec")
        self.meta, self.name, self.levels = meta, name, rec.level_params
        self.into_prop = rec.level_params == meta.env.lookup(name).level_params
        self.us = tuple([lv.param(u) for u in rec.level_params])
        self.up = None if self.into_prop else lv.make("max", lv.ONE, self.us[0])  # of I.below
        decls, self.goal = meta.forall_locals(rec.type, reducing=False)
        n = rec.num_params
        for d in [*decls[:n + 1], *decls[rec.num_fixed:-1]]:
            d.bi = "implicit"
        fvars = [d.fvar for d in decls]
        self.params, self.motive, self.minors = fvars[:n], fvars[n], fvars[n + 1:rec.num_fixed]
        self.targets = fvars[rec.num_fixed:]

    def rec(self, level, motive, minor):
        """The recursor for a motive into Sort `level`, with minor(hyps, goal) for each minor
        premise. hyps: (induction hypothesis, its arguments xs, `motive … (field xs)`)."""
        meta, minors = self.meta, []
        for x in self.minors:
            decls, goal = meta.forall_locals(meta.fvars[x.id].type, reducing=False)
            hyps = []
            for d in decls:
                xs, at = meta.forall_locals(d.type, reducing=False)
                if tm.get_app_fn(at) is self.motive:
                    d.type = tm.instantiate(tm.abstract(d.type, [self.motive]), motive)
                    hyps.append((d.fvar, [y.fvar for y in xs], at))
            minors.append(meta.mk_lambda([d.fvar for d in decls], minor(hyps, goal)))
        return self.applied((level, *self.us[1:]), motive, minors)

    def applied(self, levels, motive, minors):
        """The recursor applied to all its arguments."""
        return tm.mk_app(Const(f"{self.name}.rec", levels), *self.params, motive, *minors,
                         *self.targets)

    def closed(self, ty, value, *more):
        """(type, value) as functions of the parameters, the motive, the targets and `more`."""
        binders = [*self.params, self.motive, *self.targets, *more]
        return self.meta.mk_pi(binders, ty), self.meta.mk_lambda(binders, value)

    def rec_on(self):
        """The recursor with the major premise before the minor ones."""
        value = self.applied(self.us, self.motive, self.minors)
        return self.closed(self.goal, value, *self.minors)

    # --- below, brecOn --------------------------------------------------------------------------

    def below(self):
        """I.below t: the product of `motive s ×' I.below s` for the s that t is made from."""
        meta, sort = self.meta, Sort(self.up)

        def minor(hyps, _):
            types = [meta.mk_pi(xs, self.pair(at, tm.mk_app(ih, *xs))) for ih, xs, at in hyps]
            return self.product(types, types)[0]
        value = self.rec(lv.succ(self.up), meta.mk_lambda(self.targets, sort), minor)
        return self.closed(sort, value)

    def brec_on(self):
        """I.brecOn t F : motive t, for F t (f : I.below t) : motive t."""
        meta, goal = self.meta, self.goal
        step_type = meta.mk_pi(self.targets, Pi("f", self.below_of(goal), goal))
        step = meta.mk_local("F_1", step_type).fvar

        def minor(hyps, at):
            types = [meta.mk_pi(xs, self.pair(s, self.below_of(s))) for _, xs, s in hyps]
            _, smaller = self.product(types, [ih for ih, _, _ in hyps])
            value = tm.mk_app(step, *tm.get_app_fn_args(at)[1], smaller)
            return tm.mk_app(Const("PProd.mk", (self.us[0], self.up)), at, self.below_of(at),
                             value, smaller)
        motive = meta.mk_lambda(self.targets, self.pair(goal, self.below_of(goal)))
        return self.closed(goal, Proj("PProd", 0, self.rec(self.up, motive, minor)), step)

    def below_of(self, at):
        """I.below for the same indices and value as in `at`, an application of the motive."""
        return tm.mk_app(Const(f"{self.name}.below", self.us), *self.params, self.motive,
                         *tm.get_app_fn_args(at)[1])

    def pair(self, a, b):
        return tm.mk_app(Const("PProd", (self.us[0], self.up)), a, b)

    def product(self, types, terms):
        """(t₁ ×' (t₂ ×' … PUnit), ⟨e₁, e₂, …, ⟨⟩⟩)"""
        u = self.up
        ty, value = Const("PUnit", (u,)), Const("PUnit.unit", (u,))
        for t, e in reversed(list(zip(types, terms, strict=True))):
            value = tm.mk_app(Const("PProd.mk", (u, u)), t, ty, e, value)
            ty = tm.mk_app(Const("PProd", (u, u)), t, ty)
        return ty, value


def conclusion(ty):
    """What stands behind the arrows of ty (with loose variables)."""
    while type(ty) is Pi:
        ty = ty.body
    return ty
