"""Applications of recursors whose motive is found from the expected type (Lean's elab_as_elim).

Follows `Lean.Elab.App` (ElabElim): the major premises are elaborated first, the motive abstracts
them in the expected type, then the other arguments are elaborated.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.scope import Arg
from minilean.kernel import term as tm
from minilean.kernel.env import RecursorDecl
from minilean.kernel.term import MVAR, Const, Lam, MVar, Pi


class ElimMixin:
    """Mixed into `TermElab`."""

    def wants_elim(self, f, named, args, expected, explicit):
        """Is f an eliminator whose motive must be computed?"""
        if type(f) is not Const or explicit:
            return False
        if f.name not in self.meta.ext.elab_as_elim:
            if type(self.meta.env.get(f.name)) is not RecursorDecl:
                return False
        return not any(n.name == "motive" for n in named)

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

    def elab_elim(self, f, named, args, expected, stx):
        meta = self.meta
        binders, motive_at, targets = self.elim_shape(f)
        given = self._align(binders, named, args, stx)
        extra = args[sum(b.info == "default" for i, b in enumerate(binders)):]
        if any(i not in given for i, b in enumerate(binders) if b.info == "default"):
            raise Declined("partially applied eliminator", stx)
        if expected is None or type(tm.get_app_fn(meta.inst(expected))) is MVar:
            if self.may_postpone:
                raise Postpone
            raise LeanError("failed to elaborate eliminator, expected type is not available", stx)
        if extra:
            raise Declined("eliminator with extra arguments", stx)
        mvars, ty = [], meta.infer(f)
        for b in binders:
            kind = "synthetic" if b.info == "inst" else "natural"
            mvars.append(meta.mk_mvar(ty.type, kind, b.name))
            ty = tm.instantiate(ty.body, mvars[-1])
        for i in targets:
            if i in given:
                self._elim_arg(mvars[i], given[i])
        self.synthesize("yes")
        self._assign_motive(mvars[motive_at], [mvars[i] for i in targets], expected, stx)
        for i in range(len(binders)):
            if i in given and i not in targets:
                self._elim_arg(mvars[i], given[i])
        for i, b in enumerate(binders):
            if b.info == "inst" and not meta.is_assigned(mvars[i].id):
                meta.assign_mvar(mvars[i].id, self.inst_mvar(meta.decls[mvars[i].id].type, stx))
        return meta.inst(tm.mk_app(f, *mvars))

    def _align(self, binders, named, args, stx):
        """{binder position: Arg or syntax} for the arguments given."""
        given, rest = {}, list(args)
        names = {n.name: n for n in named}
        for i, b in enumerate(binders):
            if b.name in names:
                n = names.pop(b.name)
                given[i] = n.value if isinstance(n.value, Arg) else Arg(stx=n.value)
            elif b.info == "default" and rest:
                given[i] = rest.pop(0)
        if names:
            raise LeanError(f"Invalid argument name `{next(iter(names))}`", stx)
        return given

    def _elim_arg(self, m, arg):
        meta = self.meta
        dom = meta.head_beta(meta.inst(meta.decls[m.id].type))
        value = arg.term
        if value is None:
            value = self.term_ensuring(arg.stx, dom)
        if m.id in meta.assign:
            if not meta.is_def_eq(m, value):
                raise LeanError("eliminator argument does not fit its type", arg.stx)
            return
        if not meta.is_def_eq(dom, meta.infer(value)):
            raise LeanError(self.mismatch_text(value, meta.infer(value), dom), arg.stx)
        if m.id not in meta.assign:
            meta.assign_mvar(m.id, value)

    def _assign_motive(self, motive, targets, expected, stx):
        """motive := fun targets => expected with the targets abstracted."""
        meta = self.meta
        if motive.id in meta.assign:
            return
        body = meta.inst(expected)
        targets = [meta.inst(t) for t in targets]
        if any(t.flags & MVAR and type(tm.get_app_fn(t)) is MVar for t in targets):
            raise Declined("eliminator with an unknown major premise", stx)
        fvars, lctx = [], meta.lctx
        mty = meta.inst(meta.decls[motive.id].type)
        for _ in targets:
            mty = meta.expect_pi(mty)
            d = meta.mk_local(mty.name, mty.type)
            fvars.append(d.fvar)
            mty = tm.instantiate(mty.body, d.fvar)
        for t, x in reversed(list(zip(targets, fvars, strict=False))):
            body = tm.instantiate(meta.kabstract(body, t), x)
        value = self._close_motive(body, fvars)
        meta.lctx = lctx
        if not meta.is_def_eq(motive, value):
            raise LeanError("motive is not type correct", stx)

    def _close_motive(self, body, fvars):
        meta = self.meta
        value = tm.abstract(body, fvars)
        for i in range(len(fvars) - 1, -1, -1):
            d = meta.fvars[fvars[i].id]
            value = Lam(d.name, tm.abstract(d.type, fvars[:i]), value)
        return value
