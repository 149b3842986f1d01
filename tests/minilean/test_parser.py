"""The parser: precedences, column rules, binders, tactics, commands, errors and declined syntax."""

import re

import pytest

from minilean.front import syntax as S
from minilean.front.errors import Declined
from minilean.front.parse_tokens import TESTS
from minilean.front.parser import ParseError, Parser, parse_tactics

GRAMMAR_WORDS = {"decline", "atomic", "withPosition", "withoutPosition"}


def parse_term(text):
    """The term that is the whole text."""
    parser = Parser(text)
    term = parser.need(parser.term())
    if parser.tok.kind != "eof":
        parser.fail("end of input")
    return term


def shape(t):
    """A term as nested tuples of the parts that matter here."""
    match t:
        case S.Ident() | S.DotIdent():
            return t.name
        case S.Num():
            return t.value
        case S.Hole():
            return "_"
        case S.BinOp():
            return (t.op, shape(t.lhs), shape(t.rhs))
        case S.UnOp():
            return (t.op, shape(t.arg))
        case S.Arrow():
            return ("→", shape(t.lhs), shape(t.rhs))
        case S.App():
            return ("app", shape(t.fn), *[shape(a) for a in t.args])
        case S.NamedArg():
            return (":=", t.name, shape(t.value))
        case S.Paren():
            return shape(t.term)
        case S.Lambda():
            return ("fun", *[n for b in t.binders for n in b.names], shape(t.body))
        case S.Forall() | S.Exists():
            kind = "∀" if isinstance(t, S.Forall) else "∃"
            return (kind, *[n for b in t.binders for n in b.names], shape(t.body))
        case S.Proj():
            return (".", shape(t.term), t.field)
        case S.Anon() | S.Tuple():
            return (type(t).__name__, *[shape(x) for x in t.items])
    return type(t).__name__


@pytest.mark.parametrize(("text", "expected"), [
    ("a + b * c", ("+", "a", ("*", "b", "c"))),
    ("a - b - c", ("-", ("-", "a", "b"), "c")),
    ("a ^ b ^ c", ("^", "a", ("^", "b", "c"))),
    ("p ∧ q ∨ r", ("∨", ("∧", "p", "q"), "r")),
    ("p → q → r", ("→", "p", ("→", "q", "r"))),
    ("p ∧ q → r ↔ s", ("↔", ("→", ("∧", "p", "q"), "r"), "s")),
    ("¬p ∧ q", ("∧", ("Not", "p"), "q")),
    ("¬a = b", ("Not", ("=", "a", "b"))),
    ("p /\\ q \\/ r", ("∨", ("∧", "p", "q"), "r")),
    ("a :: b ++ c", ("++", ("::", "a", "b"), "c")),
    ("f x y = g z", ("=", ("app", "f", "x", "y"), ("app", "g", "z"))),
    ("f <| g <| x", ("app", "f", ("app", "g", "x"))),
    ("x |> f", ("app", "f", "x")),
    ("f (n := 3) x", ("app", "f", (":=", "n", 3), "x")),
    ("h.1.left", (".", (".", "h", 1), "left")),
    ("(f x).symm", (".", ("app", "f", "x"), "symm")),
    ("⟨a, b⟩.1", (".", ("Anon", "a", "b"), 1)),
    ("f ¬p", ("app", "f", ("Not", "p"))),
    ("f -x", ("-", "f", "x")),
    ("∀ x y, x = y", ("∀", "x", "y", ("=", "x", "y"))),
    ("∃ x, p x ∧ q", ("∃", "x", ("∧", ("app", "p", "x"), "q"))),
    ("∀ x < 3, p x", ("∀", "x", ("→", ("<", "x", 3), ("app", "p", "x")))),
    ("∃ x > 3, p x", ("∃", "x", ("∧", (">", "x", 3), ("app", "p", "x")))),
    ("fun x y => x", ("fun", "x", "y", "x")),
    ("λ x ↦ x", ("fun", "x", "x")),
    ("(x : Nat) → x = x", ("∀", "x", ("=", "x", "x"))),
    ("(· + 1)", ("fun", "x1✝", ("+", "x1✝", 1))),
    ("h ▸ e", ("▸", "h", "e")),
    ("0x1F", 31), ("(·.1)", ("fun", "x1✝", (".", "x1✝", 1))), ("?h.1", (".", "SynthHole", 1)),
    ("p <-> ¬q", ("↔", "p", ("Not", "q"))), ("a ≤ b", ("≤", "a", "b")), ("a <= b", ("≤", "a", "b")),
])
def test_terms(text, expected):
    assert shape(parse_term(text)) == expected


