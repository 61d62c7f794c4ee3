"""Makes Redis and the disk match PostgreSQL.

It queues open files that are missing on the job stream, announces results whose event was lost, and
deletes data that has no row.

Every worker runs it, one at a time. A sweep checks new rows first and then, for a limited time, all
open rows from where the last sweep stopped: a long backlog takes several sweeps.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice

from processing import repository
from processing.database import Database
from processing.jobs import Jobs
from processing.lifecycle import Lifecycle
from processing.models import Change
from processing.outbox import Announcement, Outbox
from processing.states import TERMINAL_STATUSES, Status
from processing.storage import Storage

logger = logging.getLogger(__name__)

_SWEEP_LOCK = 0x6D696C6C  # "mill" in ASCII; the lock is per database
PAGE_SIZE = 1000
# How long one sweep may check old rows.
SWEEP_BUDGET_SECONDS = 0.15
# A clean-up visits every stored file; the next one waits for this multiple of its duration.
CLEAN_UP_PAUSE_FACTOR = 50
# A row gets its entry right after its commit, so a younger row is not yet missing one.
SETTLED_SECONDS = 2.0
# An upload gets its folder moments before its row; an older folder without a row is an orphan.
ORPHAN_SECONDS = 600.0
# A partial upload that has not been written to for this long is abandoned.
PARTIAL_SECONDS = 3600.0
SILENT_WORKER_SECONDS = 3600.0
LOCK_PAUSE_SECONDS = 0.2


class Recovery:
    """Makes Redis and the disk match PostgreSQL."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        outbox: Outbox,
        storage: Storage,
        lifecycle: Lifecycle,
        keep_days: float,
    ) -> None:
        """``keep_days``: days to keep the data of finished files; 0 means for ever."""
        self._database = database
        self._jobs = jobs
        self._outbox = outbox
        self._storage = storage
        self._lifecycle = lifecycle
        self._keep_days = keep_days
        self._next_clean_up = float("-inf")
        # The newest ids at the last sweep and at the one before it.
        self._newest: int | None = None
        self._newest_before = 0
        # The id at which the check of old rows stopped.
        self._resume_after = 0

    async def requeue_missing(
        self, *, after: int = 0, settled_seconds: float = 0.0, budget: float = float("inf")
    ) -> tuple[int, int]:
        """Add an entry for every open file with an id above ``after`` that has none.

        Returns how many, and the id at which ``budget`` seconds ran out; 0 if they did not. A
        second entry is harmless, since only one claim wins, so this needs no lock.

        Raises:
            DatabaseUnavailable, RedisUnavailable: no answer.
        """
        await self._jobs.ensure_group()
        deadline = time.monotonic() + budget
        requeued = 0
        while True:
            async with self._database.connect() as connection:
                page = await repository.open_files(
                    connection, after=after, settled_seconds=settled_seconds, limit=PAGE_SIZE
                )
            missing = await self._jobs.missing([file_id for file_id, _ in page])
            if missing:
                requeued += await self._requeue([file for file in page if file[0] in missing])
            if len(page) < PAGE_SIZE:
                return requeued, 0
            after = page[-1][0]
            if time.monotonic() > deadline:
                return requeued, after

    async def _requeue(self, files: list[tuple[int, str]]) -> int:
        await self._outbox.expect_requeue()
        # Read the rows again: a file that was finished meanwhile needs no entry any more.
        async with self._database.connect() as connection:
            changes = await repository.get_changes(connection, [file_id for file_id, _ in files])
        still_open = {c.id: c for c in changes if c.status not in TERMINAL_STATUSES}
        # Redis may have been unavailable when they were submitted, so announce them.
        waiting = [change for change in still_open.values() if change.status == Status.WAITING]
        await self._outbox.send(
            [Announcement.status(change) for change in waiting],
            queue=[file for file in files if file[0] in still_open],
        )
        return len(still_open)

    async def rebuild(self) -> None:
        """Requeue every open file after the stream was lost.

        Waits for a running sweep, which may have started before the loss.
        """
        async with self.exclusive(wait=True):
            requeued, _ = await self.requeue_missing()
        logger.info("rebuilt the job stream with %d files", requeued)

    async def sweep(self) -> None:
        """Requeue and announce what is missing, unless another worker is sweeping."""
        async with self.exclusive() as acquired:
            if not acquired:
                return
            requeued = await self._requeue_new() + await self._requeue_old()
            if requeued:
                logger.warning("requeued %d files that were missing on the job stream", requeued)
            announced = await self._lifecycle.files.announce_pending()
            if announced:
                logger.warning("announced %d changes whose event was missing", announced)

    async def _requeue_new(self) -> int:
        """Check the rows added since the sweep before the last one.

        A row can be committed after a sweep that has already seen a higher id.
        """
        async with self._database.connect() as connection:
            newest = await repository.newest_id(connection)
        if self._newest is None:
            self._newest_before = self._newest = newest
        requeued, _ = await self.requeue_missing(
            after=self._newest_before, settled_seconds=SETTLED_SECONDS
        )
        self._newest_before, self._newest = self._newest, newest
        return requeued

    async def _requeue_old(self) -> int:
        """Check all open rows in turn, for a limited time."""
        requeued, self._resume_after = await self.requeue_missing(
            after=self._resume_after, settled_seconds=SETTLED_SECONDS, budget=SWEEP_BUDGET_SECONDS
        )
        return requeued

    async def clean_up(self) -> None:
        """Delete data that no row needs or that has expired, unless another worker is sweeping.

        It visits every stored file, so call it every few minutes, not seconds.
        """
        async with self.exclusive() as acquired:
            began = time.monotonic()
            if acquired and began >= self._next_clean_up:
                await self._clean_up()
                now = time.monotonic()
                self._next_clean_up = now + CLEAN_UP_PAUSE_FACTOR * (now - began)

    @asynccontextmanager
    async def exclusive(self, *, wait: bool = False) -> AsyncIterator[bool]:
        """Hold the sweep's lock inside the block.

        Yields False if another worker holds it; with ``wait``, waits until it does not.
        """
        async with self._database.connect() as connection:
            acquired = await repository.try_sweep_lock(connection, _SWEEP_LOCK)
            while wait and not acquired:
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
                acquired = await repository.try_sweep_lock(connection, _SWEEP_LOCK)
            try:
                yield acquired
            finally:
                if acquired:
                    await repository.release_sweep_lock(connection, _SWEEP_LOCK)

    async def _clean_up(self) -> None:
        await asyncio.to_thread(self._storage.delete_abandoned_partials, PARTIAL_SECONDS)
        await self._clean_up_uploads()
        stored = self._storage.stored_ids()
        while page := dict(await asyncio.to_thread(lambda: list(islice(stored, PAGE_SIZE)))):
            async with self._database.connect() as connection:
                changes = await repository.get_changes(connection, list(page))
            rows = {change.id: change for change in changes}
            for file_id, age in page.items():
                change = rows.get(file_id)
                if change is None and age > ORPHAN_SECONDS:
                    logger.info("deleting the data of file %d, which has no row", file_id)
                    await asyncio.to_thread(self._storage.delete_file, file_id)
                elif change is not None and change.status in TERMINAL_STATUSES:
                    await asyncio.to_thread(self._clean_up_file, change)
        async with self._database.connect() as connection:
            await repository.delete_silent_workers(connection, SILENT_WORKER_SECONDS)
        if self._keep_days:
            while expired := await self._lifecycle.files.expire(self._keep_days):
                logger.info("removed %d expired files", expired)

    async def _clean_up_uploads(self) -> None:
        """Delete the bytes of resumable uploads that have expired or are no longer needed."""
        active, idle = await asyncio.to_thread(self._storage.resumable_ids, PARTIAL_SECONDS)
        async with self._database.connect() as connection:
            expired = await repository.expire_uploads(connection, active)
            unfinished = await repository.unfinished_uploads(connection, idle)
        for upload_id in {*expired, *idle} - unfinished:
            await asyncio.to_thread(self._storage.delete_resumable, upload_id)

    def _clean_up_file(self, change: Change) -> None:
        if change.status == Status.REMOVED:
            # The process that removed it died between the commit and the deletion.
            self._storage.delete_file(change.id)
        else:
            # Left by workers that were killed, or by attempts that finished too late.
            keep = change.attempt if change.status == Status.OK else None
            self._storage.delete_attempts(change.id, keep=keep)
