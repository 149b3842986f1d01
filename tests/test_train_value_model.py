"""Training of the value model: learns, evaluates, resumes (train_value_model.py)."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")
from coprover import config  # noqa: E402
from coprover import value_training as tvm  # noqa: E402
from train_value_model import limit_gpus  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def test_schedule():
    assert tvm.schedule(0.05, 0.1, 0.1) == pytest.approx(0.5)
    assert tvm.schedule(0.1, 0.1, 0.1) == pytest.approx(1.0)
    assert tvm.schedule(1.0, 0.1, 0.1) == pytest.approx(0.1)
    assert tvm.schedule(0.55, 0.1, 0.0) == pytest.approx(0.5)
    assert tvm.schedule(0.9, 0.1, 0.1, "constant") == 1.0


def test_buckets_cover_everything_once_and_group_lengths():
    lengths = [random.Random(0).randint(1, 50) for _ in range(101)]
    buckets = tvm.Buckets(lengths, 10, seed=1)
    batches = list(buckets)
    assert sorted(i for b in batches for i in b) == list(range(101)) and len(buckets) == 11
    spread = [max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in batches]
    assert max(spread) <= 12
    buckets.set_epoch(0)
    assert list(buckets) == batches


def test_evaluation_by_hand():
    rows = [{"label": 0.95, "weight": 1, "d": 1}, {"label": 0.9025, "weight": 1, "d": 2},
            {"label": 0.0, "weight": 2, "d": None}]
    out = tvm.evaluate([3.0, 2.0, -4.0], rows, 0.5)
    assert out["spearman_d"] == pytest.approx(1) and out["auc"] == 1.0
    assert out["log_loss_constant"] == pytest.approx(0.6931, abs=1e-4)
    assert out["log_loss_floor"] < out["log_loss"] < out["log_loss_constant"]
    worse = tvm.evaluate([2.0, 3.0, 4.0], rows, 0.5)
    assert worse["spearman_d"] == pytest.approx(-1) and worse["auc"] == 0.0
    assert worse["ece"] > out["ece"]


def test_platt_scaling_undoes_a_distortion():
    rng = random.Random(0)
    x = [rng.gauss(0, 2) for _ in range(500)]
    y = [tvm.sigmoid(0.5 * v - 1) for v in x]
    (a, b), loss = tvm.platt([3 * v + 2 for v in x], y, [1.0] * 500)
    assert a == pytest.approx(0.5 / 3, abs=1e-3) and b == pytest.approx(-1 - 1 / 3, abs=1e-2)
    assert loss == pytest.approx(tvm.cross_entropy(y, y, [1.0] * 500), abs=1e-5)
    assert tvm.platt([-v for v in x], y, [1.0] * 500)[0][0] == 0.05, "never turns the order round"


def test_a_node_trains_on_as_many_gpus_as_configured(monkeypatch):
    section = config.load().value
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # so that it is put right afterwards
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    limit_gpus(section)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    limit_gpus(section)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"


def make_inputs(folder: Path) -> None:
    """A toy language: distance = number of b's; c means dead end. And a tiny Llama to start."""
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = {c: i for i, c in enumerate("<abc⊢ >")}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[], unk_token="<"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder / "base")
    LlamaForCausalLM(LlamaConfig(
        vocab_size=len(letters), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64)).save_pretrained(folder / "base")
    rng = random.Random(0)
    rows = []
    for _ in range(400):
        text = "".join(rng.choice("aab") for _ in range(rng.randint(3, 12)))
        dead = rng.random() < 0.3
        d = None if dead else text.count("b") + 1
        rows.append({"text": text + ("c" if dead else ""), "d": d, "weight": 1.0,
                     "label": 0.0 if dead else 0.7**d})
    for name, part in (("train", rows[:320]), ("valid", rows[320:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in part))
    (folder / "info.json").write_text('{"round": 2}')


def command(folder: Path, *more: str) -> list[str]:
    sets = ["value.head_hidden=16", "value.dtype=float32", "value.device=cpu", "value.threads=1",
            "value.lr=0.01", "value.batch_size=16", f"run.dir={folder}", *more]
    return [sys.executable, str(ROOT / "train_value_model.py"), "--data", str(folder),
            "--base-model", str(folder / "base"), "--output", str(folder / "value"),
            "--set", *sets]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_trains_resumes_and_beats_the_constant(tmp_path, optimizer):
    make_inputs(tmp_path)
    kind = [f"value.optimizer={optimizer}", "value.muon_lr=0.01"]
    slow = subprocess.Popen(command(tmp_path, "value.epochs=5000", "value.save_every_s=0.2", *kind),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        partial = tmp_path / "value.partial"
        while not list(partial.glob("checkpoint-*/trainer_state.json")):
            assert slow.poll() is None, slow.stdout.read()
            time.sleep(0.1)
    finally:
        slow.kill()
        slow.wait()
    assert not (tmp_path / "value").exists(), "nothing half-written passes for complete"
    first = max(int(p.name.split("-")[1]) for p in partial.glob("checkpoint-*")
                if (p / "trainer_state.json").is_file())
    done = subprocess.run(command(tmp_path, f"value.epochs={first // 20 + 12}", *kind),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "resuming from" in done.stderr
    metrics = json.loads((tmp_path / "value" / "value_metrics.json").read_text())
    assert metrics["train_steps"] == (first // 20 + 12) * 20 and metrics["round"] == 2
    assert metrics["log_loss"] < metrics["log_loss_constant"] and metrics["auc"] > 0.9
    assert metrics["spearman_d"] > 0.5 and not partial.exists()
    logged = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert logged[-1]["value/ece"] == metrics["ece"] and logged[-1]["round"] == 2


def test_batches_carry_the_class_of_each_distance(tmp_path):
    import value_model
    from coprover.renaming import Renaming
    from train_value_model import make_trainer, training_rows

    make_inputs(tmp_path)
    model = value_model.load(tmp_path / "base", 16)
    rows = [{"label": 0.49, "weight": 1.0, "d": 2}, {"label": 0.0, "weight": 1.0, "d": None}]
    section = config.load([], ["value.device=cpu", "value.batch_size=2"]).value
    trainer, _ = make_trainer(section, model, training_rows(model, [[3], [3]], rows), tmp_path,
                              "cpu", None, Renaming(range(8), []))
    [batch] = trainer.get_train_dataloader()
    found = sorted(zip(batch["labels"].tolist(), batch["distances"].tolist(), strict=True))
    assert [d for _, d in found] == [model.config.value_distances, 1]


def test_missing_checkpoint_is_named(tmp_path):
    make_inputs(tmp_path)
    bad = command(tmp_path)
    bad[bad.index("--base-model") + 1] = str(tmp_path / "nothing")
    done = subprocess.run(bad, capture_output=True, text=True)
    assert done.returncode != 0 and "no checkpoint at" in done.stderr + done.stdout
