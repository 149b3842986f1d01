#!/usr/bin/env bash
# Runs the co-training loop on whatever machine this is; see --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash co_train.sh [--num-rounds N] [--run-name NAME] [--seed N] [--config FILE...] [--set KEY=VALUE...] [--dry-run]

  With NVIDIA GPUs: makes the checks of `make preflight` (Docker, images, GPUs, models, …), which
  name all that is missing and end with status 1, then starts Kimina in Docker and runs co_train.py
  inside the SLIME container that run_docker.sh starts.
  Without a GPU: runs co_train.py here with the laptop overlay configs/local.yaml.
  PROFILE=node, PROFILE=one-gpu (the node's path on a single GPU, configs/one_gpu.yaml) or
  PROFILE=laptop decides instead.
The first line of the output says which and why. There is no silent fallback: a machine with GPUs
and a missing piece gets an error that names it. Kimina stays up afterwards for the next call; one
that runs already is used. `bash launch_servers.sh stop lean` ends one that was started from here.

The same command continues a run that was interrupted. DRY_RUN=1 or --dry-run prints every command
of every phase, on the host and in the container, with its flags checked, and runs none; it needs
neither GPU nor Docker nor checkpoints: DRY_RUN=1 PROFILE=node bash co_train.sh --num-rounds 1
TEXT
}

laptop() {
  local reason="$1" python
  shift
  python="$(coprover_python)"
  exec "$python" co_train.py --config "$(coprover_overlay laptop)" --set "run.profile_reason=$reason" "$@"
}

# Kimina on the host, co_train.py in the container: node REASON OVERLAY [ARGS...]
node() {
  local reason="$1" overlay="$2"
  shift 2
  local config=() command
  [[ -z "$overlay" ]] || config=(--config "$overlay")
  command=(co_train.py "${config[@]}" --set "servers.lean.url=http://host.docker.internal:8000"
    "servers.lean.start=[]" "run.profile_reason=$reason" "$@")
  printf 'co_train: %s\n' "$reason"
  if [[ "${DRY_RUN:-0}" == 1 ]]; then
    dry_run "${config[@]}"
    return 0
  fi
  coprover_run "$(coprover_python)" -m coprover.preflight "${config[@]}" "$@"
  coprover_run bash launch_servers.sh start lean "${config[@]}"
  exec bash run_docker.sh python3 "${command[@]}"
}

# Prints the host's commands, then those of co_train.py as the container would see them. Reads
# `command` of the caller.
dry_run() {
  local here python inside line
  here="$PWD"
  python="$("$(coprover_python)" -c 'import sys; print(sys.executable)')"
  inside="$(coprover_inside "$here" "${WORKSPACE:-$here}")"
  printf '\n── host\n'
  bash launch_servers.sh start lean "$@"
  bash run_docker.sh python3 "${command[@]}"
  printf '\n── container (this checkout is %s there)\n' "$inside"
  "$python" "${command[@]}" | while IFS= read -r line; do
    line="${line//"$python"/python3}"
    printf '%s\n' "${line//"$here"/"$inside"}"
  done
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  cd "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  local arg profile reason
  for arg in "$@"; do
    case "$arg" in
      -h | --help) usage; return 0 ;;
      --dry-run) export DRY_RUN=1 ;;
    esac
  done
  profile="$(coprover_profile)"
  reason="$(coprover_profile_reason "$profile")"
  case "$profile" in
    laptop) laptop "$reason" "$@" ;;
    *) node "$reason" "$(coprover_overlay "$profile")" "$@" ;;
  esac
}

main "$@"
