"""Starts lean_server.py over the fault-injecting REPL of fake_repl.py, or over minilean, for tests.

COPROVER_LEAN_URL names a Kimina-compatible server to use in place of the one over minilean.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from coprover import config
from coprover.records import Theorem

ROOT = Path(__file__).resolve().parent.parent
FAKE = [
    "lean.server.repl=[python,tests/fake_repl.py]",
    "lean.server.workers=2",
    "lean.server.echo_every=1",
    "lean.server.header_timeout_s=2",
    "lean.timeout_s=1",
    "lean.step_timeout_s=1",
    "lean.unavailable_patience_s=1",
]


GENEROUS = ("lean.timeout_s=30", "lean.step_timeout_s=30", "lean.server.header_timeout_s=120")
EXTERNAL = os.environ.get("COPROVER_LEAN_URL")


def lean_config(url: str = "http://127.0.0.1:9", *sets: str):
    """Returns the `lean` section for a server at this URL."""
    return config.load(["configs/local.yaml"], [*FAKE, f"lean.url={url}", *sets]).lean


def theorem(name: str = "foo", statement: str = "(a b : Nat) : a + b = b + a") -> Theorem:
    """Returns a theorem as the loaders would."""
    return Theorem(name, f"import Mathlib\n\ntheorem {name} {statement} := by")


def fenced(code: str) -> str:
    """Returns a response with one code block."""
    return f"Here it is.\n```lean4\n{code}\n```\n"


@contextlib.contextmanager
def serve(*sets: str, healthy: bool = True):
    """Runs a server on a free port; yields (url, process) once it is healthy (or just there)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "lean_server.py", "--port", str(port), "--config",
               "configs/local.yaml", "--set", *FAKE, *sets]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process, healthy)
        yield url, process
    finally:
        stop(process)
        process.stderr.close()


def stop(process: subprocess.Popen) -> None:
    """Ends a process, by force after 20 seconds."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def minilean():
    """Yields the URL of a server that checks proofs in earnest: EXTERNAL, or ours over minilean."""
    if EXTERNAL:
        yield EXTERNAL
        return
    with serve("lean.server.repl=[python,-m,minilean,repl]", "lean.server.workers=1",
               *GENEROUS) as (url, _):
        yield url


def wait_for(url: str, process: subprocess.Popen, healthy: bool = True) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {process.stderr.read()}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except urllib.error.HTTPError:
            if not healthy:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server does not become healthy")
