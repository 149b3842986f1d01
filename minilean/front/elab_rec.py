"""Structural recursion: recursive calls become uses of `I.brecOn`.

Follows Lean 4's `Lean/Elab/PreDefinition/Structural`. A call `f … y …` is replaced by the part of
the `below` value that belongs to y; `below` is carried through the matchers that split
the argument. Well-founded recursion is declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.errors import Declined, LeanError
from minilean.front.ext import SmartInfo
from minilean.front.recursors import ensure_below
from minilean.front.terms import is_app_of, occurs
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, FVar, Let, Pi, Proj


class NotStructural(Exception):
    """This argument does not decrease structurally in some call."""


class Recursion:
    """A function whose body calls itself: through the local `rec`, which takes the arguments `own`.

    ty, value: of the declaration, as functions of all its arguments; those at the positions
    `variables` are section variables. While the recursion on one
    argument is tried, `major` is its position, `motive` what is proved of it, and `rest` the
    positions of the arguments that the motive takes.
    """

    def __init__(self, meta, rec, ty, value, variables):
        self.meta, self.rec = meta, rec
        self.decls, self.body = meta.lambda_locals(value)
        self.own = [d for i, d in enumerate(self.decls) if i not in variables]
        self.binders = [d.fvar for d in self.decls]
        self.type = meta.instantiate_forall(ty, self.binders)
        self.fixed = self._fixed_prefix()

    def _fixed_prefix(self):
        """How many leading arguments no call changes."""
        terms = tm.subterms(self.body)
        heads = {s.fn for s in terms if type(s) is App}
        calls = [tm.get_app_fn_args(s)[1] for s in terms
                 if s not in heads and tm.get_app_fn(s) is self.rec]
        n = 0
        while n < len(self.own) and all(args[n:n + 1] == [self.own[n].fvar] for args in calls):
            n += 1
        return n

    def compile(self, name, cmd):
        """The value of the declaration with its recursive calls compiled away."""
        if self.fixed == len(self.own):
            raise LeanError(f"fail to show termination for\n  {name}\nwith errors\nfailed to infer "
                            "structural recursion:\nno parameters suitable for structural "
                            f"recursion\n\nwell-founded recursion cannot be used, `{name}` does "
                            "not take any (non-fixed) arguments", cmd.name_pos)
        with self.meta.with_lctx(self.meta.lctx.replace(self.decls)):
            for j in range(self.fixed, len(self.own)):
                try:
                    return self._compile(j)
                except NotStructural:
                    continue
        raise Declined("recursion that is not structural on one argument (well-founded recursion)",
                       cmd)

    def _compile(self, j):
        """fun fixed rest => I.brecOn (motive := fun idx x => ∀ rest, ty) x F rest.

        Raises NotStructural unless argument j is of a recursive type with variables as indices.
        """
        meta, major, changing = self.meta, self.own[j], self.own[self.fixed:]
        found = meta.inductive_of(major.type)
        if found is None or not found[0].is_rec:
            raise NotStructural
        decl, levels, params, indices = found
        targets = [*indices, major.fvar]
        rest = [d for d in changing if d.fvar not in targets]
        rest_ids = {d.id for d in rest}
        if len({*targets} & {d.fvar for d in changing}) < len(targets) \
                or any(meta.mentions(p, {d.id for d in changing}) for p in params) \
                or any(meta.mentions(meta.fvars[x.id].type, rest_ids) for x in targets):
            raise NotStructural
        rest_vars = [d.fvar for d in rest]
        motive_ty = meta.mk_pi(rest_vars, self.type)
        motive = meta.mk_lambda(targets, motive_ty)
        below_name, brec_name = ensure_below(meta, decl.name)
        us = (meta.sort_level(motive_ty), *levels)
        below = meta.mk_local("f✝", tm.mk_app(Const(below_name, us), *params, motive, *targets))
        self.motive, self.major, self.rest = motive, j, [self.own.index(d) for d in rest]
        step = self.replace(meta.inst(self.body), below)
        f = meta.mk_lambda([*targets, below.fvar, *rest_vars], step)
        value = tm.mk_app(Const(brec_name, us), *params, motive, *targets, f, *rest_vars)
        return meta.mk_lambda(self.binders, value)

    def smart_info(self, const):
        """How the declared constant unfolds: its body, with calls of the constant."""
        meta = self.meta
        call = meta.mk_lambda([d.fvar for d in self.own], tm.mk_app(const, *self.binders))

        def visit(s):
            f, args = tm.get_app_fn_args(s)
            return meta.beta(call, [tm.replace(a, visit) for a in args]) if f is self.rec else None
        value = meta.mk_lambda(self.binders, tm.replace(self.body, visit))
        return SmartInfo(value, len(self.binders), True)

    # --- calls by parts of a `below` value (a local declaration) ---------------------------------

    def replace(self, e, below):
        """e with its calls taken from `below`."""
        if not occurs(self.rec, e):
            return e
        meta, t = self.meta, type(e)
        if t is App or t is FVar:
            return self._app(e, below)
        if t is Proj:
            return Proj(e.struct, e.idx, self.replace(e.expr, below))
        value = self.replace(e.value, below) if t is Let else None
        d = meta.mk_local(e.name, self.replace(e.type, below), "default", value)
        with meta.with_lctx(meta.lctx.add(d)):
            body = self.replace(tm.instantiate(e.body, d.fvar), below)
        body = tm.abstract(body, [d.fvar])
        return Let(e.name, d.type, value, body) if t is Let else t(e.name, d.type, body, e.info)

    def _app(self, e, below):
        f, args = tm.get_app_fn_args(e)
        if f is self.rec:
            return self._call(args, below)
        new = self._matcher(f, args, below) if self.meta.is_matcher(f) else None
        if new is not None:
            return new
        return tm.mk_app(self.replace(f, below), *[self.replace(a, below) for a in args])

    def _call(self, args, below):
        if len(args) < len(self.own):
            raise NotStructural
        args = [*args[:self.fixed], *[self.replace(a, below) for a in args[self.fixed:]]]
        found = self._lookup(args[self.major], below.fvar, below.type)
        if found is None:
            raise NotStructural
        return tm.mk_app(found, *[args[k] for k in self.rest], *args[len(self.own):])

    def _lookup(self, y, b, ty):
        """The part of b : ty, which is made of pairs and functions, of type `motive y`, or None."""
        meta = self.meta
        mark = meta.save()
        mvars, _, ty = meta.forall_meta(ty, reducing=False)
        f, args = tm.get_app_fn_args(ty)
        b = tm.mk_app(b, *mvars)
        if f is self.motive:  # literally: as functions, motives may be constant
            if meta.is_def_eq(args[-1], y):
                return meta.inst(b)
        else:
            ty = meta.whnf(ty)
            parts = tm.get_app_fn_args(ty)[1] if is_app_of(ty, "PProd", 2) else ()
            for i, part in enumerate(parts):
                found = self._lookup(y, Proj("PProd", i, b), part)
                if found is not None:
                    return found
        meta.restore(mark)
        return None

    def _matcher(self, f, args, below):
        """A matcher whose discriminants occur in the type of `below` hands it to its alternatives;
        None for one that is treated like any function."""
        meta, info = self.meta, self.meta.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        discrs = args[info.num_params + 1:info.first_alt]
        xs, body = meta.lambda_locals(args[info.num_params])
        below_type = below.type
        for x, d in zip(xs, discrs, strict=False):
            below_type = tm.instantiate(meta.kabstract(below_type, d), x.fvar)
        if below_type is below.type or len(xs) != len(discrs):
            return None
        body = Pi("b", below_type, body)
        names, level = meta.env.lookup(f.name).level_params, meta.sort_level(body)
        levels = [level if name == "u_motive" else u
                  for name, u in zip(names, f.levels, strict=True)]
        head = tm.mk_app(Const(f.name, tuple(levels)), *args[:info.num_params],
                         meta.mk_lambda([x.fvar for x in xs], body), *discrs)
        ty, alts = meta.infer(head), []
        for alt, arity in zip(args[info.first_alt:info.arity], info.alt_arity, strict=True):
            ty = meta.expect_pi(ty)
            alts.append(self._alternative(alt, ty.type, arity))
            ty = ty.body
        extra = [self.replace(a, below) for a in args[info.arity:]]
        return tm.mk_app(head, *alts, below.fvar, *extra)

    def _alternative(self, alt, alt_ty, arity):
        """Its variables, then the new `below` argument, then its body."""
        meta = self.meta
        decls, ty = meta.forall_locals(alt_ty, max=arity)
        body = meta.beta(alt, [d.fvar for d in decls])
        below = meta.mk_local("f✝", meta.expect_pi(meta.head_beta(ty)).type)
        with meta.with_lctx(meta.lctx.add(*decls, below)):
            body = self.replace(body, below)
        return meta.mk_lambda([*[d.fvar for d in decls], below.fvar], body)


def match_info(meta, value):
    """SmartInfo of a function that is not recursive but starts with a match, else None."""
    decls, body = meta.lambda_locals(value)
    starts = decls and meta.is_matcher(tm.get_app_fn(body))
    return SmartInfo(value, len(decls), False) if starts else None
