"""The dry run: every command of a round in order, flags accepted, profiles compared, no traces."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import co_train
from coprover import config, slime_args, slime_flags
from coprover.config import ConfigError
from coprover.plan import Run, check_flags, gpus_wanted, value_mismatch

ROOT = Path(__file__).resolve().parent.parent
OVERLAYS = {"node": [], "one-gpu": ["configs/one_gpu.yaml"], "laptop": ["configs/local.yaml"]}
ROUND = ["round_1/search", "round_1/value", "round_1/grpo", "round_1/valid"]
SLIME_VALUE = "value.command=[bash,train_value_slime.sh]"


def dry_run(folder: Path, profile: str, *args: str) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if k not in ("DRY_RUN", "WORKSPACE")}
    (folder / "tmp").mkdir(exist_ok=True)
    env |= {"PROFILE": profile, "PYTHON": sys.executable, "TMPDIR": f"{folder}/tmp"}
    return subprocess.run(
        ["bash", "co_train.sh", "--dry-run", "--num-rounds", "1", "--run-name", "dry-run-test",
         *args], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def sections(done: subprocess.CompletedProcess) -> dict[str, list[str]]:
    """Heading -> the lines below it."""
    assert done.returncode == 0, done.stderr
    parts = re.split(r"^── (.*)$", done.stdout, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {name: body.strip().splitlines() for name, body in pairs}


def words(line: str) -> list[str]:
    """The argument array behind `would run: ` or `would start NAME: `."""
    return shlex.split(line.partition(": ")[2])


def slime_job(lines: list[str]) -> list[str]:
    [line] = [line for line in lines if "ray job submit" in line]
    return words(line)


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> tuple[dict[str, list[str]], Path]:
    folder = tmp_path_factory.mktemp("node")
    return sections(dry_run(folder, "node")), folder


def test_a_whole_round_of_the_node_comes_in_order(node):
    shown = node[0]
    inside = "container (this checkout is /workspace there)"
    names = ["host", inside, "prepare", "test_start", *ROUND, "test_round_1", "report_1", "end"]
    assert list(shown) == names
    kimina, container = shown["host"]
    assert words(kimina)[:5] == ["docker", "run", "-d", "--name", "kimina-lean-server"]
    assert words(container)[:2] == ["docker", "run"]
    assert "python3 co_train.py --set servers.lean.url=http://host.docker.internal" in container
    assert "prepare_minif2f.py" in shown["prepare"][1]
    grpo = [line.strip() for line in shown["round_1/grpo"]]
    order = ["would keep lean", "train_step_grpo.sh", "slime_args save", "filter_dataset.py",
             "coprover.slime_data", "ray start --head", "ray job submit", "would move",
             "would remove"]  # fmt: skip
    assert len(grpo) == len(order)
    assert all(step in line for step, line in zip(order, grpo, strict=True)), grpo
    assert str(ROOT) not in "\n".join(shown["round_1/grpo"])  # the container's paths


def test_the_slime_command_is_accepted_flag_by_flag(node):
    job = slime_job(node[0]["round_1/grpo"])
    slime_flags.check_flags(job[job.index("/root/slime/train.py") + 1 :], "dry run")


def test_gpus_are_handed_over(node):
    shown = node[0]
    served = [line for line in shown["test_start"] if line.startswith("would start generator")]
    slime_flags.check_sglang(words(served[0]), "dry run")
    assert "models/DeepSeek-Prover-V2-7B" in served[0]
    assert "would stop generator" in shown["round_1/value"]
    training = shown["round_1/value"] + shown["round_1/grpo"]
    assert not any(line.startswith("would start") for line in training)
    starts = [line for line in shown["round_1/valid"] if line.startswith("would start")]
    assert "--model-path runs/dry-run-test/round_1/generator" in starts[0]
    assert "--model-path runs/dry-run-test/round_1/value" in starts[1]
    assert shown["end"] == []  # all stopped before the report; Lean is the host's


def test_nothing_is_written(node):
    assert not (ROOT / "runs" / "dry-run-test").exists()
    assert list((node[1] / "tmp").iterdir()) == []


def test_value_model_on_slime_is_shown_and_its_other_settings_asked_for(tmp_path):
    done = dry_run(tmp_path, "node", "--only", "value", "--set", SLIME_VALUE)
    job = slime_job(sections(done)["only/value"])
    slime_flags.check_flags(job[job.index("/root/slime/train_async.py") + 1 :], "dry run")
    assert "a real run would stop here" in done.stderr and "value.head" in done.stderr


def test_one_gpu_is_colocated_and_accepted(tmp_path):
    shown = sections(dry_run(tmp_path, "one-gpu"))
    job = slime_job(shown["round_1/grpo"])
    args = job[job.index("/root/slime/train.py") + 1 :]
    slime_flags.check_flags(args, "dry run")
    given = dict(slime_flags.grouped(args, "dry run"))
    assert given["--colocate"] == [] and "--rollout-num-gpus" not in given
    assert given["--tensor-model-parallel-size"] == ["1"] == given["--actor-num-gpus-per-node"]
    assert "--optimizer-cpu-offload" in given and "--sequence-parallel" not in given
    assert int(given["--global-batch-size"][0]) * 2 == 128
    [head] = [line for line in shown["round_1/grpo"] if "ray start" in line]
    assert "--num-gpus 1 " in head
    assert not any("--dp-size" in line for lines in shown.values() for line in lines)


def test_the_laptop_shows_its_own_commands(tmp_path):
    shown = sections(dry_run(tmp_path, "laptop"))
    assert list(shown)[:3] == ["prepare", "warm_start", "test_start"]
    assert any("local.grpo" in line for line in shown["round_1/grpo"])
    assert shown["end"] == ["would stop lean"]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("grpo.slime.args.rollout_shufle=true", "rollout_shufle"),
        ("grpo.slime.extra=[--eps-clip-hgh,0.3]", "did you mean --eps-clip-high"),
        ('servers.generator.start=[python3,-m,sglang.launch_server,--dp-sise,"4"]', "--dp-size?"),
        ("search.budgett=3", "search.budgett"),
    ],
)
def test_a_misspelt_setting_stops_it_by_name(tmp_path, setting, named):
    done = dry_run(tmp_path, "node", "--set", setting)
    assert done.returncode == 2 and named in done.stderr, done.stderr
    assert "── prepare" not in done.stdout


def test_an_unknown_profile_is_an_error(tmp_path):
    done = dry_run(tmp_path, "phone")
    assert done.returncode == 2 and "PROFILE is node, one-gpu or laptop, not 'phone'" in done.stderr
    made = subprocess.run(["make", "-s", "profile", "PROFILE=phone"], cwd=ROOT, capture_output=True,
                          text=True)  # fmt: skip
    assert made.returncode and "not 'phone'" in made.stderr
    made = subprocess.run(["make", "-s", "profile", "PROFILE=one-gpu"], cwd=ROOT, text=True,
                          capture_output=True)  # fmt: skip
    assert "configs/one_gpu.yaml" in made.stdout


def test_what_is_done_already_is_marked(tmp_path, capsys):
    run = plan_of("node", f"run.dir={tmp_path}/run")
    output = tmp_path / "theorems"
    output.touch()
    run.manifest.data["phases"]["prepare"] = {"status": "done", "outputs": [str(output)]}
    co_train.dry_run.show(run)
    assert "── prepare (done: skipped)\n\n── test_start\n" in capsys.readouterr().out


# ---- the profiles, phase by phase --------------------------------------------------------------


def plan_of(profile: str, *sets: str) -> Run:
    overlays = [ROOT / overlay for overlay in OVERLAYS[profile]]
    return Run(config.load(overlays, ["run.rounds=1", "run.dir=runs/dry-run-test", *sets]))


def scripts(profile: str) -> dict[str, list[str]]:
    """Phase -> the scripts it calls, in order."""
    return {
        phase.name: [next(w for w in command if w.endswith((".py", ".sh")) or "." in w and "/" not
                          in w) for command in phase.commands]
        for group in plan_of(profile).phases() for phase in group
    }  # fmt: skip


def test_profiles_differ_in_their_phases_only_where_stated():
    node, one, laptop = (scripts(profile) for profile in OVERLAYS)
    assert node == one
    assert laptop.pop("warm_start") == ["local.warm_start"]
    assert node.pop("round_1/valid") == ["evaluate.py"]  # the last round: run.valid_after_last
    assert list(laptop) == list(node)
    differing = {name: (node[name], laptop[name]) for name in node if node[name] != laptop[name]}
    assert differing == {
        "prepare": (["prepare_all.sh"], ["local.families"]),
        "round_1/grpo": (["train_step_grpo.sh"], ["local.grpo"]),
    }


def test_servers_of_each_phase_are_the_same_in_all_profiles():
    needs = [{phase.name: sorted(phase.servers) for group in plan_of(profile).phases()
              for phase in group} for profile in OVERLAYS]  # fmt: skip
    assert needs[2].pop("warm_start") == []
    needs[2]["round_1/valid"] = needs[0]["round_1/valid"]  # not after the last round
    assert needs[0] == needs[1] == needs[2]
    assert needs[0]["round_1/value"] == [] and needs[0]["round_1/grpo"] == ["lean"]


def gpus_of(start: list[str], total: int) -> set[int]:
    """The GPUs a server's command takes: those it may see, as many as it has replicas."""
    visible = [w.partition("=")[2] for w in start if w.startswith("CUDA_VISIBLE_DEVICES=")]
    first = [int(n) for n in visible[0].split(",")] if visible else list(range(total))
    return set(first[: int(start[start.index("--dp-size") + 1]) if "--dp-size" in start else 1])


