"""Life-cycle of the servers named in the config: start, wait for health, adopt, stop exactly those.

Every started process is recorded in `<run.dir>/servers/<name>.json` (PID, creation time, port,
command) before its health is awaited, so that a killed orchestrator finds it again: a healthy one
with the same command is adopted, any other one of ours is stopped. A port held by somebody else
is an error that names the holder; nothing is ever killed by name. A server that does not become
healthy, or whose start is interrupted, is stopped again. A server whose `start` is empty, or whose
container runs already (README: Kimina started by hand), is somebody else's and is never stopped.

Run: bash launch_servers.sh start lean generator --config configs/local.yaml
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from omegaconf import DictConfig

from coprover import config, containers
from coprover.config import ROOT, ConfigError, InputError
from coprover.records import write_text_atomic

NAMES = ("lean", "generator", "value")
LOG_TAIL = 25
STOP_GRACE_S = 15.0


class ServiceError(InputError):
    """A server could not be started or reached; the message holds the cause and the log's tail."""


@dataclass(frozen=True)
class Record:
    """A server we started. `created` is the process's creation time (s since the epoch): a PID
    reused by a stranger does not match it. `container` is set for Docker servers."""

    name: str
    pid: int
    created: float
    url: str
    command: list[str]
    log: str
    container: str | None = None

    def process(self) -> psutil.Process | None:
        """Returns the live process of the record, or None if it is gone or somebody else's."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < 1.0 and not _is_zombie(process):
                return process
        except psutil.NoSuchProcess:
            pass
        return None


def start(cfg: DictConfig, name: str) -> Record:
    """Starts a server, or adopts our own healthy one with the same command; returns when healthy.

    Raises ServiceError if the port is taken, the process dies, or health does not come in time.
    """
    record = launch(cfg, name)
    await_healthy(cfg, name, record)
    return record


def start_together(cfgs: Mapping[str, DictConfig]) -> None:
    """Starts servers, each under its own configuration, so that they load side by side."""
    records = {name: launch(cfg, name) for name, cfg in cfgs.items()}
    for name, record in records.items():
        await_healthy(cfgs[name], name, record)


def launch(cfg: DictConfig, name: str) -> Record:
    """The first half of `start`: the process is there, its health is not waited for."""
    section = _section(cfg, name)
    if not section.start:
        _require_healthy(section, name)
        return Record(name, 0, 0.0, section.url, [], "")
    check_checkpoint(section, name)
    command = command_line(cfg, name)
    config.save(cfg, _config_path(cfg, name))
    old = read_record(cfg, name)
    if old is not None:
        if old.command == command and _running(old) and healthy(section):
            return old
        stop(cfg, name)
    container = container_of(section, name)
    if container and containers.require_startable(container):
        return Record(name, 0, 0.0, section.url, [], "", container)
    require_free_port(section.url, name)
    try:
        return _spawn(cfg, section, name, command, container)
    except BaseException:  # a signal, too, must leave no server behind
        stop(cfg, name)
        raise


def await_healthy(cfg: DictConfig, name: str, record: Record) -> None:
    """The second half of `start`; a server of ours that does not become healthy is stopped."""
    section = _section(cfg, name)
    if not section.start:
        return
    try:
        _wait(section, record, cfg.servers.start_timeout_s)
    except BaseException:  # a signal, too
        stop(cfg, name)
        raise


def stop(cfg: DictConfig, name: str) -> bool:
    """Stops the recorded server with its process group; tells whether there was one.

    One that the config does not start (the container host's, seen from inside a container) stays.
    """
    record = read_record(cfg, name) if _section(cfg, name).start else None
    if record is None:
        return False
    if process := record.process():
        stop_group(process)
    if record.container:
        containers.remove(record.container)
    _record_path(cfg, name).unlink(missing_ok=True)
    return True


def status(cfg: DictConfig, name: str) -> str:
    """Returns one line on a server: healthy or not, whose, and where its log is."""
    section = _section(cfg, name)
    health = "healthy" if healthy(section) else "not answering"
    record = read_record(cfg, name)
    if record is None:
        return f"{name:10} {section.url}  {health}  (not started from here)"
    if record.container and not shutil.which("docker"):
        return f"{name:10} {section.url}  {health}  (container {record.container} of the host)"
    owner = f"container {record.container}" if record.container else f"pid {record.pid}"
    try:
        alive = "" if _running(record) else ", process gone"
    except containers.DockerError as error:
        alive = f", {error}"
    return f"{name:10} {section.url}  {health}  ({owner}{alive}; log {record.log})"


def healthy(section: DictConfig, timeout_s: float = 5.0) -> bool:
    """Tells whether the server's health route answers 200."""
    try:
        with urllib.request.urlopen(section.url + section.health, timeout=timeout_s) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False


def read_record(cfg: DictConfig, name: str) -> Record | None:
    """Returns what is recorded of a server of this run, or None."""
    path = _record_path(cfg, name)
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, TypeError) as error:
        raise ServiceError(f"{path} is damaged ({error}); stop that server and delete it") from None


