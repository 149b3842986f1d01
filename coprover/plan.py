"""The plan of a co-training run: its phases in order, what each runs and which servers it needs.

Nothing here starts anything: co_train.py carries the plan out, coprover/dry_run.py prints it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from coprover import services, slime_args
from coprover.config import ConfigError
from coprover.runlog import Manifest, MetricsLog
from coprover.slime_flags import check_sglang

FLAGS = {  # of co_train.py, and of everything that takes its command line
    "--num-rounds": ("run.rounds", "how many rounds; more than a finished run has extends it"),
    "--run-name": ("run.name", "outputs go to runs/<name>"),
    "--seed": ("run.seed", "seed of everything random in the run"),
    "--only": ("run.only", "collect | value | generator | eval: just this, on the newest state"),
    "--dry-run": ("run.dry_run", "print every command, run none; or DRY_RUN=1", "true"),
}
SLIME_SCRIPTS = {"grpo": "train_step_grpo.sh", "value": "train_value_slime.sh"}


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

    def plan(self) -> list[list[Phase]]:
        """The groups of phases of this call: all rounds, or what `run.only` asks for."""
        return self.single(self.cfg.run.only) if self.cfg.run.only else self.phases()

    def due(self, phase: Phase) -> bool:
        """Tells whether a phase is to be run: it was not yet, or `run.only` makes it anew."""
        return phase.name.startswith("only") or not self.manifest.done(phase.name)

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
            if number < rounds or self.cfg.run.valid_after_last:
                plan.append([self._evaluate(
                    f"round_{number}/valid", number, self.cfg.evaluate_valid,
                    self.cfg.theorems.valid,
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
        servers: dict[str, Path | None] = {"lean": None}
        if value := self._value_for_rewards(start if self.cfg.run.train_together else number):
            servers["value"] = value
        return Phase(
            f"{out.name}/grpo",
            [
                self.script(
                    *self.cfg.grpo.command, grpo__model=self.generator(start),
                    grpo__output=out / "generator", grpo__rounds=past, grpo__round=number,
                )
            ],  # fmt: skip
            [out / "generator"],
            servers,
            [self.generator(start), *(p / "trajectories.jsonl" for p in past)],
        )

    def _value_for_rewards(self, number: int) -> Path | None:
        """The value model of round `number` if a hook of GRPO asks one (value_reward.py with a
        bonus, value_rollout.py). In a single phase it is the newest that was trained, if any."""
        slime = self.cfg.grpo.slime
        bonus = self.cfg.reward.value_weight > 0 and str(slime.reward).startswith("value_reward.")
        if not bonus and not str(slime.generate).startswith("value_rollout."):
            return None
        if self.cfg.run.only:
            number = max((n for n in range(1, number + 1) if self.value(n).exists()), default=0)
        return self.value(number)

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


def servers_of(phases: list[Phase]) -> dict[str, Path | None]:
    """The servers a group of phases needs: name -> checkpoint, or None for Lean."""
    return {name: path for phase in phases for name, path in phase.servers.items()}


def to_stop(needed: dict[str, Path | None]) -> list[str]:
    """The servers that give way before a group starts: they hold memory that it will want."""
    return [name for name in services.NAMES if name not in needed and name != "lean"]


def check_flags(cfg: DictConfig) -> None:
    """Raises ConfigError naming the first flag that SLIME or SGLang would not understand, in the
    commands of all phases and servers; hours may lie between the start and their turn."""
    for role in SLIME_SCRIPTS:
        if _on_slime(cfg, role):
            slime_args.training_args(cfg, role)
    for name in services.NAMES:
        check_sglang(map(str, cfg.servers[name].start), f"servers.{name}.start")


def value_mismatch(cfg: DictConfig) -> str:
    """Says how the value model that is trained differs from the one that is served; "" if not.

    A label-token model has no head: served as an embedding model, a random one would answer.
    """
    labels = {_on_slime(cfg, "value"), cfg.value.head == "labels"}
    if start := cfg.servers.value.start:
        labels.add("--is-embedding" not in start)
    if len(labels) == 1:
        return ""
    return (
        f"value.command={list(cfg.value.command)} does not fit value.head={cfg.value.head} or "
        "servers.value.start: train_value_model.py goes with head mlp, train_value_slime.sh with "
        "head labels and sglang.launch_server without --is-embedding"
    )


def gpus_wanted(cfg: DictConfig) -> int:
    """How many GPUs GRPO takes on this machine; 0 without SLIME or on somebody else's cluster."""
    slime = cfg.grpo.slime
    if not _on_slime(cfg, "grpo") or slime.ray_address:
        return 0
    return slime.actor_nodes * slime.actor_gpus_per_node + slime.rollout_gpus * (not slime.colocate)


def _on_slime(cfg: DictConfig, role: str) -> bool:
    return SLIME_SCRIPTS[role] in cfg[role].command


def _yaml(value: object) -> str:
    """A value as `--set` reads it."""
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=True)
    if isinstance(value, (list, tuple)):
        return json.dumps(list(value), default=str)  # quoted: a rule's text may hold commas
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
