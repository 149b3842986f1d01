"""Responses that try to be taken for proofs, each beside a twin that differs only in the offence.

`CASES` go the whole way (extraction, screen, Lean, epilogue); `BEHIND_THE_SCREEN` are helpers and
bodies that the screen would refuse, put into the file as they are, so that nothing but Lean and the
epilogue stands in the way. Used by tests/test_adversarial.py.
"""

from __future__ import annotations

from typing import NamedTuple

from lean_fake import fenced

from coprover.records import Theorem

AND = Theorem("foo", "import Mathlib\n\ntheorem foo (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by")
OR = Theorem("foo", "import Mathlib\n\ntheorem foo (P Q : Prop) (h : P) : P ∨ Q := by")
SPELLED = Theorem("foo", AND.formal_statement.replace("Q ∧ P", "And Q P"))
TRUE = "theorem t : True := trivial"
STATED = "theorem foo (P Q : Prop) (h : P ∧ Q) : Q ∧ P := by"
GOOD = "exact ⟨h.2, h.1⟩"
FILE = f"{STATED}\n  {GOOD}"
EITHER = f"{STATED.replace('Q ∧ P', 'And Q P')}\n  first | trivial | {GOOD}"


class Case(NamedTuple):
    """A response, its twin that must be verified, and who has to refuse it why."""

    name: str
    bad: str
    twin: str
    reason: str
    layer: str
    verdict: str = "rejected"
    theorem: Theorem = AND


def block(name: str, bad: str, twin: str, reason: str, layer: str = "screen", **more) -> Case:
    """A case whose responses are one code block each."""
    return Case(name, fenced(bad), fenced(twin), reason, layer, **more)


def helper(name: str, bad: str, twin: str, reason: str = "forbidden",
           layer: str = "screen") -> Case:
    """A case of a file with something before the theorem."""
    return block(name, f"{bad}\n\n{FILE}", f"{twin}\n\n{FILE}", reason, layer)


def word(token: str, code: str, twin: str = GOOD) -> Case:
    """A forbidden word in the proof; the twin says it in a comment and proves honestly."""
    return block(f"word {token}", code, f"-- {token}\n{twin}", "forbidden")


EXTRACTION = [
    Case("empty response", "", fenced(GOOD), "no_code", "extraction"),
    Case("no block", GOOD, fenced(GOOD), "no_code", "extraction"),
    Case("open block", f"```lean4\n{GOOD}\n", f"```lean4\n{GOOD}\n```", "no_code", "extraction"),
    Case("other language", f"```python\n{GOOD}\n```", fenced(GOOD), "no_code", "extraction"),
    Case("server's answer as response", '{"env": 1}', fenced(GOOD), "no_code", "extraction"),
    Case("REPL error as response", '{"message": "ok"}', fenced(GOOD), "no_code", "extraction"),
    Case("interrupted block", f"```lean4\n{GOOD}\n```python\nx\n```", fenced(GOOD), "no_code",
         "extraction"),
    Case("right block first, wrong one last", fenced(GOOD) + fenced("exact h"),
         fenced("exact h") + fenced(GOOD), "lean_error", "lean"),
    Case("right block first, sorry last", fenced(GOOD) + fenced("sorry"),
         fenced("sorry") + fenced(GOOD), "forbidden", "screen"),
    Case("huge output", "x" * 2_000_000 + fenced(GOOD), "x" * 2_000 + fenced(GOOD), "too_long",
         "extraction"),
    block("empty block", "", GOOD, "empty", "extraction"),
    block("only a comment", f"-- {GOOD}", GOOD, "empty", "extraction"),
    block("only a block comment", f"/- {GOOD} -/", f"/- -/ {GOOD}", "empty", "extraction"),
    block("statement without proof", STATED, FILE, "empty", "extraction"),
]

CHARACTERS = [
    block(f"character U+{ord(c):04X}", f"-- {c}{GOOD}\n{GOOD}", f"-- {GOOD}\n{GOOD}", "malformed")
    for c in "\u2028\u2029\x85\x0b\x0c\x1c\t\x00\x7f\ufeff\u200b\u202e\u2066\ud800"
] + [
    block("lone carriage return", f"-- c\r{GOOD}", f"-- c\r\n{GOOD}", "malformed"),
    block("open comment", f"{GOOD} /-", f"{GOOD} /- -/", "malformed"),
    block("comment that nests", f"{GOOD} /- /- -/", f"{GOOD} /- /- -/ -/", "malformed"),
    block("open string", f'{GOOD} "', f"{GOOD} --\"", "malformed"),
    block("interpolated string", 'exact f s!"{sorryAx}"', f'-- s!"x"\n{GOOD}', "malformed"),
    block("raw string", 'exact f r#"x"#', f'-- r#"x"#\n{GOOD}', "malformed"),
    block("code hidden between comments", f"/- -/ sorry /- -/\n{GOOD}", f"/- sorry -/\n{GOOD}",
          "forbidden"),
]

