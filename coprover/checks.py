"""What coprover.preflight looks at on this machine; every check reports, none stops the others.

Checks that scripts make anyway are called here, not repeated: theorem files (coprover/records.py),
ports (coprover/services.py), Kimina (coprover/containers.py), weights (coprover/checkpoints.py),
SLIME's arguments against the checkpoint (coprover/slime_args.py), the container (run_docker.sh).
What the sizes are compared with is in coprover/hardware.py.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from omegaconf import DictConfig, OmegaConf

from coprover import checkpoints, containers, hardware, preflight, services, slime_args
from coprover.config import ROOT, ConfigError, InputError
from coprover.preflight import Finding
from coprover.records import load_theorems

GB = hardware.GB
CONTAINER_S = 300.0  # time-out of a command in the SLIME container
USED_GB = 2.0  # GPU memory in use above which somebody else is at work
KIMINA_LIMIT_GB = 8.6  # its image's limit of a REPL, 8 GiB
KIMINA_GB = 2.0  # of a REPL in use: 31 GB for 16 were seen (kimina-lean-server issue 25)
MODELS = "bash prepare_all.sh --models (HF_TOKEN for Llama), or correct the key"
IMAGE = ("name an image that has it in DOCKER_IMAGE (a Dockerfile: FROM slimerl/slime:latest, RUN "
         "pip install …), or correct grpo.slime.root, grpo.slime.megatron")  # fmt: skip
DAEMON = ("start the daemon (systemctl start docker) or let this user talk to it "
          "(usermod -aG docker USER)")  # fmt: skip


@dataclass(frozen=True)
class Gpu:
    """A GPU as nvidia-smi sees it; bytes of memory."""

    total: float
    used: float


def findings(cfg: DictConfig) -> Iterator[Finding]:
    """Yields a finding for everything that the configuration needs here; a check that the
    configuration's own error ends becomes a finding with its message."""
    slime = uses_slime(cfg)
    inside = slime and (Path(cfg.grpo.slime.root) / cfg.grpo.slime.train_script).is_file()
    command = _docker_command() if slime and not inside else []
    docker = False
    if command:
        cfg = _on_host(cfg, command)
    if command or _starts_kimina(cfg):
        daemon = docker_daemon()
        yield daemon
        docker = daemon.status == "ok"
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("images", lambda: images(cfg, docker, command[-2:-1])),
        ("GPUs", lambda: gpus(cfg) if slime else ()),
        ("container", lambda: container(cfg, docker, command[-2]) if command else ()),
        ("packages", lambda: packages(cfg, inside) if inside or not slime else ()),
        ("models", lambda: models(cfg)),
        ("Lean cores", lambda: [lean_cores(cfg)] if slime else ()),
        ("theorems", lambda: theorems(cfg)),
        ("disk", lambda: [disk(cfg)]),
        ("memory", lambda: [memory(cfg)]),
        ("servers", lambda: [_server(cfg, name, docker) for name in services.NAMES]),
    ]
    for what, check in checks:
        try:
            yield from check()
        except InputError as error:
            yield Finding("missing", what, str(error))


def uses_slime(cfg: DictConfig) -> bool:
    """Whether the generator is trained by SLIME in its container."""
    return "train_step_grpo.sh" in cfg.grpo.command


def docker_daemon() -> Finding:
    """Docker on PATH, its daemon reachable."""
    if not shutil.which("docker"):
        return Finding("missing", "docker", "install Docker and the NVIDIA container toolkit")
    done = _run("docker", "info", "--format", "{{.ServerVersion}}")
    if done.returncode:
        return Finding("missing", "Docker daemon", f"{DAEMON}: {_last(done)}")
    return Finding("ok", "Docker daemon", done.stdout.strip())


def images(cfg: DictConfig, docker: bool, names: list[str]) -> Iterator[Finding]:
    """The images `names` and Kimina's."""
    kimina = [cfg.servers.lean.start[-1]] if _starts_kimina(cfg) else []
    for name in names + kimina:
        what, pull = f"image {name}", f"docker pull {name}"
        if not docker:
            yield Finding("warning", what, f"not looked at without Docker: {pull}")
        elif _run("docker", "image", "inspect", name).returncode:
            yield Finding("missing", what, pull)
        else:
            yield Finding("ok", what, "is here")


