"""The table of SLIME's flags and the check of an argument list against it.

`slime_flags.json` holds names and kinds of every flag of SLIME 0.3.1 with the Megatron-LM and the
SGLang it pins, produced by running their argparse builders (the commits stand in the file). SLIME
drops unknown flags silently, value and all; here they are errors that name the nearest known one.
Run: python -m coprover.slime_flags --rollout-batch-size 64 --eps-clip-hgh 0.28
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from coprover import config
from coprover.config import ConfigError

SERVERS = ("sglang.launch_server", "sglang_router.launch_server")  # the second: router + workers
SLIMES_OWN = ("--sglang-router-", "--sglang-server-concurrency")  # no flags of SGLang's server


def check_flags(args: Iterable[str], origin: str) -> None:
    """Raises ConfigError unless every flag is known, given once and has values of its kind."""
    table, kinds = flag_table(), flag_kinds()
    seen: set[str] = set()
    for flag, values in grouped(list(args), origin):
        if flag not in kinds or flag in table["set_by_slime"]:
            raise ConfigError(f"{origin}: {_why_unknown(flag)}")
        if flag in seen and flag != "--rollout-sample-hook-path":
            raise ConfigError(f"{origin}: {flag} is given twice; state each setting once")
        seen.add(flag)
        _check_values(flag, kinds[flag], values, table["choices"].get(flag), origin)
    missing = [flag for flag in table["required"] if flag not in seen]
    if missing:
        raise ConfigError(f"{origin}: SLIME requires {missing[0]}")


def check_sglang(words: Iterable[str], origin: str) -> None:
    """Raises ConfigError unless the flags of a command that starts SGLang are known to it.

    Commands are `… sglang.launch_server …` and `… sglang_router.launch_server …`, which takes the
    same flags and its router's, `--router-<name>`. The table holds SGLang's flags as SLIME passes
    them on, `--sglang-<name>`, and by name those that SLIME sets itself and the router's; the
    values of the last two are not checked. Other commands pass.
    """
    words = list(words)
    server = next((word for word in words if word in SERVERS), None)
    if server is None:
        return
    table, kinds = flag_table(), flag_kinds()
    known = {"--" + flag.removeprefix("--sglang-") for flag in [*kinds, *table["set_by_slime"]]
             if flag.startswith("--sglang-") and not flag.startswith(SLIMES_OWN)}  # fmt: skip
    if server == SERVERS[1]:
        known |= set(table["router_flags"])
    seen: set[str] = set()
    for flag, values in grouped(words[words.index(server) + 1 :], origin):
        if flag not in known:
            near = difflib.get_close_matches(flag, sorted(known), n=1, cutoff=0.0)[0]
            raise ConfigError(f"{origin}: unknown flag {flag} of SGLang {table['sglang']}; did you "
                              f"mean {near}?")  # fmt: skip
        if flag in seen:
            raise ConfigError(f"{origin}: {flag} is given twice; state each setting once")
        seen.add(flag)
        passed = "--sglang-" + flag.removeprefix("--")
        if passed in kinds:
            _check_values(flag, kinds[passed], values, table["choices"].get(passed), origin)


@cache
def flag_table() -> dict:
    """Returns the committed table of flags (see docs/node.md for what it holds)."""
    return json.loads((Path(__file__).with_name("slime_flags.json")).read_text("utf-8"))


@cache
def flag_kinds() -> dict[str, str]:
    """Returns flag -> none | int | float | json | text | many."""
    return {flag: kind for kind, flags in flag_table()["kinds"].items() for flag in flags}


def grouped(args: list[str], origin: str) -> list[tuple[str, list[str]]]:
    """[--a, 1, --b, --c=2] -> [(--a, [1]), (--b, []), (--c, [2])]; negative numbers are values."""
    groups: list[tuple[str, list[str]]] = []
    for arg in args:
        if arg.startswith("--"):
            flag, equals, value = arg.partition("=")
            groups.append((flag, [value] if equals else []))
        elif not groups:
            raise ConfigError(f"{origin}: {arg!r} stands before any flag")
        else:
            groups[-1][1].append(arg)
    return groups


def _check_values(flag: str, kind: str, values: list[str], choices: list | None, origin: str):
    if kind != "many" and len(values) != (kind != "none"):
        want = "no value" if kind == "none" else "one value"
        raise ConfigError(f"{origin}: {flag} takes {want}, got {values}")
    try:
        for value in values:
            {"int": int, "float": float, "json": json.loads}.get(kind, str)(value)
    except ValueError:
        raise ConfigError(f"{origin}: {flag} wants a value of kind {kind}, got {values}") from None
    if choices and values[0] not in choices:
        raise ConfigError(f"{origin}: {flag} must be one of {', '.join(choices)}, not {values[0]}")


def _why_unknown(flag: str) -> str:
    table = flag_table()
    if flag in table["removed"]:
        return f"{flag} was removed from SLIME ({table['removed'][flag]})"
    if flag in table["megatron_main_only"]:
        return f"{flag} exists on Megatron's main branch only, not in the one SLIME pins"
    if flag in table["set_by_slime"]:
        return f"{flag} is set by SLIME itself and cannot be passed"
    near = difflib.get_close_matches(flag, list(flag_kinds()), n=1, cutoff=0.0)[0]
    return f"unknown flag {flag} (SLIME would drop it silently); did you mean {near}?"


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        print(__doc__)
    else:
        config.main(lambda: check_flags(sys.argv[1:], "command line"))
