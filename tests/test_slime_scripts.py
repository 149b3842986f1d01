"""train_step_grpo.sh and train_value_slime.sh through success and each failure."""

from __future__ import annotations

import json
import signal

import pytest
from node_fakes import Node, sh, the_error

GRPO, VALUE = "train_step_grpo.sh", "train_value_slime.sh"
BOTH = pytest.mark.parametrize("script", [GRPO, VALUE])
GENERATOR = {
    "num_hidden_layers": 30, "hidden_size": 4096, "intermediate_size": 11008,
    "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 102400,
    "rms_norm_eps": 1e-6, "max_position_embeddings": 65536, "rope_theta": 10000.0,
    "rope_scaling": {"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096},
}  # fmt: skip
BACKBONE = {
    "num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
    "rms_norm_eps": 1e-5, "max_position_embeddings": 131072, "rope_theta": 500000.0,
    "tie_word_embeddings": True,
    "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "high_freq_factor": 4.0,
                     "low_freq_factor": 1.0, "original_max_position_embeddings": 8192},
}  # fmt: skip
PARSER = """# stands for slime/utils/arguments.py: knows every flag but $FORGOTTEN
import argparse, os, sys

def parse_args():
    flags = [word.partition("=")[0] for word in sys.argv if word.startswith("--")]
    known = [flag for flag in flags if flag != os.environ.get("FORGOTTEN")]
    return argparse.Namespace(**{flag[2:].replace("-", "_"): 1 for flag in known},
                              apply_rope_fusion=False, add_bias_linear=False,
                              layernorm_epsilon=1e-6, compute_advantages_and_returns=False)
"""


class Slime(Node):
    """A node with Ray, SLIME's scripts, both models, a theorem file and value rows."""

    def __init__(self, folder) -> None:
        super().__init__(folder, "ray", "curl")
        for name in ("slime", "generator", "value", "data"):
            (folder / name).mkdir()
        for name in ("train.py", "train_async.py"):
            (folder / "slime" / name).touch()
        parser = folder / "slime" / "slime" / "utils" / "arguments.py"
        parser.parent.mkdir(parents=True)
        parser.write_text(PARSER)
        (folder / "generator" / "config.json").write_text(json.dumps(GENERATOR))
        (folder / "value" / "config.json").write_text(json.dumps(BACKBONE))
        theorem = {"name": "t", "formal_statement": "theorem t : True := by"}
        (folder / "train.jsonl").write_text(json.dumps(theorem) + "\n")
        row = {"text": "⊢ True", "label": 0.95}
        (folder / "data" / "train.jsonl").write_text(json.dumps(row) + "\n")
        self.output = folder / "out" / "model"
        self.work = folder / "out" / "model.slime"

    def words(self, script: str, *sets: str) -> list[str]:
        """The command line of a phase, everything in this folder."""
        role, model = ("grpo", "model") if script == GRPO else ("value", "base_model")
        source = "generator" if script == GRPO else "value"
        return [script, "--set", f"{role}.{model}={self.folder}/{source}",
                f"{role}.output={self.output}", f"{role}.slime.root={self.folder}/slime",
                f"theorems.train={self.folder}/train.jsonl", f"value.data={self.folder}/data",
                *sets]  # fmt: skip

    def phase(self, script: str, *sets: str):
        """Runs a phase to its end."""
        return self.run(*self.words(script, *sets))


@pytest.fixture
def node(tmp_path):
    node = Slime(tmp_path)
    yield node
    node.close()


def assert_nothing_came(node: Slime) -> None:
    assert not node.output.exists() and not list(node.folder.glob("out/*.tmp"))
    assert node.left() == []


@BOTH
def test_a_phase_leaves_the_newest_weights_and_no_process(node, script):
    done = node.phase(script)
    assert done.returncode == 0, done.stderr
    assert json.loads((node.output / "config.json").read_text()) == {"rollout": 19}
    assert (node.output / "model.safetensors").exists()
    assert not (node.work / "megatron").exists() and not (node.work / "hf").exists()
    assert (node.work / "config.yaml").is_file()
    row = json.loads((node.work / "prompts.jsonl").read_text())
    assert row["label"] == ("t" if script == GRPO else 0.95)
    assert node.left() == []
    (node.folder / "job").unlink()
    (node.work / "megatron").mkdir()  # as if killed between publishing and the removal
    again = node.phase(script)
    assert again.returncode == 0 and "already trained" in again.stdout
    assert not (node.folder / "job").exists() and not (node.work / "megatron").exists()


