"""The clients against a scripted server: what goes over the wire, retries, contract breaches."""

import asyncio
import json

import pytest
from aiohttp import web

from coprover.checkpoints import CheckpointError, atomic_directory, recover, weight_version
from coprover.sampling import Sampler, SamplingError, ValueClient, prompt_seed, sigmoid


def completion(text, ids, version="v1", reason="stop", **meta):
    return {"text": text, "output_ids": ids, "meta_info": {
        "finish_reason": {"type": reason}, "weight_version": version, "prompt_tokens": 3,
        "output_token_logprobs": [[-0.5, i, None] for i in ids], **meta}}


def conversation(handler, talk, route="/generate"):
    """Run `talk(url)` against a server that answers `route` with handler(body); returns both."""
    bodies = []

    async def answer(request):
        bodies.append(await request.json() if request.can_read_body else None)
        result = handler(bodies[-1], len(bodies))
        return result if isinstance(result, web.Response) else web.json_response(result)

    async def main():
        app = web.Application()
        app.router.add_route("*", route, answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        try:
            return await talk(f"http://127.0.0.1:{port}")
        finally:
            await runner.cleanup()
    return asyncio.run(main()), bodies


def test_request_per_prompt_and_the_parsed_sample():
    async def talk(url):
        async with Sampler(url) as sampler:
            return await sampler.generate(["a", "b"], 2, temperature=1.0, max_new_tokens=9,
                                          stop=["\n"], seed=7)
    groups, bodies = conversation(
        lambda body, _: [completion(body["text"] + "1", [4, 5]), completion("x", [6])], talk)
    assert [[s.text for s in g] for g in groups] == [["a1", "x"], ["b1", "x"]]
    sample = groups[0][0]
    assert (sample.token_ids, sample.logprob, sample.n_tokens) == ((4, 5), -1.0, 2)
    assert (sample.finish_reason, sample.weight_version) == ("stop", "v1")
    body = min(bodies, key=lambda b: b["text"])
    assert body["return_logprob"] is True and body["sampling_params"] == {
        "n": 2, "temperature": 1.0, "max_new_tokens": 9, "top_p": 1.0, "top_k": -1,
        "stop": ["\n"], "sampling_seed": prompt_seed(7, "a")}


def test_request_per_sample_gives_each_its_own_seed():
    async def talk(url):
        async with Sampler(url, request_per="sample") as sampler:
            return await sampler.generate(["a"], 3, seed=1)
    (group,), bodies = conversation(lambda body, _: completion("x", [4]), talk)
    assert len(group) == 3
    assert {b["sampling_params"]["sampling_seed"] for b in bodies} == {
        prompt_seed(1, "a", i) for i in range(3)}
    assert all(b["sampling_params"]["n"] == 1 for b in bodies)


def test_batches_carry_one_seed_a_prompt():
    async def talk(url):
        async with Sampler(url, request_per="batch", batch_prompts=2) as sampler:
            return await sampler.generate(["a", "b", "c"], 1, seed=1)
    groups, bodies = conversation(
        lambda body, _: [completion(t, [4]) for t in body["text"]], talk)
    assert [g[0].text for g in groups] == ["a", "b", "c"] and len(bodies) == 2
    first = next(b for b in bodies if len(b["text"]) == 2)
    assert [p["sampling_seed"] for p in first["sampling_params"]] == [
        prompt_seed(1, "a"), prompt_seed(1, "b")]


def test_distinct_on_the_client_oversamples_and_drops_duplicates():
    async def talk(url):
        async with Sampler(url, oversample=3) as sampler:
            return await sampler.generate(["a"], 2, distinct=True)
    texts = ["x", "x", "y", "x", "z", "y"]
    (group,), bodies = conversation(
        lambda body, _: [completion(t, [4 + i]) for i, t in enumerate(texts)], talk)
    assert [s.text for s in group] == ["x", "y"] and bodies[0]["sampling_params"]["n"] == 6
    assert "custom_params" not in bodies[0]["sampling_params"]


def test_distinct_on_a_server_that_cannot_is_an_error_not_duplicates():
    async def talk(url):
        async with Sampler(url, without_replacement="server") as sampler:
            return await sampler.generate(["a"], 2, distinct=True)
    with pytest.raises(SamplingError, match="without_replacement=client"):
        conversation(lambda body, _: [completion("x", [4])] * 2, talk)
    (group,), bodies = conversation(
        lambda body, _: [completion("x", [4], without_replacement=True),
                         completion("", [], reason="abort", without_replacement=True)], talk)
    assert [s.text for s in group] == ["x"]
    assert bodies[0]["sampling_params"]["custom_params"] == {"without_replacement": True}


def test_server_errors_are_retried_and_client_errors_are_not():
    async def talk(url):
        async with Sampler(url, retries=2) as sampler:
            return await sampler.generate(["a"], 1)
    groups, bodies = conversation(
        lambda body, n: web.Response(status=503) if n == 1 else completion("x", [4]), talk)
    assert groups[0][0].text == "x" and len(bodies) == 2
    with pytest.raises(SamplingError, match="400: unknown key"):
        conversation(lambda body, _: web.Response(status=400, text="unknown key"), talk)


def test_health_needs_no_json_but_answers_do():
    """The router answers /health with the word OK."""
    async def health(url):
        async with Sampler(url) as sampler:
            await sampler.health()

    async def generate(url):
        async with Sampler(url) as sampler:
            await sampler.generate(["a"], 1)
    conversation(lambda body, _: web.Response(text="OK"), health, "/health")
    with pytest.raises(SamplingError, match="does not answer JSON: b'OK'"):
        conversation(lambda body, _: web.Response(text="OK"), generate)


def test_misaligned_tokens_are_an_error():
    broken = completion("x", [4, 5])
    broken["meta_info"]["output_token_logprobs"].pop()

    async def talk(url):
        async with Sampler(url) as sampler:
            return await sampler.generate(["a"], 1)
    with pytest.raises(SamplingError, match="2 output ids but 1"):
        conversation(lambda body, _: broken, talk)


def test_values_are_sigmoids_in_the_order_of_the_texts():
    async def talk(url):
        async with ValueClient(url, batch_texts=2) as client:
            return await client.score(["a", "bb", "a", "ccc"])
    values, bodies = conversation(
        lambda body, _: {"data": [{"index": i, "embedding": [float(len(t))]}
                                  for i, t in reversed(list(enumerate(body["input"])))]},
        talk, "/v1/embeddings")
    assert values == [sigmoid(1.0), sigmoid(2.0), sigmoid(1.0), sigmoid(3.0)]
    assert sorted(len(b["input"]) for b in bodies) == [1, 2]
    with pytest.raises(SamplingError, match="not a scalar value model"):
        conversation(lambda body, _: {"data": [{"index": 0, "embedding": [0.1, 0.2]}]},
                     lambda url: ValueClient(url).score(["a"]), "/v1/embeddings")


def test_seeds_depend_on_prompt_and_seed_only():
    assert prompt_seed(1, "a") == prompt_seed(1, "a") != prompt_seed(2, "a")
    assert len({prompt_seed(1, "a", i) for i in range(100)}) == 100
    assert 0 <= prompt_seed(0, "") < 2**48
    assert sigmoid(0.0) == 0.5 and sigmoid(-800.0) == 0.0 and sigmoid(800.0) == 1.0


def test_weight_versions_follow_the_weights(tmp_path):
    for name, data in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(data)
    a, b, c = (weight_version(tmp_path / n) for n in "abc")
    assert a == b != c and len(a) == 12
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        weight_version(tmp_path / "d")
    (tmp_path / "a" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no weights"):
        weight_version(tmp_path / "a")
    index = {"weight_map": {"x": "model.safetensors", "y": "model-2.safetensors"}}
    (tmp_path / "b" / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="lacks model-2.safetensors .* of its 2 weight files"):
        weight_version(tmp_path / "b")


def test_directories_are_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"
    with atomic_directory(target) as folder:
        (folder / "x").write_text("1")
    with pytest.raises(RuntimeError):
        with atomic_directory(target) as folder:
            (folder / "x").write_text("2")
            raise RuntimeError("killed")
    assert (target / "x").read_text() == "1"
    with atomic_directory(target) as folder:
        (folder / "x").write_text("3")
    assert (target / "x").read_text() == "3" and recover(target)
    target.rename(tmp_path / "model.old")  # the instant between the two renames
    assert recover(target) and (target / "x").read_text() == "3"
    assert not recover(tmp_path / "never")
