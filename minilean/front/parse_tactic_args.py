"""The syntax of each tactic: readers of what follows its name.

An entry of `TACTICS` takes the parser and returns the arguments that the tactic's handler takes.

Run: `python -m pytest tests/minilean/test_parser.py`
"""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as S
from .errors import Declined
from .parse_term import MAX


def _none(p) -> tuple:
    return ()


def _term(p) -> tuple:
    return (p.term(),)


def _seq(p) -> tuple:
    return (p.tactic_seq(),)


def _intro(p) -> tuple:
    if p.at("|"):
        return ([], p.match_alts(p.tactic_seq))
    if p.at("."):
        raise Declined("intro.")
    return (p.column_terms(), None)


def _intros(p) -> tuple:
    return (p.names(),)


def _rewrite(p) -> tuple:
    config = p.config()
    if config:
        raise Declined(f"rw option {config[0][0]}")
    p.expect("[")
    saved, p.col = p.col, -1
    rules = []
    while not p.at("]"):
        start = p.pos[p.i]
        symm = p.accept("←") or p.accept("<-")
        rules.append(S.RwRule(start, 0, symm, p.term()))
        rules[-1].end = p.end()
        if not p.accept(","):
            break
    p.expect("]")
    p.col = saved
    return (rules, p.location())


def _cases(p) -> tuple:
    targets = p.elim_targets()
    using = p.term() if p.accept("using") else None
    return (targets, using, *p.induction_alts())


def _induction(p) -> tuple:
    targets = p.elim_targets()
    using = p.term() if p.accept("using") else None
    general = p.idents() if p.accept("generalizing") else []
    return (targets, using, general, *p.induction_alts())


def _rcases(p) -> tuple:
    targets = p.elim_targets()
    return (targets, p.rcases_alts() if p.accept("with") else None)


def _obtain(p) -> tuple:
    pat = p.rcases_alts() if p.starts_rcases_pattern() else None
    kind = p.term() if p.accept(":") else None
    values = p.comma_terms() if p.accept(":=") else None
    return (pat, kind, values)


def _rintro(p) -> tuple:
    pats = []
    while p.starts_rcases_pattern():
        pats.append(p.rcases_one())
    if not pats:
        p.fail("rcases pattern")
    kind = p.term() if p.accept(":") else None
    return (pats, kind)


def _have(p) -> tuple:
    return p.local_decl()


def _suffices(p) -> tuple:
    return p.suffices_head()


def _show(p) -> tuple:
    kind = p.term()
    if p.at("from") or p.at("by"):
        return (kind, p.from_or_by("'from' or 'by'"))
    return (kind, None)


def _change(p) -> tuple:
    term = p.term()
    if p.at("with"):
        raise Declined("change … with …")
    return (term, p.location())


def _terms(p) -> tuple:
    return (p.comma_terms(),)


def _by_cases(p) -> tuple:
    name = None
    if p.kind[p.i] in ("id", "hole") and p.text[p.i + 1] == ":":
        name = p.text[p.i]
        p.i += 2
    return (name, p.term())


def _by_contra(p) -> tuple:
    if p.starts_rcases_pattern() and p.kind[p.i] not in ("id", "hole"):
        raise Declined("by_contra with a pattern")
    name = p.names()
    return (name[0] if name else None, p.term() if p.accept(":") else None)


def _injection(p) -> tuple:
    term = p.term()
    return (term, p.names() if p.accept("with") else [])


def _injections(p) -> tuple:
    return (p.names() if p.accept("with") else p.names(),)


def _idents(p) -> tuple:
    return (p.idents(),)


def _subst(p) -> tuple:
    return (p.column_terms(),)


def _unfold(p) -> tuple:
    return (p.idents(), p.location())


def _generalize(p) -> tuple:
    items = []
    while True:
        name = None
        if p.kind[p.i] in ("id", "hole") and p.text[p.i + 1] == ":":
            name = p.text[p.i]
            p.i += 2
        value = p.term(51)
        p.expect("=")
        items.append((name, value, p.ident()))
        if not p.accept(","):
            return (items, p.location())


def _ext(p) -> tuple:
    pats = []
    while p.starts_rcases_pattern():
        pats.append(p.rcases_one())
    if p.at(":"):
        raise Declined("ext with a depth")
    return (pats,)


def _congr(p) -> tuple:
    if p.kind[p.i] == "num" and not p.nl[p.i]:
        p.i += 1
        return (int(p.text[p.i - 1]),)
    return (None,)


def _split(p) -> tuple:
    term = p.term(MAX) if p.starts_argument() else None
    return (term, p.location())


