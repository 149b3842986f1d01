"""Inductive types and structures: header, universes, constructors, adding them to the kernel.

Follows Lean 4's `Lean/Elab/{Inductive,Structure}.lean`. A structure is an inductive type with one
constructor, whose binders are the fields, and has projections. The kernel makes the recursor; of
what Lean defines from it there is only `recOn`. Declined: mutual and nested types, `extends`,
defaults of fields, fields that mention the structure itself.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.decl_run import Header
from minilean.front.errors import Declined
from minilean.front.ext import ProjInfo, StructInfo
from minilean.front.meta import Meta
from minilean.front.scope import with_auto_bound
from minilean.front.terms import conclusion, const_of, is_app_of, level_mvars
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, InductiveSpec
from minilean.kernel.errors import KernelError
from minilean.kernel.term import LMVAR, Const, Pi, Proj, Sort

HARMLESS_DERIVING = {"Repr", "Hashable", "ToString", "TypeName", "ToExpr", "SizeOf"}


class InductiveRun(Header):
    """The elaboration of one inductive type."""

    def __init__(self, cmds, cmd):
        super().__init__(cmds, cmd, cmds.full_name(cmd.name))

    def run(self):
        """The declaration with the binders in scope, then attributes and `deriving`."""
        self.with_binders(self.body)
        for attr in self.cmd.modifiers.attrs:
            self.cmds.apply_attr(attr, self.name)
        for name in sorted({*self.cmd.deriving} - HARMLESS_DERIVING):
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
        meta, level = self.meta, lv.ONE
        sort = meta.whnf(conclusion(ty))
        if type(sort) is not Sort or not sort.flags & LMVAR:
            return
        for field in field_types:
            u = meta.inst_level(meta.sort_level(field))
            if sort.level.a not in level_mvars(u):
                level = lv.max_(level, u)
        if not meta.is_def_eq(sort, Sort(level)):
            raise Declined("universe of an inductive type", self.cmd)

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
        self._add_rec_on()
        if self.cmd.is_class:
            cmds.own_ext().own("classes")[self.name] = tuple(
                [i for i, d in enumerate(decls) if is_app_of(meta.inst(d.type), "outParam", 1)])

    def _add_type(self, levels, num_params, ty, ctors):
        """Adds the type; leading indices that never change are parameters, says the kernel."""
        most = len(self.meta.forall_locals(ty, reducing=False)[0]) if ctors else num_params
        for n in range(most, num_params - 1, -1):
            try:
                return self.cmds.add_decl(InductiveSpec(self.name, levels, n, ty, ctors))
            except KernelError:
                if n == num_params:
                    raise

    def _add_rec_on(self):
        """name.recOn: the recursor with the major premise before the minor ones."""
        ext, full = self.cmds.own_ext(), f"{self.name}.recOn"
        env = self.cmds.state.env
        rec, meta = env.lookup(f"{self.name}.rec"), Meta(env, ext)
        decls, goal = meta.forall_locals(rec.type, reducing=False)
        n, value = rec.num_params + 1, tm.mk_app(const_of(rec), *[d.fvar for d in decls])
        decls = [*decls[:n], *decls[rec.num_fixed:], *decls[n:rec.num_fixed]]
        for d in decls[:n + rec.num_indices]:
            d.bi = "implicit"
        self._add_def(meta, full, rec, [d.fvar for d in decls], goal, value)
        for table in ("reducible", "protected", "elab_as_elim"):
            ext.own(table).add(full)
        ext.own("protected").add(rec.name)

    def _add_def(self, meta, name, like, fvars, ty, value):
        """Adds a definition with the universes of the declaration `like`; fvars: its arguments."""
        self.cmds.add_decl(DefDecl(name, like.level_params, meta.mk_pi(fvars, ty),
                                   meta.mk_lambda(fvars, value)))


class StructureRun(InductiveRun):
    """The elaboration of one structure or class."""

    def constructors(self):
        """The one constructor, which takes the fields."""
        cmd = self.cmd
        if cmd.extends or any(b.default is not None for b in cmd.fields):
            raise Declined("extends" if cmd.extends else "default value of a structure field", cmd)
        return [sx.Ctor(cmd.pos, cmd.end, cmd.ctor or "mk", cmd.fields, None, cmd.modifiers)]

    def declare(self, this, ty, ctors):
        """As for an inductive type, then name.field := fun {params} (self) => self.i."""
        super().declare(this, ty, ctors)
        cmds, name, is_class, fields = self.cmds, self.name, self.cmd.is_class, []
        ext, env = cmds.own_ext(), cmds.state.env
        if env.lookup(name).is_rec:
            raise Declined("recursive structure", self.cmd)
        ctor, meta = env.lookup(ctors[0][0]), Meta(env, ext)
        decls, rest = meta.forall_locals(ctor.type, max=ctor.num_params, reducing=False)
        params = [d.fvar for d in decls]
        for d in decls:
            d.bi = "inst" if d.bi == "inst" and not is_class else "implicit"
        this = meta.mk_local("self", tm.mk_app(const_of(env.lookup(name)), *params),
                             "inst" if is_class else "default").fvar
        while type(rest) is Pi:
            full, i = f"{name}.{rest.name}", len(fields)
            self._add_def(meta, full, ctor, [*params, this], rest.type, Proj(name, i, this))
            ext.own("projections")[full] = ProjInfo(name, i, len(params), is_class)
            if is_class:
                ext.own("reducible").add(full)
            fields.append(rest.name)
            projection = const_of(cmds.state.env.lookup(full))
            rest = tm.instantiate(rest.body, tm.mk_app(projection, *params, this))
        ext.own("structures")[name] = StructInfo(ctor.name, tuple(fields))
