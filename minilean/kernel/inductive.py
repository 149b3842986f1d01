"""Inductive families: checks, constructors, recursor.

Follows `add_inductive` of Lean 4's inductive.cpp and lean4lean's `Inductive/Add.lean`, for one type
at a time. What differs: mutual and nested types are declined; the indices of every occurrence of
the type must not mention the type; the finished recursor and its rules are type-checked again.
"""

from dataclasses import replace as with_fields

from minilean.kernel import level as lv
from minilean.kernel.env import AxiomDecl, ConstructorDecl, InductiveDecl, RecRule, RecursorDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import (
    Const,
    Lam,
    Pi,
    Sort,
    abstract,
    const_names,
    get_app_fn_args,
    instantiate,
    mk_app,
)


def check_inductive(tc, spec):
    """[InductiveDecl, ConstructorDecl…, RecursorDecl] for a correct spec; raises KernelError."""
    _check_shape(spec)
    tc.check_header(spec.name, spec.level_params, spec.type)
    return _Adder(tc.env, spec, tc.steps).run()


def _check_shape(spec):
    if type(spec.num_params) is not int or spec.num_params < 0 or type(spec.ctors) is not tuple:
        raise KernelError("bad_decl", "an inductive type needs a number of parameters and a tuple "
                          "of constructors")
    names = [spec.name, f"{spec.name}.rec", *[name for name, _ in spec.ctors]]
    if len(set(names)) != len(names):
        raise KernelError("already_declared", f"'{spec.name}' declares a name twice")


def _bind(binder, xs, infos, body):
    """Close body under the variables xs (outermost first) with Lam or Pi; infos: (name, info)."""
    body = abstract(body, xs)
    for i in range(len(xs) - 1, -1, -1):
        name, info = infos[i]
        body = binder(name, abstract(xs[i].id[1], xs[:i]), body, info)
    return body


class _Field:
    """A constructor field: variable `x`, (name, info), and for a recursive field the variables `xs`
    (with `infos`) and the indices `indices` in its type Π xs, I params indices."""

    def __init__(self, x, info):
        self.x, self.info, self.rec = x, info, False
        self.xs, self.infos, self.indices = [], [], []