def gpus(cfg: DictConfig) -> Iterator[Finding]:
    """Number, size and idleness of the GPUs against the layout and hardware.training_gb."""
    found = read_gpus()
    slime = cfg.grpo.slime
    if isinstance(found, str):
        yield Finding("missing", "NVIDIA GPUs", f"{found}; install the NVIDIA driver, or use a "
                      "machine with GPUs")  # fmt: skip
        return
    smallest = min(gpu.total for gpu in found)
    layout = hardware.layout_of(cfg, hardware.Assumptions(gpu_gb=smallest / GB))
    need = min(layout.gpus, slime.gpus_per_node)
    status = "ok" if len(found) >= need else "missing"
    yield Finding(status, f"{need} GPUs", f"{len(found)} here" if status == "ok" else
                  f"{len(found)} here; lower grpo.slime.actor_gpus_per_node and rollout_gpus, or "
                  "share: grpo.slime.colocate=true (docs/node.md)")  # fmt: skip
    arch = hardware.generator_architecture(cfg)
    want = hardware.training_gb(arch, cfg, layout, hardware.Assumptions())
    cache = hardware.kv_tokens(arch, cfg, layout)
    text = f"{smallest / GB:.0f} GB each; training takes {want:.0f}, the cache has {cache:,} tokens"
    fits = want * GB <= smallest and cache >= cfg.grpo.max_new_tokens
    yield Finding("ok" if fits else "missing", "GPU memory", text if fits else
                  f"{text}; python -m coprover.sizing shows what fits")  # fmt: skip
    busy = [f"{i} ({gpu.used / GB:.0f} GB)" for i, gpu in enumerate(found)
            if gpu.used > USED_GB * GB]  # fmt: skip
    if busy:
        yield Finding("warning", "idle GPUs", f"memory in use on {', '.join(busy)}; nvidia-smi "
                      "names the processes")  # fmt: skip
    yield from _served(cfg, len(found))


def read_gpus() -> list[Gpu] | str:
    """Returns the GPUs, or why there is none."""
    if not shutil.which("nvidia-smi"):
        return "nvidia-smi is not on PATH"
    query = "--query-gpu=memory.total,memory.used"
    done = _run("nvidia-smi", query, "--format=csv,noheader,nounits")
    if done.returncode or not done.stdout.strip():
        return f"nvidia-smi lists none: {_last(done)}"
    rows = [line.split(",") for line in done.stdout.strip().splitlines()]
    try:
        return [Gpu(*(float(mib) * 2**20 for mib in row)) for row in rows]
    except ValueError:
        return f"nvidia-smi does not say how much memory they have: {rows[0]}"


def container(cfg: DictConfig, docker: bool, image: str) -> Iterator[Finding]:
    """GPUs, Python packages, SLIME and Megatron-LM in the container that run_docker.sh starts."""
    what = "GPUs in the container"
    if not docker or _run("docker", "image", "inspect", image).returncode:
        yield Finding("warning", what, "not looked at without Docker and the image")
        return
    done = _run("bash", "run_docker.sh", "nvidia-smi", "-L")
    if done.returncode:
        yield Finding("missing", what, "install the NVIDIA container toolkit (nvidia-ctk runtime "
                      f"configure --runtime=docker, restart Docker): {_last(done)}")  # fmt: skip
        return
    yield Finding("ok", what, f"{len(done.stdout.splitlines())} listed")
    slime = cfg.grpo.slime
    done = _run("bash", "run_docker.sh", "python3", "-m", "coprover.preflight", "--inside",
                f"{slime.root}/{slime.train_script}", slime.megatron)  # fmt: skip
    if done.returncode:
        yield Finding("missing", "Python in the container", f"correct DOCKER_IMAGE: {_last(done)}")
        return
    absent = done.stdout.split()  # names and paths, one a line
    for name in absent:
        yield Finding("missing", f"{name} in the container", IMAGE)
    if not absent:
        yield Finding("ok", "packages and SLIME in the container", "all")


def packages(cfg: DictConfig, inside: bool) -> Iterator[Finding]:
    """Python packages here: inside SLIME's image by name, else as requirements.txt says."""
    if inside:
        absent = preflight.missing_inside([cfg.grpo.slime.megatron])
        bad = [Finding("missing", name, IMAGE) for name in absent]
    else:
        found = preflight.packages(preflight.requirements())
        bad = [package for package in found if package.status != "ok"]
    yield from bad or [Finding("ok", "Python packages", "all")]


