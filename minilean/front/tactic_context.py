"""What a running tactic sees: its goals, and the elaborator for the terms it contains.

Follows Lean 4's `TacticM` (`Lean/Elab/Tactic/Basic.lean`).
Run: `python -m pytest tests/minilean/test_tactics.py`.
"""
from minilean.front.errors import LeanError
from minilean.front.setting import Setting


class TacticContext:
    """The goals of a running tactic, and the elaborator for the terms it contains.

    `recover`: at a recovery point an error is logged and its goal admitted, not raised.
    """

    __slots__ = ("elab", "goals", "meta", "recover")

    def __init__(self, meta, elab, goals, recover=True):
        self.meta, self.elab, self.goals = meta, elab, goals
        self.recover = recover

    def prune(self):
        """Drop the goals that have been assigned."""
        self.goals = [g for g in self.goals if not self.meta.is_assigned(g)]

    def main(self):
        """The first unassigned goal; LeanError "No goals …" when there is none."""
        self.prune()
        if not self.goals:
            raise LeanError("No goals to be solved")
        return self.goals[0]

    def save(self):
        """A mark for `restore`: the elaborator's, and the goals."""
        return self.elab.save(), self.goals

    def restore(self, mark):
        elab_mark, self.goals = mark
        self.elab.restore(elab_mark)

    def focus(self, goal, run, *args, **values):
        """The goals that run(*args, **values) leaves when `goal` is the only one it sees."""
        with Setting(self, "goals", [goal]):
            run(*args, **values)
            self.prune()
            return self.goals
