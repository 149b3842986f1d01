"""Saving data that contains terms, for the library cache: `dumps` and `loads`.

Works on anything that pickles otherwise (environments, the front's tables). Terms and levels are
written as one flat list, children first, so that depth and sharing do no harm. Loading does not
check again: load only what this program wrote, from a place that only its user can write to.
"""

import io
import pickle

from minilean.kernel import level as lv
from minilean.kernel.term import (
    App,
    BVar,
    Const,
    Expr,
    FVar,
    Lam,
    Let,
    Lit,
    MVar,
    Pi,
    Proj,
    Sort,
    children,
)

_KINDS = {Lam: "lam", Pi: "pi", BVar: "bvar", FVar: "fvar", MVar: "mvar", Sort: "sort",
          Const: "const", App: "app", Let: "let", Lit: "lit", Proj: "proj"}


def dumps(value):
    """Bytes from which `loads` rebuilds value."""
    out = io.BytesIO()
    writer = _Writer(out)
    writer.dump(value)
    return pickle.dumps((writer.nodes, out.getvalue()), protocol=5)


def loads(data):
    """The value that `dumps` wrote."""
    nodes, payload = pickle.loads(data)
    return _Reader(io.BytesIO(payload), _build(nodes)).load()


class _Writer(pickle.Pickler):
    def __init__(self, out):
        super().__init__(out, protocol=5)
        self.nodes, self.index = [], {}

    def persistent_id(self, value):
        return self.place(value) if isinstance(value, (Expr, lv.Level)) else None

    def place(self, root):
        """Index of root in `nodes`, after adding what is missing, children first."""
        stack = [root]
        while stack:
            value = stack[-1]
            if value in self.index:
                stack.pop()
                continue
            missing = [part for part in _parts(value) if part not in self.index]
            if missing:
                stack.extend(missing)
            else:
                self.index[stack.pop()] = len(self.nodes)
                self.nodes.append(self.encode(value))
        return self.index[root]

    def encode(self, e):
        if type(e) is lv.Level:
            a, b = (self.index[x] if type(x) is lv.Level else x for x in (e.a, e.b))
            return "level", e.kind, a, b
        kind = _KINDS[type(e)]
        kids = [self.index[c] for c in children(e)]
        if kind in ("lam", "pi"):
            return kind, e.name, *kids, e.info
        if kind == "let":
            return kind, e.name, *kids
        if kind == "const":
            return kind, e.name, tuple([self.index[u] for u in e.levels])
        if kind == "sort":
            return kind, self.index[e.level]
        if kind == "proj":
            return kind, e.struct, e.idx, *kids
        return (kind, *kids) if kind == "app" else (kind, _leaf_value(e))


def _parts(value):
    if type(value) is lv.Level:
        return [x for x in (value.a, value.b) if type(x) is lv.Level]
    if type(value) is Const:
        return value.levels
    return (value.level,) if type(value) is Sort else children(value)


def _leaf_value(e):
    if type(e) is BVar:
        return e.idx
    return e.value if type(e) is Lit else e.id


def _build(nodes):
    """The terms and levels of a flat list."""
    built = []
    add = built.append
    leaves = {"bvar": BVar, "fvar": FVar, "mvar": MVar, "lit": Lit}
    for node in nodes:
        kind = node[0]
        if kind == "app":
            add(App(built[node[1]], built[node[2]]))
        elif kind in ("lam", "pi"):
            make = Lam if kind == "lam" else Pi
            add(make(node[1], built[node[2]], built[node[3]], node[4]))
        elif kind == "const":
            add(Const(node[1], tuple([built[i] for i in node[2]])))
        elif kind == "sort":
            add(Sort(built[node[1]]))
        elif kind == "level":
            add(_level(node, built))
        elif kind == "let":
            add(Let(node[1], *[built[i] for i in node[2:]]))
        elif kind == "proj":
            add(Proj(node[1], node[2], built[node[3]]))
        else:
            add(leaves[kind](node[1]))
    return built


def _level(node, built):
    _, kind, a, b = node
    if kind in ("succ", "max", "imax"):
        a = built[a]
    return lv.make(kind, a, b if b is None else built[b])


class _Reader(pickle.Unpickler):
    def __init__(self, source, built):
        super().__init__(source)
        self.built = built

    def persistent_load(self, pid):
        return self.built[pid]
