"""The loop end to end in miniature: seeded, killed in the middle, continued, and what it left."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import co_train
from coprover import config
from coprover.checkpoints import weight_version
from coprover.records import read_jsonl
from coprover.runlog import path_hash

ROOT = Path(__file__).resolve().parent.parent
MINI = """
run: {{name: mini, dir: {dir}/run, rounds: 2, seed: 5}}
theorems:
  train: {dir}/families/train.jsonl
  valid: {dir}/families/valid.jsonl
  test: {dir}/families/test.jsonl
  per_round: 40
  families: {{out: {dir}/families, train: 160, valid: 20, test: 20, train_depth: 3, test_depth: 4,
             depths: [10, 60, 30], depths_of: {{rewrite: [10, 60, 30], chain: [10, 60, 30],
             sums: [1, 1, 1]}}, weights: {{chain: 30, quant: 30, rewrite: 30, prop: 10, sums: 0,
             induct: 0, lists: 0, mixed: 0}}}}
warm_start: {{recall_steps: 150, max_steps: 250, eval_every: 125, max_time_s: 60}}
search: {{budget: 6, candidates: 8}}
collect: {{budget: 6, samples_per_theorem: 2}}
value: {{max_time_s: 8}}
grpo: {{num_rollouts: 3, max_time_s: 20, prompts_per_rollout: 16, save_every: 1,
       replay: {{steps: 5}}}}
evaluate_valid: {{n_samples: 4, k: [1, 4], max_problems: 20, search_problems: 20, search_budget: 6}}
evaluate_test: {{n_samples: 8, k: [1, 8], search_budget: 6}}
servers:
  lean: {{url: "http://127.0.0.1:{ports[0]}"}}
  generator: {{url: "http://127.0.0.1:{ports[1]}"}}
  value: {{url: "http://127.0.0.1:{ports[2]}"}}
"""


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "co_train.py", "--config", "configs/local.yaml",
            str(folder / "mini.yaml"), *more]  # fmt: skip


def call(folder: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(command(folder, *more), cwd=ROOT, capture_output=True, text=True,
                          timeout=900)  # fmt: skip


def wait_for_phase(folder: Path, name: str, process: subprocess.Popen) -> None:
    state = folder / "run" / "state.json"
    while process.poll() is None:
        if state.exists():
            phases = json.loads(state.read_text())["phases"]
            if phases.get(name, {}).get("status") == "running":
                return
        time.sleep(0.2)
    raise AssertionError(f"the run ended before {name}:\n{process.stdout.read()[-3000:]}")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished miniature run that was killed in round 1's training: (folder, facts)."""
    folder = tmp_path_factory.mktemp("co_train")
    (folder / "mini.yaml").write_text(MINI.format(dir=folder, ports=free_ports(3)))
    with subprocess.Popen(command(folder), cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:  # fmt: skip
        wait_for_phase(folder, "round_1/grpo", process)
        time.sleep(2.0)
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
    left = list((folder / "run" / "processes").glob("*.json"))
    before = path_hash(folder / "run" / "round_1" / "searches.jsonl")
    again = call(folder)
    assert again.returncode == 0, (again.stdout + again.stderr)[-4000:]
    return folder / "run", {"left": left, "searches": before, "output": again.stdout}


@pytest.mark.slow
def test_first_line_says_which_profile(run):
    assert run[1]["output"].splitlines()[0].startswith("co_train: ")


@pytest.mark.slow
def test_killed_run_resumed_in_its_phase_and_finished(run):
    folder, facts = run
    phases = json.loads((folder / "state.json").read_text())["phases"]
    assert all(record["status"] == "done" for record in phases.values())
    assert facts["left"], "the killed orchestrator left its phase running"
    assert phases["warm_start"]["starts"] == phases["round_1/search"]["starts"] == 1
    assert phases["round_1/grpo"]["starts"] == 2
    assert path_hash(folder / "round_1" / "searches.jsonl") == facts["searches"]
    assert list((folder / "processes").iterdir()) == []
    assert list((folder / "servers").glob("*.json")) == []


@pytest.mark.slow
def test_next_round_uses_the_weights_the_last_round_trained(run):
    folder, _ = run
    start = weight_version(folder / "warm_start" / "generator")
    first = weight_version(folder / "round_1" / "generator")
    value = weight_version(folder / "round_1" / "value")
    assert len({start, first, weight_version(folder / "round_2" / "generator")}) == 3
    for number, generator, value_model in ((1, start, ""), (2, first, value)):
        attempts = read_jsonl(folder / f"round_{number}" / "attempts.jsonl")
        searches = read_jsonl(folder / f"round_{number}" / "searches.jsonl")
        assert {row["generator"] for row in attempts} == {generator}
        assert {row["generator"] for row in searches} == {generator}
        assert {row["value_model"] for row in searches} == {value_model}


@pytest.mark.slow
def test_result_is_on_screen_and_on_disk(run):
    folder, facts = run
    assert "pass@1" in facts["output"] and "report.md" in facts["output"]
    for name in ("report.md", "config.yaml", "metrics.jsonl", "plots/pass_at_k.png"):
        assert (folder / name).stat().st_size > 0
    evaluation = json.loads((folder / "eval" / "test_start.json").read_text())
    assert evaluation["provenance"]["commit"] and len(evaluation["theorems"]) >= 10
    assert evaluation["lean"] == {"lean": "minilean", "mathlib": None}


@pytest.mark.slow
def test_finished_run_says_so_and_other_settings_are_refused(run):
    folder = run[0].parent
    done = call(folder)
    assert done.returncode == 0 and "is finished" in done.stdout and "--num-rounds 4" in done.stdout
    other = call(folder, "--set", "grpo.lr=0.1")
    assert other.returncode == 2 and "another grpo.lr" in other.stderr


def test_rules_with_commas_reach_a_phase_whole(tmp_path):
    cfg = config.load([ROOT / "configs" / "local.yaml"], [f"run.dir={tmp_path}"])
    rules = ["logprob", "logmix:a=0.5,alpha=0.25"]
    words = co_train.Run(cfg).script("evaluate.py", evaluate__search_rules=rules)
    sets = words[words.index("--set") + 1:]
    assert config.load([], sets).evaluate.search_rules == rules


def test_a_command_that_does_not_exist_is_named(tmp_path):
    (tmp_path / "mini.yaml").write_text(MINI.format(dir=tmp_path, ports=free_ports(3)))
    failed = call(tmp_path, "--set", "theorems.prepare=[no-such-program]")
    assert failed.returncode == 2 and "no program 'no-such-program'" in failed.stderr
    assert "Traceback" not in failed.stderr
