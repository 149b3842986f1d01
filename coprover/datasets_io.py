"""Benchmark and prompt-set rows of any source -> theorems of ours, and their de-duplication.

Sources differ in field names (`statement`, `lean4_code`, `uuid`, …), in how they end (`:= by`,
`:= by sorry`, `:= sorry`) and in whether the header stands apart. PutnamBench leaves 346 answers as
`abbrev …_solution := sorry` with the true answer in the comment below: it is put in and recorded as
`answer: given`; a statement whose answer is not there is unposable, for a `sorry` in a statement
makes it meaningless. Used by prepare_minif2f.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from coprover import prompts
from coprover.records import THEOREM_WORD, RecordError, normalise_statement

NAMES = ("name", "full_name", "problem_id", "theorem_name", "uuid", "id")
STATEMENTS = ("formal_statement", "statement", "lean4_code", "formal_code", "autoformalization",
              "theorem_statement")  # fmt: skip
INFORMAL = ("informal_statement", "informal_prefix", "problem", "natural_language", "nl_statement",
            "natural_language_statement", "informal")  # fmt: skip
DEFAULT_HEADER = "import Mathlib"
HEADERS = {  # of sources whose statements need more than Mathlib in scope
    "workbook": "import Mathlib\nimport Aesop\n\nset_option maxHeartbeats 400000\n\n"
                "open BigOperators Real Nat Topology Rat",
}
_ANSWER = re.compile(
    r"^(?P<declaration>(?:noncomputable )?abbrev\s[^\n]*?:=\s*)sorry[ \t]*\n"
    r"(?P<comment>(?:[ \t]*--[^\n]*\n)+)",
    re.MULTILINE,
)
_COMMENT = re.compile(r"/-.*?-/|--[^\n]*", re.DOTALL)
_SORRY = re.compile(r"\bsorry\b")


class Unposable(ValueError):
    """A statement that cannot be attempted as it stands; the message says why."""


def theorem_row(row: Mapping, source: str, where: str = "row") -> dict:
    """Returns `{name, formal_statement, prompt, …}` for a row of any known source.

    Raises RecordError where there is no statement, Unposable where the statement holds a `sorry`.
    """
    raw = _first(row, STATEMENTS)
    if raw is None:
        raise RecordError(f"{where}: no Lean statement; its keys are {', '.join(sorted(row))}")
    header = row.get("header") or ""
    answer = None
    if row.get("has_answer_abbrev") or _ANSWER.search(header or raw):
        header, raw, answer = _give_answer(header, raw)
    statement = normalise_statement(raw, header)
    if not THEOREM_WORD.search(statement):
        raise RecordError(f"{where}: no `theorem NAME` in {raw[:60]!r}")
    if "import " not in statement.split("theorem")[0]:
        statement = f"{HEADERS.get(source, DEFAULT_HEADER)}\n\n{statement}"
    if _SORRY.search(_COMMENT.sub("", statement)):
        raise Unposable(f"{where}: the statement holds a `sorry`")
    name = _first(row, NAMES) or THEOREM_WORD.findall(statement)[-1]
    out = {"name": str(name), "formal_statement": statement,
           "prompt": prompts.prompt_text(statement), "source": source}  # fmt: skip
    extras = {"split": row.get("split"), "informal": _first(row, INFORMAL), "answer": answer}
    return out | {key: value for key, value in extras.items() if value}


def theorem_rows(rows: Iterable[Mapping], source: str) -> tuple[list[dict], dict[str, int]]:
    """Returns distinct theorems with unique names, and counts of what was left out and why.

    Equal statements are kept once; a name used by another statement gets `_2`, `_3`, ….
    """
    kept: list[dict] = []
    counts = {"rows": 0, "duplicate": 0, "unposable": 0}
    seen: set[str] = set()
    names: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        counts["rows"] += 1
        try:
            theorem = theorem_row(row, source, f"{source}:{number}")
        except Unposable:
            counts["unposable"] += 1
            continue
        key = statement_key(theorem["formal_statement"])
        if key in seen:
            counts["duplicate"] += 1
            continue
        seen.add(key)
        name = theorem["name"]
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            theorem["name"] = f"{name}_{names[name]}"
        kept.append(theorem)
    return kept, counts


def without(rows: Sequence[Mapping], others: Iterable[Mapping]) -> list[Mapping]:
    """Returns the rows whose statement is in none of the others, whatever its name."""
    taken = {statement_key(row["formal_statement"]) for row in others}
    return [row for row in rows if statement_key(row["formal_statement"]) not in taken]


def hold_out(rows: Sequence[Mapping], n: int, seed: int) -> tuple[list[Mapping], list[Mapping]]:
    """Returns (rest, held out): n rows chosen by a hash of seed and statement.

    A row's place depends on nothing else, so a grown dataset keeps most of the choice.
    """
    def rank(row: Mapping) -> str:
        return hashlib.sha256(f"{seed}:{row['formal_statement']}".encode()).hexdigest()

    chosen = {id(row) for row in sorted(rows, key=rank)[:n]}
    return ([row for row in rows if id(row) not in chosen],
            [row for row in rows if id(row) in chosen])  # fmt: skip


def statement_key(formal_statement: str) -> str:
    """Equal for statements that differ only in name, comments, header and white space."""
    text = _COMMENT.sub(" ", formal_statement)
    matches = list(THEOREM_WORD.finditer(text))
    body = text[matches[-1].end(1) :] if matches else text
    definitions = text[: matches[-1].start()] if matches else ""
    lines = [line for line in definitions.splitlines()
             if not re.match(r"\s*(import|open|set_option|universe)\b", line)]  # fmt: skip
    return re.sub(r"\s+", " ", " ".join([*lines, body])).strip()


def _give_answer(header: str, statement: str) -> tuple[str, str, str]:
    """Puts the answer from the comment in place of the first `sorry` of the abbreviation."""
    for text in (header, statement):
        match = _ANSWER.search(text)
        if match is None:
            continue
        lines = [line.strip().removeprefix("--").strip() for line in match["comment"].splitlines()]
        value = "\n  ".join(line for line in lines if line)
        if not value:
            break
        filled = f"{text[: match.start()]}{match['declaration']}{value}\n{text[match.end() :]}"
        return (filled, statement, "given") if text is header else (header, filled, "given")
    raise Unposable("the answer is left as `sorry` and no comment gives it")


def _first(row: Mapping, keys: Iterable[str]) -> object | None:
    return next((row[key] for key in keys if row.get(key)), None)
