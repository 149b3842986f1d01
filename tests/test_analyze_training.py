"""Curves from metrics.jsonl and from SLIME's log lines."""

from __future__ import annotations

import json

import pytest

import analyze_training
from coprover import curves
from coprover.config import InputError

LOG = """\
(MegatronTrainRayActor pid=7) [2026-11-22 10:00:00] model.py:918 - step 0: {'train/loss': 0.5, \
'train/grad_norm': np.float64(2.5e-03), 'train/pg_clipfrac': nan, 'train/step': 0}
noise: {'train/loss': 9.0}
(RolloutManager pid=8) rollout_metrics.py:268 - perf 0: {'perf/rollout_time': 12.5}
(MegatronTrainRayActor pid=7) train_metric_utils.py:135 - rollout 0: {'rollout/raw_reward': 0.25}
(MegatronTrainRayActor pid=7) model.py:918 - step 1: {'train/loss': 0.75, 'train/step': 1}
(MegatronTrainRayActor pid=7) model.py:918 - step 1: {'train/loss': 0.25, 'train/step': 1}
"""


def test_slime_lines_become_series_and_a_repeated_step_counts_once():
    series = curves.from_slime_log(LOG.splitlines())
    assert sorted(series) == [
        "perf/rollout_time", "rollout/raw_reward", "train/grad_norm", "train/loss"
    ]  # fmt: skip
    assert (series["train/loss"].x, series["train/loss"].y) == ([0, 1], [0.5, 0.25])
    assert series["train/grad_norm"].y == [0.0025]


def rows():
    for number in (1, 2):
        for step in range(3):
            yield {"time": 1.0, "phase": f"round_{number}/grpo", "round": number, "step": step,
                   "rollout/reward_mean": number + step / 10, "note": "text"}  # fmt: skip


def test_rounds_join_into_one_curve():
    series = curves.from_metrics(rows())
    assert list(series) == ["grpo rollout/reward_mean"]
    one = series["grpo rollout/reward_mean"]
    assert one.x_name == "point" and one.x == [0, 1, 2, 3, 4, 5]
    assert one.y == pytest.approx([1.0, 1.1, 1.2, 2.0, 2.1, 2.2])


def test_smoothing_starts_unbiased_and_keeps_constants():
    assert curves.smooth([3.0] * 5, 10) == pytest.approx([3.0] * 5)
    assert curves.smooth([1.0, 2.0], 3) == pytest.approx([1.0, (0.5 * 1.0 + 2.0) / 1.5])


def test_png_and_csv_are_written(tmp_path, capsys):
    run = tmp_path / "laptop"
    run.mkdir()
    text = "".join(json.dumps(row) + "\n" for row in rows())
    (run / "metrics.jsonl").write_text(text + '{"torn')
    assert analyze_training.main(["--run", str(run)]) == 0
    folder = run / "plots" / "training"
    assert (folder / "grpo_rollout_reward_mean.png").read_bytes().startswith(b"\x89PNG")
    table = (folder / "grpo_rollout_reward_mean.csv").read_text().splitlines()
    assert table[0] == "point,grpo rollout/reward_mean,smoothed" and len(table) == 7
    assert (run / "metrics.jsonl").read_text().endswith('{"torn')


def test_latest_prints_phases_and_last_values(tmp_path, capsys):
    (tmp_path / "metrics.jsonl").write_text('{"step": 4, "loss": 0.125}\n')
    state = {"phases": {"round_1/grpo": {"status": "done", "seconds": 9.5}}}
    (tmp_path / "state.json").write_text(json.dumps(state))
    analyze_training.main(["--run", str(tmp_path), "--latest"])
    said = capsys.readouterr().out
    assert "round_1/grpo" in said and "done" in said and "0.125  (step 4)" in said


def test_nothing_to_plot_is_an_error(tmp_path):
    with pytest.raises(InputError, match="--run DIR or --log"):
        analyze_training.main([])
    with pytest.raises(InputError, match="no file"):
        analyze_training.main(["--log", str(tmp_path / "x.log")])
    (tmp_path / "x.log").write_text("nothing\n")
    with pytest.raises(InputError, match="no metric"):
        analyze_training.main(["--log", str(tmp_path / "x.log")])
