"""Patterns: elaborated as terms whose variables are locals of initially unknown type.

Follows Lean 4's `Lean/Elab/{Match,PatternVar}.lean`. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import MVAR, Const, FVar, MVar

MAX_LITERAL = 64


class PatternMixin:
    """Mixed into `TermElab`."""

    def elab_patterns(self, stxs, locals_):
        """(pattern variables, pattern terms) for patterns of the types of `locals_`."""
        meta = self.meta
        names = []
        stxs = [self.prepare_pattern(s, names) for s in stxs]
        dup = next((n for i, n in enumerate(names) if n in names[:i]), None)
        if dup is not None:
            raise LeanError(f"Invalid pattern variable: Variable name `{dup}` was already used",
                            stxs[0])
        decls = []
        lctx = meta.lctx
        for n in names:
            d = meta.mk_local(n, meta.mk_type_mvar())
            decls.append(d)
            meta.lctx = meta.lctx.add(d)
        before = meta.fresh_mark()
        pats = []
        saved = self.pending
        self.pending = []
        old_err, self.err_to_sorry = self.err_to_sorry, False
        try:
            for stx, x in zip(stxs, locals_, strict=False):
                ty = tm.instantiate_rev(tm.abstract(x.type, [y.fvar for y in locals_[:len(pats)]]),
                                        pats)
                e = self.term(stx, ty)
                self.synthesize("yes")
                e = self.ensure_type(e, ty, stx)
                pats.append(e)
            self.synthesize("no")
        finally:
            self.pending = saved + self.pending
            self.err_to_sorry = old_err
            meta.lctx = lctx
        return self._close_patterns(decls, pats, before)

    def _close_patterns(self, decls, pats, before):
        """Holes become anonymous variables; variables are ordered by dependency."""
        meta = self.meta
        pats = [self.normal_pattern(meta.inst(p)) for p in pats]
        for d in decls:
            d.type = meta.inst(d.type)
        subst = {}
        for p in pats:
            for i in self._holes(p, before):
                if i in meta.assign:
                    continue
                ty = meta.inst(meta.decls[i].type)
                x = meta.mk_local("x✝", ty)
                decls.append(x)
                meta.assign_mvar(i, x.fvar)
        pats = [meta.inst(p) for p in pats]
        for d in decls:
            d.type = meta.inst(d.type)
            if d.type.flags & MVAR:
                for i in meta.mvars_in(d.type):
                    x = meta.mk_local("x✝", meta.inst(meta.decls[i].type))
                    subst[i] = x
                    meta.assign_mvar(i, x.fvar)
                    decls.append(x)
                d.type = meta.inst(d.type)
            d.cls = meta.class_name(d.type)
        pats = [meta.inst(p) for p in pats]
        used = set()
        for p in pats:
            used |= {s.id for s in tm.subterms(p) if type(s) is FVar}
        return self._sorted(decls), pats

    def _holes(self, p, before):
        return [s.id for s in tm.subterms(self.meta.inst(p))
                if type(s) is MVar and s.id not in self.meta.assign]

    def _sorted(self, decls):
        """Dependencies first, otherwise in the given order."""
        meta, out, placed = self.meta, [], set()
        ids = {d.id: d for d in decls}

        def place(d, path):
            if d.id in placed or d.id in path:
                return
            for s in tm.subterms(meta.inst(d.type)):
                if type(s) is FVar and s.id in ids:
                    place(ids[s.id], path | {d.id})
            if d.id not in placed:
                placed.add(d.id)
                out.append(d)
        for d in decls:
            place(d, set())
        return out

    def normal_pattern(self, e):
        """e with match_pattern definitions unfolded to constructors."""
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        if type(f) is Const:
            decl = meta.env.get(f.name)
            if type(decl) is ConstructorDecl:
                n = decl.num_params
                return tm.mk_app(f, *args[:n], *[self.normal_pattern(a) for a in args[n:]])
            if f.name in meta.ext.match_pattern:
                with meta.transparency("default"):
                    new = meta.unfold_def(e)
                if new is not None:
                    return self.normal_pattern(new)
            if f.name == "OfNat.ofNat" and len(args) == 3 and args[0] is not Const("Nat"):
                new = meta.whnf(e)
                if meta.is_ctor_app(new):
                    return self.normal_pattern(new)
            off = meta.nat_offset(e)
            if off is not None and off[1] > MAX_LITERAL:
                raise Declined("large numeral in a pattern")
        return e

    # --- syntax -------------------------------------------------------------------------------

    def prepare_pattern(self, stx, names):
        """stx with variables recorded in `names`; constructors stay as they are."""
        if isinstance(stx, sx.Paren):
            return self.prepare_pattern(stx.term, names)
        if isinstance(stx, sx.Ident):
            if not self.is_pattern_const(stx):
                if "." in stx.name:
                    raise LeanError("Invalid pattern: Expected a constructor or constant marked "
                                    f"with `[match_pattern]`, but `{stx.name}` is not one", stx)
                names.append(stx.name)
            return stx
        if isinstance(stx, sx.App):
            return self._prepare_app(stx, names)
        if isinstance(stx, sx.BinOp):
            if stx.op not in ("::", "+", "++", "×"):
                raise LeanError("Invalid pattern", stx)
            if stx.op in ("++", "×"):
                raise Declined(f"{stx.op} in a pattern", stx)
            return sx.BinOp(stx.pos, stx.end, stx.op, self.prepare_pattern(stx.lhs, names),
                            self.prepare_pattern(stx.rhs, names))
        if isinstance(stx, (sx.Tuple, sx.Anon, sx.ListLit)):
            return type(stx)(stx.pos, stx.end,
                             [self.prepare_pattern(x, names) for x in stx.items])
        if isinstance(stx, sx.Ascription):
            return sx.Ascription(stx.pos, stx.end, self.prepare_pattern(stx.term, names),
                                 stx.type)
        if isinstance(stx, (sx.Hole, sx.Num, sx.DotIdent, sx.Str)):
            if isinstance(stx, sx.Str):
                raise Declined("string pattern", stx)
            return stx
        if isinstance(stx, sx.Explicit):
            return stx
        if isinstance(stx, sx.Inaccessible):
            return sx.Hole(stx.pos, stx.end)
        if isinstance(stx, sx.AsPattern):
            raise Declined("named pattern x@p", stx)
        raise Declined(f"pattern {type(stx).__name__}", stx)

    def _prepare_app(self, stx, names):
        fn = stx.fn
        bare = fn.fn if isinstance(fn, sx.Explicit) else fn
        if isinstance(bare, sx.Ident) and not self.is_pattern_const(bare):
            raise LeanError("Invalid pattern: Expected a constructor or constant marked with "
                            "`[match_pattern]`", stx)
        if not isinstance(bare, (sx.Ident, sx.DotIdent)):
            raise LeanError("Invalid pattern", stx)
        args = []
        for a in stx.args:
            if isinstance(a, sx.NamedArg):
                args.append(sx.NamedArg(a.pos, a.end, a.name, self.prepare_pattern(a.value, names)))
            else:
                args.append(self.prepare_pattern(a, names))
        return sx.App(stx.pos, stx.end, fn, args, stx.ellipsis)

    def is_pattern_const(self, stx):
        """Does the identifier name a constructor or a match_pattern constant?"""
        meta = self.meta
        found, rest = self.resolve_global(stx.name)
        return not rest and any(type(meta.env.get(n)) is ConstructorDecl
                                or n in meta.ext.match_pattern for n in found)
