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


def collect_axioms(env, name):
    """Sorted names of all axioms that the declaration `name` depends on, through types and values.

    Raises KernelError("unknown_constant").
    """
    seen, stack, axioms = {name}, [name], []
    while stack:
        decl = env.lookup(stack.pop())
        if type(decl) is AxiomDecl:
            axioms.append(decl.name)
        for used in mentioned(decl):
            if used not in seen:
                seen.add(used)
                stack.append(used)
    return sorted(axioms)
