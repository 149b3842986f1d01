"""Parts of the value model's training that need no Trainer: batches, schedule, clock, evaluation.

Used by train_value_model.py; hand-worked examples in tests/test_train_value_model.py.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coprover.records import write_text_atomic
from coprover.sampling import sigmoid

log = logging.getLogger("train_value")


class Best:
    """The weights with the lowest held-out log-loss so far, kept in a file of the partial run.

    The loss is taken after Platt scaling (Platt 1999: logit -> a * logit + b, fitted to the same
    held-out rows), which an over-trained model that still ranks well survives; the scaling is
    part of what is kept. Without held-out rows nothing is kept and the last weights count.
    """

    def __init__(self, path: Path, rows: list[dict], score: Callable[[object], Sequence[float]]):
        """rows: held out; score(model) gives their logits."""
        self.path, self.rows, self.score = path, rows, score
        self.loss, self.step, self.scale = math.inf, None, (1.0, 0.0)
        if path.exists():
            import torch

            kept = torch.load(path, map_location="cpu", weights_only=True)
            self.loss, self.step, self.scale = kept["loss"], kept["step"], tuple(kept["scale"])

    def look(self, model, step: int) -> None:
        """Evaluate the model; keep its weights if none were better."""
        import torch

        if not self.rows:
            return
        training = model.training
        logits = self.score(model.eval())
        model.train(training)
        scale, loss = platt(logits, [r["label"] for r in self.rows],
                            [r["weight"] for r in self.rows])
        log.info("step %d: held-out log-loss %.4f after scaling by %.2f", step, loss, scale[0])
        if loss < self.loss:
            self.loss, self.step, self.scale = loss, step, scale
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(".tmp")
            torch.save({"loss": loss, "step": step, "scale": list(scale),
                        "weights": model.state_dict()}, temporary)
            os.replace(temporary, self.path)

    def restore(self, model):
        """The model with the best weights (its own where none were kept), not yet scaled."""
        import torch

        if self.step is not None:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            model.load_state_dict(kept["weights"])
        return model


def platt(logits: Sequence[float], labels: Sequence[float], weights: Sequence[float]) -> tuple[
        tuple[float, float], float]:
    """((a, b), loss): the scaling a * logit + b with the lowest weighted log-loss, a >= 0.05."""
    import numpy as np
    from scipy.optimize import minimize

    x, y, w = (np.asarray(v, float) for v in (logits, labels, weights))
    w = w / w.sum()

    def loss(theta):
        z = theta[0] * x + theta[1]
        p = 1 / (1 + np.exp(-z))
        value = (w * (np.logaddexp(0, z) - y * z)).sum()
        return value, np.array([(w * (p - y) * x).sum(), (w * (p - y)).sum()])

    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B",
                     bounds=[(0.05, 20.0), (-20.0, 20.0)])
    return (float(found.x[0]), float(found.x[1])), float(found.fun)


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
    values = [sigmoid(x) for x in logits]
    out = {
        "valid_rows": len(rows),
        "log_loss": cross_entropy(labels, values, weights),
        "log_loss_constant": cross_entropy(labels, [base_rate] * len(rows), weights),
        "log_loss_floor": cross_entropy(labels, labels, weights),
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


def cross_entropy(labels, values, weights) -> float:
    total = 0.0
    for y, p, w in zip(labels, values, weights, strict=True):
        p = min(max(p, 1e-7), 1 - 1e-7)
        total -= w * (y * math.log(p) + (1 - y) * math.log(1 - p))
    return total / sum(weights)
