"""A peer: another Python queue in an environment of its own, doing the same durable job."""

import asyncio
import json
import subprocess
from typing import Any

from benchmarks import environment
from benchmarks.queue import testbed
from benchmarks.queue.testbed import Testbed
from processing.core import Core
from processing.paths import ROOT

FOLDER = ROOT / "benchmarks" / "queue" / "peers"
ENVIRONMENT = ROOT / ".venv-bench"
START_SECONDS = 4.0
# Enough of them to run for seconds each, at what they do a second.
COUNTS = {
    "celery": 4000, "taskiq": 6000, "dramatiq": 8000, "saq": 6000, "arq": 5000, "rq": 2000,
    "huey": 6000,
}  # fmt: skip


def prepare() -> None:
    """Install the peers."""
    environment.prepare(ENVIRONMENT, FOLDER.parent / "peers.txt")


class Peer:
    """One of them, by name."""

    def __init__(self, name: str, bed: Testbed) -> None:
        self.name = name
        self._testbed = bed
        binaries = ENVIRONMENT / "bin"
        self._env = {
            **bed.environment,
            "PYTHONPATH": str(FOLDER),
            "PATH": f"{binaries}:{bed.environment['PATH']}",
        }

    def _drive(self, *arguments: str) -> Any:
        done = subprocess.run(
            ["python", "drive.py", self.name, *arguments],
            env=self._env,
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr[-2000:]}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def _workers(self) -> list[subprocess.Popen[bytes]]:
        commands = self._drive("commands")
        return [self._testbed.start(argv, f"{self.name}.log", **self._env) for argv in commands]

    async def throughput(self, core: Core) -> float:
        """Jobs a second of a backlog that is there when the workers start."""
        count = COUNTS[self.name]
        await testbed.clear(core)
        await testbed.fill(core, count)
        await asyncio.to_thread(self._drive, "enqueue", str(count))
        await testbed.settled(core)
        workers = await asyncio.to_thread(self._workers)
        try:
            return await testbed.finished(core, count, 120)
        finally:
            for worker in workers:
                await asyncio.to_thread(testbed.stop, worker)

    async def latency(self, core: Core, count: int) -> list[float]:
        """Milliseconds from enqueuing to knowing the end, of jobs that come alone."""
        await testbed.clear(core)
        await testbed.calm(core)
        workers = await asyncio.to_thread(self._workers)
        try:
            await asyncio.sleep(START_SECONDS)
            await asyncio.to_thread(self._drive, "latency", "20")
            return list(await asyncio.to_thread(self._drive, "latency", str(count)))
        finally:
            for worker in workers:
                await asyncio.to_thread(testbed.stop, worker)
