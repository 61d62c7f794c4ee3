"""Writes progress and results of many jobs together, and keeps what it could not write yet.

While one write is under way others gather, so a lone job is written at once and a crowd shares
its statements.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from processing.async_wait import wait_or_timeout
from processing.errors import ServiceUnavailable
from processing.jobs import Delivery
from processing.lifecycle import Lifecycle
from processing.models import Change
from processing.repository import AttemptResult, ProgressReport
from processing.states import Outcome, Status

logger = logging.getLogger(__name__)

BATCH = 256
PROGRESS_SECONDS = 0.5
# With so many jobs under way a write waits a moment for more of them to end.
CROWD = 16
GATHER_SECONDS = 0.005
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0

_End = tuple[AttemptResult, Delivery]
T = TypeVar("T")


class Recorder:
    """One queue of ends and one note of the newest progress per job."""

    def __init__(self, lifecycle: Lifecycle, crowd: Callable[[], int]) -> None:
        """``crowd`` tells how many jobs are under way."""
        self._lifecycle = lifecycle
        self._crowd = crowd
        self._ends: asyncio.Queue[_End | None] = asyncio.Queue()
        self._progress: dict[int, ProgressReport] = {}
        self._used: list[AttemptResult] = []

    def ended(self, finish: AttemptResult, delivery: Delivery) -> None:
        """Have the end of an attempt written."""
        self._progress.pop(finish.id, None)
        self._ends.put_nowait((finish, delivery))

    def progressed(self, report: ProgressReport) -> None:
        """Have the newest progress of an attempt written."""
        self._progress[report.id] = report

    def used(self, figures: AttemptResult) -> None:
        """Have written what a cancelled attempt had used."""
        self._progress.pop(figures.id, None)
        self._used.append(figures)

    def stop(self) -> None:
        """Let :meth:`run_ends` return once everything before this call is written."""
        self._ends.put_nowait(None)

    async def run_progress(self, finished: asyncio.Event) -> None:
        """Write progress until ``finished``. Lost progress is no loss: the next replaces it."""
        while not await wait_or_timeout(finished, PROGRESS_SECONDS):
            reports, self._progress = list(self._progress.values()), {}
            used, self._used = self._used, []
            try:
                if reports:
                    await self._lifecycle.jobs.progress(reports)
                if used:
                    await self._lifecycle.jobs.record_usage(used)
            except ServiceUnavailable as error:
                logger.debug("progress of %d jobs not written: %s", len(reports), error)
            except Exception:
                logger.exception("progress of %d jobs cannot be written", len(reports))

    async def run_ends(self) -> None:
        """Write ends until :meth:`stop`. A sentinel, not a cancel: a write is never cut in two."""
        stopped = False
        while not stopped:
            batch = [await self._ends.get()]
            if self._crowd() >= CROWD:
                await asyncio.sleep(GATHER_SECONDS)
            while not self._ends.empty() and len(batch) < BATCH:
                batch.append(self._ends.get_nowait())
            stopped = None in batch
            await self._write([end for end in batch if end is not None])

    async def _write(self, batch: list[_End]) -> None:
        if not batch:
            return
        try:
            finishes = [finish for finish, _ in batch]
            files = await _insist(lambda: self._lifecycle.jobs.record(finishes))
            await self._conclude(files, batch)
        except Exception:
            if len(batch) > 1:  # one of them is at fault; the others must not suffer
                for end in batch:
                    await self._write([end])
                return
            logger.exception("the result of file %d cannot be stored", batch[0][0].id)
            await self._write_bare(*batch[0])

    async def _write_bare(self, finish: AttemptResult, delivery: Delivery) -> None:
        bare = AttemptResult(
            id=finish.id,
            attempt=finish.attempt,
            status=Status.ERROR,
            outcome=Outcome.FAILED,
            message="The result cannot be stored; the worker's log says why.",
        )
        try:
            files = await _insist(lambda: self._lifecycle.jobs.record([bare]))
            await self._conclude(files, [(bare, delivery)])
        except Exception:
            # This task must live on for the other jobs; this one's lease runs out.
            logger.exception("file %d: not even its failure can be stored", finish.id)

    async def _conclude(self, files: list[Change], batch: list[_End]) -> None:
        counted = {file.id for file in files}
        for finish, _ in batch:
            if finish.id not in counted:
                logger.info("file %d: attempt %d no longer counts", finish.id, finish.attempt)
        deliveries = {finish.id: delivery for finish, delivery in batch if finish.id in counted}
        tries = itertools.count()
        await _insist(
            lambda: self._lifecycle.jobs.announce_results(files, deliveries, again=next(tries) > 0)
        )


async def _insist(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat ``write`` until the servers are back."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await write()
        except ServiceUnavailable as error:
            logger.warning("%s is away, results wait: %s", error.service, error)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
