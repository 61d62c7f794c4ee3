"""Millrace itself: two worker programs, with every promise switched on."""

import asyncio
import gc
import random
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.queue import testbed
from benchmarks.queue.testbed import HANDLER, Testbed
from processing import repository
from processing.core import Core
from processing.repository import NewFile
from processing.states import Status

WORKERS = 2
COUNT = 60_000


class Ours:
    """Its workers, and what is measured of them."""

    name = "millrace"

    def __init__(self, bed: Testbed) -> None:
        self._testbed = bed

    def _workers(self) -> list[subprocess.Popen[bytes]]:
        argv = [sys.executable, "-m", "worker"]
        return [self._testbed.start(argv, "millrace.log") for _ in range(WORKERS)]

    async def _ready(self, core: Core) -> None:
        while True:
            async with core.database.connect() as connection:
                if len(await repository.list_workers(connection, within=60)) == WORKERS:
                    return
            await asyncio.sleep(0.05)

    async def throughput(
        self, core: Core, count: int = COUNT, backlog: int = 0, history: int = 0
    ) -> float:
        """Jobs a second of the first ``count`` in a backlog that is there before the workers.

        ``backlog`` more jobs wait behind them, ``history`` rows have ended before.
        """
        await testbed.clear(core)
        if history:
            await testbed.fill(core, history, finished=True)
        await testbed.fill(core, count + backlog)
        await core.jobs.ensure_group()
        for first in range(history + 1, history + count + backlog + 1, 1000):
            last = min(history + count + backlog, first + 999)
            await core.outbox.send(queue=[(i, HANDLER) for i in range(first, last + 1)])
        await testbed.settled(core)
        workers = self._workers()
        try:
            return await testbed.finished(core, count, 120)
        finally:
            for worker in workers:
                await asyncio.to_thread(testbed.stop, worker)

    async def latency(self, core: Core, count: int) -> list[float]:
        """Milliseconds from enqueuing to knowing the end, of jobs that come alone."""
        await testbed.clear(core)
        await testbed.calm(core)
        workers = self._workers()
        try:
            await self._ready(core)
            await self._one_by_one(core, 20)
            gc.freeze()  # the rounds before are no part of what is measured
            return await self._one_by_one(core, count)
        finally:
            for worker in workers:
                await asyncio.to_thread(testbed.stop, worker)

    async def _one_by_one(self, core: Core, count: int) -> list[float]:
        took = []
        for _ in range(count):
            cursor = await testbed.tail(core)
            new = await self._new(core, HANDLER)
            begin = time.perf_counter()
            file_id = (await core.lifecycle.submissions.accept(new)).id
            ended = False
            while not ended:
                for entry_id, event in await core.events.read(cursor):
                    cursor = entry_id
                    assert event is not None
                    ended |= event.file_id == file_id and event.status == Status.OK
            took.append((time.perf_counter() - begin) * 1000)
            await asyncio.sleep(random.uniform(0.005, 0.02))
        return took

    async def _new(self, core: Core, handler: str, **options: object) -> NewFile:
        """A job with its id, which an upload reserves before its bytes are in their place."""
        connection = core.database.dedicated()
        file_id = await repository.next_id(connection)
        await connection.close()
        return NewFile(
            id=file_id, name="a.csv", size=4, sha256="0" * 64, handler=handler, options=options
        )

    async def cancels(self, core: Core, count: int) -> tuple[list[float], list[float]]:
        """Milliseconds from asking for a cancel until its process is dead; until it is known."""
        await testbed.clear(core)
        workers = self._workers()
        dead, known = [], []
        try:
            await self._ready(core)
            for _ in range(count):
                new = await self._new(core, "emulate", seconds=600)
                file_id = (await core.lifecycle.submissions.accept(new)).id
                pid = await _burning(core, file_id)
                cursor = await testbed.tail(core)
                begin = time.perf_counter()
                watching = asyncio.create_task(_hears(core, cursor, file_id))
                await core.lifecycle.files.delete(file_id)
                while _alive(pid):  # noqa: ASYNC110 -- the kernel signals nobody but its parent
                    await asyncio.sleep(0.0005)
                dead.append((time.perf_counter() - begin) * 1000)
                known.append((await watching - begin) * 1000)
        finally:
            for worker in workers:
                await asyncio.to_thread(testbed.stop, worker)
        return dead, known


async def _hears(core: Core, cursor: str, file_id: int) -> float:
    while True:
        for entry_id, event in await core.events.read(cursor):
            cursor = entry_id
            if event and event.file_id == file_id and event.status == Status.CANCELED:
                return time.perf_counter()


async def _burning(core: Core, file_id: int) -> int:
    """The process that works on a file, the only one: the child that burns."""
    while True:
        async with core.database.connect() as connection:
            file = await repository.get_file(connection, file_id)
        if file is not None and file.progress is not None:
            break
        await asyncio.sleep(0.02)
    before = _ticks()
    await asyncio.sleep(0.1)
    after = _ticks()
    return max(after, key=lambda pid: after[pid] - before.get(pid, 0))


def _ticks() -> dict[int, int]:
    """CPU ticks of every child process of a worker."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"forkserver" in (folder / "cmdline").read_bytes():
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                found[int(folder.name)] = int(fields[11])
        except OSError:
            continue
    return found


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
