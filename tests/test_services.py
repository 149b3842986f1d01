"""Server life-cycle: health, adoption, log tail of a dead one, a stranger's port, exact stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict

import psutil
import pytest

from coprover import config, services
from coprover.config import ConfigError
from coprover.containers import DockerError
from coprover.services import ServiceError

SERVER = """
import http.server, sys, time
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
print("about to", sys.argv[2], flush=True)
if sys.argv[2] == "die": sys.exit("out of luck")
if sys.argv[2] == "hang": time.sleep(60)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""


@pytest.fixture
def make_cfg(tmp_path, free_port):
    script = tmp_path / "server.py"
    script.write_text(SERVER)

    def make(mode="serve", timeout_s=20):
        return config.load([], [
            f"run.dir={tmp_path}/run", f"servers.lean.url=http://127.0.0.1:{free_port}",
            f"servers.start_timeout_s={timeout_s}", "servers.lean.daemon=none",
            "servers.lean.start=" + str([sys.executable, str(script), "{port}", mode]),
        ])  # fmt: skip
    return make


@pytest.fixture
def stopping(make_cfg):
    yield
    services.stop(make_cfg(), "lean")


def test_start_adopt_status_stop(make_cfg, stopping):
    cfg = make_cfg()
    first = services.start(cfg, "lean")
    assert services.start(cfg, "lean") == first  # our own healthy one is kept
    line = services.status(cfg, "lean")
    assert "healthy" in line and str(first.pid) in line
    assert services.stop(cfg, "lean") and not services.healthy(cfg.servers.lean)
    assert not services.stop(cfg, "lean")


def test_changed_command_replaces_the_server(make_cfg, stopping):
    first = services.start(make_cfg(), "lean")
    second = services.start(make_cfg("again"), "lean")
    assert second.pid != first.pid and first.process() is None


def test_killed_server_is_started_again(make_cfg, stopping):
    first = services.start(make_cfg(), "lean")
    first.process().kill()
    assert services.start(make_cfg(), "lean").pid != first.pid


def test_a_signal_between_start_and_record_stops_the_server(make_cfg, monkeypatch):
    pids, write = [], services.write_text_atomic
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background

    def interrupted(path, text):
        pids.append(json.loads(text)["pid"])
        signal.raise_signal(signal.SIGINT)
        write(path, text)
    monkeypatch.setattr(services, "write_text_atomic", interrupted)
    with pytest.raises(KeyboardInterrupt):
        services.launch(make_cfg(), "lean")
    signal.signal(signal.SIGINT, before)
    assert not psutil.pid_exists(pids[0]) and services.read_record(make_cfg(), "lean") is None


def test_together_every_server_is_launched_before_one_is_awaited(make_cfg, monkeypatch):
    calls = []
    monkeypatch.setattr(services, "launch", lambda _, name: calls.append(f"launch {name}"))
    monkeypatch.setattr(services, "await_healthy", lambda *a: calls.append(f"await {a[1]}"))
    services.start_together({"lean": make_cfg(), "generator": make_cfg()})
    assert calls == ["launch lean", "launch generator", "await lean", "await generator"]


def test_dead_server_shows_its_log(make_cfg, stopping):
    with pytest.raises(ServiceError, match="died while starting") as error:
        services.start(make_cfg("die"), "lean")
    assert "out of luck" in str(error.value) and "lean_server.log" in str(error.value)


def test_unhealthy_server_is_stopped_after_the_timeout(make_cfg, stopping):
    with pytest.raises(ServiceError, match="not healthy after 1 s"):
        services.start(make_cfg("hang", 1), "lean")
    assert services.read_record(make_cfg(), "lean") is None
    assert not [p for p in psutil.Process().children() if "hang" in p.cmdline()]


def test_strangers_port_is_named_and_the_stranger_lives(make_cfg, free_port):
    stranger = subprocess.Popen([sys.executable, "-c", SERVER, str(free_port), "serve"])
    try:
        while socket.socket().connect_ex(("127.0.0.1", free_port)):
            time.sleep(0.05)
        with pytest.raises(ServiceError) as error:
            services.start(make_cfg(), "lean")
        assert f"port {free_port}" in str(error.value) and f"PID {stranger.pid}" in str(error.value)
        services.stop(make_cfg(), "lean")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_missing_checkpoint_is_named(tmp_path):
    cfg = config.load([], [f"run.dir={tmp_path}", f"servers.generator.checkpoint={tmp_path}/no"])
    with pytest.raises(ValueError, match="no checkpoint in .*no for the generator server"):
        services.start(cfg, "generator")


def test_server_that_is_not_ours_to_start_must_be_healthy(free_port):
    url = f"http://127.0.0.1:{free_port}"
    cfg = config.load([], [f"servers.lean.url={url}", "servers.lean.start=[]"])
    with pytest.raises(ServiceError, match="no healthy lean server"):
        services.start(cfg, "lean")


# ---- containers: test_docker_scripts.py has the rest -----------------------------------------


def test_the_hosts_record_is_left_alone_where_the_server_is_not_ours(
    tmp_path, free_port, monkeypatch
):
    """In the container `start` is empty, there is no docker, and run.dir is the host's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    sets = [f"run.dir={tmp_path}/run", f"servers.lean.url=http://127.0.0.1:{free_port}"]
    host, inside = config.load([], sets), config.load([], [*sets, "servers.lean.start=[]"])
    record = services.Record("lean", 1, 0.0, host.servers.lean.url, ["docker"], "log", "kimina")
    path = tmp_path / "run" / "servers" / "lean.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(asdict(record)))
    with pytest.raises(ServiceError, match="no healthy lean server"):
        services.start(inside, "lean")
    assert not services.stop(inside, "lean") and path.exists()
    assert "of the host" in services.status(host, "lean")
    with pytest.raises(DockerError, match="docker is not on PATH"):
        services.stop(host, "lean")
    assert path.exists()


def test_a_container_without_a_name_is_refused(tmp_path):
    sets = [f"run.dir={tmp_path}/run", "servers.lean.start=[docker,run,-d,kimina]"]
    with pytest.raises(ConfigError, match="servers.lean.start.*--name"):
        services.start(config.load([], sets), "lean")


def test_dry_run_of_the_launcher_starts_nothing(tmp_path):
    words = [sys.executable, "-m", "coprover.services"]
    run = {"env": os.environ | {"DRY_RUN": "1"}, "cwd": config.ROOT, "capture_output": True,
           "text": True, "check": True}  # fmt: skip
    sets = ["--set", f"run.dir={tmp_path}/run"]
    lines = subprocess.run([*words, "start", *sets], **run).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"would start {n}" for n in services.NAMES]
    assert "'<checkpoint>'" in lines[1]
    lines = subprocess.run([*words, "stop", *sets], **run).stdout.splitlines()
    assert lines == [f"{name}: not started here" for name in reversed(services.NAMES)]
    assert list(tmp_path.iterdir()) == []