@BOTH
def test_a_flag_that_the_installed_slime_would_drop_stops_it(node, script):
    error = the_error(node.run(*node.words(script), FORGOTTEN="--adam-beta2"))
    assert "--adam-beta2" in error and "drop it silently" in error
    assert_nothing_came(node)
    assert not (node.folder / "job").exists()


@BOTH
def test_a_slime_that_cannot_be_imported_is_named(node, script):
    (node.folder / "slime" / "slime" / "utils" / "arguments.py").unlink()
    assert "SLIME cannot be imported" in the_error(node.phase(script))
    assert_nothing_came(node)


@BOTH
def test_checkpoints_stay_if_the_configuration_says_so(node, script):
    role = "grpo" if script == GRPO else "value"
    assert node.phase(script, f"{role}.slime.keep_checkpoints=true").returncode == 0
    assert (node.work / "megatron" / "iter_0000019").is_dir()
    assert [path.name for path in (node.work / "hf").iterdir()] == ["9"]


@BOTH
def test_half_a_checkpoint_is_not_published_and_nothing_is_removed(node, script):
    node.flag("no_weights")
    assert "holds no weights" in the_error(node.phase(script))
    assert (node.work / "megatron" / "iter_0000019").is_dir()
    assert_nothing_came(node)


@BOTH
def test_a_failed_job_fails_the_phase_and_publishes_nothing(node, script):
    node.flag("job_fails")
    error = the_error(node.phase(script), 7)
    assert "ended with status 7" in error and "resumes" in error
    assert_nothing_came(node)
    node.flag("job_fails", on=False)
    assert node.phase(script).returncode == 0


@pytest.mark.parametrize(("script", "how"), [
    (GRPO, signal.SIGINT), (GRPO, signal.SIGTERM), (GRPO, signal.SIGHUP), (VALUE, signal.SIGTERM),
])  # fmt: skip
def test_a_signal_during_the_job_leaves_nothing_running(node, script, how):
    node.flag("job_hangs")
    done = node.interrupt(how, *node.words(script))
    assert done.returncode == 130 and "interrupted" in done.stderr
    assert_nothing_came(node)


def test_a_signal_stops_the_job_on_another_cluster(node):
    node.flag("job_hangs")
    words = node.words(GRPO, "grpo.slime.ray_address=http://head:9999")
    done = node.interrupt(signal.SIGTERM, *words)
    assert done.returncode == 130
    [stop] = [call for call in node.calls() if "job stop" in call]
    assert "--address=http://head:9999 coprover-grpo-" in stop
    assert not (node.folder / "head.pid").exists()
    assert_nothing_came(node)


def test_a_signal_while_ray_comes_up_stops_the_head(node):
    node.flag("head_silent")
    node.env["WAIT_TRIES"] = "100"
    done = node.interrupt(signal.SIGTERM, *node.words(GRPO), until="head.pid")
    assert done.returncode == 130
    assert_nothing_came(node)


def test_a_ray_head_that_dies_shows_its_log(node):
    node.flag("head_dies")
    done = node.phase(GRPO)
    assert "did not come up" in the_error(done) and "  | no GPU left" in done.stderr
    assert_nothing_came(node)


def test_a_ray_head_that_never_answers_is_stopped(node):
    node.flag("head_silent")
    node.env["WAIT_TRIES"] = "1"
    assert "did not come up" in the_error(node.phase(GRPO))
    assert_nothing_came(node)


def test_a_ray_head_that_dies_during_the_job_shows_its_log(node):
    node.flag("head_dies_later")
    done = node.phase(GRPO)
    error = the_error(done, 1)
    assert "Ray's head died" in error and "ray.log" in error
    assert "  | GPU fell off the bus" in done.stderr
    assert_nothing_came(node)


def test_somebody_elses_ray_is_neither_used_nor_stopped(node):
    node.flag("stranger")
    error = the_error(node.phase(GRPO))
    assert "another Ray already answers" in error and "grpo.slime.ray_address" in error
    assert not (node.folder / "job").exists()
    assert not (node.folder / "head.pid").exists()


