"""Commands on existing files: users delete and retry them; KEEP_DAYS makes them expire."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from processing import repository
from processing.database import Database
from processing.errors import Conflict, NotFound, ServiceUnavailable
from processing.lifecycle.queueing import queue
from processing.models import Change, ProcessingFile
from processing.outbox import Announcement, AnnounceWhen, Outbox
from processing.states import DELETED_AS, Status
from processing.storage import Storage

logger = logging.getLogger(__name__)


class FileCommands:
    """Transitions requested by a user, or by expiry (KEEP_DAYS)."""

    def __init__(self, database: Database, outbox: Outbox, storage: Storage) -> None:
        self._database = database
        self._outbox = outbox
        self._storage = storage

    async def delete(
        self, file_id: int, *, only: frozenset[Status] = frozenset(DELETED_AS)
    ) -> ProcessingFile:
        """Remove an Ok file and delete its data; cancel an open or failed one.

        Repeating it changes nothing. ``only`` limits the statuses that are changed: a caller that
        wants to cancel must not remove a file that became Ok just now.

        Raises:
            NotFound: there is no such file.
            Conflict: the file's status is not one of ``only``.
        """
        async with self._database.connect() as connection:
            changed = await repository.delete(connection, file_id, only)
            file = changed or await repository.get_file(connection, file_id)
        if file is None:
            raise NotFound(f"File {file_id} does not exist.")
        if changed is None and file.status in DELETED_AS:
            raise Conflict(f"“{file.name}” is now {file.status}, so nothing was changed.")
        if changed is None:
            return file
        if file.status == Status.REMOVED:
            await asyncio.to_thread(self._storage.delete_file, file_id)
        try:
            await self._announce([Change(file.id, file.attempt, file.status, file.outcome)])
        except ServiceUnavailable as error:
            # The change is committed; the sweep announces it when the servers are back.
            logger.warning("file %d is %s but unannounced: %s", file_id, file.status, error)
        return file

    async def announce_pending(self, limit: int = 1000) -> int:
        """Announce changes whose event was lost in a crash or an outage; return how many.

        Raises:
            RedisUnavailable: no answer; they are announced next time.
        """
        async with self._database.connect() as connection:
            changes = await repository.unannounced_changes(connection, limit=limit)
        await self._announce(changes)
        return len(changes)

    async def expire(self, days: float, limit: int = 1000) -> int:
        """Remove files that were finished more than ``days`` ago; return how many."""
        async with self._database.connect() as connection:
            changes = await repository.expire(connection, timedelta(days=days), limit=limit)
        for change in changes:
            await asyncio.to_thread(self._storage.delete_file, change.id)
        await self._announce(changes)
        return len(changes)

    async def _announce(self, changes: Sequence[Change]) -> None:
        if changes:
            announcements = [Announcement.status(change, AnnounceWhen.ONCE) for change in changes]
            # Before anything else: workers kill cancelled jobs when they see this event.
            await self._outbox.send(announcements, unqueue=[change.id for change in changes])
            async with self._database.connect() as connection:
                await repository.set_announced(connection, changes)

    async def retry(self, file_id: int) -> ProcessingFile:
        """Queue a file again that is Error or Canceled, as if it were new.

        Raises:
            NotFound: no such file, or its data was deleted.
            Conflict: the file has another status.
        """
        if not await asyncio.to_thread(self._storage.original(file_id).is_file):
            raise NotFound(f"File {file_id} has no data, so it cannot be retried.")
        async with self._database.connect() as connection:
            file = await repository.restart(connection, file_id)
            current = file or await repository.get_file(connection, file_id)
        if current is None:
            raise NotFound(f"File {file_id} does not exist.")
        if file is None:
            raise Conflict(f"“{current.name}” is {current.status}, so it cannot be retried.")
        await queue(self._outbox, file, AnnounceWhen.RETRIED)
        return file
