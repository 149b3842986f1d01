#!/usr/bin/env bash
# Starts, stops and shows the servers of a run; see --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash launch_servers.sh start|stop|status [lean] [generator] [value] [--config FILE...] [--set KEY=VALUE...]

  start   starts the named servers (default: all three) and waits until each is healthy; one of
          this run that already serves the same checkpoint is kept. If one dies, the tail of its
          log is shown; then, and after a signal, those that this call started are stopped again.
          A Kimina container that runs already is used. PIDs are under <run.dir>/servers/.
  stop    stops exactly the servers that `start` recorded for this run
  status  health, PID and log of each

What stands behind each URL is said by `servers:` in the config. The laptop's:
  bash launch_servers.sh start lean generator --config configs/local.yaml \
    --set servers.generator.checkpoint=runs/laptop/warm_start/generator
TRACE=1 traces the shell.
TEXT
}

main() {
  [[ "${TRACE:-0}" == 1 ]] && set -x
  local here
  here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
  case "${1:-}" in
    start | stop | status) ;;
    -h | --help) usage; return 0 ;;
    *) usage >&2; return 2 ;;
  esac
  # shellcheck source=coprover/lib.sh
  source "$here/coprover/lib.sh"
  PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" exec "$(coprover_python)" -m coprover.services "$@"
}

main "$@"
