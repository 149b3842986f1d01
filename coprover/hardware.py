"""What the configuration asks of machines: memory, tokens, seconds, Lean cores, disk, network.

Arithmetic, not measurement. Sizes follow from the configuration and the architecture files in
models/; what cannot be known beforehand is an `Assumptions` field. GB is 10^9 bytes. Each formula
names its source. coprover/sizing.py prints them as the table of docs/node.md, coprover/preflight.py
compares them with the machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache

from omegaconf import DictConfig

from coprover.config import ConfigError
from coprover.slime_args import model_args
from coprover.slime_flags import grouped

GB = 1e9
BF16, FP32 = 2, 4  # bytes
NODES = (1, 2, 8)
H100 = {"gpu_gb": 80.0, "bandwidth_tb_s": 3.35}  # SXM, data sheet
OFFLOAD = "--optimizer-cpu-offload"
STATE_BYTES = 500  # of a recorded proof state; assumed


@dataclass(frozen=True)
class Architecture:
    """A Llama-shaped model: gated MLP, RMSNorm, no biases."""

    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied: bool

    @property
    def params(self) -> int:
        """Number of parameters: embeddings, per layer Q, K, V, O, gate, up, down and two norms."""
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.kv_heads)
        layer = attention + 3 * self.hidden * self.ffn + 2 * self.hidden
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * layer + self.hidden

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values of one token in bf16."""
        return 2 * self.layers * self.kv_heads * self.head_dim * BF16


def _assumed(default: float, origin: str) -> float:
    return field(default=default, metadata={"origin": origin})


@dataclass(frozen=True)
class Assumptions:
    """What the configuration does not say."""

    gpu_gb: float = _assumed(140, "memory of one GPU, GB; README: H200")
    bandwidth_tb_s: float = _assumed(4.8, "memory bandwidth of one GPU, TB/s; H200 data sheet")
    tflops: float = _assumed(989, "dense bf16; H100 and H200 data sheets")
    bandwidth_share: float = _assumed(0.6, "of the bandwidth that decoding reaches; assumed")
    compute_share: float = _assumed(0.35, "of the FLOP/s that training reaches; assumed")
    overhead_gb: float = _assumed(6, "CUDA context, NCCL, fragmentation per GPU; assumed")
    prompt_tokens: float = _assumed(300, "tokens of a prompt; assumed")
    mean_tokens: float = _assumed(
        2048, "mean tokens of a whole proof; unknown, half of max_new_tokens; that is the bound")
    step_tokens: float = _assumed(32, "mean tokens of one tactic; assumed")
    check_s: float = _assumed(
        13.9, "Lean core seconds a whole proof; Kimina's report, table 1: 4.33 proofs/s on 60 CPUs")
    tactic_s: float = _assumed(0.5, "Lean core seconds of one tactic; assumed")
    path_tactics: float = _assumed(
        5, "tactics Lean runs to try one under lean.stepping=check: its path again; assumed")
    lean_cores: float = _assumed(128, "CPU cores a node gives to Lean; assumed")
    grpo_step_s: float = _assumed(180, "expected seconds of a GRPO step; README")
    search_hours: float = _assumed(8, "hours a round that the search phase may take; assumed")
    valid_theorems: float = _assumed(244, "theorems read after a round; the size of miniF2F's half")
    value_states: float = _assumed(100_000, "training rows of the value model in a round; assumed")
    value_tokens: float = _assumed(512, "mean tokens of a proof state; assumed")
    nic_gbit_s: float = _assumed(400, "network of a node, Gbit/s; assumed")


@dataclass(frozen=True)
class Layout:
    """Which GPUs do what. `tp`, `pp`, `cp`: Megatron's parallel sizes."""

    name: str
    nodes: int
    train_gpus: int
    rollout_gpus: int
    tp: int
    pp: int
    cp: int
    colocate: bool = False
    offload: bool = False  # optimiser state in host memory
    gpu_gb: float = 0.0
    bandwidth_tb_s: float = 0.0

    @property
    def dp(self) -> int:
        """Data-parallel replicas of the trained model."""
        return self.train_gpus // (self.tp * self.pp * self.cp)

    @property
    def gpus(self) -> int:
        """GPUs in use at once."""
        return self.train_gpus + (0 if self.colocate else self.rollout_gpus)


