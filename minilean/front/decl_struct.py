"""Structures and classes: inductive types with one constructor, and their projections.

Follows Lean 4's `Lean/Elab/Structure.lean`. Declined: `extends`, defaults of fields, fields that
mention the structure itself. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.decl_types import InductiveRun
from minilean.front.errors import Declined
from minilean.front.ext import ProjInfo, StructInfo
from minilean.front.meta import Meta
from minilean.front.terms import occurs
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.term import Const, Proj


class StructureRun(InductiveRun):
    """The elaboration of one structure or class."""

    is_structure = True

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
        ext.own("structures")[name] = StructInfo(name, ctor.name, tuple(fields))
