"""Structural recursion: recursive calls become uses of `I.brecOn`.

Follows Lean 4's `Lean/Elab/PreDefinition/Structural`. A call `f … y …` is replaced by the part of
the `below` value that belongs to y; `below` is carried through the matchers that split
the argument. Well-founded recursion is declined.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.below import ensure_below
from minilean.front.errors import Declined, LeanError
from minilean.front.ext import SmartInfo
from minilean.front.terms import alpha_eq
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.term import App, Const, FVar, Lam, Let, Pi, Proj


def mentions_name(stx, short, full):
    """Does an identifier in the syntax refer to the name being declared?"""
    last = short.rpartition(".")[2]
    todo = [stx]
    while todo:
        s = todo.pop()
        if isinstance(s, (list, tuple)):
            todo.extend(s)
            continue
        if isinstance(s, sx.Ident):
            n = s.name
            if n == short or n == full or n.startswith((short + ".", full + ".")) \
                    or (full.endswith("." + n)) or n.endswith("." + last):
                return True
            continue
        if isinstance(s, sx.DotIdent) and s.name == last:
            return True
        if isinstance(s, sx.Proj) and s.field == last:
            return True
        if isinstance(s, sx.Node):
            todo.extend(getattr(s, f) for f in _fields(type(s)))
    return False


_FIELDS = {}


def _fields(cls):
    found = _FIELDS.get(cls)
    if found is None:
        found = _FIELDS[cls] = tuple(cls.__dataclass_fields__)
    return found


class NotStructural(Exception):
    """This argument does not decrease structurally in some call."""


def compile_recursion(run, elab):
    """(type, value) of the declaration with its recursive calls compiled away."""
    meta = elab.meta
    n_vars = len(run._used_variables())
    rec = run.rec_fvar.fvar
    fvars, body = meta.lambda_locals(run.full_value)
    meta.lctx = meta.lctx.replace(fvars)
    outer, own = fvars[:n_vars], fvars[n_vars:]
    ty = meta.instantiate_forall(run.full_type, [d.fvar for d in fvars])
    extra, ty, body = _expose_lambdas(meta, ty, body)
    own = [*own, *extra]
    calls = _collect_calls(meta, body, rec)
    fixed = _fixed_prefix(calls, own)
    for j in range(fixed, len(own)):
        if _not_recursive_arg(meta, own, j, fixed):
            continue
        try:
            value = _compile(meta, rec, outer, own, fixed, j, ty, body, run)
        except NotStructural:
            continue
        full_ty = meta.mk_pi([d.fvar for d in [*outer, *own]], ty)
        run.smart_source = (rec, outer, own, body, j)
        return full_ty, value
    if fixed >= len(own):
        raise LeanError(
            f"fail to show termination for\n  {run.name}\nwith errors\nfailed to infer structural "
            "recursion:\nno parameters suitable for structural recursion\n\nwell-founded recursion "
            f"cannot be used, `{run.name}` does not take any (non-fixed) arguments",
            run.cmd.name_pos)
    raise Declined("recursion that is not structural on one argument (well-founded recursion)",
                   run.cmd)


def _expose_lambdas(meta, ty, body):
    """Further arguments of the function (those that equations introduce)."""
    extra = []
    while type(body) is Lam:
        ty = meta.expect_pi(ty)
        d = meta.mk_local(body.name, body.type, body.info)
        extra.append(d)
        body = tm.instantiate(body.body, d.fvar)
        ty = tm.instantiate(ty.body, d.fvar)
    return extra, ty, body


def _collect_calls(meta, body, rec):
    """Argument lists of the applications of rec (with bound variables as they are)."""
    calls = []

    def go(e):
        if type(e) is App:
            f, args = tm.get_app_fn_args(e)
            if f is rec:
                calls.append(args)
            else:
                go(f)
            for a in args:
                go(a)
        elif e is rec:
            calls.append([])
        else:
            for c in tm.children(e):
                go(c)
    go(body)
    return calls


def _fixed_prefix(calls, own):
    """How many leading arguments never change."""
    n = 0
    while n < len(own) and all(len(c) > n and c[n] is own[n].fvar for c in calls):
        n += 1
    return n


def _not_recursive_arg(meta, own, j, fixed):
    """Why argument j cannot be recursed on (text), or None."""
    found = meta.inductive_of(own[j].type)
    if found is None:
        return "not an inductive type"
    decl, _, params, indices = found
    if not decl.is_rec:
        return "not a recursive type"
    fixed_ids = {d.id for d in own[fixed:]}
    if any(meta.mentions(p, fixed_ids) for p in params):
        return "its parameters change"
    ids = [i.id for i in indices if type(i) is FVar]
    if len(ids) != len(indices) or len(set(ids)) != len(ids):
        return "its indices are not variables"
    if any(i not in fixed_ids for i in ids):
        return "its index is fixed"
    return None


def _compile(meta, rec, outer, own, fixed, j, ty, body, run):
    """fun fixed rest => I.brecOn (motive := fun idx x => ∀ rest, ty) x F rest."""
    major = own[j]
    decl, levels, params, indices = meta.inductive_of(major.type)
    idx_ids = [i.id for i in indices]
    rest = [d for d in own[fixed:] if d.id != major.id and d.id not in idx_ids]
    _check_order(meta, own, rest, [*idx_ids, major.id])
    rest_vars = [d.fvar for d in rest]
    motive_ty = meta.mk_pi(rest_vars, ty)
    targets = [*indices, major.fvar]
    motive = meta.mk_lambda(targets, motive_ty)
    level = meta.sort_level(motive_ty)
    below_name, brec_name = ensure_below(meta, decl.name)
    brec = Const(brec_name, (level, *levels))
    below = Const(below_name, (level, *levels))
    below_ty = tm.mk_app(below, *params, motive, *targets)
    b = meta.mk_local("f✝", below_ty)
    position = {d.id: k for k, d in enumerate(own)}
    job = Job(meta, rec, motive, decl, fixed, j, [position[d.id] for d in rest], len(own),
              [position[i] for i in idx_ids])
    step = job.replace(meta.inst(body), b.fvar, below_ty)
    f = meta.mk_lambda([*targets, b.fvar, *rest_vars], step)
    value = tm.mk_app(brec, *params, motive, *targets, f, *rest_vars)
    return meta.mk_lambda([d.fvar for d in [*outer, *own]], value)


def _check_order(meta, own, rest, early):
    """Arguments before the recursive one that it does not depend on come after it in the motive."""
    later = {d.id for d in rest}
    for d in own:
        if d.id in early and meta.mentions(d.type, later):
            raise NotStructural("its type depends on a changing argument")


class Job:
    """Replaces the recursive calls in one function body."""

    def __init__(self, meta, rec, motive, decl, fixed, j, rest, arity, idx):
        self.meta, self.rec, self.motive, self.decl = meta, rec, motive, decl
        self.fixed, self.j, self.rest, self.arity, self.idx = fixed, j, rest, arity, idx

    def replace(self, e, b, b_ty):
        """e with its calls taken from b : b_ty (the `below` value in scope)."""
        if self.rec not in tm.subterms(e):
            return e
        meta, t = self.meta, type(e)
        if t is App or t is FVar:
            return self.app(e, b, b_ty)
        if t is Lam or t is Pi:
            d = meta.mk_local(e.name, self.replace(e.type, b, b_ty), e.info)
            with meta.with_lctx(meta.lctx.add(d)):
                body = self.replace(tm.instantiate(e.body, d.fvar), b, b_ty)
            return t(e.name, d.type, tm.abstract(body, [d.fvar]), e.info)
        if t is Let:
            value = self.replace(e.value, b, b_ty)
            d = meta.mk_local(e.name, e.type, value=value)
            with meta.with_lctx(meta.lctx.add(d)):
                body = self.replace(tm.instantiate(e.body, d.fvar), b, b_ty)
            return Let(e.name, e.type, value, tm.abstract(body, [d.fvar]))
        if t is Proj:
            return Proj(e.struct, e.idx, self.replace(e.expr, b, b_ty))
        return e

    def app(self, e, b, b_ty):
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        if f is self.rec:
            return self.call(args, b, b_ty)
        if type(f) is Const and f.name in meta.ext.matchers:
            new = self.matcher(f, args, b, b_ty)
            if new is not None:
                return new
        f = self.replace(f, b, b_ty)
        return tm.mk_app(f, *[self.replace(a, b, b_ty) for a in args])

    def call(self, args, b, b_ty):
        if len(args) < self.arity:
            raise NotStructural("a recursive call lacks arguments")
        args = [*args[:self.fixed],
                *[self.replace(a, b, b_ty) for a in args[self.fixed:]]]
        found = self.lookup(args[self.j], b, b_ty)
        if found is None:
            raise NotStructural("no smaller argument: " + self.meta.pp(args[self.j]))
        return tm.mk_app(found, *[args[k] for k in self.rest], *args[self.arity:])

    def lookup(self, y, b, b_ty):
        """The part of b : below that has type `motive y`, or None."""
        meta = self.meta
        b_ty = meta.whnf(b_ty)
        f, args = tm.get_app_fn_args(b_ty)
        if type(f) is not Const or f.name != "PProd" or len(args) != 2:
            return None
        first, second = Proj("PProd", 0, b), Proj("PProd", 1, b)
        return self._pair(y, first, args[0]) or self.lookup(y, second, args[1])

    def _pair(self, y, p, p_ty):
        """p : motive z ×' below z (or ∀ a, …): its first part when z is y."""
        meta = self.meta
        if type(p_ty) is Pi:
            return self._function_pair(y, p, p_ty)
        f, args = tm.get_app_fn_args(meta.whnf_core(p_ty))
        if type(f) is not Const or f.name != "PProd":
            return None
        target = args[0]
        want = self._motive_at(y)
        if want is not None and self._same(target, want):
            return Proj("PProd", 0, p)
        return self.lookup(y, Proj("PProd", 1, p), args[1])

    def _function_pair(self, y, p, p_ty):
        meta = self.meta
        mvars, _, body = meta.forall_meta(p_ty, reducing=False)
        f, args = tm.get_app_fn_args(meta.whnf_core(body))
        if type(f) is not Const or f.name != "PProd":
            return None
        mark = meta.save()
        want = self._motive_at(y)
        if want is not None and meta.is_def_eq(args[0], want):
            return meta.inst(Proj("PProd", 0, tm.mk_app(p, *mvars)))
        meta.restore(mark)
        return None

    def _motive_at(self, y):
        meta = self.meta
        found = meta.inductive_of(meta.infer(y))
        if found is None or found[0].name != self.decl.name:
            return None
        return tm.mk_app(self.motive, *found[3], y)

    def _same(self, target, want):
        """target is `motive z` applied literally; compare z with y (motives may be constant)."""
        meta = self.meta
        f, args = tm.get_app_fn_args(target)
        g, wargs = tm.get_app_fn_args(want)
        if f is g and len(args) == len(wargs):
            return all(meta.is_def_eq(a, w) for a, w in zip(args, wargs, strict=False))
        return False

    def matcher(self, f, args, b, b_ty):
        """Carry b through a matcher whose discriminants occur in its type."""
        meta = self.meta
        info = meta.ext.matchers[f.name]
        if len(args) < info.arity:
            return None
        n = info.num_params
        motive, discrs = args[n], args[n + 1:info.first_alt]
        alts = args[info.first_alt:info.arity]
        xs, m_body = self._open_motive(motive, len(discrs))
        b_abs = b_ty
        for x, d in zip(xs, discrs, strict=False):
            b_abs = tm.instantiate(meta.kabstract(b_abs, d), x.fvar)
        if b_abs is b_ty or alpha_eq(b_abs, b_ty):
            return None
        fvars = [x.fvar for x in xs]
        new_motive = meta.mk_lambda(fvars, Pi("b", b_abs, tm.lift(m_body, 1)))
        level = f.levels
        head = tm.mk_app(Const(f.name, self._levels(f, level, new_motive, len(discrs))),
                         *args[:n], new_motive, *discrs)
        discrs = [self.replace(d, b, b_ty) for d in discrs]
        head_ty = meta.infer(head)
        new_alts = []
        for alt, arity in zip(alts, info.alt_arity, strict=False):
            alt_ty = meta.expect_pi(head_ty)
            new_alts.append(self._alt(alt, alt_ty.type, max(1, arity)))
            head_ty = tm.instantiate(alt_ty.body, new_alts[-1])
        extra = [self.replace(a, b, b_ty) for a in args[info.arity:]]
        return tm.mk_app(head, *new_alts, b, *extra)

    def _levels(self, f, levels, motive, n):
        """The matcher's levels, the motive's one raised to hold `below → …`."""
        meta = self.meta
        decl = meta.env.lookup(f.name)
        body = motive
        xs = []
        for _ in range(n):
            d = meta.mk_local("x", tm.instantiate_rev(body.type, [x.fvar for x in xs]))
            xs.append(d)
            body = body.body
        u = meta.sort_level(tm.instantiate_rev(body, [x.fvar for x in xs]))
        if "u_motive" not in decl.level_params:
            if not meta.is_prop(tm.instantiate_rev(body, [x.fvar for x in xs])):
                raise Declined("recursion through a match into Prop")
            return levels
        pairs = zip(decl.level_params, levels, strict=True)
        return tuple([u if p == "u_motive" else v for p, v in pairs])

    def _open_motive(self, motive, n):
        meta, xs = self.meta, []
        for _ in range(n):
            if type(motive) is not Lam:
                raise Declined("recursion through a match with an unusual motive")
            d = meta.mk_local(motive.name, tm.instantiate_rev(motive.type, [x.fvar for x in xs]))
            xs.append(d)
            motive = motive.body
        return xs, tm.instantiate_rev(motive, [x.fvar for x in xs])

    def _alt(self, alt, alt_ty, arity):
        """One alternative: its variables, then the new `below` argument, then its body."""
        meta = self.meta
        decls = []
        for _ in range(arity):
            alt_ty = meta.expect_pi(alt_ty)
            name = alt.name if type(alt) is Lam else alt_ty.name
            d = meta.mk_local(name, alt_ty.type, alt_ty.info)
            decls.append(d)
            alt_ty = tm.instantiate(alt_ty.body, d.fvar)
            alt = tm.instantiate(alt.body, d.fvar) if type(alt) is Lam else App(alt, d.fvar)
        alt_ty = meta.expect_pi(meta.head_beta(alt_ty))
        nb = meta.mk_local("f✝", alt_ty.type)
        with meta.with_lctx(meta.lctx.add(*decls, nb)):
            body = self.replace(alt, nb.fvar, nb.type)
        return meta.mk_lambda([*[d.fvar for d in decls], nb.fvar], body)


def smart_info(meta, run, const):
    """SmartInfo for a compiled function: its body with matchers and calls of itself, or None."""
    source = getattr(run, "smart_source", None)
    if source is not None:
        rec, outer, own, body, _ = source
        fvars = [d.fvar for d in [*outer, *own]]
        call = tm.mk_app(const, *[d.fvar for d in outer])
        value = tm.instantiate(tm.abstract(body, [rec]), call)
        return SmartInfo(meta.mk_lambda(fvars, value), len(fvars), True, True)
    value, n = run.final_value, 0
    body = value
    while type(body) is Lam:
        body, n = body.body, n + 1
    f = tm.get_app_fn(body)
    if n and type(f) is Const and f.name in meta.ext.matchers:
        return SmartInfo(value, n, False, True)
    return None


__all__ = ["InductiveDecl", "LeanError", "compile_recursion", "mentions_name", "smart_info"]
