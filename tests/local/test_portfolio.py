"""One-line scripts prove at most 20 % of the test theorems (benchmarks/portfolio.py: all)."""

import random
from multiprocessing import get_context
from pathlib import Path

import pytest

from coprover import config
from local import families, families_found, portfolio

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = 60


@pytest.mark.slow
def test_scripts_prove_few_test_theorems(monkeypatch):
    monkeypatch.setattr(portfolio, "TIMEOUT_S", 0.5)  # what a script proves it proves at once
    section = config.load([ROOT / "configs" / "local.yaml"]).theorems.families
    kept = families_found.load(families.recipe_hash(families.plan_of(section)))
    test = [row for row in kept if row["split"] == "test"]
    rows = random.Random(0).sample(test, SAMPLE)
    with get_context("spawn").Pool(2) as pool:
        proved = portfolio.run(rows, pool)
    easy = {name: script for name, script in proved.items() if script}
    assert len(easy) <= portfolio.LIMIT * SAMPLE, easy


def test_the_scripts_do_prove_easy_theorems():
    statement = "theorem t (P Q : Prop) (hP : P) (hQP : P → Q) : P ∧ Q := by"

    class Inline:
        imap = staticmethod(lambda function, tasks, chunksize=1: map(function, tasks))

    row = {"name": "t", "formal_statement": statement}
    assert portfolio.run([row], Inline) == {"t": "simp_all"}
    assert portfolio.falls_to_a_script(statement)


def test_walks_know_the_names_of_the_hypotheses():
    statement = "theorem t (P Q : Prop) (f : Nat → Nat) (hP : P) (hQP' : P → Q) (h1 : P) : Q := by"
    assert portfolio.hypothesis_names(statement) == ["hP", "hQP'", "h1"]
    scripts = portfolio.scripts_of(statement)
    assert "apply hP | apply hQP' | apply h1" in scripts["rules"]
    assert "apply h1 | apply hQP' | apply hP" in scripts["rules_down"]
