"""Persistent Lean REPL workers: whole snippets and tactic steps, one thread and process per worker.

What the pool promises: every snippet and tactic gets its own answer, whatever its neighbours do. A
time-out, crash, flood or out-of-step pipe costs one process and is retried or reported for the
culprit alone. Import headers are loaded once per process and kept in LRU order; each snippet starts
from its header's environment, never from another snippet's. Proof states have names of the pool,
hold the path that led to them, and are replayed when their worker is gone.

After Kimina Lean Server 2.0.0 (server/manager.py) and LeanInteract's replay cache; different: no
shared base environment without a header, failed headers are errors, answers are checked to belong
to their question. Not a sandbox: Lean text that runs IO runs with the server's rights.
Try: `python lean_server_pool.py --config configs/local.yaml` (checks one theorem and one step).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coprover import config
from coprover.repl_steps import ProofState, StepWorker
from coprover.repl_worker import Settings, Unusable, split_header

log = logging.getLogger("lean_pool")
ROOT = Path(__file__).resolve().parent
_LOOK_AHEAD = 64  # queued snippets a worker may skip to find one whose header it has loaded


NO_REPL = {"error": "no REPL answers; the server's log says why"}  # of a task about proof states


class Overloaded(Exception):
    """More work is queued than `lean.server.max_queue` allows; try again later."""


class Batch:
    """Results of one request, filled by worker threads, awaited by the server."""

    def __init__(self, count: int) -> None:
        self.results: list = [None] * count
        self.cancelled = False
        self._left = count
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._future = self._loop.create_future()
        if not count:
            self._finish()

    def put(self, index: int, result: object) -> None:
        """Stores a result; called from any thread."""
        with self._lock:
            self.results[index] = result
            self._left -= 1
            last = not self._left
        if last:
            try:
                self._loop.call_soon_threadsafe(self._finish)
            except RuntimeError:  # the loop is closed: nobody waits any more
                pass

    async def wait(self) -> list:
        """Returns all results; when the waiter is cancelled, work not yet begun is dropped."""
        try:
            await self._future
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return self.results

    def _finish(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


@dataclass(frozen=True)
class Task:
    """One unit of work; `call(worker)` returns the result, in at most about `limit_s`."""

    batch: Batch
    index: int
    header: str
    limit_s: float
    call: Callable[[StepWorker], object]


class Place:
    """A worker with its thread and its own queue: proof states are bound to their worker."""

    def __init__(self, pool: Pool, number: int) -> None:
        self.worker = StepWorker(pool.settings, pool)
        self.queue: deque[Task] = deque()
        self.n_started = 0
        self.thread = threading.Thread(
            target=pool.serve, args=(self,), name=f"lean-{number}", daemon=True
        )


class Pool:
    """The workers. Create it, `start`, use it from one event loop, `close`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.closing = False
        self._ready = threading.Condition()
        self._queue: deque[Task] = deque()
        self._states: OrderedDict[str, ProofState] = OrderedDict()
        self._numbers = itertools.count(1)
        self._token = secrets.token_hex(4)
        self.places = [Place(self, number) for number in range(settings.workers)]
        self._place_of = {id(place.worker): place for place in self.places}

    def start(self) -> None:
        for place in self.places:
            place.thread.start()

    def close(self, grace_s: float = 0.0) -> None:
        """Stops the workers; running tasks get `grace_s` seconds to finish, queued ones none."""
        with self._ready:
            self.closing = True
            self._ready.notify_all()
        deadline = time.monotonic() + grace_s
        for place in self.places:
            if place.thread.is_alive():
                place.thread.join(max(0.0, deadline - time.monotonic()))
            place.worker.stop()
        for place in self.places:
            if place.thread.is_alive():
                place.thread.join(5)

    @property
    def queued(self) -> int:
        return len(self._queue) + sum(len(place.queue) for place in self.places)

    @property
    def n_states(self) -> int:
        return len(self._states)

    @property
    def healthy(self) -> int:
        """Number of workers that lately answered or are at work within their limit."""
        return sum(place.worker.healthy for place in self.places)

    @property
    def last_error(self) -> str:
        return next((p.worker.last_error for p in self.places if p.worker.last_error), "")

    async def check(
        self, codes: Sequence[str], timeout_s: float, extras: Mapping | None = None
    ) -> list[dict]:
        """Returns one Kimina result (without id) per snippet. Raises Overloaded.

        extras: what else the REPL is to report, `infotree` or `allTactics`.
        """
        batch = Batch(len(codes))
        limit_s = timeout_s + self.settings.header_timeout_s
        tasks = []
        for index, code in enumerate(codes):
            header, body, shift = split_header(code)
            call = _check_call(header, body, shift, timeout_s, extras)
            tasks.append(Task(batch, index, header, limit_s, call))
        self._submit([(self._queue, task) for task in tasks])
        return await batch.wait()

    async def step_start(self, items: Sequence[dict], timeout_s: float) -> list[dict]:
        """Returns the state reached by each {header, statement, tactics?}. Raises Overloaded."""
        batch = Batch(len(items))
        jobs = []
        for index, item in enumerate(items):
            place = min(self.places, key=lambda p: p.n_started)
            place.n_started += 1
            call = _start_call(item, timeout_s)
            jobs.append((place.queue, Task(batch, index, "", timeout_s, call)))
        self._submit(jobs)
        return await batch.wait()

    async def step_run(self, runs: Sequence[dict], timeout_s: float) -> list[list[dict] | None]:
        """Returns, per {state, tactics}, its outcomes, or None for an unknown state."""
        batch = Batch(len(runs))
        jobs = []
        for index, run in enumerate(runs):
            state = self._use(run["state"])
            if state is None:
                batch.put(index, None)
                continue
            call = _run_call(state, run["tactics"], timeout_s)
            queue = self._place_of[id(state.worker)].queue
            jobs.append((queue, Task(batch, index, "", timeout_s * len(run["tactics"]), call)))
        self._submit(jobs)
        return await batch.wait()

    def add_state(
        self, header: str, statement: str, tactics: tuple[str, ...], worker: StepWorker,
        repl_id: int,
    ) -> str:  # fmt: skip
        """Names a new proof state; forgets the least recently used above the limits."""
        now = time.monotonic()
        name = f"{self._token}-{next(self._numbers)}"
        state = ProofState(
            name, header, statement, tactics, worker, worker.generation, repl_id, now
        )
        with self._ready:
            self._states[name] = state
            while len(self._states) > self.settings.max_states or (
                now - next(iter(self._states.values())).used > self.settings.state_ttl_s
            ):
                self._states.popitem(last=False)
                self.counts["states_forgotten"] += 1
        return name

    def serve(self, place: Place) -> None:
        """The life of a worker's thread."""
        worker = place.worker
        worker.preload()
        while (task := self._next(place)) is not None:
            if task.batch.cancelled:
                task.batch.put(task.index, None)
                continue
            worker.busy_until = time.monotonic() + task.limit_s
            try:
                result = task.call(worker)
            except Unusable as error:
                result = NO_REPL
                log.error("no REPL: %s", error)
            except Exception:
                # a bug here must cost one answer, not the worker's thread
                log.exception("internal error in a worker")
                worker.kill("internal")
                result = {"error": "internal error of the Lean server; its log has the trace"}
            worker.busy_until = 0.0
            task.batch.put(task.index, result)
            worker.retire_if_due()
        worker.kill("closing")

    def _use(self, name: str) -> ProofState | None:
        with self._ready:
            state = self._states.get(name)
            if state is not None:
                state.used = time.monotonic()
                self._states.move_to_end(name)
            return state

    def _next(self, place: Place) -> Task | None:
        """Blocks until there is work for this worker; None when the pool closes."""
        with self._ready:
            while not self.closing:
                if place.queue:
                    return place.queue.popleft()
                if self._queue:
                    return self._pick(place.worker)
                self._ready.wait()
        return None

    def _pick(self, worker: StepWorker) -> Task:
        """The first queued snippet, or a near one whose header this worker has loaded."""
        if not worker.knows(self._queue[0].header):
            for position, task in enumerate(itertools.islice(self._queue, _LOOK_AHEAD)):
                if worker.knows(task.header):
                    del self._queue[position]
                    return task
        return self._queue.popleft()

    def _submit(self, jobs: list[tuple[deque[Task], Task]]) -> None:
        with self._ready:
            if self.closing:
                raise Overloaded("the server is shutting down")
            if self.queued + len(jobs) > self.settings.max_queue:
                raise Overloaded(f"{self.queued} jobs are queued already")
            for queue, task in jobs:
                queue.append(task)
            self._ready.notify_all()


