"""Train the laptop's generator from scratch on reference proofs of shallow theorems.

Two stages. In `recall` a tiny Llama restates the hypotheses of a theorem in random order: that
takes no proof, and teaches it to find a hypothesis by name (induction heads, Olsson et al. 2022,
arXiv:2209.11895), which proofs alone teach it much later. When that happens varies with the seed,
so the stage ends by its validation loss. In `proofs` it learns both forms the
loop asks for: whole proof from the theorem, and next step from the proof state. That stage follows
the validation loss: the learning rate is cut when it stops falling and training ends after the last
cut; towards max_steps it falls to zero, which flattens the loss there at the latest (max_time_s is
a safety limit). Each use of a row renames its symbols at random (coprover/renaming.py). The best
weights and the tokenizer are written as a Hugging Face checkpoint. A killed run continues where it
was.

The reference proofs of theorems deeper than warm_start.max_depth are never read.

Run: OMP_NUM_THREADS=2 python -m local.warm_start --config configs/local.yaml
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coprover import config, prompts
from coprover.config import InputError
from coprover.labels import parse_goal
from coprover.records import Theorem, load_theorems
from coprover.runlog import MetricsLog
from local import patient_threads

log = logging.getLogger("warm_start")

FLAGS = {
    "--output": ("warm_start.output", "folder that receives generator/"),
    "--max-depth": ("warm_start.max_depth", "deepest theorem whose proof is read"),
    "--seed": ("warm_start.seed", "seed of weights and batch order"),
}


def examples(theorems: Iterable[Theorem], max_depth: int,
             max_depth_of: Mapping[str, int] | None = None) -> list[tuple[str, str]]:
    """(prompt, answer) texts of both forms from theorems with `proof` and `states` rows.

    max_depth_of: family -> its own limit. Raises InputError for a reference proof whose states do
    not match its steps.
    """
    texts = []
    for theorem in theorems:
        proof, states = theorem.extra.get("proof"), theorem.extra.get("states")
        if not proof or len(proof) > (max_depth_of or {}).get(theorem.family, max_depth):
            continue
        texts.append((prompts.whole_proof(theorem), prompts.proof_response(proof)))
        if states is not None:
            if len(states) != len(proof):
                raise InputError(f"{theorem.name}: {len(proof)} steps but {len(states)} states; "
                                 "generate the theorems again (theorems.prepare)")
            texts += [(prompts.tactic_step(s), t) for s, t in zip(states, proof, strict=True)]
    return texts


def hypotheses(theorem: Theorem) -> list[str]:
    """The theorem's hypotheses, one `name : statement` each; [] without recorded states."""
    states = theorem.extra.get("states")
    return [f"{name} : {body}" for name, body in parse_goal(states[0])[0]
            if name.startswith("h")] if states else []


def token_groups(tokenizer, texts: Sequence[tuple[str, str]], max_tokens: int) -> list:
    """Training rows: prompt ids, and the answer's ids with the end token; too long ones dropped."""
    from local import tokenizer as tok
    from local.training import Group

    asked = tok.encode(tokenizer, [prompt for prompt, _ in texts])
    answers = tok.encode(tokenizer, [answer for _, answer in texts])
    groups = [Group(p, (a + [tokenizer.eos_token_id],)) for p, a in zip(asked, answers,
                                                                        strict=True)]
    return [group for group in groups if group.length <= max_tokens]


def recall_groups(tokenizer, theorems: Iterable[Theorem], rng: random.Random) -> list:
    """Rows of the first stage: a theorem, and its hypotheses in random order."""
    texts = []
    for theorem in theorems:
        lines = hypotheses(theorem)
        if len(lines) > 1:
            rng.shuffle(lines)
            texts.append((prompts.whole_proof(theorem), "\n".join(lines)))
    return token_groups(tokenizer, texts, 10**6)


def epoch_batches(groups: Sequence, token_budget: int, seed: int, renaming) -> list[list]:
    """A shuffled epoch of batches: random rows in stretches, sorted by length within a stretch,
    each row under its own renaming."""
    from local.training import batches

    rng = random.Random(seed)
    order = list(range(len(groups)))
    rng.shuffle(order)
    mean = sum(g.length for g in groups) / len(groups)
    stretch = max(1, int(40 * token_budget / mean))
    out = []
    for start in range(0, len(order), stretch):
        part = [groups[i] for i in order[start:start + stretch]]
        out += [[part[i] for i in batch] for batch in batches(part, token_budget)]
    rng.shuffle(out)
    return [[group.renamed(renaming.draw(rng)) for group in batch] for batch in out]


