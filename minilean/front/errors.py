"""Exceptions shared by the untrusted front: elaboration errors, declined features, time-outs.

`LeanError` is an error Lean itself would report (it becomes an error message at `pos`), `Declined`
means that the text uses something outside minilean's subset (never a verdict on the text), and
`StepLimit` ends a run whose step or time budget is spent. Try: `python -m minilean check FILE`.
"""

import logging

from minilean.kernel.errors import KernelError


class Located(Exception):
    """`message`, and `stx` (any syntax node, or None), which says where."""

    def __init__(self, message: str, stx=None):
        super().__init__(message)
        self.message, self.stx = message, stx


class LeanError(Located):
    """An error as Lean words it."""


class Declined(Located):
    """The text needs a feature (the message) that minilean does not implement."""


class Postpone(Exception):
    """Elaboration needs to know more about a metavariable first (internal to the elaborator)."""


class StepLimit(Exception):
    """The budget of steps or seconds is spent ("(deterministic) timeout" in Lean's words)."""


FAILURES = (LeanError, Declined, StepLimit, KernelError, RecursionError)


def explain(err):
    """The message of a KernelError; its terms may be too strange to be written and are left out."""
    return "".join([part if type(part) is str else "…" for part in err.parts])


def describe(err):
    """(message, declined feature or None) of an exception; one that is none of the FAILURES is a
    bug of minilean, which is logged with its traceback and declined."""
    if not isinstance(err, FAILURES):
        logging.getLogger(__name__).error("internal error", exc_info=err)
        err = Declined(f"internal error ({type(err).__name__}: {err})")
    if isinstance(err, KernelError) and err.reason == "declined":
        err = Declined(f"kernel: {explain(err)}")
    if isinstance(err, Declined):
        return f"minilean declined: {err.message}", err.message
    if isinstance(err, LeanError):
        return err.message, None
    if isinstance(err, StepLimit):
        return f"(deterministic) timeout at `elaborator`, {err}", None
    if isinstance(err, RecursionError):
        return "maximum recursion depth has been reached", None
    text = explain(err)
    if err.reason in ("deep", "budget"):
        text = f"deterministic timeout ({text})"
    return f"(kernel) {text}", None
