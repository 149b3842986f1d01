"""Shared small records of the elaborator: scopes, auto-bound names.

Follows Lean 4's `Lean/Elab/{Command,Term}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from minilean.front.errors import LeanError


@dataclass(frozen=True, slots=True)
class Scope:
    """What `namespace`, `open`, `variable`, `universe` and `set_option` have established."""

    namespace: str = ""
    opens: tuple = ()  # ("ns", name, hidden names) | ("id", short, full)
    variables: tuple = ()  # Binder syntax with its source file position
    universes: tuple = ()
    options: dict = field(default_factory=dict)
    included: tuple = ()

    def namespaces(self):
        """The namespaces that the current one lies in, innermost first."""
        parts = self.namespace.split(".") if self.namespace else []
        return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]

    def opened(self):
        """The namespaces that `open` has made visible as a whole."""
        return [data[0] for kind, *data in self.opens if kind == "ns"]


class AutoBound(Exception):
    """An unbound name in a declaration's header, to become an implicit argument."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


def with_auto_bound(elab, fn):
    """fn(variables in scope), run again with one more variable for each unbound name it meets."""
    meta, n_messages = elab.meta, len(elab.messages)
    pending, sorries, had_error = list(elab.pending), list(elab.sorries), elab.had_error
    names = []
    while True:
        decls = []
        try:
            with meta.with_lctx(meta.lctx):
                for name in names:
                    decls.append(meta.mk_local(name, meta.mk_type_mvar(), "implicit"))
                    meta.lctx = meta.lctx.add(decls[-1])
                return fn(decls)
        except AutoBound as err:
            if err.name in names:
                raise LeanError(f"Unknown identifier `{err.name}`") from err
            names.append(err.name)
            del elab.messages[n_messages:]
            elab.pending, elab.sorries = list(pending), list(sorries)
            elab.had_error = had_error


def level_mvars(u, into=None):
    """Ids of the metavariables in a level, in order."""
    into = [] if into is None else into
    if u.has_mvar:
        if u.kind == "mvar":
            if u.a not in into:
                into.append(u.a)
        else:
            level_mvars(u.a, into)
            if u.b is not None:
                level_mvars(u.b, into)
    return into
