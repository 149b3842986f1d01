"""Commands of the Lean 4 subset, and the entry points of the parser.

`parse_commands(source)` yields commands one by one, so that a file is elaborated up to its first
error; after a `ParseError` the caller continues at `Parser.skip_to_command`. Grammar:
`Lean/Parser/Command.lean`. Commands that Lean knows and minilean lacks raise `Declined`.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from typing import Any

from . import syntax as S
from .errors import Declined
from .lexer import ParseError, string_value
from .parse_tactic import TacticParser

__all__ = ["ParseError", "Parser", "parse_term", "parse_tactics"]

_DECL = frozenset(("theorem", "lemma", "def", "abbrev", "example", "instance", "axiom", "opaque"))
_FLAGS = frozenset(("private", "protected", "noncomputable", "unsafe", "partial", "nonrec"))
_DECLINED = frozenset(
    """macro syntax notation infixl infixr infix prefix postfix elab macro_rules elab_rules
    declare_syntax_cat initialize builtin_initialize run_cmd run_elab run_meta register_simp_attr
    declare_simp_like_tactic simproc dsimproc add_decl_doc deriving local scoped
    binder_predicate alias irreducible_def grind_pattern recall
    assert_not_exists library_note suppress_compilation unif_hint builtin_simproc
    register_option proof_wanted unseal seal compile_inductive""".split()
)
_START = _DECL | _FLAGS | frozenset(
    """inductive structure class variable universe open export namespace section end set_option
    import attribute mutual include omit in""".split()
)
_HASH = frozenset(
    "check eval print reduce exit synth guard check_failure eval! guard_msgs help".split())


class Parser(TacticParser):
    """Commands of one source, in order."""

    def command(self) -> S.Command | None:
        """The next command, or None at the end of the text. Raises ParseError, Declined."""
        self.col = -1
        start = self.pos[self.i]
        if self.kind[self.i] == "eof":
            return None
        modifiers = self.modifiers()
        kind, word = self.kind[self.i], self.text[self.i]
        if kind == "eof" and modifiers.doc is not None and not modifiers.attrs:
            self.fail("'lemma'")
        if kind in ("kw", "id"):
            if word in _DECL:
                return self.declaration(start, modifiers)
            if word == "inductive" or (word == "class" and self.text[self.i + 1] == "inductive"):
                return self.inductive(start, modifiers)
            if word in ("structure", "class"):
                return self.structure(start, modifiers)
            method = getattr(self, f"cmd_{word}", None)
            if method is not None and not modifiers.attrs and not modifiers.flags:
                self.i += 1
                return self.with_end(method(start))
            if word in _DECLINED:
                raise Declined(f"command {word}", S.Hole(start, self.ends[self.i]))
        if kind == "sym" and word == "#":
            return self.hash_command(start)
        self.fail("command" if not modifiers.attrs else "declaration")
        raise AssertionError

    def with_end(self, command: S.Command) -> S.Command:
        command.end = self.end()
        return command

    def skip_to_command(self) -> None:
        """After an error: moves to the next token that can begin a command, at least one
        further.
        """
        self.i = min(self.i + 1, len(self.kind) - 1)
        while self.kind[self.i] != "eof":
            kind, word = self.kind[self.i], self.text[self.i]
            if kind == "kw" and word in _START and word != "in":
                return
            if (kind == "sym" and word in ("#", "@[")) or kind == "doc":
                return
            if kind in ("kw", "id") and word in _DECLINED and self.cols[self.i] == 0:
                return
            self.i += 1

    # -- modifiers ------------------------------------------------------------------------------

    def modifiers(self) -> S.Modifiers:
        out = S.Modifiers(self.pos[self.i], self.pos[self.i])
        while True:
            kind, word = self.kind[self.i], self.text[self.i]
            if kind == "doc":
                out.doc = word.strip()
                self.i += 1
            elif kind == "sym" and word == "@[":
                self.i += 1
                out.attrs += self.attributes()
            elif kind in ("kw", "id") and word in _FLAGS:
                out.flags.append(word)
                self.i += 1
            else:
                out.end = self.end()
                return out

    def attributes(self) -> list[S.Attr]:
        """`simp, local instance 100]`, from after the opening bracket."""
        attrs = []
        while True:
            start, scope = self.pos[self.i], "global"
            if self.text[self.i] in ("local", "scoped"):
                scope = self.text[self.i]
                self.i += 1
            erase = self.accept("-")
            if self.kind[self.i] not in ("id", "kw"):
                self.fail("attribute")
            self.i += 1
            attr = S.Attr(start, 0, self.text[self.i - 1], [], scope, erase)
            while self.text[self.i] not in (",", "]") and self.kind[self.i] not in ("eof", "error"):
                attr.args.append(self.text[self.i])
                self.i += 1
            attr.end = self.end()
            attrs.append(attr)
            if not self.accept(","):
                self.expect("]")
                return attrs

    # -- declarations ---------------------------------------------------------------------------

    def declaration(self, start: int, modifiers: S.Modifiers) -> S.Decl:
        keyword = self.text[self.i]
        self.i += 1
        priority = self.instance_priority() if keyword == "instance" else None
        name, span, levels = self.declared_name(keyword)
        binders = self.binders(":")
        kind = self.term() if self.accept(":") else None
        decl = S.Decl(start, 0, modifiers, keyword, name, span, levels, binders, kind, None)
        decl.priority = priority
        if keyword != "axiom":
            self.decl_body(decl)
        return self.with_end(decl)

    def instance_priority(self) -> int | None:
        if self.at("(") and self.text[self.i + 1] == "priority":
            self.i += 3
            if self.kind[self.i] != "num":
                raise Declined("symbolic instance priority")
            value = int(self.text[self.i])
            self.i += 1
            self.expect(")")
            return value
        return None

    def declared_name(self, keyword: str) -> tuple:
        """(name or None, span, universe parameters)"""
        name, levels = None, None
        span = (self.pos[self.i], self.ends[self.i])
        if self.kind[self.i] == "id" and keyword != "example":
            name = self.text[self.i]
            self.i += 1
            levels = self.universe_params()
        elif keyword not in ("instance", "example"):
            self.fail("identifier")
        else:
            span = (self.pos[self.i - 1], self.ends[self.i - 1])
        return name, span, levels

    def universe_params(self) -> list[str] | None:
        if not self.accept(".{"):
            return None
        names = [self.ident()]
        while self.accept(",") or self.kind[self.i] == "id":
            names.append(self.ident())
        self.expect("}")
        return names

    def decl_body(self, decl: S.Decl) -> None:
        """`:= t`, `| equations`, `where fields`, and what may follow them."""
        if self.accept(":="):
            decl.body = self.decl_value(decl)
        elif self.at("|"):
            decl.body = self.match_alts()
        elif self.at("where"):
            decl.body = self.where_struct()
        elif decl.kind == "opaque":
            return
        else:
            self.fail("':=', 'where' or '|'")
        if self.at("where"):
            raise Declined("where declarations", S.Hole(self.pos[self.i], self.ends[self.i]))
        while self.at("termination_by") or self.at("decreasing_by"):
            begin = self.pos[self.i]
            self.i += 1
            if self.text[self.i - 1] == "decreasing_by":
                self.tactic_seq()
            else:
                self.accept("?")
                self.match_arrow_names()
                self.term()
            decl.termination = self.source.text[begin : self.end()]

    def decl_value(self, decl: S.Decl) -> S.Term:
        """The term after `:=`; a `by` block there must be indented more than the declaration."""
        if self.at("by"):
            start, end = self.pos[self.i], self.ends[self.i]
            after = self.i + 1
            column = self.source.line_col(decl.pos)[1]
            if self.kind[after] == "eof" or (
                    self.cols[after] <= column and self.text[after] != "{"):
                self.i = after
                return S.By(start, end, S.TacSeq(end, end, []))
        return self.term()

    def match_arrow_names(self) -> None:
        """`x y =>` of a termination measure."""
        j = self.i
        while self.kind[j] in ("id", "hole"):
            j += 1
        if self.text[j] in ("=>", "↦"):
            self.i = j + 1

    def where_struct(self) -> S.StructInst:
        """`where x := a …`: the fields of a structure."""
        start = self.pos[self.i]
        self.expect("where")
        fields: list[tuple[str, S.Term]] = []
        if self.kind[self.i] == "id" and self.cols[self.i] > 0:
            with self.position():
                while self.kind[self.i] == "id" and self.cols[self.i] == self.col or (
                        self.kind[self.i] == "id" and self.ends[self.i - 1] and self.was_semi()):
                    fields.append(self.where_field())
                    self.accept(";") or self.accept(",")
        return S.StructInst(start, self.end(), [], fields)

    def was_semi(self) -> bool:
        return self.text[self.i - 1] in (";", ",")

    def where_field(self) -> tuple[str, S.Term]:
        name_pos = self.pos[self.i]
        name = self.ident()
        binders = self.binders(":")
        kind = self.term() if self.accept(":") else None
        if self.at("|"):
            alts = self.match_alts()
            value: S.Term = S.FunMatch(name_pos, self.end(), alts)
        else:
            self.expect(":=")
            value = self.term()
        if kind is not None:
            value = S.Ascription(name_pos, self.end(), value, kind)
        if binders:
            value = S.Lambda(name_pos, self.end(), binders, value)
        return name, value

    def deriving(self) -> list[str]:
        names = []
        while self.accept("deriving"):
            names.append(self.ident())
            while self.accept(","):
                names.append(self.ident())
        return names

    def inductive(self, start: int, modifiers: S.Modifiers) -> S.Inductive:
        is_class = self.accept("class")
        self.i += 1
        name, span, levels = self.declared_name("inductive")
        binders = self.binders(":")
        kind = self.term() if self.accept(":") else None
        if not self.accept("where"):
            self.accept(":=")
        ctors = []
        while self.at("|") or (self.kind[self.i] == "doc" and self.text[self.i + 1] == "|"):
            if self.kind[self.i] == "doc":
                self.i += 1
            self.i += 1
            begin, mods = self.pos[self.i], self.modifiers()
            ctor = S.Ctor(begin, 0, self.ident(), self.binders(":"), None, mods)
            if self.accept(":"):
                ctor.type = self.term()
            ctor.end = self.end()
            ctors.append(ctor)
        out = S.Inductive(start, 0, modifiers, name, span, levels, binders, kind, ctors)
        out.deriving, out.is_class = self.deriving(), is_class
        return self.with_end(out)

    def structure(self, start: int, modifiers: S.Modifiers) -> S.Structure:
        is_class = self.text[self.i] == "class"
        self.i += 1
        name, span, levels = self.declared_name("structure")
        binders = self.binders(":")
        kind, extends = None, []
        if self.accept(":"):
            kind = self.term()
        if self.accept("extends"):
            extends = [self.term()]
            while self.accept(","):
                extends.append(self.term())
            if self.accept(":"):
                kind = self.term()
        ctor, fields = None, []
        if self.accept("where") or self.accept(":="):
            if self.kind[self.i] == "id" and self.text[self.i + 1] == "::":
                ctor = self.text[self.i]
                self.i += 2
            fields = self.structure_fields()
        out = S.Structure(start, 0, modifiers, name, span, levels, binders, extends, kind, ctor,
                          fields)
        out.deriving, out.is_class = self.deriving(), is_class
        return self.with_end(out)

    def structure_fields(self) -> list[S.Binder]:
        fields = []
        with self.position():
            while True:
                mark = self.i
                while self.kind[self.i] == "doc":
                    self.i += 1
                start, kind, word = self.pos[self.i], self.kind[self.i], self.text[self.i]
                if self.cols[self.i] == 0:
                    self.i = mark
                    return fields
                if kind == "sym" and word in ("(", "{", "[", "⦃"):
                    fields.append(self.bracketed_binder())
                elif kind == "id":
                    fields.append(self.structure_field(start))
                else:
                    self.i = mark
                    return fields

    def structure_field(self, start: int) -> S.Binder:
        names = []
        while self.kind[self.i] == "id" and (not names or not self.nl[self.i]):
            names.append(self.ident())
        binders = self.binders(":")
        kind = self.term() if self.accept(":") else None
        if kind is not None and binders:
            kind = S.Forall(start, self.end(), binders, kind, True)
        default = None
        if self.accept(":="):
            default = self.term()
            if binders:
                default = S.Lambda(start, self.end(), binders, default)
        return S.Binder(start, self.end(), names, kind, "default", None, default)

    # -- other commands: cmd_<keyword>(start), called after the keyword -------------------------

    def cmd_variable(self, start: int) -> S.Command:
        binders = self.binders("")
        if not binders:
            self.fail("binder")
        return S.Variable(start, 0, binders)

    def cmd_universe(self, start: int) -> S.Command:
        names = [self.ident()]
        while self.kind[self.i] == "id":
            names.append(self.ident())
        return S.Universe(start, 0, names)

    def cmd_open(self, start: int) -> S.Command:
        out = S.Open(start, 0, [])
        if self.kind[self.i] == "id" and self.text[self.i] == "scoped":
            self.i += 1
            out.scoped = True
        out.names.append(self.ident())
        while self.kind[self.i] == "id" and (self.cols[self.i] > 0 or not self.nl[self.i]):
            out.names.append(self.ident())
        if self.accept("("):
            out.only = []
            while not self.accept(")"):
                out.only.append(self.ident())
        elif self.accept("hiding"):
            while self.kind[self.i] == "id":
                out.hiding.append(self.ident())
        elif self.accept("renaming"):
            while True:
                old = self.ident()
                if not (self.accept("→") or self.accept("->")):
                    self.fail("'→'")
                out.renaming.append((old, self.ident()))
                if not self.accept(","):
                    break
        if self.accept("in"):
            out.inner = self.command()
        return out

    def cmd_export(self, start: int) -> S.Command:
        space, names = self.ident(), []
        self.expect("(")
        while not self.accept(")"):
            names.append(self.ident())
        return S.Export(start, 0, space, names)

    def cmd_namespace(self, start: int) -> S.Command:
        return S.Namespace(start, 0, self.ident())

    def optional_name(self) -> str | None:
        if self.kind[self.i] == "id" and not self.nl[self.i]:
            return self.ident()
        return None

    def cmd_section(self, start: int) -> S.Command:
        return S.Section(start, 0, self.optional_name())

    def cmd_end(self, start: int) -> S.Command:
        return S.End(start, 0, self.optional_name())

    def cmd_set_option(self, start: int) -> S.Command:
        name = self.ident()
        kind, word = self.kind[self.i], self.text[self.i]
        value: Any
        if kind == "id" and word in ("true", "false"):
            value = word == "true"
        elif kind == "num":
            value = int(word)
        elif kind == "str":
            value = string_value(word, self.pos[self.i])
        else:
            self.fail("'true', 'false', numeral or string literal")
        self.i += 1
        out = S.SetOption(start, 0, name, value)
        if self.accept("in"):
            out.inner = self.command()
        return out

    def cmd_import(self, start: int) -> S.Command:
        return S.Import(start, 0, self.ident())

    def cmd_attribute(self, start: int) -> S.Command:
        self.expect("[")
        attrs = self.attributes()
        names = [self.ident()]
        while self.kind[self.i] == "id":
            names.append(self.ident())
        if self.accept("in"):
            raise Declined("attribute … in")
        return S.Attribute(start, 0, attrs, names)

    def cmd_include(self, start: int) -> S.Command:
        names = [self.ident()]
        while self.kind[self.i] == "id":
            names.append(self.ident())
        return S.Include(start, 0, names, False)

    def cmd_omit(self, start: int) -> S.Command:
        raise Declined("command omit")

    def cmd_init_quot(self, start: int) -> S.Command:
        return S.InitQuot(start, 0)

    def cmd_mutual(self, start: int) -> S.Command:
        commands = []
        while not self.accept("end"):
            command = self.command()
            if command is None:
                self.fail("'end'")
            commands.append(command)
        return S.Mutual(start, 0, commands)

    def hash_command(self, start: int) -> S.Command:
        self.i += 1
        word = self.text[self.i]
        if word not in _HASH:
            self.fail("command")
        self.i += 1
        if word == "print":
            axioms = self.kind[self.i] == "id" and self.text[self.i] == "axioms"
            self.i += axioms
            return self.with_end(S.Print(start, 0, self.ident(), axioms))
        if word == "check":
            return self.with_end(S.Check(start, 0, self.term()))
        if word in ("eval", "reduce"):
            return self.with_end(S.Eval(start, 0, word, self.term()))
        raise Declined(f"command #{word}", S.Hole(start, self.end()))


def parse_term(text: str) -> S.Term:
    """The term that is the whole text."""
    parser = Parser(S.Source(text))
    term = parser.term()
    if parser.kind[parser.i] != "eof":
        parser.fail("end of input")
    return term


def parse_tactics(text: str) -> tuple[S.TacSeq, S.Source]:
    """The tactic block that is the whole text (REPL tactic mode). Raises ParseError, Declined."""
    source = S.Source(text)
    parser = Parser(source)
    block = parser.tactic_seq()
    if parser.kind[parser.i] != "eof":
        parser.fail("end of input")
    return block, source
