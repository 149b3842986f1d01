"""The simplifier: rewriting with rules below all congruences until nothing changes.

Follows Lean's `Lean/Meta/Tactic/Simp/{Main,Rewrite}.lean`: a term is reduced, its arguments are
simplified, then the rules for its head are tried; side conditions are discharged by simplifying
them to True. A result is (term, proof of old = new), with proof None when both are definitionally
equal.

Run: `python -m pytest tests/minilean/test_tactics.py`
"""

from __future__ import annotations

import weakref

from minilean.front.errors import LeanError
from minilean.front.simp import ac_lt, head_key, may_match, rules_of
from minilean.front.simp_procs import PROCS
from minilean.front.tactic_util import beta_all, congr_step
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.term import FVAR, MVAR, App, Const, FVar, Lam, Let, Lit, MVar, Pi, instantiate

TRUE, FALSE = Const("True"), Const("False")
MAX_DISCHARGE_DEPTH = 2
MAX_REWRITES = 20_000


_no_instance = weakref.WeakKeyDictionary()  # Meta -> class types without an instance


class SimpSet:
    """Rules for one call: the default set of the environment, extra rules, erased names,
    unfolds.
    """

    def __init__(self, meta, use_default: bool):
        self.meta = meta
        self.table = meta.ext.simp_lemmas if use_default else {}
        state = meta.ext.simp_state
        self.erased = {k[1] for k in state if k[0] == "erased"} if use_default else set()
        self.unfold = {k[1] for k in state if k[0] == "unfold"} if use_default else set()
        self.extra = {}
        self.sorted = {}
        self.rfl_only = self.contextual = False
        self.procs = True

    def add(self, rules) -> None:
        for rule in rules:
            self.sorted.pop(rule.key, None)
            self.extra.setdefault(rule.key, []).append(rule)

    def extended(self, rules):
        """A copy with more rules."""
        new = SimpSet(self.meta, False)
        new.table, new.erased, new.unfold = self.table, self.erased, self.unfold
        new.extra = {key: list(found) for key, found in self.extra.items()}
        new.rfl_only, new.contextual, new.procs = self.rfl_only, self.contextual, self.procs
        new.add(rules)
        return new

    def rules(self, key):
        """Rules for a head key in the order Lean tries them."""
        found = self.sorted.get(key)
        if found is None:
            found = [*self.table.get(key, ()), *self.extra.get(key, ())]
            if len(found) > 1:
                found.sort(key=lambda r: r.order)
            self.sorted[key] = found
        return found


