"""Sizes of the node: hand-worked values, and the docs hold what the command prints."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from coprover import config, hardware, sizing
from coprover.config import ConfigError
from coprover.hardware import Assumptions

ROOT = Path(__file__).resolve().parent.parent
DEEPSEEK = "models/deepseek-prover-v2-7B.sh"
P = 6_910_365_696  # 2 x 102400 x 4096 + 30 (4 x 4096^2 + 3 x 4096 x 11008 + 2 x 4096) + 4096


def deepseek() -> hardware.Architecture:
    return hardware.read_architecture(DEEPSEEK)


def node(times: int = 1, *sets: str):
    cfg = config.load(sets=sets)
    return cfg, hardware.layout_of(cfg, Assumptions(), times)


def row(page: str, name: str) -> list[str]:
    """The cells of the table row that starts with a name."""
    [line] = [line for line in page.splitlines() if line.startswith(f"| {name}")]
    return [cell.strip() for cell in line.strip("|").split(" | ")][1:]


def test_parameters_follow_from_the_arrays():
    assert deepseek().params == P
    llama = hardware.read_architecture("models/llama-3.2-1B.sh")
    # tied: 128256 x 2048 + 16 (2 x 2048 x 64 x (32 + 8) + 3 x 2048 x 8192 + 2 x 2048) + 2048
    assert llama.params == 1_235_814_400


def test_keys_and_values_of_a_token():
    assert deepseek().kv_bytes == 2 * 30 * 32 * 128 * 2 == 491_520
    assert hardware.read_architecture("models/llama-3.2-1B.sh").kv_bytes == 32_768


def test_memory_of_a_training_gpu():
    cfg, layout = node()
    assert (layout.tp, layout.dp, layout.gpus, layout.nodes) == (2, 2, 8, 1)
    parts = hardware.training_bytes(deepseek(), cfg, layout)
    assert parts["weights and gradients"] == 6 * P / 2
    assert parts["optimizer"] == 12 * P / 4
    assert parts["activations"] == 9216 * 4096 / 2 * (30 * 2 + 34)
    assert parts["logits"] == 9216 * 102400 / 2 * 10
    total = hardware.training_gb(deepseek(), cfg, layout, Assumptions())
    assert total == pytest.approx(20.731 + 20.731 + 1.774 + 4.719 + 6, abs=0.01)


def test_without_recomputation_every_layer_keeps_its_activations():
    cfg, layout = node(1, "grpo.slime.args.recompute_granularity=null")
    parts = hardware.training_bytes(deepseek(), cfg, layout)
    assert parts["activations"] == 9216 * 4096 / 2 * 30 * 34


def test_offload_takes_the_optimizer_off_the_gpu():
    cfg, layout = node(1, "grpo.slime.extra=[--optimizer-cpu-offload]")
    assert layout.offload and hardware.training_bytes(deepseek(), cfg, layout)["optimizer"] == 0


def test_what_an_engine_caches():
    cfg, layout = node()
    tokens = (0.85 * 140e9 - 2 * P) / 491_520
    assert hardware.kv_tokens(deepseek(), cfg, layout) == int(tokens) == 213_987
    assert hardware.kv_tokens(deepseek(), *node(1, "grpo.slime.sglang_mem_fraction=0.05")) == 0


def test_seconds_of_a_rollout():
    cfg, layout = node()
    # 128 samples an engine, 213,987 / 2,348 = 91 at a time: 4096 + 37 x 2048 / 91 = 4,924 steps of
    # 13.8 GB, and 128 (300 x 2048 + 2048^2 / 2) cached tokens read: (68.1 + 170.6) TB / 2.88 TB/s
    seconds = hardware.generate_s(deepseek(), cfg, layout, Assumptions(), 512, 2048, 4096)
    assert seconds == pytest.approx((68.1 + 170.6) / 2.88, rel=0.002)
    # 10 FLOP x 6.91e9 x 512 x 2,348 tokens at 4 x 989e12 x 0.35
    training = hardware.train_s(deepseek(), cfg, layout, Assumptions())
    assert training == pytest.approx(60.0, rel=0.001)


def test_a_model_that_does_not_fit_is_never_done():
    cfg, layout = node(1, "grpo.slime.sglang_mem_fraction=0.05")
    assert hardware.generate_s(deepseek(), cfg, layout, Assumptions(), 512, 2048, 4096) == math.inf
    page = sizing.page(cfg, Assumptions())
    assert row(page, "fits")[0] == "**no**" and row(page, "Lean cores that")[0] == "–"


def test_network_of_two_nodes():
    assert hardware.network_gb(deepseek(), *node()) == 0
    # 4 engines x 2P, and 2 updates x 4 GPUs x 6 bytes x P/2 x 3/4
    gigabytes = hardware.network_gb(deepseek(), *node(2))
    assert gigabytes == pytest.approx(55.28 + 124.39, abs=0.01)


def test_disk_holds_every_save_somewhere():
    cfg = config.load(sets=["grpo.num_rollouts=50", "grpo.save_every=20", "collect.budget=600"])
    parts = hardware.disk_round_gb(cfg)
    saves = max(parts["generator"], hardware.disk_passing_gb(cfg))
    assert saves == pytest.approx(3 * 16 * P / 1e9)
    assert parts["value model"] == pytest.approx(4 * 1.2358, abs=0.001)
    assert parts["attempts"] == pytest.approx(5000 * 8 * 4096 * 4 / 1e9)
    assert parts["searches"] == pytest.approx(5000 * 600 * 8 * 500 / 1e9)


def test_the_laptop_needs_next_to_nothing():
    cfg = config.load(["configs/local.yaml"])
    assert hardware.generator_architecture(cfg).params == pytest.approx(0.5e6, rel=0.03)
    assert sum(hardware.disk_round_gb(cfg).values()) + hardware.disk_passing_gb(cfg) < 1


def test_rows_of_the_table():
    cfg = config.load(sets=["collect.budget=600"])
    page = sizing.page(cfg, Assumptions())
    assert row(page, "GPUs: training + rollout")[:4] == ["4 + 4", "8 + 8", "32 + 32", "1 shared"]
    assert row(page, "all with overhead, GB")[0] == "54 of 140"
    assert row(page, "fits") == ["yes", "yes", "yes", "**no**", "yes", "yes"]
    assert row(page, "sampling a rollout, s")[0] == "83"
    assert row(page, "Lean cores that keep up with sampling")[0] == "86"  # 512 x 13.9 / 82.9
    assert row(page, "Lean cores for the 512 proofs") == ["40; 171 if all time out"]
    assert row(page, "GRPO step with 128 Lean cores a node, s")[0] == "143"  # 82.9 + 60.0
    # 24e6 tactics x 2.5 s / 128 cores / 3600 = 130 h, hence 600 x 8 / 130 = 36 in 8 h
    assert row(page, "collect: search, at most, h a round")[0] == "130"
    assert row(page, "largest collect.budget for 8 h of search")[0] == "36"


def test_few_lean_cores_make_the_step_longer():
    page = sizing.page(config.load(), Assumptions(lean_cores=32))
    assert row(page, "GRPO step with 32 Lean cores a node, s")[0] == "282"  # 512 x 13.9 / 32 + 60


def test_stepping_by_states_is_cheaper():
    cfg = config.load(sets=["lean.stepping=states"])
    assert hardware.tactic_core_s(cfg, Assumptions()) == 0.5
    assert hardware.tactic_core_s(config.load(), Assumptions()) == 2.5


@pytest.mark.parametrize(
    ("sets", "argv", "message"),
    [
        ([], ["--mean-tokens", "5000"], "more than grpo.max_new_tokens"),
        ([], ["--lean-cores", "0"], "--lean-cores must be above 0"),
        (["grpo.slime.actor_gpus_per_node=3"], [], "no multiple"),
        (["warm_start.enabled=true"], [], "for GPU nodes"),
    ],
)
def test_nonsense_is_refused(sets, argv, message):
    with pytest.raises(ConfigError, match=message):
        sizing.main([*argv, *(["--set", *sets] if sets else [])])


def test_a_missing_architecture_flag_is_named(tmp_path):
    (tmp_path / "m.sh").write_text("MODEL_ARGS=(--num-layers 2)\n")
    with pytest.raises(ConfigError, match="--hidden-size"):
        hardware.read_architecture(str(tmp_path / "m.sh"))


def test_the_docs_hold_what_the_command_prints(capsys):
    assert sizing.main([]) == 0
    text = (ROOT / "docs" / "node.md").read_text(encoding="utf-8")
    documented = text.split("<!-- sizing -->")[1].split("<!-- /sizing -->")[0]
    assert documented.strip() == capsys.readouterr().out.strip()
