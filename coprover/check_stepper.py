"""Tactic-by-tactic stepping over plain `/api/check`, for Kimina Lean Server, which has no states.

A state is the path of tactics that leads to it. A tactic is tried by checking

    theorem … := by
      <path>
      <tactic>

as a file: no error is QED, one error `unsolved goals` at that `by` lists the goals it leaves,
anything else is the tactic's failure. Lean runs the path again for every tactic, and a file is
stricter than the REPL's tactic mode, so what steps here also stands in the proof. Stepper
itself is faster wherever lean_server.py runs (`lean.stepping`).

Use: `async with connect(cfg.lean) as lean: [state] = await lean.start([theorem])`
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from coprover import all_tactics, infotree, snippets
from coprover.lean_client import LeanUnavailable
from coprover.records import Theorem
from coprover.stepper import Outcome, State, StepFailure, Stepper, refused
from coprover.verify import Verdict, server_error, uses_sorry

log = logging.getLogger("check_stepper")
_UNSOLVED = "unsolved goals\n"
File = tuple[str, infotree.Place]  # a file's text, and where its `by` stands in it


class CheckStepper(Stepper):
    """Steps proofs on a Kimina-compatible server."""

    async def start(self, theorems: Sequence[Theorem]) -> list[State | StepFailure]:
        """Returns the initial state of each theorem, in order.

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        found: list[State | StepFailure | None] = []
        for theorem in theorems:
            try:
                snippets.split_statement(theorem.statement)
                found.append(None)
            except snippets.BadResponse as error:
                found.append(StepFailure("error", str(error)))
        asked = [i for i, failure in enumerate(found) if failure is None]
        jobs = [(State("", theorems[i], ()), "skip") for i in asked]
        for i, outcome in zip(asked, await self._try(jobs), strict=True):
            if outcome.state is not None:
                found[i] = State("", theorems[i], outcome.state.goals)
            else:
                found[i] = StepFailure(outcome.kind, outcome.message)
        return found

    async def run(self, jobs: Sequence[tuple[State, Sequence[str]]]) -> list[list[Outcome]]:
        """Returns, per (state, tactics), one Outcome per tactic.

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        results: list[list] = [[refused(t) or _not_a_step(state, t) for t in tactics]
                               for state, tactics in jobs]
        places = [(i, j) for i, row in enumerate(results) for j, seen in enumerate(row)
                  if seen is None]
        outcomes = await self._try([(jobs[i][0], jobs[i][1][j]) for i, j in places])
        for (i, j), outcome in zip(places, outcomes, strict=True):
            results[i][j] = outcome
        return results

    async def chains(self, proofs: Sequence[tuple[Theorem, Sequence[str]]]) -> list[
            list[infotree.Step] | None]:
        """Returns the steps of each whole proof, as far as it goes, read from its infotree by one
        check, or from `allTactics` by a second where the server has no infotrees; None where that
        does not give them beyond doubt.

        Raises LeanUnavailable when the server does not answer within the patience.
        """
        files: dict[int, File] = {}
        for i, (theorem, steps) in enumerate(proofs):
            try:
                if not any(map(refused, steps)):
                    files[i] = _file(State("", theorem, (), tuple(steps[:-1])), steps[-1])
            except snippets.BadResponse as error:
                log.debug("%s is replayed instead: %s", theorem.name, error)
        read: list[list[infotree.Step] | None] = [None] * len(proofs)
        for i, chain in (await self._read(files)).items():
            if chain and [text for _, text, _ in chain] == list(proofs[i][1][:len(chain)]):
                read[i] = chain
        return read

    async def _read(self, files: dict[int, File]) -> dict[int, list[infotree.Step] | None]:
        """The steps of checked files; where there is no tree, `allTactics` are asked for."""
        answers = await self._check(files, infotree="original")
        bare = {i: files[i] for i, answer in answers.items()
                if _has(answer, "env") and not _has(answer, "infotree")}
        answers |= await self._check(bare, all_tactics=True)
        return {i: _chain(answer, *files[i]) for i, answer in answers.items()}

    async def _check(self, files: dict[int, File], **wanted) -> dict[int, dict]:
        if not files:
            return {}
        answers = await self.client.check([code for code, _ in files.values()], **wanted)
        return dict(zip(files, answers, strict=True))

    async def _try(self, jobs: Sequence[tuple[State, str]]) -> list[Outcome]:
        files = [_file(state, tactic) for state, tactic in jobs]
        distinct = list(dict.fromkeys(code for code, _ in files))
        answers = await self.client.check(distinct, self._timeout_s) if distinct else []
        known = dict(zip(distinct, answers, strict=True))
        return [_outcome(known[code], by, state, tactic)
                for (state, tactic), (code, by) in zip(jobs, files, strict=True)]


def _not_a_step(state: State, tactic: str) -> Outcome | None:
    """In a file `<;> simp` would continue the step before it; from a state it is no tactic."""
    if len(snippets.split_steps("\n".join([*state.tactics, tactic]))) == len(state.tactics) + 1:
        return None
    return Outcome("error", message="not one tactic of its own")


def _has(answer: dict, key: str) -> bool:
    return key in (answer.get("response") or {})


def _chain(answer: dict, code: str, by: infotree.Place) -> list[infotree.Step] | None:
    """Steps by the tree or the tactics of a checked file; their lines count behind the imports, as
    in Kimina."""
    if not (_has(answer, "infotree") or _has(answer, "tactics")):
        return None
    response = answer["response"]
    lines = code.split("\n")
    shift = next(i for i, line in enumerate(lines)
                 if line.strip() and not line.strip().startswith("import "))
    place = by[0] - shift, by[1]
    errors = [m for m in response.get("messages") or () if m.get("severity") == "error"]
    places = [(m["pos"]["line"] - shift, m["pos"]["column"]) for m in errors]
    inside = [error for error in places if error != place]  # at the `by`: goals are left
    body = "\n".join(lines[shift:])
    try:
        if _has(answer, "infotree"):
            end = min(inside, default=(len(lines), 0)) if errors else None
            return infotree.chain(response["infotree"], body, place, end)
        left = _goals_left(errors, by)
        if errors and not inside and not left:
            raise infotree.Unreadable(f"unknown what is left: {errors[0].get('data')!r}")
        return all_tactics.chain(response["tactics"], body, place,
                                 min(inside, default=None), left)
    except infotree.Unreadable as error:
        log.debug("replayed instead: %s", error)
        return None


def _file(state: State, tactic: str) -> File:
    """The file that tries a tactic, and (line, column) of its `by`, 1- and 0-based."""
    statement = snippets.start_statement(state.theorem).removesuffix(" sorry")
    head = f"{snippets.header(state.theorem)}\n{statement}"
    block = snippets.indent("\n".join([*state.tactics, tactic]))
    return f"{head}\n{block}\n", (head.count("\n") + 1, len(head.rpartition("\n")[2]) - len("by"))


def _outcome(answer: dict, by: tuple[int, int], state: State, tactic: str) -> Outcome:
    declined = (answer.get("diagnostics") or {}).get("declined")
    if answer.get("error") is not None:
        verdict, reason, detail = server_error(str(answer["error"]), declined)
        if reason == "server":
            raise LeanUnavailable(f"the Lean server cannot step: {detail[:300]}")
        kind = str(verdict) if verdict in (Verdict.TIMEOUT, Verdict.DECLINED) else "error"
        return Outcome(kind, message=detail)
    response = answer.get("response")
    if not isinstance(response, dict):
        raise LeanUnavailable(f"the Lean server answered a step with {str(answer)[:200]}")
    if declined:
        return Outcome("declined", message=str(declined))
    if not isinstance(response.get("env"), int):
        return Outcome("error", message=str(response.get("message", response))[:300])
    messages = response.get("messages") or []
    errors = [m for m in messages if m.get("severity") == "error"]
    goals = _goals_left(errors, by)
    if goals:
        after = State("", state.theorem, goals, (*state.tactics, tactic))
        return Outcome("state", after)
    if errors:
        text = str(errors[0].get("data", ""))
        kind = "timeout" if text.startswith("(deterministic) timeout") else "error"
        return Outcome(kind, message=text)
    if uses_sorry(response):
        return Outcome("error", message="the step uses sorry")
    return Outcome("qed")


def _goals_left(errors: list[dict], by: tuple[int, int]) -> tuple[str, ...]:
    """The goals of the one error that the proof's own `by` reports, else ()."""
    if len(errors) != 1 or not str(errors[0].get("data")).startswith(_UNSOLVED):
        return ()
    place = errors[0].get("pos") or {}
    if (place.get("line"), place.get("column")) != by:
        return ()  # a block inside the tactic is unfinished
    return tuple(str(errors[0]["data"]).removeprefix(_UNSOLVED).split("\n\n"))
