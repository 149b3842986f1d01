"""Inductive types, structures and classes, with their auxiliary definitions.

Follows Lean 4's `Lean/Elab/{Inductive,Structure}.lean` and `Lean/AuxRecursor.lean`. The kernel
makes the recursor; here come `casesOn`, `recOn` and the tables. Mutual and nested types are
declined. Run: `python -m pytest tests/minilean/test_elab.py`.
"""
from __future__ import annotations

from minilean.front.decl_run import DeclRun
from minilean.front.errors import LeanError
from minilean.front.meta import Meta
from minilean.front.scope import AutoBound
from minilean.front.terms import alpha_eq, is_app_of
from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, InductiveSpec, TheoremDecl
from minilean.kernel.term import MVAR, Const, Pi, Sort

HARMLESS_DERIVING = {"Repr", "Hashable", "ToString", "TypeName", "Nonempty", "ToExpr",
                     "Lean.ToExpr", "Lean.ToJson", "Lean.FromJson", "SizeOf"}


class TypeRun:
    """Shared by inductive types and structures: header, universes, adding to the kernel."""

    def __init__(self, cmds, cmd):
        self.cmds, self.cmd = cmds, cmd
        self.name = cmds.full_name(cmd.name, cmd.modifiers)
        if self.name in cmds.state.env:
            raise LeanError(f"`{self.name}` has already been declared", cmd.name_pos)
        self.elab = cmds.new_elab(self.name)
        self.meta = self.elab.meta
        if cmd.levels is not None:
            self.elab.level_names = [*cmd.levels, *self.elab.level_names]
        self.elab.auto_bound = cmds.state.scope.options.get("autoImplicit", True)
        self.decl = DeclRun(cmds, cmd)

    def run(self, body):
        """body() with section variables and parameters in scope (self.vars, self.params)."""
        def with_vars(var_decls):
            self.vars = list(var_decls)
            return self.elab.elab_binders(self.cmd.binders, with_params)

        def with_params(decls):
            self.params = list(decls)
            return body()
        self.decl.with_auto_bound(self.elab, lambda: self.elab.elab_binders(
            list(self.elab.scope.variables), with_vars))

    def used_vars(self, *terms):
        """Section variables that the type mentions, in order, with their dependencies."""
        used = set()
        for e in (*terms, *[d.type for d in self.params]):
            used |= {s.id for s in tm.subterms(self.meta.inst(e)) if type(s) is tm.FVar}
        for d in reversed(self.vars):
            if d.id in used:
                used |= {s.id for s in tm.subterms(d.type) if type(s) is tm.FVar}
        auto = list(self.decl.auto_decls)
        return auto + [d for d in self.vars if d.id in used]

    def type_local(self, ty):
        """A local standing for the type inside its own constructors."""
        d = self.meta.mk_local(self.cmd.name, ty, hidden=True)
        self.elab.rec_fns[d.id] = self.name
        self.elab.rec_short = self.cmd.name
        return d

    def add_spec(self, num_params, ty, ctors):
        """Generalise universes and hand the type to the kernel."""
        elab = self.elab
        out = elab.levels_to_params(ty, *[t for _, t in ctors])
        ty, types = out[0], out[1:]
        for e in out:
            if e.flags & MVAR:
                raise LeanError("Failed to infer the type of a constructor field or parameter",
                                self.cmd)
        used = []
        for e in out:
            used += [u for u in tm.level_params_of(e) if u not in used]
        order = {u: i for i, u in enumerate(elab.level_names)}
        levels = tuple(sorted(used, key=lambda u: order.get(u, 999)))
        ctors = tuple((n, t) for (n, _), t in zip(ctors, types, strict=False))
        self.cmds.add_decl(InductiveSpec(self.name, levels, num_params, ty, ctors))
        ext = self.cmds.own_ext()
        names = ext.own("namespaces")
        names.add(self.name)
        ns = self.name.rpartition(".")[0]
        if ns:
            names.add(ns)
        if "protected" in self.cmd.modifiers.flags:
            ext.own("protected").add(self.name)
        if "private" in self.cmd.modifiers.flags:
            ext.own("private")[self.name.removeprefix("_private.")] = self.name
        add_aux_recursors(self.cmds, self.name)
        return levels

    def finish(self):
        for attr in self.cmd.modifiers.attrs:
            if attr.name != "class":
                self.cmds.apply_attr(attr, self.name)
        for name in self.cmd.deriving:
            if name not in HARMLESS_DERIVING:
                derive(self.cmds, name, self.name, self.cmd)

    def out_params(self, decls):
        """Positions of outParam binders."""
        return tuple(i for i, d in enumerate(decls)
                     if is_app_of(d.type, "outParam", 1))

    def infer_level(self, u, field_types, at_least_one=True):
        """Assign the unknown result universe: the least one above all the fields."""
        meta = self.meta
        u = meta.inst_level(u)
        if not u.has_mvar:
            return
        level = lv.ONE if at_least_one else lv.ZERO
        for ty in field_types:
            s = meta.inst_level(meta.sort_level(ty))
            if u.kind == "mvar" and s.has_mvar and meta._occurs_level(u, s):
                continue
            level = lv.max_(level, s)
        if not meta.is_level_eq(u, level):
            raise LeanError("failed to compute resulting universe level of inductive datatype",
                            self.cmd)