def test_non_associative_relation():
    with pytest.raises(ParseError) as error:
        parse_term("a = b = c")
    assert error.value.pos == 6


@pytest.mark.parametrize(("text", "node"), [
    ("if h : p then a else b", S.If), ("match x with | 0 => a | n + 1 => b", S.Match),
    ("fun | 0 => a | n + 1 => b", S.FunMatch), ("let x := 2; x", S.Let),
    ("have h : p := q; r", S.Have), ("show p from h", S.Have), ("by simp", S.By),
    ("{ x : Nat // x > 0 }", S.UnOp), ("{ s with x := 1 }", S.StructInst),
    ("‹p›", S.Ascription), ("nomatch h", S.NoMatch), ("@f", S.Explicit),
    ("(x : Nat)", S.Ascription), ("Type u", S.SortT), ("sorry", S.Sorry),
    ("suffices h : p from q; r", S.Have), ("calc a = b := h\n  _ = c := k", S.Calc),
])
def test_term_nodes(text, node):
    assert isinstance(parse_term(text), node)


def test_application_stops_at_the_block_column():
    block = parse_tactics("exact f\n  a\nexact b")
    assert [t.kind for t in block.tactics] == ["exact", "exact"]
    assert shape(block.tactics[0].args[0]) == ("app", "f", "a")


def test_bullets_and_nested_blocks():
    block = parse_tactics("constructor\n· intro h\n  exact h\n· cases h with\n"
                             "  | inl a => simp\n"
                             "  | inr b => simp; done\nrfl")
    assert [t.kind for t in block.tactics] == ["constructor", "·", "·", "rfl"]
    inner = block.tactics[2].args[0].tactics[0]
    assert [alt.lhs for alt in inner.args[1]] == [[("inl", ["a"])], [("inr", ["b"])]]


def test_and_then_binds_left_and_try_takes_the_sequence():
    block = parse_tactics("constructor <;> intro h <;> simp")
    first = block.tactics[0]
    assert first.kind == "<;>" and first.args[0].kind == "<;>"
    block = parse_tactics("try simp; done")
    assert len(block.tactics) == 1 and len(block.tactics[0].args[0].tactics) == 2


def test_rcases_patterns():
    block = parse_tactics("obtain ⟨x, rfl | ⟨h, -⟩, _⟩ := h")
    [pat] = block.tactics[0].args[1].items
    assert pat.kind == "tuple" and [len(alts.items) for alts in pat.items] == [1, 2, 1]
    assert pat.items[1].items[0].name == "rfl"


def test_rewrite_rules_and_location():
    block = parse_tactics("rw [← h, foo a b] at h₁ ⊢")
    rules, loc = block.tactics[0].args
    assert [r.symm for r in rules] == [True, False]
    assert [h.name for h in loc.hyps] == ["h₁"] and loc.goal


def test_commands():
    text = """import Mathlib
open List Nat
universe u
variable {α : Type u} (n : Nat)
/-- doc -/
@[simp] theorem foo (a b : Nat) : a + b = b + a := by
  exact bar
def f : Nat → Nat
  | 0 => 1
  | n + 1 => f n
inductive Tree (α : Type) where
  | leaf : Tree α
  | node (l : Tree α) (v : α) (r : Tree α)
structure P where
  x : Nat
  y : Nat := 2
instance : Add P where
  add a b := a
#print axioms foo
end"""
    parser, kinds = Parser(text), []
    while (command := parser.command()) is not None:
        kinds.append(type(command).__name__)
    assert kinds == ["Import", "Open", "Universe", "Variable", "Decl", "Decl", "Inductive",
                     "Structure", "Decl", "Print", "End"]