def test_servers_fit_the_gpus_side_by_side():
    servers = plan_of("node").cfg.servers
    generator, value = (gpus_of(servers[n].start, 8) for n in ("generator", "value"))
    assert generator == {0, 1, 2, 3} and value == {4}
    assert gpus_wanted(plan_of("node").cfg) == 8
    one = plan_of("one-gpu").cfg
    assert gpus_of(one.servers.generator.start, 1) == gpus_of(one.servers.value.start, 1) == {0}
    start = list(one.servers.generator.start)
    assert float(start[start.index("--mem-fraction-static") + 1]) <= 0.7  # the value model's room
    assert gpus_wanted(one) == 1 and gpus_wanted(plan_of("laptop").cfg) == 0


@pytest.mark.parametrize("profile", ["node", "one-gpu"])
def test_the_value_model_is_served_on_a_gpu_at_the_port_of_its_url(profile):
    start = list(plan_of(profile).cfg.servers.value.start)
    assert start[start.index("--device") + 1] == "cuda"
    for name in ("generator", "value"):
        start = list(plan_of(profile).cfg.servers[name].start)
        assert start[start.index("--port") + 1] == "{port}"


@pytest.mark.parametrize("role", ["grpo", "value"])
@pytest.mark.parametrize("profile", ["node", "one-gpu"])
def test_both_slime_commands_of_both_profiles_are_accepted(profile, role):
    args = slime_args.training_args(plan_of(profile).cfg, role)
    slime_flags.check_flags(args, f"{profile} {role}")


