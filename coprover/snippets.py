"""From a response to the Lean file that is checked, and from a proof to its steps.

The file is always built around the dataset's header and statement. Of the model's text only the
proof and helper `theorem`/`lemma`/`def`/`abbrev`s before it are used; they stand in a namespace
with an unguessable name, so they cannot touch what the statement means outside it. Behind them, in
a clean scope, the epilogue states the theorem again, proves it by the target and prints its axioms:

    import Mathlib
    namespace CoProver_1f…      -- `namespace A.CoProver_1f…` for a theorem named A.b
    lemma helper … := …
    theorem NAME (a b : Nat) : a + b = b + a := by
      <proof>
    end CoProver_1f…
    theorem coprover_1f… : ∀ (a b : Nat), a + b = b + a := by
      first | exact @CoProver_1f….NAME | exact CoProver_1f….NAME
    #print axioms coprover_1f…

Try: `python -c "from coprover.snippets import split_steps; print(split_steps('intro h; simp'))"`
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

from coprover import screen
from coprover.records import Theorem

_FENCE = re.compile(r"^[ \t]*```(\w*)[^\n`]*$", re.MULTILINE)  # an end-of-text token may follow
_HEAD = re.compile(
    r"\A(?:@\[[^\]]*\]\s*)*(?:(?:private|protected|noncomputable)\s+)*(theorem|lemma)\s+"
)
_NAME = re.compile(r"(?:«[^»\n]*»|[^\W\d][\w'!?]*)(?:\.(?:«[^»\n]*»|[\w][\w'!?]*))*")
_COMMAND = re.compile(
    r"^(?=\S)(?:@\[[^\]]*\]|(?:private|protected|noncomputable|nonrec|unsafe|partial|local|scoped"
    r"|theorem|lemma|def|abbrev|example|instance|axiom|opaque|inductive|structure|class|namespace"
    r"|section|end|open|set_option|import|universe|variable|attribute|notation|macro|syntax|infixl?"
    r"|infixr|prefix|postfix|elab|mutual|export|deriving|initialize|include|omit|alias)\b|#\w+)",
    re.MULTILINE,
)
_HELPER = re.compile(
    r"\A(?:@\[\s*simp\s*\]\s*)?(?:(?:private|protected|noncomputable)\s+)*"
    r"(theorem|lemma|def|abbrev)\s+(\S+)"
)
_OPEN, _CLOSE = "([{⟨⦃⟦", ")]}⟩⦄⟧"


class BadResponse(ValueError):
    """The response cannot be made into a snippet; `code` is the stable reason, args the detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Statement:
    """The parts of `theorem NAME.{u} binders : type := by`."""

    name: str
    universes: str
    binders: str
    type: str
    text: str  # up to and without the final `:=`

    @property
    def again(self) -> str:
        """The statement as one type, binders and all."""
        return f"∀ {self.binders}, {self.type}" if self.binders else self.type


@dataclass(frozen=True)
class Proof:
    """What is used of a response: helper declarations and a proof text under `:=`."""

    helpers: str
    body: str  # "by\n  …" or "\n  term"


@dataclass(frozen=True)
class Snippet:
    """A file to check and where its epilogue stands (1-based lines of the whole text)."""

    text: str
    target: str  # the name stated again and asked for
    statement_line: int
    axioms_line: int


def extract(response: str) -> str | None:
    """Returns the text of the last closed ```lean4 (or ```lean) block, or None."""
    text = response.replace("\r\n", "\n")
    opened, start, found = None, 0, None
    for fence in _FENCE.finditer(text):
        if opened is None or fence.group(1):  # a block that another one interrupts is void
            opened, start = fence.group(1), fence.end() + 1
            continue
        if opened in ("lean4", "lean"):
            found = text[start : max(start, fence.start() - 1)]
        opened = None
    return found


def read_response(theorem: Theorem, response: str) -> Proof:
    """Returns the usable parts of a response; raises BadResponse with a reason code:
    `no_code`, `malformed`, `forbidden`, `tampered`, `empty`."""
    code = extract(response)
    if code is None:
        raise BadResponse("no_code", "no closed ```lean4 block in the response")
    return read_code(theorem, code)


def read_code(theorem: Theorem, code: str) -> Proof:
    """Like `read_response` for the text of the block itself."""
    code = dedent(code)
    try:
        masked = screen.mask(code)
        if re.search(r"^(?:@\[[^\]]*\]\s*|\w+\s+)*(?:theorem|lemma)\b", masked, re.MULTILINE):
            return _read_file(theorem, code, masked)
        return Proof("", _tactics(code))
    except screen.Malformed as error:
        raise BadResponse("malformed", str(error)) from None


def tactic_proof(tactics: list[str] | tuple[str, ...]) -> Proof:
    """Returns the proof that runs these steps one after the other; raises BadResponse."""
    try:
        return Proof("", _tactics("\n".join(tactics)))
    except screen.Malformed as error:
        raise BadResponse("malformed", str(error)) from None


