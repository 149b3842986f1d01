"""Shared small records of the elaborator: scopes, auto-bound names.

Follows Lean 4's `Lean/Elab/{Command,Term}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Scope:
    """What `namespace`, `open`, `variable`, `universe` and `set_option` have established."""

    name: str = ""  # of the innermost section or namespace
    outer: "Scope | None" = None  # the scope around that
    namespace: str = ""
    opened: tuple = ()  # namespaces
    variables: tuple = ()  # Binder syntax with its source file position
    universes: tuple = ()
    options: dict = field(default_factory=dict)

    def namespaces(self):
        """The namespaces that the current one lies in, innermost first."""
        parts = self.namespace.split(".") if self.namespace else []
        return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


class AutoBound(Exception):
    """An unbound name in a declaration's header, to become an implicit argument."""


def with_auto_bound(elab, binders, k):
    """k(locals of unbound names, locals of the binders): each unbound name becomes a variable."""
    meta, names, mark = elab.meta, [], elab.save()
    elab.auto_bound = elab.scope.options.get("autoImplicit", True)
    while True:
        try:
            with meta.with_lctx(meta.lctx):
                autos = [meta.push_local(name, meta.mk_type_mvar(), "implicit") for name in names]
                return elab.elab_binders(binders, lambda own, autos=autos: k(autos, own))
        except AutoBound as err:
            names += err.args
            elab.restore(mark)