@cache
def read_architecture(path: str) -> Architecture:
    """Returns the architecture of a models/*.sh file. Raises ConfigError naming a missing flag."""
    given = {flag: values[0] if values else "" for flag, values in grouped(model_args(path), path)}
    names = ("--num-layers", "--hidden-size", "--ffn-hidden-size", "--num-attention-heads",
             "--num-query-groups", "--kv-channels", "--vocab-size")  # fmt: skip
    if missing := [name for name in names if name not in given]:
        raise ConfigError(f"{path} does not give {', '.join(missing)}; sizes need it")
    tied = "--untie-embeddings-and-output-weights" not in given
    return Architecture(*(int(given[name]) for name in names), tied=tied)


def layout_of(cfg: DictConfig, given: Assumptions, times: int = 1) -> Layout:
    """Returns the layout of the configuration, on `times` as many nodes.

    Raises ConfigError where tensor, pipeline and context parallelism do not divide the GPUs.
    """
    slime = cfg.grpo.slime
    train = slime.actor_nodes * slime.actor_gpus_per_node * times
    rollout = train if slime.colocate else slime.rollout_gpus * times
    sizes = [slime.args[f"{kind}_model_parallel_size"] for kind in ("tensor", "pipeline")]
    sizes.append(slime.args.context_parallel_size)
    if train % math.prod(sizes):
        raise ConfigError(f"grpo.slime: {train} training GPUs are no multiple of tensor x pipeline "
                          f"x context parallelism = {math.prod(sizes)}")  # fmt: skip
    total = train + (0 if slime.colocate else rollout)
    nodes = math.ceil(total / slime.gpus_per_node)
    name = f"{nodes} node{'s'[: nodes > 1]}"
    return Layout(name, nodes, train, rollout, *sizes, colocate=slime.colocate,
                  offload=bool(slime.args.get("optimizer_cpu_offload")) or OFFLOAD in slime.extra,
                  gpu_gb=given.gpu_gb,
                  bandwidth_tb_s=given.bandwidth_tb_s)  # fmt: skip


def layouts(cfg: DictConfig, given: Assumptions) -> list[Layout]:
    """Returns the columns of the table: 1, 2, 8 times the configured GPUs, then single GPUs."""
    nodes = [layout_of(cfg, given, times) for times in NODES]
    one = Layout("1 GPU", 1, 1, 1, 1, 1, 1, True, False, given.gpu_gb, given.bandwidth_tb_s)
    return [*nodes, one, replace(one, name="1 GPU, offload", offload=True),
            replace(one, name="1 H100, offload", offload=True, **H100)]  # fmt: skip


def training_bytes(arch: Architecture, cfg: DictConfig, layout: Layout) -> dict[str, float]:
    """Returns the parts of the memory of one training GPU, in bytes, without overhead.

    Megatron with its distributed optimiser, which SLIME always turns on: bf16 weights and fp32
    gradients on every replica, 6 bytes a parameter; fp32 copy and Adam's two moments, 12, shared by
    the DP x CP replicas (docs of Megatron-LM's distributed optimiser: 6 + 12/d). `offload` puts the
    12 into host memory. With full recomputation a layer keeps its bf16 input, and the layer being
    recomputed 34 bytes a token and hidden unit (Korthikanti et al. 2022, eq. 2, without the
    attention matrix that flash attention never stores); both are shared by tensor and context
    parallelism. Logits: bf16, an fp32 copy and its gradient. Without full recomputation every layer
    costs the 34 bytes. Under pipeline parallelism micro-batches in flight come on top, uncounted.
    """
    slime, shard = cfg.grpo.slime, layout.tp * layout.pp
    tokens = slime.max_tokens_per_gpu  # of one GPU: SLIME multiplies by CP and splits again
    unit = tokens * arch.hidden / layout.tp
    layers = arch.layers / layout.pp
    full = slime.args.recompute_granularity == "full"
    optimizer = 0.0 if layout.offload else 12 * arch.params / (shard * layout.dp * layout.cp)
    return {
        "weights and gradients": (BF16 + FP32) * arch.params / shard,
        "optimizer": optimizer,
        "activations": unit * (layers * BF16 + 34) if full else unit * layers * 34,
        "logits": tokens * arch.vocab / layout.tp * (BF16 + FP32 + FP32),
    }


