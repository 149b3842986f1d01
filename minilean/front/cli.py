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

UNREADABLE = 3


class BadRow(Exception):
    """A line of a JSONL file that is no row."""


def main(argv=None):
    """Runs the command line; the exit status."""
    top = argparse.ArgumentParser(prog="minilean", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("command", choices=COMMANDS)
    top.add_argument("file", metavar="FILE", nargs="?")
    top.add_argument("--jsonl", action="store_true", help="check the rows of a JSONL file")
    top.add_argument("--timeout-s", type=float, default=30.0, help="for the file or one row")
    args = top.parse_intermixed_args(argv)
    if args.file is None and args.command != "repl":
        top.error(f"{args.command} needs a FILE")
    try:
        return in_big_stack(lambda: COMMANDS[args.command](args))
    except (OSError, UnicodeDecodeError, BadRow) as err:
        print(f"error: cannot read {args.file or 'the library'}: {err}", file=sys.stderr)
        return UNREADABLE


def check(args):
    """The exit status of `check`."""
    return check_rows(args) if args.jsonl else check_file(args, sys.stdout)[0]


def check_file(args, stream):
    """(0 accepted, 1 rejected, 2 declined; the session); writes messages as Lean does."""
    session = Session()
    out = session.command(Path(args.file).read_text("utf-8"), timeout_s=args.timeout_s)
    messages = out.get("messages", ())
    for m in messages:
        print(f"{args.file}:{m['pos']['line']}:{m['pos']['column']}: {m['severity']}: {m['data']}",
              file=stream)
    bad = out.get("sorries") or any(m["severity"] == "error" for m in messages)
    return (2 if "declined" in out else int(bool(bad))), session


def export_file(args):
    """Prints the explicit file on stdout, messages on stderr; exits as `check` does."""
    status, session = check_file(args, sys.stderr)
    try:
        print(export(session.envs[-1].env, theorems_of(session)), end="")
    except NotExportable as err:
        print(f"error: {args.file} cannot be exported: {err}", file=sys.stderr)
        return 2
    return status


def check_rows(args):
    """Prints the verdicts of the rows of a JSONL file."""
    session = Session()
    with open(args.file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                found = check_row(session, number, line, args.timeout_s)
                print(json.dumps(found, ensure_ascii=False), flush=True)
    return 0


def check_row(session, number, line, timeout_s):
    """{name, verdict, reason, time_s} of the row in a line: preamble, statement, proof joined."""
    try:
        row = json.loads(line)
        name = row["name"]
        text = f"{row.get('preamble', '')}\n{row['statement']} {row['proof']}"
    except (ValueError, KeyError, TypeError) as err:
        raise BadRow(f"line {number} is no row: {err!r}") from err
    start = time.perf_counter()
    verdict, reason = verdict_of(session, session.command(text, timeout_s=timeout_s), row)
    session.clear()
    return {"name": name, "verdict": verdict, "reason": reason,
            "time_s": round(time.perf_counter() - start, 4)}


def verdict_of(session, out, row):
    """(verified | rejected | declined | timeout | axiom, reason) of the answer to a row."""
    messages = out.get("messages", ())
    errors = [m for m in messages if m["severity"] == "error"]
    if "declined" in out:
        return "declined", out["declined"]
    if any("timeout" in m["data"].split("\n")[0] or "maximum recursion" in m["data"]
           for m in errors):
        return "timeout", errors[0]["data"]
    if errors:
        pos = errors[0]["pos"]
        return "rejected", f"{pos['line']}:{pos['column']}: {errors[0]['data']}"
    if any("declaration uses 'sorry'" in m["data"] for m in messages):
        return "rejected", "sorry"
    env, name = session.envs[-1].env, row.get("theorem_name")
    new = [d.name for d in env.decls()[len(session.base.env.decls()):]]
    found = [n for n in new if name and (n == name or n.endswith("." + name))] or new[-1:]
    extra = {a for n in found for a in collect_axioms(env, n)}.difference(STANDARD)
    if extra:
        return "axiom", f"depends on {', '.join(sorted(extra))}"
    return ("verified", "") if found else ("rejected", "no theorem")


COMMANDS = {"check": check, "export": export_file,
            "repl": lambda args: serve(sys.stdin, sys.stdout)}
