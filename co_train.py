"""The co-training loop: warm start, then rounds of search, value model, GRPO and evaluation.

Each phase runs the same scripts one would run by hand, with the run's saved configuration, and is
recorded in `runs/<name>/state.json`. A killed run is continued by the same command: it resumes in
the phase it was in, and the scripts inside a phase skip what they finished. Round N searches with
the generator and the value model that round N−1 left.

Run: python co_train.py --config configs/local.yaml    (or `make co-train`, `bash co_train.sh`)
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from coprover import config, dry_run, services
from coprover.config import ConfigError, InputError
from coprover.plan import (
    FLAGS,
    Phase,
    Run,
    check_flags,
    gpus_wanted,
    servers_of,
    to_stop,
    value_mismatch,
)
from coprover.processes import PeakMemory, stop_orphans, tee
from coprover.records import load_theorems
from coprover.runlog import gpu_names, provenance

log = logging.getLogger("co_train")

# may differ in a continued run
FREE_KEYS = ("run.rounds", "run.only", "run.dry_run", "run.profile_reason")


def main() -> int:
    """Runs or continues the loop."""
    cfg = config.from_cli(__doc__, FLAGS)
    services.unwind_on_signals()
    print(f"co_train: {cfg.run.profile_reason}", flush=True)
    if cfg.run.rounds < 1:
        raise ConfigError(f"run.rounds must be at least 1, got {cfg.run.rounds}")
    check_flags(cfg)
    run = Run(cfg)
    if cfg.run.dry_run or os.environ.get("DRY_RUN") == "1":
        if problem := value_mismatch(cfg):
            print(f"warning: a real run would stop here: {problem}", file=sys.stderr)
        dry_run.show(run)
        return 0
    lock = _lock(run)  # held until this process ends
    stop_orphans(run.dir)
    _open(run)
    plan = run.plan()
    if cfg.run.only:
        _forget(run, plan[-1])
    elif all(run.manifest.done(phase.name) for group in plan for phase in group):
        return _already_finished(run)
    started = time.monotonic()
    try:
        for group in plan:
            _run_group(run, [p for p in group if not run.manifest.done(p.name)])
    finally:
        _stop_servers(run)
    seconds = round(time.monotonic() - started, 1)
    run.manifest.data["calls"][-1]["seconds"] = seconds
    run.manifest.write()
    log.info("%s: done in %.0f s of this call", cfg.run.name, seconds)
    if cfg.run.only:
        print(f"{cfg.run.only}: written to {', '.join(str(p) for p in plan[-1][0].outputs)}")
    else:
        print((run.dir / "screen.txt").read_text(encoding="utf-8"))
        print(f"report: {run.dir}/report.md, plots in {run.dir}/plots")
    lock.close()
    return 0


def _forget(run: Run, phases: list[Phase]) -> None:
    """Makes `--only` start its phase afresh once it was completed; an interrupted one resumes."""
    for phase in phases:
        if run.manifest.done(phase.name) and run.due(phase):
            for path in phase.outputs:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                shutil.rmtree(f"{path}.slime", ignore_errors=True)  # SLIME would resume from it


def _open(run: Run) -> None:
    """Saves the configuration, or checks that the saved one is the one asked for."""
    cfg = run.cfg
    _preflight(cfg)
    if run.config_path.exists():
        saved = OmegaConf.load(run.config_path)
        for key in _differences(saved, cfg):
            if key not in FREE_KEYS:
                raise ConfigError(
                    f"run {cfg.run.name!r} in {run.dir} was started with another {key}; continue "
                    "it with the same settings, choose another --run-name, or delete that folder"
                )
    config.save(cfg, run.config_path)
    facts = run.manifest.data.setdefault("calls", [])
    facts.append(provenance())
    run.manifest.write()


def _preflight(cfg: DictConfig) -> None:
    """Checks what can be checked before time is spent; raises the error that names the remedy."""
    for key in ("train", "valid", "test"):
        path = Path(cfg.theorems[key])
        if path.exists():
            load_theorems(path)
    if not cfg.warm_start.enabled and not (Path(cfg.models.generator) / "config.json").is_file():
        raise InputError(
            f"no checkpoint at models.generator={cfg.models.generator}; download it, or correct "
            "the key"
        )
    if problem := value_mismatch(cfg):
        raise ConfigError(problem)
    trains = cfg.run.only in (None, "generator")
    if trains and (wanted := gpus_wanted(cfg)) > (found := len(gpu_names())):
        raise ConfigError(
            f"grpo.slime asks for {wanted} GPUs and nvidia-smi lists {found}; with a single one "
            "say PROFILE=one-gpu (configs/one_gpu.yaml), else lower grpo.slime.actor_gpus_per_node "
            "and grpo.slime.rollout_gpus"
        )
    for name in services.NAMES:
        section = cfg.servers[name]
        record = services.read_record(cfg, name)
        if section.start and not (record and record.process()) and section.daemon != "docker":
            services.require_free_port(section.url, name)


def _run_group(run: Run, phases: list[Phase]) -> None:
    """Runs phases side by side; the first failure ends the run once the others have ended."""
    if not phases:
        return
    _hand_over(run, servers_of(phases))
    for phase in phases:
        run.manifest.enter(phase.name, phase.inputs)
    with ThreadPoolExecutor(len(phases)) as pool, PeakMemory(run.cfg) as memory:
        try:
            results = list(pool.map(lambda phase: _run_commands(run, phase), phases))
        except KeyboardInterrupt:
            run.interrupted = True
            stop_orphans(run.dir)  # the pool waits for them
            raise
    for phase, seconds in zip(phases, results, strict=True):
        facts = {"weights": {k: str(v) for k, v in phase.servers.items() if v}}
        run.manifest.complete(phase.name, phase.outputs, **facts)
        row = {"time/phase_s": round(seconds, 1), "memory/peak_mb": memory.peak_mb}
        run.metrics.log(phase=phase.name, **row)


def _hand_over(run: Run, needed: dict[str, Path | None]) -> None:
    """Stops the servers the phase does not need (they hold memory), starts the ones it does."""
    for name in to_stop(needed):
        services.stop(run.cfg, name)
    cfgs = {}
    for name, checkpoint in needed.items():
        sets = [f"servers.{name}.checkpoint={checkpoint}"] if checkpoint else []
        cfgs[name] = config.load([run.config_path], sets)
    if run.cfg.servers.start_together:
        services.start_together(cfgs)
        return
    for name, cfg in cfgs.items():
        services.start(cfg, name)


def _run_commands(run: Run, phase: Phase) -> float:
    """Runs a phase's commands, output to its log and to the terminal; returns seconds."""
    started = time.monotonic()
    path = run.dir / "logs" / f"{phase.name.replace('/', '_')}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"── {phase.name}", flush=True)
    with path.open("a", encoding="utf-8") as log_file:
        for command in phase.commands:
            log_file.write(f"$ {' '.join(command)}\n")
            log_file.flush()
            try:
                code = tee(run, command, log_file, phase.threads or run.cfg.run.threads)
            except FileNotFoundError:
                raise ConfigError(f"phase {phase.name}: there is no program {command[0]!r}; "
                                  "correct the command in the configuration") from None
            if code:
                raise InputError(
                    f"phase {phase.name} failed: {' '.join(command[1:3])} ended with {code}; "
                    f"see {path}, then run the same command again to resume"
                )
    return time.monotonic() - started


