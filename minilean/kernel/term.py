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

from minilean.kernel import level as lv
from minilean.kernel.intern import sweep_table

FVAR, MVAR, LMVAR, PARAM = 1, 2, 4, 8
_SWEEP_EVERY = 150_000  # new terms

_TABLE = {}
_instances = {}  # (term, names of level parameters, levels) -> term with those levels
_sweep_at = _SWEEP_EVERY
_new = object.__new__


class Expr:
    """Base of all terms; immutable, do not assign to the fields."""

    __slots__ = ("flags", "loose")

    def __reduce__(self):
        return type(self), tuple([getattr(self, name) for name in self.fields])


def _intern(key, e):
    if len(_TABLE) >= _sweep_at:
        sweep()
    return _TABLE.setdefault(key, e)


def sweep():
    """Forget the terms that nobody refers to any more; called automatically as the table grows."""
    global _sweep_at
    _instances.clear()
    sweep_table(_TABLE)
    lv.sweep()
    _sweep_at = len(_TABLE) + max(_SWEEP_EVERY, len(_TABLE) // 2)


def _node(cls, key, loose, flags, *values):
    """Make and intern a term whose `fields` are `values`."""
    e = _new(cls)
    e.loose, e.flags = loose, flags
    for name, value in zip(cls.fields, values, strict=True):
        setattr(e, name, value)
    return _intern(key, e)


class BVar(Expr):
    __slots__ = fields = ("idx",)

    def __new__(cls, idx):
        return _TABLE.get(idx) or _node(cls, idx, idx + 1, 0, idx)


class FVar(Expr):
    __slots__ = fields = ("id",)

    def __new__(cls, id):
        key = (cls, id)
        return _TABLE.get(key) or _node(cls, key, 0, FVAR, id)


class MVar(Expr):
    __slots__ = fields = ("id",)

    def __new__(cls, id):
        key = (cls, id)
        return _TABLE.get(key) or _node(cls, key, 0, MVAR, id)


class Sort(Expr):
    __slots__ = fields = ("level",)

    def __new__(cls, level):
        key = (cls, level)
        return _TABLE.get(key) or _node(cls, key, 0, _level_flags((level,)), level)


class Const(Expr):
    """`levels` is a tuple of Level."""

    __slots__ = fields = ("name", "levels")

    def __new__(cls, name, levels=()):
        key = (cls, name, levels)
        return _TABLE.get(key) or _node(cls, key, 0, _level_flags(levels), name, levels)


class App(Expr):
    __slots__ = fields = ("fn", "arg")

    def __new__(cls, fn, arg):
        return app(fn, arg)


class Lam(Expr):
    """λ (name : type), body; the body has one more loose variable."""

    __slots__ = fields = ("name", "type", "body", "info")

    def __new__(cls, name, type, body, info="default"):
        key = (cls, name, type, body, info)
        return _TABLE.get(key) or _node(
            cls, key, max(type.loose, body.loose - 1), type.flags | body.flags,
            name, type, body, info)


class Pi(Expr):
    """(name : type) → body; the body has one more loose variable."""

    __slots__ = fields = ("name", "type", "body", "info")
    __new__ = Lam.__new__


class Let(Expr):
    __slots__ = fields = ("name", "type", "value", "body")

    def __new__(cls, name, type, value, body):
        key = (cls, name, type, value, body)
        return _TABLE.get(key) or _node(
            cls, key, max(type.loose, value.loose, body.loose - 1),
            type.flags | value.flags | body.flags, name, type, value, body)


class Lit(Expr):
    """A natural number (int ≥ 0) or a string literal."""

    __slots__ = fields = ("value",)

    def __new__(cls, value):
        key = (cls, type(value), value)
        return _TABLE.get(key) or _node(cls, key, 0, 0, value)


class Proj(Expr):
    """Field number `idx` (0-based, parameters not counted) of `expr` of structure `struct`."""

    __slots__ = fields = ("struct", "idx", "expr")

    def __new__(cls, struct, idx, expr):
        key = (cls, struct, idx, expr)
        return _TABLE.get(key) or _node(cls, key, expr.loose, expr.flags, struct, idx, expr)


def _level_flags(levels):
    flags = 0
    for level in levels:
        flags |= (PARAM if level.has_param else 0) | (LMVAR if level.has_mvar else 0)
    return flags


PROP = Sort(lv.ZERO)
TYPE = Sort(lv.ONE)


# --- building and taking apart --------------------------------------------------------------------

def app(fn, arg):
    """App(fn, arg), faster: most terms are applications."""
    key = (fn, arg)
    e = _TABLE.get(key)
    if e is None:
        e = _new(App)
        e.fn, e.arg, e.flags = fn, arg, fn.flags | arg.flags
        e.loose = fn.loose if fn.loose > arg.loose else arg.loose
        e = _intern(key, e)
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
    """e with each child c replaced by f(c, depth + number of binders of e above c)."""
    t = type(e)
    if t is App:
        return app(f(e.fn, depth), f(e.arg, depth))
    if t is Lam or t is Pi:
        return t(e.name, f(e.type, depth), f(e.body, depth + 1), e.info)
    if t is Let:
        return Let(e.name, f(e.type, depth), f(e.value, depth), f(e.body, depth + 1))
    if t is Proj:
        return Proj(e.struct, e.idx, f(e.expr, depth))
    return e


def instantiate(body, *values):
    """Replace BVar i by values[i] for i < len(values) and lower the other loose variables."""
    return instantiate_rev(body, values[::-1])


def instantiate_rev(body, values):
    """Replace BVar i by values[-1-i]: values are in binder order, outermost first."""
    n = len(values)
    if not body.loose or not n:
        return body

    def leaf(idx, depth):
        i = idx - depth
        return lift(values[n - 1 - i], depth) if i < n else BVar(idx - n)
    return _map_loose(body, leaf, 0)


def _map_loose(e, leaf, start):
    """Replace each loose variable BVar(i) below d binders, i ≥ start + d, by leaf(i, start + d)."""
    cache = {}

    def go(e, depth):
        if e.loose <= depth:
            return e
        kind = type(e)
        if kind is BVar:
            return leaf(e.idx, depth)
        key = (e, depth)
        new = cache.get(key)
        if new is None:
            new = app(go(e.fn, depth), go(e.arg, depth)) if kind is App else rebuild(e, go, depth)
            cache[key] = new
        return new
    return go(e, start)


def lift(e, n, start=0):
    """Add n to the loose variables ≥ start (n may be negative if none of them is then captured)."""
    return e if e.loose <= start or not n else _map_loose(e, lambda i, _: BVar(i + n), start)


def abstract(e, fvars):
    """Replace the FVars (or MVars) `fvars`, outermost first, by BVars: the last becomes 0."""
    if not fvars or not e.flags & (FVAR | MVAR):
        return e
    index = {x: len(fvars) - 1 - i for i, x in enumerate(fvars)}
    need = 0
    for x in fvars:
        need |= x.flags
    cache = {}

    def go(e, depth):
        if not e.flags & need:
            return e
        kind = type(e)
        if kind is FVar or kind is MVar:
            i = index.get(e)
            return e if i is None else BVar(i + depth)
        key = (e, depth)
        new = cache.get(key)
        if new is None:
            new = app(go(e.fn, depth), go(e.arg, depth)) if kind is App else rebuild(e, go, depth)
            cache[key] = new
        return new
    return go(e, 0)


def replace(e, f):
    """Replace every subterm s with f(s), unless f(s) is None: then go into its children."""
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
    if not names or not e.flags & PARAM:
        return e
    key = e, tuple(names), tuple(levels)
    found = _instances.get(key)
    if found is None:
        subst = dict(zip(names, levels, strict=True))

        def visit(s):
            if not s.flags & PARAM:
                return s
            if type(s) is Sort:
                return Sort(lv.instantiate(s.level, subst))
            if type(s) is Const:
                return Const(s.name, tuple([lv.instantiate(u, subst) for u in s.levels]))
            return None
        found = _instances[key] = replace(e, visit)
    return found


# --- inspection -----------------------------------------------------------------------------------

def children(e):
    """The direct subterms of e."""
    t = type(e)
    if t is App:
        return e.fn, e.arg
    if t is Lam or t is Pi:
        return e.type, e.body
    if t is Let:
        return e.type, e.value, e.body
    return (e.expr,) if t is Proj else ()


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
        for level in (s.level,) if type(s) is Sort else s.levels if type(s) is Const else ():
            lv.params_of(level, names)
    return names
