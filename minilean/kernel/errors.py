"""The kernel's one exception."""


class KernelError(Exception):
    """Why a declaration was not accepted: `reason`, a stable code, and `parts`, the message.

    `parts` are strings, terms and levels; front/errors.py writes them as text. The reasons:
    already_declared   the name is taken
    unknown_constant   a constant is not declared
    level_count        a constant is applied to the wrong number of universe levels
    level_params       duplicate or undeclared universe parameter
    loose_bvar         a bound variable has no binder
    free_variable      a declaration mentions a free variable
    metavariable       a declaration mentions a term or universe metavariable
    not_a_sort         a type was expected
    not_a_function     a non-function is applied
    type_mismatch      a term does not have the expected type
    not_a_prop         the statement of a theorem is not a proposition
    bad_projection     a projection is not allowed here
    bad_literal        a literal needs the standard declaration of its type
    bad_decl           a declaration is malformed
    bad_inductive      an inductive type is malformed
    bad_constructor    a constructor has the wrong shape
    positivity         a recursive occurrence is not strictly positive
    field_universe     a constructor field lives in too large a universe
    bad_quot           quotients need the standard Eq
    declined           outside the supported subset
    deep, budget       no verdict: the recursion limit was reached, the step budget was spent
    """

    def __init__(self, reason, *parts):
        super().__init__(reason, *parts)
        self.reason, self.parts = reason, parts
