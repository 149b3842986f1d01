"""Theorem files -> prompt files for SLIME (`{prompt, label, metadata}`, one JSON object a line).

SLIME hands `metadata` to the hooks as `sample.metadata` untouched: it is the theorem's own row,
from which `theorem_of` rebuilds it. SLIME prints and skips broken lines, so the file is checked
here. Run: python -m coprover.slime_data data/minif2f_valid.jsonl prompts.jsonl
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

from coprover import config, prompts
from coprover.config import InputError
from coprover.records import Theorem, load_theorems, write_jsonl_atomic


def prompt_row(theorem: Theorem) -> dict:
    """Returns the row of one theorem for GRPO."""
    known = {"name": theorem.name, "formal_statement": theorem.formal_statement,
             "prompt": theorem.prompt, "split": theorem.split, "family": theorem.family,
             "depth": theorem.depth}  # fmt: skip
    metadata = {key: value for key, value in known.items() if value is not None}
    return {"prompt": prompts.whole_proof(theorem), "label": theorem.name, "metadata": metadata}


def theorem_of(metadata: Mapping) -> Theorem:
    """Returns the theorem of a SLIME sample's metadata. Raises InputError if it holds none."""
    try:
        name, statement = metadata["name"], metadata["formal_statement"]
    except KeyError as error:
        raise InputError(f"the sample's metadata has no {error}; make the prompt file with "
                         "python -m coprover.slime_data") from None  # fmt: skip
    return Theorem(name, statement, metadata.get("prompt"), metadata.get("split"),
                   metadata.get("family"), metadata.get("depth"))  # fmt: skip


def write_prompts(theorems: Iterable[Theorem], path: str | Path) -> int:
    """Writes the prompt file of the theorems and returns their number."""
    rows = [prompt_row(theorem) for theorem in theorems]
    write_jsonl_atomic(path, rows)
    return len(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("theorems", help="JSONL of theorems")
    parser.add_argument("output", help="JSONL for --prompt-data")
    options = parser.parse_args()
    count = write_prompts(load_theorems(options.theorems), options.output)
    print(f"{count} prompts -> {options.output}")
    return 0


if __name__ == "__main__":
    config.main(main)
