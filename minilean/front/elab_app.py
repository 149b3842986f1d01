"""Applications: identifiers, field notation, implicit and named arguments, anonymous constructors.

Follows Lean 4's `Lean/Elab/{App,BuiltinNotation}.lean` and `ResolveName.lean`. Recursor
applications with an inferred motive (`elab_as_elim`) are in `elab_elim.py`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.app_run import AppRun, Call
from minilean.front.elab_elim import ElimMixin
from minilean.front.elab_names import NameMixin
from minilean.front.errors import LeanError
from minilean.front.scope import Arg
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import Const, MVar


class AppMixin(ElimMixin, NameMixin):
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

    def elab_head(self, stx, expected):
        """An identifier, projection, `.name` or `@f` without arguments."""
        return self.elab_app(stx, Call(expected=expected, stx=stx))

    def elab_application(self, stx, expected):
        named, args = [], []
        for a in stx.args:
            if isinstance(a, sx.NamedArg):
                named.append(replace(a, value=Arg(stx=a.value)))
            else:
                args.append(Arg(stx=a))
        return self.elab_app(stx.fn, Call(named, args, expected, ellipsis=stx.ellipsis, stx=stx))

    def elab_app(self, fn, call):
        """Elaborate the call of fn; tries every meaning of an overloaded name."""
        while True:
            if isinstance(fn, sx.Explicit):
                fn, call = fn.fn, replace(call, explicit=True)
            elif isinstance(fn, sx.Paren) and isinstance(fn.term, (sx.Ident, sx.Explicit)) \
                    and not call.named and not call.explicit:
                fn = fn.term
            else:
                break
        if isinstance(fn, sx.Ident):
            options = self.resolve_fn(fn)
            if len(options) > 1:
                return self._overloaded(options, fn, call)
            f, fields = options[0]
        elif isinstance(fn, sx.Proj):
            f = self._proj_head(fn.term)
            fields = [fn.field] if isinstance(fn.field, int) else fn.field.split(".")
        elif isinstance(fn, sx.DotIdent):
            f, fields = self.resolve_dot_ident(fn, call.expected)
        else:
            f, fields = self.term(fn), []
        return self.app_fields(f, fields, fn, call)

    def _proj_head(self, stx):
        e = self.term(stx)
        if isinstance(stx, sx.Paren | sx.Ascription):
            self.synthesize("yes")
        return self.meta.inst(e)

    def _overloaded(self, options, fn, call):
        """Keep the one interpretation that elaborates; LeanError when none or several do."""
        meta = self.meta
        results, errors = [], []
        for f, rest in options:
            mark = self.save()
            try:
                with self.mode(err_to_sorry=False):
                    e = self.app_fields(f, rest, fn, call)
                ty = meta.infer(e)
                if call.expected is not None and not meta.is_def_eq(call.expected, ty):
                    raise LeanError(self.mismatch_text(e, ty, call.expected), call.stx)
                results.append((f, rest))
            except LeanError as err:
                errors.append(err)
            self.restore(mark)
        if len(results) == 1:
            return self.app_fields(*results[0], fn, call)
        if not results:
            raise LeanError("overloaded, errors \n" + "\n".join(
                "  " + e.message.replace("\n", "\n  ") for e in errors), fn)
        raise LeanError("ambiguous, possible interpretations \n" + "\n".join(
            f"  {meta.pp(f)}" for f, _ in results), fn)

    # --- arguments ------------------------------------------------------------------------------

    def app_args(self, f, call):
        """f applied to named and positional arguments, implicit ones filled in."""
        if self.wants_elim(f, call):
            return self.elab_elim(f, call)
        return AppRun(self, f, call).run()

    def apply_fn(self, name, *args, expected=None, stx=None):
        """The constant `name` applied to syntax or terms, as for a notation."""
        args = [Arg(term=a) if isinstance(a, tm.Expr) else Arg(stx=a) for a in args]
        return self.app_args(self.meta.mk_const(name), Call((), args, expected, stx=stx))

    # --- anonymous constructors and tuples ------------------------------------------------------

    def elab_anon(self, stx, expected):
        """⟨a, b, …⟩ for an inductive type with one constructor; surplus items nest to the right."""
        meta, items = self.meta, list(stx.items)
        ctor = meta.env.lookup(self._only_ctor(expected, stx))
        infos = meta.arg_infos(meta.mk_const(ctor.name), ctor.num_params + ctor.num_fields)
        n = infos[ctor.num_params:].count("default")
        if len(items) > n > 0:
            tail = items[n - 1:]
            items[n - 1:] = [sx.Anon(tail[0].pos, tail[-1].end, tail)]
        if len(items) < n:
            raise LeanError(f"Insufficient number of fields for `⟨...⟩` constructor: Constructor "
                            f"`{ctor.name}` has {n} explicit field{'' if n == 1 else 's'}, but "
                            f"only {len(items)} {'was' if len(items) == 1 else 'were'} provided",
                            stx)
        if len(items) > n:
            raise LeanError(f"Too many explicit fields for `⟨...⟩` constructor `{ctor.name}`", stx)
        return self.apply_fn(ctor.name, *items, expected=expected, stx=stx)

    def _only_ctor(self, expected, stx):
        """The name of the one constructor of the expected type of ⟨…⟩."""
        meta = self.meta
        if expected is not None and self.is_unknown(meta.whnf(meta.inst(expected))):
            self.synthesize("yes")
        ty = expected if expected is None else meta.whnf(meta.inst(expected))
        self.wait_for(ty)
        if ty is None:
            raise LeanError("invalid constructor ⟨...⟩, expected type must be known", stx)
        f = tm.get_app_fn(ty)
        decl = meta.env.get(f.name) if type(f) is Const else None
        if type(decl) is InductiveDecl and len(decl.ctors) == 1:
            return decl.ctors[0]
        if type(f) is MVar:
            problem = "The expected type of this term could not be determined"
        else:
            problem = f"The expected type `{meta.pp(expected)}` " + (
                "is not an inductive type" if type(decl) is not InductiveDecl else
                "has more than one constructor" if decl.ctors else "has no constructors")
        raise LeanError(f"Invalid `⟨...⟩` notation: {problem}", stx)

    def elab_tuple(self, stx, expected):
        if not stx.items:
            return Const("Unit.unit")
        first, *rest = stx.items
        tail = rest[0] if len(rest) == 1 else sx.Tuple(rest[0].pos, stx.end, rest)
        return self.apply_fn("Prod.mk", first, tail, expected=expected, stx=stx)

    def elab_list(self, stx, expected):
        """[a, b] as List.cons a (List.cons b List.nil)."""
        if not stx.items:
            return self.apply_fn("List.nil", expected=expected, stx=stx)
        tail = sx.ListLit(stx.pos, stx.end, stx.items[1:])
        return self.apply_fn("List.cons", stx.items[0], tail, expected=expected, stx=stx)
