"""Applications of recursors whose motive is found from the expected type (Lean's elab_as_elim).

Follows `Lean.Elab.App` (ElabElim): the major premises are elaborated first, the motive abstracts
them in the expected type, then the other arguments are elaborated.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import RecursorDecl
from minilean.kernel.term import Const, Pi


class ElimMixin:
    """Mixed into `TermElab`."""

    def wants_elim(self, f, call):
        """Is f an eliminator whose motive must be computed?"""
        if type(f) is not Const or call.explicit:
            return False
        if f.name not in self.meta.ext.elab_as_elim \
                and type(self.meta.env.get(f.name)) is not RecursorDecl:
            return False
        return not any(n.name == "motive" for n in call.named)

    def elim_shape(self, f):
        """(binder list, motive position, target positions) of an eliminator's type."""
        binders, ty = [], self.meta.infer(f)
        while type(ty) is Pi:
            binders.append(ty)
            ty = ty.body
        head, targets = tm.get_app_fn_args(ty)
        n = len(binders)
        if type(head) is not tm.BVar:
            raise Declined("eliminator without a motive")
        return binders, n - 1 - head.idx, [n - 1 - t.idx for t in targets
                                           if type(t) is tm.BVar]

    def elab_elim(self, f, call):
        """The eliminator applied: major premises, motive, then the other arguments."""
        meta, stx = self.meta, call.stx
        binders, motive_at, targets = self.elim_shape(f)
        given, extra = self._align(binders, call)
        if any(i not in given for i, b in enumerate(binders) if b.info == "default"):
            raise Declined("partially applied eliminator", stx)
        self.wait_for(call.expected)
        if self.is_unknown(call.expected):
            raise LeanError("failed to elaborate eliminator, expected type is not available", stx)
        if extra:
            raise Declined("eliminator with extra arguments", stx)
        mvars, _, _ = meta.forall_meta(meta.infer(f), reducing=False)
        for i in targets:
            if i in given:
                self._elim_arg(mvars[i], given[i])
        self.synthesize("yes")
        self._assign_motive(mvars[motive_at], [mvars[i] for i in targets], call.expected, stx)
        for i in sorted(given.keys() - set(targets)):
            self._elim_arg(mvars[i], given[i])
        for m, b in zip(mvars, binders, strict=True):
            if b.info == "inst" and not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, self.inst_mvar(meta.decls[m.id].type, stx))
        return meta.inst(tm.mk_app(f, *mvars))

    def _align(self, binders, call):
        """({binder position: Arg} for the arguments given, surplus arguments)."""
        given, rest = {}, list(call.args)
        names = {n.name: n.value for n in call.named}
        for i, b in enumerate(binders):
            if b.name in names:
                given[i] = names.pop(b.name)
            elif b.info == "default" and rest:
                given[i] = rest.pop(0)
        if names:
            raise LeanError(f"Invalid argument name `{next(iter(names))}`", call.stx)
        return given, rest

    def _elim_arg(self, m, arg):
        meta = self.meta
        dom = meta.head_beta(meta.inst(meta.decls[m.id].type))
        value = self.term_ensuring(arg.stx, dom) if arg.term is None else \
            self.ensure_type(arg.term, dom)
        if not self.assign_or_unify(m, value):
            raise LeanError("eliminator argument does not fit its type", arg.stx)

    def _assign_motive(self, motive, targets, expected, stx):
        """motive := fun targets => expected with the targets abstracted."""
        meta = self.meta
        if motive.id in meta.assign:
            return
        body = meta.inst(expected)
        if any(self.is_unknown(t) for t in targets):
            raise Declined("eliminator with an unknown major premise", stx)
        fvars, mty = [], meta.inst(meta.decls[motive.id].type)
        for _ in targets:
            mty = meta.expect_pi(mty)
            fvars.append(meta.mk_local(mty.name, mty.type).fvar)
            mty = tm.instantiate(mty.body, fvars[-1])
        for t, x in reversed(list(zip(targets, fvars, strict=True))):
            body = tm.instantiate(meta.kabstract(body, meta.inst(t)), x)
        if not meta.is_def_eq(motive, meta.mk_lambda(fvars, body)):
            raise LeanError("motive is not type correct", stx)
