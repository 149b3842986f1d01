"""Auxiliary matchers `f.match_n`: their types, and their values by case splits.

The goal `motive d₁ … dₙ` is split until the patterns of an alternative match its arguments (Lean 4:
`Lean/Meta/Match/Match.lean`). Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from collections import namedtuple

import minilean.front.tactic  # noqa: F401  (loads the tactic modules in order)
from minilean.front.errors import Declined, LeanError
from minilean.front.ext import MatcherInfo
from minilean.front.tactic_cases import close_contradiction
from minilean.front.tactic_elim import split_hyp
from minilean.front.terms import locals_used
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import FVAR, LMVAR, MVAR, Const, FVar, MVar

MAX_SPLITS = 200  # the human proofs need fewer than 30; each may keep 50 kB

# An elaborated alternative: the matcher's name for it, pattern variables (locals), pattern terms,
# right-hand side, its syntax.
Alt = namedtuple("Alt", "name decls pats rhs stx")


class MatcherRun:
    """One matcher being made: `xs` are the locals for its discriminants, `alts` a list of Alt."""

    def __init__(self, elab, xs, alts, stx):
        self.elab, self.meta = elab, elab.meta
        self.xs, self.alts, self.stx = xs, alts, stx
        self.n_splits, self.used = 0, set()

    def declare(self, level):
        """Declares `decl.match_n`; returns it, for a motive into Sort level, with its parameters.

        A matcher into Prop eliminates into Prop only; others into any universe (`u_motive`). The
        parameters are the local variables that discriminants and patterns depend on.
        """
        meta, discrs = self.meta, [x.fvar for x in self.xs]
        u = level if lv.is_zero(level) else lv.param("u_motive")
        motive = meta.mk_local("motive", meta.mk_pi(discrs, tm.Sort(u)))
        minors = [meta.mk_local(a.name, meta.mk_pi([d.fvar for d in a.decls],
                                                   tm.mk_app(motive.fvar, *a.pats)))
                  for a in self.alts]
        target = tm.mk_app(motive.fvar, *discrs)
        own = [motive, *self.xs, *minors]
        used = locals_used(meta, [d.type for d in own], meta.lctx.decls)
        params = [d for d in meta.lctx.decls if d.id in used and d.value is None]
        decls = [*params, *own]
        fvars = [d.fvar for d in decls]
        ty = meta.mk_pi(fvars, target)
        if ty.flags & (FVAR | MVAR | LMVAR):
            raise Declined("match that depends on a let-variable or on something unknown")
        goal = meta.mk_goal(target, "", meta.lctx.replace(decls))
        self._solve(goal)
        for a in self.alts:
            if a.name not in self.used:
                raise LeanError("Redundant alternative: what it matches is matched by the "
                                "preceding alternatives", a.stx)
        value, name = meta.mk_lambda(fvars, MVar(goal)), self.elab.aux_name("match")
        names = tuple(dict.fromkeys(tm.level_params_of(ty) + tm.level_params_of(value)))
        meta.env = meta.env.add(DefDecl(name, names, ty, value))
        meta.ext, meta.shared, meta.own = meta.ext.child(), {}, {}  # the name may come again
        meta.ext.own("matchers")[name] = MatcherInfo(
            len(params), len(discrs), tuple([len(a.decls) for a in self.alts]))
        meta.ext.own("reducible").add(name)
        levels = tuple([level if u == "u_motive" else lv.param(u) for u in names])
        return tm.mk_app(Const(name, levels), *[d.fvar for d in params])

    # --- case splits ----------------------------------------------------------------------------

    def _solve(self, goal):
        """Close the goal with an alternative, or split it.

        Split is the leftmost local that any alternative looks at, as in Lean: also one that the
        first alternative does not need, so that the match is stuck there.
        """
        meta = self.meta
        self.n_splits += 1
        if self.n_splits > MAX_SPLITS:
            raise Declined("match with too many cases", self.stx)
        with meta.with_goal(goal):
            terms = tm.get_app_fn_args(meta.goal_type(goal))[1]
            found = [(a, self._match(a, terms)) for a in self.alts]
            found = [(a, *values) for a, values in found if values is not None]
            splits = {path: t for *_, stuck in found for path, t in stuck.items()
                      if type(t) is FVar}
            if splits:
                for branch in split_hyp(meta, goal, meta.fvars[splits[min(splits)].id]):
                    self._solve(branch.goal)
            elif found:
                self._use(goal, *found[0])
            elif not close_contradiction(meta, goal):
                raise LeanError("Missing cases:\n" + ", ".join([meta.pp(t) for t in terms]),
                                self.stx)

    def _use(self, goal, a, bound, stuck):
        """Close the goal with the alternative a, for these values of its variables."""
        if stuck or any(d.id not in bound for d in a.decls):
            raise Declined("pattern with parts that are no constructors", a.stx)
        self.used.add(a.name)
        h = self.meta.lctx.find(a.name)
        self.meta.assign_mvar(goal, tm.mk_app(h.fvar, *[bound[d.id] for d in a.decls]))

    def _match(self, a, terms):
        """(values, stuck) if the terms may match the alternative's patterns, else None.

        values: of its variables, by id; stuck: by position (a path), what must be split before more
        can be said.
        """
        meta, ids, bound, stuck = self.meta, {d.id for d in a.decls}, {}, {}
        todo = [((i,), p, t) for i, (p, t) in enumerate(zip(a.pats, terms, strict=True))]
        for path, p, t in todo:  # which grows
            p = meta.whnf_ctor(p)
            if type(p) is FVar and p.id in ids:
                bound.setdefault(p.id, t)
            ctor = meta.ctor_of(p)
            if ctor is None:
                continue  # a variable, or inaccessible: fixed by the types
            t = meta.whnf_ctor(t)
            t_ctor = meta.ctor_of(t)
            if t_ctor is None:
                stuck[path] = t
            elif t_ctor is not ctor:
                return None
            else:
                fields = [tm.get_app_fn_args(e)[1][ctor.num_params:] for e in (p, t)]
                todo += [((*path, i), *pair) for i, pair in enumerate(zip(*fields, strict=True))]
        return bound, stuck
