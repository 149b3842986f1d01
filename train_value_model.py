"""Trains the value model on gamma^d labels with the Hugging Face Trainer.

Binary cross-entropy with soft, weighted labels; AdamW, cosine schedule with warm-up; batches of
states of similar length. With `value.max_time_s` the schedule follows whichever is further, the
steps or the clock, so that a short run still ends at the low learning rate. An interrupted run
resumes from its last checkpoint in `<value.output>.partial/`; the model appears under
`value.output` when it is complete, with its evaluation on the held-out theorems beside it
(value_metrics.json): log-loss against the best constant, calibration error, Spearman with d.

Run: python train_value_model.py --data runs/x/round_1/value_data \\
       --base-model models/Llama-3.2-1B --output runs/x/round_1/value
"""

from __future__ import annotations

import json
import logging
import math
import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from coprover import config
from coprover.checkpoints import save_hf, weight_files
from coprover.config import InputError
from coprover.records import read_jsonl, write_text_atomic
from coprover.runlog import MetricsLog

log = logging.getLogger("train_value")

FLAGS = {
    "--data": ("value.data", "folder written by prepare_value_data.py"),
    "--base-model": ("value.base_model", "value model or Llama checkpoint to start from"),
    "--output": ("value.output", "folder of the trained model"),
    "--epochs": ("value.epochs", "passes over the training rows"),
    "--lr": ("value.lr", "peak learning rate"),
    "--batch-size": ("value.batch_size", "states per optimiser step"),
    "--max-time-s": ("value.max_time_s", "wall-clock limit of the training"),
    "--seed": ("value.seed", "seed"),
}


def main() -> int:
    """Trains, evaluates, saves; prints the evaluation."""
    cfg = config.from_cli(__doc__, FLAGS)
    section = cfg.value
    data = Path(section.data)
    train = read_jsonl(data / "train.jsonl", required=("text", "label", "weight"))
    valid = read_jsonl(data / "valid.jsonl", required=("text", "label", "weight"))
    info = json.loads((data / "info.json").read_text(encoding="utf-8"))
    if not train:
        raise InputError(f"{data}/train.jsonl is empty; collect more trajectories")
    weight_files(section.base_model)
    metrics, version = train_and_save(section, train, valid)
    metrics["round"] = info["round"]
    write_text_atomic(Path(section.output) / "value_metrics.json", json.dumps(metrics, indent=1))
    MetricsLog(Path(cfg.run.dir) / "metrics.jsonl").log(
        phase="value", weight_version=version, round=info["round"],
        **{f"value/{k}": v for k, v in metrics.items() if k != "round"})
    print("value model: " + ", ".join(
        f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in metrics.items()))
    return 0


