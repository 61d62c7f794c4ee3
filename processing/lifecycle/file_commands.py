"""Commands from users and the clock: submit, delete, retry, expire."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from processing import repository
from processing.database import Database
from processing.errors import Conflict, KeyReused, NotFound, RedisUnavailable, ServiceUnavailable
from processing.models import Change, ProcessingFile
from processing.outbox import Announcement, AnnounceWhen, Outbox
from processing.repository import NewFile
from processing.states import DELETED_AS, Status
from processing.storage import Storage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Complete and durable bytes at ``source``, ready to become a processing file.

    ``key`` is the client's Idempotency-Key; ``resumable`` is the id of the resumable upload that
    the bytes came from. Both are empty if there is none.
    """

    source: Path
    size: int
    name: str
    sha256: str
    handler: str
    options: dict[str, object]
    key: str = ""
    resumable: str = ""


class FileCommands:
    """Transitions that a user or the clock asks for."""

    def __init__(self, database: Database, outbox: Outbox, storage: Storage) -> None:
        self._database = database
        self._outbox = outbox
        self._storage = storage
        self._submissions = database.dedicated()

    async def submit(self, upload: Upload) -> ProcessingFile:
        """Store, commit, queue and announce a file. Once this returns, it is never lost.

        A file that was submitted before, with the same key or as the same resumable upload, is
        returned unchanged.

        Raises:
            DatabaseUnavailable: nothing was accepted, or a resumable upload can be submitted again.
            KeyReused: the key was used for other bytes.
            NotFound: the resumable upload was discarded.
        """
        file_id = await repository.next_id(self._submissions)
        # The data is in place before the row exists, so that no row lacks its data. The clean-up
        # finds a folder that a crash leaves without a row.
        await asyncio.to_thread(
            self._storage.adopt, upload.source, file_id, keep=bool(upload.resumable)
        )
        new = NewFile(
            id=file_id,
            name=upload.name,
            size=upload.size,
            sha256=upload.sha256,
            handler=upload.handler,
            options=dict(upload.options),
        )
        if not (upload.key or upload.resumable):
            return await self.accept(new)
        file = await self._insert_once(new, upload)
        if file.id == file_id:
            await self._queue(file, AnnounceWhen.ALWAYS)
            return file
        await asyncio.to_thread(self._storage.delete_file, file_id)
        if upload.key and (file.sha256, file.handler) != (new.sha256, new.handler):
            raise KeyReused(
                f"This Idempotency-Key was used for file {file.id}, which has other content or "
                "another handler. Use a new key for each new request."
            )
        return file

    async def earlier_copy(self, file: ProcessingFile) -> int | None:
        """Find the newest earlier file with the same bytes that is not Removed; return its id."""
        return await repository.earlier_copy(self._submissions, file.sha256, file.id)

    async def _insert_once(self, new: NewFile, upload: Upload) -> ProcessingFile:
        if upload.key:
            return await repository.insert_file_once(self._submissions, new, upload.key)
        file = await repository.insert_uploaded_file(self._submissions, new, upload.resumable)
        if file is None:
            await asyncio.to_thread(self._storage.delete_file, new.id)
            raise NotFound("This upload has expired or was discarded.")
        return file

    async def accept(self, new: NewFile) -> ProcessingFile:
        """Commit the row of data that is already stored, then queue and announce it.

        Raises:
            DatabaseUnavailable: nothing was accepted.
        """
        file = await repository.insert_file(self._submissions, new)
        await self._queue(file, AnnounceWhen.ALWAYS)
        return file

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
        await self._queue(file, AnnounceWhen.RETRIED)
        return file

    async def _queue(self, file: ProcessingFile, when: AnnounceWhen) -> None:
        try:
            announcement = Announcement.status(file, when)
            await self._outbox.send([announcement], queue=[(file.id, file.handler)])
        except RedisUnavailable as error:
            # The file is committed; the sweep adds its entry when Redis is back.
            logger.warning("file %d is not queued until Redis is back: %s", file.id, error)
