"""Structure instances `{ x := a, s with … }` and the fields of `instance … where`.

Follows Lean 4's `Lean/Elab/StructInst.lean` for explicit fields and sources.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.app_run import Call
from minilean.front.errors import LeanError
from minilean.kernel import term as tm
from minilean.kernel.term import Const


class StructMixin:
    """Mixed into `TermElab`."""

    def elab_struct_inst(self, stx, expected):
        """The structure value, of the type written, expected, or found from the first source."""
        meta = self.meta
        if stx.type is not None:
            expected = self.elab_type(stx.type)
        sources = [self.elab_term(s) for s in stx.sources]
        ty = None if expected is None else meta.whnf(meta.inst(expected))
        if sources and self.is_unknown(ty):
            ty = meta.whnf(meta.inst(meta.infer(sources[0])))
        self.wait_for(ty)
        if self.is_unknown(ty):
            raise LeanError("invalid {...} notation, expected type is not known", stx)
        fields = {}
        for name, value in stx.fields:
            if name in fields:
                raise LeanError(f"field `{name}` has already been specified", stx)
            fields[name] = value
        e = StructRun(self, stx, fields, sources).build(ty)
        if fields:
            raise LeanError(f"`{next(iter(fields))}` is not a field of structure "
                            f"`{tm.get_app_fn(ty).name}`", stx)
        return e


class StructRun:
    """One structure instance being elaborated; `fields` are those not used yet."""

    def __init__(self, elab, stx, fields, sources):
        self.elab, self.meta = elab, elab.meta
        self.stx, self.fields, self.sources = stx, fields, sources

    def build(self, ty):
        """The constructor of the structure type ty applied to its fields."""
        meta = self.meta
        f, params = tm.get_app_fn_args(ty)
        info = meta.ext.structures.get(f.name) if type(f) is Const else None
        if info is None:
            raise LeanError("invalid {...} notation, structure type expected\n  " + meta.pp(ty),
                            self.stx)
        e = tm.mk_app(Const(info.ctor, f.levels), *params)
        ty = meta.infer(e)
        values = []
        for name in info.fields:
            ty = meta.expect_pi(ty)
            dom = meta.head_beta(meta.inst(ty.type))
            value = self._explicit_field(name, dom)
            if value is None:
                value = self._implied_field(name, dom, ty.info)
            values.append(value)
            ty = tm.instantiate(ty.body, value)
        return tm.mk_app(e, *values)

    def _explicit_field(self, name, dom):
        """The field from what is written: itself or a source; else None."""
        elab, structures = self.elab, self.meta.ext.structures
        if name in self.fields:
            return elab.term_ensuring(self.fields.pop(name), dom)
        for s in self.sources:
            struct = tm.get_app_fn(self.meta.whnf(self.meta.inst(self.meta.infer(s))))
            info = structures.get(struct.name) if type(struct) is Const else None
            if info is not None and name in info.fields:
                value = elab.app_fields(s, [name], self.stx, Call(stx=self.stx))
                return elab.ensure_type(value, dom, self.stx)
        return None

    def _implied_field(self, name, dom, binder_info):
        """The class instance that the field is; LeanError when it is none."""
        if binder_info == "inst" or self.meta.class_name(dom) is not None:
            return self.elab.inst_mvar(dom, self.stx)
        raise LeanError(f"Fields missing: `{name}`", self.stx)
