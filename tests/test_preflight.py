"""Preflight: a whole node passes, and each missing thing is named with its remedy, all at once."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from test_slime_args import DEEPSEEK, LLAMA

from coprover import checks, config, preflight

ROOT = Path(__file__).resolve().parent.parent
DOCKER = """#!/usr/bin/env bash
printf '%s ' "$@" >> "$FAKES/docker.log"; echo >> "$FAKES/docker.log"
case "$1" in
  info) [[ ! -e "$FAKES/no_daemon" ]] || { echo "permission denied: docker.sock" >&2; exit 1; }
    echo 28.2.2 ;;
  image) name="${*: -1}"; name="${name%%:*}"; [[ ! -e "$FAKES/no_image_${name##*/}" ]] ;;
  container) [[ ! -e "$FAKES/kimina" ]] || cat "$FAKES/kimina" ;;
  run) [[ ! -e "$FAKES/no_toolkit" ]] || { echo "could not select device driver" >&2; exit 125; }
    case "$*" in
      *"nvidia-smi -L") nvidia-smi -L ;;
      *) cat "$FAKES/absent" ;;
    esac ;;
esac
"""
SMI = """#!/usr/bin/env bash
for ((i = 0; i < $(< "$FAKES/gpus"); i++)); do
  [[ "$1" == -L ]] && echo "GPU $i: NVIDIA H200" || cat "$FAKES/memory"
