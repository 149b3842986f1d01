"""Looks for everything a run needs before time is spent, and names all that is missing at once.

Prints one line for each thing: ok, warning or missing, what, and what was found or the remedy. Ends
with status 1 if anything is missing. What is looked at follows from the configuration: Docker,
images, GPUs and models where SLIME trains; Python packages, theorems, disk, memory, ports always.
This module needs the standard library only, so that it can say what else Python lacks; the checks
themselves are in coprover/checks.py.

Run: make preflight    or: python -m coprover.preflight --config configs/local.yaml
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASE = ("omegaconf", "pyyaml", "psutil")  # what the host of a node needs: configuration, servers
OF_IMAGE = ("ray", "sglang")  # what SLIME's image brings beside the packages of requirements.txt
SETUP = "make setup (installs requirements-dev.txt into .venv)"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. status: ok | warning | missing; `remedy` is what was found when ok."""

    status: str
    what: str
    remedy: str


def main(argv: list[str] | None = None) -> int:
    """Prints the table; returns 1 if something is missing, else 0."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["--inside"]:
        print("\n".join(missing_inside(argv[1:])))
        return 0
    findings = [package for package in packages(BASE) if package.status == "missing"]
    if findings:
        rest = Finding("warning", "everything else", "not looked at: without these packages the "
                       "configuration cannot be read")  # fmt: skip
        return show([*findings, rest])
    from coprover import checks, config
    from coprover.plan import FLAGS  # co_train.sh passes its arguments on

    return show(checks.findings(config.from_cli(__doc__, FLAGS, argv)))


def show(findings: Iterable[Finding]) -> int:
    """Prints the findings as a table and returns the exit status."""
    findings = list(findings)
    width = max((len(f.what) for f in findings), default=0)
    print(f"{'status':8} {'what':{width}}  found, or remedy")
    for finding in findings:
        print(f"{finding.status:8} {finding.what:{width}}  {finding.remedy}")
    count = {s: sum(f.status == s for f in findings) for s in ("ok", "warning", "missing")}
    print("preflight: " + ", ".join(f"{n} {status}" for status, n in count.items()))
    return 1 if count["missing"] else 0


def packages(requirements: Iterable[str]) -> list[Finding]:
    """Returns a finding for each requirement (`name`, `name>=1.2`, …) of this Python.

    Versions are compared where the package `packaging` is there to do it.
    """
    return [_package(line) for line in requirements]


def requirements() -> list[str]:
    """Returns the lines of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-"))]


def missing_inside(paths: Iterable[str]) -> list[str]:
    """Returns the packages and paths that are missing here; called inside SLIME's image.

    Names only: the image has versions of its own (numpy 1.26), which SLIME asks for.
    """
    names = [*(_name(line) for line in requirements()), *OF_IMAGE]
    absent = [name for name in names if packages([name])[0].status == "missing"]
    return [*absent, *(path for path in paths if not Path(path).exists())]


def _package(line: str) -> Finding:
    name = _name(line)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding("missing", f"package {name}", SETUP)
    if importlib.util.find_spec("packaging"):
        from packaging.requirements import Requirement

        wanted = Requirement(line).specifier
        if not wanted.contains(version, prereleases=True):
            text = f"version {version} is here; {SETUP}"
            return Finding("missing", f"package {name}{wanted}", text)
    return Finding("ok", f"package {name}", version)


def _name(line: str) -> str:
    return re.match(r"[\w.-]+", line).group()


if __name__ == "__main__":
    if [package for package in packages(BASE) if package.status == "missing"]:
        raise SystemExit(main())
    from coprover import config

    config.main(main)
