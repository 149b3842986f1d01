"""coprover/dojo.py: sessions over a package with LeanDojo's names, its benchmark, the endpoints."""

import importlib.util
import inspect
import json
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from coprover import dojo
from coprover.config import InputError
from coprover.dojo import Dojos, Refused
from lean_server import build_app

REPO = "https://github.com/a/b@0123"
HERE = {"url": "https://github.com/a/b", "commit": "0123", "file_path": "A/B.lean",
        "full_name": "A.foo"}


@dataclass(frozen=True)
class TacticState:
    pp: str
    id: int


@dataclass(frozen=True)
class ProofFinished:
    tactic_state_id: int


@dataclass(frozen=True)
class ProofGivenUp:
    pass


@dataclass(frozen=True)
class LeanError:
    error: str


def fake_package():
    """A module with the part of lean_dojo 4.20 that we call; tactics are words of this toy."""
    package = types.ModuleType("lean_dojo")
    for kind in (TacticState, ProofFinished, ProofGivenUp, LeanError):
        setattr(package, kind.__name__, kind)
    for name in ("DojoInitError", "DojoCrashError", "DojoTacticTimeoutError"):
        setattr(package, name, type(name, (Exception,), {}))
    package.LeanGitRepo = lambda url, commit: (url, commit)
    package.Theorem = lambda repo, file_path, full_name: (repo, Path(file_path), full_name)
    package.open = []

    class Dojo:
        def __init__(self, entry, timeout=600):
            self.entry, self.timeout = entry, timeout

        def __enter__(self):
            if self.entry[2] == "missing":
                raise package.DojoInitError("Failed to locate the theorem")
            package.open.append(self)
            return self, TacticState("h : P\n⊢ P ∧ Q", 0)

        def __exit__(self, *exc):
            package.open.remove(self)

        def run_tac(self, state, tactic):
            if tactic == "hang":
                raise package.DojoTacticTimeoutError
            if tactic == "crash":
                raise package.DojoCrashError("OOM")
            if tactic == "constructor":
                return TacticState("case left\n⊢ P\n\ncase right\n⊢ Q", state.id + 1)
            answers = {"done": ProofFinished(9), "sorry": ProofGivenUp()}
            return answers.get(tactic, LeanError(f"no {tactic}"))

    package.Dojo = Dojo
    return package


@pytest.fixture
def package(monkeypatch):
    module = fake_package()
    monkeypatch.setitem(sys.modules, "lean_dojo", module)
    return module


def test_a_session_from_start_to_qed(package):
    dojos = Dojos([REPO], limit=2)
    first = dojos.start(HERE, 7.4)
    assert first["kind"] == "state" and first["goals"] == ["h : P\n⊢ P ∧ Q"]
    assert package.open[0].timeout == 7
    split, bad, given_up = dojos.run(first["state"], ["constructor", "nope", "sorry"])
    assert split["goals"] == ["case left\n⊢ P", "case right\n⊢ Q"]
    assert bad == {"kind": "error", "message": "no nope"} and "sorry" in given_up["message"]
    assert dojos.run(split["state"], ["done"]) == [{"kind": "qed"}]
    assert dojos.run(split["state"] + "0", ["done"]) is None
    dojos.close()
    assert not package.open and dojos.run(split["state"], ["done"]) is None


def test_the_longest_unused_session_goes(package):
    dojos = Dojos([REPO], limit=2)
    one, two = dojos.start(HERE, 5)["state"], dojos.start(HERE, 5)["state"]
    dojos.run(one, ["nope"])
    three = dojos.start(HERE, 5)["state"]
    assert dojos.run(two, ["done"]) is None and len(package.open) == 2
    assert dojos.run(one, ["done"]) == dojos.run(three, ["done"]) == [{"kind": "qed"}]


@pytest.mark.parametrize("word, kind", [("hang", "timeout"), ("crash", "error")])
def test_a_dead_process_ends_its_session_only(package, word, kind):
    dojos = Dojos([REPO], limit=2)
    lost, other = dojos.start(HERE, 5)["state"], dojos.start(HERE, 5)["state"]
    outcomes = dojos.run(lost, [word, "done"])
    assert [o["kind"] for o in outcomes] == [kind, "error"]
    assert dojos.run(lost, ["done"]) is None
    assert dojos.run(other, ["done"]) == [{"kind": "qed"}] and len(package.open) == 1


