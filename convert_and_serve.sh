#!/usr/bin/env bash
# Megatron checkpoint -> Hugging Face folder -> served by SGLang; see --help.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: bash convert_and_serve.sh --input MEGATRON_DIR --output HF_DIR [--origin HF_DIR]
                                 [--no-serve] [--config FILE...] [--set KEY=VALUE...] [--dry-run]

  --input   a Megatron folder (its newest iteration is taken) or one iter_XXXXXXX of it
  --output  where the Hugging Face folder goes; must not exist. It appears whole or not at all
  --origin  folder that the weights came from: config and tokenizer are copied (default: grpo.model)
  Converts with SLIME's tools/convert_torch_dist_to_hf.py (run this inside its container), then
  serves the result with launch_servers.sh unless --no-serve is given. Training by
  train_step_grpo.sh writes Hugging Face folders by itself; this is for earlier checkpoints.
  --dry-run or DRY_RUN=1 prints every command and runs none; TRACE=1 traces the shell.
TEXT
}

# Prints the newest iteration folder of a Megatron folder, or the folder itself if it is one.
newest_iteration() {
  local folder="$1" tracker number
  [[ -d "$folder" || "${DRY_RUN:-0}" == 1 ]] || coprover_die "no folder $folder; correct --input"
  if [[ "$(basename "$folder")" == iter_* || "${DRY_RUN:-0}" == 1 ]]; then
    printf '%s\n' "$folder"
    return 0
  fi
  tracker="$folder/latest_checkpointed_iteration.txt"
  [[ -f "$tracker" ]] || coprover_die "no $tracker: $folder is not a Megatron checkpoint folder"
  number="$(< "$tracker")"
  [[ "$number" =~ ^[0-9]+$ ]] || coprover_die "$tracker says '$number', not an iteration"
  folder="$(printf '%s/iter_%07d' "$folder" "$((10#$number))")"
  [[ -d "$folder" ]] || coprover_die "no folder $folder, which $tracker names; give another iteration with --input"
  printf '%s\n' "$folder"
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  cd "$(dirname "${BASH_SOURCE[0]}")"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  local input="" output="" origin="" serve=1 config_args=()
  while (($#)); do
    case "$1" in
      -h | --help) usage; return 0 ;;
      --input | --output | --origin)
        (($# > 1)) || coprover_die "$1 wants a folder"
        case "$1" in --input) input="$2" ;; --output) output="$2" ;; *) origin="$2" ;; esac
        shift 2
        ;;
      --no-serve) serve=0; shift ;;
      --dry-run) DRY_RUN=1; shift ;;
      *) config_args+=("$1"); shift ;;
    esac
  done
  [[ -n "$input" && -n "$output" ]] || { usage >&2; return 2; }
  local text root megatron
  text="$(coprover_get grpo.slime.root grpo.slime.megatron grpo.model -- "${config_args[@]}")"
  local model
  { read -r root; read -r megatron; read -r model; } <<< "$text"
  origin="${origin:-$model}"
  if [[ "${DRY_RUN:-0}" != 1 ]]; then
    [[ -f "$origin/config.json" ]] || coprover_die "no config.json in --origin $origin"
    [[ ! -e "$output" ]] || coprover_die "$output exists already; serve it (bash launch_servers.sh start generator --set servers.generator.checkpoint=$output), or move it away"
    [[ -f "$root/tools/convert_torch_dist_to_hf.py" ]] || coprover_die "no SLIME at $root: run this inside its container (bash run_docker.sh)"
  fi
  input="$(newest_iteration "$input")"
  coprover_run rm -rf "$output.tmp" # left by a conversion that was killed
  if [[ "${DRY_RUN:-0}" != 1 ]]; then
    # shellcheck disable=SC2064  # the folder of now
    trap "$(printf 'rm -rf %q' "$output.tmp")" EXIT
  fi
  coprover_run env "PYTHONPATH=$megatron" "$(coprover_python)" "$root/tools/convert_torch_dist_to_hf.py" \
    --input-dir "$input" --output-dir "$output.tmp" --origin-hf-dir "$origin" \
    || coprover_die "the conversion of $input failed, see above; nothing is left at $output. Mend the cause (df -h shows a full disk) and run the same command again"
  [[ -f "$output.tmp/config.json" || "${DRY_RUN:-0}" == 1 ]] \
    || coprover_die "the conversion of $input left no config.json; is $origin the folder its weights came from?"
  coprover_run mv -T "$output.tmp" "$output" || coprover_die "cannot rename $output.tmp to $output, see above"
  ((serve == 0)) || coprover_run bash launch_servers.sh start generator "${config_args[@]}" \
    --set "servers.generator.checkpoint=$output"
}

main "$@"
