"""Instantiation of metavariables and abstraction of free variables.

Follows Lean 4's `Lean/MetavarContext.lean`: a lambda over a term with metavariables makes those
functions of the bound variables (elimMVarDeps); goals are handled by delayed assignments.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.terms import has_loose_bvar
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import FVAR, LMVAR, MVAR, Const, FVar, Lam, MVar, Pi, abstract

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
        return tm.replace(e, self._inst_part) if e.flags & ANY_MVAR else e

    def _inst_part(self, e):
        """e instantiated, or None when its parts must be."""
        if not e.flags & ANY_MVAR:
            return e
        t = type(e)
        if t is tm.Sort:
            return tm.Sort(self.inst_level(e.level))
        if t is Const:
            return Const(e.name, tuple([self.inst_level(u) for u in e.levels]))
        m = tm.get_app_fn(e)
        value = self.value_of(m) if type(m) is MVar else None
        if value is not None:
            return value if e is m else self.inst(self.beta(value, tm.get_app_fn_args(e)[1]))
        return e if t is MVar else None

    def value_of(self, m):
        """What the metavariable m stands for, instantiated; None if it is not known."""
        value = self.assign.get(m.id)
        if value is not None:
            new = self.inst(value)
            if new is not value:
                self.assign_mvar(m.id, new)
            return new
        if m.id not in self.delayed:
            return None
        fvars, goal = self.delayed[m.id]
        value = self.inst(MVar(goal))
        return None if value.flags & MVAR else self.mk_lambda(fvars, value)

    def mvars_in(self, e):
        """Ids of the unassigned metavariables in e, in order of appearance (delayed followed)."""
        found = {}

        def visit(s):
            if not s.flags & MVAR or s in found:
                return
            found[s] = None
            if type(s) is MVar and s.id in self.delayed:
                visit(self.inst(MVar(self.delayed[s.id][1])))
            for part in tm.children(s):
                visit(part)
        visit(self.inst(e))
        return [s.id for s in found if type(s) is MVar and s.id not in self.delayed]

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
        body = self.abstracted(e, fvars)
        for i in range(len(fvars) - 1, -1, -1):
            d, outer = self.fvars[fvars[i].id], fvars[:i]
            if d.value is None:
                body = kind(d.name, self.abstracted(d.type, outer), body, d.bi)
            elif has_loose_bvar(body, 0):
                body = tm.Let(d.name, self.abstracted(d.type, outer),
                              self.abstracted(d.value, outer), body)
            else:
                body = tm.lift(body, -1)
        return body

    def abstracted(self, e, fvars):
        """e, instantiated, with fvars (outermost first) as loose bound variables.

        Metavariables that may depend on fvars become `?new fvars` (elimMVarDeps).
        """
        e, ids = self.inst(e), {x.id for x in fvars}

        def visit(s):
            if not s.flags & MVAR:
                return s
            if type(s) is not MVar:
                return None
            if s.id in self.assign or ids.isdisjoint(self.decls[s.id].lctx):
                return self.inst(s)
            return self._revert(s.id, ids)
        return abstract(tm.replace(e, visit) if e.flags & MVAR and fvars else e, fvars)

    def _dependents(self, lctx, ids):
        """The declarations of lctx in `ids` or depending on one of them, in order."""
        out, found = [], set(ids)
        for d in lctx.decls:
            parts = [e for e in (d.type, d.value) if e is not None]
            if d.id in found or any(self.mentions(e, found) for e in parts):
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
