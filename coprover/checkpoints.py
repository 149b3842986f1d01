"""Checkpoints on disk: which weights a directory holds, and how one is written whole or not at all.

`weight_version(dir)` is the name under which servers and records refer to a set of weights: a short
hash of the weight files themselves, so that copying a checkpoint keeps its version and training it
for one step changes it.

Try it: `python -m coprover.checkpoints runs/laptop/warm_start`
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from coprover.errors import InputError

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt")


class CheckpointError(InputError):
    """A checkpoint directory is missing or incomplete; the message names it and the remedy."""


def weight_files(directory: str | Path) -> list[Path]:
    """The files that hold the weights, sorted by name.

    Raises CheckpointError when the directory, its config.json, or weights (any of those that its
    index names) are missing.
    """
    root = Path(directory)
    if not root.is_dir():
        raise CheckpointError(f"no checkpoint at {root}: train or download it first, "
                              "or correct the path")
    if not (root / "config.json").is_file():
        raise CheckpointError(f"{root} has no config.json: not a Hugging Face checkpoint "
                              "(convert it with convert_and_serve.sh, or correct the path)")
    model_files = sorted(p for p in root.iterdir()
                         if p.suffix in WEIGHT_SUFFIXES and p.stem.startswith(("model", "pytorch")))
    if not model_files:
        raise CheckpointError(f"{root} holds no weights (model*.safetensors): the save was "
                              "interrupted or is still running; save it again")
    index = root / "model.safetensors.index.json"
    named: set[str] = set()
    if index.is_file():
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    if missing := sorted(name for name in named if not (root / name).is_file()):
        raise CheckpointError(f"{root} lacks {missing[0]} and {len(missing) - 1} more of its "
                              f"{len(named)} weight files: the save was interrupted; save it again")
    return model_files


def weight_version(directory: str | Path) -> str:
    """Twelve hex digits: SHA-256 over the weight files' names and bytes."""
    digest = hashlib.sha256()
    for path in weight_files(directory):
        digest.update(path.name.encode())
        with open(path, "rb") as handle:
            while chunk := handle.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def atomic_directory(target: str | Path) -> Iterator[Path]:
    """Yield a temporary sibling directory that becomes `target` when the block succeeds.

    An earlier `target` is replaced. A killed process leaves either the old directory or the new
    one, or, for the instant between two renames, `<target>.old` and the complete `<target>.tmp`,
    which `recover` puts right; never half a directory under the final name.
    """
    final = Path(target)
    temporary = final.with_name(final.name + ".tmp")
    old = final.with_name(final.name + ".old")
    recover(final)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    if final.exists():
        os.replace(final, old)
    os.replace(temporary, final)
    shutil.rmtree(old, ignore_errors=True)


def recover(target: str | Path) -> bool:
    """True when `target` exists after undoing an interrupted replacement, else False."""
    final = Path(target)
    old = final.with_name(final.name + ".old")
    if old.exists() and not final.exists():
        os.replace(old, final)
    shutil.rmtree(old, ignore_errors=True)
    return final.exists()


def save_hf(target: str | Path, model, tokenizer=None) -> str:
    """Save `model` (and `tokenizer`) at `target` atomically; return the weight version."""
    with atomic_directory(target) as directory:
        model.save_pretrained(directory)
        if tokenizer is not None:
            tokenizer.save_pretrained(directory)
    return weight_version(target)


def main() -> None:
    """Prints the weight version of each folder given."""
    for name in sys.argv[1:]:
        print(weight_version(name), name)


if __name__ == "__main__":
    from coprover.config import main as run

    run(main)
