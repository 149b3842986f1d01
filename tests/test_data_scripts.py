"""prepare_all.sh, convert_and_serve.sh and check_status.sh through success and each failure."""

from __future__ import annotations

import json
import signal
import sys

import pytest
from node_fakes import ROOT, Node, Stranger, sh, the_error

CONVERTER = """
import argparse, os, pathlib, sys, time
parser = argparse.ArgumentParser()
for name in ("--input-dir", "--output-dir", "--origin-hf-dir"):
    parser.add_argument(name, required=True)
options = parser.parse_args()
fakes, out = pathlib.Path(os.environ["FAKES"]), pathlib.Path(options.output_dir)
assert pathlib.Path(options.input_dir).is_dir() and not out.exists()
out.mkdir(parents=True)
if (fakes / "no_config").exists():
    sys.exit(0)
(out / "config.json").write_text("{}")
if (fakes / "conversion_fails").exists():
    sys.exit("OSError: [Errno 28] No space left on device")
if (fakes / "conversion_hangs").exists():
    (fakes / "hanging").touch()
    time.sleep(300)
(out / "model.safetensors").write_text("weights of " + options.input_dir)
"""


@pytest.fixture
def node(tmp_path):
    node = Node(tmp_path, "hf", "python")
    node.env["PYTHON"] = str(node.bin / "python")
    yield node
    node.close()


# ---- prepare_all.sh ----------------------------------------------------------------------------


def prepare_words(node: Node, *more: str) -> list[str]:
    files = [f"theorems.{part}={node.folder}/{part}.jsonl" for part in ("train", "valid", "test")]
    models = [f"models.{name}={node.folder}/models/{name}" for name in ("generator", "value")]
    return ["prepare_all.sh", *more, "--set", *files, *models]


def made(node: Node) -> set[str]:
    """What lies under its final name."""
    files = {path.name for path in node.folder.glob("*.jsonl")}
    models = node.folder / "models"
    return files | {path.parent.name for path in models.glob("*/model.safetensors")
                    if path.parent.suffix != ".part"}  # fmt: skip


def downloads(node: Node) -> list[str]:
    return [call for call in node.calls() if "prepare_minif2f" in call or call.startswith("hf ")]


ALL = {"train.jsonl", "valid.jsonl", "test.jsonl", "generator", "value"}


def test_everything_is_prepared_once(node):
    done = node.run(*prepare_words(node, "--models"))
    assert done.returncode == 0, done.stderr
    assert made(node) == ALL and len(downloads(node)) == 4
    assert node.run(*prepare_words(node, "--models")).returncode == 0
    assert len(downloads(node)) == 4


@pytest.mark.parametrize(("flag", "left"), [
    ("minif2f_fails", set()), ("promptset_fails", {"test.jsonl"}),
])  # fmt: skip
def test_a_failed_download_stops_it_and_the_next_call_goes_on(node, flag, left):
    node.flag(flag)
    error = the_error(node.run(*prepare_words(node, "--models")))
    assert f"cannot load AI-MO/{flag.removesuffix('_fails')}" in error and made(node) == left
    node.flag(flag, on=False)
    before = len(downloads(node))
    assert node.run(*prepare_words(node, "--models")).returncode == 0
    assert made(node) == ALL and len(downloads(node)) - before == 4 - len(left)


def test_half_a_model_is_never_taken_for_a_model(node):
    node.flag("hf_fails")
    done = node.run(*prepare_words(node, "--models"))
    error = the_error(done)
    assert "download of deepseek-ai/DeepSeek-Prover-V2-7B failed" in error and "disk" in error
    assert "No space left on device" in done.stderr
    assert not (node.folder / "models" / "generator").exists()
    node.flag("hf_fails", on=False)
    assert node.run(*prepare_words(node, "--models")).returncode == 0
    assert f"continued {node.folder}/models/generator.part" in node.calls()
    assert made(node) == ALL and not list((node.folder / "models").glob("*.part"))


@pytest.mark.parametrize(("flag", "how", "left"), [
    ("promptset_hangs", signal.SIGTERM, {"test.jsonl"}),
    ("hf_hangs", signal.SIGINT, {"train.jsonl", "valid.jsonl", "test.jsonl"}),
])  # fmt: skip
def test_a_signal_ends_the_download_and_the_next_call_goes_on(node, flag, how, left):
    node.flag(flag)
    done = node.interrupt(how, *prepare_words(node, "--models"))
    assert done.returncode == 130 and "interrupted" in done.stderr
    assert node.left() == [] and made(node) == left
    node.flag(flag, on=False)
    assert node.run(*prepare_words(node, "--models")).returncode == 0 and made(node) == ALL


