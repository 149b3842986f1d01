"""Applications: implicit, instance, named and explicit arguments; ⟨…⟩ and { x := a, … }.

Follows Lean 4's `Lean/Elab/{App,BuiltinNotation,StructInst}.lean`.
Names and fields are resolved in `elab_names.py`. Declined: a recursor whose motive is to be found
(Lean's `ElabElim`), eta-expansion for named arguments. Run: `python -m pytest tests/minilean`.
"""
from dataclasses import dataclass, replace

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import RecursorDecl


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


class AppRun:
    """One application being elaborated."""

    def __init__(self, elab, f, call):
        self.elab, self.meta, self.call = elab, elab.meta, call
        self.f, self.ty = f, self.meta.infer(f)
        self.named, self.args, self.insts = list(call.named), list(call.args), []
        self.propagated = call.expected is None

    def run(self):
        """The application, with all its arguments."""
        while self.at_binder() and self.consume():
            pass
        if self.call.expected is not None:
            self.meta.is_def_eq(self.call.expected, self.ty)
        self.flush_insts()
        return self.meta.inst(self.f)

    def at_binder(self):
        """Does the function take one more argument? LeanError when it does not, but some are left.
        """
        if type(self.ty) is not tm.Pi:
            self.ty = self.meta.whnf_core(self.meta.inst(self.ty))
        if type(self.ty) is tm.Pi or not (self.args or self.named):
            return type(self.ty) is tm.Pi
        if self.elab.is_unknown(self.ty):
            self.flush_insts()
            self.elab.synthesize("yes")
            if len(self.args) + len(self.named) == len(self.call.args) + len(self.call.named):
                self.elab.wait_for(self.ty)  # too late once an argument has been elaborated
        self.ty = self.meta.whnf(self.meta.inst(self.ty))
        if type(self.ty) is not tm.Pi:
            raise LeanError(f"Function expected at\n  {self.meta.pp(self.f)}", self.call.stx)
        return True

    def consume(self):
        """Supply the argument for the next binder; False when it stays open."""
        binder, call = self.ty, self.call
        info = "default" if call.explicit else binder.info
        named = next((n for n in self.named if n.name == binder.name), None)
        if named is not None:
            self.named.remove(named)
            self.add_arg(named.value)
        elif info == "default" and self.args:
            self.propagate()
            self.add_arg(self.args.pop(0))
        elif self.named and (info == "default" or info == "strict" and not self.args):
            raise Declined("named argument after a missing one", call.stx)
        elif info == "default" and not call.ellipsis or info == "strict" and not self.args:
            return False
        else:
            self.add(self.meta.mk_mvar(binder.type, "synthetic" if info == "inst" else "natural"))
            if info == "inst":
                self.insts.append(self.f.arg)
        return True

    def add(self, value):
        self.f = tm.App(self.f, value)
        self.ty = tm.instantiate(self.ty.body, value)

    def add_arg(self, arg):
        """Elaborate and add one argument; LeanError when its type does not fit."""
        domain = self.meta.head_beta(self.ty.type)
        stx = self.call.stx if isinstance(arg, tm.Expr) else arg
        self.add(self.elab.ensure_type(self.elab.term(arg, domain), domain, stx, fn=self.f))

    def propagate(self):
        """Unify the expected type with the result type before elaborating explicit arguments."""
        call, meta, ty, n = self.call, self.meta, self.ty, len(self.args)
        if self.propagated or isinstance(self.args[0], tm.Expr | sx.Hole | sx.SynthHole):
            return
        self.propagated = True
        while type(ty) is tm.Pi and (n or ty.info != "default" and not call.explicit):
            n -= ty.info == "default" or call.explicit
            ty = ty.body
        if not (n or ty.loose or self.named or call.ellipsis
                or self.elab.is_unknown(call.expected)):
            meta.is_def_eq(meta.inst(call.expected), ty)

    def flush_insts(self):
        """Synthesise what can be synthesised; the rest becomes pending."""
        for m in self.insts:
            if not self.elab.try_inst(m):
                self.elab.pend("inst", m, self.call.stx)
        self.insts = []