@pytest.mark.parametrize(("text", "message"), [
    ("a +", "unexpected end of input; expected term"),
    ("(a", "unexpected end of input; expected ')'"),
    (") a", "unexpected token ')'; expected term"),
    ("f .1", "unexpected token '.'; expected end of input"),
    ("-> a", "unexpected token '->'; expected term"),
])
def test_term_errors(text, message):
    with pytest.raises(ParseError) as error:
        parse_term(text)
    assert error.value.message == message


def test_unknown_tactic_and_recovery():
    with pytest.raises(ParseError, match="unknown tactic"):
        parse_tactics("frobnicate h")
    parser = Parser("theorem a : := by\n  simp\ntheorem b : True := trivial")
    with pytest.raises(ParseError):
        parser.command()
    parser.skip_to_command()
    assert parser.command().name == "b"


@pytest.mark.parametrize("text", ["omega", "linarith", "norm_num", "conv => rfl", "aesop", "ring",
                                  "intro."])
def test_known_tactics_are_declined_by_name(text):
    with pytest.raises(Declined) as error:
        parse_tactics(text)
    assert text.split()[0] in error.value.message


@pytest.mark.parametrize("text", ["'a'", "1.5", "a[0]", "do x", "∑ x, y", "(!p .)",
                                  '"a\\n"', "f «a b»", "{x | p x}"])
def test_known_terms_are_declined(text):
    with pytest.raises(Declined):
        parse_term(text)


@pytest.mark.parametrize("text", ["open A renaming a → b", "omit x", "#synth A", "macro \"a\" : b",
                                  "def f : Nat → Nat\n  | n => n\ntermination_by n => n",
                                  "@[simp] unsafe def f := 1", "private partial def f := 1"])
def test_known_commands_are_declined(text):
    with pytest.raises(Declined):
        Parser(text).command()


def test_every_name_in_the_grammar_is_a_rule_a_test_or_a_method():
    for rule in S.RULES:
        for _, text in rule.alternatives:
            for noise in (r'"[^"]*"|<[^>]*>', r"\w+='[^']*'|\w+=(\w+|\[\])", r":(max|\d+)\b",
                          r"\w+:"):
                text = re.sub(noise, " ", text)
            names = set(re.findall(r"\w+", text)) - GRAMMAR_WORDS - TESTS.keys()
            assert [name for name in names if not hasattr(Parser, name)] == [], rule.name


@pytest.mark.parametrize(("text", "message"), [
    ("instance : A where\n  f x := x\n  g : T := y", None),
    ("structure A where\n  /-- d -/\n  f (x : T) : U\n  (g : V := v)", None),
    ("structure A where\n  f (x : T) : U := u", "default value of a field with binders"),
    ("def f := { x, y }", "set or structure notation"), ("mutual\nend", "mutual declarations"),
])
def test_fields(text, message):
    parser = Parser(text)
    if message is None:
        assert parser.command() is not None and parser.command() is None
        return
    with pytest.raises(Declined, match=message):
        parser.command()


@pytest.mark.parametrize("text", ["attribute [∃] a", "/-- a -/ /-- b -/ def x := y", "theorem : p",
                                  "@[simp] open A", "instance (priority = 3) : A := b"])
def test_command_errors(text):
    with pytest.raises(ParseError):
        Parser(text).command()


def test_positions():
    text = "αβ\n  xy"
    assert S.line_col(text, 0) == (1, 0)
    assert S.line_col(text, 5) == (2, 2)
    term = parse_term("f  (x + 1)")
    assert (term.pos, term.end) == (0, 10)
    assert (term.args[0].pos, term.args[0].end) == (3, 10)
