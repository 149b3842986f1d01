"""Commands of the Lean 4 subset, and the entry points of the parser.

`Parser.command` reads one command after another, so that a file is elaborated up to its first
error; after a `ParseError` the caller continues at `Parser.skip_to_command`. The syntax itself is
in grammar.txt. Commands that Lean knows and minilean lacks raise `Declined`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from . import grammar
from . import syntax as S
from .lexer import ParseError
from .notation import WORDS
from .parse_term import TermParser
from .parse_tokens import MISSING

__all__ = ["ParseError", "Parser", "parse_tactics"]

_STARTS = ("@[", *WORDS["modifiers"])


class Parser(TermParser):
    """Commands of one source, in order."""

    def command(self) -> S.Command | None:
        """The next command, or None at the end of the text. Raises ParseError, Declined."""
        start = self.tok
        self.col, self.command_col = -1, start.col
        if start.kind == "eof":
            return None
        modifiers = self.Modifiers()
        plain = not modifiers.attrs and not modifiers.flags
        for is_declaration, read in self.commands.get(self.tok.text, ()):
            command = read(self) if is_declaration or plain else MISSING
            if command is not MISSING:
                command.pos = start.pos
                if is_declaration:
                    command.modifiers = modifiers
                return command
        self.fail("command" if plain else "declaration")

    def skip_to_command(self) -> None:
        """After an error: moves to the next token that can begin a command, at least one
        further.
        """
        self.i = min(self.i + 1, len(self.tokens) - 1)
        while self.tok.kind not in ("eof", "doc") and not self.at(*_STARTS, *self.commands):
            self.i += 1

    def name_span(self) -> tuple[int, int]:
        """Where errors about a declaration are shown: its name here, or the token before."""
        tok = self.tok if self.tok.kind == "id" else self.tokens[self.i - 1]
        return tok.pos, tok.end


grammar.install(Parser)


def parse_tactics(text: str) -> S.TacSeq:
    """The tactic block that is the whole text (REPL tactic mode). Raises ParseError, Declined."""
    parser = Parser(text)
    block = parser.tactic_seq()
    if block is MISSING or parser.tok.kind != "eof":
        parser.fail("end of input")
    return block
