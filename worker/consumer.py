"""Reads deliveries from the job stream while there is capacity, and claims their files."""

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
        self._reclaimed_at = float("-inf")
        self._lost = asyncio.Event()
        self.name = name

    async def run(self) -> None:
        """Consume until ``stopping``; wait while a server is unavailable."""
        unavailable = False
        rebuilding = asyncio.create_task(self._rebuild_when_lost())
        self._stop = asyncio.create_task(self._stopping.wait())
        # The group may have been lost before this worker started.
        group_missing = True
        while not self._stopping.is_set():
            try:
                if group_missing and await self._core.jobs.ensure_group():
                    self._lost.set()
                group_missing = False
                await self._step()
                if unavailable:
                    logger.info("consuming again")
                unavailable = False
            except StreamLost as error:
                logger.warning("the job stream was lost, rebuilding it from the rows: %s", error)
                group_missing = True
                self._lost.set()
            except ServiceUnavailable as error:
                if not unavailable:
                    logger.warning("waiting for %s: %s", error.service, error)
                unavailable = True
                await wait_or_timeout(self._stopping, PAUSE_SECONDS)
        self._lost.set()
        await rebuilding

    async def _rebuild_when_lost(self) -> None:
        """Rebuild concurrently: the first jobs run before the last ones are queued."""
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
        capacity = await self._unless_stopping(self._executor.wait_for_capacity())
        if not capacity:
            return
        deliveries: list[Delivery] | None = await self._reclaim(capacity)
        if not deliveries:
            deliveries = await self._unless_stopping(self._core.jobs.read(self.name, capacity))
        if deliveries and not self._stopping.is_set():
            await self._claim(deliveries)

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, T]) -> T | None:
        """Wait for ``waiting``, or return None once the worker is stopping.

        A cancelled read may leave deliveries pending for us; they are requeued at the shutdown.
        """
        task = asyncio.create_task(waiting)
        await asyncio.wait((task, self._stop), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        await cancel_and_wait(task)
        return None

    async def _reclaim(self, count: int) -> list[Delivery]:
        # A third of the lease, so that a dead worker's jobs are found soon after it expires.
        if time.monotonic() - self._reclaimed_at < self._lease / 3:
            return []
        self._reclaimed_at = time.monotonic()
        deliveries = await self._core.jobs.reclaim(self.name, self._lease, count)
        # This worker could not renew its own jobs during an outage, but it has not lost them.
        entries = {held.entry_id for held in self._executor.held().values()}
        return [delivery for delivery in deliveries if delivery.entry_id not in entries]

    async def _claim(self, deliveries: list[Delivery]) -> None:
        # If PostgreSQL is unavailable they stay pending for us until a reclaim finds them.
        claims = await self._core.lifecycle.jobs.claim(
            deliveries,
            worker=self.name,
            lease_seconds=self._lease,
            max_failures=self._core.settings.max_failures,
        )
        for item in claims.started:
            logger.debug("file %d: attempt %d starts", item.job.id, item.job.attempt)
            self._executor.start(item)
        # The jobs already run while this is announced.
        await self._core.lifecycle.jobs.settle(claims)
