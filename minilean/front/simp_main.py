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
from minilean.front.simp import ac_lt, add_rules, head_key, heads_of, rules_of
from minilean.front.simp_procs import PROCS, congr_args
from minilean.front.tactic_util import beta_all
from minilean.front.terms import has_loose_bvar, is_app_of
from minilean.kernel import term as tm
from minilean.kernel.term import MVAR, App, Const, FVar, Lam, Let, Lit, Pi, Proj, Sort

MAX_DISCHARGE_DEPTH = 2
MAX_REWRITES = 20_000
CONDITIONS = {("ite", 5): 1, ("dite", 5): 1, ("Decidable.decide", 2): 0}  # argument numbers


@dataclass
class SimpSet:
    """Rules for one call: a table by head key, erased origins, options."""

    table: dict = field(default_factory=dict)
    erased: frozenset = frozenset()
    rfl_only: bool = False  # for dsimp
    contextual: bool = False
    hyps: bool = False  # the hypotheses of the goal are rules, too
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
        new, proof = e, None
        step = self.condition(e)
        if step is None:
            new, proof = self.congruence(e)
            step = self.rewrite(new)
        if step is None:
            return new, proof
        self.rewrites += 1
        if self.rewrites > MAX_REWRITES:
            raise LeanError("maximum recursion depth has been reached")
        proof = self.trans(e, new, step[0], proof, step[1])
        last, more = self.simp(step[0])
        return last, self.trans(e, step[0], last, proof, more)

    def reduce(self, e):
        """e after a step by definition at its head: beta, `let`, match, a decided `if`, …"""
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        if type(f) is Const and self.unfolds(f.name, args):
            return meta.unfold_def(e) or e
        if not meta.is_matcher(f) and type(f) not in (Lam, Let, Proj):
            return e
        with meta.transparency("reducible"):
            return meta.whnf_core(e)

    def unfolds(self, name: str, args) -> bool:
        """Is this an `if` on True or False or a projection of a constructor application?"""
        if name in ("ite", "dite"):
            return len(args) == 5 and args[1] in (TRUE, FALSE)
        info = self.meta.ext.projections.get(name)
        return info is not None and not info.is_class and len(args) > info.num_params \
            and self.meta.ctor_of(args[info.num_params])

    # -- congruence -----------------------------------------------------------------------------

    def congruence(self, e):
        """e with its parts simplified."""
        if type(e) is App:
            return self.congr_app(e)
        if type(e) is Lam or (type(e) is Pi and self.meta.is_prop(e)):
            return self.congr_binder(e)
        return e, None

    def congr_app(self, e):
        """Simplifies the arguments that are not fixed."""
        meta = self.meta
        f, args = tm.get_app_fn_args(e)
        ty, start, new, proofs = meta.inst(meta.infer(f)), 0, [], []
        for i, a in enumerate(args):
            if type(ty) is not Pi:
                ty, start = meta.expect_pi(tm.instantiate_rev(ty, args[start:i])), i
            fixed = self.is_fixed(ty, args[start:i], a)
            b, proof = (a, None) if fixed else self.simp(a)
            new.append(b)
            proofs.append(proof)
            ty = ty.body
        return (e, None) if new == args else congr_args(meta, f, args, new, proofs)

    def is_fixed(self, ty, before, a) -> bool:
        """Is the argument a for ty = (x : A) → B an instance, a proof, or does a type depend on it?

        `before` are the arguments that ty's loose variables stand for.
        """
        if ty.info == "inst" or type(a) is Lit:
            return True
        if has_loose_bvar(ty.body, 0):
            body = tm.instantiate_rev(ty, before).body
            if type(ty.type) is Sort or has_loose_bvar(beta_all(self.meta, body), 0):
                return True
        return type(a) is not FVar and self.meta.is_proof(a)

    def congr_binder(self, e):
        """fun x => b, ∀ x, p or p → q with the parts simplified; q with the help of p, if so set.

        The proof is by funext, forall_congr or implies_congr_ctx.
        """
        meta, run = self.meta, self
        arrow = type(e) is Pi and not e.body.loose and meta.is_prop(e.type)
        dom, dom_proof = self.simp(e.type) if arrow else (e.type, None)
        x = meta.mk_local(e.name, dom, e.info)
        if arrow and self.rules.contextual and dom is not TRUE and dom is not FALSE:
            run = Simp(meta, replace(self.rules, table=dict(self.rules.table)))
            add_rules(run.rules.table, rules_of(meta, x.id, x.fvar, dom))
        old = tm.instantiate(e.body, x.fvar)
        with meta.with_lctx(meta.lctx.add(x)):
            new, proof = run.simp(old)
            if new is old and dom is e.type:
                return e, None
            out = type(e)(e.name, dom, tm.abstract(new, [x.fvar]), e.info)
            if proof is None and dom_proof is None:
                return out, None
            proof = tm.abstract(proof or meta.mk_eq_refl(old), [x.fvar])
            by = Lam(e.name, dom, proof)
            if arrow:
                return out, tm.mk_app(Const("implies_congr_ctx"), e.type, dom, old, new,
                                      dom_proof or meta.mk_eq_refl(e.type), by)
            u = meta.sort_level(dom)
            functions = [Lam(e.name, dom, body, e.info) for body in (e.body, out.body)]
            if type(e) is Pi:
                return out, tm.mk_app(Const("forall_congr", (u,)), dom, *functions, by)
            ty = meta.inst(meta.infer(old))
            family = Lam(e.name, dom, tm.abstract(ty, [x.fvar]))
            return out, tm.mk_app(Const("funext", (u, meta.sort_level(ty))), dom, family,
                                  *functions, by)

    def condition(self, e):
        """(term, proof) with the condition of an `if` or `decide` simplified, or None.

        It comes before the branches, so that a decided condition selects one. That of a dependent
        `if` stays unless it is decided.
        """
        at = CONDITIONS.get(head_key(e))
        if at is None:
            return None
        f, args = tm.get_app_fn_args(e)
        new, proof = self.simp(args[at])
        inst = self.instance(App(Const("Decidable"), new))
        stays = f.name == "dite" and new is not TRUE and new is not FALSE
        if new is args[at] or inst is None or stays:
            return None
        proof = proof or self.meta.mk_eq_refl(new)
        step = tm.mk_app(Const(f"{f.name}_cond_congr", f.levels), *args, new, inst, proof)
        return self.meta.infer(step).arg, step

    # -- rewriting ------------------------------------------------------------------------------

    def rewrite(self, e):
        """(new term, proof or None) by a built-in step or a rule, else None."""
        key, rules, reducible = head_key(e), self.rules, self.meta.ext.reducible
        for proc in PROCS.get(key, ()) if rules.procs else ():
            found = proc(self, e)
            if found is not None and (found[1] is None or found[0] is TRUE or not rules.rfl_only):
                return found
        candidates = [*rules.table.get(key, ()), *rules.table.get(None, ())]
        heads = heads_of(e, reducible) if candidates else []
        for rule in candidates:
            usable = rule.origin not in rules.erased and (rule.rfl or not rules.rfl_only)
            if usable and rule.may_match(heads, reducible):
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
        if rhs is e or incomplete or (rule.perm and not ac_lt(rhs, e)):
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
            if not meta.is_assigned(m.id):
                ty = meta.inst(meta.decls[m.id].type)
                value = self.instance(ty) if info == "inst" else self.discharge(ty)
                if value is None:
                    return False
                meta.assign_mvar(m.id, value)
        return True

    def instance(self, ty):
        """An instance of a class type, or None."""
        return None if ty.flags & MVAR else self.meta.synth_inst(ty)

    def discharge(self, p):
        """A proof of p by simplification to True, or None."""
        if p.flags & MVAR or self.depth >= MAX_DISCHARGE_DEPTH or not self.meta.is_prop(p):
            return None
        self.depth += 1
        new, proof = self.simp(p)
        self.depth -= 1
        return of_eq_true(p, proof) if new is TRUE else None


def of_eq_true(p, proof):
    """A proof of p from one of p = True (None: p is True by definition)."""
    return Const("True.intro") if proof is None else tm.mk_app(Const("of_eq_true"), p, proof)
