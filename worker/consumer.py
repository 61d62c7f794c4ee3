"""Takes deliveries from the job stream whenever a slot is free, and claims their files."""

import asyncio
import logging
import time

from processing.core import Core
from processing.errors import ServiceUnavailable, StreamLost
from processing.jobs import Delivery
from worker.executor import Executor

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


class Consumer:
    """One member of the consumer group; ``name`` is host:pid:random."""

    def __init__(self, core: Core, executor: Executor, name: str, stopping: asyncio.Event) -> None:
        self._core = core
        self._executor = executor
        self._stopping = stopping
        self._lease = core.settings.lease_seconds
        self._reclaimed = float("-inf")
        self.name = name

    async def run(self) -> None:
        """Consume until ``stopping``; what cannot be done now is done when it can."""
        away = False
        while not self._stopping.is_set():
            try:
                await self._step()
                if away:
                    logger.info("consuming again")
                away = False
            except StreamLost as error:
                logger.warning("the job stream is gone, rebuilding it from the rows: %s", error)
                await self._rebuild()
            except ServiceUnavailable as error:
                if not away:
                    logger.warning("waiting for %s: %s", error.service, error)
                away = True
                await self._pause()

    async def _step(self) -> None:
        slot, stop = (
            asyncio.ensure_future(waiting)
            for waiting in (self._executor.wait_for_slot(), self._stopping.wait())
        )
        await asyncio.wait((slot, stop), return_when=asyncio.FIRST_COMPLETED)
        slot.cancel()
        stop.cancel()
        if self._stopping.is_set():
            return
        deliveries = await self._reclaim() or await self._core.jobs.read(
            self.name, self._executor.free
        )
        if self._stopping.is_set():
            await self._core.jobs.put_back(deliveries)
        elif deliveries:
            await self._take(deliveries)

    async def _reclaim(self) -> list[Delivery]:
        # A third of the lease: a dead worker's jobs are found soon after their lease ends.
        if time.monotonic() - self._reclaimed < self._lease / 3:
            return []
        self._reclaimed = time.monotonic()
        return await self._core.jobs.reclaim(self.name, self._lease, self._executor.free)

    async def _take(self, deliveries: list[Delivery]) -> None:
        # If PostgreSQL is away they stay pending in our name until the reclaim finds them.
        claimed = await self._core.lifecycle.claim(
            deliveries,
            worker=self.name,
            lease_seconds=self._lease,
            max_failures=self._core.settings.max_failures,
        )
        for item in claimed:
            logger.info("file %d: attempt %d starts", item.file.id, item.file.attempt)
            self._executor.start(item)

    async def _rebuild(self) -> None:
        try:
            requeued = await self._core.recovery.requeue_missing()
            logger.info("rebuilt the job stream with %d files", requeued)
        except ServiceUnavailable as error:
            logger.warning("cannot rebuild yet: %s", error)
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._stopping.wait()
        except TimeoutError:
            pass
