"""Writes results and progress of jobs in batches, and keeps what cannot be written yet.

While one batch is written the next one gathers: a lone job is written at once, and many jobs share
their statements.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from processing.async_wait import wait_or_timeout
from processing.errors import ServiceUnavailable
from processing.jobs import Delivery
from processing.lifecycle import Lifecycle
from processing.models import Change, Usage
from processing.repository import AttemptResult, ProgressReport
from processing.states import Outcome, Status

logger = logging.getLogger(__name__)

MAX_BATCH = 256
PROGRESS_SECONDS = 0.5
# With this many running jobs a batch waits briefly, so that more results can join it.
BUSY_JOBS = 16
GATHER_SECONDS = 0.005
MIN_PAUSE, MAX_PAUSE = 0.1, 2.0

_Result = tuple[AttemptResult, Delivery]
T = TypeVar("T")


class Recorder:
    """A queue of results, and the newest progress of each job."""

    def __init__(self, lifecycle: Lifecycle, count_running: Callable[[], int]) -> None:
        """``count_running`` returns how many jobs run."""
        self._lifecycle = lifecycle
        self._count_running = count_running
        self._results: asyncio.Queue[_Result | None] = asyncio.Queue()
        self._unrecorded: dict[int, _Result] = {}
        self._progress: dict[int, ProgressReport] = {}
        self._cancelled: dict[tuple[int, int], Usage] = {}

    def record_result(self, result: AttemptResult, delivery: Delivery) -> None:
        """Queue a result."""
        self._progress.pop(result.id, None)
        self._unrecorded[result.id] = item = (result, delivery)
        self._results.put_nowait(item)

    def unrecorded(self) -> Iterable[tuple[AttemptResult, Delivery]]:
        """Return the queued results with their deliveries."""
        return self._unrecorded.values()

    def report_progress(self, report: ProgressReport) -> None:
        """Queue the newest progress of an attempt."""
        self._progress[report.id] = report

    def record_cancelled_usage(self, file_id: int, attempt: int, usage: Usage) -> None:
        """Queue what a cancelled attempt had used."""
        self._progress.pop(file_id, None)
        self._cancelled[file_id, attempt] = usage

    def stop(self) -> None:
        """Let :meth:`run_results` return once everything queued before this call is written."""
        self._results.put_nowait(None)

    async def run_progress(self, finished: asyncio.Event) -> None:
        """Write progress until ``finished``. Progress may be lost: the next report replaces it."""
        while not await wait_or_timeout(finished, PROGRESS_SECONDS):
            reports, self._progress = list(self._progress.values()), {}
            cancelled, self._cancelled = self._cancelled, {}
            try:
                if reports:
                    await self._lifecycle.jobs.progress(reports)
                if cancelled:
                    await self._lifecycle.jobs.record_cancelled_usage(cancelled)
            except ServiceUnavailable as error:
                logger.debug("progress of %d jobs not written: %s", len(reports), error)
            except Exception:
                logger.exception("progress of %d jobs cannot be written", len(reports))

    async def run_results(self) -> None:
        """Write results until :meth:`stop`, which never interrupts a write as a cancel would."""
        stopped = False
        while not stopped:
            batch = [await self._results.get()]
            if self._count_running() >= BUSY_JOBS:
                await asyncio.sleep(GATHER_SECONDS)
            while not self._results.empty() and len(batch) < MAX_BATCH:
                batch.append(self._results.get_nowait())
            stopped = None in batch
            results = [item for item in batch if item is not None]
            await self._write(results)
            for item in results:
                if self._unrecorded.get(item[0].id) is item:  # not the result of a newer attempt
                    del self._unrecorded[item[0].id]

    async def _write(self, batch: list[_Result]) -> None:
        if not batch:
            return
        try:
            results = [result for result, _ in batch]
            changes = await _until_available(lambda: self._lifecycle.jobs.record_results(results))
            await self._announce(changes, batch)
        except Exception:
            if len(batch) > 1:  # one result is at fault; store the others without it
                for item in batch:
                    await self._write([item])
                return
            logger.exception("the result of file %d cannot be stored", batch[0][0].id)
            await self._write_failure(*batch[0])

    async def _write_failure(self, result: AttemptResult, delivery: Delivery) -> None:
        failure = AttemptResult(
            id=result.id,
            attempt=result.attempt,
            status=Status.ERROR,
            outcome=Outcome.FAILED,
            message="The result could not be stored. The worker's log has the reason.",
        )
        try:
            changes = await _until_available(lambda: self._lifecycle.jobs.record_results([failure]))
            await self._announce(changes, [(failure, delivery)])
        except Exception:
            # This task must go on for the other jobs; this job's lease expires.
            logger.exception("file %d: its failure cannot be stored either", result.id)

    async def _announce(self, changes: list[Change], batch: list[_Result]) -> None:
        changed = {change.id for change in changes}
        for result, _ in batch:
            if result.id not in changed:
                logger.info("file %d: attempt %d is no longer current", result.id, result.attempt)
        deliveries = {result.id: delivery for result, delivery in batch if result.id in changed}
        tries = itertools.count()
        await _until_available(
            lambda: self._lifecycle.jobs.announce_results(
                changes, deliveries, repeated=next(tries) > 0
            )
        )


async def _until_available(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat ``write`` until the servers are available."""
    pause = MIN_PAUSE
    while True:
        try:
            return await write()
        except ServiceUnavailable as error:
            logger.warning("%s is unavailable, results wait: %s", error.service, error)
            await asyncio.sleep(pause)
            pause = min(MAX_PAUSE, pause * 2)
