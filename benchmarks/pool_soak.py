"""10,000 checks through client, server and pool, 1 % of which crash, hang, flood or talk nonsense.

The REPL behind the server is the fault-injecting one of the tests (no Lean): what is measured is
whether every snippet gets its own verdict, whatever its neighbours do. Half of the sound snippets
are proofs, the others wrong in ways with a known reason. Prints wrong, lost and swapped verdicts
(a swapped answer names another snippet's theorem, so it cannot verify), restarts of workers, memory
of the server and what is left of its processes. Exit status 1 unless all is as it should be.

Run: python -m benchmarks.pool_soak --checks 10000 --faults 0.01
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from coprover.records import Theorem
from coprover.verify import Verifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from lean_fake import fenced, lean_config, serve  # noqa: E402

BATCH = 250
SOUND = {"": ("verified", ""), "FAIL": ("rejected", "lean_error"), "SORRY": ("rejected", "sorry"),
         "AXIOM bad": ("rejected", "axioms"), "WRONG": ("rejected", "statement"),
         "NOEPILOGUE": ("rejected", "incomplete"), "DECLINE omega": ("declined", "declined")}
FAULTS = {"CRASH": ("rejected", "crash"), "HALF": ("rejected", "crash"),
          "GARBAGE": ("rejected", "crash"), "FORGE": ("rejected", "crash"),
          "LATE": ("verified", ""), "MESSAGE": ("rejected", "crash"),
          "EMPTY": ("rejected", "crash"), "HANG": ("timeout", "timeout"),
          "BIG 300000": ("verified", ""), "STDERR 2000000": ("verified", "")}
CAUGHT = {"LATE": ("rejected", "crash")}  # as good: the surplus answer was seen at once
FLAT = 1.25  # memory of the server at the end ÷ after the first tenth


def plan(checks: int, faults: float, seed: int) -> list[tuple[Theorem, str, tuple[str, str], str]]:
    """(theorem, response, expected verdict and reason, fault or "") of every check."""
    rng = random.Random(seed)
    troubled = set(rng.sample(range(checks), round(faults * checks)))
    rows = []
    for n in range(checks):
        table = FAULTS if n in troubled else SOUND
        word = "" if n not in troubled and rng.random() < 0.5 else rng.choice(list(table))
        theorem = Theorem(f"t{n}", f"import Mathlib\n\ntheorem t{n} (a : Nat) : a = a := by")
        rows.append((theorem, fenced(f"step {n} -- {word}"), table[word],
                     word if n in troubled else ""))
    return rows


async def drive(url: str, rows: list, watch) -> list:
    """Verdicts of all rows, in batches; `watch(done)` is called after each."""
    results = []
    async with Verifier(lean_config(url, "lean.unavailable_patience_s=60")) as verifier:
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("checks", total=len(rows))
            for start in range(0, len(rows), BATCH):
                part = rows[start:start + BATCH]
                results += await verifier.verify([(t, text) for t, text, _, _ in part])
                progress.advance(bar, len(part))
                watch(len(results))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--faults", type=float, default=0.01, help="share of the checks")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = plan(args.checks, args.faults, args.seed)
    memory: dict[int, float] = {}
    with serve(f"lean.server.workers={args.workers}", "lean.server.echo_every=64") as (url, server):
        process = psutil.Process(server.pid)
        started = time.monotonic()
        results = asyncio.run(drive(url, rows, lambda done: memory.update(
            {done: process.memory_info().rss / 1e6})))
        wall = time.monotonic() - started
        events = urllib.request.urlopen(f"{url}/metrics").read().decode()
        workers = process.children(recursive=True)
    left = [p for p in workers if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    return report(rows, results, memory, wall, events, len(workers) - args.workers + len(left))


def report(rows, results, memory: dict[int, float], wall: float, events: str, leaked: int) -> int:
    """Prints what happened; 0 if every verdict is right, nothing leaked and memory is flat."""
    wrong = [(t.name, word, expected, (r.verdict.value, r.reason)) for
             (t, _, expected, word), r in zip(rows, results, strict=True)
             if (r.verdict.value, r.reason) not in (expected, CAUGHT.get(word))]
    marks = [memory[done] for done in sorted(memory)][::max(1, len(memory) // 8)]
    early = next(size for done, size in sorted(memory.items()) if done >= len(rows) // 10)
    growth = memory[max(memory)] / early
    table = Table("measure", "value")
    table.add_row("checks", f"{len(results)} in {wall:.0f} s = {len(results) / wall:.0f}/s")
    table.add_row("injected faults", str(sum(bool(word) for *_, word in rows)))
    table.add_row("verdicts", str(dict(Counter(r.verdict.value for r in results))))
    table.add_row("wrong, lost or swapped verdicts", str(len(wrong)))
    table.add_row("server memory", f"{early:.0f} → {memory[max(memory)]:.0f} MB (× {growth:.2f})")
    table.add_row("… on the way, MB", " ".join(f"{size:.0f}" for size in marks))
    table.add_row("processes too many or left behind", str(leaked))
    for line in events.splitlines():
        if line.startswith("lean_events_total"):
            table.add_row(line.partition('"')[2].partition('"')[0], line.rpartition(" ")[2])
    console = Console(width=110, highlight=False)
    console.print(table)
    for row in wrong[:20]:
        console.print("wrong:", *row)
    return int(bool(wrong) or leaked != 0 or growth > FLAT or len(results) != len(rows))


if __name__ == "__main__":
    sys.exit(main())
