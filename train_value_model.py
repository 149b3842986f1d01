"""Trains the value model on gamma^d labels with the Hugging Face Trainer.

Binary cross-entropy with soft, weighted labels, plus `value.distance_loss` times the cross-entropy
of d itself (value_model.py); cosine schedule with warm-up; batches of states of similar length; on
the laptop each use of a row renames its symbols (`value.alphabets`).
With `value.max_time_s` the schedule follows whichever is further, the steps or the clock, so that a
short run still ends at the low learning rate. The weights with the lowest log-loss on held-out
theorems (looked at `value.evaluations` times, after Platt scaling) are the ones kept, and the
scaling is folded into the head. An interrupted run resumes from its last checkpoint in
`<value.output>.partial/`; the model appears under `value.output` when it is complete, with its
evaluation on the held-out theorems beside it (value_metrics.json): log-loss against a constant,
calibration error (two parameters were fitted to the same rows), Spearman with d.

Run: python train_value_model.py --data runs/x/round_1/value_data \\
       --base-model models/Llama-3.2-1B --output runs/x/round_1/value
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from coprover import config
from coprover.checkpoints import save_hf, weight_files
from coprover.config import InputError
from coprover.records import read_jsonl, write_text_atomic
from coprover.renaming import Renaming
from coprover.runlog import MetricsLog
from coprover.value_training import Best, Buckets, Clock, evaluate, schedule

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
    train = read_jsonl(data / "train.jsonl", required=("text", "label", "weight", "d"))
    valid = read_jsonl(data / "valid.jsonl", required=("text", "label", "weight"))
    info = json.loads((data / "info.json").read_text(encoding="utf-8"))
    if not train:
        raise InputError(f"{data}/train.jsonl is empty; collect more trajectories")
    weight_files(section.base_model)
    limit_gpus(section)
    metrics, version = train_and_save(section, train, valid)
    metrics["round"] = info["round"]
    write_text_atomic(Path(section.output) / "value_metrics.json", json.dumps(metrics, indent=1))
    MetricsLog(Path(cfg.run.dir) / "metrics.jsonl").log(
        phase="value", weight_version=version, round=info["round"],
        **{f"value/{k}": v for k, v in metrics.items() if k != "round"})
    print("value model: " + ", ".join(
        f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in metrics.items()))
    return 0


def limit_gpus(section: DictConfig) -> None:
    """Hides all but the first `value.gpus` GPUs, unless the caller chose: the Trainer would split
    each batch over every GPU it sees. To be called before CUDA is first used."""
    if section.device != "cpu":
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(section.gpus))))


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
    model.config.value_distance_loss = section.distance_loss
    encoded = value_model.encode(tokenizer, [r["text"] for r in train], section.max_length)
    rows = training_rows(model, encoded, train)
    partial = Path(f"{section.output}.partial")
    held_out = value_model.encode(tokenizer, [r["text"] for r in valid], section.max_length)
    best = Best(partial / "best.pt", valid, lambda trained: value_model.logits(
        trained, held_out, section.eval_token_budget))
    trainer, clock = make_trainer(section, model, rows, partial, device, best,
                                  Renaming(tokenizer, section.alphabets))
    trainer.train(resume_from_checkpoint=_last_checkpoint(partial))
    metrics = {"train_rows": len(rows), "train_steps": trainer.state.global_step,
               "train_s": round(clock.elapsed, 1), "train_loss": _last_loss(trainer)}
    model = best.restore(trainer.model).eval().float()
    model.scale(*best.scale)
    if valid:
        logits = value_model.logits(model, held_out, section.eval_token_budget)
        metrics |= {"best_step": best.step, "platt_scale": best.scale[0],
                    **evaluate(logits, valid, base_rate)}
    version = save_hf(section.output, model.cpu(), tokenizer)
    shutil.rmtree(partial, ignore_errors=True)
    return metrics, version


def training_rows(model, encoded: Sequence[list[int]], rows: Sequence[dict]) -> list[dict]:
    """What the trainer's batches are made of, one mapping per row: ids, targets, weight."""
    return [{"input_ids": ids, "label": r["label"], "weight": r["weight"],
             "distance": model.distance_class(r["d"])}
            for ids, r in zip(encoded, rows, strict=True)]


def make_trainer(section: DictConfig, model, rows: list[dict], folder: Path, device: str,
                 best: Best, renaming: Renaming):
    """(trainer, clock): a Trainer with bucketed batches, a time-aware schedule and checkpoints."""
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    import value_model
    from coprover import optim

    rng = random.Random(section.seed)
    clock = Clock(folder / "elapsed.json", section.max_time_s)
    micro = min(section.micro_batch_size, section.batch_size)
    pieces = max(1, section.batch_size // micro)  # micro-batches per optimiser step
    per_epoch = math.ceil(math.ceil(len(rows) / micro) / pieces)
    total = max(1, round(per_epoch * section.epochs))

    def progress(step: int) -> float:
        return max(step / total, clock.fraction())

    class Timed(TrainerCallback):
        """Stops at the time limit, looks at the held-out loss, asks for checkpoints."""

        def on_train_begin(self, args, state, control, **_):
            clock.start()
            self.looks = math.floor(progress(state.global_step) * section.evaluations)

        def on_step_end(self, args, state, control, model=None, **_):
            over = clock.over() or state.global_step >= total
            looks = math.floor(progress(state.global_step) * section.evaluations)
            if over or looks > self.looks:
                self.looks = looks
                best.look(model, state.global_step)
            if over:
                control.should_training_stop = True
            control.should_save = clock.time_to_save(section.save_every_s)

        def on_save(self, args, state, control, **_):
            clock.write()

    class ValueTrainer(Trainer):
        """The Trainer with our batches and schedule."""

        def get_train_dataloader(self):
            sampler = Buckets([len(r["input_ids"]) for r in rows], micro, section.seed)
            return torch.utils.data.DataLoader(rows, batch_sampler=sampler, collate_fn=collate)

        def create_optimizer(self, *args):
            if section.optimizer == "adamw":
                return super().create_optimizer(*args)
            if self.optimizer is None:
                self.optimizer = optim.make(
                    section.optimizer, self.model, lr=section.lr, muon_lr=section.muon_lr,
                    weight_decay=section.weight_decay,
                    betas=(section.adam_beta1, section.adam_beta2))
            return self.optimizer

        def create_scheduler(self, num_training_steps, optimizer=None):
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: schedule(progress(step), section.warmup_ratio,
                                      section.min_lr_ratio, section.lr_schedule))
            return self.lr_scheduler

    def collate(batch: list[dict]) -> dict:
        tables = [renaming.draw(rng) for _ in batch]
        ids, mask = value_model.pad([[table[i] for i in row["input_ids"]]
                                     for table, row in zip(tables, batch, strict=True)])
        out = {"input_ids": ids, "labels": torch.tensor([row["label"] for row in batch]),
               "weights": torch.tensor([row["weight"] for row in batch]),
               "distances": torch.tensor([row["distance"] for row in batch])}
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