class Simp:
    """One run of the simplifier."""

    def __init__(self, meta, rules: SimpSet):
        self.meta, self.rules = meta, rules
        self.cache = {}
        self.depth = 0
        self.rewrites = 0
        self.used_hyps = set()

    # -- results --------------------------------------------------------------------------------

    def eq_parts(self, ty):
        """Level and type for Eq between terms of type ty."""
        return self.meta.sort_level(ty)

    def trans(self, a, b, c, p, q):
        """Proof of a = c from p : a = b and q : b = c (either may be None)."""
        if p is None:
            return q
        if q is None:
            return p
        ty = self.meta.inst(self.meta.infer(a))
        return tm.mk_app(Const("Eq.trans", (self.eq_parts(ty),)), ty, a, b, c, p, q)

    def refl(self, a):
        ty = self.meta.inst(self.meta.infer(a))
        return tm.mk_app(Const("Eq.refl", (self.eq_parts(ty),)), ty, a)

    # -- the loop -------------------------------------------------------------------------------

    def simp(self, e):
        """(simplified e, proof or None)."""
        found = self.cache.get(e)
        if found is None:
            self.meta.tick()
            found = self.cache[e] = self._simp(e)
        return found

    def _simp(self, e):
        if self.is_value(e):
            return e, None
        r = self.reduce(e)
        if r is not e:
            new, proof = self.simp(r)
            return new, proof
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

    def is_value(self, e) -> bool:
        t = type(e)
        return t is Lit or t is tm.Sort or is_app_of(e, "OfNat.ofNat", 3)

    def reduce(self, e):
        """Beta, projections of constructors, matches on constructors, `let`, chosen definitions."""
        meta = self.meta
        t = type(e)
        if t is Let:
            return instantiate(e.body, e.value)
        if t is App:
            f, args = tm.get_app_fn_args(e)
            if type(f) is Lam:
                return meta.beta(f, args)
            if type(f) is Const:
                return self.reduce_const(e, f, args)
            if type(f) is tm.Proj:
                return meta.whnf_core(e)
        elif t is Const and e.name in self.rules.unfold:
            return meta.unfold_const(e) or e
        elif t is tm.Proj:
            return meta.whnf_core(e)
        return e

    def reduce_const(self, e, f, args):
        meta, ext = self.meta, self.meta.ext
        name = f.name
        if name in ext.matchers or name in ext.casesons:
            with meta.transparency("reducible"):
                r = meta.whnf_core(e)
            return r
        info = ext.projections.get(name)
        if info is not None and len(args) > info.num_params and not info.is_class:
            if meta.is_ctor_app(args[info.num_params]):
                r = meta.unfold_def(e)
                return e if r is None else r
        if name in self.rules.unfold:
            return self.unfold(e, f, args)
        return e

    def unfold(self, e, f, args):
        """One unfolding of a definition given to simp; recursive ones only on constructors."""
        meta = self.meta
        decl = meta.env.get(f.name)
        if type(decl) is not DefDecl:
            return e
        if len(args) < _lambda_arity(decl.value):
            return e
        with meta.transparency("default"):
            value = meta.unfold_const(f)
        return e if value is None else meta.beta(value, args)

    # -- congruence -----------------------------------------------------------------------------

    def congruence(self, e):
        t = type(e)
        if t is App:
            f = tm.get_app_fn(e)
            special = _CONGR.get(f.name) if type(f) is Const else None
            if special is not None:
                return special(self, e)
            return self.congr_app(e)
        if t is Lam:
            return self.congr_lambda(e)
        if t is Pi:
            return self.congr_pi(e)
        return e, None

    def congr_app(self, e):
        """Simplifies the arguments on which no type depends."""
        f, args = tm.get_app_fn_args(e)
        kinds = self.arg_kinds(f, args)
        proof = None
        old_prefix, new_prefix = f, f
        changed = False
        for a, kind in zip(args, kinds, strict=True):
            b, p = self.simp(a) if kind else (a, None)
            if b is not a:
                changed = True
            proof = congr_step(self.meta, old_prefix, new_prefix, a, b, proof, p)
            old_prefix, new_prefix = App(old_prefix, a), App(new_prefix, b)
        return (new_prefix, proof) if changed else (e, None)

    def arg_kinds(self, f, args):
        """Which arguments may be rewritten: explicit data on which nothing later depends."""
        meta = self.meta
        ty = meta.inst(meta.infer(f))
        out = []
        for a in args:
            if type(ty) is not Pi:
                ty = meta.whnf(meta.inst(ty))
                if type(ty) is not Pi:
                    out += [False] * (len(args) - len(out))
                    break
            ok = ty.info != "inst" and (not has_loose_bvar(ty.body, 0) or not has_loose_bvar(
                beta_all(meta, ty.body), 0))
            if ok and type(a) is not FVar and type(a) is not Lit and meta.is_proof(a):
                ok = False
            out.append(ok and type(a) is not Lit)
            ty = instantiate(ty.body, a)
        return out

    def congr_lambda(self, e):
        meta = self.meta
        x = meta.mk_local(e.name, e.type, e.info)
        body = instantiate(e.body, x.fvar)
        with meta.with_lctx(meta.lctx.add(x)):
            new, proof = self.simp(body)
            if new is body:
                return e, None
            out = meta.mk_lambda([x.fvar], new)
            if proof is None:
                return out, None
            beta_ty = meta.inst(meta.infer(body))
            u, v = meta.sort_level(e.type), meta.sort_level(beta_ty)
            beta = meta.mk_lambda([x.fvar], beta_ty)
            h = meta.mk_lambda([x.fvar], proof)
        return out, tm.mk_app(Const("funext", (u, v)), e.type, beta, e, out, h)

    def congr_pi(self, e):
        meta = self.meta
        if not meta.is_prop(e):
            return e, None
        if not e.body.loose and meta.is_prop(e.type):
            p, hp = self.simp(e.type)
            if self.rules.contextual and p is not TRUE and p is not FALSE:
                return self.congr_contextual(e, p, hp)
            q, hq = self.simp(e.body)
            if p is e.type and q is e.body:
                return e, None
            new = Pi(e.name, p, q, e.info)
            if hp is None and hq is None:
                return new, None
            hp = hp or self.refl(e.type)
            hq = hq or self.refl(e.body)
            return new, tm.mk_app(Const("implies_congr", (lv.ZERO, lv.ZERO)), e.type, p, e.body, q,
                                  hp, hq)
        x = meta.mk_local(e.name, e.type, e.info)
        body = instantiate(e.body, x.fvar)
        with meta.with_lctx(meta.lctx.add(x)):
            new, proof = self.simp(body)
            if new is body:
                return e, None
            out = meta.mk_pi([x.fvar], new)
            if proof is None:
                return out, None
            u = meta.sort_level(e.type)
            p, q = meta.mk_lambda([x.fvar], body), meta.mk_lambda([x.fvar], new)
            h = meta.mk_lambda([x.fvar], proof)
        return out, tm.mk_app(Const("forall_congr", (u,)), e.type, p, q, h)

    def congr_contextual(self, e, p, hp):
        """p → q where q is simplified with the help of p (`contextual := true`)."""
        meta = self.meta
        h = meta.mk_local("h✝", p)
        rules = self.rules.extended(rules_of(meta, h.id, h.fvar, p))
        with meta.with_lctx(meta.lctx.add(h)):
            q, hq = Simp(meta, rules).simp(e.body)
        if p is e.type and q is e.body:
            return e, None
        new = Pi(e.name, p, q, e.info)
        if hp is None and hq is None:
            return new, None
        hq = meta.mk_lambda([h.fvar], hq or self.refl(e.body))
        return new, tm.mk_app(Const("implies_congr_ctx"), e.type, p, e.body, q,
                              hp or self.refl(e.type), hq)

    def congr_ite(self, e):
        """Condition first; a decided condition selects its branch."""
        f, args = tm.get_app_fn_args(e)
        if len(args) != 5:
            return self.congr_app(e)
        ty, c, inst, a, b = args
        c2, p = self.simp(c)
        if c2 is TRUE or c2 is FALSE:
            p = p or tm.mk_app(Const("Eq.refl", (lv.ONE,)), tm.PROP, c)
            lemma = "ite_cond_eq_true" if c2 is TRUE else "ite_cond_eq_false"
            branch = a if c2 is TRUE else b
            step = tm.mk_app(Const(lemma, f.levels), ty, c, inst, a, b, p)
            new, q = self.simp(branch)
            return new, self.trans(e, branch, new, step, q)
        a2, pa = self.simp(a)
        b2, pb = self.simp(b)
        if c2 is c and a2 is a and b2 is b:
            return e, None
        inst2 = inst if c2 is c else self.instance(App(Const("Decidable"), c2))
        if inst2 is None:
            c2, p, inst2 = c, None, inst
        new = tm.mk_app(f, ty, c2, inst2, a2, b2)
        p = p or tm.mk_app(Const("Eq.refl", (lv.ONE,)), tm.PROP, c)
        ha = Lam("h", c2, pa or self.refl(a))
        hb = Lam("h", App(Const("Not"), c2), pb or self.refl(b))
        return new, tm.mk_app(Const("ite_congr", f.levels), ty, c, c2, a, b, a2, b2, inst, inst2,
                              p, ha, hb)

    def congr_dite(self, e):
        f, args = tm.get_app_fn_args(e)
        if len(args) != 5:
            return self.congr_app(e)
        ty, c, inst, a, b = args
        c2, p = self.simp(c)
        if c2 is not TRUE and c2 is not FALSE:
            return e, None
        p = p or tm.mk_app(Const("Eq.refl", (lv.ONE,)), tm.PROP, c)
        lemma, close = ("dite_cond_eq_true", "of_eq_true") if c2 is TRUE else (
            "dite_cond_eq_false", "of_eq_false")
        step = tm.mk_app(Const(lemma, f.levels), ty, c, inst, a, b, p)
        proof_c = tm.mk_app(Const(close), c, p)
        branch = self.meta.beta(a if c2 is TRUE else b, [proof_c])
        new, q = self.simp(branch)
        return new, self.trans(e, branch, new, step, q)

    def congr_decide(self, e):
        """`decide p` with a simplified p and the instance of the new proposition."""
        _, args = tm.get_app_fn_args(e)
        if len(args) != 2:
            return self.congr_app(e)
        meta = self.meta
        p, inst = args
        q, proof = self.simp(p)
        if q is p or proof is None:
            return e, None
        inst2 = meta.synth_inst(App(Const("Decidable"), q))
        if inst2 is None:
            return e, None
        new = tm.mk_app(Const("Decidable.decide"), q, inst2)
        iff = tm.mk_app(Const("Iff.of_eq"), p, q, proof)
        return new, tm.mk_app(Const("decide_congr"), p, q, inst, inst2, iff)

    # -- rewriting ------------------------------------------------------------------------------

    def rewrite(self, e):
        """(new term, proof or None) by a built-in step or a rule, else None."""
        key = head_key(e)
        proc = PROCS.get(key) if self.rules.procs else None
        if proc is not None:
            found = proc(self, e)
            if found is not None and (found[1] is None or found[0] is TRUE
                                      or not self.rules.rfl_only):
                return found
        rules = self.rules.rules(key)
        wild = self.rules.rules("*")
        if not rules and not wild:
            return None
        reducible = self.meta.ext.reducible
        for rule in (*rules, *wild):
            if self.rules.rfl_only and not rule.rfl:
                continue
            if rule.origin in self.rules.erased or not may_match(
                    rule.lhs, e, reducible):
                continue
            found = self.try_rule(rule, e)
            if found is not None:
                return found
        return None

    def try_rule(self, rule, e):
        meta = self.meta
        meta.tick()
        proof, ty = rule.proof, rule.type
        if rule.levels:
            us = [meta.mk_level_mvar() for _ in rule.levels]
            proof = tm.instantiate_level_params(proof, rule.levels, us)
            ty = tm.instantiate_level_params(ty, rule.levels, us)
        mark = meta.save()
        mvars, infos, eq = meta.forall_meta(ty, reducing=False)
        lhs = eq.fn.arg
        old = meta.transp
        meta.transp = "reducible"
        try:
            ok = meta.is_def_eq(lhs, e)
        finally:
            meta.transp = old
        if not ok or not self.fill(mvars, infos):
            meta.restore(mark)
            return None
        rhs = meta.inst(eq.arg)
        if rhs is e or rhs.flags & MVAR and not e.flags & MVAR:
            meta.restore(mark)
            return None
        if rule.perm and not ac_lt(meta, rhs, e):
            meta.restore(mark)
            return None
        if isinstance(rule.origin, int):
            self.used_hyps.add(rule.origin)
        if rule.rfl:
            return meta.head_beta(rhs), None
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
            if value is None or meta.is_assigned(m.id):
                if not meta.is_assigned(m.id):
                    return False
                continue
            meta.assign_mvar(m.id, value)
        return True

    def instance(self, ty):
        """An instance of a class type, or None; failures are remembered for the local context."""
        meta = self.meta
        key = (ty, meta.lctx.insts, meta.ext)
        known = _no_instance.setdefault(meta, set()) if not ty.flags & MVAR else None
        if known is not None and key in known:
            return None
        try:
            value = meta.synth_inst(ty)
        except LeanError:
            return None
        if value is None and known is not None:
            known.add(key)
        return value

    def discharge(self, p):
        """A proof of p by simplification to True, or None."""
        if self.depth >= MAX_DISCHARGE_DEPTH:
            return None
        self.depth += 1
        try:
            new, proof = self.simp(p)
        finally:
            self.depth -= 1
        if new is TRUE:
            return Const("True.intro") if proof is None else \
                tm.mk_app(Const("of_eq_true"), p, proof)
        if type(new) is Pi:
            return None
        return None


def _lambda_arity(value) -> int:
    n = 0
    while type(value) is Lam:
        n, value = n + 1, value.body
    return n


_CONGR = {"ite": Simp.congr_ite, "dite": Simp.congr_dite,
          "Decidable.decide": Simp.congr_decide}
__all__ = ["FVAR", "MVar", "Simp", "SimpSet"]
