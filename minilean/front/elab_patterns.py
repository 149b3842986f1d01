"""Patterns: elaborated as terms whose variables are locals of initially unknown type.

Follows Lean 4's `Lean/Elab/{Match,PatternVar}.lean`. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.build import NAT
from minilean.front.errors import Declined, LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import Const, FVar, MVar

MAX_LITERAL = 64


class PatternMixin:
    """Mixed into `TermElab`."""

    def elab_patterns(self, stxs, locals_):
        """(pattern variables, pattern terms) for patterns of the types of `locals_`."""
        meta, names = self.meta, []
        stxs = [self.prepare_pattern(s, names) for s in stxs]
        dup = next((n for i, n in enumerate(names) if n in names[:i]), None)
        if dup is not None:
            raise LeanError(f"Invalid pattern variable: Variable name `{dup}` was already used",
                            stxs[0])
        with self.own_pending(), self.mode(err_to_sorry=False), meta.with_lctx(meta.lctx):
            decls, pats = [meta.push_local(n, meta.mk_type_mvar()) for n in names], []
            for stx, x in zip(stxs, locals_, strict=True):
                known = [y.fvar for y in locals_[:len(pats)]]
                ty = tm.instantiate_rev(tm.abstract(x.type, known), pats)
                e = self.term(stx, ty)
                self.synthesize("yes")
                pats.append(self.ensure_type(e, ty, stx))
            self.synthesize("no")
        return self._close_patterns(decls, pats)

    def _close_patterns(self, decls, pats):
        """Holes become anonymous variables; variables are ordered by dependency."""
        meta = self.meta
        pats = [self.normal_pattern(meta.inst(p)) for p in pats]
        for p in pats:
            self._name_holes([s.id for s in tm.subterms(meta.inst(p)) if type(s) is MVar], decls)
        for d in decls:  # `decls` grows while holes are found in the types
            self._name_holes(meta.mvars_in(d.type), decls)
            d.type = meta.inst(d.type)
            d.cls = meta.class_name(d.type)
        return self._sorted(decls), [meta.inst(p) for p in pats]

    def _name_holes(self, mvars, decls):
        """Makes each of the metavariables that is not assigned a new pattern variable."""
        meta = self.meta
        for i in mvars:
            if i not in meta.assign:
                decls.append(meta.mk_local("x✝", meta.inst(meta.decls[i].type)))
                meta.assign_mvar(i, decls[-1].fvar)

    def _sorted(self, decls):
        """Dependencies first, otherwise in the given order."""
        out, ids = [], {d.id: d for d in decls}

        def place(d, path):
            if d in out or d.id in path:
                return
            for s in tm.subterms(self.meta.inst(d.type)):
                if type(s) is FVar and s.id in ids:
                    place(ids[s.id], path | {d.id})
            out.append(d)
        for d in decls:
            place(d, set())
        return out

    def normal_pattern(self, e):
        """e with match_pattern definitions unfolded to constructors."""
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        if type(f) is not Const:
            return e
        decl = meta.env.get(f.name)
        if type(decl) is ConstructorDecl:
            n = decl.num_params
            return tm.mk_app(f, *args[:n], *[self.normal_pattern(a) for a in args[n:]])
        if f.name in meta.ext.match_pattern:
            value = tm.instantiate_level_params(decl.value, decl.level_params, f.levels)
            return self.normal_pattern(meta.beta(value, args))
        if f.name == "OfNat.ofNat" and len(args) == 3 and args[0] is not NAT:
            new = meta.whnf(e)
            if meta.ctor_of(new):
                return self.normal_pattern(new)
        off = meta.nat_offset(e)
        if off is not None and off[1] > MAX_LITERAL:
            raise Declined("large numeral in a pattern")
        return e

    # --- syntax -------------------------------------------------------------------------------

    def prepare_pattern(self, stx, names):
        """stx with variables recorded in `names`; constructors stay as they are."""
        def inner(x):
            return self.prepare_pattern(x, names)
        match stx:
            case sx.Paren():
                return inner(stx.term)
            case sx.Ident():
                return self._prepare_ident(stx, names)
            case sx.App():
                self._check_head(stx)
                return replace(stx, args=[replace(a, value=inner(a.value))
                                          if isinstance(a, sx.NamedArg) else inner(a)
                                          for a in stx.args])
            case sx.BinOp(op="::" | "+"):
                return replace(stx, lhs=inner(stx.lhs), rhs=inner(stx.rhs))
            case sx.Tuple() | sx.Anon() | sx.ListLit():
                return replace(stx, items=[inner(x) for x in stx.items])
            case sx.Ascription():
                return replace(stx, term=inner(stx.term))
            case sx.Hole() | sx.Num() | sx.DotIdent() | sx.Explicit():
                return stx
            case sx.Inaccessible():
                return sx.Hole(stx.pos, stx.end)
            case sx.BinOp(op="++" | "×"):
                raise Declined(f"{stx.op} in a pattern", stx)
            case sx.BinOp():
                raise LeanError("Invalid pattern", stx)
            case sx.Str():
                raise Declined("string pattern", stx)
            case sx.AsPattern():
                raise Declined("named pattern x@p", stx)
        raise Declined(f"pattern {type(stx).__name__}", stx)

    def _prepare_ident(self, stx, names):
        if not self.is_pattern_const(stx):
            if "." in stx.name:
                raise LeanError("Invalid pattern: Expected a constructor or constant marked "
                                f"with `[match_pattern]`, but `{stx.name}` is not one", stx)
            names.append(stx.name)
        return stx

    def _check_head(self, stx):
        """LeanError unless the application's head may be a constructor."""
        bare = stx.fn.fn if isinstance(stx.fn, sx.Explicit) else stx.fn
        if isinstance(bare, sx.Ident) and not self.is_pattern_const(bare):
            raise LeanError("Invalid pattern: Expected a constructor or constant marked with "
                            "`[match_pattern]`", stx)
        if not isinstance(bare, (sx.Ident, sx.DotIdent)):
            raise LeanError("Invalid pattern", stx)

    def is_pattern_const(self, stx):
        """Does the identifier name a constructor or a match_pattern constant?"""
        meta = self.meta
        found, rest = self.resolve_global(stx.name)
        return not rest and any(type(meta.env.get(n)) is ConstructorDecl
                                or n in meta.ext.match_pattern for n in found)
