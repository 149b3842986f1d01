"""The control of a finished laptop run: the same extra time, spent on SFT with its own samples.

Starts from the run's warm start. For as long as the run's generator phases took altogether (search
and GRPO of all rounds) it samples theorems like GRPO does, and learns the verified samples of the
generator itself by supervised steps: no policy gradient, no proof that a search found, no value
model. Then it evaluates the test theorems exactly as the run did, and prints both beside each
other. The result stays in <run>/control; a finished part is not done again.

Run: python -m benchmarks.sft_control runs/laptop
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coprover import config, services
from coprover.metrics import paired_difference, pass_at_k
from coprover.records import read_jsonl


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    run = parser.parse_args().run
    cfg = config.load([run / "config.yaml"])
    results = {"start": _result(run / "eval" / "test_start.json")}
    last = run / "eval" / f"test_round_{cfg.run.rounds}.json"
    results |= {"co-training": _result(last), "SFT control": control(run)}
    report(results)
    return 0


def seconds(run: Path) -> float:
    """Time of the run's search and GRPO phases, all rounds."""
    rows = read_jsonl(run / "metrics.jsonl", resume=True)
    return sum(row["time/phase_s"] for row in rows if "time/phase_s" in row
               and row["phase"].startswith("round_") and row["phase"].endswith(("search", "grpo")))


def control(run: Path) -> dict:
    """Trains and evaluates the control; returns its evaluation."""
    out, base = run / "control", [run / "config.yaml"]
    sets = ["grpo.objective=rejection", "grpo.replay.search=false", "grpo.num_rollouts=100000",
            f"grpo.max_time_s={seconds(run):.0f}", f"grpo.rounds=[{run}/round_1]",
            f"grpo.model={run}/warm_start/generator", f"grpo.output={out}/generator"]
    cfg = config.load(base, [f"servers.generator.checkpoint={out}/generator"])
    try:
        services.start(cfg, "lean")
        _python(["-m", "local.grpo"], base, sets, cfg.run.threads)
        services.start(cfg, "generator")
        section = cfg.evaluate_test
        _python(["evaluate.py"], base, [
            f"evaluate.output={out}/test.json", f"evaluate.n_samples={section.n_samples}",
            f"evaluate.k={list(section.k)}", "evaluate.search_rules=[]"], cfg.run.threads)
    finally:
        for name in ("generator", "lean"):
            services.stop(cfg, name)
    return _result(out / "test.json")


def _python(command: list[str], configs: list[Path], sets: list[str], threads: int) -> None:
    files = [word for path in configs for word in ("--config", str(path))]
    subprocess.run(
        ["env", f"OMP_NUM_THREADS={threads}", sys.executable, *command, *files, "--set", *sets],
        check=True)


def _result(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def report(results: dict[str, dict]) -> None:
    """Prints pass@k of all, and differences to the control, paired by theorem."""
    table = Table("generator", *(f"pass@{k}" for k in results["start"]["pass_at_k"]))
    for name, result in results.items():
        table.add_row(name, *(f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
                              for row in result["pass_at_k"].values()))
    Console(width=100, highlight=False).print(table)
    for name in ("start", "co-training"):
        for k in map(int, results[name]["pass_at_k"]):
            rates = [[pass_at_k(row["n"], row["c"], k) for row in results[which]["theorems"]]
                     for which in (name, "SFT control")]
            change = paired_difference(*rates)
            print(f"pass@{k}: {name} minus control {100 * change.mean:+.1f} points "
                  f"[{100 * change.low:+.1f}, {100 * change.high:+.1f}]")


if __name__ == "__main__":
    config.main(main)
