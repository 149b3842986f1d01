"""The built library: Lean text in `minilean/library/`, checked once, then cached on disk.

Every declaration goes through the kernel when the cache is built. The cache is keyed by the hash
of all minilean sources and the Python version, written to a temporary name and renamed; a broken
or foreign file is rebuilt. Run: `python -m minilean build`.
"""
from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from minilean.front.command import CommandElab, State
from minilean.front.ext import Ext
from minilean.kernel.env import Environment

ROOT = Path(__file__).resolve().parent.parent
STACK_MB = 256
RECURSION_LIMIT = 60_000
_loaded = None


class LibraryError(Exception):
    """The library text itself does not check: a bug of minilean."""


def sources_hash():
    """Hash of everything the built library depends on."""
    h = hashlib.sha256(sys.version.encode())
    for path in sorted(p for kind in ("py", "lean", "txt") for p in ROOT.rglob(f"*.{kind}")):
        h.update(path.relative_to(ROOT).as_posix().encode())
        h.update(path.read_bytes())
    return h.hexdigest()[:24]


def cache_path():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "coprover" / f"minilean-{sources_hash()}.pickle"


def build_library():
    """Check the library text; returns its State. LibraryError names the first failure."""
    from minilean.front.session import run_text, span
    state = State(Environment(), Ext())
    for path in sorted((ROOT / "library").glob("*.lean")):  # core.lean comes first
        cmds = CommandElab(state, max_steps=20_000_000)
        source, messages = run_text(cmds, path.read_text(encoding="utf-8"))
        for severity, text, at in messages:
            if severity == "error":
                line, col = source.line_col(span(at)[0])
                raise LibraryError(f"{path.name}:{line}:{col}: {text}")
        state = State(cmds.state.env, cmds.state.ext)
    return state


def load_library():
    """The library's State, from the cache when it fits; built once per process."""
    global _loaded
    if _loaded is None:
        path = cache_path()
        _loaded = _read(path)
        if _loaded is None:
            _loaded = in_big_stack(build_library)
            _write(path, _loaded)
    return _loaded


def _read(path):
    import gc
    gc.disable()  # which would look at every new term
    try:
        with open(path, "rb") as f:
            decls, ext = _Loader(f).load()
        gc.freeze()  # the library stays: the collector need not walk through it
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, IndexError,
            TypeError, ValueError, KeyError):
        return None
    finally:
        gc.enable()
    return State(Environment({d.name: d for d in decls}), ext)


class _Loader(pickle.Unpickler):
    """Only minilean's own classes: a foreign cache file cannot name anything else."""

    def find_class(self, module, name):
        if module.startswith("minilean.") or (module, name) in (
                ("builtins", "set"), ("builtins", "frozenset"), ("copyreg", "_reconstructor"),
                ("builtins", "object"), ("copyreg", "__newobj__")):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a library cache")


def _write(path, state):
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temp = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as f:
            in_big_stack(lambda: pickle.dump((state.env.decls(), state.ext), f,
                                             pickle.HIGHEST_PROTOCOL))
        os.replace(temp, path)
    except BaseException:
        os.unlink(temp)
        raise


def in_big_stack(fn):
    """fn() in a thread with a stack large enough for deep terms; its exceptions propagate."""
    old_size = threading.stack_size(STACK_MB << 20)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(fn).result()
    finally:
        threading.stack_size(old_size)
