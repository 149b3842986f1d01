"""Applications: heads of all kinds, overloaded names, ⟨…⟩ and structure instances { x := a, … }.

Follows Lean 4's `Lean/Elab/{App,BuiltinNotation,StructInst}.lean`. Names and fields are resolved in
`elab_names.py`, arguments supplied in `app_run.py`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.app_run import AppRun, Call
from minilean.front.elab_names import NameMixin
from minilean.front.errors import Declined, LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import RecursorDecl


class AppMixin(NameMixin):
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
            if len(options) > 1:
                return self._overloaded(options, fn, call)
            f, fields = options[0]
        elif isinstance(fn, sx.Proj):
            f = self.term(fn.term)
            if isinstance(fn.term, sx.Paren | sx.Ascription):
                self.synthesize("yes")
            f, fields = self.meta.inst(f), str(fn.field).split(".")
        elif isinstance(fn, sx.DotIdent):
            f, fields = self.resolve_dot_ident(fn, call.expected)
        else:
            f, fields = self.term(fn), []
        return self.app_fields(f, fields, fn, call)

    def _overloaded(self, options, fn, call):
        """The one interpretation that elaborates; LeanError when none or several do."""
        good, errors = [], []
        for option in options:
            mark = self.save()
            try:
                with self.mode(err_to_sorry=False):
                    self.ensure_type(self.app_fields(*option, fn, call), call.expected)
                good.append(option)
            except LeanError as err:
                errors.append(err.message)
            self.restore(mark)
        if len(good) != 1:
            what = "ambiguous, possible interpretations" if good else "overloaded, errors"
            shown = [self.meta.pp(f) for f, _ in good] or errors
            raise LeanError("\n  ".join([what, *shown]), fn)
        return self.app_fields(*good[0], fn, call)

    # --- arguments ------------------------------------------------------------------------------

    def app_args(self, f, call):
        """f applied to named and positional arguments, implicit ones filled in."""
        meta = self.meta
        if type(f) is tm.Const and not call.explicit and (
                f.name in meta.ext.elab_as_elim or type(meta.env.get(f.name)) is RecursorDecl) \
                and not any(n.name == "motive" for n in call.named):
            raise Declined(f"{f.name} without its motive", call.stx)
        return AppRun(self, f, call).run()

    def apply_fn(self, name, *args, expected=None, stx=None):
        """The constant `name` applied to syntax or terms, as for a notation."""
        return self.app_args(self.meta.mk_const(name), Call((), args, expected, stx=stx))

    # --- constructors ---------------------------------------------------------------------------

    def elab_anon(self, stx, expected):
        """⟨a, b, …⟩ for an inductive type with one constructor; surplus items nest to the right."""
        meta, items = self.meta, list(stx.items)
        ty = self.known_type(expected)
        found = meta.inductive_of(ty)
        if found is None or len(found[0].ctors) != 1:
            raise LeanError(f"Invalid `⟨...⟩` notation: The expected type `{meta.pp(ty)}` is not "
                            "an inductive type with one constructor", stx)
        ctor = meta.env.lookup(found[0].ctors[0])
        infos = meta.arg_infos(meta.mk_const(ctor.name), ctor.num_params + ctor.num_fields)
        n = infos[ctor.num_params:].count("default")
        if len(items) > n > 0:
            tail = items[n - 1:]
            items[n - 1:] = [sx.Anon(tail[0].pos, tail[-1].end, tail)]
        if len(items) != n:
            raise LeanError(f"Invalid `⟨...⟩` notation: Constructor `{ctor.name}` has {n} explicit "
                            f"fields, but {len(items)} were provided", stx)
        return self.apply_fn(ctor.name, *items, expected=expected, stx=stx)

    def elab_structinst(self, stx, expected):
        """The structure value, of the type written, expected, or found from the first source."""
        meta = self.meta
        if stx.type is not None:
            expected = self.elab_type(stx.type)
        sources = [self.elab_term(s) for s in stx.sources]
        if sources and self.is_unknown(expected):
            expected = meta.inst(meta.infer(sources[0]))
        ty, fields = self.known_type(expected), dict(stx.fields)
        e = StructRun(self, stx, fields, sources).build(ty)
        if fields or len(dict(stx.fields)) < len(stx.fields):
            raise LeanError(f"invalid {{...}} notation for the structure `{meta.pp(ty)}`: a field "
                            "is given twice, or is none of its fields", stx)
        return e


class StructRun:
    """One structure instance being elaborated; `fields` are those not used yet."""

    def __init__(self, elab, stx, fields, sources):
        self.elab, self.meta = elab, elab.meta
        self.stx, self.fields, self.sources = stx, fields, sources

    def info(self, ty):
        """The StructInfo of the structure type ty (in weak head normal form), or None."""
        return self.meta.ext.structures.get(self.elab._type_head(ty))

    def build(self, ty):
        """The constructor of the structure type ty applied to its fields."""
        meta, info = self.meta, self.info(ty)
        if info is None:
            raise LeanError("invalid {...} notation, structure type expected\n  " + meta.pp(ty),
                            self.stx)
        f, params = tm.get_app_fn_args(ty)
        e, values = tm.mk_app(tm.Const(info.ctor, f.levels), *params), []
        ty = meta.infer(e)
        for name in info.fields:
            ty = meta.expect_pi(ty)
            dom = meta.head_beta(meta.inst(ty.type))
            values.append(self.written(name, dom) or self.implied(name, dom, ty.info))
            ty = tm.instantiate(ty.body, values[-1])
        return tm.mk_app(e, *values)

    def written(self, name, dom):
        """The field from what is written: itself or a source; else None."""
        elab, meta = self.elab, self.meta
        if name in self.fields:
            return elab.term_ensuring(self.fields.pop(name), dom)
        for s in self.sources:
            info = self.info(meta.whnf(meta.inst(meta.infer(s))))
            if info is not None and name in info.fields:
                value = elab.app_fields(s, [name], self.stx, Call(stx=self.stx))
                return elab.ensure_type(value, dom, self.stx)
        return None

    def implied(self, name, dom, binder_info):
        """The class instance that the field is; LeanError when it is none."""
        if binder_info == "inst" or self.meta.class_name(dom) is not None:
            return self.elab.inst_mvar(dom, self.stx)
        raise LeanError(f"Fields missing: `{name}`", self.stx)
