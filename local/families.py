"""Generate the laptop's theorems: core-Lean families with graded depth and checked proofs.

Random statements (local/families_generate.py, local/families_mixed.py) are proved by a
shortest-proof search (local/families_prover.py); theorems that agree up to renaming are merged;
what is kept is split into train, valid and test, and every reference proof is stepped and checked
as a whole by minilean. Part of the test set belongs to families that training never sees, part is
deeper than any training theorem. Same settings, same files: an up-to-date folder is left alone,
and what was found under these settings before (local/families_found.py) is not searched for again.
Written for this repository; no upstream.
Run: python -m local.families --config configs/local.yaml --out data/families --seed 0
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

from coprover import config
from coprover.records import write_jsonl_atomic, write_text_atomic
from local import families_check, families_found, portfolio
from local.families_found import file_hash
from local.families_greedy import needs_no_search
from local.families_logic import Exhausted, canonical_key, statement
from local.families_mixed import HELD_OUT, TRAINED
from local.families_prover import Prover

log = logging.getLogger("families")
SOURCES = ("families.py", "families_logic.py", "families_prover.py", "families_generate.py",
           "families_mixed.py", "families_greedy.py", "families_check.py", "portfolio.py")
# drafts a chunk (seeded as a whole), in proportion to how rarely a family's drafts are theorems
CHUNK = {"prop": 450, "chain": 500, "quant": 230, "rewrite": 250, "sums": 600, "induct": 300,
         "lists": 80, "mixed": 160, "relay": 100, "errand": 100}
MAX_ROUNDS = 30
ENOUGH = 1.5  # theorems found a theorem wanted, when the search for rare kinds stops
SCREENED = 60  # candidates screened at a time
SHALLOW_KEPT = 0.5  # share kept of theorems of depth 1 to 3 that a greedy chain proves
SPARE_HELD_OUT = 6  # candidates of held-out families a theorem of that part: scripts prove some
EASY_SHARE = 0.06  # of a screened part may be proved by the scripts that screen it
MAX_NODES = {"mixed": 90, "rewrite": 100, "sums": 200}  # goals a proof search expands, else 300


@dataclass(frozen=True)
class Candidate:
    """A proved statement that has no name yet. `goal` is its sequent, `depth` = len(proof)."""

    family: str
    goal: object
    proof: tuple[str, ...]
    key: str

    @property
    def depth(self) -> int:
        return len(self.proof)


@dataclass(frozen=True)
class Plan:
    """How many theorems of which kind. Shares are of their split and sum to at most 1."""

    seed: int
    train: int
    valid: int
    test: int
    train_depth: int  # deepest theorem in train and valid
    test_depth: int  # deepest theorem in test
    family_share: float  # of test: families never trained on
    depth_share: float  # of test: deeper than train_depth
    weights: dict = field(default_factory=dict)  # family -> weight among the trained families
    depths: list = field(default_factory=list)  # weight of depth 1, 2, … up to train_depth
    depths_of: dict = field(default_factory=dict)  # family -> its own such weights

    def depth_shares(self, family: str) -> list[float]:
        """Share of depth 1, 2, … up to train_depth among the family's shallower theorems."""
        weights = self.depths_of.get(family, self.depths)
        return [w / sum(weights) for w in weights]


def main() -> int:
    cfg = config.from_cli(__doc__, {
        "--out": ("theorems.families.out", "folder for train.jsonl, valid.jsonl, test.jsonl"),
        "--seed": ("theorems.families.seed", "seed of everything random"),
        "--processes": ("theorems.families.processes", "worker processes"),
        "--keep": ("theorems.families.keep", "search anew, rewrite examples/families.jsonl", True),
    })  # fmt: skip
    section = cfg.theorems.families
    generate(plan_of(section), Path(section.out), int(section.processes), section.keep)
    return 0


