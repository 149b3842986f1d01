"""The manifest: a phase is done only when completed and its outputs exist."""

import pytest

from coprover.config import InputError
from coprover.runlog import Manifest, MetricsLog, path_hash, provenance


def test_phase_life_cycle_survives_reload(tmp_path):
    path, out = tmp_path / "state.json", tmp_path / "out"
    manifest = Manifest(path)
    manifest.enter("a", [tmp_path / "missing"])
    assert not Manifest(path).done("a")
    with pytest.raises(InputError, match="ended without its output"):
        manifest.complete("a", [out])
    out.write_text("x")
    manifest.complete("a", [out], weights={"generator": "abc"})
    again = Manifest(path)
    assert again.done("a") and again.phase("a")["weights"] == {"generator": "abc"}
    out.unlink()
    assert not again.done("a")


def test_damaged_manifest_is_an_error_not_a_fresh_start(tmp_path):
    (tmp_path / "state.json").write_text('{"phases": {')
    with pytest.raises(InputError, match="damaged"):
        Manifest(tmp_path / "state.json")


def test_path_hash_sees_names_and_contents(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = path_hash(folder)
    (folder / "a").rename(folder / "b")
    assert path_hash(folder) != first and path_hash(tmp_path / "none") is None


def test_metrics_rows_are_flat_and_kept(tmp_path):
    log = MetricsLog(tmp_path / "m.jsonl", round=2)
    log.log(**{"rollout/reward_mean": 0.5})
    [row] = log.rows()
    assert row["round"] == 2 and row["rollout/reward_mean"] == 0.5


def test_provenance_names_commit_and_versions():
    facts = provenance()
    assert facts["cores"] >= 1 and "omegaconf" in facts["packages"] and facts["commit"]
