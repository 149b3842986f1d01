"""What search needs from the servers, batched and remembered: candidates, steps, values, verdicts.

An ``Expander`` belongs to one generator, one value model and one seed. It remembers every
expansion (theorem, printed state, turn) and every value (printed goals), so that several rules, run
over the same theorems, share all server work. Counters stay logical: each search counts what it
would have cost alone. The candidates of a state depend on its text, the seed and the turn only:
turn 0 is the first expansion, turn j the j-th repetition, which draws further candidates.

Used by coprover/search.py and trajectory_collector.py.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from coprover import prompts, screen
from coprover.config import ConfigError
from coprover.labels import units, value_text
from coprover.records import Theorem
from coprover.snippets import split_steps
from coprover.stepper import State, StepFailure

log = logging.getLogger(__name__)
TURN_SEED = 1_000_003


@dataclass(frozen=True)
class Settings:
    """How candidates are drawn and states are valued; the config's ``search:`` section."""

    candidates: int = 8
    temperature: float = 1.0
    max_new_tokens: int = 256
    prompt: str = "state"  # state | prefix (one-line steps after the proof so far)
    distinct: bool = True
    per_goal: bool = True
    seed: int = 0
    max_state_chars: int = 8000  # longer states are not expanded: no model would read them


@dataclass(frozen=True)
class Edge:
    """A candidate and what it did. kind: state | qed | error | timeout | declined."""

    tactic: str
    logprob: float
    kind: str
    state: State | None = None


@dataclass(frozen=True)
class Expansion:
    """All candidates of one state, best log-probability first, and their cost."""

    state: State
    edges: tuple[Edge, ...]
    generated: int  # completions drawn
    lean_calls: int  # tactics run
    policy_tokens: int  # tokens generated


