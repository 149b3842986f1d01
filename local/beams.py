"""Sampling without replacement: stochastic beam search with exponential arrival times.

Kool, van Hoof, Welling 2019 (arXiv:1903.06059, algorithm 1), with arrival times in the place of
Gumbel variables: completion c arrives at E_c ~ Exp(p_c), and the first K arrivals are the sample,
in order. A prefix arrives when its first completion does, so the children c of a prefix with
arrival E get E + (X_c - min X) with X_c ~ Exp(p_c): the memoryless form of the paper's conditional
maximum, without its numerical care.
"""

from __future__ import annotations

import numpy as np
import torch

from local.completions import Completion, Ends, compact
from local.llama import Tree


def sample_beams(sampler, requests, batch, out, aborted) -> None:
    """Sampling without replacement for one batch; `out[i]` gets completions by arrival time."""
    k = max(n for _, _, n in batch)
    wanted = [requests[i] for i, _, _ in batch]
    tree = Tree(sampler.model, [list(r.ids) for r in wanted], k,
                max(r.max_new_tokens for r in wanted))
    ends = [Ends(sampler, r) for r in wanted]
    rngs = [np.random.Generator(np.random.SFC64(r.seed & (2**64 - 1))) for r in wanted]
    done: list[list[tuple[float, Completion]]] = [[] for _ in wanted]  # (arrival, completion)
    # live beams, sorted by prompt: position in batch, tree prompt, slot, arrival, log p, path
    owner = [p for p, r in enumerate(wanted) if r.max_new_tokens > 0]
    tree_prompt = torch.tensor(owner, dtype=torch.long)
    tree_of = owner[:]
    arrival = np.zeros(len(owner))
    total = np.zeros(len(owner))  # log p(prefix) at the sampling temperature
    paths = [Completion([], []) for _ in owner]
    slots = torch.zeros(len(owner), dtype=torch.long)
    logits = tree.first_logits[tree_prompt]
    temperature = wanted[0].temperature or 1.0
    while owner:
        token, time, weight, logprob = _children(logits, owner, rngs, arrival, total, k,
                                                 temperature)
        chosen = _choose(owner, wanted, time, done)
        owner, arrival, total, parents, tokens, grown = [], [], [], [], [], []
        for p, b, j in chosen:  # prompt, parent beam, rank among the parent's children
            completion = Completion(paths[b].ids + [int(token[b, j])],
                                    paths[b].logprobs + [float(logprob[b, j])])
            if aborted(batch[p][0]):
                completion.finish = "abort"
            elif not ends[p].check(completion):
                owner.append(p)
                arrival.append(time[b, j])
                total.append(weight[b, j])
                parents.append(b)
                tokens.append(completion.ids[-1])
                grown.append(completion)
                continue
            done[p].append((float(time[b, j]), completion))
        if not owner:
            break
        paths, arrival, total = grown, np.array(arrival), np.array(total)
        parent = torch.tensor(parents)
        tree_prompt, old_slots = tree_prompt[parent], slots[parent]
        slots = _slots(owner)
        tree.branch(tree_prompt, slots, old_slots)
        tree_prompt, tree_of = compact(tree, tree_prompt, tree_of)
        logits = tree.advance(torch.tensor(tokens), tree_prompt, slots)
    for p, (i, _, _) in enumerate(batch):
        out[i].extend(c for _, c in sorted(done[p], key=lambda pair: pair[0])[:wanted[p].n])


def _children(logits, owner, rngs, arrival, total, k, temperature):
    """The k earliest children of every live beam: token, arrival, log p (B, k), logprob at T=1.

    With q the conditional distribution and w = p(prefix): X_c ~ Exp(w q_c) = Exp(1) / (w q_c).
    """
    vocabulary = logits.shape[-1]
    probs = (logits if temperature == 1 else logits / temperature).softmax(-1)
    noise = np.empty((len(owner), vocabulary), dtype=np.float32)
    start = 0
    for end in range(1, len(owner) + 1):  # one contiguous block of beams per prompt
        if end == len(owner) or owner[end] != owner[start]:
            rngs[owner[start]].standard_exponential(out=noise[start:end], dtype=np.float32)
            start = end
    race = torch.from_numpy(noise).div_(probs)  # q = 0 gives inf: never arrives
    first, token = race.topk(min(k, vocabulary), largest=False, sorted=True)
    wait = first.double().numpy()
    time = arrival[:, None] + (wait - wait[:, :1]) * np.exp(-total)[:, None]
    weight = total[:, None] + probs.gather(1, token).double().log().numpy()
    logprob = logits.gather(1, token) - logits.logsumexp(-1, keepdim=True)
    return token.numpy(), time, weight, logprob.numpy()


def _choose(owner, wanted, time, done) -> list[tuple[int, int, int]]:
    """Per prompt the earliest n arrivals among finished completions and new children.

    Finished ones that fall out are removed from `done`; the returned (prompt, beam, rank) keep the
    prompts contiguous and each prompt's beams in order of arrival.
    """
    chosen = []
    start = 0
    k = time.shape[1]
    for end in range(1, len(owner) + 1):
        if end < len(owner) and owner[end] == owner[start]:
            continue
        p = owner[start]
        finished = done[p]
        times = np.concatenate([[t for t, _ in finished], time[start:end].ravel()])
        best = np.argsort(times, kind="stable")[:wanted[p].n]
        best = best[np.isfinite(times[best])]
        done[p] = [finished[x] for x in best if x < len(finished)]
        for x in best:
            if x >= len(finished):
                b, j = divmod(int(x) - len(finished), k)
                chosen.append((p, start + b, j))
        start = end
    return chosen


def _slots(owner: list[int]) -> torch.Tensor:
    """0, 1, 2, … within each contiguous block of equal owners."""
    slots, count = [], 0
    for j, p in enumerate(owner):
        count = count + 1 if j and owner[j - 1] == p else 0
        slots.append(count)
    return torch.tensor(slots)
