"""The processes of a phase: run with their output kept, watched, and stopped if left behind."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import threading
from pathlib import Path
from typing import TextIO

import psutil
from omegaconf import DictConfig

from coprover import services
from coprover.plan import Run
from coprover.records import write_text_atomic

log = logging.getLogger("co_train")

SPIN_COUNT = "1000"  # 0 (OMP_WAIT_POLICY=PASSIVE) loses what a second thread gains


def tee(run: Run, command: list[str], log_file: TextIO, threads: int) -> int:
    """Runs a command in a process group of its own and returns its exit status.

    The group is recorded in the run's folder: if this process is killed, the next call stops what
    is left of it (`stop_orphans`), so that two processes never write the same files.
    """
    environment = {**os.environ, "TQDM_DISABLE": "1", "PYTHONUNBUFFERED": "1"}
    if threads:  # waiting threads must soon sleep: spinning ones starve the servers on two cores
        environment |= {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": SPIN_COUNT}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", bufsize=1, env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        handle = psutil.Process(process.pid)
        record = run.dir / "processes" / f"{process.pid}.json"
        write_text_atomic(record, json.dumps({"created": handle.create_time()}))
        try:
            if run.interrupted:
                return 130
            for line in process.stdout:
                log_file.write(line)
                log_file.flush()
                print("   " + line, end="", flush=True)
            return process.wait()
        finally:
            if process.poll() is None:
                services.stop_group(handle)
            record.unlink(missing_ok=True)


def stop_orphans(folder: Path) -> None:
    """Stops the phase processes that a killed orchestrator left behind."""
    for record in (folder / "processes").glob("*.json"):
        created = json.loads(record.read_text(encoding="utf-8"))["created"]
        try:
            process = psutil.Process(int(record.stem))
            if abs(process.create_time() - created) < 1.0:
                log.warning("stopping PID %d, left by a killed run", process.pid)
                services.stop_group(process)
        except psutil.NoSuchProcess:
            pass
        record.unlink(missing_ok=True)


class PeakMemory:
    """Watches the resident memory of this process, its children and the run's servers.

    `peak_mb` is the largest sum seen, once a second; pages shared by processes count each time, so
    it is an upper bound of what the run needs.
    """

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg, self.peak_mb = cfg, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *exc) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, self._sum_mb())
            if self._over.wait(1.0):
                return

    def _sum_mb(self) -> int:
        records = (services.read_record(self.cfg, name) for name in services.NAMES)
        roots = [psutil.Process(), *filter(None, (r.process() for r in records if r))]
        seen: dict[int, int] = {}
        for root in roots:
            try:
                for process in (root, *root.children(recursive=True)):
                    seen[process.pid] = process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return sum(seen.values()) >> 20
