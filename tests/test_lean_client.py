"""Client, verifier and stepper against our server over the fake REPL, and against bad servers."""

import asyncio
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lean_fake import fenced, lean_config, serve, theorem

from coprover.lean_client import CRASH, LeanClient, LeanUnavailable
from coprover.records import Theorem
from coprover.stepper import State, StepFailure, Stepper
from coprover.verify import Verdict, Verifier


@pytest.fixture(scope="module")
def server():
    with serve() as (url, _):
        yield url


def verify(url, pairs, *sets, **kwargs):
    async def go():
        async with Verifier(lean_config(url, *sets), **kwargs) as verifier:
            return await verifier.verify(pairs), verifier.client.counts

    return asyncio.run(go())


WORDS = {
    "simp": ("verified", ""), "AXIOM propext": ("verified", ""), "BIG 200000": ("verified", ""),
    "STDERR 300000": ("verified", ""), "FAIL": ("rejected", "lean_error"),
    "SORRY": ("rejected", "sorry"), "AXIOM mine": ("rejected", "axioms"),
    "WRONG": ("rejected", "statement"), "NOEPILOGUE": ("rejected", "incomplete"),
    "DECLINE omega": ("declined", "declined"), "HANG": ("timeout", "timeout"),
    "CRASH": ("rejected", "crash"), "GARBAGE": ("rejected", "crash"), "HALF": ("rejected", "crash"),
    "FORGE": ("rejected", "crash"), "LATE": ("rejected", "crash"), "EMPTY": ("rejected", "crash"),
    "MESSAGE": ("rejected", "crash"), "sorry": ("rejected", "forbidden"),
}  # fmt: skip


def test_every_fault_gets_its_own_verdict(server):
    results, _ = verify(server, [(theorem(), fenced(f"  {word}")) for word in WORDS])
    found = {w: (r.verdict.value, r.reason) for w, r in zip(WORDS, results, strict=True)}
    assert found == WORDS


def test_identical_snippets_run_once_and_order_is_kept(server):
    names = ["a", "b", "a", "c", "a", "b"]
    pairs = [(theorem(n), fenced("  simp" if n != "b" else "  FAIL")) for n in names]
    results, counts = verify(server, pairs)
    assert [r.verdict.value for r in results] == [
        "rejected" if n == "b" else "verified" for n in names
    ]
    assert counts["snippets"] == 3
    assert all(f"theorem {n} " in r.snippet for n, r in zip(names, results, strict=True))


def test_concurrent_callers_share_pending_and_remembered_verdicts(server):
    async def go():
        async with Verifier(lean_config(server)) as verifier:
            pair = [(theorem("shared"), fenced("  SLEEP 0.2"))]
            first = await asyncio.gather(*(verifier.verify(pair) for _ in range(5)))
            again = await verifier.verify(pair)
            return [*first, again], verifier.client.counts["snippets"]

    results, sent = asyncio.run(go())
    assert all(r.verified for [r] in results) and sent == 1


def test_a_cancelled_caller_leaves_nothing_under_way_and_harms_no_other(server):
    async def go():
        async with Verifier(lean_config(server)) as verifier:
            slow = [(theorem("cancelled"), fenced("  SLEEP 0.4"))]
            first = asyncio.ensure_future(verifier.verify(slow))
            while not verifier.client.metrics()["requests_in_flight"]:
                await asyncio.sleep(0.01)
            second = asyncio.ensure_future(verifier.verify(slow))
            await asyncio.sleep(0.05)
            first.cancel()
            ended = await asyncio.gather(first, second, return_exceptions=True)
            return ended, verifier.client.metrics()["requests_in_flight"]

    (first, [second]), left = asyncio.run(go())
    assert isinstance(first, asyncio.CancelledError) and left == 0
    assert second.verified, "it asks for itself"


def test_a_waiting_caller_can_be_cancelled_too(server):
    async def go():
        async with Verifier(lean_config(server)) as verifier:
            slow = [(theorem("patient"), fenced("  SLEEP 0.4"))]
            first = asyncio.ensure_future(verifier.verify(slow))
            await asyncio.sleep(0.05)
            second = asyncio.ensure_future(verifier.verify(slow))
            await asyncio.sleep(0.05)
            second.cancel()
            return await asyncio.gather(first, second, return_exceptions=True)

    [first], second = asyncio.run(go())
    assert first.verified and isinstance(second, asyncio.CancelledError)