def models(cfg: DictConfig) -> Iterator[Finding]:
    """The checkpoints of round 0, and SLIME's arguments against them."""
    if cfg.warm_start.enabled:  # makes them
        return
    yield _checkpoint("models.generator", cfg.models.generator)
    yield _arguments(cfg, "grpo")
    if not cfg.value.init_from_generator:
        yield _checkpoint("models.value", cfg.models.value)
        value = _arguments(cfg, "value")
        if value.status == "missing" and "train_value_slime.sh" not in cfg.value.command:
            value = Finding("warning", value.what, f"{value.remedy} (train_value_slime.sh only)")
        yield value


def theorems(cfg: DictConfig) -> Iterator[Finding]:
    """The theorem files; what does not exist is made by the first phase."""
    for key in ("train", "valid", "test"):
        path, what = Path(cfg.theorems[key]), f"theorems.{key}"
        if not path.exists():
            command = shlex.join(map(str, cfg.theorems.prepare))
            yield Finding("warning", what, f"no {path} yet; the first phase makes it ({command})")
            continue
        try:
            yield Finding("ok", what, f"{len(load_theorems(path)):,} in {path}")
        except InputError as error:
            yield Finding("missing", what, f"{error}; correct it, or delete it: it is made again")


def disk(cfg: DictConfig) -> Finding:
    """Free disk under run.dir for the rounds that are not done."""
    folder = Path(cfg.run.dir).absolute()
    done = sum((folder / f"round_{n}" / "generator" / "config.json").is_file()
               for n in range(1, cfg.run.rounds + 1))  # fmt: skip
    left = cfg.run.rounds - done
    need = left * sum(hardware.disk_round_gb(cfg).values())
    need += hardware.disk_passing_gb(cfg) if left else 0
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free / GB
    text = f"{free:,.0f} GB free in {place}, {left} rounds take up to {need:,.1f}"
    if free >= need:
        return Finding("ok", "disk", text)
    return Finding("missing", "disk", f"{text}; free some, put run.dir elsewhere, or lower "
                   "run.rounds (what takes it: python -m coprover.sizing)")  # fmt: skip


def memory(cfg: DictConfig) -> Finding:
    """Free memory for the Lean workers."""
    kimina = cfg.servers.lean.daemon == "docker"
    if kimina:
        count, usual, limit = _kimina_workers(cfg), KIMINA_GB, KIMINA_LIMIT_GB
        remedy = "-e, LEAN_SERVER_MAX_REPLS={} in servers.lean.start"
    else:
        count, limit = cfg.lean.server.workers, cfg.lean.server.limit_rss_mb * 2**20 / GB
        usual, remedy = limit, "lean.server.workers={}"
    free = psutil.virtual_memory().available / GB
    text = f"{free:,.0f} GB free; Lean workers: {count}, up to {limit:.1f} GB each"
    if free >= count * limit:
        return Finding("ok", "memory", text)
    fewer = remedy.format(max(1, int(free / limit)))
    status = "warning" if free >= count * usual else "missing"
    return Finding(status, "memory", f"{text}; fewer of them: {fewer}")


def lean_cores(cfg: DictConfig) -> Finding:
    """CPU cores against what keeps up with sampling on the first node."""
    given = hardware.Assumptions()
    layout = hardware.layout_of(cfg, given)
    seconds = hardware.generate_s(
        hardware.generator_architecture(cfg), cfg, layout, given,
        hardware.rollout_samples(cfg), given.mean_tokens, cfg.grpo.max_new_tokens,
    )  # fmt: skip
    need = hardware.rollout_samples(cfg) * given.check_s / seconds / layout.nodes
    here = os.cpu_count() or 1
    text = f"{here} cores; Lean keeps up with sampling from about {need:.0f} on"
    if here >= need:
        return Finding("ok", "Lean cores", text)
    return Finding("warning", "Lean cores", f"{text}; else GPUs wait: more servers in lean.url")


