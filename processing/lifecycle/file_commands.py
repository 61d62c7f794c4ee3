"""What users and the clock ask of a file: submit, delete, retry, expire."""

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
from processing.outbox import AnnounceWhen, Notice, Outbox
from processing.repository import NewFile
from processing.states import DELETED_AS, Status
from processing.storage import Storage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Complete and durable bytes at ``source`` that wait to become a processing file.

    ``key`` is what the client calls its request, to be carried out once; ``resumable`` the id of
    the resumable upload that brought the bytes.
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
        self._accepting = database.dedicated()

    async def submit(self, upload: Upload) -> ProcessingFile:
        """Store, commit, queue, announce. Once this returns the file is never lost.

        What was submitted before, by its key or as the same resumable upload, is returned as it is.

        Raises:
            DatabaseUnavailable: nothing was accepted, or a resumable upload can be submitted again.
            KeyReused: the key came with other bytes.
            NotFound: the resumable upload was ended.
        """
        file_id = await repository.next_id(self._accepting)
        # The file is in its place before the row exists: a row never lacks its data. A folder
        # that a crash leaves without a row is found by the sweep.
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
        await asyncio.to_thread(self._storage.remove, file_id)
        if upload.key and (file.sha256, file.handler) != (new.sha256, new.handler):
            raise KeyReused(
                f"This Idempotency-Key made file {file.id}, of other bytes or for another handler; "
                "use a new key for a new request."
            )
        return file

    async def earlier_copy(self, file: ProcessingFile) -> int | None:
        """Find an earlier file that has the same bytes and still keeps them."""
        return await repository.earlier_copy(self._accepting, file.sha256, file.id)

    async def _insert_once(self, new: NewFile, upload: Upload) -> ProcessingFile:
        if upload.key:
            return await repository.insert_file_once(self._accepting, new, upload.key)
        file = await repository.insert_uploaded_file(self._accepting, new, upload.resumable)
        if file is None:
            await asyncio.to_thread(self._storage.remove, new.id)
            raise NotFound("This upload has expired or was ended.")
        return file

    async def accept(self, new: NewFile) -> ProcessingFile:
        """Commit the row of data that is in its place, queue and announce it.

        Raises:
            DatabaseUnavailable: nothing was accepted.
        """
        file = await repository.insert_file(self._accepting, new)
        await self._queue(file, AnnounceWhen.ALWAYS)
        return file

    async def delete(
        self, file_id: int, *, only: frozenset[Status] = frozenset(DELETED_AS)
    ) -> ProcessingFile:
        """Ok becomes Removed and its data goes; an open or failed file becomes Canceled.

        Repeating it changes nothing. ``only`` names the statuses that the caller has in mind: who
        cancels must not remove a file that became Ok in this moment.

        Raises:
            NotFound: there is no such file.
            Conflict: its status is another than ``only`` allows.
        """
        async with self._database.connect() as connection:
            changed = await repository.delete(connection, file_id, only)
            file = changed or await repository.get_file(connection, file_id)
        if file is None:
            raise NotFound(f"There is no file {file_id}.")
        if changed is None and file.status in DELETED_AS:
            raise Conflict(f"“{file.name}” is {file.status} by now; nothing was changed.")
        if changed is None:
            return file
        if file.status == Status.REMOVED:
            await asyncio.to_thread(self._storage.remove, file_id)
        try:
            # The event goes first: workers kill on it, and it must not wait for the rest.
            await self._announce_ends([Change(file.id, file.attempt, file.status, file.outcome)])
        except ServiceUnavailable as error:
            # Committed is done: the sweep announces it when the servers are back.
            logger.warning("file %d: %s, unannounced: %s", file_id, file.status, error)
        return file

    async def announce_pending(self, limit: int = 1000) -> int:
        """Announce changes whose event a crash or an absence of Redis swallowed; return how many.

        Raises:
            RedisUnavailable: no answer; they are announced the next time.
        """
        async with self._database.connect() as connection:
            changes = await repository.unannounced(connection, limit=limit)
        await self._announce_ends(changes)
        return len(changes)

    async def expire(self, days: float, limit: int = 1000) -> int:
        """Remove files that ended more than ``days`` ago, with their data; return how many."""
        async with self._database.connect() as connection:
            changes = await repository.expire(connection, timedelta(days=days), limit=limit)
        for change in changes:
            await asyncio.to_thread(self._storage.remove, change.id)
        await self._announce_ends(changes)
        return len(changes)

    async def _announce_ends(self, changes: Sequence[Change]) -> None:
        if changes:
            notices = [Notice.status(change, AnnounceWhen.ONCE) for change in changes]
            await self._outbox.send(notices, withdraw=[change.id for change in changes])
            async with self._database.connect() as connection:
                await repository.set_announced(connection, changes)

    async def retry(self, file_id: int) -> ProcessingFile:
        """Start a file that ended as Error or Canceled afresh.

        Raises:
            NotFound: no such file, or its data is gone.
            Conflict: it runs, or it is Ok or Removed.
        """
        if not await asyncio.to_thread(self._storage.original(file_id).is_file):
            raise NotFound(f"There is no data of a file {file_id} to try again.")
        async with self._database.connect() as connection:
            file = await repository.restart(connection, file_id)
            current = file or await repository.get_file(connection, file_id)
        if current is None:
            raise NotFound(f"There is no file {file_id}.")
        if file is None:
            raise Conflict(f"“{current.name}” is {current.status}; there is nothing to try again.")
        await self._queue(file, AnnounceWhen.AFRESH)
        return file

    async def _queue(self, file: ProcessingFile, how: AnnounceWhen) -> None:
        try:
            await self._outbox.send([Notice.status(file, how)], queue=[(file.id, file.handler)])
        except RedisUnavailable as error:
            # Committed is accepted: the sweep puts the entry on the stream when Redis returns.
            logger.warning("file %d waits for the sweep, Redis is away: %s", file.id, error)
