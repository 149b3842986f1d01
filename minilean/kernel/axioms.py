"""Which axioms a declaration rests on (`#print axioms`)."""

from functools import lru_cache

from minilean.kernel.env import AxiomDecl
from minilean.kernel.term import const_names

STANDARD = ("propext", "Classical.choice", "Quot.sound")


@lru_cache(10_000)
def mentioned(decl):
    """Names that a declaration depends on directly."""
    names = [*const_names(decl.type), *getattr(decl, "ctors", ())]
    if hasattr(decl, "value"):
        names += const_names(decl.value)
    if hasattr(decl, "induct"):
        names.append(decl.induct)
    return tuple(names)


def needed_by(env, names):
    """The names that the declarations `names` rest on, through types and values, with themselves.

    Raises KernelError("unknown_constant").
    """
    found, stack = set(names), list(names)
    while stack:
        new = set(mentioned(env.lookup(stack.pop()))) - found
        found |= new
        stack += new
    return found


def collect_axioms(env, name):
    """Sorted names of all axioms that the declaration `name` rests on."""
    return sorted([n for n in needed_by(env, [name]) if type(env.lookup(n)) is AxiomDecl])
