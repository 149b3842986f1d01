#!/usr/bin/env bash
# Value model by SFT on SLIME (inside its container); see --help.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: bash train_value_slime.sh [--config FILE...] [--set KEY=VALUE...] [--dry-run]

  Trains value.base_model on value.data/train.jsonl (written by prepare_value_data.py) and leaves a
  Hugging Face folder at value.output. Hyper-parameters: configs/value_model_sft.yaml (`value:`,
  node keys in `value.slime:`).
  The label is learnt as one label token after the state, and V is read as the expectation over the
  label tokens' probabilities (coprover/value_text.py), never as generated text. The default value
  model is the one with an MLP head, trained by train_value_model.py; this is the alternative.
  Its Megatron checkpoints are then removed unless value.slime.keep_checkpoints.
  The same command resumes from <value.output>.slime/megatron. Run it inside the container:
    bash run_docker.sh bash train_value_slime.sh
  --dry-run or DRY_RUN=1 prints every command and runs none; TRACE=1 traces the shell.
TEXT
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  cd "$(dirname "${BASH_SOURCE[0]}")"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  local config_args=() arg python text model output data work keep
  for arg in "$@"; do
    case "$arg" in
      -h | --help) usage; return 0 ;;
      --dry-run) DRY_RUN=1 ;;
      *) config_args+=("$arg") ;;
    esac
  done
  python="$(coprover_python)"
  text="$(coprover_get value.base_model value.output value.data value.work value.slime.keep_checkpoints -- "${config_args[@]}")"
  { read -r model; read -r output; read -r data; read -r work; read -r keep; } <<< "$text"
  if [[ "${DRY_RUN:-0}" != 1 ]]; then
    if [[ -f "$output/config.json" ]]; then
      coprover_drop_checkpoints "$work" "$keep"
      printf 'already trained: %s (delete it and %s to train again)\n' "$output" "$work"
      return 0
    fi
    [[ -f "$model/config.json" ]] || coprover_die "no checkpoint at value.base_model=$model; download it (bash prepare_all.sh --models) or correct the key"
    [[ -f "$data/train.jsonl" ]] || coprover_die "no $data/train.jsonl; run python prepare_value_data.py first"
    mkdir -p "$work"
  fi
  coprover_run "$python" -m coprover.slime_args save "$work/config.yaml" "${config_args[@]}"
  coprover_run "$python" -m coprover.value_text "$data/train.jsonl" "$work/prompts.jsonl"
  coprover_slime_job value "$work" "${config_args[@]}"
  coprover_publish_hf "$work" "$output" "$keep"
}

main "$@"
