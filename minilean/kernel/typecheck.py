"""Type inference and the checking of declarations.

Follows Lean 4's type_checker.cpp and lean4lean's `TypeChecker.lean`. Inference caches: `checked`
holds terms that were verified in full, `inferred` terms whose type was computed on trust (parts of
verified terms and what they reduce to).
"""

import sys

from minilean.kernel import level as lv
from minilean.kernel.defeq import DefEq
from minilean.kernel.env import (
    ABBREV,
    AxiomDecl,
    DefDecl,
    InductiveDecl,
    InductiveSpec,
    OpaqueDecl,
    QuotSpec,
    TheoremDecl,
)
from minilean.kernel.errors import KernelError
from minilean.kernel.literals import NAT
from minilean.kernel.term import (
    FVAR,
    LMVAR,
    MVAR,
    App,
    BVar,
    Const,
    FVar,
    Lam,
    Let,
    Lit,
    Pi,
    Proj,
    Sort,
    abstract,
    const_names,
    get_app_fn_args,
    instantiate_level_params,
    instantiate_rev,
    level_params_of,
)

RECURSION_LIMIT = 40_000  # frames; calls between Python functions use no C stack (CPython ≥ 3.11)
_MAX_CACHE = 30_000


class TypeChecker(DefEq):
    """The type checker of one environment. Entry points: `check_decl`, `guarded`."""

    def __init__(self, env):
        super().__init__(env)
        self.checked = {}
        self.inferred = {}

    def guarded(self, max_steps, f, *args):
        """f(*args) within a step budget; no recursion or budget failure but KernelError."""
        for cache in (self.checked, self.inferred, self.whnf_cache, self.whnf_core_cache,
                      self.unfold_cache, self.equal, self.failed):
            if len(cache) > _MAX_CACHE:
                cache.clear()
        self.steps, self.depth = max_steps, 0
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
        try:
            return f(*args)
        except RecursionError:
            raise KernelError("deep", "the recursion limit was reached") from None
        finally:
            sys.setrecursionlimit(limit)

    # --- inference ---

    def infer(self, e, check=False):
        """The type of e; e is verified in full if `check`, else taken to be well typed."""
        cache = self.checked if check else self.inferred
        found = cache.get(e)
        if found is None and not check:
            found = self.checked.get(e)
        if found is not None:
            return found
        self.step()
        kind = type(e)
        if kind is App:
            r = self._infer_app(e, check)
        elif kind is FVar:
            r = self._infer_local(e)
        elif kind is Const:
            r = self._infer_const(e)
        elif kind is Lam:
            r = self._infer_lam(e, check)
        elif kind is Pi:
            r = self._infer_pi(e, check)
        elif kind is Sort:
            r = Sort(lv.succ(e.level))
        elif kind is Proj:
            r = self._infer_proj(e, check)
        elif kind is Let:
            r = self._infer_let(e, check)
        elif kind is Lit:
            r = self._infer_lit(e)
        else:
            code = "loose_bvar" if kind is BVar else "metavariable"
            raise KernelError(code, e, " has no type")
        cache[e] = r
        return r

    def sort_level(self, type_, check=False):
        """The level u such that type_ : Sort u; raises KernelError("not_a_sort")."""
        sort = self.whnf(self.infer(type_, check))
        if type(sort) is not Sort:
            raise KernelError("not_a_sort", type_, " is not a type")
        return sort.level

    def _infer_local(self, e):
        if type(e.id) is not tuple:
            raise KernelError("free_variable", "unknown variable ", e)
        return e.id[1]

    def _infer_const(self, e):
        decl = self.env.lookup(e.name)
        if len(decl.level_params) != len(e.levels):
            raise KernelError("level_count", f"'{e.name}' takes {len(decl.level_params)} universe "
                              f"levels, not {len(e.levels)}")
        return instantiate_level_params(decl.type, decl.level_params, e.levels)

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
                domain = fn_type.type
                if domain.loose:
                    domain = instantiate_rev(domain, args[first:i])
                arg_type = self.infer(arg, True)
                if not self.is_def_eq(arg_type, domain):
                    raise KernelError("type_mismatch", "argument ", arg, " of ", fn, " has type ",
                                      arg_type, " but is expected to have type ", domain)
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
        r = abstract(self.infer(instantiate_rev(e, xs), check), xs)
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

    def _infer_lit(self, e):
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
        type_ = instantiate_level_params(ctor.type, ctor.level_params, fn.levels)
        type_ = self._apply_pi(type_, args)
        for i in range(e.idx):
            type_ = self.whnf(type_)
            if from_prop and type_.body.loose and not self.is_prop(type_.type):
                raise KernelError("bad_projection", "the type depends on data inside a proof")
            type_ = instantiate_rev(type_.body, (Proj(e.struct, i, e.expr),))
        type_ = self.whnf(type_).type
        if from_prop and not self.is_prop(type_):
            raise KernelError("bad_projection", "a proof gives no data")
        return type_

    def _apply_pi(self, type_, args):
        for arg in args:
            type_ = instantiate_rev(self.whnf(type_).body, (arg,))
        return type_

    def check_type(self, e, type_):
        """Verify e in full against the type `type_`; raises KernelError("type_mismatch")."""
        found = self.infer(e, True)
        if not self.is_def_eq(found, type_):
            raise KernelError("type_mismatch", e, " has type ", found,
                              " but is expected to have type ", type_)

    # --- declarations ---

    def check_decl(self, decl, max_steps):
        """The declarations to add to the environment for `decl`, once verified."""
        return self.guarded(max_steps, self._check_decl, decl)

    def _check_decl(self, decl):
        kind = type(decl)
        if kind is InductiveSpec:
            from minilean.kernel.inductive import check_inductive
            return check_inductive(self, decl)
        if kind is QuotSpec:
            from minilean.kernel.quot import check_quot
            return check_quot(self)
        if kind not in (AxiomDecl, DefDecl, TheoremDecl, OpaqueDecl):
            raise KernelError("bad_decl", f"{kind.__name__} cannot be declared")
        level = self.check_header(decl.name, decl.level_params, decl.type)
        if kind is AxiomDecl:
            return [decl]
        if kind is TheoremDecl and not lv.is_zero(level):
            raise KernelError("not_a_prop", f"the type of theorem '{decl.name}' is no proposition")
        self.check_closed(decl.value, decl.level_params)
        self.check_type(decl.value, decl.type)
        return [self._with_height(decl) if kind is DefDecl else decl]

    def check_header(self, name, level_params, type_):
        """Check name, universe parameters and type; returns the level of the type."""
        if type(name) is not str or type(level_params) is not tuple:
            raise KernelError("bad_decl", "a name is a string, universe parameters are a tuple")
        if name in self.env:
            raise KernelError("already_declared", f"'{name}' has already been declared")
        if len(set(level_params)) != len(level_params):
            raise KernelError("level_params", f"duplicate universe parameter in '{name}'")
        self.check_closed(type_, level_params)
        return self.sort_level(type_, True)

    def check_closed(self, e, level_params):
        """No loose variable, free variable, metavariable or undeclared universe parameter in e."""
        if e.loose:
            raise KernelError("loose_bvar", "a bound variable has no binder")
        if e.flags & FVAR:
            raise KernelError("free_variable", "a declaration mentions a free variable")
        if e.flags & (MVAR | LMVAR):
            raise KernelError("metavariable", "a declaration mentions a metavariable")
        for name in level_params_of(e):
            if name not in level_params:
                raise KernelError("level_params", f"undeclared universe parameter '{name}'")

    def _with_height(self, decl):
        """decl with its height: abbreviations keep theirs, others 1 + the largest they mention."""
        if decl.height == ABBREV:
            return decl
        heights = [0]
        for name in const_names(decl.value):
            used = self.env.get(name)
            if type(used) is DefDecl and used.height != ABBREV:
                heights.append(used.height)
        return DefDecl(decl.name, decl.level_params, decl.type, decl.value, 1 + max(heights))
