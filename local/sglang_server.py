"""A stand-in for SGLang on a laptop: the same HTTP API over the local sampler or a value model.

Wire format of SGLang 0.5: /generate, /v1/completions, /v1/embeddings, /classify, /health,
/health_generate, /model_info, /get_model_info, /server_info, /v1/models, /flush_cache,
/update_weights_from_disk, /pause_generation, /continue_generation, /abort_request. Unknown keys in
`sampling_params` are refused as SGLang refuses them, so a client's typo fails here too.

Differs from SGLang: no streaming, penalties, grammars or prompt log-probabilities (refused with 400
naming the key); `custom_params: {"without_replacement": true}` draws n different completions (fewer
exist: the rest are empty with finish_reason "abort"); log-probabilities at temperature T, but at
T = 1 without replacement; the default weight version is the hash of the weights, not "default".

Run: `OMP_NUM_THREADS=1 python -m local.sglang_server --model-path runs/laptop/warm_start`
"""

import argparse
import contextlib
import json
import logging
import time

from local import patient_threads
from local.wire import BadRequest, classify, completions, embeddings, generate, scores


def build_app(engine, settings: dict, api_key: str | None = None):
    """The FastAPI application over an engine; `settings` is what /server_info repeats."""
    from fastapi import FastAPI, Request
    from fastapi.responses import Response

    from coprover.checkpoints import CheckpointError
    from local.engine import Refused

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        yield
        engine.close()

    app = FastAPI(title="CoProver laptop model server", lifespan=lifespan)

    def reply(content, status: int = 200) -> Response:
        return Response(json.dumps(content, ensure_ascii=False), status,
                        media_type="application/json")

    def openai_error(error) -> Response:
        return reply({"object": "error", "message": str(error), "type": "BadRequestError",
                      "param": None, "code": 400}, 400)

    def native_error(error) -> Response:
        text = str(error)
        return reply({"error": text if isinstance(error, BadRequest) else {"message": text}}, 400)

    def model_route(path: str, handler, on_error) -> None:
        async def endpoint(request: Request):
            try:
                body = await request.json()
                if not isinstance(body, dict):
                    raise BadRequest("the body must be a JSON object")
                return reply(await handler(engine, body))
            except json.JSONDecodeError as error:
                return on_error(BadRequest(f"the body is not JSON: {error}"))
            except (BadRequest, Refused) as error:
                return on_error(error)
        app.add_api_route(path, endpoint, methods=["POST", "PUT"])

    for path, handler, on_error in (
            ("/generate", generate, native_error), ("/classify", classify, native_error),
            ("/encode", classify, native_error), ("/v1/completions", completions, openai_error),
            ("/v1/embeddings", embeddings, openai_error)):
        model_route(path, handler, on_error)

    @app.get("/health")
    async def health():
        return Response(status_code=200 if engine.thread.is_alive() else 503)

    @app.get("/health_generate")
    async def health_generate():
        if engine.is_embedding:
            await scores(engine, "x")
        else:
            await generate(engine, {"text": "x", "sampling_params": {"max_new_tokens": 1}})
        return Response(status_code=200)

    @app.get("/model_info")
    @app.get("/get_model_info")
    async def model_info():
        return reply({"model_path": engine.model_path, "served_model_name": engine.model_path,
                      "tokenizer_path": engine.model_path,
                      "is_generation": not engine.is_embedding,
                      "preferred_sampling_params": None, "weight_version": engine.version,
                      "load_format": "auto", "has_image_understanding": False,
                      "has_audio_understanding": False, "model_type": engine.config.model_type,
                      "architectures": engine.config.architectures})

    @app.get("/server_info")
    @app.get("/get_server_info")
    async def server_info():
        return reply({**settings, "model_path": engine.model_path,
                      "weight_version": engine.version, "version": "coprover-local",
                      "internal_states": [{"running": len(engine.running),
                                           "waiting": len(engine.waiting)}]})

    @app.get("/v1/models")
    async def models():
        return reply({"object": "list", "data": [{
            "id": engine.model_path, "object": "model", "created": int(time.time()),
            "owned_by": "sglang", "root": engine.model_path, "parent": None,
            "max_model_len": engine.context}]})

    @app.api_route("/flush_cache", methods=["GET", "POST"])
    async def flush_cache():
        if engine.running or engine.waiting:
            return Response("Cache not flushed: requests are running or waiting.\n", 400)
        return Response("Cache flushed.\n", 200)  # keys live only as long as their batch

    @app.post("/update_weights_from_disk")
    async def update_weights(request: Request):
        import asyncio

        body = await request.json()
        if body.get("abort_all_requests"):
            engine.abort(everything=True)
        try:
            await asyncio.to_thread(engine.load, body.get("model_path") or engine.model_path,
                                    body.get("weight_version"))
        except (CheckpointError, OSError, ValueError) as error:
            return reply({"success": False, "message": str(error), "num_paused_requests": 0}, 400)
        return reply({"success": True, "message": "Succeeded to update model weights.",
                      "num_paused_requests": len(engine.waiting) if engine.paused else 0})

    @app.post("/pause_generation")
    async def pause(request: Request):
        try:
            mode = (await request.json()).get("mode", "abort")
        except json.JSONDecodeError:
            return reply({"error": {"message": "a JSON body is needed, e.g. {}"}}, 400)
        if mode not in ("abort", "retract", "in_place"):
            return native_error(BadRequest(f"mode must be abort, retract or in_place, not {mode}"))
        count = engine.pause(mode)
        return reply({"message": f"Generation paused ({count} requests).", "status": "ok"})

    @app.post("/continue_generation")
    async def resume():
        engine.resume()
        return reply({"message": "Generation continued.", "status": "ok"})

    @app.post("/abort_request")
    async def abort(request: Request):
        body = await request.json()
        engine.abort(str(body.get("rid") or ""), bool(body.get("abort_all")))
        return Response(status_code=200)

    if api_key:
        @app.middleware("http")
        async def authorise(request: Request, call_next):
            open_path = request.url.path.startswith(("/health", "/ready", "/metrics"))
            if open_path or request.headers.get("authorization") == f"Bearer {api_key}":
                return await call_next(request)
            return reply({"error": "Unauthorized"}, 401)

    return app


