"""The life of one job, from top to bottom: start, run in the pool, seal its files, record."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from processing.errors import NotFound
from processing.lifecycle import Claimed
from processing.models import Job
from processing.repository import AttemptResult, ProgressReport
from processing.states import Status
from processing.storage import Storage
from processing.text import sanitize_text
from worker import outcomes
from worker.answers import Answer, Success
from worker.ipc_protocol import MessageTooLarge, Task
from worker.limits import Exceeded, Limits
from worker.pool import Pool
from worker.pool_task import LimitExceeded, PoolTask, TaskResult
from worker.recorder import Recorder

logger = logging.getLogger(__name__)

REMEMBERED_CANCELLATIONS = 1000


class Held(NamedTuple):
    """The claim that this worker has on a file: its attempt, and the entry of its delivery."""

    attempt: int
    entry_id: str


@dataclass(slots=True)
class Running:
    """A claimed job; ``revoked`` once this worker must not record its result."""

    claimed: Claimed
    task: PoolTask = field(init=False)
    revoked: bool = False
    claimed_at: float = field(default_factory=time.monotonic)


class Executor:
    """Runs claimed jobs in the pool."""

    def __init__(
        self,
        pool: Pool,
        recorder: Recorder,
        storage: Storage,
        limits: Limits,
        *,
        max_failures: int,
    ) -> None:
        self._pool = pool
        self._recorder = recorder
        self._storage = storage
        self._limits = limits
        self._max_failures = max_failures
        self._file_tasks: set[asyncio.Task[None]] = set()
        self._cancelled: dict[int, int] = {}
        self.running: dict[int, Running] = {}

    async def wait_for_capacity(self) -> int:
        """Wait until more jobs can be claimed; return how many.

        While jobs are queued here it waits until several can be claimed, since one batch shares
        its statements. An idle slot never waits.
        """
        while True:
            window, count = self._pool.window, len(self.running)
            free = window - count
            if free > 0 and (count < self._pool.slots or free >= window // 2):
                return free
            self._pool.changed.clear()
            await self._pool.changed.wait()

    async def wait_until_idle(self) -> None:
        """Wait until nothing runs."""
        while self.running:
            self._pool.changed.clear()
            await self._pool.changed.wait()

    def held(self) -> dict[int, Held]:
        """Return, by file id, the jobs that this worker runs or whose result it has yet to write.

        It renews their leases, and does not claim them again should the leases expire during an
        outage.
        """
        held = {
            result.id: Held(result.attempt, delivery.entry_id)
            for result, delivery in self._recorder.unrecorded()
        }
        for file_id, running in self.running.items():
            if not running.revoked:
                job, delivery = running.claimed
                held[file_id] = Held(job.attempt, delivery.entry_id)
        return held

    def start(self, claimed: Claimed) -> None:
        """Start a job in the background."""
        job = claimed.job
        # The cancellation may have been announced while the answer to our claim was on its way.
        if job.attempt <= self._cancelled.pop(job.id, -1):
            return
        running = Running(claimed)
        try:
            running.task = PoolTask(
                self._task(job),
                lambda result: self._on_result(running, result),
                lambda progress, stage: self._on_progress(job, progress, stage),
            )
        except MessageTooLarge as error:
            result = outcomes.attempt_result(job, error, self._max_failures)
            self._recorder.record_result(result, claimed.delivery)
            return
        self.running[job.id] = running
        self._pool.submit(running.task)

    def cancel(self, file_id: int, attempt: int) -> None:
        """Kill ``attempt``, which was cancelled, if it runs here or is about to start here."""
        running = self.running.get(file_id)
        if running is None:
            self._cancelled[file_id] = attempt
            while len(self._cancelled) > REMEMBERED_CANCELLATIONS:
                del self._cancelled[next(iter(self._cancelled))]
        elif running.claimed.job.attempt <= attempt:  # a retry may have started a newer one
            self.revoke(file_id)

    def revoke(self, file_id: int) -> None:
        """Kill a running job and do not record its result."""
        running = self.running[file_id]
        running.revoked = True
        self._pool.kill(running.task)

    def unqueue(self, older_than: float) -> list[Claimed]:
        """Remove and return the jobs claimed ``older_than`` seconds ago that have not started."""
        now = time.monotonic()
        unqueued = [
            running
            for running in self.running.values()
            if not running.revoked
            and now - running.claimed_at >= older_than
            and self._pool.unqueue(running.task)
        ]
        for running in unqueued:
            running.revoked = True
        return [running.claimed for running in unqueued]

    def _task(self, job: Job) -> Task:
        source, folder = self._storage.task_paths(job.id, job.attempt)
        key = f"{job.id}:{job.attempt}"
        return Task(key, job.handler, job.name, source, folder, job.options, job.sha256)

    def _on_progress(self, job: Job, progress: float, stage: str) -> None:
        report = ProgressReport(
            id=job.id, attempt=job.attempt, progress=progress, stage=sanitize_text(stage)
        )
        self._recorder.report_progress(report)

    def _on_result(self, running: Running, result: TaskResult) -> None:
        if not running.revoked and _left_no_files(running, result):
            self._record(running, self._attempt_result(running, result))
            self._forget(running)
            return
        task = asyncio.create_task(self._finish_with_files(running, result))
        self._file_tasks.add(task)
        task.add_done_callback(self._file_tasks.discard)

    async def _finish_with_files(self, running: Running, result: TaskResult) -> None:
        """Finish a job that may have left files on the disk."""
        job = running.claimed.job
        try:
            if running.revoked:
                await self._discard(running)
            else:
                attempt_result = self._attempt_result(running, result)
                self._record(running, await self._seal_or_delete(job, attempt_result, result))
        except Exception:
            # The end of one job. It is not recorded, so its lease expires and it is retried.
            logger.exception("file %d: attempt %d could not be finished", job.id, job.attempt)
        finally:
            self._forget(running)

    def _attempt_result(self, running: Running, result: TaskResult) -> AttemptResult:
        found = outcomes.attempt_result(running.claimed.job, result, self._max_failures)
        return found if isinstance(result, Answer) else found._replace(usage=running.task.usage)

    def _record(self, running: Running, result: AttemptResult) -> None:
        self._recorder.record_result(result, running.claimed.delivery)
        if result.status != Status.OK:
            logger.info("file %d: attempt %d %s", result.id, result.attempt, result.outcome)

    def _forget(self, running: Running) -> None:
        # A retry may have started the same file again before its cancelled attempt was finished.
        if self.running.get(running.claimed.job.id) is running:
            del self.running[running.claimed.job.id]
        self._pool.changed.set()

    async def _discard(self, running: Running) -> None:
        job, usage = running.claimed.job, running.task.usage
        logger.info("file %d: attempt %d stopped on request", job.id, job.attempt)
        if usage.wall_seconds is not None:  # it had started
            self._recorder.record_cancelled_usage(job.id, job.attempt, usage)
        await asyncio.to_thread(self._storage.delete_attempt, job.id, job.attempt)

    async def _seal_or_delete(
        self, job: Job, attempt_result: AttemptResult, result: TaskResult
    ) -> AttemptResult:
        """Make the artifacts of a success durable; delete what any other attempt wrote."""
        wrote = not isinstance(result, Answer) or result.wrote
        if attempt_result.status == Status.OK and (
            wrote or attempt_result.artifacts or job.attempt > 1
        ):
            attempt_result = await self._seal(job, attempt_result)
        if attempt_result.status != Status.OK and wrote:
            await asyncio.to_thread(self._storage.delete_attempt, job.id, job.attempt)
        return attempt_result

    async def _seal(self, job: Job, result: AttemptResult) -> AttemptResult:
        try:
            names = [artifact["name"] for artifact in result.artifacts]
            sizes = await asyncio.to_thread(self._storage.seal, job.id, job.attempt, names)
        except (NotFound, OSError) as error:
            return outcomes.failed(job, f"An artifact could not be stored: {error}")
        if sum(sizes.values()) > self._limits.output_bytes:
            message = self._limits.describe(Exceeded.OUTPUT)
            return outcomes.limit_exceeded(job, LimitExceeded(Exceeded.OUTPUT, message))
        artifacts = [{**item, "size": sizes[item["name"]]} for item in result.artifacts]
        return result._replace(artifacts=artifacts)


def _left_no_files(running: Running, result: TaskResult) -> bool:
    """Whether neither this attempt nor an earlier one can have left files."""
    artifacts = result.artifacts if isinstance(result, Success) else ()
    first = running.claimed.job.attempt == 1
    return isinstance(result, Answer) and not result.wrote and not artifacts and first
