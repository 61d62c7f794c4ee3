"""Takes deliveries from the job stream whenever more work is welcome, and claims their files."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from processing.async_wait import cancel_and_wait, wait_or_timeout
from processing.core import Core
from processing.errors import ServiceUnavailable, StreamLost
from processing.jobs import Delivery
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
        self._lost = asyncio.Event()
        self.name = name

    async def run(self) -> None:
        """Consume until ``stopping``; what cannot be done now is done when it can."""
        away = False
        rebuilding = asyncio.create_task(self._rebuild_when_lost())
        self._stop = asyncio.create_task(self._stopping.wait())
        # A worker does not know what happened before it came: the group may be gone.
        missing = True
        while not self._stopping.is_set():
            try:
                if missing and await self._core.jobs.ensure_group():
                    self._lost.set()
                missing = False
                await self._step()
                if away:
                    logger.info("consuming again")
                away = False
            except StreamLost as error:
                logger.warning("the job stream is gone, rebuilding it from the rows: %s", error)
                missing = True
                self._lost.set()
            except ServiceUnavailable as error:
                if not away:
                    logger.warning("waiting for %s: %s", error.service, error)
                away = True
                await wait_or_timeout(self._stopping, PAUSE_SECONDS)
        self._lost.set()
        await rebuilding

    async def _rebuild_when_lost(self) -> None:
        """Rebuild beside the consuming: the first rows are at work before the last are queued."""
        while not self._stopping.is_set():
            await self._lost.wait()
            self._lost.clear()
            if self._stopping.is_set():
                return
            try:
                await self._core.recovery.rebuild()
            except (ServiceUnavailable, StreamLost) as error:
                logger.warning("cannot rebuild yet: %s", error)
                self._lost.set()
                await wait_or_timeout(self._stopping, PAUSE_SECONDS)

    async def _step(self) -> None:
        room = await self._unless_stopping(self._executor.room())
        if not room:
            return
        deliveries: list[Delivery] | None = await self._reclaim(room)
        if not deliveries:
            deliveries = await self._unless_stopping(self._core.jobs.read(self.name, room))
        if deliveries and not self._stopping.is_set():
            await self._take(deliveries)

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, T]) -> T | None:
        """Wait for ``waiting``, but not once we are to stop.

        A read that is cut off may leave deliveries in our name; who leaves the group returns them.
        """
        task = asyncio.create_task(waiting)
        await asyncio.wait((task, self._stop), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        await cancel_and_wait(task)
        return None

    async def _reclaim(self, room: int) -> list[Delivery]:
        # A third of the lease: a dead worker's jobs are found soon after their lease ends.
        if time.monotonic() - self._reclaimed < self._lease / 3:
            return []
        self._reclaimed = time.monotonic()
        return await self._core.jobs.reclaim(self.name, self._lease, room)

    async def _take(self, deliveries: list[Delivery]) -> None:
        # If PostgreSQL is away they stay pending in our name until the reclaim finds them.
        claims = await self._core.lifecycle.jobs.claim(
            deliveries,
            worker=self.name,
            lease_seconds=self._lease,
            max_failures=self._core.settings.max_failures,
        )
        for item in claims.started:
            logger.debug("file %d: attempt %d starts", item.job.id, item.job.attempt)
            self._executor.start(item)
        # The jobs are on their way while this is told.
        await self._core.lifecycle.jobs.settle(claims)
