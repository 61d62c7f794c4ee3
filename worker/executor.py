"""The life of one job, top to bottom: prepare, perform, normalize, record."""

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from processing.errors import NotFound
from processing.lifecycle import Claimed
from processing.models import ProcessingFile
from processing.repository import Finish, ProgressReport
from processing.states import Status
from processing.storage import Storage
from processing.text import storable
from worker import outcomes
from worker.outcomes import Ending, JobTimedOut
from worker.pool import BadAnswer, Child, ChildDied, Pool
from worker.recorder import Recorder

logger = logging.getLogger(__name__)

REMEMBERED_CANCELS = 1000


@dataclass(slots=True)
class Running:
    """A job in a slot; ``revoked`` once its result no longer matters here."""

    claimed: Claimed
    child: Child | None = None
    revoked: bool = False
    peak_rss: int | None = None
    started: float = field(default_factory=time.monotonic)


class Executor:
    """Runs claimed files in the pool, at most ``slots`` at once."""

    def __init__(
        self,
        pool: Pool,
        recorder: Recorder,
        storage: Storage,
        *,
        slots: int,
        job_seconds: float,
        max_failures: int,
    ) -> None:
        """``job_seconds``: wall time a job may take, 0 for no limit."""
        self._pool = pool
        self._recorder = recorder
        self._storage = storage
        self._slots = slots
        self._job_seconds = job_seconds or None
        self._max_failures = max_failures
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled: dict[int, int] = {}
        self._freed = asyncio.Event()
        self.running: dict[int, Running] = {}

    @property
    def free(self) -> int:
        """How many jobs could start now."""
        return self._slots - len(self.running)

    async def wait_for_slot(self) -> int:
        """Wait until at least one slot is free; return how many are."""
        while self.free <= 0:
            self._freed.clear()
            await self._freed.wait()
        return self.free

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def held(self) -> dict[int, int]:
        """Id → attempt of every job that is ours."""
        return {i: r.claimed.file.attempt for i, r in self.running.items() if not r.revoked}

    def start(self, claimed: Claimed) -> None:
        """Begin a job in the background."""
        running = Running(claimed)
        self.running[claimed.file.id] = running
        # The cancel may have been announced while the answer to our claim was on its way.
        cancelled = self._cancelled.pop(claimed.file.id, 0)
        running.revoked = claimed.file.attempt <= cancelled
        task = asyncio.create_task(self._execute(running))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self, file_id: int, attempt: int) -> None:
        """A cancel of ``attempt`` was announced: kill it if it is ours, now or in a moment."""
        running = self.running.get(file_id)
        if running is None:
            self._cancelled[file_id] = attempt
            while len(self._cancelled) > REMEMBERED_CANCELS:
                del self._cancelled[next(iter(self._cancelled))]
        elif running.claimed.file.attempt <= attempt:  # a newer one was started by a retry
            self.revoke(file_id)

    def revoke(self, file_id: int) -> None:
        """Kill one of our jobs, whose result no longer matters here."""
        running = self.running[file_id]
        running.revoked = True
        if running.child is not None:
            running.child.kill()

    async def _execute(self, running: Running) -> None:
        file = running.claimed.file
        try:
            ending = await self._perform(running)
            if running.revoked:
                await asyncio.to_thread(self._storage.discard_attempt, file.id, file.attempt)
                logger.info("file %d: attempt %d ended on request", file.id, file.attempt)
                return
            finish = await self._normalize(running, ending)
            self._recorder.ended(finish, running.claimed.delivery)
            logger.info("file %d: attempt %d %s", file.id, file.attempt, finish.outcome)
        except Exception:
            # One job's life ends here. Unrecorded, its lease runs out and another tries it.
            logger.exception("file %d: attempt %d broke its executor", file.id, file.attempt)
        finally:
            # A retry may have brought the same file back before its cancelled attempt was gone.
            if self.running.get(file.id) is running:
                del self.running[file.id]
            self._freed.set()

    async def _perform(self, running: Running) -> Ending:
        file = running.claimed.file
        try:
            folder = await asyncio.to_thread(self._storage.open_attempt, file.id, file.attempt)
        except (NotFound, OSError) as error:
            return error
        if running.revoked:
            return ChildDied(None)
        child = running.child = self._pool.checkout()
        try:
            async with asyncio.timeout(self._job_seconds) as limit:
                return await child.perform(
                    self._task(file, folder),
                    lambda progress, stage: self._progressed(file, progress, stage),
                )
        except TimeoutError as error:
            child.kill()
            return JobTimedOut(self._job_seconds or 0.0) if limit.expired() else error
        except (ChildDied, BadAnswer) as error:
            return error
        finally:
            running.peak_rss = child.peak_rss
            # Whoever revokes from here on must not kill a child that another job has.
            running.child = None
            self._pool.checkin(child)

    async def _normalize(self, running: Running, ending: Ending) -> Finish:
        file = running.claimed.file
        wall = time.monotonic() - running.started
        finish = outcomes.finish(file, ending, self._max_failures)
        if finish.status == Status.OK:
            try:
                names = [artifact["name"] for artifact in finish.artifacts]
                sizes = await asyncio.to_thread(self._storage.seal, file.id, file.attempt, names)
                artifacts = [{**item, "size": sizes[item["name"]]} for item in finish.artifacts]
                finish = replace(finish, artifacts=artifacts)
            except (NotFound, OSError) as error:
                finish = outcomes.failed(file, f"An artifact cannot be kept: {error}")
        if finish.status != Status.OK:
            await asyncio.to_thread(self._storage.discard_attempt, file.id, file.attempt)
        peak = finish.peak_rss or running.peak_rss
        return replace(finish, wall_seconds=wall, peak_rss=peak)

    def _task(self, file: ProcessingFile, folder: Path) -> dict[str, Any]:
        return {
            "handler": file.handler,
            "name": file.name,
            "source": str(self._storage.original(file.id)),
            "folder": str(folder),
            "options": file.options,
        }

    def _progressed(self, file: ProcessingFile, progress: float, stage: str) -> None:
        report = ProgressReport(
            id=file.id, attempt=file.attempt, progress=progress, stage=storable(stage)
        )
        self._recorder.progressed(report)
