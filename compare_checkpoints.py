"""Compares two checkpoints on the same theorems: pass@k, paired intervals, who solves what.

Both are evaluated exactly as evaluate.py does it (or read from finished evaluations). Differences
are paired by theorem, with 95 % bootstrap intervals over theorems: shared difficulty cancels, so
that smaller differences can be told from noise than by comparing two separate intervals.

Run: python compare_checkpoints.py --sglang-url-a http://localhost:30000 \\
       --sglang-url-b http://localhost:30010 --label-a "baseline" --label-b "co-trained" \\
       --dataset data/minif2f_test.jsonl --n-samples 32 --output eval_results/comparison.json
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from coprover import config
from coprover.config import InputError
from coprover.metrics import bootstrap_mean, paired_difference, pass_at_k
from coprover.records import load_theorems, write_text_atomic

log = logging.getLogger("compare")

FLAGS = {
    "--sglang-url-a": ("compare.sglang_url_a", "server of checkpoint A"),
    "--sglang-url-b": ("compare.sglang_url_b", "server of checkpoint B"),
    "--label-a": ("compare.label_a", "name of A in the output"),
    "--label-b": ("compare.label_b", "name of B in the output"),
    "--result-a": ("compare.result_a", "finished evaluation of A instead of sampling"),
    "--result-b": ("compare.result_b", "finished evaluation of B instead of sampling"),
    "--dataset": ("evaluate.dataset", "JSONL of theorems"),
    "--kimina-url": ("evaluate.kimina_url", "the Lean server"),
    "--n-samples": ("evaluate.n_samples", "whole proofs per theorem and checkpoint"),
    "--max-problems": ("evaluate.max_problems", "first so many theorems"),
    "--temperature": ("evaluate.temperature", "sampling temperature"),
    "--max-new-tokens": ("evaluate.max_new_tokens", "tokens per proof"),
    "--seed": ("evaluate.seed", "seed of the samples"),
    "--output": ("compare.output", "JSON file to write"),
}


def main() -> int:
    """Evaluates both, writes the comparison and prints it."""
    cfg = config.from_cli(__doc__, FLAGS)
    results = [asyncio.run(side(cfg, which)) for which in ("a", "b")]
    labels = (cfg.compare.label_a, cfg.compare.label_b)
    comparison = compare(results[0], results[1], sorted({*cfg.evaluate.k}))
    comparison |= {"label_a": labels[0], "label_b": labels[1],
                   "dataset": [r.get("dataset") for r in results],
                   "weight_version": [r.get("weight_version") for r in results]}  # fmt: skip
    if results[0].get("weight_version") == results[1].get("weight_version"):
        log.warning("both sides served the same weights (%s)", results[0].get("weight_version"))
    text = json.dumps(comparison, indent=1, ensure_ascii=False) + "\n"
    write_text_atomic(cfg.compare.output, text)
    print_comparison(comparison)
    print(f"written to {cfg.compare.output}")
    return 0


async def side(cfg: DictConfig, which: str) -> dict:
    """Returns the evaluation of one checkpoint, read or made."""
    path = cfg.compare[f"result_{which}"]
    if path:
        return read_result(path)
    from evaluate import evaluate

    url, output = cfg.compare[f"sglang_url_{which}"], f"{cfg.compare.output}.{which}"
    own = OmegaConf.merge(
        cfg, {"evaluate": {"sglang_url": url, "output": output, "search_rules": []}}
    )
    theorems = load_theorems(cfg.evaluate.dataset, cfg.evaluate.max_problems)
    result = await evaluate(own, theorems)
    write_text_atomic(output, json.dumps(result, ensure_ascii=False) + "\n")
    return result


def read_result(path: str | Path) -> dict:
    """Returns a JSON file of evaluate.py. Raises InputError if it is none."""
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        if all({"name", "statement", "n", "c"} <= set(row) for row in result["theorems"]):
            return result
    except FileNotFoundError:
        raise InputError(f"no evaluation at {path}") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        pass
    raise InputError(f"{path} is not a result of evaluate.py")


def compare(a: Mapping, b: Mapping, ks: Sequence[int]) -> dict:
    """Returns pass@k of both with the paired difference B − A, and theorems only one solves.

    A k above the samples of either side is left out. Raises InputError unless both sides hold the
    same theorems with the same statements.
    """
    rows_a, rows_b = paired_rows(a, b)
    table = {}
    for k in ks:
        if all(row["n"] >= k for row in (*rows_a, *rows_b)):
            values = [[pass_at_k(row["n"], row["c"], k) for row in rows]
                      for rows in (rows_a, rows_b)]  # fmt: skip
            table[f"pass@{k}"] = {
                "a": bootstrap_mean(values[0]).as_dict(), "b": bootstrap_mean(values[1]).as_dict(),
                "b_minus_a": paired_difference(values[1], values[0]).as_dict(),
            }  # fmt: skip
    pairs = list(zip(rows_a, rows_b, strict=True))
    return {
        "n_theorems": len(pairs), "pass_at_k": table,
        "only_a": [x["name"] for x, y in pairs if x["c"] and not y["c"]],
        "only_b": [y["name"] for x, y in pairs if y["c"] and not x["c"]],
        "both": sum(bool(x["c"] and y["c"]) for x, y in pairs),
        "neither": sum(not (x["c"] or y["c"]) for x, y in pairs),
    }  # fmt: skip


def paired_rows(a: Mapping, b: Mapping) -> tuple[list[Mapping], list[Mapping]]:
    """Returns the rows of both in the order of A. Raises InputError naming the first difference."""
    by_name = {row["name"]: row for row in b["theorems"]}
    names = [row["name"] for row in a["theorems"]]
    odd = [n for n in names if n not in by_name] or sorted(set(by_name) - set(names))
    if odd:
        raise InputError(f"theorem {odd[0]!r} was evaluated on one side only; use one dataset")
    if not names:
        raise InputError("the evaluations hold no theorem")
    for row in a["theorems"]:
        if row["statement"] != by_name[row["name"]]["statement"]:
            raise InputError(f"theorem {row['name']!r} has another statement on each side")
    return list(a["theorems"]), [by_name[name] for name in names]


def print_comparison(comparison: Mapping) -> None:
    """Prints the table and the theorems only one side solves."""
    from rich.console import Console
    from rich.table import Table

    label_a, label_b = comparison["label_a"], comparison["label_b"]
    table = Table(title=f"{comparison['n_theorems']} theorems, 95 % intervals")
    for column in ("metric", label_a, label_b, f"{label_b} − {label_a} (paired)"):
        table.add_column(str(column))
    for name, row in comparison["pass_at_k"].items():
        table.add_row(name, *(_interval(row[key]) for key in ("a", "b", "b_minus_a")))
    console = Console(width=110, highlight=False)
    console.print(table)
    for label, key in ((label_a, "only_a"), (label_b, "only_b")):
        names = comparison[key]
        shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
        console.print(f"only {label} solves {len(names)}: {shown or '–'}", markup=False)
    console.print(f"both {comparison['both']}, neither {comparison['neither']}")


def _interval(value: Mapping) -> str:
    return f"{value['mean']:.3f} ({value['low']:.3f} – {value['high']:.3f})"


if __name__ == "__main__":
    config.main(main)