def _simp_args(p) -> list[S.SimpArg] | None:
    if not p.at("["):
        return None
    p.i += 1
    saved, p.col = p.col, -1
    args = []
    while not p.at("]"):
        start = p.pos[p.i]
        if p.accept("*"):
            args.append(S.SimpArg(start, p.end(), None, star=True))
        elif p.accept("-"):
            args.append(S.SimpArg(start, 0, p.term(MAX), erase=True))
        else:
            if p.accept("↓") or p.accept("↑"):
                raise Declined("simp ↓/↑ lemma")
            symm = p.accept("←") or p.accept("<-")
            args.append(S.SimpArg(start, 0, p.term(), symm=symm))
        args[-1].end = p.end()
        if not p.accept(","):
            break
    p.expect("]")
    p.col = saved
    return args


def _accept_only(p) -> bool:
    if p.kind[p.i] == "id" and p.text[p.i] == "only":
        p.i += 1
        return True
    return False


def _simp(p) -> tuple:
    config = p.config()
    only = _accept_only(p)
    args = _simp_args(p)
    return (config, only, args, p.location())


def _simpa(p) -> tuple:
    config = p.config()
    only = _accept_only(p)
    args = _simp_args(p)
    return (config, only, args, p.term() if p.accept("using") else None)


def _simp_all(p) -> tuple:
    config = p.config()
    only = _accept_only(p)
    return (config, only, _simp_args(p))


def _rename(p) -> tuple:
    kind = p.term()
    p.arrow()
    return (kind, p.ident())


def _first(p) -> tuple:
    alts = []
    with p.position():
        while p.at("|") and p.cols[p.i] >= p.col:
            p.i += 1
            alts.append(p.tactic_seq())
    if not alts:
        p.fail("'|'")
    return (alts,)


def _case(p) -> tuple:
    tags = []
    while True:
        if p.kind[p.i] not in ("id", "hole"):
            p.fail("identifier or '_'")
        p.i += 1
        tags.append((p.text[p.i - 1], p.names()))
        if not p.accept("|"):
            break
    p.arrow()
    return (tags, p.tactic_seq())


def _next(p) -> tuple:
    names = p.names()
    p.arrow()
    return (names, p.tactic_seq())


def _iterate(p) -> tuple:
    count = None
    if p.kind[p.i] == "num":
        count = int(p.text[p.i])
        p.i += 1
    return (count, p.tactic_seq())


def _match(p) -> tuple:
    discrs, motive = p.match_head()

    def rhs() -> S.Node:
        if p.kind[p.i] in ("hole", "synth"):
            return p.term(MAX)
        return p.tactic_seq()

    return (discrs, p.match_alts(rhs), motive)


def _if(p) -> tuple:
    name, cond = _by_cases(p)
    p.expect("then")
    then = p.tactic_seq()
    p.expect("else")
    return (name, cond, then, p.tactic_seq())


def _calc(p) -> tuple:
    return (p.calc_steps(),)


def _at_only(p) -> tuple:
    return (p.location(),)


def _conv(p) -> tuple:
    raise Declined("tactic conv")


def _open(p) -> tuple:
    raise Declined("tactic open … in")


def _nomatch(p) -> tuple:
    return (p.comma_terms(),)


def _decide(p) -> tuple:
    config = p.config()
    if config:
        raise Declined(f"decide option {config[0][0]}")
    return ()

TACTICS: dict[str, Callable[..., tuple]] = {
    "intro": _intro, "intros": _intros, "exact": _term, "apply": _term, "refine": _term,
    "refine'": _term, "assumption": _none, "rfl": _none, "trivial": _none, "contradiction": _none,
    "exfalso": _none, "done": _none, "skip": _none, "constructor": _none, "left": _none,
    "right": _none, "rw": _rewrite, "rewrite": _rewrite, "rwa": _rewrite, "cases": _cases,
    "induction": _induction, "rcases": _rcases, "obtain": _obtain, "rintro": _rintro, "have": _have,
    "let": _have, "suffices": _suffices, "show": _show, "change": _change, "exists": _terms,
    "use": _terms, "by_cases": _by_cases, "by_contra": _by_contra, "injection": _injection,
    "injections": _injections, "subst": _subst, "subst_vars": _none, "unfold": _unfold,
    "specialize": _term, "revert": _idents, "generalize": _generalize, "funext": _intros,
    "ext": _ext, "congr": _congr, "split": _split, "simp": _simp, "dsimp": _simp, "simpa": _simpa,
    "simp_all": _simp_all, "clear": _idents, "rename_i": _intros, "rename": _rename,
    "first": _first,
    "try": _seq, "repeat": _seq, "repeat'": _seq, "repeat1": _seq, "all_goals": _seq,
    "any_goals": _seq, "focus": _seq, "case": _case, "case'": _case, "next": _next,
    "iterate": _iterate, "match": _match, "if": _if, "calc": _calc, "symm": _at_only,
    "nomatch": _nomatch, "nofun": _none, "sorry": _none, "admit": _none, "absurd": _term,
    "infer_instance": _none, "ac_rfl": _none, "decide": _decide,
    "conv": _conv, "open": _open, "set_option": _open,
}
