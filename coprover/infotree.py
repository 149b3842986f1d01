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

from collections.abc import Iterator, Sequence

from coprover import screen
from coprover.snippets import dedent, split_steps

Place = tuple[int, int]  # line from 1, column from 0
Step = tuple[tuple[str, ...], str, tuple[str, ...]]  # goals, tactic, goals after (empty: QED)

_BY = "Lean.Parser.Term.byTactic"
_SEQUENCES = ("Lean.Parser.Tactic.tacticSeq1Indented", "Lean.Parser.Tactic.tacticSeqBracketed")


class Unreadable(ValueError):
    """The tree does not give the proof's steps beyond doubt; the message says where."""


def chain(trees: Sequence[dict], source: str, by: Place, error: Place | None = None) -> list[Step]:
    """The steps of the proof whose `by` stands at ``by`` in ``source``, first to last.

    error: where the first error message stands, for a proof that failed: the steps that end before
    it are returned, and goals may be left. Raises Unreadable.
    """
    sequence = _sequence(trees, by)
    nodes = _outermost([n for n in sequence["children"] if _is_step(n)])
    steps = [(tuple(n["node"]["goalsBefore"]), _cut(source, n), tuple(n["node"]["goalsAfter"]))
             for n in nodes]
    if [text for _, text, _ in steps] != split_steps(_cut(source, sequence)):
        raise Unreadable("the tree cuts the proof elsewhere than split_steps")
    if error is not None:
        steps = steps[:sum(_place(n, "finish") <= error for n in nodes)]
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
        if _kind(node) == _BY and _place(node, "start") == by:
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


def _outermost(nodes: Sequence[dict]) -> list[dict]:
    """Nodes by start; one inside the range of an earlier one is dropped."""
    kept: list[dict] = []
    for node in sorted(nodes, key=lambda n: (_place(n, "start"), _negative(_place(n, "finish")))):
        if not kept or _place(node, "start") >= _place(kept[-1], "finish"):
            kept.append(node)
    return kept


def _negative(place: Place) -> Place:
    return -place[0], -place[1]


def _place(node: dict, end: str) -> Place:
    at = node["node"]["stx"]["range"][end]
    return at["line"], at["column"]


def _cut(source: str, node: dict) -> str:
    """The source text of a node, dedented as split_steps does it, its comments kept out."""
    (first, left), (last, right) = _place(node, "start"), _place(node, "finish")
    lines = source.split("\n")[first - 1 : last]
    if not lines or len(lines) <= last - first:
        raise Unreadable("the tree speaks of lines that the source does not have")
    lines[-1] = lines[-1][:right]
    lines[0] = " " * left + lines[0][left:]
    text = screen.mask(dedent("\n".join(lines)), keep_strings=True)
    return dedent("\n".join(line for line in text.split("\n") if line.strip()))
