"""Shared fixtures: the repo on the path, the real-data folder or a visible skip."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real inputs named by COPROVER_DATA; skips without it."""
    folder = os.environ.get("COPROVER_DATA")
    if not folder:
        pytest.skip("COPROVER_DATA is not set: tests on recorded real data are skipped")
    return Path(folder)


@pytest.fixture
def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# a second one for tests that need two
unused_port = free_port
