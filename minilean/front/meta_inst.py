"""Instantiation of metavariables and abstraction of free variables.

Follows Lean 4's `Lean/MetavarContext.lean`: a lambda over a term with metavariables makes those
functions of the bound variables (elimMVarDeps); goals are handled by delayed assignments.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.terms import has_loose_bvar
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, LMVAR, MVAR, App, FVar, Lam, MVar, Pi, abstract

ANY_MVAR = MVAR | LMVAR


class InstMixin:
    """Mixed into `Meta`."""

    def inst_level(self, u):
        """u with assigned level metavariables replaced."""
        if not u.has_mvar:
            return u
        if u.kind == "mvar":
            value = self.assign.get(u.a)
            return u if value is None else self.inst_level(value)
        return lv.rebuild(u, self.inst_level)

    def inst(self, e):
        """e with all assigned metavariables replaced (Lean's instantiateMVars)."""
        if not e.flags & ANY_MVAR or (type(e) is MVar and not self.is_assigned(e.id)):
            return e
        cache = {}

        def go(e, _depth=0):
            if not e.flags & ANY_MVAR:
                return e
            new = cache.get(e)
            if new is not None:
                return new
            t = type(e)
            if t is App:
                f, args = tm.get_app_fn_args(e)
                head = go(f)
                args = [go(a) for a in args]
                contract = type(f) is MVar and head is not f
                new = self.beta(head, args) if contract else tm.mk_app(head, *args)
            elif t is MVar:
                new = self._inst_mvar(e, go)
            elif t is tm.Sort:
                new = tm.Sort(self.inst_level(e.level))
            elif t is tm.Const:
                new = tm.Const(e.name, tuple([self.inst_level(u) for u in e.levels]))
            else:
                new = tm.rebuild(e, go, 0)
            cache[e] = new
            return new
        return go(e)

    def _inst_mvar(self, e, go):
        value = self.assign.get(e.id)
        if value is not None:
            new = go(value)
            if new is not value:
                self.assign_mvar(e.id, new)
            return new
        if e.id not in self.delayed:
            return e
        fvars, goal = self.delayed[e.id]
        value = go(MVar(goal))
        return e if value.flags & MVAR else self.mk_lambda(fvars, value)

    def mvars_in(self, e):
        """Ids of the unassigned metavariables in e, in order of appearance (delayed followed)."""
        found, seen, stack = {}, set(), [self.inst(e)]
        while stack:
            s = stack.pop()
            if not s.flags & MVAR or s in seen:
                continue
            seen.add(s)
            if type(s) is not MVar:
                stack.extend(reversed(tm.children(s)))
            elif s.id in self.delayed:
                stack.append(self.inst(MVar(self.delayed[s.id][1])))
            else:
                found[s.id] = None
        return list(found)

    def fvar_ids(self, e):
        """Ids of the free variables in e (instantiated)."""
        e = self.inst(e)
        return [x.id for x in tm.subterms(e) if type(x) is FVar] if e.flags & FVAR else ()

    def mentions(self, e, ids):
        """Does e (instantiated) contain a free variable with an id in `ids`?"""
        return any(i in ids for i in self.fvar_ids(e))

    # --- binding --------------------------------------------------------------------------------

    def mk_lambda(self, fvars, e):
        return self._bind(Lam, fvars, e)

    def mk_pi(self, fvars, e):
        return self._bind(Pi, fvars, e)

    def _bind(self, kind, fvars, e):
        """Abstract fvars (outermost first); let-variables become `let`."""
        def closed(e, n):
            """e abstracted over the first n variables."""
            return abstract(self._elim_deps(self.inst(e), fvars[:n]), fvars[:n])

        body = closed(e, len(fvars))
        for i in range(len(fvars) - 1, -1, -1):
            d = self.fvars[fvars[i].id]
            if d.value is None:
                body = kind(d.name, closed(d.type, i), body, d.bi)
            elif has_loose_bvar(body, 0):
                body = tm.Let(d.name, closed(d.type, i), closed(d.value, i), body)
            else:
                body = tm.lift(body, -1)
        return body

    def _elim_deps(self, e, fvars):
        """Replace metavariables that may depend on fvars by `?new fvars` (elimMVarDeps)."""
        if not e.flags & MVAR or not fvars:
            return e
        ids = {x.id for x in fvars}
        new = {}
        for s in tm.subterms(e):
            if type(s) is MVar and s.id not in self.assign \
                    and not ids.isdisjoint(self.decls[s.id].lctx):
                new[s] = self._revert(s.id, ids)
        e = self.inst(e)
        return tm.replace(e, lambda s: new.get(s) if s.flags & MVAR else s) if new else e

    def _dependents(self, lctx, ids):
        """The declarations of lctx in `ids` or depending on one of them, in order."""
        out, found = [], set(ids)
        for d in lctx.decls:
            if d.id in found or self.mentions(d.type, found) or (
                    d.value is not None and self.mentions(d.value, found)):
                found.add(d.id)
                out.append(d)
        return out

    def _revert(self, i, ids):
        """`?new xs`, equal to ?i: the xs are the variables in `ids` and what depends on them.

        A natural ?i is assigned; a goal stays, and ?new is `fun xs => ?i` once that is known.
        """
        d = self.decls[i]
        dep = self._dependents(d.lctx, ids)
        fvars = [x.fvar for x in dep]
        small = d.lctx.erase([x.id for x in dep])
        is_goal = d.kind == "opaque" or i in self.delayed
        new = self.mk_mvar(self.mk_pi(fvars, d.type), "opaque" if is_goal else "natural", d.name,
                           small)
        applied = tm.mk_app(new, *[x.fvar for x in dep if x.value is None])
        if not is_goal:
            self.assign_mvar(i, applied)
        else:
            self._set(self.delayed, new.id, (fvars, i))
        return applied
