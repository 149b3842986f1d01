"""One theorem, def, example, instance, axiom or abbrev: header, value, adding it.

Follows Lean 4's `Lean/Elab/{MutualDef,DeclModifiers,AutoBound}.lean`: unbound names become implicit
arguments, a theorem takes the section variables of its header, universe metavariables become
parameters. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

import re
from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.elab_rec import Recursion
from minilean.front.errors import LeanError
from minilean.front.ext import SmartInfo
from minilean.front.scope import with_auto_bound
from minilean.front.terms import const_of, locals_used, occurs
from minilean.kernel import term as tm
from minilean.kernel.env import AxiomDecl, DefDecl, TheoremDecl

KERNEL = {"theorem": TheoremDecl, "lemma": TheoremDecl, "axiom": AxiomDecl}  # others: DefDecl
IMPLIED = {"abbrev": ["reducible"], "instance": ["reducible", "instance"]}  # attributes


class Header:
    """What every declaration starts with: name, universes, section variables, binders."""

    def __init__(self, cmds, cmd, name):
        if name in cmds.state.env:
            raise LeanError(f"`{name}` has already been declared", cmd.name_pos)
        self.cmds, self.cmd, self.name = cmds, cmd, name
        self.elab = cmds.new_elab(name)
        self.meta = self.elab.meta
        self.elab.level_names = list(dict.fromkeys([*cmd.levels, *self.elab.level_names]))
        # `theorem A.b` is `theorem b` in the namespace A
        self.elab.scope = replace(self.elab.scope, namespace=name.rpartition(".")[0])

    def with_binders(self, body):
        """body() with self.auto_decls (unbound names), self.variables and self.decls in scope."""
        variables = self.elab.scope.variables
        n = sum(len(b.names) for b in variables)

        def with_all(auto_decls, decls):
            self.auto_decls, self.variables, self.decls = auto_decls, decls[:n], decls[n:]
            return body()
        return with_auto_bound(self.elab, [*variables, *self.cmd.binders], with_all)

    def mentioned(self, *terms):
        """Ids of the locals that the terms and the binders mention, and that those depend on."""
        types = [d.type for d in (*self.auto_decls, *self.decls)]
        return locals_used(self.meta, [*terms, *types], self.variables)

    def rec_local(self, short, ty):
        """A hidden local, first in the context, that stands for the declaration inside itself."""
        d = self.meta.mk_local(short, ty, hidden=True)
        self.elab.rec_fns[d.id], d.cls = self.name, None  # it is not found as an instance
        self.meta.lctx = self.meta.lctx.replace((d, *self.meta.lctx.decls))
        return d.fvar

    def level_params(self, *terms):
        """The level parameters of the terms and the declared ones, in their order of appearance."""
        used = {*self.cmd.levels, *[u for e in terms for u in tm.level_params_of(e)]}
        return tuple([u for u in self.elab.level_names if u in used])


class DeclRun(Header):
    """The elaboration of one theorem, def, example, instance, axiom or abbrev."""

    def __init__(self, cmds, cmd):
        name = cmd.name or "_example"
        if cmd.kind == "instance" and cmd.name is None:  # as Lean names it, often
            type_ = cmds.text[cmd.type.pos:cmd.type.end]
            name = "inst" + "".join(re.findall(r"\b[A-Z]\w*", type_))
            while cmds.full_name(name) in cmds.state.env:
                name += "_1"
        super().__init__(cmds, cmd, cmds.full_name(name))
        self.make = KERNEL.get(cmd.kind, DefDecl)
        self.value = self.recursion = None

    def run(self):
        """Elaborate the declaration, hand it to the kernel, and what comes with it to the tables;
        an example is forgotten again."""
        cmds, cmd, elab, before = self.cmds, self.cmd, self.elab, self.cmds.state
        terms = self.with_binders(self._elaborate)
        cmds.sorries += [(stx, lctx, ty, elab) for stx, lctx, ty in elab.sorries]
        cmds.state = replace(before, env=self.meta.env, ext=self.meta.ext)
        if cmd.kind in ("instance", "example") and self.meta.is_prop(terms[0]):
            self.make = TheoremDecl
        decl = self.make(self.name, self.level_params(*terms), *terms)
        cmds.add_decl(decl)
        if not elab.had_error and any("sorryAx" in tm.const_names(e) for e in terms):
            cmds.messages.append(("warning", "declaration uses 'sorry'", cmd.name_pos))
        cmds.add_name(self.name, cmd.modifiers.flags)
        if type(decl) is DefDecl:
            self._add_unfolding(decl)
        implied = [sx.Attr(*cmd.name_pos, name, cmd.priority) for name in IMPLIED.get(cmd.kind, ())]
        for attr in (*implied, *cmd.modifiers.attrs):
            cmds.apply_attr(attr, self.name)
        if cmd.kind == "example":
            cmds.state = before

    # --- header ---------------------------------------------------------------------------------

    def _elaborate(self):
        """The type and the value (none of an axiom), as functions of all that they depend on."""
        elab, cmd, meta = self.elab, self.cmd, self.meta
        ty = meta.mk_type_mvar() if cmd.type is None else elab.type_term(cmd.type)
        elab.synthesize("no")
        self.type = meta.inst(ty)
        elab.auto_bound = False
        is_theorem = self.make is TheoremDecl
        if is_theorem and not meta.is_def_eq(meta.infer(self.type), tm.PROP):
            raise LeanError(f"type of theorem `{self.name}` is not a proposition\n  "
                            + meta.pp(self.type), cmd.name_pos)
        self._settle_binders()
        left = meta.mvars_in(self.type) if is_theorem else ()
        if left:
            raise elab.unassigned(left[0], cmd.type)
        if cmd.body is not None:
            self._elab_value(cmd.body)
        return self._close()

    def _settle_binders(self):
        """Every binder type must be known before the value is elaborated; those that are unknown of
        auto-bound names become implicit arguments, universe metavariables become parameters."""
        meta, new = self.meta, []
        for i in [i for d in self.auto_decls for i in meta.mvars_in(d.type)]:
            if i not in meta.assign:
                new.append(meta.mk_local("α✝", meta.inst(meta.decls[i].type), "implicit"))
                meta.assign_mvar(i, new[-1].fvar)
        self.auto_decls = [*new, *self.auto_decls]
        decls = [*self.auto_decls, *self.variables, *self.decls]
        if self.cmd.type is not None:
            self.elab.levels_to_params(*[d.type for d in decls], self.type)
        for d in decls:
            d.type = meta.inst(d.type)
            if d.type.flags & tm.MVAR:
                raise LeanError(f"Failed to infer type of binder `{d.name}`", self.cmd)
        meta.lctx = meta.lctx.replace([*new, *meta.lctx.decls])

    # --- value ----------------------------------------------------------------------------------

    def _elab_value(self, body):
        elab, meta = self.elab, self.meta
        with meta.with_lctx(meta.lctx):
            ty = meta.mk_pi([d.fvar for d in (*self.auto_decls, *self.decls)], self.type)
            self.rec_fvar = self.rec_local(self.cmd.name or self.name, ty)
            value = elab.elab_term(body, self.type)
        for i in meta.mvars_in(meta.inst(self.type)) + meta.mvars_in(meta.inst(value)):
            if not elab.had_error:
                raise elab.unassigned(i, body)
            meta.admit(i)
        self.type, self.value = meta.inst(self.type), meta.inst(value)

    def _close(self):
        meta, used = self.meta, self._used_variables()
        fvars = [d.fvar for d in (*self.auto_decls, *used, *self.decls)]
        terms = [meta.mk_pi(fvars, self.type)]
        if self.value is not None:
            terms.append(meta.mk_lambda(fvars, self.value))
            if occurs(self.rec_fvar, terms[1]):
                n = len(self.auto_decls)
                self.recursion = Recursion(meta, self.rec_fvar, *terms, range(n, n + len(used)))
                terms[1] = self.recursion.compile(self.name, self.cmd)
        return self.elab.levels_to_params(*terms)

    def _used_variables(self):
        """The section variables that the declaration depends on, in order."""
        meta, proof = self.meta, self.value is None or self.make is TheoremDecl
        used = self.mentioned(self.type, *(() if proof else (self.value,)))
        for d in self.variables:
            needs = meta.fvar_ids(d.type)
            if d.bi == "inst" and needs and used.issuperset(needs):
                used.add(d.id)
        return [d for d in self.variables if d.id in used]

    def _add_unfolding(self, decl):
        """Functions defined by matching unfold only as far as their equations say."""
        value, recursive = decl.value, self.recursion is not None
        if recursive:
            value = self.meta.inst(self.recursion.with_calls_of(const_of(decl)))
        decls, body = self.meta.lambda_locals(value)
        if recursive or decls and self.meta.is_matcher(tm.get_app_fn(body)):
            table = self.cmds.own_ext().own("smart")
            table[self.name] = SmartInfo(value, len(decls), recursive)
