"""launch_servers.sh, run_docker.sh and co_train.sh through success and each failure."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from node_fakes import ROOT, Node, Stranger, the_error

NAME = "kimina-lean-server"
SERVER = """
import http.server, sys, time
print("about to", sys.argv[2], flush=True)
if sys.argv[2] == "die": sys.exit("out of luck")
if sys.argv[2] == "hang": open(sys.argv[3], "w").close(); time.sleep(300)
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""


class Servers(Node):
    """A node with Docker, where Kimina's port is a free one and the generator is a small script."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        super().__init__(folder, "docker", "nvidia-smi")
        self.port, other = ports
        (folder / "server.py").write_text(SERVER)
        self.sets = {
            "run.dir": f"{folder}/run", "servers.start_timeout_s": "90",
            "servers.lean.url": f"http://127.0.0.1:{self.port}",
            "servers.lean.start": f"[docker,run,-d,--name,{NAME},-p,{self.port}:8000,kimina]",
            "servers.generator.url": f"http://127.0.0.1:{other}",
        }  # fmt: skip
        self.generator("serve")

    def generator(self, mode: str) -> None:
        """What the generator's process does: serve, die or hang."""
        words = [sys.executable, self.folder / "server.py", "{port}", mode, self.folder / "hanging"]
        self.sets["servers.generator.start"] = json.dumps(list(map(str, words)))

    def words(self, *words: str) -> list[str]:
        """The command line of launch_servers.sh."""
        return ["launch_servers.sh", *words, "--set", *(f"{k}={v}" for k, v in self.sets.items())]

    def launch(self, *words: str) -> subprocess.CompletedProcess:
        """Runs launch_servers.sh to its end."""
        return self.run(*self.words(*words))

    @property
    def container(self) -> str | None:
        """State and restarts of the container of Kimina's name, or None."""
        path = self.folder / "containers" / NAME
        return path.read_text().strip() if path.exists() else None

    def start_by_hand(self) -> None:
        """Runs Kimina as the README says, outside the scripts."""
        done = self.run("-c", f"docker run -d --name {NAME} -p {self.port}:8000 kimina")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def ports(free_port, unused_port):
    return [free_port, unused_port]


@pytest.fixture
def node(tmp_path, ports):
    node = Servers(tmp_path, ports)
    yield node
    node.close()


# ---- launch_servers.sh -------------------------------------------------------------------------


def test_start_status_and_stop(node):
    done = node.launch("start", "lean", "generator")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ready at") == 2 and node.container == "running 0"
    assert node.launch("start", "lean", "generator").returncode == 0
    assert sum(call.startswith("docker run") for call in node.calls()) == 1
    lines = node.launch("status", "lean", "generator").stdout
    assert lines.count(" healthy") == 2 and f"container {NAME}" in lines
    assert node.launch("stop").stdout.count("stopped") == 2
    assert node.container is None and node.left() == []


@pytest.mark.parametrize(("flag", "culprit"), [
    ("run_fails", "docker: pull access denied"), ("exits", "uvicorn: Lean is out of luck"),
    ("crashes", "uvicorn: Lean is out of luck"), ("never_healthy", "uvicorn: Lean is out of luck"),
])  # fmt: skip
def test_kimina_that_does_not_come_up_shows_its_log_and_is_removed(node, flag, culprit):
    node.flag(flag)
    node.sets["servers.start_timeout_s"] = "1"
    error = the_error(node.launch("start", "lean"))
    assert "the lean server" in error and f"  | {culprit}" in error
    assert node.container is None and node.left() == []
    node.flag(flag, on=False)
    node.sets["servers.start_timeout_s"] = "90"
    assert node.launch("start", "lean").returncode == 0


def test_kimina_started_by_hand_is_used_and_stays(node):
    node.start_by_hand()
    done = node.launch("start", "lean")
    assert done.returncode == 0 and "ready" in done.stdout
    assert "was not started from here" in node.launch("stop", "lean").stdout
    assert node.container == "running 0"


def test_a_stopped_container_of_that_name_is_named_and_kept(node):
    (node.folder / "containers").mkdir()
    (node.folder / "containers" / NAME).write_text("exited 0\n")
    error = the_error(node.launch("start", "lean"))
    assert f"{NAME} exists but is exited" in error and f"docker start {NAME}" in error
    assert node.container == "exited 0"


def test_a_running_container_that_does_not_answer_is_kept(node):
    (node.folder / "containers").mkdir()
    (node.folder / "containers" / NAME).write_text("running 3\n")
    node.sets["servers.start_timeout_s"] = "1"
    error = the_error(node.launch("start", "lean"))
    assert "not healthy after 1 s" in error and "Lean is out of luck" in error
    assert node.container == "running 3"


