"""Structures and classes: constructor, projections, parents, defaults.

Follows Lean 4's `Lean/Elab/Structure.lean`; overlapping parents and automatic fields are declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.decl_types import TypeRun
from minilean.front.errors import Declined, LeanError
from minilean.front.ext import ProjInfo, StructInfo
from minilean.front.meta import Meta
from minilean.front.scope import AutoBound
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import LMVAR, MVAR, App, Const, Proj, Sort


def declare_structure(cmds, cmd):
    run = TypeRun(cmds, cmd)
    run.run(lambda: _structure_body(run))
    run.finish()


def _structure_body(run):
    cmd, elab, meta = run.cmd, run.elab, run.meta
    is_class = cmd.is_class or any(a.name == "class" for a in cmd.modifiers.attrs)
    ty = Sort(meta.mk_level_mvar()) if cmd.type is None else elab.type_term(cmd.type)
    elab.synthesize("no")
    ty = meta.whnf(meta.inst(ty))
    if type(ty) is not Sort:
        raise LeanError("expected structure type", cmd)
    for d in run.params:
        d.type = meta.inst(d.type)
    fields, parents, lctx = [], [], meta.lctx
    try:
        for p in cmd.extends:
            parents.append(_parent_field(run, p, fields))
        defaults = _own_fields(run, fields)
    finally:
        meta.lctx = lctx
    kept = _split_parent_fields(fields)
    run.infer_level(ty.level, [d.type for d in kept])
    ty = meta.inst(ty)
    _add_structure(run, ty, kept, parents, defaults, is_class)


def _parent_field(run, stx, fields):
    """Adds `toParent` and makes the parent's fields visible as let-variables."""
    elab, meta = run.elab, run.meta
    pty = elab.elab_type(stx)
    f, args = tm.get_app_fn_args(meta.whnf_r(pty))
    info = meta.ext.structures.get(f.name) if type(f) is Const else None
    if info is None:
        raise LeanError("expected structure", stx)
    short = "to" + f.name.rpartition(".")[2]
    taken = {d.name for d in fields}
    if any(x in taken for x in _all_fields(meta, info)):
        raise Declined("overlapping parent structures", stx)
    cls = f.name if info.is_class else None
    d = meta.mk_local(short, pty, "inst" if info.is_class else "default")
    d.cls = cls
    meta.lctx = meta.lctx.add(d)
    fields.append(d)
    _expose_fields(meta, d.fvar, f, args, info, fields)
    return f.name, short


def _all_fields(meta, info):
    out = list(info.fields)
    for parent, _ in info.parents:
        out += _all_fields(meta, meta.ext.structures[parent])
    return out


def _expose_fields(meta, self_term, f, args, info, fields):
    for _i, name in enumerate(info.fields):
        value = tm.mk_app(Const(f"{info.name}.{name}", f.levels), *args, self_term)
        sub = meta.mk_local(name, meta.infer(value), value=value)
        meta.lctx = meta.lctx.add(sub)
        fields.append(sub)
        for parent, via in info.parents:
            if via == name:
                g, gargs = tm.get_app_fn_args(meta.whnf_r(sub.type))
                _expose_fields(meta, value, g, gargs, meta.ext.structures[parent], fields)


def _split_parent_fields(fields):
    return [d for d in fields if d.value is None]


def _own_fields(run, fields):
    """Elaborates the structure's own fields; returns [(field name, default value syntax term)]."""
    cmd, elab, meta = run.cmd, run.elab, run.meta
    defaults = []
    for b in cmd.fields:
        if b.type is None and b.default is not None and any(
                d.name in b.names for d in fields):
            raise Declined("new default value for a parent's field", b)
        for name in b.names:
            if any(d.name == name and d.value is None for d in fields):
                raise LeanError(f"field `{name}` has already been declared", b)
            if b.type is None:
                if b.default is None:
                    raise LeanError(f"field `{name}` needs a type", b)
                e = elab.elab_term(b.default)
                ty = meta.inst(meta.infer(e))
            else:
                ty = _auto_bound_type(elab, b.type)
            if b.default is not None:
                if isinstance(b.default, sx.By):
                    raise Declined("automatic structure field", b)
                value = elab.elab_term_ensuring(b.default, ty)
                known = [d.fvar for d in fields if d.value is None]
                defaults.append((name, len(known), value, known))
            d = meta.mk_local(name or "inst✝", ty, b.info)
            meta.lctx = meta.lctx.add(d)
            fields.append(d)
    elab.synthesize("no")
    return defaults


