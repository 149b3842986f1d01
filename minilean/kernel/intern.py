"""Interning: one object per structure, so that `is` compares; the table frees what is unused."""

import sys

SWEEP_EVERY = 80_000  # new terms and levels

TABLE = {}
_sweep_at = SWEEP_EVERY


def intern(key, node):
    """The object known by `key`: `node`, unless there is one."""
    if len(TABLE) >= _sweep_at:
        sweep()
    return TABLE.setdefault(key, node)


def sweep():
    """Forget what nobody refers to any more; called automatically as the table grows.

    Children are older than parents: one pass from the youngest entry down collects everything dead.
    """
    global _sweep_at
    keys = list(TABLE)
    while keys:
        key = keys.pop()
        node = TABLE[key]
        if sys.getrefcount(node) == 3:  # the table, `node`, and the argument of getrefcount
            node = None
            del TABLE[key]
    _sweep_at = len(TABLE) + max(SWEEP_EVERY, len(TABLE) // 2)
