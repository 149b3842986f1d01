"""Structural recursion: recursive calls become uses of `I.brecOn`.

Follows Lean 4's `Lean/Elab/PreDefinition/Structural`. A call `f … y …` is replaced by the part of
the `below` value that belongs to y; `below` is carried through the matchers that split
the argument. Well-founded recursion is declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError
from minilean.front.ext import SmartInfo
from minilean.front.recursors import ensure_below
from minilean.front.terms import alpha_eq, is_app_of, occurs
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, FVar, Lam, Let, Pi, Proj


def mentions_name(stx, name):
    """May an identifier in the syntax refer to the declaration `name`?"""
    last = name.rpartition(".")[2]
    todo = [stx]
    while todo:
        s = todo.pop()
        if isinstance(s, (list, tuple)):
            todo += s
        elif isinstance(s, (sx.Ident, sx.DotIdent)):
            if last in s.name.split("."):
                return True
        elif isinstance(s, sx.Node):
            if isinstance(s, sx.Proj) and s.field == last:
                return True
            todo += [getattr(s, field) for field in s.__dataclass_fields__]
    return False


class NotStructural(Exception):
    """This argument does not decrease structurally in some call."""


class Recursion:
    """A function whose body calls itself: through the local `rec`, which takes the arguments `own`.

    decls: all arguments of the declaration; those not among `own` are section variables.
    """

    def __init__(self, meta, rec, decls, own, ty, body):
        self.meta, self.rec, self.own = meta, rec, own
        self.type, self.body = ty, body
        self.binders = [d.fvar for d in decls]
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
        for j in range(self.fixed, len(self.own)):
            if self._recursive_arg(j):
                try:
                    return self._compile(j)
                except NotStructural:
                    continue
        if self.fixed >= len(self.own):
            raise LeanError(
                f"fail to show termination for\n  {name}\nwith errors\nfailed to infer structural "
                "recursion:\nno parameters suitable for structural recursion\n\nwell-founded "
                f"recursion cannot be used, `{name}` does not take any (non-fixed) arguments",
                cmd.name_pos)
        raise Declined("recursion that is not structural on one argument (well-founded recursion)",
                       cmd)

    def _recursive_arg(self, j):
        """Can argument j be recursed on? Its type is recursive, its indices are variables."""
        found = self.meta.inductive_of(self.own[j].type)
        if found is None or not found[0].is_rec:
            return False
        _, _, params, indices = found
        changing = {d.id for d in self.own[self.fixed:]}
        ids = [i.id for i in indices if type(i) is FVar and i.id in changing]
        return len(set(ids)) == len(indices) and not any(
            self.meta.mentions(p, changing) for p in params)

    def _compile(self, j):
        """fun fixed rest => I.brecOn (motive := fun idx x => ∀ rest, ty) x F rest."""
        meta, major = self.meta, self.own[j]
        decl, levels, params, indices = meta.inductive_of(major.type)
        targets = [*indices, major.fvar]
        rest = [d for d in self.own[self.fixed:] if d.fvar not in targets]
        rest_ids = {d.id for d in rest}
        if any(meta.mentions(meta.fvars[x.id].type, rest_ids) for x in targets):
            raise NotStructural("its type depends on a changing argument")
        rest_vars = [d.fvar for d in rest]
        motive_ty = meta.mk_pi(rest_vars, self.type)
        motive = meta.mk_lambda(targets, motive_ty)
        below_name, brec_name = ensure_below(meta, decl.name)
        us = (meta.sort_level(motive_ty), *levels)
        below_ty = tm.mk_app(Const(below_name, us), *params, motive, *targets)
        below = meta.mk_local("f✝", below_ty)
        calls = Calls(self, motive, decl.name, j, [self.own.index(d) for d in rest])
        step = calls.replace(meta.inst(self.body), below)
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


def match_info(meta, value):
    """SmartInfo of a function that is not recursive but starts with a match, else None."""
    body, n = value, 0
    while type(body) is Lam:
        body, n = body.body, n + 1
    f = tm.get_app_fn(body)
    if n and type(f) is Const and f.name in meta.ext.matchers:
        return SmartInfo(value, n, False)
    return None


class Calls:
    """Replaces the recursive calls in a body by parts of a `below` value (a local declaration).

    j: position of the argument that decreases; rest: positions of those that the motive takes.
    """

    def __init__(self, fn, motive, inductive, j, rest):
        self.meta, self.rec, self.fixed, self.arity = fn.meta, fn.rec, fn.fixed, len(fn.own)
        self.motive, self.inductive, self.j, self.rest = motive, inductive, j, rest

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
        d = meta.mk_local(e.name, self.replace(e.type, below), value=value)
        with meta.with_lctx(meta.lctx.add(d)):
            body = self.replace(tm.instantiate(e.body, d.fvar), below)
        body = tm.abstract(body, [d.fvar])
        return Let(e.name, d.type, value, body) if t is Let else t(e.name, d.type, body, e.info)

    def _app(self, e, below):
        f, args = tm.get_app_fn_args(e)
        if f is self.rec:
            return self._call(args, below)
        if type(f) is Const and f.name in self.meta.ext.matchers:
            new = self._matcher(f, args, below)
            if new is not None:
                return new
        return tm.mk_app(self.replace(f, below), *[self.replace(a, below) for a in args])

    def _call(self, args, below):
        if len(args) < self.arity:
            raise NotStructural("a recursive call lacks arguments")
        args = [*args[:self.fixed], *[self.replace(a, below) for a in args[self.fixed:]]]
        found = self._lookup(args[self.j], below.fvar, below.type)
        if found is None:
            raise NotStructural("no smaller argument: " + self.meta.pp(args[self.j]))
        return tm.mk_app(found, *[args[k] for k in self.rest], *args[self.arity:])

    def _lookup(self, y, b, b_ty):
        """The part of b : below that has type `motive y`, or None."""
        types = _product(self.meta.whnf(b_ty))
        if types is None:
            return None
        return self._in_pair(y, Proj("PProd", 0, b), types[0]) \
            or self._lookup(y, Proj("PProd", 1, b), types[1])

    def _in_pair(self, y, p, p_ty):
        """The part of p : ∀ a, motive z ×' below z that has type `motive y`, or None."""
        meta = self.meta
        mvars, _, pair = meta.forall_meta(p_ty, reducing=False)
        types = _product(meta.whnf_core(pair))
        if types is None:
            return None
        mark = meta.save()
        if self._is_motive_of(types[0], y):
            return meta.inst(Proj("PProd", 0, tm.mk_app(p, *mvars)))
        meta.restore(mark)
        return None if mvars else self._lookup(y, Proj("PProd", 1, p), types[1])

    def _is_motive_of(self, ty, y):
        """Is ty `motive y`, literally applied? (As functions, motives may be constant.)"""
        meta = self.meta
        found = meta.inductive_of(meta.infer(y))
        f, args = tm.get_app_fn_args(ty)
        if found is None or found[0].name != self.inductive or f is not self.motive:
            return False
        return all(meta.is_def_eq(a, b) for a, b in zip(args, [*found[3], y], strict=True))

    def _matcher(self, f, args, below):
        """A matcher whose discriminants occur in the type of `below` hands it to its alternatives;
        None for one that is treated like any function."""
        meta, info = self.meta, self.meta.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        params, motive = args[:info.num_params], args[info.num_params]
        discrs = args[info.num_params + 1:info.first_alt]
        xs, m_body = meta.lambda_locals(motive)
        if len(xs) != len(discrs):
            raise Declined("recursion through a match with an unusual motive")
        b_ty = below.type
        for x, d in zip(xs, discrs, strict=True):
            b_ty = tm.instantiate(meta.kabstract(b_ty, d), x.fvar)
        if alpha_eq(b_ty, below.type):
            return None
        m_body = Pi("b", b_ty, tm.lift(m_body, 1))
        head = tm.mk_app(Const(f.name, self._levels(f, m_body)), *params,
                         meta.mk_lambda([x.fvar for x in xs], m_body), *discrs)
        discrs = [self.replace(d, below) for d in discrs]
        ty, alts = meta.infer(head), []
        for alt, arity in zip(args[info.first_alt:info.arity], info.alt_arity, strict=True):
            ty = meta.expect_pi(ty)
            alts.append(self._alternative(alt, ty.type, max(1, arity)))
            ty = tm.instantiate(ty.body, alts[-1])
        extra = [self.replace(a, below) for a in args[info.arity:]]
        return tm.mk_app(head, *alts, below.fvar, *extra)

    def _levels(self, f, motive_body):
        """The matcher's levels, with the motive's one large enough for motive_body."""
        names, u = self.meta.env.lookup(f.name).level_params, self.meta.sort_level(motive_body)
        if "u_motive" not in names and not self.meta.is_prop(motive_body):
            raise Declined("recursion through a match into Prop")
        return tuple([u if name == "u_motive" else v
                      for name, v in zip(names, f.levels, strict=True)])

    def _alternative(self, alt, alt_ty, arity):
        """Its variables, then the new `below` argument, then its body."""
        meta = self.meta
        decls, ty = meta.forall_locals(alt_ty, max=arity)
        body = meta.beta(alt, [d.fvar for d in decls])
        ty = meta.expect_pi(meta.head_beta(ty))
        below = meta.mk_local("f✝", ty.type)
        with meta.with_lctx(meta.lctx.add(*decls, below)):
            body = self.replace(body, below)
        return meta.mk_lambda([*[d.fvar for d in decls], below.fvar], body)


def _product(ty):
    """(α, β) when ty is α ×' β, else None."""
    return tm.get_app_fn_args(ty)[1] if is_app_of(ty, "PProd", 2) else None
