"""What workers do with jobs: claim them, report progress and results, hand them back."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from processing import repository
from processing.database import Database
from processing.errors import ServiceUnavailable
from processing.jobs import Delivery, Jobs
from processing.models import Change, Job
from processing.outbox import AnnounceWhen, Notice, Outbox
from processing.repository import AttemptResult, ProgressReport
from processing.states import TRANSITIONS, Status

logger = logging.getLogger(__name__)


class Claimed(NamedTuple):
    """A job that this worker claimed, with the delivery that brought it."""

    job: Job
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Claims:
    """A claimed batch of deliveries: jobs to start, and the rest to :meth:`settle`."""

    started: Sequence[Claimed]
    poisoned: Sequence[Claimed]
    unclaimed: Mapping[int, Delivery]


class JobTransitions:
    """Transitions that a worker makes."""

    def __init__(self, database: Database, jobs: Jobs, outbox: Outbox) -> None:
        self._database = database
        self._jobs = jobs
        self._outbox = outbox
        # Separate connections, so that claims and results do not wait for each other.
        self._claiming = database.dedicated()
        self._finishing = database.dedicated()

    async def claim(
        self,
        deliveries: Sequence[Delivery],
        *,
        worker: str,
        lease_seconds: float,
        max_failures: int,
    ) -> Claims:
        """Take the files that ``deliveries`` name.

        What is started can start at once; then the caller hands the claims to :meth:`settle`.
        """
        by_file: dict[int, Delivery] = {}
        for delivery in deliveries:
            if delivery.file_id is None:
                await self._dead_letter(delivery, "the entry has no usable file_id")
            elif delivery.file_id in by_file:
                await self._outbox.send(done=[Delivery(delivery.entry_id, None)])
            else:
                by_file[delivery.file_id] = delivery
        taken: list[Job] = []
        if by_file:
            taken = await repository.claim(
                self._claiming,
                list(by_file),
                worker=worker,
                lease_seconds=lease_seconds,
                max_failures=max_failures,
            )
        claimed = [Claimed(job, by_file.pop(job.id)) for job in taken]
        started = [item for item in claimed if item.job.status == Status.PROCESSING]
        poisoned = [item for item in claimed if item.job.status != Status.PROCESSING]
        return Claims(started, poisoned, by_file)

    async def settle(self, claims: Claims) -> None:
        """Announce what was claimed and settle the deliveries that need no work.

        Claimed is claimed, and jobs can run without Redis: if a server is away, what is not
        settled now stays pending and is reclaimed.
        """
        notices = [Notice.status(item.job, AnnounceWhen.IF_OPEN) for item in claims.started]
        notices += [Notice.status(item.job, AnnounceWhen.FIRST) for item in claims.poisoned]
        try:
            await self._outbox.send(notices, done=[item.delivery for item in claims.poisoned])
            if claims.unclaimed:
                await self._settle_unclaimed(claims.unclaimed)
        except ServiceUnavailable as error:
            count = len(claims.started)
            logger.warning("claimed %d files, the rest has to wait: %s", count, error)

    async def _settle_unclaimed(self, by_file: Mapping[int, Delivery]) -> None:
        async with self._database.connect() as connection:
            files = await repository.get_files(connection, list(by_file))
        known = {file.id: file for file in files}
        for file_id, delivery in by_file.items():
            file = known.get(file_id)
            if file is None:
                await self._dead_letter(delivery, f"there is no file {file_id}")
            elif file.terminal:
                # Someone committed this end and may have died before announcing it.
                notice = Notice.status(file, AnnounceWhen.IF_PENDING, delivery.entry_id)
                await self._outbox.send([notice], done=[delivery])
            elif file.status == Status.WAITING and file.due_at is not None:
                # The retry gets a new entry when it is due.
                await self._outbox.send(done=[delivery])
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
        await self._outbox.send(
            Notice.progress(report) for report in reports if report.id in current
        )

    async def record(self, ends: Sequence[AttemptResult]) -> list[Change]:
        """Commit how attempts ended; return the rows that this changed.

        An attempt that is no longer the current one changes nothing.
        """
        for end in ends:
            if end.status not in TRANSITIONS[Status.PROCESSING]:
                raise ValueError(f"an attempt cannot end as {end.status}")
        return await repository.finish(self._finishing, ends)

    async def announce_results(
        self, changes: Sequence[Change], deliveries: Mapping[int, Delivery], *, again: bool = False
    ) -> None:
        """Announce what :meth:`record` returned, then acknowledge its deliveries (by file id).

        Only theirs: the delivery of an attempt that did not count may be a newer one's by now.
        Who cancelled withdraws the entry, and what a crash leaves pending the reclaim settles.
        ``again`` says that an earlier call may have got through.
        """
        notices = [
            Notice.status(change, AnnounceWhen.IF_PENDING, deliveries[change.id].entry_id)
            if again
            else Notice.status(change, AnnounceWhen.FIRST)
            for change in changes
        ]
        await self._outbox.send(notices, done=[deliveries[change.id] for change in changes])

    async def record_usage(self, ends: Sequence[AttemptResult]) -> None:
        """Store what cancelled attempts had used until they were killed."""
        async with self._database.connect() as connection:
            await repository.set_usage(connection, ends)

    async def hand_back(self, held: Iterable[Claimed], *, ran: bool) -> None:
        """Return claimed files to Waiting, as if this worker had never taken them.

        ``ran`` says whether their handlers had begun.
        """
        claimed = {item.job.id: item for item in held}
        if not claimed:
            return
        async with self._database.connect() as connection:
            attempts = {file_id: item.job.attempt for file_id, item in claimed.items()}
            returned = await repository.hand_back(connection, attempts, ran=ran)
        # The old entries without the file id: the index names the new ones.
        await self._outbox.send(
            (Notice.status(change) for change in returned),
            queue=[(change.id, claimed[change.id].job.handler) for change in returned],
            done=[Delivery(claimed[change.id].delivery.entry_id, None) for change in returned],
        )

    async def release_deliveries(self, consumer: str) -> None:
        """Give what is pending in the name of ``consumer`` to others, and delete it.

        Raises:
            StreamLost: there is nothing to give up.
        """
        pending = await self._jobs.pending_of(consumer)
        await self._outbox.send(
            queue=[
                (delivery.file_id, delivery.fields.get("handler", ""))
                for delivery in pending
                if delivery.file_id is not None
            ],
            # Without the file ids: the index names the new entries now.
            done=[Delivery(delivery.entry_id, None) for delivery in pending],
        )
        await self._jobs.leave_group(consumer)

    async def release_due(self, limit: int = 1000) -> int:
        """Queue the retries whose time has come; return how many."""
        async with self._database.connect() as connection:
            due = await repository.due_files(connection, limit=limit)
        if due:
            # First the entry, then the row: a crash in between queues them twice, never not.
            await self._outbox.send(queue=due)
            async with self._database.connect() as connection:
                await repository.clear_due(connection, [file_id for file_id, _ in due])
        return len(due)
