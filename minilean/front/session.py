"""Sessions: run Lean text and single tactics, answering as the Lean REPL does.

Protocol and wording: leanprover-community/repl. States are immutable: any number of commands may
start from one environment and any number of tactics from one proof state. A declined feature is an
error message "minilean declined: …" and the key "declined"; after one, proof states count
differently from Lean's, and an environment may lack what was declined: answers that this touches
have the key "afterDeclined" (the feature). Run: `python -m minilean repl`.
"""
import time
from dataclasses import replace

from minilean.front import syntax as sx
from minilean.front.budget import kernel_steps
from minilean.front.command import CommandElab
from minilean.front.elab import TermElab
from minilean.front.errors import Declined, describe
from minilean.front.library import load_library
from minilean.front.parser import ParseError, parse_tactics
from minilean.front.tactic import TacticContext, run_tactic_seq
from minilean.kernel import term as tm
from minilean.kernel.env import DefDecl
from minilean.kernel.errors import KernelError

DEFAULT_TIMEOUT_S = 60.0
MAX_STEPS = 2_000_000


class Session:
    """One REPL session. Environments and proof states are numbered from 0; a proof state is
    (elaborator, goals, roots: the goals that must be closed in the end, snapshot)."""

    def __init__(self):
        self.base = load_library()
        self.clear()

    def clear(self):
        """Forget all environments and proof states; numbering starts again from 0."""
        self.envs, self.states = [], []
        self.lost = None  # the first feature declined

    # --- commands -----------------------------------------------------------------------------

    def command(self, code, env=None, all_tactics=False, infotree=None,
                timeout_s=DEFAULT_TIMEOUT_S, root_goals=False):
        """Run `code` on environment number `env` (None: the library); the REPL's answer."""
        state = self.base if env is None else _numbered(self.envs, env)
        if state is None:
            return self._answer(self.lost, {"message": "Unknown environment."})
        cmds = CommandElab(state, MAX_STEPS, time.monotonic() + timeout_s)
        cmds.root_goals = [] if root_goals else None
        cmds.tactics = [] if all_tactics else None
        try:
            if infotree:
                raise Declined("infotree (allTactics is supported)")
            cmds.run_text(code)
        except Exception as err:  # a bug of minilean must cost one answer, not the worker
            cmds = CommandElab(self.base)
            cmds.report(err, (0, None))
        self.envs.append(replace(cmds.state, missing=cmds.declined or state.missing))
        holes = [{**cmds.placed(at), **self._hole(elab, lctx, ty)}
                 for at, lctx, ty, elab in (*cmds.sorries, *(cmds.root_goals or ()))]
        return self._answer(state.missing, {
            "sorries": holes or None,
            "tactics": cmds.tactics and [self._step(cmds, *step) for step in cmds.tactics],
            "messages": [{"severity": severity, **cmds.placed(at), "data": text}
                         for severity, text, at in cmds.messages] or None,
            "env": len(self.envs) - 1,
            "declined": cmds.declined})

    def _answer(self, missing, parts):
        """The parts that there are; `missing`: what was declined on the way to the request."""
        out = {key: value for key, value in parts.items() if value is not None}
        if "declined" in out:
            self.lost = self.lost or out["declined"]
        elif missing or self.lost and {"sorries", "tactics"}.intersection(out):
            out["afterDeclined"] = missing or self.lost
        return out

    def _hole(self, elab, lctx, ty):
        """The goal that a `sorry` leaves, and the number of a proof state for it."""
        goal = elab.meta.mk_goal(elab.meta.inst(ty), lctx=lctx)
        return {"goal": elab.meta.pp_goal(goal), "proofState": self._add_state(elab, [goal])}

    def _step(self, cmds, stx, snap, goals, texts, elab):
        """A recorded tactic, with the proof state before it."""
        lead = "\n  " if stx.kind == "calcSteps" else ""
        return {"tactic": lead + cmds.text[stx.pos:stx.end], **cmds.placed(stx),
                "proofState": self._add_state(elab, goals, snap=snap),
                "goals": "\n".join(texts) if texts else "no goals", "usedConstants": []}

    def _add_state(self, elab, goals, roots=None, snap=None):
        self.states.append((elab, goals, roots or goals, snap or elab.meta.fork()))
        return len(self.states) - 1

    # --- tactics ------------------------------------------------------------------------------

    def tactic(self, proof_state, text, timeout_s=DEFAULT_TIMEOUT_S):
        """Run a tactic block on a proof state; the REPL's answer (a new state, or a message)."""
        state = _numbered(self.states, proof_state)
        if state is None:
            return self._answer(self.lost, {"message": "Unknown proof state."})
        try:
            parts = self._run_tactic(*state, text, time.monotonic() + timeout_s)
        except ParseError as err:
            line, column = sx.line_col(text, err.pos)
            parts = {"message": f"Lean error:\n<input>:{line}:{column}: {err.message}"}
        except Exception as err:  # as in `command`
            message, feature = describe(err)
            parts = {"message": f"Lean error:\n{message}", "declined": feature}
        return self._answer(self.lost, parts)

    def _run_tactic(self, old, goals, roots, snap, text, deadline):
        block = parse_tactics(text)
        meta = snap.fork()
        meta.steps, meta.deadline = MAX_STEPS, deadline
        elab = TermElab(meta, old.scope, decl_name=old.decl_name)
        elab.own_name, elab.level_names = old.decl_name, list(old.level_names)
        ctx = TacticContext(meta, elab, list(goals))
        run_tactic_seq(ctx, block)
        ctx.prune()
        nowhere = {"line": 0, "column": 0}
        return {
            "sorries": [self._hole(elab, lctx, ty) for _, lctx, ty in elab.sorries] or None,
            "messages": [{"severity": severity, "pos": nowhere, "endPos": nowhere, "data": data}
                         for severity, data, _ in elab.messages] or None,
            "proofState": self._add_state(elab, ctx.goals, roots),
            "proofStatus": _status(elab, ctx.goals, roots),
            "goals": [meta.pp_goal(g) for g in ctx.goals]}


def _status(elab, goals, roots):
    """Completed only if the assembled terms for all roots pass the kernel."""
    if goals:
        return "Incomplete: open goals remain"
    meta = elab.meta
    for root in roots:
        value = meta.inst(tm.MVar(root))
        if value.flags & tm.MVAR:
            return "Incomplete: contains metavariable(s)"
        if "sorryAx" in tm.const_names(value):
            return "Incomplete: contains sorry"
        fvars = [d.fvar for d in meta.decls[root].lctx.decls if not d.hidden]
        type_, term = elab.levels_to_params(meta.mk_pi(fvars, meta.goal_type(root)),
                                            meta.mk_lambda(fvars, value))
        decl = DefDecl("_proof", tuple(elab.level_names), type_, term)
        try:
            meta.env.add(decl, kernel_steps(meta.deadline))
        except KernelError as err:
            return f"Error: kernel type check failed: {describe(err)[0]}"
    return "Completed"


def _numbered(items, number):
    """The item of that number, or None."""
    known = isinstance(number, int) and 0 <= number < len(items)
    return items[number] if known else None

