"""Reduction to weak head normal form: β, ζ, δ, ι (with K), projections, quotients, Nat literals.

Follows `whnf_core`, `reduce_recursor`, `reduce_nat` of Lean 4's type_checker.cpp and lean4lean.
What differs: the structure below a projection is always fully reduced; literal arithmetic is used
only once the definitions in the environment were seen to satisfy the defining equations
(literals.py).

Bound variables are opened as FVar((depth, type, …)): the type is part of the variable's identity
and `depth` is the number of variables open at that point, so what is cached about a term stays true
wherever the term turns up.
"""

from minilean.kernel import term as tm
from minilean.kernel.env import ConstructorDecl, InductiveDecl, QuotDecl, RecursorDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.literals import FOLD, NatOps, as_literal, literal_to_ctor
from minilean.kernel.term import App, Const, FVar, Lam, Let, Lit, Pi, Proj, Sort, get_app_fn_args


class Reducer:
    """Reduction in one environment; `infer`, `is_prop`, `is_def_eq` come from the subclasses."""

    folds = FOLD

    def __init__(self, env):
        self.env = env
        self.steps = self.depth = 0
        self.nat_ops = NatOps(self)
        self.whnf_cache = {}

    def step(self):
        """Spend one step of the budget; raises KernelError("budget") when none is left."""
        self.steps -= 1
        if self.steps < 0:
            raise KernelError("budget", "the step budget of the declaration is spent")

    def new_local(self, type_, *look):
        """A fresh variable of the given type; the caller restores `depth` when its scope ends.

        `look`: name and info of its binder, if `bind` shall close it.
        """
        x = FVar((self.depth, type_, *look))
        self.depth += 1
        return x

    # --- weak head normal form ---

    def whnf(self, e):
        """Weak head normal form, unfolding definitions."""
        t = type(e)
        if t is Sort or t is Pi or t is Lam or t is Lit or t is FVar:
            return e
        found = self.whnf_cache.get(e)
        if found is None:
            found = self.whnf_cache[e] = self._whnf(e)
        return found

    def _whnf(self, e):
        while True:
            self.step()
            e = self.whnf_core(e)
            number = self.reduce_nat(e)
            if number is not None:
                return number
            unfolded = self.unfold_def(e)
            if unfolded is None:
                return e
            e = unfolded

    def whnf_core(self, e):
        """Weak head normal form without unfolding the head's definition."""
        while True:
            reduced = self._reduce_head(e)
            if reduced is None:
                return e
            self.step()
            e = reduced

    def _reduce_head(self, e):
        """One β, ζ, ι, projection or quotient step at the head, else None."""
        t = type(e)
        if t is App:
            fn = tm.get_app_fn(e)
            if type(fn) is Const:
                decl = self.env.get(fn.name)
                if type(decl) is RecursorDecl:
                    return self._reduce_rec(decl, fn, get_app_fn_args(e)[1])
                if type(decl) is QuotDecl:
                    return self._reduce_quot(decl, get_app_fn_args(e)[1])
                return None
            head = self.whnf_core(fn)
            return beta(head, get_app_fn_args(e)[1]) if type(fn) is Lam or head is not fn else None
        if t is Let:
            return tm.instantiate_rev(e.body, (e.value,))
        return self.field(self.whnf_ctor(e.expr), e.struct, e.idx) if t is Proj else None

    def field(self, e, struct, i):
        """Field number i of e if e is a constructor application of the structure, else None."""
        ctor = self.ctor_of(e)
        if ctor is None or ctor.induct != struct:
            return None
        args, i = get_app_fn_args(e)[1], ctor.num_params + i
        return args[i] if i < len(args) else None

    def whnf_ctor(self, e):
        """Weak head normal form, a literal as the constructor application it stands for."""
        r = self.whnf(e)
        return literal_to_ctor(r) if type(r) is Lit else r

    # --- δ ---

    def head_decl(self, e):
        """The declaration of the constant at the head of e, else None."""
        fn = tm.get_app_fn(e)
        return self.env.get(fn.name) if type(fn) is Const else None

    def unfold_height(self, e):
        """Height of the definition at the head of e, -1 if there is nothing to unfold."""
        decl = self.head_decl(e)
        return -1 if decl is None else decl.height

    def unfold(self, e):
        """e with the definition at its head unfolded and β-reduced, None if there is none."""
        decl = self.head_decl(e)
        if decl is None or decl.height < 0:
            return None
        fn, args = get_app_fn_args(e)
        return beta(tm.instantiate_level_params(decl.value, decl.level_params, fn.levels), args)

    unfold_def = unfold  # the front leaves some definitions folded

    # --- ι ---

    def ctor_of(self, e):
        """The ConstructorDecl at the head of e, else None."""
        decl = self.head_decl(e)
        return decl if type(decl) is ConstructorDecl else None

    def structure_like(self, name):
        """The InductiveDecl `name` if it has one constructor, no index, no recursion; else None."""
        decl = self.env.get(name)
        good = (type(decl) is InductiveDecl and len(decl.ctors) == 1
                and not decl.num_indices and not decl.is_rec)
        return decl if good else None

    def _reduce_rec(self, rec, fn, args):
        if len(args) <= rec.major_index:
            return None
        major = args[rec.major_index]
        if rec.k:
            major = self._to_ctor_k(rec, major) or major
        major = self.whnf_ctor(major)
        ctor = self.ctor_of(major)
        if ctor is None:
            major = self._to_ctor_eta(rec, major)
            ctor = major and self.ctor_of(major)
        if not ctor or ctor.induct != rec.induct or not rec.rules:
            return None
        major_args = get_app_fn_args(major)[1]
        if len(major_args) != ctor.num_params + ctor.num_fields:
            return None
        rule = tm.instantiate_level_params(rec.rules[ctor.index], rec.level_params, fn.levels)
        fields = major_args[ctor.num_params:]
        return beta(rule, args[:rec.num_fixed] + fields + args[rec.major_index + 1:])

    def _to_ctor_k(self, rec, major):
        """The constructor that a proof `major` of a K-like type equals, if the indices agree."""
        major_type = self.whnf(self.infer(major))
        fn, args = get_app_fn_args(major_type)
        if type(fn) is not Const or fn.name != rec.induct:
            return None
        name = self.env.lookup(rec.induct).ctors[0]
        ctor = tm.mk_app(Const(name, fn.levels), *args[:rec.num_params])
        return ctor if self.is_def_eq(major_type, self.infer(ctor)) else None

    def _to_ctor_eta(self, rec, major):
        """Structure η: mk params major.1 … major.n for a `major` that is data, else None."""
        decl = self.structure_like(rec.induct)
        if decl is None:
            return None
        major_type = self.whnf(self.infer(major))
        fn, args = get_app_fn_args(major_type)
        if type(fn) is not Const or fn.name != rec.induct or self.is_prop(major_type):
            return None
        ctor = tm.mk_app(Const(decl.ctors[0], fn.levels), *args)
        num_fields = self.env.lookup(decl.ctors[0]).num_fields
        return tm.mk_app(ctor, *[Proj(decl.name, i, major) for i in range(num_fields)])

    # --- quotients ---

    def _reduce_quot(self, decl, args):
        """Quot.lift f h (Quot.mk r a) ⇒ f a and Quot.ind f (Quot.mk r a) ⇒ f a."""
        major_index = {"Quot.lift": 5, "Quot.ind": 4}.get(decl.name)
        if major_index is None or len(args) <= major_index:
            return None
        major = self.whnf(args[major_index])
        mk, mk_args = self.head_decl(major), get_app_fn_args(major)[1]
        if type(mk) is not QuotDecl or mk.name != "Quot.mk" or len(mk_args) != 3:
            return None
        return tm.mk_app(App(args[3], mk_args[2]), *args[major_index + 1:])

    # --- Nat literals ---

    def reduce_nat(self, e):
        """The value of an operation on closed arguments that reduce to literals, else None."""
        if type(e) is not App or e.flags & tm.FVAR:
            return None
        fn = tm.get_app_fn(e)
        if type(fn) is not Const or fn.name not in self.folds or not self.may_fold(fn.name):
            return None
        (arity, op), args, numbers = self.folds[fn.name], get_app_fn_args(e)[1], []
        for arg in args:
            numbers.append(self.number(arg))
            if numbers[-1] is None:
                return None
        return op(*numbers) if len(numbers) == arity else None

    def may_fold(self, name):
        """Is the operation `name` the one that `folds` computes?"""
        return self.nat_ops.is_allowed(name)

    def number(self, e):
        """The number that e reduces to, else None."""
        return as_literal(self.whnf(e))


def beta(fn, args):
    """fn applied to args, with the β-redexes at the head contracted."""
    while type(fn) is Lam and args:
        body, n = fn, 0
        while type(body) is Lam and n < len(args):
            body, n = body.body, n + 1
        fn, args = tm.instantiate_rev(body, args[:n]), args[n:]
        if type(tm.get_app_fn(fn)) is Lam:
            fn, more = get_app_fn_args(fn)
            args = [*more, *args]
    return tm.mk_app(fn, *args)
