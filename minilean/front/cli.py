"""`python -m minilean`: REPL, checking of files and of JSONL rows, export, building the library.

`check FILE` exits 0 accepted, 1 rejected, 2 declined. `check --jsonl FILE` reads rows with name,
preamble, statement, proof and prints one JSON verdict a line. `export FILE` prints the accepted
theorems of FILE as explicit terms for a stock Lean, and exits as `check` does. A file that cannot
be read is an error of its own (exit 3), not a verdict.
"""
from __future__ import annotations

import argparse
import json
import sys
import time

from minilean.kernel.axioms import STANDARD, collect_axioms

UNREADABLE = 3


def parser():
    top = argparse.ArgumentParser(prog="minilean", description="A small Lean 4 checker.")
    sub = top.add_subparsers(dest="command", required=True)
    sub.add_parser("repl", help="Lean REPL protocol on stdin/stdout")
    sub.add_parser("build", help="check the library and write its cache")
    check = sub.add_parser("check", help="check a Lean file, or rows of a JSONL file")
    check.add_argument("--jsonl", action="store_true",
                       help="FILE has rows with name, preamble, statement, proof")
    export = sub.add_parser("export", help="print the accepted theorems as explicit Lean terms")
    for command in (check, export):
        command.add_argument("file")
        command.add_argument("--timeout-s", type=float, default=30.0)
    return top


def main(argv=None):
    args = parser().parse_args(argv)
    from minilean.front.library import in_big_stack
    try:
        return in_big_stack(lambda: run(args))
    except (OSError, UnicodeDecodeError) as err:
        print(f"error: cannot read {getattr(args, 'file', 'the library')}: {err}", file=sys.stderr)
        return UNREADABLE


def run(args):
    if args.command == "build":
        from minilean.front.library import load_library
        start = time.perf_counter()
        state = load_library()
        print(f"{len(state.env.decls())} declarations in {time.perf_counter() - start:.1f} s")
        return 0
    if args.command == "repl":
        from minilean.front.repl import serve
        serve(sys.stdin, sys.stdout)
        return 0
    if args.command == "export":
        return export_file(args)
    return check_rows(args) if args.jsonl else check_file(args, sys.stdout)[0]


def check_file(args, messages):
    """(0 accepted, 1 rejected, 2 declined; the session); writes messages as Lean does."""
    from minilean.front.session import Session
    session = Session()
    with open(args.file, encoding="utf-8") as f:
        out = session.command(f.read(), timeout_s=args.timeout_s)
    for m in out.get("messages", ()):
        print(f"{args.file}:{m['pos']['line']}:{m['pos']['column']}: {m['severity']}: {m['data']}",
              file=messages)
    return exit_status(out), session


def exit_status(out):
    """0 accepted, 1 rejected, 2 declined: what a session's answer to a file amounts to."""
    if "declined" in out:
        return 2
    bad = any(m["severity"] == "error" for m in out.get("messages", ()))
    return 1 if bad or out.get("sorries") else 0


def export_file(args):
    """Prints the explicit file on stdout, messages on stderr; exits as `check` does."""
    from minilean.export import NotExportable, export, theorems_of
    status, session = check_file(args, sys.stderr)
    try:
        print(export(session.envs[-1].env, theorems_of(session)), end="")
    except NotExportable as err:
        print(f"error: {args.file} cannot be exported: {err}", file=sys.stderr)
        return 2
    return status


def check_rows(args):
    from minilean.front.session import Session
    session = Session()
    with open(args.file, encoding="utf-8") as f:
        for line in f:
            if line.strip():
                print(json.dumps(check_row(session, json.loads(line), args.timeout_s),
                                 ensure_ascii=False), flush=True)
    return 0


def check_row(session, row, timeout_s):
    """{name, verdict, reason, time_s} for one row: preamble, statement and proof joined."""
    text = f"{row.get('preamble', '')}\n{row['statement']} {row['proof']}"
    start = time.perf_counter()
    out = session.command(text, timeout_s=timeout_s)
    verdict, reason = verdict_of(session, out, row)
    session.envs.pop()
    return {"name": row["name"], "verdict": verdict, "reason": reason,
            "time_s": round(time.perf_counter() - start, 4)}


def verdict_of(session, out, row):
    """verified | rejected | declined | timeout | axiom, with the reason."""
    messages = out.get("messages", ())
    errors = [m for m in messages if m["severity"] == "error"]
    if "declined" in out:
        return "declined", out["declined"]
    if any("timeout" in m["data"].split("\n")[0] or "maximum recursion" in m["data"]
           for m in errors):
        return "timeout", errors[0]["data"]
    if errors:
        first = errors[0]
        return "rejected", f"{first['pos']['line']}:{first['pos']['column']}: {first['data']}"
    if any("declaration uses 'sorry'" in m["data"] for m in messages):
        return "rejected", "sorry"
    env, name = session.envs[-1].env, row.get("theorem_name")
    new = [d.name for d in env.decls()[len(session.base.env.decls()):]]
    found = [n for n in new if name and (n == name or n.endswith("." + name))] or new[-1:]
    extra = {a for n in found for a in collect_axioms(env, n)}.difference(STANDARD)
    if extra:
        return "axiom", f"depends on {', '.join(sorted(extra))}"
    return ("verified", "") if found else ("rejected", "no theorem")