def test_a_port_held_by_a_stranger_is_named_and_the_stranger_lives(node):
    with Stranger(node.port) as stranger:
        error = the_error(node.launch("start", "lean"))
        assert f"port {node.port}" in error and f"PID {stranger.pid}" in error
        assert stranger.poll() is None
    assert node.container is None


def test_a_daemon_that_does_not_run_is_named(node):
    node.flag("daemon_down")
    error = the_error(node.launch("start", "lean"))
    assert "Cannot connect to the Docker daemon" in error and "systemctl start docker" in error
    done = node.launch("status", "lean")
    assert done.returncode == 0 and "not answering" in done.stdout


def test_without_docker_the_remedy_is_named(node):
    (node.bin / "docker").unlink()
    node.only()
    error = the_error(node.launch("start", "lean"))
    assert "docker is not on PATH" in error and "servers.NAME.start" in error


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_waiting_stops_what_was_started(node, how):
    node.generator("hang")
    done = node.interrupt(how, *node.words("start", "lean", "generator"))
    assert done.returncode == 130 and "interrupted" in done.stderr
    assert "lean       stopped again" in done.stdout
    assert node.container is None and node.left() == []


def test_a_signal_leaves_servers_that_were_there(node):
    assert node.launch("start", "lean").returncode == 0
    node.generator("hang")
    done = node.interrupt(signal.SIGINT, *node.words("start", "lean", "generator"))
    assert done.returncode == 130 and "stopped" not in done.stdout
    assert node.container == "running 0"
    assert node.launch("stop").returncode == 0 and node.left() == []


def test_a_signal_during_docker_run_leaves_no_container(node):
    node.flag("run_hangs")
    done = node.interrupt(signal.SIGTERM, *node.words("start", "lean"))
    assert done.returncode == 130
    assert node.container is None and node.left() == []


def test_a_server_that_dies_stops_those_started_before_it(node):
    node.generator("die")
    done = node.launch("start", "lean", "generator")
    error = the_error(done)
    assert "the generator server died" in error and "  | out of luck" in error
    assert "generator_server.log" in error
    assert node.container is None and node.left() == []


def test_a_full_disk_is_named_and_nothing_is_started(node):
    error = the_error(node.run_on_full_disk(*node.words("start", "lean")))
    assert "File too large" in error and "free space" in error
    assert node.container is None
    assert not list((node.folder / "run").rglob("*.json"))


def test_the_hosts_kimina_is_left_alone_from_inside_the_container(node):
    assert node.launch("start", "lean").returncode == 0
    (node.bin / "docker").rename(node.folder / "docker")
    node.only()
    node.sets["servers.lean.start"] = "[]"
    for action in ("start", "status", "stop"):
        done = node.launch(action, "lean")
        assert done.returncode == 0, done.stderr
    assert "was not started from here" in done.stdout and node.container == "running 0"


@pytest.mark.parametrize("words", [[], ["restart"], ["start", "lion"], ["start", "--frobnicate"]])
def test_wrong_arguments_of_launch_servers(node, words):
    done = node.run("launch_servers.sh", *words)
    assert done.returncode == 2 and node.calls() == []
    assert (words[-1] if words[:1] == ["start"] else "usage") in done.stderr


# ---- run_docker.sh -----------------------------------------------------------------------------


def test_run_docker_hands_over_to_docker(node):
    done = node.run("run_docker.sh", "bash", "train_step_grpo.sh")
    assert done.returncode == 0, done.stderr
    assert node.calls()[-1].endswith("slimerl/slime:latest bash train_step_grpo.sh")


@pytest.mark.parametrize(("flag", "env", "parts"), [
    ("no_image", {"DOCKER_IMAGE": "other:1"}, ["other:1", "docker pull other:1"]),
    ("daemon_down", {}, ["Cannot connect", "systemctl start docker"]),
    ("", {"WORKSPACE": "nowhere"}, ["WORKSPACE=nowhere", "create it"]),
])  # fmt: skip
def test_what_run_docker_misses_is_named(node, flag, env, parts):
    if flag:
        node.flag(flag)
    error = the_error(node.run("run_docker.sh", "true", **env))
    assert all(part in error for part in parts)
    assert not any(call.startswith("docker run") for call in node.calls())


def test_run_docker_without_docker(node):
    (node.bin / "docker").unlink()
    node.only()
    assert "docker is not on PATH" in the_error(node.run("run_docker.sh"))


def test_run_docker_refuses_options_and_passes_a_failure_on(node):
    done = node.run("run_docker.sh", "--frobnicate")
    assert done.returncode == 2 and "usage" in done.stderr and node.calls() == []
    node.flag("slime_fails")
    done = node.run("run_docker.sh", "true")
    assert done.returncode == 125 and "could not select device driver" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_container(node, how):
    node.flag("slime_hangs")
    done = node.interrupt(how, "run_docker.sh", "true")
    assert done.returncode == 143 and (node.folder / "ended").exists()
    assert node.left() == []


