"""Types of terms, and the universe level of a type.

The rules are the kernel's (`Infer`), without checks; here metavariables, declared variables and
caches are added. Follows Lean 4's `Lean/Meta/InferType.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""

from minilean.front.errors import LeanError
from minilean.kernel.infer import Infer
from minilean.kernel.literals import NAT
from minilean.kernel.term import LMVAR, MVAR, Const, FVar, MVar, Pi, Sort


class InferMixin(Infer):
    """Mixed into `Meta`."""

    def infer(self, e, check=False):
        """The type of e, assuming that e is type correct (nothing is checked)."""
        t = type(e)
        if t is FVar:
            return self.fvars[e.id].type
        if t is MVar:
            return self.decls[e.id].type
        if t is Const:  # not cached: names of auxiliary declarations come again
            return self._infer_const(e, False)
        if e.flags & MVAR:  # the answer may hold only until assignments are undone
            return self._infer(e, False)
        return self.remembered(e, e.flags, self._infer, e, False)

    def _infer(self, e, check):
        self.tick()
        with self.transparency("default"):
            return super()._infer(e, check)

    def _infer_lit(self, e, check):
        return NAT

    def sort_of(self, ty, check=False):
        """The type of the type `ty`, in weak head normal form."""
        s = self.infer(ty)
        return s if type(s) is Sort and not s.flags & LMVAR else self.whnf(self.inst(s))

    def sort_level(self, ty, check=False):
        """The universe level of the type `ty`; raises LeanError if it is not a type."""
        s = self.sort_of(ty)
        level = s.level if type(s) is Sort else self.mk_level_mvar()
        if not self.is_def_eq(s, Sort(level)):
            raise LeanError(f"type expected, got\n  ({self.pp(ty)} : {self.pp(s)})")
        return level

    def is_proof(self, e):
        return self.is_prop(self.infer(e))

    def arg_infos(self, f, n):
        """Binder infos of the first n arguments of f, "default" where its type shows no Pi."""
        ty, out = self.infer(f), ["default"] * n
        for i in range(n):
            if type(ty) is Pi:
                out[i], ty = ty.info, ty.body
        return out
