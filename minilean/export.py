"""Accepted theorems as one Lean 4 file of explicit terms, for a stock Lean to check again.

Everything the theorems rest on is written out in the namespace MiniLean: no notation, no implicit
arguments, no tactics, only `inductive`, `def`, `theorem`, `axiom` and terms, in syntax that Lean 4
has had since 2021. Lean's own are only the types in NATIVE with their constructors and recursors,
`Quot`, and the three standard axioms; so a reader who trusts Lean must compare the *statements*
alone. Projections become applications of a recursor, literals become numerals of Lean's Nat.
Run: python -m minilean export FILE.lean > checked.lean && lean checked.lean
"""
from __future__ import annotations

import re

from minilean.front.lexer import KEYWORDS
from minilean.front.plain import show_level
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.axioms import STANDARD, collect_axioms, mentioned
from minilean.kernel.env import (
    AxiomDecl,
    ConstructorDecl,
    InductiveDecl,
    QuotDecl,
    RecursorDecl,
    TheoremDecl,
)
from minilean.kernel.errors import KernelError

NAMESPACE = "MiniLean"
NATIVE = frozenset(("Eq", "HEq", "True", "False", "And", "Or", "Iff", "Exists", "Nonempty", "Nat",
                    "Bool", "List", "Option", "Prod", "Sum", "PUnit", "PProd"))
MAX_SIZE = 20_000_000  # of all terms: a node counts 1, repeated text its characters
STEPS = 1_000_000  # of the kernel, for the type of one projected term
_PLAIN = re.compile(r"[^\W\d][\w'!?]*$")
_RESERVED = KEYWORDS | {"constant", "mut", "try", "catch", "finally", "local", "scoped", "this"}


class NotExportable(Exception):
    """A declaration that the file cannot express; the message names it and the reason."""


def export(env, names):
    """The Lean file (text) with the theorems `names` of `env` and everything they rest on.

    Raises NotExportable; KernelError("unknown_constant") for a name that is not in `env`.
    """
    needed = _closure(env, names)
    writer = Writer(env)
    for decl in env.decls():
        if decl.name in needed:
            try:
                writer.declaration(decl)
            except (NotExportable, KernelError) as err:  # KernelError: the step budget ran out
                raise NotExportable(f"{decl.name}: {err}") from err
    printed = [f"#print axioms {writer.name(name)}" for name in names]
    return "\n".join([HEADER, *writer.parts, *printed]) + "\n"


def theorems_of(session):
    """Theorems of the session's last environment that the library lacks and that rest on no `sorry`
    (commands it was built upon included)."""
    env = session.envs[-1].env
    return [decl.name for decl in env.decls()
            if type(decl) is TheoremDecl and decl.name not in session.base.env
            and "sorryAx" not in collect_axioms(env, decl.name)]


HEADER = f"""\
/- Written by `python -m minilean export`: explicit terms, to be checked by Lean's own kernel.
   {NAMESPACE}.foo is minilean's foo (an inductive type: {NAMESPACE}.Types.foo), written out; every
   other constant is Lean's own. -/
"""


def _closure(env, names):
    """Names that the declarations `names` depend on through types and values, themselves too."""
    seen, stack = set(names), list(names)
    while stack:
        for used in mentioned(env.lookup(stack.pop())):
            if used not in seen:
                seen.add(used)
                stack.append(used)
    return seen


