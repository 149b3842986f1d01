"""Inductive families: checks, constructors, recursor.

Follows `add_inductive` of Lean 4's inductive.cpp and lean4lean's `Inductive/Add.lean`, for one type
at a time. What differs: mutual and nested types are declined; the indices of every occurrence of
the type must not mention the type; the finished recursor and its rules are type-checked again.
"""

from dataclasses import replace

from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import AxiomDecl, ConstructorDecl, InductiveDecl, RecursorDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import Const, Pi, bind, get_app_fn_args, mk_app


def check_inductive(tc, spec):
    """[InductiveDecl, ConstructorDecl…, RecursorDecl] for a correct spec; raises KernelError."""
    if type(spec.num_params) is not int or spec.num_params < 0 or type(spec.ctors) is not tuple:
        raise KernelError("bad_decl", "malformed specification of an inductive type")
    names = [spec.name, f"{spec.name}.rec", *[name for name, _ in spec.ctors]]
    if len(set(names)) != len(names):
        raise KernelError("already_declared", f"'{spec.name}' declares a name twice")
    tc.check_header(spec.name, spec.level_params, spec.type)
    return _Adder(tc, spec).run()


class _Adder:
    """Checks one specification. All variables are opened once and stay open to the end.

    Of every constructor, `ctor_fields` has the fields and the indices of its result. `recursive`
    tells the variables xs and the indices of a recursive field, a variable of type
    Π xs, I params indices.
    """

    def __init__(self, tc, spec):
        self.env, self.tc, self.spec = tc.env, tc, spec
        self.levels = tuple([lv.param(p) for p in spec.level_params])
        self.ind = Const(spec.name, self.levels)
        self.recursive = {}

    def run(self):
        spec = self.spec
        self.declare(AxiomDecl(spec.name, spec.level_params, spec.type))
        self.open_type()
        self.ctor_fields = [self.check_ctor(name, type_) for name, type_ in spec.ctors]
        self.elim_level = self.choose_elim_level()
        ctors = [ConstructorDecl(name, spec.level_params, type_, spec.name, i, spec.num_params,
                                 len(self.ctor_fields[i][0]))
                 for i, (name, type_) in enumerate(spec.ctors)]
        decls = [InductiveDecl(spec.name, spec.level_params, spec.type, spec.num_params,
                               len(self.indices), tuple([c.name for c in ctors]),
                               bool(self.recursive), self.is_prop, self.elim_level), *ctors]
        self.declare(*decls)
        rec = self.recursor()
        self.recheck(rec, decls)
        return [*decls, rec]

    def declare(self, *decls):
        """Continue in the environment with `decls`, keeping open variables and step budget."""
        depth, steps = self.tc.depth, self.tc.steps
        self.tc = self.env._with(decls).checker()
        self.tc.depth, self.tc.steps = depth, steps

    def open(self, type_, reduce=lambda e: e):
        """(xs, rest): type_ is Π xs, rest, if every part is reduced before it is looked at."""
        xs, rest = [], reduce(type_)
        while type(rest) is Pi:
            xs.append(self.tc.new_local(rest.type, rest.name, rest.info))
            rest = reduce(tm.instantiate(rest.body, xs[-1]))
        return xs, rest

    # --- the type ---

    def open_type(self):
        """Open parameters and indices; find the universe of the type."""
        n = self.spec.num_params
        xs, rest = self.open(self.spec.type)
        sort = self.tc.whnf(rest)
        if type(sort) is not tm.Sort:
            code = "declined" if type(sort) is Pi else "bad_inductive"
            raise KernelError(code, f"the type of '{self.spec.name}' does not end in a sort")
        if len(xs) < n:
            raise KernelError("bad_inductive", f"'{self.spec.name}' has fewer than {n} parameters")
        self.level, self.is_prop = sort.level, lv.is_zero(sort.level)
        self.params, self.indices = xs[:n], xs[n:]

    def mentions(self, e):
        return self.spec.name in tm.const_names(e)

    def indices_of(self, e):
        """The indices if e is exactly `I params indices`, with indices that do not mention I."""
        fn, args = get_app_fn_args(e)
        n = len(self.params)
        good = (fn is self.ind and len(args) == n + len(self.indices) and args[:n] == self.params
                and not any([self.mentions(a) for a in args[n:]]))
        return args[n:] if good else None

    # --- constructors ---

    def check_ctor(self, name, type_):
        """(fields, indices of the result) of a constructor, checked."""
        tc = self.tc
        tc.check_header(name, self.spec.level_params, type_)
        for param in self.params:
            if type(type_) is not Pi or not tc.is_def_eq(type_.type, param.id[1]):
                raise KernelError("bad_constructor", f"'{name}' must start with the parameters")
            type_ = tm.instantiate(type_.body, param)
        fields, result = self.open(type_)
        for x in fields:
            level = tc.sort_level(x.id[1])
            if not (self.is_prop or lv.leq(level, self.level)):
                raise KernelError("field_universe", f"'{name}' has a field in universe ", level)
            self.check_positive(name, x)
        indices = self.indices_of(result)
        if indices is None:
            raise KernelError("bad_constructor", f"'{name}' does not return '{self.spec.name}'")
        return fields, indices

    def check_positive(self, name, field):
        """Strict positivity; a recursive field is recorded."""
        if not self.mentions(self.tc.whnf(field.id[1])):
            return
        xs, result = self.open(field.id[1], self.tc.whnf)
        if any([self.mentions(x.id[1]) for x in xs]):
            raise KernelError("positivity", f"'{name}' has a non-positive field")
        indices = self.indices_of(result)
        if indices is not None:
            self.recursive[field] = xs, indices
        elif self.mentions(result):
            if type(self.tc.head_decl(result)) is InductiveDecl:
                raise KernelError("declined", f"nested inductive type ('{name}')")
            raise KernelError("positivity", f"'{name}' has an invalid recursive field")

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
        return all([x in indices or self.tc.is_prop(x.id[1]) for x in fields])

    # --- recursor ---

    def recursor(self):
        """Build the recursor's type and rules."""
        spec, tc = self.spec, self.tc
        own = () if self.elim_level is None else (self.elim_level,)
        target = lv.param(self.elim_level) if own else lv.ZERO
        self.rec_const = Const(f"{spec.name}.rec", ((target,) if own else ()) + self.levels)
        major = tc.new_local(mk_app(self.ind, *self.params, *self.indices), "t", "default")
        motive_type = bind(Pi, [*self.indices, major], tm.Sort(target), "default")
        self.motive = tc.new_local(motive_type, "motive", "implicit")
        minors = [tc.new_local(self.minor_type(i), name.removeprefix(spec.name + "."), "default")
                  for i, (name, _) in enumerate(spec.ctors)]
        self.fixed = [*self.params, self.motive, *minors]
        type_ = bind(Pi, [major], mk_app(self.motive, *self.indices, major))
        type_ = bind(Pi, minors, bind(Pi, self.indices, type_, "implicit"))
        type_ = bind(Pi, [*self.params, self.motive], type_, "implicit")
        rules = tuple([self.rule(i, minor) for i, minor in enumerate(minors)])
        k = self.is_prop and len(spec.ctors) == 1 and not self.ctor_fields[0][0]
        return RecursorDecl(self.rec_const.name, own + spec.level_params, type_, spec.name,
                            len(self.params), len(self.fixed), len(self.indices), rules, k)

    def ctor_app(self, i):
        """Constructor number i applied to the parameters and its fields."""
        return mk_app(Const(self.spec.ctors[i][0], self.levels), *self.params,
                      *self.ctor_fields[i][0])

    def recursive_calls(self, i, close, fn, *args):
        """close xs, fn args indices (x xs): for each recursive field x of constructor i."""
        for x in [x for x in self.ctor_fields[i][0] if x in self.recursive]:
            xs, indices = self.recursive[x]
            yield x, bind(close, xs, mk_app(fn, *args, *indices, mk_app(x, *xs)))

    def minor_type(self, i):
        """Π fields, Π induction hypotheses, motive indices (ctor params fields)."""
        fields, indices = self.ctor_fields[i]
        hyps = [self.tc.new_local(type_, f"{x.id[2]}_ih", "default")
                for x, type_ in self.recursive_calls(i, Pi, self.motive)]
        return bind(Pi, [*fields, *hyps], mk_app(self.motive, *indices, self.ctor_app(i)))

    def rule(self, i, minor):
        """λ params motive minors fields, minor fields (λ xs, rec … (field xs))…"""
        fields, _ = self.ctor_fields[i]
        calls = [call for _, call in self.recursive_calls(i, tm.Lam, self.rec_const, *self.fixed)]
        return bind(tm.Lam, [*self.fixed, *fields], mk_app(minor, *fields, *calls))

    def recheck(self, rec, decls):
        """Type-check the recursor and, with it declared, both sides of every rule."""
        self.tc.check_header(rec.name, rec.level_params, rec.type)
        self.declare(*decls, replace(rec, rules=(), k=False))
        for i, (rule, (fields, indices)) in enumerate(
                zip(rec.rules, self.ctor_fields, strict=True)):
            left = mk_app(self.rec_const, *self.fixed, *indices, self.ctor_app(i))
            right = mk_app(rule, *self.fixed, *fields)
            self.tc.check_type(right, self.tc.infer(left, True))
