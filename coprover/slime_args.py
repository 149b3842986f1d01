"""Configuration -> argument arrays for SLIME, checked flag by flag before anything starts.

SLIME's two parsers drop unknown flags silently, value and all, so every flag is looked up here in
a committed table (coprover/slime_flags.py). Shell scripts read one argument a line, never YAML:
    python -m coprover.slime_args grpo --set grpo.lr=2e-6
    python -m coprover.slime_args get grpo.slime.root servers.lean.url
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from coprover import config
from coprover.config import ROOT, ConfigError, InputError
from coprover.slime_flags import check_flags, grouped

Scalar = str | int | float | bool | None

# flag <- key below `grpo:` / `value:`; keys that need arithmetic are in grpo_flags / value_flags
OPTIMIZER = {
    "--lr": "lr", "--lr-decay-style": "lr_schedule", "--weight-decay": "weight_decay",
    "--adam-beta1": "adam_beta1", "--adam-beta2": "adam_beta2", "--clip-grad": "clip_grad",
    "--seed": "seed",
}  # fmt: skip
PLACEMENT = {
    "--custom-model-provider-path": "slime.model_provider",
    "--actor-num-nodes": "slime.actor_nodes",
    "--actor-num-gpus-per-node": "slime.actor_gpus_per_node",
    "--num-gpus-per-node": "slime.gpus_per_node",
    "--max-tokens-per-gpu": "slime.max_tokens_per_gpu",
}  # fmt: skip
GRPO = OPTIMIZER | PLACEMENT | {
    "--save-interval": "save_every", "--num-rollout": "num_rollouts",
    "--rollout-batch-size": "prompts_per_rollout",
    "--n-samples-per-prompt": "samples_per_prompt",
    "--num-steps-per-rollout": "updates_per_rollout",
    "--eps-clip": "eps_low", "--eps-clip-high": "eps_high", "--entropy-coef": "entropy_coef",
    "--rollout-temperature": "temperature", "--rollout-seed": "seed",
    "--rollout-max-response-len": "max_new_tokens",
    "--rollout-max-prompt-len": "max_prompt_tokens",
    "--custom-rm-path": "slime.reward", "--reward-key": "slime.reward_key",
    "--custom-generate-function-path": "slime.generate",
    "--custom-reward-post-process-path": "slime.reward_post_process",
    "--rollout-num-gpus-per-engine": "slime.rollout_gpus_per_engine",
    "--colocate": "slime.colocate",
    "--sglang-mem-fraction-static": "slime.sglang_mem_fraction",
    "--sglang-context-length": "slime.sglang_context_length",
}  # fmt: skip
VALUE = OPTIMIZER | PLACEMENT | {
    "--save-interval": "slime.save_every", "--num-epoch": "epochs",
    "--rollout-batch-size": "batch_size", "--global-batch-size": "batch_size",
    "--lr-warmup-fraction": "warmup_ratio", "--rollout-seed": "seed",
    "--rollout-function-path": "slime.rollout_function",
}  # fmt: skip


def training_args(cfg: DictConfig, role: str) -> list[str]:
    """Returns every argument after `train.py` for role "grpo" or "value", all of them checked.

    Raises ConfigError for a setting SLIME cannot honour, for an unknown, removed or doubly given
    flag, and for architecture arguments that differ from the checkpoint's config.json.
    """
    flags = grpo_flags(cfg.grpo) if role == "grpo" else value_flags(cfg.value)
    section = cfg[role].slime
    for key, value in section.args.items():
        flag = "--" + str(key).replace("_", "-")
        if flag in flags:
            raise ConfigError(f"{role}.slime.args.{key}: {flag} is already set by a key of its own")
        flags[flag] = OmegaConf.to_container(value) if _is_list(value) else value
    model = model_args(section.model_args)
    args = [*model, *render(flags), *map(str, section.extra)]
    check_flags(args, f"{role}.slime")
    check_provider(section.model_provider, model, f"{role}.slime.model_provider")
    checkpoint = Path(cfg.grpo.model if role == "grpo" else cfg.value.base_model) / "config.json"
    if checkpoint.exists():
        check_model(model, json.loads(checkpoint.read_text("utf-8")), str(checkpoint))
    return args


def work_dir(section: DictConfig) -> Path:
    """Returns where SLIME's own files go: prompts.jsonl, megatron/ and hf/<rollout>/."""
    return Path(section.slime.work or f"{section.output}.slime").absolute()


