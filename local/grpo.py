"""GRPO on a laptop: the loop that SLIME runs on a node, small enough to read.

A rollout draws 64 theorems x 8 whole proofs at T = 1 from the current generator, asks the reward
hook in SLIME's own signature (`lean_reward.compute_reward(args, samples)`), normalises rewards
within each group, and takes two optimiser steps, each on half of the theorems, so that the clip
range acts in the second; the first is taken while the second half is still being judged. Loss:
local/grpo_loss.py. No KL term.

Theorems come from the frontier: earlier attempts verified some but not all of their samples
(coprover/frontier.py); `grpo.frontier.explore` of each rollout are theorems without attempts.
After them come `grpo.replay.steps` supervised updates on proofs that search and sampling found
(local/replay.py). `grpo.objective=rejection` with `grpo.replay.search=false` is the control: the
same compute, spent on supervised learning of the generator's own verified samples. Optimiser, RNG
and progress are saved every `grpo.save_every` rollouts; the same command resumes exactly there.

Run: OMP_NUM_THREADS=1 python -m local.grpo --config configs/local.yaml --set grpo.num_rollouts=20
"""

from __future__ import annotations

import importlib
import logging
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

from coprover import config
from coprover.config import ConfigError, InputError
from coprover.frontier import frontier, latest_rates
from coprover.records import Theorem, load_theorems, read_jsonl
from coprover.runlog import MetricsLog
from local import patient_threads
from local.rollout import Picker, Rewarder, describe, roll_out, trials_of, verified_trials

log = logging.getLogger("grpo")
LR_FLOOR = 0.02  # of the peak rate, for lr_schedule=linear

FLAGS = {
    "--model": ("grpo.model", "checkpoint to start from"),
    "--output": ("grpo.output", "Hugging Face folder of the trained generator"),
    "--rollouts": ("grpo.num_rollouts", "how many rollouts"),
    "--objective": ("grpo.objective", "grpo | rejection (the supervised control)"),
}


