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
import base64
import contextlib
import json
import logging
import struct
import time
import uuid

PARAMS = {  # name -> (type, default): what SGLang accepts and this server can do
    "max_new_tokens": (int, 128), "min_new_tokens": (int, 0), "n": (int, 1),
    "temperature": (float, 1.0), "top_p": (float, 1.0), "top_k": (int, -1), "min_p": (float, 0.0),
    "stop": (list, ()), "stop_token_ids": (list, ()), "ignore_eos": (bool, False),
    "skip_special_tokens": (bool, True), "no_stop_trim": (bool, False),
    "spaces_between_special_tokens": (bool, True), "sampling_seed": (int, None),
    "custom_params": (dict, None),
}
NEUTRAL = {  # accepted by SGLang, only with the value that means "off" here
    "frequency_penalty": 0.0, "presence_penalty": 0.0, "repetition_penalty": 1.0,
    "stop_regex": None, "regex": None, "json_schema": None, "ebnf": None, "structural_tag": None,
    "logit_bias": None, "beam_width": None, "stream_interval": None, "watermark": None,
    "choice": None,
}


class BadRequest(ValueError):
    """A body that SGLang's schema would refuse, or that asks for what the stand-in lacks."""


def parse_params(given: dict | None) -> dict:
    """Validated sampling parameters with their defaults. Raises BadRequest naming the key."""
    given = given or {}
    if not isinstance(given, dict):
        raise BadRequest("sampling_params must be an object")
    for key, value in given.items():
        if key in NEUTRAL:
            if value not in (None, NEUTRAL[key], [], {}):
                raise BadRequest(f"sampling_params.{key} is not supported by the laptop server")
        elif key not in PARAMS:
            raise BadRequest(f"sampling_params has an unknown key: {key}")
    params = {key: _typed(key, given.get(key), kind, default)
              for key, (kind, default) in PARAMS.items()}
    if params["max_new_tokens"] < 0:
        raise BadRequest("max_new_tokens must be at least 0")
    if params["n"] < 1 or params["temperature"] < 0 or not 0 < params["top_p"] <= 1:
        raise BadRequest("n must be >= 1, temperature >= 0 and top_p in (0, 1]")
    if params["top_k"] < -1 or params["top_k"] == 0 or not 0 <= params["min_p"] <= 1:
        raise BadRequest("top_k must be -1 or >= 1 and min_p in [0, 1]")
    return params


def _typed(key: str, value, kind: type, default):
    if value is None:
        return default
    if key == "stop" and isinstance(value, str):
        value = [value]
    ok = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if kind is float:
        ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not ok:
        raise BadRequest(f"sampling_params.{key} must be {kind.__name__}, got {value!r}")
    return kind(value) if kind is float else value


def sampler_params(params: dict) -> dict:
    """The fields of `local.sampler.Request` (without ids) from validated parameters."""
    keys = ("max_new_tokens", "min_new_tokens", "n", "temperature", "top_p", "top_k", "min_p",
            "ignore_eos", "sampling_seed")
    custom = params["custom_params"] or {}
    return {**{key: params[key] for key in keys}, "stop": tuple(s for s in params["stop"] if s),
            "stop_token_ids": tuple(params["stop_token_ids"]),
            "without_replacement": bool(custom.get("without_replacement", False))}


def prompt_ids(engine, text, input_ids) -> tuple[list[list[int]], bool]:
    """Token ids of each prompt, and whether a single prompt was given. Raises BadRequest."""
    from local import tokenizer as tok

    if text is not None:
        single = isinstance(text, str)
        texts = [text] if single else text
        if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts) or not texts:
            raise BadRequest("text must be a string or a non-empty list of strings")
        return tok.encode(engine.tokenizer, texts), single
    single = isinstance(input_ids, list) and all(isinstance(i, int) for i in input_ids)
    rows = [input_ids] if single else input_ids
    size = engine.config.vocab_size
    if not isinstance(rows, list) or not rows or not all(
            isinstance(r, list) and r and all(isinstance(i, int) and 0 <= i < size for i in r)
            for r in rows):
        raise BadRequest("give text, or input_ids as non-empty lists of token ids")
    return rows, single