def test_verify_proof_of_steps(server):
    async def go():
        async with Verifier(lean_config(server)) as verifier:
            fine = await verifier.verify_proof(theorem(), ["simp", "have h : T := by\n  simp"])
            bad = await verifier.verify_proof(theorem(), ["simp", "FAIL"])
            return fine, bad

    fine, bad = asyncio.run(go())
    assert fine.verified and "  have h : T := by\n    simp\n" in fine.snippet
    assert bad.reason == "lean_error"


def test_too_long_and_unposable(server):
    pairs = [(theorem(), fenced("x" * 300_000)), (Theorem("t", "theorem t"), fenced("simp"))]
    results, counts = verify(server, pairs)
    assert [r.reason for r in results] == ["too_long", "unposable"] and not counts["snippets"]


def test_a_header_that_does_not_load_is_no_verdict(server):
    bad = Theorem("t", "import Bad\n\ntheorem t : True := by")
    with pytest.raises(LeanUnavailable, match="told to fail: import Bad"):
        verify(server, [(bad, fenced("trivial"))])
    [result], _ = verify(server, [(bad, fenced("trivial"))], raise_unavailable=False)
    assert (result.verdict, result.reason) == (Verdict.UNAVAILABLE, "header")


def test_no_server_is_one_clear_error():
    with pytest.raises(LeanUnavailable, match="no Lean server answers at http://127.0.0.1:9"):
        verify("http://127.0.0.1:9", [(theorem(), fenced("simp"))])


def test_steps(server):
    async def go():
        async with Stepper(lean_config(server)) as stepper:
            bad = Theorem("t", "import Bad\n\ntheorem t : True := by")
            state, failure = await stepper.start([theorem(), bad])
            [outcomes] = await stepper.run([(state, ["split", "close", "nope", "sorry", "HANG"])])
            [[left], [qed]] = await stepper.run(
                [(outcomes[0].state, ["close"]), (state, ["close"])]
            )
            return state, failure, outcomes, left, qed

    state, failure, outcomes, left, qed = asyncio.run(go())
    assert isinstance(failure, StepFailure) and "told to fail" in failure.message
    assert isinstance(state, State) and state.tactics == ()
    assert [o.kind for o in outcomes] == ["state", "qed", "error", "error", "timeout"]
    assert outcomes[3].message == "forbidden: sorry"
    assert outcomes[0].state.tactics == ("split",) and len(outcomes[0].state.goals) == 2
    assert left.state.tactics == ("split", "close") and qed.kind == "qed"
    assert outcomes[0].state.text == "\n\n".join(outcomes[0].state.goals)


def test_states_outlive_the_server():
    async def grow(stepper):
        [state] = await stepper.start([theorem()])
        [[outcome]] = await stepper.run([(state, ["split"])])
        return outcome.state

    async def go():
        with serve() as (url, _):
            async with Stepper(lean_config(url)) as stepper:
                state = await grow(stepper)
        with serve() as (url, _):
            async with Stepper(lean_config(url)) as stepper:
                return await stepper.run([(state, ["close", "nope"]), (state, ["close"])])

    [[one, bad], [two]] = asyncio.run(go())
    assert one.kind == two.kind == "state" and bad.kind == "error"
    assert one.state.tactics == ("split", "close")


