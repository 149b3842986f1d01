"""Whether our Lean server and Kimina's are interchangeable: two checks, one command.

1. With --python (Python >= 3.12 that has `kimina-client` 0.2.1 and `pygments`): Kimina's own client
   against our lean_server.py over minilean: health, its self-test, and 20 snippets in batches of
   four, whose verdicts (right, wrong, `sorry`) are known.
2. A run of trajectory_collector.py over the first theorems of a dataset, once through --url (any
   Kimina-compatible server, `lean.stepping=check`; default: our own) and once through our
   lean_server.py (`states`): the trajectory rows have to be the same. No generator takes part:
   whole proofs and candidate steps come from the theorems' reference proofs, mixed with steps of
   others, so that nothing is measured here but the two servers.

Exit status 1 unless everything is right and equal.
Run: python -m benchmarks.kimina_compat --python python3.12 --dataset data/families/test.jsonl
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

CLIENT = "kimina-client==0.2.1"
ROOT = Path(__file__).resolve().parent.parent


def as_client(url: str) -> int:
    """Runs in an interpreter that has kimina-client, and without this repository's packages."""
    from kimina_client import KiminaClient, Snippet

    client = KiminaClient(api_url=url)
    health = client.health()
    print(f"health: {health}")
    client.test()  # raises unless `#check Nat` is answered
    wanted, snippets = {}, []
    for i in range(20):
        right, left = ("lean_error", "a") if i % 3 == 0 else ("valid", "b")
        proof = f"Nat.add_comm a {i}" if i != 10 else "sorry"
        wanted[str(i)] = right if i != 10 else "sorry"
        end = "b" if left == "a" else "a"
        snippets.append(Snippet(id=str(i), code=(
            f"import Mathlib\n\ntheorem t{i} (a b : Nat) : a + {i} = {i} + {end} := {proof}")))
    answers = client.check(snippets, timeout=60, batch_size=4, max_workers=2, show_progress=False)
    seen = {str(answer.id): answer.analyze().status.value for answer in answers.results}
    wrong = {i: (seen.get(i), status) for i, status in wanted.items() if seen.get(i) != status}
    print(f"snippets: {len(wanted) - len(wrong)} of {len(wanted)} right")
    for i, (got, status) in wrong.items():
        print(f"  snippet {i}: {got}, wanted {status}")
    return int(health.get("status") != "ok" or bool(wrong) or len(answers.results) != len(wanted))


def check_client(python: str, url: str) -> bool:
    """Kimina's client, in the interpreter `python`, against the server at this URL."""
    from coprover.config import InputError

    try:
        probe = subprocess.run([python, "-c", "import kimina_client"], capture_output=True,
                               text=True)
    except OSError as error:
        raise InputError(f"--python: cannot run {python}: {error}") from None
    if probe.returncode:
        raise InputError(f"--python: {probe.stderr.strip().splitlines()[-1]}; install with "
                         f"`{python} -m pip install {CLIENT} pygments` (Python >= 3.12)")
    return subprocess.run([python, __file__, "--as-client", url]).returncode == 0


class Scripted:
    """In the place of a sampler: steps of the reference proofs and, as distractors, of others."""

    def __init__(self, theorems) -> None:
        from coprover.prompts import whole_proof

        self.proofs = {whole_proof(t): list(t.extra["proof"]) for t in theorems}
        self.steps = sorted({step for proof in self.proofs.values() for step in proof})

    async def generate(self, prompts, n=1, *, seed=0, **_) -> list[list]:
        return [self._group(prompt, n, seed) for prompt in prompts]

    def _group(self, prompt: str, n: int, seed: int) -> list:
        import random

        from coprover.prompts import proof_response
        from coprover.sampling import Sample

        head = next(head for head in self.proofs if prompt.startswith(head))
        proof, rng = self.proofs[head], random.Random(f"{seed} {prompt}")
        others = rng.sample(self.steps, min(n, len(self.steps)))
        if prompt == head:  # the proof, and copies of it that turn somewhere else
            cuts = [rng.randrange(len(proof)) for _ in others]
            texts = [proof_response(proof)] + [proof_response([*proof[:cut], other, *proof[cut:]])
                                               for cut, other in zip(cuts, others, strict=True)]
        else:
            texts = list(dict.fromkeys([*proof, *others]))
        return [Sample(text, (0,), (-3 * rng.random(),), "stop", "scripted") for text in texts[:n]]


