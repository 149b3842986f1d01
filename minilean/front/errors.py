"""Exceptions shared by the untrusted front: elaboration errors, declined features, time-outs.

`LeanError` is an error Lean itself would report (it becomes an error message at `pos`), `Declined`
means that the text uses something outside minilean's subset (never a verdict on the text), and
`StepLimit` ends a run whose step or time budget is spent. Try: `python -m minilean check FILE`.
"""
from __future__ import annotations

from minilean.front.plain import explain
from minilean.kernel.errors import KernelError


class LeanError(Exception):
    """An error as Lean words it. `stx` (any syntax node, or None) says where."""

    def __init__(self, message: str, stx=None, silent=False):
        """`silent`: a consequence of an earlier error, not to be shown."""
        super().__init__(message)
        self.message = message
        self.stx = stx
        self.silent = silent


class Declined(Exception):
    """The text needs `feature`, which minilean does not implement."""

    def __init__(self, feature: str, stx=None):
        super().__init__(feature)
        self.feature = feature
        self.stx = stx


class Postpone(Exception):
    """Elaboration needs to know more about a metavariable first (internal to the elaborator)."""


class StepLimit(Exception):
    """The budget of steps or seconds is spent ("(deterministic) timeout" in Lean's words)."""


FAILURES = (LeanError, Declined, StepLimit, KernelError, RecursionError)


def describe(err):
    """(message, declined feature or None) of one of the FAILURES."""
    feature = None
    if isinstance(err, LeanError):
        text = err.message
    elif isinstance(err, StepLimit):
        text = f"(deterministic) timeout at `elaborator`, {err}"
    elif isinstance(err, RecursionError):
        text = ("maximum recursion depth has been reached\nuse `set_option maxRecDepth <num>` to "
                "increase limit\nuse `set_option diagnostics true` to get diagnostic information")
    elif isinstance(err, Declined):
        feature = err.feature
    elif err.reason == "declined":
        feature = f"kernel: {explain(err)}"
    elif err.reason in ("deep", "budget"):
        text = f"(kernel) deterministic timeout ({explain(err)})"
    else:
        text = f"(kernel) {explain(err)}"
    return (text if feature is None else f"minilean declined: {feature}"), feature
