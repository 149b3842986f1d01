"""Accepted theorems as one Lean 4 file of explicit terms, for a stock Lean to check again.

Everything the theorems rest on is written out in the namespace MiniLean: no notation, no implicit
arguments, no tactics, only `inductive`, `def`, `theorem`, `axiom` and terms, in syntax that Lean 4
has had since 2021. Lean's own are only the types in NATIVE with their constructors and recursors,
`Quot`, and the three standard axioms; so a reader who trusts Lean must compare the *statements*
alone. Projections become applications of a recursor, literals become numerals of Lean's Nat.
Run: python -m minilean export FILE.lean > checked.lean && lean checked.lean
"""
import re

from minilean.front.errors import StepLimit
from minilean.front.ext import Ext
from minilean.front.lexer import KEYWORDS
from minilean.front.meta import Meta
from minilean.front.pp import show_level
from minilean.kernel import env as ke
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.axioms import STANDARD, collect_axioms, needed_by

NAMESPACE = "MiniLean"
WORDS = {ke.AxiomDecl: "axiom", ke.TheoremDecl: "theorem"}
NATIVE = frozenset(("Eq", "HEq", "True", "False", "And", "Or", "Iff", "Exists", "Nonempty", "Nat",
                    "Bool", "List", "Option", "Prod", "Sum", "PUnit", "PProd"))
MAX_STEPS = 10_000_000  # nodes of all terms, as trees, and what the types of projections take
HEADER = f"/- {NAMESPACE}.foo is minilean's foo, every other constant is Lean's own. -/\n"


class NotExportable(Exception):
    """A declaration that the file cannot express; the message names it and the reason."""


def export(env, names):
    """The Lean file (text) with the theorems `names` of `env` and everything they rest on.

    Raises NotExportable; KernelError("unknown_constant") for a name that is not in `env`.
    """
    needed, writer, parts = needed_by(env, names), Writer(env), [HEADER]
    for decl in env.decls():
        if decl.name in needed and not (hasattr(decl, "induct") or writer.native(decl.name)):
            try:
                parts.append(writer.declaration(decl))
            except (StepLimit, RecursionError) as err:
                raise NotExportable(f"{decl.name}: {err}") from err
    return "\n".join([*parts, *[f"#print axioms {writer.name(name)}" for name in names], ""])


def theorems_of(session):
    """Theorems of the session's last environment that the library lacks and that rest on no `sorry`
    (commands it was built upon included)."""
    env = session.envs[-1].env
    return [decl.name for decl in env.decls()
            if type(decl) is ke.TheoremDecl and decl.name not in session.base.env
            and "sorryAx" not in collect_axioms(env, decl.name)]


class Writer:
    """Prints declarations of one environment."""

    def __init__(self, env):
        self.env, self.meta = env, Meta(env, Ext(), MAX_STEPS)
        self.first_id = self.meta.fresh_mark()  # local variables are numbered from here on
        self.own = None  # the inductive type whose constructors are being written

    def native(self, name):
        """Whether `name` is Lean's own constant."""
        decl = self.env.lookup(name)
        owner = getattr(decl, "induct", name)  # the type of a constructor or recursor
        return owner in NATIVE or name in STANDARD or type(decl) is ke.QuotDecl

    def name(self, name):
        """The constant's name in the file. Inductive types have a namespace of their own, where
        Lean puts what it derives from them (`casesOn`, …): it cannot clash with ours."""
        decl, space = self.env.lookup(name), f"{NAMESPACE}."
        if self.native(name):
            space = ""
        elif type(decl) is ke.InductiveDecl or hasattr(decl, "induct"):
            space += "Types."
        return space + ".".join(map(_quoted, name.split(".")))

    def declaration(self, decl):
        """The text of one declaration. Raises StepLimit."""
        name = f"{self.name(decl.name)}{_universes(map(lv.param, decl.level_params))}"
        if type(decl) is ke.InductiveDecl:
            return f"inductive {name}{self._constructors(decl)}"
        text = f"{WORDS.get(type(decl), 'noncomputable def')} {name} : {self.expr(decl.type)}"
        return f"{text} :=\n  {self.expr(decl.value)}" if hasattr(decl, "value") else text

    def _constructors(self, decl):
        """What follows the name of an inductive type: parameters, type, constructors."""
        params, type_ = self.meta.forall_locals(decl.type, decl.num_params, reducing=False)
        text = f"{self._binders(params)} : {self.expr(type_)}"
        self.own = decl.name
        for name in decl.ctors:
            ctor = self.env.lookup(name)
            type_ = self.meta.instantiate_forall(ctor.type, [d.fvar for d in params])
            text += f"\n  | {_quoted(name.rpartition('.')[2])} : {self.expr(type_)}"
        self.own = None
        return text

    # --- terms ------------------------------------------------------------------------------------

    def expr(self, e):
        """Text of a term. Raises StepLimit."""
        self.meta.tick()
        kind = type(e)
        if kind is tm.FVar:
            stem = re.sub(r"[^A-Za-z]", "", self.meta.fvars[e.id].name) or "x"
            return f"{stem}_{e.id - self.first_id}"
        if kind is tm.Lit:
            return f"({e.value} : Nat)"
        if kind is tm.Sort:
            return "Prop" if e.level is lv.ZERO else f"(Sort {show_level(e.level, True)})"
        if kind is tm.Const and e.name == self.own:  # as Lean calls it inside its declaration
            return _quoted(e.name.rpartition(".")[2])
        if kind is tm.Const:
            return f"@{self.name(e.name)}{_universes(e.levels)}"
        if kind is tm.App:
            fn, args = tm.get_app_fn_args(e)
            return f"({' '.join([self.expr(part) for part in (fn, *args)])})"
        if kind is tm.Let:
            return self.expr(tm.instantiate(e.body, e.value))
        if kind is tm.Proj:
            return self.expr(self._by_recursor(e))
        decls, body = self.meta.forall_locals(e, reducing=False, kind=kind)
        word, sign = ("fun", " =>") if kind is tm.Lam else ("∀", ",")
        return f"({word}{self._binders(decls)}{sign} {self.expr(body)})"

    def _binders(self, decls):
        return "".join([f" ({self.expr(d.fvar)} : {self.expr(d.type)})" for d in decls])

    def _by_recursor(self, e):
        """What a projection stands for: the recursor, with a function that picks the field."""
        meta, decl = self.meta, self.env.lookup(e.struct)
        struct_type = meta.whnf(meta.infer(e.expr))
        fn, params = tm.get_app_fn_args(struct_type)
        ctor = tm.mk_app(tm.Const(decl.ctors[0], fn.levels), *params)
        fields = [d.fvar for d in meta.forall_locals(meta.infer(ctor), reducing=False)[0]]
        this = meta.mk_local("self", struct_type).fvar
        type_ = meta.infer(tm.Proj(e.struct, e.idx, this))
        own = () if decl.elim_level is None else (meta.sort_level(type_),)
        return tm.mk_app(tm.Const(f"{e.struct}.rec", (*own, *fn.levels)), *params,
                         meta.mk_lambda([this], type_), meta.mk_lambda(fields, fields[e.idx]),
                         e.expr)


def _universes(levels):
    text = ", ".join(map(show_level, levels))
    return f".{{{text}}}" if text else ""


def _quoted(part):
    plain = re.fullmatch(r"[^\W\d][\w'!?]*", part) and part not in KEYWORDS
    return part if plain else f"«{part}»"