def make_parser() -> argparse.ArgumentParser:
    """SGLang's own spellings, as far as they mean something here."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-path", required=True, help="Hugging Face checkpoint directory")
    parser.add_argument("--is-embedding", action="store_true", help="serve a value model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=30000)
    parser.add_argument("--weight-version", default=None, help="default: hash of the weights")
    parser.add_argument("--context-length", type=int, default=None)
    parser.add_argument("--allow-auto-truncate", action="store_true",
                        help="cut long prompts instead of refusing them")
    parser.add_argument("--max-running-requests", type=int, default=256,
                        help="samples decoded together")
    parser.add_argument("--max-prefill-tokens", type=int, default=2048,
                        help="tokens of a value model's batch")
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--api-key", default=None)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for a value model")
    parser.add_argument("--threads", type=int, default=None,
                        help="torch threads (default: OMP_NUM_THREADS)")
    parser.add_argument("--log-level", default="info")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Serve until killed."""
    args = make_parser().parse_args(argv)
    logging.basicConfig(level=args.log_level.upper(),
                        format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    patient_threads()
    import torch
    import uvicorn

    from coprover.checkpoints import CheckpointError
    from local.engine import Engine, Refused

    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        engine = Engine(args.model_path, is_embedding=args.is_embedding,
                        version=args.weight_version, max_rows=args.max_running_requests,
                        token_budget=args.max_prefill_tokens, context_length=args.context_length,
                        auto_truncate=args.allow_auto_truncate, seed=args.random_seed,
                        device=args.device)
    except (CheckpointError, Refused, ValueError) as error:
        raise SystemExit(f"error: {error}") from None
    settings = {key: value for key, value in vars(args).items() if key != "api_key"}
    uvicorn.run(build_app(engine, settings, args.api_key), host=args.host, port=args.port,
                log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
