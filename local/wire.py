"""SGLang's wire format: what the laptop server accepts, and the answers it gives.

Each handler takes the engine and a request body and returns the answer's JSON value; the routes are
in local/sglang_server.py. Field names and defaults are those of SGLang 0.5.
"""

import base64
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
    """The fields of `local.completions.Request` (without ids) from validated parameters."""
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
    from local.completions import Completion
    from local.engine import requests_for, text_of

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
