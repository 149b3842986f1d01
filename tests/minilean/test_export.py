"""Exported files: explicit terms that a fresh process accepts, with the statements unchanged."""

import json
import os
import re
import subprocess
import sys
from itertools import islice

import pytest
from alpha import alpha_eq

from minilean.export import NAMESPACE, NotExportable, export, theorems_of
from minilean.front.cli import verdict_of
from minilean.front.library import in_big_stack
from minilean.front.session import Session
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.axioms import collect_axioms

FILE = """\
theorem swap (P Q : Prop) (h : P ∧ Q) : Q ∧ P := ⟨h.2, h.1⟩
theorem comm (a b : Nat) : a + b = b + a := by rw [Nat.add_comm]
theorem four : 2 + 2 = 4 := rfl
theorem witness (P : Nat → Prop) (n : Nat) (h : ∃ m : Nat, m = n ∧ P m) : P n := by
  obtain ⟨m, hm, hp⟩ := h
  rw [← hm]
  exact hp
theorem middle (p : Prop) : p ∨ ¬ p := Classical.em p
theorem len (xs ys : List Nat) : (xs ++ ys).length = xs.length + ys.length := by simp
structure Point where
  x : Nat
  y : Nat
inductive Tree where
  | leaf : Tree
  | node : Tree → Nat → Tree → Tree
def Tree.size : Tree → Nat
  | .leaf => 0
  | .node l _ r => l.size + 1 + r.size
theorem Tree.size_leaf : Tree.leaf.size = 0 := rfl
theorem Point.eta (p : Point) : Point.mk p.x p.y = p := rfl
"""
NAMES = ["swap", "comm", "four", "witness", "middle", "len", "Tree.size_leaf", "Point.eta"]


def cli(*words):
    return subprocess.run([sys.executable, "-m", "minilean", *map(str, words)],
                          capture_output=True, text=True)


@pytest.fixture(scope="module")
def session():
    found = Session()
    found.command(FILE)
    return found


@pytest.fixture(scope="module")
def text(session):
    return in_big_stack(lambda: export(session.envs[0].env, theorems_of(session)))


def test_a_fresh_process_accepts_the_file_with_the_same_axioms(session, text, tmp_path):
    (tmp_path / "out.lean").write_text(text)
    done = cli("check", tmp_path / "out.lean")
    assert done.returncode == 0, done.stdout
    env = session.envs[0].env
    for name in NAMES:
        says = re.search(rf"'{NAMESPACE}\.{re.escape(name)}' (.*)", done.stdout)[1]
        axioms = says.partition("[")[2].strip("]").split(", ") if "[" in says else []
        assert sorted(axioms) == collect_axioms(env, name), name


def test_statements_are_unchanged(session, text):
    again = Session()
    again.command(text)

    def plain(e):
        def shorten(s):
            if is_app_of(s, "OfNat.ofNat", 3):  # a literal, read back as Lean's numeral
                return s.fn.arg
            if type(s) is tm.Const and s.name.startswith(NAMESPACE):
                name = s.name.removeprefix(f"{NAMESPACE}.").removeprefix("Types.")
                return tm.Const(name, s.levels)
            return None
        return tm.replace(e, shorten)

    for name in NAMES[:-1]:  # the last statement has projections, written otherwise
        before = session.envs[0].env.lookup(name).type
        after = again.envs[0].env.lookup(f"{NAMESPACE}.{name}").type
        assert alpha_eq(plain(after), before), name


def test_terms_are_explicit(text):
    body = text.split("-/", 1)[1]
    known = {"Eq", "And", "Or", "Iff", "Exists", "Nat", "List", "True", "False", "Nonempty",
             "PUnit", "PProd", "propext", "Quot", "Classical"}
    constants = re.findall(r"@([\w'«»?!.]+)", body)
    assert all(c.split(".")[0] in known | {NAMESPACE} for c in constants)
    assert not re.search(r" (by|where|match|_|\+|=|∧|∃) ", body)


def test_a_changed_term_is_rejected(text, tmp_path):
    broken = text.replace("(4 : Nat)", "(5 : Nat)")
    assert broken != text
    (tmp_path / "broken.lean").write_text(broken)
    assert cli("check", tmp_path / "broken.lean").returncode == 1


