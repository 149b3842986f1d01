"""The laptop server's wire format, through real HTTP and through the project's own clients."""

import asyncio
import contextlib
import threading
import time

import pytest

torch = pytest.importorskip("torch")
import httpx  # noqa: E402

from coprover.checkpoints import CheckpointError, weight_version  # noqa: E402
from coprover.sampling import Sampler, SamplingError, ValueClient  # noqa: E402


@contextlib.contextmanager
def serving(engine, port, **settings):
    import uvicorn

    from local.sglang_server import build_app

    server = uvicorn.Server(uvicorn.Config(build_app(engine, {}, **settings), port=port,
                                           log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def url(checkpoint, free_port):
    from local.engine import Engine

    with serving(Engine(checkpoint), free_port) as address:
        yield address


def post(url, path, body):
    return httpx.post(url + path, json=body, timeout=60)


def test_one_prompt_one_sample_is_an_object(url, checkpoint):
    body = {"text": "P Q : Prop", "model": None, "unknown_top_level": 1, "return_logprob": True,
            "sampling_params": {"max_new_tokens": 7, "sampling_seed": 4, "ignore_eos": True}}
    answer = post(url, "/generate", body).json()
    meta = answer["meta_info"]
    assert meta["finish_reason"] == {"type": "length", "length": 7}
    assert meta["completion_tokens"] == 7 == len(answer["output_ids"])
    assert [t[1] for t in meta["output_token_logprobs"]] == answer["output_ids"]
    assert all(len(t) == 3 and t[2] is None and t[0] <= 0 for t in meta["output_token_logprobs"])
    assert meta["output_token_logprobs_length"] == 7
    assert meta["weight_version"] == weight_version(checkpoint)
    again = post(url, "/generate", body).json()
    assert again["output_ids"] == answer["output_ids"]
    other = post(url, "/generate", {**body, "sampling_params": {
        "max_new_tokens": 7, "sampling_seed": 5, "ignore_eos": True}}).json()
    assert other["output_ids"] != answer["output_ids"]


def test_lists_are_flat_and_prompt_major(url):
    params = {"n": 3, "max_new_tokens": 5, "temperature": 0}
    answers = post(url, "/generate", {"text": ["P Q", "h : P ∧ Q"],
                                      "sampling_params": params}).json()
    assert len(answers) == 6
    assert len({tuple(a["output_ids"]) for a in answers[:3]}) == 1
    assert [a["meta_info"]["prompt_tokens"] for a in answers[:3]] == [
        answers[0]["meta_info"]["prompt_tokens"]] * 3
    assert "output_token_logprobs" not in answers[0]["meta_info"]
    single = post(url, "/generate", {"input_ids": [5, 6], "sampling_params": {
        "n": 2, "max_new_tokens": 0}}).json()
    assert [a["output_ids"] for a in single] == [[], []]


@pytest.mark.parametrize("body, culprit", [
    ({"text": "x", "sampling_params": {"max_tokens": 3}}, "max_tokens"),
    ({"text": "x", "sampling_params": {"n": "3"}}, "sampling_params.n"),
    ({"text": "x", "sampling_params": {"frequency_penalty": 0.5}}, "frequency_penalty"),
    ({"text": "x", "return_logprob": 1}, "return_logprob"),
    ({"text": "x", "stream": True}, "stream"),
    ({"input_ids": []}, "input_ids"),
    ({"text": "x", "sampling_params": {"max_new_tokens": 256}}, "context length"),
])
def test_bad_requests_name_the_culprit(url, body, culprit):
    answer = post(url, "/generate", body)
    assert answer.status_code == 400
    assert culprit in str(answer.json()["error"])


def test_stop_strings_are_cut_from_the_text_only(url):
    base = {"max_new_tokens": 30, "sampling_seed": 1, "ignore_eos": True}
    text = post(url, "/generate", {"text": "P", "sampling_params": base}).json()["text"]
    mark = text[4:6]
    cut = post(url, "/generate", {"text": "P", "sampling_params": {**base, "stop": mark}}).json()
    kept = post(url, "/generate", {"text": "P", "sampling_params": {
        **base, "stop": [mark], "no_stop_trim": True}}).json()
    assert cut["meta_info"]["finish_reason"] == {"type": "stop", "matched": mark}
    assert cut["text"] == text[:text.index(mark)] and kept["text"] == cut["text"] + mark
    assert cut["output_ids"] == kept["output_ids"]


def test_completions_route(url):
    body = {"model": "m", "prompt": ["P Q", "h"], "n": 2, "max_tokens": 4, "logprobs": 0,
            "seed": 7, "return_token_ids": True, "ignore_eos": True}
    answer = post(url, "/v1/completions", body).json()
    assert [c["index"] for c in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["completion_tokens"] == 16
    choice = answer["choices"][0]
    assert len(choice["logprobs"]["token_logprobs"]) == 4 == len(choice["token_ids"])
    assert choice["finish_reason"] == "length" and answer["metadata"]["weight_version"]
    assert post(url, "/v1/completions", {"prompt": ""}).json()["type"] == "BadRequestError"


def test_information_routes(url, checkpoint):
    for path in ("/health", "/health_generate", "/flush_cache"):
        assert httpx.get(url + path).status_code == 200
    info = httpx.get(url + "/get_model_info").json()
    assert info == httpx.get(url + "/model_info").json()
    assert info["model_path"] == checkpoint and info["is_generation"] is True
    assert httpx.get(url + "/server_info").json()["weight_version"] == info["weight_version"]
    assert httpx.get(url + "/v1/models").json()["data"][0]["max_model_len"] == 256
    refused = post(url, "/v1/embeddings", {"input": "x"})
    assert refused.status_code == 400 and "--is-embedding" in refused.json()["message"]


def test_weights_are_replaced_and_a_bad_checkpoint_is_refused(url, other_checkpoint, tmp_path):
    before = post(url, "/generate", {"text": "P", "sampling_params": {"temperature": 0}}).json()
    answer = post(url, "/update_weights_from_disk", {"model_path": str(tmp_path)})
    assert answer.status_code == 400 and "config.json" in answer.json()["message"]
    answer = post(url, "/update_weights_from_disk", {"model_path": other_checkpoint})
    assert answer.json()["success"] is True
    after = post(url, "/generate", {"text": "P", "sampling_params": {"temperature": 0}}).json()
    assert after["output_ids"] != before["output_ids"]
    assert after["meta_info"]["weight_version"] == weight_version(other_checkpoint)
    assert httpx.get(url + "/model_info").json()["served_model_name"] == other_checkpoint


def test_pause_holds_requests_and_abort_ends_them(url):
    assert httpx.post(url + "/pause_generation").status_code == 400  # a body is needed
    assert post(url, "/pause_generation", {"mode": "in_place"}).status_code == 200
    answers = []
    body = {"text": "P", "rid": "abc", "sampling_params": {"max_new_tokens": 4}}
    waiting = threading.Thread(target=lambda: answers.append(post(url, "/generate", body).json()))
    waiting.start()
    while not httpx.get(url + "/server_info").json()["internal_states"][0]["waiting"]:
        time.sleep(0.01)
    assert httpx.get(url + "/flush_cache").status_code == 400 and not answers
    post(url, "/abort_request", {"rid": "ab"})
    post(url, "/continue_generation", {})
    waiting.join()
    assert answers[0]["meta_info"]["finish_reason"]["type"] == "abort"


def test_api_key(checkpoint, free_port):
    from local.engine import Engine

    with serving(Engine(checkpoint), free_port, api_key="k") as address:
        assert httpx.get(address + "/model_info").status_code == 401
        assert httpx.get(address + "/health").status_code == 200

        async def ask():
            async with Sampler(address, api_key="k") as sampler:
                return await sampler.weight_version()
        assert asyncio.run(ask()) == weight_version(checkpoint)


@pytest.mark.parametrize("request_per", ["prompt", "sample", "batch"])
def test_client(url, checkpoint, request_per):
    async def ask():
        async with Sampler(url, request_per=request_per) as sampler:
            await sampler.health()
            prompts = ["P Q", "h : P", "⊢ P"]
            plain = await sampler.generate(prompts, 3, max_new_tokens=6, seed=1)
            again = await sampler.generate(prompts[::-1], 3, max_new_tokens=6, seed=1)
            several = await sampler.generate(prompts, 3, max_new_tokens=6, seed=1, distinct=True)
        async with Sampler(url, request_per=request_per, without_replacement="server") as sampler:
            exact = await sampler.generate(prompts, 3, max_new_tokens=6, seed=1, distinct=True)
        return plain, again[::-1], several, exact
    plain, again, several, exact = asyncio.run(ask())
    assert [[s.token_ids for s in g] for g in plain] == [[s.token_ids for s in g] for g in again]
    assert all(len(g) == 3 for g in plain)
    for group in several + exact:
        assert len({s.text for s in group}) == len(group) <= 3
    sample = plain[0][0]
    assert len(sample.logprobs) == sample.n_tokens and sample.logprob < 0
    assert sample.weight_version == weight_version(checkpoint)


def test_many_requests_at_once_are_batched(url):
    async def ask():
        async with Sampler(url) as sampler:
            return await sampler.generate([f"P{i}" for i in range(40)], 2, max_new_tokens=5, seed=3)
    groups = asyncio.run(ask())
    assert len(groups) == 40 and all(len(g) == 2 for g in groups)


def test_client_errors_name_the_server():
    async def ask():
        async with Sampler("http://127.0.0.1:9", retries=0) as sampler:
            await sampler.generate(["x"])
    with pytest.raises(SamplingError, match="http://127.0.0.1:9/generate"):
        asyncio.run(ask())
    with pytest.raises(SamplingError, match="request_per"):
        Sampler("http://x", request_per="theorem")


def test_value_model_scores(checkpoint, tokenizer, tmp_path, free_port, model):
    value_model = pytest.importorskip("value_model")
    from local.engine import Engine

    value = value_model.load(checkpoint, head_hidden=16)
    from coprover.checkpoints import save_hf
    save_hf(tmp_path / "value", value, tokenizer)
    texts = ["⊢ P", "P Q : Prop\nh : P ∧ Q\n⊢ P", "⊢ P", "h : Q\n⊢ Q ∧ Q"]
    with serving(Engine(str(tmp_path / "value"), is_embedding=True), free_port) as address:
        async def ask():
            async with ValueClient(address, batch_texts=2) as client:
                return await client.score(texts), await client.weight_version()
        values, version = asyncio.run(ask())
        native = post(address, "/classify", {"text": texts}).json()
        packed = post(address, "/v1/embeddings",
                      {"input": texts[0], "encoding_format": "base64"}).json()
        assert "value model" in str(post(address, "/generate", {"text": "x"}).json())
        assert httpx.get(address + "/health_generate").status_code == 200
    assert version == weight_version(tmp_path / "value")
    import base64
    import struct
    assert struct.unpack("<f", base64.b64decode(packed["data"][0]["embedding"]))[0] == (
        pytest.approx(native[0]["embedding"][0], abs=1e-5))
    value.eval()
    for text, v, item in zip(texts, values, native, strict=True):
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            logit = value(input_ids=ids).logits.view(-1)[0]
        assert v == pytest.approx(float(logit.sigmoid()), abs=1e-5)
        assert item["embedding"][0] == pytest.approx(float(logit), abs=1e-5)
    assert values[0] == values[2]


def test_incomplete_checkpoints_are_named(tmp_path):
    from local.engine import Engine

    with pytest.raises(CheckpointError, match="nothing-here"):
        Engine(str(tmp_path / "nothing-here"))
