"""The simplifier: rewriting with rules below all congruences until nothing changes.

Follows Lean's `Lean/Meta/Tactic/Simp/{Main,Rewrite}.lean`: a term is reduced, its arguments are
simplified, then the rules for its head are tried; side conditions are discharged by simplifying
them to True. A result is (term, proof of old = new), with proof None when both are definitionally
equal.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from minilean.front.errors import LeanError
from minilean.front.simp import FALSE, TRUE, WILD, ac_lt, add_rules, head_key, may_match, rules_of
from minilean.front.simp_procs import PROCS, congr_args
from minilean.front.tactic_util import beta_all
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, App, Const, FVar, Lam, Let, Lit, Pi, Proj, Sort, instantiate

MAX_DISCHARGE_DEPTH = 2
MAX_REWRITES = 20_000


@dataclass
class SimpSet:
    """Rules for one call: a table by head key, definitions to unfold, erased origins, options."""

    table: dict = field(default_factory=dict)
    unfold: frozenset = frozenset()
    erased: frozenset = frozenset()
    rfl_only: bool = False  # for dsimp
    contextual: bool = False
    procs: bool = True


class Simp:
    """One run of the simplifier."""

    def __init__(self, meta, rules: SimpSet):
        self.meta, self.rules = meta, rules
        self.cache = {}
        self.depth = self.rewrites = 0

    def trans(self, a, b, c, p, q):
        """Proof of a = c from p : a = b and q : b = c (either may be None)."""
        if p is None or q is None:
            return p or q
        ty = self.meta.inst(self.meta.infer(a))
        return tm.mk_app(Const("Eq.trans", (self.meta.sort_level(ty),)), ty, a, b, c, p, q)

    # -- the loop -------------------------------------------------------------------------------

    def simp(self, e):
        """(simplified e, proof or None)."""
        found = self.cache.get(e)
        if found is None:
            self.meta.tick()
            found = self.cache[e] = self._simp(e)
        return found

    def _simp(self, e):
        if type(e) is Lit or type(e) is Sort or is_app_of(e, "OfNat.ofNat", 3):
            return e, None
        reduced = self.reduce(e)
        if reduced is not e:
            return self.simp(reduced)
        new, proof = self.congruence(e)
        step = self.rewrite(new)
        if step is None:
            return new, proof
        self.rewrites += 1
        if self.rewrites > MAX_REWRITES:
            raise LeanError("maximum recursion depth has been reached\nuse `set_option maxRecDepth "
                            "<num>` to increase limit\nuse `set_option diagnostics true` to get "
                            "diagnostic information")
        proof = self.trans(e, new, step[0], proof, step[1])
        last, more = self.simp(step[0])
        return last, self.trans(e, step[0], last, proof, more)

    def reduce(self, e):
        """Beta, projections of constructors, matches on constructors, `let`, chosen definitions."""
        if type(e) is Let:
            return instantiate(e.body, e.value)
        f, args = tm.get_app_fn_args(e)
        if type(f) is Const:
            return self.reduce_const(e, f, args)
        if type(f) is Lam and args:
            return self.meta.beta(f, args)
        return self.meta.whnf_core(e) if type(f) is Proj else e

    def reduce_const(self, e, f, args):
        meta, ext = self.meta, self.meta.ext
        name = f.name
        if name in ext.matchers:
            with meta.transparency("reducible"):
                return meta.whnf_core(e)
        info = ext.projections.get(name)
        if info is not None and len(args) > info.num_params and not info.is_class \
                and meta.is_ctor_app(args[info.num_params]):
            return meta.unfold_def(e) or e
        return self.unfold(e, f, args) if name in self.rules.unfold else e

    def unfold(self, e, f, args):
        """One unfolding of a definition given to simp, applied to all its variables or to none."""
        meta = self.meta
        variables, _ = meta.lambda_locals(meta.env.lookup(f.name).value)
        if 0 < len(args) < len(variables):
            return e
        with meta.transparency("default"):
            value = meta.unfold_const(f)
        return e if value is None else meta.beta(value, args)

    # -- congruence -----------------------------------------------------------------------------

    def congruence(self, e):
        t = type(e)
        if t is App:
            return _CONGR.get(head_key(e), Simp.congr_app)(self, e)
        if t is Pi and self.meta.is_prop(e):
            arrow = not e.body.loose and self.meta.is_prop(e.type)
            return self.congr_implies(e) if arrow else self.congr_binder(e)
        return self.congr_binder(e) if t is Lam else (e, None)

    def congr_app(self, e):
        """Simplifies the arguments on which no type depends."""
        f, args = tm.get_app_fn_args(e)
        kinds = self.arg_kinds(f, args)
        results = [self.simp(a) if kind else (a, None) for a, kind in zip(args, kinds, strict=True)]
        new = [b for b, _ in results]
        if new == args:
            return e, None
        return congr_args(self.meta, f, args, new, [proof for _, proof in results])

    def arg_kinds(self, f, args):
        """Which arguments may be rewritten: explicit data on which nothing later depends."""
        meta = self.meta
        ty = meta.inst(meta.infer(f))
        out = []
        for a in args:
            ty = meta.expect_pi(ty)
            fixed = ty.info == "inst" or type(a) is Lit or (
                has_loose_bvar(ty.body, 0) and has_loose_bvar(beta_all(meta, ty.body), 0))
            out.append(not fixed and (type(a) is FVar or not meta.is_proof(a)))
            ty = instantiate(ty.body, a)
        return out

    def congr_binder(self, e):
        """fun x => b, or ∀ x, p, with the body simplified."""
        meta = self.meta
        x = meta.mk_local(e.name, e.type, e.info)
        body = instantiate(e.body, x.fvar)
        with meta.with_lctx(meta.lctx.add(x)):
            new, proof = self.simp(body)
            if new is body:
                return e, None
            old_fn = Lam(e.name, e.type, e.body, e.info)
            new_fn = meta.mk_lambda([x.fvar], new)
            out = new_fn if type(e) is Lam else meta.mk_pi([x.fvar], new)
            if proof is None:
                return out, None
            h = meta.mk_lambda([x.fvar], proof)
            u = meta.sort_level(e.type)
            if type(e) is Pi:
                return out, tm.mk_app(Const("forall_congr", (u,)), e.type, old_fn, new_fn, h)
            ty = meta.inst(meta.infer(body))
            lemma = Const("funext", (u, meta.sort_level(ty)))
            return out, tm.mk_app(lemma, e.type, meta.mk_lambda([x.fvar], ty), old_fn, new_fn, h)

    def congr_implies(self, e):
        """p → q; with `contextual := true`, q is simplified with the help of p."""
        meta = self.meta
        p, hp = self.simp(e.type)
        h, run = meta.mk_local("h✝", p), self
        if self.rules.contextual and p is not TRUE and p is not FALSE:
            run = Simp(meta, replace(self.rules, table=dict(self.rules.table)))
            add_rules(run.rules.table, rules_of(meta, h.id, h.fvar, p))
        with meta.with_lctx(meta.lctx.add(h)):
            q, hq = run.simp(e.body)
        if p is e.type and q is e.body:
            return e, None
        new = Pi(e.name, p, q, e.info)
        if hp is None and hq is None:
            return new, None
        hp, hq = hp or meta.mk_eq_refl(e.type), hq or meta.mk_eq_refl(e.body)
        lemma = Const("implies_congr", (lv.ZERO, lv.ZERO))
        if run is not self:
            lemma, hq = Const("implies_congr_ctx"), meta.mk_lambda([h.fvar], hq)
        return new, tm.mk_app(lemma, e.type, p, e.body, q, hp, hq)

    def congr_if(self, e):
        """Condition first; a decided condition selects its branch."""
        meta = self.meta
        f, (ty, c, inst, a, b) = tm.get_app_fn_args(e)
        c2, p = self.simp(c)
        hc = p or meta.mk_eq_refl(c)
        if c2 is TRUE or c2 is FALSE:
            return self.select_branch(e, c2 is TRUE, hc)
        if f.name == "dite":
            return e, None
        a2, pa = self.simp(a)
        b2, pb = self.simp(b)
        if c2 is c and a2 is a and b2 is b:
            return e, None
        inst2 = inst if c2 is c else self.instance(App(Const("Decidable"), c2))
        if inst2 is None:
            c2, hc, inst2 = c, meta.mk_eq_refl(c), inst
        new = tm.mk_app(f, ty, c2, inst2, a2, b2)
        ha = Lam("h", c2, pa or meta.mk_eq_refl(a))
        hb = Lam("h", meta.mk_not(c2), pb or meta.mk_eq_refl(b))
        return new, tm.mk_app(Const("ite_congr", f.levels), ty, c, c2, a, b, a2, b2, inst, inst2,
                              hc, ha, hb)

    def select_branch(self, e, value: bool, hc):
        """The branch of an `if` whose condition is True or False by hc."""
        f, args = tm.get_app_fn_args(e)
        c, branch = args[1], args[3 if value else 4]
        word = "true" if value else "false"
        if f.name == "dite":
            branch = self.meta.beta(branch, [tm.mk_app(Const(f"of_eq_{word}"), c, hc)])
        step = tm.mk_app(Const(f"{f.name}_cond_eq_{word}", f.levels), *args, hc)
        new, proof = self.simp(branch)
        return new, self.trans(e, branch, new, step, proof)

    def congr_decide(self, e):
        """`decide p` with a simplified p and the instance of the new proposition."""
        f, (p, inst) = tm.get_app_fn_args(e)
        q, proof = self.simp(p)
        inst2 = None if proof is None else self.instance(App(Const("Decidable"), q))
        if inst2 is None:
            return e, None
        iff = tm.mk_app(Const("Iff.of_eq"), p, q, proof)
        return tm.mk_app(f, q, inst2), tm.mk_app(Const("decide_congr"), p, q, inst, inst2, iff)

    # -- rewriting ------------------------------------------------------------------------------

    def rewrite(self, e):
        """(new term, proof or None) by a built-in step or a rule, else None."""
        key, rules = head_key(e), self.rules
        proc = PROCS.get(key) if rules.procs else None
        found = proc(self, e) if proc is not None else None
        if found is not None and (found[1] is None or found[0] is TRUE or not rules.rfl_only):
            return found
        for rule in (*rules.table.get(key, ()), *rules.table.get(WILD, ())):
            usable = rule.origin not in rules.erased and (rule.rfl or not rules.rfl_only)
            if usable and may_match(rule.lhs, e, self.meta.ext.reducible):
                found = self.try_rule(rule, e)
                if found is not None:
                    return found
        return None

    def try_rule(self, rule, e):
        """(right side, proof or None) when the rule applies to e, else None."""
        meta = self.meta
        meta.tick()
        us = [meta.mk_level_mvar() for _ in rule.levels]
        mark = meta.save()
        ty = tm.instantiate_level_params(rule.type, rule.levels, us)
        mvars, infos, eq = meta.forall_meta(ty, reducing=False)
        with meta.transparency("reducible"):
            matches = meta.is_def_eq(eq.fn.arg, e)
        rhs = meta.inst(eq.arg) if matches and self.fill(mvars, infos) else e
        incomplete = rhs.flags & MVAR and not e.flags & MVAR
        if rhs is e or incomplete or (rule.perm and not ac_lt(meta, rhs, e)):
            meta.restore(mark)
            return None
        if rule.rfl:
            return meta.head_beta(rhs), None
        proof = tm.instantiate_level_params(rule.proof, rule.levels, us)
        return meta.head_beta(rhs), meta.inst(meta.beta(proof, mvars))

    def fill(self, mvars, infos) -> bool:
        """Instances are synthesized and side conditions discharged; False if that fails."""
        meta = self.meta
        for m, info in zip(mvars, infos, strict=True):
            if meta.is_assigned(m.id):
                continue
            ty = meta.inst(meta.decls[m.id].type)
            if info == "inst":
                value = self.instance(ty)
            elif not ty.flags & MVAR and meta.is_prop(ty):
                value = self.discharge(ty)
            else:
                return False
            if meta.is_assigned(m.id):
                continue
            if value is None:
                return False
            meta.assign_mvar(m.id, value)
        return True

    def instance(self, ty):
        """An instance of a class type, or None."""
        try:
            return self.meta.synth_inst(ty)
        except LeanError:
            return None

    def discharge(self, p):
        """A proof of p by simplification to True, or None."""
        if self.depth >= MAX_DISCHARGE_DEPTH:
            return None
        self.depth += 1
        new, proof = self.simp(p)
        self.depth -= 1
        return of_eq_true(p, proof) if new is TRUE else None


def of_eq_true(p, proof):
    """A proof of p from one of p = True (None: p is True by definition)."""
    return Const("True.intro") if proof is None else tm.mk_app(Const("of_eq_true"), p, proof)


_CONGR = {("ite", 5): Simp.congr_if, ("dite", 5): Simp.congr_if,
          ("Decidable.decide", 2): Simp.congr_decide}
