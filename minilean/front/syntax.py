"""Syntax tree of the Lean 4 subset: terms, tactics, commands, each with its source span.

Follows Lean's own surface grammar (`Lean/Parser/Term.lean`, `Tactic.lean`, `Command.lean`), but a
node is a small class instead of a kind and children. `pos`/`end` are offsets in code points into
the text that was parsed (`end` is just after the last character of the node); `Source` turns them
into Lean's line (from 1) and column (from 0).

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from minilean.front.syntax_commands import *  # noqa: F403
from minilean.front.syntax_terms import *  # noqa: F403