def _check_call(header: str, body: str, shift: int, timeout_s: float, extras: Mapping | None):
    return lambda worker: worker.check(header, body, shift, timeout_s, extras)


def _start_call(item: dict, timeout_s: float):
    path = tuple(item.get("tactics") or ())
    return lambda worker: worker.start(item["header"], item["statement"], path, timeout_s)


def _run_call(state: ProofState, tactics: Sequence[str], timeout_s: float):
    return lambda worker: worker.run(state, tactics, timeout_s)


async def _demo(pool: Pool) -> None:
    theorem = "import Mathlib\n\ntheorem demo (P : Prop) (h : P) : P := by\n  exact h"
    print(json.dumps(await pool.check([theorem], 60)))
    goal = "theorem demo (P : Prop) : P → P := by sorry"
    [start] = await pool.step_start([{"header": "import Mathlib\n", "statement": goal}], 60)
    print(json.dumps(start, ensure_ascii=False))
    if start["kind"] == "state":
        run = {"state": start["state"], "tactics": ["intro h", "exact h"]}
        print(json.dumps(await pool.step_run([run], 60), ensure_ascii=False))


def main() -> int:
    cfg = config.from_cli(__doc__, {"--workers": "lean.server.workers"})
    pool = Pool(Settings.of(cfg.lean.server, ROOT))
    pool.start()
    try:
        asyncio.run(_demo(pool))
    finally:
        pool.close()
    return 0


if __name__ == "__main__":
    config.main(main)
