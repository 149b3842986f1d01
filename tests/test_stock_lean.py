"""The second opinion of a stock Lean: what counts as refused, different and unread."""

import pytest

from benchmarks.stock_lean import Case, ask, report

FAKE = """#!/bin/sh
grep -q BAD_EXPORT "$1" && echo "$1:1:0: error: unknown identifier" && exit 1
grep -q OTHER_TYPE "$1" && echo "$1:2:0: error: Type mismatch" && exit 1
grep -q NEW_SYNTAX "$1" && echo "$1:1:0: error: expected token" && exit 1
exit 0
"""


@pytest.fixture
def lean(tmp_path):
    program = tmp_path / "lean"
    program.write_text(FAKE)
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("export", "comparison", "export_fate", "statement_fate", "status"), [
    ("fine", "fine", "accepted", "same", 0), ("fine", "", "accepted", "-", 0),
    ("BAD_EXPORT", "fine", "refused", "-", 1), ("fine", "OTHER_TYPE", "accepted", "different", 1),
    ("fine", "NEW_SYNTAX", "accepted", "unread", 0),
])
def test_fates(lean, export, comparison, export_fate, statement_fate, status):
    case = Case("corpus", "t", export, comparison)
    fate = ask(lean, case)
    assert fate[0].startswith(export_fate) and fate[1].startswith(statement_fate)
    assert report([case], [fate]) == status
