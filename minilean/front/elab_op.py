"""Operators and notations that stand for constants: binop% trees, relations, ▸, calc, if, ∃, ….

Follows Lean 4's `Lean/Elab/{Extra,BuiltinNotation,Calc}.lean`.
Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.errors import LeanError
from minilean.front.meta_inst import ANY_MVAR
from minilean.front.notation import pairs
from minilean.kernel import term as tm

ARITH, RELS = pairs("arithmetic"), pairs("relations")
CONSTANTS = {**ARITH, **RELS, **pairs("other operators")}


class OpMixin:
    """Mixed into `TermElab`."""

    # --- notations ------------------------------------------------------------------------------

    def elab_unop(self, stx, expected):
        return self.apply_fn(stx.op, stx.arg, expected=expected, stx=stx)

    def elab_tuple(self, stx, expected):
        """(a, b, c) as Prod.mk a (Prod.mk b c)."""
        first, *rest = stx.items
        second = rest[0] if len(rest) == 1 else replace(stx, items=rest)
        return self.apply_fn("Prod.mk", first, second, expected=expected, stx=stx)

    def elab_if(self, stx, expected):
        """`if h : c then a else b`: a and b as functions of h."""
        name, branches = "ite", (stx.then, stx.els)
        if stx.name is not None:
            binder = sx.Binder(stx.pos, stx.pos, [stx.name])
            name, branches = "dite", [sx.Lambda(x.pos, x.end, [binder], x) for x in branches]
        return self.apply_fn(name, stx.cond, *branches, expected=expected, stx=stx)

    def elab_exists(self, stx, expected):
        """∃ x y, p as Exists fun x => Exists fun y => p."""
        body = stx.body
        for b, name in reversed([(group, n) for group in stx.binders for n in group.names]):
            fun = sx.Lambda(body.pos, body.end, [replace(b, names=[name])], body)
            body = sx.UnOp(stx.pos, stx.end, "Exists", fun)
        return self.term(body, expected)

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
        return self.apply_fn(CONSTANTS[op], *args, expected=expected, stx=stx)

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
            inner, leaves = replace(inner, rhs=self.term(inner.rhs)), []
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
        """The term for an arithmetic operation; the operation on known types is remembered."""
        meta = self.meta
        types = [meta.inst(meta.infer(e)) for e in (a, b)]
        key, local = (stx.op, *types, meta.lctx.insts), meta.lctx.insts or meta.spaces
        cache = meta.own if local else meta.shared
        if key in cache:
            return tm.mk_app(cache[key], a, b)
        e = self.apply_fn(CONSTANTS[stx.op], a, b, stx=stx)
        if not e.fn.fn.flags & ANY_MVAR:
            cache[key] = e.fn.fn
        return e

    def elab_rel(self, stx, expected):
        """A relation between two operands; (b : Bool) = (p : Prop) compares propositions."""
        a, b = self.operands(stx.lhs, stx.rhs)
        types = {self.meta.inst(self.meta.infer(e)) for e in (a, b)}
        if stx.op in ("=", "≠") and types == {tm.PROP, tm.Const("Bool")}:
            a, b = self.fit(a, tm.PROP, stx), self.fit(b, tm.PROP, stx)
        return self.apply_fn(CONSTANTS[stx.op], a, b, expected=expected, stx=stx)

    # --- ▸ ------------------------------------------------------------------------------------

    def elab_subst(self, stx, expected):
        """h ▸ e: rewrite the expected type with h, or failing that the type of e."""
        meta = self.meta
        self.wait_for(expected)
        heq = self.elab_term(stx.lhs)
        parts = meta.eq_parts(meta.whnf(meta.infer(heq)))
        if parts is None:
            raise LeanError("Invalid `▸` notation: no equality to rewrite with", stx.lhs)
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
        """Chain the steps by instances of Trans; a first step that is a term is proved by rfl."""
        proof = None
        for step in (stx.first, *stx.rest):
            link = self._calc_step(step, proof)
            proof = link if proof is None else self.apply_fn("Trans.trans", proof, link, stx=step)
        return self.ensure_type(proof, expected, stx)

    def _calc_step(self, step, proof):
        """The proof of a step, in whose relation a left side `_` is the right side of `proof`."""
        meta, rel = self.meta, step.rel
        if step.proof is None:
            return meta.mk_eq_refl(self.elab_term(rel))
        if proof is not None and isinstance(rel, sx.BinOp) and isinstance(rel.lhs, sx.Hole):
            rel = replace(rel, lhs=meta.head_beta(meta.inst(meta.infer(proof))).arg)
        ty = self.type_term(rel)
        self.synthesize("partial")
        if len(tm.get_app_fn_args(meta.inst(ty))[1]) < 2:
            raise LeanError("invalid 'calc' step, relation expected", step.rel)
        link = meta.mk_mvar(meta.inst(ty))  # has the type that is written
        meta.assign_mvar(link.id, self.term_ensuring(step.proof, meta.infer(link)))
        self.synthesize("yes")
        return link
