"""The configuration: precedence, and errors that name the culprit."""

import pytest

from coprover import config
from coprover.config import ConfigError


def test_precedence_base_overlay_set(tmp_path):
    overlay = tmp_path / "o.yaml"
    overlay.write_text("search:\n  budget: 7\n  candidates: 3\n")
    cfg = config.load([overlay], ["search.budget=9"])
    assert (cfg.search.budget, cfg.search.candidates) == (9, 3)
    assert cfg.grpo.eps_low == 0.2 and cfg.value.gamma == 0.95  # the other base files are there


def test_flag_is_a_spelling_of_a_key_and_wins():
    flags = {"--dataset": ("evaluate.dataset", "")}
    cfg = config.from_cli("", flags, ["--set", "evaluate.dataset=a.jsonl", "--dataset", "b.jsonl"])
    assert cfg.evaluate.dataset == "b.jsonl"
    assert config.from_cli("", flags, []).evaluate.dataset == config.load().theorems.test


def test_a_flag_without_a_value_stands_for_one():
    flags = {"--dry-run": ("run.dry_run", "print only", "true")}
    assert config.from_cli("doc", flags, ["--dry-run"]).run.dry_run is True
    assert config.from_cli("doc", flags, []).run.dry_run is False


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (["search.budgett=5"], ["'search.budgett'", "'search.budget'"]),
        (["serach.budget=5"], ["'serach'", "search"]),
        (["search=3"], ["search wants"]),
        (["run.rounds=abc"], ["run.rounds", "'abc'"]),
        (["run.rounds=2.5"], ["run.rounds"]),
        (["rounds"], ["KEY=VALUE"]),
        (["run.dir=${nowhere.at.all}"], ["nowhere"]),
    ],
)
def test_wrong_settings_are_named(sets, words):
    with pytest.raises(ConfigError) as error:
        config.load([], sets)
    for word in words:
        assert word in str(error.value)


def test_missing_and_malformed_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no configuration file .*nope\.yaml"):
        config.load([tmp_path / "nope.yaml"])
    (tmp_path / "bad.yaml").write_text("a: [1, 2\n")
    with pytest.raises(ConfigError, match=r"bad\.yaml is not valid YAML"):
        config.load([tmp_path / "bad.yaml"])
    with pytest.raises(ConfigError, match="cannot read"):
        config.load([tmp_path])  # a folder
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match=r"bytes\.yaml is not valid YAML"):
        config.load([tmp_path / "bytes.yaml"])
    with pytest.raises(ConfigError, match="--set search.budget"):
        config.load([], ["search.budget=[1"])
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="must hold a mapping"):
        config.load([tmp_path / "list.yaml"])


def test_saved_config_reads_back_equal(tmp_path):
    cfg = config.load(["configs/local.yaml"], ["run.seed=3"])
    config.save(cfg, tmp_path / "c.yaml")
    assert config.load([tmp_path / "c.yaml"]) == cfg


def test_expected_errors_are_one_line(capsys):
    def fails():
        raise ConfigError("the key x is wrong")

    with pytest.raises(SystemExit) as stop:
        config.main(fails)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: the key x is wrong\n"
