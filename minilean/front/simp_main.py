"""The simplifier: rewriting with rules below all congruences until nothing changes.

Follows Lean's `Lean/Meta/Tactic/Simp/{Main,Rewrite}.lean`: a term is reduced, its arguments are
simplified, then the rules for its head are tried; side conditions are discharged by simplifying
them to True. A result is (term, proof of old = new), with proof None when both are definitionally
equal.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from dataclasses import dataclass, field, replace

from minilean.front.build import FALSE, TRUE
from minilean.front.errors import LeanError
from minilean.front.simp import add_rules, head_key, head_name, heads_of, order, settled
from minilean.front.tactic_elim import conjuncts, ctor_fields, no_confusion
from minilean.front.tactic_util import beta_all, congr_step, decide
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, App, Const, FVar, Lam, Let, Lit, MVar, Pi, Proj, Sort

MAX_DISCHARGE_DEPTH = 2
MAX_TERMS = 20_000


@dataclass
class SimpSet:
    """Rules for one call: a table by head key, built-in steps, erased origins, options."""

    table: dict
    procs: dict = field(default_factory=lambda: PROCS)
    erased: frozenset = frozenset()
    contextual: bool = False
    hyps: bool = False  # the hypotheses of the goal are rules, too

    def with_hyps(self, meta, decls):
        """The same with the hypotheses `decls` as rules."""
        table = dict(self.table)
        for d in decls:
            add_rules(meta, table, d.id, d.fvar, d.type)
        return replace(self, table=table)


class Simp:
    """One run of the simplifier."""

    def __init__(self, meta, rules: SimpSet):
        self.meta, self.rules = meta, rules
        self.cache = {}
        self.depth = 0

    def trans(self, a, b, c, p, q):
        """Proof of a = c from p : a = b and q : b = c (either may be None)."""
        if p is None or q is None:
            return p or q
        ty = self.meta.inst(self.meta.infer(a))
        return self.meta.mk_at("Eq.trans", ty, a, b, c, p, q)

    # -- the loop -------------------------------------------------------------------------------

    def simp(self, e):
        """(simplified e, proof or None)."""
        found = self.cache.get(e)
        if found is None:
            self.meta.tick()
            found = self.cache[e] = self._simp(e)
        return found

    def _simp(self, e):
        new, proof, step = e, None, self.reduce(e)
        if step is None:
            new, proof = self.congruence(e)
            step = (self.reduce(new) if new is not e else None) or self.rewrite(new)
        if step is None:
            return new, proof
        if len(self.cache) > MAX_TERMS:
            raise LeanError("maximum recursion depth has been reached")
        proof = self.trans(e, new, step[0], proof, step[1])
        last, more = self.simp(step[0])
        return last, self.trans(e, step[0], last, proof, more)

    def reduce(self, e):
        """(e after a step by definition at its head, None), or None: beta, `let`, match, projection
        of a constructor application, a definition to unfold."""
        meta, new = self.meta, None
        f, args = tm.get_app_fn_args(e)
        info = meta.ext.projections.get(head_name(f))
        if info is not None and not info.is_class and len(args) > info.num_params \
                and meta.ctor_of(args[info.num_params]):
            new = meta.unfold_def(e)
        with meta.transparency("reducible"):
            if meta.is_matcher(f) or type(f) in (Lam, Let, Proj):
                new = meta.whnf_core(e)
            elif head_name(f) in self.rules.table and f.name not in self.rules.erased:
                new = meta.unfold(e)
        return None if new is None or new is e else (new, None)

    # -- congruence -----------------------------------------------------------------------------

    def congruence(self, e):
        """e with its parts simplified."""
        if type(e) is App:
            return self.congr_app(e)
        binds = type(e) is Lam or type(e) is Pi and self.meta.is_prop(e)
        return self.congr_binder(e) if binds else (e, None)

    def congr_app(self, e):
        """Simplifies the arguments that are not fixed."""
        f, args = tm.get_app_fn_args(e)
        ty, new, proofs = self.meta.infer(f), [], []
        for a in args:
            ty = self.meta.expect_pi(ty)
            b, proof = (a, None) if self.is_fixed(ty, a) else self.simp(a)
            new.append(b)
            proofs.append(proof)
            ty = tm.instantiate(ty.body, a)
        return (e, None) if new == args else congr_args(self.meta, f, args, new, proofs)

    def is_fixed(self, ty, a) -> bool:
        """Is the argument a for ty = (x : A) → B an instance, a proof, or does a type depend on it?
        """
        if ty.info == "inst" or type(a) is Lit:
            return True
        depends = has_loose_bvar(ty.body, 0) and (
            type(ty.type) is Sort or has_loose_bvar(beta_all(self.meta, ty.body), 0))
        return depends or (type(a) is not FVar and self.meta.is_proof(a))

    def congr_binder(self, e):
        """fun x => b, ∀ x, p or p → q with the parts simplified; q with the help of p, if so set.

        The proof is by funext, forall_congr or implies_congr_ctx.
        """
        meta, run = self.meta, self
        arrow = type(e) is Pi and not e.body.loose and meta.is_prop(e.type)
        dom, dom_proof = self.simp(e.type) if arrow else (e.type, None)
        x = meta.mk_local(e.name, dom, e.info)
        if arrow and self.rules.contextual and dom is not TRUE and dom is not FALSE:
            run = Simp(meta, self.rules.with_hyps(meta, [x]))
        old = tm.instantiate(e.body, x.fvar)
        with meta.with_lctx(meta.lctx.add(x)):
            new, proof = run.simp(old)
            if new is old and dom is e.type:
                return e, None
            out = meta.mk_pi([x.fvar], new) if type(e) is Pi else meta.mk_lambda([x.fvar], new)
            by = meta.mk_lambda([x.fvar], proof or meta.mk_eq_refl(old))
            if arrow:
                return out, tm.mk_app(Const("implies_congr_ctx"), e.type, dom, old, new,
                                      dom_proof or meta.mk_eq_refl(e.type), by)
            functions = [meta.mk_lambda([x.fvar], body) for body in (old, new)]
            if type(e) is Pi:
                return out, meta.mk_at("forall_congr", dom, *functions, by)
            ty = meta.inst(meta.infer(old))
            levels = meta.sort_level(dom), meta.sort_level(ty)
            return out, tm.mk_app(Const("funext", levels), dom, meta.mk_lambda([x.fvar], ty),
                                  *functions, by)

    # -- rewriting ------------------------------------------------------------------------------

    def rewrite(self, e):
        """(new term, proof or None) by a built-in step or a rule, else None."""
        key, rules = head_key(e), self.rules
        heads = heads_of(self.meta, e)
        for rule in [*rules.table.get(key, ()), *rules.table.get(None, ())]:
            clash = rule.origin in rules.erased or any(
                a != b and a is not None and b is not None
                for a, b in zip(rule.heads, heads, strict=False))
            found = None if clash else self.try_rule(rule, e)
            if found is not None:
                return found
        steps = (proc(self, e) for proc in rules.procs.get(key, ()))
        return next((found for found in steps if found is not None), None)

    def try_rule(self, rule, e):
        """(right side, proof) when the rule applies to e, else None."""
        meta = self.meta
        meta.tick()
        us = [meta.mk_level_mvar() for _ in rule.levels]
        mark = meta.save()
        ty = tm.instantiate_level_params(rule.type, rule.levels, us)
        mvars, infos, eq = meta.forall_meta(ty, reducing=False)
        with meta.transparency("reducible"):
            matches = meta.is_def_eq(eq.fn.arg, e)
        rhs = meta.inst(eq.arg) if matches and self.fill(mvars, infos) else e
        if rhs is e or (rule.perm and order(rhs) >= order(e)):
            meta.restore(mark)
            return None
        proof = tm.instantiate_level_params(rule.proof, rule.levels, us)
        return meta.head_beta(rhs), meta.inst(meta.beta(proof, mvars))

    def fill(self, mvars, infos) -> bool:
        """Instances are synthesized and side conditions discharged; False if that fails.

        An implicit argument may be found by a later side condition.
        """
        meta = self.meta
        for m, info in zip(mvars, infos, strict=True):
            if not meta.is_assigned(m.id) and info != "implicit":
                ty = meta.inst(meta.decls[m.id].type)
                value = self.discharge(ty) if info != "inst" else (
                    None if ty.flags & MVAR else meta.synth_inst(ty))
                if value is None:
                    return False
                meta.assign_mvar(m.id, value)
        return all(meta.is_assigned(m.id) for m in mvars)

    def discharge(self, p):
        """A proof of p by simplification to True, or None.

        p = ?q, as in a congruence lemma, is proved by simplifying p, which must change.
        """
        meta = self.meta
        if is_app_of(p, "Eq", 3) and (type(p.arg) is MVar or p.arg in (TRUE, FALSE)):
            old = p.fn.arg
            new, proof = self.simp(old)
            if type(p.arg) is MVar and new is not old:
                meta.assign_mvar(p.arg.id, new)
            elif new is not p.arg:
                return None
            return proof or meta.mk_eq_refl(new)
        if p.flags & MVAR or self.depth >= MAX_DISCHARGE_DEPTH or not meta.is_prop(p):
            return None
        self.depth += 1
        new, proof = self.simp(p)
        self.depth -= 1
        proof = tm.mk_app(Const("of_eq_true"), p, proof or meta.mk_eq_refl(p))
        return proof if new is TRUE else None


# --- built-in steps: (run, term with the right head) → (new term, proof or None), or None ---------

MAX_EXPONENT = 256


def arithmetic(run, e):
    """2 + 3 ~> 5, 2 < 3 ~> True and the like: an operation on numerals is evaluated."""
    meta = run.meta
    f, args = tm.get_app_fn_args(e)
    numbers = [meta.nat_value(a) for a in args[-2:]]
    if None in numbers or (f.name == "HPow.hPow" and numbers[1] > MAX_EXPONENT):
        return None
    if meta.is_prop(e):
        found = decide(meta, e)
        return found and settled(e, *found)
    value = meta.whnf(e)
    if type(value) is Lit:
        return meta.mk_nat(value.value), None
    return (value, None) if type(value) is Const else None


def cancel(run, e):
    """x + 5 = y + 3 ~> x + 2 = y; a numeral k is 0 + k."""
    meta = run.meta
    (x, k), (y, m) = [meta.nat_offset(a) or (a, 0) for a in (e.fn.arg, e.arg)]
    n = min(k, m)
    if not n:
        return None
    left, right = [meta.mk_nat(i - n) if base is None else base if i == n
                   else meta.mk_nat_add(base, meta.mk_nat(i - n)) for base, i in ((x, k), (y, m))]
    new = meta.mk_eq(left, right)
    iff = tm.mk_app(Const("Nat.add_right_cancel_iff"), left, right, meta.mk_nat(n))
    return new, tm.mk_app(Const("propext"), e, new, iff)


def ctor_eq(run, e):
    """Different constructors: False; equal ones: the conjunction of the field equations."""
    meta = run.meta
    ty, a, b = tm.get_app_fn_args(e)[1]
    if not meta.ctor_of(a) or not meta.ctor_of(b):
        return None
    h = meta.mk_local("h", e)
    prop, proof = no_confusion(meta, h.fvar, ty, a, b)
    there = meta.mk_lambda([h.fvar], proof)
    if prop in (TRUE, FALSE):
        return settled(e, False, there) if prop is FALSE else None
    k, (c, xs), (_, ys) = meta.mk_local("k", prop), ctor_fields(meta, a), ctor_fields(meta, b)
    steps = [p for p, _ in conjuncts(k.fvar, prop)]
    steps = [None if meta.is_proof(x) else steps.pop(0) for x in xs]
    back = meta.mk_lambda([k.fvar], congr_args(meta, c, xs, ys, steps)[1])
    iff = tm.mk_app(Const("Iff.intro"), e, prop, there, back)
    return prop, tm.mk_app(Const("propext"), e, prop, iff)


def congr_args(meta, f, xs, ys, steps):
    """(f ys…, proof of f xs… = f ys…) from proofs xᵢ = yᵢ, None for definitionally equal ones."""
    left = right = f
    proof = None
    for x, y, step in zip(xs, ys, steps, strict=True):
        proof = congr_step(meta, left, right, x, y, proof, step)
        left, right = App(left, x), App(right, y)
    return right, proof


OPERATIONS = {"Nat.succ": 1, "HAdd.hAdd": 6, "HMul.hMul": 6, "HSub.hSub": 6, "HPow.hPow": 6,
              "HDiv.hDiv": 6, "HMod.hMod": 6, "LT.lt": 4, "LE.le": 4, "GT.gt": 4, "GE.ge": 4,
              "BEq.beq": 4}
PROCS = {**dict.fromkeys(OPERATIONS.items(), [arithmetic]),
         ("Eq", 3): [arithmetic, cancel, ctor_eq]}
