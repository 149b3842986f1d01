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
from minilean.front.errors import Declined, LeanError, StepLimit
from minilean.front.library import load_library
from minilean.front.parser import ParseError, Parser, parse_tactics
from minilean.front.plain import explain
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
    source = sx.Source(text)
    parser = Parser(source)
    while True:
        try:
            cmd = parser.command()
        except ParseError as err:
            partial = getattr(err, "partial", None)
            if partial is not None:
                cmds.run(partial)
            cmds.messages.append(("error", err.message, (err.pos, err.end)))
            parser.skip_to_command()
            continue
        except Declined as err:
            cmds.declined = cmds.declined or err.feature
            at = err.stx if err.stx is not None else (parser.tok.pos, None)
            cmds.messages.append(("error", f"minilean declined: {err.feature}", at))
            parser.skip_to_command()
            continue
        if cmd is None:
            return source, cmds.messages
        cmds.run(cmd)


class ProofState:
    """Goals with everything needed to continue: `roots` are the goals that must be closed."""

    __slots__ = ("decl_name", "goals", "level_names", "meta", "roots", "scope", "snap")

    def __init__(self, meta, snap, goals, roots, scope, level_names, decl_name):
        self.meta, self.snap, self.goals, self.roots = meta, snap, goals, roots
        self.scope, self.level_names, self.decl_name = scope, level_names, decl_name


class Session:
    """One REPL session. Environments and proof states are numbered from 0."""

    def __init__(self, library=None, timeout_s=DEFAULT_TIMEOUT_S):
        if sys.getrecursionlimit() < MIN_RECURSION:
            sys.setrecursionlimit(MIN_RECURSION)
        self.base = library or load_library()
        self.envs, self.states = [], []
        self.lost = None  # the first feature declined: later proof states count differently
        self.incomplete = {}  # number of an environment -> what was declined on the way to it
        self.timeout_s = timeout_s

    def clear(self):
        """Forget all environments and proof states; numbering starts again from 0."""
        self.envs, self.states, self.lost, self.incomplete = [], [], None, {}

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
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        cmds = CommandElab(state, MAX_STEPS, deadline)
        if root_goals:
            cmds.root_goals = []
        if all_tactics:
            cmds.tactics = []
        try:
            source, messages = run_text(cmds, code)
        except Exception as err:  # a bug of minilean must cost one answer, not the worker
            return self._internal_error(err)
        out = {}
        sorries = [self._sorry(s, source) for s in cmds.sorries]
        if root_goals:
            sorries += [self._sorry(s, source) for s in cmds.root_goals]
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

    def _internal_error(self, err):
        """The answer when minilean itself failed: declined, with the traceback in the log."""
        log.exception("internal error")
        return self._declined_command(f"internal error ({type(err).__name__}: {err})")

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
        start, end, meta, lctx, ty, elab = item
        with meta.with_lctx(lctx):
            goal = meta.mk_goal(meta.inst(ty))
        state = ProofState(meta, meta.snapshot(), [goal], [goal], elab.scope,
                           list(elab.level_names), elab.decl_name)
        number = self._add_state(state)
        return {"pos": position(source, start), "endPos": position(source, end),
                "goal": meta.pp_goal(goal), "proofState": number}

    def _tactic_step(self, item, source):
        stx, meta, snap, goals, texts, elab = item
        state = ProofState(meta, snap, goals, goals, elab.scope,
                           list(elab.level_names), elab.decl_name)
        lead = "\n  " if stx.kind == "calcSteps" else ""
        return {"tactic": lead + source.text[stx.pos:stx.end], "proofState": self._add_state(state),
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
        old = self.states[proof_state]
        try:
            block, source = parse_tactics(text)
        except ParseError as err:
            line, col = sx.Source(text).line_col(err.pos)
            return {"message": f"Lean error:\n<input>:{line}:{col}: {err.message}"}
        except Declined as err:
            return self._declined(err)
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        try:
            return self._run_tactic(old, block, deadline)
        except LeanError as err:
            return {"message": f"Lean error:\n{err.message}"}
        except Declined as err:
            return self._declined(err)
        except StepLimit as err:
            return {"message": f"Lean error:\n(deterministic) timeout at `elaborator`, {err}"}
        except KernelError as err:
            return {"message": f"Lean error:\n(kernel) {explain(err)}"}
        except RecursionError:
            return {"message": "Lean error:\nmaximum recursion depth has been reached"}
        except Exception as err:  # as in `command`
            log.exception("internal error")
            return self._declined(Declined(f"internal error ({type(err).__name__}: {err})"))

    def _declined(self, err):
        self.lost = self.lost or err.feature
        return {"message": f"Lean error:\nminilean declined: {err.feature}",
                "declined": err.feature}

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
        new = ProofState(meta, meta.snapshot(), ctx.goals, old.roots, old.scope,
                         elab.level_names, old.decl_name)
        out = {}
        if elab.sorries:
            out["sorries"] = [self._tactic_sorry(s, elab) for s in elab.sorries]
        if elab.messages:
            out["messages"] = [
                {"severity": s, "pos": {"line": 0, "column": 0},
                 "endPos": {"line": 0, "column": 0}, "data": text} for s, text, _ in elab.messages]
        out["proofStatus"] = self._status(meta, new)
        out["proofState"] = self._add_state(new)
        out["goals"] = [meta.pp_goal(g) for g in new.goals]
        return out

    def _tactic_sorry(self, item, elab):
        meta = elab.meta
        _, lctx, ty = item
        with meta.with_lctx(lctx):
            goal = meta.mk_goal(meta.inst(ty))
        state = ProofState(meta, meta.snapshot(), [goal], [goal], elab.scope,
                           list(elab.level_names), elab.decl_name)
        return {"goal": meta.pp_goal(goal), "proofState": self._add_state(state)}

    def _status(self, meta, state):
        """Completed only if the assembled term passes the kernel."""
        if state.goals:
            return "Incomplete: open goals remain"
        for root in state.roots:
            status = self._root_status(meta, root)
            if status != "Completed":
                return status
        return "Completed"

    def _root_status(self, meta, root):
        """Is the term for one root complete and accepted by the kernel?"""
        value = meta.inst(MVar(root))
        if value.flags & MVAR:
            return "Incomplete: contains metavariable(s)"
        if "sorryAx" in tm.const_names(value):
            return "Incomplete: contains sorry"
        fvars = [d.fvar for d in meta.decls[root].lctx.decls if not d.hidden]
        term, full = meta.mk_lambda(fvars, value), meta.mk_pi(fvars, meta.goal_type(root))
        full, term = TermElab.levels_to_params(_Levels(meta), full, term)
        levels = tuple(dict.fromkeys(tm.level_params_of(full) + tm.level_params_of(term)))
        make = TheoremDecl if meta.is_prop(full) else DefDecl
        try:
            meta.env.add(make("_proof", levels, full, term), kernel_steps(meta.deadline))
        except KernelError as err:
            return f"Error: kernel type check failed: (kernel) {explain(err)}"
        return "Completed"


class _Levels:
    """What levels_to_params needs of an elaborator."""

    def __init__(self, meta):
        self.meta, self.level_names = meta, []


def span(at):
    """(start, end) offsets of a syntax node, a (start, end) pair or a decl's name."""
    return at if isinstance(at, tuple) else (at.pos, at.end)


def position(source, offset):
    line, column = source.line_col(offset)
    return {"line": line, "column": column}
