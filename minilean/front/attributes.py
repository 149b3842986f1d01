"""Attributes: `@[simp]`, `attribute [instance] …` and the rest.

Follows the attribute handlers of Lean 4; those without effect here are listed.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined
from minilean.front.meta import Meta

# Known to Lean, without effect on what minilean accepts.
IGNORED_ATTRS = frozenset("""
inline always_inline macro_inline noinline specialize extern deprecated inherit_doc nolint
implicit_reducible expose grind grind_eq gcongr mono aesop norm_cast push_cast congr csimp coe
recursor pp_nodot pp_using_anonymous_constructor to_additive simps computed_fields unbox init
export tactic_alt elementwise positivity
""".split())


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
        ext = self.own_ext()
        kind = attr.name
        if kind == "simp":
            from minilean.front.simp import add_simp_attr
            meta = Meta(self.state.env, ext, self.max_steps, self.deadline)
            add_simp_attr(meta, name, attr)
        elif kind in ("reducible", "inline_reducible"):
            ext.own("reducible").add(name)
        elif kind == "irreducible":
            ext.own("irreducible").add(name)
        elif kind == "semireducible":
            ext.own("reducible").discard(name)
            ext.own("irreducible").discard(name)
        elif kind == "instance":
            priority = self._priority(attr, 1000)
            if attr.kind == "global":
                Meta(self.state.env, ext).add_instance(name, priority)
            else:
                self._scoped_instance(ext, attr, name)
        elif kind == "default_instance":
            meta = Meta(self.state.env, ext)
            meta.add_default_instance(name, self._priority(attr, 1000))
        elif kind == "elab_as_elim":
            ext.own("elab_as_elim").add(name)
        elif kind == "match_pattern":
            ext.own("match_pattern").add(name)
        elif kind in ("ext", "refl", "symm", "trans"):
            table = ext.own({"ext": "ext_lemmas"}.get(kind, f"{kind}_lemmas"))
            table[name] = True
        elif kind == "class":
            raise Declined("attribute class", attr)
        elif kind not in IGNORED_ATTRS:
            raise Declined(f"attribute {kind}", attr)

    def _scoped_instance(self, ext, attr, name):
        """`scoped` instances belong to the namespace and are tried last; `local` are declined."""
        space = self.state.scope.namespace
        if attr.kind != "scoped" or not space:
            raise Declined("local instance", attr)
        table = ext.own("scoped")
        cls = Meta(self.state.env, ext).class_name(self.state.env.lookup(name).type)
        table[space] = (*table.get(space, ()), (cls, name))
        ext.own("instance_names").add(name)

    def _priority(self, attr, default):
        text = " ".join(attr.args)
        named = {"": default, "mid": 500, "low": 100, "high": 10000}
        if text in named:
            return named[text]
        if not text.isdigit():
            raise Declined("symbolic instance priority", attr)
        return int(text)
