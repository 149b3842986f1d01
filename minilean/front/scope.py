"""Shared small records of the elaborator: scopes, pending problems, auto-bound names, arguments.

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


def with_auto_bound(elab, binders, k):
    """k(locals of unbound names, locals of the binders): each unbound name becomes a variable."""
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
                return elab.elab_binders(binders, lambda own, autos=decls: k(autos, own))
        except AutoBound as err:
            if err.name in names:
                raise LeanError(f"Unknown identifier `{err.name}`") from err
            names.append(err.name)
            del elab.messages[n_messages:]
            elab.pending, elab.sorries = list(pending), list(sorries)
            elab.had_error = had_error


class Pending:
    """A synthetic metavariable that still waits: kind "inst", "postponed", "tactic" or "coe"."""

    __slots__ = ("data", "errs", "kind", "lctx", "mvar", "stx")

    def __init__(self, kind, mvar, stx, lctx, errs, data=None):
        self.kind, self.mvar, self.stx, self.lctx = kind, mvar, stx, lctx
        self.errs, self.data = errs, data


class Arg:
    """An argument: syntax to elaborate, or a finished term."""

    __slots__ = ("stx", "term")

    def __init__(self, stx=None, term=None):
        self.stx, self.term = stx, term


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
