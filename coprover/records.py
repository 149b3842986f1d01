"""JSONL records and theorems: reading that names the bad line, writing that survives a kill.

Files are append-only lists of JSON objects, one a line. A process killed while appending can leave
a torn last line; `read_jsonl(..., resume=True)` cuts it off, every other damage is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coprover.config import InputError

THEOREM_WORD = re.compile(r"^(?:@\[[^\]]*\]\s*)?(?:theorem|lemma)\s+(\S+)", re.MULTILINE)
_ENDING = re.compile(r":=\s*(?:by\s*)?(?:sorry\s*)?\Z")


class RecordError(InputError):
    """A JSONL line or theorem is malformed; the message gives `path:line` and the remedy."""


@dataclass(frozen=True)
class Theorem:
    """A theorem to prove. `formal_statement` is a complete text (header included) ending in
    `:= by`; `depth` is the length of the reference proof where one is known."""

    name: str
    formal_statement: str
    prompt: str | None = None
    split: str | None = None
    family: str | None = None
    depth: int | None = None
    extra: dict = field(default_factory=dict, compare=False, hash=False)

    @property
    def header(self) -> str:
        """Everything before the line of the theorem: imports, `open`, definitions."""
        return self.formal_statement[: _theorem_match(self.formal_statement).start()]

    @property
    def statement(self) -> str:
        """From the word `theorem` to `:= by`."""
        return self.formal_statement[_theorem_match(self.formal_statement).start() :]

    @property
    def declared_name(self) -> str:
        """The name in the Lean text (usually equal to `name`)."""
        return _theorem_match(self.formal_statement).group(1)

    @property
    def statement_hash(self) -> str:
        """12 hex digits of sha256 of the normalised statement, recorded by every evaluation."""
        return hashlib.sha256(self.formal_statement.encode()).hexdigest()[:12]


def read_jsonl(
    path: str | Path, required: Iterable[str] = (), resume: bool = False
) -> list[dict]:
    """Returns the rows of a JSONL file.

    Raises RecordError naming `path:line` for text that is not a JSON object or lacks one of the
    `required` keys. With `resume`, a missing file is empty and a torn last line is cut off.
    """
    path = Path(path)
    if resume:
        _drop_torn_line(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if resume:
            return []
        raise RecordError(f"no file {path}; check the path or create it first") from None
    except UnicodeDecodeError as error:
        raise RecordError(f"{path} is not UTF-8 text ({error}); is it really JSONL?") from None
    return [_parse_line(path, number, line, required) for number, line in _lines(text)]


def iter_jsonl(
    path: str | Path, required: Iterable[str] = (), resume: bool = False
) -> Iterator[dict]:
    """Yields the rows of a JSONL file one at a time, for files larger than memory.

    Same errors and meaning of `resume` as `read_jsonl`.
    """
    path = Path(path)
    if resume:
        _drop_torn_line(path)
        if not path.exists():
            return
    try:
        # newline="\n": U+2028 and friends are legal inside JSON strings and must not end a line
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parse_line(path, number, line, required)
    except FileNotFoundError:
        raise RecordError(f"no file {path}; check the path or create it first") from None
    except UnicodeDecodeError as error:
        raise RecordError(f"{path} is not UTF-8 text ({error}); is it really JSONL?") from None


def append_jsonl(path: str | Path, rows: Iterable[dict]) -> None:
    """Appends whole lines and syncs them to disk before it returns."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with path.open("a", encoding="utf-8") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_jsonl_atomic(path: str | Path, rows: Iterable[dict]) -> None:
    """Writes all rows to a temporary name and renames it: readers see all of it or none."""
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text_atomic(path, data)


def write_text_atomic(path: str | Path, text: str) -> None:
    """Writes text to a temporary name in the same folder, syncs and renames it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_theorems(path: str | Path, limit: int | None = None) -> list[Theorem]:
    """Returns the theorems of a JSONL file, normalised (see `normalise_statement`).

    Raises RecordError for a row without a name or statement, and for a name given twice.
    """
    theorems: list[Theorem] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(read_jsonl(path), start=1):
        theorem = _theorem(row, f"{path}:{number}")
        if theorem.name in seen:
            raise RecordError(
                f"{path}:{number}: the name {theorem.name!r} is already used on line "
                f"{seen[theorem.name]}; rename one of them"
            )
        seen[theorem.name] = number
        theorems.append(theorem)
    if not theorems:
        raise RecordError(f"{path} holds no theorem")
    return theorems[:limit] if limit else theorems


def normalise_statement(statement: str, header: str = "") -> str:
    """Returns header and statement as one text ending in `:= by`.

    Endings `:=`, `:= by`, `:= sorry`, `:= by sorry` and none at all are accepted.
    """
    text = statement.strip()
    ending = _ENDING.search(text)
    text = (text[: ending.start()] if ending else text).rstrip() + " := by"
    head = header.strip()
    if head and not text.startswith(head):
        text = f"{head}\n\n{text}"
    return text


def _theorem(row: dict, where: str) -> Theorem:
    name = row.get("name")
    if not isinstance(name, str) or not name.strip():
        raise RecordError(f"{where}: a theorem without a `name`; give every row a unique one")
    statement = row.get("formal_statement")
    if not isinstance(statement, str) or not statement.strip():
        raise RecordError(f"{where}: theorem {name!r} has no `formal_statement`")
    text = normalise_statement(statement, row.get("header") or "")
    if not THEOREM_WORD.search(text):
        raise RecordError(f"{where}: no `theorem NAME` in the formal_statement of {name!r}")
    known = {"name", "formal_statement", "prompt", "split", "family", "depth", "header"}
    return Theorem(
        name, text, row.get("prompt"), row.get("split"), row.get("family"), row.get("depth"),
        {key: value for key, value in row.items() if key not in known},
    )  # fmt: skip


def _theorem_match(text: str) -> re.Match[str]:
    """The statement is the last theorem of the text; earlier ones belong to the header."""
    matches = list(THEOREM_WORD.finditer(text))
    if not matches:
        raise RecordError(f"no `theorem NAME` in {text[:80]!r}")
    return matches[-1]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # not splitlines(): it also breaks at U+2028 and friends, which are legal inside JSON strings
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _parse_line(path: Path, number: int, line: str, required: Iterable[str]) -> dict:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordError(
            f"{path}:{number}: not JSON ({error.msg} at column {error.colno}); "
            "each line must be one complete JSON object"
        ) from None
    if not isinstance(row, dict):
        raise RecordError(f"{path}:{number}: a JSON object was expected, got {line.strip()[:40]!r}")
    for key in required:
        if key not in row:
            raise RecordError(f"{path}:{number}: the key {key!r} is missing")
    return row


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
