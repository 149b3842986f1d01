"""What is defined from the recursor `I.rec`: casesOn and recOn, and on first need below and brecOn.

Follows Lean 4's `Lean/AuxRecursor.lean` and `Lean/Meta/Constructions/{CasesOn,RecOn,BRecOn}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined
from minilean.front.meta import Meta
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import Const, Pi, Proj, Sort


def add_aux_recursors(cmds, name):
    """Defines name.casesOn and name.recOn."""
    ext = cmds.own_ext()
    for suffix in ("casesOn", "recOn"):
        meta = Meta(cmds.state.env, ext)
        maker, full = Maker(meta, name), f"{name}.{suffix}"
        ty, value = maker.cases_on() if suffix == "casesOn" else maker.rec_on()
        make = TheoremDecl if maker.into_prop and meta.is_prop(ty) else DefDecl
        cmds.add_decl(make(full, maker.levels, ty, value))
        for table in ("reducible", "protected", "elab_as_elim"):
            ext.own(table).add(full)
    ext.own("casesons").add(f"{name}.casesOn")
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
        decls, _ = meta.forall_locals(rec.type, reducing=False)
        n = rec.num_params
        self.motive, self.minors = decls[n], decls[n + 1:rec.num_fixed]
        for d in [*decls[:n + 1], *decls[rec.num_fixed:-1]]:
            d.bi = "implicit"
        self.params = [d.fvar for d in decls[:n]]
        self.targets = [d.fvar for d in decls[rec.num_fixed:]]

    def rec(self, levels, motive, minors):
        return tm.mk_app(Const(f"{self.name}.rec", levels), *self.params, motive, *minors,
                         *self.targets)

    def fields(self, minor):
        """(fields, induction hypotheses, conclusion) of a minor premise."""
        decls, body = self.meta.forall_locals(minor.type, reducing=False)
        plain, hyps = [], []
        for d in decls:
            of_motive = tm.get_app_fn(conclusion(d.type)) is self.motive.fvar
            (hyps if of_motive else plain).append(d)
        return plain, hyps, body

    # --- casesOn, recOn -------------------------------------------------------------------------

    def rec_on(self):
        return self._major_first(self.minors, [d.fvar for d in self.minors])

    def cases_on(self):
        """Each minor premise without its induction hypotheses."""
        meta, minors, terms = self.meta, [], []
        for minor in self.minors:
            plain, hyps, body = self.fields(minor)
            xs = [d.fvar for d in plain]
            minors.append(meta.mk_local(minor.name, meta.mk_pi(xs, body)))
            terms.append(meta.mk_lambda([*xs, *[d.fvar for d in hyps]],
                                        tm.mk_app(minors[-1].fvar, *xs)))
        return self._major_first(minors, terms)

    def _major_first(self, minors, terms):
        """The recursor applied to `terms`, as a function that takes `minors` last."""
        meta, motive = self.meta, self.motive.fvar
        binders = [*self.params, motive, *self.targets, *[d.fvar for d in minors]]
        value = self.rec(self.us, motive, terms)
        return (meta.mk_pi(binders, tm.mk_app(motive, *self.targets)),
                meta.mk_lambda(binders, value))

    # --- below, brecOn --------------------------------------------------------------------------

    @property
    def up(self):
        """The universe of I.below."""
        return lv.make("max", lv.ONE, self.us[0])

    def below(self):
        """I.below t: the product of `motive s ×' I.below s` for the s that t is made from."""
        meta, sort = self.meta, Sort(self.up)
        minors = []
        for minor in self.minors:
            plain, hyps, _ = self.fields(minor)
            locals_, types = [d.fvar for d in plain], []
            for h in hyps:
                decls, at = meta.forall_locals(h.type, reducing=False)
                xs = [d.fvar for d in decls]
                locals_.append(meta.mk_local(h.name, meta.mk_pi(xs, sort)).fvar)
                types.append(meta.mk_pi(xs, self.pair(at, tm.mk_app(locals_[-1], *xs))))
            minors.append(meta.mk_lambda(locals_, self.product(types)))
        levels = (lv.succ(self.up), *self.us[1:])
        value = self.rec(levels, meta.mk_lambda(self.targets, sort), minors)
        binders = [*self.params, self.motive.fvar, *self.targets]
        return meta.mk_pi(binders, sort), meta.mk_lambda(binders, value)

    def brec_on(self):
        """I.brecOn t F : motive t, for F t (f : I.below t) : motive t."""
        meta, at = self.meta, tm.mk_app(self.motive.fvar, *self.targets)
        step_type = meta.mk_pi(self.targets, Pi("f", self.below_of(at), tm.lift(at, 1)))
        step = meta.mk_local("F_1", step_type).fvar
        minors = [self._brec_minor(minor, step) for minor in self.minors]
        motive = meta.mk_lambda(self.targets, self.pair(at, self.below_of(at)))
        value = Proj("PProd", 0, self.rec((self.up, *self.us[1:]), motive, minors))
        binders = [*self.params, self.motive.fvar, *self.targets, step]
        return meta.mk_pi(binders, at), meta.mk_lambda(binders, value)

    def _brec_minor(self, minor, step):
        meta = self.meta
        plain, hyps, body = self.fields(minor)
        ihs, types = [], []
        for h in hyps:
            decls, at = meta.forall_locals(h.type, reducing=False)
            types.append(meta.mk_pi([d.fvar for d in decls], self.pair(at, self.below_of(at))))
            ihs.append(meta.mk_local(h.name, types[-1]).fvar)
        smaller = self.tuple(types, ihs)
        value = tm.mk_app(step, *tm.get_app_fn_args(body)[1], smaller)
        pair = tm.mk_app(Const("PProd.mk", (self.us[0], self.up)), body, self.below_of(body),
                         value, smaller)
        return meta.mk_lambda([*[d.fvar for d in plain], *ihs], pair)

    def below_of(self, at):
        """I.below for the same indices and value as in `at`, an application of the motive."""
        return tm.mk_app(Const(f"{self.name}.below", self.us), *self.params, self.motive.fvar,
                         *tm.get_app_fn_args(at)[1])

    def pair(self, a, b):
        return tm.mk_app(Const("PProd", (self.us[0], self.up)), a, b)

    def product(self, types):
        """t₁ ×' (t₂ ×' … PUnit)"""
        out = Const("PUnit", (self.up,))
        for ty in reversed(types):
            out = tm.mk_app(Const("PProd", (self.up, self.up)), ty, out)
        return out

    def tuple(self, types, terms):
        """⟨e₁, e₂, …, ⟨⟩⟩ of type product(types)."""
        if not types:
            return Const("PUnit.unit", (self.up,))
        return tm.mk_app(Const("PProd.mk", (self.up, self.up)), types[0], self.product(types[1:]),
                         terms[0], self.tuple(types[1:], terms[1:]))


def conclusion(ty):
    """What stands behind the arrows of ty (with loose variables)."""
    while type(ty) is Pi:
        ty = ty.body
    return ty
