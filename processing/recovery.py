"""Rebuilds the job stream from the rows and clears away data no row knows.

Requeuing runs at every start, on every lost stream, and every few seconds by one worker at a time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from processing import repository
from processing.database import Database
from processing.events import Event, Events
from processing.jobs import Jobs
from processing.models import ProcessingFile
from processing.states import Status
from processing.storage import Storage

logger = logging.getLogger(__name__)

_SWEEP_LOCK = 0x6D696C6C  # "mill": one sweeper per database
_PAGE = 1000
# An upload adopts its folder moments before its row; nothing needs longer than this.
ORPHAN_SECONDS = 3600.0


class Recovery:
    """What brings Redis and the disk back in line with PostgreSQL."""

    def __init__(self, database: Database, jobs: Jobs, events: Events, storage: Storage) -> None:
        self._database = database
        self._jobs = jobs
        self._events = events
        self._storage = storage

    async def requeue_missing(self) -> int:
        """Give every open file without an entry a new one; return how many needed it.

        An entry too many is harmless, since only one claim wins: no lock is needed to be right.
        """
        await self._jobs.ensure_group()
        requeued = after = 0
        while True:
            async with self._database.connect() as connection:
                page = await repository.open_files(connection, after=after, limit=_PAGE)
            if not page:
                return requeued
            after = page[-1][0]
            missing = await self._jobs.missing([file_id for file_id, _, _ in page])
            if missing:
                await self._jobs.add((i, handler) for i, handler, _ in page if i in missing)
                await self._announce_waiting(
                    [i for i, _, s in page if i in missing and s == Status.WAITING]
                )
                requeued += len(missing)

    async def _announce_waiting(self, ids: list[int]) -> None:
        # Their submission may have found Redis away, so nobody has heard of them yet.
        if not ids:
            return
        async with self._database.connect() as connection:
            files = await repository.get_files(connection, ids)
        await self._events.publish(Event.of(file) for file in files)

    async def sweep(self) -> None:
        """Requeue what is missing, unless another sweeps right now."""

        async def requeue() -> None:
            requeued = await self.requeue_missing()
            if requeued:
                logger.warning("put %d files back on the job stream", requeued)

        await self._alone(requeue)

    async def tidy(self) -> None:
        """Delete data that no row needs, unless another sweeps right now.

        It looks at every stored file, so it is for every few minutes, not seconds.
        """
        await self._alone(self._tidy)

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        async with self._database.connect() as connection:
            if not await repository.try_sweep_lock(connection, _SWEEP_LOCK):
                return
            try:
                await work()
            finally:
                await repository.release_sweep_lock(connection, _SWEEP_LOCK)

    async def _tidy(self) -> None:
        await asyncio.to_thread(self._storage.drop_abandoned_partials, ORPHAN_SECONDS)
        stored = dict(await asyncio.to_thread(lambda: list(self._storage.stored_ids())))
        ids = sorted(stored)
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            async with self._database.connect() as connection:
                rows = {file.id: file for file in await repository.get_files(connection, page)}
            for file_id in page:
                file = rows.get(file_id)
                if file is None and stored[file_id] > ORPHAN_SECONDS:
                    logger.info("delete the data of file %d, which has no row", file_id)
                    await asyncio.to_thread(self._storage.remove, file_id)
                elif file is not None and file.terminal:
                    await asyncio.to_thread(self._tidy_file, file)

    def _tidy_file(self, file: ProcessingFile) -> None:
        if file.status == Status.REMOVED:
            # Who removed it died between the commit and the deletion.
            self._storage.remove(file.id)
        else:
            # Left by workers that were killed, or that finished too late to count.
            keep = file.attempt if file.status == Status.OK else None
            self._storage.drop_attempts(file.id, keep=keep)
