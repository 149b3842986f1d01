"""Server and pool over a misbehaving REPL: own answers, no lost or swapped ones, sound states."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest
from lean_fake import FAKE, ROOT, serve, wait_for

from coprover.repl import Repl, ReplProtocol
from lean_server_pool import split_header

HEAD = "import Mathlib\n"


def post(url, path, body, headers=()):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def check(url, *codes, timeout=1):
    snippets = [{"id": f"s{i}", "code": HEAD + code} for i, code in enumerate(codes)]
    status, answer = post(url, "/api/check", {"snippets": snippets, "timeout": timeout})
    assert status == 200
    assert [r["id"] for r in answer["results"]] == [s["id"] for s in snippets]
    return answer["results"]


def good(name):
    return f"theorem {name} : x := by y\n#print axioms {name}"


@pytest.fixture(scope="module")
def server():
    with serve() as (url, _):
        yield url


@pytest.mark.parametrize(
    "code, piece",
    [
        ("CRASH", "exit status 3: PANIC"),
        ("HALF", "crashed twice"),
        ("GARBAGE", "crashed twice"),
        ("FORGE", "crashed twice"),
        ("LATE", "crashed twice"),
        ("HANG", "timed out in 1 seconds"),
        ("MESSAGE", "crashed twice"),
    ],
)
def test_a_bad_snippet_fails_alone(server, code, piece):
    names = [f"a{i}" for i in range(5)] + [None] + [f"b{i}" for i in range(5)]
    results = check(server, *(good(name) if name else code for name in names))
    assert piece in results[5]["error"]
    for name, result in zip(names, results, strict=True):
        if name:
            [message] = result["response"]["messages"]
            assert message["data"] == f"'{name}' does not depend on any axioms"
            assert message["pos"]["line"] == 3  # of the snippet, header included


@pytest.mark.parametrize("word", ["FORGE", "JUMP"])
def test_an_answer_with_a_number_out_of_turn_is_nobodys(word):
    repl = Repl(["python", "tests/fake_repl.py"], ROOT, 0, 16, 4)
    assert repl.command(good("a"), None, 5)["env"] == 0
    with pytest.raises(ReplProtocol, match="after 0|after the end"):
        repl.command(word, 0, 5)
    assert not repl.alive


def test_a_process_that_spins_is_ended_by_its_cpu_limit():
    with serve("lean.server.limit_cpu_s=1") as (url, _):
        spin, fine = check(url, "SPIN", good("a"), timeout=20)
    assert spin["error"].startswith("Lean REPL crashed twice") and "env" in fine["response"]


def test_liveness_readiness_and_metrics(server):
    check(server, good("a"))
    answers = {}
    for path in ("live", "health", "metrics"):
        with urllib.request.urlopen(f"{server}/{path}") as reply:
            answers[path] = reply.read().decode()
    assert json.loads(answers["live"]) == {"status": "ok"}
    assert json.loads(answers["health"])["lean"] is None  # no lean-toolchain here
    assert "# TYPE lean_queue gauge\nlean_queue 0\n" in answers["metrics"]
    assert '# TYPE lean_events_total counter\nlean_events_total{event="' in answers["metrics"]


def test_big_output_and_stderr_flood_pass(server):
    big, flood = check(server, "BIG 3000000", "STDERR 2000000")
    assert len(big["response"]["messages"][0]["data"]) == 3_000_000
    assert "env" in flood["response"]


def test_too_big_output_is_a_crash():
    with serve("lean.server.max_output_mb=1") as (url, _):
        big, fine = check(url, "BIG 3000000", good("a"), timeout=5)
    assert "more than 1 MB" in big["error"] and "env" in fine["response"]


def test_failing_header_is_an_error_and_sticks_to_its_snippet(server):
    snippets = [{"id": "0", "code": "import Bad\n" + good("a")}, {"id": "1", "code": good("b")}]
    _, answer = post(server, "/api/check", {"snippets": snippets, "timeout": 1})
    bad, fine = answer["results"]
    assert "header command failed: told to fail" in bad["error"]
    assert fine["response"]["messages"][0]["pos"]["line"] == 2  # no header of its own


def test_slow_header_has_its_own_clock(server):
    _, answer = post(server, "/api/check", {"snippets": [{"id": "0", "code": "import Slow\nx"}]})
    assert "header command timed out in" in answer["results"][0]["error"]


def test_declined_travels_in_diagnostics(server):
    [result] = check(server, "DECLINE omega")
    assert result["diagnostics"] == {"declined": "omega"} and "declined" not in result["response"]


def test_verify_is_the_older_form(server):
    body = {"codes": [{"custom_id": 7, "proof": HEAD + good("a")}, {"custom_id": 7, "code": "x"}]}
    _, answer = post(server, "/verify", body)
    assert [r["custom_id"] for r in answer["results"]] == ["7", "7"]
    assert answer["results"][0]["response"]["time"] >= 0
    assert post(server, "/verify", {"codes": []}) == (200, {"results": []})


@pytest.mark.parametrize(
    "path, body",
    [
        ("/api/check", {"snippets": []}),
        ("/api/check", {"snippets": [{"id": 1, "code": "x"}]}),
        ("/api/check", {"snippets": [{"id": "1", "code": "x"}, {"id": "1", "code": "y"}]}),
        ("/api/check", {"snippets": [{"custom_id": "1", "code": "x"}]}),
        ("/api/check", {"snippets": [{"id": "1", "code": "x"}], "timeout": -1}),
        ("/api/check", {"snippets": [{"id": "1", "code": "x"}], "infotree": "all"}),
        ("/api/check", {"snippets": [{"id": "1", "code": "x"}], "allTactics": "yes"}),
        ("/verify", {"codes": [{"custom_id": "1", "code": "x"}], "infotree_type": "all"}),
        ("/api/check", []),
        ("/verify", {"codes": [{"custom_id": "1"}]}),
        ("/api/step/start", {"items": [{"header": "x"}]}),
        ("/api/step/run", {"runs": [{"state": "x", "tactics": "y"}]}),
    ],
)
def test_malformed_requests_are_422(server, path, body):
    status, answer = post(server, path, body)
    assert status == 422 and answer["detail"]


def start(url, tactics=()):
    item = {"header": HEAD, "statement": "theorem g : x := by sorry", "tactics": list(tactics)}
    _, answer = post(url, "/api/step/start", {"items": [item], "timeout": 1})
    return answer["results"][0]


def run(url, *runs):
    body = {"runs": [{"state": s, "tactics": list(t)} for s, t in runs], "timeout": 1}
    status, answer = post(url, "/api/step/run", body)
    assert status == 200
    return answer["results"]


def test_steps_branch_and_finish(server):
    root = start(server)
    assert root["kind"] == "state" and len(root["goals"]) == 1
    [[split, done, bad, cheat]] = run(server, (root["state"], ["split", "close", "nope", "cheat"]))
    assert split["kind"] == "state" and len(split["goals"]) == 2
    assert done["kind"] == "qed"
    assert bad == {"kind": "error", "message": "unknown tactic nope"}
    assert cheat["kind"] == "error"  # no goals left, yet not Completed
    [[left], [again]] = run(server, (split["state"], ["close"]), (split["state"], ["close"]))
    assert left["goals"] == again["goals"] and left["state"] != again["state"]


@pytest.mark.parametrize("word", ["HANG", "CRASH", "GARBAGE", "FORGE", "HALF"])
def test_a_bad_tactic_fails_alone_and_states_survive(server, word):
    root = start(server, ["split"])
    [[one], outcomes] = run(
        server, (root["state"], ["close"]), (root["state"], ["close", word, "close", "go on"])
    )
    assert outcomes[1]["kind"] == ("timeout" if word == "HANG" else "error")
    assert [outcomes[i]["goals"] for i in (0, 2)] == [one["goals"]] * 2
    [[done]] = run(server, (one["state"], ["close"]))
    assert done["kind"] == "qed"


def test_unknown_state_is_null(server):
    assert run(server, ("nobody-1", ["close"])) == [None]


def test_oldest_states_are_forgotten():
    with serve("lean.server.max_states=10") as (url, _):
        root = start(url)["state"]
        [outcomes] = run(url, (root, [f"go {i}" for i in range(20)]))
        assert run(url, (outcomes[0]["state"], ["close"])) == [None]
        assert run(url, (outcomes[-1]["state"], ["close"]))[0][0]["kind"] == "qed"


def test_killed_workers_are_replaced_and_nothing_is_lost():
    with serve() as (url, process):
        root = start(url, ["split"])["state"]
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        for child in children:
            child.kill()
        assert all("env" in r["response"] for r in check(url, *(good(f"a{i}") for i in range(9))))
        [[outcome]] = run(url, (root, ["close"]))
        assert outcome["kind"] == "state"
        with urllib.request.urlopen(f"{url}/metrics") as reply:
            assert b'lean_events_total{event="rebuilt"} 1' in reply.read()
    assert not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]


def test_workers_end_with_a_killed_server():
    with serve() as (url, process):
        check(url, good("a"))
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_health_is_503_when_no_worker_can_start():
    sets = ["lean.server.repl=[no-such-repl]"]
    command = [sys.executable, "lean_server.py", "--config", "configs/local.yaml"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*command, "--port", str(port), "--set", *FAKE, *sets], cwd=ROOT,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10)
            except urllib.error.HTTPError as error:
                assert error.code == 503
                assert "no-such-repl" in json.loads(error.read())["detail"]
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail("the server never answered")
    finally:
        process.kill()
        process.communicate()


def test_busy_port_names_the_holder():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = subprocess.run([sys.executable, "lean_server.py", "--port", str(port)], cwd=ROOT,
                              capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 2
    assert f"port {port} is already in use by process {os.getpid()}" in done.stderr


def test_api_key_and_overload(monkeypatch):
    monkeypatch.setenv("LEAN_SERVER_API_KEY", "secret")
    with serve("lean.server.max_queue=3") as (url, process):
        wait_for(url, process)
        body = {"snippets": [{"id": str(i), "code": "x"} for i in range(5)]}
        assert post(url, "/api/check", body)[0] == 401
        key = {"Authorization": "Bearer secret"}
        assert post(url, "/api/check", body, key.items())[0] == 429
        body["snippets"] = body["snippets"][:1]
        assert post(url, "/api/check", body, key.items())[0] == 200


def test_split_header_like_kimina(data_dir):
    """Bodies agree with the recorded splitter, except where it turns U+2028 and co. into code."""
    lines = (data_dir / "kimina" / "split_cases.jsonl").read_text(encoding="utf-8").split("\n")
    compared = 0
    for row in (json.loads(line) for line in lines if line):
        if row["code"].splitlines() != row["code"].split("\n") or not row["header"]:
            continue
        header, body, count = split_header(row["code"])
        if body.rstrip("\n") == row["body"].rstrip("\n"):
            compared += count == row["header_line_count"]
    assert compared >= 8