def port_holder(port: int) -> str | None:
    """Returns a description of the process that listens on a TCP port here, or None."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            if connection.pid is None:
                return "a process of another user"
            try:
                process = psutil.Process(connection.pid)
                return f"PID {process.pid} ({shlex.join(process.cmdline())[:120]})"
            except psutil.Error:
                return f"PID {connection.pid}"
    return None


def main() -> int:
    """`start | stop | status [NAME …]` with the usual --config and --set."""
    parser = config.make_parser(__doc__, {})
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all")
    args = parser.parse_args()
    for name in args.names:
        if name not in NAMES:
            raise ConfigError(f"no server {name!r}; the config knows {', '.join(NAMES)}")
    cfg = config.load(args.config, args.sets)
    names = args.names or NAMES
    dry = os.environ.get("DRY_RUN") == "1" and args.action != "status"
    if args.action == "start" and not dry:
        unwind_on_signals()
        _start_all(cfg, names)
        return 0
    for name in reversed(names) if args.action == "stop" else names:
        if args.action == "start":
            print(announce(cfg, name))
        elif dry:
            print(f"would stop {name}" if read_record(cfg, name) else f"{name}: not started here")
        elif args.action == "stop":
            print(f"{name:10} " + ("stopped" if stop(cfg, name) else "was not started from here"))
        else:
            print(status(cfg, name))
    return 0


def unwind_on_signals() -> None:
    """Makes SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does, so that what was started is
    stopped. SIGHUP stays ignored under nohup."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP that come meanwhile take effect afterwards (main thread only:
    elsewhere Python runs no handlers, so nothing is interrupted)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _start_all(cfg: DictConfig, names: Sequence[str]) -> None:
    """Starts servers in order; when one fails, those this call started are stopped again."""
    before = {name: read_record(cfg, name) for name in names}
    try:
        for name in names:
            record = start(cfg, name)
            print(f"{name:10} ready at {record.url}" + (f" (log {record.log})" * bool(record.log)),
                  flush=True)  # fmt: skip
    except BaseException:  # a signal, too
        for name in reversed(names):
            if read_record(cfg, name) != before[name] and stop(cfg, name):
                print(f"{name:10} stopped again", flush=True)
        raise


def _section(cfg: DictConfig, name: str) -> DictConfig:
    return cfg.servers[name]


def _record_path(cfg: DictConfig, name: str) -> Path:
    return Path(cfg.run.dir) / "servers" / f"{name}.json"


def _config_path(cfg: DictConfig, name: str) -> Path:
    return Path(cfg.run.dir) / "servers" / f"{name}.yaml"


def announce(cfg: DictConfig, name: str) -> str:
    """Returns the line of a dry run that says what `start` would do; nothing need exist."""
    section = _section(cfg, name)
    if not section.start:
        return f"would wait for {name}: {section.url}{section.health}"
    return f"would start {name}: {shlex.join(command_line(cfg, name, dry=True))}"


def container_of(section: DictConfig, name: str) -> str | None:
    """Returns the name that a server's `docker run` gives its container; None without Docker.

    Raises ConfigError if the command gives none: the container could not be found again.
    """
    if section.daemon != "docker":
        return None
    words = [str(word) for word in section.start]
    if "--name" not in words[:-1]:
        raise ConfigError(
            f"servers.{name}.start runs a container without a name; give it one (--name NAME)"
        )
    return words[words.index("--name") + 1]


def check_checkpoint(section: DictConfig, name: str) -> None:
    """Raises ConfigError if the command of a server names a checkpoint and there is none."""
    if not any("{checkpoint}" in str(word) for word in section.start):
        return
    if not section.checkpoint:
        raise ConfigError(
            f"servers.{name}.checkpoint is not set; give the folder of the model to serve "
            f"(--set servers.{name}.checkpoint=DIR)"
        )
    if not (Path(section.checkpoint) / "config.json").is_file():
        raise ConfigError(
            f"no checkpoint in {section.checkpoint} for the {name} server (config.json is missing)"
        )


