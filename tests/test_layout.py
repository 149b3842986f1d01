"""The house: README lists exactly the tree, imports point one way, every script explains itself."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIXED = """README.md Makefile requirements.txt .gitignore configs/generator_grpo.yaml
configs/value_model_sft.yaml configs/co_training.yaml models/deepseek-prover-v2-7B.sh
train_step_grpo.sh train_value_slime.sh train_value_model.py lean_reward.py value_reward.py
value_model.py value_guided_search.py value_rollout.py lean_generate.py trajectory_collector.py
prepare_minif2f.py prepare_value_data.py prepare_all.sh filter_dataset.py evaluate.py
compare_checkpoints.py analyze_training.py co_train.py co_train.sh launch_servers.sh
convert_and_serve.sh check_status.sh run_docker.sh lean_server.py lean_server_pool.py
examples/minif2f_smoke.jsonl data/README.md""".split()
HOOKS = {"lean_reward.py", "value_reward.py", "value_rollout.py", "lean_generate.py"}
# script → the root scripts it may import
SCRIPT_IMPORTS = {
    "value_reward": {"lean_reward"},
    "lean_generate": {"lean_reward"},
    "compare_checkpoints": {"evaluate"},
    "lean_server": {"lean_server_pool"},
    "train_value_model": {"value_model"},
    "evaluate": {"value_guided_search"},
    "trajectory_collector": {"value_guided_search"},
}


MACHINE_PATH = r"(?<![\w./$}~-])/(?:home|work|root|mnt|Users|opt)/[\w./-]+"


def tracked() -> set[str]:
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                         capture_output=True, text=True, check=True)  # fmt: skip
    return {line for line in out.stdout.splitlines() if (ROOT / line).exists()}


def test_fixed_names_exist():
    assert [name for name in FIXED if not (ROOT / name).exists()] == []


def test_readme_structure_matches_the_tree():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("<!-- structure -->")[1].split("<!-- /structure -->")[0]
    listed = set()
    for row in re.findall(r"^\| (.+?) \|", section, re.MULTILINE)[2:]:  # first column
        listed |= set(re.findall(r"`([^`]+)`", row))
    files = tracked()
    missing = [p for p in listed if not any(f == p or f.startswith(p) for f in files)]
    assert missing == [], f"README lists what does not exist: {missing}"
    folders = [p for p in listed if p.endswith("/")]
    unlisted = [f for f in files
                if f not in listed and not any(f.startswith(p) for p in folders)]  # fmt: skip
    assert unlisted == [], f"README does not list {unlisted}"


@pytest.mark.parametrize("script", sorted(p.name for p in ROOT.glob("*.py")))
def test_python_script_answers_help(script):
    out = subprocess.run([sys.executable, script, "--help"], cwd=ROOT, capture_output=True,
                         text=True, timeout=120)  # fmt: skip
    assert out.returncode == 0 and "usage" in out.stdout.lower(), out.stderr[-500:]
    assert len(out.stdout.splitlines()) > 4


@pytest.mark.parametrize("script", sorted(p.name for p in ROOT.glob("*.sh")))
def test_shell_script_is_strict_and_answers_help(script):
    text = (ROOT / script).read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in text
    assert "pkill" not in text and "killall" not in text
    out = subprocess.run(["bash", script, "--help"], cwd=ROOT, capture_output=True, text=True,
                         timeout=60, env={**os.environ, "PYTHON": sys.executable})  # fmt: skip
    assert out.returncode == 0 and "usage" in out.stdout.lower(), out.stderr[-500:]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def test_imports_point_one_way():
    scripts = {p.stem for p in ROOT.glob("*.py")}
    wrong = []
    for path in [*ROOT.glob("*.py"), *ROOT.glob("coprover/**/*.py"), *ROOT.glob("local/**/*.py"),
                 *ROOT.glob("minilean/**/*.py")]:  # fmt: skip
        home = path.relative_to(ROOT).parts[0]
        for name in imports(path):
            top = name.split(".")[0]
            bad = (
                (home == "coprover" and top in {"local", "minilean"})
                or (home == "minilean" and top in {"coprover", "local"} | scripts)
                or ("kernel" in path.parts and name.startswith("minilean.front"))
                or (home.endswith(".py") and top in {"minilean", "local"})
                or (home.endswith(".py") and top in scripts - SCRIPT_IMPORTS.get(path.stem, set()))
            )
            if bad:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_minilean_uses_the_standard_library_only():
    outside = {f"{p.name}: {n}" for p in ROOT.glob("minilean/**/*.py") for n in imports(p)
               if n.split(".")[0] not in {*sys.stdlib_module_names, "minilean"}}  # fmt: skip
    assert outside == set()


def test_nothing_names_a_machine_or_leaves_traces():
    allowed = ("/workspace", "/root/slime", "/root/Megatron-LM", "/mnt/filesystem-m5")
    offending = []
    for name in tracked():
        if not name.endswith((".py", ".sh", ".md", ".yaml", ".toml", "Makefile")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for match in re.finditer(MACHINE_PATH, text):
            if not match.group().startswith(allowed) and name != "tests/test_layout.py":
                offending.append(f"{name}: {match.group()}")
    assert offending == []
