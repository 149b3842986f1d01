"""Reward hooks under SLIME's contract, over the fake REPL; the value bonus and its bounds."""

import asyncio
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from lean_fake import FAKE, fenced, serve

import lean_reward
import value_reward
from coprover import config
from coprover.config import ConfigError

STATEMENT = "import Mathlib\n\ntheorem foo (a b : Nat) : a + b = b + a := by"


@dataclass
class Sample:
    """The fields of SLIME's Sample that the hooks touch."""

    response: str
    group_index: int = 0
    response_length: int = 4
    remove_sample: bool = False
    loss_mask: list | None = None
    metadata: dict = field(
        default_factory=lambda: {"name": "foo", "formal_statement": STATEMENT}
    )


@pytest.fixture(scope="module")
def server():
    with serve() as (url, _):
        yield url


@pytest.fixture(autouse=True)
def fresh_window():
    lean_reward._WINDOW.clear()


def args(url, *sets, **extra):
    cfg = config.load(["configs/local.yaml"], [*FAKE, f"lean.url={url}", *sets])
    return SimpleNamespace(coprover_cfg=cfg, **extra)


def reward(hook, arguments, sample):
    return asyncio.run(hook.compute_reward(arguments, sample))


@pytest.mark.parametrize("hook", [lean_reward, value_reward])
@pytest.mark.parametrize(
    "code, expected", [("simp", 1.0), ("FAIL", 0.0), ("HANG", 0.0), ("CRASH", 0.0), ("sorry", 0.0)]
)
def test_binary_reward(server, hook, code, expected):
    sample = Sample(fenced(code))
    assert reward(hook, args(server), sample) == expected
    assert not sample.remove_sample and sample.metadata["verdict"]


def test_lists_and_reward_key(server):
    samples = [Sample(fenced("simp")), Sample("no code"), Sample(fenced("FAIL"))]
    assert reward(lean_reward, args(server), samples) == [1.0, 0.0, 0.0]
    rewards = reward(lean_reward, args(server, reward_key="score"), samples)
    assert [r["score"] for r in rewards] == [1.0, 0.0, 0.0]
    assert rewards[0] == {"score": 1.0, "proof": 1.0, "value_bonus": 0.0, "verdict": "verified"}
    assert [s.metadata["reason"] for s in samples] == ["", "no_code", "lean_error"]


def test_no_server_leaves_samples_unscored_and_then_stops():
    gone = args("http://127.0.0.1:9")
    sample = Sample(fenced("simp"))
    assert reward(lean_reward, gone, sample) == 0.0
    assert sample.remove_sample and sample.loss_mask == [0] * 4
    assert sample.metadata["verdict"] == "unavailable"
    with pytest.raises(lean_reward.TooManyUnscored):
        reward(lean_reward, gone, [Sample(fenced(f"simp [h{i}]")) for i in range(70)])


class Values(BaseHTTPRequestHandler):
    """/v1/embeddings with logit 0 (value 1/2) for every text but those with `left` (about 1)."""

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        self.server.seen += texts
        data = [{"index": i, "embedding": [20.0 if "left" in t else 0.0]}
                for i, t in enumerate(texts)]  # fmt: skip
        body = json.dumps({"data": data, "model": "v"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def values():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Values)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", server.seen
    server.shutdown()
    server.server_close()


def with_values(server, url, *sets):
    return args(server, f"grpo.slime.value_url={url}", "reward.value_weight=0.4", *sets)


def test_bonus_only_beside_a_proof_and_never_a_proof(server, values):
    url, seen = values
    group = [
        Sample(fenced("go far\nFAIL")),  # reaches one state of value 1/2
        Sample(fenced("split\nFAIL")),  # two goals: about 1 and 1/2, multiplied
        Sample(fenced("FAIL\ngo far")),  # reaches nothing
        Sample("no code"),
        Sample(fenced("simp")),
        Sample(fenced("go far\nFAIL"), group_index=1),  # its group has no proof
    ]
    rewards = reward(value_reward, with_values(server, url), group)
    assert rewards == pytest.approx([0.2, 0.2, 0.0, 0.0, 1.0, 0.0], abs=1e-6)
    assert [s.metadata["value_bonus"] for s in group] == rewards[:4] + [0.0, 0.0]
    assert seen
    big = with_values(server, url, "reward.value_weight=100", "reward.value_cap=0.5")
    assert reward(value_reward, big, group)[:5] == [0.5, 0.5, 0.0, 0.0, 1.0]


def test_bonus_is_off_by_default(server, values):
    url, seen = values
    group = [Sample(fenced("go far\nFAIL")), Sample(fenced("simp"))]
    assert reward(value_reward, args(server, f"grpo.slime.value_url={url}"), group) == [0.0, 1.0]
    assert not seen


def test_bonus_settings_are_checked(server, values):
    with pytest.raises(ConfigError, match="cap in"):
        bad = with_values(server, values[0], "reward.value_cap=1.0")
        reward(value_reward, bad, [Sample(fenced("simp"))])
    with pytest.raises(ConfigError, match="--group-rm"):
        reward(value_reward, with_values(server, values[0]), Sample(fenced("simp")))
