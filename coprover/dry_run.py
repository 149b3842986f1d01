"""The dry run: every command of a co-training run in order, printed and checked, and none run.

Per phase: which servers stop, start or stay, with their exact argument arrays, then the commands.
Shell scripts print theirs themselves (DRY_RUN=1), down to `ray job submit … train.py …`; every flag
is checked on the way. Needs no GPU, Docker or checkpoint, and leaves nothing behind.

Run: make co-train DRY_RUN=1 PROFILE=node
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from coprover import config, services
from coprover.config import ROOT, InputError
from coprover.plan import Phase, Run, servers_of, to_stop


def show(run: Run) -> None:
    """Prints what the run would do from here. Raises InputError if a command would be refused."""
    with tempfile.TemporaryDirectory(prefix="coprover-dry-run-") as folder:
        saved = Path(folder) / "config.yaml"  # stands for run.config_path, which is not written
        config.save(run.cfg, saved)
        up: dict[str, Path | None] = {}
        for group in run.plan():
            todo = [phase for phase in group if run.due(phase)]
            for phase in group:
                print(f"\n── {phase.name}" + (" (done: skipped)" * (phase not in todo)))
            if todo:
                up = _hand_over(saved, servers_of(todo), up)
            for phase in todo:
                _commands(run, phase, saved)
        print("\n── end")
        for name in reversed([*up]):
            if run.cfg.servers[name].start:
                print(f"would stop {name}")


def _hand_over(
    saved: Path, needed: dict[str, Path | None], up: dict[str, Path | None]
) -> dict[str, Path | None]:
    """Prints which servers stop and start; returns those that are up afterwards."""
    stopped = [name for name in to_stop(needed) if name in up]
    stopped += [name for name in needed if name in up and up[name] != needed[name]]
    for name in stopped:
        print(f"would stop {name}")
    for name, checkpoint in needed.items():
        if name in up and name not in stopped:
            print(f"would keep {name}")
        else:
            sets = [f"servers.{name}.checkpoint={checkpoint}"] if checkpoint else []
            print(services.announce(config.load([saved], sets), name))
    return {name: path for name, path in up.items() if name not in stopped} | needed


def _commands(run: Run, phase: Phase, saved: Path) -> None:
    """Prints a phase's commands, and below a shell script's own what that would run."""
    for command in phase.commands:
        print(f"would run: {shlex.join(command)}", flush=True)
        here = [str(saved) if word == str(run.config_path) else word for word in command]
        if "--set" in here:
            config.load([saved], here[here.index("--set") + 1 :])
        if here[0] == "bash":
            text = _ask(here, phase.name).replace(str(saved), str(run.config_path))
            print("".join(f"   {line}\n" for line in text.splitlines()), end="", flush=True)


def _ask(command: list[str], name: str) -> str:
    """Returns what a shell script of ours says it would run. Raises InputError if it refuses."""
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"DRY_RUN": "1", "PYTHON": sys.executable}, text=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        raise InputError(f"phase {name}: {shlex.join(command[:2])} refuses: {done.stderr.strip()}")
    print(done.stderr, end="", file=sys.stderr)
    return done.stdout
