"""One theorem, def, example, instance, axiom or abbrev: header, value, adding it.

Follows Lean 4's `Lean/Elab/{MutualDef,DeclModifiers,AutoBound}.lean`: unbound names become implicit
arguments, a theorem takes the section variables of its header, universe metavariables become
parameters. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

import itertools
import re
from dataclasses import replace

from minilean.front.elab_rec import Recursion, match_info
from minilean.front.errors import Declined, LeanError
from minilean.front.meta import Meta
from minilean.front.scope import with_auto_bound
from minilean.front.terms import locals_used, occurs
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import AxiomDecl, DefDecl, OpaqueDecl, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import MVAR, Const

THEOREMS = ("theorem", "lemma")


class Header:
    """What every declaration starts with: name, universes, section variables, binders."""

    def __init__(self, cmds, cmd, name):
        self.cmds, self.cmd, self.name = cmds, cmd, name
        if name in cmds.state.env:
            raise LeanError(f"`{name}` has already been declared", cmd.name_pos)
        self.elab = cmds.new_elab(name or "inst")
        self.meta = self.elab.meta
        declared = cmd.levels or []
        self.elab.level_names = [*declared, *[u for u in self.elab.level_names
                                              if u not in declared]]
        self.elab.auto_bound = cmds.state.scope.options.get("autoImplicit", True)

    def open_own_namespace(self, short):
        """`theorem A.b` is `theorem b` in the namespace A (Lean: `expandNamespacedDeclaration`)."""
        if "." in short:
            space = self.name.rpartition(".")[0]
            self.elab.scope = replace(self.elab.scope, namespace=space)

    def with_binders(self, body):
        """body() with self.auto_decls (unbound names), self.variables and self.decls in scope."""
        variables = self.elab.scope.variables
        n = sum(len(b.names) for b in variables)

        def with_all(auto_decls, decls):
            self.auto_decls, self.variables, self.decls = auto_decls, decls[:n], decls[n:]
            return body()
        return with_auto_bound(self.elab, [*variables, *self.cmd.binders], with_all)

    def all_decls(self):
        """The local declarations of unbound names, section variables and binders."""
        return [*self.auto_decls, *self.variables, *self.decls]

    def mentioned(self, *terms):
        """Ids of the locals that the terms and the binders mention, and that those depend on."""
        types = [d.type for d in (*self.auto_decls, *self.decls)]
        return locals_used(self.meta, [*terms, *types], self.variables)

    def rec_local(self, short, ty):
        """A hidden local, first in the context, that stands for the declaration inside itself."""
        d = self.meta.mk_local(short, ty, hidden=True)
        self.elab.rec_fns[d.id] = self.name
        self.meta.lctx = self.meta.lctx.replace((d, *self.meta.lctx.decls))
        return d.fvar

    def level_params(self, *terms):
        """The level parameters of the terms and the declared ones, in their order of appearance."""
        declared = self.cmd.levels or ()
        used = dict.fromkeys([*declared, *[u for e in terms for u in tm.level_params_of(e)]])
        order = {u: i for i, u in enumerate(self.elab.level_names)}
        return tuple(sorted(used, key=lambda u: order.get(u, len(order))))


class DeclRun(Header):
    """The elaboration of one theorem, def, example, instance, axiom or abbrev."""

    def __init__(self, cmds, cmd):
        self.short = None if cmd.kind == "example" else cmd.name
        name = None if self.short is None else cmds.full_name(self.short)
        super().__init__(cmds, cmd, "_example" if cmd.kind == "example" else name)
        self.is_theorem = cmd.kind in THEOREMS
        self.value = self.rec_fvar = self.recursion = None

    def run(self):
        cmds, elab = self.cmds, self.elab
        if self.short is not None:
            self.open_own_namespace(self.short)
        before, n_messages = cmds.state, len(cmds.messages)
        self.with_binders(self._elaborate)
        for stx, lctx, ty in elab.sorries:
            cmds.sorries.append((stx.pos, stx.end, self.meta, lctx, ty, elab))
        try:
            self._add(n_messages)
        finally:
            if self.cmd.kind == "example":
                cmds.state = before

    # --- header ---------------------------------------------------------------------------------

    def _elaborate(self):
        """Sets self.type, self.value (None for axioms), self.full_type, self.full_value."""
        elab, cmd, meta = self.elab, self.cmd, self.meta
        needs_type = self.is_theorem or cmd.kind == "axiom"
        if cmd.type is None and needs_type:
            raise LeanError(f"missing type in {cmd.kind}", cmd)
        ty = meta.mk_type_mvar() if cmd.type is None else elab.type_term(cmd.type)
        elab.synthesize("no")
        self.type = meta.inst(ty)
        elab.auto_bound = False
        self._check_binders()
        left = meta.mvars_in(self.type) if needs_type else ()
        if left:
            raise elab.unassigned(left[0], cmd.type)
        if self.is_theorem and not meta.is_def_eq(meta.infer(self.type), tm.PROP):
            raise LeanError(f"type of theorem `{self.name}` is not a proposition\n  "
                            + meta.pp(self.type), cmd.name_pos)
        if cmd.type is not None:  # universe metavariables of the header become parameters
            decls = self.all_decls()
            *types, self.type = elab.levels_to_params(*[d.type for d in decls], self.type)
            for d, ty in zip(decls, types, strict=True):
                d.type = ty
        if self.name is None:
            self.name = elab.decl_name = self._instance_name()
        if cmd.body is not None:
            self._elab_value(cmd.body)
        self._close()

    def _check_binders(self):
        """Every binder type must be known before the value is elaborated; those that are unknown of
        auto-bound names become implicit arguments themselves."""
        meta, new = self.meta, []
        for i in [i for d in self.auto_decls for i in meta.mvars_in(d.type)]:
            ty = meta.inst(meta.decls[i].type)
            if i not in meta.assign and type(ty) is tm.Sort:
                new.append(meta.mk_local("α✝", ty, "implicit"))
                meta.assign_mvar(i, new[-1].fvar)
        self.auto_decls = [*new, *self.auto_decls]
        for d in self.all_decls():
            d.type = meta.inst(d.type)
            if d.type.flags & MVAR:
                raise LeanError(f"Failed to infer type of binder `{d.name}`", self.cmd)
            if d.cls is None and d.bi == "inst":
                d.cls = meta.class_name(d.type)
        meta.lctx = meta.lctx.replace([*new, *meta.lctx.decls])  # looks for the instances again

    def _instance_name(self):
        """Lean's generated name: inst + the class and its argument heads."""
        meta, parts = self.meta, []

        def visit(e):
            f, args = tm.get_app_fn_args(e)
            if type(f) is not Const:
                parts.append({tm.Sort: "Type", tm.Pi: "Forall"}.get(type(f), ""))
                return
            parts.append(f.name.rpartition(".")[2])
            for a in args:
                if type(meta.sort_of(a)) is tm.Sort or f.name in meta.ext.classes:
                    visit(a)
        visit(meta.forall_locals(self.type, reducing=False)[1])
        full = self.cmds.full_name("inst" + "".join(p[:1].upper() + p[1:] for p in parts))
        names = itertools.chain([full], (f"{full}_{n}" for n in itertools.count(1)))
        return next(name for name in names if name not in self.cmds.state.env)

    # --- value ----------------------------------------------------------------------------------

    def _elab_value(self, body):
        elab, meta = self.elab, self.meta
        with meta.with_lctx(meta.lctx):
            if self._mentions_itself():
                binders = [d.fvar for d in [*self.auto_decls, *self.decls]]
                self.rec_fvar = self.rec_local(self.short, meta.mk_pi(binders, self.type))
            if isinstance(body, list):
                value = elab.match_lambda(body, self.type, self.cmd)
            else:
                value = elab.term_ensuring(body, self.type)
            elab.synthesize("no")
        self.type, self.value = meta.inst(self.type), meta.inst(value)
        self._admit_unassigned()

    def _mentions_itself(self):
        """May what stands behind the declaration's name refer to the declaration?"""
        if self.short is None:
            return False
        last = re.escape(self.short.rpartition(".")[2])
        text = self.cmds.source.text[self.cmd.name_pos[1]:self.cmd.end]
        return re.search(rf"(?<!\w){last}(?!\w)", text) is not None

    def _admit_unassigned(self):
        """No metavariable may remain."""
        meta, elab = self.meta, self.elab
        left = meta.mvars_in(self.type) + meta.mvars_in(self.value)
        whole = self.cmd if isinstance(self.cmd.body, list) else self.cmd.body
        for i in left if not elab.had_error else ():
            elab.log_error(elab.unassigned(i, whole))
        for i in left:
            if not meta.is_assigned(i):
                meta.admit(i)
        self.type, self.value = meta.inst(self.type), meta.inst(self.value)

    def _close(self):
        """Sets self.full_type and self.full_value: functions of the variables that are needed."""
        meta = self.meta
        used = self._used_variables()
        decls = [*self.auto_decls, *used, *self.decls]
        fvars, types = [d.fvar for d in decls], [d.type for d in decls]
        for d in decls:
            default = self.elab.opt_params.get(d.id)
            if default is not None:
                level = meta.sort_level(d.type)
                d.type = tm.mk_app(Const("optParam", (level,)), d.type, default)
        self.full_type = meta.mk_pi(fvars, self.type)
        for d, ty in zip(decls, types, strict=True):
            d.type = ty  # goals are printed after this
        self.full_value = None if self.value is None else meta.mk_lambda(fvars, self.value)
        if self.rec_fvar is not None and occurs(self.rec_fvar, self.full_value):
            n = len(self.auto_decls)
            self.recursion = Recursion(meta, self.rec_fvar, self.full_type, self.full_value,
                                       range(n, n + len(used)))

    def _used_variables(self):
        """The section variables that the declaration depends on, in order."""
        meta, terms = self.meta, [self.type]
        if self.value is not None and not self.is_theorem:
            terms.append(self.value)
        used = self.mentioned(*terms)
        for d in self.variables:
            needs = meta.fvar_ids(d.type)
            if d.bi == "inst" and needs and used.issuperset(needs):
                used.add(d.id)
        if self.value is not None and self.is_theorem and self.variables:
            in_proof = set(meta.fvar_ids(self.value))
            for d in self.variables:
                if d.id in in_proof - used:
                    raise LeanError(f"Unknown identifier `{d.name}`", self.cmd.name_pos)
        return [d for d in self.variables if d.id in used]

    # --- adding it ------------------------------------------------------------------------------

    def _add(self, n_messages):
        """Hand the declaration to the kernel, unless earlier errors explain why it fails."""
        cmds, meta, value = self.cmds, self.meta, self.full_value
        if self.recursion is not None:
            value = self.recursion.compile(self.name, self.cmd)
        terms = [self.full_type] if value is None else [self.full_type, value]
        ty, *values = self.elab.levels_to_params(*terms)
        if meta.env is not cmds.state.env:  # matchers and other auxiliary declarations
            cmds.state = cmds.state.extended(env=meta.env, ext=meta.ext)
        params = self.level_params(ty, *values)
        errors = cmds.failed_since(n_messages)
        decl = self._decl(params, ty, *values)
        try:
            cmds.add_decl(decl)
        except KernelError:
            if errors:
                return
            raise
        if not errors and any("sorryAx" in tm.const_names(e) for e in (ty, *values)):
            cmds.messages.append(("warning", "declaration uses 'sorry'", self.cmd.name_pos))
        if self.cmd.kind != "example":
            if type(decl) is DefDecl:
                self._add_unfolding(decl)
            self._register()

    def _add_unfolding(self, decl):
        """Functions defined by matching unfold only as far as their equations say."""
        if self.recursion is None:
            info = match_info(self.meta, decl.value)
        else:
            const = Const(self.name, tuple([lv.param(u) for u in decl.level_params]))
            info = self.recursion.smart_info(const)
        if info is not None:
            [value] = self.elab.levels_to_params(info.value)
            self.cmds.own_ext().own("smart")[self.name] = replace(info, value=value)

    def _decl(self, params, ty, value=None):
        kind = self.cmd.kind
        if kind == "axiom":
            return AxiomDecl(self.name, params, ty)
        if value is None:
            raise Declined("opaque without a value", self.cmd)
        make = OpaqueDecl if kind == "opaque" else DefDecl
        if self.is_theorem or kind in ("instance", "example") and self.meta.is_prop(ty):
            make = TheoremDecl
        return make(self.name, params, ty, value)

    def _register(self):
        """Attributes, namespaces and tables of the new declaration."""
        cmd, cmds, name = self.cmd, self.cmds, self.name
        cmds.add_name(name, cmd.modifiers.flags)
        if cmd.kind in ("abbrev", "instance"):
            cmds.own_ext().own("reducible").add(name)
        if cmd.kind == "instance":
            priority = 1000 if cmd.priority is None else cmd.priority
            Meta(cmds.state.env, cmds.own_ext()).add_instance(name, priority)
        for attr in cmd.modifiers.attrs:
            cmds.apply_attr(attr, name)
