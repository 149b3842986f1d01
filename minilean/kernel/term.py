"""Terms: hash-consed, locally nameless expressions.

Structurally equal terms (binder names and infos included) are the same object: compare with `is`,
key dictionaries by the term itself (identity hash, C speed).
Constructors: BVar(i) FVar(id) MVar(id) Sort(level) Const(name, levels) App(fn, arg)
Lam/Pi(name, type, body, info) Let(name, type, value, body) Lit(int or str) Proj(struct, idx, expr).
Names are dotted strings; info is "default" | "implicit" | "strict" | "inst"; an FVar/MVar id is
any hashable. Each term has
  loose   0, or 1 + the largest loose de Bruijn index;
  flags   a union of the bits FVAR, MVAR, LMVAR (level metavariable), PARAM (level parameter).
"""

from functools import lru_cache

from minilean.kernel import level as lv
from minilean.kernel.intern import TABLE, intern

FVAR, MVAR, LMVAR, PARAM = 1, 2, 4, 8

_new = object.__new__


class Expr:
    """Base of all terms; immutable, do not assign to the fields.

    `fields`: what the constructor takes. `parts`: those that are terms, each with the number of
    variables that are bound there. `levels`: a tuple of Level.
    """

    __slots__ = ("flags", "loose")
    fields, parts, levels, own_flag = (), (), (), 0

    def __new__(cls, *values):
        key = (cls, *values)
        return TABLE.get(key) or _make(key, cls, values)

    def __reduce__(self):
        return type(self), tuple([getattr(self, name) for name in self.fields])


def _make(key, cls, values):
    """The new term of class `cls` whose fields are `values`."""
    e = _new(cls)
    for name, value in zip(cls.fields, values, strict=True):
        setattr(e, name, value)
    loose, flags = e.idx + 1 if cls is BVar else 0, cls.own_flag
    for level in e.levels:
        flags |= (PARAM if level.has_param else 0) | (LMVAR if level.has_mvar else 0)
    for name, binders in cls.parts:
        part = getattr(e, name)
        loose, flags = max(loose, part.loose - binders), flags | part.flags
    e.loose, e.flags = loose, flags
    return intern(key, e)


class BVar(Expr):
    __slots__ = fields = ("idx",)


class FVar(Expr):
    __slots__ = fields = ("id",)
    own_flag = FVAR


class MVar(Expr):
    __slots__ = fields = ("id",)
    own_flag = MVAR


class Sort(Expr):
    __slots__ = fields = ("level",)
    levels = property(lambda self: (self.level,))


class Const(Expr):
    __slots__ = fields = ("name", "levels")

    def __new__(cls, name, levels=()):
        return Expr.__new__(cls, name, levels)


class App(Expr):
    __slots__ = fields = ("fn", "arg")
    parts = ("fn", 0), ("arg", 0)

    def __new__(cls, fn, arg):
        return app(fn, arg)


class Lam(Expr):
    """λ (name : type), body."""

    __slots__ = fields = ("name", "type", "body", "info")
    parts = ("type", 0), ("body", 1)

    def __new__(cls, name, type, body, info="default"):
        key = (cls, name, type, body, info)
        return TABLE.get(key) or _make(key, cls, key[1:])


class Pi(Expr):
    """(name : type) → body."""

    __slots__ = fields = ("name", "type", "body", "info")
    parts, __new__ = Lam.parts, Lam.__new__


class Let(Expr):
    __slots__ = fields = ("name", "type", "value", "body")
    parts = ("type", 0), ("value", 0), ("body", 1)


class Lit(Expr):
    """A natural number (int ≥ 0) or a string literal."""

    __slots__ = fields = ("value",)

    def __new__(cls, value):
        key = (cls, type(value), value)  # True and 1.0 are not 1
        return TABLE.get(key) or _make(key, cls, (value,))


class Proj(Expr):
    """Field number `idx` (0-based, parameters not counted) of `expr` of structure `struct`."""

    __slots__ = fields = ("struct", "idx", "expr")
    parts = ("expr", 0),


LEAVES = {BVar, FVar, MVar, Sort, Const, Lit}
PROP = Sort(lv.ZERO)
TYPE = Sort(lv.ONE)


# --- building and taking apart --------------------------------------------------------------------

def app(fn, arg):
    """App(fn, arg), faster: most terms are applications."""
    key = (fn, arg)
    e = TABLE.get(key)
    if e is None:
        e = _new(App)
        e.fn, e.arg, e.flags = fn, arg, fn.flags | arg.flags
        e.loose = fn.loose if fn.loose > arg.loose else arg.loose
        e = intern(key, e)
    return e


def mk_app(fn, *args):
    """fn applied to args, left to right."""
    for arg in args:
        fn = app(fn, arg)
    return fn


def get_app_fn(e):
    while type(e) is App:
        e = e.fn
    return e