def new_model(section, tokenizer):
    """A freshly initialised Llama of the configured size."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(section.seed)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=section.hidden_size,
        num_hidden_layers=section.layers, num_attention_heads=section.heads,
        num_key_value_heads=section.heads, intermediate_size=section.intermediate_size,
        max_position_embeddings=section.max_positions, tie_word_embeddings=True,
        attention_dropout=0.0, initializer_range=section.init_std, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))


def mean_loss(model, groups: Sequence, token_budget: int) -> tuple[float, float]:
    """Mean cross-entropy per answer token (nats), and the share of answers predicted greedily."""
    import torch
    import torch.nn.functional as F

    from local.training import batches, pack, target_logits

    total, tokens, right = 0.0, 0, 0
    with torch.no_grad():
        for batch in batches(groups, token_budget):
            packed = pack([groups[i] for i in batch])
            logits = target_logits(model, packed)
            total += float(F.cross_entropy(logits, packed.targets, reduction="sum"))
            tokens += len(packed.targets)
            hits = (logits.argmax(-1) == packed.targets).tolist()
            start = 0
            for i in batch:
                end = start + len(groups[i].responses[0])
                right += all(hits[start:end])
                start = end
    return total / tokens, right / len(groups)


class Plateau:
    """Cuts the learning rate when the validation loss stops falling; done after `cuts` cuts."""

    def __init__(self, patience: int, min_gain: float, factor: float, cuts: int):
        self.patience, self.min_gain, self.factor, self.cuts = patience, min_gain, factor, cuts
        self.best, self.bad, self.scale, self.made = float("inf"), 0, 1.0, 0

    def update(self, loss: float) -> bool:
        """True when training is over."""
        self.bad = 0 if loss < self.best * (1 - self.min_gain) else self.bad + 1
        self.best = min(self.best, loss)
        if self.bad < self.patience:
            return False
        self.bad, self.made = 0, self.made + 1
        self.scale *= self.factor
        return self.made > self.cuts


@dataclass(frozen=True)
class Stage:
    """A part of the training. epoch(seed) -> batches; it ends after max_steps, or once the
    validation loss is at most `enough`; plateau: whether a plateau of that loss ends it too and
    the learning rate falls towards max_steps."""

    name: str
    epoch: Callable[[int], list[list]]
    valid: Sequence
    max_steps: int
    plateau: bool
    optimizer: str
    enough: float = 0.0

    def decay(self, step: int, share: float) -> float:
        """Factor of the learning rate: 1, and falling to 0 over the last `share` of the steps."""
        return min(1.0, (self.max_steps - step) / (share * self.max_steps)) if self.plateau else 1.0


def train(section, model, stages: Sequence[Stage], metrics: MetricsLog, state_path: Path) -> None:
    """Fit `model` in place, stage by stage; the last one ends with its best weights."""
    from local.training import load_state

    state = load_state(state_path)
    for number, stage in enumerate(stages):
        if state and (state["stage"], state["progress"]["over"]) > (number, False):
            model.load_state_dict(state["progress"]["best"])
            continue
        train_stage(section, model, stage, number, metrics, state_path,
                    state if state and state["stage"] == number else None)


@dataclass
class Progress:
    """Where a stage stands; `best` are the weights it will end with."""

    step: int = 0
    epoch: int = 0
    position: int = 0  # batch within the epoch
    tokens: int = 0
    seconds: float = 0.0
    over: bool = False
    best: dict | None = None


def train_stage(section, model, stage: Stage, number: int, metrics: MetricsLog, state_path: Path,
                state: dict | None) -> None:
    """One stage, from its saved state if there is one."""

    from coprover import optim
    from local.training import save_state

    optimizer = optim.make(stage.optimizer, model, lr=section.lr, muon_lr=section.muon_lr,
                           weight_decay=section.weight_decay, betas=(0.9, 0.98))
    plateau = Plateau(section.patience, section.min_gain, section.lr_factor, section.lr_cuts)
    at = Progress()
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        vars(plateau).update(state["plateau"])
        at = Progress(**state["progress"])
        log.info("continuing %s at step %d", stage.name, at.step)
    started, losses = time.perf_counter() - at.seconds, []
    order = stage.epoch(section.seed + at.epoch)
    while not at.over:
        if at.position == len(order):
            at.epoch, at.position = at.epoch + 1, 0
            order = stage.epoch(section.seed + at.epoch)
        batch = order[at.position]
        scale = plateau.scale * stage.decay(at.step, section.decay_share)
        losses.append(update(model, optimizer, batch, section, at.step, scale))
        at.tokens += sum(g.length for g in batch)
        at.step, at.position = at.step + 1, at.position + 1
        at.seconds = time.perf_counter() - started
        at.over = at.step >= stage.max_steps or at.seconds > section.max_time_s
        if at.step % section.eval_every == 0 or at.over:
            loss, exact = mean_loss(model, stage.valid, section.batch_tokens)
            if loss <= plateau.best or not stage.plateau:
                at.best = {k: v.clone() for k, v in model.state_dict().items()}
            if loss <= stage.enough or stage.plateau and plateau.update(loss):
                at.over = True
            at.seconds = time.perf_counter() - started
            _report(metrics, stage, at, sum(losses) / len(losses), loss, exact,
                    section.lr * scale)
            losses = []
            save_state(state_path, {
                "stage": number, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "plateau": dict(vars(plateau)), "progress": vars(at)})
    model.load_state_dict(at.best)


def _report(metrics: MetricsLog, stage: Stage, at: Progress, loss: float, valid_loss: float,
            exact: float, lr: float) -> None:
    metrics.log(**{
        "step": at.step, "stage": stage.name, "warm_start/loss": loss,
        "warm_start/valid_loss": valid_loss, "warm_start/valid_exact": exact, "warm_start/lr": lr,
        "warm_start/tokens": at.tokens, "warm_start/seconds": round(at.seconds, 2)})
    # what is recalled may come in any order: only proofs can be as referenced
    said = f"answers exactly as referenced {100 * exact:.1f} %, " if stage.plateau else ""
    log.info("%s, step %d: loss %.3f, validation %.4f, %s%.0f tokens/s", stage.name, at.step,
             loss, valid_loss, said, at.tokens / at.seconds)


def update(model, optimizer, batch: Sequence, section, step: int, scale: float) -> float:
    """One optimiser step on a batch; returns its loss (mean over answer tokens)."""
    import torch
    import torch.nn.functional as F

    from coprover import optim
    from local.training import pack, target_logits

    optim.set_lr(optimizer, scale * min(1.0, (step + 1) / section.warmup_steps))
    packed = pack(batch)
    loss = F.cross_entropy(target_logits(model, packed), packed.targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), section.clip_grad)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def stages_of(section, tokenizer, rows: Sequence, valid: Sequence, train_set: Sequence[Theorem],
              valid_set: Sequence[Theorem]) -> list[Stage]:
    """The two stages; without recall steps (or hypotheses to recall) the second one only."""
    from coprover.renaming import Renaming

    renaming = Renaming(tokenizer, section.alphabets)

    def recall(seed: int) -> list[list]:
        groups = recall_groups(tokenizer, train_set, random.Random(seed))
        return epoch_batches(groups, section.recall_tokens, seed, renaming)

    def proofs(seed: int) -> list[list]:
        return epoch_batches(rows, section.batch_tokens, seed, renaming)

    stages = [Stage("proofs", proofs, valid, section.max_steps, plateau=True,
                    optimizer=section.optimizer)]
    asked = recall_groups(tokenizer, valid_set, random.Random(0))[:section.valid_rows]
    if section.recall_steps and asked:
        stages.insert(0, Stage("recall", recall, asked, section.recall_steps, plateau=False,
                               optimizer=section.recall_optimizer, enough=section.recall_loss))
    return stages


def main() -> int:
    """Train unless the checkpoint is there already."""
    cfg = config.from_cli(__doc__, FLAGS)
    patient_threads()
    from coprover.checkpoints import recover, save_hf, weight_version
    from local.tokenizer import train_tokenizer

    section = cfg.warm_start
    output = Path(section.output)
    target, state_path = output / "generator", output / "training_state.pt"
    if recover(target):
        log.info("%s is there already (weight version %s); delete it to train again", target,
                 weight_version(target))
        return 0
    train_set, valid_set = load_theorems(cfg.theorems.train), load_theorems(cfg.theorems.valid)
    limits = section.max_depth, section.max_depth_of
    train_texts, valid_texts = examples(train_set, *limits), examples(valid_set, *limits)
    if not train_texts or not valid_texts:
        raise InputError(f"no theorem of depth <= {section.max_depth} with a reference `proof` in "
                         f"{cfg.theorems.train} and {cfg.theorems.valid}; raise "
                         "warm_start.max_depth or generate theorems")
    corpus = [t for pair in train_texts for t in pair]
    corpus += [prompts.whole_proof(theorem) for theorem in train_set]
    tokenizer = train_tokenizer(corpus, section.vocab_size)
    rows = token_groups(tokenizer, train_texts, section.max_positions)
    valid = token_groups(tokenizer, valid_texts, section.max_positions)[:section.valid_rows]
    model = new_model(section, tokenizer)
    log.info("%d training rows of %.0f tokens, %d validation rows, %d parameters, vocabulary %d",
             len(rows), sum(g.length for g in rows) / len(rows), len(valid),
             sum(p.numel() for p in model.parameters()), len(tokenizer))
    metrics = MetricsLog(Path(cfg.run.dir) / "metrics.jsonl", phase="warm_start", round=0)
    train(section, model, stages_of(section, tokenizer, rows, valid, train_set, valid_set), metrics,
          state_path)
    version = save_hf(target, model, tokenizer)
    state_path.unlink(missing_ok=True)
    print(f"warm start: {target}, weight version {version}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    config.main(main)
