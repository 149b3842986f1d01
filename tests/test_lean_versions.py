"""Which Lean checked: from a project's files, from a server's health, or by asking Lean."""

import asyncio
import json

from lean_fake import lean_config

from coprover import lean_versions
from coprover.lean_client import LeanClient


def test_a_lake_project_names_both(tmp_path):
    assert lean_versions.of_project(tmp_path, ["lake", "env", "repl"]) == {
        "lean": None, "mathlib": None}
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.26.0\n")
    (tmp_path / "lake-manifest.json").write_text(json.dumps({"packages": [
        {"name": "batteries", "rev": "1"}, {"name": "mathlib", "rev": "abc123"}]}))
    assert lean_versions.of_project(tmp_path, ["lake", "env", "repl"]) == {
        "lean": "leanprover/lean4:v4.26.0", "mathlib": "abc123"}
    assert lean_versions.of_project(tmp_path, ["python", "-m", "minilean", "repl"])["lean"] == (
        "minilean")


def versions(health: dict, *messages: str) -> dict:
    async def go():
        async with LeanClient(lean_config()) as client:
            async def answer_health():
                return health

            async def answer_check(codes):
                assert codes == [lean_versions.QUESTION]
                return [{"id": "0", "response": {"env": 1, "messages": [
                    {"severity": "info", "data": data} for data in messages]}}]

            client.health, client.check = answer_health, answer_check
            return await client.versions()

    return asyncio.run(go())


def test_our_server_says_and_kimina_is_asked():
    ours = {"status": "ok", "lean": "leanprover/lean4:v4.26.0", "mathlib": "abc"}
    assert versions(ours) == {"lean": "leanprover/lean4:v4.26.0", "mathlib": "abc"}
    assert versions({"status": "ok"}, '"4.26.0"') == {"lean": "4.26.0", "mathlib": None}
    assert versions({"status": "ok"}, '"4.33.0-rc2"')["lean"] == "4.33.0-rc2"
    assert versions({"status": "ok"}, "unknown constant")["lean"] is None


def test_metrics_count_and_time():
    async def go():
        async with LeanClient(lean_config()) as client:
            async def post(path, body, timeout_s):
                return {"results": [{"id": s["id"], "time": 0.5, "response": {"env": 1}}
                                    for s in body["snippets"]]}

            client._post = post
            await client.check(["a", "b"])
            return client.metrics()

    found = asyncio.run(go())
    assert found["snippets"] == 2 and found["lean_s"] == 1.0 and found["requests_in_flight"] == 0
    assert found["snippets_per_s"] > 0 and found["wall_s"] >= 0
