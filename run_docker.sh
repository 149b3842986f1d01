#!/usr/bin/env bash
# Starts the SLIME container with this checkout and the workspace; see --help.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: bash run_docker.sh [COMMAND...]
       WORKSPACE=/mnt/filesystem-m5/formal DOCKER_IMAGE=slimerl/slime:latest bash run_docker.sh

  Without a command: a shell in the container. Services of the host (Kimina) are reachable there as
  host.docker.internal. Nothing is installed into the container.
    WORKSPACE       host folder mounted at /workspace (default: this checkout). If this checkout
                    lies outside it, it is mounted at /workspace_code.
    DOCKER_IMAGE    default slimerl/slime:latest
    DOCKER_NETWORK  bridge (default), or host for clusters of several nodes
  WANDB_API_KEY, HF_TOKEN, LEAN_SERVER_API_KEY and KIMINA_API_KEY are passed on from the environment by name.
  DRY_RUN=1 prints the command; TRACE=1 traces the shell.
TEXT
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  local here workspace image inside name reason
  here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
  # shellcheck source=coprover/lib.sh
  source "$here/coprover/lib.sh"
  case "${1:-}" in
    -h | --help) usage; return 0 ;;
    -*) usage >&2; return 2 ;;
  esac
  workspace="${WORKSPACE:-$here}"
  image="${DOCKER_IMAGE:-slimerl/slime:latest}"
  local mounts=(-v "$workspace:/workspace")
  inside="$(coprover_inside "$here" "$workspace")"
  [[ "$inside" != /workspace_code ]] || mounts+=(-v "$here:$inside")
  if [[ "${DRY_RUN:-0}" != 1 ]]; then
    command -v docker > /dev/null || coprover_die "docker is not on PATH; install Docker and the NVIDIA container toolkit"
    [[ -d "$workspace" ]] || coprover_die "no folder WORKSPACE=$workspace; create it or correct the variable"
    reason="$(docker version 2>&1 > /dev/null)" \
      || coprover_die "docker's daemon does not answer: $reason. Start it (systemctl start docker), or use an account in the group docker"
    docker image inspect "$image" > /dev/null 2>&1 || coprover_die "no image $image here; run: docker pull $image"
  fi
  local flags=(--rm --init --gpus all --ipc=host --shm-size=16g --ulimit memlock=-1 --ulimit stack=67108864
    --add-host host.docker.internal:host-gateway --network "${DOCKER_NETWORK:-bridge}")
  [[ -t 0 && -t 1 ]] && flags+=(-it)
  for name in WANDB_API_KEY HF_TOKEN LEAN_SERVER_API_KEY KIMINA_API_KEY PROFILE DRY_RUN TRACE LOG_LEVEL; do
    [[ -z "${!name:-}" ]] || flags+=(-e "$name")
  done
  (($# > 0)) || set -- bash
  coprover_exec docker run "${flags[@]}" "${mounts[@]}" -w "$inside" -e "PYTHONPATH=$inside" -e PYTHON=python3 "$image" "$@"
}

main "$@"
