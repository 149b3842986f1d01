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
