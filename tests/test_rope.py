"""Rotary scaling: equal to Transformers', and a stop at everything we do not reproduce."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from coprover import model_providers, rope

YARN = {
    "hidden_size": 4096, "num_attention_heads": 32, "max_position_embeddings": 65536,
    "rope_theta": 10000.0,
    "rope_scaling": {"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096,
                     "beta_fast": 32, "beta_slow": 1},
}  # fmt: skip
LLAMA3 = {
    "hidden_size": 2048, "num_attention_heads": 32, "head_dim": 64, "rope_theta": 500000.0,
    "max_position_embeddings": 131072,
    "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                     "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
}  # fmt: skip


def of_transformers(config: dict) -> tuple[list[float], float]:
    pytest.importorskip("torch")
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    scaling = dict(config["rope_scaling"])
    kind = scaling.pop("type", None) or scaling["rope_type"]
    rest = {key: value for key, value in config.items() if key not in ("rope_scaling",)}
    base = rest.pop("rope_theta")
    parameters = scaling | {"rope_type": kind, "rope_theta": base}
    frequencies, factor = ROPE_INIT_FUNCTIONS[kind](
        LlamaConfig(**rest, rope_parameters=parameters), "cpu"
    )
    return frequencies.double().tolist(), float(factor)


def test_yarn_equals_transformers():
    frequencies, factor = of_transformers(YARN)
    ours = rope.read(YARN)
    assert ours.inverse_frequencies() == pytest.approx(frequencies, rel=1e-6)
    assert ours.attention_factor() == pytest.approx(factor, rel=1e-9)
    assert ours.attention_factor() == pytest.approx(0.1 * math.log(16) + 1)
    assert ours.correction_range() == (20, 46)


def test_yarn_with_mscale_keys_follows_sglang():
    config = YARN | {"rope_scaling": YARN["rope_scaling"] | {"mscale": 1.0, "mscale_all_dim": 1.0}}
    frequencies, factor = of_transformers(config)
    ours = rope.read(config)
    assert ours.inverse_frequencies() == pytest.approx(frequencies, rel=1e-6)
    assert factor == pytest.approx(1.0)  # Transformers divides the two
    assert ours.attention_factor() == pytest.approx(1.27726, abs=1e-5)  # SGLang does not


def test_llama3_equals_transformers():
    frequencies, factor = of_transformers(LLAMA3)
    assert rope.read(LLAMA3).inverse_frequencies() == pytest.approx(frequencies, rel=1e-6)
    assert factor == 1.0


def test_both_spellings_of_the_config_agree():
    new = {key: value for key, value in LLAMA3.items() if key not in ("rope_theta", "rope_scaling")}
    new["rope_parameters"] = LLAMA3["rope_scaling"] | {"rope_theta": 500000.0}
    assert rope.read(new) == rope.read(LLAMA3)


@pytest.mark.parametrize(
    ("scaling", "message"),
    [
        ({"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096,
          "attention_factor": 2.0}, "attention_factor"),
        ({"type": "linear", "factor": 2.0}, "linear"),
        (None, "None"),
        ({"type": "yarn", "factor": 16.0}, "original_max_position_embeddings"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(scaling, message):
    with pytest.raises(rope.RopeError, match=message):
        rope.read(YARN | {"rope_scaling": scaling})


def test_provider_sets_what_megatrons_yarn_branch_reads():
    config = SimpleNamespace(apply_rope_fusion=True)
    model_providers.set_yarn(config, rope.read(YARN))
    assert config.yarn_rotary_scaling_factor == 16.0
    assert config.yarn_original_max_position_embeddings == 4096
    assert config.apply_rope_fusion is False

    def mscale(scale, m):  # Megatron's two terms, of which it takes the ratio
        return 0.1 * m * math.log(scale) + 1.0

    ratio = mscale(16.0, config.yarn_mscale) / mscale(16.0, config.yarn_mscale_all_dim)
    assert ratio == pytest.approx(rope.read(YARN).attention_factor())


def test_provider_refuses_megatrons_default_factor_of_eight():
    scaling = rope.read(LLAMA3)
    model_providers.check_llama3(scaling, 32.0)
    with pytest.raises(rope.RopeError, match="32"):
        model_providers.check_llama3(scaling, 8.0)