class AppMixin:
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

    def elab_ident(self, stx, expected):
        """An identifier, projection, `.name` or `@f` without arguments."""
        return self.elab_call(stx, Call(expected=expected, stx=stx))

    elab_explicit = elab_proj = elab_dotident = elab_ident

    def elab_app(self, stx, expected):
        named = [a for a in stx.args if isinstance(a, sx.NamedArg)]
        args = [a for a in stx.args if not isinstance(a, sx.NamedArg)]
        return self.elab_call(stx.fn, Call(named, args, expected, ellipsis=stx.ellipsis, stx=stx))

    def elab_call(self, fn, call):
        """Elaborate the call of fn; tries every meaning of an overloaded name."""
        if isinstance(fn, sx.Explicit):
            fn, call = fn.fn, replace(call, explicit=True)
        if isinstance(fn, sx.Ident):
            options = self.resolve_fn(fn)
        elif isinstance(fn, sx.Proj):
            options = [(self.term(fn.term), str(fn.field).split("."))]
        elif isinstance(fn, sx.DotIdent):
            options = [self.resolve_dot_ident(fn, call.expected)]
        else:
            options = [(self.term(fn), [])]
        if len(options) > 1:
            options = [option for option in options if self._fits(option, fn, call)]
        if len(options) != 1:
            raise LeanError(f"ambiguous, {len(options)} interpretations fit", fn)
        return self.app_fields(*options[0], fn, call)

    def _fits(self, option, fn, call):
        """Does the call of an overloaded name elaborate with this meaning? Nothing changes."""
        mark = self.save()
        try:
            with self.mode(err_to_sorry=False):
                self.ensure_type(self.app_fields(*option, fn, call), call.expected)
            return True
        except LeanError:
            return False
        finally:
            self.restore(mark)

    def app_args(self, f, call):
        """f applied to named and positional arguments, implicit ones filled in."""
        meta = self.meta
        if type(f) is tm.Const and not call.explicit and (
                f.name in meta.ext.elab_as_elim or type(meta.env.get(f.name)) is RecursorDecl) \
                and not any(n.name == "motive" for n in call.named):
            raise Declined(f"{f.name} without its motive", call.stx)
        return AppRun(self, f, call).run()

    def apply_fn(self, name, *args, **call):
        """The constant `name` applied to syntax or terms, as for a notation; call: see Call."""
        return self.app_args(self.meta.mk_const(name), Call(args=args, **call))

    # --- constructors ---------------------------------------------------------------------------

    def elab_anon(self, stx, expected):
        """⟨a, b, …⟩ for an inductive type with one constructor; surplus items nest to the right."""
        meta, items = self.meta, list(stx.items)
        ty = self.known_type(expected)
        found = meta.inductive_of(ty)
        if found is None or len(found[0].ctors) != 1:
            raise LeanError(f"Invalid `⟨...⟩` notation for the type `{meta.pp(ty)}`", stx)
        ctor = meta.env.lookup(found[0].ctors[0])
        infos = meta.arg_infos(meta.mk_const(ctor.name), ctor.num_params + ctor.num_fields)
        n = infos[ctor.num_params:].count("default")
        if len(items) > n > 0:
            items[n - 1:] = [replace(stx, items=items[n - 1:])]
        return self.apply_fn(ctor.name, *items, expected=expected, stx=stx)

    def elab_structinst(self, stx, expected):
        """{ s with x := a, … : T } as the constructor, with the fields as named arguments."""
        meta, fields = self.meta, dict(stx.fields)
        expected = expected if stx.type is None else self.elab_type(stx.type)
        sources = [self.elab_term(s) for s in stx.sources]
        if sources and self.is_unknown(expected):
            expected = meta.infer(sources[0])
        ty = self.known_type(expected)
        info = meta.ext.structures.get(self._type_head(ty))
        if info is None or len(fields) < len(stx.fields):
            raise LeanError(f"invalid {{...}} notation for the type `{meta.pp(ty)}`", stx)
        for source in sources:
            own = meta.ext.structures.get(self._type_head(meta.whnf(meta.infer(source))), info)
            for name in set(own.fields).intersection(info.fields):
                fields.setdefault(name, sx.Proj(stx.pos, stx.end, source, name))
        if len(fields) < len(info.fields):
            raise Declined("structure instance with missing fields", stx)
        f, params = tm.get_app_fn_args(ty)
        ctor = tm.mk_app(tm.Const(info.ctor, f.levels), *params)
        named = [sx.NamedArg(stx.pos, stx.end, *field) for field in fields.items()]
        return self.app_args(ctor, Call(named, stx=stx))
