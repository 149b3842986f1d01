#!/usr/bin/env bash
# Downloads and prepares the theorems, and with --models the two models; see --help.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: bash prepare_all.sh [--models] [--config FILE...] [--set KEY=VALUE...] [--dry-run]

  1. theorems.test    data/minif2f_test.jsonl       AI-MO/minif2f_test
  2. theorems.train   data/kimina_promptset.jsonl   AI-MO/Kimina-Prover-Promptset, without the
                      statements of the test set and of the validation set
  3. theorems.valid   data/minif2f_valid.jsonl      rows set aside from the prompt set with a fixed
                      seed, unless the file is there already (see prepare_minif2f.py --from)
  Files that exist are kept. --models also downloads deepseek-ai/DeepSeek-Prover-V2-7B and
  meta-llama/Llama-3.2-1B (needs HF_TOKEN) to models.generator and models.value.
  --dry-run or DRY_RUN=1 prints every command and runs none; TRACE=1 traces the shell.
TEXT
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  cd "$(dirname "${BASH_SOURCE[0]}")"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  local config_args=() arg models=0 python text train valid test generator value
  for arg in "$@"; do
    case "$arg" in
      -h | --help) usage; return 0 ;;
      --models) models=1 ;;
      --dry-run) DRY_RUN=1 ;;
      *) config_args+=("$arg") ;;
    esac
  done
  python="$(coprover_python)"
  text="$(coprover_get theorems.train theorems.valid theorems.test models.generator models.value -- "${config_args[@]}")"
  { read -r train; read -r valid; read -r test; read -r generator; read -r value; } <<< "$text"
  [[ -f "$test" ]] || coprover_run "$python" prepare_minif2f.py minif2f --output "$test"
  if [[ ! -f "$valid" || ! -f "$train" ]]; then
    local aside=(--hold-out "$valid")
    [[ ! -f "$valid" ]] || aside=(--exclude "$valid")
    coprover_run "$python" prepare_minif2f.py promptset --output "$train" --exclude "$test" "${aside[@]}"
  fi
  ((models == 1)) || return 0
  [[ -f "$generator/config.json" ]] \
    || coprover_run hf download deepseek-ai/DeepSeek-Prover-V2-7B --local-dir "$generator"
  [[ -f "$value/config.json" ]] \
    || coprover_run hf download meta-llama/Llama-3.2-1B --local-dir "$value"
}

main "$@"