def get_app_fn_args(e):
    """(head, list of arguments, left to right)."""
    args = []
    while type(e) is App:
        args.append(e.arg)
        e = e.fn
    args.reverse()
    return e, args


# --- substitution ---------------------------------------------------------------------------------

def rebuild(e, f, depth):
    """e with each part p replaced by f(p, depth + number of variables that e binds in p)."""
    t = type(e)
    if t is App:
        return app(f(e.fn, depth), f(e.arg, depth))
    if t is Lam or t is Pi:
        return t(e.name, f(e.type, depth), f(e.body, depth + 1), e.info)
    if t is Let:
        return Let(e.name, f(e.type, depth), f(e.value, depth), f(e.body, depth + 1))
    return Proj(e.struct, e.idx, f(e.expr, depth)) if t is Proj else e


def _map_leaves(e, leaf, depth=0, flags=0):
    """Replace each leaf x that is loose, or has one of the flags, by leaf(x, d).

    d = depth + the number of binders above x; BVar(i) is loose if i ≥ d.
    """
    cache = {}

    def go(e, depth):
        if e.loose <= depth and not e.flags & flags:
            return e
        kind = type(e)
        if kind is not App and kind in LEAVES:
            return leaf(e, depth)
        key = (e, depth)
        new = cache.get(key)
        if new is None:
            new = app(go(e.fn, depth), go(e.arg, depth)) if kind is App else rebuild(e, go, depth)
            cache[key] = new
        return new
    return go(e, depth)


def instantiate(body, *values):
    """Replace BVar i by values[i] for i < len(values) and lower the other loose variables."""
    return instantiate_rev(body, values[::-1])


def instantiate_rev(body, values):
    """Replace BVar i by values[-1-i]: values are in binder order, outermost first."""
    n = len(values)
    if not body.loose or not n:
        return body

    def leaf(x, depth):
        i = x.idx - depth
        return lift(values[n - 1 - i], depth) if i < n else BVar(x.idx - n)
    return _map_leaves(body, leaf)


def lift(e, n, start=0):
    """Add n to the loose variables ≥ start (n may be negative if none of them is then captured)."""
    return _map_leaves(e, lambda x, _: BVar(x.idx + n), start) if n and e.loose > start else e


def abstract(e, fvars):
    """Replace the FVars (or MVars) `fvars`, outermost first, by BVars: the last becomes 0."""
    index = {x: len(fvars) - 1 - i for i, x in enumerate(fvars)}

    def leaf(x, depth):
        return BVar(index[x] + depth) if x in index else x
    return _map_leaves(e, leaf, 0, FVAR | MVAR) if fvars and e.flags & (FVAR | MVAR) else e


def bind(binder, xs, body, info=None):
    """Lam or Pi over the variables xs = FVar((key, type, name, info)), outermost first."""
    body = abstract(body, xs)
    for i in range(len(xs) - 1, -1, -1):
        _, type_, name, own_info = xs[i].id
        body = binder(name, abstract(type_, xs[:i]), body, info or own_info)
    return body


def replace(e, f):
    """Replace every subterm s with f(s), unless f(s) is None: then go into its parts."""
    cache = {}

    def go(e, _depth=0):
        new = cache.get(e)
        if new is None:
            new = f(e)
            cache[e] = new = rebuild(e, go, 0) if new is None else new
        return new
    return go(e)


def instantiate_level_params(e, names, levels):
    """Replace the level parameters `names` by `levels`."""
    return _with_levels(e, tuple(names), tuple(levels)) if names and e.flags & PARAM else e


@lru_cache(2_000)
def _with_levels(e, names, levels):
    subst = dict(zip(names, levels, strict=True))

    def leaf(x, _depth):
        if type(x) is Sort:
            return Sort(lv.instantiate(x.level, subst))
        new = tuple([lv.instantiate(level, subst) for level in x.levels])
        return Const(x.name, new) if new else x
    return _map_leaves(e, leaf, 0, PARAM)


# --- inspection -----------------------------------------------------------------------------------

def children(e):
    """The direct subterms of e."""
    return (e.fn, e.arg) if type(e) is App else [getattr(e, name) for name, _ in e.parts]


def subterms(e):
    """Every distinct subterm of e, once each, parents before children (no recursion)."""
    seen, stack = {e: None}, [e]
    while stack:
        for child in children(stack.pop()):
            if child not in seen:
                seen[child] = None
                stack.append(child)
    return list(seen)


def const_names(e):
    """The names of the constants and projected structures in e."""
    names = {}
    for s in subterms(e):
        if type(s) is Const:
            names[s.name] = None
        elif type(s) is Proj:
            names[s.struct] = None
    return list(names)


def level_params_of(e):
    """The names of the level parameters in e."""
    names = []
    for s in subterms(e) if e.flags & PARAM else ():
        for level in s.levels:
            lv.params_of(level, names)
    return names
