"""Name resolution and field notation; which unknown names are declined, not rejected.

Follows Lean 4's `Lean/ResolveName.lean` and the `.field` part of `Lean/Elab/App.lean`. minilean's
library is a part of core Lean's. A name it lacks is an error in Lean only if Lean lacks it too,
which cannot be known here; names that look like library names are therefore declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from dataclasses import replace

from minilean.front.elab_app import Call
from minilean.front.errors import Declined, LeanError
from minilean.front.notation import WORDS
from minilean.front.scope import AutoBound
from minilean.kernel import term as tm

NAMES, _PARTS = frozenset(WORDS["library names"]), frozenset(WORDS["library words"])
# What Lean defines with every inductive type and minilean does not, or not under that name.
DERIVED = frozenset("casesOn below brecOn noConfusion noConfusionType inj injEq".split())


class NameMixin:
    """Mixed into `TermElab`."""

    # --- names ----------------------------------------------------------------------------------

    def resolve_global(self, name):
        """(candidate full names, remaining fields)."""
        return self._longest_prefix(name, self.global_candidates)

    def _longest_prefix(self, name, find):
        """(find(prefix), remaining fields) for the longest prefix of a name that `find` knows."""
        rest = []
        while True:
            found = find(name)
            if found or "." not in name:
                return found, rest if found else []
            name, _, last = name.rpartition(".")
            rest.insert(0, last)

    def rec_local(self, full):
        """The local that stands for the declaration `full`, still being defined, or None."""
        decls = self.meta.lctx.decls if self.rec_fns else ()
        return next((d.fvar for d in decls if self.rec_fns.get(d.id) == full), None)

    def global_candidates(self, name):
        """All declarations that the (whole) name may mean, in Lean's order of preference."""
        if name.startswith("_root_."):
            return self._members(name[7:])
        for ns in self.scope.namespaces():
            found = self._members(f"{ns}.{name}", "." not in name)
            if found:
                return found
        found = self._members(name)
        for space in self.scope.opened if self.rec_local(name) is None else ():
            found += self._members(f"{space}.{name}", "." not in name)
        return list(dict.fromkeys(found))

    def _members(self, full, short=False):
        """What a full name means: a declaration, aliases.

        short: by its last part alone, for which a `protected` one cannot be meant.
        """
        meta, known = self.meta, self.rec_local(full) is not None
        if known or full in meta.env and not (short and full in meta.ext.protected):
            return [full, *meta.ext.aliases.get(full, ())]
        return list(meta.ext.aliases.get(full, ()))

    def resolve_const(self, name):
        """The full name of the one constant called `name`; LeanError if none or several."""
        found, rest = self.resolve_global(name)
        if rest or len(found) != 1:
            raise LeanError(f"Unknown or ambiguous constant `{name}`")
        return found[0]

    def resolve_fn(self, stx):
        """[(term, remaining fields)] for an identifier."""
        name = stx.name
        d, rest = self._longest_prefix(name, self.meta.lctx.find)
        if d is not None:
            return [(d.fvar, rest)]
        found, rest = self.resolve_global(name)
        if not found:
            self.unknown_ident(name, stx, self.auto_bound)
        return [(self.constant(full, stx.levels or ()), rest) for full in found]

    def unknown_ident(self, name, stx, auto_bound=False):
        """Raise AutoBound or Lean's error; what Lean's library may have is declined instead."""
        if self.known_elsewhere(name):
            raise Declined(f"library name {name}", stx)
        if auto_bound and is_variable_name(name.partition(".")[0]):
            raise AutoBound(name.partition(".")[0])
        if auto_bound or f".{self.own_name or ''}".endswith(f".{name}"):
            raise Declined(f"{name}, unbound or inside its own proof", stx)
        what = "constant" if "." in name else "identifier"
        raise LeanError(f"Unknown {what} `{name}`", stx)

    def known_elsewhere(self, name):
        """May `name` (unknown to minilean) be declared in Lean's library or Mathlib?"""
        root, _, rest = name.partition(".")
        if rest or root in NAMES:
            return root in NAMES or rest.rpartition(".")[2] in DERIVED
        spaces = (*self.scope.namespaces(), *self.scope.opened)
        parts = root.rstrip("'").rstrip("₀₁₂₃").split("_")
        return not is_variable_name(name) and (
            any(ns.partition(".")[0] in NAMES for ns in spaces)
            or len(parts) > 1 and all(part in _PARTS for part in parts))

    def constant(self, name, levels=()):
        """The constant (or the local for it) with these universes, the others to be found."""
        this = self.rec_local(name)
        if this is not None:
            return this
        found = self.meta.mk_const(name).levels
        if len(levels) > len(found):
            raise LeanError(f"too many explicit universe levels for `{name}`")
        return tm.Const(name, (*map(self.level, levels), *found[len(levels):]))

    # --- fields ---------------------------------------------------------------------------------

    def app_fields(self, f, fields, fn, call):
        """Resolve the `.field`s of f one after the other; the last one takes the arguments."""
        if not fields:
            return self.app_args(f, call)
        *first, last = fields
        f = self.app_fields(f, first, fn, Call(stx=call.stx))
        g = self.field_fn(f, last, fn)
        return self.app_args(g, self.insert_self(g, f, call, fn))

    def field_fn(self, e, name, stx):
        """The function for `e.name`."""
        meta = self.meta
        self.known_type(meta.infer(e))
        heads = list(self._heads(meta.inst(meta.infer(e))))
        for head in heads:
            found = self._field(head, name)
            if found is not None:
                return found
        full = f"{heads[0] or meta.pp(e)}.{name}"
        if not name.isdigit() and self.known_elsewhere(full):
            raise Declined(f"library name {full}", stx)
        raise LeanError(f"Invalid field `{name}`: The environment does not contain `{full}`", stx)

    def _heads(self, ty, result=False):
        """The constants at the head of the type ty (result: of what a function of that type
        returns), before and after unfolding each; postpones when one is unknown.
        """
        meta = self.meta
        while ty is not None:
            ty = meta.whnf_core(ty)
            while result and type(ty) is tm.Pi:
                ty = meta.whnf_core(ty.body)
            self.wait_for(ty)
            yield self._type_head(ty)
            ty = meta.unfold_def(ty)

    def _field(self, struct, name):
        """The function for a field of struct, or None."""
        if not name.isdigit():
            return self._member(f"{struct}.{name}")
        info, decl = self.meta.ext.structures.get(struct), self.meta.structure_like(struct)
        if info is None and decl is not None and not decl.is_prop:
            raise Declined(f"numbered field of `{struct}`, which is no `structure`")
        if info is None or not 1 <= int(name) <= len(info.fields):
            return None
        return self._member(f"{struct}.{info.fields[int(name) - 1]}")

    def _member(self, full):
        """The constant `full` (or an alias), or the function of that name being defined."""
        found = self._members(full)
        return self.constant(found[0]) if found else None

    def insert_self(self, g, e, call, stx):
        """The call of g with e where g takes its first explicit argument of e's type."""
        meta, pos = self.meta, 0
        heads = list(self._heads(meta.inst(meta.infer(e))))
        given = {n.name for n in call.named}
        for d in meta.forall_locals(meta.infer(g), reducing=False)[0]:
            if d.bi == "default" and d.name not in given and self._type_head(d.type) in heads:
                return replace(call, args=[*call.args[:pos], e, *call.args[pos:]])
            pos += (d.bi == "default" or call.explicit) and d.name not in given
        raise Declined(f"`{meta.pp(g)}` as a field: no argument for it", stx)

    def _type_head(self, ty):
        """The name of the constant at the head of a type ("Function" for a tm.Pi), or None."""
        f = tm.get_app_fn(ty)
        return "Function" if type(f) is tm.Pi else f.name if type(f) is tm.Const else None

    def resolve_dot_ident(self, stx, expected):
        """(function, fields) for `.name`, looked up in the namespace of the expected type."""
        for struct in self._heads(self.meta.inst(self.type_or_new(expected)), result=True):
            member, rest = self._longest_prefix(f"{struct}.{stx.name}", self._member)
            if member is not None and len(rest) <= stx.name.count("."):  # more than struct itself
                return member, rest
        self.unknown_ident(f"{struct}.{stx.name}", stx)


def is_variable_name(name):
    """A letter with digits, subscripts or primes, a doubled one (xs), h or ih with a letter."""
    base = name.rstrip("'₀₁₂₃₄₅₆₇₈₉0123456789")
    if len(base) <= 1:
        return True
    return len(base) == 2 and (base[1] == "s" or base[0] == "h") or base == "ih"
