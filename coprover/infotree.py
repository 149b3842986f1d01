"""Steps and states of a whole proof, read from the infotree that Lean's REPL returns.

The proof's own `by` is looked up by position, its steps are the direct children of its tactic
sequence: blocks nested in a step (bullets, `have … := by`, `case`, `calc`, `<;>`) belong to the
step. A reading counts only if it fits in three ways: the texts are those of snippets.split_steps,
each step starts with the goals that the one before left, and the last leaves none. Anything else
raises Unreadable, and the proof is replayed instead (coprover/tracing.py): no state is guessed.

Trees are those of the REPL's `infotree: original` (leanprover-community/repl, REPL/Lean/InfoTree):
lines count from 1 in the text sent as a command, columns in code points.

Try it: python -m pytest -q tests/test_infotree.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from coprover import screen
from coprover.snippets import dedent, split_steps

Place = tuple[int, int]  # line from 1, column from 0
Span = tuple[Place, Place]  # start and end
Step = tuple[tuple[str, ...], str, tuple[str, ...]]  # goals, tactic, goals after (empty: QED)

_BY = "Lean.Parser.Term.byTactic"
_SEQUENCES = ("Lean.Parser.Tactic.tacticSeq1Indented", "Lean.Parser.Tactic.tacticSeqBracketed")


class Unreadable(ValueError):
    """What Lean reports does not give the proof's steps beyond doubt; the message says where."""


def chain(trees: Sequence[dict], source: str, by: Place, error: Place | None = None) -> list[Step]:
    """The steps of the proof whose `by` stands at ``by`` in ``source``, first to last.

    error: where the first error message stands, for a proof that failed: the steps that end before
    it are returned, and goals may be left. Raises Unreadable.
    """
    sequence = _sequence(trees, by)
    nodes = outermost([n for n in sequence["children"] if _is_step(n)], _span)
    steps = [(tuple(n["node"]["goalsBefore"]), cut(source, _span(n)),
              tuple(n["node"]["goalsAfter"])) for n in nodes]
    if [text for _, text, _ in steps] != split_steps(cut(source, _span(sequence))):
        raise Unreadable("the tree cuts the proof elsewhere than split_steps")
    if error is not None:
        steps = steps[:sum(_span(n)[1] <= error for n in nodes)]
    for i, ((_, text, after), (before, _, _)) in enumerate(zip(steps, steps[1:], strict=False)):
        if after != before:
            raise Unreadable(f"step {i + 1} ({text!r}) does not leave the goals of the next one")
        if not after:
            raise Unreadable(f"no goals are left after step {i + 1} ({text!r})")
    if error is None and (not steps or steps[-1][2]):
        raise Unreadable("the last step leaves goals")
    return steps


def _sequence(trees: Sequence[dict], by: Place) -> dict:
    """The tactic sequence right under the `by` at this place."""
    for node in _walk(trees):
        if _kind(node) == _BY and _span(node)[0] == by:
            for below in _walk(node["children"]):
                if _kind(below) in _SEQUENCES:
                    return below
    raise Unreadable(f"no tactic block at line {by[0]}, column {by[1]}")


def _walk(trees: Sequence[dict]) -> Iterator[dict]:
    """Nodes, parents first, without recursion: trees of long proofs are deep."""
    stack = list(reversed(trees))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.get("children") or ()))


def _kind(node: dict) -> str | None:
    inner = node.get("node") if node.get("kind") == "TacticInfo" else None
    return inner["stx"]["kind"] if inner else None


def _is_step(node: dict) -> bool:
    """A tactic that stands in the source: no atom such as `;`, nothing a macro made up."""
    kind = _kind(node)
    if kind is None or kind == "null" or node["node"].get("name") is None:
        return False
    return not node["node"]["stx"]["range"]["synthetic"]


def outermost(items: Iterable, span: Callable[[Any], Span]) -> list:
    """Items by start; one inside the span of an earlier one is dropped."""
    kept: list = []
    for item in sorted(items, key=lambda i: (span(i)[0], _negative(span(i)[1]))):
        if not kept or span(item)[0] >= span(kept[-1])[1]:
            kept.append(item)
    return kept


def _negative(place: Place) -> Place:
    return -place[0], -place[1]


def _span(node: dict) -> Span:
    ends = node["node"]["stx"]["range"]
    start, finish = ((ends[end]["line"], ends[end]["column"]) for end in ("start", "finish"))
    return start, finish


def cut(source: str, span: Span) -> str:
    """The source text in a span, dedented as split_steps does it, its comments kept out.

    Raises Unreadable when the source does not have those lines.
    """
    (first, left), (last, right) = span
    lines = source.split("\n")[first - 1 : last]
    if not lines or len(lines) <= last - first:
        raise Unreadable("Lean speaks of lines that the source does not have")
    lines[-1] = lines[-1][:right]
    lines[0] = " " * left + lines[0][left:]
    text = screen.mask(dedent("\n".join(lines)), keep_strings=True)
    return dedent("\n".join(line for line in text.split("\n") if line.strip()))
