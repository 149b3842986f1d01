"""Sessions: run Lean text and single tactics, answering as the Lean REPL does.

Protocol and wording: leanprover-community/repl. States are immutable: any number of commands may
start from one environment and any number of tactics from one proof state. A declined feature is an
error message "minilean declined: …" and the key "declined". Run: `python -m minilean repl`.
"""
from __future__ import annotations

import logging
import re
import sys
import time

from minilean.front import syntax as sx
from minilean.front.caches import kernel_steps
from minilean.front.command import CommandElab
from minilean.front.elab import TermElab
from minilean.front.errors import FAILURES, Declined, describe
from minilean.front.library import load_library
from minilean.front.parser import ParseError, Parser, parse_tactics
from minilean.front.plain import explain
from minilean.front.scope import Scope
from minilean.front.tactic_context import TacticContext
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl, TheoremDecl
from minilean.kernel.errors import KernelError
from minilean.kernel.term import MVAR, MVar

log = logging.getLogger(__name__)
DEFAULT_TIMEOUT_S = 60.0
MAX_STEPS = 2_000_000
_MORE_VARIABLES = re.compile(r"^variable\b", re.MULTILINE)
MIN_RECURSION = 8_000  # what an ordinary thread's stack holds; `in_big_stack` allows more


def run_text(cmds, text):
    """Run every command of `text`; (Source, messages). Parse errors become messages."""
    source = cmds.source = sx.Source(text)
    parser = Parser(source)
    while True:
        try:
            cmd = parser.command()
        except (ParseError, Declined) as err:
            if isinstance(err, ParseError):
                text, at = err.message, (err.pos, err.end)
            else:
                text, feature = describe(err)
                cmds.declined = cmds.declined or feature
                at = err.stx if err.stx is not None else (parser.tok.pos, None)
            cmds.messages.append(("error", text, at))
            parser.skip_to_command()
            continue
        if cmd is None:
            return source, cmds.messages
        cmds.run(cmd)


class ProofState:
    """Goals with everything needed to continue: `roots` are the goals that must be closed."""

    __slots__ = ("decl_name", "goals", "level_names", "meta", "roots", "scope", "snap")

    def __init__(self, elab, goals, roots=None, snap=None):
        self.meta, self.goals = elab.meta, goals
        self.roots = goals if roots is None else roots
        self.snap = elab.meta.snapshot() if snap is None else snap
        self.scope, self.decl_name = elab.scope, elab.decl_name
        self.level_names = list(elab.level_names)


