"""Patterns: elaborated as terms whose variables are locals of initially unknown type.

Follows Lean 4's `Lean/Elab/{Match,PatternVar}.lean`. Run: `python -m pytest tests/minilean`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import by_dependency
from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl
from minilean.kernel.term import FVar

# What may stand in a pattern: node -> the fields with patterns in them.
PARTS = {sx.Paren: ("term",), sx.App: ("args",), sx.NamedArg: ("value",), sx.Tuple: ("items",),
         sx.Anon: ("items",), sx.ListLit: ("items",), sx.BinOp: ("lhs", "rhs"),
         sx.Ascription: ("term",), sx.Ident: (), sx.DotIdent: (), sx.Explicit: (),
         sx.Hole: (), sx.Num: ()}


class PatternMixin:
    """Mixed into `TermElab`."""

    def elab_patterns(self, stxs, locals_):
        """(pattern variables, pattern terms) for patterns of the types of `locals_`."""
        meta, names = self.meta, []
        stxs = self.prepare_pattern(stxs, names)
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
        todo = [*pats, *[d.type for d in decls]]
        for e in todo:  # which grows by the types of the holes
            for i in meta.mvars_in(e):
                todo.append(meta.decls[i].type)
                decls.append(meta.mk_local("x✝", todo[-1]))
                meta.assign_mvar(i, decls[-1].fvar)
        for d in decls:
            d.type = meta.inst(d.type)
            d.cls = meta.class_name(d.type)
        order = by_dependency(meta, [d.fvar for d in decls])
        return [meta.fvars[x.id] for x in order], [meta.inst(p) for p in pats]

    def normal_pattern(self, e):
        """e made of constructors and variables, as far as it reduces to these (n + 1 stays)."""
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        decl = meta.head_decl(e)
        if type(decl) is ConstructorDecl:
            n = decl.num_params
            return tm.mk_app(f, *args[:n], *[self.normal_pattern(a) for a in args[n:]])
        if decl is None or meta.nat_offset(e) is not None:
            return e
        new = meta.whnf(e)
        return self.normal_pattern(new) if meta.is_ctor_app(new) or type(new) is FVar else e

    # --- syntax -------------------------------------------------------------------------------

    def prepare_pattern(self, stx, names):
        """stx (or a list) with inaccessible parts as holes; its variables are added to `names`."""
        if isinstance(stx, list):
            return [self.prepare_pattern(x, names) for x in stx]
        if isinstance(stx, sx.Inaccessible):
            return sx.Hole(stx.pos, stx.end)
        wrong = isinstance(stx, sx.BinOp) and stx.op not in ("::", "+", "++", "×")
        if isinstance(stx, sx.App):
            head = stx.fn.fn if isinstance(stx.fn, sx.Explicit) else stx.fn
            wrong = not isinstance(head, sx.DotIdent) and not self.is_pattern_const(head)
        elif isinstance(stx, sx.Ident) and not self.is_pattern_const(stx):
            wrong = "." in stx.name
            names.append(stx.name)
        if wrong:
            raise LeanError("Invalid pattern: Expected a constructor or constant marked with "
                            "`[match_pattern]`", stx)
        parts = PARTS.get(type(stx))
        if parts is None or isinstance(stx, sx.BinOp) and stx.op in ("++", "×"):
            raise Declined(f"pattern {type(stx).__name__}", stx)
        return replace(stx, **{part: self.prepare_pattern(getattr(stx, part), names)
                               for part in parts})

    def is_pattern_const(self, stx):
        """Is it an identifier that names a constructor or a match_pattern constant?"""
        if not isinstance(stx, sx.Ident):
            return False
        meta = self.meta
        found, rest = self.resolve_global(stx.name)
        return not rest and any(type(meta.env.get(n)) is ConstructorDecl
                                or n in meta.ext.match_pattern for n in found)
