"""Inductive types and structures: header, universes, constructors, adding them to the kernel.

Follows Lean 4's `Lean/Elab/{Inductive,Structure}.lean`. A structure is an inductive type with one
constructor, whose binders are the fields, and has projections. The kernel makes the recursor,
`recursors.py` what is defined from it. Declined: mutual and nested types, `extends`, defaults of
fields, fields that mention the structure itself.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.decl_run import Header
from minilean.front.errors import Declined, LeanError
from minilean.front.ext import ProjInfo, StructInfo
from minilean.front.meta import Meta
from minilean.front.recursors import add_rec_on, conclusion
from minilean.front.scope import with_auto_bound
from minilean.front.terms import is_app_of, level_mvars, occurs
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, InductiveSpec, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import Const, Pi, Proj, Sort

HARMLESS_DERIVING = {"Repr", "Hashable", "ToString", "TypeName", "ToExpr", "SizeOf"}


class InductiveRun(Header):
    """The elaboration of one inductive type."""

    def __init__(self, cmds, cmd):
        super().__init__(cmds, cmd, cmds.full_name(cmd.name))

    def run(self):
        """The declaration with the binders in scope, then attributes and `deriving`."""
        self.open_own_namespace(self.cmd.name)
        self.with_binders(self.body)
        for attr in self.cmd.modifiers.attrs:
            self.cmds.apply_attr(attr, self.name)
        for name in self.cmd.deriving:
            if name not in HARMLESS_DERIVING:
                raise Declined(f"deriving {name}", self.cmd)

    def body(self):
        """Elaborates the type and its constructors, and declares them."""
        elab, meta, own = self.elab, self.meta, [d.fvar for d in self.decls]
        ty = Sort(meta.mk_level_mvar()) if self.cmd.type is None else elab.type_term(self.cmd.type)
        elab.synthesize("no")
        ty = meta.inst(ty)  # its universe is unknown when none is written
        with meta.with_lctx(meta.lctx):
            this = self.rec_local(self.cmd.name, meta.mk_pi(own, ty))
            ctors = [(f"{self.name}.{c.name}", self._constructor(c, tm.mk_app(this, *own)))
                     for c in self.constructors()]
        self._infer_level(ty, [d.type for _, t in ctors
                               for d in meta.forall_locals(t, reducing=False)[0]])
        self.declare(this, ty, ctors)

    def constructors(self):
        """The syntax of the constructors."""
        return self.cmd.ctors

    def _constructor(self, c, this):
        """The type of one constructor, without the type's parameters."""
        elab, meta = self.elab, self.meta

        def closed(auto_decls, decls):
            if auto_decls and isinstance(self.cmd, sx.Structure):
                raise Declined("unbound name in a structure field", c)
            result = this if c.type is None else elab.type_term(c.type)
            elab.synthesize("no")
            return meta.inst(meta.mk_pi([d.fvar for d in (*auto_decls, *decls)], result))
        return with_auto_bound(elab, c.binders, closed)

    def _infer_level(self, ty, field_types):
        """Assign the unknown result universe of ty: the least one above all the fields."""
        meta = self.meta
        sort = meta.whnf(conclusion(ty))
        if type(sort) is not Sort:
            raise LeanError("a type of types was expected", self.cmd)
        u, level = meta.inst_level(sort.level), lv.ONE
        if not u.has_mvar:
            return
        for field in field_types:
            s = meta.inst_level(meta.sort_level(field))
            if u.a not in level_mvars(s):
                level = lv.max_(level, s)
        if not meta.is_def_eq(Sort(u), Sort(level)):
            raise LeanError("failed to compute resulting universe level of inductive datatype",
                            self.cmd)

    def declare(self, this, ty, ctors):
        """Hand the type to the kernel, and what comes with it to the tables.

        ctors: (name, type without parameters), where the local `this` stands for the type.
        """
        meta, cmds = self.meta, self.cmds
        used = self.mentioned(ty, *[t for _, t in ctors])
        outer = [*self.auto_decls, *[d for d in self.variables if d.id in used]]
        decls = [*outer, *self.decls]
        params = [d.fvar for d in decls]
        full, *types = self.elab.levels_to_params(meta.mk_pi(params, ty), *[t for _, t in ctors])
        levels = self.level_params(full, *types)
        const = tm.mk_app(Const(self.name, tuple([lv.param(u) for u in levels])),
                          *[d.fvar for d in outer])
        for d in decls:
            d.bi = "inst" if d.bi == "inst" else "implicit"
        specs = [(name, meta.mk_pi(params, tm.instantiate(tm.abstract(t, [this]), const)))
                 for (name, _), t in zip(ctors, types, strict=True)]
        self._add_type(levels, len(params), full, tuple(specs))
        cmds.add_name(self.name, self.cmd.modifiers.flags)
        cmds.own_ext().own("namespaces").add(self.name)
        add_rec_on(cmds, self.name)
        if self.cmd.is_class:
            cmds.own_ext().own("classes")[self.name] = tuple(
                [i for i, d in enumerate(decls) if is_app_of(meta.inst(d.type), "outParam", 1)])

    def _add_type(self, levels, num_params, ty, ctors):
        """Adds the type; leading indices that never change are parameters, says the kernel."""
        num_indices, rest = -num_params, ty
        while type(rest) is Pi:
            num_indices, rest = num_indices + 1, rest.body
        for n in range(num_indices if ctors else 0, -1, -1):
            try:
                spec = InductiveSpec(self.name, levels, num_params + n, ty, ctors)
                return self.cmds.add_decl(spec)
            except KernelError:
                if n == 0:
                    raise