class Session:
    """One REPL session. Environments and proof states are numbered from 0."""

    def __init__(self):
        if sys.getrecursionlimit() < MIN_RECURSION:
            sys.setrecursionlimit(MIN_RECURSION)
        self.base = load_library()
        self.clear()

    def clear(self):
        """Forget all environments and proof states; numbering starts again from 0."""
        self.envs, self.states = [], []
        self.lost = None  # the first feature declined: later proof states count differently
        self.incomplete = {}  # number of an environment -> what was declined on the way to it

    # --- commands -----------------------------------------------------------------------------

    def command(self, code, env=None, all_tactics=False, infotree=None, timeout_s=None,
                root_goals=False):
        """Run `code` on environment number `env` (None: the library); the REPL's answer."""
        if env is None:
            state = self.base
        elif isinstance(env, int) and 0 <= env < len(self.envs):
            state = self.envs[env]
        else:
            return self._unknown("environment")
        if infotree:
            return self._declined_command("infotree (allTactics is supported)")
        if state is not self.base and state.scope.variables and _MORE_VARIABLES.search(code):
            return self._declined_command("variables on top of an earlier request's (Lean's linter "
                                          "may warn of those)")
        cmds = CommandElab(state, MAX_STEPS, deadline_of(timeout_s))
        cmds.root_goals = [] if root_goals else None
        cmds.tactics = [] if all_tactics else None
        try:
            source, messages = run_text(cmds, code)
        except Exception as err:  # a bug of minilean must cost one answer, not the worker
            return self._declined_command(internal_error(err))
        out = {}
        sorries = [self._sorry(s, source) for s in (*cmds.sorries, *(cmds.root_goals or ()))]
        if all_tactics:
            out["tactics"] = [self._tactic_step(t, source) for t in cmds.tactics]
        if sorries:
            out["sorries"] = sorries
        if messages:
            out["messages"] = [self._message(m, source) for m in messages]
        out["env"] = self._add_env(cmds.state, cmds.declined or self.incomplete.get(env))
        if cmds.declined:
            self.lost = self.lost or cmds.declined
            out["declined"] = cmds.declined
        return out

    def _add_env(self, state, missing):
        self.envs.append(state)
        if missing:
            self.incomplete[len(self.envs) - 1] = missing
        return len(self.envs) - 1

    def _unknown(self, what):
        """The answer for a number nobody gave out; it may be one that a decline swallowed."""
        if self.lost is None:
            return {"message": f"Unknown {what}."}
        text = f"{what} after a declined request ({self.lost})"
        return {"message": f"Unknown {what}. minilean declined: {text}", "declined": text}

    def _declined_command(self, feature):
        """The answer to a command of which nothing was run; its environment is the library."""
        self.lost = self.lost or feature
        zero = {"line": 1, "column": 0}
        return {"messages": [{"severity": "error", "pos": zero, "endPos": None,
                              "data": f"minilean declined: {feature}"}],
                "env": self._add_env(self.base, feature), "declined": feature}

    def _message(self, message, source):
        severity, text, at = message
        start, end = span(at)
        return {"severity": severity, "pos": position(source, start),
                "endPos": None if end is None else position(source, end), "data": text}

    def _sorry(self, item, source):
        start, end, _, lctx, ty, elab = item
        return {"pos": position(source, start), "endPos": position(source, end),
                **self._hole(elab, lctx, ty)}

    def _hole(self, elab, lctx, ty):
        """The goal that a `sorry` leaves, and the number of a proof state for it."""
        meta = elab.meta
        with meta.with_lctx(lctx):
            goal = meta.mk_goal(meta.inst(ty))
        return {"goal": meta.pp_goal(goal), "proofState": self._add_state(ProofState(elab, [goal]))}

    def _tactic_step(self, item, source):
        stx, snap, goals, texts, elab = item
        lead = "\n  " if stx.kind == "calcSteps" else ""
        return {"tactic": lead + source.text[stx.pos:stx.end],
                "proofState": self._add_state(ProofState(elab, goals, snap=snap)),
                "pos": position(source, stx.pos), "endPos": position(source, stx.end),
                "goals": "\n".join(texts) if texts else "no goals", "usedConstants": []}

    def _add_state(self, state):
        self.states.append(state)
        return len(self.states) - 1

    # --- tactics ------------------------------------------------------------------------------

    def tactic(self, proof_state, text, timeout_s=None):
        """Run a tactic block on a proof state; the REPL's answer (a new state, or a message)."""
        if not isinstance(proof_state, int) or not 0 <= proof_state < len(self.states):
            return self._unknown("proof state")
        deadline = deadline_of(timeout_s)
        try:
            block, _ = parse_tactics(text)
            return self._run_tactic(self.states[proof_state], block, deadline)
        except ParseError as err:
            line, col = sx.Source(text).line_col(err.pos)
            return {"message": f"Lean error:\n<input>:{line}:{col}: {err.message}"}
        except FAILURES as err:
            return self._failed_tactic(*describe(err))
        except Exception as err:  # as in `command`
            return self._failed_tactic(*describe(Declined(internal_error(err))))

    def _failed_tactic(self, text, feature):
        self.lost = self.lost or feature
        out = {"message": f"Lean error:\n{text}"}
        return {**out, "declined": feature} if feature else out

    def _run_tactic(self, old, block, deadline):
        from minilean.front.tactic import run_tactic_seq
        meta = old.meta
        meta.load(old.snap)
        meta.steps, meta.deadline = MAX_STEPS, deadline
        elab = TermElab(meta, old.scope, [], old.decl_name)
        elab.level_names = list(old.level_names)
        elab.own_name = old.decl_name
        ctx = TacticContext(meta, elab, list(old.goals))
        run_tactic_seq(ctx, block)
        ctx.prune()
        new, zero = ProofState(elab, ctx.goals, old.roots), {"line": 0, "column": 0}
        out = {}
        if elab.sorries:
            out["sorries"] = [self._hole(elab, lctx, ty) for _, lctx, ty in elab.sorries]
        if elab.messages:
            out["messages"] = [{"severity": severity, "pos": zero, "endPos": zero, "data": data}
                               for severity, data, _ in elab.messages]
        out["proofStatus"] = _status(meta, new)
        out["proofState"] = self._add_state(new)
        out["goals"] = [meta.pp_goal(g) for g in new.goals]
        return out


def _status(meta, state):
    """Completed only if the assembled terms pass the kernel."""
    if state.goals:
        return "Incomplete: open goals remain"
    found = (_root_status(meta, root) for root in state.roots)
    return next((status for status in found if status != "Completed"), "Completed")


def _root_status(meta, root):
    """Is the term for one root complete and accepted by the kernel?"""
    value = meta.inst(MVar(root))
    if value.flags & MVAR:
        return "Incomplete: contains metavariable(s)"
    if "sorryAx" in tm.const_names(value):
        return "Incomplete: contains sorry"
    fvars = [d.fvar for d in meta.decls[root].lctx.decls if not d.hidden]
    term, full = meta.mk_lambda(fvars, value), meta.mk_pi(fvars, meta.goal_type(root))
    full, term = TermElab(meta, Scope()).levels_to_params(full, term)
    levels = tuple(dict.fromkeys(tm.level_params_of(full) + tm.level_params_of(term)))
    make = TheoremDecl if meta.is_prop(full) else DefDecl
    try:
        meta.env.add(make("_proof", levels, full, term), kernel_steps(meta.deadline))
    except KernelError as err:
        return f"Error: kernel type check failed: (kernel) {explain(err)}"
    return "Completed"


def deadline_of(timeout_s):
    """When (monotonic seconds) a request that starts now must end; None: the usual time."""
    return time.monotonic() + (DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s)


def internal_error(err):
    """The feature to decline when minilean itself failed; the traceback goes to the log."""
    log.exception("internal error")
    return f"internal error ({type(err).__name__}: {err})"


def span(at):
    """(start, end) offsets of a syntax node, a (start, end) pair or a decl's name."""
    return at if isinstance(at, tuple) else (at.pos, at.end)


def position(source, offset):
    line, column = source.line_col(offset)
    return {"line": line, "column": column}
