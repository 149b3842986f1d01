"""The words of Lean that `words.txt` lists, and the precedences of infix operators.

The parser reads with these tables, the elaborator and the printer look up constants in them.

Run: `python -m pytest tests/minilean/test_parser.py tests/minilean/test_pp.py`
"""

from __future__ import annotations

import re
from pathlib import Path

MAX, LEAD = 1024, 1023


def _lists(text: str) -> dict[str, list[str]]:
    """heading -> the words below it"""
    sections = re.findall(r"^(.+):\n((?: {4}.*\n)+)", text, re.MULTILINE)
    return {heading: words.split() for heading, words in sections}


def _infix(lists: dict[str, list[str]]) -> dict[str, tuple[int, int, int]]:
    """operator -> (precedence, least precedence of the left side, of the right side)"""
    table = {}
    for heading, operators in lists.items():
        kind, _, prec = heading.partition(" ")  # "infixl 65"
        if prec.isdigit():
            sides = int(prec), int(prec) + (kind != "infixl"), int(prec) + (kind != "infixr")
            table.update(dict.fromkeys(operators, sides))
    return table


def pairs(heading: str) -> dict[str, str]:
    """The first of two words -> the second, for a list of such."""
    words = WORDS[heading]
    return dict(zip(words[::2], words[1::2], strict=True))


WORDS = _lists(Path(__file__).with_name("words.txt").read_text(encoding="utf-8"))
INFIX = _infix(WORDS)
