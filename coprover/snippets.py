"""From a model's response to the Lean file we check, and from a proof to its steps (interface)."""

from __future__ import annotations


def extract(response: str) -> str | None:
    """Returns the text of the last closed ```lean4 block, or None."""
    raise NotImplementedError


def split_steps(block: str) -> list[str]:
    """Returns the top-level steps of a tactic block, dedented, each with its nested block."""
    raise NotImplementedError
