"""Syntax tree of commands.

See `syntax.py`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from typing import Any

from minilean.front.syntax_terms import Binder, Node, Term


class Command(Node):
    """Base of all commands."""


class Attr(Node):
    """`simp`, `reducible`, `instance 100`, `local simp`, `-simp`; args are the raw tokens after
    it.
    """

    name: str
    args: list[str]
    kind: str
    erase: bool


class Modifiers(Node):
    """Everything before the keyword: doc comment, attributes, `private protected
    noncomputable…`.
    """

    doc: str | None
    attrs: list[Attr]
    flags: list[str]


class Declaration(Command):
    """What every declaration begins with: `modifiers keyword name.{levels} binders : type`.

    name: None for `example` and anonymous instances; `name_pos` its span.
    """

    modifiers: Modifiers
    name: str | None
    name_pos: tuple[int, int]
    levels: list[str] | None
    binders: list[Binder]
    type: Term | None


class Decl(Declaration):
    """`theorem lemma def abbrev example instance axiom opaque` (kind: the keyword).

    body: Term for `:= t`; list[MatchAlt] for equations; StructInst for `where` fields; None
    (axiom). priority: of an instance.
    """

    kind: str
    body: Any
    priority: int | None


class Ctor(Node):
    """`| name binders : type` of an inductive (type None when absent)."""

    name: str
    binders: list[Binder]
    type: Term | None
    modifiers: Modifiers


class Inductive(Declaration):
    """`inductive name binders : type where ctors deriving …`; is_class for `class inductive`."""

    ctors: list[Ctor]
    deriving: list[str]
    is_class: bool


class Structure(Declaration):
    """`structure name binders extends P : type where ctor :: fields deriving …`.

    fields: Binders, with `default` when written; info as written.
    """

    extends: list[Term]
    ctor: str | None
    fields: list[Binder]
    deriving: list[str]
    is_class: bool


class Variable(Command):
    binders: list[Binder]


class Universe(Command):
    names: list[str]


class Open(Command):
    """`open A B`, `open A (x y)` (only), `open A hiding x`, `open scoped A`; `inner` is the command
    after `open … in`."""

    names: list[str]
    only: list[str] | None
    hiding: list[str]
    scoped: bool
    inner: Command | None


class Export(Command):
    """`export A (x y)`"""

    namespace: str
    names: list[str]


class Namespace(Command):
    name: str


class Section(Command):
    name: str | None


class End(Command):
    name: str | None


class SetOption(Command):
    """`set_option name value [in cmd]`; value: bool | int | str."""

    name: str
    value: Any
    inner: Command | None


class Import(Command):
    module: str


class Check(Command):
    term: Term


class Eval(Command):
    """`#eval t` and `#reduce t`; kind is the keyword without `#`."""

    kind: str
    term: Term


class Print(Command):
    """`#print name`, `#print axioms name` (axioms true)."""

    name: str
    axioms: bool


class Attribute(Command):
    """`attribute [simp, local simp] a b`"""

    attrs: list[Attr]
    names: list[str]


class Mutual(Command):
    commands: list[Command]


class Include(Command):
    """`include x y`"""

    names: list[str]


class InitQuot(Command):
    """`init_quot`: declares the quotient constants."""
