"""Commands that change scopes: variable, universe, namespace, section, end, open, export, options.

Follows Lean 4's `Lean/Elab/BuiltinCommand.lean`; `open` with a list of names, `variable {x}` for
an x in scope and unusual options are declined. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front.errors import Declined, LeanError
from minilean.front.known_names import NAMES
from minilean.front.scope import with_auto_bound

OPTIONS = ("pp.", "linter.", "maxHeartbeats", "maxRecDepth", "autoImplicit", "relaxedAutoImplicit",
           "checkBinderAnnotations", "synthInstance.", "diagnostics", "profiler", "tactic.")


class ScopeMixin:
    """Mixed into `CommandElab`."""

    def change(self, **changes):
        """Change the scope."""
        self.state = replace(self.state, scope=replace(self.state.scope, **changes))

    def cmd_variable(self, cmd):
        before = self.state.scope.variables
        names = {name for b in before for name in b.names}
        if self.inherited or any(b.type is None and names.intersection(b.names)
                                 for b in cmd.binders):
            raise Declined("variables on top of an earlier request's or of the same name", cmd)
        elab, variables = self.new_elab(), (*before, *cmd.binders)
        elab.auto_bound = elab.scope.options.get("autoImplicit", True)
        with_auto_bound(elab, lambda _: elab.elab_binders(
            variables, lambda _: elab.synthesize("no")))
        self.change(variables=variables)

    def cmd_universe(self, cmd):
        for name in cmd.names:
            known = self.state.scope.universes
            if name in known:
                raise LeanError(f"a universe level named `{name}` has already been declared", cmd)
            self.change(universes=(*known, name))

    def cmd_namespace(self, cmd):
        for part in cmd.name.split("."):
            space = self.full_name(part)
            if space not in self.state.ext.namespaces:
                self.own_ext().own("namespaces").add(space)
            self.change(name=part, outer=self.state.scope, namespace=space)

    def cmd_section(self, cmd):
        for part in (cmd.name or "").split("."):
            self.change(name=part, outer=self.state.scope)

    def cmd_end(self, cmd):
        for part in reversed((cmd.name or "").split(".")):
            scope = self.state.scope
            if scope.outer is None or scope.name != part:
                raise LeanError(f"Invalid `end`: There is no current scope `{part}` to end", cmd)
            self.state = replace(self.state, scope=scope.outer)

    def cmd_open(self, cmd):
        if cmd.only is not None or cmd.hiding:
            raise Declined("open … with a list of names", cmd)
        for name in cmd.names:
            spaces = self._namespaces(name)
            if not spaces and name.split(".")[0] not in NAMES:
                raise LeanError(f"Unknown namespace `{name}`", cmd)
            if not cmd.scoped:
                self.change(opened=(*self.state.scope.opened, *spaces))

    def _namespaces(self, name):
        """The namespaces that `name` may mean here, innermost first."""
        scope = self.state.scope
        spaces = (*scope.namespaces(), "", *scope.opened)
        spaces = [f"{space}.{name}".lstrip(".") for space in spaces]
        return [space for space in spaces if space in self.state.ext.namespaces]

    def cmd_export(self, cmd):
        elab, table = self.new_elab(), self.own_ext().own("aliases")
        for name in cmd.names:
            short, full = self.full_name(name), elab.resolve_const(f"{cmd.namespace}.{name}")
            table[short] = (*table.get(short, ()), full)

    def cmd_setoption(self, cmd):
        if not cmd.name.startswith(OPTIONS):
            raise Declined(f"option {cmd.name}", cmd)
        self.change(options={**self.state.scope.options, cmd.name: cmd.value})

    def cmd_import(self, cmd):
        """All modules are the one library that minilean has."""
