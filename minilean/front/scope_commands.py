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
        """Change the innermost scope."""
        *outer, (name, scope) = self.state.scopes
        self.state = replace(self.state, scopes=(*outer, (name, replace(scope, **changes))))

    def cmd_variable(self, cmd):
        before = self.state.scope.variables
        if self.inherited:
            raise Declined("variables on top of an earlier request's (Lean's linter may warn of "
                           "those)", cmd)
        names = {name for b in before for name in b.names}
        if any(b.type is None and names.intersection(b.names) for b in cmd.binders):
            raise Declined("another way to bind an existing variable", cmd)
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
            self._push(part, replace(self.state.scope, namespace=space))

    def cmd_section(self, cmd):
        for part in _parts(cmd.name):
            self._push(part, self.state.scope)

    def _push(self, name, scope):
        self.state = replace(self.state, scopes=(*self.state.scopes, (name, scope)))

    def cmd_end(self, cmd):
        for part in reversed(_parts(cmd.name)):
            *outer, (name, _) = self.state.scopes
            if not outer:
                raise LeanError("Invalid `end`: There is no current scope to end", cmd)
            if name != part:
                raise LeanError(f"Name mismatch after `end`: Expected the current scope name "
                                f"`{name}`", cmd)
            self.state = replace(self.state, scopes=tuple(outer))

    def cmd_open(self, cmd):
        if cmd.only is not None or cmd.hiding:
            raise Declined("open … with a list of names", cmd)
        for name in cmd.names:
            spaces = self._namespaces(name)
            if not spaces and name.split(".")[0] not in NAMES:
                raise LeanError(f"Unknown namespace `{name}`", cmd)
            if not cmd.scoped:
                self.change(opens=(*self.state.scope.opens, *spaces))

    def _namespaces(self, name):
        """The namespaces that `name` may mean here, innermost first."""
        scope = self.state.scope
        spaces = [f"{space}.{name}".lstrip(".") for space in (*scope.namespaces(), *scope.opens)]
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


def _parts(name):
    """The names of the scopes that `section name` opens: one without a name for None."""
    return name.split(".") if name else [None]
