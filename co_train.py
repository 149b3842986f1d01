"""The co-training loop: warm start, then rounds of search, value model, GRPO and evaluation.

Each phase runs the same scripts one would run by hand, with the run's saved configuration, and is
recorded in `runs/<name>/state.json`. A killed run is continued by the same command: it resumes in
the phase it was in, and the scripts inside a phase skip what they finished. Round N searches with
the generator and the value model that round N−1 left.

Run: python co_train.py --config configs/local.yaml    (or `make co-train`, `bash co_train.sh`)
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from omegaconf import DictConfig, OmegaConf

from coprover import config, services
from coprover.config import ConfigError, InputError
from coprover.records import load_theorems, write_text_atomic
from coprover.runlog import Manifest, MetricsLog, provenance

log = logging.getLogger("co_train")

SPIN_COUNT = "1000"  # 0 (OMP_WAIT_POLICY=PASSIVE) loses what a second thread gains
FLAGS = {
    "--num-rounds": ("run.rounds", "how many rounds; more than a finished run has extends it"),
    "--run-name": ("run.name", "outputs go to runs/<name>"),
    "--seed": ("run.seed", "seed of everything random in the run"),
    "--only": ("run.only", "collect | value | generator | eval: just this, on the newest state"),
}
FREE_KEYS = ("run.rounds", "run.only", "run.profile_reason")  # may differ in a continued run


@dataclass(frozen=True)
class Phase:
    """One step of the run: the servers it needs (name → checkpoint or None), the commands to run
    in order, and the files or folders that exist once it is done."""

    name: str
    commands: list[list[str]]
    outputs: list[Path]
    servers: dict[str, Path | None] = field(default_factory=dict)
    inputs: list[Path] = field(default_factory=list)
    threads: int = 0  # OMP_NUM_THREADS of the commands; 0 leaves it alone


class Run:
    """A run folder with its saved configuration: where everything lies and what comes next."""

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg = cfg
        self.dir = Path(cfg.run.dir)
        self.config_path = self.dir / "config.yaml"
        self.manifest = Manifest(self.dir / "state.json")
        self.metrics = MetricsLog(self.dir / "metrics.jsonl")
        self.interrupted = False  # a phase that has only just started stops itself

    def generator(self, number: int) -> Path:
        """The generator that round `number` trained; round 0 is the start."""
        if number > 0:
            return self.round_dir(number) / "generator"
        return self.dir / "warm_start" / "generator" if self.cfg.warm_start.enabled else Path(
            self.cfg.models.generator
        )

    def value(self, number: int) -> Path | None:
        """The value model that round `number` trained; there is none before round 1."""
        return self.round_dir(number) / "value" if number > 0 else None

    def round_dir(self, number: int) -> Path:
        """The folder of round `number`."""
        return self.dir / f"round_{number}"

    def script(self, *words: str | Path, **sets: object) -> list[str]:
        """The argument array of one of our scripts with the run's configuration and overrides."""
        command = [sys.executable if str(w) in ("python", "python3") else str(w) for w in words]
        pairs = [f"{key.replace('__', '.')}={_yaml(value)}" for key, value in sets.items()]
        return [*command, "--config", str(self.config_path), *(["--set", *pairs] if pairs else [])]

    def phases(self) -> list[list[Phase]]:
        """All phases in order; the members of an inner list may run at the same time."""
        plan = [[self._prepare()]]
        if self.cfg.warm_start.enabled:
            plan.append([self._warm_start()])
        plan.append([self._evaluate("test_start", 0, self.cfg.evaluate_test)])
        rounds = self.cfg.run.rounds
        for number in range(1, rounds + 1):
            plan.append([self._collect(number)])
            training = [self._train_value(number), self._train_generator(number - 1)]
            plan += [training] if self.cfg.run.train_together else [[p] for p in training]
            plan.append([self._evaluate(
                f"round_{number}/valid", number, self.cfg.evaluate_valid, self.cfg.theorems.valid
            )])  # fmt: skip
        plan.append([self._evaluate(
            f"test_round_{rounds}", rounds, self.cfg.evaluate_test, rules=True
        )])  # fmt: skip
        plan.append([self._report()])
        return plan

    def single(self, kind: str) -> list[list[Phase]]:
        """The phases of `--only kind`: what it builds on if missing, then the one asked for.

        Its result goes to `<run>/only/`, beside the rounds, and is made anew at every call.
        """
        rounds = range(1, self.cfg.run.rounds + 1)
        newest = max((n for n in rounds if self.manifest.done(f"round_{n}/grpo")), default=0)
        collected = [n for n in rounds if self.manifest.done(f"round_{n}/search")]
        plan = [[self._prepare()]]
        if self.cfg.warm_start.enabled:
            plan.append([self._warm_start()])
        if kind == "collect" or (kind == "value" and not collected):
            plan.append([self._collect(newest + 1)])
        if kind == "value":
            plan.append([self._train_value(max(collected, default=1), self.dir / "only")])
        elif kind == "generator":
            plan.append([self._train_generator(newest, self.dir / "only", collected)])
        elif kind == "eval":
            plan.append([self._evaluate("only_eval", newest, self.cfg.evaluate_test, rules=True)])
        elif kind != "collect":
            raise ConfigError(f"--only {kind}: choose collect, value, generator or eval")
        return plan

    def _prepare(self) -> Phase:
        files = [Path(self.cfg.theorems[k]) for k in ("train", "valid", "test")]
        command = [sys.executable if w in ("python", "python3") else str(w)
                   for w in self.cfg.theorems.prepare]  # fmt: skip
        return Phase("prepare", [[*command, "--config", str(self.config_path)]], files)

    def _warm_start(self) -> Phase:
        out = self.dir / "warm_start"
        return Phase(
            "warm_start",
            [self.script("python", "-m", "local.warm_start", warm_start__output=out)],
            [out / "generator"],
            inputs=[Path(self.cfg.theorems.train)],
            threads=self.cfg.warm_start.threads,
        )

    def _collect(self, number: int) -> Phase:
        out = self.round_dir(number)
        sets = {"collect__round": number, "collect__output": out}
        servers = {"lean": None, "generator": self.generator(number - 1)}
        if value := self.value(number - 1):
            servers["value"] = value
            sets["collect__value_url"] = self.cfg.servers.value.url
        return Phase(
            f"round_{number}/search",
            [self.script("python", "trajectory_collector.py", **sets)],
            [out / "trajectories.jsonl"],
            servers,
            [self.generator(number - 1), *filter(None, [self.value(number - 1)])],
        )

    def _train_value(self, number: int, out: Path | None = None) -> Phase:
        out = out or self.round_dir(number)
        rows = [self.round_dir(i) / "trajectories.jsonl" for i in range(1, number + 1)]
        data = out / "value_data"
        init = self.value(number - 1) or (
            self.generator(0) if self.cfg.value.init_from_generator else Path(self.cfg.models.value)
        )
        return Phase(
            f"{out.name}/value",
            [
                self.script(
                    "python", "prepare_value_data.py", value__trajectories=rows, value__data=data
                ),
                self.script(
                    *self.cfg.value.command, value__data=data, value__base_model=init,
                    value__output=out / "value",
                ),
            ],  # fmt: skip
            [out / "value"],
            inputs=rows,
        )

    def _train_generator(
        self, start: int, out: Path | None = None, collected: list[int] | None = None
    ) -> Phase:
        """GRPO from the generator of round `start`; by default the phase of round start + 1."""
        number = start + 1
        out = out or self.round_dir(number)
        numbers = range(1, number + 1) if collected is None else collected
        past = [self.round_dir(i) for i in numbers]
        return Phase(
            f"{out.name}/grpo",
            [
                self.script(
                    *self.cfg.grpo.command, grpo__model=self.generator(start),
                    grpo__output=out / "generator", grpo__rounds=past, grpo__round=number,
                )
            ],  # fmt: skip
            [out / "generator"],
            {"lean": None},
            [self.generator(start), *(p / "trajectories.jsonl" for p in past)],
        )

    def _evaluate(
        self, name: str, number: int, section: DictConfig, data: str = "", rules: bool = False
    ) -> Phase:
        out = self.dir / "eval" / f"{name.replace('/', '_')}.json"
        sets = {f"evaluate__{key}": section[key] for key in section}
        if number == 0 or not (rules or name.endswith("valid")):
            sets["evaluate__search_rules"] = []
        sets |= {"evaluate__dataset": data or self.cfg.theorems.test, "evaluate__output": out}
        servers = {"lean": None, "generator": self.generator(number)}
        if number > 0 and sets["evaluate__search_rules"]:
            servers["value"] = self.value(number)
        return Phase(
            name,
            [self.script("python", "evaluate.py", **sets)],
            [out],
            servers,
            [self.generator(number), *filter(None, [self.value(number)])],
        )

    def _report(self) -> Phase:
        return Phase(
            f"report_{self.cfg.run.rounds}",
            [self.script("python", "-m", "coprover.report")],
            [self.dir / "report.md"],
        )


