"""The theorems of configs/local.yaml, kept in examples/families.jsonl once they were found.

Finding them (random statements, shortest proofs, screening by scripts) takes minutes; reading them
takes none, and pins what runs are evaluated on. What is kept are statements and proofs; minilean
steps and checks every proof again wherever they are used. families.recipe.json beside the file
holds the recipe (of settings and sources of the generator) and the file's hash: where either
differs the file is not used. `python -m local.families --config configs/local.yaml --keep`
searches anew and rewrites both.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from coprover.config import ROOT
from coprover.prompts import prompt_text
from coprover.records import read_jsonl, write_jsonl_atomic, write_text_atomic

log = logging.getLogger("families")
FOUND = ROOT / "examples" / "families.jsonl"
HEADER = "import Mathlib\n\n"
KEPT = ("name", "family", "depth", "split", "holdout", "statement", "proof")


def file_hash(path: Path) -> str:
    """16 hex digits over a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def full_row(name: str, statement: str, **rest) -> dict:
    """A dataset row: the Lean text and the prompt of a statement that ends in `:= by`."""
    text = HEADER + statement
    return {"name": name, "formal_statement": text, "prompt": prompt_text(text), **rest}


def keep(rows: list[dict], recipe: str, path: Path = FOUND) -> None:
    """Writes rows in their short form, the recipe last: without it the file is not used."""
    _recipe_file(path).unlink(missing_ok=True)
    short = ({**row, "statement": row["formal_statement"].removeprefix(HEADER)} for row in rows)
    write_jsonl_atomic(path, [{key: row[key] for key in KEPT} for row in short])
    facts = {"recipe": recipe, "file": file_hash(path)}
    write_text_atomic(_recipe_file(path), json.dumps(facts) + "\n")
    log.info("%d theorems kept in %s", len(rows), path)


def load(recipe: str, path: Path = FOUND) -> list[dict] | None:
    """The rows kept under this recipe, without `states`; None if there are none."""
    try:
        known = json.loads(_recipe_file(path).read_text(encoding="utf-8"))
        present = {"recipe": recipe, "file": file_hash(path)}
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if known != present:
        log.info("%s is not of this recipe or was changed (%s, not %s): searching for theorems",
                 path, known, present)
        return None
    log.info("theorems from %s (recipe %s); every proof is checked", path, recipe)
    return [full_row(**row) for row in read_jsonl(path)]


def _recipe_file(path: Path) -> Path:
    return path.with_suffix(".recipe.json")
