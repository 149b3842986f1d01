"""Interning: one object per structure, so that `is` compares; a table frees what is unused."""

import sys


def sweep_table(table):
    """Drop the entries that nothing but `table` refers to.

    Children are older than parents: one pass from the youngest entry down collects everything dead.
    """
    keys = list(table)
    while keys:
        key = keys.pop()
        value = table[key]
        if sys.getrefcount(value) == 3:  # the table, `value`, and the argument of getrefcount
            value = None
            del table[key]
