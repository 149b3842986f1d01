"""Accepted theorems as one Lean 4 file of explicit terms, for a stock Lean to check again.

Everything the theorems rest on is written out in the namespace MiniLean: no notation, no implicit
arguments, no tactics, only `inductive`, `def`, `theorem`, `axiom` and terms, in syntax that Lean 4
has had since 2021. Lean's own are only the types in NATIVE with their constructors and recursors,
`Quot`, and the three standard axioms; so a reader who trusts Lean must compare the *statements*
alone. Projections become applications of a recursor, literals become numerals of Lean's Nat.
Run: python -m minilean export FILE.lean > checked.lean && lean checked.lean
"""
import re

from minilean.front.lexer import KEYWORDS
from minilean.front.plain import show_level
from minilean.kernel import env as ke
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.axioms import STANDARD, collect_axioms, needed_by
from minilean.kernel.errors import KernelError

NAMESPACE = "MiniLean"
NATIVE = frozenset(("Eq", "HEq", "True", "False", "And", "Or", "Iff", "Exists", "Nonempty", "Nat",
                    "Bool", "List", "Option", "Prod", "Sum", "PUnit", "PProd"))
MAX_SIZE = 5_000_000  # of all terms, as trees
STEPS = 1_000_000  # of the kernel, for the type of one projected term
HEADER = f"/- {NAMESPACE}.foo is minilean's foo, every other constant is Lean's own. -/\n"
_PLAIN = re.compile(r"[^\W\d][\w'!?]*$")


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
            except (NotExportable, KernelError) as err:  # KernelError: the step budget ran out
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
    """Prints declarations of one environment; a local variable is FVar((its text, its type))."""

    def __init__(self, env):
        self.env, self.checker = env, env.checker()
        self.size = 0  # of the terms written so far
        self.own = None  # the inductive type whose constructors are being written

    def native(self, name):
        """Whether `name` is Lean's own constant."""
        decl = self.env.lookup(name)
        of_type = getattr(decl, "induct", name)  # constructors and recursors belong to a type
        return of_type in NATIVE or name in STANDARD or type(decl) is ke.QuotDecl

    def name(self, name):
        """The constant's name in the file. Inductive types have a namespace of their own, where
        Lean puts what it derives from them (`casesOn`, …): it cannot clash with ours."""
        decl, space = self.env.lookup(name), f"{NAMESPACE}."
        if self.native(name):
            space = ""
        elif type(decl) is ke.InductiveDecl or hasattr(decl, "induct"):
            space += "Types."
        return space + ".".join(map(_quoted, name.split(".")))

    # --- declarations -----------------------------------------------------------------------------

    def declaration(self, decl):
        """The text of one declaration. Raises NotExportable."""
        name = f"{self.name(decl.name)}{_universes(map(lv.param, decl.level_params))}"
        if type(decl) is ke.InductiveDecl:
            return f"inductive {name}{self._constructors(decl)}"
        if type(decl) is ke.AxiomDecl:
            return f"axiom {name} : {self.expr(decl.type)}"
        word = "theorem" if type(decl) is ke.TheoremDecl else "noncomputable def"
        return f"{word} {name} : {self.expr(decl.type)} :=\n  {self.expr(decl.value)}"

    def _constructors(self, decl):
        """What follows the name of an inductive type: parameters, type, constructors."""
        text, type_, params = "", decl.type, []
        for depth in range(decl.num_params):
            params.append(_local(type_, depth))
            text += f" {self._binder(params[-1], depth)}"
            type_ = tm.instantiate(type_.body, params[-1])
        text += f" : {self.expr(type_, len(params))}"
        self.own, levels = decl.name, tuple(map(lv.param, decl.level_params))
        for ctor in decl.ctors:
            type_ = self._ask("infer", tm.mk_app(tm.Const(ctor, levels), *params))
            text += f"\n  | {_quoted(ctor.rpartition('.')[2])} : {self.expr(type_, len(params))}"
        self.own = None
        return text

    # --- terms ------------------------------------------------------------------------------------

    def expr(self, e, depth=0):
        """Text of a term; `depth` numbers the next local variable. Raises NotExportable."""
        self.size += 1
        if self.size > MAX_SIZE:
            raise NotExportable(f"the terms have a size of more than {MAX_SIZE}")
        kind = type(e)
        if kind is tm.FVar:
            return e.id[0]
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
            return f"({' '.join([self.expr(part, depth) for part in (fn, *args)])})"
        if kind is tm.Let:
            return self.expr(tm.instantiate(e.body, e.value), depth)
        if kind is tm.Proj:
            return self.expr(self._by_recursor(e), depth)
        x = _local(e, depth)
        binder, body = self._binder(x, depth), self.expr(tm.instantiate(e.body, x), depth + 1)
        return f"(fun {binder} => {body})" if kind is tm.Lam else f"(∀ {binder}, {body})"

    def _binder(self, x, depth):
        return f"({x.id[0]} : {self.expr(x.id[1], depth)})"

    def _by_recursor(self, e):
        """What a projection stands for: the recursor, applied to a function that picks the field."""
        struct_type = self._ask("whnf", self._ask("infer", e.expr))
        fn, params = tm.get_app_fn_args(struct_type)
        this = tm.FVar(("self", struct_type))
        type_ = self._ask("infer", tm.Proj(e.struct, e.idx, this))
        decl = self.env.lookup(e.struct)
        pick = self._ask("infer", tm.mk_app(tm.Const(decl.ctors[0], fn.levels), *params))
        own = () if decl.elim_level is None else (self._ask("sort_level", type_),)
        return tm.mk_app(tm.Const(f"{e.struct}.rec", (*own, *fn.levels)), *params,
                         tm.Lam("self", struct_type, tm.abstract(type_, (this,))),
                         _select(pick, e.idx), e.expr)

    def _ask(self, question, e):
        """The kernel's answer about a term: infer, whnf, sort_level."""
        return self.checker.guarded(STEPS, getattr(self.checker, question), e)


def _local(binder, number):
    """The local variable for what a λ or Π binds; `number`: of variables around it."""
    stem = re.sub(r"[^A-Za-z]", "", binder.name) or "x"
    return tm.FVar((f"{stem}_{number}", binder.type))


def _select(type_, idx, depth=0):
    """λ over the binders of a constructor's type that returns number idx of them."""
    if type(type_) is not tm.Pi:
        return tm.BVar(depth - 1 - idx)
    return tm.Lam(type_.name, type_.type, _select(type_.body, idx, depth + 1))


def _universes(levels):
    text = ", ".join(map(show_level, levels))
    return f".{{{text}}}" if text else ""


def _quoted(part):
    return part if _PLAIN.match(part) and part not in KEYWORDS else f"«{part}»"
