"""Commands that change scopes: variable, universe, namespace, section, end, open, export, options.

Follows Lean 4's `Lean/Elab/BuiltinCommand.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front.errors import Declined, LeanError
from minilean.front.known_names import NAMES
from minilean.front.scope import with_auto_bound

KNOWN_OPTIONS_PREFIXES = (
    "pp.", "linter.", "trace", "maxHeartbeats", "maxRecDepth", "autoImplicit", "profiler",
    "relaxedAutoImplicit", "synthInstance.", "hygiene", "tactic.", "diagnostics", "Elab.",
    "warningAsError", "quotPrecheck", "compiler.", "bootstrap.", "eval.", "smartUnfolding",
    "showPartialSyntaxErrors", "structure", "checkBinderAnnotations", "backward.", "debug.",
    "genSizeOf", "maxUniverse")
# Further namespaces of the libraries that minilean stands in for (`open Real Topology`).
FOREIGN_NAMESPACES = NAMES | {
    "BigOperators", "Topology", "Mathlib", "Polynomial", "Pointwise", "ENNReal", "NNReal",
    "EuclideanGeometry", "MeasureTheory", "Interval", "Filter", "Asymptotics", "Ring"}


class ScopeMixin:
    """Mixed into `CommandElab`."""

    def cmd_variable(self, cmd):
        variables = list(self.state.scope.variables)
        for b in cmd.binders:
            if b.type is not None or not self._update_binder(variables, b):
                variables.append(b)
        changed = self.state.with_scope(variables=tuple(variables))
        elab = self.new_elab()
        elab.scope = changed.scope
        elab.auto_bound = elab.scope.options.get("autoImplicit", True)
        with_auto_bound(elab, variables, lambda *_: elab.synthesize("no"))
        self.state = changed

    def _update_binder(self, variables, b):
        """`variable {x}` changes how an existing variable is bound."""
        for name in b.names:
            i = next((i for i, v in enumerate(variables) if name in v.names), None)
            if i is None:
                return False
            v = variables[i]
            at = v.names.index(name)
            parts = ((v.names[:at], v.info), ([name], b.info), (v.names[at + 1:], v.info))
            variables[i:i + 1] = [replace(v, names=names, info=info)
                                  for names, info in parts if names]
        return True

    def cmd_universe(self, cmd):
        known = self.state.scope.universes
        for name in cmd.names:
            if name in known:
                raise LeanError(f"a universe level named `{name}` has already been declared", cmd)
        self.state = self.state.with_scope(universes=(*known, *cmd.names))

    def cmd_namespace(self, cmd):
        for part in cmd.name.split("."):
            self._push("namespace", part, replace(self.state.scope, namespace=self.full_name(part)))
            if self.state.scope.namespace not in self.state.ext.namespaces:
                self.own_ext().own("namespaces").add(self.state.scope.namespace)

    def cmd_section(self, cmd):
        for part in cmd.name.split(".") if cmd.name else [None]:
            self._push("section", part, self.state.scope)

    def _push(self, kind, name, scope):
        self.state = replace(self.state, scopes=(*self.state.scopes, (kind, name, scope)))

    def cmd_end(self, cmd):
        scopes = self.state.scopes
        for part in reversed(cmd.name.split(".") if cmd.name else [None]):
            kind, name, _ = scopes[-1]
            if kind == "file":
                raise LeanError("Invalid `end`: There is no current scope to end\n\nNote: Scopes "
                                "are introduced using `namespace` and `section`", cmd)
            if name != part:
                what = "Missing name" if part is None else "Name mismatch"
                raise LeanError(f"{what} after `end`: Expected the current scope name `{name}`",
                                cmd)
            scopes = scopes[:-1]
        self.state = replace(self.state, scopes=scopes)

    def cmd_open(self, cmd):
        before = self.state.scopes
        for name in cmd.names:
            opened = self._opens(name, cmd)
            self.state = self.state.with_scope(opens=(*self.state.scope.opens, *opened))
        self._run_inner(cmd, before)

    def _run_inner(self, cmd, scopes):
        """`open … in`, `set_option … in`: the change holds for one command only."""
        if cmd.inner is not None:
            self.run(cmd.inner)
            self.state = replace(self.state, scopes=scopes)

    def _opens(self, name, cmd):
        """What `open name` adds to the scope's `opens`."""
        spaces = self._resolve_namespace(name)
        if not spaces and name.split(".")[0] not in FOREIGN_NAMESPACES:
            raise LeanError(f"Unknown namespace `{name}`", cmd)
        if cmd.scoped:
            return []
        opened = []
        for ns in spaces:
            if cmd.only is not None:
                opened += [("id", x, self._member(ns, x, cmd)) for x in cmd.only]
            else:
                opened.append(("ns", ns, tuple(cmd.hiding)))
        return opened

    def _member(self, ns, name, cmd):
        """The full name of a declaration in the namespace ns."""
        full = f"{ns}.{name}"
        if full not in self.state.env:
            raise LeanError(f"Unknown identifier `{full}`", cmd)
        return full

    def _resolve_namespace(self, name):
        """The namespaces that `name` may mean here, innermost first."""
        scope = self.state.scope
        found = [f"{space}.{name}" for space in scope.namespaces()]
        found += [name, *[f"{space}.{name}" for space in scope.opened()]]
        return [space for space in found if space in self.state.ext.namespaces]

    def cmd_export(self, cmd):
        spaces = self._resolve_namespace(cmd.namespace)
        if not spaces:
            raise LeanError(f"Unknown namespace `{cmd.namespace}`", cmd)
        table = self.own_ext().own("aliases")
        for name in cmd.names:
            short = self.full_name(name)
            table[short] = (*table.get(short, ()), self._member(spaces[0], name, cmd))

    def cmd_setoption(self, cmd):
        if not cmd.name.startswith(KNOWN_OPTIONS_PREFIXES):
            raise LeanError(f"Unknown option `{cmd.name}`", cmd)
        if cmd.name.startswith("trace.") and cmd.value is True:
            raise Declined("trace messages", cmd)
        before = self.state.scopes
        options = {**self.state.scope.options, cmd.name: cmd.value}
        self.state = self.state.with_scope(options=options)
        self._run_inner(cmd, before)

    def cmd_import(self, cmd):
        """All modules are the one library that minilean has."""

    def cmd_include(self, cmd):
        included = (*self.state.scope.included, *cmd.names)
        self.state = self.state.with_scope(included=included)
