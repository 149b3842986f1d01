"""The engine of the grammar: the rules of `grammar.txt` become methods of the parser.

    Base Name(field, field=default)    a node class (see syntax.py), and how it is read
    name                               a rule
    name(field, field=default)         a rule whose value is the tuple of these fields
    name : Node                        another rule that reads such a node
    tactic name name(field, …)         what stands after these tactics' names
      | alternative                    the first that may begin at the next token, else the last
      |prec alternative                the same; a term of this precedence begins with it
      => tactics                       what a tactic stands for, with its fields' names as variables

An alternative is a sequence. The value of a rule without fields is the one value in it, or the
tuple of all. A value after `field:` is that field's, any other the next field's.

    "a b"  <kind kind>   one of these words, a token of these kinds; after `field:` the value True
    $"a b"  $<kind>   the same, its text being the value
    name  term:50     what the rule or the parser's method reads (with this precedence)
    x*  x+  x,+  x|+  lists of what `x` reads: any number, one or more, separated by `,` or `|`;
    x,*               up to a bracket that closes, perhaps with a last comma
    many(…)  many1(…)  one(…)    lists of what the sequence reads: any number, one or more, one
    field=constant    a value for which nothing is read
    [a | b]  (a | b)  an optional part; a choice
    withPosition(…)   withoutPosition(…)   as in Lean: the column that the tests compare with
    &test  &"a b"     only if the parser's test holds; if one of these words is next
    next"a b"  next<kind>  next2"a"   only if such a token is the first or second after the next
    @name             the rule's alternatives, as if they were written here
    fail "x"  decline "x"        "expected x"; a feature that minilean lacks

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable
from operator import methodcaller
from typing import Any, NamedTuple

from . import syntax as S
from .notation import LEAD, MAX
from .parse_tokens import TESTS

_WORD = re.compile(r"""\s*("[^"]*"|<[\w ]+>|\w+='[^']*'|\w+=\w+|[,|]?[*+]|\w+|\S)""")
_RULES = {rule.name: rule for rule in S.RULES if rule.base != "tactic"}


class Part(NamedTuple):
    """A piece of an alternative: `run(parser, values)` reads it and puts its values in place."""

    run: Callable[[Any, list], Any]
    starts: Callable[[Any], bool] | None = None  # may it begin at the next token? None: always
    words: tuple[str, ...] = ()  # it begins with one of these


def _nothing(parser: Any, values: list) -> None:
    pass


def _open(parser: Any) -> bool:
    return not parser.at(")", "]", "}", "⟩")


def _expanded(text: str) -> str:
    """The text with `@name` replaced by that rule's alternatives."""
    def alternatives(match):
        return f"({' | '.join(_expanded(text) for _, text in _RULES[match[1]].alternatives)})"
    return re.sub(r"@(\w+)", alternatives, text)


def _precedence(word: str) -> int | None:
    """The precedence that the word means, if it does."""
    return int(word) if word.isdigit() else {"max": MAX, "lead": LEAD}.get(word)


