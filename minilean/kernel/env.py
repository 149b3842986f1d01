"""Declarations and the environment; `Environment.add` checks what it adds and is the only way in.

An environment is immutable; `add` returns a bigger one and is cheap, so one environment can have
many children (forks). Compare `Lean.Environment` and `Lean.Declaration`.
"""

from dataclasses import dataclass, field

from minilean.kernel.errors import KernelError
from minilean.kernel.term import Expr

ABBREV = 1 << 30  # height of a definition that is always unfolded first
DEFAULT_STEPS = 1_000_000  # kernel steps (reductions, inferences, comparisons) for one declaration
_MAX_OVERLAY = 200


@dataclass(frozen=True)
class Declaration:
    """What every declaration has; subclasses are frozen dataclasses, too.

    `height` orders unfolding: the higher one first, -1 never.
    """
    height = -1
    name: str
    level_params: tuple
    type: Expr

    def __init_subclass__(cls):
        dataclass(frozen=True)(cls)


class AxiomDecl(Declaration):
    """A constant without a value."""


class DefDecl(Declaration):
    """`height` is ABBREV, or set by `add`: 1 + the largest height (not ABBREV) in `value`."""
    value: Expr
    height: int = 0


class TheoremDecl(Declaration):
    """A proof; its type is a proposition."""
    height = 0
    value: Expr


class OpaqueDecl(Declaration):
    """A definition that never unfolds."""
    value: Expr


@dataclass(frozen=True, slots=True)
class InductiveSpec:
    """What the user gives: `type` and the constructor types start with the parameters.

    `ctors` is a tuple of (full constructor name, type). `add` turns it into an InductiveDecl, its
    ConstructorDecls and a RecursorDecl named `<name>.rec`.
    """
    name: str
    level_params: tuple
    num_params: int
    type: Expr
    ctors: tuple


@dataclass(frozen=True, slots=True)
class QuotSpec:
    """Asks for Quot, Quot.mk, Quot.lift and Quot.ind (needs Eq)."""


class InductiveDecl(Declaration):
    """`ctors`: constructor names. `is_rec`: a field is recursive. `is_prop`: lives in Prop.

    `elim_level`: name of the recursor's own level parameter, None if it eliminates into Prop only.
    """

    num_params: int
    num_indices: int
    ctors: tuple
    is_rec: bool
    is_prop: bool
    elim_level: str | None


class ConstructorDecl(Declaration):
    """Constructor number `index` (0-based) of the inductive type `induct`."""
    induct: str
    index: int
    num_params: int
    num_fields: int


class RecursorDecl(Declaration):
    """Arguments in order: parameters, motive, minors (together `num_fixed`), indices, major.

    `rules`: for each constructor a term that takes the fixed arguments, then the fields.
    `k`: K-like reduction.
    """

    induct: str
    num_params: int
    num_fixed: int
    num_indices: int
    rules: tuple
    k: bool

    @property
    def major_index(self):
        """Position of the major premise among the arguments."""
        return self.num_fixed + self.num_indices


class QuotDecl(Declaration):
    """One of Quot, Quot.mk, Quot.lift, Quot.ind."""


@dataclass(slots=True, eq=False)
class Environment:
    """Names to declarations. `get` returns None, `lookup` raises, for an unknown name."""

    _base: dict = field(default_factory=dict)
    _overlay: dict = field(default_factory=dict)
    facts: set = field(default_factory=set)  # what checkers found out about declarations here
    _checker: object = None

    def __reduce__(self):
        return Environment, (self._base, self._overlay, self.facts)

    def get(self, name):
        decl = self._overlay.get(name)
        return self._base.get(name) if decl is None else decl

    def lookup(self, name):
        decl = self.get(name)
        if decl is None:
            raise KernelError("unknown_constant", f"unknown constant '{name}'")
        return decl

    def __contains__(self, name):
        return name in self._overlay or name in self._base

    def decls(self):
        """All declarations, oldest first."""
        return [*self._base.values(), *self._overlay.values()]

    def add(self, decl, max_steps=DEFAULT_STEPS):
        """The environment with `decl` added, once it type-checks. Raises KernelError.

        `decl`: AxiomDecl, DefDecl, TheoremDecl, OpaqueDecl, InductiveSpec or QuotSpec.
        """
        checker = self.checker()
        return self._with(checker.guarded(max_steps, checker.check_decl, decl))

    def checker(self):
        """The type checker of this environment (its caches serve this environment only)."""
        if self._checker is None:
            from minilean.kernel.typecheck import TypeChecker
            self._checker = TypeChecker(self)
        return self._checker

    def _with(self, decls):
        """The environment with `decls` added unchecked: for `add`, and while a group is checked."""
        base, overlay = self._base, dict(self._overlay)
        for decl in decls:
            overlay[decl.name] = decl
        if len(overlay) > _MAX_OVERLAY:
            base, overlay = {**base, **overlay}, {}
        return Environment(base, overlay, set(self.facts))  # a child keeps all declarations
