"""Name resolution and field notation.

Follows Lean 4's `Lean/ResolveName.lean` and the `.field` part of `Lean/Elab/App.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.app_run import Call
from minilean.front.errors import Declined, LeanError
from minilean.front.known_names import is_library_name, is_variable_name
from minilean.front.scope import Arg, AutoBound
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import Const, Pi, Sort


class NameMixin:
    """Mixed into `TermElab`."""

    # --- names ----------------------------------------------------------------------------------

    def resolve_local(self, name):
        """(local declaration, remaining fields) for a dotted name whose prefix is a local."""
        return self._longest_prefix(name, lambda x: self.meta.lctx.find(x) or self._find_rec(x))

    def _longest_prefix(self, name, find):
        """(find(prefix), remaining fields) for the longest prefix of a name that `find` knows."""
        rest = []
        while True:
            found = find(name)
            if found or "." not in name:
                return found, rest if found else []
            name, _, last = name.rpartition(".")
            rest.insert(0, last)

    def _find_rec(self, name):
        """The declaration being defined, when `name` means it."""
        for d in self._rec_locals():
            plain = self.rec_fns[d.id].removeprefix("_private.")
            if name in (self.rec_short, "_root_." + plain) or any(
                    plain == (f"{ns}.{name}" if ns else name) for ns in self.namespaces()):
                return d
        return None

    def _rec_locals(self):
        """The locals in scope that stand for the declaration being defined."""
        return [d for d in self.meta.lctx.decls if d.id in self.rec_fns] if self.rec_fns else []

    def namespaces(self):
        """The open namespace prefixes, innermost first, "" last."""
        ns, out = self.scope.namespace, []
        while ns:
            out.append(ns)
            ns = ns.rpartition(".")[0]
        return [*out, ""]

    def global_candidates(self, name):
        """All declarations that the (whole) name may mean, in Lean's order of preference."""
        if name.startswith("_root_."):
            full = name[7:]
            return [full] if full in self.meta.env else []
        for ns in self.namespaces():
            found = self._members(ns, name)
            if found and ns:
                return found
        for kind, *data in self.scope.opens:
            found += self._opened(kind, data, name)
        return list(dict.fromkeys(found))

    def _members(self, ns, name):
        """What `name` means in the namespace ns: a declaration, aliases, a private declaration."""
        ext, full = self.meta.ext, f"{ns}.{name}" if ns else name
        hidden = ns and "." not in name and full in ext.protected
        found = [full] if full in self.meta.env and not hidden else []
        private = [ext.private[full]] if full in ext.private else []
        return list(dict.fromkeys([*found, *ext.aliases.get(full, ()), *private]))

    def _opened(self, kind, data, name):
        """What `name` means by one `open`: of a namespace (hiding some names), or of one name."""
        if kind == "ns":
            space, hidden = data
            found = self._members(space, name)
            return [full for full in found if full != f"{space}.{name}" or name not in hidden]
        short, full = data
        if name == short:
            return [full]
        longer = full + name.removeprefix(short)
        return [longer] if name.startswith(short + ".") and longer in self.meta.env else []

    def resolve_global(self, name):
        """(candidate full names, remaining fields)."""
        return self._longest_prefix(name, self.global_candidates)

    def resolve_const(self, name):
        """The full name of the one constant called `name`; LeanError if none or several."""
        found, rest = self.resolve_global(name)
        if not found or rest:
            raise LeanError(f"Unknown constant `{name}`")
        if len(found) > 1:
            raise LeanError(f"ambiguous identifier `{name}`, possible interpretations: {found}")
        return found[0]

    def resolve_fn(self, stx):
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
        return [(self.const_with_levels(full, stx.levels, stx), rest) for full in found]

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

    def app_fields(self, f, fields, fn, call):
        """Resolve the `.field`s of f one by one, then apply the last one to the arguments."""
        for i, name in enumerate(fields):
            if i == 0 and type(f) in (Const, tm.FVar):
                f = self.app_args(f, Call(stx=call.stx))
            g, self_arg = self.field_fn(f, name, fn)
            if self_arg is None:
                f = g
            elif i == len(fields) - 1:
                return self.app_args(g, self.insert_self(g, self_arg, call, fn))
            else:
                alone = Call(explicit=call.explicit, stx=call.stx)
                f = self.app_args(g, self.insert_self(g, self_arg, alone, fn))
        return self.app_args(f, call)

    def field_fn(self, e, name, stx):
        """(function, e to insert) for `e.name`; (term, None) for a primitive projection."""
        meta = self.meta
        first = meta.inst(meta.infer(e))
        for ty in self._unfoldings(first):
            if self.is_unknown(ty):
                self.synthesize("yes")
                if meta.inst(ty) is not ty:
                    return self.field_fn(e, name, stx)
                self.wait_for(ty)
                raise LeanError("Invalid field notation: Type is not of the form `C ...` where "
                                f"C is a constant\n  {meta.pp(e)}\nhas type\n  {meta.pp(ty)}", stx)
            struct = self._type_head(ty)
            if isinstance(name, int):
                found = self._numbered_field(struct, name, e, stx)
            else:
                member = None if struct is None else self._member(struct, name)
                found = None if member is None else (member, e)
            if found is not None:
                return found
        self._no_field(e, first, name, stx)

    def _unfoldings(self, ty):
        """ty in weak head normal form, then with the definitions at its head unfolded in turn."""
        while ty is not None:
            ty = self.meta.whnf_core(ty)
            yield ty
            ty = self.meta.unfold_def(ty)

    def _numbered_field(self, struct, n, e, stx):
        meta = self.meta
        decl = meta.env.get(struct)
        if type(decl) is not InductiveDecl or len(decl.ctors) != 1:
            return None
        num_fields = meta.env.lookup(decl.ctors[0]).num_fields
        if not 1 <= n <= num_fields:
            raise LeanError(f"Invalid projection: Index `{n}` is invalid for this structure; it "
                            f"must be between 1 and {num_fields}", stx)
        info = meta.ext.structures.get(decl.name)
        if info is not None:
            return meta.mk_const(f"{decl.name}.{info.fields[n - 1]}"), e
        if decl.is_prop or decl.num_indices or decl.is_rec:
            raise LeanError("Invalid projection: Expected a value whose type is a structure", stx)
        return tm.Proj(decl.name, n - 1, e), None

    def _member(self, struct, name):
        """The constant `struct.name` (or an alias), or the function of that name being defined."""
        meta, full = self.meta, f"{struct}.{name}"
        for const in (full, meta.ext.private.get(full), *meta.ext.aliases.get(full, ())):
            if const in meta.env:
                return meta.mk_const(const)
        return next((d.fvar for d in self._rec_locals() if self.rec_fns[d.id] == full), None)

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

    def insert_self(self, g, e, call, stx):
        """The call of g with e where g takes its first explicit argument of e's type (or named)."""
        meta = self.meta
        heads = [self._type_head(ty) for ty in self._unfoldings(meta.inst(meta.infer(e)))]
        given = {n.name for n in call.named}
        ty, pos = meta.infer(g), 0
        while True:
            if type(ty) is not Pi:
                ty = meta.whnf_core(ty)
            if type(ty) is not Pi:
                raise LeanError(f"Invalid field notation: Function `{meta.pp(g)}` does not have a "
                                f"usable parameter of type `{heads[0]} ...`", stx)
            if ty.name not in given:
                if self._type_head(ty.type) in heads:
                    break
                pos += ty.info == "default" or call.explicit
            ty = ty.body
        arg = Arg(term=e)
        if ty.info == "default":
            return replace(call, args=[*call.args[:pos], arg, *call.args[pos:]])
        return replace(call, named=[*call.named, sx.NamedArg(0, 0, ty.name, arg)])

    def _type_head(self, ty):
        """The name of the constant at the head of a type ("Function" for a Pi), or None."""
        f = tm.get_app_fn(ty)
        return "Function" if type(f) is Pi else f.name if type(f) is Const else None

    def resolve_dot_ident(self, stx, expected):
        """(function, fields) for `.name`, looked up in the namespace of the expected type."""
        meta = self.meta
        self.wait_for(expected)
        if expected is None:
            raise LeanError("Invalid dotted identifier notation: The expected type of "
                            f"`.{stx.name}` could not be determined", stx)
        parts = stx.name.split(".")
        ty = meta.inst(expected)
        while ty is not None:
            ty = meta.whnf_core(ty)
            while type(ty) is Pi:
                ty = meta.whnf_core(ty.body)
            self.wait_for(ty)
            struct = self._type_head(ty)
            for n in (len(parts), 1) if struct is not None else ():
                member = self._member(struct, ".".join(parts[:n]))
                if member is not None:
                    return member, parts[n:]
            ty = meta.unfold_def(ty)
        self.unknown_ident(stx.name if struct is None else f"{struct}.{stx.name}", stx)