def plan_of(section) -> Plan:
    """The plan in a `theorems.families` section; ConfigError names what does not fit."""
    for key in ("weights", "depths_of"):
        unknown = set(section[key]) - set(TRAINED)
        if unknown:
            raise config.ConfigError(f"theorems.families.{key}: no family {sorted(unknown)[0]!r}; "
                                     f"known are {', '.join(TRAINED)}")
    depths = {"depths": list(section.depths)}
    depths |= {f"depths_of.{family}": list(v) for family, v in section.depths_of.items()}
    for key, weights in depths.items():
        if len(weights) != section.train_depth:
            raise config.ConfigError(f"theorems.families.{key} must list one weight for each "
                                     f"depth 1..{section.train_depth}, got {len(weights)}")
        if sum(weights) <= 0:
            raise config.ConfigError(f"theorems.families.{key}: some depth needs a weight above 0")
    own = ("weights", "depths", "depths_of")
    fields = {k: section[k] for k in Plan.__dataclass_fields__ if k not in own}
    return Plan(**fields, weights=dict(section.weights), depths=depths.pop("depths"),
                depths_of={key.partition(".")[2]: value for key, value in depths.items()})


def generate(plan: Plan, out: Path, processes: int = 2, keep: bool = False) -> dict:
    """Writes the three splits unless they are up to date; returns what meta.json holds.

    keep: search even if theorems of this recipe are known, and keep what is found."""
    recipe = recipe_hash(plan)
    meta = {"recipe": recipe, "plan": asdict(plan)}
    known = None if keep else up_to_date(out, recipe)
    if known is not None:
        log.info("%s is up to date (recipe %s); nothing to do", out, recipe)
        return known
    started = time.monotonic()
    found = None if keep else families_found.load(recipe)
    with get_context("spawn").Pool(processes) as pool:
        rows = name_rows(select(plan, pool), plan.seed) if found is None else found
        rows = families_check.check_all(rows, pool)
    if keep:
        families_found.keep(rows, recipe)
    meta |= {"seconds": round(time.monotonic() - started, 1), "files": {}, "counts": {}}
    for split in ("train", "valid", "test"):
        part = [row for row in rows if row["split"] == split]
        write_jsonl_atomic(out / f"{split}.jsonl", part)
        meta["files"][split] = file_hash(out / f"{split}.jsonl")
        meta["counts"][split] = {
            "theorems": len(part),
            "depth": dict(sorted(Counter(row["depth"] for row in part).items())),
            "family": dict(sorted(Counter(row["family"] for row in part).items())),
            "holdout": dict(Counter(str(row["holdout"]) for row in part)),
        }
        log.info("%s: %s", split, meta["counts"][split])
    # written last: a folder without a fitting meta.json does not count as complete
    write_text_atomic(out / "meta.json", json.dumps(meta, indent=1) + "\n")
    log.info("%d theorems in %s after %.0f s", len(rows), out, meta["seconds"])
    return meta


def recipe_hash(plan: Plan) -> str:
    """12 hex digits over the plan and the sources that decide what is generated."""
    digest = hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode())
    for name in SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:12]


def up_to_date(out: Path, recipe: str) -> dict | None:
    """meta.json of a finished folder of this recipe whose files are unchanged, else None."""
    try:
        meta = json.loads((out / "meta.json").read_text(encoding="utf-8"))
        same = all(file_hash(out / f"{s}.jsonl") == h for s, h in meta["files"].items())
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return None
    return meta if same and meta.get("recipe") == recipe else None


# ---------------------------------------------------------------- statements and proofs


def prove_chunk(task: tuple) -> list[Candidate]:
    """Drafts of one seeded chunk that are theorems of depth ≤ max_depth, with shortest proofs."""
    family, seed, chunk, max_depth, sizes = task
    rng = random.Random(f"{seed}/{family}/{chunk}")
    write = {**TRAINED, **HELD_OUT}[family]
    found = []
    for _ in range(CHUNK[family]):
        draft = write(rng, rng.choice(sizes))
        if draft.goal.target in [f for _, f in draft.goal.hyps]:
            continue
        try:
            proof = Prover(draft.lemmas, MAX_NODES.get(family, 300)).prove(draft.goal, max_depth)
        except Exhausted:
            continue
        keep = SHALLOW_KEPT if proof and len(proof) <= 3 else 0.0
        if proof and (rng.random() < keep or not needs_no_search(draft.goal)):
            key = canonical_key(draft.goal)
            found.append(Candidate(family, draft.goal, tuple(proof), key))
    return found


