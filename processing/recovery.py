"""Rebuilds the job stream from the rows, tells forgotten ends, clears away data no row knows.

Any worker can do it and one at a time does. A pass looks at what is new, and goes on through all
open rows from where it stopped, for a moment only: with a long backlog it takes several passes.
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
from processing.outbox import Notice, Outbox
from processing.states import TERMINAL_STATUSES, Status
from processing.storage import Storage

logger = logging.getLogger(__name__)

_SWEEP_LOCK = 0x6D696C6C  # "mill": one sweeper per database
_PAGE = 1000
# How long one pass may go through old rows.
SWEEP_BUDGET_SECONDS = 0.15
# A look at all stored files is followed by a pause of so many times its duration.
TIDY_REST = 50
# Who commits a row adds its entry at once; a row that is younger is not missing one.
SETTLED_SECONDS = 2.0
# An upload adopts its folder moments before its row, which PostgreSQL takes or refuses in time.
ORPHAN_SECONDS = 600.0
# Nobody writes to a partial upload for so long and comes back.
PARTIAL_SECONDS = 3600.0
SILENT_WORKER_SECONDS = 3600.0
LOCK_PAUSE_SECONDS = 0.2


class Recovery:
    """What brings Redis and the disk back in line with PostgreSQL."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        outbox: Outbox,
        storage: Storage,
        lifecycle: Lifecycle,
        keep_days: float,
    ) -> None:
        """``keep_days``: how long the data of files that ended stays, 0 for ever."""
        self._database = database
        self._jobs = jobs
        self._outbox = outbox
        self._storage = storage
        self._lifecycle = lifecycle
        self._keep_days = keep_days
        self._tidy_at = float("-inf")
        # Newest ids at the last pass and at the one before it; where the walk through all stopped.
        self._newest: int | None = None
        self._newest_before = 0
        self._walked = 0

    async def requeue_missing(
        self, *, after: int = 0, settled_seconds: float = 0.0, budget: float = float("inf")
    ) -> tuple[int, int]:
        """Give every open file above ``after`` without an entry a new one.

        Returns how many, and the id at which ``budget`` seconds ended it; 0 if it came to the end.
        An entry too many is harmless, since only one claim wins: no lock is needed to be right.
        """
        await self._jobs.ensure_group()
        deadline = time.monotonic() + budget
        requeued = 0
        while True:
            async with self._database.connect() as connection:
                page = await repository.open_files(
                    connection, after=after, settled_seconds=settled_seconds, limit=_PAGE
                )
            missing = await self._jobs.missing([file_id for file_id, _ in page])
            if missing:
                requeued += await self._requeue([file for file in page if file[0] in missing])
            if len(page) < _PAGE:
                return requeued, 0
            after = page[-1][0]
            if time.monotonic() > deadline:
                return requeued, after

    async def _requeue(self, files: list[tuple[int, str]]) -> int:
        # Looked at again: what has ended since had every right to lose its entry.
        async with self._database.connect() as connection:
            changes = await repository.get_changes(connection, [file_id for file_id, _ in files])
        still_open = {c.id: c for c in changes if c.status not in TERMINAL_STATUSES}
        # Their submission may have found Redis away, so nobody has heard of them yet.
        waiting = [change for change in still_open.values() if change.status == Status.WAITING]
        await self._outbox.send(
            [Notice.status(change) for change in waiting],
            queue=[file for file in files if file[0] in still_open],
        )
        return len(still_open)

    async def rebuild(self) -> None:
        """Requeue what a lost stream has lost.

        Waits for a pass that is under way, since it may have begun before the loss.
        """
        async with self._alone(wait=True):
            requeued, _ = await self.requeue_missing()
        logger.info("rebuilt the job stream: %d files put on it", requeued)

    async def sweep(self) -> None:
        """Requeue and announce what is missing, unless another sweeps right now."""
        async with self._alone() as alone:
            if not alone:
                return
            requeued = await self._sweep_new() + await self._sweep_old()
            if requeued:
                logger.warning("put %d files back on the job stream", requeued)
            forgotten = await self._lifecycle.files.announce_pending()
            if forgotten:
                logger.warning("announced %d changes that nobody had heard of", forgotten)

    async def _sweep_new(self) -> int:
        """Look at all that came since the last pass but one.

        Not since the last one: ids are taken before rows are committed.
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

    async def _sweep_old(self) -> int:
        """Go on through all open rows, for a moment."""
        requeued, self._walked = await self.requeue_missing(
            after=self._walked, settled_seconds=SETTLED_SECONDS, budget=SWEEP_BUDGET_SECONDS
        )
        return requeued

    async def tidy(self) -> None:
        """Delete data that no row needs or that has expired, unless another sweeps right now.

        It looks at every stored file, so it is for every few minutes, not seconds.
        """
        async with self._alone() as alone:
            began = time.monotonic()
            if alone and began >= self._tidy_at:
                await self._tidy()
                now = time.monotonic()
                self._tidy_at = now + TIDY_REST * (now - began)

    @asynccontextmanager
    async def _alone(self, *, wait: bool = False) -> AsyncIterator[bool]:
        """Hold the sweep's lock inside the block; False where another does, unless we wait."""
        async with self._database.connect() as connection:
            alone = await repository.try_sweep_lock(connection, _SWEEP_LOCK)
            while wait and not alone:
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
                alone = await repository.try_sweep_lock(connection, _SWEEP_LOCK)
            try:
                yield alone
            finally:
                if alone:
                    await repository.release_sweep_lock(connection, _SWEEP_LOCK)

    async def _tidy(self) -> None:
        await asyncio.to_thread(self._storage.drop_abandoned_partials, PARTIAL_SECONDS)
        await self._tidy_uploads()
        stored = self._storage.stored_ids()
        while page := dict(await asyncio.to_thread(lambda: list(islice(stored, _PAGE)))):
            async with self._database.connect() as connection:
                changes = await repository.get_changes(connection, list(page))
            rows = {change.id: change for change in changes}
            for file_id, age in page.items():
                change = rows.get(file_id)
                if change is None and age > ORPHAN_SECONDS:
                    logger.info("delete the data of file %d, which has no row", file_id)
                    await asyncio.to_thread(self._storage.remove, file_id)
                elif change is not None and change.status in TERMINAL_STATUSES:
                    await asyncio.to_thread(self._tidy_file, change)
        async with self._database.connect() as connection:
            await repository.forget_silent_workers(connection, SILENT_WORKER_SECONDS)
        if self._keep_days:
            while expired := await self._lifecycle.files.expire(self._keep_days):
                logger.info("removed the data of %d files that had expired", expired)

    async def _tidy_uploads(self) -> None:
        """Delete what came of uploads that have expired, or that nobody asks for any more."""
        busy, quiet = await asyncio.to_thread(self._storage.resumable_ids, PARTIAL_SECONDS)
        async with self._database.connect() as connection:
            gone = await repository.expire_uploads(connection, busy)
            known = await repository.known_uploads(connection, quiet)
        for upload_id in {*gone, *quiet} - known:
            await asyncio.to_thread(self._storage.drop_resumable, upload_id)

    def _tidy_file(self, change: Change) -> None:
        if change.status == Status.REMOVED:
            # Who removed it died between the commit and the deletion.
            self._storage.remove(change.id)
        else:
            # Left by workers that were killed, or that finished too late to count.
            keep = change.attempt if change.status == Status.OK else None
            self._storage.drop_attempts(change.id, keep=keep)
