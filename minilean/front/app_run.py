"""One application being elaborated: implicit, instance, named and explicit arguments in turn.

Follows Lean 4's `ElabAppArgs` (`Lean/Elab/App.lean`).
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.scope import Arg, Pending
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import App, MVar, Pi


class AppRun:
    """One application being elaborated (Lean's ElabAppArgs)."""

    def __init__(self, elab, f, named, args, expected, explicit, ellipsis, stx):
        self.elab, self.meta = elab, elab.meta
        self.f, self.ty = f, self.meta.infer(f)
        self.named, self.args = list(named), list(args)
        self.expected, self.explicit = expected, explicit
        self.ellipsis, self.stx = ellipsis, stx
        self.insts, self.eta = [], []
        self.propagated = expected is None
        self.started = False  # an argument has been elaborated: too late to postpone

    def run(self):
        meta = self.meta
        while True:
            ty = self.ty
            if type(ty) is not Pi:
                ty = meta.whnf_core(meta.inst(ty))
                if type(ty) is not Pi:
                    if not self.args and not self.named:
                        self.ty = ty
                        break
                    ty = self.expose_pi(ty)
                self.ty = ty
            named = self.take_named(ty.name)
            if named is not None:
                self.add_arg(ty, named.value if isinstance(named.value, Arg)
                             else Arg(stx=named.value))
            elif ty.info == "default" or self.explicit:
                if not self.explicit_arg(ty):
                    break
            elif ty.info == "strict":
                if not self.args and not self.named:
                    break
                self.add_mvar(ty)
            elif ty.info == "inst":
                self.add_inst(ty)
            else:
                self.add_mvar(ty)
        return self.finish()

    def take_named(self, name):
        for i, n in enumerate(self.named):
            if n.name == name:
                return self.named.pop(i)
        return None

    def expose_pi(self, ty):
        """ty as a Pi after unfolding; LeanError when it is no function type."""
        meta, elab = self.meta, self.elab
        new = meta.whnf(ty)
        if type(new) is Pi:
            return new
        if type(tm.get_app_fn(new)) is MVar:
            self.flush_insts()
            elab.synthesize("yes")
            newer = meta.whnf(meta.inst(new))
            if type(newer) is Pi:
                return newer
            if type(tm.get_app_fn(newer)) is MVar:
                if elab.may_postpone and not self.started:
                    raise Postpone
            new = newer
        if self.named:
            n = self.named[0]
            raise LeanError(f"Invalid argument name `{n.name}` for function `{meta.pp(self.f)}`", n)
        raise LeanError(f"Function expected at\n  {meta.pp(self.f)}\nbut this term has type\n  "
                        f"{meta.pp(new)}", self.stx)

    def add(self, value):
        self.f = App(self.f, value)
        self.ty = tm.instantiate(self.ty.body, value)

    def add_mvar(self, ty):
        m = self.meta.mk_mvar(ty.type)
        self.add(m)

    def add_inst(self, ty):
        m = self.meta.mk_mvar(ty.type, "synthetic")
        self.insts.append(m)
        self.add(m)

    def explicit_arg(self, ty):
        """Consume one explicit argument; False when there are none left."""
        meta = self.meta
        if self.args:
            if self.args[0].term is None and not isinstance(
                    self.args[0].stx, (sx.Hole, sx.SynthHole)):
                self.propagate()
            ty = self.ty if type(self.ty) is Pi else ty
            self.add_arg(ty, self.args.pop(0))
            return True
        if not self.explicit and is_app_of(ty.type, "optParam", 2):
            self.add(ty.type.arg)
            return True
        if self.named:
            if not any(n.name == x for n in self.named for x in self._later_names(ty.body)):
                n = self.named[0]
                raise LeanError(f"Invalid argument name `{n.name}` for function "
                                f"`{meta.pp(tm.get_app_fn(self.f))}`", n)
            if self._named_depends(ty):
                self.add_mvar(ty)
                return True
            d = meta.mk_local(ty.name, ty.type, ty.info)
            meta.lctx = meta.lctx.add(d)
            self.eta.append(d)
            self.add(d.fvar)
            return True
        if self.ellipsis:
            self.add_mvar(ty)
            return True
        self._decline_late_defaults(ty.body)
        return False

    def _decline_late_defaults(self, ty):
        """A partial application in front of an optional argument would be eta-expanded."""
        while type(ty) is Pi and not self.explicit:
            if is_app_of(ty.type, "optParam", 2):
                raise Declined("partial application with optional arguments", self.stx)
            ty = ty.body

    def _later_names(self, ty):
        names = []
        for _ in range(64):
            if type(ty) is not Pi:
                new = self.meta.whnf_core(ty) if not ty.loose else ty
                if type(new) is not Pi:
                    break
                ty = new
            names.append(ty.name)
            ty = ty.body
        return names

    def _named_depends(self, ty):
        """Does the type of a named argument's binder mention this binder?"""
        wanted = {n.name for n in self.named}
        t, i = ty.body, 0
        while type(t) is Pi:
            if t.name in wanted and has_loose_bvar(t.type, i):
                return True
            t, i = t.body, i + 1
        return False

    def add_arg(self, ty, arg):
        meta, elab = self.meta, self.elab
        dom = meta.head_beta(ty.type)
        if is_app_of(dom, "optParam", 2):
            dom = dom.fn.arg
        if arg.term is not None:
            value = arg.term
            vty = meta.infer(value)
            if vty is not dom and not meta.is_def_eq(dom, vty):
                coerced = elab.coerce(value, meta.inst(vty), meta.inst(dom), self.stx)
                if coerced is None:
                    raise self.mismatch(value, vty, dom, self.stx)
                value = coerced
        else:
            value = self.elab_arg(arg.stx, dom)
        self.started = True
        self.add(value)

    def elab_arg(self, stx, dom):
        meta, elab = self.meta, self.elab
        value = elab.term(stx, dom)
        vty = meta.infer(value)
        if vty is dom or meta.is_def_eq(dom, vty):
            return value
        coerced = elab.coerce(value, meta.inst(vty), meta.inst(dom), stx)
        if coerced is not None:
            return coerced
        raise self.mismatch(value, vty, dom, stx)

    def mismatch(self, value, vty, dom, stx):
        pp = self.meta.pp
        return LeanError(f"Application type mismatch: The argument\n  {pp(value)}\nhas type\n  "
                         f"{pp(vty)}\nbut is expected to have type\n  {pp(dom)}\n"
                         f"in the application\n  {pp(App(self.f, value))}", stx)

    def propagate(self):
        """Unify the expected type with the result type before elaborating explicit arguments."""
        if self.propagated:
            return
        meta = self.meta
        expected = meta.inst(self.expected)
        if type(tm.get_app_fn(expected)) is MVar or self.ellipsis or self.eta:
            self.propagated = True
            return
        self.propagated = True
        ty, n = self.ty, len(self.args)
        depth = 0
        named = {x.name for x in self.named}
        while n or (type(ty) is Pi and ty.info != "default" and not self.explicit):
            if type(ty) is not Pi:
                return
            if ty.name in named:
                named.discard(ty.name)
            elif ty.info == "default" or self.explicit:
                n -= 1
            ty = ty.body
            depth += 1
        if named or ty.loose:
            return
        if self._has_out_params(ty):
            return
        meta.is_def_eq(expected, ty)

    def _has_out_params(self, ty):
        """Is the result type an output parameter of a pending instance (as for a + b)?"""
        meta = self.meta
        if type(ty) is not MVar:
            return False
        for m in self.insts:
            ity = meta.decls[m.id].type
            cls = meta.class_name(ity)
            outs = meta.ext.classes.get(cls, ())
            args = tm.get_app_fn_args(ity)[1]
            if any(i < len(args) and args[i] is ty for i in outs):
                return True
        return False

    def flush_insts(self):
        """Synthesise what can be synthesised; the rest becomes pending."""
        elab = self.elab
        for m in self.insts:
            if not elab._try_inst(m):
                elab.pending.append(Pending("inst", m, self.stx, self.meta.lctx,
                                            elab.err_to_sorry))
        self.insts = []

    def finish(self):
        meta = self.meta
        if self.eta:
            self.flush_insts()
            e = meta.mk_lambda([d.fvar for d in self.eta], self.f)
            meta.lctx = meta.lctx.erase([d.id for d in self.eta])
            return e
        if self.expected is not None:
            meta.is_def_eq(self.expected, self.ty)
        if self.insts:
            self.flush_insts()
        return meta.inst(self.f)
