"""Shared small records of the elaborator: scopes, pending problems, auto-bound names, arguments.

Follows Lean 4's `Lean/Elab/{Command,Term}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Scope:
    """What `namespace`, `open`, `variable`, `universe` and `set_option` have established."""

    namespace: str = ""
    opens: tuple = ()  # ("ns", name) | ("id", short, full) | ("except", name, hidden)
    variables: tuple = ()  # Binder syntax with its source file position
    universes: tuple = ()
    options: dict = field(default_factory=dict)
    included: tuple = ()
    omitted: tuple = ()

    def set_option(self, name, value):
        return replace(self, options={**self.options, name: value})


class AutoBound(Exception):
    """An unbound name in a declaration's header, to become an implicit argument."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


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
