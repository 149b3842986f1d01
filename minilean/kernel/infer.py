"""Type inference, with or without checks.

Follows `infer_type_core` of Lean 4's type_checker.cpp and lean4lean. Caches: `checked` holds terms
that were verified in full, `inferred` terms whose type was computed on trust (parts of verified
terms and what they reduce to).
"""

from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import InductiveDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.literals import NAT
from minilean.kernel.reduce import Reducer
from minilean.kernel.term import Const, Lam, Pi, Proj, Sort, get_app_fn_args, instantiate_rev

RULES = {tm.App: "_infer_app", tm.FVar: "_infer_local", Const: "_infer_const", Lam: "_infer_lam",
         Pi: "_infer_pi", Sort: "_infer_sort", Proj: "_infer_proj", tm.Let: "_infer_let",
         tm.Lit: "_infer_lit"}


class Infer(Reducer):
    """Adds `infer` to reduction; `is_def_eq` comes from the subclass."""

    def __init__(self, env):
        super().__init__(env)
        self.checked, self.inferred = {}, {}

    def infer(self, e, check=False):
        """The type of e; e is verified in full if `check`, else taken to be well typed."""
        cache = self.checked if check else self.inferred
        found = cache.get(e)
        if found is None and not check:
            found = self.checked.get(e)
        if found is None:
            self.step()
            found = cache[e] = self._infer(e, check)
        return found

    def _infer(self, e, check):
        rule = RULES.get(type(e))
        if rule is None:
            code = "loose_bvar" if type(e) is tm.BVar else "metavariable"
            raise KernelError(code, e, " has no type")
        return getattr(self, rule)(e, check)

    def sort_of(self, type_, check=False):
        """The type of the type `type_`, in weak head normal form."""
        return self.whnf(self.infer(type_, check))

    def sort_level(self, type_, check=False):
        """The level u such that type_ : Sort u; raises KernelError("not_a_sort")."""
        sort = self.sort_of(type_, check)
        if type(sort) is not Sort:
            raise KernelError("not_a_sort", type_, " is not a type")
        return sort.level

    def is_prop(self, type_):
        """Is type_ a proposition?"""
        sort = self.sort_of(type_)
        return type(sort) is Sort and lv.is_zero(sort.level)

    def check_type(self, e, type_):
        """Verify e in full against the type `type_`; raises KernelError("type_mismatch")."""
        found = self.infer(e, True)
        if not self.is_def_eq(found, type_):
            raise KernelError("type_mismatch", e, " has type ", found,
                              " but is expected to have type ", type_)

    # --- one rule for each kind of term ---

    def _infer_local(self, e, _check):
        if type(e.id) is not tuple:
            raise KernelError("free_variable", "unknown variable ", e)
        return e.id[1]

    def _infer_const(self, e, _check):
        decl = self.env.lookup(e.name)
        if len(decl.level_params) != len(e.levels):
            raise KernelError("level_count", f"'{e.name}' has not so many universe levels")
        return tm.instantiate_level_params(decl.type, decl.level_params, e.levels)

    def _infer_sort(self, e, _check):
        return Sort(lv.succ(e.level))

    def _infer_app(self, e, check):
        fn, args = get_app_fn_args(e)
        fn_type, first = self.infer(fn, check), 0  # args[first:i] are not yet put into fn_type
        for i, arg in enumerate(args):
            if type(fn_type) is not Pi:
                fn_type = self.whnf(instantiate_rev(fn_type, args[first:i]))
                first = i
                if type(fn_type) is not Pi:
                    raise KernelError("not_a_function", fn, " is applied to too many arguments")
            if check:
                self.check_type(arg, instantiate_rev(fn_type.type, args[first:i]))
            fn_type = fn_type.body
        return instantiate_rev(fn_type, args[first:])

    def _infer_lam(self, e, check):
        depth, xs, binders = self.depth, [], []
        while type(e) is Lam:
            domain = instantiate_rev(e.type, xs)
            if check:
                self.sort_level(domain, True)
            binders.append(e)
            xs.append(self.new_local(domain))
            e = e.body
        r = tm.abstract(self.infer(instantiate_rev(e, xs), check), xs)
        self.depth = depth
        for b in reversed(binders):
            r = Pi(b.name, b.type, r, b.info)
        return r

    def _infer_pi(self, e, check):
        depth, xs, levels = self.depth, [], []
        while type(e) is Pi:
            domain = instantiate_rev(e.type, xs)
            levels.append(self.sort_level(domain, check))
            xs.append(self.new_local(domain))
            e = e.body
        r = self.sort_level(instantiate_rev(e, xs), check)
        self.depth = depth
        for level in reversed(levels):
            r = lv.imax(level, r)
        return Sort(r)

    def _infer_let(self, e, check):
        if check:
            self.sort_level(e.type, True)
            self.check_type(e.value, e.type)
        return self.infer(instantiate_rev(e.body, (e.value,)), check)

    def _infer_lit(self, e, _check):
        if type(e.value) is str:
            raise KernelError("declined", "string literals")
        if type(e.value) is not int or e.value < 0 or not self.nat_ops.nat_ok():
            raise KernelError("bad_literal", "literal ", e, " without the standard type")
        return NAT

    def _infer_proj(self, e, check):
        """Type of field e.idx; a Prop structure gives no data, as `infer_proj` in Lean 4."""
        struct_type = self.whnf(self.infer(e.expr, check))
        fn, args = get_app_fn_args(struct_type)
        decl = self.env.get(e.struct)
        if (type(decl) is not InductiveDecl or len(decl.ctors) != 1 or decl.num_indices
                or type(fn) is not Const or fn.name != e.struct or len(args) != decl.num_params):
            raise KernelError("bad_projection", e.expr, f" is not in the structure {e.struct}")
        ctor = self.env.lookup(decl.ctors[0])
        if not (type(e.idx) is int and 0 <= e.idx < ctor.num_fields):
            raise KernelError("bad_projection", f"{e.struct} has no field {e.idx}")
        from_prop = self.is_prop(struct_type)
        type_ = tm.instantiate_level_params(ctor.type, ctor.level_params, fn.levels)
        for arg in args:
            type_ = instantiate_rev(self.whnf(type_).body, (arg,))
        for i in range(e.idx):
            type_ = self.whnf(type_)
            if from_prop and type_.body.loose and not self.is_prop(type_.type):
                raise KernelError("bad_projection", "the type depends on data inside a proof")
            type_ = instantiate_rev(type_.body, (Proj(e.struct, i, e.expr),))
        type_ = self.whnf(type_).type
        if from_prop and not self.is_prop(type_):
            raise KernelError("bad_projection", "a proof gives no data")
        return type_
