"""Commands of the Lean 4 subset, and the entry points of the parser.

`Parser.command` reads one command after another, so that a file is elaborated up to its first
error; after a `ParseError` the caller continues at `Parser.skip_to_command`. Grammar:
`Lean/Parser/Command.lean`. Commands that Lean knows and minilean lacks raise `Declined`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, Token, string_value
from .parse_binders import BRACKETS
from .parse_tactic import TacticParser
from .parse_tokens import after, sequence

__all__ = ["ParseError", "Parser", "parse_tactics", "parse_term"]

_DECL = frozenset(("theorem", "lemma", "def", "abbrev", "example", "instance", "axiom", "opaque"))
_FLAGS = frozenset(("private", "protected", "noncomputable", "nonrec"))
_DECLINED = frozenset(
    """macro syntax notation infixl infixr infix prefix postfix elab macro_rules elab_rules
    declare_syntax_cat initialize builtin_initialize run_cmd run_elab run_meta register_simp_attr
    declare_simp_like_tactic simproc dsimproc add_decl_doc deriving local scoped binder_predicate
    alias irreducible_def grind_pattern recall assert_not_exists library_note suppress_compilation
    unif_hint builtin_simproc register_option proof_wanted unseal seal compile_inductive omit #exit
    #synth #guard #check_failure #eval! #guard_msgs #help unsafe partial""".split()
)
_START = _DECL | _FLAGS | frozenset(
    """inductive structure class variable universe open export namespace section end set_option
    import attribute mutual include omit""".split()
)