def load_hook(path: str) -> Callable:
    """The function behind `package.module.name`, as SLIME loads it. Raises ConfigError."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"grpo.slime.reward={path}: {error}") from None


def pools(theorems: Sequence[Theorem], section) -> tuple[list[str], list[str]]:
    """Names on the frontier, and names without attempts. Raises InputError for missing files."""
    files = [Path(f) for f in section.frontier.attempts]
    files = files or [Path(r) / "attempts.jsonl" for r in section.rounds]
    for path in files:
        if not path.exists():
            raise InputError(f"no attempts at {path}: run trajectory_collector.py first, or "
                             "correct grpo.rounds")
    rates = latest_rates(read_jsonl(path) for path in files)
    bounds = section.frontier
    known = frontier(theorems, rates, bounds.min_rate, bounds.max_rate, bounds.min_samples)
    return [t.name for t in known], [t.name for t in theorems if t.name not in rates]


def summary(steps: Sequence[dict]) -> dict[str, float]:
    """Metrics of a rollout's optimiser steps: `train/x_<i>` of each, `train/x` their mean.

    `train/clip_fraction` is the share of tokens on which the clip acts in the last step (in the
    first one the ratio is 1 and it cannot).
    """
    row = {f"train/{name}_{i}": value for i, stats in enumerate(steps)
           for name, value in stats.items()}
    for name in ("loss", "entropy", "grad_norm"):
        values = [stats[name] for stats in steps if name in stats]
        if values:
            row[f"train/{name}"] = sum(values) / len(values)
    if "clip_low" in steps[-1]:
        row["train/clip_fraction"] = steps[-1]["clip_low"] + steps[-1]["clip_high"]
    return row


def check(section) -> None:
    """Raises ConfigError for settings that this loop does not implement."""
    if section.kl_coef:
        raise ConfigError("grpo.kl_coef must be 0: there is no reference model (see README)")
    if section.temperature != 1.0:
        raise ConfigError("grpo.temperature must be 1: the ratio needs the policy's own samples")
    if section.lr_schedule not in ("constant", "linear"):
        raise ConfigError(f"grpo.lr_schedule={section.lr_schedule}: choose constant or linear")
    if section.objective not in ("grpo", "rejection"):
        raise ConfigError(f"grpo.objective={section.objective}: choose grpo or rejection")
    if section.samples_per_prompt < 2:
        raise ConfigError("grpo.samples_per_prompt must be at least 2: a group of one has no mean")


class Trainer:
    """Everything that a checkpoint must hold, and one rollout at a time."""

    def __init__(self, cfg, hook: Callable):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from coprover import optim
        from coprover.checkpoints import weight_version
        from local.sampler import LocalSampler

        section = cfg.grpo
        self.section = section
        self.version = weight_version(section.model)
        self.model = AutoModelForCausalLM.from_pretrained(section.model, dtype=torch.float32)
        self.tokenizer = AutoTokenizer.from_pretrained(section.model)
        self.optimizer = optim.make(section.optimizer, self.model, lr=section.lr,
                                    muon_lr=section.muon_lr, weight_decay=section.weight_decay,
                                    betas=(section.adam_beta1, section.adam_beta2))
        self.sampler = LocalSampler(self.model, self.tokenizer, section.max_rows)
        self.theorems = {t.name: t for t in load_theorems(cfg.theorems.train)}
        known, unknown = pools(list(self.theorems.values()), section)
        self.picker = Picker(known, unknown, section.frontier.explore, section.seed)
        self.rng = random.Random(section.seed + 1)
        self.replay = self._replay()
        self.args = SimpleNamespace(reward_key=None, coprover_cfg=cfg, hf_checkpoint=section.model)
        self.rewarder = Rewarder(hook, self.args)
        self.rollout, self.seconds = 0, 0.0
        self.state_path = Path(f"{section.output}.training") / "state.pt"
        log.info("%d theorems on the frontier, %d without attempts, %d replay rows", len(known),
                 len(unknown), len(self.replay or ()))
        if not known and not unknown:
            raise InputError("no theorem to train on: every attempted theorem is always or never "
                             "solved; collect more, or widen grpo.frontier")

    def _replay(self):
        from local.replay import Replay, found_proofs, proven_steps

        options = self.section.replay
        if not options.steps:
            return None
        folders = list(self.section.rounds)
        replay = Replay(self.tokenizer, self.theorems,
                        found_proofs(folders, options.per_theorem, options.search),
                        proven_steps(folders) if options.search else {}, options,
                        self.model.config.max_position_embeddings)
        if not len(replay):
            raise InputError(f"grpo.replay.steps={options.steps} but no proof was found in "
                             f"grpo.rounds={folders}; set it to 0 or collect first")
        return replay

    def step(self) -> dict[str, float]:
        """One rollout and its optimiser steps; returns its metrics."""
        from coprover import optim
        from local.grpo_loss import policy_step, replay_step

        section = self.section
        factor = self.lr_factor()
        optim.set_lr(self.optimizer, factor)
        names = self.picker.next(section.prompts_per_rollout)
        started = time.perf_counter()
        parts = roll_out(self.sampler, self.rewarder, section, [self.theorems[n] for n in names],
                         self.rollout, self.version)
        sampled, trained = time.perf_counter(), 0.0
        pick = trials_of if section.objective == "grpo" else verified_trials
        steps, groups = [], 0
        for part in parts:
            trials = pick(part.wait(), self.args)
            groups += len(trials)
            began = time.perf_counter()
            steps.append(policy_step(self.model, self.optimizer, trials, section))
            trained += time.perf_counter() - began
        samples = [s for part in parts for s in part.samples]
        for g, name in enumerate(names):
            rewards = [s.get_reward_value(self.args) for s in samples
                       if s.group_index == g and not s.remove_sample]
            if rewards:
                self.picker.learn(name, sum(r >= 1.0 for r in rewards) / len(rewards))
        began = time.perf_counter()
        losses = self._replay_steps([s for s in samples if not s.remove_sample
                                     and s.get_reward_value(self.args) >= 1.0], replay_step)
        replayed = time.perf_counter() - began
        self.sampler.load(self.model)
        self.rollout += 1
        self.version = f"{section.output}:{self.rollout}"
        whole = time.perf_counter() - started
        return {**describe(samples, self.args, section.samples_per_prompt), **summary(steps),
                "train/lr": section.lr * factor, "train/groups": groups,
                **losses, "time/sample_s": sampled - started, "time/train_s": trained,
                "time/replay_s": replayed, "time/rollout_s": whole,
                "time/reward_wait_s": whole - trained - replayed - (sampled - started)}

    def _replay_steps(self, verified: Sequence, replay_step: Callable) -> dict[str, float]:
        """The supervised updates of a rollout, its verified samples included; their mean loss."""
        from local.training import Group

        if not self.replay:
            return {}
        for s in verified:
            self.replay.add(s.label, Group(s.tokens[:-s.response_length], (s.response_ids,)))
        options = self.section.replay
        losses = [replay_step(self.model, self.optimizer, rows, self.section)
                  for rows in self.replay.batches(options.steps, options.batch_size, self.rng)]
        return {"train/replay_loss": sum(losses) / len(losses),
                "train/replay_rows": len(self.replay)}

    def lr_factor(self) -> float:
        """Of the peak rate; `linear` falls towards the end of the phase, by rollouts or clock."""
        section = self.section
        if section.lr_schedule == "constant":
            return 1.0
        clock = self.seconds / section.max_time_s if section.max_time_s else 0.0
        return max(LR_FLOOR, 1.0 - max(self.rollout / section.num_rollouts, clock))

    def save(self) -> None:
        """Everything needed to go on exactly here."""
        from local.training import save_state

        save_state(self.state_path, {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.getstate(), "found": self.replay.added if self.replay else [],
            "picker": vars(self.picker), "rollout": self.rollout,
            "seconds": self.seconds, "version": self.version})

    def resume(self) -> None:
        """Take up the last saved state, if there is one."""
        from local.training import load_state

        state = load_state(self.state_path)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.setstate(state["rng"])
        vars(self.picker).update(state["picker"])
        for theorem, proof in state["found"]:
            self.replay.add(theorem, proof)
        self.rollout, self.seconds = state["rollout"], state["seconds"]
        self.version = state["version"]
        self.sampler.load(self.model)
        log.info("continuing at rollout %d", self.rollout)


def train(trainer: Trainer, metrics: MetricsLog) -> None:
    """Rollouts until num_rollouts or max_time_s (time before a resume counts)."""
    section = trainer.section
    started = time.perf_counter() - trainer.seconds
    while trainer.rollout < section.num_rollouts:
        if section.max_time_s and trainer.seconds > section.max_time_s:
            log.info("grpo.max_time_s=%s reached", section.max_time_s)
            break
        row = trainer.step()
        trainer.seconds = time.perf_counter() - started
        metrics.log(step=trainer.rollout, **row, **{"time/total_s": trainer.seconds})
        log.info("rollout %d/%d: reward %.3f, mixed groups %.2f, entropy %.2f, clipped %.3f, "
                 "replay %.3f; sampled %.1f s, rewards %.1f s more, trained %.1f + %.1f s",
                 trainer.rollout, section.num_rollouts, row["rollout/reward_mean"],
                 row["rollout/mixed_groups"], row.get("train/entropy", float("nan")),
                 row.get("train/clip_fraction", 0.0),
                 row.get("train/replay_loss", float("nan")), row["time/sample_s"],
                 row["time/reward_wait_s"], row["time/train_s"], row["time/replay_s"])
        if trainer.rollout % section.save_every == 0:
            trainer.save()


def main() -> int:
    """Train, unless the result is there already."""
    cfg = config.from_cli(__doc__, FLAGS)
    patient_threads()
    check(cfg.grpo)
    hook = load_hook(cfg.grpo.slime.reward)
    from coprover.checkpoints import recover, save_hf

    if recover(cfg.grpo.output):
        log.info("%s is there already; delete it to train again", cfg.grpo.output)
        return 0
    trainer = Trainer(cfg, hook)
    trainer.resume()
    train(trainer, MetricsLog(Path(cfg.run.dir) / "metrics.jsonl", phase="grpo",
                              round=cfg.grpo.round, objective=cfg.grpo.objective))
    version = save_hf(cfg.grpo.output, trainer.model, trainer.tokenizer)
    trainer.state_path.unlink(missing_ok=True)
    print(f"grpo: {trainer.rollout} rollouts in {trainer.seconds:.0f} s -> {cfg.grpo.output}, "
          f"weight version {version}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    config.main(main)
