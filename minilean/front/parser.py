"""Commands of the Lean 4 subset, and the entry points of the parser.

`Parser.command` reads one command after another, so that a file is elaborated up to its first
error; after a `ParseError` the caller continues at `Parser.skip_to_command`. The commands' own
syntax is in grammar.txt. Commands that Lean knows and minilean lacks raise `Declined`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import grammar
from . import syntax as S
from .lexer import ParseError, Token
from .notation import WORDS
from .parse_tactic import TacticParser
from .parse_tokens import BRACKETS

__all__ = ["ParseError", "Parser", "parse_tactics", "parse_term"]

_FLAGS = WORDS["modifiers"]
_DECLINED = frozenset(WORDS["declined commands"])


class Parser(TacticParser):
    """Commands of one source, in order."""

    command_col = 0  # of the command that is being read

    def command(self) -> S.Command | None:
        """The next command, or None at the end of the text. Raises ParseError, Declined."""
        self.col = -1
        start = self.tok
        self.command_col = start.col
        if start.kind == "eof":
            return None
        modifiers = self.Modifiers()
        command = self.command_after(start, modifiers)
        command.pos, command.end = start.pos, self.end()
        if isinstance(command, S.Declaration):
            command.modifiers = modifiers
        return command

    def command_after(self, start: Token, modifiers: S.Modifiers) -> S.Command:
        """The command that these modifiers belong to."""
        tok = self.tok
        if tok.kind == "eof" and modifiers.doc is not None and not modifiers.attrs:
            self.fail("'lemma'")
        if tok.kind in ("kw", "id", "sym"):
            plain = not modifiers.attrs and not modifiers.flags
            for is_declaration, starts, read in self.commands.get(tok.text, ()):
                if (is_declaration or plain) and starts(self):
                    return read(self)
            if tok.text in _DECLINED:
                self.decline(f"command {tok.text}", start)
        self.fail("command" if not modifiers.attrs else "declaration")

    def skip_to_command(self) -> None:
        """After an error: moves to the next token that can begin a command, at least one
        further.
        """
        self.i = min(self.i + 1, len(self.tokens) - 1)
        while self.tok.kind not in ("eof", "doc") and not self.at("@[", *self.commands, *_FLAGS):
            if self.at(*_DECLINED) and self.tok.col == 0:
                return
            self.i += 1

    # -- declarations ---------------------------------------------------------------------------

    def name_span(self) -> tuple[int, int]:
        """Where errors about a declaration are shown: its name here, or the token before."""
        tok = self.tok if self.tok.kind == "id" else self.tokens[self.i - 1]
        return tok.pos, tok.end

    def decl_value(self) -> S.Term:
        """The term after `:=`; a `by` block there must be indented more than the declaration."""
        by, first = self.tok, self.ahead()
        empty = first.kind == "eof" or first.col <= self.command_col and first.text != "{"
        if self.at("by") and empty:
            self.i += 1
            return S.By(by.pos, by.end, S.TacSeq(by.end, by.end, []))
        return self.term()

    def where_field(self) -> tuple[str, S.Term]:
        """`x binders : type := value` or with equations, as (name, value)."""
        start, name = self.tok, self.ident()
        binders, kind, value = self.field_signature()
        if kind is not None:
            value = self.node(S.Ascription, start, value, kind)
        return name, self.under(start, S.Lambda, binders, value)

    def under(self, start: Token, make: type, binders: list[S.Binder], body: S.Term) -> S.Term:
        """The body as a function or a `∀` of the binders, if there are any."""
        return self.node(make, start, binders, body) if binders else body

    def starts_ctor(self) -> bool:
        return self.at("|") or self.tok.kind == "doc" and self.ahead().text == "|"

    def starts_structure_field(self) -> bool:
        tok = self.ahead() if self.tok.kind == "doc" else self.tok
        return tok.col > 0 and (tok.kind == "id" or tok.kind == "sym" and tok.text in BRACKETS)

    def structure_field(self) -> S.Binder:
        """`x y binders : type := default`"""
        start = self.tok
        names, binders, kind, default = self.structure_field_parts()
        if kind is not None:
            kind = self.under(start, S.Forall, binders, kind)
        if default is not None:
            default = self.under(start, S.Lambda, binders, default)
        return self.node(S.Binder, start, names, kind, "default", None, default)


grammar.install(Parser)


def parse_term(text: str) -> S.Term:
    """The term that is the whole text."""
    return _whole(text, Parser.term)[0]


def parse_tactics(text: str) -> tuple[S.TacSeq, S.Source]:
    """The tactic block that is the whole text (REPL tactic mode). Raises ParseError, Declined."""
    return _whole(text, Parser.tactic_seq)


def _whole(text: str, read: Callable) -> tuple[S.Node, S.Source]:
    parser = Parser(S.Source(text))
    found = read(parser)
    if parser.tok.kind != "eof":
        parser.fail("end of input")
    return found, parser.source
