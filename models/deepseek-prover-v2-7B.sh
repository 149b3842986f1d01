#!/usr/bin/env bash
# Megatron architecture arguments of DeepSeek-Prover-V2-7B, to be sourced: sets MODEL_ARGS.
# YaRN is no Megatron flag for dense models: it comes from --custom-model-provider-path, and
# --no-rope-fusion is essential with it (the fused kernel drops YaRN's attention factor).
# coprover/slime_args.py compares these with the checkpoint's config.json before a launch.
# shellcheck disable=SC2034  # read by whoever sources this file
MODEL_ARGS=(
  --swiglu
  --num-layers 30
  --hidden-size 4096
  --ffn-hidden-size 11008
  --num-attention-heads 32
  --group-query-attention
  --num-query-groups 32
  --kv-channels 128
  --max-position-embeddings 65536
  --use-rotary-position-embeddings
  --rotary-base 10000
  --no-rope-fusion
  --disable-bias-linear
  --normalization RMSNorm
  --norm-epsilon 1e-6
  --vocab-size 102400
  --untie-embeddings-and-output-weights
)
