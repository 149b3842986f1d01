"""Step and check reference proofs with minilean, in worker processes.

Each proof is replayed tactic by tactic (the printed state before each tactic becomes the row's
`states`, as text for models) and then checked as a whole. A proof that does not pass is dropped
with the checker's message; more than a few mean a bug in the generator or the checker and stop
the generation. Used by local/families.py: `python -m local.families --out data/families`.
"""

from __future__ import annotations

import logging
from collections import Counter

from coprover.config import InputError
from coprover.prompts import indent

log = logging.getLogger("families")
BATCH = 40
MAX_DROPPED = 0.01  # share of rows
STEP_TIMEOUT_S = 10.0
_session = None  # one per worker process: loading the library takes a while


class CheckFailed(InputError):
    """Reference proofs do not pass the checker; the message quotes the first ones."""


def check_all(rows: list[dict], pool) -> list[dict]:
    """The rows that minilean accepts, with `states` added; CheckFailed if too many fail."""
    batches = [rows[i:i + BATCH] for i in range(0, len(rows), BATCH)]
    kept, failures = [], []
    for number, results in enumerate(pool.imap(check_batch, batches), 1):
        for row, (states, problem) in zip(batches[number - 1], results, strict=True):
            if problem:
                failures.append((row, problem))
            else:
                kept.append({**row, "states": states})
        if number % 20 == 0 or number == len(batches):
            log.info("checked %d of %d proofs", min(number * BATCH, len(rows)), len(rows))
    for row, problem in failures[:10]:
        log.warning("%s (%s): %s\n%s\n  %s", row["name"], row["family"], problem,
                    row["formal_statement"].split("\n")[-1], "\n  ".join(row["proof"]))
    if len(failures) > MAX_DROPPED * len(rows):
        kinds = Counter(row["family"] for row, _ in failures)
        raise CheckFailed(
            f"{len(failures)} of {len(rows)} reference proofs fail in minilean ({dict(kinds)}); "
            f"first: {failures[0][0]['name']}: {failures[0][1]}")
    if failures:
        log.warning("dropped %d of %d theorems", len(failures), len(rows))
    return kept


def check_batch(rows: list[dict]) -> list[tuple[list[str], str | None]]:
    """(states before each tactic, problem or None) for each row; runs in a worker process."""
    return [check_proof(session(), row) for row in rows]


def session():
    """This process's minilean session, made at the first call."""
    global _session
    if _session is None:
        from minilean.front.session import Session
        _session = Session()
    return _session


def prove_with(task: tuple[dict, tuple[str, ...], float]) -> list[str]:
    """Outcomes (proved, failed, declined) of one-line scripts on a row up to the first proof.

    The task is (row, scripts, time limit of a script in seconds); runs in a worker process."""
    row, scripts, timeout_s = task
    outcomes: list[str] = []
    for script in scripts:
        answer = session().command(f"{row['formal_statement']}\n  {script}", timeout_s=timeout_s)
        outcomes.append("declined" if "declined" in answer else
                        "failed" if _error(answer) else "proved")
        if outcomes[-1] == "proved":
            break
    return outcomes


def check_proof(session, row: dict) -> tuple[list[str], str | None]:
    """Replays row["proof"] step by step, then checks it as a whole.

    Returns the state texts before each tactic and None, or the states so far and what went wrong.
    """
    answer = session.command(f"{row['formal_statement']} sorry", timeout_s=STEP_TIMEOUT_S)
    problem = _error(answer)
    if problem or len(answer.get("sorries", [])) != 1:
        return [], f"statement: {problem or answer}"
    sorry = answer["sorries"][0]
    states, position = [sorry["goal"]], sorry["proofState"]
    for number, tactic in enumerate(row["proof"]):
        answer = session.tactic(position, tactic, timeout_s=STEP_TIMEOUT_S)
        if "proofState" not in answer:
            return states, f"step {number + 1} `{tactic}`: {answer.get('message', answer)}"
        states.append("\n\n".join(answer["goals"]))
        position = answer["proofState"]
    if states.pop() != "":
        return states, f"goals are left after the last step: {answer['goals']}"
    if "" in states:
        return states, "no goal is left before the last step"
    body = "\n".join(indent(tactic) for tactic in row["proof"])
    problem = _error(session.command(f"{row['formal_statement']}\n{body}",
                                     timeout_s=STEP_TIMEOUT_S))
    return states, problem and f"whole proof: {problem}"


def _error(answer: dict) -> str | None:
    for message in answer.get("messages", []):
        if message["severity"] == "error":
            return message["data"]
    return answer.get("message")
