"""HTTP server for Lean: whole proofs (Kimina-compatible) and tactic steps, over a pool of REPLs.

    POST /api/check       {snippets: [{id, code}], timeout, infotree?, allTactics?} ->
                          {results: [{id, time, response | error, diagnostics?}]}, in order
    POST /verify          {codes: [{custom_id, proof | code}], timeout} (Kimina's older form)
    POST /api/step/start  {items: [{header, statement, tactics?}], timeout} -> {results: [outcome]}
    POST /api/step/run    {runs: [{state, tactics}], timeout} -> {results: [[outcome] | null]}
    POST /api/dojo/start  {items: [{url, commit, file_path, full_name}], timeout}: theorems where
    POST /api/dojo/run    they stand, through LeanDojo (coprover/dojo.py); answers as for /api/step
    GET  /health          readiness: 200 when a worker answers, else 503; names Lean and Mathlib
    GET  /live            liveness: 200 while the server itself runs
    GET  /metrics         in Prometheus' text form

An outcome is {kind: state|qed|error|timeout|declined, state?, goals?, message?}; null means that
the state is unknown (forgotten, or the server was restarted): start again with its `tactics`.

After Kimina Lean Server 2.0.0 (server/routers); different: no batch fails for one snippet, 429
comes before work is taken, `/health` speaks of REPLs, `allTactics` reaches the REPL (its `tactics`,
like an infotree, count lines behind the imports), `diagnostics.declined` names what minilean lacks.
Run: `python lean_server.py --port 8000 --workers 1 --config configs/local.yaml`
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import json
import logging
import os
import socket

from coprover import config
from coprover.dojo import LOCATION, Dojos, Refused
from coprover.lean_versions import of_project
from coprover.repl_worker import Settings
from lean_server_pool import NO_REPL, ROOT, Overloaded, Pool

log = logging.getLogger("lean_server")
FLAGS = {
    "--host": "lean.server.host",
    "--port": "lean.server.port",
    "--workers": "lean.server.workers",
}
_DRAIN_S = 5  # after SIGTERM: requests get that long, then running tasks once more
_INFOTREES = (None, "full", "tactics", "original", "substantive")


class BadRequest(ValueError):
    """The body is not what the endpoint takes: answered with status 422."""


def build_app(pool: Pool, dojos: Dojos, max_body_mb: int, api_key: str | None = None):
    """Returns the ASGI application; pool and dojos stop with it, the pool starts with it."""
    import contextlib

    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    @contextlib.asynccontextmanager
    async def lifespan(app):
        pool.start()
        yield
        await asyncio.to_thread(pool.close, _DRAIN_S)
        await asyncio.to_thread(dojos.close)

    def endpoint(handler, backend):
        async def answer(request):
            if api_key and not _allowed(request.headers.get("authorization", ""), api_key):
                return JSONResponse({"detail": "Missing or invalid API key"}, 401)
            try:
                body = _json_object(await _read(request, max_body_mb))
                result = await _unless_gone(request, handler(backend, body))
            except (BadRequest, Refused) as error:
                return JSONResponse({"detail": str(error)}, 422)
            except Overloaded as error:
                return JSONResponse({"detail": str(error)}, 429, {"Retry-After": "1"})
            except Gone:
                return JSONResponse({"detail": "client closed the request"}, 499)
            if pool.closing or NO_REPL in result["results"]:
                # what a dying server or a missing REPL says is no answer about a proof
                return JSONResponse({"detail": pool.last_error or "shutting down"}, 503)
            data = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
            return Response(data.encode(errors="replace"), media_type="application/json")

        return answer

    async def health(request):
        status, body = await _health(pool)
        return JSONResponse(body, status)

    async def live(request):
        return JSONResponse({"status": "ok"})

    async def metrics(request):
        return PlainTextResponse(_metrics(pool))

    posts = {
        "/api/check": check, "/verify": verify, "/one_pass_verify_batch": verify,
        "/api/step/start": step_start, "/api/step/run": step_run,
    }  # fmt: skip
    by_location = {"/api/dojo/start": dojo_start, "/api/dojo/run": dojo_run}
    routes = [Route(path, endpoint(handler, backend), methods=["POST"])
              for handlers, backend in ((posts, pool), (by_location, dojos))
              for path, handler in handlers.items()]
    routes += [Route("/health", health), Route("/", health), Route("/live", live),
               Route("/metrics", metrics)]
    return Starlette(routes=routes, lifespan=lifespan)


async def check(pool: Pool, body: dict) -> dict:
    """POST /api/check."""
    snippets = _list(body, "snippets")
    if not snippets:
        raise BadRequest("snippets: an empty list")
    ids = [_text(item, "id") for item in snippets]
    if len(set(ids)) != len(ids):
        raise BadRequest("snippets: an id is given twice")
    codes = [_text(item, "code") for item in snippets]
    results = await pool.check(codes, _timeout(body, 30), _extras(body, "infotree"))
    return {"results": [{"id": id_, **result} for id_, result in zip(ids, results, strict=True)]}


async def verify(pool: Pool, body: dict) -> dict:
    """POST /verify: ids come back as strings, the time inside the response."""
    items = _list(body, "codes")
    codes = []
    for item in items:
        code = item.get("proof") or item.get("code")
        if not isinstance(code, str) or "custom_id" not in item:
            raise BadRequest("codes: every item needs a custom_id and a proof or code")
        codes.append(code)
    results = await pool.check(codes, _timeout(body, 300), _extras(body, "infotree_type"))
    answers = []
    for item, result in zip(items, results, strict=True):
        answer: dict = {"custom_id": str(item["custom_id"])}
        if "response" in result:
            answer["response"] = {"time": result["time"], **result["response"]}
        else:
            answer["error"] = result["error"]
        if "diagnostics" in result:
            answer["diagnostics"] = result["diagnostics"]
        answers.append(answer)
    return {"results": answers}


async def step_start(pool: Pool, body: dict) -> dict:
    """POST /api/step/start."""
    items = _list(body, "items")
    for item in items:
        _text(item, "header"), _text(item, "statement"), _texts(item.get("tactics") or [])
    return {"results": await pool.step_start(items, _timeout(body, 30))}


async def step_run(pool: Pool, body: dict) -> dict:
    """POST /api/step/run."""
    runs = _list(body, "runs")
    for run in runs:
        _text(run, "state"), _texts(run.get("tactics"))
    return {"results": await pool.step_run(runs, _timeout(body, 30))}


async def dojo_start(dojos: Dojos, body: dict) -> dict:
    """POST /api/dojo/start."""
    items = [{key: _text(item, key) for key in LOCATION} for item in _list(body, "items")]
    limit = _timeout(body, 600)
    return {"results": [await asyncio.to_thread(dojos.start, item, limit) for item in items]}


async def dojo_run(dojos: Dojos, body: dict) -> dict:
    """POST /api/dojo/run."""
    runs = _list(body, "runs")
    for run in runs:
        _text(run, "state"), _texts(run.get("tactics"))
    return {"results": await asyncio.gather(*(
        asyncio.to_thread(dojos.run, run["state"], run["tactics"]) for run in runs))}


class Gone(Exception):
    """The client left before its answer was ready."""


async def _unless_gone(request, work) -> dict:
    """Awaits the work, but drops what is not begun when the client disconnects."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(request))
    await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        raise Gone
    gone.cancel()
    return task.result()