@dataclass
class Expander:
    """The servers behind a search. ``value`` and ``verifier`` may be None where not needed.

    ``allowed(tactic) -> bool`` drops candidates before Lean sees them.
    """

    sampler: object
    stepper: object
    verifier: object | None = None
    value: object | None = None
    settings: Settings = Settings()
    allowed: Callable[[str], bool] | None = None
    generator_version: str = ""
    value_version: str = ""
    expansions: dict[str, dict[tuple[str, int], Expansion]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    verdicts: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    refused: set[tuple[str, str, str]] = field(default_factory=set)  # theorem, state, last step

    async def identify(self) -> Expander:
        """Ask the servers which weights they hold; every record carries the answer."""
        self.generator_version = await self.sampler.weight_version()
        if self.value is not None:
            self.value_version = await self.value.weight_version()
        return self

    async def start(self, theorems: Sequence[Theorem]) -> list[State | StepFailure]:
        """The initial state of each theorem, in order."""
        return await self.stepper.start(theorems) if theorems else []

    async def expand(self, states: Sequence[State],
                     turns: Sequence[int] | None = None) -> list[Expansion]:
        """The expansion of each state, in order: one call of the sampler and one of the stepper
        per turn that occurs (0 by default). A turn > 0 needs the turns before it to be known."""
        turns = [0] * len(states) if turns is None else turns
        for turn in sorted(set(turns)):
            await self._expand([s for s, t in zip(states, turns, strict=True) if t == turn], turn)
        return [self.expansions[s.theorem.name][s.text, t]
                for s, t in zip(states, turns, strict=True)]

    async def _expand(self, states: list[State], turn: int) -> None:
        memo = self.expansions
        unique = {(s.theorem.name, s.text): s for s in states}
        todo = [s for (name, text), s in unique.items() if (text, turn) not in memo.get(name, ())]
        short = [s for s in todo if len(s.text) <= self.settings.max_state_chars]
        candidates = await self._candidates(short, turn)
        outcomes = await self.stepper.run(
            [(s, [tactic for tactic, _ in kept])
             for s, (kept, _, _) in zip(short, candidates, strict=True)]) if short else []
        for s in todo:
            memo.setdefault(s.theorem.name, {})[s.text, turn] = Expansion(s, (), 0, 0, 0)
        for s, (kept, drawn, tokens), results in zip(short, candidates, outcomes, strict=True):
            edges = tuple(Edge(tactic, logp, o.kind, o.state)
                          for (tactic, logp), o in zip(kept, results, strict=True))
            memo[s.theorem.name][s.text, turn] = Expansion(s, edges, drawn, len(kept), tokens)

    async def _candidates(self, states: list[State], turn: int) -> list[tuple[list, int, int]]:
        """Per state: ([(tactic, log p)] not tried in earlier turns, completions, tokens)."""
        if not states:
            return []
        cfg = self.settings
        if cfg.prompt == "prefix":
            texts = [prompts.proof_prefix(s.theorem, s.tactics) for s in states]
        else:
            texts = [prompts.tactic_step(s.text) for s in states]
        distinct = list(dict.fromkeys(texts))
        groups = await self.sampler.generate(
            distinct, cfg.candidates, temperature=cfg.temperature,
            max_new_tokens=cfg.max_new_tokens, stop=("\n",) if cfg.prompt == "prefix" else (),
            seed=cfg.seed + TURN_SEED * turn, distinct=cfg.distinct)
        drawn = dict(zip(distinct, groups, strict=True))
        return [self._clean(drawn[text], self._tried(state, turn))
                for text, state in zip(texts, states, strict=True)]

    def _tried(self, state: State, turn: int) -> set[str]:
        known = self.expansions.get(state.theorem.name, {})
        return {edge.tactic for t in range(turn) for edge in known[state.text, t].edges}

    def _clean(self, samples: list, tried: set[str]) -> tuple[list, int, int]:
        kept: dict[str, float] = {}
        for sample in samples:
            if self.generator_version and sample.weight_version != self.generator_version:
                raise ConfigError(
                    f"the generator changed from {self.generator_version} to "
                    f"{sample.weight_version} during a search; restart the phase")
            tactic = _tidy(sample.text)
            if sample.finish_reason != "stop" or not tactic or tactic in tried:
                continue
            if self.allowed is None or self.allowed(tactic):
                kept.setdefault(tactic, sample.logprob)
        ordered = sorted(kept.items(), key=lambda item: (-item[1], item[0]))
        return ordered, len(samples), sum(s.n_tokens for s in samples)

    def value_units(self, state: State) -> list[str]:
        """The texts whose values are multiplied into V(state)."""
        groups = units(state.goals) if self.settings.per_goal else (state.goals,)
        return [value_text(group) for group in groups]

    async def score(self, texts: Iterable[str]) -> None:
        """Fetch the values of texts not yet known, in one call."""
        new = [text for text in dict.fromkeys(texts) if text not in self.values]
        if new:
            if self.value is None:
                raise ConfigError("this search rule needs a value model: start the value server "
                                  "or choose the rule logprob")
            self.values.update(zip(new, await self.value.score(new), strict=True))

    def value_of(self, state: State) -> float:
        """V(state) in [0, 1], the product over its units; all must have been scored."""
        product = 1.0
        for text in self.value_units(state):
            product *= self.values[text]
        return product

    async def verify(self, proofs: Sequence[tuple[Theorem, tuple[str, ...]]]) -> list[bool]:
        """Whether each proof passes the verdict as a whole file; asked once per proof."""
        new = {(t.name, p): t for t, p in proofs if (t.name, p) not in self.verdicts}
        if new:
            results = await self.verifier.verify_proofs(
                [(t, list(proof)) for (_, proof), t in new.items()])
            for key, result in zip(new, results, strict=True):
                self.verdicts[key] = result.verified
                if not result.verified:
                    log.warning("%s: a proof found by search was not verified (%s %s): %s",
                                key[0], result.verdict, result.reason, " ; ".join(key[1]))
        return [self.verdicts[t.name, p] for t, p in proofs]

    def forget(self, theorem: str) -> None:
        """Drop the expansions of a theorem whose searches are over."""
        self.expansions.pop(theorem, None)


def _tidy(text: str) -> str:
    """A completion as a tactic: no blank edges, trailing blanks dropped on each line."""
    return "\n".join(line.rstrip() for line in text.strip("\n").rstrip().split("\n")).strip()


def one_step(tactic: str) -> bool:
    """Whether a candidate is exactly one step and holds nothing the token screen forbids."""
    try:
        return screen.offence(tactic) is None and len(split_steps(tactic)) == 1
    except screen.Malformed:
        return False


def settings_of(section, seed: int | None = None) -> Settings:
    """The settings in `cfg.search`. Raises ConfigError for an unknown form of prompt."""
    if section.prompt not in ("state", "prefix"):
        raise ConfigError(f"search.prompt: {section.prompt!r}; choose state or prefix")
    return Settings(section.candidates, section.temperature, section.max_new_tokens,
                    section.prompt, section.distinct, section.per_goal,
                    section.seed if seed is None else seed, section.max_state_chars)


@contextlib.asynccontextmanager
async def connect(cfg, *, sglang_url: str, kimina_url: str, value_url: str | None = None,
                  seed: int | None = None) -> AsyncIterator[Expander]:
    """An expander over the servers at these URLs with the settings of ``cfg.search``.

    ``expander.sampler`` and ``expander.verifier`` serve whole proofs too. Raises SamplingError or
    LeanUnavailable when a server does not answer.
    """
    from coprover import stepper as steppers
    from coprover.sampling import Sampler
    from coprover.value_text import value_client
    from coprover.verify import Verifier

    settings = settings_of(cfg.search, seed)
    async with contextlib.AsyncExitStack() as stack:
        sampler = await stack.enter_async_context(Sampler.from_config(cfg.sampler, sglang_url))
        stepper = await stack.enter_async_context(steppers.connect(cfg.lean, kimina_url))
        verifier = await stack.enter_async_context(Verifier(cfg.lean, kimina_url))
        value = None
        if value_url:
            value = await stack.enter_async_context(value_client(cfg, value_url))
            await value.health()
        await sampler.health()
        yield await Expander(sampler, stepper, verifier, value, settings, one_step).identify()
