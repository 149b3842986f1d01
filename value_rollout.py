"""SLIME rollout guided by the value model (`--custom-generate-function-path`).

Step by step: the policy proposes candidates for the current state, Lean runs them, the value model
scores the new states, and the best one is continued until QED, a dead end or the step limit.
Choosing by V means the proof was not drawn from the policy, so its tokens' log-probabilities would
be wrong for GRPO. These samples are therefore barred from the loss: loss mask all zero,
`remove_sample`, outside their group's mean (coprover/slime_hooks.py). What they are for is their
trajectory: it stands in the sample's metadata and, with grpo.slime.trajectories, in a JSONL file.
The first grpo.slime.guided_per_group samples of each group are guided; the others are SLIME's own
and train the generator as usual.

Contract: SLIME 0.3.1, `async f(args, sample, sampling_params) -> Sample`.
Usage: SLIME imports this file; bash train_step_grpo.sh --set \\
         grpo.slime.generate=value_rollout.generate
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from coprover import prompts, slime_hooks
from coprover.expand import Expander, settings_of
from coprover.records import Theorem, append_jsonl
from coprover.sampling import Sampler
from coprover.slime_data import theorem_of
from coprover.stepper import State, StepFailure, connect
from coprover.value_text import value_client


@dataclass
class Walk:
    """A greedy path by value: the states met, the tactics taken, and how it ended.

    end: qed | dead_end | step_limit | not_started.
    """

    tactics: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    end: str = "step_limit"


async def generate(args, sample, sampling_params: dict):
    """Returns the sample: value-guided and barred from the loss, or as SLIME itself draws it."""
    cfg = getattr(args, "coprover_cfg", None) or slime_hooks.hook_config()
    if not is_guided(sample, cfg.grpo):
        from slime.rollout.sglang_rollout import generate as plain_generate

        return await plain_generate(args, sample, sampling_params)
    theorem = theorem_of(sample.metadata)
    expander = await make_expander(args, cfg, seed=int(sample.index or 0))
    path = await walk(expander, theorem, cfg.grpo.slime.rollout_steps)
    fill(sample, theorem, path, slime_hooks.tokenizer(args.hf_checkpoint).encode)
    if cfg.grpo.slime.trajectories:
        append_jsonl(cfg.grpo.slime.trajectories, [record(theorem, path, expander)])
    return sample


def is_guided(sample, grpo) -> bool:
    """True for the first `guided_per_group` samples of each group."""
    return (sample.index or 0) % grpo.samples_per_prompt < grpo.slime.guided_per_group


async def make_expander(args, cfg, seed: int) -> Expander:
    """Returns an Expander over SLIME's engines, the Lean server and the value server."""
    url = slime_hooks.engine_url(args)
    return Expander(
        slime_hooks.per_loop(f"sampler {url}", lambda: Sampler.from_config(cfg.sampler, url)),
        slime_hooks.per_loop("stepper", lambda: connect(cfg.lean)),
        value=slime_hooks.per_loop("value", lambda: value_client(cfg, cfg.grpo.slime.value_url)),
        settings=settings_of(cfg.search, seed),
    )


async def walk(expander: Expander, theorem: Theorem, max_steps: int) -> Walk:
    """Returns the greedy path: always the open state of highest value, QED as soon as it is there.

    A state already on the path is never entered again.
    """
    path = Walk()
    [state] = await expander.start([theorem])
    if isinstance(state, StepFailure):
        path.end = "not_started"
        return path
    seen = {state.key}
    await expander.score(expander.value_units(state))
    for _ in range(max_steps):
        path.states.append(state.text)
        path.values.append(expander.value_of(state))
        [expansion] = await expander.expand([state])
        done = next((edge for edge in expansion.edges if edge.kind == "qed"), None)
        if done:
            path.tactics.append(done.tactic)
            path.end = "qed"
            return path
        found = await _best(expander, [e for e in expansion.edges
                                       if e.state and e.state.key not in seen])  # fmt: skip
        if found is None:
            path.end = "dead_end"
            return path
        tactic, state = found
        seen.add(state.key)
        path.tactics.append(tactic)
    return path


async def _best(expander: Expander, edges: list) -> tuple[str, State] | None:
    """The tactic and state of highest value; equal values go to the likelier tactic."""
    if not edges:
        return None
    await expander.score([text for edge in edges for text in expander.value_units(edge.state)])
    edge = max(edges, key=lambda e: (expander.value_of(e.state), e.logprob))
    return edge.tactic, edge.state


def fill(sample, theorem: Theorem, path: Walk, encode) -> None:
    """Writes the path into the sample: text, tokens, and nothing that could be trained on."""
    status = type(sample).Status
    sample.prompt = prompts.whole_proof(theorem)
    sample.response = prompts.proof_response(path.tactics) if path.tactics else "```lean4\n```"
    prompt_ids = encode(sample.prompt, add_special_tokens=False)
    response_ids = encode(sample.response, add_special_tokens=False)
    sample.tokens = [*prompt_ids, *response_ids]
    sample.response_length = len(response_ids)
    sample.rollout_log_probs = [0.0] * len(response_ids)
    sample.metadata = {**sample.metadata, "off_policy": "selected by value", "walk": {
        "tactics": path.tactics, "states": path.states, "values": path.values, "end": path.end,
    }}  # fmt: skip
    sample.status = status.TRUNCATED if path.end == "step_limit" else status.COMPLETED
    slime_hooks.bar_from_loss(sample)


def record(theorem: Theorem, path: Walk, expander: Expander) -> dict:
    """Returns the path as a line for the trajectories file; `end: qed` is not yet a verdict."""
    return {"theorem": theorem.name, "source": "value_rollout", "end": path.end,
            "tactics": path.tactics, "states": path.states, "values": path.values,
            "seed": expander.settings.seed}  # fmt: skip


if __name__ == "__main__":
    print(__doc__)
    sys.exit(0 if sys.argv[1:] in ([], ["-h"], ["--help"]) else 2)
