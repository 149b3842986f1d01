"""The kernel's one exception; every rejection carries a stable reason code.

Codes: see `REASONS`. `declined` means outside the supported subset; `deep` and `budget` mean that
no verdict was reached in the allowed recursion depth or number of steps. Everything else is a
rejection.
"""

REASONS = {
    "already_declared": "the name is taken",
    "unknown_constant": "a constant is not declared",
    "level_count": "a constant is applied to the wrong number of universe levels",
    "level_params": "duplicate or undeclared universe parameter",
    "loose_bvar": "a bound variable has no binder",
    "free_variable": "a declaration mentions a free variable",
    "metavariable": "a declaration mentions a term or universe metavariable",
    "not_a_sort": "a type was expected",
    "not_a_function": "a non-function is applied",
    "type_mismatch": "a term does not have the expected type",
    "not_a_prop": "the statement of a theorem is not a proposition",
    "bad_projection": "a projection is not allowed here",
    "bad_literal": "a literal needs the standard declaration of its type",
    "bad_decl": "a declaration is malformed",
    "bad_inductive": "an inductive type is malformed",
    "bad_constructor": "a constructor has the wrong shape",
    "positivity": "a recursive occurrence is not strictly positive",
    "field_universe": "a constructor field lives in too large a universe",
    "bad_quot": "quotients need the standard Eq",
    "declined": "outside the supported subset",
    "deep": "the recursion limit was reached",
    "budget": "the step budget was spent",
}


class KernelError(Exception):
    """Why a declaration was not accepted: `reason` is a key of REASONS, `message` for people."""

    def __init__(self, reason, message):
        assert reason in REASONS, reason
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message

    def __reduce__(self):
        return KernelError, (self.reason, self.message)
