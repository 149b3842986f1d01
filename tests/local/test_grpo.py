"""The laptop's GRPO: its loss against TRL's, its groups, its clip, its resume."""

import asyncio
import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from coprover import config  # noqa: E402
from coprover.config import ConfigError, InputError  # noqa: E402
from coprover.prompts import prompt_text, proof_response  # noqa: E402
from coprover.records import read_jsonl, write_jsonl_atomic  # noqa: E402
from local import grpo, rollout  # noqa: E402
from local.grpo_loss import (  # noqa: E402
    Response,
    Trial,
    backward_trials,
    merge,
    policy_loss,
    policy_step,
)
from local.replay import Replay, found_proofs, proven_steps  # noqa: E402
from local.training import Group, batches, pack, target_logits  # noqa: E402

ARGS = SimpleNamespace(reward_key=None)


def settings(**changes):
    values = {"objective": "grpo", "eps_low": 0.2, "eps_high": 0.28, "entropy_coef": 0.0,
              "batch_tokens": 200, "clip_grad": 1.0}
    return SimpleNamespace(**{**values, **changes})


def copy_of(model):
    import copy

    return copy.deepcopy(model).train()


def fixed_batch(model, groups=5, per_group=4, seed=0):
    """Trials with old log-probabilities a little off the model's own, so that the clip matters."""
    rng = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    trials = []
    for _ in range(groups):
        prompt = tuple(rng.randrange(2, 300) for _ in range(rng.randint(2, 12)))
        responses = []
        for _ in range(per_group):
            ids = tuple(rng.randrange(2, 300) for _ in range(rng.randint(1, 9)))
            own = reference(model, prompt, ids)
            old = own + 0.3 * torch.randn(len(ids), generator=generator)
            responses.append(Response(ids, tuple(old.tolist()), rng.choice([-1.2, 0.7, 1.9])))
        trials.append(Trial(prompt, tuple(responses)))
    return trials


def reference(model, prompt, ids):
    with torch.no_grad():
        logits = model(torch.tensor([list(prompt) + list(ids)])).logits[0, len(prompt) - 1:-1]
    return logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0]


def test_packed_forward_equals_transformers(model):
    trials = fixed_batch(model)
    packed = pack([t.group for t in trials])
    with torch.no_grad():
        got = target_logits(model, packed).log_softmax(-1)
    got = got.gather(1, packed.targets[:, None])[:, 0]
    expected = torch.cat([reference(model, t.prompt, r.ids) for t in trials for r in t.responses])
    assert (got - expected).abs().max() < 1e-5
    single = [Group((3, 4, 5), ((6, 7),)), Group((3,), ((8, 9, 10, 11),))]
    packed = pack(single)
    assert packed.mask is None
    with torch.no_grad():
        got = target_logits(model, packed).log_softmax(-1).gather(1, packed.targets[:, None])
    expected = torch.cat([reference(model, g.prompt, g.responses[0]) for g in single])
    assert (got[:, 0] - expected).abs().max() < 1e-5


def test_batches_stay_within_the_budget():
    groups = [Group((1,) * (3 + i % 17), ((2, 3),)) for i in range(50)]
    cut = batches(groups, 64)
    assert sorted(i for b in cut for i in b) == list(range(50))
    for batch in cut:
        assert len(batch) == 1 or len(batch) * max(groups[i].length for i in batch) <= 64


