"""Structures and classes: constructor, projections, parents, defaults.

Follows Lean 4's `Lean/Elab/Structure.lean`; overlapping parents and automatic fields are declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.decl_types import TypeRun
from minilean.front.elab_app import all_fields
from minilean.front.errors import Declined, LeanError
from minilean.front.ext import ProjInfo, StructInfo
from minilean.front.meta import Meta
from minilean.front.scope import with_auto_bound
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import FVAR, LMVAR, MVAR, App, Const, FVar, Proj, Sort


class StructureRun(TypeRun):
    """The elaboration of one structure. `fields`: local declarations of its own fields and of
    `toParent`, and let-variables for the fields of the parents."""

    def __init__(self, cmds, cmd):
        super().__init__(cmds, cmd)
        self.fields = []
        self.is_class = cmd.is_class or any(a.name == "class" for a in cmd.modifiers.attrs)

    def body(self):
        cmd, meta = self.cmd, self.meta
        ty = meta.whnf(self.elab_type())
        if type(ty) is not Sort:
            raise LeanError("expected structure type", cmd)
        with meta.with_lctx(meta.lctx):
            parents = [self._parent(stx) for stx in cmd.extends]
            defaults = [default for b in cmd.fields for default in self._own_fields(b)]
        own = self._own()
        for d in own:
            d.type = self._without_parent_fields(d.type)
        self.infer_level(ty, [d.type for d in own])
        params = [d.fvar for d in self.decls]
        this = meta.mk_local(cmd.name, meta.mk_pi(params, ty)).fvar
        ctor, fields = f"{self.name}.{cmd.ctor or 'mk'}", [d.fvar for d in own]
        result = meta.mk_pi(fields, tm.mk_app(this, *params))
        decls = self.declare(this, ty, [(ctor, result)], self.is_class)
        info = StructInfo(self.name, ctor, tuple(d.name for d in own), tuple(parents),
                          self.is_class)
        self.cmds.own_ext().own("structures")[self.name] = info
        self._add_projections(info, len(decls))
        if self.is_class:
            self._add_parent_instances(parents)
        if defaults:
            closed = tuple([self._default(decls, fields, *default) for default in defaults])
            self.cmds.own_ext().own("structures")[self.name] = replace(info, defaults=closed)

    # --- fields ---------------------------------------------------------------------------------

    def _own(self):
        """The fields that the constructor takes."""
        return [d for d in self.fields if d.value is None]

    def _add_field(self, name, ty, bi="default", value=None):
        d = self.meta.mk_local(name, ty, bi, value)
        self.meta.lctx = self.meta.lctx.add(d)
        self.fields.append(d)
        return d

    def _parent(self, stx):
        """Adds `toParent` and the parent's fields; (parent, name of the field)."""
        meta, ty = self.meta, self.elab.elab_type(stx)
        f = tm.get_app_fn(meta.whnf_r(ty))
        info = meta.ext.structures.get(f.name) if type(f) is Const else None
        if info is None:
            raise LeanError("expected structure", stx)
        if {d.name for d in self.fields}.intersection(all_fields(meta, info)):
            raise Declined("overlapping parent structures", stx)
        name = "to" + f.name.rpartition(".")[2]
        d = self._add_field(name, ty, "inst" if info.is_class else "default")
        self._add_parent_fields(d.fvar, ty)
        return f.name, name

    def _add_parent_fields(self, parent, ty):
        """Let-variables for the fields of the structure value `parent` : ty and of its parents."""
        meta = self.meta
        f, args = tm.get_app_fn_args(meta.whnf_r(ty))
        info = meta.ext.structures[f.name]
        for name in info.fields:
            value = tm.mk_app(Const(f"{info.name}.{name}", f.levels), *args, parent)
            d = self._add_field(name, meta.infer(value), value=value)
            if any(name == via for _, via in info.parents):
                self._add_parent_fields(value, d.type)

    def _without_parent_fields(self, e):
        """e, which may mention the let-variables, as a term over the constructor's arguments."""
        values = {d.fvar: d.value for d in self.fields if d.value is not None}
        return tm.replace(self.meta.inst(e), lambda s: values.get(s) if type(s) is FVar else None)

    def _own_fields(self, b):
        """Adds the fields of one binder; [(field, number of fields before it, default value)]."""
        elab, meta, defaults = self.elab, self.meta, []
        for name in b.names:
            if any(d.name == name for d in self._own()):
                raise LeanError(f"field `{name}` has already been declared", b)
            if b.type is None and b.default is None:
                raise LeanError(f"field `{name}` needs a type", b)
            if b.type is None and any(d.name == name for d in self.fields):
                raise Declined("new default value for a parent's field", b)
            if isinstance(b.default, sx.By):
                raise Declined("automatic structure field", b)
            if b.type is None:
                ty = meta.inst(meta.infer(elab.elab_term(b.default)))
            else:
                ty = with_auto_bound(elab, lambda auto: meta.mk_pi(
                    [d.fvar for d in auto], elab.elab_type(b.type)))
            if b.default is not None:
                value = elab.elab_term_ensuring(b.default, ty)
                defaults.append((name, len(self._own()), value))
            self._add_field(name or "inst✝", ty, b.info)
        elab.synthesize("no")
        return defaults

    def _default(self, params, fields, name, n, value):
        """(field, n, default value as a function of the parameters and the first n fields)."""
        args = [*[d.fvar for d in params], *fields[:n]]
        closed = self.meta.mk_lambda(args, self._without_parent_fields(value))
        if closed.flags & (FVAR | MVAR | LMVAR):
            raise Declined("default value with an unknown part")
        return name, n, closed

    # --- what a structure declares ---------------------------------------------------------------

    def _add_projections(self, info, num_params):
        """name.field := fun {params} (self) => self.i, one after the other."""
        cmds, name = self.cmds, self.name
        ind, ctor = cmds.state.env.lookup(name), cmds.state.env.lookup(info.ctor)
        levels = tuple([lv.param(u) for u in ind.level_params])
        ext = cmds.own_ext()
        meta = Meta(cmds.state.env, ext)
        decls, rest = meta.forall_locals(ctor.type, max=num_params, reducing=False)
        for d in decls:
            d.bi = "inst" if d.bi == "inst" and not self.is_class else "implicit"
        params = [d.fvar for d in decls]
        this = meta.mk_local("self", tm.mk_app(Const(name, levels), *params),
                             "inst" if self.is_class else "default").fvar
        for i, field in enumerate(info.fields):
            full = f"{name}.{field}"
            value = meta.mk_lambda([*params, this], Proj(name, i, this))
            make = TheoremDecl if meta.is_prop(rest.type) else DefDecl
            cmds.add_decl(make(full, ind.level_params, meta.mk_pi([*params, this], rest.type),
                               value))
            meta.env = cmds.state.env
            ext.own("projections")[full] = ProjInfo(name, i, num_params, self.is_class)
            if self.is_class:
                ext.own("reducible").add(full)
            rest = tm.instantiate(rest.body, App(tm.mk_app(Const(full, levels), *params), this))

    def _add_parent_instances(self, parents):
        """`toParent` of a class is an instance of its parent class."""
        ext = self.cmds.own_ext()
        for parent, field in parents:
            if ext.structures[parent].is_class:
                ext.own("reducible").add(f"{self.name}.{field}")
                Meta(self.cmds.state.env, ext).add_instance(f"{self.name}.{field}")
