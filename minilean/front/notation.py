"""Precedences and infix operators, as the parser reads and the printer writes them.

They are those of `Init/Prelude.lean` and `Init/Core.lean`.

Run: `python -m pytest tests/minilean/test_parser.py tests/minilean/test_pp.py`
"""

from __future__ import annotations

MAX, LEAD = 1024, 1023

# (precedence, side that may hold the same operator: "l", "r" or "n") -> operators
_OPERATORS = {
    (20, "n"): "↔", (25, "r"): "→", (30, "r"): "∨ ⊕", (30, "l"): "||", (35, "r"): "∧ ×",
    (35, "l"): "&&", (50, "n"): "= ≠ < > ≤ ≥ == != ∣ ≍ ≈ ∈ ∉", (65, "l"): "+ - ++",
    (67, "r"): "::", (70, "l"): "* / %", (75, "r"): "^", (90, "r"): "∘",
}
# operator -> (precedence, least precedence of the left side, of the right side)
INFIX = {
    operator: (prec, prec if side == "l" else prec + 1, prec if side == "r" else prec + 1)
    for (prec, side), operators in _OPERATORS.items() for operator in operators.split()
}
INFIX["▸"] = (75, 0, 75)