done
"""
Disk = namedtuple("Disk", "total used free")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path, free_port, monkeypatch):
    """A complete node of eight H200: fake tools, models, theorems; `sets` is its configuration."""
    write(tmp_path / "bin" / "docker", DOCKER)
    write(tmp_path / "bin" / "nvidia-smi", SMI)
    write(tmp_path / "gpus", "8")
    write(tmp_path / "memory", "143771, 4\n")
    write(tmp_path / "absent", "")
    for name, text in (("generator", DEEPSEEK), ("value", LLAMA)):
        write(tmp_path / name / "config.json", json.dumps(text))
        write(tmp_path / name / "tokenizer.json", "{}")
        write(tmp_path / name / "model.safetensors", "weights")
    sets = [f"run.dir={tmp_path}/run", f"models.generator={tmp_path}/generator",
            f"models.value={tmp_path}/value"]  # fmt: skip
    for key in ("train", "valid", "test"):
        theorem = {"name": key, "formal_statement": f"theorem {key} : True := by"}
        write(tmp_path / f"{key}.jsonl", json.dumps(theorem) + "\n")
        sets.append(f"theorems.{key}={tmp_path}/{key}.jsonl")
    sets += [f"servers.{name}.url=http://localhost:{free_port}"
             for name in ("lean", "generator", "value")]  # fmt: skip
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("FAKES", str(tmp_path))
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda path: Disk(4e12, 2e12, 2e12))
    monkeypatch.setattr(checks.os, "cpu_count", lambda: 192)
    free = namedtuple("Free", "available")(2e12)
    monkeypatch.setattr(checks.psutil, "virtual_memory", lambda: free)
    for name in ("DRY_RUN", "WORKSPACE", "DOCKER_IMAGE", "DOCKER_NETWORK"):
        monkeypatch.delenv(name, raising=False)
    return namedtuple("Machine", "folder port sets")(tmp_path, free_port, sets)


def look(machine, *sets: str) -> dict[str, dict[str, str]]:
    """status → what → remedy."""
    table: dict[str, dict[str, str]] = {"ok": {}, "warning": {}, "missing": {}}
    for finding in checks.findings(config.load(sets=[*machine.sets, *sets])):
        table[finding.status][finding.what] = finding.remedy
    return table


def test_a_complete_node_has_no_complaint(machine, capsys):
    assert preflight.main(["--set", *machine.sets, "--num-rounds", "2"]) == 0
    out = capsys.readouterr().out
    assert "0 warning, 0 missing" in out
    for what in ("Docker daemon", "image slimerl/slime:latest", "8 GPUs", "GPU memory",
                 "GPUs in the container", "packages and SLIME in the container",
                 "models.generator", "SLIME arguments of grpo", "models.value", "Lean cores",
                 "theorems.train", "disk", "memory", "lean server"):  # fmt: skip
        assert f"ok       {what} " in out, what
    assert "2 rounds take" in out


def test_everything_missing_is_named_at_once(machine, capsys):
    for name in ("no_image_slime", "no_image_kimina-lean-server"):
        write(machine.folder / name, "")
    write(machine.folder / "gpus", "4")
    shutil.rmtree(machine.folder / "value")
    (machine.folder / "generator" / "model.safetensors").unlink()
    assert preflight.main(["--set", *machine.sets]) == 1
    out = capsys.readouterr().out
    missing = [line for line in out.splitlines() if line.startswith("missing")]
    for text in ("docker pull slimerl/slime:latest",
                 "docker pull projectnumina/kimina-lean-server:2.0.0", "4 here; lower",
                 "holds no weights", f"no checkpoint at {machine.folder}/value"):  # fmt: skip
        assert any(text in line for line in missing), text
    assert f"{len(missing)} missing" in out.splitlines()[-1]


def test_docker_is_not_installed(machine):
    bare = machine.folder / "bare"
    bare.mkdir()
    for tool in ("bash", "dirname", "env", "cat"):
        (bare / tool).symlink_to(shutil.which(tool))
    (machine.folder / "bin" / "docker").unlink()
    os.environ["PATH"] = f"{machine.folder}/bin:{bare}"  # restored by the fixture's monkeypatch
    found = look(machine)
    assert "NVIDIA container toolkit" in found["missing"]["docker"]
    assert set(found["missing"]) == {"docker"}
    assert "docker pull" in found["warning"]["image slimerl/slime:latest"]


@pytest.mark.parametrize(
    ("broken", "what", "remedy"),
    [
        ("no_daemon", "Docker daemon", "permission denied"),
        ("no_toolkit", "GPUs in the container", "NVIDIA container toolkit"),
    ],
)
def test_docker_that_does_not_work(machine, broken, what, remedy):
    write(machine.folder / broken, "")
    found = look(machine)
    assert list(found["missing"]) == [what] and remedy in found["missing"][what]


def test_what_the_image_lacks_is_named(machine):
    write(machine.folder / "absent", "tenacity\n/root/slime/train.py\n")
    found = look(machine)
    assert set(found["missing"]) == {f"{name} in the container"
                                     for name in ("tenacity", "/root/slime/train.py")}  # fmt: skip
    log = (machine.folder / "docker.log").read_text()
    assert "coprover.preflight --inside /root/slime/train.py /root/Megatron-LM" in log


@pytest.mark.parametrize(
    ("memory", "status", "what"),
    [
        ("40960, 4\n", "missing", "GPU memory"),
        ("143771, 90000\n", "warning", "idle GPUs"),
    ],
)
def test_gpus_that_are_small_or_busy(machine, memory, status, what):
    write(machine.folder / "memory", memory)
    assert list(look(machine)[status]) == [what]


def test_no_gpu(machine):
    write(machine.folder / "gpus", "0")
    assert "lists none" in checks.read_gpus()
    write(machine.folder / "gpus", "1")
    write(machine.folder / "memory", "[N/A], 4\n")
    [found] = checks.gpus(config.load())
    assert found.status == "missing" and "does not say how much memory" in found.remedy


def test_a_server_that_wants_more_gpus(machine):
    write(machine.folder / "gpus", "1")
    sets = ["grpo.slime.colocate=true", "grpo.slime.actor_gpus_per_node=1",
            "grpo.slime.gpus_per_node=1", "grpo.slime.args.tensor_model_parallel_size=1"]
    found = look(machine, *sets, "grpo.slime.extra=[--optimizer-cpu-offload]")
    assert list(found["missing"]) == ["GPUs of the generator server"]


def test_impossible_layouts_stop_no_other_check(machine):
    found = look(machine, "grpo.slime.actor_gpus_per_node=3")
    assert "no multiple" in found["missing"]["GPUs"] and "theorems.test" in found["ok"]


@pytest.mark.parametrize(
    ("file", "text", "what", "remedy"),
    [
        ("generator/config.json", json.dumps(DEEPSEEK | {"vocab_size": 1}),
         "SLIME arguments of grpo", "--vocab-size"),
        ("generator/config.json", "{", "SLIME arguments of grpo", "damaged"),
        ("generator/tokenizer.json", None, "models.generator", "prepare_all.sh --models"),
        ("value/config.json", None, "models.value", "config.json"),
        ("test.jsonl", "{}\n", "theorems.test", "test.jsonl:1"),
    ],
)  # fmt: skip
def test_damaged_files_are_named(machine, file, text, what, remedy):
    if text is None:
        (machine.folder / file).unlink()
    else:
        write(machine.folder / file, text)
    found = look(machine)
    assert list(found["missing"]) == [what] and remedy in found["missing"][what]


def test_the_value_architecture_matters_to_slime_only(machine):
    write(machine.folder / "value" / "config.json", json.dumps(LLAMA | {"vocab_size": 1}))
    for command, status in (("python, train_value_model.py", "warning"),
                            ("bash, train_value_slime.sh", "missing")):  # fmt: skip
        cfg = config.load(sets=[*machine.sets, f"value.command=[{command}]"])
        found = {f.what: f.status for f in checks.models(cfg)}
        assert found["SLIME arguments of value"] == status


def test_theorems_are_made_by_the_first_phase(machine):
    (machine.folder / "train.jsonl").unlink()
    found = look(machine)
    assert not found["missing"] and "prepare_all.sh" in found["warning"]["theorems.train"]


def test_disk_counts_the_rounds_that_are_left(machine, monkeypatch):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda path: Disk(4e12, 4e12, 1e11))
    monkeypatch.setattr(checks.hardware, "disk_round_gb", lambda cfg: {"generator": 60.0})
    monkeypatch.setattr(checks.hardware, "disk_passing_gb", lambda cfg: 30.0)
    cfg = config.load(sets=[*machine.sets, "run.rounds=2"])
    found = checks.disk(cfg)
    assert found.status == "missing" and "2 rounds take up to 150" in found.remedy
    write(machine.folder / "run" / "round_1" / "generator" / "config.json", "{}")
    found = checks.disk(cfg)
    assert found.status == "ok" and "1 rounds take up to 90" in found.remedy


def test_memory_of_the_lean_workers(machine):
    start = '[docker, run, --name, k, -e, "LEAN_SERVER_MAX_REPLS={}", "kimina-lean-server:2.0.0"]'
    for workers, status in ((100, "ok"), (500, "warning"), (2000, "missing")):
        found = checks.memory(config.load(sets=["servers.lean.start=" + start.format(workers)]))
        assert found.status == status and f"Lean workers: {workers}" in found.remedy
    assert "LEAN_SERVER_MAX_REPLS=232" in found.remedy  # 2e12 / 8.6e9


def test_few_cores_are_a_warning(machine, monkeypatch):
    monkeypatch.setattr(checks.os, "cpu_count", lambda: 16)
    assert "about 86" in look(machine)["warning"]["Lean cores"]


def test_a_strangers_port(machine, monkeypatch):
    with socket.create_server(("127.0.0.1", machine.port)):
        found = look(machine)
        assert list(found["missing"]) == ["lean server"]
        assert f"PID {os.getpid()}" in found["missing"]["lean server"]
        assert set(found["warning"]) == {"generator server", "value server"}
        monkeypatch.setenv("DOCKER_NETWORK", "host")
        assert len(look(machine)["missing"]) == 3
        write(machine.folder / "kimina", "running")
        assert "is running" in look(machine)["ok"]["lean server"]
        write(machine.folder / "kimina", "exited")
        assert "docker start kimina-lean-server" in look(machine)["missing"]["lean server"]


def test_a_foreign_server_must_answer(machine):
    cfg = config.load(sets=[*machine.sets, "servers.lean.start=[]"])
    found = list(checks.findings(cfg))
    assert [f.what for f in found if f.status == "missing"] == ["lean server"]
    assert not any("kimina" in f.what for f in found)


def test_paths_of_the_container_are_looked_up_where_they_are_mounted(machine, monkeypatch):
    monkeypatch.setenv("WORKSPACE", str(machine.folder))
    found = look(machine, "models.generator=/workspace/generator")
    assert not found["missing"]
    assert f"{machine.folder}/generator" in found["ok"]["models.generator"]


def test_the_laptop(machine, free_port):
    sets = [f"servers.{name}.url=http://localhost:{free_port}" for name in ("lean", "value")]
    table = list(checks.findings(config.load(["configs/local.yaml"], sets)))
    names = {f.what for f in table}
    assert {"Python packages", "theorems.train", "disk", "memory", "lean server"} <= names
    assert not any("ocker" in name or "GPU" in name or "models" in name for name in names)
    assert not (machine.folder / "docker.log").exists()


def test_packages_are_compared_with_requirements(monkeypatch):
    found = preflight.packages(["psutil>=1", "psutil>=999", "no-such-package>=2"])
    assert [f.status for f in found] == ["ok", "missing", "missing"]
    assert found[1].what == "package psutil>=999" and "make setup" in found[2].remedy
    monkeypatch.setattr(preflight, "OF_IMAGE", ("no-such-package",))
    monkeypatch.setattr(preflight, "requirements", lambda: ["psutil>=999"])
    assert preflight.missing_inside(["/no/such/file", str(ROOT)]) == [
        "no-such-package", "/no/such/file"]  # fmt: skip


def test_a_python_without_anything_gets_the_table_too():
    done = subprocess.run([sys.executable, "-S", "-m", "coprover.preflight"], cwd=ROOT, text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 1, done.stderr
    for name in preflight.BASE:
        assert f"missing  package {name}" in done.stdout
    assert "not looked at" in done.stdout


def test_co_train_stops_before_anything_is_started(machine):
    write(machine.folder / "no_image_slime", "")
    done = subprocess.run(
        ["bash", "co_train.sh", "--num-rounds", "1", "--set", *machine.sets], cwd=ROOT, text=True,
        capture_output=True, env=os.environ | {"PYTHON": sys.executable},
    )  # fmt: skip
    assert done.returncode == 1
    assert "missing  image slimerl/slime:latest" in done.stdout
    assert "run -d" not in (machine.folder / "docker.log").read_text()