async def collect(cfg, theorems) -> float:
    """One run of the collector; returns its seconds."""
    from coprover import stepper
    from coprover.expand import Expander, one_step, settings_of
    from coprover.verify import Verifier
    from trajectory_collector import collect_with

    start = time.monotonic()
    async with stepper.connect(cfg.lean) as steps, Verifier(cfg.lean) as verifier:
        expander = Expander(Scripted(theorems), steps, verifier, settings=settings_of(cfg.search),
                            allowed=one_step, generator_version="scripted")
        facts = await collect_with(cfg, theorems, expander)
    print(f"  {cfg.lean.stepping} at {cfg.lean.url}: "
          + ", ".join(f"{name} {facts[name]}" for name in
                      ("theorems", "attempts", "verified", "expansions", "states", "proven")))
    return time.monotonic() - start


def compare_servers(args, check_url: str, states_url: str) -> bool:
    """The same collector run through both servers; True when all rows are equal."""
    import asyncio
    import json

    from coprover import config
    from coprover.records import iter_jsonl, load_theorems

    theorems = [t for t in load_theorems(args.dataset) if t.extra.get("proof")][:args.theorems]
    if not theorems:
        raise config.InputError(f"{args.dataset} has no theorem with a `proof`; "
                                "`python -m local.families --help` says how to make some")
    rows, seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for mode, url in (("check", check_url), ("states", states_url)):
            cfg = config.load(args.config or ["configs/local.yaml"], [
                f"lean.url={url}", f"lean.stepping={mode}", f"collect.output={folder}/{mode}",
                "search.prompt=prefix", "collect.value_url=null", *args.sets])
            seconds[mode] = asyncio.run(collect(cfg, theorems))
            rows[mode] = Counter(json.dumps(row, sort_keys=True) for row in
                                 iter_jsonl(Path(folder) / mode / "trajectories.jsonl"))
    only = {mode: rows[mode] - rows[other] for mode, other in
            (("check", "states"), ("states", "check"))}
    equal = (rows["check"] & rows["states"]).total()
    print(f"trajectory rows: {equal} equal, {only['check'].total()} only with check, "
          f"{only['states'].total()} only with states; check {seconds['check']:.0f} s, "
          f"states {seconds['states']:.0f} s")
    for mode, extra in only.items():
        for row in list(extra)[:3]:
            print(f"  only with {mode}: {row[:300]}")
    proven = sum(json.loads(row)["outcome"] == "proven" for row in rows["check"])
    return not (only["check"] or only["states"]) and proven > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help=f"interpreter with {CLIENT}; without it check 1 is left "
                                         "out")
    parser.add_argument("--url", help="Kimina-compatible server for the first run of check 2")
    parser.add_argument("--dataset", default="data/families/test.jsonl",
                        help="JSONL of theorems with a `proof` each")
    parser.add_argument("--theorems", type=int, default=40, help="of the dataset; 0: no check 2")
    parser.add_argument("--config", nargs="+", metavar="FILE", help="default configs/local.yaml")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", dest="sets")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    from lean_fake import GENEROUS, serve

    good = []
    with serve("lean.server.repl=[python,-m,minilean,repl]", "lean.server.workers=1",
               *GENEROUS) as (ours, _):
        if args.python:
            good.append(check_client(args.python, ours))
        if args.theorems:
            good.append(compare_servers(args, args.url or ours, ours))
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--as-client"]:
        sys.exit(as_client(sys.argv[2]))
    from coprover import config

    config.main(main)
