"""The engine of the grammar: the rules of `grammar.txt` become methods of the parser.

    Base Name(field, field=default)    a node class (see syntax.py), and how it is read
    name                               a rule
    name(field, field=default)         a rule whose value is the tuple of these fields
    name : Node                        another rule that reads such a node
    tactic name name(field, …)         what stands after these tactics' names
      | alternative                    the first that begins at the next token
      |prec alternative                the same; a term of this precedence begins with its first word

An alternative is a sequence. As in Lean's parsers, it does not begin here, and the next alternative
is tried, if it fails before it has read a token; later it is an error. The value of a rule without
fields is the one value in it, or the tuple of all. A value after `field:` is that field's, any
other the next field's.

    "a b"  <kind kind>   one of these words, a token of these kinds; after `field:` the value True
    $"a b"  $<kind>   the same, its text being the value
    name  term:50     what the rule or the parser's method reads (with this precedence)
    x*  x+  x,+  x|+  lists of what `x` reads: any number, one or more, separated by `,` or `|`;
    x,*               any number, perhaps with a last comma
    many(…)  many1(…)  one(…)    lists of what the sequence reads: any number, one or more, one
    field=constant    a value for which nothing is read
    [a | b]  (a | b)  an optional part; a choice
    withPosition(…)   withoutPosition(…)   as in Lean: the column that the tests compare with
    atomic(…)         as in Lean: where it fails, nothing of it was read
    &test  &"a b"     only if the parser's test holds; if one of these words is next
    @name             the rule's alternatives, as if they were written here
    decline "x"       a feature that minilean lacks

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable
from operator import methodcaller
from typing import Any, NamedTuple

from . import syntax as S
from .lexer import ParseError
from .notation import LEAD, MAX
from .parse_tokens import MISSING, TESTS

_WORD = re.compile(r"""\s*(\$?"[^"]*"|\$?<[\w ]+>|\w+='[^']*'|\w+=(?:\w+|\[\])|"""
                   r"""\w+:(?:max|lead|\d+)\b|\w+:|[,|]?[*+]|\w+|\S)""")
_FIRST_WORDS = re.compile(r'["<]([^">]+)[">]')
_PRECEDENCES = {"max": MAX, "lead": LEAD}
_GROUPS = {"many": "*", "many1": "+", "one": "1"}
_RULES = {rule.name: rule for rule in S.RULES if rule.base != "tactic"}


class Part(NamedTuple):
    """A piece of an alternative: `run(parser, values)` reads it and puts its values in place.

    It is False, and nothing is read, where the piece does not begin; then an error says that
    `expected` is.
    """

    run: Callable[[Any, list], bool]
    expected: str


def _expanded(text: str) -> str:
    """The text with `@name` replaced by that rule's alternatives."""
    def alternatives(match):
        return f"({' | '.join(_expanded(text) for _, text in _RULES[match[1]].alternatives)})"
    return re.sub(r"@(\w+)", alternatives, text)


def _precedence(word: str) -> int:
    return _PRECEDENCES.get(word) or int(word)


def _test(word: str) -> Callable[[Any], bool]:
    """Whether the next token is one of `"words"` or `<kinds>`, or the test of that name."""
    words = word[1:-1].split()
    if word[0] == '"':
        return lambda parser: parser.at(*words)
    if word[0] == "<":
        return lambda parser: parser.tokens[parser.i].kind in words
    return TESTS[word]


class Compiler:
    """Compiles one alternative. `names`: the fields of the rule so far, None for one without."""

    def __init__(self, text: str, names: list[str | None]):
        self.words = [*_WORD.findall(text), ""][::-1]
        self.names, self.place = names, 0

    def choice(self, close: str = "") -> Part:
        """`a | b …` up to the bracket `close`."""
        first, last, parts = self.place, self.place, []
        while not parts or self.words[-1] == "|" and self.words.pop():
            self.place, elements = first, []
            while self.words[-1] not in ("|", ")", "]", ""):
                elements.append(self.element(self.words.pop()))
            parts.append(_in_order(elements))
            last = max(last, self.place)
        self.place = last
        if self.words.pop() != close:
            raise SyntaxError(f"no {close!r} in the grammar")
        return _first_of(parts)

    def element(self, word: str, field: str | None = None) -> Part:
        """What begins with `word`; its value is the field's (None: the next field's)."""
        if word[-1] == ":" and len(word) > 1:
            return self.element(self.words.pop(), word[:-1])
        if word == "(":
            return self.choice(")")
        if word == "[":
            return _optional(self.choice("]"))
        if word in _WRAPPERS:
            self.words.pop()
            return _WRAPPERS[word](self.choice(")"))
        if word == "&":
            test = _test(self.words.pop())
            return Part(lambda parser, values: test(parser), "term")
        if word == "decline":
            stop = methodcaller("decline", self.words.pop()[1:-1])
            return Part(lambda parser, values: stop(parser), "")
        if word[0] in '$"<':
            return self.literal(field, word)
        if "=" in word:
            field, _, text = word.partition("=")
            constant = literal_eval(text)
            return self.put(field, Part(lambda parser: constant, field))
        return self.put(field, self.listed(word))

    def literal(self, field: str | None, word: str) -> Part:
        """A token that is no value, whose text is one ($), or for which the field is True."""
        test, text = _test(word.lstrip("$")), word[0] == "$"

        def read(parser):
            if not test(parser):
                return MISSING
            token = parser.take()
            return token.text if text else True
        part = Part(read, " or ".join(f"'{each}'" for each in word.strip('$"<>').split()))
        if field or text:
            return self.put(field, part)
        return part._replace(run=lambda parser, values: read(parser) is not MISSING)

    def listed(self, word: str) -> Part:
        """A rule, a method or a group, perhaps as often as the sign after it says; `run(parser)`
        is its value."""
        if word in _GROUPS:
            self.words[-1] = _GROUPS[word]
            outer = self.names, self.place
            sign, self.names, self.place = self.words.pop(), [], 0
            part = self.choice(")")
            part = part._replace(run=_reader(part.run, [None] * len(self.names)))
            self.names, self.place = outer
            return _list(part, sign)
        name, _, prec = word.partition(":")
        part = Part(methodcaller(name, *[_precedence(prec)] if prec else ()),
                    name.replace("_", " "))
        if self.words[-1] in ("*", "+", ",+", "|+", ",*"):
            return _list(part, self.words.pop())
        return part

    def put(self, field: str | None, part: Part) -> Part:
        """The part that makes what `part.run(parser)` reads a value of the rule."""
        if field and field not in self.names:
            self.names.append(field)
        place = self.names.index(field) if field else self.place
        if place == len(self.names):
            self.names.append(None)
        self.place = place + 1
        read = part.run

        def run(parser, values):
            found = read(parser)
            if found is MISSING:
                return False
            values[place] = found
            return True
        return part._replace(run=run)