def test_only_accepted_theorems_are_exported(tmp_path):
    (tmp_path / "mixed.lean").write_text(
        "theorem good (P : Prop) (h : P) : P := h\ntheorem bad : 1 = 2 := rfl\n"
        "theorem lazy (P : Prop) : P := sorry\n")
    done = cli("export", tmp_path / "mixed.lean")
    assert done.returncode == 1 and "mixed.lean:2" in done.stderr
    assert f"theorem {NAMESPACE}.good" in done.stdout
    assert "bad" not in done.stdout and "lazy" not in done.stdout


def test_what_cannot_be_written_is_named(session, monkeypatch):
    monkeypatch.setattr("minilean.export.MAX_STEPS", 50)
    with pytest.raises(NotExportable, match=r"[\w.]+: maximum number of steps"):
        export(session.envs[0].env, ["len"])


@pytest.mark.parametrize("command", [["check"], ["check", "--jsonl"], ["export"]])
def test_an_unreadable_file_is_no_verdict(command, tmp_path):
    done = cli(*command, tmp_path / "missing.lean")
    assert done.returncode == 3 and "cannot read" in done.stderr and "missing" in done.stderr
    assert "Traceback" not in done.stderr


ROWS = [
    {"name": "a", "preamble": "", "statement": "theorem a : 1 = 1 :=", "proof": "rfl"},
    {"name": "b", "preamble": "axiom x : 1 = 2", "statement": "theorem b : 1 = 2 :=", "proof": "x"},
    {"name": "c", "preamble": "", "statement": "theorem c : 1 = 2 :=", "proof": "sorry"},
    {"name": "d", "preamble": "open Nat (succ)", "statement": "theorem d : 1 = 1 :=",
     "proof": "rfl"}]


def test_rows_get_verdicts_and_a_bad_line_is_named(tmp_path):
    lines = [*map(json.dumps, ROWS), "", "[1]", "never read"]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    done = cli("check", "--jsonl", tmp_path / "rows.jsonl")
    verdicts = [json.loads(line)["verdict"] for line in done.stdout.splitlines()]
    assert verdicts == ["verified", "axiom", "rejected", "declined"]
    assert done.returncode == 3 and "line 6" in done.stderr and "Traceback" not in done.stderr


def test_the_command_line_explains_itself():
    assert all(word in cli("--help").stdout for word in ("check FILE", "export", "repl", "exit"))
    assert cli("check").returncode == 2 and "FILE" in cli("check").stderr


@pytest.mark.slow
def test_human_proofs_survive_the_round_trip():
    data = os.environ.get("COPROVER_DATA")
    if not data:
        pytest.skip("COPROVER_DATA is not set: no human-written proofs here")
    in_big_stack(lambda: round_trip(f"{data}/elementary/elementary.jsonl", every=6))


def round_trip(path, every):
    session = Session()
    with open(path, encoding="utf-8") as f:
        for line in islice(f, 0, None, every):
            row = json.loads(line)
            out = session.command(f"{row['preamble']}\n{row['statement']} {row['proof']}")
            if verdict_of(session, out, row)[0] == "verified":
                again = session.command(export(session.envs[-1].env, theorems_of(session)))
                errors = [m for m in again.get("messages", ()) if m["severity"] == "error"]
                assert not errors and "declined" not in again, (row["name"], errors)
            session.clear()


def test_a_stock_lean_accepts_the_file(session, tmp_path):
    lean = os.environ.get("LEAN")
    if not lean:
        pytest.skip("LEAN does not name a lean program: the real kernel was not asked")
    names = theorems_of(session)
    version = subprocess.run([lean, "--version"], capture_output=True, text=True).stdout
    if "version 4.0.0" in version:  # of 2021 to 2023: its kernel may not know η for structures yet
        names.remove("Point.eta")
    text = in_big_stack(lambda: export(session.envs[0].env, names))
    (tmp_path / "out.lean").write_text(text)
    done = subprocess.run([lean, tmp_path / "out.lean"], capture_output=True, text=True)
    assert done.returncode == 0 and "error" not in done.stdout, done.stdout