WORDS = [
    word("sorry", "sorry"), word("admit", "admit"), word("stop", f"stop\n{GOOD}"),
    word("sorryAx", "exact sorryAx _ false"), word("«sorryAx»", "exact «sorryAx» _ false"),
    word("_root_.sorryAx", "exact _root_.sorryAx _ true"),
    word("native_decide", "native_decide"), word("decide +native", "decide +native"),
    word("ofReduceBool", "exact Lean.ofReduceBool _ _ rfl"),
    word("lcProof", "exact lcProof"), word("unsafeCast", "exact unsafeCast h"),
    word("apply?", "apply?"), word("exact?", "exact?"), word("rw?", "rw?"), word("hint", "hint"),
    word("run_tac", "run_tac pure ()"), word("by_elab", "exact by_elab pure h"),
    word("eval%", "exact eval% h"), word("dbg_trace", f'dbg_trace "x"; {GOOD}'),
    word("include_str", 'exact include_str "/etc/passwd"'),
    word("#eval", f"{GOOD}\n#eval IO.println 1"), word("#exit", f"{GOOD}\n#exit"),
    word("#print", f"{GOOD}\n#print axioms foo"), word("run_cmd", f"{GOOD}\nrun_cmd pure ()"),
    word("end", f"{GOOD}\nend"), word("namespace", f"{GOOD}\nnamespace A"),
    word("skipKernelTC", f"set_option debug.skipKernelTC true in {GOOD}"),
    word("set_option", f"set_option pp.all true\n{GOOD}"),
    word("open private", f"open private x in A in {GOOD}"),
    block("open private over the theorem", f"open private x in A\n{FILE}", f"open Nat\n{FILE}",
          "forbidden"),
]  # fmt: skip

HELPERS = [
    helper("axiom", "axiom bad : False", "theorem fine : True := trivial"),
    helper("opaque", "opaque bad : Nat", "def fine : Nat := 1"),
    helper("unsafe def", "unsafe def bad : Nat := 1", "def fine : Nat := 1"),
    helper("partial def", "partial def bad : Nat := 1", "def fine : Nat := 1"),
    helper("instance", "instance : Inhabited Nat := ⟨1⟩", "abbrev fine : Nat := 1"),
    helper("instance attribute", "@[instance] def i : Inhabited Nat := ⟨1⟩",
           "def i : Inhabited Nat := ⟨1⟩"),
    helper("implemented_by", "@[implemented_by f] def bad : Nat := 1", "def fine : Nat := 1"),
    helper("extern", '@[extern "f"] def bad : Nat := 1', "def fine : Nat := 1"),
    helper("csimp", "@[csimp] theorem t : @id = @id := rfl", "@[simp] theorem t : True := trivial"),
    helper("attribute", "attribute [-instance] instAddNat", TRUE),
    helper("notation", 'local notation "⊥" => True', TRUE),
    helper("infix", 'infixl:35 " ∧ " => Or', TRUE),
    helper("macro", 'macro "exact" : tactic => `(tactic| trivial)', TRUE),
    helper("macro_rules", "macro_rules | `($a ∧ $b) => `(True)", TRUE,
           "malformed"),
    helper("syntax", 'syntax "t" : tactic', TRUE),
    helper("elab", 'elab "t" : tactic => pure ()', TRUE),
    helper("variable", "variable (bad : False)", TRUE),
    helper("universe", "universe u", TRUE),
    helper("include", "include h", TRUE),
    helper("section", "section\nend", TRUE),
    helper("inductive", "inductive And : Prop", TRUE),
    helper("structure", "structure And where", TRUE),
    helper("mutual", "mutual\nend", TRUE),
    helper("initialize", "initialize pure ()", TRUE),
    helper("#eval before the theorem", "#eval 1", TRUE),
    helper("skipKernelTC over a helper", "set_option debug.skipKernelTC true in\n" + TRUE, TRUE),
    helper("export", "export Nat (add)", TRUE),
    helper("sorry in a helper", "theorem t : False := by\n  sorry", TRUE),
    helper("helper outside its namespace", "def _root_.And : Nat := 1", "def And' : Nat := 1",
           "tampered", "statement"),
    helper("false helper", "theorem t : 1 = 2 := rfl", "theorem t : 1 + 1 = 2 := rfl",
           "lean_error", "lean"),
    block("shadowed connective", f"def And (P Q : Prop) : Prop := True\n\n{EITHER}",
          f"def And' (P Q : Prop) : Prop := True\n\n{EITHER}", "statement", "epilogue",
          theorem=SPELLED),
    helper("text before the first command", "hello", "-- hello", "malformed", "screen"),
]


def stated(name: str, text: str, reason: str = "tampered", layer: str = "statement") -> Case:
    return block(name, text, FILE, reason, layer)


