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

# Prints the profile, node | one-gpu | laptop: $PROFILE, else what nvidia-smi finds.
coprover_profile() {
  case "${PROFILE:-}" in
    node | one-gpu | laptop) printf '%s\n' "$PROFILE" ;;
    "") if coprover_has_gpu; then printf 'node\n'; else printf 'laptop\n'; fi ;;
    *) coprover_die "PROFILE is node, one-gpu or laptop, not '$PROFILE'" ;;
  esac
}

# Prints the overlay of a profile, nothing for the node's: coprover_overlay PROFILE
coprover_overlay() {
  case "$1" in
    laptop) printf 'configs/local.yaml\n' ;;
    one-gpu) printf 'configs/one_gpu.yaml\n' ;;
  esac
}

# Says which profile it is and why: coprover_profile_reason PROFILE
coprover_profile_reason() {
  local why overlay
  overlay="$(coprover_overlay "$1")"
  if [[ -n "${PROFILE:-}" ]]; then
    why="PROFILE=$PROFILE"
  elif [[ "$1" == laptop ]]; then
    why="nvidia-smi finds no GPU here"
  else
    why="$(nvidia-smi -L | wc -l) NVIDIA GPUs found"
  fi
  printf '%s profile (%s), %s\n' "$1" "$why" "${overlay:-configs/co_training.yaml}"
}

# Prints where a checkout lies in the container: coprover_inside CHECKOUT WORKSPACE
coprover_inside() {
  case "$1/" in
    "${2%/}/"*) printf '/workspace%s\n' "${1#"${2%/}"}" ;;
    *) printf '/workspace_code\n' ;;
  esac
}

# Runs a command and returns its status; with DRY_RUN=1 prints it instead, quoted so that it can be
# pasted. SIGINT, SIGTERM and SIGHUP end the command, then the script (coprover_interrupted).
coprover_run() {
  if [[ "${DRY_RUN:-0}" == 1 ]]; then
    printf 'would run:'
    printf ' %q' "$@"
    printf '\n'
    return 0
  fi
  local status=0
  trap coprover_interrupted INT TERM HUP
  coprover_start "$@"
  wait "$!" || status=$?
  trap - INT TERM HUP
  return "$status"
}

# Like coprover_run for the last command of a script, which becomes that command: it has the
# terminal, and signals reach it alone.
coprover_exec() {
  [[ "${DRY_RUN:-0}" == 1 ]] || exec "$@"
  coprover_run "$@"
}

# Starts a command in the background as a process group of its own, so that a signal can end it
# together with its children. Its PID is in $!.
coprover_start() {
  set -m
  "$@" < /dev/null &
  set +m
}

# After a signal: ends what this shell started in the background, waits for it and exits with 130.
coprover_interrupted() {
  trap '' INT TERM HUP
  local pid
  for pid in $(jobs -p); do
    kill -- "-$pid" 2> /dev/null || true
  done
  wait
  printf 'interrupted\n' >&2
  exit 130
}