def main() -> int:
    """Runs or continues the loop."""
    cfg = config.from_cli(__doc__, FLAGS)
    services.unwind_on_signals()
    print(f"co_train: {cfg.run.profile_reason}", flush=True)
    run = Run(cfg)
    lock = _lock(run)  # held until this process ends
    _stop_orphans(run)
    _open(run)
    plan = run.single(cfg.run.only) if cfg.run.only else run.phases()
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
        if run.manifest.done(phase.name) and not phase.name.startswith("round_"):
            for path in phase.outputs:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


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
    if cfg.run.rounds < 1:
        raise ConfigError(f"run.rounds must be at least 1, got {cfg.run.rounds}")
    for key in ("train", "valid", "test"):
        path = Path(cfg.theorems[key])
        if path.exists():
            load_theorems(path)
    if not cfg.warm_start.enabled and not (Path(cfg.models.generator) / "config.json").is_file():
        raise InputError(
            f"no checkpoint at models.generator={cfg.models.generator}; download it, or correct "
            "the key"
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
    needed: dict[str, Path | None] = {}
    for phase in phases:
        needed |= phase.servers
    _hand_over(run, needed)
    for phase in phases:
        run.manifest.enter(phase.name, phase.inputs)
    with ThreadPoolExecutor(len(phases)) as pool, PeakMemory(run.cfg) as memory:
        try:
            results = list(pool.map(lambda phase: _run_commands(run, phase), phases))
        except KeyboardInterrupt:
            run.interrupted = True
            _stop_orphans(run)  # the pool waits for them
            raise
    for phase, seconds in zip(phases, results, strict=True):
        facts = {"weights": {k: str(v) for k, v in phase.servers.items() if v}}
        run.manifest.complete(phase.name, phase.outputs, **facts)
        row = {"time/phase_s": round(seconds, 1), "memory/peak_mb": memory.peak_mb}
        run.metrics.log(phase=phase.name, **row)


class PeakMemory:
    """Watches the resident memory of this process, its children and the run's servers.

    `peak_mb` is the largest sum seen, once a second; pages shared by processes count each time, so
    it is an upper bound of what the run needs.
    """

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg, self.peak_mb = cfg, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *exc) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, self._sum_mb())
            if self._over.wait(1.0):
                return

    def _sum_mb(self) -> int:
        records = (services.read_record(self.cfg, name) for name in services.NAMES)
        roots = [psutil.Process(), *filter(None, (r.process() for r in records if r))]
        seen: dict[int, int] = {}
        for root in roots:
            try:
                for process in (root, *root.children(recursive=True)):
                    seen[process.pid] = process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return sum(seen.values()) >> 20


