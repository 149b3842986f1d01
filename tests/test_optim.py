"""coprover/optim.py: which weights Muon gets, its step size, resuming, learning rates."""

import copy

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from coprover import optim
from coprover.config import ConfigError

SETTINGS = {"lr": 1e-3, "muon_lr": 2e-3, "weight_decay": 0.0, "betas": (0.9, 0.98)}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, intermediate_size=48, tie_word_embeddings=True))


def train(model, optimizer, seed: int) -> None:
    torch.manual_seed(seed)
    ids = torch.randint(32, (2, 8))
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def test_muon_gets_the_matrices_of_the_layers_and_adamw_the_rest(model):
    muon, adamw = optim.make("muon", model, **SETTINGS).parts
    names = {id(p): name for name, p in model.named_parameters()}
    hidden = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    rest = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert hidden | rest == set(names.values()) and not hidden & rest
    assert len(hidden) == 2 * 7 and all(".layers." in name for name in hidden)
    assert "model.embed_tokens.weight" in rest
    assert "model.layers.0.input_layernorm.weight" in rest


def test_frozen_weights_stay_out(model):
    frozen = model.model.layers[0].mlp.up_proj.weight.requires_grad_(False)
    optimizer = optim.make("muon", model, **SETTINGS)
    assert all(p is not frozen for group in optimizer.param_groups for p in group["params"])


def test_a_step_has_the_rms_of_adamw(model):
    weight = model.model.layers[1].mlp.down_proj.weight
    before = weight.detach().clone()
    train(model, optim.make("muon", model, **SETTINGS), seed=1)
    rms = (weight - before).square().mean().sqrt() / SETTINGS["muon_lr"]
    assert 0.13 < rms < 0.27  # 0.2, up to the rough Newton-Schulz iteration


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_saved_state_continues_exactly(model, name):
    optimizer = optim.make(name, model, **SETTINGS)
    for seed in range(3):
        train(model, optimizer, seed)
    twin = copy.deepcopy(model)
    resumed = optim.make(name, twin, **SETTINGS)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for seed in (3, 4):
        train(model, optimizer, seed)
        train(twin, resumed, seed)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_rates_follow_the_factor_after_a_resume_too(model):
    optimizer = optim.make("muon", model, **SETTINGS)
    optim.set_lr(optimizer, 0.5)
    optim.set_lr(optimizer, 0.1)
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([2e-4, 1e-4])
    resumed = optim.make("muon", model, **SETTINGS)
    resumed.load_state_dict(optimizer.state_dict())
    optim.set_lr(resumed, 1.0)
    assert [g["lr"] for g in resumed.param_groups] == pytest.approx([2e-3, 1e-3])
    assert [g["lr"] for part in resumed.parts for g in part.param_groups] == pytest.approx(
        [2e-3, 1e-3])


def test_a_torch_scheduler_moves_both_groups(model):
    optimizer = optim.make("muon", model, **SETTINGS)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.25)
    assert [g["lr"] for part in optimizer.parts for g in part.param_groups] == pytest.approx(
        [5e-4, 2.5e-4])


def test_an_unknown_name_is_refused(model):
    with pytest.raises(ConfigError, match="'sgd'; choose adamw or muon"):
        optim.make("sgd", model, **SETTINGS)