def finish_reason(completion) -> dict:
    """SGLang's finish_reason object."""
    if completion.finish == "stop":
        return {"type": "stop", "matched": completion.matched}
    if completion.finish == "length":
        return {"type": "length", "length": len(completion.ids)}
    return {"type": "abort", "message": "aborted", "status_code": None, "err_type": None}


async def generate(engine, body: dict):
    """The answer of /generate for a request body. Raises BadRequest or engine.Refused."""
    from local.engine import requests_for, text_of
    from local.sampler import Completion

    if engine.is_embedding:
        raise BadRequest("this server holds a value model: use /v1/embeddings or /classify")
    for key in ("stream", "return_hidden_states", "lora_path", "session_params"):
        if body.get(key):
            raise BadRequest(f"{key} is not supported by the laptop server")
    want = body.get("return_logprob", False)
    if not isinstance(want, (bool, list)):
        raise BadRequest("return_logprob must be a boolean")
    if want and (body.get("logprob_start_len") not in (None, -1) or body.get("top_logprobs_num")):
        raise BadRequest("logprob_start_len and top_logprobs_num are not supported here")
    prompts, single = prompt_ids(engine, body.get("text"), body.get("input_ids"))
    given = body.get("sampling_params")
    params = [parse_params(p) for p in (given if isinstance(given, list)
                                        else [given] * len(prompts))]
    if len(params) != len(prompts):
        raise BadRequest(f"{len(prompts)} prompts but {len(params)} sampling_params")
    n = params[0]["n"]
    if any(p["n"] != n for p in params):
        raise BadRequest("every item of sampling_params must carry the same n")
    requests = requests_for(engine, prompts, [sampler_params(p) for p in params])
    rid = body.get("rid")
    rid = rid if isinstance(rid, str) else uuid.uuid4().hex
    job = await engine.submit(requests, rid)
    answers = []
    for i, (group, request, p) in enumerate(zip(job.future.result(), requests, params,
                                                strict=True)):
        group = group + [Completion([], [], "abort")] * (n - len(group))
        for j, completion in enumerate(group):
            meta = {"id": f"{rid}_{i}_{j}" if not (single and n == 1) else rid,
                    "finish_reason": finish_reason(completion),
                    "prompt_tokens": len(request.ids), "completion_tokens": len(completion.ids),
                    "cached_tokens": 0, "reasoning_tokens": 0, "weight_version": job.version,
                    "num_retractions": 0, "e2e_latency": time.perf_counter() - job.created}
            if want is True or (isinstance(want, list) and want[i]):
                meta["output_token_logprobs"] = [
                    [value, token, None]
                    for value, token in zip(completion.logprobs, completion.ids, strict=True)]
                meta["output_token_logprobs_length"] = len(completion.ids)
            if request.without_replacement:
                meta["without_replacement"] = True
            answers.append({"text": text_of(engine, completion, trim=not p["no_stop_trim"],
                                            skip_special=p["skip_special_tokens"]),
                            "output_ids": completion.ids, "meta_info": meta})
    return answers[0] if single and n == 1 else answers


