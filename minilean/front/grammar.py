"""The engine of the grammar: the rules of `grammar.txt` become methods of the parser.

    Base Name(field, field=default)    a node class (see syntax.py), and how it is read
    name                               a rule
    name(field, field=default)         a rule whose value is the tuple of these fields
    name : Node                        another rule that reads such a node
    tactic name name(field, …)         what stands after these tactics' names
      | alternative                    the first that begins at the next token
      |prec alternative                the same; a term of this precedence begins so
      => tactics                       what a tactic stands for, with its fields' names as variables

An alternative is a sequence. As in Lean's parsers, it does not begin here, and the next alternative
is tried, if it fails before it has read a token; later it is an error. The value of a rule without
fields is the one value in it, or the tuple of all. A value after `field:` is that field's, any
other the next field's.

    "a b"  <kind kind>   one of these words, a token of these kinds; after `field:` the value True
    $"a b"  $<kind>   the same, its text being the value
    name  term:50     what the rule or the parser's method reads (with this precedence)
    x*  x+  x,+  x|+  lists of what `x` reads: any number, one or more, separated by `,` or `|`;
    x,*  x!           any number, perhaps with a last comma; a list of one
    (…)*  (…)+ …      the same for the value of a sequence
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
from functools import partial
from operator import methodcaller
from typing import Any

from . import syntax as S
from .lexer import ParseError
from .notation import LEAD, MAX
from .parse_tokens import MISSING, TESTS
from .setting import Setting

# Reads from the parser: a value, or MISSING and nothing read where it does not begin.
Reader = Callable[[Any], Any]
# A piece of an alternative: reads from the parser and puts its values into the dictionary; False,
# and nothing read, where it does not begin.
Part = Callable[[Any, dict], bool]

_WORD = re.compile(r"""\s*(\$?"[^"]*"|\$?<[\w ]+>|\w+='[^']*'|\w+=(?:\w+|\[\])|"""
                   r"""\w+:(?:max|lead|\d+)\b|\w+:|[,|]?[*+]|\w+|\S)""")
_FIRST_WORDS = re.compile(r'["<]([^">]+)[">]')
MAX_REREAD = 50_000  # tokens that `atomic` gives back, in all: it may read nested brackets often
_PRECEDENCES = {"max": MAX, "lead": LEAD}
_RULES = {rule.name: rule for rule in S.RULES if rule.base != "tactic"}


def _words(text: str) -> list[str]:
    """The words of an alternative, the first one last."""
    return _WORD.findall(text)[::-1]


def _precedence(word: str) -> int:
    return _PRECEDENCES.get(word) or int(word)


def _test(word: str) -> Callable[[Any], bool]:
    """Whether the next token is one of `"words"` or `<kinds>`, or the test of that name."""
    words = word[1:-1].split()
    if word[0] == '"':
        return methodcaller("at", *words)
    if word[0] == "<":
        return lambda parser: parser.tokens[parser.i].kind in words
    return TESTS[word]


def _choice(words: list[str]) -> Part:
    """`a | b …` and the bracket that closes it, taken from the end of the words."""
    parts, word = [[]], words.pop()
    while word not in (")", "]", ""):
        if word == "|":
            parts.append([])
        else:
            expected = word.replace('"', "'") if word[0] == '"' else "term"
            parts[-1].append((_element(words, word), expected))
        word = words.pop()
    return _first_of([_in_order(part) for part in parts])


def _element(words: list[str], word: str, field: str = "") -> Part:
    """What begins with `word` and goes on with `words`; its value is the field's."""
    if word[-1] == ":" and len(word) > 1:
        return _element(words, words.pop(), word[:-1])
    if word == "(":
        part = _choice(words)
        if words[-1] not in _SIGNS:
            return part
        return _put(field, _list(_reader(part, _only), words.pop()))
    if word == "[":
        return _optional(_choice(words))
    if word == "@":
        alternatives = [text for _, text in _RULES[words.pop()].alternatives]
        return _choice([")", *_words(" | ".join(alternatives))])
    if word in _WRAPPERS:
        words.pop()
        return _WRAPPERS[word](_choice(words))
    if word == "&":
        test = _test(words.pop())
        return lambda parser, values: test(parser)
    if word == "decline":
        stop = methodcaller("decline", words.pop()[1:-1])
        return lambda parser, values: stop(parser)
    if word[0] in '$"<':
        read = _token(word)
        if field or word[0] == "$":
            return _put(field, read)
        return lambda parser, values: read(parser) is not MISSING
    if "=" in word:
        field, _, text = word.partition("=")
        constant = literal_eval(text)
        return _put(field, lambda parser: constant)
    name, _, prec = word.partition(":")
    read = methodcaller(name, *[_precedence(prec)] if prec else ())
    return _put(field, _list(read, words.pop()) if words[-1] in _SIGNS else read)


