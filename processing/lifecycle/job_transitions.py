"""Transitions that workers make: claim jobs, report progress and results, hand jobs back."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from processing import repository
from processing.database import Database
from processing.errors import ServiceUnavailable
from processing.jobs import Delivery, Jobs
from processing.models import Change, Job, Usage
from processing.outbox import Announcement, AnnounceWhen, Outbox
from processing.repository import AttemptResult, ProgressReport
from processing.states import TRANSITIONS, Status

logger = logging.getLogger(__name__)


class Claimed(NamedTuple):
    """A job that this worker has claimed, with its delivery."""

    job: Job
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Claims:
    """The result of a claim.

    ``started`` jobs are to be run; ``poisoned`` ones became Error; ``unclaimed`` deliveries, by
    file id, belong to files that could not be claimed. :meth:`JobTransitions.settle` handles all.
    """

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
        self._claim_connection = database.dedicated()
        self._result_connection = database.dedicated()

    async def claim(
        self,
        deliveries: Sequence[Delivery],
        *,
        worker: str,
        lease_seconds: float,
        max_failures: int,
    ) -> Claims:
        """Claim the files that ``deliveries`` name.

        The caller starts the started jobs at once and then passes the claims to :meth:`settle`.

        Raises:
            DatabaseUnavailable, RedisUnavailable: the deliveries stay pending.
        """
        by_file: dict[int, Delivery] = {}
        for delivery in deliveries:
            if delivery.file_id is None:
                await self._dead_letter(delivery, "the entry has no usable file_id")
            elif delivery.file_id in by_file:
                await self._outbox.send(done=[Delivery(delivery.entry_id, None)])
            else:
                by_file[delivery.file_id] = delivery
        claimed_jobs: list[Job] = []
        if by_file:
            claimed_jobs = await repository.claim(
                self._claim_connection,
                list(by_file),
                worker=worker,
                lease_seconds=lease_seconds,
                max_failures=max_failures,
            )
        claimed = [Claimed(job, by_file.pop(job.id)) for job in claimed_jobs]
        started = [item for item in claimed if item.job.status == Status.PROCESSING]
        poisoned = [item for item in claimed if item.job.status != Status.PROCESSING]
        return Claims(started, poisoned, by_file)

    async def settle(self, claims: Claims) -> None:
        """Announce the claimed jobs and acknowledge the deliveries that need no work.

        The claims are committed and their jobs can run without Redis, so an unavailable server
        raises nothing: deliveries that are not settled now stay pending and are reclaimed.
        """
        announcements = [
            Announcement.status(item.job, AnnounceWhen.IF_OPEN) for item in claims.started
        ]
        announcements += [
            Announcement.status(item.job, AnnounceWhen.FIRST) for item in claims.poisoned
        ]
        try:
            await self._outbox.send(announcements, done=[item.delivery for item in claims.poisoned])
            if claims.unclaimed:
                await self._settle_unclaimed(claims.unclaimed)
        except ServiceUnavailable as error:
            count = len(claims.started)
            logger.warning("claimed %d files but could not announce them: %s", count, error)

    async def _settle_unclaimed(self, by_file: Mapping[int, Delivery]) -> None:
        async with self._database.connect() as connection:
            files = await repository.get_files(connection, list(by_file))
        known = {file.id: file for file in files}
        for file_id, delivery in by_file.items():
            file = known.get(file_id)
            if file is None:
                await self._dead_letter(delivery, f"there is no file {file_id}")
            elif file.terminal:
                # The worker that committed this result may have died before announcing it.
                when = AnnounceWhen.IF_PENDING
                announcement = Announcement.status(file, when, delivery.entry_id)
                await self._outbox.send([announcement], done=[delivery])
            elif file.status == Status.WAITING and file.due_at is not None:
                # The retry gets a new entry when it is due.
                await self._outbox.send(done=[delivery])
            # Otherwise another worker holds the lease: the delivery stays pending for a reclaim.

    async def _dead_letter(self, delivery: Delivery, reason: str) -> None:
        logger.warning("entry %s moved to the dead letters: %s", delivery.entry_id, reason)
        await self._jobs.dead_letter(delivery, reason)

    async def renew(
        self, held: Mapping[int, int], *, worker: str, lease_seconds: float
    ) -> set[int]:
        """Extend the leases of ``held`` (id → attempt); return the ids still held."""
        if not held:
            return set()
        async with self._database.connect() as connection:
            return await repository.renew(
                connection, held, worker=worker, lease_seconds=lease_seconds
            )

    async def progress(self, reports: Sequence[ProgressReport]) -> None:
        """Store and announce the progress of running attempts."""
        async with self._database.connect() as connection:
            current = await repository.set_progress(connection, reports)
        await self._outbox.send(
            Announcement.progress(report) for report in reports if report.id in current
        )

    async def record_results(self, results: Sequence[AttemptResult]) -> list[Change]:
        """Commit how attempts ended; return the rows that this changed.

        An attempt that is no longer current changes nothing.

        Raises:
            DatabaseUnavailable: it may be committed nevertheless; repeating it is harmless.
            ValueError: a status that a running attempt cannot change to.
        """
        for result in results:
            if result.status not in TRANSITIONS[Status.PROCESSING]:
                raise ValueError(f"an attempt cannot end as {result.status}")
        return await repository.record_results(self._result_connection, results)

    async def announce_results(
        self,
        changes: Sequence[Change],
        deliveries: Mapping[int, Delivery],
        *,
        repeated: bool = False,
    ) -> None:
        """Announce what :meth:`record_results` returned, then acknowledge these files' deliveries.

        Not those of attempts that were no longer current: such an entry may belong to a newer
        attempt. A cancellation deletes the entry itself; a reclaim settles what a crash leaves
        pending. ``repeated`` says that an earlier call may have succeeded.
        """
        announcements = [
            Announcement.status(change, AnnounceWhen.IF_PENDING, deliveries[change.id].entry_id)
            if repeated
            else Announcement.status(change, AnnounceWhen.FIRST)
            for change in changes
        ]
        await self._outbox.send(announcements, done=[deliveries[change.id] for change in changes])

    async def record_cancelled_usage(self, used: Mapping[tuple[int, int], Usage]) -> None:
        """Store what cancelled attempts, (file id, attempt), had used when they were killed."""
        async with self._database.connect() as connection:
            await repository.set_cancelled_usage(connection, used)

    async def hand_back(self, held: Iterable[Claimed], *, ran: bool) -> None:
        """Return claimed files to Waiting, without counting a failure.

        ``ran`` says whether their handlers had started.
        """
        claimed = {item.job.id: item for item in held}
        if not claimed:
            return
        async with self._database.connect() as connection:
            attempts = {file_id: item.job.attempt for file_id, item in claimed.items()}
            returned = await repository.hand_back(connection, attempts, ran=ran)
        # Without the file ids, which would delete the new entries as well.
        await self._outbox.send(
            (Announcement.status(change) for change in returned),
            queue=[(change.id, claimed[change.id].job.handler) for change in returned],
            done=[Delivery(claimed[change.id].delivery.entry_id, None) for change in returned],
        )

    async def release_deliveries(self, consumer: str) -> None:
        """Requeue what is pending for ``consumer``, then delete the consumer.

        Raises:
            StreamLost: the stream or its group no longer exists.
        """
        await self._outbox.expect_requeue()
        pending = await self._jobs.pending_of(consumer)
        await self._outbox.send(
            queue=[
                (delivery.file_id, delivery.fields.get("handler", ""))
                for delivery in pending
                if delivery.file_id is not None
            ],
            # Without the file ids, which would delete the new entries as well.
            done=[Delivery(delivery.entry_id, None) for delivery in pending],
        )
        await self._jobs.leave_group(consumer)

    async def release_due(self, limit: int = 1000) -> int:
        """Queue the retries that are due; return how many."""
        async with self._database.connect() as connection:
            due = await repository.due_files(connection, limit=limit)
        if due:
            # The entry first: a crash in between then queues a job twice instead of losing it.
            await self._outbox.send(queue=due)
            async with self._database.connect() as connection:
                await repository.clear_due(connection, [file_id for file_id, _ in due])
        return len(due)
