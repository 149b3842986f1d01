"""Docker containers as servers: the few questions and commands that coprover/services.py needs.

Everything goes through the `docker` command, so that contexts and DOCKER_HOST are its own business.
A name is looked up before it is used: a container that was there already is never removed.

Try it: python -c "from coprover.containers import state; print(state('kimina-lean-server'))"
"""

from __future__ import annotations

import re
import subprocess

from coprover.errors import InputError


class DockerError(InputError):
    """Docker is missing, its daemon does not answer, or it refused a command."""


def state(name: str) -> str:
    """Returns `running`, `exited`, `restarting`, … of a container, or "" where there is none."""
    pattern = f"name=^/{re.escape(name)}$"
    return _docker("container", "ls", "--all", "--filter", pattern, "--format", "{{.State}}")


def life(name: str) -> str:
    """Returns state and number of restarts, `running 0`: under a restart policy a container that
    crashed looks alive, but its number has grown. "" where there is none."""
    if not state(name):
        return ""
    return _docker("inspect", "--format", "{{.State.Status}} {{.RestartCount}}", name)


def require_startable(name: str) -> bool:
    """Tells whether a container is running already; False means that its name is free.

    Raises DockerError for one that exists and does not run: it is not ours to start or remove.
    """
    now = state(name)
    if now not in ("", "running"):
        raise DockerError(
            f"the container {name} exists but is {now}; start it (docker start {name}), or remove "
            f"it (docker rm -f {name}) so that a new one can be made"
        )
    return now == "running"


def remove(name: str) -> None:
    """Stops and removes a container; one that is gone already is no error."""
    if state(name):
        _docker("rm", "--force", name)


def log_lines(name: str, count: int) -> list[str]:
    """Returns the last lines that a container wrote, standard error included."""
    return _docker("logs", "--tail", str(count), name, merged=True).splitlines()


def _docker(*words: str, merged: bool = False) -> str:
    try:
        done = subprocess.run(
            ["docker", *words], stdout=subprocess.PIPE, text=True, errors="replace",
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError:
        raise DockerError(
            "docker is not on PATH; install it, do this on the host rather than in a container, "
            "or say with servers.NAME.start and servers.NAME.daemon=none how the server is started "
            "without it"
        ) from None
    if done.returncode:
        reason = (done.stdout if merged else done.stderr).strip()
        raise DockerError(
            f"`docker {words[0]}` failed: {reason}; is the daemon running (systemctl start "
            "docker), and may this account use it (group docker)?"
        )
    return done.stdout.strip()
