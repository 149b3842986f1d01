"""Questions about kernel terms that only the front asks; no kernel check rests on an answer."""

from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import App, Const, Sort


def get_app_num_args(e):
    """How many arguments the head of e is applied to."""
    n = 0
    while type(e) is App:
        e, n = e.fn, n + 1
    return n


def is_app_of(e, name, n_args):
    """Is e the constant `name` applied to exactly n_args arguments?"""
    while type(e) is App:
        e, n_args = e.fn, n_args - 1
    return n_args == 0 and type(e) is Const and e.name == name


def has_loose_bvar(e, i):
    """Does BVar i occur loose in e?"""
    if e.loose <= i + 1:
        return e.loose == i + 1
    return tm.lift(e, 1, i) is not tm.lift(e, 1, i + 1)


def calls_on_bound(name, e):
    """Does e apply the constant `name` to something that mentions a variable bound in e?"""
    for s in tm.subterms(e):
        f = tm.get_app_fn(s)
        if type(s) is App and s.arg.loose and type(f) is Const and f.name == name:
            return True
    return False


def occurs(s, e):
    """Is s a subterm of e?"""
    return s is e or s in tm.subterms(e)


def numeral_level(n, base=lv.ZERO):
    """The universe level base + n."""
    for _ in range(n):
        base = lv.succ(base)
    return base


def level_mvars(u):
    """Ids of the metavariables in a level, in order."""
    if u.kind == "mvar":
        return [u.a]
    parts = (u.a, u.b) if u.has_mvar else ()
    return [i for part in parts if part is not None for i in level_mvars(part)]


def level_mvars_in(*terms):
    """Ids of the level metavariables in the terms, in order of appearance."""
    found = {}
    for e in terms:
        for s in tm.subterms(e) if e.flags & tm.LMVAR else ():
            for u in s.levels if type(s) is Const else (s.level,) if type(s) is Sort else ():
                found.update(dict.fromkeys(level_mvars(u)))
    return list(found)


def locals_used(meta, terms, decls):
    """Ids of the locals that the terms mention, or that those among `decls` (in order) depend on.
    """
    used = set().union(*[meta.fvar_ids(e) for e in terms])
    for d in reversed(decls):
        if d.id in used:
            used.update(meta.fvar_ids(d.type))
    return used


def by_dependency(meta, fvars):
    """The variables, each after those that its type mentions, otherwise in the given order."""
    out, rest = [], {x.id: x for x in fvars}
    while rest:
        i = next(i for i in rest if not meta.mentions(meta.fvars[i].type, rest))
        out.append(rest.pop(i))
    return out
