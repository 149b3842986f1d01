"""Laptop stand-ins for what a GPU node provides: a model server, a GRPO loop, theorem families."""

import os


def patient_threads() -> None:
    """Make OpenMP threads spin only shortly at barriers; call before torch is first imported.

    Spinning threads that share their core with another process cost a factor of ten and more.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