def _in_order(parts: list[Part]) -> Part:
    """All of them, one after another."""
    if len(parts) == 1:
        return parts[0]

    def run(parser, values):
        start = parser.i
        for step, expected in parts:
            if not step(parser, values):
                if parser.i > start:
                    parser.fail(expected)
                return False
        return True
    return Part(run, parts[0].expected if parts else "")


def _first_of(parts: list[Part]) -> Part:
    """The first part that begins at the next token."""
    if len(parts) == 1:
        return parts[0]

    def run(parser, values):
        for part in parts:
            if part.run(parser, values):
                return True
        return False
    return Part(run, parts[0].expected)


def _optional(part: Part) -> Part:
    def run(parser, values):
        part.run(parser, values)
        return True
    return Part(run, "")


def _atomic(part: Part) -> Part:
    """The part, or nothing where it fails; a place where it failed is not tried again."""
    def run(parser, values):
        mark, trial = (parser.i, parser.holes), values[:]
        try:
            if (part, parser.i) not in parser.failed and part.run(parser, trial):
                values[:] = trial
                return True
        except ParseError:
            parser.failed.add((part, mark[0]))
            parser.i, parser.holes = mark
        return False
    return part._replace(run=run)


def _at_column(setting: str) -> Callable[[Part], Part]:
    """Makes a part that is read in that setting of the parser's column."""
    def wrapped(part):
        def run(parser, values):
            with getattr(parser, setting)():
                return part.run(parser, values)
        return part._replace(run=run)
    return wrapped


_WRAPPERS = {"atomic": _atomic, "withPosition": _at_column("position"),
             "withoutPosition": _at_column("anywhere")}


def _list(part: Part, sign: str) -> Part:
    """The list of what `part.run(parser)` reads; the sign says how often and what separates."""
    def read(parser):
        found = []
        while not found or sign in ("*", "+") or parser.accept(sign[0]):
            item = part.run(parser)
            if item is MISSING:
                if found and sign in (",+", "|+"):
                    parser.fail(part.expected)
                break
            found.append(item)
        return found if found or sign[-1] == "*" else MISSING
    return part._replace(run=read)


def _reader(run: Callable, defaults: list, node: type | None = None,
            single: bool = True) -> Callable:
    """A reader of the node, or of the tuple of the values (of the only one if `single`), that
    `run` puts in place."""
    single = single and len(defaults) == 1

    def read(parser):
        start = parser.tokens[parser.i].pos
        values = [[] if value == [] else value for value in defaults]
        if not run(parser, values):
            return MISSING
        if node:
            return node(start, parser.end(), *values)
        return values[0] if single else tuple(values)
    return read


def install(parser: type) -> None:
    """Gives the class of parsers a method for each rule, and fills its tables `leading`, `commands`
    and `tactics`."""
    for rule in S.RULES:
        names = [name for name, _ in rule.fields]
        texts = [(prec, _expanded(text)) for prec, text in rule.alternatives or [("", "")]]
        parts = [Compiler(text, names).choice() for _, text in texts]
        defaults = [None if default is ... else default for _, default in rule.fields]
        defaults += [None] * (len(names) - len(defaults))
        node = getattr(S, rule.node) if rule.node else None
        read = _reader(_first_of(parts).run, defaults, node,
                       not rule.fields and rule.base != "tactic")
        if rule.base == "tactic":
            parser.tactics.update(dict.fromkeys(rule.name.split(), read))
            continue
        setattr(parser, rule.name, read)
        is_command = node is not None and issubclass(node, S.Command) and rule.alternatives
        for (prec, text), part in zip(texts, parts, strict=True):
            if prec or is_command:
                begin = _precedence(prec) if prec else issubclass(node, S.Declaration)
                table = parser.leading if prec else parser.commands
                for word in _FIRST_WORDS.search(text)[1].split():
                    table.setdefault(word, []).append((begin, _reader(part.run, defaults, node)))
