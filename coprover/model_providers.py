"""Megatron models with the rotary scaling SLIME's own builder lacks (--custom-model-provider-path).

`yarn` builds DeepSeek-Prover-V2-7B, `llama3` builds Llama-3.2-1B; both read the scaling from
`<hf_checkpoint>/config.json` (coprover/rope.py). The layer spec is the one that SLIME's builder
(slime/backends/megatron_utils/model_provider.py, SLIME 0.3.1) makes for a dense model. Written
against the Megatron-LM commit that SLIME's image pins (see coprover/slime_flags.json) and not yet
run on a GPU: docs/node.md names the first number to look at.
"""

from __future__ import annotations

from pathlib import Path

from coprover import rope


def yarn(pre_process: bool = True, post_process: bool = True, vp_stage: int | None = None):
    """Returns a GPTModel with YaRN. Raises RopeError unless the checkpoint's scaling is YaRN."""
    args, config = _config()
    scaling = _scaling(args, rope.Yarn)
    set_yarn(config, scaling)
    return _gpt_model(args, config, pre_process, post_process, vp_stage,
                      position_embedding_type="yarn")  # fmt: skip


def llama3(pre_process: bool = True, post_process: bool = True, vp_stage: int | None = None):
    """Returns a GPTModel with Llama-3 scaling and the checkpoint's own factor (32, not 8)."""
    args, config = _config()
    scaling = _scaling(args, rope.Llama3)
    check_llama3(scaling, args.rope_scaling_factor)
    return _gpt_model(args, config, pre_process, post_process, vp_stage,
                      position_embedding_type="rope", rope_scaling=True,
                      rope_scaling_factor=scaling.factor)  # fmt: skip


def set_yarn(config, scaling: rope.Yarn) -> None:
    """Sets the attributes that GPTModel's yarn branch reads and no flag fills.

    mscale 1 over mscale_all_dim 0 gives the factor 0.1·ln(factor) + 1. The fused rotary kernel
    drops that factor for packed sequences, hence apply_rope_fusion = False.
    """
    config.yarn_rotary_scaling_factor = scaling.factor
    config.yarn_original_max_position_embeddings = scaling.original_length
    config.yarn_beta_fast = scaling.beta_fast
    config.yarn_beta_slow = scaling.beta_slow
    config.yarn_mscale = 1.0
    config.yarn_mscale_all_dim = 0.0
    config.yarn_correction_range_round_to_int = True
    config.apply_rope_fusion = False


def check_llama3(scaling: rope.Llama3, flag_factor: float) -> None:
    """Raises RopeError where Megatron's hard-wired limits or the given factor do not fit."""
    fixed = (scaling.low_factor, scaling.high_factor, scaling.original_length)
    if fixed != (1.0, 4.0, 8192):
        raise rope.RopeError(f"Megatron hard-wires Llama-3 limits (1, 4, 8192), not {fixed}")
    if flag_factor != scaling.factor:
        raise rope.RopeError(f"--rope-scaling-factor {flag_factor}, but the checkpoint says "
                             f"{scaling.factor}")  # fmt: skip


def _config():
    from megatron.training import get_args
    from megatron.training.arguments import core_transformer_config_from_args

    args = get_args()
    return args, core_transformer_config_from_args(args)


def _scaling(args, kind: type):
    path = Path(args.hf_checkpoint) / "config.json"
    scaling = rope.read_file(path)
    if not isinstance(scaling, kind):
        raise rope.RopeError(f"{path} asks for {type(scaling).__name__}, this provider builds "
                             f"{kind.__name__}")  # fmt: skip
    if scaling.base != args.rotary_base:
        raise rope.RopeError(f"--rotary-base {args.rotary_base}, but {path} says {scaling.base}")
    return scaling


def _gpt_model(args, config, pre_process, post_process, vp_stage, **position):
    from megatron.core.models.gpt import GPTModel
    from megatron.core.models.gpt.gpt_layer_specs import (
        get_gpt_layer_with_transformer_engine_spec,
    )

    if args.num_experts or args.transformer_impl != "transformer_engine":
        raise RuntimeError("coprover.model_providers builds dense Transformer-Engine models only")
    spec = get_gpt_layer_with_transformer_engine_spec(
        num_experts=None, moe_grouped_gemm=False, qk_layernorm=args.qk_layernorm,
        multi_latent_attention=False,
    )  # fmt: skip
    return GPTModel(
        config=config, transformer_layer_spec=spec, vocab_size=args.padded_vocab_size,
        max_sequence_length=args.max_position_embeddings, pre_process=pre_process,
        post_process=post_process, fp16_lm_cross_entropy=args.fp16_lm_cross_entropy,
        parallel_output=True,
        share_embeddings_and_output_weights=not args.untie_embeddings_and_output_weights,
        rotary_percent=args.rotary_percent, rotary_base=args.rotary_base, vp_stage=vp_stage,
        **position,
    )  # fmt: skip
