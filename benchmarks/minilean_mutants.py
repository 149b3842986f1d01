"""Mutants of verified proofs: does minilean decide them, and does it ever accept something false?

Verified rows of the elementary collection and the laptop's validation theorems are mutated: a step
dropped, constructors or directions swapped, one name put for another, the statement changed. Of
the answers the share that is no decision (declined, time-out) is printed.
Every accepted mutant is exported and typed again by a fresh process, and its statement goes to the
truth oracle (benchmarks/truth.py), which tries values. With --lean (or LEAN) a stock Lean is asked
too: accepted mutants of rows that it accepts are given to it as they stand, and those it refuses
are printed, to be read (an old Lean refuses what it does not know). Exit status 1 if a fresh
process refuses an export or an accepted statement has a counterexample.

Run: python -m benchmarks.minilean_mutants --data ../shared/data --mutants 10000
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
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.stock_lean import FAMILIES, first_error
from benchmarks.truth import Uncovered, counterexample

ROOT = Path(__file__).resolve().parent.parent
PROOF_SWAPS = (("left", "right"), ("inl", "inr"), ("mp", "mpr"), (".1", ".2"), ("zero", "succ"),
               ("intro", "apply"), ("constructor", "left"), ("←", ""), ("rfl", "assumption"),
               ("exact", "apply"), ("add_comm", "add_assoc"), ("cases", "induction"))
STATEMENT_SWAPS = (("∧", "∨"), ("→", "↔"), ("=", "≠"), ("<", "≤"), ("+", "*"), ("∀", "∃"),
                   ("0", "1"), ("2", "3"), ("True", "False"), ("¬", ""), ("Or", "And"))
BINDERS = re.compile(r"[({]([\w'₀-₉ ]+) :")
TRIES = 8  # attempts at a mutant that is new, before a kind is given up for a row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("COPROVER_DATA"),
                        help="data folder (default: COPROVER_DATA)")
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--timeout-s", type=float, default=5.0, help="for one mutant")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lean", default=os.environ.get("LEAN"), help="default: $LEAN")
    args = parser.parse_args()
    if not args.data or not args.data.is_dir():
        parser.error("give --data DIR (the folder with elementary/)")
    from minilean.front.library import in_big_stack

    return in_big_stack(lambda: fuzz(args))


def fuzz(args) -> int:
    console, rng = Console(width=100, highlight=False), random.Random(args.seed)
    sources = list(verified(rows_of(args.data), args.timeout_s))
    mutants = mutate_all(sources, args.mutants, rng)
    counts: dict = defaultdict(Counter)
    accepted = []
    for kind, row in track(mutants, "checking", transient=True):
        verdict, text = check(row, args.timeout_s)
        counts[kind][verdict] += 1
        if verdict == "verified":
            accepted.append((row, text))
    refused = refused_exports([text for _, text in accepted])
    covered, false = judge([row for row, _ in accepted])
    report(console, counts, len(accepted), refused, covered, false)
    if args.lean:
        ask_lean(console, args.lean, sources, [row for row, _ in accepted])
    return 1 if refused or false else 0


def rows_of(data: Path) -> Iterator[dict]:
    """Rows with name, preamble, statement and proof, human ones first."""
    path = data / "elementary" / "elementary.jsonl"
    yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())
    for row in map(json.loads, FAMILIES.read_text(encoding="utf-8").splitlines()):
        if row["split"] == "valid":
            yield {"name": row["name"], "preamble": "", "statement": row["statement"],
                   "proof": "".join(f"\n  {tactic}" for tactic in row["proof"])}


def verified(rows: Iterator[dict], timeout_s: float) -> Iterator[dict]:
    """The rows that minilean verifies as they are."""
    for row in track(list(rows), "originals", transient=True):
        if check(row, timeout_s)[0] == "verified":
            yield row


def text_of(row: dict) -> str:
    return f"{row['preamble']}\n{row['statement']} {row['proof']}"


def check(row: dict, timeout_s: float) -> tuple[str, str]:
    """(verdict, exported file of a verified row; empty, hence refused, if it has none)."""
    from minilean.export import NotExportable, export, theorems_of
    from minilean.front.cli import verdict_of
    from minilean.front.session import Session

    session = Session()
    verdict, _ = verdict_of(session, session.command(text_of(row), timeout_s=timeout_s), row)
    if verdict != "verified":
        return verdict, ""
    try:
        return verdict, export(session.envs[0].env, theorems_of(session))
    except NotExportable:
        return verdict, ""


# ---------------------------------------------------------------- mutations


def mutate_all(sources: list[dict], wanted: int, rng: random.Random) -> list[tuple[str, dict]]:
    """(kind, row) of `wanted` different mutants (fewer where the sources give no more)."""
    seen = {(row["preamble"], row["statement"], row["proof"]) for row in sources}
    found: list = []
    for _ in range(1 + 20 * wanted // max(1, len(sources) * len(KINDS))):
        for row in rng.sample(sources, len(sources)):
            for kind, mutate in KINDS.items():
                for _ in range(TRIES):
                    new = {**row, **mutate(row, rng)}
                    key = (new["preamble"], new["statement"], new["proof"])
                    if key not in seen:
                        seen.add(key)
                        found.append((kind, new))
                        break
                if len(found) == wanted:
                    return found
    return found


def drop_step(row: dict, rng: random.Random) -> dict:
    """The proof without one of its lines."""
    lines = row["proof"].split("\n")
    full = [i for i, line in enumerate(lines) if line.strip()]
    if len(full) < 2:
        return {}
    gone = rng.choice(full)
    return {"proof": "\n".join(line for i, line in enumerate(lines) if i != gone)}


def swap_in_proof(row: dict, rng: random.Random) -> dict:
    """Another constructor, direction or tactic at one place."""
    return {"proof": _swap(row["proof"], PROOF_SWAPS, rng)}


def rename_in_proof(row: dict, rng: random.Random) -> dict:
    """One use of a hypothesis or variable replaced by another."""
    return {"proof": _rename(row["proof"], _binders(row["statement"]), rng)}


def change_statement(row: dict, rng: random.Random) -> dict:
    """A connective, relation, quantifier or numeral of the statement replaced."""
    head, colon, rest = row["statement"].partition(":")
    return {"statement": head + colon + _swap(rest, STATEMENT_SWAPS, rng)}


def rename_in_statement(row: dict, rng: random.Random) -> dict:
    """One variable put for another in the hypotheses or the goal."""
    head, colon, rest = row["statement"].partition(":")
    return {"statement": head + colon + _rename(rest, _binders(row["statement"]), rng)}


KINDS = {f.__name__: f for f in (drop_step, swap_in_proof, rename_in_proof, change_statement,
                                 rename_in_statement)}


def _binders(statement: str) -> list[str]:
    return [name for names in BINDERS.findall(statement) for name in names.split()]


def _swap(text: str, pairs: tuple, rng: random.Random) -> str:
    """`text` with one occurrence of one side of a pair replaced by the other side."""
    places = [(match, new) for a, b in pairs for old, new in ((a, b), (b, a)) if old
              for match in re.finditer(_pattern(old), text)]
    return _put(text, *rng.choice(places)) if places else text


def _rename(text: str, names: list[str], rng: random.Random) -> str:
    places = [(match, new) for old in names for new in names if new != old
              for match in re.finditer(_pattern(old), text)]
    return _put(text, *rng.choice(places)) if places else text


def _pattern(word: str) -> str:
    return rf"(?<![\w:'.]){re.escape(word)}(?![\w'])" if word[0].isalnum() else re.escape(word)


def _put(text: str, match: re.Match, new: str) -> str:
    return text[:match.start()] + new + text[match.end():]


# ---------------------------------------------------------------- second opinions


def refused_exports(texts: list[str]) -> int:
    """How many exported files a fresh process does not verify."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            row = {"name": str(number), "preamble": text, "statement": "", "proof": ""}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        done = subprocess.run([sys.executable, "-m", "minilean", "check", "--jsonl", file.name],
                              cwd=ROOT, capture_output=True, text=True, check=True)
    return sum(json.loads(line)["verdict"] != "verified" for line in done.stdout.splitlines())


