"""Front tables that travel with an environment: attributes, classes, structures, matchers, …

The counterpart of Lean's environment extensions. An `Ext` is never changed once it is shared:
`child()` gives a cheap copy whose tables are copied when first written (`own`).
Run: `python -m pytest tests/minilean/test_session.py`.
"""

from copy import copy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ProjInfo:
    """A projection function: the structure, field index, number of parameters before `self`."""

    struct: str
    index: int
    num_params: int
    is_class: bool


@dataclass(frozen=True, slots=True)
class StructInfo:
    """A structure: constructor and field names."""

    ctor: str
    fields: tuple


@dataclass(frozen=True, slots=True)
class MatcherInfo:
    """An auxiliary `f.match_n`: arguments are parameters, motive, discriminants, alternatives.

    alt_arity[i]: number of arguments that alternative i takes.
    """

    num_params: int
    num_discrs: int
    alt_arity: tuple

    @property
    def first_alt(self):
        return self.num_params + 1 + self.num_discrs

    @property
    def arity(self):
        return self.first_alt + len(self.alt_arity)


@dataclass(frozen=True, slots=True)
class SmartInfo:
    """How to unfold a function defined by matching: `value` has matchers and calls itself."""

    value: Any
    arity: int
    recursive: bool


TABLES = {
    "reducible": set, "irreducible": set, "instance_names": set, "instances": dict,
    "defaults": dict, "classes": dict, "structures": dict, "projections": dict, "matchers": dict,
    "smart": dict, "protected": set, "aliases": dict,
    "namespaces": set, "simp_lemmas": dict, "refl_lemmas": dict,
    "elab_as_elim": set, "match_pattern": set,
}


class Ext:
    """See `TABLES` for the fields; `simp_*` belong to the simp module."""

    __slots__ = (*TABLES, "_owned")

    def __init__(self):
        for name, make in TABLES.items():
            setattr(self, name, make())
        self._owned = set(TABLES)

    def child(self):
        """A copy that shares all tables until they are written through `own`."""
        self._owned = set()
        new = copy(self)
        new._owned = set()
        return new

    def own(self, table):
        """The table, copied first if another Ext may see it: use for every write."""
        value = getattr(self, table)
        if table not in self._owned:
            value = value.copy()
            setattr(self, table, value)
            self._owned.add(table)
        return value
