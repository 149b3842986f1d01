"""Attributes: `@[simp]`, `attribute [instance] …` and the rest.

Follows the attribute handlers of Lean 4; those without effect here are listed.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined
from minilean.front.meta import Meta
from minilean.front.recursors import conclusion
from minilean.kernel import term as tm

TAGS = ("reducible", "irreducible", "elab_as_elim", "match_pattern")  # each a table of `Ext`
# Known to Lean, without effect on what minilean accepts.
IGNORED_ATTRS = frozenset("""
inline always_inline macro_inline noinline specialize extern deprecated inherit_doc nolint
implicit_reducible inline_reducible expose grind grind_eq gcongr mono aesop norm_cast push_cast
congr csimp coe recursor pp_nodot pp_using_anonymous_constructor to_additive simps computed_fields
unbox init export tactic_alt elementwise positivity ext symm trans
""".split())
PRIORITIES = {"": 1000, "default": 1000, "mid": 500, "low": 100, "high": 10000}


class AttrMixin:
    """Mixed into `CommandElab`."""

    def cmd_attribute(self, cmd):
        elab = self.new_elab()
        for name in cmd.names:
            full = elab.resolve_const(name)
            for attr in cmd.attrs:
                self.apply_attr(attr, full)

    def apply_attr(self, attr, name):
        """The effect of one attribute on the declaration `name`."""
        kind, ext = attr.name, self.own_ext()
        meta = Meta(self.state.env, ext, self.max_steps, self.deadline)
        if kind == "simp":
            from minilean.front.simp import add_simp_attr
            add_simp_attr(meta, name, attr)
        elif kind in IGNORED_ATTRS:
            return
        elif attr.erase:
            raise Declined(f"attribute -{kind}", attr)
        elif kind in TAGS:
            ext.own(kind).add(name)
        elif kind == "semireducible":
            ext.own("reducible").discard(name)
            ext.own("irreducible").discard(name)
        elif kind == "instance" and attr.kind == "global":
            meta.add_instance(name, _priority(attr))
        elif kind == "instance":
            self._scoped_instance(meta, attr, name)
        elif kind == "default_instance":
            meta.add_default_instance(name, _priority(attr))
        elif kind == "refl":
            head = tm.get_app_fn(conclusion(self.state.env.lookup(name).type))
            relation, table = getattr(head, "name", None), ext.own("refl_lemmas")
            table[relation] = (*table.get(relation, ()), name)
        else:
            raise Declined(f"attribute {kind}", attr)

    def _scoped_instance(self, meta, attr, name):
        """`scoped` instances belong to the namespace and are tried last; `local` are declined."""
        space = self.state.scope.namespace
        if attr.kind != "scoped" or not space:
            raise Declined("local instance", attr)
        table = meta.ext.own("scoped")
        cls = meta.class_name(self.state.env.lookup(name).type)
        table[space] = (*table.get(space, ()), (cls, name))
        meta.ext.own("instance_names").add(name)


def _priority(attr):
    text = " ".join(attr.args)
    if text not in PRIORITIES and not text.isdigit():
        raise Declined("symbolic instance priority", attr)
    return int(text) if text.isdigit() else PRIORITIES[text]
