"""Applications: identifiers, field notation, implicit and named arguments, anonymous constructors.

Follows Lean 4's `Lean/Elab/{App,BuiltinNotation}.lean` and `ResolveName.lean`. Recursor
applications with an inferred motive (`elab_as_elim`) are in `elab_elim.py`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.app_run import AppRun
from minilean.front.elab_elim import ElimMixin
from minilean.front.elab_names import NameMixin
from minilean.front.errors import LeanError, Postpone
from minilean.front.scope import Arg
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import Const, MVar


class AppMixin(ElimMixin, NameMixin):
    """Mixed into `TermElab`."""

    # --- entry points ---------------------------------------------------------------------------

    def elab_ident(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_explicit(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_proj(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_dot_ident(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_application(self, stx, expected):
        named = [a for a in stx.args if isinstance(a, sx.NamedArg)]
        args = [Arg(stx=a) for a in stx.args if not isinstance(a, sx.NamedArg)]
        return self.elab_app(stx.fn, named, args, expected, stx.ellipsis, stx)

    def elab_app(self, fn, named, args, expected, ellipsis=False, stx=None):
        """Elaborate fn applied to args; tries every meaning of an overloaded name."""
        explicit = False
        stx = stx or fn
        while isinstance(fn, (sx.Explicit, sx.Paren)):
            if isinstance(fn, sx.Paren) and not isinstance(fn.term, (sx.Ident, sx.Explicit)):
                break
            if isinstance(fn, sx.Explicit):
                explicit, fn = True, fn.fn
            elif named or explicit:
                break
            else:
                fn = fn.term
        if isinstance(fn, sx.Ident):
            options = self.resolve_fn(fn, explicit)
            if len(options) == 1:
                return self._app_fields(*options[0], fn, named, args, expected, explicit,
                                        ellipsis, stx)
            return self._overloaded(options, fn, named, args, expected, explicit, ellipsis, stx)
        if isinstance(fn, sx.Proj):
            head = self.elab_proj_head(fn.term)
            fields = [fn.field] if isinstance(fn.field, int) else fn.field.split(".")
            return self._app_fields(head, fields, fn, named, args, expected, explicit,
                                    ellipsis, stx)
        if isinstance(fn, sx.DotIdent):
            f, fields = self.resolve_dot_ident(fn, expected, len(args))
            return self._app_fields(f, fields, fn, named, args, expected, explicit,
                                    ellipsis, stx)
        f = self.term(fn)
        return self.app_args(f, named, args, expected, explicit, ellipsis, stx)

    def elab_proj_head(self, stx):
        e = self.term(stx)
        if isinstance(stx, sx.Paren | sx.Ascription):
            self.synthesize("yes")
        return self.meta.inst(e)

    def _overloaded(self, options, fn, named, args, expected, explicit, ellipsis, stx):
        """Keep the one interpretation that elaborates; LeanError when none or several do."""
        meta = self.meta
        results, errors = [], []
        for f, rest in options:
            mark = meta.save()
            n_pending, n_msgs, had = len(self.pending), len(self.messages), self.had_error
            old, self.err_to_sorry = self.err_to_sorry, False
            try:
                e = self._app_fields(f, rest, fn, named, args, expected, explicit, ellipsis, stx)
                if expected is not None and not meta.is_def_eq(expected, meta.infer(e)):
                    raise LeanError(self.mismatch_text(e, meta.infer(e), expected), stx)
                results.append((f, rest))
            except LeanError as err:
                errors.append(err)
            finally:
                self.err_to_sorry = old
            meta.restore(mark)
            del self.pending[n_pending:]
            del self.messages[n_msgs:]
            self.had_error = had
        if len(results) == 1:
            return self._app_fields(*results[0], fn, named, args, expected, explicit, ellipsis,
                                    stx)
        if not results:
            raise LeanError("overloaded, errors \n" + "\n".join(
                "  " + e.message.replace("\n", "\n  ") for e in errors), fn)
        raise LeanError("ambiguous, possible interpretations \n" + "\n".join(
            f"  {meta.pp(f)}" for f, _ in results), fn)

    # --- arguments ------------------------------------------------------------------------------

    def app_args(self, f, named, args, expected=None, explicit=False, ellipsis=False, stx=None):
        """f applied to named and positional arguments, implicit ones filled in."""
        if self.wants_elim(f, named, args, expected, explicit):
            return self.elab_elim(f, named, args, expected, stx)
        return AppRun(self, f, named, args, expected, explicit, ellipsis, stx).run()

    def apply_fn(self, name, *arg_stxs, expected=None, stx=None):
        """The constant `name` applied to syntax or terms, as for a notation."""
        args = [Arg(term=a) if isinstance(a, tm.Expr) else Arg(stx=a) for a in arg_stxs]
        return self.app_args(self.meta.mk_const(name), [], args, expected, stx=stx)

    # --- anonymous constructors and tuples ------------------------------------------------------

    def elab_anon(self, stx, expected):
        """⟨a, b, …⟩ for an inductive type with one constructor; surplus items nest to the right."""
        meta = self.meta
        if expected is None:
            if self.may_postpone:
                raise Postpone
            raise LeanError("invalid constructor ⟨...⟩, expected type must be known", stx)
        ty = meta.whnf(meta.inst(expected))
        f = tm.get_app_fn(ty)
        if type(f) is MVar:
            self.synthesize("yes")
            ty = meta.whnf(meta.inst(expected))
            f = tm.get_app_fn(ty)
            if type(f) is MVar and self.may_postpone:
                raise Postpone
        decl = meta.env.get(f.name) if type(f) is Const else None
        if type(decl) is not InductiveDecl:
            raise LeanError("Invalid `⟨...⟩` notation: The expected type of this term "
                            "could not be determined" if type(f) is MVar else
                            "Invalid `⟨...⟩` notation: The expected type "
                            f"`{meta.pp(expected)}` is not an inductive type", stx)
        if len(decl.ctors) != 1:
            raise LeanError("Invalid `⟨...⟩` notation: The expected type "
                            f"`{meta.pp(expected)}` has more than one constructor"
                            if decl.ctors else "Invalid `⟨...⟩` notation: The expected type "
                            f"`{meta.pp(expected)}` has no constructors", stx)
        ctor = meta.env.lookup(decl.ctors[0])
        infos = self._explicit_fields(ctor)
        items = list(stx.items)
        if len(items) > len(infos) and infos:
            tail = items[len(infos) - 1:]
            items = [*items[:len(infos) - 1],
                     sx.Anon(tail[0].pos, tail[-1].end, tail)]
        if len(items) < len(infos):
            raise LeanError(f"Insufficient number of fields for `⟨...⟩` constructor: Constructor "
                            f"`{ctor.name}` has {len(infos)} explicit field"
                            f"{'' if len(infos) == 1 else 's'}, but only {len(items)} "
                            f"{'was' if len(items) == 1 else 'were'} provided", stx)
        if len(items) > len(infos):
            raise LeanError(f"Too many explicit fields for `⟨...⟩` constructor `{ctor.name}`", stx)
        return self.app_args(meta.mk_const(ctor.name), [], [Arg(stx=x) for x in items], expected,
                             stx=stx)

    def _explicit_fields(self, ctor):
        ty, infos = ctor.type, []
        for i in range(ctor.num_params + ctor.num_fields):
            if i >= ctor.num_params and ty.info == "default":
                infos.append(ty.name)
            ty = ty.body
        return infos

    def elab_tuple(self, stx, expected):
        if not stx.items:
            return Const("Unit.unit")
        meta = self.meta
        items = stx.items
        e = items[-1]
        if len(items) == 1:
            return self.term(e, expected)
        rest = e if len(items) == 2 else sx.Tuple(items[1].pos, stx.end, items[1:])
        return self.app_args(meta.mk_const("Prod.mk"), [], [Arg(stx=items[0]), Arg(stx=rest)],
                             expected, stx=stx)

    def elab_list(self, stx, expected):
        """[a, b] as List.cons a (List.cons b List.nil)."""
        meta = self.meta
        if not stx.items:
            return self.app_args(meta.mk_const("List.nil"), [], [], expected, stx=stx)
        rest = sx.ListLit(stx.pos, stx.end, stx.items[1:])
        return self.app_args(meta.mk_const("List.cons"), [],
                             [Arg(stx=stx.items[0]), Arg(stx=rest)], expected, stx=stx)