class _Adder:
    """Checks one specification. All variables are opened once and stay open to the end."""

    def __init__(self, env, spec, steps):
        self.env, self.spec = env, spec
        self.tc = None
        self.steps = steps
        self.levels = tuple([lv.param(p) for p in spec.level_params])
        self.ind = Const(spec.name, self.levels)

    def run(self):
        spec = self.spec
        self.set_env(self.env._with([AxiomDecl(spec.name, spec.level_params, spec.type)]))
        self.open_type()
        self.ctor_fields = [self.check_ctor(name, type_) for name, type_ in spec.ctors]
        self.elim_level = self.choose_elim_level()
        ind = self.inductive_decl()
        ctors = [ConstructorDecl(name, spec.level_params, type_, spec.name, i, spec.num_params,
                                 len(fields))
                 for i, ((name, type_), (fields, _)) in enumerate(
                     zip(spec.ctors, self.ctor_fields, strict=True))]
        self.set_env(self.env._with([ind, *ctors]))
        rec = self.recursor()
        self.recheck(rec, [ind, *ctors])
        return [ind, *ctors, rec]

    def set_env(self, env):
        """Continue in `env`, keeping the open variables and the step budget."""
        depth, steps = (self.tc.depth, self.tc.steps) if self.tc else (0, self.steps)
        self.tc = env.checker()
        self.tc.depth, self.tc.steps = depth, steps

    # --- the type ---

    def open_type(self):
        """Open parameters and indices; find the universe of the type."""
        type_, xs, infos = self.spec.type, [], []
        while type(type_) is Pi:
            xs.append(self.tc.new_local(type_.type))
            infos.append((type_.name, type_.info))
            type_ = instantiate(type_.body, xs[-1])
        n = self.spec.num_params
        sort = self.tc.whnf(type_)
        if type(sort) is not Sort:
            code = "declined" if type(sort) is Pi else "bad_inductive"
            raise KernelError(code, f"the type of '{self.spec.name}' does not end in a sort")
        if len(xs) < n:
            raise KernelError("bad_inductive", f"'{self.spec.name}' has fewer than {n} parameters")
        self.level = sort.level
        self.is_prop = lv.is_zero(sort.level)
        self.params, self.indices = xs[:n], xs[n:]
        self.param_infos, self.index_infos = infos[:n], infos[n:]

    def mentions(self, e):
        return self.spec.name in const_names(e)

    def indices_of(self, e):
        """The indices if e is exactly `I params indices`, with indices that do not mention I."""
        fn, args = get_app_fn_args(e)
        n = len(self.params)
        if fn is not self.ind or len(args) != n + len(self.indices):
            return None
        if args[:n] != self.params or any([self.mentions(a) for a in args[n:]]):
            return None
        return args[n:]

    # --- constructors ---

    def check_ctor(self, name, type_):
        """(fields, indices of the result) of a constructor, checked."""
        tc, spec = self.tc, self.spec
        tc.check_header(name, spec.level_params, type_)
        for param in self.params:
            if type(type_) is not Pi or not tc.is_def_eq(type_.type, param.id[1]):
                raise KernelError("bad_constructor", f"'{name}' must start with the parameters")
            type_ = instantiate(type_.body, param)
        fields = []
        while type(type_) is Pi:
            fields.append(self.check_field(name, type_))
            type_ = instantiate(type_.body, fields[-1].x)
        indices = self.indices_of(type_)
        if indices is None:
            raise KernelError("bad_constructor", f"'{name}' must return '{spec.name}' applied to "
                              "its parameters and to indices")
        return fields, indices

    def check_field(self, name, pi):
        level = self.tc.sort_level(pi.type)
        if not (self.is_prop or lv.leq(level, self.level)):
            raise KernelError("field_universe", f"field '{pi.name}' of '{name}' lives in universe "
                              f"{level}, the type in {self.level}")
        field = _Field(self.tc.new_local(pi.type), (pi.name, pi.info))
        self.check_positive(name, pi.type, field)
        return field

    def check_positive(self, name, type_, field):
        """Strict positivity; a recursive field's type is recorded in `field`."""
        type_ = self.tc.whnf(type_)
        if not self.mentions(type_):
            return
        while type(type_) is Pi:
            if self.mentions(type_.type):
                raise KernelError("positivity", f"'{name}' has a non-positive occurrence of "
                                  f"'{self.spec.name}'")
            x = self.tc.new_local(type_.type)
            field.xs.append(x)
            field.infos.append((type_.name, type_.info))
            type_ = self.tc.whnf(instantiate(type_.body, x))
        indices = self.indices_of(type_)
        if indices is not None:
            field.rec, field.indices = True, indices
        elif self.mentions(type_):
            self.reject_occurrence(name, type_)

    def reject_occurrence(self, name, type_):
        fn, _ = get_app_fn_args(type_)
        if type(fn) is Const and type(self.env.get(fn.name)) is InductiveDecl:
            raise KernelError("declined", f"nested inductive type ('{name}')")
        raise KernelError("positivity", f"'{name}' has an invalid occurrence of "
                          f"'{self.spec.name}'")

    # --- elimination ---

    def choose_elim_level(self):
        """Name of the recursor's own universe parameter; None if it eliminates into Prop only."""
        if not lv.is_never_zero(self.level) and not self.is_subsingleton():
            return None
        name, i = "u", 0
        while name in self.spec.level_params:
            i += 1
            name = f"u_{i}"
        return name

    def is_subsingleton(self):
        """At most one constructor, whose every field is a proof or determined by the indices."""
        if len(self.ctor_fields) != 1:
            return not self.ctor_fields
        fields, indices = self.ctor_fields[0]
        return all([f.x in indices or self.tc.is_prop(f.x.id[1]) for f in fields])

    def inductive_decl(self):
        spec = self.spec
        is_rec = any([f.rec for fields, _ in self.ctor_fields for f in fields])
        return InductiveDecl(spec.name, spec.level_params, spec.type, spec.num_params,
                             len(self.indices), tuple([name for name, _ in spec.ctors]), is_rec,
                             self.is_prop, self.elim_level)

    # --- recursor ---

    def recursor(self):
        """Build the recursor's type and rules."""
        spec, tc = self.spec, self.tc
        own = () if self.elim_level is None else (self.elim_level,)
        self.rec_const = Const(f"{spec.name}.rec", tuple([lv.param(p) for p in own]) + self.levels)
        target = Sort(lv.param(self.elim_level) if own else lv.ZERO)
        major = tc.new_local(mk_app(self.ind, *self.params, *self.indices))
        family, infos = [*self.indices, major], [*self.index_infos, ("t", "default")]
        plain = [(name, "default") for name, _ in infos]
        self.motive = tc.new_local(_bind(Pi, family, plain, target))
        self.minors = [tc.new_local(self.minor_type(i)) for i in range(len(spec.ctors))]
        self.fixed = [*self.params, self.motive, *self.minors]
        names = [(name.removeprefix(spec.name + "."), "default") for name, _ in spec.ctors]
        self.fixed_infos = [*[(name, "implicit") for name, _ in self.param_infos],
                            ("motive", "implicit"), *names]
        infos = [*[(name, "implicit") for name, _ in self.index_infos], ("t", "default")]
        type_ = _bind(Pi, [*self.fixed, *family], [*self.fixed_infos, *infos],
                      mk_app(self.motive, *family))
        k = self.is_prop and len(spec.ctors) == 1 and not self.ctor_fields[0][0]
        rules = tuple([self.rule(i) for i in range(len(spec.ctors))])
        return RecursorDecl(self.rec_const.name, own + spec.level_params, type_, spec.name,
                            len(self.params), 1, len(self.minors), len(self.indices), rules, k)

    def minor_type(self, i):
        """Π fields, Π induction hypotheses, motive indices (ctor params fields)."""
        fields, indices = self.ctor_fields[i]
        xs, infos = [f.x for f in fields], [f.info for f in fields]
        for f in [f for f in fields if f.rec]:
            ih = mk_app(self.motive, *f.indices, mk_app(f.x, *f.xs))
            xs.append(self.tc.new_local(_bind(Pi, f.xs, f.infos, ih)))
            infos.append((f.info[0] + "_ih", "default"))
        ctor = Const(self.spec.ctors[i][0], self.levels)
        value = mk_app(ctor, *self.params, *[f.x for f in fields])
        return _bind(Pi, xs, infos, mk_app(self.motive, *indices, value))

    def rule(self, i):
        """λ params motive minors fields, minor fields (λ xs, rec … (field xs))…"""
        fields, _ = self.ctor_fields[i]
        body = mk_app(self.minors[i], *[f.x for f in fields])
        for f in [f for f in fields if f.rec]:
            call = mk_app(self.rec_const, *self.fixed, *f.indices, mk_app(f.x, *f.xs))
            body = mk_app(body, _bind(Lam, f.xs, f.infos, call))
        rhs = _bind(Lam, [*self.fixed, *[f.x for f in fields]],
                    [*self.fixed_infos, *[f.info for f in fields]], body)
        return RecRule(self.spec.ctors[i][0], len(fields), rhs)

    def recheck(self, rec, decls):
        """Type-check the recursor and, with it declared, both sides of every rule."""
        self.tc.check_header(rec.name, rec.level_params, rec.type)
        self.set_env(self.env._with([*decls, with_fields(rec, rules=(), k=False)]))
        for rule, (fields, indices) in zip(rec.rules, self.ctor_fields, strict=True):
            value = mk_app(Const(rule.ctor, self.levels), *self.params, *[f.x for f in fields])
            left = mk_app(self.rec_const, *self.fixed, *indices, value)
            right = mk_app(rule.rhs, *self.fixed, *[f.x for f in fields])
            self.tc.check_type(right, self.tc.infer(left, True))
