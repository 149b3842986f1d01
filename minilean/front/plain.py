"""Universe levels as Lean writes them, and the messages of kernel errors.

Terms are written by pp.py, for which those of a kernel error may be too strange: they are left out.
No verdict rests on a text.
"""

from minilean.kernel import level as lv


def explain(err):
    """The message of a KernelError."""
    return "".join([part if type(part) is str else "…" for part in err.parts])


def show_level(lvl, nested=False):
    """Lean's notation for lvl, in parentheses if `nested` and not a single word."""
    base, k = lv.to_offset(lvl)
    if base is lv.ZERO:
        return str(k)
    text = str(base.a) if base.kind == "param" else f"?{base.a}"
    if base.kind in ("max", "imax"):
        text = f"{base.kind} {show_level(base.a, True)} {show_level(base.b, True)}"
        text = f"({text})" if k else text
    text = f"{text}+{k}" if k else text
    return f"({text})" if nested and (k or " " in text) else text
