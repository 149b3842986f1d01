"""Benchmarks and prompt sets -> theorem files (`name`, `formal_statement`, `prompt`, one a line).

Downloads with the `datasets` library, or reads a local JSONL, JSON or parquet file (--from).
Statements are normalised and de-duplicated; those of --exclude files are left out (a training set
must not hold benchmark statements) and the counts are printed.

  python prepare_minif2f.py minif2f --output data/minif2f_test.jsonl
  python prepare_minif2f.py promptset --exclude data/minif2f_test.jsonl --hold-out data/valid.jsonl
  python prepare_minif2f.py minif2f --from minif2f.jsonl --split valid --output data/valid.jsonl
  python prepare_minif2f.py workbook --exclude data/minif2f_test.jsonl
  python prepare_minif2f.py putnambench --from putnambench.jsonl --output data/putnambench.jsonl
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from coprover import config
from coprover.config import InputError
from coprover.datasets_io import hold_out, theorem_rows, without
from coprover.records import load_theorems, read_jsonl, write_jsonl_atomic

# name -> (Hugging Face dataset, its file where it holds several sets, default output); all are
# one split, `train`; PutnamBench is read from a file
SOURCES = {
    "minif2f": ("AI-MO/minif2f_test", None, "data/minif2f_test.jsonl"),
    "promptset": ("AI-MO/Kimina-Prover-Promptset", None, "data/kimina_promptset.jsonl"),
    "workbook": ("internlm/Lean-Workbook", "lean_workbook.json", "data/lean_workbook.jsonl"),
    "putnambench": (None, None, "data/putnambench.jsonl"),
}
HELD_OUT = 244  # as many as miniF2F's validation set


def read_rows(path: Path) -> Iterator[Mapping]:
    """Yields the rows of a JSONL, JSON or parquet file. Raises InputError for anything else."""
    if path.suffix == ".jsonl":
        yield from read_jsonl(path)
        return
    if path.suffix not in (".json", ".parquet"):
        raise InputError(f"{path}: .jsonl, .json or .parquet is wanted")
    if not path.exists():
        raise InputError(f"no file {path}")
    from datasets import load_dataset

    kind = path.suffix.removeprefix(".")
    yield from load_dataset(kind, data_files=str(path), split="train")


def download_rows(name: str, file: str | None) -> Iterator[Mapping]:
    """Yields the rows of a Hugging Face dataset. Raises InputError when it cannot be had."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    try:
        yield from load_dataset(name, data_files=file, split="train")
    except (ConnectionError, OSError, DatasetNotFoundError, ValueError) as error:
        raise InputError(f"cannot load {name} ({type(error).__name__}: {error}); check the network "
                         "or give a local copy with --from FILE") from error  # fmt: skip


def prepare(rows: Iterator[Mapping], options: argparse.Namespace) -> list[str]:
    """Writes the theorem files and returns lines that say what went where."""
    theorems, counts = theorem_rows(rows, options.dataset)
    if options.split:
        theorems = [row for row in theorems if row.get("split") == options.split]
        if not theorems:
            raise InputError(f"no row has split={options.split!r}")
    lines = [f"{counts['rows']} rows, {counts['duplicate']} duplicate statements, "
             f"{counts['unposable']} unposable"]  # fmt: skip
    for path in options.exclude:
        before = len(theorems)
        theorems = without(theorems, read_jsonl(path, required=["formal_statement"]))
        lines.append(f"{before - len(theorems)} statements left out: they are in {path}")
    if options.hold_out:
        theorems, aside = hold_out(theorems, options.hold_out_n, options.seed)
        aside = [row | {"split": "valid"} for row in aside]
        write_jsonl_atomic(options.hold_out, aside)
        lines.append(f"{len(load_theorems(options.hold_out))} held out -> {options.hold_out}")
    output = options.output or SOURCES[options.dataset][2]
    write_jsonl_atomic(output, theorems)
    given = sum(row.get("answer") == "given" for row in theorems)
    note = f" ({given} with the answer given)" if given else ""
    lines.append(f"{len(load_theorems(output))} theorems -> {output}{note}")
    return lines


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", nargs="?", default="minif2f", choices=sorted(SOURCES))
    parser.add_argument("--from", dest="source", type=Path, help="local file instead of a download")
    parser.add_argument("--split", help="keep the rows of this split only")
    parser.add_argument("--output", type=Path, help="JSONL to write (default under data/)")
    parser.add_argument("--exclude", type=Path, nargs="+", action="extend", default=[],
                        metavar="FILE",
                        help="theorem files whose statements are left out")  # fmt: skip
    parser.add_argument("--hold-out", type=Path, metavar="FILE",
                        help="set rows aside as a validation set")  # fmt: skip
    parser.add_argument("--hold-out-n", type=int, default=HELD_OUT, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the rows set aside")
    options = parser.parse_args(argv)
    name, file, _ = SOURCES[options.dataset]
    if options.source is None and name is None:
        raise InputError(f"{options.dataset} is not downloaded; give its file with --from")
    rows = read_rows(options.source) if options.source else download_rows(name, file)
    print("\n".join(prepare(rows, options)))
    return 0


if __name__ == "__main__":
    config.main(main)
