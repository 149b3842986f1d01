"""Universe levels: 0, successor, max, imax, parameters (and metavariables, for the front only).

Levels are hash-consed: structurally equal levels are the same object, so `is` compares them.
`leq` and `eq` are exact: a level is turned into a maximum of *sublevels* (E, x, k), read "x + k if
every parameter in E is positive, else 0" (x is a parameter of E, or None for the constant k), as
in Y. Géran, "A canonical form for universe levels in impredicative type theory"; compare
`Level.isEquiv` and `Level.geq` of Lean 4, which are not complete.
"""

from minilean.kernel.errors import KernelError
from minilean.kernel.intern import sweep_table

MAX_SUBLEVELS = 2000  # a normal form larger than this ends in KernelError("budget")


class Level:
    """kind: "zero" | "succ" | "max" | "imax" | "param" | "mvar"; `a`, `b` are the children
    (`a` is the name of a param or the id of an mvar)."""

    __slots__ = ("a", "b", "has_mvar", "has_param", "kind")

    def __reduce__(self):
        return make, (self.kind, self.a, self.b)


_TABLE = {}
_normal_forms = {}


def make(kind, a=None, b=None):
    """The level written exactly so."""
    key = (kind, a, b)
    found = _TABLE.get(key)
    if found is not None:
        return found
    lvl = Level()
    lvl.kind, lvl.a, lvl.b = kind, a, b
    children = [c for c in (a, b) if isinstance(c, Level)]
    lvl.has_param = kind == "param" or any(c.has_param for c in children)
    lvl.has_mvar = kind == "mvar" or any(c.has_mvar for c in children)
    return _TABLE.setdefault(key, lvl)


def sweep():
    """Forget the levels nobody refers to."""
    _normal_forms.clear()
    sweep_table(_TABLE)


ZERO = make("zero")


def succ(a):
    return make("succ", a)


ONE = succ(ZERO)


def param(name):
    return make("param", name)


def mvar(ident):
    """Universe metavariable with a hashable id; never allowed in a declaration."""
    return make("mvar", ident)


def max_(a, b):
    """A level equal to `max a b`, with the obvious simplifications."""
    if a is b or b is ZERO:
        return a
    if a is ZERO:
        return b
    (base_a, i), (base_b, j) = to_offset(a), to_offset(b)
    if i <= j and base_a in (base_b, ZERO):
        return b
    if j <= i and base_b in (base_a, ZERO):
        return a
    return make("max", a, b)


def imax(a, b):
    """A level equal to `imax a b` (0 if b is 0, else max a b), simplified where obvious."""
    if b.kind == "succ":
        return max_(a, b)
    if b is ZERO or a is ZERO or a is ONE or a is b:
        return b
    return make("imax", a, b)


def to_offset(lvl):
    """(base, k) with lvl = base + k and base not a successor."""
    k = 0
    while lvl.kind == "succ":
        lvl, k = lvl.a, k + 1
    return lvl, k


# --- normal form ----------------------------------------------------------------------------------

_NONE = frozenset()


def _add(nf, conds, atom, k):
    """Put the sublevel (conds, atom, k) into nf, keeping the atom's positivity explicit."""
    if atom is not None and atom not in conds:
        if k > 0:
            _add(nf, conds, None, k)
        conds = conds | {atom}
    if (atom is not None or k > 0) and nf.get((conds, atom), -1) < k:
        nf[conds, atom] = k
        if len(nf) > MAX_SUBLEVELS:
            raise KernelError("budget", "universe level too large to normalise")


def _below(sub, k, nf):
    """Is the sublevel with key `sub` and offset k at most some sublevel of nf?"""
    conds, atom = sub
    for (conds2, atom2), k2 in nf.items():
        if atom2 is None:
            fits = atom is None and k <= k2
        else:  # atom2 is positive wherever conds2 holds, so the constant k2 + 1 fits below it
            fits = k <= k2 if atom is atom2 else atom is None and k <= k2 + 1
        if fits and conds2 <= conds:
            return True
    return False


def _prune(nf):
    """Drop the sublevels that are below another one; what is left is canonical."""
    if len(nf) < 2:
        return nf
    kept = dict(nf)
    for sub, k in nf.items():
        del kept[sub]
        if not _below(sub, k, kept):
            kept[sub] = k
    return kept


def _normal_form(lvl):
    """Dictionary {(set of params, param or None): offset}; its maximum is lvl. Canonical."""
    nf, kind = _normal_forms.get(lvl), lvl.kind
    if nf is not None:
        return nf
    nf = {}
    if kind in ("param", "mvar"):
        _add(nf, _NONE, lvl, 0)
    elif kind == "succ":
        base, offset = to_offset(lvl)
        _add(nf, _NONE, None, offset)
        for (conds, atom), k in _normal_form(base).items():
            _add(nf, conds, atom, k + offset)
    elif kind in ("max", "imax"):
        left, right = _normal_form(lvl.a), _normal_form(lvl.b)
        guards = [_NONE] if kind == "max" else list(dict.fromkeys(c for c, _ in right))
        for (conds, atom), k in right.items():
            _add(nf, conds, atom, k)
        for guard in guards:
            for (conds, atom), k in left.items():
                _add(nf, conds | guard, atom, k)
    nf = _normal_forms[lvl] = _prune(nf)
    return nf


def leq(a, b):
    """Is a ≤ b for every value of the parameters (and metavariables)?"""
    if a is b or a is ZERO:
        return True
    right = _normal_form(b)
    return all(_below(sub, k, right) for sub, k in _normal_form(a).items())


def eq(a, b):
    """Are a and b equal for every value of the parameters (and metavariables)?"""
    return a is b or _normal_form(a) == _normal_form(b)


def is_zero(lvl):
    """Is lvl 0 for every value of its parameters?"""
    return lvl is ZERO or not _normal_form(lvl)


def is_never_zero(lvl):
    """Is lvl positive for every value of its parameters?"""
    return any(not conds for conds, _ in _normal_form(lvl))


# --- traversal ------------------------------------------------------------------------------------

def rebuild(lvl, f):
    """A successor or maximum lvl with each child c replaced by f(c), simplified where obvious."""
    if lvl.kind == "succ":
        return succ(f(lvl.a))
    a, b = f(lvl.a), f(lvl.b)
    if a is lvl.a and b is lvl.b:
        return lvl
    return max_(a, b) if lvl.kind == "max" else imax(a, b)


def instantiate(lvl, subst):
    """Replace parameters by `subst` (dict: parameter name -> level)."""
    if not lvl.has_param:
        return lvl
    if lvl.kind == "param":
        return subst.get(lvl.a, lvl)
    return rebuild(lvl, lambda u: instantiate(u, subst))


def params_of(lvl, into):
    """Add the names of lvl's parameters to the list `into`, in order of appearance."""
    if lvl.kind == "param" and lvl.a not in into:
        into.append(lvl.a)
    for child in (lvl.a, lvl.b):
        if isinstance(child, Level) and child.has_param:
            params_of(child, into)
    return into
