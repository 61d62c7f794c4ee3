"""Whether PostgreSQL, Redis and the workers are available, as shown in the page's banner."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from processing import repository
from processing.async_wait import wait_or_timeout
from processing.core import Core
from processing.errors import ServiceUnavailable
from processing.models import WorkerInfo

logger = logging.getLogger(__name__)

PROBE_SECONDS = 2.0
# A worker sends a heartbeat every two seconds.
WORKER_SILENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """``unavailable``: servers that do not answer; ``waiting_for``: what workers wait for."""

    unavailable: tuple[str, ...] = ()
    waiting_for: tuple[str, ...] = ()
    no_workers: bool = False

    @property
    def degraded(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.unavailable or self.waiting_for or self.no_workers)


class ServiceMonitor:
    """Knows the current status, and announces every change of it."""

    def __init__(self, core: Core, announce: Callable[[ServiceStatus], Awaitable[None]]) -> None:
        self._core = core
        self._announce = announce
        self._available = {"Redis": True, "PostgreSQL": True}
        self._workers: Sequence[WorkerInfo] | None = None

    @property
    def status(self) -> ServiceStatus:
        """The status as last seen."""
        workers = self._workers or ()
        reasons = (worker.waits_for for worker in workers if worker.waits_for)
        return ServiceStatus(
            unavailable=tuple(name for name, answers in self._available.items() if not answers),
            waiting_for=tuple(dict.fromkeys(reasons)),
            no_workers=self._workers is not None and not workers,
        )

    async def report(self, service: str, *, available: bool) -> None:
        """Note whether ``service`` ("Redis" or "PostgreSQL") answered."""
        if self._available[service] == available:
            return
        self._available[service] = available
        logger.warning("%s is %s", service, "available again" if available else "unavailable")
        await self._announce(self.status)

    async def run(self, closing: asyncio.Event) -> None:
        """Probe PostgreSQL and list the live workers every few seconds until ``closing``."""
        while not closing.is_set():
            try:
                await self._probe()
            except ServiceUnavailable:
                await self.report("PostgreSQL", available=False)
            except Exception:
                logger.exception("probing PostgreSQL failed")
            await wait_or_timeout(closing, PROBE_SECONDS)

    async def _probe(self) -> None:
        async with self._core.database.connect() as connection:
            workers = await repository.list_workers(connection, WORKER_SILENT_SECONDS)
        await self.report("PostgreSQL", available=True)
        before, self._workers = self.status, tuple(workers)
        if self.status != before:
            await self._announce(self.status)
