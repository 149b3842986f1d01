"""Commands that change scopes: variable, universe, namespace, section, end, open, export, options.

Follows Lean 4's `Lean/Elab/BuiltinCommand.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front.decl_run import DeclRun
from minilean.front.errors import Declined, LeanError
from minilean.front.known_names import NAMES

KNOWN_OPTIONS_PREFIXES = (
    "pp.", "linter.", "trace", "maxHeartbeats", "maxRecDepth", "autoImplicit", "profiler",
    "relaxedAutoImplicit", "synthInstance.", "hygiene", "tactic.", "diagnostics", "Elab.",
    "warningAsError", "quotPrecheck", "compiler.", "bootstrap.", "eval.", "smartUnfolding",
    "showPartialSyntaxErrors", "structure", "checkBinderAnnotations", "backward.", "debug.",
    "genSizeOf", "maxUniverse")


class ScopeMixin:
    """Mixed into `CommandElab`."""

    def cmd_variable(self, cmd):
        scope = self.state.scope
        updated = list(scope.variables)
        new = []
        for b in cmd.binders:
            if b.type is None and self._update_binder(updated, b):
                continue
            new.append(b)
        scope = replace(scope, variables=(*updated, *new))
        elab = self.new_elab()
        elab.scope = scope
        elab.auto_bound = scope.options.get("autoImplicit", True)
        run = DeclRun(self, None)
        run.elab = elab
        run.with_auto_bound(elab, lambda: elab.elab_binders(
            scope.variables, lambda decls: elab.synthesize("no")))
        self.state = self.state.with_scope(scope)

    def _update_binder(self, variables, b):
        """`variable {x}` changes how an existing variable is bound."""
        for name in b.names:
            for i, v in enumerate(variables):
                if name in v.names:
                    before = [n for n in v.names[:v.names.index(name)]]
                    after = [n for n in v.names[v.names.index(name) + 1:]]
                    parts = [replace(v, names=names, info=info) for names, info in (
                        (before, v.info), ([name], b.info), (after, v.info)) if names]
                    variables[i:i + 1] = parts
                    break
            else:
                return False
        return True

    def cmd_universe(self, cmd):
        scope = self.state.scope
        for name in cmd.names:
            if name in scope.universes:
                raise LeanError(f"a universe level named `{name}` has already been declared", cmd)
        self.state = self.state.with_scope(replace(
            scope, universes=(*scope.universes, *cmd.names)))

    def cmd_namespace(self, cmd):
        scope = self.state.scope
        scopes = self.state.scopes
        for part in cmd.name.split("."):
            ns = f"{scope.namespace}.{part}" if scope.namespace else part
            scope = replace(scope, namespace=ns)
            scopes = (*scopes, ("namespace", part, scope))
            if ns not in self.state.ext.namespaces:
                self.own_ext().own("namespaces").add(ns)
        self.state = self.state.with_scopes(scopes)

    def cmd_section(self, cmd):
        scopes = self.state.scopes
        for part in cmd.name.split(".") if cmd.name else [None]:
            scopes = (*scopes, ("section", part, self.state.scope))
        self.state = self.state.with_scopes(scopes)

    def cmd_end(self, cmd):
        scopes = self.state.scopes
        parts = cmd.name.split(".") if cmd.name else [None]
        for part in reversed(parts):
            kind, name, _ = scopes[-1]
            if kind == "file":
                raise LeanError("Invalid `end`: There is no current scope to end\n\nNote: Scopes "
                                "are introduced using `namespace` and `section`", cmd)
            if name != part:
                raise LeanError(
                    f"Missing name after `end`: Expected the current scope name `{name}`"
                    if part is None else
                    f"Name mismatch after `end`: Expected the current scope name `{name}`", cmd)
            scopes = scopes[:-1]
        self.state = self.state.with_scopes(scopes)

    def cmd_open(self, cmd):
        if cmd.inner is not None:
            saved = self.state.scope
            self._open(cmd)
            self.run(cmd.inner)
            self.state = self.state.with_scope(saved)
            return
        self._open(cmd)

    def _open(self, cmd):
        scope = self.state.scope
        opens = list(scope.opens)
        for name in cmd.names:
            spaces = self._resolve_namespace(name, opens)
            if not spaces:
                if self._harmless_open(name):
                    continue
                raise LeanError(f"Unknown namespace `{name}`", cmd)
            if cmd.scoped:
                continue
            for ns in spaces:
                if cmd.only is not None:
                    for x in cmd.only:
                        if f"{ns}.{x}" not in self.state.env:
                            raise LeanError(f"Unknown identifier `{ns}.{x}`", cmd)
                        opens.append(("id", x, f"{ns}.{x}"))
                else:
                    opens.append(("ns", ns, tuple(cmd.hiding)))
        self.state = self.state.with_scope(replace(scope, opens=tuple(opens)))

    def _harmless_open(self, name):
        """Namespaces of the libraries that minilean stands in for (`open Real Topology`)."""
        return name.split(".")[0] in NAMES or name in (
            "BigOperators", "Topology", "Mathlib", "Polynomial", "Pointwise", "ENNReal", "NNReal",
            "EuclideanGeometry", "MeasureTheory", "Interval", "Filter", "Asymptotics", "Ring")

    def _resolve_namespace(self, name, opens):
        known, ns, found = self.state.ext.namespaces, self.state.scope.namespace, []
        while True:
            full = f"{ns}.{name}" if ns else name
            if full in known:
                found.append(full)
            if not ns:
                break
            ns = ns.rpartition(".")[0]
        for kind, *data in opens:
            if kind == "ns" and f"{data[0]}.{name}" in known:
                found.append(f"{data[0]}.{name}")
        return found

    def cmd_export(self, cmd):
        ns = self._resolve_namespace(cmd.namespace, ())
        if not ns:
            raise LeanError(f"Unknown namespace `{cmd.namespace}`", cmd)
        table = self.own_ext().own("aliases")
        for name in cmd.names:
            short = self.full_name(name)
            full = f"{ns[0]}.{name}"
            if full not in self.state.env:
                raise LeanError(f"Unknown identifier `{full}`", cmd)
            table[short] = (*table.get(short, ()), full)

    def cmd_setoption(self, cmd):
        if not cmd.name.startswith(KNOWN_OPTIONS_PREFIXES):
            raise LeanError(f"Unknown option `{cmd.name}`", cmd)
        if cmd.name.startswith("trace.") and cmd.value is True:
            raise Declined("trace messages", cmd)
        saved = self.state.scope
        self.state = self.state.with_scope(saved.set_option(cmd.name, cmd.value))
        if cmd.inner is not None:
            self.run(cmd.inner)
            self.state = self.state.with_scope(saved)

    def cmd_import(self, cmd):
        """All modules are the one library that minilean has."""

    def cmd_include(self, cmd):
        scope = self.state.scope
        self.state = self.state.with_scope(replace(
            scope, included=(*scope.included, *cmd.names)))