class Bad(BaseHTTPRequestHandler):
    """A Kimina-like server whose behaviour is a function (path, body) -> (status, text)."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(len(body["snippets"]))
        status, text = self.server.rule(body, len(self.server.seen))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def bad_server(rule):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bad)
    server.rule, server.seen = rule, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.seen
    finally:
        server.shutdown()
        server.server_close()


def fine(body):
    data = "coprover_canary"
    response = {"env": 1, "messages": [{"severity": "info", "data": data}]}
    return [{"id": s["id"], "time": 0.1, "response": response} for s in body["snippets"]]


def as_json(results):
    return 200, json.dumps({"results": results})


def checked(rule, codes, *sets):
    async def go(url):
        async with LeanClient(lean_config(url, *sets)) as client:
            return await client.check(codes)

    with bad_server(rule) as (url, seen):
        return asyncio.run(go(url)), seen


def test_a_crashing_snippet_does_not_take_its_batch_along():
    """Kimina answers 500 to the whole batch when one snippet kills its REPL."""

    def rule(body, _):
        if any("CRASH" in s["code"] for s in body["snippets"]):
            return 500, '{"detail": "JSON decode error"}'
        return as_json(fine(body))

    results, _ = checked(rule, ["a", "b", "CRASH", "c"])
    assert [("response" in r) for r in results] == [True, True, False, True]
    assert results[2]["error"].startswith(CRASH)


@pytest.mark.parametrize("status", [429, 503])
def test_overload_is_retried(status):
    results, seen = checked(lambda b, n: (status, "busy") if n < 3 else as_json(fine(b)), ["a"])
    assert "response" in results[0] and len(seen) == 3


def test_a_server_that_fails_on_everything_is_unavailable():
    with pytest.raises(LeanUnavailable, match="fails on a known proof as well"):
        checked(lambda b, n: (500, "no"), ["a", "b"])


@pytest.mark.parametrize("status, piece", [(401, "API key"), (404, "right kind"), (422, "answers")])
def test_refusals_are_raised_at_once(status, piece):
    seen = []
    with pytest.raises(LeanUnavailable, match=piece):
        checked(lambda b, n: (seen.append(1), (status, "no"))[1], ["a"])
    assert len(seen) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda results: results[1:],
        lambda results: [*results, results[0]],
        lambda results: [{**r, "id": "0"} for r in results],
        lambda results: {"0": 1},
        lambda results: ["text"],
    ],
)
def test_answers_that_do_not_fit_are_never_used(spoil):
    """Lost, doubled or renamed results: every snippet is asked again alone."""

    def rule(body, _):
        many = len(body["snippets"]) > 1
        return as_json(spoil(fine(body)) if many else fine(body))

    results, _ = checked(rule, ["a", "b", "c"])
    assert all("response" in r for r in results) and len(results) == 3


def test_results_in_another_order_find_their_snippets():
    def rule(body, _):
        sent = reversed(body["snippets"])
        return as_json([{"id": s["id"], "response": {"env": 1, "code": s["code"]}} for s in sent])

    codes = [f"import {'ABC'[i % 3]}\nx{i}" for i in range(10)]
    results, seen = checked(rule, codes, "lean.batch_size=4")
    assert [r["response"]["code"] for r in results] == codes
    assert sorted(seen) == [2, 4, 4]


def test_work_is_spread_over_several_servers():
    async def go(url):
        async with LeanClient(lean_config(url, "lean.batch_size=1")) as client:
            await client.check([str(i) for i in range(8)])

    with bad_server(lambda b, n: as_json(fine(b))) as (one, seen_one):
        with bad_server(lambda b, n: as_json(fine(b))) as (two, seen_two):
            asyncio.run(go(f"{one}, {two}/"))
            assert len(seen_one) == len(seen_two) == 4


def test_a_missing_repl_is_no_verdict():
    """Neither proofs nor tactics are judged when the REPL does not start."""

    async def go(url):
        cfg = lean_config(url)
        async with Verifier(cfg, raise_unavailable=False) as verifier, Stepper(cfg) as stepper:
            [result] = await verifier.verify([(theorem(), fenced("simp"))])
            with pytest.raises(LeanUnavailable, match="503"):
                await stepper.start([theorem()])
            return result

    with serve("lean.server.repl=[no-such-repl]", healthy=False) as (url, _):
        result = asyncio.run(go(url))
    assert (result.verdict, result.reason) == (Verdict.UNAVAILABLE, "header")


def test_a_stopping_server_gives_no_verdicts():
    """SIGTERM while snippets run: each is verified by the next server or not judged at all."""

    async def go(url, process):
        async with Verifier(lean_config(url), raise_unavailable=False) as verifier:
            pairs = [(theorem(f"t{i}"), fenced("SLEEP 0.5")) for i in range(60)]
            work = asyncio.create_task(verifier.verify(pairs))
            await asyncio.sleep(1.0)
            process.terminate()
            return await work

    with serve("lean.timeout_s=5") as (url, process):
        results = asyncio.run(go(url, process))
    assert {r.verdict.value for r in results} <= {"verified", "unavailable"}
    assert any(r.verdict is Verdict.UNAVAILABLE for r in results)
