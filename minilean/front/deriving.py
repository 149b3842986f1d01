"""`deriving` handlers."""
from minilean.front.errors import Declined


def derive_class(cmds, cls, name, cmd):
    raise Declined(f"deriving {cls}", cmd)