def _put(field: str, read: Reader) -> Part:
    """The part that makes what `read` reads the field's value."""
    def run(parser, values):
        found = read(parser)
        if found is MISSING:
            return False
        values[field] = found
        return True
    return run


def _token(word: str) -> Reader:
    """A reader of a token: of its text after a $, else of True."""
    test = _test(word.lstrip("$"))

    def read(parser):
        if not test(parser):
            return MISSING
        token = parser.take()
        return token.text if word[0] == "$" else True
    return read


def _in_order(parts: list[tuple[Part, str]]) -> Part:
    """All of them, one after another, each with what an error says is expected."""
    def run(parser, values):
        start = parser.i
        for part, expected in parts:
            if not part(parser, values):
                if parser.i > start:
                    parser.fail(expected)
                return False
        return True
    return parts[0][0] if len(parts) == 1 else run


def _first_of(parts: list[Part]) -> Part:
    """The first part that begins at the next token."""
    def run(parser, values):
        for part in parts:
            if part(parser, values):
                return True
        return False
    return parts[0] if len(parts) == 1 else run


def _optional(part: Part) -> Part:
    def run(parser, values):
        part(parser, values)
        return True
    return run


def _atomic(part: Part) -> Part:
    """The part, or nothing where it fails; a place where it failed is not tried again."""
    def run(parser, values):
        mark, trial = (parser.i, parser.holes), values.copy()
        try:
            if (part, parser.i) not in parser.failed and part(parser, trial):
                values.update(trial)
                return True
        except ParseError:
            parser.failed.add((part, mark[0]))
            parser.reread += parser.i - mark[0]
            parser.i, parser.holes = mark
            if parser.reread > MAX_REREAD:
                parser.decline("deeply nested brackets")
        return False
    return run


def _at_column(part: Part, here: bool) -> Part:
    """The part, where columns are compared with that of its first token, or with none."""
    def run(parser, values):
        with Setting(parser, "col", parser.tok.col if here else -1):
            return part(parser, values)
    return run


_WRAPPERS = {"atomic": _atomic, "withPosition": partial(_at_column, here=True),
             "withoutPosition": partial(_at_column, here=False)}
_SIGNS = ("*", "+", "!", ",+", "|+", ",*")


def _list(read: Reader, sign: str) -> Reader:
    """A reader of a list; the sign says how often and what separates."""
    def listed(parser):
        found = []
        while not found or sign in ("*", "+") or sign != "!" and parser.accept(sign[0]):
            item = read(parser)
            if item is MISSING:
                if found and sign in (",+", "|+"):
                    parser.fail()
                break
            found.append(item)
        return found if found or sign[-1] == "*" else MISSING
    return listed


def _reader(part: Part, value: Callable[[dict, int, int], Any]) -> Reader:
    """A reader of value(the values of the part's fields, start, end)."""
    def read(parser):
        start, values = parser.tokens[parser.i].pos, {}
        if part(parser, values):
            return value(values, start, parser.end())
        return MISSING
    return read


def _only(values: dict, start: int, end: int) -> Any:
    """The one value, if there is one."""
    return next(iter(values.values()), None)


def _value(rule: S.Rule) -> Callable[[dict, int, int], Any]:
    """What the rule makes of the values of its fields."""
    if rule.node:
        node = getattr(S, rule.node)
        return lambda values, start, end: node(start, end, **values)
    if rule.fields or rule.base == "tactic":
        return lambda values, start, end: tuple([values.get(*field) for field in rule.fields])
    return _only


def install(parser: type) -> None:
    """Gives the class of parsers a method for each rule, and fills its tables `leading`, `commands`
    and `tactics`."""
    for rule in S.RULES:
        value = _value(rule)
        parts = [_choice(["", *_words(text)]) for _, text in rule.alternatives]
        read = _reader(_first_of(parts or [_in_order([])]), value)
        if rule.base == "tactic":
            parser.tactics.update(dict.fromkeys(rule.name.split(), read))
            continue
        setattr(parser, rule.name, read)
        is_command = rule.base in ("Command", "Declaration")
        for (prec, text), part in zip(rule.alternatives, parts, strict=True):
            if prec or is_command:
                begin = _precedence(prec) if prec else rule.base == "Declaration"
                table = parser.leading if prec else parser.commands
                for word in _FIRST_WORDS.search(text)[1].split():
                    table.setdefault(word, []).append((begin, _reader(part, value)))
