"""What a stock Lean says of the theorems that minilean verifies: of their exports and statements.

LEAN (or --lean) names the program; any Lean 4 since June 2021 will do, with its Init library where
it looks for it. Every theorem of the corpora that minilean verifies is exported as explicit terms
(`python -m minilean export`) and given to that Lean, which must accept it, kernel and all. Where a
row needs no preamble, Lean also elaborates the row's own statement and must find it equal to the
one that minilean proved; old versions cannot read some of them, which is counted apart. Exit
status 1 if an export is refused or a statement differs.

Run: LEAN=/path/to/lean python -m benchmarks.stock_lean --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from coprover.config import ROOT

HUMAN = ("elementary.jsonl", "lean4_tests_2021.jsonl", "library_std4.jsonl")
FAMILIES = ROOT / "examples" / "families.jsonl"
DIFFERENT = "type mismatch"  # of the statement as minilean understood it with Lean's; any case
TIMEOUT_S = 120


class Case(NamedTuple):
    """A verified theorem: its export, and its statement as Lean and minilean read it ("" if the row
    has a preamble)."""

    corpus: str
    name: str
    export: str
    comparison: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lean", default=os.environ.get("LEAN"), help="default: $LEAN")
    parser.add_argument("--data", type=Path, default=os.environ.get("COPROVER_DATA"),
                        help="folder with elementary/ (default: COPROVER_DATA; none: left out)")
    parser.add_argument("--families", type=int, default=300, metavar="N",
                        help="theorems drawn from examples/families.jsonl")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    if not args.lean:
        parser.error("give --lean PROGRAM, or name it in LEAN")
    from minilean.front.library import in_big_stack

    cases: list[Case] = []
    in_big_stack(lambda: cases.extend(verified(args.data, args.families)))
    with ThreadPoolExecutor(args.processes) as pool:
        fates = list(track(pool.map(lambda case: ask(args.lean, case), cases), "asking Lean",
                           total=len(cases), transient=True))
    return report(cases, fates)


def verified(data: Path | None, families: int) -> Iterator[Case]:
    """The rows of all corpora that minilean verifies and can export."""
    from minilean.export import NotExportable, export, theorems_of
    from minilean.front.cli import verdict_of
    from minilean.front.session import Session

    for corpus, row in track(list(rows_of(data, families)), "minilean", transient=True):
        session = Session()
        text = f"{row['preamble']}\n{row['statement']}{row['proof']}"
        if verdict_of(session, session.command(text, timeout_s=30.0), row)[0] != "verified":
            continue
        names = theorems_of(session)
        try:
            exported = export(session.envs[-1].env, names)
        except NotExportable as error:
            print(f"{row['name']}: {error}", file=sys.stderr)
            continue
        plain = not row["preamble"].strip() and len(names) == 1
        own = comparison(row, session.envs[-1].env, names[0]) if plain else ""
        yield Case(corpus, row["name"], exported, own)


def rows_of(data: Path | None, families: int) -> Iterator[tuple[str, dict]]:
    """(corpus, row with name, preamble, statement, proof): joined as they stand, one Lean file."""
    for name in HUMAN if data else ():
        for line in (data / "elementary" / name).read_text(encoding="utf-8").splitlines():
            yield name, json.loads(line)
    rows = FAMILIES.read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, random.Random(0).sample(rows, min(families, len(rows)))):
        proof = "".join(f"\n  {tactic}" for tactic in row["proof"])
        yield "families.jsonl", {"name": row["name"], "preamble": "", "proof": proof,
                                 "statement": row["statement"]}


def comparison(row: dict, env, name: str) -> str:
    """Lean text in which the row's statement, left open, must have the type that minilean gave it:
    written out with Lean's own constants."""
    from minilean.export import Writer

    class InLeansNames(Writer):
        def native(self, name):
            return True

    statement = re.sub(r":=\s*(by)?\s*$", "", row["statement"]).rstrip()
    type_ = InLeansNames(env).expr(env.lookup(name).type)
    levels = ", ".join(env.lookup(name).level_params)
    head = "theorem sameStatement" + (f".{{{levels}}}" if levels else "")
    return f"{statement} := sorry\n{head} : {type_} := @{name}\n"


def ask(lean: str, case: Case) -> tuple[str, str]:
    """(accepted | refused, same | different | unread | -) of a case."""
    if not first_error(lean, case.export + case.comparison):  # both at once: most agree
        return "accepted", "same" if case.comparison else "-"
    if error := first_error(lean, case.export):
        return f"refused: {error}", "-"
    error = first_error(lean, case.comparison)
    return "accepted", f"different: {error}" if DIFFERENT in error.lower() else f"unread: {error}"


def first_error(lean: str, text: str) -> str:
    """Lean's first error on a file, "" if it accepts it."""
    with tempfile.NamedTemporaryFile("w", suffix=".lean", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            done = subprocess.run([lean, file.name], capture_output=True, text=True,
                                  timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"no answer in {TIMEOUT_S} s"
    lines = (done.stdout + done.stderr).splitlines()
    errors = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return errors[0] if errors else f"exit status {done.returncode}" if done.returncode else ""


def report(cases: list[Case], fates: list[tuple[str, str]]) -> int:
    """Prints the table and every refusal or difference; returns the exit status."""
    console = Console(width=110, highlight=False)
    table = Table("corpus", "exports", "accepted", "statements compared", "same", "unread")
    for corpus in dict.fromkeys(case.corpus for case in cases):
        own = [fate for case, fate in zip(cases, fates, strict=True) if case.corpus == corpus]
        export = Counter(fate.partition(":")[0] for fate, _ in own)
        same = Counter(fate.partition(":")[0] for _, fate in own)
        table.add_row(corpus, str(len(own)), str(export["accepted"]),
                      str(same["same"] + same["different"]), str(same["same"]),
                      str(same["unread"]))
    console.print(table)
    bad = 0
    for case, (export, same) in zip(cases, fates, strict=True):
        for fate in (export, same):
            if fate.startswith(("refused", "different", "unread")):
                console.print(f"{case.corpus} {case.name}: {fate}", soft_wrap=True)
                bad += not fate.startswith("unread")
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
