"""Inductive families: checks, constructors, recursor.

Follows `add_inductive` of Lean 4's inductive.cpp and lean4lean's `Inductive/Add.lean`, for one type
at a time. What differs: mutual and nested types are declined; the indices of every occurrence of
the type must not mention the type; the finished recursor and its rules are type-checked again.
"""

from dataclasses import dataclass, replace

from minilean.kernel import level as lv
from minilean.kernel import term as tm
from minilean.kernel.env import AxiomDecl, ConstructorDecl, InductiveDecl, RecursorDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import Const, Expr, Lam, Pi, Sort, abstract, get_app_fn_args, mk_app


def check_inductive(tc, spec):
    """[InductiveDecl, ConstructorDecl…, RecursorDecl] for a correct spec; raises KernelError."""
    if type(spec.num_params) is not int or spec.num_params < 0 or type(spec.ctors) is not tuple:
        raise KernelError("bad_decl", "malformed specification of an inductive type")
    names = [spec.name, f"{spec.name}.rec", *[name for name, _ in spec.ctors]]
    if len(set(names)) != len(names):
        raise KernelError("already_declared", f"'{spec.name}' declares a name twice")
    tc.check_header(spec.name, spec.level_params, spec.type)
    return _Adder(tc, spec).run()


@dataclass(slots=True)
class _Binder:
    """An opened binder. For a recursive field, its type Π tele, I params indices is kept too."""
    x: Expr  # the variable
    name: str
    info: str = "default"
    tele: list | None = None  # binders
    indices: list | None = None  # terms


def _xs(binders):
    return [b.x for b in binders]


def _bind(close, binders, body):
    """Close body under the binders (outermost first) with Lam or Pi."""
    xs = _xs(binders)
    body = abstract(body, xs)
    for i in range(len(xs) - 1, -1, -1):
        b = binders[i]
        body = close(b.name, abstract(b.x.id[1], xs[:i]), body, b.info)
    return body


def _with_info(info, binders):
    return [replace(b, info=info) for b in binders]


