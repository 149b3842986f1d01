"""The warm start: which rows it reads, its plateau rule, its exact resume."""

import json
import random

import pytest

torch = pytest.importorskip("torch")

from coprover.config import InputError  # noqa: E402
from coprover.prompts import prompt_text, tactic_step  # noqa: E402
from coprover.records import load_theorems, read_jsonl, write_jsonl_atomic  # noqa: E402
from coprover.renaming import Renaming  # noqa: E402
from local import warm_start  # noqa: E402
from local.tokenizer import decode  # noqa: E402


def theorem_rows(count=30, more=""):
    """`more`: a further hypothesis of every state, so that there are two to recall."""
    rows = []
    for i in range(count):
        a, b = "PQRS"[i % 4], "PQRS"[(i + 1) % 4]
        statement = f"import Mathlib\n\ntheorem t{i} (P Q R S : Prop) (h : {a} ∧ {b}) : {a} := by"
        context = f"P Q R S : Prop\nh : {a} ∧ {b}{more}\n⊢ {a}"
        opened = f"P Q R S : Prop\nh1 : {a}\nh2 : {b}{more}\n⊢ {a}"
        proof = ["obtain ⟨h1, h2⟩ := h", "exact h1"]
        rows.append({"name": f"t{i}", "formal_statement": statement, "prompt":
                     prompt_text(statement), "proof": proof[:2], "states": [context, opened]})
    rows[0]["proof"], rows[0]["states"] = ["skip"] * 9, ["x"] * 9
    return rows


def world(folder, **extra):
    more = "\nhS : S" if extra else ""
    write_jsonl_atomic(folder / "train.jsonl", theorem_rows(more=more))
    write_jsonl_atomic(folder / "valid.jsonl", theorem_rows(6, more))
    (folder / "overlay.yaml").write_text(json.dumps({
        "run": {"name": "t", "dir": str(folder / "run")},
        "theorems": {"train": str(folder / "train.jsonl"), "valid": str(folder / "valid.jsonl")},
        "warm_start": {"vocab_size": 300, "hidden_size": 16, "heads": 2, "layers": 1,
                       "intermediate_size": 32, "max_positions": 128, "batch_tokens": 400,
                       "eval_every": 5, "max_steps": 20, "warmup_steps": 2, "lr": 0.02,
                       "alphabets": [["P", "Q", "R", "S"]], "recall_steps": 0, "seed": 3}
        | extra}))
    return str(folder / "overlay.yaml")


def test_both_forms_and_shallow_proofs_only(tmp_path):
    world(tmp_path)
    theorems = load_theorems(tmp_path / "train.jsonl")
    texts = warm_start.examples(theorems, max_depth=2)
    assert len(texts) == 29 * 3  # the deep proof of t0 is not read
    assert texts[0][1] == "```lean4\n  obtain ⟨h1, h2⟩ := h\n  exact h1\n```"
    assert texts[1] == (tactic_step("P Q R S : Prop\nh : Q ∧ R\n⊢ Q"), "obtain ⟨h1, h2⟩ := h")
    theorems[1].extra["states"].pop()
    with pytest.raises(InputError, match="t1: 2 steps but 1 states"):
        warm_start.examples(theorems, max_depth=2)


def test_every_epoch_holds_every_row_once(tmp_path, tokenizer):
    world(tmp_path)
    texts = warm_start.examples(load_theorems(tmp_path / "train.jsonl"), 2)
    rows = warm_start.token_groups(tokenizer, texts, 1000)
    same = Renaming(tokenizer, [])
    first, second = (warm_start.epoch_batches(rows, 300, seed, same) for seed in (0, 1))
    plain = [(g.prompt, g.responses) for b in first for g in b]
    assert sorted(plain) == sorted((list(g.prompt), tuple(map(list, g.responses))) for g in rows)
    assert first != second and first == warm_start.epoch_batches(rows, 300, 0, same)


def test_recall_rows_hold_each_hypothesis_once_and_no_proof(tmp_path, tokenizer):
    row = theorem_rows(1)[0] | {"states": ["P Q : Prop\nhP : P\nhQP : P → Q\n⊢ Q", "proof state"],
                                "proof": ["apply hQP", "assumption"]}  # fmt: skip
    write_jsonl_atomic(tmp_path / "t.jsonl", [row])
    theorems = load_theorems(tmp_path / "t.jsonl")
    assert warm_start.hypotheses(theorems[0]) == ["hP : P", "hQP : P → Q"]
    answers = {decode(tokenizer, warm_start.recall_groups(tokenizer, theorems,
                                                          random.Random(i))[0].responses[0])
               for i in range(20)}  # fmt: skip
    assert answers == {"hP : P\nhQP : P → Q", "hQP : P → Q\nhP : P"}


def test_plateau_cuts_the_rate_and_then_ends():
    plateau = warm_start.Plateau(patience=2, min_gain=0.1, factor=0.5, cuts=1)
    assert [plateau.update(x) for x in (1.0, 0.5, 0.49, 0.48)] == [False] * 4
    assert plateau.scale == 0.5
    assert [plateau.update(x) for x in (0.48, 0.48)] == [False, True]


@pytest.mark.parametrize("stages", [
    {}, {"recall_steps": 10}, {"recall_steps": 18}, {"recall_steps": 50, "recall_loss": 100.0}])
def test_command_trains_and_resumes_exactly(tmp_path, monkeypatch, stages):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from coprover.checkpoints import weight_version

    folders = [tmp_path / "whole", tmp_path / "cut"]
    original, calls = warm_start.update, []

    def dies(*args):
        calls.append(0)
        if len(calls) == 13:
            raise KeyboardInterrupt
        return original(*args)
    for folder in folders:
        folder.mkdir()
        monkeypatch.setattr("sys.argv", ["warm_start", "--config", world(folder, **stages)])
        if folder.name == "cut":
            monkeypatch.setattr(warm_start, "update", dies)
            with pytest.raises(KeyboardInterrupt):
                warm_start.main()
            monkeypatch.setattr(warm_start, "update", original)
        assert warm_start.main() == 0
    paths = [f / "run" / "warm_start" / "generator" for f in folders]
    assert weight_version(paths[0]) == weight_version(paths[1])
    rows = read_jsonl(folders[0] / "run" / "metrics.jsonl")
    recalled = [r["step"] for r in rows if r["stage"] == "recall"]
    assert recalled == {0: [], 10: [5, 10], 18: [5, 10, 15, 18], 50: [5]}[
        stages.get("recall_steps", 0)]  # 50: good enough at the first look
    rows = [r for r in rows if r["stage"] == "proofs"]
    assert [r["step"] for r in rows] == [5, 10, 15, 20]
    assert rows[-1]["warm_start/valid_loss"] < rows[0]["warm_start/valid_loss"] / 1.5
    model = AutoModelForCausalLM.from_pretrained(paths[0])
    tokenizer = AutoTokenizer.from_pretrained(paths[0])
    assert model.config.eos_token_id == tokenizer.eos_token_id
    assert model.dtype == torch.float32