def derive(cmds, cls, name, cmd):
    from minilean.front.deriving import derive_class
    derive_class(cmds, cls, name, cmd)


# --- inductive ----------------------------------------------------------------------------------

def declare_inductive(cmds, cmd):
    run = TypeRun(cmds, cmd)
    run.run(lambda: _inductive_body(run))
    run.finish()


def _inductive_body(run):
    cmd, elab, meta = run.cmd, run.elab, run.meta
    if cmd.type is None:
        ty = Sort(meta.mk_level_mvar())
    else:
        ty = elab.type_term(cmd.type)
    elab.synthesize("no")
    ty = meta.inst(ty)
    own = [d.fvar for d in run.params]
    for d in run.params:
        d.type = meta.inst(d.type)
    local = run.type_local(meta.mk_pi(own, ty))
    old_lctx = meta.lctx
    meta.lctx = meta.lctx.replace((local, *meta.lctx.decls))
    ctors, field_types = [], []
    try:
        for c in cmd.ctors:
            ctors.append(_constructor(run, c, local, ty, field_types))
    finally:
        meta.lctx = old_lctx
    result = ty
    while type(result) is Pi:
        result = result.body
    if type(result) is not Sort:
        result = meta.whnf(result)
    run.infer_level(result.level, field_types)
    vars_ = run.used_vars(ty, *[t for _, t in ctors])
    fixed = [d.fvar for d in vars_]
    params = [*fixed, *own]
    full = meta.mk_pi(params, ty)
    level_names = run.elab.levels_to_params(full, *[t for _, t in ctors])
    full = level_names[0]
    used = []
    for e in level_names:
        used += [u for u in tm.level_params_of(e) if u not in used]
    order = {u: i for i, u in enumerate(elab.level_names)}
    levels = tuple(lv.param(u) for u in sorted(used, key=lambda u: order.get(u, 999)))
    const = tm.mk_app(Const(run.name, levels), *fixed)
    out = []
    for (name, _), t in zip(ctors, level_names[1:], strict=False):
        t = tm.instantiate(tm.abstract(t, [local.fvar]), const)
        out.append((name, _implicit_params(meta, params, t)))
    num_params = len(params) + _promoted(meta, run.name, len(params), full, out)
    run.add_spec(num_params, full, out)
    if cmd.is_class:
        ext = run.cmds.own_ext()
        ext.own("classes")[run.name] = run.out_params([*vars_, *run.params])


def _implicit_params(meta, params, t):
    """∀ {params}, t"""
    t = meta.mk_pi(params, t)
    parts = []
    for _ in params:
        parts.append(t)
        t = t.body
    for p in reversed(parts):
        t = Pi(p.name, p.type, t, "implicit" if p.info != "inst" else "inst")
    return t


def _constructor(run, c, local, ty, field_types):
    """(full name, type without parameters) of one constructor; collects its field types."""
    elab, meta = run.elab, run.meta
    name = f"{run.name}.{c.name}"

    def k(decls):
        fvars = [d.fvar for d in decls]
        if c.type is None:
            if type(ty) is Pi:
                raise LeanError("Missing resulting type for constructor "
                                f"`{c.name}`: Its resulting type must be specified because it "
                                "is part of an inductive family declaration", c)
            result = tm.mk_app(local.fvar, *[d.fvar for d in run.params])
        else:
            result = elab.type_term(c.type)
        elab.synthesize("no")
        for d in decls:
            d.type = meta.inst(d.type)
        return meta.mk_pi([*[d.fvar for d in run.decl_auto], *fvars], meta.inst(result))
    names = []
    lctx = meta.lctx
    start = len(elab.messages)
    while True:
        run.decl_auto = []
        try:
            for n in names:
                d = meta.mk_local(n, meta.mk_type_mvar(), "implicit")
                meta.lctx = meta.lctx.add(d)
                run.decl_auto.append(d)
            t = elab.elab_binders(c.binders, k)
            break
        except AutoBound as err:
            names.append(err.name)
            del elab.messages[start:]
            elab.pending = []
        finally:
            meta.lctx = lctx
    t = meta.inst(t)
    decls, _ = meta.forall_locals(t, reducing=False)
    field_types += [d.type for d in decls]
    return name, t