def quotas(plan: Plan) -> dict[str, dict[int, dict[str, int]]]:
    """family -> depth -> {train, valid, test, deep} wanted (deep: held out by depth)."""
    held = round(plan.test * plan.family_share)
    deep = round(plan.test * plan.depth_share)
    sizes = {"train": plan.train, "valid": plan.valid,
             "test": plan.test - held - deep}
    total = sum(plan.weights.values())
    want: dict = defaultdict(lambda: defaultdict(Counter))
    for family, weight in plan.weights.items():
        for depth, share in enumerate(plan.depth_shares(family), 1):
            for split, size in sizes.items():
                want[family][depth][split] = size * weight / total * share
        for depth in range(plan.train_depth + 1, plan.test_depth + 1):
            span = plan.test_depth - plan.train_depth
            want[family][depth]["deep"] = deep * weight / total / span
    for family in HELD_OUT:
        depths = range(3, plan.train_depth + 1)
        for depth in depths:
            want[family][depth]["family"] = (
                held * SPARE_HELD_OUT / len(HELD_OUT) / len(depths))
    return want


def select(plan: Plan, pool) -> list[tuple[str, str | None, Candidate]]:
    """(split, holdout, candidate) in a fixed order; no two candidates have the same key."""
    want = quotas(plan)
    found: dict = defaultdict(list)  # (family, depth) -> candidates in order of discovery
    keys: set = set()
    open_families = {f for f in want if _missing(want[f], found, f)}
    for round_ in range(MAX_ROUNDS):
        tasks = [(f, plan.seed, round_, plan.test_depth, _sizes(want[f], found, f))
                 for f in want if f in open_families]
        for candidates in pool.imap(prove_chunk, tasks):
            for c in candidates:
                if c.key not in keys:
                    keys.add(c.key)
                    found[c.family, c.depth].append(c)
        open_families = {f for f in open_families if _missing(want[f], found, f)}
        have = sum(map(len, found.values()))
        log.info("round %d: %d theorems, %d families open", round_ + 1, have, len(open_families))
        if not open_families or _enough(plan, found):
            break
    return list(screen(plan, _deal(plan, want, found), pool))


def _enough(plan: Plan, found: dict) -> bool:
    """Whether every part could be filled, though perhaps not with the wanted mix."""
    have: Counter = Counter()
    for (family, depth), heap in found.items():
        have[_kind(plan, family, depth)] += len(heap)
    size = parts(plan)
    shallow = plan.train + plan.valid + size["test"]
    return (have["train"] >= ENOUGH * shallow and have["deep"] >= size["deep"]
            and have["family"] >= SPARE_HELD_OUT * size["family"])


def _kind(plan: Plan, family: str, depth: int) -> str:
    """What a theorem can be used for: train (also valid and test), deep, or family."""
    if family in HELD_OUT:
        return "family"
    return "train" if depth <= plan.train_depth else "deep"


def parts(plan: Plan) -> dict[str, int]:
    """Sizes of the three parts of the test set: in distribution, deep, of held-out families."""
    held, deep = round(plan.test * plan.family_share), round(plan.test * plan.depth_share)
    return {"test": plan.test - held - deep, "deep": deep, "family": held}


