"""Tactic blocks: columns, bullets, combinators.

What follows a tactic's name is in grammar.txt. Tactics that Lean or Mathlib know and minilean lacks
raise `Declined` with their name.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from typing import NoReturn

from . import syntax as S
from .lexer import ParseError
from .notation import WORDS
from .parse_term import TermParser

_DECLINED = frozenset(WORDS["declined tactics"])


class TacticParser(TermParser):
    """Adds tactic blocks to the term parser."""

    def tactic_seq(self) -> S.TacSeq:
        """A block: `{ … }`, or tactics at one column or separated by `;`, not left of
        `self.col`.
        """
        start = self.tok
        if self.starts_braced_seq():
            return self.braced_seq()
        if start.col < self.col and start.kind != "eof":
            self.no_block()
        return self.TacSeq()

    def no_block(self) -> NoReturn:
        raise ParseError(self.tok.pos, "expected '{' or indented tactic sequence")

    def indented_tactics(self) -> list[S.Tactic]:
        """One or more tactics at the column of the first, or separated by `;`."""
        tactics: list[S.Tactic] = []
        with self.position():
            while self.starts_tactic():
                tactics.append(self.tactic())
                if not self.accept(";") and (not self.tok.first or self.tok.col != self.col):
                    break
        if not tactics and self.tok.kind == "kw":
            self.no_block()
        return tactics or self.fail("'{' or tactic")

    def braces(self) -> list[S.Node]:
        """A block in braces, and its right brace."""
        block = self.braced_seq()
        return [block, S.Hole(block.end - 1, block.end)]

    def starts_tactic(self) -> bool:
        kind, word = self.tok[:2]
        return kind == "id" or kind == "kw" and word in self.tactics or (
            kind == "sym" and word in ("·", ".", "(", "{"))

    def tactic(self) -> S.Tactic:
        """One tactic with its `<;>` chain (left associative)."""
        left = self.simple_tactic()
        while self.accept("<;>"):
            left = self.node(S.Tactic, left, "<;>", (left, self.simple_tactic()))
        return left

    def simple_tactic(self) -> S.Tactic:
        start = self.tok
        if self.starts_block_tactic():
            return self.block_tactic()
        if start.kind == "id" and start.text in _DECLINED:
            self.decline(f"tactic {start.text}")
        if start.kind in ("id", "kw") and start.text in self.tactics:
            self.i += 1
            return self.node(S.Tactic, start, start.text, self.tactics[start.text](self))
        if start.kind == "id" and start.text.split(".")[0] not in self.tactics:
            raise ParseError(start.pos + 1, "unknown tactic")
        self.fail("tactic")

    # -- rcases patterns ------------------------------------------------------------------------

    def rcases_alts(self) -> S.RPat:
        """`p | q | r`"""
        start, items = self.tok, self.rcases_bars()
        return items[0] if len(items) == 1 else self.node(S.RPat, start, "alts", "_", items)

    def rcases_typed(self) -> S.RPat:
        """`p | q : type`"""
        start, pattern = self.tok, self.rcases_alts()
        if not self.at(":"):
            return pattern
        return self.node(S.RPat, start, "typed", "_", [pattern], self.type())
