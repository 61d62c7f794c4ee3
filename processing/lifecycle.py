"""The one place that changes a status. Each change: commit, publish the event, then ack.

A crash between two of these steps makes a later one happen again, never not at all.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from processing import repository
from processing.database import Database
from processing.errors import Conflict, NotFound, RedisAway, ServiceUnavailable
from processing.events import Event, Events
from processing.jobs import Delivery, Jobs
from processing.models import ProcessingFile
from processing.repository import Finish, NewFile, ProgressReport
from processing.states import TRANSITIONS, Status
from processing.storage import Partial, Storage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A complete partial that waits to become a processing file."""

    partial: Partial
    name: str
    sha256: str
    handler: str
    options: dict[str, object]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that is ours to handle, with the delivery that brought it."""

    file: ProcessingFile
    delivery: Delivery


class Lifecycle:
    """Every transition of a processing file, for both programs."""

    def __init__(self, database: Database, jobs: Jobs, events: Events, storage: Storage) -> None:
        self._database = database
        self._jobs = jobs
        self._events = events
        self._storage = storage

    async def submit(self, upload: Upload) -> ProcessingFile:
        """Store, commit, queue, announce. Once this returns the file is never lost.

        Raises:
            DatabaseAway: nothing was accepted.
        """
        async with self._database.connect() as connection:
            file_id = await repository.next_id(connection)
            # The file is in its place before the row exists: a row never lacks its data. A
            # folder that a crash leaves without a row is found by the sweep.
            await asyncio.to_thread(self._storage.adopt, upload.partial, file_id)
            new = NewFile(
                id=file_id,
                name=upload.name,
                size=upload.partial.size,
                sha256=upload.sha256,
                handler=upload.handler,
                options=dict(upload.options),
            )
            file = await repository.insert_file(connection, new)
        await self._queue(file)
        return file

    async def delete(self, file_id: int) -> ProcessingFile:
        """Ok becomes Removed and its data goes; an open or failed file becomes Canceled.

        Repeating it changes nothing. Raises NotFound for an unknown id.
        """
        async with self._database.connect() as connection:
            # An attempt may finish between two looks: whatever it is by then, one of these holds.
            file = await repository.leave(
                connection, file_id, Status.REMOVED
            ) or await repository.leave(connection, file_id, Status.CANCELED)
            if file is None:
                file = await repository.leave(connection, file_id, Status.REMOVED)
            if file is None:
                file = await repository.get_file(connection, file_id)
        if file is None:
            raise NotFound(f"There is no file {file_id}.")
        if file.status == Status.REMOVED:
            await asyncio.to_thread(self._storage.remove, file_id)
        try:
            # The event goes first: workers kill on it, and it must not wait for the rest.
            await self._events.publish([Event.of(file)])
            await self._jobs.withdraw(file_id)
        except RedisAway as error:
            logger.warning("file %d: %s, unannounced: %s", file_id, file.status, error)
        return file

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
        await self._queue(file)
        return file

    async def _queue(self, file: ProcessingFile) -> None:
        try:
            await self._jobs.add([(file.id, file.handler)])
            await self._events.publish([Event.of(file)])
        except RedisAway as error:
            # Committed is accepted: the sweep puts the entry on the stream when Redis returns.
            logger.warning("file %d waits for the sweep, Redis is away: %s", file.id, error)

    async def claim(
        self,
        deliveries: Sequence[Delivery],
        *,
        worker: str,
        lease_seconds: float,
        max_failures: int,
    ) -> list[Claimed]:
        """Take the files that ``deliveries`` name and settle the deliveries that need no work."""
        by_file: dict[int, Delivery] = {}
        for delivery in deliveries:
            if delivery.file_id is None:
                await self._dead_letter(delivery, "the entry has no usable file_id")
            elif delivery.file_id in by_file:
                await self._jobs.done([Delivery(delivery.entry_id, None)])
            else:
                by_file[delivery.file_id] = delivery
        if not by_file:
            return []
        async with self._database.connect() as connection:
            taken = await repository.claim(
                connection,
                list(by_file),
                worker=worker,
                lease_seconds=lease_seconds,
                max_failures=max_failures,
            )
        claimed = [
            Claimed(file, by_file.pop(file.id))
            for file in taken
            if file.status == Status.PROCESSING
        ]
        try:
            await self._announce(taken)
            await self._jobs.done(by_file.pop(file.id) for file in taken if file.terminal)
            await self._settle(by_file)
        except ServiceUnavailable as error:
            # Claimed is claimed, and jobs can run without Redis. What is not settled now stays
            # pending and is reclaimed.
            logger.warning("claimed %d files, the rest has to wait: %s", len(claimed), error)
        return claimed

    async def _settle(self, by_file: Mapping[int, Delivery]) -> None:
        if not by_file:
            return
        async with self._database.connect() as connection:
            files = await repository.get_files(connection, list(by_file))
        known = {file.id: file for file in files}
        for file_id, delivery in by_file.items():
            file = known.get(file_id)
            if file is None:
                await self._dead_letter(delivery, f"there is no file {file_id}")
            elif file.terminal:
                # Someone committed this end and may have died before announcing it.
                await self._announce([file])
                await self._jobs.done([delivery])
            elif file.status == Status.WAITING and file.due_at is not None:
                await self._jobs.done([delivery])  # the retry gets a new entry when it is due
            # Otherwise another worker's lease runs: leave it pending for the reclaim.

    async def _dead_letter(self, delivery: Delivery, reason: str) -> None:
        logger.warning("entry %s goes to the dead letters: %s", delivery.entry_id, reason)
        await self._jobs.dead_letter(delivery, reason)

    async def renew(
        self, held: Mapping[int, int], *, worker: str, lease_seconds: float
    ) -> set[int]:
        """Extend the leases of ``held`` (id → attempt); return the ids that are still ours."""
        if not held:
            return set()
        async with self._database.connect() as connection:
            return await repository.renew(
                connection, held, worker=worker, lease_seconds=lease_seconds
            )

    async def progress(self, reports: Sequence[ProgressReport]) -> None:
        """Store and announce where running attempts stand."""
        async with self._database.connect() as connection:
            current = await repository.set_progress(connection, reports)
        await self._events.publish(
            Event.progressed(report) for report in reports if report.id in current
        )

    async def record(self, ends: Sequence[Finish]) -> list[ProcessingFile]:
        """Commit how attempts ended; return the rows that this changed.

        An attempt that is no longer the current one changes nothing.
        """
        for end in ends:
            if end.status not in TRANSITIONS[Status.PROCESSING]:
                raise ValueError(f"an attempt cannot end as {end.status}")
        async with self._database.connect() as connection:
            return await repository.finish(connection, ends)

    async def conclude(
        self, files: Sequence[ProcessingFile], deliveries: Iterable[Delivery]
    ) -> None:
        """Announce what :meth:`record` returned, then acknowledge its deliveries.

        Only theirs: the delivery of an attempt that did not count may be a newer one's by now.
        Who cancelled withdraws the entry, and what a crash leaves pending the reclaim settles.
        """
        await self._announce(files)
        await self._jobs.done(deliveries)

    async def hand_back(self, held: Iterable[Claimed]) -> None:
        """Return running files to Waiting, as if this worker had never taken them."""
        claimed = {item.file.id: item for item in held}
        if not claimed:
            return
        async with self._database.connect() as connection:
            attempts = {file_id: item.file.attempt for file_id, item in claimed.items()}
            returned = await repository.hand_back(connection, attempts)
        await self._announce(returned)
        await self._jobs.add([(file.id, file.handler) for file in returned])
        # Without the file id: the index now names the new entry.
        await self._jobs.done(
            Delivery(claimed[file.id].delivery.entry_id, None) for file in returned
        )

    async def release_due(self, limit: int = 1000) -> int:
        """Queue the retries whose time has come; return how many."""
        async with self._database.connect() as connection:
            due = await repository.release_due(connection, limit=limit)
        await self._jobs.add(due)
        return len(due)

    async def _announce(self, files: Sequence[ProcessingFile]) -> None:
        await self._events.publish(Event.of(file) for file in files)