def command_line(cfg: DictConfig, name: str, dry: bool = False) -> list[str]:
    """The argument array with {python}, {port}, {config}, {checkpoint}, {weight_version} filled;
    in a dry run what cannot be known yet stands in angle brackets."""
    section = _section(cfg, name)
    words = [str(word) for word in section.start]
    checkpoint = section.checkpoint
    values = {"python": sys.executable, "port": str(_port(section.url)),
              "checkpoint": checkpoint or "<checkpoint>", "config": _config_path(cfg, name)}
    if any("{weight_version}" in word for word in words):
        from coprover.checkpoints import weight_version

        values["weight_version"] = "<hash>" if dry else weight_version(checkpoint)
    for key, value in values.items():
        words = [word.replace("{" + key + "}", str(value)) for word in words]
    return words


def _spawn(
    cfg: DictConfig, section: DictConfig, name: str, command: list[str], container: str | None
) -> Record:
    """Starts and records the process; `docker run -d` is awaited, its container is the server."""
    log = Path(cfg.run.dir) / "logs" / f"{name}_server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    if section.threads:
        environment |= {"OMP_NUM_THREADS": str(section.threads), "OMP_WAIT_POLICY": "PASSIVE"}
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), environment.get("PYTHONPATH", "")])
    )
    with log.open("ab") as out:
        out.write(f"\n--- {time.strftime('%F %T')} {shlex.join(command)}\n".encode())
        out.flush()
        with signals_held_back():  # a process without a record would never be stopped
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                    start_new_session=True, env=environment,
                )  # fmt: skip
            except FileNotFoundError:
                raise ServiceError(
                    f"cannot start the {name} server: {command[0]!r} is not installed or not on "
                    "PATH"
                ) from None
            created = psutil.Process(process.pid).create_time()
            record = Record(name, process.pid, created, section.url, command, str(log), container)
            write_text_atomic(_record_path(cfg, name), json.dumps(asdict(record), indent=1) + "\n")
    if container and process.wait() != 0:
        raise ServiceError(f"docker could not start the {name} server:\n{_tail(log)}")
    return record


def _wait(section: DictConfig, record: Record, timeout_s: float) -> None:
    deadline, first = time.monotonic() + timeout_s, _life(record)
    while not healthy(section):
        if not first.startswith("running") or _life(record) != first:
            raise ServiceError(f"the {record.name} server died while starting:\n{_log(record)}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"the {record.name} server was not healthy after {timeout_s} s:\n{_log(record)}"
            )
        time.sleep(0.2)
    if not _running(record):
        raise ServiceError(f"the {record.name} server died while starting:\n{_log(record)}")


def _require_healthy(section: DictConfig, name: str) -> None:
    if not healthy(section):
        raise ServiceError(
            f"no healthy {name} server at {section.url}, and the config does not say how to start "
            f"one (servers.{name}.start is empty); start it, or correct servers.{name}.url"
        )


def require_free_port(url: str, name: str) -> None:
    """Raises ServiceError naming the holder if the port of a URL is taken on this machine."""
    holder = port_holder(_port(url))
    if holder:
        raise ServiceError(
            f"port {_port(url)} for the {name} server is held by {holder}; stop it, or choose "
            f"another port with --set servers.{name}.url=http://localhost:PORT"
        )


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _running(record: Record) -> bool:
    return _life(record).startswith("running")


def _life(record: Record) -> str:
    """`running …` while the server lives; for a container, also how often it was restarted."""
    if record.container:
        return containers.life(record.container)
    return "running" if record.process() else ""


def stop_group(process: psutil.Process) -> None:
    """Sends SIGTERM to a process group and SIGKILL to whatever is left after the grace time."""
    members = [process, *process.children(recursive=True)]
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        _, members = psutil.wait_procs(members, timeout=STOP_GRACE_S)
        if not members:
            return
    for member in members:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue


def _is_zombie(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_ZOMBIE


def _log(record: Record) -> str:
    if not record.container:
        return _tail(Path(record.log))
    lines = containers.log_lines(record.container, LOG_TAIL)
    return _block(lines) + f"\n(from docker logs {record.container})"


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return _block(lines[-LOG_TAIL:]) + f"\n(whole log: {path})"


def _block(lines: list[str]) -> str:
    return "\n".join("  | " + line for line in lines)


if __name__ == "__main__":
    config.main(main)