def training_gb(arch: Architecture, cfg: DictConfig, layout: Layout, given: Assumptions) -> float:
    """Returns GB of one training GPU, overhead included."""
    return sum(training_bytes(arch, cfg, layout).values()) / GB + given.overhead_gb


def value_gb(arch: Architecture, cfg: DictConfig, given: Assumptions) -> float:
    """Returns GB that train_value_model.py needs at most: fp32 weights, gradients and two moments
    (16 bytes a parameter), and 34 bytes a token, hidden unit and layer of a full micro-batch."""
    tokens = cfg.value.micro_batch_size * cfg.value.max_length
    held = 4 * FP32 * arch.params + 34 * tokens * arch.hidden * arch.layers
    return held / GB + given.overhead_gb


def kv_tokens(arch: Architecture, cfg: DictConfig, layout: Layout) -> int:
    """Returns how many tokens of keys and values one engine holds: SGLang's static memory
    (mem-fraction-static of the GPU: weights and cache) less the bf16 weights. 0 if they don't fit.
    """
    slime = cfg.grpo.slime
    static = slime.sglang_mem_fraction * layout.gpu_gb * GB * slime.rollout_gpus_per_engine
    return max(0, int((static - BF16 * arch.params) / arch.kv_bytes))


def generate_s(
    arch: Architecture, cfg: DictConfig, layout: Layout, given: Assumptions,
    samples: float, mean: float, longest: float,
) -> float:  # fmt: skip
    """Returns seconds to sample `samples` texts of `mean` tokens, the longest of `longest`.

    Decoding is bound by memory: a step reads the weights once and the cache of every running
    sample. n samples of an engine run c at a time; steps <= longest + (n - c) mean / c (list
    scheduling, Graham 1966). Prefill is left out: the samples of a prompt share it.
    """
    if not kv_tokens(arch, cfg, layout):
        return math.inf
    per_engine = cfg.grpo.slime.rollout_gpus_per_engine
    n = samples / (layout.rollout_gpus / per_engine)
    running = max(1.0, min(n, kv_tokens(arch, cfg, layout) / (given.prompt_tokens + mean)))
    steps = longest + max(0.0, n - running) * mean / running
    cache = n * (given.prompt_tokens * mean + mean * mean / 2) * arch.kv_bytes
    speed = per_engine * layout.bandwidth_tb_s * 1e12 * given.bandwidth_share
    return (steps * BF16 * arch.params + cache) / speed


def train_s(arch: Architecture, cfg: DictConfig, layout: Layout, given: Assumptions) -> float:
    """Returns seconds to train on one rollout. FLOP a parameter and token: 2 forward, 4 backward, 2
    for full recomputation, 2 for the old log-probabilities; attention's few percent left out."""
    flop = 10 if cfg.grpo.slime.args.recompute_granularity == "full" else 8
    tokens = rollout_samples(cfg) * (given.prompt_tokens + given.mean_tokens)
    speed = layout.train_gpus * given.tflops * 1e12 * given.compute_share
    return flop * arch.params * tokens / speed


def rollout_samples(cfg: DictConfig) -> int:
    """Returns the samples of one GRPO step."""
    return cfg.grpo.prompts_per_rollout * cfg.grpo.samples_per_prompt