def _lock(run: Run):
    """Returns the open lock file of the run folder; InputError if another process holds it."""
    run.dir.mkdir(parents=True, exist_ok=True)
    handle = (run.dir / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"another process is working on {run.dir}; wait for it, or choose another --run-name"
        ) from None
    return handle


def _stop_servers(run: Run) -> None:
    for name in reversed(services.NAMES):
        if services.stop(run.cfg, name):
            log.info("stopped the %s server", name)


def _already_finished(run: Run) -> int:
    print((run.dir / "screen.txt").read_text(encoding="utf-8"))
    rounds = run.cfg.run.rounds
    print(
        f"Run {run.cfg.run.name!r} is finished ({rounds} rounds); nothing was done.\n"
        f"  extend it:    make co-train ARGS='--num-rounds {rounds + 2}'\n"
        f"  another seed: make co-train ARGS='--run-name {run.cfg.run.name}-s1 --seed 1'\n"
        f"  restart it:   rm -r {run.dir} && make co-train"
    )
    return 0


def _differences(saved: DictConfig, cfg: DictConfig) -> list[str]:
    old = _flat(OmegaConf.to_container(saved))
    new = _flat(OmegaConf.to_container(cfg, resolve=True))
    return [key for key in new if old.get(key) != new[key]]


def _flat(node: object, prefix: str = "") -> dict:
    if isinstance(node, dict) and node:
        items: dict = {}
        for key, child in node.items():
            items |= _flat(child, f"{prefix}.{key}" if prefix else str(key))
        return items
    return {prefix: node}


if __name__ == "__main__":
    config.main(main)