def gradients(model):
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def trl_loss(model, tokenizer, trials, loss_type, folder):
    """TRL's own GRPO loss (and gradient, left on the model) of the same samples."""
    trl = pytest.importorskip("trl", reason="trl is not installed: loss oracle skipped")
    from datasets import Dataset

    rows = [(t.prompt, r) for t in trials for r in t.responses for _ in range(r.count)]
    options = trl.GRPOConfig(
        output_dir=str(folder), loss_type=loss_type, epsilon=0.2, epsilon_high=0.28, beta=0.0,
        temperature=1.0, bf16=False, gradient_checkpointing=False, use_cpu=True, report_to="none",
        per_device_train_batch_size=len(rows), num_generations=len(rows), disable_tqdm=True)
    trainer = trl.GRPOTrainer(
        model=model, reward_funcs=lambda **_: [], args=options, processing_class=tokenizer,
        train_dataset=Dataset.from_list([{"prompt": "x"}] * len(rows)))
    trainer.current_gradient_accumulation_steps = 1
    model.train()
    left, right = max(len(p) for p, _ in rows), max(len(r.ids) for _, r in rows)
    inputs = {"prompt_ids": torch.zeros(len(rows), left, dtype=torch.long),
              "completion_ids": torch.zeros(len(rows), right, dtype=torch.long)}
    inputs["prompt_mask"] = torch.zeros_like(inputs["prompt_ids"])
    inputs["completion_mask"] = torch.zeros_like(inputs["completion_ids"])
    old = torch.zeros(len(rows), right)
    for i, (prompt, r) in enumerate(rows):
        inputs["prompt_ids"][i, left - len(prompt):] = torch.tensor(prompt)
        inputs["prompt_mask"][i, left - len(prompt):] = 1
        inputs["completion_ids"][i, :len(r.ids)] = torch.tensor(r.ids)
        inputs["completion_mask"][i, :len(r.ids)] = 1
        old[i, :len(r.ids)] = torch.tensor(r.logprobs)
    inputs |= {"old_per_token_logps": old,
               "advantages": torch.tensor([r.advantage for _, r in rows]),
               "num_items_in_batch": inputs["completion_mask"].sum()}
    loss = trainer._compute_loss(model, inputs)
    loss.backward()
    clip = trainer._metrics["train"]["clip_ratio/region_mean"][-1]
    return float(loss.detach()), clip


@pytest.mark.parametrize("loss_type", ["dapo", "bnpo"])
def test_loss_and_gradient_equal_trl(model, tokenizer, tmp_path, loss_type):
    trials = fixed_batch(model)
    trials[0] = Trial(trials[0].prompt, (trials[0].responses[0],) + (
        Response(**{**vars(trials[0].responses[1]), "count": 3}),))
    theirs = copy_of(model)
    expected, clip = trl_loss(theirs, tokenizer, trials, loss_type, tmp_path)
    ours = copy_of(model)
    stats = backward_trials(ours, trials, settings())
    assert stats["loss"] == pytest.approx(expected, abs=1e-6)
    assert stats["clip_low"] + stats["clip_high"] == pytest.approx(clip, abs=1e-6)
    assert clip > 0.05
    assert (gradients(ours) - gradients(theirs)).abs().max() < 1e-5


def test_loss_by_hand():
    """Two tokens, two words: ratios 1.5 and 0.5 with advantage +1 and -1 are both clipped."""
    logits = torch.log(torch.tensor([[0.6, 0.4], [0.3, 0.7]]))
    old = torch.log(torch.tensor([0.4, 0.6]))
    loss, stats = policy_loss(logits, torch.tensor([0, 0]), old, torch.tensor([1.0, -1.0]),
                              torch.tensor([1.0, 2.0]), 0.2, 0.28)
    assert float(loss) == pytest.approx(-(1 * 1.28 + 2 * -0.8), abs=1e-6)
    assert (stats["clip_high"], stats["clip_low"]) == (1.0, 2.0)


def test_the_clip_acts_in_the_second_step_only(model):
    ours = copy_of(model)
    trials = []
    for trial in fixed_batch(model, seed=1):
        exact = [Response(r.ids, tuple(reference(model, trial.prompt, r.ids).tolist()),
                          r.advantage) for r in trial.responses]
        trials.append(Trial(trial.prompt, tuple(exact)))
    optimizer = torch.optim.AdamW(ours.parameters(), lr=3e-2)
    first = policy_step(ours, optimizer, trials[:3], settings())
    second = policy_step(ours, optimizer, trials[3:], settings())
    assert first["clip_low"] == first["clip_high"] == 0 and first["logprob_diff"] < 1e-5
    assert second["clip_low"] + second["clip_high"] > 0


