"""Fake docker, ray, curl, hf, nvidia-smi and python for tests of the shell scripts.

`Node` is a folder with the fakes on PATH. A fake appends its arguments to `calls` there and is told
what to do by files beside it (`node.flag("run_fails")`). Every process that a script starts carries
the folder in its environment, so `left()` finds the ones that outlive it, whoever their parent is.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
FLAGS_OF_SCRIPTS = ("DRY_RUN", "PROFILE", "PYTHON", "WORKSPACE", "DOCKER_IMAGE", "TRACE")
GRACE_S = 30.0  # for a process that was told to end
STARTED_S = 120.0  # for a step that a test waits for

HEAD = """#!/usr/bin/env bash
echo "${0##*/} $*" >> "$FAKES/calls"
on() { [[ -e "$FAKES/$1" ]]; }
hang() {
  trap 'echo ended >> "$FAKES/ended"; exit 143' TERM INT
  touch "$FAKES/hanging"
  while :; do sleep 0.05; done
}
"""
# A container is a file containers/NAME (`running 0`: state, restarts) and, once up, a process.
DOCKER = r"""
mkdir -p "$FAKES/containers"
if on daemon_down; then
  echo "Cannot connect to the Docker daemon at unix:///docker.sock" >&2
  exit 1
fi
name="${*: -1}"
case "$1 $2" in
  version*) exit 0 ;;
  "image inspect")
    on no_image || exit 0
    echo "Error response from daemon: No such image: $3" >&2
    exit 1 ;;
  "container ls")
    name="$*"
    name="${name#*name=^/}"
    name="${name%%\$*}"
    name="${name//\\/}"
    [[ ! -e "$FAKES/containers/$name" ]] || cut -d' ' -f1 "$FAKES/containers/$name" ;;
  inspect*) cat "$FAKES/containers/$name" ;;
  logs*) echo "uvicorn: Lean is out of luck" >&2 ;;
  rm*)
    [[ ! -e "$FAKES/$name.pid" ]] || kill "$(cat "$FAKES/$name.pid")"
    rm -f "$FAKES/containers/$name" "$FAKES/$name.pid" ;;
  "run -d")
    while [[ "$1" != --name ]]; do shift; done
    name="$2"
    while [[ "$1" != -p ]]; do shift; done
    container="$FAKES/containers/$name"
    [[ ! -e "$container" ]] || { echo "docker: the name $name is in use" >&2; exit 125; }
    echo "created 0" > "$container"
    ! on run_fails || { echo "docker: pull access denied for $4" >&2; exit 125; }
    ! on run_hangs || hang
    echo "running 0" > "$container"
    ! on crashes || { echo "restarting 1" > "$container"; exit 0; }
    ! on exits || { echo "exited 0" > "$container"; exit 0; }
    ! on never_healthy || exit 0
    mkdir -p "$FAKES/www"
    touch "$FAKES/www/health"
    "$REAL_PYTHON" -m http.server "${2%%:*}" --bind 127.0.0.1 --directory "$FAKES/www" \
      < /dev/null > /dev/null 2>&1 &
    echo $! > "$FAKES/$name.pid" ;;
  run*)
    case "$*" in *"nvidia-smi -L") nvidia-smi -L && exit ;; *coprover.preflight*) exit 0 ;; esac
    ! on slime_hangs || hang
    ! on slime_fails || { echo "docker: could not select device driver" >&2; exit 125; } ;;
esac
"""
RAY = r"""
if [[ "$1" == start ]]; then
  echo $$ > "$FAKES/head.pid"
  trap 'exit 0' TERM
  ! on head_dies || { echo "no GPU left" >&2; exit 1; }
  while ! { on head_dies_later && on job; }; do sleep 0.05; done
  echo "GPU fell off the bus" >&2
  exit 1
fi
if [[ "$2" == stop ]]; then touch "$FAKES/job_stopped"; exit 0; fi
printf '%s\n' "$@" > "$FAKES/job"
! on job_fails || exit 7
if on head_dies_later; then
  while kill -0 "$(cat "$FAKES/head.pid")" 2> /dev/null; do sleep 0.05; done
  exit 1
fi
! on job_hangs || hang
while (($#)); do
  case "$1" in --save-hf) save="$2" ;; --save) mkdir -p "$2/iter_0000019" ;; esac
  shift
done
for rollout in 9 19; do
  mkdir -p "${save/\{rollout_id\}/$rollout}"
  echo "{\"rollout\": $rollout}" > "${save/\{rollout_id\}/$rollout}/config.json"
  on no_weights || echo weights > "${save/\{rollout_id\}/$rollout}/model.safetensors"
done
"""
CURL = r"""
case "${*: -1}" in
  *8265*)
    on stranger && exit 0
    on head.pid && ! on head_silent && kill -0 "$(cat "$FAKES/head.pid")" 2> /dev/null ;;
  *) ! on no_lean ;;
