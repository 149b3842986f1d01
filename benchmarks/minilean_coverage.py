"""What minilean can do: verdicts on human proofs, export, recorded REPL sessions, size, speed.

Reads the data folder named by COPROVER_DATA or --data. Four tables: verdicts per file (with the
features that most declines name, and every rejected row by name), how many verified rows survive
`export` and a second check by a fresh session, how many recorded REPL exchanges are answered alike
(pickling left out), and lines of code, start-up, memory and time per proof and per tactic step.

Run: python -m benchmarks.minilean_coverage --data ../shared/data
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
FILES = ("elementary.jsonl", "lean4_tests_2021.jsonl", "library_std4.jsonl")
VERDICTS = ("verified", "axiom", "declined", "timeout", "rejected")
SMOKE = {"theorem and_left_small (P Q : Prop) (h : P ∧ Q) : P := by": ["exact h.left"],
         "theorem nat_add_comm_small (a b : Nat) : a + b = b + a := by": ["rw [Nat.add_comm]"],
         "theorem or_elim_small (P Q R : Prop) (h : P ∨ Q) (hP : P → R) (hQ : Q → R) : R := by":
             ["rcases h with hp | hq", "exact hP hp", "exact hQ hq"]}
REPEATS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("COPROVER_DATA"),
                        help="data folder (default: COPROVER_DATA)")
    parser.add_argument("--timeout-s", type=float, default=30.0, help="for one row")
    args = parser.parse_args()
    if not args.data or not args.data.is_dir():
        parser.error("give --data DIR (the folder with elementary/ and repl_protocol/)")
    from minilean.front.library import in_big_stack

    console = Console(width=110, highlight=False)
    in_big_stack(lambda: verdicts(args.data, args.timeout_s, console))
    in_big_stack(lambda: sessions(args.data, console))
    console.print(sizes())
    in_big_stack(lambda: console.print(speed()))


def verdicts(data: Path, timeout_s: float, console: Console) -> None:
    """Prints the verdicts and the fate of the exports, file by file."""
    table = Table("file", "rows", *VERDICTS, "verified %", "exported and checked again")
    notes = []
    for name in FILES:
        rows = [json.loads(line) for line in open(data / "elementary" / name, encoding="utf-8")]
        found = [judge(row, timeout_s) for row in track(rows, name, transient=True)]
        counts = Counter(verdict for verdict, _, _ in found)
        again = Counter(fate for _, _, fate in found)
        table.add_row(name, str(len(rows)), *(str(counts[v]) for v in VERDICTS),
                      f"{100 * counts['verified'] / len(rows):.0f}",
                      f"{again['same']} of {counts['verified']}")
        features = Counter(reason for verdict, reason, _ in found if verdict == "declined")
        notes.append(f"{name}: declined most for "
                     + ", ".join(f"{text} ({n})" for text, n in features.most_common(5)))
        notes += [f"{name}: rejected {row['name']}: {reason.splitlines()[0]}"
                  for row, (verdict, reason, _) in zip(rows, found, strict=True)
                  if verdict == "rejected"]
    console.print(table)
    for note in notes:
        console.print(note, soft_wrap=True)


def judge(row: dict, timeout_s: float) -> tuple[str, str, str]:
    """(verdict, reason, fate of the export: same | lost | -) of a row."""
    from minilean.export import NotExportable, export, theorems_of
    from minilean.front.cli import verdict_of
    from minilean.front.session import Session

    session = Session()
    text = f"{row.get('preamble', '')}\n{row['statement']} {row['proof']}"
    verdict, reason = verdict_of(session, session.command(text, timeout_s=timeout_s), row)
    if verdict != "verified":
        return verdict, reason, "-"
    try:
        again = session.command(export(session.envs[0].env, theorems_of(session)),
                                timeout_s=timeout_s)
    except NotExportable:
        return verdict, reason, "lost"
    bad = "declined" in again or any(m["severity"] == "error" for m in again.get("messages", ()))
    return verdict, reason, "lost" if bad else "same"


def sessions(data: Path, console: Console) -> None:
    """Prints how the recorded REPL exchanges without pickling are answered."""
    fates = list(exchanges(data / "repl_protocol"))
    counts = Counter(fate for _, fate, _ in fates)
    console.print(f"REPL exchanges without pickling: {dict(counts)}")
    different = [name for name, fate, _ in fates if fate == "different"]
    console.print(f"different: {', '.join(different) or 'none'}", soft_wrap=True)


def exchanges(folder: Path) -> Iterator[tuple[str, str, dict]]:
    """(test/step, equal | declined | after a decline | different, our answer) of each exchange."""
    from minilean.front import repl
    from minilean.front.session import Session

    folder = folder.resolve()
    rows = [json.loads(line) for line in open(folder / "exchanges.jsonl", encoding="utf-8")]
    pickled = {row["test"] for row in rows
               if any("pickle" in key or "Pickle" in key for key in row["request"])}
    live: dict[str, Session] = {}
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        os.symlink(folder, "test")  # where the requests look for files
        for row in (row for row in rows if row["test"] not in pickled):
            got = repl.answer(live.setdefault(row["test"], Session()), row["request"])
            fate = ("equal" if normal(got) == normal(row["response"]) else
                    "declined" if "declined" in got else
                    "after a decline" if "afterDeclined" in got else "different")
            yield f"{row['test']}/{row['step']}", fate, got


def normal(answer: object) -> object:
    """An answer without what differs between Lean versions: constants used, quotes of `sorry`."""
    if isinstance(answer, dict):
        return {key: normal(value) for key, value in answer.items() if key != "usedConstants"}
    if isinstance(answer, list):
        return [normal(value) for value in answer]
    return answer.replace("`sorry`", "'sorry'") if isinstance(answer, str) else answer


def sizes() -> Table:
    """Lines of Python (all, and without blanks, comments and docstrings) and of Lean."""
    table = Table("part", "files", "lines", "code lines")
    for part, files in (("kernel", sorted((ROOT / "minilean/kernel").glob("*.py"))),
                        ("all Python", sorted((ROOT / "minilean").rglob("*.py"))),
                        ("Lean library", sorted((ROOT / "minilean").rglob("*.lean")))):
        texts = [path.read_text(encoding="utf-8") for path in files]
        code = sum(map(_code_lines, texts)) if part != "Lean library" else "–"
        table.add_row(part, str(len(files)), str(sum(t.count("\n") for t in texts)), str(code))
    return table


def _code_lines(text: str) -> int:
    """Lines that hold code: no blank, comment or docstring lines."""
    import ast
    import io
    import tokenize

    skip = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
            tokenize.ENDMARKER)
    lines = {n for token in tokenize.generate_tokens(io.StringIO(text).readline)
             if token.type not in skip for n in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def speed() -> Table:
    """Start of a process, memory, warm time of a smoke proof and of one tactic step."""
    from minilean.front.session import Session

    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "minilean", "repl"], input="", text=True, cwd=ROOT,
                   check=True)
    table = Table("measure", "value")
    table.add_row("start with cached library", f"{time.perf_counter() - start:.2f} s")
    session = Session()
    proofs, steps = [], []
    for _ in range(REPEATS):
        for statement, tactics in SMOKE.items():
            proofs.append(_timed(session.command, "\n  ".join([statement, *tactics])))
            state = session.command(f"{statement} sorry")["sorries"][0]["proofState"]
            for tactic in tactics:
                steps.append(_timed(session.tactic, state, tactic))
                state = len(session.states) - 1
        session.clear()
    table.add_row("median of a smoke proof, warm", f"{1000 * statistics.median(proofs):.2f} ms")
    table.add_row("median of a tactic step, warm", f"{1000 * statistics.median(steps):.2f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add_row("peak memory of this process", f"{peak:.0f} MB")
    return table


def _timed(function, *args) -> float:
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
