"""One application being elaborated: implicit, instance, named and explicit arguments in turn.

Follows Lean 4's `ElabAppArgs` (`Lean/Elab/App.lean`).
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import dataclass

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import App, MVar, Pi


@dataclass(frozen=True, slots=True)
class Call:
    """What a function is applied to: NamedArgs (their values are Args) and Args in order.

    explicit: `@f`; ellipsis: a final `..`; stx: where errors are shown.
    """

    named: list | tuple = ()
    args: list | tuple = ()
    expected: tm.Expr | None = None
    explicit: bool = False
    ellipsis: bool = False
    stx: sx.Node | None = None


class AppRun:
    """One application being elaborated (Lean's ElabAppArgs)."""

    def __init__(self, elab, f, call):
        self.elab, self.meta = elab, elab.meta
        self.f, self.ty = f, self.meta.infer(f)
        self.named, self.args = list(call.named), list(call.args)
        self.expected, self.explicit = call.expected, call.explicit
        self.ellipsis, self.stx = call.ellipsis, call.stx
        self.insts, self.eta = [], []
        self.propagated = self.expected is None
        self.started = False  # an argument has been elaborated: too late to postpone

    def run(self):
        """The application, with all its arguments."""
        while self.at_binder() and self.consume():
            pass
        return self.finish()

    def at_binder(self):
        """Does the function take one more argument? Its type is unfolded while some are left."""
        if type(self.ty) is not Pi:
            self.ty = self.meta.whnf_core(self.meta.inst(self.ty))
        if type(self.ty) is not Pi and (self.args or self.named):
            self.ty = self.expose_pi(self.ty)
        return type(self.ty) is Pi

    def expose_pi(self, ty):
        """ty as a Pi after unfolding; LeanError when it is no function type."""
        meta, elab = self.meta, self.elab
        new = meta.whnf(ty)
        if type(tm.get_app_fn(new)) is MVar:
            self.flush_insts()
            elab.synthesize("yes")
            new = meta.whnf(meta.inst(new))
            if not self.started:
                elab.wait_for(new)
        if type(new) is Pi:
            return new
        if self.named:
            raise self.bad_name(self.f)
        raise LeanError(f"Function expected at\n  {meta.pp(self.f)}\nbut this term has type\n  "
                        f"{meta.pp(new)}", self.stx)

    def bad_name(self, f):
        n = self.named[0]
        return LeanError(f"Invalid argument name `{n.name}` for function `{self.meta.pp(f)}`", n)

    def consume(self):
        """Supply the argument for the next binder; False when it stays open."""
        binder = self.ty
        named = next((n for n in self.named if n.name == binder.name), None)
        if named is not None:
            self.named.remove(named)
            self.add_arg(named.value)
            return True
        if binder.info == "default" or self.explicit:
            return self.explicit_arg(binder)
        if binder.info == "strict" and not self.args and not self.named:
            return False
        self.add_mvar(binder)
        return True

    def add(self, value):
        self.f = App(self.f, value)
        self.ty = tm.instantiate(self.ty.body, value)

    def add_mvar(self, binder):
        """A metavariable as argument; for an instance binder one to be synthesised."""
        if binder.info == "inst" and not self.explicit:
            m = self.meta.mk_mvar(binder.type, "synthetic")
            self.insts.append(m)
        else:
            m = self.meta.mk_mvar(binder.type)
        self.add(m)

    def explicit_arg(self, binder):
        """Consume one explicit argument; False when there are none left."""
        if self.args:
            first = self.args[0]
            if first.term is None and not isinstance(first.stx, (sx.Hole, sx.SynthHole)):
                self.propagate()
            self.add_arg(self.args.pop(0))
        elif not self.explicit and is_app_of(binder.type, "optParam", 2):
            self.add(binder.type.arg)
        elif self.named:
            self.skip_to_named(binder)
        elif self.ellipsis:
            self.add_mvar(binder)
        else:
            self._decline_late_defaults(binder.body)
            return False
        return True

    def _decline_late_defaults(self, ty):
        """A partial application in front of an optional argument would be eta-expanded."""
        while type(ty) is Pi and not self.explicit:
            if is_app_of(ty.type, "optParam", 2):
                raise Declined("partial application with optional arguments", self.stx)
            ty = ty.body

    def skip_to_named(self, binder):
        """Pass over a binder in front of a named argument: eta-expand, unless that fixes it."""
        waiting = [(ty, depth) for name, ty, depth in self._later_binders(binder.body)
                   if any(n.name == name for n in self.named)]
        if not waiting:
            raise self.bad_name(tm.get_app_fn(self.f))
        if any(has_loose_bvar(ty, depth) for ty, depth in waiting):
            self.add_mvar(binder)
            return
        self.eta.append(self.meta.push_local(binder.name, binder.type, binder.info))
        self.add(self.eta[-1].fvar)

    def _later_binders(self, ty):
        """(name, type, number of binders before it) of each binder of ty."""
        found = []
        while True:
            if type(ty) is not Pi and not ty.loose:
                ty = self.meta.whnf_core(ty)
            if type(ty) is not Pi:
                return found
            found.append((ty.name, ty.type, len(found)))
            ty = ty.body

    def add_arg(self, arg):
        """Elaborate and add one argument; LeanError when its type does not fit."""
        meta, elab = self.meta, self.elab
        dom = meta.head_beta(self.ty.type)
        if is_app_of(dom, "optParam", 2):
            dom = dom.fn.arg
        stx = arg.stx or self.stx
        e = elab.term(arg.stx, dom) if arg.term is None else arg.term
        value = elab.fit(e, dom, stx)
        if value is None:
            pp = meta.pp
            raise LeanError(
                f"Application type mismatch: The argument\n  {pp(e)}\nhas type\n  "
                f"{pp(meta.infer(e))}\nbut is expected to have type\n  {pp(dom)}\n"
                f"in the application\n  {pp(App(self.f, e))}", stx)
        self.started = True
        self.add(value)

    def propagate(self):
        """Unify the expected type with the result type before elaborating explicit arguments."""
        if self.propagated:
            return
        self.propagated = True
        if self.elab.is_unknown(self.expected) or self.ellipsis or self.eta:
            return
        ty, n = self.ty, len(self.args)
        named = {x.name for x in self.named}
        while n or (type(ty) is Pi and ty.info != "default" and not self.explicit):
            if type(ty) is not Pi:
                return
            if ty.name in named:
                named.discard(ty.name)
            elif ty.info == "default" or self.explicit:
                n -= 1
            ty = ty.body
        if not named and not ty.loose and not self._is_out_param(ty):
            self.meta.is_def_eq(self.meta.inst(self.expected), ty)

    def _is_out_param(self, ty):
        """Is the result type an output parameter of a pending instance (as for a + b)?"""
        meta = self.meta
        if type(ty) is not MVar:
            return False
        for m in self.insts:
            cls = meta.decls[m.id].type
            args = tm.get_app_fn_args(cls)[1]
            outs = meta.ext.classes.get(meta.class_name(cls), ())
            if any(i < len(args) and args[i] is ty for i in outs):
                return True
        return False

    def flush_insts(self):
        """Synthesise what can be synthesised; the rest becomes pending."""
        for m in self.insts:
            self.elab.synth_or_pend(m, self.stx)
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
        self.flush_insts()
        return meta.inst(self.f)
