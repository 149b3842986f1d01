"""V as label tokens: labels keep their mean, and the reading inverts them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from test_lean_generate import Sample

from coprover import config, slime_hooks, value_sft_rollout, value_text
from coprover.config import InputError
from coprover.sampling import ValueClient


class Tokenizer:
    bos_token_id = 1

    def encode(self, text, add_special_tokens=True):
        if text in {" " + letter for letter in value_text.LETTERS}:
            return [1000 + ord(text[1])]
        return [ord(c) for c in text]


@pytest.mark.parametrize("value", [0.0, 0.77, 0.8145, 0.95, 1.0])
def test_soft_labels_keep_their_mean(value):
    draws = [value_text.step_of(value, (i + 0.5) / 1000) / 20 for i in range(1000)]
    assert sum(draws) / 1000 == pytest.approx(value, abs=1e-3)
    assert max(draws) - min(draws) <= 0.05 + 1e-9


def test_labels_outside_the_unit_interval_are_refused():
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        value_text.step_of(1.2, 0.0)


def test_reading_is_the_expectation_and_ignores_mass_elsewhere():
    logprobs = [-math.inf] * 21
    logprobs[19], logprobs[20] = math.log(0.3), math.log(0.1)  # 0.6 of the mass is on other tokens
    assert value_text.expected_value(logprobs) == pytest.approx(0.75 * 0.95 + 0.25 * 1.0)


def test_a_tokenizer_that_splits_labels_is_refused():
    with pytest.raises(InputError, match="splits the label"):
        value_text.label_ids(SimpleNamespace(encode=lambda text, add_special_tokens: [1, 2]))


def served(head, models_value="x"):
    return value_text.value_client(
        config.load([], [f"value.head={head}", f"models.value={models_value}"]), "http://x")


def test_the_config_names_the_kind_of_client(monkeypatch):
    assert type(served("mlp")) is ValueClient
    with pytest.raises(config.ConfigError, match="'tokens'; choose mlp or labels"):
        served("tokens")
    transformers = pytest.importorskip("transformers")
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *_, **__: Tokenizer())
    client = served("labels")
    assert type(client) is value_text.LabelTokenClient and client.ids[0] == 1000 + ord("A")


def test_labels_without_a_tokenizer_name_the_folder(tmp_path):
    with pytest.raises(InputError, match=f"models.value={tmp_path}"):
        served("labels", tmp_path)


def test_rollout_learns_one_label_token(monkeypatch):
    monkeypatch.setattr(slime_hooks, "tokenizer", lambda path: Tokenizer())
    sample = Sample(prompt=value_text.prompt("⊢ P"), label=1.0)
    source = SimpleNamespace(get_samples=lambda n: [[sample]] * n)
    args = SimpleNamespace(hf_checkpoint="x", rollout_batch_size=1)
    [[filled]] = value_sft_rollout.generate_rollout(args, 0, source)
    assert filled.tokens == [1, *map(ord, "⊢ P\n[VALUE]"), 1000 + ord("U")]
    assert filled.loss_mask == [1] and filled.response_length == 1 and filled.reward == 0