def grpo_flags(grpo: DictConfig) -> dict[str, Scalar]:
    """Returns flag -> value for GRPO. Raises ConfigError for what SLIME cannot do."""
    samples = grpo.prompts_per_rollout * grpo.samples_per_prompt
    if samples % grpo.updates_per_rollout:
        raise ConfigError(
            f"grpo.updates_per_rollout={grpo.updates_per_rollout} does not divide the {samples} "
            "samples of a rollout; SLIME would drop the remainder"
        )
    if grpo.optimizer != "adamw":
        raise ConfigError("grpo.optimizer is the laptop's; the node's is grpo.slime.args.optimizer")
    if grpo.replay.steps:
        raise ConfigError("grpo.replay.steps: SLIME has no replay steps; set it to 0 on the node")
    _no_time_limit(grpo.max_time_s, "grpo")
    if grpo.temperature <= 0:
        raise ConfigError("grpo.temperature must be above 0 (SLIME refuses 0)")
    guided = str(grpo.slime.generate).startswith("value_rollout.")
    if guided and grpo.slime.guided_per_group > grpo.samples_per_prompt - 2:
        raise ConfigError(
            "grpo.slime.guided_per_group: samples guided by the value model are barred from the "
            "loss; leave at least two of a group to the policy, or nothing is trained"
        )
    flags = _mapped(grpo, GRPO)
    flags["--global-batch-size"] = samples // grpo.updates_per_rollout
    flags |= _files(grpo, grpo.model) | {"--input-key": "prompt", "--label-key": "label"}
    if not grpo.slime.colocate:  # with --colocate it equals the training GPUs
        flags["--rollout-num-gpus"] = grpo.slime.rollout_gpus
    if grpo.kl_coef:
        flags |= {"--use-kl-loss": True, "--kl-loss-coef": grpo.kl_coef,
                  "--kl-loss-type": "low_var_kl"}  # fmt: skip
    if grpo.updates_per_rollout == 1 and not grpo.slime.args.get("use_rollout_logprobs"):
        print("warning: one step a rollout: the ratio is always 1, eps_low/eps_high never act",
              file=sys.stderr)  # fmt: skip
    return flags


def value_flags(value: DictConfig) -> dict[str, Scalar]:
    """Returns flag -> value for value SFT. The temperature stays 1: sft_loss divides by it."""
    _no_time_limit(value.max_time_s, "value")
    flags = _mapped(value, VALUE) | _files(value, value.base_model)
    min_lr = float(f"{value.lr * value.min_lr_ratio:.6g}")
    return flags | {"--min-lr": min_lr, "--rollout-temperature": 1.0,
                    "--n-samples-per-prompt": 1, "--input-key": "prompt",
                    "--label-key": "label"}  # fmt: skip


def render(flags: Mapping[str, object]) -> list[str]:
    """Returns the argument list: true = bare flag, false/null = left out, list = several values."""
    args: list[str] = []
    for flag, value in flags.items():
        if value is None or value is False:
            continue
        values = value if isinstance(value, list) else [] if value is True else [value]
        args += [flag, *map(_text, values)]
    for arg in args:
        if "\n" in arg or not arg:
            raise ConfigError(f"an argument is empty or holds a line break: {args!r}")
    return args


def check_provider(provider: str | None, model: list[str], origin: str) -> None:
    """Raises ConfigError when the model needs a provider of ours and there is none.

    SLIME's own builder trains plain RoPE where the checkpoint has YaRN, and Llama-3 scaling with
    factor 8 where Llama-3.2 has 32, without a word.
    """
    if provider is None:
        raise ConfigError(
            f"{origin} is null: SLIME's own builder knows neither YaRN nor Llama-3.2's factor 32 "
            "and would train another model than SGLang samples from; name a provider"
        )
    module, _, function = provider.rpartition(".")
    if not module or not _module_defines(module, function):
        raise ConfigError(f"{origin}: there is no function {provider}; without it the rotary "
                          "embedding would be wrong, so nothing is started")  # fmt: skip
    if "--use-rope-scaling" not in model and "--no-rope-fusion" not in model:
        raise ConfigError(f"{origin}: YaRN needs --no-rope-fusion in the model arguments (the "
                          "fused kernel drops its attention factor)")  # fmt: skip


