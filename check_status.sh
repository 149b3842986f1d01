#!/usr/bin/env bash
# GPUs, servers and the latest metrics of a run; see --help.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: bash check_status.sh [--config FILE...] [--set KEY=VALUE...]

  Shows the GPUs, the health of the servers in the config, the phases and the latest metrics of the
  run run.dir (the laptop's: --config configs/local.yaml). Changes nothing. What cannot be read is
  named, the rest is shown, and the status is 2; a server that is down is no error.
TEXT
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  cd "$(dirname "${BASH_SOURCE[0]}")"
  # shellcheck source=coprover/lib.sh
  source coprover/lib.sh
  case "${1:-}" in
    -h | --help) usage; return 0 ;;
  esac
  local dir status=0
  dir="$(coprover_get run.dir -- "$@")"
  printf 'GPUs\n'
  if coprover_has_gpu; then
    nvidia-smi --query-gpu=index,name,memory.used,memory.total,utilization.gpu --format=csv,noheader | sed 's/^/  /' \
      || { status=2; printf '  nvidia-smi lists GPUs but cannot query them; look at the driver (dmesg)\n'; }
  else
    printf '  none here (nvidia-smi lists no GPU)\n'
  fi
  printf 'Servers\n'
  "$(coprover_python)" -m coprover.services status "$@" | sed 's/^/  /' || status=2
  printf 'Run %s\n' "$dir"
  if [[ ! -d "$dir" ]]; then
    printf '  not started\n'
    return "$status"
  fi
  "$(coprover_python)" analyze_training.py --run "$dir" --latest | sed 's/^/  /' || status=2
  return "$status"
}

main "$@"
