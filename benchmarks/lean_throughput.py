"""How fast a Lean server checks reference proofs and steps along them.

Every theorem of the file with a `proof` (list of tactics) is verified as a whole and then walked
step by step, all theorems at once. Prints rates and verdicts; every proof has to come out verified
and every walk has to end in `qed`, otherwise the exit status is 1.

Run (server started beforehand):
    python -m benchmarks.lean_throughput data/families/test.jsonl --config configs/local.yaml
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from coprover import config
from coprover.records import Theorem, load_theorems


async def measure(cfg, theorems: list[Theorem]) -> bool:
    """Prints the two rates; returns True when everything was proved twice."""
    from coprover.verify import Verifier

    proofs = [(theorem, theorem.extra["proof"]) for theorem in theorems]
    async with Verifier(cfg.lean) as verifier:
        start = time.perf_counter()
        results = await verifier.verify_proofs(proofs)
        wall = time.perf_counter() - start
    verdicts = Counter(str(result.verdict.value) for result in results)
    lean_s = sum(result.time_s for result in results)
    print(f"whole proofs: {len(proofs)} in {wall:.2f} s = {len(proofs) / wall:.0f}/s "
          f"(Lean itself {1000 * lean_s / len(proofs):.2f} ms each) {dict(verdicts)}")  # fmt: skip
    for (theorem, proof), result in zip(proofs, results, strict=True):
        if not result.verified:
            print(f"  {theorem.name}: {result.reason} {result.detail[:200]!r} {proof}")
    stepped = await walk(cfg, proofs)
    return verdicts["verified"] == len(proofs) and stepped == len(proofs)


async def walk(cfg, proofs: list[tuple[Theorem, list[str]]]) -> int:
    """Steps along all proofs together; returns how many end in `qed`."""
    from coprover.stepper import State, Stepper

    async with Stepper(cfg.lean) as stepper:
        start = time.perf_counter()
        starts = await stepper.start([theorem for theorem, _ in proofs])
        print(f"started {len(proofs)} in {time.perf_counter() - start:.2f} s")
        active = [(s, p) for s, (_, p) in zip(starts, proofs, strict=True) if isinstance(s, State)]
        ends: Counter = Counter(s.reason for s in starts if not isinstance(s, State))
        start, n_steps = time.perf_counter(), 0
        while active:
            n_steps += len(active)
            outcomes = await stepper.run([(state, proof[:1]) for state, proof in active])
            rest = []
            for (state, proof), [outcome] in zip(active, outcomes, strict=True):
                if outcome.state is not None and proof[1:]:
                    rest.append((outcome.state, proof[1:]))
                    continue
                ends[outcome.kind] += 1
                if outcome.kind != "qed":
                    print(f"  {state.theorem.name}: {proof[0]!r} {outcome.message[:200]!r}")
            active = rest
        wall = time.perf_counter() - start
    print(f"steps: {n_steps} in {wall:.2f} s = {n_steps / wall:.0f}/s {dict(ends)}")
    return ends["qed"]


def main() -> int:
    parser = config.make_parser(__doc__, {})
    parser.add_argument("theorems", help="JSONL of theorems with a `proof` each")
    parser.add_argument("--limit", type=int, default=500)
    given = parser.parse_args()
    cfg = config.load(given.config, given.sets)
    theorems = [t for t in load_theorems(given.theorems) if t.extra.get("proof")][: given.limit]
    return 0 if asyncio.run(measure(cfg, theorems)) else 1


if __name__ == "__main__":
    config.main(main)
