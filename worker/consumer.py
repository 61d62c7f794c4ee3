"""Takes deliveries from the job stream whenever a slot is free, and claims their files."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from processing.core import Core
from processing.errors import ServiceUnavailable, StreamLost
from processing.jobs import Delivery
from processing.waiting import cancel, pause
from worker.executor import Executor

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
T = TypeVar("T")


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
        await self._rebuild()
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
                await pause(self._stopping, PAUSE_SECONDS)

    async def _step(self) -> None:
        if not await self._unless_stopping(self._executor.wait_for_slot()):
            return
        deliveries: list[Delivery] | None = await self._reclaim()
        if not deliveries:
            deliveries = await self._unless_stopping(
                self._core.jobs.read(self.name, self._executor.free)
            )
        if deliveries and not self._stopping.is_set():
            await self._take(deliveries)

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, T]) -> T | None:
        """Wait for ``waiting``, but not once we are to stop.

        A read that is cut off may leave deliveries in our name; who leaves the group returns them.
        """
        task = asyncio.create_task(waiting)
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        await cancel(stop)
        if task.done():
            return task.result()
        await cancel(task)
        return None

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
            if requeued:
                logger.info("put %d files on the job stream", requeued)
        except ServiceUnavailable as error:
            logger.warning("cannot rebuild yet: %s", error)
            await pause(self._stopping, PAUSE_SECONDS)
