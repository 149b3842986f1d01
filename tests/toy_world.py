"""A small world with known distances, in place of Lean and the model servers, for search tests.

A goal ``⊢ n`` asks to bring n to zero. Steps act on the first goal: ``dec`` (n -> n-1), ``half``
(n even -> n/2), ``split`` (n > 3 -> two goals n//2 and n - n//2 - 1), ``trap`` (n -> dead end),
``done`` (0 -> closed), ``finish all`` (closes every goal when all are 0). True distances follow by
recursion.
"""

import hashlib
import math
from functools import cache

from coprover.labels import QED_KEY, canonical_key
from coprover.prompts import proof_response
from coprover.records import Theorem
from coprover.sampling import Sample
from coprover.snippets import extract, split_steps
from coprover.stepper import Outcome, State, StepFailure
from coprover.verify import Result, Verdict

STEPS = ("dec", "half", "split", "trap", "done", "finish all", "nonsense")


def theorem(n: int, name: str | None = None) -> Theorem:
    return Theorem(name or f"reach_{n}", f"import Mathlib\n\ntheorem t{n} : {n} := by",
                   extra={"n": n})


@cache
def distance(n: int) -> int:
    """Fewest steps that close the single goal n."""
    if n == 0:
        return 1
    best = 1 + distance(n - 1)
    if n % 2 == 0:
        best = min(best, 1 + distance(n // 2))
    if n > 3:
        best = min(best, 1 + distance(n // 2) + distance(n - n // 2 - 1))
    return best


def goal_number(goal: str) -> int | None:
    text = goal.rpartition("⊢ ")[2]
    return int(text) if text.isdigit() else None


def step(goals: tuple[str, ...], tactic: str) -> tuple[str, ...] | None:
    """Goals after the tactic, () for QED, None for an error."""
    n = goal_number(goals[0])
    if tactic == "finish all":
        return () if all(goal_number(g) == 0 for g in goals) else None
    if n is None:
        return None
    if tactic == "dec" and n > 0:
        new = (n - 1,)
    elif tactic == "half" and n > 0 and n % 2 == 0:
        new = (n // 2,)
    elif tactic == "split" and n > 3:
        new = (n // 2, n - n // 2 - 1)
    elif tactic == "done" and n == 0:
        new = ()
    elif tactic == "trap":
        return ("⊢ stuck", *goals[1:])
    else:
        return None
    tagged = [f"case g{i}\n⊢ {m}" if len(new) > 1 else f"⊢ {m}" for i, m in enumerate(new)]
    return (*tagged, *goals[1:])


class ToyStepper:
    """``coprover.stepper.Stepper`` over the toy world."""

    def __init__(self):
        self.calls = 0

    async def start(self, theorems):
        return [State("0", t, (f"⊢ {t.extra['n']}",)) if t.extra["n"] >= 0
                else StepFailure("declined", "negative numbers") for t in theorems]

    async def chains(self, proofs):
        return [None] * len(proofs)

    async def run(self, jobs):
        self.calls += 1
        return [[self._one(state, tactic) for tactic in tactics] for state, tactics in jobs]

    def _one(self, state, tactic):
        after = step(state.goals, tactic)
        if after is None:
            return Outcome("error", None, "no")
        if not after:
            return Outcome("qed")
        return Outcome("state", State("s", state.theorem, after, (*state.tactics, tactic)))


class ToySampler:
    """Distinct steps of a state with log-probabilities fixed by (state, seed)."""

    def __init__(self, version="g1"):
        self.version = version
        self.calls = 0

    async def weight_version(self):
        return self.version

    async def generate(self, prompts, n=1, *, temperature=1.0, max_new_tokens=0, stop=(), seed=0,
                       distinct=False):
        self.calls += 1
        return [self._group(prompt, n, seed) for prompt in prompts]

    def _group(self, prompt, n, seed):
        if "theorem t" in prompt:
            return [self._whole(prompt, i, seed) for i in range(n)]
        weight = {s: 1 + hashlib.sha256(f"{prompt}{s}{seed}".encode()).digest()[0] for s in STEPS}
        total = sum(weight.values())
        best = sorted(STEPS, key=lambda s: -weight[s])[:n]
        return [Sample(s, (1, 2), (math.log(weight[s] / total), 0.0), "stop", self.version)
                for s in best]


class ToyProver(ToySampler):
    """Also writes whole proofs: straight down by ``dec``; the odd samples stop too early."""

    def _whole(self, prompt, i, seed):
        n = int(prompt.split("theorem t")[1].split()[0])
        steps = ["dec"] * (n if i % 2 == 0 else n // 2) + ["done"]
        return Sample(proof_response(steps), (1,), (-1.0,), "stop", self.version)


class ToyValue:
    """gamma^distance for every goal, exact."""

    def __init__(self, gamma=0.95):
        self.gamma = gamma
        self.calls = 0

    async def weight_version(self):
        return "v1"

    async def score(self, texts):
        self.calls += 1
        return [self._value(text) for text in texts]

    def _value(self, text):
        value = 1.0
        for goal in text.split("\n\n"):
            n = goal_number(goal)
            value *= 0.0 if n is None else self.gamma ** distance(n)
        return value


class ToyVerifier:
    """Replays the whole proof; ``refuse`` names proofs it rejects."""

    def __init__(self, refuse=()):
        self.refuse = set(refuse)
        self.calls = 0

    async def verify_proofs(self, proofs):
        self.calls += 1
        return [self._verdict(t, tuple(p)) for t, p in proofs]

    async def verify(self, pairs):
        return [self._verdict(t, tuple(split_steps(extract(text)))) for t, text in pairs]

    def _verdict(self, t, proof):
        good = replay(t, proof) and proof not in self.refuse
        return Result(Verdict.VERIFIED) if good else Result(Verdict.REJECTED, "error")


def replay(t: Theorem, proof) -> bool:
    goals = (f"⊢ {t.extra['n']}",)
    for tactic in proof:
        if not goals:
            return False
        goals = step(goals, tactic)
        if goals is None:
            return False
    return goals == ()


def key(*numbers: int) -> str:
    return canonical_key(tuple(f"⊢ {n}" for n in numbers)) if numbers else QED_KEY