STATEMENTS = [
    stated("weaker statement", "theorem foo : True := by\n  trivial"),
    stated("statement with a false hypothesis",
           f"{STATED.replace('(h', '(no : False) (h')}\n  exact no.elim"),
    stated("conclusion turned round",
           f"{STATED.replace('Q ∧ P', 'P ∧ Q')}\n  exact h"),
    stated("other binder kind", f"{STATED.replace('(P Q : Prop)', '{P Q : Prop}')}\n  {GOOD}"),
    stated("other name", f"{STATED.replace('foo', 'bar')}\n  {GOOD}"),
    stated("statement in a comment", f"/- {STATED} -/\ntheorem bar : True := by\n  trivial"),
    stated("statement in a string",
           f'def s : String := "{STATED}"\ntheorem bar : True := by\n  trivial'),
    stated("statement in a namespace", f"namespace A\n{FILE}\nend A", "forbidden", "screen"),
    stated("only a helper", "theorem bar : True := by\n  trivial"),
    stated("example instead of the theorem", FILE.replace("theorem foo", "example"), "forbidden",
           "screen"),
    stated("proof left out", f"{STATED}\n  skip", "lean_error", "lean"),
]

LEAN = [
    block("unsolved goals", "constructor", GOOD, "lean_error", "lean"),
    block("wrong term", "exact h", GOOD, "lean_error", "lean"),
    block("unknown name", "exact magic h", GOOD, "lean_error", "lean"),
    block("step after the end", f"{GOOD}\n{GOOD}", GOOD, "lean_error", "lean"),
    block("itself as its proof", "exact foo P Q h", GOOD, "lean_error", "lean"),
    block("error in one branch", "constructor\n· exact h.2\n· exact h.2",
          "constructor\n· exact h.2\n· exact h.1", "lean_error", "lean"),
    block("error swallowed by a later success", f"exact absurd h\n{GOOD}", f"skip\n{GOOD}",
          "lean_error", "lean"),
    block("repeat that stops", "repeat exact h\nexact h", f"repeat exact h\n{GOOD}", "lean_error",
          "lean"),
    block("wrong term, deeply nested", f"exact {'(' * 5000}h{')' * 5000}",
          f"exact {'(' * 5000}h.symm{')' * 5000}", "lean_error", "lean"),
    block("outside the subset", "omega", GOOD, "declined", "lean", verdict="declined"),
    block("other side of a disjunction", "exact Or.inr h", "exact Or.inl h", "lean_error", "lean",
          theorem=OR),
]

CASES = [*EXTRACTION, *CHARACTERS, *WORDS, *HELPERS, *STATEMENTS, *LEAN]


class Attack(NamedTuple):
    """Helpers and body of a snippet as they are, and a twin that must be verified."""

    name: str
    helpers: str
    body: str
    twin: tuple[str, str]
    reason: str
    layer: str
    verdict: str = "rejected"
    theorem: Theorem = AND


FAIR = f"by\n  {GOOD}"


def attack(name: str, helpers: str, body: str, reason: str, layer: str, **more) -> Attack:
    return Attack(f"{name} (no screen)", helpers, body, (TRUE, FAIR), reason, layer, **more)


BEHIND_THE_SCREEN = [
    attack("sorry in the proof", "", "by\n  sorry", "sorry", "lean"),
    attack("sorry as a term", "", "\n  sorry", "sorry", "lean"),
    attack("half a proof", "", "by\n  exact ⟨h.2, sorry⟩", "sorry", "lean"),
    attack("sorryAx", "", "by\n  exact sorryAx _ false", "sorry", "lean"),
    attack("sorry in a helper", "theorem bad (P : Prop) : P := by\n  sorry", "by\n  exact bad _",
           "sorry", "lean"),
    attack("axiom", "axiom bad (P : Prop) : P", "by\n  exact bad _", "axioms", "epilogue"),
    attack("axiom named like an allowed one", "axiom propext (P : Prop) : P",
           "by\n  exact CoProver_n.propext _", "axioms", "epilogue"),
    attack("axiom through a helper", "axiom no : False\ntheorem bad (P : Prop) : P := no.elim",
           "by\n  exact bad _", "axioms", "epilogue"),
    attack("connective re-meant", "def And (P Q : Prop) : Prop := True", "by\n  trivial",
           "statement", "epilogue", theorem=SPELLED),
    attack("connective re-meant by a type",
           "inductive And (P Q : Prop) : Prop where\n  | mk : And P Q", "by\n  exact And.mk",
           "statement", "epilogue", theorem=SPELLED),
    attack("false hypothesis as a variable", "variable (no : False)", "by\n  exact no.elim",
           "lean_error", "lean"),
    attack("file left early", "", f"{FAIR}\n#exit", "declined", "lean", verdict="declined"),
    attack("scope closed and opened again", "",
           "by\n  trivial\n\nend CoProver_n\nnamespace CoProver_n", "lean_error", "lean"),
    attack("statement stated again outside", "",
           f"{FAIR}\nend CoProver_n\ntheorem coprover_n : True := trivial\nnamespace CoProver_n",
           "statement", "epilogue"),
    attack("comment that swallows the epilogue", "", f"{FAIR}\n/-", "incomplete", "epilogue"),
    attack("nothing at all", "", "by", "lean_error", "lean"),
    attack("notation", 'local notation "P ∧ Q" => True', FAIR, "declined", "lean",
           verdict="declined"),
    attack("macro", 'macro "trivially" : tactic => `(tactic| sorry)', "by\n  trivially",
           "declined", "lean", verdict="declined"),
]
