"""The single-step rollout: text is cut after one step, and tokens stay in step with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace

import pytest
from lean_fake import ROOT

import lean_generate
from coprover import prompts, slime_hooks
from coprover.records import Theorem
from coprover.slime_data import prompt_row, theorem_of

THEOREM = Theorem("t", "import Mathlib\n\ntheorem t (P : Prop) (h : P) : P := by")


@dataclass
class Sample:
    """The fields of SLIME 0.3.1's Sample that hooks may touch."""

    class Status(Enum):
        PENDING = "pending"
        COMPLETED = "completed"
        TRUNCATED = "truncated"
        ABORTED = "aborted"
        FAILED = "failed"

    index: int | None = 0
    group_index: int | None = 0
    prompt: str = ""
    tokens: list = field(default_factory=list)
    response: str = ""
    response_length: int = 0
    label: object = None
    reward: object = None
    loss_mask: list | None = None
    rollout_log_probs: list | None = None
    remove_sample: bool = False
    status: Status = Status.PENDING
    metadata: dict = field(default_factory=dict)

    def get_reward_value(self, args):
        return self.reward


def decode(ids):
    return "".join(chr(i) for i in ids)


def answer(text: str, reason: str = "length") -> dict:
    entries = [[-0.1 * (i + 1), ord(c), None] for i, c in enumerate(text)]
    return {"text": text, "meta_info": {"output_token_logprobs": entries,
                                        "finish_reason": {"type": reason}}}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "step", "kept"),
    [
        ("intro h\n  exact h\n```", "intro h", "intro h"),
        ("intro h; exact h\n", "intro h", "intro h"),
        ("exact h\n```\nthat is all", "exact h", "exact h"),
        ("cases h with\n  | inl a =>\n    simp\n  | inr b => simp\n  rfl",
         "cases h with\n| inl a =>\n  simp\n| inr b => simp",
         "cases h with\n  | inl a =>\n    simp\n  | inr b => simp"),
        ("constructor <;>\n    simp\n  rfl",
         "constructor <;>\n  simp",
         "constructor <;>\n    simp"),
        ("obtain ⟨a, b⟩ := h\n  exact a", "obtain ⟨a, b⟩ := h", "obtain ⟨a, b⟩ := h"),
    ],
)  # fmt: skip
def test_response_is_the_first_step_and_everything_is_aligned(text, step, kept):
    sample = Sample(metadata={"name": "t"})
    lean_generate.fill(sample, [7, 8], answer(text), decode)
    assert sample.metadata["step"] == step
    assert sample.response == kept == decode(sample.tokens[2:])
    assert sample.tokens[:2] == [7, 8]
    assert sample.response_length == len(kept) == len(sample.loss_mask)
    assert sample.loss_mask == [1] * len(kept)
    assert sample.rollout_log_probs == [-0.1 * (i + 1) for i in range(len(kept))]
    assert sample.status is Sample.Status.COMPLETED and not sample.remove_sample


def test_a_cut_inside_a_token_keeps_the_whole_token():
    ids = {1: "intro h", 2: "\n  ex", 3: "act h"}

    def words(tokens):
        return "".join(ids[t] for t in tokens)

    assert lean_generate.tokens_covering([1, 2, 3], "intro h", words) == 1
    assert lean_generate.tokens_covering([1, 2, 3], "intro h\n", words) == 2
    assert lean_generate.tokens_covering([1, 2, 3], "intro h\n  exact", words) == 3


def test_an_unfinished_step_is_truncated_and_a_stopped_one_complete():
    for reason, status in (("length", "TRUNCATED"), ("stop", "COMPLETED")):
        sample = Sample()
        lean_generate.fill(sample, [7], answer("simp", reason), decode)
        assert sample.status is Sample.Status[status] and sample.response == "simp"


def test_an_aborted_request_is_failed_and_out_of_the_loss():
    sample = Sample()
    lean_generate.fill(sample, [7], answer("sim", "abort"), decode)
    assert sample.status is Sample.Status.FAILED
    assert sample.remove_sample and sample.loss_mask == [0, 0, 0]


