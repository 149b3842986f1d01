"""Random renamings of symbols in training rows: a proof stays a proof when P and Q change places.

Predicates and functions of the laptop's generated theorems are variables, so every permutation of
their letters gives another valid row. Training draws a new one each time a row is used: a tiny
model then has to look symbols up instead of remembering theorems. Works on token ids; a letter must
be one token with and one without a leading space (local/tokenizer.py sees to that).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence

log = logging.getLogger(__name__)


class Renaming:
    """Permutations of letters within each alphabet, as maps of token ids."""

    def __init__(self, tokenizer, alphabets: Sequence[Sequence[str]]):
        """Letters that the vocabulary lacks (a tiny corpus may) stay, with a warning."""
        self.size = len(tokenizer)
        self.alphabets = []
        for letters in alphabets:
            pairs = {x: tuple(_single(tokenizer, lead + x) for lead in ("", " ")) for x in letters}
            missing = [x for x, pair in pairs.items() if None in pair]
            if missing:
                log.warning("not renamed, no single token: %s", " ".join(missing))
            self.alphabets.append([pair for pair in pairs.values() if None not in pair])

    def draw(self, rng: random.Random) -> list[int]:
        """One random renaming: the new id of every token id."""
        table = list(range(self.size))
        for pairs in self.alphabets:
            for old, new in zip(pairs, rng.sample(pairs, len(pairs)), strict=True):
                for i, j in zip(old, new, strict=True):
                    table[i] = j
        return table


def _single(tokenizer, text: str) -> int | None:
    ids = tokenizer.encode(text, add_special_tokens=False)
    return ids[0] if len(ids) == 1 else None
