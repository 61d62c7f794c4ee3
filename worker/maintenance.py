"""A worker's periodic services; a run that fails does not end its service."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from processing import repository
from processing.async_wait import wait_or_timeout
from processing.core import Core
from processing.errors import ServiceUnavailable, StreamLost
from processing.lifecycle import Claimed
from processing.models import WorkerInfo
from worker import orphans
from worker.executor import Executor
from worker.pool import Pool

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 15.0
CLEAN_UP_SECONDS = 300.0
ORPHANS_SECONDS = 15.0
DUE_SECONDS = 1.0
HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 1.0


class Maintenance:
    """Lease renewal, heartbeat, due retries, sweep, clean-up and orphans."""

    def __init__(self, core: Core, executor: Executor, pool: Pool, name: str) -> None:
        self._core = core
        self._executor = executor
        self._pool = pool
        self._name = name
        # Kept until they are handed back, also over an outage.
        self._stalled: list[Claimed] = []

    async def run(self, finished: asyncio.Event) -> None:
        """Run every service until ``finished``."""
        services = (
            (self._core.settings.lease_seconds / 4, self.renew_leases),
            (HEARTBEAT_SECONDS, self.write_heartbeat),
            (DUE_SECONDS, self.release_due),
            (STALLED_SECONDS, self.hand_back_stalled),
            (SWEEP_SECONDS, self._core.recovery.sweep),
            (CLEAN_UP_SECONDS, self._core.recovery.clean_up),
            (ORPHANS_SECONDS, self.kill_orphans),
        )
        async with asyncio.TaskGroup() as group:
            for seconds, service in services:
                name = f"{service.__name__} every {seconds:g} s"
                group.create_task(run_periodically(seconds, service, finished), name=name)

    async def renew_leases(self) -> None:
        """Renew the leases of running jobs, and kill jobs that this worker no longer holds.

        The row first, and the delivery only if the row is still ours: otherwise a worker that was
        paused would take the delivery back from its successor.
        """
        held, running = self._executor.held(), self._executor.running
        attempts = {file_id: claim.attempt for file_id, claim in held.items()}
        renewed = await self._core.lifecycle.jobs.renew(
            attempts, worker=self._name, lease_seconds=self._core.settings.lease_seconds
        )
        for file_id in held.keys() - renewed:
            lost = running.get(file_id)
            if lost is not None and lost.claimed.job.attempt == attempts[file_id]:
                logger.warning("file %d: lease lost, killing its process", file_id)
                self._executor.revoke(file_id)
        await self._core.jobs.renew(self._name, [held[i].entry_id for i in renewed])

    async def write_heartbeat(self) -> None:
        """Store this worker's heartbeat and what it does."""
        info = WorkerInfo(
            name=self._name,
            slots=self._core.settings.worker_slots,
            running=len(self._executor.running),
            waits_for=self._pool.refusal,
        )
        async with self._core.database.connect() as connection:
            await repository.upsert_worker(connection, info)

    async def release_due(self) -> None:
        """Queue the retries that are due."""
        await self._core.lifecycle.jobs.release_due()

    async def kill_orphans(self) -> None:
        """Kill processes that killed workers left on this machine."""
        await asyncio.to_thread(orphans.kill_orphans)

    async def hand_back_stalled(self) -> None:
        """Return claimed jobs that could not start: other workers may have a free slot."""
        self._stalled += self._executor.unqueue(older_than=STALLED_SECONDS)
        if self._stalled:
            logger.info("handing back %d jobs queued behind long ones", len(self._stalled))
            await self._core.lifecycle.jobs.hand_back(self._stalled, ran=False)
            self._stalled.clear()


async def run_periodically(
    seconds: float, service: Callable[[], Awaitable[None]], finished: asyncio.Event
) -> None:
    """Call ``service`` every ``seconds`` until ``finished``; log its errors and go on."""
    while not finished.is_set():
        try:
            await service()
        except (ServiceUnavailable, StreamLost) as error:
            logger.debug("%s is delayed: %s", service.__name__, error)
        except Exception:
            logger.exception("%s failed; it is repeated", service.__name__)
        await wait_or_timeout(finished, seconds)