async def completions(engine, body: dict) -> dict:
    """The answer of /v1/completions (OpenAI form)."""
    prompt = body.get("prompt")
    if not prompt:
        raise BadRequest("prompt is empty")
    if body.get("echo") or body.get("stream"):
        raise BadRequest("echo and stream are not supported by the laptop server")
    if not isinstance(body.get("max_tokens", 16), int) or body.get("max_tokens", 16) <= 0:
        raise BadRequest("max_tokens must be a positive integer")
    is_text = isinstance(prompt, str) or (isinstance(prompt, list) and isinstance(prompt[0], str))
    renamed = {"max_tokens": "max_new_tokens", "min_tokens": "min_new_tokens",
               "seed": "sampling_seed"}
    params = {renamed.get(key, key): value for key, value in body.items()
              if renamed.get(key, key) in PARAMS or key in NEUTRAL}
    params.setdefault("max_new_tokens", 16)
    answer = await generate(engine, {("text" if is_text else "input_ids"): prompt,
                                     "sampling_params": params, "return_logprob": True})
    answers = answer if isinstance(answer, list) else [answer]
    n = params.get("n") or 1
    choices = [_choice(engine, i, a, body) for i, a in enumerate(answers)]
    used = sum(a["meta_info"]["completion_tokens"] for a in answers)
    asked = sum(a["meta_info"]["prompt_tokens"] for a in answers[::n])
    return {"id": uuid.uuid4().hex, "object": "text_completion", "created": int(time.time()),
            "model": body.get("model", "default"), "choices": choices,
            "usage": {"prompt_tokens": asked, "completion_tokens": used,
                      "total_tokens": asked + used, "prompt_tokens_details": None},
            "metadata": {"weight_version": answers[0]["meta_info"]["weight_version"]}}


def _choice(engine, index: int, answer: dict, body: dict) -> dict:
    from local import tokenizer as tok

    reason = answer["meta_info"]["finish_reason"]
    choice = {"index": index, "text": answer["text"], "logprobs": None,
              "finish_reason": reason["type"], "matched_stop": reason.get("matched")}
    if body.get("logprobs") is not None:
        if body["logprobs"] > 0:
            raise BadRequest("logprobs > 0 (alternatives) is not supported here; use 0")
        triples = answer["meta_info"]["output_token_logprobs"]
        choice["logprobs"] = {"tokens": [tok.decode(engine.tokenizer, [t], False)
                                         for _, t, _ in triples],
                              "token_logprobs": [value for value, _, _ in triples],
                              "top_logprobs": [], "text_offset": [-1] * len(triples)}
    if body.get("return_token_ids"):
        choice["token_ids"] = answer["output_ids"]
    return choice


async def scores(engine, text, input_ids=None):
    """(logits, token counts, job, single) of a value model for texts or ids."""
    if not engine.is_embedding:
        raise BadRequest("this server holds a generator: start it with --is-embedding on a value "
                         "model")
    prompts, single = prompt_ids(engine, text, input_ids)
    items = [engine.fit(list(ids))[0] for ids in prompts]
    job = await engine.submit(items, uuid.uuid4().hex)
    return job.future.result(), [len(i) for i in items], job, single


async def embeddings(engine, body: dict) -> dict:
    """The answer of /v1/embeddings: one raw logit per input."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    is_text = isinstance(texts, list) and bool(texts) and isinstance(texts[0], str)
    if is_text and any(not isinstance(t, str) or not t.strip() for t in texts):
        raise BadRequest("input holds a blank string")
    logits, counts, job, _ = await scores(engine, texts if is_text else None,
                                          None if is_text else given)
    packed = body.get("encoding_format", "float") == "base64"
    data = [{"object": "embedding", "index": i, "embedding":
             base64.b64encode(struct.pack("<f", x)).decode() if packed else [x]}
            for i, x in enumerate(logits)]
    return {"object": "list", "data": data, "model": body.get("model", "default"),
            "usage": {"prompt_tokens": sum(counts), "total_tokens": sum(counts)},
            "metadata": {"weight_version": job.version}}


async def classify(engine, body: dict):
    """The answer of the native /classify: `embedding` is the raw logit."""
    logits, counts, job, single = await scores(engine, body.get("text"), body.get("input_ids"))
    answers = [{"embedding": [x], "meta_info": {
        "id": f"{job.rid}_{i}", "finish_reason": {"type": "length", "length": 0},
        "prompt_tokens": c, "weight_version": job.version, "num_retractions": 0,
        "e2e_latency": time.perf_counter() - job.created}}
        for i, (x, c) in enumerate(zip(logits, counts, strict=True))]
    return answers[0] if single else answers


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