class Parser(TacticParser):
    """Commands of one source, in order."""

    def command(self) -> S.Command | None:
        """The next command, or None at the end of the text. Raises ParseError, Declined."""
        self.col = -1
        start = self.tok
        if start.kind == "eof":
            return None
        command = self.command_after(start, self.modifiers())
        command.end = self.end()
        return command

    def command_after(self, start: Token, modifiers: S.Modifiers) -> S.Command:
        """The command that these modifiers belong to."""
        if self.tok.kind == "eof" and modifiers.doc is not None and not modifiers.attrs:
            self.fail("'lemma'")
        if self.at(*_DECL):
            return self.declaration(start, modifiers)
        if self.at("inductive") or self.at("class") and self.ahead().text == "inductive":
            return self.inductive(start, modifiers)
        if self.at("structure", "class"):
            return self.structure(start, modifiers)
        name = f"#{self.tok.text}" if self.accept("#") else self.tok.text
        if self.tok.kind in ("kw", "id"):
            if name in _COMMANDS and not modifiers.attrs and not modifiers.flags:
                self.i += 1
                make, read = _COMMANDS[name]
                return self.node(make, start, *read(self))
            if name in _DECLINED:
                self.decline(f"command {name}", start)
        self.fail("command" if not modifiers.attrs else "declaration")

    def skip_to_command(self) -> None:
        """After an error: moves to the next token that can begin a command, at least one
        further.
        """
        self.i = min(self.i + 1, len(self.tokens) - 1)
        while self.tok.kind not in ("eof", "doc") and not self.at("#", "@[", *_START):
            if self.at(*_DECLINED) and self.tok.col == 0:
                return
            self.i += 1

    # -- modifiers ------------------------------------------------------------------------------

    def modifiers(self) -> S.Modifiers:
        start, doc, attrs, flags = self.tok, None, [], []
        while True:
            if self.tok.kind == "doc":
                doc = self.take().text.strip()
            elif self.accept("@["):
                attrs += self.attributes()
            elif self.at(*_FLAGS):
                flags.append(self.take().text)
            else:
                return self.node(S.Modifiers, start, doc, attrs, flags)

    def attributes(self) -> list[S.Attr]:
        """`simp, local instance 100]`, from after the opening bracket."""
        attrs = self.comma_separated(self.attribute)
        self.expect("]")
        return attrs

    def attribute(self) -> S.Attr:
        start, scope = self.tok, "global"
        if start.text in ("local", "scoped"):
            scope = self.take().text
        erase = self.accept("-")
        if self.tok.kind not in ("id", "kw"):
            self.fail("attribute")
        name, args = self.take().text, []
        while self.tok.text not in (",", "]") and self.tok.kind not in ("eof", "error"):
            args.append(self.take().text)
        return self.node(S.Attr, start, name, args, scope, erase)

    # -- declarations ---------------------------------------------------------------------------

    def declaration(self, start: Token, modifiers: S.Modifiers) -> S.Decl:
        keyword = self.take().text
        priority = self.instance_priority() if keyword == "instance" else None
        decl = self.node(S.Decl, start, modifiers, *self.declared_name(keyword), self.binders(),
                         self.optional_type(), keyword, None, priority)
        if keyword != "axiom":
            decl.body = self.decl_body(keyword, start.col)
        return decl

    def instance_priority(self) -> int | None:
        """n of `(priority := n)`"""
        if not (self.at("(") and self.ahead().text == "priority"):
            return None
        self.i += 3
        if self.tok.kind != "num":
            raise Declined("symbolic instance priority")
        value = self.numeral()
        self.expect(")")
        return value

    def declared_name(self, keyword: str) -> tuple:
        """(name or None, span, universe parameters)"""
        tok = self.tok
        if tok.kind == "id" and keyword != "example":
            self.i += 1
            return tok.text, (tok.pos, tok.end), self.universe_params()
        if keyword not in ("instance", "example"):
            self.fail("identifier")
        before = self.tokens[self.i - 1]
        return None, (before.pos, before.end), None

    def universe_params(self) -> list[str] | None:
        if not self.accept(".{"):
            return None
        names = [self.ident()]
        while self.accept(",") or self.tok.kind == "id":
            names.append(self.ident())
        self.expect("}")
        return names

    def decl_body(self, keyword: str, column: int) -> Any:
        """`:= t`, `| equations`, `where fields`, and what may follow them; the declaration begins
        at `column`."""
        body = None
        if self.accept(":="):
            body = self.decl_value(column)
        elif self.at("|"):
            body = self.match_alts()
        elif self.at("where"):
            body = self.where_struct()
        elif keyword == "opaque":
            return None
        else:
            self.fail("':=', 'where' or '|'")
        if self.at("where"):
            self.decline("where declarations")
        if self.at("termination_by", "decreasing_by"):
            self.decline("termination hints")
        return body

    def decl_value(self, column: int) -> S.Term:
        """The term after `:=`; a `by` block there must be indented more than the declaration."""
        by, first = self.tok, self.ahead()
        if self.at("by") and (first.kind == "eof" or first.col <= column and first.text != "{"):
            self.i += 1
            return S.By(by.pos, by.end, S.TacSeq(by.end, by.end, []))
        return self.term()

    def where_struct(self) -> S.StructInst:
        """`where x := a …`: the fields of a structure."""
        start, fields = self.take(), []
        if self.tok.col > 0:
            with self.position():
                while self.tok.kind == "id" and (
                        self.tok.col == self.col or self.tokens[self.i - 1].text in (";", ",")):
                    fields.append(self.where_field())
                    self.accept(";", ",")
        return self.node(S.StructInst, start, [], fields)

    def where_field(self) -> tuple[str, S.Term]:
        start, name = self.tok, self.ident()
        binders, kind = self.binders(), self.optional_type()
        if self.at("|"):
            value: S.Term = self.node(S.FunMatch, start, self.match_alts())
        else:
            self.expect(":=")
            value = self.term()
        if kind is not None:
            value = self.node(S.Ascription, start, value, kind)
        return name, self.under(start, S.Lambda, binders, value)

    def under(self, start: Token, make: type, binders: list[S.Binder], body: S.Term) -> S.Term:
        """The body as a function or a `∀` of the binders, if there are any."""
        return self.node(make, start, binders, body) if binders else body

    def deriving(self) -> list[str]:
        return self.comma_separated(self.ident) if self.accept("deriving") else []

    def inductive(self, start: Token, modifiers: S.Modifiers) -> S.Inductive:
        is_class = self.accept("class")
        self.i += 1
        header = (*self.declared_name("inductive"), self.binders(), self.optional_type())
        self.accept("where", ":=")
        ctors = []
        while self.at("|") or self.tok.kind == "doc" and self.ahead().text == "|":
            if self.take().kind == "doc":
                self.i += 1
            ctors.append(self.constructor())
        return self.node(S.Inductive, start, modifiers, *header, ctors, self.deriving(), is_class)

    def constructor(self) -> S.Ctor:
        start, modifiers = self.tok, self.modifiers()
        return self.node(S.Ctor, start, self.ident(), self.binders(), self.optional_type(),
                         modifiers)

    def structure(self, start: Token, modifiers: S.Modifiers) -> S.Structure:
        is_class = self.take().text == "class"
        name, binders = self.declared_name("structure"), self.binders()
        kind, extends, ctor, fields = self.optional_type(), [], None, []
        if self.accept("extends"):
            extends = self.comma_separated(self.term)
            kind = self.optional_type() or kind
        if self.accept("where", ":="):
            if self.tok.kind == "id" and self.ahead().text == "::":
                ctor = self.take().text
                self.i += 1
            fields = self.structure_fields()
        return self.node(S.Structure, start, modifiers, *name, binders, kind, extends, ctor, fields,
                         self.deriving(), is_class)

    def structure_fields(self) -> list[S.Binder]:
        fields = []
        with self.position():
            while True:
                mark = self.i
                while self.tok.kind == "doc":
                    self.i += 1
                if self.tok.col and self.at(*BRACKETS):
                    fields.append(self.bracketed_binder())
                elif self.tok.col and self.tok.kind == "id":
                    fields.append(self.structure_field())
                else:
                    self.i = mark
                    return fields

    def structure_field(self) -> S.Binder:
        start, names = self.tok, [self.ident()]
        while self.tok.kind == "id" and not self.tok.first:
            names.append(self.ident())
        binders, kind, default = self.binders(), self.optional_type(), None
        if kind is not None:
            kind = self.under(start, S.Forall, binders, kind)
        if self.accept(":="):
            default = self.under(start, S.Lambda, binders, self.term())
        return self.node(S.Binder, start, names, kind, "default", None, default)

    # -- other commands -------------------------------------------------------------------------

    def some_binders(self) -> list[S.Binder]:
        return self.binders() or self.fail("binder")

    def some_idents(self) -> list[str]:
        names = [self.ident()]
        while self.tok.kind == "id":
            names.append(self.ident())
        return names

    def idents_in_parentheses(self) -> list[str]:
        self.expect("(")
        names = []
        while not self.accept(")"):
            names.append(self.ident())
        return names

    def optional_name(self) -> str | None:
        return self.ident() if self.tok.kind == "id" and not self.tok.first else None

    def open_args(self) -> tuple:
        """The fields of `S.Open`."""
        scoped = self.accept("scoped")
        names = [self.ident()]
        while self.tok.kind == "id" and (self.tok.col > 0 or not self.tok.first):
            names.append(self.ident())
        only, hiding = None, []
        if self.at("("):
            only = self.idents_in_parentheses()
        elif self.accept("hiding"):
            hiding = self.some_idents()
        elif self.at("renaming"):
            self.decline("open … renaming")
        return names, only, hiding, scoped, _inner(self)

    def option_value(self) -> Any:
        tok = self.tok
        if self.accept("true", "false"):
            return tok.text == "true"
        if tok.kind == "num":
            return self.numeral()
        if tok.kind != "str":
            self.fail("'true', 'false', numeral or string literal")
        return string_value(self.take().text)

    def attribute_args(self) -> tuple:
        self.expect("[")
        attrs, names = self.attributes(), self.some_idents()
        if self.accept("in"):
            raise Declined("attribute … in")
        return attrs, names

    def commands_to_end(self) -> list[S.Command]:
        commands = []
        while not self.accept("end"):
            commands.append(self.command() or self.fail("'end'"))
        return commands

    def print_args(self) -> tuple[str, bool]:
        axioms = self.accept("axioms")
        return self.ident(), axioms


