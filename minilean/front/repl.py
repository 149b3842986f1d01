"""The Lean REPL's JSON protocol on standard input and output.

Requests are JSON objects separated by blank lines (leanprover-community/repl): `{"cmd": …,
"env": n, "allTactics": …}`, `{"tactic": …, "proofState": n}`, `{"path": …}`. Pickling is declined.
Run: `python -m minilean repl`.
"""
from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from minilean.front.session import Session


def read_requests(stream):
    """Yields the text of one request at a time: lines up to a blank one, joined."""
    for blank, lines in groupby(stream, key=lambda line: not line.strip()):
        if not blank:
            yield "".join([line.rstrip() for line in lines])


def answer(session, request):
    """The response (a dict) to one decoded request.

    After a decline proof states count differently from Lean's, and an environment may lack what was
    declined: answers that this touches say so (`afterDeclined`: the feature)."""
    if not isinstance(request, dict):
        return {"message": "Could not parse JSON: an object was expected"}
    lost = session.lost
    out = _answer(session, request)
    missing = session.incomplete.get(request.get("env"))
    if not missing and ("proofState" in request or {"proofState", "sorries", "tactics"} & set(out)):
        missing = lost
    return {**out, "afterDeclined": missing} if missing and "declined" not in out else out


def _answer(session, request):
    env, timeout = request.get("env"), request.get("timeout")
    if "tactic" in request:
        return session.tactic(request.get("proofState"), request["tactic"], timeout)
    for key in ("pickleTo", "unpickleEnvFrom", "unpickleProofStateFrom"):
        if key in request:
            return {"message": f"minilean declined: {key}", "declined": key}
    try:
        code = request["cmd"] if "cmd" in request else Path(request["path"]).read_text("utf-8")
    except KeyError:
        return {"message": "Could not parse JSON: unknown request"}
    except OSError as err:
        return {"message": f"Could not read {request['path']}: {err.strerror}"}
    return session.command(code, env, bool(request.get("allTactics")), request.get("infotree"),
                           timeout, bool(request.get("rootGoals")))


def serve(stdin, stdout):
    """Answers requests until the input ends."""
    session = Session()
    for text in read_requests(stdin):
        try:
            request = json.loads(text)
        except ValueError as err:
            response = {"message": f"Could not parse JSON:\n{err}"}
        else:
            response = answer(session, request)
        stdout.write(json.dumps(response, ensure_ascii=False) + "\n\n")
        stdout.flush()
