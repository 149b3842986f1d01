"""Instantiation of metavariables and abstraction of free variables.

Follows Lean 4's `Lean/MetavarContext.lean`: a lambda over a term with metavariables makes those
functions of the bound variables (elimMVarDeps); goals are handled by delayed assignments.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError
from minilean.front.terms import has_loose_bvar, replace_level_mvars
from minilean.kernel import term as tm
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    App,
    Const,
    FVar,
    Lam,
    Let,
    MVar,
    Pi,
    Proj,
    Sort,
    abstract,
    instantiate,
    instantiate_rev,
)

ANY_MVAR = MVAR | LMVAR


class InstMixin:
    """Mixed into `Meta`."""

    def inst_level(self, u):
        """u with assigned level metavariables replaced."""
        if not u.has_mvar or not self.lassign:
            return u

        def lookup(i):
            v = self.lassign.get(i)
            return None if v is None else self.inst_level(v)
        return replace_level_mvars(u, lookup)

    def inst(self, e):
        """e with all assigned metavariables replaced (Lean's instantiateMVars)."""
        if not e.flags & ANY_MVAR:
            return e
        t = type(e)
        if t is MVar and e.id not in self.assign and e.id not in self.delayed:
            return e
        return self._inst(e, {})

    def _inst(self, e, cache):
        if not e.flags & ANY_MVAR:
            return e
        new = cache.get(e)
        if new is not None:
            return new
        t = type(e)
        if t is App:
            f = e.fn
            while type(f) is App:
                f = f.fn
            if type(f) is MVar:
                new = self._inst_mvar_app(f, e, cache)
            else:
                fn, arg = self._inst(e.fn, cache), self._inst(e.arg, cache)
                new = App(fn, arg)
        elif t is MVar:
            new = self._inst_mvar(e, cache)
        elif t is Sort:
            new = Sort(self.inst_level(e.level))
        elif t is Const:
            new = Const(e.name, tuple([self.inst_level(u) for u in e.levels]))
        elif t is Lam or t is Pi:
            new = t(e.name, self._inst(e.type, cache), self._inst(e.body, cache), e.info)
        elif t is Let:
            new = Let(e.name, self._inst(e.type, cache), self._inst(e.value, cache),
                      self._inst(e.body, cache))
        elif t is Proj:
            new = Proj(e.struct, e.idx, self._inst(e.expr, cache))
        else:
            new = e
        cache[e] = new
        return new

    def _inst_mvar(self, e, cache):
        value = self.assign.get(e.id)
        if value is not None:
            if not value.flags & ANY_MVAR:
                return value
            new = self._inst(value, cache)
            if new is not value:
                self.assign_mvar(e.id, new)
            return new
        d = self.delayed.get(e.id)
        if d is None:
            return e
        value = self._inst(MVar(d[1]), cache)
        return e if value.flags & MVAR else self.mk_lambda(d[0], value)

    def _inst_mvar_app(self, f, e, cache):
        head = self._inst(f, cache)
        args = [self._inst(a, cache) for a in tm.get_app_fn_args(e)[1]]
        if head is not f:
            return self.beta(head, args)
        d = self.delayed.get(f.id)
        if d is not None and len(args) >= len(d[0]):
            value = self._inst(MVar(d[1]), cache)
            if not value.flags & MVAR:
                n = len(d[0])
                return self.beta(instantiate_rev(abstract(value, d[0]), args[:n]), args[n:])
        return tm.mk_app(f, *args)

    def mvars_in(self, e):
        """Ids of the unassigned metavariables in e, in order of appearance (delayed followed)."""
        found, seen = {}, set()

        def go(e):
            stack = [e]
            while stack:
                s = stack.pop()
                if not s.flags & MVAR or s in seen:
                    continue
                seen.add(s)
                if type(s) is MVar:
                    if s.id in self.assign:
                        go(self.assign[s.id])
                    elif s.id in self.delayed:
                        go(MVar(self.delayed[s.id][1]))
                    else:
                        found[s.id] = None
                else:
                    stack.extend(reversed(tm.children(s)))
        go(self.inst(e))
        return list(found)

    # --- binding --------------------------------------------------------------------------------

    def mk_lambda(self, fvars, e):
        return self._bind(Lam, fvars, e)

    def mk_pi(self, fvars, e):
        return self._bind(Pi, fvars, e)

    def _bind(self, kind, fvars, e):
        """Abstract fvars (outermost first); let-variables become `let`."""
        if not fvars:
            return self.inst(e)
        e = self._elim_deps(self.inst(e), fvars)
        body = abstract(e, fvars)
        for i in range(len(fvars) - 1, -1, -1):
            d = self.fvars[fvars[i].id]
            ty = abstract(self._elim_deps(self.inst(d.type), fvars[:i]), fvars[:i])
            if d.value is None:
                body = kind(d.name, ty, body, d.bi)
            else:
                val = abstract(self._elim_deps(self.inst(d.value), fvars[:i]), fvars[:i])
                if has_loose_bvar(body, 0):
                    body = Let(d.name, ty, val, body)
                else:
                    body = instantiate(body, val)
        return body

    def _elim_deps(self, e, fvars):
        """Replace metavariables that may depend on fvars by `?new fvars` (elimMVarDeps)."""
        if not e.flags & MVAR or not fvars:
            return e
        ids = {x.id for x in fvars}
        todo = [i for i in self._raw_mvars(e)
                if i not in self.assign and any(d.id in ids for d in self.decls[i].lctx.decls)]
        if not todo:
            return self.inst(e)
        subst = {}
        for i in todo:
            if i in self.assign:
                continue
            d = self.decls[i]
            if d.kind == "opaque" or i in self.delayed:
                subst[MVar(i)] = self._revert_opaque(i, d, ids)
            else:
                self._revert_natural(i, d, ids)
        e = self.inst(e)
        if subst:
            e = tm.replace(e, lambda s: s if not s.flags & MVAR else subst.get(s))
        return e

    def _raw_mvars(self, e):
        return [s.id for s in tm.subterms(e) if type(s) is MVar]

    def _dependents(self, lctx, ids):
        """The declarations of lctx in `ids` or depending on one of them, in order."""
        out, found = [], set(ids)
        for d in lctx.decls:
            if d.id in found or self.mentions(d.type, found) or (
                    d.value is not None and self.mentions(d.value, found)):
                found.add(d.id)
                out.append(d)
        return out

    def mentions(self, e, ids):
        """Does e (instantiated) contain a free variable with an id in `ids`?"""
        e = self.inst(e)
        if not e.flags & FVAR:
            return False
        return any(type(s) is FVar and s.id in ids for s in tm.subterms(e))

    def _revert_parts(self, d, ids):
        dep = self._dependents(d.lctx, ids)
        fvars = [x.fvar for x in dep]
        small = d.lctx.erase([x.id for x in dep])
        ty = self.mk_pi(fvars, d.type)
        args = [x.fvar for x in dep if x.value is None]
        return fvars, small, ty, args

    def _revert_natural(self, i, d, ids):
        _, small, ty, args = self._revert_parts(d, ids)
        new = self.mk_mvar(ty, "natural", d.name, small)
        self.assign_mvar(i, tm.mk_app(new, *args))

    def _revert_opaque(self, i, d, ids):
        fvars, small, ty, args = self._revert_parts(d, ids)
        new = self.mk_mvar(ty, "opaque", d.name, small)
        if len(args) == len(fvars):
            self._set(self.delayed, new.id, (fvars, i))
            return tm.mk_app(new, *args)
        raise LeanError("a hole below a `let` cannot be abstracted")