class Writer:
    """Prints the declarations of one environment."""

    def __init__(self, env):
        self.env, self.checker = env, env.checker()
        self.parts = []  # of the file
        self.projected = set()  # (structure, field) that have a definition among the parts
        self.size = 0  # of the terms written so far
        self.texts = {}  # closed term -> its text
        self.own = None  # the inductive type whose constructors are being written

    # --- names ------------------------------------------------------------------------------------

    def native(self, name):
        """Whether `name` is Lean's own constant."""
        decl = self.env.lookup(name)
        if type(decl) in (ConstructorDecl, RecursorDecl):
            return decl.induct in NATIVE
        return name in NATIVE or name in STANDARD or type(decl) is QuotDecl

    def name(self, name):
        """The constant's name in the file. Inductive types have a namespace of their own, where
        Lean puts what it derives from them (`casesOn`, …): it cannot clash with ours."""
        quoted = ".".join(map(_quoted, name.split(".")))
        if self.native(name):
            return quoted
        derived = type(self.env.lookup(name)) in (InductiveDecl, ConstructorDecl, RecursorDecl)
        return f"{NAMESPACE}.{'Types.' if derived else ''}{quoted}"

    # --- declarations -----------------------------------------------------------------------------

    def declaration(self, decl):
        """Adds one declaration to the parts, unless Lean has it or another one makes it."""
        if self.native(decl.name) or type(decl) in (ConstructorDecl, RecursorDecl):
            return
        if type(decl) is InductiveDecl:
            self.parts.append(self._inductive(decl))
            return
        head = f"{self.name(decl.name)}{_universes(decl.level_params)} : {self.expr(decl.type)}"
        if type(decl) is AxiomDecl:
            self.parts.append(f"axiom {head}")
            return
        word = "theorem" if type(decl) is TheoremDecl else "noncomputable def"
        self.parts.append(f"{word} {head} :=\n  {self.expr(decl.value)}")

    def _inductive(self, decl):
        params, type_ = self._open(decl.type, decl.num_params)
        binders = "".join(f" ({_local_name(x)} : {self.expr(x.id[1])})" for x in params)
        lines = [f"inductive {self.name(decl.name)}{_universes(decl.level_params)}{binders} : "
                 f"{self.expr(type_, len(params))}"]
        self.own = decl.name
        for ctor in decl.ctors:
            fields = _apply(self.env.lookup(ctor).type, params)
            short = _quoted(ctor.rpartition(".")[2])
            lines.append(f"  | {short} : {self.expr(fields, len(params))}")
        self.own = None
        return "\n".join(lines)

    # --- terms ------------------------------------------------------------------------------------

    def expr(self, e, depth=0):
        """Text of a term; `depth` numbers the next local variable. Raises NotExportable."""
        text = None if e.flags & tm.FVAR else self.texts.get(e)
        self.size += 1 if text is None else len(text)
        if self.size > MAX_SIZE:
            raise NotExportable(f"the terms have a size of more than {MAX_SIZE}")
        if text is None:
            text = self._expr(e, depth)
            if not e.flags & tm.FVAR and self.own is None:
                self.texts[e] = text
        return text

    def _expr(self, e, depth):
        kind = type(e)
        if kind is tm.FVar:
            return _local_name(e)
        if kind is tm.Sort:
            return "Prop" if e.level is lv.ZERO else f"(Sort {show_level(e.level, True)})"
        if kind is tm.Const:
            return self._const(e)
        if kind is tm.App:
            fn, args = tm.get_app_fn_args(e)
            return f"({' '.join(self.expr(part, depth) for part in (fn, *args))})"
        if kind in (tm.Lam, tm.Pi):
            x = _local(depth, e.name, e.type)
            body = self.expr(tm.instantiate_rev(e.body, (x,)), depth + 1)
            word, arrow = ("fun", "=>") if kind is tm.Lam else ("∀", ",")
            binder = f"({_local_name(x)} : {self.expr(e.type, depth)})"
            return f"({word} {binder}{' ' if kind is tm.Lam else ''}{arrow} {body})"
        if kind is tm.Let:
            return self.expr(tm.instantiate_rev(e.body, (e.value,)), depth)
        if kind is tm.Proj:
            return self._proj(e, depth)
        if kind is tm.Lit and type(e.value) is int:
            return f"({e.value} : Nat)"
        what = "a string literal" if kind is tm.Lit else kind.__name__
        raise NotExportable(f"a term with {what}")

    def _const(self, e):
        if e.name == self.own:  # while Lean reads the declaration a variable of that short name
            return _quoted(e.name.rpartition(".")[2])
        return f"@{self.name(e.name)}{_universes(map(show_level, e.levels))}"

    def _proj(self, e, depth):
        """A projection: a definition of its own, written before what needs it."""
        if (e.struct, e.idx) not in self.projected:
            self.projected.add((e.struct, e.idx))
            self.parts.append(self._projection(e.struct, e.idx))
        fn, args = tm.get_app_fn_args(self._ask("whnf", self._ask("infer", e.expr)))
        head = _projection_name(e.struct, e.idx) + _universes(map(show_level, fn.levels))
        return f"(@{head} {' '.join(self.expr(part, depth) for part in (*args, e.expr))})"

    def _projection(self, struct, idx):
        """The definition of a projection by the structure's recursor."""
        decl = self.env.lookup(struct)
        ctor = self.env.lookup(decl.ctors[0])
        levels = tuple([lv.param(name) for name in decl.level_params])
        params, _ = self._open(decl.type, decl.num_params)
        this = _local(len(params), "self", tm.mk_app(tm.Const(struct, levels), *params))
        type_ = self._ask("infer", tm.Proj(struct, idx, this))
        if decl.elim_level is not None:
            levels = (self._ask("sort_level", type_), *levels)
        xs, _ = self._open(_apply(ctor.type, params), ctor.num_fields, len(params) + 1)
        value = tm.mk_app(tm.Const(f"{struct}.rec", levels), *params,
                          _bind(tm.Lam, [this], type_), _bind(tm.Lam, xs, xs[idx]), this)
        head = _projection_name(struct, idx) + _universes(decl.level_params)
        return (f"noncomputable def {head} : {self.expr(_bind(tm.Pi, [*params, this], type_))} :=\n"
                f"  {self.expr(_bind(tm.Lam, [*params, this], value))}")

    def _ask(self, question, e):
        """The kernel's answer about a term: infer, whnf, sort_level."""
        return self.checker.guarded(STEPS, getattr(self.checker, question), e)

    def _open(self, type_, count, start=0):
        """(local variables, rest) of a type's first `count` binders."""
        xs = []
        for i in range(count):
            xs.append(_local(start + i, type_.name, type_.type))
            type_ = tm.instantiate_rev(type_.body, (xs[-1],))
        return xs, type_


def _local(number, name, type_):
    return tm.FVar(((number, name), type_))


def _local_name(x):
    number, name = x.id[0]
    return f"{re.sub(r'[^A-Za-z]', '', name) or 'x'}_{number}"


def _bind(make, xs, body):
    """λ or Π over the local variables."""
    for x in reversed(xs):
        body = make(x.id[0][1], x.id[1], tm.abstract(body, (x,)))
    return body


def _projection_name(struct, idx):
    return f"{NAMESPACE}.{'.'.join(map(_quoted, struct.split('.')))}.field_{idx}"


def _apply(type_, args):
    """The type that follows a type's first binders, for these arguments."""
    for arg in args:
        type_ = tm.instantiate_rev(type_.body, (arg,))
    return type_


def _universes(levels):
    text = ", ".join(levels)
    return f".{{{text}}}" if text else ""


def _quoted(part):
    return part if _PLAIN.match(part) and part not in _RESERVED else f"«{part}»"