def _server(cfg: DictConfig, name: str, docker: bool) -> Finding:
    """The port of a server that this run starts, free or its own; the health of any other one.

    Ports of the container's servers matter here only on the host's network (DOCKER_NETWORK=host).
    A running Kimina may stay.
    """
    section, what = cfg.servers[name], f"{name} server"
    if not section.start:
        if services.healthy(section):
            return Finding("ok", what, f"answers at {section.url}")
        return Finding("missing", what, f"none answers at {section.url}, and servers.{name}.start "
                       "is empty: start it, or correct the URL")  # fmt: skip
    record = services.read_record(cfg, name)
    if record and (record.container or record.process()):
        owner = f"container {record.container}" if record.container else f"PID {record.pid}"
        return Finding("ok", what, f"this run's own, {owner}")
    try:
        container = services.container_of(section, name)
        if container and docker and containers.require_startable(container):
            return Finding("ok", what, f"container {container} is running")
        services.require_free_port(section.url, name)
    except (ConfigError, containers.DockerError) as error:
        return Finding("missing", what, str(error))
    except services.ServiceError as error:
        inside = uses_slime(cfg) and section.daemon != "docker"
        if inside and os.environ.get("DOCKER_NETWORK", "bridge") != "host":
            return Finding("warning", what, f"{error} (matters with DOCKER_NETWORK=host only)")
        return Finding("missing", what, str(error))
    return Finding("ok", what, f"its port is free: {section.url}")


def _on_host(cfg: DictConfig, command: list[str]) -> DictConfig:
    """The configuration with the container's /workspace replaced by what is mounted there."""
    mounted = next(w.removesuffix(":/workspace") for w in command if w.endswith(":/workspace"))
    here = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))
    for key in ("models.generator", "models.value", "grpo.model", "value.base_model", "run.dir",
                "theorems.train", "theorems.valid", "theorems.test"):  # fmt: skip
        path = str(OmegaConf.select(here, key))
        if path.startswith("/workspace/"):
            OmegaConf.update(here, key, mounted + path.removeprefix("/workspace"))
    return here


def _docker_command() -> list[str]:
    """The docker command of `run_docker.sh true`, as it prints it: the image is its last word but
    one."""
    done = _run("bash", "run_docker.sh", "true", DRY_RUN="1")
    return shlex.split(done.stdout.removeprefix("would run: "))


def _served(cfg: DictConfig, gpus: int) -> Iterator[Finding]:
    words = [str(word) for word in cfg.servers.generator.start]
    size = 1
    for flag in ("--dp-size", "--tp-size"):
        size *= int(words[words.index(flag) + 1]) if flag in words else 1
    if size > gpus:
        yield Finding("missing", "GPUs of the generator server", f"servers.generator.start wants "
                      f"{size}, {gpus} are here; lower --dp-size there")  # fmt: skip


def _checkpoint(key: str, folder: str) -> Finding:
    """A Hugging Face folder with config, weights and tokenizer."""
    path = Path(folder)
    try:
        weights = checkpoints.weight_files(path)
    except checkpoints.CheckpointError as error:
        return Finding("missing", key, f"{error}; {MODELS}")
    if not any((path / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        return Finding("missing", key, f"no tokenizer.json in {path}; {MODELS}")
    return Finding("ok", key, f"{path}, {sum(w.stat().st_size for w in weights) / GB:.1f} GB")


def _arguments(cfg: DictConfig, role: str) -> Finding:
    """SLIME's flags, and the architecture file against the checkpoint's config.json."""
    what = f"SLIME arguments of {role}"
    folder = Path(cfg.grpo.model if role == "grpo" else cfg.value.base_model)
    try:
        slime_args.training_args(cfg, role)
    except InputError as error:
        return Finding("missing", what, str(error))
    except (ValueError, KeyError, TypeError) as error:
        return Finding("missing", what, f"{folder}/config.json is damaged ({error!r}); {MODELS}")
    compared = "as" if (folder / "config.json").is_file() else "not compared with"
    return Finding("ok", what, f"known flags, {compared} the checkpoint")


def _starts_kimina(cfg: DictConfig) -> bool:
    return cfg.servers.lean.daemon == "docker" and bool(cfg.servers.lean.start)


def _kimina_workers(cfg: DictConfig) -> int:
    """REPLs of Kimina: LEAN_SERVER_MAX_REPLS of the command, else its default, cores less one."""
    for word in cfg.servers.lean.start:
        if str(word).startswith("LEAN_SERVER_MAX_REPLS="):
            return int(str(word).partition("=")[2])
    return max(1, (os.cpu_count() or 2) - 1)


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess:
    """A command of the checkout's root, output captured; a time-out reads as a failure."""
    inherited = {key: value for key, value in os.environ.items() if key != "DRY_RUN"}
    try:
        return subprocess.run(
            words, cwd=ROOT, env=inherited | environment, stdin=subprocess.DEVNULL, text=True,
            capture_output=True, timeout=CONTAINER_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"no answer in {CONTAINER_S:.0f} s")


def _last(done: subprocess.CompletedProcess) -> str:
    """The last line of what a command said."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1] if lines else f"status {done.returncode}"
