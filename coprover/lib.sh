# shellcheck shell=bash
# Sourced by the shell scripts. Functions only; nothing runs at source time.

# Prints the Python to use: $PYTHON, else the checkout's .venv (made by `make setup`), else python3.
coprover_python() {
  local root
  root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
  if [[ -n "${PYTHON:-}" ]]; then
    printf '%s\n' "$PYTHON"
  elif [[ -x "$root/.venv/bin/python" ]]; then
    printf '%s\n' "$root/.venv/bin/python"
  else
    printf 'python3\n'
  fi
}

# Succeeds if nvidia-smi lists at least one GPU.
coprover_has_gpu() {
  command -v nvidia-smi > /dev/null 2>&1 && [[ -n "$(nvidia-smi -L 2> /dev/null || true)" ]]
}