async def _disconnect(request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read(request, max_body_mb: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > max_body_mb << 20:
            raise BadRequest(f"the body is larger than {max_body_mb} MB; send smaller batches")
        parts.append(part)
    return b"".join(parts)


def _json_object(data: bytes) -> dict:
    try:
        body = json.loads(data)
    except ValueError as error:
        raise BadRequest(f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("a JSON object is expected")
    return body


def _list(body: dict, key: str) -> list[dict]:
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadRequest(f"{key}: a list of objects is expected")
    return value


def _text(item: dict, key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise BadRequest(f"{key}: a string is expected")
    return value


def _extras(body: dict, infotree_key: str) -> dict:
    """What a request wants the REPL to report besides messages."""
    infotree, all_tactics = body.get(infotree_key), body.get("allTactics")
    if infotree not in _INFOTREES:
        raise BadRequest(f"{infotree_key}: {infotree!r} is none of {_INFOTREES}")
    if all_tactics not in (None, False, True):
        raise BadRequest(f"allTactics: {all_tactics!r} is neither true nor false")
    wanted = {"infotree": infotree, "allTactics": all_tactics}
    return {key: value for key, value in wanted.items() if value}


def _texts(value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise BadRequest("tactics: a list of strings is expected")


def _timeout(body: dict, default: float) -> float:
    value = body.get("timeout", default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise BadRequest("timeout: a number of seconds >= 0 is expected")
    return value


def _allowed(given: str, key: str) -> bool:
    return hmac.compare_digest(given.removeprefix("Bearer ").encode(), key.encode())


async def _health(pool: Pool) -> tuple[int, dict]:
    """A worker that answered lately is enough; an idle pool is asked to prove something now."""
    if not pool.healthy:
        header = pool.settings.preload[0] if pool.settings.preload else "import Init"
        code = f"{header}\nexample : 1 = 1 := rfl"
        try:
            [answer] = await asyncio.wait_for(pool.check([code], 20), 30)
        except (TimeoutError, Overloaded) as error:
            return 503, {"status": "no worker answers", "detail": str(error) or pool.last_error}
        if "response" not in answer:
            return 503, {"status": "no worker answers", "detail": answer.get("error")}
    state = {"workers": len(pool.places), "queued": pool.queued, "states": pool.n_states,
             **of_project(pool.settings.project_dir, pool.settings.repl)}
    return 200, {"status": "ok", **state}


def _metrics(pool: Pool) -> str:
    gauges = {"lean_queue": pool.queued, "lean_proof_states": pool.n_states,
              "lean_workers_healthy": pool.healthy}
    lines = []
    for name, value in gauges.items():
        lines += [f"# TYPE {name} gauge", f"{name} {value}"]
    lines.append("# TYPE lean_events_total counter")
    lines += [f'lean_events_total{{event="{k}"}} {v}' for k, v in sorted(pool.counts.items())]
    return "\n".join(lines) + "\n"


def bind(host: str, port: int) -> socket.socket:
    """Returns a bound socket; raises InputError that names the holder of a busy port."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno != errno.EADDRINUSE:
            raise config.InputError(f"cannot listen on {host}:{port}: {error}") from None
        raise config.InputError(
            f"port {port} is already in use by {_holder(port)}; stop it or choose another --port"
        ) from None
    return sock


def _holder(port: int) -> str:
    import psutil

    try:
        for connection in psutil.net_connections("inet"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr.port == port and connection.pid:
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({' '.join(process.cmdline())[:120]})"
    except psutil.Error:
        pass
    return "a process that cannot be seen from here"


def main() -> int:
    cfg = config.from_cli(__doc__, FLAGS)
    server = cfg.lean.server
    settings = Settings.of(server, ROOT)
    sock = bind(server.host, server.port)
    import uvicorn

    pool = Pool(settings)
    dojos = Dojos(server.dojo_repos, server.dojo_sessions)
    app = build_app(pool, dojos, server.max_body_mb, os.environ.get(cfg.lean.api_key_env) or None)
    log.info("%s:%s, %s workers: %s", server.host, server.port, server.workers,
             " ".join(settings.repl))  # fmt: skip
    options = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_DRAIN_S
    )
    uvicorn.Server(options).run(sockets=[sock])
    return 0


if __name__ == "__main__":
    config.main(main)
