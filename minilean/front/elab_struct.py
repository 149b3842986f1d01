"""Structure instances `{ x := a, s with … }` and the fields of `instance … where`.

Follows Lean 4's `Lean/Elab/StructInst.lean` for explicit fields, sources, defaults and parents.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import LeanError, Postpone
from minilean.kernel import term as tm
from minilean.kernel.term import Const, MVar, instantiate_level_params


def elab_struct_inst(elab, stx, expected):
    """The structure value, of the type written, expected, or found from the first source."""
    meta = elab.meta
    if stx.type is not None:
        expected = elab.elab_type(stx.type)
    sources = [elab.elab_term(s) for s in stx.sources]
    ty = None if expected is None else meta.whnf(meta.inst(expected))
    if ty is None or type(tm.get_app_fn(ty)) is MVar:
        if sources:
            ty = meta.whnf(meta.inst(meta.infer(sources[0])))
        elif elab.may_postpone:
            raise Postpone
        else:
            raise LeanError("invalid {...} notation, expected type is not known", stx)
    f, params = tm.get_app_fn_args(ty)
    info = meta.ext.structures.get(f.name) if type(f) is Const else None
    if info is None:
        raise LeanError("invalid {...} notation, structure type expected\n  " + meta.pp(ty), stx)
    fields = {}
    for name, value in stx.fields:
        if name in fields:
            raise LeanError(f"field `{name}` has already been specified", stx)
        fields[name] = value
    used = set()
    e = build(elab, info, f, params, fields, sources, used, stx)
    for name in fields:
        if name not in used:
            raise LeanError(f"`{name}` is not a field of structure `{info.name}`", stx)
    return e


def build(elab, info, f, params, fields, sources, used, stx):
    """info.ctor applied to params and its fields."""
    meta = elab.meta
    ctor = meta.env.lookup(info.ctor)
    ty = meta.instantiate_forall(
        instantiate_level_params(ctor.type, ctor.level_params, f.levels), params)
    e = tm.mk_app(Const(ctor.name, f.levels), *params)
    parents = {field: parent for parent, field in info.parents}
    values = []
    for name in info.fields:
        ty = meta.expect_pi(ty)
        dom = meta.head_beta(meta.inst(ty.type))
        value = _field(elab, info, name, dom, parents, fields, sources, used, stx, params, values,
                       ty.info)
        values.append(value)
        e = tm.App(e, value)
        ty = tm.instantiate(ty.body, value)
    return e


def _field(elab, info, name, dom, parents, fields, sources, used, stx, params, values, binfo):
    meta = elab.meta
    if name in fields:
        used.add(name)
        return elab.term_ensuring(fields[name], dom)
    if name in parents and not sources:
        pinfo = meta.ext.structures[parents[name]]
        inner = all_fields(meta, pinfo)
        if any(x in fields for x in inner) or not pinfo.is_class:
            g, pargs = tm.get_app_fn_args(meta.whnf_r(dom))
            return build(elab, pinfo, g, pargs, fields, sources, used, stx)
    for s in sources:
        g = tm.get_app_fn(meta.whnf(meta.inst(meta.infer(s))))
        if type(g) is Const and name in all_fields(meta, meta.ext.structures.get(g.name)):
            fn, self_arg = elab.field_fn(s, name, stx)
            named, args = elab.insert_self(fn, self_arg, [], [], False, stx)
            return elab.ensure_type(elab.app_args(fn, named, args, None, stx=stx), dom, stx)
    if name in parents and sources:
        pinfo = meta.ext.structures[parents[name]]
        g, pargs = tm.get_app_fn_args(meta.whnf_r(dom))
        return build(elab, pinfo, g, pargs, fields, sources, used, stx)
    for dname, n, lam in info.defaults:
        if dname == name:
            value = meta.beta(lam, [*params, *values[:n]])
            return elab.ensure_type(value, dom, stx)
    if binfo == "inst" or meta.class_name(dom) is not None:
        return elab.inst_mvar(dom, stx)
    raise LeanError(f"Fields missing: `{name}`", stx)


def all_fields(meta, info):
    """Field names of a structure and of its parents."""
    if info is None:
        return []
    out = list(info.fields)
    for parent, _ in info.parents:
        out += all_fields(meta, meta.ext.structures.get(parent))
    return out


__all__ = ["all_fields", "elab_struct_inst", "sx"]
