"""Prints what 1, 2 and 8 nodes and a single GPU need for this configuration, and what fits.

The formulas and their sources are in coprover/hardware.py; nothing is measured. Every assumption is
printed with its origin and has a flag. The tables in docs/node.md are the output of

    python -m coprover.sizing

A cluster that samples longer proofs: `--mean-tokens 4096 --set grpo.prompts_per_rollout=512`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from omegaconf import DictConfig

from coprover import config
from coprover import hardware as hw
from coprover.config import ConfigError
from coprover.hardware import Architecture, Assumptions, Layout

Row = tuple[str, Callable[[Layout], str]]


@dataclass(frozen=True)
class Sizing:
    """The quantities of the table for one configuration."""

    cfg: DictConfig
    given: Assumptions
    generator: Architecture
    value: Architecture

    def memory_gb(self, layout: Layout) -> float:
        """Memory of one training GPU."""
        return hw.training_gb(self.generator, self.cfg, layout, self.given)

    def fits(self, layout: Layout) -> bool:
        """Whether training and at least one full sample an engine fit."""
        room = hw.kv_tokens(self.generator, self.cfg, layout) >= self.cfg.grpo.max_new_tokens
        return self.memory_gb(layout) <= layout.gpu_gb and room

    def sample_s(self, layout: Layout, samples: float, mean: float, longest: float) -> float:
        """Seconds of sampling."""
        return hw.generate_s(self.generator, self.cfg, layout, self.given, samples, mean, longest)

    def proofs_s(self, layout: Layout, samples: float) -> float:
        """Seconds to sample whole proofs while Lean checks them: the slower of the two."""
        sampling = self.sample_s(layout, samples, self.given.mean_tokens,
                                 self.cfg.grpo.max_new_tokens)  # fmt: skip
        return max(sampling, samples * self.given.check_s / self.lean_cores(layout))

    def lean_cores(self, layout: Layout) -> float:
        """Lean cores of all nodes."""
        return layout.nodes * self.given.lean_cores

    def rollout_s(self, layout: Layout) -> float:
        """Seconds to sample one GRPO rollout, however fast Lean is."""
        return self.sample_s(layout, hw.rollout_samples(self.cfg), self.given.mean_tokens,
                             self.cfg.grpo.max_new_tokens)  # fmt: skip

    def train_s(self, layout: Layout) -> float:
        """Seconds to train on one rollout."""
        return hw.train_s(self.generator, self.cfg, layout, self.given)

    def sync_s(self, layout: Layout) -> float:
        """Seconds of a GRPO step on the network between nodes, not overlapped."""
        gigabytes = hw.network_gb(self.generator, self.cfg, layout)
        return gigabytes * 8 / self.given.nic_gbit_s

    def step_s(self, layout: Layout) -> float:
        """Seconds of a GRPO step: train.py alternates, train_async.py overlaps."""
        sampling = self.proofs_s(layout, hw.rollout_samples(self.cfg))
        training = self.train_s(layout)
        overlap = self.cfg.grpo.slime.train_script == "train_async.py"
        both = max(sampling, training) if overlap else sampling + training
        return both + self.sync_s(layout)

    def search_s(self, layout: Layout, checks: float) -> float:
        """Seconds to draw candidates and run `checks` of them: the slower of GPUs and Lean."""
        drawn = checks * self.cfg.sampler.oversample
        sampling = self.sample_s(layout, drawn, self.given.step_tokens,
                                 self.cfg.search.max_new_tokens)  # fmt: skip
        lean = checks * hw.tactic_core_s(self.cfg, self.given) / self.lean_cores(layout)
        return max(sampling, lean)

    def budget(self, layout: Layout) -> int:
        """The largest collect.budget whose search phase ends within search_hours."""
        one = hw.search_checks(self.cfg) / self.cfg.collect.budget
        return int(self.given.search_hours * 3600 / self.search_s(layout, one))

    def value_s(self) -> float:
        """Seconds to train the value model on one GPU: 6 FLOP a parameter and token."""
        tokens = self.given.value_states * self.given.value_tokens * self.cfg.value.epochs
        speed = self.given.tflops * 1e12 * self.given.compute_share
        return 6 * self.value.params * tokens / speed

    def phases_h(self, layout: Layout) -> dict[str, float]:
        """Hours of each phase of a round; searches at their bound (no theorem is proved)."""
        cfg, valid = self.cfg, self.given.valid_theorems
        section = cfg.evaluate_valid
        proofs = cfg.theorems.per_round * cfg.collect.samples_per_theorem
        checks = valid * section.search_budget * cfg.search.candidates * len(section.search_rules)
        seconds = {
            "collect: whole proofs": self.proofs_s(layout, proofs),
            "collect: search, at most": self.search_s(layout, hw.search_checks(cfg)),
            "value model": self.value_s(),
            "GRPO": cfg.grpo.num_rollouts * self.step_s(layout),
            "evaluation: whole proofs": self.proofs_s(layout, valid * section.n_samples),
            "evaluation: search, at most": self.search_s(layout, checks),
        }
        return {name: s / 3600 for name, s in seconds.items()}


def main(argv: list[str] | None = None) -> int:
    """Prints the tables."""
    parser = config.make_parser(__doc__, {})
    for item in fields(Assumptions):
        text = f"{item.metadata['origin']} [{item.default:g}]"
        parser.add_argument(_flag(item.name), type=float, default=item.default, help=text)
    options = parser.parse_args(argv)
    given = Assumptions(**{item.name: getattr(options, item.name) for item in fields(Assumptions)})
    print(page(config.load(options.config, options.sets), given))
    return 0


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def page(cfg: DictConfig, given: Assumptions) -> str:
    """Returns the tables as Markdown: the same for all layouts, by layout, assumptions.

    Raises ConfigError for a configuration without a GPU, and for assumptions that contradict it.
    """
    if cfg.warm_start.enabled:
        raise ConfigError("sizes are for GPU nodes, and this configuration trains a tiny generator "
                          "of its own (warm_start.enabled); leave its overlay out")  # fmt: skip
    if given.mean_tokens > cfg.grpo.max_new_tokens:
        raise ConfigError(f"--mean-tokens {given.mean_tokens:g} is more than grpo.max_new_tokens="
                          f"{cfg.grpo.max_new_tokens}")  # fmt: skip
    if bad := [item.name for item in fields(Assumptions) if getattr(given, item.name) <= 0]:
        raise ConfigError(f"{_flag(bad[0])} must be above 0")
    sizing = Sizing(cfg, given, hw.generator_architecture(cfg),
                    hw.read_architecture(cfg.value.slime.model_args))  # fmt: skip
    columns = hw.layouts(cfg, given)
    by_layout = [[name, *(cell(layout) for layout in columns)] for name, cell in _rows(sizing)]
    assumed = [[f"`{_flag(item.name)}`", f"{getattr(given, item.name):,g}",
                item.metadata["origin"]] for item in fields(Assumptions)]  # fmt: skip
    return "\n\n".join([
        _table(["whatever the layout", ""], _common(sizing)),
        _table(["by layout", *(layout.name for layout in columns)], by_layout),
        _table(["assumption", "value", "meaning, origin"], assumed),
    ])  # fmt: skip


def _common(sizing: Sizing) -> list[list[str]]:
    cfg, given, generator, value = sizing.cfg, sizing.given, sizing.generator, sizing.value
    samples, longest = hw.rollout_samples(cfg), cfg.grpo.max_new_tokens
    checks = hw.search_checks(cfg)
    disk = hw.disk_round_gb(cfg)
    return [
        ["parameters of the generator, of the value model",
         f"{generator.params / 1e9:.2f}e9, {value.params / 1e9:.2f}e9"],
        ["keys and values of one token of the generator", f"{generator.kv_bytes:,} bytes"],
        [f"tokens of a rollout of {samples} samples, at the mean and at most",
         f"{_millions(samples * given.mean_tokens)}, {_millions(samples * longest)}"],
        ["training the value model on one GPU",
         f"{hw.value_gb(value, cfg, given):.0f} GB at most"],
        ["host memory of an offloaded optimizer (12 bytes a parameter)",
         f"{12 * generator.params / hw.GB:.0f} GB"],
        [f"Lean cores for the {samples} proofs of a step of {given.grpo_step_s:g} s",
         f"{_cores(samples * given.check_s / given.grpo_step_s)}; "
         f"{_cores(samples * cfg.lean.timeout_s / given.grpo_step_s)} if all time out"],
        ["tactics Lean runs in a search phase, at most",
         f"{_millions(checks)} of {hw.tactic_core_s(cfg, given):g} core seconds "
         f"(lean.stepping={cfg.lean.stepping})"],
        [f"disk of a round: {', '.join(disk)}",
         " + ".join(f"{gb:.0f}" for gb in disk.values()) + " GB"],
        [f"disk of {cfg.run.rounds} rounds, and besides while a model trains",
         f"{cfg.run.rounds * sum(disk.values()):,.0f} + {hw.disk_passing_gb(cfg):.0f} GB"],
    ]  # fmt: skip


def _rows(sizing: Sizing) -> list[Row]:
    cfg, given, arch = sizing.cfg, sizing.given, sizing.generator
    samples, longest = hw.rollout_samples(cfg), cfg.grpo.max_new_tokens

    def engines(layout: Layout) -> int:
        return layout.rollout_gpus // cfg.grpo.slime.rollout_gpus_per_engine

    def full(layout: Layout) -> int:
        return hw.kv_tokens(arch, cfg, layout) // longest

    def part(name: str) -> Callable[[Layout], str]:
        return lambda layout: f"{hw.training_bytes(arch, cfg, layout)[name] / hw.GB:.1f}"

    def phase(name: str) -> Callable[[Layout], str]:
        return lambda layout: _number(sizing.phases_h(layout)[name])

    parts = hw.training_bytes(arch, cfg, hw.layout_of(cfg, given))
    phases = sizing.phases_h(hw.layout_of(cfg, given))
    return [
        ("GPUs: training + rollout", _gpus),
        ("TP x DP", lambda lay: f"{lay.tp} x {lay.dp}"),
        *((f"{name}, GB a training GPU", part(name)) for name in parts),
        ("all with overhead, GB", lambda lay: f"{sizing.memory_gb(lay):.0f} of {lay.gpu_gb:.0f}"),
        ("fits", lambda lay: "yes" if sizing.fits(lay) else "**no**"),
        (f"samples of {longest:,} tokens in the caches",
         lambda lay: f"{engines(lay)} x {full(lay)} = {engines(lay) * full(lay)}"),
        ("sampling a rollout, s", lambda lay: _number(sizing.rollout_s(lay))),
        ("training on it, s", lambda lay: _number(sizing.train_s(lay))),
        ("network a node and step, GB at most",
         lambda lay: _number(hw.network_gb(arch, cfg, lay)) if lay.nodes > 1 else "–"),
        ("the same, s at most", lambda lay: _number(sizing.sync_s(lay)) if lay.nodes > 1 else "–"),
        (f"GRPO step with {given.lean_cores:g} Lean cores a node, s",
         lambda lay: _number(sizing.step_s(lay))),
        ("Lean cores that keep up with sampling",
         lambda lay: _cores(samples * given.check_s / sizing.rollout_s(lay))),
        ("the same, a node",
         lambda lay: _cores(samples * given.check_s / sizing.rollout_s(lay) / lay.nodes)),
        *((f"{name}, h a round", phase(name)) for name in phases),
        (f"largest collect.budget for {given.search_hours:g} h of search",
         lambda lay: f"{sizing.budget(lay):,}"),
    ]  # fmt: skip


def _gpus(layout: Layout) -> str:
    if layout.colocate:
        return f"{layout.gpus} shared"
    return f"{layout.train_gpus} + {layout.rollout_gpus}"


def _cores(cores: float) -> str:
    return f"{math.ceil(cores):,}" if cores else "–"


def _millions(count: float) -> str:
    return f"{count / 1e6:,.1f} million"


def _number(value: float) -> str:
    if math.isinf(value):  # no sample fits
        return "–"
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    config.main(main)