# ---- co_train.sh -------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path, node):
    """A copy of the scripts whose default Lean port is a free one; the preflight finds all there.
    """
    node.add("python")
    node.env["PYTHON"] = str(node.bin / "python")
    node.flag("complete")
    folder = tmp_path / "checkout"
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("configs", "coprover", "models", "local"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for path in (*ROOT.glob("*.sh"), *ROOT.glob("*.py")):
        shutil.copy(path, folder)
    config = folder / "configs" / "co_training.yaml"
    text = config.read_text()
    assert "http://localhost:8000" in text and '"8000:8000"' in text
    text = text.replace("http://localhost:8000", f"http://127.0.0.1:{node.port}")
    config.write_text(text.replace('"8000:8000"', f'"{node.port}:8000"'))
    return folder


def test_the_node_gets_kimina_and_then_the_container(node, checkout):
    done = node.run("co_train.sh", "--num-rounds", "5", cwd=checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("co_train: node profile (2 NVIDIA GPUs found)")
    assert "lean       ready" in done.stdout and node.container == "running 0"
    call = node.calls()[-1]
    assert "--gpus all" in call and "python3 co_train.py" in call and call.endswith("-rounds 5")


def missing(node: Servers, checkout: Path) -> str:
    """What the preflight's table names when co_train.sh stops on it, with nothing started."""
    node.flag("complete", on=False)
    done = node.run("co_train.sh", "--num-rounds", "1", cwd=checkout)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert not any(call.startswith("docker run -d") for call in node.calls())
    assert not any("co_train.py" in call for call in node.calls())
    return "".join(f"{s}\n" for s in done.stdout.splitlines() if s.startswith("missing"))


def test_a_node_without_docker_is_told_so(node, checkout):
    (node.bin / "docker").unlink()
    node.only()
    assert "install Docker" in missing(node, checkout)


def test_a_node_whose_lean_port_is_busy_is_told_so(node, checkout):
    with Stranger(node.port) as stranger:
        text = missing(node, checkout)
        assert f"port {node.port}" in text and f"PID {stranger.pid}" in text
        assert stranger.poll() is None


@pytest.mark.parametrize(("flag", "part"), [
    ("daemon_down", "systemctl start docker"), ("no_image", "docker pull slimerl/slime:latest"),
])  # fmt: skip
def test_a_node_where_docker_fails_is_told_so(node, checkout, flag, part):
    node.flag(flag)
    assert part in missing(node, checkout)


def test_a_kimina_that_crashes_stops_the_node(node, checkout):
    node.flag("crashes")
    assert "Lean is out of luck" in the_error(node.run("co_train.sh", cwd=checkout))
    assert not any("co_train.py" in call for call in node.calls())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_co_train_reaches_the_container(node, checkout, how):
    node.flag("slime_hangs")
    done = node.interrupt(how, "co_train.sh", cwd=checkout)
    assert done.returncode == 143 and (node.folder / "ended").exists()
    assert node.container == "running 0"  # a service: launch_servers.sh stop lean ends it


def test_a_signal_while_kimina_starts_leaves_nothing(node, checkout):
    node.flag("run_hangs")
    done = node.interrupt(signal.SIGTERM, "co_train.sh", cwd=checkout)
    assert done.returncode == 130 and node.container is None and node.left() == []
    assert not any("co_train.py" in call for call in node.calls())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_laptop_phase_ends_the_phase(node, ports, how):
    (node.bin / "nvidia-smi").write_text("#!/usr/bin/env bash\nexit 9\n")
    hang = node.folder / "hang.sh"
    hang.write_text(f"touch {node.folder}/hanging; sleep 300\n")
    sets = [f"run.dir={node.folder}/run", f"theorems.prepare=[bash,{hang}]",
            *(f"theorems.{part}={node.folder}/{part}.jsonl" for part in ("train", "valid", "test")),
            f"servers.lean.url=http://127.0.0.1:{ports[0]}",
            *(f"servers.{s}.url=http://127.0.0.1:{ports[1]}" for s in ("generator", "value"))]
    done = node.interrupt(how, "co_train.sh", "--set", *sets)
    assert done.returncode == 130 and "interrupted" in done.stderr
    assert done.stdout.startswith("co_train: laptop profile") and node.left() == []
    phases = json.loads((node.folder / "run" / "state.json").read_text())["phases"]
    assert phases["prepare"]["status"] == "running"  # not taken for done


def test_wrong_arguments_of_co_train(node):
    (node.bin / "nvidia-smi").write_text("#!/usr/bin/env bash\nexit 9\n")
    done = node.run("co_train.sh", "--frobnicate")
    assert done.returncode == 2 and "--frobnicate" in done.stderr
