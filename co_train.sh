#!/usr/bin/env bash
# Runs the co-training loop on whatever machine this is; see --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash co_train.sh [--num-rounds N] [--run-name NAME] [--seed N] [--config FILE...] [--set KEY=VALUE...]

  With NVIDIA GPUs: checks the node (Docker, models), then starts Kimina in Docker and runs
  co_train.py inside the SLIME container that run_docker.sh starts.
  Without a GPU: runs co_train.py here with the laptop overlay configs/local.yaml.
The first line of the output says which and why. There is no silent fallback: a machine with GPUs
and a missing piece gets an error that names it. Kimina stays up afterwards for the next call; one
that runs already is used. `bash launch_servers.sh stop lean` ends one that was started from here.

The same command continues a run that was interrupted. DRY_RUN=1 prints what would be run.
TEXT
}

laptop() {
  local python
  python="$(coprover_python)"
  coprover_exec "$python" co_train.py --config configs/local.yaml \
    --set "run.profile_reason=laptop profile (nvidia-smi finds no GPU here), configs/local.yaml" "$@"
}

node() {
  local gpus
  gpus="$(nvidia-smi -L | wc -l)"
  printf 'co_train: node profile (%s NVIDIA GPUs found)\n' "$gpus"
  command -v docker > /dev/null || {
    printf 'error: GPUs are here but docker is not on PATH; install Docker with the NVIDIA container toolkit\n' >&2
    return 2
  }
  coprover_run bash launch_servers.sh start lean
  coprover_exec bash run_docker.sh python3 co_train.py \
    --set "servers.lean.url=http://host.docker.internal:8000" "servers.lean.start=[]" \
    "run.profile_reason=node profile ($gpus GPUs)" "$@"
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  local here
  here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
  cd "$here"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  case "${1:-}" in
    -h | --help) usage; return 0 ;;
  esac
  if coprover_has_gpu; then
    node "$@"
  else
    laptop "$@"
  fi
}

main "$@"