esac
"""
HF = r"""
while [[ "$1" != --local-dir ]]; do shift; done
mkdir -p "$2"
[[ ! -e "$2/half" ]] || echo "continued $2" >> "$FAKES/calls"
touch "$2/config.json" "$2/half"
! on hf_fails || { echo "OSError: [Errno 28] No space left on device" >&2; exit 1; }
! on hf_hangs || hang
touch "$2/model.safetensors"
rm "$2/half"
"""
NVIDIA_SMI = r"""
[[ "$1" != -L ]] || { printf 'GPU %s: NVIDIA H200\n' 0 1; exit 0; }
! on driver_broken || { echo "Failed to initialize NVML: version mismatch" >&2; exit 18; }
[[ "$*" != *memory.total,memory.used* ]] || { printf '143771, 10\n%.0s' 0 1; exit 0; }
echo "0, NVIDIA H200, 10 MiB, 143771 MiB, 0 %"
"""
# prepare_minif2f.py downloads: its place is taken; with `complete`, so is the preflight's (its own
# tests: test_preflight.py). Everything else is the real Python.
PYTHON = r"""
[[ "$*" != "-m coprover.preflight"* ]] || ! on complete || exit 0
[[ "$*" == prepare_minif2f.py* ]] || exec "$REAL_PYTHON" "$@"
! on "$2_fails" || { echo "error: cannot load AI-MO/$2 (ConnectionError)" >&2; exit 2; }
! on "$2_hangs" || hang
while (($#)); do
  case "$1" in --output | --hold-out) echo "{}" > "$2" ;; esac
  shift
done
"""
CP = r"""
for word in "$@"; do target="$word"; done
mkdir -p "$target"
touch "$target/config.json"
echo "cp: error writing '$target': No space left on device" >&2
exit 1
"""
FAKES = {"docker": DOCKER, "ray": RAY, "curl": CURL, "hf": HF, "nvidia-smi": NVIDIA_SMI,
         "python": PYTHON, "cp": CP}  # fmt: skip


def sh(*words: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess:
    """Runs bash with these words, free of variables that steer the scripts."""
    environment = {k: v for k, v in os.environ.items() if k not in FLAGS_OF_SCRIPTS}
    return subprocess.run(
        ["bash", *map(str, words)], cwd=cwd, env=environment | env, text=True,
        capture_output=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def planned(done: subprocess.CompletedProcess) -> list[list[str]]:
    """The commands a dry run would run, as argument lists."""
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("would run: ")]
    return [shlex.split(line.removeprefix("would run: ")) for line in lines]


def the_error(done: subprocess.CompletedProcess, status: int = 2) -> str:
    """The one error of a failed script; asserts that there is one, the status, and no traceback."""
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    found = re.findall(r"^error: ", done.stderr, re.MULTILINE)
    assert len(found) == 1, f"{len(found)} errors: {done.stderr}"
    return done.stderr[re.search(r"^error: ", done.stderr, re.MULTILINE).start() :]


class Node:
    """A machine with fake tools: `node = Node(tmp_path, "docker", "curl")`."""

    def __init__(self, folder: Path, *tools: str) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.env = {"FAKES": str(folder), "REAL_PYTHON": sys.executable, "WAIT_TRIES": "3",
                    "PYTHON": sys.executable,
                    "PATH": f"{self.bin}:{os.environ['PATH']}"}  # fmt: skip
        for tool in tools:
            self.add(tool)

    def add(self, tool: str) -> None:
        """Puts a fake in place."""
        (self.bin / tool).write_text(HEAD + FAKES[tool])
        (self.bin / tool).chmod(0o755)

    def only(self, *tools: str) -> None:
        """Leaves nothing on PATH but the fakes and these real tools."""
        for tool in ("bash", "cat", "cut", "dirname", "env", "ls", "mkdir", "sleep", "touch", "wc",
                     *tools):  # fmt: skip
            path = next(p for d in os.environ["PATH"].split(":") if (p := Path(d, tool)).exists())
            (self.bin / tool).symlink_to(path)
        self.env["PATH"] = str(self.bin)

    def flag(self, name: str, on: bool = True) -> None:
        """Tells the fakes to do something, or no longer to."""
        (self.folder / name).touch() if on else (self.folder / name).unlink()

    def calls(self) -> list[str]:
        """The commands that fakes were called with so far."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, *words: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess:
        """Runs a script to its end."""
        return sh(*words, cwd=cwd, **self.env | env)

    def run_on_full_disk(self, *words: str | Path) -> subprocess.CompletedProcess:
        """Runs a script that cannot write more than 1 KiB to a file."""
        limits = (1024, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        return subprocess.run(
            ["bash", *map(str, words)], cwd=ROOT, env=os.environ | self.env, text=True,
            capture_output=True, timeout=300, stdin=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
        )  # fmt: skip

    def interrupt(
        self, how: signal.Signals, *words: str | Path, until: str = "hanging", cwd: Path = ROOT
    ) -> subprocess.CompletedProcess:
        """Runs a script, signals it once the file `until` exists, and waits for its end.

        SIGINT goes to the script's process group as a terminal's Ctrl-C does, others to it alone.
        """
        def default_signals() -> None:  # what a parent ignores would be inherited
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)

        process = subprocess.Popen(
            ["bash", *map(str, words)], cwd=cwd, env=os.environ | self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=default_signals,
        )  # fmt: skip
        wait_until(lambda: (self.folder / until).exists() or process.poll() is not None, STARTED_S)
        if how == signal.SIGINT and process.poll() is None:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def left(self) -> list[str]:
        """Command lines of processes that a script started and that still live after GRACE_S."""
        wait_until(lambda: not self._alive(), GRACE_S)
        return [" ".join(process.cmdline()) for process in self._alive()]

    def close(self) -> None:
        """Ends what a failed test left."""
        for process in self._alive():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _alive(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("FAKES") == str(self.folder)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found


def wait_until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Waits for a condition; tells whether it came true in time."""
    deadline = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true


class Stranger:
    """Somebody else's listening socket in a process of its own: `with Stranger(port) as pid:`."""

    TEXT = "import socket,time; s=socket.create_server(('127.0.0.1', {})); time.sleep(300)"

    def __init__(self, port: int) -> None:
        self.port = port

    def __enter__(self) -> subprocess.Popen:
        self.process = subprocess.Popen([sys.executable, "-c", self.TEXT.format(self.port)])
        assert wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", self.port)), 20)
        return self.process

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
