"""What is remembered about closed terms across commands, and the kernel's budget.

Run: `python -m pytest tests/minilean/test_session.py`.
"""
from __future__ import annotations

import time

from minilean.kernel.env import DEFAULT_STEPS

KERNEL_STEPS_PER_S = 15_000  # on a slow core; the kernel itself does not look at the clock
MIN_KERNEL_STEPS = 20_000


def kernel_steps(deadline):
    """A step budget for the kernel that ends about when `deadline` (monotonic seconds) comes."""
    if deadline is None:
        return DEFAULT_STEPS
    left = max(0.0, deadline - time.monotonic())
    return min(DEFAULT_STEPS, max(MIN_KERNEL_STEPS, int(left * KERNEL_STEPS_PER_S)))


class Caches:
    """Results about closed terms, valid for one environment with its tables."""

    __slots__ = ("infer", "inst", "whnf")
    LIMIT = 50_000

    def __init__(self):
        self.infer, self.whnf, self.inst = {}, {}, {}

    def trimmed(self):
        """Itself, emptied first when it has grown too large."""
        if len(self.infer) + len(self.whnf) + len(self.inst) > self.LIMIT:
            self.__init__()
        return self
