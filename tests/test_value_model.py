"""The value model: shapes, padding, saving, starting from a generator (value_model.py)."""

import json
import math

import pytest

torch = pytest.importorskip("torch")
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

import value_model  # noqa: E402

TINY = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 64}
ROWS = [[5, 6, 7], [8, 9], [5, 6, 7, 8, 9, 10], [11], [4, 3]]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return value_model.ValueModel(LlamaConfig(**TINY, value_head_hidden=8)).eval()


def test_batches_give_what_single_rows_give(model):
    alone = [value_model.logits(model, [row])[0] for row in ROWS]
    assert value_model.logits(model, ROWS, token_budget=8) == pytest.approx(alone, abs=1e-5)
    assert value_model.logits(model, ROWS, token_budget=1000) == pytest.approx(alone, abs=1e-5)
    assert len({round(x, 4) for x in alone}) > 1


@pytest.mark.parametrize("changes, plain", [({}, True), ({"num_key_value_heads": 1}, False),
                                            ({"attention_bias": True}, False)])  # fmt: skip
def test_short_pass_equals_transformers(changes, plain, monkeypatch):
    torch.manual_seed(0)
    model = value_model.ValueModel(LlamaConfig(**TINY | changes, value_head_hidden=8)).eval()
    assert value_model.is_plain(model.config) == plain
    short = value_model.logits(model, ROWS)
    monkeypatch.setattr(value_model, "is_plain", lambda config: False)
    assert value_model.logits(model, ROWS) == pytest.approx(short, abs=1e-5)


def test_loss_is_weighted_soft_cross_entropy(model):
    ids, mask = value_model.pad(ROWS[:2])
    out = model(ids, mask, labels=torch.tensor([0.9, 0.0]), weights=torch.tensor([1.0, 3.0]))
    p = torch.sigmoid(out.logits).tolist()
    by_hand = -(0.9 * math.log(p[0]) + 0.1 * math.log(1 - p[0]) + 3 * math.log(1 - p[1])) / 4
    assert out.loss.item() == pytest.approx(by_hand, abs=1e-5)


def test_the_second_head_adds_the_cross_entropy_of_the_distance(model):
    ids, mask = value_model.pad(ROWS[:2])
    facts = {"labels": torch.tensor([0.9, 0.0]), "weights": torch.tensor([1.0, 3.0])}
    plain = model(ids, mask, **facts).loss.item()
    classes = torch.tensor([model.distance_class(d) for d in (2, None)])
    assert classes.tolist() == [1, model.config.value_distances]
    assert model.distance_class(1) == 0
    assert model.distance_class(10**6) == model.config.value_distances - 1
    model.config.value_distance_loss = 0.5
    both = model(ids, mask, distances=classes, **facts).loss.item()
    each = torch.log_softmax(model.value_distance(model._last_hidden(ids, mask)), dim=-1)
    extra = -(each[0, 1] + 3 * each[1, -1]).item() / 4
    assert both == pytest.approx(plain + 0.5 * extra, abs=1e-5)


def test_save_and_load_are_exact_and_keep_model_type(model, tmp_path):
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["model_type"] == "llama" and config["architectures"] == ["ValueModel"]
    again = value_model.load(tmp_path).eval()
    assert value_model.logits(again, ROWS) == value_model.logits(model, ROWS)


def test_scaling_is_linear_in_the_logit(model):
    before = value_model.logits(model, ROWS)
    model.scale(0.5, -1.0)
    assert value_model.logits(model, ROWS) == pytest.approx([0.5 * x - 1 for x in before], abs=1e-5)


def test_starts_from_a_generator(tmp_path):
    generator = LlamaForCausalLM(LlamaConfig(**TINY, tie_word_embeddings=True))
    generator.save_pretrained(tmp_path)
    model = value_model.load(tmp_path, head_hidden=8)
    for name, weight in generator.model.state_dict().items():
        assert torch.equal(weight, model.model.state_dict()[name]), name
    assert model.value_up.out_features == 8
    assert all(torch.isfinite(torch.tensor(value_model.logits(model.eval(), ROWS))))


def test_long_states_lose_their_beginning():
    def tokenizer(texts):
        return {"input_ids": [[ord(c) for c in text] for text in texts]}

    assert value_model.encode(tokenizer, ["abc", "d"], 2) == [[98, 99], [100]]