def test_equal_samples_are_computed_once(model):
    trial = fixed_batch(model, groups=1)[0]
    twice = merge(trial.prompt, trial.responses + trial.responses[:2])
    assert [r.count for r in twice.responses] == [2, 2, 1, 1]
    ours, plain = copy_of(model), copy_of(model)
    stats = backward_trials(ours, [twice], settings())
    spread = [Trial(trial.prompt, (r,)) for r in trial.responses + trial.responses[:2]]
    expected = backward_trials(plain, spread, settings())
    assert stats["loss"] == pytest.approx(expected["loss"], abs=1e-6)
    assert stats["tokens"] == expected["tokens"] == twice.n_tokens
    assert (gradients(ours) - gradients(plain)).abs().max() < 1e-6


def samples(rewards, unscored=()):
    made = []
    for i, reward in enumerate(rewards):
        sample = rollout.Sample(i, i // 4, "p", [5, 6, 7 + i, 1], "x", 2, [-1.0, -0.1], {})
        sample.reward = reward
        if i in unscored:
            sample.remove_sample, sample.loss_mask = True, [0, 0]
        made.append(sample)
    return made


def test_unscored_samples_leave_the_group_mean_and_the_loss():
    group = samples([1.0, 0.0, 0.0, 0.0], unscored={3})
    trial, = rollout.trials_of(group, ARGS)
    assert len(trial.responses) == 3
    by_hand = [(r - 1 / 3) / (3 ** -0.5 + 1e-6) for r in (1.0, 0.0, 0.0)]
    assert [r.advantage for r in trial.responses] == pytest.approx(by_hand)
    assert trial.prompt == (5, 6) and trial.responses[0].ids == (7, 1)


def test_flat_groups_are_skipped():
    flat = samples([0.0] * 4 + [1.0] * 4 + [1.0, 0.0, 0.0, 0.0])
    trials = rollout.trials_of(flat, ARGS)
    assert len(trials) == 1 and trials[0].responses[0].ids == (15, 1)
    row = rollout.describe(flat, ARGS, 4)
    assert row["rollout/reward_mean"] == pytest.approx(5 / 12)
    assert row["rollout/pass_at_4"] == pytest.approx(2 / 3)
    assert row["rollout/mixed_groups"] == pytest.approx(1 / 3)
    almost_unscored = samples([1.0, 0.0, None, None], unscored={1, 2, 3})
    assert rollout.trials_of(almost_unscored, ARGS) == []


def test_the_control_learns_each_verified_sample_once():
    group = samples([1.0, 1.0, 0.0, 1.0], unscored={3})
    group[1].tokens = group[0].tokens
    trial, = rollout.verified_trials(group, ARGS)
    assert [r.ids for r in trial.responses] == [(7, 1)]


def test_picker_passes_over_the_frontier_and_explores():
    picker = rollout.Picker([f"k{i}" for i in range(6)], [f"u{i}" for i in range(4)], 0.25, 0)
    seen = []
    for _ in range(3):
        names = picker.next(4)
        assert len(set(names)) == 4 and sum(n.startswith("u") for n in names) == 1
        seen += [n for n in names if n.startswith("k")]
    assert set(seen[:6]) == {f"k{i}" for i in range(6)}
    for n in seen:
        picker.learn(n, 1.0 if n != "k3" else 0.5)
    picker.learn("u9", 0.25)
    assert "u9" in picker.known
    picker.queue = []
    assert set(picker.next(3)) <= {"k3", "u9"} | {f"u{i}" for i in range(4)} | {
        f"k{i}" for i in range(6)}


def test_picker_returns_to_the_unsolved_once_everything_was_attempted():
    picker = rollout.Picker([], ["a", "b", "c", "d"], 1.0, 0)
    assert set(picker.next(4)) == {"a", "b", "c", "d"}
    for name, rate in {"a": 0.0, "b": 0.0, "c": 0.5, "d": 1.0}.items():
        picker.learn(name, rate)
    assert {"a", "b"} <= set(picker.next(3)) and picker.known == ["c"]
    picker.learn("a", 0.125)
    assert picker.known == ["c", "a"]


# the whole command, with a reward hook that needs no server

def write_world(folder: Path, checkpoint: str):
    """Theorems, attempts, a search and a trajectory of a small run."""
    theorems = [{"name": f"t{i}", "formal_statement":
                 f"import Mathlib\n\ntheorem t{i} (P Q : Prop) (h : P ∧ Q) : P := by",
                 "prompt": prompt_text(f"theorem t{i} (P Q : Prop) (h : P ∧ Q) : P := by")}
                for i in range(12)]
    write_jsonl_atomic(folder / "train.jsonl", theorems)
    attempts = [{"theorem": f"t{i}", "verdict": "verified" if j < (i != 3) else "rejected",
                 "tactics": ["exact h.1"], "response": proof_response(["exact h.1"])}
                for i in range(8) for j in range(4)]
    write_jsonl_atomic(folder / "round_1" / "attempts.jsonl", attempts)
    write_jsonl_atomic(folder / "round_1" / "searches.jsonl", [
        {"theorem": "t3", "solved": True, "proof": ["obtain ⟨h1, h2⟩ := h", "exact h1"]},
        {"theorem": "t4", "solved": False, "proof": None}])
    write_jsonl_atomic(folder / "round_1" / "trajectories.jsonl", [
        {"theorem": "t3", "kind": "state", "key": "a", "goals": ["P Q : Prop\nh : P ∧ Q\n⊢ P"],
         "outcome": "proven", "d": 2, "tactic": "obtain ⟨h1, h2⟩ := h"},
        {"theorem": "t3", "kind": "state", "key": "b", "goals": ["⊢ False"],
         "outcome": "censored", "d": None, "tactic": None}])
    overlay = folder / "overlay.yaml"
    overlay.write_text(json.dumps({
        "run": {"name": "t", "dir": str(folder / "run")},
        "theorems": {"train": str(folder / "train.jsonl")},
        "grpo": {"model": checkpoint, "output": str(folder / "run" / "generator"), "lr": 1e-3,
                 "rounds": [str(folder / "round_1")], "prompts_per_rollout": 4,
                 "samples_per_prompt": 4, "max_new_tokens": 12, "num_rollouts": 4,
                 "save_every": 2, "seed": 0, "reward_chunks": 2, "frontier": {"explore": 0.25},
                 "replay": {"steps": 2, "batch_size": 4},
                 "slime": {"reward": "test_grpo.parity_reward"}}}), encoding="utf-8")
    return overlay


async def parity_reward(args, batch, **kwargs):
    """A rule in the place of Lean: a response is right when its token ids add up to even."""
    await asyncio.sleep(0)
    assert args.coprover_cfg.grpo.samples_per_prompt == 4
    for sample in batch:
        assert sample.metadata["formal_statement"] and sample.label == sample.metadata["name"]
    return [float(sum(sample.response_ids) % 2 == 0) for sample in batch]


def run(monkeypatch, overlay, *sets):
    monkeypatch.setattr("sys.argv", ["grpo", "--config", str(overlay), "--set",
                                     "run.name=t", *sets])
    assert grpo.main() == 0


def test_command_resumes_exactly(checkpoint, tmp_path, monkeypatch):
    from coprover.checkpoints import weight_version

    whole, halved = tmp_path / "whole", tmp_path / "halved"
    run(monkeypatch, write_world(whole, checkpoint))
    overlay = write_world(halved, checkpoint)
    steps = []
    original = grpo.Trainer.step

    def dies(trainer):
        if len(steps) == 3:  # after one rollout that no checkpoint holds
            raise KeyboardInterrupt
        steps.append(trainer.rollout)
        return original(trainer)
    monkeypatch.setattr(grpo.Trainer, "step", dies)
    with pytest.raises(KeyboardInterrupt):
        run(monkeypatch, overlay)
    monkeypatch.setattr(grpo.Trainer, "step", original)
    assert not (halved / "run" / "generator").exists()
    run(monkeypatch, overlay)
    versions = {weight_version(p / "run" / "generator") for p in (whole, halved)}
    assert len(versions) == 1 and versions != {weight_version(checkpoint)}
    rows = read_jsonl(whole / "run" / "metrics.jsonl")
    assert [r["step"] for r in rows] == [1, 2, 3, 4]
    for name in ("rollout/reward_mean", "train/entropy", "train/replay_loss", "train/loss",
                 "train/clip_fraction", "train/grad_norm", "time/sample_s"):
        assert name in rows[0], name
    assert rows[0]["train/logprob_diff_0"] < 1e-4  # the sampler's logprobs are the policy's
    run(monkeypatch, overlay)  # a finished run is left alone
    assert len(read_jsonl(halved / "run" / "metrics.jsonl")) == 5


def test_the_control_and_its_switches(checkpoint, tmp_path, monkeypatch):
    overlay = write_world(tmp_path, checkpoint)
    run(monkeypatch, overlay, "grpo.objective=rejection", "grpo.replay.search=false",
        "grpo.num_rollouts=1")
    row, = read_jsonl(tmp_path / "run" / "metrics.jsonl")
    assert row["objective"] == "rejection" and row["train/loss"] > 0
    assert "train/replay_loss" in row and "train/clip_fraction" not in row


@pytest.mark.parametrize("item, culprit", [
    ("grpo.kl_coef=0.1", "kl_coef"), ("grpo.temperature=0.7", "temperature"),
    ("grpo.objective=ppo", "objective"), ("grpo.lr_schedule=cosine", "lr_schedule"),
    ("grpo.samples_per_prompt=1", "samples_per_prompt"),
    ("grpo.slime.reward=nowhere.f", "nowhere"),
])
def test_bad_settings_are_named(checkpoint, tmp_path, monkeypatch, item, culprit):
    with pytest.raises(ConfigError, match=culprit):
        run(monkeypatch, write_world(tmp_path, checkpoint), item)


def test_missing_inputs_are_named(checkpoint, tmp_path):
    overlay = write_world(tmp_path, checkpoint)
    section = config.load([overlay], ["grpo.rounds=[nowhere]"]).grpo
    with pytest.raises(InputError, match="nowhere/attempts.jsonl"):
        grpo.pools([], section)


def test_replay_rows(checkpoint, tmp_path, tokenizer):
    write_world(tmp_path, checkpoint)
    folder = tmp_path / "round_1"
    proofs, steps = found_proofs([folder], 2), proven_steps([folder])
    assert proofs["t3"] == [["obtain ⟨h1, h2⟩ := h", "exact h1"]]
    assert proofs["t0"] == [["exact h.1"]] and "t4" in proofs
    assert steps == {"t3": [("P Q : Prop\nh : P ∧ Q\n⊢ P", "obtain ⟨h1, h2⟩ := h")]}
    from coprover.records import load_theorems
    from local import tokenizer as tok

    theorems = {t.name: t for t in load_theorems(tmp_path / "train.jsonl")}
    options = SimpleNamespace(step_share=1.0, per_theorem=2, alphabets=[])
    replay = Replay(tokenizer, theorems, proofs, steps, options, 256)
    row, = replay.draw(1, random.Random(0))
    assert tok.decode(tokenizer, row.prompt) == (
        "[GOAL]\nP Q : Prop\nh : P ∧ Q\n⊢ P\n[PROOFSTEP]\n")
    assert row.responses[0][-1] == tokenizer.eos_token_id
    assert len(replay) == 9 and len(replay.draw(5, random.Random(0))) == 5
    proof = Group([1, 2], ((3, 4),))
    for theorem, taken in (("t3", True), ("t3", False), ("new", True)):  # a copy is not taken twice
        before = len(replay)
        replay.add(theorem, proof)
        assert len(replay) - before == taken
    assert replay.added == [("t3", proof), ("new", proof)]
    replay.step_share = 0.0
    assert "new" in replay.whole and all(g.prompt for g in replay.draw(20, random.Random(1)))
    own = found_proofs([folder], 2, search=False)
    assert "t3" not in own and own["t0"] == [["exact h.1"]]