def check_model(model: list[str], hf: Mapping[str, object], origin: str) -> None:
    """Raises ConfigError listing where the architecture arguments differ from config.json."""
    given = {flag: (values[0] if values else True) for flag, values in grouped(model, origin)}
    heads = hf.get("num_attention_heads")
    rope = hf.get("rope_parameters") or {}
    scaling = hf.get("rope_scaling") or {key: rope[key] for key in rope if key != "rope_theta"}
    wanted = {
        "--num-layers": hf.get("num_hidden_layers"), "--hidden-size": hf.get("hidden_size"),
        "--ffn-hidden-size": hf.get("intermediate_size"), "--num-attention-heads": heads,
        "--num-query-groups": hf.get("num_key_value_heads", heads),
        "--kv-channels": hf.get("head_dim") or hf["hidden_size"] // heads,
        "--vocab-size": hf.get("vocab_size"), "--norm-epsilon": hf.get("rms_norm_eps"),
        "--max-position-embeddings": hf.get("max_position_embeddings"),
        "--rotary-base": hf.get("rope_theta") or rope.get("rope_theta") or 10000.0,
    }  # fmt: skip
    problems = [
        f"{flag} {given.get(flag)} but the checkpoint says {want}"
        for flag, want in wanted.items()
        if want is not None and float(given.get(flag, "nan")) != float(want)
    ]
    tied = bool(hf.get("tie_word_embeddings", False))
    if tied == ("--untie-embeddings-and-output-weights" in given):
        word = "must not be" if tied else "must be"
        problems.append(f"--untie-embeddings-and-output-weights {word} given: the checkpoint's "
                        f"tie_word_embeddings is {str(tied).lower()}")  # fmt: skip
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    ours = "llama3" if "--use-rope-scaling" in given else "yarn"
    if kind != ours:
        problems.append(f"the arguments are for {ours} rotary scaling, the checkpoint has {kind}")
    if problems:
        raise ConfigError(f"{origin} differs from the model arguments: " + "; ".join(problems))


def model_args(path: str | Path) -> list[str]:
    """Returns the array MODEL_ARGS that a models/*.sh file sets. Raises InputError if it fails."""
    file = ROOT / path
    if not file.is_file():
        raise InputError(f"no model arguments {file}; see models/")
    script = 'set -euo pipefail; source "$1"; printf "%s\\n" "${MODEL_ARGS[@]}"'
    done = subprocess.run(["bash", "-c", script, "bash", str(file)], capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{file} does not set MODEL_ARGS: {done.stderr.strip()}")
    return done.stdout.split()


def _mapped(section: DictConfig, table: Mapping[str, str]) -> dict[str, Scalar]:
    return {flag: OmegaConf.select(section, key) for flag, key in table.items()}


def _files(section: DictConfig, model: str) -> dict[str, Scalar]:
    """Absolute, because the Ray job runs elsewhere. SLIME loads a plain Hugging Face folder as
    --ref-load where --load holds no checkpoint yet, and resumes from --load where it does."""
    work, start = work_dir(section), str(Path(model).absolute())
    return {
        "--hf-checkpoint": start, "--ref-load": start, "--load": str(work / "megatron"),
        "--save": str(work / "megatron"), "--save-hf": f"{work}/hf/{{rollout_id}}",
        "--prompt-data": str(work / "prompts.jsonl"),
    }  # fmt: skip


def _no_time_limit(seconds: float | None, section: str) -> None:
    if seconds is not None:
        raise ConfigError(f"{section}.max_time_s: SLIME has no time limit; lower the number of "
                          "rollouts or epochs instead and leave it null")  # fmt: skip


def _module_defines(module: str, function: str) -> bool:
    """True if a module exists and defines the function; looked up in its text, not imported."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return False
    if spec is None or not spec.origin:
        return False
    return f"def {function}(" in Path(spec.origin).read_text("utf-8")


def _is_list(value: object) -> bool:
    return isinstance(value, ListConfig)


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _lookup(cfg: DictConfig, key: str) -> str:
    """The value of a key as shell wants it; `grpo.work` and `value.work` are work_dir's answer."""
    if key in ("grpo.work", "value.work"):
        return str(work_dir(cfg[key.partition(".")[0]]))
    missing = object()
    value = OmegaConf.select(cfg, key, default=missing)
    if value is missing:
        raise ConfigError(f"no configuration key {key}")
    if isinstance(value, (DictConfig, ListConfig)):
        return json.dumps(OmegaConf.to_container(value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["grpo", "value", "get", "words", "save"])
    parser.add_argument("keys", nargs="*",
                        help="get: keys to print; words: a list to print; save: the file")
    parser.add_argument("--config", nargs="+", action="extend", default=[], metavar="FILE")
    parser.add_argument("--set", nargs="+", action="extend", default=[], dest="sets",
                        metavar="KEY=VALUE")  # fmt: skip
    parser.add_argument("--quoted", action="store_true", help="one shell-quoted line, for reading")
    options = parser.parse_args(argv)
    cfg = config.load(options.config, options.sets)
    if options.what == "save":
        config.save(cfg, options.keys[0])
        return 0
    if options.what == "words":
        lines = [str(word) for word in OmegaConf.select(cfg, options.keys[0]) or []]
    elif options.what == "get":
        lines = [_lookup(cfg, key) for key in options.keys]
    else:
        lines = training_args(cfg, options.what)
    print(shlex.join(lines) if options.quoted else "\n".join(lines))
    return 0


if __name__ == "__main__":
    config.main(main)
