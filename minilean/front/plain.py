"""Kernel terms, universe levels and kernel errors as plain text, for messages and debugging.

Terms are shown roughly and with de Bruijn indices; pp.py writes what people read. No verdict rests
on a text.
"""

import math

from minilean.kernel import level as lv
from minilean.kernel import term as tm

MAX_CHARS = 600  # a longer term is cut off


def explain(err):
    """The message of a KernelError."""
    return "".join([part if type(part) is str else show(part) for part in err.parts])


def show(x):
    """Plain text of a term or level, cut off after about MAX_CHARS."""
    return _text([x], MAX_CHARS)


def show_level(lvl, nested=False):
    """Lean's notation for lvl, in parentheses if `nested` and not a single word."""
    return _text(_atom(lvl) if nested else [lvl], math.inf)


def _text(todo, max_chars):
    """The text of strings, terms and levels; no recursion, they may be deeper than the stack."""
    parts, stack, size = [], todo[::-1], 0
    while stack and size < max_chars:
        x = stack.pop()
        if type(x) is str:
            parts.append(x)
            size += len(x)
        else:
            stack.extend(reversed(_level_parts(x) if type(x) is lv.Level else _term_parts(x)))
    return "".join(parts) + (" …" if stack else "")


def _level_parts(lvl):
    base, k = lv.to_offset(lvl)
    if base is lv.ZERO:
        return [str(k)]
    if base.kind not in ("max", "imax"):
        return [str(base.a) if base.kind == "param" else f"?{base.a}", f"+{k}" if k else ""]
    parts = [base.kind, " ", *_atom(base.a), " ", *_atom(base.b)]
    return ["(", *parts, f")+{k}"] if k else parts


def _atom(lvl):
    base, k = lv.to_offset(lvl)
    many = base.kind in ("max", "imax") or k and base is not lv.ZERO
    return ["(", lvl, ")"] if many else [lvl]


def _term_parts(e):
    t = type(e)
    if t is tm.Sort:
        return ["Prop"] if e.level is lv.ZERO else ["Sort(", e.level, ")"]
    if t is tm.Const:
        return [e.name]
    if t is tm.BVar:
        return [f"#{e.idx}"]
    if t is tm.Lit:
        huge = type(e.value) is int and e.value >= 10**30
        return ["(large literal)" if huge else repr(e.value)]
    if t is tm.App:
        return [e.fn, " (", e.arg, ")"] if tm.children(e.arg) else [e.fn, " ", e.arg]
    return [t.__name__, *[part for child in tm.children(e) for part in (" (", child, ")")]]
