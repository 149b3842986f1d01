"""minilean: a small Lean 4 checker. Accepted: the kernel type-checked the complete terms.

`check FILE` prints Lean's messages and exits 0 accepted, 1 rejected, 2 declined (something outside
minilean's subset). `check --jsonl FILE` reads rows with name, preamble, statement, proof and
prints a line {name, verdict, reason, time_s} for each: verified, rejected, declined, timeout or
axiom (it rests on an axiom of its own); exit 0. `export FILE` prints the accepted theorems as
explicit terms for a stock Lean, and exits as `check` does. `repl` speaks the Lean REPL's JSON.
Input that cannot be read is no verdict: exit 3.
"""
import argparse
import json
import sys
import time
from pathlib import Path

from minilean.export import NotExportable, export, theorems_of
from minilean.front.library import in_big_stack
from minilean.front.repl import serve
from minilean.front.session import Session
from minilean.kernel.axioms import STANDARD, collect_axioms

ACCEPTED, REJECTED, DECLINED, UNREADABLE = range(4)


def main(argv=None):
    """Runs the command line; the exit status."""
    top = argparse.ArgumentParser(prog="minilean", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("command", choices=("check", "export", "repl"))
    top.add_argument("file", metavar="FILE", nargs="?")
    top.add_argument("--jsonl", action="store_true", help="check the rows of a JSONL file")
    top.add_argument("--timeout-s", type=float, default=30.0, help="for the file or one row")
    args = top.parse_intermixed_args(argv)
    if args.file is None and args.command != "repl":
        top.error(f"{args.command} needs a FILE")
    try:
        return in_big_stack(lambda: run(args))
    except (NotExportable, OSError, ValueError) as err:
        do, status = ("export", DECLINED) if type(err) is NotExportable else ("read", UNREADABLE)
        print(f"error: cannot {do} {args.file or 'the library'}: {err}", file=sys.stderr)
        return status


def run(args):
    """The exit status of the command; messages are written as Lean does. Raises what main reports.
    """
    if args.command == "repl":
        return serve(sys.stdin, sys.stdout)
    session = Session()
    if args.command == "check" and args.jsonl:
        return check_rows(args, session)
    out = session.command(Path(args.file).read_text("utf-8"), timeout_s=args.timeout_s)
    for m in out.get("messages", ()):
        print(f"{args.file}:{m['pos']['line']}:{m['pos']['column']}: {m['severity']}: {m['data']}",
              file=sys.stderr if args.command == "export" else sys.stdout)
    if args.command == "export":
        print(export(session.envs[-1].env, theorems_of(session)), end="")
    if "declined" in out:
        return DECLINED
    return REJECTED if "sorries" in out or errors_of(out) else ACCEPTED


def check_rows(args, session):
    """Prints {name, verdict, reason, time_s} for each row of a JSONL file. Raises ValueError."""
    with open(args.file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                name = row["name"]
                text = f"{row.get('preamble', '')}\n{row['statement']} {row['proof']}"
            except (ValueError, KeyError, TypeError) as err:
                raise ValueError(f"line {number} is no row: {err!r}") from err
            start = time.perf_counter()
            out = session.command(text, timeout_s=args.timeout_s)
            verdict, reason = verdict_of(session, out, row)
            session.clear()
            found = {"name": name, "verdict": verdict, "reason": reason,
                     "time_s": round(time.perf_counter() - start, 4)}
            print(json.dumps(found, ensure_ascii=False), flush=True)
    return ACCEPTED


def errors_of(out):
    """The error messages of an answer."""
    return [m for m in out.get("messages", ()) if m["severity"] == "error"]


def verdict_of(session, out, row):
    """(verified | rejected | declined | timeout | axiom, reason) of the answer to a row."""
    errors = errors_of(out)
    if "declined" in out:
        return "declined", out["declined"]
    if any("timeout" in m["data"].split("\n")[0] or "maximum recursion" in m["data"]
           for m in errors):
        return "timeout", errors[0]["data"]
    if errors:
        pos = errors[0]["pos"]
        return "rejected", f"{pos['line']}:{pos['column']}: {errors[0]['data']}"
    if any("declaration uses 'sorry'" in m["data"] for m in out.get("messages", ())):
        return "rejected", "sorry"
    env, name = session.envs[-1].env, row.get("theorem_name")
    new = [d.name for d in env.decls()[len(session.base.env.decls()):]]
    found = [n for n in new if name and f".{n}".endswith(f".{name}")] or new[-1:]
    extra = {a for n in found for a in collect_axioms(env, n)}.difference(STANDARD)
    if extra:
        return "axiom", f"depends on {', '.join(sorted(extra))}"
    return ("verified", "") if found else ("rejected", "no theorem")
