#!/usr/bin/env bash
# GRPO of the generator on SLIME (inside its container); see --help.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: bash train_step_grpo.sh [--config FILE...] [--set KEY=VALUE...] [--dry-run]

  Trains grpo.model with Lean's verdict as the reward and leaves a Hugging Face folder at
  grpo.output. Hyper-parameters: configs/generator_grpo.yaml (`grpo:`, node keys in `grpo.slime:`).
  1. filter_dataset.py keeps the frontier of theorems.train: solved sometimes, not always, in
     grpo.rounds (all theorems where there are no attempts yet)
  2. coprover.slime_data writes SLIME's prompt file
  3. SLIME's train.py runs as a Ray job; every flag is checked first (coprover/slime_args.py)
  4. the newest Hugging Face folder becomes grpo.output; the Megatron checkpoints (weights and
     optimizer state, about 100 GB each) are then removed unless grpo.slime.keep_checkpoints
  The same command resumes from <grpo.output>.slime/megatron. Run it inside the container:
    bash run_docker.sh bash train_step_grpo.sh --set grpo.lr=2e-6
  --dry-run or DRY_RUN=1 prints every command and runs none; TRACE=1 traces the shell.
TEXT
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  cd "$(dirname "${BASH_SOURCE[0]}")"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  local config_args=() arg python text model output train work lean health keep
  for arg in "$@"; do
    case "$arg" in
      -h | --help) usage; return 0 ;;
      --dry-run) DRY_RUN=1 ;;
      *) config_args+=("$arg") ;;
    esac
  done
  python="$(coprover_python)"
  text="$(coprover_get grpo.model grpo.output theorems.train grpo.work \
    lean.url servers.lean.health grpo.slime.keep_checkpoints -- "${config_args[@]}")"
  { read -r model; read -r output; read -r train; read -r work; read -r lean; read -r health; read -r keep; } <<< "$text"
  if [[ "${DRY_RUN:-0}" != 1 ]]; then
    if [[ -f "$output/config.json" ]]; then
      coprover_drop_checkpoints "$work" "$keep"
      printf 'already trained: %s (delete it and %s to train again)\n' "$output" "$work"
      return 0
    fi
    [[ -f "$model/config.json" ]] || coprover_die "no checkpoint at grpo.model=$model; download it (bash prepare_all.sh --models) or correct the key"
    [[ -f "$train" ]] || coprover_die "no theorems at theorems.train=$train; run bash prepare_all.sh"
    curl -fsS -o /dev/null --max-time 10 "${lean%%,*}$health" || coprover_die "no Lean server answers at $lean$health; start it (bash launch_servers.sh start lean). From inside the container the host's is --set servers.lean.url=http://host.docker.internal:8000"
    mkdir -p "$work"
  fi
  coprover_run "$python" -m coprover.slime_args save "$work/config.yaml" "${config_args[@]}"
  coprover_run "$python" filter_dataset.py --output "$work/theorems.jsonl" "${config_args[@]}"
  coprover_run "$python" -m coprover.slime_data "$work/theorems.jsonl" "$work/prompts.jsonl"
  coprover_slime_job grpo "$work" "${config_args[@]}"
  coprover_publish_hf "$work" "$output" "$keep"
}

main "$@"
