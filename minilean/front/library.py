"""The built library: Lean text in `minilean/library/`, checked once, then cached on disk.

Every declaration goes through the kernel when the cache is built. The cache is keyed by the hash
of all minilean sources and the Python version, written to a temporary name and renamed. The
folder: `$XDG_CACHE_HOME/coprover` or `~/.cache/coprover`.
"""
import gc
import hashlib
import io
import logging
import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from minilean.front.command import CommandElab, State
from minilean.front.ext import Ext
from minilean.kernel.env import Environment

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
STACK_MB = 256
RECURSION_LIMIT = 60_000
MIN_RECURSION = 8_000  # what an ordinary thread's stack holds


class LibraryError(Exception):
    """The library text itself does not check: a bug of minilean."""


@cache
def load_library():
    """The library's State, from the cache; one that is missing or damaged is built anew."""
    path = cache_path()
    sys.setrecursionlimit(max(sys.getrecursionlimit(), MIN_RECURSION))
    gc.set_threshold(20_000)  # young terms are many: a quarter of the time went into looking
    state = _read(path)
    if state is None:
        in_big_stack(lambda: _write(path, build_library()))
        state = _read(path)
    gc.freeze()  # the collector need not walk through the library later
    return state


def build_library():
    """Check the library text; returns its State. LibraryError names the first failure."""
    state = State(Environment(), Ext())
    for path in sorted((ROOT / "library").glob("*.lean")):  # core.lean comes first
        cmds = CommandElab(state, max_steps=20_000_000)
        cmds.run_text(path.read_text(encoding="utf-8"))
        for severity, text, at in cmds.messages:
            if severity == "error":
                raise LibraryError(f"{path.name}: {text}\n{cmds.placed(at)}")
        state = State(cmds.state.env, cmds.state.ext)
    return state


def in_big_stack(fn):
    """fn() in a thread with a stack large enough for deep terms; its exceptions propagate."""
    old_size = threading.stack_size(STACK_MB << 20)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(fn)  # starts the thread
        threading.stack_size(old_size)
        return future.result()


# --- the cache ------------------------------------------------------------------------------------

def cache_path():
    """The file for the library that the present sources build."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(ROOT.rglob("*.*")):
        if path.suffix in (".py", ".lean", ".txt"):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "coprover", f"minilean-{digest.hexdigest()[:24]}.pickle")


def _read(path):
    """The State in the cache file, or None if there is none that can be read."""
    try:
        decls, ext = _Loader(io.BytesIO(path.read_bytes())).load()
    except FileNotFoundError:
        return None
    except Exception as err:  # damaged bytes may make anything of a pickle
        log.warning("%s is damaged (%r) and built anew", path, err)
        return None
    return State(Environment({d.name: d for d in decls}), ext)


class _Loader(pickle.Unpickler):
    """Loads minilean's own classes: a cache file cannot name anything else."""

    def find_class(self, module, name):
        found = super().find_class(module, name) if module.startswith("minilean.") else None
        if getattr(found, "__module__", "").startswith("minilean."):  # not what a module imports
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a library cache")


def _write(path, state):
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_suffix(f".{os.getpid()}")
    temp.write_bytes(pickle.dumps((state.env.decls(), state.ext), pickle.HIGHEST_PROTOCOL))
    temp.replace(path)
