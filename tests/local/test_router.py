"""The laptop's model servers behind the real sglang-router, and their bodies under SGLang's schema.

COPROVER_SGLANG_WHEEL names a wheel of sglang (pip download --no-deps sglang==0.5.23) for the schema
tests; they need msgspec, and skip visibly without the two.
"""

import asyncio
import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
import zipfile

import pytest

pytest.importorskip("torch")
import httpx  # noqa: E402
from lean_fake import stop  # noqa: E402
from test_sglang_server import serving  # noqa: E402

from coprover.checkpoints import save_hf, weight_version  # noqa: E402
from coprover.sampling import Sampler, ValueClient  # noqa: E402

PROMPTS = ["P Q : Prop", "h : P ∧ Q\n⊢ Q", "⊢ P → P"]


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def router(worker: str, until: str = "/readiness"):
    """Yields the URL of a router in front of one worker once a route of its own answers 200."""
    own = port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sglang_router.launch_router", "--worker-urls", worker,
         "--policy", "cache_aware", "--host", "127.0.0.1", "--port", str(own),
         "--prometheus-host", "127.0.0.1", "--prometheus-port", str(port())],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{own}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(url + until, timeout=5).status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        stop(process)


def samples(url: str) -> list:
    async def go():
        async with Sampler(url) as sampler:
            await sampler.health()
            version = await sampler.weight_version()
            groups = await sampler.generate(PROMPTS, 3, max_new_tokens=12, seed=5, stop=["\n\n"])
            return [version, *([(s.text, s.logprob, s.n_tokens, s.weight_version) for s in g]
                               for g in groups)]

    return asyncio.run(go())


def values(url: str) -> list[float]:
    async def go():
        async with ValueClient(url, batch_texts=2) as client:
            await client.health()
            return await client.score(PROMPTS)

    return asyncio.run(go())


def test_the_router_is_ready_once_a_worker_is_and_healthy_before():
    pytest.importorskip("sglang_router")
    with router(f"http://127.0.0.1:{port()}", until="/health") as url:
        assert httpx.get(f"{url}/readiness", timeout=5).status_code == 503


def test_the_generator_is_the_same_behind_the_router(checkpoint):
    pytest.importorskip("sglang_router")
    from local.engine import Engine

    with serving(Engine(checkpoint), port()) as direct, router(direct) as routed:
        version, *groups = samples(routed)
        assert version == weight_version(checkpoint)
        for sample, other in zip(sum(groups, []), sum(samples(direct)[1:], []), strict=True):
            # requests that arrive together are one batch; its size shows in the last bits
            assert sample == (other[0], pytest.approx(other[1], rel=1e-5), *other[2:])


def test_the_value_model_is_the_same_behind_the_router(checkpoint, tokenizer, tmp_path):
    pytest.importorskip("sglang_router")
    import value_model
    from local.engine import Engine

    save_hf(tmp_path / "value", value_model.load(checkpoint, head_hidden=16), tokenizer)
    engine = Engine(str(tmp_path / "value"), is_embedding=True)
    with serving(engine, port()) as direct, router(direct) as routed:
        assert values(routed) == pytest.approx(values(direct), rel=1e-5)


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """SGLang's own gate before /generate, loaded from its wheel."""
    wheel = os.environ.get("COPROVER_SGLANG_WHEEL")
    if not wheel:
        pytest.skip("COPROVER_SGLANG_WHEEL names no wheel of sglang: its schema was not asked")
    pytest.importorskip("msgspec")
    folder = tmp_path_factory.mktemp("sglang")
    with zipfile.ZipFile(wheel) as archive:
        path = archive.extract("sglang/api/v1/api_types.py", folder)
    spec = importlib.util.spec_from_file_location("sglang_api_types", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def exchanges(checkpoint, **options) -> list[tuple[dict, dict]]:
    """(request, answer) of /generate as the project's client sends them and our server answers."""
    from local.engine import Engine

    seen = []
    with serving(Engine(checkpoint), port()) as url:
        async def go():
            async with Sampler(url, **options) as sampler:
                send = sampler.request

                async def noted(method, path, body=None, **more):
                    answer = await send(method, path, body, **more)
                    if path == "/generate":
                        seen.append((body, answer))
                    return answer

                sampler.request = noted
                await sampler.generate(PROMPTS, 2, max_new_tokens=8, seed=1, stop=["x"])

        asyncio.run(go())
    return seen


@pytest.mark.parametrize("kind", ["prompt", "sample"])
def test_requests_and_answers_pass_sglangs_schema(schema, checkpoint, kind):
    seen = exchanges(checkpoint, request_per=kind)
    assert len(seen) >= len(PROMPTS)
    for body, answer in seen:
        schema.GenerateRequest.from_json_value(body)
        for item in answer if isinstance(answer, list) else [answer]:
            schema.GenerateResponse.from_json_value(item)
    with pytest.raises(Exception, match="(?i)unknown|unexpected|field|max_tokens"):
        wrong = {**seen[0][0], "sampling_params": {"max_tokens": 3}}
        schema.GenerateRequest.from_json_value(wrong)
