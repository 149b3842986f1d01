"""Steps and states of a whole proof, read from what Lean's REPL lists for `allTactics: true`.

For servers that have no infotree (coprover/infotree.py), with the same promise: a chain is beyond
doubt or Unreadable is raised, and the proof is replayed. An entry of the list has a tactic's place
and the goals before it, in one string; what a step leaves are the goals before the next. Entries of
nested blocks are listed too, but `·`, `<;>` and parentheses are not: a proof with such a step is
readable only where its goals are known otherwise, at the start of the proof.

Entries are those of the REPL's `tactics` (leanprover-community/repl, REPL/Main): lines count from 1
in the text sent as a command, columns in code points. Lean joins goals by one line break; before
v4.14 it also lost the breaks within a goal (repl#58), and such goals are refused.

Try it: python -m pytest -q tests/test_all_tactics.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coprover.infotree import Place, Span, Step, Unreadable, cut, outermost
from coprover.snippets import split_steps


@dataclass(frozen=True)
class _Entry:
    span: Span
    goals: str  # before the tactic, as Lean joins them


def chain(tactics: Sequence[dict], source: str, by: Place, error: Place | None = None,
          left: tuple[str, ...] = ()) -> list[Step]:
    """The steps of the proof whose `by` stands at ``by`` and which ends with ``source``.

    error: where the first error message stands, for a proof that failed: the steps that end before
    it are returned. left: the goals that remain after the last step of a proof without such an
    error. Raises Unreadable.
    """
    begin = by[0], by[1] + len("by")
    lines = source.split("\n")
    texts = split_steps(cut(source, (begin, (len(lines), len(lines[-1])))))
    entries = [entry for entry in map(_entry, tactics) if entry.span[0] >= begin]
    steps = outermost(entries, lambda entry: entry.span)
    if error is None:
        steps = _merge_first(steps, len(texts))
    if len(steps) > len(texts) or (error is None and len(steps) < len(texts)):
        raise Unreadable(f"{len(steps)} tactics are listed for {len(texts)} steps")
    for entry, text in zip(steps, texts, strict=False):  # behind an error nothing is listed
        if cut(source, entry.span) != text:
            raise Unreadable(f"{cut(source, entry.span)!r} is listed for the step {text!r}")
    goals = [_goals_of(entry, entries) for entry in steps]
    ran = len(steps)
    if error is not None:
        ran = sum(entry.span[1] <= error for entry in steps)
        if ran == len(steps):
            raise Unreadable("the tactic that failed is not listed")
    for before, text in zip(goals[:ran], texts, strict=False):
        if not before:
            raise Unreadable(f"no goals are left before the step {text!r}")
    goals.append(left)
    return [(goals[i], texts[i], goals[i + 1]) for i in range(ran)]


def _entry(item: dict) -> _Entry:
    try:
        start, finish = ((item[end]["line"], item[end]["column"]) for end in ("pos", "endPos"))
        return _Entry((start, finish), item["goals"].strip("\n"))
    except (KeyError, TypeError, AttributeError):
        raise Unreadable(f"not an entry of `tactics`: {str(item)[:200]}") from None


def _merge_first(steps: list[_Entry], wanted: int) -> list[_Entry]:
    """With the entries of a first step `t <;> u` as one: `t` has the goals of the whole step, as
    long as that is one goal (of several it sees the first alone)."""
    surplus = len(steps) - wanted
    if surplus <= 0 or not wanted or len(goals_of(steps[0].goals)) != 1:
        return steps
    whole = _Entry((steps[0].span[0], steps[surplus].span[1]), steps[0].goals)
    return [whole, *steps[surplus + 1:]]


def _goals_of(step: _Entry, entries: Sequence[_Entry]) -> tuple[str, ...]:
    """The goals of a step; none of the entries at its very place may see others."""
    if any(e.span == step.span and e.goals != step.goals for e in entries):
        raise Unreadable(f"several goals are listed at line {step.span[0][0]}")
    return goals_of(step.goals)


def goals_of(text: str) -> tuple[str, ...]:
    """The goals in an entry's one string. Raises Unreadable where line breaks are lost.

    A goal ends with its target: the line that starts with `⊢` and the indented ones behind it.
    """
    if text == "no goals":
        return ()
    goals: list[str] = []
    ended = True
    for line in (line for line in text.split("\n") if line.strip()):
        if "⊢" in line[1:]:
            raise Unreadable(f"the line breaks of a goal are lost: {line[:200]!r}")
        if ended and not (goals and line.startswith(" ")):
            goals.append(line)
            ended = False
        else:
            goals[-1] += "\n" + line
        ended = ended or line.startswith("⊢")
    if not goals or not ended:
        raise Unreadable(f"not the goals of a tactic: {text[:200]!r}")
    return tuple(goals)