def test_a_missing_lean_server_stops_it_before_anything_starts(node):
    node.flag("no_lean")
    error = the_error(node.phase(GRPO))
    assert "host.docker.internal" in error and "launch_servers.sh start lean" in error
    assert not (node.folder / "head.pid").exists()


def test_a_checkpoint_of_another_architecture_stops_it(node):
    other = json.dumps(GENERATOR | {"vocab_size": 32000})
    (node.folder / "generator" / "config.json").write_text(other)
    assert "--vocab-size" in the_error(node.phase(GRPO))
    assert not (node.folder / "head.pid").exists()


def test_a_disk_that_is_full_at_the_start_is_named(node):
    error = the_error(node.run_on_full_disk(*node.words(GRPO)))
    assert "File too large" in error and "free space" in error
    assert not (node.folder / "job").exists()
    assert_nothing_came(node)


def test_a_disk_that_is_full_at_the_end_costs_no_weights(node):
    node.add("cp")
    error = the_error(node.phase(GRPO))
    assert "free space" in error and str(node.work / "hf" / "19") in error
    assert (node.work / "hf" / "19" / "model.safetensors").exists()
    assert_nothing_came(node)
    (node.bin / "cp").unlink()
    assert node.phase(GRPO).returncode == 0
    assert (node.output / "model.safetensors").exists()


def test_a_job_without_a_checkpoint_is_an_error(node):
    (node.bin / "ray").write_text((node.bin / "ray").read_text().replace("config.json", "other"))
    assert "left no Hugging Face checkpoint" in the_error(node.phase(GRPO))
    assert_nothing_came(node)


@pytest.mark.parametrize(("script", "missing"), [
    (GRPO, "model"), (GRPO, "data"), (GRPO, "slime"), (GRPO, "architecture"),
    (VALUE, "model"), (VALUE, "data"),
])  # fmt: skip
def test_what_is_missing_is_named_with_its_remedy(node, script, missing):
    role, model = ("grpo", "model") if script == GRPO else ("value", "base_model")
    sets = {
        "model": (f"{role}.{model}=nowhere", "prepare_all.sh --models"),
        "data": ("theorems.train=nowhere" if script == GRPO else "value.data=nowhere",
                 "prepare_all.sh" if script == GRPO else "prepare_value_data.py"),
        "slime": (f"{role}.slime.root=nowhere", "run_docker.sh"),
        "architecture": (f"{role}.slime.model_args=nowhere", "see models/"),
    }  # fmt: skip
    item, remedy = sets[missing]
    error = the_error(node.phase(script, item))
    assert "nowhere" in error and remedy in error
    assert_nothing_came(node)


def test_without_ray_the_container_is_the_remedy(node):
    (node.bin / "ray").unlink()
    assert "run_docker.sh" in the_error(node.phase(GRPO))


@pytest.mark.parametrize(("script", "words"), [
    (GRPO, ["--frobnicate"]), (GRPO, ["stray"]), (VALUE, ["--set", "value.lrr=1"]),
])  # fmt: skip
def test_wrong_arguments_start_nothing(node, script, words):
    done = node.run(script, *words)
    assert done.returncode == 2 and words[-1].removesuffix("=1") in done.stderr
    assert node.calls() == []


def test_architecture_files_set_one_array_and_nothing_else():
    for name in ("deepseek-prover-v2-7B", "llama-3.2-1B"):
        text = f"set -euo pipefail; before=$(compgen -v; set +o); source models/{name}.sh; " \
            "after=$(compgen -v; set +o); diff <(echo \"$before\") <(echo \"$after\") || true"
        new = [line for line in sh("-c", text).stdout.splitlines() if line.startswith(">")]
        assert set(new) <= {"> MODEL_ARGS", "> before", "> _"}


def test_an_architecture_file_that_fails_is_named(node):
    broken = node.folder / "broken.sh"
    broken.write_text('MODEL_ARGS=(--num-layers "$LAYERS")\n')
    error = the_error(node.phase(GRPO, f"grpo.slime.model_args={broken}"))
    assert "broken.sh does not set MODEL_ARGS" in error and "LAYERS" in error
    assert_nothing_came(node)
