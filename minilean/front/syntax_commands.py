"""Syntax tree of commands.

See `syntax.py`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minilean.front.syntax_terms import Binder, Node, Term


@dataclass(slots=True, eq=False)
class Command(Node):
    """Base of all commands."""


@dataclass(slots=True, eq=False)
class Attr(Node):
    """`simp`, `reducible`, `instance 100`, `local simp`, `-simp`; args are the raw tokens after
    it.
    """

    name: str
    args: list[str] = field(default_factory=list)
    kind: str = "global"
    erase: bool = False


@dataclass(slots=True, eq=False)
class Modifiers(Node):
    """Everything before the keyword: doc comment, attributes, `private protected
    noncomputable…`.
    """

    doc: str | None = None
    attrs: list[Attr] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Decl(Command):
    """`theorem lemma def abbrev example instance axiom opaque`.

    kind: the keyword. name: None for `example` and anonymous instances; `name_pos` its span.
    body: Term for `:= t`; list[MatchAlt] for equations; StructInst for `where` fields; None
    (axiom). `where_decls`: local declarations after `where`; `termination`: source text of a
    `termination_by`/`decreasing_by` clause or None. priority: of an instance.
    """

    modifiers: Modifiers
    kind: str
    name: str | None
    name_pos: tuple[int, int]
    levels: list[str] | None
    binders: list[Binder]
    type: Term | None
    body: Any
    where_decls: list[Any] = field(default_factory=list)
    termination: str | None = None
    priority: int | None = None


@dataclass(slots=True, eq=False)
class Ctor(Node):
    """`| name binders : type` of an inductive (type None when absent)."""

    name: str
    binders: list[Binder]
    type: Term | None
    modifiers: Modifiers | None = None


@dataclass(slots=True, eq=False)
class Inductive(Command):
    """`inductive name binders : type where ctors deriving …`; is_class for `class inductive`."""

    modifiers: Modifiers
    name: str
    name_pos: tuple[int, int]
    levels: list[str] | None
    binders: list[Binder]
    type: Term | None
    ctors: list[Ctor]
    deriving: list[str] = field(default_factory=list)
    is_class: bool = False


@dataclass(slots=True, eq=False)
class Structure(Command):
    """`structure name binders extends P : type where ctor :: fields deriving …`.

    fields: Binders, with `default` when written; info as written.
    """

    modifiers: Modifiers
    name: str
    name_pos: tuple[int, int]
    levels: list[str] | None
    binders: list[Binder]
    extends: list[Term]
    type: Term | None
    ctor: str | None
    fields: list[Binder]
    deriving: list[str] = field(default_factory=list)
    is_class: bool = False


@dataclass(slots=True, eq=False)
class Variable(Command):
    binders: list[Binder]


@dataclass(slots=True, eq=False)
class Universe(Command):
    names: list[str]


@dataclass(slots=True, eq=False)
class Open(Command):
    """`open A B`, `open A (x y)` (only), `open A hiding x`, `open A renaming x → y`, `open scoped
    A`; `inner` is the command after `open … in`."""

    names: list[str]
    only: list[str] | None = None
    hiding: list[str] = field(default_factory=list)
    renaming: list[tuple[str, str]] = field(default_factory=list)
    scoped: bool = False
    inner: Command | None = None


@dataclass(slots=True, eq=False)
class Export(Command):
    """`export A (x y)`"""

    namespace: str
    names: list[str]


@dataclass(slots=True, eq=False)
class Namespace(Command):
    name: str


@dataclass(slots=True, eq=False)
class Section(Command):
    name: str | None


@dataclass(slots=True, eq=False)
class End(Command):
    name: str | None


@dataclass(slots=True, eq=False)
class SetOption(Command):
    """`set_option name value [in cmd]`; value: bool | int | str."""

    name: str
    value: Any
    inner: Command | None = None


@dataclass(slots=True, eq=False)
class Import(Command):
    module: str


@dataclass(slots=True, eq=False)
class Check(Command):
    term: Term


@dataclass(slots=True, eq=False)
class Eval(Command):
    """`#eval t` and `#reduce t`; kind is the keyword without `#`."""

    kind: str
    term: Term


@dataclass(slots=True, eq=False)
class Print(Command):
    """`#print name`, `#print axioms name` (axioms true)."""

    name: str
    axioms: bool = False


@dataclass(slots=True, eq=False)
class Attribute(Command):
    """`attribute [simp, local simp] a b`"""

    attrs: list[Attr]
    names: list[str]


@dataclass(slots=True, eq=False)
class Mutual(Command):
    commands: list[Command]


@dataclass(slots=True, eq=False)
class Empty(Command):
    """Nothing: a lone doc comment at the end or the end of input."""


@dataclass(slots=True, eq=False)
class Include(Command):
    """`include x y` / `omit x y` (omit true)."""

    names: list[str]
    omit: bool = False


@dataclass(slots=True, eq=False)
class InitQuot(Command):
    """`init_quot`: declares the quotient constants."""