class Tokenizer:
    """One token a character."""

    def encode(self, text, add_special_tokens=True):
        return [ord(c) for c in text]

    def decode(self, ids):
        return decode(ids)


@pytest.fixture
def engine(free_port):
    """A fake SGLang router that remembers the requests it got."""
    from aiohttp import web

    got = []

    async def generate(request):
        got.append(await request.json())
        return web.json_response(answer("exact h\n```", "stop"))

    async def serve():
        app = web.Application()
        app.router.add_post("/generate", generate)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", free_port).start()
        return runner

    return SimpleNamespace(serve=serve, got=got, port=free_port)


def test_the_prompt_continues_the_proof_so_far(engine, monkeypatch):
    monkeypatch.setattr(slime_hooks, "tokenizer", lambda path: Tokenizer())
    args = SimpleNamespace(hf_checkpoint="x", sglang_router_ip="127.0.0.1",
                           sglang_router_port=engine.port)  # fmt: skip
    metadata = prompt_row(THEOREM)["metadata"] | {"tactics": ["have h2 := h"]}
    sample = Sample(metadata=metadata)

    async def run():
        runner = await engine.serve()
        try:
            return await lean_generate.generate(
                args, sample, {"temperature": 1.0, "max_new_tokens": 4096}
            )
        finally:
            await runner.cleanup()

    done = asyncio.run(run())
    asked = engine.got[0]
    assert decode(asked["input_ids"]) == prompts.proof_prefix(THEOREM, ["have h2 := h"])
    assert asked["return_logprob"] is True
    assert asked["sampling_params"]["max_new_tokens"] == lean_generate.STEP_TOKENS
    assert done.prompt == prompts.proof_prefix(THEOREM, ["have h2 := h"])
    assert done.metadata["step"] == "exact h" and done.response == "exact h"


def test_reward_is_that_of_the_whole_proof(monkeypatch):
    import sys

    seen = []

    async def compute_reward(args, sample, **kwargs):
        seen.append(sample.response)
        return 1.0

    monkeypatch.setitem(
        sys.modules, "lean_reward", SimpleNamespace(compute_reward=compute_reward)
    )
    sample = Sample(response="exact h", metadata={"tactics": ["intro h"], "step": "exact h"})
    assert asyncio.run(lean_generate.compute_reward(SimpleNamespace(), sample)) == 1.0
    assert seen == ["```lean4\n  intro h\n  exact h\n```"]
    assert sample.response == "exact h"


def test_prompt_rows_carry_the_theorem():
    row = prompt_row(THEOREM)
    assert row["prompt"] == prompts.whole_proof(THEOREM) and row["label"] == "t"
    assert theorem_of(row["metadata"]) == THEOREM


class Client:
    def __init__(self):
        self.closed_by = None

    async def close(self):
        await asyncio.sleep(0)
        self.closed_by = asyncio.get_running_loop()


async def twice():
    client = slime_hooks.per_loop("key", Client)
    assert slime_hooks.per_loop("key", Client) is client and client.closed_by is None
    return client, asyncio.get_running_loop()


def test_clients_are_closed_with_their_loop():
    (one, first), (two, second) = asyncio.run(twice()), asyncio.run(twice())
    assert one.closed_by is first and two.closed_by is second and one is not two
    assert not {first, second} & {loop for loop, _ in slime_hooks._CLIENTS}


def test_clients_of_a_loop_that_never_ends_are_closed_at_exit():
    """SLIME's AsyncLoopThread: the hooks run in the loop of a daemon thread."""
    program = """
import asyncio, threading
from coprover import slime_hooks

class Client:
    async def close(self):
        print("closed", flush=True)

async def hook():
    slime_hooks.per_loop("key", Client)

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
asyncio.run_coroutine_threadsafe(hook(), loop).result()
print("end", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\nclosed\n", "")