def train_and_save(section: DictConfig, train: list[dict], valid: list[dict]) -> tuple[dict, str]:
    """(evaluation, weight version) of the model trained on ``train`` and saved at the output."""
    import torch
    from transformers import AutoTokenizer, set_seed

    import value_model

    if section.threads:
        torch.set_num_threads(section.threads)
    set_seed(section.seed)
    device = section.device if section.device != "auto" else (
        "cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(section.base_model)
    model = value_model.load(section.base_model, section.head_hidden, section.dropout).float()
    fresh = not getattr(model.config, "value_trained", False)
    base_rate = _mean([r["label"] for r in train], [r["weight"] for r in train])
    if fresh:  # a fresh head predicts the base rate
        with torch.no_grad():
            model.value_out.weight.mul_(0.1)
            model.value_out.bias.fill_(math.log(base_rate / (1 - base_rate)))
    model.config.value_trained = True
    encoded = value_model.encode(tokenizer, [r["text"] for r in train], section.max_length)
    rows = [{"input_ids": ids, "label": r["label"], "weight": r["weight"]}
            for ids, r in zip(encoded, train, strict=True)]
    partial = Path(f"{section.output}.partial")
    trainer, clock = make_trainer(section, model, rows, partial, device)
    trainer.train(resume_from_checkpoint=_last_checkpoint(partial))
    metrics = {"train_rows": len(rows), "train_steps": trainer.state.global_step,
               "train_s": round(clock.elapsed, 1), "train_loss": _last_loss(trainer)}
    model = trainer.model.eval().float()
    if valid:
        texts = value_model.encode(tokenizer, [r["text"] for r in valid], section.max_length)
        logits = value_model.logits(model, texts, section.eval_token_budget)
        metrics |= evaluate(logits, valid, base_rate)
    version = save_hf(section.output, model.cpu(), tokenizer)
    shutil.rmtree(partial, ignore_errors=True)
    return metrics, version


def make_trainer(section: DictConfig, model, rows: list[dict], folder: Path, device: str):
    """(trainer, clock): a Trainer with bucketed batches, a time-aware schedule and checkpoints."""
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    import value_model

    clock = Clock(folder / "elapsed.json", section.max_time_s)
    micro = min(section.micro_batch_size, section.batch_size)
    pieces = max(1, section.batch_size // micro)  # micro-batches per optimiser step
    per_epoch = math.ceil(math.ceil(len(rows) / micro) / pieces)
    total = max(1, round(per_epoch * section.epochs))

    class Timed(TrainerCallback):
        """Stops at the time limit and asks for a checkpoint every `save_every_s`."""

        def on_train_begin(self, args, state, control, **_):
            clock.start()

        def on_step_end(self, args, state, control, **_):
            if clock.over() or state.global_step >= total:
                control.should_training_stop = True
            control.should_save = clock.time_to_save(section.save_every_s)

        def on_save(self, args, state, control, **_):
            clock.write()

    class ValueTrainer(Trainer):
        """The Trainer with our batches and schedule."""

        def get_train_dataloader(self):
            sampler = Buckets([len(r["input_ids"]) for r in rows], micro, section.seed)
            return torch.utils.data.DataLoader(rows, batch_sampler=sampler, collate_fn=collate)

        def create_scheduler(self, num_training_steps, optimizer=None):
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: schedule(max(step / total, clock.fraction()), section.warmup_ratio,
                                      section.min_lr_ratio, section.lr_schedule))
            return self.lr_scheduler

    def collate(batch: list[dict]) -> dict:
        ids, mask = value_model.pad([row["input_ids"] for row in batch])
        out = {"input_ids": ids, "labels": torch.tensor([row["label"] for row in batch]),
               "weights": torch.tensor([row["weight"] for row in batch])}
        return out if mask is None else {**out, "attention_mask": mask}

    args = TrainingArguments(
        output_dir=str(folder), learning_rate=section.lr, weight_decay=section.weight_decay,
        adam_beta1=section.adam_beta1, adam_beta2=section.adam_beta2,
        max_grad_norm=section.clip_grad, num_train_epochs=math.ceil(section.epochs),
        per_device_train_batch_size=micro, gradient_accumulation_steps=pieces,
        use_cpu=device == "cpu",
        bf16=section.dtype == "bfloat16" and device == "cuda", save_strategy="no",
        save_total_limit=1, logging_steps=max(1, total // 20), report_to="none",
        remove_unused_columns=False, disable_tqdm=True, seed=section.seed,
        dataloader_pin_memory=device == "cuda",
    )
    return ValueTrainer(model=model, args=args, train_dataset=rows, callbacks=[Timed()]), clock


class Clock:
    """Seconds of training over all calls of a resumed run."""

    def __init__(self, path: Path, limit_s: float | None):
        self.path, self.limit_s = path, limit_s
        self.before = json.loads(path.read_text())["elapsed_s"] if path.exists() else 0.0
        self.started: float | None = None
        self.saved = time.monotonic()

    def start(self) -> None:
        """Begin to count."""
        self.started = self.saved = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds so far, earlier calls included."""
        return self.before + (time.monotonic() - self.started if self.started else 0.0)

    def fraction(self) -> float:
        """Share of the time limit that is used up, in [0, 1]; 0 without a limit."""
        return min(1.0, self.elapsed / self.limit_s) if self.limit_s else 0.0

    def over(self) -> bool:
        """Whether the limit is reached."""
        return bool(self.limit_s) and self.elapsed >= self.limit_s

    def time_to_save(self, every_s: float) -> bool:
        """Whether the last checkpoint is ``every_s`` old."""
        if time.monotonic() - self.saved < every_s:
            return False
        self.saved = time.monotonic()
        return True

    def write(self) -> None:
        """Remember the elapsed time beside the checkpoint."""
        write_text_atomic(self.path, json.dumps({"elapsed_s": self.elapsed}))


class Buckets:
    """Batches of similar length in random order; the same for the same seed and epoch."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0
        self.batch_sampler = self  # the Trainer calls set_epoch on what it finds here

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.batch_size)

    def __iter__(self):
        rng = random.Random(f"{self.seed} {self.epoch}")
        self.epoch += 1
        order = sorted(range(len(self.lengths)), key=lambda i: (self.lengths[i], rng.random()))
        batches = [order[i:i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        rng.shuffle(batches)
        return iter(batches)


def schedule(progress: float, warmup: float, floor: float, kind: str = "cosine") -> float:
    """Factor of the peak learning rate at ``progress`` in [0, 1]."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    if kind == "constant":
        return 1.0
    done = min(1.0, (progress - warmup) / max(1e-9, 1 - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def evaluate(logits: Sequence[float], rows: Sequence[dict], base_rate: float) -> dict:
    """How good the values are on held-out rows.

    log_loss (weighted, soft labels), log_loss_constant (always the training mean), log_loss_floor
    (the labels themselves), ece (10 bins), spearman_d (V against -d over proven states; 1 is
    perfect), auc (a proven state is valued above one that is not).
    """
    from scipy.stats import rankdata, spearmanr

    from coprover.metrics import expected_calibration_error

    labels = [row["label"] for row in rows]
    weights = [row["weight"] for row in rows]
    values = [1 / (1 + math.exp(-max(-60.0, min(60.0, x)))) for x in logits]
    out = {
        "valid_rows": len(rows),
        "log_loss": _cross_entropy(labels, values, weights),
        "log_loss_constant": _cross_entropy(labels, [base_rate] * len(rows), weights),
        "log_loss_floor": _cross_entropy(labels, labels, weights),
        "ece": expected_calibration_error(values, labels),
    }
    proven = [(v, row["d"]) for v, row in zip(values, rows, strict=True) if row["d"] is not None]
    if len({d for _, d in proven}) > 1:
        out["spearman_d"] = float(spearmanr([v for v, _ in proven], [-d for _, d in proven])[0])
    if 0 < len(proven) < len(rows):
        ranks = rankdata(values)
        above = sum(rank for rank, row in zip(ranks, rows, strict=True) if row["d"] is not None)
        n, m = len(proven), len(rows) - len(proven)
        out["auc"] = float((above - n * (n + 1) / 2) / (n * m))
    return out


def _cross_entropy(labels, values, weights) -> float:
    total = 0.0
    for y, p, w in zip(labels, values, weights, strict=True):
        p = min(max(p, 1e-7), 1 - 1e-7)
        total -= w * (y * math.log(p) + (1 - y) * math.log(1 - p))
    return total / sum(weights)


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    mean = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
    return min(max(mean, 1e-3), 1 - 1e-3)


def _last_loss(trainer) -> float | None:
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses[-1] if losses else None


def _last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint of an interrupted run."""
    found = [p for p in folder.glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
    newest = max(found, default=None, key=lambda p: int(p.name.rpartition("-")[2]))
    if newest:
        log.info("resuming from %s", newest)
    return str(newest) if newest else None


if __name__ == "__main__":
    config.main(main)
