"""What the SLIME that is installed makes of a command line: its own parse_args(), no job.

The committed table (coprover/slime_flags.py) is of one commit; the container may hold another.
SLIME drops what it does not know, so each flag given is looked for in the parsed result. What SLIME
itself refuses (checkpoint against architecture, sizes that do not divide) ends the program here,
before Ray starts, instead of in the job.

Run (in the container): PYTHONPATH=/root/slime:/root/Megatron-LM:. \\
    python3 -m coprover.slime_installed FILE    # one argument a line: coprover.slime_args grpo
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from coprover import config
from coprover.config import ConfigError

RENAMED = {  # Megatron keeps these under another name
    "no_rope_fusion": "apply_rope_fusion", "disable_bias_linear": "add_bias_linear",
    "norm_epsilon": "layernorm_epsilon",
    "disable_compute_advantages_and_returns": "compute_advantages_and_returns"}


def lost_flags(given: Sequence[str], parsed: Mapping[str, object]) -> list[str]:
    """The flags among the arguments that left nothing behind in the parsed namespace."""
    flags = [word.partition("=")[0] for word in given if word.startswith("--")]
    names = {flag: flag[2:].replace("-", "_") for flag in flags}
    return [flag for flag in flags if RENAMED.get(names[flag], names[flag]) not in parsed]


def check(given: Sequence[str]) -> int:
    """Parses with the SLIME on sys.path; returns the number of flags. Raises ConfigError."""
    sys.argv = ["train.py", *given]
    try:
        from slime.utils.arguments import parse_args
    except ImportError as error:
        raise ConfigError(f"SLIME cannot be imported ({error}); run this in its container (bash "
                          "run_docker.sh) and correct grpo.slime.root and .megatron") from error
    lost = lost_flags(given, vars(parse_args()))
    if lost:
        raise ConfigError(f"the SLIME installed here does not know {', '.join(lost)} and would "
                          "drop it silently; install the SLIME of coprover/slime_flags.json, or "
                          "take the flag out of the configuration")
    return sum(word.startswith("--") for word in given)


def main() -> int:
    """Checks the file named on the command line."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    count = check(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    print(f"SLIME's own parser takes all {count} flags")
    return 0


if __name__ == "__main__":
    config.main(main)
