"""Applications: identifiers, field notation, implicit and named arguments, anonymous constructors.

Follows Lean 4's `Lean/Elab/{App,BuiltinNotation}.lean` and `ResolveName.lean`. Recursor
applications with an inferred motive (`elab_as_elim`) are in `elab_elim.py`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.elab_elim import ElimMixin
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import MVAR, App, Const, MVar, Pi, Sort


class Arg:
    """An argument: syntax to elaborate, or a finished term."""

    __slots__ = ("stx", "term")

    def __init__(self, stx=None, term=None):
        self.stx, self.term = stx, term


class AppMixin(ElimMixin):
    """Mixed into `TermElab`."""

    # --- names --------------------------------------------------------------------------------

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
        from minilean.front.elab import AutoBound
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
        raise LeanError(f"Unknown identifier `{name}`" if "." not in name
                        else f"Unknown constant `{name}`", stx)

    def known_elsewhere(self, name):
        """May Lean's library have `name`? (types, and lemmas of library namespaces)"""
        from minilean.front.known_names import is_library_name
        spaces = [ns for ns in self.namespaces() if ns]
        spaces += [data[0] for kind, *data in self.scope.opens if kind == "ns"]
        return is_library_name(name, spaces)

    def may_auto_bind(self, name, stx):
        """Is an unbound name surely a variable? A word may be a library function: declined."""
        from minilean.front.known_names import is_variable_name
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

    # --- entry points -------------------------------------------------------------------------

    def elab_ident(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_explicit(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_proj(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_dot_ident(self, stx, expected):
        return self.elab_app(stx, [], [], expected)

    def elab_application(self, stx, expected):
        named = [a for a in stx.args if isinstance(a, sx.NamedArg)]
        args = [Arg(stx=a) for a in stx.args if not isinstance(a, sx.NamedArg)]
        return self.elab_app(stx.fn, named, args, expected, stx.ellipsis, stx)

    def elab_app(self, fn, named, args, expected, ellipsis=False, stx=None):
        """Elaborate fn applied to args; tries every meaning of an overloaded name."""
        explicit = False
        stx = stx or fn
        while isinstance(fn, (sx.Explicit, sx.Paren)):
            if isinstance(fn, sx.Paren) and not isinstance(fn.term, (sx.Ident, sx.Explicit)):
                break
            if isinstance(fn, sx.Explicit):
                explicit, fn = True, fn.fn
            elif named or explicit:
                break
            else:
                fn = fn.term
        if isinstance(fn, sx.Ident):
            options = self.resolve_fn(fn, explicit)
            if len(options) == 1:
                return self._app_fields(*options[0], fn, named, args, expected, explicit,
                                        ellipsis, stx)
            return self._overloaded(options, fn, named, args, expected, explicit, ellipsis, stx)
        if isinstance(fn, sx.Proj):
            head = self.elab_proj_head(fn.term)
            fields = [fn.field] if isinstance(fn.field, int) else fn.field.split(".")
            return self._app_fields(head, fields, fn, named, args, expected, explicit,
                                    ellipsis, stx)
        if isinstance(fn, sx.DotIdent):
            f, fields = self.resolve_dot_ident(fn, expected, len(args))
            return self._app_fields(f, fields, fn, named, args, expected, explicit,
                                    ellipsis, stx)
        if isinstance(fn, sx.App) and not named and not fn.ellipsis:
            # (f a) b without parentheses cannot happen; (@f a) keeps explicitness to itself
            pass
        f = self.term(fn)
        return self.app_args(f, named, args, expected, explicit, ellipsis, stx)

    def elab_proj_head(self, stx):
        e = self.term(stx)
        if isinstance(stx, sx.Paren | sx.Ascription):
            self.synthesize("yes")
        return self.meta.inst(e)

    def _overloaded(self, options, fn, named, args, expected, explicit, ellipsis, stx):
        """Keep the one interpretation that elaborates; LeanError when none or several do."""
        meta = self.meta
        results, errors = [], []
        for f, rest in options:
            mark = meta.save()
            n_pending, n_msgs, had = len(self.pending), len(self.messages), self.had_error
            old, self.err_to_sorry = self.err_to_sorry, False
            try:
                e = self._app_fields(f, rest, fn, named, args, expected, explicit, ellipsis, stx)
                if expected is not None and not meta.is_def_eq(expected, meta.infer(e)):
                    raise LeanError(self.mismatch_text(e, meta.infer(e), expected), stx)
                results.append((f, rest))
            except LeanError as err:
                errors.append(err)
            finally:
                self.err_to_sorry = old
            meta.restore(mark)
            del self.pending[n_pending:]
            del self.messages[n_msgs:]
            self.had_error = had
        if len(results) == 1:
            return self._app_fields(*results[0], fn, named, args, expected, explicit, ellipsis,
                                    stx)
        if not results:
            raise LeanError("overloaded, errors \n" + "\n".join(
                "  " + e.message.replace("\n", "\n  ") for e in errors), fn)
        raise LeanError("ambiguous, possible interpretations \n" + "\n".join(
            f"  {meta.pp(f)}" for f, _ in results), fn)

    # --- fields -------------------------------------------------------------------------------

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
        """(function, e to insert) for `e.name`; (term, None) when the field is a projection term."""
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
                    if ty.name in names:
                        pass
                    else:
                        if explicit:
                            pass
                        return named, [*args[:pos], Arg(term=e), *args[pos:]]
                elif ty.name not in names:
                    return [*named, sx.NamedArg(0, 0, ty.name, Arg(term=e))], args
            if (ty.info == "default" or explicit) and ty.name not in names:
                pos += 1
                if pos > len(args) and ty.info == "default" and False:
                    break
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

    # --- arguments ----------------------------------------------------------------------------

    def app_args(self, f, named, args, expected=None, explicit=False, ellipsis=False, stx=None):
        """f applied to named and positional arguments, implicit ones filled in."""
        if self.wants_elim(f, named, args, expected, explicit):
            return self.elab_elim(f, named, args, expected, stx)
        return AppRun(self, f, named, args, expected, explicit, ellipsis, stx).run()

    def apply_fn(self, name, *arg_stxs, expected=None, stx=None):
        """The constant `name` applied to syntax or terms, as for a notation."""
        args = [Arg(term=a) if isinstance(a, tm.Expr) else Arg(stx=a) for a in arg_stxs]
        return self.app_args(self.meta.mk_const(name), [], args, expected, stx=stx)

    # --- anonymous constructors and tuples ----------------------------------------------------

    def elab_anon(self, stx, expected):
        """⟨a, b, …⟩ for an inductive type with one constructor; surplus items nest to the right."""
        meta = self.meta
        if expected is None:
            if self.may_postpone:
                raise Postpone
            raise LeanError("invalid constructor ⟨...⟩, expected type must be known", stx)
        ty = meta.whnf(meta.inst(expected))
        f = tm.get_app_fn(ty)
        if type(f) is MVar:
            self.synthesize("yes")
            ty = meta.whnf(meta.inst(expected))
            f = tm.get_app_fn(ty)
            if type(f) is MVar and self.may_postpone:
                raise Postpone
        decl = meta.env.get(f.name) if type(f) is Const else None
        if type(decl) is not InductiveDecl:
            raise LeanError("Invalid `⟨...⟩` notation: The expected type of this term "
                            "could not be determined" if type(f) is MVar else
                            "Invalid `⟨...⟩` notation: The expected type "
                            f"`{meta.pp(expected)}` is not an inductive type", stx)
        if len(decl.ctors) != 1:
            raise LeanError("Invalid `⟨...⟩` notation: The expected type "
                            f"`{meta.pp(expected)}` has more than one constructor"
                            if decl.ctors else "Invalid `⟨...⟩` notation: The expected type "
                            f"`{meta.pp(expected)}` has no constructors", stx)
        ctor = meta.env.lookup(decl.ctors[0])
        infos = self._explicit_fields(ctor)
        items = list(stx.items)
        if len(items) > len(infos) and infos:
            tail = items[len(infos) - 1:]
            items = [*items[:len(infos) - 1],
                     sx.Anon(tail[0].pos, tail[-1].end, tail)]
        if len(items) < len(infos):
            raise LeanError(f"Insufficient number of fields for `⟨...⟩` constructor: Constructor "
                            f"`{ctor.name}` has {len(infos)} explicit field"
                            f"{'' if len(infos) == 1 else 's'}, but only {len(items)} "
                            f"{'was' if len(items) == 1 else 'were'} provided", stx)
        if len(items) > len(infos):
            raise LeanError(f"Too many explicit fields for `⟨...⟩` constructor `{ctor.name}`", stx)
        return self.app_args(meta.mk_const(ctor.name), [], [Arg(stx=x) for x in items], expected,
                             stx=stx)

    def _explicit_fields(self, ctor):
        ty, infos = ctor.type, []
        for i in range(ctor.num_params + ctor.num_fields):
            if i >= ctor.num_params and ty.info == "default":
                infos.append(ty.name)
            ty = ty.body
        return infos

    def elab_tuple(self, stx, expected):
        if not stx.items:
            return Const("Unit.unit")
        meta = self.meta
        items = stx.items
        e = items[-1]
        if len(items) == 1:
            return self.term(e, expected)
        rest = e if len(items) == 2 else sx.Tuple(items[1].pos, stx.end, items[1:])
        return self.app_args(meta.mk_const("Prod.mk"), [], [Arg(stx=items[0]), Arg(stx=rest)],
                             expected, stx=stx)

    def elab_list(self, stx, expected):
        """[a, b] as List.cons a (List.cons b List.nil)."""
        meta = self.meta
        if not stx.items:
            return self.app_args(meta.mk_const("List.nil"), [], [], expected, stx=stx)
        rest = sx.ListLit(stx.pos, stx.end, stx.items[1:])
        return self.app_args(meta.mk_const("List.cons"), [],
                             [Arg(stx=stx.items[0]), Arg(stx=rest)], expected, stx=stx)


class AppRun:
    """One application being elaborated (Lean's ElabAppArgs)."""

    def __init__(self, elab, f, named, args, expected, explicit, ellipsis, stx):
        self.elab, self.meta = elab, elab.meta
        self.f, self.ty = f, self.meta.infer(f)
        self.named, self.args = list(named), list(args)
        self.expected, self.explicit = expected, explicit
        self.ellipsis, self.stx = ellipsis, stx
        self.insts, self.eta = [], []
        self.propagated = expected is None or explicit and False
        self.started = False  # an argument has been elaborated: too late to postpone

    def run(self):
        meta = self.meta
        while True:
            ty = self.ty
            if type(ty) is not Pi:
                ty = meta.whnf_core(meta.inst(ty))
                if type(ty) is not Pi:
                    if not self.args and not self.named:
                        self.ty = ty
                        break
                    ty = self.expose_pi(ty)
                    if ty is None:
                        continue
                self.ty = ty
            named = self.take_named(ty.name)
            if named is not None:
                self.add_arg(ty, named.value if isinstance(named.value, Arg)
                             else Arg(stx=named.value))
            elif ty.info == "default" or self.explicit:
                if not self.explicit_arg(ty):
                    break
            elif ty.info == "strict":
                if not self.args and not self.named:
                    break
                self.add_mvar(ty)
            elif ty.info == "inst":
                self.add_inst(ty)
            else:
                if not self.args and not self.named and self.stop_implicit(ty):
                    break
                self.add_mvar(ty)
        return self.finish()

    def stop_implicit(self, ty):
        return False

    def take_named(self, name):
        for i, n in enumerate(self.named):
            if n.name == name:
                return self.named.pop(i)
        return None

    def expose_pi(self, ty):
        """ty as a Pi after unfolding or coercion; None: retry; LeanError when there is none."""
        meta, elab = self.meta, self.elab
        new = meta.whnf(ty)
        if type(new) is Pi:
            return new
        if type(tm.get_app_fn(new)) is MVar:
            self.flush_insts()
            elab.synthesize("yes")
            newer = meta.whnf(meta.inst(new))
            if type(newer) is Pi:
                return newer
            if type(tm.get_app_fn(newer)) is MVar:
                if elab.may_postpone and not self.started:
                    raise Postpone
            new = newer
        coerced = self.coe_fun(new)
        if coerced is not None:
            self.f, self.ty = coerced
            return None
        if self.named:
            n = self.named[0]
            raise LeanError(f"Invalid argument name `{n.name}` for function `{meta.pp(self.f)}`", n)
        raise LeanError(f"Function expected at\n  {meta.pp(self.f)}\nbut this term has type\n  "
                        f"{meta.pp(new)}", self.stx)

    def coe_fun(self, ty):
        return None

    def add(self, value):
        self.f = App(self.f, value)
        self.ty = tm.instantiate(self.ty.body, value)

    def add_mvar(self, ty):
        m = self.meta.mk_mvar(ty.type)
        self.add(m)

    def add_inst(self, ty):
        elab = self.elab
        if self.explicit:
            m = self.meta.mk_mvar(ty.type, "synthetic")
        m = self.meta.mk_mvar(ty.type, "synthetic")
        self.insts.append(m)
        self.add(m)
        return elab

    def explicit_arg(self, ty):
        """Consume one explicit argument; False when there are none left."""
        meta = self.meta
        if self.args:
            if self.args[0].term is None and not isinstance(
                    self.args[0].stx, (sx.Hole, sx.SynthHole)):
                self.propagate()
            ty = self.ty if type(self.ty) is Pi else ty
            self.add_arg(ty, self.args.pop(0))
            return True
        if self.named:
            if not any(n.name == x for n in self.named for x in self._later_names(ty.body)):
                n = self.named[0]
                raise LeanError(f"Invalid argument name `{n.name}` for function "
                                f"`{meta.pp(tm.get_app_fn(self.f))}`", n)
            if self._named_depends(ty):
                self.add_mvar(ty)
                return True
            d = meta.mk_local(ty.name, ty.type, ty.info)
            meta.lctx = meta.lctx.add(d)
            self.eta.append(d)
            self.add(d.fvar)
            return True
        if self.ellipsis:
            self.add_mvar(ty)
            return True
        return False

    def _later_names(self, ty):
        names = []
        for _ in range(64):
            if type(ty) is not Pi:
                new = self.meta.whnf_core(ty) if not ty.loose else ty
                if type(new) is not Pi:
                    break
                ty = new
            names.append(ty.name)
            ty = ty.body
        return names

    def _named_depends(self, ty):
        """Does the type of a named argument's binder mention this binder?"""
        wanted = {n.name for n in self.named}
        t, i = ty.body, 0
        while type(t) is Pi:
            if t.name in wanted and tm.has_loose_bvar(t.type, i):
                return True
            t, i = t.body, i + 1
        return False

    def add_arg(self, ty, arg):
        meta, elab = self.meta, self.elab
        dom = meta.head_beta(ty.type)
        if arg.term is not None:
            value = arg.term
            vty = meta.infer(value)
            if vty is not dom and not meta.is_def_eq(dom, vty):
                coerced = elab.coerce(value, meta.inst(vty), meta.inst(dom), self.stx)
                if coerced is None:
                    raise self.mismatch(value, vty, dom, self.stx)
                value = coerced
        else:
            value = self.elab_arg(arg.stx, dom)
        self.started = True
        self.add(value)

    def elab_arg(self, stx, dom):
        meta, elab = self.meta, self.elab
        value = elab.term(stx, dom)
        vty = meta.infer(value)
        if vty is dom or meta.is_def_eq(dom, vty):
            return value
        coerced = elab.coerce(value, meta.inst(vty), meta.inst(dom), stx)
        if coerced is not None:
            return coerced
        raise self.mismatch(value, vty, dom, stx)

    def mismatch(self, value, vty, dom, stx):
        pp = self.meta.pp
        return LeanError(f"Application type mismatch: The argument\n  {pp(value)}\nhas type\n  "
                         f"{pp(vty)}\nbut is expected to have type\n  {pp(dom)}\n"
                         f"in the application\n  {pp(App(self.f, value))}", stx)

    def propagate(self):
        """Unify the expected type with the result type before elaborating explicit arguments."""
        if self.propagated:
            return
        meta = self.meta
        expected = meta.inst(self.expected)
        if type(tm.get_app_fn(expected)) is MVar or self.ellipsis or self.eta:
            self.propagated = True
            return
        self.propagated = True
        ty, n = self.ty, len(self.args)
        depth = 0
        named = {x.name for x in self.named}
        while n or (type(ty) is Pi and ty.info != "default" and not self.explicit):
            if type(ty) is not Pi:
                return
            if ty.name in named:
                named.discard(ty.name)
            elif ty.info == "default" or self.explicit:
                n -= 1
            ty = ty.body
            depth += 1
        if named or ty.loose:
            return
        f = tm.get_app_fn(ty)
        if type(f) is MVar and f is ty and not self._type_ok(ty):
            return
        if self._has_out_params(ty):
            return
        meta.is_def_eq(expected, ty)

    def _type_ok(self, ty):
        return True

    def _has_out_params(self, ty):
        """Is the result type an output parameter of a pending instance (as for a + b)?"""
        meta = self.meta
        if type(ty) is not MVar or not self._rest_insts():
            return False
        for m in self.insts:
            ity = meta.decls[m.id].type
            cls = meta.class_name(ity)
            outs = meta.ext.classes.get(cls, ())
            args = tm.get_app_fn_args(ity)[1]
            if any(i < len(args) and args[i] is ty for i in outs):
                return True
        return False

    def _rest_insts(self):
        return bool(self.insts)

    def flush_insts(self):
        """Synthesise what can be synthesised; the rest becomes pending."""
        from minilean.front.elab import Pending
        elab = self.elab
        for m in self.insts:
            if not elab._try_inst(m):
                elab.pending.append(Pending("inst", m, self.stx, self.meta.lctx,
                                            elab.err_to_sorry))
        self.insts = []

    def finish(self):
        meta, elab = self.meta, self.elab
        if self.eta:
            self.flush_insts()
            e = meta.mk_lambda([d.fvar for d in self.eta], self.f)
            meta.lctx = meta.lctx.erase([d.id for d in self.eta])
            return e
        if self.expected is not None:
            ty = self.ty
            if ty.flags & MVAR or self.expected.flags & MVAR or ty is not self.expected:
                if not (type(ty) is Sort and type(self.expected) is Sort) \
                        or ty is not self.expected:
                    meta.is_def_eq(self.expected, ty)
        if self.insts:
            self.flush_insts()
        return meta.inst(self.f) if elab is not None else self.f
