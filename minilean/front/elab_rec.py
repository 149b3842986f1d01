"""Structural recursion."""
from minilean.front import syntax as sx
from minilean.front.errors import Declined


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


def compile_recursion(run, elab):
    raise Declined("recursive definition", run.cmd)
