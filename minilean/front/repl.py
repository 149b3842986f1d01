"""The Lean REPL's JSON protocol on standard input and output.

Requests are JSON objects separated by blank lines (leanprover-community/repl): `{"cmd": …,
"env": n, "allTactics": …}`, `{"tactic": …, "proofState": n}`, `{"path": …}`. Others (pickling) are
declined. Run: `python -m minilean repl`.
"""
import json
from itertools import groupby
from pathlib import Path

from minilean.front.session import DEFAULT_TIMEOUT_S, Session


def answer(session, request):
    """The response (a dict) to one decoded request."""
    if not isinstance(request, dict):
        return {"message": "Could not parse JSON: an object was expected"}
    timeout = request.get("timeout") or DEFAULT_TIMEOUT_S
    if "tactic" in request:
        return session.tactic(request.get("proofState"), request["tactic"], timeout)
    if "cmd" not in request and "path" not in request:
        feature = f"a request with {', '.join(request)}"
        return {"message": f"minilean declined: {feature}", "declined": feature}
    try:
        code = request["cmd"] if "cmd" in request else Path(request["path"]).read_text("utf-8")
    except OSError as err:
        return {"message": f"Could not read {request['path']}: {err.strerror}"}
    return session.command(code, request.get("env"), bool(request.get("allTactics")),
                           request.get("infotree"), timeout, bool(request.get("rootGoals")))


def serve(stdin, stdout):
    """Answers requests, which end in a blank line, until the input ends."""
    session = Session()
    for blank, lines in groupby(stdin, key=lambda line: not line.strip()):
        if not blank:
            try:
                response = answer(session, json.loads("".join([line.rstrip() for line in lines])))
            except ValueError as err:
                response = {"message": f"Could not parse JSON:\n{err}"}
            print(json.dumps(response, ensure_ascii=False), end="\n\n", file=stdout, flush=True)
