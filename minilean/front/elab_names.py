"""Name resolution and field notation.

Follows Lean 4's `Lean/ResolveName.lean` and the `.field` part of `Lean/Elab/App.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.known_names import is_library_name, is_variable_name
from minilean.front.scope import Arg, AutoBound
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import Const, MVar, Pi, Sort


class NameMixin:
    """Mixed into `TermElab`."""

    # --- names ----------------------------------------------------------------------------------

    def resolve_local(self, name):
        """(local declaration, remaining fields) for a dotted name whose prefix is a local."""
        parts, rest = name, []
        while True:
            d = self.meta.lctx.find(parts) or self._find_rec(parts)
            if d is not None:
                return d, rest
            if "." not in parts:
                return None, []
            parts, _, last = parts.rpartition(".")
            rest.insert(0, last)

    def _find_rec(self, name):
        """The declaration being defined, when `name` means it."""
        for d in self.meta.lctx.decls if self.rec_fns else ():
            full = self.rec_fns.get(d.id)
            if full is not None:
                plain = full.removeprefix("_private.")
                if name in (self.rec_short, plain, "_root_." + plain) or any(
                        f"{ns}.{name}" == plain for ns in self.namespaces() if ns):
                    return d
        return None

    def namespaces(self):
        """The open namespace prefixes, innermost first, "" last."""
        ns, out = self.scope.namespace, []
        while ns:
            out.append(ns)
            ns = ns.rpartition(".")[0]
        return [*out, ""]

    def global_candidates(self, name):
        """All declarations that the (whole) name may mean, in Lean's order of preference."""
        env, ext = self.meta.env, self.meta.ext
        if name.startswith("_root_."):
            full = name[7:]
            return [full] if full in env else []
        for ns in self.namespaces():
            full = f"{ns}.{name}" if ns else name
            found = []
            if full in env and not (ns and "." not in name and full in ext.protected):
                found.append(full)
            alias = ext.aliases.get(full)
            if alias:
                found += [a for a in alias if a not in found]
            if ns:
                private = ext.private.get(full)
                if private and private not in found:
                    found.append(private)
            if found and ns:
                return found
            if not ns:
                for kind, *data in self.scope.opens:
                    self._open_candidates(kind, data, name, found)
                return found
        return []

    def _open_candidates(self, kind, data, name, found):
        env, ext = self.meta.env, self.meta.ext
        if kind == "ns":
            full = f"{data[0]}.{name}"
            if full in env and not ("." not in name and full in ext.protected) \
                    and not (len(data) > 1 and name in data[1]) and full not in found:
                found.append(full)
            for a in ext.aliases.get(full, ()):
                if a not in found:
                    found.append(a)
        elif kind == "id":
            if name == data[0] and data[1] not in found:
                found.append(data[1])
            elif name.startswith(data[0] + ".") and data[1] + name[len(data[0]):] in env:
                found.append(data[1] + name[len(data[0]):])

    def resolve_global(self, name):
        """(candidate full names, remaining fields)."""
        rest = []
        while True:
            found = self.global_candidates(name)
            if found:
                return found, rest
            if "." not in name:
                return [], []
            name, _, last = name.rpartition(".")
            rest.insert(0, last)

    def resolve_const(self, name):
        """The full name of the one constant called `name`; LeanError if none or several."""
        found, rest = self.resolve_global(name)
        if not found or rest:
            raise LeanError(f"Unknown constant `{name}`")
        if len(found) > 1:
            raise LeanError(f"ambiguous identifier `{name}`, possible interpretations: {found}")
        return found[0]

    def resolve_fn(self, stx, explicit=False):
        """[(term, remaining fields)] for an identifier."""
        name = stx.name
        d, rest = self.resolve_local(name)
        if d is not None and not (rest and d.hidden and self.global_candidates(name)):
            return [(d.fvar, rest)]
        found, rest = self.resolve_global(name)
        if not found:
            if self.auto_bound and "." not in name and self.may_auto_bind(name, stx):
                raise AutoBound(name)
            self.unknown_ident(name, stx)
        if rest and all(self._is_type_const(full) for full in found):
            self.unknown_ident(name, stx)
        levels = stx.levels
        return [(self.const_with_levels(full, levels, stx), rest) for full in found]

    def _is_type_const(self, name):
        """Is the constant a type (former), which has no fields of its own?"""
        ty = self.meta.env.lookup(name).type
        while type(ty) is Pi:
            ty = ty.body
        return type(ty) is Sort

    def unknown_ident(self, name, stx):
        """Raise Lean's error; a library name that minilean lacks is declined instead."""
        if self.known_elsewhere(name):
            raise Declined(f"library name {name}", stx)
        own = self.own_name or ""
        if own == name or own.endswith(f".{name}"):
            raise Declined(f"{name} inside its own proof", stx)
        raise LeanError(f"Unknown identifier `{name}`" if "." not in name
                        else f"Unknown constant `{name}`", stx)

    def known_elsewhere(self, name):
        """May Lean's library have `name`? (types, and lemmas of library namespaces)"""
        spaces = [ns for ns in self.namespaces() if ns]
        spaces += [data[0] for kind, *data in self.scope.opens if kind == "ns"]
        return is_library_name(name, spaces)

    def may_auto_bind(self, name, stx):
        """Is an unbound name surely a variable? A word may be a library function: declined."""
        if self.known_elsewhere(name):
            return False
        if is_variable_name(name):
            return True
        raise Declined(f"unbound name {name}", stx)

    def const_with_levels(self, name, levels, stx):
        decl = self.meta.env.lookup(name)
        if levels is None:
            return self.meta.mk_const(name)
        if len(levels) > len(decl.level_params):
            raise LeanError(f"too many explicit universe levels for `{name}`", stx)
        us = [self.level(u) for u in levels]
        us += [self.meta.mk_level_mvar() for _ in decl.level_params[len(us):]]
        return Const(name, tuple(us))

    # --- fields ---------------------------------------------------------------------------------

    def _app_fields(self, f, fields, fn, named, args, expected, explicit, ellipsis, stx):
        """Resolve `.field`s one by one, then apply to the arguments."""
        for i, name in enumerate(fields):
            last = i == len(fields) - 1
            if i == 0 and type(f) in (Const, tm.FVar):
                f = self.app_args(f, [], [], None, False, False, stx)
            g, self_arg = self.field_fn(f, name, fn)
            if self_arg is None:
                f = g
                continue
            if last:
                named2, args2 = self.insert_self(g, self_arg, named, args, explicit, fn)
                return self.app_args(g, named2, args2, expected, explicit, ellipsis, stx)
            named2, args2 = self.insert_self(g, self_arg, [], [], explicit, fn)
            f = self.app_args(g, named2, args2, None, explicit, False, stx)
        return self.app_args(f, named, args, expected, explicit, ellipsis, stx)

    def field_fn(self, e, name, stx):
        """(function, e to insert) for `e.name`; (term, None) for a primitive projection."""
        meta = self.meta
        ty = meta.inst(meta.infer(e))
        first = ty
        for _ in range(100):
            ty = meta.whnf_core(ty)
            f, ty_args = tm.get_app_fn_args(ty)
            if type(f) is MVar:
                self.synthesize("yes")
                new = meta.inst(ty)
                if new is not ty:
                    ty = new
                    continue
                if self.may_postpone:
                    raise Postpone
                raise LeanError("Invalid field notation: Type is not of the form `C ...` where "
                                f"C is a constant\n  {meta.pp(e)}\nhas type\n  {meta.pp(ty)}", stx)
            found = self._field_of(f, ty, name, e, stx)
            if found is not None:
                return found
            new = meta.unfold_def(ty)
            if new is None:
                break
            ty = new
        self._no_field(e, first, name, stx)

    def _field_of(self, f, ty, name, e, stx):
        meta = self.meta
        if type(ty) is Pi and isinstance(name, str):
            full = f"Function.{name}"
            return (meta.mk_const(full), e) if full in meta.env else None
        if type(f) is not Const:
            return None
        info = meta.ext.structures.get(f.name)
        if isinstance(name, int):
            decl = meta.env.get(f.name)
            if type(decl) is InductiveDecl and len(decl.ctors) == 1:
                return self._numbered_field(decl, info, name, e, stx)
            return None
        return self._named_field(f.name, info, name, e)

    def _numbered_field(self, decl, info, n, e, stx):
        meta = self.meta
        ctor = meta.env.lookup(decl.ctors[0])
        if not 1 <= n <= ctor.num_fields:
            raise LeanError(f"Invalid projection: Index `{n}` is invalid for this structure; it "
                            f"must be between 1 and {ctor.num_fields}", stx)
        if info is not None:
            return meta.mk_const(f"{decl.name}.{info.fields[n - 1]}"), e
        if decl.is_prop or decl.num_indices or decl.is_rec:
            raise LeanError("Invalid projection: Expected a value whose type is a structure", stx)
        return tm.Proj(decl.name, n - 1, e), None

    def _named_field(self, struct, info, name, e):
        meta = self.meta
        full = f"{struct}.{name}"
        if full in meta.env:
            return meta.mk_const(full), e
        hidden = meta.ext.private.get(full)
        if hidden:
            return meta.mk_const(hidden), e
        for alias in meta.ext.aliases.get(full, ()):
            return meta.mk_const(alias), e
        for d in reversed(meta.lctx.decls):  # the function being defined
            if d.id in self.rec_fns and self.rec_fns[d.id] == full:
                return d.fvar, e
        if info is not None:
            for parent, field in info.parents:
                sub = f"{parent}.{name}"
                pinfo = meta.ext.structures.get(parent)
                if sub in meta.env or self._parent_has(pinfo, name):
                    to_parent = self.app_args(meta.mk_const(f"{struct}.{field}"), [],
                                              [Arg(term=e)], None)
                    return self._named_field(parent, pinfo, name, to_parent)
        return None

    def _parent_has(self, info, name):
        if info is None:
            return False
        return any(f"{p}.{name}" in self.meta.env or
                   self._parent_has(self.meta.ext.structures.get(p), name)
                   for p, _ in info.parents)

    def _no_field(self, e, ty, name, stx):
        meta = self.meta
        if isinstance(name, int):
            raise LeanError("Invalid projection: Expected a value whose type is a structure\n  "
                            f"{meta.pp(e)}\nhas type\n  {meta.pp(ty)}", stx)
        f = tm.get_app_fn(meta.whnf_core(ty))
        if type(f) is not Const:
            raise LeanError(f"Invalid field notation: Field projection operates on types of the "
                            f"form `C ...` where C is a constant. The expression\n  {meta.pp(e)}\n"
                            f"has type `{meta.pp(ty)}` which does not have the necessary form.",
                            stx)
        if self.known_elsewhere(f"{f.name}.{name}"):
            raise Declined(f"library name {f.name}.{name}", stx)
        raise LeanError(f"Invalid field `{name}`: The environment does not contain "
                        f"`{f.name}.{name}`\n  {meta.pp(e)}\nhas type\n  {meta.pp(ty)}", stx)

    def insert_self(self, g, e, named, args, explicit, stx):
        """Put e where g takes its first explicit argument of e's type (or as named argument)."""
        meta = self.meta
        ty = meta.infer(g)
        struct = self._type_head(meta.inst(meta.infer(e)))
        names = {n.name for n in named}
        pos = 0
        heads = self._type_heads(meta.inst(meta.infer(e)))
        while True:
            if type(ty) is not Pi:
                ty = meta.whnf_core(ty)
                if type(ty) is not Pi:
                    break
            h = self._type_head(ty.type)
            if h in heads or (h == "Pi" and struct == "Pi"):
                if ty.info == "default":
                    if ty.name not in names:
                        return named, [*args[:pos], Arg(term=e), *args[pos:]]
                elif ty.name not in names:
                    return [*named, sx.NamedArg(0, 0, ty.name, Arg(term=e))], args
            if (ty.info == "default" or explicit) and ty.name not in names:
                pos += 1
            ty = ty.body
        raise LeanError(f"Invalid field notation: Function `{meta.pp(g)}` does not have a usable "
                        f"parameter of type `{struct} ...`", stx)

    def _type_head(self, ty):
        if type(ty) is Pi:
            return "Pi"
        f = tm.get_app_fn(ty)
        return f.name if type(f) is Const else None

    def _type_heads(self, ty):
        """Head names of ty and of its unfoldings."""
        meta, out = self.meta, []
        for _ in range(20):
            ty = meta.whnf_core(ty)
            out.append(self._type_head(ty))
            new = meta.unfold_def(ty)
            if new is None:
                return out
            ty = new
        return out

    def resolve_dot_ident(self, stx, expected, n_args):
        """(function, fields) for `.name`, looked up in the namespace of the expected type."""
        meta = self.meta
        if expected is None:
            if self.may_postpone:
                raise Postpone
            raise LeanError("Invalid dotted identifier notation: The expected type of "
                            f"`.{stx.name}` could not be determined", stx)
        ty = meta.inst(expected)
        for _ in range(50):
            ty = meta.whnf_core(ty)
            while type(ty) is Pi:
                ty = meta.whnf_core(ty.body)
            f = tm.get_app_fn(ty)
            if type(f) is MVar:
                if self.may_postpone:
                    raise Postpone
                break
            if type(f) is Const:
                full = f"{f.name}.{stx.name}"
                if full in meta.env:
                    return meta.mk_const(full), []
                parts = stx.name.split(".")
                if f"{f.name}.{parts[0]}" in meta.env:
                    return meta.mk_const(f"{f.name}.{parts[0]}"), parts[1:]
                for d in reversed(meta.lctx.decls):
                    if self.rec_fns.get(d.id) == full:
                        return d.fvar, []
            new = meta.unfold_def(ty)
            if new is None:
                break
            ty = new
        f = tm.get_app_fn(ty)
        name = f"{f.name}.{stx.name}" if type(f) is Const else stx.name
        if type(f) is Const and self.known_elsewhere(name):
            raise Declined(f"library name {name}", stx)
        raise LeanError(f"Unknown constant `{name}`", stx)
