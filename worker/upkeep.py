"""What a worker does every few seconds besides its jobs; a pass that fails does not end it."""

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
TIDY_SECONDS = 300.0
ORPHANS_SECONDS = 15.0
DUE_SECONDS = 1.0
SHOW_SECONDS = 2.0
WITHDRAW_SECONDS = 1.0


class Upkeep:
    """Heartbeat, due retries, the sweep of the stream and the tidying of the disk."""

    def __init__(self, core: Core, executor: Executor, pool: Pool, name: str) -> None:
        self._core = core
        self._executor = executor
        self._pool = pool
        self._name = name
        # Kept until it is written that they wait again.
        self._withdrawn: list[Claimed] = []

    async def run(self, finished: asyncio.Event) -> None:
        """Run every service until ``finished``."""
        services = (
            (self._core.settings.lease_seconds / 4, self.heartbeat),
            (SHOW_SECONDS, self.show),
            (DUE_SECONDS, self.release_due),
            (WITHDRAW_SECONDS, self.hand_back_waiting),
            (SWEEP_SECONDS, self._core.recovery.sweep),
            (TIDY_SECONDS, self._core.recovery.tidy),
            (ORPHANS_SECONDS, self.end_orphans),
        )
        async with asyncio.TaskGroup() as group:
            for seconds, service in services:
                group.create_task(_every(seconds, service, finished))

    async def heartbeat(self) -> None:
        """Renew what is ours, first in PostgreSQL; end what is not ours any more.

        The stream entry only after the row, and only of rows that are still ours: the other way
        round a worker that was paused would take its entry back from its successor.
        """
        held = self._executor.held()
        ours = await self._core.lifecycle.jobs.renew(
            held, worker=self._name, lease_seconds=self._core.settings.lease_seconds
        )
        for file_id in held.keys() - ours:
            running = self._executor.running.get(file_id)
            if running is not None and running.claimed.job.attempt == held[file_id]:
                logger.warning("file %d is no longer ours, its process ends", file_id)
                self._executor.revoke(file_id)
        running_now = self._executor.running
        entries = [running_now[i].claimed.delivery.entry_id for i in ours if i in running_now]
        await self._core.jobs.renew(self._name, entries)

    async def show(self) -> None:
        """Write that this worker lives and what it does."""
        info = WorkerInfo(
            name=self._name,
            slots=self._core.settings.worker_slots,
            running=len(self._executor.running),
            waits_for=self._pool.refusal,
        )
        async with self._core.database.connect() as connection:
            await repository.upsert_worker(connection, info)

    async def release_due(self) -> None:
        """Queue the retries whose time has come."""
        await self._core.lifecycle.jobs.release_due()

    async def end_orphans(self) -> None:
        """End what killed workers left running on this machine."""
        await asyncio.to_thread(orphans.end_orphans)

    async def hand_back_waiting(self) -> None:
        """Return jobs that were claimed and do not get to run: others may have room for them."""
        self._withdrawn += self._executor.withdraw(older_than=WITHDRAW_SECONDS)
        if self._withdrawn:
            logger.info("hand back %d jobs that waited behind long ones", len(self._withdrawn))
            await self._core.lifecycle.jobs.hand_back(self._withdrawn, ran=False)
            self._withdrawn.clear()


async def _every(
    seconds: float, service: Callable[[], Awaitable[None]], finished: asyncio.Event
) -> None:
    while not finished.is_set():
        try:
            await service()
        except (ServiceUnavailable, StreamLost) as error:
            logger.debug("%s has to wait: %s", service.__name__, error)
        except Exception:
            logger.exception("%s failed; it is tried again", service.__name__)
        await wait_or_timeout(finished, seconds)
