"""Operators: binop% trees, relations, plain notations, ▸, calc, if, structure instances.

Follows Lean 4's `Lean/Elab/{Extra,BuiltinNotation,Calc}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front import syntax as sx
from minilean.front.errors import Declined, LeanError, Postpone
from minilean.front.scope import Arg
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, PROP, App, Const, MVar, Pi, Sort

ARITH = {"+": "HAdd.hAdd", "-": "HSub.hSub", "*": "HMul.hMul", "/": "HDiv.hDiv",
         "%": "HMod.hMod", "++": "HAppend.hAppend", "^": "HPow.hPow", "&&&": "HAnd.hAnd",
         "|||": "HOr.hOr"}
RELS = {"=": "Eq", "≠": "Ne", "<": "LT.lt", "≤": "LE.le", ">": "GT.gt", "≥": "GE.ge",
        "==": "BEq.beq", "!=": "bne"}
PLAIN = {"∧": "And", "∨": "Or", "↔": "Iff", "::": "List.cons", "×": "Prod",
         "∘": "Function.comp", "∣": "Dvd.dvd", "&&": "and", "||": "or", "⊕": "Sum",
         "≍": "HEq", "⊆": "HasSubset.Subset", "∪": "Union.union", "∩": "Inter.inter",
         "×'": "PProd", "≈": "HasEquiv.Equiv", "^^": "xor"}


class Tree:
    """A binop% node (op, lhs, rhs) or leaf (term)."""

    __slots__ = ("lhs", "op", "rhs", "stx", "term")

    def __init__(self, stx, op=None, lhs=None, rhs=None, term=None):
        self.stx, self.op, self.lhs, self.rhs, self.term = stx, op, lhs, rhs, term


class OpMixin:
    """Mixed into `TermElab`."""

    def elab_binop(self, stx, expected):
        op = stx.op
        if op in ARITH:
            return self.elab_arith(stx, expected)
        if op in RELS:
            return self.elab_rel(stx, expected)
        if op in PLAIN:
            if PLAIN[op] not in self.meta.env:
                raise Declined(f"notation {op}", stx)
            return self.apply_fn(PLAIN[op], stx.lhs, stx.rhs, expected=expected, stx=stx)
        if op == "▸":
            return self.elab_subst(stx, expected)
        if op in ("∈", "∉"):
            e = self.apply_fn("Membership.mem", stx.rhs, stx.lhs, stx=stx)
            return e if op == "∈" else App(Const("Not"), e)
        if op == "<|>":
            raise Declined("<|>", stx)
        raise Declined(f"notation {op}", stx)

    def elab_unop(self, stx, expected):
        if stx.op == "¬":
            return self.apply_fn("Not", stx.arg, expected=expected, stx=stx)
        if stx.op == "!":
            return self.apply_fn("not", stx.arg, expected=expected, stx=stx)
        if stx.op == "-":
            if "Neg.neg" not in self.meta.env:
                raise Declined("negation", stx)
            return self.apply_fn("Neg.neg", stx.arg, expected=expected, stx=stx)
        raise Declined(f"notation {stx.op}", stx)

    # --- binop% -------------------------------------------------------------------------------

    def op_tree(self, stx):
        """The tree of arithmetic operators in stx, leaves elaborated without expected type."""
        inner = stx
        while isinstance(inner, sx.Paren):
            inner = inner.term
        if isinstance(inner, sx.BinOp) and inner.op in ARITH:
            lhs = self.op_tree(inner.lhs)
            if inner.op == "^":
                rhs = Tree(inner.rhs, term=self.leaf(inner.rhs))
            else:
                rhs = self.op_tree(inner.rhs)
            return Tree(inner, inner.op, lhs, rhs)
        return Tree(stx, term=self.leaf(stx))

    def leaf(self, stx):
        e = self.term(stx)
        return self.meta.inst(e)

    def leaves(self, tree, out):
        if tree.op is None:
            out.append(tree)
        else:
            self.leaves(tree.lhs, out)
            if tree.op != "^":
                self.leaves(tree.rhs, out)
        return out

    def max_type(self, leaves, expected):
        """(common type or None, do known types differ?)"""
        meta = self.meta
        best = None
        if expected is not None:
            expected = meta.inst(expected)
            if type(tm.get_app_fn(expected)) is not MVar:
                best = expected
        differ = False
        for leaf in leaves:
            ty = meta.whnf_core(meta.inst(meta.infer(leaf.term)))
            if type(tm.get_app_fn(ty)) is MVar:
                continue
            if best is None:
                best = ty
            elif best is not ty:
                with meta.transparency("reducible"):
                    same = meta.is_def_eq(best, ty)
                if not same:
                    differ = True
        return best, differ

    def elab_arith(self, stx, expected):
        tree = self.op_tree(stx)
        self.synthesize("yes")
        leaves = self.leaves(tree, [])
        ty, differ = self.max_type(leaves, expected)
        if ty is not None and not differ:
            self.unify_leaves(leaves, ty)
        elif differ:
            self.differing_types(leaves)
        e = self.build_tree(tree)
        if expected is not None:
            self.meta.is_def_eq(expected, self.meta.infer(e))
        return e

    def differing_types(self, leaves):
        """Leaves of different known types: only coercion-free mixes are supported."""
        meta = self.meta
        numeric = {"Int", "Nat", "Float", "Rat", "Real"}
        names = {f.name for leaf in leaves
                 for f in [tm.get_app_fn(meta.whnf_core(meta.inst(meta.infer(leaf.term))))]
                 if type(f) is Const}
        if len(names & numeric) > 1:
            raise Declined("coercion between number types")

    def unify_leaves(self, leaves, ty):
        """Give the leaves of unknown type (numerals) the common type."""
        meta = self.meta
        for leaf in leaves:
            lty = meta.inst(meta.infer(leaf.term))
            if lty is not ty:
                if type(tm.get_app_fn(lty)) is MVar or lty.flags & MVAR:
                    meta.is_def_eq(ty, lty)

    def build_tree(self, tree):
        if tree.op is None:
            return tree.term
        a, b = self.build_tree(tree.lhs), self.build_tree(tree.rhs)
        fast = self.nat_op(tree.op, a, b)
        if fast is not None:
            return fast
        name = ARITH[tree.op]
        if name not in self.meta.env:
            raise Declined(f"notation {tree.op}", tree.stx)
        return self.app_args(self.meta.mk_const(name), [], [Arg(term=a), Arg(term=b)], None,
                             stx=tree.stx)

    def nat_op(self, op, a, b):
        """a + b and the like on Nat, without a search for instances."""
        meta = self.meta
        nat = Const("Nat")
        fn = NAT_OPS.get(op)
        if fn is None or meta.inst(meta.infer(a)) is not nat \
                or meta.inst(meta.infer(b)) is not nat:
            return None
        if any(d.cls is not None and d.cls.startswith(("H", "Add", "Mul", "Sub"))
               for d in meta.lctx.insts):
            return None
        return App(App(fn, a), b)

    def elab_rel(self, stx, expected):
        lhs, rhs = self.op_tree(stx.lhs), self.op_tree(stx.rhs)
        self.synthesize("yes")
        leaves = self.leaves(rhs, self.leaves(lhs, []))
        ty, differ = self.max_type(leaves, None)
        if ty is not None and not differ:
            self.unify_leaves(leaves, ty)
        elif differ:
            self.differing_types(leaves)
        a, b = self.build_tree(lhs), self.build_tree(rhs)
        meta = self.meta
        aty = meta.inst(meta.infer(a))
        if stx.op == "=" and not aty.flags & MVAR:
            bty = meta.inst(meta.infer(b))
            if aty is bty:
                return tm.mk_app(Const("Eq", (meta.sort_level(aty),)), aty, a, b)
        name = RELS[stx.op]
        args = [Arg(term=a), Arg(term=b)]
        if stx.op in ("=", "≠"):
            a2, b2 = self._bool_prop(a, b)
            args = [Arg(term=a2), Arg(term=b2)]
        return self.app_args(meta.mk_const(name), [], args, expected, stx=stx)

    def _bool_prop(self, a, b):
        """(b : Bool) = (p : Prop) compares propositions."""
        meta = self.meta
        ta, tb = meta.inst(meta.infer(a)), meta.inst(meta.infer(b))
        if ta is PROP and tb is Const("Bool"):
            return a, self.coerce(b, tb, PROP, None)
        if tb is PROP and ta is Const("Bool"):
            return self.coerce(a, ta, PROP, None), b
        return a, b

    # --- ▸ ------------------------------------------------------------------------------------

    def elab_subst(self, stx, expected):
        """h ▸ e: rewrite the expected type with h, or failing that the type of e."""
        meta = self.meta
        if expected is None or type(tm.get_app_fn(meta.inst(expected))) is MVar:
            if self.may_postpone:
                raise Postpone
        heq = self.elab_term(stx.lhs)
        heq_ty = meta.inst(meta.infer(heq))
        parts = meta.eq_parts(heq_ty)
        if parts is None:
            parts = meta.eq_parts(meta.whnf(heq_ty))
        if parts is None:
            raise LeanError("Invalid `▸` notation: The first argument must be an equality, but it "
                            f"has type\n  {meta.pp(heq_ty)}", stx.lhs)
        _, a, b = parts
        expected = None if expected is None else meta.inst(expected)
        if expected is not None and type(tm.get_app_fn(expected)) is not MVar:
            body = meta.kabstract(expected, b)
            eq = heq
            if not body.loose:
                body = meta.kabstract(expected, a)
                eq, a, b = meta.mk_eq_symm(heq), b, a
            if body.loose:
                e = self.term_ensuring(stx.rhs, meta.head_beta(tm.instantiate(body, a)))
                return self._ndrec(body, a, b, e, eq)
            a, b = parts[1], parts[2]
        return self._subst_in_term(stx, expected, heq, a, b)

    def _subst_in_term(self, stx, expected, heq, a, b):
        meta = self.meta
        e = self.elab_term(stx.rhs)
        ty = meta.inst(meta.infer(e))
        body = meta.kabstract(ty, a)
        if not body.loose:
            body = meta.kabstract(ty, b)
            heq, a, b = meta.mk_eq_symm(heq), b, a
            if not body.loose:
                raise LeanError("Invalid `▸` notation: Failed to compute motive for the "
                                "substitution", stx)
        result = self._ndrec(body, a, b, e, heq)
        if expected is None:
            return result
        return self.ensure_type(result, expected, stx)

    def _ndrec(self, body, a, b, e, eq):
        """Eq.ndrec (motive := fun x => body) e eq."""
        meta = self.meta
        aty = meta.inst(meta.infer(a))
        motive = tm.Lam("x", aty, body)
        ty = meta.infer(motive)
        s = meta.whnf(meta.inst(ty.body))
        if type(s) is not Sort:
            raise LeanError("Invalid `▸` notation: motive is not type correct")
        u = meta.sort_level(aty)
        return tm.mk_app(Const("Eq.ndrec", (s.level, u)), aty, a, motive, e, b, eq)

    # --- if, calc, structure instances, subtypes ----------------------------------------------

    def elab_if(self, stx, expected):
        if "ite" not in self.meta.env:
            raise Declined("if", stx)
        meta = self.meta
        if stx.name is None:
            return self.app_args(meta.mk_const("ite"), [],
                                 [Arg(stx=stx.cond), Arg(stx=stx.then), Arg(stx=stx.els)],
                                 expected, stx=stx)
        name = stx.name
        lams = [sx.Lambda(x.pos, x.end, [sx.Binder(x.pos, x.pos, [name], None)], x)
                for x in (stx.then, stx.els)]
        return self.app_args(meta.mk_const("dite"), [],
                             [Arg(stx=stx.cond), Arg(stx=lams[0]), Arg(stx=lams[1])],
                             expected, stx=stx)

    def elab_calc(self, stx, expected):
        """Chain the steps with transitivity (Eq.trans, Iff.trans or a Trans instance)."""
        e, ty = self.calc_proof(stx.steps)
        if expected is not None:
            return self.ensure_type(e, expected, stx)
        return e

    def calc_proof(self, steps):
        """(proof, relation) of the whole chain."""
        meta = self.meta
        acc = acc_ty = None
        for i, step in enumerate(steps):
            rel = step.rel
            if step.proof is None:
                if i:
                    raise LeanError("invalid 'calc' step", step)
                first = self.elab_term(rel)
                acc_ty = meta.mk_eq(first, first)
                continue
            ty = self._calc_rel(rel, acc_ty, step)
            proof = self.term_ensuring(step.proof, ty)
            self.synthesize("yes")
            ty = meta.inst(ty)
            if acc is None:
                acc, acc_ty = proof, ty
            else:
                acc, acc_ty = self.calc_trans(acc, acc_ty, proof, ty, step)
        if acc is None:
            raise LeanError("invalid 'calc' step, it has no proof", steps[0])
        return acc, acc_ty

    def _calc_rel(self, rel, acc_ty, step):
        meta = self.meta
        if acc_ty is not None:
            _, _, mid = self.rel_parts(acc_ty, step)
            ty = self.elab_calc_term(rel, mid)
        else:
            ty = self.type_term(rel)
        self.synthesize("yes")
        ty = meta.inst(ty)
        parts = self.rel_parts(ty, step)
        if type(meta.inst(meta.infer(parts[1]))) is tm.MVar:  # numerals alone: steps must agree
            self.synthesize("partial")
            parts = self.rel_parts(ty, step)
        if acc_ty is not None:
            if not meta.is_def_eq(parts[1], mid):
                raise LeanError(f"invalid 'calc' step, left-hand side is\n  "
                                f"{meta.pp(parts[1])} : {meta.pp(meta.infer(parts[1]))}\n"
                                f"previous right-hand side is\n  {meta.pp(mid)} : "
                                f"{meta.pp(meta.infer(mid))}", rel)
        return meta.inst(ty)

    def elab_calc_term(self, rel, mid):
        """Elaborate `_ R b` with the hole unified with the previous right-hand side."""
        meta = self.meta
        if isinstance(rel, sx.BinOp) and isinstance(rel.lhs, sx.Hole):
            if rel.op in RELS or rel.op in PLAIN:
                return self._rel_with_lhs(rel, mid)
        ty = self.type_term(rel)
        return meta.inst(ty)

    def _rel_with_lhs(self, rel, mid):
        meta = self.meta
        mty = meta.inst(meta.infer(mid))
        if rel.op in RELS:
            rhs = self.op_tree(rel.rhs)
            self.synthesize("yes")
            leaves = self.leaves(rhs, [])
            ty, differ = self.max_type(leaves, mty)
            if not differ and ty is not None:
                self.unify_leaves(leaves, ty)
            b = self.build_tree(rhs)
            name = RELS[rel.op]
            return self.app_args(meta.mk_const(name), [], [Arg(term=mid), Arg(term=b)], None,
                                 stx=rel)
        return self.app_args(meta.mk_const(PLAIN[rel.op]), [], [Arg(term=mid), Arg(stx=rel.rhs)],
                             None, stx=rel)

    def rel_parts(self, ty, stx):
        """(relation applied to all but two arguments, lhs, rhs)."""
        ty = self.meta.inst(ty)
        f, args = tm.get_app_fn_args(ty)
        if len(args) < 2:
            ty = self.meta.whnf_r(ty)
            f, args = tm.get_app_fn_args(ty)
        if len(args) < 2:
            raise LeanError("invalid 'calc' step, relation expected\n  "
                            f"{self.meta.pp(ty)}", stx)
        return tm.mk_app(f, *args[:-2]), args[-2], args[-1]

    def calc_trans(self, p, pty, q, qty, step):
        meta = self.meta
        r, a, b = self.rel_parts(pty, step)
        s, _, c = self.rel_parts(qty, step)
        rf, sf = tm.get_app_fn(r), tm.get_app_fn(s)
        if type(rf) is Const and type(sf) is Const and rf.name == "Eq" and sf.name == "Eq":
            return self._trans_eq(p, q, a, c)
        if type(rf) is Const and rf.name == "Eq":
            motive = tm.Lam("x", meta.infer(a), App(App(tm.lift(s, 1), tm.BVar(0)),
                                                   tm.lift(c, 1)))
            e = self._ndrec(motive.body, b, a, q, meta.mk_eq_symm(p))
            return e, App(App(s, a), c)
        if type(sf) is Const and sf.name == "Eq":
            motive = tm.Lam("x", meta.infer(b), App(App(tm.lift(r, 1), tm.lift(a, 1)),
                                                   tm.BVar(0)))
            return self._ndrec(motive.body, b, c, p, q), App(App(r, a), c)
        return self._trans_inst(p, q, r, s, a, c, step)

    def _trans_eq(self, p, q, a, c):
        meta = self.meta
        return meta.mk_eq_trans(p, q), meta.mk_eq(a, c)

    def _trans_inst(self, p, q, r, s, a, c, step):
        """Transitivity of other relations: Trans instances where the library has them."""
        meta = self.meta
        rf, sf = tm.get_app_fn(r), tm.get_app_fn(s)
        if type(rf) is Const and type(sf) is Const:
            name = TRANS.get((rf.name, sf.name))
            if name is not None and name in meta.env:
                e = self.app_args(meta.mk_const(name), [], [Arg(term=p), Arg(term=q)], stx=step)
                return e, meta.inst(meta.infer(e))
        if "Trans" in meta.ext.classes:
            try:
                e = self.app_args(meta.mk_const("Trans.trans"), [],
                                  [Arg(term=p), Arg(term=q)], stx=step)
                return e, meta.head_beta(meta.inst(meta.infer(e)))
            except LeanError:
                pass
        raise LeanError("invalid 'calc' step, failed to synthesize `Trans` instance", step)

    def elab_struct_inst(self, stx, expected):
        return self.struct_inst(stx, expected)

    def elab_subtype(self, stx, expected):
        meta = self.meta
        ty = meta.mk_type_mvar() if stx.type is None else self.type_term(stx.type)
        d = meta.mk_local(stx.name, ty)
        with meta.with_lctx(meta.lctx.add(d)):
            p = self.term_ensuring(stx.pred, PROP)
            self.synthesize("yes")
            lam = meta.mk_lambda([d.fvar], p)
        return self.meta.mk_app("Subtype", lam)


TRANS = {
    ("Iff", "Iff"): "Iff.trans", ("LE.le", "LE.le"): "Nat.le_trans",
    ("LT.lt", "LT.lt"): "Nat.lt_trans", ("LE.le", "LT.lt"): "Nat.lt_of_le_of_lt",
    ("LT.lt", "LE.le"): "Nat.lt_of_lt_of_le", ("HEq", "HEq"): "HEq.trans",
    ("Dvd.dvd", "Dvd.dvd"): "Nat.dvd_trans",
}


def _nat_op(cls, inst, base):
    nat = Const("Nat")
    z = (lv.ZERO,)
    hinst = tm.mk_app(Const(inst, z), nat, Const(base))
    return tm.mk_app(Const(cls, z * 3), nat, nat, nat, hinst)


NAT_OPS = {
    "+": _nat_op("HAdd.hAdd", "instHAdd", "instAddNat"),
    "*": _nat_op("HMul.hMul", "instHMul", "instMulNat"),
    "-": _nat_op("HSub.hSub", "instHSub", "instSubNat"),
}

__all__ = ["ARITH", "PLAIN", "RELS", "OpMixin", "Pi"]