def search_checks(cfg: DictConfig) -> int:
    """Returns the tactics that Lean runs in a search phase at most: when no theorem is proved."""
    return cfg.theorems.per_round * cfg.collect.budget * cfg.search.candidates


def tactic_core_s(cfg: DictConfig, given: Assumptions) -> float:
    """Returns Lean core seconds of one tactic: under lean.stepping=check its path runs again."""
    return given.tactic_s * (given.path_tactics if cfg.lean.stepping == "check" else 1)


def network_gb(arch: Architecture, cfg: DictConfig, layout: Layout) -> float:
    """Returns GB that a node receives in a GRPO step at most, where there are several nodes.

    New bf16 weights for each engine on it, and for each update and training GPU the fp32 gradients
    scattered and the bf16 weights gathered over the replicas (ring: (d - 1)/d of the shard). What
    NCCL passes on inside a node does not cross the network, hence "at most".
    """
    if layout.nodes == 1:
        return 0.0
    engines = layout.rollout_gpus / cfg.grpo.slime.rollout_gpus_per_engine / layout.nodes
    shard = arch.params / (layout.tp * layout.pp) * (layout.dp - 1) / layout.dp
    updates = cfg.grpo.updates_per_rollout * layout.train_gpus / layout.nodes
    return (engines * BF16 * arch.params + updates * (BF16 + FP32) * shard) / GB


def disk_round_gb(cfg: DictConfig) -> dict[str, float]:
    """Returns GB that one round leaves on disk, by part.

    Generator: a Hugging Face folder in bf16; where SLIME's own files are kept (`_saves_gb`) those
    instead. The value model is saved in fp32. Attempts: 4 bytes a token, at most. Searches:
    STATE_BYTES for every candidate, at most. The laptop's models are saved in fp32.
    """
    generator = generator_architecture(cfg)
    laptop = cfg.warm_start.enabled
    value = generator if laptop else read_architecture(cfg.value.slime.model_args)
    attempts = cfg.theorems.per_round * cfg.collect.samples_per_theorem * cfg.collect.max_new_tokens
    weights = (FP32 if laptop else BF16) * generator.params / GB
    return {
        "generator": _saves_gb(cfg) if not laptop and _keeps_checkpoints(cfg) else weights,
        "value model": FP32 * value.params / GB,
        "attempts": 4 * attempts / GB,
        "searches": STATE_BYTES * search_checks(cfg) / GB,
    }


def disk_passing_gb(cfg: DictConfig) -> float:
    """Returns GB that a training phase needs besides and gives back: SLIME's saves, or the value
    model's best weights, resumable state and two moments (16 bytes a parameter)."""
    generator = generator_architecture(cfg)
    if cfg.warm_start.enabled:
        return 2 * 4 * FP32 * generator.params / GB
    value = 4 * FP32 * read_architecture(cfg.value.slime.model_args).params / GB
    return max(value, 0.0 if _keeps_checkpoints(cfg) else _saves_gb(cfg))


def _saves_gb(cfg: DictConfig) -> float:
    """GB of a GRPO phase's saves: for each a Megatron checkpoint (bf16 weights, fp32 copy, two
    moments: 14 bytes a parameter) and a Hugging Face folder (2)."""
    saves = math.ceil(cfg.grpo.num_rollouts / cfg.grpo.save_every)  # the last is always saved
    return saves * (14 + BF16) * generator_architecture(cfg).params / GB


def _keeps_checkpoints(cfg: DictConfig) -> bool:
    return cfg.grpo.slime.get("keep_checkpoints", True)


def generator_architecture(cfg: DictConfig) -> Architecture:
    """Returns the generator's: of the warm start where there is one, else of its models/ file."""
    if not cfg.warm_start.enabled:
        return read_architecture(cfg.grpo.slime.model_args)
    tiny = cfg.warm_start
    return Architecture(
        tiny.layers, tiny.hidden_size, tiny.intermediate_size, tiny.heads, tiny.heads,
        tiny.hidden_size // tiny.heads, tiny.vocab_size, tied=True,
    )  # fmt: skip
