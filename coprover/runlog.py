"""What a run leaves behind for machines: metrics, manifest, provenance.

metrics.jsonl  one flat object per line, stable names such as `rollout/reward_mean`
state.json     the manifest: per phase its inputs' hashes, outputs and timings (`Manifest`)
provenance     argv, commit and dirtiness, versions, hardware, seeds (`provenance`)
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from coprover.config import ROOT, InputError
from coprover.records import append_jsonl, read_jsonl, write_text_atomic

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "fastapi", "omegaconf")


class MetricsLog:
    """Appends flat metric objects to a file; every row carries the time and the fixed fields."""

    def __init__(self, path: str | Path, **fixed: object) -> None:
        self.path = Path(path)
        self.fixed = fixed

    def log(self, **row: object) -> None:
        """Appends one object; values must be JSON scalars."""
        append_jsonl(self.path, [{"time": round(time.time(), 3), **self.fixed, **row}])

    def rows(self) -> list[dict]:
        """Returns every row written so far, a torn last line cut off."""
        return read_jsonl(self.path, resume=True)


class Manifest:
    """The state of a run on disk: which phases finished, from which inputs, with which outputs.

    A phase is entered before it starts and completed after its outputs exist; both writes go to a
    temporary name first, so that a kill leaves the old or the new manifest, never half of one.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.data: dict = {"phases": {}}
        if self.path.exists():
            try:
                self.data = json.loads(self.path.read_text(encoding="utf-8"))
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{self.path} is damaged ({error}); move the run folder away and start again"
                ) from None

    def phase(self, name: str) -> dict:
        """Returns the record of a phase, empty if it was never entered."""
        return self.data["phases"].get(name, {})

    def done(self, name: str) -> bool:
        """Tells whether a phase was completed and its outputs still exist."""
        record = self.phase(name)
        return record.get("status") == "done" and all(
            Path(path).exists() for path in record.get("outputs", [])
        )

    def enter(self, name: str, inputs: Iterable[str | Path] = ()) -> None:
        """Records that a phase starts (or starts again) and the hashes of its inputs."""
        record = self.phase(name)
        record.update(
            status="running",
            starts=record.get("starts", 0) + 1,
            started=time.time(),
            inputs={str(p): path_hash(p) for p in inputs},
        )
        self.data["phases"][name] = record
        self.write()

    def complete(self, name: str, outputs: Iterable[str | Path], **facts: object) -> None:
        """Records that a phase ended well. Raises InputError if an output is missing."""
        record = self.phase(name)
        missing = [str(p) for p in outputs if not Path(p).exists()]
        if missing:
            raise InputError(f"phase {name} ended without its output {missing[0]}")
        seconds = record.get("seconds", 0.0) + time.time() - record["started"]
        record.update(
            status="done", seconds=round(seconds, 1), outputs=[str(p) for p in outputs], **facts
        )
        self.write()

    def write(self) -> None:
        """Writes the manifest atomically."""
        write_text_atomic(self.path, json.dumps(self.data, indent=1, ensure_ascii=False) + "\n")


def path_hash(path: str | Path) -> str | None:
    """Returns 16 hex digits of sha256 over a file, or over names and contents of a folder."""
    path = Path(path)
    if not path.exists():
        return None
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def provenance() -> dict:
    """Returns what somebody needs to repeat the run: argv, commit, versions, hardware."""
    return {
        "argv": sys.argv,
        "commit": _git("rev-parse", "HEAD") or "unknown (not a git checkout)",
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "gpus": gpu_names(),
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def gpu_names() -> list[str]:
    """Returns the names of the NVIDIA GPUs that nvidia-smi lists; empty without it."""
    try:
        out = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in out.stdout.splitlines() if line.strip()]


def _git(*args: str) -> str:
    try:
        out = subprocess.run(
            ["git", "-C", str(ROOT), *args], capture_output=True, text=True, check=True, timeout=20
        )
    except (FileNotFoundError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return ""
    return out.stdout.strip()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()
