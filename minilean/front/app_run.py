"""One application being elaborated: implicit, instance, named and explicit arguments in turn.

Follows Lean 4's `ElabAppArgs` (`Lean/Elab/App.lean`). Not here: its `ElabElim`, which finds the
motive of a recursor (`elab_as_elim`); a call that leaves that open is declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm


@dataclass(frozen=True, slots=True)
class Call:
    """What a function is applied to: NamedArgs and positional arguments, syntax or terms.

    explicit: `@f`; ellipsis: a final `..`; stx: where errors are shown.
    """

    named: list | tuple = ()
    args: list | tuple = ()
    expected: tm.Expr | None = None
    explicit: bool = False
    ellipsis: bool = False
    stx: sx.Node | None = None


def binders(meta, ty):
    """The binders (as Pis) of a function type, which is unfolded as far as it is closed."""
    while True:
        if type(ty) is not tm.Pi and not ty.loose:
            ty = meta.whnf_core(ty)
        if type(ty) is not tm.Pi:
            return
        yield ty
        ty = ty.body


class AppRun:
    """One application being elaborated (Lean's ElabAppArgs)."""

    def __init__(self, elab, f, call):
        self.elab, self.meta, self.call = elab, elab.meta, call
        self.f, self.ty = f, self.meta.infer(f)
        self.named, self.args, self.insts = list(call.named), list(call.args), []
        self.propagated = call.expected is None

    def run(self):
        """The application, with all its arguments."""
        while self.at_binder() and self.consume():
            pass
        return self.finish()

    def at_binder(self):
        """Does the function take one more argument? LeanError when it does not, but some are left.
        """
        if type(self.ty) is not tm.Pi:
            self.ty = self.meta.whnf_core(self.meta.inst(self.ty))
        if type(self.ty) is tm.Pi or not (self.args or self.named):
            return type(self.ty) is tm.Pi
        call, pp = self.call, self.meta.pp
        if self.elab.is_unknown(self.ty):
            self.flush_insts()
            self.elab.synthesize("yes")
            if len(self.args) + len(self.named) == len(call.args) + len(call.named):
                self.elab.wait_for(self.ty)  # too late once an argument has been elaborated
        self.ty = self.meta.whnf(self.meta.inst(self.ty))
        if type(self.ty) is not tm.Pi:
            raise LeanError(f"Function expected at\n  {pp(self.f)}\nbut this term has type\n  "
                            f"{pp(self.ty)}", call.stx)
        return True

    def consume(self):
        """Supply the argument for the next binder; False when it stays open."""
        binder = self.ty
        named = next((n for n in self.named if n.name == binder.name), None)
        if named is not None:
            self.named.remove(named)
            self.add_arg(named.value)
        elif binder.info == "default" or self.call.explicit:
            return self.explicit_arg(binder)
        elif binder.info == "strict" and not self.args and not self.named:
            return False
        else:
            self.add_mvar(binder)
        return True

    def add(self, value):
        self.f = tm.App(self.f, value)
        self.ty = tm.instantiate(self.ty.body, value)

    def add_mvar(self, binder):
        """A metavariable as argument; for an instance binder one to be synthesised."""
        is_inst = binder.info == "inst" and not self.call.explicit
        self.add(self.meta.mk_mvar(binder.type, "synthetic" if is_inst else "natural"))
        if is_inst:
            self.insts.append(self.f.arg)

    def explicit_arg(self, binder):
        """Consume one explicit argument; False when there are none left."""
        if self.args:
            if not isinstance(self.args[0], (tm.Expr, sx.Hole, sx.SynthHole)):
                self.propagate()
            self.add_arg(self.args.pop(0))
        elif not self.call.explicit and is_app_of(binder.type, "optParam", 2):
            self.add(binder.type.arg)
        elif self.named:
            return self.skip_to_named(binder)
        elif self.call.ellipsis:
            self.add_mvar(binder)
        elif not self.call.explicit and any(is_app_of(b.type, "optParam", 2)
                                            for b in binders(self.meta, binder.body)):
            raise Declined("partial application with optional arguments", self.call.stx)
        else:
            return False
        return True

    def skip_to_named(self, binder):
        """Pass over a binder in front of a named argument: eta-expand, unless that fixes it."""
        waiting = [has_loose_bvar(b.type, depth)
                   for depth, b in enumerate(binders(self.meta, binder.body))
                   if any(n.name == b.name for n in self.named)]
        if not waiting:
            n = self.named[0]
            raise LeanError(f"Invalid argument name `{n.name}` for function "
                            f"`{self.meta.pp(tm.get_app_fn(self.f))}`", n)
        if any(waiting):
            self.add_mvar(binder)
            return True
        meta, rest = self.meta, replace(self.call, named=self.named, args=(), expected=None)
        with meta.with_lctx(meta.lctx):
            x = meta.push_local(binder.name, binder.type, binder.info).fvar
            self.f = meta.mk_lambda([x], AppRun(self.elab, tm.App(self.f, x), rest).run())
        self.ty = meta.infer(self.f)
        return False

    def add_arg(self, arg):
        """Elaborate and add one argument; LeanError when its type does not fit."""
        meta, elab = self.meta, self.elab
        dom = meta.head_beta(self.ty.type)
        if is_app_of(dom, "optParam", 2):
            dom = dom.fn.arg
        e, stx = elab.term(arg, dom), self.call.stx if isinstance(arg, tm.Expr) else arg
        value = elab.fit(e, dom, stx)
        if value is None:
            raise elab.mismatch("Application type mismatch: The argument", e, dom,
                                f"\nin the application\n  {meta.pp(tm.App(self.f, e))}", stx)
        self.add(value)

    def propagate(self):
        """Unify the expected type with the result type before elaborating explicit arguments."""
        call, meta, ty, n = self.call, self.meta, self.ty, len(self.args)
        if self.propagated:
            return
        self.propagated = True
        if self.named or call.ellipsis or self.elab.is_unknown(call.expected):
            return
        while type(ty) is tm.Pi and (n or ty.info != "default" and not call.explicit):
            n -= ty.info == "default" or call.explicit
            ty = ty.body
        is_out_param = type(ty) is tm.MVar and is_app_of(meta.decls[ty.id].type, "outParam", 1)
        if not n and not ty.loose and not is_out_param:  # as the type of a + b is one
            meta.is_def_eq(meta.inst(call.expected), ty)

    def flush_insts(self):
        """Synthesise what can be synthesised; the rest becomes pending."""
        for m in self.insts:
            self.elab.synth_or_pend(m, self.call.stx)
        self.insts = []

    def finish(self):
        if self.call.expected is not None:
            self.meta.is_def_eq(self.call.expected, self.ty)
        self.flush_insts()
        return self.meta.inst(self.f)