def test_what_cannot_be_opened(package, monkeypatch):
    dojos = Dojos([REPO], limit=1)
    outcome = dojos.start(HERE | {"full_name": "missing"}, 5)
    assert outcome == {"kind": "error", "message": "DojoInitError: Failed to locate the theorem"}
    with pytest.raises(Refused, match="@9 is not served; list it in lean.server.dojo_repos"):
        dojos.start(HERE | {"commit": "9"}, 5)
    monkeypatch.setitem(sys.modules, "lean_dojo", None)
    with pytest.raises(Refused, match="need the package lean-dojo"):
        dojos.start(HERE, 5)


class IdlePool:
    closing, last_error = False, ""

    def start(self):
        pass

    def close(self, wait_s):
        pass


def test_the_endpoints(package):
    app = build_app(IdlePool(), Dojos([REPO], 2), max_body_mb=1)
    with TestClient(app) as client:
        [first] = client.post("/api/dojo/start", json={"items": [HERE]}).json()["results"]
        runs = [{"state": first["state"], "tactics": ["done"]}, {"state": "x", "tactics": ["done"]}]
        answer = client.post("/api/dojo/run", json={"runs": runs})
        assert answer.json()["results"] == [[{"kind": "qed"}], None]
        refused = client.post("/api/dojo/start", json={"items": [HERE | {"url": "file:///etc"}]})
        assert refused.status_code == 422 and "dojo_repos" in refused.json()["detail"]
        bad = client.post("/api/dojo/start", json={"items": [{"url": "x"}]})
        assert bad.status_code == 422 and "commit: a string" in bad.json()["detail"]
    assert not package.open


@pytest.mark.skipif(importlib.util.find_spec("lean_dojo") is None, reason="lean-dojo not installed")
def test_the_package_has_what_is_called():
    import lean_dojo

    toy = fake_package()
    wanted = [name for name in vars(toy) if name[0].isupper()]
    assert all(hasattr(lean_dojo, name) for name in wanted)
    assert {"entry", "timeout"} <= set(inspect.signature(lean_dojo.Dojo.__init__).parameters)
    assert list(inspect.signature(lean_dojo.Dojo.run_tac).parameters) == ["self", "state", "tactic"]
    assert list(inspect.signature(lean_dojo.LeanGitRepo).parameters)[:2] == ["url", "commit"]
    assert list(inspect.signature(lean_dojo.Theorem).parameters) == ["repo", "file_path",
                                                                     "full_name"]


def traced(*steps):
    return [{"tactic": t, "state_before": b, "state_after": a} for b, t, a in steps]


STRAIGHT = traced(("⊢ P ∧ Q", "constructor", "case left\n⊢ P\n\ncase right\n⊢ Q"),
                  ("case left\n⊢ P\n\ncase right\n⊢ Q", "exact p", "case right\n⊢ Q"),
                  ("case right\n⊢ Q", "exact q", "no goals"))
NESTED = traced(("⊢ P", "have h : Q := by simp", "h : Q\n⊢ P"), ("⊢ Q", "simp", "no goals"),
                ("h : Q\n⊢ P", "exact h.p", "no goals"))
UNFINISHED = traced(("⊢ P", "intro", "⊢ Q"))


def test_only_chains_become_trajectories(tmp_path, capsys):
    path, out = tmp_path / "train.json", tmp_path / "out.jsonl"
    path.write_text(json.dumps([{"full_name": n, "traced_tactics": t} for n, t in (
        ("straight", STRAIGHT), ("nested", NESTED), ("unfinished", UNFINISHED), ("term", []))]))
    assert dojo.main([str(path), "--output", str(out)]) == 0
    assert "4 theorems, 3 with tactic proofs, 1 of them chains" in capsys.readouterr().out
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["theorem"] for row in rows} == {"straight"}
    known = {"\n\n".join(row["goals"]): row["d"] for row in rows}
    assert known["⊢ P ∧ Q"] == 3 and known["case right\n⊢ Q"] == 1
    assert known["case left\n⊢ P\n\ncase right\n⊢ Q"] == 2


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "x.json"
    for text, message in (("{", "x.json"), ("{}", "a list of theorems"),
                          ('[{"full_name": "a"}]', "theorem 0 has no traced_tactics"),
                          (json.dumps([{"full_name": "a", "traced_tactics": NESTED}]),
                           "no traced proof is a chain")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            dojo.main([str(path), "--output", str(tmp_path / "out")])
    with pytest.raises(InputError, match="gone.json"):
        dojo.main([str(tmp_path / "gone.json"), "--output", "x"])
