"""The checking of declarations.

Follows `add_decl` of Lean 4's environment.cpp and lean4lean's `Environment.lean`.
"""

import sys
from dataclasses import replace

from minilean.kernel import env as decls
from minilean.kernel import level as lv
from minilean.kernel.defeq import DefEq
from minilean.kernel.errors import KernelError
from minilean.kernel.term import FVAR, LMVAR, MVAR, const_names, level_params_of

RECURSION_LIMIT = 40_000  # frames; calls between Python functions use no C stack (CPython ≥ 3.11)


class TypeChecker(DefEq):
    """The type checker of one environment. Entry points: `check_decl`, `guarded`."""

    def guarded(self, max_steps, f, *args):
        """f(*args) within a step budget; no recursion or budget failure but KernelError."""
        for cache in vars(self).values():
            if type(cache) is dict:
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

    def check_decl(self, decl):
        """The declarations to add to the environment for `decl`, once verified."""
        kind = type(decl)
        if kind is decls.InductiveSpec:
            from minilean.kernel.inductive import check_inductive
            return check_inductive(self, decl)
        if kind is decls.QuotSpec:
            from minilean.kernel.quot import check_quot
            return check_quot(self)
        if kind not in (decls.AxiomDecl, decls.DefDecl, decls.TheoremDecl, decls.OpaqueDecl):
            raise KernelError("bad_decl", f"{kind.__name__} cannot be declared")
        level = self.check_header(decl.name, decl.level_params, decl.type)
        if kind is decls.AxiomDecl:
            return [decl]
        if kind is decls.TheoremDecl and not lv.is_zero(level):
            raise KernelError("not_a_prop", f"the type of theorem '{decl.name}' is no proposition")
        self.check_closed(decl.value, decl.level_params)
        self.check_type(decl.value, decl.type)
        return [self._with_height(decl) if kind is decls.DefDecl else decl]

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
        if decl.height == decls.ABBREV:
            return decl
        heights = [self.env.lookup(name).height for name in const_names(decl.value)]
        return replace(decl, height=1 + max([0, *[h for h in heights if h != decls.ABBREV]]))
