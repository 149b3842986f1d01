"""Universe levels: 0, successor, max, imax, parameters (and metavariables, for the front only).

Levels are interned: structurally equal levels are the same object, so `is` compares them.
`leq` and `eq` are exact: cases are distinguished until every imax is known to be 0 or a max, then
two maxima of x + k are compared. As `Level.leq` of lean4lean and nanoda; compare `Level.isEquiv`
and `Level.geq` of Lean 4, which are not complete.
"""

from minilean.kernel.errors import KernelError
from minilean.kernel.intern import TABLE, intern

MAX_CASES = 12  # more nested case distinctions end in KernelError("budget")


class Level:
    """kind: "zero" | "succ" | "max" | "imax" | "param" | "mvar"; `a`, `b` are the children
    (`a` is the name of a param or the id of an mvar)."""

    __slots__ = ("a", "b", "has_mvar", "has_param", "kind")

    def __reduce__(self):
        return make, (self.kind, self.a, self.b)


def make(kind, a=None, b=None):
    """The level written exactly so."""
    key = (kind, a, b)
    lvl = TABLE.get(key)
    if lvl is None:
        lvl = Level()
        lvl.kind, lvl.a, lvl.b = key
        children = [c for c in (a, b) if isinstance(c, Level)]
        lvl.has_param = kind == "param" or any([c.has_param for c in children])
        lvl.has_mvar = kind == "mvar" or any([c.has_mvar for c in children])
        lvl = intern(key, lvl)
    return lvl


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


# --- comparison -----------------------------------------------------------------------------------

def is_zero(lvl):
    """Is lvl 0 for every value of its parameters?"""
    if lvl.kind == "max":
        return is_zero(lvl.a) and is_zero(lvl.b)
    return is_zero(lvl.b) if lvl.kind == "imax" else lvl is ZERO


def is_never_zero(lvl):
    """Is lvl positive for every value of its parameters?"""
    return leq(ONE, lvl)


def leq(a, b):
    """Is a ≤ b for every value of the parameters (and metavariables)?"""
    return a is b or _by_cases(_below, a, b, {})


def eq(a, b):
    """Are a and b equal for every value of the parameters (and metavariables)?"""
    return a is b or _by_cases(dict.__eq__, a, b, {})


class _Depends(Exception):
    """Whether an imax is 0 depends on whether this parameter or metavariable is."""


def _by_cases(compare, a, b, case):
    """Does `compare` hold between the maxima of a and b wherever `case` does?

    `case`: for some of the parameters and metavariables, whether they are positive.
    """
    try:
        return compare(_maximum(a, case), _maximum(b, case))
    except _Depends as dependence:
        atom = dependence.args[0]
    if len(case) == MAX_CASES:
        raise KernelError("budget", "a universe level distinguishes too many cases")
    return all([_by_cases(compare, a, b, {**case, atom: positive}) for positive in (False, True)])


def _maximum(lvl, case):
    """{x: k, …, None: n}: where `case` holds, lvl is the maximum of all x + k and at least n.

    The x are parameters and metavariables without an upper bound, and n is reached. So there is
    one such dictionary for a function of them, and a ≤ b means that a's entries are ≤ b's.
    """
    memo = {}

    def go(lvl):
        found = memo.get(lvl)
        if found is None:
            found = memo[lvl] = compute(lvl)
        return found

    def compute(lvl):
        if lvl.kind == "zero" or case.get(lvl) is False:
            return {None: 0}
        if lvl.kind == "succ":
            return {x: k + 1 for x, k in go(lvl.a).items()}
        if lvl.kind in ("param", "mvar"):
            return {lvl: 0, None: 1 if lvl in case else 0}
        right = go(lvl.b)
        if lvl.kind == "imax" and not right[None]:
            if len(right) > 1:
                raise _Depends(next(x for x in right if x is not None))
            return right
        left = go(lvl.a)
        return {x: max(left.get(x, 0), right.get(x, 0)) for x in {**left, **right}}
    return go(lvl)


def _below(left, right):
    return all([k <= right.get(x, -1) for x, k in left.items()])