def _auto_bound_type(elab, stx):
    """The type for stx, with its unbound names as implicit arguments."""
    meta, lctx, names = elab.meta, elab.meta.lctx, []
    start = len(elab.messages)
    while True:
        decls = []
        try:
            for n in names:
                decls.append(meta.mk_local(n, meta.mk_type_mvar(), "implicit"))
                meta.lctx = meta.lctx.add(decls[-1])
            return meta.mk_pi([d.fvar for d in decls], elab.elab_type(stx))
        except AutoBound as err:
            names.append(err.name)
            del elab.messages[start:]
            elab.pending = []
        finally:
            meta.lctx = lctx


def _add_structure(run, ty, fields, parents, defaults, is_class):
    cmd, meta, cmds = run.cmd, run.meta, run.cmds
    for d in fields:
        d.type = meta.inst(d.type)
    field_vars = [d.fvar for d in fields]
    ctor_body = meta.mk_pi(field_vars, tm.PROP)  # result filled in below
    vars_ = run.used_vars(ctor_body)
    params = [*vars_, *run.params]
    pvars = [d.fvar for d in params]
    full = meta.mk_pi(pvars, ty)
    types = run.elab.levels_to_params(full, meta.mk_pi([*pvars, *field_vars], tm.PROP))
    used = []
    for e in types:
        used += [u for u in tm.level_params_of(e) if u not in used]
    order = {u: i for i, u in enumerate(run.elab.level_names)}
    levels = tuple(sorted(used, key=lambda u: order.get(u, 999)))
    self_ty = tm.mk_app(Const(run.name, tuple(lv.param(u) for u in levels)), *pvars)
    ctor_name = f"{run.name}.{cmd.ctor or 'mk'}"
    old_bi = [d.bi for d in params]
    for d in params:
        if d.bi != "inst":
            d.bi = "implicit"
    ctor_ty = meta.inst(meta.mk_pi([*pvars, *field_vars], self_ty))
    for d, bi in zip(params, old_bi, strict=False):
        d.bi = bi
    run.add_spec(len(params), types[0], ((ctor_name, ctor_ty),))
    info = _structure_tables(run, ctor_name, fields, parents, is_class, params)
    _add_projections(cmds, run.name, info, is_class, len(params))
    if is_class:
        ext = cmds.own_ext()
        for parent, field in parents:
            if meta.ext.structures[parent].is_class:
                full_name = f"{run.name}.{field}"
                ext.own("reducible").add(full_name)
                Meta(cmds.state.env, ext).add_instance(full_name)
    if defaults:
        _add_defaults(run, info, defaults, pvars)


def _structure_tables(run, ctor_name, fields, parents, is_class, params):
    ext = run.cmds.own_ext()
    info = StructInfo(run.name, ctor_name, tuple(d.name for d in fields), tuple(parents), is_class)
    ext.own("structures")[run.name] = info
    if is_class:
        ext.own("classes")[run.name] = run.out_params(params)
    return info


def _add_projections(cmds, name, info, is_class, num_params):
    """name.field := fun {params} (self) => self.i, one after the other."""
    env = cmds.state.env
    ind, ctor = env.lookup(name), env.lookup(info.ctor)
    levels = tuple(lv.param(u) for u in ind.level_params)
    ext = cmds.own_ext()
    meta = Meta(env, ext)
    decls, _ = meta.forall_locals(ctor.type, max=num_params, reducing=False)
    for d in decls:
        d.bi = "inst" if d.bi == "inst" and not is_class else "implicit"
    pvars = [d.fvar for d in decls]
    self_local = meta.mk_local("self", tm.mk_app(Const(name, levels), *pvars),
                               "inst" if is_class else "default")
    cty = meta.instantiate_forall(ctor.type, pvars)
    for i, field in enumerate(info.fields):
        fty = cty.type
        value = meta.mk_lambda([*pvars, self_local.fvar], Proj(name, i, self_local.fvar))
        ty = meta.mk_pi([*pvars, self_local.fvar], fty)
        full = f"{name}.{field}"
        prop = meta.is_prop(fty)
        cmds.add_decl((TheoremDecl if prop else DefDecl)(full, ind.level_params, ty, value))
        meta.env = cmds.state.env
        ext.own("projections")[full] = ProjInfo(name, i, num_params, is_class)
        if is_class:
            ext.own("reducible").add(full)
        call = App(tm.mk_app(Const(full, levels), *pvars), self_local.fvar)
        cty = tm.instantiate(cty.body, call)


def _add_defaults(run, info, defaults, pvars):
    meta = run.meta
    out = []
    for name, n, value, known in defaults:
        lam = meta.mk_lambda([*pvars, *known], value)
        if lam.flags & (MVAR | LMVAR):
            raise Declined("default value with an unknown part")
        out.append((name, n, lam))
    ext = run.cmds.own_ext()
    old = ext.structures[info.name]
    ext.own("structures")[info.name] = StructInfo(old.name, old.ctor, old.fields, old.parents,
                                                  old.is_class, tuple(out))
