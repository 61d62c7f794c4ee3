"""One worker from start to shutdown."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import socket

from processing import repository
from processing.async_wait import cancel_and_wait, wait_or_timeout
from processing.core import Core
from processing.errors import ServiceUnavailable, StreamLost
from processing.lifecycle import Claimed
from processing.models import HandlerInfo
from processing.settings import Settings
from worker import cancellations, orphans
from worker.consumer import Consumer
from worker.executor import Executor
from worker.handlers import registry
from worker.limits import MIB, Limits
from worker.pool import Pool
from worker.recorder import Recorder
from worker.upkeep import Upkeep

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
GC_THRESHOLD = 10_000
PAUSE_SECONDS = 1.0


class Worker:
    """Puts the parts together and takes them apart again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._core = Core(settings, connections=4)
        limits = Limits(
            memory_bytes=settings.job_memory_mb * MIB,
            output_bytes=settings.job_output_mb * MIB,
            wall_seconds=settings.job_seconds,
            cpu_seconds=settings.job_cpu_seconds,
        )
        self._pool = Pool(settings.worker_slots, limits)
        self._recorder = Recorder(self._core.lifecycle, lambda: len(self._executor.running))
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._executor = Executor(
            self._pool,
            self._recorder,
            self._core.storage,
            limits,
            max_failures=settings.max_failures,
        )
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"

    def stop(self) -> None:
        """Stop claiming and finish; called again, hand running jobs back at once."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def run(self) -> None:
        """Work until :meth:`stop`, then leave nothing behind."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        self._core.storage.prepare()
        orphans.mark()
        self._pool.start()
        await self._introduce()
        consumer = Consumer(self._core, self._executor, self.name, self._stopping)
        upkeep = Upkeep(self._core, self._executor, self._pool, self.name)
        finished = asyncio.Event()
        tasks = [
            asyncio.create_task(service)
            for service in (
                self._recorder.run_ends(),
                self._recorder.run_progress(finished),
                upkeep.run(finished),
                cancellations.watch(self._core.cancellations, self._executor),
                self._pool.watch(),
            )
        ]
        # What is loaded by now stays: the garbage collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        logger.info("worker %s ready, %d slots", self.name, self._settings.worker_slots)
        consuming = asyncio.create_task(consumer.run())
        try:
            await _first_failure(consuming, *tasks)
        finally:
            self._stopping.set()
            await asyncio.wait((consuming,))
            unbegun = self._executor.withdraw(older_than=0)
            left = await self._finish_jobs()
            await self._end(tasks, finished)
            await self._say_goodbye(unbegun, left)

    async def _introduce(self) -> None:
        """Tell what we can do, once the database is there and migrated."""
        infos = []
        for name in registry.names():
            try:
                handler = registry.load(name)
            except Exception:
                # A broken package must not take the other handlers down with it.
                logger.exception("handler %s cannot be loaded and is not offered", name)
                continue
            schema = handler.options.model_json_schema()
            # A jsonb keeps no order, and a form should have the one that its author chose.
            schema["x-order"] = list(schema.get("properties", ()))
            infos.append(HandlerInfo(name, handler.title, handler.description, schema))
        while not self._stopping.is_set():
            try:
                async with self._core.database.connect() as connection:
                    await repository.upsert_handlers(connection, infos)
                return
            except ServiceUnavailable as error:
                logger.warning("waiting for %s: %s", error.service, error)
                await wait_or_timeout(self._stopping, PAUSE_SECONDS)

    async def _finish_jobs(self) -> list[Claimed]:
        """Give running jobs their grace period; return those that did not make it."""
        logger.info("stopping, %d jobs run", len(self._executor.running))
        idle = asyncio.create_task(self._executor.idle())
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait(
            (idle, hurry),
            timeout=self._settings.grace_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        hurry.cancel()
        left = [r.claimed for r in self._executor.running.values() if not r.revoked]
        for claimed in left:
            self._executor.revoke(claimed.job.id)
        await idle
        return left

    async def _end(self, tasks: list[asyncio.Task[None]], finished: asyncio.Event) -> None:
        """Let everything be written, then end the background tasks."""
        self._recorder.stop()
        finished.set()
        ends, progress, upkeep, *watchers = tasks
        for watcher in watchers:
            await cancel_and_wait(watcher)
        # Servers that are away cannot be waited for; what is unwritten is done again.
        await asyncio.wait((ends, progress, upkeep), timeout=DRAIN_SECONDS)
        for task in (ends, progress, upkeep):
            await cancel_and_wait(task)

    async def _say_goodbye(self, unbegun: list[Claimed], left: list[Claimed]) -> None:
        with contextlib.suppress(ServiceUnavailable, StreamLost):
            # Unreachable servers need no goodbye: the leases run out.
            await self._core.lifecycle.jobs.hand_back(unbegun, ran=False)
            await self._core.lifecycle.jobs.hand_back(left, ran=True)
            async with self._core.database.connect() as connection:
                await repository.delete_worker(connection, self.name)
            await self._core.lifecycle.jobs.release_deliveries(self.name)
        await self._pool.stop()
        await self._core.close()
        logger.info("stopped, %d jobs handed back", len(unbegun) + len(left))


async def _first_failure(consumer: asyncio.Task[None], *others: asyncio.Task[None]) -> None:
    """Return when the consumer ends; raise what ended any task before its time."""
    await asyncio.wait((consumer, *others), return_when=asyncio.FIRST_COMPLETED)
    for task in (consumer, *others):
        if task.done():
            task.result()
    if not consumer.done():
        raise RuntimeError("a background task of the worker ended")
