"""SLIME arguments: the product's figures arrive, and nothing SLIME would drop gets through."""

from __future__ import annotations

import pytest

from coprover import config, slime_args, slime_flags
from coprover.config import ConfigError

DEEPSEEK = {
    "num_hidden_layers": 30, "hidden_size": 4096, "intermediate_size": 11008,
    "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 102400,
    "rms_norm_eps": 1e-6, "max_position_embeddings": 65536, "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "rope_scaling": {"type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096},
}  # fmt: skip
LLAMA = {
    "num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
    "rms_norm_eps": 1e-5, "max_position_embeddings": 131072, "rope_theta": 500000.0,
    "tie_word_embeddings": True, "rope_scaling": {"rope_type": "llama3", "factor": 32.0},
}  # fmt: skip


def args_of(role: str, *sets: str) -> list[str]:
    return slime_args.training_args(config.load(sets=sets), role)


def pairs(args: list[str]) -> dict[str, list[str]]:
    return dict(slime_flags.grouped(args, "test"))


def test_grpo_carries_the_products_figures():
    given = pairs(args_of("grpo"))
    wanted = {
        "--num-layers": "30", "--hidden-size": "4096", "--lr": "1e-06",
        "--lr-decay-style": "constant", "--rollout-batch-size": "64",
        "--n-samples-per-prompt": "8", "--eps-clip": "0.2", "--eps-clip-high": "0.28",
        "--rollout-temperature": "1.0", "--rollout-max-response-len": "4096",
        "--tensor-model-parallel-size": "2", "--actor-num-gpus-per-node": "4",
        "--rollout-num-gpus": "4", "--custom-rm-path": "lean_reward.compute_reward",
        "--input-key": "prompt", "--label-key": "label",
    }  # fmt: skip
    assert {flag: given[flag] for flag in wanted} == {f: [v] for f, v in wanted.items()}
    assert "--use-kl-loss" not in given and "--kl-coef" not in given


def test_clipping_acts_because_a_rollout_is_two_steps():
    given = pairs(args_of("grpo"))
    assert given["--num-steps-per-rollout"] == ["2"]
    assert given["--global-batch-size"] == ["256"]


def test_one_step_a_rollout_is_said_to_make_clipping_inert(capsys):
    args_of("grpo", "grpo.updates_per_rollout=1")
    assert "eps_low/eps_high never act" in capsys.readouterr().err


def test_value_carries_the_products_figures():
    given = pairs(args_of("value"))
    assert given["--lr"] == ["2e-05"] and given["--lr-decay-style"] == ["cosine"]
    assert given["--min-lr"] == ["2e-06"] and given["--num-epoch"] == ["3"]
    assert given["--actor-num-gpus-per-node"] == ["1"] and given["--num-layers"] == ["16"]
    assert given["--rope-scaling-factor"] == ["32.0"]
    assert "--untie-embeddings-and-output-weights" not in given
    assert "--debug-train-only" in given  # else SLIME would generate text and train on it


def test_overrides_reach_the_arguments():
    given = pairs(args_of("grpo", "grpo.lr=3e-7", "grpo.kl_coef=0.001"))
    assert given["--lr"] == ["3e-07"] and given["--kl-loss-coef"] == ["0.001"]
    assert given["--use-kl-loss"] == []


