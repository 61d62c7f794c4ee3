"""One worker, from its start to its shutdown."""

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
from worker.maintenance import Maintenance
from worker.pool import Pool
from worker.recorder import Recorder

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
GC_THRESHOLD = 10_000
PAUSE_SECONDS = 1.0


class Worker:
    """Builds the parts of a worker, runs them as tasks, and shuts them down in order."""

    def __init__(self, settings: Settings) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._settings = settings
        self._stopping = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._finished = asyncio.Event()
        self._core = Core(settings, connections=4)
        limits = Limits(
            memory_bytes=settings.job_memory_mb * MIB,
            output_bytes=settings.job_output_mb * MIB,
            wall_seconds=settings.job_seconds,
            cpu_seconds=settings.job_cpu_seconds,
        )
        self._pool = Pool(settings.worker_slots, limits)
        self._recorder = Recorder(self._core.lifecycle, lambda: len(self._executor.running))
        self._executor = Executor(
            self._pool,
            self._recorder,
            self._core.storage,
            limits,
            max_failures=settings.max_failures,
        )
        self._consumer = Consumer(self._core, self._executor, self.name, self._stopping)
        self._maintenance = Maintenance(self._core, self._executor, self._pool, self.name)

    def stop(self) -> None:
        """Stop claiming and finish; called again, hand running jobs back at once."""
        if self._stopping.is_set():
            self._stop_now.set()
        self._stopping.set()

    async def run(self) -> None:
        """Work until :meth:`stop`, then shut down."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        self._core.storage.prepare()
        orphans.mark()
        self._pool.start()
        await self._register_handlers()
        self._start_tasks()
        # Whatever is loaded by now stays, so the garbage collector need not traverse it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        logger.info("worker %s ready, %d slots", self.name, self._settings.worker_slots)
        try:
            await self._wait_until_stopped()
        finally:
            self._stopping.set()
            await asyncio.wait((self._consuming,))
            not_started = self._executor.unqueue(older_than=0)
            interrupted = await self._finish_jobs()
            await self._end_tasks()
            await self._deregister(not_started, interrupted)

    def _start_tasks(self) -> None:
        start = asyncio.create_task
        self._consuming = start(self._consumer.run(), name="consume jobs")
        # These end by themselves, once everything is written.
        self._writing_results = start(self._recorder.run_results(), name="write results")
        self._writing_progress = start(
            self._recorder.run_progress(self._finished), name="write progress"
        )
        self._maintaining = start(self._maintenance.run(self._finished), name="maintenance")
        # These are cancelled.
        self._watching_cancellations = start(
            cancellations.watch(self._core.cancellations, self._executor),
            name="watch cancellations",
        )
        self._watching_pool = start(self._pool.watch(), name="watch pool")

    async def _register_handlers(self) -> None:
        """Store which handlers this worker offers, once the database is available and migrated."""
        infos = []
        for name in registry.names():
            try:
                handler = registry.load(name)
            except Exception:
                # A broken package must not disable the other handlers.
                logger.exception("handler %s cannot be loaded and is not offered", name)
                continue
            schema = handler.options.model_json_schema()
            # A jsonb keeps no order, but a form shows the options in their author's order.
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

    async def _wait_until_stopped(self) -> None:
        """Return when the consumer ends; raise if any other task ended, or with its error."""
        tasks = (
            self._consuming,
            self._writing_results,
            self._writing_progress,
            self._maintaining,
            self._watching_cancellations,
            self._watching_pool,
        )
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        if self._consuming not in ended:
            names = ", ".join(task.get_name() for task in ended)
            raise RuntimeError(f"a task of the worker ended: {names}")

    async def _finish_jobs(self) -> list[Claimed]:
        """Give running jobs their grace period; kill and return those that exceed it."""
        logger.info("stopping, %d jobs run", len(self._executor.running))
        idle = asyncio.create_task(self._executor.wait_until_idle())
        stop_now = asyncio.create_task(self._stop_now.wait())
        await asyncio.wait(
            (idle, stop_now),
            timeout=self._settings.grace_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        stop_now.cancel()
        interrupted = [r.claimed for r in self._executor.running.values() if not r.revoked]
        for claimed in interrupted:
            self._executor.revoke(claimed.job.id)
        await idle
        return interrupted

    async def _end_tasks(self) -> None:
        """Let everything be written, then end the tasks."""
        self._recorder.stop()
        self._finished.set()
        await cancel_and_wait(self._watching_cancellations)
        await cancel_and_wait(self._watching_pool)
        writers = (self._writing_results, self._writing_progress, self._maintaining)
        # If a server stays unavailable, give up: another worker repeats the jobs not yet recorded.
        await asyncio.wait(writers, timeout=DRAIN_SECONDS)
        for task in writers:
            await cancel_and_wait(task)

    async def _deregister(self, not_started: list[Claimed], interrupted: list[Claimed]) -> None:
        """Hand jobs and deliveries back, delete this worker's row, close everything."""
        # If a server is unavailable, the leases expire instead.
        with contextlib.suppress(ServiceUnavailable, StreamLost):
            await self._core.lifecycle.jobs.hand_back(not_started, ran=False)
            await self._core.lifecycle.jobs.hand_back(interrupted, ran=True)
            async with self._core.database.connect() as connection:
                await repository.delete_worker(connection, self.name)
            await self._core.lifecycle.jobs.release_deliveries(self.name)
        await self._pool.stop()
        await self._core.close()
        logger.info("stopped, %d jobs handed back", len(not_started) + len(interrupted))
