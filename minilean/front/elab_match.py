"""Pattern matching in terms."""
from minilean.front.errors import Declined


class MatchMixin:
    """Mixed into `TermElab`."""

    def elab_match(self, stx, expected):
        raise Declined("match", stx)

    elab_fun_match = elab_nomatch = elab_lambda_patterns = elab_let_pattern = elab_match
    struct_inst = elab_match