class _Adder:
    """Checks one specification. All variables are opened once and stay open to the end."""

    def __init__(self, tc, spec):
        self.env, self.tc, self.spec = tc.env, tc, spec
        self.levels = tuple([lv.param(p) for p in spec.level_params])
        self.ind = Const(spec.name, self.levels)

    def run(self):
        spec = self.spec
        self.declare(AxiomDecl(spec.name, spec.level_params, spec.type))
        self.open_type()
        self.ctor_fields = [self.check_ctor(name, type_) for name, type_ in spec.ctors]
        self.elim_level = self.choose_elim_level()
        ctors = [ConstructorDecl(name, spec.level_params, type_, spec.name, i, spec.num_params,
                                 len(self.ctor_fields[i][0]))
                 for i, (name, type_) in enumerate(spec.ctors)]
        is_rec = any([f.tele is not None for fields, _ in self.ctor_fields for f in fields])
        decls = [InductiveDecl(spec.name, spec.level_params, spec.type, spec.num_params,
                               len(self.indices), tuple([c.name for c in ctors]), is_rec,
                               self.is_prop, self.elim_level), *ctors]
        self.declare(*decls)
        rec = self.recursor()
        self.recheck(rec, decls)
        return [*decls, rec]

    def declare(self, *decls):
        """Continue in the environment with `decls`, keeping open variables and step budget."""
        depth, steps = self.tc.depth, self.tc.steps
        self.tc = self.env._with(decls).checker()
        self.tc.depth, self.tc.steps = depth, steps

    def open(self, pi):
        """The opened binder of pi, and pi's body for it."""
        x = self.tc.new_local(pi.type)
        return _Binder(x, pi.name, pi.info), tm.instantiate(pi.body, x)

    # --- the type ---

    def open_type(self):
        """Open parameters and indices; find the universe of the type."""
        type_, binders, n = self.spec.type, [], self.spec.num_params
        while type(type_) is Pi:
            binder, type_ = self.open(type_)
            binders.append(binder)
        sort = self.tc.whnf(type_)
        if type(sort) is not Sort:
            code = "declined" if type(sort) is Pi else "bad_inductive"
            raise KernelError(code, f"the type of '{self.spec.name}' does not end in a sort")
        if len(binders) < n:
            raise KernelError("bad_inductive", f"'{self.spec.name}' has fewer than {n} parameters")
        self.level = sort.level
        self.is_prop = lv.is_zero(sort.level)
        self.params, self.indices = binders[:n], binders[n:]

    def mentions(self, e):
        return self.spec.name in tm.const_names(e)

    def indices_of(self, e):
        """The indices if e is exactly `I params indices`, with indices that do not mention I."""
        fn, args = get_app_fn_args(e)
        n = len(self.params)
        if fn is not self.ind or len(args) != n + len(self.indices):
            return None
        if args[:n] != _xs(self.params) or any([self.mentions(a) for a in args[n:]]):
            return None
        return args[n:]

    # --- constructors ---

    def check_ctor(self, name, type_):
        """(fields, indices of the result) of a constructor, checked."""
        tc, spec = self.tc, self.spec
        tc.check_header(name, spec.level_params, type_)
        for param in _xs(self.params):
            if type(type_) is not Pi or not tc.is_def_eq(type_.type, param.id[1]):
                raise KernelError("bad_constructor", f"'{name}' must start with the parameters")
            type_ = tm.instantiate(type_.body, param)
        fields = []
        while type(type_) is Pi:
            level = tc.sort_level(type_.type)
            if not (self.is_prop or lv.leq(level, self.level)):
                raise KernelError("field_universe", f"'{name}' has a field in universe ", level)
            field, type_ = self.open(type_)
            self.check_positive(name, field)
            fields.append(field)
        indices = self.indices_of(type_)
        if indices is None:
            raise KernelError("bad_constructor", f"'{name}' does not return '{spec.name}'")
        return fields, indices

    def check_positive(self, name, field):
        """Strict positivity; of a recursive field, `tele` and `indices` are recorded."""
        type_, tele = self.tc.whnf(field.x.id[1]), []
        if not self.mentions(type_):
            return
        while type(type_) is Pi:
            if self.mentions(type_.type):
                raise KernelError("positivity", f"'{name}' has a non-positive field")
            binder, type_ = self.open(type_)
            tele.append(binder)
            type_ = self.tc.whnf(type_)
        indices = self.indices_of(type_)
        if indices is not None:
            field.tele, field.indices = tele, indices
        elif self.mentions(type_):
            if type(self.tc.head_decl(type_)) is InductiveDecl:
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
        return all([x in indices or self.tc.is_prop(x.id[1]) for x in _xs(fields)])

    # --- recursor ---

    def recursor(self):
        """Build the recursor's type and rules."""
        spec, tc = self.spec, self.tc
        own = () if self.elim_level is None else (self.elim_level,)
        self.rec_const = Const(f"{spec.name}.rec", tuple([lv.param(p) for p in own]) + self.levels)
        target = Sort(lv.param(self.elim_level) if own else lv.ZERO)
        value = mk_app(self.ind, *_xs(self.params), *_xs(self.indices))
        family = [*self.indices, _Binder(tc.new_local(value), "t")]
        self.motive = tc.new_local(_bind(Pi, _with_info("default", family), target))
        minors = [_Binder(tc.new_local(self.minor_type(i)), name.removeprefix(spec.name + "."))
                  for i, (name, _) in enumerate(spec.ctors)]
        self.fixed = [*_with_info("implicit", self.params),
                      _Binder(self.motive, "motive", "implicit"), *minors]
        type_ = _bind(Pi, [*self.fixed, *_with_info("implicit", self.indices), family[-1]],
                      mk_app(self.motive, *_xs(family)))
        rules = tuple([self.rule(i, minor.x) for i, minor in enumerate(minors)])
        k = self.is_prop and len(spec.ctors) == 1 and not self.ctor_fields[0][0]
        return RecursorDecl(self.rec_const.name, own + spec.level_params, type_, spec.name,
                            len(self.params), len(self.fixed), len(self.indices), rules, k)

    def ctor_app(self, i):
        """Constructor number i applied to the parameters and its fields."""
        return mk_app(Const(self.spec.ctors[i][0], self.levels), *_xs(self.params),
                      *_xs(self.ctor_fields[i][0]))

    def minor_type(self, i):
        """Π fields, Π induction hypotheses, motive indices (ctor params fields)."""
        fields, indices = self.ctor_fields[i]
        hyps = []
        for f in [f for f in fields if f.tele is not None]:
            ih = mk_app(self.motive, *f.indices, mk_app(f.x, *_xs(f.tele)))
            hyps.append(_Binder(self.tc.new_local(_bind(Pi, f.tele, ih)), f.name + "_ih"))
        return _bind(Pi, [*fields, *hyps], mk_app(self.motive, *indices, self.ctor_app(i)))

    def rule(self, i, minor):
        """λ params motive minors fields, minor fields (λ tele, rec … (field tele))…"""
        fields, _ = self.ctor_fields[i]
        body = mk_app(minor, *_xs(fields))
        for f in [f for f in fields if f.tele is not None]:
            call = mk_app(self.rec_const, *_xs(self.fixed), *f.indices, mk_app(f.x, *_xs(f.tele)))
            body = mk_app(body, _bind(Lam, f.tele, call))
        return _bind(Lam, [*self.fixed, *fields], body)

    def recheck(self, rec, decls):
        """Type-check the recursor and, with it declared, both sides of every rule."""
        self.tc.check_header(rec.name, rec.level_params, rec.type)
        self.declare(*decls, replace(rec, rules=(), k=False))
        fixed = _xs(self.fixed)
        for i, (rule, (fields, indices)) in enumerate(
                zip(rec.rules, self.ctor_fields, strict=True)):
            left = mk_app(self.rec_const, *fixed, *indices, self.ctor_app(i))
            right = mk_app(rule, *fixed, *_xs(fields))
            self.tc.check_type(right, self.tc.infer(left, True))
