"""Accepting uploads as files; runs on a dedicated connection, since every upload waits for it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from processing import repository
from processing.database import Database
from processing.errors import KeyReused, NotFound
from processing.lifecycle.queueing import queue
from processing.models import ProcessingFile
from processing.outbox import AnnounceWhen, Outbox
from processing.repository import NewFile
from processing.storage import Storage


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


class Submissions:
    """Turns uploads into Waiting files."""

    def __init__(self, database: Database, outbox: Outbox, storage: Storage) -> None:
        self._connection = database.dedicated()
        self._outbox = outbox
        self._storage = storage

    async def submit(self, upload: Upload) -> ProcessingFile:
        """Store, commit, queue and announce a file. Once this returns, it is never lost.

        A file that was submitted before, with the same key or as the same resumable upload, is
        returned unchanged.

        Raises:
            DatabaseUnavailable: nothing was accepted, or a resumable upload can be submitted again.
            KeyReused: the key was used for other bytes.
            NotFound: the resumable upload was discarded.
        """
        file_id = await repository.next_id(self._connection)
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
            await queue(self._outbox, file, AnnounceWhen.ALWAYS)
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
        return await repository.earlier_copy(self._connection, file.sha256, file.id)

    async def _insert_once(self, new: NewFile, upload: Upload) -> ProcessingFile:
        if upload.key:
            return await repository.insert_file_once(self._connection, new, upload.key)
        file = await repository.insert_uploaded_file(self._connection, new, upload.resumable)
        if file is None:
            await asyncio.to_thread(self._storage.delete_file, new.id)
            raise NotFound("This upload has expired or was discarded.")
        return file

    async def accept(self, new: NewFile) -> ProcessingFile:
        """Commit the row of data that is already stored, then queue and announce it.

        Raises:
            DatabaseUnavailable: nothing was accepted.
        """
        file = await repository.insert_file(self._connection, new)
        await queue(self._outbox, file, AnnounceWhen.ALWAYS)
        return file