# Prints an error and ends the script with status 2.
coprover_die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# Reads configuration values: coprover_get KEY... -- [--config FILE...] [--set KEY=VALUE...]
# Prints one value a line; fails with the configuration's own error.
coprover_get() {
  local keys=()
  while (($#)) && [[ "$1" != -- ]]; do
    keys+=("$1")
    shift
  done
  (($# == 0)) || shift
  "$(coprover_python)" -m coprover.slime_args get "${keys[@]}" "$@"
}

# Runs train.py of SLIME as a Ray job and returns its status:
#   coprover_slime_job ROLE WORK CONFIG_ARGS...
# Starts a Ray head here unless <role>.slime.ray_address names a running cluster, and stops exactly
# that head (there: the job) afterwards, also after a signal. Nothing is ended by name.
coprover_slime_job() {
  local role="$1" work="$2" text address root megatron script gpus nvls here
  shift 2
  here="$PWD"
  text="$(coprover_get "$role".slime.{root,megatron,train_script,ray_address,gpus_per_node,nccl_nvls} -- "$@")"
  { read -r root; read -r megatron; read -r script; read -r address; read -r gpus; read -r nvls; } <<< "$text"
  text="$("$(coprover_python)" -m coprover.slime_args "$role" "$@")"
  local args=() status=0
  mapfile -t args <<< "$text"
  if [[ "${DRY_RUN:-0}" != 1 ]]; then
    [[ -f "$root/$script" ]] || coprover_die "no $root/$script: run this inside the SLIME container (bash run_docker.sh)"
    command -v ray > /dev/null || coprover_die "ray is not installed: run this inside the SLIME container (bash run_docker.sh)"
    printf '%s\n' "${args[@]}" > "$work/arguments"
    CUDA_DEVICE_MAX_CONNECTIONS=1 PYTHONPATH="$root:$megatron:$here" \
      "$(coprover_python)" -m coprover.slime_installed "$work/arguments"
  fi
  local env_json
  env_json="$(printf '{"env_vars": {"PYTHONPATH": "%s:%s", "CUDA_DEVICE_MAX_CONNECTIONS": "1", "NCCL_NVLS_ENABLE": "%s", "COPROVER_CONFIG": "%s", "PYTHONUNBUFFERED": "1"}}' \
    "$megatron" "$here" "$nvls" "$work/config.yaml")"
  local id="coprover-$role-$$"
  if [[ -z "$address" ]]; then
    address="http://127.0.0.1:8265"
    coprover_ray_head "$gpus" "$address" "$work/ray.log"
  elif [[ "${DRY_RUN:-0}" != 1 ]]; then
    # shellcheck disable=SC2064  # the values of now
    trap "coprover_stop_job '$address' '$id'" EXIT
  fi
  local submit=(ray job submit --address="$address" --submission-id="$id"
    --runtime-env-json="$env_json" -- python3 "$root/$script" "${args[@]}")
  coprover_run "${submit[@]}" || status=$?
  local cause="its output is above"
  if [[ -n "${COPROVER_RAY_PID:-}" ]] && ! kill -0 "$COPROVER_RAY_PID" 2> /dev/null; then
    coprover_tail "$work/ray.log"
    cause="Ray's head died, see above; whole log: $work/ray.log"
  fi
  coprover_stop_head
  trap - EXIT
  ((status == 0)) || printf 'error: the SLIME job ended with status %s (%s); mend the cause, then the same command resumes\n' \
    "$status" "$cause" >&2
  return "$status"
}

# Starts a Ray head as a child of this shell and waits for it: coprover_ray_head GPUS ADDRESS LOG
coprover_ray_head() {
  local gpus="$1" address="$2" log="$3"
  local head=(ray start --head --block --node-ip-address 127.0.0.1 --num-gpus "$gpus" --disable-usage-stats
    --dashboard-host=127.0.0.1 --dashboard-port=8265)
  if [[ "${DRY_RUN:-0}" == 1 ]]; then
    coprover_run "${head[@]}"
    return 0
  fi
  if coprover_answers "$address/api/version"; then
    coprover_die "another Ray already answers at $address; use it (--set grpo.slime.ray_address=$address, or value.slime.ray_address), or stop it"
  fi
  trap coprover_stop_head EXIT
  trap coprover_interrupted INT TERM HUP
  coprover_start "${head[@]}" > "$log" 2>&1
  COPROVER_RAY_PID=$!
  coprover_wait_url "$address/api/version" "$COPROVER_RAY_PID" "$log" "Ray's head"
}

# Stops the head this shell started (`ray start --block` ends its processes on SIGTERM).
coprover_stop_head() {
  [[ -n "${COPROVER_RAY_PID:-}" ]] || return 0
  kill -- "-$COPROVER_RAY_PID" 2> /dev/null || true
  wait "$COPROVER_RAY_PID" 2> /dev/null || true
  COPROVER_RAY_PID=""
}

# A job on somebody else's cluster outlives its client, so it is stopped by its id.
coprover_stop_job() {
  local address="$1" id="$2"
  ray job stop --address="$address" "$id" \
    || printf 'error: the job %s may still run; stop it: ray job stop --address=%s %s\n' "$id" "$address" "$id" >&2
}

# Succeeds if a URL answers: coprover_answers URL
coprover_answers() {
  curl -fsS -o /dev/null --max-time 5 "$1" 2> /dev/null
}

# Shows the end of a log as an indented block: coprover_tail LOG
coprover_tail() {
  tail -n 25 "$1" | sed 's/^/  | /' >&2
}

# Waits until a URL answers: coprover_wait_url URL PID LOG NAME. Shows the log's tail if the process dies.
coprover_wait_url() {
  local url="$1" pid="$2" log="$3" name="$4" tries="${WAIT_TRIES:-120}"
  until coprover_answers "$url" && kill -0 "$pid" 2> /dev/null; do
    if ! kill -0 "$pid" 2> /dev/null || ((--tries <= 0)); then
      coprover_tail "$log"
      coprover_die "$name did not come up at $url: see above (whole log: $log)"
    fi
    sleep 1
  done
}

# Moves the newest of WORK/hf/<number> to OUTPUT, once it is whole, and drops what training needed:
#   coprover_publish_hf WORK OUTPUT KEEP
# OUTPUT may be on another disk: it is filled under another name, and the original is kept till then.
coprover_publish_hf() {
  local work="$1" output="$2" keep="$3" newest=""
  if [[ "${DRY_RUN:-0}" == 1 ]]; then
    printf 'would move: the newest of %q to %q\n' "$work/hf/<rollout>" "$output"
    coprover_drop_checkpoints "$work" "$keep"
    return 0
  fi
  newest="$(find "$work/hf" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2> /dev/null | sort -n | tail -n 1)"
  [[ -n "$newest" && -f "$work/hf/$newest/config.json" ]] \
    || coprover_die "SLIME left no Hugging Face checkpoint under $work/hf; see the log above"
  "$(coprover_python)" -m coprover.checkpoints "$work/hf/$newest"
  mkdir -p "$(dirname "$output")"
  rm -rf "$output.tmp"
  cp -rl "$work/hf/$newest" "$output.tmp" 2> /dev/null \
    || { rm -rf "$output.tmp" && cp -r "$work/hf/$newest" "$output.tmp"; } \
    || { rm -rf "$output.tmp"; coprover_die "cannot copy $work/hf/$newest to $output; free space there, then the same command publishes it"; }
  rm -rf "$output"
  mv -T "$output.tmp" "$output" || coprover_die "cannot rename $output.tmp; do it by hand: mv -T $output.tmp $output"
  rm -rf "${work:?}/hf/$newest"
  printf 'trained weights: %s\n' "$output"
  coprover_drop_checkpoints "$work" "$keep"
}

# Removes the Megatron checkpoints (weights and optimizer state) and the other Hugging Face folders
# of a finished training, unless KEEP is true: coprover_drop_checkpoints WORK KEEP
coprover_drop_checkpoints() {
  [[ "$2" != true ]] || return 0
  if [[ "${DRY_RUN:-0}" == 1 ]]; then
    printf 'would remove: %q %q\n' "$1/megatron" "$1/hf"
  else
    rm -rf "$1/megatron" "$1/hf"
  fi
}
