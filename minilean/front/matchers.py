"""Auxiliary matchers `f.match_n`: their types, and their values by case splits.

The goal `motive d₁ … dₙ` is split until the patterns of an alternative match its arguments (Lean 4:
`Lean/Meta/Match/Match.lean`). Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.front.ext import MatcherInfo
from minilean.front.terms import locals_used
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import FVAR, LMVAR, MVAR, Const, FVar, MVar

MAX_SPLITS = 200  # the human proofs need fewer than 30; each may keep 50 kB


class Alt:
    """An elaborated alternative: pattern variables (locals), pattern terms, right-hand side."""

    __slots__ = ("decls", "pats", "rhs", "stx", "used")

    def __init__(self, decls, pats, rhs, stx):
        self.decls, self.pats, self.rhs, self.stx, self.used = decls, pats, rhs, stx, False


class MatcherRun:
    """One matcher being made: `xs` are the locals for its discriminants, `alts` a list of Alt."""

    def __init__(self, elab, xs, alts, stx):
        self.elab, self.meta = elab, elab.meta
        self.xs, self.alts, self.stx = xs, alts, stx
        self.n_splits = 0

    def declare(self, level):
        """Declares `decl.match_n`; returns it, for a motive into Sort level, with its parameters.

        A matcher into Prop eliminates into Prop only; others into any universe (`u_motive`). The
        parameters are the local variables that discriminants and patterns depend on.
        """
        meta, discrs = self.meta, [x.fvar for x in self.xs]
        level = meta.inst_level(level)
        if level.kind == "mvar":  # nothing determined it: Type
            meta.assign_level(level.a, lv.ONE)
            level = lv.ONE
        u = level if lv.is_zero(level) else lv.param("u_motive")
        motive = meta.mk_local("motive", meta.mk_pi(discrs, tm.Sort(u)))
        minors = [meta.mk_local(f"h_{i + 1}", meta.mk_pi([d.fvar for d in a.decls],
                                                         tm.mk_app(motive.fvar, *a.pats)))
                  for i, a in enumerate(self.alts)]
        target = tm.mk_app(motive.fvar, *discrs)
        own = [motive, *self.xs, *minors]
        used = locals_used(meta, [d.type for d in own], meta.lctx.decls)
        params = [d for d in meta.lctx.decls if d.id in used and d.value is None]
        fvars = [d.fvar for d in (*params, *own)]
        ty = meta.mk_pi(fvars, target)
        if ty.flags & (FVAR | MVAR | LMVAR):
            raise Declined("match that depends on a let-variable or on something unknown")
        value = meta.mk_lambda(fvars, self._value(target, [*params, *own]))
        name = self.elab.aux_name("match")
        names = tuple(dict.fromkeys(tm.level_params_of(ty) + tm.level_params_of(value)))
        meta.env = meta.env.add(DefDecl(name, names, ty, value))
        meta.ext = meta.ext.child()
        meta.ext.own("matchers")[name] = MatcherInfo(
            name, len(params), len(discrs), tuple([len(a.decls) for a in self.alts]))
        meta.ext.own("reducible").add(name)
        levels = tuple([level if u == "u_motive" else lv.param(u) for u in names])
        return tm.mk_app(Const(name, levels), *[d.fvar for d in params])

    def _value(self, target, decls):
        """A term of type target, `motive d₁ … dₙ`, by case splits."""
        meta = self.meta
        lctx = meta.lctx.replace(decls)
        goal = meta.mk_goal(target, "", lctx)
        with meta.with_lctx(lctx):
            self._solve(goal)
        for a in self.alts:
            if not a.used:
                raise LeanError("Redundant alternative: Any expression matching\n  "
                                + ", ".join(meta.pp(p) for p in a.pats)
                                + "\nwill match one of the preceding alternatives", a.stx)
        return meta.inst(MVar(goal))

    # --- case splits ----------------------------------------------------------------------------

    def _solve(self, goal):
        """Close the goal (whose context is the current one) with an alternative, or split it.

        Split is the leftmost local that any alternative looks at, as in Lean: also one that the
        first alternative does not need, so that the match is stuck there.
        """
        import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
        from minilean.front.tactic_cases import close_contradiction
        from minilean.front.tactic_elim import split_hyp
        meta = self.meta
        self.n_splits += 1
        if self.n_splits > MAX_SPLITS:
            raise Declined("match with too many cases", self.stx)
        terms = tm.get_app_fn_args(meta.goal_type(goal))[1]
        fitting, splits = [], {}
        for i, a in enumerate(self.alts):
            bound, stuck = {}, {}
            if self._match(a, terms, bound, stuck):
                fitting.append((i, a, bound, stuck))
                splits.update({path: t for path, t in stuck.items() if type(t) is FVar})
        if splits:
            d = meta.fvars[splits[min(splits)].id]
            for branch in split_hyp(meta, goal, d):
                with meta.with_goal(branch.goal):
                    self._solve(branch.goal)
        elif fitting:
            self._use(goal, *fitting[0])
        elif not close_contradiction(meta, goal):
            shown = ", ".join(meta.pp(t).replace("✝", "") for t in terms)
            raise LeanError(f"Missing cases:\n{shown}", self.stx)

    def _use(self, goal, i, a, bound, stuck):
        """Close the goal with alternative number i, for these values of its variables."""
        if stuck:
            raise Declined("match on a pattern that is not a constructor", a.stx)
        if any(d.id not in bound for d in a.decls):
            raise Declined("pattern with inaccessible parts", a.stx)
        a.used = True
        h = self.meta.lctx.find(f"h_{i + 1}")
        self.meta.assign_mvar(goal, tm.mk_app(h.fvar, *[bound[d.id] for d in a.decls]))

    def _match(self, a, terms, bound, stuck):
        """May the terms match the alternative's patterns? `bound` gets the values of its variables,
        `stuck` (by position: a path) what must be split before more can be said."""
        ids = {d.id for d in a.decls}
        todo = [((i,), p, t) for i, (p, t) in enumerate(zip(a.pats, terms, strict=True))]
        for path, p, t in todo:  # which grows
            if type(p) is FVar and p.id in ids:
                bound.setdefault(p.id, t)
            p_ctor, p_args = self._ctor_form(p)
            if p_ctor is None:
                continue  # a variable, or inaccessible: fixed by the types
            t_ctor, t_args = self._ctor_form(t)
            if t_ctor is None:
                t = self.meta.whnf(t)
                t_ctor, t_args = self._ctor_form(t)
            if t_ctor is None:
                stuck[path] = t
            elif t_ctor != p_ctor:
                return False
            else:
                todo += [((*path, i), *pair)
                         for i, pair in enumerate(zip(p_args, t_args, strict=True))]
        return True

    def _ctor_form(self, e):
        """(constructor name, fields) of a constructor application or Nat numeral, or (None, ())."""
        meta = self.meta
        base, k = meta.nat_offset(e) or (e, 0)
        if base is None and k == 0:
            return "Nat.zero", ()
        if k:
            rest = base if k == 1 and base is not None else meta.mk_nat(k - 1)
            if base is not None and k > 1:
                rest = meta.mk_nat_add(base, rest)
            return "Nat.succ", (rest,)
        ctor = meta.ctor_of(e)
        if ctor is None:
            return None, ()
        return ctor.name, tm.get_app_fn_args(e)[1][ctor.num_params:]