def test_a_model_folder_of_another_kind_is_not_touched(node):
    other = node.folder / "models" / "generator"
    other.mkdir(parents=True)
    (other / "notes.txt").touch()
    error = the_error(node.run(*prepare_words(node, "--models")))
    assert f"cannot rename {other}.part to {other}" in error and "move" in error
    assert [path.name for path in other.iterdir()] == ["notes.txt"]


def test_without_hf_the_remedy_is_named(node):
    (node.bin / "hf").unlink()
    node.only("mv")
    error = the_error(node.run(*prepare_words(node, "--models")))
    assert "hf is not on PATH" in error and "huggingface_hub" in error


def test_a_full_disk_leaves_no_theorem_file(node):
    output = node.folder / "out" / "test.jsonl"
    words = [sys.executable, "prepare_minif2f.py", "minif2f", "--from",
             "examples/minif2f_smoke.jsonl", "--output", output]  # fmt: skip
    done = node.run_on_full_disk("-c", 'exec "$@"', "bash", *words)
    error = the_error(done)
    assert "File too large" in error and "free space" in error
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("words", [["--frobnicate"], ["--set", "theorems.tset=x"]])
def test_wrong_arguments_of_prepare_all(node, words):
    done = node.run("prepare_all.sh", *words)
    assert done.returncode == 2 and words[-1].removesuffix("=x") in done.stderr
    assert downloads(node) == []
    error = the_error(node.run("prepare_all.sh", PROFILE="phone"))
    assert "PROFILE is node, one-gpu or laptop" in error


# ---- convert_and_serve.sh ----------------------------------------------------------------------


@pytest.fixture
def megatron(node):
    """The words that convert the newest of two iterations; the generator's port is closed."""
    for name in ("m/iter_0000009", "m/iter_0000019", "slime/tools", "origin"):
        (node.folder / name).mkdir(parents=True)
    (node.folder / "m" / "latest_checkpointed_iteration.txt").write_text("19\n")
    (node.folder / "slime" / "tools" / "convert_torch_dist_to_hf.py").write_text(CONVERTER)
    (node.folder / "origin" / "config.json").write_text("{}")
    folder = node.folder
    return ["convert_and_serve.sh", "--input", f"{folder}/m", "--output", f"{folder}/hf",
            "--origin", f"{folder}/origin", "--set", f"grpo.slime.root={folder}/slime",
            f"run.dir={folder}/run"]  # fmt: skip


def serving(node: Node, port: int, program: str) -> list[str]:
    start = json.dumps([sys.executable, "-c", program, "{port}", "{checkpoint}"])
    return [f"servers.generator.url=http://127.0.0.1:{port}", f"servers.generator.start={start}"]


def test_the_newest_iteration_is_converted(node, megatron):
    done = node.run(*megatron, "--no-serve")
    assert done.returncode == 0, done.stderr
    assert (node.folder / "hf" / "model.safetensors").read_text().endswith("m/iter_0000019")
    error = the_error(node.run(*megatron, "--no-serve"))
    assert "exists already" in error and "launch_servers.sh start generator" in error


@pytest.mark.parametrize(("flag", "part"), [
    ("conversion_fails", "df -h"), ("no_config", "left no config.json"),
])  # fmt: skip
def test_a_failed_conversion_leaves_nothing_and_can_be_repeated(node, megatron, flag, part):
    node.flag(flag)
    done = node.run(*megatron, "--no-serve")
    assert part in the_error(done)
    assert ("No space left" in done.stderr) == (flag == "conversion_fails")
    assert not list(node.folder.glob("hf*"))
    node.flag(flag, on=False)
    (node.folder / "hf.tmp").mkdir()  # of a conversion that was killed outright
    assert node.run(*megatron, "--no-serve").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_conversion_leaves_nothing(node, megatron, how):
    node.flag("conversion_hangs")
    done = node.interrupt(how, *megatron, "--no-serve")
    assert done.returncode == 130 and node.left() == []
    assert not list(node.folder.glob("hf*"))


def test_what_was_converted_is_served(node, megatron, free_port):
    program = "import http.server as h, sys; h.test(port=int(sys.argv[1]), bind='127.0.0.1', " \
        "HandlerClass=h.SimpleHTTPRequestHandler)"
    sets = [*serving(node, free_port, program), "servers.generator.health=/README.md"]
    done = node.run(*megatron, *sets)
    assert done.returncode == 0 and "generator  ready" in done.stdout, done.stderr
    stop = ["launch_servers.sh", "stop", "generator", "--set", f"run.dir={node.folder}/run", *sets]
    assert "stopped" in node.run(*stop).stdout and node.left() == []