class Compiler:
    """Compiles one alternative for a class of parsers. `names`: the fields of the rule so far,
    None for one without a name."""

    def __init__(self, text: str, names: list[str | None], parser: type):
        self.words = [*_WORD.findall(_expanded(text)), ""]
        self.at = 0
        self.names, self.place = names, 0
        self.parser = parser

    def take(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def skip(self, word: str) -> bool:
        """Is this the next word? Then it is read."""
        found = self.words[self.at] == word
        self.at += found
        return found

    # -- parts ----------------------------------------------------------------------------------

    def choice(self, close: str = "") -> Part:
        """`a | b …` up to the bracket `close`."""
        first, last, parts = self.place, self.place, []
        while not parts or self.skip("|"):
            self.place, elements = first, []
            while self.words[self.at] not in ("|", ")", "]", ""):
                elements.append(self.element(self.take()))
            parts.append(_in_order(elements))
            last = max(last, self.place)
        self.place = last
        if self.take() != close:
            raise SyntaxError(" ".join(self.words))
        return _one_of(parts)

    def element(self, word: str) -> Part:
        if word == "(":
            return self.choice(")")
        if word == "[":
            return _optional(self.choice("]"))
        if word in ("withPosition", "withoutPosition"):
            self.take()
            return _at_column("position" if word == "withPosition" else "anywhere",
                              self.choice(")"))
        if word in ("next", "next2"):
            n, word = 1 + (word == "next2"), self.take()
            place, following = int(word[0] != "<"), word[1:-1].split()  # (kind, text)
            return Part(_nothing, lambda parser: parser.ahead(n)[place] in following)
        if word == "&":
            return Part(_nothing, *self.literal(self.take()))
        if word in ("fail", "decline"):
            stop = methodcaller(word, self.take()[1:-1])
            starts = (lambda parser: False) if word == "fail" else None
            return Part(lambda parser, values: stop(parser), starts)
        if self.words[self.at] == ":" and _precedence(self.words[self.at + 1]) is None:
            self.take()
            return self.value(word, self.take())
        return self.value(None, word)

    def literal(self, word: str) -> tuple[Callable, tuple[str, ...]]:
        """(test, words) of `"words"`, `<kinds>` or the name of a test"""
        words = tuple(word[1:-1].split())
        if word[0] == '"':
            return lambda parser: parser.at(*words), words
        if word[0] == "<":
            return lambda parser: parser.tokens[parser.i].kind in words, ()
        return TESTS.get(word) or self.method(word), ()

    # -- values ---------------------------------------------------------------------------------

    def method(self, name: str) -> Callable:
        """The parser's method; one of a rule that follows is found when it is called."""
        return getattr(self.parser, name, None) or (lambda parser: getattr(parser, name)())

    def value(self, field: str | None, word: str) -> Part:
        """A literal, a constant, a list or a reference, for the field (None: the next)."""
        if word == "$" or word[0] in '"<':
            starts, words = self.literal(self.take() if word == "$" else word)
            token = methodcaller("expect", *words) if words else methodcaller("take")
            if word == "$":
                part = self.put(field, lambda parser: token(parser).text, starts)
            elif field:
                part = self.put(field, lambda parser: bool(token(parser)), starts)
            else:
                part = Part(lambda parser, values: token(parser), starts)
            return part._replace(words=words)
        if "=" in word:
            field, _, text = word.partition("=")
            constant = literal_eval(text)
            return self.put(field, lambda parser: constant)
        if word in ("many", "many1", "one"):
            self.take()
            return self.listed(word, field)
        return self.reference(word, field)

    def put(self, field: str | None, read: Callable, starts: Callable | None = None) -> Part:
        """The part that makes what `read` reads a value of the rule."""
        if field and field not in self.names:
            self.names.append(field)
        place = self.names.index(field) if field else self.place
        if place == len(self.names):
            self.names.append(None)
        self.place = place + 1

        def run(parser, values):
            values[place] = read(parser)
        return Part(run, starts)

    def listed(self, kind: str, field: str | None) -> Part:
        """`many(…)`, `many1(…)` or `one(…)`, from after the bracket."""
        outer = self.names, self.place
        self.names, self.place = [], 0
        part = self.choice(")")
        read = _reader(part.run, [None] * len(self.names))
        self.names, self.place = outer
        if kind == "one":
            return self.put(field, lambda parser: [read(parser)], part.starts)
        return self.put(field, _list(read, part.starts, part.starts if kind == "many" else None))

    def reference(self, name: str, field: str | None) -> Part:
        """A rule or a method of the parser, perhaps as often as the sign after it says."""
        known = name in _RULES or hasattr(self.parser, f"starts_{name}")
        starts = self.method(f"starts_{name}") if known else None
        read = self.method(name)
        if self.skip(":"):
            read = methodcaller(name, _precedence(self.take()))
        sign = self.words[self.at]
        if sign not in ("*", "+", ",+", "|+", ",*"):
            return self.put(field, read, starts)
        self.at += 1
        separator = methodcaller("accept", sign[0])
        lists = {"*": (starts, starts), "+": (starts, None),
                 ",*": (lambda parser: separator(parser) and _open(parser), _open)}
        read = _list(read, *lists.get(sign, (separator, None)))
        return self.put(field, read, None if sign[-1] == "*" else starts)


def _in_order(parts: list[Part]) -> Part:
    """It may begin where its first part that reads something may, and the tests before it hold."""
    runs = [part.run for part in parts if part.run is not _nothing]
    first = len(parts) if not runs else 1 + [part.run for part in parts].index(runs[0])
    tests = [part.starts for part in parts[:first] if part.starts]
    words = next((part.words for part in parts[:first] if part.words), ())

    def run(parser, values):
        for step in runs:
            step(parser, values)

    def starts(parser):
        for test in tests:
            if not test(parser):
                return False
        return True
    if len(tests) < 2:
        starts = tests[0] if tests else None
    return Part(runs[0] if len(runs) == 1 else run, starts, words)


def _one_of(parts: list[Part]) -> Part:
    """The first part that may begin at the next token, else the last."""
    if len(parts) == 1:
        return parts[0]
    tests = [part.starts for part in parts]

    def run(parser, values):
        for part in parts[:-1]:
            if part.starts is None or part.starts(parser):
                return part.run(parser, values)
        return parts[-1].run(parser, values)

    def starts(parser):
        for test in tests:
            if test(parser):
                return True
        return False
    return Part(run, None if None in tests else starts)


def _optional(part: Part) -> Part:
    def run(parser, values):
        if part.starts(parser):
            part.run(parser, values)
    return Part(run)


def _at_column(setting: str, part: Part) -> Part:
    """The part, read in that setting of the parser's column."""
    within = methodcaller(setting)

    def run(parser, values):
        with within(parser):
            part.run(parser, values)
    return part._replace(run=run)


def _list(read: Callable, more: Callable, first: Callable | None) -> Callable:
    """A reader of the list of what `read` reads, if `first` holds, and again while `more` does."""
    def listed(parser):
        found = []
        if first is None or first(parser):
            found.append(read(parser))
            while more(parser):
                found.append(read(parser))
        return found
    return listed


def _reader(run: Callable, defaults: list, node: type | None = None,
            single: bool = True) -> Callable:
    """A reader of the node, or of the tuple of the values (of the only one if `single`), that
    `run` puts in place."""
    lists = [place for place, default in enumerate(defaults) if default == []]
    single = single and len(defaults) == 1

    def read(parser):
        start = parser.tokens[parser.i].pos
        values = defaults[:]
        for place in lists:
            values[place] = []
        run(parser, values)
        if node:
            return node(start, parser.end(), *values)
        return values[0] if single else tuple(values)
    return read


# -- rules -----------------------------------------------------------------------------------------


def install(parser: type) -> None:
    """Gives the class of parsers a method for each rule (and one that says whether it may begin),
    and fills its tables `leading`, `arguments`, `commands` and `tactics`.
    """
    for rule in S.RULES:
        names = [name for name, _ in rule.fields]
        texts = rule.alternatives or [("", "")]
        parts = [Compiler(text, names, parser).choice() for _, text in texts]
        defaults = [None if default is ... else default for _, default in rule.fields]
        defaults += [None] * (len(names) - len(defaults))
        node = getattr(S, rule.node) if rule.node else None
        whole = _one_of(parts)
        read = _reader(whole.run, defaults, node, not rule.fields and rule.base != "tactic")
        if rule.base == "tactic":
            parser.tactics.update(dict.fromkeys(rule.name.split(), read))
            continue
        setattr(parser, rule.name, read)
        setattr(parser, f"starts_{rule.name}", whole.starts or (lambda parser: True))
        for (prec, _), part in zip(texts, parts, strict=True):
            begin = part.starts, _reader(part.run, defaults, node)
            for word in part.words:
                if prec:
                    parser.leading.setdefault(word, []).append((_precedence(prec), *begin))
                elif node and issubclass(node, S.Command):
                    parser.commands.setdefault(word, []).append(
                        (issubclass(node, S.Declaration), *begin))
    parser.arguments.update(word for word, forms in parser.leading.items()
                            if any(prec == MAX for prec, *_ in forms))