def assemble(theorem: Theorem, proof: Proof, nonce: str | None = None) -> Snippet:
    """Returns the file to check. `nonce` (hex) is drawn afresh unless given."""
    nonce = nonce or secrets.token_hex(8)
    parts = split_statement(theorem.statement)
    prefix = parts.name.rpartition(".")[0]
    scope = f"{prefix}.CoProver_{nonce}" if prefix else f"CoProver_{nonce}"
    target = f"{prefix}.coprover_{nonce}" if prefix else f"coprover_{nonce}"
    short = parts.name.rpartition(".")[2]
    stated = _rename(parts, short)
    head = "\n".join([header(theorem), f"namespace {scope}", proof.helpers, ""])
    top = f"{head}{stated} := {proof.body}\nend {scope}\n"
    full = f"{scope}.{short}"
    again = f"theorem {target}{parts.universes} : {parts.again} := by\n"
    bottom = f"{again}  first | exact @{full} | exact {full}\n"
    statement_line = top.count("\n") + 1
    axioms_line = statement_line + bottom.count("\n")
    return Snippet(f"{top}{bottom}#print axioms {target}\n", target, statement_line, axioms_line)


def header(theorem: Theorem) -> str:
    """Returns the dataset's header, never empty: state would leak between snippets without one.

    Trailing comments go: the theorem's doc comment must not stand before `namespace`.
    """
    text = _uncommented_end(theorem.header)
    return text if re.search(r"^import\s", text, re.MULTILINE) else f"import Init\n{text}"


def start_statement(theorem: Theorem) -> str:
    """Returns `theorem … := by sorry` for stepping, under a name that no library has."""
    parts = split_statement(theorem.statement)
    prefix = parts.name.rpartition(".")[0]
    name = f"{prefix}.coprover_goal" if prefix else "coprover_goal"
    return f"{_rename(parts, name)} := by sorry"


@lru_cache(maxsize=65536)
def split_statement(statement: str) -> Statement:
    """Returns the parts of a statement text that ends in `:= by` (or `:=`).

    Raises BadResponse("statement") when its colon cannot be found.
    """
    masked = screen.mask(statement)
    head = _HEAD.match(masked)
    name = _NAME.match(statement, head.end()) if head else None
    ending = re.search(r":=\s*(?:by\s*)?\Z", masked)
    if not name or not ending:
        raise BadResponse("statement", f"not a theorem statement: {statement[:60]!r}")
    universes = re.compile(r"\.\{[^}]*\}").match(statement, name.end())
    after = universes.end() if universes else name.end()
    colon = _top_level(masked, r":(?!=)", after, ending.start())
    if colon is None:
        raise BadResponse("statement", f"no type in {statement[:60]!r}")
    return Statement(
        name.group(), universes.group() if universes else "", statement[after:colon].strip(),
        statement[colon + 1 : ending.start()].strip(), statement[: ending.start()].rstrip(),
    )  # fmt: skip


def dedent(text: str) -> str:
    """Returns the text without common indentation, blank edges and trailing blanks."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    depth = min((len(line) - len(line.lstrip(" ")) for line in lines if line), default=0)
    return "\n".join(line[depth:] for line in lines).strip("\n")


def _tactics(block: str) -> str:
    """Returns `by` and the block, indented."""
    block = dedent(block)
    _refuse(block)
    if not screen.mask(block).strip():
        raise BadResponse("empty", "an empty proof")
    return "by\n" + indent(block)


def _refuse(text: str, declarations: bool = False) -> None:
    if found := screen.offence(text, declarations):
        raise BadResponse("forbidden", found)


def indent(text: str) -> str:
    """Returns the text with two blanks before each line that is not empty."""
    return "\n".join("  " + line if line else line for line in text.split("\n"))


def _rename(parts: Statement, name: str) -> str:
    """The statement with another name, always as a plain `theorem` without attributes."""
    binders = f" {parts.binders}" if parts.binders else ""
    return f"theorem {name}{parts.universes}{binders} : {parts.type}"


def _read_file(theorem: Theorem, code: str, masked: str) -> Proof:
    """A complete file: keeps helpers and the proof of the theorem by name, checks the statement."""
    wanted = split_statement(theorem.statement)
    known = {screen.words(screen.mask(text)) for text in _commands(theorem.header)}
    helpers: list[str] = []
    for text in _commands(code, masked):
        plain = screen.mask(text)
        bare = re.sub(r"\A(?:set_option\s+\S+\s+\S+\s+in\s+)+", "", plain)
        if (head := _HEAD.match(bare)) and _declared(bare[head.end() :]) == wanted.name:
            return Proof("\n".join(helpers), _target_body(wanted, text[len(plain) - len(bare) :]))
        if screen.words(plain) in known or _is_header(plain):
            continue
        helpers.append(_helper(text, plain))
    raise BadResponse("tampered", f"the code states no theorem named {wanted.name}")


def _declared(text: str) -> str:
    match = _NAME.match(text)
    return match.group() if match else ""


def _is_header(plain: str) -> bool:
    """Imports, `open` and `set_option` of the model's own header are dropped, not obeyed."""
    if re.match(r"open\s+private\b", plain):
        return False
    if match := re.match(r"set_option\s+(\S+)", plain):
        return match.group(1).startswith((*screen.OPTIONS, "autoImplicit", "relaxedAutoImplicit"))
    return bool(re.match(r"(?:import|open)\b", plain))