def _hand_over(run: Run, needed: dict[str, Path | None]) -> None:
    """Stops the servers the phase does not need (they hold memory), starts the ones it does."""
    for name in services.NAMES:
        if name not in needed and name != "lean":
            services.stop(run.cfg, name)
    for name, checkpoint in needed.items():
        sets = [f"servers.{name}.checkpoint={checkpoint}"] if checkpoint else []
        services.start(config.load([run.config_path], sets), name)


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
                code = _tee(run, command, log_file, phase.threads or run.cfg.run.threads)
            except FileNotFoundError:
                raise ConfigError(f"phase {phase.name}: there is no program {command[0]!r}; "
                                  "correct the command in the configuration") from None
            if code:
                raise InputError(
                    f"phase {phase.name} failed: {' '.join(command[1:3])} ended with {code}; "
                    f"see {path}, then run the same command again to resume"
                )
    return time.monotonic() - started


def _tee(run: Run, command: list[str], log_file, threads: int) -> int:
    """Runs a command in a process group of its own and returns its exit status.

    The group is recorded on disk: if this process is killed, the next call stops what is left of
    it, so that two processes never write the same files.
    """
    environment = {**os.environ, "TQDM_DISABLE": "1", "PYTHONUNBUFFERED": "1"}
    if threads:  # waiting threads must soon sleep: spinning ones starve the servers on two cores
        environment |= {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": SPIN_COUNT}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", bufsize=1, env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        handle = psutil.Process(process.pid)
        record = run.dir / "processes" / f"{process.pid}.json"
        write_text_atomic(record, json.dumps({"created": handle.create_time()}))
        try:
            if run.interrupted:
                return 130
            for line in process.stdout:
                log_file.write(line)
                log_file.flush()
                print("   " + line, end="", flush=True)
            return process.wait()
        finally:
            if process.poll() is None:
                services.stop_group(handle)
            record.unlink(missing_ok=True)


def _stop_orphans(run: Run) -> None:
    """Stops the phase processes that a killed orchestrator left behind."""
    for record in (run.dir / "processes").glob("*.json"):
        created = json.loads(record.read_text(encoding="utf-8"))["created"]
        try:
            process = psutil.Process(int(record.stem))
            if abs(process.create_time() - created) < 1.0:
                log.warning("stopping PID %d, left by a killed run", process.pid)
                services.stop_group(process)
        except psutil.NoSuchProcess:
            pass
        record.unlink(missing_ok=True)


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


def _yaml(value: object) -> str:
    """A value as `--set` reads it."""
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    if isinstance(value, (list, tuple)):
        return json.dumps(list(value), default=str)  # quoted: a rule's text may hold commas
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    config.main(main)
