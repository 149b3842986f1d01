"""One configuration for every script: three base YAMLs, overlays, command line.

The base files in `configs/` (node defaults) are always merged and are the schema: an overlay
(`--config configs/local.yaml`) or `--set key=value` may change a key but never invent one, and the
error for an unknown key names the nearest known one. Order: base < overlays < `--set` < flags.
Try: `python evaluate.py --print-config`.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from coprover.errors import ConfigError, InputError

ROOT = Path(__file__).resolve().parent.parent
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # also a quota, also ulimit -f
Flag = str | tuple[str, str] | tuple[str, str, str]  # key[, help[, the value it stands for]]
BASE_FILES = ("co_training.yaml", "generator_grpo.yaml", "value_model_sft.yaml")


def load(overlays: Iterable[str | Path] = (), sets: Iterable[str] = ()) -> DictConfig:
    """Returns the merged, read-only configuration.

    Raises ConfigError for a missing or malformed file, an unknown key, or a value of another kind
    than the base's (a number for a mapping, text for a number, …).
    """
    cfg = OmegaConf.merge(*(_read(ROOT / "configs" / name) for name in BASE_FILES))
    for path in overlays:
        cfg = _overlay(cfg, _read(Path(path)), str(path))
    for item in sets:
        cfg = _overlay(cfg, _parse_set(item), f"--set {item}")
    try:
        OmegaConf.resolve(cfg)
    except OmegaConfBaseException as error:
        raise ConfigError(f"configuration does not resolve: {error}") from error
    OmegaConf.set_readonly(cfg, True)
    return cfg


def save(cfg: DictConfig, path: str | Path) -> None:
    """Writes the resolved configuration as YAML, atomically; `--config` reads it back."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(OmegaConf.to_yaml(cfg, resolve=True), encoding="utf-8")
    os.replace(temporary, path)


def make_parser(doc: str, flags: Mapping[str, Flag]) -> argparse.ArgumentParser:
    """Returns the parser every script shares; `flags` maps `--flag` to a key, (key, help), or
    (key, help, value) for a flag that takes no value and gives the key that one."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", nargs="+", action="extend", default=[], metavar="FILE",
        help="overlay YAML files, later ones win (the base files in configs/ always apply)",
    )  # fmt: skip
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", dest="sets",
        help="override single keys, e.g. --set search.budget=64",
    )  # fmt: skip
    parser.add_argument(
        "--print-config", action="store_true", help="print the resolved configuration and stop"
    )
    for flag, spec in flags.items():
        key, text, *value = spec if isinstance(spec, tuple) else (spec, "")
        how = {"action": "store_const", "const": value[0]} if value else {"metavar": "VALUE"}
        parser.add_argument(flag, dest=f"flag:{key}", default=None,
                            help=f"{text} [{key}]".strip(), **how)  # fmt: skip
    return parser


def from_cli(
    doc: str,
    flags: Mapping[str, Flag] | None = None,
    argv: list[str] | None = None,
) -> DictConfig:
    """Parses the command line of a script and returns its configuration (see `make_parser`)."""
    namespace = vars(make_parser(doc, flags or {}).parse_args(argv))
    sets = list(namespace["sets"])
    for dest, value in namespace.items():
        if dest.startswith("flag:") and value is not None:
            sets.append(f"{dest.removeprefix('flag:')}={value}")
    cfg = load(namespace["config"], sets)
    if namespace["print_config"]:
        print(OmegaConf.to_yaml(cfg))
        raise SystemExit(0)
    return cfg


def main(function: Callable[[], int | None]) -> None:
    """Runs a script's main: expected errors and a full disk become one line and exit status 2."""
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(), stream=sys.stderr,
        format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S",
    )  # fmt: skip
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        raise SystemExit(function() or 0)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        print(f"error: a file cannot be written: {error}; free space where the outputs go (df -h), "
              "then run the same command again", file=sys.stderr)  # fmt: skip
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def _read(path: Path) -> DictConfig:
    try:
        loaded = OmegaConf.load(path)
    except FileNotFoundError:
        raise ConfigError(f"no configuration file {path}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(loaded, DictConfig):
        raise ConfigError(f"{path} must hold a mapping of keys, not a {type(loaded).__name__}")
    return loaded


def _parse_set(item: str) -> DictConfig:
    key, equals, _ = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set wants KEY=VALUE, got {item!r}")
    try:
        return OmegaConf.from_dotlist([item])
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"--set {item}: not a YAML value ({error})") from error


def _overlay(base: DictConfig, top: DictConfig, origin: str) -> DictConfig:
    _check(base, top, base, origin, "")
    try:
        return OmegaConf.merge(base, top)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{origin}: {error}") from error


def _check(base: DictConfig, top: DictConfig, root: DictConfig, origin: str, prefix: str) -> None:
    for key in top:
        path = f"{prefix}{key}"
        if key not in base:
            raise ConfigError(f"{origin}: unknown key {path!r}; {_nearest(path, root)}")
        known = OmegaConf.select(base, str(key), throw_on_resolution_failure=False)
        given = OmegaConf.select(top, str(key), throw_on_resolution_failure=False)
        if isinstance(known, DictConfig) and len(known) and isinstance(given, DictConfig):
            _check(known, given, root, origin, f"{path}.")
        else:
            _check_kind(known, given, path, origin)


def _check_kind(known: object, given: object, path: str, origin: str) -> None:
    if known is None or given is None or (isinstance(given, str) and "${" in given):
        return
    kinds = (DictConfig, ListConfig, bool, (int, float), str)
    for kind in kinds:
        if isinstance(known, kind):
            ok = isinstance(given, kind) and (kind is bool or not isinstance(given, bool))
            if kind is str and not isinstance(given, (DictConfig, ListConfig)):
                ok = True  # YAML reads an unquoted version or id as a number
            if isinstance(known, int) and not isinstance(known, bool) and isinstance(given, float):
                ok = given.is_integer() or False
            if not ok:
                raise ConfigError(
                    f"{origin}: {path} wants a value like {known!r}, got {given!r}"
                )
            return


def _nearest(path: str, root: DictConfig) -> str:
    known = list(_all_keys(root, ""))
    close = difflib.get_close_matches(path, known, n=1, cutoff=0.0)
    same_leaf = [k for k in known if k.split(".")[-1] == path.split(".")[-1]]
    return f"did you mean {(same_leaf or close)[0]!r}?"


def _all_keys(node: DictConfig, prefix: str) -> Iterable[str]:
    for key in node:
        yield f"{prefix}{key}"
        child = OmegaConf.select(node, str(key), throw_on_resolution_failure=False)
        if isinstance(child, DictConfig):
            yield from _all_keys(child, f"{prefix}{key}.")
