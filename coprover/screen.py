"""Token screen of model text: what Lean never gets to see. Comments and strings do not count.

The screen is the outer wall; the inner one is the epilogue of every snippet (axioms, statement
stated again). It works on whole tokens, so `sorry_free` or a comment about `sorry` passes, and a
quoted name («sorryAx») or a dotted one (`_root_.sorryAx`) does not. The list follows the known ways
to cheat a Lean checker (docs of SafeVerify, comparator, the Lean manual's "Validating proofs").

Try: `python -c "from coprover.screen import offence; print(offence('  exact foo.sorryAx _'))"`
"""

from __future__ import annotations

import re


class Malformed(ValueError):
    """Text that cannot be screened: an open comment or string, or characters that may hide code."""


# Control characters, line separators and invisible formatting: a server may turn them into
# newlines (str.splitlines does), which makes live code of what Lean reads as a comment.
_BAD_CHARACTER = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff]"
)
_PIECE = re.compile(
    r"(?P<ident>[^\W\d](?:[\w'!?])*)"
    r"|(?P<quoted>«[^»\n]*»)"
    r"|(?P<line>--[^\n]*)"
    r"|(?P<block>/-)"
    r"|(?P<string>\"(?:\\.|[^\"\\])*(?P<close>\"?))"
    r"|(?P<char>'(?:\\[^\n']{1,9}|\\'|[^\\'\n])')",
    re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/-|-/")
_TOKEN = re.compile(r"(?:«[^»]*»|[^\W\d][\w'!?]*%?)(?:\.(?:«[^»]*»|[\w][\w'!?]*))*|#[a-z_]\w*\??")

# Forbidden as any part of a dotted name.
PARTS = frozenset(
    "sorry sorryAx admit native_decide ofReduceBool ofReduceNat reduceBool reduceNat trustCompiler"
    " implemented_by extern unsafe unsafeCast unsafeIO unsafeBaseIO lcProof lcUnreachable".split()
)
# Forbidden as a whole token: Lean reserves these words, whatever their column.
WORDS = frozenset(
    "axiom opaque partial run_tac run_cmd run_meta run_elab by_elab elab elab_rules macro"
    " macro_rules notation notation3 syntax declare_syntax_cat infix infixl infixr prefix postfix"
    " initialize builtin_initialize simproc dsimproc simproc_decl include_str include_bytes eval%"
    " dbg_trace dbg_sleep dbgTrace dbg_stackTrace unif_hint stop apply? exact? rw? rewrite? have?"
    " library_search propose? observe? hint local scoped attribute instance deriving export"
    " variable variables include omit universe section namespace end mutual inductive coinductive"
    " structure class class_abbrev import set_premise_selector register_option"
    " register_simp_attr register_label_attr alias proof_wanted add_decl_doc compile_inductive%"
    " compile_def% irreducible_def module public meta grind_pattern extend_docs".split()
)
DECLARATIONS = frozenset("theorem lemma def abbrev example noncomputable private protected".split())
OPTIONS = ("maxRecDepth", "maxHeartbeats", "synthInstance.", "linter.", "pp.", "trace.", "aesop.")
_HASH_COMMANDS = frozenset(
    "#eval #check #check_failure #print #exit #reduce #synth #guard #guard_msgs #guard_expr #help"
    " #find #lint #where #widget #norm_num #simp #html #conv #unfold #leansearch #loogle #moogle"
    " #import_path #min_imports #minimize_imports #redundant_imports #version #time"
    " #count_heartbeats #print_sorry_in #test #sample #long_names #list_linters #trans_imports"
    " #instances".split()
)


def mask(text: str, keep_strings: bool = False) -> str:
    """Returns the text with comments and literals blanked, same length, line breaks kept.

    Raises Malformed for forbidden characters, and for what swallows text behind it (an open
    comment or string) or hides code in it (interpolated and raw strings).
    """
    if bad := _BAD_CHARACTER.search(text):
        raise Malformed(f"character U+{ord(bad.group()):04X} at offset {bad.start()}")
    if '"' not in text and "--" not in text and "/-" not in text and "'" not in text:
        return text
    parts, done, position = [], 0, 0
    while match := _PIECE.search(text, position):
        start, position = match.span()
        kind = match.lastgroup if match.lastgroup != "close" else "string"
        if kind in ("ident", "quoted"):
            continue
        if kind == "block":
            position = _block_end(text, start)
        elif kind == "string":
            _check_string(text, match)
            if keep_strings:
                continue
        elif kind == "char" and keep_strings:
            continue
        parts += text[done:start], _blank(text[start:position])
        done = position
    return "".join(parts) + text[done:]


def tokens(masked: str) -> list[str]:
    """Returns names and `#commands` of masked text in order, without « »."""
    return [token.replace("«", "").replace("»", "") for token in _TOKEN.findall(masked)]


def words(masked: str) -> tuple[str, ...]:
    """Returns every token of masked text, symbols included: equal for equal code up to layout."""
    return tuple(re.findall(r"«[^»]*»|[\w'!?]+|[^\w\s]", masked))


def offence(text: str, declarations: bool = False) -> str | None:
    """Returns what is forbidden in a proof or helper, or None.

    `declarations` allows the words that start a helper (the caller checks where they stand).
    Raises Malformed like `mask`.
    """
    masked = mask(text)
    for token in tokens(masked):
        found = _token_offence(token, declarations)
        if found:
            return found
    if re.search(r"\+\s*native\b", masked):
        return "+native"
    return _scope_offence(masked)


def _token_offence(token: str, declarations: bool) -> str | None:
    if token in WORDS or token in _HASH_COMMANDS:
        return token
    if not declarations and token in DECLARATIONS:
        return token
    if not PARTS.isdisjoint(token.split(".")):
        return token
    return None


def _scope_offence(masked: str) -> str | None:
    """`open … in` and `set_option … in` may scope a tactic or term; alone they are commands."""
    for match in re.finditer(r"(?<![\w.«])(open|set_option)\b([^\n]*)", masked):
        word, rest = match.groups()
        if not re.search(r"\bin\b", rest) or re.match(r"\s*private\b", rest):
            return word
        if word == "set_option" and not rest.split()[0].startswith(OPTIONS):
            return f"set_option {rest.split()[0]}"
    if match := re.search(r"^\s*(#[a-z_]\w+)", masked, re.MULTILINE):
        return match.group(1)
    return None


def _block_end(text: str, start: int) -> int:
    depth, position = 1, start + 2
    while depth:
        edge = _BLOCK_EDGE.search(text, position)
        if not edge:
            raise Malformed(f"comment opened at offset {start} never ends")
        depth += 1 if edge.group() == "/-" else -1
        position = edge.end()
    return position


def _check_string(text: str, match: re.Match[str]) -> None:
    start = match.start()
    if not match.group("close"):
        raise Malformed(f"string opened at offset {start} never ends")
    before = text[max(0, start - 12) : start]
    if re.search(r"[\w!]\Z|(?<!\w)r#+\Z", before):
        raise Malformed(f"interpolated or raw string at offset {start}")


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