def judge(rows: list[dict]) -> tuple[int, list[dict]]:
    """(statements the truth oracle can read, the rows among them that have a counterexample)."""
    covered, false = 0, []
    for row in rows:
        try:
            values = None if row["preamble"].strip() else counterexample(row["statement"])
        except Uncovered:
            continue
        covered += not row["preamble"].strip()
        if values is not None:
            false.append({**row, "values": values})
    return covered, false


def ask_lean(console: Console, lean: str, sources: list[dict], accepted: list[dict]) -> None:
    """Prints the accepted mutants that a stock Lean refuses, of rows that it accepts."""
    asked = {row["name"] for row in accepted}
    known = {row["name"] for row in sources if row["name"] in asked}
    known -= {row["name"] for row in sources
              if row["name"] in known and first_error(lean, text_of(row))}
    mutants = [row for row in accepted if row["name"] in known]
    errors = [(row, first_error(lean, text_of(row)))
              for row in track(mutants, "asking Lean", transient=True)]
    refused = [(row, error) for row, error in errors if error]
    console.print(f"accepted mutants of rows that {lean} accepts: {len(mutants)}; "
                  f"refused by it: {len(refused)}", soft_wrap=True)
    for row, error in refused:
        console.print(f"LEAN {row['name']}: {error}\n{text_of(row)}", soft_wrap=True)


def report(console: Console, counts: dict, accepted: int, refused: int, covered: int,
           false: list[dict]) -> None:
    """Prints the verdicts by kind of mutant, and what the second opinions said."""
    verdicts = ("verified", "rejected", "axiom", "declined", "timeout")
    table = Table("mutants", "number", *verdicts, "decided %")
    total = sum(counts.values(), Counter())
    for kind, row in [*counts.items(), ("all", total)]:
        decided = row["verified"] + row["rejected"] + row["axiom"]
        table.add_row(kind, str(row.total()), *(str(row[v]) for v in verdicts),
                      f"{100 * decided / row.total():.1f}")
    console.print(table)
    console.print(f"accepted: {accepted}; exports that a fresh process refuses: {refused}")
    console.print(f"accepted statements within the truth oracle: {covered}; false: {len(false)}")
    for row in false:
        console.print(f"FALSE {row['values']}: {row['statement']} {row['proof']}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