def test_colocated_gpus_are_not_counted_twice():
    assert "--rollout-num-gpus" not in pairs(args_of("grpo", "grpo.slime.colocate=true"))


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["grpo.updates_per_rollout=3"], "does not divide"),
        (["grpo.replay.steps=1"], "no replay steps"),
        (["grpo.optimizer=muon"], "grpo.optimizer is the laptop"),
        (["grpo.max_time_s=60"], "no time limit"),
        (["grpo.temperature=0.0"], "above 0"),
        (["grpo.slime.model_provider=coprover.model_providers.yran"], "no function"),
        (["grpo.slime.model_provider=null"], "knows neither YaRN"),
        (["grpo.slime.model_args=models/llama-3.2-1B.sh", "grpo.slime.model_provider=null"],
         "model_provider is null"),
        (["grpo.slime.extra=[--rollout-max-respnse-len,12]"], "did you mean --rollout-max-resp"),
        (["grpo.slime.extra=[--lr,1e-5]"], "given twice"),
        (["grpo.slime.extra=[--colocate,yes]"], "takes no value"),
        (["grpo.slime.extra=[--use-slime-router]"], "removed from SLIME"),
        (["grpo.slime.extra=[--yarn-beta-fast,32]"], "main branch only"),
        (["grpo.slime.extra=[--sglang-tp-size,2]"], "set by SLIME itself"),
        (["grpo.slime.extra=[--sglang-mem-fraction,0.5]"], "unknown flag"),  # an abbreviation
        (["grpo.slime.args.attention_backend=flsh"], "must be one of"),
        (["grpo.slime.max_tokens_per_gpu=many"], "wants a value like"),
        (["grpo.slime.generate=value_rollout.generate", "grpo.slime.guided_per_group=8"],
         "nothing is trained"),
        (["grpo.slime.nccl=1"], "unknown key"),
    ],
)  # fmt: skip
def test_what_slime_would_do_wrongly_is_refused(sets, message):
    with pytest.raises(ConfigError, match=message):
        args_of("grpo", *sets)


def test_a_flag_with_a_key_of_its_own_cannot_come_again_in_args():
    base = config.load()
    from omegaconf import OmegaConf

    cfg = OmegaConf.merge(base, {"grpo": {"slime": {"args": {"eps_clip": 0.3}}}})
    with pytest.raises(ConfigError, match="already set"):
        slime_args.training_args(cfg, "grpo")


def test_yarn_without_no_rope_fusion_is_refused(tmp_path):
    text = (config.ROOT / "models" / "deepseek-prover-v2-7B.sh").read_text()
    fused = tmp_path / "fused.sh"
    fused.write_text(text.replace("  --no-rope-fusion\n", ""))
    with pytest.raises(ConfigError, match="no-rope-fusion"):
        args_of("grpo", f"grpo.slime.model_args={fused}")


@pytest.mark.parametrize(
    ("file", "hf"), [("deepseek-prover-v2-7B.sh", DEEPSEEK), ("llama-3.2-1B.sh", LLAMA)]
)
def test_architecture_arguments_fit_the_checkpoints(file, hf):
    slime_args.check_model(slime_args.model_args(f"models/{file}"), hf, "config.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_key_value_heads": 8}, "--num-query-groups"),
        ({"vocab_size": 102401}, "--vocab-size"),
        ({"tie_word_embeddings": True}, "must not be given"),
        ({"rope_scaling": {"rope_type": "llama3"}}, "rotary scaling"),
        ({"rope_scaling": None}, "rotary scaling"),
        ({"rope_theta": 5e5}, "--rotary-base"),
        ({"num_hidden_layers": 28}, "--num-layers"),
    ],
)
def test_a_checkpoint_of_another_shape_is_named(change, message):
    model = slime_args.model_args("models/deepseek-prover-v2-7B.sh")
    with pytest.raises(ConfigError, match=message):
        slime_args.check_model(model, DEEPSEEK | change, "config.json")


def test_the_table_names_its_commit_and_has_no_double():
    table = slime_flags.flag_table()
    assert len(table["commit"]) == 40
    names = [flag for flags in table["kinds"].values() for flag in flags]
    assert len(names) == len(set(names)) > 1000


def test_render_spells_booleans_lists_and_nothing():
    flags = {"--a": True, "--b": False, "--c": None, "--d": [1, 2], "--e": 1e-6}
    assert slime_args.render(flags) == ["--a", "--d", "1", "2", "--e", "1e-06"]
    with pytest.raises(ConfigError, match="line break"):
        slime_args.render({"--a": "x\ny"})


def test_shell_gets_one_value_a_line(capsys):
    slime_args.main(["get", "grpo.slime.root", "grpo.slime.ray_address", "grpo.slime.colocate"])
    assert capsys.readouterr().out == "/root/slime\n\nfalse\n"
    with pytest.raises(ConfigError, match="no configuration key"):
        slime_args.main(["get", "grpo.nothing"])


def test_saved_configuration_reads_back(tmp_path):
    slime_args.main(["save", str(tmp_path / "c.yaml"), "--set", "grpo.lr=5e-7"])
    assert config.load([tmp_path / "c.yaml"]).grpo.lr == 5e-7