def _promoted(meta, name, n, ty, ctors):
    """How many indices are really parameters (the same in every constructor)."""
    count = 0
    binders = []
    t = ty
    while type(t) is Pi:
        binders.append(t)
        t = t.body
    while n + count < len(binders) and all(
            _fixed_index(meta, name, n + count, binders[n + count], c) for _, c in ctors):
        count += 1
    return count if ctors else 0


def _fixed_index(meta, name, i, binder, ctor_type):
    decls, body = meta.forall_locals(ctor_type, reducing=False)
    if len(decls) <= i:
        return False
    x = decls[i].fvar
    want = tm.instantiate_rev(binder.type, [d.fvar for d in decls[:i]])
    if not alpha_eq(want, decls[i].type):
        return False
    for e in [*[d.type for d in decls], body]:
        for s in tm.subterms(e):
            f, args = tm.get_app_fn_args(s)
            if type(f) is Const and f.name == name and len(args) > i and args[i] is not x:
                return False
    f, args = tm.get_app_fn_args(body)
    return len(args) > i and args[i] is x


# --- auxiliary recursors ------------------------------------------------------------------------

def add_aux_recursors(cmds, name):
    """Defines name.casesOn and name.recOn."""
    env = cmds.state.env
    rec = env.lookup(f"{name}.rec")
    ext = cmds.own_ext()
    for suffix in ("casesOn", "recOn"):
        meta = Meta(cmds.state.env, ext)
        ty, value = _aux_recursor(meta, rec, suffix == "casesOn")
        full = f"{name}.{suffix}"
        prop = rec.level_params == env.lookup(name).level_params
        make = TheoremDecl if prop and meta.is_prop(ty) else DefDecl
        cmds.add_decl(make(full, rec.level_params, ty, value))
        ext.own("reducible").add(full)
        ext.own("protected").add(full)
        ext.own("elab_as_elim").add(full)
    ext.own("casesons").add(f"{name}.casesOn")
    ext.own("protected").add(f"{name}.rec")


def _aux_recursor(meta, rec, drop_ih):
    decls, result = meta.forall_locals(rec.type, reducing=False)
    p, m, k = rec.num_params, len(rec.rules), rec.num_indices
    params, motive = decls[:p], decls[p]
    minors, indices, major = decls[p + 1:p + 1 + m], decls[p + 1 + m:p + 1 + m + k], decls[-1]
    for d in [*params, motive, *indices]:
        d.bi = "implicit"
    new_minors, minor_args = [], []
    for d in minors:
        if drop_ih:
            nd, arg = _without_ih(meta, d, motive.fvar)
        else:
            nd, arg = d, d.fvar
        new_minors.append(nd)
        minor_args.append(arg)
    f = Const(rec.name, tuple(lv.param(u) for u in rec.level_params))
    value = tm.mk_app(f, *[d.fvar for d in params], motive.fvar, *minor_args,
                      *[d.fvar for d in indices], major.fvar)
    fvars = [d.fvar for d in [*params, motive, *indices, major, *new_minors]]
    return meta.mk_pi(fvars, result), meta.mk_lambda(fvars, value)


def _without_ih(meta, d, motive):
    """(minor premise without induction hypotheses, the term that ignores them)."""
    fields, body = meta.forall_locals(d.type, reducing=False)
    keep = []
    for x in fields:
        t = x.type
        while type(t) is Pi:
            t = t.body
        if tm.get_app_fn(t) is not motive:
            keep.append(x)
    new = meta.mk_local(d.name, meta.mk_pi([x.fvar for x in keep], body))
    arg = meta.mk_lambda([x.fvar for x in fields], tm.mk_app(new.fvar, *[x.fvar for x in keep]))
    return new, arg
