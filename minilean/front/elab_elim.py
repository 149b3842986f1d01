"""Applications of recursors whose motive is found from the expected type (Lean's elab_as_elim).

Follows `Lean.Elab.App` (ElabElim): the major premises are elaborated first, the motive abstracts
them in the expected type, then the other arguments are elaborated.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import RecursorDecl
from minilean.kernel.term import Const


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

    def elab_elim(self, f, call):
        """The eliminator applied: major premises, motive, then the other arguments."""
        meta, stx = self.meta, call.stx
        mvars, infos, result = meta.forall_meta(meta.infer(f), reducing=False)
        motive, indices = tm.get_app_fn_args(result)
        if motive not in mvars:
            raise Declined("eliminator without a motive")
        given, extra = self._align(mvars, infos, call)
        if any(info == "default" and m not in given for m, info in zip(mvars, infos, strict=True)):
            raise Declined("partially applied eliminator", stx)
        self.wait_for(call.expected)
        if self.is_unknown(call.expected):
            raise LeanError("failed to elaborate eliminator, expected type is not available", stx)
        if extra:
            raise Declined("eliminator with extra arguments", stx)
        majors = [m for m in indices if m in mvars]
        for m in majors:
            if m in given:
                self._elim_arg(m, given.pop(m))
        self.synthesize("yes")
        self._assign_motive(motive, majors, call.expected, stx)
        for m, arg in given.items():
            self._elim_arg(m, arg)
        for m, info in zip(mvars, infos, strict=True):
            if info == "inst" and not meta.is_assigned(m.id):
                meta.assign_mvar(m.id, self.inst_mvar(meta.decls[m.id].type, stx))
        return meta.inst(tm.mk_app(f, *mvars))

    def _align(self, mvars, infos, call):
        """({metavariable: the Arg given for it}, surplus arguments)."""
        given, rest = {}, list(call.args)
        named = {n.name: n.value for n in call.named}
        for m, info in zip(mvars, infos, strict=True):
            name = self.meta.decls[m.id].name
            if name in named:
                given[m] = named.pop(name)
            elif info == "default" and rest:
                given[m] = rest.pop(0)
        if named:
            raise LeanError(f"Invalid argument name `{next(iter(named))}`", call.stx)
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
