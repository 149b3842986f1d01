"""Operators: binop% trees, relations, plain notations, ▸, calc, if, subtypes.

Follows Lean 4's `Lean/Elab/{Extra,BuiltinNotation,Calc}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from typing import NamedTuple

from minilean.front import syntax as sx
from minilean.front.build import NAT, NAT_OPS
from minilean.front.errors import Declined, LeanError
from minilean.front.terms import is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, PROP, BVar, Const, Lam

ARITH = {"+": "HAdd.hAdd", "-": "HSub.hSub", "*": "HMul.hMul", "/": "HDiv.hDiv",
         "%": "HMod.hMod", "++": "HAppend.hAppend", "^": "HPow.hPow"}
RELS = {"=": "Eq", "≠": "Ne", "<": "LT.lt", "≤": "LE.le", ">": "GT.gt", "≥": "GE.ge",
        "==": "BEq.beq", "!=": "bne"}
PLAIN = {"∧": "And", "∨": "Or", "↔": "Iff", "::": "List.cons", "×": "Prod",
         "∘": "Function.comp", "∣": "Dvd.dvd", "&&": "and", "||": "or", "≍": "HEq",
         "≈": "HasEquiv.Equiv"}
PREFIX = {"¬": "Not", "!": "not", "-": "Neg.neg"}
# of two relations one after the other in a `calc`; others need an instance of Trans
TRANS = {("Iff", "Iff"): "Iff.trans", ("LE.le", "LE.le"): "Nat.le_trans",
         ("LT.lt", "LT.lt"): "Nat.lt_trans", ("LE.le", "LT.lt"): "Nat.lt_of_le_of_lt",
         ("LT.lt", "LE.le"): "Nat.lt_of_lt_of_le", ("HEq", "HEq"): "HEq.trans",
         ("Dvd.dvd", "Dvd.dvd"): "Nat.dvd_trans"}


class Tree(NamedTuple):
    """An arithmetic operation whose operands are trees or (leaves) elaborated terms."""

    stx: sx.BinOp
    lhs: Tree | tm.Expr
    rhs: Tree | tm.Expr


class OpMixin:
    """Mixed into `TermElab`."""

    def elab_binop(self, stx, expected):
        op = stx.op
        if op in ARITH:
            return self.elab_arith(stx, expected)
        if op in RELS:
            return self.elab_rel(stx, expected)
        if op in PLAIN:
            return self.apply_fn(PLAIN[op], stx.lhs, stx.rhs, expected=expected, stx=stx)
        if op == "▸":
            return self.elab_subst(stx, expected)
        if op not in ("∈", "∉"):
            raise Declined(f"notation {op}", stx)
        e = self.apply_fn("Membership.mem", stx.rhs, stx.lhs, stx=stx)
        return e if op == "∈" else self.meta.mk_not(e)

    def elab_unop(self, stx, expected):
        return self.apply_fn(PREFIX[stx.op], stx.arg, expected=expected, stx=stx)

    # --- binop% -------------------------------------------------------------------------------

    def operands(self, *stxs, expected=None):
        """The terms for operands (syntax, or finished terms) that are to have the same type."""
        trees = [self.op_tree(stx) for stx in stxs]
        self.synthesize("yes")
        self.unify_leaves([leaf for tree in trees for leaf in self.leaves(tree)], expected)
        return [self.build_tree(tree) for tree in trees]

    def op_tree(self, stx):
        """The tree of arithmetic operators in stx, leaves elaborated without expected type."""
        if isinstance(stx, tm.Expr):
            return stx
        inner = stx
        while isinstance(inner, sx.Paren):
            inner = inner.term
        if not isinstance(inner, sx.BinOp) or inner.op not in ARITH:
            return self.meta.inst(self.term(stx))
        lhs = self.op_tree(inner.lhs)
        rhs = self.meta.inst(self.term(inner.rhs)) if inner.op == "^" else self.op_tree(inner.rhs)
        return Tree(inner, lhs, rhs)

    def leaves(self, tree):
        """The leaves that have the type of the whole tree (exponents do not)."""
        if type(tree) is not Tree:
            return [tree]
        return self.leaves(tree.lhs) + ([] if tree.stx.op == "^" else self.leaves(tree.rhs))

    def unify_leaves(self, leaves, expected):
        """Give the leaves of unknown type (numerals) the type of the others, if that is one."""
        meta = self.meta
        common = None if self.is_unknown(expected) else meta.inst(expected)
        agree = True
        for e in leaves:
            ty = meta.whnf_core(meta.inst(meta.infer(e)))
            if self.is_unknown(ty):
                continue
            if common is None:
                common = ty
            with meta.transparency("reducible"):
                agree = (ty is common or meta.is_def_eq(common, ty)) and agree
        for e in leaves if agree and common is not None else ():
            ty = meta.inst(meta.infer(e))
            if ty.flags & MVAR:
                meta.is_def_eq(common, ty)

    def build_tree(self, tree):
        """The term for an operator tree; on Nat without a search for instances."""
        if type(tree) is not Tree:
            return tree
        meta, op = self.meta, tree.stx.op
        a, b = self.build_tree(tree.lhs), self.build_tree(tree.rhs)
        if op in NAT_OPS and all(meta.inst(meta.infer(e)) is NAT for e in (a, b)) \
                and not any(d.cls and d.cls.startswith(("H", "Add", "Mul", "Sub"))
                            for d in meta.lctx.insts):
            return tm.mk_app(NAT_OPS[op], a, b)
        return self.apply_fn(ARITH[op], a, b, stx=tree.stx)

    def elab_arith(self, stx, expected):
        e, = self.operands(stx, expected=expected)
        if expected is not None:
            self.meta.is_def_eq(expected, self.meta.infer(e))
        return e

    def elab_rel(self, stx, expected):
        """A relation between two operands; (b : Bool) = (p : Prop) compares propositions."""
        meta = self.meta
        a, b = self.operands(stx.lhs, stx.rhs)
        ta, tb = meta.inst(meta.infer(a)), meta.inst(meta.infer(b))
        if stx.op == "=" and ta is tb and not ta.flags & MVAR:
            return meta.mk_eq(a, b)
        if stx.op in ("=", "≠") and {ta, tb} == {PROP, Const("Bool")}:
            a, b = self.fit(a, PROP, stx), self.fit(b, PROP, stx)
        return self.apply_fn(RELS[stx.op], a, b, expected=expected, stx=stx)

    # --- ▸ ------------------------------------------------------------------------------------

    def elab_subst(self, stx, expected):
        """h ▸ e: rewrite the expected type with h, or failing that the type of e."""
        meta = self.meta
        self.wait_for(expected)
        heq = self.elab_term(stx.lhs)
        heq_ty = meta.inst(meta.infer(heq))
        parts = meta.eq_parts(heq_ty) or meta.eq_parts(meta.whnf(heq_ty))
        if parts is None:
            raise LeanError("Invalid `▸` notation: The first argument must be an equality, but it "
                            f"has type\n  {meta.pp(heq_ty)}", stx.lhs)
        _, a, b = parts
        ways = ((a, b, heq), (b, a, meta.mk_eq_symm(heq)))
        if not self.is_unknown(expected):
            for old, new, eq in ways:
                body = meta.kabstract(expected, new)
                if body.loose:
                    e = self.term_ensuring(stx.rhs, meta.head_beta(tm.instantiate(body, old)))
                    return self._ndrec(body, old, new, e, eq)
        e = self.elab_term(stx.rhs)
        for old, new, eq in ways:
            body = meta.kabstract(meta.infer(e), old)
            if body.loose:
                result = self._ndrec(body, old, new, e, eq)
                return result if expected is None else self.ensure_type(result, expected, stx)
        raise LeanError("Invalid `▸` notation: Failed to compute motive for the substitution", stx)

    def _ndrec(self, body, a, b, e, eq):
        """Eq.ndrec (motive := fun x => body) e eq, of type body[b], for eq : a = b."""
        meta = self.meta
        ty = meta.inst(meta.infer(a))
        levels = meta.sort_level(tm.instantiate(body, a)), meta.sort_level(ty)
        return tm.mk_app(Const("Eq.ndrec", levels), ty, a, Lam("x", ty, body), e, b, eq)

    # --- calc -----------------------------------------------------------------------------------

    def elab_calc(self, stx, expected):
        """Chain the steps with transitivity (Eq, a lemma of TRANS, or a Trans instance)."""
        meta = self.meta
        proof = rel = mid = None
        for i, step in enumerate(stx.steps):
            if step.proof is None:
                if i:
                    raise LeanError("invalid 'calc' step", step)
                mid = self.elab_term(step.rel)
                continue
            ty = self._calc_rel(step, mid)
            e = self.term_ensuring(step.proof, ty)
            self.synthesize("yes")
            ty = meta.inst(ty)
            if proof is None:
                proof, rel = e, ty
            else:
                proof, rel = self._calc_trans(proof, rel, e, ty, step)
            mid = self.rel_parts(rel, step)[2]
        if proof is None:
            raise LeanError("invalid 'calc' step, it has no proof", stx.steps[0])
        return proof if expected is None else self.ensure_type(proof, expected, stx)

    def _calc_rel(self, step, mid):
        """The relation of a step, whose left side is to be `mid` (if that is not None)."""
        meta, rel = self.meta, step.rel
        if mid is not None and isinstance(rel, sx.BinOp) and isinstance(rel.lhs, sx.Hole) \
                and (rel.op in RELS or rel.op in PLAIN):
            ty = self.elab_binop(sx.BinOp(rel.pos, rel.end, rel.op, mid, rel.rhs), None)
        else:
            ty = self.type_term(rel)
        self.synthesize("yes")
        _, lhs, _ = self.rel_parts(ty, step)
        if type(meta.inst(meta.infer(lhs))) is tm.MVar:  # numerals alone: steps must agree
            self.synthesize("partial")
            _, lhs, _ = self.rel_parts(ty, step)
        if mid is not None and not meta.is_def_eq(lhs, mid):
            raise LeanError(f"invalid 'calc' step, left-hand side is\n  "
                            f"{meta.pp(lhs)} : {meta.pp(meta.infer(lhs))}\n"
                            f"previous right-hand side is\n  {meta.pp(mid)} : "
                            f"{meta.pp(meta.infer(mid))}", rel)
        return meta.inst(ty)

    def rel_parts(self, ty, stx):
        """(relation applied to all but two arguments, lhs, rhs)."""
        f, args = tm.get_app_fn_args(self.meta.inst(ty))
        if len(args) < 2:
            f, args = tm.get_app_fn_args(self.meta.whnf_r(ty))
        if len(args) < 2:
            raise LeanError(f"invalid 'calc' step, relation expected\n  {self.meta.pp(ty)}", stx)
        return tm.mk_app(f, *args[:-2]), args[-2], args[-1]

    def _calc_trans(self, p, pty, q, qty, step):
        """(proof, relation) of a to c from p : r a b and q : s b c."""
        meta = self.meta
        r, a, b = self.rel_parts(pty, step)
        s, _, c = self.rel_parts(qty, step)
        if is_app_of(s, "Eq", 1):
            return self._ndrec(tm.mk_app(r, a, BVar(0)), b, c, p, q), tm.mk_app(r, a, c)
        if is_app_of(r, "Eq", 1):
            e = self._ndrec(tm.mk_app(s, BVar(0), c), b, a, q, meta.mk_eq_symm(p))
            return e, tm.mk_app(s, a, c)
        for name in (TRANS.get((self._type_head(r), self._type_head(s))), "Trans.trans"):
            try:
                if name is not None:
                    e = self.apply_fn(name, p, q, stx=step)
                    return e, meta.head_beta(meta.inst(meta.infer(e)))
            except LeanError:
                pass
        raise LeanError("invalid 'calc' step, failed to synthesize `Trans` instance", step)

    # --- if, subtypes ---------------------------------------------------------------------------

    def elab_if(self, stx, expected):
        branches = [stx.then, stx.els]
        if stx.name is not None:
            branches = [sx.Lambda(x.pos, x.end, [sx.Binder(x.pos, x.pos, [stx.name], None)], x)
                        for x in branches]
        name = "ite" if stx.name is None else "dite"
        return self.apply_fn(name, stx.cond, *branches, expected=expected, stx=stx)

    def elab_subtype(self, stx, expected):
        meta = self.meta
        ty = meta.mk_type_mvar() if stx.type is None else self.type_term(stx.type)
        p = self.lambda_over(stx.name, ty, stx.pred, PROP)
        return tm.mk_app(Const("Subtype", (meta.sort_level(ty),)), meta.inst(ty), p)