_P = Parser
_inner = after("in", _P.command)
# keyword -> (node, reader of its fields)
_COMMANDS: dict[str, tuple[type, Callable[[Parser], tuple]]] = {
    "variable": (S.Variable, sequence(_P.some_binders)),
    "universe": (S.Universe, sequence(_P.some_idents)),
    "open": (S.Open, _P.open_args),
    "export": (S.Export, sequence(_P.ident, _P.idents_in_parentheses)),
    "namespace": (S.Namespace, sequence(_P.ident)),
    "section": (S.Section, sequence(_P.optional_name)),
    "end": (S.End, sequence(_P.optional_name)),
    "set_option": (S.SetOption, sequence(_P.ident, _P.option_value, _inner)),
    "import": (S.Import, sequence(_P.ident)),
    "attribute": (S.Attribute, _P.attribute_args),
    "include": (S.Include, sequence(_P.some_idents)),
    "init_quot": (S.InitQuot, sequence()),
    "mutual": (S.Mutual, sequence(_P.commands_to_end)),
    "#print": (S.Print, _P.print_args),
    "#check": (S.Check, sequence(_P.term)),
    "#eval": (S.Eval, sequence(lambda p: "eval", _P.term)),
    "#reduce": (S.Eval, sequence(lambda p: "reduce", _P.term)),
}


def parse_term(text: str) -> S.Term:
    """The term that is the whole text."""
    return _whole(Parser(S.Source(text)), Parser.term)


def parse_tactics(text: str) -> tuple[S.TacSeq, S.Source]:
    """The tactic block that is the whole text (REPL tactic mode). Raises ParseError, Declined."""
    source = S.Source(text)
    return _whole(Parser(source), Parser.tactic_seq), source


def _whole(parser: Parser, read: Callable) -> Any:
    found = read(parser)
    if parser.tok.kind != "eof":
        parser.fail("end of input")
    return found
