"""Operators and notations that stand for constants: binop% trees, relations, ▸, calc, if, ∃, ….

Follows Lean 4's `Lean/Elab/{Extra,BuiltinNotation,Calc}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.build import NAT, NAT_OPS
from minilean.front.errors import LeanError
from minilean.kernel import term as tm

ARITH = {"+": "HAdd.hAdd", "-": "HSub.hSub", "*": "HMul.hMul", "/": "HDiv.hDiv",
         "%": "HMod.hMod", "++": "HAppend.hAppend", "^": "HPow.hPow"}
RELS = {"=": "Eq", "≠": "Ne", "<": "LT.lt", "≤": "LE.le", ">": "GT.gt", "≥": "GE.ge",
        "==": "BEq.beq", "!=": "bne"}
PLAIN = {"∧": "And", "∨": "Or", "↔": "Iff", "::": "List.cons", "×": "Prod",
         "∘": "Function.comp", "∣": "Dvd.dvd", "&&": "and", "||": "or", "≍": "HEq",
         "≈": "HasEquiv.Equiv", "∈": "Membership.mem"}
PREFIX = {"¬": "Not", "!": "not", "-": "Neg.neg"}


def _fun(name, type, body):
    """fun name : type => body."""
    return sx.Lambda(body.pos, body.end, [sx.Binder(body.pos, body.pos, [name], type)], body)


def _tuple(stx):
    """(a, b, c) as Prod.mk a (Prod.mk b c)."""
    if not stx.items:
        return ("Unit.unit",)
    first, *rest = stx.items
    return "Prod.mk", first, rest[0] if len(rest) == 1 else replace(stx, items=rest)


def _list(stx):
    """[a, b] as List.cons a (List.cons b List.nil)."""
    if not stx.items:
        return ("List.nil",)
    return "List.cons", stx.items[0], replace(stx, items=stx.items[1:])


def _if(stx):
    """`if h : c then a else b`: a and b as functions of h."""
    if stx.name is None:
        return "ite", stx.cond, stx.then, stx.els
    return "dite", stx.cond, *[_fun(stx.name, None, x) for x in (stx.then, stx.els)]


def _exists(stx):
    """∃ x y, p as Exists fun x => ∃ y, p."""
    (b, *rest), body = stx.binders, stx.body
    if len(b.names) > 1:
        rest.insert(0, replace(b, names=b.names[1:]))
    if rest:
        body = replace(stx, binders=rest)
    return "Exists", _fun(b.names[0], b.type, body)


# kind of syntax -> function to (constant, argument, …) that it stands for
NOTATIONS = {sx.UnOp: lambda stx: (PREFIX[stx.op], stx.arg), sx.Tuple: _tuple, sx.ListLit: _list,
             sx.SubtypeT: lambda stx: ("Subtype", _fun(stx.name, stx.type, stx.pred)),
             sx.If: _if, sx.Exists: _exists}


class OpMixin:
    """Mixed into `TermElab`."""

    def elab_notation(self, stx, expected):
        name, *args = NOTATIONS[type(stx)](stx)
        return self.apply_fn(name, *args, expected=expected, stx=stx)

    elab_unop = elab_tuple = elab_listlit = elab_if = elab_exists = elab_subtypet = elab_notation

    def elab_binop(self, stx, expected):
        op = stx.op
        if op in ARITH:
            return self.operands(stx, expected=expected)[0]
        if op in RELS:
            return self.elab_rel(stx, expected)
        if op == "▸":
            return self.elab_subst(stx, expected)
        if op == "∉":
            return tm.App(tm.Const("Not"), self.term(replace(stx, op="∈")))
        args = (stx.rhs, stx.lhs) if op == "∈" else (stx.lhs, stx.rhs)
        return self.apply_fn(PLAIN[op], *args, expected=expected, stx=stx)

    # --- binop% -------------------------------------------------------------------------------

    def operands(self, *stxs, expected=None):
        """The terms for operands (syntax, or finished terms) that are to have the same type."""
        leaves = []
        trees = [self.op_tree(stx, leaves) for stx in stxs]
        self.synthesize("yes")
        self.unify_leaves(leaves, expected)
        return [build() for build in trees]

    def op_tree(self, stx, leaves):
        """What builds the term for stx once `leaves` agree: the operands, with no type expected."""
        inner = stx
        while isinstance(inner, sx.Paren):
            inner = inner.term
        if not isinstance(inner, sx.BinOp) or inner.op not in ARITH:
            e = self.meta.inst(self.term(stx))
            leaves.append(e)
            return lambda: e
        lhs = self.op_tree(inner.lhs, leaves)
        if inner.op == "^":  # an exponent has a type of its own
            rhs = self.op_tree(self.term(inner.rhs), [])
        else:
            rhs = self.op_tree(inner.rhs, leaves)
        return lambda: self.build_op(inner, lhs(), rhs())

    def unify_leaves(self, leaves, expected):
        """Give the leaves of unknown type (numerals) the type of the others, if that is one."""
        meta = self.meta
        types = [] if self.is_unknown(expected) else [meta.inst(expected)]
        types += [meta.whnf_core(meta.inst(meta.infer(e))) for e in leaves]
        known = [ty for ty in types if not self.is_unknown(ty)]
        with meta.transparency("reducible"):
            agree = all(ty is known[0] or meta.is_def_eq(known[0], ty) for ty in known)
        for ty in types if agree and known else ():
            meta.is_def_eq(known[0], meta.inst(ty))

    def build_op(self, stx, a, b):
        """The term for an arithmetic operation; on Nat without a search for instances."""
        meta, op = self.meta, stx.op
        if op in NAT_OPS and all(meta.inst(meta.infer(e)) is NAT for e in (a, b)) \
                and not any(d.cls and d.cls.startswith(("H", "Add", "Mul", "Sub"))
                            for d in meta.lctx.insts):
            return tm.mk_app(NAT_OPS[op], a, b)
        return self.apply_fn(ARITH[op], a, b, stx=stx)

    def elab_rel(self, stx, expected):
        """A relation between two operands; (b : Bool) = (p : Prop) compares propositions."""
        meta = self.meta
        a, b = self.operands(stx.lhs, stx.rhs)
        ta, tb = meta.inst(meta.infer(a)), meta.inst(meta.infer(b))
        if stx.op == "=" and ta is tb and not ta.flags & tm.MVAR:
            return meta.mk_eq(a, b)
        if stx.op in ("=", "≠") and {ta, tb} == {tm.PROP, tm.Const("Bool")}:
            a, b = self.fit(a, tm.PROP, stx), self.fit(b, tm.PROP, stx)
        return self.apply_fn(RELS[stx.op], a, b, expected=expected, stx=stx)

    # --- ▸ ------------------------------------------------------------------------------------

    def elab_subst(self, stx, expected):
        """h ▸ e: rewrite the expected type with h, or failing that the type of e."""
        meta = self.meta
        self.wait_for(expected)
        heq = self.elab_term(stx.lhs)
        ty = meta.infer(heq)
        parts = meta.eq_parts(ty) or meta.eq_parts(meta.whnf(ty))
        if parts is None:
            raise LeanError("Invalid `▸` notation: The first argument must be an equality, but it "
                            f"has type\n  {meta.pp(ty)}", stx.lhs)
        _, a, b = parts
        ways = ((a, b, heq), (b, a, meta.mk_eq_symm(heq)))
        for old, new, eq in ways if not self.is_unknown(expected) else ():
            body = meta.kabstract(expected, new)
            if body.loose:
                e = self.term_ensuring(stx.rhs, meta.head_beta(tm.instantiate(body, old)))
                return self._ndrec(body, old, new, e, eq)
        e = self.elab_term(stx.rhs)
        for old, new, eq in ways:
            body = meta.kabstract(meta.infer(e), old)
            if body.loose:
                return self.ensure_type(self._ndrec(body, old, new, e, eq), expected, stx)
        raise LeanError("Invalid `▸` notation: Failed to compute motive for the substitution", stx)

    def _ndrec(self, body, a, b, e, eq):
        """Eq.ndrec (motive := fun x => body) e eq, of type body[b], for eq : a = b."""
        meta = self.meta
        ty = meta.inst(meta.infer(a))
        levels = meta.sort_level(tm.instantiate(body, a)), meta.sort_level(ty)
        return tm.mk_app(tm.Const("Eq.ndrec", levels), ty, a, tm.Lam("x", ty, body), e, b, eq)

    # --- calc -----------------------------------------------------------------------------------

    def elab_calc(self, stx, expected):
        """Chain the steps by instances of Trans; the first step may be a left side alone."""
        meta = self.meta
        proof = mid = None
        for step in stx.steps:
            if step.proof is None:
                if mid is not None or step is stx.steps[-1]:
                    raise LeanError("invalid 'calc' step, it has no proof", step)
                mid = self.elab_term(step.rel)
                continue
            link = meta.mk_mvar(self._calc_relation(step, mid))  # has the type that is written
            meta.assign_mvar(link.id, self.term_ensuring(step.proof, meta.infer(link)))
            self.synthesize("yes")
            proof = link if proof is None else self.apply_fn("Trans.trans", proof, link, stx=step)
            mid = tm.get_app_fn_args(meta.head_beta(meta.inst(meta.infer(proof))))[1][-1]
        return self.ensure_type(proof, expected, stx)

    def _calc_relation(self, step, mid):
        """The relation of a step, whose left side is to be `mid` (if that is not None)."""
        meta, rel = self.meta, step.rel
        if mid is not None and isinstance(rel, sx.BinOp) and isinstance(rel.lhs, sx.Hole):
            rel = replace(rel, lhs=mid)
        ty = self.type_term(rel)
        self.synthesize("partial")
        ty = meta.inst(ty)
        sides = tm.get_app_fn_args(ty)[1][-2:]
        if len(sides) < 2 or mid is not None and not meta.is_def_eq(sides[0], mid):
            raise LeanError("invalid 'calc' step, it does not go on from the previous right-hand "
                            f"side\n  {meta.pp(ty)}", step.rel)
        return ty