def test_too_few_gpus_are_named_before_anything_starts(tmp_path, monkeypatch):
    (tmp_path / "config.json").touch()
    cfg = plan_of("node", f"models.generator={tmp_path}").cfg
    monkeypatch.setattr(co_train, "gpu_names", lambda: ["H100"])
    with pytest.raises(ConfigError, match="asks for 8 GPUs and nvidia-smi lists 1.*PROFILE=one-gp"):
        co_train._preflight(cfg)


def test_value_model_served_otherwise_than_trained_is_refused():
    assert value_mismatch(plan_of("node").cfg) == ""
    assert "value.head=mlp" in value_mismatch(plan_of("node", SLIME_VALUE).cfg)
    both = [SLIME_VALUE, "value.head=labels"]
    assert value_mismatch(plan_of("node", *both).cfg)  # still served with --is-embedding
    serve = "servers.value.start=[python3,-m,sglang.launch_server,--model-path,'{checkpoint}']"
    assert value_mismatch(plan_of("node", *both, serve).cfg) == ""
    assert value_mismatch(plan_of("node", "value.head=labels").cfg)


def test_a_hook_that_asks_the_value_model_finds_it_served():
    def servers(*sets: str) -> dict:
        return {phase.name: phase.servers for group in plan_of("node", *sets).phases()
                for phase in group}["round_1/grpo"]  # fmt: skip

    value = Path("runs/dry-run-test/round_1/value")
    assert "value" not in servers("reward.value_weight=0.3")  # lean_reward asks nobody
    assert servers("reward.value_weight=0.3",
                   "grpo.slime.reward=value_reward.compute_reward")["value"] == value
    assert servers("grpo.slime.generate=value_rollout.generate")["value"] == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model-path", "m", "--dp-size", "four"], "wants a value of kind int"),
        (["--model-path", "m", "--port", "1", "--port", "2"], "given twice"),
        (["--router-policy", "random"], "unknown flag --router-policy"),
        (["--router-ip", "x"], "unknown flag --router-ip"),  # SLIME's, not the server's
        (["--is-embedding", "yes"], "takes no value"),
    ],
)
def test_flags_of_sglangs_server_are_checked(words, message):
    with pytest.raises(ConfigError, match=message):
        slime_flags.check_sglang(["python3", "-m", "sglang.launch_server", *words], "test")
    slime_flags.check_sglang(["python3", "-m", "other", *words], "test")


def test_the_routers_flags_are_known_where_it_is_started_and_no_others():
    start = ["python3", "-m", "sglang_router.launch_server", "--model-path", "m"]
    slime_flags.check_sglang([*start, "--router-policy", "random", "--dp-size", "4"], "test")
    with pytest.raises(ConfigError, match=r"unknown flag --router-polcy .*--router-policy"):
        slime_flags.check_sglang([*start, "--router-polcy", "random"], "test")


def test_a_router_is_waited_for_by_the_route_that_knows_its_workers():
    for profile in OVERLAYS:  # its /health answers 200 before there is a worker: test_router.py
        generator = plan_of(profile).cfg.servers.generator
        routed = "sglang_router.launch_server" in generator.start
        assert generator.health == ("/readiness" if routed else "/health"), profile
        assert routed == (profile == "node")


def test_every_profile_passes_the_check_of_its_flags():
    for profile in OVERLAYS:
        check_flags(plan_of(profile).cfg)


def test_only_generator_forgets_what_slime_would_resume_from(tmp_path):
    run = plan_of("node", f"run.dir={tmp_path}", "run.only=generator")
    [phase] = run.plan()[-1]
    phase.outputs[0].mkdir(parents=True)
    (tmp_path / "only" / "generator.slime" / "megatron").mkdir(parents=True)
    run.manifest.data["phases"][phase.name] = {"status": "done",
                                               "outputs": [str(phase.outputs[0])]}  # fmt: skip
    co_train._forget(run, [phase])
    assert list((tmp_path / "only").iterdir()) == []
