"""Syntax tree of the Lean 4 subset: terms, tactics, commands, each with its source span.

The classes are those that `grammar.txt` declares (`Base Name(field, field=default)`), and this
module has them as attributes: `Ident(pos, end, name, levels=None)`. They follow Lean's own surface
grammar, but a node is a small class instead of a kind and children. `pos`/`end` are offsets in code
points into the text that was parsed (`end` is just after the node's last character); `line_col`
turns them into Lean's line (from 1) and column (from 0).

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re
from ast import literal_eval
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any


def line_col(text: str, offset: int) -> tuple[int, int]:
    """Line (from 1) and column (from 0, in code points) of an offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n") - 1


@dataclass(eq=False)
class Node:
    """Anything with a span: `text[pos:end]`. Subclasses are dataclasses, compared by identity."""

    pos: int
    end: int
    written = True  # and not what a tactic stands for


@dataclass
class Rule:
    """A rule of the grammar: `alternatives` are [precedence or "", text] pairs.

    `base`: of the node class that it declares, "tactic", or None; `node`: the class that it reads.
    fields: (name, default) pairs; means: what a tactic stands for.
    """

    base: str | None
    name: str
    node: str | None
    fields: list[tuple[str, Any]]
    alternatives: list[list[str]] = field(default_factory=list)
    means: str = ""


_COMMENT = re.compile(r"(^|\s+)--.*", re.MULTILINE)
_HEADER = re.compile(r"(?:(\w+) )?([\w' ]+?)(?:\((.*)\))?(?: : (\w+))?")
_ALTERNATIVE = re.compile(r"  \|(\w*) (.*)")


def _rules(text: str) -> list[Rule]:
    """The rules of a grammar. An alternative begins with a bar; what is indented more goes on."""
    rules: list[Rule] = []
    for line in re.sub(r"\n    +", " ", _COMMENT.sub("", text)).splitlines():
        if match := _ALTERNATIVE.fullmatch(line):
            rules[-1].alternatives.append([*match.groups()])
        elif line.startswith("  => "):
            rules[-1].means = line.removeprefix("  => ")
        elif line:
            base, name, own, node = _HEADER.fullmatch(line).groups()
            if base not in (None, "tactic"):
                node = name
            rules.append(Rule(base, name, node, _fields(own or "")))
    return rules


def _fields(text: str) -> list[tuple[str, Any]]:
    """(name, default) of each field in `name, name=default`."""
    pairs = [item.partition("=") for item in text.split(", ") if item]
    return [(name, literal_eval(value) if equals else None) for name, equals, value in pairs]


def _specification(name: str, default: Any) -> Any:
    """The field as `make_dataclass` takes it."""
    return name, Any, field(default_factory=list) if default == [] else field(default=default)


RULES = _rules(Path(__file__).with_name("grammar.txt").read_text(encoding="utf-8"))
for _rule in RULES:
    if _rule.node == _rule.name:
        globals()[_rule.name] = make_dataclass(
            _rule.name, [_specification(*f) for f in _rule.fields],
            bases=(globals()[_rule.base],), eq=False, repr=False,
            namespace={"__module__": __name__})
