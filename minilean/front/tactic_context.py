"""What a running tactic sees: its goals, and the elaborator for the terms it contains.

Follows Lean 4's `TacticM` (`Lean/Elab/Tactic/Basic.lean`).
Run: `python -m pytest tests/minilean/test_tactics.py`.
"""
from __future__ import annotations

from minilean.front.errors import LeanError


class TacticContext:
    """What a running tactic sees: the goals, and the elaborator for the terms it contains."""

    __slots__ = ("data", "elab", "goals", "meta", "recover")

    def __init__(self, meta, elab, goals, recover=True):
        self.meta, self.elab, self.goals = meta, elab, goals
        self.recover = recover
        self.data = {}

    @property
    def recorder(self):
        return self.elab.recorder

    @property
    def messages(self):
        return self.elab.messages

    def prune(self):
        """Drop the goals that have been assigned."""
        assigned, delayed = self.meta.assign, self.meta.delayed
        self.goals = [g for g in self.goals if g not in assigned and g not in delayed]

    def main(self):
        """The first unassigned goal; LeanError "No goals …" when there is none."""
        self.prune()
        if not self.goals:
            raise LeanError("No goals to be solved")
        return self.goals[0]

    def set_goals(self, goals):
        self.goals = list(goals)

    def replace_main(self, new):
        self.goals = [*new, *self.goals[1:]]

    def save(self):
        """A mark for `restore`: assignments, goals, messages and pending problems."""
        elab = self.elab
        return (self.meta.save(), list(self.goals), len(elab.messages), list(elab.pending),
                elab.had_error, len(elab.sorries))

    def restore(self, mark):
        elab = self.elab
        self.meta.restore(mark[0])
        self.goals = list(mark[1])
        del elab.messages[mark[2]:]
        elab.pending = list(mark[3])
        elab.had_error = mark[4]
        del elab.sorries[mark[5]:]

    def focus(self, goal, fn):
        """Run fn() with `goal` as the only goal; returns the goals it leaves."""
        rest = self.goals
        self.goals = [goal]
        fn()
        self.prune()
        left, self.goals = self.goals, rest
        return left

    def error_at(self, stx, err):
        """Log an error (for recovery; the caller then admits the goal)."""
        self.elab.log_error(err, stx)

    def log(self, severity, text, stx):
        self.elab.log(severity, text, stx)

    def unsolved_text(self):
        goals = "\n\n".join(self.meta.pp_goal(g) for g in self.goals)
        return f"unsolved goals\n{goals}"
