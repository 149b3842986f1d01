"""Which Lean and Mathlib a server checks with: recorded with every evaluation.

lean_server.py reads its project (lean-toolchain, lake-manifest.json); of Kimina Lean Server only
Lean's own version can be asked for, through `#eval`.

Try it: curl -s http://localhost:8000/health
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

QUESTION = "import Mathlib\n#eval Lean.versionString"


def of_project(folder: Path, repl: Sequence[str]) -> dict[str, str | None]:
    """{lean, mathlib}: toolchain and Mathlib's revision of a Lake project; null where unknown.

    repl: the command that answers; minilean is its own Lean and has no Mathlib.
    """
    if "minilean" in repl:
        return {"lean": "minilean", "mathlib": None}
    return {"lean": _text(folder / "lean-toolchain"), "mathlib": _mathlib(folder)}


def of_answer(result: dict) -> str | None:
    """Lean's version in a Kimina result for QUESTION; None where it does not say."""
    messages = (result.get("response") or {}).get("messages") or ()
    found = [re.fullmatch(r'"(\d+\.\d+\.\d+\S*)"', str(m.get("data")).strip()) for m in messages]
    return next((match.group(1) for match in found if match), None)


def _mathlib(folder: Path) -> str | None:
    manifest = json.loads(_text(folder / "lake-manifest.json") or "{}")
    packages = manifest.get("packages") or ()
    return next((p.get("rev") for p in packages if p.get("name") == "mathlib"), None)


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None