def screen(plan: Plan, dealt: dict[str, list[Candidate]], pool) -> Iterator[tuple]:
    """Fills the test parts with theorems that one-line scripts fail on.

    Up to EASY_SHARE of a part may be provable by script. Candidates come from the part's own heap,
    then from train's, which gets those that are passed over. Deep theorems are not screened."""
    size = parts(plan)
    test, train = _resisting("test", size["test"], dealt["test"] + dealt["train"], pool)
    family, _ = _resisting("family", size["family"], dealt["family"], pool)
    chosen = {"test": test, "family": family, "deep": dealt["deep"],
              "valid": dealt["valid"][:plan.valid], "train": train[:plan.train]}
    for part, candidates in chosen.items():
        wanted = size.get(part, getattr(plan, part, 0))
        if len(candidates) < wanted:
            log.warning("%s has %d theorems, not %d: no more were found", part, len(candidates),
                        wanted)
        for candidate in candidates:
            yield (*_place(part), candidate)


def _resisting(part: str, size: int, queue: list[Candidate], pool) -> tuple[list, list]:
    """(`size` candidates in order, few of which scripts prove; the candidates passed over)."""
    taken, passed, soft = [], [], 0
    while len(taken) < size and queue:
        batch, queue = queue[:SCREENED], queue[SCREENED:]
        texts = [statement("t", c.goal) for c in batch]
        for c, easy in zip(batch, pool.imap(portfolio.falls_to_a_script, texts), strict=True):
            full = len(taken) == size or easy and soft >= round(EASY_SHARE * size)
            (passed if full else taken).append(c)
            soft += easy and not full
        log.info("%s: %d of %d theorems, scripts prove %d", part, len(taken), size, soft)
    return taken, passed + queue


def _missing(want: dict, found: dict, family: str) -> list[int]:
    return [d for d in want if len(found[family, d]) < round(sum(want[d].values()))]


def _sizes(want: dict, found: dict, family: str) -> list[int]:
    """Size hints for the next chunk: depths still short, and one above (drafts fall short)."""
    missing = _missing(want, found, family)
    return sorted({s for d in missing for s in (d, min(d + 1, 10))})


def _deal(plan: Plan, want: dict, found: dict) -> dict[str, list[Candidate]]:
    """Deals each (family, depth) heap to the parts, then fills gaps from what is left over."""
    rng = random.Random(f"{plan.seed}/deal")
    gaps = parts(plan)
    gaps["family"] = round(gaps["family"] * SPARE_HELD_OUT)
    gaps |= {"valid": plan.valid, "train": plan.train}
    dealt: dict = {part: [] for part in gaps}
    rest: dict = defaultdict(list)
    for (family, depth), heap in sorted(found.items()):
        heap = rng.sample(heap, len(heap))
        needs = want[family].get(depth, {})
        share = min(1.0, len(heap) / max(1e-9, sum(needs.values())))
        for part in gaps:
            n = min(gaps[part], len(heap), _round(rng, needs.get(part, 0) * share))
            dealt[part] += heap[:n]
            heap, gaps[part] = heap[n:], gaps[part] - n
        rest[_kind(plan, family, depth)] += heap
    rest["valid"] = rest["test"] = rest["train"]
    for part, gap in gaps.items():
        rng.shuffle(rest[part])  # the most wanted depths are popped first
        rest[part].sort(key=lambda c: (plan.depths[c.depth - 1:] or [0])[0])
        dealt[part] += [rest[part].pop() for _ in range(min(gap, len(rest[part])))]
        rng.shuffle(dealt[part])
    return dealt


def _round(rng: random.Random, x: float) -> int:
    """x rounded up or down at random, so that small quotas are right on average."""
    return int(x) + (rng.random() < x - int(x))


def _place(part: str) -> tuple[str, str | None]:
    return {"deep": ("test", "depth"), "family": ("test", "family")}.get(part, (part, None))


def name_rows(selected: list, seed: int) -> list[dict]:
    """Dataset rows in random order; names tell neither family nor split."""
    rng = random.Random(f"{seed}/names")
    rng.shuffle(selected)
    rows = []
    for number, (split, holdout, c) in enumerate(selected, 1):
        name = f"thm_{number:05d}"
        rows.append(families_found.full_row(
            name, statement(name, c.goal), family=c.family, depth=c.depth, split=split,
            holdout=holdout, proof=list(c.proof)))
    return rows


if __name__ == "__main__":
    config.main(main)
