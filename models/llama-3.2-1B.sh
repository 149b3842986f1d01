#!/usr/bin/env bash
# Megatron architecture arguments of Llama-3.2-1B, to be sourced: sets MODEL_ARGS.
# Embeddings are tied: --untie-embeddings-and-output-weights stops SLIME at parse time.
# --use-rope-scaling alone means factor 8 in SLIME's builder; the 32 of this model is read by
# the provider given as --custom-model-provider-path, from --rope-scaling-factor.
# shellcheck disable=SC2034  # read by whoever sources this file
MODEL_ARGS=(
  --swiglu
  --num-layers 16
  --hidden-size 2048
  --ffn-hidden-size 8192
  --num-attention-heads 32
  --group-query-attention
  --num-query-groups 8
  --kv-channels 64
  --max-position-embeddings 131072
  --use-rotary-position-embeddings
  --rotary-base 500000
  --use-rope-scaling
  --rope-scaling-factor 32.0
  --disable-bias-linear
  --normalization RMSNorm
  --norm-epsilon 1e-5
  --vocab-size 128256
)
