"""Equality of kernel terms up to the names and infos of their binders."""
from minilean.kernel import term as tm


def alpha_eq(a, b):
    """Are a and b equal up to binder names and infos?"""
    return erase_names(a) is erase_names(b)


def erase_names(e):
    """e with all binder names and infos made equal: alpha-equal terms become identical."""
    cache = {}

    def go(e, _depth=0):
        new = cache.get(e)
        if new is None:
            new = tm.rebuild(e, go, 0)
            if type(new) is tm.Lam or type(new) is tm.Pi:
                new = type(new)("", new.type, new.body)
            elif type(new) is tm.Let:
                new = tm.Let("", new.type, new.value, new.body)
            cache[e] = new
        return new
    return go(e)
