"""What is remembered about terms, and the kernel's budget.

Run: `python -m pytest tests/minilean/test_session.py`.
"""

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
    """Results about terms, valid for one environment with its tables."""

    __slots__ = ("defeq", "infer", "inst", "whnf")

    def __init__(self):
        self.defeq, self.infer, self.inst, self.whnf = {}, {}, {}, {}

    def trim(self, limit=50_000):
        """Itself, emptied first if it has more entries than `limit`."""
        if sum([len(getattr(self, name)) for name in self.__slots__]) > limit:
            self.__init__()
        return self
