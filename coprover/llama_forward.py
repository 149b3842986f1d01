"""A differentiable Llama forward pass that finishes only where somebody looks.

The last layer's output projection and MLP run at the wanted positions alone: much of the work of a
model of two layers. Reads the weights of a transformers LlamaModel and gives the same numbers
(asserted in tests/local/test_grpo.py and tests/test_value_model.py). Plain causal attention
or a mask; no dropout, no grouped-query attention, no scaled rotary embeddings (`is_plain`).

Letters: B rows, T tokens, C hidden size, H heads, D head size, M wanted positions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


def is_plain(config) -> bool:
    """Whether `hidden_at` covers a LlamaConfig."""
    rope = getattr(config, "rope_parameters", None) or {}
    heads = config.num_attention_heads
    return (config.num_key_value_heads == heads and config.hidden_act == "silu"
            and not getattr(config, "attention_bias", False)
            and not getattr(config, "mlp_bias", False) and not config.attention_dropout
            and rope.get("rope_type", "default") == "default"
            and (getattr(config, "head_dim", None) or config.hidden_size // heads) * heads
            == config.hidden_size)


def hidden_at(core, ids: torch.Tensor, positions: torch.Tensor, wanted: torch.Tensor,
              mask: torch.Tensor | None = None) -> torch.Tensor:
    """Final hidden states (M, C), after the last norm, at flat positions `wanted` (M,) of ids.

    core: a LlamaModel; ids, positions (B, T); mask (B, 1, T, T) bool, or None for plain causal
    attention, under which padding on the right changes nothing before it.
    """
    config = core.config
    heads, eps = config.num_attention_heads, config.rms_norm_eps
    batch, width = ids.shape
    dim = config.hidden_size // heads
    cos, sin = _rotation(config, dim, positions)
    x = F.embedding(ids, core.embed_tokens.weight)
    for index, layer in enumerate(core.layers):
        attention, mlp = layer.self_attn, layer.mlp
        normed = F.rms_norm(x, x.shape[-1:], layer.input_layernorm.weight, eps)
        q, k, v = (F.linear(normed, w.weight).view(batch, width, heads, dim).transpose(1, 2)
                   for w in (attention.q_proj, attention.k_proj, attention.v_proj))
        mixed = F.scaled_dot_product_attention(
            _rotate(q, cos, sin), _rotate(k, cos, sin), v, attn_mask=mask, is_causal=mask is None)
        mixed = mixed.transpose(1, 2).reshape(batch, width, -1)
        if index == len(core.layers) - 1:  # from here on only the wanted tokens matter
            x, mixed = (t.reshape(batch * width, -1)[wanted] for t in (x, mixed))
        x = x + F.linear(mixed, attention.o_proj.weight)
        normed = F.rms_norm(x, x.shape[-1:], layer.post_attention_layernorm.weight, eps)
        gated = F.silu(F.linear(normed, mlp.gate_proj.weight)) * F.linear(normed,
                                                                          mlp.up_proj.weight)
        x = x + F.linear(gated, mlp.down_proj.weight)
    return F.rms_norm(x, x.shape[-1:], core.norm.weight, eps)


def _rotation(config, dim: int, positions: torch.Tensor):
    theta = float(config.rope_parameters["rope_theta"])
    frequency = theta ** (-torch.arange(0, dim, 2, device=positions.device).float() / dim)
    angle = positions[:, None, :, None].float() * torch.cat([frequency, frequency])
    return angle.cos(), angle.sin()  # (B, 1, T, D)


def _rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
