"""Inductive types, and what structures share with them: header, universes, adding to the kernel.

Follows Lean 4's `Lean/Elab/Inductive.lean`. The kernel makes the recursor, `recursors.py` what is
defined from it; here come the tables. Mutual and nested types are declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.decl_run import Header
from minilean.front.errors import Declined, LeanError
from minilean.front.recursors import add_aux_recursors, conclusion
from minilean.front.scope import with_auto_bound
from minilean.front.terms import alpha_eq, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveSpec
from minilean.kernel.term import MVAR, Const, Pi, Sort

HARMLESS_DERIVING = {"Repr", "Hashable", "ToString", "TypeName", "Nonempty", "ToExpr",
                     "Lean.ToExpr", "Lean.ToJson", "Lean.FromJson", "SizeOf"}


class TypeRun(Header):
    """The elaboration of one inductive type or structure."""

    def __init__(self, cmds, cmd):
        super().__init__(cmds, cmd, cmds.full_name(cmd.name))

    def run(self):
        """`body` with the binders in scope, then attributes and `deriving`."""
        self.open_own_namespace(self.cmd.name)
        self.with_binders(self.body)
        for attr in self.cmd.modifiers.attrs:
            if attr.name != "class":
                self.cmds.apply_attr(attr, self.name)
        for name in self.cmd.deriving:
            if name not in HARMLESS_DERIVING:
                raise Declined(f"deriving {name}", self.cmd)

    def elab_type(self):
        """The type of the type; its universe is unknown when none is written."""
        meta, elab = self.meta, self.elab
        ty = Sort(meta.mk_level_mvar()) if self.cmd.type is None else elab.type_term(self.cmd.type)
        elab.synthesize("no")
        for d in self.decls:
            d.type = meta.inst(d.type)
        return meta.inst(ty)

    def infer_level(self, ty, field_types):
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
            if u.kind != "mvar" or not s.has_mvar or not meta._occurs_level(u, s):
                level = lv.max_(level, s)
        if not meta.is_def_eq(Sort(u), Sort(level)):
            raise LeanError("failed to compute resulting universe level of inductive datatype",
                            self.cmd)

    def declare(self, this, ty, ctors, is_class):
        """Hand the type to the kernel; returns the local declarations of its parameters.

        ctors: (name, type without parameters), where the local `this` stands for the type.
        """
        meta, cmds = self.meta, self.cmds
        used = self.mentioned(ty, *[t for _, t in ctors])
        outer = [*self.auto_decls, *[d for d in self.variables if d.id in used]]
        decls = [*outer, *self.decls]
        params = [d.fvar for d in decls]
        full, *types = self.elab.levels_to_params(meta.mk_pi(params, ty), *[t for _, t in ctors])
        if any(e.flags & MVAR for e in (full, *types)):
            raise LeanError("Failed to infer the type of a constructor field or parameter",
                            self.cmd)
        levels = self.level_params(full, *types)
        const = tm.mk_app(Const(self.name, tuple([lv.param(u) for u in levels])),
                          *[d.fvar for d in outer])
        for d in decls:
            d.bi = "inst" if d.bi == "inst" else "implicit"
        specs = [(name, meta.mk_pi(params, tm.instantiate(tm.abstract(t, [this]), const)))
                 for (name, _), t in zip(ctors, types, strict=True)]
        num_params = len(params) + self._promoted(len(params), full, specs)
        cmds.add_decl(InductiveSpec(self.name, levels, num_params, full, tuple(specs)))
        cmds.add_name(self.name, self.cmd.modifiers.flags)
        cmds.own_ext().own("namespaces").add(self.name)
        add_aux_recursors(cmds, self.name)
        if is_class:
            cmds.own_ext().own("classes")[self.name] = tuple(
                [i for i, d in enumerate(decls) if is_app_of(d.type, "outParam", 1)])
        return decls

    def _promoted(self, n, ty, ctors):
        """How many of the indices, which follow n parameters, are the same in every constructor
        and so really parameters."""
        for _ in range(n):
            ty = ty.body
        count = 0
        while ctors and type(ty) is Pi and all(
                self._fixed_index(n + count, ty.type, t) for _, t in ctors):
            ty, count = ty.body, count + 1
        return count

    def _fixed_index(self, i, binder_type, ctor_type):
        """Is argument i of the type, wherever it occurs in the constructor, its binder i?"""
        decls, body = self.meta.forall_locals(ctor_type, reducing=False)
        if len(decls) <= i:
            return False
        x, want = decls[i].fvar, tm.instantiate_rev(binder_type, [d.fvar for d in decls[:i]])
        if not alpha_eq(want, decls[i].type):
            return False
        for s in [s for e in [*[d.type for d in decls], body] for s in tm.subterms(e)]:
            f, args = tm.get_app_fn_args(s)
            if type(f) is Const and f.name == self.name and len(args) > i and args[i] is not x:
                return False
        return tm.get_app_fn_args(body)[1][i:i + 1] == [x]


class InductiveRun(TypeRun):
    """The elaboration of one inductive type."""

    def body(self):
        cmd, meta = self.cmd, self.meta
        ty = self.elab_type()
        own = [d.fvar for d in self.decls]
        with meta.with_lctx(meta.lctx):
            this = self.rec_local(cmd.name, meta.mk_pi(own, ty))
            ctors = [(f"{self.name}.{c.name}", self._constructor(c, tm.mk_app(this, *own), ty))
                     for c in cmd.ctors]
        self.infer_level(ty, [d.type for _, t in ctors
                              for d in meta.forall_locals(t, reducing=False)[0]])
        self.declare(this, ty, ctors, cmd.is_class)

    def _constructor(self, c, this, ty):
        """The type of one constructor, without the type's parameters."""
        elab, meta = self.elab, self.meta
        if c.type is None and type(ty) is Pi:
            raise LeanError("Missing resulting type for constructor "
                            f"`{c.name}`: Its resulting type must be specified because it "
                            "is part of an inductive family declaration", c)

        def with_auto(auto_decls):
            return elab.elab_binders(c.binders, lambda decls: closed([*auto_decls, *decls]))

        def closed(decls):
            result = this if c.type is None else elab.type_term(c.type)
            elab.synthesize("no")
            return meta.inst(meta.mk_pi([d.fvar for d in decls], result))
        return with_auto_bound(elab, with_auto)