class StructureRun(InductiveRun):
    """The elaboration of one structure or class."""

    def constructors(self):
        """The one constructor, which takes the fields."""
        cmd = self.cmd
        if cmd.extends:
            raise Declined("extends", cmd)
        if any(b.default is not None for b in cmd.fields):
            raise Declined("default value of a structure field", cmd)
        return [sx.Ctor(cmd.pos, cmd.end, cmd.ctor or "mk", cmd.fields, None, cmd.modifiers)]

    def declare(self, this, ty, ctors):
        """As for an inductive type, then the projections."""
        [(ctor, ctor_type)] = ctors
        fields, _ = self.meta.forall_locals(ctor_type, reducing=False)
        if any(occurs(this, d.type) for d in fields):
            raise Declined("recursive structure", self.cmd)
        super().declare(this, ty, ctors)
        self._add_projections(ctor, [d.name for d in fields])

    def _add_projections(self, ctor, fields):
        """name.field := fun {params} (self) => self.i, one after the other."""
        cmds, name, is_class = self.cmds, self.name, self.cmd.is_class
        ext, ctor = cmds.own_ext(), cmds.state.env.lookup(ctor)
        levels = tuple([lv.param(u) for u in ctor.level_params])
        meta = Meta(cmds.state.env, ext)
        decls, rest = meta.forall_locals(ctor.type, max=ctor.num_params, reducing=False)
        for d in decls:
            d.bi = "inst" if d.bi == "inst" and not is_class else "implicit"
        params = [d.fvar for d in decls]
        this = meta.mk_local("self", tm.mk_app(Const(name, levels), *params),
                             "inst" if is_class else "default").fvar
        for i, field in enumerate(fields):
            full = f"{name}.{field}"
            make = TheoremDecl if meta.is_prop(rest.type) else DefDecl
            cmds.add_decl(make(full, ctor.level_params, meta.mk_pi([*params, this], rest.type),
                               meta.mk_lambda([*params, this], Proj(name, i, this))))
            meta.env = cmds.state.env
            ext.own("projections")[full] = ProjInfo(name, i, len(params), is_class)
            if is_class:
                ext.own("reducible").add(full)
            rest = tm.instantiate(rest.body, tm.mk_app(Const(full, levels), *params, this))
        ext.own("structures")[name] = StructInfo(ctor.name, tuple(fields))
