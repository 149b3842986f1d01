"""Prompts and response forms: the only place where text for the two models is laid out.

The whole-proof prompt is DeepSeek-Prover-V2's non-CoT form (its model card); the step prompt is
the GOAL … PROOFSTEP form of lean-gptf. Both are the same on the node and on the laptop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from coprover.records import Theorem

INSTRUCTION = "Complete the following Lean 4 code:"
FENCE_OPEN = "```lean4\n"
FENCE_CLOSE = "\n```"
GOAL_OPEN = "[GOAL]\n"
GOAL_CLOSE = "\n[PROOFSTEP]\n"


def prompt_text(formal_statement: str) -> str:
    """Returns the `prompt` field that dataset rows carry."""
    return f"{INSTRUCTION}\n\n{FENCE_OPEN}{formal_statement}{FENCE_CLOSE}"


def whole_proof(theorem: Theorem) -> str:
    """Returns the prompt that asks for a complete proof; it ends in a newline."""
    return (theorem.prompt or prompt_text(theorem.formal_statement)).rstrip("\n") + "\n"


def tactic_step(state: str) -> str:
    """Returns the prompt that asks for the next step at a proof state."""
    return f"{GOAL_OPEN}{state}{GOAL_CLOSE}"


def proof_prefix(theorem: Theorem, tactics: Iterable[str]) -> str:
    """Returns the whole-proof prompt continued with the proof so far (for whole-proof models)."""
    body = "".join(indent(tactic) + "\n" for tactic in tactics)
    return f"{whole_proof(theorem)}{FENCE_OPEN}{theorem.formal_statement}\n{body}  "


def proof_response(tactics: Iterable[str]) -> str:
    """Returns the response that states a flat list of steps as a tactic block in a fence."""
    return FENCE_OPEN + "\n".join(indent(tactic) for tactic in tactics) + FENCE_CLOSE


def indent(tactic: str, by: str = "  ") -> str:
    """Returns a step with every line moved right, as a block under `by` wants it."""
    return "\n".join(by + line if line.strip() else line for line in tactic.split("\n"))


def split_goals(state: str) -> list[str]:
    """Returns the goals of a printed state: blocks that each hold one `⊢` line."""
    return [block for block in re.split(r"\n\n(?=\S)", state) if block.strip()]