def test_a_server_that_dies_costs_no_conversion(node, megatron, free_port):
    sets = serving(node, free_port, "raise SystemExit('no GPU left')")
    error = the_error(node.run(*megatron, *sets))
    assert "the generator server died" in error and "  | no GPU left" in error
    assert (node.folder / "hf" / "model.safetensors").exists() and node.left() == []


def test_a_signal_while_the_server_starts_stops_it(node, megatron, free_port):
    program = f"open('{node.folder}/hanging', 'w'); import time; time.sleep(300)"
    done = node.interrupt(signal.SIGTERM, *megatron, *serving(node, free_port, program))
    assert done.returncode == 130 and node.left() == []
    assert (node.folder / "hf" / "model.safetensors").exists()


def test_a_busy_generator_port_is_named(node, megatron, free_port):
    with Stranger(free_port) as stranger:
        error = the_error(node.run(*megatron, *serving(node, free_port, "")))
        assert f"port {free_port}" in error and f"PID {stranger.pid}" in error
        assert stranger.poll() is None


@pytest.mark.parametrize(("words", "part"), [
    ([], "usage"), (["--input"], "wants a folder"), (["--origin", "nowhere"], "nowhere"),
    (["--input", "nowhere"], "correct --input"), (["--set", "grpo.slime.root=no"], "run_docker.sh"),
    (["--frobnicate"], "--frobnicate"),
])  # fmt: skip
def test_wrong_arguments_of_convert_and_serve(node, megatron, words, part):
    full = [*megatron, *words] if words else megatron[:1]
    done = node.run(*full)
    assert done.returncode == 2 and part in done.stderr
    assert not list(node.folder.glob("hf*"))


def test_an_iteration_that_is_not_there_is_named(node, megatron):
    (node.folder / "m" / "iter_0000019").rmdir()
    error = the_error(node.run(*megatron, "--no-serve"))
    assert "iter_0000019" in error and "latest_checkpointed_iteration.txt" in error


# ---- check_status.sh ---------------------------------------------------------------------------


def status_words(node: Node, ports: list[int]) -> list[str]:
    names = zip(("lean", "generator", "value"), (*ports, ports[1]), strict=True)
    return ["check_status.sh", "--set", f"run.dir={node.folder}/run",
            *(f"servers.{name}.url=http://127.0.0.1:{port}" for name, port in names)]  # fmt: skip


def test_status_while_nothing_runs(node, free_port, unused_port):
    done = node.run(*status_words(node, [free_port, unused_port]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("not answering") == 3 and "not started" in done.stdout
    assert not (node.folder / "run").exists()


def test_status_names_a_server_that_is_down(node, free_port, unused_port):
    record = {"name": "generator", "pid": 4194304, "created": 1.0, "command": ["x"], "log": "g.log",
              "url": f"http://127.0.0.1:{unused_port}"}  # fmt: skip
    folder = node.folder / "run" / "servers"
    folder.mkdir(parents=True)
    (folder / "generator.json").write_text(json.dumps(record))
    (node.folder / "run" / "metrics.jsonl").write_text('{"time": 1, "step": 3, "loss": 0.5}\n')
    words = status_words(node, [free_port, unused_port])
    done = node.run(*words)
    assert done.returncode == 0 and "process gone; log g.log" in done.stdout, done.stderr
    assert "loss" in done.stdout and "0.5" in done.stdout
    (folder / "generator.json").write_text("{")
    done = node.run(*words)
    assert "generator.json is damaged" in the_error(done) and "loss" in done.stdout


def test_status_shows_gpus_and_a_broken_driver(node, free_port, unused_port):
    node.add("nvidia-smi")
    words = status_words(node, [free_port, unused_port])
    assert "0, NVIDIA H200, 10 MiB" in node.run(*words).stdout
    node.flag("driver_broken")
    done = node.run(*words)
    assert done.returncode == 2 and "cannot query them" in done.stdout
    assert "NVML" in done.stderr and done.stdout.count("not answering") == 3


def test_wrong_arguments_of_check_status(node):
    for words in (["--frobnicate"], ["--set", "run.dri=x"]):
        done = sh("check_status.sh", *words, cwd=ROOT)
        assert done.returncode == 2 and words[-1].removesuffix("=x") in done.stderr