def _helper(text: str, plain: str) -> str:
    match = _HELPER.match(plain)
    if not match:
        raise BadResponse("forbidden", plain.strip().split("\n")[0][:60])
    if match.group(2).startswith(("_root_", "«_root_»")):
        raise BadResponse("tampered", f"helper {match.group(2)} leaves its namespace")
    _refuse(text[match.end(1) :])
    return text.rstrip()


def _target_body(wanted: Statement, text: str) -> str:
    masked = screen.mask(text)
    start = _top_level(masked, r":=", 0, len(masked))
    if start is None:
        raise BadResponse("malformed", "the theorem has no `:=`")
    copied = _HEAD.sub("theorem ", masked[:start])
    original = _HEAD.sub("theorem ", screen.mask(wanted.text))
    if screen.words(copied) != screen.words(original):
        raise BadResponse("tampered", "the statement differs from the dataset's")
    body = text[start + 2 :]
    if match := re.match(r"\s*by\b", masked[start + 2 :]):
        column_of = text[: start + 2 + match.end()]
        return _by_body(column_of, body[match.end() :])
    _refuse(body)
    if not masked[start + 2 :].strip():
        raise BadResponse("empty", "an empty proof")
    return "\n" + indent(dedent(body))


def _by_body(before: str, rest: str) -> str:
    """The block behind `by`; a first tactic on the same line keeps its column over the others."""
    column = len(before) - before.rfind("\n") - 1
    return _tactics(" " * column + rest)


def _commands(code: str, masked: str | None = None) -> list[str]:
    """Returns the top-level commands of a file; attributes and `… in` join what follows them."""
    masked = screen.mask(code) if masked is None else masked
    starts = [match.start() for match in _COMMAND.finditer(masked)]
    if masked[: starts[0] if starts else len(masked)].strip():
        raise BadResponse("malformed", "text before the first command")
    result: list[str] = []
    joined = False
    for start, end in zip(starts, [*starts[1:], len(code)], strict=True):
        text, plain = code[start:end], masked[start:end].strip()
        if joined:
            result[-1] += text
        else:
            result.append(text)
        joined = bool(re.fullmatch(r"@\[[^\]]*\]|(?:set_option|open)\b.*\bin", plain))
    return [_uncommented_end(text) for text in result]


def _uncommented_end(text: str) -> str:
    return text[: len(screen.mask(text, keep_strings=True).rstrip())]


def _top_level(masked: str, pattern: str, start: int, end: int) -> int | None:
    """Offset of the first match outside all brackets, or None."""
    wanted, depth = re.compile(pattern), 0
    for position in range(start, end):
        character = masked[position]
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif depth == 0 and wanted.match(masked, position):
            return position
    return None


_CONTINUES = re.compile(r"\s*(?:<;>|\||[)\]}⟩⦄⟧,]|(?:at|with|using|generalizing|from)\b|:=|=>)")
_UNFINISHED = re.compile(r"(?:<;>|\bby|=>|:=|[,(\[{⟨|←→∧∨↔=<>≤≥+*])\s*\Z")
_TAKES_REST = re.compile(
    r"(?<![\w.])(?:by|case|next|all_goals|any_goals|repeat|try|first|on_goal|iterate|focus|calc"
    r"|conv|fun|with)(?![\w.])|=>|[·]|^\."
)


def split_steps(block: str) -> list[str]:
    """Returns the top-level steps of a tactic block, dedented, comments dropped, each with its
    nested block. The one definition of a step: search, traces and labels all use it.

    Raises screen.Malformed for an open comment or string.
    """
    lines = dedent(screen.mask(dedent(block), keep_strings=True)).split("\n")
    steps: list[str] = []
    depth = 0
    for line in (line.rstrip() for line in lines):
        if not line:
            continue
        fresh = depth == 0 and not line.startswith(" ") and not _CONTINUES.match(line)
        if fresh and steps and _UNFINISHED.search(steps[-1]):
            fresh = False
        if fresh and steps and steps[-1].startswith("calc") and line.startswith("_"):
            fresh = False
        if fresh or not steps:
            steps.append(line)
        else:
            steps[-1] += "\n" + line
        plain = screen.mask(steps[-1])
        depth = sum(map(plain.count, _OPEN)) - sum(map(plain.count, _CLOSE))
    return [part for step in steps for part in _split_semicolons(step)]


def _split_semicolons(step: str) -> list[str]:
    """`intro h; exact h` is two steps, unless an earlier word takes all that follows."""
    masked = screen.mask(step)
    position = _top_level(masked, r"(?<!<);(?!>)", 0, len(masked))
    if position is None or _TAKES_REST.search(masked[:position]):
        return [step]
    rest = step[position + 1 :].strip()
    return [step[:position].rstrip(), *(_split_semicolons(dedent(rest)) if rest else [])]
